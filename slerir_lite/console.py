"""What all commands of `slerir` share: where they speak, how they fail, how far they are."""

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from .files import make_folder, need_folder, write_whole

out, err = Console(), Console(stderr=True)


def tell(found: dict[str, list]) -> None:
    """What there is to say of single photos: what was lost in writing them, and why some are missing."""
    for row in found["restored"]:
        for note in row["notes"]:
            err.print(Text(f"{row['photo']}: {note}", style="yellow"), soft_wrap=True)
    for row in found["failed"]:
        said = row["reason"] if row["photo"] in row["reason"] else f"{row['photo']}: {row['reason']}"
        err.print(Text(said, style="red"), soft_wrap=True)
    if skipped := found["skipped"]:
        what = (
            f"1 photo, as {skipped[0]} is" if len(skipped) == 1 else f"{len(skipped)} photos whose files are"
        )
        err.print(Text(f"Left out {what} there already."), soft_wrap=True)
    if left := found["left_out"]:
        few = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        what = "Of a folder only its own PNG, JPEG, WebP, TIFF and BMP files are restored. Left out"
        err.print(Text(f"{what}: {few}.", style="yellow"), soft_wrap=True)


def stopped_line(done: int, total: int, overwrite: bool, in_place: bool) -> str:
    """After Ctrl-C: what is done, and how to go on."""
    if in_place:  # what is restored once more comes out otherwise
        again = "would restore these a second time: name the others"
    else:
        again = "does all of them again" if overwrite else "with --skip-existing goes on"
    return f"Stopped. {done} of {total} photos are restored and stay. The same command {again}."


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What a person can mend is said in one red line; SLERIR_DEBUG=1 shows where it arose all the same.

    A warning is said in one yellow line."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: err.print(
                Text(str(message), style="yellow"), soft_wrap=True
            )
            yield
    except (OSError, ValueError, MemoryError, RuntimeError) as error:
        full = "out of memory" in str(error).lower()  # torch's own, of a GPU or of the machine
        if os.environ.get("SLERIR_DEBUG") or (isinstance(error, RuntimeError) and not full):
            raise
        said = f"{str(error).splitlines()[0]} Ask for less at once." if full else str(error)
        err.print(Text(said or "Memory ran out. Ask for less at once.", style="red"), soft_wrap=True)
        raise typer.Exit(1) from None


def load(weights: Path | None, device: str | None, *kinds: type):
    """The network, where it is of one of these kinds."""
    import torch

    from .weights import load_pretrained, load_weights

    model = load_pretrained() if weights is None else load_weights(weights)
    if not isinstance(model, kinds):
        wanted = " or a ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{weights} holds a {type(model).__name__}; this needs the weights of a {wanted}.")
    device = (device or "cpu").lower()
    if device.split(":")[0] == "mps":
        raise ValueError('Device "mps" lacks an operation that the compass needs. Use "cpu".')
    if device.split(":")[0] not in ("cpu", "cuda"):
        raise ValueError(f'Device "{device}" is none that this can compute on. Use "cpu" or "cuda".')
    try:
        return model.to(device, memory_format=torch.channels_last)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f'Device "{device}" can\'t be used: {str(error).splitlines()[0]}') from error


def progress() -> Progress:
    """A bar on stderr that goes when the work is done; none where nobody watches."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def need_report(path: Path | None, key: str) -> None:
    """Refuses what a report must not or can't replace, before the work and not after it; makes its folder.

    key: what a report of this command holds, and another file, which is not to be lost, does not.
    """
    if path is None:
        return
    if path.suffix.lower() != ".json":  # such as a photo, named here by mistake
        raise ValueError(f"--json takes a file whose name ends in .json, such as report.json; not {path}.")
    make_folder(path.parent)
    need_folder(path)
    if path.exists() and not _holds(path, key):
        raise ValueError(f"{path} is there, and no report of this command. Name another file as --json.")


def _holds(path: Path, key: str) -> bool:
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(found.get(key), list | dict)


def write_report(path: Path, result: dict) -> None:
    """Write JSON, whole or not at all. Raises OSError where it can't be written."""
    write_whole(path, json.dumps(result, indent=2).encode())
