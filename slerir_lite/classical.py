"""The classical toolbox: what could be done about a broken photo before networks, in a few lines each.

Paper: compares with networks only.
Ours:  eight tools, each a function of (B, 3, H, W) in [0, 1] that returns the same. Some must be told what a
       network has to find out: how strong the noise is, or along which path the camera moved.

Non-local means: Buades, Coll & Morel 2005. Wavelet shrinkage: Donoho & Johnstone 1994, without decimation
(Coifman & Donoho 1995), thresholds by Chang, Yu & Vetterli 2000. Deconvolution: Wiener 1949; Richardson
1972 and Lucy 1974. CLAHE: Zuiderveld 1994. Dark channel: He, Sun & Tang 2009, refined by their guided
filter, 2010.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from scipy.ndimage import median_filter
from skimage.exposure import equalize_adapthist
from skimage.restoration import denoise_nl_means
from torch import Tensor

from .degrade import convolve
from .values import LUMA

GREY = torch.tensor(LUMA).view(3, 1, 1)


def _each(x: Tensor, tool) -> Tensor:
    """`tool`, on (H, W, 3) arrays, for every photo of (B, 3, H, W)."""
    done = [tool(photo.permute(1, 2, 0).double().numpy()) for photo in x]
    return torch.from_numpy(np.stack(done)).permute(0, 3, 1, 2).to(x).clamp(0, 1)


def non_local_means(x: Tensor, sigma: float = 25) -> Tensor:
    """Every pixel becomes a mean of pixels whose 5 × 5 surroundings look alike. sigma: 0-255 scale."""
    s = sigma / 255
    return _each(x, lambda a: denoise_nl_means(
        a, patch_size=5, patch_distance=5, h=0.6 * s, sigma=s, fast_mode=True, channel_axis=-1))  # fmt: skip


def wavelet(x: Tensor, sigma: float = 25, levels: int = 4) -> Tensor:
    """Small differences between neighbouring means are noise: shrink them, at every scale.

    Haar's wavelet at every shift, so that no blocks show. sigma: 0-255 scale.
    """
    h, w = x.shape[-2:]
    pad = 2**levels
    ry, rx = min(pad, h - 1), min(pad, w - 1)
    y = F.pad(x, (rx, rx, ry, ry), "reflect")
    return _haar(y, sigma / 255, 0, levels)[..., ry : ry + h, rx : rx + w].clamp(0, 1)


def _haar(c: Tensor, sigma: float, level: int, levels: int) -> Tensor:
    """One level: split rows, then columns, into means and half differences; shrink; put together again."""
    if level == levels:
        return c
    s = 2**level
    bands = [c]
    for axis in (-2, -1):
        bands = [(b + sign * b.roll(-s, axis)) / 2 for b in bands for sign in (1, -1)]
    spread = sigma / 2 ** (level + 1)  # each mean of four halves the noise
    bands = [_haar(bands[0], sigma, level + 1, levels), *(_shrink(b, spread) for b in bands[1:])]
    for axis in (-1, -2):
        # Every sample took part in two pairs, as their first and as their second: the mean of what both say.
        bands = [
            (mean + half + (mean - half).roll(s, axis)) / 2
            for mean, half in zip(bands[::2], bands[1::2], strict=True)
        ]
    return bands[0]


def _shrink(band: Tensor, spread: float) -> Tensor:
    """Towards 0 by spread² / (the band's spread without its noise); a band of noise only goes altogether."""
    signal = (band.pow(2).mean((-2, -1), keepdim=True) - spread**2).clamp(min=1e-12).sqrt()
    return band.sign() * (band.abs() - spread**2 / signal).clamp(min=0)


def median(x: Tensor, width: int = 7) -> Tensor:
    """What is brighter than the median of those beside it is lowered to that: thin upright streaks go.

    Never raised, as rain hardly darkens anything, and dark details so survive.
    """
    return _each(x, lambda a: np.minimum(a, median_filter(a, size=(1, width, 1), mode="mirror")))


def wiener(x: Tensor, kernel: Tensor, noise_to_signal: float = 0.02) -> Tensor:
    """Divide by the kernel's spectrum where it is strong, and leave alone where noise would be divided.

    kernel: (B, S, S) as `degrade.motion_kernel` makes it: the true one, or this makes things worse.
    """
    h, w = x.shape[-2:]
    r = kernel.shape[-1] // 2
    ry, rx = min(3 * r, h - 1), min(3 * r, w - 1)
    padded = F.pad(x, (rx, rx, ry, ry), "reflect")
    size = [next_fast_len(s, real=True) for s in padded.shape[-2:]]
    k = torch.fft.rfft2(kernel, s=size)[:, None]
    inverse = k.conj() / (k.abs() ** 2 + noise_to_signal)
    y = torch.fft.irfft2(torch.fft.rfft2(padded, s=size) * inverse, s=size)
    y = y.roll((r, r), (-2, -1))  # a kernel with its middle at (r, r) moves the photo, and its inverse back
    return y[..., ry : ry + h, rx : rx + w].clamp(0, 1)


def richardson_lucy(x: Tensor, kernel: Tensor, steps: int = 12) -> Tensor:
    """Guess, blur the guess, compare, correct by the ratio; again. kernel: as in `wiener`."""
    y, back = x.clamp(min=1e-4), kernel.flip((-2, -1))
    for _ in range(steps):
        y = y * convolve(x / convolve(y, kernel).clamp(min=1e-4), back)
    return y.clamp(0, 1)


def gamma(x: Tensor, bright: float = 0.45) -> Tensor:
    """x ** e, with the e that gives a mean grey of about `bright`."""
    mean = (x * GREY).sum(1, keepdim=True).mean((-2, -1), keepdim=True).clamp(1e-3, 0.999)
    return x ** (math.log(bright) / mean.log())


def clahe(x: Tensor, clip: float = 0.02) -> Tensor:
    """Spread the greys evenly, tile by tile, but none too far: `clip` limits how steep it may get."""
    return _each(x, lambda a: equalize_adapthist(a, clip_limit=clip))


def dehaze(x: Tensor, patch: int = 15, keep: float = 0.05) -> Tensor:
    """Near any pixel of a clear photo something is dark in some colour; what brightens it must be haze.

    patch: px, how near is near. keep: the share of the haze that stays, so that far away still looks far.
    """
    dark = _least(x.amin(1, keepdim=True), patch)
    air = torch.stack([_airlight(photo, d) for photo, d in zip(x, dark, strict=True)])
    t = 1 - (1 - keep) * _least((x / air).amin(1, keepdim=True), patch)
    t = guided((x * GREY).sum(1, keepdim=True), t, 2 * patch, 1e-3).clamp(0.1, 1)
    return ((x - air) / t + air).clamp(0, 1)


def _least(v: Tensor, patch: int) -> Tensor:
    """The least value within patch × patch pixels: down the columns, then along the rows."""
    r = patch // 2
    return -F.max_pool2d(F.max_pool2d(-v, (2 * r + 1, 1), 1, (r, 0)), (1, 2 * r + 1), 1, (0, r))


def _airlight(photo: Tensor, dark: Tensor) -> Tensor:
    """(3, 1, 1): the mean colour where the dark channel is brightest, a thousandth of the photo."""
    count = max(1, dark.numel() // 1000)
    where = dark.flatten().topk(count).indices
    return photo.flatten(1)[:, where].mean(1).clamp(min=0.1)[:, None, None]


def guided(guide: Tensor, v: Tensor, radius: int, eps: float) -> Tensor:
    """v (B, 1, H, W), smoothed within (2 radius + 1)² pixels, but with the guide's edges."""

    def mean(a: Tensor) -> Tensor:
        n = 2 * radius + 1
        down = F.avg_pool2d(a, (n, 1), 1, (radius, 0), count_include_pad=False)
        return F.avg_pool2d(down, (1, n), 1, (0, radius), count_include_pad=False)

    m_guide, m_v = mean(guide), mean(v)
    slope = (mean(guide * v) - m_guide * m_v) / (mean(guide * guide) - m_guide**2 + eps)
    return mean(slope) * guide + mean(m_v - slope * m_guide)
