"""Writes the repository's address, from pyproject.toml, wherever else it is needed.

Badges stand between `<!-- badges -->` and `<!-- /badges -->`: in the README a table with a row for each
notebook, in a notebook's first text cell its own row. A notebook's links to other files of the repository
have the address, as on Colab and Kaggle a notebook stands alone; `(../docs/claims.md)` becomes one. And it
stands in a code cell's line `REPOSITORY = "..."` and in CITATION.cff. Run it (`make badges`) after the
address changes or a notebook is added; tests/test_packaging.py says when it is due.
"""

import re
import sys
from pathlib import Path

import nbformat

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # comes with pytest and JupyterLab there

ROOT = Path(__file__).resolve().parent.parent
MARKED = re.compile(r"(<!-- badges -->).*?(<!-- /badges -->)", re.DOTALL)
ADDRESS = re.compile(r'^( *REPOSITORY = |repository-code: )"[^"]*"', re.MULTILINE)
LINK = re.compile(
    r"\]\((?:\.\./|https://github\.com/[^/()\s]+/[^/()\s]+/blob/main/)(?!notebooks/)([^()\s]+)\)"
)


def address(root: Path = ROOT) -> str:
    """The repository's address, without a slash at the end."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return project["urls"]["Repository"].rstrip("/")


def badges(repository: str, notebook: str) -> str:
    """One line of Markdown. repository: https://github.com/OWNER/NAME; notebook: a path in it."""
    slug = repository.removeprefix("https://github.com/")
    source = f"github.com/{slug}/blob/main/{notebook}"
    shown = {
        "Open in Colab": (
            "https://colab.research.google.com/assets/colab-badge.svg",
            f"https://colab.research.google.com/github/{slug}/blob/main/{notebook}",
        ),
        "Open in Kaggle": (
            "https://kaggle.com/static/images/open-in-kaggle.svg",
            f"https://kaggle.com/kernels/welcome?src=https://{source}",
        ),
        "View source on GitHub": (
            "https://img.shields.io/badge/view%20source-GitHub-24292f?logo=github",
            f"https://{source}",
        ),
    }
    return " ".join(f"[![{name}]({picture})]({link})" for name, (picture, link) in shown.items())


def title(notebook: Path) -> str:
    """The first heading of a notebook."""
    text = "\n".join(
        c.source for c in nbformat.read(notebook, as_version=4).cells if c.cell_type == "markdown"
    )
    return re.search(r"^#+ +(.+)$", text, re.MULTILINE).group(1)


def table(root: Path = ROOT) -> str:
    """The README's rows, one for each notebook of the walkthrough."""
    rows = [
        f"| {title(p)} | {badges(address(root), p.relative_to(root).as_posix())} |"
        for p in sorted((root / "notebooks").glob("*.ipynb"))
    ]
    return "\n".join(["| notebook | open it |", "|---|---|", *rows])


def between_marks(text: str, row: str) -> str:
    return MARKED.sub(lambda m: f"{m[1]}\n{row}\n{m[2]}", text)


def rewritten(path: Path, root: Path = ROOT) -> str:
    """What the file at `path` holds once badges and address are right."""
    repository, text = address(root), path.read_text("utf-8")
    if path.suffix != ".ipynb":
        text = between_marks(text, table(root)) if MARKED.search(text) else text
        return ADDRESS.sub(rf'\g<1>"{repository}"', text)
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = ADDRESS.sub(rf'\g<1>"{repository}"', cell.source)
        elif cell.cell_type == "markdown":
            text = between_marks(cell.source, badges(repository, path.relative_to(root).as_posix()))
            cell.source = LINK.sub(rf"]({repository}/blob/main/\1)", text)
    # nbformat writes notebooks as Jupyter does, so nothing else changes.
    return nbformat.writes(notebook) + "\n"


def pages(root: Path = ROOT) -> list[Path]:
    """Every file that may hold the address."""
    notebooks = [p for p in (root / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    return [p for p in [root / "README.md", root / "CITATION.cff", *sorted(notebooks)] if p.exists()]


if __name__ == "__main__":
    for page in pages():
        new = rewritten(page)
        if new != page.read_text("utf-8"):
            page.write_text(new, "utf-8")
            print("address and badges written:", page.relative_to(ROOT))
