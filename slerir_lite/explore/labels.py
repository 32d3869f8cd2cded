"""What a picture must say in itself: a title, and on every axis what is drawn along it, in which unit."""

import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# A unit stands in brackets, or says after a comma what the numbers are: "path (pixels)", "gain, dB".
UNIT = re.compile(r"\([^)]+\)|, \S")
# What has none. Names and ranks, drawn one beside the other; and numbers that are what they are.
NAMES = {
    "damage of the photo", "damage of the spot", "layer", "network", "photos", "place", "place on the sphere",
    "specialist", "station", "taken for", "taken for: the nearest place",
    "task a", "task b", "tool", "what was done",
    "station; below it the scale at which it works",
    "station; in the bars: the specialist; height: how many photos",
}  # fmt: skip
NUMBERS = {
    "cosine of the two gradients", "distance from the median ÷ its length", "first number", "learning rate",
    "log₁₀ of gradient ÷ its largest", "loss", "second number", "step", "training step", "training steps",
}  # fmt: skip


def unlabelled(figure: Figure) -> list[str]:
    """What the figure leaves unsaid, in words; nothing, if it is fit to be shown.

    An axis without ticks (a globe's, say) needs no label. In a row, one label for y will do, and in a column
    one for x, as they do where plots share an axis. A colour bar needs its label and no title. A label has a
    unit, but for the names and pure numbers that stand in this module.
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
            if drawn and not has_unit(_label(ax, axis)):
                found.append(f'plot {k} has no unit in "{_label(ax, axis)}" on its {axis} axis')
    for bar in (ax for ax in figure.axes if ax.get_visible() and _is_bar(ax)):
        label = _label(bar, "x") or _label(bar, "y")
        if not label:
            found.append("a colour bar has no label")
        elif not has_unit(label):
            found.append(f'a colour bar has no unit in "{label}"')
    return found


def has_unit(label: str) -> bool:
    """Whether the label says its unit, or is one that has none; an empty one is not asked."""
    return not label or label in NAMES | NUMBERS or UNIT.search(label) is not None


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
