"""A photo in; the restored photo out, with the path it took and where the compass placed it.

Paper: restores whole images.
Ours:  all that was decided comes back with the photo, so that it can be shown. Large photos are worked
       on in tiles (see `tiles`), which changes nothing in what is decided. And what is in order comes back
       as it was given, to the bit (see `spare`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

import torch
from PIL import Image
from torch import Tensor, nn

from .degrade import PLACES
from .model import Restored, SlerIR
from .photo import Picture, as_bytes, values_of
from .spare import spare
from .steer import blend, checked_strength, chosen_path
from .tiles import restore_in_tiles
from .values import as_floats
from .weights import load_pretrained


@dataclass(frozen=True, eq=False)
class Restoration:
    """One restored photo and how it came about; L = 8 layers, K experts, on the CPU.

    image: (3, H, W) float in [0, 1], or what `restore_rounded` was told to make of it
    choice: (L,) int, which expert at each layer
    angle: (L, K) degrees from z to each pin; margin: (L,) degrees by which the nearest pin won
    z: (d,) unit vector, where the photo's degradation lies; place: degrees from z to each of six centres (of
    a network with a linear space: z of any length, and distances)
    guide: (D, h, w), where to work and what to fix, one column for each 8 x 8 pixels; None where not kept
    forced: whether the path was given instead of found; strength: how much of the restoring is in the image;
    spared: whether what would hardly change was left as it was, see `spare`
    then: where the image went through once more, how that came about; see `again`
    """

    image: Tensor
    choice: Tensor
    angle: Tensor
    margin: Tensor
    z: Tensor
    place: dict[str, float]
    guide: Tensor | None
    forced: bool = False
    strength: float = 1.0
    spared: bool = True
    then: "Restoration | None" = None

    @property
    def path(self) -> str:
        """The choice at each layer, such as "0-2-1-1-0-2-2-1"."""
        return "-".join(map(str, self.choice.tolist()))

    @property
    def nearest(self) -> str:
        """The place whose centre is nearest: "clean", "noise", "rain", "haze", "blur" or "lowlight"."""
        return min(self.place, key=self.place.get)

    def pil(self) -> Image.Image:
        """The image as 8-bit RGB."""
        return Image.fromarray(as_bytes(self.image.expand(3, -1, -1)))

    def to_dict(self) -> dict:
        """All but the image and the guide, as JSON can hold it."""
        return {
            "nearest": self.nearest,
            "place": {name: round(angle, 2) for name, angle in self.place.items()},
            "path": self.path,
            "forced": self.forced,
            "strength": self.strength,
            "spared": self.spared,
            "choice": self.choice.tolist(),
            "angle": [[round(v, 2) for v in row] for row in self.angle.tolist()],
            "margin": [round(v, 2) for v in self.margin.tolist()],
            "z": [round(v, 5) for v in self.z.tolist()],
            "height": self.image.shape[1],
            "width": self.image.shape[2],
        } | ({} if self.then is None else {"then": self.then.to_dict()})


def restore(
    photo,
    model: SlerIR | None = None,
    *,
    path: str | Sequence[int] | None = None,
    strength: float = 1.0,
    device: str | torch.device | None = None,
    spared: bool = True,
) -> Restoration:
    """Restore one photo.

    photo: a path, a PIL image, a `Picture`, an array (H, W, 3) or (H, W) of uint8, uint16 or floats in
    [0, 1], or a tensor (3, H, W) or (1, 3, H, W) of floats in [0, 1]. model: default, the one that comes
    with the package. path: such as "0-2-1-1-0-2-2-1", the specialist to take at each station; default, the
    nearest. strength: 0 gives the photo untouched, 1 the restored one, and between them a blend. device:
    moves the model there first; default, where it is. spared: where the network would change next to
    nothing, the photo's own values stay to the bit (see `spare`); False, what the network gives, as it is.

    Raises TypeError, ValueError or FileNotFoundError, saying what was got and what is accepted, MemoryError
    where not even small tiles fit, and torch's RuntimeError for a device that is not there.
    """
    return _restored(model, [values_of(photo)], path, strength, device, spared)[0]


def restore_rounded(
    photo: Picture,
    rounded: Callable[[Tensor], Tensor] | None,
    model: SlerIR | None = None,
    *,
    path: str | Sequence[int] | None = None,
    strength: float = 1.0,
    spared: bool = True,
) -> Restoration:
    """As `restore`, but `image` is put together from what `rounded` makes of its parts: of (3, h, w) floats
    (C, h, w) of another kind, such as a file's integers, which take a quarter of the memory. None: floats.
    """
    return _restored(model, [photo.values], path, strength, None, spared, rounded)[0]


def restore_together(
    photos: list,
    model: SlerIR | None = None,
    *,
    path: str | Sequence[int] | None = None,
    strength: float = 1.0,
    device: str | torch.device | None = None,
    spared: bool = True,
) -> list[Restoration]:
    """Restore photos of one size in one go: each specialist works on all that chose it at once.

    The photos and the rest as for `restore`; large photos are better restored one by one. Raises ValueError
    where sizes differ.
    """
    if isinstance(photos, str | Path):
        raise TypeError(
            f"restore_together takes a list of photos; for one, such as {photos}, there is restore."
        )
    photos = [values_of(x) for x in photos]
    if len({x.shape for x in photos}) > 1:
        sizes = sorted({f"{x.shape[2]} x {x.shape[1]}" for x in photos})
        raise ValueError(f"Photos that are restored together have one size; these have {', '.join(sizes)}.")
    return _restored(model, photos, path, strength, device, spared) if photos else []


def _restored(
    model: SlerIR | None, photos: list[Tensor], path, strength, device, spared=True, rounded=None
) -> list[Restoration]:
    model = shipped() if model is None else model
    if not isinstance(model, SlerIR):
        raise TypeError(
            f"restore needs a SlerIR, which has a path to tell of; this is a {type(model).__name__}."
        )
    choice = None if path is None else chosen_path(path, model.config.experts)
    strength = checked_strength(strength)
    if device is not None:
        model.to(device)
    home = next(model.parameters()).device
    if choice is not None:
        choice = choice.expand(len(photos), -1).to(home)

    def kept(photo: Tensor, restored: Tensor) -> Tensor:
        image = blend(photo, restored.clamp_(0, 1), strength)
        return image.contiguous() if rounded is None else rounded(image[0])[None]

    with at_rest(model), torch.no_grad():
        if len(photos) == 1:
            got = restore_in_tiles(model, photos[0][None], choice, spared=spared, keep=kept)
        else:
            x = torch.stack([as_floats(x) for x in photos]).to(home, memory_format=torch.channels_last)
            got = model(x, choice=choice)
            got.image = kept(x, spare(x, got.image.clamp_(0, 1)) if spared else got.image)
        route = got.route if choice is None else model.router(got.sense)  # what the compass would have taken
    place = places(got.sense.z, model.compass.centres, model.config.linear)

    def row(v: Tensor, k: int) -> Tensor:
        """Of photo k alone: a view would keep all the others in memory as long as this one."""
        return v[k].cpu() if len(photos) == 1 else v[k].to("cpu", copy=True)

    return [
        Restoration(
            image=row(got.image, k),
            choice=row(got.route.choice, k),
            angle=row(route.angle, k).float(),
            margin=row(route.margin, k).float(),
            z=row(got.sense.z, k),
            place=place[k],
            guide=row(got.guide, k).float(),
            forced=choice is not None,
            strength=strength,
            spared=spared,
        )
        for k in range(len(photos))
    ]


def run(model: nn.Module, x: Tensor) -> Restored | Tensor:
    """Whole photos (B, 3, H, W) of one size through the network, on its device; a Generalist gives images."""
    return model(x.to(next(model.parameters()).device, memory_format=torch.channels_last))


def places(z: Tensor, centres: Tensor, linear: bool = False) -> list[dict[str, float]]:
    """How far (degrees) each of (B, d) unit vectors is from each of the six centres (6, d).

    linear: vectors of any length, and the distance, since in a linear space an angle says nothing.
    """
    if linear:
        far = torch.cdist(z.float(), centres.float())
    else:
        far = torch.rad2deg(torch.acos((z.float() @ centres.T.float()).clamp(-1, 1)))
    return [dict(zip(PLACES, row, strict=True)) for row in far.tolist()]


_RESTING: dict[nn.Module, list] = {}  # how many keep it at rest, and each part's mode before the first
_CHANGING = Lock()


@contextmanager
def at_rest(model: nn.Module) -> Iterator[None]:
    """The model in eval mode for a while; then every part is in the mode that it was in before.

    Several threads may ask for the same model: it stays at rest until the last of them is done.
    """
    with _CHANGING:
        if model not in _RESTING:
            _RESTING[model] = [0, [(part, part.training) for part in model.modules()]]
            model.eval()
        _RESTING[model][0] += 1
    try:
        yield
    finally:
        with _CHANGING:
            _RESTING[model][0] -= 1
            if not _RESTING[model][0]:
                for part, training in _RESTING.pop(model)[1]:
                    part.training = training


@cache
def shipped() -> SlerIR:
    """The network that comes with the package, loaded once."""
    return load_pretrained().to(memory_format=torch.channels_last)
