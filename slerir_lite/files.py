"""Files that are either whole or not there: a kill, a full disk or Ctrl-C never leaves half of one.

A kill can leave a hidden .NAME.….part beside it. A training run sweeps its own away when it goes on (see
`sweep`); those of photos and reports stay, as somebody else may just be writing them, and may be deleted.
"""

import errno
import glob
import os
import shutil
import uuid
from pathlib import Path


def write_whole(path: str | Path, data: bytes, overwrite: bool = True) -> None:
    """Write `data` under a hidden name in the same folder, then rename it to `path`.

    Where `path` is a link, the link is replaced and what it leads to stays; where it is a file, the new one
    gets its permissions. Raises FileNotFoundError where the folder is missing, FileExistsError where `path`
    exists and `overwrite` is False, and OSError, with its errno, for a full disk or a folder that can't be
    written to.
    """
    path = Path(path)
    need_folder(path)
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(
            f"{path} is already there. Choose another name, or ask for it to be overwritten."
        )
    part = path.with_name(f"{_hidden(path)}{uuid.uuid4().hex[:12]}.part")
    try:
        with open(part, "xb") as file:
            if path.is_file() and not path.is_symlink():
                shutil.copymode(path, part)  # before anything private is in it
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could keep the new name but not what it stands for
        os.replace(part, path)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"{error.strerror}; the file is as it was. {'Make room, or choose' if full else 'Choose'} "
        what += "another place"
        raise type(error)(error.errno, what, str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def need_folder(path: Path) -> None:
    """Raises FileNotFoundError where the folder of a file to be written is missing, PermissionError where it
    may not be written to, IsADirectoryError where the file's name is a folder's."""
    if path.is_dir() and not path.is_symlink():
        raise IsADirectoryError(f"{path} is a folder. Name a file in it, or move it away.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} to. Make it first.")
    _need_leave(path.parent)


def make_folder(path: Path) -> None:
    """A folder that can be written to, with those above it. Raises OSError with what to do."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file has that name" if isinstance(error, FileExistsError) else error.strerror
        raise type(error)(f"{path} can't be made a folder: {reason}. Choose another one.") from error
    _need_leave(path)


def _need_leave(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} may not be written to. Choose another folder.")


def sweep(path: str | Path) -> None:
    """Remove the hidden files that killed writes of `path` left (whoever is killed can't tidy up).

    Only for a file that nobody else can be writing now, as a training run's checkpoint.
    """
    path = Path(path)
    for part in path.parent.glob(f"{glob.escape(_hidden(path))}{'[0-9a-f]' * 12}.part"):
        part.unlink(missing_ok=True)


def _hidden(path: Path) -> str:
    return f".{path.name[:40]}."  # cut, as a name that is nearly too long may not become too long
