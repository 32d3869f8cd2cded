"""A batch: its photos can be taken apart, joined and moved, and it tells what was done to each crop."""

import numpy as np
import pytest
import torch
from batches import batches, same, tensors
from skimage.measure import block_reduce

from slerir_lite.batch import AMOUNTS, CELL, Batch, amounts, joined
from slerir_lite.degrade import haze, mix, transmission
from slerir_lite.view import View


def test_photos_of_a_batch_can_be_taken_out_with_their_crops(photos):
    batch = batches(photos, count=1)[0]
    part = batch.photos(2, 4)
    assert part.kinds == [batch.kinds[2], batch.kinds[3]]
    for name in ("thumbnail", "place", "motion"):
        assert torch.equal(getattr(part, name), getattr(batch, name)[[2, 3]])
    for name in ("degraded", "clean", "amounts"):
        assert torch.equal(getattr(part, name), getattr(batch, name)[[4, 5, 6, 7]])
    assert torch.equal(part.view.origin, batch.view.origin[[4, 5, 6, 7]])


def test_groups_are_joined_in_the_order_that_was_asked_for(photos):
    groups = [batch.photos(0, n) for batch, n in zip(batches(photos, count=3), (1, 3, 2), strict=True)]
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    whole, place = joined(groups, order), order.tolist()
    for group in groups:
        for p in range(len(group.kinds)):
            at = place.pop(0)
            assert same(whole.photos(at, at + 1), group.photos(p, p + 1))
    assert not place


def test_a_batch_moves_to_a_device_as_a_whole(photos):
    batch = batches(photos, count=1)[0]
    moved = batch.to("meta")
    assert all(t.device.type == "meta" for t in tensors(moved)) and moved.kinds == batch.kinds
    assert all(t.device.type == "cpu" for t in tensors(batch))


# What was done


def whole(batch: Batch) -> torch.Tensor:
    """The rows of crops whose damage is not confined."""
    return (batch.place[:, 0] == 0).repeat_interleave(2).nonzero().flatten()


def test_nothing_was_done_to_clean_photos(photos):
    for batch in batches(photos, {"clean": 1}, 2):
        assert (batch.amounts == 0).all()


def test_the_amount_of_noise_is_what_can_be_measured(photos):
    for batch in batches(photos, {"noise": 1}, 6):
        for row in whole(batch):
            told = 50 * batch.amounts[row, 0]
            assert torch.allclose(told, told[0, 0]) and (batch.amounts[row, 1:] == 0).all()
            middle = (batch.clean[row] > 0.25) & (batch.clean[row] < 0.75)  # where little is clipped
            if middle.sum() > 1000:
                error = (batch.degraded[row] - batch.clean[row])[middle].std() * 255
                assert error.item() == pytest.approx(told[0, 0].item(), rel=0.2)


def test_the_amounts_of_haze_and_airlight_undo_the_haze(photos):
    for batch in batches(photos, {"haze": 1}, 6):
        veil, light = batch.amounts[:, 2:3], batch.amounts[:, 3:4]
        clean, hazy = (torch.nn.functional.avg_pool2d(v, CELL) for v in (batch.clean, batch.degraded))
        rows = whole(batch)
        assert torch.allclose((clean * (1 - veil) + light)[rows], hazy[rows], atol=0.012)
        assert veil[rows].min() > 0.02 and veil[rows].std() > 0.05
        assert (batch.amounts[:, [0, 1, 4, 5, 6, 7]] == 0).all()


def test_the_amount_of_haze_is_the_mean_of_what_each_token_covers():
    x = torch.rand(4, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    view = View(torch.tensor([[30.0, 70.0]] * 4), torch.ones(4, 2), torch.tensor([[200.0, 300.0]] * 4))
    _, did = haze(x, view=view, generator=torch.Generator().manual_seed(1))
    told = amounts({"haze": did}, view, torch.ones(4, 1, 6, 8))
    fine = 1 - transmission(did["beta"], did["near"], did["depth"], view, 48, 64)
    for b in range(4):
        expected = block_reduce(fine[b, 0].numpy(), (CELL, CELL), np.mean)
        assert np.abs(told[b, AMOUNTS.index("haze")].numpy() - expected).max() < 2e-3
    assert told[:, AMOUNTS.index("haze")].std((1, 2)).min() > 1e-3


def test_more_rain_and_more_darkness_are_told_as_more(photos):
    x = torch.full((8, 3, 64, 64), 0.4)
    severity = torch.linspace(0, 1, 8)
    view, mask = View.whole(x), torch.ones(8, 1, 8, 8)
    for kind, name in (("rain", "rain"), ("lowlight", "darkness")):
        _, did = mix(x, kind, severity, generator=torch.Generator().manual_seed(0))
        told = amounts(did, view, mask)[:, AMOUNTS.index(name)].mean((1, 2))
        assert told.diff().gt(0).all() and 0 < told[0] and 0.7 < told[-1] < 2.1


def test_opposite_directions_of_blur_are_told_as_the_same_and_crossed_ones_as_opposites():
    def told(angle: float) -> torch.Tensor:
        did = {"blur": {"length": torch.tensor([11.0]), "angle": torch.tensor([angle])}}
        return amounts(did, View.whole(torch.zeros(1, 3, 8, 8)), torch.ones(1, 1, 1, 1))[0, 4:7, 0, 0]

    a = told(0.3)
    assert torch.allclose(a, told(0.3 + np.pi), atol=1e-6)
    assert torch.allclose(a[:2], -told(0.3 + np.pi / 2)[:2], atol=1e-6)
    assert a[2] == told(1.7)[2] and a[:2].norm().item() == pytest.approx(a[2].item(), rel=1e-5)


@pytest.mark.parametrize("kinds", ["blur", "blur+noise", "lowlight+blur"])
def test_the_motion_is_the_path_that_the_crops_were_blurred_along(kinds, photos):
    for batch in batches(photos, {kinds: 1}, 4):
        assert batch.motion.shape == (6, 2)
        assert batch.motion[:, 0].min() >= 5 and batch.motion[:, 0].max() <= 21
        assert batch.motion[:, 0].unique().numel() == 6 and batch.motion[:, 1].unique().numel() == 6
        # As told token by token, too: length / 20 along the doubled angle.
        length, angle = batch.motion.repeat_interleave(2, 0).T
        told = batch.amounts[:, 4:6].amax((2, 3)), batch.amounts[:, 4:6].amin((2, 3))
        for k, part in enumerate((length * torch.cos(2 * angle), length * torch.sin(2 * angle))):
            for row in whole(batch):
                extreme = told[0 if part[row] > 0 else 1][row, k]
                assert extreme.item() * 20 == pytest.approx(part[row].item(), abs=1e-3)


def test_where_nothing_moved_the_motion_has_no_length(photos):
    for kinds in ("clean", "noise", "haze+rain"):
        for batch in batches(photos, {kinds: 1}, 2):
            assert torch.equal(batch.motion, torch.zeros(6, 2))


def test_a_mix_is_told_by_all_of_its_parts(photos):
    for batch in batches(photos, {"haze+rain": 1}, 2):
        rows = whole(batch)
        assert (batch.amounts[rows][:, 1:4] > 0).all() and (
            batch.amounts[rows][:, [0, 4, 5, 6, 7]] == 0
        ).all()


def test_amounts_are_about_0_to_1(photos):
    found = torch.cat([b.amounts for b in batches(photos, count=60, size=8)])
    # The most is the heaviest rain that is made: .022 drops a pixel, 28 px long, .95 opaque, over .3.
    assert found[:, [0, 1, 2, 3, 6, 7]].min() >= 0 and found.abs().max() < 0.022 * 28 * 0.95 / 0.3
    assert (found.abs().amax((0, 2, 3)) > 0.5).all()
