"""Crops out: each lies where its view says and comes with its own photo's thumbnail."""

import numpy as np
import pytest
import torch
from batches import batches, same

from slerir_lite.batch import AMOUNTS, CELL, Batch
from slerir_lite.crops import BLOCK, CORNERED, RECIPE, Crops
from slerir_lite.data import Photos
from slerir_lite.degrade import KINDS, PLACES
from slerir_lite.leaves import dead_leaves

HELD_OUT = [{"rain", "blur"}, {"haze", "noise"}, {"lowlight", "noise"}]  # the benchmark's


def sources(photos: Photos, batch: Batch, row: int) -> set[tuple[int, bool]]:
    """The (photo, mirrored) in which a crop is found at exactly the place that its view names."""
    top, left = batch.view.origin[row].int().tolist()
    crop = (batch.clean[row] * 255).round().to(torch.uint8)
    height, width = crop.shape[-2:]
    return {
        (k, mirrored)
        for k, photo in enumerate(photos.images)
        for mirrored in (False, True)
        if torch.equal(
            (photo.flip(-1) if mirrored else photo)[:, top : top + height, left : left + width], crop
        )
    }


# Batches


def test_a_batch_depends_on_seed_and_step_alone(photos):
    ahead = Crops(photos, 6, 32, seed=5)
    expected = [ahead.batch(step) for step in range(10)]
    for crops in (Crops(photos, 6, 32, seed=5), ahead):
        for step in (7, 2, 9, 2, 0, 4):
            assert same(crops.batch(step), expected[step])


def test_a_batch_does_not_depend_on_what_else_draws_random_numbers(photos):
    torch.manual_seed(0)
    one = Crops(photos, 6, 32).batch(3)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    assert same(Crops(photos, 6, 32).batch(3), one)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.fixture
def inverted(monkeypatch):
    """A camera that nobody could mistake."""
    monkeypatch.setattr("slerir_lite.crops.taken", lambda x, rng: 1 - x)


def test_so_many_photos_come_as_a_camera_gives_them_and_always_both_crops(inverted):
    dark = Photos([torch.full((3, 96, 96), 51, dtype=torch.uint8)])
    for share in (0.0, 0.3, 1.0):
        batch = Crops(dark, 300, 32, {"clean": 1}, camera=share).batch(0)
        light = batch.degraded.mean((1, 2, 3)) > 0.5
        assert torch.equal(light[::2], light[1::2])
        assert abs(float(light.float().mean()) - share) < 0.05


def test_what_a_camera_did_is_left_where_nothing_broke_and_mended_where_something_did(inverted):
    dark = Photos([torch.full((3, 96, 96), 51, dtype=torch.uint8)])
    batch = Crops(dark, 40, 32, {"clean": 1, "noise": 1}, camera=0.5).batch(0)
    taken = batch.degraded.mean((1, 2, 3)) > 0.5
    clean = batch.label == PLACES.index("clean")
    for rows in (taken & clean, taken & ~clean, ~taken & clean, ~taken & ~clean):
        assert rows.any()
    assert torch.equal(batch.clean[clean], batch.degraded[clean])
    assert (batch.clean[~clean] == 0.2).all()


def test_a_batch_of_camera_photos_depends_on_seed_and_step_alone(photos):
    one, two = (Crops(photos, 6, 32, seed=5, camera=0.6) for _ in range(2))
    two.batch(40)
    assert all(same(one.batch(step), two.batch(step)) for step in (3, 17))
    assert one.smaller.camera == 0.6
    assert not same(one.batch(3), Crops(photos, 6, 32, seed=5).batch(3))


def test_no_two_steps_and_no_two_seeds_see_the_same(photos):
    seen = [b.degraded for seed in (0, 1) for b in batches(photos, count=9, seed=seed)]
    assert not any(torch.equal(a, b) for k, a in enumerate(seen) for b in seen[:k])


def test_a_batch_has_two_crops_of_each_photo(photos):
    batch = Crops(photos, 5, 24).batch(0)
    assert batch.degraded.shape == batch.clean.shape == (10, 3, 24, 24)
    assert batch.thumbnail.shape == (5, 3, 64, 64) and batch.place.shape == (5, len(PLACES))
    assert batch.amounts.shape == (10, len(AMOUNTS), 24 // CELL, 24 // CELL)
    assert len(batch.kinds) == 5 and batch.view.origin.shape == (10, 2)
    assert all(v.min() >= 0 and v.max() <= 1 for v in (batch.degraded, batch.clean, batch.thumbnail))


def test_crops_lie_where_their_view_says(photos):
    mirrored = []
    for batch in batches(photos):
        assert (batch.view.step == 1).all() and batch.view.size.unique(dim=0).tolist() == [[112, 144]]
        for p in range(len(batch.kinds)):
            both = sources(photos, batch, 2 * p) & sources(photos, batch, 2 * p + 1)
            assert both, f"the crops of photo {p}, {batch.kinds[p]}, are not there"
            mirrored += [m for _, m in both]
    assert 0.2 < np.mean(mirrored) < 0.8


def test_the_two_crops_of_a_photo_lie_anywhere_in_it(photos):
    origin = torch.cat([b.view.origin for b in batches(photos, {"noise": 1}, 40)])
    assert origin.min() == 0 and origin[:, 0].max() == 112 - 32 and origin[:, 1].max() == 144 - 32
    assert torch.allclose(origin.mean(0), torch.tensor([40.0, 56.0]), atol=5)
    pairs = origin.unflatten(0, (-1, 2))
    assert (pairs[:, 0] - pairs[:, 1]).abs().amax(1).gt(8).float().mean() > 0.7


def test_a_clean_photo_comes_with_its_own_thumbnail(photos):
    for batch in batches(photos, {"clean": 1}, 4):
        assert torch.equal(batch.degraded, batch.clean)
        for p in range(6):
            found = sources(photos, batch, 2 * p)
            assert any(
                torch.equal(batch.thumbnail[p], photos.thumbnails[k].flip(-1) if m else photos.thumbnails[k])
                for k, m in found
            )


@pytest.mark.parametrize("kinds", [*KINDS, "haze+rain", "lowlight+blur"])
def test_the_thumbnail_shows_the_damage_that_its_crops_have(kinds, photos):
    # The part of the thumbnail where a crop lies has the crop's brightness, photo by photo.
    crops, parts = [], []
    for batch in batches(photos, {kinds: 1}, 8, size=64):
        for row, crop in enumerate(batch.degraded):
            (y, x), (height, width) = batch.view.origin[row].tolist(), batch.view.size[row].tolist()
            rows = slice(round(y / height * 64), round((y + 64) / height * 64))
            columns = slice(round(x / width * 64), round((x + 64) / width * 64))
            crops.append(crop.mean((1, 2)))
            parts.append(batch.thumbnail[row // 2][:, rows, columns].mean((1, 2)))
    crops, parts = torch.stack(crops), torch.stack(parts)
    assert torch.corrcoef(torch.stack([crops.flatten(), parts.flatten()]))[0, 1] > 0.95
    assert (crops - parts).mean().abs() < 0.01


def test_photos_of_different_sizes_train_together():
    images = [dead_leaves(160, 1)[:, :100], dead_leaves(128, 2), dead_leaves(120, 3)[:, :, :90]]
    mixed = Photos(images)
    sizes = set()
    for batch in batches(mixed, count=4):
        sizes |= {tuple(s) for s in batch.view.size.int().tolist()}
        for row in range(12):
            found = {tuple(images[k].shape[-2:]) for k, _ in sources(mixed, batch, row)}
            assert tuple(batch.view.size[row].int().tolist()) in found
    assert sizes == {(100, 160), (128, 128), (120, 90)}


# The recipe


def test_kinds_come_as_often_as_the_recipe_says(photos):
    kinds = [k for b in batches(photos, count=200, size=8) for k in b.kinds]
    total = sum(RECIPE.values())
    for kind, share in RECIPE.items():
        assert kinds.count(kind) / len(kinds) == pytest.approx(share / total, abs=0.008), kind
    assert set(kinds) == set(RECIPE)


def test_the_label_names_the_first_damage_be_it_in_one_corner_only(photos):
    recipe = {"lowlight+blur": 1, "rain": 1, "clean": 1}
    first = {"lowlight+blur": "lowlight", "rain": "rain", "clean": "clean"}
    found = batches(photos, recipe, 16)
    for batch in found:
        named = [PLACES[k] for k in batch.label.tolist()]
        assert named == [first[kinds] for kinds in batch.kinds for _ in range(2)]
    assert any(float(p[0]) == 0.5 for batch in found for p in batch.place), "no damage in a corner"


def test_mixes_that_the_benchmark_holds_out_are_never_trained_on(photos):
    seen = [k for b in batches(photos, count=200, size=8) for k in b.kinds]
    assert all(set(kinds.split("+")) not in HELD_OUT for kinds in [*RECIPE, *seen])


def test_every_kind_and_clean_are_trained_on():
    assert set(PLACES) <= set(RECIPE)


def test_photos_of_a_kind_stand_side_by_side(photos):
    for batch in batches(photos, count=40, size=8):
        changes = sum(a != b for a, b in zip(batch.kinds, batch.kinds[1:], strict=False))
        assert changes == len(set(batch.kinds)) - 1


def test_a_place_is_a_kind_or_lies_between(photos):
    cornered = {k: [] for k in RECIPE}
    for batch in batches(photos, count=300, size=8):
        assert torch.allclose(batch.place.sum(1), torch.ones(6))
        for kinds, share in zip(batch.kinds, batch.place, strict=True):
            parts = {PLACES[k]: v for k, v in enumerate(share.tolist()) if v}
            whole = {k: 1 / len(kinds.split("+")) for k in kinds.split("+")}
            confined = {"clean": 0.5} | {k: v / 2 for k, v in whole.items()}
            assert parts in (whole, confined)
            cornered[kinds].append(parts == confined)
    assert not any(cornered.pop("clean"))
    found = [c for kind in cornered.values() for c in kind]
    assert np.mean(found) == pytest.approx(CORNERED, abs=0.03)


def test_as_many_photos_are_broken_in_a_disc_only_as_was_asked(photos):
    for share in (0.0, 1.0):
        crops = Crops(photos, 8, 32, {"clean": 1, "noise": 1}, cornered=share)
        assert crops.smaller.cornered == share
        batch = crops.batch(0)
        for kinds, place in zip(batch.kinds, batch.place, strict=True):
            assert float(place[0]) == {"clean": 1.0, "noise": share / 2}[kinds]


def test_outside_its_region_confined_damage_is_none(photos):
    found = 0
    for batch in batches(photos, {"noise": 1}, 40):
        confined = (batch.place[:, 0] == 0.5).repeat_interleave(2)
        for row in confined.nonzero().flatten().tolist():
            change = (batch.degraded[row] - batch.clean[row]).abs().amax(0)
            change = change.unflatten(0, (-1, CELL)).unflatten(2, (-1, CELL)).amax((1, 3))
            # Where nothing was done, the amount says so; where there is an amount, something was done.
            told = batch.amounts[row, AMOUNTS.index("noise")]
            assert change[told < 1e-4].eq(0).all() and change[told > 0.05].gt(0).all()
            found += int((told < 1e-4).any())
    assert found > 10


@pytest.mark.parametrize("size, less", [(72, 48), (64, 40), (32, 16), (8, 8)])
def test_smaller_crops_are_of_twice_as_many_photos(size, less, photos):
    crops = Crops(photos, 2, size, seed=3)
    batch = crops.smaller.batch(0)
    assert batch.degraded.shape == (8, 3, less, less) and len(batch.thumbnail) == 4
    assert same(batch, Crops(photos, 4, less, seed=3).batch(0))


@pytest.mark.parametrize("size", [128, 256])
def test_crops_larger_than_a_photo_are_refused_with_a_reason(size, photos):
    with pytest.raises(ValueError, match=rf"{size}"):
        Crops(photos, 6, size).batch(0)


def test_crops_may_be_as_large_as_the_margin_for_blur_leaves():
    photos = Photos([dead_leaves(112, 0)])
    assert Crops(photos, 2, 88, {"blur": 1}).batch(0).clean.shape == (4, 3, 88, 88)
    with pytest.raises(ValueError, match="at most 88 px"):
        Crops(photos, 2, 96, {"blur": 1})


# What is refused


@pytest.mark.parametrize(
    "how, told",
    [
        ({"recipe": {"fog": 1}}, "not fog"),
        ({"recipe": {"clean+rain": 1}}, "not clean\\+rain"),
        ({"recipe": {}}, "not all of them 0"),
        ({"recipe": {"rain": 0}}, "not all of them 0"),
        ({"recipe": {"rain": -1, "haze": 2}}, "0 or more"),
        ({"camera": 7.0}, "shares from 0 to 1"),
        ({"cornered": -0.1}, "shares from 0 to 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_the_first_batch(how, told, photos):
    with pytest.raises(ValueError, match=told):
        Crops(photos, size=48, **how)


def test_the_smallest_crops_can_come_from_a_camera(photos):
    batch = Crops(photos, 2, 16, camera=1.0).smaller.batch(0)
    assert batch.degraded.shape[-2:] == (8, 8) and batch.degraded.isfinite().all()


# Ahead


def test_a_block_made_ahead_is_the_same_block(photos):
    here, ahead = (Crops(photos, 2, 48, seed=3, camera=0.5, ahead=ahead) for ahead in (0, 1))
    for step in (0, 1, 16, 17, 32, 2**33, 48, 64, 5, 21):  # in order, leapt over, and back
        assert same(here.batch(step), ahead.batch(step))
        assert same(here.smaller.batch(step), ahead.smaller.batch(step))
    assert ahead._coming[0] == 2 and ahead._coming[1].result() is not None


def test_where_blocks_are_shared_out_the_one_that_is_needed_next_is_made_ahead(photos, monkeypatch):
    """By two processes: this one's blocks are 0, 2, 4, each made once."""
    crops = Crops(photos, 2, 48, ahead=2)
    made, make = [], crops._make
    monkeypatch.setattr(crops, "_make", lambda number: made.append(number) or make(number))
    for block in (0, 2, 4):
        for part in range(BLOCK):
            crops.batch(block * BLOCK + part)
    crops._coming[1].result()
    assert made == [0, 2, 4, 6]


def test_what_fails_ahead_is_told_where_it_is_needed(photos, monkeypatch):
    crops = Crops(photos, 2, 48, ahead=1)
    crops.batch(0)
    crops._coming[1].result()
    monkeypatch.setattr(crops, "_cut", lambda *_: 1 / 0)
    crops.batch(16)  # was made before
    with pytest.raises(ZeroDivisionError):
        crops.batch(32)
