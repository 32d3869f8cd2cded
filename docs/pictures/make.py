"""Makes the pictures that the README shows, from the shipped weights and the sample photos.

python docs/pictures/make.py
"""

from pathlib import Path

import torch
from PIL import Image

from slerir_lite.evaluate import psnr
from slerir_lite.explore.path_map import mini_path
from slerir_lite.explore.style import INK, WIDTH, canvas, head
from slerir_lite.photo import as_bytes, read_photo
from slerir_lite.restore import restore

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent.parent / "data_samples"
# What each column shows: its title, the sample, and the cut-out: (left, top, width), a third less high.
COLUMNS = (
    ("noise", "astronaut__noise", (96, 40, 216)),
    ("rain", "raccoon__rain", (60, 20, 288)),
    ("haze", "pavilion__haze", (0, 0, 384)),
    ("blur", "cat__blur", (60, 30, 264)),
    ("low light", "coffee__lowlight", (0, 0, 384)),
)


def restored_picture():
    """A column for each of the five degradations: given, restored, and the path through the stations."""
    figure = canvas(392)
    axes = figure.subplots(3, len(COLUMNS), height_ratios=(10, 10, 7))
    for column, (title, name, box) in zip(axes.T, COLUMNS, strict=True):
        given = read_photo(SAMPLES / "degraded" / f"{name}.png")
        clean = read_photo(SAMPLES / "clean" / f"{name.split('__')[0]}.png")
        found = restore(given)
        for ax, photo, above in ((column[0], given, f"{title}\n"), (column[1], found.image, "")):
            ax.imshow(cut(photo, box), aspect="equal")
            ax.set_axis_off()
            head(ax, f"{above}{psnr(as_bytes(photo), as_bytes(clean)):.1f} dB")
        mini_path(column[2], found.choice, found.angle.shape[1])
        column[2].set_title(found.path, color=INK, fontsize=10)
    for ax, text in zip(axes[:, 0], ("given", "restored", "its path"), strict=True):
        ax.text(-0.06, 0.5, text, color=INK, fontsize=11, rotation=90, ha="right", va="center",
                transform=ax.transAxes)  # fmt: skip
    return figure


def cut(photo: torch.Tensor, box: tuple[int, int, int]):
    """A cut-out of (3, H, W) as an image of 3 : 2, with the pixels that the picture has room for."""
    left, top, width = box
    image = Image.fromarray(as_bytes(photo)).crop((left, top, left + width, top + width * 2 // 3))
    across = 3 * WIDTH // (2 * len(COLUMNS))
    return image.resize((across, across * 2 // 3), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    torch.set_num_threads(1)  # the same sums in the same order
    restored_picture().savefig(HERE / "restored.png", dpi=150, metadata={"Software": None})
    print("written: docs/pictures/restored.png")
