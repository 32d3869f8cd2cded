"""Photos of one size that follow one another are restored together, though they are asked for one by one.

Each comes in the integers of the file that it will be written to (see `rounded`): a large photo's floats
would take much memory; and the second look sees what the file holds, whether its photo was alone or not.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import Tensor

from .again import look_again
from .model import SlerIR
from .photo import Picture, read_picture
from .reading import size_of
from .restore import Restoration, restore_rounded, restore_together
from .steer import blend
from .tiles import out_of_memory
from .values import as_floats, bands
from .writing import rounded

AT_ONCE = 8  # photos
PIXELS = 2_000_000  # in all: more take much memory and gain nothing


class Ahead:
    """`ahead(source)` -> its picture, its restoration and its share of the seconds that restoring took.

    The next photos of the same size are then ready too.

    targets: {file: the file that it will be restored to}, in the order in which they will be asked for. A
    file among the next that can't be read ends the group; its own turn says why. The rest as for `restore`.
    guide: whether anybody will ask for the guide, which takes as much as a file's integers.
    once: whether to leave out the second look, see `again`.
    """

    def __init__(
        self,
        targets: dict[Path, Path],
        model: SlerIR,
        path: str | None = None,
        strength: float = 1.0,
        guide: bool = True,
        once: bool = False,
    ):
        self.targets, self.model = targets, model
        self.guide, self.once, self.at_once = guide, once, AT_ONCE
        # Where a second look may follow, so much of the whole change shall show, and not of the first alone.
        self.later = strength if path is None and not once else 1.0
        self.how = {"path": path, "strength": strength if self.later == 1 else 1.0}
        self._ready: dict[Path, tuple[Picture, Restoration, float]] = {}

    def __call__(self, source: Path) -> tuple[Picture, Restoration, float]:
        """Raises as `read_picture` and `restore` do."""
        if source not in self._ready:
            group, begin = dict(self._group(source)), time.monotonic()
            try:
                found = self._restored(group)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error) or (len(group) == 1 and isinstance(error, MemoryError)):
                    raise
                if len(group) == 1:  # torch's own, which is like any other error
                    raise MemoryError("needs more memory than there is. Scale it down first.") from error
                self.at_once = 1  # what did not fit together will not do so later either
                return self(source)
            share = (time.monotonic() - begin) / len(group)
            self._ready = {
                file: (picture, got, share) for (file, picture), got in zip(group.items(), found, strict=True)
            }
        return self._ready.pop(source)

    def _restored(self, group: dict[Path, Picture]) -> list[Restoration]:
        in_file = [partial(rounded, path=self.targets[file], like=group[file]) for file in group]
        if len(group) == 1:
            found = [restore_rounded(*group.values(), *in_file, self.model, **self.how)]
        else:
            found = restore_together(list(group.values()), self.model, **self.how)
            found = [replace(got, image=to(got.image)) for got, to in zip(found, in_file, strict=True)]
        if not self.guide:
            found = [replace(got, guide=None) for got in found]
        if not self.once:
            found = [self._again(got, to) for got, to in zip(found, in_file, strict=True)]
        if self.later != 1:
            parts = zip(found, group.values(), in_file, strict=True)
            found = [_weaker(got, picture, self.later, to) for got, picture, to in parts]
        return found

    def _again(self, got: Restoration, to: Callable[[Tensor], Tensor]) -> Restoration:
        found = look_again(got, self.model, to)
        if found.then is None or self.guide:
            return found
        return replace(found, then=replace(found.then, guide=None))

    def _group(self, source: Path) -> Iterator[tuple[Path, Picture]]:
        first = read_picture(source)
        yield source, first
        most = min(self.at_once, PIXELS // first.values[0].numel())
        sources = list(self.targets)
        begin, size = sources.index(source) + 1, size_of(source)
        for other in sources[begin : begin + max(0, most - 1)]:
            if size_of(other) != size:
                return
            try:
                picture = read_picture(other)
            except (OSError, ValueError):
                return
            if picture.values.shape != first.values.shape:  # one of them was turned
                return
            yield other, picture


def _weaker(got: Restoration, photo: Picture, strength: float, to: Callable[[Tensor], Tensor]) -> Restoration:
    """So much of the restoring only, band by band; `to` makes a file's integers of floats.

    In place, as a second image would take as much memory, and nobody else needs the first.
    """
    image = got.image
    for rows in bands(image.shape[1]):
        before, after = (as_floats(x[:, rows]).expand(3, -1, -1) for x in (photo.values, image))
        image[:, rows] = to(blend(before, after, strength))
    return replace(got, strength=strength)
