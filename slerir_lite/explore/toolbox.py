"""What each tool gains or spoils at each kind of damage: a table whose cells are coloured by their numbers.

Orange gains, purple spoils (PuOr of ColorBrewer, which stays readable for the colour-blind), and each cell
says its number, so that nothing depends on colour.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import INK, WRITTEN, canvas, head, plain

STRONGEST = 10  # dB: colours grow no stronger beyond


def gains_table(gains, tools: Sequence[str], damages: Sequence[str], title: str) -> Figure:
    """gains: (tools, damages) in dB against the photo as given; the best tool for each damage is framed."""
    gains = np.asarray(gains, float)
    if gains.shape != (len(tools), len(damages)):
        raise ValueError(f"{len(tools)} tools × {len(damages)} damages, but numbers {gains.shape}.")
    figure = canvas(90 + 29 * len(tools))
    ax = plain(figure.subplots())
    drawn = ax.imshow(gains, cmap="PuOr_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto")
    for (row, column), gain in np.ndenumerate(gains):
        ink = "white" if abs(gain) > 0.6 * STRONGEST else "black"
        ax.text(column, row, f"{round(gain, 1) + 0.0:+.1f}", ha="center", va="center", color=ink, fontsize=10)
    for column, row in enumerate(gains.argmax(0)):
        if gains[row, column] > 0:
            corner = (column - 0.46, row - 0.44)
            ax.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor="black", linewidth=2))
    ax.set_xticks(range(len(damages)), [WRITTEN.get(d, d) for d in damages])
    ax.set_yticks(range(len(tools)), tools)
    ax.set_xlabel("damage of the photo")
    ax.set_ylabel("tool")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    head(ax, title)
    bar = figure.colorbar(drawn, ax=ax, extend="both")
    bar.set_label("gain in PSNR (dB)", color=INK)
    bar.ax.tick_params(colors=INK)
    return figure
