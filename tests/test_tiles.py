"""A photo in tiles is the photo in one piece, whatever the tiles. Memory that runs out makes them smaller."""

import copy

import pytest
import torch

from slerir_lite import model as network
from slerir_lite import tiles as in_tiles
from slerir_lite.data import thumbnail
from slerir_lite.deblur import RADIUS
from slerir_lite.degrade import PLACES
from slerir_lite.leaves import dead_leaves
from slerir_lite.model import Config, SlerIR
from slerir_lite.tiles import LOOK, MARGIN, SEE, SHARPEN, restore_in_tiles, tiles
from slerir_lite.values import WHITE

BLUR = PLACES.index("blur")


@pytest.fixture(scope="module")
def model() -> SlerIR:
    """As after training: no layer near zero, and a guide that steers."""
    torch.manual_seed(0)
    model = SlerIR(Config(width=8, tokens=16))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith(("backbone", "fuse")):
                spread = 0.05 if weight.dim() < 2 else 0.7 / weight[0].numel() ** 0.5
                weight.normal_(std=spread)
        for _ in range(3):
            model.compass.train()(torch.rand(4, 3, 64, 64))
    return model.eval().requires_grad_(False)


def photo(height: int, width: int) -> torch.Tensor:
    side = -(-max(height, width) // 8) * 8
    return dead_leaves(side, 3)[None, :, :height, :width].float() / 255


def assert_same(found, expected) -> None:
    assert found.image.shape == expected.image.shape
    assert (found.image - expected.image).abs().max() < 1e-4
    assert torch.equal(found.route.choice, expected.route.choice)
    assert torch.allclose(found.route.angle, expected.route.angle, atol=0.05)
    assert torch.allclose(found.sense.z, expected.sense.z, atol=1e-5)
    assert torch.allclose(found.sense.filters, expected.sense.filters, atol=1e-5)
    assert torch.allclose(found.guide, expected.guide, atol=1e-4)


# The same


@pytest.mark.parametrize("moved", ["no", "somehow", "far"])
@pytest.mark.parametrize("size, side", [((101, 413), 64), ((390, 90), 72), ((250, 330), 128)], ids=str)
def test_a_photo_in_tiles_is_the_photo_in_one_piece(size, side, moved, model, monkeypatch):
    x = photo(*size)
    monkeypatch.setattr(network, "SHARE", 2.0 if moved == "no" else -1.0)  # no photo shows motion, or all
    if moved == "far":  # one bold filter; a mean of many reaches less far
        model = copy.deepcopy(model)
        model.deblur.path.bias[-1] = model.deblur.strength.bias[0] = 1e4
    whole = model(x)
    assert bool(whole.sense.filters[0, 0] < 0.99) == (moved != "no")
    assert bool(whole.sense.filters.max() > 0.6) == (moved != "somehow")
    assert (whole.image - x).abs().mean() > 0.01 and whole.guide.std() > 0.01
    assert_same(restore_in_tiles(model, x, side=side), whole)


def test_margins_are_wider_where_motion_is_undone(model, monkeypatch):
    # With stations that change nothing, what is felt from farther than the guide's 4 px is the filters'.
    x = photo(100, 300)
    monkeypatch.setattr(network, "SHARE", -1.0)  # all photos show motion
    model = copy.deepcopy(model)
    with torch.no_grad():
        model.deblur.path.bias[-1] = model.deblur.strength.bias[0] = 1e4
        model.backbone.leave.weight.zero_()
    whole = model(x)
    assert (whole.image - x).abs().mean() > 0.01
    monkeypatch.setattr(in_tiles, "SEE", 8)
    assert_same(restore_in_tiles(model, x, side=64), whole)


def test_a_choice_overrides_the_compass_in_tiles_too(model):
    x, choice = photo(96, 200), torch.tensor([[0, 2, 1, 1, 0, 2, 2, 1]])
    found = restore_in_tiles(model, x, choice, side=64)
    assert torch.equal(found.route.choice, choice)
    assert_same(found, model(x, choice=choice))


@pytest.mark.parametrize("kind", [torch.uint8, torch.uint16], ids=str)
@pytest.mark.parametrize("size", [(101, 213), (40, 56)], ids=str)
@pytest.mark.parametrize("moved", [False, True])
def test_integers_give_what_their_floats_give_bit_for_bit(kind, size, moved, model, monkeypatch):
    monkeypatch.setattr(network, "SHARE", -1.0 if moved else 2.0)
    x = (photo(*size) * WHITE[kind]).round()
    whole, before = x.to(kind), x.clone()
    got, expected = (restore_in_tiles(model, p, side=64) for p in (whole, x / WHITE[kind]))
    assert torch.equal(got.image, expected.image) and torch.equal(got.guide, expected.guide)
    assert torch.equal(got.sense.z, expected.sense.z)
    assert torch.equal(got.sense.filters, expected.sense.filters)
    assert torch.equal(whole.float(), before)


@pytest.mark.parametrize("size", [(101, 213), (40, 56)], ids=str)
def test_what_is_kept_of_the_parts_is_what_would_be_kept_of_the_whole(size, model):
    x = photo(*size)

    def keep(part, restored):
        return ((part + 3 * restored).clamp(0, 1)[:, :1] * 255).round().to(torch.uint8)

    found = restore_in_tiles(model, x, side=64, keep=keep)
    assert found.image.shape == (1, 1, *size)
    assert torch.equal(found.image, keep(x, restore_in_tiles(model, x, side=64).image))


@pytest.mark.parametrize("size", [(640, 500), (101, 413), (64, 64), (7, 300), (1, 1)], ids=str)
def test_a_thumbnail_made_row_by_row_is_the_thumbnail(size):
    x = photo(*size)
    assert torch.allclose(in_tiles._thumbnail(x), thumbnail(x), atol=1e-6)
    integers = (x * 255).to(torch.uint8)
    assert torch.equal(in_tiles._thumbnail(integers), in_tiles._thumbnail(integers / 255))


@pytest.mark.parametrize("size", [(1, 1), (1, 150), (64, 64), (65, 8)], ids=str)
def test_small_photos_and_narrow_ones(size, model):
    x = photo(*size)
    assert_same(restore_in_tiles(model, x, side=64), model(x))


def test_by_default_a_small_photo_is_one_tile(model):
    x = photo(40, 56)
    assert torch.allclose(restore_in_tiles(model, x).image, model(x).image, atol=1e-5)


# What a tile's border can be felt by


def felt(after: torch.Tensor, n: int, start: int) -> int:
    """How far NaN from `start` px on reached into the n px before it. after: (1, C, H, W)."""
    reached = after.isnan().any(1).any(1)[0]
    cell = n // len(reached)
    assert reached[-1] and not reached[0]
    return start - cell * int(reached.int().argmax())


def test_a_margin_is_as_wide_as_the_stations_see(model):
    # NaN spreads wherever what lies beyond a tile's border can have any influence at all.
    n, start = 320, 160
    x, guide = torch.rand(1, 3, 16, n), torch.rand(1, 16, 2, n // 8)
    x[..., start:], guide[..., start // 8 :] = torch.nan, torch.nan
    got = model(torch.rand(1, 3, 16, 16))
    got.sense.filters = None
    right = felt(model.work(x, got.route, got.sense, None, guide), n, start)
    left = felt(model.work(x.flip(-1), got.route, got.sense, None, guide.flip(-1)).flip(-1), n, start)
    assert SEE - 8 < max(left, right) <= SEE


def test_a_margin_is_as_wide_as_a_token_sees(model):
    x = torch.rand(1, 3, 16, 192)
    x[..., 96:] = torch.nan
    right = felt(model.compass.look(x), 192, 96)
    left = felt(model.compass.look(x.flip(-1)).flip(-1), 192, 96)
    assert LOOK - 8 < max(left, right) <= LOOK


def test_a_margin_is_as_wide_as_a_filter_reaches():
    assert RADIUS <= SHARPEN < RADIUS + 8


# Tiles


@pytest.mark.parametrize("size", [(64, 64), (8, 200), (136, 304), (504, 72)], ids=str)
@pytest.mark.parametrize("side, margin", [(64, 32), (72, 0), (128, 88), (1024, 80)])
def test_tiles_cover_each_pixel_once_and_their_margins_end_with_the_photo(size, side, margin):
    height, width = size
    covered = torch.zeros(height, width, dtype=torch.int)
    for inner, outer in tiles(height, width, side, margin):
        covered[inner] += 1
        for own, seen, n in zip(inner[1:], outer[1:], size, strict=True):
            assert own.start % 8 == own.stop % 8 == seen.start % 8 == seen.stop % 8 == 0
            assert 0 < own.stop - own.start <= side
            assert seen.start == max(0, own.start - margin) and seen.stop == min(n, own.stop + margin)
    assert (covered == 1).all()


@pytest.mark.parametrize("size", [(64, 64), (67, 92), (1, 200), (63, 65)], ids=str)
def test_without_a_margin_tiles_cover_a_photo_of_any_size_once(size):
    covered = torch.zeros(size, dtype=torch.int)
    for inner, outer in tiles(*size, 64, 0):
        assert inner == outer and covered[inner].numel() and max(covered[inner].shape) <= 64
        covered[inner] += 1
    assert (covered == 1).all()


# Memory


WORDS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you "
        "tried to allocate 64000000 bytes. Error code 12 (Cannot allocate memory)"
    ),  # fmt: skip
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("std::bad_alloc"),
    MemoryError(),
]


def short_of_memory(model: SlerIR, monkeypatch, pixels: int, error: Exception) -> list[int]:
    """From now on nothing larger than `pixels` is worked on; the sizes that were tried go into the list."""
    tried, work = [], model.work

    def limited(x, *rest):
        tried.append(x.shape[-2] * x.shape[-1])
        if tried[-1] > pixels:
            raise error
        return work(x, *rest)

    monkeypatch.setattr(model, "work", limited)
    return tried


@pytest.mark.parametrize("error", WORDS, ids=lambda e: f"{type(e).__name__} {str(e)[:12]}")
def test_where_memory_runs_out_tiles_are_halved_until_it_suffices(error, model, monkeypatch):
    x = photo(72, 600)
    monkeypatch.setattr(network, "SHARE", 2.0)  # no photo shows motion
    whole = model(x)
    tried = short_of_memory(model, monkeypatch, 72 * (150 + 2 * SEE), error)
    found = restore_in_tiles(model, x, side=600)
    # One piece, then halves, which with their margins are still too large; then quarters of 144 px.
    assert tried[:3] == [72 * 600, 72 * (296 + SEE), 72 * (144 + SEE)]
    assert max(tried[3:]) == 72 * (144 + 2 * SEE) and len(tried) == 2 + 5
    assert_same(found, whole)


def test_where_smaller_tiles_do_not_help_either_it_says_what_to_do(model, monkeypatch):
    tried = short_of_memory(model, monkeypatch, 0, WORDS[1])
    with pytest.raises(MemoryError, match=r"tiles of 64 px.*Close other programs.*\(300 x 72 px\)") as caught:
        restore_in_tiles(model, photo(72, 300), side=256)
    assert len(tried) == 3 and caught.value.__cause__ is WORDS[1]


def test_other_errors_pass_through_at_once(model, monkeypatch):
    for error in (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory")):
        with monkeypatch.context() as patch:
            tried = short_of_memory(model, patch, 0, error)
            with pytest.raises(type(error)) as caught:
                restore_in_tiles(model, photo(72, 200), side=64)
            assert caught.value is error and len(tried) == 1


@pytest.mark.parametrize("free", [10**6, 4 * 10**8, 2 * 10**9, 10**12])
def test_the_first_tile_takes_a_quarter_of_the_free_memory_at_most(free, monkeypatch):
    class Memory:
        available = free

    monkeypatch.setattr(in_tiles.psutil, "virtual_memory", Memory)
    side = in_tiles._first_side()
    assert side % 8 == 0 and in_tiles.SMALLEST <= side <= in_tiles.LARGEST
    with_margins = side + 2 * MARGIN
    assert side == in_tiles.SMALLEST or with_margins**2 * in_tiles.BYTES <= free / 4
    larger = (with_margins + 8) ** 2 * in_tiles.BYTES
    assert side == in_tiles.LARGEST or larger > free / 4
