"""Every single override at a click, worked out beforehand: for a page where Python does not run any more.

A plain HTML table with folds that open. It needs no script and no style sheet, so that it also works in a
notebook that was only opened, and in an exported page.
"""

from html import escape

from torch import Tensor

from .explored import Found
from .gain_cells import gain_words
from .overrides import gains
from .path_map import path_name
from .pixels import small_source
from .style import BLUE
from .upload import smaller

SIDE = 144  # px: of each picture
MOST = 9_000  # bytes


def what_if(first: Found, images: dict[tuple[int, int], Tensor], clean: Tensor, name: str) -> str:
    """HTML: the map of the path, where each specialist unfolds to the photo as it would come back from there.

    first, images: from `overrides.try_overrides`; clean: (3, H, W) in [0, 1]; name: of the photo, any text.
    """
    gained = gains(first, images, clean)
    layers, experts = first.angle.shape
    heads = "".join(f'<th scope="col">station {layer + 1}</th>' for layer in range(layers))
    rows = ""
    for expert in range(experts):
        cells = "".join(_cell(first, images, gained, layer, expert, name) for layer in range(layers))
        rows += f'<tr><th scope="row">specialist {expert}</th>{cells}</tr>'
    told = f"{name}: the router's path is {path_name(first.choice)}, in bold. Unfold any, to see it taken."
    caption = f'<caption style="text-align:left">{escape(told)}</caption>'
    return f"<table>{caption}<tr><td></td>{heads}</tr>{rows}</table>"


def _cell(first: Found, images, gained: Tensor, layer: int, expert: int, name: str) -> str:
    taken = first.choice[layer] == expert
    words = f"{first.angle[layer, expert]:.0f}°, "
    words += "router's" if taken else f"{gain_words(float(gained[layer, expert]))} dB"
    alt = f"{name}, restored with specialist {expert} at station {layer + 1}"
    source = small_source(smaller(images[layer, expert], SIDE), MOST)
    look = f"border:2px solid {BLUE};font-weight:bold" if taken else "border:1px solid"
    return (
        f'<td style="vertical-align:top;text-align:left;{look}"><details><summary>{words}</summary>'
        f'<img alt="{escape(alt)}" src="{source}"></details></td>'
    )
