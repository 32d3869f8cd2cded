"""What the claims' probes find in the shipped weights: one network, one seed. One command.

    python benchmarks/shipped.py --pairs PAIRS --out benchmarks/shipped.json --limit 12

Run it again to go on: probes that the file holds already are not redone. PAIRS: a folder as
`slerir evaluate --pairs` reads it.
"""

from functools import partial

from parts import fill, reader
from probe_hindsight import hindsight
from probe_paths import mixes, paths
from probe_places import crowding
from probe_specialists import specialists

from slerir_lite.weights import load_pretrained


def main(words: list[str] | None = None) -> None:
    args, model = reader(__doc__).parse_args(words), load_pretrained()
    probes = {"mixes": mixes, "hindsight": hindsight, "specialists": specialists, "paths": paths}
    parts = {name: partial(p, model, args.pairs, args.limit) for name, p in probes.items()}
    parts["crowding"] = partial(
        crowding, model, args.pairs, None
    )  # only looks, and so has time for all photos
    fill(args.out, args.limit, parts)


if __name__ == "__main__":
    main()
