"""What is said twice stays the same: dependencies, the tested versions, the repository's address."""

import importlib.util
import re
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIRED = [
    Requirement(r) for r in PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
]
# Where conda-forge's name differs from PyPI's, and what it does not have.
CONDA_NAMES = {"torch": "pytorch", "playwright": "playwright-python"}
NOT_ON_CONDA = {"axe-playwright-python"}


def load(path: Path):
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


badges = load(ROOT / "notebooks" / "badges.py")


def test_the_conda_environment_asks_for_what_pyproject_asks_for():
    asked = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    packages = {p for p in asked if isinstance(p, str) and p != "pip"}
    wanted = {
        f"{CONDA_NAMES.get(r.name, r.name)}{r.specifier}" for r in REQUIRED if r.name not in NOT_ON_CONDA
    }
    assert packages == wanted | {f"python{PROJECT['requires-python']}"}


def test_pip_brings_what_conda_does_not_have():
    asked = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    (lines,) = [p["pip"] for p in asked if isinstance(p, dict)]
    # conda hands these lines to pip as a requirements file, which takes no options such as --no-deps.
    assert lines == [str(r) for r in REQUIRED if r.name in NOT_ON_CONDA] + ["--editable ."]


def test_only_lower_bounds():
    # An upper bound or an exact version would replace what Colab has.
    assert all([s.operator for s in r.specifier] == [">="] for r in REQUIRED)


def test_the_tested_versions_are_within_the_bounds():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    exact = [Requirement(line) for line in lines if not line.startswith("#")]
    tested = {canonicalize_name(e.name): str(e.specifier).removeprefix("==") for e in exact}
    assert tested["torch"] == "2.13.0"
    for r in REQUIRED:
        assert r.specifier.contains(tested[canonicalize_name(r.name)]), r


@pytest.mark.parametrize("page", badges.pages(), ids=lambda p: p.name)
def test_address_and_badges_are_those_of_pyproject(page):
    assert badges.rewritten(page) == page.read_text("utf-8"), "run `make badges`"


@pytest.mark.parametrize("page", badges.pages(), ids=lambda p: p.name)
def test_no_other_address_of_the_repository_is_left(page):
    owner_and_name = re.findall(r"github\.com/([\w.-]+/slerir-lite)\b", page.read_text("utf-8"))
    assert all(badges.address().endswith(found) for found in owner_and_name)


def test_a_new_address_reaches_every_badge(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/a/b/"\n')
    (tmp_path / "README.md").write_text("# b\n<!-- badges -->\nold\n<!-- /badges -->\nend\n")
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("<!-- badges --><!-- /badges -->\n# First steps"),
            nbformat.v4.new_code_cell('REPOSITORY = "https://github.com/old/name"'),
            nbformat.v4.new_markdown_cell(
                "[a](../docs/a.md#b) [b](https://github.com/old/name/blob/main/c.py) ![c](d.png)"
            ),
        ]
    )
    nbformat.write(notebook, tmp_path / "notebooks" / "00-first.ipynb")
    readme, page = badges.pages(tmp_path)

    table = badges.rewritten(readme, tmp_path)
    assert table.startswith("# b\n<!-- badges -->\n|") and table.endswith("<!-- /badges -->\nend\n")
    assert "| First steps | [![Open in Colab]" in table
    first, code, links = nbformat.reads(badges.rewritten(page, tmp_path), as_version=4).cells
    for place in ("colab.research.google.com/github", "src=https://github.com", "(https://github.com"):
        assert f"{place}/a/b/blob/main/notebooks/00-first.ipynb" in first.source
        assert f"{place}/a/b/blob/main/notebooks/00-first.ipynb" in table
    assert code.source == 'REPOSITORY = "https://github.com/a/b"'
    there = "https://github.com/a/b/blob/main"
    assert links.source == f"[a]({there}/docs/a.md#b) [b]({there}/c.py) ![c](d.png)"

    page.write_text(badges.rewritten(page, tmp_path), "utf-8")
    assert badges.rewritten(page, tmp_path) == page.read_text("utf-8")
