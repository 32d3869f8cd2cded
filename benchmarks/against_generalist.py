"""SlerIR against the Generalist of the same active compute: equal wall-clock, several seeds.

    python benchmarks/against_generalist.py --photos PHOTOS --leave-out validation.txt --pairs PAIRS \
        --out benchmarks/against_generalist.json --minutes 5

Each network's step is timed first and its number of steps fixed from that. What is done is not redone:
run it again to go on. Differences are paired by seed, with a 95 % t-interval over the seeds.
"""

import json
from pathlib import Path

import numpy as np
from budget import arguments, begin_with, machine, new, plan_for, seconds_per_step
from scipy.stats import t as student

from slerir_lite.evaluate import evaluate
from slerir_lite.pairs import FIVE, pairs
from slerir_lite.train import Trainer

AVERAGES = ("five_task_average", "four_task_average_without_haze")


def difference(runs: dict, key: str) -> dict:
    """Mean of slerir - generalist over the seeds, in dB, and half the width of its 95 % interval."""
    both = [(runs[f"slerir-{s}"][key], runs[f"generalist-{s}"][key]) for s in range(args.seeds)]
    gain = np.array([a - b for a, b in both])
    half = student.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5
    return {"mean": round(gain.mean(), 3), "half_width": round(half, 3), "seeds": gain.round(3).tolist()}


parser = arguments(__doc__)
parser.add_argument("--work", type=Path, default=Path("runs/against_generalist"), help="for checkpoints")
parser.add_argument("--minutes", type=float, default=5)
parser.add_argument("--seeds", type=int, default=3)
args = parser.parse_args()
photos = begin_with(args)
found = json.loads(args.out.read_text()) if args.out.exists() else {"minutes": args.minutes, "runs": {}}
if found["minutes"] != args.minutes:
    raise SystemExit(f"{args.out} was begun with --minutes {found['minutes']}: choose another file.")
if "seconds_per_step" not in found:
    found["seconds_per_step"] = {name: seconds_per_step(name, photos) for name in ("slerir", "generalist")}
    found["machine"] = machine()
    args.out.write_text(json.dumps(found, indent=1) + "\n")

for seed in range(args.seeds):
    for name in ("slerir", "generalist"):
        if (label := f"{name}-{seed}") in found["runs"]:
            continue
        plan = plan_for(name, args.minutes, found["seconds_per_step"][name])
        run = Trainer(photos, args.work / label, plan, new(name, seed), seed=seed)
        run.run()
        scores = evaluate(run.ema, pairs(args.pairs, tasks=FIVE))
        steps = {stage.name: stage.steps for stage in plan}
        found["runs"][label] = {key: scores[key] for key in AVERAGES} | {
            "tasks": {task: row["psnr"] for task, row in scores["tasks"].items()},
            "steps": steps,
            "seconds": round(run.seconds, 1),
        }
        args.out.write_text(json.dumps(found, indent=1) + "\n")

found["gain"] = {key: difference(found["runs"], key) for key in AVERAGES}
args.out.write_text(json.dumps(found, indent=1) + "\n")
for key, row in found["gain"].items():
    print(f"{key}: {row['mean']:+.2f} ± {row['half_width']:.2f} dB over {args.seeds} seeds")
