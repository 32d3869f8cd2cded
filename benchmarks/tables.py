"""Writes what was measured into the pages that tell of it.

python benchmarks/tables.py

The scores of benchmarks/scores.json (which is what `slerir evaluate --json` writes) wherever a page has the
mark `<!-- scores -->`; and in docs/fidelity.md every figure that names its file, such as
"1.01 times (cost.json: its stations alone > ratio)". tests/test_readme.py and tests/test_fidelity.py say when
this is due.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEDGER = "docs/fidelity.md"
FIGURE = re.compile(r"([\d.,]+)((?: times)? \((\w+\.json): ([^()]+?)(, %)?\))")
PAGES = ("README.md", "slerir_lite/pretrained/MODEL_CARD.md")
MARKED = re.compile(r"(<!-- scores -->).*?(<!-- /scores -->)", re.DOTALL)
HEAD = (
    "| task | photos | given, dB | restored, dB | gain, dB | SSIM | worst photo, dB |\n"
    + "|---|--:"
    + "|--:" * 5
    + "|"
)
SAME = {
    "same": "{} come back exactly as they were, and the row tells of the others",
    "same_outside": "{} have not a bit changed outside the damage",
}
SUMMARY = {
    "five_task_average": "mean PSNR over the five tasks: {:.2f} dB",
    "four_task_average_without_haze": "without haze: {:.2f} dB",
}


def table(scores: dict | None) -> str:
    """Markdown: a row for each task, and below it what is true of all of them. None: nothing measured yet."""
    if scores is None:
        return f"{HEAD}\n\nNot measured yet."
    rows = [row(task, of) for task, of in scores["tasks"].items()]
    notes = [text.format(scores[k]) for k, text in SUMMARY.items() if scores.get(k) is not None]
    routing = scores.get("routing", {})
    if routing.get("accuracy") is not None:
        notes.append(
            f"degradation named rightly in {100 * routing['accuracy']:.1f} % of the five tasks' photos"
        )
    if routing.get("paths") is not None:
        notes.append(f"{routing['paths']:,} different paths taken over all tasks")
    for key, text in SAME.items():
        photos = key.replace("same", "photos")
        same = [f"{of[key]} of {of[photos]} of {t}" for t, of in scores["tasks"].items() if key in of]
        notes += [text.format(", ".join(same))] if same else []
    told = "; ".join(notes)
    return "\n".join([HEAD, *rows]) + (f"\n\n{told[0].upper()}{told[1:]}." if told else "")


def row(task: str, of: dict) -> str:
    """One task's line. A null is a PSNR without limit, where nothing differs, and stays a dash; where some
    photos differ, theirs is told, and how many they are."""
    given, restored = of.get("input_psnr"), of.get("psnr")
    gain = None if None in (given, restored) else restored - given
    cells = [number(given, 2), number(restored, 2), number(gain, 2, "+"), number(of.get("ssim"), 3)]
    if of.get("others_psnr") is not None:
        cells[1] = f"{number(of['others_psnr'], 2)} ({of['photos'] - of['same']} of {of['photos']})"
    return f"| {task} | {of['photos']} | " + " | ".join([*cells, number(of.get("worst_psnr"), 2)]) + " |"


def number(v: float | None, digits: int, sign: str = "") -> str:
    return "–" if v is None else f"{v:{sign}.{digits}f}"


def rewritten(page: str = "README.md", root: Path = ROOT) -> str:
    """What a page holds once its table is right."""
    file = root / "benchmarks" / "scores.json"
    scores = json.loads(file.read_text("utf-8")) if file.exists() else None
    text = (root / page).read_text("utf-8")
    if not MARKED.search(text):
        raise ValueError(f"{page} has no <!-- scores --> and <!-- /scores --> to write between.")
    return MARKED.sub(lambda m: f"{m[1]}\n{table(scores)}\n{m[2]}", text)


def with_figures(text: str, root: Path = ROOT) -> str:
    """The same text, each figure with as many digits as it had, and the value that its file has now."""

    def told(found: re.Match) -> str:
        text, rest, file, keys, percent = found.groups()
        value = json.loads((root / "benchmarks" / file).read_text("utf-8"))
        for key in keys.split(" > "):
            value = value[key]
        digits = len(text.partition(".")[2])
        return f"{100 * value if percent else value:,.{digits}f}{rest}"

    return FIGURE.sub(told, text)


def write(page: str, new: str) -> None:
    if new != (ROOT / page).read_text("utf-8"):
        (ROOT / page).write_text(new, "utf-8")
        print("figures written:", page)


if __name__ == "__main__":
    for page in PAGES:
        write(page, rewritten(page))
    write(LEDGER, with_figures((ROOT / LEDGER).read_text("utf-8")))
