"""A training run's checkpoint: written whole, and read only if not one bit of it has changed.

torch.load does not look at the checksums that torch.save writes, and takes nearly any flipped bit for a
weight. The file is a zip archive, so Python's zipfile checks them first. Nothing in it is ever run.
"""

import io
import zipfile
from pathlib import Path

import torch

from .files import write_whole

REMEDY = "Delete it to begin anew, or choose another folder."


def write_checkpoint(path: str | Path, state: dict) -> None:
    """Write tensors, numbers, texts, and lists and dicts of them. Raises OSError; the old file then stays."""
    data = io.BytesIO()
    torch.save(state, data)
    write_whole(path, data.getvalue())


def read_checkpoint(path: str | Path, keys: set[str]) -> dict:
    """What `write_checkpoint` wrote, on the CPU; `keys`: what it must hold.

    Raises ValueError for a file that is damaged, cut off, not a checkpoint, or that asks for code to be run.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("compressed, which torch.save never does")  # and could unpack to any size
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"its part {damaged!r:.80} has changed")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on damaged bytes they raise nearly anything
        reason = str(error).split("\n")[0][:200]
        raise ValueError(f"{path} is damaged or cut off ({reason}). {REMEDY}") from error
    if not isinstance(state, dict) or state.keys() != keys:
        raise ValueError(f"{path} is not a checkpoint of this version of the package. {REMEDY}")
    return state
