"""Runs notebooks and saves them with their outputs, clean: the same notebook gives the same file.

    python notebooks/run.py                           every notebook of this folder
    python notebooks/run.py 00-restore-a-photo.ipynb  one

Clean means: no widget state, no times, no settings of one machine. A widget lives only while a kernel runs,
so its output goes; whatever a reader on GitHub should see must be shown as a picture.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT = {"tags", "jupyter"}  # of a cell's metadata: nbval's tags, and what is folded
ABOUT = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of the notebook without what belongs to one run or one machine."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict(ABOUT)
    count = 0
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in KEPT}
        if cell.cell_type != "code":
            continue
        ran = cell.execution_count is not None
        count += ran
        cell.execution_count = count if ran else None
        cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
        for out in cell.outputs:
            if out.output_type == "execute_result":
                out.execution_count = count
    return notebook


def run(path: Path, timeout: float = 600) -> None:
    notebook = nbformat.read(path, as_version=4)
    here = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=here).execute()
    nbformat.write(clean(notebook), path)


if __name__ == "__main__":
    for page in [FOLDER / name for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        print(f"{page.name} …", flush=True)
        run(page)
