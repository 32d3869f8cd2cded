"""What each tool gains or spoils at each kind of damage, in dB."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .gain_cells import gain_cells
from .style import WRITTEN, canvas, head, plain

STRONGEST = 10  # dB: colours grow no stronger beyond


def gains_table(
    gains, tools: Sequence[str], damages: Sequence[str], title: str, kind: str = "tool"
) -> Figure:
    """gains: (tools, damages) in dB against the photo as given; the best tool for each damage is framed.

    kind: what the tools are, for their axis.
    """
    gains = np.asarray(gains, float)
    if gains.shape != (len(tools), len(damages)):
        raise ValueError(f"{len(tools)} tools × {len(damages)} damages, but numbers {gains.shape}.")
    figure = canvas(max(190, 90 + 29 * len(tools)))  # a shorter bar of colours can't be read
    ax = plain(figure.subplots())
    best = [(int(row), column) for column, row in enumerate(gains.argmax(0)) if gains[row, column] > 0]
    gain_cells(ax, gains, STRONGEST, best)
    ax.set_xticks(range(len(damages)), [WRITTEN.get(d, d) for d in damages])
    ax.set_yticks(range(len(tools)), tools)
    ax.set_xlabel("damage of the photo")
    ax.set_ylabel(kind)
    head(ax, title)
    return figure
