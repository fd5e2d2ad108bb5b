"""Every mistake in a recipe is told in one line: where, what, and the remedy."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from translate.config import load_recipe, recipe_names
from translate.errors import UsageError


@pytest.fixture
def write(tmp_path: Path):
    """Write a recipe file and return its path."""

    def _write(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def refusal(recipe: str | Path, overrides: dict | None = None) -> str:
    """The one line that a recipe is refused with."""
    with pytest.raises(UsageError) as error:
        load_recipe(recipe, overrides)
    assert "\n" not in str(error.value)
    return str(error.value)


OVERRIDE_MESSAGES = {
    "virtual batch norm of single pictures": (
        {"discriminator.norm": "virtual"},
        "discriminator.norm virtual keeps the first batch as its reference, and training sees pictures one "
        "by one; set data.batch_size to at least 2 for each part of training.accumulate, better 16, or "
        "discriminator.norm=instance",
    ),
    "virtual batch norm beside what sees batches": (
        {"discriminator.norm": "virtual", "data.batch_size": 4, "discriminator.minibatch": "stddev"},
        "discriminator.norm virtual keeps the first batch as its reference, which discriminator.minibatch "
        "would see beside every batch; leave it none",
    ),
    "virtual batch norm of growing pictures": (
        {"discriminator.norm": "virtual", "data.batch_size": 4, "training.resolutions": 2},
        "discriminator.norm virtual keeps the first batch as its reference, whose size can't grow; set "
        "training.resolutions=1",
    ),
    "virtual batch norm of a generator": (
        {"generator.norm": "virtual"},
        "unknown generator.norm 'virtual'; choose one of batch, sync-batch, instance, layer, group, none",
    ),
    "a leaf that is nearly right": (
        {"optim.lrr": 1},
        "unknown key 'optim.lrr'; did you mean optim.lr?",
    ),
    "a section that is nearly right": (
        {"optm.lr": 1},
        "unknown key 'optm'; did you mean optim?",
    ),
    "a leaf without its section": (
        {"width": 8},
        "unknown key 'width'; did you mean generator.width?",
    ),
    "a key of another recipe": (
        {"losses.cycle": 3},
        "unknown key 'losses.cycle'; choose one of losses.adversarial, losses.gan, "
        "losses.feature_matching, losses.matching, losses.pulling_away, losses.l1, losses.perceptual, "
        "losses.backbone",
    ),
    "a key far from everything": (
        {"zzz": 3},
        "unknown key 'zzz'; choose one of data, constraints, optim, training, checkpoint, log, translator, "
        "generator, discriminator, losses",
    ),
    "a key of another network": (
        {"generator.name": "mobile", "generator.dropout": 0.5},
        "unknown key 'generator.dropout' where generator.name is mobile; choose one of "
        "generator.name, generator.depth, generator.width, generator.norm, generator.masked, "
        "generator.attention, generator.init",
    ),
    "a key of the other side's network": (
        {"discriminator.dropout": 0.5},
        "unknown key 'discriminator.dropout' where discriminator.name is patch; "
        "did you mean generator.dropout?",
    ),
    "an unknown generator": (
        {"generator.name": "resnt"},
        "unknown generator 'resnt' (did you mean resnet?); choose one of unet, resnet, mobile, progressive, "
        "laplacian, pix2pixhd, spade, srresnet, edsr, rrdb, srvgg",
    ),
    "an unknown discriminator": (
        {"discriminator.name": 7},
        "unknown discriminator 7; choose one of patch, image, pixel, multiscale, residual, unet, "
        "autoencoder, projected, semi-supervised",
    ),
    "a word for a number": (
        {"optim.lr": "fast"},
        "optim.lr = 'fast': ",
    ),
    "a fraction for a count": (
        {"data.batch_size": 1.5},
        "data.batch_size = 1.5: ",
    ),
    "a number that is too small": (
        {"checkpoint.every": 0},
        "checkpoint.every = 0: ",
    ),
    "a probability of one": (
        {"generator.dropout": 1},
        "generator.dropout = 1: ",
    ),
    "an infinite number": (
        {"losses.l1": math.inf},
        "losses.l1 = inf: ",
    ),
    "not a number": (
        {"losses.gan": math.nan},
        "losses.gan = nan: ",
    ),
    "neither a count nor auto": (
        {"generator.depth": "deep"},
        "generator.depth = 'deep': ",
    ),
    "an unknown choice": (
        {"losses.adversarial": "lsgn"},
        "unknown losses.adversarial 'lsgn' (did you mean lsgan?); choose one of minimax, nonsaturating, "
        "lsgan, hinge, wgan, wgan-gp, dragan, ebgan, began, relativistic, projected",
    ),
    "batch norm in a critic whose every picture counts": (
        {"losses.adversarial": "wgan-gp"},
        "losses.adversarial wgan-gp penalises every picture's own gradient, which batch norm in the "
        "discriminator mixes with its neighbours'; add discriminator.norm=instance",
    ),
    "energies without an autoencoder": (
        {"losses.adversarial": "ebgan"},
        "losses.adversarial ebgan needs an autoencoder; add discriminator.name=autoencoder",
    ),
    "projected without its discriminator": (
        {"losses.adversarial": "projected"},
        "the objective projected and the discriminator projected belong together; "
        "set both losses.adversarial=projected and discriminator.name=projected",
    ),
    "smoothing where nothing is to be smoothed": (
        {"losses.adversarial": "hinge", "constraints.smoothing": 0.1},
        "constraints.smoothing has no meaning for hinge; it is for minimax, nonsaturating, lsgan, dragan",
    ),
    "an autoencoder without energies": (
        {"discriminator.name": "autoencoder"},
        "an autoencoder gives energies, which losses.adversarial nonsaturating has no use for; add "
        "losses.adversarial=ebgan or began",
    ),
    "labels where there are none": (
        {"discriminator.conditioning": "projection"},
        "discriminator.conditioning projection needs labels, which pix2pix has not; leave it none",
    ),
    "classes to tell apart where there are none": (
        {"discriminator.name": "semi-supervised"},
        "discriminator.name semi-supervised tells classes apart, which pix2pix has not; use patch",
    ),
    "parts that aren't equal": (
        {"training.accumulate": 2},
        "data.batch_size 1 can't be taken in training.accumulate 2 equal parts; make it a multiple",
    ),
    "a penalty on an objective without one": (
        {"constraints.penalty": 10},
        "constraints.penalty belongs to wgan-gp and dragan; for nonsaturating use constraints.r1",
    ),
    "self-attention at the picture's own size": (
        {"generator.attention": 1},
        "generator.attention = 1: it is false, true (the usual place), or n for 1/n of the picture's size: "
        "2, 4, 8, 16 …",
    ),
    "self-attention at no power of two": (
        {"discriminator.attention": 6},
        "discriminator.attention = 6: it is false, true (the usual place), or n for 1/n of the picture's "
        "size: 2, 4, 8, 16 …",
    ),
    "self-attention in a word": (
        {"generator.attention": "half"},
        "generator.attention = 'half': input should be a valid boolean, unable to interpret input, or input "
        "should be 2, 4, 8, 16, 32, 64, 128 or 256",
    ),
    "self-attention of few places": (
        {"generator.attention": 128},
        "generator.attention 128 leaves 2 places a side of data.size 256, too few to choose from; "
        "take 64 or less",
    ),
    "self-attention of few places at its usual place": (
        {"generator.attention": "true", "data.size": 8, "generator.depth": 3},
        "generator.attention true, at 1/4 of the size, leaves 2 places a side of data.size 8, too few to "
        "choose from; take 2 or less",
    ),
    "self-attention of few places at a discriminator's usual place": (
        {"discriminator.attention": "true", "discriminator.layers": 5, "data.size": 32},
        "discriminator.attention true, at 1/16 of the size, leaves 2 places a side of data.size 32, too few "
        "to choose from; take 8 or less",
    ),
    "self-attention of few places in the first pictures of a training that grows": (
        {"discriminator.attention": 16, "training.resolutions": 3, "data.size": 128, "generator.depth": 5},
        "discriminator.attention 16 leaves 2 places a side of the first pictures' size 32, too few to choose "
        "from; take 8 or less",
    ),
    "self-attention of few places at the smallest scale": (
        {"discriminator.name": "multiscale", "discriminator.attention": 8, "data.size": 64},
        "discriminator.attention 8 leaves 2 places a side of data.size 64, too few to choose from; "
        "take 4 or less",
    ),
    "self-attention of pictures that are too small for any": (
        {"discriminator.attention": 2, "data.size": 4, "generator.depth": 2},
        "discriminator.attention 2 leaves 2 places a side of data.size 4, too few to choose from; "
        "leave it false",
    ),
    "codes without an autoencoder": (
        {"losses.pulling_away": 0.1},
        "losses.pulling_away compares codes, which the discriminator patch has not; add "
        "discriminator.name=autoencoder and losses.adversarial=ebgan",
    ),
    "the codes of a lone picture": (
        {
            "losses.pulling_away": 0.1,
            "discriminator.name": "autoencoder",
            "losses.adversarial": "ebgan",
            "data.batch_size": 2,
            "training.accumulate": 2,
        },
        "losses.pulling_away compares the pictures of a batch, and training sees them one by one; set "
        "data.batch_size to at least 2 for each part of training.accumulate",
    ),
    "one beta": (
        {"optim.betas": [0.5]},
        "optim.betas = [0.5]: ",
    ),
    "a value for a section": (
        {"generator": "unet"},
        "generator = 'unet': generator is a section, with keys such as generator.name",
    ),
    "a section for a value": (
        {"optim.betas.first": 0.5},
        "optim.betas.first: betas is a value, not a section",
    ),
    "another translator": (
        {"translator": "cyclegan"},
        "a recipe's translator can't be overridden; name another recipe",
    ),
    "a size that doesn't fit a U-Net": (
        {"data.size": 100},
        "data.size 100 is not a multiple of 32, which the unet generator needs; "
        "choose a size of 96, or a smaller generator.depth",
    ),
    "a size that doesn't fit a ResNet": (
        {"data.size": 101, "generator.name": "resnet"},
        "data.size 101 is not a multiple of 4, which the resnet generator needs; choose a size of 100",
    ),
    "a size that doesn't fit a pyramid": (
        {"data.size": 100, "generator.name": "laplacian"},
        "data.size 100 is not a multiple of 8, which the laplacian generator needs; "
        "choose a size of 96, or a smaller generator.levels",
    ),
    "a size that can't begin so small": (
        {"data.size": 72, "generator.name": "resnet", "training.resolutions": 3},
        "data.size 72 is not a multiple of 16, which the resnet generator needs with training.resolutions 3; "
        "choose a size of 64, or fewer training.resolutions",
    ),
    "more sizes than stages": (
        {"generator.name": "progressive", "training.resolutions": 3},
        "a progressive generator of 4 generator.stages grows through as many sizes, not training.resolutions "
        "3; leave that auto, or make it 1 to train it whole from the start",
    ),
    "super-resolution where sizes stay": (
        {"generator.name": "edsr", "generator.scale": 4},
        "generator.scale 4 enlarges pictures, and pix2pix translates them at their own size; leave it 1",
    ),
    "a scale where sizes stay": (
        {"data.scale": 2},
        "data.scale 2 enlarges pictures, and pix2pix translates them at their own size; leave it 1, or use "
        "the recipe superres",
    ),
    "degradation where nothing is degraded": (
        {"data.degradation": "realistic"},
        "data.degradation realistic is of the inputs that superres makes, and pix2pix makes none so; leave "
        "it bicubic",
    ),
    "damage on the device where none is drawn": (
        {"data.degrade_on": "device", "data.task": "sketch"},
        "data.degrade_on device is for inputs of pairs that are damaged anew for every crop, by "
        "data.task=denoise, deblur or dejpeg or data.degradation=realistic, with data.direction=a2b; leave "
        "it auto",
    ),
    "smaller inputs where sizes stay": (
        {"data.task": "downscale"},
        "data.task downscale makes small inputs, and pix2pix translates pictures at their own size; use the "
        "recipe superres",
    ),
    "grey inputs where networks see RGB": (
        {"data.task": "colorize"},
        "data.task colorize is of networks that are given lightness and add colours, and pix2pix translates "
        "pictures; use the recipe colorize",
    ),
    "a load size below the size": (
        {"data.load_size": 200},
        "data.load_size 200 is smaller than data.size 256; make it at least as large, or auto",
    ),
    "maps of classes out of edges": (
        {"data.classes_a": True, "data.task": "edges"},
        "data.task edges draws the inputs, and drawings are no maps of classes; leave one of data.task and "
        "data.classes_a out",
    ),
    "a mask over a map of classes": (
        {"data.classes_a": True, "generator.masked": True},
        "generator.masked keeps parts of the input, and classes are no picture; leave it false",
    ),
    "planes of classes for eyes that know pictures": (
        {
            "data.classes_a": True,
            "discriminator.name": "projected",
            "losses.adversarial": "projected",
        },
        "the discriminator projected looks at pictures, and data.classes_a puts planes of classes beside "
        "them; choose discriminator.name=patch or multiscale, or leave data.classes_a false",
    ),
    "a size that doesn't fit SPADE": (
        {"data.size": 80, "generator.name": "spade"},
        "data.size 80 is not a multiple of 32, which the spade generator needs; choose a size of 64, or a "
        "smaller generator.depth",
    ),
    "a size that doesn't fit pix2pixHD's generator": (
        {"data.size": 72, "generator.name": "pix2pixhd"},
        "data.size 72 is not a multiple of 16, which the pix2pixhd generator needs; choose a size of 64, or "
        "a smaller generator.halvings",
    ),
    "a mask between colour and grey": (
        {"generator.masked": True, "data.channels_a": 1},
        "generator.masked needs data.channels_a equal to data.channels_b",
    ),
}


@pytest.mark.parametrize("case", OVERRIDE_MESSAGES)
def test_a_wrong_override_is_told_where_and_what_and_the_remedy(case):
    overrides, message = OVERRIDE_MESSAGES[case]
    where, _, refused = refusal("pix2pix", overrides).partition(": ")
    assert where == "recipe pix2pix"
    if message.endswith(": "):  # and then the reason in pydantic's own words
        message += refused.removeprefix(message)
        assert len(refused) > len(OVERRIDE_MESSAGES[case][1])
    assert refused == message


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"discriminator.name": "pixel"},
            "stargan needs a discriminator that looks at labels; set discriminator.conditioning to "
            "projection, input, hidden or classifier, of discriminator.name patch, multiscale or "
            "residual, or discriminator.name=semi-supervised",
        ),
        (
            {"training.pool": 50},
            "training.pool has no meaning for stargan, whose fakes belong to the labels of their "
            "step; leave it 0",
        ),
        (
            {"generator.name": "laplacian"},
            "stargan tells its generator a label, and laplacian takes none; choose generator.name=resnet, "
            "mobile or unet",
        ),
        ({"data.channels_b": 1}, "stargan needs data.channels_a equal to data.channels_b"),
    ],
)
def test_what_labelled_translation_refuses(overrides, message):
    assert refusal("stargan", overrides) == f"recipe stargan: {message}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"discriminator.name": "pixel"},
            "text needs a discriminator that looks at captions; set discriminator.conditioning to "
            "projection, input or hidden, of discriminator.name patch, multiscale or residual",
        ),
        (
            # Not that it needs another objective, which would be refused next.
            {"discriminator.name": "autoencoder"},
            "text needs a discriminator that looks at captions; set discriminator.conditioning to "
            "projection, input or hidden, of discriminator.name patch, multiscale or residual",
        ),
        (
            {"discriminator.conditioning": "classifier"},
            "discriminator.conditioning classifier tells labels apart, and text has captions; set it to "
            "projection, input or hidden",
        ),
        (
            {"training.pool": 50},
            "training.pool has no meaning for text, whose fakes belong to the captions of their step; "
            "leave it 0",
        ),
        (
            {"generator.name": "laplacian"},
            "text tells its generator a caption, and laplacian takes none; choose generator.name=resnet, "
            "mobile or unet",
        ),
        (
            {"text_encoder.name": "minilmm"},
            "unknown text_encoder 'minilmm' (did you mean minilm?); choose one of tokens, minilm",
        ),
        (
            {"text_encoder.name": "minilm", "text_encoder.size": 64},
            "unknown key 'text_encoder.size' where text_encoder.name is minilm; did you mean data.size?",
        ),
        ({"data.channels_b": 1}, "text needs data.channels_a equal to data.channels_b"),
    ],
)
def test_what_captioned_translation_refuses(overrides, message):
    assert refusal("text", overrides) == f"recipe text: {message}"


def test_what_contrastive_translation_refuses():
    message = (
        "cut compares layers of a ResNet's encoder, which the generator unet has not; leave generator.name"
    )
    assert refusal("cut", {"generator.name": "unet"}) == f"recipe cut: {message} resnet"
    assert "has no replay; leave it 0" in refusal("fastcut", {"training.pool": 50})


def test_pictures_without_a_truth_aren_t_matched_place_by_place():
    assert refusal("cyclegan", {"losses.feature_matching": 10, "losses.matching": "layers"}) == (
        "recipe cyclegan: losses.matching layers compares a picture with its own truth, which cyclegan has "
        "not; use mean, which compares batches"
    )
    assert load_recipe("cyclegan", {"losses.feature_matching": 10}).losses.matching == "mean"
    assert load_recipe("pix2pix").losses.matching == "layers"


@pytest.mark.parametrize("recipe", ["cyclegan", "stargan", "cut"])
def test_maps_of_classes_without_pairs_are_refused(recipe):
    assert refusal(recipe, {"data.classes_a": True}) == (
        f"recipe {recipe}: data.classes_a is for pairs of a map and its picture, and {recipe} has no pairs; "
        "leave it false, and maps are pictures like others"
    )


def test_a_wrong_word_for_a_number_is_told_the_right_one():
    assert "'auto'" in refusal("pix2pix", {"generator.depth": "deep"})


FILE_MESSAGES = {
    "": "a recipe is a mapping with the key `translator`",
    "- pix2pix\n": "a recipe is a mapping with the key `translator`",
    "data: {size: 64}\n": "translator is None; choose one of pix2pix, pix2pixhd",
    "translator: pix2pics\n": "translator is 'pix2pics'; choose one of pix2pix, pix2pixhd",
    "translator: [pix2pix]\n": "translator is ['pix2pix']; choose one of pix2pix, pix2pixhd",
    "translator: pix2pix\ngenerator: unet\n": "generator is a section, with keys such as generator.name",
    "translator: pix2pix\ndata: [64]\n": "data is a section, with keys such as data.size",
    "translator: pix2pix\n1: 2\n": "keys should be strings",
    "translator: [": "not valid YAML (while parsing a flow node",
    "translator: pix2pix\na: !!python/name:os.system\n": "not valid YAML (could not determine a constructor",
}


@pytest.mark.parametrize("text", FILE_MESSAGES)
def test_a_wrong_file_is_told_by_its_path(text, write):
    path = write(text)
    message = refusal(path)
    assert message.startswith(f"recipe {path}: ")
    assert FILE_MESSAGES[text] in message


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    path = tmp_path / "mine.yaml"
    assert refusal(path) == f"recipe {path}: can't be read (no such file or directory)"
    path.write_bytes(b"\xff\xfe\x00translator")
    assert refusal(path) == f"recipe {path}: can't be read (it isn't text in UTF-8)"


def test_an_unknown_recipe_gets_the_nearest_one_and_all_names():
    names = ", ".join(recipe_names())
    assert refusal("cyclgan") == (
        f"unknown recipe 'cyclgan' (did you mean cyclegan?); choose one of {names}, or a .yaml file"
    )
    assert refusal("zzz") == f"unknown recipe 'zzz'; choose one of {names}, or a .yaml file"


def test_a_value_in_the_place_of_the_network_is_no_crash_when_another_is_chosen(write):
    path = write("translator: pix2pix\ngenerator: unet\n")
    assert "generator is a value, not a section" in refusal(path, {"generator.name": "resnet"})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"generator.scale": 2},
            "generator.scale 2 and data.scale 4 contradict each other; leave generator.scale auto",
        ),
        (
            {"generator.name": "rrdb", "data.scale": 3, "data.size": 96},
            "generator.name rrdb enlarges by 1, 2 or 4, not by data.scale 3; choose generator.name=srvgg, "
            "edsr or srresnet",
        ),
        (
            {"generator.name": "unet"},
            "data.scale 4 needs a generator that enlarges, and unet keeps the size; choose "
            "generator.name=srvgg, edsr, srresnet or rrdb",
        ),
        (
            {"data.size": 130},
            "data.size 130 is not a multiple of 4, which the srvgg generator needs with data.scale 4; choose "
            "a size of 128",
        ),
        (
            {"data.scale": 1},
            "data.task downscale with data.scale 1 changes nothing, so there is nothing to learn; set "
            "data.scale to 2, 3 or 4, data.degradation=realistic, or data.task to "
            "denoise, deblur or dejpeg",
        ),
        (
            {"data.a": "LR", "data.degradation": "realistic"},
            "data.degradation realistic makes the inputs, and data.a names inputs that are there; leave one "
            "of them out",
        ),
        (
            {"data.channels_a": 1, "data.degradation": "realistic"},
            "data.degradation realistic needs data.channels_a equal to data.channels_b",
        ),
        (
            {"data.scale": 1, "data.task": "denoise", "data.degradation": "realistic"},
            "data.degradation realistic and data.task denoise both make the inputs; leave one of them out",
        ),
        (
            {"data.task": "deblur"},
            "data.task deblur damages pictures at their own size, and data.scale is 4; set data.scale=1, or "
            "leave data.task auto",
        ),
        ({"data.task": "sketch"}, "superres enlarges pictures, and data.task sketch draws; leave it auto"),
        (
            {"data.direction": "b2a"},
            "superres enlarges, and data.direction b2a asks for the reverse; leave it a2b",
        ),
        (
            {"data.rotate": 5},
            "data.rotate would change what the pictures of a pair have to do with each other; leave it 0, "
            "superres has data.flip and data.quarter_turns",
        ),
        ({"data.task": "edges"}, "superres enlarges pictures, and data.task edges draws; leave it auto"),
        (
            {"data.a": "maps", "data.classes_a": True},
            "superres enlarges pictures, not maps of classes; leave data.classes_a false",
        ),
        (
            {"training.pool": 50},
            "training.pool has no meaning for superres, which has no replay; leave it 0",
        ),
    ],
)
def test_what_super_resolution_refuses(overrides, message):
    assert refusal("superres", overrides) == f"recipe superres: {message}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"data.task": "sketch"},
            "colorize takes the lightness of colour pictures for its input, so data.task sketch has no use; "
            "leave it colorize",
        ),
        (
            {"data.direction": "b2a"},
            "colorize adds colours, and data.direction b2a asks for the reverse; leave it a2b",
        ),
        (
            {"data.channels_b": 1},
            "colorize takes lightness and colours off pictures in RGB; leave data.channels_a and "
            "data.channels_b 3",
        ),
        (
            {"data.colour": 0.2},
            "data.colour would change the input and not what it came from, and with colorize both are one "
            "picture; leave it 0",
        ),
        (
            {"generator.masked": True},
            "generator.masked keeps parts of the input, and lightness has no colours to keep; leave it false",
        ),
        (
            {"losses.adversarial": "projected", "discriminator.name": "projected"},
            "the discriminator projected looks at pictures in RGB, and colorize shows lightness and colours; "
            "choose discriminator.name=patch or multiscale",
        ),
        (
            {"constraints.augment": ["colour", "cutout"]},
            "constraints.augment colour is of pictures in RGB, and colorize shows its discriminator the a "
            "and b of Lab; take translation, cutout or both",
        ),
    ],
)
def test_what_colourisation_refuses(overrides, message):
    assert refusal("colorize", overrides) == f"recipe colorize: {message}"
