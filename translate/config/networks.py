"""The networks that a recipe can name, each a section with the arguments of its network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from translate.config.sections import Positive, Probability, Section

NormName = Literal["batch", "sync-batch", "instance", "layer", "group", "none"]
Upsampling = Literal["transpose", "resize", "shuffle", "blur"]
InitName = Literal["normal", "orthogonal", "xavier", "kaiming"]
Minibatch = Literal["none", "stddev", "discrimination"]
Conditioned = Literal["none", "input", "hidden", "projection", "classifier"]


class UNetSection(Section):
    name: Literal["unet"] = "unet"
    depth: Positive | Literal["auto"] = "auto"
    width: Positive = 64
    norm: NormName = "batch"
    dropout: Probability = 0.5
    upsampling: Upsampling = "transpose"
    masked: bool = False
    attention: bool = False
    spectral: bool = False
    init: InitName = "normal"


class ResNetSection(Section):
    name: Literal["resnet"] = "resnet"
    depth: Positive | Literal["auto"] = "auto"
    width: Positive = 64
    norm: NormName = "instance"
    dropout: Probability = 0.0
    upsampling: Upsampling = "transpose"
    masked: bool = False
    attention: bool = False
    antialias: bool = False
    spectral: bool = False
    init: InitName = "normal"


class MobileSection(Section):
    name: Literal["mobile"] = "mobile"
    depth: Positive = 6
    width: Positive = 32
    norm: NormName = "instance"
    masked: bool = False
    init: InitName = "normal"


class PatchSection(Section):
    name: Literal["patch"] = "patch"
    layers: Positive = 3
    width: Positive = 64
    norm: NormName = "batch"
    spectral: bool = False
    attention: bool = False
    minibatch: Minibatch = "none"
    conditioning: Conditioned = "none"
    init: InitName = "normal"


class MultiScaleSection(Section):
    name: Literal["multiscale"] = "multiscale"
    scales: Positive = 3
    layers: Positive = 3
    width: Positive = 64
    norm: NormName = "instance"
    spectral: bool = False
    attention: bool = False
    minibatch: Minibatch = "none"
    conditioning: Conditioned = "none"
    init: InitName = "normal"


class ResidualSection(Section):
    name: Literal["residual"] = "residual"
    depth: Positive = 5
    width: Positive = 64
    spectral: bool = True
    attention: bool = False
    minibatch: Minibatch = "none"
    conditioning: Conditioned = "none"
    init: InitName = "xavier"


class UNetDiscriminatorSection(Section):
    name: Literal["unet"] = "unet"
    width: Positive = 64
    spectral: bool = True
    init: InitName = "normal"


class AutoencoderSection(Section):
    name: Literal["autoencoder"] = "autoencoder"
    depth: Positive = 3
    width: Positive = 64
    code: Positive = 64
    distance: Literal["auto", "l1", "l2"] = "auto"
    init: InitName = "normal"


class ProjectedSection(Section):
    name: Literal["projected"] = "projected"
    backbone: Literal["efficientnet-lite0", "efficientnet-lite2"] = "efficientnet-lite0"
    width: Positive = 64
    enlarge: Positive = 224
    norm: NormName = "batch"
    init: InitName = "normal"


class ImageSection(Section):
    name: Literal["image"] = "image"
    layers: Positive = 5
    width: Positive = 64
    norm: NormName = "batch"
    spectral: bool = False
    init: InitName = "normal"


class PixelSection(Section):
    name: Literal["pixel"] = "pixel"
    width: Positive = 64
    norm: NormName = "batch"
    spectral: bool = False
    init: InitName = "normal"


Generator = Annotated[UNetSection | ResNetSection | MobileSection, Field(discriminator="name")]
Discriminator = Annotated[
    PatchSection
    | ImageSection
    | PixelSection
    | MultiScaleSection
    | ResidualSection
    | UNetDiscriminatorSection
    | AutoencoderSection
    | ProjectedSection,
    Field(discriminator="name"),
]
