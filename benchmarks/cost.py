"""What the choosing costs: SlerIR's time beside the Generalist's, as ratios from one run.

    python benchmarks/cost.py --out benchmarks/cost.json

The two take turns, so that a machine that slows down slows both; a ratio is the median over the turns. How
a process's memory happens to lie is worth a tenth of its time, so figures are medians of several processes.
Photos come from the package's samples, and training from dead leaves.
"""

import argparse
import itertools
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from budget import machine, new

from slerir_lite.crops import BLOCK, Crops
from slerir_lite.data import Photos
from slerir_lite.degrade import BREAK, KINDS
from slerir_lite.losses import restoration_loss
from slerir_lite.model import MULTIPLE, SlerIR
from slerir_lite.plan import STATIONS
from slerir_lite.route import LAYERS, fixed
from slerir_lite.train import bf16_pays
from slerir_lite.weights import load_pretrained

LAST = torch.channels_last


def take_turns(a, b, turns: int) -> dict[str, float]:
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


def trainer(model, crops: Crops, turns: int):
    """A training step of the stage `team`: forward, backward and update, on batches as it makes them."""
    for name, part in model.named_children():
        part.requires_grad_(name in STATIONS)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, 1e-6, fused=True)
    batches = [crops.smaller.batch(k) for k in range(turns + 2)]

    def step():
        batch = batches.pop()
        x = batch.degraded.contiguous(memory_format=LAST)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_pays()):
            if isinstance(model, SlerIR):
                y = model(x, view=batch.view, thumbnails=batch.thumbnail, motion=batch.motion).image
            else:
                y = model(x)
        optimizer.zero_grad(set_to_none=True)
        restoration_loss(y, batch.clean)[0].backward()
        optimizer.step()

    return step


def measure(turns: int, threads: int) -> dict:
    """All figures, from this process."""
    torch.set_num_threads(threads)
    slerir = load_pretrained().to(memory_format=LAST)
    generalist = new("generalist", 0).to(memory_format=LAST).eval()
    crops, found = Crops(Photos.dead_leaves(40)), {"machine": machine()}
    with torch.inference_mode():
        photo = torch.rand(1, 3, 320, 480).contiguous(memory_format=LAST)
        found["one photo of 480 x 320"] = take_turns(lambda: slerir(photo), lambda: generalist(photo), turns)
        zeros = torch.zeros(1, LAYERS, dtype=torch.long)
        one, none = fixed(zeros), fixed(zeros, 1)
        found["its stations alone"] = take_turns(
            lambda: slerir.backbone(photo, one), lambda: generalist.backbone(photo, none), turns
        )
        mixed = torch.cat([crops.batch(k).degraded[::2] for k in range(4)])[:16]
        mixed = mixed.repeat(1, 1, 2, 2).contiguous(memory_format=LAST)  # damaged in different ways
        assert mixed.shape[-1] % MULTIPLE == 0
        found["16 mixed photos of 192 x 192"] = take_turns(
            lambda: slerir(mixed), lambda: generalist(mixed), turns
        )
        found["paths among the 16"] = len(set(slerir(mixed).route.paths()))
    slerir.train(), generalist.train(), slerir.compass.eval()
    steps = trainer(slerir, crops, turns), trainer(generalist, crops, turns)
    found["a training step of 20 crops of 64 x 64"] = take_turns(*steps, turns)

    x, generator = torch.rand(4, 3, 64, 64), torch.Generator().manual_seed(0)
    found["degrading 20 crops of 64 x 64, four of each kind (ms)"] = milliseconds(
        lambda: [BREAK[kind](x, generator=generator) for kind in KINDS]
    )
    numbers = itertools.count(10_000)
    found["making a training batch (ms)"] = milliseconds(
        lambda: crops.smaller.batch(next(numbers)), 10 * BLOCK, np.mean
    )
    return found


def middle(rows: list):
    """Of what several processes found, number by number: the median."""
    if isinstance(rows[0], dict):
        return {name: middle([row[name] for row in rows]) for name in rows[0]}
    return rows[0] if rows.count(rows[0]) == len(rows) else round(float(np.median(rows)), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=7)
    parser.add_argument("--turns", type=int, default=15, help="in each process")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        rows = pool.starmap(measure, [(args.turns, args.threads)] * args.processes, chunksize=1)
    found = middle(rows) | {"processes": args.processes}
    args.out.write_text(json.dumps(found, indent=1) + "\n")
    for name, row in found.items():
        print(name, row)
