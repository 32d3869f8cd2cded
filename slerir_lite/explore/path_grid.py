"""Many paths at once: a column a photo, a row a layer, and in each cell the number of the specialist.

Specialists have a light, a middle and a dark tone, and columns that belong together stand together. So equal
paths look alike at once, and the grid can be read in black and white.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from .cells import ON, TONES
from .style import INK, WRITTEN, canvas, head, legend, plain

GAP = 0.6  # columns between two groups
NUMBERED = 45  # columns at most, where numbers still fit into the cells


def path_grid(
    choice, groups: Sequence[str], title: str, columns: Sequence[str] = (), under: str = "photos"
) -> Figure:
    """choice: (N, L) int from 0 to 2, one path a column.

    groups: N names; neighbours of one name stand together, and the name above them.
    columns: N words below the columns, or none. under: what is drawn along x.
    Raises ValueError where numbers differ, or a specialist has no tone.
    """
    choice = np.asarray(choice)
    if choice.ndim != 2 or len(choice) != len(groups) or len(columns) not in (0, len(choice)):
        raise ValueError(
            f"Each path needs its group's name: paths {choice.shape}, {len(groups)} groups, "
            f"{len(columns)} words below."
        )
    if not len(choice) or choice.min() < 0 or choice.max() >= len(TONES):
        raise ValueError(f"A path here is of specialists 0 to {len(TONES) - 1}.")
    at = places(groups)
    layers = choice.shape[1]
    figure = canvas(96 + 26 * layers)
    ax = plain(figure.subplots())
    for (column, layer), k in np.ndenumerate(choice):
        corner = (at[column] - 0.5, layer - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, facecolor=TONES[k], edgecolor=INK, linewidth=0.5))
        if len(choice) <= NUMBERED:
            ax.text(at[column], layer, str(k), color=ON[k], fontsize=9, ha="center", va="center")
    for name, middle in _middles(groups, at):
        ax.text(middle, -0.75, WRITTEN.get(name, name), color=INK, fontsize=9, ha="center", va="bottom")
    ax.set_xlim(-0.7, at[-1] + 0.7)
    ax.set_ylim(layers - 0.4, -1.7)
    ax.set_xticks(at, columns if len(columns) else [""] * len(at))
    ax.set_yticks(range(layers), range(1, layers + 1))
    ax.tick_params(length=0)
    ax.set_xlabel(under)
    ax.set_ylabel("layer")
    ax.spines[:].set_visible(False)
    head(ax, title)
    key = [Patch(facecolor=tone, edgecolor=INK, label=str(k)) for k, tone in enumerate(TONES)]
    legend(figure, key, "specialist")
    return figure


def places(groups: Sequence[str]) -> np.ndarray:
    """(N,) where the columns stand along x: one apart, and `GAP` more where a new group begins."""
    new = [k > 0 and groups[k] != groups[k - 1] for k in range(len(groups))]
    return np.arange(len(groups)) + GAP * np.cumsum(new)


def _middles(groups: Sequence[str], at: np.ndarray) -> list[tuple[str, float]]:
    """Each group's name, and the middle of its columns."""
    starts = [k for k in range(len(groups)) if k == 0 or groups[k] != groups[k - 1]]
    ends = [*starts[1:], len(groups)]
    return [(groups[a], float(at[a:b].mean())) for a, b in zip(starts, ends, strict=True)]
