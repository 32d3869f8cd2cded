"""What if another specialist had worked? Every path that differs from the router's at one station.

With 8 stations and 3 specialists there are 8 x 2 = 16 of them. Each is tried, and scored against the clean
photo.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from ..evaluate import psnr
from ..photo import as_bytes
from .explored import Found, found
from .style import INK, canvas, head, plain

STRONGEST = 3  # dB: colours grow no stronger beyond


def single_overrides(choice: Sequence[int], experts: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """(station, specialist, the whole path) for each way of leaving the path at one station, both from 0."""
    choice = tuple(int(k) for k in choice)
    for layer, taken in enumerate(choice):
        for expert in range(experts):
            if expert != taken:
                yield layer, expert, (*choice[:layer], expert, *choice[layer + 1 :])


def try_overrides(restore: Callable, photo: Tensor) -> tuple[Found, dict[tuple[int, int], Tensor]]:
    """The router's answer for a photo (3, H, W), and {(station, specialist): the image with that specialist},
    the router's own choices among them. restore: see `explored`."""
    first = found(restore, photo)
    images = {(layer, expert): first.image for layer, expert in enumerate(first.choice)}
    for layer, expert, path in single_overrides(first.choice, first.angle.shape[1]):
        images[layer, expert] = found(restore, photo, path).image
    return first, images


def gains(first: Found, images: dict[tuple[int, int], Tensor], clean: Tensor) -> Tensor:
    """(L, K) dB that each specialist gains over the router's choice, where it is 0."""
    table = torch.zeros_like(first.angle)
    for at, image in images.items():
        table[at] = dB(image, clean) - dB(first.image, clean)
    return table


def dB(image: Tensor, clean: Tensor) -> float:
    """PSNR of (3, H, W) in [0, 1] at 8 bits; 100 where nothing differs, so that differences stay numbers."""
    return min(psnr(as_bytes(image), as_bytes(clean)), 100.0)


def overrides_picture(choice: Sequence[int], gained, title: str) -> Figure:
    """The map of the path, coloured by what each override gains (orange) or spoils (purple), in dB.

    choice: (L,) the router's path, framed; gained: (L, K) from `gains`, or a mean of several.
    """
    gained = np.asarray(gained, float).T
    figure = canvas(90 + 50 * len(gained))
    ax = plain(figure.subplots())
    drawn = ax.imshow(gained, cmap="PuOr_r", vmin=-STRONGEST, vmax=STRONGEST, aspect="auto")
    for (expert, layer), gain in np.ndenumerate(gained):
        taken = expert == choice[layer]
        ink = "white" if abs(gain) > 0.6 * STRONGEST else "black"
        words = "taken" if taken else f"{round(gain, 1) + 0.0:+.1f}"
        ax.text(layer, expert, words, ha="center", va="center", color=ink, fontsize=10)
        if taken:
            corner = (layer - 0.46, expert - 0.44)
            ax.add_patch(Rectangle(corner, 0.92, 0.88, fill=False, edgecolor="black", linewidth=2))
    ax.set_xticks(range(gained.shape[1]), range(1, gained.shape[1] + 1))
    ax.set_yticks(range(len(gained)), range(len(gained)))
    ax.set_xlabel("station")
    ax.set_ylabel("specialist taken instead")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    head(ax, title)
    bar = figure.colorbar(drawn, ax=ax, extend="both")
    bar.set_label("gain in PSNR (dB)", color=INK)
    bar.ax.tick_params(colors=INK)
    return figure


def describe_overrides(gained) -> str:
    """The picture in words, for its alt text: the best and the worst of all overrides."""
    gained = np.asarray(gained, float)
    told = []
    for word, at in (("worst", gained.argmin()), ("best", gained.argmax())):
        layer, expert = np.unravel_index(at, gained.shape)
        told.append(
            f"the {word} is specialist {expert} at station {layer + 1}, {gained[layer, expert]:+.1f} dB"
        )
    return (
        f"A map of {gained.shape[0]} stations by {gained.shape[1]} specialists with what each gains beside "
        f"the router's choice: {'; '.join(told)}."
    )
