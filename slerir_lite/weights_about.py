"""What a weights file says of itself; and its checksum, as a flipped bit would restore photos badly unseen.

The file is safetensors, which unlike a pickle can't run anything. Its metadata holds one entry of JSON:
{"format", "model", "config", "facts", "sha256"}.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

KEY, FORMAT = "slerir-lite", 1
ABOUT = {"format", "model", "config", "facts", "sha256"}
HEADER = 1 << 20  # bytes; ours take some 30,000


class WeightsError(ValueError):
    """A weights file that is refused; the message says why, and what to do."""


def read_about(path: str | Path) -> dict:
    """What a file says of itself: {"format", "model", "config", "facts", "sha256"}, the last two optional.

    Raises FileNotFoundError, or WeightsError for a pickle and for a cut-off or foreign file. The tensors are
    not looked at, and so neither is the checksum.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no weights file {path}.")
    _refuse_other_formats(path)
    with opened(path) as file:
        text = (file.metadata() or {}).get(KEY)
    if text is None:
        raise WeightsError(
            f"{path} is a safetensors file, but not of this package: no config is inside. Use a file "
            "that `slerir train` or save_weights wrote."
        )
    try:
        about = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise WeightsError(
            f"{path}: what it says of itself is not readable ({error}). Copy or download it again."
        ) from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else None
        raise WeightsError(
            f"{path} has format {short(found)}; this version reads {FORMAT}. Update the package."
        )
    if unknown := sorted(about.keys() - ABOUT):
        raise WeightsError(
            f"{path} tells of {short(unknown[0])}, which this version does not know. Update the package, or "
            "copy or download the file again."
        )
    return about


@contextmanager
def opened(path: Path) -> Iterator[safe_open]:
    """The file, whose header has been checked: names, dtypes, shapes and offsets that fit its length."""
    try:
        with safe_open(path, "pt") as file:
            yield file
    except SafetensorError as error:
        reason = short(str(error), 200)
        raise WeightsError(f"{path} is cut off or damaged ({reason}). Copy or download it again.") from error


def _without_doubles(pairs: list[tuple]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def digest(about: dict, tensors: dict[str, Tensor]) -> str:
    """SHA-256 of all that a file holds, in an order of its own, so that rewriting the file keeps it."""
    try:
        said = json.dumps([about.get(key) for key in ("model", "config", "facts")], sort_keys=True)
    except RecursionError:  # JSON may be nested deeper than can be written out again
        said = ""
    found = hashlib.sha256(said.encode())
    for name, v in sorted(tensors.items()):
        found.update(f"{name} {v.dtype} {list(v.shape)}".encode())
        found.update(v.flatten().view(torch.uint8).numpy())
    return found.hexdigest()


def short(value, length: int = 40) -> str:
    """What a file holds, for a message: bounded, and without anything that a terminal would obey."""
    try:
        return ascii(value)[:length]
    except RecursionError:
        return "something deeply nested"


def _refuse_other_formats(path: Path) -> None:
    """A safetensors file starts with the length of its header, which other formats' first bytes exceed."""
    with open(path, "rb") as file:
        start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) == 8 and length <= min(HEADER, path.stat().st_size - 8):
        return
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        what = "zip file, as torch.save writes," if start[:1] == b"P" else "Python pickle"
        raise WeightsError(
            f"{path} is a {what} which could run code when opened, whatever its name says. "
            "Ask for the safetensors file."
        )
    raise WeightsError(f"{path} is not a safetensors file, or it was cut off. Copy or download it again.")
