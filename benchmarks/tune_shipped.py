"""Goes on with a network's stations and guide, at a low rate, on photos as cameras give them.

    python benchmarks/tune_shipped.py --start WEIGHTS --photos PHOTOS --leave-out validation.txt \
        --out runs/tuned

Compass, pins and what reads motion stay as they are in WEIGHTS. Run it again to go on after an interruption;
at the end the weights stand in runs/tuned/model.safetensors. Clean photos come --clean times as often as in
training: what nothing broke must stay as it is. Crops are nearly all border to a filter of 63 px, and so the
head that says where motion is to be undone learns to undo too little; --trust raises its bias beforehand.
"""

import argparse
from pathlib import Path

import torch

from slerir_lite.camera import SHARE
from slerir_lite.data import RECIPE, Photos
from slerir_lite.plan import STATIONS, Stage
from slerir_lite.train import Trainer
from slerir_lite.weights import load_weights

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--start", type=Path, required=True, help="weights to go on from")
parser.add_argument("--photos", type=Path, required=True)
parser.add_argument("--leave-out", type=Path, required=True, help="a text file of names, one a line")
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--steps", type=int, default=3_600)
parser.add_argument("--lr", type=float, default=4e-4, help="the learning rate at first; at last it is 2e-6")
parser.add_argument("--clean", type=float, default=3.0, help="how much more often photos are clean")
parser.add_argument("--trust", type=float, default=0.0, help="to add to the bias of `fuse.moved` at first")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

photos = Photos.from_folder(args.photos, leave_out=set(args.leave_out.read_text().split())).with_bristles()
plan = [Stage("team", args.steps, args.lr, 2e-6, STATIONS)]
recipe = RECIPE | {"clean": args.clean * RECIPE["clean"], "blur": 2 * RECIPE["blur"]}
start = load_weights(args.start)
with torch.no_grad():
    start.fuse.moved.bias += args.trust
Trainer(photos, args.out, plan, start, seed=args.seed, recipe=recipe, camera=SHARE).run()
