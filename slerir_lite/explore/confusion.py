"""Which place photos were taken for: a table of counts, with what is right on its diagonal."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import INK, WRITTEN, canvas, head, plain


def confusion_picture(counts, names: Sequence[str], title: str) -> Figure:
    """counts: (N, N) whole numbers, row: what was done, column: what the photo was taken for; names: N.

    Raises ValueError where counts are not a square with a name for each row.
    """
    counts = np.asarray(counts)
    if counts.shape != (len(names), len(names)):
        raise ValueError(f"{len(names)} names need {len(names)} × {len(names)} counts, not {counts.shape}.")
    figure = canvas(340, 560)
    ax = plain(figure.subplots())
    ax.imshow(counts, cmap="Greys", vmin=0, vmax=max(1, counts.max()))
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            dark = counts[row, column] > 0.5 * counts.max()
            words = {"ha": "center", "va": "center", "fontweight": "bold" if row == column else "normal"}
            ax.text(column, row, str(counts[row, column]), color="white" if dark else "black", **words)
    words = [WRITTEN.get(name, name) for name in names]
    ax.set_xticks(range(len(names)), words, rotation=30)
    ax.set_yticks(range(len(names)), words)
    ax.set_xlabel("taken for: the nearest place")
    ax.set_ylabel("what was done")
    ax.set_xticks(np.arange(0.5, len(names) - 1), minor=True)
    ax.set_yticks(np.arange(0.5, len(names) - 1), minor=True)
    ax.grid(which="minor", color=INK, linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    head(ax, title)
    return figure


def told(counts, names: Sequence[str]) -> str:
    """The table in words, for its alt text."""
    counts = np.asarray(counts)
    rows = []
    for name, row in zip(names, counts, strict=True):
        parts = [f"{n} for {WRITTEN.get(other, other)}" for other, n in zip(names, row, strict=True) if n]
        rows.append(f"{WRITTEN.get(name, name)} is taken {', '.join(parts)}" if parts else f"no {name}")
    return f"A table of what was done by what it was taken for: {'; '.join(rows)}."
