"""Standing statistics are those of all pictures together, and the training doesn't notice."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from translate.config import load_recipe
from translate.data.batches import to_float
from translate.errors import UsageError
from translate.training.run import RunFolder
from translate.training.standing import pooled, serving
from translate.training.start import norm_statistics, open_data, save_run, start_training
from translate.training.state import TrainingState, new_state
from translate.translators.catalogue import build_translator
from translate.weights import model_file

TINY = {
    "data.size": 16,
    "data.load_size": 18,
    "data.batch_size": 2,
    "generator.name": "resnet",
    "generator.depth": 1,
    "generator.width": 4,
    "generator.norm": "batch",
    "generator.dropout": 0.5,
    "discriminator.width": 4,
    "discriminator.layers": 1,
    "training.pool": 0,
    "training.standing": 5,
    "checkpoint.every": 2,
    "log.samples_every": 3,
    "log.samples": 2,
}


def test_pooled_is_of_all_values_together():
    """Not the mean of the batches' variances, which forgets that the batches differ; nor is it by batch."""
    torch.manual_seed(0)
    batches = [torch.randn(size, 3, 4, 5) * (1 + place) + 9 * place for place, size in enumerate((2, 5, 1))]
    norm = nn.BatchNorm2d(3).eval()
    with pooled(norm), torch.no_grad():
        for batch in batches:
            torch.testing.assert_close(norm(batch), F.batch_norm(batch, None, None, training=True))
    values = torch.cat(batches).transpose(0, 1).flatten(1).double()
    torch.testing.assert_close(norm.running_mean.double(), values.mean(1), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(norm.running_var.double(), values.var(1, correction=0), rtol=1e-5, atol=1e-6)
    forgetful = torch.stack([batch.var((0, 2, 3)) for batch in batches]).mean(0)
    assert (norm.running_var > 1.5 * forgetful).all()
    assert not norm.training
    assert not norm._forward_pre_hooks


def test_after_one_batch_the_network_gives_the_same_for_it():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
    ).eval()
    batch = torch.randn(6, 3, 12, 12)
    with torch.no_grad():
        with pooled(network):
            expected = network(batch)
        torch.testing.assert_close(network(batch), expected, rtol=1e-4, atol=1e-5)
        # And a picture's output no longer depends on its batch.
        torch.testing.assert_close(network(batch[:1]), expected[:1], rtol=1e-4, atol=1e-5)


def test_a_norm_that_saw_nothing_stays_and_an_error_leaves_no_hooks():
    network = nn.ModuleList([nn.BatchNorm2d(2), nn.BatchNorm2d(2)]).eval()
    with pooled(network):
        network[0](torch.randn(3, 2, 4, 4) + 5)
    assert torch.equal(network[1].running_mean, torch.zeros(2))
    assert (network[0].running_mean > 4).all()
    with pytest.raises(KeyError), pooled(network):
        raise KeyError
    assert not network[0]._forward_pre_hooks
    assert not network[0].training


def made(name: str, data: Path, **changes) -> tuple:
    recipe = load_recipe(name, TINY | {key.replace("__", "."): value for key, value in changes.items()})
    torch.manual_seed(0)
    state = new_state(build_translator(recipe), recipe, torch.device("cpu"))
    for average in state.averages.values():
        for parameter in average.parameters():
            parameter.mul_(1.5)  # an average is never the newest weights
    return state, recipe, open_data(data, recipe, progress=False)


def moments(state: TrainingState, batches: list[torch.Tensor]) -> dict[str, tuple]:
    """What each batch norm of the averaged generator sees, by norms that are written out."""
    network = copy.deepcopy(state.averages["generator"]).eval()
    seen: dict[str, list] = {}

    class ByHand(nn.Module):
        def __init__(self, name: str, norm: nn.BatchNorm2d):
            super().__init__()
            self.name, self.norm = name, norm

        def forward(self, x):
            seen.setdefault(self.name, []).append(x)
            mean = x.mean((0, 2, 3), keepdim=True)
            deviation = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
            unit = (x - mean) / (deviation + self.norm.eps).sqrt()
            return unit * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]

    for name, part in list(network.named_modules()):
        if isinstance(part, nn.BatchNorm2d):
            parent, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(parent), leaf, ByHand(name, part))
    with torch.no_grad():
        for batch in batches:
            network(batch)
    values = {name: torch.cat(xs).transpose(0, 1).flatten(1) for name, xs in seen.items()}
    return {name: (x.mean(1), x.var(1, correction=0)) for name, x in values.items()}


def test_a_model_s_statistics_are_of_the_averaged_weights_on_training_pictures(paired, tmp_path):
    state, recipe, data = made("pix2pix", paired)
    before = (
        copy.deepcopy(state.translator.state_dict()),
        copy.deepcopy(state.averages["generator"].state_dict()),
    )
    random = torch.get_rng_state()
    save_run(RunFolder(tmp_path), state, recipe, data, steps=1)
    # Five pictures are three batches of two.
    batches = [to_float(data.train.batch([start, start + 1]).a) for start in (0, 2, 4)]
    weights = load_file(tmp_path / "model.safetensors")
    for name, (mean, variance) in moments(state, batches).items():
        torch.testing.assert_close(weights[f"{name}.running_mean"], mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(weights[f"{name}.running_var"], variance, rtol=1e-4, atol=1e-5)
    assert torch.equal(random, torch.get_rng_state())
    assert state.translator.training
    for old, network in zip(before, (state.translator, state.averages["generator"]), strict=True):
        assert all(torch.equal(old[name], tensor) for name, tensor in network.state_dict().items())

    model = model_file.load(tmp_path / "model.safetensors")
    assert model.card.norm_statistics == "running"
    together = model.network(batches[0])
    alone = torch.cat([model.network(picture[None]) for picture in batches[0]])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("recipe", "data"), [("cyclegan", "unpaired"), ("stargan", "labelled")])
def test_every_kind_of_generator_gets_them(recipe, data, request):
    more = {} if recipe == "cyclegan" else {"data__labels": ["bay", "grey", "roan"]}
    state, chosen, pictures = made(recipe, request.getfixturevalue(data), **more)
    served = serving(state, chosen, pictures)
    assert set(served) == set(state.averages)
    for name, network in served.items():
        norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
        assert norms
        assert not any(torch.equal(norm.running_var, torch.ones_like(norm.running_var)) for norm in norms)
        mine = dict(state.averages[name].named_parameters())
        assert all(torch.equal(mine[key], parameter) for key, parameter in network.named_parameters())


def test_they_are_the_same_after_a_resume_and_leave_the_training_alone(paired, tmp_path):
    def go(run: str, steps: int, resume: bool = False, **changes) -> None:
        overrides = {} if resume else TINY | {key.replace("__", "."): x for key, x in changes.items()}
        start_training(
            "pix2pix",
            paired,
            tmp_path / run,
            overrides=overrides | {"training.steps": steps, "optim.schedule": "constant"},
            resume=resume,
            device="cpu",
            quiet=True,
        )

    go("whole", 5)
    go("parts", 3)
    go("parts", 5, resume=True)
    go("without", 5, training__standing=0)
    whole, parts, without = (
        load_file(tmp_path / run / "model.safetensors") for run in ("whole", "parts", "without")
    )
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    running = [name for name in whole if "running" in name]
    assert running
    assert not any(torch.equal(whole[name], without[name]) for name in running)
    states = [
        torch.load(tmp_path / run / "state" / "last.pt", weights_only=True) for run in ("whole", "without")
    ]
    for part in ("translator", "averages"):
        flat = [state[part] if part == "translator" else state[part]["generator"] for state in states]
        assert all(torch.equal(flat[0][name], flat[1][name]) for name in flat[0])
    assert torch.equal(states[0]["random"], states[1]["random"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"generator.norm": "instance"},
            "training.standing is for batch norm, and the generator has norm inst",
        ),
        ({"data.batch_size": 1}, "training sees pictures one by one"),
        ({"training.accumulate": 2}, "training sees pictures one by one"),
    ],
)
def test_where_nothing_needs_them_they_are_refused(changes, message):
    with pytest.raises(UsageError, match=message):
        load_recipe("pix2pix", TINY | changes)


def test_parts_of_one_picture_are_batches_of_one():
    recipe = load_recipe("pix2pix", TINY | {"training.standing": 0, "training.accumulate": 2})
    assert norm_statistics(recipe) == "batch"
