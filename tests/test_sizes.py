"""An explorer adds under 300 KB to a notebook: its state, where that is saved, and its static picture."""

import json
from pathlib import Path

import pytest
import torch
from test_path_explorer import toy

from slerir_lite.explore.compare import before_and_after
from slerir_lite.explore.guide_viewer import GuideViewer
from slerir_lite.explore.guide_viewer import picture as guide_picture
from slerir_lite.explore.path_explorer import PathExplorer
from slerir_lite.explore.playground import Playground
from slerir_lite.explore.playground import picture as playground_picture
from slerir_lite.explore.show import bundle
from slerir_lite.explore.slider import Slider
from slerir_lite.explore.watch import POINTS, Watch
from slerir_lite.model import Config, SlerIR
from slerir_lite.photo import list_photos, read_photo

MOST = 300_000  # bytes
SAMPLES = Path(__file__).resolve().parent.parent / "data_samples"


@pytest.fixture(scope="module")
def photos():
    return {file.stem: read_photo(file) for file in list_photos(SAMPLES / "clean")}


@pytest.fixture(scope="module")
def noisy(photos):
    """The photo that packs worst: nothing in it repeats."""
    size = photos["pavilion"].shape
    return torch.rand(size, generator=torch.Generator().manual_seed(0))


def model():
    torch.manual_seed(0)
    return SlerIR(Config(width=8, tokens=16)).eval()


def watch():
    made = Watch()
    tasks = dict.fromkeys(made.marks, 23.45)
    for step in range(1, 2 * POINTS):
        made.add(
            step, "together", loss=-2.3456, psnr=23.45, tasks=tasks, angle=78.9, load=[[0.2, 0.3, 0.5]] * 8
        )
    return made


STATES = {
    "playground": lambda photos, noisy: Playground(photos),
    "path explorer": lambda photos, noisy: PathExplorer(photos, {"toy": toy}),
    "guide viewer": lambda photos, noisy: GuideViewer(model(), {"pavilion": photos["pavilion"]}),
    "slider": lambda photos, noisy: Slider(noisy, noisy.flip(-1)),
    "watch": lambda photos, noisy: watch(),
}
PICTURES = {
    "playground": lambda photos, noisy: playground_picture(photos, "cat", "noise"),
    "before and after": lambda photos, noisy: before_and_after(
        SAMPLES / "degraded" / "pavilion__haze.png", *[SAMPLES / "clean" / "pavilion.png"] * 2
    ),
    "guide viewer": lambda photos, noisy: guide_picture(model(), {"cat": photos["cat"]}, "cat"),
}


@pytest.mark.parametrize("name", STATES)
def test_the_state_is_small(name, photos, noisy):
    assert 2_000 < len(json.dumps(STATES[name](photos, noisy).get_state())) < MOST


@pytest.mark.parametrize("name", PICTURES)
def test_the_static_picture_is_small(name, photos, noisy):
    assert 10_000 < len(bundle(PICTURES[name](photos, noisy), "A picture.")[0]["image/png"]) < MOST
