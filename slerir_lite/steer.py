"""What a hand may decide instead of the network: the path through the stations, and how much of it shows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .route import LAYERS


def chosen_path(path: str | Sequence[int], experts: int) -> Tensor:
    """(1, 8) int from such as "0-2-1-1-0-2-2-1" or eight numbers. Raises ValueError saying what is wanted."""
    try:
        numbers = path.split("-") if isinstance(path, str) else list(path)
        choice = [int(n) for n in numbers]
        exact = isinstance(path, str) or all(n == k for n, k in zip(numbers, choice, strict=True))
    except (TypeError, ValueError):
        choice, exact = [], False
    if not exact or len(choice) != LAYERS or not all(0 <= k < experts for k in choice):
        example = "-".join("0" if experts == 1 else c for c in "02110221")
        raise ValueError(
            f'A path is {LAYERS} numbers from 0 to {experts - 1}, such as "{example}"; this is "{path}".'
        )
    return torch.tensor([choice])


def checked_strength(strength: float) -> float:
    """The same as a float. Raises ValueError where it does not lie in [0, 1]."""
    try:
        value = float(strength)
    except (TypeError, ValueError):
        value = float("nan")
    if not 0 <= value <= 1:  # so for NaN too
        raise ValueError(
            f"A strength lies between 0 (the photo untouched) and 1 (fully restored); this is {strength}."
        )
    return value


def blend(photo: Tensor, restored: Tensor, strength: float) -> Tensor:
    """(3, H, W) between both; at 0 and 1 exactly the one or the other."""
    return restored if strength == 1 else torch.lerp(photo, restored, strength)
