"""Each classical tool mends the damage that it is for, and does nothing that its idea forbids."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from slerir_lite import classical
from slerir_lite.degrade import blur, convolve, haze, lowlight, motion_kernel, noise, rain

KERNEL = motion_kernel(torch.tensor([9.0]), torch.tensor([0.5]), torch.tensor([0.0]))
TOOLS = {
    "non_local_means": classical.non_local_means,
    "wavelet": classical.wavelet,
    "median": classical.median,
    "wiener": lambda x: classical.wiener(x, KERNEL.expand(len(x), -1, -1)),
    "richardson_lucy": lambda x: classical.richardson_lucy(x, KERNEL.expand(len(x), -1, -1), 3),
    "gamma": classical.gamma,
    "clahe": classical.clahe,
    "dehaze": classical.dehaze,
}


def dB(x, clean) -> float:
    return -10 * math.log10(float((x - clean).pow(2).mean()))


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("name", TOOLS)
def test_photos_come_back_in_their_size_and_range(name, clean):
    x = clean[:2, :, :61, :80]  # an odd size
    y = TOOLS[name](x)
    assert y.shape == x.shape and y.dtype == x.dtype
    assert 0 <= float(y.min()) and float(y.max()) <= 1
    assert torch.isfinite(y).all()


@pytest.mark.parametrize("name", TOOLS)
def test_a_batch_is_its_photos_one_by_one(name, clean):
    x = clean[:2, :, :64, :80]
    assert_close(TOOLS[name](x), torch.cat([TOOLS[name](x[:1]), TOOLS[name](x[1:])]), atol=1e-5, rtol=0)


@pytest.mark.parametrize("tool", [classical.non_local_means, classical.wavelet])
def test_noise_goes(tool, clean, generator):
    y, _ = noise(clean, sigma=25, generator=generator)
    assert dB(tool(y), clean) > dB(y, clean) + 3


def test_wavelet_told_of_no_noise_changes_nothing(clean):
    assert_close(classical.wavelet(clean, sigma=0), clean, atol=1e-5, rtol=0)


def test_wavelet_flattens_a_flat_photo_as_far_as_its_levels_reach(generator):
    y = 0.5 + 0.1 * torch.randn(1, 3, 96, 96, generator=generator)
    assert float(classical.wavelet(y, sigma=25.5).std()) < 0.1 * float(y.std())


def test_median_takes_out_thin_upright_lines_and_keeps_edges():
    clean = torch.zeros(1, 3, 24, 24)
    clean[..., 12:] = 0.8
    y = clean.clone()
    y[..., 4] = y[..., 19] = 1
    assert_close(classical.median(y), clean)


def test_median_takes_out_rain(clean, generator):
    smooth = F.avg_pool2d(clean, 9, 1, 4, count_include_pad=False)  # without fine things of its own to lose
    y, _ = rain(smooth, 0.5, veil=0, generator=generator)
    assert dB(classical.median(y), smooth) > dB(y, smooth) + 2


@pytest.mark.parametrize("tool", [classical.wiener, classical.richardson_lucy])
def test_blur_goes_with_the_true_kernel_and_worsens_with_a_wrong_one(tool, clean, generator):
    y, _ = blur(clean, length=9, angle=0.5, bend=0, read=0.5, generator=generator)
    right, wrong = KERNEL.expand(len(clean), -1, -1), KERNEL.flip(-1).expand(len(clean), -1, -1)
    inside = (..., slice(16, -16), slice(16, -16))  # what moved in from outside can't be known
    given = dB(y[inside], clean[inside])
    assert dB(tool(y, right)[inside], clean[inside]) > given + 1.5
    assert dB(tool(y, wrong)[inside], clean[inside]) < given


def test_wiener_divides_exactly_where_nothing_is_in_the_way(clean):
    gentle = torch.tensor([[[0.0, 0.1, 0.0], [0.1, 0.6, 0.1], [0.0, 0.1, 0.0]]]).expand(len(clean), -1, -1)
    y = convolve(clean, gentle)
    assert_close(classical.wiener(y, gentle, 1e-9), clean, atol=2e-3, rtol=0)


def test_richardson_lucy_keeps_the_light(clean):
    y = convolve(clean, KERNEL.expand(len(clean), -1, -1))
    again = classical.richardson_lucy(y, KERNEL.expand(len(clean), -1, -1), 5)
    assert_close(again.mean((2, 3)), y.mean((2, 3)), atol=0.01, rtol=0)


@pytest.mark.parametrize("tool", [classical.gamma, classical.clahe])
def test_dark_photos_get_brighter(tool, clean, generator):
    y, _ = lowlight(clean, gain=0.2, generator=generator)
    assert dB(tool(y), clean) > dB(y, clean) + 2


def test_gamma_keeps_the_order_of_greys():
    x = torch.linspace(0, 0.3, 64).expand(1, 3, 8, 64)
    y = classical.gamma(x)
    assert (y.diff(dim=-1) > 0).all() and abs(float(y.mean()) - 0.45) < 0.1


def test_haze_goes(clean, generator):
    y, _ = haze(clean, beta=1.4, generator=generator)
    assert dB(classical.dehaze(y), clean) > dB(y, clean) + 2


def test_guided_keeps_a_constant_and_follows_the_guides_edge():
    guide = torch.zeros(1, 1, 40, 40)
    guide[..., 20:] = 1
    assert_close(classical.guided(guide, torch.full_like(guide, 0.3), 8, 1e-3), torch.full_like(guide, 0.3))
    off_by_two = torch.zeros_like(guide)
    off_by_two[..., 22:] = 1
    jump = classical.guided(guide, off_by_two, 8, 1e-4)[0, 0, 20].diff().abs()
    assert int(jump.argmax()) == 19  # where the guide has its edge
