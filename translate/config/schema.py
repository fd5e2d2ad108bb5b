"""The schema of recipes: frozen sections that refuse unknown keys; see also `networks` and `losses`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from translate.config.losses import (
    BicycleGANLosses,
    ColorizeLosses,
    ConstraintsSection,
    CUTLosses,
    CycleGANLosses,
    InpaintLosses,
    Pix2PixHDLosses,
    Pix2PixLosses,
    SPADELosses,
    StarGANLosses,
    SuperResLosses,
    TextLosses,
)
from translate.config.networks import (
    Discriminator,
    EncoderSection,
    Generator,
    MultiScaleSection,
    PatchSection,
    Pix2PixHDSection,
    ResNetSection,
    SPADESection,
    SRVGGSection,
    TextEncoder,
    TokensSection,
    UNetDiscriminatorSection,
    UNetSection,
)
from translate.config.sections import Positive, Probability, Section, Weight

Channels = Literal[1, 3]
Direction = Literal["a2b", "b2a"]
Task = Literal[
    "edges", "soft-edges", "sketch", "denoise", "deblur", "dejpeg", "downscale", "colorize", "inpaint"
]
OptimizerName = Literal["adam", "adamw", "rmsprop", "sgd"]
Kind = Literal["paired", "unpaired", "labelled", "captioned"]


class DataSection(Section):
    """From a folder to a batch; see `translate.data.options.DataOptions`."""

    size: Positive = 256
    load_size: Positive | Literal["auto", "full"] = "auto"
    scale: Literal[1, 2, 3, 4] = 1
    direction: Direction = "a2b"
    task: Task | Literal["auto"] | None = None
    degradation: Literal["bicubic", "realistic"] = "bicubic"
    degrade_on: Literal["auto", "workers", "device"] = "auto"
    a: str | None = None
    b: str | None = None
    channels_a: Channels = 3
    channels_b: Channels = 3
    classes_a: bool = False
    batch_size: Positive = 1
    flip: bool = True
    quarter_turns: bool = False
    colour: Weight = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Weight = 0.0
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    cache: Literal["auto", "ram", "off"] = "auto"
    check: bool = True
    skip_corrupt: bool = False
    labels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class SuperResData(DataSection):
    """What super-resolution brings: crops of pictures as they are, and their reductions."""

    size: Positive = 128
    load_size: Positive | Literal["auto", "full"] = "full"
    scale: Literal[1, 2, 3, 4] = 4
    task: Task | Literal["auto"] | None = "auto"
    batch_size: Positive = 16
    quarter_turns: bool = True


class ColorizeData(DataSection):
    """What colourisation brings: its inputs are the photographs without their colours."""

    task: Task | Literal["auto"] | None = "colorize"


class InpaintData(DataSection):
    """What inpainting brings: the holes."""

    task: Task | Literal["auto"] | None = "inpaint"
    batch_size: Positive = 4


class OptimSection(Section):
    """One optimiser for the generators, one for the discriminators; keys of the latter follow if null."""

    optimizer: OptimizerName = "adam"
    lr: Annotated[float, Field(gt=0)] = 2e-4
    betas: tuple[Probability, Probability] = (0.5, 0.999)
    discriminator_optimizer: OptimizerName | None = None
    discriminator_lr: Annotated[float, Field(gt=0)] | None = None
    discriminator_betas: tuple[Probability, Probability] | None = None
    schedule: Literal["constant", "linear", "cosine", "plateau"] = "linear"
    decay_from: Annotated[float, Field(ge=0, le=1)] = 0.5
    warmup: Annotated[int, Field(ge=0)] = 0
    patience: Positive = 50
    clip: Annotated[float, Field(gt=0)] | None = None


class TrainingSection(Section):
    """How long and how: `steps` wins over `epochs`; `steps` is the total, also after a resume."""

    epochs: Positive = 200
    steps: Positive | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    ema: Probability = 0.999
    standing: Annotated[int, Field(ge=0)] = 0
    pool: Annotated[int, Field(ge=0)] = 0
    n_critic: Positive = 1
    accumulate: Positive = 1
    generator_above: float | None = None
    discriminator_above: float | None = None
    resolutions: Positive | Literal["auto"] = "auto"


class CheckpointSection(Section):
    every: Positive = 1000


class LogSection(Section):
    """In steps: losses every `every`, a sample sheet of `samples` pictures every `samples_every`."""

    every: Positive = 20
    samples_every: Positive = 500
    samples: Positive = 4


class RecipeBase(Section):
    """What every recipe has."""

    data: DataSection = DataSection()
    constraints: ConstraintsSection = ConstraintsSection()
    optim: OptimSection = OptimSection()
    training: TrainingSection = TrainingSection()
    checkpoint: CheckpointSection = CheckpointSection()
    log: LogSection = LogSection()

    @property
    def part_size(self) -> int:
        """Pictures of a side that pass through the networks together: a batch's, or those of its parts."""
        return self.data.batch_size // self.training.accumulate


class Pix2PixRecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["pix2pix"] = "pix2pix"
    generator: Generator = UNetSection()
    discriminator: Discriminator = PatchSection()
    losses: Pix2PixLosses = Pix2PixLosses()


class ColorizeRecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["colorize"] = "colorize"
    data: ColorizeData = ColorizeData()
    generator: Generator = UNetSection()
    discriminator: Discriminator = PatchSection()
    losses: ColorizeLosses = ColorizeLosses()


class Pix2PixHDRecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["pix2pixhd"] = "pix2pixhd"
    generator: Generator = Pix2PixHDSection()
    discriminator: Discriminator = MultiScaleSection()
    losses: Pix2PixHDLosses = Pix2PixHDLosses()


class SPADERecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["spade"] = "spade"
    generator: Generator = SPADESection()
    discriminator: Discriminator = MultiScaleSection(scales=2, spectral=True, init="xavier")
    losses: SPADELosses = SPADELosses()


class BicycleGANRecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["bicyclegan"] = "bicyclegan"
    generator: Generator = UNetSection(norm="instance", init="xavier")
    encoder: EncoderSection = EncoderSection()
    discriminator: Discriminator = MultiScaleSection(scales=2, init="xavier")
    losses: BicycleGANLosses = BicycleGANLosses()


class CycleGANRecipe(RecipeBase):
    kind: ClassVar[Kind] = "unpaired"
    translator: Literal["cyclegan"] = "cyclegan"
    generator: Generator = ResNetSection()
    discriminator: Discriminator = PatchSection(norm="instance")
    losses: CycleGANLosses = CycleGANLosses()


class StarGANRecipe(RecipeBase):
    kind: ClassVar[Kind] = "labelled"
    translator: Literal["stargan"] = "stargan"
    generator: Generator = ResNetSection()
    discriminator: Discriminator = PatchSection(norm="none", spectral=True, conditioning="projection")
    losses: StarGANLosses = StarGANLosses()


class CUTRecipe(RecipeBase):
    kind: ClassVar[Kind] = "unpaired"
    translator: Literal["cut"] = "cut"
    generator: Generator = ResNetSection(antialias=True, upsampling="blur", init="xavier")
    discriminator: Discriminator = PatchSection(norm="instance", init="xavier")
    losses: CUTLosses = CUTLosses()


class TextRecipe(RecipeBase):
    kind: ClassVar[Kind] = "captioned"
    translator: Literal["text"] = "text"
    generator: Generator = ResNetSection()
    text_encoder: TextEncoder = TokensSection()
    discriminator: Discriminator = PatchSection(norm="none", spectral=True, conditioning="projection")
    losses: TextLosses = TextLosses()


class SuperResRecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["superres"] = "superres"
    data: SuperResData = SuperResData()
    generator: Generator = SRVGGSection()
    discriminator: Discriminator = UNetDiscriminatorSection()
    losses: SuperResLosses = SuperResLosses()


class InpaintRecipe(RecipeBase):
    kind: ClassVar[Kind] = "paired"
    translator: Literal["inpaint"] = "inpaint"
    data: InpaintData = InpaintData()
    generator: Generator = UNetSection(norm="instance", dropout=0.0)
    discriminator: Discriminator = PatchSection(norm="none", spectral=True)
    losses: InpaintLosses = InpaintLosses()


Recipe = (
    Pix2PixRecipe
    | Pix2PixHDRecipe
    | SPADERecipe
    | BicycleGANRecipe
    | CycleGANRecipe
    | StarGANRecipe
    | CUTRecipe
    | TextRecipe
    | SuperResRecipe
    | ColorizeRecipe
    | InpaintRecipe
)
NETWORKS = ("generator", "text_encoder", "discriminator")
RECIPES: dict[str, type[Recipe]] = {
    "pix2pix": Pix2PixRecipe,
    "pix2pixhd": Pix2PixHDRecipe,
    "spade": SPADERecipe,
    "bicyclegan": BicycleGANRecipe,
    "cyclegan": CycleGANRecipe,
    "stargan": StarGANRecipe,
    "cut": CUTRecipe,
    "text": TextRecipe,
    "superres": SuperResRecipe,
    "colorize": ColorizeRecipe,
    "inpaint": InpaintRecipe,
}
