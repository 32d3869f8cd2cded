"""Chromium, a page for an ES module alone, and JupyterLab or classic Notebook with a notebook of a few cells.

Without Chromium these tests are skipped, and without Colab's versions those in classic Notebook, which the
summary says loudly; where SLERIR_BROWSER=required, as in CI, that is a failure. SLERIR_CHROMIUM names another
binary than the first one found.
"""

import functools
import os
import shutil

import pytest

from .classic import Classic, colab_python
from .lab import Lab
from .page import Watched

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Small machines have a small /dev/shm; nobody but the tests' own pages is let in here; and nothing here needs
# WebGL, so that no GPU is emulated, which takes longer than to draw without one.
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


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


def lacking_colab() -> str:
    """What classic Notebook lacks, in words; empty where it can run."""
    return "" if colab_python().exists() else f"there is no {colab_python()}"


def pytest_terminal_summary(terminalreporter):
    if os.environ.get("SLERIR_BROWSER") == "required":
        return
    for why, what, help in (
        (lacking(), "BROWSER TESTS", "On Debian: apt-get install chromium."),
        (lacking_colab(), "TESTS IN CLASSIC NOTEBOOK", "It comes with: make colab."),
    ):
        if why:
            terminalreporter.section(f"THE {what} DID NOT RUN", "!", yellow=True, bold=True)
            terminalreporter.line(f"{why[0].upper()}{why[1:]}. {help} What explorers do there is untested.")


def lacks(what: str, why: str) -> None:
    """Skips the test, or fails it where it must run."""
    if why:
        required = os.environ.get("SLERIR_BROWSER") == "required"
        (pytest.fail if required else pytest.skip)(f"no {what}: {why}")


@pytest.fixture(scope="package")
def browser():
    """Headless Chromium."""
    lacks("browser tests", lacking())
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    """A running JupyterLab, see `lab.Lab`."""
    lacks("browser tests", lacking())
    with Lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="package")
def classic(tmp_path_factory):
    """A running classic Notebook, see `classic.Classic`."""
    lacks("tests in classic Notebook", lacking_colab())
    lacks("browser tests", lacking())
    with Classic(tmp_path_factory.mktemp("classic")) as running:
        yield running


@pytest.fixture
def page(browser):
    """A page of 1280 × 800 pixels. A console error, or a request to another machine, fails the test."""
    watched = Watched(browser)
    yield watched.page
    watched.close()


@pytest.fixture
def server(lab):
    """Where `notebook` runs cells; a test file may say: elsewhere."""
    return lab


@pytest.fixture
def notebook(server, browser):
    """notebook(*cells, theme="light") -> a page where these cells have run; see `server.Server.run`."""
    watched = server.watch(browser)
    yield functools.partial(server.run, watched.page)
    server.leave(watched)
