"""Dead leaves: as random as natural photos are, and in the same ways."""

import numpy as np
import torch

from slerir_lite.leaves import dead_leaves


def test_dead_leaves_are_the_same_for_the_same_seed_and_unlike_for_others():
    images = [dead_leaves(96, seed) for seed in (0, 1, 2, 0)]
    assert images[0].dtype == torch.uint8 and images[0].shape == (3, 96, 96)
    assert torch.equal(images[0], images[3])
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (images[a].float() - images[b].float()).abs().mean() > 15


def power_slope(image: np.ndarray) -> float:
    """The slope of the radially averaged power spectrum of a square image, both axes logarithmic."""
    n = len(image)
    window = np.hanning(n)[:, None] * np.hanning(n)
    power = np.abs(np.fft.fftshift(np.fft.fft2((image - image.mean()) * window))) ** 2
    radius = np.hypot(*(np.mgrid[:n, :n] - n // 2)).round().astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    fit = np.arange(3, n // 3)
    return np.polyfit(np.log(fit), np.log(mean[fit]), 1)[0]


def test_dead_leaves_have_the_power_spectrum_of_natural_photos():
    slopes = [power_slope(dead_leaves(192, seed).float().mean(0).numpy()) for seed in range(6)]
    assert -2.8 < np.mean(slopes) < -1.5, slopes


def test_dead_leaves_have_edges_as_natural_photos_have():
    # Most neighbours differ little and a few by much: heavier tails than a Gaussian texture's kurtosis of 3.
    step = dead_leaves(192, 0).float().mean(0).diff(dim=1)
    assert ((step - step.mean()) ** 4).mean() / step.var() ** 2 > 8


def test_the_colours_of_dead_leaves_vary_mostly_in_brightness():
    images = [dead_leaves(96, seed).float().flatten(1) for seed in range(8)]
    correlation = torch.stack([torch.corrcoef(image) for image in images]).mean(0)
    assert correlation.min() > 0.7 and correlation[0, 1] < 0.99
    pixels = torch.cat(images, 1)
    assert torch.corrcoef(pixels).min() > 0.5 and pixels.std() > 35 and 80 < pixels.mean() < 175
