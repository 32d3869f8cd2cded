"""The playground answers what its page asks, and says what is wrong in words."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.degrade import KINDS
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.playground import KNOBS, Playground, broken, damage, picture
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


def ask(playground, **changed) -> dict:
    """What the page does: the answer to a question that differs from the first one in what is given."""
    asked = {"n": 1, "photo": "leaves", "steps": [["noise", {}]], "spot": None} | changed
    playground.set_state({"asked": asked})
    assert playground.answer["n"] == asked["n"]
    return playground.answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_asks_and_is_answered(kind, playground, photo):
    answer = ask(playground, photo="fallen", steps=[[kind, {}]])
    assert answer["error"] == "" and "fallen" in answer["alt"]
    assert answer["said"].startswith("PSNR ") and "SSIM" in answer["said"]
    assert np.array_equal(pixels(answer), as_bytes(damage(photo.flip(-1), kind, {})))
    assert torch.equal(playground.result, damage(photo.flip(-1), kind, {})) and playground.name == "fallen"


def test_the_order_of_two_damages_is_that_of_the_page(playground, photo):
    hazy_first = ask(playground, steps=[["haze", {}], ["blur", {"length": 9}]])
    assert hazy_first["alt"] == "leaves, damaged by haze, then blur"
    first, second = (
        pixels(a) for a in (hazy_first, ask(playground, n=2, steps=[["blur", {"length": 9}], ["haze", {}]]))
    )
    assert not np.array_equal(first, second)
    by_hand = damage(damage(photo, "haze", {"beta": 3}), "noise", {"sigma": 0})
    assert torch.equal(broken(photo, [("haze", {"beta": 3}), ("noise", {"sigma": 0})]), by_hand)


def test_a_spot_has_damage_inside_and_none_outside(photo):
    y = broken(photo, [("noise", {"sigma": 50})], {"across": 75, "down": 25, "radius": 15, "soft": 1})
    changed = (y != photo).any(0)
    height, width = changed.shape
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert abs(float(rows.float().mean()) / height - 0.25) < 0.05
    assert abs(float(columns.float().mean()) / width - 0.75) < 0.05
    area = torch.pi * (0.15 * (height * width) ** 0.5) ** 2
    assert 0.8 < int(changed.sum()) / area < 1.2


def test_the_first_answer_is_there_before_anything_is_asked(playground):
    assert playground.answer["src"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"photo": "none"}, "none is missing"),
        ({"steps": [["snow", {}]]}, 'No degradation is called "snow"'),
        ({"steps": [["noise", {"sigma": 400}]]}, "between 0 and 55; this is 400"),
        ({"steps": [["noise", {"beta": 1}]]}, "noise has no knob beta"),
        ({"spot": {"radius": 0}}, "between 5 and 60; this is 0"),
        ({"steps": [["noise"]]}, "That can't be shown"),
        ({"steps": None}, "That can't be shown"),
    ],
)
def test_what_cannot_be_shown_is_said_and_the_next_question_is_answered(changed, words, playground):
    before, result = playground.answer["src"], playground.result
    answer = ask(playground, **changed)
    assert words in answer["error"] and answer["src"] == before and playground.result is result
    assert ask(playground, n=2, steps=[["haze", {"beta": 2}]])["error"] == ""


def test_a_question_with_nothing_in_it_is_answered_too(playground):
    playground.set_state({"asked": {}})
    assert "photo is missing" in playground.answer["error"]


def test_no_damage_is_called_without_limit(playground):
    assert ask(playground, steps=[])["said"] == "PSNR without limit, SSIM 1.000"
    assert playground.answer["alt"] == "leaves, as it is"


def test_the_static_picture_shows_both_and_their_scores(photo):
    figure = picture({"leaves": photo}, "leaves", "noise", sigma=10)
    assert unlabelled(figure) == []
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[0] == "leaves" and "noise: PSNR" in titles[1]


def test_without_photos_there_is_none():
    with pytest.raises(ValueError, match="at least one photo"):
        Playground({})
