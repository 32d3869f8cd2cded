"""Weights that carry their own config: a safetensors file, which unlike a pickle can't run anything.

The file's metadata holds one entry of JSON: which network, its Config, facts about the run, and a checksum
of it all. Nothing in a file is believed before it is checked; what is wrong is said together with what to
do about it.
"""

import json
from dataclasses import asdict, fields
from importlib import resources
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from .files import write_whole
from .memory import keep_freed
from .model import Config, Generalist, SlerIR
from .route import NearestPin
from .sphere import Compass
from .weights_about import FORMAT, KEY, WeightsError, digest, opened, read_about, short

MODELS = {"SlerIR": SlerIR, "Generalist": Generalist, "Compass": Compass}


def save_weights(model: nn.Module, path: str | Path, facts: dict | None = None, half: bool = False) -> None:
    """Write a SlerIR (with its default router), a Generalist or a Compass; half a file is never left.

    facts: anything JSON can hold that is worth knowing later (seed, steps, data). half: in half precision,
    which takes half the space and changes restored photos by less than a grey level; loading widens it.
    Raises WeightsError for another model or router, OSError where the file can't be written.
    """
    kind = type(model).__name__
    if MODELS.get(kind) is not type(model):
        raise WeightsError(f"Only {' and '.join(MODELS)} can be saved, not {kind}.")
    if not own_router(model):
        router = model.router
        raise WeightsError(
            f"Only a SlerIR with its own router can be saved; this one has {type(router).__name__}"
            f"{' with one choice for all layers' if type(router) is NearestPin else ''}. "
            "Keep a rival's state_dict() with torch.save."
        )
    own = Config(dim=model.dim, tokens=model.tokens, linear=model.linear) if kind == "Compass" else None
    config = own or model.config
    about = {"format": FORMAT, "model": kind, "config": asdict(config), "facts": facts or {}}
    about = json.loads(json.dumps(about))  # as it will be read: JSON has no tuples, and no numbers as keys
    tensors = {
        name: (v.half() if half and v.is_floating_point() else v).detach().cpu().contiguous()
        for name, v in model.state_dict().items()
    }
    about["sha256"] = digest(about, tensors)
    write_whole(path, save(tensors, {KEY: json.dumps(about)}))


def own_router(model: nn.Module) -> bool:
    """Whether a model's router, if it has one, is SlerIR's own, which its config describes fully."""
    router = getattr(model, "router", None)
    if router is None:
        return True
    plain = type(router) is NearestPin and not router.shared and not router.begin
    return plain and router.linear == model.config.linear


def load_weights(path: str | Path) -> SlerIR | Generalist | Compass:
    """The network that a file holds, on the CPU, in eval mode. The random state is left as it was.

    Raises FileNotFoundError, or WeightsError for a pickle, a cut-off, damaged or foreign file, an unknown or
    absurd config, and tensors that are not those of the config. Files from before there were checksums
    have none, and damage to their numbers goes unnoticed.
    """
    path = Path(path)
    about = read_about(path)
    kind, config = about.get("model"), _checked_config(path, about.get("config"))
    if not isinstance(kind, str) or kind not in MODELS:
        raise WeightsError(
            f"{path} holds a {short(kind)}; this version knows {' and '.join(MODELS)}. Update the package."
        )
    with opened(path) as file:
        if any(getattr(config, f.name) > f.default for f in fields(Config)):
            # Larger than the default's few megabytes: compared in outline before memory is taken for it.
            from accelerate import init_empty_weights

            with init_empty_weights(include_buffers=False):
                _compare(path, file, _built(path, kind, config), config)
        model = _built(path, kind, config)
        _compare(path, file, model, config)
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    if "sha256" in about and about["sha256"] != digest(about, tensors):
        raise WeightsError(
            f"{path} is damaged: it does not hold what was saved (its checksum differs). Copy or download it "
            "again."
        )
    broken = [name for name, v in tensors.items() if v.is_floating_point() and not v.isfinite().all()]
    if broken:
        raise WeightsError(
            f"{path} holds NaN or infinity in {broken[0]}: its training failed, or it is damaged. Copy or "
            "download it again, or train anew."
        )
    model.load_state_dict(tensors)
    keep_freed()  # for the photos to come
    return model.eval()


def load_pretrained(name: str = "slerir") -> SlerIR | Generalist | Compass:
    """The weights that come with the package: "slerir", and "globe", a Compass with d = 3.

    Raises WeightsError where there are none of that name."""
    folder = resources.files(__package__) / "pretrained"
    files = folder.iterdir() if folder.is_dir() else ()
    there = sorted(f.name.removesuffix(".safetensors") for f in files if f.name.endswith(".safetensors"))
    if name not in there:
        known = f"there are: {', '.join(there)}" if there else "install the package anew, or give --weights"
        raise WeightsError(f'No weights called "{name}" came with this package; {known}.')
    with resources.as_file(folder / f"{name}.safetensors") as path:
        return load_weights(path)


def _checked_config(path, values) -> Config:
    known = [f.name for f in fields(Config)]
    if not isinstance(values, dict) or not set(values) <= set(known):
        raise WeightsError(
            f"{path}: its config must have the fields {', '.join(known)}; it is {short(values, 200)}. "
            "Copy or download it again, or update the package."
        )
    try:
        return Config(**values)
    except ValueError as error:
        raise WeightsError(f"{path}: in its config, {error!s:.300}. Copy or download it again.") from error


def _built(path, kind: str, config: Config) -> nn.Module:
    try:
        with torch.random.fork_rng(devices=[]):
            whole = MODELS[kind]
            return whole(config.dim, config.tokens, config.linear) if whole is Compass else whole(config)
    except (RuntimeError, ValueError) as error:
        raise WeightsError(
            f"{path}: no network can be built from {config} ({error}). Copy or download it again."
        ) from error


def _compare(path, file, model: nn.Module, config: Config) -> None:
    """Refuse a file whose tensors are not, by name, shape and dtype, those of the model."""
    there = {
        name: (file.get_slice(name).get_shape(), file.get_slice(name).get_dtype()) for name in file.keys()
    }
    there = {name: (shape, "F32" if kind == "F16" else kind) for name, (shape, kind) in there.items()}
    dtypes = {torch.float32: "F32", torch.int64: "I64"}
    here = {
        name: (list(v.shape), dtypes.get(v.dtype, str(v.dtype))) for name, v in model.state_dict().items()
    }
    names = [name for name in sorted(there.keys() | here.keys()) if there.get(name) != here.get(name)]
    wrong = [
        f"{short(n, 80)[1:-1]}: {str(there.get(n, 'missing')):.80} instead of {here.get(n, 'nothing')}"
        for n in names[:3]
    ]
    if wrong:
        more = f"; and {len(names) - 3} more" if len(names) > 3 else ""
        raise WeightsError(
            f"{path} holds weights of another config than the {config} that it names: "
            f"{'; '.join(wrong)}{more}. Take the file that this config was saved with."
        )
