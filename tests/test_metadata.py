"""EXIF outlives a restoration but for what only described the old file; a JPEG's quality is found out."""

import io

import numpy as np
import pytest
from PIL import ExifTags, Image

from slerir_lite.metadata import jpeg_quality, kept_exif, webp_is_lossless

Base, IFD = ExifTags.Base, ExifTags.IFD


def jpeg(quality: int = 90, exif=b"", **options) -> Image.Image:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    Image.fromarray(noise).save(file, "JPEG", quality=quality, exif=exif, **options)
    return Image.open(file)


def again(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif


def camera() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Orientation], exif[Base.Copyright] = "A camera", 6, "Somebody"
    exif[IFD.Exif] = {
        Base.ExposureTime: 0.25,
        0xA002: 4000,
        0xA003: 3000,
        Base.MakerNote: b"its own business",
    }
    exif[IFD.GPSInfo] = {1: "N", 2: (52.0, 31.0, 12.0)}
    return exif


def test_what_the_camera_said_is_kept_and_the_turn_is_not():
    exif = again(kept_exif(jpeg(exif=camera()), (32, 24)))
    assert exif[Base.Make] == "A camera" and exif[Base.Copyright] == "Somebody"
    inner = exif.get_ifd(IFD.Exif)
    assert inner[Base.ExposureTime] == 0.25 and inner[Base.MakerNote] == b"its own business"
    assert (inner[0xA002], inner[0xA003]) == (32, 24)  # the sizes are the new ones
    assert exif.get_ifd(IFD.GPSInfo)[2] == (52.0, 31.0, 12.0)
    assert Base.Orientation not in exif


def test_of_a_tiffs_layout_nothing_is_left():
    file = io.BytesIO()
    Image.new("RGB", (32, 24)).save(file, "TIFF", exif=again(camera().tobytes()), dpi=(300, 300))
    exif = again(kept_exif(Image.open(file), (32, 24)))
    assert exif[Base.Make] == "A camera" and exif[Base.XResolution] == 300
    layout = "ImageWidth ImageLength BitsPerSample Compression StripOffsets RowsPerStrip StripByteCounts"
    assert not {getattr(Base, name) for name in layout.split()} & set(exif)
    assert exif.get_ifd(IFD.GPSInfo)[1] == "N"


def test_the_preview_is_not_kept():
    thumb = jpeg().fp.getvalue()
    block = camera().tobytes()
    order = "little" if block[6:8] == b"II" else "big"
    # By hand: after the first directory a pointer to a second one, which names a preview by place and length.
    start = 6 + int.from_bytes(block[10:14], order)
    link = start + 2 + 12 * int.from_bytes(block[start : start + 2], order)
    entries = [(0x0201, len(block) - 6 + 30), (0x0202, len(thumb))]
    second = len(entries).to_bytes(2, order) + b"".join(
        tag.to_bytes(2, order) + (4).to_bytes(2, order) + (1).to_bytes(4, order) + value.to_bytes(4, order)
        for tag, value in entries
    )
    block = block[:link] + (len(block) - 6).to_bytes(4, order) + block[link + 4 :] + second + bytes(4) + thumb
    given = Image.Exif()
    given.load(block)
    assert given.get_ifd(IFD.IFD1)[0x0202] == len(thumb)
    kept = kept_exif(jpeg(exif=block), (32, 24))
    assert thumb[:40] not in kept and again(kept)[Base.Make] == "A camera"


def test_no_exif_stays_none():
    assert kept_exif(jpeg(), (32, 24)) is None


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}])
def test_the_quality_is_that_at_which_it_was_written(options):
    for quality in (1, 10, 50, 75, 90, 95, 99, 100):
        assert jpeg_quality(jpeg(quality, **options)) == quality


def test_tables_that_are_nobodys_are_matched_by_coarseness():
    assert jpeg_quality(jpeg(50, qtables=[[5] * 64, [9] * 64])) in range(90, 99)
    assert jpeg_quality(Image.new("RGB", (3, 3))) is None


@pytest.mark.parametrize("more", [{}, {"icc_profile": b"p" * 3001}, {"animated": True}])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_without_loss_is_known(more, lossless):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    more = {"save_all": True, "append_images": frames[1:]} if more.pop("animated", False) else more
    file = io.BytesIO()
    frames[0].save(file, "WEBP", lossless=lossless, **more)
    assert webp_is_lossless(file.getvalue()) == lossless


def test_a_cut_off_webp_ends_the_search():
    assert not webp_is_lossless(b"RIFF\x00\x00\x00\x00WEBPJUNK\x04\x00\x00")
