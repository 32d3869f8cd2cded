"""From a knob to the painted picture, in JupyterLab in headless Chromium: writes benchmarks/knobs.json.

python benchmarks/knobs.py    needs the packages of the extra "test", Chromium, and a quiet machine

A time starts at the `input` event of a slider and ends with the frame after the one in which the new picture
was decoded: what a reader waits for. Each time a new value, with a pause before it.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from browser.cells import PLAYGROUND  # noqa: E402
from browser.conftest import FLAGS, chromium_path  # noqa: E402
from browser.lab import Lab  # noqa: E402
from browser.page import Watched  # noqa: E402

TIMES = 30
ALLOWED = {"playground": 150}  # ms
# How long one turn of a slider takes; [box, name of the slider's label, value] -> ms
TURN = """([selector, name, value]) => new Promise((done) => {
  const box = document.querySelector(selector), image = box.querySelector("img");
  const label = [...box.querySelectorAll("label")].find((l) => l.textContent.startsWith(name));
  const slider = label.querySelector("input");
  let start;
  const watcher = new MutationObserver(async () => {
    watcher.disconnect();
    await image.decode();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
  });
  watcher.observe(image, { attributes: true, attributeFilter: ["src"] });
  start = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
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
            found[kind].append(page.evaluate(TURN, [".slerir-playground", name, value]))
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder)) as lab, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        watched = Watched(browser)
        taken = playground(lab.run(watched.page, *PLAYGROUND))
        watched.close()
        browser.close()
    rows = {
        kind: {"median": round(statistics.median(ms)), "worst": round(max(ms)), "times": len(ms)}
        for kind, ms in taken.items()
    }
    result = {"what": "ms from a knob's event to the painted picture", "allowed": ALLOWED,
              "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "playground": rows}  # fmt: skip
    (HERE / "knobs.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
