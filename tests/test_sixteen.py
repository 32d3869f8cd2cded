"""16 bits a channel, read and written without losing one of them; checked against the formats' own rules."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from slerir_lite import sixteen
from slerir_lite.metadata import fill_tiff

COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's colour type by channels


def noise(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65536, (height, width, channels)).astype(np.uint16)


def png_by_the_book(pixels: np.ndarray) -> bytes:
    """The specification's five filters, one row after the other, a byte at a time."""
    height, width, channels = pixels.shape
    step, above, body = 2 * channels, [0] * (2 * channels * width), bytearray()
    for y, line in enumerate(pixels.astype(">u2").reshape(height, -1)):
        row, kind = list(line.tobytes()), y % 5
        body.append(kind)
        for i, value in enumerate(row):
            a, b = (row[i - step] if i >= step else 0), above[i]
            c = above[i - step] if i >= step else 0
            paeth = min((a, b, c), key=lambda near, p=a + b - c: abs(p - near))  # ties: a, b, c, as min does
            body.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
        above = row
    header = struct.pack(">IIBBBBB", width, height, 16, COLOURS[channels], 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(body))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def read(path) -> np.ndarray:
    """As `reading.py` does it."""
    with Image.open(path) as high, Image.open(path) as low:
        assert sixteen.is_deep(high)
        mode = sixteen.raw_mode(high)
        return sixteen.join(high, sixteen.low_bytes(low), mode)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_every_bit_of_a_png_is_read(tmp_path, channels):
    pixels = noise(23, 17, channels)
    (tmp_path / "a.png").write_bytes(png_by_the_book(pixels))
    assert np.array_equal(read(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packing", [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True}])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_bit_of_a_tiff_is_read(tmp_path, order, packing, channels):
    pixels = noise(23, 17, channels)
    more = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", byteorder=order, rowsperstrip=5, **packing, **more
    )
    assert np.array_equal(read(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_eight_bits_are_not_taken_for_sixteen(tmp_path, mode):
    for name in ("a.png", "a.tif"):
        Image.new(mode, (5, 4)).save(tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert not sixteen.is_deep(image)
    assert not sixteen.is_deep(Image.new(mode, (5, 4)))


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (23, 17)])
def test_what_is_written_as_png_is_read_again(tmp_path, channels, size):
    pixels = noise(*size, channels)
    (tmp_path / "a.png").write_bytes(sixteen.png(pixels))
    assert np.array_equal(read(tmp_path / "a.png"), pixels)


def test_grey_of_sixteen_bits_is_pillows_own(tmp_path):
    pixels = noise(23, 17, 1)
    (tmp_path / "a.png").write_bytes(sixteen.png(pixels))
    (tmp_path / "a.tif").write_bytes(sixteen.tiff(pixels, lambda tags: None))
    for name in ("a.png", "a.tif"):
        with Image.open(tmp_path / name) as image:
            assert image.mode == "I;16" and np.array_equal(np.asarray(image), pixels[..., 0])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("strip", [1, 300, 1 << 20])
def test_a_tiff_is_what_another_reader_reads(tmp_path, monkeypatch, dtype, channels, strip):
    monkeypatch.setattr(sixteen, "STRIP", strip)
    pixels = noise(23, 17, channels).astype(dtype)
    before = pixels.copy()
    (tmp_path / "a.tif").write_bytes(sixteen.tiff(pixels, lambda tags: None))
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), pixels.squeeze(2) if channels == 1 else pixels)
    assert np.array_equal(pixels, before)
    if dtype == np.uint8:  # and Pillow too
        with Image.open(tmp_path / "a.tif") as image:
            assert np.array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_a_png_keeps_what_stands_beside_the_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    data = sixteen.png(noise(4, 5, 3), icc_profile=b"profile", exif=exif.tobytes(), dpi=(300, 300))
    (tmp_path / "a.png").write_bytes(data)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.info["icc_profile"] == b"profile" and image.getexif()[0x010F] == "A camera"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02) and image.size == (5, 4)


def test_a_tiff_keeps_what_stands_beside_the_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif[0x8769] = {0x829A: 0.5}
    data = sixteen.tiff(
        noise(4, 5, 3), lambda tags: fill_tiff(tags, exif.tobytes(), b"profile", b"<xmp/>", (300, 200))
    )
    (tmp_path / "a.tif").write_bytes(data)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tags = file.pages[0].tags
        assert tags["Make"].value == "A camera" and tags["InterColorProfile"].value == b"profile"
        assert tags["ExifTag"].value["ExposureTime"] == 0.5
        assert bytes(tags["XMP"].value) == b"<xmp/>"
        assert (tags["XResolution"].value, tags["YResolution"].value) == ((300, 1), (200, 1))
