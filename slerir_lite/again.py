"""A second look: what noise hides is seen once it is gone.

Paper: restores a photo in one go.
Ours:  where noise was undone, the compass looks at the restored photo as well. If it now sees rain, haze or
       darkness, the photo goes through the network once more. Blur does not count: where noise was, the
       restored photo is smooth and looks blurred, and sharpening harms it. Nor does a dark photo with bright
       spots: a lamp at night is no underexposure, which darkens everything (see `degrade.lowlight`).
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from .model import SlerIR
from .picture import Picture
from .restore import Restoration, at_rest, places, restore_rounded, shipped
from .tiles import sense_in_tiles
from .values import as_floats, bands

HIDDEN = ("rain", "haze", "lowlight")
BRIGHT, SPOTS = 0.45, 0.001  # of white; share of the pixels: an underexposed photo reaches 0.4


def look_again(
    first: Restoration, model: SlerIR | None = None, rounded: Callable[[Tensor], Tensor] | None = None
) -> Restoration:
    """`first`, or where noise hid other damage, its image restored too, with `then` telling how.

    A path or a strength that a hand gave is left at that. rounded: as for `restore_rounded`, which `first`
    comes from.
    """
    model = shipped() if model is None else model
    if first.nearest != "noise" or first.forced or first.strength != 1:
        return first
    image = first.image.expand(3, -1, -1)  # a file's integers may be one channel of grey
    with at_rest(model), torch.no_grad():
        z = sense_in_tiles(model, image[None]).z
    (place,) = places(z, model.compass.centres, model.config.linear)
    seen = min(place, key=place.get)
    if seen not in HIDDEN or (seen == "lowlight" and _has_lights(image)):
        return first
    second = restore_rounded(Picture(image), rounded, model)
    return replace(first, image=second.image, then=second)


def _has_lights(image: Tensor) -> bool:
    """Whether some of (3, H, W), floats or a file's integers, is brighter than an underexposed photo is."""
    bright = sum(int((as_floats(image[:, rows]).amax(0) > BRIGHT).sum()) for rows in bands(image.shape[1]))
    return bright > SPOTS * image[0].numel()
