"""The claims' machinery: rivals differ by settings alone, runs go on, probes give known answers."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.special import log_softmax, softmax
from scripts import of

from slerir_lite.crops import Crops
from slerir_lite.degrade import PLACES
from slerir_lite.evaluate import psnr
from slerir_lite.leaves import dead_leaves
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.pairs import MADE, make_pair, pairs
from slerir_lite.photo import as_bytes
from slerir_lite.restore import restore
from slerir_lite.route import LAYERS, NearestPin, SoftmaxGate, table_from_pairings
from slerir_lite.train import Trainer
from slerir_lite.weights import save_weights

measure_centres = Trainer.measure_centres


@pytest.fixture(autouse=True)
def few_batches_for_centres(monkeypatch):
    monkeypatch.setattr(Trainer, "measure_centres", lambda self, model: measure_centres(self, model, 4))


def small(name: str):
    """A variant in the smoke budget's size."""
    variants = of("variants")
    return variants.BUDGETS["smoke"].sized(variants.VARIANTS[name])


NAMES = (
    "slerir", "generalist", "conditioned", "wide", "whole-networks", "decoder-only", "linear",
    "linear-calm", "softmax",
    "no-uniformity", "no-lead", "triplet-alone", "no-midpoint", "uneven-pins", "fixed-pins", "global-only",
    "local-only", "neither-sense", "one-choice-unguided", "table",
)  # fmt: skip


def trained(name: str, photos, out, steps: int = 3, seed: int = 0) -> Trainer:
    variants = of("variants")
    run = small(name).trainer(photos, out, variants.compass_plan(steps), seed, size=48, per_batch=6)
    run.run()
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pairs of every task of the benchmark's that the claims name, two small photos each."""
    probe, root = of("probe_compass"), tmp_path_factory.mktemp("pairs")
    like = {"noise15": "noise25", "noise50": "noise25", "rain_heavy": "rain", "haze_light": "haze",
            "haze_dense": "haze", "blur_long": "blur", "lowlight_dark": "lowlight"}  # fmt: skip
    for task in probe.TASKS:
        made = like.get(task, task)
        assert made in MADE
        for part in ("input", "target"):
            (root / task / part).mkdir(parents=True)
        for k in range(2):
            clean = dead_leaves(96, 70 + k)[:, :88].float() / 255
            for part, x in (("input", make_pair(clean, made, k)), ("target", clean)):
                Image.fromarray(as_bytes(x)).save(root / task / part / f"{k}.png")
    return root


# Variants


def test_every_variant_is_tried_here_and_every_claim_names_variants():
    variants = of("variants")
    assert set(NAMES) == set(variants.VARIANTS)
    for number, claim in variants.CLAIMS.items():
        assert {*claim.rivals, *claim.compass, *claim.reason} <= set(NAMES) - {"slerir"}
        assert set(claim.apart) <= {*claim.rivals}
        assert bool(claim.rivals or claim.compass) == (number != "C7")  # which is timed, not trained
    assert list(variants.CLAIMS) == [f"C{k}" for k in range(1, 9)]


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_is_the_packages_network_with_other_settings(name):
    model = small(name).build(0)
    assert type(model) in (SlerIR, Generalist)
    json.dumps(small(name).settings())


def test_no_two_variants_have_the_same_settings():
    told = [json.dumps(small(name).settings(), sort_keys=True) for name in NAMES]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("generalist", "wide")])
def test_the_same_seed_gives_all_compasses_the_same_first_weights(name):
    ours, theirs = small(name).build(5).compass, small("slerir").build(5).compass
    for key, v in theirs.state_dict().items():
        if not (name == "uneven-pins" and key == "centres"):
            assert torch.equal(v, ours.state_dict()[key]), key


@pytest.mark.parametrize("name", [n for n in NAMES if n != "wide"])
def test_one_photo_takes_as_much_work_as_with_a_generalist(name):
    # The stations; what looks and steers comes on top of it and is counted in C7.
    stations = small(name).build(0).backbone.stations
    active = sum(p.numel() for s in stations for p in s.experts[0].parameters())
    assert active == sum(p.numel() for p in small("generalist").build(0).backbone.stations.parameters())


def test_the_wide_generalist_is_as_large_as_all_experts_together():
    variants = of("variants")
    wide, team = (variants.VARIANTS[n].build(0).backbone for n in ("wide", "slerir"))
    count = {k: sum(p.numel() for p in m.stations.parameters()) for k, m in (("wide", wide), ("team", team))}
    assert 1 <= count["wide"] / count["team"] < 1.05


def test_uneven_places_are_crowded_and_lie_elsewhere_with_another_seed():
    from slerir_lite.sphere import smallest_angle

    places = [small("uneven-pins").build(seed).compass.centres for seed in range(10)]
    assert (
        max(smallest_angle(p) for p in places)
        < 90
        < smallest_angle(small("fixed-pins").build(0).compass.centres)
    )
    assert not torch.equal(places[0], places[1])


@pytest.mark.parametrize("name", ["uneven-pins", "fixed-pins"])
def test_fixed_places_stay_and_measured_ones_move(name, photos, tmp_path):
    run = trained(name, photos, tmp_path / "a")
    assert torch.equal(run.ema.compass.centres, small(name).build(0).compass.centres)
    moved = trained("slerir", photos, tmp_path / "b")
    assert not torch.allclose(moved.ema.compass.centres, small("slerir").build(0).compass.centres, atol=1e-3)


def gradients(run: Trainer, photos) -> dict[str, float]:
    """One step of the compass's stage -> how large the gradient of each part of the network is."""
    stage = run.plan[0]
    batch = Crops(photos, 6, 48, seed=1).batch(0)
    run._prepare(stage)
    run._losses(stage, 0, batch)[0].backward()
    sizes = {name: 0.0 for name in ("close", "far", "direction", "router")}
    for name, p in run.model.named_parameters():
        part = name.split(".")[1] if name.startswith("compass") else name.split(".")[0]
        if part in sizes and p.grad is not None:
            sizes[part] += float(p.grad.abs().sum())
    return sizes


@pytest.mark.parametrize("name", ["slerir", "linear", "no-uniformity", "no-lead", "triplet-alone",
                                  "uneven-pins", "fixed-pins", "softmax"])  # fmt: skip
def test_the_compass_losses_reach_what_they_shall_teach(name, photos, tmp_path):
    variants = of("variants")
    run = small(name).trainer(photos, tmp_path, variants.compass_plan(4), 0, size=48, per_batch=6)
    found = gradients(run, photos)
    assert found["close"] > 0 and found["far"] > 0
    # A gate speaks through the global token, and the sphere is none of its business.
    assert (found["direction"] > 0) == (name != "softmax") and (found["router"] > 0) == (name == "softmax")


def test_the_weights_of_the_losses_are_those_that_were_asked_for(photos, tmp_path):
    from slerir_lite.losses import WEIGHTS

    run = small("triplet-alone").trainer(photos, tmp_path, [], 0, size=48)
    assert run.weights == WEIGHTS | {"uniformity": 0.0, "lead": 0.0}


# The linear space


def test_a_linear_compass_is_linear_in_its_last_features():
    torch.manual_seed(0)
    compass = small("linear").build(0).compass.eval()
    g = torch.randn(4, compass.tokens)
    both = compass.direction(g[0] + 2 * g[1]) - compass.direction.bias
    parts = compass.direction(g[0]) + 2 * compass.direction(g[1]) - 3 * compass.direction.bias
    assert torch.allclose(both, parts, atol=1e-5)
    with torch.no_grad():
        compass.direction.weight.mul_(7)
        far = torch.randn(4, compass.tokens, 8, 8)
        z = compass.survey(far, g).z
    assert not torch.allclose(z.norm(dim=1), torch.ones(4), atol=0.1)


def test_in_a_linear_space_the_pin_at_the_smallest_distance_wins():
    g = torch.Generator().manual_seed(0)
    pins, z = 3 * torch.randn(LAYERS, 3, 5, generator=g), 3 * torch.randn(20, 5, generator=g)
    from slerir_lite.sphere import Sense

    route = NearestPin(pins, linear=True)(Sense(z, z, z))
    far = torch.cdist(z[:, None].expand(-1, LAYERS, -1).transpose(0, 1), pins).transpose(0, 1)
    assert torch.equal(route.choice, far.argmin(-1))
    assert torch.equal(route.angle.argmin(-1), route.choice)
    assert not torch.equal(route.choice, NearestPin(pins)(Sense(F.normalize(z), z, z)).choice)


def test_of_unit_vectors_nearness_is_the_cosine_less_one():
    from slerir_lite.sphere import nearness

    a, b = (F.normalize(torch.randn(n, 5, dtype=torch.float64), dim=1) for n in (7, 4))
    assert torch.allclose(nearness(a, b), a @ b.T - 1)
    assert torch.allclose(nearness(3 * a, b), -(torch.cdist(3 * a, b) ** 2) / 2)


def test_linear_midpoints_and_centres_are_plain_means():
    from slerir_lite.route import pins_from_centres
    from slerir_lite.sphere import centres, midpoint_loss

    z = torch.tensor([[2.0, 0], [4, 0], [0, 6]])
    middle, seen = centres(z, torch.tensor([0, 0, 1]), 2, linear=True)
    assert torch.equal(middle, torch.tensor([[3.0, 0], [0, 6]])) and seen.all()
    at = torch.tensor([[1.5, 4.0]])  # one above the midpoint
    loss = midpoint_loss(at, torch.tensor([[0.5, 0.5]]), middle, linear=True)
    assert loss.item() == pytest.approx(0.5)
    points = torch.randn(6, 5)
    pins = pins_from_centres(points, 3, linear=True)
    assert torch.allclose(pins.mean(1), points.mean(0).expand(LAYERS, -1), atol=1e-6)


# Routers and senses


def test_the_true_label_reaches_the_table():
    model = small("table").build(0).eval()
    x, label = torch.rand(6, 3, 48, 48), torch.arange(6)
    assert torch.equal(model(x, label=label).route.choice, table_from_pairings().T[label])


def test_the_trainer_tells_the_table_the_label(photos, tmp_path):
    from slerir_lite.plan import STATIONS, Stage

    run = small("table").trainer(photos, tmp_path, [Stage("team", 1, 1e-3, 1e-3, STATIONS)], 0, size=48)
    told = []
    run.model.router.register_forward_pre_hook(lambda _, inputs: told.append(inputs[1]))
    batch = run.crops.batch(0)
    run.run()
    names = [kinds.split("+")[0] for kinds in batch.kinds for _ in range(2)]
    assert [PLACES[k] for k in told[0].tolist()] == names


def test_a_table_looks_where_the_places_have_come_to_lie(photos, tmp_path):
    run = trained("table", photos, tmp_path)
    assert torch.equal(run.ema.router.centres, run.ema.compass.centres)
    assert not torch.equal(run.ema.router.centres, small("table").build(0).router.centres)


def test_only_the_decoder_is_routed():
    from slerir_lite.sphere import Sense

    z = F.normalize(torch.randn(40, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    sense = Sense(z.requires_grad_(), z, z)
    mine, all_routed = small("decoder-only").build(0).router, small("slerir").build(0).router
    route = mine(sense)
    assert (route.choice[:, :4] == 0).all()
    assert torch.equal(route.choice[:, 4:], all_routed(sense).choice[:, 4:])
    assert torch.equal(route.angle.argmin(-1), route.choice)
    (route.gate * torch.randn(40, LAYERS)).sum().backward()
    assert (mine.pins.grad[:4] == 0).all() and mine.pins.grad[4:].abs().sum() > 0
    assert z.grad.isfinite().all()


@pytest.mark.parametrize(
    ("name", "close", "far"),
    [("slerir", True, True), ("global-only", False, True), ("local-only", True, False),
     ("neither-sense", False, False)],
)  # fmt: skip
def test_a_guide_without_a_sense_does_not_change_with_it(name, close, far):
    from slerir_lite.sphere import Sense
    from slerir_lite.view import View

    fuse = small(name).build(0).fuse
    tokens = 12
    local, sense = (
        torch.randn(1, tokens, 6, 6),
        Sense(*(torch.randn(1, *s) for s in ((5,), (12,), (12, 8, 8)))),
    )
    view = View.whole(torch.zeros(1, 3, 48, 48))
    guide = fuse(local, sense, view)
    other = Sense(sense.z, sense.global_token + 1, sense.thumbnail_tokens.flip(2))
    assert (not torch.allclose(fuse(local + 1, sense, view), guide)) == close
    assert (not torch.allclose(fuse(local, other, view), guide)) == far
    x, sharp = torch.zeros(1, 3, 48, 48), torch.ones(1, 3, 48, 48)
    blurred = [fuse.unblur(x, sharp, guide, torch.full((1, 1, 6, 6), v)) for v in (0.0, 1.0)]
    assert (not torch.allclose(*blurred)) == close


def test_a_gate_is_taught_the_table_that_the_pins_begin_with():
    from slerir_lite.losses import gate_loss
    from slerir_lite.sphere import Sense

    gate = SoftmaxGate(16, 3)
    token = torch.randn(6, 16)
    sense = Sense(token, token, token)
    optimizer = torch.optim.Adam(gate.parameters(), 0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss = gate_loss(gate, sense, torch.eye(6))["gate"]
        loss.backward()
        optimizer.step()
    gate.requires_grad_(False)
    assert loss < 0.05 and torch.equal(gate(sense).choice.T, table_from_pairings())
    scores = gate.scores(sense).log_softmax(-1)
    naive = [scores[p, layer, table_from_pairings()[layer, p]] for p in range(6) for layer in range(LAYERS)]
    assert float(gate_loss(gate, sense, torch.eye(6))["gate"]) == pytest.approx(
        -float(torch.stack(naive).mean())
    )
    half = torch.eye(6)[:1] / 2 + torch.eye(6)[3:4] / 2
    both = [float(gate_loss(gate, sense[[k]], torch.eye(6)[[p]])["gate"]) for k, p in ((0, 0), (0, 3))]
    assert float(gate_loss(gate, sense[[0]], half)["gate"]) == pytest.approx(sum(both) / 2, rel=1e-4)


# The compass's probe


def readings(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(n, 6)) * 2
    label = np.array([rng.choice(6, p=softmax(row)) for row in score])
    return score, label


def test_the_temperature_is_found_at_which_probabilities_tell_the_truth():
    probe = of("probe_compass")
    score, label = readings(4000)
    assert probe.fitted_temperature(0.05 * score, label) == pytest.approx(0.05, rel=0.1)
    found = probe.fitted_temperature(score, label)
    assert all(
        probe.likelihood(score, label, found) <= probe.likelihood(score, label, found * f) for f in (0.9, 1.1)
    )


def test_the_log_loss_is_that_of_a_loop():
    probe = of("probe_compass")
    score, label = readings(50)
    naive = np.mean([-log_softmax(s / 0.7)[k] for s, k in zip(score, label, strict=True)])
    assert probe.likelihood(score, label, 0.7) == pytest.approx(naive)


def test_calibration_is_right_for_the_calibrated_and_shows_who_boasts():
    probe = of("probe_compass")
    score, label = readings(20_000)
    assert probe.calibration_error(softmax(score, axis=1), label) < 0.02
    assert probe.calibration_error(softmax(3 * score, axis=1), label) > 0.1
    sure = np.eye(6)[[0, 0, 0, 0]]
    assert probe.calibration_error(sure, np.array([0, 0, 0, 1])) == pytest.approx(0.25)


def test_what_is_told_of_a_group_can_be_checked_by_hand():
    probe = of("probe_compass")
    table = table_from_pairings().numpy()
    score = np.log([[0.7, 0.2, 0.1, 1e-9, 1e-9, 1e-9], [0.5, 0.4, 0.1, 1e-9, 1e-9, 1e-9]])
    choice = np.stack([table[:, 0], np.where(np.arange(8) < 2, (table[:, 1] + 1) % 3, table[:, 1])])
    row = probe.named(score, choice, np.array([0, 1]), 1.0)
    assert row["accuracy"] == 0.5 and row["photos"] == 2
    assert row["margin"] == pytest.approx((0.5 + 0.1) / 2, abs=1e-4)
    assert row["stations"] == pytest.approx((8 + 6) / 16)


def test_a_mix_is_between_its_parents_where_both_are_nearest():
    probe = of("probe_compass")
    rain, blur, haze = (PLACES.index(k) for k in ("rain", "blur", "haze"))
    score = np.full((2, 6), -9.0)
    score[0, [rain, blur]] = 2, 3
    score[1, [haze, blur]] = 3, 2
    table = table_from_pairings().numpy()
    choice = np.stack([table[:, rain], table[:, haze]])
    row = probe.mixed(probe.Reading(score, choice), "rain+blur")
    assert row["both_nearest"] == 0.5 and row["nearest_is_a_parent"] == 0.5
    as_rain, as_blur = (np.mean([(c == table[:, p]).mean() for c in choice]) for p in (rain, blur))
    assert row["stations_of_each"] == pytest.approx([as_rain, as_blur])
    assert row["stations_of_a_parent"] >= max(as_rain, as_blur)


def test_a_gate_is_asked_for_the_place_whose_row_fits_best():
    probe = of("probe_compass")
    model = small("softmax").build(0)
    with torch.no_grad():
        model.router.score.weight.zero_()
        for place in range(6):
            told = F.one_hot(table_from_pairings()[:, place], 3).float()
            model.router.score.bias.copy_(9 * told.flatten())
            from slerir_lite.sphere import Sense

            token = torch.zeros(1, 12)
            assert probe.place_scores(model, Sense(token[:, :5], token, token)).argmax() == place


def test_even_places_have_spacing_one_in_either_space():
    from slerir_lite.sphere import first_centres

    probe = of("probe_compass")
    assert probe.spacing(4 * first_centres(5), linear=True) == {"smallest_share": pytest.approx(1, abs=1e-4)}
    even = probe.spacing(first_centres(5), linear=False)
    assert even["smallest_share"] == pytest.approx(1, abs=1e-4)
    assert even["smallest_angle"] == pytest.approx(math.degrees(math.acos(-1 / 5)), abs=0.1)


# Paths and specialists


def test_entropy_is_none_where_all_take_one_and_greatest_where_all_are_taken_equally():
    probe = of("probe_paths")
    choices = np.stack([np.zeros(6), np.arange(6) % 3, [0, 0, 0, 1, 1, 1]], 1).astype(int)
    assert probe.entropy(choices, 3) == pytest.approx([0, math.log2(3), 1], abs=1e-3)


def test_a_places_own_path_is_what_the_pins_take_at_its_centre():
    model = small("slerir").build(0)
    assert list(of("probe_paths").place_paths(model).values()) == table_from_pairings().T.tolist()


def test_a_mix_is_scored_along_each_path_that_the_table_names(folder):
    """Against the network itself, sent by hand. z lies at no centre, so own and named differ."""
    probe, model = of("probe_paths"), small("slerir").build(0)
    centres, pins = model.compass.centres, model.router.pins
    with torch.no_grad():  # every photo goes its own way, another one than any place's
        pins.copy_(-pins)
        model.compass.direction.bias.copy_(F.normalize(centres[1] + 0.3 * centres[4], dim=0))
    path = probe.place_paths(model)
    found = probe.mixes(model, folder, None)
    for mix, row in found.items():
        by = {name: [] for name in row["psnr"]}
        for pair in pairs(folder, None, [mix]):
            x, clean = pair.load()
            own, ways = restore(x, model), [path[kind] for kind in mix.split("+")]
            undone = restore(restore(x, model, path=ways[1]).image, model, path=ways[0])
            images = {"own": own, "named": restore(x, model, path=path[own.nearest]),
                      "first": restore(x, model, path=ways[0]), "second": restore(x, model, path=ways[1]),
                      "in a row": undone}  # fmt: skip
            for name, got in images.items():
                by[name].append(psnr(as_bytes(got.image), clean))
        assert row["psnr"] == {name: pytest.approx(np.mean(v), abs=1e-3) for name, v in by.items()}
        assert len(set(row["psnr"].values())) > 3


def test_paths_are_counted_and_a_change_is_one_from_the_mildest_to_the_worst(folder, monkeypatch):
    probe, calls = of("probe_paths"), []
    ways = [[0] * 8, [1] * 8, [2] * 8]

    def as_called(x, _, path=None):
        """The path: 0 … at first, 1 … from the fifth severity on, but of the second photo always 2 …"""
        calls.append(x)
        if path is not None:
            return SimpleNamespace(image=torch.zeros(3, 88, 96), path="", choice=torch.tensor(path))
        number = (len(calls) - 1) % 18
        way = ways[2] if number >= 9 else ways[int(number >= 4)]
        return SimpleNamespace(path="-".join(map(str, way)), choice=torch.tensor(way), nearest="noise",
                               image=torch.zeros(3, 88, 96))  # fmt: skip

    monkeypatch.setattr(probe, "restore", as_called)
    swept = probe.sweep(None, "noise", [torch.zeros(3, 88, 96)] * 2)
    assert len(calls) == 18 and swept["paths"] == 3 and swept["photos"] == 2 and swept["changed"] == 0.5
    assert swept["seen"] == {"-".join(map(str, way)) for way in ways}

    model = small("slerir").build(0)
    monkeypatch.setattr(probe, "place_paths", lambda _: dict.fromkeys(PLACES, ways[0]))
    monkeypatch.setattr(
        probe, "sweep", lambda *_: {"paths": 1, "photos": 2, "changed": 0.25, "seen": {"another"}}
    )
    calls.clear()
    found = probe.paths(model, folder, 1)
    assert found["distinct_with_severities"] == found["distinct"] + 1 and found["possible"] == 3**8
    assert all(row == {"paths": 1, "photos": 2, "changed": 0.25} for row in found["severity"].values())
    assert sum(row["another_than_the_places"] for row in found["tasks"].values()) > 0
    assert {row["gain_there"] for row in found["tasks"].values()} <= {None, 0.0}


def test_crowding_tells_how_far_from_its_place_and_how_near_to_a_border_a_photo_lies(folder, monkeypatch):
    probe, model = of("probe_places"), small("slerir").build(0)
    rain, haze = (model.compass.centres[PLACES.index(kind)] for kind in ("rain", "haze"))
    aside = F.normalize(haze - (haze @ rain) * rain, dim=0)  # at right angles to rain's place, towards haze's

    def ten_degrees_off(model, x):
        z = math.cos(math.radians(10)) * rain + math.sin(math.radians(10)) * aside
        return SimpleNamespace(z=z[None])

    monkeypatch.setattr(probe, "sense_in_tiles", ten_degrees_off)
    found = probe.crowding(model, folder, None)
    z = ten_degrees_off(None, None).z[0].double().numpy()
    pins = F.normalize(model.router.pins.detach(), dim=-1).double().numpy()
    by_station = np.sort(np.degrees(np.arccos(np.clip(pins @ z, -1, 1))), axis=1)
    assert found["rain"]["away"] == found["rain_heavy"]["away"] == pytest.approx(10, abs=0.05)
    assert found["rain"]["spare"] == pytest.approx((by_station[:, 1] - by_station[:, 0]).min(), abs=0.05)
    assert found["rain"]["on_path"] == 1 and found["haze"]["on_path"] == 0 and found["rain"]["photos"] == 2
    far = math.degrees(math.acos(float(haze.double().numpy() @ z)))
    assert found["haze"]["away"] == pytest.approx(far, abs=0.05)


def test_traits_tell_a_shade_from_a_stripe_and_colour_from_brightness():
    probe = of("probe_specialists")
    grey = np.full((3, 64, 64), 0.5)
    stripes = grey + 0.1 * (np.arange(64) % 2 - 0.5)
    red = grey + np.array([0.1, -0.05, -0.05])[:, None, None]
    plain, fine, coloured = probe.traits(np.stack([grey, stripes, red]))
    assert fine["texture"] > plain["texture"] and fine["high"] > 0.6 > coloured["high"]
    assert coloured["colour"] > 0.8 > fine["colour"]
    for row in (plain, fine, coloured):
        assert row["low"] + row["middle"] + row["high"] == pytest.approx(1)
    nothing = probe.traits(np.stack([grey, grey, grey]))
    assert all(v == 0 for row in nothing for v in row.values())


def test_multiply_adds_are_those_of_a_convolution_counted_by_hand():
    probe = of("probe_cost")
    conv = torch.nn.Conv2d(3, 4, 3, padding=1)
    assert probe.multiply_adds(conv) == pytest.approx(3 * 4 * 9 / 1e3)


def test_active_parameters_are_those_of_one_expert_a_station():
    probe = of("probe_cost")
    team, one = (probe.parameters(SlerIR(Config(experts=k, width=8, tokens=8))) for k in (3, 1))
    assert one["active_parameters"] == one["parameters"]
    pins = LAYERS * 2 * 5  # three pins a layer instead of one
    assert team["active_parameters"] == one["parameters"] + pins < team["parameters"]


def test_a_mix_whose_parents_take_one_path_has_no_shares_and_every_number_is_json(folder):
    model = small("slerir").build(0)
    with torch.no_grad():
        model.router.pins.copy_(model.router.pins[:, :1].expand_as(model.router.pins))  # all take the first
    found = of("probe_paths").mixes(model, folder, 1)
    assert len(found) == 6 and all(row["stations_that_differ"] == 0 for row in found.values())
    assert all(row["first"] is None and row["psnr"]["own"] is not None for row in found.values())
    json.dumps(found, allow_nan=False)


def test_a_mixs_stations_are_shared_out_among_its_parents_and_a_third(folder):
    found = of("probe_paths").mixes(small("slerir").build(0), folder, None)
    for row in found.values():
        assert row["stations_that_differ"] > 0 and row["photos"] == 2
        assert row["first"] + row["second"] + row["third"] == pytest.approx(1, abs=1e-4)


def test_in_hindsight_every_mixture_of_both_paths_is_tried(folder, monkeypatch):
    """And the best counts, photo by photo: worth is a number of the path alone, but with one good mixture."""
    probe, seen = of("probe_hindsight"), set()
    paths = {"haze": [0, 0, 0, 1, 1, 1, 1, 1], "noise": [1, 0, 2, 1, 1, 1, 1, 0]}
    monkeypatch.setattr(probe, "place_paths", lambda _: paths)
    monkeypatch.setattr(probe, "TRAINED_MIXES", ())
    monkeypatch.setattr(probe, "HELD_OUT_MIXES", ("haze+noise",))
    image = torch.zeros(3, 8, 8)
    monkeypatch.setattr(
        probe, "restore", lambda x, _, path: seen.add(path) or SimpleNamespace(image=image + sum(path) / 99)
    )
    monkeypatch.setattr(probe, "psnr", lambda got, _: float(got.max()))
    row = probe.hindsight(None, folder, 2)["haze+noise"]
    assert row["ways"] == len(seen) == 8 and {tuple(p) for p in paths.values()} <= seen
    assert all(a in (h, n) for way in seen for a, h, n in zip(way, *paths.values(), strict=True))
    level = [round(255 * sum(p) / 99) for p in paths.values()]
    best = round(255 * (1 + 0 + 2 + 1 + 1 + 1 + 1 + 1) / 99)
    assert row["parent"] == max(level) and row["found"] == best > max(level) and row["photos"] == 2


def test_in_hindsight_no_mix_is_worse_than_along_its_better_parents_path(folder):
    model = small("slerir").build(0)
    known = of("probe_paths").mixes(model, folder, 1)
    for mix, row in of("probe_hindsight").hindsight(model, folder, 1).items():
        parents = [known[mix]["psnr"][which] for which in ("first", "second")]
        assert row["parent"] == max(parents) and row["found"] >= row["parent"]
        assert row["photos"] == 1


def test_exchanged_specialists_matter_where_they_differ_and_only_there(folder):
    probe, model = of("exchange"), small("slerir").build(0).eval()
    for station in model.backbone.stations:
        station.copy_first()
    same = probe.exchange(lambda: model, folder, 1)
    assert all(len(set(row.values())) == 1 for row in same.values())
    paths = of("probe_paths").place_paths(model)
    with torch.no_grad():
        model.backbone.stations[2].experts[1].second.bias.add_(0.5)
    found = probe.exchange(lambda: model, folder, 1)
    for task, row in found.items():
        for place, path in paths.items():
            assert (row[place] == same[task][place]) == (path[2] != 1)
    assert {path[2] == 1 for path in paths.values()} == {True, False}


def test_exchanged_are_the_shipped_specialists_and_those_of_every_seed(folder, tmp_path):
    run = tmp_path / "work" / "whole-slerir-3"
    run.mkdir(parents=True)
    save_weights(small("slerir").build(0), run / "model.safetensors", {})
    words = ["--pairs", folder, "--limit", 1, "--out", tmp_path / "found.json", "--work", run.parent]
    of("exchange").main([str(word) for word in words])
    found = json.loads((tmp_path / "found.json").read_text())["parts"]
    assert list(found) == ["shipped", "seed 3"] and found["shipped"] != found["seed 3"]
    assert all(set(row) == set(PLACES) for row in found["shipped"].values())


# The runs


class Stopped(BaseException):
    """As a signal would, it ends a run between two steps."""


def command(photos_folder: Path, folder: Path, out: Path, *more: str) -> list[str]:
    none = out.parent / "none.txt"
    none.write_text("")
    said = {"--photos": photos_folder, "--leave-out": none, "--pairs": folder, "--validation": folder,
            "--out": out, "--work": out.parent / "work", "--threads": 1}  # fmt: skip
    return [str(word) for both in said.items() for word in both] + list(more)


@pytest.fixture(scope="module")
def clean_folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("clean")
    for k in range(3):
        Image.fromarray(dead_leaves(112, k).permute(1, 2, 0).numpy()).save(root / f"{k}.png")
    return root


def test_what_is_scored_fits_no_temperature_and_what_is_left_out_is_not_trained_on(
    clean_folder, tmp_path, monkeypatch
):
    claims, seen = of("claims"), {}
    for name, level in (("scored", 40), ("fitted", 200)):
        for part in ("input", "target"):
            (tmp_path / name / "noise25" / part).mkdir(parents=True)
            Image.new("RGB", (9, 8), (level,) * 3).save(tmp_path / name / "noise25" / part / "0.png")
    monkeypatch.setattr(claims, "TASKS", ["noise25"])
    monkeypatch.setattr(claims, "SAME", ["noise25"])

    def probe(_, scored, fitted, __):
        seen.update(scored=[p.load()[1].max() for p in scored], fitted=[p.load()[1].max() for p in fitted])

    monkeypatch.setattr(claims, "compass_probe", probe)
    monkeypatch.setattr(Trainer, "measure_centres", lambda *_: None)
    (tmp_path / "names.txt").write_text("1.png\n")
    args = SimpleNamespace(
        photos=clean_folder, leave_out=tmp_path / "names.txt", pairs=tmp_path / "scored",
        validation=tmp_path / "fitted", out=tmp_path / "out", work=tmp_path, budget="smoke", threads=1,
    )  # fmt: skip
    runner = claims.Runner(args, of("budget").begin_with(args))
    assert [x.shape for x in runner.photos.images[:2]] == [(3, 112, 112)] * 2
    left_out = dead_leaves(112, 1)
    assert not any(torch.equal(x, left_out) for x in runner.photos.images)
    runner.measure_compass(small("slerir").trainer(runner.photos, tmp_path / "run", [], 0, size=48))
    assert seen == {"scored": [40], "fitted": [200]}


def test_a_run_that_was_stopped_goes_on_and_what_is_done_is_not_redone(
    clean_folder, folder, tmp_path, monkeypatch, capsys
):
    claims, only = of("claims"), ["--kind", "compass", "--only", "C4"]
    words = command(clean_folder, folder, tmp_path / "stopped", *only)
    steps, run_stage = [], Trainer._losses

    def counted(self, stage, step, batch):
        steps.append(step)
        if len(steps) == 13:  # in the middle of the second run
            raise Stopped
        return run_stage(self, stage, step, batch)

    monkeypatch.setattr(Trainer, "_losses", counted)
    save = Trainer.__init__
    monkeypatch.setattr(Trainer, "__init__", lambda self, *a, **k: save(self, *a, **k | {"save_every": 0.0}))
    with pytest.raises(Stopped):
        claims.main(words)
    done = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "stopped").glob("*.json")}
    assert list(done) == ["compass-slerir-0.json"]
    claims.main(words)
    assert steps[12:14] == [4, 4]  # it goes on with the very step that it was stopped in
    assert "compass-slerir-0, was done" in capsys.readouterr().out
    after = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "stopped").glob("*.json")}
    assert len(after) == 14 and after["compass-slerir-0.json"] == done["compass-slerir-0.json"]

    claims.main(command(clean_folder, folder, tmp_path / "whole", *only))
    for name in after:
        one, other = (json.loads((tmp_path / w / name).read_text()) for w in ("stopped", "whole"))
        assert one["scores"] == other["scores"], name  # bit for bit the same run
        assert {"commit", "machine", "seed", "settings", "steps", "seconds", "curve"} <= one.keys()
    other = json.loads((tmp_path / "whole" / name).read_text())
    other["settings"]["budget"]["compass_steps"] += 1
    (tmp_path / "whole" / name).write_text(json.dumps(other))
    with pytest.raises(SystemExit, match="other settings"):
        claims.main(command(clean_folder, folder, tmp_path / "whole", *only))


@pytest.mark.parametrize("name", NAMES)
def test_every_variant_learns_in_every_stage(name, photos, tmp_path):
    from slerir_lite.plan import generalist_stages, stages

    variant = small(name)
    plan = generalist_stages(3) if variant.generalist else stages(6, 1, together=0.34, joint=0.17)
    assert [s.steps for s in plan] == ([3] if variant.generalist else [1, 2, 3, 1])
    run = variant.trainer(photos, tmp_path, plan, 0, size=48, per_batch=6)
    run.run()
    first, last = dict(variant.build(0).named_parameters()), dict(run.model.named_parameters())
    assert all(v.isfinite().all() for v in last.values())
    moved = {key.split(".")[0] for key, v in last.items() if not torch.equal(v, first[key])}
    assert moved >= ({"backbone"} if variant.generalist else {"compass", "backbone", "fuse"})


@pytest.mark.parametrize("claim", ["C1,C7", "C2,C3,C6,C8"])
def test_whole_networks_are_timed_trained_and_measured(claim, clean_folder, folder, tmp_path, monkeypatch):
    claims, variants = of("claims"), of("variants")
    smoke = variants.BUDGETS["smoke"]
    minutes = 0.02 if "C7" in claim else 0
    monkeypatch.setitem(variants.BUDGETS, "smoke", variants.replace(smoke, seeds=1, minutes=minutes))
    monkeypatch.setattr(claims, "COST", ("generalist", "wide"))
    claims.main(command(clean_folder, folder, tmp_path / "out", "--kind", "whole", "--only", claim))
    asked = [variants.CLAIMS[c] for c in claim.split(",")]
    names = {"slerir"}.union(*(c.rivals + c.reason for c in asked))
    files = sorted((tmp_path / "out").glob("whole-*.json"))
    assert {f.name for f in files} == {f"whole-{name}-0.json" for name in names}
    for file in files:
        found = json.loads(file.read_text())
        assert math.isfinite(found["scores"]["five_task_average"])
        assert set(variants.VARIANTS[found["variant"]].probes) <= set(found["scores"])
    if minutes:
        steps = json.loads((tmp_path / "out" / "steps.json").read_text())["seconds_per_step"]
        assert all(v > 0 for row in steps.values() for v in row.values()) and set(steps) == names
        cost = json.loads((tmp_path / "out" / "cost.json").read_text())["cost"]
        assert cost["wide"]["gmac_per_megapixel"] > 2 * cost["generalist"]["gmac_per_megapixel"]
        if sys.platform == "linux":
            assert all(
                row[what]["megabytes"] > 1 for row in cost.values() for what in ("restoring", "training")
            )


@pytest.mark.parametrize("text", ["C9", "", "C1,x"])
def test_what_is_no_claim_is_refused_with_those_there_are(text):
    with pytest.raises(ValueError, match="C1,C2,C3,C4,C5,C6,C7,C8"):
        of("claims").chosen(text)


def test_claims_are_chosen_in_any_case_and_jobs_are_there_once_seed_by_seed():
    claims, variants = of("claims"), of("variants")
    assert claims.chosen("c3, C4") == ["C3", "C4"]
    found = variants.jobs(variants.BUDGETS["long"], ["C3", "C4"])
    assert len(found) == len(set(found)) and [seed for *_, seed in found] == sorted(s for *_, s in found)
    assert sum(kind == "compass" and name == "linear" for kind, name, _ in found) == 10
    assert sum(kind == "whole" and name == "linear" for kind, name, _ in found) == 5
    assert not any(kind == "compass" for kind, *_ in variants.jobs(variants.BUDGETS["long"], ["C1"]))


def test_only_what_takes_time_is_timed_anew():
    variants = of("variants")
    losses = ("no-uniformity", "no-lead", "triplet-alone", "no-midpoint", "uneven-pins", "fixed-pins")
    like = dict.fromkeys(losses, "slerir") | {"linear-calm": "linear"}
    like["one-choice-unguided"] = "neither-sense"  # a choice takes no time
    for name in NAMES:
        assert variants.timed_as(name) == like.get(name, name)


def test_a_curve_keeps_its_end_and_few_points():
    thinned = of("claims").thinned
    assert thinned([]) == [] and thinned([{"step": 25}]) == [{"step": 25}]
    found = thinned([{"step": k} for k in range(1, 401)])
    assert len(found) <= 60 and found[-1] == {"step": 400} and found == sorted(found, key=lambda r: r["step"])
