"""Thousands of damaged photos' files: each is restored or refused in words, and nothing else ever happens.

    python benchmarks/fuzz.py --files 10000 --json benchmarks/fuzz.json

Every file is read, restored (one in twenty by a small network, the others left as they are, since it is
decoding that is tried here) and written in some format. A process of its own does it, with limited memory, so
that a crash or a hang costs that process only, and counts. The same seed makes the same files.
"""

import argparse
import faulthandler
import json
import os
import platform
import re
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

PATIENCE = 10  # seconds of work on one file
START = 120  # seconds for the process to begin
MEMORY = 600 << 20  # bytes that a file may take, beyond what the libraries have taken
REAL = 20  # one file in so many goes through a network
SMALL = 100_000  # pixels; a larger photo does not
TARGETS = (".png", ".jpg", ".webp", ".tif", ".bmp")
REFUSALS = {  # what a person is told, by the words that tell it
    "not an image": "is not an image that can be read",
    "damaged": "is damaged or cut off",
    "empty": "is empty",
    "too large": "is too large: its header says",
    "memory": "needs more memory than there is",
    "no brightness": "holds no brightness|holds 32-bit integers",
    "plane by plane": "plane by plane",
    "too long for the format": "pixels along a side",
}


def case(seed: int, number: int, whole: dict[str, bytes]) -> tuple[str, bytes, str]:
    """(name of the file it was made from, its bytes, ending to write): always the same for these numbers."""
    from mutate import mutated

    rng = np.random.default_rng([seed, number])
    names = list(whole)
    name, other = (names[rng.integers(len(names))] for _ in range(2))
    return name, mutated(whole[name], whole[other], rng), TARGETS[rng.integers(len(TARGETS))]


def attempt(data: bytes, ending: str, model, folder: Path) -> str:
    """ "restored", "refused: ..." or "WRONG: ..."; the folder is empty before and after."""
    import torch

    from slerir_lite.photo import read_picture, write_photo
    from slerir_lite.restore import restore

    source, target = folder / "given", folder / f"restored{ending}"
    source.write_bytes(data)
    try:
        picture = read_picture(source)
        image = picture.pixels
        if model is not None and image[0].numel() <= SMALL:
            image = restore(picture, model).image
        write_photo(image, target, like=picture)
        again = read_picture(target)
        outcome = "restored"
        if again.pixels.shape != image.shape or not bool(torch.isfinite(again.pixels).all()):
            outcome = "WRONG: another photo was written"
    except ValueError as error:
        kinds = [kind for kind, words in REFUSALS.items() if re.search(words, str(error))]
        named = str(source) in str(error) or str(target) in str(error)
        outcome = f"refused: {kinds[0]}" if kinds and named else f"WRONG: ValueError: {error}"
    except MemoryError:
        outcome = "refused: memory"
    except Exception as error:
        outcome = f"WRONG: {type(error).__name__}: {error}"
    left = {path.name for path in folder.iterdir()}
    if left != {source.name, *([target.name] if outcome == "restored" else [])} and "WRONG" not in outcome:
        outcome = f"WRONG: left behind {sorted(left)}"
    for path in folder.iterdir():
        path.unlink()
    return outcome


def work(seed: int) -> None:
    """Numbers come in, a line each; outcomes go out, a line of JSON each."""
    import torch
    from mutate import seeds

    from slerir_lite.model import Config, SlerIR

    faulthandler.enable()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model, whole = SlerIR(Config(width=8, tokens=16)).eval(), seeds()
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            name, data, ending = case(seed, int(line), whole)
            outcome = attempt(data, ending, model if int(line) % REAL == 0 else None, Path(folder))
            print(json.dumps([name, outcome]), flush=True)


class Worker:
    """The process, begun again after a crash or a hang."""

    def __init__(self, seed: int):
        command = [sys.executable, __file__, "--work", "--seed", str(seed)]
        self.said = tempfile.TemporaryFile("w+")  # libtiff tells of every fault; wanted only after a crash
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said, text=True
        )
        if (answer := self._answer(START)) != "ready":
            self.end()
            raise RuntimeError(f"The process that reads the files did not start: {answer}")

    def do(self, number: int) -> list:
        """[name, outcome]."""
        print(number, file=self.process.stdin, flush=True)
        answer = self._answer(PATIENCE)
        return answer if isinstance(answer, list) else ["?", answer]

    def _answer(self, seconds: float):
        """The next line. A process that others keep from the processor gets ten times as long."""
        begin, used = time.monotonic(), self._used()
        while not select.select([self.process.stdout], [], [], seconds / 10)[0]:
            if self._used() - used > seconds or time.monotonic() - begin > 10 * seconds:
                return f"WRONG: no answer within {seconds} s"
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.said.seek(0)
        return f"WRONG: crashed with code {self.process.wait()}: {self.said.read()[-500:]}"

    def _used(self) -> float:
        """Seconds of the processor that it has had."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.said.close()


def run(files: int, seed: int = 0) -> dict:
    """Counts of outcomes, by format too; what went wrong, by number; the slowest files."""
    import PIL
    import torch

    outcomes, formats, wrong, times = Counter(), {}, [], []
    worker, begin = Worker(seed), time.monotonic()
    try:
        for number in range(files):
            start = time.monotonic()
            name, outcome = worker.do(number)
            times.append((round(time.monotonic() - start, 3), number, name, outcome))
            kind = outcome if not outcome.startswith("WRONG") else "wrong"
            outcomes[kind] += 1
            formats.setdefault(name.split()[0], Counter())[kind] += 1
            if kind == "wrong":
                wrong.append({"number": number, "made_from": name, "outcome": outcome})
                if "crashed" in outcome or "no answer" in outcome:
                    worker.end()
                    worker = Worker(seed)
    finally:
        worker.end()
    columns = "seconds", "number", "made_from", "outcome"
    slowest = sorted(times, reverse=True)[:5]
    return {
        "files": files,
        "seed": seed,
        "one_in_so_many_through_a_network": REAL,
        "outcomes": dict(outcomes.most_common()),
        "by_format": {name: dict(counts.most_common()) for name, counts in sorted(formats.items())},
        "wrong": wrong,
        "slowest": [dict(zip(columns, row, strict=True)) for row in slowest],
        "seconds": round(time.monotonic() - begin, 1),
        "versions": {
            "python": platform.python_version(),
            "pillow": PIL.__version__,
            "numpy": np.__version__,
            "torch": torch.__version__,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where to write the log")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.seed)
        return
    log = run(asked.files, asked.seed)
    text = json.dumps(log, indent=2)
    if asked.json is not None:
        asked.json.write_text(text + "\n", "utf-8")
    print(text)
    sys.exit(bool(log["wrong"]))


if __name__ == "__main__":
    main()
