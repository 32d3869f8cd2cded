"""Whose pin is nearest, everywhere at once: the Voronoi cells of one layer's pins.

On a circle they are arcs, on a globe regions whose borders are parts of great circles. Each specialist has
a tone and a number of its own, light, middle and dark, so that the pictures can be read in black and white.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Patch, Wedge

from ..degrade import PLACES
from .geometry import axes as seen_from
from .geometry import viewpoint
from .style import INK, MARKS, VERMILION, WRITTEN, canvas, head, legend, plain

TONES = ("#f3ead3", "#9fb0bf", "#2f4858")  # of specialists 0, 1 and 2: light, middle and dark
ON = ("black", "black", "white")  # the ink that reads on each
FINE = 121  # points across a globe


def circle_cells(pins, points=(), names=(), title: str = "Every direction has a nearest pin") -> Figure:
    """The arcs of up to three pins on a circle, and the points that lie on it.

    pins: (K, 2) unit vectors; points: (N, 2) unit vectors, each drawn with its entry of `names`.
    Raises ValueError for pins of another shape or number, or where points and names differ in number.
    """
    pins, points = np.asarray(pins, float), np.asarray(points, float).reshape(-1, 2)
    if pins.ndim != 2 or pins.shape[1] != 2 or not 1 <= len(pins) <= len(TONES):
        raise ValueError(f"A circle takes 1 to {len(TONES)} pins of two numbers each, not {pins.shape}.")
    if len(points) != len(names):
        raise ValueError(f"There are {len(points)} points, but {len(names)} names.")
    figure = canvas(320, 560)
    ax = plain(figure.subplots())
    for owner, start, end in arcs(pins):
        ax.add_patch(Wedge((0, 0), 1, start, end, width=0.22, facecolor=TONES[owner], linewidth=0))
    for radius in (0.78, 1):
        ax.add_patch(Circle((0, 0), radius, fill=False, edgecolor=INK, linewidth=0.8))
    for k, pin in enumerate(pins):
        ax.annotate("", pin * 0.99, (0, 0), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.5})
        ax.text(*pin * (1.3, 1.16), f"pin {k}", ha="center", va="center", color=INK, fontsize=10)
    for point, name in zip(points, names, strict=True):
        ax.plot(*point * 0.89, marker="o", markersize=8, color=VERMILION, markeredgecolor="white", zorder=4)
        ax.text(*point * 0.66, name, ha="center", va="center", color=INK, fontsize=10)
    ax.set(xlim=(-1.5, 1.5), ylim=(-1.28, 1.28), aspect="equal")
    ax.set_xticks((-1, 0, 1))
    ax.set_yticks((-1, 0, 1))
    ax.set_xlabel("first number of a direction (radius 1)")
    ax.set_ylabel("second number (radius 1)")
    ax.spines[:].set_visible(False)
    head(ax, title)
    legend(figure, _key(len(pins)), "the nearest is")
    return figure


def globe_cells(pins, centres, title: str = "Whose pin is nearest, layer by layer") -> Figure:
    """The cells of several layers' pins on a globe: one column a layer, front above, back below.

    pins: (L, K, 3) unit vectors, K up to 3; centres: (6, 3), the places, drawn with their marks.
    Raises ValueError for other shapes.
    """
    pins, centres = np.asarray(pins, float), np.asarray(centres, float)
    if pins.ndim != 3 or pins.shape[2] != 3 or pins.shape[1] > len(TONES):
        raise ValueError(f"A globe takes pins (L, K, 3) with K up to {len(TONES)}, not {pins.shape}.")
    if centres.shape != (len(PLACES), 3):
        raise ValueError(f"There must be {len(PLACES)} centres of 3 numbers each, not {centres.shape}.")
    view = viewpoint(centres)
    figure = canvas(310)
    plots = figure.subplots(2, len(pins), squeeze=False)
    for layer, layers_pins in enumerate(pins):
        for row, eye in enumerate((view, -view)):
            _globe(plots[row, layer], layers_pins, centres, eye)
        head(plots[0, layer], f"layer {layer + 1}", "normal")
    for ax, side in zip(plots[:, 0], ("front", "back"), strict=True):
        ax.set_ylabel(side)
    figure.suptitle(title, color=INK, fontsize=11, fontweight="bold")
    key = _key(pins.shape[1]) + [
        Line2D([], [], color=m.colour, label=WRITTEN.get(place, place), **_edged(m.shape))
        for place, m in MARKS.items()
    ]
    legend(figure, key, loc="outside lower center", ncols=len(key), columnspacing=1.2, handletextpad=0.4)
    return figure


def arcs(pins) -> list[tuple[int, float, float]]:
    """(K, 2) unit pins -> (which pin, from, to) in degrees, once around, with borders half-way."""
    turn = np.degrees(np.arctan2(*np.asarray(pins, float).T[::-1])) % 360
    order = np.argsort(turn)
    after = np.append(turn[order[1:]], turn[order[0]] + 360)
    borders = (turn[order] + after) / 2  # behind each pin, in the order of their turns
    before = np.append(borders[-1] - 360, borders[:-1])
    return [(int(k), float(a), float(b)) for k, a, b in zip(order, before, borders, strict=True)]


def owners(points, pins) -> np.ndarray:
    """(…, d) points and (K, d) pins, all unit vectors -> (…,) int: which pin is nearest."""
    return (np.asarray(points, float) @ np.asarray(pins, float).T).argmax(-1)


def _globe(ax: Axes, pins: np.ndarray, centres: np.ndarray, eye: np.ndarray) -> None:
    """One side of the globe, as an eye far away sees it from `eye`."""
    across, up = seen_from(eye)
    grid = np.linspace(-1, 1, FINE)
    u, v = np.meshgrid(grid, grid)
    depth = np.sqrt(np.clip(1 - u**2 - v**2, 0, None))
    whose = owners(u[..., None] * across + v[..., None] * up + depth[..., None] * eye, pins).astype(float)
    whose[u**2 + v**2 > 1] = np.nan
    tones = ListedColormap(TONES[: len(pins)])
    plain(ax).imshow(whose, cmap=tones, vmin=-0.5, vmax=len(pins) - 0.5, origin="lower",
                     extent=(-1, 1, -1, 1), interpolation="nearest")  # fmt: skip
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=INK, linewidth=0.8))
    for k, pin in enumerate(pins):
        if pin @ eye > 0.3:  # nearer to the edge the number would lie over it
            ax.text(pin @ across, pin @ up, str(k), color=ON[k], fontsize=9, ha="center", va="center")
    for centre, mark in zip(centres, MARKS.values(), strict=True):
        if centre @ eye > 0:
            ax.plot(centre @ across, centre @ up, color=mark.colour, **_edged(mark.shape))
    ax.set(xlim=(-1.06, 1.06), ylim=(-1.06, 1.06), aspect="equal", xticks=(), yticks=())
    ax.spines[:].set_visible(False)


def _edged(shape: str) -> dict:
    """A place's mark, with an edge that shows on the dark tone too."""
    return {"marker": shape, "linestyle": "", "markersize": 7, "markeredgecolor": "white"}


def _key(count: int) -> list[Patch]:
    return [Patch(facecolor=TONES[k], edgecolor=INK, label=f"pin {k}") for k in range(count)]
