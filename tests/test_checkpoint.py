"""A checkpoint comes back as it went, or is refused with what to do; nothing in it is run."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slerir_lite.checkpoint import read_checkpoint, write_checkpoint

KEYS = {"model", "step", "history"}
fuzzed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def state() -> dict:
    weights = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    history = [{"step": 25, "stage": "team", "loss": -1.5}]
    return {"model": {"a": weights, "n": torch.tensor(7)}, "step": 31, "history": history}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "checkpoint.pt"
    write_checkpoint(path, state())
    return path.read_bytes()


FINE = ("refused", "same")  # what may come of a damaged file


def outcome(path: Path) -> str:
    """What comes of a file: "refused", as it should be; or it holds the "same" as was written, or "other"."""
    try:
        found = read_checkpoint(path, KEYS)
    except ValueError as error:
        assert str(path) in str(error) and "Delete it to begin anew" in str(error) and len(str(error)) < 1000
        return "refused"
    there = state()
    same = found["model"].keys() == there["model"].keys()
    same = same and all(torch.equal(found["model"][k], v) for k, v in there["model"].items())
    same = same and (found["step"], found["history"]) == (there["step"], there["history"])
    return "same" if same else "other"


def test_what_is_written_comes_back(whole, tmp_path):
    (tmp_path / "c.pt").write_bytes(whole)
    assert outcome(tmp_path / "c.pt") == "same"


@given(st.data())
@fuzzed
def test_a_cut_off_checkpoint_is_refused_wherever_it_was_cut(tmp_path, whole, data):
    (tmp_path / "c.pt").write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert outcome(tmp_path / "c.pt") == "refused"


@given(st.data())
@fuzzed
def test_flipped_bits_are_noticed_or_change_nothing(tmp_path, whole, data):
    damaged = bytearray(whole)
    for bit in data.draw(st.lists(st.integers(0, 8 * len(whole) - 1), min_size=1, max_size=5, unique=True)):
        damaged[bit // 8] ^= 1 << bit % 8
    (tmp_path / "c.pt").write_bytes(damaged)
    assert outcome(tmp_path / "c.pt") in FINE


def test_a_flipped_bit_among_the_weights_is_noticed(whole, tmp_path):
    numbers = state()["model"]["a"].numpy().tobytes()
    start = whole.index(numbers)
    for at in range(0, len(numbers), 97):
        damaged = bytearray(whole)
        damaged[start + at] ^= 1 << at % 8
        (tmp_path / "c.pt").write_bytes(damaged)
        assert outcome(tmp_path / "c.pt") == "refused"


class Bomb:
    """Unpickled, it would write a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("how", ["torch.save", "torch.save's old format", "pickle"])
def test_code_in_a_checkpoint_is_not_run(how, tmp_path):
    path, state = tmp_path / "c.pt", dict.fromkeys(KEYS, Bomb(tmp_path / "it ran"))
    if how == "pickle":
        path.write_bytes(pickle.dumps(state))
    else:
        torch.save(state, path, _use_new_zipfile_serialization=how == "torch.save")
    assert outcome(path) == "refused"
    assert not (tmp_path / "it ran").exists()


def test_a_compressed_archive_is_refused_before_it_is_unpacked(whole, tmp_path):
    with zipfile.ZipFile(io.BytesIO(whole)) as stored:
        with zipfile.ZipFile(tmp_path / "c.pt", "w", zipfile.ZIP_DEFLATED) as packed:
            for name in stored.namelist():
                packed.writestr(name, stored.read(name))
    with pytest.raises(ValueError, match="compressed"):
        read_checkpoint(tmp_path / "c.pt", KEYS)


@pytest.mark.parametrize("other", [[1, 2], {"model": {}}, {**state(), "more": 1}, torch.zeros(3)], ids=str)
def test_another_torch_file_is_refused(other, tmp_path):
    torch.save(other, tmp_path / "c.pt")
    assert outcome(tmp_path / "c.pt") == "refused"


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "I/O error"), MemoryError()]
)
def test_what_could_not_be_read_is_not_called_damaged(error, whole, tmp_path, monkeypatch):
    (tmp_path / "c.pt").write_bytes(whole)

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as broken:
        if isinstance(error, MemoryError):
            broken.setattr(torch, "load", fail)
        else:
            broken.setattr(Path, "read_bytes", fail)
        with pytest.raises(type(error)):
            read_checkpoint(tmp_path / "c.pt", KEYS)
    assert outcome(tmp_path / "c.pt") == "same"
