"""What the notebooks take: the page and the headers say what the log says, and the limits hold."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "notebooks"))

import run  # noqa: E402
import seeds  # noqa: E402
import table  # noqa: E402

LESSONS = sorted((ROOT / "notebooks").glob("0[1-7]-*.ipynb"))


@pytest.fixture(scope="module")
def log():
    return json.loads(table.LOG.read_text("utf-8"))


def test_the_page_says_what_was_measured(log):
    page = table.PAGE.read_text("utf-8")
    assert table.rewritten(page, log) == page, "run notebooks/table.py"
    assert table.TABLE.search(page)


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.name)
def test_a_header_has_the_estimate_beside_what_was_measured(path, log):
    head = nbformat.read(path, as_version=4).cells[0].source
    words = table.said(table.estimate(log, path.name))
    assert run.MEASURED.search(head) and f"<!-- estimated -->{words}<!-- /estimated -->" in head
    assert ("On a T4-class GPU, estimated: about" in words) == ("smoke" in log)


@pytest.mark.parametrize("name", table.LIMITS)
def test_all_lessons_are_measured_and_keep_the_limits(name, log):
    if name == "smoke" and name not in log:
        pytest.skip("smoke is not measured yet: run `make notebooks`")
    rows, limits = log[name]["notebooks"], table.LIMITS[name]
    inside = {n: row["seconds"] for n, row in rows.items() if int(n[:2]) in table.NUMBERS}
    assert len(inside) == len(table.NUMBERS)
    assert sum(inside.values()) <= limits["total"]
    assert max(inside.values()) <= limits.get("longest", limits["total"])
    assert log[name]["total_seconds"] == pytest.approx(sum(row["seconds"] for row in rows.values()))


def fake(cpu=100.0, smoke=20.0, loop=0.5):
    def row(seconds, peak):
        return {"seconds": seconds, "peak_MiB": peak, "calibration_loop_seconds": loop}

    return {
        "cpu": {"notebooks": {"02-a.ipynb": row(cpu, 1024), "01-b.ipynb": row(cpu, 1024)}},
        "smoke": {"notebooks": {"02-a.ipynb": row(smoke, 512), "01-b.ipynb": row(smoke, 512)}},
        "crop_in_loops": 0.005,
    }


def test_the_estimate_by_hand():
    """2 x 600 steps of 10 crops, each a two-hundredth of a loop of half a second: 30 s; 50 s of network."""
    seconds, memory = table.estimate(fake(), "02-a.ipynb")
    faster = table.T4 / (table.FLOP / 0.5)
    assert seconds == pytest.approx(20 + 40 * 30 + max(40 * 50 / faster, 2 * 6000 * table.LAUNCHES))
    assert memory == pytest.approx(0.5 + 4 * 0.5)
    assert table.estimate(fake(), "01-b.ipynb")[1] == 0  # trains nothing
    assert table.estimate(fake(), "08-c.ipynb") is None and table.estimate({}, "02-a.ipynb") is None


def test_a_change_of_the_log_changes_the_page():
    page = "a <!-- times -->old<!-- /times --> b"
    one, other = (table.rewritten(page, fake(cpu=v)) for v in (100.0, 200.0))
    assert one != other and one.startswith("a <!-- times -->") and one.endswith("<!-- /times --> b")
    assert table.rewritten(one, fake()) == one
    assert "| [02-a](../notebooks/02-a.ipynb) | 20 | 0.50 | 0.5 | 100 | 0.50 | 1.0 |" in one


def test_every_band_that_was_run_with_a_seed_has_held():
    log = json.loads(seeds.LOG.read_text("utf-8"))
    runs = {
        (b, n, s): row for b, pages in log.items() for n, rows in pages.items() for s, row in rows.items()
    }
    assert runs
    for which, row in runs.items():
        assert row["bands"] and not row["failed"], which
        assert [name for name, band in row["bands"].items() if not band["held"]] == [], which


def notebook(path: Path, *sources: str) -> Path:
    cells = [new_code_cell(s, id=f"cell-{k}") for k, s in enumerate(sources)]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A", id="head"), *cells]), path)
    return path


BAND = """from slerir_lite.course.bands import band
from slerir_lite.course.budget import budget

plan = budget()"""


def test_seeds_are_passed_on_and_a_failing_band_hides_no_other(tmp_path):
    path = notebook(
        tmp_path / "a.ipynb", f"{BAND}\nband('seed', plan.seed, at_least=5)", "band('two', 2, at_least=1)"
    )
    row = seeds.measure(path, "smoke", 3)
    assert {name: (b["value"], b["held"]) for name, b in row["bands"].items()} == {
        "seed": (3.0, False),
        "two": (2.0, True),
    }
    assert list(row["failed"]) == ["cell-0"] and "seed: 3" in row["failed"]["cell-0"]


def test_two_bands_of_one_name_are_refused(tmp_path):
    path = notebook(tmp_path / "a.ipynb", f"{BAND}\nband('a', 1, at_least=0)\nband('a', 2, at_least=0)")
    with pytest.raises(ValueError, match="a.ipynb: two of its bands have one name"):
        seeds.measure(path, "smoke", 0)


def test_what_is_done_is_not_done_again_until_the_code_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(seeds, "LOG", tmp_path / "log.json")
    monkeypatch.setattr(seeds, "FOLDER", tmp_path)
    ran = []

    def measure(path, name, seed):
        ran.append(seed)
        of = seeds.fingerprint(nbformat.read(path, as_version=4))
        return {"of": of, "seconds": 1, "bands": {}, "failed": {"x": "no"} if seed == 1 else {}}

    monkeypatch.setattr(seeds, "measure", measure)
    notebook(tmp_path / "a.ipynb", "1")
    assert seeds.main(["a.ipynb", "--seeds", "0"]) == 0 and ran == [0]
    assert seeds.main(["a.ipynb", "--seeds", "0", "1"]) == 1 and ran == [0, 1]
    assert seeds.main(["a.ipynb", "--seeds", "0", "1"]) == 1 and ran == [0, 1]  # a failure is kept
    notebook(tmp_path / "a.ipynb", "2")
    assert seeds.main(["a.ipynb", "--seeds", "0"]) == 0 and ran == [0, 1, 0]
