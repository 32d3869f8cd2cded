"""Sixteen bits a channel, which Pillow can hold in grey but not in colour.

Reading: of each pair of bytes Pillow keeps the high one. Asked to read the same file in the other byte order,
it keeps the low one. So its decoders, which know every compression and refuse damaged files, are asked twice.
Writing: PNG and TIFF are put together here, as both are little more than zlib around the rows; what stands
beside the pixels (EXIF, colour profile) is still Pillow's to write.
"""

import io
import struct
import sys
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, TiffImagePlugin

from .values import bands

ORDERS = ("RGB;16", "RGBA;16", "RGBX;16")  # raw modes that come as ...B, ...L and ...N
GREY_ALPHA = "LA;16B"  # PNG's grey with alpha, which Pillow opens as RGBA
STRIP = 1 << 20  # bytes of a TIFF's strip before compression, so that a reader needs no more at once
SPEED = 4  # zlib's level: a noisy photo hardly gets smaller above
ZLIB, HORIZONTAL, UNASSOCIATED = 8, 2, 2  # TIFF's numbers for its compression, predictor and alpha


def raw_mode(image: Image.Image) -> str:
    """How the pixels of an opened, not yet loaded file are packed, such as "RGB;16B"; "" if not known."""
    if not getattr(image, "tile", None):
        return ""
    args = image.tile[0][3]
    first = args if isinstance(args, str) else args[0] if args else ""
    return first if isinstance(first, str) else ""


def is_deep(image: Image.Image) -> bool:
    """Whether `low_bytes` can get more out of this opened file than Pillow alone."""
    mode = raw_mode(image)
    return mode == GREY_ALPHA or (mode[:-1] in ORDERS and mode[-1] in "BLN")


def low_bytes(image: Image.Image) -> Image.Image:
    """Of an opened file that `is_deep`, not loaded yet: the same picture made of the low bytes, loaded.

    For grey with alpha it holds all four bytes of a pixel: grey high, low, alpha high, low.
    """
    mode = raw_mode(image)
    if mode == GREY_ALPHA:
        other = "RGBA"
    else:
        little = mode[-1] == "L" or (mode[-1] == "N" and sys.byteorder == "little")
        other = mode[:-1] + ("B" if little else "L")
    image.tile = [_with_mode(tile, other) for tile in image.tile]
    image.load()
    return image


def join(high: Image.Image, low: Image.Image, mode: str) -> np.ndarray:
    """(H, W, C) uint16 from both halves; mode: that of the file before it was loaded."""
    high, low = np.asarray(high), np.asarray(low)
    if mode == GREY_ALPHA:
        high, low = low[..., 0::2], low[..., 1::2]
    deep = high.astype(np.uint16)
    deep <<= 8
    deep |= low
    return deep


def png(pixels: np.ndarray, **beside) -> bytes:
    """A PNG file of (H, W, C) uint16; C: grey, grey + alpha, RGB, RGBA. beside: Pillow's options for PNG."""
    height, width, channels = pixels.shape
    shell = io.BytesIO()  # a file with one pixel, from which all but the pixel is taken
    Image.new("L" if channels < 3 else "RGB", (1, 1)).save(shell, "PNG", **beside)
    size = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)

    pack = zlib.compressobj(SPEED)
    body = b"".join([*(pack.compress(_filtered(pixels[rows])) for rows in bands(height)), pack.flush()])

    out, data, at = [shell.getvalue()[:8]], shell.getvalue(), 8
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        if name == b"IDAT":  # in pieces, as a chunk's length has 31 bits
            out += [_chunk(b"IDAT", body[k : k + (1 << 30)]) for k in range(0, len(body), 1 << 30)]
        else:
            out.append(_chunk(b"IHDR", size) if name == b"IHDR" else data[at : at + 12 + length])
        at += 12 + length
    return b"".join(out)


def tiff(pixels: np.ndarray, fill: Callable[[TiffImagePlugin.ImageFileDirectory_v2], None]) -> bytes:
    """A TIFF file of (H, W, C) uint8 or uint16, C as for `png`. fill: adds what stands beside the pixels."""
    height, width, channels = pixels.shape
    pixels = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    rows = max(1, STRIP // max(1, width * channels * pixels.itemsize))
    strips = []
    for top in range(0, height, rows):
        strip = pixels[top : top + rows].copy()
        strip[:, 1:] -= pixels[top : top + rows, :-1]  # overflow is meant: readers add modulo 2 to the bits
        strips.append(zlib.compress(strip, SPEED))
    lengths = [len(strip) for strip in strips]

    tags = TiffImagePlugin.ImageFileDirectory_v2(b"II\x2a\x00\x08\x00\x00\x00")
    fill(tags)
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = width, height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (8 * pixels.itemsize,) * channels
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if channels < 3 else 2
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = UNASSOCIATED
    tags[TiffImagePlugin.COMPRESSION], tags[TiffImagePlugin.PREDICTOR] = ZLIB, HORIZONTAL
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    tags[TiffImagePlugin.ROWSPERSTRIP] = rows
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(lengths)
    # Counted from the end of the tags; saving adds where that is.
    tags.tagtype[TiffImagePlugin.STRIPOFFSETS] = 4  # 32 bits, however small the first ones are
    tags[TiffImagePlugin.STRIPOFFSETS] = tuple(int(n) for n in np.cumsum([0, *lengths[:-1]]))
    file = io.BytesIO()
    tags.save(file)
    return file.getvalue() + b"".join(strips)


def _filtered(pixels: np.ndarray) -> np.ndarray:
    """Rows of a PNG before compression."""
    height, _, channels = pixels.shape
    rows = np.ascontiguousarray(pixels, ">u2").reshape(height, -1).view(np.uint8)
    filtered = np.ones((height, 1 + rows.shape[1]), np.uint8)  # each row starts with its filter: 1, Sub
    filtered[:, 1:] = rows
    filtered[:, 1 + 2 * channels :] -= rows[:, : -2 * channels]
    return filtered


def _with_mode(tile: tuple, mode: str) -> tuple:
    args = mode if isinstance(tile[3], str) else (mode, *tile[3][1:])
    return type(tile)(*tile[:3], args) if hasattr(tile, "_fields") else (*tile[:3], args)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
