"""What the commands of `slerir` do, without what they show."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .data import Photos
from .model import Config, Generalist, SlerIR
from .photo import SUFFIXES, as_bytes, list_photos, read_photo, write_photo
from .restore import restore

if TYPE_CHECKING:
    from .train import Trainer


def plan(photos: list[Path], output: Path, overwrite: bool) -> tuple[list[tuple[Path, Path]], list[dict]]:
    """Which file is restored to which: ([(source, target)], [{"photo", "reason"} of what can't be]).

    photos: files or folders. output: a folder, made here where it is missing; or, for one photo, a file.
    Raises ValueError where several photos would go to one file.
    """
    failed, sources = [], []
    for photo in dict.fromkeys(photos):
        try:
            sources += list_photos(photo) if photo.is_dir() else [photo]
        except OSError as error:
            failed.append({"photo": str(photo), "reason": str(error)})
    to_file = output.suffix.lower() in SUFFIXES and not output.is_dir()
    if to_file and (len(sources) > 1 or any(p.is_dir() for p in photos)):
        raise ValueError(f"{output} is one file, but there are several photos: give a folder.")
    if not to_file and sources:
        output.mkdir(parents=True, exist_ok=True)
    jobs, taken = [], {}
    for source in sources:
        target = output if to_file else output / _writable_name(source)
        if target in taken:
            raise ValueError(f"{taken[target]} and {source} would both become {target}: restore them apart.")
        taken[target] = source
        if target.exists() and not overwrite:
            what = (
                "is the photo itself" if source.exists() and target.samefile(source) else "is already there"
            )
            failed.append({"photo": str(source), "reason": f"{target} {what}; --overwrite would replace it."})
        else:
            jobs.append((source, target))
    return jobs, failed


def find_clean(photo: Path, clean: Path | None) -> Path | None:
    """The undamaged counterpart: `clean` itself, or in that folder the same name, or the part before "__"."""
    if clean is None or not clean.is_dir():
        return clean
    if (clean / photo.name).is_file():
        return clean / photo.name
    for stem in (photo.stem, photo.stem.split("__")[0]):
        for file in sorted(clean.glob("*")):
            if file.stem == stem and file.suffix.lower() in SUFFIXES:
                return file
    return None


def restore_file(source: Path, target: Path, model: SlerIR, clean: Path | None, overwrite: bool) -> dict:
    """Restore one file, and tell of it as JSON can hold it.

    Returns `Restoration.to_dict()` with "photo", "restored", "seconds" and, with a clean photo, "psnr_before"
    and "psnr_after" in dB (None: nothing differs). Raises ValueError where the clean photo's size differs.
    """
    degraded = read_photo(source)
    goal = None if clean is None else read_photo(clean)
    if goal is not None and goal.shape != degraded.shape:
        sizes = [f"{x.shape[2]} x {x.shape[1]}" for x in (goal, degraded)]
        raise ValueError(f"its clean photo {clean} is {sizes[0]}, but it is {sizes[1]}.")
    begin = time.monotonic()
    got = restore(degraded, model)
    seconds = time.monotonic() - begin
    write_photo(got.image, target, overwrite)
    row = {"photo": str(source), "restored": str(target), "seconds": round(seconds, 3)} | got.to_dict()
    if goal is not None:
        from .evaluate import psnr

        for name, image in (("before", degraded), ("after", got.image)):
            value = psnr(as_bytes(image), as_bytes(goal))
            row[f"psnr_{name}"] = round(value, 4) if math.isfinite(value) else None
    return row


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
        names = set() if validation is None else set(validation.read_text("utf-8").split("\n"))
        clean = Photos.from_folder(photos, leave_out={name.strip() for name in names})
    torch.manual_seed(seed)
    if generalist:
        model, way = Generalist(Config(experts=1)), generalist_stages(steps)
    else:
        model, way = SlerIR(Config()), stages(steps, compass_steps)
    return Trainer(clean, out, way, model, per_batch, seed=seed)


def _writable_name(source: Path) -> str:
    return source.name if source.suffix.lower() in SUFFIXES else f"{source.stem}.png"
