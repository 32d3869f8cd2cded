"""Pictures into a notebook, with words for those who can't see them.

A matplotlib figure becomes a PNG with its alt text. An interactive figure follows its static twin, so that
there is a picture where no JavaScript runs, as on GitHub. It is a piece of HTML that needs nothing else, and
lives wherever a page runs scripts.

JupyterLab runs none in a notebook that came from elsewhere until its cells are run. There plotly's mime type
helps, which its extension draws in any notebook. But where both are there JupyterLab takes plotly's, which
knows no thumbnails; so only what `notebooks/run.py` saves for readers carries both. No copy of plotly.js is
in either.
"""

import base64
import html
import io
import json
import os
from dataclasses import dataclass

from IPython.display import display
from matplotlib.figure import Figure

from .labels import unlabelled
from .spin import INSTEAD
from .style import DPI

PLOTLY = "application/vnd.plotly.v1+json"
SAVED = "SLERIR_SAVED"  # set in the environment of a kernel whose outputs are saved for others


@dataclass(frozen=True)
class Interactive:
    """One figure twice: page, HTML that needs nothing else; and plotly, a `go.Figure`."""

    page: str
    plotly: object


def show(figure, alt: str, twin: Figure | None = None) -> None:
    """Display a figure under a code cell.

    figure: of matplotlib; or an `Interactive`, with its static `twin`.
    alt: one or two sentences that say what the picture shows. Raises ValueError where it is empty, and
    where the figure has no title or an axis no label.
    """
    if isinstance(figure, Figure):
        _display(*bundle(figure, alt))
        return
    if twin is None:
        raise ValueError("An interactive figure needs its static twin, for where no JavaScript runs.")
    _display(*bundle(twin, alt))
    interactive(figure)


def interactive(figure: Interactive) -> None:
    """Display it alone. What is seen without JavaScript must stand beside it: see `show`."""
    data = {"text/html": figure.page, "text/plain": INSTEAD}
    if os.environ.get(SAVED):
        look = {"config": {"responsive": True, "displayModeBar": False}}
        data[PLOTLY] = json.loads(figure.plotly.to_json()) | look
    # Apart from the picture: in one output, plotly's extension shows that until the mouse comes near.
    _display(data, {})


def png(figure: Figure) -> bytes:
    """A matplotlib figure as a PNG: the same bytes for the same figure and version of matplotlib."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return file.getvalue()


def bundle(figure: Figure, alt: str) -> tuple[dict, dict]:
    """What Jupyter's protocol calls data and metadata: the PNG, with its alt text in both."""
    if not alt.strip():
        raise ValueError("A picture needs alt text: one or two sentences that say what it shows.")
    if unsaid := unlabelled(figure):
        raise ValueError(f"A picture needs a title and labelled axes: {'; '.join(unsaid)}.")
    # nbconvert, and so GitHub, takes the alt text from the metadata. JupyterLab 4 takes it from nowhere,
    # and a screen reader there finds it only in the prose around the picture.
    encoded = base64.b64encode(png(figure)).decode()
    return {"image/png": encoded, "text/plain": alt}, {"image/png": {"alt": alt}}


def img(figure: Figure, alt: str) -> str:
    """The figure as an HTML <img> that carries its own data, for widgets."""
    source = f"data:image/png;base64,{bundle(figure, alt)[0]['image/png']}"
    return f'<img alt="{html.escape(alt)}" src="{source}" style="max-width:100%">'


def _display(data: dict, metadata: dict) -> None:
    display(data, metadata=metadata, raw=True)
