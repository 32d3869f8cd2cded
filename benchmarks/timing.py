"""How long a training step takes: of one network, or of several that take turns.

A machine that others share can be a third slower for minutes. What is to be compared is therefore timed in
turns of a few seconds, so that a slow minute is slow for all.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from slerir_lite.crops import BLOCK
from slerir_lite.data import Photos
from slerir_lite.plan import Stage
from slerir_lite.train import Trainer


def seconds_per_step(
    build: Callable[[], nn.Module],
    plan: list[Stage],
    photos: Photos,
    steps: int = 60,
    turn: Callable[[], None] = lambda: None,
    **how,
) -> dict[str, float]:
    """{stage: seconds a step}, the first steps left out; data, averaging and all included.

    Measured in one short run through all stages, so that images part among the experts as they will. The
    steps are timed block by block, as batches are made, and the median of the blocks is told: a moment in
    which the machine was busy elsewhere doesn't count. turn: is called between blocks, and not timed.
    how: to the Trainer.
    """
    blocks = max(2, steps // BLOCK) + 2
    begun, ended = np.zeros((2, len(plan) * blocks))
    with tempfile.TemporaryDirectory() as folder:
        run = Trainer(
            photos, folder, [replace(s, steps=blocks * BLOCK) for s in plan], build(), quiet=True, **how
        )
        for crops in (run.crops, run.crops.smaller):

            def batch(step: int, fetch=crops.batch):
                block, inside = divmod(step, BLOCK)
                if not inside and block < len(begun):  # none of those that the centres are measured on
                    ended[block - 1] = time.perf_counter()
                    turn()
                    begun[block] = time.perf_counter()
                return fetch(step)

            crops.batch = batch
        run.run()
    # A stage's first block warms up, and its last one ends with what comes between stages.
    took = (ended - begun).reshape(len(plan), blocks)[:, 1:-1] / BLOCK
    names = dict.fromkeys(stage.name for stage in plan)
    of = {name: took[[stage.name == name for stage in plan]] for name in names}
    return {name: float(np.median(rows)) for name, rows in of.items()}


def in_turn(jobs: dict[str, tuple]) -> dict:
    """{name: what came back}: each job in a process of its own, of which one runs at a time.

    jobs: name -> (function, *arguments), all to be pickled. function(turn, *arguments) calls turn() between
    blocks of what it times, and there the others have their turn.
    """
    alone = multiprocessing.get_context("spawn")
    back, running, found = alone.SimpleQueue(), {}, {}
    for name, job in jobs.items():
        go, done = alone.Semaphore(0), alone.Semaphore(0)
        threads = torch.get_num_threads()
        process = alone.Process(target=_one, args=(name, job, threads, go, done, back), daemon=True)
        process.start()
        running[name] = process, go, done
    while running:
        for name, (process, go, done) in list(running.items()):
            go.release()
            while not done.acquire(timeout=1):
                if process.exitcode is not None and not done.acquire(block=False):
                    raise RuntimeError(f"Timing {name} failed; the error stands above.")
            if not back.empty():
                found |= back.get()
                del running[name]
    return {name: found[name] for name in jobs}


def _one(name: str, job: tuple, threads: int, go, done, back) -> None:
    torch.set_num_threads(threads)
    function, *arguments = job

    def turn() -> None:
        done.release()
        go.acquire()

    go.acquire()
    back.put({name: function(turn, *arguments)})
    done.release()
