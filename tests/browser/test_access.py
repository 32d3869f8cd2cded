"""All explorers in one notebook in JupyterLab: reached by Tab, seen to be so, and legible in either theme."""

import pytest

from .cells import GUIDE_VIEWER, OWN, PATH_EXPLORER, PLAYGROUND, SET_UP, SLIDER, UPLOAD, WATCH
from .lab import change_theme
from .page import violations
from .server import ROOT

HAZY = ROOT / "data_samples" / "degraded" / "pavilion__haze.png"
TOLD = "for k in range(9): watch.add(k, loss=1 / (k + 1), psnr=20 + k, load=[[0.2, 0.8]] * 8)"
# {explorer: its notebook}: the last cell shows it, what comes before is run once for all.
SHOWN = {"playground": PLAYGROUND, "slider": SLIDER, "watch": WATCH[:1], "path-explorer": PATH_EXPLORER,
         "guide-viewer": GUIDE_VIEWER, "upload": UPLOAD}  # fmt: skip
BEFORE = dict.fromkeys([SET_UP, OWN, *(cell for cells in SHOWN.values() for cell in cells[:-1])])
CONTROLLED = [name for name in SHOWN if name != "watch"]  # which has nothing to turn


@pytest.fixture(scope="module")
def everything(lab, browser):
    """A page with all explorers, each of which shows something."""
    watched = lab.watch(browser)
    page = lab.run(watched.page, *BEFORE, *(cells[-1] for cells in SHOWN.values()), TOLD)
    with page.expect_file_chooser() as chooser:
        shown(page, "upload").get_by_role("button").click()
    chooser.value.set_files(HAZY)
    page.locator(".slerir-upload").get_by_role("status").filter(has_text="384 × 256 pixels.").wait_for()
    yield page
    lab.leave(watched)


def shown(page, name: str):
    """The explorer's element, in sight: JupyterLab keeps of a long notebook only what is."""
    box = page.locator(f".slerir-{name}")
    box.scroll_into_view_if_needed()
    return box


@pytest.mark.parametrize("name", CONTROLLED)
def test_tab_reaches_every_control_and_shows_which(name, everything):
    box = shown(everything, name)
    count = box.evaluate("""(el) => {
      window.stops = [...el.querySelectorAll("button, input, select, textarea, a[href]")]
        .filter((c) => !c.disabled && c.tabIndex >= 0 && c.checkVisibility());
      window.stops[0].focus();
      return window.stops.length;
    }""")
    everything.keyboard.press("Shift+Tab")
    for _ in range(10):  # before the explorer stand the cell's own buttons, once JupyterLab shows them
        everything.keyboard.press("Tab")
        if box.evaluate("(el) => el.contains(document.activeElement)"):
            break
    for k in range(count):
        is_there, seen, control = everything.evaluate(
            """(k) => {
              const at = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(at);
              return [at === window.stops[k], outlineStyle !== "none" && parseFloat(outlineWidth) >= 1,
                      window.stops[k].outerHTML];
            }""",
            k,
        )
        assert is_there, f"Tab does not reach {control}"
        assert seen, f"that Tab reached it can't be seen of {control}"
        everything.keyboard.press("Tab")


@pytest.mark.parametrize("name", [name for name in CONTROLLED if name != "upload"])  # which has a button only
def test_an_arrow_key_turns_what_has_the_focus_and_not_the_notebook(name, everything):
    box = shown(everything, name)
    tried = 0
    choosable = "select:enabled:has(option:nth-child(2))"  # a select of one photo can't be turned
    for kind, key in ((choosable, "ArrowDown"), ("input[type=range]:enabled", "ArrowRight")):
        for control in box.locator(kind).all()[:1]:
            control.focus()
            before = control.input_value()
            everything.keyboard.press(key)
            assert control.evaluate("(el) => el === document.activeElement"), f"{key} left the {kind}"
            assert control.input_value() != before, f"{key} did not turn the {kind}"
            tried += 1
    assert tried


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_either_theme(theme, name, everything):
    change_theme(everything, theme)
    shown(everything, name)
    assert violations(everything, f".slerir-{name}") == []
