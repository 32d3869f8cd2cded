"""JupyterLab in a folder of its own, and notebooks of a few cells run in it, as a reader would.

Ready is not what a spinner says: the session's context is ready, the kernel is connected and idle. Only then
are the cells run, by JupyterLab's own command.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
TOKEN = "slerir"
# Tidy and silent: no news from elsewhere, no question on opening, nothing saved behind the test's back.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings":
        {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}  # fmt: skip
READY = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  const session = panel?.context?.sessionContext;
  if (!session) return false;
  await panel.context.ready;
  await session.ready;
  const kernel = session.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""


class Lab:
    """`with Lab(folder) as lab: page = lab.run(page, "1 + 1")`."""

    def __init__(self, folder: Path):
        self.folder, self.count = folder, 0
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True)
        (self.root / "data_samples").symlink_to(ROOT / "data_samples")  # where notebooks look for it

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        for name, values in SETTINGS.items():
            path = self.folder / "user-settings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
               "JUPYTERLAB_SETTINGS_DIR": "user-settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
               "IPYTHONDIR": "ipython"}  # fmt: skip
        environment = os.environ | {k: str(self.folder / v) for k, v in own.items()}
        environment.setdefault("OMP_NUM_THREADS", "2")
        self.log = open(self.folder / "log", "w")
        self.server = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
                "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
                f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True",
                "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
            ],
            stdout=self.log, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
        for _ in range(1500):  # a busy machine takes minutes
            try:
                self._api("status")
                return self
            except OSError:
                if self.server.poll() is not None:
                    break
                time.sleep(0.2)
        self.__exit__()
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'log').read_text()[-3000:]}")

    def __exit__(self, *error):
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.log.close()

    def _api(self, path: str, method: str = "GET"):
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def tidy(self) -> None:
        """Ends all kernels."""
        for session in self._api("sessions"):
            self._api(f"sessions/{session['id']}", "DELETE")

    def run(self, page, *cells: str, theme: str = "light", seconds: float = 300):
        """The page, once the code cells have run in a notebook without a sidebar, in a kernel of their own.

        Raises AssertionError where a cell raises. theme: "light" or "dark".
        """
        self.count += 1
        name = f"test-{self.count}.ipynb"
        about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(
            new_notebook(cells=[new_code_cell(c) for c in cells], metadata=about), self.root / name
        )
        page.goto(f"{self.url}/lab/workspaces/{name[:-6]}/tree/{name}?reset&token={TOKEN}")
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context")
        change_theme(page, theme)
        page.wait_for_function(READY, timeout=seconds * 1000)
        page.evaluate(
            """(limit) => Promise.race([
              window.jupyterapp.commands.execute("notebook:run-all-cells"),
              new Promise((_, no) => setTimeout(() => no(new Error("the cells took too long")), limit)),
            ])""",
            seconds * 1000,
        )
        page.wait_for_function(READY, timeout=seconds * 1000)
        errors = page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell) =>
              (cell.model.sharedModel.toJSON().outputs ?? []).filter((o) => o.output_type === "error")
              .map((o) => `${o.ename}: ${o.evalue}`))"""
        )
        assert not errors, errors
        return page


def change_theme(page, theme: str) -> None:
    """theme: "light" or "dark"."""
    execute = "([name, more]) => window.jupyterapp.commands.execute(name, more)"
    page.evaluate(execute, ["apputils:change-theme", {"theme": f"JupyterLab {theme.title()}"}])
    page.wait_for_function(
        "(is) => document.body.dataset.jpThemeLight === is", arg=str(theme == "light").lower()
    )


def cell(notebook: str, name: str) -> str:
    """The source of a cell of a committed notebook, by its id, so that what is tested is what readers run."""
    (found,) = [c for c in nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells if c.id == name]
    return found.source
