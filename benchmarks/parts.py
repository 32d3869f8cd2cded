"""A long measurement in parts, each kept as soon as it is done: run it again, and only the rest is done."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from budget import machine
from claims import revision

from slerir_lite.files import write_whole


def reader(doc: str) -> argparse.ArgumentParser:
    """--pairs, --out and --limit."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--pairs", type=Path, required=True, help="as `slerir evaluate --pairs` reads them")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, or to go on with")
    parser.add_argument("--limit", type=int, help="the first so many photos of each task")
    return parser


def fill(file: Path, limit: int | None, parts: dict[str, Callable[[], object]]) -> None:
    """{"limit", "parts": {name: what its function gives, as JSON can hold it}, "made": {name: {"commit",
    "machine"} that it was measured with}}.

    Raises SystemExit where the file was begun with another limit.
    """
    found = {"limit": limit, "parts": {}, "made": {}}
    if file.exists():
        found = json.loads(file.read_text("utf-8"))
        if found["limit"] != limit:
            raise SystemExit(f"{file} has --limit {found['limit']}: delete it, or choose another --out.")
    for name, part in parts.items():
        if name not in found["parts"]:
            found["parts"][name] = part()
            found["made"][name] = {"commit": revision(), "machine": machine()}
            write_whole(file, (json.dumps(found, indent=1, allow_nan=False) + "\n").encode())
