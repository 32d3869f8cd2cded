"""SlerIR and Generalist: one backbone, any size, and no statistic of a crop steers a station."""

import dataclasses
from dataclasses import fields

import pytest
import torch
import torch.nn.functional as F

from slerir_lite import model as network
from slerir_lite.crops import Crops
from slerir_lite.data import thumbnail
from slerir_lite.deblur import FILTERS, STRENGTHS, path_shares, sharpen
from slerir_lite.experts import Expert
from slerir_lite.model import BOUNDS, RUNS, Config, Generalist, SlerIR, pad
from slerir_lite.route import LAYERS, NearestPin, SoftmaxGate, Table, pins_from_centres, table_from_pairings
from slerir_lite.view import View

SMALL = Config(width=8, tokens=16)


def lively(model: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """As after training: normalisation that has seen photos, and no layer near zero."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(("backbone", "fuse")):
                spread = 0.05 if parameter.dim() < 2 else 0.7 / parameter[0].numel() ** 0.5
                parameter.copy_(torch.randn(parameter.shape, generator=g) * spread)
        if isinstance(model, SlerIR):
            model.compass.train()
            for _ in range(4):
                model.compass(torch.rand(4, 3, 64, 64, generator=g))
    return model.eval()


@pytest.fixture(scope="module")
def model() -> SlerIR:
    torch.manual_seed(0)
    return lively(SlerIR(SMALL)).requires_grad_(False)


@pytest.fixture(scope="module")
def generalist() -> Generalist:
    torch.manual_seed(0)
    return lively(Generalist(Config(experts=1, width=8))).requires_grad_(False)


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def used(model: torch.nn.Module, x: torch.Tensor, **how) -> list[Expert]:
    """The experts that worked, in order."""
    found = []
    hooks = [
        m.register_forward_hook(lambda m, *_: found.append(m))
        for m in model.modules()
        if isinstance(m, Expert)
    ]
    model(x, **how)
    for hook in hooks:
        hook.remove()
    return found


# Sizes and batches


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 9), (64, 64), (65, 33)], ids=str)
def test_a_photo_of_any_size_comes_back_in_its_size(size, model, generalist):
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    restored = model(x)
    assert restored.image.shape == x.shape and restored.image.isfinite().all()
    assert generalist(x).shape == x.shape and generalist(x).isfinite().all()
    tokens = [-(-n // 8) for n in size]
    assert restored.local_tokens.shape == restored.guide.shape == (2, 16, *tokens)
    assert restored.sense.z.shape == (2, 5) and restored.route.choice.shape == (2, LAYERS)


@pytest.mark.parametrize("size", [(1, 1), (5, 16), (16, 16), (17, 31)], ids=str)
def test_padding_repeats_the_right_and_bottom_edge(size):
    x = torch.rand(1, 2, *size)
    y = pad(x)
    h, w = size
    assert y.shape[-2] % 8 == y.shape[-1] % 8 == 0 and y.shape[-2] - h < 8 and y.shape[-1] - w < 8
    for i in range(y.shape[-2]):
        for j in range(y.shape[-1]):
            assert torch.equal(y[..., i, j], x[..., min(i, h - 1), min(j, w - 1)])


def test_a_batch_is_restored_as_its_photos_one_by_one(model, generalist, clean):
    noisy = (clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    x = torch.cat([clean[:3], noisy[3:]])[..., :50, :70]
    together = model(x)
    for b in range(len(x)):
        alone = model(x[b : b + 1])
        assert torch.equal(alone.route.choice[0], together.route.choice[b])
        assert torch.allclose(alone.image[0], together.image[b], atol=1e-4)
        assert torch.allclose(alone.sense.z[0], together.sense.z[b], atol=1e-4)
        assert torch.allclose(generalist(x[b : b + 1])[0], generalist(x)[b], atol=1e-4)


def test_the_same_photo_comes_back_the_same_each_time(model, clean):
    assert torch.equal(model(clean[:2]).image, model(clean[:2]).image)


# Equal compute


def test_one_path_has_as_many_parameters_as_the_generalist(model, generalist):
    per_expert = sum(count(station.experts[0]) for station in model.backbone.stations)
    all_experts = sum(count(station) for station in model.backbone.stations)
    assert all_experts == SMALL.experts * per_expert
    assert count(model.backbone) - all_experts + per_expert == count(generalist.backbone) == count(generalist)


def test_eight_experts_work_on_a_photo_in_either_network(model, generalist, clean):
    assert len(used(model, clean[:1])) == len(used(generalist, clean[:1])) == LAYERS == 8


def test_with_one_expert_and_nothing_to_say_slerir_is_the_generalist(clean):
    torch.manual_seed(0)
    generalist = lively(Generalist(Config(experts=1, width=8)))
    model = SlerIR(Config(experts=1, width=8, tokens=16)).eval()  # its guide says nothing at first
    model.backbone.load_state_dict(generalist.backbone.state_dict())
    expected = generalist(clean)
    assert (expected - clean).abs().mean() > 0.01
    assert torch.allclose(model(clean).image, expected, atol=1e-5)


@pytest.mark.parametrize("path", [[0] * 8, [2] * 8, [0, 2, 1, 1, 0, 2, 2, 1]], ids=str)
def test_a_choice_overrides_the_compass(path, model, clean):
    choice = torch.tensor([path])
    worked = used(model, clean[:1], choice=choice)
    stations = [list(station.experts) for station in model.backbone.stations]
    assert [experts.index(e) for experts, e in zip(stations, worked, strict=True)] == path
    restored = model(clean[:1], choice=choice)
    assert restored.route.paths() == ["-".join(map(str, path))]
    own = model(clean[:1])
    assert torch.equal(model(clean[:1], choice=own.route.choice).image, own.image)
    if path != own.route.choice[0].tolist():
        assert (restored.image - own.image).abs().max() > 1e-3


@pytest.mark.parametrize("rival", ["one choice", "softmax", "table"])
def test_a_rival_router_steers_the_same_stations(rival, clean):
    torch.manual_seed(0)
    centres = SlerIR(SMALL).compass.centres
    router = {
        "one choice": NearestPin(pins_from_centres(centres), shared=True),
        "softmax": SoftmaxGate(SMALL.tokens),
        "table": Table(table_from_pairings(), centres),
    }[rival]
    model = lively(SlerIR(SMALL, router))
    restored = model(clean)
    assert restored.image.shape == clean.shape
    by_hand = model(clean, choice=restored.route.choice).image
    assert torch.allclose(restored.image, by_hand, atol=1e-6)


# What steers


def pairs(clean: torch.Tensor) -> tuple[torch.Tensor, View, torch.Tensor]:
    """Two crops of each of three photos, where they lie, and the photos' thumbnails."""
    crops = torch.stack(
        [clean[p, :, t : t + 32, s : s + 32] for p in range(3) for t, s in ((8, 80), (64, 16))]
    )
    size = torch.tensor([[112.0, 144.0]]).expand(6, 2)
    view = View(torch.tensor([[8.0, 80.0], [64.0, 16.0]]).repeat(3, 1), torch.ones(6, 2), size)
    return crops, view, thumbnail(clean[:3])


def test_no_statistic_of_a_crop_steers_its_own_stations(model, clean):
    crops, view, small = pairs(clean)
    changed = crops.clone()
    changed[2] = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))  # crop 0 of photo 1
    one, two = (model(x, view=view, thumbnails=small) for x in (crops, changed))
    assert torch.equal(one.sense.z[2], two.sense.z[2])
    assert torch.equal(one.sense.global_token[2], two.sense.global_token[2])
    assert torch.equal(one.sense.thumbnail_tokens[2], two.sense.thumbnail_tokens[2])
    assert torch.equal(one.route.choice[2], two.route.choice[2])
    assert torch.equal(one.route.angle[2], two.route.angle[2])
    assert not torch.allclose(one.sense.z[3], two.sense.z[3], atol=1e-4)  # but its sibling's
    others = [0, 1, 4, 5]
    assert torch.allclose(one.sense.z[others], two.sense.z[others], atol=1e-6)
    assert torch.allclose(one.image[others], two.image[others], atol=1e-5)


def test_the_thumbnail_steers_both_crops_of_its_photo_and_no_others(model, clean):
    crops, view, small = pairs(clean)
    changed = small.clone()
    changed[1] = 1 - changed[1]
    one, two = (model(crops, view=view, thumbnails=s).sense.z for s in (small, changed))
    moved = (one - two).abs().amax(1) > 1e-5
    assert moved.tolist() == [False, False, True, True, False, False]


def test_far_pixels_reach_a_photos_corner_only_through_the_whole(model, clean):
    # With sense and path held, what is restored at a pixel depends on its surroundings alone.
    x = F.pad(clean[:1], (0, 112, 0, 144), "replicate")
    changed = x.clone()
    changed[..., -32:, -32:] = 0.5
    _, sense = model.compass(x)
    one, two = (model(v, sense=sense).image for v in (x, changed))
    assert torch.allclose(one[..., :64, :64], two[..., :64, :64], atol=1e-6)
    assert (one - two)[..., -32:, -32:].abs().max() > 0.01


def test_tiles_with_the_sense_of_the_whole_are_restored_as_the_whole(model, clean):
    x = torch.cat([clean[:1], clean[1:2].flip(-2)], 2)  # 224 x 144
    whole = model(x)
    top = 40  # a tile of all columns and rows 40 to 200, of which the middle is far from where it was cut
    view = View(torch.tensor([[40.0, 0.0]]), torch.ones(1, 2), torch.tensor([[224.0, 144.0]]))
    tile = model(x[..., top:200, :], sense=whole.sense, view=view)
    assert torch.equal(tile.route.choice, whole.route.choice)
    assert torch.allclose(tile.image[..., 72:88, :], whole.image[..., 112:128, :], atol=1e-4)


def test_a_whole_photos_sense_may_be_handed_in(model, clean):
    x = clean[:2, :, :64, :96]
    implicit = model(x)
    local, sense = model.compass(x)
    sense.filters = model.find_motion(x, local)
    explicit = model(x, sense=sense, view=View.whole(x))
    assert torch.equal(implicit.image, explicit.image)
    assert torch.equal(implicit.route.choice, explicit.route.choice)
    assert torch.equal(implicit.sense.z, sense.z)


def test_work_is_all_that_follows_what_was_decided(model, clean):
    x = clean[:2, :, :50, :70]
    whole, padded = model(x), pad(x)
    guide = model.fuse(model.compass.look(padded), whole.sense, View.whole(x))
    assert torch.equal(guide, whole.guide)
    image = model.work(padded, whole.route, whole.sense, whole.local_tokens, guide)
    assert torch.equal(image[..., :50, :70], whole.image)


# Motion


def test_photos_that_show_motion_are_sharpened_and_others_are_left_bit_for_bit(model, clean, monkeypatch):
    real = SlerIR.blurred

    def only_in_a_corner_of_the_second(local):
        seen = torch.zeros_like(real(model, local))
        if len(local) == len(clean):
            seen[1, :, :3, :6] = 1  # of 14 x 18 tokens
            seen[3, :, :3, :3] = 1  # under a twentieth: so little may be just soft
        return seen

    monkeypatch.setattr(model, "blurred", only_in_a_corner_of_the_second)
    got = model(clean)
    still = dataclasses.replace(got.sense, filters=None)
    without = model(clean, sense=still).image
    others = [0, 2, 3, 4, 5]
    assert torch.equal(got.sense.filters[others], F.one_hot(torch.zeros(5).long(), FILTERS).float())
    assert torch.equal(got.image[others], without[others])
    assert got.sense.filters[1, 0] < 0.5 and (got.image[1] - without[1]).abs().max() > 1e-4


@pytest.mark.parametrize("told", [True, False])
def test_the_true_path_of_motion_may_be_told_for_crops(model, clean, monkeypatch, told):
    monkeypatch.setattr(network, "SHARE", -1.0)  # all photos show motion
    crops, view, small = pairs(clean)
    motion = torch.tensor([[10.0, 0.0], [0.0, 0.0], [15.0, 1.0]])
    filters = model(crops, view=view, thumbnails=small, motion=motion if told else None).sense.filters
    share = filters[:, 1:].unflatten(1, (-1, len(STRENGTHS))).sum(2)
    right = [int(path_shares(motion[[p]])[0].argmax()) - 1 for p in (0, 2)]
    if told:
        assert share[[0, 1, 4, 5]].argmax(1).tolist() == [right[0]] * 2 + [right[1]] * 2
        assert torch.equal(filters[2:4], F.one_hot(torch.zeros(2).long(), FILTERS).float())
    else:
        assert share[[0, 1, 4, 5]].argmax(1).tolist() != [right[0]] * 2 + [right[1]] * 2
        assert filters[2:4, 0].max() < 0.9


def test_a_photos_motion_is_undone_by_its_own_filter_where_the_guide_says(model, clean):
    x, guide = clean[:3], torch.randn(3, SMALL.tokens, 14, 18, generator=torch.Generator().manual_seed(0))
    weight = F.one_hot(torch.tensor([40, 0, 300]), FILTERS).float()
    local = model.compass.look(pad(x))
    got = model.undo_motion(x, weight, local, guide)
    for b in range(3):
        part = slice(b, b + 1)
        blurred = model.blurred(local[part])
        alone = model.fuse.unblur(x[part], sharpen(x[part], weight[part]), guide[part], blurred)
        assert torch.allclose(got[part], alone, atol=1e-5)
    assert torch.equal(got[1], x[1]) and (got - x).abs().amax((1, 2, 3))[[0, 2]].min() > 0.01
    assert torch.equal(model.undo_motion(x, None, local, guide), x)


def test_a_crops_filter_comes_from_its_sibling(model, clean, monkeypatch):
    monkeypatch.setattr(network, "SHARE", -1.0)
    crops, view, small = pairs(clean)
    changed = crops.clone()
    changed[2] = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    one, two = (model(x, view=view, thumbnails=small).sense.filters for x in (crops, changed))
    assert one[:, 0].max() < 0.9
    assert torch.equal(one[2], two[2])
    assert (one[3] - two[3]).abs().max() > 1e-5
    others = [0, 1, 4, 5]
    assert torch.allclose(one[others], two[others], atol=1e-7)


def test_a_photos_filter_is_its_own(model, clean, monkeypatch):
    monkeypatch.setattr(network, "SHARE", -1.0)
    together = model(clean[:3]).sense.filters
    for b in range(3):
        assert torch.allclose(model(clean[b : b + 1]).sense.filters[0], together[b], atol=1e-6)
    assert (together[0] - together[1]).abs().max() > 1e-5


def test_gradients_reach_compass_and_pins_through_the_restored_photo(photos):
    torch.manual_seed(0)
    model = lively(SlerIR(SMALL))
    batch = Crops(photos, 6, 32).batch(0)
    got = model(batch.degraded, view=batch.view, thumbnails=batch.thumbnail)
    (got.image - batch.clean).square().mean().backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert "router.pins" in reached and "compass.direction.weight" in reached
    for part in ("compass.close", "compass.far", "compass.join", "fuse.local", "fuse.far", "fuse.whole"):
        assert any(name.startswith(part) for name in reached), part
    assert all(f"fuse.scales.{k}.weight" in reached for k in range(len(RUNS)))


def test_the_path_is_a_digit_a_layer(model, clean):
    for path, choice in zip(model(clean).route.paths(), model(clean).route.choice, strict=True):
        assert path == "-".join(str(int(k)) for k in choice) and len(path) == 2 * LAYERS - 1


@pytest.mark.parametrize("dim", [3, 5])
@pytest.mark.parametrize("width", [8, 12])
def test_the_config_sets_the_sizes(dim, width):
    model = SlerIR(Config(experts=3, width=width, dim=dim, tokens=16)).eval()
    restored = model(torch.rand(1, 3, 24, 24))
    assert restored.sense.z.shape == (1, dim) and restored.guide.shape[1] == 16
    assert [s.experts[0].first.in_channels for s in model.backbone.stations] == model.config.channels()
    assert min(model.config.channels()) == width and max(model.config.channels()) == 4 * width


def test_every_field_of_the_config_has_bounds_and_what_lies_outside_is_refused():
    assert set(BOUNDS) == {f.name for f in fields(Config)}
    for name, (low, high) in BOUNDS.items():
        assert low <= getattr(Config(), name) <= high
        for value in (low, high):
            Config(**{name: value})
        wrong = [0, 1, "yes", None] if type(low) is bool else [low - 1, high + 1, float(low), True, "8", None]
        for value in wrong:
            with pytest.raises(ValueError, match=f"^{name} is .*, not "):
                Config(**{name: value})
