"""What a photo's file holds beside its pixels, as far as it should outlive a restoration.

EXIF without what only described the old file: its layout, its turn (pixels are turned upright when read) and
its preview, which would show the photo as it was. Colour profile and XMP as they are. And how well a JPEG was
kept, so that it can be kept no worse.
"""

import io
import re
from functools import cache

from PIL import ExifTags, Image, JpegImagePlugin, TiffImagePlugin

# TIFF keeps EXIF among the tags that say how its pixels lie; of those, these come from cameras
# and authors. It gives places of their own to XMP (700) and the colour profile (34675).
LAYOUT = {*range(254, 348), *range(512, 533)}
AUTHORED = {269, 270, 271, 272, 282, 283, 285, 296, 305, 306, 315, 316, 318, 319, 531, 532}
ELSEWHERE = {700, 34675}
PHOTOSHOP = {34377, 37724}  # what it keeps for itself: among it a preview of the old file, and its layers
RAW = {50706, 50707}  # a DNG's version, by which a TIFF would be taken for a raw photo
RESOLUTION = 282, 283  # x, y
SIDEWAYS = {5, 6, 7, 8}  # of EXIF's turns those that swap width and height
PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # sRGB's: x, y of white, red, green, blue
GROUPS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
WIDTH, HEIGHT = 0xA002, 0xA003
PLACED = ("XML:com.adobe.xmp", "Raw profile type")  # among a PNG's texts
IPTC = 0x0404  # among what JPEGs keep for Photoshop


def kept_exif(image: Image.Image, size: tuple[int, int], sideways: bool = False) -> bytes | None:
    """The EXIF block (with its "Exif\\0\\0") to write again, or None; size: (width, height) of the new photo.

    sideways: whether the photo was turned by 90 degrees. Raises nearly anything where the block is damaged.
    """
    old, new = image.getexif(), Image.Exif()
    swapped = dict(zip(RESOLUTION, RESOLUTION[::-1], strict=True)) if sideways else {}
    for tag, value in old.items():
        if tag not in (LAYOUT - AUTHORED) | ELSEWHERE | PHOTOSHOP | RAW | set(GROUPS):
            new[swapped.get(tag, tag)] = value
    for group in GROUPS:
        inner = _inner(old, group)
        inner |= {tag: n for tag, n in zip((WIDTH, HEIGHT), size, strict=True) if tag in inner}
        if inner:
            new[group] = inner
    return new.tobytes() if len(new) else None


def fill_tiff(tags: TiffImagePlugin.ImageFileDirectory_v2, exif: bytes | None, icc: bytes | None,
              xmp: bytes | None, dpi: tuple[float, float] | None) -> None:  # fmt: skip
    """Put all of it among a TIFF's tags."""
    if dpi is not None:
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = dpi
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # inches
    if exif is not None:
        block = Image.Exif()
        block.load(exif)
        for tag, value in block.items():
            tags[tag] = _inner(block, tag) if tag in GROUPS else value
    for tag, value in ((TiffImagePlugin.ICCPROFILE, icc), (TiffImagePlugin.XMP, xmp)):
        if value is not None:
            tags.tagtype[tag] = 7 if tag == TiffImagePlugin.ICCPROFILE else 1
            tags[tag] = value


def _inner(block: Image.Exif, group: int) -> dict:
    """A group of tags; the group within it, which stands there as an offset into its block, as tags too."""
    found = dict(block.get_ifd(group))
    if ExifTags.IFD.Interop in found:
        found[ExifTags.IFD.Interop] = dict(block.get_ifd(ExifTags.IFD.Interop))
    return found


def upright_xmp(xmp: bytes) -> bytes:
    """The same, telling that the pixels need no turn, as they were turned when they were read."""
    return re.sub(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]", rb"\g<1>1", xmp)


def kept_words(image: Image.Image) -> dict[str, str]:
    """A PNG's texts; and the comment of a JPEG or GIF, as "Comment". Without what has places of its own."""
    found = {k: str(v) for k, v in getattr(image, "text", {}).items() if not k.startswith(PLACED)}
    if isinstance(comment := image.info.get("comment"), bytes):
        found["Comment"] = _text(comment)
    return found


def _text(data: bytes) -> str:
    """UTF-8, or else Latin-1, which has a character for every byte, so that none is lost."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def turn_of(image: Image.Image) -> int:
    """EXIF's number for how a loaded photo lies; 1, upright, where it has none or its block is damaged."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow raises nearly anything
        return 1


def left_out(image: Image.Image) -> list[str]:
    """What of the file is not kept, a sentence each."""
    found = []
    if IPTC in (image.info.get("photoshop") or ()):
        found.append("Its IPTC block is left out.")
    if PHOTOSHOP & set(getattr(image, "tag_v2", ())):
        found.append("What Photoshop keeps for itself, such as a preview and layers, is left out.")
    gamma = image.info.get("gamma")
    if gamma and abs(gamma - 1 / 2.2) > 0.01:
        found.append(f"Its gamma of {gamma:.3g} is left out, so it may show in other tones.")
    primaries = image.info.get("chromaticity")
    named = image.info.get("icc_profile") or "srgb" in image.info  # which count before these
    if (
        primaries
        and not named
        and any(abs(a - b) > 0.002 for a, b in zip(primaries, PRIMARIES, strict=False))
    ):
        found.append("Its primaries, which are not sRGB's, are left out, so it may show in other colours.")
    return found


def jpeg_quality(image: Image.Image) -> int | None:
    """The quality (1 to 100) at which libjpeg would have written this file, from its table for brightness.

    None for what is no JPEG. A camera's own tables are matched by how coarse they are on the whole.
    """
    tables = getattr(image, "quantization", None)
    if not tables or not tables.get(0):
        return None
    coarse = sum(tables[0])
    return min(range(1, 101), key=lambda quality: (abs(_coarse(quality) - coarse), -quality))


@cache
def _coarse(quality: int) -> int:
    """The sum of the table that libjpeg uses, asked of libjpeg."""
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "JPEG", quality=quality)
    with JpegImagePlugin.JpegImageFile(io.BytesIO(file.getvalue())) as image:
        return sum(image.quantization[0])


def webp_is_lossless(data: bytes) -> bool:
    """Whether a WebP file's first picture is packed without loss."""
    at = 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name in (b"VP8L", b"VP8 "):
            return name == b"VP8L"
        at += 8 + (16 if name == b"ANMF" else length + length % 2)  # a frame of an animation holds chunks
    return False
