"""Vectors in the plane, drawn as arrows from the origin, with the unit circle: what can be checked by eye."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import BLUE, INK, MARKS, ORANGE, VERMILION, canvas, head, plain

LINES = ((BLUE, "-"), (VERMILION, "--"), (ORANGE, ":"))


def circle_picture(plots: Mapping[str, Mapping[str, Sequence[float]]], groups: Sequence[str] = ()) -> Figure:
    """One plot each, side by side. plots: {title: {name: (x, y)}}.

    groups: the first word of a name decides its line and colour, in this order (a place has its own colour);
    others are grey.
    Raises ValueError for a vector that is not in the plane.
    """
    figure = canvas(300)
    for ax, (title, vectors) in zip(
        np.atleast_1d(figure.subplots(1, len(plots))), plots.items(), strict=True
    ):
        tips = np.asarray(list(vectors.values()), float)
        if tips.ndim != 2 or tips.shape[1] != 2:
            raise ValueError(f"Arrows in the plane have two numbers each; these are {tips.shape}.")
        turn = np.linspace(0, 2 * np.pi, 181)
        plain(ax).plot(np.cos(turn), np.sin(turn), color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
        for name, (x, y) in zip(vectors, tips, strict=True):
            first = name.split()[0]
            colour, line = LINES[groups.index(first)] if first in groups else (INK, "-")
            if first in groups and first in MARKS:
                colour = MARKS[first].colour
            how = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "linestyle": line, "shrinkB": 0}
            ax.annotate("", (x, y), (0, 0), arrowprops=how | {"shrinkA": 0})
            away = 7 * np.array([x, y]) / max(np.hypot(x, y), 1e-9)  # points, beyond the tip
            side = {"ha": "center" if abs(away[0]) < 2 else "left" if away[0] > 0 else "right",
                    "va": "center" if abs(away[1]) < 2 else "bottom" if away[1] > 0 else "top"}  # fmt: skip
            ax.annotate(name, (x, y), away, textcoords="offset points", color=INK, fontsize=10, **side)
        # What is drawn fills the plot; of the circle, the part beside it.
        low, high = np.minimum(tips.min(0), 0), np.maximum(tips.max(0), 0)
        room = 0.3 * max(high - low)
        ax.set_aspect("equal")
        ax.set_xlim(low[0] - 0.7 * room, high[0] + 1.7 * room)
        ax.set_ylim(low[1] - 0.7 * room, high[1] + room)
        ax.set_xlabel("first number")
        ax.set_ylabel("second number")
        ax.spines[:].set_visible(False)
        head(ax, title)
    return figure
