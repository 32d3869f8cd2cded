"""One number for every specialist of every station: how much it is used, how far it moved, what it costs.

Numbers stand in the cells, colours only underline them (cividis, which is the same to all eyes and grows
evenly brighter). A path can be framed in it.
"""

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .path_map import scales
from .style import VERMILION, canvas, colour_bar, head, plain


def station_grid(values, title: str, what: str, form: str = "{:.2f}", path=None) -> Figure:
    """values: (L, K) numbers; what: their name and unit, for the colour bar; form: how a cell writes one.

    path: (L,) int, specialists to be framed. Raises ValueError where it does not fit the values.
    """
    values = np.asarray(values, float)
    layers, experts = values.shape
    path = None if path is None else np.asarray(path)
    if path is not None and (path.shape != (layers,) or not ((path >= 0) & (path < experts)).all()):
        raise ValueError(f"A path here is {layers} numbers from 0 to {experts - 1}, not {path.tolist()}.")
    figure = canvas(120 + 45 * experts)
    ax = plain(figure.subplots())
    low, high = values.min(), values.max()
    shade = Normalize(low, high if high > low else low + 1)
    drawn = ax.imshow(values.T, cmap="cividis", norm=shade, aspect="auto")
    for (layer, expert), value in np.ndenumerate(values):
        ink = "black" if shade(value) > 0.47 else "white"
        ax.text(layer, expert, form.format(value), ha="center", va="center", color=ink, fontsize=10)
        if path is not None and path[layer] == expert:
            corner = (layer - 0.46, expert - 0.44)
            ax.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor=VERMILION, linewidth=3))
    ax.set_xticks(range(layers), [f"{k + 1}\n{scale}" for k, scale in enumerate(scales(layers))])
    ax.set_yticks(range(experts), range(experts))
    ax.set_xlabel("station; below it the scale at which it works")
    ax.set_ylabel("specialist")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    head(ax, title)
    colour_bar(figure, drawn, ax, what)
    return figure
