"""Before and after under one slider, with a region to look at closely.

    Slider(hazy, restored, "hazy", "restored")

Both photos lie on top of each other; the slider says how much of the width shows the one before. It all
happens in the page, without Python. Where no widget runs, `compare.before_and_after` gives a static figure.

Photos of up to `MOST` bytes are shown without loss, larger ones as JPEG: the slider's state holds both, and
so does a notebook that is saved with its widgets.
"""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from ..photo import as_photo
from .compare import score
from .painter import page
from .pixels import small_source

MOST = 100_000  # bytes, of each photo


class Slider(anywidget.AnyWidget):
    """before, after: photos of one size, as `as_photo` takes them, with their names.

    clean: puts PSNR beside the names. Raises ValueError for photos of different sizes.
    """

    before = traitlets.Dict().tag(sync=True)
    after = traitlets.Dict().tag(sync=True)
    _esm = page("slider.js")
    _css = Path(__file__).with_name("slider.css")

    def __init__(self, before, after, name_before="before", name_after="after", clean=None, **more):
        photos = [as_photo(p) for p in (before, after, clean) if p is not None]
        if len({p.shape for p in photos}) > 1:
            sizes = ", ".join(f"{p.shape[2]} × {p.shape[1]}" for p in photos)
            raise ValueError(f"The photos must have one size; these are {sizes} pixels.")
        told = []
        for photo, name in zip(photos, (name_before, name_after), strict=False):
            gained = "" if clean is None else score(_rows(photo), _rows(photos[2]))
            told.append({"name": f"{name}{gained}", "src": small_source(photo, MOST)})
        super().__init__(before=told[0], after=told[1], **more)
        self.add_class("slerir-slider")


def _rows(photo) -> np.ndarray:
    """(3, H, W) -> (H, W, 3), as `score` takes it."""
    return np.asarray(photo.permute(1, 2, 0))
