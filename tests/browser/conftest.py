"""Chromium, a page for an ES module alone, and JupyterLab with a notebook of a few cells.

Without Chromium these tests are skipped, which the summary says loudly; where SLERIR_BROWSER=required, as in
CI, that is a failure. SLERIR_CHROMIUM names another binary than the first one found.
"""

import os
import shutil

import pytest

from .lab import Lab
from .page import Watched

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Small machines have a small /dev/shm; and nobody but the tests' own pages is let in here.
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def chromium_path() -> str | None:
    return os.environ.get("SLERIR_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def lacking() -> str:
    """What the browser tests lack, in words; empty where they can run."""
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed"
    return "" if chromium_path() else "there is no Chromium"


def pytest_collection_modifyitems(items):
    """These tests come last: a browser beside them would slow the others down."""
    items.sort(key=lambda item: item.path.parent.name == "browser")


def pytest_terminal_summary(terminalreporter, config):
    if (why := lacking()) and os.environ.get("SLERIR_BROWSER") != "required":
        terminalreporter.section("THE BROWSER TESTS DID NOT RUN", "!", yellow=True, bold=True)
        terminalreporter.line(f"{why[0].upper()}{why[1:]}. On Debian: apt-get install chromium. "
                              "What the explorers do in a browser is untested here.")  # fmt: skip


@pytest.fixture(scope="package")
def browser():
    """Headless Chromium."""
    if why := lacking():
        required = os.environ.get("SLERIR_BROWSER") == "required"
        (pytest.fail if required else pytest.skip)(f"no browser tests: {why}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    """A running JupyterLab, see `lab.Lab`."""
    with Lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def page(browser):
    """A page of 1280 × 800 pixels. A console error, or a request to another machine, fails the test."""
    watched = Watched(browser)
    yield watched.page
    watched.close()


@pytest.fixture
def notebook(browser, lab):
    """notebook(*cells, theme="light") -> a page where these cells have run; see `lab.Lab.run`."""
    opened = []

    def run(*cells, **how):
        opened.append(Watched(browser))
        return lab.run(opened[-1].page, *cells, **how)

    yield run
    for watched in opened:
        watched.close()
        lab.tidy()
