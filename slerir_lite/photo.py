"""A photo, whatever it comes as, becomes a (3, H, W) tensor in [0, 1]; and a tensor becomes a file.

picture = read_picture("photo.tif")
write_photo(restore(picture).image, "restored.tif", like=picture)  # EXIF, transparency, 16 bits kept
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from .picture import Picture, Refused, from_pil
from .reading import read_picture
from .values import as_bytes, as_floats, checked, from_array, from_tensor
from .writing import SUFFIXES, write_photo

__all__ = [
    "SUFFIXES", "Picture", "as_bytes", "as_photo", "list_photos", "read_photo", "read_picture", "write_photo"
]  # fmt: skip

ACCEPTED = (
    "a path, a PIL image, a Picture, an array (H, W, 3) or (H, W) of uint8, uint16 or floats in [0, 1], "
    "or a tensor (3, H, W) or (1, 3, H, W) of floats in [0, 1]"
)


def as_photo(photo) -> Tensor:
    """(3, H, W) float32 in [0, 1], from a path, a PIL image, an array or a tensor (see `ACCEPTED`).

    Raises as `values_of`.
    """
    return as_floats(values_of(photo)).contiguous()


def values_of(photo) -> Tensor:
    """As `as_photo`, but integers stay what they are (see `Picture.values`), not to be changed.

    Raises TypeError for another type or dtype, ValueError for another shape or for values that are not
    finite or not in range, and what `read_photo` raises.
    """
    if isinstance(photo, str | Path):
        return read_picture(photo).values
    if isinstance(photo, Picture):
        return from_tensor(photo.values) if photo.values.is_floating_point() else checked(photo.values)
    if isinstance(photo, Image.Image):
        try:
            return from_pil(ImageOps.exif_transpose(photo)).values
        except Refused as error:
            raise ValueError(f"The image {error}") from error
    if isinstance(photo, np.ndarray):
        return from_array(photo)
    if isinstance(photo, Tensor):
        return from_tensor(photo)
    raise TypeError(f"A photo is {ACCEPTED}; this is a {type(photo).__name__}.")


def read_photo(path: str | Path) -> Tensor:
    """(3, H, W) float32 in [0, 1], upright (EXIF orientation applied); transparency is dropped.

    Raises what `read_picture` raises.
    """
    return read_picture(path).pixels


def list_photos(folder: str | Path) -> list[Path]:
    """The image files in a folder, sorted by name. Raises FileNotFoundError with what to do instead."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder. Give the folder that holds your photos.")
    # Hidden files are none of the user's: macOS leaves ._photo.jpg, which holds no photo, on foreign disks.
    there = (f for f in folder.iterdir() if not f.name.startswith("."))
    files = sorted(f for f in there if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise FileNotFoundError(f"{folder} holds no photos ({', '.join(sorted(SUFFIXES))}).")
    return files
