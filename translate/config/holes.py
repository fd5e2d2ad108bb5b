"""What a recipe promises of holes: which translator fills them, and with which networks."""

from __future__ import annotations

from translate.config.schema import InpaintRecipe, Recipe
from translate.errors import UsageError

FILLING = ("unet", "resnet", "mobile", "pix2pixhd")  # take any number of channels, and none of them is copied


def check_task(recipe: Recipe) -> None:
    """Refuse holes where the translator wouldn't know of them.

    Raises:
        UsageError: naming the key, the reason and the remedy.
    """
    if recipe.data.task == "inpaint" and not isinstance(recipe, InpaintRecipe):
        raise UsageError(
            f"data.task inpaint cuts holes into the inputs, and {recipe.translator} isn't told where they "
            "are; use the recipe inpaint, which brings the task"
        )


def check_filling(recipe: InpaintRecipe) -> None:
    """Refuse what makes no sense where holes are filled.

    Raises:
        UsageError: naming the key, the reason and the remedy.
    """
    data, generator = recipe.data, recipe.generator
    if data.task != "inpaint":
        raise UsageError(
            f"inpaint cuts holes into its pictures, and data.task is {data.task}; leave data.task inpaint"
        )
    if data.direction == "b2a":
        raise UsageError("inpaint fills holes, and data.direction b2a asks for the reverse; leave it a2b")
    if data.channels_a != data.channels_b:
        raise UsageError(
            "inpaint keeps what is no hole, so it needs data.channels_a equal to data.channels_b"
        )
    if data.colour:
        raise UsageError(
            "data.colour would change what the input and its truth have in common; leave it 0 with inpaint"
        )
    if generator.name not in FILLING:
        raise UsageError(
            f"inpaint gives its generator the mask as one more channel, which {generator.name} has no use "
            f"for; choose generator.name={', '.join(FILLING[:-1])} or {FILLING[-1]}"
        )
    if getattr(generator, "masked", False):
        raise UsageError(
            "inpaint keeps all but the holes, so generator.masked has nothing to learn; leave it false"
        )
    if recipe.discriminator.name == "projected":
        raise UsageError(
            "the discriminator projected looks at pictures, and inpaint puts a mask beside them; choose "
            "discriminator.name=patch or multiscale"
        )
