"""Crops out of photos, broken, each with the whole-photo context that it was cut from.

Paper: trains on crops, and names the gap between training on crops and running on whole photos.
Ours:  a crop comes with a thumbnail of its whole *degraded* photo and with a sibling: a second crop of
       the same degraded photo. What steers a station is taken from the thumbnail and the sibling, never
       from the crop itself, so that nothing learnt from a crop's own statistics can go wrong on a whole.

A batch is a function of (seed, step) alone. A resumed run so sees what it would have seen, and the
"data position" in a checkpoint is a number.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from .batch import CELL, Batch, amounts, joined, places_of
from .camera import taken
from .data import MARGIN, SIZE, THUMBNAIL, Photos
from .degrade import KINDS, confine, disc, draw_disc, mix
from .view import View

BLOCK = 16  # batches made at once: the cost of many small operations is shared
CORNERED = 0.16  # share of the damaged photos whose damage is confined to a soft-edged disc

# What is broken and how often. Mixes that the benchmark holds out (rain+blur, haze+noise,
# lowlight+noise) must not stand here.
RECIPE = {
    "clean": 0.10, "noise": 0.15, "rain": 0.18, "haze": 0.13, "blur": 0.12, "lowlight": 0.14,
    "haze+rain": 0.06, "blur+noise": 0.06, "lowlight+blur": 0.06,
}  # fmt: skip


class Crops:
    """Training batches without end: `crops.batch(step)` is the same for the same seed and step.

    photos: clean photos. size: of a crop, a multiple of 8. per_batch: photos a batch, with two crops each.
    camera: share of the photos, from 0 to 1, that come as a camera gives them, see `camera.taken`. Of those
    that nothing broke this is the clean one too: what a camera did to them is left as it is.
    cornered: share of the damaged photos that are damaged in a soft-edged disc only.
    recipe: how often each kind of damage comes, such as {"clean": 1, "haze+rain": 2}; default, `RECIPE`.
    ahead: the block so many on is made by a thread while this one is used: 1, or the number of processes
    that share out the blocks. A GPU would wait for it otherwise; on a CPU both would wait for each other: 0.

    Raises ValueError for settings that can't be.
    """

    def __init__(
        self, photos: Photos, per_batch: int = 5, size: int = SIZE, recipe: dict[str, float] | None = None,
        seed: int = 0, camera: float = 0.0, cornered: float = CORNERED, ahead: int = 0,
    ):  # fmt: skip
        least = min(min(x.shape[-2:]) for x in photos.images)
        if size % CELL or size + 2 * MARGIN > least:
            raise ValueError(
                f"crops must be a multiple of {CELL} px and at most {least - 2 * MARGIN} px for these photos "
                f"(the smallest side is {least} px, and {MARGIN} px around are blurred with), not {size} px"
            )
        if not (0 <= camera <= 1 and 0 <= cornered <= 1):
            raise ValueError(f"camera and cornered are shares from 0 to 1, not {camera} and {cornered}")
        self.photos, self.per_batch, self.size, self.seed = photos, per_batch, size, seed
        self.camera, self.cornered, self.ahead = camera, cornered, ahead
        self.recipe = _checked_recipe(RECIPE if recipe is None else recipe)
        self.shares = np.cumsum(list(self.recipe.values())) / sum(self.recipe.values())
        self._block, self._coming = (-1, None), (-1, None)

    @cached_property
    def smaller(self) -> "Crops":
        """Crops two thirds as wide, of twice as many photos.

        A step costs about the same and sees more that differs, which teaches compass and stations faster.
        """
        size = max(CELL, self.size * 2 // 3 // CELL * CELL)
        return Crops(
            self.photos, 2 * self.per_batch, size, self.recipe, self.seed, self.camera, self.cornered,
            self.ahead,
        )  # fmt: skip

    def batch(self, step: int) -> Batch:
        """The photos stand in the recipe's order, so that each expert finds its images side by side."""
        number, part = divmod(step, BLOCK)
        if self._block[0] != number:
            self._block = (number, self._made(number))
        return self._block[1].photos(part * self.per_batch, (part + 1) * self.per_batch)

    @cached_property
    def _maker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "crops")

    def _made(self, number: int) -> Batch:
        """A block: made here, or ahead, and then the next one is begun. It is the same block either way."""
        if not self.ahead:
            return self._make(number)
        there, coming = self._coming
        found = coming.result() if there == number else self._make(number)
        number += self.ahead
        self._coming = number, self._maker.submit(self._make, number)
        return found

    def _make(self, number: int) -> Batch:
        # Of a seed, torch's generator takes 32 bits. The odd factor keeps the runs of two seeds apart.
        generator = torch.Generator().manual_seed((self.seed * 2_654_435_761 + number) % 2**32)
        groups = [self._group(kinds, n, generator) for kinds, n in self._plan(generator)]
        if self.camera:
            groups = [self._taken(group, generator) for group in groups]
        # Dealt out like shuffled cards: each batch gets its share of every kind, whatever its number.
        deal = torch.stack([torch.randperm(BLOCK, generator=generator) for _ in range(self.per_batch)])
        return joined(groups, (deal * self.per_batch + torch.arange(self.per_batch)[:, None]).flatten())

    def _plan(self, generator) -> list[tuple[str, int]]:
        """How many photos of each kind: the recipe's shares, by one throw of a comb with a tooth a photo."""
        teeth = BLOCK * self.per_batch
        at = (np.arange(teeth) + float(torch.rand(1, generator=generator))) / teeth
        counts = np.bincount(np.searchsorted(self.shares, at, "right"), minlength=len(self.shares))
        return [(k, int(n)) for k, n in zip(self.recipe, counts, strict=True) if n]

    def _group(self, kinds: str, n: int, generator) -> Batch:
        """n photos with the same kinds of damage."""
        margin = MARGIN if "blur" in kinds else 0
        crops, origins, sizes, thumbs = [], [], [], []
        for _ in range(n):
            crop, origin, size, thumb = self._cut(margin, generator)
            crops += crop
            origins += origin
            sizes += [size, size]
            thumbs.append(thumb)
        clean, thumbs = torch.stack(crops).float().div_(255), torch.stack(thumbs)
        size = torch.tensor(sizes, dtype=torch.float32)
        view = View(torch.tensor(origins, dtype=torch.float32), torch.ones(2 * n, 2), size)
        photo = size[::2]
        whole = View(torch.zeros(n, 2), photo / THUMBNAIL, photo)
        # Severities lean towards the middle, where most photos are; the ends are still seen.
        severity = torch.rand(2, n, generator=generator).mean(0)
        small, did = mix(thumbs, kinds, severity, generator=generator, view=whole)
        path = did.get("blur", {"length": torch.zeros(n), "angle": torch.zeros(n)})
        motion = torch.stack([path["length"], path["angle"]], 1)
        did = {k: {name: v.repeat_interleave(2, 0) for name, v in d.items()} for k, d in did.items()}
        degraded, _ = mix(clean, kinds, generator=generator, view=view, did=did)
        mask = torch.ones(2 * n, 1, *clean.shape[-2:])
        place = places_of(kinds).repeat(n, 1)
        share = 0.0 if kinds == "clean" else self.cornered
        cornered = [p for p in range(n) if share and float(torch.rand(1, generator=generator)) < share]
        if cornered:
            rows = [row for p in cornered for row in (2 * p, 2 * p + 1)]
            spot = draw_disc(len(cornered), generator)
            inside = disc(**spot, view=whole[cornered], height=THUMBNAIL, width=THUMBNAIL)
            small[cornered] = thumbs[cornered] + inside * (small[cornered] - thumbs[cornered])
            spot = {k: v.repeat_interleave(2, 0) for k, v in spot.items()}
            mask[rows] = disc(**spot, view=view[rows], height=clean.shape[-2], width=clean.shape[-1])
            degraded[rows] = confine(clean[rows], degraded[rows], mask[rows])
            place[cornered] = (place[cornered] + places_of("clean")) / 2
        if margin:
            keep = slice(margin, -margin)
            clean, degraded, mask = (v[..., keep, keep] for v in (clean, degraded, mask))
            view = replace(view, origin=view.origin + margin)
        found = amounts(did, view, F.avg_pool2d(mask, CELL))
        return Batch(degraded, clean, view, small, found, place, motion, [kinds] * n)

    def _taken(self, group: Batch, generator) -> Batch:
        """The group, some of its photos as a camera gives them."""
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        rows = np.flatnonzero(rng.random(len(group.kinds)) < self.camera)
        rows = torch.from_numpy(np.stack([2 * rows, 2 * rows + 1], 1).ravel())
        if len(rows):
            group.degraded[rows] = taken(group.degraded[rows], rng)
        return replace(group, clean=group.degraded.clone()) if group.kinds[0] == "clean" else group

    def _cut(self, margin: int, generator):
        """Two crops (with margin) and the thumbnail of one random photo, mirrored half of the time."""
        k, flip, *spots = torch.randint(0, 2**31, (6,), generator=generator).tolist()
        image = self.photos.images[k % len(self.photos)]
        thumb = self.photos.thumbnails[k % len(self.photos)]
        height, width = image.shape[-2:]
        side = self.size + 2 * margin
        crops, origins = [], []
        for y, x in (spots[:2], spots[2:]):
            top, left = y % (height - side + 1), x % (width - side + 1)
            crop = image[:, top : top + side, left : left + side]
            crops.append(crop.flip(-1) if flip % 2 else crop)
            origins.append((top, width - side - left if flip % 2 else left))
        return crops, origins, (height, width), thumb.flip(-1) if flip % 2 else thumb


def _checked_recipe(recipe: dict[str, float]) -> dict[str, float]:
    """The same. Raises ValueError for kinds that are none, and where nothing is ever drawn."""
    unknown = [k for k in recipe if k != "clean" and not set(k.split("+")) <= set(KINDS)]
    if unknown:
        raise ValueError(
            f"A recipe's kinds are clean, {', '.join(KINDS)} and mixes such as haze+rain, not {unknown[0]}."
        )
    if not all(share >= 0 for share in recipe.values()) or not sum(recipe.values()) > 0:
        raise ValueError(f"A recipe's shares are 0 or more, and not all of them 0: {recipe}")
    return recipe
