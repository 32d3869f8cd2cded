"""Motion: filters that undo it, the cepstrum that tells its path, and the shares that are learnt."""

import math

import numpy as np
import pytest
import scipy.ndimage
import skimage.restoration
import torch

from slerir_lite.deblur import (
    ANGLES,
    FILTERS,
    LENGTHS,
    PATHS,
    RADIUS,
    REACH,
    STRENGTHS,
    WINDOW,
    Deblur,
    cepstrum,
    filters,
    mixture,
    path_shares,
    sharpen,
    trust,
)
from slerir_lite.degrade import convolve, motion_kernel
from slerir_lite.leaves import dead_leaves

PER_PATH = len(STRENGTHS)


def of_path(length: int, angle: int) -> int:
    """The number of a path among `PATHS`, by the numbers of its length and angle."""
    return 1 + length * ANGLES + angle


def of_filter(length: int, angle: int, strength: int) -> int:
    return 1 + (of_path(length, angle) - 1) * PER_PATH + strength


def noise(*shape, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def moved(x: torch.Tensor, length: float, angle: float) -> torch.Tensor:
    """x along a straight path, by the code that degrades photos."""
    n = len(x)
    kernel = motion_kernel(torch.full((n,), length), torch.full((n,), angle), torch.zeros(n))
    return convolve(x, kernel)


# Filters


def test_each_filter_keeps_a_flat_photo_flat_and_moves_nothing():
    kernels = filters()
    assert kernels.shape == (FILTERS, 2 * RADIUS + 1, 2 * RADIUS + 1)
    assert torch.allclose(kernels.sum((1, 2)), torch.ones(FILTERS), atol=1e-4)
    # The same seen from either end: what is sharpened stays in its place.
    assert torch.allclose(kernels, kernels.flip(1, 2), atol=1e-5)


def test_the_first_filter_changes_nothing():
    expected = torch.zeros(2 * RADIUS + 1, 2 * RADIUS + 1)
    expected[RADIUS, RADIUS] = 1
    assert torch.equal(filters()[0], expected)


@pytest.mark.parametrize("length, angle, strength", [(0, 0, 0), (2, 5, 1), (4, 9, 2), (6, 14, 1)])
def test_a_filter_is_the_wiener_filter_of_its_path(length, angle, strength):
    size = 128
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)
    along = np.cos(angle * np.pi / ANGLES) * fx + np.sin(angle * np.pi / ANGLES) * fy
    # A straight path's spectrum is the mean wave over its points; here summed up, point by point.
    points = (np.arange(400) + 0.5) / 400 - 0.5
    path = np.mean([np.cos(2 * np.pi * LENGTHS[length] * p * along) for p in points], 0)
    pencil = np.exp(-(fx**2 + fy**2))
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 1
    ratio = np.sqrt(fx**2 + fy**2 + 1e-3 / STRENGTHS[strength])
    expected = skimage.restoration.wiener(
        point, (path * pencil).astype(complex), STRENGTHS[strength], reg=ratio.astype(complex), clip=False
    )
    middle = slice(size // 2 - RADIUS, size // 2 + RADIUS + 1)
    expected = expected[middle, middle] / expected[middle, middle].sum()
    found = filters()[of_filter(length, angle, strength)].numpy()
    assert np.abs(found - expected).max() < 2e-3 * np.abs(expected).max()


@pytest.mark.parametrize("length, angle", [(1, 0), (3, 5), (6, 12)])
def test_the_filter_of_the_true_path_undoes_it_and_that_of_a_crossing_one_does_not(length, angle):
    y = torch.stack([dead_leaves(192, seed) for seed in (0, 1)]).float() / 255
    x = moved(y, LENGTHS[length], angle * math.pi / ANGLES)
    x = (x + torch.randn(x.shape, generator=torch.Generator().manual_seed(0)) / 255).clamp(0, 1)

    def error(v: torch.Tensor) -> float:
        return float((v - y)[..., 40:-40, 40:-40].square().mean())

    def after(which: int) -> float:
        return error(sharpen(x, torch.eye(FILTERS)[[which, which]]))

    assert after(of_filter(length, angle, 0)) < 0.65 * error(x)
    crossing = (angle + ANGLES // 2) % ANGLES
    assert after(of_filter(length, crossing, 0)) > error(x)


@pytest.mark.parametrize("length, angle", [(2, 3), (5, 11)])
def test_of_the_strengths_the_bold_one_sharpens_most_and_the_noisy_one_least(length, angle):
    grain = torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(0)).expand(1, 3, 96, 96)
    weights = [torch.eye(FILTERS)[[of_filter(length, angle, k)]] for k in range(PER_PATH)]
    raised = [sharpen(grain, w).std().item() for w in weights]
    assert STRENGTHS == tuple(sorted(STRENGTHS)) and raised == sorted(raised, reverse=True)


def test_sharpening_is_a_convolution_with_the_mean_of_the_filters():
    x = noise(2, 3, 40, 53)
    weight = torch.zeros(2, FILTERS)
    weight[0, [0, 7, 200]] = torch.tensor([0.2, 0.5, 0.3])
    weight[1, [3, 377]] = torch.tensor([0.9, 0.1])
    found = sharpen(x, weight)
    for b in range(2):
        kernel = np.zeros((2 * RADIUS + 1, 2 * RADIUS + 1))
        for k in weight[b].nonzero()[:, 0].tolist():
            kernel += float(weight[b, k]) * filters()[k].double().numpy()
        for c in range(3):
            expected = scipy.ndimage.convolve(x[b, c].double().numpy(), kernel, mode="mirror")
            assert np.abs(found[b, c].numpy() - expected).max() < 1e-4


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (8, 8), (33, 20)], ids=str)
def test_a_flat_photo_of_any_size_stays_flat(size):
    weight = torch.full((1, FILTERS), 1 / FILTERS)
    x = torch.full((1, 3, *size), 0.6)
    assert torch.allclose(sharpen(x, weight), x, atol=1e-4)


# Cepstrum


def read(x: torch.Tensor) -> torch.Tensor:
    """(B, 43, 22): rows from -21 to 21 px, columns from 0 to 21 px. All windows count the same."""
    where = torch.ones(len(x), 1, -(-x.shape[-2] // 8), -(-x.shape[-1] // 8))
    return cepstrum(x, where).unflatten(1, (2 * REACH - 1, REACH))


def test_the_cepstrum_is_the_spectrum_of_the_weighed_mean_log_spectrum():
    x, where = noise(2, 3, 128, 168), noise(2, 1, 16, 21, seed=1) - 0.2
    found = cepstrum(x, where).unflatten(1, (2 * REACH - 1, REACH)).numpy()
    hann = np.hanning(WINDOW)[:, None] * np.hanning(WINDOW)
    for b in range(2):
        logs, shares = [], []
        for top in range(0, 128 - WINDOW + 1, 32):
            for left in range(0, 168 - WINDOW + 1, 32):
                part = x[b].double().numpy().mean(0)[top : top + WINDOW, left : left + WINDOW]
                logs.append(np.log(np.abs(np.fft.fft2((part - part.mean()) * hann)) ** 2 + 1e-5))
                seen = where[b, 0, top // 8 : (top + WINDOW) // 8, left // 8 : (left + WINDOW) // 8]
                shares.append(max(0.0, float(seen.mean())) + 0.02)
        mean = np.average(logs, 0, weights=shares)
        whole = np.fft.ifft2(mean).real * WINDOW
        expected = whole[np.arange(1 - REACH, REACH)][:, :REACH]
        assert np.abs(found[b] - expected).max() < 0.01


@pytest.mark.parametrize("length, degrees", [(8, 0), (12, 35), (16, 90), (15, 137), (20, 60)])
def test_a_path_makes_a_dip_at_its_end(length, degrees):
    x = noise(1, 3, 256, 256)
    still = read(x)[0]
    dips = read(moved(x, length, math.radians(degrees)))[0] - still
    rows, columns = np.mgrid[1 - REACH : REACH, :REACH]
    dips = torch.where(torch.from_numpy(np.hypot(rows, columns)) > 4, dips, 0)  # what is near is the texture
    row, column = divmod(int(dips.argmin()), REACH)
    end = np.array([math.sin(math.radians(degrees)), math.cos(math.radians(degrees))]) * length
    at = np.array([row - (REACH - 1), column])
    assert min(np.hypot(*(at - end)), np.hypot(*(at + end))) < 1.6


def test_brightness_does_not_tell_of_motion():
    x = 0.3 + 0.4 * noise(1, 3, 96, 128)
    first = read(x)
    assert torch.allclose(read(x + 0.2), first, atol=0.02)
    change = (read(0.5 * x) - first)[0]
    middle = change[REACH - 1, 0].item()  # a gain adds one number to all logarithms
    assert middle == pytest.approx(2 * math.log(0.5) * WINDOW, rel=1e-3)
    change[REACH - 1, 0] = 0
    assert change.abs().max() < 0.02


@pytest.mark.parametrize(
    "size", [(1, 1), (8, 8), (63, 65), (64, 64), (72, 200), (1, 5000), (3000, 16)], ids=str
)
def test_a_photo_of_any_shape_has_a_cepstrum(size):
    found = read(noise(2, 3, *size))
    assert found.shape == (2, 2 * REACH - 1, REACH) and found.isfinite().all()


@pytest.mark.parametrize("size", [(64, 64), (448, 1600), (1, 60000), (1200, 1800)], ids=str)
def test_a_large_photo_takes_no_more_than_150_windows_from_all_over_it(size, monkeypatch):
    seen, fft = [], torch.fft.rfft2

    def watch(windows):
        seen.append(windows)
        return fft(windows)

    monkeypatch.setattr(torch.fft, "rfft2", watch)
    # A stripe at the far end of each side; a photo that is flat elsewhere.
    x = torch.zeros(1, 1, *size)
    x[..., -size[0] // 8 :, -size[1] // 8 :] = noise(-(-size[0] // 8), -(-size[1] // 8))
    read(x.expand(1, 3, *size))
    (windows,) = seen
    count = windows.shape[1:3]
    assert count.numel() <= 150
    assert windows[0, -1, -1].abs().max() > 1e-3  # the last one lies there
    if min(size) > 2 * WINDOW:
        assert min(count) >= 5


def test_a_half_that_looks_blurred_is_read_as_if_it_were_alone():
    x = noise(1, 3, 128, 256)
    x[..., :128] = moved(x[..., :128], 14, 0.5)
    where = torch.zeros(1, 1, 16, 32)
    where[..., :16] = 1
    alone = read(x[..., :128])[0]
    marked = cepstrum(x, where).view_as(alone)
    assert (marked - alone).norm() < 0.5 * (read(x)[0] - alone).norm()


# Shares of the paths


def shares(length: float, angle: float) -> torch.Tensor:
    return path_shares(torch.tensor([[length, angle]]))[0]


@pytest.mark.parametrize("length", range(len(LENGTHS)))
@pytest.mark.parametrize("angle", [0, 7, 17])
def test_a_path_has_the_largest_share_of_itself(length, angle):
    share = shares(LENGTHS[length], angle * math.pi / ANGLES)
    assert share.shape == (PATHS,) and share.min() >= 0 and share.sum().item() == pytest.approx(1, abs=1e-5)
    assert int(share.argmax()) == of_path(length, angle) and share[0] == 0


def test_a_path_between_two_others_is_shared_by_them_alone():
    share = shares(math.sqrt(LENGTHS[2] * LENGTHS[3]), 4.5 * math.pi / ANGLES)
    four = [of_path(length, angle) for length in (2, 3) for angle in (4, 5)]
    assert set(share.topk(4).indices.tolist()) == set(four)
    assert share[four].max() < 1.01 * share[four].min()


def test_a_direction_and_its_opposite_are_one_path():
    motion = torch.stack([5 + 16 * noise(50), math.pi * noise(50, seed=1)], 1)
    for turn in (math.pi, -math.pi, 3 * math.pi):
        turned = motion + torch.tensor([0, turn])
        assert torch.allclose(path_shares(turned), path_shares(motion), atol=1e-4)
    assert shares(12.5, 0.0)[of_path(3, 17)].item() == pytest.approx(
        float(shares(12.5, 0.0)[of_path(3, 1)]), 1e-3
    )


def test_no_length_means_that_nothing_moved():
    got = path_shares(torch.tensor([[0.0, 0.0], [0.0, 2.0], [9.0, 2.0]]))
    expected = torch.zeros(2, PATHS)
    expected[:, 0] = 1
    assert torch.equal(got[:2], expected) and got[2, 0] == 0


# What is learnt


@pytest.fixture
def deblur() -> Deblur:
    torch.manual_seed(0)
    return Deblur(hidden=24)


def test_the_weights_share_out_one_filter_and_agree_with_the_paths(deblur):
    path, strength = deblur.eval()(noise(3, 3, 64, 96), torch.ones(3, 1, 8, 12))
    weight = mixture(path.exp(), strength)
    assert path.shape == (3, PATHS) and weight.shape == (3, FILTERS)
    assert torch.allclose(path.exp().sum(1), torch.ones(3), atol=1e-5) and weight.min() >= 0
    assert torch.allclose(weight[:, 0], path[:, 0].exp())
    assert torch.allclose(weight[:, 1:].unflatten(1, (-1, PER_PATH)).sum(2), path[:, 1:].exp(), atol=1e-6)


def test_a_path_read_from_few_windows_is_undone_little():
    path, strength = torch.full((1, PATHS), 1 / PATHS), torch.full((1, len(STRENGTHS)), 1 / len(STRENGTHS))
    full, half = mixture(path, strength), mixture(path, strength, 0.5)
    x = noise(1, 3, 40, 40)
    assert torch.allclose(sharpen(x, half), (x + sharpen(x, full)) / 2, atol=1e-5)
    rising = [trust(*size) for size in ((1, 1), (64, 96), (96, 96), (320, 480))]
    assert trust(1, 1) == trust(64, 64) == 0.2 and rising == sorted(rising) and rising[-1] > 0.95
    assert trust(4000, 6000) < 1


def test_gradients_reach_all_of_deblur(deblur):
    x = noise(6, 3, 64, 64)
    path, strength = deblur(x, torch.ones(6, 1, 8, 8))
    (sharpen(x, mixture(path.exp(), strength)).square().mean() - path[:, 5].mean()).backward()
    for name, parameter in deblur.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_half_precision_around_it_leaves_it_as_it_is(deblur):
    deblur.eval()
    x, where = noise(2, 3, 64, 64), torch.ones(2, 1, 8, 8)
    path, strength = deblur(x, where)
    weight = mixture(path.exp(), strength)
    with torch.autocast("cpu", torch.bfloat16):
        same, also = deblur(x, where.bfloat16())
        sharp = sharpen(x, weight)
    assert same.dtype == also.dtype == sharp.dtype == torch.float32
    assert torch.equal(same, path) and torch.equal(also, strength) and torch.equal(sharp, sharpen(x, weight))


def test_it_learns_to_read_a_path(deblur):
    # Textures moved along one of four paths, never the same one twice.
    paths = torch.tensor([[7.5, 0.35], [7.5, 1.75], [18.0, 0.35], [18.0, 1.75]])

    def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.cat(
            [moved(noise(2, 3, 96, 96, seed=4 * seed + k), *p.tolist()) for k, p in enumerate(paths)]
        )
        return x, paths.repeat_interleave(2, 0)

    where = torch.ones(8, 1, 12, 12)
    adam = torch.optim.Adam(deblur.parameters(), 3e-3)
    for step in range(20):
        x, motion = drawn(step)
        loss = -(path_shares(motion) * deblur(x, where)[0]).sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    x, motion = drawn(1000)
    assert torch.equal(deblur.eval()(x, where)[0].argmax(1), path_shares(motion).argmax(1))


def test_filters_that_were_first_asked_for_without_gradients_can_be_learnt_through():
    filters.cache_clear()
    with torch.inference_mode():
        filters()
    weight = torch.full((1, FILTERS), 1 / FILTERS, requires_grad=True)
    sharpen(noise(1, 3, 16, 16), weight).square().sum().backward()
    assert weight.grad.isfinite().all() and weight.grad.abs().max() > 0
