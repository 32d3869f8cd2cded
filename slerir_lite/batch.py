"""What a training step is given: crops, the whole photos' thumbnails, and what was done where.

Paper: how its batches look is not public.
Ours:  all of it; what was done is also told token by token, for the compass to learn to read.
"""

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from .degrade import PLACES, transmission
from .view import View

CELL = 8  # px: a token of the close-up covers this much of the photo
PATH = 20  # px: the length of a blur's path that counts as an amount of 1
# What the compass learns to read off a photo, token by token; see `amounts`.
AMOUNTS = ("noise", "rain", "haze", "airlight", "blur across", "blur along", "blur length", "darkness")


@dataclass
class Batch:
    """P photos with two crops each; crop c of photo p is row 2 * p + c.

    degraded, clean: (2*P, 3, S, S) in [0, 1]; view: where the crops lie in their photos
    thumbnail:       (P, 3, 64, 64) of the whole degraded photos
    amounts:         (2*P, 8, S/8, S/8) what was done where, see `AMOUNTS`
    place:           (P, 6) share of each place on the sphere, `degrade.PLACES`: 1, or 1/2 each for a mix of
                     two and for damage in one region only, which is half clean (of a mix there, 1/4 each)
    motion:          (P, 2) length (px, 0 where nothing moved) and angle (radians) of the blur's path
    kinds:           P names, such as "haze+rain"
    """

    degraded: Tensor
    clean: Tensor
    view: View
    thumbnail: Tensor
    amounts: Tensor
    place: Tensor
    motion: Tensor
    kinds: list[str]

    @property
    def label(self) -> Tensor:
        """(2*P,) int: the place that each crop's damage has the name of, the first one's of a mix."""
        named = [PLACES.index(kinds.split("+")[0]) for kinds in self.kinds]
        return torch.tensor(named, device=self.place.device).repeat_interleave(2)

    def photos(self, begin: int, end: int) -> "Batch":
        """Some photos that stand side by side, with their crops; nothing is copied."""
        photos, crops = slice(begin, end), slice(2 * begin, 2 * end)
        return Batch(
            self.degraded[crops], self.clean[crops], self.view[crops], self.thumbnail[photos],
            self.amounts[crops], self.place[photos], self.motion[photos], self.kinds[photos],
        )  # fmt: skip

    def to(self, device) -> "Batch":
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        moved = {k: v.to(device) if isinstance(v, Tensor) else v for k, v in moved.items()}
        view = View(*(getattr(self.view, f.name).to(device) for f in fields(View)))
        return replace(self, **(moved | {"view": view}))


def joined(groups: list[Batch], order: Tensor) -> Batch:
    """All groups' photos in one batch, the p-th of them as its number order[p]."""
    crops = (2 * order[:, None] + torch.arange(2)).flatten()

    def together(parts: list[Tensor]) -> Tensor:
        counts = [len(part) for part in parts]
        rows = order if sum(counts) == len(order) else crops
        found = parts[0].new_empty(len(rows), *parts[0].shape[1:])
        for where, part in zip(rows.split(counts), parts, strict=True):
            found.index_copy_(0, where, part)
        return found

    tensors = ("degraded", "clean", "thumbnail", "amounts", "place", "motion")
    found = {name: together([getattr(group, name) for group in groups]) for name in tensors}
    view = View(*(together([getattr(group.view, f.name) for group in groups]) for f in fields(View)))
    kinds = [kind for group in groups for kind in group.kinds]
    return Batch(**found, view=view, kinds=[kinds[p] for p in order.argsort().tolist()])


def places_of(kinds: str) -> Tensor:
    """(6,) shares of the places (clean, then KINDS): one 1, or 1/2 each for a mix of two."""
    names = kinds.split("+")
    return torch.tensor([names.count(p) / len(names) for p in PLACES])


def amounts(did: dict, view: View, mask: Tensor) -> Tensor:
    """(B, 8, h, w): how much of each `AMOUNTS` was done at each token: 0 to about 1, rain to 2.

    did: what `mix` returned; view: the crops'; mask: (B, 1, h, w) where it was done. Blur has a length and
    a direction; as a direction and its opposite are the same blur, "across" and "along" are the length times
    cosine and sine of the doubled angle, from about -1 to 1.
    """
    found = torch.zeros(len(mask), len(AMOUNTS), *mask.shape[-2:])
    for kind, p in did.items():
        if kind == "noise":
            found[:, 0] += (p["sigma"] / 50)[:, None, None]
        elif kind == "rain":
            found[:, 1] += (p["density"] * p["length"] * p["strength"] / 0.3)[:, None, None]
        elif kind == "haze":
            coarse = replace(view, step=view.step * CELL)
            t = transmission(p["beta"], p["near"], p["depth"], coarse, *mask.shape[-2:])
            found[:, 2:4] += torch.cat([1 - t, (1 - t) * p["air"][:, None, None, None]], 1)
        elif kind == "blur":
            size, twice = p["length"] / PATH, 2 * p["angle"]
            found[:, 4:7] += torch.stack([size * twice.cos(), size * twice.sin(), size], 1)[..., None, None]
        elif kind == "lowlight":
            found[:, 7] += (p["gain"].log() / math.log(0.08))[:, None, None]
    return found * mask
