"""Committed notebooks are clean, legible without running, and lead nowhere that isn't there.

That they run is nbval's part, see the Makefile. That every plot has its title and labels, `show` sees to: it
refuses the others, and what isn't shown through it has no alt text.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from matplotlib.figure import Figure
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from slerir_lite.explore.globe import globe
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.show import show
from slerir_lite.explore.spin import SCRIPT
from slerir_lite.sphere import first_centres

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
LARGEST = 3_000_000  # bytes
HEAVIEST = 300_000  # bytes of output under a cell that shows an explorer, or its static picture
EXPLORER = re.compile(
    r"\b(picture|before_and_after|path_map|overrides_picture|globe|crowd|what_if|watch_picture|contact_sheet)\("
)
OWN = f"<script>{SCRIPT}</script>"
CHECKED = 5  # cells at least, whose output is the same everywhere


def load(name: str):
    """A script of notebooks/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "notebooks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run, install, badges = load("run"), load("install"), load("badges")
HERE = f"{badges.address()}/blob/main/"


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


def id_problems(notebook: nbformat.NotebookNode) -> list[str]:
    """Ids that a program made up: they change whenever a notebook is made anew, and with them every diff."""
    ids = [c.id for c in notebook.cells]
    found = [f"the id {name} stands twice" for name in sorted({i for i in ids if ids.count(i) > 1})]
    found += [
        f"{name} is no id in small letters" for name in ids if not re.fullmatch(r"[a-z][a-z0-9-]*", name)
    ]
    # Jupyter's and nbformat's: eight hexadecimal digits, or a whole UUID.
    return found + [
        f"{name} is a random id" for name in ids if re.match(r"[0-9a-f]{8}(-[0-9a-f]{4}|$)", name)
    ]


def badge_problems(notebook: nbformat.NotebookNode, page: str) -> list[str]:
    """page: the notebook's path in the repository, where its badges must lead."""
    first = notebook.cells[0]
    row = badges.badges(badges.address(), page)
    right = first.cell_type == "markdown" and f"<!-- badges -->\n{row}\n<!-- /badges -->" in first.source
    return [] if right else [f"its badges don't lead to {page}: run `make badges`"]


def check_problems(notebook: nbformat.NotebookNode) -> list[str]:
    tagged = [c for c in notebook.cells if "nbval-check-output" in c.metadata.get("tags", [])]
    silent = [f"{c.id} is to be compared but says nothing" for c in tagged if not c.get("outputs")]
    few = [f"{len(tagged)} cells are compared, not {CHECKED}"] if len(tagged) < CHECKED else []
    return silent + few


def size_problems(path: Path) -> list[str]:
    size = path.stat().st_size
    return [f"{size:,} bytes, more than {LARGEST:,}"] if size >= LARGEST else []


def weight_problems(notebook: nbformat.NotebookNode, everywhere: bool) -> list[str]:
    """everywhere: whether each cell shows an explorer, as in the notebook that is made of them."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and (everywhere or EXPLORER.search(cell.source)):
            size = len(json.dumps(cell.outputs))
            found += [f"{cell.id} adds {size:,} bytes"] if size >= HEAVIEST else []
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
    # The globe's script, to the letter the package's own, may stand alone at the end.
    own = html.count(OWN) == 1 and html.endswith(OWN) and 'class="slerir-globe"' in html
    if runs(html.removesuffix(OWN) if own else html):
        found.append("a script in the output")
    if any("alt=" not in tag for tag in re.findall(r"<img[^>]*>", html)):
        found.append("an <img> without alt text")
    return found


def runs(html: str) -> bool:
    """Whether anything in it runs: a script, an attribute such as onclick, or a link to javascript."""
    found = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attributes):
            for name, value in attributes:
                link = re.sub(r"\s", "", value or "").lower() if name in ("href", "src", "srcdoc") else ""
                found.append(name.startswith("on") or link.startswith("javascript:") or name == "srcdoc")
            found.append(tag in ("script", "iframe", "object", "embed"))

    Parser().feed(html)
    return any(found) or "<script" in html.lower()


def text_problems(text: str, folder: Path) -> list[str]:
    found = [f"a picture without alt text: {p}" for p in re.findall(r"!\[\s*\]\(([^)]*)\)", text)]
    found += ["an <img> without alt text" for tag in re.findall(r"<img[^>]*>", text) if "alt=" not in tag]
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:href|src)="([^"]+)"', text)
    for link in links:
        target = link.split("#")[0]
        if target.startswith(HERE) and not (ROOT / target.removeprefix(HERE)).exists():
            found.append(f"a link to {target}, which isn't in the repository")
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
        assert size_problems(path) == []

    def test_has_no_explorer_that_adds_much(self, path):
        assert weight_problems(nbformat.read(path, as_version=4), path.name.startswith("08")) == []

    def test_opens_with_badges_for_this_file(self, path):
        page = path.relative_to(ROOT).as_posix()
        assert badge_problems(nbformat.read(path, as_version=4), page) == []

    def test_has_outputs_that_nbval_compares(self, path):
        assert check_problems(nbformat.read(path, as_version=4)) == []

    def test_has_a_stable_id_in_each_cell(self, path):
        assert id_problems(nbformat.read(path, as_version=4)) == []


def test_there_are_notebooks():
    assert NOTEBOOKS


OURS = globe(first_centres(3), first_centres(3), names=["<script>"] * 6).page


def test_the_globe_s_own_script_is_let_in_and_no_other():
    def noticed(html):
        return output_problems(new_output("display_data", {"text/html": html}))

    assert noticed(OURS) == []
    other = "<script>1</script>"
    for bad in (OURS + other, other + OURS, OURS + OURS, OWN, OURS.replace("tilt", "tilts"),
                OURS.replace("<script>", '<script src="https://example.org/a.js">'),
                OURS.replace("<style>", '<p onclick="1"></p><style>'), '<a href=" java\nscript:1">a</a>',
                '<iframe srcdoc="&lt;script>1&lt;/script>"></iframe>', "<SCRIPT>1</SCRIPT>"):  # fmt: skip
        assert noticed(bad) == ["a script in the output"], bad


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
    f"a link to {HERE}docs/none.md": new_markdown_cell(f"[more]({HERE}docs/none.md#top)"),
    "a link to data_samples/none.png": new_markdown_cell("![a photo](data_samples/none.png)"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_fault_is_noticed(what, tmp_path):
    notebook = new_notebook(cells=[BAD[what]], metadata=run.ABOUT)
    (found,) = problems(notebook, tmp_path)
    assert what in found


def test_widget_state_is_noticed(tmp_path):
    notebook = new_notebook(cells=[], metadata=run.ABOUT | {"widgets": {"state": {}}})
    assert problems(notebook, tmp_path) == ["not clean: run notebooks/run.py"]


def test_a_widgets_output_is_noticed(tmp_path):
    view = new_output("display_data", {run.WIDGET: {"model_id": "1"}, "text/plain": "VBox()"})
    notebook = new_notebook(cells=[new_code_cell("1", execution_count=1, outputs=[view])], metadata=run.ABOUT)
    assert problems(notebook, tmp_path) == ["not clean: run notebooks/run.py"]


def test_another_kernels_name_is_noticed(tmp_path):
    other = {"kernelspec": {"display_name": "mine", "language": "python", "name": "conda-env-mine"}}
    assert problems(new_notebook(cells=[], metadata=run.ABOUT | other), tmp_path) != []


@pytest.mark.parametrize("name", ["3f2a9c10", "b1e4a6d2-77c0-4c1e-9f3b-0a1b2c3d4e5f", "Cell_1"])
def test_a_random_id_is_noticed(name):
    notebook = new_notebook(cells=[new_markdown_cell("a", id=name), new_markdown_cell("b", id="intro")])
    assert any(name in found for found in id_problems(notebook))


def test_the_ids_that_nbformat_makes_up_are_noticed():
    assert all(id_problems(new_notebook(cells=[new_markdown_cell("a")])) for _ in range(50))


def test_an_id_that_stands_twice_is_noticed():
    notebook = new_notebook(cells=[new_markdown_cell("a", id="intro"), new_markdown_cell("b", id="outro")])
    notebook.cells[1].id = "intro"  # nbformat would have corrected it above
    assert id_problems(notebook) == ["the id intro stands twice"]


def test_badges_for_another_file_are_noticed():
    row = badges.badges(badges.address(), "notebooks/a.ipynb")
    notebook = new_notebook(cells=[new_markdown_cell(f"<!-- badges -->\n{row}\n<!-- /badges -->\n# A")])
    assert badge_problems(notebook, "notebooks/a.ipynb") == []
    assert badge_problems(notebook, "notebooks/b.ipynb") != []
    assert badge_problems(new_notebook(cells=[new_markdown_cell("# A")]), "notebooks/a.ipynb") != []


def test_a_notebook_that_is_too_large_is_noticed(tmp_path):
    for size, fine in ((LARGEST - 1, True), (LARGEST, False)):
        (tmp_path / "a.ipynb").write_bytes(b" " * size)
        assert (size_problems(tmp_path / "a.ipynb") == []) == fine


def test_an_explorer_that_adds_much_is_noticed():
    heavy = new_output("stream", text="x" * HEAVIEST)
    cells = [new_code_cell(source, id=name, outputs=[heavy])
             for name, source in (("map", "show(path_map(a, b), alt)"), ("other", "print(1)"))]  # fmt: skip
    notebook = new_notebook(cells=cells)
    assert [found.split()[0] for found in weight_problems(notebook, False)] == ["map"]
    assert [found.split()[0] for found in weight_problems(notebook, True)] == ["map", "other"]
    cells[0].outputs = [new_output("stream", text="x")]
    assert weight_problems(new_notebook(cells=cells), False) == []


def compared(count: int) -> nbformat.NotebookNode:
    cells = [new_code_cell("1", outputs=[new_output("stream", text="1")]) for _ in range(count)]
    for cell in cells:
        cell.metadata = nbformat.from_dict({"tags": ["nbval-check-output"]})
    return new_notebook(cells=cells)


def test_too_few_compared_cells_are_noticed():
    assert check_problems(compared(CHECKED)) == []
    assert check_problems(compared(CHECKED - 1)) == ["4 cells are compared, not 5"]


def test_a_compared_cell_without_output_is_noticed():
    notebook = compared(CHECKED)
    notebook.cells[0].outputs = []
    assert "says nothing" in check_problems(notebook)[0]


def picture(title="t", x="x (px)", y="y (dB)", bar="b (%)"):
    figure = Figure()
    ax = figure.subplots()
    ax.set(title=title, xlabel=x, ylabel=y)
    figure.colorbar(ax.imshow([[0, 1]]), ax=ax).set_label(bar)
    return figure


@pytest.mark.parametrize(
    "left_out, said",
    [
        ("title", "plot 1 has no title"),
        ("x", "label on its x"),
        ("y", "label on its y"),
        ("bar", "colour bar"),
    ],
)
def test_a_plot_that_leaves_something_unsaid_is_refused(left_out, said):
    assert unlabelled(picture()) == []
    with pytest.raises(ValueError, match=said):
        show(picture(**{left_out: ""}), alt="A plot.")


@pytest.mark.parametrize(
    "label, fine",
    [
        ("path (px)", True),
        ("gain, dB", True),
        ("training steps", True),
        ("specialist", True),
        ("path", False),
        ("gain ()", False),
        ("Loss", False),
        ("share", False),
    ],
)
def test_a_label_says_its_unit_or_is_known_to_have_none(label, fine):
    for where in ("x", "y", "bar"):
        found = unlabelled(picture(**{where: label}))
        assert (found == []) == fine, found
        assert fine or f'no unit in "{label}"' in found[0]


def test_in_a_row_of_plots_one_label_for_y_will_do():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    figure.suptitle("both")
    for ax in (left, right):
        ax.set_xlabel("x (px)")
    assert unlabelled(figure) == [f"plot {k} has no label on its y axis" for k in (1, 2)]
    left.set_ylabel("y (px)")
    assert unlabelled(figure) == []
    right.set_xlabel("")
    assert unlabelled(figure) == ["plot 2 has no label on its x axis"]


def test_a_notebook_with_such_a_plot_does_not_run(tmp_path):
    source = "from matplotlib.figure import Figure\nfrom slerir_lite.explore.show import show\n"
    source += "figure = Figure()\nfigure.subplots().set(xlabel='x', ylabel='y')\nshow(figure, alt='A plot.')"
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source, id="plot")]), path)
    with pytest.raises(CellExecutionError, match="no title"):
        run.run(path)


def test_only_the_kernel_is_told_that_its_outputs_are_saved_for_others(tmp_path, monkeypatch):
    monkeypatch.delenv(run.SAVED, raising=False)
    before = dict(os.environ)
    path = tmp_path / "a.ipynb"
    source = f"import os\nprint(os.environ[{run.SAVED!r}])"
    nbformat.write(new_notebook(cells=[new_code_cell(source, id="a")]), path)
    run.run(path)
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].text == "1\n"
    assert dict(os.environ) == before  # else whatever runs after it shows plotly's figures, too


def nbval(folder: Path, *more: str) -> subprocess.CompletedProcess:
    """What `make test` does, for the notebooks of a folder."""
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *more, str(folder)],
        capture_output=True, text=True, env=os.environ | {"SLERIR_BUDGET": "smoke"}, cwd=folder,
    )  # fmt: skip


def test_nbval_fails_on_a_wrong_output_and_on_an_error_and_on_nothing_else(tmp_path):
    cells = [
        new_code_cell("import os\nprint(os.environ['SLERIR_BUDGET'])", id="budget"),
        new_code_cell("print(6 * 7)", id="right", outputs=[new_output("stream", text="42\n")]),
        new_code_cell("print(6 * 8)", id="wrong", outputs=[new_output("stream", text="42\n")]),
        new_code_cell("print(6 * 9)", id="unchecked", outputs=[new_output("stream", text="42\n")]),
        new_code_cell("assert 1 > 2", id="error"),
    ]
    for number, cell in enumerate(cells, 1):
        cell.execution_count = number
    for k in (0, 1, 2):
        cells[k].metadata = nbformat.from_dict({"tags": ["nbval-check-output"]})
    cells[0].outputs = [new_output("stream", text="smoke\n")]
    nbformat.write(new_notebook(cells=cells, metadata=run.ABOUT), tmp_path / "a.ipynb")
    said = nbval(tmp_path, "-rA").stdout
    outcome = {int(n): word for word, n in re.findall(r"^(PASSED|FAILED) .*Cell (\d)", said, re.MULTILINE)}
    assert outcome == {0: "PASSED", 1: "PASSED", 2: "FAILED", 3: "PASSED", 4: "FAILED"}, said


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
@pytest.mark.parametrize("code", [0, 1])
def test_make_test_runs_all_in_the_smoke_budget_and_fails_where_pytest_does(code, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / ".test-is-in").touch()
    for name, ends in (("ruff", 0), ("python", code)):
        stub = tmp_path / "bin" / name
        stub.write_text(f'#!/bin/sh\necho "$SLERIR_BUDGET $*" >> {tmp_path}/log\nexit {ends}\n')
        stub.chmod(0o755)
    done = subprocess.run(["make", "test", f"VENV={tmp_path}"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode != 0) == bool(code), done.stderr
    *_, line = (tmp_path / "log").read_text().splitlines()
    assert line.startswith("smoke -m pytest --nbval-lax ") and line.endswith(" notebooks tests")
    assert "--nbval-cell-timeout=" in line and not re.search(r" -k| --(ignore|deselect)", line)


def test_measuring_writes_time_memory_and_the_loops_time_into_the_header(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "calibrate", lambda: 1.5)
    head = new_markdown_cell("# A\n**Time:** <!-- measured -->not yet<!-- /measured --> B", id="a")
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[head, new_code_cell("print(6 * 7)", id="b")]), path)
    monkeypatch.setattr(run, "LOG", tmp_path / "log.json")
    run.run(path, measure=True)
    (of_budget,) = json.loads(run.LOG.read_text("utf-8")).values()
    (row,) = of_budget["notebooks"].values()
    assert of_budget["total_seconds"] == of_budget["longest_seconds"] == row["seconds"]
    assert row["calibration_loop_seconds"] == 1.5 and row["seconds"] > 0 and row["peak_MiB"] > 20
    first, second = nbformat.read(path, as_version=4).cells  # the cell that asks for the memory is gone
    assert re.search(
        r"<!-- measured -->(under 10|\d+0) seconds and 0\.\d GiB on a .* takes 1\.50 s\.<!-- /measured --> B",
        first.source,
    )
    assert second.outputs[0].text == "42\n"


def test_only_the_log_is_written_where_that_was_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "calibrate", lambda: 1.5)
    monkeypatch.setattr(run, "LOG", tmp_path / "log.json")
    path = tmp_path / "a.ipynb"
    head = new_markdown_cell("<!-- measured -->not yet<!-- /measured -->", id="a")
    nbformat.write(new_notebook(cells=[head, new_code_cell("print(6 * 7)", id="b")]), path)
    before = path.read_bytes()
    for name in ("smoke", "cpu"):
        monkeypatch.setenv("SLERIR_BUDGET", name)
        run.run(path, measure=True, only_log=True)
    assert path.read_bytes() == before
    log = json.loads(run.LOG.read_text("utf-8"))
    assert set(log) == {"smoke", "cpu"} and all("a.ipynb" in part["notebooks"] for part in log.values())


def test_measuring_without_a_place_for_it_says_so(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A", id="a")]), path)
    with pytest.raises(ValueError, match="a.ipynb has no <!-- measured -->"):
        run.run(path, measure=True)


def test_the_calibration_loop_takes_time():
    assert run.calibrate(steps=1) > 0


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


def test_text_in_pieces_is_joined_and_nothing_else_is():
    def says(name, text):
        return new_output("stream", name=name, text=text)

    picture = new_output("display_data", {"text/plain": "a picture"})
    pieces = [says("stdout", "a\n"), says("stdout", "b\n"), says("stderr", "!"), picture, says("stdout", "c")]
    cell = new_code_cell("…", outputs=pieces, execution_count=1)
    cleaned = run.clean(new_notebook(cells=[cell]))
    whole = [says("stdout", "a\nb\n"), says("stderr", "!"), picture, says("stdout", "c")]
    assert cleaned.cells[0].outputs == whole
    assert cell.outputs[0].text == "a\n"  # the notebook itself is left as it was


def test_running_and_cleaning_twice_gives_the_same_file(tmp_path):
    cells = [new_markdown_cell("# A", id="a"), new_code_cell("print(6 * 7)", id="b")]
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    run.run(path)
    once = path.read_bytes()
    assert b"42" in once
    run.run(path)
    assert path.read_bytes() == once


def test_what_is_too_old_is_left_and_told():
    there = install.installed("numpy")
    asked = [
        "numpy<1",
        "numpy>=1",
        "no-such-package>=2",
        'pytest<1; extra == "test"',
        'tqdm<1; extra == "lab"',
    ]
    told = install.too_old(asked)
    assert [row.split()[0] for row in told] == ["numpy", "tqdm"] and there in told[0] and "<1" in told[0]


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
