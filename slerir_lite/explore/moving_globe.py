"""Points that move over the globe: repelling one another, or finding their places while a compass learns.

The same run as a film (`film_of`, for `film.play`) and with a slider (`moving_globe`), as a globe which spins
while it plays and needs no kernel.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from ..degrade import PLACES
from .geometry import axes, viewpoint
from .globe import MIXED, background, dot, dots, kind_of, outline, places, scene, xyz
from .show import Interactive
from .spin import spot, spun
from .style import INK, MARKS, OTHER, WRITTEN, canvas, head, legend, plain

AROUND = np.array([0.62, 0.62, 0.48]) / np.linalg.norm([0.62, 0.62, 0.48])  # to look from, without places
MILLISECONDS = 120  # a moment
FILM = 280  # px: a film has many pictures, so each is lower than others


def film_of(
    points, labels: Sequence[str], captions: Sequence[str], title: str, centres=None
) -> Iterator[Figure]:
    """One picture a moment, both sides of the globe in each: one figure, in which the points move.

    points: (T, N, 3) unit vectors; labels: N, as for `globe`; captions: T, what to say at each moment.
    centres: (6, 3), the places, which stay where they are; or None, where the points have no places.
    Raises ValueError where these do not fit together.
    """
    points, centres = _checked(points, labels, captions, centres)
    return _frames(points, [kind_of(label) for label in labels], captions, title, centres)


def _frames(points, kinds, captions, title, centres) -> Iterator[Figure]:
    towards = AROUND if centres is None else viewpoint(centres)
    figure = canvas(FILM)
    heading = figure.suptitle(f"{title}: {captions[0]}", color=INK, fontsize=11, fontweight="bold")
    sides = list(zip(figure.subplots(1, 2), (towards, -towards), ("front", "back"), strict=True))
    for ax, view, side in sides:
        outline(plain(ax), view)
        _rings(ax, view, centres)
        head(ax, side, "normal")
        ax.set_xlabel("across (radius 1)")
    legend(figure, [dot(MARKS.get(k, OTHER), WRITTEN.get(k, k)) for k in (*PLACES, MIXED) if k in kinds])
    for moment, caption in zip(points, captions, strict=True):
        heading.set_text(f"{title}: {caption}")
        drawn = [mark for ax, view, _ in sides for mark in _dots(ax, view, moment, kinds)]
        yield figure
        figure.set_layout_engine("none")  # from the first picture on everything stays where it is
        for mark in drawn:
            mark.remove()


def moving_globe(points, labels: Sequence[str], captions: Sequence[str], title: str, centres=None,
                 names: Sequence[str] | None = None) -> Interactive:  # fmt: skip
    """The same with a slider and a button that plays it. Arguments as for `film_of`; names as for `globe`."""
    points, centres = _checked(points, labels, captions, centres)
    spots = [spot(kind_of(label), name, points[:, n])
             for n, (label, name) in enumerate(zip(labels, names or labels, strict=True))]  # fmt: skip
    towards = AROUND if centres is None else viewpoint(centres)
    page = spun(title, towards, spots, centres, captions, play=MILLISECONDS)
    return Interactive(page, _plotly(points, labels, captions, title, centres))


def _plotly(points, labels, captions, title, centres):
    import plotly.graph_objects as go

    still = background() + ([] if centres is None else places(centres))
    rows = {kind: [n for n, label in enumerate(labels) if kind_of(label) == kind]
            for kind in (*PLACES, MIXED)}  # fmt: skip
    rows = {kind: found for kind, found in rows.items() if found}
    first = [dots(points[0, found], kind, [labels[n] for n in found]) for kind, found in rows.items()]
    moved = list(range(len(still), len(still) + len(first)))
    frames = [
        go.Frame(data=[{"type": "scatter3d", **xyz(moment[found] * 1.01)} for found in rows.values()],
                 traces=moved, name=str(t))
        for t, moment in enumerate(points)
    ]  # fmt: skip
    towards = AROUND if centres is None else viewpoint(centres)
    figure = go.Figure(still + first, scene(title, towards, 420), frames)
    return figure.update_layout(**controls(captions, play=True))


def controls(captions: Sequence[str], play: bool, about: str = "", milliseconds: int = MILLISECONDS) -> dict:
    """plotly's slider over frames that are named "0", "1", … and, with play, two buttons. For a layout.

    about: what stands before the caption, such as "severity ".
    """
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [
        {"label": caption, "method": "animate", "args": [[str(t)], at_once]}
        for t, caption in enumerate(captions)
    ]
    slider = {"steps": steps, "currentvalue": {"prefix": about, "font": {"color": INK}}, "len": 0.7, "x": 0.2,
              "y": 0, "font": {"color": "rgba(0,0,0,0)"}, "ticklen": 0, "pad": {"t": 10}}  # fmt: skip
    layout = {"sliders": [slider], "margin": {"l": 0, "r": 0, "t": 30, "b": 70}}
    if play:
        run = at_once | {"frame": {"duration": milliseconds, "redraw": True}, "fromcurrent": True}
        buttons = [{"label": "play", "method": "animate", "args": [None, run]},
                   {"label": "pause", "method": "animate", "args": [[None], at_once]}]  # fmt: skip
        layout["updatemenus"] = [
            {"type": "buttons", "direction": "left", "showactive": False, "buttons": buttons, "x": 0.17,
             "y": 0, "xanchor": "right", "yanchor": "top", "pad": {"t": 25}}
        ]  # fmt: skip
    return layout


def _dots(ax, view, moment, kinds) -> list:
    """The points of this side, and what was drawn."""
    across, up = axes(view)
    drawn = []
    for kind in dict.fromkeys(kinds):
        points = np.array([p for p, k in zip(moment, kinds, strict=True) if k == kind and p @ view >= 0])
        if len(points):
            mark = MARKS.get(kind, OTHER)
            look = {"marker": mark.shape, "color": mark.colour, "edgecolor": INK, "linewidth": 0.8}
            drawn.append(ax.scatter(points @ across, points @ up, s=70, zorder=3, **look))
    return drawn


def _rings(ax, view, centres) -> None:
    across, up = axes(view)
    for centre in () if centres is None else centres:
        if centre @ view >= 0:
            look = {"facecolor": "none", "edgecolor": INK, "linewidth": 2.5, "zorder": 2}
            ax.scatter(centre @ across, centre @ up, s=130, **look)


def _checked(points, labels, captions, centres) -> tuple[np.ndarray, np.ndarray | None]:
    points, centres = (v.detach().cpu() if isinstance(v, Tensor) else v for v in (points, centres))
    points = np.asarray(points, float)
    if points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(f"Points that move on a globe are (T, N, 3), not {points.shape}.")
    if len(labels) != points.shape[1] or len(captions) != len(points):
        raise ValueError(
            f"There are {points.shape[1]} points at {len(points)} moments, but {len(labels)} labels and "
            f"{len(captions)} captions."
        )
    lengths = np.linalg.norm(points, axis=2)
    if np.any(np.abs(lengths - 1) > 1e-3):
        raise ValueError(f"Points must be unit vectors; their lengths reach {lengths.max():.3g}.")
    return points, None if centres is None else np.asarray(centres, float)
