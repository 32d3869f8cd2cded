"""Tables and a picture of the shipped weights and of classical tools, from the files that measured them.

    python benchmarks/report_shipped.py

Writes between `<!-- references -->`, `<!-- shipped:C5 -->` and so on, and what closes them, in
docs/claims.md, from references.json, shipped.json, exchange.json, scores.json and patches.json; and
docs/pictures/specialists.png and curve.png, which is how the shipped weights were trained.
tests/test_shipped.py says when this is due.
"""

import io
import json
import re
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from paired import estimate
from probe_compass import HELD_OUT_MIXES
from report import NOTHING, grid, number

from slerir_lite.explore.style import BLUE, INK, VERMILION, canvas, colour_bar, head, plain
from slerir_lite.pairs import FIVE

ROOT = Path(__file__).resolve().parent.parent
PAGE, PICTURE, CURVE = "docs/claims.md", "docs/pictures/specialists.png", "docs/pictures/curve.png"
CURVES = ROOT / "slerir_lite" / "pretrained" / "curves.json"
AIMS = {"noise25": 30.3, "rain": 30.0, "haze": 22.0, "lowlight": 25.0, "blur": 27.0}  # dB, set beforehand
SMOOTH = 20  # lines of a curve that are averaged
LABELLED = 1_500  # steps: shorter runs leave no room for their name
MARKED = re.compile(r"(<!-- (references|exchange|shipped:\w+) -->).*?(<!-- /\2 -->)", re.DOTALL)
SHOWN = {
    "size": ("what it changes", "grey levels", 1),
    "high": ("fine detail: above ¼ cycle a pixel", "% of the change", 100),
    "colour": ("colour, not brightness", "% of the change", 100),
}
SEEN = (
    "![Three maps of 8 stations by 3 specialists: what each changes in grey levels, how much of it is fine "
    "detail, and how much is colour; the numbers are in the cells.](pictures/specialists.png)"
)


def read(name: str) -> dict:
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text("utf-8"))


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"


def references_table(found: dict, scores: dict) -> str:
    """A row for each task and tool, beside the shipped network on the same photos.

    found: references.json. scores: scores.json. Other photos than the network's give dashes.
    """
    rows = []
    for task, tools in found["parts"].items():
        ours = scores["tasks"].get(task, {})
        for tool, of in tools.items():
            same = all(ours.get(key) == of[key] for key in ("photos", "input_psnr"))
            psnr, ssim = (ours["psnr"], ours["ssim"]) if same else (None, None)
            rows.append([
                task, tool, number(of["input_psnr"], 2), number(of["psnr"], 2), number(of["ssim"], 3),
                number(psnr, 2), number(ssim, 3), number(psnr - of["psnr"] if same else None, 2, "+"),
            ])  # fmt: skip
    head = ["task", "tool", "given, dB", "the tool, dB", "SSIM", "SLER-IR lite, dB", "SSIM", "more, dB"]
    photos = sorted({of["photos"] for tools in found["parts"].values() for of in tools.values()})
    return f"{photos[-1]} photos a task.\n\n{grid(head, rows)}"


def aims_table(scores: dict) -> str:
    """What was aimed at before training, and what came of it."""
    rows = []
    for task, aim in AIMS.items():
        psnr = scores["tasks"][task]["psnr"]
        rows.append([task, number(aim, 1), number(psnr, 2), number(psnr - aim, 2, "+")])
    return grid(["task", "aim, dB", "reached, dB", "reached less aim, dB"], rows)


def tiles_table(found: dict) -> str:
    """C5. found: patches.json, of whole photos and of tiles."""
    tiles, rows = found["patches"]["tasks"], []
    both = [(task, found["tasks"][task]["psnr"], tiles[task]["psnr"]) for task in FIVE]
    both.append(("mean of the five", *np.mean([row[1:] for row in both], axis=0)))
    for task, whole, tile in both:
        rows.append([task, number(whole, 2), number(tile, 2), number(whole - tile, 2, "+")])
    size = found["patches"]["size"]
    head = [
        "task",
        "whole photo, dB",
        f"{size} px tiles, each a photo of its own, dB",
        "whole minus tiles, dB",
    ]
    return f"{found['tasks']['noise25']['photos']} photos a task.\n\n{grid(head, rows)}"


def mixes_table(found: dict, best: dict) -> str:
    """C6: whose specialists a mix takes, and PSNR along its own and along other paths.

    best: {mix: the better of both parents', and the best mixed path}, see `probe_hindsight`.
    """
    taken, scored = [], []
    for mix, of in found.items():
        says = f"{mix}, held out" if mix in HELD_OUT_MIXES else mix
        shares = [percent(of[key]) for key in ("first", "second", "third", "photos_with_both")]
        taken.append([says, str(of["stations_that_differ"]), *shares])
        values = [*of["psnr"].values(), best[mix]["parent"], best[mix]["found"]]
        scored.append([says, *(number(v, 2) for v in values)])
    photos = max(of["photos"] for of in found.values())
    heads = (
        ["mix", "stations where the parents differ, of 8", "there: the first's, %", "the second's, %",
         "a third, %", "photos with both, %"],
        ["PSNR, dB, along", "its own path", "the named place's", "the first parent's", "the second's",
         "both in a row", "in hindsight: the better parent's", "the best of all mixed ones"],
    )  # fmt: skip
    return f"{photos} photos a mix.\n\n{grid(heads[0], taken)}\n\n{grid(heads[1], scored)}"


def paths_table(found: dict, every: dict[str, int]) -> str:
    """C8: paths by task, bits by layer, paths by severity. every: {task: paths over all of its photos}."""
    rows = [
        [task, str(of["paths"]), percent(of["most_frequent"]), f"{of['another_than_the_places']}",
         number(of["gain_there"], 2, "+"), str(every[task])]
        for task, of in found["tasks"].items()
    ]  # fmt: skip
    photos = max(of["photos"] for of in found["tasks"].values())
    heads = (
        ["task", f"paths in {photos} photos", "the most frequent one, % of photos",
         "photos on another path than their place's", "gain there, dB", "paths in 68 photos"],
        ["station", *(str(k) for k in range(1, len(found["entropy"]) + 1))],
        ["kind", "photos", "paths over nine severities",
         "path changes from the mildest to the worst, % of photos"],
    )  # fmt: skip
    bits = [["bits of the choice", *(number(v, 2) for v in found["entropy"])]]
    swept = [
        [kind, str(of["photos"]), str(of["paths"]), percent(of["changed"])]
        for kind, of in found["severity"].items()
    ]
    told = (
        f"{found['distinct']} paths over all tasks, {found['distinct_with_severities']} with the severities, "
        f"of {found['possible']:,} possible ones."
    )
    return "\n\n".join([told, *(grid(*t) for t in zip(heads, (rows, bits, swept), strict=True))])


def crowding_table(found: dict) -> str:
    """C8: how far photos lie from their places and from the borders of choice; see `probe_places`."""
    rows = [
        [task, number(of["away"], 1), number(of["spare"], 1), percent(of["on_path"])]
        for task, of in found.items()
    ]
    head = ["task", "from its place, °", "to spare at the closest station, °",
            "on the place's path, % of photos"]  # fmt: skip
    photos = max(of["photos"] for of in found.values())
    return f"Medians over {photos} photos a task.\n\n{grid(head, rows)}"


def rewritten(root: Path = ROOT) -> str:
    """What the page holds once its tables are right."""
    parts, scores = read("shipped")["parts"], read("scores")
    every = scores["routing"]["paths_by_task"]
    tables = {
        "references": references_table(read("references"), scores),
        "exchange": exchange_table(read("exchange")),
        "shipped:C5": tiles_table(read("patches")),
        "shipped:C6": mixes_table(parts["mixes"], parts["hindsight"]) if "hindsight" in parts else NOTHING,
        "shipped:C8": paths_table(parts["paths"], every) if "paths" in parts else all_photos_table(every),
        "shipped:crowding": crowding_table(parts["crowding"]) if "crowding" in parts else NOTHING,
        "shipped:aims": aims_table(scores),
        "shipped:specialists": f"{SEEN}\n\n{specialists_table(parts['specialists'])}"
        if "specialists" in parts
        else NOTHING,
    }
    text = (root / PAGE).read_text("utf-8")
    return MARKED.sub(lambda m: f"{m[1]}\n{tables[m[2]]}\n{m[3]}", text)


def exchange_table(found: dict) -> str:
    """What it costs to send a photo along another place's path; found: exchange.json."""
    networks = dict(found["parts"])
    shipped, short = [networks.pop("shipped")], list(networks.values())
    rows = []
    for task, place in FIVE.items():
        rows.append(
            [task, *(told for nets in (short, shipped) for told in over_networks(lost(nets, task, place)))]
        )
    head = ["task", "ten minutes: its own path, dB", "another's, less", "at worst",
            "shipped weights: its own path, dB", "another's, less", "at worst"]  # fmt: skip
    seeds = f"{len(short)} seeds of ten minutes. " if short else ""
    return f"{seeds}{found['limit']} photos a task.\n\n{grid(head, rows)}"


def lost(networks: list[dict], task: str, own: str) -> list[tuple[float, float, float]]:
    """Of each network: PSNR along the own place's path, what the five others' paths cost on average, and the
    worst of them, in dB."""
    rows = []
    for net in networks:
        less = [net[task][own] - v for place, v in net[task].items() if place != own]
        rows.append((net[task][own], float(np.mean(less)), max(less)))
    return rows


def over_networks(rows: list[tuple[float, float, float]]) -> list[str]:
    """One network's three numbers, or several ones' means with a 95 % interval; dashes for none."""
    if len(rows) < 2:
        return [number(v, 2) for v in (rows[0] if rows else (None,) * 3)]
    found = [estimate(list(column)) for column in zip(*rows, strict=True)]
    return [f"{number(e.mean, 2)} ± {number(e.half, 2)}" for e in found]


def all_photos_table(every: dict[str, int]) -> str:
    """C8, while the probe wasn't run: {task: paths over all of its photos}, most paths first."""
    counts = sorted(every.items(), key=lambda row: -row[1])
    return grid(["task", "paths in 68 photos"], [[task, str(n)] for task, n in counts])


def means(rows: list[dict], trait: str) -> np.ndarray:
    """(layers, experts): a trait's mean over the five tasks, each of which counts alike."""
    cells = np.zeros((max(r["layer"] for r in rows) + 1, max(r["expert"] for r in rows) + 1))
    for row in rows:
        cells[row["layer"], row["expert"]] += row[trait] / len(FIVE)
    return cells


def specialists_table(rows: list[dict]) -> str:
    """C8: each specialist's change by frequency, colour and texture, means over the five tasks."""
    traits = {"low": "low", "middle": "middle", "high": "high frequencies", "colour": "colour"}
    cells = {trait: means(rows, trait) for trait in ("size", *traits, "texture")}
    table = [
        [f"{layer + 1}, {expert}", number(cells["size"][layer, expert], 1),
         *(number(100 * cells[trait][layer, expert], 0) for trait in traits),
         number(cells["texture"][layer, expert], 2, "+")]
        for layer, expert in np.ndindex(cells["size"].shape)
    ]  # fmt: skip
    shares = [f"{says}, % of it" for says in traits.values()]
    return grid(["station, specialist", "change, grey levels", *shares, "texture, grey levels"], table)


def curve(runs: dict[str, list[dict]]) -> bytes:
    """A PNG: PSNR of the crops that each run was trained on, run after run, smoothed."""
    figure, begin = canvas(300), 0
    ax = plain(figure.subplots())
    for number_, (name, lines) in enumerate(runs.items()):
        told = [(line["step"], line["psnr"]) for line in lines if "psnr" in line]
        if len(told) < SMOOTH:
            continue
        steps, psnr = (np.array(column, float) for column in zip(*told, strict=True))
        smooth = np.convolve(psnr, np.ones(SMOOTH) / SMOOTH, "valid")
        ax.plot((begin + steps[SMOOTH - 1 :]) / 1000, smooth, color=(BLUE, VERMILION)[number_ % 2])
        ax.axvline(begin / 1000, color=INK, linewidth=0.4)
        at = {"xy": (begin / 1000, 0.02), "xycoords": ax.get_xaxis_transform(), "rotation": 90}
        if steps[-1] >= LABELLED:
            ax.annotate(f" {name}", **at, color=INK, fontsize=7, va="bottom", ha="left")
        begin += steps[-1]
    ax.set_xlabel("steps of stations and guide, thousands, run after run")
    ax.set_ylabel("PSNR of training crops (dB)")
    head(ax, "How the shipped weights were trained")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None}, facecolor="white")
    return buffer.getvalue()


def picture(rows: list[dict]) -> bytes:
    """A PNG: for each of `SHOWN` a map of layers × experts, its numbers in the cells."""
    figure = canvas(400)
    for ax, (trait, (title, unit, times)) in zip(figure.subplots(1, len(SHOWN)), SHOWN.items(), strict=True):
        heat(ax, times * means(rows, trait), unit)
        head(ax, title)
        ax.title.set_fontsize(9.5)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


def heat(ax: Axes, cells: np.ndarray, unit: str) -> None:
    """Cividis grows lighter evenly, whoever looks and also in grey."""
    drawn = plain(ax).imshow(cells, cmap="cividis", vmin=0, aspect="auto")
    for (y, x), v in np.ndenumerate(cells):
        ax.text(x, y, f"{v:.1f}" if cells.max() < 20 else f"{v:.0f}", ha="center", va="center", fontsize=9,
                color="black" if drawn.norm(v) > 0.5 else "white")  # fmt: skip
    ax.set_xticks(range(cells.shape[1]))
    ax.set_yticks(range(cells.shape[0]), range(1, cells.shape[0] + 1))  # as in the notebooks and explorers
    ax.set_xlabel("specialist")
    ax.set_ylabel("station")
    colour_bar(ax.figure, drawn, ax, unit)


if __name__ == "__main__":
    (ROOT / PAGE).write_text(rewritten(), "utf-8")
    if rows := read("shipped")["parts"].get("specialists"):
        (ROOT / PICTURE).write_bytes(picture(rows))
    (ROOT / CURVE).write_bytes(curve(json.loads(CURVES.read_text("utf-8"))))
    print("written:", PAGE)
