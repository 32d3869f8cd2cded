"""Each ES module alone in headless Chromium, with a small stand-in for anywidget's model."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.explore.guide_viewer import GuideViewer
from slerir_lite.explore.path_explorer import PathExplorer
from slerir_lite.explore.playground import Playground
from slerir_lite.explore.slider import Slider
from slerir_lite.explore.watch import Watch
from slerir_lite.model import Config, SlerIR

from .page import alone, violations


def playground():
    generator = torch.Generator().manual_seed(0)
    photos = {name: torch.rand(3, 24, 32, generator=generator) for name in ("leaves", "fallen")}
    return Playground(photos)


def watch():
    made = Watch()
    for step in range(25, 600, 25):
        tasks = {place: 20 + 3 * k + step / 100 for k, place in enumerate(made.marks)}
        made.add(step, "team", loss=1 / step, psnr=20.0, tasks=tasks, angle=60 + step / 20,
                 load=[[0.2, 0.3, 0.5]] * 8)  # fmt: skip
    made.best, made.total = 101.5, 600
    return made


RED, BLUE = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])


def slider():
    """Before: red. After: blue, with a green corner at the bottom right."""
    before, after = (colour[:, None, None].repeat(1, 60, 80) for colour in (RED, BLUE))
    after[:, 45:, 60:] = torch.tensor([0, 1.0, 0])[:, None, None]
    return Slider(before, after, "hazy", "restored")


def toy(photo, path=None):
    """Three stations of two specialists, of which each adds a hundredth or takes it away."""
    choice = [0, 0, 0] if path is None else list(path)
    angle = torch.tensor([[10.0, 80.0]] * 3)
    image = photo + sum(0.01 if k else -0.01 for k in choice)
    return SimpleNamespace(image=image, choice=choice, angle=angle)


def path_explorer():
    return PathExplorer({"leaves": torch.full((3, 24, 32), 0.5)}, {"toy": toy})


def guide_viewer():
    torch.manual_seed(0)
    return GuideViewer(SlerIR(Config(width=8, tokens=16)).eval(), {"leaves": torch.rand(3, 64, 96)})


ALL = {"playground": playground, "slider": slider, "watch": watch, "path-explorer": path_explorer,
       "guide-viewer": guide_viewer}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_it_draws_says_what_it_is_and_leaves_nothing_behind(name, page):
    alone(page, ALL[name]())
    assert page.locator(f".slerir-{name}").bounding_box()["height"] > 100
    assert violations(page, f".slerir-{name}") == []
    assert page.evaluate("model.listeners()") > 0
    page.evaluate("unrender()")
    assert page.evaluate("model.listeners()") == 0


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_wider_than_a_narrow_notebook(name, page):
    page.set_viewport_size({"width": 400, "height": 800})
    alone(page, ALL[name]())
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def answered(page, **more):
    """What Python does with a question: it answers."""
    page.evaluate("(more) => model.receive({ answer: { ...model.state.answer, ...more } })", more)


def test_the_playground_asks_one_question_at_a_time_and_then_only_the_newest(page):
    box = alone(page, playground()).locator(".slerir-playground")
    knob = box.get_by_label("σ")
    for value in ("10", "20", "30"):
        knob.fill(value)
    asked = page.evaluate("model.saved.map((s) => [s.asked.n, s.asked.steps])")
    assert asked == [[1, [["noise", {"sigma": 10}]]]]
    box.get_by_text("working …").wait_for()
    answered(page, n=1, said="PSNR 28.0 dB")
    asked = page.evaluate("model.saved.map((s) => [s.asked.n, s.asked.steps])")
    assert asked[1:] == [[2, [["noise", {"sigma": 30}]]]]
    answered(page, n=2, said="PSNR 18.0 dB")
    assert box.get_by_role("status").inner_text() == "PSNR 18.0 dB"
    assert page.evaluate("model.saved.length") == 2


def test_the_playground_says_an_error_and_keeps_the_picture(page):
    box = alone(page, playground()).locator(".slerir-playground")
    before = box.locator("img").get_attribute("src")
    box.get_by_label("σ").fill("10")
    answered(page, n=1, error="That can't be shown: <b>out of range</b>")
    assert box.get_by_role("status").inner_text() == "That can't be shown: <b>out of range</b>"
    assert box.locator("img").get_attribute("src") == before
    box.get_by_label("σ").fill("20")
    assert page.evaluate("model.saved.length") == 2


def test_every_control_of_the_playground_is_reached_by_tab_and_shows_that_it_is(page):
    box = alone(page, playground()).locator(".slerir-playground")
    box.get_by_label("where").select_option("spot")
    reached = []
    for _ in range(20):
        page.keyboard.press("Tab")
        at = page.evaluate("""() => {
          const el = document.activeElement;
          return el === document.body ? null
            : [el.closest("label")?.textContent ?? el.textContent, getComputedStyle(el).outlineStyle];
        }""")
        if at is None:
            break
        reached.append(at)
    assert all(outline == "solid" for _, outline in reached)
    words = " ".join(text for text, _ in reached)
    for name in ("photo", "damage", "σ", "where", "across", "down", "radius", "soft", "Save"):
        assert name in words


def test_the_playground_shown_twice_has_the_same_knobs_turned(page):
    made = playground()
    spot = {"across": 20, "down": 30, "radius": 40, "soft": 5}
    made.set_state({"asked": {"n": 7, "photo": "fallen", "steps": [["haze", {"beta": 2}]], "spot": spot}})
    box = alone(page, made).locator(".slerir-playground")
    assert box.get_by_label("photo").input_value() == "fallen"
    assert box.get_by_label("density").input_value() == "2"
    assert box.get_by_label("across").input_value() == "20"
    box.get_by_label("density").fill("1")
    (sent,) = page.evaluate("model.saved.map((s) => s.asked)")
    assert sent == {"n": 8, "photo": "fallen", "steps": [["haze", {"beta": 1, "air": 0.9}]], "spot": spot}


def test_the_playgrounds_picture_can_be_saved(page):
    box = alone(page, playground()).locator(".slerir-playground")
    with page.expect_download() as download:
        box.get_by_role("link", name="Save this picture").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_the_watch_draws_what_comes(page):
    box = alone(page, Watch()).locator(".slerir-watch")
    box.get_by_text("Waiting for the first line").wait_for()
    line = {"step": 25, "stage": "team", "loss": -2.5, "psnr": 21.0, "angle": 70, "tasks": {"haze": 19.5}}
    page.evaluate("(v) => model.receive(v)", {"lines": [line], "total": 50, "load": [[0.25, 0.75]]})
    box.get_by_text("step 25 of 50, team, loss -2.5, PSNR 21 dB").wait_for()
    told = {e.get_attribute("aria-label") for e in box.get_by_role("img").all()}
    assert "PSNR by task. Now haze 19.5, training 21 dB." in told
    assert "Load per specialist (% of crops). station 1: 25, 75." in told
    page.evaluate("(v) => model.receive(v)", {"problem": "Looking went wrong: <i>x</i>"})
    box.get_by_text("Looking went wrong: <i>x</i>").wait_for()


def test_the_watchs_loss_is_a_new_curve_in_each_stage(page):
    lines = [{"step": k, "stage": "compass" if k < 3 else "team", "loss": 1 / (k + 1)} for k in range(6)]
    made = Watch()
    for line in lines:
        made.add(**line)
    alone(page, made)
    path = page.locator(".slerir-watch svg").first.locator("path").get_attribute("d")
    assert path.count("M") == 2 and path.count("L") == 4


def colours(page, rows, columns) -> list[str]:
    """What is seen at these shares of the slider's photo, row by row, such as "red blue green"."""
    page.wait_for_function("[...document.images].every((i) => i.complete && i.naturalWidth)")
    seen = np.asarray(Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB"))
    names = np.array(["red", "green", "blue"])
    height, width = seen.shape[:2]
    return [" ".join(names[seen[int(r * height), int(c * width)].argmax()] for c in columns) for r in rows]


def test_the_slider_shows_before_on_its_left_and_after_on_its_right(page):
    box = alone(page, slider()).locator(".slerir-slider")
    assert colours(page, [0.9], [0.2, 0.45, 0.55, 0.9]) == ["red red blue green"]
    box.get_by_label("border").fill("25")
    assert colours(page, [0.9], [0.2, 0.3, 0.55, 0.9]) == ["red blue blue green"]
    assert [box.get_by_text(name, exact=True).count() for name in ("hazy", "restored")] == [1, 1]


def test_a_click_on_the_slider_enlarges_what_was_clicked_and_the_border_stays(page):
    box = alone(page, slider()).locator(".slerir-slider")
    size = box.locator(".stage").bounding_box()
    box.locator(".stage").click(position={"x": 0.95 * size["width"], "y": 0.95 * size["height"]})
    assert float(box.get_by_label("enlarged").input_value()) == 4
    assert colours(page, [0.3, 0.9], [0.2, 0.45, 0.55, 0.9]) == ["red red green green"] * 2


def test_the_slider_shows_photos_that_python_changes(page):
    box = alone(page, slider()).locator(".slerir-slider")
    page.evaluate("model.receive({ after: { ...model.state.before, name: 'undone' } })")
    box.get_by_text("undone", exact=True).wait_for()
    assert colours(page, [0.9], [0.2, 0.9]) == ["red red"]


def test_the_path_explorers_arrow_keys_move_and_enter_overrides(page):
    box = alone(page, path_explorer()).locator(".slerir-path-explorer")
    box.get_by_role("button", name="station 1, specialist 0").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("model.saved.length === 1")
    assert page.evaluate("model.saved[0].asked.overrides") == [None, 1, None]
    assert box.get_by_role("button", name="station 2, specialist 1").get_attribute("aria-pressed") == "true"


def test_the_guide_viewer_asks_where_the_spot_is_dragged_to(page):
    box = alone(page, guide_viewer()).locator(".slerir-guide-viewer")
    size = box.locator("img").first.bounding_box()
    page.mouse.move(size["x"] + size["width"] / 2, size["y"] + size["height"] / 2)
    page.mouse.down()
    page.mouse.move(size["x"] + size["width"] / 4, size["y"] + size["height"] / 4, steps=4)
    page.mouse.up()
    # It may have asked while the mouse was on its way: then the last place is asked once that is answered.
    page.wait_for_function("model.saved.length > 0")
    answered(page, turn=page.evaluate("model.saved[0].asked.turn"))
    page.wait_for_function("Math.hypot(model.state.asked.row - 0.25, model.state.asked.column - 0.25) < 0.02")
    assert page.evaluate("model.saved.length") <= 2
