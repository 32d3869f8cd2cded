"""Photos saved as JPEG: how a compass learns that they are the same photos, and what is measured of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scripts import of

from slerir_lite.camera import GRAIN, GRAINED, WAYS, as_jpeg, saved, taken
from slerir_lite.crops import Crops
from slerir_lite.data import Photos
from slerir_lite.leaves import dead_leaves
from slerir_lite.model import Config, SlerIR
from slerir_lite.pairs import Pair
from slerir_lite.sphere import Compass
from slerir_lite.weights import load_weights, save_weights


def test_a_jpeg_is_what_pillow_reads_back_of_the_one_it_wrote(tmp_path):
    x = dead_leaves(96, 3).permute(1, 2, 0).numpy()
    Image.fromarray(x).save(tmp_path / "x.jpg", quality=80, subsampling="4:2:0")
    assert np.array_equal(as_jpeg(x, 80), np.array(Image.open(tmp_path / "x.jpg")))


def test_the_benchmark_damages_the_damaged_photo_and_never_the_clean_one():
    rng = np.random.default_rng(1)
    degraded, clean = (rng.integers(0, 256, (32, 40, 3)).astype(np.uint8) for _ in range(2))
    pair = Pair("rain", "a.png", lambda: (degraded, clean))
    for name, way in of("camera").WAYS.items():
        again = of("camera").taken(pair, way)
        given, wanted = again.load()
        assert (again.task, again.name) == ("rain", "a.png")
        assert np.array_equal(wanted, clean) and np.array_equal(given, way(degraded)), name
        assert not np.array_equal(given, degraded)


def test_half_the_resolution_of_colour_is_lost_and_brightness_hardly():
    rng = np.random.default_rng(0)
    x = np.clip(rng.normal(128, 25, (64, 64, 3)), 0, 255).astype(np.uint8)
    y = as_jpeg(x, 98)
    before, after = (np.array(Image.fromarray(v).convert("YCbCr"), dtype=float) for v in (x, y))
    kept = [np.corrcoef(before[..., k].ravel(), after[..., k].ravel())[0, 1] for k in range(3)]
    assert kept[0] > 0.95 and max(kept[1:]) < 0.7


def test_grain_is_as_strong_as_it_says_and_always_the_same():
    x = np.full((64, 64, 3), 100, np.uint8)
    y = of("camera").with_grain(x)
    assert np.array_equal(y, of("camera").with_grain(x))
    assert abs((y.astype(float) - 100).std() - (2**2 + 1 / 12) ** 0.5) < 0.05  # and rounding


def test_saved_crops_begin_anywhere_in_a_block_and_the_same_numbers_save_them_alike():
    x = torch.stack([dead_leaves(96, k)[:, :64, :64].float() / 255 for k in (1, 1, 2, 2)])
    a, b = (torch.cat([saved(v, np.random.default_rng(5)) for v in x.split(2)]) for _ in range(2))
    assert torch.equal(a, b) and a.shape == x.shape
    assert 0 < (a - x).abs().mean() < 0.03
    assert not torch.equal(a[0], a[1])  # one photo, one quality, but another place in its blocks


def test_a_camera_adds_grain_to_some_and_saves_them_in_every_way():
    x = torch.full((400, 3, 16, 16), 100 / 255)
    y = 255 * taken(x, np.random.default_rng(0))
    spread = y.flatten(1).std(1)
    assert 0 < spread.max() < 1.2 * GRAIN and 0.3 < (spread < 0.3).float().mean() < 0.6
    rounded = ((y - y.round()).abs().amax((1, 2, 3)) < 1e-3).float().mean()
    unrounded_grain = WAYS["unrounded"] * GRAINED
    assert abs(1 - rounded - unrounded_grain) < 0.05
    siblings, strangers = (spread[::2] - other[::2] for other in (spread.roll(-1), spread.roll(1)))
    assert siblings.abs().max() < 1 < strangers.abs().max()


@pytest.fixture
def teacher() -> SlerIR:
    torch.manual_seed(0)
    return SlerIR(Config(width=8, tokens=8)).eval()


def test_nothing_differs_where_nothing_was_learnt(teacher):
    teach = of("teach_camera")
    batch = Crops(Photos.dead_leaves(2, 96), per_batch=3, size=48).batch(0)
    as_taken = taken(batch.degraded, np.random.default_rng(0))
    with torch.no_grad():
        goal = teach.reading(teacher, batch.degraded, batch, teacher.fuse)
        other = teach.reading(teacher, as_taken, batch, teacher.fuse)
    nothing, something = teach.difference(goal, goal), teach.difference(other, goal)
    for name in ("tokens", "guide", "read", "global", "direction"):
        assert float(nothing[name]) == pytest.approx(0, abs=1e-5) and something[name] > nothing[name]
    assert something["tokens"] > 1e-3


def test_what_was_done_is_learnt_too(teacher):
    teach = of("teach_camera")
    batch = Crops(Photos.dead_leaves(2, 96), per_batch=3, size=48).batch(0)
    teacher.requires_grad_(False)
    mine = teach.reading(teacher, batch.degraded, batch, teacher.fuse)
    goal = replace(mine)
    mine.read = mine.read.clone().requires_grad_()
    found = teach.losses(mine, goal, batch.amounts)
    sum(found.values()).backward()  # of what the teacher says nothing is left to learn
    off = (mine.read - batch.amounts).detach()
    assert torch.equal(mine.read.grad.sign(), off.sign())
    huber = [v * v / 0.2 if abs(v) < 0.1 else abs(v) - 0.05 for v in off.flatten().tolist()]
    assert found["truth"].item() == pytest.approx(10 * sum(huber) / len(huber), rel=1e-4)


@pytest.fixture
def words(tmp_path) -> list[str]:
    """What to call a script with; the weights to go on from are still to be put in old.safetensors."""
    (tmp_path / "photos").mkdir()
    for k in range(5):
        Image.fromarray(dead_leaves(144, k).permute(1, 2, 0).numpy()).save(tmp_path / "photos" / f"{k}.png")
    (tmp_path / "names.txt").write_text("0.png\n")
    words = ["--photos", "photos", "--leave-out", "names.txt", "--out", "run"]
    return [str(tmp_path / word) if not word.startswith("--") else word for word in words] + ["--steps", "4"]


def test_only_what_reads_the_close_up_learns(teacher, words, tmp_path):
    teach = of("teach_camera")
    save_weights(teacher, tmp_path / "old.safetensors")
    words += ["--weights", str(tmp_path / "old.safetensors")]
    teach.main(words)
    learnt = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["student"]
    changed = {
        ".".join(name.split(".")[:2]) for name, v in teacher.state_dict().items() if (v != learnt[name]).any()
    }
    assert changed == {f"compass.{part}" for part in teach.TEACHES}
    taught = (tmp_path / "run" / "taught.safetensors").read_bytes()
    assert isinstance(load_weights(tmp_path / "run" / "taught.safetensors"), SlerIR)
    teach.main(words)  # finished: nothing is done anew
    assert (tmp_path / "run" / "taught.safetensors").read_bytes() == taught
    with pytest.raises(SystemExit, match="other settings"):
        teach.main([*words, "--seed", "5"])
    assert (tmp_path / "run" / "taught.safetensors").read_bytes() == taught


def test_a_compass_alone_is_taught_too(words, tmp_path):
    torch.manual_seed(0)
    globe = Compass(dim=3, tokens=8).eval()
    save_weights(globe, tmp_path / "old.safetensors")
    of("teach_camera").main([*words, "--weights", str(tmp_path / "old.safetensors")])
    taught = load_weights(tmp_path / "run" / "taught.safetensors")
    assert isinstance(taught, Compass) and taught.dim == 3
    before, after = (v.close.state_dict() for v in (load_weights(tmp_path / "old.safetensors"), taught))
    assert any((after[name] != v).any() for name, v in before.items())


@pytest.mark.parametrize("joint", [False, True])
def test_a_network_is_tuned_with_its_compass_or_without(teacher, words, tmp_path, joint):
    save_weights(teacher, tmp_path / "old.safetensors")
    start = ["--start", str(tmp_path / "old.safetensors"), "--trust", "2", "--cornered", "0.5"]
    of("tune_shipped").main([*words, *start, *(["--joint"] if joint else [])])
    before, after = (load_weights(tmp_path / name) for name in ("old.safetensors", "run/model.safetensors"))
    learnt = {
        name
        for (name, mine), new in zip(before.named_children(), after.children(), strict=True)
        if any((a != b).any() for a, b in zip(mine.parameters(), new.parameters(), strict=True))
    }
    assert learnt == {"backbone", "fuse"} | ({"compass", "router"} if joint else set())
    mine, new = (float(network.fuse.moved.bias.detach()) for network in (before, after))
    assert new - mine == pytest.approx(2, abs=0.1)


def test_another_compass_goes_on_learning_and_keeps_its_own_stations(teacher, words, tmp_path):
    torch.manual_seed(1)
    other = SlerIR(Config(width=8, tokens=8))
    for network, name in ((teacher, "old"), (other, "student")):
        save_weights(network, tmp_path / f"{name}.safetensors")
    files = [f"--{name}={tmp_path / file}" for name, file in
             (("weights", "old.safetensors"), ("student", "student.safetensors"))]  # fmt: skip
    of("teach_camera").main([*words, *files])
    taught = load_weights(tmp_path / "run" / "taught.safetensors")
    for part in ("fuse", "backbone"):
        for name, v in getattr(other, part).state_dict().items():
            assert torch.allclose(getattr(taught, part).state_dict()[name], v, atol=1e-3)
    moved = [
        (taught.compass.close[0][0].weight - v.compass.close[0][0].weight).norm() for v in (other, teacher)
    ]
    assert 0 < moved[0] < moved[1]
