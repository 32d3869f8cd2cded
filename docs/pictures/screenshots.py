"""Pictures of the explorers as JupyterLab shows them, light and dark, for the README and for our own eyes.

python docs/pictures/screenshots.py [folder [name …]]    needs the packages of the extra "test", and Chromium

Writes explorer-<name>-<theme>.png, 850 px wide at most, as a notebook is beside an open sidebar.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))

from browser.cells import GUIDE_VIEWER, PATH_EXPLORER, PLAYGROUND, SET_UP, SLIDER  # noqa: E402
from browser.conftest import FLAGS, chromium_path  # noqa: E402
from browser.lab import Lab, change_theme  # noqa: E402
from browser.page import Watched  # noqa: E402

# A small network on small crops: a run of a minute, as it was.
WATCH = (
    SET_UP,
    """
import tempfile
from slerir_lite.course.lesson import lesson_photos
from slerir_lite.explore.watch import Watch
from slerir_lite.model import Config, SlerIR
from slerir_lite.plan import stages
from slerir_lite.train import Trainer
torch.manual_seed(0)
watch = Watch(share=0.3)
watch
""",
    """
plan = stages(250, compass_steps=250)
model = SlerIR(Config(width=16, tokens=32))
how = dict(size=48, quiet=True, watch=watch)
history = Trainer(lesson_photos(samples), tempfile.mkdtemp(), plan, model, **how).run()
""",
)
EXPLORERS = {
    "playground": PLAYGROUND,
    "slider": SLIDER,
    "watch": WATCH,
    "path-explorer": PATH_EXPLORER,
    "guide-viewer": GUIDE_VIEWER,
}


def turn(name: str, page, box) -> None:
    """What a reader would do before looking."""
    if name == "playground":
        image = box.locator("img")
        box.get_by_role("group", name="Then").get_by_label("damage").select_option(label="rain")
        size = image.bounding_box()
        image.click(position={"x": 0.35 * size["width"], "y": 0.4 * size["height"]})
        box.get_by_label("radius (").focus()
        page.wait_for_timeout(3000)
    if name == "path-explorer":
        box.get_by_label("damage").select_option(label="low light")
        page.wait_for_timeout(3000)
        box.get_by_role("button", name="station 3, specialist 0,").click()
        page.wait_for_timeout(3000)
    if name == "slider":
        box.get_by_label("border").fill("40")


def main(folder: Path, names: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place, Lab(Path(place)) as lab, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for name in names or EXPLORERS:
            watched = Watched(browser)
            page = lab.run(watched.page, *EXPLORERS[name], seconds=600)
            page.set_viewport_size({"width": 1280, "height": 1600})  # the whole explorer at once
            box = page.locator(f".slerir-{name}")
            turn(name, page, box)
            for theme in ("light", "dark"):
                change_theme(page, theme)
                seen = Image.open(io.BytesIO(box.screenshot())).convert("RGB")
                # 256 colours: a third of the bytes, and nothing that a reader would miss.
                seen.quantize(256).save(folder / f"explorer-{name}-{theme}.png", optimize=True)
            watched.close()
            lab.tidy()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE, sys.argv[2:])
