"""The guide viewer: drag a spot of damage over a photo, and watch both senses and the guide follow.

The page sends where the spot is, at most one question at a time: while Python works, only the last place that
the mouse went to is kept. Python puts the spot there, listens to both senses, and sends five small pictures
and a sentence; the maps lie over the photo. Controls are the browser's own, each in its label; the arrow keys
move the spot as well. Where no widget runs, `picture` gives a static figure.
"""

from pathlib import Path

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from ..degrade import KINDS
from ..photo import as_photo
from .damages import AS_IT_IS
from .painter import Painter, page
from .pixels import source
from .sense_maps import ROWS, maps, over, strongest
from .senses import Heard, listen, usual
from .session import in_words
from .spot import spotted
from .strip import strip
from .style import WRITTEN
from .upload import smaller

# Noise is what the guide finds most clearly, whatever lies beneath it.
FIRST = {"row": 0.5, "column": 0.7, "radius": 0.18, "kind": "noise", "near": True, "far": True}
PANELS = {"photo": "given", "image": "restored"} | ROWS
RADII = (0.08, 0.3)
LONGEST = 384  # px, to which photos are scaled down: five pictures go to the page at each move


def dB(image: Tensor, clean: Tensor, where: Tensor) -> float:
    """PSNR of (3, H, W) against the clean photo in the pixels (H, W) that are True, at most 60 dB."""
    error = (image - clean).square().mean(0)[where].mean()
    return float(-10 * torch.log10(error.clamp(min=1e-6)))


def _in_words(dB: float) -> str:
    return "60 dB or more" if dB >= 60 else f"{dB:.1f} dB"


def told(image: Tensor, given: Tensor, clean: Tensor | None, mask: Tensor) -> str:
    """What the spot was and became, and what became of the rest, as a sentence; without a spot, that of all.
    mask: (H, W), 0 to 1; clean: None if nobody knows."""
    if clean is None:
        return "Of this photo no clean form is known, so there is no PSNR."
    inside, outside = mask > 0.5, mask < 0.02
    if not inside.any():
        before, after = (_in_words(dB(x, clean, outside)) for x in (given, image))
        return f"{before} as given, {after} restored."
    before, after = (_in_words(dB(x, clean, inside)) for x in (given, image))
    rest = f"; outside it {_in_words(dB(image, clean, outside))} after restoring" if outside.any() else ""
    return f"Inside the spot {before} as given, {after} restored{rest}."


def picture(
    model, photos: dict[str, Tensor], name: str, kind="noise", row=FIRST["row"], column=FIRST["column"]
) -> Figure:
    """What the viewer shows, as a static figure: the photo with its spot, restored, and the three maps. The
    titles give PSNR in the spot.

    Arguments as for `GuideViewer` and `spotted`.
    """
    photos = {n: whole_tokens(x) for n, x in photos.items()}
    given, mask = spotted(photos[name], kind, row, column)
    heard = listen(model, given, usual(model, photos.values()))
    before, after = (dB(x, photos[name], mask > 0.5) for x in (given, heard.image))
    drawn = [torch.from_numpy(over(given, v) / 255).permute(2, 0, 1) for v in maps(heard).values()]
    titles = [f"given, {before:.1f} dB", f"restored, {after:.1f} dB", *ROWS.values()]
    return strip([given, heard.image, *drawn], titles, 5)  # in one row: five large photos are half a megabyte


def whole_tokens(photo: Tensor) -> Tensor:
    """(3, H, W), cut on the right and below so that H and W are multiples of 8."""
    return photo[:, : photo.shape[1] // 8 * 8, : photo.shape[2] // 8 * 8]


def _said(answer: dict, widget) -> dict:
    """The answer without its pictures, which go to the page by themselves."""
    return {k: v for k, v in answer.items() if k != "panels"}


class GuideViewer(Painter):
    """photos: {name: clean photo (3, H, W) in [0, 1]}, cut to multiples of 8; model: as for `senses.listen`.

    Display the object itself; ipywidgets 7.7 will do.
    take(name, photo, clean): what another explorer sends on, to be looked at as it is.
    asked: what the page asks for, {"photo", "kind", "row", "column", "radius", "near", "far", "turn"}.
    answer: {"panels": {name: [src, alt, caption]}, "said", "error", "turn"}; turn: which question it answers.
    The panels are its `pictures` and no part of the state, see `painter`.
    What goes wrong, in the learner's own model too, is said in "error", and the viewer goes on.
    """

    names = traitlets.List().tag(sync=True)
    kinds = traitlets.List().tag(sync=True)
    panels = traitlets.List().tag(sync=True)
    radii = traitlets.List().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True, to_json=_said)

    def __init__(self, model, photos: dict[str, Tensor], **more):
        if not photos:
            raise ValueError("A guide viewer needs at least one photo.")
        self.model = model
        self.photos = {n: whole_tokens(smaller(x, LONGEST)) for n, x in photos.items()}
        self.sent: dict[str, Tensor | None] = {}  # later photos' clean form, if that is known
        self.clean = None  # what the senses say of clean photos: asked for once, when it is first needed
        super().__init__(
            names=list(photos),
            kinds=[[AS_IT_IS, "none"], *([kind, WRITTEN.get(kind, kind)] for kind in KINDS)],
            panels=[list(panel) for panel in PANELS.items()],
            radii=list(RADII),
            asked=FIRST | {"photo": next(iter(photos)), "turn": 0},
            **more,
        )
        self.add_class("slerir-guide-viewer")
        self._reply()
        self.observe(lambda change: self._reply(), "asked")

    def take(self, name: str, photo: Tensor, clean: Tensor | None = None) -> None:
        """Another photo (3, H, W) in [0, 1], and go to it, without a spot. clean: as it should become, if
        that is known."""
        self.photos[name] = whole_tokens(smaller(photo, LONGEST))
        self.sent[name] = None if clean is None else whole_tokens(smaller(clean, LONGEST))
        self.names = list(self.photos)
        self.asked = self.asked | {"photo": name, "kind": AS_IT_IS, "turn": self.asked.get("turn", 0) + 1}

    def _reply(self) -> None:
        turn = self.asked.get("turn", 0)
        try:
            self.answer = self._look() | {"error": "", "turn": turn}
            self.pictures = self.answer["panels"]
        except BaseException as error:  # a page may send anything, a learner's model raise anything; or ■
            said = f"That can't be shown: {in_words(error)}"
            self.answer = {"panels": {}, "said": ""} | self.answer | {"error": said, "turn": turn}
            if not isinstance(error, Exception):
                raise

    def _look(self) -> dict:
        asked = self.asked
        photo = self.photos[asked["photo"]]
        clean = self.sent.get(asked["photo"], photo)
        kind, row, column = asked["kind"], asked["row"], asked["column"]
        given, mask = photo, torch.zeros(photo.shape[1:])
        if kind != AS_IT_IS:
            given, mask = spotted(photo, kind, row, column, asked["radius"])
        if self.clean is None:
            self.clean = usual(self.model, (x for n, x in self.photos.items() if n not in self.sent))
        heard = listen(self.model, given, self.clean, asked["near"], asked["far"])
        off = [name for name, on in (("global", asked["far"]), ("local", asked["near"])) if not on]
        said = told(heard.image, given, clean, mask)
        if off:
            said += f" The {' and the '.join(off)} sense {'is' if len(off) == 1 else 'are'} switched off."
        return {"panels": self._panels(given, heard, asked), "said": said}

    def _panels(self, given: Tensor, heard: Heard, asked: dict) -> dict[str, list[str]]:
        """{name: [source, alt text, caption]} of the five pictures."""
        drawn = maps(heard)
        photos = {"photo": given, "image": heard.image}
        photos |= {name: as_photo(over(given, values)) for name, values in drawn.items()}
        place = f"{asked['column']:.0%} from the left and {asked['row']:.0%} from the top"
        kind = WRITTEN.get(asked["kind"], asked["kind"])
        spot = "as it is" if asked["kind"] == AS_IT_IS else f"with a spot of {kind}, {place}"
        alts = {
            "photo": f"{asked['photo']} {spot}",
            "image": f"{asked['photo']}, restored",
        }
        captions = dict(PANELS)
        for name, values in drawn.items():
            captions[name] += f" (yellow: {strongest(values):.2f})"
            top, left = np.unravel_index(values.argmax(), values.shape)
            brightest = (left + 0.5) / values.shape[1], (top + 0.5) / values.shape[0]
            alts[name] = (
                f"Map of the {ROWS[name]} over the photo, largest ({values.max():.2f}) "
                f"{brightest[0]:.0%} from the left and {brightest[1]:.0%} from the top"
            )
        return {name: [source(photos[name]), alts[name], captions[name]] for name in PANELS}

    _esm = page("guide_viewer.js")
    _css = Path(__file__).with_name("guide_viewer.css")
