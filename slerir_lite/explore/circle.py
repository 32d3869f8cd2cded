"""Vectors in the plane, drawn as arrows from the origin, with the unit circle: what can be checked by eye."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import BLUE, INK, ORANGE, VERMILION, canvas, head, plain

LINES = ((BLUE, "-"), (VERMILION, "--"), (ORANGE, ":"))


def circle_picture(plots: Mapping[str, Mapping[str, Sequence[float]]], groups: Sequence[str] = ()) -> Figure:
    """One plot each, side by side. plots: {title: {name: (x, y)}}.

    groups: the first word of a name decides its colour and line, in this order; others are grey.
    Raises ValueError for a vector that is not in the plane.
    """
    figure = canvas(300)
    reach = 1.25 * max(1, *(np.linalg.norm(v) for vectors in plots.values() for v in vectors.values()))
    for ax, (title, vectors) in zip(
        np.atleast_1d(figure.subplots(1, len(plots), sharey=True)), plots.items(), strict=True
    ):
        plain(ax)
        turn = np.linspace(0, 2 * np.pi, 181)
        ax.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=0.8, linestyle=(0, (2, 3)))
        for name, vector in vectors.items():
            x, y = np.asarray(vector, float)
            first = name.split()[0]
            colour, line = LINES[groups.index(first)] if first in groups else (INK, "-")
            how = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "linestyle": line, "shrinkB": 0}
            ax.annotate("", (x, y), (0, 0), arrowprops=how | {"shrinkA": 0})
            length = max(np.hypot(x, y), 1e-9)
            out = 1 + 0.12 * reach / length
            ax.text(x * out, y * out, name, color=INK, fontsize=10, ha="center", va="center")
        ax.set_aspect("equal")
        ax.set_xlim(-reach * 1.15, reach * 1.15)
        ax.set_ylim(-reach, reach)
        ax.set_xlabel("first number")
        ax.spines[:].set_visible(False)
        head(ax, title)
    figure.axes[0].set_ylabel("second number")
    return figure
