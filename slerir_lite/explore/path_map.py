"""The path of one photo: 8 stations from left to right, their specialists from top to bottom.

Every specialist's pin lies at some angle from the photo's z. The nearest one is taken; by how many degrees
it was nearer than the second is the margin, drawn as the width of the line that leads to it. Where a hand
chose another, the margin is below 0, and the line thin.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..model import LEVELS
from .style import BLUE, INK, VERMILION, canvas, head, legend, plain

SCALES = [("½", "¼", "⅛")[level] for level in LEVELS]  # share of the photo's height and width
DASHES = (0, (3, 2))
WIDEST = 60  # degrees: a margin above is drawn no wider


def scales(layers: int) -> list[str]:
    """At which share of the photo's size each station works; nothing is said of networks of other lengths."""
    return SCALES if layers == len(SCALES) else [""] * layers


def path_map(
    choice, angle, title: str | None = None, compare=None, names=("this photo", "the other path")
) -> Figure:
    """The map of one path.

    choice: (L,) int; angle: (L, K) degrees from z to each pin, as `Restoration` has them.
    compare: (L,) int, a second path, drawn dashed; names: of the two, for the legend.
    Raises ValueError where choice, angle and compare do not fit together.
    """
    choice, angle = np.asarray(choice), np.asarray(angle, float)
    compare = None if compare is None else np.asarray(compare)
    _check(choice, angle, compare)
    layers, experts = angle.shape
    figure = canvas(320 if experts < 4 else 80 * experts)
    ax = plain(figure.subplots())
    _line(ax, choice, [_width(m) for m in margins(choice, angle)])
    if compare is not None:
        _dashes(ax, compare)
    for layer in range(layers):
        for expert in range(experts):
            taken = expert == choice[layer]
            face, edge, ink = (BLUE, BLUE, "white") if taken else ("none", INK, INK)
            ax.scatter(layer, expert, s=850, facecolor=face, edgecolor=edge, linewidth=1.2, zorder=4)
            words = {
                "ha": "center",
                "va": "center",
                "fontsize": 9,
                "fontweight": "bold" if taken else "normal",
            }
            ax.text(layer, expert, f"{angle[layer, expert]:.0f}°", color=ink, zorder=5, **words)
    ax.set_xlim(-0.75, layers - 0.25)
    ax.set_ylim(experts - 0.5, -0.5)
    ax.set_xticks(range(layers), [f"{k + 1}\n{scale}" for k, scale in enumerate(scales(layers))])
    ax.set_yticks(range(experts), range(experts))
    ax.set_xlabel("station; below it the scale at which it works (share of the photo's height and width)")
    ax.set_ylabel("specialist")
    head(ax, title or f"The path {path_name(choice)}")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    key = [Line2D([], [], color=BLUE, linewidth=_width(m), label=f"{m}°") for m in (5, 20, WIDEST)]
    key[-1].set_label(f"{WIDEST}° or more")
    apart = {"handlelength": 2.5, "handletextpad": 1.2}
    legend(figure, key, "margin over the\nsecond-best pin", "center" if compare is None else "upper", **apart)
    if compare is not None:
        key = [Line2D([], [], color=BLUE, linewidth=5, label=names[0]),
               Line2D([], [], color=VERMILION, linewidth=2, linestyle=DASHES, label=names[1])]  # fmt: skip
        legend(figure, key, where="lower", **apart)
    return figure


def mini_path(ax: Axes, choice, experts: int = 3, colour: str = BLUE) -> None:
    """The bare map without numbers: a dot a specialist, and the path through them. choice: (L,) int."""
    layers = len(choice)
    ax.patch.set_alpha(0)
    grid = np.stack(np.meshgrid(range(layers), range(experts)), -1).reshape(-1, 2)
    ax.scatter(*grid.T, s=14, facecolor="none", edgecolor=INK, linewidth=0.8, zorder=1)
    ax.plot(range(layers), choice, color=colour, linewidth=2, marker="o", markersize=6, zorder=2)
    ax.set_xlim(-0.5, layers - 0.5)
    ax.set_ylim(experts - 0.5, -0.5)
    ax.set_axis_off()


def describe_path(choice, angle) -> str:
    """The map in words, for its alt text."""
    margin = margins(choice, angle)
    most, least = int(margin.argmax()), int(margin.argmin())
    told = (
        f"A map of {len(margin)} stations with {np.asarray(angle).shape[1]} specialists each. "
        f"The photo's path is {path_name(choice)}. "
    )
    if by_hand := [str(k + 1) for k in np.flatnonzero(margin < 0)]:
        return told + f"At station {' and '.join(by_hand)} it passes a specialist by that is nearer."
    return told + (
        f"The choice was clearest at station {most + 1}, by {margin[most]:.0f} degrees, and closest at "
        f"station {least + 1}, by {margin[least]:.0f}."
    )


def path_name(choice) -> str:
    """(L,) int -> such as "0-2-1-1-0-2-2-1"."""
    return "-".join(str(int(k)) for k in choice)


def margins(choice, angle) -> np.ndarray:
    """(L,) degrees by which the specialist taken is nearer than any other; 180 where there is no other.

    choice: (L,) int; angle: (L, K) degrees. Below 0 where another one is nearer.
    """
    angle, taken = np.asarray(angle, float), np.asarray(choice)[:, None]
    if angle.shape[1] == 1:
        return np.full(len(angle), 180.0)
    others = angle.copy()
    np.put_along_axis(others, taken, np.inf, 1)
    return others.min(1) - np.take_along_axis(angle, taken, 1)[:, 0]


def _width(margin: float) -> float:
    return 1 + 11 * min(max(margin, 0), WIDEST) / WIDEST


def _line(ax: Axes, choice, widths) -> None:
    """One piece into each station, as wide as the margin there, and a last one out."""
    ends = [(-0.7, choice[0]), *enumerate(choice), (len(choice) - 0.3, choice[-1])]
    for (x0, y0), (x1, y1), width in zip(ends, ends[1:], [*widths, widths[-1]], strict=False):
        ax.plot([x0, x1], [y0, y1], color=BLUE, linewidth=width, solid_capstyle="butt", zorder=2)


def _dashes(ax: Axes, choice) -> None:
    """A second path, in rings around its stations and dashes between them."""
    line = {"linewidth": 2, "zorder": 3}
    ax.scatter(range(len(choice)), choice, s=1150, facecolor="none", edgecolor=VERMILION, **line)
    how = {"arrowstyle": "-", "color": VERMILION, "linestyle": DASHES, "shrinkA": 17, "shrinkB": 17} | line
    for layer, (y0, y1) in enumerate(zip(choice, choice[1:], strict=False)):
        ax.annotate("", (layer + 1, y1), (layer, y0), arrowprops=how)


def _check(choice, angle, compare) -> None:
    if angle.ndim != 2 or choice.shape != angle.shape[:1]:
        raise ValueError(f"choice must be (L,) and angle (L, K); these are {choice.shape} and {angle.shape}.")
    last = angle.shape[1] - 1
    for path in (choice, compare):
        if path is not None and (path.shape != choice.shape or path.min() < 0 or path.max() > last):
            raise ValueError(f"A path is {len(choice)} numbers from 0 to {last}; this is {path.tolist()}.")
