"""Photos in, crops out: each crop lies where its view says and comes with its own photo's thumbnail."""

import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.measure import block_reduce

from slerir_lite import data
from slerir_lite.data import (
    AMOUNTS,
    CELL,
    CORNERED,
    RECIPE,
    Batch,
    Crops,
    Photos,
    amounts,
    dead_leaves,
    joined,
)
from slerir_lite.degrade import KINDS, PLACES, haze, mix, transmission
from slerir_lite.photo import list_photos
from slerir_lite.view import View

HELD_OUT = [{"rain", "blur"}, {"haze", "noise"}, {"lowlight", "noise"}]  # the benchmark's


def batches(photos, recipe=None, count: int = 8, size: int = 32, seed: int = 0) -> list[Batch]:
    crops = Crops(photos, 6, size, recipe, seed)
    return [crops.batch(step) for step in range(count)]


def tensors(batch: Batch) -> list[torch.Tensor]:
    view = [batch.view.origin, batch.view.step, batch.view.size]
    return [batch.degraded, batch.clean, batch.thumbnail, batch.amounts, batch.place, batch.motion, *view]


def same(one: Batch, other: Batch) -> bool:
    return one.kinds == other.kinds and all(map(torch.equal, tensors(one), tensors(other)))


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
    monkeypatch.setattr(data, "taken", lambda x, rng: 1 - x)


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


def test_a_thumbnails_pixel_is_the_mean_of_what_it_covers():
    x = torch.rand(2, 3, 128, 192, generator=torch.Generator().manual_seed(0))
    for b in range(2):
        expected = block_reduce(x[b].numpy(), (1, 2, 3), np.mean)
        assert np.abs(data.thumbnail(x)[b].numpy() - expected).max() < 1e-6


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


def test_every_second_photo_has_a_twin_of_half_its_size_if_that_is_large_enough():
    large, small = dead_leaves(256, 0), dead_leaves(192, 1)
    photos = Photos([large, small, small, large, large]).with_halves(least=120)
    assert [len(x[0]) for x in photos.images] == [256, 192, 192, 256, 256, 128, 128]
    blocks = block_reduce(large.permute(1, 2, 0).numpy(), (2, 2, 1), np.mean)
    assert np.abs(photos.images[5].permute(1, 2, 0).numpy() - blocks).max() <= 0.5


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


# Amounts


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


# Dead leaves


def test_dead_leaves_are_the_same_for_the_same_seed_and_unlike_for_others():
    images = [dead_leaves(96, seed) for seed in (0, 1, 2, 0)]
    assert images[0].dtype == torch.uint8 and images[0].shape == (3, 96, 96)
    assert torch.equal(images[0], images[3])
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (images[a].float() - images[b].float()).abs().mean() > 15


def power_slope(image: np.ndarray) -> float:
    """The slope of the radially averaged power spectrum of a square image, both axes logarithmic."""
    n = len(image)
    window = np.hanning(n)[:, None] * np.hanning(n)
    power = np.abs(np.fft.fftshift(np.fft.fft2((image - image.mean()) * window))) ** 2
    radius = np.hypot(*(np.mgrid[:n, :n] - n // 2)).round().astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    fit = np.arange(3, n // 3)
    return np.polyfit(np.log(fit), np.log(mean[fit]), 1)[0]


def test_dead_leaves_have_the_power_spectrum_of_natural_photos():
    slopes = [power_slope(dead_leaves(192, seed).float().mean(0).numpy()) for seed in range(6)]
    assert -2.8 < np.mean(slopes) < -1.5, slopes


def test_dead_leaves_have_edges_as_natural_photos_have():
    # Most neighbours differ little and a few by much: heavier tails than a Gaussian texture's kurtosis of 3.
    step = dead_leaves(192, 0).float().mean(0).diff(dim=1)
    assert ((step - step.mean()) ** 4).mean() / step.var() ** 2 > 8


def test_the_colours_of_dead_leaves_vary_mostly_in_brightness():
    images = [dead_leaves(96, seed).float().flatten(1) for seed in range(8)]
    correlation = torch.stack([torch.corrcoef(image) for image in images]).mean(0)
    assert correlation.min() > 0.7 and correlation[0, 1] < 0.99
    pixels = torch.cat(images, 1)
    assert torch.corrcoef(pixels).min() > 0.5 and pixels.std() > 35 and 80 < pixels.mean() < 175


def test_made_up_photos_are_as_many_and_as_large_as_asked_for():
    made = Photos.dead_leaves(3, size=100, seed=4)
    assert len(made) == 3 and all(x.shape == (3, 100, 100) for x in made.images)
    assert not torch.equal(made.images[0], made.images[1])


# Photos from a folder


def save(path, size=(96, 100), mode="RGB", value=None):
    height, width = size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    if value is not None:
        pixels[:] = value
    Image.fromarray(pixels).convert(mode).save(path)
    return pixels


def test_photos_come_from_a_folder_sorted_by_name(tmp_path):
    for name, value in (("b.png", 20), ("a.PNG", 10), ("c.bmp", 30)):
        save(tmp_path / name, value=value)
    (tmp_path / "notes.txt").write_text("not a photo")
    assert [f.name for f in list_photos(tmp_path)] == ["a.PNG", "b.png", "c.bmp"]
    assert [int(x.float().mean()) for x in Photos.from_folder(tmp_path).images] == [10, 20, 30]
    assert [int(x.float().mean()) for x in Photos.from_folder(str(tmp_path), {"b.png"}).images] == [10, 30]


def test_a_photo_is_read_as_it_was_saved(tmp_path):
    pixels = save(tmp_path / "a.png")
    (image,) = Photos.from_folder(tmp_path).images
    assert image.dtype == torch.uint8 and np.array_equal(image.permute(1, 2, 0).numpy(), pixels)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_grey_and_transparent_and_palette_photos_become_rgb(mode, tmp_path):
    save(tmp_path / "a.png", mode=mode)
    assert Photos.from_folder(tmp_path).images[0].shape == (3, 96, 100)


def test_a_folder_that_is_named_like_a_photo_is_not_one(tmp_path):
    save(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    assert [f.name for f in list_photos(tmp_path)] == ["a.png"]


def test_a_folder_that_is_not_there_is_refused_with_its_name(tmp_path):
    file = tmp_path / "a.png"
    save(file)
    for wrong in (tmp_path / "nowhere", file):
        with pytest.raises(FileNotFoundError, match=f"{wrong.name}.*folder"):
            list_photos(wrong)


def test_a_folder_without_photos_is_refused_with_what_would_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no photos.*\.png"):
        list_photos(tmp_path)


def test_photos_too_small_to_train_on_are_left_out_with_a_warning():
    big, small = torch.zeros(3, 120, 130, dtype=torch.uint8), torch.zeros(3, 120, 40, dtype=torch.uint8)
    with pytest.warns(UserWarning, match="left out 2 photos"):
        kept = Photos([small, big, small])
    assert len(kept) == 1 and kept.images[0].shape == (3, 120, 130)


@pytest.mark.filterwarnings("ignore:left out")
def test_only_small_photos_are_refused():
    with pytest.raises(ValueError, match="px"):
        Photos([torch.zeros(3, 40, 40, dtype=torch.uint8)])


def test_what_is_to_be_left_out_but_is_not_there_is_named(tmp_path):
    save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="has no sub/a.png"):
        Photos.from_folder(tmp_path, {"sub/a.png"})


def test_photos_too_small_for_the_crops_are_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="left out 1 photos under 120 px"):
        photos = Photos([dead_leaves(100), dead_leaves(130)], 96)
    assert [x.shape[-1] for x in photos.images] == [130]
    Crops(photos, 2, 96).batch(0)


def test_two_seeds_of_dead_leaves_share_no_picture():
    a, b = (Photos.dead_leaves(4, 96, seed) for seed in (0, 1))
    assert not any(torch.equal(x, y) for x in a.images for y in b.images)
    assert torch.equal(a.images[2], dead_leaves(96, 2))


def test_the_checksum_tells_other_photos_and_another_order():
    a, b = dead_leaves(96, 0), dead_leaves(96, 1)
    changed = a.clone()
    changed[0, 5, 5] ^= 1
    found = [
        Photos(images).checksum for images in ([a, b], [b, a], [changed, b], [a], [a.clone(), b.clone()])
    ]
    assert len(set(found[:4])) == 4 and found[0] == found[4]
    assert Photos([a]).checksum == zlib.crc32(a.numpy().tobytes())
