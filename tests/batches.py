"""Some batches, and whether two are the same."""

import torch

from slerir_lite.batch import Batch
from slerir_lite.crops import Crops


def batches(photos, recipe=None, count: int = 8, size: int = 32, seed: int = 0) -> list[Batch]:
    crops = Crops(photos, 6, size, recipe, seed)
    return [crops.batch(step) for step in range(count)]


def tensors(batch: Batch) -> list[torch.Tensor]:
    view = [batch.view.origin, batch.view.step, batch.view.size]
    return [batch.degraded, batch.clean, batch.thumbnail, batch.amounts, batch.place, batch.motion, *view]


def same(one: Batch, other: Batch) -> bool:
    return one.kinds == other.kinds and all(map(torch.equal, tensors(one), tensors(other)))
