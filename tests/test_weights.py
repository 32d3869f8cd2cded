"""Weights come back as they went, and no other file gets in."""

import json
import pickle
from dataclasses import fields

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from slerir_lite import weights
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.route import LAYERS, NearestPin, SoftmaxGate, Table
from slerir_lite.weights import WeightsError, load_pretrained, load_weights, read_about, save_weights

SMALL = Config(width=8, tokens=16)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    save_weights(SlerIR(SMALL), path, {"seed": 3, "steps": 7})
    return path


def rewritten(path, about=None, **tensors):
    """The file again, with another text about it or other tensors (None: without it)."""
    state = SlerIR(SMALL).state_dict() | tensors
    state = {k: v.contiguous() for k, v in state.items() if v is not None}
    save_file(state, path, None if about is None else {weights.KEY: about})
    return path


def about(**changes) -> str:
    config = {"experts": 3, "width": 8, "dim": 5, "tokens": 16}
    return json.dumps({"format": 1, "model": "SlerIR", "config": config, "facts": {}} | changes)


@pytest.mark.parametrize(
    "model",
    [
        SlerIR(SMALL),
        SlerIR(Config(width=4, tokens=8, dim=3)),
        SlerIR(Config(width=4, experts=1)),
        Generalist(Config(width=4, experts=1)),
    ],
    ids=["SlerIR", "globe", "one expert", "Generalist"],
)
def test_what_is_saved_comes_back_bit_for_bit(model, tmp_path):
    with torch.no_grad():
        for v in model.parameters():
            v.add_(torch.randn_like(v))
    model.to(memory_format=torch.channels_last)
    save_weights(model, tmp_path / "m.safetensors")
    back = load_weights(tmp_path / "m.safetensors")
    assert type(back) is type(model) and back.config == model.config and not back.training
    ours, theirs = model.state_dict(), back.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_facts_are_kept(saved):
    assert read_about(saved)["facts"] == {"seed": 3, "steps": 7}
    assert read_about(saved)["config"] == {"experts": 3, "width": 8, "dim": 5, "tokens": 16}


def test_loading_draws_no_random_numbers(saved):
    before = torch.get_rng_state()
    load_weights(saved)
    assert torch.equal(before, torch.get_rng_state())


def test_a_failed_save_leaves_the_old_file_and_no_other(saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(SlerIR(SMALL), saved)
    assert [f.name for f in saved.parent.iterdir()] == [saved.name]
    assert saved.read_bytes() == before


@pytest.mark.parametrize(
    "router",
    [
        SoftmaxGate(16),
        Table(torch.zeros(LAYERS, 6, dtype=torch.long), torch.eye(6)[:, :5]),
        NearestPin(torch.ones(LAYERS, 3, 5), shared=True),
    ],
    ids=["gate", "table", "shared"],
)
def test_rival_routers_are_refused(router, tmp_path):
    with pytest.raises(WeightsError, match="own router.*" + type(router).__name__):
        save_weights(SlerIR(SMALL, router), tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


def test_another_model_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="not Linear"):
        save_weights(torch.nn.Linear(1, 1), tmp_path / "m.safetensors")


def test_a_missing_file_or_a_folder(tmp_path):
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match="no weights file"):
            load_weights(path)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_not_run(tmp_path, protocol):
    path = tmp_path / "renamed.safetensors"

    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "it ran"), "w"))

    path.write_bytes(pickle.dumps(Bomb(), protocol))
    with pytest.raises(
        WeightsError, match="renamed.safetensors is a Python pickle .*Ask for the safetensors"
    ):
        load_weights(path)
    assert not (tmp_path / "it ran").exists()


def test_a_torch_checkpoint_is_refused(tmp_path):
    torch.save(SlerIR(SMALL).state_dict(), tmp_path / "renamed.safetensors")
    with pytest.raises(WeightsError, match="is a zip file, as torch.save writes"):
        load_weights(tmp_path / "renamed.safetensors")


def test_a_cut_off_file_is_refused_wherever_it_was_cut(saved):
    data = saved.read_bytes()
    for length in (0, 1, 7, 8, 9, 5000, 30_000, len(data) // 2, len(data) - 1):
        saved.write_bytes(data[:length])
        with pytest.raises(WeightsError, match="(?s)cut off.*Copy or download it again"):
            load_weights(saved)
    saved.write_bytes(data + b"0")
    with pytest.raises(WeightsError, match="damaged"):
        load_weights(saved)


def test_a_web_page_is_refused(tmp_path):
    (tmp_path / "m.safetensors").write_text("<!DOCTYPE html><html>quota exceeded</html>")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(tmp_path / "m.safetensors")


def test_a_huge_header_is_not_read(tmp_path):
    (tmp_path / "m.safetensors").write_bytes((2**22).to_bytes(8, "little") + b"{" + b" " * 2**22)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(tmp_path / "m.safetensors")


def test_a_damaged_header_is_refused_or_changes_nothing(saved):
    data = saved.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        damaged = bytearray(data)
        damaged[rng.integers(0, end)] = rng.integers(0, 256)
        saved.write_bytes(damaged)
        try:
            load_weights(saved)
        except WeightsError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no config is inside"),
        ("{", "not readable"),
        ("[" * 100_000, "not readable"),
        ("[]", "has format None"),
        (about(format=2), "has format 2; this version reads 1"),
        (about(model="Wizard"), "holds a 'Wizard'"),
        (about(model=["SlerIR"]), "knows SlerIR and Generalist"),
        (about(config=None), "must have the fields experts, width, dim, tokens"),
        (about(config={"experts": 3, "depth": 9}), "must have the fields"),
        (about(config={"width": 10**9}), "width is 1000000000 .* not a number from 1 to 128"),
        (about(config={"width": -8}), "width is -8"),
        (about(config={"experts": 1e9}), "experts is 1000000000.0"),
        (about(config={"dim": True}), "dim is True"),
        (about(config={"tokens": "16"}), "tokens is '16'"),
    ],
)
def test_what_a_file_says_of_itself_is_checked(tmp_path, text, message):
    with pytest.raises(WeightsError, match=message):
        load_weights(rewritten(tmp_path / "m.safetensors", text))


def test_a_config_that_no_network_can_have(tmp_path):
    path = rewritten(
        tmp_path / "m.safetensors", about(config={"experts": 2, "width": 8, "dim": 5, "tokens": 16})
    )
    with pytest.raises(WeightsError):
        load_weights(path)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"compass.direction.bias": None}, "compass.direction.bias: missing instead of"),
        ({"extra": torch.zeros(1)}, "extra: .* instead of nothing"),
        ({"compass.direction.bias": torch.zeros(6)}, r"\[6\], 'F32'.* instead of \(\[5\]"),
        ({"compass.direction.bias": torch.zeros(5, dtype=torch.float64)}, "F64"),
    ],
)
def test_tensors_of_another_config_are_named(tmp_path, tensors, message):
    with pytest.raises(WeightsError, match=f"weights of another config.*{message}"):
        load_weights(rewritten(tmp_path / "m.safetensors", about(), **tensors))


def test_only_the_first_few_differences_are_named(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "m.safetensors", {weights.KEY: about()})
    with pytest.raises(WeightsError, match=r"and \d+ more") as caught:
        load_weights(tmp_path / "m.safetensors")
    assert len(str(caught.value)) < 700


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    broken = {"compass.direction.bias": torch.full((5,), float("nan"))}
    with pytest.raises(WeightsError, match="NaN or infinity in compass.direction.bias"):
        load_weights(rewritten(tmp_path / "m.safetensors", about(), **broken))


def test_every_field_of_the_config_has_bounds_and_the_default_keeps_them():
    assert set(weights.BOUNDS) == {f.name for f in fields(Config)}
    for name, (low, high) in weights.BOUNDS.items():
        assert low <= getattr(Config(), name) <= high


def test_a_name_that_nothing_was_shipped_under():
    with pytest.raises(WeightsError, match='No weights called "../slerir"'):
        load_pretrained("../slerir")


def test_the_shipped_weights():
    model = load_pretrained()
    assert isinstance(model, SlerIR) and not model.training
    assert torch.allclose(model.compass.centres.norm(dim=1), torch.ones(6), atol=1e-5)
