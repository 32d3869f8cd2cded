"""The damages that the path explorer offers: each by itself, some mixes, and none."""

import torch
from torch import Tensor

from ..degrade import KINDS, mix
from .style import WRITTEN

AS_IT_IS = "clean"  # the name that `mix` gives to no damage
DAMAGES = (AS_IT_IS, *KINDS, "haze+rain", "blur+noise", "lowlight+blur", "rain+blur")
SEED = 0


def broken(photo: Tensor, damage: str, severity: float) -> Tensor:
    """(3, H, W) with the damage done to it, the same for the same arguments. Raises ValueError, in words."""
    generator = torch.Generator().manual_seed(SEED)
    return mix(photo[None], damage, severity, generator=generator)[0][0]


def written(damage: str) -> str:
    """As prose has it: "lowlight+blur" is "low light + blur"."""
    if damage == AS_IT_IS:
        return "as it is"
    return " + ".join(WRITTEN.get(kind, kind) for kind in damage.split("+"))
