"""What classical tools reach on the benchmark, each on the damage that it is meant for. One command.

    python benchmarks/references.py --pairs PAIRS --out benchmarks/references.json

Run it again to go on: tasks that the file holds already are not redone. PAIRS: a folder as
`slerir evaluate --pairs` reads it. Denoisers are told the true sigma, deconvolution the true path; that is
not kept with the pairs, but 8-bit noise is all that hides it: least squares find it from both photos.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from parts import fill, reader
from torch import Tensor
from tqdm.auto import tqdm

from slerir_lite import classical
from slerir_lite.evaluate import score, summary
from slerir_lite.pairs import pairs
from slerir_lite.photo import as_bytes, as_photo

SIDE = 25  # px, of a path's kernel: the benchmark's longest path has 17 px, bent
Tool = Callable[..., Tensor]

DENOISERS = {"non-local means": classical.non_local_means, "wavelet shrinkage": classical.wavelet}
DEBLURRERS = {"Wiener, true path": classical.wiener, "Richardson-Lucy, true path": classical.richardson_lucy}
BRIGHTENERS = {"gamma": classical.gamma, "CLAHE": classical.clahe}
TOOLS: dict[str, dict[str, Tool]] = {
    **dict.fromkeys(("noise15", "noise25", "noise50"), DENOISERS),
    **dict.fromkeys(("rain", "rain_heavy"), {"median across": classical.median}),
    **dict.fromkeys(("haze_light", "haze", "haze_dense"), {"dark channel": classical.dehaze}),
    **dict.fromkeys(("blur", "blur_long"), DEBLURRERS),
    **dict.fromkeys(("lowlight", "lowlight_dark"), BRIGHTENERS),
}


def kernel(degraded: np.ndarray, clean: np.ndarray, side: int = SIDE) -> Tensor:
    """(1, side, side), sum 1: what clean was convolved with, from two (H, W, 3) uint8 photos.

    Least squares over all three channels, frequency by frequency: sum X* Y / sum |X|². Borders, which are
    mirrored and not periodic, are faded out. What is weaker than 1 % of the strongest is taken for noise.
    """
    h, w = clean.shape[:2]
    fade = np.hanning(h)[:, None, None] * np.hanning(w)[:, None]
    middle = clean.mean((0, 1))
    x, y = (np.fft.rfft2(fade * (p - middle), axes=(0, 1)) for p in (clean, degraded))
    power = (np.abs(x) ** 2).sum(2)
    k = np.fft.irfft2((x.conj() * y).sum(2) / (power + 1e-4 * power.mean()), s=(h, w))
    r = side // 2
    k = np.roll(k, (r, r), (0, 1))[:side, :side]
    k = np.where(k > 0.01 * k.max(), k, 0)
    return torch.from_numpy(k / k.sum()).float()[None]


def told(task: str, degraded: np.ndarray, clean: np.ndarray) -> tuple:
    """What the tools of a task must be told beside the photo."""
    if task.startswith("noise"):
        return (float(task[5:]),)
    return (kernel(degraded, clean),) if task.startswith("blur") else ()


def measure(folder: Path, task: str, limit: int | None) -> dict:
    """{tool: `summary` of its scores on one task's photos}."""
    rows = {tool: {} for tool in TOOLS[task]}
    for pair in tqdm(pairs(folder, limit, [task]), unit="photo", desc=task):
        degraded, clean = pair.load()
        know = told(task, degraded, clean)
        for name, tool in TOOLS[task].items():
            restored = as_bytes(tool(as_photo(degraded)[None], *know)[0])
            rows[name][pair.name] = score(restored, degraded, clean)
    return {tool: summary(scores) for tool, scores in rows.items()}


def main(words: list[str] | None = None) -> None:
    args = reader(__doc__).parse_args(words)
    fill(args.out, args.limit, {task: partial(measure, args.pairs, task, args.limit) for task in TOOLS})


if __name__ == "__main__":
    main()
