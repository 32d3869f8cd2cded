"""What ten minutes of training from scratch are worth, on whatever machine this is.

    python benchmarks/ten_minutes.py --photos PHOTOS --leave-out validation.txt --pairs PAIRS --out NEW.json

PAIRS: a folder as `slerir evaluate --pairs` reads it. The steps are timed first (a minute) and then fixed.
"""

import json
import tempfile
import time

from budget import arguments, begin_with, machine, new, plan_for
from timing import seconds_per_step

from slerir_lite.evaluate import evaluate
from slerir_lite.pairs import FIVE, pairs
from slerir_lite.plan import stages
from slerir_lite.train import Trainer

SPARE = 0.05  # of the minutes: for centres, checkpoints and what else the machine does

parser = arguments(__doc__)
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
photos = begin_with(args)
timed = seconds_per_step(lambda: new("slerir", args.seed), stages(100, 1), photos)
plan = plan_for((1 - SPARE) * args.minutes, timed)
with tempfile.TemporaryDirectory() as folder:
    begin = time.monotonic()
    run = Trainer(photos, folder, plan, new("slerir", args.seed), seed=args.seed)
    run.run()
    minutes = (time.monotonic() - begin) / 60
scores = evaluate(run.ema, pairs(args.pairs, tasks=FIVE))
before = sum(scores["tasks"][task]["input_psnr"] for task in FIVE) / len(FIVE)
found = {
    "minutes": round(minutes, 2),
    "steps": {stage.name: stage.steps for stage in plan},
    "seconds_per_step": {stage: round(v, 4) for stage, v in timed.items()},
    "gain": round(scores["five_task_average"] - before, 3),
    "seed": args.seed,
    "machine": machine(),
    "scores": scores,
}
args.out.write_text(json.dumps(found, indent=1) + "\n")
print(f"{minutes:.1f} minutes gained {found['gain']:.2f} dB on the five tasks' average")
