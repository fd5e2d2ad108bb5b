"""Sections of a recipe's losses: what each method adds to its game, and what keeps the game in bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from translate.config.sections import Positive, Section, Weight

AdversarialName = Literal[
    "minimax",
    "nonsaturating",
    "lsgan",
    "hinge",
    "wgan",
    "wgan-gp",
    "dragan",
    "ebgan",
    "began",
    "relativistic",
    "projected",
]
AugmentationName = Literal["colour", "translation", "cutout"]
BackboneName = Literal["vgg19", "efficientnet-lite0"]


class GameLosses(Section):
    """What every recipe's losses have; see `translate.translators.game.Rules`."""

    adversarial: AdversarialName
    gan: Weight = 1.0
    feature_matching: Weight = 0.0
    matching: Literal["auto", "layers", "mean"] = "auto"
    pulling_away: Weight = 0.0


class Pix2PixLosses(GameLosses):
    adversarial: AdversarialName = "nonsaturating"
    l1: Weight = 100.0
    perceptual: Weight = 0.0
    backbone: BackboneName = "vgg19"


class ColorizeLosses(GameLosses):
    adversarial: AdversarialName = "nonsaturating"
    l1: Weight = 100.0


class Pix2PixHDLosses(Pix2PixLosses):
    adversarial: AdversarialName = "lsgan"
    l1: Weight = 0.0
    feature_matching: Weight = 10.0
    perceptual: Weight = 10.0


class SPADELosses(Pix2PixHDLosses):
    adversarial: AdversarialName = "hinge"


class InpaintLosses(Pix2PixLosses):
    adversarial: AdversarialName = "hinge"


class CycleGANLosses(GameLosses):
    adversarial: AdversarialName = "lsgan"
    cycle: Weight = 10.0
    identity: Weight = 5.0


class StarGANLosses(GameLosses):
    adversarial: AdversarialName = "hinge"
    cycle: Weight = 10.0
    identity: Weight = 0.0
    classify: Weight = 1.0


class BicycleGANLosses(GameLosses):
    adversarial: AdversarialName = "lsgan"
    l1: Weight = 10.0
    latent: Weight = 0.5
    kl: Weight = 0.01
    discriminators: Literal[1, 2] = 2
    conditional: bool = False


class CUTLosses(GameLosses):
    adversarial: AdversarialName = "lsgan"
    nce: Weight = 1.0
    identity: bool = True
    mirror: bool = False
    layers: tuple[Annotated[int, Field(ge=0)], ...] = (0, 4, 8, 12, 16)
    patches: Annotated[int, Field(ge=2)] = 256
    temperature: Annotated[float, Field(gt=0)] = 0.07


class TextLosses(GameLosses):
    adversarial: AdversarialName = "hinge"
    cycle: Weight = 10.0
    identity: Weight = 0.0


class SuperResLosses(GameLosses):
    adversarial: AdversarialName = "relativistic"
    gan: Weight = 0.1
    pixel: Weight = 1.0
    pixel_loss: Literal["l1", "charbonnier"] = "l1"
    perceptual: Weight = 1.0
    backbone: BackboneName = "vgg19"
    pretrain: Annotated[float, Field(ge=0, le=1)] = 0.5


class ConstraintsSection(Section):
    """What keeps the discriminators in bounds; see `translate.translators.game.Constraints`."""

    penalty: Weight | Literal["auto"] = "auto"
    clip: Weight | Literal["auto"] = "auto"
    r1: Weight = 0.0
    r1_every: Positive = 16
    orthogonal: Weight = 0.0
    historical: Weight = 0.0
    smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    noise: Weight = 0.0
    margin: Annotated[float, Field(gt=0, le=2)] = 1.0
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    balance_rate: Annotated[float, Field(gt=0)] = 1e-3
    augment: tuple[AugmentationName, ...] = ()
    augment_p: Annotated[float, Field(ge=0, le=1)] | Literal["adaptive"] = 1.0
    augment_target: Annotated[float, Field(gt=-1, lt=1)] = 0.6
    augment_ramp: Positive = 500_000
