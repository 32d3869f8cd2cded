"""The crowd's flow adds up, overrides are tried one by one, and the report is whole, small and safe."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.degrade import PLACES
from slerir_lite.explore.crowd import crowd, crowd_picture, describe_crowd, paths_of
from slerir_lite.explore.explored import Found
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.overrides import (
    describe_overrides,
    gains,
    overrides_picture,
    single_overrides,
    try_overrides,
)
from slerir_lite.explore.path_svg import path_svg
from slerir_lite.explore.pixels import difference, small_source
from slerir_lite.explore.report import file_name, globe_of, report
from slerir_lite.explore.style import MARKS, OTHER
from slerir_lite.explore.what_if import what_if
from slerir_lite.photo import as_bytes

PATHS = np.random.default_rng(0).integers(0, 3, (40, 8))
LABELS = [PLACES[k % 6] for k in range(38)] + ["haze+rain"] * 2
ANGLE = torch.tensor([[10.0, 80, 90]] * 8)
NASTY = '"><script>alert(1)</script> & <img src=x>.png'


def shift(photo, path=None):
    """Each station adds its specialist's number, in hundredths; the router takes 0 everywhere."""
    choice = (0,) * 8 if path is None else tuple(path)
    return Found((photo + 0.01 * sum(choice)).clamp(0, 1), choice, ANGLE)


@pytest.fixture
def photo(clean):
    return clean[0] * 0.5


class Page(HTMLParser):
    """Every tag with its attributes; complains about what is left open."""

    VOID = {"img", "meta", "link", "input", "line", "circle"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


# The crowd


def test_as_many_photos_leave_a_specialist_as_come_in():
    (sankey,) = crowd(PATHS, LABELS).plotly.data
    link, names = sankey.link, sankey.node.label
    came, left = np.zeros(len(names)), np.zeros(len(names))
    np.add.at(came, list(link.target), link.value)
    np.add.at(left, list(link.source), link.value)
    for name, c, e in zip(names, came, left, strict=True):
        station = re.fullmatch(r"(\d): (\d)", name)
        if not station:  # a group
            assert c == 0 and e == LABELS.count({"low light": "lowlight"}.get(name, name))
        else:
            layer, expert = int(station[1]) - 1, int(station[2])
            assert c == (PATHS[:, layer] == expert).sum()
            assert e == (c if layer < 7 else 0)


def test_every_link_has_its_group_s_colour_and_number():
    (sankey,) = crowd(PATHS[:2], ["noise", "haze"]).plotly.data
    assert len(set(sankey.link.color)) == 2 and set(sankey.link.value) == {1}
    assert list(sankey.link.customdata).count("noise") == 8


def test_of_very_many_groups_the_small_ones_stand_together():
    labels = [f"photo-{k:03d}-with-a-long-name" for k in range(40)] + ["haze"] * 5
    page = crowd(np.zeros((45, 8), int), labels).page
    names = re.findall(r'aria-label="([^"]+): (\d+) photos, 1 different path"', page)
    assert len(names) == 16 and ("haze", "5") in names and ("others", "26") in names


def test_the_flow_is_plain_and_small():
    figure = crowd(PATHS, LABELS).plotly
    text = figure.to_json()
    assert type(figure).__name__ == "Figure" and len(text) < 60_000 and "bdata" not in text
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_in_the_picture_bands_never_overlap_and_each_is_as_high_as_its_photos():
    figure = crowd_picture(PATHS, LABELS)
    assert unlabelled(figure) == []
    bands = [p.get_path().vertices for p in figure.axes[0].patches if len(p.get_path().vertices) == 9]
    for layer in range(7):
        ends = sorted((v[0, 1], v[7, 1]) for v in bands if round(v[0, 0]) == layer)
        assert sum(high - low for low, high in ends) == pytest.approx(len(PATHS))
        assert all(a[1] <= b[0] + 1e-9 for a, b in zip(ends, ends[1:], strict=False))
        arrivals = sorted((v[3, 1], v[4, 1]) for v in bands if round(v[0, 0]) == layer)
        assert all(a[1] <= b[0] + 1e-9 for a, b in zip(arrivals, arrivals[1:], strict=False))


def test_the_alt_text_counts_paths_by_group():
    told = describe_crowd([[0, 0], [0, 0], [0, 1]], ["noise", "lowlight", "lowlight"])
    assert "3 photos through 2 stations" in told and "noise 1, low light 2" in told


def test_groups_of_one_colour_are_told_apart_by_a_letter():
    names = ["noise", "haze+rain", "rain_corner", "rain+blur"]
    (key,) = crowd_picture(np.zeros((4, 8), int), names).legends
    marks = [line.get_marker() for line in key.get_lines()]
    assert len(set(marks)) == 4 and marks[0] == MARKS["noise"].shape
    assert [mark.strip("${}")[-1] for mark in marks[1:]] == ["A", "B", "C"]
    (key,) = crowd_picture(np.zeros((2, 8), int), names[:2]).legends
    assert key.get_lines()[1].get_marker() == OTHER.shape  # one alone needs none


@pytest.mark.parametrize("paths, labels", [(PATHS, LABELS[:3]), (PATHS[0], ["noise"]), ([], [])])
@pytest.mark.parametrize("draw", [crowd, crowd_picture, describe_crowd])
def test_what_is_no_crowd_is_refused(draw, paths, labels):
    with pytest.raises(ValueError, match="labels"):
        draw(paths, labels)


def test_paths_are_those_of_the_model(photo):
    assert paths_of([photo, photo], shift).tolist() == [[0] * 8] * 2


# Overrides


def test_every_single_override_is_tried_once():
    ways = list(single_overrides([0, 2, 1], 3))
    assert len(ways) == len({path for *_, path in ways}) == 6
    for layer, expert, path in ways:
        assert path[layer] == expert and sum(a != b for a, b in zip(path, [0, 2, 1], strict=True)) == 1


def test_gains_are_dB_beside_the_router_s_choice(photo):
    first, images = try_overrides(shift, photo)
    assert len(images) == 24
    table = gains(first, images, photo + 0.02)  # two hundredths is exactly what specialist 2 adds
    assert table[:, 0].tolist() == [0] * 8
    assert (table[:, 2] > table[:, 1]).all() and (table[:, 1] > 5).all()
    assert (gains(first, images, photo)[:, 1:] < 0).all()


def test_the_picture_of_overrides_says_every_number(photo):
    first, images = try_overrides(shift, photo)
    table = gains(first, images, photo + 0.01)
    figure = overrides_picture(first.choice, table, "Overrides")
    assert unlabelled(figure) == []
    texts = [t.get_text() for t in figure.axes[0].texts]
    assert texts.count("router's") == 8 and len(texts) == 24
    told = describe_overrides(table)
    assert float(table.max()) > 1 and float(table.min()) == 0
    assert f", {table.max():+.1f} dB" in told and ", 0.0 dB" in told


def test_the_table_unfolds_to_each_override_and_needs_no_script(photo):
    first, images = try_overrides(shift, photo)
    text = what_if(first, images, photo, NASTY)
    page = Page(text)
    assert len(page.all("details")) == len(page.all("img")) == 24 and not page.all("script")
    assert all(img["alt"] and img["src"].startswith("data:image/") for img in page.all("img"))
    assert page.words.count("router's,") == 0 and page.words.count(", router's") == 8
    assert NASTY in page.words and len(text) < 300_000


# Pixels


def test_no_difference_is_grey_and_a_brighter_one_brighter():
    x = torch.full((3, 4, 4), 0.5)
    assert torch.equal(difference(x, x), x)
    assert (difference(x + 0.1, x) > 0.5).all() and (difference(x - 0.1, x) < 0.5).all()


def test_a_picture_stays_within_its_bytes():
    torch.manual_seed(0)
    assert small_source(torch.rand(3, 40, 40)).startswith("data:image/png")
    source = small_source(torch.rand(3, 900, 700), most=60_000)
    assert source.startswith("data:image/jpeg") and len(source) < 60_000 * 4 / 3 + 100


# The report


def test_the_report_has_everything_and_fetches_nothing(photo):
    hand = shift(photo, (0, 2, 0, 0, 0, 0, 0, 0))
    text = report(NASTY, photo, hand, clean=photo + 0.02, router=(0,) * 8, globe=globe_of(photo), model=NASTY)
    page = Page(text)
    assert len(page.all("img")) == 4 and len(page.all("script")) == len(page.all("svg")) == 1
    seen = {img["alt"]: decoded(img["src"]) for img in page.all("img")}
    for alt, image in ((f"{NASTY}, as given", photo), (f"{NASTY}, restored", hand.image)):
        assert np.abs(seen[alt].astype(int) - as_bytes(image)).max() <= 2, alt
    links = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href")]
    assert links and all(v.startswith("data:") for v in links)
    assert page.words.count(NASTY) >= 3
    assert "0-2-0-0-0-0-0-0" in page.words and "station 2 (specialist 2 instead of 0)" in page.words
    assert "PSNR" in page.words and "no difference" in page.words  # the override hits the clean photo exactly
    assert "1.000" in page.words


def decoded(source: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB"))


def test_without_a_clean_photo_nothing_is_scored(photo):
    page = Page(report("mine", photo, shift(photo)))
    assert not page.all("table") and len(page.all("img")) == 2 and "The router chose it" in page.words


def test_even_a_large_noisy_photo_makes_a_small_report():
    torch.manual_seed(0)
    x = torch.rand(3, 1024, 1024)
    assert len(report("noise", x, shift(x), clean=x, globe=globe_of(x))) < 2_000_000


@pytest.mark.parametrize(
    "photo, name",
    [
        ("cat.png", "cat"),
        ("../../etc/passwd", "photo"),
        ("Größe 1.JPG", "Gr-e-1"),
        ("", "photo"),
        ("a" * 99, "a" * 60),
    ],
)
def test_the_file_s_name_is_plain(photo, name):
    assert file_name(photo) == f"{name}-report.html"


def test_the_svg_tells_what_it_shows():
    page = Page(path_svg([0, 2, *[0] * 6], ANGLE, [0] * 8))
    assert page.words.count("the router's choice") == 8 and page.words.count("chosen by hand") == 1
    widths = [float(a["stroke-width"]) for a in page.all("line")]
    assert min(widths) == widths[1] < widths[0]  # against the compass: no margin
