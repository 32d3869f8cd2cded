"""A photo with all that its file had: pixels in RGB, transparency, bits, EXIF, colour profile.

What can't be kept as it was is told in `notes`. Pixels stay the integers that the file had: as floats a large
photo would take four times the memory, so these are made part by part, where they are needed.
"""

import io
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageCms
from torch import Tensor

from .values import as_floats, bands, from_array

GREY = {"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}


@dataclass(frozen=True, eq=False)
class Picture:
    """A photo as its file had it, upright; H x W pixels.

    values: (3, H, W) uint8 or uint16, 0 to white, or float32 in [0, 1]; three equal ones may share memory
    alpha: (H, W) uint8 or uint16, or None; bits: 8 or 16 a channel
    grey: no colours in the file; quality: a JPEG's, 1 to 100
    lossless: a WebP without loss; exif, icc, xmp: blocks to write again, or None; dpi: (x, y) or None
    words: a PNG's texts by their names, and a JPEG's comment as "Comment"
    notes: what of the file is not in here, or is changed, a sentence each
    """

    values: Tensor
    alpha: np.ndarray | None = None
    bits: int = 8
    grey: bool = False
    quality: int | None = None
    lossless: bool = False
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    words: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def pixels(self) -> Tensor:
        """(3, H, W) float32 in [0, 1], made anew at each asking, as keeping them would take the memory."""
        return as_floats(self.values).contiguous()


class Refused(ValueError):
    """The rest of a sentence that starts with the file's name."""


def from_pil(image: Image.Image, deep: np.ndarray | None = None) -> Picture:
    """A loaded, upright PIL image; deep: (H, W, C) uint16, its pixels with all their bits where it has fewer.

    Only values, alpha, bits, grey, icc and notes are set.
    """
    notes, icc, mode = [], image.info.get("icc_profile") or None, image.mode
    if deep is None and mode in ("I", "F") or mode.startswith("I;16"):
        pixels, alpha = _deep_grey(image), None
        key = image.info.get("transparency")
        if isinstance(key, int) and mode != "F":
            alpha = np.where(np.asarray(image) == key, 0, 65535).astype(np.uint16)
        if mode == "F":
            notes.append("32 bits a pixel are kept as 16.")
        return Picture(pixels, alpha, 16, True, icc=icc, notes=tuple(notes))
    if deep is not None:
        colours = deep.shape[2] - (deep.shape[2] in (2, 4))
        alpha = deep[..., -1] if deep.shape[2] in (2, 4) else None
        key = image.info.get("transparency")
        if alpha is None and isinstance(key, tuple) and len(key) == colours:
            alpha = np.where((deep == key).all(-1), 0, 65535).astype(np.uint16)
        pixels = deep[..., 0] if colours == 1 else deep[..., :3]
        return Picture(from_array(pixels), alpha, 16, colours == 1, icc=icc)

    if mode in ("CMYK", "LAB"):
        image, icc, note = _to_rgb(image, icc)
        notes.append(note)
    see_through = image.has_transparency_data
    grey = mode in GREY
    mode = ("LA" if grey else "RGBA") if see_through else "L" if grey else "RGB"
    pixels = _array(image, mode)
    alpha = pixels[..., -1].copy() if see_through else None
    if see_through:
        pixels = pixels[..., 0] if grey else pixels[..., :3]
    return Picture(from_array(pixels), alpha, 8, grey, icc=icc, notes=tuple(notes))


def _array(image: Image.Image, mode: str) -> np.ndarray:
    """(H, W) or (H, W, C) uint8, the image in that mode; in bands, as Pillow makes copies on the way."""
    pixels = np.empty((image.height, image.width, len(mode)), np.uint8)
    for rows in bands(image.height):
        band = image.crop((0, rows.start, image.width, rows.stop))
        pixels[rows] = np.asarray(band.convert(mode)).reshape(pixels[rows].shape)
    return pixels if len(mode) > 1 else pixels[..., 0]


def _deep_grey(image: Image.Image) -> Tensor:
    """(3, H, W), from one channel of 16 or 32 bits."""
    a = np.asarray(image)
    if image.mode == "F":
        try:
            return from_array(a)
        except ValueError as error:
            raise Refused(f"holds no brightness in [0, 1]. {error}") from error
    if a.size and (a.min() < 0 or a.max() > 65535):
        raise Refused("holds 32-bit integers, which have no agreed white. Save it with 8 or 16 bits.")
    return from_array(a.astype(np.uint16))


def _to_rgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, bytes | None, str]:
    """From ink or Lab to sRGB, through the file's own profile where it has a usable one."""
    kind, target = image.mode, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    try:
        source = ImageCms.createProfile("LAB") if image.mode == "LAB" else None
        if source is None and icc is not None:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if source is not None:
            image = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            return image, target.tobytes(), f"{kind} is converted to sRGB."
    except (ImageCms.PyCMSError, OSError):
        pass
    return image.convert("RGB"), None, "CMYK without a usable profile is converted to RGB by rule of thumb."
