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


def needed(requirements: list[str]) -> list[Requirement]:
    """Those that the notebooks need: the package's own and the extra "lab"."""
    found = []
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        wanted = marker is None or marker.evaluate({"extra": ""}) or marker.evaluate({"extra": "lab"})
        if wanted and requirement.name not in NOT_THERE:
            found.append(requirement)
    return found


def missing(requirements: list[str]) -> list[str]:
    """Those needed that are not installed."""
    return [f"{r.name}{r.specifier}" for r in needed(requirements) if not installed(r.name)]


def too_old(requirements: list[str]) -> list[str]:
    """Those needed that are there, and stay, in a version that the package was not written for."""
    there = [(r, installed(r.name)) for r in needed(requirements)]
    return [
        f"{r.name} is {has}, and {r.specifier} is needed"
        for r, has in there
        if has and not r.specifier.contains(has, prereleases=True)
    ]


def installed(name: str) -> str | None:
    """The version that is there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *arguments], check=True)


if __name__ == "__main__":
    pip("--no-deps", "-e", str(ROOT))
    importlib.invalidate_caches()
    if lacking := missing(requires("slerir-lite")):
        pip(*lacking)
    for told in too_old(requires("slerir-lite")):
        print(f"{told}. If a cell fails, that may be why.")
