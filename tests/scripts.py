"""The scripts of benchmarks/, for tests."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = str(Path(__file__).resolve().parent.parent / "benchmarks")


def of(name: str) -> ModuleType:
    """A script, which imports its neighbours as when it is run."""
    if FOLDER not in sys.path:
        sys.path.insert(0, FOLDER)
    return importlib.import_module(name)
