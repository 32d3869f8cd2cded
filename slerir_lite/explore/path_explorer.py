"""The path explorer: a photo's path through 8 stations of 3 specialists each, and a hand to change it.

Paper: each layer's expert is picked by the photo's direction on the sphere.
Ours:  the picture of it, where any pick can be overridden. `session` holds what is explored, and
       `path_explorer.js` draws it. The page asks one question at a time, and Python answers with a map, a
       sentence and four pictures. What goes wrong is said in the page, which goes on working.
"""

import base64
from pathlib import Path

import traitlets
from torch import Tensor

from .damages import DAMAGES, written
from .overrides import dB
from .painter import Painter, page
from .path_map import path_name, scales
from .pixels import GAIN, difference, source
from .report import file_name, globe_of, report
from .session import LONGEST, Session, Setting, in_words

SETTINGS = ("photo", "damage", "severity", "model", "overrides", "stations")


class PathExplorer(Painter):
    """photos: {name: (3, H, W) in [0, 1]}, clean; models: {name: a SlerIR, or a function, see `explored`}.

    Display the object itself. longest: px, to which photos are scaled down. `.session` holds the setting and
    its results, for those who write code.

    asked: what the page asks for: settings that change, and at most one thing to `do`. state, and `pictures`
    ([{"title", "src", "alt"}, …]): the answer. progress: how far a longer task is.
    """

    _esm = page("path_explorer.js")
    _css = Path(__file__).with_name("path_explorer.css")
    asked = traitlets.Dict().tag(sync=True, echo_update=False)  # a photo's bytes need not come back
    state = traitlets.Dict().tag(sync=True)
    progress = traitlets.Unicode().tag(sync=True)

    def __init__(self, photos: dict[str, Tensor], models: dict | None = None, longest: int = LONGEST, **more):
        self.session = Session(photos, models, longest)
        self.remembered: tuple[Setting, tuple[int, ...]] | None = None
        self._drawn: dict[int, tuple[Tensor, str]] = {}  # by a tensor's id: what need not be drawn again
        super().__init__(state=self._state("", "", self.session.problem), pictures=self._pictures(), **more)
        self.observe(self._asked, "asked")

    def _asked(self, change) -> None:
        asked = dict(change["new"])
        if not asked:
            return
        note = error = ""
        try:
            if settings := {name: asked[name] for name in SETTINGS if name in asked}:
                self.session.change(**settings)
            if "do" in asked:
                note = self._do(asked) or ""
        except (Exception, KeyboardInterrupt) as failure:  # a broken file, a learner's own model, or ■
            error = in_words(failure)
        self._show(asked.get("n", ""), note, error)

    def take(self, name: str, photo: Tensor, clean: Tensor | None = None) -> None:
        """A photo (3, H, W) in [0, 1] that another explorer sends on: it is explored at once. clean: as it
        should become, if that is known. Raises what the model raises."""
        self.session.take(name, photo, clean)
        self._show("", "", "")

    def _show(self, n: str, note: str, error: str) -> None:
        with self.hold_sync():
            self.progress = ""
            self.state = self._state(n, note, error)
            self.asked = {}  # a photo's bytes need not stay
        self.pictures = self._pictures()

    def _do(self, asked: dict) -> str | None:
        """What a button asks for; a sentence to add, if there is one."""
        session, what = self.session, asked["do"]
        if what in ("help", "hurt"):
            return session.surprise(what == "help", self._tell)
        if what == "file":
            return session.add_photo(str(asked["name"]), base64.b64decode(asked["content"]))
        if what == "weights":
            return session.add_weights(str(asked["file"]))
        if what == "remember":
            self.remembered = session.setting, session.current().hand.choice
        elif what == "forget":
            self.remembered = None
        elif what == "report":
            self.send(
                {
                    "kind": "report",
                    "n": asked.get("n"),
                    "name": file_name(session.setting.photo),
                    "html": self.report(),
                }
            )
            return "The report is among your downloads."
        elif what in ("undo", "reset"):
            getattr(session, what)()
        else:
            raise ValueError(f'There is nothing called "{what}" to do.')

    def _tell(self, done: int, all_: int) -> None:
        self.progress = f"override {done + 1} of {all_} …"

    def report(self) -> str:
        """The present setting as one HTML page. Raises ValueError where the model has found no path."""
        results, setting = self.session.current(), self.session.setting
        name = setting.said
        if setting.stations is not None:
            name += f", after {setting.stations} of {self.session.shape[0]} stations"
        return report(
            name,
            results.given,
            results.hand,
            clean=results.clean,
            router=results.router.choice,
            globe=globe_of(results.given),
            model=setting.model,
        )

    def _state(self, n: str, note: str, error: str) -> dict:
        session, setting, results = self.session, self.session.setting, self.session.results
        layers, experts = session.shape
        angle, router = (results.router.angle.tolist(), results.router.choice) if results else ([], ())
        remembered = {}
        if self.remembered and self._fits(self.remembered[1]):
            path = self.remembered[1]
            apart = sum(a != b for a, b in zip(path, results.hand.choice, strict=True))
            where = f"{self.remembered[0].said}; apart at {apart} of {layers} stations"
            remembered = {"path": list(path), "said": where}
        return {
            "n": n,
            "photos": list(session.photos),
            "damages": [[damage, written(damage)] for damage in DAMAGES],
            "models": list(session.models),
            "photo": setting.photo,
            "damage": setting.damage,
            "severity": setting.severity,
            "model": setting.model,
            "overrides": list(setting.overrides or [None] * layers),
            "stations": setting.stations,
            "layers": layers,
            "experts": experts,
            "scales": list(scales(layers)),
            "angle": [[round(v, 1) for v in row] for row in angle],
            "router": list(router),
            "steppable": session.steppable,
            "undo": bool(session.history),
            "remembered": remembered,
            "said": f"{self._said()} {note}".strip(),
            "error": error,
        }

    def _fits(self, path: tuple[int, ...]) -> bool:
        layers, experts = self.session.shape
        return len(path) == layers and max(path) < experts

    def _said(self) -> str:
        results, session = self.session.results, self.session
        if not results:
            return "This model finds no path for this photo. Choose another model, or another photo."
        said = f"The router's path is {path_name(results.router.choice)}"
        if results.hand.choice != results.router.choice:
            said += f", yours {path_name(results.hand.choice)}"
        if results.clean is None:
            return f"{said}. Of this photo no clean form is known, so there is no PSNR."
        gain = session.score(results.hand.image) - session.score(results.router.image)
        if results.hand is results.router:
            return f"{said}."
        return f"{said}. PSNR against the router's choice: {gain:+.2f} dB."

    def _pictures(self) -> list[dict]:
        results, setting = self.session.results, self.session.setting
        if not results:
            return []
        forced = results.hand.choice != results.router.choice
        shown = [
            ("given: " + setting.said, results.given, True),
            ("the router's choice", results.router.image, True),
        ]
        if setting.stations is None:
            name = "your override" if forced else "no override so far"
            apart = difference(results.hand.image, results.router.image)
            other = f"your override minus the router's choice, × {GAIN}; grey: none"
        else:
            n = setting.stations
            name = (
                f"{'your path' if forced else 'the same path'} up to station {n}"
                if n
                else "before any station"
            )
            apart = difference(results.hand.image, results.before)
            did = f"station {n}" if n else "what comes before the stations"
            other = f"what {did} changed, × {GAIN}; grey: nothing"
        shown += [(name, results.hand.image, True), (other, apart, False)]
        self._drawn = {id(x): self._drawn.get(id(x)) or (x, source(x)) for _, x, _ in shown}
        return [{"title": title + self._score(image, scored), "src": self._drawn[id(image)][1], "alt": title}
                for title, image, scored in shown]  # fmt: skip

    def _score(self, image: Tensor, scored: bool) -> str:
        clean = self.session.results.clean
        if not scored or clean is None:
            return ""
        value = dB(image, clean)
        return ": as the clean photo" if value >= 100 else f": {value:.2f} dB"
