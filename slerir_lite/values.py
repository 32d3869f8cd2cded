"""Numbers in and out: arrays and tensors of every accepted kind become (3, H, W); floats become bytes.

Every way in checks what it got, and says what is accepted instead of restoring nonsense. A file's integers
stay integers, which take a quarter or half of the memory, until somebody computes with them.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

ROUNDING = 1e-4  # how far outside [0, 1] arithmetic may have left a value
WHITE = {torch.uint8: 255, torch.uint16: 65535}
BAND = 128  # rows that are converted at once, so that what is needed on the way is small
LUMA = (0.299, 0.587, 0.114)  # how much of each channel a grey has (ITU-R 601, as in Pillow)


def from_array(a: np.ndarray) -> Tensor:
    """(3, H, W) from (H, W, 3) or (H, W): uint8 and uint16 as they are, in `a`'s memory where that may be;
    floats in [0, 1] as float32, copied."""
    if a.ndim not in (2, 3) or (a.ndim == 3 and a.shape[2] != 3):
        alpha = " Leave out the fourth channel: a[..., :3]." if a.ndim == 3 and a.shape[2] == 4 else ""
        raise ValueError(f"An array must be (H, W, 3) or (H, W), not {a.shape}.{alpha}")
    kind = {"u1": np.uint8, "u2": np.uint16}.get(a.dtype.str[1:])
    if kind is None and a.dtype.kind != "f":
        raise TypeError(f"An array must be of uint8, uint16 or floats in [0, 1], not {a.dtype}.")
    if kind is not None:
        a = np.require(a, kind, ["C", "W"])  # torch takes no other byte order, nor rows upside down
    planes = np.moveaxis(a, 2, 0) if a.ndim == 3 else a[None]
    if kind is None:
        planes = planes.astype(np.float32, order="C")
    return checked(torch.from_numpy(planes).expand(3, -1, -1))


def as_floats(x: Tensor) -> Tensor:
    """Integers, 0 to their white, become float32 in [0, 1], contiguous; floats are given back as they are."""
    white = WHITE.get(x.dtype)
    return x if white is None else x.to(torch.float32, memory_format=torch.contiguous_format).div_(white)


def from_tensor(x: Tensor) -> Tensor:
    """(3, H, W) float32 on the CPU from (3, H, W) or (1, 3, H, W) of floats in [0, 1]."""
    if x.shape[:-3] not in ((), (1,)) or x.ndim < 3 or x.shape[-3] != 3:
        raise ValueError(f"A tensor must be (3, H, W) or (1, 3, H, W), not {tuple(x.shape)}.")
    if not x.is_floating_point():
        raise TypeError(f"A tensor must hold floats in [0, 1], not {x.dtype}. Divide bytes by 255.")
    return checked(x.detach().reshape(x.shape[-3:]).to("cpu", torch.float32, copy=True))


def checked(x: Tensor) -> Tensor:
    """(3, H, W); floats contiguous, with rounding errors clipped. ValueError: no pixel, NaN, out of range."""
    if not x.numel():
        raise ValueError(f"A photo has at least one pixel; this one is {x.shape[2]} x {x.shape[1]}.")
    if x.dtype in WHITE:
        return x
    low, high = float(x.min()), float(x.max())  # either is NaN where any value is
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError("A photo's values must be finite; this one holds NaN or infinity.")
    if low < -ROUNDING or high > 1 + ROUNDING:
        hint = " Divide it by 255." if low >= 0 and 1 < high <= 255 else ""
        raise ValueError(f"Floats must lie in [0, 1]; these go from {low:.4g} to {high:.4g}.{hint}")
    return (x if 0 <= low and high <= 1 else x.clamp(0, 1)).contiguous()


def as_bytes(image: Tensor) -> np.ndarray:
    """(3, H, W) in [0, 1], or integers (see `as_floats`) -> (H, W, 3) uint8, rounded to the nearest."""
    return as_integers(image, 8)


def as_integers(image: Tensor, bits: int) -> np.ndarray:
    """(C, H, W) in [0, 1], clipped -> (H, W, C) uint8 or uint16, rounded to the nearest."""
    found = np.empty((*image.shape[1:], len(image)), np.uint8 if bits == 8 else np.uint16)
    for rows in bands(len(found)):
        x = as_floats(image[:, rows].detach()).float().clamp(0, 1).mul_(2**bits - 1).round_()
        found[rows] = x.to(torch.uint8 if bits == 8 else torch.int32).permute(1, 2, 0).cpu().numpy()
    return found


def bands(height: int) -> Iterator[slice]:
    """All rows, some at a time."""
    return (slice(top, min(top + BAND, height)) for top in range(0, height, BAND))


def grey(image: Tensor) -> Tensor:
    """(3, H, W) -> (1, H, W): how bright each pixel looks. Three equal channels give that value."""
    return sum(channel.double() * share for channel, share in zip(image, LUMA, strict=True))[None]
