"""What the commands of `slerir` do, without what they show."""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .camera import SHARE
from .data import SIZE, Photos
from .files import write_whole
from .model import Config, Generalist, SlerIR
from .photo import Picture, as_bytes, read_photo, write_photo
from .restore import Restoration
from .worklist import GUIDE, beside_of
from .writing import write_rounded

if TYPE_CHECKING:
    from .train import Trainer


def write_restored(
    source: Path,
    target: Path,
    restored: tuple[Picture, Restoration, float],
    clean: Path | None = None,
    overwrite: bool = False,
    beside: tuple[str, ...] = (),
) -> dict:
    """Write a restored photo to `target`, and tell of it as JSON can hold it.

    restored: what `Ahead` returned for `source`, in floats where there is a clean photo. beside: which
    pictures to write next to it, of GUIDE and PATH.
    Returns `Restoration.to_dict()` with "photo", "restored", "seconds", "notes" (what could not be kept as it
    was, a sentence each) and, with a clean photo, "psnr_before" and "psnr_after" in dB (None: nothing
    differs). Raises ValueError where the clean photo's size differs.
    """
    picture, got, seconds = restored
    goal = None if clean is None else read_photo(clean)
    if goal is not None and goal.shape != picture.values.shape:
        sizes = [f"{x.shape[2]} x {x.shape[1]}" for x in (goal, picture.values)]
        raise ValueError(f"its clean photo {clean} is {sizes[0]}, but it is {sizes[1]}.")
    write = write_photo if got.image.is_floating_point() else write_rounded
    notes = [*picture.notes, *write(got.image, target, overwrite, like=picture)]
    for ending in beside:
        try:
            write_whole(beside_of(target, ending), _drawn(ending, picture, got), overwrite)
        except OSError as error:  # the photo itself is written, and stays
            notes.append(f"its {ending} could not be written ({error}).")
    row = {"photo": str(source), "restored": str(target), "seconds": round(seconds, 3)} | got.to_dict()
    row["notes"] = notes
    if goal is not None:
        from .evaluate import psnr

        for name, image in (("before", picture.pixels), ("after", got.image)):
            value = psnr(as_bytes(image), as_bytes(goal))
            row[f"psnr_{name}"] = round(value, 4) if math.isfinite(value) else None
    return row


def _drawn(ending: str, photo: Picture, got: Restoration) -> bytes:
    """The picture of the guide or of the path, as PNG."""
    if ending == GUIDE:
        from .explore.guide_map import guide_picture

        figure = guide_picture(photo, got.guide)
    else:
        from .explore.path_map import path_map

        own = got.angle.argmin(1) if got.forced else None
        figure = path_map(got.choice, got.angle, compare=own, names=("the path given", "the compass's own"))
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor="white")
    return file.getvalue()


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8-sig").split("\n")  # some editors begin with a mark of the encoding
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not text in UTF-8. Save it so.") from error


def trainer(
    photos: Path | None, dead_leaves: int | None, out: Path, steps: int, compass_steps: int, seed: int,
    validation: Path | None, per_batch: int, generalist: bool,
) -> "Trainer":  # fmt: skip
    """A Trainer for `slerir train`: from a folder of photos, or from so many dead-leaves pictures."""
    from .plan import generalist_stages, stages
    from .train import Trainer  # takes a second, which restoring need not wait for

    if photos is None:
        clean = Photos.dead_leaves(dead_leaves, seed=seed)
    else:
        if validation is not None and not validation.is_file():
            raise FileNotFoundError(f"There is no {validation} that names photos to leave out.")
        lines = [] if validation is None else _lines(validation)
        names = {line.strip() for line in lines} - {""}
        clean = Photos.from_folder(photos, names, SIZE).with_bristles().with_halves()
    torch.manual_seed(seed)
    if generalist:
        model, way = Generalist(Config(experts=1)), generalist_stages(steps)
    else:
        model, way = SlerIR(Config()), stages(steps, compass_steps)
    return Trainer(clean, out, way, model, per_batch, seed=seed, camera=SHARE)
