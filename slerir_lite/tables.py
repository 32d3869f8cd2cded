"""What `slerir` shows: the photos that were restored, and the scores."""

from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from .pairs import FIVE


def restored_table(done: list[dict], scored: bool, linear: bool = False) -> Table:
    """One row for each of what `jobs.write_restored` returned; scored: with PSNR before and after.

    linear: of a network whose places lie in a linear space, at distances instead of angles.
    """
    table = Table(
        title="Restored photos" + (" (PSNR in dB against the clean one)" if scored else ""), box=SIMPLE
    )
    table.add_column("photo", overflow="fold", min_width=12)
    table.add_column("looks like", no_wrap=True)
    table.add_column("path", no_wrap=True)
    for name in ("before", "after") if scored else ():
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    measure = (
        "in the linear space, and the distance to it."
        if linear
        else "on the sphere, and the angle to it; from about 45° on it might as well be another."
    )
    table.caption = f"looks like: the nearest of six places {measure}" + (
        " A second line: a second look, after noise was undone." if any("then" in r for r in done) else ""
    )
    for row in done:
        looks = [row, row["then"]] if "then" in row else [row]
        cells = [
            Text(Path(row["photo"]).name),
            "\n".join(f"{look['nearest']} {_far(look['place'][look['nearest']], linear)}" for look in looks),
            "\n".join(look["path"] for look in looks),
        ]
        if scored:
            cells += [_db(row[key]) if key in row else "–" for key in ("psnr_before", "psnr_after")]
        table.add_row(*cells, f"{row['seconds']:.1f}")
    return table


def scores_table(result: dict) -> Table:
    """One row for each task of what `evaluate` returned, with the scores in tiles where they are there."""
    table = Table(title="Mean PSNR in dB, SSIM, and the worst photo's PSNR", box=SIMPLE)
    table.add_column("task", no_wrap=True)
    for name in ("photos", "input", "restored", "gain", "SSIM", "worst"):
        table.add_column(name, justify="right")
    tiled = result.get("patches", {}).get("tasks", {})
    if tiled:
        table.add_column("in tiles", justify="right")
    for task, row in result["tasks"].items():
        both = row["psnr"] is not None and row["input_psnr"] is not None
        gain = f"{row['psnr'] - row['input_psnr']:+.2f}" if both else ""
        ssim = "" if row["ssim"] is None else f"{row['ssim']:.3f}"
        cells = [
            Text(task),
            str(row["photos"]),
            _db(row["input_psnr"]),
            _db(row["psnr"]),
            gain,
            ssim,
            _db(row["worst_psnr"]),
        ]
        table.add_row(*cells, *([_db(tiled[task]["psnr"]) if task in tiled else ""] if tiled else []))
    return table


def findings(result: dict) -> Iterator[str]:
    """What `evaluate` found out beside the tasks' scores, a sentence each."""
    if result["five_task_average"] is not None:
        average, without = result["five_task_average"], result["four_task_average_without_haze"]
        yield f"Average of the five tasks {average:.2f} dB, without haze {without:.2f} dB."
    for task, row in result["tasks"].items():
        if "psnr_inside" in row:
            inside = f"{_db(row['input_psnr_inside'])} → {_db(row['psnr_inside'])} dB"
            yield f"{task}: {inside} inside the damaged region{_outside(row)}."
        if "same" in row:
            rest = row["others_psnr"]
            mean = "" if rest is None else f"; the mean PSNR of the others is {rest:.2f} dB"
            yield f"{task}: {row['same']} of {row['photos']} photos come back exactly as the clean one{mean}."
    counted = [task for task in FIVE if task in result["tasks"]]
    if len(counted) < len(FIVE):
        lacking = ", ".join(task for task in FIVE if task not in counted)
        yield f"No average of the five tasks, as these are not there: {lacking}."
    elif result["five_task_average"] is None:
        perfect = ", ".join(task for task in counted if result["tasks"][task]["psnr"] is None)
        yield f"No average of the five tasks, as some photo is exactly the clean one here: {perfect}."
    if "routing" in result:
        named = result["routing"]["accuracy"]
        whose = "the five tasks'" if len(counted) == len(FIVE) else f"{' and '.join(counted)}'s"
        share = "" if named is None else f"The compass names the damage of {named:.1%} of {whose} photos. "
        yield f"{share}Different paths taken: {result['routing']['paths']}."
    found = result.get("patches", {}).get("routing")
    if found and found["patches"]:
        five, six = found["among_five"], found["among_six"]
        yield f"Of 64-pixel tiles it places {five:.1%} right among five damages, {six:.1%} with clean."


def _outside(row: dict) -> str:
    """What changed there; nothing where the damage leaves nothing outside."""
    if "worst_outside_change" not in row:
        return ""
    kept = (
        f"nothing changed in {row['same_outside']} of {row['photos_outside']} photos, "
        if "same_outside" in row
        else ""
    )
    return f"; outside it {kept}at most {row['worst_outside_change']:.2f} grey levels on average over a photo"


def _far(v: float, linear: bool) -> str:
    return f"{v:.2f}" if linear else f"{v:.0f}°"


def _db(v: float | None) -> str:
    """A PSNR; without limit where nothing differs."""
    return "∞" if v is None else f"{v:.2f}"
