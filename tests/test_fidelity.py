"""The fidelity ledger tells what is so: names that exist, links that lead somewhere, the files' figures."""

import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEDGER = (ROOT / "docs" / "fidelity.md").read_text("utf-8")
FIGURES = re.findall(r"([\d.,]+)(?: times)? \((\w+\.json): ([^()]+?)(, %)?\)", LEDGER)


def rows() -> list[list[str]]:
    lines = [line for line in LEDGER.splitlines() if line.startswith("| ") and not line.startswith("| idea")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_row_has_an_idea_an_equation_a_place_and_a_verdict():
    assert len(rows()) > 15
    for row in rows():
        assert len(row) == 6 and all(row), row
        assert re.match(r"same|simplified|ours", row[4]), row[4]


@pytest.mark.parametrize("where", sorted(set(re.findall(r"`(\w+\.py: \w+)`", LEDGER))))
def test_what_the_ledger_names_is_in_the_package(where):
    file, name = where.split(".py: ")
    assert hasattr(importlib.import_module(f"slerir_lite.{file}"), name)


@pytest.mark.parametrize("text, file, keys, percent", FIGURES)
def test_every_figure_is_the_files(text, file, keys, percent):
    found = json.loads((ROOT / "benchmarks" / file).read_text("utf-8"))
    for key in keys.split(" > "):
        found = found[key]
    digits = len(text.partition(".")[2])
    assert f"{100 * found if percent else found:,.{digits}f}" == text


def test_no_decibel_or_share_stands_without_its_file():
    assert len(FIGURES) > 10
    told = re.sub(r"[\d.,]+(?: times)? \(\w+\.json: [^()]+\)", "", LEDGER)
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
