"""Tables and plots of the claims, from the files that `claims.py` left. Nothing is typed by hand.

    python benchmarks/report.py

Writes between `<!-- claims:C1 -->` and `<!-- /claims:C1 -->` in docs/claims.md, the summary between
`<!-- claims -->` and `<!-- /claims -->` in README.md, and docs/pictures/claims.png. The same files give the
same bytes. tests/test_report.py says when this is due.
"""

import io
import json
import math
import re
from collections import Counter
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from paired import Estimate, difference, estimate, holm, load
from probe_compass import HELD_OUT_MIXES, SAME, SHIFTED
from report_metrics import METRICS, Metric, gains
from variants import CLAIMS, SOLO, TEAM, VARIANTS

ROOT = Path(__file__).resolve().parent.parent
BUDGETS = ("long", "short", "half")  # the larger counts where there is one
MARKED = re.compile(r"(<!-- claims(?::(\w+))? -->).*?(<!-- /claims(?::\w+)? -->)", re.DOTALL)
PAGES = ("README.md", "docs/claims.md")
PICTURE = "docs/pictures/claims.png"
KINDS = {SOLO: "the compass alone", TEAM: "whole networks"}
NOTHING = "Not measured yet."
NAMES = SAME | SHIFTED  # task: the name that is right
Runs = dict[tuple[str, str], dict[int, dict]]


class Evidence:
    """All runs of a repository, by budget."""

    def __init__(self, root: Path = ROOT):
        folder = root / "benchmarks" / "claims"
        self.runs: dict[str, Runs] = {b: load(folder / b) for b in BUDGETS}
        files = {b: folder / b / "cost.json" for b in BUDGETS}
        self.costs = {b: json.loads(f.read_text("utf-8")) for b, f in files.items() if f.exists()}

    def of(self, claim: str, kind: str) -> tuple[str, Runs] | None:
        """The budget under which most was run: the most seeds that SLER-IR lite and a rival both have, summed
        over the rivals. Of equals the largest: one long run doesn't push many short ones aside."""
        rivals, found = asked(claim, kind), []
        for budget in BUDGETS:
            runs = {name: row for (k, name), row in self.runs[budget].items() if k == kind}
            ours = runs.get("slerir", {}).keys()
            shared = sum(len(ours & runs[name].keys()) for name in rivals if name in runs)
            if shared or (ours and not rivals):
                kept = {name: runs[name] for name in ("slerir", *rivals) if name in runs}
                found.append((shared, budget, kept))
        return max(found, key=lambda row: row[0])[1:] if found else None


def asked(claim: str, kind: str) -> tuple[str, ...]:
    return CLAIMS[claim].compass if kind == SOLO else CLAIMS[claim].rivals


def values(metric: Metric, runs: dict[int, dict]) -> dict[int, float | None]:
    return {seed: metric.of(run["scores"]) for seed, run in runs.items()}


def compared(metric: Metric, runs: Runs, rival: str, one: str = "slerir") -> Estimate | None:
    """One variant, SLER-IR lite unless said otherwise, minus a rival, seed by seed."""
    return difference(values(metric, runs[one]), values(metric, runs[rival]))


def number(v: float | None, digits: int, sign: str = "") -> str:
    if v is None or math.isnan(v):
        return "–"
    return f"{round(v, digits) + 0.0:{sign}.{digits}f}".replace("-", "−")  # + 0.0: there is no −0.00


def told(found: Estimate | None, digits: int) -> str:
    """A difference with its interval, bold where that is clear of 0 (see `clear`)."""
    if found is None or math.isnan(found.half):
        return "–"
    text = f"{number(found.mean, digits, '+')} ± {number(found.half, digits)}"
    return f"**{text}**" if clear(found, digits) else text


def clear(found: Estimate, digits: int) -> bool:
    """Whether an interval is clear of 0 even in the digits that are shown: on the edge it is not."""
    return found.sign != 0 and round(abs(found.mean), digits) > round(found.half, digits)


def spread(found: Estimate | None, digits: int) -> str:
    """A mean and, in brackets, the standard deviation over seeds."""
    if found is None:
        return "–"
    return number(found.mean, digits) + (
        "" if math.isnan(found.spread) else f" ({number(found.spread, digits)})"
    )


def grid(head: list[str], rows: list[list[str]], words: int = 1) -> str:
    """A Markdown table. Its first columns, as many as `words`, hold words, the others numbers."""
    lines = [head, ["---"] * words + ["--:"] * (len(head) - words), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def kind_table(claim: str, kind: str, evidence: Evidence) -> str:
    """One claim, one kind of run: the variants, then the differences."""
    heading = f"**{KINDS[kind][0].upper()}{KINDS[kind][1:]}.** "
    found = evidence.of(claim, kind)
    if found is None:
        return heading + NOTHING
    budget, runs = found
    metrics = METRICS[claim, kind]
    text = [f"{heading}{how(budget, kind, runs)}", means_table(metrics, runs)]
    rivals = [name for name in runs if name != "slerir"]
    against = [m for m in metrics if m.better and not m.gain]
    if rivals and against:
        text += ["", differences_table(against, runs, "slerir", rivals)]
    one, other = CLAIMS[claim].apart or (None, None)
    if against and one in runs and other in runs:
        text += ["", differences_table(against, runs, one, [other])]
    if one and kind == SOLO:
        text += ["", confusion_table(runs)]
    if own := [m for m in metrics if m.gain]:
        rows = [["held-out mixes", *gained(own, runs["slerir"])]]
        rows += [[mix, *gained(gains((mix,)), runs["slerir"])] for mix in HELD_OUT_MIXES]
        text += ["", grid(["SLER-IR lite, by the same weights", *(m.says for m in own)], rows)]
    return "\n".join(text)


def gained(metrics: list[Metric], runs: dict[int, dict]) -> list[str]:
    return [told(mean(m, runs), m.digits) for m in metrics]


def mean(metric: Metric, runs: dict[int, dict]) -> Estimate | None:
    """Of one variant, over the seeds that have the number."""
    return estimate([v for v in values(metric, runs).values() if v is not None])


def means_table(metrics: list[Metric], runs: Runs) -> str:
    """Each variant by itself."""
    rows = [
        [VARIANTS[name].says, *(spread(mean(m, row), m.digits) for m in metrics), str(len(row))]
        for name, row in runs.items()
    ]
    return grid(["", *(m.says for m in metrics), "seeds"], rows)


def differences_table(metrics: list[Metric], runs: Runs, one: str, rivals: list[str]) -> str:
    """One variant minus each of its rivals."""
    rows = [[VARIANTS[n].says, *(told(compared(m, runs, n, one), m.digits) for m in metrics),
             str(len(runs[one].keys() & runs[n].keys()))] for n in rivals]  # fmt: skip
    says = VARIANTS[one].says
    head = [f"{says} minus …", *(m.says + (" (lower is better)" if m.better < 0 else "") for m in metrics)]
    return grid([*head, "seeds"], rows)


def reason_table(claim: str, evidence: Evidence) -> str:
    """The experiment that looks for the reason of what was found: two variants, their difference, and how
    much more that is than SLER-IR lite minus the claim's first rival."""
    heading, (one, other) = "**For the reason, whole networks.** ", CLAIMS[claim].reason
    if (found := for_the_reason(claim, evidence)) is None:
        return heading + NOTHING
    (budget, runs), metrics, rival = found, METRICS[claim, TEAM], CLAIMS[claim].rivals[0]
    more = [more_than(m, runs, (one, other), ("slerir", rival)) for m in metrics]
    row = [f"this less: SLER-IR lite minus {VARIANTS[rival].says}"]
    row += [told(e, m.digits) for e, m in zip(more, metrics, strict=True)]
    row += [str(more[0].seeds if more[0] else 0)]
    means = means_table(metrics, {name: runs[name] for name in (one, other)})
    both = differences_table(metrics, runs, one, [other]) + "\n| " + " | ".join(row) + " |"
    return f"{heading}{how(budget, TEAM, runs)}\n{means}\n\n{both}"


def for_the_reason(claim: str, evidence: Evidence) -> tuple[str, Runs] | None:
    """The largest budget under which all four networks were run that a reason is looked for with."""
    needed = ("slerir", CLAIMS[claim].rivals[0], *CLAIMS[claim].reason)
    for budget in BUDGETS:
        runs = {name: row for (kind, name), row in evidence.runs[budget].items() if kind == TEAM}
        if all(name in runs for name in needed):
            return budget, runs
    return None


def confusion_table(runs: Runs) -> str:
    """What the compass alone calls each task's photos: rightly, and by the most frequent wrong name."""
    rows = []
    for task, right in NAMES.items():
        cells = []
        for row in runs.values():
            tasks = [run["scores"]["compass"]["tasks"] for run in row.values()]
            counted = sum((Counter(found[task]["places"]) for found in tasks), Counter())
            cells.append(named(counted, right))
        rows.append([task, *cells])
    head = ["named rightly, % of all photos and seeds (most frequent other name)"]
    return grid([*head, *(VARIANTS[name].says for name in runs)], rows)


def named(counted: Counter, right: str) -> str:
    """Such as "70 (clean 25)"."""
    every = counted.total()
    if not every:
        return "–"
    wrong = Counter({place: n for place, n in counted.items() if place != right}).most_common(1)
    often = bool(wrong) and wrong[0][1] >= every / 200  # else it would read 0
    told = f" ({wrong[0][0]} {100 * wrong[0][1] / every:.0f})" if often else ""
    return f"{100 * counted[right] / every:.0f}{told}"


def more_than(metric: Metric, runs: Runs, here: tuple[str, str], there: tuple[str, str]) -> Estimate | None:
    """By how much the difference of two variants is more than that of two others, seed by seed."""
    a, b, c, d = (values(metric, runs[name]) for name in (*here, *there))
    gaps = (
        {s: x[s] - y[s] for s in x.keys() & y.keys() if None not in (x[s], y[s])} for x, y in ((a, b), (c, d))
    )
    return difference(*gaps)


def how(budget: str, kind: str, runs: Runs) -> str:
    """What the runs of a table were."""
    one = next(iter(runs["slerir"].values()))
    size = one["settings"]["budget"]
    scored = "all photos" if size["photos"] is None else f"{size['photos']} photos a task"
    if kind == SOLO:
        length = f"{size['compass_steps']:,} steps"
    else:
        length = f"{size['minutes']:g} minutes of training" if size["minutes"] else "a few steps"
    if size["shrink"] > 1:
        length += f" at 1/{size['shrink']} of the default width"
    size = f"Budget `{budget}`: {length} each, scored on {scored}."
    return f"{size} In brackets the standard deviation over seeds.\n"


def cost_of(evidence: Evidence) -> dict | None:
    return next((evidence.costs[b] for b in BUDGETS if b in evidence.costs), None)


def times(found: dict) -> str:
    """How many times a rival's time SLER-IR lite takes."""
    mine, parts = found["cost"]["slerir"], []
    for name, of in found["cost"].items():
        if name != "slerir":
            photo, step = (
                number(mine[what]["milliseconds"] / of[what]["milliseconds"], 2)
                for what in ("restoring", "training")
            )
            parts.append(f"{VARIANTS[name].says}: {photo} times and {step} times its time")
    return "<br>".join(parts)


def cost_table(evidence: Evidence) -> str:
    found = cost_of(evidence)
    if found is None:
        return NOTHING
    rows = []
    for name, of in found["cost"].items():
        spent = [
            of[what][unit] for what in ("restoring", "training") for unit in ("milliseconds", "megabytes")
        ]
        rows.append([
            VARIANTS[name].says, f"{of['parameters']:,}", f"{of['active_parameters']:,}",
            number(of["gmac_per_megapixel"], 1), *(number(v, 0) for v in spent),
        ])  # fmt: skip
    head = ["", "parameters", "active", "GMAC a megapixel",
            "512 × 512 px, ms", "MB", "a training step, ms", "MB"]  # fmt: skip
    machine = found["machine"]
    by = f"PyTorch {machine['torch']}, {machine['threads']} threads, {machine['cpu']}.\n"
    return f"{by}\n{grid(head, rows)}"


def claim_table(claim: str, evidence: Evidence) -> str:
    """All that is known of one claim."""
    if claim == "C7":
        return cost_table(evidence)
    parts = [kind_table(claim, kind, evidence) for kind in (SOLO, TEAM) if (claim, kind) in METRICS]
    return "\n\n".join(parts + ([reason_table(claim, evidence)] if CLAIMS[claim].reason else []))


def summary(evidence: Evidence) -> str:
    """A row for each claim and kind of run that was measured: the deciding metric against every rival."""
    rows, missing = [], {}
    for claim, of in CLAIMS.items():
        for kind in (k for k in (SOLO, TEAM) if (claim, k) in METRICS):
            metric, found = METRICS[claim, kind][0], evidence.of(claim, kind)
            if found is None:
                missing.setdefault(f"{claim} ({of.says})", []).append(KINDS[kind])
            else:
                rows.append([f"{claim}: {of.says}", f"{KINDS[kind]}: {metric.says}", *verdict(metric, found)])
        if claim == "C7" and (spent := cost_of(evidence)):
            rows.append([f"{claim}: {of.says}", "time of one photo, of a training step", times(spent), "–"])
        elif claim == "C7":
            missing[f"{claim} ({of.says})"] = ["time, memory, multiply-adds"]
    told = "SLER-IR lite minus its rivals, with a 95 % interval over seeds; of C7, how many times theirs"
    head = ["claim", "measured by", told, "seeds"]
    left = "; ".join(f"{what}: {' and '.join(kinds)}" for what, kinds in missing.items())
    left = left and f"{NOTHING[:-1]}: {left}."
    return "\n\n".join(text for text in (grid(head, rows, words=3) if rows else "", left) if text)


def differences(evidence: Evidence) -> list[tuple[Estimate, int]]:
    """Every difference that the tables of the claims show with an interval, with its digits; each once."""
    found = {}
    for claim, kind in METRICS:
        if (of := evidence.of(claim, kind)) is None:
            continue
        budget, runs = of
        pairs = [("slerir", name) for name in runs if name != "slerir"] + [CLAIMS[claim].apart]
        for metric in METRICS[claim, kind]:
            if metric.gain:
                found[budget, kind, metric.says] = mean(metric, runs["slerir"]), metric.digits
            elif metric.better:
                for one, other in (p for p in pairs if p and all(name in runs for name in p)):
                    key = budget, kind, metric.says, one, other
                    found[key] = compared(metric, runs, other, one), metric.digits
        if kind == TEAM and CLAIMS[claim].reason and (of := for_the_reason(claim, evidence)):
            (one, other), there = CLAIMS[claim].reason, ("slerir", CLAIMS[claim].rivals[0])
            for m in METRICS[claim, kind]:
                found[claim, m.says] = compared(m, of[1], other, one), m.digits
                found[claim, m.says, "more"] = more_than(m, of[1], (one, other), there), m.digits
    return [(e, digits) for e, digits in found.values() if e is not None and not math.isnan(e.half)]


def counts(evidence: Evidence) -> str:
    """How many of all differences are clear of 0, and how many stay so when all are counted together."""
    all_ = differences(evidence)
    if not all_:
        return NOTHING
    bold, stand = sum(clear(*row) for row in all_), holm([e.chance for e, _ in all_])
    return (
        f"Of {len(all_)} differences below {bold} are bold. Were there no true difference anywhere, some "
        f"{len(all_) / 20:.0f} would be so by chance. {stand} stand when all are counted together (Holm's "
        "method)."
    )


def verdict(metric: Metric, found: tuple[str, Runs]) -> list[str]:
    """The differences of a deciding metric, and over how many seeds."""
    runs = found[1]
    if metric.gain or len(runs) == 1 or not metric.better:
        mine = mean(metric, runs["slerir"])
        return [told(mine, metric.digits) if metric.gain else spread(mine, metric.digits), str(mine.seeds)]
    rivals = [name for name in runs if name != "slerir"]
    parts = [f"{VARIANTS[n].says}: {told(compared(metric, runs, n), metric.digits)}" for n in rivals]
    counts = sorted({len(runs["slerir"].keys() & runs[n].keys()) for n in rivals})
    return ["<br>".join(parts), "–".join(map(str, dict.fromkeys((counts[0], counts[-1]))))]


def rewritten(page: str, root: Path = ROOT) -> str:
    """What a page holds once its tables are right."""
    evidence, text = Evidence(root), (root / page).read_text("utf-8")
    if not MARKED.search(text):
        raise ValueError(f"{page} has no <!-- claims --> to write behind.")

    def table(mark: str | None) -> str:
        if mark == "counts":
            return counts(evidence)
        return claim_table(mark, evidence) if mark else summary(evidence)

    return MARKED.sub(lambda m: f"{m[1]}\n{table(m[2])}\n{m[3]}", text)


def picture(root: Path = ROOT) -> bytes | None:
    """A PNG: every rival's difference in each deciding metric, with its interval. None: nothing to draw."""
    evidence, panels = Evidence(root), []
    for claim, kind in METRICS:
        metric, found = METRICS[claim, kind][0], evidence.of(claim, kind)
        if found is None or metric.gain or len(found[1]) == 1:
            continue
        rows = [(VARIANTS[n].says, compared(metric, found[1], n)) for n in found[1] if n != "slerir"]
        rows = [(says, e) for says, e in rows if e is not None and not math.isnan(e.half)]
        if rows:
            panels.append((f"{claim}, {KINDS[kind]}", metric, rows))
    if not panels:
        return None
    with matplotlib.rc_context({"font.size": 9, "svg.hashsalt": "claims"}):
        sizes = [len(rows) + 1.6 for *_, rows in panels]
        figure = Figure(figsize=(8.2, 0.34 * sum(sizes) + 0.3), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)[:, 0]
        for ax, (title, metric, rows) in zip(axes, panels, strict=True):
            for y, (_, e) in enumerate(rows):
                # Filled where the interval is clear of 0.
                far = clear(e, metric.digits)
                colour, inside = ("#0072B2", "#0072B2") if far else ("#555555", "white")
                ax.errorbar(
                    e.mean, y, xerr=e.half, fmt="o", capsize=3, markersize=5, color=colour, mfc=inside
                )
            ax.axvline(0, color="black", linewidth=0.8)
            ax.set_yticks(range(len(rows)), [says for says, _ in rows])
            ax.set_ylim(len(rows) - 0.5, -0.5)
            ax.set_title(title, loc="left", fontsize=9, fontweight="bold")
            ax.set_xlabel(f"SLER-IR lite minus the rival: {metric.says}")
            ax.grid(axis="x", alpha=0.3)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


if __name__ == "__main__":
    for page in PAGES:
        new = rewritten(page)
        if new != (ROOT / page).read_text("utf-8"):
            (ROOT / page).write_text(new, "utf-8")
            print("claims written:", page)
    if (drawn := picture()) is not None:
        (ROOT / PICTURE).write_bytes(drawn)
