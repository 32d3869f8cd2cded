"""What an explorer may explore: a SlerIR, or anything at all that keeps to one small interface.

    found = restore(photo, path=None)

photo: (3, H, W) in [0, 1]; path: None, or L numbers, which specialist to take at each of L stations.
`found` has `image` (3, H, W), `choice` (L,) int, the path that was taken, and `angle` (L, K) degrees from the
photo to each of K pins. A `restore` that also takes `stations=n` (work with the first n only) can be
stepped through. The functions here turn a SlerIR into such a `restore`, and check what any of them answers.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ..model import SlerIR
from .stations import restore_in_part


@dataclass(frozen=True, eq=False)
class Found:
    """A checked answer: image (3, H, W) in [0, 1], choice of L ints, angle (L, K) degrees."""

    image: Tensor
    choice: tuple[int, ...]
    angle: Tensor


def as_restore(model) -> Callable:
    """The interface above for a SlerIR; a function that has it already comes back as it is.

    Raises TypeError for what is neither.
    """
    if isinstance(model, SlerIR):
        return partial(restore_in_part, model=model)
    if isinstance(model, torch.nn.Module) or not callable(model):
        raise TypeError(
            "An explorer needs a SlerIR, or a function restore(photo, path=None) whose answer has image, "
            f"choice and angle; this is a {type(model).__name__}."
        )
    return model


def can_step(restore: Callable) -> bool:
    """Whether it takes `stations=`."""
    try:
        return "stations" in inspect.signature(restore).parameters
    except ValueError:  # some built-in functions don't tell
        return False


def found(restore: Callable, photo: Tensor, path=None, stations: int | None = None) -> Found:
    """Ask, and check the answer. Raises ValueError where that is not as above, and what `restore` raises."""
    answer = restore(photo.clone(), path=path, **({} if stations is None else {"stations": stations}))
    missing = [name for name in ("image", "choice", "angle") if not hasattr(answer, name)]
    if missing:
        raise ValueError(f"The model's answer has no {' and no '.join(missing)}.")
    image = torch.as_tensor(answer.image).detach().cpu().float()
    choice = torch.as_tensor(answer.choice).detach().cpu()
    angle = torch.as_tensor(answer.angle).detach().cpu().float()
    if image.shape != photo.shape:
        raise ValueError(f"The model's image is {tuple(image.shape)}, but the photo is {tuple(photo.shape)}.")
    if angle.ndim != 2 or choice.shape != angle.shape[:1]:
        raise ValueError(
            f"The model's choice must be (L,) and its angle (L, K); these are {tuple(choice.shape)} and "
            f"{tuple(angle.shape)}."
        )
    if not (image.isfinite().all() and angle.isfinite().all()):
        raise ValueError("The model's image or angles hold NaN or infinity.")
    taken = tuple(int(k) for k in choice)
    if not all(0 <= k < angle.shape[1] for k in taken):
        raise ValueError(f"The model's choice must lie between 0 and {angle.shape[1] - 1}; it is {taken}.")
    if path is not None and taken != tuple(int(k) for k in path):
        raise ValueError(f"The model was to take the path {tuple(path)}, but took {taken}.")
    return Found(image.clamp(0, 1), taken, angle)
