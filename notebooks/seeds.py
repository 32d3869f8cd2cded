"""Do the lessons' bands hold with any seed? Runs notebooks with several and writes down what each band found.

    python notebooks/seeds.py                                  notebooks 02 to 07, seeds 0 to 4, budget cpu
    python notebooks/seeds.py --budget smoke                   the same in seconds, for the bands of smoke
    python notebooks/seeds.py 05-choosing-the-specialist.ipynb --seeds 0 1 2

Writes benchmarks/notebook_seeds.json after each run, and does none again whose code and shipped weights are
the same as then. A notebook goes on after a band that fails, so that all others are known too. Exits with 1
if a band or a cell failed.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from slerir_lite.course import bands, budget

FOLDER = Path(__file__).resolve().parent
LOG = FOLDER.parent / "benchmarks" / "notebook_seeds.json"
WEIGHTS = FOLDER.parent / "slerir_lite" / "pretrained"


def fingerprint(notebook: nbformat.NotebookNode) -> str:
    """Twelve digits that change with the notebook's code or with the shipped weights."""
    found = hashlib.sha256("\0".join(c.source for c in notebook.cells if c.cell_type == "code").encode())
    for file in sorted(WEIGHTS.glob("*.safetensors")):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


def measure(path: Path, name: str, seed: int, timeout: float = 1800) -> dict:
    """{of, seconds, bands: {name: {value, at_least, at_most, held}}, failed: {cell's id: the error}}.

    Raises ValueError where two bands of the notebook have one name.
    """
    notebook = nbformat.read(path, as_version=4)
    here = {"metadata": {"path": str(path.parent)}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bands"
        told = {budget.VARIABLE: name, budget.SEED: str(seed), bands.VARIABLE: str(file)}
        start = time.perf_counter()
        client = NotebookClient(
            notebook, timeout=timeout, kernel_name="python3", resources=here, allow_errors=True
        )
        client.execute(env=os.environ | told)
        took = time.perf_counter() - start
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
    found = {line.pop("name"): line for line in lines}
    if len(found) < len(lines):
        raise ValueError(f"{path.name}: two of its bands have one name.")
    failed = {
        cell.id: f"{out.ename}: {out.evalue}"
        for cell in notebook.cells
        if cell.cell_type == "code"
        for out in cell.outputs
        if out.output_type == "error"
    }
    return {"of": fingerprint(notebook), "seconds": round(took, 1), "bands": found, "failed": failed}


def done(log: dict, path: Path, name: str, seed: int) -> bool:
    row = log.get(name, {}).get(path.name, {}).get(str(seed))
    return row is not None and row["of"] == fingerprint(nbformat.read(path, as_version=4))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", help="file names; default, 02 to 07")
    parser.add_argument("--budget", choices=list(budget.SIZES), default="cpu")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    asked = parser.parse_args(argv)
    pages = [FOLDER / name for name in asked.notebooks] or sorted(FOLDER.glob("0[2-7]-*.ipynb"))
    fine = True
    for path in pages:
        for seed in asked.seeds:
            log = json.loads(LOG.read_text("utf-8")) if LOG.exists() else {}
            rows = log.setdefault(asked.budget, {}).setdefault(path.name, {})
            if not done(log, path, asked.budget, seed):
                rows[str(seed)] = measure(path, asked.budget, seed)
                LOG.write_text(json.dumps(log, indent=1, sort_keys=True) + "\n", "utf-8")
            for cell, error in rows[str(seed)]["failed"].items():
                fine = False
                print(f"{path.name}, seed {seed}, cell {cell}: {error}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
