"""What a variant costs: parameters, multiply-adds, time and memory, for restoring and for training.

Multiply-adds are those of convolutions and matrices, as PyTorch counts them; interpolation and Fourier
transforms are not among them. Memory is what a process of its own needs more at its peak than before.
"""

import gc
import multiprocessing
import re
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from slerir_lite.data import Crops, Photos
from slerir_lite.experts import Station
from slerir_lite.losses import restoration_loss
from slerir_lite.model import SlerIR
from slerir_lite.plan import STATIONS

SIDE = 512  # px, of the photo that is restored: about a quarter of a megapixel
LAST = torch.channels_last


def parameters(model: nn.Module) -> dict[str, int]:
    """All, and those that work on one photo: of each station, one expert."""
    every = sum(p.numel() for p in model.parameters())
    idle = sum(
        p.numel()
        for m in model.modules()
        if isinstance(m, Station)
        for e in m.experts[1:]
        for p in e.parameters()
    )
    return {"parameters": every, "active_parameters": every - idle}


def multiply_adds(model: nn.Module) -> float:
    """A megapixel, in thousand millions (GMAC/MP)."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(torch.rand(1, 3, SIDE, SIDE))
    return counter.get_total_flops() / 2 / 1e9 / (SIDE * SIDE / 1e6)


def restoring(model: nn.Module) -> None:
    """One photo."""
    with torch.inference_mode():
        model(torch.rand(1, 3, SIDE, SIDE).contiguous(memory_format=LAST))


def training(model: nn.Module, crops: Crops, optimizer: torch.optim.Optimizer, step: int) -> None:
    """One step of stations and guide, on batches as the stage `team` makes them: 20 crops of 64 px."""
    batch = crops.smaller.batch(step)
    x = batch.degraded.contiguous(memory_format=LAST)
    if isinstance(model, SlerIR):
        y = model(x, view=batch.view, small=batch.thumbnail, motion=batch.motion, label=batch.label).image
    else:
        y = model(x)
    optimizer.zero_grad(set_to_none=True)
    restoration_loss(y, batch.clean)[0].backward()
    optimizer.step()


def measure(build, turns: int, threads: int) -> dict:
    """All of it, of the network that build(seed) makes."""
    alone = multiprocessing.get_context("spawn")
    found = parameters(build(0).eval()) | {"gmac_per_megapixel": round(multiply_adds(build(0).eval()), 3)}
    for what in ("restoring", "training"):
        with alone.Pool(1) as pool:  # a process of its own, so that its peak of memory is its own
            found[what] = pool.apply(_alone, (build, what, turns, threads))
    return found


def _alone(build, what: str, turns: int, threads: int) -> dict:
    torch.set_num_threads(threads)
    model = build(0).to(memory_format=LAST).eval()
    if what == "training":
        crops = Crops(Photos.dead_leaves(4))
        for name, part in model.named_children():
            part.requires_grad_(name in STATIONS).train(name in STATIONS)
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-6, fused=True)
    gc.collect()
    before = peak()
    seconds = []
    for turn in range(turns + 2):
        begin = time.perf_counter()
        restoring(model) if what == "restoring" else training(model, crops, optimizer, turn)
        seconds.append(time.perf_counter() - begin)
    return {
        "milliseconds": round(1e3 * float(np.median(seconds[2:])), 2),
        "megabytes": None if before is None else round(peak() - before, 1),
    }


def peak() -> float | None:
    """MB of memory that this process has had at most; None where the system doesn't tell.

    (Its ru_maxrss would not do: on Linux a process inherits that of the one that started it.)
    """
    status = Path("/proc/self/status")
    told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(told[1]) / 1024 if told else None
