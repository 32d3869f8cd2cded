"""A photo of any size in bounded memory: decided once for the whole photo, then worked on in tiles.

Paper: nothing public on large photos.
Ours:  what pools over the photo (direction, route, path of motion) is found once; the rest depends on
       each pixel's surroundings alone. So tiles that overlap by as much as a pixel can see give what
       the whole photo would give in one piece, but for rounding.
       What grows with the photo is kept small. The photo stays in its file's integers, and only a tile, or
       a band for the thumbnail, becomes floats; the restored tiles may be made integers at once, too (see
       `keep`). And the guide takes the place of the local tokens. That is 9 bytes for each pixel in all.
"""

from collections.abc import Callable, Iterator

import psutil
import torch
import torch.nn.functional as F
from torch import Tensor

from .batch import CELL
from .data import THUMBNAIL
from .deblur import sharpens
from .model import Restored, SlerIR, pad
from .route import fixed
from .spare import FELT, spare
from .sphere import Sense
from .values import WHITE, as_floats
from .view import View

# How far a tile's border is felt, in px, rounded up to whole tokens. A token sees 25 px beyond its own 8. The
# stations: 5 cells at 1/2 on the way down; 3 at 1/4 (as 5 halves are rounded up), and 2 more; 3 at 1/8, and
# 4 more; on the way back these 7 are 14 at 1/4, and 2 more; 32 at 1/2, and 5 more: 37 cells of 2 px.
LOOK = 32
SEE = 80
SHARPEN = 32  # px more where motion is undone, see `deblur.RADIUS`
MARGIN = SEE + SHARPEN + FELT  # at the most
LARGEST, SMALLEST = 768, 64  # px: a tile's side without its margin
BYTES = 300  # of memory for each pixel of a tile, on the safe side of what benchmarks/large.json measured


Keep = Callable[[Tensor, Tensor], Tensor]


def restore_in_tiles(
    model: SlerIR,
    x: Tensor,
    choice: Tensor | None = None,
    side: int | None = None,
    spared: bool = False,
    keep: Keep = lambda part, restored: restored,
) -> Restored:
    """As `model(x, choice=choice)` for one photo x (1, 3, H, W), in tiles, without the local tokens.

    x: floats in [0, 1], or a file's integers (see `values.as_floats`), perhaps not on the model's device; the
    image comes back where x is. side: of a tile in px, a multiple of 8; default, as large as memory allows.
    Halved where memory runs out all the same; raises MemoryError where that does not help.
    spared: whether what would hardly change stays as it is, see `spare`; the image is clipped then.
    keep: `keep(part, restored)` gives what the image shall have of a part of the photo, from floats
    (1, 3, h, w) before and after.
    """
    side = _first_side() if side is None else side
    while True:
        try:
            return _restore(model, x, choice, side, spared, keep)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if side // 2 < SMALLEST:
                raise MemoryError(
                    f"Memory ran out even with tiles of {side} px. Close other programs, or scale the "
                    f"photo ({x.shape[-1]} x {x.shape[-2]} px) down."
                ) from error
        side = side // 2 // CELL * CELL
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _restore(
    model: SlerIR, x: Tensor, choice: Tensor | None, side: int, spared: bool, keep: Keep
) -> Restored:
    height, width = x.shape[-2:]
    home = next(model.parameters()).device
    if max(height, width) <= side:
        part = as_floats(x).to(home, memory_format=torch.channels_last)
        found = model(part, choice=choice)
        done = spare(part, found.image.clamp_(0, 1)) if spared else found.image
        found.image, found.local_tokens = keep(part, done).to(x.device), None
        return found
    rows, columns = -(-height // CELL), -(-width // CELL)  # of tokens; tiles are cut as if x were padded
    # The guide of a row of tiles is written where local tokens lay that no tile needs any more.
    ahead = (side + MARGIN) // CELL
    tokens = torch.empty(1, model.config.tokens, ahead + rows, columns, device=home)
    local, guide = tokens[:, :, ahead:], tokens[:, :, :rows]
    for inner, outer in tiles(rows * CELL, columns * CELL, side, LOOK):
        local[_tokens(inner)] = model.compass.look(_cut(x, outer, home))[_tokens(_within(inner, outer))]
    size = local.new_tensor([[height, width]])
    sense = model.compass.survey(model.compass.glance(_thumbnail(x).to(home)), local.mean((2, 3)))
    sense.filters = model.find_motion(x, local)
    route = model.router(sense) if choice is None else fixed(choice, model.config.experts)
    moved = bool(sharpens(sense.filters).any())
    image = None
    for inner, outer in tiles(rows * CELL, columns * CELL, side, SEE + SHARPEN * moved + FELT * spared):
        corner = size.new_tensor([[outer[1].start, outer[2].start]])
        close = local[_tokens(outer)]
        steer = model.fuse(close, sense, View(corner, torch.ones_like(size), size))
        before = _cut(x, outer, home)
        done = model.work(before, route, sense, close, steer)
        real, part = (_within(_real(box, height, width), outer) for box in (outer, inner))
        if spared:
            before, done = before[real], spare(before[real], done[real].clamp_(0, 1))
        kept = keep(before[part], done[part])
        image = _empty_like(kept, x) if image is None else image
        image[inner] = kept.to(x.device)
        guide[_tokens(inner)] = steer[_tokens(_within(inner, outer))]
    return Restored(image, route, sense, None, guide)


def sense_in_tiles(model: SlerIR, x: Tensor) -> Sense:
    """What the compass makes of one photo x (1, 3, H, W), floats or integers as above, of any size."""
    home = next(model.parameters()).device
    rows, columns = (-(-n // CELL) for n in x.shape[-2:])
    total = torch.zeros(1, model.config.tokens, device=home)
    for inner, outer in tiles(rows * CELL, columns * CELL, _first_side(), LOOK):
        tokens = model.compass.look(_cut(x, outer, home))
        total += tokens[_tokens(_within(inner, outer))].sum((2, 3))
    return model.compass.survey(model.compass.glance(_thumbnail(x).to(home)), total / (rows * columns))


def _cut(x: Tensor, box: "Box", device: torch.device) -> Tensor:
    """The pixels of a box, as floats, padded as the whole photo would be where it reaches beyond."""
    return pad(as_floats(x[box])).to(device).contiguous(memory_format=torch.channels_last)


def _empty_like(part: Tensor, x: Tensor) -> Tensor:
    """As high, wide and where x is, in what a part of it has become; a file's integers in a file's order."""
    order = torch.channels_last if part.dtype in WHITE else torch.contiguous_format
    shape = 1, part.shape[1], *x.shape[-2:]
    return torch.empty(shape, dtype=part.dtype, device=x.device, memory_format=order)


def _thumbnail(x: Tensor) -> Tensor:
    """`data.thumbnail`, row by row."""
    height = x.shape[-2]
    rows = [slice(k * height // THUMBNAIL, -(-(k + 1) * height // THUMBNAIL)) for k in range(THUMBNAIL)]
    return torch.cat([F.adaptive_avg_pool2d(as_floats(x[..., r, :]), (1, THUMBNAIL)) for r in rows], 2)


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


def _real(box: Box, height: int, width: int) -> Box:
    """What of a box is no padding."""
    return (..., *(slice(s.start, min(s.stop, n)) for s, n in zip(box[1:], (height, width), strict=True)))


def _within(inner: Box, outer: Box) -> Box:
    """Where a tile's own pixels lie in the tile with its margin."""
    moved = [slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner[1:], outer[1:], strict=True)]
    return (..., *moved)


def _tokens(box: Box) -> Box:
    return (..., *(slice(s.start // CELL, s.stop // CELL) for s in box[1:]))


def _first_side() -> int:
    """The largest tile, margin included, that fits in a quarter of the memory that is free."""
    fits = int((psutil.virtual_memory().available / 4 / BYTES) ** 0.5) - 2 * MARGIN
    return max(SMALLEST, min(LARGEST, fits // CELL * CELL))


def out_of_memory(error: Exception) -> bool:
    """Whether that is what an error says: torch's own are RuntimeErrors like any other."""
    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        all(word in words for word in sign)
        for sign in (("alloc", "memory"), ("out of memory",), ("bad_alloc",))
    )
