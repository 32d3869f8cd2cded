"""Explorers whose pictures are sent to their page, and are no part of their state.

A notebook that is saved with its widgets holds their whole state. Four photos without loss are nearly a
megabyte in it, of which nothing can be seen without a kernel anyway. So a page asks for its pictures when it
is drawn, and gets them again when they change.
"""

from pathlib import Path

import anywidget
import traitlets

HERE = Path(__file__).parent


def page(name: str) -> str:
    """An explorer's ES module: `page.js`, and after it the file of that name."""
    return "\n".join((HERE / part).read_text("utf-8") for part in ("page.js", name))


class Painter(anywidget.AnyWidget):
    """pictures: what the page is to show, as JSON has it; its own module says in which form."""

    pictures = traitlets.Any()

    def __init__(self, **more):
        super().__init__(**more)
        self.on_msg(lambda _, sent, buffers: self._heard(sent))
        self.observe(lambda change: self._paint(), "pictures")

    def _paint(self) -> None:
        self.send({"kind": "pictures", "pictures": self.pictures})

    def _heard(self, sent: dict) -> None:
        if sent.get("kind") == "paint":
            self._paint()
