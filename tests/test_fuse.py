"""The guide: nothing at first, and for a crop the same as for its place in the whole photo."""

import pytest
import torch
import torch.nn.functional as F

from slerir_lite.fuse import Fuse, spread, token_places
from slerir_lite.sphere import Sense
from slerir_lite.view import View

TOKENS, CHANNELS = 12, [8, 16, 32, 16, 8]


def sense_of(photos: int, seed: int = 0) -> Sense:
    g = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(photos, 5, generator=g), dim=1)
    return Sense(z, torch.randn(photos, TOKENS, generator=g), torch.randn(photos, TOKENS, 8, 8, generator=g))


def crop_view(top: float, left: float, height: int, width: int, n: int = 1) -> View:
    return View(
        torch.tensor([[top, left]] * n), torch.ones(n, 2), torch.tensor([[float(height), float(width)]] * n)
    )


@pytest.fixture
def fuse() -> Fuse:
    torch.manual_seed(0)
    return Fuse(TOKENS, CHANNELS)


def trained(fuse: Fuse) -> Fuse:
    """With something to say."""
    for parameter in fuse.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return fuse


def test_at_first_the_guide_changes_nothing(fuse):
    x = torch.rand(2, 3, 40, 56)
    guide = fuse(torch.randn(2, TOKENS, 5, 7), sense_of(2), View.whole(x))
    assert guide.shape == (2, TOKENS, 5, 7) and guide.abs().sum() > 0
    assert torch.allclose(fuse.expose(x, guide), x, atol=1e-6)
    for run, channels in enumerate(CHANNELS):
        scale = fuse.scale(run, guide, (20, 28))
        assert scale.shape == (2, channels, 20, 28) and (scale == 1).all()


def test_a_guide_of_its_own_for_each_photo_and_each_place(fuse):
    trained(fuse)
    local, sense = torch.randn(2, TOKENS, 5, 7), sense_of(2)
    view = View.whole(torch.zeros(2, 3, 40, 56))
    guide = fuse(local, sense, view)
    swapped = fuse(local, sense[[1, 0]], view)
    assert (guide - swapped).abs().max() > 0.1
    for b in range(2):
        assert torch.allclose(
            fuse(local[b : b + 1], sense[b : b + 1], view[b : b + 1]), guide[b : b + 1], atol=1e-5
        )
    nudged = local.clone()
    nudged[0, :, 2, 3] += 1
    change = (fuse(nudged, sense, view) - guide).abs().sum(1)
    assert change[0, 2, 3] > 0.01 and (change > 1e-5).sum() == 1


@pytest.mark.parametrize("top, left", [(0, 0), (16, 24), (32, 64)])
def test_a_crops_guide_is_that_of_its_place_in_the_whole_photo(fuse, top, left):
    trained(fuse)
    height, width, h, w = 64, 96, 4, 4
    local, sense = torch.randn(1, TOKENS, height // 8, width // 8), sense_of(1)
    whole = fuse(local, sense, View.whole(torch.zeros(1, 3, height, width)))
    here = (..., slice(top // 8, top // 8 + h), slice(left // 8, left // 8 + w))
    crop = fuse(local[here], sense, crop_view(top, left, height, width))
    assert torch.allclose(crop, whole[here], atol=1e-5)
    # And elsewhere it would be another: the coarse map is looked up by place.
    elsewhere = fuse(local[here], sense, crop_view((top + 32) % 64, (left + 48) % 96, height, width))
    assert (elsewhere - crop).abs().max() > 0.05


def test_tokens_lie_at_the_middle_of_what_they_cover():
    places = token_places(crop_view(16, 40, 64, 96), torch.zeros(1, TOKENS, 2, 3))
    assert places.shape == (1, 2, 3, 2)
    for i in range(2):
        for j in range(3):
            x, y = places[0, i, j].tolist()
            assert (x + 1) / 2 * 96 == pytest.approx(40 + 8 * j + 4)
            assert (y + 1) / 2 * 64 == pytest.approx(16 + 8 * i + 4)


def test_the_coarse_map_of_a_photo_is_read_where_the_photo_has_it(fuse):
    # A map that holds its own coordinates, read at the tokens of a 128 x 128 photo, cell by cell of 16 px.
    for head in (fuse.local, fuse.far, fuse.whole):
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    fuse.blend = torch.nn.Identity()
    with torch.no_grad():
        fuse.far.weight[range(TOKENS), range(TOKENS), 0, 0] = 1
    far = torch.zeros(1, TOKENS, 8, 8)
    far[:, 0], far[:, 1] = torch.arange(8.0)[:, None], torch.arange(8.0)
    sense = Sense(torch.zeros(1, 5), torch.zeros(1, TOKENS), far)
    guide = fuse(torch.zeros(1, TOKENS, 16, 16), sense, View.whole(torch.zeros(1, 3, 128, 128)))
    for i in range(1, 15):  # beyond, the border is repeated
        middle = (8 * i + 4) / 16 - 0.5
        assert guide[0, 0, i].mean().item() == pytest.approx(middle, abs=1e-5)
        assert guide[0, 1, :, i].mean().item() == pytest.approx(middle, abs=1e-5)
    assert guide[0, 0, 0].max() < 0.01 and guide[0, 0, -1].min() > 6.99


def test_exposure_lifts_the_dark_and_takes_off_a_veil(fuse):
    guide = torch.zeros(1, TOKENS, 4, 4)
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():  # three gains, as logarithms, then three shifts
        fuse.exposure.bias.copy_(torch.tensor([2.0, 2.0, 2.0, 0, 0, 0]).log().nan_to_num(neginf=0))
    assert torch.allclose(fuse.expose(x, guide), 2 * x, atol=1e-5)
    with torch.no_grad():
        fuse.exposure.bias.copy_(torch.tensor([0, 0, 0, -0.1, -0.2, -0.3]))
    assert torch.allclose(fuse.expose(x, guide), x - torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1), atol=1e-5)


def test_a_guide_is_drawn_out_smoothly_and_keeps_flat_maps_flat():
    flat = torch.full((1, 2, 3, 4), 0.7)
    assert torch.allclose(spread(flat, (24, 32)), torch.full((1, 2, 24, 32), 0.7))
    ramp = torch.arange(4.0).view(1, 1, 1, 4).expand(1, 1, 3, 4)
    drawn = spread(ramp, (24, 32))
    steps = drawn[0, 0, 0].diff()
    assert drawn.shape == (1, 1, 24, 32) and (steps >= 0).all() and steps.max() <= 1 / 8 + 1e-6


def test_what_the_guide_does_is_smooth_over_the_photo(fuse):
    trained(fuse)
    guide = fuse(torch.randn(1, TOKENS, 6, 6), sense_of(1), View.whole(torch.zeros(1, 3, 48, 48)))
    x = torch.full((1, 3, 48, 48), 0.5)
    for v in (
        fuse.expose(x, guide),
        fuse.unblur(x, 1 - x / 2, guide, torch.rand(1, 1, 6, 6)),
        fuse.scale(0, guide, (24, 24)),
    ):
        span = v.amax((2, 3)) - v.amin((2, 3))
        assert (v.diff(dim=2).abs().amax((2, 3)) < 0.35 * span).all()


def test_gradients_reach_every_part_and_both_senses(fuse):
    trained(fuse)
    local, sense = torch.randn(2, TOKENS, 5, 7).requires_grad_(), sense_of(2)
    sense.global_token.requires_grad_(), sense.thumbnail_tokens.requires_grad_()
    x = torch.rand(2, 3, 40, 56).requires_grad_()
    guide = fuse(local, sense, View.whole(x))
    total = (
        fuse.expose(fuse.unblur(x, torch.rand(2, 3, 40, 56), guide, torch.rand(2, 1, 5, 7)), guide)
        .square()
        .sum()
    )
    total = total + sum(fuse.scale(k, guide, (20, 28)).square().sum() for k in range(len(CHANNELS)))
    total.backward()
    for name, parameter in fuse.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    for source in (local, sense.global_token, sense.thumbnail_tokens, x):
        assert source.grad.abs().sum() > 0
    assert sense.z.grad is None  # z says who works, the tokens say where and on what


def test_gradients_reach_the_guides_heads_from_the_start(fuse):
    x = torch.rand(1, 3, 40, 56)
    guide = fuse(torch.randn(1, TOKENS, 5, 7), sense_of(1), View.whole(x))
    total = fuse.expose(fuse.unblur(x, 1 - x, guide, torch.rand(1, 1, 5, 7)), guide).square().sum()
    (total + fuse.scale(0, guide, (20, 28)).sum()).backward()
    for head in (fuse.exposure, fuse.moved, fuse.scales[0]):
        assert head.weight.grad.abs().sum() > 0


def test_motion_is_undone_where_the_guide_sees_it_and_only_there(fuse):
    # The first token says where: strongly yes in the left half, strongly no in the right.
    x, sharpened = torch.rand(2, 2, 3, 32, 64)
    guide = torch.zeros(2, TOKENS, 4, 8)
    with torch.no_grad():
        fuse.moved.weight[0, 0] = 1
    guide[:, 0, :, :4], guide[:, 0, :, 4:] = 20, -20
    got = fuse.unblur(x, sharpened, guide, torch.full((2, 1, 4, 8), 0.25))
    assert torch.allclose(got[..., :28], sharpened[..., :28], atol=1e-5)
    assert torch.allclose(got[..., 36:], x[..., 36:], atol=1e-5)


def test_at_first_motion_is_undone_where_it_is_read(fuse):
    x, sharpened = torch.zeros(1, 3, 32, 64), torch.ones(1, 3, 32, 64)
    blurred = torch.zeros(1, 1, 4, 8)
    blurred[..., 4:] = 0.6  # a path of 12 px
    got = fuse.unblur(x, sharpened, torch.randn(1, TOKENS, 4, 8), blurred)
    assert got[..., :28].max() < 0.1 and got[..., 36:].min() > 0.9
