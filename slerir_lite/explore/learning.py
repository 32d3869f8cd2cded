"""How a network learns, task by task: what it has gained over its input, step by step, and the rate below."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from .style import INK, MARKS, WRITTEN, canvas, legend, plain


def learning_plot(
    steps: Sequence[int], gains: Mapping[str, Sequence[float]], rates: Sequence[float], title: str
) -> Figure:
    """steps: at which was measured; gains: {a degradation's name: dB over the input at each of them};
    rates: the learning rate at every step from 0 on. Raises ValueError where numbers don't fit."""
    for kind, values in gains.items():
        if len(values) != len(steps):
            raise ValueError(f"{len(steps)} steps, but {len(values)} gains for {kind}.")
    figure = canvas(320)
    figure.suptitle(title, color=INK, fontsize=11, fontweight="bold")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    plain(above).axhline(0, color=INK, linewidth=1, linestyle=":")
    handles = []
    for kind, values in gains.items():
        mark = MARKS[kind]
        handles += above.plot(
            steps, values, color=mark.colour, marker=mark.shape, linewidth=2, label=WRITTEN.get(kind, kind)
        )
    above.set_ylabel("gain in PSNR (dB)")
    plain(below).plot(range(len(rates)), rates, color=INK, linewidth=2)
    below.set_ylabel("learning rate")
    below.set_ylim(0)
    below.set_xlabel("training steps")
    for ax in (above, below):
        ax.spines[["top", "right"]].set_visible(False)
    legend(figure, handles)
    return figure
