"""Photos of one size that follow one another are restored together, though they are asked for one by one."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from PIL import Image

from .again import look_again
from .model import SlerIR
from .photo import Picture, read_picture
from .restore import Restoration, restore_rounded, restore_together
from .tiles import out_of_memory
from .writing import rounded

AT_ONCE = 8  # photos
PIXELS = 2_000_000  # in all: more take much memory and gain nothing


class Ahead:
    """`ahead(source)` -> its picture, its restoration and its share of the seconds that restoring took.

    The next photos of the same size are then ready too.

    sources: all files in the order in which they will be asked for. A file among the next that can't be read
    ends the group; its own turn says why. The rest as for `restore`.
    targets: the file that each will be written to, if its image serves nothing else. That of a photo restored
    alone then comes as the file's integers (see `rounded`), as a large one's floats would take much memory.
    guide: whether anybody will ask for the guide, which takes as much as a file's integers.
    once: whether to leave out the second look, see `again`.
    """

    def __init__(
        self,
        sources: list[Path],
        model: SlerIR,
        path: str | None = None,
        strength: float = 1.0,
        targets: dict[Path, Path] | None = None,
        guide: bool = True,
        once: bool = False,
    ):
        self.sources, self.model, self.targets = sources, model, targets
        self.guide, self.once, self.at_once = guide, once, AT_ONCE
        self.how = {"path": path, "strength": strength}
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
        in_file = None
        if len(group) == 1 and self.targets is not None:
            ((source, picture),) = group.items()
            in_file = partial(rounded, path=self.targets[source], like=picture)
            found = [restore_rounded(picture, in_file, self.model, **self.how)]
        else:
            found = restore_together(list(group.values()), self.model, **self.how)
        if not self.guide:
            found = [replace(got, guide=None) for got in found]
        return found if self.once else [look_again(got, self.model, in_file) for got in found]

    def _group(self, source: Path) -> Iterator[tuple[Path, Picture]]:
        first = read_picture(source)
        yield source, first
        most = min(self.at_once, PIXELS // first.values[0].numel())
        begin = self.sources.index(source) + 1
        for other in self.sources[begin : begin + max(0, most - 1)]:
            if _size(other) != _size(source):
                return
            try:
                picture = read_picture(other)
            except (OSError, ValueError):
                return
            if picture.values.shape != first.values.shape:  # one of them was turned
                return
            yield other, picture


def _size(path: Path) -> tuple[int, int] | None:
    """As the file's header tells, which is quick; None where it doesn't."""
    try:
        with Image.open(path) as image:
            return image.size
    except Exception:  # on damaged bytes decoders raise nearly anything
        return None
