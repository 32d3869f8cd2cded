"""SlerIR, assembled, and Generalist: one backbone of 8 layers, so that what runs per photo is the same.

Paper: the routing and the fusion around a restoration backbone that is not public.
Ours:  that motion is undone first (see `deblur`), and the backbone: pixels in 2x2 blocks, then a U of
       eight layers (2 at 1/2, 1 at 1/4, 2 at 1/8, 1 at 1/4, 2 at 1/2 of the size), residual to the
       exposed input. Nothing in it pools over the image: what it does at a pixel depends on the pixel's
       surroundings and on the guide, not on how a photo was tiled.
"""

from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .batch import AMOUNTS
from .data import thumbnail
from .deblur import FILTERS, Deblur, mixture, path_shares, sharpen, sharpens, trust
from .experts import Station
from .fuse import Fuse
from .route import NearestPin, Route, first_experts, fixed, pins_from_centres
from .sphere import Compass, Sense
from .view import View

LEVELS = (0, 0, 1, 2, 2, 1, 0, 0)  # layer by layer: at 1/2, 1/4 or 1/8 of the size
RUNS = tuple(level for level, _ in groupby(LEVELS))  # stations side by side
MULTIPLE = 8
# Motion is undone in photos of which more than this share shows a path of 5 px or more. With 2 % a soft
# flower at the edge of a sharp photo passed for motion, and the whole photo got rings.
SEEN, SHARE = 0.25, 0.05


# The largest network: one that a hostile file of weights asks for could otherwise take all memory.
BOUNDS = {"experts": (1, 3), "width": (1, 128), "dim": (2, 64), "tokens": (1, 256)} | dict.fromkeys(
    ("linear", "global_sense", "local_sense"), (False, True)
)


@dataclass(frozen=True)
class Config:
    """experts: K a station; width: channels at half size; dim: d of the sphere; tokens: D of the guide.

    Rivals: linear, a space without a sphere; global_sense or local_sense False, a guide that lacks it.
    Raises ValueError for what lies outside `BOUNDS`.
    """

    experts: int = 3
    width: int = 32
    dim: int = 5
    tokens: int = 48
    linear: bool = False
    global_sense: bool = True
    local_sense: bool = True

    def __post_init__(self):
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if type(value) is not type(low) or not low <= value <= high:
                right = "true or false" if type(low) is bool else f"a number from {low} to {high}"
                raise ValueError(f"{name} is {value!r:.80}, not {right}")
        if self.experts not in (1, 3):
            raise ValueError(
                f"a station has 1 or 3 experts (three share out the six places), not {self.experts}"
            )

    def channels(self, levels=LEVELS) -> list[int]:
        return [self.width * 2**level for level in levels]


class Backbone(nn.Module):
    """Eight stations in a U. (B, 3, H, W), H and W multiples of 8 -> the change to add, the same shape."""

    def __init__(self, config: Config):
        super().__init__()
        c = config.width
        self.enter = nn.Conv2d(12, c, 3, 1, 1)
        self.stations = nn.ModuleList(Station(n, config.experts) for n in config.channels())
        self.down = nn.ModuleList([nn.Conv2d(c, 2 * c, 2, 2), nn.Conv2d(2 * c, 4 * c, 2, 2)])
        self.up = nn.ModuleList([nn.Conv2d(2 * c, 4 * c, 1), nn.Conv2d(4 * c, 8 * c, 1)])
        self.leave = nn.Conv2d(c, 12, 3, 1, 1)

    def forward(self, x: Tensor, route: Route, scale=lambda run, size: None) -> Tensor:
        """route: which expert at each layer; scale: (run, size) -> factors for the inner channels."""
        x = self.enter(F.pixel_unshuffle(x, 2))
        skips, run, level = [], 0, 0
        factors = scale(run, x.shape[-2:])
        choice = route.choice.cpu()  # a GPU is waited for once, not at each station
        for layer, station in enumerate(self.stations):
            if LEVELS[layer] != level:
                if LEVELS[layer] > level:
                    skips.append(x)
                    x = self.down[level](x)
                else:
                    x = F.pixel_shuffle(self.up[level - 1](x), 2) + skips.pop()
                run, level = run + 1, LEVELS[layer]
                factors = scale(run, x.shape[-2:])
            gate = None  # it is 1, and matters only to the router's gradient
            if route.gate is not None and route.gate.requires_grad:
                gate = route.gate[:, layer, None, None, None]
            x = station(x, choice[:, layer], factors, gate)
        return F.pixel_shuffle(self.leave(x), 2)


@dataclass
class Restored:
    """image: (B, 3, H, W), not clipped; route, sense: one row an image; local tokens, guide: (B, D, h, w).

    From tiles there are no local tokens, as the guide lies where they lay.
    """

    image: Tensor
    route: Route
    sense: Sense
    local_tokens: Tensor | None
    guide: Tensor


class SlerIR(nn.Module):
    """photo -> compass (z) -> router (choice) -> guide -> 8 stations -> restored photo.

    x: (B, 3, H, W) in [0, 1], any size from 1 x 1 up. Returns `Restored`.
    """

    def __init__(self, config: Config = Config(), router: nn.Module | None = None):
        super().__init__()
        self.config = config
        self.compass = Compass(config.dim, config.tokens, config.linear)
        pins = pins_from_centres(self.compass.centres, config.experts, config.linear)
        self.router = NearestPin(pins, linear=config.linear) if router is None else router
        self.deblur = Deblur()
        self.fuse = Fuse(config.tokens, config.channels(RUNS), config.global_sense, config.local_sense)
        self.backbone = Backbone(config)

    def forward(self, x: Tensor, sense: Sense | None = None, view: View | None = None,
                thumbnails: Tensor | None = None, motion: Tensor | None = None,
                choice: Tensor | None = None, label: Tensor | None = None) -> Restored:  # fmt: skip
        """x alone: whole photos. In training: `thumbnails` (P, 3, 64, 64) of the photos, x with two crops of
        each, which lie at `view`, and `motion` (P, 2) as in `Batch`. Of whole photos `sense` may be known
        already; where it has no `filters`, motion stays.
        choice: (B, 8), to override the router. label: (B,) places, for a router that is told them."""
        height, width = x.shape[-2:]
        if thumbnails is not None and view is None:
            raise ValueError("crops (given with `thumbnails`) need the `view` that says where they lie")
        x = pad(x)
        local = self.compass.look(x)
        if sense is None:
            photo = x[..., :height, :width]
            sense = self.sense(photo, local, thumbnails)
            sense.filters = self.find_motion(photo, local, thumbnails is not None, motion)
        route = self.router(sense, label) if choice is None else fixed(choice, self.config.experts)
        guide = self.fuse(local, sense, View.whole(x[..., :height, :width]) if view is None else view)
        x = self.work(x, route, sense, local, guide)
        return Restored(x[..., :height, :width], route, sense, local, guide)

    @torch.no_grad()
    def set_pins(self) -> None:
        """The pins, where the router has any, to where the compass's places now ask for them."""
        if hasattr(self.router, "pins"):
            config, places = self.config, self.compass.centres
            self.router.pins.copy_(pins_from_centres(places, config.experts, config.linear))

    def sense(self, x: Tensor, local: Tensor, thumbnails: Tensor | None = None) -> Sense:
        """Of whole photos x with tokens `local`; or of the photos that pairs of crops x were cut from."""
        close = local.mean((2, 3))
        if thumbnails is None:
            return self.compass.survey(self.compass.glance(thumbnail(x)), close)
        # Each crop is steered by its sibling, so that no statistic of a crop steers its own restoration.
        sibling = close.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
        return self.compass.survey(self.compass.glance(thumbnails).repeat_interleave(2, 0), sibling)

    def find_motion(
        self, x: Tensor, local: Tensor, paired: bool = False, motion: Tensor | None = None
    ) -> Tensor:
        """(B, FILTERS) weights for `sharpen`: of the photos that show motion; of the others, no change.

        paired: x are pairs of crops, and each is steered by its sibling. motion: (P, 2) of their photos, told
        in training: a crop shows its path poorly, and the stations shall learn what to do with a path as a
        whole photo shows it.
        """
        blurred = self.blurred(local)
        if motion is None:
            rows = ((blurred > SEEN).float().mean((1, 2, 3)) > SHARE).nonzero()[:, 0]
        else:
            motion = motion.repeat_interleave(2, 0)
            rows = motion[:, 0].nonzero()[:, 0]
        weight = F.one_hot(rows.new_zeros(len(x)), FILTERS).float()
        if not len(rows):
            return weight
        shown = rows ^ 1 if paired else rows
        if len(rows) < len(x) or paired:
            x, blurred = x[shown], blurred[shown]
        path, strength = self.deblur(x, blurred)
        if motion is None:
            told = mixture(path.exp(), strength, trust(*x.shape[-2:]))
        else:
            told = mixture(path_shares(motion[rows]), strength)
        return weight.index_copy(0, rows, told)

    def blurred(self, local: Tensor) -> Tensor:
        """(B, 1, h, w) how blurred each place looks: the compass's reading of a path's length."""
        return self.compass.read(local.float())[:, AMOUNTS.index("blur length"), None].detach()

    def work(self, x: Tensor, route: Route, sense: Sense, local: Tensor, guide: Tensor) -> Tensor:
        """All that follows once it is decided what is to be done: (B, 3, H, W) -> the same, restored."""
        x = self.fuse.expose(self.undo_motion(x, sense.filters, local, guide), guide)
        return x + self.backbone(x, route, lambda run, size: self.fuse.scale(run, guide, size))

    def undo_motion(self, x: Tensor, weight: Tensor | None, local: Tensor, guide: Tensor) -> Tensor:
        """x (B, 3, H, W), sharpened where motion is seen, in the photos whose filter does anything."""
        rows = [] if weight is None else sharpens(weight).nonzero()[:, 0]
        if not len(rows):
            return x
        sharp = sharpen(x[rows], weight[rows])
        return x.index_copy(
            0, rows, self.fuse.unblur(x[rows], sharp, guide[rows], self.blurred(local[rows])).to(x)
        )


class Generalist(nn.Module):
    """The same backbone with one expert a layer, and nothing to steer it. (B, 3, H, W) -> the same."""

    def __init__(self, config: Config = Config(experts=1)):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        x = pad(x)
        nobody_chooses = fixed(first_experts(len(x)), 1)
        return (x + self.backbone(x, nobody_chooses))[..., :height, :width]


def pad(x: Tensor) -> Tensor:
    """Repeat the right and bottom edge until height and width are multiples of 8."""
    down, right = -x.shape[-2] % MULTIPLE, -x.shape[-1] % MULTIPLE
    return F.pad(x, (0, right, 0, down), "replicate") if down or right else x
