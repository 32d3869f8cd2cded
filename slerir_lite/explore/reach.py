"""Which pixels of the input have a say in one pixel of the output, and how much of a say.

Left the gradient of that output pixel by every input pixel, on a scale of powers of ten, with the square that
the network's layers allow. Right how much of the gradient lies within so many pixels of the middle: far
fewer than the square holds (the effective receptive field of Luo et al. 2016).
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import BLUE, VERMILION, canvas, colour_bar, head, plain

FAINTEST = -8  # powers of ten below the strongest: what is weaker is drawn like this


def reach_picture(gradient, pixel: tuple[int, int], allowed: tuple[int, int, int, int], title: str) -> Figure:
    """gradient: (H, W), by each input pixel, signs don't matter; pixel: (row, column) of the output.

    allowed: (top, bottom, left, right), the first and last rows and columns that the layers let in.
    """
    size = np.abs(np.asarray(gradient, float))
    top, bottom, left, right = allowed
    figure = canvas(320)
    where, much = figure.subplots(1, 2, width_ratios=(1, 1.15))
    with np.errstate(divide="ignore"):
        powers = np.log10(size / size.max())
    drawn = plain(where).imshow(
        np.where(size > 0, np.maximum(powers, FAINTEST), np.nan), cmap="cividis", vmin=FAINTEST, vmax=0,
        extent=(0, size.shape[1], size.shape[0], 0), interpolation="nearest",
    )  # fmt: skip
    box = Rectangle((left, top), right + 1 - left, bottom + 1 - top, fill=False, edgecolor=VERMILION)
    box.set(linewidth=2, linestyle="--")
    where.add_patch(box)
    where.set_xlabel("x (pixels)")
    where.set_ylabel("y (pixels)")
    head(where, title)
    colour_bar(figure, drawn, where, "log₁₀ of gradient ÷ its largest")
    shares = share_within(size, pixel)
    plain(much).plot(range(len(shares)), shares, color=BLUE, linewidth=2)
    edge = max(pixel[0] - top, bottom - pixel[0], pixel[1] - left, right - pixel[1])
    much.axvline(edge, color=VERMILION, linewidth=2, linestyle="--")
    much.annotate("the layers allow no more ", (edge, 0.1), ha="right", color=VERMILION, fontsize=9)
    much.set_xlim(0, edge * 1.1)
    much.set_ylim(0, 1.02)
    much.set_xlabel("distance in x or y, the larger (pixels)")
    much.set_ylabel("share of the gradient within it (1: all)")
    much.spines[["top", "right"]].set_visible(False)
    head(much, "How much of a say")
    return figure


def share_within(gradient, pixel: tuple[int, int]) -> np.ndarray:
    """Entry r: the share (0 to 1) of the summed |gradient| at most r rows and columns away from the pixel."""
    size = np.abs(np.asarray(gradient, float))
    rows, columns = np.indices(size.shape)
    away = np.maximum(np.abs(rows - pixel[0]), np.abs(columns - pixel[1]))
    return np.bincount(away.ravel(), weights=size.ravel()).cumsum() / size.sum()
