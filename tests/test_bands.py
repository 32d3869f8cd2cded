"""A band holds or says what it found, and leaves a line behind where it is asked to."""

import json

import pytest

from slerir_lite.course.bands import VARIABLE, band


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("limits", [{"at_least": 1}, {"at_most": 2}, {"at_least": 1, "at_most": 2}])
@pytest.mark.parametrize("value", [1, 1.5, 2])
def test_inside_all_is_well(value, limits, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "bands"))
    band("gain (dB)", value, **limits)  # raises nothing
    assert json.loads((tmp_path / "bands").read_text())["held"] is True


@pytest.mark.parametrize(
    "value, limits, said",
    [
        (0.5, {"at_least": 1}, r"gain \(dB\): 0.5, but it should be at least 1\."),
        (2.5, {"at_most": 2}, r"gain \(dB\): 2.5, but it should be at most 2\."),
        (2.5, {"at_least": 1, "at_most": 2}, "at least 1 and at most 2"),
        (float("nan"), {"at_least": 1}, "nan"),
        (float("nan"), {"at_most": 1}, "nan"),
    ],
)
def test_outside_it_says_what_was_found(value, limits, said):
    with pytest.raises(AssertionError, match=said):
        band("gain (dB)", value, **limits)


def test_a_band_without_limits_is_none():
    with pytest.raises(ValueError, match="one limit"):
        band("gain (dB)", 1.0)


def test_each_band_adds_a_line_also_one_that_fails(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "bands"))
    band("a", 1, at_least=0)
    with pytest.raises(AssertionError):
        band("b", 3, at_most=2)
    lines = [json.loads(line) for line in (tmp_path / "bands").read_text("utf-8").splitlines()]
    assert lines == [
        {"name": "a", "value": 1.0, "at_least": 0, "at_most": None, "held": True},
        {"name": "b", "value": 3.0, "at_least": None, "at_most": 2, "held": False},
    ]
