"""Photos' files in every format and mode, and ways of damaging them, from those of real life to far worse."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageCms

from slerir_lite import sixteen

WIDTH, HEIGHT = 33, 21
EXTREME = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def seeds() -> dict[str, bytes]:
    """Whole files by name, such as "tiff RGB lzw"."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    smooth = np.stack([x, y, 0.5 + 0.5 * np.sin(9 * x * y), 1 - x], -1)
    pixels = (255 * (0.8 * smooth + 0.2 * rng.random(smooth.shape))).astype(np.uint8)
    deep = (65535 * (0.8 * smooth + 0.2 * rng.random(smooth.shape))).astype(np.uint16)
    rgba, rgb, cmyk = Image.fromarray(pixels), Image.fromarray(pixels[..., :3]), Image.fromarray(pixels)
    cmyk = Image.frombytes("CMYK", cmyk.size, cmyk.tobytes())
    grey, black, palette = rgb.convert("L"), rgb.convert("1"), rgb.quantize(16)
    frames = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x8769] = "A camera", 6, {0x829A: 0.25}
    beside = {
        "exif": exif.tobytes(),
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    }
    made = {
        f"png {image.mode}": _saved(image, "PNG")
        for image in (black, grey, grey.convert("LA"), palette, rgb, rgba, grey.convert("I").convert("I;16"))
    }
    made |= {f"png 16 bits, {n} channels": sixteen.png(deep[..., :n]) for n in (2, 3, 4)}
    made |= {
        "png exif": _saved(rgb, "PNG", **beside),
        "png transparency": _saved(palette, "PNG", transparency=3),
        "png frames": _saved(rgb, "PNG", **frames),
    }
    made |= {f"jpeg {image.mode}": _saved(image, "JPEG") for image in (grey, rgb, cmyk)}
    made |= {
        "jpeg progressive": _saved(rgb, "JPEG", progressive=True),
        "jpeg exif": _saved(rgb, "JPEG", xmp=b"<x/>", **beside),
        "jpeg restarts": _saved(rgb, "JPEG", restart_marker_blocks=1, subsampling=2),
        "jpeg frames": _saved(rgb, "MPO", **frames),
        "webp RGB": _saved(rgb, "WEBP"),
        "webp RGBA": _saved(rgba, "WEBP", exact=True),
        "webp lossless": _saved(rgba, "WEBP", lossless=True),
        "webp exif": _saved(rgb, "WEBP", **beside),
        "webp frames": _saved(rgb, "WEBP", **frames),
    }
    floats, lab = (
        Image.fromarray(smooth[..., 0].astype(np.float32)),
        Image.new("LAB", rgb.size, (99, 130, 140)),
    )
    for image in (black, grey, grey.convert("LA"), palette, rgb, rgba, cmyk, floats, lab):
        made[f"tiff {image.mode}"] = _saved(image, "TIFF")
    made |= {f"tiff RGB {way}": _saved(rgb, "TIFF", compression=way)
             for way in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")}  # fmt: skip
    made |= {f"tiff 16 bits, {n} channels": sixteen.tiff(deep[..., :n], lambda tags: None) for n in (1, 3, 4)}
    made |= {
        "tiff fax": _saved(black, "TIFF", compression="group4"),
        "tiff exif": _saved(rgb, "TIFF", **beside),
        "tiff frames": _saved(rgb, "TIFF", **frames),
        "gif": _saved(palette, "GIF"),
        "gif frames": _saved(rgb, "GIF", **frames),
        "ppm": _saved(rgb, "PPM"),
    }
    return made | {f"bmp {image.mode}": _saved(image, "BMP") for image in (black, grey, palette, rgb, rgba)}


def mutated(whole: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """`whole` with one to three kinds of damage; `other` lends a piece. PNG's checksums are often mended, as
    otherwise nothing behind the first of them would ever be reached."""
    data = bytearray(whole)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if len(data) > 1:
            DAMAGES[rng.integers(len(DAMAGES))](data, other, rng)
    return _mended(bytes(data)) if rng.random() < 0.7 else bytes(data)


def _flip(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """Single bits, few or many."""
    for at in rng.integers(len(data), size=rng.integers(1, 20)):
        data[at] ^= 1 << int(rng.integers(8))


def _truncate(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    del data[int(rng.integers(len(data))) :]


def _remove(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    first, last = _slice(len(data), rng)
    del data[first:last]


def _repeat(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    first, last = _slice(len(data), rng)
    data[first:first] = data[first:last]


def _swap(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """Two neighbouring pieces; where the file has chunks, two of those."""
    edges = [at for at, _ in _chunks(bytes(data))]
    if len(edges) < 3:
        edges = sorted(int(n) for n in rng.integers(len(data), size=3))
    k = int(rng.integers(len(edges) - 2))
    a, b, c = edges[k : k + 3]
    data[a:c] = data[b:c] + data[a:b]


def _header(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """Numbers near the start become extreme: sizes, offsets, counts."""
    for _ in range(rng.integers(1, 4)):
        size = int(rng.choice([1, 2, 4]))
        at = int(rng.integers(max(1, min(len(data), 120) - size)))
        value = EXTREME[rng.integers(len(EXTREME))] & (256**size - 1)
        data[at : at + size] = value.to_bytes(size, str(rng.choice(["little", "big"])))


def _random(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    first, last = _slice(len(data), rng)
    data[first:last] = rng.bytes(last - first)


def _graft(data: bytearray, other: bytes, rng: np.random.Generator) -> None:
    """A piece of another format's file in place of one's own."""
    first, last = _slice(len(data), rng)
    begin, end = _slice(len(other), rng)
    data[first:last] = other[begin:end]


DAMAGES = (_flip, _flip, _truncate, _remove, _repeat, _swap, _header, _header, _random, _graft)


def _slice(length: int, rng: np.random.Generator) -> tuple[int, int]:
    first = int(rng.integers(length))
    return first, min(length, first + 1 + int(rng.integers(1 + length // 4)))


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """(start, length of the content) of each of a PNG's chunks, as far as they go."""
    at = 8 if data[:4] == b"\x89PNG" else len(data)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if at + 12 + length > len(data):
            return
        yield at, length
        at += 12 + length


def _mended(data: bytes) -> bytes:
    out = bytearray(data)
    for at, length in _chunks(data):
        end = at + 8 + length
        out[end : end + 4] = struct.pack(">I", zlib.crc32(data[at + 4 : end]))
    return bytes(out)


def _saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    if "append_images" in options:
        options["append_images"] = [frame.copy() for frame in options["append_images"]]
    image.copy().save(file, kind, **options)  # saving leaves traces that the next format trips over
    return file.getvalue()
