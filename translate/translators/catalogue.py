"""From a recipe to a translator: the only place where config meets networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import nn

from translate.config import (
    BicycleGANRecipe,
    ColorizeRecipe,
    CUTRecipe,
    CycleGANRecipe,
    Direction,
    InpaintRecipe,
    Pix2PixHDRecipe,
    Pix2PixRecipe,
    ProgressiveSection,
    Recipe,
    Section,
    SPADERecipe,
    StarGANRecipe,
    SuperResRecipe,
    TextRecipe,
)
from translate.errors import ModelError, OutputError, TranslateError, UsageError
from translate.losses.adversarial import ADVERSARIAL
from translate.networks.catalogue import build_discriminator, build_generator
from translate.networks.encoder import LatentEncoder
from translate.networks.filling import Filling
from translate.networks.layers import Discriminator, Generator, initialise
from translate.networks.patch_sample import PatchSampler
from translate.networks.perceptual import PerceptualFeatures
from translate.networks.pinned import Located
from translate.networks.progressive import ProgressiveResNet
from translate.networks.reference import with_reference
from translate.networks.resnet import ResNet
from translate.networks.text import MiniLM, build_text_encoder
from translate.translators.base import Translator
from translate.translators.bicyclegan import BicycleGAN
from translate.translators.cut import CUT
from translate.translators.cyclegan import CycleGAN
from translate.translators.game import Rules
from translate.translators.perceptual import PerceptualDistance
from translate.translators.pix2pix import Pix2Pix
from translate.translators.stargan import StarGAN
from translate.translators.superres import SuperRes
from translate.translators.text import TextGAN


def build_translator(
    recipe: Recipe, weights_dir: Path | None = None, *, progress: bool = False
) -> Translator:
    """Networks with fresh weights from torch's global generator, and the recipe's losses on top.

    Args:
        weights_dir: where the weights of frozen backbones lie that no package brings; by default torch's
            hub cache, into which they are downloaded on first use. On the meta device none are needed.
        progress: a bar on stderr while downloading.

    Raises:
        UsageError: networks that can't be built as asked, or that need larger pictures.
        ModelError: weights of a backbone can't be had, or aren't the right ones.
        OutputError: they can't be stored.
    """
    translator = TRANSLATORS[recipe.translator](recipe)
    for name, network in translator.networks.items():
        if isinstance(network, Generator | Discriminator | LatentEncoder):
            _check_size(recipe, name, network)
    for part in translator.modules():
        if isinstance(part, PerceptualFeatures):
            _check_size(recipe, f"backbone {part.name}", part)
            _load(part, weights_dir, progress)
    return translator


def needed_weights(translator: Translator, weights_dir: Path | None = None) -> dict[str, Located]:
    """Of each frozen backbone whose weights no package brings, by name: their file, and whether it is there.

    Raises:
        ModelError: it is not in `weights_dir`, or isn't the right one.
    """
    parts = [part for part in translator.modules() if isinstance(part, PerceptualFeatures)]
    try:
        found = {part.name: part.located(weights_dir) for part in parts}
    except ModelError as error:
        raise _remedied(error) from error
    return {name: located for name, located in found.items() if located is not None}


def generator_arguments(recipe: Recipe, direction: Direction = "a2b") -> tuple[str, dict]:
    """Name and plain arguments of the generator that serves a direction, as a model's card keeps them."""
    source, target = channels(recipe)
    inputs, outputs = (source, target) if direction == "a2b" else (target, source)
    name, arguments = _plain(recipe.generator)
    condition = {}
    if recipe.kind == "labelled":
        condition = {"classes": len(recipe.data.labels)}
    elif isinstance(recipe, TextRecipe):
        condition = {"embedding": getattr(recipe.text_encoder, "size", MiniLM.size)}
    elif isinstance(recipe, BicycleGANRecipe):
        condition = {"latent": recipe.encoder.latent}
    return name, {"in_channels": inputs, "out_channels": outputs, **arguments, **condition}


def text_encoder_arguments(recipe: Recipe) -> tuple[str, dict] | None:
    """Name and plain arguments of the recipe's text encoder; None where it reads no captions."""
    return _plain(recipe.text_encoder) if isinstance(recipe, TextRecipe) else None


def channels(recipe: Recipe) -> tuple[int, int]:
    """Of a batch's a and b: those of pictures, a's mask one more; a plane for each class; of Lab L and ab."""
    if isinstance(recipe, ColorizeRecipe):
        return 1, 2
    data = recipe.data
    if data.classes_a:
        return len(data.classes), data.channels_b
    return data.channels_a + isinstance(recipe, InpaintRecipe), data.channels_b


def game_rules(recipe: Recipe, given: int = 0) -> Rules:
    """The recipe's objective and constraints; what is `auto` is the objective's own.

    Args:
        given: channels of the input, where the discriminator sees it before the picture that it judges.
    """
    losses, asked, training = recipe.losses, recipe.constraints, recipe.training
    objective = ADVERSARIAL[losses.adversarial]
    own = {"penalty": objective.penalty_weight, "clip": objective.clip}
    constraints = {
        key: own[key] if value == "auto" else value
        for key, value in asked.model_dump(exclude={"smoothing"}).items()
    }
    return Rules(
        objective,
        n_critic=training.n_critic,
        generator_above=training.generator_above,
        discriminator_above=training.discriminator_above,
        real_target=1 - asked.smoothing,
        feature_matching=losses.feature_matching,
        matching="layers" if losses.matching == "layers" else "mean",
        pulling_away=losses.pulling_away,
        given=given,
        **{**constraints, "clip": constraints["clip"] or None},
    )


def _pix2pix(recipe: Pix2PixRecipe | Pix2PixHDRecipe | SPADERecipe | InpaintRecipe) -> Pix2Pix:
    losses = recipe.losses
    return Pix2Pix(
        _generator(recipe, "a2b"),
        _discriminator(recipe, sum(channels(recipe))),
        game_rules(recipe, given=channels(recipe)[0]),
        gan=losses.gan,
        l1=losses.l1,
        perceptual=losses.perceptual,
        distance=_distance(losses.perceptual, losses.backbone),
    )


def _bicyclegan(recipe: BicycleGANRecipe) -> BicycleGAN:
    losses, data = recipe.losses, recipe.data
    encoder = LatentEncoder(data.channels_b, **recipe.encoder.model_dump(exclude={"init"}))
    given = channels(recipe)[0] * losses.conditional
    return BicycleGAN(
        _generator(recipe, "a2b"),
        initialise(encoder, recipe.encoder.init),
        [_discriminator(recipe, given + data.channels_b) for _ in range(losses.discriminators)],
        game_rules(recipe, given=given),
        conditional=losses.conditional,
        gan=losses.gan,
        l1=losses.l1,
        latent=losses.latent,
        kl=losses.kl,
    )


def _cyclegan(recipe: CycleGANRecipe) -> CycleGAN:
    losses = recipe.losses
    channels_a, channels_b = recipe.data.channels_a, recipe.data.channels_b
    return CycleGAN(
        _generator(recipe, "a2b"),
        _generator(recipe, "b2a"),
        _discriminator(recipe, channels_a),
        _discriminator(recipe, channels_b),
        game_rules(recipe),
        gan=losses.gan,
        cycle=losses.cycle,
        # Keeping the target's colours is only meaningful where both sides have the same channels.
        identity=losses.identity if channels_a == channels_b else 0.0,
    )


def _stargan(recipe: StarGANRecipe) -> StarGAN:
    losses = recipe.losses
    return StarGAN(
        _generator(recipe, "a2b"),
        _discriminator(recipe, recipe.data.channels_b, classes=len(recipe.data.labels)),
        game_rules(recipe),
        recipe.data.labels,
        classifies=recipe.discriminator.name == "semi-supervised"
        or getattr(recipe.discriminator, "conditioning", "none") == "classifier",
        gan=losses.gan,
        cycle=losses.cycle,
        identity=losses.identity,
        classify=losses.classify,
    )


def _cut(recipe: CUTRecipe) -> CUT:
    losses = recipe.losses
    generator = cast(ResNet, _generator(recipe, "a2b"))
    try:
        channels = generator.encoded_channels(losses.layers)
    except ValueError as error:
        raise UsageError(f"losses.layers: {error}") from None
    return CUT(
        generator,
        initialise(PatchSampler(channels, patches=losses.patches), recipe.generator.init),
        _discriminator(recipe, recipe.data.channels_b),
        game_rules(recipe),
        gan=losses.gan,
        nce=losses.nce,
        # A b can only go in where both sides have the same channels.
        identity=losses.identity and recipe.data.channels_a == recipe.data.channels_b,
        mirror=losses.mirror,
        layers=losses.layers,
        temperature=losses.temperature,
    )


def _text(recipe: TextRecipe) -> TextGAN:
    losses = recipe.losses
    name, arguments = _plain(recipe.text_encoder)
    encoder = build_text_encoder(name, **arguments)
    return TextGAN(
        _generator(recipe, "a2b"),
        encoder,
        _discriminator(recipe, recipe.data.channels_b, embedding=encoder.size),
        game_rules(recipe),
        gan=losses.gan,
        cycle=losses.cycle,
        identity=losses.identity,
    )


def _superres(recipe: SuperResRecipe) -> SuperRes:
    losses = recipe.losses
    second = losses.pretrain < 1
    return SuperRes(
        _generator(recipe, "a2b"),
        _discriminator(recipe, recipe.data.channels_b) if second and losses.gan else None,
        game_rules(recipe),
        pixel=losses.pixel,
        pixel_loss=losses.pixel_loss,
        gan=losses.gan,
        perceptual=losses.perceptual,
        distance=_distance(losses.perceptual if second else 0.0, losses.backbone),
        pretrain=losses.pretrain,
    )


def _colorize(recipe: ColorizeRecipe) -> Pix2Pix:
    # The same equation, of other pictures: batches hold lightness and colours.
    given, judged = channels(recipe)
    return Pix2Pix(
        _generator(recipe, "a2b"),
        _discriminator(recipe, given + judged),
        game_rules(recipe, given=given),
        gan=recipe.losses.gan,
        l1=recipe.losses.l1,
    )


TRANSLATORS: dict[str, Callable[..., Translator]] = {
    "pix2pix": _pix2pix,
    "pix2pixhd": _pix2pix,
    "spade": _pix2pix,
    "bicyclegan": _bicyclegan,
    "cyclegan": _cyclegan,
    "stargan": _stargan,
    "cut": _cut,
    "text": _text,
    "superres": _superres,
    "colorize": _colorize,
    "inpaint": _pix2pix,
}


def _generator(recipe: Recipe, direction: Direction) -> nn.Module:
    name, arguments = generator_arguments(recipe, direction)
    network = initialise(build_generator(name, **arguments), recipe.generator.init)
    return Filling(network) if isinstance(recipe, InpaintRecipe) else network


def _discriminator(recipe: Recipe, channels: int, **more: int) -> nn.Module:
    name, arguments = _plain(recipe.discriminator)
    network = build_discriminator(name, in_channels=channels, **arguments, **more)
    pictures = (recipe.part_size, channels, recipe.data.size, recipe.data.size)
    return with_reference(initialise(network, recipe.discriminator.init), pictures, **more)


def _distance(weight: float, backbone: str) -> PerceptualDistance | None:
    return PerceptualDistance(PerceptualFeatures(backbone)) if weight else None


def _load(features: PerceptualFeatures, folder: Path | None, progress: bool) -> None:
    if torch.get_default_device().type == "meta":
        return
    try:
        features.load(folder, progress=progress)
    except (ModelError, OutputError) as error:
        raise _remedied(error) from error


def _remedied(error: TranslateError) -> TranslateError:
    return type(error)(
        f"{error}. Put the file into a folder and name that by --weights-dir, or set "
        "losses.backbone=efficientnet-lite0, which comes with a package"
    )


def _check_size(
    recipe: Recipe, name: str, network: Generator | Discriminator | LatentEncoder | PerceptualFeatures
) -> None:
    size, needed, resolutions = recipe.data.size, network.minimum_size, int(recipe.training.resolutions)
    what, remedies = f"data.size {size}", ["choose a larger one"]
    # A progressive generator is smaller while its pictures are.
    if resolutions > 1 and not isinstance(network, ProgressiveResNet):
        size //= 2 ** (resolutions - 1)
        what += f" with training.resolutions {resolutions} begins at {size}, which"
        grown = isinstance(recipe.generator, ProgressiveSection)
        remedies.append("fewer generator.stages" if grown else "fewer training.resolutions")
    if name == "generator" and recipe.data.scale > 1:
        size //= recipe.data.scale
        what += f" with data.scale {recipe.data.scale} gives inputs of {size}, which"
    if size >= needed:
        return
    if name.startswith("discriminator"):
        keys = ("layers", "depth", "scales")
        remedies += [f"fewer discriminator.{key}" for key in keys if hasattr(recipe.discriminator, key)]
    if name == "encoder":
        remedies.append("a smaller encoder.depth")
    raise UsageError(f"{what} is too small for the {name}, which needs {needed}; {', or '.join(remedies)}")


def _plain(section: Section) -> tuple[str, dict]:
    arguments = section.model_dump(exclude={"init"})
    return arguments.pop("name"), arguments
