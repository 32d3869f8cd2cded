"""From a knob to the painted picture, in JupyterLab in headless Chromium: writes benchmarks/knobs.json.

python benchmarks/knobs.py    needs the packages of the extra "test", Chromium, and a quiet machine

A time starts at the event (`input` of a slider, `click` on a specialist) and ends with the frame after the
one in which the new picture was decoded: what a reader waits for. Each time a new value, with a pause before
it. The path explorer has a photo of 256 × 256 pixels.
"""

import json
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.cells import OWN, PLAYGROUND, SET_UP  # noqa: E402
from browser.conftest import FLAGS, chromium_path  # noqa: E402
from browser.lab import Lab  # noqa: E402
from browser.page import Watched  # noqa: E402

TIMES = 30
ALLOWED = {"playground": 150, "path explorer": 400}  # ms
PATH_EXPLORER = (
    SET_UP,
    OWN,
    """
from slerir_lite.explore.path_explorer import PathExplorer
PathExplorer({name: photo[:, :256, :256] for name, photo in photos.items()})
""",
)
# How long one answer takes; [selectors of picture and control, a slider's value or null] -> ms
TURN = """([picture, control, value]) => new Promise((done) => {
  const image = document.querySelector(picture), made = document.querySelector(control);
  let start;
  const watcher = new MutationObserver(async () => {
    watcher.disconnect();
    await image.decode();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
  });
  watcher.observe(image, { attributes: true, attributeFilter: ["src"] });
  start = performance.now();
  if (value === null) return made.click();
  made.value = value;
  made.dispatchEvent(new Event("input", { bubbles: true }));
})"""
KNOBS = {"noise": "σ", "rain": "slant", "haze": "density", "blur": "length", "lowlight": "gain"}
VALUES = {"noise": (10, 55), "rain": (-30, 30), "haze": (0.5, 3), "blur": (3, 25), "lowlight": (0.1, 1)}


def playground(page) -> dict[str, list[float]]:
    """{degradation: milliseconds}"""
    box = page.locator(".slerir-playground")
    found = {}
    for kind, name in KNOBS.items():
        before = box.locator("img").get_attribute("src")
        if kind != "noise":
            box.get_by_role("group", name="First").get_by_label("damage").select_option(value=kind)
            page.wait_for_function(
                "([el, old]) => el.src !== old", arg=[box.locator("img").element_handle(), before]
            )
        low, high = VALUES[kind]
        found[kind] = []
        for k in range(TIMES):
            page.wait_for_timeout(300)
            value = low + (high - low) * ((k * 0.618) % 1)
            slider = box.locator("label", has_text=re.compile(f"^{name}")).locator("input").element_handle()
            slider.evaluate("el => el.classList.add('turned')")
            found[kind].append(page.evaluate(TURN, [".slerir-playground img", ".turned", value]))
            slider.evaluate("el => el.classList.remove('turned')")
    return found


def path_explorer(page) -> dict[str, list[float]]:
    """{what is done: milliseconds}; each click sends the photo to another specialist."""
    box, shown = ".slerir-path-explorer", ".slerir-path-explorer .pictures figure:nth-child(%d) img"
    page.locator(box).get_by_label("damage").select_option(value="rain")
    page.locator(box + "[aria-busy=false]").wait_for()
    found = {"override": [], "severity": []}
    for k in range(TIMES):
        page.wait_for_timeout(500)
        node = f"{box} .node[data-at^='{k % 8}-'][aria-pressed=false]"
        found["override"].append(page.evaluate(TURN, [shown % 3, node, None]))
    page.get_by_role("button", name="reset path").click()
    for k in range(TIMES):
        page.wait_for_timeout(500)
        value = round((0.05 + 0.618 * (k + 1)) % 1 * 20) / 20
        found["severity"].append(page.evaluate(TURN, [shown % 1, box + " .severity", value]))
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        rows = {}
        for name, cells, turn in (
            ("playground", PLAYGROUND, playground),
            ("path explorer", PATH_EXPLORER, path_explorer),
        ):
            watched = Watched(browser)
            taken = turn(lab.run(watched.page, *cells))
            watched.close()
            rows[name] = {
                what: {"median": round(statistics.median(ms)), "worst": round(max(ms)), "times": len(ms)}
                for what, ms in taken.items()
            }
        browser.close()
    result = {"what": "ms from a knob's event to the painted picture", "allowed": ALLOWED,
              "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), **rows}  # fmt: skip
    (HERE / "knobs.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
