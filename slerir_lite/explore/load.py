"""Who does the work: at each layer, the share of the photos that each specialist takes.

One bar a layer: from the bottom specialist 0, 1 and 2, in a light, a middle and a dark tone. Where one tone
fills a bar, the other two specialists of that layer might as well not be there.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .cells import ON, TONES
from .style import INK, canvas, head, legend, plain


def load_bars(choices: Mapping[str, object], title: str) -> Figure:
    """choices: {a router's name: its paths (N, L) int, one row a photo}; one panel a router, side by side.

    Raises ValueError where there is no router, or no tone for a specialist.
    """
    if not choices:
        raise ValueError("There is no router whose load could be drawn.")
    figure = canvas(300)
    plots = figure.subplots(1, len(choices), squeeze=False)[0]
    for ax, (name, choice) in zip(plots, choices.items(), strict=True):
        share = load(choice)
        at, below = np.arange(1, len(share) + 1), np.zeros(len(share))
        for k, tone in enumerate(TONES):
            plain(ax).bar(at, share[:, k], bottom=below, width=0.8, color=tone, edgecolor=INK, linewidth=0.5)
            for layer in np.flatnonzero(share[:, k] > 0.1):
                middle = below[layer] + share[layer, k] / 2
                ax.text(at[layer], middle, str(k), color=ON[k], fontsize=8, ha="center", va="center")
            below += share[:, k]
        ax.set(xticks=at, ylim=(0, 1), xlabel="layer")
        ax.set_yticks((0, 1 / 3, 2 / 3, 1), ("0", "⅓", "⅔", "1") if ax is plots[0] else [""] * 4)
        ax.spines[["top", "right"]].set_visible(False)
        head(ax, f"{name}\n{working(choice).mean():.1f} of 3 at work", "normal")
    plots[0].set_ylabel("share of the photos (1: all)")
    figure.suptitle(title, color=INK, fontsize=11, fontweight="bold")
    key = [Patch(facecolor=tone, edgecolor=INK, label=str(k)) for k, tone in enumerate(TONES)]
    legend(figure, key[::-1], "specialist")
    return figure


def load(choice, experts: int = len(TONES)) -> np.ndarray:
    """(N, L) int -> (L, K) shares of the N photos, each row summing to 1. Raises ValueError for a number
    that is no specialist's."""
    choice = np.asarray(choice)
    if choice.ndim != 2 or not len(choice) or choice.min() < 0 or choice.max() >= experts:
        raise ValueError(f"Paths are (N, L) numbers from 0 to {experts - 1}; these are {choice.shape}.")
    return (choice[..., None] == np.arange(experts)).mean(0)


def working(choice, experts: int = len(TONES)) -> np.ndarray:
    """(N, L) int -> (L,) how many specialists are at work: exp of the load's entropy.

    K where all take equal shares, 1 where one takes everything.
    """
    share = load(choice, experts)
    return np.exp(-(share * np.log(np.where(share > 0, share, 1))).sum(1))
