"""The geometry under the globe: where a photo lies, from where to look, and what is straight on paper."""

import numpy as np
import torch
from torch import Tensor

from ..data import thumbnail
from ..degrade import PLACES
from ..model import pad
from ..photo import as_photo
from ..sphere import Compass


def locate(photo, compass: Compass) -> Tensor:
    """(d,) the unit vector z of a photo, as `photo.as_photo` takes it."""
    x = as_photo(photo)[None].to(compass.centres.device)
    with torch.no_grad():
        close = compass.look(pad(x)).mean((2, 3))
        return compass.survey(compass.glance(thumbnail(x)), close).z[0].cpu()


def angles(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(N, 6) degrees between (N, d) unit vectors and (6, d) places."""
    return np.degrees(np.arccos(np.clip(points @ centres.T, -1, 1)))


def checked(points, centres, labels) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Points (N, 3) and centres (6, 3) as arrays, and N labels; raises ValueError for anything else."""
    points, centres = (v.detach().cpu() if isinstance(v, Tensor) else v for v in (points, centres))
    points, centres = np.atleast_2d(np.asarray(points, float)), np.asarray(centres, float)
    for v, what in ((points, "points"), (centres, "centres")):
        if v.ndim != 2 or v.shape[1] != 3:
            raise ValueError(
                f"A globe has three dimensions, but {what} are {v.shape}. Photos of a compass with another d "
                'can\'t be drawn on it; place them with a compass of d = 3, such as load_pretrained("globe").'
            )
        lengths = np.linalg.norm(v, axis=1)
        if np.any(np.abs(lengths - 1) > 1e-3):
            raise ValueError(f"{what} must be unit vectors; their lengths reach {lengths.max():.3g}.")
    if len(centres) != len(PLACES):
        raise ValueError(
            f"There must be {len(PLACES)} centres, {', '.join(PLACES)}; these are {len(centres)}."
        )
    labels = [""] * len(points) if labels is None else list(labels)
    if len(labels) != len(points):
        raise ValueError(f"There are {len(points)} points, but {len(labels)} labels.")
    return points, centres, labels


def unit_vectors(points, dims: int) -> np.ndarray | None:
    """(..., 3) with so many dimensions, as an array; None stays. Raises ValueError for anything else."""
    if points is None:
        return None
    points = np.asarray(points.detach().cpu() if isinstance(points, Tensor) else points, float)
    if points.ndim != dims or points.shape[-1] != 3:
        raise ValueError(f"These should be {dims} dimensions of vectors in space, but are {points.shape}.")
    lengths = np.linalg.norm(points, axis=-1)
    if np.any(np.abs(lengths - 1) > 1e-3):
        raise ValueError(f"These should be unit vectors; their lengths reach {lengths.max():.3g}.")
    return points


def viewpoint(centres: np.ndarray) -> np.ndarray:
    """The direction to look from: no place on the edge, where front and back would both half show it."""
    k = np.arange(2000) + 0.5
    height, turn = 1 - k / 1000, np.pi * (1 + 5**0.5) * k
    wide = np.sqrt(1 - height**2)
    views = np.stack([wide * np.cos(turn), wide * np.sin(turn), height], 1)  # Fibonacci's even spread
    views = views[(views @ centres[0] > 0) & (np.abs(views[:, 2]) < 0.9)]  # clean in front; up stays up
    return views[np.abs(views @ centres.T).min(1).argmax()]


def axes(view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to the right and up, for an eye that looks at the globe from `view`."""
    across = np.cross([0, 0, 1], view)
    across /= np.linalg.norm(across)
    return across, np.cross(view, across)


def graticule(points: int = 49) -> list[np.ndarray]:
    """Circles of latitude and longitude, each (points, 3)."""
    turn = np.linspace(0, 2 * np.pi, points)
    rings = [np.stack([np.cos(t) * np.cos(turn), np.sin(t) * np.cos(turn), np.sin(turn)], 1)
             for t in np.arange(0, np.pi, np.pi / 6)]  # fmt: skip
    for latitude in np.radians([-60, -30, 0, 30, 60]):
        flat = np.cos(latitude)
        height = np.full(points, np.sin(latitude))
        rings.append(np.stack([flat * np.cos(turn), flat * np.sin(turn), height], 1))
    return rings
