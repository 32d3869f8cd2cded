"""Photos of one size are restored together, and each comes back as if it had been alone.

A large one is alone and comes in the integers of its file, the very ones that its floats would be rounded to.
"""

import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from slerir_lite import ahead as module
from slerir_lite import tiles
from slerir_lite.ahead import Ahead
from slerir_lite.degrade import mix
from slerir_lite.model import SlerIR
from slerir_lite.photo import Picture, read_photo, write_photo
from slerir_lite.restore import restore, restore_rounded, restore_together, shipped
from slerir_lite.values import as_floats, from_array
from slerir_lite.writing import rounded

RACCOON = Path(__file__).resolve().parent.parent / "data_samples" / "clean" / "raccoon.png"


@pytest.fixture(scope="module")
def model() -> SlerIR:
    torch.manual_seed(0)
    model = SlerIR().eval()
    for head in (*model.fuse.scales, model.fuse.exposure):  # else every restored photo is nearly its input
        torch.nn.init.normal_(head.weight, std=0.3)
    return model


@pytest.fixture
def folder(tmp_path):
    """Sizes, in the order of the names: three of 40 x 32, one of 24 x 24, two of 40 x 32."""
    sizes = [(40, 32)] * 3 + [(24, 24)] + [(40, 32)] * 2
    generator = torch.Generator().manual_seed(1)
    for k, (w, h) in enumerate(sizes):
        noise = torch.randint(0, 256, (h, w, 3), generator=generator, dtype=torch.uint8)
        Image.fromarray(noise.numpy()).save(tmp_path / f"{k}.png")
    return sorted(tmp_path.iterdir())


def to_png(files) -> dict:
    return {file: file.with_name("out.png") for file in files}


def floats(got) -> torch.Tensor:
    return as_floats(got.image)


HALF = 0.5 / 255 + 1e-5  # of a grey level: what rounding to a file's integers may change


def groups(monkeypatch) -> list[int]:
    """How many photos went through the network together, call by call."""
    sizes, alone, together = [], module.restore_rounded, module.restore_together
    monkeypatch.setattr(module, "restore_rounded", lambda *a, **k: sizes.append(1) or alone(*a, **k))
    monkeypatch.setattr(
        module, "restore_together", lambda x, *a, **k: sizes.append(len(x)) or together(x, *a, **k)
    )
    return sizes


def test_neighbours_of_one_size_go_together_and_come_back_as_alone(folder, model, monkeypatch):
    together = groups(monkeypatch)
    ahead = Ahead(to_png(folder), model)
    for file in folder:
        picture, got, seconds = ahead(file)
        alone = restore(file, model)
        assert torch.equal(picture.pixels, read_photo(file)) and seconds > 0
        assert got.path == alone.path and torch.allclose(floats(got), alone.image, atol=HALF)
        assert got.image.shape == picture.pixels.shape and got.place == pytest.approx(alone.place, abs=1e-2)
    assert together == [3, 1, 2]


def test_what_does_not_fit_together_is_restored_one_by_one(folder, model, monkeypatch):
    together, real = [], SlerIR.forward

    def forward(self, x, *args, **more):
        together.append(len(x))
        if len(x) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return real(self, x, *args, **more)

    monkeypatch.setattr(SlerIR, "forward", forward)
    ahead = Ahead(to_png(folder), model, once=True)
    paths = [ahead(file)[1].path for file in folder]
    assert paths == [restore(file, model).path for file in folder]
    assert max(together[1:]) == 1  # having failed once it is not tried again


def test_one_that_does_not_fit_alone_is_said_in_a_way_that_lets_the_others_go_on(folder, model, monkeypatch):
    def forward(*_, **__):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 3 bytes")

    monkeypatch.setattr(SlerIR, "forward", forward)
    with pytest.raises(MemoryError):
        Ahead(to_png(folder), model)(folder[3])
    monkeypatch.setattr(SlerIR, "forward", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # any other error is nobody's to hide
        Ahead(to_png(folder), model)(folder[0])


def test_a_file_that_cannot_be_read_ends_the_group_and_says_why_in_its_own_turn(folder, model, monkeypatch):
    folder[1].write_bytes(folder[1].read_bytes()[:60])
    together = groups(monkeypatch)
    ahead = Ahead(to_png(folder), model)
    ahead(folder[0])
    with pytest.raises(ValueError, match="1.png is damaged or cut off"):
        ahead(folder[1])
    ahead(folder[2])
    assert together == [1, 1]


def test_no_more_go_together_than_pixels_allow(folder, model, monkeypatch):
    together = groups(monkeypatch)
    monkeypatch.setattr(module, "PIXELS", 2 * 40 * 32)
    ahead = Ahead(to_png(folder), model)
    for file in folder[:3]:
        ahead(file)
    assert together == [2, 1]


def test_a_path_and_a_strength_hold_for_all(folder, model):
    ahead = Ahead(to_png(folder), model, "0-1-2-0-1-2-0-1", 0.5)
    for file in folder[:3]:
        picture, got, _ = ahead(file)
        full = restore(file, model, path="0-1-2-0-1-2-0-1")
        assert got.path == "0-1-2-0-1-2-0-1" and got.forced
        assert torch.allclose(floats(got), (picture.pixels + full.image) / 2, atol=HALF)


def test_a_guide_that_nobody_asks_for_is_not_kept(folder, model):
    assert all(Ahead(to_png(folder), model, guide=False)(file)[1].guide is None for file in folder)
    assert Ahead(to_png(folder), model)(folder[0])[1].guide is not None


@pytest.mark.parametrize("guide", [True, False])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_after_a_second_look_nothing_is_kept_twice(folder, model, monkeypatch, guide, strength):
    """One image, which both tell of, and a guide only where it is asked for."""
    seen = []

    def again(got, model, to):
        seen.append(got.guide is not None)
        second = restore(as_floats(got.image), model)
        second = replace(second, image=to(second.image))
        return replace(got, image=second.image, then=second)

    monkeypatch.setattr(module, "look_again", again)
    ahead = Ahead(to_png(folder), model, strength=strength, guide=guide)
    for file in folder[2:4]:
        _, got, _ = ahead(file)
        assert got.then.image.data_ptr() == got.image.data_ptr()
        assert (got.guide is not None) == (got.then.guide is not None) == guide
        assert torch.equal(got.then.image, got.image) and got.then.to_dict()["width"] == got.image.shape[2]
    assert set(seen) == {guide}  # nor is it in memory while the second look is taken


def test_photos_of_two_sizes_are_refused(model):
    with pytest.raises(ValueError, match="24 x 16, 8 x 16"):
        restore_together([torch.rand(3, 16, 24), torch.rand(3, 16, 8)], model)
    assert restore_together([], model) == []


# In the integers of a file


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_a_photo_for_a_file_is_rounded_as_its_floats_are(name, model, monkeypatch):
    monkeypatch.setattr(tiles, "_first_side", lambda: 64)
    rng = np.random.default_rng(0)
    for bits, is_grey, see_through, strength in product((8, 16), (True, False), (True, False), (1.0, 0.4)):
        pixels = rng.integers(0, 2**bits, (70, 101, 4)).astype(f"u{bits // 8}")
        values = from_array(pixels[..., 0] if is_grey else pixels[..., :3])
        picture = Picture(values, pixels[..., 3] if see_through else None, bits, is_grey)
        before = picture.values.clone()
        floats = restore(picture, model, strength=strength)
        got = restore_rounded(picture, partial(rounded, path=name, like=picture), model, strength=strength)
        expected = rounded(floats.image, name, picture)
        assert got.image.dtype == expected.dtype and np.array_equal(got.image, expected)
        assert got.to_dict() == floats.to_dict() and torch.equal(got.guide, floats.guide)
        assert floats.image.dtype == torch.float32 and torch.equal(picture.values, before)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_file_is_the_same_alone_and_beside_others_though_noise_hid_something(name, tmp_path):
    """What the second look sees must not depend on who was there."""
    clean = F.interpolate(read_photo(RACCOON)[None], (104, 152), mode="area")
    noise, haze = (
        mix(clean, kinds, 0.5, generator=torch.Generator().manual_seed(0))[0][0]
        for kinds in ("noise", "haze+noise")
    )
    sources = [tmp_path / f"{k}.png" for k in range(3)]
    for file, photo in zip(sources, (noise, haze, noise.flip(2)), strict=True):
        write_photo(photo, file)
    written = {}
    for way in ("alone", "together"):
        (tmp_path / way).mkdir()
        targets = {file: tmp_path / way / f"{file.stem}-{name}" for file in sources}
        together = Ahead(targets, shipped())
        for file, target in targets.items():
            found = (Ahead({file: target}, shipped()) if way == "alone" else together)(file)
            written[way, file] = as_floats(found[1].image), found[1].then
    for file in sources:
        (one, then), (other, also) = written["alone", file], written["together", file]
        assert (then is None) == (also is None)
        assert (one - other).abs().max() < 1.5 / 255
    assert written["alone", sources[1]][1] is not None


PROBE = """
import resource, sys
from pathlib import Path
from slerir_lite import tiles
from slerir_lite.ahead import Ahead
from slerir_lite.jobs import write_restored
from slerir_lite.model import Config, SlerIR

source, target = Path(sys.argv[1]), Path(sys.argv[2])
tiles.LARGEST = 384
model = SlerIR(Config(width=2, tokens=8)).eval()  # what is measured is what is held besides
write_restored(source, target, Ahead({source: target}, model, guide=False)(source))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_memory_hardly_grows_with_the_photo(tmp_path):
    # As floats, before and after, it would take 24 bytes a pixel; here 3 + 3, and 4 while Pillow packs it.
    most, sizes = [], (1000, 5000)
    for height in sizes:
        Image.new("RGB", (1000, height), (90, 120, 50)).save(tmp_path / f"{height}.jpg")
        command = [sys.executable, "-c", PROBE, tmp_path / f"{height}.jpg", tmp_path / f"{height}.png"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        most.append(1024 * int(done.stdout))
    assert (most[1] - most[0]) / (1000 * (sizes[1] - sizes[0])) < 22
