"""Teaches a compass that a photo is the same photo after a camera has been at it.

    python benchmarks/teach_camera.py --weights OLD.safetensors --photos PHOTOS --leave-out validation.txt \
        --out runs/camera

A camera adds faint grain and saves as JPEG, which smooths the colours (4:2:0) and the fine detail. A compass
that saw neither goes by such detail: it takes noisy, blurred and dark JPEGs for clean, and grain of a few
grey levels for darkness. Here a copy learns to say of the crop as a camera gives it what the compass itself
says of the crop as it was, token by token, and of that one what it always said. So neither stations nor pins
need to learn anything. Run it again to go on after an interruption.
"""

import argparse
import copy
import io
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from camera import as_jpeg
from torch import Tensor
from tqdm import tqdm

from slerir_lite.data import RECIPE, Batch, Crops, Photos
from slerir_lite.degrade import quantise
from slerir_lite.files import write_whole
from slerir_lite.model import SlerIR
from slerir_lite.photo import as_bytes
from slerir_lite.plan import Stage, rate
from slerir_lite.sphere import Sense
from slerir_lite.weights import load_weights, save_weights

TEACHES = ("close", "join", "direction")
CLEAN = 0.25  # against RECIPE's 0.1: what is clean must stay as it is, whatever the camera did
GRAIN, GRAINED = 4.0, 0.6  # sigma at most, of 255; share of the photos. Training calls noise what has 5
WAYS = {"jpeg": 0.6, "8 bits": 0.25, "unrounded": 0.15}  # as 16 bits hardly are
QUALITIES = (60, 98)
COLOUR = {"4:2:0": 0.7, "4:2:2": 0.1, "4:4:4": 0.2}
BLOCKS = 16  # px: of 8 px, and twice as wide where colours were halved
EVERY, SAVE_EVERY = 25, 500  # steps


def taken(x: Tensor, rng: np.random.Generator) -> Tensor:
    """(P*2, 3, H, W), pairs of crops of P photos, as a camera gives them; each photo in one way."""
    found = []
    for pair in x.split(2):
        sigma = GRAIN * rng.random() * (rng.random() < GRAINED)
        pair = (pair + sigma / 255 * torch.from_numpy(rng.standard_normal(pair.shape)).float()).clamp(0, 1)
        way = rng.choice(list(WAYS), p=list(WAYS.values()))
        found += saved(pair, rng) if way == "jpeg" else quantise(pair) if way == "8 bits" else pair
    return torch.stack(found)


def saved(pair: Tensor, rng: np.random.Generator) -> Tensor:
    """(2, 3, H, W) crops of one photo, as cut from it after it was saved as JPEG."""
    quality = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1))
    colour = str(rng.choice(list(COLOUR), p=list(COLOUR.values())))
    rows = []
    for crop in pair:
        top, left = rng.integers(0, BLOCKS, 2).tolist()  # the crop begins anywhere within a block
        wider = F.pad(crop[None], (left, 0, top, 0), "reflect")[0]
        rows.append(as_jpeg(as_bytes(wider), quality, colour)[top:, left:])
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float().div_(255)


@dataclass
class Reading:
    """What a compass and what follows it make of crops. tokens: local ones; guide: see `Fuse`; read: the
    amounts that the tokens tell of; senses: of the photos, and of each crop as a photo of its own."""

    tokens: Tensor
    guide: Tensor
    read: Tensor
    senses: tuple[Sense, Sense]


def reading(model: SlerIR, x: Tensor, batch: Batch) -> Reading:
    tokens = model.compass.look(x)
    senses = model.sense(x, tokens, batch.thumbnail), model.sense(x, tokens)
    guide = model.fuse(tokens, senses[0], batch.view)
    return Reading(tokens, guide, model.compass.read(tokens), senses)


def difference(mine: Reading, goal: Reading) -> dict[str, Tensor]:
    """How far apart two readings of the same crops are, by name, each as a share of what there is to tell."""
    found = {
        name: F.mse_loss(getattr(mine, name), getattr(goal, name)) / getattr(goal, name).square().mean()
        for name in ("tokens", "guide", "read")
    }
    pairs = list(zip(mine.senses, goal.senses, strict=True))
    found["global"] = sum(
        F.mse_loss(m.global_token, g.global_token) / g.global_token.square().mean() for m, g in pairs
    )
    found["direction"] = sum(10 * (1 - (m.z * g.z).sum(1)).mean() for m, g in pairs)
    return found


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--leave-out", type=Path, required=True, help="a text file of names, one a line")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(words)
    args.out.mkdir(parents=True, exist_ok=True)
    photos = Photos.from_folder(
        args.photos, leave_out=set(args.leave_out.read_text().split())
    ).with_bristles()
    crops = Crops(photos, recipe=RECIPE | {"clean": CLEAN}, seed=args.seed).smaller
    teacher = load_weights(args.weights).eval().requires_grad_(False)
    student = copy.deepcopy(teacher)
    parts = [getattr(student.compass, name).requires_grad_() for name in TEACHES]
    optimizer = torch.optim.AdamW([p for part in parts for p in part.parameters()], fused=True)
    average = copy.deepcopy(student).requires_grad_(False)
    file, begun, history, begin = args.out / "state.pt", 0, [], time.monotonic()
    if file.exists():
        state = torch.load(file, weights_only=True)
        begun, history = state["step"], state["history"]
        for it, kept in ((student, "student"), (average, "average"), (optimizer, "optimizer")):
            it.load_state_dict(state[kept])
    stage = Stage("compass", args.steps, 8e-4, 2e-6, ("compass",))
    for step in tqdm(range(begun, args.steps), initial=begun, total=args.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(stage, step)
        batch, rng = crops.batch(step), np.random.default_rng([args.seed, step])
        loss, told = 0, {}
        with torch.no_grad():
            goal = reading(teacher, batch.degraded, batch)
        for name, x in (("plain", batch.degraded), ("taken", taken(batch.degraded, rng))):
            found = difference(reading(student, x, batch), goal)
            loss = loss + sum(found.values())
            told |= {f"{name} {part}": round(float(v.detach()), 4) for part, v in found.items()}
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(student.parameters()), 0.005)
        if (step + 1) % EVERY == 0:
            history.append({"step": step + 1} | told)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == args.steps:
            kept = {"student": student, "average": average, "optimizer": optimizer}
            state = {name: it.state_dict() for name, it in kept.items()}
            buffer = io.BytesIO()
            torch.save(state | {"step": step + 1, "history": history}, buffer)
            write_whole(file, buffer.getvalue())
            write_whole(args.out / "history.json", json.dumps(history).encode())
            save_weights(
                average, args.out / "taught.safetensors", {"seed": args.seed, "steps": step + 1}, half=True
            )
    print(f"{(time.monotonic() - begin) / 60:.1f} minutes", *history[-1:])


if __name__ == "__main__":
    main()
