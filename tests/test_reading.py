"""Whatever a photo's file is, it is read with all it has, or refused with the file's name and what to do."""

import io
import os
import re
import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms, ImageOps

from slerir_lite import reading, sixteen
from slerir_lite.photo import as_bytes, as_photo, list_photos, read_photo, read_picture

RNG = np.random.default_rng(0)
RGBA = RNG.integers(0, 256, (20, 30, 4)).astype(np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def save(path, image, kind=None, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, kind, **options)
    return path


def resized_png(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size, with its checksum right."""
    file = io.BytesIO()
    save(file, RGBA, "PNG")
    data = bytearray(file.getvalue())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


# What is read


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_transparency_is_read_untouched(tmp_path, name):
    picture = read_picture(save(tmp_path / name, RGBA, lossless=True, exact=True))
    assert np.array_equal(picture.alpha, RGBA[..., 3]) and np.array_equal(
        as_bytes(picture.pixels), RGBA[..., :3]
    )
    assert picture.bits == 8 and not picture.grey
    assert torch.equal(read_photo(tmp_path / name), picture.pixels)


def test_a_see_through_palette_or_colour_becomes_alpha(tmp_path):
    palette = Image.fromarray(RGBA[..., 0] // 64, "P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture = read_picture(save(tmp_path / "p.png", palette, transparency=2))
    assert np.array_equal(picture.alpha, np.where(RGBA[..., 0] // 64 == 2, 0, 255))
    picture = read_picture(
        save(tmp_path / "c.png", RGBA[..., :3], transparency=tuple(int(v) for v in RGBA[3, 4, :3]))
    )
    assert picture.alpha[3, 4] == 0 and picture.alpha.sum() == 255 * (20 * 30 - 1)


def test_grey_is_known(tmp_path):
    grey = RGBA[..., 0]
    black, both = Image.fromarray(grey > 99), Image.fromarray(RGBA[..., :2], "LA")
    cases = {"l.png": grey, "l.jpg": grey, "l.tif": grey, "one.png": black, "la.png": both}
    for name, image in cases.items():
        picture = read_picture(save(tmp_path / name, image))
        assert picture.grey and torch.equal(picture.pixels[0], picture.pixels[2])
    assert np.array_equal(picture.alpha, RGBA[..., 1])


@pytest.mark.parametrize(
    ("kind", "channels"), [("png", 1), ("png", 2), ("png", 3), ("png", 4), ("tif", 1), ("tif", 3), ("tif", 4)]
)
def test_sixteen_bits_are_all_read(tmp_path, kind, channels):
    deep = RNG.integers(0, 65536, (20, 30, channels)).astype(np.uint16)
    data = sixteen.png(deep) if kind == "png" else sixteen.tiff(deep, lambda tags: None)
    (tmp_path / "a").write_bytes(data)
    picture = read_picture(tmp_path / "a")
    colours = deep[..., :1] if channels < 3 else deep[..., :3]
    assert np.array_equal(
        (picture.pixels.permute(1, 2, 0).double() * 65535).round(), np.broadcast_to(colours, (20, 30, 3))
    )
    assert picture.bits == 16 and picture.grey == (channels < 3)
    if channels in (2, 4):
        assert picture.alpha.dtype == np.uint16 and np.array_equal(picture.alpha, deep[..., -1])


def test_a_deep_photo_is_turned_with_all_its_bits(tmp_path):
    deep = RNG.integers(0, 65536, (20, 30, 4)).astype(np.uint16)
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        (tmp_path / "a.png").write_bytes(sixteen.png(deep, exif=exif.tobytes()))
        picture = read_picture(tmp_path / "a.png")
        shallow = Image.fromarray((deep >> 8).astype(np.uint8), "RGBA")
        shallow.getexif()[0x0112] = turn
        high = np.asarray(ImageOps.exif_transpose(shallow))
        got = (picture.pixels.permute(1, 2, 0) * 65535).round().numpy().astype(np.uint16)
        assert np.array_equal(got >> 8, high[..., :3]) and np.array_equal(picture.alpha >> 8, high[..., 3])
        assert sorted(got.ravel() & 255) == sorted((deep[..., :3] & 255).ravel())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_profile_and_xmp_are_read(tmp_path, kind):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", 6
    more = {"dpi": (300, 300)} if kind != "WEBP" else {}
    xmp = b'<x tiff:Orientation="6"/>'
    if kind == "TIFF":
        exif[700] = xmp
    elif kind != "PNG":
        more["xmp"] = xmp
    picture = read_picture(
        save(tmp_path / "a", RGBA[..., :3], kind, exif=exif.tobytes(), icc_profile=SRGB, **more)
    )
    block = Image.Exif()
    block.load(picture.exif)
    assert dict(block).get(0x010F) == "A camera" and 0x0112 not in block
    assert picture.icc == SRGB and picture.pixels.shape == (3, 30, 20)
    assert kind == "WEBP" or picture.dpi == pytest.approx((300, 300), abs=0.1)
    assert kind == "PNG" or (picture.xmp.startswith(b"<x ") and b"6" not in picture.xmp)  # nor turned there


def test_of_several_pictures_the_first_is_read_and_that_is_said(tmp_path):
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    for name in ("a.gif", "a.png", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        picture = read_picture(tmp_path / name)
        assert (
            as_bytes(picture.pixels)[0, 0, 0] > 250 and "holds 3 pictures; only the first" in picture.notes[0]
        )
    frames[0].save(tmp_path / "a.mpo", "MPO", save_all=True, append_images=frames[1:])
    assert "holds 3 pictures" in read_picture(tmp_path / "a.mpo").notes[0]


def test_ink_is_converted_by_rule_or_by_its_profile(tmp_path):
    ink = Image.fromarray(RGBA, "CMYK")
    picture = read_picture(save(tmp_path / "a.tif", ink))
    assert np.array_equal(as_bytes(picture.pixels), np.asarray(ink.convert("RGB")))
    assert "by rule of thumb" in picture.notes[0] and picture.icc is None
    broken = read_picture(save(tmp_path / "b.tif", ink, icc_profile=b"no profile"))
    assert torch.equal(broken.pixels, picture.pixels) and broken.icc is None


def test_a_usable_profile_is_used(tmp_path, monkeypatch):
    # No CMYK profile may be shipped; littlecms is stood in for, to see what it is asked.
    asked = {}

    def convert(image, source, target, outputMode):  # noqa: N803
        asked.update(source=source.tobytes(), mode=outputMode)
        return Image.new("RGB", image.size, (1, 2, 3))

    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    picture = read_picture(save(tmp_path / "a.jpg", Image.fromarray(RGBA, "CMYK"), icc_profile=SRGB))
    assert asked == {"source": SRGB, "mode": "RGB"} and picture.notes == ("CMYK is converted to sRGB.",)
    assert as_bytes(picture.pixels)[0, 0].tolist() == [1, 2, 3]
    assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(picture.icc))).startswith(
        "sRGB"
    )


def test_lab_comes_as_colour(tmp_path):
    lab = Image.new("LAB", (4, 4), (255, 128, 128))  # white, without a tint
    picture = read_picture(save(tmp_path / "a.tif", lab))
    assert as_bytes(picture.pixels).min() >= 250 and picture.notes == ("LAB is converted to sRGB.",)


def test_floats_are_read_where_they_are_brightness(tmp_path):
    grey = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    picture = read_picture(save(tmp_path / "f.tif", grey))
    assert np.array_equal(picture.pixels[0], grey) and picture.grey and "kept as 16" in picture.notes[0]
    with pytest.raises(ValueError, match=r"f.tif holds no brightness in \[0, 1\].*from 0 to 300"):
        read_picture(save(tmp_path / "f.tif", grey * 300))
    with pytest.raises(ValueError, match="f.tif holds 32-bit integers"):
        read_picture(save(tmp_path / "f.tif", (grey * 1e6).astype(np.int32)))
    with pytest.raises(ValueError, match="The image holds 32-bit integers"):
        as_photo(Image.fromarray((grey * 1e6).astype(np.int32)))


def grey_tiff(path, size: tuple[int, int], bits: int, signed: bool, data: bytes, order: bytes = b"II"):
    """A TIFF of grey in one strip, put together by hand: kinds that neither Pillow nor tifffile writes."""
    end = "little" if order == b"II" else "big"
    entries = {256: size[0], 257: size[1], 258: bits, 259: 1, 262: 1, 273: 134, 277: 1, 278: size[1],
               279: len(data), 339: 2 if signed else 1}  # fmt: skip
    words = [n.to_bytes(k, end) for tag, v in entries.items() for n, k in ((tag, 2), (4, 2), (1, 4), (v, 4))]
    # A value of type 4 has 32 bits, whichever the order. 8 + 2 + 10 * 12 + 4 bytes come before the data.
    head = order + (42).to_bytes(2, end) + (8).to_bytes(4, end) + len(entries).to_bytes(2, end)
    path.write_bytes(head + b"".join(words) + bytes(4) + data)
    return path


def test_twelve_bits_of_grey_reach_from_black_to_white(tmp_path):
    grey = np.append(RNG.integers(0, 4096, 58), [0, 4095])
    pairs = (int(a) << 12 | int(b) for a, b in grey.reshape(-1, 2))
    data = b"".join(pair.to_bytes(3, "big") for pair in pairs)
    picture = read_picture(grey_tiff(tmp_path / "a.tif", (10, 6), 12, False, data))
    found = picture.pixels[0].flatten().double().numpy()
    assert picture.bits == 16 and np.abs(found - grey / 4095).max() <= 1 / 65535
    assert found[-1] == 1 and found[-2] == 0


@pytest.mark.parametrize("order", [b"II", b"MM"])
@pytest.mark.parametrize(
    ("bits", "signed", "said"),
    [(16, True, "signed 16-bit integers"), (32, True, "32-bit integers"), (32, False, "32-bit integers")],
)
def test_integers_without_an_agreed_white_are_refused_however_small(tmp_path, order, bits, signed, said):
    end = "little" if order == b"II" else "big"
    data = b"".join(n.to_bytes(bits // 8, end) for n in range(60))
    if (order, signed) == (b"MM", False):
        said = "not an image that can be read"  # nor can Pillow
    with pytest.raises(ValueError, match=said):
        read_picture(grey_tiff(tmp_path / "a.tif", (10, 6), bits, signed, data, order))


def test_a_deep_pgm_has_sixteen_bits(tmp_path):
    deep = RNG.integers(0, 65536, (4, 5)).astype(np.uint16)
    (tmp_path / "a.pgm").write_bytes(b"P5 5 4 65535\n" + deep.astype(">u2").tobytes())
    picture = read_picture(tmp_path / "a.pgm")
    assert np.array_equal((picture.pixels[0].double() * 65535).round(), deep) and picture.notes == ()


def test_a_deep_colour_ppm_says_what_it_lost(tmp_path):
    deep = RNG.integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    (tmp_path / "a.ppm").write_bytes(b"P6 5 4 65535\n" + deep.astype(">u2").tobytes())
    (tmp_path / "b.ppm").write_bytes(b"P6 5 4 255\n" + (deep >> 8).astype("u1").tobytes())
    assert "16 bits" in " ".join(read_picture(tmp_path / "a.ppm").notes)
    assert read_picture(tmp_path / "b.ppm").notes == ()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_where_zero_is_white_it_comes_as_white(tmp_path, kind):
    grey = RNG.integers(0, np.iinfo(kind).max, (4, 5)).astype(kind)
    Image.fromarray(grey).save(tmp_path / "a.tif", tiffinfo={262: 0})
    with open(tmp_path / "a.tif", "rb") as file:
        assert Image.open(file).tag_v2[262] == 0
    found = read_picture(tmp_path / "a.tif").values[0].numpy()
    # Pillow inverts 8 bits when it writes, so that they come back as they were; 16 it writes as they are.
    assert np.array_equal(found, grey if kind == np.uint8 else 65535 - grey)


def test_a_damaged_exif_block_costs_no_photo(tmp_path):
    whole = save(tmp_path / "a.jpg", RGBA[..., :3], exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(9))
    picture = read_picture(whole)
    assert picture.pixels.shape == (3, 20, 30)


def test_hidden_files_are_left_out(tmp_path):
    save(tmp_path / "a.png", RGBA)
    (tmp_path / "._a.png").write_bytes(b"what macOS leaves")
    assert [p.name for p in list_photos(tmp_path)] == ["a.png"]


def test_links_are_followed(tmp_path):
    save(tmp_path / "a.png", RGBA)
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "nowhere.png").symlink_to("b.png")
    assert torch.equal(read_photo(tmp_path / "link.png"), read_photo(tmp_path / "a.png"))
    assert [p.name for p in list_photos(tmp_path)] == ["a.png", "link.png"]
    with pytest.raises(FileNotFoundError, match="no file .*nowhere.png"):
        read_photo(tmp_path / "nowhere.png")


def test_thin_and_tiny_photos(tmp_path):
    for size in ((1, 1), (1, 5000), (5000, 1)):
        assert read_photo(save(tmp_path / "a.png", Image.new("RGB", size))).shape == (3, size[1], size[0])


# What is refused


def refused(path) -> str:
    with pytest.raises(ValueError) as error:
        read_picture(path)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, kind):
    save(tmp_path / "a", RGBA[..., :3], kind)
    whole = (tmp_path / "a").read_bytes()
    for share in (0.02, 0.3, 0.6, 0.9):
        (tmp_path / "cut").write_bytes(whole[: int(share * len(whole))])
        message = refused(tmp_path / "cut")
        assert re.search("damaged or cut off.*Copy or download it again|is not an image", message), message


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 2**31 - 1), (reading.LARGEST, 2)])
def test_a_gigantic_header_is_refused_before_anything_is_decoded(tmp_path, monkeypatch, size):
    (tmp_path / "bomb.png").write_bytes(resized_png(*size))
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    message = refused(tmp_path / "bomb.png")
    assert (
        f"too large: its header says {size[0]:,} x {size[1]:,} pixels" in message
        and "Scale it down" in message
    )


def test_pillows_lower_limit_is_left_as_it_was_and_does_not_hold(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_photo(save(tmp_path / "a.png", RGBA)).shape == (3, 20, 30)
    assert Image.MAX_IMAGE_PIXELS == 100 and not recwarn.list
    (tmp_path / "b.png").write_text("no image")
    refused(tmp_path / "b.png")
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_hundred_megapixels_are_read(tmp_path):
    Image.new("L", (12_000, 15_000), 7).save(tmp_path / "a.png", compress_level=1)
    # Decoded only as far as Pillow goes: the floats of 180 megapixels would need 2 GB here.
    image = reading._open((tmp_path / "a.png").read_bytes())
    image.load()
    assert image.size == (12_000, 15_000) and image.getpixel((11_999, 14_999)) == 7


def test_too_little_memory_is_said(tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    save(tmp_path / "a.png", RGBA)
    monkeypatch.setattr(Image.Image, "load", fail)
    assert "needs more memory than there is. Scale it down" in refused(tmp_path / "a.png")


def test_what_is_no_photo(tmp_path):
    (tmp_path / "a.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    )  # would start Ghostscript
    assert "is not an image that can be read. JPEG, PNG" in refused(tmp_path / "a.png")
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    assert "HEIC or AVIF photo: export it as JPEG" in refused(tmp_path / "a.heic")
    (tmp_path / "empty.png").touch()
    assert "is empty (0 bytes)" in refused(tmp_path / "empty.png")
    assert "is a folder. Name a photo in it" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    assert "is not a file" in refused(tmp_path / "pipe.png")


def test_what_may_not_be_read(tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied")

    save(tmp_path / "a.png", RGBA)
    monkeypatch.setattr("pathlib.Path.read_bytes", fail)  # the tests may run as root, who may read all
    with pytest.raises(PermissionError, match="a.png may not be read. Change its permissions"):
        read_picture(tmp_path / "a.png")


def test_sixteen_bits_plane_by_plane_are_refused(tmp_path):
    deep = RNG.integers(0, 65536, (3, 20, 30)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb", planarconfig="separate")
    assert "plane by plane" in refused(tmp_path / "a.tif")


def test_deep_ink_is_said_to_be_read_with_eight_bits(tmp_path):
    deep = RNG.integers(0, 65536, (20, 30, 4)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="separated")
    picture = read_picture(tmp_path / "a.tif")
    assert picture.bits == 8 and "16 bits a channel are read as 8" in picture.notes[0]
