"""Was it the right specialist, and was it sure of that? One mark for each choice that a router made.

To the right: how clearly the nearest pin won. Upwards: what the best of the other specialists would have
gained instead. Above the line the choice was a mistake.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import INK, MARKS, OTHER, WRITTEN, canvas, head, legend, plain

FLAT = 0.1  # dB: the upward axis is linear within, and logarithmic beyond


def regret_plot(margin, gain, kinds: Sequence[str], title: str) -> Figure:
    """margin: (N, L) degrees; gain: (N, L) dB, of the best other specialist over the one that was taken.

    kinds: N names, what was done to each photo. Raises ValueError where the shapes do not fit.
    """
    margin, gain = np.asarray(margin, float), np.asarray(gain, float)
    if margin.ndim != 2 or margin.shape != gain.shape or len(kinds) != len(margin):
        raise ValueError(
            f"One margin and one gain a layer, one name a photo: {margin.shape}, {gain.shape}, {len(kinds)}."
        )
    figure = canvas(320)
    ax = plain(figure.subplots())
    ax.axhline(0, color=INK, linewidth=1, linestyle="--")
    handles = []
    for kind in dict.fromkeys(kinds):
        mark, rows = MARKS.get(kind, OTHER), [k == kind for k in kinds]
        handles += ax.plot(
            margin[rows].ravel(), gain[rows].ravel(), marker=mark.shape, color=mark.colour, linestyle="",
            markersize=5.5, markeredgecolor=INK, markeredgewidth=0.4, label=WRITTEN.get(kind, kind),
        )  # fmt: skip
    ax.set_yscale("symlog", linthresh=FLAT)
    ticks = [t for t in (-10, -1, -0.1, 0, 0.1, 1, 10) if gain.min() <= t <= max(gain.max(), FLAT)]
    ax.set_yticks(ticks, [f"{t:+g}" if t else "0" for t in ticks])
    ax.minorticks_off()
    ax.set_xlabel("margin (degrees by which the nearest pin won)")
    ax.set_ylabel(f"best other specialist against the\none taken (dB; logarithmic beyond {FLAT:g})")
    ax.spines[["top", "right"]].set_visible(False)
    head(ax, title)
    legend(figure, handles, "damage")
    return figure
