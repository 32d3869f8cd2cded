"""Every claim against its rivals: trains each variant with several seeds, and measures it. One command.

    python benchmarks/claims.py --budget smoke --photos PHOTOS --leave-out validation.txt \
        --pairs PAIRS --validation PAIRS --out runs/claims/smoke

Run it again to go on: a run that was stopped goes on where it was saved, and what is done is not redone.
--only C3,C4 chooses claims, --kind compass those runs that train the compass alone. Each run leaves a JSON
file in --out, with what it was, how it went and what was measured; `report.py` makes tables of them.

Whole networks get equal wall-clock: each one's steps are timed first (steps.json), on a quiet machine if
the figures shall mean something, and their number is fixed from that. Compasses differ by nothing that
takes time, and get the same number of steps. PAIRS: folders as `slerir evaluate --pairs` reads them; the
first is only scored on, the second, of other photos, fits the temperatures.
"""

import json
import shutil
import subprocess
from dataclasses import asdict
from functools import partial
from pathlib import Path

from budget import arguments, begin_with, machine, plan_for
from probe_compass import SAME, TASKS, compass_probe
from probe_cost import costs
from probe_paths import gap, mixes, paths
from probe_specialists import specialists
from timing import in_turn, seconds_per_step
from variants import BUDGETS, CLAIMS, SOLO, TEAM, VARIANTS, Budget, Variant, compass_plan, jobs, timed_as

from slerir_lite.data import Photos
from slerir_lite.evaluate import evaluate
from slerir_lite.files import write_whole
from slerir_lite.model import SlerIR
from slerir_lite.pairs import pairs
from slerir_lite.plan import Stage, stages
from slerir_lite.route import SoftmaxGate
from slerir_lite.train import Trainer

POINTS = 60  # of a curve, at most
PROBES = {"patches": gap, "mixes": mixes, "paths": paths, "specialists": specialists}
COST = ("slerir", "generalist", "conditioned", "wide")  # whose cost C7 speaks of, and C1 refers to


class Runner:
    """What all runs share: the photos, the budget, and where things lie."""

    def __init__(self, args, photos: Photos):
        self.args, self.photos = args, photos
        self.budget: Budget = BUDGETS[args.budget]
        self.how = {"size": self.budget.crop, "per_batch": self.budget.per_batch}
        self.commit = revision()  # of the code that runs, whatever is edited meanwhile
        args.out.mkdir(parents=True, exist_ok=True)

    def variant(self, name: str) -> Variant:
        return self.budget.sized(VARIANTS[name])

    def do(self, kind: str, name: str, seed: int) -> bool:
        """One run, unless its file is there. Returns whether there was anything to do."""
        label = f"{kind}-{name}-{seed}"
        file, work = self.args.out / f"{label}.json", self.args.work / self.args.budget / label
        settings = self.settings(kind, name)
        if file.exists():
            if json.loads(file.read_text())["settings"] != settings:
                raise SystemExit(
                    f"{file} was measured with other settings: delete it, or choose another --out."
                )
            return False
        variant, plan = self.variant(name), self.plan(kind, name)
        run = variant.trainer(self.photos, work, plan, seed, **self.how)
        run.run()
        measured = self.measure_compass(run) if kind == SOLO else self.measure_whole(run, variant)
        found = {
            "kind": kind,
            "variant": name,
            "seed": seed,
            "settings": settings,
            "commit": self.commit,
            "machine": machine(),
            "steps": {stage.name: stage.steps for stage in plan},
            "seconds": round(run.seconds, 1),
            "curve": thinned(run.history),
            "parameters": sum(p.numel() for p in run.ema.parameters()),
            "scores": measured,
        }
        write_whole(file, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
        if kind == SOLO:
            shutil.rmtree(work)  # a whole network's weights may be asked more questions later
        return True

    def settings(self, kind: str, name: str) -> dict:
        """What must agree for a file not to be measured anew."""
        return {"budget": asdict(self.budget), "variant": self.variant(name).settings()}

    def plan(self, kind: str, name: str) -> list[Stage]:
        budget = self.budget
        if kind == SOLO:
            return compass_plan(budget.compass_steps)
        if budget.minutes:
            return plan_for(budget.minutes, self.timed()[timed_as(name)])
        if VARIANTS[name].generalist:
            return plan_for(1, {"together": 60 / budget.least})
        return stages(4 * budget.least, budget.least)

    def timed(self, names: list[str] = ()) -> dict[str, dict[str, float]]:
        """{variant: {stage: seconds a step}}, measured once and kept; those named are added.

        They are timed in turn. Ask in one command for all that shall be compared.
        """
        file = self.args.out / "steps.json"
        known = json.loads(file.read_text())["seconds_per_step"] if file.exists() else {}
        if new := {name: self.timing(name) for name in names if name not in known}:
            for name, row in in_turn(new).items():
                known[name] = {stage: round(v, 5) for stage, v in row.items()}
            machines = json.loads(file.read_text())["machines"] if file.exists() else {}
            found = {"machines": machines | dict.fromkeys(new, machine()), "seconds_per_step": known}
            write_whole(file, (json.dumps(found, indent=1) + "\n").encode())
        return known

    def timing(self, name: str) -> tuple:
        """A job for `in_turn`. All variants' plans have as many stages, and so all are timed side by side."""
        variant, plan = self.variant(name), stages(100, 1)
        if variant.generalist:
            plan = plan_for(1, {"together": 1}) * len(plan)
        build = partial(variant.build, 0)
        return steps_in_turn, build, variant.plan(plan), self.photos, self.budget.timed, self.how

    def cost(self) -> None:
        """What C7 compares, if it isn't known yet. It asks for a quiet machine."""
        file = self.args.out / "cost.json"
        if not file.exists():
            turns = 15 if self.budget.minutes else 2
            found = costs({name: self.variant(name).build for name in COST}, turns)
            row = {"commit": self.commit, "machine": machine(), "cost": found}
            write_whole(file, (json.dumps(row, indent=1) + "\n").encode())

    def measure_compass(self, run: Trainer) -> dict:
        """A compass by itself, with its router where the places ask for it."""
        model = run.ema
        middle = None if isinstance(model.router, SoftmaxGate) else run.measure_centres(model)
        scored = pairs(self.args.pairs, self.budget.photos, TASKS)
        fitted = pairs(self.args.validation, self.budget.validation, SAME)
        return {"compass": compass_probe(model, scored, fitted, middle)}

    def measure_whole(self, run: Trainer, variant: Variant) -> dict:
        """Scores on every task, and what else was asked of this variant."""
        found = evaluate(run.ema, pairs(self.args.pairs, self.budget.photos), quiet=True)
        if isinstance(run.ema, SlerIR) and run.ema.config.experts > 1:
            middle = None if isinstance(run.ema.router, SoftmaxGate) else run.measure_centres(run.ema)
            scored = pairs(self.args.pairs, self.budget.photos, TASKS)
            fitted = pairs(self.args.validation, self.budget.validation, SAME)
            found["compass"] = compass_probe(run.ema, scored, fitted, middle)
        for name in variant.probes:
            found[name] = PROBES[name](run.ema, self.args.pairs, self.budget.photos)
        return found


def steps_in_turn(turn, build, plan: list[Stage], photos: Photos, steps: int, how: dict) -> dict[str, float]:
    return seconds_per_step(build, plan, photos, steps, turn, **how)


def thinned(history: list[dict]) -> list[dict]:
    """A curve with at most `POINTS` points, the last one among them."""
    step = -(-len(history) // POINTS) or 1
    return history[::-1][::step][::-1]


def revision() -> str | None:
    """The commit that is being measured, "+" where files differ from it; None outside a repository."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None


def chosen(text: str) -> list[str]:
    """ "C3,C4" -> ["C3", "C4"]; raises ValueError for what is no claim."""
    found = [word.strip().upper() for word in text.split(",") if word.strip()]
    unknown = sorted(set(found) - set(CLAIMS))
    if unknown or not found:
        raise ValueError(f"--only takes some of {','.join(CLAIMS)}, not {','.join(unknown) or 'nothing'}")
    return found


def main(words: list[str] | None = None) -> None:
    parser = arguments(__doc__)
    parser.add_argument("--validation", type=Path, required=True, help="pairs of other photos than --pairs")
    parser.add_argument("--budget", choices=BUDGETS, default="smoke")
    parser.add_argument("--only", type=chosen, default=list(CLAIMS), help="claims, such as C3,C4")
    parser.add_argument("--kind", choices=(SOLO, TEAM), action="append", help="default, both")
    parser.add_argument("--work", type=Path, default=Path("runs/claims"), help="for checkpoints")
    args = parser.parse_args(words)
    runner = Runner(args, begin_with(args))
    todo = jobs(runner.budget, args.only, tuple(args.kind or (SOLO, TEAM)))
    if runner.budget.minutes:
        runner.timed(list(dict.fromkeys(timed_as(name) for kind, name, _ in todo if kind == TEAM)))
    if TEAM in (args.kind or (TEAM,)) and "C7" in args.only:
        runner.cost()
    for number, job in enumerate(todo, 1):
        new = runner.do(*job)
        print(f"{number} of {len(todo)}: {'-'.join(map(str, job))}{'' if new else ', was done'}", flush=True)


if __name__ == "__main__":
    main()
