"""The globe's script is handed all that is to be drawn; the crowd's SVG has every photo once a station."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from slerir_lite.degrade import PLACES
from slerir_lite.explore.crowd import crowd
from slerir_lite.explore.crowd_svg import HIGH, TOP
from slerir_lite.explore.globe import globe
from slerir_lite.explore.moving_globe import moving_globe
from slerir_lite.explore.pixels import tiny_source
from slerir_lite.explore.spin import SCRIPT, SHAPES, STYLE
from slerir_lite.explore.style import MARKS, OTHER
from slerir_lite.explore.travel import travel
from slerir_lite.sphere import first_centres

CENTRES = first_centres(3)
NASTY = "'\"><script>alert(1)</script>&amp;"
LARGEST = 300_000  # bytes that one explorer may add to a notebook


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed)), dim=-1)


def noise(seed: int) -> torch.Tensor:
    """What packs worst."""
    return torch.rand(3, 256, 384, generator=torch.Generator().manual_seed(seed))


class Tags(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def handed(figure) -> dict:
    """The data that the script gets, as a browser would read it."""
    (root,) = [a for a in Tags(figure.page).all("div") if a.get("class") == "slerir-globe"]
    return json.loads(root["data-globe"])


def test_the_globe_hands_over_every_photo_with_its_place_name_mark_and_thumbnail():
    points, pins = unit(8), unit(8, 3, seed=1)
    labels = [*PLACES, "haze", "haze+rain"]
    names = [f"photo {k}" for k in range(7)] + [NASTY]
    figure = globe(points, CENTRES, labels, names, 3, photos=[noise(k) for k in range(8)], pins=pins)
    data = handed(figure)
    np.testing.assert_allclose([m["at"][0] for m in data["marks"]], points, atol=5.1e-4)
    np.testing.assert_allclose([p["at"] for p in data["places"]], CENTRES, atol=5.1e-4)
    np.testing.assert_allclose(data["pins"], pins, atol=5.1e-4)
    assert [m["name"] for m in data["marks"]] == names and data["ring"] == 3
    assert [p["name"] for p in data["places"]] == ["clean", "noise", "rain", "haze", "blur", "low light"]
    assert data["kinds"]["haze"]["colour"] == MARKS["haze"].colour
    assert data["kinds"][data["marks"][7]["kind"]]["colour"] == OTHER.colour
    assert len({m["photos"][0] for m in data["marks"]}) == 8
    assert all(m["photos"][0].startswith("data:image/jpeg;base64,") for m in data["marks"])


@pytest.mark.parametrize(
    "more", [{"photos": []}, {"pins": unit(3)}, {"pins": 2 * unit(8, 3)}, {"names": ["a"]}]
)
def test_what_does_not_fit_on_a_globe_is_refused(more):
    with pytest.raises(ValueError):
        globe(unit(2), CENTRES, **more)


def test_travel_hands_over_a_place_and_a_photo_for_each_severity_and_hides_mixes():
    paths = {"haze": unit(3), "haze+rain": unit(3, seed=1)}
    photos = {name: [noise(k) for k in range(3)] for name in paths}
    data = handed(travel(paths, (0, 0.5, 1), CENTRES, photos=photos))
    for mark, path in zip(data["marks"], paths.values(), strict=True):
        np.testing.assert_allclose(mark["at"], path, atol=5.1e-4)
        assert len(set(mark["photos"])) == 3
        ends = mark["line"][0], mark["line"][-1]
        np.testing.assert_allclose(ends, path[[0, -1]], atol=5.1e-4)
    assert [(m["name"], m["mixed"]) for m in data["marks"]] == [("haze", False), ("haze + rain", True)]
    assert data["captions"] == ["0.0", "0.5", "1.0"] and data["about"] == "severity"
    for fewer in ({"haze": photos["haze"]}, {name: photos[name][:2] for name in paths}):
        with pytest.raises(ValueError, match="severities"):
            travel(paths, (0, 0.5, 1), CENTRES, photos=fewer)


def test_a_moving_globe_hands_over_every_moment():
    run = unit(5, 4)
    data = handed(
        moving_globe(run, ["noise", "rain", "noise", "x"], list("abcde"), "Four", names=list("stuv"))
    )
    np.testing.assert_allclose(np.swapaxes([m["at"] for m in data["marks"]], 0, 1), run, atol=5.1e-4)
    assert [m["name"] for m in data["marks"]] == list("stuv") and data["captions"] == list("abcde")
    assert data["play"] > 0 and data["places"] == []


def largest() -> dict:
    """Pages as large as those of the notebooks can become."""
    labels = [PLACES[k % 6] for k in range(25)]
    kinds = [*PLACES[1:], "haze+rain", "lowlight+blur", "rain+blur", "haze+blur"]
    paths = {kind: unit(11, seed=k) for k, kind in enumerate(kinds)}
    photos = [noise(k) for k in range(11)]
    crowded = np.random.default_rng(0).integers(0, 3, (200, 8))
    return {
        "photos": globe(
            unit(25), CENTRES, labels, photos=[photos[k % 11] for k in range(25)], pins=unit(8, 3)
        ),
        "travel": travel(paths, [k / 10 for k in range(11)], CENTRES, photos=dict.fromkeys(paths, photos)),
        "moving": moving_globe(unit(40, 18), labels[:18], [f"step {k}" for k in range(40)], "A run", CENTRES),
        "crowd": crowd(crowded, [PLACES[k % 6] for k in range(200)]),
    }


def test_pages_are_small_need_nothing_else_and_hold_no_script_but_the_package_s_own():
    for name, figure in largest().items():
        both = len(figure.page.encode()) + len(figure.plotly.to_json())
        assert both < LARGEST, f"{name} has {both:,} bytes"
        page = Tags(figure.page)
        fetched = [a for _, a in page.tags if {"src", "href", "srcset"} & a.keys()]
        assert fetched == [] and "url(" not in figure.page and "import" not in figure.page
        assert not [a for _, a in page.tags if any(key.startswith("on") for key in a)]
        scripts = page.all("script")
        assert scripts == ([] if name == "crowd" else [{}])
        assert (SCRIPT in page.words) == (name != "crowd")
    # In a page, a script ends with the first </script>, and a style with </style>, whatever is around it.
    assert (
        "</" not in SCRIPT
        and "</" not in STYLE
        and "http" not in SCRIPT.replace("http://www.w3.org/2000/svg", "")
    )


def test_every_mark_has_a_shape():
    assert {mark.shape for mark in (*MARKS.values(), OTHER)} == set(SHAPES)


def test_a_thumbnail_is_small_and_keeps_the_photo_s_shape():
    import base64
    import io

    from PIL import Image

    source = tiny_source(torch.linspace(0, 1, 300).expand(3, 200, 300))
    assert len(source) < 2500
    image = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
    assert image.size == (96, 64)
    assert np.asarray(image)[:, :8].mean() < 16 and np.asarray(image)[:, -8:].mean() > 239


# The crowd

PATHS = np.random.default_rng(0).integers(0, 3, (40, 8))
GROUPS = [PLACES[k % 6] for k in range(38)] + [NASTY] * 2


def bands(page: str) -> list[tuple]:
    """(words, start of the band's left edge, its end) for each band of a crowd."""
    found = re.findall(r'<path d="M([\d. CVz-]+)" fill="[^"]+"><title>([^<]+)</title>', page)
    out = []
    for d, words in found:
        x0, a = map(float, d.split("C")[0].split())
        b = float(d.rstrip("z").split()[-1])
        assert x0 == float(d.rstrip("z").split()[-2])
        out.append((words, a, b))
    return out


def test_every_photo_leaves_every_station_but_the_last_once():
    page = crowd(PATHS, GROUPS).page
    counted = np.zeros((7, 3, 3), int)
    for words, a, b in bands(page):
        count, station, one, other = (
            int(n) for n in re.findall(r"\d+", words.split(": ")[-1])[:3] + [words[-1]]
        )
        counted[station - 1, one, other] += count
        assert b - a == pytest.approx(count * HIGH / rows(page), abs=0.11)
    for layer in range(7):
        for one in range(3):
            for other in range(3):
                there = (PATHS[:, layer] == one) & (PATHS[:, layer + 1] == other)
                assert counted[layer, one, other] == there.sum()


def rows(page: str) -> float:
    """How many photos high a station's column is, with its gaps."""
    bars = [(float(a), float(h)) for a, h in re.findall(r'y="([\d.]+)" width="18" height="([\d.]+)"', page)]
    assert min(a for a, _ in bars) >= TOP - 0.1 and max(a + h for a, h in bars) <= TOP + HIGH + 0.1
    first = bars[: len({p for p in PATHS[:, 0].tolist()})]
    return HIGH * len(PATHS) / sum(h for _, h in first)


def test_every_group_is_a_stop_of_the_tab_key_with_its_numbers_in_words():
    flows = [a for a in Tags(crowd(PATHS, GROUPS).page).all("g") if a.get("class") == "flow"]
    assert all(a["tabindex"] == "0" and a["role"] == "img" for a in flows)
    told = [a["aria-label"] for a in flows]
    assert len(told) == 7 and told[0].startswith("clean: 7 photos, 7 different paths")
    assert told[-1] == f"{NASTY}: 2 photos, 2 different paths" and "<script" not in crowd(PATHS, GROUPS).page
