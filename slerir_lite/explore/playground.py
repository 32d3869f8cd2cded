"""A playground of damage: choose a photo and a degradation, turn its knobs, and watch PSNR and SSIM.

The controls are the browser's own range inputs, each with its label, so that a keyboard and a screen reader
find them. The page waits until a knob has rested for 150 ms, then asks; Python damages the photo, and sends a
picture and a sentence back. Where no widget runs, `picture` gives the same as a static figure.
"""

import base64
import io

import anywidget
import torch
import traitlets
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from ..degrade import BREAK, quantise
from ..evaluate import psnr, ssim
from ..photo import as_bytes
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
UNITS = {("rain", "density"): 1e-3, ("rain", "veil"): 1e-2} | {
    (kind, name): torch.pi / 180 for kind, name in (("rain", "angle"), ("blur", "angle"), ("blur", "bend"))
}
SEED = 0


def damage(photo: Tensor, kind: str, knobs: dict[str, float]) -> Tensor:
    """(3, H, W) in [0, 1] -> the same, damaged. knobs: in the units of `KNOBS`; what is left out is at first.

    Raises ValueError, in words, for another degradation or parameter, or a value outside its range.
    """
    if kind not in KNOBS:
        raise ValueError(f'No degradation is called "{kind}"; choose from {", ".join(KNOBS)}.')
    if unknown := sorted(set(knobs) - set(KNOBS[kind])):
        raise ValueError(f"{kind} has no knob {unknown[0]}; it has {', '.join(KNOBS[kind])}.")
    chosen = {}
    for name, (label, least, most, first) in KNOBS[kind].items():
        value = float(knobs.get(name, first))
        if not least <= value <= most:
            raise ValueError(f"{label} must lie between {least} and {most}; this is {value:g}.")
        chosen[name] = value * UNITS.get((kind, name), 1)
    generator = torch.Generator().manual_seed(SEED)
    return quantise(BREAK[kind](photo[None], 0.5, generator=generator, **chosen)[0])[0]


def said(damaged: Tensor, photo: Tensor) -> str:
    """PSNR and SSIM of (3, H, W) against the photo, as a sentence has them."""
    scores = as_bytes(damaged), as_bytes(photo)
    return f"PSNR {psnr(*scores):.1f} dB, SSIM {ssim(*scores):.3f}".replace("inf dB", "without limit")


def picture(photos: dict[str, Tensor], name: str, kind: str, **knobs: float) -> Figure:
    """What the playground shows, as a static figure: the photo as it is, and damaged."""
    y = damage(photos[name], kind, knobs)
    return strip([photos[name], y], [name, f"{WRITTEN.get(kind, kind)}: {said(y, photos[name])}"], 3)


class Playground(anywidget.AnyWidget):
    """photos: {name: (3, H, W) in [0, 1]}. Display the object itself; Python 3.10 and ipywidgets 7.7 will do.

    asked: what the page asks for, {"photo", "kind", "knobs"}. answer: {"src", "alt", "said", "error"}.
    """

    knobs = traitlets.Dict().tag(sync=True)
    names = traitlets.List().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(self, photos: dict[str, Tensor], **more):
        if not photos:
            raise ValueError("A playground needs at least one photo.")
        self.photos = dict(photos)
        first = {"photo": next(iter(photos)), "kind": "noise", "knobs": {}}
        written = {kind: [WRITTEN.get(kind, kind), knobs] for kind, knobs in KNOBS.items()}
        super().__init__(knobs=written, names=list(photos), asked=first, **more)
        self.add_class("slerir-playground")
        self._reply()
        self.observe(lambda change: self._reply(), "asked")

    def _reply(self) -> None:
        try:
            photo, kind = self.photos[self.asked["photo"]], self.asked["kind"]
            y = damage(photo, kind, self.asked["knobs"])
        except Exception as error:  # whatever a page sends: it is said there, and the playground goes on
            what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
            self.answer = self.answer | {"error": f"That can't be shown: {what}"}
            return
        file = io.BytesIO()
        Image.fromarray(as_bytes(y)).save(file, "PNG")
        alt = f"{self.asked['photo']}, damaged by {WRITTEN.get(kind, kind)}"
        source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
        self.answer = {"src": source, "alt": alt, "said": said(y, photo), "error": ""}

    _css = """
    .slerir-playground label { display: flex; gap: .6em; align-items: center; margin: .2em 0 }
    .slerir-playground label { max-width: 34em }
    .slerir-playground label span { flex: 0 0 13em }
    .slerir-playground input { flex: 1 }
    .slerir-playground output { flex: 0 0 4em; text-align: right }
    .slerir-playground img { max-width: 100%; margin-top: .4em }
    """
    _esm = """
    function render({ model, el }) {
      const make = (tag, parent, more = {}) =>
        parent.appendChild(Object.assign(document.createElement(tag), more));
      const row = (text, parent = el) => {
        const label = make("label", parent);
        make("span", label, { textContent: text });
        return label;
      };
      const choose = (text, options) => {
        const s = make("select", row(text));
        for (const [value, name] of options) make("option", s, { value, textContent: name });
        return s;
      };
      const kinds = model.get("knobs");
      const photo = choose("photo", model.get("names").map((n) => [n, n]));
      const kind = choose("damage", Object.entries(kinds).map(([k, [name]]) => [k, name]));
      const box = make("div", el);
      const status = make("p", el);
      status.setAttribute("role", "status");
      const image = make("img", el);
      let timer, knobs = {};
      const ask = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          model.set("asked", { photo: photo.value, kind: kind.value, knobs: { ...knobs } });
          model.save_changes();
        }, 150);
      };
      const controls = () => {
        box.replaceChildren();
        knobs = {};
        for (const [name, [text, min, max, first]] of Object.entries(kinds[kind.value][1])) {
          const label = row(text, box);
          const input = make("input", label, { type: "range", min, max, step: "any" });
          const number = make("output", label);
          input.value = first;
          const read = () => {
            knobs[name] = +input.value;
            number.textContent = +knobs[name].toPrecision(3);
          };
          read();
          input.addEventListener("input", () => { read(); ask(); });
        }
      };
      const draw = () => {
        const { src, alt, said, error } = model.get("answer");
        Object.assign(image, { src: src ?? "", alt: alt ?? "" });
        status.textContent = error || said;
      };
      photo.value = model.get("asked").photo;
      kind.value = model.get("asked").kind;
      photo.addEventListener("change", ask);
      kind.addEventListener("change", () => { controls(); ask(); });
      model.on("change:answer", draw);
      controls();
      draw();
      return () => { clearTimeout(timer); model.off("change:answer", draw); };
    }
    export default { render };
    """
