"""What the commands of `slerir` do, without what they show."""

import io
import json
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .ahead import Ahead
from .camera import SHARE
from .data import SIZE, Photos
from .files import write_whole
from .model import Config, Generalist, SlerIR
from .photo import SUFFIXES, Picture, as_bytes, read_picture
from .restore import Restoration
from .steer import checked_strength, chosen_path
from .worklist import CANT, GUIDE, Worklist, beside_of, find_clean, go_through, reason
from .writing import write_rounded

if TYPE_CHECKING:
    from .train import Trainer


@dataclass(frozen=True)
class Asked:
    """How photos are to be restored; see `slerir restore --help`. beside: of GUIDE and PATH, what to draw.

    Raises FileNotFoundError and ValueError for what can be refused before the first photo.
    """

    path: str | None = None
    strength: float = 1.0
    once: bool = False
    clean: Path | None = None
    overwrite: bool = False
    beside: tuple[str, ...] = ()

    def __post_init__(self):
        checked_strength(self.strength)
        if self.clean is not None and not self.clean.exists():
            raise FileNotFoundError(f"There is no {self.clean} to compare with (--clean).")


def restore_all(
    work: Worklist, model: SlerIR | None, asked: Asked, track: Callable[[Iterable], Iterable] = iter
) -> tuple[dict[str, list], bool]:
    """Restore what is on the list (model: None where nothing is); track: shows how far it is.

    Returns {"restored": what `write_restored` told of each, "failed": {"photo", "reason"} of each, "skipped",
    "left_out": names}, and whether Ctrl-C came.
    """
    if work.jobs and asked.path is not None:
        chosen_path(asked.path, model.config.experts)  # refused before the first photo
    ahead = Ahead(dict(work.jobs), model, asked.path, asked.strength, GUIDE in asked.beside, asked.once)
    goals = {source: find_clean(source, asked.clean) for source, _ in work.jobs}  # before anything is written

    def write(source: Path, target: Path, restored: tuple[Picture, Restoration, float]) -> dict:
        return write_restored(source, target, restored, asked, goals[source])

    done, failed, stopped = go_through(track(work.jobs), ahead, write)
    return {
        "restored": done,
        "failed": work.failed + failed,
        "skipped": [str(p) for p in work.skipped],
        "left_out": [str(p) for p in work.left_out],
    }, stopped


def with_earlier(found: dict[str, list], report: Path) -> dict[str, list]:
    """What `restore_all` found, after what an earlier run's report tells of photos that are still there and
    were not restored anew."""
    anew = {os.path.abspath(row["restored"]) for row in found["restored"]}
    rows = json.loads(report.read_bytes())["restored"] if report.exists() else []
    rows = [row for row in rows if isinstance(row, dict) and isinstance(row.get("restored"), str)]
    earlier = [
        row
        for row in rows
        if os.path.abspath(row["restored"]) not in anew and os.path.exists(row["restored"])
    ]
    return found | {"restored": earlier + found["restored"]}


def write_restored(
    source: Path,
    target: Path,
    restored: tuple[Picture, Restoration, float],
    asked: Asked = Asked(),
    goal: Path | None = None,
) -> dict:
    """Write a restored photo to `target`, and tell of it as JSON can hold it.

    restored: what `Ahead` returned for `source`; goal: its clean photo, where one is asked for and there is.
    Returns `Restoration.to_dict()` with "photo", "restored", "seconds", "notes" (what could not be kept as it
    was, or not be compared, a sentence each) and, with a clean photo, "psnr_before" and "psnr_after" in dB
    (None: nothing differs).
    """
    picture, got, seconds = restored
    scores, doubts = {}, []
    if asked.clean is not None:  # before the photo is written, as its clean one may lie where it goes to
        try:
            if goal is None:
                raise FileNotFoundError(f"{asked.clean} holds no photo of that name.")
            scores = _compared(goal, picture, got)
        except CANT as error:
            doubts.append(f"not compared: {reason(error)}")
    notes = [*picture.notes, *write_rounded(got.image, target, asked.overwrite, like=picture)]
    if target.suffix.lower() != source.suffix.lower() and source.suffix.lower() not in SUFFIXES:
        notes.append(f"written as {target.name}, as {source.suffix or 'no ending'} is not written here.")
    for ending in asked.beside:
        try:
            write_whole(beside_of(target, ending), _drawn(ending, picture, got), asked.overwrite)
        except CANT as error:  # the photo itself is written, and stays
            notes.append(f"its {ending} could not be written: {reason(error)}")
    told = {"photo": str(source), "restored": str(target), "seconds": round(seconds, 3)}
    return told | got.to_dict() | scores | {"notes": notes + doubts}


def _compared(goal: Path, picture: Picture, got: Restoration) -> dict[str, float | None]:
    """PSNR against the clean photo, before and after, of a file's integers as they are, without floats.

    Raises OSError and ValueError where it can't be read or has another size.
    """
    from .evaluate import psnr

    wanted = read_picture(goal).values
    if wanted.shape != picture.values.shape:
        sizes = [f"{x.shape[2]} x {x.shape[1]}" for x in (wanted, picture.values)]
        raise ValueError(f"the clean photo {goal} is {sizes[0]}, but it is {sizes[1]}.")
    found = {}
    for name, image in (("before", picture.values), ("after", got.image.expand(3, -1, -1))):
        value = psnr(as_bytes(image), as_bytes(wanted))
        found[f"psnr_{name}"] = round(value, 4) if math.isfinite(value) else None
    return found


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
    leave_out: Path | None, per_batch: int, generalist: bool,
) -> "Trainer":  # fmt: skip
    """A Trainer for `slerir train`: from a folder of photos, or from so many dead-leaves pictures."""
    from .plan import generalist_stages, stages
    from .train import Trainer  # takes a second, which restoring need not wait for

    if leave_out is not None and photos is None:
        raise ValueError("--leave-out names photos of a folder: it goes with --photos.")
    if photos is None:
        clean = Photos.dead_leaves(dead_leaves, seed=seed)
    else:
        if leave_out is not None and not leave_out.is_file():
            raise FileNotFoundError(f"There is no {leave_out} that names photos to leave out.")
        lines = [] if leave_out is None else _lines(leave_out)
        names = {line.strip() for line in lines} - {""}
        clean = Photos.from_folder(photos, names, SIZE).with_bristles().with_halves()
    torch.manual_seed(seed)
    if generalist:
        model, way = Generalist(Config(experts=1)), generalist_stages(steps)
    else:
        model, way = SlerIR(Config()), stages(steps, compass_steps)
    return Trainer(clean, out, way, model, per_batch, seed=seed, camera=SHARE)
