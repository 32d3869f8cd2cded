"""Committed notebooks are clean, legible without running, and lead nowhere that isn't there.

That they run is nbval's part, see the Makefile.
"""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
LARGEST = 3_000_000  # bytes
CHECKED = 5  # cells at least, whose output is the same everywhere


def load(name: str):
    """A script of notebooks/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "notebooks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run, install, badges = load("run"), load("install"), load("badges")


def problems(notebook: nbformat.NotebookNode, folder: Path) -> list[str]:
    """What a reader would stumble over; folder: that the notebook lies in."""
    found = []
    if run.clean(notebook) != notebook:
        found.append("not clean: run notebooks/run.py")
    code = [c for c in notebook.cells if c.cell_type == "code"]
    if [c.execution_count for c in code] != list(range(1, len(code) + 1)):
        found.append("not run from top to bottom")
    for cell in code:
        for out in cell.outputs:
            found += [f"{cell.id}: {what}" for what in output_problems(out)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found += [f"{cell.id}: {what}" for what in text_problems(cell.source, folder)]
    return found


def output_problems(out) -> list[str]:
    found = []
    if out.output_type == "error":
        found.append(f"an error: {out.ename}")
    if out.output_type == "stream" and out.name == "stderr":
        found.append("a warning or other text on stderr")
    data = out.get("data", {})
    for kind in data:
        if kind.startswith("image/") and not out.metadata.get(kind, {}).get("alt", "").strip():
            found.append(f"{kind} without alt text")
    html = "".join(data.get("text/html", ""))
    if "<script" in html:
        found.append("a script in the output")
    if any("alt=" not in tag for tag in re.findall(r"<img[^>]*>", html)):
        found.append("an <img> without alt text")
    return found


def text_problems(text: str, folder: Path) -> list[str]:
    found = [f"a picture without alt text: {p}" for p in re.findall(r"!\[\s*\]\(([^)]*)\)", text)]
    found += ["an <img> without alt text" for tag in re.findall(r"<img[^>]*>", text) if "alt=" not in tag]
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:href|src)="([^"]+)"', text)
    for link in links:
        target = link.split("#")[0]
        if target and not re.match(r"\w+:", target) and not (folder / target).exists():
            found.append(f"a link to {target}, which isn't there")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
class TestEach:
    def test_is_fit_to_read(self, path):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert problems(notebook, path.parent) == []

    def test_is_small(self, path):
        assert path.stat().st_size < LARGEST

    def test_opens_with_badges_for_this_file(self, path):
        first = nbformat.read(path, as_version=4).cells[0]
        assert first.cell_type == "markdown"
        row = badges.badges(badges.address(), path.relative_to(ROOT).as_posix())
        assert f"<!-- badges -->\n{row}\n<!-- /badges -->" in first.source

    def test_has_outputs_that_nbval_compares(self, path):
        cells = nbformat.read(path, as_version=4).cells
        assert sum("nbval-check-output" in c.metadata.get("tags", []) for c in cells) >= CHECKED

    def test_has_a_stable_id_in_each_cell(self, path):
        ids = [c.id for c in nbformat.read(path, as_version=4).cells]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in ids)


def test_there_are_notebooks():
    assert NOTEBOOKS


PNG = new_output("display_data", {"image/png": "iVBORw0KGgo="})
BAD = {
    "not clean": new_code_cell(
        "1", execution_count=1, metadata={"execution": {"iopub.execute_input": "noon"}}
    ),
    "not run": new_code_cell("1"),
    "an error: NameError": new_code_cell(
        "x", execution_count=1, outputs=[new_output("error", ename="NameError", evalue="x", traceback=[])]
    ),
    "stderr": new_code_cell(
        "x", execution_count=1, outputs=[new_output("stream", name="stderr", text="Warning: old")]
    ),
    "image/png without alt": new_code_cell("x", execution_count=1, outputs=[PNG]),
    "a script": new_code_cell(
        "x", execution_count=1, outputs=[new_output("display_data", {"text/html": "<script>1</script>"})]
    ),
    "an <img> without alt": new_markdown_cell('<img src="https://example.org/a.png">'),
    "a picture without alt": new_markdown_cell("![](https://example.org/a.png)"),
    "a link to 01-none.ipynb": new_markdown_cell("[next](01-none.ipynb#top)"),
    "a link to b.png": new_markdown_cell('<a href="b.png">b</a>'),
}


@pytest.mark.parametrize("what", BAD)
def test_a_fault_is_noticed(what, tmp_path):
    notebook = new_notebook(cells=[BAD[what]], metadata=run.ABOUT)
    (found,) = problems(notebook, tmp_path)
    assert what in found


def test_cleaning_takes_out_what_belongs_to_one_run():
    view = new_output("display_data", {run.WIDGET: {"model_id": "1"}, "text/plain": "VBox()"})
    cell = new_code_cell(
        "1", execution_count=7, outputs=[view, new_output("execute_result", {"text/plain": "1"})]
    )
    cell.outputs[1].execution_count = 7
    cell.metadata = nbformat.from_dict({"tags": ["nbval-check-output"], "execution": {}, "collapsed": True})
    notebook = new_notebook(cells=[cell], metadata={"widgets": {"state": {}}, "authors": []})
    clean = run.clean(notebook)
    assert clean.metadata == run.ABOUT
    (cell,) = clean.cells
    assert cell.execution_count == 1 and cell.metadata == {"tags": ["nbval-check-output"]}
    (out,) = cell.outputs
    assert out.data == {"text/plain": "1"} and out.execution_count == 1
    assert run.clean(clean) == clean
    assert notebook.metadata.widgets == {"state": {}}  # the original is left as it was


def test_running_and_cleaning_twice_gives_the_same_file(tmp_path):
    cells = [new_markdown_cell("# A", id="a"), new_code_cell("print(6 * 7)", id="b")]
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    run.run(path)
    once = path.read_bytes()
    assert b"42" in once
    run.run(path)
    assert path.read_bytes() == once


def test_only_what_is_missing_is_installed():
    needed = install.missing(
        [
            "numpy>=999",  # there, if too old: replacing it would break what fits together
            "no-such-package>=1.2",
            'no-such-lab>=3; extra == "lab"',
            'no-such-test; extra == "test"',
            'jupyterlab>=999; extra == "lab"',
            "no-such-windows; sys_platform == 'no-such'",
        ]
    )
    assert needed == ["no-such-package>=1.2", "no-such-lab>=3"]
