"""What the choosing costs: SlerIR's time beside the Generalist's, as ratios from one run.

    python benchmarks/cost.py --out benchmarks/cost.json

The two take turns, so that a machine that slows down slows both; a ratio is the median over the turns.
Photos come from the package's samples, and training from dead leaves.
"""

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
import torch
from budget import machine, new

from slerir_lite.data import BLOCK, Crops, Photos
from slerir_lite.degrade import BREAK, KINDS
from slerir_lite.losses import restoration_loss
from slerir_lite.model import MULTIPLE
from slerir_lite.plan import STATIONS
from slerir_lite.route import LAYERS, fixed
from slerir_lite.train import bf16_pays
from slerir_lite.weights import load_pretrained

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--turns", type=int, default=15)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()
torch.set_num_threads(args.threads)
LAST = torch.channels_last

slerir = load_pretrained().to(memory_format=LAST)
generalist = new("generalist", 0).to(memory_format=LAST).eval()
crops = Crops(Photos.dead_leaves(40))


def take_turns(a, b, turns: int = args.turns) -> dict[str, float]:
    """Medians of the two calls' milliseconds and of their ratio, turn by turn; two turns to warm up."""
    rows = []
    for _ in range(turns + 2):
        marks = [time.perf_counter()]
        for call in (a, b):
            call()
            marks.append(time.perf_counter())
        rows.append(np.diff(marks) * 1e3)
    rows = np.array(rows[2:])
    mine, theirs = np.median(rows, 0)
    ratio = np.median(rows[:, 0] / rows[:, 1])
    found = {"slerir_ms": mine, "generalist_ms": theirs, "ratio": ratio}
    return {name: round(float(v), 3) for name, v in found.items()}


def milliseconds(call, turns: int = 100, typical=np.median) -> float:
    rows = []
    for _ in range(turns + BLOCK):
        begin = time.perf_counter()
        call()
        rows.append(1e3 * (time.perf_counter() - begin))
    return round(float(typical(rows[BLOCK:])), 2)


def trainer(model):
    """A training step of the stage `team`: forward, backward and update, on batches as it makes them."""
    for name, part in model.named_children():
        part.requires_grad_(name in STATIONS)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, 1e-6, fused=True)
    batches = [crops.smaller.batch(k) for k in range(args.turns + 2)]

    def step():
        batch = batches.pop()
        x = batch.degraded.contiguous(memory_format=LAST)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_pays()):
            if model is generalist:
                y = model(x)
            else:
                y = model(x, view=batch.view, small=batch.thumbnail, motion=batch.motion).image
        optimizer.zero_grad(set_to_none=True)
        restoration_loss(y, batch.clean)[0].backward()
        optimizer.step()

    return step


found = {"machine": machine()}
with torch.inference_mode():
    photo = torch.rand(1, 3, 320, 480).contiguous(memory_format=LAST)
    found["one photo of 480 x 320"] = take_turns(lambda: slerir(photo), lambda: generalist(photo))
    one, none = (
        fixed(torch.zeros(1, LAYERS, dtype=torch.long)),
        fixed(torch.zeros(1, LAYERS, dtype=torch.long), 1),
    )
    found["its stations alone"] = take_turns(
        lambda: slerir.backbone(photo, one), lambda: generalist.backbone(photo, none)
    )
    mixed = torch.cat([crops.batch(k).degraded[::2] for k in range(4)])[:16]
    mixed = mixed.repeat(1, 1, 2, 2).contiguous(memory_format=LAST)  # damaged in different ways
    assert mixed.shape[-1] % MULTIPLE == 0
    found["16 mixed photos of 192 x 192"] = take_turns(lambda: slerir(mixed), lambda: generalist(mixed))
    found["paths among the 16"] = len(set(slerir(mixed).route.paths()))
slerir.train(), generalist.train(), slerir.compass.eval()
found["a training step of 20 crops of 64 x 64"] = take_turns(trainer(slerir), trainer(generalist))

x, generator = torch.rand(4, 3, 64, 64), torch.Generator().manual_seed(0)
found["degrading 20 crops of 64 x 64, four of each kind (ms)"] = milliseconds(
    lambda: [BREAK[kind](x, generator=generator) for kind in KINDS]
)
numbers = itertools.count(10_000)
found["making a training batch (ms)"] = milliseconds(
    lambda: crops.smaller.batch(next(numbers)), 40 * BLOCK, np.mean
)

args.out.write_text(json.dumps(found, indent=1) + "\n")
for name, row in found.items():
    print(name, row)
