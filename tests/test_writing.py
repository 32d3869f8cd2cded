"""What goes out has all that came in; what the format can't hold is said."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from slerir_lite import sixteen
from slerir_lite.metadata import jpeg_quality
from slerir_lite.photo import Picture, as_bytes, read_picture, write_photo

RNG = np.random.default_rng(0)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY = SRGB[:16] + b"GRAY" + SRGB[20:]
XMP = b"<x:xmpmeta>by somebody</x:xmpmeta>"


def exif_block(turn: int = 1) -> bytes:
    block = Image.Exif()
    block[ExifTags.Base.Make], block[ExifTags.Base.Orientation] = "A camera", turn
    block[ExifTags.IFD.Exif] = {ExifTags.Base.ExposureTime: 0.25}
    block[ExifTags.IFD.GPSInfo] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return block.tobytes()


def picture(bits: int = 8, alpha: bool = False, grey: bool = False, **more) -> Picture:
    """20 x 30 pixels of noise, exactly representable."""
    white = 2**bits - 1
    values = RNG.integers(0, white + 1, (1 if grey else 3, 20, 30))
    pixels = (torch.from_numpy(values).float() / white).expand(3, -1, -1).contiguous()
    see = RNG.integers(0, white + 1, (20, 30)).astype(np.uint8 if bits == 8 else np.uint16) if alpha else None
    return Picture(pixels, see, bits, grey, **more)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [True, False])
@pytest.mark.parametrize("grey", [True, False])
def test_nothing_is_lost_in_png_and_tiff(tmp_path, name, bits, alpha, grey):
    wide = (name, bits, alpha, grey) == ("a.tif", 16, True, True)  # becomes colour with three equal channels
    icc = GRAY if grey and not wide else SRGB
    given = picture(bits, alpha, grey, exif=exif_block(), icc=icc, xmp=XMP, dpi=(300.0, 200.0))
    assert write_photo(given.pixels, tmp_path / name, like=given) == []
    got = read_picture(tmp_path / name)
    assert torch.equal(got.pixels, given.pixels) and (got.bits, got.grey) == (bits, grey and not wide)
    assert got.alpha is None if not alpha else np.array_equal(got.alpha, given.alpha)
    assert (got.icc, got.xmp) == (given.icc, XMP) and got.dpi == pytest.approx((300, 200), abs=0.1)
    block = Image.Exif()
    block.load(got.exif)
    assert block[ExifTags.Base.Make] == "A camera"
    assert block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] == 0.25
    assert block.get_ifd(ExifTags.IFD.GPSInfo)[2] == (52.0, 31.0, 12.0)


def test_a_webp_without_loss_stays_so(tmp_path):
    given = picture(alpha=True, lossless=True, exif=exif_block(), icc=SRGB, xmp=XMP)
    assert write_photo(given.pixels, tmp_path / "a.webp", like=given) == []
    got = read_picture(tmp_path / "a.webp")
    assert torch.equal(got.pixels, given.pixels) and np.array_equal(got.alpha, given.alpha) and got.lossless
    assert got.icc == SRGB and got.xmp == XMP and got.exif is not None


def test_a_jpeg_keeps_exif_profile_and_greyness(tmp_path):
    given = picture(grey=True, exif=exif_block(), icc=GRAY, xmp=XMP, dpi=(300.0, 300.0))
    assert write_photo(given.pixels, tmp_path / "a.jpg", like=given) == []
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "L" and image.info["icc_profile"] == GRAY and image.info["xmp"] == XMP
        assert image.info["dpi"] == (300, 300) and image.getexif()[ExifTags.Base.Make] == "A camera"


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_the_resolution_turns_with_the_photo(tmp_path, turn, kind):
    block = Image.Exif()
    block.load(exif_block(turn))
    block[ExifTags.Base.XResolution], block[ExifTags.Base.YResolution] = 300.0, 150.0
    block[ExifTags.Base.ResolutionUnit] = 2
    Image.new("RGB", (16, 16)).save(tmp_path / f"in.{kind}", exif=block, dpi=(300, 150))
    given, upright = read_picture(tmp_path / f"in.{kind}"), (300, 150) if turn < 5 else (150, 300)
    assert given.dpi == pytest.approx(upright, abs=0.1)
    for name in ("a.jpg", "a.png", "a.tif"):
        write_photo(given.pixels, tmp_path / name, like=given)
        with Image.open(tmp_path / name) as image:
            assert image.info["dpi"] == pytest.approx(upright, abs=0.1)
            exif = image.getexif()
            assert (exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution]) == upright


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_no_viewer_turns_it_twice(tmp_path, turn, name):
    """What two viewers show, one that turns by EXIF and one that does not, is the same."""
    Image.fromarray(RNG.integers(0, 256, (8, 16, 3)).astype(np.uint8)).save(
        tmp_path / "in.jpg", exif=exif_block(turn)
    )
    given = read_picture(tmp_path / "in.jpg")
    write_photo(given.pixels, tmp_path / name, like=given)
    with Image.open(tmp_path / name) as image:
        assert image.size == ((16, 8) if turn < 5 else (8, 16))
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1
        assert image.getexif()[ExifTags.Base.Make] == "A camera"


@pytest.mark.parametrize(("given", "written"), [(None, 95), (30, 95), (95, 95), (98, 98), (100, 100)])
def test_a_jpegs_quality_is_never_below_its_originals(tmp_path, given, written):
    like = picture(quality=given)
    write_photo(like.pixels, tmp_path / "a.jpg", like=like)
    with Image.open(tmp_path / "a.jpg") as image:
        assert jpeg_quality(image) == written
        assert {component[1:3] for component in image.layer} == {(1, 1)}  # colour at full resolution


@pytest.mark.parametrize(
    ("name", "like", "messages"),
    [
        ("a.jpg", picture(16, True), ["so the 16 were rounded", "JPEG holds no transparency"]),
        ("a.webp", picture(16, True), ["WebP holds 8 bits a channel"]),
        ("a.bmp", picture(8, True, exif=b"e", icc=SRGB), ["no transparency", "no EXIF, colour profile"]),
        ("a.webp", picture(grey=True, icc=GRAY), ["colour profile is one for grey"]),
        ("a.jpg", picture(xmp=b"x" * 70_000), ["XMP block is too long for a JPEG"]),
        ("a.jpg", picture(exif=b"Exif\0\0" + b"x" * 70_000), ["EXIF block is too long for a JPEG"]),
        ("a.jpg", picture(dpi=(65_536.0, 300.0)), ["no resolution above 65,535 dpi"]),
        ("a.jpg", picture(dpi=(300.0, 65_535.0)), []),
        ("a.png", picture(dpi=(65_536.0, 300.0)), []),
        ("a.jpg", picture(words={"Comment": "x" * 65_001}), ["comment is too long for a JPEG, so only its"]),
        ("a.jpg", picture(words={"Comment": "x" * 65_000}), []),
    ],
)  # fmt: skip
def test_what_a_format_cant_hold_is_said(tmp_path, name, like, messages):
    lost = write_photo(like.pixels, tmp_path / name, like=like)
    assert len(lost) == len(messages) and all(m in told for m, told in zip(messages, lost, strict=True))
    assert read_picture(tmp_path / name).pixels.shape == (3, 20, 30)


def test_deep_transparency_in_a_shallow_file(tmp_path):
    like = picture(16, True)
    write_photo(like.pixels, tmp_path / "a.webp", like=like)
    got = read_picture(tmp_path / "a.webp").alpha
    assert np.array_equal(got, np.round(like.alpha / 65535 * 255))


def test_a_tinted_result_of_a_grey_photo_becomes_grey_as_pillow_does_it(tmp_path):
    like, image = picture(grey=True), picture().pixels
    write_photo(image, tmp_path / "a.png", like=like)
    with Image.open(tmp_path / "a.png") as written:
        pillows = np.asarray(Image.fromarray(as_bytes(image)).convert("L"))
        assert written.mode == "L" and np.abs(np.asarray(written).astype(int) - pillows).max() <= 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.full((3, 4, 4), float("nan")), "holds NaN or infinity"),
        (torch.full((3, 4, 4), float("inf")), "holds NaN or infinity"),
        (torch.zeros(1, 4, 4), r"not \(1, 4, 4\)"),
        (torch.zeros(4, 4, 4), r"not \(4, 4, 4\)"),
        (torch.zeros(1, 3, 4, 4), r"not \(1, 3, 4, 4\)"),
        (torch.zeros(3, 0, 4), r"not \(3, 0, 4\)"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), "uint8"),
    ],
)
def test_what_is_no_photo_is_not_written(tmp_path, image, message):
    with pytest.raises(ValueError, match=message):
        write_photo(image, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_picture_of_another_size_is_not_like_it(tmp_path):
    with pytest.raises(ValueError, match="to be like is 30 x 20, but the photo is 9 x 8"):
        write_photo(torch.zeros(3, 8, 9), tmp_path / "a.png", like=picture())


@pytest.mark.parametrize(("name", "side"), [("a.webp", 16_384), ("a.jpg", 65_501), ("a.bmp", 65_536)])
def test_too_long_for_the_format(tmp_path, name, side):
    with pytest.raises(
        ValueError, match=r"pixels along a side, and the photo is .*Name the output .png or .tif"
    ):
        write_photo(torch.zeros(3, 1, side), tmp_path / name)
    write_photo(torch.zeros(3, 1, side - 1), tmp_path / name)
    write_photo(torch.zeros(3, 1, side), tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").pixels.shape == (3, 1, side)


def test_an_original_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    given = picture()
    write_photo(given.pixels, tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(Image.Image, "save", lambda *_, **__: (_ for _ in ()).throw(OSError("encoder error")))
    with pytest.raises(OSError, match="encoder"):
        write_photo(given.pixels, tmp_path / "a.png", overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_sixteen_bits_need_not_come_from_a_file(tmp_path):
    deep = RNG.integers(0, 65536, (5, 7, 3)).astype(np.uint16)
    image = torch.from_numpy(deep.astype(np.float32) / 65535).permute(2, 0, 1)
    write_photo(image, tmp_path / "a.png", like=Picture(image, bits=16))
    with (
        Image.open(tmp_path / "a.png") as high,
        Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as low,
    ):
        mode = sixteen.raw_mode(high)
        assert np.array_equal(sixteen.join(high, sixteen.low_bytes(low), mode), deep)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_eight_bits_of_transparency_are_as_opaque_in_sixteen(tmp_path, name):
    given = picture(16)
    see = RNG.integers(0, 256, (20, 30)).astype(np.uint8)
    see[0, :2] = 0, 255
    write_photo(given.pixels, tmp_path / name, like=Picture(given.values, see, 16))
    found = read_picture(tmp_path / name)
    assert torch.equal(found.pixels, given.pixels)
    assert np.allclose(found.alpha / 65535, see / 255, rtol=0, atol=1e-9)


COMMENT = """
import sys, torch
from slerir_lite.photo import Picture, write_photo
image = torch.zeros(3, 8, 8)
print(*write_photo(image, sys.argv[1], like=Picture(image, words={"Comment": "a" + 22_000 * "漢"})))
"""


def test_a_comment_that_is_too_long_in_bytes_ends_and_is_cut_between_two_characters(tmp_path):
    """Of 22,001 characters and 66,001 bytes; in a process of its own, as Pillow would try it for ever."""
    command = [sys.executable, "-c", COMMENT, tmp_path / "a.jpg"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert "comment is too long" in told
    kept = read_picture(tmp_path / "a.jpg").words["Comment"]
    assert kept == "a" + 21_666 * "漢"  # 64,999 bytes; one more character would be 65,002
