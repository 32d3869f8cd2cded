"""The explorers in JupyterLab 4: turn a knob, drop a file, and see the right picture and the right numbers."""

import numpy as np

from slerir_lite.explore.playground import damage, said
from slerir_lite.photo import as_bytes, read_photo

from .lab import ROOT, cell
from .page import painted, pixels, violations

CLEAN = ROOT / "data_samples" / "clean"


def test_a_knob_of_the_playground_changes_picture_and_numbers(notebook):
    page = notebook(
        cell("01-how-photos-break", "set-up"),
        "from slerir_lite.photo import read_photo",
        cell("01-how-photos-break", "playground-picture"),
        cell("01-how-photos-break", "playground"),
    )
    box = page.locator(".slerir-playground")
    image, status = box.locator("img"), box.get_by_role("status")
    photo = read_photo(CLEAN / "pavilion.png")
    first = image.get_attribute("src")
    assert status.inner_text() == said(damage(photo, "noise", {}), photo)
    box.get_by_label("σ").focus()
    page.keyboard.press("End")
    second = painted(page, image, before=first)
    strongest = damage(photo, "noise", {"sigma": 55})
    assert np.array_equal(pixels(page, image), as_bytes(strongest))
    assert status.inner_text() == said(strongest, photo)
    box.get_by_label("damage").select_option(label="haze")
    painted(page, image, before=second)
    hazy = damage(photo, "haze", {})
    assert np.array_equal(pixels(page, image), as_bytes(hazy)) and status.inner_text() == said(hazy, photo)
    assert violations(page, ".slerir-playground") == []
