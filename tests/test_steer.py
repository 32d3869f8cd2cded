"""A hand may give the path and the strength; what it can't give is refused in words."""

import json

import numpy as np
import pytest
import torch

from slerir_lite.model import Config, SlerIR
from slerir_lite.photo import read_picture
from slerir_lite.restore import restore
from slerir_lite.steer import blend, checked_strength, chosen_path

PHOTO = torch.rand(3, 24, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return SlerIR(Config(width=8, tokens=16)).eval()


@pytest.mark.parametrize(
    "path", ["0-2-1-1-0-2-2-1", [0, 2, 1, 1, 0, 2, 2, 1], np.array([0, 2, 1, 1, 0, 2, 2, 1])]
)
def test_a_path_that_is_given_is_taken(model, path):
    free, got = restore(PHOTO, model), restore(PHOTO, model, path=path)
    with torch.no_grad():
        expected = model(PHOTO[None], choice=torch.tensor([[0, 2, 1, 1, 0, 2, 2, 1]])).image[0].clamp(0, 1)
    assert got.path == "0-2-1-1-0-2-2-1" and torch.allclose(got.image, expected, atol=1e-5)
    assert not torch.equal(got.image, free.image) and got.forced and not free.forced
    # The compass says what it would have said.
    assert torch.equal(got.angle, free.angle) and torch.equal(got.margin, free.margin)
    told = json.loads(json.dumps(got.to_dict()))
    assert told["forced"] is True and free.to_dict()["forced"] is False


def test_the_path_that_would_be_taken_anyway_changes_nothing(model):
    free = restore(PHOTO, model)
    assert torch.equal(restore(PHOTO, model, path=free.path).image, free.image)


@pytest.mark.parametrize(
    "path", ["", "0", "0-1-2", "0-2-1-1-0-2-2-3", "0-2-1-1-0-2-2--1", "a-b-c-d-e-f-g-h", "02110221", [0] * 7,
             [0.5] * 8, [3] * 8, [-1] * 8, [None] * 8, [float("nan")] * 8],
)  # fmt: skip
def test_what_is_no_path_is_refused(model, path):
    with pytest.raises(
        ValueError, match='A path is 8 numbers from 0 to 2, such as "0-2-1-1-0-2-2-1"; this is'
    ):
        restore(PHOTO, model, path=path)


def test_one_specialist_leaves_one_path():
    assert chosen_path("0-0-0-0-0-0-0-0", 1).tolist() == [[0] * 8]
    with pytest.raises(ValueError, match='from 0 to 0, such as "0-0-0-0-0-0-0-0"'):
        chosen_path("0-2-1-1-0-2-2-1", 1)


def test_strength_goes_from_the_photo_to_the_restored_one(model):
    full = restore(PHOTO, model)
    assert torch.equal(restore(PHOTO, model, strength=0).image, PHOTO)
    assert torch.equal(restore(PHOTO, model, strength=1).image, full.image)
    half = restore(PHOTO, model, strength=0.5)
    assert torch.allclose(half.image, (PHOTO + full.image) / 2, atol=1e-6)
    assert (half.strength, half.path, half.to_dict()["strength"]) == (0.5, full.path, 0.5)


def test_the_ends_are_exact():
    a, b = torch.rand(2, 3, 50, 50, generator=torch.Generator().manual_seed(1))
    assert torch.equal(blend(a, b, 0.0), a) and torch.equal(blend(a, b, 1.0), b)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf"), "much", None])
def test_what_is_no_strength_is_refused(model, strength):
    with pytest.raises(ValueError, match=r"between 0 \(the photo untouched\) and 1 \(fully restored\)"):
        restore(PHOTO, model, strength=strength)
    assert checked_strength("0.25") == 0.25


def test_a_picture_may_be_restored(model, tmp_path):
    from PIL import Image

    Image.fromarray((PHOTO.permute(1, 2, 0).numpy() * 255).astype(np.uint8)).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert torch.equal(restore(picture, model).image, restore(tmp_path / "a.png", model).image)
