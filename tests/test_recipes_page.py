"""docs/recipes.md names every key of every recipe, with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from translate import config
from translate.config import load_recipe, parse_assignments
from translate.validation import keys

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "recipes.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "data": config.DataSection,
    "generator.name = unet": config.UNetSection,
    "generator.name = resnet": config.ResNetSection,
    "generator.name = mobile": config.MobileSection,
    "generator.name = progressive": config.ProgressiveSection,
    "generator.name = laplacian": config.LaplacianSection,
    "generator.name = pix2pixhd": config.Pix2PixHDSection,
    "generator.name = spade": config.SPADESection,
    "generator.name = srresnet": config.SRResNetSection,
    "generator.name = edsr": config.EDSRSection,
    "generator.name = rrdb": config.RRDBSection,
    "generator.name = srvgg": config.SRVGGSection,
    "text_encoder.name = tokens": config.TokensSection,
    "text_encoder.name = minilm": config.MiniLMSection,
    "discriminator.name = patch": config.PatchSection,
    "discriminator.name = multiscale": config.MultiScaleSection,
    "discriminator.name = residual": config.ResidualSection,
    "discriminator.name = unet": config.UNetDiscriminatorSection,
    "discriminator.name = autoencoder": config.AutoencoderSection,
    "discriminator.name = projected": config.ProjectedSection,
    "discriminator.name = image": config.ImageSection,
    "discriminator.name = pixel": config.PixelSection,
    "discriminator.name = semi-supervised": config.SemiSupervisedSection,
    "losses": config.GameLosses,
    "losses of pix2pix, pix2pixhd, spade and inpaint": config.Pix2PixLosses,
    "encoder": config.EncoderSection,
    "losses of bicyclegan": config.BicycleGANLosses,
    "losses of cyclegan": config.CycleGANLosses,
    "losses of stargan": config.StarGANLosses,
    "losses of cut": config.CUTLosses,
    "losses of text": config.TextLosses,
    "losses of superres": config.SuperResLosses,
    "losses of colorize": config.ColorizeLosses,
    "constraints": config.ConstraintsSection,
    "optim": config.OptimSection,
    "training": config.TrainingSection,
    "checkpoint": config.CheckpointSection,
    "log": config.LogSection,
}


def rows(heading: str) -> dict[str, list[str]]:
    """The table under a heading: keys to their further cells."""
    (section,) = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line
    ]
    return {first.strip("`"): rest for first, *rest in cells[2:]}


def value(cell: str) -> object:
    return parse_assignments([f"x={cell.strip('`')}"])["x"]


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_s_table_is_the_schema(heading):
    fields, table = SECTIONS[heading].model_fields, rows(heading)
    inherited = config.GameLosses.model_fields if heading.startswith("losses of") else ()
    assert list(table) == [name for name in fields if name != "name" and name not in inherited]
    by_method = {key.split(".")[-1] for key in rows("Where the methods differ")}
    for name, (default, meaning) in table.items():
        if default == "by method":
            assert name in by_method
            continue
        assert meaning, f"{name} has no meaning"
        expected = fields[name].default
        assert value(default) == (list(expected) if isinstance(expected, tuple) else expected), name


def test_the_page_has_every_key_of_every_recipe():
    documented = {
        f"{heading.split()[0].split('.')[0]}.{name}" for heading in SECTIONS for name in rows(heading)
    }
    named = {key for key in rows("Where the methods differ") if key.endswith(".name")}
    schemas = tuple(config.RECIPES.values())
    assert documented | named | {"translator", "discriminator.name"} == set(keys(schemas))


def test_the_methods_differ_where_the_page_says():
    table = rows("Where the methods differ")
    names = "pix2pix pix2pixhd spade cyclegan stargan cut text bicyclegan superres colorize inpaint"
    for place, recipe in enumerate(names.split()):
        values = load_recipe(recipe).model_dump(mode="json")
        for key, cells in table.items():
            section, name = key.split(".")
            if not cells[place]:
                assert name not in values.get(section, {}), f"{recipe}: {key}"
                continue
            assert value(cells[place]) == values[section][name], f"{recipe}: {key}"


def test_the_recipe_of_one_s_own_on_the_page_loads(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    path = tmp_path / "mine.yaml"
    path.write_text(example, encoding="utf-8")
    recipe = load_recipe(path)
    assert (recipe.generator.name, recipe.generator.width, recipe.generator.norm) == (
        "mobile",
        48,
        "instance",
    )
    assert recipe.optim == load_recipe("cyclegan").optim
