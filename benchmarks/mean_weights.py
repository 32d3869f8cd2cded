"""The mean of the weights that several runs ended with, which began with the same ones.

    python benchmarks/mean_weights.py runs/a/model.safetensors runs/b/model.safetensors --out mean.safetensors

Runs that differ by their seed only end near one another, and their mean serves at least as well as each
(Wortsman et al., "Model soups", ICML 2022). Pins and places lie on the sphere, and are put back on it.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F

from slerir_lite.model import SlerIR
from slerir_lite.weights import load_weights, save_weights


def mean(networks: list[SlerIR]) -> SlerIR:
    """The first network, with the mean of all weights and statistics."""
    found, others = networks[0], [network.state_dict() for network in networks]
    with torch.no_grad():
        for name, v in found.state_dict().items():
            if v.is_floating_point():  # not how many batches a norm has seen
                v.copy_(torch.stack([other[name] for other in others]).mean(0))
        for places in (found.compass.centres, found.router.pins):
            places.copy_(F.normalize(places, dim=-1))
    return found


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(words)
    save_weights(mean([load_weights(path) for path in args.weights]), args.out, {"of": len(args.weights)})


if __name__ == "__main__":
    main()
