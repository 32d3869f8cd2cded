"""Do two tasks pull at a network's weights in the same direction? A square of cosines, task by task.

1 is the same direction, 0 is at right angles, and below 0 a step that helps one task harms the other. On the
diagonal stands a task against itself on other photos: what chance leaves of perfect agreement. Orange and
purple (PuOr of ColorBrewer) and a number in every cell, so that nothing depends on colour.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import WRITTEN, canvas, colour_bar, head, plain


def conflict_map(cosines: Mapping[str, Sequence], tasks: Sequence[str]) -> Figure:
    """cosines: {title: (T, T) numbers in [-1, 1]}, a square each, side by side; tasks: the T names.

    Row a, column b: the gradient of task a against that of task b. Raises ValueError for other shapes.
    """
    squares = {title: np.asarray(values, float) for title, values in cosines.items()}
    for title, values in squares.items():
        if values.shape != (len(tasks), len(tasks)):
            raise ValueError(
                f'{len(tasks)} tasks need a square of that size, but "{title}" is {values.shape}.'
            )
    names = [WRITTEN.get(task, task) for task in tasks]
    figure = canvas(320)
    axes = figure.subplots(1, len(squares), squeeze=False)[0]
    for k, (ax, (title, values)) in enumerate(zip(axes, squares.items(), strict=True)):
        drawn = plain(ax).imshow(values, cmap="PuOr_r", vmin=-1, vmax=1)
        for (row, column), cosine in np.ndenumerate(values):
            ink = "white" if abs(cosine) > 0.6 else "black"
            ax.text(column, row, said(cosine), ha="center", va="center", color=ink, fontsize=9)
        for same in range(len(tasks)):
            corner = (same - 0.47, same - 0.47)
            ax.add_patch(Rectangle(corner, 0.94, 0.94, fill=False, edgecolor="black", linewidth=1.6))
        ax.set_xticks(range(len(tasks)), names, rotation=30)
        ax.set_yticks(range(len(tasks)), names if k == 0 else [""] * len(tasks))
        ax.set_xlabel("task b")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        head(ax, title)
    axes[0].set_ylabel("task a")
    colour_bar(figure, drawn, axes, "cosine of the two gradients")
    return figure


def said(cosine: float) -> str:
    """Two decimals with the sign, and no minus before a zero."""
    return f"{round(cosine, 2) + 0.0:+.2f}".replace("-", "−")
