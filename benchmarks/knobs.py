"""From a knob to the painted picture, in JupyterLab in headless Chromium: writes benchmarks/knobs.json.

python benchmarks/knobs.py [times]    needs the packages of the extra "test", Chromium, and a quiet machine

A time starts at the event (`input` of a slider, `click` on a specialist) and ends with the frame after the
one in which the new picture was decoded: what a reader waits for. Each time a value, or a path, that was not
there before, with a pause before it: nothing is answered from what the explorer keeps. The path explorer has
a photo of 256 × 256 pixels. It fails where a median is longer than it may be. Fewer than 30 times only
show that it works: they are not written down.
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


def playground(page, times: int) -> dict[str, list[float]]:
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
        for k in range(times):
            page.wait_for_timeout(300)
            value = low + (high - low) * ((k * 0.618) % 1)
            slider = box.locator("label", has_text=re.compile(f"^{name}")).locator("input").element_handle()
            slider.evaluate("el => el.classList.add('turned')")
            found[kind].append(page.evaluate(TURN, [".slerir-playground img", ".turned", value]))
            slider.evaluate("el => el.classList.remove('turned')")
    return found


def path_explorer(page, times: int) -> dict[str, list[float]]:
    """{what is done: milliseconds}; each click sends the photo to another specialist."""
    box, shown = ".slerir-path-explorer", ".slerir-path-explorer .pictures figure:nth-child(%d) img"
    page.locator(box).get_by_label("damage").select_option(value="rain")
    page.locator(box + "[aria-busy=false]").wait_for()
    found = {"override": [], "severity": []}
    for station in gray(times):
        page.wait_for_timeout(500)
        node = f"{box} .node[data-at^='{station}-'][aria-pressed=false]"
        found["override"].append(page.evaluate(TURN, [shown % 3, node, None]))
    page.get_by_role("button", name="reset path").click()
    page.locator(box + "[aria-busy=false]").wait_for()
    page.evaluate("(severity) => { document.querySelector(severity).step = 0.01; }", box + " .severity")
    for value in severities(times):
        page.wait_for_timeout(500)
        found["severity"].append(page.evaluate(TURN, [shown % 2, box + " .severity", value]))
    return found


def gray(times: int) -> list[int]:
    """The station, from 0 to 7, of each click. Every click sends the photo to the first specialist there that
    it is not with, so a station alternates between two; in the order of a Gray code no path comes again."""
    return [(k & -k).bit_length() - 1 for k in range(1, times + 1)]


def severities(times: int) -> list[float]:
    """As many hundredths, far from one another and none twice; up to 99. With 0.5 the explorer begins."""
    return [hundredth / 100 for k in range(1, 101) if (hundredth := 61 * k % 101) != 50][:times]


def main(times: int = TIMES) -> int:
    """The exit status."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        rows = {}
        for name, cells, turn in (
            ("playground", PLAYGROUND, playground),
            ("path explorer", PATH_EXPLORER, path_explorer),
        ):
            watched = Watched(browser)
            taken = turn(lab.run(watched.page, *cells), times)
            watched.close()
            rows[name] = {
                what: {"median": round(statistics.median(ms)), "worst": round(max(ms)), "times": len(ms)}
                for what, ms in taken.items()
            }
        browser.close()
    result = {"what": "ms from a knob's event to the painted picture", "allowed": ALLOWED,
              "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), **rows}  # fmt: skip
    if times >= TIMES:
        (HERE / "knobs.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))
    late = too_slow(rows)
    print("\n".join(late))
    return bool(late)


def too_slow(rows: dict[str, dict[str, dict]]) -> list[str]:
    """Medians above what is `ALLOWED`, in words."""
    return [
        f"{name}, {what}: {told['median']} ms, more than {ALLOWED[name]}"
        for name, knobs in rows.items()
        for what, told in knobs.items()
        if told["median"] > ALLOWED[name]
    ]


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
