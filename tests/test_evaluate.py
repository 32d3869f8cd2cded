"""The scores against formulas written down here, the pairs by their properties, the tiles by hand."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.morphology import dilation, disk

from slerir_lite import evaluate as module
from slerir_lite import patches
from slerir_lite.degrade import PLACES
from slerir_lite.evaluate import evaluate, psnr, region, routing, score, ssim, summary
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.pairs import FIVE, MADE, Pair, made_pairs, pairs
from slerir_lite.patches import by_patches, patch_places, patchwise
from slerir_lite.photo import as_bytes, as_photo
from slerir_lite.restore import restore
from slerir_lite.tables import findings


def psnr_by_hand(a, b) -> float:
    return 10 * math.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photos):
    """Three clean photos, of two sizes, none a multiple of 8."""
    folder = tmp_path_factory.mktemp("photos")
    for k, (height, width) in enumerate([(67, 92), (67, 92), (90, 70)]):
        Image.fromarray(photos.images[k][:, :height, :width].permute(1, 2, 0).numpy()).save(
            folder / f"{k}.png"
        )
    return folder


@pytest.fixture(scope="module")
def untouched():
    """A new network: it changes nothing yet."""
    torch.manual_seed(1)
    model = SlerIR(Config(width=8, tokens=16)).eval()
    torch.nn.init.zeros_(model.backbone.leave.weight)
    torch.nn.init.zeros_(model.backbone.leave.bias)
    return model


@pytest.fixture(scope="module")
def model(clean):
    """One whose guide has a say, and whose compass sends photos to several places."""
    torch.manual_seed(0)
    model = SlerIR(Config(width=8, tokens=16)).eval()
    with torch.no_grad():
        for head in (*model.fuse.scales, model.fuse.exposure):
            head.weight.normal_(std=0.3)
        x = clean[:1, :, :64, :64]
        x = torch.cat([x, 0.2 * x, 0.2 * x + 0.7, (x + 0.2 * torch.randn_like(x)).clamp(0, 1)])
        tokens = model.sense(x, model.compass.look(x)).global_token
        model.compass.direction.bias.copy_(-model.compass.direction.weight @ tokens.mean(0))
    return model


@pytest.fixture(scope="module")
def two():
    rng = np.random.default_rng(0)
    clean = gaussian_filter(rng.uniform(0, 255, (40, 50, 3)), (2, 2, 0)) * 2 - 128
    noisy = clean + rng.normal(0, 12, clean.shape)
    return noisy.clip(0, 255).astype(np.uint8), clean.clip(0, 255).astype(np.uint8)


# Scores


def test_psnr_is_its_formula(two):
    assert psnr(*two) == pytest.approx(psnr_by_hand(*two))
    assert psnr(two[0], two[0]) == math.inf
    assert math.isnan(psnr(two[0][:0], two[1][:0]))


def test_ssim_is_its_formula(two):
    def blurred(x):
        return gaussian_filter(x, (1.5, 1.5, 0), truncate=3.5)

    a, b = (x.astype(float) for x in two)
    ma, mb = blurred(a), blurred(b)
    va, vb, cov = blurred(a * a) - ma * ma, blurred(b * b) - mb * mb, blurred(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    s = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    assert ssim(*two) == pytest.approx(s[5:-5, 5:-5].mean(), abs=1e-6)  # where the window lies inside
    assert ssim(two[0], two[0]) == pytest.approx(1)
    assert math.isnan(ssim(two[0][:10], two[1][:10]))


def test_the_region_is_what_differs_and_8_px_around(two):
    clean = two[1]
    degraded = clean.copy()
    degraded[12, 20, 1] ^= 1
    degraded[30:35, 5:9, 2] ^= 255
    assert np.array_equal(region(degraded, clean), dilation((degraded != clean).any(2), disk(8)))
    assert not region(clean, clean).any()
    assert region(255 - clean, clean).all()


def test_inside_and_outside_of_a_corner(two):
    clean = two[1]
    degraded = clean.copy()
    degraded[:10, :10] = 0
    inside = dilation((degraded != clean).any(2), disk(8)).astype(bool)
    restored = clean.copy()
    restored[inside] = 255 - restored[inside] // 2
    restored[~inside] = np.where(restored[~inside] > 128, restored[~inside] - 3, restored[~inside] + 3)
    row = score(restored, degraded, clean, corner=True)
    assert row["psnr_inside"] == pytest.approx(psnr_by_hand(restored[inside], clean[inside]))
    assert row["input_psnr_inside"] == pytest.approx(psnr_by_hand(degraded[inside], clean[inside]))
    assert row["psnr_outside"] == pytest.approx(10 * math.log10(255**2 / 9))
    assert row["input_psnr_outside"] == math.inf
    assert row["outside_change"] == pytest.approx(3)


def test_where_nothing_lies_inside_or_outside_nothing_is_told_of_it(two):
    clean = two[1]
    everywhere, nowhere = score(clean, 255 - clean, clean, True), score(two[0], clean, clean, True)
    there = {
        name: {key for key in row if "side" in key} for name, row in (("in", everywhere), ("out", nowhere))
    }
    assert there["in"] == {"psnr_inside", "input_psnr_inside"}
    assert there["out"] == {"psnr_outside", "input_psnr_outside", "outside_change"}
    corner = {"psnr": 30.0, "psnr_inside": 20.0, "psnr_outside": 50.0, "outside_change": 0.5}
    found = summary(
        {"a": {"psnr": 20.0, "psnr_inside": 10.0}, "b": corner, "c": corner | {"psnr_inside": 3.0}}
    )
    assert (found["psnr_inside"], found["psnr_outside"], found["photos"]) == (11.0, 50.0, 3)
    assert found["worst_outside_change"] == 0.5
    assert not any("outside" in key for key in summary({"a": {"psnr": 20.0, "psnr_inside": 10.0}}))


@pytest.mark.parametrize("outside", [True, False])
def test_of_a_photo_damaged_all_over_nothing_is_said_of_outside(outside):
    row = {"psnr": 30.0, "psnr_inside": 20.0, "input_psnr_inside": 10.0}
    row |= {"worst_outside_change": 0.5} if outside else {}
    result = {"tasks": {"noise_corner": row}, "five_task_average": None}
    said = next(findings(result))
    assert "10.00 → 20.00 dB inside" in said and said.endswith(".")
    assert ("outside it at most 0.50 grey levels on average" in said) == ("outside" in said) == outside


def test_where_all_five_were_measured_and_have_no_average_the_reason_is_told():
    tasks = {task: {"psnr": 30.0} for task in FIVE} | {"haze": {"psnr": None}}
    said = list(findings({"tasks": tasks, "five_task_average": None}))
    assert said == ["No average of the five tasks, as some photo is exactly the clean one here: haze."]


def test_a_task_is_summed_up_by_mean_and_worst():
    rows = {
        "a": {"psnr": 20.0, "ssim": 0.5, "input_psnr": math.inf, "outside_change": 0.5},
        "b": {"psnr": 30.0, "ssim": 0.7, "input_psnr": math.inf, "outside_change": 0.25},
    }
    assert summary(rows) == {
        "psnr": 25.0, "ssim": 0.6, "input_psnr": None, "worst_psnr": 20.0, "worst_photo": "a", "photos": 2,
        "worst_outside_change": 0.5,
    }  # fmt: skip


def test_photos_that_come_back_to_the_bit_are_counted_and_the_others_have_a_mean():
    def row(psnr, outside):
        return {"psnr": psnr, "psnr_outside": outside, "input_psnr": math.inf, "outside_change": 0.0}

    alone = {"psnr": 80.0, "input_psnr": math.inf}  # without anything outside of its damage
    rows = {"a": row(math.inf, math.inf), "b": row(50.0, math.inf), "c": row(70.0, 60.0), "d": alone}
    found = summary(rows)
    assert found["psnr"] is None is found["input_psnr"] and found["worst_psnr"] == 50.0
    assert (found["others_psnr"], found["same"], found["photos"]) == (pytest.approx(200 / 3, abs=1e-4), 1, 4)
    outside = [found[f"{key}_outside"] for key in ("psnr", "others_psnr", "same", "photos")]
    assert outside == [None, 60.0, 2, 3]
    told = found | {"psnr_inside": 3.0, "input_psnr_inside": 2.0}
    said = list(findings({"tasks": {"clean": told}, "five_task_average": None}))
    assert "outside it nothing changed in 2 of 3 photos, at most 0.00 grey" in said[0]
    assert said[1].startswith("clean: 1 of 4 photos come back exactly as the clean one; ")
    assert said[1].endswith("others is 66.67 dB.")


def test_where_all_come_back_to_the_bit_there_are_no_others():
    found = summary({"a": {"psnr": math.inf, "input_psnr": math.inf}})
    assert (found["psnr"], found["worst_psnr"], found["same"], found["others_psnr"]) == (None, None, 1, None)
    said = next(findings({"tasks": {"clean": found}, "five_task_average": None}))
    assert said == "clean: 1 of 1 photos come back exactly as the clean one."
    assert not any("same" in key or "others" in key for key in summary({"a": {"psnr": 50.0}}))


# Pairs


def test_pairs_made_of_ones_own_photos(folder):
    found = made_pairs(folder)
    assert {p.task for p in found} == set(MADE) and len(found) == 3 * len(MADE)
    for pair in found:
        degraded, clean = pair.load()
        assert np.array_equal(clean, np.asarray(Image.open(folder / pair.name)))
        assert degraded.shape == clean.shape and degraded.dtype == np.uint8
        assert (degraded != clean).any() == (pair.task != "clean")
        if pair.task == "noise_corner":
            assert 0.02 < (degraded == clean).all(2).mean() < 0.98


def test_noise25_is_noise_of_25(folder):
    degraded, clean = made_pairs(folder, tasks=["noise25"])[0].load()
    inner = (clean > 80) & (clean < 175)  # where clipping can't reach
    difference = degraded[inner].astype(int) - clean[inner]
    assert difference.std() == pytest.approx(25, rel=0.05)


def test_a_photos_damage_depends_on_seed_and_task_alone(folder):
    whole = {(p.task, p.name): p.load()[0] for p in made_pairs(folder)}
    for pair in made_pairs(folder, limit=1, tasks=["rain", "noise25"]):
        assert np.array_equal(pair.load()[0], whole[pair.task, pair.name])
    other = made_pairs(folder, limit=1, seed=1, tasks=["noise25"])[0].load()[0]
    assert (other != whole["noise25", "0.png"]).mean() > 0.9


def test_pairs_of_a_folder(tmp_path, folder):
    for pair in made_pairs(folder, limit=2, tasks=["rain", "haze"]):
        for kind, image in zip(("input", "target"), pair.load(), strict=True):
            (tmp_path / pair.task / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(tmp_path / pair.task / kind / pair.name)
    found = pairs(tmp_path)
    assert [(p.task, p.name) for p in found] == [(t, f"{k}.png") for t in ("haze", "rain") for k in (0, 1)]
    made = {(p.task, p.name): p.load() for p in made_pairs(folder)}
    for pair in found:
        assert all(np.array_equal(a, b) for a, b in zip(pair.load(), made[pair.task, pair.name], strict=True))
    assert [(p.task, p.name) for p in pairs(tmp_path, 1, ["rain"])] == [("rain", "0.png")]

    with pytest.raises(FileNotFoundError, match='no task "fog"; it holds: haze, rain'):
        pairs(tmp_path, tasks=["fog"])
    Image.new("RGB", (5, 5)).save(tmp_path / "rain" / "target" / "0.png")
    with pytest.raises(ValueError, match="differ in size"):
        pairs(tmp_path, tasks=["rain"])[0].load()
    (tmp_path / "rain" / "target" / "1.png").unlink()
    with pytest.raises(FileNotFoundError, match="1.png has no clean counterpart"):
        pairs(tmp_path)


def test_folders_without_pairs_or_photos(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match="no <task>/input folder"):
        pairs(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no photos"):
        made_pairs(tmp_path)
    with pytest.raises(ValueError, match='No task is called "fog"; choose from clean, noise25'):
        made_pairs(folder, tasks=["fog"])


# The benchmark


def test_a_network_that_changes_nothing_scores_what_its_input_scores(untouched, folder):
    result = evaluate(untouched, made_pairs(folder, limit=2), quiet=True)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(result["tasks"]) == set(MADE)
    for task, row in result["tasks"].items():
        assert row["psnr"] == row["input_psnr"] and row["photos"] == 2
        assert (row["psnr"] is None) == (task == "clean")
        if task.endswith("_corner"):
            assert row["psnr_inside"] == row["input_psnr_inside"] < row["psnr"]
            assert row["psnr_outside"] is None and row["worst_outside_change"] == 0
        else:
            assert "psnr_inside" not in row
    five = [result["tasks"][task]["psnr"] for task in FIVE]
    assert result["five_task_average"] == pytest.approx(np.mean(five), abs=1e-3)
    del five[list(FIVE).index("haze")]
    assert result["four_task_average_without_haze"] == pytest.approx(np.mean(five), abs=1e-3)


def test_scores_and_routes_are_those_of_restore(model, folder):
    found = made_pairs(folder, tasks=["noise25", "haze", "haze+rain"])
    model = copy.deepcopy(model)  # with three places where a photo of each task surely lies
    first = {p.task: restore(p.load()[0], model).z for p in reversed(found)}
    for task, place in (("noise25", "noise"), ("haze", "haze"), ("haze+rain", "rain")):
        model.compass.centres[PLACES.index(place)] = first[task]
    result = evaluate(model, found, quiet=True)
    got = {(p.task, p.name): restore(p.load()[0], model) for p in found}
    by_hand = {
        (p.task, p.name): psnr_by_hand(as_bytes(got[p.task, p.name].image), p.load()[1]) for p in found
    }
    for task, row in result["tasks"].items():
        scores = {name: v for (t, name), v in by_hand.items() if t == task}
        assert row["psnr"] == pytest.approx(np.mean(list(scores.values())), abs=1e-3)
        assert row["worst_psnr"] == pytest.approx(min(scores.values()), abs=1e-3)
        assert row["worst_photo"] == min(scores, key=scores.get)
        places = [r.nearest for (t, _), r in got.items() if t == task]
        assert result["routing"]["places"][task] == {p: places.count(p) for p in places}
    assert len({r.nearest for r in got.values()}) > 1  # else the test would prove little
    right = [r.nearest == FIVE[t] for (t, _), r in got.items() if t in FIVE]
    assert result["routing"]["accuracy"] == pytest.approx(np.mean(right), abs=1e-4)
    assert result["routing"]["paths"] == len({r.path for r in got.values()})
    assert result["five_task_average"] is None  # not all five were measured


def test_accuracy_counts_the_five_tasks_only():
    told = {
        "noise25": [("noise", "0-1", False), ("rain", "0-1", False)],
        "haze": [("haze", "1-1", False), ("haze", "0-0", False)],
        "haze+rain": [("clean", "2-2", True)],
    }
    assert routing(told) == {
        "accuracy": 0.75,
        "paths": 4,
        "places": {"noise25": {"noise": 1, "rain": 1}, "haze": {"haze": 2}, "haze+rain": {"clean": 1}},
        "paths_by_task": {"noise25": 1, "haze": 2, "haze+rain": 1},
        "again": {"haze+rain": 1},
    }
    assert routing({"clean": [("clean", "0-0", False)]})["accuracy"] is None


def test_a_generalist_is_measured_too(folder):
    torch.manual_seed(0)
    generalist = Generalist(Config(experts=1, width=4)).train()
    (pair,) = made_pairs(folder, limit=1, tasks=["rain"])
    result = evaluate(generalist, [pair], quiet=True)
    degraded, clean = pair.load()
    with torch.no_grad():
        by_hand = generalist(as_photo(degraded)[None])[0]
    assert result["tasks"]["rain"]["psnr"] == pytest.approx(psnr_by_hand(as_bytes(by_hand), clean), abs=1e-3)
    assert "routing" not in result and generalist.training


def test_the_second_look_is_what_is_scored(model, folder, monkeypatch):
    given = []

    def white(got, by):
        given.append(by)
        return replace(got, image=torch.ones_like(got.image), then=got)

    monkeypatch.setattr(module, "look_again", white)
    found = made_pairs(folder, limit=1, tasks=["noise25", "haze"])
    result = evaluate(model, found, quiet=True, again=True)
    for pair in found:
        clean = pair.load()[1]
        expected = psnr_by_hand(np.full_like(clean, 255), clean)
        assert result["tasks"][pair.task]["psnr"] == pytest.approx(expected, abs=1e-3)
    assert result["routing"]["again"] == {"noise25": 1, "haze": 1}
    assert len(given) == 2 and all(by is model for by in given)


def test_there_must_be_something_to_measure(untouched):
    with pytest.raises(ValueError, match="no pair"):
        evaluate(untouched, [], quiet=True)


# Patch by patch


@pytest.mark.parametrize("at_once", [1, 64])
def test_each_tile_is_restored_as_a_photo_of_its_own(model, monkeypatch, at_once):
    monkeypatch.setattr(patches, "BATCH", at_once)
    photo = torch.rand(3, 70, 100, generator=torch.Generator().manual_seed(0))
    found = by_patches(model, photo, 32)
    assert found.shape == photo.shape
    for y in range(0, 70, 32):
        for x in range(0, 100, 32):
            tile = photo[:, y : y + 32, x : x + 32]
            assert torch.allclose(found[:, y : y + 32, x : x + 32], restore(tile, model).image, atol=1e-5)
    assert not torch.allclose(found, restore(photo, model).image, atol=1e-2)


def test_photos_of_tiles_are_scored_like_whole_ones(model, folder):
    found = made_pairs(folder, limit=2, tasks=["haze"])
    result = patchwise(model, found, 32, quiet=True)
    by_hand = [
        psnr_by_hand(as_bytes(by_patches(model, as_photo(d), 32)), c) for d, c in (p.load() for p in found)
    ]
    assert result["haze"]["psnr"] == pytest.approx(np.mean(by_hand), abs=1e-3)
    assert result["haze"].keys() == evaluate(model, found, quiet=True)["tasks"]["haze"].keys()


def test_places_of_tiles(model, folder):
    found = made_pairs(folder, tasks=["clean", "haze", "noise25", "haze+rain"])
    result = patch_places(model, found, 32, quiet=True)
    five, six, places = [], [], {}
    for pair in found:
        photo = as_photo(pair.load()[0])
        for y in range(0, photo.shape[1] - 31, 32):
            for x in range(0, photo.shape[2] - 31, 32):
                place = restore(photo[:, y : y + 32, x : x + 32], model).place
                nearest = sorted(place, key=place.get)
                if pair.task in ("clean", "haze", "noise25"):
                    places.setdefault(pair.task, []).append(nearest[0])
                if pair.task in FIVE:
                    six.append(nearest[0] == FIVE[pair.task])
                    five.append([p for p in nearest if p != "clean"][0] == FIVE[pair.task])
    assert result["places"] == {task: {p: v.count(p) for p in v} for task, v in places.items()}
    assert result["patches"] == len(five) and len({p for v in places.values() for p in v}) > 2
    assert result["among_five"] == pytest.approx(np.mean(five), abs=1e-4)
    assert result["among_six"] == pytest.approx(np.mean(six), abs=1e-4)


def test_places_of_photos_that_hold_no_whole_tile(model):
    small = np.zeros((20, 20, 3), np.uint8)
    result = patch_places(model, [Pair("rain", "small", lambda: (small, small))], quiet=True)
    assert result == {"among_five": None, "among_six": None, "patches": 0, "places": {}}
