"""Maps of the two senses and of the guide: where each says something else than it mostly says there.

Each map is `guide_map.departure`: the distance from the photo's median, divided by the median's length.
In a contact sheet a row of maps shares its colour scale, so that photos can be compared; over a photo of its
own, a map is drawn up to its own largest value.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from ..photo import as_bytes
from .guide_map import departure
from .senses import Heard
from .style import INK, WIDTH, canvas, colour_bar, head, plain

FAINT = 0.05  # where a map is nowhere above, it is drawn dark, and not blown up to full contrast
ROWS = {"far": "global sense", "local": "local sense", "guide": "guide"}


def maps(heard: Heard) -> dict[str, np.ndarray]:
    """{"far": (8, 8), "local": (h, w), "guide": (h, w)}, 0 where a sense says what it mostly says."""
    return {name: departure(getattr(heard, name)) for name in ROWS}


def coloured(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(h, w) -> (height, width, 3) uint8: dark blue for 0, yellow for the map's largest value."""
    rows = np.arange(height) * values.shape[0] // height
    columns = np.arange(width) * values.shape[1] // width
    colours = colormaps["cividis"](values / strongest(values), bytes=True)[..., :3]
    return colours[rows][:, columns]


def over(photo: Tensor, values: np.ndarray) -> np.ndarray:
    """The map (h, w) in its colours, half and half with the photo (3, H, W) -> (H, W, 3) uint8."""
    both = as_bytes(photo).astype(np.uint16) + coloured(values, *photo.shape[1:])
    return (both // 2).astype(np.uint8)


def strongest(*values: np.ndarray) -> float:
    """The largest value of all maps, and at least `FAINT`: what is drawn in yellow."""
    return max(FAINT, *(float(v.max()) for v in values))


def contact_sheet(
    photos: Sequence[Tensor],
    heard: Sequence[Heard],
    columns: Sequence[str],
    title: str,
    masks: Sequence[Tensor],
) -> Figure:
    """A column a photo (3, H, W), all of one size: the photo, and under it the three maps of what is heard.

    columns: what stands over each; masks: for each, (H, W) from 0 to 1, ringed where it passes 0.5.
    Raises ValueError where numbers or sizes differ.
    """
    sizes = {x.shape[-2:] for x in (*photos, *masks)}
    if not len(photos) == len(heard) == len(columns) == len(masks) > 0 or len(sizes) > 1:
        raise ValueError(
            f"One heading and one mask a photo, and one size for all: {len(columns)} headings, {len(masks)} "
            f"masks, {len(photos)} photos, {len(heard)} of them listened to."
        )
    height, width = photos[0].shape[1:]
    each = (WIDTH - 130) / max(4, len(photos))
    figure = canvas(4 * (each * height / width + 12) + 75, min(WIDTH, each * len(photos) + 130))
    axes = figure.subplots(4, len(photos), squeeze=False)
    figure.suptitle(title, color=INK, fontsize=11, fontweight="bold")
    for ax, photo, over in zip(axes[0], photos, columns, strict=True):
        ax.imshow(as_bytes(photo), extent=(0, width, height, 0))
        head(ax, over, "normal")
    drawn = [maps(said) for said in heard]
    how = dict(extent=(0, width, height, 0), cmap="cividis", vmin=0, interpolation="nearest")
    for row, name in zip(axes[1:], ROWS, strict=True):
        most = strongest(*(each_map[name] for each_map in drawn))
        for ax, each_map in zip(row, drawn, strict=True):
            image = ax.imshow(each_map[name], vmax=most, **how)
        colour_bar(figure, image, row, "unlikeness (1)")
    for row, name in enumerate(("photo", *ROWS.values())):
        axes[row, 0].set_ylabel(f"{name}\ny (pixels)")
    for column, mask in zip(axes.T, masks, strict=True):
        for ax in column:
            # Light on dark, so that the ring is seen on any photo and any map.
            for colour, thick in (("black", 2.2), ("white", 1.0)):
                ax.contour(
                    np.asarray(mask.cpu()),
                    [0.5],
                    colors=colour,
                    linewidths=thick,
                    extent=(0, width, 0, height),
                )
    for ax in axes.flat:
        plain(ax)
        ax.set_xticks((0, width) if ax in axes[-1] else ())
        ax.set_yticks((0, height) if ax in axes[:, 0] else ())
    for ax in axes[-1]:
        ax.set_xlabel("x (pixels)")
    return figure
