"""What the specialists' difference is worth: the five tasks along their own place's path, and the others'.

    python benchmarks/exchange.py --pairs PAIRS --limit 12 --work runs/claims/short --out exchange.json

Measures the shipped weights and, in --work, where `claims.py` left them, those of SLER-IR lite of every seed.
Compass, guide and all else stay as they are; only the specialists are exchanged. Where that changes nothing,
they learnt the same. Run it again to go on with what isn't measured yet.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from parts import fill, reader
from probe_paths import place_paths

from slerir_lite.degrade import PLACES
from slerir_lite.evaluate import psnr
from slerir_lite.model import SlerIR
from slerir_lite.pairs import FIVE, pairs
from slerir_lite.photo import as_bytes
from slerir_lite.restore import restore
from slerir_lite.weights import load_pretrained, load_weights


def exchange(load: Callable[[], SlerIR], folder: Path, limit: int | None) -> dict:
    """{task: {place: mean PSNR in dB along that place's path}} of the network that `load` gives."""
    model = load()
    path, result = place_paths(model), {}
    for task in FIVE:
        rows = []
        for pair in pairs(folder, limit, [task]):
            degraded, clean = pair.load()
            rows.append([psnr(as_bytes(restore(degraded, model, path=path[p]).image), clean) for p in PLACES])
        result[task] = dict(zip(PLACES, np.mean(rows, axis=0).round(4).tolist(), strict=True))
    return result


def main(words: list[str] | None = None) -> None:
    parser = reader(__doc__)
    parser.add_argument("--work", type=Path, help="claims.py's --work, and in it the folder of the budget")
    args = parser.parse_args(words)
    networks = {"shipped": load_pretrained}
    if args.work:
        for file in sorted(args.work.glob("whole-slerir-*/model.safetensors")):
            networks["seed " + file.parent.name.split("-")[-1]] = partial(load_weights, file)
    jobs = {name: partial(exchange, load, args.pairs, args.limit) for name, load in networks.items()}
    fill(args.out, args.limit, jobs)


if __name__ == "__main__":
    main()
