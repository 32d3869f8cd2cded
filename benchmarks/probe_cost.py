"""What a variant costs: parameters, multiply-adds, time and memory, for restoring and for training.

Multiply-adds are those of convolutions and matrices, as PyTorch counts them; interpolation and Fourier
transforms are not among them. Memory is what a process of its own needs more at its peak than before.
"""

import gc
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from timing import in_turn
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from slerir_lite.crops import Crops
from slerir_lite.data import Photos
from slerir_lite.experts import Station
from slerir_lite.losses import restoration_loss
from slerir_lite.model import SlerIR
from slerir_lite.plan import STATIONS
from slerir_lite.route import Table, table_from_pairings
from slerir_lite.train import bf16_pays

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


def restoring(model: nn.Module) -> Callable[[int], None]:
    """One photo."""

    def work(number: int) -> None:
        with torch.inference_mode():
            model(torch.rand(1, 3, SIDE, SIDE).contiguous(memory_format=LAST))

    return work


def training(model: nn.Module) -> Callable[[int], None]:
    """One step of stations and guide, on batches as the stage `team` makes them: 20 crops of 64 px.

    An untaught router may send all of them to one expert. Here the true label does the choosing, which parts
    them among the experts as a taught router would.
    """
    crops = Crops(Photos.dead_leaves(4))
    if isinstance(model, SlerIR) and model.config.experts > 1:
        model.router = Table(table_from_pairings(), model.compass.centres)
    for name, part in model.named_children():
        part.requires_grad_(name in STATIONS).train(name in STATIONS)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-6, fused=True)

    def work(number: int) -> None:
        batch = crops.smaller.batch(number)
        x = batch.degraded.contiguous(memory_format=LAST)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_pays()):  # as the Trainer does
            if isinstance(model, SlerIR):
                told = {
                    "view": batch.view,
                    "thumbnails": batch.thumbnail,
                    "motion": batch.motion,
                    "label": batch.label,
                }
                y = model(x, **told).image
            else:
                y = model(x)
        optimizer.zero_grad(set_to_none=True)
        restoration_loss(y, batch.clean)[0].backward()
        optimizer.step()

    return work


def costs(builds: dict[str, Callable[[int], nn.Module]], turns: int) -> dict[str, dict]:
    """All of it, of the networks that each build(seed) makes. They take turns, see `in_turn`."""
    found = {}
    for name, build in builds.items():
        model = build(0).eval()
        found[name] = parameters(model) | {"gmac_per_megapixel": round(multiply_adds(model), 3)}
    for what in (restoring, training):
        for name, spent in in_turn(
            {name: (_spent, build, what, turns) for name, build in builds.items()}
        ).items():
            found[name][what.__name__] = spent
    return found


def _spent(turn: Callable[[], None], build: Callable[[int], nn.Module], what: Callable, turns: int) -> dict:
    """Time and memory of one network, in a process that does nothing else, so that the peak is its own."""
    work = what(build(0).to(memory_format=LAST).eval())
    gc.collect()
    before, seconds = peak(), []
    for number in range(turns + 2):
        turn()
        begin = time.perf_counter()
        work(number)
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
