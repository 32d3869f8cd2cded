"""One word says how much work a notebook does, and any other word is refused with the right ones."""

import pytest
import torch

from slerir_lite.course.budget import SEED, SIZES, VARIABLE, budget


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(SEED, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize("name", ["smoke", "cpu", "gpu"])
def test_the_variable_decides(name, monkeypatch):
    monkeypatch.setenv(VARIABLE, name)
    found = budget()
    assert found.name == name and found.device == "cpu"
    assert {k: getattr(found, k) for k in SIZES[name]} == SIZES[name]


@pytest.mark.parametrize("there, name", [(True, "gpu"), (False, "cpu")])
@pytest.mark.parametrize("unset", [None, "", " "])
def test_unset_the_machine_decides(there, name, unset, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    if unset is not None:
        monkeypatch.setenv(VARIABLE, unset)
    assert budget().name == name
    assert budget().device == ("cuda" if there else "cpu")


def test_a_small_budget_still_uses_the_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert budget("smoke").device == "cuda"


def test_an_argument_comes_before_the_variable(monkeypatch):
    monkeypatch.setenv(VARIABLE, "gpu")
    assert budget("smoke").name == "smoke"


@pytest.mark.parametrize("word", ["fast", "cuda", "cpu gpu"])
def test_another_word_is_refused_with_those_allowed(word, monkeypatch):
    monkeypatch.setenv(VARIABLE, word)
    with pytest.raises(ValueError, match=f'SLERIR_BUDGET must be smoke, cpu, gpu.*not "{word}"'):
        budget()


def test_capitals_do_not_matter():
    assert budget(" CPU ").name == "cpu"


def test_each_budget_does_at_least_as_much_as_the_one_before():
    smoke, cpu, gpu = SIZES.values()
    assert all(smoke[k] <= cpu[k] <= gpu[k] for k in smoke)


def test_it_says_what_it_will_do():
    assert str(budget("smoke")) == (
        "budget smoke: 2 photos of 96 × 96 pixels, 4 training steps with 4 crops each, on cpu, seed 0"
    )


@pytest.mark.parametrize("set_to, seed", [(None, 0), ("", 0), ("3", 3), (" 12 ", 12)])
def test_the_seed_comes_from_its_own_variable(set_to, seed, monkeypatch):
    if set_to is not None:
        monkeypatch.setenv(SEED, set_to)
    assert budget("smoke").seed == seed


@pytest.mark.parametrize("word", ["one", "-1", "0.5"])
def test_a_seed_that_is_no_whole_number_is_refused(word, monkeypatch):
    monkeypatch.setenv(SEED, word)
    with pytest.raises(ValueError, match=f'SLERIR_SEED must be a whole number from 0.*"{word}"'):
        budget("smoke")
