"""Photos in: read as they were saved, with a thumbnail each, some with a twin; what can't be is refused."""

import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.measure import block_reduce

from slerir_lite.crops import Crops
from slerir_lite.data import Photos, thumbnail
from slerir_lite.leaves import dead_leaves
from slerir_lite.photo import list_photos


def test_a_thumbnails_pixel_is_the_mean_of_what_it_covers():
    x = torch.rand(2, 3, 128, 192, generator=torch.Generator().manual_seed(0))
    for b in range(2):
        expected = block_reduce(x[b].numpy(), (1, 2, 3), np.mean)
        assert np.abs(thumbnail(x)[b].numpy() - expected).max() < 1e-6


def test_every_second_photo_has_a_twin_of_half_its_size_if_that_is_large_enough():
    large, small = dead_leaves(256, 0), dead_leaves(192, 1)
    photos = Photos([large, small, small, large, large]).with_halves(least=120)
    assert [len(x[0]) for x in photos.images] == [256, 192, 192, 256, 256, 128, 128]
    blocks = block_reduce(large.permute(1, 2, 0).numpy(), (2, 2, 1), np.mean)
    assert np.abs(photos.images[5].permute(1, 2, 0).numpy() - blocks).max() <= 0.5


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


def test_only_bytes_in_three_channels_are_trained_on(clean, photos):
    with pytest.raises(TypeError, match=r"bytes, 0 to 255, not torch.float32.*torch.uint8"):
        Photos(list(clean))
    for wrong in (photos.images[0].permute(1, 2, 0), photos.images[0][:1], photos.images[0][None]):
        with pytest.raises(ValueError, match=r"must be \(3, H, W\), not \(\d"):
            Photos([wrong])
