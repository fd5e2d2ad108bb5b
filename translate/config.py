"""Recipes: the complete, typed description of one training.

A recipe is a YAML file; `load_recipe` reads one by name or path, applies `key=value` overrides and returns a
frozen, fully resolved object. Unknown keys are refused with the nearest valid one.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from translate import validation
from translate.errors import UsageError, did_you_mean
from translate.files import explain

Positive = Annotated[int, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, lt=1)]
Channels = Literal[1, 3]
Direction = Literal["a2b", "b2a"]
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
OptimizerName = Literal["adam", "adamw", "rmsprop", "sgd"]
NormName = Literal["batch", "instance", "none"]
Upsampling = Literal["transpose", "resize"]


class Section(BaseModel):
    """A part of a recipe: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataSection(Section):
    """From a folder to a batch; see `translate.data.datasets.DataOptions`."""

    size: Positive = 256
    load_size: Positive | Literal["auto"] = "auto"
    direction: Direction = "a2b"
    task: Literal["edges"] | None = None
    a: str | None = None
    b: str | None = None
    channels_a: Channels = 3
    channels_b: Channels = 3
    batch_size: Positive = 1
    flip: bool = True
    colour: Weight = 0.0
    rotate: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: Weight = 0.0
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    cache: Literal["auto", "ram", "off"] = "auto"
    skip_corrupt: bool = False


class UNetSection(Section):
    name: Literal["unet"] = "unet"
    depth: Positive | Literal["auto"] = "auto"
    width: Positive = 64
    norm: NormName = "batch"
    dropout: Probability = 0.5
    upsampling: Upsampling = "transpose"
    masked: bool = False


class ResNetSection(Section):
    name: Literal["resnet"] = "resnet"
    depth: Positive | Literal["auto"] = "auto"
    width: Positive = 64
    norm: NormName = "instance"
    dropout: Probability = 0.0
    upsampling: Upsampling = "transpose"
    masked: bool = False


class MobileSection(Section):
    name: Literal["mobile"] = "mobile"
    depth: Positive = 6
    width: Positive = 32
    norm: NormName = "instance"
    masked: bool = False


class PatchSection(Section):
    name: Literal["patch"] = "patch"
    layers: Positive = 3
    width: Positive = 64
    norm: NormName = "batch"


class ImageSection(Section):
    name: Literal["image"] = "image"
    layers: Positive = 5
    width: Positive = 64
    norm: NormName = "batch"


class PixelSection(Section):
    name: Literal["pixel"] = "pixel"
    width: Positive = 64
    norm: NormName = "batch"


Generator = Annotated[UNetSection | ResNetSection | MobileSection, Field(discriminator="name")]
Discriminator = Annotated[PatchSection | ImageSection | PixelSection, Field(discriminator="name")]


class Pix2PixLosses(Section):
    adversarial: AdversarialName = "nonsaturating"
    gan: Weight = 1.0
    l1: Weight = 100.0


class CycleGANLosses(Section):
    adversarial: AdversarialName = "lsgan"
    gan: Weight = 1.0
    cycle: Weight = 10.0
    identity: Weight = 5.0


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
    margin: Annotated[float, Field(gt=0)] = 10.0
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.5
    balance_rate: Annotated[float, Field(gt=0)] = 1e-3


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
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    ema: Probability = 0.999
    pool: Annotated[int, Field(ge=0)] = 0
    n_critic: Positive = 1
    accumulate: Positive = 1
    generator_above: float | None = None
    discriminator_above: float | None = None


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


class Pix2PixRecipe(RecipeBase):
    paired: ClassVar[bool] = True
    translator: Literal["pix2pix"] = "pix2pix"
    generator: Generator = UNetSection()
    discriminator: Discriminator = PatchSection()
    losses: Pix2PixLosses = Pix2PixLosses()


class CycleGANRecipe(RecipeBase):
    paired: ClassVar[bool] = False
    translator: Literal["cyclegan"] = "cyclegan"
    generator: Generator = ResNetSection()
    discriminator: Discriminator = PatchSection(norm="instance")
    losses: CycleGANLosses = CycleGANLosses()


Recipe = Pix2PixRecipe | CycleGANRecipe
NETWORKS = ("generator", "discriminator")
RECIPES: dict[str, type[Pix2PixRecipe] | type[CycleGANRecipe]] = {
    "pix2pix": Pix2PixRecipe,
    "cyclegan": CycleGANRecipe,
}


ENERGIES = ("ebgan", "began")  # judge by how badly an autoencoder reconstructs
SMOOTHABLE = ("minimax", "nonsaturating", "lsgan", "dragan")
PENALISED = ("wgan-gp", "dragan")

# What an objective brings with it, unless the user says otherwise: the optimisers of its paper.
BROUGHT: dict[str, dict[str, Any]] = {
    "wgan": {"optim.optimizer": "rmsprop", "optim.lr": 5e-5, "training.n_critic": 5},
    "wgan-gp": {
        "optim.optimizer": "adam",
        "optim.lr": 1e-4,
        "optim.betas": [0.0, 0.9],
        "training.n_critic": 5,
    },
}


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    files = resources.files("translate.recipes").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def load_recipe(name: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe, apply overrides, check and resolve it.

    Args:
        name: a recipe of the package, or the path of a YAML file.
        overrides: dotted keys to values, e.g. `{"optim.lr": 1e-4}`; they win over the file.

    Raises:
        UsageError: unknown recipe or key (with the nearest valid one), a value of the wrong kind or size.
    """
    return parse_recipe(_read_recipe(name), overrides or {}, where=f"recipe {name}")


def parse_recipe(values: Mapping[str, Any], overrides: Mapping[str, Any], *, where: str) -> Recipe:
    """Check and resolve a recipe given as a plain mapping; `where` names it in messages.

    Raises:
        UsageError: see `load_recipe`.
    """
    translator = values.get("translator")
    if not isinstance(translator, str) or translator not in RECIPES:
        raise UsageError(f"{where}: translator is {translator!r}; choose one of {', '.join(RECIPES)}")
    schema = RECIPES[translator]
    try:
        return _resolve(schema.model_validate(_merge(values, overrides, schema)))
    except ValidationError as error:
        raise UsageError(f"{where}: {validation.explain(error, schema)}") from None
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["optim.lr=1e-4"]` into `{"optim.lr": 1e-4}`; values are read as YAML.

    Raises:
        UsageError: an assignment without `=`, or a value that isn't YAML.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {assignment!r}: write it as key=value, e.g. --set optim.lr=1e-4")
        try:
            overrides[key.strip()] = _parse_yaml(value)
        except yaml.YAMLError:
            raise UsageError(f"--set {assignment!r}: the value isn't valid YAML; quote it") from None
    return overrides


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML that `load_recipe` reads back to an equal object."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """Plain values as YAML 1.2 has them: `off` and `no` are words, and 1e-4 is a number."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$", re.I), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:e[-+]?[0-9]+)?|[0-9]+e[-+]?[0-9]+)$", re.I),
    list("-+.0123456789"),
)


def _parse_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # safe: the loader is a SafeLoader


def _read_recipe(name: str | Path) -> dict[str, Any]:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"recipe {name}: can't be read ({explain(error)})") from None
        except UnicodeDecodeError:
            raise UsageError(f"recipe {name}: can't be read (it isn't text in UTF-8)") from None
    elif str(name) in (names := recipe_names()):
        text = (resources.files("translate.recipes") / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise UsageError(
            f"unknown recipe {str(name)!r}{did_you_mean(name, names)}; "
            f"choose one of {', '.join(names)}, or a .yaml file"
        )
    try:
        values = _parse_yaml(text)
    except yaml.YAMLError as error:
        raise UsageError(f"recipe {name}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise UsageError(f"recipe {name}: a recipe is a mapping with the key `translator`")
    return values


def _merge(
    values: Mapping[str, Any], overrides: Mapping[str, Any], schema: type[RecipeBase]
) -> dict[str, Any]:
    """The recipe's values with the overrides put in, and what the method says of its networks."""
    # A key with nothing after it is an empty section.
    merged: dict[str, Any] = {
        key: {} if value is None else copy.deepcopy(value) for key, value in values.items()
    }
    overrides = {**_brought(merged, overrides), **overrides}
    for section in NETWORKS:
        chosen, given = overrides.get(f"{section}.name"), merged.get(section)
        # Another network has arguments of its own: those of the recipe's network don't carry over.
        if chosen is not None and isinstance(given, dict) and chosen != given.get("name"):
            merged[section] = {}
    for key, value in overrides.items():
        if key == "translator" and value != merged[key]:
            raise UsageError("a recipe's translator can't be overridden; name another recipe")
        *parents, leaf = key.split(".")
        place = merged
        for parent in parents:
            below = place.setdefault(parent, {})
            if not isinstance(below, dict):
                raise UsageError(f"{key}: {parent} is a value, not a section")
            place = below
        place[leaf] = value
    for section in NETWORKS:
        usual, given = schema.model_fields[section].default, merged.get(section, {})
        # The norm is the method's choice, whichever network it is for.
        if isinstance(given, dict):
            merged[section] = {"name": usual.name, "norm": usual.norm} | given
    return merged


def _brought(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What the objective brings: over the recipe's values if an override chooses it, else in their gaps."""
    losses = values.get("losses")
    written = losses.get("adversarial") if isinstance(losses, dict) else None
    chosen = overrides.get("losses.adversarial", written)
    brought = BROUGHT.get(chosen, {}) if isinstance(chosen, str) else {}
    return {key: value for key, value in brought.items() if chosen != written or not _says(values, key)}


def _says(values: Mapping[str, Any], key: str) -> bool:
    section, _, leaf = key.partition(".")
    return isinstance(values.get(section), dict) and leaf in values[section]


def _resolve(recipe: Recipe) -> Recipe:
    """Replace every `auto` that follows from other keys, then check what keys promise each other."""
    data, generator = recipe.data, recipe.generator
    if data.load_size == "auto":
        # The papers enlarge 256 to 286 before cropping.
        data = data.model_copy(update={"load_size": round(data.size * 286 / 256)})
    if isinstance(data.load_size, int) and data.load_size < data.size:
        raise UsageError(
            f"data.load_size {data.load_size} is smaller than data.size {data.size}; "
            "make it at least as large, or auto"
        )
    if isinstance(generator, UNetSection | ResNetSection) and generator.depth == "auto":
        generator = generator.model_copy(update={"depth": _auto_depth(generator, data.size)})
    multiple = 2 ** int(generator.depth) if isinstance(generator, UNetSection) else 4
    if data.size % multiple:
        raise UsageError(
            f"data.size {data.size} is not a multiple of {multiple}, which the {generator.name} generator "
            f"needs; choose a size of {max(multiple, round(data.size / multiple) * multiple)}"
            + (", or a smaller generator.depth" if generator.name == "unet" else "")
        )
    if generator.masked and data.channels_a != data.channels_b:
        raise UsageError("generator.masked needs data.channels_a equal to data.channels_b")
    _check_game(recipe)
    return recipe.model_copy(update={"data": data, "generator": generator})


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
    if (objective in ENERGIES) != (name == "autoencoder"):
        needs = "an autoencoder" if objective in ENERGIES else "logits, not an autoencoder's energies"
        other = "discriminator.name=autoencoder" if objective in ENERGIES else f"{' or '.join(ENERGIES)}"
        raise UsageError(f"losses.adversarial {objective} needs {needs}; add {other}")
    if (objective == "projected") != (name == "projected"):
        raise UsageError(
            "the objective projected and the discriminator projected belong together; "
            "set both losses.adversarial=projected and discriminator.name=projected"
        )
    if asked.smoothing and objective not in SMOOTHABLE:
        raise UsageError(
            f"constraints.smoothing has no meaning for {objective}; it is for {', '.join(SMOOTHABLE)}"
        )
    if asked.penalty not in ("auto", 0) and objective not in PENALISED:
        raise UsageError(
            f"constraints.penalty belongs to {' and '.join(PENALISED)}; for {objective} use constraints.r1"
        )


def _auto_depth(generator: UNetSection | ResNetSection, size: int) -> int:
    if isinstance(generator, ResNetSection):
        return 9 if size >= 256 else 6  # Zhu et al. 2017, appendix 7.2
    halvings = (size & -size).bit_length() - 1
    # Fewer than five would see too little; then the size is refused instead.
    return min(8, max(halvings, min(5, int(math.log2(size))), 2))


def learning_rate_factor(optim: OptimSection, step: int, steps: int) -> float:
    """The schedule as a pure function: what the learning rates are multiplied with at a step.

    Args:
        step: steps already taken, 0 … steps − 1.
        steps: the whole training's length.

    `linear` stays at 1 until the fraction `decay_from`, then falls to 0 at the end (Zhu et al. 2017,
    appendix 7.1); `cosine` falls over the same stretch along half a cosine (Loshchilov & Hutter 2017, eq. 5);
    `warmup` steps rise linearly to 1 before. `plateau` is no function of the step: see `training.plateau`.
    """
    if step < optim.warmup:
        return (step + 1) / optim.warmup
    if optim.schedule in ("constant", "plateau"):
        return 1.0
    start = optim.decay_from * steps
    done = min(max((step - start) / max(steps - start, 1), 0.0), 1.0)
    return 1 - done if optim.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
