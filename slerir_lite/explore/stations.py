"""A photo after its first stations only: what each of them changed can then be looked at.

The stations that are left out pass on what they get. All that is no station still runs: what exposes the
photo and undoes its motion before the first, and what scales it down and up again between them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from ..model import SlerIR
from ..restore import Restoration, restore, shipped


class PassOn(nn.Module):
    """Stands in for a station: x (B, C, H, W) leaves as it came."""

    def forward(self, x: Tensor, choice: Tensor, scale=None, gate=None) -> Tensor:
        return x


@contextmanager
def first_stations(model: SlerIR, count: int) -> Iterator[SlerIR]:
    """The model with its first `count` of 8 stations at work, for a while; then it is as it was before.

    Raises ValueError for a count that is not between 0 and the number of stations.
    """
    stations = model.backbone.stations
    if not 0 <= count <= len(stations):
        raise ValueError(
            f"There are {len(stations)} stations, so 0 to {len(stations)} can work; not {count}."
        )
    kept = list(stations)
    try:
        for layer in range(count, len(kept)):
            stations[layer] = PassOn()
        yield model
    finally:
        for layer, station in enumerate(kept):
            stations[layer] = station


def restore_in_part(photo, model: SlerIR | None = None, *, path=None, stations: int = 8) -> Restoration:
    """As `restore`, with the first `stations` of 8 at work; 8 gives what `restore` gives."""
    model = shipped() if model is None else model
    with first_stations(model, stations):
        return restore(photo, model, path=path)


def step_by_step(photo, model: SlerIR | None = None, *, path=None) -> list[Tensor]:
    """9 images (3, H, W) in [0, 1]: after no station, after the first, and so on, to the restored photo.

    path: as for `restore`; default, the router's.
    """
    model = shipped() if model is None else model
    count = len(model.backbone.stations)
    return [restore_in_part(photo, model, path=path, stations=n).image for n in range(count + 1)]
