"""The commands, as a person types them: what they write, show, refuse, and exit with."""

import dataclasses
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from slerir_lite import ahead, evaluate, jobs, sixteen, train
from slerir_lite.ahead import Ahead
from slerir_lite.cli import app
from slerir_lite.crops import Crops
from slerir_lite.leaves import dead_leaves
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.photo import Picture, as_bytes, read_picture, write_photo
from slerir_lite.restore import restore
from slerir_lite.weights import load_weights, save_weights
from slerir_lite.worklist import find_clean, plan


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(SlerIR(Config(width=8, tokens=16)), path)
    return path


@pytest.fixture
def here(tmp_path, monkeypatch, photos):
    """A folder to stand in: broken/coffee__noise.png, broken/tree.jpg, clean/coffee.png, clean/tree.jpg."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    rng = np.random.default_rng(0)
    for name, k in (("coffee", 0), ("tree", 1)):
        clean = photos.images[k][:, :40, :48].permute(1, 2, 0).numpy()
        broken = (clean + rng.normal(0, 25, clean.shape)).clip(0, 255).astype(np.uint8)
        for folder, image in (("clean", clean), ("broken", broken)):
            (tmp_path / folder).mkdir(exist_ok=True)
            file = {"coffee": "coffee.png", "tree": "tree.jpg"}[name]
            file = "coffee__noise.png" if (folder, name) == ("broken", "coffee") else file
            Image.fromarray(image).save(tmp_path / folder / file)
    return tmp_path


def slerir(*arguments, code: int = 0):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def files(folder) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


# restore


def test_a_photo_to_a_folder(here, weights):
    result = slerir("restore", "broken/coffee__noise.png", "-o", "out/deep", "--weights", weights)
    expected = restore(here / "broken/coffee__noise.png", load_weights(weights))
    written = np.asarray(Image.open(here / "out/deep/coffee__noise.png"))
    assert np.array_equal(written, as_bytes(expected.image))
    assert "coffee__noise.png" in result.stdout and expected.path in result.stdout
    assert expected.nearest in result.stdout


def test_a_photo_to_a_file(here, weights):
    slerir("restore", "broken/coffee__noise.png", "-o", "result.jpg", "--weights", weights)
    assert Image.open(here / "result.jpg").format == "JPEG"


def test_a_folder_with_clean_photos_and_a_report(here, weights):
    result = slerir(
        "restore", "broken", "-o", "out", "--clean", "clean", "--json", "r.json", "--weights", weights
    )
    assert files(here / "out") == ["coffee__noise.png", "tree.jpg"]
    report = json.loads((here / "r.json").read_text())
    assert report["failed"] == []
    for row, clean in zip(report["restored"], ("coffee.png", "tree.jpg"), strict=True):
        goal = np.asarray(Image.open(here / "clean" / clean).convert("RGB"), float)
        before = np.asarray(Image.open(row["photo"]).convert("RGB"), float)
        assert row["psnr_before"] == pytest.approx(
            10 * np.log10(255**2 / np.mean((before - goal) ** 2)), abs=1e-3
        )
        assert f"{row['psnr_before']:.2f}" in result.stdout and f"{row['psnr_after']:.2f}" in result.stdout
        assert row["path"].count("-") == 7 and len(row["z"]) == 5 and row["seconds"] >= 0


def test_bad_files_are_listed_and_the_good_ones_done(here, weights):
    (here / "broken/empty.png").write_bytes(b"")
    (here / "broken/text.png").write_text("hello")
    result = slerir(
        "restore", "broken", "none.png", "-o", "out", "--json", "r.json", "--weights", weights, code=1
    )
    assert files(here / "out") == ["coffee__noise.png", "tree.jpg"]
    for text in ("empty.png is empty", "text.png is not an image", "no file none.png", "2 restored, 3 not"):
        assert text in result.stderr
    report = json.loads((here / "r.json").read_text())
    assert [len(report[key]) for key in ("restored", "failed")] == [2, 3]


def test_what_is_there_stays_unless_told_otherwise(here, weights):
    photo = here / "broken/coffee__noise.png"
    before = photo.read_bytes()
    result = slerir("restore", photo, "-o", "broken", "--weights", weights, code=1)
    assert "is the photo itself; --overwrite would replace it" in result.stderr
    (here / "other.png").write_bytes(b"precious")
    result = slerir("restore", photo, "-o", "other.png", "--weights", weights, code=1)
    assert "other.png is already there" in result.stderr
    assert photo.read_bytes() == before and (here / "other.png").read_bytes() == b"precious"
    slerir("restore", photo, "-o", "other.png", "--weights", weights, "--overwrite")
    assert Image.open(here / "other.png").size == (48, 40)


def test_a_clean_photo_of_another_size(here, weights):
    Image.new("RGB", (9, 9)).save(here / "nine.png")
    result = slerir("restore", "broken/tree.jpg", "-o", "out", "--clean", "nine.png", "--weights", weights)
    assert "not compared: the clean photo nine.png is 9 x 9, but it is 48 x 40" in result.stderr
    assert files(here / "out") == ["tree.jpg"] and "–" in result.stdout


def test_a_clean_photo_that_is_damaged_costs_the_comparison_and_no_more(here, weights):
    (here / "bad.png").write_bytes((here / "clean/coffee.png").read_bytes()[:99])
    result = slerir("restore", "broken/tree.jpg", "-o", "out", "--clean", "bad.png", "--weights", weights)
    assert "not compared: bad.png is damaged" in result.stderr and files(here / "out") == ["tree.jpg"]


def test_a_photo_without_a_clean_one_is_restored_all_the_same(here, weights):
    (here / "clean/tree.jpg").unlink()
    result = slerir("restore", "broken", "-o", "out", "--clean", "clean", "--weights", weights)
    assert files(here / "out") == ["coffee__noise.png", "tree.jpg"] and "–" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["broken", "-o", "one.png"], "one.png is one file, but there are several photos: give a folder"),
        (["broken", "-o", "out", "--clean", "nowhere"], "There is no nowhere"),
        (["broken", "clean", "-o", "out"], "would both become"),
        (["broken", "-o", "out", "--weights", "none.safetensors"], "no weights file none.safetensors"),
        (["broken", "-o", "out", "--weights", "clean/coffee.png"], "not a safetensors file"),
        (["broken", "-o", "out", "--device", "abacus"], 'Device "abacus" is none that this can compute on'),
        (["broken", "-o", "out", "--device", "meta"], 'Device "meta" is none that this can compute on'),
        (["broken", "-o", "out", "--device", "mps"], 'Device "mps" lacks an operation'),
        (["broken/tree.jpg", "-o", "tree.gif"], "tree.gif can't be written: an image's name must end in"),
    ],
)
def test_what_cant_be_is_said_in_one_line(here, weights, arguments, message):
    more = [] if "--weights" in arguments else ["--weights", weights]
    result = slerir("restore", *arguments, *more, code=1)
    assert message in result.stderr and "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_generalists_weights_cant_restore(here):
    save_weights(Generalist(Config(experts=1, width=4)), here / "g.safetensors")
    result = slerir("restore", "broken", "-o", "out", "--weights", "g.safetensors", code=1)
    assert "holds a Generalist" in result.stderr


def test_an_empty_folder(here):
    (here / "empty").mkdir()
    result = slerir("restore", "empty", "-o", "out", code=1)
    assert "empty holds no photos" in result.stderr and not (here / "out").exists()


def test_the_plan(here):
    (here / "a.gif").touch()
    work = plan([here / "a.gif", here / "a.gif"], here / "out")
    assert work.jobs == [(here / "a.gif", here / "out/a.png")]  # GIFs are read, not written
    assert not work.failed and not work.skipped


def test_which_clean_photo_belongs_to_which(here):
    for name in ("cat.png", "cat.txt", "dog__noise.jpg", "dog.png", "tree.png"):
        (here / "clean" / name).touch()
    clean = here / "clean"
    cases = {
        "coffee__haze.png": "coffee.png", "tree.jpg": "tree.jpg", "tree.bmp": "tree.jpg",
        "cat__x__y.jpg": "cat.png", "dog__noise.png": "dog__noise.jpg", "dog__rain.png": "dog.png",
    }  # fmt: skip
    for photo, goal in cases.items():
        assert find_clean(here / photo, clean) == clean / goal, photo
    assert find_clean(here / "bird.png", clean) is None
    assert find_clean(here / "bird.png", clean / "cat.png") == clean / "cat.png"
    assert find_clean(here / "bird.png", None) is None


def test_all_that_a_photo_has_comes_out_again(here, weights):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", 6
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 4)).astype(np.uint16)
    (here / "deep.png").write_bytes(sixteen.png(deep, exif=exif.tobytes(), icc_profile=b"profile"))
    slerir("restore", "deep.png", "-o", "out/deep.tif", "--weights", weights, "--strength", 0)
    before, after = read_picture(here / "deep.png"), read_picture(here / "out/deep.tif")
    assert torch.equal(after.pixels, before.pixels) and np.array_equal(after.alpha, before.alpha)
    assert after.bits == 16 and after.icc == b"profile" and b"A camera" in after.exif
    assert after.pixels.shape == (3, 30, 20)


def test_what_could_not_be_kept_is_told_and_reported(here, weights):
    Image.new("RGBA", (9, 9), (9, 9, 9, 99)).save(here / "see.png")
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(here / "two.gif", save_all=True, append_images=frames[1:])
    result = slerir("restore", "see.png", "-o", "see.jpg", "--json", "r.json", "--weights", weights)
    (row,) = json.loads((here / "r.json").read_text())["restored"]
    assert "JPEG holds no transparency" in row["notes"][0] and f"see.png: {row['notes'][0]}" in result.stderr
    result = slerir("restore", "two.gif", "-o", "out", "--weights", weights)
    assert "two.gif: It holds 2 pictures; only the first is restored." in result.stderr
    assert files(here / "out") == ["two.png"]


def test_thin_photos_are_restored(here, weights):
    for size in ((1, 1), (1, 5000), (5000, 1)):
        Image.new("RGB", size, "grey").save(here / "thin.png")
        slerir("restore", "thin.png", "-o", "out", "--overwrite", "--weights", weights)
        assert Image.open(here / "out/thin.png").size == size


def test_a_path_and_a_strength_of_ones_own(here, weights):
    photo, asked = here / "broken/coffee__noise.png", ("--path", "0-2-1-1-0-2-2-1", "--strength", 0.5)
    result = slerir("restore", photo, "-o", "out", *asked, "--json", "r.json", "--weights", weights)
    expected = restore(photo, load_weights(weights), path="0-2-1-1-0-2-2-1", strength=0.5)
    written = np.asarray(Image.open(here / "out/coffee__noise.png"))
    assert np.array_equal(written, as_bytes(expected.image)) and "0-2-1-1-0-2-2-1" in result.stdout
    (row,) = json.loads((here / "r.json").read_text())["restored"]
    assert (row["forced"], row["strength"]) == (True, 0.5)


@pytest.mark.parametrize("more", [(), ("--path", "0-2-1-1-0-2-2-1")])
def test_the_explorers_pictures_are_written_beside(here, weights, more):
    asked = "--save-guide", "--save-path-picture", *more
    slerir("restore", "broken", "-o", "out", *asked, "--weights", weights)
    names = ("coffee__noise.png", "tree.jpg")
    assert files(here / "out") == sorted(
        name + ending for name in names for ending in ("", ".guide.png", ".path.png")
    )
    for name in names:
        for ending in (".guide.png", ".path.png"):
            assert Image.open(here / f"out/{name}{ending}").size[0] == 850
    result = slerir("restore", "broken", "-o", "out", *asked, "--weights", weights, code=1)
    assert "is already there" in result.stderr


def test_a_picture_beside_is_not_written_over_unasked(here, weights):
    (here / "out").mkdir()
    (here / "out/tree.jpg.guide.png").write_bytes(b"precious")
    asked = "broken", "-o", "out", "--save-guide", "--weights", weights
    result = slerir("restore", *asked, code=1)
    assert "tree.jpg.guide.png is already there" in result.stderr
    assert (here / "out/tree.jpg.guide.png").read_bytes() == b"precious"
    assert not (here / "out/tree.jpg").exists()


def test_what_was_restored_before_can_be_left_out(here, weights):
    slerir("restore", "broken/tree.jpg", "-o", "out", "--weights", weights)
    before = (here / "out/tree.jpg").stat().st_mtime_ns
    result = slerir("restore", "broken", "-o", "out", "--skip-existing", "--weights", weights)
    assert files(here / "out") == ["coffee__noise.png", "tree.jpg"]
    assert (
        here / "out/tree.jpg"
    ).stat().st_mtime_ns == before and "Left out 1 photo, as out/tree.jpg is there already." in result.stderr
    result = slerir("restore", "broken", "-o", "broken", "--skip-existing", "--weights", weights, code=1)
    assert "is the photo itself" in result.stderr  # which is no restored one


def stop_at_the_second(monkeypatch) -> None:
    """Ctrl-C comes while tree.jpg is restored."""
    real = Ahead.__call__

    def stopped(ahead, source):
        if source.name == "tree.jpg":
            raise KeyboardInterrupt
        return real(ahead, source)

    monkeypatch.setattr(Ahead, "__call__", stopped)


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(here, weights, monkeypatch):
    real = Ahead.__call__
    stop_at_the_second(monkeypatch)
    asked = "broken", "-o", "out", "--json", "r.json", "--weights", weights
    result = slerir("restore", *asked, code=130)
    assert "1 of 2 photos are restored and stay" in result.stderr
    assert "The same command with --skip-existing goes on." in result.stderr
    assert files(here / "out") == ["coffee__noise.png"]
    assert len(json.loads((here / "r.json").read_text())["restored"]) == 1
    result = slerir("restore", *asked, "--overwrite", code=130)
    assert "The same command does all of them again" in result.stderr
    with monkeypatch.context() as again:
        again.setattr(Ahead, "__call__", real)
        slerir("restore", *asked, "--skip-existing")
    assert files(here / "out") == ["coffee__noise.png", "tree.jpg"]
    told = json.loads((here / "r.json").read_text())  # of both, though this run restored the second alone
    assert [row["restored"] for row in told["restored"]] == ["out/coffee__noise.png", "out/tree.jpg"]


def test_after_ctrl_c_photos_that_replaced_themselves_are_not_to_be_restored_twice(
    here, weights, monkeypatch
):
    stop_at_the_second(monkeypatch)
    result = slerir("restore", "broken", "-o", "broken", "--overwrite", "--weights", weights, code=130)
    assert "would restore these a second time: name the others" in " ".join(result.stderr.split())


@pytest.mark.parametrize("there", ["an empty file", "a folder", "a link to nothing"])
def test_what_is_no_restored_photo_is_not_taken_for_one(there, here, weights):
    (here / "out").mkdir()
    target = here / "out/tree.jpg"
    {
        "an empty file": target.touch,
        "a folder": target.mkdir,
        "a link to nothing": lambda: target.symlink_to("nowhere.jpg"),
    }[there]()
    asked = "restore", "broken", "-o", "out", "--weights", weights, "--skip-existing"
    result = slerir(*asked, code=1)
    said = (
        "out/tree.jpg is a folder. Move it away" if there == "a folder" else "out/tree.jpg is already there"
    )
    assert said in " ".join(result.stderr.split()) and "1 restored, 1 not" in result.stderr


def test_what_a_folder_holds_besides_is_told(here, weights):
    (here / "broken/deeper").mkdir()
    (here / "broken/.hidden").touch()
    for name in ("a.heic", "b.gif", "c.dng", "d.txt"):
        (here / "broken" / name).write_bytes(b"no photo")
    result = slerir("restore", "broken", "-o", "out", "--json", "r.json", "--weights", weights)
    said = " ".join(result.stderr.split())
    assert "Left out: broken/a.heic, broken/b.gif, broken/c.dng and 2 more." in said
    assert json.loads((here / "r.json").read_text())["left_out"] == [
        f"broken/{name}" for name in ("a.heic", "b.gif", "c.dng", "d.txt", "deeper")
    ]
    assert "Left out" not in slerir("restore", "clean", "-o", "clean/out", "--weights", weights).stderr


def test_a_reason_names_the_photo_once(here, weights):
    (here / "bad.png").write_bytes(b"no photo")
    said = slerir("restore", "bad.png", "none.png", "-o", "out", "--weights", weights, code=1).stderr
    assert said.count("bad.png") == said.count("none.png") == 1


def test_in_a_narrow_terminal_the_photos_name_is_still_there(here, weights, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = slerir("restore", "broken/tree.jpg", "-o", "out", "--clean", "clean", "--weights", weights).stdout
    assert "tree.jpg" in shown


def test_ctrl_c_at_the_moment_of_writing_counts_what_was_written(here, weights, monkeypatch):
    real = jobs.write_rounded

    def written_then_stopped(*arguments, **named):
        notes = real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGINT)
        return notes

    monkeypatch.setattr(jobs, "write_rounded", written_then_stopped)
    result = slerir(
        "restore", "broken", "-o", "out", "--json", "r.json", "--weights", weights, "--save-guide", code=130
    )
    assert "1 of 2 photos are restored and stay" in result.stderr
    assert files(here / "out") == ["coffee__noise.png", "coffee__noise.png.guide.png"]
    assert len(json.loads((here / "r.json").read_text())["restored"]) == 1


def test_a_real_ctrl_c(here, weights):
    (here / "many").mkdir()
    for k in range(400):
        Image.fromarray(np.full((64, 64, 3), k % 256, np.uint8)).save(here / "many" / f"{k:03}.png")
    command = sys.executable, "-c", "from slerir_lite.cli import app; app()"
    run = subprocess.Popen(
        [*command, "restore", "many", "-o", "out", "--weights", str(weights)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=here,
    )  # fmt: skip
    while run.poll() is None and not (here / "out/002.png").exists():
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=600)
    assert run.returncode == 130, told
    done = files(here / "out")
    assert f"{len(done)} of 400 photos are restored and stay" in told and 3 <= len(done) < 400
    for name in done:  # no hidden ones among them, and each is whole
        assert np.asarray(Image.open(here / "out" / name)).shape == (64, 64, 3)


def test_too_little_memory_for_one_leaves_the_others(here, weights, monkeypatch):
    real = Ahead.__call__

    def short_of_memory(ahead, source):
        if source.name == "coffee__noise.png":
            raise MemoryError
        return real(ahead, source)

    monkeypatch.setattr(Ahead, "__call__", short_of_memory)
    result = slerir("restore", "broken", "-o", "out", "--weights", weights, code=1)
    assert "coffee__noise.png: needs more memory than there is" in result.stderr
    assert files(here / "out") == ["tree.jpg"]


def test_a_photo_named_twice_is_restored_once(here, weights):
    slerir("restore", "broken", "broken/tree.jpg", "-o", "out", "--weights", weights)
    assert files(here / "out") == ["coffee__noise.png", "tree.jpg"]


def test_a_full_disk_ends_the_run_with_all_that_is_missing(here, weights, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    result = slerir("restore", "broken", "-o", "out", "--weights", weights, code=1)
    assert "No space left on device; the file is as it was. Make room" in result.stderr
    assert (
        "tree.jpg: not tried, as the disk is full" in result.stderr and "0 restored, 2 not" in result.stderr
    )
    assert files(here / "out") == []


def test_links_lead_to_no_lost_photo(here, weights):
    photo = here / "broken/coffee__noise.png"
    before = photo.read_bytes()
    (here / "same").symlink_to("broken")
    result = slerir("restore", photo, "-o", "same", "--weights", weights, code=1)
    assert "is the photo itself" in result.stderr
    (here / "link.png").symlink_to(photo)
    result = slerir("restore", photo, "-o", "link.png", "--weights", weights, code=1)
    assert "is the photo itself" in result.stderr
    slerir("restore", photo, "-o", "link.png", "--overwrite", "--weights", weights)
    assert photo.read_bytes() == before and not (here / "link.png").is_symlink()
    (here / "in").mkdir()
    (here / "in/linked.png").symlink_to(photo)
    slerir("restore", "in", "-o", "out", "--weights", weights)
    assert files(here / "out") == ["linked.png"]


def test_two_photos_for_one_name_are_both_named(here):
    for name in ("x.gif", "x.png"):
        Image.new("RGB", (9, 9)).save(here / name)
    result = slerir("restore", "x.gif", "x.png", "-o", "out", code=1)
    assert "x.gif and x.png would both become out/x.png: restore them apart" in result.stderr
    assert "out" not in files(here) or files(here / "out") == []


def test_a_photo_may_not_become_the_picture_beside_another(here):
    Image.new("RGB", (9, 9)).save(here / "x.png")
    Image.new("RGB", (9, 9)).save(here / "x.png.path.png")
    asked = "restore", "x.png", "x.png.path.png", "-o", "out", "--save-path-picture"
    assert "would both become out/x.png.path.png" in slerir(*asked, code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "clean/coffee.png/out"], "clean/coffee.png/out can't be made a folder"),
        (["-o", "file"], "file can't be made a folder: a file has that name. Choose another one"),
        (["-o", "out", "--json", "broken/tree.jpg"], "--json takes a file whose name ends in .json"),
        (["-o", "out", "--path", "0-1"], "A path is 8 numbers from 0 to 2"),
        (["-o", "out", "--strength", "2"], "A strength lies between 0"),
        (["-o", "out", "--overwrite", "--skip-existing"], "Give either --overwrite or --skip-existing"),
        (["-o", "out", "--json", "notes.json"], "notes.json is there, and no report of this command"),
        (["-o", "out", "--json", "text.json"], "text.json is there, and no report of this command"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_before_the_first_photo(here, weights, arguments, message):
    (here / "file").touch()
    (here / "notes.json").write_text('["my notes"]')
    (here / "text.json").write_text('{"restored": "yesterday"}')
    result = slerir("restore", "broken", *arguments, "--weights", weights, code=1)
    assert message in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert not (here / "out").exists() or not files(here / "out")
    assert (here / "notes.json").read_text() == '["my notes"]'


def test_a_report_never_loses_what_an_earlier_run_found(here, weights):
    """The same command twice, a third time leaving out, another folder, and a folder spelt in another way."""
    asked = "restore", "broken", "-o", "out", "--json", "new/r.json", "--weights", weights

    def told() -> list[str]:
        rows = json.loads((here / "new/r.json").read_text())["restored"]
        return sorted(row["restored"] for row in rows)

    slerir(*asked)
    both = ["out/coffee__noise.png", "out/tree.jpg"]
    assert told() == both
    slerir(*asked, code=1)  # they are there already
    assert told() == both
    slerir(*asked, "--skip-existing")
    assert told() == both
    slerir("restore", "clean", "-o", "more", "--json", "new/r.json", "--weights", weights)
    assert told() == ["more/coffee.png", "more/tree.jpg", *both]
    (here / "more/tree.jpg").unlink()  # what is gone is not told of
    slerir("restore", "broken", "-o", here / "out", *asked[4:], "--overwrite")
    assert told() == sorted(["more/coffee.png", *(str(here / name) for name in both)])


@pytest.mark.parametrize("odd", ["[5]", '[{"photo": "a.png"}]', '[{"restored": 1}]', "[null]"])
def test_rows_that_tell_of_no_photo_cost_no_report(here, weights, odd):
    (here / "r.json").write_text(f'{{"restored": {odd}}}')
    slerir("restore", "broken", "-o", "out", "--json", "r.json", "--weights", weights)
    assert len(json.loads((here / "r.json").read_text())["restored"]) == 2


def test_where_it_was_written_is_said(here, weights):
    Image.open(here / "broken/tree.jpg").save(here / "a.gif")
    result = slerir("restore", "broken", "a.gif", "-o", "out", "--weights", weights)
    assert "Written to out." in result.stdout
    assert "written as a.png, as .gif is not written here" in " ".join(result.stderr.split())
    result = slerir("restore", "broken/tree.jpg", "-o", "one.png", "--weights", weights)
    assert "Written to one.png." in result.stdout


def test_a_photo_is_never_compared_with_itself(here):
    Image.open(here / "broken/coffee__noise.png").save(here / "clean/coffee__noise.png")
    assert find_clean(here / "clean/coffee__noise.png", here / "clean") == here / "clean/coffee.png"
    assert find_clean(here / "clean/tree.jpg", here / "clean") is None
    assert find_clean(here / "broken/tree.jpg", here / "clean") == here / "clean/tree.jpg"


def test_what_is_written_beside_the_clean_photos_is_compared_with_them_and_not_with_itself(here, weights):
    names = "clean/coffee.png", "broken/coffee__noise.png"
    goal, given = (np.asarray(Image.open(here / name), float) for name in names)
    asked = names[1], "-o", "clean", "--clean", "clean", "--strength", 0, "--weights", weights
    slerir("restore", *asked, "--json", "r.json")
    (row,) = json.loads((here / "r.json").read_text())["restored"]
    expected = 10 * np.log10(255**2 / np.mean((given - goal) ** 2))
    assert row["psnr_before"] == row["psnr_after"] == pytest.approx(expected, abs=1e-3)


def test_what_the_same_command_restored_before_is_no_clean_photo(here, weights):
    """coffee.png is done before coffee__noise.png, which would belong to it."""
    Image.open(here / "broken/coffee__noise.png").save(here / "broken/coffee.png")
    (here / "goals").mkdir()
    Image.open(here / "clean/tree.jpg").save(here / "goals/tree.png")
    asked = "broken", "-o", "goals", "--clean", "goals", "--json", "r.json", "--weights", weights
    said = " ".join(slerir("restore", *asked).stderr.split())
    assert said.count("not compared: goals holds no photo of that name.") == 2
    rows = json.loads((here / "r.json").read_text())["restored"]
    assert [row["photo"] for row in rows if "psnr_after" in row] == ["broken/tree.jpg"]


@pytest.mark.parametrize("clean", ["clean", "clean/coffee.png"])
def test_the_clean_photo_itself_is_not_written_over(here, weights, clean):
    precious = (here / "clean/coffee.png").read_bytes()
    (here / "broken/coffee__noise.png").rename(here / "broken/coffee.png")
    asked = "broken/coffee.png", "-o", "clean", "--clean", clean, "--overwrite", "--weights", weights
    said = " ".join(slerir("restore", *asked, code=1).stderr.split())
    assert "clean/coffee.png is the clean photo to compare with (--clean). Choose another folder" in said
    assert (here / "clean/coffee.png").read_bytes() == precious


def test_memory_that_ends_after_the_photo_is_written_costs_what_is_beside_and_no_more(
    here, weights, monkeypatch
):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(jobs, "_drawn", full)
    monkeypatch.setattr(evaluate, "psnr", full)
    asked = "broken/tree.jpg", "-o", "out", "--clean", "clean", "--save-guide", "--weights", weights
    said = " ".join(slerir("restore", *asked).stderr.split())
    assert files(here / "out") == ["tree.jpg"]
    assert "its .guide.png could not be written: needs more memory than there is." in said
    assert "not compared: needs more memory than there is." in said


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("grey", [True, False])
def test_photos_are_compared_as_the_integers_that_they_are(here, weights, bits, grey, monkeypatch):
    """A large photo's floats would take four times the memory of its bytes, and that thrice."""
    rng, form = np.random.default_rng(0), (40, 48) if grey else (40, 48, 3)
    kind = np.uint8 if bits == 8 else np.uint16
    goal, given = (rng.integers(0, 2**bits, form).astype(kind) for _ in range(2))
    for name, pixels in (("goal", goal), ("given", given)):
        if bits == 8:
            Image.fromarray(pixels).save(here / f"{name}.png")
        else:
            (here / f"{name}.png").write_bytes(sixteen.png(pixels.reshape(40, 48, -1)))
    monkeypatch.setattr(Picture, "pixels", property(lambda _: pytest.fail("made floats of a whole photo")))
    asked = "given.png", "-o", "out", "--clean", "goal.png", "--strength", 0, "--weights", weights
    slerir("restore", *asked, "--json", "r.json")
    (row,) = json.loads((here / "r.json").read_text())["restored"]
    white = 2**bits - 1
    one, other = (np.rint(pixels / white * 255) for pixels in (goal, given))
    expected = 10 * np.log10(255**2 / np.mean((one - other) ** 2))
    assert row["psnr_before"] == row["psnr_after"] == pytest.approx(expected, abs=1e-3)


def test_of_a_linear_space_no_degrees_are_shown(here, weights):
    torch.manual_seed(0)
    save_weights(SlerIR(Config(width=8, tokens=16, linear=True)), here / "l.safetensors")
    for file, degrees in (("l.safetensors", False), (weights, True)):
        asked = "broken/tree.jpg", "-o", "out", "--json", "r.json", "--overwrite", "--weights", file
        shown = slerir("restore", *asked).stdout
        (row,) = json.loads((here / "r.json").read_text())["restored"]
        far = row["place"][row["nearest"]]
        assert ("°" in shown) == ("the angle to it" in shown) == degrees
        assert f"{row['nearest']} {far:.0f}°" in shown if degrees else f"{row['nearest']} {far:.2f} " in shown


def test_pictures_of_paths_and_guides_are_not_taken_for_photos(here, weights):
    asked = "restore", "broken", "-o", "broken", "--overwrite", "--save-guide", "--save-path-picture"
    for _ in range(2):
        slerir(*asked, "--weights", weights)
    names = ("coffee__noise.png", "tree.jpg")
    assert files(here / "broken") == sorted(n + e for n in names for e in ("", ".guide.png", ".path.png"))
    work = plan([here / "broken"], here / "out")
    assert [source.name for source, _ in work.jobs] == list(names) and len(work.left_out) == 4


def test_nothing_is_made_where_there_is_nothing_to_restore(here, weights):
    slerir("restore", "nowhere.png", "-o", "new", "--weights", weights, code=1)
    assert not (here / "new").exists()


def test_a_lesser_strength_shows_less_of_both_looks(here, weights, monkeypatch):
    """Else a photo with noise and haze would be half-way hazy at 0.99."""

    def white(got, model, to):
        image = torch.full_like(got.image, 255)
        return dataclasses.replace(got, image=image, then=got)

    monkeypatch.setattr(ahead, "look_again", white)
    slerir("restore", "broken/tree.jpg", "-o", "out.png", "--strength", 0.6, "--weights", weights)
    given = np.asarray(Image.open(here / "broken/tree.jpg").convert("RGB"), float)
    written = np.asarray(Image.open(here / "out.png"), float)
    assert np.abs(written - (0.4 * given + 0.6 * 255)).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("words", [["-m", "slerir_lite"], ["-m", "slerir_lite.cli"]])
def test_it_runs_as_a_module_too(words):
    found = subprocess.run([sys.executable, *words, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\S*\n", found.stdout)
    found = subprocess.run([sys.executable, *words, "restore", "nowhere", "-o", "x"], capture_output=True)
    assert found.returncode == 1


# evaluate


def test_evaluate_photos(here, weights):
    result = slerir("evaluate", "--photos", "clean", "--limit", 1, "--json", "e.json", "--weights", weights)
    report = json.loads((here / "e.json").read_text())
    assert len(report["tasks"]) == 15 and report["tasks"]["noise25"]["photos"] == 1
    assert report["tasks"]["clean"]["input_psnr"] is None
    for text in ("noise25", "∞", f"{report['tasks']['rain']['psnr']:.2f}", "Average of the five tasks"):
        assert text in result.stdout
    assert f"names the damage of {report['routing']['accuracy']:.1%}" in result.stdout
    assert "blur_corner:" in result.stdout


def test_evaluate_pairs_in_tiles(here, weights):
    for kind, folder, name in (("input", "broken", "coffee__noise.png"), ("target", "clean", "coffee.png")):
        (here / "pairs/noise25" / kind).mkdir(parents=True)
        large = Image.open(here / folder / name).resize((96, 80))
        large.save(here / "pairs/noise25" / kind / "coffee.png")
    result = slerir("evaluate", "--pairs", "pairs", "--patches", "--json", "e.json", "--weights", weights)
    report = json.loads((here / "e.json").read_text())
    assert report["five_task_average"] is None
    assert report["patches"]["routing"]["patches"] == 1
    tiled = report["patches"]["tasks"]["noise25"]["psnr"]
    assert f"{tiled:.2f}" in result.stdout and "Of 64-pixel tiles" in result.stdout


def test_evaluate_a_generalist(here):
    save_weights(Generalist(Config(experts=1, width=4)), here / "g.safetensors")
    result = slerir(
        "evaluate", "--photos", "clean", "--tasks", "rain, haze", "--weights", "g.safetensors", "--patches"
    )
    assert "rain" in result.stdout and "compass" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give either --photos or --pairs"),
        (["--photos", "clean", "--pairs", "clean"], "Give either --photos or --pairs"),
        (["--photos", "nowhere"], "nowhere is not a folder"),
        (["--pairs", "clean"], "holds no <task>/input folder"),
        (["--photos", "clean", "--tasks", "fog"], 'No task is called "fog"'),
        (["--photos", "clean", "--json", "notes.json"], "notes.json is there, and no report of this command"),
    ],
)
def test_evaluate_says_what_is_missing(here, weights, arguments, message):
    (here / "notes.json").write_text('{"mine": 1}')
    assert message in slerir("evaluate", *arguments, "--weights", weights, code=1).stderr


def test_evaluate_says_what_is_not_counted_and_names_are_no_markup(here, weights):
    for task in ("rain", "noise [red]"):
        for part in ("input", "target"):
            (here / "some" / task / part).mkdir(parents=True)
            write_photo(torch.rand(3, 24, 24), here / "some" / task / part / "a.png")
    said = " ".join(slerir("evaluate", "--pairs", "some", "--weights", weights).stdout.split())
    assert "noise [red]" in said and "of rain's photos" in said
    assert "No average of the five tasks, as these are not there: noise25, haze, blur, lowlight." in said


def test_ctrl_c_ends_evaluate_with_a_word(here, weights, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "evaluate", stopped)
    asked = "--photos", "clean", "--json", "r.json", "--weights", weights
    assert "Stopped. Nothing is kept" in slerir("evaluate", *asked, code=130).stderr
    assert not (here / "r.json").exists()


def test_evaluate_looks_again_unless_told_not_to(here, weights, monkeypatch):
    """With the network that is measured; and what comes of it is what is scored."""
    looked = []

    def white(got, model):
        looked.append(model)
        return dataclasses.replace(got, image=torch.ones_like(got.image), then=got)

    monkeypatch.setattr(evaluate, "look_again", white)
    clean, own = np.asarray(Image.open(here / "clean/coffee.png"), float), load_weights(weights).state_dict()
    for more, times in (([], 1), (["--once"], 0)):
        looked.clear()
        asked = "--photos", "clean", "--limit", 1, "--tasks", "noise25", "--weights", weights, *more
        slerir("evaluate", *asked, "--json", "e.json")
        found = json.loads((here / "e.json").read_text())
        assert len(looked) == times and found["routing"]["again"] == ({"noise25": 1} if times else {})
        for model in looked:
            assert all(torch.equal(v, own[k]) for k, v in model.state_dict().items())
        of_white = 10 * np.log10(255**2 / np.mean((255 - clean) ** 2))
        assert (abs(found["tasks"]["noise25"]["psnr"] - of_white) < 1e-3) == bool(times)


def test_evaluate_measures_what_restore_gives_sparing_included(here, weights, monkeypatch):
    asked, looked = [], evaluate.restore
    monkeypatch.setattr(evaluate, "restore", lambda *photo, **how: asked.append(how) or looked(*photo, **how))
    for more in ([], ["--once"]):
        slerir("evaluate", "--photos", "clean", "--limit", 1, "--tasks", "clean", "--weights", weights, *more)
    assert asked == [{"spared": True}] * 2


def test_evaluate_with_another_seed_does_other_damage(here, weights):
    given = []
    for seed in (0, 0, 1):
        asked = "--photos", "clean", "--limit", 1, "--tasks", "noise25", "--weights", weights, "--seed", seed
        slerir("evaluate", *asked, "--json", "e.json")
        given.append(json.loads((here / "e.json").read_text())["tasks"]["noise25"]["input_psnr"])
    assert given[0] == given[1] != given[2]


def test_evaluate_names_every_bad_file_before_it_measures(here, weights):
    folder = here / "some"
    for part in ("input", "target"):
        (folder / "rain" / part).mkdir(parents=True)
        for name in ("a", "b", "c"):
            height = 32 if (part, name) == ("target", "c") else 24
            write_photo(torch.rand(3, height, 24), folder / "rain" / part / f"{name}.png")
    (folder / "rain" / "target" / "b.png").write_bytes(b"no photo")
    result = slerir("evaluate", "--pairs", folder, "--weights", weights, "--json", here / "out.json", code=1)
    said = " ".join(result.output.split())
    assert "b.png" in said and "differ in size: 24 x 24 and 24 x 32" in said and "a.png" not in said
    assert not (here / "out.json").exists()


def test_evaluate_refuses_a_compass_alone(here):
    globe = Path(jobs.__file__).parent / "pretrained" / "globe.safetensors"
    result = slerir("evaluate", "--photos", "clean", "--weights", globe, code=1)
    assert (
        "globe.safetensors holds a Compass; this needs the weights of a SlerIR or a Generalist"
        in " ".join(result.stderr.split())
    )


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Memory ran out."),
        torch.OutOfMemoryError("CUDA out of memory.\n"),
    ],
)
def test_too_little_memory_is_said_in_one_line(error, here, weights, monkeypatch):
    def measure(*args, **more):
        raise error

    monkeypatch.setattr(evaluate, "evaluate", measure)
    result = slerir("evaluate", "--photos", "clean", "--weights", weights, code=1)
    assert str(error).strip() in result.stderr and len(result.stderr.strip().splitlines()) == 1


# train


class Recorder:
    """Stands in for the Trainer."""

    def __init__(self, photos, out, plan, model, per_batch, seed, camera):
        Recorder.last = self
        self.photos, self.out, self.plan, self.model = photos, out, plan, model
        self.per_batch, self.seed, self.camera = per_batch, seed, camera
        self.first = model.backbone.enter.weight.detach().clone()

    def run(self):
        if self.seed == 99:
            raise KeyboardInterrupt


@pytest.fixture
def recorder(monkeypatch):
    monkeypatch.setattr(train, "Trainer", Recorder)
    return Recorder


def test_train_shows_photos_at_half_their_size_too(here, recorder):
    Path("large").mkdir()
    for k in range(3):
        Image.fromarray(dead_leaves(240, k).permute(1, 2, 0).numpy()).save(f"large/{k}.png")
    slerir("train", "--photos", "large", "-o", "runs/mine")
    sizes = [x.shape[-1] for x in recorder.last.photos.images]
    assert sizes == [240, 240, 240, 240, 120, 120]  # the fourth has bristles


def test_train_passes_on_what_was_asked_for(here, recorder):
    asked = "--steps", 50, "--compass-steps", 20, "--seed", 5, "--per-batch", 7
    result = slerir("train", "--dead-leaves", 3, "-o", "runs/mine", *asked)
    run = recorder.last
    assert len(run.photos) == 3 and str(run.out) == "runs/mine" and (run.seed, run.per_batch) == (5, 7)
    assert run.camera == 0.6  # photos that come from cameras should not surprise it
    assert run.plan == train.stages(50, 20) and isinstance(run.model, SlerIR)
    assert "--weights runs/mine/model.safetensors" in result.stdout and "to go on with" not in result.stdout
    slerir("train", "--dead-leaves", 1, "-o", "runs/mine", "--seed", 5)
    assert torch.equal(recorder.last.first, run.first)  # the seed also decides how the weights start
    slerir("train", "--dead-leaves", 1, "-o", "runs/mine", "--seed", 6)
    assert not torch.equal(recorder.last.first, run.first)


def test_train_leaves_the_validation_photos_out(here, recorder, photos):
    (here / "large").mkdir()
    leaves = [dead_leaves(144, seed) for seed in range(3)]
    for k in range(3):
        Image.fromarray(leaves[k].permute(1, 2, 0).numpy()).save(here / "large" / f"{k}.png")
    (here / "names.txt").write_text("1.png\r\n\n2.png")
    slerir("train", "--photos", "large", "-o", "runs/mine", "--leave-out", "names.txt")
    photo, twin = recorder.last.photos.images  # the twin is the same photo with bristles
    assert torch.equal(photo, leaves[0]) and 0.3 < (twin == photo).float().mean() < 1
    (here / "names.txt").write_text("large/1.png")  # would leave out nothing
    refused = slerir("train", "--photos", "large", "-o", "runs/x", "--leave-out", "names.txt", code=1)
    assert "large has no large/1.png" in refused.stderr


def test_train_names_every_photo_that_cannot_be_read(here):
    (here / "clean/a.png").write_bytes(b"")
    (here / "clean/b.png").write_bytes(b"no photo")
    said = " ".join(slerir("train", "--photos", "clean", "-o", "x", code=1).stderr.split())
    assert "a.png is empty" in said and "b.png is not an image" in said and "Take these out" in said


def test_a_trained_network_is_not_trained_over(here, recorder):
    (here / "runs").mkdir()
    (here / "runs/model.safetensors").write_bytes(b"hours of work")
    said = slerir("train", "--dead-leaves", 1, "-o", "runs", code=1).stderr
    assert "runs/model.safetensors holds a trained network" in " ".join(said.split())
    assert (here / "runs/model.safetensors").read_bytes() == b"hours of work"


def test_train_leaves_out_photos_that_are_too_small_for_its_crops(here, recorder, photos):
    (here / "sizes").mkdir()
    for name, side in (("small", 100), ("large", 144)):
        Image.fromarray(dead_leaves(side, 0).permute(1, 2, 0).numpy()).save(here / "sizes" / f"{name}.png")
    said = slerir("train", "--photos", "sizes", "-o", "runs/mine").stderr
    assert "left out 1 photos under 120 px" in said and ".py" not in said  # not where in the code it arose
    Crops(recorder.last.photos)  # which would refuse the small one
    assert recorder.last.photos.images[0].shape == (3, 144, 144)


def test_train_a_generalist(here, recorder):
    said = slerir("train", "--dead-leaves", 1, "-o", "g", "--generalist", "--steps", 9).stdout
    assert "slerir evaluate --photos FOLDER --weights" in said  # restoring takes a SlerIR
    assert isinstance(recorder.last.model, Generalist) and recorder.last.model.config.experts == 1
    assert [stage.steps for stage in recorder.last.plan] == [9]


def test_train_says_that_it_goes_on_and_how(here, recorder):
    (here / "mine").mkdir()
    (here / "mine/checkpoint.pt").touch()
    assert "There is a run in mine to go on with" in slerir("train", "--dead-leaves", 1, "-o", "mine").stdout
    stopped = slerir("train", "--dead-leaves", 1, "-o", "mine", "--seed", 99, code=130)
    assert "same command again goes on" in stopped.stderr


def test_what_would_not_be_heeded_is_refused(here):
    (here / "names.txt").write_text("coffee.png\ntree.jpg\n")
    said = slerir("train", "--dead-leaves", 1, "-o", "x", "--leave-out", "names.txt", code=1).stderr
    assert "--leave-out names photos of a folder" in said
    said = slerir("train", "--photos", "clean", "-o", "x", "--leave-out", "names.txt", code=1).stderr
    assert "All photos of clean are to be left out" in said


@pytest.mark.parametrize("arguments", [[], ["--dead-leaves", "1", "--photos", "clean"]])
def test_train_needs_one_source(here, arguments):
    assert "Give either --photos or --dead-leaves" in slerir("train", "-o", "x", *arguments, code=1).stderr


def test_a_generalist_really_trains_and_is_measured(here):
    slerir("train", "--dead-leaves", 2, "-o", "g", "--generalist", "--steps", 2, "--per-batch", 2)
    assert isinstance(load_weights(here / "g/model.safetensors"), Generalist)
    again = slerir("train", "--dead-leaves", 2, "-o", "g", "--generalist", "--steps", 2, "--per-batch", 2)
    assert "to go on with" in again.stdout
    other = slerir(
        "train", "--dead-leaves", 2, "-o", "g", "--generalist", "--steps", 3, "--per-batch", 2, code=1
    )
    assert "belongs to another run" in other.stderr
    said = " ".join(other.stderr.split())
    assert 'started with steps {"1 together": 2}, not {"1 together": 3}. A run can\'t be made longer' in said
    assert "recipe" not in said and "seed" not in said  # nothing of what agrees


@pytest.mark.parametrize(
    "command",
    [["restore", "clean", "-o", "out"], ["evaluate", "--photos", "clean"]],
)  # fmt: skip
def test_a_report_that_would_replace_a_photo_or_be_a_folder_is_refused_before_the_work(here, command):
    (here / "old.json").mkdir()
    result = slerir(*command, "--json", "old.json", code=1)
    assert "old.json is a folder. Name a file" in " ".join(result.stderr.split())
    before = (here / "clean/coffee.png").read_bytes()
    result = slerir(*command, "--json", "clean/coffee.png", code=1)
    assert "ends in .json, such as report.json; not clean/coffee.png" in " ".join(result.stderr.split())
    assert (here / "clean/coffee.png").read_bytes() == before and not list(here.glob("out/*.png"))


def test_what_has_no_clean_photo_is_restored_and_said_not_to_be_compared(here):
    (here / "none").mkdir()
    photo = next((here / "clean").glob("*.png"))
    result = slerir("restore", photo, "-o", "out2", "--clean", "none")
    assert "not compared: none holds no photo of that name" in " ".join(result.stderr.split())
    assert (here / "out2" / photo.name).is_file()


def test_what_the_terminal_cannot_show_ends_nothing(here):
    """As where Windows sends the output to a file: its code page has no sign for infinity."""
    start = "from slerir_lite.cli import app; app()"
    command = [sys.executable, "-c", start, "evaluate", "--photos", "clean", "--tasks", "clean"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run([*command, "--limit", "1", "--json", "found.json"], cwd=here, env=environment,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert (
        b"?" in done.stdout and json.loads((here / "found.json").read_text())["tasks"]["clean"]["photos"] == 1
    )


def test_a_folder_that_may_not_be_written_to_is_refused_before_the_work(here, monkeypatch):
    (here / "locked").mkdir()
    access, write = os.access, os.W_OK | os.X_OK  # asked, as root may write anywhere
    monkeypatch.setattr(
        os, "access", lambda p, how: (Path(p).name, how) != ("locked", write) and access(p, how)
    )
    result = slerir("restore", "clean", "-o", "locked", code=1)
    assert "locked may not be written to" in " ".join(result.stderr.split())


def test_a_picture_beside_that_cannot_be_written_costs_no_photo(here):
    photo = next((here / "clean").glob("*.png"))
    long = here / ("x" * 246 + ".png")
    long.write_bytes(photo.read_bytes())
    result = slerir("restore", long, "-o", "out3", "--save-guide")
    assert (here / "out3" / long.name).is_file()
    assert "its .guide.png could not be written" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "text, said", [(b"\xef\xbb\xbf1.png\n", None), (b"caf\xe9.png\n", "is not text in UTF-8")]
)
def test_names_to_leave_out_come_in_every_editors_text(here, recorder, text, said):
    (here / "names.txt").write_bytes(text)
    (here / "more").mkdir()
    for k in range(3):
        Image.fromarray(dead_leaves(128, k).permute(1, 2, 0).numpy()).save(here / "more" / f"{k}.png")
    words = ["train", "--photos", "more", "-o", "x", "--leave-out", "names.txt"]
    result = slerir(*words, code=1 if said else 0)
    assert said is None or said in " ".join(result.stderr.split())


def test_folders_and_files_that_are_not_there_are_named(here):
    (here / "a_file").write_text("x")
    for arguments, said in {
        ("evaluate", "--pairs", "nowhere"): "There is no folder nowhere.",
        ("train", "--photos", "clean", "-o", "x", "--leave-out", "nowhere.txt"): "There is no nowhere.txt",
        ("train", "--dead-leaves", "1", "-o", "a_file"): "a_file is a file. Give a folder",
    }.items():
        assert said in " ".join(slerir(*arguments, code=1).stderr.split())


# all


def test_help_tells_an_outsider():
    assert "Restore noisy, rainy, hazy, blurred or dark photos" in slerir("--help").stdout
    for command, words in {
        "restore": ["folder", "--clean", "--overwrite", "--strength", "--path"],
        "evaluate": ["PSNR", "--pairs", "--limit"],
        "train": ["--dead-leaves", "goes on", "--generalist"],
    }.items():
        shown = slerir(command, "--help").stdout
        assert "Example:" in shown and all(word in shown for word in words)


def test_help_does_not_wait_for_torch():
    code = "import sys, slerir_lite.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_debug_shows_where_an_error_arose(here, weights, monkeypatch):
    monkeypatch.setenv("SLERIR_DEBUG", "1")
    result = CliRunner().invoke(app, ["evaluate", "--photos", "nowhere", "--weights", str(weights)])
    assert isinstance(result.exception, FileNotFoundError)
