"""What if another specialist had worked? Every path that differs from the router's at one station.

With 8 stations and 3 specialists there are 8 x 2 = 16 of them. Each is tried, and scored against the clean
photo.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from ..evaluate import psnr
from ..photo import as_bytes
from .explored import Found, found
from .gain_cells import gain_cells, gain_words
from .style import canvas, head, plain

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
    Raises ValueError for other shapes.
    """
    gained, choice = np.asarray(gained, float), [int(k) for k in choice]
    if gained.ndim != 2 or len(choice) != len(gained):
        raise ValueError(f"gained must be (L, K) and choice (L,), not {gained.shape} and ({len(choice)},).")
    layers, experts = gained.shape
    figure = canvas(90 + 50 * experts)
    ax = plain(figure.subplots())
    gain_cells(ax, gained.T, STRONGEST, [(k, layer) for layer, k in enumerate(choice)], "router's")
    ax.set_xticks(range(layers), range(1, layers + 1))
    ax.set_yticks(range(experts), range(experts))
    ax.set_xlabel("station")
    ax.set_ylabel("specialist")
    head(ax, title)
    return figure


def describe_overrides(gained) -> str:
    """The picture in words, for its alt text: the best and the worst of all overrides."""
    gained = np.asarray(gained, float)
    told = []
    for word, at in (("worst", gained.argmin()), ("best", gained.argmax())):
        layer, expert = np.unravel_index(at, gained.shape)
        words = gain_words(gained[layer, expert])
        told.append(f"the {word} is specialist {expert} at station {layer + 1}, {words} dB")
    return (
        f"A map of {gained.shape[0]} stations by {gained.shape[1]} specialists with what each gains beside "
        f"the router's choice: {'; '.join(told)}."
    )
