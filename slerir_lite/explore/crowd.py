"""The crowd: the paths of many photos at once, as a flow from station to station.

Two pictures of the same thing. `crowd` tells the numbers where it is pointed at, without a kernel.
`crowd_picture` stands beside it where nothing can be pointed at. In both, photos keep their group's colour
all the way; in the static one they also lie in every specialist in the groups' order, and carry its mark.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from torch import Tensor

from .crowd_svg import crowd_svg
from .explored import found
from .show import Interactive
from .style import HIGHEST, INK, MARKS, OTHER, WRITTEN, Mark, canvas, head, legend, letters, plain

GAP = 0.16  # between two specialists, as a share of the crowd
MOST = 16  # groups: the names of more would be printed over one another


def paths_of(photos: Iterable[Tensor], restore: Callable) -> np.ndarray:
    """(N, L) int, the path of each photo (3, H, W). restore: see `explored`."""
    return np.array([found(restore, photo).choice for photo in photos])


def crowd(paths, labels: Sequence[str], title: str = "The paths of the crowd") -> Interactive:
    """An interactive figure, to be shown with `show(figure, alt, crowd_picture(...))`.

    paths: (N, L) int; labels: N names of groups, such as the degradation of each photo; groups are drawn in
    the order in which they first come. Raises ValueError where these don't fit together.
    """
    paths, groups = _checked(paths, labels)
    page = crowd_svg(paths, groups, *_heights(paths, groups), title)
    return Interactive(page, _plotly(paths, groups, title))


def _plotly(paths, groups, title):
    import plotly.graph_objects as go

    layers, experts = paths.shape[1], int(paths.max()) + 1
    names = list(groups)
    nodes = {("group", name): k for k, name in enumerate(names)}
    for layer in range(layers):
        for expert in range(experts):
            nodes[layer, expert] = len(nodes)
    links = []  # from, to, how many, group
    for name, rows in groups.items():
        mine = paths[rows]
        for expert, count in sorted(Counter(mine[:, 0].tolist()).items()):
            links.append((nodes["group", name], nodes[0, expert], count, name))
        for layer in range(layers - 1):
            for (a, b), count in sorted(Counter(map(tuple, mine[:, layer : layer + 2].tolist())).items()):
                links.append((nodes[layer, a], nodes[layer + 1, b], count, name))
    used = sorted({k for a, b, *_ in links for k in (a, b)})
    order = {old: new for new, old in enumerate(used)}
    words = {
        k: _written(key[1]) if key[0] == "group" else f"{key[0] + 1}: {key[1]}" for key, k in nodes.items()
    }
    colours = [_mark(key[1]).colour if key[0] == "group" else INK for key in nodes]
    # Where a node stands: its column, and in it the groups, or the specialists, from top to bottom.
    x = [0.001 if key[0] == "group" else (key[0] + 1) / layers * 0.998 + 0.001 for key in nodes]
    y = [
        (names.index(key[1]) + 0.5) / len(names) if key[0] == "group" else (key[1] + 0.5) / experts
        for key in nodes
    ]
    told = "%{value} photos, %{customdata}<br>%{source.label} → %{target.label}<extra></extra>"
    sankey = go.Sankey(
        arrangement="fixed",
        textfont={"color": INK, "size": 12},
        node={
            "label": [words[k] for k in used], "color": [colours[k] for k in used],
            "x": [round(x[k], 4) for k in used], "y": [round(y[k], 4) for k in used],
            "pad": 14, "thickness": 12, "line": {"width": 0},
            "hovertemplate": "%{label}: %{value} photos<extra></extra>",
        },
        link={
            "source": [order[a] for a, *_ in links], "target": [order[b] for _, b, *_ in links],
            "value": [count for *_, count, _ in links],
            "color": [_faint(_mark(name).colour) for *_, name in links],
            "customdata": [_written(name) for *_, name in links], "hovertemplate": told,
        },
    )  # fmt: skip
    return go.Figure(
        sankey,
        {
            "template": "none", "height": HIGHEST, "margin": {"l": 10, "r": 10, "t": 40, "b": 10},
            "title": {"text": f"{title} (station: specialist)", "font": {"color": INK, "size": 15}},
            "paper_bgcolor": "rgba(0,0,0,0)", "font": {"color": INK},
        },
    )  # fmt: skip


def crowd_picture(paths, labels: Sequence[str], title: str = "The paths of the crowd") -> Figure:
    """The same flow as a static figure. Arguments as for `crowd`."""
    paths, groups = _checked(paths, labels)
    layers, experts = paths.shape[1], int(paths.max()) + 1
    figure = canvas(HIGHEST)
    ax = plain(figure.subplots())
    leave, arrive = _heights(paths, groups)
    half = 0.07
    for layer in range(layers):
        for expert in range(experts):
            inside = leave[paths[:, layer] == expert, layer]
            if len(inside):
                low, high = inside.min(), inside.max() + 1
                box = [layer - half, layer + half, layer + half, layer - half], [low, low, high, high]
                ax.fill(*box, facecolor=INK, zorder=3)
                said = {"ha": "center", "va": "center", "color": "white", "fontsize": 9, "zorder": 4}
                ax.text(layer, (low + high) / 2, str(expert), fontweight="bold", **said)
    marks = _told_apart(groups)
    for name, rows in groups.items():
        for layer in range(layers - 1):
            for pair in sorted({tuple(p) for p in paths[rows, layer : layer + 2].tolist()}):
                same = [i for i in rows if tuple(paths[i, layer : layer + 2]) == pair]
                _ribbon(ax, layer + half, layer + 1 - half, leave[same, layer], arrive[same, layer + 1],
                        _mark(name), marks[name])  # fmt: skip
    ax.set_xlim(-0.5, layers - 0.5)
    ax.set_ylim(leave.max() + 1.5, -0.5)
    ax.set_xticks(range(layers), range(1, layers + 1))
    ax.set_yticks([])
    ax.set_xlabel("station; in the bars: the specialist; height: how many photos")
    ax.spines[:].set_visible(False)
    head(ax, title)
    key = [
        Line2D([], [], color=_mark(name).colour, linewidth=8, alpha=0.75, markersize=7,
               label=f"{_written(name)} ({len(rows)})",
               **{f"marker{key}": value for key, value in marks[name].items()})
        for name, rows in groups.items()
    ]  # fmt: skip
    legend(figure, key, "photos, from\ntop to bottom")
    return figure


def describe_crowd(paths, labels: Sequence[str]) -> str:
    """The flow in words, for its alt text."""
    paths, groups = _checked(paths, labels)
    told = [f"{_written(n)} {len({tuple(p) for p in paths[rows].tolist()})}" for n, rows in groups.items()]
    return (
        f"The paths of {len(paths)} photos through {paths.shape[1]} stations, as bands between specialists. "
        f"Different paths in each group: {', '.join(told)}."
    )


def _heights(paths, groups) -> np.ndarray:
    """(2, N, L): the row of each photo in a station's column, where it leaves and where it arrives."""
    count, layers = paths.shape
    # In each specialist photos lie in the groups' order: rows [at, at + 1) of the layer's column.
    rank = np.empty(count, int)
    for k, rows in enumerate(groups.values()):
        rank[rows] = k
    # Those that go on to the same specialist leave side by side; those that come from the same one arrive so.
    leave, arrive = np.empty((2, count, layers))
    for layer in range(layers):
        for heights, neighbour in ((leave, min(layer + 1, layers - 1)), (arrive, max(layer - 1, 0))):
            where = np.lexsort((paths[:, neighbour], rank, paths[:, layer]))
            heights[where, layer] = np.arange(count) + GAP * count * paths[where, layer]
    return np.stack([leave, arrive])


def _told_apart(groups: Iterable[str]) -> dict[str, dict]:
    """How matplotlib draws each group's mark: {"", "facecolor", "edgecolor"}. Several groups that are no
    places share a colour, and get a letter each."""
    letter = letters(groups)
    return {
        name: {"": rf"$\mathrm{{{letter[name]}}}$", "facecolor": "white", "edgecolor": "white"}
        if name in letter
        else {"": _mark(name).shape, "facecolor": _mark(name).colour, "edgecolor": INK}
        for name in groups
    }


def _ribbon(
    ax, x0: float, x1: float, start: np.ndarray, end: np.ndarray, mark: Mark, drawn: dict[str, str]
) -> None:
    """A band from rows `start` on the left to rows `end` on the right, with the group's mark as `drawn`."""
    a, b, c, d = start.min(), start.max() + 1, end.min(), end.max() + 1
    middle = (x0 + x1) / 2
    corners = [
        (x0, a),
        (middle, a),
        (middle, c),
        (x1, c),
        (x1, d),
        (middle, d),
        (middle, b),
        (x0, b),
        (x0, a),
    ]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    look = {"facecolor": mark.colour, "alpha": 0.75, "edgecolor": INK, "linewidth": 0.4}
    ax.add_patch(PathPatch(Path(corners, codes), zorder=2, **look))
    at = x0 + 0.12 * (x1 - x0), (a + b) / 2
    colours = {key: value for key, value in drawn.items() if key}
    ax.scatter(*at, s=22, marker=drawn[""], linewidth=0.7, zorder=3, **colours)


def _checked(paths, labels) -> tuple[np.ndarray, dict[str, list[int]]]:
    """(N, L) paths and {group: the rows of its photos}."""
    paths, labels = np.asarray(paths), list(labels)
    if paths.ndim != 2 or not paths.size or len(labels) != len(paths) or paths.min() < 0:
        raise ValueError(
            f"A crowd is (N, L) paths with N labels; these are {paths.shape} and {len(labels)} labels."
        )
    groups: dict[str, list[int]] = {}
    counts = Counter(map(str, labels))
    kept = counts if len(counts) <= MOST else dict(counts.most_common(MOST - 1))
    for row, label in enumerate(map(str, labels)):
        groups.setdefault(label if label in kept else "others", []).append(row)
    return paths.astype(int), groups


def _mark(name: str) -> Mark:
    return MARKS.get(name, OTHER)


def _written(name: str) -> str:
    return WRITTEN.get(name, name)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.6)"
