"""Routing: the nearest pin wins at every layer, and the rivals answer in the same form."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from slerir_lite.degrade import PLACES
from slerir_lite.model import Config
from slerir_lite.route import (
    LAYERS,
    PAIRINGS,
    NearestPin,
    Route,
    SoftmaxGate,
    Table,
    fixed,
    pins_from_centres,
    table_from_pairings,
)
from slerir_lite.sphere import Sense, evenly_spaced, first_centres

PHOTOS, EXPERTS, TOKENS = 40, 3, 24


@pytest.fixture
def sense() -> Sense:
    g = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(PHOTOS, 5, generator=g), dim=1)
    return Sense(z, torch.randn(PHOTOS, TOKENS, generator=g), torch.randn(PHOTOS, TOKENS, 8, 8, generator=g))


@pytest.fixture
def nearest() -> NearestPin:
    return NearestPin(torch.randn(LAYERS, EXPERTS, 5, generator=torch.Generator().manual_seed(1)))


def rivals() -> dict[str, torch.nn.Module]:
    torch.manual_seed(2)
    centres = first_centres(5)
    return {
        "nearest pin": NearestPin(pins_from_centres(centres)),
        "one choice": NearestPin(pins_from_centres(centres), shared=True),
        "softmax": SoftmaxGate(TOKENS),
        "table": Table(table_from_pairings(), centres),
    }


# The nearest pin


def test_the_pin_with_the_smallest_angle_wins_at_every_layer(nearest, sense):
    route = nearest(sense)
    for b, layer in itertools.product(range(PHOTOS), range(LAYERS)):
        angles = []
        for pin in nearest.pins[layer].tolist():
            dot = sum(u * v for u, v in zip(pin, sense.z[b].tolist(), strict=True))
            angles.append(math.degrees(math.acos(dot / math.hypot(*pin))))
        assert route.choice[b, layer] == angles.index(min(angles))
        assert route.angle[b, layer].tolist() == pytest.approx(angles, abs=0.05)
        first, second, *_ = sorted(angles)
        assert route.margin[b, layer].item() == pytest.approx(second - first, abs=0.1)


def test_the_length_of_a_pin_does_not_matter(nearest, sense):
    longer = NearestPin(nearest.pins.detach() * torch.linspace(0.1, 9, EXPERTS)[:, None])
    assert torch.equal(nearest(sense).choice, longer(sense).choice)


def test_at_a_pin_its_angle_is_zero_and_it_wins():
    pins = pins_from_centres(first_centres(5))
    for layer, k in itertools.product(range(LAYERS), range(EXPERTS)):
        here = Sense(pins[layer, k][None], torch.zeros(1, TOKENS), torch.zeros(1, TOKENS, 8, 8))
        route = NearestPin(pins)(here)
        assert route.choice[0, layer] == k and route.angle[0, layer, k] < 0.1 < route.margin[0, layer]


@pytest.mark.parametrize("name", ["nearest pin", "softmax"])
def test_under_mixed_precision_angles_are_of_full_precision(name, sense):
    router = rivals()[name]
    expected = router(sense)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        route = router(sense)
    assert torch.equal(route.choice, expected.choice)
    assert torch.allclose(route.angle.float(), expected.angle, atol=0.05)


def test_one_choice_for_the_whole_job_is_the_first_layers(nearest, sense):
    route = NearestPin(nearest.pins.detach(), shared=True)(sense)
    assert (route.choice == nearest(sense).choice[:, :1]).all() and len(route.choice.unique()) == EXPERTS


# Gates


@pytest.mark.parametrize("name", ["nearest pin", "one choice", "softmax"])
def test_a_gate_is_exactly_one_and_its_gradient_teaches_the_router(name, sense):
    router = rivals()[name]
    sense.z.requires_grad_(), sense.global_token.requires_grad_()
    route = router(sense)
    assert route.gate.shape == (PHOTOS, LAYERS) and (route.gate == 1).all()
    wanted = torch.zeros(PHOTOS, LAYERS)
    wanted[:, :1] = 1
    (route.gate * wanted).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in router.parameters())
    seen = sense.global_token if name == "softmax" else sense.z
    assert seen.grad.abs().sum() > 0


def test_a_gate_pulls_the_chosen_pin_nearer_and_pushes_the_others_away(nearest, sense):
    before = nearest(sense)
    (-before.gate.sum()).backward()
    with torch.no_grad():
        nearest.pins -= 0.01 * nearest.pins.grad
    after = nearest(sense)
    taken = F.one_hot(before.choice, EXPERTS).bool()
    closer = after.angle - before.angle
    assert closer[taken].mean() < 0 < closer[~taken].mean()


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_a_gates_gradient_is_that_of_the_softmax_share(nearest, sense, temperature):
    pins = nearest.pins.detach()
    router = NearestPin(pins, temperature)
    router(sense).gate.sum().backward()
    by_hand = pins.clone().requires_grad_()
    total = 0
    for b, layer in itertools.product(range(PHOTOS), range(LAYERS)):
        cos = torch.stack([F.cosine_similarity(sense.z[b], pin, dim=0) for pin in by_hand[layer]])
        total = total + (cos / temperature).exp().max() / (cos / temperature).exp().sum()
    total.backward()
    assert torch.allclose(router.pins.grad, by_hand.grad, atol=1e-4)


# Rivals


@pytest.mark.parametrize("name", rivals())
def test_all_routers_answer_in_the_same_form(name, sense):
    label = torch.arange(PHOTOS) % len(PLACES)
    for route in (rivals()[name](sense), rivals()[name](sense, label)):
        assert isinstance(route, Route)
        assert route.choice.shape == (PHOTOS, LAYERS) and route.choice.dtype == torch.int64
        assert route.choice.min() >= 0 and route.choice.max() < EXPERTS
        assert route.angle.shape == (PHOTOS, LAYERS, EXPERTS) and route.angle.is_floating_point()
        assert (route.angle >= 0).all() and (route.angle <= 180).all()
        assert torch.equal(route.angle.argmin(-1), route.choice)
        assert route.margin.shape == (PHOTOS, LAYERS) and (route.margin >= 0).all()
        paths = route.paths()
        assert [[int(k) for k in path.split("-")] for path in paths] == route.choice.tolist()


def test_the_softmax_gate_takes_the_highest_score(sense):
    router = rivals()["softmax"]
    for token, choice in zip(sense.global_token, router(sense).choice, strict=True):
        score = (router.score.weight @ token + router.score.bias).view(LAYERS, EXPERTS)
        assert choice.tolist() == [row.index(max(row)) for row in score.tolist()]


def test_a_table_looks_up_the_given_label_or_the_nearest_centre(sense):
    router, table = rivals()["table"], table_from_pairings()
    label = torch.arange(PHOTOS) % len(PLACES)
    given, found = router(sense, label), router(sense)
    for b in range(PHOTOS):
        assert given.choice[b].tolist() == table[:, label[b]].tolist()
        cos = [float(c @ sense.z[b]) for c in first_centres(5)]
        assert found.choice[b].tolist() == table[:, cos.index(max(cos))].tolist()


def test_a_table_finds_the_nearest_of_centres_that_are_no_unit_vectors(sense):
    """As a linear space has them: the longest is not the nearest."""
    centres = first_centres(5) * torch.tensor([1.0, 3, 1, 1, 1, 1])[:, None]
    found = Table(table_from_pairings(), centres)(sense)
    for b in range(PHOTOS):
        away = [math.dist(c.tolist(), sense.z[b].tolist()) for c in centres]
        assert found.choice[b].tolist() == table_from_pairings()[:, away.index(min(away))].tolist()


def test_a_table_that_uses_one_specialist_tells_of_three_all_the_same(sense):
    route = Table(torch.zeros(LAYERS, 6, dtype=torch.long), first_centres(5))(sense)
    assert route.angle.shape == (PHOTOS, LAYERS, EXPERTS) and (route.margin == 180).all()


def test_the_pins_at_first_choose_as_the_table_does():
    centres = first_centres(5)
    at_the_centres = Sense(centres, torch.zeros(6, TOKENS), torch.zeros(6, TOKENS, 8, 8))
    assert torch.equal(rivals()["nearest pin"](at_the_centres).choice.T, table_from_pairings())


@pytest.mark.parametrize("experts", [1, 3])
def test_a_hand_may_choose(experts):
    choice = torch.randint(0, experts, (4, LAYERS), generator=torch.Generator().manual_seed(0))
    route = fixed(choice, experts)
    assert torch.equal(route.choice, choice) and route.gate is None
    assert route.angle.shape == (4, LAYERS, experts)
    assert torch.equal(route.angle.argmin(-1), choice) and (route.margin == 180).all()


def test_a_hand_cannot_choose_an_expert_that_is_not_there():
    with pytest.raises((RuntimeError, ValueError, IndexError)):
        fixed(torch.full((1, LAYERS), 3), 3)


# Pairings and pins


def test_each_layer_parts_the_places_into_three_pairs_and_no_two_layers_alike():
    table = table_from_pairings()
    assert table.shape == (LAYERS, len(PLACES)) == (len(PAIRINGS), 6)
    partitions = set()
    for row in table.tolist():
        pairs = [frozenset(p for p, k in zip(PLACES, row, strict=True) if k == expert) for expert in range(3)]
        assert all(len(pair) == 2 for pair in pairs) and frozenset.union(*pairs) == set(PLACES)
        partitions.add(frozenset(pairs))
    assert len(partitions) == LAYERS


def test_the_table_says_what_the_pairings_say():
    for line, row in zip(PAIRINGS, table_from_pairings().tolist(), strict=True):
        assert all(row[PLACES.index(place)] == k for k, pair in enumerate(line) for place in pair)


def test_places_that_face_each_other_on_the_globe_are_never_paired():
    # They have no midpoint, so that no pin could serve both.
    globe = dict(zip(PLACES, first_centres(3), strict=True))
    assert all(globe[a] @ globe[b] > -0.9 for line in PAIRINGS for a, b in line)


def test_no_two_places_share_all_and_each_shares_with_several():
    table = table_from_pairings()
    together = (table[:, :, None] == table[:, None, :]).sum(0)
    others = together[~torch.eye(6, dtype=torch.bool)].view(6, 5)
    assert others.max() <= LAYERS // 2 and (others > 0).sum(1).min() >= 3
    assert len(table.T.unique(dim=0)) == 6  # six different paths


@pytest.mark.parametrize("dim", [3, 5])
def test_pins_are_unit_midpoints_and_lie_apart(dim):
    centres = first_centres(dim)
    pins = pins_from_centres(centres)
    assert pins.shape == (LAYERS, 3, dim) and torch.allclose(pins.norm(dim=-1), torch.ones(LAYERS, 3))
    for line, row in zip(PAIRINGS, pins, strict=True):
        for (a, b), pin in zip(line, row, strict=True):
            first, second = (float(pin @ centres[PLACES.index(p)]) for p in (a, b))
            assert first == pytest.approx(second, abs=1e-5) and first > 0.5
        closest = max(float(p @ q) for p, q in itertools.combinations(row, 2))
        assert math.degrees(math.acos(closest)) > 55


@pytest.mark.parametrize("experts", [0, 1, 2, 3, 4])
def test_any_number_of_experts_has_unit_pins_or_is_refused(experts):
    try:
        config = Config(experts=experts)
    except ValueError as error:
        assert str(experts) in str(error) and experts not in (1, 3)
    else:
        pins = pins_from_centres(evenly_spaced(6, 5), config.experts)
        assert pins.shape == (LAYERS, experts, 5)
        assert torch.allclose(pins.norm(dim=-1), torch.ones(LAYERS, experts), atol=1e-5)


def test_one_expert_leaves_nothing_to_choose(sense):
    route = NearestPin(pins_from_centres(first_centres(5), 1))(sense)
    assert (route.choice == 0).all() and (route.margin == 180).all() and (route.gate == 1).all()
