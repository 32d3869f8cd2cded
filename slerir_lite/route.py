"""Choosing the specialist: at every layer the nearest pin on the sphere wins. And the rivals.

Paper: spherical layer-wise routing; each layer picks one expert by the embedding's direction.
Ours:  how the pins start (every layer pairs the six places differently, and each pair's midpoint gets a
       pin) and how they learn (a gate that equals 1 but carries a gradient, as in Switch Transformers,
       Fedus et al. 2022). The rivals share the interface `router(sense, label) -> Route`; what is no
       angle on the sphere is told as acos of its softmax share, so that the best has the smallest.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .degrade import PLACES
from .sphere import Sense, nearness

LAYERS = 8
# Three pairs never share a specialist: clean and noise, haze and blur, rain and low light. That leaves
# exactly eight ways of pairing the six places, one a layer. On the globe (d = 3) these are the pairs that
# face each other and have no midpoint, see `sphere.first_centres`. The order within a layer only numbers
# the specialists: so that no place takes the same number everywhere.
PAIRINGS = tuple(
    tuple(tuple(pair.split("-")) for pair in line.split())
    for line in (
        "noise-rain haze-lowlight clean-blur",
        "noise-blur clean-lowlight rain-haze",
        "noise-blur clean-rain lowlight-haze",
        "clean-haze blur-rain noise-lowlight",
        "haze-rain noise-lowlight clean-blur",
        "blur-lowlight clean-haze noise-rain",
        "clean-rain noise-haze lowlight-blur",
        "clean-lowlight rain-blur noise-haze",
    )
)


@dataclass
class Route:
    """Which expert each image takes at each layer.

    choice: (B, L) int; angle: (B, L, K) degrees from z to each pin (of a rival without a sphere: acos of
    each one's share); gate: (B, L), all 1, whose gradient trains the router, or None.
    """

    choice: Tensor
    angle: Tensor
    gate: Tensor | None = None

    @property
    def margin(self) -> Tensor:
        """(B, L) by how many degrees the best pin beats the second best; 180 where there is one expert."""
        if self.angle.shape[-1] == 1:
            return torch.full_like(self.angle[..., 0], 180.0)
        best = self.angle.topk(2, largest=False).values
        return best[..., 1] - best[..., 0]

    def paths(self) -> list[str]:
        """Each image's path, such as "0-2-1-1-0-2-2-1"."""
        return ["-".join(map(str, row)) for row in self.choice.tolist()]


def table_from_pairings(pairings=PAIRINGS) -> Tensor:
    """(L, 6): the expert of each place at each layer."""
    return torch.tensor([[[p in pair for pair in line].index(True) for p in PLACES] for line in pairings])


def pins_from_centres(centres: Tensor, experts: int = 3, linear: bool = False) -> Tensor:
    """(L, K, d) unit pins, each the midpoint of the (6, d) centres that the layer's table gives to it.

    K = 1 leaves nothing to choose, and gives the mean direction of all. linear: the midpoints themselves.
    """
    if experts == 1:
        return F.normalize(centres.sum(0) + 1e-3, dim=0).expand(LAYERS, 1, -1).clone()
    member = F.one_hot(table_from_pairings(), experts).to(centres)  # (L, 6, K)
    total = torch.einsum("lpk,pd->lkd", member, centres)
    return total / 2 if linear else F.normalize(total, dim=-1)


def _route(score: Tensor, angle: Tensor, temperature: float) -> Route:
    choice = score.argmax(-1)
    share = F.softmax(score / temperature, -1).gather(-1, choice[..., None])[..., 0]
    return Route(choice, angle, share - share.detach() + 1)


class NearestPin(nn.Module):
    """choice = argmax_k cos(z, p_lk), with `pins` (L, K, d) that learn.

    Rivals: shared, one choice for the whole job (the first layer's pins decide for all); begin, the layers
    before it take their first expert always; linear, nearest by Euclidean distance instead of by angle.
    """

    def __init__(
        self,
        pins: Tensor,
        temperature: float = 0.2,
        shared: bool = False,
        begin: int = 0,
        linear: bool = False,
    ):
        super().__init__()
        self.pins = nn.Parameter(pins.clone())
        self.temperature, self.shared, self.begin, self.linear = temperature, shared, begin, linear

    def forward(self, sense: Sense, label: Tensor | None = None) -> Route:
        pins = self.pins[:1].expand_as(self.pins) if self.shared else self.pins
        with torch.autocast(pins.device.type, enabled=False):  # near ties must fall as they do at inference
            if self.linear:
                near = nearness(sense.z.float(), pins.flatten(0, 1)).unflatten(1, pins.shape[:2])
            else:
                near = torch.einsum("bd,lkd->blk", sense.z.float(), F.normalize(pins, dim=-1))
        if self.begin:
            first = torch.full_like(near[:, : self.begin], -torch.inf)
            first[..., 0] = 1.0
            near = torch.cat([first, near[:, self.begin :]], 1)
        found = F.softmax(near.detach() / self.temperature, -1) if self.linear else near.detach().clamp(-1, 1)
        return _route(near, torch.rad2deg(torch.acos(found)), self.temperature)


class SoftmaxGate(nn.Module):
    """A rival: a linear gate on the global token, without geometry. Its "angle" is acos of its share."""

    def __init__(self, tokens: int, experts: int = 3, layers: int = LAYERS):
        super().__init__()
        self.score = nn.Linear(tokens, layers * experts)
        self.experts = experts

    def scores(self, sense: Sense) -> Tensor:
        """(B, L, K), of which the highest wins."""
        with torch.autocast(sense.global_token.device.type, enabled=False):  # as for the pins
            return self.score(sense.global_token.float()).unflatten(1, (-1, self.experts))

    def forward(self, sense: Sense, label: Tensor | None = None) -> Route:
        score = self.scores(sense)
        return _route(score, torch.rad2deg(torch.acos(F.softmax(score.detach(), -1))), 1.0)


class Table(nn.Module):
    """A rival: the path is looked up in `table` (L, 6) by `label` (B,), else by the nearest (6, d) centre."""

    def __init__(self, table: Tensor, centres: Tensor, experts: int = 3):
        super().__init__()
        self.experts = experts
        self.register_buffer("table", table)
        self.register_buffer("centres", centres)

    def forward(self, sense: Sense, label: Tensor | None = None) -> Route:
        if label is None:
            label = nearness(sense.z, self.centres).argmax(1)
        return fixed(self.table[:, label].T, self.experts)


def first_experts(count: int, device: torch.device | str = "cpu") -> Tensor:
    """(B, L) the choice of each station's first expert, for `count` images."""
    return torch.zeros(count, LAYERS, dtype=torch.long, device=device)


def fixed(choice: Tensor, experts: int = 3) -> Route:
    """The route that takes `choice` (B, L): how a hand overrides the compass.

    Its angles were not measured: 0° for what is taken, 180° for the others.
    """
    return Route(choice, 180.0 * (1 - F.one_hot(choice, experts)))
