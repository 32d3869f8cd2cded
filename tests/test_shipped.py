"""Classical tools and the shipped weights: what measures them, and a page that says what was measured."""

import json
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from scripts import of

from slerir_lite import classical
from slerir_lite.degrade import convolve, motion_kernel
from slerir_lite.evaluate import psnr
from slerir_lite.leaves import dead_leaves
from slerir_lite.pairs import FIVE
from slerir_lite.photo import as_bytes, as_photo

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "claims.md").read_text("utf-8")


def measured(name: str) -> dict:
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text("utf-8"))


# Measuring


@pytest.mark.parametrize("length", [9.0, 17.0])
def test_the_path_is_found_from_a_photo_and_its_blurred_copy(length):
    true = motion_kernel(torch.tensor([length]), torch.tensor([0.5]), torch.tensor([0.6]))
    clean = dead_leaves(320, 3)[:, :, :280].float()[None] / 255
    blurred = convolve(clean, true)
    noisy = blurred + torch.randn(blurred.shape, generator=torch.Generator().manual_seed(0)) / 255
    degraded, target = as_bytes(noisy[0]), as_bytes(clean[0])
    found = of("references").kernel(degraded, target)
    edge = (found.shape[-1] - true.shape[-1]) // 2
    wide = torch.nn.functional.pad(true, (edge,) * 4) if edge >= 0 else true[:, -edge:edge, -edge:edge]
    assert float((found - wide).abs().sum()) < 0.25 and float(found.sum()) == pytest.approx(1)
    by = {
        name: psnr(as_bytes(classical.wiener(as_photo(degraded)[None], k)[0]), target)
        for name, k in (("true", true), ("found", found))
    }
    assert by["found"] > by["true"] - 0.1 and by["found"] > psnr(degraded, target) + 2


def test_each_tool_of_the_toolbox_is_measured_and_told_what_it_needs():
    references = of("references")
    used = {tool.__name__ for tools in references.TOOLS.values() for tool in tools.values()}
    assert used == {"non_local_means", "wavelet", "median", "wiener", "richardson_lucy", "gamma", "clahe",
                    "dehaze"}  # fmt: skip
    photo = as_bytes(dead_leaves(32, 1).float() / 255)
    assert references.told("noise50", photo, photo) == (50,)
    assert references.told("haze_dense", photo, photo) == ()
    assert references.told("blur_long", photo, photo)[0].shape == (1, references.SIDE, references.SIDE)


def test_what_is_done_is_kept_and_not_redone(tmp_path):
    fill, file, calls = of("parts").fill, tmp_path / "found.json", []

    def stopped():
        raise KeyboardInterrupt

    parts = {"a": lambda: calls.append("a") or 1, "b": stopped}
    with pytest.raises(KeyboardInterrupt):
        fill(file, 2, parts)
    assert json.loads(file.read_text())["parts"] == {"a": 1}
    fill(file, 2, parts | {"b": lambda: calls.append("b") or [2]})
    found = json.loads(file.read_text())
    assert found["parts"] == {"a": 1, "b": [2]} and calls == ["a", "b"] and found["limit"] == 2
    with pytest.raises(SystemExit, match="limit 2"):
        fill(file, 3, parts)


# Tables and picture


def test_a_tool_is_compared_only_on_the_networks_photos():
    row = {"photos": 4, "input_psnr": 20.0, "psnr": 25.0, "ssim": 0.7}
    found = {"parts": {"noise25": {"tool": row, "other": row | {"input_psnr": 19.0}}}}
    scores = {"tasks": {"noise25": row | {"psnr": 30.5, "ssim": 0.9}}}
    text = of("report_shipped").references_table(found, scores)
    assert "| noise25 | tool | 20.00 | 25.00 | 0.700 | 30.50 | 0.900 | +5.50 |" in text
    assert "| noise25 | other | 19.00 | 25.00 | 0.700 | – | – | – |" in text


def test_a_map_is_the_mean_over_tasks():
    rows = [{"task": t, "layer": y, "expert": x, "size": 10 * y + x + t}
            for t in range(5) for y in range(2) for x in range(3)]  # fmt: skip
    assert np.allclose(of("report_shipped").means(rows, "size"), [[2, 3, 4], [12, 13, 14]])


def test_what_another_places_path_costs_is_a_mean_over_networks_and_places():
    one = {"noise25": {"noise": 30.0, "clean": 28.0, "rain": 27.0}}
    other = {"noise25": {"noise": 32.0, "clean": 32.0, "rain": 29.0}}
    lost, told = of("report_shipped").lost, of("report_shipped").over_networks
    both = lost([one, other], "noise25", "noise")
    assert both == [(30, 2.5, 3), (32, 1.5, 3)]
    assert told(both) == ["31.00 ± 12.71", "2.00 ± 6.35", "3.00 ± 0.00"]  # of two, 12.7 standard errors
    assert told(both[:1]) == ["30.00", "2.50", "3.00"] and told([]) == ["–", "–", "–"]


def test_the_page_says_what_was_measured():
    assert of("report_shipped").rewritten() == PAGE, "run `python benchmarks/report_shipped.py`"
    marks = {name for _, name, _ in of("report_shipped").MARKED.findall(PAGE)}
    assert marks == {
        "references",
        "exchange",
        *(f"shipped:{of}" for of in ("aims", "C5", "C6", "C8", "crowding", "specialists")),
    }
    tables = re.findall(r"(?:^\|.*\n?)+", PAGE, re.M)
    assert all(len({line.count("|") for line in table.splitlines()}) == 1 for table in tables)


def test_the_picture_shows_what_was_measured_and_has_words_in_its_place():
    report = of("report_shipped")
    file = ROOT / report.PICTURE
    pinned = re.findall(r"^matplotlib==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.M)
    rows = measured("shipped")["parts"].get("specialists")
    assert file.exists() == bool(rows)
    if rows and metadata.version("matplotlib") in pinned:  # another version may draw otherwise
        assert report.picture(rows) == file.read_bytes()
    assert re.match(r"!\[.{60,}\]\(pictures/specialists\.png\)$", report.SEEN)


def test_the_curve_is_drawn_from_the_file_that_comes_with_the_weights():
    report = of("report_shipped")
    runs = json.loads(report.CURVES.read_text())
    pinned = re.findall(r"^matplotlib==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.M)
    if metadata.version("matplotlib") in pinned:  # another version may draw otherwise
        assert report.curve(runs) == (ROOT / report.CURVE).read_bytes()
    told = [name for name, lines in runs.items() if sum("psnr" in line for line in lines) >= report.SMOOTH]
    assert len(told) == 13 and "in thirteen runs" in PAGE


def test_what_is_said_of_the_aims_is_so():
    aims, tasks = of("report_shipped").AIMS, measured("scores")["tasks"]
    over = {task: tasks[task]["psnr"] - aim for task, aim in aims.items()}
    assert over["haze"] > 0 and over["lowlight"] > 0 and -0.1 < over["noise25"] < 0
    assert over["rain"] < -1 and over["blur"] < -1 and "rain and blur by more than 1 dB" in PAGE


# Prose


def test_what_is_said_of_exchanged_specialists_is_so():
    networks = measured("exchange")["parts"]
    shipped = [networks.pop("shipped")]
    short, long = ({task: np.mean(of("report_shipped").lost(net, task, FIVE[task]), 0)[1] for task in FIVE}
                   for net in (list(networks.values()), shipped))  # fmt: skip
    parted = sorted(f"{short.pop(task):.1f}" for task in ("noise25", "rain", "lowlight"))
    assert f"another's path costs {parted[0]} to {parted[-1]} dB" in PAGE
    assert max(short.values()) < 1 and "In haze and blur it costs less than 1 dB" in PAGE
    assert f"costs {min(long.values()):.0f} to {max(long.values()):.0f} dB in every task" in PAGE


def test_what_is_said_of_tiles_is_so():
    found = measured("patches")
    gap = {
        t: found["tasks"][t]["psnr"] - row["psnr"]
        for t, row in found["patches"]["tasks"].items()
        if t != "clean"
    }
    most, least = (of_(gap, key=gap.get).removesuffix("25") for of_ in (max, min))
    assert min(gap.values()) > 0 and f"most so in {most}, least in {least}" in PAGE


def test_what_is_said_of_mixes_is_so():
    found = measured("shipped")["parts"]["mixes"]
    for mix, row in found.items():
        mixed = row["psnr"]["own"] - row["psnr"]["named"]
        assert row["third"] == 0 and (row["photos_with_both"] > 0) == (mix == "lowlight+noise")
        if mix == "lowlight+noise":
            assert f"gain {mixed:.1f} dB over the named" in PAGE
        else:
            assert abs(mixed) < 0.01
        assert mix == "lowlight+noise" or {row["first"], row["second"]} == {0, 1}
    more = {mix: row["psnr"]["in a row"] - row["psnr"]["own"] for mix, row in found.items()}
    gives = [f"{abs(more[mix]):.0f} dB" for mix in ("haze+noise", "haze+rain", "lowlight+blur")]
    assert f"gives {gives[0]} more for haze+noise and {gives[1]} for haze+rain" in PAGE
    assert more["lowlight+blur"] < 0 and f"{gives[2]} less for lowlight+blur" in PAGE
    log = (ROOT / "benchmarks" / "log.md").read_text("utf-8")
    assert f"haze+noise gains {more['haze+noise']:.1f} dB" in log


def test_what_is_said_of_mixed_paths_in_hindsight_is_so():
    parts = measured("shipped")["parts"]
    parent = {mix: row["parent"] for mix, row in parts["hindsight"].items()}
    gain = {mix: row["found"] - parent[mix] for mix, row in parts["hindsight"].items()}
    assert min(gain.values()) >= 0 and f"gains at most {max(gain.values()):.1f} dB over the first" in PAGE
    missed = {mix: parent[mix] - parts["mixes"][mix]["psnr"]["own"] for mix in parent}
    dark = [missed.pop(mix) for mix in ("lowlight+blur", "lowlight+noise")]
    assert f"{dark[0]:.1f} dB with blur and {dark[1]:.1f} dB with noise" in PAGE
    assert max(missed.values()) < 0.1


def test_what_is_said_of_paths_is_so():
    every = measured("scores")["routing"]["paths_by_task"]
    alone = sum(paths == 1 for paths in every.values())
    assert f"of the {len(every)} tasks {alone} take one and the same path in all 68 photos" in PAGE
    assert f"The {measured('scores')['routing']['paths']} paths" in PAGE
    many = [task for task, paths in every.items() if paths > 5]
    assert many == ["lowlight+noise", "rain+blur", "rain_corner"]


def test_what_is_said_of_crowding_is_so():
    found = measured("shipped")["parts"]["crowding"]
    away, spare = (sorted(row[key] for row in found.values()) for key in ("away", "spare"))
    assert f"lie {away[0]:.0f} to {away[-1]:.0f}° from their place" in PAGE
    assert f"is {spare[0]:.0f} to {spare[-1]:.0f}° farther than the best" in PAGE
    assert spare[0] / 2 > 20 > away[-1]  # no angle changes by more than z turns: a margin, by twice that
    other = {task: 1 - row["on_path"] for task, row in found.items()}
    assert 0.15 < other.pop("haze_light") < 0.25 and max(other.values()) < 0.02


def test_what_is_said_of_classical_tools_is_so():
    found, ours = measured("references")["parts"], measured("scores")["tasks"]
    for task, tools in found.items():
        for row in tools.values():
            assert row["photos"] == ours[task]["photos"] and row["input_psnr"] == ours[task]["input_psnr"]
            assert (row["psnr"] > ours[task]["psnr"]) == task.startswith("blur")
    done = set(found) == set(of("references").TOOLS)
    assert done != ("Tasks that are not in the table are not measured yet." in PAGE)
