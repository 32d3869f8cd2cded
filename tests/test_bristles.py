"""Bristles are part of the scene: bright, thin, pointing in many directions, and the same for a seed."""

import torch

from slerir_lite.bristles import bristles
from slerir_lite.data import BRISTLED, Photos

DARK = torch.full((3, 160, 200), 20, dtype=torch.uint8)


def test_a_function_of_the_photo_and_the_seed():
    first, again, other = (bristles(DARK, seed) for seed in (3, 3, 4))
    assert first.shape == DARK.shape and first.dtype == torch.uint8
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (DARK == 20).all()  # the photo itself is left as it was


def test_they_only_brighten_a_dark_photo_and_leave_most_of_it_alone():
    for seed in range(8):
        change = (bristles(DARK, seed).int() - 20).amax(0)
        assert change.min() >= 0 and change.max() > 40
        assert 0.001 < (change > 0).float().mean() < 0.6


def test_they_point_in_many_directions_as_rain_does_not():
    # The structure tensor's coherence: 1 where all edges are parallel, 0 where none prevails.
    def coherence(image):
        x = image.float().mean(0)
        dy, dx = (x[2:, 1:-1] - x[:-2, 1:-1]).flatten(), (x[1:-1, 2:] - x[1:-1, :-2]).flatten()
        turn = torch.stack([(dx * dx - dy * dy).mean(), 2 * (dx * dy).mean()]).norm()
        return float(turn / (dx * dx + dy * dy).mean())

    from slerir_lite.degrade import rain

    rainy = rain(DARK[None].float() / 255, 0.7, generator=torch.Generator().manual_seed(0))[0][0] * 255
    found = [coherence(bristles(DARK, seed)) for seed in range(12)]
    assert sum(found) / len(found) < 0.5 * coherence(rainy)


def test_photos_keep_theirs_and_get_twins():
    images = [torch.randint(0, 256, (3, 120, 140), dtype=torch.uint8) for _ in range(2 * BRISTLED + 1)]
    photos = Photos(images).with_bristles()
    assert len(photos) == len(images) + 3
    assert all(torch.equal(a, b) for a, b in zip(photos.images, images, strict=False))
    for twin, source in zip(photos.images[len(images) :], images[::BRISTLED], strict=True):
        assert 0.3 < (twin == source).float().mean() < 1
