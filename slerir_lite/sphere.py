"""The compass: where a photo's degradation lies on a sphere, with the degradations evenly spread.

Paper: a degradation embedding on the unit hypersphere, learnt with a triplet-constrained contrastive
       loss and spread by a uniformity loss, since a linear embedding's distances are distorted. A CLS
       token gives the global sense, patch tokens the local one.
Ours:  the encoder (a small convolutional net instead of a transformer), d = 5 with six places (the five
       degradations and clean: the simplex, all equally far apart), mixes drawn to the midpoint of their
       parents, and a reading: every local token also learns to say how much of what was done there.
       The rival `linear`: the same encoder and losses in a space without a sphere, see `nearness`.

Uniformity: Wang & Isola, "Understanding Contrastive Representation Learning through Alignment and
Uniformity on the Hypersphere", ICML 2020. Triplet: Schroff et al., "FaceNet", CVPR 2015.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .batch import AMOUNTS
from .data import thumbnail
from .degrade import PLACES, quantise


@dataclass
class Sense:
    """What the compass knows of whole photos; P photos a batch.

    z: (P, d) unit vectors (of a linear compass, points); global_token: (P, D)
    thumbnail_tokens: (P, D, 8, 8), a coarse map of the photo
    filters: (P, FILTERS) what undoes the photo's motion, see `deblur`; or None where it was not asked
    """

    z: Tensor
    global_token: Tensor
    thumbnail_tokens: Tensor
    filters: Tensor | None = None

    def __getitem__(self, rows) -> "Sense":
        filters = None if self.filters is None else self.filters[rows]
        return Sense(self.z[rows], self.global_token[rows], self.thumbnail_tokens[rows], filters)


class Step(nn.Sequential):
    """Convolution, batch norm, ReLU. Once the norm's statistics stand still it is part of the convolution."""

    def __init__(self, inside: int, outside: int, stride: int = 1, size: int = 3):
        # Borders repeat the edge: with zeros, a crop, mostly border, would look unlike a whole photo.
        edge = {"padding": 1, "padding_mode": "replicate"} if size == 3 else {}
        conv = nn.Conv2d(inside, outside, size, stride, bias=False, **edge)
        super().__init__(conv, nn.BatchNorm2d(outside), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return super().forward(x)
        conv, norm, relu = self
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        shift = norm.bias - norm.running_mean * scale
        if conv.padding_mode == "replicate":
            x = F.pad(x, (1, 1, 1, 1), "replicate")
        return relu(F.conv2d(x, conv.weight * scale[:, None, None, None], shift, conv.stride))


class Compass(nn.Module):
    """Two senses and a direction.

    `look(x)`: (B, 3, H, W) at full size -> local tokens (B, D, H/8, W/8), the close-up sense.
    `glance(thumbnails)`: (P, 3, 64, 64) -> a coarse map of the photos (P, D, 8, 8).
    `survey(far, close)`: those maps and the photos' mean local tokens (P, D) -> Sense, with z.
    `forward(x)`: whole photos, both senses -> (local tokens, Sense).

    tokens: D. dim: d, the sphere is S^(d-1). `centres`: (6, d), where the places lie: evenly spaced until
    training has measured them. linear: a rival, whose z is any point of R^d.
    """

    def __init__(self, dim: int = 5, tokens: int = 48, linear: bool = False):
        super().__init__()
        self.dim, self.tokens, self.linear = dim, tokens, linear
        # Noise, blur and dark grain live in fine detail: the detail gets channels of its own.
        self.close = nn.Sequential(
            Step(6, 32, 4, size=4), Step(32, 32), Step(32, 64, 2), Step(64, 64), Step(64, tokens)
        )
        self.far = nn.Sequential(Step(12, 32), Step(32, 48, 2), Step(48, 64, 2), Step(64, tokens))
        self.where = nn.Parameter(torch.zeros(1, tokens, 8, 8))  # sky is above, ground below
        self.join = nn.Sequential(nn.Linear(2 * tokens, 96), nn.ReLU(), nn.Linear(96, tokens), nn.ReLU())
        self.direction = nn.Linear(tokens, dim)
        self.read = nn.Conv2d(tokens, len(AMOUNTS), 1)
        self.register_buffer("centres", first_centres(dim))

    def look(self, x: Tensor) -> Tensor:
        """Local tokens (B, D, H/8, W/8) of (B, 3, H, W) with H, W multiples of 8, values in [0, 1].

        It looks at 8 bits, as it learnt to: what 16 bits have below a grey level it would take for grain.
        """
        seen = quantise(x)
        x = x + (seen - x).detach() if x.requires_grad else seen  # a gradient passes as if it had not
        # A logarithm with a sign shows detail of a few grey levels (dark photos) and of many (noise).
        return self.close(torch.cat([x, asinh_third(detail(x).mul_(255))], 1))

    def glance(self, thumbnails: Tensor) -> Tensor:
        """thumbnails: (P, 3, 64, 64) of whole photos -> (P, D, 8, 8)."""
        return self.far(F.pixel_unshuffle(thumbnails, 2)) + self.where

    def survey(self, far: Tensor, close: Tensor) -> Sense:
        """far: (P, D, 8, 8) from `glance`; close: (P, D) means of the photos' local tokens."""
        with torch.autocast(far.device.type, enabled=False):  # angles deserve full precision
            g = self.join(torch.cat([close, far.mean((2, 3))], 1).float())
            z = self.direction(g)
            return Sense(z if self.linear else F.normalize(z, dim=1), g, far)

    def forward(self, x: Tensor) -> tuple[Tensor, Sense]:
        local = self.look(x)
        return local, self.survey(self.glance(thumbnail(x)), local.mean((2, 3)))


def detail(x: Tensor) -> Tensor:
    """x (B, C, H, W) less the mean of its four neighbours; the edge is repeated."""
    wide = F.pad(x, (1, 1, 1, 1), "replicate")
    above, below = wide[..., :-2, 1:-1], wide[..., 2:, 1:-1]
    left, right = wide[..., 1:-1, :-2], wide[..., 1:-1, 2:]
    return (above + below).add_(left).add_(right).mul_(-0.25).add_(x)


def asinh_third(v: Tensor) -> Tensor:
    """asinh(v) / 3 to 1e-6, in a third of the time that `Tensor.asinh` takes on a CPU.

    Of an input that wants a gradient, by `Tensor.asinh`: |v| has none at 0, where asinh's is 1.
    """
    if v.requires_grad:
        return v.asinh() / 3
    size = v.abs()
    # In place wherever no gradient needs what was there: memory costs more time than arithmetic.
    root = size.square().add_(1).sqrt_()
    return (size + root).log().div_(3).copysign(v)


def nearness(a: Tensor, b: Tensor) -> Tensor:
    """(N, d), (M, d) -> (N, M): -|a - b|^2 / 2. Of unit vectors that is cos(a, b) - 1.

    So what the losses say of angles on the sphere, they say of distances in a linear space.
    """
    return a @ b.T - (a.square().sum(1)[:, None] + b.square().sum(1)) / 2


def triplet_loss(z: Tensor, label: Tensor, margin: float = 0.8) -> Tensor:
    """max(0, m + cos(a, n) - cos(a, p)), mined in the batch: each positive p against the nearest negative n.

    z: (B, d) unit vectors; label: (B,) int. Anchors without a positive or a negative do not count. (The
    farthest positive alone would be mined among mislabelled-looking photos: a faint blur on a blurred one.)
    """
    if not len(z):
        return z.sum()  # nothing but mixes in the batch
    near = nearness(z, z)
    same = label[:, None] == label[None, :]
    positive = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    nearest = near.masked_fill(same, -math.inf).amax(1, keepdim=True)
    loss = (margin + nearest - near).clamp(min=0)[positive & nearest.isfinite()]
    return loss.mean() if len(loss) else z.sum() * 0


def uniformity_loss(z: Tensor, t: float = 2.0) -> Tensor:
    """log mean exp(-t |z_i - z_j|^2) over pairs i < j of (N, d) unit vectors; lower is more even."""
    if len(z) < 2:
        return z.sum() * 0  # one point is even
    i, j = torch.triu_indices(len(z), len(z), 1, device=z.device)
    return torch.logsumexp(-t * (z[i] - z[j]).square().sum(1), 0) - math.log(len(i))


def centres(
    z: Tensor, label: Tensor, count: int = len(PLACES), linear: bool = False
) -> tuple[Tensor, Tensor]:
    """Normalised means (count, d) of the unit vectors with each label, and which labels occurred (count,).

    linear: the means themselves.
    """
    member = F.one_hot(label, count).to(z)
    if linear:
        return member.T @ z / member.sum(0).clamp(min=1)[:, None], member.any(0)
    return F.normalize(member.T @ z, dim=1), member.any(0)


def midpoint_loss(z: Tensor, share: Tensor, places: Tensor, linear: bool = False) -> Tensor:
    """1 - cos to the midpoint of the parents' places, for the mixes among (B, d) unit vectors z.

    share: (B, 6) of the places; places: (6, d) unit vectors, where they lie. linear: half the squared
    distance instead.
    """
    mixed = share.amax(1) < 1
    if not mixed.any():
        return z.sum() * 0
    goal = share[mixed] @ places.detach()
    if linear:
        return (z[mixed] - goal).square().sum(1).mean() / 2
    length = goal.norm(dim=1)
    # Parents that face each other, as some do on the globe, have no midpoint: there is nothing to draw to.
    off = (1 - (z[mixed] * F.normalize(goal, dim=1)).sum(1))[length > 0.2]
    return off.mean() if len(off) else z.sum() * 0


def evenly_spaced(count: int, dim: int, steps: int = 2000, seed: int = 0) -> Tensor:
    """(count, dim) unit vectors, as far from one another as possible.

    Up to dim + 1 points: the simplex, exact. More: energy minimisation, from a fixed seed.
    """
    if count == 1:
        return F.pad(torch.ones(1, 1), (0, dim - 1))
    if count <= dim + 1:
        simplex = torch.eye(count, dtype=torch.float64) - 1 / count  # in the (count - 1)-space of zero sum
        axes = torch.linalg.svd(simplex)[2][: count - 1]
        return F.pad(F.normalize(simplex @ axes.T, dim=1), (0, dim - count + 1)).float()
    z = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(_spread(z, steps), dim=1).float()


@torch.inference_mode(False)
@torch.enable_grad()  # whoever asks: also while weights are read, where nothing else needs a gradient
def _spread(z: Tensor, steps: int) -> Tensor:
    """(count, dim) points, moved apart until they are as even as they can be on the sphere."""
    z = z.clone().requires_grad_()
    optimizer = torch.optim.Adam([z], 0.05)
    for k in range(steps):
        optimizer.zero_grad()
        # A sharpening energy: at the end only the closest pairs still push.
        energy = uniformity_loss(F.normalize(z, dim=1), t=2 * 20 ** (k / steps))
        energy.backward()
        optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * (1 - k / steps)
    return z.detach()


def first_centres(dim: int) -> Tensor:
    """(6, dim) evenly spaced places for `PLACES` to start from.

    On the globe six such places are three facing pairs. Those are chosen not to be mixes, as facing places
    have no midpoint: clean and noise, haze and blur, rain and low light.
    """
    if dim != 3:
        return evenly_spaced(len(PLACES), dim)
    ends = {"clean": (1, 0, 0), "noise": (-1, 0, 0), "haze": (0, 1, 0), "blur": (0, -1, 0),
            "rain": (0, 0, 1), "lowlight": (0, 0, -1)}  # fmt: skip
    return torch.tensor([ends[place] for place in PLACES], dtype=torch.float32)


def smallest_angle(points: Tensor) -> float:
    """The smallest angle between any two of (N, d) unit vectors, in degrees."""
    i, j = torch.triu_indices(len(points), len(points), 1)
    return float(torch.rad2deg(torch.acos((points[i] * points[j]).sum(1).clamp(-1, 1)).min()))


def evenness(points: Tensor) -> dict[str, float]:
    """Smallest angle (degrees) and uniformity energy of (N, d) unit vectors, each beside the optimum."""
    best = evenly_spaced(*points.shape)
    return {
        "smallest_angle": smallest_angle(points),
        "optimal_angle": smallest_angle(best),
        "uniformity": float(uniformity_loss(points)),
        "optimal_uniformity": float(uniformity_loss(best)),
    }
