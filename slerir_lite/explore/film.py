"""A film without a player: frames in one PNG, which plays wherever a picture is shown.

A notebook's viewers agree on PNG alone. What holds a GIF is not shown by nbconvert (its issue 2270), and so
not by GitHub; a video or plotly's frames need JavaScript. An animated PNG (APNG) counts as a PNG throughout,
and a viewer that doesn't know the animation shows its first frame.
"""

import base64
import io
from collections.abc import Iterable

import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from .labels import unlabelled
from .show import interactive

SHADES = 17  # levels of each colour and of transparency: enough for drawings, and a third of the bytes
PAUSE = 2500  # milliseconds on the last frame, before the film begins again


def play(frames: Iterable[Figure], alt: str, milliseconds: int = 120, figure=None) -> None:
    """Display frames as a film, and below it, if given, an `Interactive` of the same.

    frames: matplotlib figures of one size, each with a title and labels, see `show`. Each is drawn before
    the next is asked for, so that all may be one figure which changes.
    alt: what is seen to happen. Raises ValueError where it is empty, and for a frame that `show` refuses.
    """
    if not alt.strip():
        raise ValueError("A film needs alt text: one or two sentences that say what is seen to happen.")
    encoded = base64.b64encode(apng(frames, milliseconds)).decode()
    display({"image/png": encoded, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)
    if figure is not None:
        interactive(figure)


def apng(frames: Iterable[Figure], milliseconds: int = 120) -> bytes:
    """The frames in one animated PNG that plays again and again; the same bytes for the same frames."""
    pictures = [_drawn(frame, number) for number, frame in enumerate(frames, 1)]
    if not pictures or len({p.size for p in pictures}) > 1:
        raise ValueError(f"Frames must be of one size; these are {sorted({p.size for p in pictures})}.")
    pictures = _indexed(pictures)
    file = io.BytesIO()
    lasting = [milliseconds] * (len(pictures) - 1) + [PAUSE]
    # Frames replace one another; blended, what is transparent would let the one before show through.
    how = {"save_all": True, "append_images": pictures[1:], "duration": lasting, "loop": 0}
    pictures[0].save(file, "PNG", **how, disposal=0, blend=0)
    return file.getvalue()


def _indexed(pictures: list[Image.Image]) -> list[Image.Image]:
    """The same in one palette of all their colours, half as large. With more than 256 they stay."""
    pixels = np.stack([np.asarray(p) for p in pictures])
    colours, numbers = np.unique(pixels.view(np.uint32), return_inverse=True)
    if len(colours) > 256:
        return pictures
    found = [Image.fromarray(n.astype(np.uint8)) for n in numbers.reshape(pixels.shape[:3])]
    for picture in found:
        picture.putpalette(colours.tobytes(), "RGBA")
    return found


def _drawn(frame: Figure, number: int) -> Image.Image:
    """The figure's pixels, in few shades."""
    if unsaid := unlabelled(frame):
        raise ValueError(f"Frame {number} needs a title and labelled axes: {'; '.join(unsaid)}.")
    canvas = FigureCanvasAgg(frame)
    canvas.draw()
    step = 255 / (SHADES - 1)
    pixels = np.round(np.round(np.asarray(canvas.buffer_rgba()) / step) * step).astype(np.uint8)
    pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels, "RGBA")
