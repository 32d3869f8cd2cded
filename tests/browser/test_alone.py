"""Each ES module alone in headless Chromium, with a small stand-in for anywidget's model."""

import pytest
import torch

from slerir_lite.explore.playground import Playground
from slerir_lite.explore.watch import Watch

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


ALL = {"playground": playground, "watch": watch}


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
