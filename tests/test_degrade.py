"""The five degradations: each against its physics, and the same damage on every view of a photo."""

import itertools
import math

import numpy as np
import pytest
import scipy.ndimage
import torch
from skimage.feature import structure_tensor
from skimage.metrics import peak_signal_noise_ratio

from slerir_lite.data import thumbnail
from slerir_lite.degrade import (
    BREAK,
    KINDS,
    PLACES,
    blur,
    confine,
    disc,
    draw_disc,
    haze,
    lowlight,
    mix,
    motion_kernel,
    noise,
    quantise,
    rain,
    transmission,
)
from slerir_lite.view import View

# What is drawn for severities from 0 to 1.
RANGES = {
    "noise": {"sigma": (5, 55)},
    "haze": {"beta": (0.5, 2.4), "air": (0.75, 1)},
    "blur": {"length": (5, 21)},
    "lowlight": {"gain": (0.08, 0.4)},
}
QUIET = {"blur": {"read": 0.0}, "lowlight": {"photons": 1e20, "read": 0.0}, "haze": {}}  # nothing random left


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def crop_view(top: int, left: int, height: int, width: int, n: int) -> View:
    """The view of n crops at one place of photos of the same size."""
    return View(
        torch.tensor([[top, left]] * n, dtype=torch.float32),
        torch.ones(n, 2),
        torch.tensor([[height, width]] * n, dtype=torch.float32),
    )


def thumbnail_view(x: torch.Tensor, side: int = 64) -> View:
    size = torch.tensor(x.shape[-2:], dtype=torch.float32).expand(len(x), 2)
    return View(torch.zeros(len(x), 2), size / side, size)


def repeated(did: dict, times: int) -> dict:
    return {k: v.repeat_interleave(times, 0) for k, v in did.items()}


def on_8_bit_grid(x: torch.Tensor) -> bool:
    return bool(((x * 255 - (x * 255).round()).abs() < 1e-3).all())


# Every kind


def test_the_places_are_clean_and_the_five_kinds():
    assert sorted(PLACES) == sorted(["clean", "noise", "rain", "haze", "blur", "lowlight"])
    assert set(BREAK) == set(KINDS) == set(PLACES) - {"clean"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_does_the_same_damage_and_another_seed_does_not(kind, clean):
    first, did = BREAK[kind](clean, generator=seeded(1))
    again, did_again = BREAK[kind](clean, generator=seeded(1))
    other, did_other = BREAK[kind](clean, generator=seeded(2))
    assert torch.equal(first, again)
    assert all(torch.equal(did[k], did_again[k]) for k in did)
    assert (first - other).abs().mean() > 1e-3
    assert any(not torch.equal(did[k], did_other[k]) for k in did)


@pytest.mark.parametrize("kind", KINDS)
def test_the_photos_of_a_batch_are_damaged_differently(kind, clean):
    _, did = BREAK[kind](clean[:1].repeat(4, 1, 1, 1), generator=seeded())
    assert all(len(v) == 4 and len(v.unique(dim=0)) == 4 for v in did.values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_done_is_done_again_when_it_is_handed_back(kind, clean):
    first, did = BREAK[kind](clean, 0.6, generator=seeded(3), **QUIET.get(kind, {}))
    again, did_again = BREAK[kind](clean, generator=seeded(4), **did)
    assert did_again.keys() == did.keys()
    assert all(torch.equal(did[k], did_again[k]) for k in did)
    if kind in QUIET:
        assert torch.allclose(first, again, atol=1e-6)
    else:  # other grains and drops, but as many of them
        a, b = ((y - clean).square().mean((1, 2, 3)).sqrt() for y in (first, again))
        assert torch.allclose(a, b, rtol=0.12)


@pytest.mark.parametrize("kind", QUIET)
def test_a_batch_is_damaged_as_its_photos_are_one_by_one(kind, clean):
    _, did = BREAK[kind](clean, generator=seeded(5), **QUIET[kind])
    together, _ = BREAK[kind](clean, **did)
    alone = [BREAK[kind](clean[b : b + 1], **{k: v[b : b + 1] for k, v in did.items()})[0] for b in range(6)]
    assert torch.allclose(together, torch.cat(alone), atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_clean_photo_is_left_as_it_is_and_the_damaged_one_stays_in_range(kind, clean):
    x = clean.clone()
    y, _ = BREAK[kind](x, 1.0, generator=seeded())
    assert torch.equal(x, clean)
    assert y.shape == x.shape and y.min() >= 0 and y.max() <= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 2)], ids=str)
def test_photos_of_any_size_can_be_damaged(kind, size):
    y, _ = mix(torch.rand(2, 3, *size, generator=seeded()), kind, 1.0, generator=seeded())
    assert y.shape == (2, 3, *size) and y.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_severity_costs_more_psnr(kind, clean):
    def psnr(severity: float) -> float:
        score = [
            peak_signal_noise_ratio(c.numpy(), y.numpy(), data_range=1)
            for seed in range(4)
            for c, y in zip(clean, BREAK[kind](clean, severity, generator=seeded(seed))[0], strict=True)
        ]
        return float(np.mean(score))

    scores = [psnr(s) for s in (0.0, 0.33, 0.67, 1.0)]
    assert all(a > b + 0.3 for a, b in itertools.pairwise(scores)), scores


@pytest.mark.parametrize("kind", RANGES)
def test_the_physical_parameters_span_their_ranges_and_do_not_leave_them(kind):
    x = torch.zeros(400, 3, 1, 1)
    _, did = BREAK[kind](x, generator=seeded())
    ends = [BREAK[kind](x, severity, generator=seeded())[1] for severity in (0.0, 1.0)]
    for name, (low, high) in RANGES[kind].items():
        for d in (did, *ends):
            assert d[name].min() >= low - 1e-5 and d[name].max() <= high + 1e-5
        assert did[name].min() < low + 0.05 * (high - low) and did[name].max() > high - 0.05 * (high - low)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("severity", [-0.01, 1.01, float("nan"), [0.5, 2.0]], ids=str)
def test_a_severity_outside_0_to_1_is_refused(kind, severity):
    with pytest.raises(ValueError, match="severity"):
        BREAK[kind](torch.rand(2, 3, 8, 8), severity)


@pytest.mark.parametrize("kind", KINDS)
def test_each_photo_of_a_batch_may_have_its_own_severity(kind, clean):
    both, _ = BREAK[kind](clean[:1].repeat(2, 1, 1, 1), torch.tensor([0.0, 1.0]), generator=seeded())
    error = (both - clean[:1]).square().mean((1, 2, 3))
    assert error[1] > 1.5 * error[0]


@pytest.mark.parametrize("kind", ["noise", "rain", "haze", "lowlight"])
@pytest.mark.parametrize("severity", [0.1, 0.5, 0.9])
def test_damage_done_to_a_thumbnail_looks_like_the_thumbnail_of_the_damage(kind, severity):
    # A soft photo away from black and white: there a mean commutes with clipping and with a gamma curve.
    soft = torch.rand(12, 3, 5, 7, generator=seeded(9)) * 0.3 + 0.3
    x = torch.nn.functional.interpolate(soft, (256, 384), mode="bilinear")
    whole, did = BREAK[kind](x, severity, generator=seeded(1))
    expected = thumbnail(whole) - thumbnail(x)
    got = BREAK[kind](thumbnail(x), generator=seeded(2), view=thumbnail_view(x), **did)[0] - thumbnail(x)
    # Mean over the batch, and the spread of what differs from pixel to pixel.
    assert got.mean().item() == pytest.approx(expected.mean().item(), rel=0.1, abs=0.002)
    spread = [v.std((2, 3)).mean().item() for v in (got, expected)]
    assert spread[0] == pytest.approx(spread[1], rel=0.3, abs=0.002)


def test_blur_on_a_thumbnail_agrees_with_the_thumbnail_of_the_blurred_photo():
    x = torch.nn.functional.interpolate(
        torch.rand(6, 3, 40, 40, generator=seeded()), (192, 192), mode="bicubic"
    )
    x = x.clamp(0, 1)
    whole, did = blur(x, 0.8, generator=seeded(1), read=0.0)
    got, _ = blur(thumbnail(x), view=thumbnail_view(x), **did)
    inside = (..., slice(4, -4), slice(4, -4))  # a mirrored edge differs by less than a thumbnail's pixel
    expected = thumbnail(whole)[inside]
    assert (got[inside] - expected).abs().mean() < 0.2 * (thumbnail(x)[inside] - expected).abs().mean()


# Noise


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
def test_noise_has_the_sigma_that_was_asked_for(sigma):
    y, did = noise(torch.full((4, 3, 96, 96), 128 / 255), sigma=sigma, generator=seeded())
    error = (y - 128 / 255) * 255
    assert error.std().item() == pytest.approx(sigma, rel=0.02)
    assert abs(error.mean().item()) < 4 * sigma / math.sqrt(error.numel())
    assert did["sigma"].tolist() == [sigma] * 4


def test_noise_is_white():
    y, _ = noise(torch.full((1, 3, 128, 128), 0.5), sigma=20, generator=seeded())
    e = y[0] - 0.5
    for moved in (e.roll(1, 1), e.roll(1, 2), e.roll(1, 0)):
        assert abs(torch.corrcoef(torch.stack([e.flatten(), moved.flatten()]))[0, 1]) < 0.02


@pytest.mark.parametrize("kinds", ["clean", *KINDS, "haze+rain"])
def test_a_damaged_photo_has_8_bit_values(kinds, clean):
    y, _ = mix(clean * 0.97 + 0.0123, kinds, generator=seeded())
    assert on_8_bit_grid(y)


def test_a_thumbnail_is_not_rounded(clean):
    y, _ = mix(thumbnail(clean), "haze", 0.5, generator=seeded(), view=thumbnail_view(clean))
    assert not on_8_bit_grid(y)


def test_quantise_clips_and_takes_the_nearest_level():
    x = torch.linspace(-0.2, 1.2, 4001)
    y = quantise(x)
    inside = (x >= 0) & (x <= 1)
    assert (y - x)[inside].abs().max() <= 0.5 / 255 + 1e-6
    assert set(y.unique().tolist()) == {float(v) for v in (np.arange(256) / 255).astype(np.float32)}


# Haze


def cubic(v: float) -> float:
    """Keys' kernel with a = -0.75, as image libraries use it."""
    v, a = abs(v), -0.75
    if v <= 1:
        return (a + 2) * v**3 - (a + 3) * v**2 + 1
    return a * (v**3 - 5 * v**2 + 8 * v - 4) if v < 2 else 0.0


def depth_at(y: float, x: float, height: int, width: int, near, bumps) -> float:
    """The depth of one point of a photo, by hand. y, x: its place in pixels."""
    ramp = near[0] + near[1] * (1 - y / height) ** near[2]
    v, u = y / height * 4 - 0.5, x / width * 4 - 0.5  # on the 4 x 4 grid
    bump = 0.0
    for i in range(math.floor(v) - 1, math.floor(v) + 3):
        for j in range(math.floor(u) - 1, math.floor(u) + 3):
            bump += cubic(v - i) * cubic(u - j) * bumps[min(max(i, 0), 3)][min(max(j, 0), 3)]
    return ramp + min(max(bump, 0.0), 0.6)


def test_haze_is_koschmieders_law_pixel_by_pixel():
    x = torch.rand(2, 3, 11, 7, generator=seeded())
    y, did = haze(x, generator=seeded(1))
    for b in range(2):
        beta, air = did["beta"][b].item(), did["air"][b].item()
        for i in range(11):
            for j in range(7):
                d = depth_at(i + 0.5, j + 0.5, 11, 7, did["near"][b].tolist(), did["depth"][b].tolist())
                t = math.exp(-beta * d)
                for c in range(3):
                    assert y[b, c, i, j].item() == pytest.approx(
                        t * x[b, c, i, j].item() + air * (1 - t), abs=2e-5
                    )


def test_thicker_haze_lets_less_light_through():
    near, depth = torch.tensor([[0.1, 0.5, 1.0]]).expand(3, 3), torch.rand(3, 4, 4, generator=seeded()) * 0.5
    depth = depth[:1].expand(3, 4, 4)
    view = View.whole(torch.zeros(3, 3, 20, 30))
    t = transmission(torch.tensor([0.5, 1.2, 2.4]), near, depth, view, 20, 30)
    assert t.shape == (3, 1, 20, 30) and (t > 0).all() and (t < 1).all()
    assert (t[0] > t[1]).all() and (t[1] > t[2]).all()


def test_the_top_of_a_photo_is_usually_the_farthest():
    x = torch.zeros(64, 3, 32, 32)
    _, did = haze(x, generator=seeded())
    t = transmission(did["beta"], did["near"], did["depth"], View.whole(x), 32, 32)[:, 0]
    assert (t[:, 0].mean(1) < t[:, -1].mean(1)).float().mean() > 0.9


@pytest.mark.parametrize("kind", ["haze", "lowlight"])
@pytest.mark.parametrize("top, left", [(0, 0), (17, 40), (80, 112)])
def test_a_crop_of_the_damaged_photo_is_the_damaged_crop(kind, top, left, clean):
    # The depth of the haze belongs to the whole photo: a crop sees its own piece of it.
    whole, did = BREAK[kind](clean, 0.7, generator=seeded(), **QUIET[kind])
    here = (..., slice(top, top + 32), slice(left, left + 32))
    crop, _ = BREAK[kind](clean[here], view=crop_view(top, left, 112, 144, 6), **did)
    assert torch.allclose(crop, whole[here], atol=2e-6)


def test_the_inside_of_a_blurred_crop_is_that_of_the_blurred_photo(clean):
    whole, did = blur(clean, 0.5, generator=seeded(), read=0.0)
    crop, _ = blur(clean[..., 10:90, 20:110], view=crop_view(10, 20, 112, 144, 6), **did)
    assert torch.allclose(crop[..., 12:-12, 12:-12], whole[..., 22:78, 32:98], atol=2e-6)


@pytest.mark.parametrize("kind", ["noise", "rain"])
def test_a_crop_has_as_much_damage_as_its_photo(kind):
    x = torch.full((8, 3, 192, 192), 0.4)
    whole, did = BREAK[kind](x, 0.5, generator=seeded())
    here = repeated(did, 9)
    view = crop_view(60, 60, 192, 192, 72)
    crops, _ = BREAK[kind](torch.full((72, 3, 64, 64), 0.4), generator=seeded(1), view=view, **here)
    assert (crops - 0.4).mean().item() == pytest.approx((whole - 0.4).mean().item(), rel=0.08, abs=5e-4)
    assert crops.std().item() == pytest.approx(whole.std().item(), rel=0.08)


# Blur


def moments(kernel: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Centre (row, column), relative to the middle, and the 2 x 2 covariance of one kernel."""
    r = kernel.shape[-1] // 2
    rows, columns = np.mgrid[-r : r + 1, -r : r + 1]
    at = np.stack([rows.ravel(), columns.ravel()])
    weight = kernel.double().numpy().ravel()
    centre = at @ weight
    off = at - centre[:, None]
    return centre, (off * weight) @ off.T


def draw_kernels(n: int = 40):
    g = seeded()
    length, angle = 5 + 16 * torch.rand(n, generator=g), math.pi * torch.rand(n, generator=g)
    return length, angle, 2 * torch.rand(n, generator=g) - 1


def test_kernels_are_odd_sized_and_centred_and_sum_to_one():
    kernels = motion_kernel(*draw_kernels())
    assert kernels.shape[-1] == kernels.shape[-2] and kernels.shape[-1] % 2 == 1
    assert (kernels >= 0).all()
    assert torch.allclose(kernels.sum((1, 2)), torch.ones(40), atol=1e-5)
    for kernel in kernels:  # a blur does not move the photo
        assert np.abs(moments(kernel)[0]).max() < 0.02


def test_a_straight_kernel_is_as_long_as_asked_and_lies_along_its_angle():
    length, angle, _ = draw_kernels()
    for kernel, n, a in zip(motion_kernel(length, angle, torch.zeros(40)), length, angle, strict=True):
        _, covariance = moments(kernel)
        (across, along), axes = np.linalg.eigh(covariance)
        # A line of length n has variance n^2 / 12; a pixel's own width adds less than a third.
        assert n.item() ** 2 / 12 - 0.1 * n.item() < along < n.item() ** 2 / 12 + 0.34
        assert across < 0.34
        found = math.atan2(axes[0, 1], axes[1, 1])
        assert abs(math.remainder(found - a.item(), math.pi)) < 0.03


def test_a_bent_kernel_curves_to_the_side_of_its_bend():
    n = torch.full((3,), 21.0)
    kernels = motion_kernel(n, torch.zeros(3), torch.tensor([-1.0, 0.0, 1.0]))
    width = [np.linalg.eigvalsh(moments(k)[1])[0] for k in kernels]
    assert width[0] > width[1] + 0.5 and width[2] > width[1] + 0.5
    assert torch.allclose(kernels[0], kernels[2].flip(0), atol=1e-4)  # mirror images of each other
    # The ends of the path lie to one side of its middle.
    middle = kernels.shape[-1] // 2
    rows = torch.arange(kernels.shape[-1]).float() - middle
    height = [(k * rows[:, None]).sum(0) / k.sum(0) for k in kernels]
    side = [h[~h.isnan()] for h in height]
    assert (side[2][0] + side[2][-1]) / 2 > side[2][len(side[2]) // 2] + 1
    assert (side[0][0] + side[0][-1]) / 2 < side[0][len(side[0]) // 2] - 1


def test_blur_is_a_convolution_with_mirrored_edges():
    x = torch.rand(4, 3, 37, 50, generator=seeded())
    y, did = blur(x, generator=seeded(1), read=0.0)
    for b in range(4):
        kernel = motion_kernel(*(did[k][b : b + 1] for k in ("length", "angle", "bend")))[0].double().numpy()
        for c in range(3):
            expected = scipy.ndimage.convolve(x[b, c].double().numpy(), kernel, mode="mirror")
            assert np.abs(y[b, c].numpy() - expected).max() < 1e-5


def test_blur_keeps_a_flat_photo_flat_and_adds_the_noise_asked_for():
    flat = torch.full((4, 3, 64, 64), 0.5)
    assert torch.allclose(blur(flat, 1.0, generator=seeded(), read=0.0)[0], flat, atol=1e-6)
    y, _ = blur(flat, 1.0, generator=seeded(), read=1.5)
    assert y.std().item() * 255 == pytest.approx(1.5, rel=0.03)


# Rain


def fall(n: int = 6, size: int = 128, **how) -> torch.Tensor:
    """Rain alone: streaks on black, without a veil."""
    how = dict(density=0.008, length=16.0, angle=0.2, strength=0.7, brightness=0.6, veil=0.0) | how
    return rain(torch.zeros(n, 3, size, size), generator=seeded(), **how)[0]


def test_a_photos_numbers_may_come_as_an_array_or_a_list():
    given = [0.004, 0.02]
    one = fall(2, density=np.array(given))
    assert torch.equal(one, fall(2, density=torch.tensor(given))) and torch.equal(one, fall(2, density=given))


def test_more_drops_cover_more_of_the_photo():
    covered = [(fall(density=d) > 0.05).float().mean().item() for d in (0.003, 0.006, 0.012, 0.022)]
    assert all(b > 1.4 * a for a, b in itertools.pairwise(covered)), covered


def test_light_rain_brightens_in_proportion_to_the_number_of_drops_and_to_their_length():
    one, twice, longer = (
        fall(strength=0.5, **how).mean().item()
        for how in (dict(density=0.003), dict(density=0.006), dict(density=0.003, length=24.0))
    )
    assert twice / one == pytest.approx(2, rel=0.1)
    assert longer / one == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize("angle", [-0.6, -0.25, 0.0, 0.4])
def test_streaks_fall_at_their_angle(angle):
    total = np.zeros((2, 2))
    for photo in fall(angle=angle):
        rr, rc, cc = structure_tensor(photo[0].double().numpy(), sigma=1.5, order="rc")
        total += np.array([[rr.mean(), rc.mean()], [rc.mean(), cc.mean()]])
    values, axes = np.linalg.eigh(total)
    down, right = axes[:, 0]  # the least change is along the streaks
    assert abs(math.remainder(math.atan2(right, down) - angle, math.pi)) < 0.06
    assert values[0] < 0.2 * values[1]


def test_streaks_are_as_long_as_asked():
    for length in (10.0, 25.0):
        y = fall(length=length, angle=0.0, density=0.0005, strength=0.9)[:, 0] > 0.1
        # The longest run of lit pixels in each lit column is about one streak.
        runs = [
            sum(1 for _ in group)
            for photo in y.numpy()
            for column in photo.T
            for lit, group in itertools.groupby(column)
            if lit
        ]
        assert np.median(runs) == pytest.approx(length, abs=2)


def test_streaks_enter_at_the_edges_as_often_as_they_fall_inside():
    y = fall(n=24, size=64)
    edge = torch.cat([y[..., :4, :], y[..., -4:, :]], -2).mean()
    assert edge.item() == pytest.approx(y[..., 20:44, :].mean().item(), rel=0.15)


def test_a_veil_takes_the_contrast_out_of_a_rainy_photo():
    x = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 8, 2)
    y, _ = rain(x, density=0.0, length=10.0, angle=0.0, strength=0.5, brightness=0.5, veil=0.2)
    dark, bright = y[..., 0].mean().item(), y[..., 1].mean().item()
    assert dark > 0.1 and bright < 1 and bright - dark == pytest.approx(0.8, abs=1e-4)


def test_streaks_lighten_what_is_behind_them_and_never_darken_it():
    x = torch.rand(4, 3, 64, 64, generator=seeded()) * 0.5
    y, _ = rain(x, 1.0, generator=seeded(), veil=0.0, brightness=0.6)
    assert (y >= x - 1e-6).all() and (y > x + 0.05).float().mean() > 0.1


# Low light


@pytest.mark.parametrize("level", [0.3, 0.8])
def test_a_dark_exposure_has_the_mean_and_the_noise_of_its_formula(level):
    gain, gamma, photons, read = 0.35, 1.8, 900.0, 1.5
    x = torch.full((6, 3, 96, 96), level)
    y, _ = lowlight(x, gain=gain, gamma=gamma, photons=photons, read=read, generator=seeded())
    mean = gain * level**gamma
    variance = mean / photons + (read / 255) ** 2
    assert y.mean().item() == pytest.approx(mean, rel=0.01)
    assert y.var().item() == pytest.approx(variance, rel=0.03)


def test_brighter_parts_of_a_dark_exposure_are_noisier():
    x = torch.tensor([0.2, 0.9]).view(1, 1, 1, 2).repeat(1, 3, 4000, 1)
    y, _ = lowlight(x, 0.0, generator=seeded())
    assert y[..., 1].std() > 1.3 * y[..., 0].std()


# Mixes


def test_a_mix_happens_in_the_order_of_its_names(clean):
    done = {
        "haze": haze(clean, 0.8, generator=seeded())[1],
        "lowlight": lowlight(clean, 0.3, generator=seeded(), **QUIET["lowlight"])[1],
    }
    for first, second in (("haze", "lowlight"), ("lowlight", "haze")):
        y, did = mix(clean, f"{first}+{second}", did=done)
        by_hand = BREAK[second](BREAK[first](clean, **done[first])[0], **done[second])[0]
        assert (y - by_hand).abs().max() <= 0.5 / 255 + 1e-5
        assert list(did) == [first, second]
    dark_haze, hazy_dark = (mix(clean, k, did=done)[0].mean() for k in ("haze+lowlight", "lowlight+haze"))
    assert hazy_dark > dark_haze + 0.2


@pytest.mark.parametrize("order", list(itertools.permutations(["noise", "rain", "blur"])), ids="+".join)
def test_mixes_of_three_in_any_order_report_all_that_was_done(order, clean):
    y, did = mix(clean, "+".join(order), 0.4, generator=seeded())
    again, did_again = mix(clean, "+".join(order), generator=seeded(1), did=did)
    assert tuple(did) == order
    for kind in order:
        assert all(torch.equal(did[kind][k], did_again[kind][k]) for k in did[kind])
    a, b = ((v - clean).square().mean((1, 2, 3)).sqrt() for v in (y, again))
    assert torch.allclose(a, b, rtol=0.1)


def test_a_mix_of_nothing_changes_nothing(clean):
    y, did = mix(clean, "clean")
    assert torch.allclose(y, clean, atol=1e-7) and did == {}


@pytest.mark.parametrize("kinds", ["fog", "noise+fog", "", "noise+", "Noise"])
def test_an_unknown_kind_is_refused_with_the_known_ones(kinds):
    with pytest.raises(ValueError, match="noise, rain, haze, blur, lowlight"):
        mix(torch.rand(1, 3, 8, 8), kinds)


# Masks


def test_a_disc_is_full_inside_and_empty_outside_with_a_soft_edge():
    spot = dict(centre=torch.tensor([[0.4, 0.6]]), radius=torch.tensor([0.25]), soft=torch.tensor([0.08]))
    view = View.whole(torch.zeros(1, 3, 90, 120))
    mask = disc(**spot, view=view, height=90, width=120)[0, 0]
    r = 0.25 * math.sqrt(90 * 120)
    away = np.hypot(*(np.mgrid[0:90, 0:120] + 0.5 - np.array([0.4 * 90, 0.6 * 120])[:, None, None]))
    away = torch.from_numpy(away)
    assert mask[away < 0.5 * r].min() > 0.99 and mask[away > 1.5 * r].max() < 0.01
    edge = (away - r).abs() < 0.5
    assert (mask[edge] - 0.5).abs().max() < 0.1
    order = away.flatten().argsort()
    assert (mask.flatten()[order].diff() <= 1e-6).all()  # falls all the way outwards
    assert mask.diff(dim=1).abs().max() < 0.2  # and nowhere suddenly


def test_drawn_discs_cover_a_tenth_to_a_third_of_a_photo():
    view = View.whole(torch.zeros(200, 3, 60, 80))
    share = disc(**draw_disc(200, seeded()), view=view, height=60, width=80).mean((1, 2, 3))
    assert share.quantile(0.05) > 0.06 and share.max() < 0.37 and share.max() > 0.25


def test_a_crops_disc_is_a_crop_of_the_photos_disc():
    spot = draw_disc(4, seeded())
    whole = disc(**spot, view=View.whole(torch.zeros(4, 3, 90, 120)), height=90, width=120)
    crop = disc(**spot, view=crop_view(31, 44, 90, 120, 4), height=40, width=50)
    assert torch.allclose(crop, whole[..., 31:71, 44:94], atol=1e-5)


def test_confined_damage_stays_within_its_mask(clean):
    damaged, _ = mix(clean, "noise", 1.0, generator=seeded())
    mask = torch.linspace(0, 1, 144).mul(3).sub(1).clamp(0, 1).expand(6, 1, 112, 144)
    y = confine(clean, damaged, mask)
    outside, inside = mask.expand_as(y) == 0, mask.expand_as(y) == 1
    assert torch.allclose(y[outside], clean[outside], atol=1e-7)
    assert torch.allclose(y[inside], damaged[inside], atol=1e-7)
    low, high = torch.minimum(clean, damaged), torch.maximum(clean, damaged)
    assert (y >= low - 1e-6).all() and (y <= high + 1e-6).all() and on_8_bit_grid(y)
    middle = ~outside & ~inside
    assert ((y - clean).abs() < (damaged - clean).abs() - 1e-6)[middle].float().mean() > 0.5


# Views


def test_a_views_pixels_lie_where_they_were_cut():
    view = View(torch.tensor([[5.0, 9.0]]), torch.tensor([[2.0, 3.0]]), torch.tensor([[64.0, 96.0]]))
    rows, columns = view.rows_and_columns(4, 6)
    assert rows.flatten().tolist() == [6.0, 8.0, 10.0, 12.0]
    assert columns.flatten().tolist() == [10.5, 13.5, 16.5, 19.5, 22.5, 25.5]
    assert view.shrink().item() == pytest.approx(math.sqrt(6))


def test_the_view_of_a_whole_photo_reaches_from_edge_to_edge():
    view = View.whole(torch.zeros(2, 3, 10, 14))
    rows, columns = view[:1].rows_and_columns(10, 14)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0.5, 9.5, 0.5, 13.5)
    assert view.shrink().tolist() == [1.0, 1.0]
