"""The spot lies where it is asked for, senses can be switched off one by one, and the viewer goes on."""

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from slerir_lite.degrade import KINDS
from slerir_lite.explore.guide_viewer import FIRST, PANELS, GuideViewer, dB, picture, told
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.rivals import rivals_plot
from slerir_lite.explore.sense_maps import FAINT, ROWS, coloured, contact_sheet, maps, over
from slerir_lite.explore.senses import Heard, listen, usual
from slerir_lite.explore.spot import per_token, spotted
from slerir_lite.explore.style import HIGHEST, WIDTH
from slerir_lite.model import Config, SlerIR
from slerir_lite.photo import as_bytes

D = 6


class Own:
    """A learner's own model, with no more than the viewer's docstring names.

    Local tokens are the means of 8 x 8 pixels, the coarse map those of 8 x 8 cells, the guide is their sum.
    """

    asked = 0

    def __call__(self, x):
        self.asked += 1
        local = torch.nn.functional.avg_pool2d(x, 8).repeat(1, 2, 1, 1)
        far = torch.nn.functional.adaptive_avg_pool2d(x, 8).repeat(1, 2, 1, 1)
        sense = SimpleNamespace(
            z=torch.ones(1, 1), global_token=far.mean((2, 3)), thumbnail_tokens=far, filters=None
        )
        guide = self.fuse(local, sense, None)
        image = self.work(x, "a path", sense, local, guide)
        return SimpleNamespace(image=image, local_tokens=local, sense=sense, route="a path", guide=guide)

    def fuse(self, local, sense, view):
        return local + sense.thumbnail_tokens.mean((2, 3), keepdim=True) + sense.global_token[..., None, None]

    def work(self, x, route, sense, local, guide):
        assert route == "a path"
        return x + guide.mean()


FIRST_SPOT = [FIRST[name] for name in ("kind", "row", "column", "radius")]


@pytest.fixture
def photo(clean):
    return clean[0, :, :64, :96]


@pytest.fixture
def viewer(photo):
    return GuideViewer(Own(), {"leaves": photo, "fallen": photo.flip(-1)})


def pixels(answer, name) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(answer["panels"][name][0].split(",")[1]))))


# The spot


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row, column", [(0.3, 0.2), (0.6, 0.8)])
def test_damage_stays_in_the_spot_and_the_spot_where_it_was_asked_for(kind, row, column, photo):
    y, mask = spotted(photo, kind, row, column, radius=0.2)
    changed = (y - photo).abs().amax(0) > 1e-6
    assert changed[mask > 0.5].float().mean() > 0.5 and not changed[mask < 1e-3].any()
    heights, widths = (mask > 0.5).nonzero(as_tuple=True)
    assert heights.float().mean().item() + 0.5 == pytest.approx(row * 64, abs=1.5)
    assert widths.float().mean().item() + 0.5 == pytest.approx(column * 96, abs=1.5)
    area = (mask > 0.5).sum().item()
    assert area == pytest.approx(np.pi * 0.2**2 * 64 * 96, rel=0.1)  # none of it lies beyond the edge


def test_the_same_seed_draws_the_same_damage_wherever_the_spot_lies(photo):
    (a, in_a), (b, in_b) = (spotted(photo, "noise", 0.5, c, radius=0.3, seed=3) for c in (0.4, 0.6))
    both = (in_a > 0.999) & (in_b > 0.999)
    assert both.any() and (a - b)[:, both].abs().max() <= 1.01 / 255
    other, _ = spotted(photo, "noise", 0.5, 0.4, radius=0.3, seed=4)
    assert (a - other)[:, both].abs().max() > 0.05


@pytest.mark.parametrize(
    "arguments, words",
    [(("snow", 0.5, 0.5), 'called "snow"'), (("noise", 1.2, 0.5), "row is a share"),
     (("noise", 0.5, -1), "column is a share"), (("noise", 0.5, 0.5, 0), "radius is a share")],
)  # fmt: skip
def test_a_spot_that_cannot_be_is_refused_in_words(arguments, words, photo):
    with pytest.raises(ValueError, match=words):
        spotted(photo, *arguments)


def test_a_tokens_mean_is_that_of_its_pixels():
    values = torch.rand(24, 40, generator=torch.Generator().manual_seed(0))
    got = per_token(values)
    assert got.shape == (3, 5)
    assert all(
        got[i, j].item()
        == pytest.approx(values[8 * i : 8 * i + 8, 8 * j : 8 * j + 8].mean().item(), abs=1e-6)
        for i in range(3)
        for j in range(5)
    )


# The senses


@pytest.fixture
def talking() -> SlerIR:
    """A network whose guide says something."""
    torch.manual_seed(0)
    model = SlerIR(Config(experts=1, width=8, tokens=12)).eval()
    for parameter in model.fuse.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_with_both_senses_on_nothing_differs_from_the_network_itself(talking, photo):
    with torch.no_grad():
        got = talking(photo[None])
    heard = listen(talking, photo, usual(talking, [photo.flip(-1)]))
    assert torch.equal(heard.guide, got.guide[0]) and torch.equal(heard.local, got.local_tokens[0])
    assert torch.allclose(heard.image, got.image[0].clamp(0, 1), atol=1e-6)


def test_a_sense_that_is_off_tells_nothing_of_this_photo(talking, photo):
    other = spotted(photo, "noise", 0.5, 0.5)[0].flip(1)
    mean = usual(talking, [photo.flip(-1)])
    first, second = (listen(talking, x, mean, near=False, far=False).guide for x in (photo, other))
    assert torch.equal(first, second)
    for near, far in ((True, False), (False, True), (True, True)):
        a, b = (listen(talking, x, mean, near, far) for x in (photo, other))
        assert (a.guide - b.guide).abs().max() > 1e-3
        assert torch.equal(a.local, b.local) != near and torch.equal(a.far, b.far) != far


def test_of_its_own_average_a_photo_with_both_senses_off_keeps_the_coarse_map(talking, photo):
    heard = listen(talking, photo, usual(talking, [photo]), near=False, far=False)
    with torch.no_grad():
        got = talking(photo[None])
    assert torch.equal(heard.far, got.sense.thumbnail_tokens[0])
    assert torch.allclose(heard.local, got.local_tokens[0].mean((1, 2), keepdim=True).expand_as(heard.local))


# The maps


def heard_with_a_peak(at=(1, 2)) -> Heard:
    local = torch.ones(D, 8, 12)
    local[:, at[0], at[1]] = 2
    return Heard(local, torch.ones(D, 8, 8), local * 3, torch.rand(3, 64, 96))


def test_a_map_is_bright_where_something_differs_and_dark_where_nothing_does():
    drawn = maps(heard_with_a_peak())
    assert list(drawn) == list(ROWS)
    assert drawn["local"][1, 2] == pytest.approx(1) and drawn["local"].sum() == pytest.approx(1)
    assert drawn["far"].max() == 0
    seen = coloured(drawn["local"], 64, 96)
    assert seen.shape == (64, 96, 3) and seen.dtype == np.uint8
    bright = (seen.astype(int) != seen[0, 0]).any(2)
    assert bright.sum() == 64 and bright[8:16, 16:24].all()
    assert (coloured(drawn["far"], 64, 96) == seen[0, 0]).all()


def test_over_the_photo_a_map_and_what_lies_under_it_are_seen_alike(photo):
    values = maps(heard_with_a_peak())["local"]
    seen = over(photo, values)
    mean = (as_bytes(photo).astype(float) + coloured(values, 64, 96)) / 2
    assert seen.dtype == np.uint8 and np.abs(seen - mean).max() <= 0.5


def test_what_is_hardly_anything_is_not_blown_up():
    faint = np.array([[0, FAINT / 10]])
    strong = np.array([[0, 1.0]])
    changes = [np.ptp(coloured(v, 8, 16).astype(int), axis=(0, 1)).max() for v in (faint, strong)]
    assert changes[0] < changes[1] / 4


def test_a_coarse_map_covers_the_whole_photo():
    values = np.zeros((8, 8))
    values[7, 7] = 1
    seen = coloured(values, 64, 96)
    bright = (seen.astype(int) != seen[0, 0]).any(2)
    assert bright[56:, 84:].all() and bright.sum() == 8 * 12


@pytest.mark.parametrize("count", [1, 5])
def test_the_contact_sheet_has_a_column_for_each_place(count, photo):
    heard = [heard_with_a_peak((1, k)) for k in range(count)]
    masks = torch.zeros(count, *photo.shape[1:])
    for k, mask in enumerate(masks):
        mask[8:24, 8 * k : 8 * k + 16] = 1
    figure = contact_sheet([photo] * count, heard, [f"place {k}" for k in range(count)], "moved", masks)
    assert unlabelled(figure) == []
    plots = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert [ax.get_title() for ax in plots[:count]] == [f"place {k}" for k in range(count)]
    drawn = np.stack([np.asarray(ax.get_images()[0].get_array()) for ax in plots[2 * count : 3 * count]])
    assert [int(d.argmax()) for d in drawn] == [12 + k for k in range(count)]
    assert len({ax.get_images()[0].get_clim() for ax in plots[2 * count : 3 * count]}) == 1
    for ax, mask in zip(
        plots, [*masks] * 4, strict=True
    ):  # a ring in the photo and in every map, where it is
        rows, columns = mask.nonzero().T
        for ring in ax.collections:
            (x0, y0), (x1, y1) = ring.get_paths()[0].get_extents().get_points()
            edges = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
            assert np.abs(np.subtract((x0, x1, y0, y1), edges)).max() <= 1.5
        assert len(ax.collections) == 2
    width, height = figure.get_size_inches() * figure.dpi
    assert width <= WIDTH and height <= 4 * HIGHEST


def test_a_sheet_that_does_not_fit_together_is_refused(photo):
    heard = heard_with_a_peak()
    mask = photo[0]
    for photos, titles, masks in (
        ([photo, photo], ["a"], [mask] * 2),
        ([], [], []),
        ([photo, photo[:, :32]], ["a", "b"], [mask] * 2),
        ([photo], ["a"], []),
        ([photo], ["a"], [mask[:32]]),
    ):
        with pytest.raises(ValueError, match="One heading and one mask a photo, and one size"):
            contact_sheet(photos, [heard] * len(photos), titles, "moved", masks)


def test_each_rival_has_a_mark_of_its_own_and_its_mean_is_drawn():
    scores = {
        ("rain", "a"): [0.5, 0.9],
        ("rain", "b"): [1.0],
        ("lowlight", "a"): [0.2],
        ("lowlight", "b"): [0.4],
    }
    figure = rivals_plot(scores, "a title")
    assert unlabelled(figure) == []
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["rain", "low light"]
    marks = [line for line in ax.lines if line.get_marker() in ("x", "s", "o", "^")]
    assert [list(line.get_ydata()) for line in marks] == list(scores.values())
    assert marks[0].get_marker() == marks[2].get_marker() != marks[1].get_marker()
    assert any(list(line.get_ydata()) == [pytest.approx(0.7)] * 2 for line in ax.lines)
    with pytest.raises(ValueError, match="5 rivals"):
        rivals_plot({("rain", str(k)): [0.5] for k in range(5)}, "too many")


# The viewer


def test_it_shows_five_pictures_before_anything_is_asked(viewer, photo):
    answer = viewer.answer
    assert answer["error"] == "" and list(answer["panels"]) == list(PANELS)
    assert all(src.startswith("data:image/png;base64,") and alt for src, alt, _ in answer["panels"].values())
    for name, (_, alt, caption) in answer["panels"].items():
        assert caption.startswith(PANELS[name])
        if name in ROWS:  # what the brightest colour stands for
            most, largest = re.search(r"yellow: (.+)\)", caption), re.search(r"largest \((.+?)\)", alt)
            assert float(most[1]) == max(FAINT, float(largest[1]))
    expected, _ = spotted(photo, *FIRST_SPOT)
    assert np.array_equal(pixels(answer, "photo"), as_bytes(expected))


def test_its_pictures_are_sent_to_the_page_and_are_no_part_of_its_state(viewer):
    assert "panels" not in viewer.get_state()["answer"] and viewer.get_state()["answer"]["said"]
    sent = []
    viewer.send = lambda content, buffers=None: sent.append(content)
    viewer._handle_custom_msg({"kind": "paint"}, [])
    viewer.set_state({"asked": viewer.asked | {"row": 0.2, "turn": 1}})
    assert [message["kind"] for message in sent] == ["pictures", "pictures"]
    assert sent[0]["pictures"] != sent[1]["pictures"] == viewer.answer["panels"]
    viewer.set_state({"asked": viewer.asked | {"row": 2, "turn": 2}})
    assert viewer.answer["error"] and len(sent) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_dragged_spot_is_answered(kind, viewer, photo):
    asked = viewer.asked | {"photo": "fallen", "kind": kind, "row": 0.7, "column": 0.8, "turn": 5}
    viewer.set_state({"asked": asked})
    answer = viewer.answer
    assert answer["error"] == "" and answer["turn"] == 5
    expected, _ = spotted(photo.flip(-1), kind, 0.7, 0.8, 0.18)
    assert np.array_equal(pixels(answer, "photo"), as_bytes(expected))
    assert "80% from the left and 70% from the top" in answer["panels"]["photo"][1]
    assert "Inside the spot" in answer["said"] and "switched off" not in answer["said"]


def test_the_maps_are_those_of_the_senses(viewer, photo):
    given, _ = spotted(photo, *FIRST_SPOT)
    for name, values in maps(listen(viewer.model, given, viewer.clean)).items():
        assert np.array_equal(pixels(viewer.answer, name), over(given, values))
    assert not np.array_equal(pixels(viewer.answer, "local"), pixels(viewer.answer, "far"))


def test_a_sense_that_is_switched_off_goes_dark_and_that_is_said(viewer):
    before = {name: pixels(viewer.answer, name) for name in PANELS}
    viewer.set_state({"asked": viewer.asked | {"near": False, "turn": 1}})
    assert "The local sense is switched off." in viewer.answer["said"]
    given, _ = spotted(viewer.photos["leaves"], *FIRST_SPOT)
    dark = over(given, np.zeros((8, 12)))
    assert np.array_equal(pixels(viewer.answer, "local"), dark) and (before["local"] != dark).any()
    assert np.array_equal(pixels(viewer.answer, "far"), before["far"])
    assert not np.array_equal(pixels(viewer.answer, "guide"), before["guide"])
    viewer.set_state({"asked": viewer.asked | {"far": False, "turn": 2}})
    assert "The global and the local sense are switched off." in viewer.answer["said"]
    viewer.set_state({"asked": viewer.asked | {"near": True, "far": True, "turn": 3}})
    assert all(np.array_equal(pixels(viewer.answer, name), before[name]) for name in PANELS)


def test_a_photo_that_is_sent_here_is_looked_at_as_it_is(viewer, photo):
    hazy, first = photo * 0.5 + 0.4, viewer.answer
    viewer.take("hazy", hazy[:, :61, :90], photo[:, :61, :90])
    answer, cut = viewer.answer, hazy[:, :56, :88]
    assert viewer.names == ["leaves", "fallen", "hazy"] and viewer.asked["photo"] == "hazy"
    assert answer["error"] == "" and answer["turn"] == first["turn"] + 1
    assert np.array_equal(pixels(answer, "photo"), as_bytes(cut))
    assert answer["panels"]["photo"][1] == "hazy as it is"
    everywhere = torch.ones(56, 88, dtype=torch.bool)
    assert answer["said"].startswith(f"{dB(cut, photo[:, :56, :88], everywhere):.1f} dB as given, ")
    viewer.take("hazy", photo)  # another one under the same name, and nobody knows its clean form
    assert np.array_equal(pixels(viewer.answer, "photo"), as_bytes(photo))
    assert "no clean form" in viewer.answer["said"] and viewer.names == ["leaves", "fallen", "hazy"]
    viewer.set_state({"asked": viewer.asked | {"photo": "leaves", "kind": FIRST["kind"], "turn": 9}})
    assert viewer.answer["panels"] == first["panels"]  # what is usual is that of the clean photos, as before


@pytest.mark.parametrize(
    "change, words",
    [({"photo": "none"}, "none is missing"), ({"kind": "snow"}, 'called "snow"'),
     ({"row": 3}, "row is a share"), ({"radius": "wide"}, "can't be shown")],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_and_the_next_question_is_answered(change, words, viewer):
    before = viewer.answer["panels"]
    viewer.set_state({"asked": viewer.asked | change | {"turn": 7}})
    assert words in viewer.answer["error"] and viewer.answer["panels"] == before
    assert viewer.answer["turn"] == 7  # else the page would wait for ever
    good = {"photo": "leaves", "kind": "haze", "row": 0.5, "radius": 0.2, "turn": 8}
    viewer.set_state({"asked": viewer.asked | good})
    assert viewer.answer["error"] == "" and viewer.answer["turn"] == 8


def test_a_model_that_raises_is_quoted_from_the_first_picture_on(photo):
    class Broken(Own):
        def work(self, *arguments):
            if self.asked < 100:
                raise RuntimeError("my layer is missing")
            return super().work(*arguments)

    viewer = GuideViewer(Broken(), {"leaves": photo})
    assert "my layer is missing" in viewer.answer["error"] and viewer.answer["panels"] == {}
    viewer.model.asked = 100
    viewer.set_state({"asked": viewer.asked | {"turn": 1}})
    assert viewer.answer["error"] == "" and list(viewer.answer["panels"]) == list(PANELS)


def test_clean_photos_are_listened_to_once(viewer):
    before = viewer.model.asked
    viewer.set_state({"asked": viewer.asked | {"column": 0.6, "turn": 1}})
    assert viewer.model.asked == before + 1


def test_photos_of_any_size_are_cut_to_whole_tokens(clean):
    viewer = GuideViewer(Own(), {"odd": clean[0, :, :61, :83]})
    assert viewer.answer["error"] == "" and pixels(viewer.answer, "photo").shape == (56, 80, 3)


def test_the_shipped_kind_of_network_will_do(talking, photo):
    viewer = GuideViewer(talking, {"leaves": photo})
    assert viewer.answer["error"] == ""
    viewer.set_state({"asked": viewer.asked | {"kind": "blur", "far": False, "turn": 1}})
    assert viewer.answer["error"] == "" and "The global sense is switched off." in viewer.answer["said"]


def test_the_sentence_tells_inside_from_outside(photo):
    mask = torch.zeros(64, 96)
    mask[:32] = 1
    given, image = photo.clone(), photo.clone()
    given[:, :32] += 0.1
    image[:, :32] += 0.01
    image[:, 32:] += 0.001
    assert told(image, given, photo, mask) == (
        "Inside the spot 20.0 dB as given, 40.0 dB restored; outside it 60 dB or more after restoring."
    )
    assert told(image, given, photo, torch.ones(64, 96)).endswith("restored.")
    assert told(image, photo, photo, 0 * mask) == "60 dB or more as given, 43.0 dB restored."
    assert dB(given, photo, mask > 0.5) == pytest.approx(20, abs=1e-3)


def test_the_static_picture_shows_what_the_page_shows(viewer, photo):
    figure = picture(viewer.model, {"leaves": photo, "fallen": photo.flip(-1)}, "leaves")
    assert unlabelled(figure) == []
    shown = [np.asarray(ax.get_images()[0].get_array()) for ax in figure.axes[:5]]
    for ours, name in zip(shown, PANELS, strict=True):
        assert np.abs(255 * ours - pixels(viewer.answer, name)).max() < 0.51
    assert [ax.get_title() for ax in figure.axes[2:5]] == list(ROWS.values())


def test_without_photos_there_is_none():
    with pytest.raises(ValueError, match="at least one photo"):
        GuideViewer(Own(), {})
