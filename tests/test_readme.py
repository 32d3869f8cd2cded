"""The README tells what is so: its scores, its commands, its example, its files."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slerir_lite.cli import app
from slerir_lite.pairs import FIVE

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
STEP = "a training step of 20 crops of 64 x 64"

spec = importlib.util.spec_from_file_location("tables", ROOT / "benchmarks" / "tables.py")
tables = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tables)

SCORES = {
    "tasks": {
        "noise25": {"psnr": 29.614, "ssim": 0.8513, "worst_psnr": 27.02, "input_psnr": 20.53, "photos": 68},
        "clean": {"psnr": None, "ssim": 1.0, "worst_psnr": 45.5, "input_psnr": None, "photos": 68},
    },
    "five_task_average": 24.321,
    "routing": {"accuracy": 0.9941, "paths": 1234},
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("page", tables.PAGES)
def test_the_scores_are_those_of_the_benchmark(page):
    assert tables.rewritten(page) == (ROOT / page).read_text("utf-8"), "run `python benchmarks/tables.py`"


def test_a_table_has_a_row_for_each_task_and_the_sums_below():
    text = tables.table(SCORES)
    assert "| noise25 | 68 | 20.53 | 29.61 | +9.08 | 0.851 | 27.02 |" in text
    assert "| clean | 68 | – | – | – | 1.000 | 45.50 |" in text
    assert text.endswith(
        "Mean PSNR over the five tasks: 24.32 dB; degradation named rightly in 99.4 % of the five tasks' "
        "photos; 1,234 different paths taken over all tasks."
    )
    assert len({line.count("|") for line in text.splitlines() if "|" in line}) == 1


def test_new_scores_reach_the_readme(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "README.md").write_text("a\n<!-- scores -->old<!-- /scores -->\nb\n")
    assert "Not measured yet" in tables.rewritten(root=tmp_path)
    (tmp_path / "benchmarks" / "scores.json").write_text(json.dumps(SCORES))
    new = tables.rewritten(root=tmp_path)
    assert new.startswith("a\n<!-- scores -->\n| task |") and new.endswith("<!-- /scores -->\nb\n")
    (tmp_path / "README.md").write_text(new)
    assert tables.rewritten(root=tmp_path) == new
    (tmp_path / "README.md").write_text("no marks")
    with pytest.raises(ValueError, match="has no"):
        tables.rewritten(root=tmp_path)


def measured(name: str) -> dict:
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text("utf-8"))


def test_figures_in_the_prose_are_the_files():
    again = measured("scores")["routing"]["again"]
    assert f"taken in {again['haze+noise']} of the 68 photos of haze+noise" in README
    assert "lowlight+noise" not in again and "and in none of lowlight+noise" in README
    most = {}
    for row in measured("large")["from file to file"]:  # with one thread and with two
        most[row["megapixels"]] = max(most.get(row["megapixels"], 0), row["MB at most"] / 1000)
    assert f"{most[24]:.1f} GB for a JPEG of that size" in README
    assert f"{most[48]:.1f} GB for 48 megapixels and {most[100]:.1f} GB for 100" in README
    mine = [r for r in measured("large")["rows"] if (r["megapixels"], r["threads"]) == (24, 2)]
    seconds = {row["motion"]: f"{row['seconds']:.0f}" for row in mine}
    assert f"takes {seconds['none']} seconds for 24 megapixels, {seconds['undone']} where blur" in README
    corners = [row for row in measured("scores")["tasks"].values() if "same_outside" in row]
    kept, all_of_them = (sum(row[key] for row in corners) for key in ("same_outside", "photos_outside"))
    assert f"nothing at all is changed there in {kept} of {all_of_them} photos" in README
    worst = max(row["worst_outside_change"] for row in corners)
    assert f"in the worst photo by {worst:.1f} grey levels on average" in README
    hours = [20_000 * measured(f)[STEP]["slerir_ms"] / 3.6e6 for f in ("cost", "cost_avx2")]
    assert f"{60 * hours[0]:.0f} minutes on two CPU cores with AVX-512" in README
    assert round(hours[1]) == 2 and "and two hours without" in README
    speed = [measured("together")[f"photos a second, {how}"] for how in ("together", "one by one")]
    assert f"({speed[0]:.1f} against {speed[1]:.1f} small photos a second" in README


def test_what_is_said_of_cameras_is_so():
    found = measured("camera")
    saved, grainy = found["JPEG, quality 95"], found["grain of sigma 2"]
    right = {task: row.get(FIVE.get(task, task), 0) for task, row in saved["places"].items()}
    assert all(right[task] == 34 for task in ("noise25", "rain", "lowlight"))
    assert "Of 34 photos each" in README and "all noisy, rainy and dark ones rightly" in README
    assert f"rightly, {right['haze']} hazy ones and {right['blur']} blurred ones" in README
    gain = {task: f"{row['psnr'] - row['input_psnr']:.1f}" for task, row in saved["tasks"].items()}
    assert f"noisy photos gain {gain['noise25']} dB, dark ones {gain['lowlight']}," in README
    assert f"hazy ones {gain['haze']}, rainy ones {gain['rain']} and blurred ones {gain['blur']} (" in README
    blur = measured("scores")["tasks"]["blur"]
    assert f"as PNG all 68 blurred photos gain {blur['psnr'] - blur['input_psnr']:.1f})" in README
    assert saved["tasks"]["clean"]["worst_psnr"] >= 40 and "(40 dB and more)" in README
    clean = grainy["tasks"]["clean"]
    assert f"clean photos lose {clean['input_psnr'] - clean['psnr']:.1f} dB on average" in README
    lost = {name: f"{row['tasks']['blur']['psnr'] - row['tasks']['blur']['input_psnr']:.1f}"
            for name, row in found.items() if name != "machine"}  # fmt: skip
    card = (ROOT / "slerir_lite" / "pretrained" / "MODEL_CARD.md").read_text("utf-8")
    assert (
        f"{34 - right['blur']} of 34 are taken for clean, and they gain {lost['JPEG, quality 95']} dB" in card
    )
    said = f"come back at {clean['psnr']:.1f} dB instead of {clean['input_psnr']:.1f}, the worst at"
    assert f"{said} {clean['worst_psnr']:.1f}" in card


def test_the_yardstick_is_frozen():
    """Every score is measured on what this script makes; another script would be another benchmark."""
    script = (ROOT / "benchmarks" / "make_benchmark.py").read_bytes()
    assert hashlib.sha256(script).hexdigest() == (
        "298953b677f337d3c65e8def4d0164c0daceb213572c676d238149b047114e54"
    )


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    first, second = blocks("python")
    shutil.copy(ROOT / "data_samples" / "clean" / "cat.png", tmp_path / "photo.jpg")  # told by its content
    monkeypatch.chdir(tmp_path)
    for example in (first, second):
        exec(compile(example, "README.md", "exec"), {})
    assert (tmp_path / "restored.png").exists() and (tmp_path / "restored.tif").exists()
    assert re.search(r"\d(-\d){7}", capsys.readouterr().out)


def test_every_command_is_there():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`make (\w+)`", README):
        assert f"\n{target}:" in makefile
    helps = {}
    for line in "".join(blocks("sh")).splitlines():
        name, command, *rest = line.split()
        if name in ("python3", "pip"):  # the installation
            extras = re.findall(r"\.\[(\w+)\]", line)
            assert all(f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text("utf-8") for extra in extras)
            continue
        if name == "jupyter":
            assert command == "lab" and all((ROOT / notebook).exists() for notebook in rest)
            continue
        assert name == "slerir"
        if command not in helps:
            result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
            assert result.exit_code == 0
            helps[command] = result.output
        for option in (word for word in rest if word.startswith("-")):
            assert re.search(rf"(^|\s){option}\b", helps[command], re.MULTILINE), (command, option)


def test_everything_in_the_layout_exists():
    (layout,) = re.findall(r"```\n(slerir_lite/\n.*?)```", README, re.DOTALL)
    folder, named = ROOT, []
    for line in layout.splitlines():
        entry = line.split()[0]
        folder = folder if line.startswith(" ") else ROOT / entry
        named.append(folder / entry if line.startswith(" ") else folder)
    assert len(named) > 15
    assert [p for p in named if not p.exists()] == []


def test_every_link_within_the_repository_leads_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert "docs/pictures/restored.png" in links
    assert [link for link in links if not os.path.exists(ROOT / link)] == []


def test_every_picture_has_alt_text():
    assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]", README))


def test_a_row_of_which_some_photos_are_the_same_tells_of_the_others_and_how_many_they_are():
    of = {"psnr": None, "others_psnr": 61.5, "same": 3, "photos": 5, "ssim": 1.0, "worst_psnr": 50.0}
    assert tables.row("clean", of) == "| clean | 5 | – | 61.50 (2 of 5) | – | 1.000 | 50.00 |"
    all_same = of | {"others_psnr": None, "same": 5, "worst_psnr": None}
    assert tables.row("clean", all_same) == "| clean | 5 | – | – | – | 1.000 | – |"
    corner = {"psnr": 30.0, "photos": 5, "same_outside": 2, "photos_outside": 4}
    told = tables.table({"tasks": {"clean": of, "rain_corner": corner}})
    assert "3 of 5 of clean come back exactly as they were, and the row tells of the others; " in told
    assert told.endswith("; 2 of 4 of rain_corner have not a bit changed outside the damage.")
