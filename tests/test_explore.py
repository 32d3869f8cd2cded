"""The pictures hold what they should, and the upload button takes what either ipywidgets hands it."""

import io
import json
import re
from pathlib import Path

import ipywidgets
import matplotlib.colors
import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image

from slerir_lite.degrade import PLACES
from slerir_lite.explore import show as showing
from slerir_lite.explore.compare import before_and_after, busiest
from slerir_lite.explore.geometry import axes, locate, viewpoint
from slerir_lite.explore.globe import globe, globe_picture
from slerir_lite.explore.guide_map import departure, guide_picture
from slerir_lite.explore.path_map import describe_path, margins, mini_path, path_map
from slerir_lite.explore.show import img, png, show
from slerir_lite.explore.style import BLUE, HIGHEST, INK, MARKS, WIDTH, canvas
from slerir_lite.explore.upload import Upload, photo_from_bytes, smaller, uploaded
from slerir_lite.sphere import Compass, first_centres

CHOICE = np.array([0, 2, 1, 1, 0, 2, 2, 1])
ANGLE = np.full((8, 3), 90.0)
ANGLE[range(8), CHOICE] = [10, 80, 85, 40, 50, 60, 70, 88]
CENTRES = first_centres(3)


def said(figure) -> list[str]:
    """Every text of a matplotlib figure."""
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    c = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", ["#ffffff", "#111111", "#0d1117"])
def test_text_reads_on_the_light_and_the_dark_theme(background):
    # For large and bold text WCAG asks 3, for the rest 4.5; no grey has 4.4 on both themes. In HTML and SVG,
    # text takes the page's own colour.
    assert contrast(INK, background) >= 4.2
    assert contrast(BLUE, background) >= 3


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_what_has_the_focus_is_seen_on_the_light_and_the_dark_theme(background):
    """WCAG 1.4.11 asks for a contrast of 3."""
    rings = {
        file.name: re.findall(r"focus-visible[^{]*\{[^}]*?(#[0-9a-f]{6})", file.read_text("utf-8"))
        for file in Path(showing.__file__).parent.glob("*.css")
    }
    found = [colour for colours in rings.values() for colour in colours]
    assert len(found) >= 6 and all(contrast(colour, background) >= 3 for colour in found), rings


def test_every_place_has_a_colour_and_a_shape_of_its_own():
    assert len({m.colour for m in MARKS.values()}) == len({m.shape for m in MARKS.values()}) == len(PLACES)


# The path map


def test_the_map_has_every_specialist_with_its_angle_and_the_chosen_ones_filled():
    figure = path_map(CHOICE, ANGLE)
    (ax,) = figure.axes
    nodes = {tuple(c.get_offsets()[0].astype(int)): c for c in ax.collections}
    assert set(nodes) == {(layer, k) for layer in range(8) for k in range(3)}
    filled = {at for at, c in nodes.items() if len(c.get_facecolor()) and c.get_facecolor()[0][3] > 0}
    assert filled == set(enumerate(CHOICE.tolist()))
    texts = said(figure)
    assert texts.count("90°") == 16
    assert {"10°", "88°", "The path 0-2-1-1-0-2-2-1"} <= set(texts)
    assert ax.get_xlabel().startswith("station") and ax.get_ylabel() == "specialist"
    assert [t.get_text() for t in ax.get_xticklabels()][2:5] == ["3\n¼", "4\n⅛", "5\n⅛"]


def test_the_line_is_as_wide_as_the_margin():
    widths = [line.get_linewidth() for line in path_map(CHOICE, ANGLE).axes[0].lines]
    assert np.argsort(widths[:8]).tolist() == np.argsort(margins(CHOICE, ANGLE)).tolist()


def test_where_a_nearer_specialist_is_passed_by_the_line_is_thin_and_it_is_said():
    forced = CHOICE.copy()
    forced[[1, 4]] = 0, 2  # by 10 and by 40 degrees the farther one
    widths = [line.get_linewidth() for line in path_map(forced, ANGLE).axes[0].lines]
    assert [k for k in range(8) if widths[k] == min(widths)] == [1, 4]
    assert margins(forced, ANGLE)[[1, 4]].tolist() == [-10, -40]
    assert describe_path(forced, ANGLE).endswith(
        "At station 2 and 5 it passes a specialist by that is nearer."
    )
    assert "nearer" not in describe_path(CHOICE, ANGLE)


def test_a_second_path_is_named_and_ringed():
    other = (CHOICE + 1) % 3
    figure = path_map(CHOICE, ANGLE, compare=other, names=("mine", "yours"))
    assert {"mine", "yours"} <= set(said(figure))
    rings = [c.get_offsets() for c in figure.axes[0].collections if len(c.get_offsets()) == 8]
    assert rings[0][:, 1].tolist() == other.tolist()


def test_tensors_and_one_specialist_will_do():
    path_map(torch.zeros(8, dtype=torch.long), torch.zeros(8, 1))
    assert margins(np.zeros(8, int), np.zeros((8, 1))).tolist() == [180] * 8


@pytest.mark.parametrize(
    "arguments",
    [(CHOICE[:7], ANGLE), (CHOICE, ANGLE[0]), (CHOICE + 1, ANGLE), (CHOICE, ANGLE, None, CHOICE[:3])],
)
def test_what_does_not_fit_together_is_refused(arguments):
    with pytest.raises(ValueError, match="choice must be|A path is 8 numbers"):
        path_map(*arguments)


def test_the_alt_text_tells_the_path_and_where_it_was_close():
    told = describe_path(CHOICE, ANGLE)
    assert "0-2-1-1-0-2-2-1" in told and "station 1, by 80" in told and "station 8, by 2" in told


def test_a_mini_map_has_a_dot_for_each_specialist():
    ax = canvas(100).subplots()
    mini_path(ax, CHOICE)
    assert len(ax.collections[0].get_offsets()) == 24
    assert ax.lines[0].get_ydata().tolist() == CHOICE.tolist()


# The globe

POINTS = torch.cat([CENTRES, torch.nn.functional.normalize(CENTRES[2:3] + CENTRES[3:4])])
LABELS = [*PLACES, "haze+rain"]


def test_the_globe_shows_places_photos_and_the_one_to_ring():
    names = [f"photo {k}" for k in range(7)]
    figure = globe(POINTS, CENTRES, LABELS, names, highlight=6).plotly
    traces = {t.name: t for t in figure.data if t.name}
    others = {"a mix or other", "one of the six places", "photo 6"}
    assert set(traces) == {"clean", "noise", "rain", "haze", "blur", "low light"} | others
    assert "photo 3<br>0° from haze, 90° from" in traces["haze"].text[0]
    assert "photo 6<br>45° from" in traces["a mix or other"].text[0]
    (words,) = (t.text for t in figure.data if t.type == "scatter3d" and t.mode == "text")
    assert list(words) == ["clean", "noise", "rain", "haze", "blur", "low light"]
    assert "radius 1" in figure.layout.title.text


def test_the_globe_is_plain_and_small():
    figure = globe(POINTS, CENTRES, LABELS).plotly
    assert type(figure).__name__ == "Figure"
    text = figure.to_json()
    assert len(text) < 40_000
    assert "bdata" not in text  # the plotly.js of plotly 5 can't read that
    assert figure.layout.height <= HIGHEST and figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_the_static_globe_names_each_place_once():
    figure = globe_picture(POINTS, CENTRES, LABELS, highlight=6)
    front, back = ([t.get_text() for t in ax.texts] for ax in figure.axes)
    assert sorted(front + back) == sorted(["clean", "noise", "rain", "haze", "blur", "low light"])
    assert "clean" in front and len(front) == 3  # facing pairs: one of each is behind
    assert {"front", "back", "across (radius 1)", "a mix or other", "haze+rain"} <= set(said(figure))


def test_no_place_lies_on_the_edge_and_the_view_is_upright():
    view = viewpoint(CENTRES.numpy())
    assert np.abs(view @ CENTRES.numpy().T).min() > 0.5
    across, up = axes(view)
    frame = np.stack([across, up, view])
    assert np.allclose(frame @ frame.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(frame) > 0  # not mirrored
    assert across[2] == 0 and up[2] > 0


@pytest.mark.parametrize(
    "points, centres, labels, why",
    [
        (torch.eye(5), CENTRES, None, "three dimensions"),
        (CENTRES, Compass(5).centres, None, "three dimensions"),
        (CENTRES * 2, CENTRES, None, "unit vectors"),
        (CENTRES, CENTRES[:5], None, "6 centres"),
        (CENTRES, CENTRES, ["clean"], "1 labels"),
    ],
)
@pytest.mark.parametrize("draw", [globe, globe_picture])
def test_what_is_no_globe_is_refused(draw, points, centres, labels, why):
    with pytest.raises(ValueError, match=why):
        draw(points, centres, labels)


def test_a_photo_is_located_as_the_compass_does_it(clean):
    compass = Compass(3).eval()
    with torch.no_grad():
        z = compass(clean[:1])[1].z[0]
    torch.testing.assert_close(locate(clean[0], compass), z)
    assert locate(clean[0][:, :13, :21], compass).norm() == pytest.approx(1, abs=1e-5)


# Before and after


def test_titles_tell_psnr_where_the_clean_photo_is_known(clean):
    noisy = (clean[0] + 0.1).clamp(0, 1)
    scored = said(before_and_after(noisy, clean[0], clean[0]))
    assert any(re.fullmatch(r"before, 2\d\.\d dB", t) for t in scored) and "after, identical" in scored
    texts = said(before_and_after(noisy, clean[0]))
    assert "before" in texts and "clean" not in texts
    assert {"x (pixels)", "y (pixels)", "the square, enlarged"} <= set(texts)


def test_the_square_lies_where_fine_detail_changed():
    before = np.full((90, 130, 3), 0.5, np.float32)
    after = before.copy()
    after[60:80:2, 100:120] = 1
    top, left, side = busiest(before, after)
    assert 0 <= top and top + side <= 90 and left + side <= 130
    assert top <= 66 < top + side and left <= 109 < left + side
    figure = before_and_after(before, after, region=(60, 100, 7))
    enlarged = [ax.images[0].get_array() for ax in figure.axes[2:4]]
    assert all(np.allclose(e, x[60:67, 100:107]) for e, x in zip(enlarged, (before, after), strict=True))


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (90, 17)])
def test_small_photos_have_a_square_too(shape):
    top, left, side = busiest(np.zeros((*shape, 3)), np.ones((*shape, 3)))
    assert top + side <= shape[0] and left + side <= shape[1] and side >= 1
    png(before_and_after(torch.zeros(3, *shape), torch.ones(3, *shape)))


def test_photos_of_two_sizes_are_refused(clean):
    with pytest.raises(ValueError, match="144 × 112, 100 × 112"):
        before_and_after(clean[0], clean[0][..., :100])


# The guide


def test_the_guide_map_stands_out_where_the_guide_differs_from_most_of_the_photo():
    guide = torch.ones(4, 5, 6)
    guide[:, 1:3, 2] = 3
    drawn = departure(guide)
    assert drawn.shape == (5, 6)
    assert set(map(tuple, np.argwhere(drawn > 0))) == {(1, 2), (2, 2)}
    assert drawn.max() == pytest.approx(2)
    assert np.isfinite(departure(torch.zeros(4, 1, 1))).all()


def test_the_guide_map_lies_over_the_photo():
    figure = guide_picture(torch.zeros(3, 37, 41), torch.rand(4, 5, 6))
    photo, drawn = figure.axes[:2]
    assert photo.get_xlim() == drawn.get_xlim() == (0, 41)
    assert photo.get_ylim() == drawn.get_ylim() == (37, 0)
    assert drawn.images[0].get_extent() == [0, 48, 40, 0]
    assert {"x (pixels)", "y (pixels)", "the photo", "Where the guide differs"} <= set(said(figure))


# Into the notebook


@pytest.mark.parametrize(
    "figure, rows",
    [
        (path_map(CHOICE, ANGLE), 1),
        (globe_picture(POINTS, CENTRES, LABELS), 1),
        (before_and_after(np.zeros((300, 200, 3)), np.ones((300, 200, 3))), 2),
        (guide_picture(torch.zeros(3, 90, 64), torch.ones(4, 12, 8)), 1),
    ],
    ids=["path map", "globe", "before and after", "guide"],
)
def test_pictures_are_transparent_and_fit_the_page(figure, rows):
    image = Image.open(io.BytesIO(png(figure)))
    assert image.width <= WIDTH and image.height <= rows * HIGHEST
    assert image.getpixel((0, 0))[3] == 0


@pytest.fixture
def shown(monkeypatch) -> list:
    """What was displayed: (data, metadata) in turn."""
    seen = []
    monkeypatch.setattr(showing, "display", lambda data, metadata, raw: seen.append((data, metadata)))
    return seen


def test_a_picture_is_shown_with_its_alt_text(shown):
    show(path_map(CHOICE, ANGLE), "The path.")
    ((data, metadata),) = shown
    assert metadata == {"image/png": {"alt": "The path."}}
    assert set(data) == {"image/png", "text/plain"} and data["text/plain"] == "The path."
    json.dumps(data)


def test_a_picture_without_words_is_refused(shown):
    with pytest.raises(ValueError, match="alt text"):
        show(path_map(CHOICE, ANGLE), " ")
    with pytest.raises(ValueError, match="static twin"):
        show(globe(POINTS, CENTRES), "A globe.")
    assert shown == []


def test_an_interactive_figure_comes_after_its_picture_and_needs_nothing_else(shown, monkeypatch):
    figure = globe(POINTS, CENTRES, LABELS)
    monkeypatch.delenv(showing.SAVED, raising=False)
    show(figure, "A globe.", globe_picture(POINTS, CENTRES, LABELS))
    (first, words), (second, _) = shown
    assert "image/png" in first and words["image/png"]["alt"] == "A globe."
    assert second == {"text/html": figure.page, "text/plain": showing.INSTEAD}


def test_what_is_saved_for_others_also_has_what_jupyterlab_draws_before_it_trusts(shown, monkeypatch):
    figure = globe(POINTS, CENTRES, LABELS)
    monkeypatch.setenv(showing.SAVED, "1")
    showing.interactive(figure)
    ((data, _),) = shown
    assert set(data) == {"text/html", showing.PLOTLY, "text/plain"} and data["text/html"] == figure.page
    assert len(data[showing.PLOTLY]["data"]) == len(figure.plotly.data)
    assert len(json.dumps(data)) < 60_000


def test_in_widgets_a_picture_is_an_image_with_escaped_words():
    assert img(canvas(50), 'a "<b>" photo').startswith(
        '<img alt="a &quot;&lt;b&gt;&quot; photo" src="data:image/png'
    )


# The upload button


def as_png(height: int = 40, width: int = 60) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 128, np.uint8)).save(file, "PNG")
    return file.getvalue()


def send(button: ipywidgets.FileUpload, name: str, content: bytes) -> None:
    """What the browser sends when a file is chosen."""
    if int(ipywidgets.__version__.split(".")[0]) >= 8:
        told = {"name": name, "type": "image/png", "size": len(content), "last_modified": 0}
        button.set_state({"value": [told | {"content": memoryview(content)}]})
    else:
        told = {"name": name, "type": "image/png", "size": len(content), "lastModified": 0}
        button.set_state({"metadata": [told], "data": [memoryview(content)], "_counter": button._counter + 1})


def path_of(photo, name):
    yield path_map(CHOICE, ANGLE), f"The path of {name}."


def test_both_forms_of_an_upload_are_understood():
    seven = {"a.png": {"metadata": {"name": "a.png", "size": 3}, "content": b"abc"}}
    eight = ({"name": "a.png", "size": 3, "content": memoryview(b"abc")},)
    assert uploaded(seven) == uploaded(eight) == [("a.png", b"abc")]
    assert uploaded({}) == uploaded(()) == []


def test_an_uploaded_photo_is_looked_at():
    upload = Upload(path_of)
    send(upload.button, "mine.png", as_png())
    assert upload.name == "mine.png" and upload.photo.shape == (3, 40, 60)
    assert "mine.png, 60 × 40 pixels." in upload.message.value
    (picture,) = upload.pictures.children
    assert 'alt="The path of mine.png."' in picture.value


def test_a_large_photo_is_scaled_down_and_that_is_said():
    upload = Upload(path_of, longest=30)
    send(upload.button, "mine.png", as_png(40, 60))
    assert upload.photo.shape == (3, 20, 30)
    assert "60 × 40 pixels, scaled down to 30 × 20" in upload.message.value
    assert smaller(torch.ones(3, 1, 90), 30).shape == (3, 1, 30)


@pytest.mark.parametrize("content", [b"", b"no photo", as_png()[:60]], ids=["empty", "text", "cut off"])
def test_a_broken_file_is_refused_in_words_and_the_next_one_is_taken(content):
    upload = Upload(path_of)
    send(upload.button, "<b>.png", content)
    assert upload.photo is None and upload.pictures.children == ()
    assert "&lt;b&gt;.png is" in upload.message.value and "<b>" not in upload.message.value
    assert "/tmp" not in upload.message.value
    send(upload.button, "good.png", as_png())
    assert upload.name == "good.png" and len(upload.pictures.children) == 1


def test_what_goes_wrong_while_looking_is_said_too():
    def look(photo, name):
        raise RuntimeError("my own network: shapes differ")

    upload = Upload(look)
    send(upload.button, "mine.png", as_png())
    assert "RuntimeError: my own network: shapes differ" in upload.message.value
    upload.look = path_of
    send(upload.button, "again.png", as_png())
    assert len(upload.pictures.children) == 1


def test_bytes_become_a_photo():
    photo = photo_from_bytes("a.png", as_png())
    assert photo.shape == (3, 40, 60) and float(photo.mean()) == pytest.approx(128 / 255)
