"""The playground answers what its page asks, and says what is wrong in words."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.degrade import KINDS
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.playground import KNOBS, Playground, damage, picture
from slerir_lite.photo import as_bytes


@pytest.fixture
def photo(clean):
    return clean[0, :, :48, :64]


@pytest.fixture
def playground(photo):
    return Playground({"leaves": photo, "fallen": photo.flip(-1)})


def pixels(answer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["src"].split(",")[1]))))


def test_there_are_knobs_for_each_degradation_and_what_they_start_with_lies_in_their_range():
    assert set(KNOBS) == set(KINDS)
    assert all(low <= first <= high for knobs in KNOBS.values() for _, low, high, first in knobs.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_knob_changes_the_photo_at_both_ends(kind, photo):
    for name, (_, low, high, _) in KNOBS[kind].items():
        ends = [damage(photo, kind, {name: value}) for value in (low, high)]
        assert not torch.equal(*ends), name
        assert all(y.shape == photo.shape for y in ends)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_asks_and_is_answered(kind, playground, photo):
    playground.set_state({"asked": {"photo": "fallen", "kind": kind, "knobs": {}}})
    answer = playground.answer
    assert answer["error"] == "" and "fallen" in answer["alt"]
    assert answer["said"].startswith("PSNR ") and "SSIM" in answer["said"]
    assert np.array_equal(pixels(answer), as_bytes(damage(photo.flip(-1), kind, {})))


def test_the_first_answer_is_there_before_anything_is_asked(playground):
    assert playground.answer["src"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "asked, words",
    [
        ({"photo": "none", "kind": "noise", "knobs": {}}, "none is missing"),
        ({"photo": "leaves", "kind": "snow", "knobs": {}}, 'No degradation is called "snow"'),
        ({"photo": "leaves", "kind": "noise", "knobs": {"sigma": 400}}, "between 0 and 55; this is 400"),
        ({"photo": "leaves", "kind": "noise", "knobs": {"beta": 1}}, "noise has no knob beta"),
        ({}, "photo is missing"),
    ],
)
def test_what_cannot_be_shown_is_said_and_the_next_question_is_answered(asked, words, playground):
    before = playground.answer["src"]
    playground.set_state({"asked": asked})
    assert words in playground.answer["error"] and playground.answer["src"] == before
    playground.set_state({"asked": {"photo": "leaves", "kind": "haze", "knobs": {"beta": 2}}})
    assert playground.answer["error"] == ""


def test_no_damage_is_called_without_limit(playground):
    playground.set_state({"asked": {"photo": "leaves", "kind": "noise", "knobs": {"sigma": 0}}})
    assert playground.answer["said"] == "PSNR without limit, SSIM 1.000"


def test_every_control_of_the_page_stands_in_a_label_and_waits(playground):
    page = playground._esm
    assert 'make("input", label' in str(page) and "setTimeout" in str(page)
    assert all(text for knobs in KNOBS.values() for text, *_ in knobs.values())


def test_the_static_picture_shows_both_and_their_scores(photo):
    figure = picture({"leaves": photo}, "leaves", "noise", sigma=10)
    assert unlabelled(figure) == []
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[0] == "leaves" and "noise: PSNR" in titles[1]


def test_without_photos_there_is_none():
    with pytest.raises(ValueError, match="at least one photo"):
        Playground({})
