"""The map of a path as SVG, for pages without Python: point at a specialist, and it tells its angle."""

from collections.abc import Sequence
from html import escape

import numpy as np

from .path_map import WIDEST, describe_path, margins, scales
from .style import BLUE

ACROSS, DOWN, LEFT, TOP, RADIUS = 90, 70, 90, 34, 23  # px


def path_svg(choice: Sequence[int], angle, router: Sequence[int] | None = None) -> str:
    """An <svg> element. choice: (L,) the path taken; angle: (L, K) degrees to each pin; router: (L,), ringed.

    Where choice passes a nearer pin by, the line is thin: its margin is below 0. Lines and words take the
    colour of the text around them.
    """
    angle = np.asarray(angle, float)
    choice = [int(k) for k in choice]
    router = choice if router is None else [int(k) for k in router]
    layers, experts = angle.shape
    x = [LEFT + (layer + 0.5) * ACROSS for layer in range(layers)]
    y = [TOP + (expert + 0.5) * DOWN for expert in range(experts)]
    wide = LEFT + layers * ACROSS
    alt = escape(describe_path(choice, angle))
    parts = [
        f'<svg role="img" aria-label="{alt}" viewBox="0 0 {wide} {TOP + experts * DOWN}" '
        'style="width:100%;max-width:850px" font-family="system-ui, sans-serif" font-size="13">'
    ]
    parts += [_text(LEFT / 2, y[k], f"specialist {k}") for k in range(experts)]
    for layer, scale in enumerate(scales(layers)):
        parts.append(_text(x[layer], TOP / 2, f"{layer + 1} at {scale}" if scale else layer + 1))
    parts.append(_text(LEFT / 2, TOP / 2, "station"))
    margin = margins(choice, angle).clip(0, WIDEST)
    ends = [LEFT, *x], [y[choice[0]], *(y[k] for k in choice)]
    for layer in range(layers):
        width = 1.5 + 10.5 * margin[layer] / WIDEST
        (x0, x1), (y0, y1) = (e[layer : layer + 2] for e in ends)
        parts.append(
            f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}" stroke="{BLUE}" '
            f'stroke-width="{width:.1f}"/>'
        )
    for layer in range(layers):
        for expert in range(experts):
            parts.append(_node(x[layer], y[expert], layer, expert, angle, choice, router))
    return "".join([*parts, "</svg>"])


def _node(x: float, y: float, layer: int, expert: int, angle, choice, router) -> str:
    taken, chosen = expert == choice[layer], expert == router[layer]
    words = f"station {layer + 1}, specialist {expert}: {angle[layer, expert]:.1f}° away"
    words += ", the router's choice" if chosen else ""
    words += ", chosen by hand" if taken and not chosen else ""
    ring = (
        f'<circle cx="{x:g}" cy="{y:g}" r="{RADIUS + 4}" fill="none" stroke="currentColor"/>'
        if chosen
        else ""
    )
    look = f'class="node taken" fill="{BLUE}"' if taken else 'class="node" fill="Canvas"'
    weight = ' font-weight="bold"' if taken else ""
    return (
        f'<g><title>{escape(words)}</title>{ring}<circle cx="{x:g}" cy="{y:g}" r="{RADIUS}" {look} '
        f'stroke="currentColor"/>'
        + _text(x, y, f"{angle[layer, expert]:.0f}°", "white" if taken else "currentColor", weight)
        + "</g>"
    )


def _text(x: float, y: float, text, colour: str = "currentColor", more: str = "") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" dominant-baseline="central" fill="{colour}"{more}>'
        f"{escape(str(text))}</text>"
    )
