"""The networks that a recipe can name, each a section with the arguments of its network."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from translate.config.sections import Positive, Probability, Section

NormName = Literal["batch", "sync-batch", "instance", "layer", "group", "none"]
DiscriminatorNorm = Literal["batch", "sync-batch", "instance", "layer", "group", "virtual", "none"]
Upsampling = Literal["transpose", "resize", "shuffle", "blur"]
InitName = Literal["normal", "orthogonal", "xavier", "kaiming"]
Minibatch = Literal["none", "stddev", "discrimination"]
Conditioned = Literal["none", "input", "hidden", "projection", "classifier"]


Smaller = Literal[2, 4, 8, 16, 32, 64, 128, 256]  # times than the picture


def _place_of_attention(value: Any) -> Any:
    """A bool, but not by 0 and 1, for 1 reads like the picture's own size."""
    if isinstance(value, bool | str) or value in get_args(Smaller):
        return value
    raise PydanticCustomError(
        "attention", "it is false, true (the usual place), or n for 1/n of the picture's size: 2, 4, 8, 16 …"
    )


Attention = Annotated[bool | Smaller, BeforeValidator(_place_of_attention)]


class GeneratorSection(Section):
    """What a generator's section says besides its fields.

    Attributes:
        conditional: whether it can be asked for a label, a caption or a latent code.
    """

    conditional: ClassVar[bool] = False

    @property
    def size_multiple(self) -> int:
        """Height and width of its input are multiples of it, in pixels; a depth of `auto` is resolved."""
        return 1


class UNetSection(GeneratorSection):
    conditional = True
    name: Literal["unet"] = "unet"
    depth: Positive | Literal["auto"] = "auto"
    width: Positive = 64
    norm: NormName = "batch"
    dropout: Probability = 0.5
    upsampling: Upsampling = "transpose"
    masked: bool = False
    attention: Attention = False
    spectral: bool = False
    init: InitName = "normal"

    @property
    def size_multiple(self) -> int:
        return 2 ** int(self.depth)


class ResNetSection(GeneratorSection):
    conditional = True
    name: Literal["resnet"] = "resnet"
    depth: Positive | Literal["auto"] = "auto"
    width: Positive = 64
    norm: NormName = "instance"
    dropout: Probability = 0.0
    upsampling: Upsampling = "transpose"
    masked: bool = False
    attention: Attention = False
    antialias: bool = False
    spectral: bool = False
    init: InitName = "normal"

    @property
    def size_multiple(self) -> int:
        return 4


class MobileSection(GeneratorSection):
    conditional = True
    name: Literal["mobile"] = "mobile"
    depth: Positive = 6
    width: Positive = 32
    norm: NormName = "instance"
    masked: bool = False
    attention: Attention = False
    init: InitName = "normal"

    @property
    def size_multiple(self) -> int:
        return 4


class ProgressiveSection(GeneratorSection):
    """It grows while it is trained, through as many sizes as it has stages."""

    name: Literal["progressive"] = "progressive"
    depth: Positive = 6
    width: Positive = 32
    stages: Positive = 4
    norm: NormName = "instance"
    attention: Attention = False
    init: InitName = "normal"

    @property
    def size_multiple(self) -> int:
        return 2 ** (self.stages - 1)


class LaplacianSection(GeneratorSection):
    name: Literal["laplacian"] = "laplacian"
    depth: Positive = 5
    width: Positive = 64
    levels: Positive = 3
    norm: NormName = "instance"
    init: InitName = "xavier"

    @property
    def size_multiple(self) -> int:
        return 2**self.levels


class Pix2PixHDSection(GeneratorSection):
    name: Literal["pix2pixhd"] = "pix2pixhd"
    depth: Positive = 9
    width: Positive = 64
    halvings: Positive = 4
    enhancer: bool = False
    local_blocks: Positive = 3
    norm: NormName = "instance"
    upsampling: Upsampling = "transpose"
    attention: Attention = False
    init: InitName = "normal"

    @property
    def size_multiple(self) -> int:
        return 2 ** (self.halvings + self.enhancer)


class SPADESection(GeneratorSection):
    name: Literal["spade"] = "spade"
    depth: Annotated[int, Field(ge=2, le=6)] = 5
    width: Positive = 64
    norm: NormName = "sync-batch"
    spectral: bool = True
    hidden: Positive = 128
    attention: Attention = False
    init: InitName = "xavier"

    @property
    def size_multiple(self) -> int:
        return 2**self.depth


class SRResNetSection(GeneratorSection):
    name: Literal["srresnet"] = "srresnet"
    depth: Positive = 16
    width: Positive = 64
    norm: NormName = "batch"
    scale: Literal["auto", 1, 2, 3, 4] = "auto"
    init: InitName = "normal"


class EDSRSection(GeneratorSection):
    name: Literal["edsr"] = "edsr"
    depth: Positive = 16
    width: Positive = 64
    residual_scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    scale: Literal["auto", 1, 2, 3, 4] = "auto"
    init: InitName = "normal"


class RRDBSection(GeneratorSection):
    name: Literal["rrdb"] = "rrdb"
    depth: Positive = 23
    width: Positive = 64
    growth: Positive = 32
    scale: Literal["auto", 1, 2, 4] = "auto"
    init: InitName = "normal"

    @property
    def size_multiple(self) -> int:
        return 4 // int(self.scale)


class SRVGGSection(GeneratorSection):
    name: Literal["srvgg"] = "srvgg"
    depth: Positive = 16
    width: Positive = 64
    scale: Literal["auto", 1, 2, 3, 4] = "auto"
    init: InitName = "kaiming"


class PatchSection(Section):
    name: Literal["patch"] = "patch"
    layers: Positive = 3
    width: Positive = 64
    norm: DiscriminatorNorm = "batch"
    spectral: bool = False
    attention: Attention = False
    minibatch: Minibatch = "none"
    conditioning: Conditioned = "none"
    init: InitName = "normal"


class MultiScaleSection(Section):
    name: Literal["multiscale"] = "multiscale"
    scales: Positive = 3
    layers: Positive = 3
    width: Positive = 64
    norm: DiscriminatorNorm = "instance"
    spectral: bool = False
    attention: Attention = False
    minibatch: Minibatch = "none"
    conditioning: Conditioned = "none"
    init: InitName = "normal"


class ResidualSection(Section):
    name: Literal["residual"] = "residual"
    depth: Positive = 5
    width: Positive = 64
    spectral: bool = True
    attention: Attention = False
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
    norm: DiscriminatorNorm = "batch"
    init: InitName = "normal"


class ImageSection(Section):
    name: Literal["image"] = "image"
    layers: Positive = 5
    width: Positive = 64
    norm: DiscriminatorNorm = "batch"
    spectral: bool = False
    init: InitName = "normal"


class PixelSection(Section):
    name: Literal["pixel"] = "pixel"
    width: Positive = 64
    norm: DiscriminatorNorm = "batch"
    spectral: bool = False
    init: InitName = "normal"


class SemiSupervisedSection(Section):
    name: Literal["semi-supervised"] = "semi-supervised"
    layers: Positive = 3
    width: Positive = 64
    norm: DiscriminatorNorm = "batch"
    spectral: bool = False
    init: InitName = "normal"


class TokensSection(Section):
    name: Literal["tokens"] = "tokens"
    size: Positive = 128
    vocabulary: Annotated[int, Field(gt=2)] = 8192
    width: Positive = 64
    length: Positive = 64


class MiniLMSection(Section):
    name: Literal["minilm"] = "minilm"


class EncoderSection(Section):
    """From a picture to its latent code; see `translate.networks.encoder.LatentEncoder`."""

    latent: Positive = 8
    depth: Positive = 4
    width: Positive = 64
    norm: NormName = "instance"
    init: InitName = "xavier"


Generator = Annotated[
    UNetSection
    | ResNetSection
    | MobileSection
    | ProgressiveSection
    | LaplacianSection
    | Pix2PixHDSection
    | SPADESection
    | SRResNetSection
    | EDSRSection
    | RRDBSection
    | SRVGGSection,
    Field(discriminator="name"),
]
Discriminator = Annotated[
    PatchSection
    | ImageSection
    | PixelSection
    | MultiScaleSection
    | ResidualSection
    | UNetDiscriminatorSection
    | AutoencoderSection
    | ProjectedSection
    | SemiSupervisedSection,
    Field(discriminator="name"),
]
TextEncoder = Annotated[TokensSection | MiniLMSection, Field(discriminator="name")]
