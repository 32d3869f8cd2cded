"""The fidelity ledger tells what is so: names that exist, links that lead somewhere, the files' figures."""

import importlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEDGER = (ROOT / "docs" / "fidelity.md").read_text("utf-8")
spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)


def rows() -> list[list[str]]:
    lines = [line for line in LEDGER.splitlines() if line.startswith("| ") and not line.startswith("| idea")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_row_has_an_idea_an_equation_a_place_and_a_verdict():
    assert len(rows()) > 15
    for row in rows():
        assert len(row) == 6 and all(row), row
        assert re.match(r"same|simplified|ours", row[4]), row[4]
        places = re.findall(r"`([^`]+)`", row[3])
        assert places and all(re.fullmatch(r"\w+\.py: \w+", place) for place in places), row[3]


@pytest.mark.parametrize("where", sorted(set(re.findall(r"`(\w+\.py: \w+)`", LEDGER))))
def test_what_the_ledger_names_is_in_the_package(where):
    file, name = where.split(".py: ")
    assert hasattr(importlib.import_module(f"slerir_lite.{file}"), name)


def test_every_figure_is_the_files():
    assert tables.with_figures(LEDGER) == LEDGER, "run `python benchmarks/tables.py`"


def test_a_figure_follows_its_file_with_as_many_digits_as_before(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "a.json").write_text(json.dumps({"x": {"of y": 1234.567}, "share": 0.98277}))
    text = "gains 1.00 (a.json: x > of y) dB, 3 times (a.json: x > of y); 1.0 (a.json: share, %) % and 2.5 dB"
    assert tables.with_figures(text, tmp_path) == (
        "gains 1,234.57 (a.json: x > of y) dB, 1,235 times (a.json: x > of y); "
        "98.3 (a.json: share, %) % and 2.5 dB"
    )


def test_no_decibel_or_share_stands_without_its_file():
    told, known = tables.FIGURE.subn("", LEDGER)
    assert known > 10
    loose = re.findall(r"[\d.]+ (?:dB|%|times)", told)
    assert loose == ["31.73 dB"]  # the paper's own


def test_links_lead_to_headings_that_exist():
    claims = (ROOT / "docs" / "claims.md").read_text("utf-8")
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", claims, re.M)
    }
    links = re.findall(r"\]\(claims\.md#([^)]+)\)", LEDGER)
    assert links and set(links) <= anchors


def test_a_notebook_that_exists_is_called_what_the_ledger_calls_it():
    named = set(re.findall(r"\b0\d-[a-z-]+", LEDGER))
    there = {f.stem for f in (ROOT / "notebooks").glob("0[1-8]-*.ipynb")}
    assert there <= named and len({name[:2] for name in named}) == len(named)
