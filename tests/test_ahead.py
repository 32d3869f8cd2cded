"""Photos of one size are restored together, and each comes back as if it had been alone."""

import pytest
import torch
from PIL import Image

from slerir_lite import ahead as module
from slerir_lite.ahead import Ahead
from slerir_lite.model import SlerIR
from slerir_lite.photo import read_photo
from slerir_lite.restore import restore, restore_together


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


def groups(monkeypatch) -> list[int]:
    """How many photos went through the network together, call by call."""
    sizes, real = [], module.restore_together
    monkeypatch.setattr(
        module, "restore_together", lambda x, *a, **k: sizes.append(len(x)) or real(x, *a, **k)
    )
    return sizes


def test_neighbours_of_one_size_go_together_and_come_back_as_alone(folder, model, monkeypatch):
    together = groups(monkeypatch)
    ahead = Ahead(folder, model)
    for file in folder:
        picture, got, seconds = ahead(file)
        alone = restore(file, model)
        assert torch.equal(picture.pixels, read_photo(file)) and seconds > 0
        assert got.path == alone.path and torch.allclose(got.image, alone.image, atol=1e-5)
        assert got.image.shape == picture.pixels.shape and got.place == pytest.approx(alone.place, abs=1e-2)
    assert together == [3, 1, 2]


def test_a_file_that_cannot_be_read_ends_the_group_and_says_why_in_its_own_turn(folder, model, monkeypatch):
    folder[1].write_bytes(folder[1].read_bytes()[:60])
    together = groups(monkeypatch)
    ahead = Ahead(folder, model)
    ahead(folder[0])
    with pytest.raises(ValueError, match="1.png is damaged or cut off"):
        ahead(folder[1])
    ahead(folder[2])
    assert together == [1, 1]


def test_no_more_go_together_than_pixels_allow(folder, model, monkeypatch):
    together = groups(monkeypatch)
    monkeypatch.setattr(module, "PIXELS", 2 * 40 * 32)
    ahead = Ahead(folder, model)
    for file in folder[:3]:
        ahead(file)
    assert together == [2, 1]


def test_a_path_and_a_strength_hold_for_all(folder, model):
    ahead = Ahead(folder, model, "0-1-2-0-1-2-0-1", 0.5)
    for file in folder[:3]:
        picture, got, _ = ahead(file)
        full = restore(file, model, path="0-1-2-0-1-2-0-1")
        assert got.path == "0-1-2-0-1-2-0-1" and got.forced
        assert torch.allclose(got.image, (picture.pixels + full.image) / 2, atol=1e-5)


def test_photos_of_two_sizes_are_refused(model):
    with pytest.raises(ValueError, match="24 x 16, 8 x 16"):
        restore_together([torch.rand(3, 16, 24), torch.rand(3, 16, 8)], model)
    assert restore_together([], model) == []
