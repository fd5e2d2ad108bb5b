"""What the keys of a recipe promise each other: nonsense is refused, with the reason and the remedy."""

from __future__ import annotations

from typing import get_args

from translate.config.colouring import check_colouring
from translate.config.holes import check_filling, check_task
from translate.config.networks import (
    MultiScaleSection,
    PatchSection,
    ProgressiveSection,
    SemiSupervisedSection,
    Smaller,
)
from translate.config.scale import check_damage, check_enlarging, check_own_size
from translate.config.schema import BicycleGANRecipe, CUTRecipe, InpaintRecipe, Recipe, SuperResRecipe
from translate.errors import UsageError

ENERGIES = ("ebgan", "began")  # judge by how badly an autoencoder reconstructs
ASKED: dict[str, str] = {"labelled": "label", "captioned": "caption"}  # what generators are told, by kind
SMOOTHABLE = ("minimax", "nonsaturating", "lsgan", "dragan")
JUDGING = ("minimax", "nonsaturating", "lsgan", "hinge", "dragan", "projected")  # a logit is a verdict
LEAST_ATTENDED = 3  # places a side, whose keys are pooled 2×2, rounding up
PENALISED = ("wgan-gp", "dragan")
# How often they halve.
SIZE_KEYS = {
    "unet": "depth",
    "laplacian": "levels",
    "pix2pixhd": "halvings",
    "progressive": "stages",
    "spade": "depth",
}


def check(recipe: Recipe) -> None:
    """Refuse a recipe, with every `auto` filled in, whose keys make no sense together.

    Raises:
        UsageError: naming the keys, the reason and the remedy.
    """
    _check_data(recipe)
    check_colouring(recipe)
    check_task(recipe)
    if isinstance(recipe, SuperResRecipe):
        check_enlarging(recipe)
    else:
        check_own_size(recipe)
    if isinstance(recipe, InpaintRecipe):
        check_filling(recipe)
    check_damage(recipe)
    _check_generator(recipe)
    _check_size(recipe)
    _check_attention(recipe)
    _check_condition(recipe)  # first: another objective or network is no remedy for it
    _check_game(recipe)
    _check_classes(recipe)
    _check_standing(recipe)
    if isinstance(recipe, CUTRecipe):
        _check_contrast(recipe)


def _check_data(recipe: Recipe) -> None:
    """Refuse crops larger than their pictures, and batches that can't be taken in parts."""
    data, accumulate = recipe.data, recipe.training.accumulate
    if isinstance(data.load_size, int) and data.load_size < data.size:
        raise UsageError(
            f"data.load_size {data.load_size} is smaller than data.size {data.size}; "
            "make it at least as large, or auto"
        )
    if data.batch_size % accumulate:
        raise UsageError(
            f"data.batch_size {data.batch_size} can't be taken in training.accumulate {accumulate} equal "
            "parts; make it a multiple"
        )


def _check_generator(recipe: Recipe) -> None:
    """Refuse generators that can't do what the translator asks of them."""
    generator = recipe.generator
    told = "latent code" if isinstance(recipe, BicycleGANRecipe) else ASKED.get(recipe.kind)
    if told and not generator.conditional:
        raise UsageError(
            f"{recipe.translator} tells its generator a {told}, and {generator.name} takes none; choose "
            "generator.name=resnet, mobile or unet"
        )
    if getattr(generator, "masked", False) and recipe.data.channels_a != recipe.data.channels_b:
        raise UsageError("generator.masked needs data.channels_a equal to data.channels_b")


def _check_size(recipe: Recipe) -> None:
    """Refuse a size that the generator can't have, or can't begin small with."""
    size, generator, resolutions = recipe.data.size, recipe.generator, int(recipe.training.resolutions)
    multiple, needs = generator.size_multiple, f"the {generator.name} generator needs"
    if recipe.data.scale > 1:
        multiple, needs = multiple * recipe.data.scale, f"{needs} with data.scale {recipe.data.scale}"
    remedy = f", or a smaller generator.{SIZE_KEYS[generator.name]}" if generator.name in SIZE_KEYS else ""
    if isinstance(generator, ProgressiveSection):
        if resolutions not in (1, generator.stages):
            raise UsageError(
                f"a progressive generator of {generator.stages} generator.stages grows through as many "
                f"sizes, not training.resolutions {resolutions}; leave that auto, or make it 1 to train it "
                "whole from the start"
            )
    elif resolutions > 1:
        multiple *= 2 ** (resolutions - 1)
        needs += f" with training.resolutions {resolutions}"
        remedy = ", or fewer training.resolutions"
    if size % multiple:
        nearest = max(multiple, round(size / multiple) * multiple)
        raise UsageError(
            f"data.size {size} is not a multiple of {multiple}, which {needs}; "
            f"choose a size of {nearest}{remedy}"
        )


def _check_attention(recipe: Recipe) -> None:
    """Refuse self-attention over so few places that its keys, pooled 2×2, are one: nothing is chosen from."""
    first = recipe.data.size // 2 ** (int(recipe.training.resolutions) - 1)
    for part, section in (("generator", recipe.generator), ("discriminator", recipe.discriminator)):
        asked = getattr(section, "attention", False)
        if asked is False:
            continue
        # Progressive networks grow around their attention, whose map keeps its size.
        size = recipe.data.size if isinstance(section, ProgressiveSection) else first
        smallest = size // 2 ** (getattr(section, "scales", 1) - 1)  # that a multi-scale one sees
        factor = _usual_attention(section) if asked is True else asked
        if smallest // factor >= LEAST_ATTENDED:
            continue
        fitting = [n for n in get_args(Smaller) if smallest // n >= LEAST_ATTENDED]
        said = f"true, at 1/{factor} of the size," if asked is True else str(asked)
        seen = f"data.size {size}" if size == recipe.data.size else f"the first pictures' size {size}"
        raise UsageError(
            f"{part}.attention {said} leaves {smallest // factor} places a side of {seen}, too "
            f"few to choose from; {f'take {max(fitting)} or less' if fitting else 'leave it false'}"
        )


def _usual_attention(section: object) -> int:
    """The n of 1/n of the picture's size where a network has attention if it is told `true` and no more."""
    if isinstance(section, PatchSection | MultiScaleSection):
        return 2 ** max(1, section.layers - 1)
    levels = {"unet": "depth", "pix2pixhd": "halvings", "residual": "depth"}
    halvings = getattr(section, levels.get(getattr(section, "name", ""), ""), 2)
    if isinstance(section, ProgressiveSection):
        halvings = section.stages - 1
    return min(4, 2 ** int(halvings))


def _check_game(recipe: Recipe) -> None:
    """Refuse objectives, discriminators and constraints that make no sense together."""
    objective, discriminator = recipe.losses.adversarial, recipe.discriminator
    name, norm = discriminator.name, getattr(discriminator, "norm", "none")
    asked = recipe.constraints
    if objective == "wgan-gp" and norm in ("batch", "sync-batch"):
        raise UsageError(
            "losses.adversarial wgan-gp penalises every picture's own gradient, which batch norm in the "
            "discriminator mixes with its neighbours'; add discriminator.norm=instance"
        )
    if objective in ENERGIES and name != "autoencoder":
        raise UsageError(
            f"losses.adversarial {objective} needs an autoencoder; add discriminator.name=autoencoder"
        )
    if name == "autoencoder" and objective not in ENERGIES:
        raise UsageError(
            f"an autoencoder gives energies, which losses.adversarial {objective} has no use for; add "
            f"losses.adversarial={' or '.join(ENERGIES)}"
        )
    if (objective == "projected") != (name == "projected"):
        raise UsageError(
            "the objective projected and the discriminator projected belong together; "
            "set both losses.adversarial=projected and discriminator.name=projected"
        )
    if asked.smoothing and objective not in SMOOTHABLE:
        raise UsageError(
            f"constraints.smoothing has no meaning for {objective}; it is for {', '.join(SMOOTHABLE)}"
        )
    if asked.augment_p == "adaptive" and not asked.augment:
        raise UsageError(
            "constraints.augment_p adaptive says how often, but constraints.augment not what; set it to "
            "[colour, translation, cutout] or some of these"
        )
    if asked.augment_p == "adaptive" and objective not in JUDGING:
        raise UsageError(
            f"constraints.augment_p adaptive counts real pictures that are judged real, and {objective} has "
            f"no such verdict; set a probability, or take {', '.join(JUDGING)}"
        )
    _check_generator_s_game(recipe)
    if norm == "virtual":
        _check_virtual(recipe)
    if asked.penalty not in ("auto", 0) and objective not in PENALISED:
        raise UsageError(
            f"constraints.penalty belongs to {' and '.join(PENALISED)}; for {objective} use constraints.r1"
        )


def _check_generator_s_game(recipe: Recipe) -> None:
    """Refuse what the generator can't learn from the discriminator's features."""
    losses, name = recipe.losses, recipe.discriminator.name
    if losses.matching == "layers" and losses.feature_matching and recipe.kind != "paired":
        raise UsageError(
            f"losses.matching layers compares a picture with its own truth, which {recipe.translator} has "
            "not; use mean, which compares batches"
        )
    if losses.pulling_away and name != "autoencoder":
        raise UsageError(
            f"losses.pulling_away compares codes, which the discriminator {name} has not; add "
            "discriminator.name=autoencoder and losses.adversarial=ebgan"
        )
    if losses.pulling_away and recipe.part_size < 2:
        raise UsageError(
            "losses.pulling_away compares the pictures of a batch, and training sees them one by one; set "
            "data.batch_size to at least 2 for each part of training.accumulate"
        )


def _check_virtual(recipe: Recipe) -> None:
    """Refuse virtual batch norm where there is no batch that could be its reference."""
    said = "discriminator.norm virtual keeps the first batch as its reference"
    if recipe.part_size < 2:
        raise UsageError(
            f"{said}, and training sees pictures one by one; set data.batch_size to at least 2 for each part "
            "of training.accumulate, better 16, or discriminator.norm=instance"
        )
    if getattr(recipe.discriminator, "minibatch", "none") != "none":
        raise UsageError(f"{said}, which discriminator.minibatch would see beside every batch; leave it none")
    if int(recipe.training.resolutions) > 1:
        raise UsageError(f"{said}, whose size can't grow; set training.resolutions=1")


def _check_condition(recipe: Recipe) -> None:
    """Refuse discriminators that look at labels (captions) where there are none, or the reverse."""
    conditioning = getattr(recipe.discriminator, "conditioning", "none")
    semi_supervised = isinstance(recipe.discriminator, SemiSupervisedSection)
    if semi_supervised and recipe.kind != "labelled":
        raise UsageError(
            f"discriminator.name semi-supervised tells classes apart, which {recipe.translator} has not; "
            "use patch"
        )
    if recipe.kind not in ASKED:
        if conditioning != "none":
            raise UsageError(
                f"discriminator.conditioning {conditioning} needs labels, which {recipe.translator} has not; "
                "leave it none"
            )
        return
    asked = f"{ASKED[recipe.kind]}s"
    ways, others = "projection, input, hidden or classifier", ", or discriminator.name=semi-supervised"
    if recipe.kind == "captioned":
        ways, others = "projection, input or hidden", ""
    if conditioning == "none" and not semi_supervised:
        raise UsageError(
            f"{recipe.translator} needs a discriminator that looks at {asked}; set "
            f"discriminator.conditioning to {ways}, of discriminator.name patch, multiscale or "
            f"residual{others}"
        )
    if recipe.kind == "captioned" and conditioning == "classifier":
        raise UsageError(
            f"discriminator.conditioning classifier tells labels apart, and {recipe.translator} has "
            f"captions; set it to {ways}"
        )
    if recipe.training.pool:
        raise UsageError(
            f"training.pool has no meaning for {recipe.translator}, whose fakes belong to the {asked} of "
            "their step; leave it 0"
        )
    if recipe.data.channels_a != recipe.data.channels_b:
        raise UsageError(f"{recipe.translator} needs data.channels_a equal to data.channels_b")


def _check_contrast(recipe: CUTRecipe) -> None:
    """Refuse generators whose encoder has no layers to compare."""
    if recipe.generator.name != "resnet":
        raise UsageError(
            f"cut compares layers of a ResNet's encoder, which the generator {recipe.generator.name} has "
            "not; leave generator.name resnet"
        )
    if recipe.training.pool:
        raise UsageError("training.pool has no meaning for cut, which has no replay; leave it 0")


def _check_classes(recipe: Recipe) -> None:
    """Refuse maps of classes where nothing can be made of them."""
    if not recipe.data.classes_a:
        return
    if recipe.kind != "paired":
        raise UsageError(
            f"data.classes_a is for pairs of a map and its picture, and {recipe.translator} has no pairs; "
            "leave it false, and maps are pictures like others"
        )
    if recipe.data.task is not None:
        raise UsageError(
            f"data.task {recipe.data.task} draws the inputs, and drawings are no maps of classes; leave one "
            "of data.task and data.classes_a out"
        )
    if getattr(recipe.generator, "masked", False):
        raise UsageError(
            "generator.masked keeps parts of the input, and classes are no picture; leave it false"
        )
    if recipe.discriminator.name == "projected":
        raise UsageError(
            "the discriminator projected looks at pictures, and data.classes_a puts planes of classes beside "
            "them; choose discriminator.name=patch or multiscale, or leave data.classes_a false"
        )


def _check_standing(recipe: Recipe) -> None:
    """Refuse standing statistics where no batch norm needs them."""
    if not recipe.training.standing:
        return
    norm = getattr(recipe.generator, "norm", "none")
    if norm not in ("batch", "sync-batch"):
        raise UsageError(
            f"training.standing is for batch norm, and the generator has norm {norm}; leave it 0"
        )
    if recipe.part_size < 2:
        raise UsageError(
            "training.standing is for batches, and training sees pictures one by one, whose norm in use is "
            "each picture's own; leave it 0, or set data.batch_size to at least 2 for each part of "
            "training.accumulate"
        )
