"""A photo of any size in bounded memory: decided once for the whole photo, then worked on in tiles.

Paper: nothing public on large photos.
Ours:  what pools over the photo (direction, route, path of motion) is found once; the rest depends on
       each pixel's surroundings alone. So tiles that overlap by as much as a pixel can see give what
       the whole photo would give in one piece, but for rounding.
"""

from collections.abc import Iterator

import psutil
import torch
from torch import Tensor

from .data import CELL, thumbnail
from .deblur import sharpens
from .model import Restored, SlerIR, pad
from .route import fixed
from .view import View

# How far a tile's border is felt, in px, rounded up to whole tokens. A token sees 25 px beyond its own 8. The
# stations: 5 cells at 1/2 on the way down; 3 at 1/4 (as 5 halves are rounded up), and 2 more; 3 at 1/8, and
# 4 more; on the way back these 7 are 14 at 1/4, and 2 more; 32 at 1/2, and 5 more: 37 cells of 2 px.
LOOK = 32
SEE = 80
SHARPEN = 32  # px more where motion is undone, see `deblur.RADIUS`
LARGEST, SMALLEST = 768, 64  # px: a tile's side without its margin
BYTES = 300  # of memory for each pixel of a tile, on the safe side of what benchmarks/large.json measured


def restore_in_tiles(
    model: SlerIR, x: Tensor, choice: Tensor | None = None, side: int | None = None
) -> Restored:
    """As `model(x, choice=choice)` for one photo x (1, 3, H, W) on the model's device, in tiles.

    side: of a tile in px, a multiple of 8; default, as large as memory allows. Halved where memory runs
    out all the same; raises MemoryError where that does not help.
    """
    side = _first_side() if side is None else side
    while True:
        try:
            return _restore(model, x, choice, side)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if side // 2 < SMALLEST:
                raise MemoryError(
                    f"Memory ran out even with tiles of {side} px. Close other programs, or scale the "
                    f"photo ({x.shape[-1]} x {x.shape[-2]} px) down."
                ) from error
        side = side // 2 // CELL * CELL
        if x.is_cuda:
            torch.cuda.empty_cache()


def _restore(model: SlerIR, x: Tensor, choice: Tensor | None, side: int) -> Restored:
    height, width = x.shape[-2:]
    if max(height, width) <= side:
        return model(x.contiguous(memory_format=torch.channels_last), choice=choice)
    whole = View.whole(x)
    rows, columns = -(-height // CELL), -(-width // CELL)  # of tokens; tiles are cut as if x were padded
    local = x.new_empty(1, model.config.tokens, rows, columns)
    for inner, outer in tiles(rows * CELL, columns * CELL, side, LOOK):
        local[_tokens(inner)] = model.compass.look(_cut(x, outer))[_tokens(_within(inner, outer))]
    sense = model.compass.survey(model.compass.glance(thumbnail(x)), local.mean((2, 3)))
    sense.filters = model.find_motion(x, local)
    route = model.router(sense) if choice is None else fixed(choice, model.config.experts)
    moved = bool(sharpens(sense.filters).any())
    image, guide = torch.empty_like(x), torch.empty_like(local)
    for inner, outer in tiles(rows * CELL, columns * CELL, side, SEE + SHARPEN * moved):
        corner = whole.origin.new_tensor([[outer[1].start, outer[2].start]])
        close = local[_tokens(outer)]
        steer = model.fuse(close, sense, View(corner, whole.step, whole.size))
        part = _within(inner, outer)
        done = model.work(_cut(x, outer), route, sense, close, steer)[part]
        here = image[inner]  # smaller than `done` at the right and bottom edge, where that was padded
        here.copy_(done[..., : here.shape[-2], : here.shape[-1]])
        guide[_tokens(inner)] = steer[_tokens(part)]
    return Restored(image, route, sense, local, guide)


def _cut(x: Tensor, box: "Box") -> Tensor:
    """The pixels of a box, padded as the whole photo would be where it reaches beyond."""
    return pad(x[box]).contiguous(memory_format=torch.channels_last)


Box = tuple  # (..., rows, columns): an index, its slices in px and all multiples of 8


def tiles(height: int, width: int, side: int, margin: int) -> Iterator[tuple[Box, Box]]:
    """Tiles that cover height x width, row by row: each one's own pixels, and those with its margin."""
    for top in range(0, height, side):
        for left in range(0, width, side):
            inner = slice(top, min(top + side, height)), slice(left, min(left + side, width))
            outer = [
                slice(max(0, s.start - margin), min(s.stop + margin, n))
                for s, n in zip(inner, (height, width), strict=True)
            ]
            yield (..., *inner), (..., *outer)


def _within(inner: Box, outer: Box) -> Box:
    """Where a tile's own pixels lie in the tile with its margin."""
    moved = [slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner[1:], outer[1:], strict=True)]
    return (..., *moved)


def _tokens(box: Box) -> Box:
    return (..., *(slice(s.start // CELL, s.stop // CELL) for s in box[1:]))


def _first_side() -> int:
    """The largest tile, margin included, that fits in a quarter of the memory that is free."""
    fits = int((psutil.virtual_memory().available / 4 / BYTES) ** 0.5) - 2 * (SEE + SHARPEN)
    return max(SMALLEST, min(LARGEST, fits // CELL * CELL))


def _out_of_memory(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        all(word in words for word in sign)
        for sign in (("alloc", "memory"), ("out of memory",), ("bad_alloc",))
    )
