"""Classic Notebook 6.5 with Colab's versions of the widgets, and notebooks of a few cells run in it.

They live in an environment of their own, which `make colab` builds; its packages bring the widgets' and
anywidget's extensions of the page with them, enabled. Ready means: the kernel is connected and idle, and the
extension that widgets need has been loaded, as a widget that comes before it is lost.
"""

import os
import sys
from pathlib import Path

from .server import TOKEN, Server

READY = """() => {
  const notebook = window.Jupyter?.notebook, kernel = notebook?.kernel;
  return Boolean(notebook?._fully_loaded && kernel?.is_connected() && kernel.info_reply.protocol_version
    && kernel.widget_manager && !notebook.kernel_busy);
}"""
DONE = """() => !Jupyter.notebook.kernel_busy
  && Jupyter.notebook.get_cells().every((cell) => Number.isInteger(cell.input_prompt_number))"""


def colab_python() -> Path:
    """Of the environment with Colab's versions, beside the one that runs this; SLERIR_COLAB names another."""
    return Path(os.environ.get("SLERIR_COLAB") or f"{sys.prefix}-colab") / "bin" / "python"


class Classic(Server):
    """`with Classic(folder) as classic: page = classic.run(page, "1 + 1")`. It has one theme, a light one."""

    def command(self, port: int) -> list[str]:
        return [
            str(colab_python()), "-m", "notebook", "--no-browser", "--allow-root", f"--port={port}",
            "--NotebookApp.port_retries=0", f"--NotebookApp.token={TOKEN}",
            f"--NotebookApp.notebook_dir={self.root}",
        ]  # fmt: skip

    def open(self, page, name: str, theme: str, seconds: float) -> None:
        assert theme == "light", "classic Notebook has no dark theme"
        page.goto(f"{self.url}/notebooks/{name}?token={TOKEN}")
        page.wait_for_function(READY, timeout=seconds * 1000)

    def execute(self, page, seconds: float) -> list[str]:
        page.evaluate("() => Jupyter.notebook.execute_all_cells()")
        page.wait_for_function(DONE, timeout=seconds * 1000)
        return page.evaluate(
            """() => Jupyter.notebook.get_cells().flatMap((cell) => cell.output_area.outputs
              .filter((o) => o.output_type === "error").map((o) => `${o.ename}: ${o.evalue}`))"""
        )
