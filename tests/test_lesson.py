"""Lessons learn from some sample photos and are judged by others."""

from pathlib import Path

import pytest
import torch

from slerir_lite.course.lesson import HELD_OUT, held_out_photos, lesson_photos
from slerir_lite.crops import Crops
from slerir_lite.photo import list_photos, read_photo

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples" / "clean"


def test_no_photo_is_on_both_sides():
    names = {f.name for f in list_photos(SAMPLES)}
    learnt = lesson_photos(SAMPLES, leaves=2)
    assert set(HELD_OUT) < names
    assert len(learnt) == len(names) - len(HELD_OUT) + 2
    for name in HELD_OUT:
        secret = (read_photo(SAMPLES / name) * 255).round().to(torch.uint8)
        assert not any(x.shape == secret.shape and torch.equal(x, secret) for x in learnt.images)


def test_a_batch_can_be_cut_from_them():
    batch = Crops(lesson_photos(SAMPLES, leaves=1), per_batch=2, size=64).batch(0)
    assert batch.clean.shape == (4, 3, 64, 64)


def test_squares_come_from_the_middle():
    for name, square in zip(HELD_OUT, held_out_photos(SAMPLES, 100), strict=True):
        x = read_photo(SAMPLES / name)
        height, width = x.shape[-2:]
        top, left = (height - 100) // 2, (width - 100) // 2
        assert torch.equal(square[0], x[:, top : top + 100, left : left + 100])


def test_a_side_larger_than_a_photo_is_refused():
    with pytest.raises(ValueError, match="too small for 5000 px"):
        held_out_photos(SAMPLES, 5000)
