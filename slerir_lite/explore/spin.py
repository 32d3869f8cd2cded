"""The globe as a piece of HTML that needs nothing else: its data, and the package's own script that draws it.

It spins wherever a page runs scripts: in an exported notebook, on nbviewer, on Colab, in the classic Notebook
and in JupyterLab, without a kernel and without a request to anywhere.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..degrade import PLACES
from .pixels import tiny_source
from .style import MARKS, OTHER, WRITTEN

SCRIPT, STYLE = (Path(__file__).with_name(f"spin.{kind}").read_text("utf-8") for kind in ("js", "css"))
INSTEAD = "(The same as an interactive figure, which is not shown here.)"
MIXED = "a mix or other"  # what any label but a place's name counts as
SHAPES = {  # matplotlib's, as SVG paths about 12 px wide
    "o": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",
    "s": "M-5.5-5.5h11v11h-11z",
    "v": "M-7-5h14l-7 12z",
    "D": "M0-7.5l7.5 7.5-7.5 7.5-7.5-7.5z",
    "^": "M-7 5h14l-7-12z",
    "P": "M-2.5-7h5v4.5h4.5v5h-4.5v4.5h-5v-4.5h-4.5v-5h4.5z",
    "*": "M0-9l2.1 6.1h6.4l-5.1 3.9 1.9 6.2-5.3-3.7-5.3 3.7 1.9-6.2-5.1-3.9h6.4z",
}


def spot(kind: str, name: str, at, photos: Sequence = (), line=None, mixed: bool = False) -> dict:
    """A mark for `spun`.

    kind: a place, or MIXED; at: (T, 3), where it is at each moment, or (1, 3) if it stays; photos: as many,
    or none; line: (N, 3), drawn behind it. mixed: not to be seen until it is chosen.
    """
    drawn = {} if line is None else {"line": rounded(line)}
    shown = [tiny_source(photo, 96 if len(photos) == 1 else 64) for photo in photos]
    return {"kind": kind, "name": name, "at": rounded(at), "photos": shown, "mixed": mixed} | drawn


def spun(title: str, towards, spots: Sequence[dict], centres=None, captions: Sequence[str] = ("",),
         about: str = "moment", play: int = 0, pins=None, highlight: int | None = None) -> str:  # fmt: skip
    """A <div>, its style and its script.

    towards: the direction to look from, a unit vector (3,); spots: of `spot`; centres: (6, 3), the places, or
    None. captions: T, one a moment, on a slider that `about` names; play: milliseconds a moment, of a button
    that plays them, or 0. pins: (L, K, 3), of each station, for a menu; highlight: the spot to ring at first.
    """
    there = {s["kind"] for s in spots}
    kinds = {
        kind: {"name": WRITTEN.get(kind, kind), "colour": mark.colour, "shape": SHAPES[mark.shape]}
        for kind, mark in (MARKS | {MIXED: OTHER}).items()
        if kind in there
    }
    where = () if centres is None else zip(PLACES, rounded(centres), strict=True)
    data = {
        "title": title, "view": rounded(towards), "kinds": kinds, "marks": list(spots), "about": about,
        "places": [{"name": WRITTEN.get(place, place), "at": at} for place, at in where],
        "pins": [] if pins is None else rounded(pins), "captions": list(captions), "play": play,
        "ring": highlight,
    }  # fmt: skip
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign, code in (("&", "&amp;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;")):
        packed = packed.replace(sign, code)
    return (
        f"<div class=\"slerir-globe\" data-globe='{packed}'>{INSTEAD}</div>"
        f"<style>{STYLE}</style><script>{SCRIPT}</script>"
    )


def rounded(points) -> list:
    """Points as nested lists for the page's data, to a thousandth, which no eye sees."""
    return np.round(np.asarray(points, float), 3).tolist()
