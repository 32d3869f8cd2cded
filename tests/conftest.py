"""What several test files share: made-up photos, and one thread, as the tests' tensors are small."""

import signal

import pytest
import torch

from slerir_lite.data import Photos
from slerir_lite.leaves import dead_leaves

torch.set_num_threads(1)
# What a shell runs in the background ignores Ctrl-C, and so would all that these tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def photos() -> Photos:
    """Six clean dead-leaves photos, wider than they are high."""
    return Photos([dead_leaves(144, seed)[:, :112] for seed in range(6)])


@pytest.fixture(scope="session")
def clean(photos) -> torch.Tensor:
    """The same, (6, 3, 112, 144) in [0, 1]."""
    return torch.stack(photos.images).float() / 255
