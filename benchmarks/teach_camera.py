"""Teaches a compass that a photo is the same photo after a camera has been at it.

    python benchmarks/teach_camera.py --weights OLD.safetensors --photos PHOTOS --leave-out validation.txt \
        --out runs/camera

A camera adds faint grain and saves as JPEG, which smooths the colours (4:2:0) and the fine detail. A compass
that saw neither goes by such detail: it takes noisy, blurred and dark JPEGs for clean, and grain of a few
grey levels for darkness. Here a copy learns to say of the crop as a camera gives it what the compass itself
says of the crop as it was, token by token, and of that one what it always said; and to read off either what
was done to it. So pins and what reads motion need to learn nothing, and the stations little
(`tune_shipped.py`). Weights of a compass alone, such as the globe's, are taught too. Run it again to go on
after an interruption.
"""

import copy
import io
import json
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import photos
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from slerir_lite.batch import Batch
from slerir_lite.camera import taken
from slerir_lite.crops import RECIPE, Crops
from slerir_lite.files import write_whole
from slerir_lite.fuse import Fuse
from slerir_lite.model import Config, SlerIR
from slerir_lite.plan import Stage, rate
from slerir_lite.sphere import Compass, Sense
from slerir_lite.weights import load_weights, save_weights

TEACHES = ("close", "join", "direction")
CLEAN = 0.25  # against RECIPE's 0.1: what is clean must stay as it is, whatever the camera did
CORNERED = 0.3  # against 0.16: a dark spot in a bright photo looks like a dark wood
EVERY, SAVE_EVERY = 25, 500  # steps


@dataclass
class Reading:
    """What a compass and what follows it make of crops. tokens: local ones; guide: see `Fuse`; read: the
    amounts that the tokens tell of; senses: of the photos, and of each crop as a photo of its own."""

    tokens: Tensor
    guide: Tensor
    read: Tensor
    senses: tuple[Sense, Sense]


def whole(taught: SlerIR | Compass) -> SlerIR:
    """A network; for a compass alone one around it, whose guide sums up the tokens as chance has it."""
    if isinstance(taught, SlerIR):
        return taught
    network = SlerIR(Config(dim=taught.dim, tokens=taught.tokens))
    network.compass = taught
    return network


def reading(model: SlerIR, x: Tensor, batch: Batch, fuse: Fuse) -> Reading:
    """fuse: whose guide is told; of two readings to be compared, the same."""
    tokens = model.compass.look(x)
    senses = model.sense(x, tokens, batch.thumbnail), model.sense(x, tokens)
    guide = fuse(tokens, senses[0], batch.view)
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


def losses(mine: Reading, goal: Reading, amounts: Tensor) -> dict[str, Tensor]:
    """What the student's reading should come nearer to, by name: the teacher's, and what was done."""
    return difference(mine, goal) | {"truth": 10 * F.smooth_l1_loss(mine.read, amounts, beta=0.1)}


def main(words: list[str] | None = None) -> None:
    parser = photos.arguments(__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="of a network, or of a compass alone")
    parser.add_argument("--student", type=Path, help="weights to go on from; else a copy of --weights learns")
    parser.add_argument("--steps", type=int, default=16_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(words)
    args.out.mkdir(parents=True, exist_ok=True)
    images = photos.read(args).with_halves()
    crops = Crops(images, recipe=RECIPE | {"clean": CLEAN}, seed=args.seed, cornered=CORNERED).smaller
    loaded = load_weights(args.weights)
    torch.manual_seed(args.seed)  # of the guide that goes with a compass alone
    teacher = whole(loaded).eval().requires_grad_(False)
    student = whole(load_weights(args.student)).eval() if args.student else copy.deepcopy(teacher)
    student.requires_grad_(False)
    parts = [getattr(student.compass, name).requires_grad_() for name in TEACHES]
    optimizer = torch.optim.AdamW([p for part in parts for p in part.parameters()], fused=True)
    average = copy.deepcopy(student).requires_grad_(False)
    file, begun, history, begin = args.out / "state.pt", 0, [], time.monotonic()
    settings = {"steps": args.steps, "seed": args.seed, "photos": images.checksum}
    settings |= {"from": [zlib.crc32(it.read_bytes()) for it in (args.weights, args.student) if it]}
    if file.exists():
        state = torch.load(file, weights_only=True)
        if state["settings"] != settings:
            raise SystemExit(f"{file} is of a run with other settings: delete it, or choose another --out.")
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
            goal = reading(teacher, batch.degraded, batch, teacher.fuse)
        for name, x in (("plain", batch.degraded), ("taken", taken(batch.degraded, rng))):
            mine = reading(student, x, batch, teacher.fuse)
            found = losses(mine, goal, batch.amounts)
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
            torch.save(state | {"step": step + 1, "history": history, "settings": settings}, buffer)
            write_whole(file, buffer.getvalue())
            write_whole(args.out / "history.json", json.dumps(history).encode())
            learnt = average.compass if loaded is teacher.compass else average
            facts = {"seed": args.seed, "steps": step + 1}
            save_weights(learnt, args.out / "taught.safetensors", facts, half=True)
    print(f"{(time.monotonic() - begin) / 60:.1f} minutes", *history[-1:])


if __name__ == "__main__":
    main()
