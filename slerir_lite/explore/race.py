"""Several networks on the same way: one line each, with a mark and a dash of its own, and the parting.

For losses and for scores, over the training steps.
"""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from .style import BLUE, INK, ORANGE, VERMILION, canvas, head, legend, plain

LINES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (VERMILION, "^", ":"))


def race(
    steps: Sequence[int], lines: Mapping[str, Sequence[float]], title: str, y: str, parted=None
) -> Figure:
    """steps: at which was measured; lines: {name: its value at each of them}, three at most.

    y: name and unit of the values; parted: the step at which the networks parted, drawn as an upright line.
    Raises ValueError where the numbers of steps and values differ, or for more lines than can be told apart.
    """
    if len(lines) > len(LINES):
        raise ValueError(f"{len(LINES)} lines can be told apart, not {len(lines)}.")
    figure = canvas(300)
    ax = plain(figure.subplots())
    handles = []
    for (name, values), (colour, mark, dash) in zip(lines.items(), LINES, strict=False):
        if len(values) != len(steps):
            raise ValueError(f"{len(steps)} steps, but {len(values)} values for {name}.")
        style = {"color": colour, "marker": mark, "linestyle": dash, "linewidth": 2, "markersize": 5}
        handles += ax.plot(steps, values, label=name, **style)
    if parted is not None:
        ax.axvline(parted, color=INK, linewidth=1, linestyle=":")
        ax.annotate("here they part", (parted, 0.02), xycoords=("data", "axes fraction"), xytext=(4, 0),
                    textcoords="offset points", color=INK, fontsize=9)  # fmt: skip
    ax.set_xlabel("training steps")
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    head(ax, title)
    legend(figure, handles)
    return figure
