"""The compass: its losses against naive loops, its points against known optima, its senses."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import pdist
from torch import nn

from slerir_lite.batch import AMOUNTS
from slerir_lite.degrade import PLACES
from slerir_lite.sphere import (
    Compass,
    Step,
    asinh_third,
    centres,
    detail,
    evenly_spaced,
    evenness,
    first_centres,
    midpoint_loss,
    smallest_angle,
    triplet_loss,
    uniformity_loss,
)


def directions(n: int, dim: int = 5, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return F.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=dtype), dim=1)


def angles(points: torch.Tensor) -> list[float]:
    cos = (points.double() @ points.double().T).clamp(-1, 1)
    return [math.degrees(math.acos(cos[i, j])) for i, j in itertools.combinations(range(len(points)), 2)]


# Losses


def naive_triplet(z, label, margin: float) -> float:
    terms = []
    for a, p in itertools.permutations(range(len(z)), 2):
        negatives = [float(z[a] @ z[n]) for n in range(len(z)) if label[n] != label[a]]
        if label[a] == label[p] and negatives:
            terms.append(max(0.0, margin + max(negatives) - float(z[a] @ z[p])))
    return sum(terms) / len(terms) if terms else 0.0


@pytest.mark.parametrize(
    "labels", [[0, 0, 1, 1, 2, 2, 2, 0], [3, 3, 3, 1], [0, 1, 2, 3], [4, 4, 4], [0]], ids=str
)
@pytest.mark.parametrize("margin", [0.2, 0.8, 1.5])
def test_the_triplet_loss_is_that_of_a_loop_over_all_triplets(labels, margin):
    z, label = directions(len(labels)), torch.tensor(labels)
    assert triplet_loss(z, label, margin).item() == pytest.approx(naive_triplet(z, labels, margin), abs=1e-6)


def test_the_triplet_loss_is_zero_once_all_are_apart_by_the_margin():
    z = torch.eye(3, dtype=torch.float64).repeat_interleave(2, 0)
    label = torch.tensor([0, 0, 1, 1, 2, 2])
    assert triplet_loss(z, label, 0.99) == 0
    assert triplet_loss(z, label, 1.01).item() == pytest.approx(0.01)


def test_the_triplet_loss_has_the_right_gradient():
    label = torch.tensor([0, 0, 1, 1, 2, 0])
    z = directions(6, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: triplet_loss(F.normalize(v, dim=1), label, 0.7), z)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2], [0]], ids=["no negative", "no positive", "alone"])
def test_without_triplets_the_loss_and_its_gradient_are_zero(labels):
    z = directions(len(labels)).requires_grad_()
    loss = triplet_loss(z, torch.tensor(labels))
    loss.backward()
    assert loss == 0 and (z.grad == 0).all()


def test_a_step_down_the_triplet_loss_brings_a_kind_together():
    z = directions(12, seed=2).requires_grad_()
    label = torch.arange(12) % 3
    optimizer = torch.optim.Adam([z], 0.05)
    for _ in range(60):
        optimizer.zero_grad()
        triplet_loss(F.normalize(z, dim=1), label).backward()
        optimizer.step()
    cos = F.normalize(z.detach(), dim=1) @ F.normalize(z.detach(), dim=1).T
    same = label[:, None] == label[None, :]
    assert cos[same].min() > cos[~same].max() + 0.5


@pytest.mark.parametrize("t", [0.5, 2.0, 10.0])
def test_the_uniformity_loss_is_the_log_of_the_mean_energy_of_all_pairs(t):
    z = directions(9)
    energy = [math.exp(-t * d) for d in pdist(z.numpy(), "sqeuclidean")]
    assert uniformity_loss(z, t).item() == pytest.approx(math.log(sum(energy) / len(energy)), abs=1e-9)


def test_the_uniformity_loss_has_the_right_gradient():
    z = directions(7, seed=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: uniformity_loss(F.normalize(v, dim=1)), z)


def test_the_uniformity_loss_is_lowest_where_points_are_spread_evenly():
    even = uniformity_loss(evenly_spaced(6, 5).double())
    assert all(even < uniformity_loss(directions(6, seed=seed)) for seed in range(30))
    assert uniformity_loss(directions(1).expand(6, 5)).item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_points_have_a_finite_uniformity_loss(count):
    # A batch in which one place alone occurs must not end a training run.
    z = directions(count).requires_grad_()
    loss = uniformity_loss(z)
    loss.backward()
    assert loss.isfinite() and z.grad.isfinite().all()


def test_centres_are_the_normalised_means_of_what_has_their_label():
    z, label = directions(10), torch.tensor([0, 2, 2, 0, 5, 0, 2, 5, 5, 5])
    found, seen = centres(z, label)
    assert found.shape == (6, 5) and seen.tolist() == [True, False, True, False, False, True]
    for k in (0, 2, 5):
        mean = sum(z[i] for i in range(10) if label[i] == k)
        assert torch.allclose(found[k], mean / mean.norm())


def share_of(*names: str) -> torch.Tensor:
    return torch.tensor([names.count(p) / len(names) for p in PLACES], dtype=torch.float64)


def test_a_mix_in_the_middle_of_its_parents_costs_nothing():
    middle = evenly_spaced(6, 5).double()
    for a, b in itertools.combinations(range(6), 2):
        share = share_of(PLACES[a], PLACES[b])[None]
        z = F.normalize(middle[a] + middle[b], dim=0)[None]
        assert midpoint_loss(z, share, middle).item() == pytest.approx(0, abs=1e-6)
        # Between them and as far from either; anywhere else costs one minus the cosine.
        assert smallest_angle(torch.cat([z, middle[[a]]])) == pytest.approx(
            smallest_angle(middle) / 2, abs=0.01
        )
        for other in directions(4, seed=a):
            expected = 1 - float(other @ z[0])
            assert midpoint_loss(other[None], share, middle).item() == pytest.approx(expected, abs=1e-6)


def test_only_mixes_are_drawn_to_a_midpoint():
    z, middle = directions(3, seed=7), evenly_spaced(6, 5).double()
    share = torch.stack([share_of("noise"), share_of("rain"), share_of("blur", "noise")])
    parents = middle[PLACES.index("blur")] + middle[PLACES.index("noise")]
    expected = 1 - float(z[2] @ F.normalize(parents, dim=0))
    assert midpoint_loss(z, share, middle).item() == pytest.approx(expected, abs=1e-6)
    assert midpoint_loss(z[:2], share[:2], middle) == 0


def test_the_midpoint_loss_moves_the_mixes_and_not_the_places():
    z, middle = directions(2).requires_grad_(), evenly_spaced(6, 5).double().requires_grad_()
    midpoint_loss(z, share_of("haze", "rain").repeat(2, 1), middle).backward()
    assert z.grad.abs().sum() > 0 and middle.grad is None


# Evenly spaced points


@pytest.mark.parametrize("count, dim", [(2, 1), (2, 3), (3, 2), (4, 3), (6, 5), (6, 8), (5, 16)])
def test_a_simplex_is_exact(count, dim):
    points = evenly_spaced(count, dim).double()
    cos = points @ points.T
    assert torch.allclose(cos, torch.eye(count).double() * (1 + 1 / (count - 1)) - 1 / (count - 1), atol=1e-6)


@pytest.mark.parametrize(
    "count, dim, optimum",
    [(6, 3, 90.0), (12, 3, 63.4349), (5, 2, 72.0)],
    ids=["octahedron", "icosahedron", "pentagon"],
)
def test_points_beyond_the_simplex_reach_the_known_optimum(count, dim, optimum):
    points = evenly_spaced(count, dim)
    assert torch.allclose(points.norm(dim=1), torch.ones(count), atol=1e-6)
    assert min(angles(points)) == pytest.approx(optimum, rel=0.01)


@pytest.mark.parametrize("count, dim", [(1, 3), (1, 1), (3, 3), (9, 3)])
def test_evenly_spaced_points_are_as_many_unit_vectors_as_asked_for(count, dim):
    points = evenly_spaced(count, dim, steps=20)
    assert points.shape == (count, dim)
    assert torch.allclose(points.norm(dim=1), torch.ones(count), atol=1e-6)


def test_points_are_spread_wherever_gradients_are_switched_off():
    with torch.no_grad():
        a = evenly_spaced(6, 4, steps=50)
    with torch.inference_mode():
        b = evenly_spaced(6, 4, steps=50)
    assert torch.equal(a, b) and torch.equal(a, evenly_spaced(6, 4, steps=50))


def test_points_come_out_the_same_each_time_whatever_else_is_random():
    torch.manual_seed(1)
    one = evenly_spaced(7, 3, steps=50)
    torch.manual_seed(2)
    assert torch.equal(one, evenly_spaced(7, 3, steps=50))


@pytest.mark.parametrize("dim, optimum", [(3, 90), (4, 90), (5, 101.537), (8, 101.537)])
def test_the_places_start_as_far_apart_as_they_can_be(dim, optimum):
    points = first_centres(dim)
    assert points.shape == (len(PLACES), dim)
    assert min(angles(points)) == pytest.approx(optimum, rel=0.01)


def test_on_the_globe_facing_places_are_none_that_are_mixed_by_name():
    facing = {
        frozenset((PLACES[a], PLACES[b]))
        for (a, b), angle in zip(itertools.combinations(range(6), 2), angles(first_centres(3)), strict=True)
        if angle > 170
    }
    assert len(facing) == 3
    for mix in ("haze+rain", "blur+noise", "lowlight+blur", "rain+blur", "haze+noise", "lowlight+noise"):
        assert frozenset(mix.split("+")) not in facing


def test_the_smallest_angle_is_the_smallest_of_all_pairs():
    for seed in range(5):
        points = directions(8, 4, seed)
        assert smallest_angle(points) == pytest.approx(min(angles(points)), abs=1e-3)


def test_evenness_compares_with_the_optimum():
    best = evenness(evenly_spaced(6, 5))
    assert best["smallest_angle"] == pytest.approx(best["optimal_angle"])
    assert best["optimal_angle"] == pytest.approx(math.degrees(math.acos(-1 / 5)), abs=0.1)
    assert best["uniformity"] == pytest.approx(best["optimal_uniformity"])
    crowded = evenness(F.normalize(directions(6, 5, dtype=torch.float32) + 2, dim=1))
    assert crowded["smallest_angle"] < 0.5 * crowded["optimal_angle"]
    assert crowded["uniformity"] > crowded["optimal_uniformity"] + 0.5


# The encoder


@pytest.fixture(scope="module")
def compass() -> Compass:
    torch.manual_seed(0)
    made = Compass(dim=5, tokens=24)
    for _ in range(3):  # so that its normalisation has seen something
        made.look(torch.rand(4, 3, 64, 64))
        made.glance(torch.rand(4, 3, 64, 64))
    return made.eval()


@pytest.mark.parametrize("dim", [3, 5])
def test_the_compass_gives_tokens_far_and_near_and_a_unit_vector(dim, clean):
    compass = Compass(dim, tokens=24)
    local, sense = compass(clean[..., :104, :])
    assert local.shape == (6, 24, 13, 18)
    assert sense.thumbnail_tokens.shape == (6, 24, 8, 8) and sense.global_token.shape == (6, 24)
    assert sense.z.shape == (6, dim)
    assert torch.allclose(sense.z.norm(dim=1), torch.ones(6), atol=1e-5)
    assert compass.read(local).shape == (6, len(AMOUNTS), 13, 18)
    assert compass.centres.shape == (6, dim)


def test_detail_is_each_pixel_less_the_mean_of_its_four_neighbours():
    x = torch.rand(1, 2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = detail(x)
    for c, i, j in itertools.product(range(2), range(3), range(4)):
        around = [(max(i - 1, 0), j), (min(i + 1, 2), j), (i, max(j - 1, 0)), (i, min(j + 1, 3))]
        mean = sum(float(x[0, c, a, b]) for a, b in around) / 4
        assert float(found[0, c, i, j]) == pytest.approx(float(x[0, c, i, j]) - mean, abs=1e-12)


def test_the_quick_asinh_is_asinh_on_both_sides_of_zero():
    v = torch.cat([torch.linspace(-300, 300, 6001), torch.logspace(-8, 0, 50), torch.zeros(1)])
    assert (asinh_third(v).double() - v.double().asinh() / 3).abs().max() < 1e-6


def test_the_way_back_to_the_pixels_is_open():
    x = torch.rand(1, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.01
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: asinh_third(detail(x).mul_(255)), (x,))


def test_where_a_gradient_is_asked_for_it_is_asinhs_at_zero_too():
    v = torch.tensor([-40.0, -1.0, -0.0, 0.0, 1e-3, 5.0], requires_grad=True)
    asinh_third(v).sum().backward()
    assert torch.allclose(v.grad, 1 / (3 * (v.detach().square() + 1).sqrt()))


def test_at_rest_the_norm_is_a_part_of_the_convolution():
    torch.manual_seed(0)
    step = Step(3, 8, 2).double()
    x = torch.randn(2, 3, 9, 12, dtype=torch.float64)
    for _ in range(3):
        step(x + torch.randn(()))  # statistics of its own
    nn.init.normal_(step[1].weight), nn.init.normal_(step[1].bias)
    step.eval()
    expected = step[2](step[1](step[0](x)))
    assert torch.allclose(step(x), expected, atol=1e-12) and expected.std() > 0.1


def test_it_looks_at_eight_bits_and_the_way_back_to_the_pixels_is_open(compass):
    deep = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    eight = (deep * 255).round() / 255
    assert torch.equal(compass.look(deep), compass.look(eight))
    deep.requires_grad_()
    compass.look(deep).sum().backward()
    assert deep.grad.abs().min() > 0


def test_local_tokens_see_their_surroundings_and_nothing_far_away(compass):
    x = torch.rand(1, 3, 192, 192, generator=torch.Generator().manual_seed(0)).requires_grad_()
    token = compass.look(x)[0, :, 12, 12].sum()  # around pixel (100, 100)
    (reach,) = torch.autograd.grad(token, x)
    rows, columns = reach[0].abs().sum(0).nonzero(as_tuple=True)
    for at in (rows, columns):
        assert at.min() <= 96 and at.max() >= 103  # all of its own cell
        assert 100 - 64 <= at.min() and at.max() < 100 + 64  # and less than a crop around it


def test_a_changed_corner_does_not_change_the_tokens_far_from_it(compass, clean):
    changed = clean.clone()
    changed[..., :8, :8] = 1 - changed[..., :8, :8]
    one, two = compass.look(clean), compass.look(changed)
    assert (one - two)[..., 0, 0].abs().max() > 1e-3
    assert torch.allclose(one[..., 8:, 10:], two[..., 8:, 10:], atol=1e-6)


def test_what_is_seen_of_a_photo_does_not_depend_on_its_neighbours_in_the_batch(compass, clean):
    local, sense = compass(clean)
    for b in range(len(clean)):
        alone_local, alone = compass(clean[b : b + 1])
        assert torch.allclose(alone_local, local[b : b + 1], atol=1e-5)
        for name in ("z", "global_token", "thumbnail_tokens"):
            assert torch.allclose(getattr(alone, name), getattr(sense[b : b + 1], name), atol=1e-5)


def test_the_coarse_map_knows_above_from_below(compass):
    compass = Compass(5, 24).eval()
    torch.nn.init.normal_(compass.where)
    grey = compass.glance(torch.full((1, 3, 64, 64), 0.5))
    assert (grey[..., 0, :] - grey[..., -1, :]).abs().max() > 0.1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_photos_have_a_direction_too(compass, value):
    _, sense = compass(torch.full((1, 3, 8, 8), value))
    assert sense.z.norm().item() == pytest.approx(1, abs=1e-5)


def test_under_mixed_precision_directions_are_of_full_precision(compass, clean):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        local = compass.look(clean)
        sense = compass.survey(compass.glance(torch.rand(6, 3, 64, 64)), local.mean((2, 3)))
    assert local.dtype == torch.bfloat16 and sense.z.dtype == torch.float32
    assert torch.allclose(sense.z.norm(dim=1), torch.ones(6), atol=1e-5)
