"""What the path explorer knows and does, without a page: settings in, results out, and a way back.

Every change makes a new `Setting`, works out its results, and only then replaces the old one: whatever a
model or a file raises, the session is left as it was. A model that raises at once leaves a session without
results, from which another photo or model leads on. The last results are kept, so that going back is at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from ..model import SlerIR
from ..restore import shipped
from ..weights import load_weights
from .damages import AS_IT_IS, broken, written
from .explored import Found, as_restore, can_step, found
from .overrides import dB, single_overrides
from .upload import photo_from_bytes, smaller

LONGEST = 320  # px: 256 x 256 take about 0.2 s on one core, and a click shall be answered within 0.4 s
SHIPPED = "shipped"
KEPT = 64  # photos and results: some 80 MB at 320 px


def in_words(failure: BaseException) -> str:
    """What was raised, for a page: our own errors are sentences, and others get their name before them."""
    if isinstance(failure, KeyError) and failure.args:
        return f"{failure.args[0]} is missing"
    if isinstance(failure, ValueError | OSError) and str(failure):
        return str(failure)
    return f"{type(failure).__name__}: {failure}".removesuffix(": ")


@dataclass(frozen=True)
class Setting:
    """overrides: at each station what a hand chose, or None; stations: so many work, or None: all."""

    photo: str
    damage: str = AS_IT_IS
    severity: float = 0.5
    model: str = SHIPPED
    overrides: tuple[int | None, ...] = ()
    stations: int | None = None

    @property
    def said(self) -> str:
        """Such as "cat, haze+rain, severity 0.50"."""
        if self.damage == AS_IT_IS:
            return f"{self.photo}, as it is"
        return f"{self.photo}, {written(self.damage)}, severity {self.severity:.2f}"


@dataclass(frozen=True, eq=False)
class Results:
    """Of one setting. given: the photo with its damage; clean: as it should become, None if nobody knows.

    router: by the router's own path; hand: by the path with overrides, after the stations that work;
    before: by the same path after one station less, where not all of them work.
    """

    given: Tensor
    clean: Tensor | None
    router: Found
    hand: Found
    before: Tensor | None


class Session:
    """photos: {name: (3, H, W) in [0, 1]}, clean ones; models: {name: a SlerIR, or see `explored`}.

    longest: px, to which photos are scaled down. setting, results: at present; history: earlier settings.
    problem: what the first model raised, in words; then results is None, until a change succeeds.
    Raises ValueError without photos, and TypeError for what is no model.
    """

    def __init__(self, photos: dict[str, Tensor], models: dict | None = None, longest: int = LONGEST):
        if not photos:
            raise ValueError("An explorer needs at least one photo.")
        self.longest = longest
        self.photos = {name: smaller(photo, longest) for name, photo in photos.items()}
        self.models = {n: as_restore(m) for n, m in (models or {}).items()} or {
            SHIPPED: as_restore(shipped())
        }
        self.own: set[str] = set()  # photos that came later: as they are, nobody knows their clean form
        self.clean: dict[str, Tensor] = {}  # except of these
        self.history: list[Setting] = []
        self._kept: dict = {}
        self.setting = Setting(next(iter(photos)), model=next(iter(self.models)))
        self.results: Results | None = None
        self.problem = ""
        try:
            self.results = self._work_out(self.setting)
        except Exception as failure:  # whatever a learner's own model raises
            self.problem = in_words(failure)

    @property
    def shape(self) -> tuple[int, int]:
        """(L, K) of the present model; (0, 0) without results."""
        return tuple(self.results.router.angle.shape) if self.results else (0, 0)

    @property
    def steppable(self) -> bool:
        return can_step(self.models[self.setting.model])

    def change(self, **what) -> None:
        """Some of the setting's fields. Raises ValueError, in words, and what the model raises."""
        if "overrides" in what:
            overrides = tuple(what["overrides"])
            what["overrides"] = overrides if any(k is not None for k in overrides) else ()
        if what.get("model", self.setting.model) != self.setting.model:
            what = {"overrides": (), "stations": None} | what
        new = replace(self.setting, **what)
        if new != self.setting or not self.results:
            self._go(new)

    def _go(self, new: Setting) -> None:
        before, self.results = self.results, self._work_out(new)
        if before and new != self.setting:
            self.history.append(self.setting)
        self.setting, self.problem = new, ""

    def undo(self) -> None:
        """The setting before; nothing where there is none."""
        if self.history:
            self.results = self._work_out(self.history[-1])
            self.setting = self.history.pop()

    def reset(self) -> None:
        """The router's path, through all stations."""
        self.change(overrides=(), stations=None)

    def surprise(self, better: bool, progress: Callable | None = None) -> str:
        """Take the single override that helps most, or else hurts most; where no clean photo is known, the
        one that changes most. Returns a sentence. progress: called with (done, all) before each."""
        start, results = replace(self.setting, overrides=(), stations=None), self.current()
        ways = list(single_overrides(results.router.choice, self.shape[1]))
        if not ways:
            return "With one specialist a station there is nothing to override."
        scores = []
        for done, (_, _, path) in enumerate(ways):
            if progress is not None:
                progress(done, len(ways))
            image = self._ask(start, path).image
            if results.clean is None:
                scores.append(float((image - results.router.image).square().mean()))
            else:
                scores.append(dB(image, results.clean) - dB(results.router.image, results.clean))
        helps = better and results.clean is not None
        best = max(
            range(len(ways)), key=lambda k: scores[k] if helps or results.clean is None else -scores[k]
        )
        layer, expert, _ = ways[best]
        overrides: list[int | None] = [None] * self.shape[0]
        overrides[layer] = expert
        self.change(overrides=overrides, stations=None)
        where = f"specialist {expert} at station {layer + 1}"
        if results.clean is None:
            return (
                f"Of {len(ways)} overrides, {where} changes most. Whether for the better, your eyes must say."
            )
        which = "is best" if better else "is worst"
        return (
            f"Of {len(ways)} overrides, {where} {which}: {scores[best]:+.2f} dB against the router's choice."
        )

    def add_photo(self, name: str, content: bytes) -> None:
        """A photo of the learner's own, and go to it, as it is. Raises ValueError for what is no photo."""
        self.take(name, photo_from_bytes(name, content))

    def take(self, name: str, photo: Tensor, clean: Tensor | None = None) -> None:
        """Another photo (3, H, W) in [0, 1], and go to it, as it is. clean: as it should become, if that is
        known."""
        before = self.photos, self.own, self.clean, self._kept
        self.photos = self.photos | {name: smaller(photo, self.longest)}
        self.own, self._kept = self.own | {name}, {}  # another photo may have had this name
        self.clean = {n: x for n, x in self.clean.items() if n != name}
        if clean is not None:
            self.clean[name] = smaller(clean, self.longest)
        try:
            self._go(replace(self.setting, photo=name, damage=AS_IT_IS))
        except BaseException:  # also ■
            self.photos, self.own, self.clean, self._kept = before
            raise

    def add_weights(self, file: str) -> None:
        """A model from a .safetensors file, and go to it. Raises what `load_weights` raises, and ValueError
        for weights that know no path."""
        model = load_weights(Path(file).expanduser())
        if not isinstance(model, SlerIR):
            raise ValueError(
                f"{file} holds a {type(model).__name__}, which has no path to explore; give a SlerIR's."
            )
        name = Path(file).stem
        while name in self.models:
            name += "'"
        self.models[name] = as_restore(model)
        try:
            self.change(model=name)
        except Exception:
            del self.models[name]
            raise

    def score(self, image: Tensor) -> float | None:
        """PSNR in dB against the clean photo; None where that is not known."""
        clean = self.current().clean
        return None if clean is None else dB(image, clean)

    def current(self) -> Results:
        """`results`. Raises ValueError where there are none."""
        if not self.results:
            raise ValueError(f"There is no path yet. {self.problem}")
        return self.results

    def _work_out(self, setting: Setting) -> Results:
        if setting.photo not in self.photos:
            raise ValueError(f'There is no photo "{setting.photo}"; there are {", ".join(self.photos)}.')
        if setting.model not in self.models:
            raise ValueError(f'There is no model "{setting.model}"; there are {", ".join(self.models)}.')
        photo = self.photos[setting.photo]
        given = self._given(setting)
        router = self._ask(setting, None)
        layers, experts = router.angle.shape
        overrides = setting.overrides or (None,) * layers
        if len(overrides) != layers or not all(k is None or k in range(experts) for k in overrides):
            raise ValueError(
                f"Overrides are {layers} specialists from 0 to {experts - 1}, or None; not {list(overrides)}."
            )
        path = tuple(r if k is None else k for r, k in zip(router.choice, overrides, strict=True))
        path = None if path == router.choice else path
        stations = setting.stations
        if stations is not None and not can_step(self.models[setting.model]):
            raise ValueError(
                f'The model "{setting.model}" takes no stations=, so it can\'t be stepped through.'
            )
        if stations is not None and stations not in range(layers + 1):
            raise ValueError(f"Of {layers} stations, 0 to {layers} can work; not {stations}.")
        hand = self._ask(setting, path, stations)
        before = None
        if stations is not None:
            before = self._ask(setting, path, stations - 1).image if stations else given
        known = setting.damage != AS_IT_IS or setting.photo not in self.own
        clean = self.clean.get(setting.photo, photo if known else None)
        return Results(given, clean, router, hand, before)

    def _given(self, setting: Setting) -> Tensor:
        key = (setting.photo, setting.damage, setting.severity)
        return self._keep(key, lambda: broken(self.photos[setting.photo], setting.damage, setting.severity))

    def _ask(self, setting: Setting, path: tuple[int, ...] | None, stations: int | None = None) -> Found:
        key = (setting.photo, setting.damage, setting.severity, setting.model, path, stations)
        restore, given = self.models[setting.model], self._given(setting)
        return self._keep(key, lambda: found(restore, given, path, stations))

    def _keep(self, key, make: Callable):
        if key not in self._kept:
            made = make()
            if len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = made
        return self._kept[key]
