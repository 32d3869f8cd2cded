"""A cepstrum as a picture: where the end of a path of motion shows as a dip."""

import math

import numpy as np
from matplotlib.figure import Figure

from ..deblur import REACH
from .style import VERMILION, canvas, colour_bar, head, plain


def cepstrum_picture(lags, title: str, path: tuple[float, float] | None = None) -> Figure:
    """lags: (43 * 22,) of `deblur.cepstrum`, or the difference of two; path: (px, radians), to be ringed.

    A dip is dark and a ridge bright, in black and white too. Lags of no pixel and of one are left white: what
    stands there belongs to no path, and outshines the rest.
    Raises ValueError for another number of lags.
    """
    values = np.asarray(lags, float).copy()
    if values.shape != ((2 * REACH - 1) * REACH,):
        raise ValueError(f"A cepstrum here has {2 * REACH - 1} x {REACH} lags, not {values.shape}.")
    values = values.reshape(2 * REACH - 1, REACH)
    down, across = np.mgrid[1 - REACH : REACH, 0:REACH]
    values[np.hypot(down, across) < 1.5] = np.nan
    figure = canvas(320, 480)
    ax = plain(figure.subplots())
    strongest = np.nanmax(np.abs(values))
    edges = (-0.5, REACH - 0.5, REACH - 0.5, 0.5 - REACH)
    drawn = ax.imshow(values, cmap="cividis", vmin=-strongest, vmax=strongest, extent=edges)
    if path is not None:
        length, angle = path
        x, y = length * math.cos(angle), length * math.sin(angle)
        x, y = (x, y) if x >= 0 else (-x, -y)  # a path and its opposite are the same blur
        for colour, width in (("white", 4), (VERMILION, 2)):  # seen on dark and on bright
            ax.scatter(x, y, s=260, facecolor="none", edgecolor=colour, linewidth=width)
    ax.set_xlabel("lag across (pixels)")
    ax.set_ylabel("lag down (pixels)")
    head(ax, title)
    colour_bar(figure, drawn, ax, "cepstrum (negative and dark: a dip)")
    return figure
