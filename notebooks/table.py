"""What the notebooks take, as a table and in their headers, from what `run.py --measure` wrote down.

    python notebooks/table.py          writes docs/notebooks.md and the headers' estimates for a GPU
    python notebooks/table.py --crops  measures first what making a crop takes on this machine

Measured are the budgets cpu and smoke. For a T4, the GPU that Colab lends, there is only an estimate, which
docs/notebooks.md explains; it stands in the headers between `<!-- estimated -->` and `<!-- /estimated -->`.
"""

import json
import re
import sys
import time
from pathlib import Path

import nbformat
from badges import address

from slerir_lite.course.budget import SIZES

FOLDER = Path(__file__).resolve().parent
LOG = FOLDER.parent / "benchmarks" / "notebooks.json"
PAGE = FOLDER.parent / "docs" / "notebooks.md"
TABLE = re.compile(r"(<!-- times -->).*?(<!-- /times -->)", re.DOTALL)
ESTIMATED = re.compile(r"(<!-- estimated -->).*?(<!-- /estimated -->)", re.DOTALL)
LIMITS = {"smoke": {"total": 480}, "cpu": {"longest": 300, "total": 1800}}  # seconds
NUMBERS = range(8)  # 00 to 07 make up the sequence; 08 is for play

# How many crops a lesson trains on, in units of the budget's steps × crops; read off the notebooks.
TRAINED = {"01": 0, "02": 2, "03": 0.75, "04": 6, "05": 0.67, "06": 0.5, "07": 6}
FLOP = 40 * 3 * 2 * 9 * 32 * 32 * 8 * 64 * 64  # of the calibration loop: 40 steps, forwards and twice back
T4 = 8.1e12 / 3  # FLOP/s: a third of what its maker promises
LAUNCHES = 0.01  # s: no step is shorter, with some hundred small kernels to be started
CUDA = 0.5  # GiB that CUDA takes for itself


def crop_in_loops(blocks: int = 4) -> float:
    """How long one crop of 64 pixels takes to be cut and broken, in calibration loops of the same minute.

    The fastest of some blocks of batches, as the loop is the fastest of some.
    """
    from run import calibrate

    from slerir_lite.course.lesson import lesson_photos
    from slerir_lite.crops import BLOCK, Crops

    crops = Crops(lesson_photos(FOLDER.parent / "data_samples" / "clean"), 5, 64)
    took = []
    for block in range(blocks):
        start = time.perf_counter()
        batch = crops.batch(BLOCK * block)  # makes the whole block
        took.append((time.perf_counter() - start) / BLOCK / len(batch.degraded))
    return min(took) / calibrate()


def more(what: str) -> float:
    """How many times as much the budget gpu does as cpu: "crops" trained on, "steps", "pixels" judged."""
    gpu, cpu = SIZES["gpu"], SIZES["cpu"]
    return {
        "crops": gpu["steps"] * gpu["batch"] / cpu["steps"] / cpu["batch"],
        "steps": gpu["steps"] / cpu["steps"],
        "pixels": gpu["photos"] * gpu["side"] ** 2 / cpu["photos"] / cpu["side"] ** 2,
    }[what]


def estimate(log: dict, name: str) -> tuple[float, float] | None:
    """(seconds, GiB of the GPU's memory) on a T4 in the budget gpu; None for a notebook without estimate."""
    cpu, smoke = (log.get(b, {}).get("notebooks", {}).get(name) for b in ("cpu", "smoke"))
    units = TRAINED.get(name[:2])
    if units is None or cpu is None or smoke is None:
        return None
    extra = max(0.0, cpu["seconds"] - smoke["seconds"])
    if not units:
        return smoke["seconds"] + more("pixels") * extra, 0.0
    steps, batch = SIZES["cpu"]["steps"], SIZES["cpu"]["batch"]
    loop = cpu["calibration_loop_seconds"]
    data = min(extra, units * steps * batch * log["crop_in_loops"] * loop)
    faster = T4 / (FLOP / loop)
    network = max((extra - data) * more("crops") / faster, units * more("steps") * steps * LAUNCHES)
    above = max(0, cpu["peak_MiB"] - smoke["peak_MiB"]) / 1024
    larger = SIZES["gpu"]["batch"] / batch
    return smoke["seconds"] + data * more("crops") + network, CUDA + larger * above


def said(found: tuple[float, float] | None) -> str:
    """A header's words."""
    if found is None:
        return ""
    seconds, memory = found
    minutes = max(1, round(seconds / 60))
    time_ = f"about {minutes} minute{'s' if minutes > 1 else ''}"
    if not memory:
        return f"On a T4-class GPU, estimated: {time_}, and nothing of its memory, as nothing is trained."
    return (
        f"On a T4-class GPU, estimated: {time_} for {more('crops'):.0f} times as many crops, and under "
        f"{max(1, round(memory + 0.5))} GiB of its memory ([how]({address()}/blob/main/docs/notebooks.md))."
    )


def table(log: dict) -> str:
    """Markdown: a row a notebook, then the totals and the limits."""
    names = sorted({n for b in ("cpu", "smoke") for n in log.get(b, {}).get("notebooks", {})})
    lines = ["| notebook | smoke, s | loop, s | GiB | cpu, s | loop, s | GiB | T4, estimated, min |",
             "|---|--:|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for name in names:
        cells = []
        for which in ("smoke", "cpu"):
            row = log.get(which, {}).get("notebooks", {}).get(name)
            cells += [f"{row['seconds']:.0f}", f"{row['calibration_loop_seconds']:.2f}",
                      f"{row['peak_MiB'] / 1024:.1f}"] if row else ["–"] * 3  # fmt: skip
        found = estimate(log, name)
        cells.append("–" if found is None else f"{max(1, round(found[0] / 60))}")
        lines.append(f"| [{name[:-6]}](../notebooks/{name}) | " + " | ".join(cells) + " |")
    text = "\n".join(lines)
    for which, limits in LIMITS.items():
        if which in log:
            limit = ", ".join(f"{k} at most {v / 60:.0f} min" for k, v in limits.items())
            rows = log[which]["notebooks"]
            inside = [row["seconds"] for name, row in rows.items() if int(name[:2]) in NUMBERS]
            text += (
                f"\n\n**{which}**, 00 to 07: {sum(inside) / 60:.1f} min in all, the longest "
                f"{max(inside) / 60:.1f} min (limits: {limit})."
            )
    return text


def rewritten(page: str, log: dict) -> str:
    return TABLE.sub(lambda m: f"{m[1]}\n{table(log)}\n{m[2]}", page)


def with_estimate(source: str, words: str) -> str:
    return ESTIMATED.sub(lambda m: f"{m[1]}{words}{m[2]}", source)


def main() -> None:
    log = json.loads(LOG.read_text("utf-8"))
    if "--crops" in sys.argv:
        log["crop_in_loops"] = round(crop_in_loops(), 5)
        LOG.write_text(json.dumps(dict(sorted(log.items())), indent=1) + "\n", "utf-8")
    PAGE.write_text(rewritten(PAGE.read_text("utf-8"), log), "utf-8")
    for path in sorted(FOLDER.glob("0*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        words = said(estimate(log, path.name))
        notebook.cells[0].source = with_estimate(notebook.cells[0].source, words)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
