"""Where one photo's z travels as its damage gets worse: a path over the globe for each kind of damage.

`travel` has a slider for the severity, and a menu that adds a mix and shows where it lands. Both need no
kernel. `travel_picture` shows all the paths at once.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from .geometry import axes, checked, viewpoint
from .globe import background, dots, globe_picture, kind_of, places, said, scene, xyz
from .moving_globe import controls
from .show import Interactive
from .spin import spot, spun
from .style import INK, MARKS, OTHER, WRITTEN, legend

TITLE = "Where z travels as damage gets worse"
DASHES = (":", "--", "-.", (0, (6, 1.5, 1, 1.5, 1, 1.5)))  # of the mixes, which have one colour
CLOSE = 0.16  # of the globe's radius: letters of nearer ends would be printed over each other


def travel(paths: Mapping[str, Tensor], severity: Sequence[float], centres, title: str = TITLE,
           photos: Mapping[str, Sequence] | None = None) -> Interactive:  # fmt: skip
    """An interactive figure with a slider, for `show`.

    paths: for each kind, such as "rain" or "haze+rain", (S, 3) unit vectors: one photo's z at each severity.
    Mixes are hidden until the menu adds them. severity: S numbers; centres: (6, 3), the places.
    photos: for each kind, S photos as `as_photo` takes them, for thumbnails.
    Raises ValueError where these do not fit together.
    """
    paths, centres = _checked(paths, severity, centres)
    photos = dict.fromkeys(paths, ()) if photos is None else photos
    if missing := [
        name for name in paths if name not in photos or len(photos[name]) not in (0, len(severity))
    ]:
        raise ValueError(f"{missing[0]} has not one photo for each of {len(severity)} severities.")
    spots = [spot(kind_of(name), _written(name), path, photos[name], arcs(path, 4), "+" in name)
             for name, path in paths.items()]  # fmt: skip
    captions = [f"{s:.1f}" for s in severity]
    page = spun(title, viewpoint(centres), spots, centres, captions, "severity")
    return Interactive(page, _plotly(paths, severity, centres, title))


def _plotly(paths, severity, centres, title):
    import plotly.graph_objects as go

    figure = go.Figure(background() + places(centres), scene(title, viewpoint(centres), 420))
    moved, frames = [], [[] for _ in severity]
    for name, path in paths.items():
        kind = kind_of(name)
        hidden = {"visible": False} if "+" in name else {}
        words = _written(name)
        colour = MARKS.get(kind, OTHER).colour
        line = {"color": colour, "width": 4}
        figure.add_trace(
            go.Scatter3d(**xyz(arcs(path) * 1.01), mode="lines", line=line, hoverinfo="skip", name=words,
                         showlegend=False, legendgroup=name, opacity=0.6, **hidden)
        )  # fmt: skip
        moved.append(len(figure.data))
        at = [said(f"{words}, severity {s:.1f}", p, centres) for s, p in zip(severity, path, strict=True)]
        figure.add_trace(dots(path[:1], kind, at[:1], 8, name=words, legendgroup=name, **hidden))
        for frame, point, told in zip(frames, path, at, strict=True):
            frame.append({"type": "scatter3d", **xyz(point[None] * 1.01), "text": [told]})
    figure.frames = [go.Frame(data=data, traces=moved, name=str(t)) for t, data in enumerate(frames)]
    figure.update_layout(**controls([f"{s:.1f}" for s in severity], play=False, about="severity "))
    return figure.update_layout(updatemenus=_menu(paths, moved))


def travel_picture(paths: Mapping[str, Tensor], centres, title: str = TITLE) -> Figure:
    """Both sides of the globe with all the paths: a dot at the mildest damage, a mark at the worst.

    Each mix has a dash of its own and, at its worst, a letter. paths, centres: as for `travel`.
    """
    paths, centres = _checked(paths, None, centres)
    ends = np.stack([path[-1] for path in paths.values()])
    figure = globe_picture(ends, centres, [kind_of(name) for name in paths], title=title)
    towards = viewpoint(centres)
    mixes = [name for name in paths if "+" in name]
    dashes = {name: DASHES[k % len(DASHES)] for k, name in enumerate(mixes)}
    letters = dict(zip(mixes, "abcdefghijkl", strict=False))
    for ax, view in zip(figure.axes, (towards, -towards), strict=True):
        across, up = axes(view)
        for name, path in paths.items():
            arc, start = arcs(path), path[0]
            flat = np.where(arc @ view >= 0, (arc @ across, arc @ up), np.nan)
            mark = MARKS.get(kind_of(name), OTHER)
            ax.plot(*flat, color=mark.colour, linewidth=2, linestyle=dashes.get(name, "-"), zorder=2)
            if start @ view >= 0:
                ax.plot(start @ across, start @ up, ".", color=mark.colour, markeredgecolor=INK, zorder=3)
        there = [name for name in mixes if paths[name][-1] @ view >= 0]
        ends = np.array([(paths[name][-1] @ across, paths[name][-1] @ up) for name in there]).reshape(-1, 2)
        _letter(ax, ends, [letters[name] for name in there])
    if mixes:
        key = [Line2D([], [], color=OTHER.colour, linestyle=dashes[name], linewidth=2,
                      label=f"{letters[name]}: {_written(name)}") for name in mixes]  # fmt: skip
        legend(figure, key, where="lower", handlelength=3.5)
    return figure


def _letter(ax, ends: np.ndarray, letters: Sequence[str]) -> None:
    """A letter at each of (N, 2) ends, towards the globe's middle, as the places' names stand outside. Ends
    that lie close together share one: "c, d"."""
    left = list(range(len(ends)))
    while left:
        near = [k for k in left if np.linalg.norm(ends[k] - ends[left[0]]) < CLOSE]
        left = [k for k in left if k not in near]
        middle = ends[near].mean(0)
        inwards = -14 * middle / max(np.linalg.norm(middle), 1e-6)  # points
        where = {"xytext": tuple(inwards), "textcoords": "offset points", "ha": "center", "va": "center"}
        words = ", ".join(letters[k] for k in near)
        ax.annotate(words, middle, color=INK, fontsize=10, fontweight="bold", zorder=6, **where)


def arcs(path: np.ndarray, between: int = 8) -> np.ndarray:
    """The path (S, 3) of unit vectors as a line on the globe: great circles, `between` points from each to
    the next. Facing points, between which no great circle is the shortest, are joined by a jump."""
    parts = []
    for a, b in zip(path, path[1:], strict=False):
        t = np.linspace(0, 1, between, endpoint=False)[:, None]
        angle = np.arccos(np.clip(a @ b, -1, 1))
        if angle < 1e-6 or angle > np.pi - 1e-6:
            parts.append(np.repeat(a[None], between, 0))
        else:
            parts.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.concatenate([*parts, path[-1:]])


def _menu(paths, moved) -> list[dict]:
    """Which mix is to be seen; a choice shows and hides traces, wherever the slider stands."""
    mixes = [name for name in paths if "+" in name]
    if not mixes:
        return []
    traces = [t for dot in moved for t in (dot - 1, dot)]
    names = [name for name in paths for _ in range(2)]
    buttons = [
        {"label": "no mix" if chosen is None else f"add {_written(chosen)}", "method": "restyle",
         "args": [{"visible": ["+" not in name or name == chosen for name in names]}, traces]}
        for chosen in (None, *mixes)
    ]  # fmt: skip
    look = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "top", "font": {"color": INK}}
    return [{"type": "dropdown", "buttons": buttons, "showactive": True, "bgcolor": "rgba(0,0,0,0)", **look}]


def _written(name: str) -> str:
    return " + ".join(WRITTEN.get(part, part) for part in name.split("+"))


def _checked(paths, severity, centres) -> tuple[dict[str, np.ndarray], np.ndarray]:
    if not paths:
        raise ValueError("There is no path to show.")
    found = {}
    for name, path in paths.items():
        found[name], whole, _ = checked(path, centres, None)
        if severity is not None and len(found[name]) != len(severity):
            raise ValueError(f"{name} has {len(found[name])} points for {len(severity)} severities.")
    return found, whole
