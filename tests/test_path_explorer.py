"""The path explorer's logic, without a browser: what its page asks for is done, refused in words, undone."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.degrade import quantise
from slerir_lite.explore.damages import broken
from slerir_lite.explore.explored import as_restore, can_step, found
from slerir_lite.explore.path_explorer import PathExplorer
from slerir_lite.explore.session import LONGEST, Session
from slerir_lite.explore.stations import first_stations, restore_in_part, step_by_step
from slerir_lite.model import Generalist, SlerIR
from slerir_lite.photo import as_bytes
from slerir_lite.restore import restore
from slerir_lite.weights import save_weights


def toy(photo, path=None, stations=3):
    """Three stations of two specialists: station n adds n or takes it away, in hundredths. Bright photos go
    through 1 everywhere."""
    bright = bool(photo.mean() > 0.5)
    choice = [int(bright)] * 3 if path is None else list(path)
    image = photo + sum((n + 1) * (0.01 if k else -0.01) for n, k in enumerate(choice[:stations]))
    angle = torch.full((3, 2), 80.0)
    angle[:, int(bright)] = 10
    return SimpleNamespace(image=image, choice=choice, angle=angle)


def without_steps(photo, path=None):
    return toy(photo, path)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    made = SlerIR().eval()
    for station in made.backbone.stations:  # so that specialists differ visibly from the start
        for expert in station.experts:
            torch.nn.init.normal_(expert.second.weight, std=0.02)
    return made


@pytest.fixture
def photo(clean):
    return clean[0, :, :48, :64]


@pytest.fixture
def dark(photo):
    return quantise(photo * 0.4)


@pytest.fixture
def explorer(photo, dark):
    return PathExplorer({"dark": dark, "light": photo * 0.2 + 0.7}, {"toy": toy, "plain": without_steps})


def ask(explorer, **asked):
    """As the page does it; returns the state."""
    explorer.set_state({"asked": {"n": "7", **asked}})
    assert explorer.asked == {} and explorer.progress == ""
    return explorer.state


def shown(explorer, k: int) -> np.ndarray:
    content = explorer.pictures[k]["src"].split(",")[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


# Stations


@pytest.mark.parametrize("count", range(9))
def test_the_first_stations_work_and_the_others_pass_on(count, model, photo):
    part = restore_in_part(photo, model, stations=count)
    # The same network, whose later specialists change nothing.
    silent = SlerIR().eval()
    silent.load_state_dict(model.state_dict())
    for station in silent.backbone.stations[count:]:
        for expert in station.experts:
            torch.nn.init.zeros_(expert.second.weight)
            torch.nn.init.zeros_(expert.second.bias)
    torch.testing.assert_close(part.image, restore(photo, silent).image)
    assert part.path == restore(photo, model).path


def test_after_a_failure_too_all_stations_work_again(model, photo):
    before = restore(photo, model).image
    kept = list(model.backbone.stations)
    with pytest.raises(RuntimeError, match="no"), first_stations(model, 2):
        raise RuntimeError("no")
    assert all(a is b for a, b in zip(model.backbone.stations, kept, strict=True))
    assert torch.equal(restore(photo, model).image, before)


@pytest.mark.parametrize("count", [-1, 9])
def test_more_stations_than_there_are_cannot_work(count, model, photo):
    with pytest.raises(ValueError, match="0 to 8"):
        restore_in_part(photo, model, stations=count)


def test_steps_end_with_the_restored_photo_and_follow_a_given_path(model, photo):
    path = [0, 1, 2, 0, 1, 2, 0, 1]
    steps = step_by_step(photo, model, path=path)
    assert len(steps) == 9
    assert torch.equal(steps[-1], restore(photo, model, path=path).image)
    assert all(not torch.equal(a, b) for a, b in zip(steps, steps[1:], strict=False))


# The interface


def test_a_network_and_a_function_can_both_be_explored(model, photo):
    assert can_step(as_restore(model)) and as_restore(toy) is toy
    got = found(as_restore(model), photo, path=(2,) * 8)
    assert got.choice == (2,) * 8 and torch.equal(got.image, restore(photo, model, path=[2] * 8).image)


@pytest.mark.parametrize("what", [Generalist(), 3, "slerir"])
def test_what_knows_no_path_is_refused(what):
    with pytest.raises(TypeError, match="image, choice and angle"):
        as_restore(what)


GOOD = dict(image=torch.zeros(3, 48, 64), choice=[0, 1], angle=torch.zeros(2, 2))


@pytest.mark.parametrize(
    "wrong, words",
    [
        (dict(image=torch.zeros(3, 48, 63)), r"image is \(3, 48, 63\), but the photo"),
        (dict(image=torch.full((3, 48, 64), torch.nan)), "NaN"),
        (dict(angle=torch.zeros(3, 2)), r"\(2,\) and \(3, 2\)"),
        (dict(choice=[0, 2]), "between 0 and 1"),
    ],
)
def test_a_wrong_answer_is_named(wrong, words, photo):
    with pytest.raises(ValueError, match=words):
        found(lambda photo, path: SimpleNamespace(**GOOD | wrong), photo)
    with pytest.raises(ValueError, match=r"to take the path \(1, 1\), but took \(0, 1\)"):
        found(lambda photo, path: SimpleNamespace(**GOOD), photo, path=(1, 1))
    with pytest.raises(ValueError, match="no choice and no angle"):
        found(lambda photo, path: SimpleNamespace(image=GOOD["image"]), photo)


# The explorer


def test_it_opens_with_the_first_photo_as_it_is(explorer, dark):
    state = explorer.state
    assert (state["photo"], state["damage"], state["model"]) == ("dark", "clean", "toy")
    assert (state["layers"], state["experts"], state["router"]) == (3, 2, [0, 0, 0])
    assert state["angle"] == [[10, 80]] * 3 and not state["undo"] and state["error"] == ""
    assert np.array_equal(shown(explorer, 0), as_bytes(dark))
    assert all(p["alt"] and p["title"] for p in explorer.pictures)


def test_another_photo_takes_another_path(explorer):
    state = ask(explorer, photo="light")
    assert state["router"] == [1, 1, 1] and state["n"] == "7"


def test_damage_is_done_as_asked(explorer, dark):
    ask(explorer, damage="noise", severity=0.8)
    assert np.array_equal(shown(explorer, 0), as_bytes(broken(dark, "noise", 0.8)))
    assert not np.array_equal(shown(explorer, 0), as_bytes(broken(dark, "noise", 0.7)))


def test_an_override_is_taken_shown_and_scored(explorer, dark):
    state = ask(explorer, overrides=[None, 1, None])
    assert np.array_equal(shown(explorer, 1), as_bytes((dark - 0.06).clamp(0, 1)))
    assert np.array_equal(shown(explorer, 2), as_bytes((dark - 0.02).clamp(0, 1)))
    assert "yours 0-1-0" in state["said"] and re.search(r"\+\d+\.\d\d dB", state["said"])
    apart = shown(explorer, 3).astype(int)  # 4 times 0.04 brighter than grey, unless clipped
    assert abs(np.median(apart) - 255 * (0.5 + 4 * 0.04)) <= 2


def test_the_router_s_own_choice_as_an_override_changes_nothing(explorer):
    state = ask(explorer, overrides=[0, None, None])
    assert "yours" not in state["said"] and np.array_equal(shown(explorer, 1), shown(explorer, 2))


def test_stations_are_stepped_through(explorer, dark):
    for n, taken in enumerate((0, 0.01, 0.03, 0.06)):
        ask(explorer, stations=n)
        assert np.array_equal(shown(explorer, 2), as_bytes((dark - taken).clamp(0, 1)))
        change = np.median(shown(explorer, 3).astype(int))
        assert abs(change - 255 * (0.5 - 4 * 0.01 * n)) <= 2
    assert explorer.state["error"] == ""


def test_what_cannot_be_stepped_through_says_so(explorer):
    assert ask(explorer, model="plain")["steppable"] is False
    state = ask(explorer, stations=1)
    assert "stations=" in state["error"] and state["stations"] is None


def test_undo_goes_back_one_by_one_and_reset_to_the_router(explorer):
    before = explorer.pictures
    ask(explorer, photo="light")
    ask(explorer, overrides=[0, None, None], stations=2)
    assert ask(explorer, do="reset")["overrides"] == [None] * 3
    state = ask(explorer, do="undo")
    assert state["overrides"] == [0, None, None] and state["stations"] == 2
    ask(explorer, do="undo")
    state = ask(explorer, do="undo")
    assert state["photo"] == "dark" and not state["undo"] and explorer.pictures == before
    assert ask(explorer, do="undo")["photo"] == "dark"


def test_a_path_is_remembered_beside_another_photo_s(explorer):
    ask(explorer, do="remember")
    state = ask(explorer, photo="light")
    assert state["remembered"]["path"] == [0, 0, 0]
    assert "dark" in state["remembered"]["said"] and "3 of 3" in state["remembered"]["said"]
    assert ask(explorer, do="forget")["remembered"] == {}


def test_the_surprise_is_the_best_and_the_worst_of_all_single_overrides(photo):
    # Station 3 changes most: of the dark photo all three go the wrong way, so turning the third helps most.
    explorer = PathExplorer({"grey": photo * 0 + 0.4}, {"toy": toy})
    told = []
    explorer.observe(lambda change: told.append(change["new"]), "progress")
    state = ask(explorer, do="help")
    assert state["overrides"] == [None, None, 1] and "best: +" in state["said"]
    assert told[:3] == [f"override {n} of 3 …" for n in (1, 2, 3)]
    # 0.06 too dark; with the third turned none at all, so every other override is worse than that.
    assert ask(explorer, do="hurt")["overrides"] == [1, None, None]


def test_the_worst_is_looked_for_beside_the_router_and_not_beside_the_last_override(explorer):
    ask(explorer, overrides=[1, 1, 1])
    assert sum(k is not None for k in ask(explorer, do="hurt")["overrides"]) == 1


def png(photo) -> str:
    file = io.BytesIO()
    Image.fromarray(as_bytes(photo)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_a_dropped_photo_is_explored_and_not_scored_as_it_is(explorer, photo):
    mine = photo.flip(-1)
    state = ask(explorer, do="file", name="<b>mine</b>.png", content=png(mine))
    assert state["photo"] == "<b>mine</b>.png" in state["photos"]
    assert np.array_equal(shown(explorer, 0), as_bytes(mine))
    assert "no PSNR" in state["said"] and not any("dB" in p["title"] for p in explorer.pictures)
    assert "changes most" in ask(explorer, do="hurt")["said"]
    ask(explorer, damage="haze")  # now the photo that came is the clean one
    assert "dB" in explorer.pictures[0]["title"]


def test_a_large_photo_is_scaled_down(explorer):
    ask(explorer, do="file", name="wide.png", content=png(torch.rand(3, 40, 2 * LONGEST)))
    assert shown(explorer, 0).shape == (20, LONGEST, 3)


def test_weights_of_ones_own_are_explored_beside_the_others(explorer, model, tmp_path):
    save_weights(model, tmp_path / "mine.safetensors")
    state = ask(explorer, do="weights", file=str(tmp_path / "mine.safetensors"))
    assert state["error"] == "" and state["model"] == "mine" and state["models"] == ["toy", "plain", "mine"]
    assert (state["layers"], state["experts"], state["scales"][2]) == (8, 3, "¼")
    assert ask(explorer, model="toy")["layers"] == 3


@pytest.mark.parametrize(
    "asked, words",
    [
        (dict(photo="none"), 'no photo "none"'),
        (dict(model="none"), 'no model "none"'),
        (dict(damage="snow"), 'no degradation is called "snow"'),
        (dict(damage="haze", severity=2), r"\[0, 1\]"),
        (dict(overrides=[0, 0, 2]), "from 0 to 1"),
        (dict(overrides=[0] * 8), "3 specialists"),
        (dict(stations=4), "0 to 3 can work"),
        (dict(do="file", name="torn.jpg", content="AAAA"), "torn.jpg is not an image"),
        (dict(do="file"), "name is missing"),
        (dict(do="weights", file="/none.safetensors"), "none.safetensors"),
        (dict(do="dance"), "dance"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_next_question_is_answered(asked, words, explorer):
    setting, pictures = explorer.session.setting, explorer.pictures
    assert re.search(words, ask(explorer, **asked)["error"])
    assert explorer.session.setting == setting and explorer.pictures == pictures
    state = ask(explorer, photo="light")
    assert state["error"] == "" and state["router"] == [1, 1, 1]


def test_weights_without_a_path_are_refused(explorer, tmp_path):
    save_weights(Generalist(), tmp_path / "one.safetensors")
    assert "Generalist" in ask(explorer, do="weights", file=str(tmp_path / "one.safetensors"))["error"]


def test_a_model_that_raises_is_quoted_and_the_explorer_goes_on(dark):
    def moody(photo, path=None):
        if path is not None:
            raise ZeroDivisionError("not today")
        return toy(photo)

    explorer = PathExplorer({"dark": dark}, {"moody": moody})
    before = explorer.pictures
    state = ask(explorer, overrides=[1, None, None])
    assert state["error"] == "ZeroDivisionError: not today" and state["overrides"] == [None] * 3
    assert explorer.pictures == before
    assert ask(explorer, damage="noise")["error"] == ""


def test_a_model_may_work_in_place(photo):
    def rough(photo, path=None):
        photo += 0.1
        return toy(photo, path)

    explorer = PathExplorer({"light": photo * 0.2 + 0.5}, {"rough": rough})
    before = explorer.pictures
    ask(explorer, overrides=[0, None, None])
    assert ask(explorer, do="reset")["error"] == "" and explorer.pictures[:2] == before[:2]


def test_an_interrupted_kernel_is_told_and_the_next_question_is_answered(dark):
    def stopped(photo, path=None):
        if path is not None:
            raise KeyboardInterrupt
        return toy(photo)

    explorer = PathExplorer({"dark": dark}, {"slow": stopped})
    assert ask(explorer, overrides=[1, None, None])["error"] == "KeyboardInterrupt"
    assert ask(explorer, damage="noise")["error"] == ""


def test_a_model_that_raises_on_its_first_question_is_quoted_and_the_others_are_offered(dark, photo):
    def moody(photo, path=None):
        raise ZeroDivisionError("never today")

    explorer = PathExplorer({"dark": dark}, {"moody": moody, "toy": toy})
    state = explorer.state
    assert state["error"] == "ZeroDivisionError: never today" and state["models"] == ["moody", "toy"]
    assert "Choose another model" in state["said"] and state["layers"] == 0 and explorer.pictures == []
    for asked in (dict(do="help"), dict(do="report"), dict(do="reset"), dict(do="undo"), dict(do="remember"),
                  dict(damage="noise"), dict(do="file", name="mine.png", content=png(photo))):  # fmt: skip
        state = ask(explorer, **asked)
        assert state["layers"] == 0 and (state["error"] or asked == dict(do="undo"))
    state = ask(explorer, model="toy")
    assert state["error"] == "" and state["router"] == [0, 0, 0] and len(explorer.pictures) == 4
    assert not state["undo"]  # to what never worked there is no way back
    assert "never today" in ask(explorer, model="moody")["error"]
    assert explorer.state["model"] == "toy"


def test_a_model_that_raises_once_is_asked_again(dark):
    asked = []

    def late(photo, path=None):
        asked.append(path)
        if len(asked) == 1:
            raise OSError("weights are not there yet")
        return toy(photo)

    explorer = PathExplorer({"dark": dark}, {"late": late})
    assert explorer.state["error"] == "weights are not there yet"
    state = ask(explorer, model="late")
    assert state["error"] == "" and state["router"] == [0, 0, 0]


def test_its_pictures_are_sent_to_the_page_and_are_no_part_of_its_state(explorer):
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    explorer._handle_custom_msg({"kind": "paint"}, [])
    ask(explorer, photo="light")
    assert [message["kind"] for message in sent] == ["pictures", "pictures"]
    assert sent[0]["pictures"] != sent[1]["pictures"] == explorer.pictures
    assert "pictures" not in explorer.get_state()


def test_nothing_is_worked_out_twice(dark):
    asked = []

    def counted(photo, path=None):
        asked.append(path)
        return toy(photo, path)

    session = Session({"dark": dark}, {"counted": counted})
    session.change(overrides=[1, None, None])
    session.change(overrides=[1, 1, None])
    session.undo()
    session.reset()
    assert asked == [None, (1, 0, 0), (1, 1, 0)]


@pytest.mark.parametrize("name", ["dark", "new"])
@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt])
def test_a_photo_that_the_model_cannot_take_leaves_all_as_it_was(name, raised, dark):
    def moody(photo, path=None):
        if photo.mean() > 0.5:
            raise raised
        return toy(photo, path)

    session = Session({"dark": dark}, {"moody": moody})
    session.change(damage="noise")
    before = session.setting, session.results, dict(session.photos), set(session.own), list(session.history)
    with pytest.raises(raised):
        session.take(name, dark + 0.6)
    after = session.setting, session.results, dict(session.photos), set(session.own), list(session.history)
    assert all(a == b for a, b in zip(before, after, strict=True))
    session.change(damage="clean")
    assert torch.equal(session.results.given, dark)


def test_a_reset_that_changes_nothing_is_nothing_to_undo(dark):
    session = Session({"dark": dark}, {"toy": toy})
    session.change(overrides=[1, None, None])
    session.change(overrides=[None] * 3)  # as the page says it
    session.reset()
    assert len(session.history) == 2


def test_a_session_without_photos_is_none():
    with pytest.raises(ValueError, match="at least one photo"):
        Session({})


def test_the_report_is_sent_to_the_page(explorer):
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    state = ask(explorer, do="report")
    (message,) = sent
    assert message["kind"] == "report" and message["name"] == "dark-report.html"
    assert message["html"].startswith("<!doctype html>") and "downloads" in state["said"]
    ask(explorer, stations=2, do="report")
    assert "dark, as it is, after 2 of 3 stations" in sent[1]["html"]
