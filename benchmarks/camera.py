"""What the network makes of damaged photos as a camera gives them: saved as JPEG, or with faint grain.

    python benchmarks/camera.py --pairs PAIRS --out benchmarks/camera.json

The benchmark's damaged photos, saved with Pillow and read back, or with noise of two grey levels, against the
same clean ones. 4:2:0, Pillow's own setting and that of most cameras, halves the resolution of colour.
"""

import argparse
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from budget import machine

from slerir_lite.camera import as_jpeg
from slerir_lite.evaluate import evaluate
from slerir_lite.pairs import FIVE, Pair, pairs
from slerir_lite.weights import load_pretrained, load_weights

TASKS = ("clean", *FIVE)


def with_grain(x: np.ndarray, sigma: float = 2.0) -> np.ndarray:
    """(H, W, 3) uint8 -> with noise of sigma grey levels, rounded; one photo always gets the same."""
    rng = np.random.default_rng(zlib.crc32(x.tobytes()))
    return np.clip(np.rint(x + rng.normal(0, sigma, x.shape)), 0, 255).astype(np.uint8)


WAYS = {
    "JPEG, quality 95": partial(as_jpeg, quality=95),
    "JPEG, quality 75": partial(as_jpeg, quality=75),
    "grain of sigma 2": with_grain,
}


def taken(pair: Pair, way: Callable[[np.ndarray], np.ndarray]) -> Pair:
    """The same pair, its degraded photo as a camera would give it."""

    def load() -> tuple[np.ndarray, np.ndarray]:
        degraded, clean = pair.load()
        return way(degraded), clean

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
        photos = [taken(p, way) for p in pairs(args.pairs, args.limit, TASKS)]
        scores = evaluate(model, photos, again=True, spared=True)
        found[name] = {"tasks": scores["tasks"], "places": scores["routing"]["places"]}
        args.out.write_text(json.dumps(found, indent=1) + "\n")
