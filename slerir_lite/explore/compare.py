"""Before and after, side by side, and below them the same small region of each, enlarged."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.ndimage import gaussian_filter, uniform_filter

from ..evaluate import psnr
from ..photo import as_photo
from .style import HIGHEST, ORANGE, canvas, head, plain

ACROSS = 600  # px: at the usual 850 the photos of one figure would weigh twice as much


def before_and_after(before, after, clean=None, region=None, names=("before", "after", "clean")) -> Figure:
    """before, after, clean: photos of one size, as `as_photo` takes them; clean puts PSNR in the titles.

    region: (top, left, side) in pixels of the square to enlarge; default, where before and after differ
    most in fine detail. Raises ValueError for photos of different sizes.
    """
    photos = [np.asarray(as_photo(p).permute(1, 2, 0)) for p in (before, after, clean) if p is not None]
    if len({p.shape for p in photos}) > 1:
        sizes = ", ".join(f"{p.shape[1]} × {p.shape[0]}" for p in photos)
        raise ValueError(f"The photos must have one size; these are {sizes} pixels.")
    top, left, side = busiest(photos[0], photos[1]) if region is None else region
    height, width = photos[0].shape[:2]
    titles = [f"{name}{score(p, photos[2])}" if clean is not None and k < 2 else name
              for k, (name, p) in enumerate(zip(names, photos, strict=False))]  # fmt: skip
    column = ACROSS / len(photos) - 40
    rows = [min(HIGHEST, column * ratio + 70) for ratio in (height / width, 1)]
    figure = canvas(sum(rows), ACROSS)
    axes = figure.subplots(2, len(photos), squeeze=False, height_ratios=rows)
    for k, (photo, title) in enumerate(zip(photos, titles, strict=True)):
        for ax in axes[:, k]:
            plain(ax).set_xlabel("x (pixels)")
            if k == 0:
                ax.set_ylabel("y (pixels)")
        axes[0, k].imshow(photo, extent=(0, width, height, 0))
        axes[0, k].add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=ORANGE, linewidth=2))
        head(axes[0, k], title)
        axes[1, k].imshow(photo[top : top + side, left : left + side], interpolation="nearest",
                          extent=(left, left + side, top + side, top))  # fmt: skip
        head(axes[1, k], "the square, enlarged", "normal")
        axes[1, k].spines[:].set(color=ORANGE, linewidth=2)
        corners = ((0, width), (0, height)), ((left, left + side), (top, top + side))
        for ax, (x, y) in zip(axes[:, k], corners, strict=True):
            ax.set_xticks(x)
            ax.set_yticks(y if k == 0 else [])
    return figure


def score(photo: np.ndarray, clean: np.ndarray) -> str:
    """The end of a title, such as ", 28.3 dB"; both (H, W, 3) in [0, 1], scored at 8 bits as elsewhere."""
    dB = psnr(*((255 * p).round().astype(np.uint8) for p in (photo, clean)))
    return f", {dB:.1f} dB" if np.isfinite(dB) else ", identical"


def busiest(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int]:
    """(top, left, side) of the square, a quarter of the shorter edge, with the most change in fine detail."""
    height, width = before.shape[:2]
    side = min(height, width, max(16, min(height, width) // 4))
    change = (after - before).mean(-1)
    fine = np.abs(change - gaussian_filter(change, 2))
    sums = uniform_filter(fine, side, mode="constant")
    # Only squares that lie inside the photo.
    low, high = side // 2, side - side // 2 - 1
    inside = sums[low : height - high, low : width - high]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return int(top), int(left), side
