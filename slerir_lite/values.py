"""Numbers in and out: arrays and tensors of every accepted kind become (3, H, W) floats; floats become bytes.

Every way in checks what it got, and says what is accepted instead of restoring nonsense.
"""

import numpy as np
import torch
from torch import Tensor

ROUNDING = 1e-4  # how far outside [0, 1] arithmetic may have left a value
LUMA = (0.299, 0.587, 0.114)  # how much of each channel a grey has (ITU-R 601, as in Pillow)


def from_array(a: np.ndarray) -> Tensor:
    """(3, H, W) float32 from (H, W, 3) or (H, W) of uint8, uint16 or floats in [0, 1]."""
    if a.ndim not in (2, 3) or (a.ndim == 3 and a.shape[2] != 3):
        alpha = " Leave out the fourth channel: a[..., :3]." if a.ndim == 3 and a.shape[2] == 4 else ""
        raise ValueError(f"An array must be (H, W, 3) or (H, W), not {a.shape}.{alpha}")
    white = {"u1": 255, "u2": 65535}.get(a.dtype.str[1:])
    if white is None and a.dtype.kind != "f":
        raise TypeError(f"An array must be of uint8, uint16 or floats in [0, 1], not {a.dtype}.")
    planes = np.moveaxis(a, 2, 0) if a.ndim == 3 else a[None]
    x = torch.from_numpy(planes.astype(np.float32, order="C")).div_(white or 1)
    return checked(x.expand(3, -1, -1))


def from_tensor(x: Tensor) -> Tensor:
    """(3, H, W) float32 on the CPU from (3, H, W) or (1, 3, H, W) of floats in [0, 1]."""
    if x.shape[:-3] not in ((), (1,)) or x.ndim < 3 or x.shape[-3] != 3:
        raise ValueError(f"A tensor must be (3, H, W) or (1, 3, H, W), not {tuple(x.shape)}.")
    if not x.is_floating_point():
        raise TypeError(f"A tensor must hold floats in [0, 1], not {x.dtype}. Divide bytes by 255.")
    return checked(x.detach().reshape(x.shape[-3:]).to("cpu", torch.float32, copy=True))


def checked(x: Tensor) -> Tensor:
    """(3, H, W), contiguous, with rounding errors clipped. Raises ValueError: no pixel, NaN, out of range."""
    if not x.numel():
        raise ValueError(f"A photo has at least one pixel; this one is {x.shape[2]} x {x.shape[1]}.")
    low, high = float(x.min()), float(x.max())  # either is NaN where any value is
    if not (abs(low) < float("inf") and abs(high) < float("inf")):
        raise ValueError("A photo's values must be finite; this one holds NaN or infinity.")
    if low < -ROUNDING or high > 1 + ROUNDING:
        hint = " Divide it by 255." if low >= 0 and 1 < high <= 255 else ""
        raise ValueError(f"Floats must lie in [0, 1]; these go from {low:.4g} to {high:.4g}.{hint}")
    return (x if 0 <= low and high <= 1 else x.clamp(0, 1)).contiguous()


def as_bytes(image: Tensor) -> np.ndarray:
    """(3, H, W) in [0, 1] -> (H, W, 3) uint8, rounded to the nearest."""
    return as_integers(image, 8)


def as_integers(image: Tensor, bits: int) -> np.ndarray:
    """(C, H, W) in [0, 1], clipped -> (H, W, C) uint8 or uint16, rounded to the nearest."""
    x = image.detach().float().clamp(0, 1).mul_(2**bits - 1).round_()
    x = x.to(torch.uint8 if bits == 8 else torch.int32).permute(1, 2, 0).cpu().numpy()
    return x if bits == 8 else x.astype(np.uint16)


def grey(image: Tensor) -> Tensor:
    """(3, H, W) -> (1, H, W): how bright each pixel looks. Three equal channels give that value."""
    return sum(channel.double() * share for channel, share in zip(image, LUMA, strict=True))[None]
