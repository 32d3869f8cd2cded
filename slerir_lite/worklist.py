"""Which photo is restored to which file, decided before the first one is; and then one after the other."""

import errno
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import make_folder
from .interrupt import HeldBack
from .photo import SUFFIXES, list_photos

# Images, but of kinds that are not written here: as a folder's name one of them is a mistake.
OTHERS = {".avif", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".ppm", ".tga"}
GUIDE, PATH = ".guide.png", ".path.png"  # pictures beside photo.jpg: photo.jpg.guide.png, photo.jpg.path.png


@dataclass
class Worklist:
    """jobs: (source, target); failed: {"photo", "reason"} of what can't be; skipped: targets that are there.
    left_out: what else the folders hold, files and folders. in_place: whether any photo replaces itself."""

    jobs: list[tuple[Path, Path]] = field(default_factory=list)
    failed: list[dict] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)
    in_place: bool = False


def plan(
    photos: list[Path],
    output: Path,
    overwrite: bool = False,
    skip_existing: bool = False,
    beside: tuple[str, ...] = (),
    clean: Path | None = None,
) -> Worklist:
    """What to do for `photos`, files or folders.

    output: a folder, or for one photo a file; folders that are missing are made. skip_existing: a photo whose
    target is there, a file that is not empty, is done. beside: endings of pictures that are written next to
    each target. clean: what the photos will be compared with, see `find_clean`; none of it is replaced.
    Raises ValueError where several photos would go to one file, OSError where there can be no such folder.
    """
    if overwrite and skip_existing:
        raise ValueError("Give either --overwrite or --skip-existing.")
    found, sources = Worklist(), []
    for photo in dict.fromkeys(photos):
        try:
            inside = [f for f in list_photos(photo) if not _tells_of(f)] if photo.is_dir() else [photo]
        except OSError as error:
            found.failed.append({"photo": str(photo), "reason": str(error)})
            continue
        sources += inside
        if photo.is_dir():
            known = {*inside, output}
            found.left_out += sorted(
                f for f in photo.iterdir() if f not in known and not f.name.startswith(".")
            )
    to_file = output.suffix.lower() in SUFFIXES and not output.is_dir()
    if to_file and (len(set(sources)) > 1 or any(p.is_dir() for p in photos)):
        raise ValueError(f"{output} is one file, but there are several photos: give a folder.")
    if not to_file and not output.is_dir() and output.suffix.lower() in OTHERS:
        endings = ", ".join(sorted(SUFFIXES))
        raise ValueError(f"{output} can't be written: an image's name must end in one of {endings}.")
    if any(source.exists() for source in sources):
        make_folder(output.parent if to_file else output)
    taken: dict[Path, Path] = {}
    for source in dict.fromkeys(sources):
        target = output if to_file else output / _writable_name(source)
        files = [target, *(beside_of(target, ending) for ending in beside)]
        for file in files:
            if taken.setdefault(file, source) != source:
                raise ValueError(f"{taken[file]} and {source} would both become {file}: restore them apart.")
        there = [file for file in files if os.path.lexists(file)]
        if there and overwrite and _is_clean(target, source, clean):
            found.failed.append({"photo": str(source), "reason": _precious(target)})
        elif not there or overwrite:
            found.jobs.append((source, target))
            found.in_place |= _same(source, target)
        elif skip_existing and _holds_something(target) and not _same(source, target):
            found.skipped.append(target)
        else:
            found.failed.append({"photo": str(source), "reason": _in_the_way(there[0], source)})
    return found


def _holds_something(target: Path) -> bool:
    return target.is_file() and target.stat().st_size > 0


def _is_clean(target: Path, source: Path, clean: Path | None) -> bool:
    goal = find_clean(source, clean)
    return goal is not None and _same(goal, target)


def _precious(target: Path) -> str:
    return f"{target} is the clean photo to compare with (--clean). Choose another folder to write to."


def _in_the_way(file: Path, source: Path) -> str:
    if file.is_dir():
        return f"{file} is a folder. Move it away."
    what = "is the photo itself" if _same(source, file) else "is already there"
    return f"{file} {what}; --overwrite would replace it."


CANT = (OSError, ValueError, MemoryError)  # one photo's trouble, which does not stop the others


def go_through(
    jobs: Iterable[tuple[Path, Path]],
    restore: Callable[[Path], Any],
    write: Callable[[Path, Path, Any], dict],
) -> tuple[list[dict], list[dict], bool]:
    """For each job (source, target): `restored = restore(source)`, then `write(source, target, restored)`.

    Returns what `write` returned, {"photo", "reason"} of each that couldn't be, and whether Ctrl-C came. It
    stops `restore` at once, but waits for `write`: what lies in the folder is what is told of.
    """
    done, failed, full = [], [], False
    try:
        for source, target in jobs:
            try:
                if full:
                    raise OSError("not tried, as the disk is full.")
                restored = restore(source)
            except CANT as error:
                failed.append(_why(source, error))
                continue
            with HeldBack():
                try:
                    done.append(write(source, target, restored))
                except CANT as error:
                    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
                    failed.append(_why(source, error))
                restored = None  # else a large photo would take its memory until the next one is ready
    except KeyboardInterrupt:
        return done, failed, True
    return done, failed, False


def _why(source: Path, error: Exception) -> dict:
    return {"photo": str(source), "reason": reason(error)}


def reason(error: Exception) -> str:
    """What an error of one photo says; Python's own MemoryError says nothing."""
    return str(error) or "needs more memory than there is."


def beside_of(target: Path, ending: str) -> Path:
    """The picture that tells of `target`."""
    return target.with_name(target.name + ending)


def _tells_of(file: Path) -> bool:
    """Whether it is such a picture, of a photo beside it."""
    return any(
        file.name.endswith(ending) and file.with_name(file.name.removesuffix(ending)).is_file()
        for ending in (GUIDE, PATH)
    )


def find_clean(photo: Path, clean: Path | None) -> Path | None:
    """The undamaged counterpart: `clean` itself, or in that folder the same name, or the part before "__".
    In no case the photo itself, which may lie in that folder too."""
    if clean is None or not clean.is_dir():
        return clean
    there = [f for f in sorted(clean.glob("*")) if f.suffix.lower() in SUFFIXES]
    there.sort(key=lambda file: file.name != photo.name)  # the very same name first
    for stem in (photo.stem, photo.stem.split("__")[0]):
        for file in there:
            if file.stem == stem and not _same(photo, file):
                return file
    return None


def _same(source: Path, target: Path) -> bool:
    return source.exists() and target.exists() and target.samefile(source)


def _writable_name(source: Path) -> str:
    return source.name if source.suffix.lower() in SUFFIXES else f"{source.stem}.png"
