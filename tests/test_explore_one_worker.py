"""The pictures of notebook 02 hold what they should: a pixel's reach, what tasks gain, where they pull."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.text import Text

from slerir_lite.degrade import KINDS
from slerir_lite.explore.conflict import conflict_map
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.learning import learning_plot
from slerir_lite.explore.reach import reach_picture, share_within
from slerir_lite.explore.show import png
from slerir_lite.explore.style import HIGHEST, MARKS, WIDTH


def said(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def fits(figure) -> bool:
    width, height = figure.get_size_inches() * figure.dpi
    return unlabelled(figure) == [] and round(width) <= WIDTH and round(height) <= HIGHEST


# The gradients' cosines


def squares() -> dict:
    early = np.linspace(-1, 1, 25).reshape(5, 5)
    return {"early": early, "late": early.T / 2}


def test_every_cosine_stands_in_its_cell_in_row_and_column():
    figure = conflict_map(squares(), KINDS)
    assert fits(figure)
    plots = [ax for ax in figure.axes if ax.get_title()]
    for ax, (title, values) in zip(plots, squares().items(), strict=True):
        assert ax.get_title() == title
        drawn = {t.get_position(): float(t.get_text().replace("−", "-")) for t in ax.texts}
        assert drawn == {(c, r): pytest.approx(v, abs=0.0051) for (r, c), v in np.ndenumerate(values)}
        assert np.array_equal(ax.get_images()[0].get_array(), values)
        assert ax.get_images()[0].get_clim() == (-1, 1)
    names = [t.get_text() for t in plots[0].get_yticklabels()]
    assert names == ["noise", "rain", "haze", "blur", "low light"]
    assert [t.get_text() for t in plots[1].get_xticklabels()] == names


def test_the_diagonal_is_framed_and_nothing_else():
    figure = conflict_map({"one": torch.zeros(3, 3)}, ["a", "b", "c"])
    boxes = [p for p in figure.axes[0].patches if not p.get_fill()]
    assert [(round(p.get_x()), round(p.get_y())) for p in boxes] == [(0, 0), (1, 1), (2, 2)]


def test_a_cosine_that_rounds_to_zero_has_no_minus():
    texts = said(conflict_map({"one": [[-0.001, -0.2], [-0.2, 1.0]]}, ["a", "b"]))
    assert {"+0.00", "−0.20", "+1.00"} <= set(texts)


@pytest.mark.parametrize("values", [np.zeros((5, 4)), np.zeros((4, 4)), np.zeros(5)])
def test_a_square_of_another_size_is_refused(values):
    with pytest.raises(ValueError, match='5 tasks .* "late"'):
        conflict_map({"late": values}, KINDS)


# The reach


def test_the_share_within_a_distance_is_that_of_a_loop():
    gradient = np.random.default_rng(0).normal(size=(9, 12))
    pixel = (3, 7)
    shares = share_within(gradient, pixel)
    for r, share in enumerate(shares):
        rows, columns = slice(max(0, 3 - r), 3 + r + 1), slice(max(0, 7 - r), 7 + r + 1)
        assert share == pytest.approx(np.abs(gradient[rows, columns]).sum() / np.abs(gradient).sum())
    assert len(shares) == 8 and shares[-1] == pytest.approx(1)


def test_the_box_holds_just_the_gradient_that_a_convolution_lets_through():
    x = torch.zeros(1, 1, 20, 24, requires_grad=True)
    F.conv2d(x, torch.rand(1, 1, 5, 3) + 0.1, padding=(2, 1))[0, 0, 8, 10].backward()
    gradient = x.grad[0, 0]
    figure = reach_picture(gradient, (8, 10), (6, 10, 9, 11), "reach")
    assert fits(figure)
    picture, curve = (ax for ax in figure.axes if ax.get_title())
    (box,) = picture.patches
    left, top = box.get_xy()
    rows, columns = np.nonzero(np.isfinite(np.ma.filled(picture.get_images()[0].get_array(), np.nan)))
    assert (top, left) == (rows.min(), columns.min())
    assert (top + box.get_height(), left + box.get_width()) == (rows.max() + 1, columns.max() + 1)
    assert np.ma.max(picture.get_images()[0].get_array()) == 0  # log10 of the largest over itself
    line, edge = curve.get_lines()
    assert np.allclose(line.get_ydata(), share_within(gradient, (8, 10)))
    assert edge.get_xdata()[0] == 2
    assert png(figure)[:4] == b"\x89PNG"


# How it learns


def test_each_task_has_its_line_and_the_rate_its_own_plot():
    gains = {kind: [0.0, 1.5, 2.0 + k] for k, kind in enumerate(KINDS)}
    figure = learning_plot([0, 10, 20], gains, [0.1 * k for k in range(20)], "learning")
    assert fits(figure)
    above, below = figure.axes
    zero, *lines = above.get_lines()
    assert set(zero.get_ydata()) == {0}
    assert [(line.get_color(), line.get_marker()) for line in lines] == [
        (MARKS[kind].colour, MARKS[kind].shape) for kind in KINDS
    ]
    assert [list(line.get_ydata()) for line in lines] == list(gains.values())
    assert all(list(line.get_xdata()) == [0, 10, 20] for line in lines)
    assert np.allclose(below.get_lines()[0].get_ydata(), np.arange(20) / 10)
    assert "low light" in said(figure)


def test_gains_that_are_not_one_a_measurement_are_refused():
    with pytest.raises(ValueError, match="3 steps, but 2 gains for haze"):
        learning_plot([0, 1, 2], {"haze": [0.0, 1.0]}, [0.1], "learning")
