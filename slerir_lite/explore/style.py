"""What all pictures share: 850 pixels of width, colours that everyone can tell apart, text for any theme.

Colours are those of Okabe & Ito (Color Universal Design, 2008). A place on the sphere also has a shape of
its own, so that no picture depends on colour. Backgrounds are transparent: a notebook's theme shows through.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..degrade import PLACES

WIDTH, HIGHEST = 850, 320  # px: of every picture, and of one row at most
DPI = 100  # px an inch, at which the sizes above hold
INK = "#7a7a7a"  # text and lines: contrast 4.3 on white and 4.4 on JupyterLab's dark #111111
BLUE, ORANGE, VERMILION = "#0072b2", "#e69f00", "#d55e00"


@dataclass(frozen=True)
class Mark:
    """How a place is drawn: `shape` in matplotlib's names, `solid` in plotly's 3-D ones."""

    colour: str
    shape: str
    solid: str


MARKS = dict(
    zip(
        PLACES,
        (
            Mark("#009e73", "o", "circle"),
            Mark(ORANGE, "s", "square"),
            Mark("#56b4e9", "v", "cross"),
            Mark("#cc79a7", "D", "diamond"),
            Mark(BLUE, "^", "square-open"),
            Mark(VERMILION, "P", "diamond-open"),
        ),
        strict=True,
    )
)
OTHER = Mark(INK, "*", "circle-open")  # a mix, a corner, or anything that is no place
WRITTEN = {"lowlight": "low light"}  # a place's name as prose has it


def letters(names: Iterable[str]) -> dict[str, str]:
    """A letter for each of those that are no places, where there are several: they share one mark."""
    others = [name for name in names if name not in MARKS]
    return dict(zip(others, "ABCDEFGHIJKLMNOP", strict=False)) if len(others) > 1 else {}


def canvas(height: float, width: float = WIDTH) -> Figure:
    """An empty picture of that many pixels. It is no pyplot figure: nothing is shown twice or left open."""
    figure = Figure((width / DPI, height / DPI), dpi=DPI, layout="constrained")
    figure.patch.set_alpha(0)
    return figure


def plain(ax: Axes) -> Axes:
    """Axes without a box, in ink, on the picture's own background."""
    ax.patch.set_alpha(0)
    ax.tick_params(colors=INK, labelsize=9, length=3)
    for line in ax.spines.values():
        line.set_color(INK)
    ax.xaxis.label.set_color(INK)
    ax.yaxis.label.set_color(INK)
    return ax


def head(ax: Axes, text: str, weight: str = "bold") -> None:
    """The title."""
    ax.set_title(text, color=INK, fontsize=11, fontweight=weight)


def legend(figure: Figure, handles, title: str | None = None, where: str = "center", **how) -> None:
    """A legend in ink on the right of the picture; where: "upper", "center" or "lower"."""
    how = {"loc": f"outside right {where}", "frameon": False, "labelcolor": INK, "fontsize": 9} | how
    figure.legend(handles=handles, title=title, **how).get_title().set(color=INK, fontsize=9)


def colour_bar(figure: Figure, drawn, ax, label: str, **how) -> None:
    """What the colours of `drawn` mean, in ink, beside one axes or several; label: with the unit."""
    bar = figure.colorbar(drawn, ax=ax, **how)
    bar.set_label(label, color=INK)
    bar.ax.tick_params(colors=INK)
