"""The playground answers what its page asks, and says what is wrong in words."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.degrade import KINDS
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.path_explorer import PathExplorer
from slerir_lite.explore.playground import KNOBS, LONGEST, Playground, broken, brush, damage, picture
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
    asked = {"n": 1, "photo": "leaves", "steps": [["noise", {}]], "spots": []} | changed
    playground.set_state({"asked": asked})
    return answered(playground, asked["n"])


def answered(playground, n) -> dict:
    assert playground.answer["n"] == n
    return playground.answer | {"src": playground.pictures}


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


def test_there_may_be_any_number_of_damages(playground, photo):
    kinds = [*KINDS, *KINDS]
    answer = ask(playground, steps=[[kind, {}] for kind in kinds])
    assert answer["error"] == "" and answer["alt"].count("then") == 9
    expected = broken(photo, [(kind, {}) for kind in kinds])
    assert np.array_equal(pixels(answer), as_bytes(expected))
    assert not torch.equal(expected, broken(photo, [(kind, {}) for kind in kinds[:-1]]))


def test_a_spot_has_damage_inside_and_none_outside(photo):
    y = broken(photo, [("noise", {"sigma": 50})], {"across": 75, "down": 25, "radius": 15, "soft": 1})
    changed = (y != photo).any(0)
    height, width = changed.shape
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert abs(float(rows.float().mean()) / height - 0.25) < 0.05
    assert abs(float(columns.float().mean()) / width - 0.75) < 0.05
    area = torch.pi * (0.15 * (height * width) ** 0.5) ** 2
    assert 0.8 < int(changed.sum()) / area < 1.2


def test_spots_are_a_brush_damage_is_done_where_any_of_them_is(playground, photo):
    left, right = ({"across": across, "radius": 20, "soft": 50} for across in (35, 65))
    masks = [brush(photo[None], spots)[0, 0] for spots in ([left], [right], [left, right])]
    assert torch.equal(torch.maximum(*masks[:2]), masks[2]) and torch.minimum(*masks[:2]).max() > 0.1
    answer = ask(playground, spots=[left, right])
    assert answer["error"] == "" and "in 2 spots" in answer["alt"]
    full = broken(photo, [("noise", {})])
    expected = photo + masks[2] * (full - photo)
    assert np.abs(pixels(answer).astype(int) - as_bytes(expected)).max() <= 1
    assert torch.equal(broken(photo, [("noise", {})], left), broken(photo, [("noise", {})], [left]))


def png(photo) -> str:
    file = io.BytesIO()
    Image.fromarray(as_bytes(photo)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def drop(playground, name, content, n=1) -> dict:
    """What the page does with a file."""
    asked = {"n": n, "photo": "leaves", "steps": [["haze", {}]], "spots": []}
    playground._handle_custom_msg({"kind": "file", "name": name, "content": content, "asked": asked}, [])
    return answered(playground, n)


def test_a_dropped_photo_is_damaged_as_the_knobs_say(playground, photo):
    mine = photo.flip(1)
    answer = drop(playground, "mine.png", png(mine))
    assert answer["error"] == "" and answer["photo"] == playground.name == "mine.png"
    assert playground.names == ["leaves", "fallen", "mine.png"]
    assert np.array_equal(pixels(answer), as_bytes(damage(mine, "haze", {})))
    assert png(mine) not in str(playground.get_state())


def test_a_large_photo_is_scaled_down(playground):
    assert pixels(drop(playground, "wide.png", png(torch.rand(3, 40, 2 * LONGEST)))).shape == (20, LONGEST, 3)


def test_a_large_photo_from_code_is_scaled_down_too():
    assert pixels(ask(Playground({"wide": torch.rand(3, 40, 2 * LONGEST)}))).shape == (20, LONGEST, 3)


def test_a_broken_file_is_named_and_the_playground_goes_on(playground, photo):
    before = playground.pictures
    answer = drop(playground, "torn.jpg", "AAAA")
    assert "torn.jpg is not an image" in answer["error"] and answer["src"] == before
    assert playground.names == ["leaves", "fallen"]
    playground._handle_custom_msg({"kind": "file"}, [])
    assert "missing" in playground.answer["error"]
    assert drop(playground, "mine.png", png(photo), n=2)["error"] == ""


class Another:
    def __init__(self):
        self.got = []

    def take(self, name, photo, clean):
        if len(self.got) == 1:
            raise RuntimeError("full up")
        self.got.append((name, photo, clean))


def test_the_result_is_sent_on_with_its_clean_photo(photo):
    other = Another()
    playground = Playground({"leaves": photo}, into={"path explorer": other})
    assert playground.targets == ["path explorer"] and not other.got
    answer = ask(playground, steps=[["blur", {}], ["noise", {}]], do="path explorer")
    ((name, sent, clean),) = other.got
    assert name == "leaves, damaged by blur, then noise" and torch.equal(clean, photo)
    assert torch.equal(sent, broken(photo, [("blur", {}), ("noise", {})]))
    assert answer["said"].endswith(". The path explorer has it.")
    assert "path explorer has it" not in ask(playground, n=2)["said"] and len(other.got) == 1
    refused = ask(playground, n=3, steps=[["haze", {}]], do="path explorer")
    assert refused["error"] == "The path explorer can't take it: RuntimeError: full up"
    assert refused["alt"] == "leaves, damaged by haze" and "has it" not in refused["said"]
    assert "nobody is missing" in ask(playground, n=4, do="nobody")["error"]
    assert ask(playground, n=5)["error"] == ""


def test_the_path_explorer_takes_what_is_sent(photo):
    def toy(photo, path=None):
        choice = [0, 0] if path is None else list(path)
        return SimpleNamespace(image=photo, choice=choice, angle=torch.tensor([[10.0, 80.0]] * 2))

    explorer = PathExplorer({"leaves": photo}, {"toy": toy})
    playground = Playground({"leaves": photo}, into={"path explorer": explorer})
    assert ask(playground, do="path explorer")["error"] == ""
    state, results = explorer.state, explorer.session.results
    assert state["photo"] == "leaves, damaged by noise" and state["damage"] == "clean"
    assert torch.equal(results.given, playground.result) and torch.equal(results.clean, photo)
    assert "dB" in explorer.pictures[0]["title"]
    explorer.set_state({"asked": {"n": "1", "damage": "haze"}})
    assert torch.equal(explorer.session.results.clean, photo)


def test_the_picture_is_sent_to_the_page_and_is_no_part_of_the_state(playground):
    sent = []
    playground.send = lambda content, buffers=None: sent.append(content)
    playground._handle_custom_msg({"kind": "paint"}, [])
    answer = ask(playground, steps=[["haze", {}]])
    assert [m["pictures"][:22] for m in sent] == ["data:image/png;base64,"] * 2
    assert sent[1]["pictures"] == answer["src"] not in str(playground.get_state())


def test_the_first_answer_is_there_before_anything_is_asked(playground):
    assert playground.pictures.startswith("data:image/png;base64,") and playground.answer["said"]


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"photo": "none"}, "none is missing"),
        ({"steps": [["snow", {}]]}, 'No degradation is called "snow"'),
        ({"steps": [["noise", {"sigma": 400}]]}, "between 0 and 55; this is 400"),
        ({"steps": [["noise", {"beta": 1}]]}, "noise has no knob beta"),
        ({"spots": [{}, {"radius": 0}]}, "between 5 and 60; this is 0"),
        ({"spots": 3}, "That can't be shown"),
        ({"steps": [["noise"]]}, "That can't be shown"),
        ({"steps": None}, "That can't be shown"),
    ],
)
def test_what_cannot_be_shown_is_said_and_the_next_question_is_answered(changed, words, playground):
    before, result = playground.pictures, playground.result
    answer = ask(playground, **changed)
    assert words in answer["error"] and answer["src"] == before and playground.result is result
    assert ask(playground, n=2, steps=[["haze", {"beta": 2}]])["error"] == ""


def test_an_interrupted_kernel_is_told_and_the_cell_is_stopped(photo, monkeypatch):
    def pressed(*asked):
        raise KeyboardInterrupt

    playground = Playground({"leaves": photo})
    with monkeypatch.context() as stop:
        stop.setattr("slerir_lite.explore.playground.broken", pressed)
        with pytest.raises(KeyboardInterrupt):
            ask(playground, n=1)
    assert playground.answer["n"] == 1 and "KeyboardInterrupt" in playground.answer["error"]
    assert ask(playground, n=2)["error"] == ""


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
