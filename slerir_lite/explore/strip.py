"""Photos in a row, or in several: the plainest picture there is."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from .style import HIGHEST, WIDTH, canvas, head, plain


def strip(photos: Sequence, titles: Sequence[str], columns: int = 4, region=None) -> Figure:
    """photos: tensors (3, H, W) or (1, H, W) in [0, 1], or the same with a 1 in front; all of one size.

    titles: one each. columns: so many fit in a row; the more, the smaller are photos and file.
    region: (top, left, height, width) in pixels, to show that part only, pixel by pixel.
    Raises ValueError where numbers or sizes differ.
    """
    shown = [_pixels(p) for p in photos]
    if not shown or len(shown) != len(titles) or len({p.shape[:2] for p in shown}) > 1:
        sizes = ", ".join(f"{p.shape[1]} × {p.shape[0]}" for p in shown)
        raise ValueError(f"One title a photo and one size for all: {len(titles)} titles, photos {sizes}.")
    top, left, height, width = (0, 0, *shown[0].shape[:2]) if region is None else region
    words = 50 + 16 * (1 + max(title.count("\n") for title in titles))  # px: axis labels, a title's lines
    each = min((WIDTH - 60) / columns, (HIGHEST - words) * width / height)
    columns = min(columns, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = canvas(rows * (each * height / width + words), columns * each + 60)
    axes = figure.subplots(rows, columns, squeeze=False)
    for k, ax in enumerate(axes.flat):
        if k >= len(shown):
            ax.set_visible(False)
            continue
        plain(ax)
        ax.imshow(
            shown[k][top : top + height, left : left + width],
            extent=(left, left + width, top + height, top),
            interpolation="nearest" if region else None,
        )
        head(ax, titles[k])
        ax.set_xticks((left, left + width))
        for tick, side in zip(ax.get_xticklabels(), ("left", "right"), strict=True):
            tick.set_horizontalalignment(side)  # else a neighbour's looks like a further digit of it
        ax.set_yticks((top, top + height) if k % columns == 0 else ())
        ax.set_xlabel("x (pixels)")
        if k % columns == 0:
            ax.set_ylabel("y (pixels)")
    return figure


def _pixels(photo) -> np.ndarray:
    """(H, W, 3) in [0, 1], of anything that `strip` takes."""
    x = photo if isinstance(photo, Tensor) else Tensor(photo)
    if x.ndim == 4 and len(x) == 1:
        x = x[0]
    if x.ndim != 3 or x.shape[0] not in (1, 3):
        raise ValueError(f"A photo here is (3, H, W) or (1, H, W), not {tuple(x.shape)}.")
    return np.asarray(x.detach().float().clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).cpu())
