"""Goes on with a network at a low rate, on photos as cameras give them.

    python benchmarks/tune_shipped.py --start WEIGHTS --photos PHOTOS --leave-out validation.txt \
        --out runs/tuned

Stations and guide learn; compass and pins only with --joint; what reads motion stays as it is in WEIGHTS. Run
it again to go on after an interruption; at the end the weights stand in runs/tuned/model.safetensors.
"""

from pathlib import Path

import photos
import torch

from slerir_lite.camera import SHARE
from slerir_lite.crops import CORNERED, RECIPE
from slerir_lite.losses import WEIGHTS
from slerir_lite.plan import STATIONS, Stage
from slerir_lite.train import Trainer
from slerir_lite.weights import load_weights


def main(words: list[str] | None = None) -> None:
    parser = photos.arguments(__doc__)
    parser.add_argument("--start", type=Path, required=True, help="weights to go on from")
    parser.add_argument("--joint", action="store_true", help="compass and pins learn too")
    parser.add_argument("--compass", type=float, default=1.0, help="times what its losses weigh in training")
    parser.add_argument("--steps", type=int, default=3_600)
    parser.add_argument("--lr", type=float, default=4e-4, help="the rate at first; at last it is 2e-6")
    parser.add_argument(
        "--more",
        nargs="*",
        default=["clean=3", "blur=2"],
        help="how many times as often as in training what comes",
    )
    parser.add_argument(
        "--cornered", type=float, default=CORNERED, help="share that is damaged in a disc only"
    )
    parser.add_argument("--trust", type=float, default=0.0, help="to add to the bias of fuse.moved at first")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(words)
    learns = (*STATIONS, "compass", "router") if args.joint else STATIONS
    plan = [Stage("joint" if args.joint else "team", args.steps, args.lr, 2e-6, learns)]
    times = dict(word.split("=") for word in args.more)
    recipe = RECIPE | {kind: float(often) * RECIPE[kind] for kind, often in times.items()}
    start = load_weights(args.start)
    with torch.no_grad():
        start.fuse.moved.bias += args.trust
    weights = {name: args.compass * weight for name, weight in WEIGHTS.items()}
    how = dict(seed=args.seed, recipe=recipe, camera=SHARE, cornered=args.cornered, weights=weights)
    Trainer(photos.read(args).with_halves(), args.out, plan, start, **how).run()


if __name__ == "__main__":
    main()
