"""The ring stands where the dip is, whichever way the path is told."""

import math

import numpy as np
import pytest
import torch

from slerir_lite.deblur import REACH, cepstrum
from slerir_lite.degrade import blur
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.motion import cepstrum_picture


def lags(length: float, angle: float) -> torch.Tensor:
    """What a path changes in the cepstrum of random numbers."""
    x = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    seeded = torch.Generator().manual_seed(1)
    moved = blur(x, length=length, angle=angle, bend=0.0, read=0.5, generator=seeded)
    everywhere = torch.ones(1, 1, 32, 32)
    return (cepstrum(moved[0], everywhere) - cepstrum(x, everywhere))[0]


@pytest.mark.parametrize("angle", [0.0, 0.6, -0.9, 1.4])
@pytest.mark.parametrize("turn", [0, math.pi])
def test_the_ring_stands_on_the_deepest_dip(angle, turn):
    figure = cepstrum_picture(lags(12, angle), "A shake", path=(12, angle + turn))
    assert not unlabelled(figure)
    ax = figure.axes[0]
    image = np.ma.filled(ax.images[0].get_array().astype(float), np.nan)
    row, column = np.unravel_index(np.nanargmin(image), image.shape)
    (ring,) = ax.collections[0].get_offsets()
    assert math.dist(ring, (column, row - REACH + 1)) < 2.5


def test_other_numbers_are_refused():
    with pytest.raises(ValueError, match="43 x 22 lags"):
        cepstrum_picture(torch.zeros(10), "Nothing")
