"""Photos of one size, restored one by one and together: how many a second.

    python benchmarks/together.py --out benchmarks/together.json

Eight sample photos of 256 x 256 px, damaged in different ways. The two ways take turns.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from budget import machine

from slerir_lite.photo import read_photo
from slerir_lite.restore import restore, restore_together

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples" / "degraded"

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--turns", type=int, default=9)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()
torch.set_num_threads(args.threads)

photos = [read_photo(f)[:, :256, :256].contiguous() for f in sorted(SAMPLES.glob("*.png"))]
photos = [x for x in photos if x.shape == (3, 256, 256)][:8]
rows = []
for _ in range(args.turns + 1):
    marks = [time.perf_counter()]
    [restore(x) for x in photos]
    marks.append(time.perf_counter())
    restore_together(photos)
    marks.append(time.perf_counter())
    rows.append(len(photos) / np.diff(marks))
alone, together = np.median(rows[1:], 0)  # the first turn warms up
found = {
    "machine": machine(),
    "photos": len(photos),
    "photos a second, one by one": round(float(alone), 2),
    "photos a second, together": round(float(together), 2),
}
args.out.write_text(json.dumps(found, indent=1) + "\n")
print(found)
