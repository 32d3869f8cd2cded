"""The crowd's flow as SVG, for any page: point at a band, and it tells its numbers; no script is needed.

Pointing at a group, or going to it with the Tab key, lets the others fade.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from .spin import SHAPES
from .style import MARKS, OTHER, WRITTEN, letters

LEFT, TOP, HIGH, WIDE = 160, 34, 270, 850  # px: room for the groups' names and the stations' numbers; bands
HALF = 9  # px: of a specialist's bar
BAR = "#4d4d4d"  # white numbers on it have a contrast of 8.5
STYLE = Path(__file__).with_name("crowd.css").read_text("utf-8")


def crowd_svg(paths: np.ndarray, groups: Mapping[str, Sequence[int]], leave, arrive, title: str) -> str:
    """A <div> with its style.

    paths: (N, L) int; groups: {name: its rows}; leave, arrive: (N, L), the row that a photo takes in a
    station's column towards the next and from the one before.
    """
    layers = paths.shape[1]
    x = np.linspace(LEFT, WIDE - HALF - 1, layers)
    row = HIGH / (leave.max() + 1)
    parts = [_text(0, TOP / 2, "station")]
    parts += [_text(x[k], TOP / 2, k + 1, ' text-anchor="middle"') for k in range(layers)]
    letter = letters(groups)
    for number, (name, rows) in enumerate(groups.items()):
        mark, written = MARKS.get(name, OTHER), WRITTEN.get(name, name)
        ways = len({tuple(p) for p in paths[rows].tolist()})
        words = f"{written}: {len(rows)} photos, {ways} different {'path' if ways == 1 else 'paths'}"
        short = written if len(written) < 14 else f"{written[:12]}…"  # all of it is in `words`
        y = TOP + (number + 0.5) * min(26, HIGH / len(groups))
        sign = (
            _text(12, y, letter[name], ' text-anchor="middle" font-weight="bold"')
            if name in letter
            else f'<path transform="translate(12 {y:.1f})" d="{SHAPES[mark.shape]}" fill="{mark.colour}"/>'
        )
        parts.append(f'<g class="flow" tabindex="0" role="img" aria-label="{escape(words)}">')
        parts.append(f'<g><title>{escape(words)}</title><rect class="frame" x="1" y="{y - 12:.1f}" rx="4" '
                     f'width="{LEFT - 22}" height="24"/>{sign}'
                     + _text(26, y, f"{short} ({len(rows)})") + "</g>")  # fmt: skip
        for layer in range(layers - 1):
            for a, b in sorted({tuple(p) for p in paths[rows, layer : layer + 2].tolist()}):
                same = [i for i in rows if tuple(paths[i, layer : layer + 2]) == (a, b)]
                ends = [
                    TOP + row * v
                    for rows_ in (leave[same, layer], arrive[same, layer + 1])
                    for v in (rows_.min(), rows_.max() + 1)
                ]
                words = (f"{written}: {len(same)} from station {layer + 1}, specialist {a}, to station "
                         f"{layer + 2}, specialist {b}")  # fmt: skip
                band = _band(x[layer] + HALF, x[layer + 1] - HALF, *ends)
                parts.append(f'<path d="{band}" fill="{mark.colour}"><title>{escape(words)}</title></path>')
                if name in letter:
                    at = x[layer] + HALF + 10, (ends[0] + ends[1]) / 2
                    parts.append(_text(*at, letter[name], ' class="letter"'))
        parts.append("</g>")
    for layer in range(layers):
        for expert in np.unique(paths[:, layer]):
            inside = leave[paths[:, layer] == expert, layer]
            low, high = TOP + row * inside.min(), TOP + row * (inside.max() + 1)
            words = f"station {layer + 1}, specialist {expert}: {len(inside)} photos"
            parts.append(
                f'<g class="bar"><title>{words}</title><rect x="{x[layer] - HALF:.1f}" y="{low:.1f}" '
                f'width="{2 * HALF}" height="{high - low:.1f}" fill="{BAR}"/>'
                + _text(x[layer], (low + high) / 2, expert) + "</g>"
            )  # fmt: skip
    return (
        f'<div class="slerir-crowd"><style>{STYLE}</style><p><b>{escape(title)}</b>; in the bars: the '
        "specialist; height: how many photos</p>"
        f'<svg viewBox="0 0 {WIDE} {TOP + HIGH + 4}" role="group" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg></div>"
    )


def _band(x0: float, x1: float, a: float, b: float, c: float, d: float) -> str:
    """From [a, b] at x0 to [c, d] at x1."""
    m = (x0 + x1) / 2
    return (f"M{x0:.1f} {a:.1f}C{m:.1f} {a:.1f} {m:.1f} {c:.1f} {x1:.1f} {c:.1f}V{d:.1f}"
            f"C{m:.1f} {d:.1f} {m:.1f} {b:.1f} {x0:.1f} {b:.1f}z")  # fmt: skip


def _text(x: float, y: float, text, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(str(text))}</text>'
