"""A training run's checkpoint: written whole, and read only if not one bit of it has changed, and only by
the run that wrote it.

torch.load does not look at the checksums that torch.save writes, and takes nearly any flipped bit for a
weight. The file is a zip archive, so Python's zipfile checks them first. Nothing in it is ever run.
"""

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .files import write_whole

if TYPE_CHECKING:
    from .train import Trainer

AGAIN = "Choose another folder, or the settings of then."
REMEDY = "Delete it to begin anew, or choose another folder."


def write_checkpoint(path: str | Path, state: dict) -> None:
    """Write tensors, numbers, texts, and lists and dicts of them. Raises OSError; the old file then stays."""
    data = io.BytesIO()
    torch.save(state, data)
    write_whole(path, data.getvalue())


def read_checkpoint(path: str | Path, keys: set[str]) -> dict:
    """What `write_checkpoint` wrote, on the CPU; `keys`: what it must hold.

    Raises ValueError for a file that is damaged, cut off, not a checkpoint, or that asks for code to be run;
    OSError or MemoryError where a file that may be sound can't be read.
    """
    path = Path(path)
    data = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("compressed, which torch.save never does")  # and could unpack to any size
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"its part {damaged!r:.80} has changed")
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # on damaged bytes they raise nearly anything
        reason = str(error).split("\n")[0][:200]
        raise ValueError(f"{path} is damaged or cut off ({reason}). {REMEDY}") from error
    if not isinstance(state, dict) or state.keys() != keys:
        raise ValueError(f"{path} is not a checkpoint of this version of the package. {REMEDY}")
    return state


def identity(run: "Trainer") -> str:
    """What must agree for a checkpoint to be continued: all that the weights follow from. Shares are floats,
    so that 0 and 0.0 are the same."""
    router = getattr(run.model, "router", None)
    how = [getattr(router, name, False) for name in ("shared", "begin", "linear", "temperature")]
    crops = run.crops
    return json.dumps({
        "network": type(run.model).__name__,
        "router": [type(router).__name__, how],
        "losses": [{name: float(v) for name, v in run.weights.items()}, run.fixed_places],
        "config": asdict(run.model.config),
        "seed": run.seed,
        "processes": run.accelerator.num_processes,  # they share out the batches
        "precision": run.accelerator.mixed_precision,
        "photos a batch": crops.per_batch,
        "crop": crops.size,
        "recipe": ", ".join(f"{kind} {float(v)}" for kind, v in crops.recipe.items()),  # the order counts
        "camera's share": float(crops.camera),
        "corners' share": float(crops.cornered),
        "number of photos": len(crops.photos),
        "photos' checksum": crops.photos.checksum,
        "steps": {f"{k + 1} {s.name}": s.steps for k, s in enumerate(run.plan)},
        "plan": [asdict(s) | {"lr": float(s.lr), "end": float(s.end)} for s in run.plan],
    })  # fmt: skip


def difference(there: str, here: str) -> str:
    """What two runs' identities differ in, and what to do about it."""
    then, now = json.loads(there), json.loads(here)
    if not isinstance(then, dict):
        return f"It is of another version of the package. {REMEDY}"
    names = [name for name in now if then.get(name) != now[name]]
    for name, same in (("steps", "plan"), ("network", "router"), ("photos' checksum", "number of photos")):
        if name in names and same in names:
            names.remove(same)  # says the same at length, or less
    if "photos' checksum" in names:
        return f"It was started with other photos. {AGAIN}"
    told = "; ".join(f"{name} {json.dumps(then.get(name))}, not {json.dumps(now[name])}" for name in names)
    longer = (
        " A run can't be made longer: its learning rates follow from its length." if "steps" in names else ""
    )
    return f"It was started with {told}.{longer} {AGAIN}"
