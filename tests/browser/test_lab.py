"""The explorers in JupyterLab 4: turn a knob, drop a file, and see the right picture and numbers."""

import base64
import io
import re

import nbformat
import numpy as np
from PIL import Image

from slerir_lite.explore.guide_viewer import GuideViewer
from slerir_lite.explore.path_map import path_name
from slerir_lite.explore.pixels import difference
from slerir_lite.explore.playground import broken, said
from slerir_lite.explore.session import Session
from slerir_lite.explore.upload import photo_from_bytes
from slerir_lite.photo import as_bytes, read_photo
from slerir_lite.restore import restore
from slerir_lite.weights import load_pretrained

from .cells import (
    GLOBE,
    GUIDE_VIEWER,
    PATH_EXPLORER,
    PLAYGROUND,
    SLIDER,
    SMALL_PATH_EXPLORER,
    UPLOAD,
    WATCH,
)
from .page import Watched, painted, pixels, violations
from .server import NOTEBOOKS, ROOT, cell

CLEAN = ROOT / "data_samples" / "clean"
HAZY = ROOT / "data_samples" / "degraded" / "pavilion__haze.png"


def test_the_playgrounds_knobs_change_picture_and_numbers(notebook):
    page = notebook(*PLAYGROUND)
    box = page.locator(".slerir-playground")
    image, status, photo = box.locator("img"), box.get_by_role("status"), read_photo(CLEAN / "pavilion.png")
    shown = image.get_attribute("src")

    def is_now(*steps, spot=None):
        """Waits for another picture; it and the sentence must be what Python makes of the same knobs."""
        nonlocal shown
        shown = painted(page, image, before=shown)
        y = broken(photo, steps, spot)
        assert np.array_equal(pixels(image), as_bytes(y))
        status.filter(has_text=said(y, photo)).wait_for()

    box.get_by_label("σ").focus()
    page.keyboard.press("End")
    is_now(("noise", {"sigma": 55}))
    first, then = (box.get_by_role("group", name=name).get_by_label("damage") for name in ("First", "Then"))
    first.select_option(label="haze")
    is_now(("haze", {}))
    then.select_option(label="blur")
    is_now(("haze", {}), ("blur", {}))
    size = image.bounding_box()
    image.click(position={"x": size["width"] / 4, "y": size["height"] / 2})
    across, down = (float(box.get_by_label(name).input_value()) for name in ("across", "down"))
    assert abs(across - 25) < 1 and abs(down - 50) < 1
    is_now(("haze", {}), ("blur", {}), spot={"across": across, "down": down})
    assert violations(page, ".slerir-playground") == []


def test_a_photo_of_ones_own_is_restored_and_a_broken_file_is_named(notebook, tmp_path):
    page = notebook(*UPLOAD)
    box = page.locator(".slerir-upload")

    def choose(file):
        with page.expect_file_chooser() as chooser:
            box.get_by_role("button").click()
        chooser.value.set_files(file)

    bad = tmp_path / "broken.png"
    bad.write_bytes(b"no picture")
    choose(bad)
    box.get_by_role("status").filter(has_text="broken.png").wait_for()
    choose(HAZY)
    box.get_by_role("status").filter(has_text="pavilion__haze.png, 384 × 256 pixels.").wait_for()
    assert box.locator("img").count() == 3
    assert f"path is {restore(HAZY).path}." in box.locator("img").nth(1).get_attribute("alt")
    assert violations(page, ".slerir-upload") == []


def test_the_globe_spins_beside_its_static_twin_and_keeps_the_arrow_keys_to_itself(notebook):
    page = notebook(*GLOBE)
    box = page.locator(".slerir-globe")
    globe = box.locator("svg[tabindex]")
    place, active = (
        box.locator(".place").first,
        "window.jupyterapp.shell.currentWidget.content.activeCellIndex",
    )
    before, here = place.get_attribute("transform"), page.evaluate(active)
    globe.focus()  # dragging it is tested in `test_saved`
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
        turned = place.get_attribute("transform")
        assert turned != before and page.evaluate(active) == here
        before = turned
    assert page.locator("img[src^='data:image/png']").count() == 1
    assert violations(page, ".slerir-globe") == []


def test_the_watch_draws_a_run(notebook):
    page = notebook(*WATCH)
    box = page.locator(".slerir-watch")
    box.get_by_text("step 8 of 8, team, loss").wait_for()
    curves = {name: box.get_by_role("img", name=name)
              for name in ("Loss.", "PSNR by task.", "Load per", "Smallest angle")}  # fmt: skip
    assert all(curve.locator("path, rect").count() for curve in curves.values())
    assert "station 8:" in curves["Load per"].get_attribute("aria-label")
    assert violations(page, ".slerir-watch") == []


def alike(shown: np.ndarray, ours: np.ndarray) -> bool:
    """The same picture. The kernel computes with more threads, so that a value between two grey levels may be
    rounded to the other one."""
    differ = np.abs(shown.astype(int) - ours)
    return differ.max() <= 1 and (differ > 0).mean() < 1e-3


def test_a_click_on_a_specialist_overrides_it_and_a_dropped_photo_is_restored(notebook):
    page = notebook(*PATH_EXPLORER)
    box = page.locator(".slerir-path-explorer")
    session = Session({"pavilion": read_photo(CLEAN / "pavilion.png")})
    third, status = box.locator(".pictures img").nth(2), box.get_by_role("status")
    assert alike(pixels(third), as_bytes(session.results.hand.image))
    before, router = third.get_attribute("src"), session.results.router.choice
    other = (router[2] + 1) % 3
    node = box.get_by_role("button", name=f"station 3, specialist {other},")
    node.click()
    before = painted(page, third, before=before)
    session.change(overrides=(None, None, other, *[None] * 5))
    assert alike(pixels(third), as_bytes(session.results.hand.image))
    gain = session.score(session.results.hand.image) - session.score(session.results.router.image)
    status.filter(has_text=f"PSNR against the router's choice: {gain:+.2f} dB.").wait_for()
    assert node.get_attribute("aria-pressed") == "true"
    content = base64.b64encode(HAZY.read_bytes()).decode()
    box.evaluate(DROP, ["hazy.png", content])
    painted(page, third, before=before)
    shown = Session({"hazy": photo_from_bytes("hazy.png", HAZY.read_bytes())})
    status.filter(has_text=f"The router's path is {path_name(shown.results.router.choice)}").wait_for()
    assert box.locator("select.photo").input_value() == "hazy.png"
    assert violations(page, ".slerir-path-explorer") == []


# Drops a file as a mouse would: [name, base64] onto the element.
DROP = """(el, [name, content]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
  data.items.add(new File([bytes], name, { type: "image/png" }));
  for (const kind of ["dragover", "drop"])
    el.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


def test_the_guide_follows_the_spot_and_a_sense_can_be_switched_off(notebook):
    page = notebook(*GUIDE_VIEWER)
    box = page.locator(".slerir-guide-viewer")
    viewer = GuideViewer(load_pretrained(), {"pavilion": read_photo(CLEAN / "pavilion.png")})
    image, status = box.locator("img").first, box.get_by_role("status")
    assert status.inner_text() == viewer.answer["said"]
    before, size = image.get_attribute("src"), image.bounding_box()
    image.click(position={"x": 0.8 * size["width"], "y": 0.6 * size["height"]})
    before = painted(page, image, before=before)
    row, column = (float(box.get_by_label(f"spot {way} (").input_value()) for way in ("down", "across"))
    assert abs(row - 0.6) < 0.02 and abs(column - 0.8) < 0.02
    viewer.asked = viewer.asked | {"row": row, "column": column, "turn": 1}
    assert status.inner_text() == viewer.answer["said"]
    assert before == viewer.answer["panels"]["photo"][0]
    box.get_by_label("global sense").uncheck()
    status.filter(has_text="The global sense is switched off.").wait_for()
    assert violations(page, ".slerir-guide-viewer") == []


def test_the_sliders_border_follows_the_keyboard(notebook):
    page = notebook(*SLIDER)
    box = page.locator(".slerir-slider")
    border, stage = box.get_by_label("border"), box.locator(".stage")
    restored, hazy = (pixels(box.locator("img").nth(k)) for k in (0, 1))

    def is_now(photo, other):
        seen = Image.open(io.BytesIO(stage.screenshot())).convert("RGB")
        off = [np.abs(np.asarray(seen, float) - Image.fromarray(p).resize(seen.size)).mean()
               for p in (photo, other)]  # fmt: skip
        assert off[0] < off[1] / 4, off

    border.focus()
    page.keyboard.press("ArrowRight")
    assert float(border.input_value()) > 50
    page.keyboard.press("Home")
    is_now(restored, hazy)
    page.keyboard.press("End")
    is_now(hazy, restored)


def test_the_path_explorer_steps_remembers_and_surprises(notebook):
    page = notebook(*SMALL_PATH_EXPLORER)
    box = page.locator(".slerir-path-explorer")
    session = Session({"pavilion": read_photo(CLEAN / "pavilion.png")}, longest=128)
    given, hand, change = (box.locator(".pictures img").nth(k) for k in (0, 2, 3))
    status = box.get_by_role("status")

    def press(name: str):
        box.get_by_role("button", name=name, exact=True).click()

    def is_after(stations: int, button: str):
        """Presses the button, and waits for the same picture after so many stations as Python's."""
        before = change.get_attribute("src")
        press(button)
        painted(page, change, before=before)
        session.change(stations=stations)
        results = session.results
        assert alike(pixels(hand), as_bytes(results.hand.image))
        assert alike(pixels(change), as_bytes(difference(results.hand.image, results.before)))

    before = given.get_attribute("src")
    box.get_by_label("damage").select_option(label="rain")
    painted(page, given, before=before)
    session.change(damage="rain")
    is_after(0, "one station more")  # of those to choose from, the first is all of them
    is_after(1, "one station more")
    assert box.locator(".node.skipped").count() == 7 * 3
    is_after(0, "one station less")
    press("reset path")
    box.get_by_text("no override so far").wait_for()
    press("remember this path")
    box.get_by_role("button", name="forget the dashed path").wait_for()
    assert box.locator("line.remembered").count() == 8
    press("hurts most")
    status.filter(has_text="is worst").wait_for()
    session.reset()
    worst = session.surprise(better=False)
    assert re.search(r"specialist \d at station \d", worst)[0] in status.inner_text()
    box.locator(".key").filter(has_text="apart at 1 of 8 stations").wait_for()
    layer = next(n for n, k in enumerate(session.setting.overrides) if k is not None)
    taken = f"station {layer + 1}, specialist {session.setting.overrides[layer]},"
    assert box.get_by_role("button", name=taken).get_attribute("aria-pressed") == "true"
    press("undo")
    box.locator(".key").filter(has_text="apart at 0 of 8 stations").wait_for()
    assert box.get_by_role("button", name=taken).get_attribute("aria-pressed") == "false"
    press("forget the dashed path")
    box.get_by_role("button", name="remember this path").wait_for()
    assert box.locator("line.remembered").count() == 0


def test_a_saved_notebook_opened_anew_shows_the_path_map(notebook, lab, browser):
    page = notebook(*PATH_EXPLORER, cell("08-explore-the-paths", "static"))
    kept = page.locator("img[src^='data:image/png']").last.get_attribute("src")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    lab.tidy()
    anew = Watched(browser)
    lab.reopen(anew.page)
    image = anew.page.locator("img[src^='data:image/png']").last
    image.scroll_into_view_if_needed()
    assert image.get_attribute("src") == kept
    assert image.evaluate("el => el.decode().then(() => el.naturalWidth)") == 850
    anew.close()


def test_what_came_from_elsewhere_shows_plotlys_crowd_before_anything_runs(lab, page):
    """JupyterLab trusts no notebook that it has not run itself, and runs none of its scripts."""
    saved = nbformat.read(NOTEBOOKS / "08-explore-the-paths.ipynb", as_version=4)
    saved.cells = [c for c in saved.cells if c.id == "crowd"]
    nbformat.write(saved, lab.root / "elsewhere.ipynb")
    lab.show(page, "elsewhere.ipynb")
    page.locator(".js-plotly-plot .sankey-link").first.wait_for()
    assert page.locator(".js-plotly-plot .sankey-link").count() > 50
    assert (
        page.locator("img[src^='data:image/png']").count() == 1 and page.locator(".slerir-crowd").count() == 0
    )
    lab.tidy()
