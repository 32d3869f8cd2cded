"""The second look: taken where something new is seen, and nothing else changes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from typer.testing import CliRunner

from slerir_lite import again, tiles
from slerir_lite.again import look_again
from slerir_lite.cli import app
from slerir_lite.degrade import PLACES, mix, quantise
from slerir_lite.evaluate import psnr
from slerir_lite.model import Config, SlerIR, pad
from slerir_lite.photo import Picture, as_bytes, read_photo, write_photo
from slerir_lite.restore import restore, restore_rounded
from slerir_lite.tiles import sense_in_tiles
from slerir_lite.values import WHITE

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples"


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SlerIR(Config(width=8, tokens=16)).eval()


def seeing(monkeypatch, name: str) -> None:
    """The second look will see this."""
    there = [{place: 10.0 if place == name else 90.0 for place in PLACES}]
    monkeypatch.setattr(again, "places", lambda *_: there)


@pytest.mark.parametrize("height, width", [(1, 1), (7, 90), (64, 64), (150, 203)])
@pytest.mark.parametrize("integers", [False, True])
def test_what_is_seen_in_tiles_is_what_is_seen_in_one_piece(height, width, integers, model, monkeypatch):
    monkeypatch.setattr(tiles, "_first_side", lambda: 64)
    x = torch.randint(256, (1, 3, height, width), generator=torch.Generator().manual_seed(1))
    floats = x.float() / 255
    with torch.no_grad():
        whole = model.sense(floats, model.compass.look(pad(floats)))
        found = sense_in_tiles(model, x.to(torch.uint8) if integers else floats)
    torch.testing.assert_close(found.z, whole.z, atol=1e-5, rtol=1e-4)


def noisy(model, **how):
    """A restoration of what the compass took for noise."""
    found = restore(0.4 * torch.rand(3, 24, 40, generator=torch.Generator().manual_seed(2)), model, **how)
    place = {name: 10.0 if name == "noise" else 90.0 for name in PLACES}
    return replace(found, place=place, image=quantise(0.4 * found.image))  # dark: darkness is believed


@pytest.mark.parametrize("seen", PLACES)
def test_a_photo_goes_through_again_for_what_noise_hid_and_no_blur(seen, model, monkeypatch):
    first = noisy(model)
    seeing(monkeypatch, seen)
    found = look_again(first, model)
    if seen in ("clean", "blur", "noise"):
        assert found is first and "then" not in found.to_dict()
    else:
        second = restore(first.image, model)
        assert torch.equal(found.image, second.image) and not torch.equal(found.image, first.image)
        assert found.path == first.path and found.to_dict()["then"] == second.to_dict()


def test_what_lies_below_a_grey_level_is_not_seen(model, monkeypatch):
    """A photo denoised to floats is smoother than any file; the command looks at what a file holds."""
    first = noisy(model)
    finer = replace(first, image=first.image + 0.4 / 255 * (2 * torch.rand(first.image.shape) - 1))
    seeing(monkeypatch, "haze")
    assert not torch.equal(finer.image, first.image)
    one, other = look_again(first, model), look_again(finer, model)
    assert torch.equal(one.image, other.image) and one.then.to_dict() == other.then.to_dict()


@pytest.mark.parametrize("how", [{"strength": 0.5}, {"path": [0] * 8}])
def test_what_a_hand_decided_is_left_at_that(how, model, monkeypatch):
    first = noisy(model, **how)
    seeing(monkeypatch, "haze")
    assert look_again(first, model) is first


def test_in_a_linear_space_distances_are_not_taken_for_degrees(monkeypatch):
    torch.manual_seed(0)
    linear = SlerIR(Config(width=8, tokens=16, linear=True)).eval()
    seeing(monkeypatch, "haze")
    first = noisy(linear)
    assert first.nearest == "noise" and look_again(first, linear) is first


def test_after_anything_but_noise_nothing_more_is_done(model, monkeypatch):
    seeing(monkeypatch, "haze")
    for place in set(PLACES) - {"noise"}:
        first = replace(noisy(model), place={name: float(name != place) for name in PLACES})
        assert look_again(first, model) is first


@pytest.mark.parametrize("kind", [torch.float32, torch.uint8, torch.uint16])
def test_a_dark_photo_with_lights_is_not_brightened(kind, model, monkeypatch):
    seeing(monkeypatch, "lowlight")
    dark = noisy(model)
    lit = dark.image.clone()
    lit[:, 3:5, 6:9] = 0.9
    for image, again_ in ((dark.image, True), (lit, False)):
        if kind in WHITE:
            image = (image * WHITE[kind]).round().to(kind)
        assert (look_again(replace(dark, image=image), model).then is not None) == again_


@pytest.mark.parametrize("height, width", [(4, 8), (140, 272), (7, 9), (1, 1), (131, 258)])
def test_a_smaller_photo_has_the_means_of_four_by_four_pixels(height, width):
    x = torch.randint(256, (3, height, width), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    found = again._smaller(x)
    assert found.shape == (3, -(-height // 4), -(-width // 4))
    for row, column in ((0, 0), (found.shape[1] - 1, found.shape[2] - 1), (found.shape[1] // 2, 0)):
        block = x[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].double() / 255
        torch.testing.assert_close(found[:, row, column], block.mean((1, 2)).float())
    assert torch.equal(again._smaller(x.float() / 255), found)


@pytest.mark.parametrize("height, width", [(256, 320), (140, 272), (4, 4)])
def test_a_change_is_drawn_out_as_pytorch_would_and_bands_do_not_show(height, width):
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(3, height, width, generator=generator)
    change = torch.rand(3, height // 4, width // 4, generator=generator) - 0.5
    whole = F.interpolate(change[None], scale_factor=4, mode="bilinear", align_corners=False)[0]
    torch.testing.assert_close(again._changed(image, change, None), (image + whole).clamp(0, 1))


@pytest.mark.parametrize("height, width", [(257, 256), (259, 256), (258, 261)])
def test_a_change_is_drawn_out_alike_across_and_down(height, width):
    grey = torch.full((3, height, width), 0.5)
    change = 0.2 * torch.rand(3, -(-height // 4), -(-width // 4), generator=torch.Generator().manual_seed(4))
    upright = again._changed(grey, change, None)
    lying = again._changed(grey.transpose(1, 2), change.transpose(1, 2), None)
    torch.testing.assert_close(lying, upright.transpose(1, 2))


def hidden_by_smoothness(monkeypatch, quarter: str = "haze", near: float = 10.0, full: str = "blur") -> None:
    """The second look will see `full` at full size, and `quarter` in what is smaller, so near by."""

    def place(_, x):
        name = full if max(x.shape[1:]) > 200 else quarter
        return {place: near if place == name else 90.0 for place in PLACES}

    monkeypatch.setattr(again, "_place", place)


def noisy_and_large(model, kind=torch.float32):
    """As `noisy`, 256 x 264 px, grey where it is a file's integers; far from black and white."""
    x = quantise(0.4 + 0.2 * torch.rand(3, 256, 264, generator=torch.Generator().manual_seed(2)))
    place = {name: 10.0 if name == "noise" else 90.0 for name in PLACES}
    image = x if kind not in WHITE else (x[:1] * WHITE[kind]).round().to(kind)
    return replace(restore(x[:, :24, :40], model), place=place, image=image)


def test_haze_that_is_seen_only_at_a_quarter_of_the_size_is_taken_off_there(model, monkeypatch):
    hidden_by_smoothness(monkeypatch)
    first = noisy_and_large(model)
    found = look_again(first, model)
    small = again._smaller(first.image)
    second = restore(small, model)
    assert found.then.to_dict() == second.to_dict() and found.path == first.path
    moved = (found.image - first.image).mean((1, 2))
    torch.testing.assert_close(moved, (second.image - small).mean((1, 2)), atol=1e-3, rtol=0)
    assert float(moved.abs().max()) > 1e-3


@pytest.mark.parametrize("kind", WHITE)
def test_a_files_integers_stay_what_they_are(kind, model, monkeypatch):
    hidden_by_smoothness(monkeypatch)
    first = noisy_and_large(model, kind)
    found = look_again(first, model, lambda part: (part[:1] * WHITE[kind]).round().to(kind))
    assert found.image.dtype == kind and found.image.shape == first.image.shape
    assert not torch.equal(found.image, first.image) and found.then is not None


@pytest.mark.parametrize("quarter", [place for place in PLACES if place != "haze"])
def test_at_a_quarter_only_haze_counts(quarter, model, monkeypatch):
    hidden_by_smoothness(monkeypatch, quarter)
    first = noisy_and_large(model)
    assert look_again(first, model) is first


@pytest.mark.parametrize("full", ["blur", "haze"])
@pytest.mark.parametrize("near, more", [(29.9, True), (30.1, False)])
def test_at_a_quarter_haze_must_be_plain(near, more, full, model, monkeypatch):
    hidden_by_smoothness(monkeypatch, near=near, full=full)
    assert (look_again(noisy_and_large(model), model).then is not None) == more


def test_a_small_photo_is_not_looked_at_smaller_still(model, monkeypatch):
    hidden_by_smoothness(monkeypatch)
    first = noisy_and_large(model)
    first = replace(first, image=first.image[:, :248, :248].contiguous())
    assert look_again(first, model) is first


@pytest.mark.parametrize("lowlight, more", [(79.9, True), (80.1, False)])
def test_darkness_counts_under_apparent_blur_where_it_is_much_nearer_than_clean(
    lowlight, more, model, monkeypatch
):
    there = dict.fromkeys(PLACES, 100.0) | {"blur": 40.0, "clean": 90.0, "lowlight": lowlight}
    monkeypatch.setattr(again, "places", lambda *_: [there])
    assert (look_again(noisy(model), model).then is not None) == more


def dark_and_noisy() -> tuple[torch.Tensor, torch.Tensor]:
    """A photo that is dark under its noise; and clean."""
    clean = read_photo(SAMPLES / "clean" / "coffee.png")
    generator = torch.Generator().manual_seed(0)
    return mix(clean[None], "lowlight+noise", 0.6, generator=generator)[0][0], clean


def test_hidden_damage_is_mended_too():
    damaged, clean = dark_and_noisy()
    once = restore(damaged)
    twice = look_again(once)
    scores = [psnr(as_bytes(found.image), as_bytes(clean)) for found in (once, twice)]
    assert once.nearest == "noise" and twice.then.nearest == "lowlight"
    assert scores[1] > scores[0] + 5


def test_haze_that_noise_hid_is_taken_off_though_the_photo_looks_smooth():
    clean = read_photo(SAMPLES / "clean" / "coffee.png")
    generator = torch.Generator().manual_seed(0)
    once = restore(mix(clean[None], "haze+noise", 0.6, generator=generator)[0][0])
    twice = look_again(once)
    scores = [psnr(as_bytes(found.image), as_bytes(clean)) for found in (once, twice)]
    assert twice.then.nearest == "haze" and scores[1] > scores[0] + 4


@pytest.mark.parametrize("name", ["hopper", "coffee"])
def test_the_second_look_is_the_same_from_floats_and_from_a_files_integers(name):
    """A photo alone goes to its file as integers; in a folder, with --clean and from Python as floats."""
    clean = read_photo(SAMPLES / "clean" / f"{name}.png")[:, :176, :176]
    did = {"lowlight": {"gain": 0.25}, "noise": {"sigma": 20}}
    photo = mix(clean[None], "lowlight+noise", generator=torch.Generator().manual_seed(1), did=did)[0][0]
    floats = look_again(restore(photo))
    integers = look_again(restore_rounded(Picture(photo), _eight_bits), rounded=_eight_bits)
    assert floats.then is not None and integers.then is not None
    assert floats.then.path == integers.then.path
    assert (floats.image - integers.image / 255).abs().mean() * 255 < 1


def _eight_bits(part):
    return (part * 255).round().to(torch.uint8)


def test_no_sample_with_a_single_damage_goes_through_again():
    made = json.loads((SAMPLES / "degraded" / "parameters.json").read_text("utf-8"))
    single = [name for name, row in made.items() if "+" not in row["kinds"]]
    assert len(single) > 5
    for file in [*(SAMPLES / "degraded" / name for name in single), *(SAMPLES / "clean").glob("*.png")]:
        assert look_again(restore(file)).then is None, file.name


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_the_command_looks_again_and_says_so_unless_told_not_to(ending, tmp_path, monkeypatch):
    damaged, clean = dark_and_noisy()
    write_photo(damaged, tmp_path / "in.png")
    write_photo(clean, tmp_path / "clean.png")
    monkeypatch.chdir(tmp_path)
    found = {}
    for name, more in (("twice", []), ("once", ["--once"]), ("scored", ["--clean", "clean.png"])):
        asked = ["restore", "in.png", "-o", f"{name}.{ending}", "--json", f"{name}.json", *more]
        result = CliRunner().invoke(app, asked)
        assert result.exit_code == 0, result.output
        (found[name],) = json.loads((tmp_path / f"{name}.json").read_text())["restored"]
        assert ("lowlight" in result.stdout) == (name != "once") and "noise" in result.stdout
    assert found["twice"]["then"]["nearest"] == "lowlight" and "then" not in found["once"]
    after = {name: psnr(*(as_bytes(read_photo(tmp_path / f)) for f in (f"{name}.{ending}", "clean.png")))
             for name in found}  # fmt: skip
    assert after["twice"] > after["once"] + 2
    assert after["scored"] == pytest.approx(after["twice"], abs=0.1)  # not rounded in between
