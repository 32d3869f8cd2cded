"""The pictures of notebook 04: globes that move, paths over them, and a few plain plots."""

import io
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import to_hex
from matplotlib.text import Annotation, Text
from PIL import Image

from slerir_lite.degrade import PLACES
from slerir_lite.explore import film
from slerir_lite.explore.circle import circle_picture
from slerir_lite.explore.confusion import confusion_picture, told
from slerir_lite.explore.film import PAUSE, apng, play
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.lines import lines_picture
from slerir_lite.explore.moving_globe import film_of, moving_globe
from slerir_lite.explore.show import png
from slerir_lite.explore.style import MARKS, canvas, head
from slerir_lite.explore.travel import arcs, travel, travel_picture
from slerir_lite.sphere import first_centres

CENTRES = first_centres(3)
LABELS = ["noise", "rain", "noise", "haze+rain"]


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed)), dim=-1)


RUN = unit(5, 4)
CAPTIONS = [f"step {k}" for k in range(5)]
PATHS = {"noise": unit(3, seed=1), "haze": unit(3, seed=2), "haze+rain": unit(3, seed=3)}
SEVERITY = (0.0, 0.5, 1.0)


def words(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def frame(text: str, width: float = 200):
    figure = canvas(120, width)
    ax = figure.subplots()
    ax.set(xlabel="x (px)", ylabel="y (px)")
    head(ax, text)
    return figure


class TestFilm:
    def test_it_is_one_png_with_every_frame_as_it_was_drawn(self):
        frames = [frame(text) for text in ("one", "two", "three")]
        picture = Image.open(io.BytesIO(apng(frames, 90)))
        assert picture.format == "PNG" and picture.n_frames == 3 and picture.info["loop"] == 0
        for number, drawn in enumerate(frames):
            picture.seek(number)
            assert picture.info["duration"] == (PAUSE if number == 2 else 90)
            shown = np.asarray(picture.convert("RGBA"), float)
            true = np.asarray(Image.open(io.BytesIO(png(drawn))).convert("RGBA"), float)
            # Of nearly transparent pixels the colour doesn't matter.
            assert np.abs(shown[..., 3] - true[..., 3]).max() <= 8
            there = true[..., 3] > 128
            assert there.any() and np.abs(shown - true)[there].max() <= 8

    def test_the_same_frames_give_the_same_bytes(self):
        assert apng([frame("one"), frame("two")]) == apng([frame("one"), frame("two")])

    def test_frames_of_two_sizes_are_refused(self):
        with pytest.raises(ValueError, match="one size"):
            apng([frame("one"), frame("two", 300)])

    @pytest.fixture
    def shown(self, monkeypatch):
        seen = []

        def display(data, metadata=None, raw=None):
            seen.append((data, metadata))

        monkeypatch.setattr(film, "display", display)
        monkeypatch.setattr("slerir_lite.explore.show.display", display)
        return seen

    def test_it_is_displayed_as_a_png_with_alt_text_and_no_script(self, shown):
        play([frame("one"), frame("two")], "Two words.")
        ((data, metadata),) = shown
        assert set(data) == {"image/png", "text/plain"} and metadata["image/png"]["alt"] == "Two words."

    def test_an_interactive_figure_follows(self, shown):
        play([frame("one")], "A word.", figure=moving_globe(RUN, LABELS, CAPTIONS, "Four points"))
        assert ["text/html" in data for data, _ in shown] == [False, True]

    @pytest.mark.parametrize("frames, alt", [([], "No frame."), ([frame("one")], " ")])
    def test_what_nobody_could_read_is_refused(self, shown, frames, alt):
        with pytest.raises(ValueError):
            play(frames, alt)
        assert not shown

    def test_a_later_frame_without_a_title_is_refused(self, shown):
        bare = canvas(120, 200)
        bare.subplots().set(xlabel="x", ylabel="y")
        with pytest.raises(ValueError, match="Frame 2 .*no title"):
            play([frame("one"), bare], "One frame with and one without.")
        assert not shown


class TestMovingGlobe:
    def test_each_frame_moves_every_point_to_its_place_of_that_moment(self):
        figure = moving_globe(RUN, LABELS, CAPTIONS, "Four points", CENTRES).plotly
        assert len(figure.frames) == 5
        for moment, frame_ in zip(RUN.numpy(), figure.frames, strict=True):
            drawn = np.concatenate([np.stack([d.x, d.y, d.z], 1) for d in frame_.data])
            kinds = [figure.data[t].name for t in frame_.traces]
            assert kinds == ["noise", "rain", "a mix or other"]
            np.testing.assert_allclose(drawn, 1.01 * moment[[0, 2, 1, 3]], atol=1e-3)

    def test_the_slider_and_the_buttons_lead_to_frames_that_exist(self):
        layout = moving_globe(RUN, LABELS, CAPTIONS, "Four points").plotly.to_dict()
        names = {f["name"] for f in layout["frames"]}
        steps = layout["layout"]["sliders"][0]["steps"]
        assert [s["label"] for s in steps] == CAPTIONS and {s["args"][0][0] for s in steps} == names
        play_, pause = layout["layout"]["updatemenus"][0]["buttons"]
        assert play_["args"][0] is None and pause["args"][0] == [None]

    def test_it_is_small_and_has_no_arrays_that_old_versions_cannot_read(self):
        text = moving_globe(RUN, LABELS, CAPTIONS, "Four points", CENTRES).plotly.to_json()
        assert len(text) < 60_000 and "bdata" not in text

    def test_a_film_has_a_picture_a_moment_with_its_caption(self):
        seen = []
        for number, frame_ in enumerate(film_of(RUN, LABELS, CAPTIONS, "Four points", CENTRES)):
            assert not unlabelled(frame_)
            assert f"Four points: {CAPTIONS[number]}" in words(frame_)
            seen.append(sum(len(c.get_offsets()) for ax in frame_.axes for c in ax.collections))
        assert seen == [4 + 6] * 5  # every point and every place once, and none left over

    def test_the_film_moves_and_keeps_its_layout(self):
        picture = Image.open(io.BytesIO(apng(film_of(RUN, LABELS, CAPTIONS, "Four points"))))
        assert picture.n_frames == 5
        pixels = []
        for number in range(5):
            picture.seek(number)
            pixels.append(np.asarray(picture.convert("RGBA"), int))
        for before, after in zip(pixels, pixels[1:], strict=False):
            assert (before != after).any()
            assert (before[60:200, -130:] == after[60:200, -130:]).all()  # the legend stays

    @pytest.mark.parametrize(
        "points, labels, captions",
        [(RUN[0], LABELS, CAPTIONS), (RUN, LABELS[:3], CAPTIONS), (RUN, LABELS, CAPTIONS[:2]),
         (2 * RUN, LABELS, CAPTIONS), (RUN[..., :2], LABELS, CAPTIONS)],
    )  # fmt: skip
    def test_what_does_not_fit_together_is_refused(self, points, labels, captions):
        for draw in (film_of, moving_globe):
            with pytest.raises(ValueError):
                draw(points, labels, captions, "Four points")


class TestTravel:
    def test_the_slider_moves_each_mark_along_its_path(self):
        figure = travel(PATHS, SEVERITY, CENTRES).plotly
        for t, frame_ in enumerate(figure.frames):
            for path, data in zip(PATHS.values(), frame_.data, strict=True):
                np.testing.assert_allclose([data.x[0], data.y[0], data.z[0]], 1.01 * path[t], atol=2e-3)
            assert f"severity {SEVERITY[t]:.1f}" in frame_.data[0].text[0]

    def test_mixes_are_hidden_until_the_menu_adds_one(self):
        figure = travel(PATHS, SEVERITY, CENTRES).plotly
        hidden = [t for t, trace in enumerate(figure.data) if trace.visible is False]
        assert {figure.data[t].name for t in hidden} == {"haze + rain"} and len(hidden) == 2
        nothing, add = json.loads(figure.to_json())["layout"]["updatemenus"][0]["buttons"]
        assert (nothing["label"], add["label"]) == ("no mix", "add haze + rain")
        shown = dict(zip(add["args"][1], add["args"][0]["visible"], strict=True))
        assert all(shown.values()) and set(hidden) < set(shown)
        gone = dict(zip(nothing["args"][1], nothing["args"][0]["visible"], strict=True))
        assert {t for t, visible in gone.items() if not visible} == set(hidden)

    def test_without_mixes_there_is_no_menu(self):
        assert not travel({"noise": PATHS["noise"]}, SEVERITY, CENTRES).plotly.layout.updatemenus

    def test_the_picture_has_a_line_a_path_in_its_colour(self):
        figure = travel_picture(PATHS, CENTRES)
        assert not unlabelled(figure) and "a: haze + rain" in words(figure)
        for ax in figure.axes:
            assert sum(line.get_color() == MARKS["noise"].colour and len(line.get_xdata()) > 1
                       for line in ax.lines) == 1  # fmt: skip

    def test_in_the_picture_no_two_mixes_look_alike(self):
        mixes = {name: unit(3, seed=k) for k, name in enumerate(("haze+rain", "rain+blur", "haze+blur"))}
        figure = travel_picture(mixes, CENTRES)
        key = figure.legends[-1].get_lines()
        assert len({str(line._dash_pattern) for line in key}) == len(mixes)
        letters = [text.get_text() for ax in figure.axes for text in ax.texts if len(text.get_text()) == 1]
        assert sorted(letters) == ["a", "b", "c"]  # each ends on one side of the globe

    def test_in_the_picture_mixes_that_end_at_one_place_share_their_letters(self):
        end = unit(1, seed=0)
        mixes = {name: torch.cat([unit(2, seed=k), end]) for k, name in enumerate(("haze+rain", "rain+blur"))}
        figure = travel_picture(mixes, CENTRES)
        texts = [text for ax in figure.axes for text in ax.texts if text.get_text() == "a, b"]
        assert len(texts) == 1
        assert np.dot(texts[0].xyann, texts[0].xy) < 0  # the places' names stand on the other side

    def test_arcs_stay_on_the_globe_and_pass_through_the_path(self):
        path = unit(4, seed=5).numpy()
        line = arcs(path, 6)
        np.testing.assert_allclose(np.linalg.norm(line, axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(line[::6], path)
        # A great circle lies in the plane of its ends, and goes the short way at an even pace.
        normal = np.cross(path[0], path[1])
        np.testing.assert_allclose(line[:7] @ normal, 0, atol=1e-6)
        steps = (line[:6] * line[1:7]).sum(1)
        np.testing.assert_allclose(np.arccos(steps), np.arccos(path[0] @ path[1]) / 6, atol=1e-5)

    def test_equal_and_facing_points_have_an_arc_too(self):
        up = np.array([0, 0, 1.0])
        assert np.isfinite(arcs(np.stack([up, up, -up]))).all()

    @pytest.mark.parametrize("paths", [{}, {"noise": unit(2)}, {"noise": 2 * unit(3)}])
    def test_what_does_not_fit_together_is_refused(self, paths):
        with pytest.raises(ValueError):
            travel(paths, SEVERITY, CENTRES)


def test_the_table_shows_every_count_but_none_where_there_is_nothing():
    counts = torch.diag(torch.tensor([5, 6, 7, 8, 9, 10]))
    counts[0, 2] = 3
    figure = confusion_picture(counts, PLACES, "Who is who")
    assert not unlabelled(figure)
    drawn = {t.get_text(): t.get_position() for t in figure.axes[0].texts}
    assert drawn == {str(k + 5): (k, k) for k in range(6)} | {"3": (2, 0)}
    assert "clean is taken 5 for clean, 3 for rain; noise is taken 6 for noise;" in told(counts, PLACES)


def test_a_table_that_is_not_square_is_refused():
    with pytest.raises(ValueError, match="6 × 6"):
        confusion_picture(torch.zeros(6, 5), PLACES, "Who is who")


def test_arrows_end_where_the_vectors_do():
    figure = circle_picture({"a": {"noise 1": (3, 0), "haze": (0, 1)}, "b": {"rain": (0, -1)}}, ("noise",))
    assert not unlabelled(figure)
    tips = [t.xy for ax in figure.axes for t in ax.texts if isinstance(t, Annotation) and t.arrow_patch]
    assert [tuple(tip) for tip in tips] == [(3, 0), (0, 1), (0, -1)]
    low, high = figure.axes[0].get_xlim()
    assert low < 0 and high > 3


def test_arrows_of_a_place_have_its_colour():
    figure = circle_picture({"a": {"haze 1": (3, 0), "ours": (0, 1), "b": (1, 1)}}, ("haze", "ours"))
    drawn = [t.arrow_patch.get_edgecolor() for t in figure.axes[0].texts if t.arrow_patch]
    haze, ours, other = (to_hex(colour) for colour in drawn)
    assert haze == MARKS["haze"].colour and len({haze, ours, other}) == 3


def test_a_vector_that_is_not_in_the_plane_is_refused():
    with pytest.raises(ValueError):
        circle_picture({"a": {"noise": (1, 0, 0)}})


def test_lines_differ_without_colour_and_the_best_is_named():
    figure = lines_picture((0, 1), {"a": (1, 2), "b": (2, 3)}, "Two", "x (steps)", "y (degrees)", best=4)
    assert not unlabelled(figure)
    a, b, best = figure.axes[0].lines
    assert a.get_linestyle() != b.get_linestyle() and a.get_marker() != b.get_marker()
    assert set(best.get_ydata()) == {4} and "the best possible" in words(figure)


@pytest.mark.parametrize("lines", [{}, {"a": (1, 2, 3)}, dict.fromkeys("abcd", (1, 2))])
def test_lines_that_do_not_fit_are_refused(lines):
    with pytest.raises(ValueError):
        lines_picture((0, 1), lines, "Title", "x", "y")
