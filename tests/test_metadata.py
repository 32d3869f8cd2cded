"""EXIF outlives a restoration but for what only described the old file; a JPEG's quality is found out."""

import io
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from slerir_lite.metadata import jpeg_quality, kept_exif, webp_is_lossless
from slerir_lite.photo import read_picture, write_photo

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


KINDS = ["jpg", "png", "webp", "tif"]


def plain() -> Image.Image:
    return Image.radial_gradient("L").convert("RGB").resize((96, 64))


def through(source, target) -> tuple:
    """What was read of `source`, what of `target` that it was written to, and what was said to be lost."""
    picture = read_picture(source)
    lost = write_photo(picture.pixels, target, like=picture)
    return picture, read_picture(target), lost


@pytest.mark.parametrize("kind", KINDS)
def test_what_xmp_says_of_the_turn_turns_nobodys_photo(kind, tmp_path):
    """Some programs turn the pixels and tell EXIF so, but not XMP."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6" a="6"/></x:xmpmeta>'
    exif, options = Image.Exif(), {}
    exif[Base.Orientation] = 1
    if kind == "png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif kind == "tif":
        options["tiffinfo"] = {700: xmp, 274: 1}
    else:
        options["xmp"] = xmp
    plain().save(tmp_path / f"in.{kind}", exif=exif, **options)
    before, after, _ = through(tmp_path / f"in.{kind}", tmp_path / f"out.{kind}")
    assert before.values.shape == after.values.shape == (3, 64, 96)
    assert after.xmp == before.xmp == xmp.replace(b'Orientation="6"', b'Orientation="1"')


def test_words_are_kept_where_they_can_be_and_else_told(tmp_path):
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", "Jane")
    words.add_itxt("Copyright", "© Jäne")
    plain().save(tmp_path / "in.png", pnginfo=words)
    plain().save(tmp_path / "in.jpg", comment="Copyright Jäne")
    _, after, lost = through(tmp_path / "in.png", tmp_path / "out.png")
    assert after.words == {"Author": "Jane", "Copyright": "© Jäne"} and lost == []
    _, after, lost = through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert after.words == {"Comment": "Copyright Jäne"} and lost == []
    _, after, _ = through(tmp_path / "in.jpg", tmp_path / "from-jpeg.png")
    assert after.words == {"Comment": "Copyright Jäne"}
    for kind, word in (
        ("jpg", "Author, Copyright"),
        ("webp", "Author, Copyright"),
        ("bmp", "Author, Copyright"),
    ):
        _, after, lost = through(tmp_path / "in.png", tmp_path / f"lost.{kind}")
        assert after.words == {} and any(f"no texts ({word})" in sentence for sentence in lost)


def test_a_comment_in_an_older_encoding_loses_no_byte(tmp_path):
    plain().save(tmp_path / "in.jpg", comment=bytes(range(1, 256)))
    before, after, lost = through(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert before.words["Comment"].encode("latin-1") == bytes(range(1, 256))
    assert after.words == before.words and lost == []


def test_what_is_left_out_is_told(tmp_path):
    block = b"Photoshop 3.0\x00" + b"8BIM\x04\x04\x00\x00\x00\x00\x00\x04abcd"
    file = io.BytesIO()
    plain().save(file, "JPEG")
    data = file.getvalue()
    app13 = b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block
    (tmp_path / "iptc.jpg").write_bytes(data[:2] + app13 + data[2:])
    assert read_picture(tmp_path / "iptc.jpg").notes == ("Its IPTC block is left out.",)
    plain().save(tmp_path / "gamma.png")
    data = (tmp_path / "gamma.png").read_bytes()
    for gamma, told in ((100_000, True), (45_455, False)):
        body = b"gAMA" + gamma.to_bytes(4, "big")
        chunk = (4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
        (tmp_path / "gamma.png").write_bytes(data[:33] + chunk + data[33:])
        assert ("gamma" in " ".join(read_picture(tmp_path / "gamma.png").notes)) == told


def test_what_photoshop_keeps_for_itself_shows_no_old_photo(tmp_path):
    """Its resources, with a preview, and its layers; they would also fill the EXIF block of a JPEG."""
    preview = np.random.default_rng(0).bytes(70_000)
    tags = {271: "A camera", 34377: preview, 37724: preview}
    plain().save(tmp_path / "in.tif", tiffinfo=tags)
    for name in ("out.tif", "out.jpg", "out.png"):
        picture, after, lost = through(tmp_path / "in.tif", tmp_path / name)
        assert picture.notes == (
            "What Photoshop keeps for itself, such as a preview and layers, is left out.",
        )
        assert preview[:999] not in (tmp_path / name).read_bytes() and lost == []
        assert again(after.exif)[Base.Make] == "A camera"


def test_no_tiff_is_written_that_is_taken_for_a_raw_photo(tmp_path):
    block = camera()
    block[50706], block[50707] = b"\1\4\0\0", b"\1\1\0\0"
    plain().save(tmp_path / "in.jpg", exif=block)
    _, after, _ = through(tmp_path / "in.jpg", tmp_path / "out.tif")
    assert again(after.exif)[Base.Make] == "A camera"


@pytest.mark.parametrize(
    ("primaries", "more", "told"),
    [
        ((31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000), {}, False),  # sRGB's
        ((31269, 32899, 63999, 33001, 30000, 60000, 15000, 5999), {}, False),
        ((31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000), {}, True),  # Adobe's RGB
        ((31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000), {"icc_profile": b"profile"}, False),
    ],
)
def test_primaries_that_are_left_out_are_told(tmp_path, primaries, more, told):
    plain().save(tmp_path / "in.png", **more)
    data = (tmp_path / "in.png").read_bytes()
    body = b"cHRM" + b"".join(n.to_bytes(4, "big") for n in primaries)
    chunk = (32).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    (tmp_path / "in.png").write_bytes(data[:33] + chunk + data[33:])
    assert ("primaries" in " ".join(read_picture(tmp_path / "in.png").notes)) == told


def test_a_tiff_that_tells_no_resolution_has_none(tmp_path):
    plain().save(tmp_path / "none.tif")
    plain().save(tmp_path / "some.tif", dpi=(300, 300))
    assert through(tmp_path / "none.tif", tmp_path / "o.tif")[1].dpi is None
    assert through(tmp_path / "some.tif", tmp_path / "p.tif")[1].dpi == (300, 300)


@pytest.mark.parametrize("tag", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_a_raw_photos_preview_is_not_taken_for_the_photo(tag, tmp_path):
    plain().save(tmp_path / "raw.tif", tiffinfo=tag)
    with pytest.raises(ValueError, match="raw.tif begins with the small preview of a raw photo. Develop it"):
        read_picture(tmp_path / "raw.tif")


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
