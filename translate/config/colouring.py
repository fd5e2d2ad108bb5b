"""What a recipe promises of colours: which translator is given lightness, and what that rules out."""

from __future__ import annotations

from translate.config.schema import ColorizeRecipe, Recipe
from translate.errors import UsageError


def check_colouring(recipe: Recipe) -> None:
    """Refuse the task colorize in recipes of pictures in RGB, and in `colorize` what makes no sense in Lab.

    Raises:
        UsageError: naming the key, the reason and the remedy.
    """
    task = recipe.data.task
    if isinstance(recipe, ColorizeRecipe):
        if task != "colorize":
            raise UsageError(
                "colorize takes the lightness of colour pictures for its input, so data.task "
                f"{'null' if task is None else task} has no use; leave it colorize"
            )
        _check_data(recipe)
        _check_networks(recipe)
    elif task == "colorize":
        raise UsageError(
            "data.task colorize is of networks that are given lightness and add colours, and "
            f"{recipe.translator} translates pictures; use the recipe colorize"
        )


def _check_data(recipe: ColorizeRecipe) -> None:
    data = recipe.data
    if data.direction == "b2a":
        raise UsageError("colorize adds colours, and data.direction b2a asks for the reverse; leave it a2b")
    if (data.channels_a, data.channels_b) != (3, 3):
        raise UsageError(
            "colorize takes lightness and colours off pictures in RGB; leave data.channels_a and "
            "data.channels_b 3"
        )
    if data.colour:
        raise UsageError(
            "data.colour would change the input and not what it came from, and with colorize both are one "
            "picture; leave it 0"
        )


def _check_networks(recipe: ColorizeRecipe) -> None:
    if getattr(recipe.generator, "masked", False):
        raise UsageError(
            "generator.masked keeps parts of the input, and lightness has no colours to keep; leave it false"
        )
    if recipe.discriminator.name == "projected":
        raise UsageError(
            "the discriminator projected looks at pictures in RGB, and colorize shows lightness and colours; "
            "choose discriminator.name=patch or multiscale"
        )
    if "colour" in recipe.constraints.augment:
        raise UsageError(
            "constraints.augment colour is of pictures in RGB, and colorize shows its discriminator the a "
            "and b of Lab; take translation, cutout or both"
        )
