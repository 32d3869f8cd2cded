"""Motion undone along its path, before the stations: Wiener filters, chosen by the photo's spectrum.

Paper: nothing of the kind is public.
Ours:  all of it. Stations of 3x3 convolutions learn deconvolution very slowly (+0.25 dB after 34,000 steps
       without this, see benchmarks/log.md). But a straight path leaves evenly spaced dark stripes in a
       photo's spectrum, and so a dip in its cepstrum, the spectrum of the logarithm of the spectrum, at the
       path's end. From that a small net weighs 126 paths and four strengths; as each goes with one linear
       filter, their weighted mean is one filter a photo, and a doubtful path sharpens little.

Cepstrum: Bogert, Healy & Tukey 1963; for blur, Cannon 1976. Wiener filter: Wiener 1949.
"""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .degrade import convolve
from .values import as_floats

ANGLES = 18  # directions of a path, 10 degrees apart
LENGTHS = (5, 7.5, 10, 12.5, 15, 18, 21)  # px
STRENGTHS = (0.7, 2.0, 6.0, 24.0)  # noise to signal, against a photo's 1/f^2 spectrum: from bold to noisy
PATHS = 1 + ANGLES * len(LENGTHS)  # the first is: nothing moved
FILTERS = 1 + ANGLES * len(LENGTHS) * len(STRENGTHS)
RADIUS = 31  # px: how far a filter reaches
WINDOW = 64  # px: the spectrum is taken in windows
REACH = 22  # px: of the cepstrum, just longer than the longest path


class Deblur(nn.Module):
    """`forward(x, where)`: (B, 3, H, W) and (B, 1, H/8, W/8), how blurred it looks where -> what to undo.

    Returns log-probabilities of the paths (B, PATHS) and the strengths' shares (B, 4): for `mixture`.
    """

    def __init__(self, hidden: int = 64):
        super().__init__()
        inputs = (2 * REACH - 1) * REACH
        self.norm = nn.BatchNorm1d(inputs)
        self.body = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.path = nn.Linear(hidden, PATHS)
        self.strength = nn.Linear(hidden, len(STRENGTHS))

    def forward(self, x: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(where.device.type, enabled=False):
            h = self.body(self.norm(cepstrum(x, where.float())))
            return self.path(h).log_softmax(1), self.strength(h).softmax(1)


def mixture(path: Tensor, strength: Tensor, trust: float = 1.0) -> Tensor:
    """(B, FILTERS) weights for `sharpen`, from the paths' shares (B, PATHS) and the strengths' (B, 4).

    trust: how much of it to do; the rest goes to the filter that changes nothing.
    """
    moved = trust * path[:, 1:, None] * strength[:, None, :]
    return torch.cat([1 - trust + trust * path[:, :1], moved.flatten(1)], 1)


def trust(height: int, width: int) -> float:
    """How far to rely on a path that was read from so many px: one window shows it poorly, a hundred well."""
    sizes, hops = (height, width), _hops(height, width)
    windows = math.prod(1 + (max(n, WINDOW) - WINDOW) // hop for n, hop in zip(sizes, hops, strict=True))
    return windows / (windows + 4)


def sharpens(weight: Tensor) -> Tensor:
    """(B,) bool: whose (B, FILTERS) weights change anything that could be seen."""
    return weight[:, 0] < 0.99


def sharpen(x: Tensor, weight: Tensor) -> Tensor:
    """Each of (B, 3, H, W) through the mean of the filters by its (B, FILTERS) weights; not clipped."""
    with torch.autocast(x.device.type, enabled=False):
        kernel = weight.float() @ _filters_on(weight.device)
        return convolve(x.float(), kernel.unflatten(1, (2 * RADIUS + 1, -1)))


def cepstrum(x: Tensor, where: Tensor) -> Tensor:
    """(B, 43 * 22): half of the cepstrum's middle, over windows weighed by how blurred they look.

    x: floats or a file's integers (see `values.as_floats`), of which only the windows become floats.
    """
    short = [max(0, WINDOW - n) for n in x.shape[-2:]]
    if any(short):
        x = F.pad(as_floats(x).float(), (0, short[1], 0, short[0]), "replicate")
    hop = _hops(*x.shape[-2:])
    windows = x.unfold(2, WINDOW, hop[0]).unfold(3, WINDOW, hop[1])  # (B, 3, n, m, 64, 64)
    windows = as_floats(windows).to(where).mean(1)
    seen = F.pad(where, (0, short[1] // 8 + 1, 0, short[0] // 8 + 1), "replicate")
    seen = F.avg_pool2d(seen, WINDOW // 8, [h // 8 for h in hop])[
        :, 0, : windows.shape[1], : windows.shape[2]
    ]
    hann = torch.hann_window(WINDOW, periodic=False, device=where.device)
    detail = (windows - windows.mean((3, 4), keepdim=True)) * hann[:, None] * hann
    power = (torch.fft.rfft2(detail).abs().square() + 1e-5).log().flatten(1, 2)
    share = seen.flatten(1).clamp(min=0) + 0.02
    mean = (power * (share / share.sum(1, keepdim=True))[..., None, None]).sum(1)
    found = torch.fft.irfft2(mean, s=(WINDOW, WINDOW)).roll(WINDOW // 2, 1) * WINDOW
    return found[:, WINDOW // 2 - REACH + 1 : WINDOW // 2 + REACH, :REACH].flatten(1)


def _hops(height: int, width: int) -> list[int]:
    """From window to window, in px: half-overlapping; in a large photo farther, as some 150 tell enough."""
    return [8 * max(4, math.ceil((n - WINDOW) / 8 / 11)) for n in (height, width)]


@cache
@torch.inference_mode(False)  # else the first who asks could leave filters that no gradient passes
def filters() -> Tensor:
    """(FILTERS, 63, 63): no change; then a Wiener filter for each path and strength. Each sums to 1.

    F = K / (K^2 + s f^2), where K = sinc(length * frequency along the path) is the motion's own spectrum and
    s f^2 the ratio of noise to signal, as a photo's power falls with 1/f^2.
    """
    size = 128
    y, x = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)
    angle = torch.arange(ANGLES) * math.pi / ANGLES
    along = x * angle.cos()[:, None, None] + y * angle.sin()[:, None, None]
    # A path is drawn with a soft pencil: bilinear, about a pixel wide.
    motion = torch.sinc(torch.tensor(LENGTHS)[:, None, None, None] * along) * torch.exp(-(x**2 + y**2))
    motion = motion[:, :, None]  # (lengths, angles, 1, size, size / 2 + 1)
    noise = torch.tensor(STRENGTHS)[:, None, None] * (x**2 + y**2) + 1e-3
    kernel = torch.fft.irfft2(motion / (motion**2 + noise), s=(size, size)).roll(
        (size // 2, size // 2), (-2, -1)
    )
    middle = slice(size // 2 - RADIUS, size // 2 + RADIUS + 1)
    kernel = kernel[..., middle, middle].flatten(0, 2)
    nothing = torch.zeros_like(kernel[:1])
    nothing[:, RADIUS, RADIUS] = 1
    kernel = torch.cat([nothing, kernel])
    return kernel / kernel.sum((1, 2), keepdim=True)


@cache
@torch.inference_mode(False)  # see `filters`
def _filters_on(device: torch.device) -> Tensor:
    """`filters` as (FILTERS, 63 * 63), 8 MB, kept on each device that asked for them."""
    return filters().to(device).flatten(1)


def path_shares(motion: Tensor) -> Tensor:
    """(B, PATHS) what `Deblur` should say of (B, 2) true length (px, 0: nothing moved) and angle.

    Neighbours share a path that lies between them, as far as the eye of a spectrum can tell them apart.
    """
    length, angle = motion[:, :1].clamp(min=1), motion[:, 1:]
    of_length = -(((torch.tensor(LENGTHS, device=motion.device).log() - length.log()) / 0.12) ** 2) / 2
    off = torch.arange(ANGLES, device=motion.device) * math.pi / ANGLES - angle
    off = (off + math.pi / 2) % math.pi - math.pi / 2  # a direction and its opposite are the same
    of_angle = -((off / (math.radians(7) * (11 / length).clamp(0.6, 1.6))) ** 2) / 2
    share = (of_length[:, :, None] + of_angle[:, None, :]).flatten(1).softmax(1)
    moved = (motion[:, :1] > 0).to(share)
    return torch.cat([1 - moved, moved * share], 1)
