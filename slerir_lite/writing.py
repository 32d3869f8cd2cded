"""A restored photo out, in the format that the name asks for, with all that its original had.

What a format can't hold (16 bits, transparency, EXIF) is left out and told, never silently. Floats become the
integers that the file will have part by part (`rounded`), be it here or already where they are made.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from . import sixteen
from .files import write_whole
from .metadata import fill_tiff
from .picture import Picture
from .values import as_integers, bands, grey

GOOD = 95  # JPEG's and WebP's quality, where the original's own is not higher
DPI = 65_535  # the most that a JPEG has room for
SEGMENT = 65_000  # bytes of EXIF, XMP or a comment that a JPEG has room for


@dataclass(frozen=True)
class Kind:
    """What a format can hold: 16 bits, transparency, grey as such, EXIF and the like; pixels along a side."""

    deep: bool
    alpha: bool
    grey: bool
    beside: bool
    side: int


KINDS = {
    "PNG": Kind(True, True, True, True, 2**31 - 1),
    "TIFF": Kind(True, True, True, True, 2**31 - 1),
    "WEBP": Kind(False, True, False, True, 16_383),
    "JPEG": Kind(False, False, True, True, 65_500),
    "BMP": Kind(False, False, True, False, 65_535),
}
NAMES = {"PNG": "PNG", "TIFF": "TIFF", "WEBP": "WebP", "JPEG": "JPEG", "BMP": "BMP"}  # as prose has them
ENDINGS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
    ".bmp": "BMP",
}  # fmt: skip
SUFFIXES = set(ENDINGS)


def write_photo(
    image: Tensor, path: str | Path, overwrite: bool = False, like: Picture | None = None
) -> list[str]:
    """Write (3, H, W) in [0, 1], clipped, in the format that the name's ending asks for; whole or not at all.

    like: the picture that it was made from, of the same height and width, whose transparency, bits, greyness,
    EXIF, colour profile, XMP and resolution it gets. Without it: 8 bits RGB, JPEG and WebP at quality 95.
    With it a JPEG's quality is never below the original's.

    Returns what the format could not hold, a sentence each. Raises ValueError for an unknown ending, for a
    tensor that is no photo or too large for the format, FileExistsError where `path` (perhaps the original)
    exists and `overwrite` is False, and OSError where it can't be written.
    """
    if image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point() or not image.numel():
        raise ValueError(
            f"A photo to write is a tensor (3, H, W) of floats, not {tuple(image.shape)} of {image.dtype}."
        )
    like = Picture(image) if like is None else like
    parts = [rounded(image[:, rows], path, like).permute(1, 2, 0) for rows in bands(image.shape[1])]
    return write_rounded(torch.cat(parts).permute(2, 0, 1), path, overwrite, like)


def rounded(image: Tensor, path: str | Path, like: Picture) -> Tensor:
    """(3, h, w) in [0, 1], a photo or a part of one -> (C, h, w) uint8 or uint16, as `path` will have it.

    C: 1 for grey, else 3. Raises ValueError for an unknown ending, and where the floats are not finite.
    """
    name = _format(path)
    if not bool(image.isfinite().all()):
        raise ValueError(f"{path} is not written: the photo holds NaN or infinity.")
    bits = like.bits if KINDS[name].deep else 8
    if like.grey:
        image = grey(image)
        if not KINDS[name].grey or (name == "TIFF" and bits == 16 and like.alpha is not None):
            image = image.expand(3, -1, -1)  # WebP has no grey; and such a TIFF even Pillow can't read
    return torch.from_numpy(as_integers(image, bits)).permute(2, 0, 1)


def write_rounded(image: Tensor, path: str | Path, overwrite: bool, like: Picture) -> list[str]:
    """As `write_photo`, from what `rounded` gave."""
    path, name, lost = Path(path), _format(path), []
    _check(image, path, name, like)
    pixels = _pixels(image, name, like, lost)
    beside = _beside(name, like, pixels, lost)
    write_whole(path, _encoded(pixels, name, like, beside), overwrite)
    return lost


def _format(path: str | Path) -> str:
    name = ENDINGS.get(Path(path).suffix.lower())
    if name is None:
        raise ValueError(
            f"{path} names no kind of image. Its ending must be one of {', '.join(sorted(SUFFIXES))}."
        )
    return name


def _check(image: Tensor, path: Path, name: str, like: Picture) -> None:
    if like.values.shape[1:] != image.shape[1:]:
        raise ValueError(
            f"The picture to be like is {like.values.shape[2]} x {like.values.shape[1]}, but the photo is "
            f"{image.shape[2]} x {image.shape[1]}."
        )
    if max(image.shape) > KINDS[name].side:
        raise ValueError(
            f"{path} is not written: {NAMES[name]} holds {KINDS[name].side:,} pixels along a side, and the "
            f"photo is {image.shape[2]:,} x {image.shape[1]:,}. Name the output .png or .tif."
        )


def _pixels(image: Tensor, name: str, like: Picture, lost: list[str]) -> np.ndarray:
    """(H, W, C) uint8 or uint16; C: grey, grey + alpha, RGB, RGBA."""
    kind = KINDS[name]
    if like.bits == 16 and not kind.deep:
        lost.append(f"{NAMES[name]} holds 8 bits a channel, so the 16 were rounded; .png or .tif keeps them.")
    pixels = image.permute(1, 2, 0).numpy()
    if like.alpha is None:
        return pixels
    if not kind.alpha:
        lost.append(f"{NAMES[name]} holds no transparency, so it was left out; .png or .tif keeps it.")
        return pixels
    alpha = like.alpha
    if alpha.dtype == np.uint16 and pixels.dtype == np.uint8:
        alpha = np.rint(alpha / 257).astype(np.uint8)
    elif alpha.dtype == np.uint8 and pixels.dtype == np.uint16:
        alpha = alpha.astype(np.uint16) * 257
    return np.concatenate([pixels, alpha[..., None]], 2)


def _beside(name: str, like: Picture, pixels: np.ndarray, lost: list[str]) -> dict:
    """Of EXIF, colour profile, XMP and resolution what the format holds, as {"exif": bytes, ...}."""
    names = {"exif": "EXIF", "icc": "colour profile", "xmp": "XMP"}
    found = {key: getattr(like, key) for key in names if getattr(like, key)}
    if found and not KINDS[name].beside:
        what = ", ".join(names[key] for key in found)
        lost.append(f"{NAMES[name]} holds no {what}; .png, .jpg or .tif does.")
        found = {}
    if pixels.shape[2] > 2 and found.get("icc", b"")[16:20] == b"GRAY":
        lost.append("The colour profile is one for grey and was left out, as the file is written in colour.")
        del found["icc"]
    for key in ("exif", "xmp"):
        if name == "JPEG" and len(found.get(key, b"")) > SEGMENT:
            lost.append(f"The {names[key]} block is too long for a JPEG and was left out.")
            del found[key]
    if name == "JPEG" and len(like.words.get("Comment", "").encode()) > SEGMENT:
        lost.append("The comment is too long for a JPEG, so only its beginning is kept.")
    held = {"PNG": like.words.keys(), "JPEG": {"Comment"}}.get(name, ())
    if words := ", ".join(word for word in like.words if word not in held):
        lost.append(f"{NAMES[name]} holds no texts ({words}), so they were left out; .png keeps them.")
    dpi = like.dpi
    if name == "JPEG" and dpi and max(dpi) > DPI:
        lost.append(f"JPEG holds no resolution above {DPI:,} dpi, so it was left out.")
        dpi = None
    return found | ({"dpi": dpi} if dpi else {})


def _encoded(pixels: np.ndarray, name: str, like: Picture, beside: dict) -> bytes:
    if name == "TIFF":
        full = dict.fromkeys(("exif", "icc", "xmp", "dpi")) | beside
        return sixteen.tiff(pixels, lambda tags: fill_tiff(tags, **full))
    options = {{"icc": "icc_profile"}.get(key, key): value for key, value in beside.items()}
    if name == "PNG":
        texts = PngImagePlugin.PngInfo()
        for word, text in like.words.items():
            texts.add_itxt(word, text)
        if xmp := options.pop("xmp", None):
            texts.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        options["pnginfo"] = texts
        if pixels.dtype == np.uint16:
            return sixteen.png(pixels, **options)
    elif name == "JPEG":  # colour at full resolution: what was restored is not blurred again
        options |= {"quality": max(GOOD, like.quality or 0), "subsampling": 0}
        options["comment"] = _cut(like.words.get("Comment", ""))
    elif name == "WEBP":  # exact: what lies under full transparency is kept too
        options |= {"quality": GOOD, "lossless": like.lossless, "exact": True}
        options.pop("dpi", None)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, name, **options)
    return file.getvalue()


def _cut(text: str) -> bytes:
    """UTF-8, no longer than a JPEG has room for (Pillow would try for ever), and no character is halved."""
    return text.encode()[:SEGMENT].decode(errors="ignore").encode()
