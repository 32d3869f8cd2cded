"""The pictures of notebook 05 hold what they should: cells, paths, load, overrides, and mistakes."""

import itertools
import math

import matplotlib.colors
import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle, Wedge
from matplotlib.text import Text

from slerir_lite.degrade import PLACES
from slerir_lite.explore.cells import ON, TONES, arcs, circle_cells, globe_cells, owners
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.load import load, load_bars, working
from slerir_lite.explore.override_cost import override_costs
from slerir_lite.explore.overrides import overrides_picture
from slerir_lite.explore.path_grid import path_grid, places
from slerir_lite.explore.regret import regret_plot
from slerir_lite.explore.show import png
from slerir_lite.explore.style import HIGHEST, MARKS, WIDTH
from slerir_lite.model import Config, SlerIR
from slerir_lite.route import pins_from_centres, table_from_pairings
from slerir_lite.sphere import first_centres

PINS = np.array([[1.0, 0.0], [0.0, 1.0], [-0.6, -0.8]])
GLOBE = first_centres(3)
TABLE = table_from_pairings().T.numpy()  # (6, 8) paths


def said(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def fits(figure) -> bool:
    width, height = figure.get_size_inches() * figure.dpi
    return width <= WIDTH and height <= HIGHEST and unlabelled(figure) == [] and png(figure)[:4] == b"\x89PNG"


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    c = np.array(matplotlib.colors.to_rgb(colour))
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


# Tones


def test_three_tones_can_be_told_apart_in_black_and_white_and_their_numbers_read():
    assert all(contrast(a, b) >= 1.8 for a, b in itertools.combinations(TONES, 2))
    assert all(contrast(tone, ink) >= 4.5 for tone, ink in zip(TONES, ON, strict=True))


# Cells


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_arc_is_where_its_pin_is_nearest(seed, count):
    turn = 2 * np.pi * np.random.default_rng(seed).random(count)
    pins = np.stack([np.cos(turn), np.sin(turn)], 1)
    found = arcs(pins)
    assert sorted(k for k, _, _ in found) == list(range(count))
    assert sum(end - start for _, start, end in found) == pytest.approx(360)
    for k, start, end in found:
        for part in (0.01, 0.5, 0.99):
            a = math.radians(start + part * (end - start))
            cos = [math.cos(a) * x + math.sin(a) * y for x, y in pins]
            assert cos.index(max(cos)) == k


def test_a_circle_shows_its_arcs_pins_and_points():
    figure = circle_cells(PINS, [[0.6, 0.8]], ["z"])
    assert fits(figure) and {"pin 0", "pin 1", "pin 2", "z"} <= set(said(figure))
    wedges = figure.findobj(Wedge)
    assert {matplotlib.colors.to_hex(w.get_facecolor()) for w in wedges} == set(TONES)


@pytest.mark.parametrize(
    "arguments, why",
    [((np.eye(3),), "1 to 3 pins"), ((np.ones((4, 2)),), "1 to 3 pins"), ((PINS, [[1, 0]], []), "0 names")],
)
def test_what_is_no_circle_is_refused(arguments, why):
    with pytest.raises(ValueError, match=why):
        circle_cells(*arguments)


def test_the_nearest_pin_owns_a_point():
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    pins = pins_from_centres(GLOBE)[0].numpy()
    found = owners(points, pins)
    for at in np.ndindex(4, 5):
        distance = [math.dist(points[at] / np.linalg.norm(points[at]), pin) for pin in pins]
        assert found[at] == distance.index(min(distance))


def test_globes_show_every_place_once_in_the_cell_of_its_pin():
    pins = pins_from_centres(GLOBE)
    figure = globe_cells(pins, GLOBE)
    assert fits(figure) and len(figure.axes) == 16
    assert {f"layer {k}" for k in range(1, 9)} | {"front", "back", "low light"} <= set(said(figure))
    for layer in range(8):
        seen = {}
        for ax in (figure.axes[layer], figure.axes[8 + layer]):
            image = ax.get_images()[0].get_array()
            for line in ax.get_lines():
                (x,), (y,) = line.get_data()
                row, column = (round((v + 1) / 2 * (len(image) - 1)) for v in (y, x))
                seen[line.get_color()] = int(image[row, column])
        expected = {m.colour: int(TABLE[p, layer]) for p, m in enumerate(MARKS.values())}
        assert seen == expected


@pytest.mark.parametrize("pins, centres", [(torch.zeros(8, 3, 5), GLOBE), (torch.zeros(8, 4, 3), GLOBE),
                                           (torch.zeros(8, 3, 3), first_centres(5))])  # fmt: skip
def test_what_is_no_globe_is_refused(pins, centres):
    with pytest.raises(ValueError, match="not "):
        globe_cells(pins, centres)


# Paths


def test_a_grid_has_each_choice_as_a_number_on_its_tone():
    figure = path_grid(TABLE, PLACES, "paths")
    assert fits(figure) and {"layer", "specialist", "low light", "clean"} <= set(said(figure))
    (ax,) = figure.axes
    cells = [p for p in ax.patches if isinstance(p, Rectangle)]
    at = places(PLACES)
    drawn = {(p.get_x() + 0.5, p.get_y() + 0.5): matplotlib.colors.to_hex(p.get_facecolor()) for p in cells}
    assert drawn == {(at[i], j): TONES[TABLE[i, j]] for i, j in np.ndindex(6, 8)}
    numbers = {t.get_position(): t.get_text() for t in ax.texts if t.get_text() in "012"}
    assert numbers == {(at[i], j): str(TABLE[i, j]) for i, j in np.ndindex(6, 8)}


def test_columns_of_one_group_stand_together_under_its_name():
    figure = path_grid(TABLE[[0, 0, 1]], ["clean", "clean", "noise"], "paths", ["a", "b", "c"])
    at = places(["clean", "clean", "noise"])
    assert at[1] - at[0] == 1 < at[2] - at[1]
    names = {t.get_text(): t.get_position()[0] for t in figure.axes[0].texts if len(t.get_text()) > 1}
    assert names == {"clean": (at[0] + at[1]) / 2, "noise": at[2]}
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "choice, groups, columns",
    [(TABLE, ["clean"], ()), (TABLE, PLACES, ["a"]), (TABLE + 1, PLACES, ()), (TABLE[0], PLACES, ())],
)
def test_a_grid_that_does_not_fit_is_refused(choice, groups, columns):
    with pytest.raises(ValueError, match="Each path needs|A path here"):
        path_grid(choice, groups, "paths", columns)


# Load


def test_the_load_is_counted():
    choice = np.random.default_rng(0).integers(0, 3, (50, 8))
    share = load(choice)
    for layer, k in np.ndindex(8, 3):
        assert share[layer, k] == sum(row[layer] == k for row in choice) / 50


def test_at_work_are_three_where_all_share_alike_and_one_where_one_does_everything():
    assert working(TABLE) == pytest.approx(np.full(8, 3))
    assert working(np.zeros((5, 8), int)) == pytest.approx(np.ones(8))
    assert working(np.array([[0], [1]])) == pytest.approx([2])


def test_a_bar_is_as_high_as_the_share():
    choice = np.array([[0, 1], [0, 2], [1, 2], [2, 2]])
    figure = load_bars({"a": choice, "b": torch.tensor(choice)}, "load")
    assert fits(figure)
    for ax in figure.axes:
        bars = [[p.get_height() for p in group] for group in ax.containers]
        assert bars == [[0.5, 0], [0.25, 0.25], [0.25, 0.75]]
    assert any(text.startswith("a\n") for text in said(figure))


def test_what_is_no_load_is_refused():
    with pytest.raises(ValueError, match="no router"):
        load_bars({}, "load")
    with pytest.raises(ValueError, match="from 0 to 2"):
        load(TABLE + 1)


# Overrides


@pytest.fixture(scope="module")
def model() -> SlerIR:
    torch.manual_seed(0)
    model = SlerIR(Config(width=4, tokens=8)).eval()
    for station in model.backbone.stations:
        for expert in station.experts:
            torch.nn.init.normal_(expert.second.weight, std=0.05)
    return model


def test_an_override_costs_what_restoring_along_the_changed_path_costs(model):
    clean, degraded = torch.rand(2, 1, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    change, choice, margin = override_costs(model, degraded, clean)
    assert change.shape == (8, 3) and choice.shape == margin.shape == (8,)

    def score(path) -> float:
        with torch.no_grad():
            y = model(degraded, choice=torch.tensor([path])).image.clamp(0, 1)
        return float(-10 * (y - clean).square().mean().log10())

    own = choice.tolist()
    for layer, k in ((0, 0), (0, 1), (3, 2), (7, 0), (7, 2)):
        path = [*own[:layer], k, *own[layer + 1 :]]
        assert float(change[layer, k]) == pytest.approx(score(path) - score(own), abs=1e-3)
    assert (change[range(8), choice] == 0).all() and (change != 0).sum() == 16
    with torch.no_grad():
        assert torch.equal(choice, model(degraded).route.choice[0])


def test_two_photos_are_one_too_many(model):
    with pytest.raises(ValueError, match="One photo"):
        override_costs(model, torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16))


def test_the_map_says_each_cost_and_frames_what_was_taken():
    change = np.arange(24).reshape(8, 3) / 8 - 1.5
    figure = overrides_picture(TABLE[0], change, "costs")
    assert fits(figure)
    ax = figure.axes[0]
    words = {t.get_position(): t.get_text() for t in ax.texts}
    for layer, k in np.ndindex(8, 3):
        taken = TABLE[0, layer] == k
        said = "0.0" if abs(change[layer, k]) < 0.05 else f"{change[layer, k]:+.1f}"
        assert words[layer, k] == ("router's" if taken else said)
    frames = {(round(p.get_x() + 0.46), round(p.get_y() + 0.44)) for p in ax.patches}
    assert frames == set(enumerate(TABLE[0].tolist()))
    with pytest.raises(ValueError, match="must be"):
        overrides_picture(TABLE[0][:5], change, "costs")


# Mistakes


def test_each_choice_has_a_mark_at_its_margin_and_its_regret():
    rng = np.random.default_rng(0)
    margin, gain = rng.random((3, 8)) * 60, rng.normal(size=(3, 8))
    figure = regret_plot(margin, gain, ["haze", "rain", "haze"], "mistakes")
    assert fits(figure)
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[0].get_lines()}
    assert np.allclose(lines["rain"], np.stack([margin[1], gain[1]], 1))
    assert np.allclose(lines["haze"], np.stack([margin[[0, 2]].ravel(), gain[[0, 2]].ravel()], 1))
    with pytest.raises(ValueError, match="One margin"):
        regret_plot(margin, gain, ["haze"], "mistakes")
