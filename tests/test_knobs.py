"""Knobs are measured at values that were not there before; a median above what is allowed is a failure."""

import json
from pathlib import Path

import pytest
import scripts

knobs = scripts.of("knobs")


@pytest.mark.parametrize("times", [1, 30, 99])
def test_no_severity_comes_twice_and_none_was_there_at_first(times):
    values = knobs.severities(times)
    assert len(set(values)) == times and 0.5 not in values and all(0 <= v <= 1 for v in values)
    assert all(abs(a - b) > 0.3 for a, b in zip(values, values[1:], strict=False))


@pytest.mark.parametrize("router", [(0,) * 8, (1,) * 8, (2,) * 8, (0, 2, 1, 1, 2, 0, 0, 1)])
def test_no_path_comes_twice(router):
    path, seen = list(router), [router]
    for station in knobs.gray(100):
        path[station] = min({0, 1, 2} - {path[station]})  # the first specialist that is not pressed
        seen.append(tuple(path))
    assert len(set(seen)) == 101


def test_a_median_above_what_is_allowed_is_named():
    fine = {"playground": {"noise": {"median": 150}}, "path explorer": {"override": {"median": 400}}}
    assert knobs.too_slow(fine) == []
    slow = fine | {"path explorer": {"override": {"median": 401}, "severity": {"median": 12}}}
    assert knobs.too_slow(slow) == ["path explorer, override: 401 ms, more than 400"]


def test_what_was_measured_is_within_what_is_allowed_and_is_what_the_readme_says():
    root = Path(__file__).resolve().parent.parent
    page = (root / "README.md").read_text("utf-8")
    found = json.loads((root / "benchmarks" / "knobs.json").read_text("utf-8"))
    assert knobs.too_slow({name: found[name] for name in knobs.ALLOWED}) == []
    for name in knobs.ALLOWED:
        assert all(row["times"] >= knobs.TIMES for row in found[name].values())
        assert f"up to {max(row['median'] for row in found[name].values())} ms" in page
    watching = json.loads((root / "benchmarks" / "watching.json").read_text("utf-8"))
    share, (least, middle, most) = watching["share"], (round(v) for v in sorted(watching["slower"]))
    assert share <= 3 and f"the watch itself counts {share:.1f} % of a run's time" in page
    assert f"took {least}, {middle} and {most} % more than three without" in page
