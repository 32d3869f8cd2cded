"""The pictures of notebook 03: who takes whom, one number a specialist, and networks in a race."""

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.lines import LOOKS, lines_picture
from slerir_lite.explore.pairings import FACES, pairings_picture
from slerir_lite.explore.show import png
from slerir_lite.explore.station_grid import station_grid
from slerir_lite.explore.style import HIGHEST, WIDTH
from slerir_lite.route import table_from_pairings

TABLE = table_from_pairings()


def cells(ax) -> dict[tuple[int, int], str]:
    """{(column, row): what is written there}"""
    return {tuple(map(int, t.get_position())): t.get_text() for t in ax.texts}


def fits(figure) -> bool:
    width, height = figure.get_size_inches() * figure.dpi
    return width == WIDTH and height <= HIGHEST and png(figure)[:4] == b"\x89PNG"


def luminance(colour) -> float:
    """As WCAG 2 defines it."""
    c = np.array(to_rgb(colour))
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def contrast(a, b) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


# Who takes whom


def test_every_place_and_station_has_its_specialist_in_number_and_colour():
    figure = pairings_picture(TABLE)
    (ax,) = figure.axes
    assert unlabelled(figure) == [] and fits(figure)
    assert cells(ax) == {(x, y): str(int(k)) for (x, y), k in np.ndenumerate(TABLE.numpy())}
    boxes = [p for p in ax.patches if isinstance(p, Rectangle)]
    faces = {(round(p.get_x() + 0.44), round(p.get_y() + 0.42)): p for p in boxes}
    assert len(faces) == TABLE.numel()
    for (layer, place), k in np.ndenumerate(TABLE.numpy()):
        box, (face, _, hatch) = faces[layer, place], FACES[k]
        assert (to_hex(box.get_facecolor()), box.get_hatch()) == (face, hatch)
    assert [t.get_text() for t in ax.get_yticklabels()][-1] == "low light"


def test_specialists_are_told_apart_without_colour():
    assert len({hatch for _, _, hatch in FACES}) == len(FACES)
    assert all(contrast(face, ink) >= 4.5 for face, ink, _ in FACES)


@pytest.mark.parametrize("table", [TABLE[:, :5], TABLE + 1, TABLE[0]], ids=["places", "specialists", "flat"])
def test_a_table_of_another_kind_is_refused(table):
    with pytest.raises(ValueError, match="numbers from 0 to 2"):
        pairings_picture(table)


# One number a specialist


def test_the_grid_writes_each_number_where_its_specialist_stands():
    values = np.arange(24).reshape(8, 3) / 10
    figure = station_grid(values, "t", "share (%)", "{:.1f} %")
    assert unlabelled(figure) == [] and fits(figure)
    assert cells(figure.axes[0]) == {(x, y): f"{v:.1f} %" for (x, y), v in np.ndenumerate(values)}
    assert "share (%)" in [t.get_text() for t in figure.findobj(Text)]


def test_numbers_can_be_read_on_their_cells():
    values = np.linspace(0, 1, 24).reshape(8, 3)
    ax = station_grid(values, "t", "share").axes[0]
    image = ax.get_images()[0]
    for text in ax.texts:
        x, y = map(int, text.get_position())
        assert contrast(image.to_rgba(values)[x, y, :3], text.get_color()) >= 4.5


def test_a_path_is_framed():
    path = [0, 2, 1, 1, 0, 2, 2, 1]
    ax = station_grid(np.zeros((8, 3)), "t", "PSNR (dB)", path=path).axes[0]  # all equal: no division by 0
    frames = [p for p in ax.patches if isinstance(p, Rectangle) and not p.get_fill()]
    assert sorted((round(p.get_x() + 0.46), round(p.get_y() + 0.44)) for p in frames) == list(enumerate(path))


@pytest.mark.parametrize("path", [[0] * 7, [0] * 7 + [3], [-1] + [0] * 7], ids=["short", "high", "low"])
def test_a_path_that_is_none_of_these_stations_is_refused(path):
    with pytest.raises(ValueError, match="8 numbers from 0 to 2"):
        station_grid(np.zeros((8, 3)), "t", "x", path=path)


# A race


def test_each_network_has_its_line_mark_and_dash():
    lines = {"generalist": [3.0, 2.0, 1.0], "team": [3.0, 1.5, 0.5]}
    figure = lines_picture([0, 10, 20], lines, "a race", "training steps", "error (dB)", parted=10)
    (ax,) = figure.axes
    assert unlabelled(figure) == [] and fits(figure)
    drawn = {line.get_label(): line for line in ax.get_lines() if line.get_label() in lines}
    assert {name: list(line.get_ydata()) for name, line in drawn.items()} == lines
    assert all(list(line.get_xdata()) == [0, 10, 20] for line in drawn.values())
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in drawn.values()}
    assert looks == set(LOOKS[:2])
    assert {"generalist", "team", "here they part"} <= {t.get_text() for t in figure.findobj(Text)}
    (parting,) = [line for line in ax.get_lines() if line.get_label() not in lines]
    assert list(parting.get_xdata()) == [10, 10]


def test_lines_are_told_apart_without_colour():
    assert len({mark for _, _, mark in LOOKS}) == len({dash for _, dash, _ in LOOKS}) == len(LOOKS)


def test_a_race_that_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="2 places across, but 3 values for team"):
        lines_picture([0, 1], {"team": [1, 2, 3]}, "t", "x", "y")
    with pytest.raises(ValueError, match="3 lines can be told apart, not 4"):
        lines_picture([0], {name: [1] for name in "abcd"}, "t", "x", "y")
