"""The loop: first the compass, then one specialist a station, then the team, then all (see `plan`).

Paper: its recipe is not public.
Ours:  all of it. A batch and a rate are functions of the step, so that a run killed anywhere and resumed
       gives bit for bit the weights of one left alone (on one CPU).
"""

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm.auto import tqdm

from .batch import Batch
from .checkpoint import REMEDY, difference, identity, read_checkpoint, write_checkpoint
from .crops import CORNERED, Crops
from .data import SIZE, Photos
from .degrade import PLACES
from .files import make_folder, sweep, write_whole
from .interrupt import HeldBack
from .losses import NOTHING, WEIGHTS, compass_loss, gate_loss, motion_loss, restoration_loss, weighted
from .memory import keep_freed
from .model import Config, Generalist, Restored, SlerIR
from .plan import Stage, generalist_stages, rate, stages
from .processes import agree, batch_index, share_gradients
from .route import SoftmaxGate, first_experts
from .sphere import centres
from .weights import own_router, save_weights

SENSES = ("compass", "deblur")  # their batch norms' statistics settle in the first stage
EVERY = 25  # steps between two lines of the history
UNSEEN = 2**33  # batches from here on are never trained on
CHECKPOINT = {"model", "ema", "optimizer", "rng", "step", "seconds", "history", "run"}


class Trainer:
    """One run: `Trainer(photos, "runs/mine", plan=stages(4000)).run()`; run again to resume what was cut off.

    photos: clean ones. out: folder for checkpoint.pt, history.json and, at the end, model.safetensors.
    model: a SlerIR or Generalist, else a new SlerIR from the seed. per_batch, size, seed, recipe, camera,
    cornered: see `Crops`. weights: of the compass's losses, where they differ from `losses.WEIGHTS`.
    fixed_places: the compass's centres stay where they are, and the lead towards them does not fade. watch:
    is called with the trainer after each new line of the history, such as `explore.watch.Watch`; it must
    change nothing.
    """

    def __init__(
        self,
        photos: Photos,
        out: str | Path,
        plan: list[Stage] | None = None,
        model: nn.Module | None = None,
        per_batch: int = 5,
        size: int = SIZE,
        seed: int = 0,
        recipe: dict[str, float] | None = None,
        camera: float = 0.0,
        cornered: float = CORNERED,
        save_every: float = 120.0,
        accelerator: Accelerator | None = None,
        quiet: bool = False,
        weights: dict[str, float] | None = None,
        fixed_places: bool = False,
        watch: Callable[["Trainer"], None] | None = None,
    ):
        torch.manual_seed(seed)
        self.model = SlerIR(Config()) if model is None else model
        default = generalist_stages if isinstance(self.model, Generalist) else stages
        self.plan = default(20_000) if plan is None else plan
        self.out = Path(out)
        # Apple's "mps" lacks a mean pooling that the compass needs, for sizes that are not multiples of 64.
        self.accelerator = accelerator or Accelerator(
            cpu=not torch.cuda.is_available(), mixed_precision="bf16" if bf16_pays() else "no"
        )
        on_gpu = torch.device(self.accelerator.device).type == "cuda"
        ahead = self.accelerator.num_processes if on_gpu else 0
        self.crops = Crops(photos, per_batch, size, recipe, seed, camera, cornered, ahead)
        self.save_every, self.quiet, self.seed, self.watch = save_every, quiet, seed, watch
        self.weights, self.fixed_places = WEIGHTS | (weights or {}), fixed_places
        if unknown := set(self.weights) - set(WEIGHTS):
            raise ValueError(f"No loss is called {', '.join(sorted(unknown))}, but {', '.join(WEIGHTS)}.")
        if self.accelerator.mixed_precision == "fp16":
            raise ValueError('Train in bf16 or in full precision: "fp16" would need scaled losses.')
        self.model.to(self.accelerator.device, memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.step, self.seconds, self.history = 0, 0.0, []

    def run(self) -> list[dict]:
        """Train to the end of the plan; returns the history, a list of {step, stage, loss, psnr, …}.

        On Ctrl-C the step at hand is finished and saved before KeyboardInterrupt; a second stops at once.
        """
        # Of several processes, one that waits for another's gradients could not be stopped this way.
        keep_freed()
        with HeldBack(active=self.accelerator.num_processes == 1) as self.ctrl_c:
            return self._run()

    def _run(self) -> list[dict]:
        main = self.accelerator.is_main_process
        make_folder(self.out)
        if main:
            for name in ("checkpoint.pt", "history.json", "model.safetensors"):
                sweep(self.out / name)
        state = self._load()
        # A network that the caller made is another one in each process, unless they seeded it.
        agree((self.model, self.ema), self.accelerator)
        total = sum(s.steps for s in self.plan)
        with tqdm(total=total, initial=self.step, disable=self.quiet or not main, unit="step") as bar:
            begin, before = 0, None
            for stage in self.plan:
                if begin <= self.step < begin + stage.steps:
                    if self.step == begin and before is not None:
                        self._between(before, stage)
                    self._run_stage(stage, begin, bar, state)
                    state = None
                begin, before = begin + stage.steps, stage
        if isinstance(self.ema, SlerIR) and not self.fixed_places:
            self._place(self.ema, self.measure_centres(self.ema))
            if self.plan[-1].name == "compass":  # else the pins have found their own way
                self.ema.set_pins()
        if main and own_router(self.ema):  # a rival's weights stay in the checkpoint, and in `ema`
            save_weights(self.ema, self.out / "model.safetensors", {"seed": self.seed, "steps": total})
        return self.history

    def _run_stage(self, stage: Stage, begin: int, bar, state: dict | None) -> None:
        optimizer = self._prepare(stage)
        if state:
            optimizer.load_state_dict(state["optimizer"])
        crops = self.crops.smaller if stage.small else self.crops
        saved, last = time.monotonic(), time.monotonic()
        while self.step < begin + stage.steps:
            for group in optimizer.param_groups:
                group["lr"] = group["faster"] * rate(stage, self.step - begin)
            batch = crops.batch(batch_index(self.step, self.accelerator)).to(self.accelerator.device)
            loss, told = self._losses(stage, self.step - begin, batch)
            optimizer.zero_grad(set_to_none=True)
            self.accelerator.backward(loss)
            share_gradients([p for g in optimizer.param_groups for p in g["params"]], self.accelerator)
            norm = self.accelerator.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            self._average()
            self.step += 1
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            saves = now - saved > self.save_every or self.step == begin + stage.steps or self.ctrl_c.pressed
            if saves or self.step % EVERY == 0:  # not at each step, for which a GPU would have to wait
                self._need_number(norm, stage)
            if self.step % EVERY == 0:
                told = {k: round(float(v), 4) for k, v in told.items()}
                self.history.append(
                    {"step": self.step, "stage": stage.name, "seconds": round(self.seconds, 1)} | told
                )
                bar.set_postfix_str(f"{stage.name} " + " ".join(f"{k} {v:.2f}" for k, v in told.items()))
                if self.watch and self.accelerator.is_main_process:
                    self.watch(self)
            bar.update()
            if saves:
                self._save(optimizer)
                saved = time.monotonic()
            if self.ctrl_c.pressed:
                raise KeyboardInterrupt

    def _need_number(self, norm: Tensor, stage: Stage) -> None:
        """A gradient that is no number makes every weight none, for ever after. What is saved stays good."""
        if not bool(torch.isfinite(norm)):
            path = self.out / "checkpoint.pt"
            kept = f"{path} is from before, and stays." if path.exists() else "Nothing was saved yet."
            raise ValueError(
                f"Training broke by step {self.step} ({stage.name}): its gradients are no numbers any more. "
                f"{kept} Run it again to go on from there; if it breaks again, begin anew in another folder, "
                "with another seed or a lower rate."
            )

    def _prepare(self, stage: Stage) -> torch.optim.Optimizer:
        """Only what the stage trains has gradients; the pins may move faster than the weights."""
        self.model.zero_grad(set_to_none=True)  # else clipping would count what an earlier stage left
        for name, part in self.model.named_children():
            part.requires_grad_(name in stage.trains)
            part.train(name in stage.trains and (name not in SENSES or stage.name == "compass"))
        groups = [{"params": list(part.parameters()), "faster": 5 if hasattr(part, "pins") else 1}
                  for name, part in self.model.named_children() if name in stage.trains]  # fmt: skip
        return torch.optim.AdamW(groups, lr=stage.lr, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)

    @torch.no_grad()
    def _between(self, before: Stage, stage: Stage) -> None:
        """What must happen once, between two stages."""
        # Batch norm's statistics are each process's own until here.
        agree((self.model, self.ema), self.accelerator)
        if not isinstance(self.model, SlerIR):
            return
        if before.name == "compass":
            middle = self.ema.compass.centres if self.fixed_places else self.measure_centres(self.ema)
            for model in (self.model, self.ema):
                model.compass.load_state_dict(self.ema.compass.state_dict())
                model.router.load_state_dict(self.ema.router.state_dict())
                model.deblur.load_state_dict(self.ema.deblur.state_dict())
                self._place(model, middle)
                model.set_pins()
        if before.name == "together" and stage.name == "team":
            for model in (self.model, self.ema):
                for station in model.backbone.stations:
                    station.copy_first()
        # On GPUs, centres that each process measured may differ in their last bits.
        agree((self.model, self.ema), self.accelerator)

    @staticmethod
    def _place(model: SlerIR, middle: Tensor) -> None:
        """The places lie at `middle` (6, d) now: whoever looks them up shall find them there."""
        model.compass.centres.copy_(middle)
        if hasattr(model.router, "centres"):
            model.router.centres.copy_(middle)

    def _losses(self, stage: Stage, step: int, batch: Batch) -> tuple[Tensor, dict]:
        x = batch.degraded.contiguous(memory_format=torch.channels_last)
        if stage.name == "compass":
            fading = 1.0 if self.fixed_places else max(0.0, 1 - 1.25 * step / stage.steps)
            return self._compass_losses(stage, x, batch, fading)
        with self.accelerator.autocast():
            if isinstance(self.model, Generalist):
                y = self.model(x)
            else:
                choice = first_experts(len(x), x.device) if stage.name == "together" else None
                got: Restored = self.model(
                    x,
                    view=batch.view,
                    thumbnails=batch.thumbnail,
                    motion=batch.motion,
                    choice=choice,
                    label=batch.label,
                )
                y = got.image
        learns, lead = "compass" in stage.trains, float(self.fixed_places)
        parts = compass_loss(self.model, batch, got.local_tokens, got.sense, lead) if learns else {}
        moved = (batch.motion[:, 0] > 0).repeat_interleave(2)
        # What is nearly perfect must not outshout the rest while the rest is still to be learnt: half of the
        # rate (also in its warm-up) counts as no error, which falls from 1e-3 to 1e-5 (benchmarks/log.md).
        loss, psnr = restoration_loss(y, batch.clean, moved, max(NOTHING, rate(stage, step) / 2))
        told = {"loss": loss.detach(), "psnr": psnr}
        return (loss + 0.1 * weighted(parts, self.weights) if parts else loss), told

    def _compass_losses(self, stage: Stage, x: Tensor, batch: Batch, lead: float) -> tuple[Tensor, dict]:
        with self.accelerator.autocast():
            local = self.model.compass.look(x)
            sense = self.model.sense(x, local, batch.thumbnail)
        parts = compass_loss(self.model, batch, local, sense, lead)
        if "deblur" in stage.trains:
            parts |= motion_loss(self.model, batch, local)
        if "router" in stage.trains and isinstance(self.model.router, SoftmaxGate):
            parts |= gate_loss(self.model.router, sense, batch.place.repeat_interleave(2, 0))
        return weighted(parts, self.weights), {k: v.detach() for k, v in parts.items()}

    @torch.no_grad()
    def _average(self) -> None:
        """The moving average of the weights, which is what is shipped; at first it forgets quickly."""
        decay = min(0.999, (1 + self.step) / (10 + self.step))
        ours, theirs = list(self.ema.parameters()), [p.detach() for p in self.model.parameters()]
        torch._foreach_lerp_(ours, theirs, 1 - decay)
        for mine, new in zip(self.ema.buffers(), self.model.buffers(), strict=True):
            mine.copy_(new)

    @torch.no_grad()
    def measure_centres(self, model: SlerIR, batches: int = 40) -> Tensor:
        """(6, d) centres of the places, over batches that training never sees.

        A place that a recipe of one's own never shows keeps the centre it had.
        """
        model.eval()
        z, label = [], []
        for k in range(batches):
            batch = self.crops.batch(UNSEEN + k).to(self.accelerator.device)
            sense = model.sense(batch.degraded, model.compass.look(batch.degraded), batch.thumbnail)
            share = batch.place.repeat_interleave(2, 0)
            pure = share.amax(1) == 1
            z.append(sense.z[pure])
            label.append(share.argmax(1)[pure])
        middle, seen = centres(torch.cat(z), torch.cat(label), len(PLACES), model.config.linear)
        return torch.where(seen[:, None], middle, model.compass.centres)

    def _save(self, optimizer) -> None:
        if not self.accelerator.is_main_process:
            return
        state = {
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "run": identity(self),
        }
        # The history first: killed between the two, the run does its last steps and writes both again.
        write_whole(self.out / "history.json", json.dumps(self.history).encode())
        write_checkpoint(self.out / "checkpoint.pt", state)

    def _load(self) -> dict | None:
        path = self.out / "checkpoint.pt"
        if not path.exists():
            return None
        state = read_checkpoint(path, CHECKPOINT)
        if state["run"] != (mine := identity(self)):
            raise ValueError(f"{path} belongs to another run. {difference(state['run'], mine)}")
        try:
            self.model.load_state_dict(state["model"])
            self.ema.load_state_dict(state["ema"])
        except RuntimeError as error:
            raise ValueError(f"{path} holds another version's network. {REMEDY}") from error
        torch.set_rng_state(state["rng"])
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]
        ends = [sum(s.steps for s in self.plan[: k + 1]) for k in range(len(self.plan))]
        return None if self.step in ends else state  # a stage begins with a fresh optimizer


def bf16_pays() -> bool:
    """Whether this machine computes faster in bfloat16: GPUs since Ampere, CPUs with AVX-512 BF16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_avx512_bf16_supported()
