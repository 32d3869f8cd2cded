"""What a network is measured on: pairs of a degraded photo and the clean one, by task.

Paper: public test sets (CBSD68, Rain100L, SOTS, GoPro, LOL).
Ours:  pairs from a folder, or made from clean photos with the package's own degradations at fixed middle
       severities. Scores on pairs of one's own making flatter: the network trained on the same physics.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from .degrade import confine, disc, draw_disc, mix
from .photo import as_bytes, list_photos, read_photo
from .view import View

# The tasks that the average is taken over, and the place on the sphere that each belongs to.
FIVE = {"noise25": "noise", "rain": "rain", "haze": "haze", "blur": "blur", "lowlight": "lowlight"}

# task: what happens in which order, and which parameters are set; all others lie at severity 1/2.
MADE = {
    "clean": ("clean", {}),
    "noise25": ("noise", {"noise": {"sigma": 25}}),
    "rain": ("rain", {}),
    "haze": ("haze", {"haze": {"beta": 1.4}}),
    "blur": ("blur", {"blur": {"length": 11}}),
    "lowlight": ("lowlight", {"lowlight": {"gain": 0.2}}),
    "haze+rain": ("haze+rain", {"haze": {"beta": 1.0}}),
    "blur+noise": ("blur+noise", {"blur": {"length": 9}, "noise": {"sigma": 15}}),
    "lowlight+blur": ("lowlight+blur", {"lowlight": {"gain": 0.3}, "blur": {"length": 9}}),
    "rain+blur": ("rain+blur", {"blur": {"length": 9}}),  # this mix and the next two are never trained on
    "haze+noise": ("haze+noise", {"haze": {"beta": 1.0}, "noise": {"sigma": 15}}),
    "lowlight+noise": ("lowlight+noise", {"lowlight": {"gain": 0.35}, "noise": {"sigma": 10}}),
    "noise_corner": ("noise", {"noise": {"sigma": 40}}),
    "rain_corner": ("rain", {"rain": {"density": 0.02}}),
    "blur_corner": ("blur", {"blur": {"length": 15}}),
}


@dataclass(frozen=True)
class Pair:
    """One photo of one task. `load()` gives (degraded, clean), each (H, W, 3) uint8; nothing is kept.

    files: what it is loaded from.
    """

    task: str
    name: str
    load: Callable[[], tuple[np.ndarray, np.ndarray]]
    files: tuple[Path, ...] = ()


def pairs(folder: str | Path, limit: int | None = None, tasks: Iterable[str] | None = None) -> list[Pair]:
    """The pairs of a folder laid out as FOLDER/<task>/input/<name> and FOLDER/<task>/target/<name>.

    limit: the first so many photos (by name) of each task. tasks: default, all that the folder holds.
    Raises FileNotFoundError for a task, or a photo's clean counterpart, that isn't there.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    there = sorted(d.parent.name for d in folder.glob("*/input") if d.is_dir())
    missing = sorted(set(tasks or ()) - set(there))
    if not there or missing:
        which = f'no task "{missing[0]}"' if missing and there else "no <task>/input folder"
        raise FileNotFoundError(f"{folder} holds {which}; it holds: {', '.join(there) or 'none'}.")
    found = []
    for task in there if tasks is None else tasks:
        for degraded in list_photos(folder / task / "input")[:limit]:
            clean = folder / task / "target" / degraded.name
            if not clean.is_file():
                raise FileNotFoundError(f"{degraded} has no clean counterpart {clean}.")
            found.append(Pair(task, degraded.name, _reader(degraded, clean), (degraded, clean)))
    return found


def made_pairs(
    photos: str | Path, limit: int | None = None, seed: int = 0, tasks: Iterable[str] | None = None
) -> list[Pair]:
    """Pairs made from a folder of clean photos, for the tasks in `MADE` (default, all of them).

    The same seed gives each (photo, task) the same damage, whatever else is asked for.
    """
    tasks = list(MADE) if tasks is None else list(tasks)
    for task in tasks:
        if task not in MADE:
            raise ValueError(f'No task is called "{task}"; choose from {", ".join(MADE)}.')
    files = list_photos(photos)[:limit]
    return [Pair(task, file.name, _maker(file, task, seed), (file,)) for task in tasks for file in files]


def need_readable(pairs: list[Pair], quiet: bool = False) -> None:
    """Reads every file once: a bad one is better told before an hour's work than after it.

    Raises ValueError that names every file which can't be read, and every pair that differs in size.
    """
    sizes, bad = {}, {}
    files = dict.fromkeys(file for pair in pairs for file in pair.files)
    for file in tqdm(files, unit="file", desc="reading", delay=1, leave=False, disable=quiet):
        try:
            sizes[file] = read_photo(file).shape[1:]
        except (OSError, ValueError) as error:
            bad[file] = str(error)
    for pair in pairs:
        seen = [sizes[file] for file in pair.files if file in sizes]
        if len(set(seen)) > 1:
            bad[pair.files[0]] = unequal(*pair.files, *seen)
    if bad:
        raise ValueError(
            "Nothing was measured. Take these out of the folder first:\n" + "\n".join(bad.values())
        )


def unequal(degraded: Path, clean: Path, *sizes) -> str:
    """What is wrong with a pair of these two sizes, each (H, W)."""
    told = " and ".join(f"{width} x {height}" for height, width in sizes)
    return f"{degraded} and {clean} differ in size: {told}."


def make_pair(clean: torch.Tensor, task: str, seed: int = 0) -> torch.Tensor:
    """(3, H, W) in [0, 1], damaged as `MADE[task]` says; corner tasks inside a soft-edged disc only."""
    generator = torch.Generator().manual_seed(seed)
    kinds, did = MADE[task]
    x = clean[None]
    y, _ = mix(x, kinds, 0.5, generator=generator, did=did)
    if task.endswith("_corner"):
        y = confine(
            x, y, disc(**draw_disc(1, generator), view=View.whole(x), height=x.shape[2], width=x.shape[3])
        )
    return y[0]


def _reader(degraded: Path, clean: Path):
    def load():
        both = as_bytes(read_photo(degraded)), as_bytes(read_photo(clean))
        if both[0].shape != both[1].shape:
            raise ValueError(unequal(degraded, clean, *(photo.shape[:2] for photo in both)))
        return both

    return load


def _maker(file: Path, task: str, seed: int):
    def load():
        clean = read_photo(file)
        drawn = zlib.crc32(f"{seed}/{task}/{file.stem}".encode())
        return as_bytes(make_pair(clean, task, drawn)), as_bytes(clean)

    return load
