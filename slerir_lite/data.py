"""Photos in; crops out, each with the whole-photo context that it was cut from. And dead leaves.

Paper: trains on crops, and names the gap between training on crops and running on whole photos.
Ours:  a crop comes with a thumbnail of its whole *degraded* photo and with a sibling: a second crop of
       the same degraded photo. What steers a station is taken from the thumbnail and the sibling, never
       from the crop itself, so that nothing learnt from a crop's own statistics can go wrong on a whole.

A batch is a function of (seed, step) alone. A resumed run so sees what it would have seen, and the
"data position" in a checkpoint is a number.
"""

import warnings
import zlib
from dataclasses import dataclass, fields, replace
from functools import cached_property, reduce
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from .bristles import bristles
from .camera import taken
from .degrade import PLACES, confine, disc, draw_disc, mix, transmission
from .photo import as_bytes, list_photos, read_photo
from .view import View

THUMBNAIL = 64  # px: every whole photo is also seen at this size, squeezed to a square
CELL = 8  # px: a token of the close-up covers this much of the photo
BLOCK = 16  # batches made at once: the cost of many small operations is shared
PATH = 20  # px: the length of a blur's path that counts as an amount of 1
SIZE = 96  # px of a crop, unless somebody says otherwise
MARGIN = 12  # px: cut around a crop that will be blurred, so that what moves in is real

# What is broken and how often. Mixes that the benchmark holds out (rain+blur, haze+noise,
# lowlight+noise) must not stand here.
RECIPE = {
    "clean": 0.10, "noise": 0.15, "rain": 0.18, "haze": 0.13, "blur": 0.12, "lowlight": 0.14,
    "haze+rain": 0.06, "blur+noise": 0.06, "lowlight+blur": 0.06,
}  # fmt: skip
SEEDS_APART = 1_000_003  # between the pictures of two seeds of dead leaves
BRISTLED = 5  # each so many photos has a twin with bristles
HALVED = 2  # and each so many one of half its size
CORNERED = 0.16  # share of the damaged photos whose damage is confined to a soft-edged disc

# What the compass learns to read off a photo, token by token; see `amounts`.
AMOUNTS = ("noise", "rain", "haze", "airlight", "blur across", "blur along", "blur length", "darkness")


class Photos:
    """Clean photos in memory, 3 bytes a pixel: `images`, a list of (3, H, W) uint8, and their `thumbnails`
    (N, 3, 64, 64).

    size: of the crops that they are for; photos too small for that are left out with a warning.
    """

    def __init__(self, images: list[Tensor], size: int = THUMBNAIL):
        least = max(size, THUMBNAIL) + 2 * MARGIN
        self.images = [x for x in images if min(x.shape[-2:]) >= least]
        if len(self.images) < len(images):
            warnings.warn(f"left out {len(images) - len(self.images)} photos under {least} px", stacklevel=2)
        if not self.images:
            raise ValueError(f"no photo is at least {least} px wide and high")
        self.thumbnails = torch.stack([thumbnail(x[None].float() / 255)[0] for x in self.images])

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def checksum(self) -> int:
        """Of all pixels in their order: the same on every machine."""
        return reduce(lambda found, x: zlib.crc32(x.contiguous().numpy(), found), self.images, 0)

    @classmethod
    def from_folder(
        cls, folder: str | Path, leave_out: set[str] = frozenset(), size: int = THUMBNAIL
    ) -> "Photos":
        """All photos of a folder, less the file names in `leave_out`. Raises ValueError where one of those is
        not there: what was meant would be trained on."""
        files = list_photos(folder)
        if unknown := leave_out - {f.name for f in files}:
            few = ", ".join(sorted(unknown)[:3])
            raise ValueError(
                f"{folder} has no {few}: name what to leave out by its file name, such as a.jpg."
            )
        files = [f for f in files if f.name not in leave_out]
        return cls([torch.from_numpy(as_bytes(read_photo(f))).permute(2, 0, 1) for f in files], size)

    def with_bristles(self) -> "Photos":
        """And every fifth photo once more, with bristles that are not rain."""
        return Photos(self.images + [bristles(x, seed) for seed, x in enumerate(self.images[::BRISTLED])])

    def with_halves(self, least: int = SIZE + 2 * MARGIN) -> "Photos":
        """And every second photo once more at half its size, if it is `least` px wide and high then.

        What is fine in a photo is twice as fine there.
        """
        large = [x for x in self.images[::HALVED] if min(x.shape[-2:]) >= 2 * least]
        halves = [F.avg_pool2d(x.float(), 2).round().to(torch.uint8) for x in large]
        return Photos(self.images + halves)

    @classmethod
    def dead_leaves(cls, count: int, size: int = 192, seed: int = 0) -> "Photos":
        """Made-up photos, see `dead_leaves`."""
        return cls([dead_leaves(size, SEEDS_APART * seed + k) for k in range(count)])


def thumbnail(x: Tensor) -> Tensor:
    """(B, 3, H, W) whole photos -> (B, 3, 64, 64), each pixel the mean of what it covers."""
    return F.adaptive_avg_pool2d(x, THUMBNAIL)


def dead_leaves(size: int = 192, seed: int = 0) -> Tensor:
    """(3, size, size) uint8: opaque shapes fallen on top of one another, down to the ground.

    Sizes follow a power law (density r^-3), which gives edges and a power spectrum like natural photos'
    (Lee, Mumford & Huang 2001). Colours vary mostly in brightness, as nature's do.
    """
    rng = np.random.default_rng(seed)
    fine = 2 * size  # drawn at twice the size, then halved: smooth edges
    r_min, r_max = 4.0, 0.45 * fine
    hue = rng.normal(0, 0.1, 3)  # one light over the whole scene
    image = Image.new("RGB", (fine, fine))
    draw = ImageDraw.Draw(image)
    radii = (r_max**-2 + rng.random(900) * (r_min**-2 - r_max**-2)) ** -0.5
    for r in np.concatenate([rng.uniform(0.3, 0.8, 12) * fine, radii]):
        colour = np.clip(rng.beta(1.4, 1.6) + hue + rng.normal(0, 0.07, 3), 0, 1) * 255
        corners = rng.integers(3, 9) if rng.random() < 0.4 else 24  # a polygon, or nearly an ellipse
        angle = np.sort(rng.random(corners)) if corners < 24 else np.arange(24) / 24
        angle = 2 * np.pi * angle
        stretch, turn = rng.uniform(0.4, 1), rng.uniform(0, np.pi)
        points = np.stack([np.cos(angle), stretch * np.sin(angle)], 1) * r
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = points @ spin + rng.uniform(0, fine, 2)
        draw.polygon([tuple(p) for p in points], fill=tuple(colour.astype(int)))
    flat = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()[None]
    # Shapes alone are too flat: a shade across the scene and a fine 1/f texture.
    texture = sum(
        F.interpolate(torch.from_numpy(rng.normal(0, 5, (1, 1, n, n))).float(), (size, size), mode="bicubic")
        for n in (3, 12, 48, size)
    )
    return (F.avg_pool2d(flat, 2) + texture).clamp(0, 255)[0].round().to(torch.uint8)


@dataclass
class Batch:
    """P photos with C crops each; crop c of photo p is row p * C + c.

    degraded, clean: (P*C, 3, S, S) in [0, 1]; view: where the crops lie in their photos
    thumbnail:       (P, 3, 64, 64) of the whole degraded photos
    amounts:         (P*C, 8, S/8, S/8) what was done where, see `AMOUNTS`
    place:           (P, 6) share of each place on the sphere, `degrade.PLACES`: 1, or 1/2 each for a mix of
                     two and for damage in one region only, which is half clean
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
        """(P*C,) int: the place that each crop's damage has the name of, the first one's of a mix."""
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


class Crops:
    """Training batches without end: `crops.batch(step)` is the same for the same seed and step.

    photos: clean photos. size: of a crop, a multiple of 8. per_batch: photos a batch, with two crops each.
    camera: share of the photos, from 0 to 1, that come as a camera gives them, see `camera.taken`. Of those
    that nothing broke this is the clean one too: what a camera did to them is left as it is.
    cornered: share of the damaged photos that are damaged in a soft-edged disc only.
    """

    def __init__(
        self, photos: Photos, per_batch: int = 5, size: int = SIZE, recipe=None, seed: int = 0,
        camera: float = 0.0, cornered: float = CORNERED,
    ):  # fmt: skip
        least = min(min(x.shape[-2:]) for x in photos.images)
        if size % CELL or size + 2 * MARGIN > least:
            raise ValueError(
                f"crops must be a multiple of {CELL} px and at most {least - 2 * MARGIN} px for these photos "
                f"(the smallest side is {least} px, and {MARGIN} px around are blurred with), not {size} px"
            )
        self.photos, self.per_batch, self.size, self.seed = photos, per_batch, size, seed
        self.camera, self.cornered = camera, cornered
        self.recipe = RECIPE if recipe is None else recipe
        self.shares = np.cumsum(list(self.recipe.values())) / sum(self.recipe.values())
        self._block = (-1, None)

    @cached_property
    def smaller(self) -> "Crops":
        """Crops two thirds as wide, of twice as many photos.

        A step costs about the same and sees more that differs, which teaches compass and stations faster.
        """
        size = max(CELL, self.size * 2 // 3 // CELL * CELL)
        return Crops(
            self.photos, 2 * self.per_batch, size, self.recipe, self.seed, self.camera, self.cornered
        )

    def batch(self, step: int) -> Batch:
        """The photos stand in the recipe's order, so that each expert finds its images side by side."""
        number, part = divmod(step, BLOCK)
        if self._block[0] != number:
            self._block = (number, self._make(number))
        return self._block[1].photos(part * self.per_batch, (part + 1) * self.per_batch)

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
    """(B, 8, h, w): how much of each `AMOUNTS` was done at each token, about 0 to 1.

    did: what `mix` returned; view: the crops'; mask: (B, 1, h, w) where it was done. Blur has a length and
    a direction; as a direction and its opposite are the same blur, it is given by the doubled angle.
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
            found[:, 7] += (p["gain"].log() / np.log(0.08))[:, None, None]
    return found * mask
