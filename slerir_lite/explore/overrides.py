"""What if another specialist had worked? Every path that differs from the router's at one station.

With 8 stations and 3 specialists there are 8 x 2 = 16 of them. Each is tried, and scored against the clean
photo; where there is none, by how much it changes.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..evaluate import psnr
from ..photo import as_bytes
from .explored import found
from .style import INK, canvas, head, plain

STRONGEST = 3  # dB: colours grow no stronger beyond


def single_overrides(choice: Sequence[int], experts: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """(station, specialist, the whole path) for each way of leaving the path at one station, both from 0."""
    choice = tuple(int(k) for k in choice)
    for layer, taken in enumerate(choice):
        for expert in range(experts):
            if expert != taken:
                yield layer, expert, (*choice[:layer], expert, *choice[layer + 1 :])


def what_if(
    restore: Callable, photo: Tensor, clean: Tensor | None = None, progress: Callable | None = None
) -> Tensor:
    """(L, K) dB that each specialist gains over the router's choice, which is 0 where it is the choice.

    restore: see `explored`; photo, clean: (3, H, W) in [0, 1]. Without `clean`: by how many grey levels (root
    mean square) the photo changes. progress: called with (done, all) before each override.
    """
    first = found(restore, photo)
    table = torch.zeros_like(first.angle)
    ways = list(single_overrides(first.choice, first.angle.shape[1]))
    for done, (layer, expert, path) in enumerate(ways):
        if progress is not None:
            progress(done, len(ways))
        image = found(restore, photo, path).image
        if clean is None:
            table[layer, expert] = 255 * (image - first.image).square().mean().sqrt()
        else:
            table[layer, expert] = dB(image, clean) - dB(first.image, clean)
    return table


def dB(image: Tensor, clean: Tensor) -> float:
    """PSNR of (3, H, W) in [0, 1] at 8 bits; 100 where nothing differs, so that differences stay numbers."""
    return min(psnr(as_bytes(image), as_bytes(clean)), 100.0)


def overrides_picture(choice: Sequence[int], gains, title: str) -> Figure:
    """The map of the path, coloured by what each override gains (orange) or spoils (purple), in dB.

    choice: (L,) the router's path, framed; gains: (L, K) from `what_if`, or a mean of several.
    """
    gains = np.asarray(gains, float).T
    figure = canvas(90 + 50 * len(gains))
    ax = plain(figure.subplots())
    drawn = ax.imshow(gains, cmap="PuOr_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto")
    for (expert, layer), gain in np.ndenumerate(gains):
        taken = expert == choice[layer]
        ink = "white" if abs(gain) > 0.6 * STRONGEST else "black"
        words = "taken" if taken else f"{round(gain, 1) + 0.0:+.1f}"
        ax.text(layer, expert, words, ha="center", va="center", color=ink, fontsize=10)
        if taken:
            corner = (layer - 0.46, expert - 0.44)
            ax.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor="black", linewidth=2))
    ax.set_xticks(range(gains.shape[1]), range(1, gains.shape[1] + 1))
    ax.set_yticks(range(len(gains)), range(len(gains)))
    ax.set_xlabel("station")
    ax.set_ylabel("specialist taken instead")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    head(ax, title)
    bar = figure.colorbar(drawn, ax=ax, extend="both")
    bar.set_label("gain in PSNR (dB)", color=INK)
    bar.ax.tick_params(colors=INK)
    return figure


def describe_overrides(gains) -> str:
    """The picture in words, for its alt text: the best and the worst of all overrides."""
    gains = np.asarray(gains, float)
    told = []
    for word, at in (("worst", gains.argmin()), ("best", gains.argmax())):
        layer, expert = np.unravel_index(at, gains.shape)
        told.append(
            f"the {word} is specialist {expert} at station {layer + 1}, {gains[layer, expert]:+.1f} dB"
        )
    return (
        f"A map of {gains.shape[0]} stations by {gains.shape[1]} specialists with what each gains in place of "
        f"the router's choice: {'; '.join(told)}."
    )
