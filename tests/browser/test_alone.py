"""Each ES module alone in headless Chromium, with a small stand-in for anywidget's model."""

import io
import re
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
    return Playground(
        photos, into=dict.fromkeys(("path explorer", "guide viewer"), SimpleNamespace(take=print))
    )


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
    box.get_by_role("button", name="add a spot").click()
    page.evaluate("document.activeElement.blur()")
    page.mouse.click(5, 795)
    reached = []
    for _ in range(30):
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
    for name in ("photo", "your own", "damage", "σ", "remove", "earlier", "add a damage", "where", "across",
                 "down", "radius", "soft", "add a spot", "Save", "Send it"):  # fmt: skip
        assert name in words


def test_the_playground_shown_twice_has_the_same_knobs_turned(page):
    made = playground()
    spots = [
        {"across": 20, "down": 30, "radius": 40, "soft": 5},
        {"across": 60, "down": 70, "radius": 9, "soft": 3},
    ]
    steps = [["haze", {"beta": 2, "air": 0.5}], ["noise", {"sigma": 7}], ["haze", {"beta": 1, "air": 0.9}]]
    made.set_state({"asked": {"n": 7, "photo": "fallen", "steps": steps, "spots": spots}})
    box = alone(page, made).locator(".slerir-playground")
    assert box.get_by_label("photo").input_value() == "fallen"
    assert [d.input_value() for d in box.get_by_label("density").all()] == ["2", "1"]
    assert box.get_by_label("across").input_value() == "20"
    box.get_by_label("σ").fill("8")
    steps[1][1]["sigma"] = 8
    assert asked(page) == [{"n": 8, "photo": "fallen", "steps": steps, "spots": spots}]


def asked(page) -> list[dict]:
    """The questions so far, of which each has been answered but the last."""
    return page.evaluate("model.saved.map((s) => s.asked)")


def kinds(question) -> list[str]:
    return [kind for kind, _ in question["steps"]]


def test_damages_are_added_moved_and_removed(page):
    box = alone(page, playground()).locator(".slerir-playground")
    for n, kind in enumerate(("haze", "blur", "rain"), 1):
        if n > 1:
            box.get_by_role("button", name="add a damage").click()
            assert page.evaluate("document.activeElement.tagName") == "SELECT"
        box.get_by_label("damage").nth(n).select_option(kind)
        answered(page, n=n)
    assert kinds(asked(page)[-1]) == ["noise", "haze", "blur", "rain"]
    assert box.get_by_role("group").all_inner_texts()[3].startswith("Then (4)")
    box.get_by_role("button", name="earlier: no. 3").click()
    answered(page, n=4)
    assert kinds(asked(page)[-1]) == ["noise", "blur", "haze", "rain"]
    assert page.evaluate("document.activeElement.ariaLabel") == "earlier: no. 2"
    box.get_by_role("button", name="remove: no. 1").click()
    answered(page, n=5)
    assert kinds(asked(page)[-1]) == ["blur", "haze", "rain"]
    assert violations(page, ".slerir-playground") == []
    for _ in range(2):
        box.get_by_role("button", name="remove: no. 1").click()
    assert box.get_by_role("button", name="remove: no. 1").is_disabled()


def click(page, across, down):
    image = page.locator(".slerir-playground img")
    size = image.bounding_box()
    image.click(position={"x": across * size["width"], "y": down * size["height"]})


def places(question) -> list[tuple[float, float]]:
    return [(round(spot["across"], -1), round(spot["down"], -1)) for spot in question["spots"]]


def test_each_click_on_the_picture_is_one_more_spot_which_can_be_turned_and_removed(page):
    box = alone(page, playground()).locator(".slerir-playground")
    click(page, 0.2, 0.3)
    answered(page, n=1)
    box.get_by_label("radius (").fill("10")
    answered(page, n=2)
    click(page, 0.7, 0.6)
    answered(page, n=3)
    assert [places(question) for question in asked(page)] == [[(20, 30)], [(20, 30)], [(20, 30), (70, 60)]]
    assert [spot["radius"] for spot in asked(page)[-1]["spots"]] == [10, 10]
    box.get_by_role("combobox", name="spot", exact=True).select_option("0")
    assert abs(float(box.get_by_label("across").input_value()) - 20) < 5
    box.get_by_label("across").fill("40")
    answered(page, n=4)
    assert places(asked(page)[-1]) == [(40, 30), (70, 60)]
    box.get_by_role("button", name="remove this spot").click()
    answered(page, n=5)
    assert places(asked(page)[-1]) == [(70, 60)]
    box.get_by_label("where").select_option("")
    answered(page, n=6)
    assert asked(page)[-1]["spots"] == []
    click(page, 0.5, 0.5)  # begins anew
    answered(page, n=7)
    assert places(asked(page)[-1]) == [(50, 50)]


DROP = """([selector, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array([1, 2, 3])], name, { type: "image/png" }));
  for (const kind of ["dragover", "drop"]) document.querySelector(selector)
    .dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_a_photo_is_dropped_on_the_playground_and_then_chosen(page):
    box = alone(page, playground()).locator(".slerir-playground")
    page.evaluate(DROP, [".slerir-playground", "mine.png"])
    page.wait_for_function("model.saved.length === 1")
    (sent,) = page.evaluate("model.saved")
    assert (sent["kind"], sent["name"], sent["content"]) == ("file", "mine.png", "AQID")
    assert sent["asked"]["n"] == 1 and kinds(sent["asked"]) == ["noise"]
    box.get_by_label("σ").fill("10")  # meanwhile
    page.evaluate("model.receive({ names: ['leaves', 'fallen', 'mine.png'] })")
    answered(page, n=1, photo="mine.png", error="")
    assert box.get_by_label("photo").input_value() == "mine.png"
    question = page.evaluate("model.saved[1].asked")
    assert question["photo"] == "mine.png" and question["steps"] == [["noise", {"sigma": 10}]]


def test_a_file_that_is_no_photo_leaves_the_playgrounds_photo_chosen(page):
    box = alone(page, playground()).locator(".slerir-playground")
    box.locator("input[type=file]").set_input_files(
        {"name": "torn.png", "mimeType": "image/png", "buffer": b"torn"}
    )
    page.wait_for_function("model.saved.length === 1")
    answered(page, n=1, error="torn.png is not an image")
    assert box.get_by_label("photo").input_value() == "leaves"
    assert box.get_by_role("status").inner_text() == "torn.png is not an image"
    box.get_by_label("σ").fill("10")
    assert page.evaluate("model.saved.length") == 2


def test_the_playground_sends_its_picture_on(page):
    box = alone(page, playground()).locator(".slerir-playground")
    box.get_by_role("button", name="Send it to the path explorer").click()
    (question,) = asked(page)
    assert question["do"] == "path explorer"
    answered(page, n=1)
    box.get_by_label("σ").fill("10")
    assert "do" not in asked(page)[-1]


def test_what_the_playgrounds_buttons_ask_for_keeps_its_turn_and_its_picture(page):
    box = alone(page, playground()).locator(".slerir-playground")
    box.get_by_label("σ").fill("40")  # to be answered
    for name, value in (("path explorer", "30"), ("guide viewer", "20")):
        box.get_by_role("button", name=f"Send it to the {name}").click()
        box.get_by_label("σ").fill(value)
    for name in ("one.png", "two.png"):
        page.evaluate(DROP, [".slerir-playground", name])
        page.wait_for_timeout(50)  # the browser reads it
    for n in range(1, 7):
        assert page.evaluate("model.saved.length") == n
        answered(page, n=n, photo=f"{n}", error="")
    sent = page.evaluate("model.saved")
    assert [s["asked"].get("do") or s.get("name") for s in sent] == [
        None, "path explorer", None, "guide viewer", None, "one.png", "two.png"]  # fmt: skip
    assert [s["asked"]["steps"][0][1]["sigma"] for s in sent] == [40, 40, 20, 30, 20, 20, 20]


def test_a_photo_whose_answer_comes_late_is_chosen_all_the_same(page):
    page.clock.install()
    box = alone(page, playground()).locator(".slerir-playground")
    page.evaluate(DROP, [".slerir-playground", "mine.png"])
    page.wait_for_function("model.saved.length === 1")
    page.clock.fast_forward(21_000)
    box.get_by_text("No answer so far.").first.wait_for()
    page.evaluate("model.receive({ names: ['leaves', 'fallen', 'mine.png'] })")
    answered(page, n=1, photo="mine.png", error="")
    assert box.get_by_label("photo").input_value() == "mine.png"


def test_the_playground_paints_what_comes(page):
    box = alone(page, playground()).locator(".slerir-playground")
    source = box.locator("img").get_attribute("src")
    page.evaluate("(src) => model.tell({ kind: 'pictures', pictures: src + '#' })", source)
    assert box.locator("img").get_attribute("src") == source + "#"
    assert box.get_by_role("link").get_attribute("href") == source + "#"


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
    box.get_by_text("step 25 of 50, team, loss -2.5, PSNR 21.0 dB").wait_for()
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
    heights = [float(point.split()[1]) for point in re.split("[ML]", path)[1:]]
    assert heights[0] < heights[1] < heights[2] < heights[5]  # the loss falls, and y goes down a page
    made.set_state({"load": [[0.25, 0.75]]})
    alone(page, made)
    bars = page.get_by_role("img", name="Load per").locator("rect[fill-opacity]")
    wide = [float(bar.get_attribute("width")) for bar in bars.all()]
    assert wide[1] == pytest.approx(3 * wide[0], rel=0.1)


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


def test_the_path_explorer_shows_each_pins_angle_and_that_it_works(page):
    box = alone(page, path_explorer()).locator(".slerir-path-explorer")
    assert box.locator(".node").all_inner_texts() == ["10°"] * 3 + ["80°"] * 3
    box.get_by_role("button", name="station 2, specialist 1").click()
    assert box.get_attribute("aria-busy") == "true"
    box.get_by_text("working …").wait_for()
    answer(page)
    assert box.get_attribute("aria-busy") == "false"


def test_the_path_explorer_asks_for_weights_of_ones_own(page):
    box = alone(page, path_explorer()).locator(".slerir-path-explorer")
    box.get_by_label("your own weights").fill("/a.safetensors")
    box.get_by_role("button", name="load weights").click()
    assert queue(page) == [{"do": "weights", "file": "/a.safetensors"}]


def test_a_path_explorer_without_a_path_says_why_and_offers_other_models(page):
    def never(photo, path=None):
        raise RuntimeError("my layer is missing")

    made = PathExplorer({"leaves": torch.full((3, 24, 32), 0.5)}, {"never": never, "toy": toy})
    box = alone(page, made).locator(".slerir-path-explorer")
    assert "RuntimeError: my layer is missing" in box.get_by_role("alert").inner_text()
    assert box.locator(".map").is_hidden() and box.get_by_role("button", name="undo").is_hidden()
    assert violations(page, ".slerir-path-explorer") == []
    box.get_by_label("model").select_option("toy")
    page.wait_for_function("model.saved.length === 1")
    made.set_state({"asked": page.evaluate("model.saved[0].asked")})
    page.evaluate("(state) => model.receive({ state })", made.state)
    page.evaluate("(pictures) => model.tell({ kind: 'pictures', pictures })", made.pictures)
    assert box.get_by_role("alert").inner_text() == ""
    assert box.locator(".node").count() == 6 and box.locator(".map").is_visible()
    assert box.locator(".pictures img").count() == 4


def test_the_guide_viewer_says_that_it_works_and_shows_the_focus(page):
    box = alone(page, guide_viewer()).locator(".slerir-guide-viewer")
    said = box.get_by_role("status").inner_text()
    assert "Inside the spot" in said
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    box.get_by_label("spot of").select_option("blur")
    box.get_by_text("working …").wait_for()
    dimmed = "(el) => getComputedStyle(el.querySelector('.panels')).opacity < 1"
    assert box.evaluate(dimmed)
    answered(page, turn=page.evaluate("model.saved[0].asked.turn"), said="Done.")
    assert box.get_by_role("status").inner_text() == "Done." and not box.evaluate(dimmed)
    assert box.locator(".panels").get_attribute("aria-busy") == "false"


def test_the_guide_viewers_controls_follow_a_photo_that_is_sent_there(page):
    box = alone(page, guide_viewer()).locator(".slerir-guide-viewer")
    page.evaluate("""model.receive({
      names: [...model.state.names, "sent"],
      asked: { ...model.state.asked, photo: "sent", kind: "clean", turn: 4 },
    })""")
    answered(page, turn=4, said="Sent.")
    assert box.get_by_role("status").inner_text() == "Sent."
    assert box.get_by_label("photo").input_value() == "sent"
    assert box.get_by_label("spot of").input_value() == "clean"
    box.get_by_label("local sense").uncheck()
    page.wait_for_function("model.saved.length > 0")
    asked = page.evaluate("model.saved[0].asked")
    assert asked["photo"] == "sent" and asked["turn"] == 5 and not asked["near"]


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


def queue(page) -> list[dict]:
    """What the path explorer's page asked for."""
    return [{k: v for k, v in sent["asked"].items() if k != "n"} for sent in page.evaluate("model.saved")]


def answer(page, **state):
    """To the last question."""
    n = page.evaluate("model.saved.at(-1).asked.n")
    page.evaluate("(more) => model.receive({ state: { ...model.state.state, ...more } })", state | {"n": n})


def test_the_path_explorer_asks_for_every_button_in_turn_and_for_the_newest_setting(page):
    box = alone(page, path_explorer()).locator(".slerir-path-explorer")
    box.get_by_role("button", name="helps most").click()
    box.get_by_role("button", name="remember this path").click()
    box.get_by_label("damage").select_option("noise")
    box.get_by_label("damage").select_option("haze")
    box.get_by_role("button", name="save a report").click()
    for _ in ("help", "remember"):
        answer(page)
        assert box.get_by_label("damage").input_value() == "haze"  # what waits stays chosen
    answer(page, damage="haze")
    told = queue(page)
    assert [q.get("do") for q in told] == ["help", "remember", None, "report"] and told[2]["damage"] == "haze"


@pytest.mark.parametrize("name", ["playground", "path-explorer", "guide-viewer"])
def test_an_answer_that_never_comes_does_not_stop_the_page_for_good(name, page):
    page.clock.install()
    box = alone(page, ALL[name]()).locator(f".slerir-{name}")
    knob = {"playground": "σ", "path-explorer": "damage", "guide-viewer": "spot of"}[name]

    def turn(value):
        control = box.get_by_label(knob)
        (control.fill if name == "playground" else control.select_option)(value)

    turn("10" if name == "playground" else "haze")
    turn("20" if name == "playground" else "rain")
    assert page.evaluate("model.saved.length") == 1
    page.clock.fast_forward(1000)
    box.get_by_text("working …").first.wait_for()
    page.clock.fast_forward(20_000)
    box.get_by_text("No answer so far.").first.wait_for()
    assert page.evaluate("model.saved.length") == 2
