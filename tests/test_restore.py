"""Whatever a photo comes as, the same comes out; and what is not a photo is refused in words."""

import json

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from skimage.metrics import peak_signal_noise_ratio

from slerir_lite.degrade import PLACES
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.photo import Picture, as_bytes, as_photo, read_photo, write_photo
from slerir_lite.restore import at_rest, restore, restore_rounded, restore_together
from slerir_lite.values import from_array


def smooth(height: int, width: int) -> np.ndarray:
    """(height, width, 3) uint8, smooth enough for JPEG, different in every corner and channel."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    return (255 * np.stack([x, y, 0.5 + 0.4 * np.sin(5 * (x + 2 * y))], -1)).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = SlerIR(Config(width=8, tokens=16))
    with torch.no_grad():  # some guide, so that it has a say
        for head in (*model.fuse.scales, model.fuse.exposure):
            head.weight.normal_(std=0.05)
    return model.eval()


BYTES = smooth(40, 56)
FLOATS = torch.from_numpy(BYTES.astype(np.float32) / 255).permute(2, 0, 1)


def test_every_kind_of_photo_gives_the_same(model, tmp_path):
    Image.fromarray(BYTES).save(tmp_path / "a.png")
    kinds = [
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        Image.fromarray(BYTES),
        BYTES,
        BYTES.astype(np.uint16) * 257,
        (BYTES.astype(np.uint16) * 257).astype(">u2"),
        BYTES / 255,
        BYTES[::-1][::-1],
        FLOATS,
        FLOATS[None],
        FLOATS.double(),
        FLOATS.to(memory_format=torch.contiguous_format).clone().requires_grad_(),
    ]
    results = [restore(photo, model) for photo in kinds]
    for got in results[1:]:
        assert torch.allclose(got.image, results[0].image, atol=1e-5)
        assert got.path == results[0].path


def test_the_result_is_the_networks_clipped(model):
    with torch.no_grad():
        raw = model(FLOATS[None])
    got = restore(FLOATS, model)
    assert torch.allclose(got.image, raw.image[0].clamp(0, 1), atol=1e-5)
    assert torch.equal(got.choice, raw.route.choice[0])
    assert got.guide.shape == (16, 5, 7)


def test_path_margin_and_places_follow_from_the_angles(model):
    got = restore(BYTES, model)
    assert got.path == "-".join(str(k) for k in got.angle.argmin(1).tolist())
    best, second = got.angle.sort(1).values[:, :2].T
    assert torch.allclose(got.margin, second - best, atol=1e-4)
    assert got.angle.shape == (8, 3) and got.choice.shape == (8,) and got.z.shape == (5,)
    assert float(got.z.norm()) == pytest.approx(1, abs=1e-5)
    by_hand = np.degrees(np.arccos(model.compass.centres.numpy() @ got.z.numpy()))
    assert list(got.place) == list(PLACES)
    assert np.allclose(list(got.place.values()), by_hand, atol=0.05)
    assert got.nearest == PLACES[by_hand.argmin()]


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 9), (8, 8), (33, 65)])
def test_any_size(model, size):
    got = restore(torch.rand(3, *size), model)
    assert got.image.shape == (3, *size)
    assert got.image.isfinite().all() and got.image.min() >= 0 and got.image.max() <= 1


def test_it_can_be_shown_and_told(model):
    got = restore(BYTES, model)
    assert got.pil().size == (56, 40) and got.pil().mode == "RGB"
    assert np.array_equal(np.asarray(got.pil()), as_bytes(got.image))
    told = json.loads(json.dumps(got.to_dict(), allow_nan=False))
    assert told["path"] == got.path and told["nearest"] == got.nearest
    assert (told["height"], told["width"]) == (40, 56)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_integers_are_shown_as_rgb_too(model, kind):
    grey = BYTES[..., 0].astype(kind) * (1 if kind == np.uint8 else 257)
    values = from_array(grey)
    got = restore_rounded(Picture(values, grey=True), lambda part: values[:1], model)
    assert got.image.shape == (1, 40, 56)
    assert got.pil().mode == "RGB" and np.array_equal(np.asarray(got.pil()), BYTES[..., [0, 0, 0]])


def test_nothing_is_changed_by_restoring(model):
    photo, state = FLOATS.clone(), torch.get_rng_state()
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    first = restore(photo, model)
    model.train()
    model.fuse.eval()
    try:
        second = restore(photo, model)
        assert model.training and model.compass.training and not model.fuse.training
    finally:
        model.eval()
    assert torch.equal(first.image, second.image)
    assert torch.equal(photo, FLOATS) and torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(v, weights[k]) for k, v in model.state_dict().items())


def test_results_may_take_part_in_a_gradient(model):
    got = restore(FLOATS, model)
    w = torch.ones((), requires_grad=True)
    ((got.image * w).sum() + (got.z * w).sum() + (got.guide * w).sum()).backward()
    assert w.grad is not None


def test_modes_come_back_after_an_error(model):
    model.train()
    with pytest.raises(RuntimeError), at_rest(model):
        assert not model.compass.training
        raise RuntimeError
    assert all(part.training for part in model.modules())
    model.eval()


def test_only_a_sleir_has_a_path():
    with pytest.raises(TypeError, match="needs a SlerIR.*Generalist"):
        restore(BYTES, Generalist(Config(experts=1, width=4)))


def test_by_default_the_shipped_network_restores():
    assert restore(BYTES).image.shape == (3, 40, 56)


# What comes in


def test_a_photo_is_turned_upright(tmp_path):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(BYTES).save(tmp_path / "a.jpg", exif=exif, quality=95)
        seen = read_photo(tmp_path / "a.jpg")
        upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.jpg")))
        assert seen.shape == ((3, 40, 56) if orientation < 5 else (3, 56, 40))
        assert np.array_equal(as_bytes(seen), upright)
        assert torch.equal(as_photo(Image.open(tmp_path / "a.jpg")), seen)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1", "YCbCr", "HSV"])
def test_other_modes_are_read_as_rgb(mode):
    image = Image.fromarray(BYTES).convert(mode)
    assert np.array_equal(as_bytes(as_photo(image)), np.asarray(image.convert("RGB")))


def test_sixteen_bits_of_grey_keep_their_shades(tmp_path):
    grey = np.linspace(0, 65535, 40 * 50).astype(np.uint16).reshape(40, 50)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    for photo in (tmp_path / "grey.png", grey, Image.fromarray(grey), Image.fromarray(grey.astype(np.int32))):
        x = as_photo(photo)
        assert x.shape == (3, 40, 50)
        assert np.allclose(x.numpy(), grey / 65535, atol=1e-6)


def test_a_grey_array_has_three_equal_channels():
    assert torch.equal(as_photo(BYTES[..., 0]), as_photo(np.repeat(BYTES[..., :1], 3, 2)))


def test_rounding_errors_are_forgiven():
    x = as_photo(torch.tensor([1.00001, -0.00001, 0.5]).view(3, 1, 1))
    assert x.flatten().tolist() == [1, 0, 0.5]


@pytest.mark.parametrize(
    ("photo", "error", "message"),
    [
        (7, TypeError, "A photo is a path.*this is a int"),
        (None, TypeError, "NoneType"),
        (b"bytes", TypeError, "bytes"),
        (np.zeros((4, 4, 4), np.uint8), ValueError, r"not \(4, 4, 4\).*fourth channel"),
        (np.zeros((3, 8, 8), np.uint8), ValueError, r"not \(3, 8, 8\)"),
        (np.zeros(4), ValueError, r"not \(4,\)"),
        (np.zeros((4, 4), np.int64), TypeError, "not int64"),
        (np.zeros((4, 4), bool), TypeError, "not bool"),
        (np.zeros((4, 4), complex), TypeError, "not complex"),
        (np.zeros((0, 4, 3)), ValueError, "at least one pixel; this one is 4 x 0"),
        (np.full((4, 4), 255.0), ValueError, r"go from 255 to 255. Divide it by 255"),
        (np.full((4, 4), -1.0), ValueError, r"go from -1 to -1\.$"),
        (np.full((4, 4), 300.0), ValueError, r"go from 300 to 300\.$"),
        (torch.rand(4, 4, 3), ValueError, r"not \(4, 4, 3\)"),
        (torch.rand(2, 3, 4, 4), ValueError, r"not \(2, 3, 4, 4\)"),
        (torch.rand(1, 1, 3, 4, 4), ValueError, "must be"),
        (torch.rand(3), ValueError, "must be"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), TypeError, "uint8. Divide bytes by 255"),
        (torch.full((3, 4, 4), float("nan")), ValueError, "NaN"),
        (torch.full((3, 4, 4), float("inf")), ValueError, "infinity"),
        (torch.tensor([0, float("nan"), 1.0]).view(3, 1, 1), ValueError, "NaN"),
    ],
)
def test_what_is_no_photo_is_refused_in_words(photo, error, message):
    with pytest.raises(error, match=message):
        as_photo(photo)


def png(tmp_path) -> bytes:
    Image.fromarray(BYTES).save(tmp_path / "whole.png")
    return (tmp_path / "whole.png").read_bytes()


def test_bad_files_are_refused_with_name_and_advice(tmp_path):
    whole = png(tmp_path)
    Image.fromarray(BYTES).save(tmp_path / "whole.jpg")
    cases = {
        "empty.png": (b"", "empty"),
        "text.jpg": (b"not an image at all", "not an image"),
        "cut.png": (whole[: len(whole) // 2], "damaged or cut off"),
        "cut.jpg": ((tmp_path / "whole.jpg").read_bytes()[:700], "damaged or cut off"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=f"{name}.* {message}"):
            read_photo(tmp_path / name)
    with pytest.raises(ValueError, match="is a folder"):
        read_photo(tmp_path)
    with pytest.raises(FileNotFoundError, match="no file .*none.png"):
        read_photo(tmp_path / "none.png")


# What goes out


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff", "bmp", "PNG"])
def test_what_is_written_without_loss_is_read_again(tmp_path, suffix):
    write_photo(FLOATS, tmp_path / f"a.{suffix}")
    assert np.array_equal(as_bytes(read_photo(tmp_path / f"a.{suffix}")), BYTES)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "webp"])
def test_lossy_files_come_close(tmp_path, suffix):
    write_photo(FLOATS, tmp_path / f"a.{suffix}")
    again = as_bytes(read_photo(tmp_path / f"a.{suffix}"))
    assert peak_signal_noise_ratio(BYTES, again) > 38


def test_values_are_clipped_and_rounded():
    x = torch.tensor([-1.0, 0.4999 / 255, 0.5001 / 255, 254.6 / 255, 3.0, 0.5]).view(3, 1, 2)
    assert as_bytes(x).transpose(2, 0, 1).flatten().tolist() == [0, 0, 1, 255, 255, 128]


def test_nothing_is_overwritten_unasked(tmp_path):
    (tmp_path / "a.png").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="a.png is already there"):
        write_photo(FLOATS, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"precious"
    write_photo(FLOATS, tmp_path / "a.png", overwrite=True)
    assert np.array_equal(as_bytes(read_photo(tmp_path / "a.png")), BYTES)


@pytest.mark.parametrize("where", ["os.fsync", "os.replace"])
def test_a_full_disk_or_a_kill_leaves_no_half_photo(tmp_path, monkeypatch, where):
    (tmp_path / "a.png").write_bytes(b"precious")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, fail)
    with pytest.raises(OSError, match="No space"):
        write_photo(FLOATS, tmp_path / "a.png", overwrite=True)
    assert [f.name for f in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == b"precious"


def test_where_it_cant_be_written(tmp_path):
    with pytest.raises(ValueError, match="names no kind of image.*.png"):
        write_photo(FLOATS, tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError, match="no folder .*none"):
        write_photo(FLOATS, tmp_path / "none" / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_model_stays_at_rest_until_the_last_who_asked_is_done(model):
    model.train()
    model.fuse.eval()
    first, second = at_rest(model), at_rest(model)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not any(part.training for part in model.modules())  # the second is still at work
    second.__exit__(None, None, None)
    assert model.training and model.compass.training and not model.fuse.training
    model.eval()


def test_of_photos_restored_together_each_keeps_only_itself(model):
    photos = [torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(k)) for k in range(4)]
    for found in restore_together(photos, model):
        for v in (found.image, found.guide, found.z, found.choice, found.angle, found.margin):
            assert v.untyped_storage().nbytes() == v.numel() * v.element_size()
    with pytest.raises(TypeError, match="a list of photos"):
        restore_together("photo.png", model)
