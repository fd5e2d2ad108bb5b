"""Recipes: the complete, typed description of one training.

A recipe is a YAML file; `load_recipe` reads one by name or path, applies `key=value` overrides and returns a
frozen, fully resolved object. Unknown keys are refused with the nearest valid one.
"""

from __future__ import annotations

from translate.config.networks import (
    AutoencoderSection,
    ImageSection,
    MobileSection,
    MultiScaleSection,
    PatchSection,
    PixelSection,
    ProjectedSection,
    ResidualSection,
    ResNetSection,
    UNetDiscriminatorSection,
    UNetSection,
)
from translate.config.reading import (
    dump_recipe,
    load_recipe,
    parse_assignments,
    parse_recipe,
    recipe_names,
)
from translate.config.resolve import ENERGIES, with_labels
from translate.config.schedule import (
    learning_rate_factor,
)
from translate.config.schema import (
    NETWORKS,
    RECIPES,
    AdversarialName,
    CheckpointSection,
    ConstraintsSection,
    CUTLosses,
    CUTRecipe,
    CycleGANLosses,
    CycleGANRecipe,
    DataSection,
    Direction,
    GameLosses,
    LogSection,
    OptimSection,
    Pix2PixLosses,
    Pix2PixRecipe,
    Recipe,
    RecipeBase,
    StarGANLosses,
    StarGANRecipe,
    TrainingSection,
)
from translate.config.sections import Section

__all__ = [
    "ENERGIES",
    "NETWORKS",
    "RECIPES",
    "AdversarialName",
    "AutoencoderSection",
    "CUTLosses",
    "CUTRecipe",
    "CheckpointSection",
    "ConstraintsSection",
    "CycleGANLosses",
    "CycleGANRecipe",
    "DataSection",
    "Direction",
    "GameLosses",
    "ImageSection",
    "LogSection",
    "MobileSection",
    "MultiScaleSection",
    "OptimSection",
    "PatchSection",
    "Pix2PixLosses",
    "Pix2PixRecipe",
    "PixelSection",
    "ProjectedSection",
    "Recipe",
    "RecipeBase",
    "ResNetSection",
    "ResidualSection",
    "Section",
    "StarGANLosses",
    "StarGANRecipe",
    "TrainingSection",
    "UNetDiscriminatorSection",
    "UNetSection",
    "dump_recipe",
    "learning_rate_factor",
    "load_recipe",
    "parse_assignments",
    "parse_recipe",
    "recipe_names",
    "with_labels",
]
