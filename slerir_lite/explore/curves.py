"""What a `Watch` saw, as a static picture: three curves over the steps, and the load of each specialist."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .cells import ON, TONES
from .style import BLUE, INK, MARKS, WRITTEN, canvas, head, plain

DASHES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (8, 2)))  # of the tasks


def watch_picture(watch) -> Figure:
    """watch: anything with `history`, `load` and `best` as `watch.Watch` has them, with one line at least.

    Curves that nobody told are left out. Raises ValueError where there is nothing to draw, or no tone for a
    specialist.
    """
    lines = watch.history
    tasks = {p: _of(lines, lambda line, p=p: line.get("tasks", {}).get(p)) for p in MARKS}
    tasks = {p: points for p, points in tasks.items() if points}
    loss, psnr, angle = (_of(lines, lambda line, k=k: line.get(k)) for k in ("loss", "psnr", "angle"))
    there = {"loss": loss, "psnr": tasks or psnr, "load": len(watch.load), "angle": angle}
    drawn = [name for name, found in there.items() if found]
    if not drawn:
        raise ValueError("There is nothing to draw: no loss, PSNR, load or angle was told.")
    rows = -(-len(drawn) // 2)
    figure = canvas(260 * rows)
    axes = dict(zip(drawn, figure.subplots(rows, 2, squeeze=False).flat, strict=False))
    for ax in figure.axes[len(drawn) :]:
        ax.set_visible(False)
    for name, ax in axes.items():
        plain(ax).spines[["top", "right"]].set_visible(False)
        if name == "load":
            _bars(ax, np.asarray(watch.load))
            continue
        ax.set_xlabel("step")
        if name == "loss":
            _curve(ax, loss, color=BLUE)
            head(ax, "Loss" + (", a new curve for each stage" if len({x[2] for x in loss}) > 1 else ""))
            ax.set_ylabel("loss")
        elif name == "psnr":
            for (place, points), dash in zip(tasks.items(), DASHES, strict=False):
                mark = MARKS[place]
                _curve(ax, points, color=mark.colour, marker=mark.shape, linestyle=dash)
            if psnr:
                _curve(ax, psnr, color=INK, linestyle=":")
            ends = {WRITTEN.get(p, p): (points[-1][:2], MARKS[p].colour) for p, points in tasks.items()}
            _name_ends(ax, ends | ({"training crops": (psnr[-1][:2], INK)} if psnr else {}))
            head(ax, "PSNR by task" if tasks else "PSNR")
            ax.set_ylabel("PSNR (dB)")
        else:
            _curve(ax, angle, color=BLUE, marker="o")
            head(ax, "How evenly the compass spreads")
            ax.set_ylabel("smallest angle (degrees)")
            ax.set_ylim(0, None)
            if watch.best:
                ax.set_ylim(0, 1.15 * watch.best)
                ax.axhline(watch.best, color=INK, linestyle="--")
                where = {"xy": (0.02, watch.best), "xycoords": ax.get_yaxis_transform(), "va": "bottom"}
                ax.annotate("the most that is possible", **where, color=INK, fontsize=9)
    return figure


def _name_ends(ax: Axes, ends: dict[str, tuple[tuple[float, float], str]]) -> None:
    """The names of curves at their right ends, kept apart, with a thin line to each.

    ends: {name: ((x, y) of the end, colour)}. Told this way, curves need no colour to be told apart.
    """
    low, high = ax.get_ylim()
    left, right = ax.get_xlim()
    ax.set_xticks([t for t in ax.get_xticks() if left <= t <= right])
    ax.set_xlim(left, right + 0.42 * (right - left))
    apart, beyond = 0.085 * (high - low), right + 0.06 * (right - left)
    names = sorted(ends, key=lambda name: ends[name][0][1])
    at = np.array([ends[name][0][1] for name in names])
    there = at.mean()
    for k in range(1, len(at)):
        at[k] = max(at[k], at[k - 1] + apart)
    at = np.maximum(at - (at.mean() - there), low + apart * (np.arange(len(at)) + 0.5))
    for k in range(len(at) - 1, -1, -1):  # what would stand above the plot is pushed down again
        at[k] = min(at[k], high - apart * (len(at) - 0.5 - k))
    for name, y in zip(names, at, strict=True):
        end, colour = ends[name]
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.8, "relpos": (0, 0.5), "shrinkB": 2}
        ax.annotate(name, end, (beyond, y), color=INK, fontsize=9, va="center", arrowprops=line)


def _of(lines: list[dict], pick) -> list[tuple]:
    """(step, value, stage) of the lines that have the value."""
    return [(line["step"], pick(line), line["stage"]) for line in lines if pick(line) is not None]


def _curve(ax: Axes, points: list[tuple], **look) -> None:
    """One line a stage, so that nothing joins what can't be compared; at most eight markers."""
    start = 0
    for k in range(1, len(points) + 1):
        if k < len(points) and points[k][2] == points[start][2]:
            continue
        x, y = zip(*[p[:2] for p in points[start:k]], strict=True)
        alone = {"marker": "o"} if len(x) == 1 else {}  # no line is to be seen of it
        how = {"markevery": max(1, -(-len(points) // 8)), "markersize": 5} | alone | look
        ax.plot(x, y, **how)
        start = k


def _bars(ax: Axes, load: np.ndarray) -> None:
    """load: (layers, K), shares that sum to 1 in each layer."""
    stations = np.arange(1, len(load) + 1)
    left = np.zeros(len(load))
    if load.shape[1] > len(TONES):
        raise ValueError(f"There are tones for {len(TONES)} specialists a station, not for {load.shape[1]}.")
    for k, tone in enumerate(TONES[: load.shape[1]]):
        ax.bar(stations, 100 * load[:, k], bottom=left, width=0.8, color=tone, edgecolor=INK, linewidth=0.5,
               label=f"specialist {k}")  # fmt: skip
        for station, share, bottom in zip(stations, load[:, k], left, strict=True):
            if share >= 0.08:
                look = {"color": ON[k], "fontweight": "bold", "fontsize": 9, "ha": "center", "va": "center"}
                ax.text(station, bottom + 50 * share, k, **look)
        left = left + 100 * load[:, k]
    ax.set_xticks(stations)
    ax.set_xlabel("station (in each bar: the specialist's number)")
    ax.set_ylabel("share of the crops (%)")
    head(ax, "Load per specialist")
