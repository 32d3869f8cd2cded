"""A folder of photos as a crowd: what each shows is in its file's name."""

import re
from pathlib import Path

from torch import Tensor

from ..photo import list_photos, read_photo
from .upload import smaller


def labelled_photos(folder, longest: int = 320) -> tuple[list[Tensor], list[str]]:
    """(photos (3, H, W) in [0, 1], their labels), in the order of the files' names; see `label`.

    longest: px, to which photos are scaled down. Raises FileNotFoundError where there is no folder or no
    photo in it, and ValueError for a file that only looks like a photo.
    """
    files = list_photos(Path(folder).expanduser())
    return [smaller(read_photo(file), longest) for file in files], [label(file.stem) for file in files]


def label(stem: str) -> str:
    """What stands after the last "__" of a file's name without its ending ("pavilion__haze+rain"), else the
    name without the number at its end ("rain_012", "rain (3)"); "photo", where only a number is left."""
    name = stem.rpartition("__")[2]
    return re.sub(r"[\s_.-]*\(?\d+\)?$", "", name) or "photo"
