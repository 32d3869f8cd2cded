"""A saved notebook, exported as a page and opened from the disk: no kernel, no server, no network.

Where marks must be is computed here from the same vectors, by the geometry of the static pictures.
"""

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from slerir_lite.degrade import PLACES
from slerir_lite.explore.crowd import crowd
from slerir_lite.explore.geometry import axes, viewpoint
from slerir_lite.explore.globe import globe
from slerir_lite.explore.moving_globe import AROUND, moving_globe
from slerir_lite.explore.show import INSTEAD, PLOTLY
from slerir_lite.explore.travel import travel
from slerir_lite.sphere import first_centres

from .page import violations

CENTRES = first_centres(3)
NAMES = [f"photo of {place}" for place in PLACES[:5]] + ['<img src=x onerror="window.bad = 1">']
SEVERITY = [k / 4 for k in range(5)]


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed)), dim=-1)


POINTS, PINS, RUN = F.normalize(CENTRES + 0.3 * unit(6)), unit(8, 3, seed=1), unit(60, 6, seed=2)
PATHS = {"haze": unit(5, seed=3), "rain": unit(5, seed=4), "haze+rain": unit(5, seed=5)}
CROWD = np.random.default_rng(0).integers(0, 3, (30, 8))
PHOTOS = [torch.full((3, 40, 60), k / 6) for k in range(6)]


@pytest.fixture(scope="module")
def figures():
    return [
        globe(POINTS, CENTRES, PLACES, NAMES, 0, "Photos", PHOTOS, PINS),
        travel(PATHS, SEVERITY, CENTRES, "Travel"),
        moving_globe(RUN, PLACES, [f"step {k}" for k in range(60)], "Repelling"),
        crowd(CROWD, [PLACES[k % 6] for k in range(30)]),
    ]


@pytest.fixture
def opened(page, figures, tmp_path):
    """opened(theme) -> the page, 850 px wide."""

    def export(theme="light"):
        outputs = [
            new_output("display_data", {"text/html": f.page, PLOTLY: {}, "text/plain": INSTEAD})
            for f in figures
        ]
        notebook = new_notebook(cells=[new_code_cell("1", outputs=[out]) for out in outputs])
        nbformat.validate(notebook)
        # nbconvert's own frame would fetch these, with or without our figures.
        none = dict.fromkeys(("require_js_url", "mathjax_url", "jquery_url", "mermaid_js_url"), "")
        text, _ = HTMLExporter(theme=theme, **none).from_notebook_node(notebook)
        (tmp_path / "page.html").write_text(text, "utf-8")
        page.set_viewport_size({"width": 850, "height": 900})
        page.goto((tmp_path / "page.html").as_uri())
        return page

    return export


class Eye:
    """Where one looks from, and what one sees."""

    def __init__(self, view):
        self.turn, self.tilt = np.arctan2(view[1], view[0]), np.arcsin(view[2])

    def sees(self, points) -> np.ndarray:
        """(N, 3) -> (N, 3): px to the right and down from the globe's centre, and whether on the front."""
        flat = np.cos(self.tilt)
        view = np.array([flat * np.cos(self.turn), flat * np.sin(self.turn), np.sin(self.tilt)])
        across, up = axes(view)
        points = np.asarray(points)
        return np.stack([150 * points @ across, -150 * points @ up, points @ view >= 0], 1)


def drawn(box) -> np.ndarray:
    """The same of the marks that are to be seen."""
    return np.array(
        box.locator(".dot").evaluate_all(
            """(all) => all.filter((el) => el.style.display !== "none")
              .sort((a, b) => a.dataset.n - b.dataset.n)
              .map((el) => {
                const { e, f } = el.transform.baseVal[0].matrix;
                return [e, f, +el.parentNode.classList.contains("front")];
              })"""
        )
    )


def is_at(box, expected) -> None:
    np.testing.assert_allclose(drawn(box), expected, atol=0.3)  # px; vectors have three digits


def drag(page, box, right: int, down: int) -> float:
    """Radians a pixel."""
    size = box.locator(".row > svg").bounding_box()
    x, y = size["x"] + size["width"] / 2, size["y"] + size["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=4)
    page.mouse.up()
    page.mouse.move(0, 0)
    return 460 / size["width"] / 150


def test_a_globe_spins_under_the_mouse_and_the_arrow_keys_and_the_others_stay(opened):
    page = opened()
    still, box = (page.locator(".slerir-globe").nth(k) for k in (1, 0))
    eye, other = Eye(viewpoint(CENTRES.numpy())), drawn(still)
    is_at(box, eye.sees(POINTS))
    by = drag(page, box, 60, -25)
    eye.turn, eye.tilt = eye.turn - 60 * by, eye.tilt - 25 * by
    is_at(box, eye.sees(POINTS))
    box.locator(".row > svg").focus()
    for key, turn, tilt in (
        ("ArrowRight", -5, 0),
        ("ArrowUp", 0, -5),
        ("ArrowLeft", 5, 0),
        ("ArrowDown", 0, 5),
    ):
        for _ in range(1 + (key in ("ArrowRight", "ArrowDown"))):
            page.keyboard.press(key)
            eye.turn, eye.tilt = eye.turn + np.radians(turn), eye.tilt + np.radians(tilt)
    is_at(box, eye.sees(POINTS))
    assert (drawn(still) == other).all()


def test_pointing_and_choosing_show_the_photo_and_its_name(opened):
    page = opened()
    box = page.locator(".slerir-globe").first
    eye, image, words = Eye(viewpoint(CENTRES.numpy())), box.locator("img"), box.locator(".told p")
    assert "photo of clean" in words.inner_text()  # the one to ring
    seen = eye.sees(POINTS)[:, 2]
    n = max(k for k in range(5) if seen[k])
    box.locator(f".dot[data-n='{n}']").hover()
    assert words.inner_text().startswith(f"{NAMES[n]}, ")
    assert image.get_attribute("alt") == NAMES[n]
    tone = image.evaluate("""async (el) => {
      await el.decode();
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas.drawImage(el, 0, 0, 1, 1);
      return canvas.getImageData(0, 0, 1, 1).data[0];
    }""")
    assert abs(tone - 255 * n / 6) < 4
    assert box.get_by_label("look at").input_value() == str(n)
    behind = min(k for k in range(5) if not seen[k])
    box.get_by_label("look at").select_option(label=NAMES[behind])
    point = np.round(POINTS[behind].numpy(), 3)
    is_at(box, Eye(point / np.linalg.norm(point)).sees(POINTS))
    near = np.degrees(np.arccos((POINTS[behind] @ CENTRES.T).max().item()))
    assert f", {near:.0f}° from {PLACES[behind]}" in words.inner_text()
    box.get_by_label("look at").select_option(label=NAMES[5])
    assert words.inner_text().startswith(NAMES[5]) and page.evaluate("window.bad") is None


def test_pins_are_those_of_the_chosen_station(opened):
    box = opened().locator(".slerir-globe").first
    pins = box.locator(".pin:visible")
    assert pins.count() == 0
    box.get_by_label("pins of station").select_option(label="3")
    found = pins.evaluate_all(
        """(all) => all.sort((a, b) => a.textContent - b.textContent).map((el) => {
          const { e, f } = el.transform.baseVal[0].matrix;
          return [e, f, +el.parentNode.classList.contains("front")];
        })"""
    )
    np.testing.assert_allclose(found, Eye(viewpoint(CENTRES.numpy())).sees(PINS[2]), atol=0.3)


def test_the_slider_makes_z_travel_and_the_menu_adds_a_mix(opened):
    page = opened()
    box, eye = page.locator(".slerir-globe").nth(1), Eye(viewpoint(CENTRES.numpy()))
    pure = [PATHS["haze"], PATHS["rain"]]
    is_at(box, eye.sees(torch.stack([path[0] for path in pure])))
    box.get_by_label("severity").focus()
    for k in (1, 2):
        page.keyboard.press("ArrowRight")
        is_at(box, eye.sees(torch.stack([path[k] for path in pure])))
    assert box.locator(".caption").inner_text() == "0.5"
    assert box.get_by_label("severity").get_attribute("aria-valuetext") == "0.5"
    box.get_by_label("add a mix").select_option(label="haze + rain")
    is_at(box, eye.sees(torch.stack([path[2] for path in PATHS.values()])))
    box.get_by_label("severity").fill("4")
    is_at(box, eye.sees(torch.stack([path[4] for path in PATHS.values()])))
    box.get_by_label("add a mix").select_option(label="none")
    assert len(drawn(box)) == 2


def test_play_goes_to_the_last_moment_and_pause_stays(opened):
    page = opened()
    box, eye = page.locator(".slerir-globe").nth(2), Eye(AROUND)
    moment, button = box.get_by_label("moment"), box.get_by_role("button")
    is_at(box, eye.sees(RUN[0]))
    # Within the page, since a busy machine takes longer from one click to the next than the film lasts.
    stayed = box.evaluate("""async (box) => {
      const [button, range] = [box.querySelector("button"), box.querySelector("input")];
      button.click();
      while (range.value < 2) await new Promise((done) => setTimeout(done, 10));
      button.click();
      return +range.value;
    }""")
    page.wait_for_timeout(400)  # three moments
    assert int(moment.input_value()) == stayed < 59 and button.inner_text() == "play"
    is_at(box, eye.sees(RUN[stayed]))
    moment.fill("57")
    button.click()
    box.get_by_text("step 59").wait_for()
    is_at(box, eye.sees(RUN[59]))
    assert button.inner_text() == "play"
    again = "(box) => { box.querySelector('button').click(); return +box.querySelector('input').value; }"
    assert box.evaluate(again) == 0


def test_in_the_crowd_the_group_that_is_pointed_at_stands_out(opened):
    page = opened()
    box = page.locator(".slerir-crowd")
    flows = box.locator(".flow")

    def faint() -> list[bool]:
        """Whether each group's bands have faded."""
        page.wait_for_function(
            "(el) => el.getAnimations({ subtree: true }).every((a) => a.playState !== 'running')",
            arg=box.element_handle(),
        )
        return flows.evaluate_all("all => all.map((g) => getComputedStyle(g.lastChild).opacity < 0.5)")

    assert faint() == [False] * 6
    flows.nth(2).locator("text").hover()
    assert faint() == [k != 2 for k in range(6)]
    page.mouse.move(0, 0)
    flows.nth(0).focus()
    page.keyboard.press("Tab")
    assert faint() == [k != 1 for k in range(6)]
    assert flows.nth(1).locator("rect").evaluate("el => getComputedStyle(el).stroke") == "rgb(213, 94, 0)"
    assert "from station 1, specialist" in flows.nth(1).locator("title").nth(1).text_content()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_in_either_theme_and_every_control_has_a_name_and_a_focus(theme, opened):
    page = opened(theme)
    for name in ("globe", "crowd"):
        assert violations(page, f".slerir-{name}") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 850
    ink = page.locator(".slerir-globe .head").first.evaluate("el => getComputedStyle(el).color")
    page_ = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (channel(ink) < 80 < 170 < channel(page_)) == (theme == "light")
    assert (channel(page_) < 80 < 170 < channel(ink)) == (theme == "dark")
    reached = []
    while True:
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at and at in reached[:1]:  # once around
            break
        reached += [at] if at else []
    assert {outline for _, outline in reached} == {"solid"}
    names = [name.split(".")[0] for name, _ in reached]
    assert names == ["Photos", "look at", "pins of station", "Travel", "look at", "add a mix", "severity",
                     "Repelling", "look at", "moment", "play"]  # fmt: skip


# The name of the control of a globe that has the focus, and how it shows.
FOCUSED = """() => {
  const el = document.activeElement;
  if (!el.closest(".slerir-globe")) return null;
  const label = el.closest("label")?.firstChild.textContent;
  return [label ?? el.getAttribute("aria-label") ?? el.textContent, getComputedStyle(el).outlineStyle];
}"""


def channel(colour: str) -> float:
    return float(colour.split("(")[1].split(",")[0])


def test_nothing_is_wider_than_a_narrow_page_and_no_name_is_left_in_the_window(page, figures):
    page.set_viewport_size({"width": 400, "height": 800})
    frame = '<!doctype html><html lang="en"><meta charset="utf-8"><title>a page</title><body>{}</body></html>'
    page.set_content(frame.format(""))
    before = set(page.evaluate("Object.keys(window)"))
    page.set_content(frame.format("".join(f.page for f in figures)))
    assert page.locator(".slerir-globe .dot").count() == 6 + 3 + 6
    assert set(page.evaluate("Object.keys(window)")) == before
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
