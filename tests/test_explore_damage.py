"""The pictures of notebook 01 hold what they should: photos in rows, falling lines, a table of gains."""

import numpy as np
import pytest
import torch
from matplotlib.text import Text

from slerir_lite.degrade import KINDS
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.severity import severity_plot
from slerir_lite.explore.show import png
from slerir_lite.explore.strip import strip
from slerir_lite.explore.style import HIGHEST, MARKS, WIDTH
from slerir_lite.explore.toolbox import gains_table


def said(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def shown(figure) -> list:
    return [ax for ax in figure.axes if ax.get_visible()]


@pytest.mark.parametrize("count, rows", [(1, 1), (3, 1), (4, 1), (5, 2)])
def test_a_strip_shows_each_photo_with_its_title_in_rows_that_fit(count, rows, clean):
    figure = strip(list(clean[:count]), [f"photo {k}" for k in range(count)])
    assert unlabelled(figure) == []
    assert [ax.get_title() for ax in shown(figure)] == [f"photo {k}" for k in range(count)]
    width, height = figure.get_size_inches() * figure.dpi
    assert width == pytest.approx(60 + (WIDTH - 60) * min(count, 4) / 4) and height <= rows * HIGHEST
    assert png(figure)[:4] == b"\x89PNG"


def test_each_photos_numbers_stand_under_it_and_not_between_it_and_the_next(clean):
    figure = strip([clean[0]] * 5, list("abcde"), columns=5)
    figure.draw_without_rendering()
    for ax in shown(figure):
        photo = ax.get_window_extent()
        for number in (tick.get_window_extent() for tick in ax.get_xticklabels()):
            assert number.x0 > photo.x0 - 1 and number.x1 < photo.x1 + 1


@pytest.mark.parametrize("columns", [1, 2, 4, 5])
@pytest.mark.parametrize("title", ["rain", "rain\n+2.9 dB"])
def test_titles_of_one_or_two_lines_stand_whole_within_the_picture(title, columns, clean):
    figure = strip([clean[0, :, :96, :96]] * 2 * columns, [title] * 2 * columns, columns)
    figure.draw_without_rendering()
    rows = [[ax for ax in figure.axes if ax.get_subplotspec().rowspan.start == row] for row in range(2)]
    above = figure.bbox.y1
    for row in rows:
        for ax in row:
            written = ax.title.get_window_extent()
            assert written.y1 <= above and written.y0 >= ax.get_window_extent().y1
        above = min(ax.get_tightbbox().y0 for ax in row)


def test_a_strip_takes_grey_and_batched_photos_and_cuts_out_a_region(clean):
    figure = strip([clean[:1], clean[0, :1]], ["a", "b"], region=(10, 20, 30, 40))
    first, second = (np.asarray(ax.get_images()[0].get_array()) for ax in shown(figure))
    expected = clean[0, :, 10:40, 20:60].permute(1, 2, 0).numpy()
    assert np.allclose(first, expected)
    assert np.allclose(second, expected[..., :1].repeat(3, -1))
    assert shown(figure)[0].get_images()[0].get_extent() == [20, 60, 40, 10]


def test_a_strip_of_unlike_photos_is_refused(clean):
    with pytest.raises(ValueError, match="One title a photo and one size for all"):
        strip([clean[0], clean[0, :, :50]], ["a", "b"])
    with pytest.raises(ValueError, match="1 titles"):
        strip([clean[0], clean[1]], ["a"])
    with pytest.raises(ValueError, match=r"not \(2, 3, 112, 144\)"):
        strip([clean[:2]], ["a"])


def test_each_degradation_has_a_line_with_its_own_mark_and_name():
    values = {kind: [30.0, 20.0 - k] for k, kind in enumerate(KINDS)}
    figure = severity_plot((0, 1), values, "falling")
    assert unlabelled(figure) == []
    lines = shown(figure)[0].get_lines()
    assert [(line.get_color(), line.get_marker()) for line in lines] == [
        (MARKS[kind].colour, MARKS[kind].shape) for kind in KINDS
    ]
    assert [list(line.get_ydata()) for line in lines] == list(values.values())
    assert "low light" in said(figure) and "lowlight" not in said(figure)


def test_the_table_says_each_number_and_frames_the_best_tool_of_each_column():
    figure = gains_table([[1.25, -3.0], [4.0, -0.5]], ["a", "b"], ["noise", "lowlight"], "gains")
    assert unlabelled(figure) == []
    assert {"+1.2", "-3.0", "+4.0", "-0.5", "low light"} <= set(said(figure))
    boxes = [p for p in shown(figure)[0].patches if not p.get_fill()]
    assert [(round(p.get_x()), round(p.get_y())) for p in boxes] == [(0, 1)]  # none where all spoil


def test_a_table_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="2 tools × 1 damages"):
        gains_table(torch.zeros(1, 2), ["a", "b"], ["noise"], "gains")


@pytest.mark.parametrize("gain, words", [(-0.04, "0.0"), (0.04, "0.0"), (0.06, "+0.1"), (-7.56, "-7.6")])
def test_what_is_neither_gain_nor_loss_has_no_sign(gain, words):
    figure = gains_table([[gain, 2.0]], ["a"], ["noise", "rain"], "gains")
    assert words in {text.get_text() for ax in figure.axes for text in ax.texts}


def test_a_degradation_of_ones_own_has_a_line_too():
    figure = severity_plot((0, 1), {"noise": (30, 20), "jpeg": (40, 25)}, "falling")
    assert not unlabelled(figure)
    assert [line.get_label() for line in figure.axes[0].get_lines()] == ["noise", "jpeg"]
