"""`python -m slerir_lite` is `slerir`."""

from .cli import app

app()
