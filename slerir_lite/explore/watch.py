"""Watching a run: the loss, PSNR by task, who works at each station, and how evenly the compass spreads.

    watch = Watch()
    watch  # displayed: it draws while the next cell trains
    Trainer(photos, "runs/mine", plan, watch=watch).run()
    show(watch_picture(watch), alt)  # for where no widget runs, as on GitHub

Ours: numbers go to the page and the page draws them, which costs a run next to nothing. What must be computed
(a look at crops that the run never trains on) is done only while all looks together took less than `SHARE`
of the run's time: a slow machine gets fewer looks, not a slower run.
"""

import math
import time
from collections import deque
from pathlib import Path

import anywidget
import torch
import torch.nn.functional as F
import traitlets
from torch import Tensor

from ..batch import Batch
from ..crops import Crops
from ..degrade import PLACES
from ..losses import weighted
from ..model import Generalist
from ..route import first_experts
from ..sphere import centres, evenly_spaced, smallest_angle
from ..train import UNSEEN, Trainer
from .style import MARKS, WRITTEN

SHARE = 0.02  # of the run's time, at most, goes into looks
POINTS = 200  # lines on the page; of a longer run every second, or every third …
ROUND = 4  # looks, each at other crops, that a figure is the mean of


class Watch(anywidget.AnyWidget):
    """Display the object itself and hand it to `Trainer(…, watch=watch)`, or `add` lines in your own loop.

    history: all lines that were told, see `add`; lines: those on the page.
    load: (layers, K) share of the images at each station's specialists.
    best: the largest smallest angle that six places can have, in degrees. total: steps of the whole run.
    problem: what went wrong in a look, in words; the run goes on, and nothing is looked at any more.
    """

    lines = traitlets.List().tag(sync=True)
    load = traitlets.List().tag(sync=True)
    best = traitlets.Float(0.0).tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)
    marks = traitlets.Dict().tag(sync=True)
    _esm = Path(__file__).with_name("watch.js")
    _css = Path(__file__).with_name("watch.css")

    def __init__(self, share: float = SHARE, **more):
        marks = {place: [WRITTEN.get(place, place), mark.colour] for place, mark in MARKS.items()}
        super().__init__(marks=marks, **more)
        self.add_class("slerir-watch")
        self.share = share
        self._begin()

    def _begin(self) -> None:
        self.took, self.history, self.problem = 0.0, [], ""
        self.lines, self.load, self.best = [], [], 0.0
        self._seen, self._run, self._stage, self._batches = 0, None, None, []
        self._looks = deque(maxlen=ROUND)

    def add(self, step: int, stage: str = "", load=None, **told) -> None:
        """One line, from a loop of your own. A stage begins a new curve: its loss may be another one.

        told: any of loss; psnr (dB); tasks, {place: PSNR in dB}; angle, the smallest between two places
        (degrees). load: (layers, K) as in the class.
        """
        if load is not None:
            self.load = torch.as_tensor(load).tolist()
        told = {name: value for name, value in told.items() if value is not None}
        tasks = {"tasks": _finite(told.pop("tasks"))} if "tasks" in told else {}
        kept = _finite(told)
        if lost := told.keys() - kept.keys():
            self.problem = (
                self.problem or f"At step {step} the {' and the '.join(sorted(lost))} was no number."
            )
        self.history.append({"step": int(step), "stage": stage} | kept | tasks)
        apart = -(-len(self.history) // POINTS)
        # Of neighbours the one that tells most: looks are rarer than lines.
        kept = [max(self.history[k : k + apart], key=len) for k in range(0, len(self.history), apart)]
        self.lines = kept if kept[-1] is self.history[-1] else [*kept, self.history[-1]]

    def __call__(self, trainer: Trainer) -> None:
        """What the trainer calls after each line of its history. Nothing in the run changes."""
        start = time.perf_counter()
        # Another run, or this one from an earlier checkpoint.
        if trainer.out != self._run or len(trainer.history) <= self._seen:
            self._begin()
            self._run = trainer.out
        rows, self._seen = trainer.history[self._seen :], len(trainer.history)
        for row in rows[:-1]:  # a run that was resumed brings the lines of its beginning
            self.add(**_line(row, trainer.weights))
        self.total = sum(stage.steps for stage in trainer.plan)
        looked = {}
        if not self.problem and self.took <= self.share * trainer.seconds:
            try:
                looked = self._look(trainer, rows[-1]["stage"])
            except Exception as error:  # whatever a learner's own network raises
                self.problem = f"Looking at the network went wrong: {type(error).__name__}: {error}"
        self.add(**_line(rows[-1], trainer.weights), **looked)
        self.took += time.perf_counter() - start

    @torch.no_grad()
    def _look(self, trainer: Trainer, stage: str) -> dict:
        """What `add` takes beside the loss, over the last looks; this one is at a photo of each place."""
        model, own = trainer.ema.eval(), trainer.crops
        if not self._batches:  # of equal shares, each batch gets one photo
            crops = Crops(own.photos, len(PLACES), own.size, dict.fromkeys(PLACES, 1), own.seed)
            self._batches = [crops.batch(UNSEEN + k).to(trainer.accelerator.device) for k in range(ROUND)]
        if stage != self._stage:
            self._looks.clear()
            self._stage = stage
        self._batches.append(batch := self._batches.pop(0))
        with trainer.accelerator.autocast():
            self._looks.append(_pass(model, batch, stage))
        columns = list(zip(*self._looks, strict=True))
        label, pure, mse, z, taken = (None if c[0] is None else torch.cat(c) for c in columns)
        told = {}
        if mse is not None:
            psnr = -10 * mse.clamp(min=1e-10).log10()
            rows = {place: pure & (label == k) for k, place in enumerate(PLACES)}
            told["tasks"] = {place: round(float(psnr[r].mean()), 2) for place, r in rows.items() if r.any()}
        if z is not None:
            middle, met = centres(z[pure], label[pure], len(PLACES))
            if met.all():
                told["angle"] = round(smallest_angle(middle), 1)
            if not self.best:
                self.best = smallest_angle(evenly_spaced(*middle.shape))
            told["load"] = taken.mean(0)
        return told


def _pass(model, batch: Batch, stage: str) -> tuple:
    """Of each crop: its place's number, whether it shows that place alone, MSE, z, specialists (one-hot)."""
    share = batch.place.repeat_interleave(2, 0)
    seen = [share.argmax(1), share.amax(1) == 1, None, None, None]
    image = None
    if isinstance(model, Generalist):
        image = model(batch.degraded)
    elif stage == "compass":
        sense = model.sense(batch.degraded, model.compass.look(batch.degraded), batch.thumbnail)
        route = model.router(sense)
    else:  # in the stage "together" the other experts have learnt nothing yet
        choice = first_experts(len(batch.degraded), batch.degraded.device) if stage == "together" else None
        got = model(
            batch.degraded, view=batch.view, thumbnails=batch.thumbnail, motion=batch.motion, choice=choice
        )
        image, sense, route = got.image, got.sense, got.route
    if image is not None:
        seen[2] = (image.float().clamp(0, 1) - batch.clean).square().mean((1, 2, 3))
    if not isinstance(model, Generalist):
        z = F.normalize(sense.z.float(), dim=1)  # of a compass without a sphere, its direction
        seen[3:] = z, F.one_hot(route.choice, route.angle.shape[-1]).float()
    return tuple(None if v is None else v.cpu() for v in seen)


def _finite(told: dict) -> dict[str, float]:
    """As plain numbers, whatever they came as, without NaN and infinity: JSON has no others.

    A loss as a tensor would also keep all that its gradient needs.
    """
    numbers = {
        name: value.item() if isinstance(value, Tensor) else float(value) for name, value in told.items()
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _line(row: dict, weights: dict[str, float]) -> dict:
    """What `add` takes, of a line of the trainer's history; weights: of the compass's losses."""
    parts = {k: torch.tensor(row[k]) for k in weights if k in row}
    loss = row["loss"] if "loss" in row else round(float(weighted(parts, weights)), 4)
    kept = {k: row[k] for k in ("step", "stage", "psnr") if k in row}
    return kept | {"loss": loss}
