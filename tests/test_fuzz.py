"""Damaged files are restored or refused, and nothing else; and what else could happen would be noticed."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are watched the way of Linux")
BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def fuzz():
    sys.path.insert(0, str(BENCHMARKS))  # for `mutate`, as when the script is run
    spec = importlib.util.spec_from_file_location("fuzz", BENCHMARKS / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(BENCHMARKS))


def test_some_hundred_damaged_files(fuzz):
    log = fuzz.run(400, seed=1)
    assert log["wrong"] == [] and sum(log["outcomes"].values()) == 400
    assert log["outcomes"]["restored"] > 40 and log["outcomes"]["refused: damaged"] > 40
    assert set(log["by_format"]) == {"png", "jpeg", "webp", "tiff", "bmp", "gif", "ppm"}


def test_undamaged_all_are_restored(fuzz, tmp_path):
    from mutate import seeds

    for name, data in seeds().items():
        for ending in fuzz.TARGETS:
            assert fuzz.attempt(data, ending, None, tmp_path) == "restored", (name, ending)
    assert list(tmp_path.iterdir()) == []


def test_the_same_numbers_make_the_same_files(fuzz):
    from mutate import seeds

    whole = seeds()
    made = [fuzz.case(0, number, whole) for number in range(60)]
    assert made == [fuzz.case(0, number, whole) for number in range(60)]
    assert len({data for _, data, _ in made}) > 50 and made[0] != fuzz.case(1, 0, whole)
    assert sum(data != whole[name] for name, data, _ in made) > 50


def test_what_goes_wrong_is_noticed(fuzz, tmp_path, monkeypatch):
    from mutate import seeds

    from slerir_lite import photo

    data = seeds()["png RGB"]
    real = photo.write_photo

    def leaves_something(image, path, **more):
        (tmp_path / "left.part").touch()
        return real(image, path, **more)

    def fails(*_, **__):
        raise KeyError("surprise")

    def refuses_without_a_name(*_, **__):
        raise ValueError("is damaged or cut off")

    def writes_another(image, path, **more):
        real(image[:, :3], path)

    cases = {
        leaves_something: "left behind",
        fails: "KeyError",
        refuses_without_a_name: "ValueError",
        writes_another: "another photo",
    }
    for stand_in, words in cases.items():
        monkeypatch.setattr(photo, "write_photo", stand_in)
        outcome = fuzz.attempt(data, ".png", None, tmp_path)
        assert outcome.startswith("WRONG") and words in outcome
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("what", "words"),
    [("os.abort()", "crashed with code -6"), ("while True: pass", "no answer within 0.5 s")],
)
def test_a_crash_and_a_hang_are_noticed_and_the_rest_goes_on(fuzz, tmp_path, monkeypatch, what, words):
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys, time\nprint(json.dumps('ready'), flush=True)\n"
        f"for line in sys.stdin:\n    if int(line) == 1:\n        {what}\n"
        "    print(json.dumps(['png RGB', 'restored']), flush=True)\n"
    )
    monkeypatch.setattr(fuzz, "__file__", str(script))
    monkeypatch.setattr(fuzz, "PATIENCE", 0.5 if "while" in what else 10)
    log = fuzz.run(3)
    assert [row["number"] for row in log["wrong"]] == [1] and words in log["wrong"][0]["outcome"]
    assert log["outcomes"] == {"restored": 2, "wrong": 1}
