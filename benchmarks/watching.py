"""What the training watch costs a run, in a notebook's kernel: writes benchmarks/watching.json.

python benchmarks/watching.py [steps [pairs]]    default 400 4

The same run with and without a watch that is displayed, by turns, each in a kernel of its own. `share` is
what the watch itself counted, its seconds in the run's; `slower` compares the two runs' CPU seconds. Percent.
"""

import json
import os
import statistics
import sys
from pathlib import Path

from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

HERE = Path(__file__).resolve().parent
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
PREPARE = """
import tempfile, time
from slerir_lite.data import Photos
from slerir_lite.explore.watch import Watch
from slerir_lite.plan import stages
from slerir_lite.train import Trainer
photos = Photos.dead_leaves(8)
watch = Watch()
plan = stages({steps}, compass_steps={compass})
watch
"""
TRAIN = """
start = time.process_time()
run = Trainer(photos, tempfile.mkdtemp(), plan, quiet=True, watch={watch})
run.measure_centres = lambda model: model.compass.centres  # the same in both, and outside of the loop
run.run()
print(time.process_time() - start, run.seconds, watch.took, sum("angle" in l for l in watch.history))
"""


def once(steps: int, watched: bool) -> list[float]:
    """CPU seconds, seconds, the watch's seconds, looks."""
    cells = [
        PREPARE.format(steps=steps, compass=steps // 2),
        TRAIN.format(watch="watch" if watched else None),
    ]
    notebook = new_notebook(cells=[new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=3600, kernel_name="python3").execute()
    return [float(v) for v in notebook.cells[1].outputs[0].text.split()]


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    pairs = [(once(steps, True), once(steps, False)) for _ in range(PAIRS)]
    result = {
        "what": "a run of the trainer with a watch against the same without, in percent",
        "steps": steps + steps // 2,
        "cores": os.cpu_count(),
        "looks": [int(a[3]) for a, _ in pairs],
        "share": round(100 * statistics.median(a[2] / a[1] for a, _ in pairs), 2),
        "slower": [round(100 * (a[0] / b[0] - 1), 2) for a, b in pairs],
    }
    (HERE / "watching.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))
