"""How PSNR falls as each of the five degradations gets more severe: five lines in one plot."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from .style import MARKS, OTHER, WRITTEN, canvas, head, legend, plain


def severity_plot(severity: Sequence[float], psnr: Mapping[str, Sequence[float]], title: str) -> Figure:
    """severity: from 0 to 1; psnr: {a degradation's name, or one of your own: dB at each severity}."""
    figure = canvas(320)
    ax = plain(figure.subplots())
    handles = []
    for kind, values in psnr.items():
        mark = MARKS.get(kind, OTHER)
        handles += ax.plot(
            severity, values, color=mark.colour, marker=mark.shape, linewidth=2, label=WRITTEN.get(kind, kind)
        )
    ax.set_xlabel("severity (0: the mildest that we make; 1: the worst)")
    ax.set_ylabel("PSNR (dB)")
    ax.spines[["top", "right"]].set_visible(False)
    head(ax, title)
    legend(figure, handles)
    return figure
