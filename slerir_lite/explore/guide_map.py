"""Where the guide says something else than it mostly says over this photo.

Drawn is, for each token (8 x 8 pixels), the distance of the guide's D numbers there from their medians over
the photo, divided by the length of those medians: 0 where the photo is treated as in most places, 1 where
the guide differs by as much as it says at all. It tells where, not what.
"""

import numpy as np
from matplotlib.figure import Figure

from ..photo import values_of
from ..values import as_floats
from .style import HIGHEST, WIDTH, canvas, colour_bar, head, plain


def guide_picture(photo, guide, title: str = "Where the guide differs") -> Figure:
    """photo: as `photo.as_photo` takes it; guide: (D, h, w), as `Restoration` has it."""
    photo = values_of(photo)
    height, width = photo.shape[1:]
    row = min(HIGHEST, WIDTH / 2.3 * height / width + 50)
    figure = canvas(row)
    axes = figure.subplots(1, 2)
    step = 1 + max(height, width) // (2 * WIDTH)  # of a large photo, no more pixels than the picture can show
    axes[0].imshow(as_floats(photo[:, ::step, ::step]).permute(1, 2, 0).numpy(), extent=(0, width, height, 0))
    head(axes[0], "the photo")
    h, w = guide.shape[-2:]  # the last tokens may reach over the edge
    drawn = axes[1].imshow(departure(guide), extent=(0, 8 * w, 8 * h, 0), cmap="cividis", vmin=0)
    head(axes[1], title)
    axes[1].set_xlim(0, width)
    axes[1].set_ylim(height, 0)
    for ax in axes:
        plain(ax).set_xlabel("x (pixels)")
        ax.set_ylabel("y (pixels)")
    colour_bar(figure, drawn, axes[1], "distance from the median ÷ its length")
    return figure


def departure(guide) -> np.ndarray:
    """(h, w): |G_ij - median| / |median| of (D, h, w)."""
    guide = np.asarray(guide, float)
    usual = np.median(guide, (1, 2), keepdims=True)
    return np.linalg.norm(guide - usual, axis=0) / max(np.linalg.norm(usual), 1e-9)
