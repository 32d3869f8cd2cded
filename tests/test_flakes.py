"""The series of browser runs: logged run by run, gone on with when interrupted, anew for another commit."""

import pytest
from scripts import of

flakes = of("flakes")


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """What `run` answers, one by one; where none is left, the series is interrupted."""
    answers = []

    def run():
        if not answers:
            raise KeyboardInterrupt
        return answers.pop(0)

    monkeypatch.setattr(flakes, "LOG", tmp_path / "flakes.log")
    monkeypatch.setattr(flakes, "run", run)
    monkeypatch.setattr(flakes, "head", lambda: "The browser tests at commit abc")
    return answers


GOOD, BAD = ("good", "60 passed in 200.10s (0:03:20)", 201.2), ("BAD", "1 failed, 59 passed in 90.00s", 91.0)


def test_an_interrupted_series_goes_on(runs):
    runs += [GOOD, BAD]
    with pytest.raises(KeyboardInterrupt):
        flakes.main(3)
    runs += [GOOD]
    assert flakes.main(3) == 1 and not runs
    assert flakes.LOG.read_text().splitlines() == [
        "The browser tests at commit abc",
        "run  1: good, 60 passed, 201 s",
        "run  2: BAD, 1 failed, 59 passed, 91 s",
        "run  3: good, 60 passed, 201 s",
        "2 of 3 runs good; 91 to 201 s a run, where 360 are allowed.",
    ]
    assert flakes.main(3) == 1, "no run is missing"


def test_another_commit_begins_anew(runs, monkeypatch):
    runs += [BAD, GOOD]
    assert flakes.main(1) == 1
    monkeypatch.setattr(flakes, "head", lambda: "The browser tests at commit def")
    assert flakes.main(1) == 0
    assert "BAD" not in flakes.LOG.read_text()


def test_a_slow_run_is_a_bad_one(runs):
    runs += [("good", "60 passed in 400.00s", 400.0)]
    assert flakes.main(1) == 1
