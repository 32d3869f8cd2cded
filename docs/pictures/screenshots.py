"""Pictures of the explorers as JupyterLab shows them, light and dark, for the README and for our own eyes.

python docs/pictures/screenshots.py [folder]    needs the packages of the extra "test", and Chromium

Writes explorer-<name>-<theme>.png, 850 px wide at most, as a notebook is beside an open sidebar.
"""

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))

from browser.conftest import FLAGS, chromium_path  # noqa: E402
from browser.lab import Lab, cell  # noqa: E402
from browser.page import Watched  # noqa: E402

PLAYGROUND = (
    cell("01-how-photos-break", "set-up"),
    "from slerir_lite.photo import read_photo",
    cell("01-how-photos-break", "playground-picture"),
    cell("01-how-photos-break", "playground"),
)
# A run as it was: the curves of the shipped weights would take hours, so made-up numbers of the same kind.
WATCH = (
    """
import math
from slerir_lite.degrade import PLACES
from slerir_lite.explore.watch import Watch
watch = Watch()
watch.total, watch.best = 4000, 101.54
watch
""",
    """
for step in range(25, 2600, 25):
    stage, part = ("compass", step) if step <= 800 else ("team", step - 800)
    told = {"loss": 2 * math.exp(-part / 300) + 0.3 * (stage == "compass") - 3 * (stage == "team")}
    told["angle"] = 101.5 - 70 * math.exp(-step / 300)
    if stage == "team":
        told["tasks"] = {p: 16 + 2 * k + 5 * (1 - math.exp(-part / 400)) for k, p in enumerate(PLACES)}
        told["psnr"] = 18 + 5 * (1 - math.exp(-part / 400))
    told = {k: round(v, 3) if isinstance(v, float) else {n: round(x, 2) for n, x in v.items()} for k, v in told.items()}
    watch.add(step, stage, load=[[0.2 + 0.03 * k, 0.5 - 0.05 * k, 0.3 + 0.02 * k] for k in range(8)], **told)
""",
)  # fmt: skip
EXPLORERS = {"playground": PLAYGROUND, "watch": WATCH}


def turn(name: str, page, box) -> None:
    """What a reader would do before looking."""
    if name == "playground":
        image = box.locator("img")
        box.get_by_role("group", name="Then").get_by_label("damage").select_option(label="rain")
        size = image.bounding_box()
        image.click(position={"x": 0.35 * size["width"], "y": 0.4 * size["height"]})
        box.get_by_label("radius").focus()
        page.wait_for_timeout(3000)


def main(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place, Lab(Path(place)) as lab, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for name, cells in EXPLORERS.items():
            for theme in ("light", "dark"):
                watched = Watched(browser)
                page = lab.run(watched.page, *cells, theme=theme)
                page.set_viewport_size({"width": 1280, "height": 1600})  # the whole explorer at once
                box = page.locator(f".slerir-{name}")
                turn(name, page, box)
                box.screenshot(path=folder / f"explorer-{name}-{theme}.png")
                watched.close()
                lab.tidy()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
