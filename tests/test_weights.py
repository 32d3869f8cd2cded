"""Weights come back as they went, and no other file gets in."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save_file

from slerir_lite import weights
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.route import LAYERS, NearestPin, SoftmaxGate, Table
from slerir_lite.sphere import Compass
from slerir_lite.weights import WeightsError, load_pretrained, load_weights, read_about, save_weights

SMALL = Config(width=8, tokens=16)
# Each example overwrites the one file, and a hundred of them take about a second.
fuzzed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


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
        SlerIR(Config(width=4, linear=True, local_sense=False)),
        Generalist(Config(width=4, experts=1)),
    ],
    ids=["SlerIR", "globe", "one expert", "rival", "Generalist"],
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
    assert read_about(saved)["config"] == asdict(SMALL)


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


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[bytes, dict]:
    """A small weights file's bytes, and its tensors."""
    path = tmp_path_factory.mktemp("whole") / "compass.safetensors"
    torch.manual_seed(0)
    compass = Compass(3, 8)
    save_weights(compass, path, {"seed": 3})
    return path.read_bytes(), compass.state_dict()


FINE = ("refused", "same")  # what may come of a damaged file


def outcome(path: Path, tensors: dict) -> str:
    """What comes of a file: "refused", as it should be; or it holds the "same" as was saved, or "other"."""
    try:
        model = load_weights(path)
    except WeightsError as error:
        assert str(path) in str(error) and len(str(error)) < 1000 and str(error).isprintable()
        assert any(word in str(error) for word in ("Copy or download", "Update", "Ask for", "Use a", "Take"))
        return "refused"
    found = model.state_dict()
    same = found.keys() == tensors.keys() and all(torch.equal(found[k], v) for k, v in tensors.items())
    return "same" if same else "other"


@given(st.data())
@fuzzed
def test_a_cut_off_file_is_refused_wherever_it_was_cut(tmp_path, whole, data):
    content, tensors = whole
    header = 8 + int.from_bytes(content[:8], "little")
    spots = st.sampled_from([0, 1, 7, 8, 9, header - 1, header, header + 1, len(content) - 1])
    path = tmp_path / "m.safetensors"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1) | spots)])
    assert outcome(path, tensors) == "refused"
    path.write_bytes(content + data.draw(st.binary(min_size=1, max_size=9)))
    assert outcome(path, tensors) == "refused"


@given(st.data())
@fuzzed
def test_flipped_bits_are_noticed_or_change_nothing(tmp_path, whole, data):
    content, tensors = whole
    header = 8 + int.from_bytes(content[:8], "little")
    anywhere = st.integers(0, 8 * len(content) - 1)
    in_header, in_weights = st.integers(0, 8 * header - 1), st.integers(8 * header, 8 * len(content) - 1)
    flips = data.draw(st.lists(anywhere, max_size=8) | st.lists(in_header, max_size=3))
    flips += data.draw(st.lists(in_weights, max_size=1))
    damaged = bytearray(content)
    for bit in set(flips):
        damaged[bit // 8] ^= 1 << bit % 8
    path = tmp_path / "m.safetensors"
    path.write_bytes(damaged)
    found = outcome(path, tensors)
    assert found in FINE
    # Among the weights, no bit goes unnoticed.
    assert found == "refused" or all(bit < 8 * header for bit in flips)


@given(st.integers(0, 2**20), st.integers(1, 4096), st.sampled_from([b"\0", b"\xff", b" ", b"{", b"9"]))
@fuzzed
def test_an_overwritten_stretch_is_noticed_or_changes_nothing(tmp_path, whole, start, length, byte):
    content, tensors = whole
    start %= len(content)
    path = tmp_path / "m.safetensors"
    path.write_bytes((content[:start] + byte * length)[: len(content)] + content[start + length :])
    assert outcome(path, tensors) in FINE


def test_every_fact_is_covered_by_the_checksum(saved):
    for key, value in [("facts", {"seed": 4, "steps": 7}), ("sha256", "0" * 64), ("sha256", None)]:
        save_file(
            load(saved.read_bytes()), saved, {weights.KEY: json.dumps(read_about(saved) | {key: value})}
        )
        with pytest.raises(WeightsError, match=r"damaged.*checksum differs.*Copy or download it again"):
            load_weights(saved)
        save_weights(SlerIR(SMALL), saved, {"seed": 3, "steps": 7})


def test_a_checksum_cannot_be_lost_by_damage_to_its_name(saved):
    content = bytearray(saved.read_bytes())
    content[content.index(b"sha256")] ^= 1
    content[-1] ^= 1
    saved.write_bytes(content)
    with pytest.raises(WeightsError, match="'rha256', which this version does not know"):
        load_weights(saved)


def test_a_checksum_outlives_another_order_in_the_file(saved):
    tensors = load(saved.read_bytes())
    save_file(dict(reversed(tensors.items())), saved, {weights.KEY: json.dumps(read_about(saved), indent=3)})
    assert outcome(saved, tensors) == "same"


def test_facts_that_json_writes_otherwise_do_not_spoil_the_checksum(tmp_path):
    facts = {"sizes": (1, 2), 3: None, "rate": 0.1, "name": "Zoë \ud83c", "best": float("inf")}
    save_weights(Compass(3, 8), tmp_path / "m.safetensors", facts)
    load_weights(tmp_path / "m.safetensors")
    assert read_about(tmp_path / "m.safetensors")["facts"]["sizes"] == [1, 2]


def test_half_precision_weights_are_saved_and_then_refused_for_what_they_are(tmp_path):
    save_weights(Compass(3, 8).to(torch.bfloat16), tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match="'BF16'.* instead of .*'F32'"):
        load_weights(tmp_path / "m.safetensors")


def test_a_file_without_a_checksum_is_read(tmp_path):
    assert "sha256" not in json.loads(about())
    load_weights(rewritten(tmp_path / "m.safetensors", about()))


def test_a_web_page_is_refused(tmp_path):
    (tmp_path / "m.safetensors").write_text("<!DOCTYPE html><html>quota exceeded</html>")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(tmp_path / "m.safetensors")


def test_a_huge_header_is_not_read(tmp_path):
    (tmp_path / "m.safetensors").write_bytes((2**22).to_bytes(8, "little") + b"{" + b" " * 2**22)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(tmp_path / "m.safetensors")


def raw(path: Path, header: bytes | dict, data: bytes = b"", length: int | None = None) -> Path:
    """A file with any header over any data."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(header) if length is None else length).to_bytes(8, "little") + header + data)
    return path


def hostile(change: str) -> dict:
    """The header of a Compass's file, changed, above 8 bytes of data."""
    text = about(model="Compass", config={"dim": 3, "tokens": 8})
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    entry = {
        "overlapping": {"a": one, "b": one},
        "with a gap": {"a": one | {"shape": [1], "data_offsets": [4, 8]}},
        "negative": {"a": one | {"data_offsets": [-8, 0]}},
        "backwards": {"a": one | {"data_offsets": [8, 0]}},
        "out of the file": {"a": one | {"data_offsets": [0, 2**62], "shape": [2**60]}},
        "overflowing": {"a": one | {"shape": [2**62, 2**62]}},
        "beyond 64 bits": {"a": one | {"shape": [2**64 + 2]}},
        "negative shape": {"a": one | {"shape": [-2]}},
        "fractional shape": {"a": one | {"shape": [2.0]}},
        "empty but vast": {"a": one | {"shape": [0, 2**60], "data_offsets": [0, 0]}, "b": one},
        "many dimensions": {"a": one | {"shape": [1] * 100_000 + [2]}},
        "another dtype": {"a": one | {"dtype": "F64", "shape": [1]}},
        "no dtype": {"a": one | {"dtype": "OBJECT"}},
        "no such tensor": {"\x1b[2J" + "a" * 500_000: one},
        "many tensors": {str(k): one | {"shape": [0], "data_offsets": [0, 0]} for k in range(9000)}
        | {"z": one},
        "not a tensor": {"a": 5},
    }
    return {"__metadata__": {weights.KEY: text}} | entry[change]


@pytest.mark.parametrize(
    "change",
    ["overlapping", "with a gap", "negative", "backwards", "out of the file", "overflowing", "beyond 64 bits",
     "negative shape", "fractional shape", "empty but vast", "many dimensions", "another dtype", "no dtype",
     "no such tensor", "many tensors", "not a tensor"],
)  # fmt: skip
def test_tensors_that_cannot_be_are_refused(change, tmp_path):
    assert outcome(raw(tmp_path / "m.safetensors", hostile(change), bytes(8)), {}) == "refused"


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 2**20 + 1, 3])
def test_a_header_that_lies_about_its_length_is_refused(length, tmp_path):
    path = raw(tmp_path / "m.safetensors", hostile("overlapping"), bytes(8), length)
    assert outcome(path, {}) == "refused"


@pytest.mark.parametrize(
    "header",
    [b"", b"{}", b"[]", b"null", b"7", b"{" * 9, b"[" * 500_000, b'{"a":' * 100_000, b"\xff" * 99, b"NaN",
     b'{"__metadata__": 3}', b'{"__metadata__": {"slerir-lite": 3}}'],
    ids=lambda header: header[:40].decode("latin1"),
)  # fmt: skip
def test_a_header_that_is_none_is_refused(header, tmp_path):
    assert outcome(raw(tmp_path / "m.safetensors", header), {}) == "refused"


@pytest.mark.parametrize("depth", [10, 300, *range(880, 1000, 24), 3000, 100_000])
@pytest.mark.parametrize(
    "place", ["config", "width", "format", "model", "facts", "facts under a checksum", "sha256", "more"]
)
def test_deeply_nested_json_is_refused_or_means_nothing(place, depth, tmp_path):
    deep = "[" * depth + "]" * depth
    changes = {
        "width": {"config": {"width": "DEEP"}},
        "facts under a checksum": {"facts": "DEEP", "sha256": "0" * 64},
    }
    text = about(**changes.get(place, {place: "DEEP"}))
    path = rewritten(tmp_path / "m.safetensors", text.replace('"DEEP"', deep))
    assert outcome(path, load(path.read_bytes())) in (FINE if place == "facts" else ("refused",))


def test_a_name_that_stands_twice_is_refused(tmp_path):
    text = about().replace('"width": 8', '"width": 8, "width": 16')
    with pytest.raises(WeightsError, match="a name stands twice"):
        load_weights(rewritten(tmp_path / "m.safetensors", text))


def test_tensors_that_stand_twice_are_refused_or_change_nothing(tmp_path, whole):
    content, tensors = whole
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    entries = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in header.items()]
    bias = header["direction.bias"]["data_offsets"]
    for offsets in (bias, [0, 12], [bias[0] + 4, bias[1] + 4]):
        again = json.dumps({"dtype": "F32", "shape": [3], "data_offsets": offsets})
        for double in (f'"direction.bias": {again}', entries[0]):
            for order in ([*entries, double], [double, *entries]):
                text = "{" + ",".join(order) + "}"
                assert outcome(raw(tmp_path / "m.safetensors", text.encode(), content[end:]), tensors) in FINE


GREEDY = """
import resource, sys
from slerir_lite.weights import WeightsError, load_weights

def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def refused(path) -> None:
    try:
        load_weights(path)
    except WeightsError as error:
        assert "weights of another config" in str(error), error
    else:
        raise SystemExit("not refused")

refused(sys.argv[1])  # whatever is imported for that is imported now
before = peak()
refused(sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is counted in other units")
def test_a_small_file_does_not_get_the_memory_of_the_large_network_that_it_names(tmp_path):
    """A network of the largest config that is let through takes 166 MB."""
    paths = []
    for name, width in [("modest", 33), ("greedy", 128)]:
        config = {"experts": 3, "width": width, "dim": 64, "tokens": 256}
        save_file({"a": torch.zeros(1)}, tmp_path / name, {weights.KEY: about(config=config)})
        paths.append(tmp_path / name)
    root = str(Path(weights.__file__).resolve().parent.parent)
    found = subprocess.run(
        [sys.executable, "-c", GREEDY, *paths],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 30_000  # kilobytes


def test_a_network_larger_than_the_default_comes_back_too(tmp_path):
    model = Generalist(Config(experts=1, width=34))
    save_weights(model, tmp_path / "m.safetensors")
    assert outcome(tmp_path / "m.safetensors", model.state_dict()) == "same"


def test_the_tensors_of_another_compass_are_named(tmp_path):
    save_weights(Compass(3, 8), tmp_path / "m.safetensors")
    tensors = load((tmp_path / "m.safetensors").read_bytes())
    text = about(model="Compass", config={"dim": 5, "tokens": 8})
    save_file(tensors, tmp_path / "m.safetensors", {weights.KEY: text})
    with pytest.raises(WeightsError, match=r"another config.*\[6, 3\], 'F32'.* instead of \(\[6, 5\]"):
        load_weights(tmp_path / "m.safetensors")


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
        (about(config={"width": 10**9}), "width is 1000000000, not a number from 1 to 128"),
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


def test_a_name_that_nothing_was_shipped_under():
    with pytest.raises(WeightsError, match='No weights called "../slerir"'):
        load_pretrained("../slerir")


def test_the_shipped_weights():
    model = load_pretrained()
    assert isinstance(model, SlerIR) and not model.training
    assert torch.allclose(model.compass.centres.norm(dim=1), torch.ones(6), atol=1e-3)  # half precision


def test_half_precision_is_widened_again_and_rounds_no_more_than_that(tmp_path):
    torch.manual_seed(0)
    model, path = SlerIR(Config(width=8, tokens=16)), tmp_path / "half.safetensors"
    save_weights(model, tmp_path / "full.safetensors")
    save_weights(model, path, half=True)
    assert path.stat().st_size < 0.6 * (tmp_path / "full.safetensors").stat().st_size
    found = load_weights(path).state_dict()
    for name, v in model.state_dict().items():
        assert found[name].dtype == v.dtype
        assert torch.equal(found[name], v.half().to(v.dtype) if v.is_floating_point() else v), name
