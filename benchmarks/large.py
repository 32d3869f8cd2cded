"""Large photos: seconds and memory of restoring 1 to 48 megapixels, in tiles; and of `slerir restore` to 100.

    python benchmarks/large.py --out benchmarks/large.json [--parts network files]

Each size runs in a process of its own, so that its peak memory is its own, too. Photos are dead leaves,
tiled, with noise. What is measured does not depend on the weights, but for one thing: undoing motion costs
more, so that each photo is restored once without and once with it.

From file to file it is the command that is measured, with the shipped weights, from JPEG to JPEG: only its
memory, which does not depend on what else the machine does.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import torch
from PIL import Image

from slerir_lite import model as network
from slerir_lite.leaves import dead_leaves
from slerir_lite.model import SlerIR, pad
from slerir_lite.photo import as_bytes
from slerir_lite.spare import FELT
from slerir_lite.tiles import SEE, SHARPEN, restore_in_tiles, tiles

SIDES = (
    512,
    1024,
)  # px of the tiles from which the memory a pixel is told: both take more than starting does
MOTION = ("none", "undone")
NEVER, ALWAYS = 2.0, -1.0  # as `model.SHARE`, of the photo that must show motion


def photo(megapixels: float) -> torch.Tensor:
    """(1, 3, H, W), 4 : 3, in [0, 1]; made part by part, so that little memory is needed besides its own."""
    height = round(math.sqrt(megapixels * 1e6 * 3 / 4))
    width = round(megapixels * 1e6 / height)
    leaves, generator = dead_leaves(192).float() / 255, torch.Generator().manual_seed(0)
    x = torch.empty(1, 3, height, width).to(memory_format=torch.channels_last)
    for top, left in product(range(0, height, 192), range(0, width, 192)):
        part = x[0, :, top : top + 192, left : left + 192]
        grain = torch.randn(part.shape, generator=generator) * 0.05
        part.copy_((leaves[:, : part.shape[1], : part.shape[2]] + grain).clamp_(0, 1))
    return x


def peak(usage=None) -> float:
    """MB of memory that this process, or the one with that usage, has ever held at once."""
    most = (usage or resource.getrusage(resource.RUSAGE_SELF)).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3 / 1.024)


def measure(megapixels: float, threads: int, motion: str, side: int | None) -> dict:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network.SHARE = ALWAYS if motion == "undone" else NEVER
    model = SlerIR().eval().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        x = photo(0.01)
        restore_in_tiles(model, x)  # what is set up once is no part of the time
        x = photo(megapixels)
        before, begin = peak(), time.perf_counter()
        restore_in_tiles(model, x, side=side, spared=True)
        seconds = time.perf_counter() - begin
    return {
        "height": x.shape[-2],
        "width": x.shape[-1],
        "seconds": round(seconds, 2),
        "seconds per megapixel": round(seconds / megapixels, 3),
        "MB before": round(before),
        "MB at most": round(peak()),
    }


def apart(*what) -> dict:
    """`measure`, in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(what)], stdout=subprocess.PIPE, check=True, text=True
    )
    return json.loads(done.stdout)


def from_file_to_file(megapixels: float, threads: int) -> dict:
    """The command's peak memory. What starts it must be smaller, as a new process inherits a peak."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "large.jpg", Path(folder) / "restored.jpg"
        subprocess.run([sys.executable, __file__, "--jpeg", str(megapixels), str(source)], check=True)
        command = "from slerir_lite.cli import app; app()", "restore", str(source), "-o", str(target)
        run = subprocess.Popen(
            [sys.executable, "-c", *command],
            stdout=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        Image.MAX_IMAGE_PIXELS = None  # Pillow warns of photos as large as these
        with Image.open(source) as before, Image.open(target) as after:
            assert run.returncode == 0 and before.size == after.size
            width, height = before.size
        return {"height": height, "width": width, "MB of the JPEG": round(source.stat().st_size / 1e6, 1),
                "MB at most": round(peak(usage))}  # fmt: skip


def bytes_a_pixel(motion: str) -> int:
    """By how much memory grows for each pixel of a tile, margins included; `tiles.BYTES` must be above it."""
    margin = SEE + SHARPEN * (motion == "undone") + FELT
    most, pixels = [], []
    for side in SIDES:
        row = apart(1, 1, motion, side)
        height, width = pad(torch.empty(1, 1, row["height"], row["width"])).shape[-2:]
        outer = [box for _, box in tiles(height, width, side, margin)]
        most.append(row["MB at most"])
        pixels.append(max((b[1].stop - b[1].start) * (b[2].stop - b[2].start) for b in outer))
    return round(1e6 * (most[1] - most[0]) / (pixels[1] - pixels[0]))


parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--out", type=Path)
parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 6, 12, 24, 48])
parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
parser.add_argument("--parts", choices=["network", "files"], nargs="+", default=["network", "files"])
parser.add_argument("--files", type=float, nargs="+", default=[12, 24, 48, 100], help="megapixels")
parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
parser.add_argument("--jpeg", nargs=2, help=argparse.SUPPRESS)
args = parser.parse_args()
if args.one:
    print(json.dumps(measure(*args.one)))
    sys.exit()
if args.jpeg:
    Image.fromarray(as_bytes(photo(float(args.jpeg[0]))[0])).save(args.jpeg[1], quality=95)
    sys.exit()
if args.out is None:
    parser.error("--out is needed")

from budget import machine  # noqa: E402  (not in the processes that measure: it loads much more)

found = json.loads(args.out.read_text()) if args.out.exists() else {}


def write(rows: list[dict], row: dict) -> None:
    print(row, flush=True)
    rows.append(row)
    args.out.write_text(json.dumps(found, indent=1) + "\n")


if "network" in args.parts:
    found |= {
        "machine": machine(),
        "bytes for each pixel of a tile": {m: bytes_a_pixel(m) for m in MOTION},
        "rows": [],
    }
    for threads, motion, megapixels in product(args.threads, MOTION, args.megapixels):
        row = {"megapixels": megapixels, "threads": threads, "motion": motion}
        write(found["rows"], row | apart(megapixels, threads, motion, None))
if "files" in args.parts:
    found["from file to file"] = []
    for threads, megapixels in product(args.threads, args.files):
        row = {"megapixels": megapixels, "threads": threads}
        write(found["from file to file"], row | from_file_to_file(megapixels, threads))
