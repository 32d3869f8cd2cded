"""How well several maps find a spot: a dot for each trial, a bar for the mean, a group for each damage."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import BLUE, INK, ORANGE, VERMILION, WRITTEN, canvas, head, legend, plain

LOOKS = ((INK, "x"), (ORANGE, "s"), (BLUE, "o"), (VERMILION, "^"))  # a colour and a shape for each rival


def rivals_plot(scores: Mapping[tuple[str, str], Sequence[float]], title: str) -> Figure:
    """scores: {(damage, rival): AUC of each trial}, each from 0 to 1. Raises ValueError for a fifth rival."""
    kinds = list(dict.fromkeys(kind for kind, _ in scores))
    rivals = list(dict.fromkeys(rival for _, rival in scores))
    if len(rivals) > len(LOOKS):
        raise ValueError(f"{len(rivals)} rivals, but only {len(LOOKS)} can be told apart.")
    figure = canvas(320)
    ax = plain(figure.subplots())
    ax.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    ax.text(len(kinds) - 0.5, 0.5, "a coin", color=INK, fontsize=9, ha="right", va="bottom")
    for (kind, rival), values in scores.items():
        colour, shape = LOOKS[rivals.index(rival)]
        middle = kinds.index(kind) + 0.24 * (rivals.index(rival) - (len(rivals) - 1) / 2)
        across = middle + np.linspace(-0.07, 0.07, len(values))
        ax.plot(across, values, linestyle="none", marker=shape, color=colour, markersize=5)
        ax.plot([middle - 0.1, middle + 0.1], [np.mean(values)] * 2, color=colour, linewidth=3)
    ax.set_xticks(range(len(kinds)), [WRITTEN.get(kind, kind) for kind in kinds])
    ax.set_xlim(-0.5, len(kinds) - 0.5)
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.02)
    ax.set_xlabel("damage of the spot")
    ax.set_ylabel("AUC (1: perfect)")
    ax.spines[["top", "right"]].set_visible(False)
    head(ax, title)
    handles = [
        Line2D([], [], color=colour, marker=shape, linewidth=3, markersize=5, label=rival)
        for rival, (colour, shape) in zip(rivals, LOOKS, strict=False)
    ]
    legend(figure, handles, "line: mean\nmarks: trials")
    return figure
