"""A playground of damage: one degradation after another, everywhere or under a brush, with PSNR and SSIM.

The brush is a soft disc: each click on the picture puts one there, and damage is done where any of them is.
The controls are the browser's own, each with its label, so that a keyboard and a screen reader find them. A
question goes to Python as soon as the last one is answered, and of those that came meanwhile only the newest
is asked: nothing queues up. Where no widget runs, `picture` gives a static figure.
"""

import base64
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from ..degrade import BREAK, confine, disc, quantise
from ..evaluate import psnr, ssim
from ..photo import as_bytes
from ..view import View
from .painter import Painter, page
from .pixels import source
from .session import in_words
from .strip import strip
from .style import WRITTEN
from .upload import photo_from_bytes, smaller

LONGEST = 384  # px, to which a photo of one's own is scaled down: a knob shall be answered within 150 ms

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
# Where the damage is, if not everywhere: soft-edged discs, see `degrade.disc`.
SPOT = {
    "across": ("across (% of width)", 0, 100, 50),
    "down": ("down (% of height)", 0, 100, 50),
    "radius": ("radius (% of √area)", 5, 60, 25),
    "soft": ("soft edge (% of radius)", 1, 50, 10),
}
UNITS = {("rain", "density"): 1e-3, ("rain", "veil"): 1e-2} | {
    (kind, name): torch.pi / 180 for kind, name in (("rain", "angle"), ("blur", "angle"), ("blur", "bend"))
}
SEED = 0


def broken(
    photo: Tensor, steps: Sequence[tuple[str, dict]], spots: dict | Sequence[dict] | None = None
) -> Tensor:
    """(3, H, W) in [0, 1] -> the same, damaged step by step and rounded to 8 bits at the end.

    steps: (degradation, knobs), in the order in which they happen. spots: where, a soft disc or several;
    default, everywhere. Values in the units of `KNOBS` and `SPOT`; what is left out is as at first. Raises
    ValueError, in words, for another degradation or parameter, or a value outside its range.
    """
    generator = torch.Generator().manual_seed(SEED)
    x = y = photo[None]
    for kind, knobs in steps:
        if kind not in KNOBS:
            raise ValueError(f'No degradation is called "{kind}"; choose from {", ".join(KNOBS)}.')
        values = {k: v * UNITS.get((kind, k), 1) for k, v in _values(kind, KNOBS[kind], knobs).items()}
        y = BREAK[kind](y, 0.5, generator=generator, **values)[0]
    if not spots and not isinstance(spots, dict):
        return quantise(y)[0]
    return confine(x, y, brush(x, [spots] if isinstance(spots, dict) else spots))[0]


def brush(x: Tensor, spots: Sequence[dict]) -> Tensor:
    """(1, 3, H, W) and one disc or more, as in `SPOT` -> (1, 1, H, W): where any of them is, the largest."""
    at = [_values("the spot", SPOT, spot) for spot in spots]
    across, down, radius, soft = (torch.tensor([values[k] / 100 for values in at]) for k in SPOT)
    size = dict(view=View.whole(x), height=x.shape[-2], width=x.shape[-1])
    return disc(torch.stack([down, across], 1), radius, soft, **size).amax(0, keepdim=True)


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


class Playground(Painter):
    """photos: {name: (3, H, W) in [0, 1]}. Display the object itself; Python 3.10 and ipywidgets 7.7 will do.

    into: {what the button says: an explorer that the result can be sent to}; anything with a method
    `take(name, result, clean)` will do, such as a `PathExplorer`.
    result: the damaged photo on the page, (3, H, W), to be handed on; name: that of the photo.
    asked: {"n", "photo", "steps": [[kind, knobs], …], "spots", "do"}, as `broken` takes it; n counts the
    questions; do, if there, is whom to send the result to.
    answer: {"n", "photo", "alt", "said", "error"} to question n. In words: what is shown, or what is wrong.
    pictures: the source of the result's <img>.
    """

    knobs = traitlets.Dict().tag(sync=True)
    spot = traitlets.Dict().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    targets = traitlets.List().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    _esm = page("playground.js")
    _css = Path(__file__).with_name("playground.css")

    def __init__(self, photos: dict[str, Tensor], into: dict | None = None, **more):
        if not photos:
            raise ValueError("A playground needs at least one photo.")
        self.photos = {name: smaller(photo, LONGEST) for name, photo in photos.items()}
        self.into, self.result, self.name = dict(into or {}), None, ""
        written = {kind: [WRITTEN.get(kind, kind), knobs] for kind, knobs in KNOBS.items()}
        first = {"n": 0, "photo": next(iter(photos)), "steps": [["noise", {}]], "spots": []}
        told = dict(knobs=written, spot=SPOT, names=list(photos), targets=list(self.into), asked=first)
        super().__init__(**told, **more)
        self.add_class("slerir-playground")
        self._reply()
        self.observe(lambda change: self._reply(), "asked")

    def _heard(self, sent: dict) -> None:
        """A file comes as a message, so that its bytes are no part of the state."""
        if sent.get("kind") != "file":
            super()._heard(sent)
            return
        try:
            name, asked = str(sent["name"]), dict(sent["asked"])
            photo = photo_from_bytes(name, base64.b64decode(sent["content"]))
        except Exception as error:  # whatever a page sends
            self._refuse(sent.get("asked", {}).get("n", 0), error)
            return
        self.photos[name] = smaller(photo, LONGEST)
        self.names = list(self.photos)
        self.asked = asked | {"photo": name}

    def _reply(self) -> None:
        n = self.asked.get("n", 0)
        try:
            name, steps, spots = (self.asked[k] for k in ("photo", "steps", "spots"))
            photo = self.photos[name]
            y = broken(photo, steps, spots)
            done = ", then ".join(WRITTEN.get(kind, kind) for kind, _ in steps)
            alt = f"{name}, " + (f"damaged by {done}" if done else "as it is")
            alt += f" in {len(spots)} spot{'s'[: len(spots) > 1]}" if spots else ""
            self.result, self.name = y, name
            self.pictures = source(y)  # to the page before the scores, which take longer than all else
            answer = {"n": n, "photo": name, "alt": alt, "said": said(y, photo), "error": ""}
            if to := self.asked.get("do"):
                answer |= self._send_on(to, answer, photo)
            self.answer = answer
        except BaseException as error:  # whatever a page sends; or ■
            self._refuse(n, error)
            if not isinstance(error, Exception):
                raise

    def _send_on(self, to: str, answer: dict, clean: Tensor) -> dict[str, str]:
        """What it adds to the answer. What is shown stays right, whatever another explorer does with it."""
        try:
            self.into[to].take(answer["alt"], self.result, clean)
        except Exception as error:
            return {"error": f"The {to} can't take it: {in_words(error)}"}
        return {"said": f"{answer['said']}. The {to} has it."}

    def _refuse(self, n: int, error: BaseException) -> None:
        """Says what is wrong; what is shown stays."""
        self.answer = self.answer | {"n": n, "error": f"That can't be shown: {in_words(error)}"}
