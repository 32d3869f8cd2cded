"""A few lines in one plot, told apart by colour, dash and marker; and, if there is one, the best possible."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from .style import BLUE, INK, ORANGE, VERMILION, canvas, head, legend, plain

LOOKS = ((BLUE, "-", "o"), (VERMILION, "--", "s"), (ORANGE, ":", "^"))


def lines_picture(
    x: Sequence[float], lines: Mapping[str, Sequence[float]], title: str, across: str, up: str,
    best: float | None = None, parted: float | None = None,
) -> Figure:  # fmt: skip
    """lines: {name: a number for each of x}, three at most; across, up: the axes' labels, with units.

    best: what cannot be exceeded, as a thin grey line; parted: the x at which the lines parted, as a dotted
    one. Raises ValueError where lines and x do not fit, or for more lines than can be told apart.
    """
    if not 0 < len(lines) <= len(LOOKS):
        raise ValueError(f"1 to {len(LOOKS)} lines can be told apart, not {len(lines)}.")
    for name, line in lines.items():
        if len(line) != len(x):
            raise ValueError(f"{len(x)} places across, but {len(line)} values for {name}.")
    figure = canvas(300)
    ax = plain(figure.subplots())
    handles = []
    for (name, line), (colour, dash, marker) in zip(lines.items(), LOOKS, strict=False):
        handles += ax.plot(x, line, color=colour, linestyle=dash, marker=marker, linewidth=2, label=name)
    if best is not None:
        handles.append(ax.axhline(best, color=INK, linewidth=1, label="the best possible"))
    if parted is not None:
        ax.axvline(parted, color=INK, linewidth=1, linestyle=":")
        ax.annotate("here they part", (parted, 0.02), xycoords=("data", "axes fraction"), xytext=(4, 0),
                    textcoords="offset points", color=INK, fontsize=9)  # fmt: skip
    ax.set_xlabel(across)
    ax.set_ylabel(up)
    ax.spines[["top", "right"]].set_visible(False)
    head(ax, title)
    legend(figure, handles)
    return figure
