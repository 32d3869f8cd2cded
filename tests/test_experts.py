"""A station: exactly one of its specialists works on each image, and the others cost nothing."""

import pytest
import torch

from slerir_lite.experts import Expert, Station

CHOICES = [[0, 1, 2, 0, 1, 2], [2, 2, 0, 1, 1, 0], [0, 0, 0, 2, 2, 2], [1, 1, 1, 1, 1, 1], [2, 0, 2, 0, 2, 0]]


def inputs(batch: int = 6, channels: int = 8, channels_last: bool = False, seed: int = 0):
    """x, scale and a gate of ones."""
    generator = torch.Generator().manual_seed(seed)
    x, scale = (torch.randn(batch, channels, 10, 12, generator=generator) for _ in range(2))
    if channels_last:
        x, scale = (v.contiguous(memory_format=torch.channels_last) for v in (x, scale))
    return x, scale, torch.ones(batch, 1, 1, 1)


@pytest.fixture
def station() -> Station:
    torch.manual_seed(0)
    made = Station(8, 3)
    for expert in made.experts:  # at the start an expert hardly does anything
        torch.nn.init.normal_(expert.second.weight, std=0.2)
        torch.nn.init.normal_(expert.second.bias, std=0.2)
    return made


def test_an_expert_adds_what_its_formula_says():
    expert = Expert(4)
    x, scale, _ = inputs(2, 4)
    gate = torch.tensor([0.5, 2.0]).view(2, 1, 1, 1)
    pad = torch.nn.functional.pad

    def convolve(conv, v):
        """Sums over shifted copies, without any convolution routine."""
        h, w = v.shape[-2:]
        around = pad(v, (1, 1, 1, 1))
        shifted = torch.stack([around[..., i : i + h, j : j + w] for i in range(3) for j in range(3)], 2)
        return torch.einsum("bckhw,ock->bohw", shifted, conv.weight.flatten(2)) + conv.bias[:, None, None]

    expected = x + gate * convolve(expert.second, scale * convolve(expert.first, x).clamp(min=0))
    assert torch.allclose(expert(x, scale, gate), expected, atol=1e-5)
    assert torch.allclose(expert(x), expert(x, torch.ones_like(x), torch.ones(2, 1, 1, 1)))


def test_at_first_an_expert_is_near_the_identity():
    torch.manual_seed(0)
    x, _, _ = inputs(4, 32)
    assert (Expert(32)(x) - x).std() < 0.3 * x.std()


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize("channels_last", [False, True], ids=["contiguous", "channels last"])
@pytest.mark.parametrize("steered", [False, True], ids=["alone", "steered"])
def test_each_sub_batch_is_bit_for_bit_what_its_expert_makes_of_it(station, choice, channels_last, steered):
    x, scale, gate = inputs(channels_last=channels_last)
    scale, gate = (scale, gate) if steered else (None, None)
    y = station(x, torch.tensor(choice), scale, gate)
    for k in set(choice):
        rows = [b for b, c in enumerate(choice) if c == k]
        direct = station.experts[k](x[rows], *(None if v is None else v[rows] for v in (scale, gate)))
        assert torch.equal(y[rows], direct)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_mixed_batch_is_what_its_images_are_one_by_one(station, choice):
    x, scale, gate = inputs()
    y = station(x, torch.tensor(choice), scale, gate)
    for b, k in enumerate(choice):
        one = slice(b, b + 1)
        assert torch.allclose(y[one], station.experts[k](x[one], scale[one], gate[one]), atol=1e-5)


def test_the_choice_matters_as_experts_share_no_parameter(station):
    x, _, _ = inputs()
    results = [station(x, torch.full((6,), k)) for k in range(3)]
    assert all((results[a] - results[b]).abs().max() > 0.1 for a, b in ((0, 1), (0, 2), (1, 2)))
    addresses = [p.data_ptr() for p in station.parameters()]
    assert len(addresses) == len(set(addresses)) == 3 * len(list(station.experts[0].parameters()))


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_experts_that_nobody_chose_are_not_called_and_get_no_gradient(station, choice):
    called = []
    for k, expert in enumerate(station.experts):
        expert.register_forward_hook(lambda module, args, out, k=k: called.append((k, len(out))))
    x, scale, gate = inputs()
    station(x, torch.tensor(choice), scale, gate).square().sum().backward()
    assert sorted(called) == [(k, choice.count(k)) for k in sorted(set(choice))]
    for k, expert in enumerate(station.experts):
        grads = [p.grad for p in expert.parameters()]
        if k in choice:
            assert all(g is not None and g.abs().sum() > 0 for g in grads)
        else:
            assert all(g is None for g in grads)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_gradients_are_those_of_the_images_one_by_one(station, choice):
    x, scale, gate = (v.requires_grad_() for v in inputs())
    station(x, torch.tensor(choice), scale, gate).square().sum().backward()
    together = [v.grad.clone() for v in (x, scale, gate)]
    x.grad = scale.grad = gate.grad = None
    for b, k in enumerate(choice):
        one = slice(b, b + 1)
        station.experts[k](x[one], scale[one], gate[one]).square().sum().backward()
    for got, expected in zip(together, (x.grad, scale.grad, gate.grad), strict=True):
        assert torch.allclose(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("choice", CHOICES[:4:3], ids=str)
def test_a_gate_of_ones_changes_no_bit_and_carries_a_gradient(station, choice):
    x, scale, gate = inputs()
    choice, gate = torch.tensor(choice), gate.requires_grad_()
    y = station(x, choice, scale, gate)
    assert torch.equal(y, station(x, choice, scale))
    weight = torch.randn_like(y)
    (y * weight).sum().backward()
    # The gradient of a gate is what its expert's change is worth.
    change = (station(x, choice, scale) - x).detach()
    assert torch.allclose(gate.grad.flatten(), (change * weight).sum((1, 2, 3)), rtol=1e-3, atol=1e-3)


def test_copying_the_first_makes_all_alike_and_leaves_them_independent(station):
    first = {k: v.clone() for k, v in station.experts[0].state_dict().items()}
    station.copy_first()
    for expert in station.experts:
        assert all(torch.equal(v, first[k]) for k, v in expert.state_dict().items())
    with torch.no_grad():
        station.experts[1].first.weight.zero_()
    for k in (0, 2):
        assert torch.equal(station.experts[k].first.weight, first["first.weight"])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_station_may_have_any_number_of_experts(count):
    station, (x, _, _) = Station(8, count), inputs()
    y = station(x, torch.arange(6) % count)
    assert len(station.experts) == count and torch.equal(y[:1], station.experts[0](x[::count])[:1])


def test_an_expert_that_is_not_there_is_an_error(station):
    with pytest.raises(IndexError):
        station(inputs()[0], torch.tensor([0, 1, 2, 3, 0, 0]))
