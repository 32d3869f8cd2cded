"""A table of gains in dB: cells coloured by their numbers, which each of them also says.

Orange gains, purple spoils (PuOr of ColorBrewer, which stays readable for the colour-blind), so that nothing
depends on colour.
"""

from collections.abc import Collection

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .style import colour_bar


def gain_words(gain: float) -> str:
    """With one decimal, and a sign unless it is neither a gain nor a loss then."""
    return f"{gain:+.1f}" if round(gain, 1) else "0.0"


def gain_cells(
    ax: Axes, gains, strongest: float, framed: Collection[tuple[int, int]], named: str | None = None
) -> None:
    """Draw the table, with a bar beside it that tells the colours; ticks and labels are left to the caller.

    gains: (rows, columns) in dB; strongest: dB beyond which colours grow no stronger; framed: (row, column)
    of the cells to frame; named: what these say instead of their number.
    """
    gains = np.asarray(gains, float)
    drawn = ax.imshow(gains, cmap="PuOr_r", vmin=-strongest, vmax=strongest, aspect="auto")
    for (row, column), gain in np.ndenumerate(gains):
        ink = "white" if abs(gain) > 0.6 * strongest else "black"
        words = named if named and (row, column) in framed else gain_words(gain)
        ax.text(column, row, words, ha="center", va="center", color=ink, fontsize=10)
    for row, column in framed:
        corner = (column - 0.46, row - 0.44)
        ax.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor="black", linewidth=2))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    colour_bar(ax.figure, drawn, ax, "gain in PSNR (dB)", extend="both")
