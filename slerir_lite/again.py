"""A second look: what noise hides is seen once it is gone.

Paper: restores a photo in one go.
Ours:  where noise was undone, the compass looks at the restored photo as well. If it now sees rain, haze or
       darkness, the photo goes through the network once more. Blur does not count: where noise was, the
       restored photo is smooth and looks blurred, and sharpening harms it; a photo that is much nearer to
       darkness than to clean is dark, however blurred it looks. Nor does a dark photo with bright
       spots: a lamp at night is no underexposure, which darkens everything (see `degrade.lowlight`).
       That smoothness can also hide haze, and can look like it. At a quarter of its size a photo is sharp
       again and as hazy as before: haze must be plain there, and where it is seen only there it is taken off
       there, and the change drawn out to the full size.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .degrade import quantise
from .model import SlerIR
from .picture import Picture
from .restore import Restoration, at_rest, places, restore_rounded, shipped
from .tiles import sense_in_tiles
from .values import BAND, as_floats, bands

HIDDEN = ("rain", "haze", "lowlight")
BRIGHT, SPOTS = 0.65, 0.001  # of white; share of the pixels: an underexposed photo, half lifted, has fewer
LEAD = 10.0  # degrees by which darkness must be nearer than clean where blur is nearest
VEIL = 60.0  # degrees by which haze must be the nearest at a quarter of the size (see benchmarks/log.md)
QUARTER = 4
ENOUGH = 64  # px: a smaller photo shows the compass too little
assert BAND % QUARTER == 0


def look_again(
    first: Restoration, model: SlerIR | None = None, rounded: Callable[[Tensor], Tensor] | None = None
) -> Restoration:
    """`first`, or where noise hid other damage, its image restored too, with `then` telling how.

    A path or a strength that a hand gave is left at that; and so is what a linear space says, as the limits
    above are angles, and it has distances. model: the one that `first` was restored by;
    default, the one that comes with the package. rounded: as for `restore_rounded`, which `first` comes from.
    """
    model = shipped() if model is None else model
    if first.nearest != "noise" or first.forced or first.strength != 1 or model.config.linear:
        return first
    image = first.image.expand(3, -1, -1)  # a file's integers may be one channel of grey
    if image.is_floating_point():  # what lies below a grey level is nothing that a photo's file shows
        image = quantise(image)
    place = _place(model, image)
    seen = min(place, key=place.get)
    if seen == "blur" and place["lowlight"] < place["clean"] - LEAD:
        seen = "lowlight"
    small = _smaller(image)
    veiled = _veiled(model, small) if min(small.shape[1:]) >= ENOUGH else None
    if seen in HIDDEN:
        if (seen == "lowlight" and _has_lights(image)) or (seen == "haze" and veiled is False):
            return first
        second = restore_rounded(Picture(image), rounded, model, spared=first.spared)
        return replace(first, image=second.image, then=second)
    if not veiled:
        return first
    second = restore_rounded(Picture(small), None, model, spared=first.spared)
    return replace(first, image=_changed(first.image, second.image - small, rounded), then=second)


def _place(model: SlerIR, image: Tensor) -> dict[str, float]:
    """How far from each place the compass sees (3, H, W), floats or a file's integers; see `places`."""
    with at_rest(model), torch.no_grad():
        z = sense_in_tiles(model, image[None]).z
    return places(z, model.compass.centres, model.config.linear)[0]


def _veiled(model: SlerIR, small: Tensor) -> bool:
    """Whether haze is plain at a quarter of the size."""
    place = _place(model, small)
    return place.pop("haze") <= min(place.values()) - VEIL


def _smaller(image: Tensor) -> Tensor:
    """(3, H, W) as floats (3, H / 4, W / 4): means of 4 x 4 pixels; at the border, of what is there."""
    parts = (as_floats(image[:, rows]) for rows in bands(image.shape[1]))
    return torch.cat(
        [F.avg_pool2d(part, QUARTER, ceil_mode=True, count_include_pad=False) for part in parts], 1
    )


def _changed(image: Tensor, change: Tensor, rounded: Callable[[Tensor], Tensor] | None) -> Tensor:
    """(C, H, W), band by band, with a change (3, h, w) that is drawn out to its size; `rounded` as above."""
    height, width = image.shape[1:]
    # To a multiple of 4, as the last column of means may stand for less; what is too much is cut.
    wide = F.interpolate(change[None], (change.shape[1], QUARTER * change.shape[2]), mode="bilinear")
    wide = wide[0, ..., :width]
    found = image.clone()
    for rows in bands(height):
        at = torch.arange(rows.start, rows.stop).add(0.5).div(QUARTER).sub(0.5).clamp(0, len(wide[0]) - 1)
        above = at.long()
        below = (above + 1).clamp(max=len(wide[0]) - 1)
        part = torch.lerp(wide[:, above], wide[:, below], (at - above)[:, None])
        part = part.add_(as_floats(image[:, rows])).clamp_(0, 1)
        found[:, rows] = part if rounded is None else rounded(part)
    return found


def _has_lights(image: Tensor) -> bool:
    """Whether some of (3, H, W), floats or a file's integers, is brighter than an underexposed photo is."""
    bright = sum(int((as_floats(image[:, rows]).amax(0) > BRIGHT).sum()) for rows in bands(image.shape[1]))
    return bright > SPOTS * image[0].numel()
