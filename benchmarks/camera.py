"""What the network makes of damaged photos that were saved as JPEG, which most photos are.

    python benchmarks/camera.py --pairs PAIRS --out benchmarks/camera.json

The benchmark's damaged photos, saved with Pillow and read back, against the same clean ones. 4:2:0, Pillow's
own setting and that of most cameras, halves the resolution of colour.
"""

import argparse
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from budget import machine
from PIL import Image

from slerir_lite.evaluate import evaluate
from slerir_lite.pairs import FIVE, Pair, pairs
from slerir_lite.weights import load_pretrained, load_weights

WAYS = {"quality 95, 4:2:0": (95, "4:2:0"), "quality 75, 4:2:0": (75, "4:2:0")}
TASKS = ("clean", *FIVE)


def as_jpeg(x: np.ndarray, quality: int, colour: str = "4:2:0") -> np.ndarray:
    """(H, W, 3) uint8 -> what is read back from a JPEG of it."""
    file = io.BytesIO()
    Image.fromarray(x).save(file, "JPEG", quality=quality, subsampling=colour)
    with Image.open(file) as image:
        return np.array(image)


def saved(pair: Pair, quality: int, colour: str) -> Pair:
    """The same pair, its degraded photo saved as JPEG."""

    def load() -> tuple[np.ndarray, np.ndarray]:
        degraded, clean = pair.load()
        return as_jpeg(degraded, quality, colour), clean

    return replace(pair, load=load)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=Path, required=True, help="as `slerir evaluate --pairs` reads them")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="only the first so many photos of each task")
    parser.add_argument("--weights", type=Path, help="default, the package's own")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = load_weights(args.weights) if args.weights else load_pretrained()
    found = {"machine": machine()}
    for name, way in WAYS.items():
        scores = evaluate(model, [saved(p, *way) for p in pairs(args.pairs, args.limit, TASKS)], again=True)
        found[name] = {"tasks": scores["tasks"], "places": scores["routing"]["places"]}
        args.out.write_text(json.dumps(found, indent=1) + "\n")
