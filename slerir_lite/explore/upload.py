"""A button for a photo of one's own: what it was given is read, looked at, and shown, or refused in words."""

import tempfile
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

import ipywidgets as widgets
import torch.nn.functional as F
from torch import Tensor

from ..photo import read_photo
from .show import img

LONGEST = 4096  # px: larger photos are scaled down first, so that a laptop needs seconds and not minutes


class Upload:
    """An upload button and, below it, what `look` makes of the photo. Display `.box`.

    look: (photo (3, H, W) in [0, 1], its file name) -> pairs (matplotlib figure, alt text), drawn one by one.
    What it raises, and a file that is no photo, are said in the box, which goes on working.

    box: the widget; photo, name: the last photo that was accepted, or None.
    """

    def __init__(self, look: Callable[[Tensor, str], Iterable], longest: int = LONGEST):
        self.look, self.longest = look, longest
        self.photo: Tensor | None = None
        self.name: str | None = None
        self.button = widgets.FileUpload(accept="image/*", multiple=False, description="Your photo")
        self.button.layout.width = "16em"
        self.message = widgets.HTML(
            "JPEG, PNG, WebP, TIFF or BMP, up to 10 MB. It stays on the machine that runs this."
        )
        self.pictures = widgets.VBox([])
        self.box = widgets.VBox([self.button, self.message, self.pictures])
        self.box.add_class("slerir-upload")
        self.button.observe(self._arrived, "value")

    def _arrived(self, change) -> None:
        for name, content in uploaded(change["new"]):
            self.take(name, content)

    def take(self, name: str, content: bytes) -> None:
        """What the button does with a file."""
        self.pictures.children = ()
        self._say(f"{name}: working …")
        try:
            photo = photo_from_bytes(name, content)
        except (ValueError, OSError) as error:
            self._say(str(error))
            return
        self.photo, self.name = smaller(photo, self.longest), name
        height, width = photo.shape[1:]
        said = f"{name}, {width} × {height} pixels"
        if self.photo.shape != photo.shape:
            said += f", scaled down to {self.photo.shape[2]} × {self.photo.shape[1]}"
        try:
            made = [widgets.HTML(img(figure, alt)) for figure, alt in self.look(self.photo, name)]
        except BaseException as error:  # whatever a learner's own network raises; or ■
            self._say(f"{said}. That went wrong: {type(error).__name__}: {error}".removesuffix(": "))
            if not isinstance(error, Exception):
                raise
            return
        self.pictures.children = made
        self._say(f"{said}.")

    def _say(self, text: str) -> None:
        self.message.value = f'<span role="status">{escape(text)}</span>'


def uploaded(value) -> list[tuple[str, bytes]]:
    """(name, content) of each file in a FileUpload's value, of ipywidgets 7 (a dict) or 8 (a tuple)."""
    if isinstance(value, dict):
        return [(name, bytes(file["content"])) for name, file in value.items()]
    return [(file["name"], bytes(file["content"])) for file in value]


def photo_from_bytes(name: str, content: bytes) -> Tensor:
    """(3, H, W) in [0, 1]. Raises ValueError, which calls the file by its name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        path.write_bytes(content)
        try:
            return read_photo(path)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from None


def smaller(photo: Tensor, longest: int) -> Tensor:
    """(3, H, W) with no edge longer than `longest`; averaged down, so that nothing flickers."""
    height, width = photo.shape[1:]
    share = longest / max(height, width)
    if share >= 1:
        return photo
    size = (max(1, round(height * share)), max(1, round(width * share)))
    small = F.interpolate(photo[None], size, mode="bilinear", antialias=True, align_corners=False)
    return small[0].clamp(0, 1)
