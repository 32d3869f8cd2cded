"""What each sense says of a photo, what the guide makes of it, and what is lost with one switched off.

Ours: a sense that is switched off says what it says of clean photos on average. Zeros would be something
that the network never met, and whatever broke then would prove little.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..sphere import Sense
from ..view import View


@dataclass
class Heard:
    """Of one photo: local (D, h, w), far (D, 8, 8), guide (D, h, w), and image (3, H, W) in [0, 1], restored
    under that guide."""

    local: Tensor
    far: Tensor
    guide: Tensor
    image: Tensor


@dataclass
class Usual:
    """What the senses say of clean photos on average: local (D,), far (D, 8, 8) and the global token (D,)."""

    local: Tensor
    far: Tensor
    token: Tensor


@torch.no_grad()
def usual(model, photos: Iterable[Tensor]) -> Usual:
    """photos: clean, (3, H, W), not necessarily of one size; model: as for `listen`."""
    seen = [model(x[None]) for x in photos]
    mean = [
        torch.stack(v).mean(0)
        for v in (
            [got.local_tokens[0].mean((1, 2)) for got in seen],
            [got.sense.thumbnail_tokens[0] for got in seen],
            [got.sense.global_token[0] for got in seen],
        )
    ]
    return Usual(*mean)


@torch.no_grad()
def listen(model, photo: Tensor, clean: Usual, near: bool = True, far: bool = True) -> Heard:
    """photo: (3, H, W) in [0, 1], H and W multiples of 8. near, far: whether the local and the global sense
    are on.

    model: a SlerIR in eval mode, or any object that is called with (1, 3, H, W), returns what
    `model.Restored` has (`image`, `local`, `sense`, `route`, `guide`), and has two methods more:
    `fuse(local, sense, view)`, which gives a guide, and `work(x, route, sense, local, guide)`, which restores
    x under it. The image is the network's own: what hardly changes is not spared, as `restore` does.
    """
    x = photo[None]
    got = model(x)
    local, sense = got.local_tokens, got.sense
    if not near:
        local = clean.local[None, :, None, None].expand_as(local)
    if not far:
        sense = Sense(sense.z, clean.token[None], clean.far[None], sense.filters)
    # The route and the path of motion stay as they are: only the guide is to lose something.
    guide, image = got.guide, got.image
    if not (near and far):
        guide = model.fuse(local, sense, View.whole(x))
        image = model.work(x, got.route, got.sense, got.local_tokens, guide)
    return Heard(local[0], sense.thumbnail_tokens[0], guide[0], image[0].clamp(0, 1))
