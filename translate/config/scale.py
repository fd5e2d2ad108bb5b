"""What a recipe promises of sizes: which translators enlarge, and by how much."""

from __future__ import annotations

from translate.config.schema import Recipe, SuperResRecipe
from translate.errors import UsageError

DRAWINGS = ("edges", "soft-edges", "sketch")
DAMAGES = ("denoise", "deblur", "dejpeg")
ENLARGING = "srvgg, edsr, srresnet or rrdb"


def check_own_size(recipe: Recipe) -> None:
    """Refuse to enlarge with a recipe whose pictures keep their size.

    Raises:
        UsageError: naming the key, the reason and the remedy.
    """
    data, method = recipe.data, recipe.translator
    scale = getattr(recipe.generator, "scale", 1)
    if data.scale != 1:
        raise UsageError(
            f"data.scale {data.scale} enlarges pictures, and {method} translates them at their own size; "
            "leave it 1, or use the recipe superres"
        )
    if scale != 1:
        raise UsageError(
            f"generator.scale {scale} enlarges pictures, and {method} translates them at their own size; "
            "leave it 1"
        )
    if data.degradation != "bicubic":
        raise UsageError(
            f"data.degradation {data.degradation} is of the inputs that superres makes, and {method} makes "
            "none so; leave it bicubic"
        )
    if data.task == "downscale":
        raise UsageError(
            f"data.task downscale makes small inputs, and {method} translates pictures at their own size; "
            "use the recipe superres"
        )


def check_enlarging(recipe: SuperResRecipe) -> None:
    """Refuse what makes no sense where the target is larger than the input.

    Raises:
        UsageError: naming the key, the reason and the remedy.
    """
    data = recipe.data
    _check_network(recipe)
    if data.task == "downscale" and data.scale == 1 and data.degradation == "bicubic":
        raise UsageError(
            "data.task downscale with data.scale 1 changes nothing, so there is nothing to learn; set "
            "data.scale to 2, 3 or 4, data.degradation=realistic, or data.task to denoise, deblur or dejpeg"
        )
    if data.task in DRAWINGS:
        raise UsageError(f"superres enlarges pictures, and data.task {data.task} draws; leave it auto")
    if data.task in DAMAGES and data.scale != 1:
        raise UsageError(
            f"data.task {data.task} damages pictures at their own size, and data.scale is {data.scale}; set "
            "data.scale=1, or leave data.task auto"
        )
    if data.task in DAMAGES and data.degradation == "realistic":
        raise UsageError(
            f"data.degradation realistic and data.task {data.task} both make the inputs; leave one of them "
            "out"
        )
    if data.degradation == "realistic" and data.task != "downscale":
        raise UsageError(
            "data.degradation realistic makes the inputs, and data.a names inputs that are there; leave one "
            "of them out"
        )
    if data.degradation == "realistic" and data.channels_a != data.channels_b:
        raise UsageError("data.degradation realistic needs data.channels_a equal to data.channels_b")
    if data.direction == "b2a":
        raise UsageError("superres enlarges, and data.direction b2a asks for the reverse; leave it a2b")
    for key in ("rotate", "zoom", "colour"):
        if getattr(data, key):
            raise UsageError(
                f"data.{key} would change what the pictures of a pair have to do with each other; leave it "
                "0, superres has data.flip and data.quarter_turns"
            )
    if data.classes_a:
        raise UsageError("superres enlarges pictures, not maps of classes; leave data.classes_a false")
    if recipe.training.pool:
        raise UsageError("training.pool has no meaning for superres, which has no replay; leave it 0")


def check_damage(recipe: Recipe) -> None:
    """Refuse to leave damage to the device where none is drawn for the inputs.

    Raises:
        UsageError: naming the key, the reason and the remedy.
    """
    data = recipe.data
    drawn = data.task in DAMAGES or data.degradation == "realistic"
    if data.degrade_on == "device" and not (drawn and recipe.kind == "paired" and data.direction == "a2b"):
        raise UsageError(
            "data.degrade_on device is for inputs of pairs that are damaged anew for every crop, by "
            "data.task=denoise, deblur or dejpeg or data.degradation=realistic, with data.direction=a2b; "
            "leave it auto"
        )


def _check_network(recipe: SuperResRecipe) -> None:
    generator, scale = recipe.generator, recipe.data.scale
    built = getattr(generator, "scale", 1)
    if built == scale:
        if generator.name == "rrdb" and scale == 3:
            raise UsageError(
                "generator.name rrdb enlarges by 1, 2 or 4, not by data.scale 3; choose "
                "generator.name=srvgg, edsr or srresnet"
            )
        return
    if hasattr(generator, "scale"):
        raise UsageError(
            f"generator.scale {built} and data.scale {scale} contradict each other; leave generator.scale "
            "auto"
        )
    raise UsageError(
        f"data.scale {scale} needs a generator that enlarges, and {generator.name} keeps the size; choose "
        f"generator.name={ENLARGING}"
    )
