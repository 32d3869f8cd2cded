"""Bands: what a lesson says it shows, as a number and the limits that it must keep.

Ours: a lesson that trains shows something only if it shows it with any seed. So its results are asserted in
one way, `band`, which can also write them down: `SLERIR_BANDS` names a file, to which each band adds a line.
`notebooks/seeds.py` reads such files of several seeds.
"""

import json
import os
from pathlib import Path

VARIABLE = "SLERIR_BANDS"


def band(name: str, value: float, at_least: float | None = None, at_most: float | None = None) -> None:
    """Assert that a value lies between two limits, of which one may be left out.

    name: what the value is, with its unit, such as "gain on haze (dB)". Raises AssertionError that says all
    of it (also where the value is no number, NaN), and ValueError where there is no limit.
    """
    if at_least is None and at_most is None:
        raise ValueError(f"{name}: a band has one limit at least.")
    value = float(value)
    held = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    if file := os.environ.get(VARIABLE):
        line = {"name": name, "value": value, "at_least": at_least, "at_most": at_most, "held": held}
        with Path(file).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
    limits = [f"{word} {limit:.4g}" for word, limit in (("at least", at_least), ("at most", at_most))
              if limit is not None]  # fmt: skip
    assert held, f"{name}: {value:.4g}, but it should be {' and '.join(limits)}."
