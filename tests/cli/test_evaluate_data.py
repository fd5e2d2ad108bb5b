"""Which pictures `translate evaluate` looks at, and how they are read."""

from __future__ import annotations

import pytest

from translate.cli.evaluate_data import data_options, spread
from translate.errors import ModelError
from translate.weights.card import read_card


def test_options_come_from_the_card(tmp_path, write_model):
    recipe = {"data": {"size": 48, "task": "edges", "b": "shoes", "workers": 3, "from a later version": 1}}
    card = read_card(write_model(tmp_path / "edges.safetensors", recipe=recipe))
    options = data_options(card, size=None, a=None, b=None, task=None)
    assert (options.size, options.task, options.a, options.b) == (48, "edges", None, "shoes")
    assert (options.direction, options.channels_a, options.channels_b) == ("a2b", 3, 3)
    named = data_options(card, size=32, a="drawings", b="photos", task=None)
    assert (named.size, named.task, named.a, named.b) == (32, None, "drawings", "photos")
    targets = data_options(card, size=None, a=None, b="boots", task=None)
    assert (targets.task, targets.a, targets.b) == ("edges", None, "boots")


def test_a_task_makes_the_inputs_that_a_training_of_pairs_found(tmp_path, write_model):
    recipe = {"data": {"size": 48, "a": "LR", "b": "HR"}}
    card = read_card(write_model(tmp_path / "pairs.safetensors", recipe=recipe))
    options = data_options(card, size=None, a=None, b=None, task="downscale")
    assert (options.task, options.a, options.b) == ("downscale", None, None)
    assert data_options(card, size=None, a=None, b=None, task=None).a == "LR"


@pytest.mark.parametrize(
    ("trained", "model", "expected"),
    [("a2b", "a2b", "a2b"), ("b2a", "a2b", "b2a"), ("a2b", "b2a", "b2a"), ("b2a", "b2a", "a2b")],
)
def test_direction_of_the_data(tmp_path, write_model, trained, model, expected):
    path = write_model(
        tmp_path / "one.safetensors", direction=model, recipe={"data": {"size": 32, "direction": trained}}
    )
    assert data_options(read_card(path), size=None, a=None, b=None, task=None).direction == expected


def test_a_broken_recipe_is_the_models_fault(tmp_path, write_model):
    card = read_card(write_model(tmp_path / "model.safetensors")).model_copy(
        update={"recipe": {"data": {"size": "big"}}}
    )
    with pytest.raises(ModelError, match="the recipe on the model's card"):
        data_options(card, size=None, a=None, b=None, task=None)


def test_spread():
    assert spread(3, None) == [0, 1, 2]
    assert spread(10, 3) == [0, 3, 6]
    assert spread(2, 5) == [0, 1]
