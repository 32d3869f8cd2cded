"""Who takes what: a row a place, a column a station, and in each cell the number of the specialist.

Each specialist has a colour, a hatching and its number, so that the picture reads without colours too. Down
a column one sees which two places share a specialist, along a row a place's path.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..degrade import PLACES
from .path_map import scales
from .style import BLUE, INK, ORANGE, WRITTEN, canvas, head, plain

FACES = ((BLUE, "white", ""), (ORANGE, "black", "////"), ("#f0f0f0", "black", ".."))  # face, ink, hatching


def pairings_picture(table, title: str = "Which specialist takes which place") -> Figure:
    """table: (L, 6) int, as `route.table_from_pairings` gives it; specialists 0 to 2.

    Raises ValueError for another number of places or specialists.
    """
    table = np.asarray(table)
    if table.ndim != 2 or table.shape[1] != len(PLACES) or not np.isin(table, range(len(FACES))).all():
        raise ValueError(f"A table is (layers, {len(PLACES)}) numbers from 0 to 2, not {table.shape}.")
    layers = len(table)
    figure = canvas(300)
    ax = plain(figure.subplots())
    for (layer, place), k in np.ndenumerate(table):
        face, ink, hatch = FACES[k]
        low = (layer - 0.44, place - 0.42)
        ax.add_patch(Rectangle(low, 0.88, 0.84, facecolor=face, edgecolor=INK, hatch=hatch, linewidth=0.8))
        plate = {"boxstyle": "circle,pad=0.15", "facecolor": face, "edgecolor": "none"}
        ax.text(layer, place, str(k), ha="center", va="center", color=ink, fontsize=11, bbox=plate)
    ax.set_xlim(-0.6, layers - 0.4)
    ax.set_ylim(len(PLACES) - 0.5, -0.5)
    ax.set_xticks(range(layers), [f"{k + 1}\n{scale}" for k, scale in enumerate(scales(layers))])
    ax.set_yticks(range(len(PLACES)), [WRITTEN.get(p, p) for p in PLACES])
    ax.set_xlabel("station; below it the scale at which it works (share of the photo's height and width)")
    ax.set_ylabel("place on the sphere")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    head(ax, title)
    return figure
