"""Means, intervals and differences against SciPy's, and pages that say what the runs' files say."""

import json
import math
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scripts import of

ROOT = Path(__file__).resolve().parent.parent


# Statistics


@pytest.mark.parametrize("n", [2, 3, 5, 10, 30])
def test_an_interval_is_scipys_t_interval(n):
    x = np.random.default_rng(n).normal(1, 2, n)
    found = of("paired").estimate(list(x))
    low, high = stats.t.interval(0.95, n - 1, loc=x.mean(), scale=stats.sem(x))
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))
    assert found.spread == pytest.approx(x.std(ddof=1)) and found.seeds == n


def test_the_interval_holds_the_truth_nineteen_times_of_twenty():
    rng = np.random.default_rng(0)
    trials = [of("paired").estimate(list(rng.normal(0.3, 1, 5))) for _ in range(4000)]
    hit = np.mean([abs(e.mean - 0.3) < e.half for e in trials])
    assert hit == pytest.approx(0.95, abs=0.012)


def test_differences_are_paired_by_seed_and_agree_with_scipys_paired_test():
    rng = np.random.default_rng(1)
    shared = rng.normal(25, 3, 6)
    ours = dict(enumerate(shared + rng.normal(0.5, 0.1, 6)))
    theirs = dict(reversed(list(enumerate(shared))))  # the order of files must not matter
    found = of("paired").difference(ours, theirs)
    x = [ours[s] - theirs[s] for s in range(6)]
    expected = stats.ttest_rel(
        [ours[s] for s in range(6)], [theirs[s] for s in range(6)]
    ).confidence_interval()
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(np.mean(x)) and found.half < 0.3  # the seeds' spread of 3 is taken out


def test_only_seeds_that_both_have_count():
    difference = of("paired").difference
    found = difference({0: 1.0, 1: 2.0, 2: 3.0, 3: None}, {1: 1.0, 2: 1.0, 3: 1.0, 7: 9.0})
    assert found.seeds == 2 and found.mean == pytest.approx(1.5)
    assert difference({0: 1.0}, {1: 1.0}) is None


def test_one_seed_has_no_interval_and_is_never_sure():
    one = of("paired").estimate([3.0])
    assert math.isnan(one.half) and one.sign == 0 and of("paired").estimate([]) is None


@pytest.mark.parametrize("n, mean", [(2, 0.3), (5, 1.0), (10, -0.5)])
def test_chance_is_scipys_test_against_zero(n, mean):
    x = np.random.default_rng(n).normal(mean, 1, n)
    assert of("paired").estimate(list(x)).chance == pytest.approx(stats.ttest_1samp(x, 0).pvalue)


def test_what_stands_together_is_hardly_ever_there_by_chance():
    """Of forty tests with nothing in them one or more stands once in twenty times; what is sure stands."""
    holm, rng = of("paired").holm, np.random.default_rng(0)
    wrong = np.mean([holm(list(rng.uniform(size=40))) > 0 for _ in range(4000)])
    assert wrong == pytest.approx(0.05, abs=0.012)
    assert holm([0.9, 1e-9, 0.004, 0.3, 1e-6]) == 3 and holm([0.011, 0.012, 0.9, 0.8, 0.7]) == 0 == holm([])


@pytest.mark.parametrize(
    "values, sign", [([1.0, 1.1, 0.9], 1), ([-1.0, -1.1, -0.9], -1), ([1.0, -1.0, 0.1], 0)]
)
def test_sure_is_what_lies_clear_of_zero(values, sign):
    assert of("paired").estimate(values).sign == sign


# Metrics


def scores(five: float, mixes: float = 15.0) -> dict:
    probe = of("probe_compass")
    tasks = {t: {"psnr": mixes} for t in (*probe.HELD_OUT_MIXES, *probe.SHIFTED)}
    return {"tasks": tasks, "five_task_average": five, "four_task_average_without_haze": five + 1}


def test_every_claim_has_metrics_for_what_it_runs():
    metrics, variants = of("report_metrics").METRICS, of("variants")
    for name, claim in variants.CLAIMS.items():
        assert ((name, variants.SOLO) in metrics) == bool(claim.compass)
        assert ((name, variants.TEAM) in metrics) == (name != "C7")


def test_every_metric_finds_its_number_in_a_real_runs_file():
    metrics = of("report_metrics").METRICS
    files = sorted((ROOT / "benchmarks" / "claims").glob("*/*-slerir-0.json"))
    assert files
    for file in files:
        run = json.loads(file.read_text())
        for (_, kind), row in metrics.items():
            for metric in row if kind == run["kind"] else ():
                found = metric.of(run["scores"])
                assert found is not None and math.isfinite(found), (file, metric.says)
    # Of every kind of run that a page may speak of, one was asked.
    runs = (ROOT / "benchmarks" / "claims").glob("*/*-*-*.json")
    assert {f.name.split("-")[0] for f in files} == {f.name.split("-")[0] for f in runs}


def test_a_number_that_is_not_there_is_none():
    metrics = of("report_metrics")
    assert metrics.at("a", "b")({"a": {}}) is None and metrics.at("a", "b")({"a": 3}) is None
    assert metrics.less(metrics.at("a"), metrics.at("b"))({"a": 1}) is None
    assert metrics.mean_of(metrics.at("a"), metrics.at("b"))({"a": 1, "b": 3}) == 2


def test_an_interval_on_the_edge_is_not_bold():
    report, estimate = of("report"), of("paired").Estimate
    assert report.told(estimate(2.262, 2.260, 1.0, 10), 2) == "+2.26 ± 2.26"
    assert report.told(estimate(2.262, 2.240, 1.0, 10), 2) == "**+2.26 ± 2.24**"
    assert report.told(estimate(-2.262, 2.240, 1.0, 10), 2) == "**−2.26 ± 2.24**"
    assert report.told(estimate(2.2, 2.3, 1.0, 10), 1) == "+2.2 ± 2.3"


# Pages


def write(root: Path, budget: str, variant: str, seed: int, found: dict, kind: str = "whole") -> None:
    from dataclasses import asdict

    folder = root / "benchmarks" / "claims" / budget
    folder.mkdir(parents=True, exist_ok=True)
    run = {"kind": kind, "variant": variant, "seed": seed, "scores": found,
           "settings": {"budget": asdict(of("variants").BUDGETS[budget])}}  # fmt: skip
    (folder / f"{kind}-{variant}-{seed}.json").write_text(json.dumps(run))


@pytest.fixture
def repository(tmp_path) -> Path:
    """C1 measured with three seeds: 1 dB better than the generalist, and as good as the told one."""
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    for page in of("report").PAGES:
        (tmp_path / page).write_text(
            "a\n<!-- claims -->stale<!-- /claims -->\n<!-- claims:C1 -->stale<!-- /claims:C1 -->b\n"
        )
    for seed in range(3):
        write(tmp_path, "long", "slerir", seed, scores(26 + seed))
        write(tmp_path, "long", "generalist", seed, scores(25 + seed + 0.01 * seed))
        write(tmp_path, "long", "conditioned", seed, scores(26 + seed + 0.2 * (seed - 1)))
    return tmp_path


def test_a_table_says_what_the_files_say(repository):
    text = of("report").rewritten("docs/claims.md", repository)
    assert f"| SLER-IR lite | 27.00 (1.00) | 28.00 (1.00) |{' – |' * 5} 3 |" in text  # no task by itself
    half = stats.t.ppf(0.975, 2) * np.std([1, 0.99, 0.98], ddof=1) / 3**0.5
    assert f"| one generalist | **+0.99 ± {half:.2f}** |" in text
    assert re.search(r"\| a generalist told by z and guide \| [+−]0.00 ± 0.50 \|", text)
    assert (
        "stale" not in text
        and text.startswith("a\n<!-- claims -->\n| claim |")
        and text.endswith("<!-- /claims:C1 -->b\n")
    )
    tables = re.findall(r"(?:^\|.*\n?)+", text, re.M)
    assert all(len({line.count("|") for line in table.splitlines()}) == 1 for table in tables)


def test_how_much_more_one_difference_is_than_another_is_told_seed_by_seed(repository):
    rng = np.random.default_rng(3)
    five = {
        name: rng.normal(25, 1, 4)
        for name in ("slerir", "whole-networks", "neither-sense", "one-choice-unguided")
    }
    for name, row in five.items():
        for seed, value in enumerate(row):
            write(repository, "long", name, seed, scores(float(value)))
    a, b, c, d = (five[n] for n in ("neither-sense", "one-choice-unguided", "slerir", "whole-networks"))
    x = (a - b) - (c - d)
    low, high = stats.t.interval(0.95, 3, loc=x.mean(), scale=stats.sem(x))
    told = f"| {x.mean():+.2f} ± {(high - low) / 2:.2f} |".replace("-", "−")
    text = of("report").reason_table("C2", of("report").Evidence(repository))
    assert f"minus one choice of three whole networks {told}" in text.replace("**", "")
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_what_was_not_run_says_so(repository):
    text = of("report").rewritten("README.md", repository)
    assert not any(line.startswith("| C2:") for line in text.splitlines())
    left = next(line for line in text.splitlines() if line.startswith("Not measured yet:"))
    assert "C2 (" in left and "C1 (" not in left
    row = next(line for line in text.splitlines() if line.startswith("| C1:"))
    assert "one generalist: **+0.99" in row and row.endswith("| 3 |")


def test_costs_are_told_as_ratios_and_as_they_were_measured(repository):
    def spent(photo: float, step: float) -> dict:
        found = {"restoring": {"milliseconds": photo, "megabytes": 90.4}}
        found["training"] = {"milliseconds": step, "megabytes": 200}
        return found | {"parameters": 3_000_000, "active_parameters": 1000, "gmac_per_megapixel": 4.04}

    cost = {"slerir": spent(300, 500), "generalist": spent(200, 500), "wide": spent(400, 1000)}
    found = {"machine": {"torch": "2.9", "threads": 2, "cpu": "AVX2"}, "cost": cost}
    (repository / "benchmarks" / "claims" / "long" / "cost.json").write_text(json.dumps(found))
    summary = of("report").rewritten("README.md", repository)
    row = next(line for line in summary.splitlines() if line.startswith("| C7:"))
    assert (
        "one generalist: 1.50 times and 1.00 times its time<br>" in row and "0.75 times and 0.50 times" in row
    )
    assert "C7 (" not in summary
    page = repository / "docs" / "claims.md"
    page.write_text("<!-- claims:C7 -->stale<!-- /claims:C7 -->")
    table = of("report").rewritten("docs/claims.md", repository)
    assert "PyTorch 2.9, 2 threads, AVX2." in table
    assert "| one generalist | 3,000,000 | 1,000 | 4.0 | 200 | 90 | 500 | 200 |" in table


def test_the_larger_budget_counts_and_the_smoke_budget_never(repository):
    for seed in range(2):
        write(repository, "short", "slerir", seed, scores(99.0))
        write(repository, "short", "generalist", seed, scores(99.0))
        write(repository, "smoke", "whole-networks", seed, scores(99.0))
        write(repository, "smoke", "slerir", seed, scores(99.0))
    text = of("report").rewritten("docs/claims.md", repository)
    assert "99.0" not in text and "Budget `long`" in text


def test_one_long_run_does_not_push_many_short_ones_aside(repository):
    for seed in range(4):
        for name in ("slerir", "whole-networks", "decoder-only"):
            write(repository, "short", name, seed, scores(20.0))
    write(repository, "long", "whole-networks", 0, scores(99.0))
    budget, runs = of("report").Evidence(repository).of("C2", "whole")
    assert budget == "short" and len(runs["whole-networks"]) == 4
    assert of("report").Evidence(repository).of("C1", "whole")[0] == "long"


def test_every_difference_is_counted_once(repository):
    """C1 and C5 share two rivals; one difference of the four is without doubt, and none of a lone seed."""
    write(repository, "long", "wide", 0, scores(20.0))
    found = of("report").differences(of("report").Evidence(repository))
    told = [of("report").told(*row) for row in found]
    assert len(told) == 4 and sum(text.startswith("**") for text in told) == 2  # with haze, and without
    text = of("report").counts(of("report").Evidence(repository))
    assert text.startswith("Of 4 differences below 2 are bold.") and " 2 stand when" in text


def test_the_names_that_were_given_are_counted():
    named, counter = of("report").named, of("report").Counter
    assert named(counter(clean=25, haze=70, blur=5), "haze") == "70 (clean 25)"
    assert named(counter(haze=240), "haze") == "100" and named(counter(), "haze") == "–"
    assert named(counter(haze=1000, rain=1), "haze") == "100"  # one of a thousand is no percent


def test_the_same_files_give_the_same_bytes_and_writing_twice_changes_nothing(repository):
    report = of("report")
    assert report.picture(repository) == report.picture(repository) is not None
    for page in report.PAGES:
        new = report.rewritten(page, repository)
        (repository / page).write_text(new)
        assert report.rewritten(page, repository) == new


def test_a_page_without_a_place_for_tables_is_refused(repository):
    (repository / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match="claims"):
        of("report").rewritten("README.md", repository)


@pytest.mark.parametrize("page", ["README.md", "docs/claims.md"])
def test_the_pages_say_what_was_measured(page):
    assert of("report").rewritten(page) == (ROOT / page).read_text("utf-8"), (
        "run `python benchmarks/report.py`"
    )


def test_the_picture_shows_what_was_measured():
    report = of("report")
    file = ROOT / report.PICTURE
    pinned = re.findall(r"^matplotlib==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.M)
    assert pinned
    if file.exists() and metadata.version("matplotlib") in pinned:  # another version may draw otherwise
        assert report.picture() == file.read_bytes(), "run `python benchmarks/report.py`"
    assert file.exists() == (report.picture() is not None)


def test_every_claim_has_a_place_in_the_docs():
    text = (ROOT / "docs" / "claims.md").read_text("utf-8")
    for claim in of("variants").CLAIMS:
        assert f"<!-- claims:{claim} -->" in text and f"## {claim}. " in text


# Prose


def test_what_is_said_of_whole_networks_is_so():
    text = (ROOT / "docs" / "claims.md").read_text("utf-8")
    runs = of("paired").load(ROOT / "benchmarks" / "claims" / "short")
    whole = {name: row for (kind, name), row in runs.items() if kind == "whole"}
    five, corners = (of("report_metrics").METRICS[claim, "whole"] for claim in ("C1", "C5"))
    gain = {}
    for name in ("slerir", "conditioned", "neither-sense"):
        values = (of("report").values(five[0], whole[of_]) for of_ in (name, "generalist"))
        gain[name] = of("paired").difference(*values).mean
    assert f"(this rival) {gain['conditioned']:.1f} dB" in text
    assert f"{gain['neither-sense']:.1f} dB, both together {gain['slerir']:.1f} dB" in text
    senses = ("global-only", "local-only", "neither-sense")
    missed = [of("report").compared(corners[0], whole, name) for name in senses]
    assert [found.sign for found in missed] == [0, 0, 1]
    assert f"without both {missed[2].mean:.1f} dB are lost" in text
    assert f"{missed[2].mean:.1f} dB to the experts alone" in text
    inside = [of("report").compared(corners[1], whole, name) for name in senses]
    assert all(found.sign == 1 for found in inside)
    far, near, neither = (f"{found.mean:.1f} dB better than with" for found in inside)
    assert f"{far} the big picture alone" in text and f"{near} the close-up alone" in text
    assert f"and {neither} neither" in text
    assert all(of("report").compared(corners[2], whole, name).sign == 1 for name in senses)
    assert "and less than with either alone" in text
    outside = [of("report").values(corners[2], whole[n]).values() for n in ("slerir", "neither-sense")]
    assert f"({np.mean(list(outside[0])):.0f} instead of {np.mean(list(outside[1])):.0f} dB)" in text
    ahead = [of("report").values(corners[3], whole[n]).values() for n in ("local-only", "slerir")]
    said = f"ahead of tiles by {np.mean(list(ahead[0])):.1f} dB, with both by {np.mean(list(ahead[1])):.1f}"
    assert said in text and of("report").compared(corners[3], whole, "local-only").sign == 1
    by_task = of("report_metrics").METRICS["C1", "whole"][2:]
    lead = {m.says: of("report").compared(m, whole, "generalist") for m in by_task}
    assert lead["noise25, dB"].sign == 0 and "in noise none is shown" in text
    most = [lead[f"{task}, dB"].mean for task in ("haze", "lowlight", "rain", "blur")]
    assert f"haze ({most[0]:.1f} dB, of which" in text and f"low light ({most[1]:.1f} dB)" in text
    assert f"in rain and blur it is {most[2]:.1f} and {most[3]:.1f} dB" in text
    assert round(sum(most[:2]) / sum(e.mean for e in lead.values()), 1) == 0.8
    told = {m.says: of("report").compared(m, whole, "conditioned") for m in by_task}
    assert f"level, to {of('report').compared(five[0], whole, 'conditioned').half:.1f} dB" in text
    sure = {name for name, found in told.items() if found.sign == 1}
    assert sure == {"noise25, dB", "blur, dB"} and not any(found.sign == -1 for found in told.values())
    ahead = [f"{told[f'{task}, dB'].mean:.1f}" for task in ("noise25", "blur")]
    assert f"noise and blur lie {ahead[0]} and {ahead[1]} dB ahead" in text
    psnr, metric = of("report_metrics").tasks_psnr, of("report").Metric
    clean, corner = (
        of("report").compared(metric(task, psnr(task)), whole, "conditioned")
        for task in ("clean", "noise_corner")
    )
    assert f"come back {clean.mean:.1f} ± {clean.half:.1f} dB closer and noise in a corner" in text
    assert f"in a corner {-corner.mean:.1f} ± {corner.half:.1f} dB worse" in text
    harmed = [run["scores"]["tasks"]["blur"] for run in whole["generalist"].values()]
    back, given = (np.mean([of_[key] for of_ in harmed]) for key in ("psnr", "input_psnr"))
    assert back < given and f"come back with {back:.1f} dB of the {given:.1f} that were given" in text
    large = of("report").compared(five[0], whole, "wide")
    assert large.sign == 1 and f"is {large.mean:.1f} dB behind (and behind the small generalist)" in text
    early = of("report").compared(of("report_metrics").METRICS["C2", "whole"][0], whole, "decoder-only")
    assert early.sign == 0 and f"only the last four layers choose, it is {early.half:.1f} dB" in text
    table = of("report").compared(of("report_metrics").METRICS["C8", "whole"][0], whole, "table")
    assert table.sign == 0 and "the table restores as well" in text
    paths = of("report_metrics").METRICS["C8", "whole"]
    used, changes = (of("report").values(paths[k], whole["slerir"]).values() for k in (1, 3))
    assert f"{min(used)} to {max(used)} over all photos" in text
    table = of("report").values(paths[3], whole["table"]).values()
    changed = [f"{np.mean(list(of_)):.0f} %" for of_ in (changes, table)]
    assert f"in {changed[0]} of the photos, but so does the table's in {changed[1]}," in text
    took = [run["seconds"] for row in whole.values() for run in row.values()]
    assert f"took {min(took):,.0f} to {max(took):,.0f} s" in text


def test_what_is_said_of_choosing_without_a_guide_is_so():
    text, readme = ((ROOT / page).read_text("utf-8") for page in ("docs/claims.md", "README.md"))
    runs = of("paired").load(ROOT / "benchmarks" / "claims" / "short")
    whole = {name: row for (kind, name), row in runs.items() if kind == "whole"}
    five, *tasks, mixed = of("report_metrics").METRICS["C2", "whole"]
    compared, pair = of("report").compared, of("variants").CLAIMS["C2"].reason
    ahead = compared(five, whole, pair[1], pair[0])
    assert ahead.sign == 1 and f"ahead of one choice, by {ahead.mean:.1f} dB on the five tasks" in text
    assert f"choosing at every layer is {ahead.mean:.1f} dB ahead of one choice" in readme
    lead = {m.says.removesuffix(", dB"): compared(m, whole, pair[1], pair[0]) for m in tasks}
    told = [f"{lead[task].mean:.1f}" for task in ("noise25", "rain", "lowlight", "blur")]
    said = f"{told[0]} dB in noise, {told[1]} in rain, {told[2]} in low light and {told[3]} in blur"
    haze = lead.pop("haze")
    assert said in text and f"in haze it lies {-haze.mean:.1f} dB behind" in text
    assert not of("report").clear(haze, 2) and all(of("report").clear(e, 2) for e in lead.values())
    assert compared(mixed, whole, pair[1], pair[0]).sign == 0
    more = [of("report").more_than(m, whole, pair, ("slerir", "whole-networks")) for m in (five, *tasks)]
    assert [e.sign for e in more] == [0, 1, 0, 0, 0, 0]
    assert f"the difference without it is {more[1].mean:.1f} dB more than with it" in text
    assert f"on average it is {more[0].mean:.1f} dB more, which" in text
    both = compared(five, whole, "whole-networks")
    assert both.sign == 0 and f"the interval is {both.half:.1f} dB wide on either side" in text


def test_what_the_readme_says_of_the_evidence_is_so():
    text = (ROOT / "README.md").read_text("utf-8")
    metrics, report = of("report_metrics").METRICS, of("report")
    runs = of("paired").load(ROOT / "benchmarks" / "claims" / "short")
    whole, alone = (
        {name: row for (kind, name), row in runs.items() if kind == k} for k in ("whole", "compass")
    )
    lead = {m.says: report.compared(m, whole, "generalist") for m in metrics["C1", "whole"]}
    told = report.compared(metrics["C1", "whole"][0], whole, "conditioned")
    assert f"ahead by {lead['five tasks, dB'].mean:.1f} dB: by {lead['haze, dB'].mean:.1f} in haze" in text
    assert f"and {lead['lowlight, dB'].mean:.1f} in low light" in text and lead["noise25, dB"].sign == 0
    assert told.sign == 0 and abs(told.mean) < 0.1 and f"(to {told.half:.1f} dB)" in text
    for rival in ("whole-networks", "decoder-only"):
        assert report.compared(metrics["C2", "whole"][0], whole, rival).sign == 0
    inside = metrics["C5", "whole"][1]
    far, near, neither = (
        f"{report.compared(inside, whole, name).mean:.1f}"
        for name in ("global-only", "local-only", "neither-sense")
    )
    assert f"together are {far} dB better inside of it than the big picture alone, {near} better than" in text
    assert f"and {neither} better than neither" in text
    used = report.values(metrics["C8", "whole"][1], whole["slerir"]).values()
    assert 20 <= min(used) <= max(used) <= 35 and "some 30 are used" in text
    assert report.compared(metrics["C8", "whole"][0], whole, "table").sign == 0
    angle, mixed = metrics["C4", "compass"][2], metrics["C4", "compass"][-1]
    wide = [np.mean(list(report.values(angle, alone[n]).values())) for n in ("slerir", "no-uniformity")]
    assert 1.8 < wide[0] / wide[1] < 2.5 and "doubles the smallest angle" in text
    assert report.compared(mixed, alone, "no-uniformity").sign == 1
    assert report.compared(metrics["C4", "compass"][0], alone, "no-uniformity").sign == 0


def test_what_is_said_of_the_sphere_is_so():
    text, readme = ((ROOT / page).read_text("utf-8") for page in ("docs/claims.md", "README.md"))
    runs = of("paired").load(ROOT / "benchmarks" / "claims" / "short")
    whole = {name: row for (kind, name), row in runs.items() if kind == "whole"}
    shifted, _, five = of("report_metrics").METRICS["C3", "whole"]
    with_it, calm, gate = (
        [of("report").compared(m, whole, name) for m in (shifted, five)]
        for name in ("linear", "linear-calm", "softmax")
    )
    assert all(found.sign == 1 for found in with_it)
    least, most = (f"{found.mean:.1f} dB" for found in with_it)
    assert f"the sphere is {least} ahead of the linear space, and {most} on the five tasks" in text
    assert f"(C3) is {most} ahead of a linear space, and {least} where severities are shifted" in readme
    assert not any(found.sign for found in calm)
    second, first = (of("report").number(found.mean, 1, "+") for found in calm)
    assert f"({first} dB on the five tasks, {second} where severities are shifted)" in text
    shifts, ahead = gate
    assert shifts.sign == 0 and ahead.sign == -1
    assert f"are shifted ({of('report').number(shifts.mean, 1)} ± {shifts.half:.1f} dB), and lies" in text
    assert f"and lies {-ahead.mean:.1f} dB ahead on the five tasks" in text
    assert f"a softmax gate lies {-ahead.mean:.1f} dB ahead" in readme
    assert ahead.chance > 0.05 / len(of("report").differences(of("report").Evidence()))
    mixed = of("report").compared(of("report_metrics").MIXED, whole, "linear-calm")
    assert mixed.sign == 1 and f"On the held-out mixes the sphere lies {mixed.mean:.1f} dB ahead" in text


def test_what_is_said_of_spacing_and_of_mixes_is_so():
    text = (ROOT / "docs" / "claims.md").read_text("utf-8")
    runs, report = of("paired").load(ROOT / "benchmarks" / "claims" / "short"), of("report")
    alone, whole = ({n: row for (kind, n), row in runs.items() if kind == k} for k in ("compass", "whole"))
    seen, unseen = of("report_metrics").BETWEEN, of("report_metrics").BETWEEN_UNSEEN
    drawn = report.compared(seen, alone, "no-midpoint")
    assert drawn.sign == 1 and f"{drawn.mean:.0f} points more of them lie between their parents" in text
    assert report.compared(unseen, alone, "no-midpoint").sign == 0
    assert report.compared(unseen, alone, "no-uniformity").sign == 1
    assert report.compared(seen, alone, "no-uniformity").sign == -1
    mean = {
        (m, n): np.mean(list(report.values(m, alone[n]).values()))
        for m in (seen, unseen)
        for n in ("slerir", "softmax", "linear", "linear-calm")
    }
    here, there = mean[seen, "linear"], mean[seen, "linear-calm"]
    assert f"in {mean[seen, 'slerir']:.0f} % on the sphere, and in {here:.0f} and {there:.0f} % in" in text
    assert f"in {mean[unseen, 'slerir']:.0f} % on the sphere, and in {mean[unseen, 'softmax']:.0f} %" in text
    here, there = mean[unseen, "linear-calm"], mean[unseen, "linear"]
    assert f"triplets in a linear space bring {here:.0f} to {there:.0f} % as well" in text
    five, shifted, mixed = of("report_metrics").METRICS["C4", "whole"]
    rivals = ("no-uniformity", "uneven-pins", "fixed-pins", "no-lead")
    found = [report.compared(m, whole, name) for m in (five, shifted) for name in rivals]
    assert not any(report.clear(f, 2) for f in found)
    *above, lead = (-report.compared(five, whole, name).mean for name in rivals)
    assert f"places lie {min(above):.1f} to {max(above):.1f} dB above" in text
    assert f"The one without lead lies {-lead:.1f} dB below, which is not shown either" in text
    apart = report.CLAIMS["C4"].apart
    restored, named = (
        report.compared(m, runs_, apart[1], apart[0])
        for m, runs_ in ((five, whole), (of("report_metrics").NAMED_BEYOND, alone))
    )
    assert not restored.sign and f"uneven ones ({report.number(restored.mean, 1)} dB)" in text
    assert not named.sign and f"in naming ({named.mean:.1f} ± {named.half:.1f} points)" in text
    even = report.compared(mixed, whole, "no-uniformity")
    assert even.sign == 1 and f"the uniformity term is {even.mean:.1f} dB ahead of the one without" in text
    dark = report.Metric("", of("report_metrics").tasks_psnr("lowlight+noise"))
    per_seed = report.values(dark, whole["slerir"])
    more = [per_seed[s] - v for s, v in report.values(dark, whole["no-uniformity"]).items()]
    assert f"darkness with noise ({min(more):.1f} to {max(more):.1f} dB;" in text
    assert even.chance > 0.05 / len(report.differences(report.Evidence()))  # "does not stand"
    low, high = min(per_seed.values()), max(per_seed.values())
    assert f"anything between {low:.1f} and {high:.1f} dB" in text


def test_two_rivals_of_a_later_version_differ_as_much_from_slerir_of_that_version():
    text, report = (ROOT / "docs" / "claims.md").read_text("utf-8"), of("report")
    folder = ROOT / "benchmarks" / "claims"
    of_then, of_later = (of("paired").load(folder / name) for name in ("short", "short-bfloat16"))
    then, later = of_then["compass", "slerir"], of_later["compass", "slerir"]
    assert len(later) == 10
    named = of("report_metrics").NAMED_BEYOND
    moved = of("paired").difference(report.values(named, later), report.values(named, then))
    assert not moved.sign and f"name {-moved.mean:.1f} ± {moved.half:.1f} points fewer" in text
    for rival, claim in (("linear-calm", "C3"), ("no-midpoint", "C4")):
        theirs = of_then["compass", rival]
        for m in of("report_metrics").METRICS[claim, "compass"]:
            both = [
                of("paired").difference(report.values(m, ours), report.values(m, theirs))
                for ours in (then, later)
            ]
            if all(both):  # a linear space has no angles
                assert report.clear(both[0], m.digits) == report.clear(both[1], m.digits), m.says


def test_what_is_said_of_mixed_paths_and_of_their_price_is_so():
    text, report = (ROOT / "docs" / "claims.md").read_text("utf-8"), of("report")
    evidence = report.Evidence()
    runs = evidence.of("C6", "whole")[1]["slerir"]
    gains = of("report_metrics").gains
    own = report.values(gains(of("report_metrics").HELD_OUT_MIXES)[0], runs)
    assert max(map(abs, own.values())) < 0.02 and "to 0.02 dB in every seed" in text
    (_, first, _, _), (_, _, _, dark), (_, _, _, rainy), twice = (
        [report.mean(m, runs) for m in gains((mix,))]
        for mix in ("haze+noise", "lowlight+noise", "rain+blur", "haze+noise")
    )
    assert first.sign == -1 and f"first parent's path would give {-first.mean:.1f} dB more" in text
    assert dark.sign == -1 and f"twice gives {-dark.mean:.1f} dB in darkness with noise" in text
    assert rainy.sign == 1 and f"costs {rainy.mean:.1f} dB in rain with blur" in text
    assert twice[3].sign == 0 and "is not shown to help haze with noise" in text
    cost = report.cost_of(evidence)["cost"]
    mine, told, small, wide = (cost[n] for n in ("slerir", "conditioned", "generalist", "wide"))
    assert 1.15 < mine["training"]["milliseconds"] / told["training"]["milliseconds"] < 1.25
    assert "a fifth more time and 26 MB more for a training step" in text
    photo, step = (
        [round(of_[what]["megabytes"]) for of_ in (mine, small, told, wide)]
        for what in ("restoring", "training")
    )
    assert f"({photo[0]} MB instead of {photo[1]})" in text and step[0] - step[2] == 26
    assert f"({step[0]} instead of {step[3]})" in text
    ratios = [f"{mine[w]['milliseconds'] / small[w]['milliseconds']:.2f}" for w in ("restoring", "training")]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert (
        f"takes {ratios[0]} times as long as with one generalist, a training step {ratios[1]} times" in readme
    )
