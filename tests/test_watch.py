"""The watch sees what the run does, changes nothing in it, and costs it little."""

import json
from types import SimpleNamespace

import pytest
import torch

from slerir_lite import train
from slerir_lite.degrade import PLACES
from slerir_lite.explore import watch as watching
from slerir_lite.explore.curves import watch_picture
from slerir_lite.explore.labels import unlabelled
from slerir_lite.explore.style import MARKS
from slerir_lite.explore.watch import POINTS, Watch
from slerir_lite.model import Config, Generalist, SlerIR
from slerir_lite.plan import STATIONS, Stage
from slerir_lite.sphere import centres, smallest_angle
from slerir_lite.train import Trainer


def stage(name: str, steps: int, *trains: str) -> Stage:
    return Stage(name, steps, 2e-3, 1e-4, trains)


PLAN = [stage("compass", 4, "compass", "deblur"), stage("team", 4, *STATIONS)]


@pytest.fixture(autouse=True)
def a_line_every_other_step(monkeypatch):
    monkeypatch.setattr(train, "EVERY", 2)
    measure = Trainer.measure_centres
    monkeypatch.setattr(Trainer, "measure_centres", lambda self, model: measure(self, model, 2))


def run(photos, folder, watch=None, plan=PLAN, kind=SlerIR):
    torch.manual_seed(0)
    model = SlerIR(Config(width=8, tokens=16)) if kind is SlerIR else Generalist(Config(experts=1, width=8))
    how = dict(per_batch=6, size=32, seed=1, quiet=True, save_every=0.0)
    trainer = Trainer(photos, folder, plan, model, watch=watch, **how)
    trainer.run()
    return trainer


@pytest.fixture
def generous(photos, tmp_path):
    """A watch that looked at every line, and its trainer."""
    watch = Watch(share=1e9)
    return watch, run(photos, tmp_path, watch)


def test_each_line_of_the_history_is_told_with_a_look_at_the_network(generous):
    watch, trainer = generous
    assert watch.problem == "" and watch.total == 8
    assert [(line["step"], line["stage"]) for line in watch.lines] == [
        (2, "compass"), (4, "compass"), (6, "team"), (8, "team")]  # fmt: skip
    assert [line["loss"] for line in watch.lines[2:]] == [row["loss"] for row in trainer.history[2:]]
    assert [line["psnr"] for line in watch.lines[2:]] == [row["psnr"] for row in trainer.history[2:]]
    assert all("tasks" not in line for line in watch.lines[:2])  # nothing restores yet
    assert all(set(line["tasks"]) <= set(PLACES) for line in watch.lines[2:])
    assert set(watch.lines[-1]["tasks"]) == set(PLACES)


def test_load_and_angle_are_those_of_the_networks_own_senses(generous):
    watch, trainer = generous
    load = torch.tensor(watch.load)
    assert load.shape == (8, 3) and torch.allclose(load.sum(1), torch.ones(8))
    # The last round looked at two batches; the last look saw the weights that the run ended with.
    model = trainer.ema.eval()
    seen = []
    for batch in watch._batches[-2:]:
        sense = model.sense(batch.degraded, model.compass.look(batch.degraded), batch.thumbnail)
        seen.append((sense.z, batch.place.repeat_interleave(2, 0), model.router(sense).choice))
    z, place, choice = (torch.cat(v) for v in zip(*seen, strict=True))
    pure = place.amax(1) == 1
    middle, _ = centres(z[pure], place[pure].argmax(1))
    assert watch.lines[-1]["angle"] == pytest.approx(smallest_angle(middle), abs=0.1)
    shares = torch.stack([(choice == k).float().mean(0) for k in range(3)], 1)
    assert torch.allclose(load, shares, atol=1e-6)
    assert watch.best == pytest.approx(101.54, abs=0.01)  # six corners of a simplex: cos = -1/5


def test_the_run_is_the_same_with_and_without(photos, tmp_path):
    watched, alone = run(photos, tmp_path / "a", Watch(share=1e9)), run(photos, tmp_path / "b")
    for ours, theirs in ((watched.model, alone.model), (watched.ema, alone.ema)):
        theirs = theirs.state_dict()
        assert all(torch.equal(v, theirs[name]) for name, v in ours.state_dict().items())
    assert (watched.out / "history.json").exists()
    told = [{k: v for k, v in row.items() if k != "seconds"} for t in (watched, alone) for row in t.history]
    assert told[: len(told) // 2] == told[len(told) // 2 :]


def test_looks_stop_where_they_would_take_more_than_their_share(photos, tmp_path):
    watch = Watch(share=0.0)
    run(photos, tmp_path, watch)
    looked = ["tasks" in line or "angle" in line for line in watch.lines]
    assert not any(looked[1:])  # the first finds that none was made so far
    assert len(watch.lines) == 4


@pytest.mark.parametrize("took, looks", [(0.019, True), (0.021, False)])
def test_it_looks_as_long_as_looks_took_less_than_their_share(took, looks, monkeypatch):
    watch, seen = Watch(share=0.02), []
    line = {"step": 1, "stage": "team", "loss": 1.0}
    trainer = SimpleNamespace(out="a", history=[line], weights={}, plan=[], seconds=0.0)
    watch(trainer)
    monkeypatch.setattr(watch, "_look", lambda *_: seen.append(1) or {})
    watch.took, watch.problem, trainer.seconds = took, "", 1.0
    trainer.history.append(line | {"step": 2})
    watch(trainer)
    assert bool(seen) == looks


def test_a_generalist_has_tasks_and_no_specialists(photos, tmp_path):
    watch = Watch(share=1e9)
    run(photos, tmp_path, watch, [stage("together", 4, "backbone")], Generalist)
    assert set(watch.lines[-1]["tasks"]) == set(PLACES) and watch.load == [] and watch.problem == ""


def test_before_there_is_a_team_it_is_seen_as_it_is_trained(photos, tmp_path):
    """Through each station's first expert: the others, here made nonsense, have learnt nothing yet."""
    watch = Watch(share=1e9)
    trainer = run(photos, tmp_path, watch, [stage("together", 4, *STATIONS)])
    with torch.no_grad():
        for station in trainer.ema.backbone.stations:
            for expert in station.experts[1:]:
                expert.second.bias.fill_(9.0)
    seen = trainer.ema.requires_grad_(False)
    for batch in watch._batches:
        _, _, mse, _, taken = watching._pass(seen, batch, "together")
        crops = dict(view=batch.view, thumbnails=batch.thumbnail, motion=batch.motion)
        zeros = torch.zeros(len(batch.degraded), 8, dtype=torch.long)
        first = seen(batch.degraded, **crops, choice=zeros).image.clamp(0, 1)
        assert torch.allclose(mse, (first - batch.clean).square().mean((1, 2, 3)))
        assert taken.shape[1:] == (8, 3) and (taken[..., 0] == 1).all()
        assert (watching._pass(seen, batch, "team")[2] > mse).any()
    assert torch.tensor(watch.load).tolist() == [[1.0, 0.0, 0.0]] * 8


def test_a_network_that_cannot_be_looked_at_is_said_and_trained_on(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "smallest_angle", lambda z: 1 / 0)
    watch = Watch(share=1e9)
    trainer = run(photos, tmp_path, watch)
    assert trainer.step == 8 and len(watch.lines) == 4
    assert watch.problem == "Looking at the network went wrong: ZeroDivisionError: division by zero"


def test_a_resumed_run_brings_its_beginning(photos, tmp_path):
    class Killed(Exception):
        pass

    def kill(trainer):
        if trainer.step == 6:
            raise Killed

    with pytest.raises(Killed):
        run(photos, tmp_path, kill)
    watch = Watch()
    run(photos, tmp_path, watch)
    assert [line["step"] for line in watch.lines] == [2, 4, 6, 8]


def test_of_a_long_run_the_page_gets_few_lines_with_the_first_and_the_last():
    watch = Watch()
    for step in range(1, 1001):
        watch.add(step, loss=1 / step)
        assert len(watch.lines) <= POINTS + 1 and watch.lines[-1]["step"] == step
    assert watch.lines[0]["step"] == 1 and len(watch.lines) > POINTS / 2
    assert len(watch.history) == 1000


def test_a_loop_of_ones_own_can_tell_too():
    watch = Watch()
    watch.add(1, loss=0.5, tasks={"noise": 20.0}, load=torch.tensor([[1.0, 0.0]]))
    assert watch.load == [[1.0, 0.0]] and watch.lines == watch.history
    figure = watch_picture(watch)
    assert unlabelled(figure) == [] and len([ax for ax in figure.axes if ax.get_visible()]) == 3


def test_the_static_picture_shows_all_and_breaks_the_loss_between_stages(generous):
    figure = watch_picture(generous[0])
    assert unlabelled(figure) == []
    titles = {ax.get_title(): ax for ax in figure.axes}
    assert set(titles) == {"Loss, a new curve for each stage", "PSNR by task", "Load per specialist",
                           "How evenly the compass spreads"}  # fmt: skip
    loss = titles["Loss, a new curve for each stage"].lines
    assert [v for line in loss for v in line.get_ydata()] == [line["loss"] for line in generous[0].lines]
    named = {text.get_text() for text in titles["PSNR by task"].texts}
    assert {"noise", "low light", "training crops"} <= named  # beside the curves: no colour is needed
    assert [len(line.get_xdata()) for line in titles["Loss, a new curve for each stage"].lines] == [2, 2]


def test_a_stage_of_one_point_is_seen_and_a_task_keeps_its_mark():
    watch = Watch()
    for step, stage in ((1, "compass"), (2, "compass"), (3, "team")):
        watch.add(step, stage, loss=1 / step, tasks={"noise": 20.0 + step})
    loss, psnr = watch_picture(watch).axes[:2]
    assert [line.get_marker() for line in loss.lines] == ["None", "o"]
    assert {line.get_marker() for line in psnr.lines} == {MARKS["noise"].shape}


def test_nothing_told_is_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to draw"):
        watch_picture(Watch())


def test_a_second_run_begins_anew(photos, tmp_path):
    watch = Watch(share=1e9)
    run(photos, tmp_path / "one", watch)
    run(photos, tmp_path / "two", watch, PLAN[1:])
    assert [line["step"] for line in watch.lines] == [2, 4] and watch.total == 4 and watch.problem == ""


def test_another_run_keeps_nothing_of_the_one_before(photos, tmp_path):
    """Not even where it has more lines already, as one that is resumed has."""

    def kill(trainer):
        if trainer.step == 12:
            raise ZeroDivisionError

    watch, longer = Watch(share=1e9), [stage("together", 14, "backbone")]
    run(photos, tmp_path / "team", watch)
    assert watch.load and watch.best and len(watch.lines) == 4
    with pytest.raises(ZeroDivisionError):
        run(photos, tmp_path / "alone", kill, longer, Generalist)
    run(photos, tmp_path / "alone", watch, longer, Generalist)
    assert watch.load == [] and watch.best == 0
    assert [line["step"] for line in watch.lines] == [2, 4, 6, 8, 10, 12, 14]


def test_a_loss_as_a_tensor_is_told_as_a_number():
    watch, weight = Watch(), torch.tensor(2.0, requires_grad=True)
    watch.add(1, loss=weight * 2, load=torch.full((8, 3), 1 / 3), tasks=None)
    assert watch.history == [{"step": 1, "stage": "", "loss": 4.0}]
    assert type(watch.history[0]["loss"]) is float
    json.dumps(watch.lines)


def test_what_is_no_number_is_said_and_the_lines_go_on():
    watch = Watch()
    watch.add(1, loss=0.5)
    watch.add(2, loss=float("nan"), psnr=20.0, tasks={"noise": 20.0, "haze": float("inf")})
    watch.add(3, loss=0.4, psnr=None)
    assert watch.problem == "At step 2 the loss was no number."
    assert watch.lines[1] == {"step": 2, "stage": "", "psnr": 20.0, "tasks": {"noise": 20.0}}
    json.dumps(watch.lines, allow_nan=False)


def test_of_a_long_run_the_rare_looks_are_kept():
    watch = Watch()
    for step in range(1, 4 * POINTS + 1):
        watch.add(step, loss=1.0, **({"tasks": {"noise": 20.0}} if step % 4 == 2 else {}))
    assert sum("tasks" in line for line in watch.lines) > 0.9 * POINTS
