"""What hardly changes stays exactly as it was, what does change is kept, and tiles make no difference."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner

from slerir_lite import tiles as in_tiles
from slerir_lite.cli import app
from slerir_lite.degrade import noise
from slerir_lite.evaluate import evaluate
from slerir_lite.leaves import dead_leaves
from slerir_lite.model import Config, SlerIR
from slerir_lite.pairs import Pair
from slerir_lite.photo import as_bytes, read_photo
from slerir_lite.restore import restore, restore_together, shipped
from slerir_lite.spare import ALL, AROUND, FELT, NONE, spare
from slerir_lite.tiles import restore_in_tiles


def photo(height: int, width: int, n: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 0.8 + 0.1


def changed(x: torch.Tensor, levels: float, seed: int = 1) -> torch.Tensor:
    """x with every value moved up or down by so many grey levels."""
    sign = torch.randint(0, 2, x.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return x + sign * (levels / 255)


def coloured(x: torch.Tensor, levels: tuple[float, float, float]) -> torch.Tensor:
    """The same, by so many in each of the three channels."""
    return x + (changed(x, 1) - x) * torch.tensor(levels)[:, None, None]


def by_hand(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`spare` of one photo (3, H, W), pixel by pixel, from its description."""
    height, width = before.shape[1:]
    square = ((255.0 * (after - before)) ** 2).mean(0)
    rows, columns = -(-height // 8), -(-width // 8)
    cell = np.array([[square[8 * i : 8 * i + 8, 8 * j : 8 * j + 8].mean() for j in range(columns)]
                     for i in range(rows)])  # fmt: skip
    reach = AROUND // 2
    share = np.empty_like(cell)
    for i in range(rows):
        for j in range(columns):
            near = cell[max(0, i - reach) : i + reach + 1, max(0, j - reach) : j + reach + 1]
            share[i, j] = min(1, max(0, (near.mean() ** 0.5 - NONE) / (ALL - NONE)))
    result = before.copy()
    for y in range(height):
        for x in range(width):
            # Between the centres of the four cells around; at the border, of what cells there are.
            v, u = min(max((y + 0.5) / 8 - 0.5, 0), rows - 1), min(max((x + 0.5) / 8 - 0.5, 0), columns - 1)
            i, j = int(v), int(u)
            below, right = min(i + 1, rows - 1), min(j + 1, columns - 1)
            top = share[i, j] * (1 - u + j) + share[i, right] * (u - j)
            bottom = share[below, j] * (1 - u + j) + share[below, right] * (u - j)
            result[:, y, x] += (top * (1 - v + i) + bottom * (v - i)) * (after - before)[:, y, x]
    return result


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (64, 64), (61, 83)], ids=str)
def test_it_is_what_its_description_says_pixel_by_pixel(size):
    before = photo(*size)
    strength = torch.linspace(0, 2, size[1])  # from nothing to too much to leave out
    after = before + (changed(before, 1.0) - before) * strength
    expected = by_hand(before[0].double().numpy(), after[0].double().numpy())
    assert torch.allclose(spare(before, after)[0].double(), torch.from_numpy(expected), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (5, 200), (70, 45)], ids=str)
def test_little_is_left_out_to_the_bit_and_much_is_taken_whole(size):
    x = photo(*size)
    assert torch.equal(spare(x, changed(x, 0.98 * NONE)), x)
    much = changed(x, 1.02 * ALL)
    assert torch.allclose(spare(x, much), much, atol=1e-6)
    between = (spare(x, changed(x, (NONE + ALL) / 2)) - x).abs() * 255
    assert torch.allclose(between, torch.full_like(x, (NONE + ALL) / 4), atol=1e-3)


def test_all_three_channels_count_alike():
    x, strong = photo(40, 40), 1.7  # of one channel alone: a root mean square of 0.98
    for levels in ((strong, 0, 0), (0, strong, 0), (0, 0, strong)):
        after = coloured(x, levels)
        share = (spare(x, after) - x).abs().amax() / (after - x).abs().amax()
        assert float(share) == pytest.approx((strong / 3**0.5 - NONE) / (ALL - NONE), abs=1e-3)


def test_neither_of_the_two_is_written_over():
    x = photo(20, 20)
    after = changed(x, 0.8)
    given = x.clone(), after.clone()
    assert torch.equal(spare(x, x), x)
    spare(x, after)
    assert torch.equal(x, given[0]) and torch.equal(after, given[1])


def test_one_streak_on_a_clean_sky_is_taken_whole_and_what_is_far_from_it_stays():
    sky = torch.full((1, 3, 160, 160), 0.6)
    restored = sky + 0.2 / 255
    restored[..., 70:90, 80] -= 40 / 255
    got = spare(sky, restored)
    assert torch.allclose(got[..., 70:90, 80], restored[..., 70:90, 80], atol=1e-6)
    far = torch.ones(160, 160, dtype=torch.bool)
    far[64 - FELT : 96 + FELT, 80 - FELT : 88 + FELT] = False  # from the borders of its cells on
    assert torch.equal(got[..., far], sky[..., far]) and far.float().mean() > 0.7


def test_no_change_can_be_felt_from_farther_than_it_says():
    x = photo(200, 200)
    felt = 0
    for corner in range(96, 104):  # wherever in its cell the pixel lies
        after = changed(x, 0.75)
        other = after.clone()
        other[..., corner, corner] += 0.5
        differ = (spare(x, after) != spare(x, other)).any(1)[0].nonzero() - corner
        felt = max(felt, int(differ.abs().max()))
    # From a cell's first pixel to the middle of the third beyond: half a cell less than FELT, and 7 more.
    assert felt == FELT - 4 + 7


def test_each_photo_of_a_batch_is_spared_as_if_alone():
    x = photo(50, 60, n=3)
    after = torch.cat([changed(x[:1], 0.2), changed(x[1:2], 0.8), changed(x[2:], 5)])
    alone = [spare(a, b) for a, b in zip(x.split(1), after.split(1), strict=True)]
    assert torch.equal(spare(x, after), torch.cat(alone))
    assert torch.equal(alone[0], x[:1]) and not torch.equal(alone[1], x[1:2])


# Where photos are restored


@pytest.fixture(scope="module")
def timid() -> SlerIR:
    """A network that changes what is dark by less than a grey level, and what is bright by more."""
    torch.manual_seed(0)
    model = SlerIR(Config(width=8, tokens=16)).eval()
    work = model.work

    def a_little(x, *rest):
        return x + 0.02 * x * (work(x, *rest) - x)

    torch.nn.init.normal_(model.backbone.leave.weight, std=0.2)
    model.work = a_little
    return model


@pytest.mark.parametrize("size, side", [((101, 413), 64), ((250, 330), 128)], ids=str)
def test_in_tiles_the_same_is_spared(size, side, timid):
    x = photo(*size)
    x[..., : size[1] // 2] *= torch.linspace(0, 1, size[1] // 2)  # darker on the left
    with torch.no_grad():
        bare = timid(x).image.clamp(0, 1)
        got = restore_in_tiles(timid, x, side=side, spared=True).image
    expected = spare(x, bare)
    stays = (expected == x).all(1).float().mean()
    taken = ((expected - bare).abs() < 1e-6).all(1).float().mean()
    assert 0.05 < stays < 0.95 and taken > 0.05
    assert torch.allclose(got, expected, atol=2e-5)


def test_a_tiles_margin_holds_all_that_sparing_looks_at(monkeypatch):
    monkeypatch.setattr(in_tiles, "SEE", 0)  # the network below looks at each pixel alone
    model = SlerIR(Config(width=8, tokens=16)).eval()
    model.work = lambda x, *rest: x + 0.02 * (x - 0.5)
    x = dead_leaves(256, 3)[None, :, :120].float() / 255
    with torch.no_grad():
        expected = spare(x, model(x).image.clamp(0, 1))
        got = restore_in_tiles(model, x, side=64, spared=True).image
    assert 0.05 < (expected == x).float().mean() < 0.95
    assert torch.allclose(got, expected, atol=1e-6)


def test_a_network_that_changes_nothing_gives_the_photo():
    model = SlerIR(Config(width=8, tokens=16)).eval()
    model.work = lambda x, *rest: x
    x = photo(40, 56)[0]
    before, as_networks_have_it = x.clone(), x.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    for given in (x, as_networks_have_it):
        assert torch.equal(restore(given, model).image, before) and torch.equal(given, before)
    assert torch.equal(two_at_once(x, model).image, before)


@pytest.mark.parametrize("side", [None, 64])
def test_what_is_clipped_anyway_is_no_change(side):
    model = SlerIR(Config(width=8, tokens=16)).eval()
    model.work = lambda x, *rest: x + (0.3 + 9 * (x == 1)) / 255  # what is white beyond white, the rest a bit
    x = photo(72, 200)
    x[..., ::2] = 1
    with torch.no_grad():
        assert torch.equal(restore_in_tiles(model, x, side=side, spared=True).image, x)
        assert torch.equal(two_at_once(x[0], model).image, x[0])


RACCOON = Path(__file__).resolve().parent.parent / "data_samples" / "clean" / "raccoon.png"


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    return read_photo(RACCOON)


def two_at_once(x: torch.Tensor, model: SlerIR | None = None):
    return restore_together([x.flip(0), x], model)[1]


@pytest.mark.parametrize("how", [restore, two_at_once])
def test_of_a_clean_photo_most_comes_back_to_the_bit_and_a_noisy_one_as_the_network_gives_it(how, clean):
    assert (how(clean).image == clean).float().mean() > 0.9
    noisy = noise(clean[None], sigma=25, generator=torch.Generator().manual_seed(0))[0][0]
    assert torch.allclose(how(noisy).image, restore(noisy, spared=False).image, atol=1e-5)


def test_without_sparing_it_is_what_the_network_gives(clean):
    with torch.no_grad():
        bare = shipped()(clean[None]).image[0].clamp(0, 1)
    assert torch.allclose(restore(clean, spared=False).image, bare, atol=1e-5)
    assert (bare == clean).float().mean() < 0.1


def test_a_file_of_16_bits_keeps_them_where_it_is_in_order(clean, tmp_path):
    pixels = (clean.permute(1, 2, 0).numpy() * 65535).astype(np.uint16) ^ 1
    tifffile.imwrite(tmp_path / "clean.tif", pixels, photometric="rgb")
    done = CliRunner().invoke(app, ["restore", str(tmp_path / "clean.tif"), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert (tifffile.imread(tmp_path / "out" / "clean.tif") == pixels).mean() > 0.9


@pytest.mark.parametrize("spared", [False, True])
def test_scores_are_of_the_bare_network_unless_asked_otherwise(spared, clean):
    model = SlerIR(Config(width=8, tokens=16)).eval()
    some = torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) < 0.1
    model.work = lambda x, *rest: x + some / 255  # one pixel in ten, by one level
    pixels = as_bytes(clean[:, :64, :64])
    pair = Pair("clean", "raccoon", lambda: (pixels, pixels))
    found = evaluate(model, [pair], quiet=True, spared=spared)["tasks"]["clean"]
    assert found.get("same", 0) == int(spared) and (found["psnr"] is None) == spared
