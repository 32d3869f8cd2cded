"""The guide viewer: drag a spot of damage over a photo, and watch both senses and the guide follow.

The page sends where the spot is, at most one question at a time: while Python works, only the last place that
the mouse went to is kept. Python puts the spot there, listens to both senses, and sends five small pictures
and a sentence. Controls are the browser's own, each in its label; the arrow keys move the spot as well.
"""

import base64
import io

import anywidget
import numpy as np
import torch
import traitlets
from PIL import Image
from torch import Tensor

from ..degrade import KINDS
from ..photo import as_bytes
from .sense_maps import ROWS, coloured, maps
from .senses import Heard, listen, usual
from .spot import spotted
from .style import WRITTEN

FIRST = {"row": 0.35, "column": 0.35, "radius": 0.18, "kind": "rain", "near": True, "far": True}
PANELS = {"photo": "given, with the spot", "image": "restored"} | ROWS
RADII = (0.08, 0.3)


def dB(image: Tensor, clean: Tensor, where: Tensor) -> float:
    """PSNR of (3, H, W) against the clean photo in the pixels (H, W) that are True, at most 60 dB."""
    error = (image - clean).square().mean(0)[where].mean()
    return float(-10 * torch.log10(error.clamp(min=1e-6)))


def told(image: Tensor, given: Tensor, clean: Tensor, mask: Tensor) -> str:
    """What the spot was and became, and what became of the rest, as a sentence. mask: (H, W), 0 to 1."""
    inside, outside = mask > 0.5, mask < 0.02
    before, after = dB(given, clean, inside), dB(image, clean, inside)
    rest = f"; outside it {dB(image, clean, outside):.1f} dB after restoring" if outside.any() else ""
    return f"Inside the spot {before:.1f} dB as given, {after:.1f} restored{rest}."


class GuideViewer(anywidget.AnyWidget):
    """photos: {name: clean photo (3, H, W) in [0, 1]}, cut to multiples of 8; model: as for `senses.listen`.

    Display the object itself; ipywidgets 7.7 will do.
    asked: what the page asks for, {"photo", "kind", "row", "column", "radius", "near", "far", "turn"}.
    answer: {"panels": {name: [src, alt]}, "said", "error", "turn"}; turn tells which question it answers.
    What goes wrong, in the learner's own model too, is said in "error", and the viewer goes on.
    """

    names = traitlets.List().tag(sync=True)
    kinds = traitlets.List().tag(sync=True)
    panels = traitlets.List().tag(sync=True)
    radii = traitlets.List().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    def __init__(self, model, photos: dict[str, Tensor], **more):
        if not photos:
            raise ValueError("A guide viewer needs at least one photo.")
        self.model = model
        self.photos = {n: x[:, : x.shape[1] // 8 * 8, : x.shape[2] // 8 * 8] for n, x in photos.items()}
        self.clean = None  # what the senses say of clean photos: asked for once, when it is first needed
        super().__init__(
            names=list(photos),
            kinds=[[kind, WRITTEN.get(kind, kind)] for kind in KINDS],
            panels=[list(panel) for panel in PANELS.items()],
            radii=list(RADII),
            asked=FIRST | {"photo": next(iter(photos)), "turn": 0},
            **more,
        )
        self.add_class("slerir-guide-viewer")
        self._reply()
        self.observe(lambda change: self._reply(), "asked")

    def _reply(self) -> None:
        turn = self.asked.get("turn", 0)
        try:
            self.answer = self._look() | {"error": "", "turn": turn}
        except Exception as error:  # a page may send anything, and a learner's model may raise anything
            what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
            said = f"That can't be shown: {what}"
            self.answer = {"panels": {}, "said": ""} | self.answer | {"error": said, "turn": turn}

    def _look(self) -> dict:
        asked = self.asked
        clean = self.photos[asked["photo"]]
        kind, row, column = asked["kind"], asked["row"], asked["column"]
        given, mask = spotted(clean, kind, row, column, asked["radius"])
        if self.clean is None:
            self.clean = usual(self.model, self.photos.values())
        heard = listen(self.model, given, self.clean, asked["near"], asked["far"])
        off = [name for name, on in (("global", asked["far"]), ("local", asked["near"])) if not on]
        said = told(heard.image, given, clean, mask)
        if off:
            said += f" The {' and the '.join(off)} sense {'is' if len(off) == 1 else 'are'} switched off."
        return {"panels": self._panels(given, heard, asked), "said": said}

    def _panels(self, given: Tensor, heard: Heard, asked: dict) -> dict[str, list[str]]:
        """{name: [source, alt text]} of the five pictures."""
        size = given.shape[1:]
        pixels = {"photo": as_bytes(given), "image": as_bytes(heard.image)}
        drawn = maps(heard)
        pixels |= {name: coloured(values, *size) for name, values in drawn.items()}
        place = f"{asked['column']:.0%} from the left and {asked['row']:.0%} from the top"
        kind = WRITTEN.get(asked["kind"], asked["kind"])
        alts = {
            "photo": f"{asked['photo']} with a spot of {kind}, {place}",
            "image": f"{asked['photo']}, restored",
        }
        for name, values in drawn.items():
            top, left = np.unravel_index(values.argmax(), values.shape)
            brightest = (left + 0.5) / values.shape[1], (top + 0.5) / values.shape[0]
            alts[name] = (
                f"Map of the {ROWS[name]}, largest ({values.max():.2f}) {brightest[0]:.0%} from the left "
                f"and {brightest[1]:.0%} from the top"
            )
        return {name: [source(pixels[name]), alts[name]] for name in PANELS}

    _css = """
    .slerir-guide-viewer label { display: flex; gap: .6em; align-items: center; margin: .2em 0 }
    .slerir-guide-viewer label { max-width: 34em }
    .slerir-guide-viewer label span { flex: 0 0 13em }
    .slerir-guide-viewer input[type="range"] { flex: 1; min-width: 0 }
    .slerir-guide-viewer .panels { display: flex; flex-wrap: wrap; gap: .6em }
    .slerir-guide-viewer figure { margin: 0; width: 256px }
    .slerir-guide-viewer img { width: 100%; display: block; image-rendering: pixelated }
    .slerir-guide-viewer img.drag { cursor: grab; touch-action: none }
    .slerir-guide-viewer [aria-busy="true"] { opacity: .7 }
    """
    _esm = """
    function render({ model, el }) {
      const make = (tag, parent, more = {}) =>
        parent.appendChild(Object.assign(document.createElement(tag), more));
      const row = (text) => {
        const label = make("label", el);
        make("span", label, { textContent: text });
        return label;
      };
      const choose = (text, options) => {
        const s = make("select", row(text));
        for (const [value, name] of options) make("option", s, { value, textContent: name });
        return s;
      };
      const slide = (text, min, max) =>
        make("input", row(text), { type: "range", min, max, step: 0.01 });
      const tick = (text) => make("input", row(text), { type: "checkbox" });
      const inputs = {
        photo: choose("photo", model.get("names").map((n) => [n, n])),
        kind: choose("damage", model.get("kinds")),
        column: slide("spot, from left to right", 0, 1),
        row: slide("spot, from top to bottom", 0, 1),
        radius: slide("size of the spot", ...model.get("radii")),
        far: tick("global sense"),
        near: tick("local sense"),
      };
      const read = (i) => i.type === "checkbox" ? i.checked : i.type === "range" ? +i.value : i.value;
      const status = make("p", el);
      status.setAttribute("role", "status");
      const box = make("div", el, { className: "panels" });
      const images = {};
      for (const [name, text] of model.get("panels")) {
        const figure = make("figure", box);
        make("figcaption", figure, { textContent: text });
        images[name] = make("img", figure, { draggable: false });
      }
      let timer, waiting = false, turn = model.get("asked").turn ?? 0;
      const send = () => {
        const asked = Object.fromEntries(Object.entries(inputs).map(([k, i]) => [k, read(i)]));
        waiting = false;
        box.setAttribute("aria-busy", "true");
        model.set("asked", { ...asked, turn: ++turn });
        model.save_changes();
      };
      const busy = () => (model.get("answer").turn ?? 0) !== turn;
      const ask = () => {
        waiting = true;
        clearTimeout(timer);
        timer = setTimeout(() => { if (waiting && !busy()) send(); }, 60);
      };
      const draw = () => {
        const { panels, said, error } = model.get("answer");
        for (const [name, [src, alt]] of Object.entries(panels ?? {}))
          Object.assign(images[name], { src, alt });
        status.textContent = error || said;
        if (busy()) return;
        box.setAttribute("aria-busy", "false");
        if (waiting) send();
      };
      for (const [name, input] of Object.entries(inputs)) {
        const value = model.get("asked")[name];
        if (input.type === "checkbox") input.checked = value; else input.value = value;
        input.addEventListener(input.type === "range" ? "input" : "change", ask);
      }
      const photo = images.photo;
      photo.className = "drag";
      const share = (at, from, length) => Math.min(1, Math.max(0, (at - from) / length));
      const place = (event) => {
        const frame = photo.getBoundingClientRect();
        inputs.column.value = share(event.clientX, frame.left, frame.width);
        inputs.row.value = share(event.clientY, frame.top, frame.height);
        ask();
      };
      photo.addEventListener("pointerdown", (event) => {
        photo.setPointerCapture(event.pointerId);
        place(event);
      });
      photo.addEventListener("pointermove", (event) => { if (event.buttons) place(event); });
      model.on("change:answer", draw);
      draw();
      return () => { clearTimeout(timer); model.off("change:answer", draw); };
    }
    export default { render };
    """


def source(pixels: np.ndarray) -> str:
    """(H, W, 3) uint8 as the address of a PNG that holds its own bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
