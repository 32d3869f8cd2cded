"""The globe: where photos lie among the six places, on a compass with d = 3.

Two pictures of the same thing. `globe` spins under the mouse, without a kernel (`spin`; the plotly figure is
for where only that may, see `show`). `globe_picture` shows both sides at once, for where nothing spins.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..degrade import PLACES
from .geometry import angles, axes, checked, graticule, unit_vectors, viewpoint
from .show import Interactive
from .spin import MIXED, spot, spun
from .style import HIGHEST, INK, MARKS, OTHER, WRITTEN, canvas, head, legend, plain

TITLE = "Where photos lie on the sphere"


def globe(points, centres, labels: Sequence[str] | None = None, names: Sequence[str] | None = None,
          highlight: int | None = None, title: str = TITLE, photos: Sequence | None = None,
          pins=None) -> Interactive:  # fmt: skip
    """An interactive figure, to be shown with `show(figure, alt, globe_picture(...))`.

    points: (N, 3) unit vectors z; centres: (6, 3), the places, in the order of `degrade.PLACES`.
    labels: for each point the place whose mark it gets; any other text (a mix) gets a mark of its own.
    names: for each point what to say when it is pointed at. highlight: the point to ring.
    photos: N, as `as_photo` takes them, for a thumbnail of each. pins: (L, K, 3), each station's, for a menu.
    Raises ValueError for points that do not lie on a sphere in three dimensions, and where there are not as
    many names or photos.
    """
    points, centres, labels = checked(points, centres, labels)
    names = labels if names is None else list(names)
    photos = [()] * len(points) if photos is None else [(photo,) for photo in photos]
    spots = [
        spot(kind_of(label), name, point[None], photo)
        for label, name, point, photo in zip(labels, names, points, photos, strict=True)
    ]
    page = spun(title, viewpoint(centres), spots, centres, pins=unit_vectors(pins, 3), highlight=highlight)
    return Interactive(page, _plotly(points, centres, labels, names, highlight, title))


def _plotly(points, centres, labels, names, highlight, title):
    import plotly.graph_objects as go

    traces = background()
    for kind in (*PLACES, MIXED):
        rows = [k for k, label in enumerate(labels) if kind_of(label) == kind]
        if rows:
            traces.append(dots(points[rows], kind, [said(names[k], points[k], centres) for k in rows]))
    traces += places(centres)
    if highlight is not None:
        traces.append(
            go.Scatter3d(
                **xyz(points[[highlight]] * 1.02), mode="markers", hoverinfo="skip", name=names[highlight],
                marker={"symbol": "circle-open", "color": INK, "size": 16},
            )
        )  # fmt: skip
    return go.Figure(traces, scene(title, viewpoint(centres)))


def scene(title: str, towards: np.ndarray, height: float = HIGHEST) -> dict:
    """plotly's layout for a globe, seen from far away in the direction `towards`, a unit vector (3,)."""
    axis = {"visible": False, "range": [-1.45, 1.45]}
    eye = np.round(4 * towards, 3).tolist()
    return {
        "template": "none", "height": height, "margin": {"l": 0, "r": 0, "t": 30, "b": 0},
        "title": {"text": f"{title} (radius 1; drag to spin)", "font": {"color": INK, "size": 15}},
        "paper_bgcolor": "rgba(0,0,0,0)", "font": {"color": INK}, "legend": {"itemsizing": "constant"},
        "scene": {"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "manual",
                  "aspectratio": dict.fromkeys("xyz", 2.35), "dragmode": "orbit",
                  "bgcolor": "rgba(0,0,0,0)",
                  "camera": {"eye": dict(zip("xyz", eye, strict=True)),
                             "projection": {"type": "orthographic"}}},
    }  # fmt: skip


def background() -> list:
    """The bare globe, as two plotly traces."""
    import plotly.graph_objects as go

    return [_ball(go), _lines(go)]


def dots(points: np.ndarray, kind: str, words: Sequence[str], size: int = 5, **more):
    """(N, 3) points as a plotly trace with the mark of `kind`; words: said at each; more: of the trace."""
    import plotly.graph_objects as go

    mark = MARKS.get(kind, OTHER)
    look = {"symbol": mark.solid, "color": mark.colour, "line": {"color": INK, "width": 1}, "size": size}
    how = {"mode": "markers", "marker": look, "text": list(words), "hoverinfo": "text"}
    return go.Scatter3d(**xyz(points * 1.01), **how | {"name": WRITTEN.get(kind, kind)} | more)


def places(centres: np.ndarray) -> list:
    """The six places (6, 3) as two plotly traces: rings, and their names outside."""
    import plotly.graph_objects as go

    words = [WRITTEN.get(p, p) for p in PLACES]
    rings = go.Scatter3d(
        **xyz(centres * 1.02), mode="markers", hoverinfo="text", name="one of the six places",
        hovertext=[f"the place of {word}" for word in words],
        marker={"symbol": "circle-open", "color": INK, "size": 11, "line": {"width": 3}},
    )  # fmt: skip
    written = go.Scatter3d(
        **xyz(centres * 1.4), mode="text", text=words, textfont={"color": INK, "size": 14},
        textposition="middle center", hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    return [rings, written]


def globe_picture(points, centres, labels: Sequence[str] | None = None, names: Sequence[str] | None = None,
                  highlight: int | None = None, title: str = TITLE) -> Figure:  # fmt: skip
    """Both sides of the globe, each seen from far away. Arguments as for `globe`."""
    points, centres, labels = checked(points, centres, labels)
    towards = viewpoint(centres)
    figure = canvas(HIGHEST)
    figure.suptitle(title, color=INK, fontsize=11, fontweight="bold")
    for ax, view, side in zip(figure.subplots(1, 2), (towards, -towards), ("front", "back"), strict=True):
        _side(plain(ax), view, points, centres, labels, highlight)
        head(ax, side, "normal")
        ax.set_xlabel("across (radius 1)")
    there = {kind_of(label) for label in labels}
    key = [dot(MARKS.get(k, OTHER), WRITTEN.get(k, k)) for k in (*PLACES, MIXED) if k in there]
    ring = {"linestyle": "", "marker": "o", "markerfacecolor": "none", "markeredgecolor": INK}
    key.append(Line2D([], [], **ring, markersize=9, markeredgewidth=2.5, label="one of the six places"))
    if highlight is not None:
        name = labels[highlight] if names is None else names[highlight]
        key.append(Line2D([], [], **ring, markersize=14, label=name))
    legend(figure, key)
    return figure


def _side(ax: Axes, view, points, centres, labels, highlight) -> None:
    across, up = axes(view)

    def flat(p):
        return p @ across, p @ up

    outline(ax, view)
    for point, label in zip(points, labels, strict=True):
        if point @ view >= 0:
            mark = MARKS.get(label, OTHER)
            look = {"marker": mark.shape, "color": mark.colour, "edgecolor": INK, "linewidth": 0.8}
            ax.scatter(*flat(point), s=46, zorder=3, **look)
    for place, centre in zip(PLACES, centres, strict=True):
        if centre @ view >= 0:
            x, y = flat(centre)
            ax.scatter(x, y, s=90, facecolor="none", edgecolor=INK, linewidth=2.5, zorder=2)
            # Its name stands outside the globe, where there is room.
            out = 1.06 / max(np.hypot(x, y), 1e-6)
            words = {"color": INK, "fontsize": 10, "fontweight": "bold", "zorder": 5}
            words["ha"] = "center" if abs(x * out) < 0.3 else "left" if x > 0 else "right"
            words["va"] = "center" if abs(y * out) < 0.3 else "bottom" if y > 0 else "top"
            line = {"arrowstyle": "-", "color": INK, "linewidth": 1, "shrinkA": 0, "shrinkB": 6}
            ax.annotate(WRITTEN.get(place, place), (x, y), (x * out, y * out), arrowprops=line, **words)
    if highlight is not None and points[highlight] @ view >= 0:
        ax.scatter(*flat(points[highlight]), s=240, facecolor="none", edgecolor=INK, linewidth=1.2, zorder=4)


def outline(ax: Axes, view) -> None:
    """The bare globe, seen from far away in the direction `view`, a unit vector (3,)."""
    turn = np.linspace(0, 2 * np.pi, 181)
    ax.plot(np.cos(turn), np.sin(turn), color=INK, linewidth=1.2)
    across, up = axes(view)
    for ring in graticule():
        flat = (ring @ across, ring @ up)
        ax.plot(*np.where(ring @ view >= 0, flat, np.nan), color=INK, linewidth=0.5, alpha=0.5)
    ax.set_aspect("equal")
    ax.set_xlim(-1.5, 1.5)
    ax.set_ylim(-1.2, 1.2)
    ax.set_yticks([])
    ax.set_xticks([-1, 0, 1])
    ax.spines[:].set_visible(False)


def _ball(go):
    """A faint ball inside, so that the far side looks farther away."""
    up, turn = np.meshgrid(np.linspace(0, np.pi, 13), np.linspace(0, 2 * np.pi, 25))
    ball = 0.985 * np.stack([np.sin(up) * np.cos(turn), np.sin(up) * np.sin(turn), np.cos(up)], -1)
    still = {"highlight": False}  # else the mouse draws lines on it
    return go.Surface(
        **xyz(ball), opacity=0.2, showscale=False, hoverinfo="skip",
        colorscale=[[0, INK], [1, INK]], lighting={"ambient": 1, "diffuse": 0, "specular": 0},
        contours={"x": still, "y": still, "z": still},
    )  # fmt: skip


def _lines(go):
    """All circles in one line, with a gap after each."""
    rings = np.concatenate([np.append(ring, [[np.nan] * 3], 0) for ring in graticule()])
    look = {"mode": "lines", "line": {"color": INK, "width": 1}, "opacity": 0.5}
    return go.Scatter3d(**xyz(rings), **look, hoverinfo="skip", showlegend=False)


def xyz(points: np.ndarray) -> dict:
    """Rounded, and as lists, since plotly would encode arrays in a way that older plotly.js can't read."""
    return {name: np.round(points[..., k], 3).tolist() for k, name in enumerate("xyz")}


def said(name: str, point: np.ndarray, centres: np.ndarray) -> str:
    """What is shown where the mouse is: the name, and how far the two nearest places are."""
    far = angles(point[None], centres)[0]
    near = [f"{far[k]:.0f}° from {WRITTEN.get(PLACES[k], PLACES[k])}" for k in far.argsort()[:2]]
    return f"{name}<br>{', '.join(near)}"


def kind_of(label: str) -> str:
    """The place of that name; MIXED for any other label."""
    return label if label in PLACES else MIXED


def dot(mark, label: str) -> Line2D:
    """A mark as an entry of a matplotlib legend."""
    return Line2D([], [], linestyle="", marker=mark.shape, color=mark.colour, markeredgecolor=INK,
                  markeredgewidth=0.8, markersize=8, label=label)  # fmt: skip
