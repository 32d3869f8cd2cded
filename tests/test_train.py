"""The loop: it learns, it trains what a stage names, and a run that was cut off ends as one left alone."""

import copy
import itertools
import json
import math
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from skimage.metrics import peak_signal_noise_ratio

from slerir_lite import train
from slerir_lite.batch import AMOUNTS
from slerir_lite.crops import BLOCK, Crops
from slerir_lite.deblur import mixture, sharpen
from slerir_lite.degrade import PLACES
from slerir_lite.losses import compass_loss, motion_loss, restoration_loss
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.plan import PARTS, STATIONS, Stage, generalist_stages, rate, stages
from slerir_lite.processes import batch_index, share_gradients
from slerir_lite.route import NearestPin, SoftmaxGate, pins_from_centres
from slerir_lite.train import Trainer

SMALL = Config(width=8, tokens=16)
SENSES = ("compass", "deblur")
ALL = (*STATIONS, *SENSES, "router")


def stage(name: str, steps: int, trains: tuple[str, ...], lr: float = 2e-3) -> Stage:
    return Stage(name=name, steps=steps, lr=lr, end=lr / 20, trains=trains)


PLAN = [
    stage("compass", 3, SENSES),
    stage("together", 3, STATIONS),
    replace(stage("team", 3, STATIONS), small=True),
    stage("joint", 3, ALL, 2e-4),
]


measure = Trainer.measure_centres


def measure_roughly(self, model, batches: int = 6) -> torch.Tensor:
    return measure(self, model, batches)


class Killed(BaseException):
    """As a signal would, it ends a run between two steps."""


@pytest.fixture(autouse=True)
def few_batches_for_centres(monkeypatch):
    """Measuring where the places lie on 40 batches takes longer than these runs."""
    monkeypatch.setattr(Trainer, "measure_centres", measure_roughly)


def new_model(kind=SlerIR) -> torch.nn.Module:
    torch.manual_seed(0)
    return SlerIR(SMALL) if kind is SlerIR else Generalist(Config(experts=1, width=8))


def trainer(photos, out, plan=None, model=None, **how) -> Trainer:
    how = dict(per_batch=6, size=16, seed=1, quiet=True, save_every=0.0) | how
    return Trainer(photos, out, plan or PLAN, model or new_model(), **how)


def before_each_batch(run: Trainer, call) -> Trainer:
    """The trainer; `call(number)` happens before it gets any batch."""
    for crops in (run.crops, run.crops.smaller):
        batch = crops.batch

        def fetch(number: int, batch=batch):
            call(number)
            return batch(number)

        crops.batch = fetch
    return run


def killed_at(run: Trainer, step: int) -> Trainer:
    """The trainer, which will be killed when it reaches a step."""

    def kill(number: int):
        if number == step:
            raise Killed

    return before_each_batch(run, kill)


def weights(run: Trainer) -> dict[str, torch.Tensor]:
    """Everything that a run leaves: the weights and their average."""
    both = {"model": run.model, "ema": run.ema}
    return {f"{k}.{n}": v.clone() for k, m in both.items() for n, v in m.state_dict().items()}


def identical(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(v, other[k]) for k, v in one.items())


def watched(run: Trainer) -> list[dict[str, torch.Tensor]]:
    """Runs it; returns the weights as they were when each step began (from the second stage on: as it then
    stood after what happens between stages), and at the end."""
    seen = []

    def look(number: int):
        if number == run.step:  # a step of the training, not a look at where the places lie
            seen.append(weights(run))

    before_each_batch(run, look).run()
    return [*seen, weights(run)]


# Losses and rates


def test_the_restoration_loss_is_the_mean_log_of_each_photos_error():
    g = torch.Generator().manual_seed(0)
    clean, restored = torch.rand(4, 3, 9, 7, generator=g), torch.rand(4, 3, 9, 7, generator=g)
    restored[0] = clean[0] + 0.001  # nearly perfect: a photo weighs by its PSNR, not by its error
    loss, psnr = restoration_loss(restored, clean)
    errors = [float(((a - b) ** 2).mean()) for a, b in zip(clean.numpy(), restored.numpy(), strict=True)]
    assert loss.item() == pytest.approx(np.mean([0.5 * math.log(e + 1e-5) for e in errors]), rel=1e-4)
    pairs = zip(clean.numpy(), restored.numpy(), strict=True)
    scores = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs]
    assert psnr.item() == pytest.approx(np.mean(scores), abs=0.01)


def test_of_a_photo_that_moved_only_the_middle_counts():
    clean = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    y = clean.clone()
    y[..., :12, :] += 0.3  # what moved in from outside can't be known there
    moved = restoration_loss(y, clean, torch.tensor([True]))[0].item()
    assert moved == pytest.approx(restoration_loss(clean, clean)[0].item(), abs=1e-4)
    assert restoration_loss(y, clean, torch.tensor([False]))[0] > moved + 2


def test_which_photos_moved_is_handed_to_the_loss(photos, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        train, "restoration_loss", lambda y, x, moved, c: asked.append(moved) or restoration_loss(y, x)
    )
    run = trainer(photos, tmp_path, [stage("together", 2, STATIONS)])
    run.run()
    lengths = [run.crops.batch(k).motion[:, 0].repeat_interleave(2) for k in range(2)]
    assert all(torch.equal(a, b > 0) for a, b in zip(asked, lengths, strict=True)) and torch.cat(asked).any()


def test_in_the_joint_stage_the_compass_still_learns_to_read(photos, tmp_path):
    run = trainer(photos, tmp_path)
    run._prepare(PLAN[3])
    run._losses(PLAN[3], 0, run.crops.batch(0))[0].backward()
    assert run.model.compass.read.weight.grad.abs().sum() > 0  # restoring alone does not reach it


def test_pins_move_five_times_as_fast_as_weights(photos, tmp_path):
    run = trainer(photos, tmp_path)
    groups = run._prepare(PLAN[3]).param_groups
    faster = {id(p): group["faster"] for group in groups for p in group["params"]}
    for name, parameter in run.model.named_parameters():
        assert faster[id(parameter)] == (5 if name.startswith("router.") else 1), name


@pytest.mark.parametrize("fixed", [False, True])
def test_the_lead_fades_unless_places_are_fixed(fixed, photos, tmp_path):
    run, ten = trainer(photos, tmp_path, fixed_places=fixed), stage("compass", 10, SENSES)
    run._prepare(ten)
    first, last = (float(run._losses(ten, k, run.crops.batch(0))[1]["lead"]) for k in (0, 9))
    assert first > 0 and (last > 0) == fixed


def test_a_perfect_restoration_has_a_finite_loss_and_gradient():
    clean = torch.rand(2, 3, 8, 8)
    restored = clean.clone().requires_grad_()
    loss, psnr = restoration_loss(restored, clean)
    loss.backward()
    assert loss.isfinite() and psnr.isfinite() and restored.grad.isfinite().all()


def test_what_counts_as_nothing_falls_with_the_rate_to_what_the_loss_says(photos, tmp_path, monkeypatch):
    seen = []

    def look(restored, clean, moved, nothing):
        seen.append(nothing)
        return restoration_loss(restored, clean, moved, nothing)

    monkeypatch.setattr(train, "restoration_loss", look)
    plan = [Stage("together", 9, 2e-3, 2e-6, STATIONS), Stage("team", 3, 1.9e-5, 1e-6, STATIONS)]
    trainer(photos, tmp_path, plan, per_batch=2).run()
    assert seen[0] == pytest.approx(1e-3) and seen[9:] == [1e-5] * 3
    assert (
        all(a >= b for a, b in pairwise(seen)) and len(set(seen)) == 9
    )  # the first two steps are at the peak


def test_a_photo_below_what_counts_as_nothing_hardly_pulls():
    clean = torch.full((2, 3, 8, 8), 0.5)
    restored = (clean + torch.tensor([0.003, 0.1]).view(2, 1, 1, 1)).requires_grad_()  # 50 dB and 20 dB
    pulls = {}
    for nothing in (1e-5, 1e-3):
        (pulls[nothing],) = torch.autograd.grad(restoration_loss(restored, clean, None, nothing)[0], restored)
    near, far = (v.flatten(1).norm(dim=1) for v in (pulls[1e-5], pulls[1e-3]))
    assert near[0] > 10 * near[1] and far[0] < far[1]


@pytest.mark.parametrize("total", [1, 2, 10, 100, 3001])
def test_the_rate_rises_to_its_peak_and_then_falls_in_a_cosine_to_its_end(total):
    plan = Stage(name="team", steps=total, lr=3e-3, end=5e-4, trains=STATIONS)
    rates = [rate(plan, step) for step in range(total)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(3e-3) and min(rates) > 0
    assert all(b > a for a, b in itertools.pairwise(rates[: peak + 1]))
    assert all(b <= a for a, b in itertools.pairwise(rates[peak:]))
    assert peak <= max(1, 0.05 * total) and min(rates[peak:]) >= 5e-4
    if total >= 100:
        assert rates[-1] == pytest.approx(5e-4, rel=0.02)
        assert rates[(peak + total) // 2] == pytest.approx((3e-3 + 5e-4) / 2, rel=0.03)
        # A cosine starts and ends gently.
        steps = [a - b for a, b in itertools.pairwise(rates[peak + 1 :])]
        assert max(steps[:2] + steps[-2:]) < 0.3 * max(steps)


@pytest.mark.parametrize("steps, compass_steps", [(100, 20), (4000, 2000), (7, 3)])
def test_the_default_plan_has_the_steps_asked_for_in_four_stages(steps, compass_steps):
    plan = stages(steps, compass_steps)
    assert [s.name for s in plan] == ["compass", "together", "team", "joint"]
    assert plan[0].steps == compass_steps and sum(s.steps for s in plan[1:]) == steps
    assert plan[0].trains == SENSES and not set(SENSES) & set(plan[1].trains + plan[2].trains)
    assert set(plan[3].trains) == set(ALL) - {"deblur"}
    assert plan[3].lr < 0.2 * max(s.lr for s in plan[1:])  # all together at a low rate


def test_a_plan_has_no_stage_without_steps():
    assert [s.name for s in stages(10, 0, together=0)] == ["team", "joint"]
    assert [s.name for s in stages(10, 5, joint=0)] == ["compass", "together", "team"]


def crops_of(photos, recipe=None, per_batch: int = 6):
    model = new_model()
    batch = Crops(photos, per_batch, 32, recipe).batch(0)
    local = model.compass.look(batch.degraded)
    return model, batch, local, model.sense(batch.degraded, local, batch.thumbnail)


def test_the_compass_learns_from_all_its_losses(photos):
    model, batch, local, sense = crops_of(photos)
    parts = compass_loss(model, batch, local, sense, lead=1.0)
    assert {"lead", "triplet", "uniformity", "midpoint", "reading"} <= parts.keys()
    sum(parts.values()).backward()
    for name, parameter in model.named_parameters():
        if name.startswith("compass"):
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
        else:
            assert parameter.grad is None, name


def test_each_of_the_compasss_losses_is_what_the_paper_says_of_the_crops_that_it_is_for(photos):
    """By hand, crop by crop. Mixes and corners are in the batch; of these three only the lead heeds them."""
    kinds = {"clean": 2, "noise": 2, "rain": 2, "haze": 2, "blur": 2, "lowlight": 2, "haze+rain": 3}
    model, batch, local, sense = crops_of(photos, kinds, per_batch=24)
    parts = {name: value.item() for name, value in compass_loss(model, batch, local, sense, 0.5).items()}
    z = torch.cat([sense.z, model.sense(batch.degraded, local).z]).detach().double()
    share = batch.place.repeat_interleave(2, 0).repeat(2, 1)
    rows = [k for k in range(len(z)) if share[k].max() == 1]
    label = {k: int(share[k].argmax()) for k in rows}
    assert 0 < len(rows) < len(z) and len(set(label.values())) > 3
    cos = z @ z.T
    triplets = []
    for a in rows:
        others = [cos[a, n] for n in rows if label[n] != label[a]]
        triplets += [max(0.0, 0.8 + float(max(others) - cos[a, p])) for p in rows
                     if p != a and label[p] == label[a]]  # fmt: skip
    assert parts["triplet"] == pytest.approx(np.mean(triplets), abs=1e-5)
    middle = [sum(z[k] for k in rows if label[k] == place) for place in sorted(set(label.values()))]
    middle = [m / m.norm() for m in middle]
    apart = [math.exp(-2 * float((a - b).square().sum())) for a, b in itertools.combinations(middle, 2)]
    assert parts["uniformity"] == pytest.approx(math.log(np.mean(apart)), abs=1e-5)
    likely = ((z @ model.compass.centres.double().T) / 0.15).log_softmax(1)
    assert parts["lead"] == pytest.approx(-0.5 * float((share * likely).sum(1).mean()), abs=1e-4)


@pytest.mark.parametrize("recipe", [{"noise": 1}, {"haze+rain": 1}, {"clean": 1}], ids=str)
def test_a_batch_of_one_kind_has_a_finite_compass_loss(recipe, photos):
    parts = compass_loss(*crops_of(photos, recipe), lead=0.5)
    assert all(v.isfinite() for v in parts.values())


def test_a_mix_is_drawn_between_its_parents_though_neither_is_in_the_batch(photos):
    model, batch, local, sense = crops_of(photos, {"haze+rain": 1}, per_batch=2)
    middle = torch.nn.functional.normalize(model.compass.centres[2] + model.compass.centres[3], dim=0)
    parts = compass_loss(model, batch, local, sense)
    z = torch.cat([sense.z, model.sense(batch.degraded, local).z])
    whole = batch.place[:, 0] == 0  # not in a corner, which lies nearer to clean
    expected = 1 - (z @ middle)[whole.repeat_interleave(2).repeat(2)]
    assert whole.all() and parts["midpoint"].item() == pytest.approx(expected.mean().item(), abs=1e-5)


def test_deblur_alone_learns_from_the_motion(photos):
    model, batch, local, _ = crops_of(photos, {"blur": 1, "clean": 1})
    parts = motion_loss(model, batch, local)
    for value in parts.values():
        model.zero_grad()
        value.backward(retain_graph=True)
        reached = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        # How blurred a place looks weighs the windows, but is learnt from the amounts alone.
        assert {"deblur.body.0.weight", "deblur.path.weight"} <= reached
        assert all(n.startswith("deblur.") for n in reached)


def test_sharpness_is_the_log_of_the_share_of_the_error_that_is_left(photos):
    model, batch, local, _ = crops_of(photos, {"blur": 1, "clean": 1, "haze": 1})
    batch.amounts[:, AMOUNTS.index("blur length")] = 1.0  # everywhere in each crop, be it confined or not
    for module in (model.deblur.path, model.deblur.strength):
        torch.nn.init.zeros_(module.weight)
    with torch.no_grad():
        model.deblur.path.bias[0] = 50  # nothing moved, it says: so all of the error is left
    assert motion_loss(model, batch, local)["sharpness"].abs() < 1e-4
    with torch.no_grad():
        model.deblur.path.bias[0] = -50  # all paths at once: a mean of filters that fits none
    path, strength = model.deblur(batch.degraded, model.blurred(local))
    weight = mixture(path.exp(), strength)
    logs = []
    for row, kinds in enumerate(k for k in batch.kinds for _ in range(2)):
        if kinds == "blur":
            x, y = batch.degraded[row : row + 1], batch.clean[row : row + 1]
            middle = (..., slice(8, 24), slice(8, 24))  # of 32 px: a crop's border can't be sharpened
            left = np.square((sharpen(x, weight[row : row + 1]) - y).detach().numpy()[middle]).mean() + 1e-5
            logs.append(np.log(left / (np.square((x - y).numpy()[middle]).mean() + 1e-5)))
    assert len(logs) >= 2 and motion_loss(model, batch, local)["sharpness"].item() == pytest.approx(
        np.mean(logs), rel=1e-3
    )


def test_crops_that_do_not_show_their_photos_motion_teach_no_path(photos):
    model, batch, local, _ = crops_of(photos, {"blur": 1})
    batch.amounts[:2] = 0  # the first photo's crops lie beside the blurred corner
    batch.amounts[2:, AMOUNTS.index("blur length")] = 1.0
    one = motion_loss(model, batch, local)
    batch.motion[0, 1] += 1.5
    assert all(torch.equal(v, one[k]) for k, v in motion_loss(model, batch, local).items())
    batch.motion[1, 1] += 1.5
    assert not torch.equal(motion_loss(model, batch, local)["path"], one["path"])


def test_a_batch_that_shows_no_motion_has_a_finite_loss(photos):
    model, batch, local, _ = crops_of(photos, {"blur": 1})
    batch.amounts[:] = 0  # all crops lie beside the blurred corners
    parts = motion_loss(model, batch, local)
    assert all(v == 0 for v in parts.values())
    sum(parts.values()).backward()


# It learns


def validation(model: torch.nn.Module, photos) -> float:
    """PSNR in dB on batches that training does not see."""
    model = copy.deepcopy(model).eval()
    crops, scores = Crops(photos, 8, 32, seed=99), []
    with torch.no_grad():
        for batch in map(crops.batch, range(4)):
            if isinstance(model, Generalist):
                image = model(batch.degraded)
            else:
                image = model(batch.degraded, view=batch.view, thumbnails=batch.thumbnail).image
            scores.append(restoration_loss(image, batch.clean)[1].item())
    return float(np.mean(scores))


@pytest.mark.parametrize("kind", [SlerIR, Generalist])
def test_a_short_run_on_dead_leaves_restores_better(kind, photos, tmp_path):
    model = new_model(kind)
    run = trainer(photos, tmp_path, [stage("together", 50, STATIONS, 4e-3)], model, size=32, save_every=1e9)
    before = validation(model, photos)
    history = run.run()
    after, average = validation(run.model, photos), validation(run.ema, photos)
    assert after > before + 1 and average > before + 1
    assert [row["step"] for row in history] == [25, 50]


def test_the_compass_learns_to_tell_the_places_apart(photos, tmp_path):
    def right(model) -> float:
        hits, crops = [], Crops(photos, 8, 32, seed=99)
        for batch in map(crops.batch, range(6)):
            with torch.no_grad():
                sense = model.sense(batch.degraded, model.compass.look(batch.degraded), batch.thumbnail)
            share = batch.place.repeat_interleave(2, 0)
            found = (sense.z @ model.compass.centres.T).argmax(1)
            hits += (found == share.argmax(1))[share.amax(1) == 1].tolist()
        return float(np.mean(hits))

    def misreading(model) -> float:
        batch = Crops(photos, 8, 32, seed=99).batch(0)
        with torch.no_grad():
            return float(
                (model.compass.read(model.compass.look(batch.degraded)) - batch.amounts).square().mean()
            )

    run = trainer(photos, tmp_path, [stage("compass", 50, ("compass",), 4e-3)], size=32, save_every=1e9)
    before, misread = right(run.ema.eval()), misreading(run.ema)
    run.run()
    assert right(run.ema.eval()) > max(0.4, before + 0.2)
    assert misreading(run.ema) < misread


# Stages


@pytest.fixture(scope="module")
def course(photos, tmp_path_factory):
    """An undisturbed run through all four stages: its weights before each step and at the end; its folder."""
    out = tmp_path_factory.mktemp("course")
    run = trainer(photos, out, save_every=1e9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "measure_centres", measure_roughly)
        return watched(run), out, run


def in_stage(k: int) -> range:
    return range(3 * k, 3 * k + 3)


@pytest.mark.parametrize("k", range(len(PLAN)), ids=[s.name for s in PLAN])
def test_a_stage_trains_what_it_names_and_leaves_the_rest_bit_for_bit(k, course):
    states, _, _ = course
    for part in ("compass", "deblur", "router", "fuse", "backbone"):
        names = [n for n in states[0] if n.startswith(f"model.{part}.")]
        assert names
        for step in in_stage(k)[:-1]:  # within the stage
            moved = [n for n in names if not torch.equal(states[step][n], states[step + 1][n])]
            assert bool(moved) == (part in PLAN[k].trains), f"{part} in step {step}"


def test_the_parts_that_a_stage_does_not_train_are_not_changed_by_its_last_step_either(course):
    states, _, _ = course
    for n in states[0]:
        if n.startswith(("model.backbone", "model.fuse")):
            assert torch.equal(states[0][n], states[3][n])  # the whole compass stage
    # Between the other stages, only the team's start and the measured centres change what is not trained.
    frozen = [n for n in states[0] if n.startswith(("model.compass", "model.deblur", "model.router"))]
    for step in range(4, 9):
        assert all(torch.equal(states[3][n], states[step][n]) for n in frozen), step


def test_at_first_only_the_first_expert_of_each_station_learns(course):
    states, _, _ = course
    experts = [n for n in states[0] if n.startswith("model.backbone.stations") and n.endswith("weight")]
    for n in experts:
        learnt = not torch.equal(states[3][n], states[5][n])
        assert learnt == (".experts.0." in n), n


def test_the_team_starts_as_copies_of_the_first_expert_and_then_parts(course):
    states, _, _ = course
    for whose in ("model", "ema"):
        for n in states[0]:
            if n.startswith(f"{whose}.backbone.stations") and ".experts.0." in n:
                for other in (n.replace(".experts.0.", f".experts.{k}.") for k in (1, 2)):
                    assert torch.equal(states[6][n], states[6][other])
                    if n.endswith("weight"):
                        assert not torch.equal(states[9][n], states[9][other])


def test_stations_are_trained_under_the_pins_of_the_measured_centres(course):
    states, _, _ = course
    centres, pins = states[3]["model.compass.centres"], states[3]["model.router.pins"]
    assert not torch.allclose(centres, states[0]["model.compass.centres"], atol=1e-3)
    assert torch.allclose(centres.norm(dim=1), torch.ones(len(PLACES)), atol=1e-5)
    assert torch.allclose(pins, pins_from_centres(centres), atol=1e-6)


def test_without_a_stage_of_one_expert_the_team_works_under_the_measured_centres_too(photos, tmp_path):
    plan = [stage("compass", 3, SENSES), stage("team", 2, STATIONS)]
    states = watched(trainer(photos, tmp_path, plan, save_every=1e9))
    centres, pins = states[4]["model.compass.centres"], states[4]["model.router.pins"]
    assert not torch.allclose(centres, states[0]["model.compass.centres"], atol=1e-3)
    assert torch.allclose(pins, pins_from_centres(centres), atol=1e-6)


def test_a_compass_taught_alone_ends_with_the_pins_that_its_places_ask_for(photos, tmp_path):
    run = trainer(photos, tmp_path, [stage("compass", 3, ("compass",))])
    run.run()
    centres, pins = run.ema.compass.centres, run.ema.router.pins
    assert not torch.allclose(centres, new_model().compass.centres, atol=1e-3)
    assert torch.allclose(pins, pins_from_centres(centres), atol=1e-6)


def test_the_average_lies_between_the_weights_that_it_averages(photos, tmp_path):
    run = trainer(photos, tmp_path, [stage("together", 12, STATIONS)], save_every=1e9)
    states = watched(run)
    for name in [n for n, _ in run.model.named_parameters()]:
        path = torch.stack([s[f"model.{name}"] for s in states])
        average = states[-1][f"ema.{name}"]
        slack = 1e-6 + 1e-5 * average.abs()
        assert (average >= path.amin(0) - slack).all() and (average <= path.amax(0) + slack).all()
    first = "backbone.enter.weight"
    assert not torch.equal(states[-1][f"ema.{first}"], states[-1][f"model.{first}"])
    assert not torch.equal(states[-1][f"ema.{first}"], states[0][f"model.{first}"])


@pytest.mark.parametrize("factor, norm", [(1e6, 1.0), (1e-6, 0.0)], ids=["steep", "flat"])
def test_gradients_are_clipped_to_a_norm_of_one(factor, norm, photos, tmp_path, monkeypatch):
    def steeper(*batch):
        return tuple(v * factor for v in restoration_loss(*batch))

    norms, step = [], torch.optim.AdamW.step

    def look(self, *args, **kwargs):
        learning = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.stack([p.grad.norm() for p in learning]).norm()))
        return step(self, *args, **kwargs)

    monkeypatch.setattr(train, "restoration_loss", steeper)
    monkeypatch.setattr(torch.optim.AdamW, "step", look)
    trainer(photos, tmp_path, [stage("together", 2, STATIONS)]).run()
    assert norms == pytest.approx([norm, norm], abs=1e-2)


def test_the_average_of_what_the_first_stage_taught_stays_when_the_next_begins(photos, tmp_path):
    run = trainer(photos, tmp_path, [stage("compass", 6, SENSES), stage("together", 1, STATIONS)])
    states = watched(run)
    for name in ("compass", "deblur"):
        key = next(n for n, _ in run.model.named_parameters() if n.startswith(f"{name}."))
        assert torch.equal(states[6][f"model.{key}"], states[6][f"ema.{key}"])
        assert not torch.equal(states[6][f"ema.{key}"], states[0][f"ema.{key}"])


def test_a_misspelt_loss_and_half_precision_are_refused(photos, tmp_path):
    with pytest.raises(ValueError, match="No loss is called unifomity, but lead"):
        trainer(photos, tmp_path, weights={"unifomity": 0.0})
    with pytest.raises(ValueError, match="bf16"):
        trainer(photos, tmp_path, accelerator=SimpleNamespace(device="cpu", mixed_precision="fp16"))


# History and results


def test_history_tells_step_and_stage_and_scores(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "EVERY", 3)
    plan = [stage("compass", 4, ("compass",)), stage("together", 4, STATIONS)]
    history = trainer(photos, tmp_path, plan).run()
    assert [(row["step"], row["stage"]) for row in history] == [(3, "compass"), (6, "together")]
    assert all(row["seconds"] >= 0 for row in history) and history[0]["seconds"] <= history[1]["seconds"]
    assert {"loss", "psnr"} <= history[1].keys() and {"triplet", "uniformity"} <= history[0].keys()
    assert all(math.isfinite(v) for row in history for v in row.values() if not isinstance(v, str))
    assert json.loads((tmp_path / "history.json").read_text()) == history


def test_a_finished_run_leaves_its_weights_and_running_it_again_changes_nothing(course, photos):
    _, out, run = course
    assert (out / "model.safetensors").stat().st_size > 10_000
    again = trainer(photos, out)
    killed_at(again, 12)  # no further step
    again.run()
    assert identical(weights(again), weights(run))


def test_two_runs_from_one_seed_are_the_same_and_from_another_are_not(photos, tmp_path):
    def end(name: str, seed: int):
        plan = [stage("together", 2, STATIONS)]
        run = Trainer(photos, tmp_path / name, plan, per_batch=6, size=16, seed=seed, quiet=True)
        run.run()
        return weights(run)

    one, same, other = end("a", 3), end("b", 3), end("c", 4)
    assert identical(one, same) and not identical(one, other)


@pytest.mark.parametrize("per_batch", [1, 2])
def test_any_number_of_photos_a_batch_can_be_trained_on(per_batch, photos, tmp_path):
    run = trainer(photos, tmp_path, per_batch=per_batch, save_every=1e9)
    run.run()
    assert all(v.isfinite().all() for v in weights(run).values())


def test_a_generalist_has_a_plan_of_its_own_and_takes_it_by_default(photos, tmp_path):
    run = trainer(photos, tmp_path / "own", generalist_stages(2), new_model(Generalist))
    before = weights(run)
    run.run()
    assert not identical(before, weights(run))
    run = killed_at(
        Trainer(photos, tmp_path / "default", model=new_model(Generalist), size=32, quiet=True), 1
    )
    with pytest.raises(Killed):
        run.run()
    assert run.step == 1


@pytest.mark.parametrize("rival", ["one choice", "softmax"])
def test_a_rival_router_can_be_trained_to_the_end(rival, photos, tmp_path):
    centres = new_model().compass.centres
    router = SoftmaxGate(16) if rival == "softmax" else NearestPin(pins_from_centres(centres), shared=True)
    torch.manual_seed(0)
    run = trainer(photos, tmp_path, [PLAN[0], PLAN[3]], SlerIR(SMALL, router), save_every=1e9)
    before = weights(run)
    run.run()
    learnt = "model.router.pins" if rival == "one choice" else "model.router.score.weight"
    for name in ("model.backbone.enter.weight", learnt):
        assert not torch.equal(before[name], weights(run)[name])


# Cut off and resumed


def test_a_run_killed_at_every_step_ends_bit_for_bit_as_one_left_alone(course, photos, tmp_path):
    states, _, undisturbed = course
    for step in range(12):
        run = killed_at(trainer(photos, tmp_path), step)
        with pytest.raises(Killed):
            run.run()
        for name, value in weights(run).items():  # it has come as far as the undisturbed one had
            assert torch.equal(value, states[step][name]), (step, name)
    last = trainer(photos, tmp_path)
    last.run()
    assert identical(weights(last), weights(undisturbed))


@pytest.mark.parametrize("kills", [(1, 4), (8, 8, 10)], ids=str)
def test_steps_lost_since_the_last_checkpoint_are_done_again_the_same(kills, course, photos, tmp_path):
    _, _, undisturbed = course
    for step in kills:  # checkpoints only where a stage ends
        with pytest.raises(Killed):
            killed_at(trainer(photos, tmp_path, save_every=1e9), step).run()
    last = trainer(photos, tmp_path, save_every=1e9)
    last.run()
    assert identical(weights(last), weights(undisturbed))


def test_a_resumed_run_does_not_depend_on_the_state_of_the_random_numbers(course, photos, tmp_path):
    _, _, undisturbed = course
    with pytest.raises(Killed):
        killed_at(trainer(photos, tmp_path), 7).run()
    model = new_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()  # what is loaded counts, not what was there
    last = trainer(photos, tmp_path, model=model)
    torch.manual_seed(12345)
    last.run()
    assert identical(weights(last), weights(undisturbed))


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(course, photos, tmp_path, monkeypatch):
    _, _, undisturbed = course
    saves, replace = itertools.count(1), os.replace

    def killed_before_the_fifth(part, whole):
        if Path(whole).name == "checkpoint.pt" and next(saves) == 5:
            raise Killed
        replace(part, whole)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed_before_the_fifth)
        with pytest.raises(Killed):
            trainer(photos, tmp_path).run()
    last = trainer(photos, tmp_path)
    killed_at(last, 3)  # which is not asked for again: four steps were safe
    last.run()
    assert identical(weights(last), weights(undisturbed))


def test_the_history_of_a_resumed_run_has_no_gap_and_nothing_twice(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "EVERY", 3)
    plan = [stage("together", 10, ("backbone",))]
    for step in (4, 6):
        with pytest.raises(Killed):
            killed_at(trainer(photos, tmp_path, plan, new_model(Generalist)), step).run()
    history = trainer(photos, tmp_path, plan, new_model(Generalist)).run()
    assert [row["step"] for row in history] == [3, 6, 9]
    seconds = [row["seconds"] for row in history]
    assert seconds == sorted(seconds)


def interrupted(photos, out) -> None:
    with pytest.raises(Killed):
        killed_at(trainer(photos, out), 2).run()


@pytest.mark.parametrize(
    "change",
    [
        dict(plan=[stage("compass", 4, ("compass",)), *PLAN[1:]]),
        dict(plan=[stage("compass", 3, ("compass",), 1e-3), *PLAN[1:]]),
        dict(seed=2),
        dict(per_batch=5),
        dict(size=24),
        dict(recipe={"noise": 1}),
        dict(camera=0.5),
        dict(cornered=0.5),
        dict(config=Config(width=8, tokens=24)),
        dict(config=Config(width=8, tokens=16, dim=3)),
        dict(kind=Generalist, plan=[stage("together", 3, ("backbone",))]),
    ],
    ids=["more steps", "another rate", "another seed", "another batch", "another size", "another recipe",
         "another camera", "other corners", "another config", "another sphere", "another network"],
)  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused_with_what_to_do(change, photos, tmp_path):
    interrupted(photos, tmp_path)
    change = dict(change)
    config, kind = change.pop("config", None), change.pop("kind", SlerIR)
    model = SlerIR(config) if config else new_model(kind)
    saved = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match=r"(?s)checkpoint\.pt.*another.*folder"):
        trainer(photos, tmp_path, model=model, **change).run()
    assert (tmp_path / "checkpoint.pt").read_bytes() == saved


def test_the_same_settings_in_other_words_go_on(photos, tmp_path):
    with pytest.raises(Killed):
        killed_at(trainer(photos, tmp_path, camera=0, recipe={"noise": 1, "rain": 2}), 2).run()
    again = trainer(photos, tmp_path, camera=0.0, recipe={"noise": 1.0, "rain": 2.0})
    assert again.run() is again.history and again.step == 12


def test_another_order_temperature_or_precision_is_another_run_and_is_named(photos, tmp_path, monkeypatch):
    recipe, reverse = {"noise": 1, "rain": 2}, {"rain": 2, "noise": 1}
    with pytest.raises(Killed):
        killed_at(trainer(photos, tmp_path, recipe=recipe), 2).run()
    told = "recipe .*noise 1.0, rain 2.0.*, not .*rain 2.0, noise 1.0"
    with pytest.raises(ValueError, match=f"It was started with {told}"):
        trainer(photos, tmp_path, recipe=reverse).run()
    hot = new_model()
    hot.router.temperature = 1.0
    with pytest.raises(ValueError, match="It was started with router .*0.2.*, not .*1.0"):
        trainer(photos, tmp_path, model=hot, recipe=recipe).run()
    other = "no" if train.bf16_pays() else "bf16"
    monkeypatch.setattr(Accelerator, "mixed_precision", other)
    with pytest.raises(ValueError, match=f'It was started with precision .*, not "{other}"'):
        trainer(photos, tmp_path, recipe=recipe).run()


def test_a_gradient_that_is_no_number_ends_the_run_and_leaves_the_checkpoint(photos, tmp_path, monkeypatch):
    """Nothing after it could be mended."""
    losses = Trainer._losses

    def broken_at_the_eighth(self, stage, step, batch):
        loss, told = losses(self, stage, step, batch)
        return (loss * float("nan") if self.step == 7 else loss), told

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_losses", broken_at_the_eighth)
        with pytest.raises(ValueError, match=r"broke by step 8 \(team\).*checkpoint\.pt is from before"):
            trainer(photos, tmp_path).run()
        with pytest.raises(ValueError, match="broke by step 12.*Nothing was saved yet"):
            trainer(photos, tmp_path / "rarely", [stage("together", 12, STATIONS)], save_every=1e9).run()
    assert not (tmp_path / "rarely" / "checkpoint.pt").exists()
    undisturbed, mended = trainer(photos, tmp_path / "other"), trainer(photos, tmp_path)
    undisturbed.run()
    mended.run()
    assert identical(weights(mended), weights(undisturbed))


def test_a_stage_that_trains_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="some of backbone, fuse, compass, deblur, router, not fuze"):
        stage("together", 2, ("backbone", "fuze"))
    assert set(PARTS) == {name for name, _ in SlerIR(SMALL).named_children()}


@pytest.mark.parametrize("fixed", [True, False])
def test_the_average_is_always_at_rest(fixed, photos, tmp_path):
    run = trainer(photos, tmp_path, PLAN[:1], fixed_places=fixed)
    run.run()
    assert not any(part.training for part in run.ema.modules())


def test_a_checkpoint_of_more_processes_is_refused(photos, tmp_path, monkeypatch):
    """They share out the batches: another number of them would see some twice."""
    interrupted(photos, tmp_path)
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    with pytest.raises(ValueError, match="It was started with processes 1, not 2"):
        trainer(photos, tmp_path).run()


def test_a_place_that_the_recipe_never_shows_keeps_its_centre_and_no_pin_is_nothing(photos, tmp_path):
    run = trainer(photos, tmp_path, [stage("compass", 1, SENSES), stage("team", 1, STATIONS)],
                  recipe={"noise": 1, "rain": 1})  # fmt: skip
    before = run.model.compass.centres.clone()
    run.run()
    for model in (run.model, run.ema):
        kept = (model.compass.centres == before).all(1)
        assert kept.tolist() == [place not in ("noise", "rain") for place in PLACES]
        assert torch.allclose(model.compass.centres.norm(dim=1), torch.ones(6), atol=1e-5)
        assert torch.allclose(model.router.pins.norm(dim=2), torch.ones(8, 3), atol=1e-5)


def test_a_checkpoint_of_another_router_is_refused(photos, tmp_path):
    interrupted(photos, tmp_path)
    rival = SlerIR(SMALL, NearestPin(pins_from_centres(new_model().compass.centres), shared=True))
    run = killed_at(trainer(photos, tmp_path, model=rival), 3)
    with pytest.raises(ValueError, match=r"checkpoint\.pt"):
        run.run()


@pytest.mark.parametrize("how", ["cut off", "a flipped bit", "another file"])
def test_a_damaged_checkpoint_is_refused_and_stays_and_without_it_the_run_begins_anew(how, photos, tmp_path):
    interrupted(photos, tmp_path)
    file = tmp_path / "checkpoint.pt"
    data = bytearray(file.read_bytes())
    if how == "cut off":
        del data[5000:]
    elif how == "a flipped bit":
        first = torch.load(file, weights_only=True)["model"]["backbone.enter.bias"]
        data[data.index(first.numpy().tobytes())] ^= 64
    else:
        torch.save({"run": "mine"}, file)
        data = file.read_bytes()
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"checkpoint\.pt.*Delete it to begin anew"):
        killed_at(trainer(photos, tmp_path), 3).run()
    assert file.read_bytes() == data
    file.unlink()
    with pytest.raises(Killed):
        killed_at(run := trainer(photos, tmp_path), 2).run()
    assert run.step == 2


def test_a_checkpoint_whose_weights_have_other_names_is_refused(photos, tmp_path):
    """As an older version's would have."""
    interrupted(photos, tmp_path)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    state["model"]["backbone.begin.weight"] = state["model"].pop("backbone.enter.weight")
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"checkpoint\.pt.*another version.*Delete it to begin anew"):
        trainer(photos, tmp_path).run()


def test_what_a_killed_write_left_is_gone_when_the_run_goes_on(photos, tmp_path):
    interrupted(photos, tmp_path)
    for name in ("checkpoint.pt", "history.json", "model.safetensors", "another.png"):
        (tmp_path / f".{name}.0123456789ab.part").write_bytes(b"half")
    trainer(photos, tmp_path).run()
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == [
        ".another.png.0123456789ab.part"
    ]


def test_a_run_killed_between_its_last_two_files_ends_with_both(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "EVERY", 3)
    renames, replace = itertools.count(1), os.replace

    def killed(part, whole):
        replace(part, whole)
        if next(renames) == 2 * 12 - 1:  # each of the 12 steps is saved, in two files
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(Killed):
            trainer(photos, tmp_path).run()
    history = trainer(photos, tmp_path).run()
    assert [row["step"] for row in history] == [3, 6, 9, 12]
    assert json.loads((tmp_path / "history.json").read_text()) == history


# Ctrl-C


def pressed_at(run: Trainer, step: int, times: int = 1) -> Trainer:
    """The trainer; someone will press Ctrl-C within that step, or in what comes before it."""

    def press(number: int):
        if number == step:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    return before_each_batch(run, press)


@pytest.mark.parametrize("step", [0, 2, 4, 8, 11])
def test_ctrl_c_loses_nothing(step, course, photos, tmp_path):
    _, _, undisturbed = course
    run = pressed_at(trainer(photos, tmp_path, save_every=1e9), step)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert run.step == step + 1  # the step at hand was finished
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == step + 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    last = trainer(photos, tmp_path, save_every=1e9)
    for before in range(step + 1):
        killed_at(last, before)  # none of these is asked for again
    last.run()
    assert identical(weights(last), weights(undisturbed))


def test_ctrl_c_twice_does_not_wait(course, photos, tmp_path):
    _, _, undisturbed = course
    run = pressed_at(trainer(photos, tmp_path, save_every=1e9), 7, times=2)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert run.step == 7
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 6  # where the stage ended
    last = trainer(photos, tmp_path)
    last.run()
    assert identical(weights(last), weights(undisturbed))


def test_ctrl_c_while_the_last_centres_are_measured_ends_the_run_first(course, photos, tmp_path):
    _, _, undisturbed = course
    run = trainer(photos, tmp_path, save_every=1e9)
    calls = itertools.count(1)

    def press(number: int):
        if number == train.UNSEEN and next(calls) == 2:  # the first time was between two stages
            signal.raise_signal(signal.SIGINT)

    before_each_batch(run, press)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert (tmp_path / "model.safetensors").exists() and identical(weights(run), weights(undisturbed))


# Several processes

WORKER = """
import json, sys, traceback
import torch
import torch.distributed as dist
from accelerate import Accelerator
from slerir_lite.data import Photos
from slerir_lite.model import Config, SlerIR
from slerir_lite import train
from slerir_lite.plan import STATIONS, Stage
from slerir_lite.train import Trainer

def gradients(weights):
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in weights])

torch.set_num_threads(1)
photos, out, found = Photos.dead_leaves(2, size=96), sys.argv[1], {}
measure, share = Trainer.measure_centres, train.share_gradients
Trainer.measure_centres = lambda self, model, batches=6: measure(self, model, batches)
accelerator = Accelerator(cpu=True, mixed_precision="no")
learns = {"compass": ("compass", "deblur"), "together": STATIONS, "team": STATIONS,
          "joint": (*STATIONS, "compass", "deblur", "router")}
plan = [Stage(name=k, steps=2, lr=1e-3, end=1e-4, trains=v) for k, v in learns.items()]
for name, part in [("compass", plan[:1]), ("joint", plan[3:]), ("all", plan)]:
    torch.manual_seed(accelerator.process_index)  # a script that forgets to seed: each another network
    run = Trainer(photos, f"{out}/{name}", part, SlerIR(Config(width=8, tokens=16)), per_batch=6, size=16,
                  accelerator=accelerator, quiet=True)
    begin = torch.cat([p.detach().flatten() for p in run.model.parameters()])
    seen, off = [], []
    for crops in (run.crops, run.crops.smaller):
        crops.batch = lambda n, batch=crops.batch: (seen.append(n), batch(n))[1]

    def shared(weights, accelerator):
        mine = gradients(weights)
        every = [torch.empty_like(mine) for _ in range(accelerator.num_processes)]
        dist.all_gather(every, mine)
        share(weights, accelerator)
        off.append(float((gradients(weights) - sum(every) / len(every)).abs().max()))

    train.share_gradients = shared
    try:
        run.run()
        mine = torch.cat([p.detach().flatten() for p in run.model.parameters()])
        parts = [torch.empty_like(mine) for _ in range(accelerator.num_processes)]
        dist.all_gather(parts, mine)
        numbers = [None] * len(parts)
        dist.all_gather_object(numbers, [n for n in seen if n < 2**33])
        found[name] = {
            "the same": len(set(numbers[0]) & set(numbers[1])),
            "off the mean": max(off),
            "processes": len(parts),
            "moved": float((mine - begin).abs().max()),
            "apart": max(float((p - mine).abs().max()) for p in parts),
        }
    except Exception:
        found[name] = {"error": traceback.format_exc()}
if accelerator.is_main_process:
    open(f"{out}/found.json", "w").write(json.dumps(found))
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory) -> dict:
    """What became of each stage in two processes that train together."""
    if not torch.distributed.is_available():
        pytest.skip("this torch has no distributed training")
    out = tmp_path_factory.mktemp("processes")
    (out / "worker.py").write_text(WORKER)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    shared = dict(WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1")
    root = str(Path(train.__file__).resolve().parent.parent)
    shared["PYTHONPATH"] = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    workers = [
        subprocess.Popen(
            [sys.executable, str(out / "worker.py"), str(out)],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [w.communicate(timeout=600)[1] for w in workers]
    finally:
        for w in workers:
            w.kill()
    assert (out / "found.json").exists(), errors[0][-2000:]
    return json.loads((out / "found.json").read_text())


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_out_the_blocks_and_no_batch_is_made_twice(processes):
    seen = {}
    for rank in range(processes):
        me = SimpleNamespace(num_processes=processes, process_index=rank)
        seen[rank] = [batch_index(step, me) for step in range(3 * BLOCK)]
    every = sorted(index for rows in seen.values() for index in rows)
    assert every == list(range(3 * BLOCK * processes))
    for rows in seen.values():  # each process makes as many blocks as it uses
        assert len({index // BLOCK for index in rows}) == 3
    assert processes > 1 or seen[0] == list(range(3 * BLOCK))


def test_gradients_that_were_shared_move_the_weights_as_ones_own_do(photos, tmp_path, monkeypatch):
    """Of two processes that see the same, the mean of the gradients is either's."""

    def share(weights, accelerator):
        with monkeypatch.context() as two:
            two.setattr(Accelerator, "num_processes", 2)
            two.setattr(Accelerator, "reduce", lambda self, flat, how: flat)
            share_gradients(weights, accelerator)

    plan = [stage("compass", 2, SENSES), stage("together", 2, STATIONS)]
    alone = trainer(photos, tmp_path / "alone", plan)
    alone.run()
    monkeypatch.setattr(train, "share_gradients", share)
    shared = trainer(photos, tmp_path / "shared", plan)
    shared.run()
    assert identical(weights(alone), weights(shared))


@pytest.mark.parametrize("name", ["compass", "joint", "all"])
def test_two_processes_train_one_and_the_same_network(name, two_processes):
    found = two_processes[name]
    assert "error" not in found, found["error"][-1500:]
    assert found["processes"] == 2 and found["moved"] > 1e-4 and found["apart"] == 0
    assert found["the same"] == 0, "both saw the same batches"
    assert found["off the mean"] < 1e-6
