"""What a picture must say in itself: a title, and on every axis what is drawn along it."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def unlabelled(figure: Figure) -> list[str]:
    """What the figure leaves unsaid, in words; nothing, if it is fit to be shown.

    An axis without ticks (a globe's, say) needs no label. In a row, one label for y will do, and in a column
    one for x, as they do where plots share an axis. A colour bar needs its label and no title.
    """
    found = []
    plots = [ax for ax in figure.axes if ax.get_visible() and not _is_bar(ax)]
    whole = figure.get_suptitle().strip()
    for k, ax in enumerate(plots, 1):
        titles = [ax.get_title(loc=side) for side in ("left", "center", "right")]
        if not whole and not any(t.strip() for t in titles):
            found.append(f"plot {k} has no title")
        for axis, span in (("x", "colspan"), ("y", "rowspan")):
            beside = [other for other in plots if other is ax or _share(ax, other, span)]
            drawn = ax.axison and len(getattr(ax, f"get_{axis}ticks")()) > 0
            if drawn and not any(_label(other, axis) for other in beside):
                found.append(f"plot {k} has no label on its {axis} axis")
    bars = [ax for ax in figure.axes if ax.get_visible() and _is_bar(ax)]
    found += ["a colour bar has no label" for ax in bars if not _label(ax, "x") and not _label(ax, "y")]
    return found


def _is_bar(ax: Axes) -> bool:
    return ax.get_label() == "<colorbar>"


def _label(ax: Axes, axis: str) -> str:
    return getattr(ax, f"get_{axis}label")().strip()


def _share(one: Axes, other: Axes, span: str) -> bool:
    """Whether two plots stand in the same column (span: "colspan") or row ("rowspan")."""
    a, b = one.get_subplotspec(), other.get_subplotspec()
    if a is None or b is None or a.get_gridspec() is not b.get_gridspec():
        return False
    return getattr(a, span) == getattr(b, span)
