"""A photo's file in, as a `Picture`: the first frame of JPEG, PNG, WebP, TIFF, BMP, GIF or PPM, upright.

A header is checked before anything is decoded, and whatever a decoder raises becomes one sentence that says
what to do.
"""

import io
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from . import sixteen
from .metadata import (
    SIDEWAYS,
    jpeg_quality,
    kept_exif,
    kept_words,
    left_out,
    turn_of,
    upright_xmp,
    webp_is_lossless,
)
from .picture import Picture, Refused, from_pil

# With JPEG comes MPO, JPEGs in one file. No others: some start programs (EPS), some are no photos.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM")
LARGEST = 250_000_000  # pixels; above Pillow's own limit, as there are cameras with 200 million
PLANAR, BITS, WHITE, RESOLUTION = 284, 258, 262, 282  # TIFF's tags
REDUCED, DNG = 254, 50706
_opening = threading.Lock()


def read_picture(path: str | Path) -> Picture:
    """Read a photo's file.

    Raises FileNotFoundError, PermissionError, or ValueError with the file's name and what to do: for a
    folder, an empty file, something that is not an image, a damaged, cut-off or gigantic image.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a photo in it.")
    if not path.is_file():  # a pipe or a device could be read without end
        raise ValueError(f"{path} is not a file. Copy the photo to one.")
    try:
        data = path.read_bytes()
    except PermissionError as error:
        raise PermissionError(f"{path} may not be read. Change its permissions, or copy it.") from error
    if not data:
        raise ValueError(f"{path} is empty (0 bytes). Copy or download it again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is to be said of the file is said in an error or a note
            return _picture(data)
    except UnidentifiedImageError as error:
        hint = " It is a HEIC or AVIF photo: export it as JPEG." if data[4:8] == b"ftyp" else ""
        if data[:4] in (b"II*\0", b"MM\0*"):
            hint = " It is a TIFF of a rare kind, or a raw photo: save it with 8 or 16 bits a channel."
        raise ValueError(
            f"{path} is not an image that can be read. JPEG, PNG, WebP, TIFF and BMP can.{hint}"
        ) from error
    except Refused as error:
        raise ValueError(f"{path} {error}") from error
    except Exception as error:  # on damaged bytes decoders raise nearly anything
        if isinstance(error, MemoryError) or "allocate memory" in str(error):  # the latter is torch's
            raise ValueError(f"{path} needs more memory than there is. Scale it down first.") from error
        raise ValueError(f"{path} is damaged or cut off ({error}). Copy or download it again.") from error


def size_of(path: Path) -> tuple[int, int] | None:
    """(width, height) as the file's header tells, which is quick; None where it doesn't."""
    try:
        with open(path, "rb") as file, _open(file) as image:
            return image.size
    except Exception:  # on damaged bytes decoders raise nearly anything
        return None


def _picture(data: bytes) -> Picture:
    image = _open(data)
    name, notes = image.format, []
    if (frames := _frames(image)) > 1:
        notes.append(f"It holds {frames} pictures; only the first is restored.")
    mode, most = sixteen.raw_mode(image), _most(image)
    deep = sixteen.is_deep(image)
    if name == "TIFF" and image.tag_v2.get(PLANAR) == 2 and image.tag_v2.get(BITS, (8,))[0] == 16:
        raise Refused("keeps 16 bits plane by plane, which can't be read. Save it interleaved.")
    if name == "TIFF" and (image.tag_v2.get(REDUCED, 0) & 1 or DNG in image.tag_v2):
        raise Refused("begins with the small preview of a raw photo. Develop it to TIFF or JPEG first.")
    if mode.startswith("I;32") or (mode.startswith("I;16") and mode.endswith("S")):  # S: signed
        kind = "32-bit" if mode.startswith("I;32") else "signed 16-bit"
        raise Refused(f"holds {kind} integers, which have no agreed white. Save it with 8 or 16 bits.")
    quality = jpeg_quality(image) if name in ("JPEG", "MPO") else None
    turn = image.tag_v2.get(ExifTags.Base.Orientation, 1) if name == "TIFF" else 1  # undone in loading
    image.load()
    sideways = bool({turn, turn_of(image)} & SIDEWAYS)
    turned = _upright(image, notes)
    full = None
    if deep:
        full = sixteen.join(turned, _upright(sixteen.low_bytes(_open(data)), []), mode)
    elif mode.endswith((";16B", ";16L", ";16N")) and not mode.startswith("I"):
        notes.append("16 bits a channel are read as 8, as its kind of colour can't be read otherwise.")
    elif name == "PPM" and mode == "RGB" and most > 255:
        notes.append("16 bits a channel are read as 8, as a colour PPM's can't be read otherwise.")
    found = from_pil(turned, full)
    if name == "TIFF" and mode.startswith("I;16") and image.tag_v2.get(WHITE) == 0:
        found = replace(found, values=_inverted(found.values))
    elif mode.startswith("I;12"):
        found = replace(found, values=_widened(found.values))
    try:
        exif = kept_exif(image, turned.size, sideways)
    except Exception:  # Pillow raises nearly anything on damaged EXIF; the photo itself is whole
        exif = None
        notes.append("Its EXIF block is damaged and left out.")
    xmp = turned.info.get("xmp")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    told = name != "TIFF" or RESOLUTION in image.tag_v2  # else Pillow makes up 1 dpi
    return Picture(
        found.values,
        found.alpha,
        found.bits,
        found.grey,
        quality,
        name == "WEBP" and webp_is_lossless(data),
        exif,
        found.icc,
        upright_xmp(xmp) if isinstance(xmp, bytes) and xmp else None,
        _dpi(turned.info.get("dpi"), sideways) if told else None,
        kept_words(image),
        (*notes, *left_out(image), *found.notes),
    )


def _open(data: bytes | BinaryIO) -> Image.Image:
    """The header, checked, with nothing decoded yet."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with _opening:  # Pillow knows one limit for everybody; here another holds, for as long as opening takes
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(file, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    width, height = image.size
    if width * height > LARGEST:
        raise Refused(
            f"is too large: its header says {width:,} x {height:,} pixels, and {LARGEST:,} is the most that "
            "is read. Scale it down first."
        )
    return image


def _most(image: Image.Image) -> int:
    """The white of a PPM file, 255 or more; 0 of others."""
    args = image.tile[0][3] if image.format == "PPM" and image.tile else ()
    return max((a for a in args if isinstance(a, int)), default=0) if isinstance(args, tuple) else 0


def _inverted(values: Tensor) -> Tensor:
    """uint16 values whose 0 was white. (Pillow sees to it in 8 bits only.)"""
    plane = torch.from_numpy(65535 - values[:1].numpy())
    return plane.expand(values.shape)


def _widened(values: Tensor) -> Tensor:
    """uint16 values whose white was 4095: their upper bits come once more below, which makes it 65535."""
    plane = values[:1].numpy()
    return torch.from_numpy(plane << 4 | plane >> 8).expand(values.shape)


def _frames(image: Image.Image) -> int:
    try:
        frames = getattr(image, "n_frames", 1)
        image.seek(0)
    except Exception:  # a damaged later frame does no harm to the first one
        return 1
    return frames


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation, 1)
        return image if turn == 1 else ImageOps.exif_transpose(image)
    except Exception:
        notes.append("Its EXIF block is damaged; the photo may lie on its side.")
        return image


def _dpi(dpi, sideways: bool) -> tuple[float, float] | None:
    """(x, y) of the photo as it stands upright; None where the file's is none."""
    try:
        x, y = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    x, y = (y, x) if sideways else (x, y)
    return (x, y) if 0 < x < 1e5 and 0 < y < 1e5 else None
