"""What a notebook server in a folder of its own needs, be it JupyterLab or classic Notebook.

Its notebooks share one kernel, which is emptied for each: to start one and to import torch in it takes longer
than most tests.
"""

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import nbformat
from jupyter_client import BlockingKernelClient
from nbformat.v4 import new_code_cell, new_notebook

from .page import Watched

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
TOKEN = "slerir"
OWN = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
       "JUPYTERLAB_SETTINGS_DIR": "user-settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
       "IPYTHONDIR": "ipython"}  # fmt: skip
EMPTY = "import ipywidgets; ipywidgets.Widget.close_all(); get_ipython().run_line_magic('reset', '-f')"


class Server:
    """`with Server(folder) as server:`; a subclass says how it starts, and how a page runs cells."""

    def __init__(self, folder: Path):
        self.folder, self.count, self.kernel = folder, 0, None
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True)
        (self.root / "data_samples").symlink_to(ROOT / "data_samples")  # where notebooks look for it

    def command(self, port: int) -> list[str]:
        """What is started; it listens on this port of 127.0.0.1 and lets TOKEN in."""
        raise NotImplementedError

    def open(self, page, name: str, theme: str, seconds: float) -> None:
        """Opens the notebook, and waits until its kernel can be asked."""
        raise NotImplementedError

    def execute(self, page, seconds: float) -> list[str]:
        """Runs all cells of the open notebook; returns what they raised, in words."""
        raise NotImplementedError

    def watch(self, browser) -> Watched:
        """The page for a test."""
        return Watched(browser)

    def leave(self, watched: Watched) -> None:
        """After the test. Raises AssertionError where the page complained."""
        watched.close()

    def __enter__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = os.environ | {k: str(self.folder / v) for k, v in OWN.items()}
        environment.setdefault("OMP_NUM_THREADS", "2")
        # Kernels start in the notebooks' folder, and import what is tested, installed or not.
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(path)
        self.log = open(self.folder / "log", "w")
        self.server = subprocess.Popen(
            self.command(port), stdout=self.log, stderr=subprocess.STDOUT, env=environment
        )
        for _ in range(1500):  # a busy machine takes minutes
            try:
                self._api("status")
                return self
            except OSError:
                if self.server.poll() is not None:
                    break
                time.sleep(0.2)
        self.__exit__()
        said = (self.folder / "log").read_text()[-3000:]
        raise RuntimeError(f"{type(self).__name__} did not start:\n{said}")

    def __exit__(self, *error):
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.log.close()

    def _api(self, path: str, method: str = "GET", what: dict | None = None):
        content = None if what is None else json.dumps(what).encode()
        request = urllib.request.Request(f"{self.url}/api/{path}", content, method=method)
        request.add_header("Authorization", f"token {TOKEN}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def tidy(self) -> None:
        """Ends all kernels."""
        self.kernel = None
        for kernel in self._api("kernels"):
            self._api(f"kernels/{kernel['id']}", "DELETE")

    def empty_kernel(self) -> None:
        """Takes all widgets and names from the kernel, or the kernel itself where it does not answer."""
        client = BlockingKernelClient()
        runtime = self.folder / OWN["JUPYTER_RUNTIME_DIR"]
        client.load_connection_file(str(runtime / f"kernel-{self.kernel}.json"))
        client.start_channels()
        try:
            answer = client.execute_interactive(EMPTY, silent=True, timeout=30)
            assert answer["content"]["status"] == "ok", answer
        except TimeoutError:  # the test before has failed, and left it at work
            self.tidy()
        client.stop_channels()

    def take_kernel(self) -> None:
        """Gives the last notebook the kernel of the one before, emptied; where there is none, a new one."""
        if self.kernel:
            self.empty_kernel()
        kernel = {"id": self.kernel} if self.kernel else {"name": "python3"}
        what = {"path": self.name, "name": self.name, "type": "notebook", "kernel": kernel}
        self.kernel = self._api("sessions", "POST", what)["kernel"]["id"]

    @property
    def name(self) -> str:
        """Of the last notebook."""
        return f"test-{self.count}.ipynb"

    def run(self, page, *cells: str, theme: str = "light", seconds: float = 300):
        """The page, once the code cells have run in a notebook of their own.

        Raises AssertionError where a cell raises. theme: "light" or "dark".
        """
        self.count += 1
        name = self.name
        about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(
            new_notebook(cells=[new_code_cell(c) for c in cells], metadata=about), self.root / name
        )
        self.take_kernel()
        self.open(page, name, theme, seconds)
        errors = self.execute(page, seconds)
        assert not errors, errors
        return page


def cell(notebook: str, name: str) -> str:
    """The source of a cell of a committed notebook, by its id, so that what is tested is what readers run."""
    (found,) = [c for c in nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells if c.id == name]
    return found.source
