"""Trains what the package ships: the network, and the compass's twin on the globe (d = 3) that plots show.

    python benchmarks/train_shipped.py --photos PHOTOS --leave-out validation.txt --out runs/shipped

Run it again to go on after an interruption. At the end the weights and their curves stand in
slerir_lite/pretrained/. PHOTOS are BSDS500's train and test photos, less those named in the text file.
"""

import json
from pathlib import Path

import photos

from slerir_lite.camera import SHARE
from slerir_lite.model import Config, SlerIR
from slerir_lite.plan import stages
from slerir_lite.train import Trainer
from slerir_lite.weights import save_weights

PRETRAINED = Path(__file__).resolve().parent.parent / "slerir_lite" / "pretrained"

parser = photos.arguments(__doc__)
parser.add_argument("--steps", type=int, default=30_000)
parser.add_argument("--compass-steps", type=int, default=4_000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

images = photos.read(args).with_halves()
plan = stages(args.steps, args.compass_steps)
network = Trainer(images, args.out / "slerir", plan, seed=args.seed, camera=SHARE)
network.run()
globe = Trainer(images, args.out / "globe", plan[:1], SlerIR(Config(dim=3)), seed=args.seed, camera=SHARE)
globe.run()

PRETRAINED.mkdir(exist_ok=True)
facts = {"seed": args.seed, "steps": network.step}
save_weights(network.ema, PRETRAINED / "slerir.safetensors", facts, half=True)
facts = {"seed": args.seed, "steps": globe.step}
save_weights(globe.ema.compass, PRETRAINED / "globe.safetensors", facts, half=True)
curves = {"slerir": network.history, "globe": globe.history}
(PRETRAINED / "curves.json").write_text(json.dumps(curves, indent=None, separators=(",", ":")) + "\n")
