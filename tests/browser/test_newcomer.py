"""What a newcomer does in notebook 08 without writing code: a photo of their own, broken, restored, sent
another way, and taken home as a page that opens without a network."""

import re

from PIL import Image

from slerir_lite.explore.path_map import path_name
from slerir_lite.explore.session import Session
from slerir_lite.explore.upload import photo_from_bytes
from slerir_lite.photo import as_bytes

from .cells import SET_UP
from .page import Watched, painted, pixels, violations
from .server import ROOT, cell
from .test_lab import alike

CELLS = (SET_UP, cell("08-explore-the-paths", "photos"), cell("08-explore-the-paths", "explorer"))
FILES = re.compile(r"^(file|data):")


def test_from_a_photo_of_ones_own_to_a_report_without_a_network(notebook, browser, tmp_path):
    own = tmp_path / "My <b> holiday.png"
    with Image.open(ROOT / "data_samples" / "clean" / "pavilion.png") as photo:
        photo.crop((100, 40, 292, 168)).save(own)
    page = notebook(*CELLS)
    box = page.locator(".slerir-path-explorer")
    given, hand, status = (
        box.locator(".pictures img").first,
        box.locator(".pictures img").nth(2),
        box.get_by_role("status"),
    )

    # Load it: nobody knows what it should look like, so that nothing is scored.
    before = given.get_attribute("src")
    box.get_by_label("your own photo").set_input_files(own)
    before = painted(page, given, before=before)
    status.filter(has_text="no PSNR").wait_for()
    assert box.locator("select.photo").input_value() == own.name

    # Break it: now the photo as it came is the clean one. The path lights up.
    box.locator("select.damage").select_option(label="rain")
    painted(page, given, before=before)
    session = Session({own.name: photo_from_bytes(own.name, own.read_bytes())})
    session.change(damage="rain")
    router = session.results.router
    assert alike(pixels(given), as_bytes(session.results.given))
    assert alike(pixels(hand), as_bytes(router.image))
    assert path_name(router.choice) in status.inner_text()
    taken = box.locator(".node.taken").evaluate_all("(all) => all.map((el) => el.dataset.at).sort()")
    assert taken == [f"{layer}-{expert}" for layer, expert in enumerate(router.choice)]

    # Send it to another specialist.
    before, other = hand.get_attribute("src"), (router.choice[4] + 1) % 3
    box.get_by_role("button", name=f"station 5, specialist {other},").click()
    painted(page, hand, before=before)
    session.change(overrides=[other if n == 4 else None for n in range(8)])
    results = session.results
    assert alike(pixels(hand), as_bytes(results.hand.image))
    gain = session.score(results.hand.image) - session.score(results.router.image)
    (told,) = re.findall(r"PSNR against the router's choice: ([+-][0-9.]+) dB", status.inner_text())
    assert abs(float(told) - gain) < 0.011

    # Take it home.
    with page.expect_download() as download:
        box.get_by_role("button", name="save a report").click()
    assert download.value.suggested_filename == "My-b-holiday-report.html"
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    status.filter(has_text="The report is among your downloads.").wait_for()
    report_is_whole(browser, file, own.name, session)


def report_is_whole(browser, file, name: str, session: Session) -> None:
    """Before, after, path, globe and scores are in it, and nothing but the file itself is asked for."""
    results = session.results
    watched = Watched(browser, FILES, offline=True)
    page = watched.page
    page.route(lambda url: not FILES.match(url), lambda route: route.abort())
    page.goto(file.as_uri())
    assert name in page.get_by_role("heading", level=1).inner_text()
    for alt in (f"{name}, rain, severity 0.50, as given", f"{name}, rain, severity 0.50, restored"):
        assert page.get_by_alt_text(alt).evaluate("el => el.decode().then(() => el.naturalWidth)") == 192
    before = page.get_by_alt_text("as given")
    seen = "el => getComputedStyle(el).clipPath"
    half = before.evaluate(seen)
    page.get_by_label("how much of the photo").press("End")
    assert before.evaluate(seen) != half

    (ours,) = re.findall(r"The path is ([0-9-]+)\.", page.locator("main").inner_text())
    assert ours == path_name(results.hand.choice)
    assert "Chosen by hand: station 5" in page.locator("main").inner_text()
    path = page.locator("main svg")
    assert path.locator("circle.node").count() == 24 and path.locator("circle.node.taken").count() == 8
    assert path.bounding_box()["width"] > 400

    globe = page.get_by_alt_text("globe")
    assert globe.evaluate("el => el.decode().then(() => el.naturalWidth)") == 850
    for row, image in (("as given", results.given), ("restored", results.hand.image)):
        cells = page.get_by_role("row").filter(has_text=row).get_by_role("cell").all_inner_texts()
        assert abs(float(cells[0]) - session.score(image)) < 0.03 and 0 < float(cells[1]) <= 1
    assert violations(page, "main") == []
    watched.close()
