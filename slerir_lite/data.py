"""Photos in: clean ones to train on, from a folder or made up, each with a thumbnail.

Paper: trains on public pairs of damaged and clean photos.
Ours:  clean photos alone, which `crops` cuts and breaks. Two kinds of twins teach what is no damage:
       bristles, which are not rain, and photos of half their size, whose fine detail is not noise.
"""

import warnings
import zlib
from copy import copy
from functools import cached_property, reduce
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from .bristles import bristles
from .leaves import dead_leaves
from .photo import as_bytes, list_photos, read_photo

THUMBNAIL = 64  # px: every whole photo is also seen at this size, squeezed to a square
SIZE = 96  # px of a crop, unless somebody says otherwise
MARGIN = 12  # px: cut around a crop that will be blurred, so that what moves in is real
SEEDS_APART = 1_000_003  # between the pictures of two seeds of dead leaves
BRISTLED = 5  # each so many photos has a twin with bristles
HALVED = 2  # and each so many one of half its size


class Photos:
    """Clean photos in memory, 3 bytes a pixel: `images`, a list of (3, H, W) uint8, and their `thumbnails`
    (N, 3, 64, 64).

    size: of the crops that they are for; photos too small for that are left out with a warning. Raises
    TypeError for floats, and ValueError for another shape or where no photo is left.
    """

    def __init__(self, images: list[Tensor], size: int = THUMBNAIL):
        for x in images:
            if x.dtype != torch.uint8:
                raise TypeError(
                    f"Training photos are bytes, 0 to 255, not {x.dtype}. Of floats in [0, 1] x: "
                    "(x * 255).round().to(torch.uint8)."
                )
            if x.ndim != 3 or len(x) != 3:
                raise ValueError(f"A training photo must be (3, H, W), not {tuple(x.shape)}.")
        least = max(size, THUMBNAIL) + 2 * MARGIN
        self.images = [x for x in images if min(x.shape[-2:]) >= least]
        if len(self.images) < len(images):
            warnings.warn(f"left out {len(images) - len(self.images)} photos under {least} px", stacklevel=2)
        if not self.images:
            raise ValueError(f"no photo is at least {least} px wide and high")
        self.thumbnails = _thumbnails(self.images)

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
        if not files:
            raise ValueError(f"All photos of {folder} are to be left out. Give more, or leave out fewer.")
        images, bad = [], []
        for file in tqdm(files, unit="photo", desc="reading", delay=1, leave=False):
            try:
                images.append(torch.from_numpy(as_bytes(read_photo(file))).permute(2, 0, 1))
            except (OSError, ValueError) as error:
                bad.append(str(error))
        if bad:
            raise ValueError("Take these out of the folder, or leave them out:\n" + "\n".join(bad))
        return cls(images, size)

    def _and(self, more: list[Tensor]) -> "Photos":
        """These, and more that are made of them."""
        found = copy(self)
        found.__dict__.pop("checksum", None)
        found.images = self.images + more
        found.thumbnails = torch.cat([self.thumbnails, _thumbnails(more)])
        return found

    def with_bristles(self) -> "Photos":
        """And every fifth photo once more, with bristles that are not rain."""
        return self._and([bristles(x, seed) for seed, x in enumerate(self.images[::BRISTLED])])

    def with_halves(self, least: int = SIZE + 2 * MARGIN) -> "Photos":
        """And every second photo once more at half its size, if it is `least` px wide and high then.

        What is fine in a photo is twice as fine there.
        """
        large = [x for x in self.images[::HALVED] if min(x.shape[-2:]) >= 2 * least]
        halves = [F.avg_pool2d(x.float(), 2).round().to(torch.uint8) for x in large]
        return self._and(halves)

    @classmethod
    def dead_leaves(cls, count: int, size: int = 192, seed: int = 0) -> "Photos":
        """Made-up photos, see `dead_leaves`."""
        return cls([dead_leaves(size, SEEDS_APART * seed + k) for k in range(count)])


def _thumbnails(images: list[Tensor]) -> Tensor:
    """(N, 3, 64, 64)"""
    made = [thumbnail(x[None].float() / 255) for x in images]
    return torch.cat(made) if made else torch.empty(0, 3, THUMBNAIL, THUMBNAIL)


def thumbnail(x: Tensor) -> Tensor:
    """(B, 3, H, W) whole photos -> (B, 3, 64, 64), each pixel the mean of what it covers."""
    return F.adaptive_avg_pool2d(x, THUMBNAIL)
