"""Runs notebooks and saves them with their outputs, clean: the same notebook gives the same file.

    python notebooks/run.py                           every notebook of this folder
    python notebooks/run.py 00-restore-a-photo.ipynb  one
    python notebooks/run.py --measure …               the same, and writes into its header what it took
    python notebooks/run.py --measure --only-log …    runs and measures, and leaves the notebooks as they are

Clean means: no widget state, no times, no settings of one machine. A widget lives only while a kernel runs,
so its output goes; whatever a reader on GitHub should see must be shown as a picture.

Measured, on a machine with nothing else to do, are the time from the first cell to the last and the most
memory that the kernel held. Beside them stands how long a fixed loop took on the same machine just before,
so that readers can run `python notebooks/run.py --calibrate` and compare. The header has them between
`<!-- measured -->` and `<!-- /measured -->`, and benchmarks/notebooks.json to the digit, for each budget
(`SLERIR_BUDGET`); `notebooks/table.py` makes a table of it.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from slerir_lite.course.budget import budget
from slerir_lite.explore.show import SAVED

FOLDER = Path(__file__).resolve().parent
LOG = FOLDER.parent / "benchmarks" / "notebooks.json"
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT = {"tags", "jupyter"}  # of a cell's metadata: nbval's tags, and what is folded
ABOUT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MEASURED = re.compile(r"(<!-- measured -->).*?(<!-- /measured -->)", re.DOTALL)
PEAK = r"""import pathlib, re, resource, sys
# On Linux the usual figure would count the process that started this one too.
status = pathlib.Path("/proc/self/status")
told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(int(told[1]) * 1024 if told else peak * (1 if sys.platform == "darwin" else 1024))"""


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of the notebook without what belongs to one run or one machine."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(ABOUT)
    count = 0
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in KEPT}
        if cell.cell_type != "code":
            continue
        ran = cell.execution_count is not None
        count += ran
        cell.execution_count = count if ran else None
        cell.outputs = joined([out for out in cell.outputs if WIDGET not in out.get("data", {})])
        for out in cell.outputs:
            if out.output_type == "execute_result":
                out.execution_count = count
    return notebook


def joined(outputs: list) -> list:
    """Text that a slow machine delivered in pieces, in one."""
    found = []
    for out in outputs:
        if found and out.output_type == "stream" == found[-1].output_type and out.name == found[-1].name:
            found[-1].text += out.text
        else:
            found.append(out)
    return found


def run(path: Path, timeout: float = 600, measure: bool = False, only_log: bool = False) -> None:
    """Execute the notebook in its folder and write it back, clean; measure: with time and memory.

    only_log: the figures go into the log and the file is left alone, as in the budget smoke, whose pictures
    nobody should see.
    """
    notebook = nbformat.read(path, as_version=4)
    if measure:
        if not any(MEASURED.search(c.source) for c in notebook.cells if c.cell_type == "markdown"):
            raise ValueError(f"{path.name} has no <!-- measured --><!-- /measured --> to write into.")
        notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
        loop = calibrate()
    here = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=here)
    start = time.perf_counter()
    client.execute(env=os.environ | {SAVED: "1"})  # the kernel's, not ours
    took = time.perf_counter() - start
    if measure:
        peak = int(notebook.cells.pop().outputs[0].text)
        notebook = with_figures(notebook, said(took, peak, loop))
        note(path.name, took, peak, loop)
    if not only_log:
        nbformat.write(clean(notebook), path)


def calibrate(steps: int = 40) -> float:
    """Seconds for a fixed piece of work like that of the notebooks: convolutions forwards and backwards.

    The fastest of three, after one to warm up: the others were disturbed.
    """
    import torch

    torch.manual_seed(0)
    layer = torch.nn.Conv2d(32, 32, 3, padding=1)
    x = torch.rand(8, 32, 64, 64)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        for _ in range(steps):
            layer(x).square().mean().backward()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def said(took: float, peak: int, loop: float) -> str:
    """The header's words: seconds, bytes, and the calibration loop's seconds."""
    import torch

    where = f"a {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "a CPU"
    time_ = f"{round(took, -1):.0f} seconds" if took < 100 else f"{took / 60:.1f} minutes"
    if took < 10:
        time_ = "under 10 seconds"
    return (
        f"{time_} and {peak / 2**30:.1f} GiB on {where}, with {torch.get_num_threads()} threads, "
        f"where the loop of `notebooks/run.py --calibrate` takes {loop:.2f} s."
    )


def note(name: str, took: float, peak: int, loop: float) -> None:
    """Keep a notebook's figures in the log, under its budget's name, beside those of the others."""
    import torch

    plan = budget()
    found = json.loads(LOG.read_text("utf-8")) if LOG.exists() else {}
    rows = found.get(plan.name, {}).get("notebooks", {})
    rows[name] = {
        "budget": str(plan),
        "seconds": round(took, 1),
        "peak_MiB": round(peak / 2**20),
        "calibration_loop_seconds": round(loop, 3),
        "threads": torch.get_num_threads(),
    }
    found[plan.name] = with_totals(rows)
    LOG.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", "utf-8")


def with_totals(rows: dict[str, dict]) -> dict:
    """The log's entry for one budget: all seconds together, the longest notebook's, and the rows."""
    seconds = [row["seconds"] for row in rows.values()]
    return {
        "total_seconds": round(sum(seconds), 1),
        "longest_seconds": max(seconds),
        "notebooks": dict(sorted(rows.items())),
    }


def with_figures(notebook: nbformat.NotebookNode, words: str) -> nbformat.NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = MEASURED.sub(lambda m: f"{m[1]}{words}{m[2]}", cell.source)
    return notebook


if __name__ == "__main__":
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    if "--calibrate" in sys.argv:
        print(f"The loop takes {calibrate():.2f} s on this machine.")
        sys.exit()
    for page in [FOLDER / name for name in names] or sorted(FOLDER.glob("*.ipynb")):
        print(f"{page.name} …", flush=True)
        run(page, measure="--measure" in sys.argv, only_log="--only-log" in sys.argv)
