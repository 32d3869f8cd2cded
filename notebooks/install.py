"""Installs this package where a notebook runs, and replaces nothing that is there.

A notebook's set-up cell calls it on Colab and Kaggle, whose packages fit each other: first the package
itself without its dependencies, then those of its dependencies that are missing, and no others.
"""

import importlib
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
NOT_THERE = {"jupyterlab", "ipykernel"}  # a hosted notebook has a front end and a kernel of its own


def missing(requirements: list[str]) -> list[str]:
    """Those needed to run the notebooks (the package's own and the extra "lab") that are not installed."""
    needed = []
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        wanted = marker is None or marker.evaluate({"extra": ""}) or marker.evaluate({"extra": "lab"})
        if wanted and requirement.name not in NOT_THERE and not installed(requirement.name):
            needed.append(f"{requirement.name}{requirement.specifier}")
    return needed


def installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *arguments], check=True)


if __name__ == "__main__":
    pip("--no-deps", "-e", str(ROOT))
    importlib.invalidate_caches()
    if lacking := missing(requires("slerir-lite")):
        pip(*lacking)
