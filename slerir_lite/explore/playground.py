"""A playground of damage: one degradation after another, everywhere or in a spot, with PSNR and SSIM.

The controls are the browser's own, each with its label, so that a keyboard and a screen reader find them; the
spot can be placed by clicking on the picture as well. A question goes to Python as soon as the last one is
answered, and of those that came meanwhile only the newest is asked: nothing queues up. Where no widget runs,
`picture` gives a static figure.
"""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ..degrade import BREAK, confine, disc, quantise
from ..evaluate import psnr, ssim
from ..photo import as_bytes
from ..view import View
from .strip import strip
from .style import WRITTEN

# degradation: {parameter: (label with its unit, least, most, at first)}; the rest is drawn with SEED.
KNOBS = {
    "noise": {"sigma": ("σ (grey levels)", 0, 55, 25)},
    "rain": {
        "density": ("drops per 1000 pixels", 1, 25, 8),
        "length": ("length (pixels)", 4, 30, 17),
        "angle": ("slant (degrees)", -35, 35, 6),
        "veil": ("veil (%)", 0, 30, 9),
    },
    "haze": {"beta": ("density β", 0, 3, 1.4), "air": ("airlight A", 0.4, 1, 0.9)},
    "blur": {
        "length": ("length (pixels)", 1, 25, 11),
        "angle": ("direction (degrees)", 0, 175, 30),
        "bend": ("bend (degrees)", -90, 90, 0),
    },
    "lowlight": {
        "gain": ("gain", 0.05, 1, 0.2),
        "gamma": ("exponent γ", 1, 2.5, 1.8),
        "photons": ("photons at full white", 50, 2000, 1000),
    },
}
# Where the damage is, if not everywhere: a soft-edged disc, see `degrade.disc`.
SPOT = {
    "across": ("across (% of width)", 0, 100, 50),
    "down": ("down (% of height)", 0, 100, 50),
    "radius": ("radius (% of size)", 5, 60, 25),
    "soft": ("soft edge (% of radius)", 1, 50, 10),
}
UNITS = {("rain", "density"): 1e-3, ("rain", "veil"): 1e-2} | {
    (kind, name): torch.pi / 180 for kind, name in (("rain", "angle"), ("blur", "angle"), ("blur", "bend"))
}
SEED = 0


def broken(photo: Tensor, steps: Sequence[tuple[str, dict]], spot: dict | None = None) -> Tensor:
    """(3, H, W) in [0, 1] -> the same, damaged step by step and rounded to 8 bits at the end.

    steps: (degradation, knobs), in the order in which they happen. spot: where; default, everywhere. Values
    in the units of `KNOBS` and `SPOT`; what is left out is as at first. Raises ValueError, in words, for
    another degradation or parameter, or a value outside its range.
    """
    generator = torch.Generator().manual_seed(SEED)
    x = y = photo[None]
    for kind, knobs in steps:
        if kind not in KNOBS:
            raise ValueError(f'No degradation is called "{kind}"; choose from {", ".join(KNOBS)}.')
        values = {k: v * UNITS.get((kind, k), 1) for k, v in _values(kind, KNOBS[kind], knobs).items()}
        y = BREAK[kind](y, 0.5, generator=generator, **values)[0]
    if spot is None:
        return quantise(y)[0]
    at = {name: torch.tensor([v / 100]) for name, v in _values("the spot", SPOT, spot).items()}
    centre = torch.stack([at.pop("down"), at.pop("across")], 1)
    return confine(x, y, disc(centre, **at, view=View.whole(x), height=x.shape[-2], width=x.shape[-1]))[0]


def _values(whose: str, there: dict, asked: dict[str, float]) -> dict[str, float]:
    if unknown := sorted(set(asked) - set(there)):
        raise ValueError(f"{whose} has no knob {unknown[0]}; it has {', '.join(there)}.")
    chosen = {}
    for name, (label, least, most, first) in there.items():
        chosen[name] = float(asked.get(name, first))
        if not least <= chosen[name] <= most:
            raise ValueError(f"{label} must lie between {least} and {most}; this is {chosen[name]:g}.")
    return chosen


def damage(photo: Tensor, kind: str, knobs: dict[str, float]) -> Tensor:
    """(3, H, W) in [0, 1] -> the same, damaged everywhere by one degradation; see `broken`."""
    return broken(photo, [(kind, knobs)])


def said(damaged: Tensor, photo: Tensor) -> str:
    """PSNR and SSIM of (3, H, W) against the photo, as a sentence has them."""
    ours, theirs = as_bytes(damaged), as_bytes(photo)
    structure = ssim(ours.astype(np.float32), theirs.astype(np.float32))  # half the time, as good
    return f"PSNR {psnr(ours, theirs):.1f} dB, SSIM {structure:.3f}".replace("inf dB", "without limit")


def picture(photos: dict[str, Tensor], name: str, kind: str, **knobs: float) -> Figure:
    """What the playground shows, as a static figure: the photo as it is, and damaged."""
    y = damage(photos[name], kind, knobs)
    return strip([photos[name], y], [name, f"{WRITTEN.get(kind, kind)}: {said(y, photos[name])}"], 3)


class Playground(anywidget.AnyWidget):
    """photos: {name: (3, H, W) in [0, 1]}. Display the object itself; Python 3.10 and ipywidgets 7.7 will do.

    result: the damaged photo on the page, (3, H, W), to be handed on; name: that of the photo.
    asked: {"n", "photo", "steps": [[kind, knobs], …], "spot"}, as `broken` takes it; n counts the questions.
    answer: {"n", "src", "alt", "said", "error"} to question n. In words: what is shown, or what is wrong.
    """

    knobs = traitlets.Dict().tag(sync=True)
    spot = traitlets.Dict().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    _esm = Path(__file__).with_name("playground.js")
    _css = Path(__file__).with_name("playground.css")

    def __init__(self, photos: dict[str, Tensor], **more):
        if not photos:
            raise ValueError("A playground needs at least one photo.")
        self.photos, self.result, self.name = dict(photos), None, ""
        written = {kind: [WRITTEN.get(kind, kind), knobs] for kind, knobs in KNOBS.items()}
        first = {"n": 0, "photo": next(iter(photos)), "steps": [["noise", {}]], "spot": None}
        super().__init__(knobs=written, spot=SPOT, names=list(photos), asked=first, **more)
        self.add_class("slerir-playground")
        self._reply()
        self.observe(lambda change: self._reply(), "asked")

    def _reply(self) -> None:
        n = self.asked.get("n", 0)
        try:
            name, steps, spot = (self.asked[k] for k in ("photo", "steps", "spot"))
            photo = self.photos[name]
            y = broken(photo, steps, spot)
        except Exception as error:  # whatever a page sends: it is said there, and the playground goes on
            what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
            self.answer = self.answer | {"n": n, "error": f"That can't be shown: {what}"}
            return
        self.result, self.name = y, name
        file = io.BytesIO()
        Image.fromarray(as_bytes(y)).save(file, "PNG", compress_level=1)  # quick; few bytes matter less
        source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
        done = ", then ".join(WRITTEN.get(kind, kind) for kind, _ in steps)
        alt = f"{name}, " + (f"damaged by {done}" if done else "as it is") + (" in a spot" if spot else "")
        self.answer = {"n": n, "src": source, "alt": alt, "said": said(y, photo), "error": ""}
