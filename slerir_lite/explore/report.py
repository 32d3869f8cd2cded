"""One photo on one page: before, after, path, globe and scores, in an HTML file that needs nothing else.

It opens in any browser without a network. All pictures are in it, and nothing is fetched.
"""

import base64
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.metadata import version

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..degrade import PLACES
from ..evaluate import psnr, ssim
from ..photo import as_bytes
from ..weights import load_pretrained
from .geometry import locate
from .globe import globe_picture
from .path_map import describe_path, path_name
from .path_svg import path_svg
from .pixels import small_source
from .show import png


def report(
    name: str,
    given: Tensor,
    found,
    clean: Tensor | None = None,
    router: Sequence[int] | None = None,
    globe: Figure | None = None,
    model: str = "shipped",
) -> str:
    """The page, under 2 MB.

    name: what the photo is called; it may hold anything, as may model. given, clean: (3, H, W) in [0, 1].
    found: with image, choice and angle, such as a `Restoration`. router: (L,) the router's path, where that
    differs. globe: a picture such as `globe_of(given)`.
    """
    choice = [int(k) for k in found.choice]
    router = choice if router is None else [int(k) for k in router]
    by_hand = [
        f"station {n} (specialist {k} instead of {r})"
        for n, (k, r) in enumerate(zip(choice, router, strict=True), 1)
        if k != r
    ]
    path = f"The path is {path_name(choice)}."
    path += f" Chosen by hand: {', '.join(by_hand)}." if by_hand else " The router chose it."
    height, width = given.shape[-2:]
    parts = [
        _slider(small_source(given), small_source(found.image), name, width, height),
        _scores(given, found.image, clean),
        f"<h2>The path</h2><p>{path} Point at a specialist to read its angle.</p>",
        f'<div class="wide">{path_svg(choice, found.angle, router)}</div>',
        f'<p class="small">{escape(describe_path(router, found.angle))}</p>',
    ]
    if globe is not None:
        alt = f"Both sides of the globe with its six places; {name} is ringed."
        source = base64.b64encode(png(globe)).decode()
        parts.append(
            "<h2>The globe</h2><p>Where the photo as given lies, by the shipped compass with d = 3.</p>"
            f'<img alt="{escape(alt)}" src="data:image/png;base64,{source}">'
        )
    if clean is not None:
        parts.append(
            f'<h2>The clean photo</h2><img alt="{escape(name)}, clean" width="{width}" '
            f'src="{small_source(clean)}">'
        )
    parts.append(
        f'<p class="small">Made by slerir-lite {version("slerir-lite")}, model: {escape(model)}.</p>'
    )
    title = f"{escape(name)}, restored"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><main><h1>{title}</h1>{''.join(parts)}</main>"
        f"<script>{SCRIPT}</script></body></html>"
    )


def globe_of(given: Tensor) -> Figure:
    """Where a photo (3, H, W) lies on the globe of the shipped compass with d = 3."""
    compass = _compass()
    z = locate(given, compass)
    nearest = PLACES[int((compass.centres @ z).argmax())]
    return globe_picture(z, compass.centres, [nearest], ["this photo"], 0, "Where the photo lies")


def file_name(photo: str) -> str:
    """Such as "cat-report.html": nothing in it that a file system or a shell minds."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", photo.rsplit(".", 1)[0]).strip("-")[:60] or "photo"
    return f"{plain}-report.html"


@cache
def _compass() -> torch.nn.Module:
    return load_pretrained("globe")


def _slider(before: str, after: str, name: str, width: int, height: int) -> str:
    """Two pictures on top of each other, and a range input that uncovers the upper one."""
    size = f'width="{width}" height="{height}"'
    return (
        f'<div class="both" style="max-width:{max(width, 480)}px;aspect-ratio:{width}/{height}">'
        f'<img alt="{escape(name)}, restored" {size} src="{after}">'
        f'<img alt="{escape(name)}, as given" {size} class="over" id="over" src="{before}"></div>'
        '<p><label>as given <input id="cut" type="range" min="0" max="100" value="50" '
        'aria-label="how much of the photo is shown as given, in percent"> restored</label></p>'
    )


def _scores(given: Tensor, restored: Tensor, clean: Tensor | None) -> str:
    if clean is None:
        return "<p>No clean photo is known, so nothing can be scored.</p>"
    rows = ""
    for name, image in (("as given", given), ("restored", restored)):
        pair = as_bytes(image), as_bytes(clean)
        dB = "no difference" if np.array_equal(*pair) else f"{psnr(*pair):.2f}"
        rows += f"<tr><th scope='row'>{name}</th><td>{dB}</td><td>{ssim(*pair):.3f}</td></tr>"
    head = "<td></td><th scope='col'>PSNR, dB</th><th scope='col'>SSIM</th>"
    return f"<table><caption>Against the clean photo</caption><tr>{head}</tr>{rows}</table>"


STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem; background: Canvas; color: CanvasText }
main { max-width: 850px; margin: auto }
h1 { font-size: 1.4rem; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 2rem }
img { max-width: 100% } .small { font-size: .85rem; overflow-wrap: anywhere }
.both { position: relative } .both img { position: absolute; inset: 0; width: 100%; height: 100% }
.over { clip-path: inset(0 50% 0 0) } #cut { width: min(60vw, 24rem) }
table { border-collapse: collapse } td, th { padding: .2rem .8rem; border-bottom: 1px solid }
td, th { text-align: right }
caption { text-align: left; padding-bottom: .3rem } .wide { overflow-x: auto } .wide svg { min-width: 36rem }
g:hover .node { stroke-width: 4 }
"""
SCRIPT = """
const cut = document.getElementById("cut"), over = document.getElementById("over");
const move = () => { over.style.clipPath = `inset(0 ${100 - cut.value}% 0 0)`; };
cut.addEventListener("input", move);
move();
"""
