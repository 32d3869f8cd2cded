"""JupyterLab in a folder of its own, and notebooks of a few cells run in it, as a reader would.

JupyterLab stays open from one test to the next, as it does for a reader: it takes longer to load than most
tests. Ready is not what a spinner says: the session's context is ready, the kernel is connected and
idle. Only then are the cells run, by JupyterLab's own command.
"""

import json
import sys
from pathlib import Path

from .page import Watched
from .server import TOKEN, Server

# Tidy and silent: no news from elsewhere, no question on opening, nothing saved behind the test's back.
SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings":
        {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}  # fmt: skip
# Opens a notebook and closes all else, without a question.
OPEN = """async (path) => {
  const { commands, shell } = window.jupyterapp;
  const others = [...shell.widgets("main")];
  await commands.execute("docmanager:open", { path, factory: "Notebook" });
  for (const other of others) other.dispose();
}"""
READY = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  const session = panel?.context?.sessionContext;
  if (!session) return false;
  await panel.context.ready;
  await session.ready;
  const kernel = session.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""


class Lab(Server):
    """`with Lab(folder) as lab: page = lab.run(page, "1 + 1")`: without a sidebar."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.watched = None
        for name, values in SETTINGS.items():
            path = self.folder / "user-settings" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))

    def command(self, port: int) -> list[str]:
        return [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
            "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.root}", "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
        ]  # fmt: skip

    def watch(self, browser) -> Watched:
        self.watched = self.watched or Watched(browser)
        return self.watched

    def leave(self, watched: Watched) -> None:
        watched.check()

    def show(self, page, name: str) -> None:
        """Opens the notebook and nothing else; a new page loads JupyterLab, in a workspace of its own."""
        if page.url.startswith(self.url):
            page.evaluate(OPEN, name)
        else:
            page.goto(f"{self.url}/lab/workspaces/{name[:-6]}/tree/{name}?reset&token={TOKEN}")
        page.wait_for_function(
            "(path) => window.jupyterapp?.shell?.currentWidget?.context?.path === path", arg=name
        )

    def open(self, page, name: str, theme: str, seconds: float) -> None:
        self.show(page, name)
        change_theme(page, theme)
        page.wait_for_function(READY, timeout=seconds * 1000)

    def reopen(self, page) -> None:
        """Opens the last notebook as it was saved, and ends the kernel that comes with it."""
        self.show(page, self.name)
        page.wait_for_function(READY)
        page.evaluate("() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")

    def execute(self, page, seconds: float) -> list[str]:
        page.evaluate(
            """(limit) => Promise.race([
              window.jupyterapp.commands.execute("notebook:run-all-cells"),
              new Promise((_, no) => setTimeout(() => no(new Error("the cells took too long")), limit)),
            ])""",
            seconds * 1000,
        )
        page.wait_for_function(READY, timeout=seconds * 1000)
        return page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((cell) =>
              (cell.model.sharedModel.toJSON().outputs ?? []).filter((o) => o.output_type === "error")
              .map((o) => `${o.ename}: ${o.evalue}`))"""
        )


def change_theme(page, theme: str) -> None:
    """theme: "light" or "dark"."""
    execute = "([name, more]) => window.jupyterapp.commands.execute(name, more)"
    page.evaluate(execute, ["apputils:change-theme", {"theme": f"JupyterLab {theme.title()}"}])
    page.wait_for_function(
        "(is) => document.body.dataset.jpThemeLight === is", arg=str(theme == "light").lower()
    )
    page.locator("#jupyterlab-splash").wait_for(state="detached")  # it lies over the page for a while
