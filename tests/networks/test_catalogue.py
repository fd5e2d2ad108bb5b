"""What every network of the catalogue promises."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from translate.errors import UsageError
from translate.networks.catalogue import (
    DISCRIMINATORS,
    GENERATORS,
    accepted_arguments,
    build_discriminator,
    build_generator,
    parameter_count,
)
from translate.networks.layers import initialise

GENERATOR_CASES = {
    "unet": {"depth": 3, "width": 4},
    "resnet": {"depth": 2, "width": 4},
    "mobile": {"depth": 2, "width": 4},
    "pix2pixhd": {"depth": 1, "width": 4, "halvings": 1, "local_blocks": 1},
    "spade": {"depth": 2, "width": 4, "hidden": 4, "spectral": False},
    "progressive": {"depth": 1, "width": 4, "stages": 2, "alpha": 0.5},
    "laplacian": {"depth": 1, "width": 8, "levels": 2},
    "srresnet": {"depth": 1, "width": 4, "scale": 2},
    "edsr": {"depth": 1, "width": 4, "scale": 3},
    "rrdb": {"depth": 1, "width": 4, "growth": 2, "scale": 2},
    "srvgg": {"depth": 1, "width": 4, "scale": 2},
}
DISCRIMINATOR_CASES = {
    "patch": {"layers": 2, "width": 4},
    "pixel": {"width": 4},
    "image": {"layers": 2, "width": 4},
    "semi-supervised": {"classes": 3, "layers": 2, "width": 4},
    "multiscale": {"scales": 2, "layers": 1, "width": 4},
    "residual": {"depth": 2, "width": 4},
    "unet": {"width": 4},
    "autoencoder": {"depth": 2, "width": 4, "code": 4},
    "projected": {"width": 4, "enlarge": 64},
}
# Those that take a norm and answer with one tensor; test_discriminators.py has every one of them.
PLAIN_DISCRIMINATORS = ("patch", "pixel", "image", "semi-supervised")
ODD_CASES = [
    ("unet", {"depth": 2, "width": 3, "norm": "instance", "dropout": 0.0}),
    ("unet", {"depth": 5, "width": 1, "upsampling": "resize"}),
    ("unet", {"depth": 4, "width": 5, "norm": "none", "masked": True}),
    ("resnet", {"depth": 1, "width": 3, "norm": "batch", "upsampling": "resize"}),
    ("resnet", {"depth": 3, "width": 1, "norm": "none", "dropout": 0.5, "masked": True}),
    ("mobile", {"depth": 1, "width": 3, "norm": "batch"}),
    ("mobile", {"depth": 3, "width": 5, "norm": "none", "masked": True}),
    ("unet", {"depth": 2, "width": 4, "norm": "group", "upsampling": "shuffle", "attention": True}),
    ("unet", {"depth": 3, "width": 2, "norm": "layer", "upsampling": "blur", "spectral": True}),
    ("resnet", {"depth": 1, "width": 4, "norm": "layer", "upsampling": "shuffle", "spectral": True}),
    ("resnet", {"depth": 1, "width": 4, "norm": "sync-batch", "upsampling": "blur", "antialias": True}),
    ("resnet", {"depth": 1, "width": 4, "norm": "group", "attention": True}),
    ("unet", {"depth": 3, "width": 4, "attention": 8, "upsampling": "resize"}),
    ("resnet", {"depth": 1, "width": 4, "attention": 2, "masked": True}),
    ("mobile", {"depth": 1, "width": 4, "attention": 2}),
    ("pix2pixhd", {"depth": 1, "width": 2, "halvings": 1, "local_blocks": 1, "attention": 2}),
    ("spade", {"depth": 2, "width": 4, "hidden": 2, "norm": "none", "attention": True}),
    ("progressive", {"depth": 1, "width": 4, "stages": 2, "alpha": 0.5, "attention": 2}),
    ("pix2pixhd", {"depth": 1, "width": 3, "halvings": 2, "enhancer": False, "norm": "batch"}),
    ("spade", {"depth": 3, "width": 2, "hidden": 3, "norm": "instance"}),
    ("spade", {"depth": 6, "width": 1, "hidden": 2, "norm": "none"}),
    ("progressive", {"depth": 1, "width": 2, "stages": 1}),
    ("progressive", {"depth": 1, "width": 1, "stages": 5, "norm": "batch"}),
    ("laplacian", {"depth": 1, "width": 2, "levels": 1, "norm": "none"}),
    ("srresnet", {"depth": 1, "width": 2, "scale": 3, "norm": "instance"}),
    ("srresnet", {"depth": 1, "width": 2, "scale": 1, "norm": "none"}),
    ("edsr", {"depth": 1, "width": 3, "scale": 8, "residual_scale": 0.1}),
    ("rrdb", {"depth": 1, "width": 3, "growth": 2, "scale": 1}),
    ("rrdb", {"depth": 1, "width": 3, "growth": 2, "scale": 4}),
    ("srvgg", {"depth": 2, "width": 3, "scale": 5}),
]
EVERY_GENERATOR = [*GENERATOR_CASES.items(), *ODD_CASES]
EVERY_NETWORK = [
    *((build_generator, name, GENERATOR_CASES[name]) for name in GENERATOR_CASES),
    *((build_discriminator, name, DISCRIMINATOR_CASES[name]) for name in PLAIN_DISCRIMINATORS),
]


def picture(batch: int, channels: int, height: int, width: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def fresh(build, name: str, arguments: dict, **more) -> nn.Module:
    torch.manual_seed(0)
    return build(name, **arguments, **more)


def takes(build, name: str, argument: str) -> bool:
    catalogue = GENERATORS if build is build_generator else DISCRIMINATORS
    return argument in accepted_arguments(catalogue[name])


def with_norms(*norms: str) -> list[tuple]:
    """Every network that takes a norm, with each of these."""
    return [
        (build, name, {**arguments, "norm": norm})
        for build, name, arguments in EVERY_NETWORK
        for norm in norms
        if takes(build, name, "norm")
    ]


NORMLESS = [case for case in EVERY_NETWORK if not takes(*case[:2], "norm")]
MASKED = [name for name in GENERATORS if takes(build_generator, name, "masked")]
SUPER_RESOLUTION = [name for name in GENERATORS if takes(build_generator, name, "scale")]


def test_every_network_of_the_catalogue_is_tested_here():
    assert list(GENERATOR_CASES) == list(GENERATORS)
    assert list(DISCRIMINATOR_CASES) == list(DISCRIMINATORS)


@pytest.mark.parametrize(("name", "arguments"), EVERY_GENERATOR)
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 3), (1, 1)])
def test_a_generator_answers_with_a_picture_of_the_same_size(name, arguments, inputs, outputs):
    generator = initialise(fresh(build_generator, name, arguments, in_channels=inputs, out_channels=outputs))
    step, least = generator.size_multiple, generator.minimum_size
    for height, width in [(least, least), (least, least + step), (least + 2 * step, least)]:
        image = picture(2, inputs, height, width)
        answer = generator(image)
        scale = generator.scale
        assert answer.shape == (2, outputs, scale * height, scale * width)
        assert answer.dtype == torch.float32
        assert answer.isfinite().all()
        assert answer.abs().max() <= 1 or name in SUPER_RESOLUTION


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_turns_colour_into_grey_and_back(name):
    for inputs, outputs in [(1, 3), (3, 1)]:
        generator = fresh(
            build_generator, name, GENERATOR_CASES[name], in_channels=inputs, out_channels=outputs
        )
        scale = generator.scale
        assert generator(picture(1, inputs, 16, 24)).shape == (1, outputs, 16 * scale, 24 * scale)


@settings(max_examples=12, deadline=None)
@given(
    case=st.sampled_from(EVERY_GENERATOR),
    rows=st.integers(0, 3),
    columns=st.integers(0, 3),
    batch=st.integers(1, 2),
)
def test_any_multiple_from_the_minimum_on_is_a_valid_size(case, rows, columns, batch):
    generator = fresh(build_generator, *case)
    height = generator.minimum_size + rows * generator.size_multiple
    width = generator.minimum_size + columns * generator.size_multiple
    scale = generator.scale
    answer = generator(picture(batch, 3, height, width))
    assert answer.shape == (batch, 3, scale * height, scale * width)


@pytest.mark.parametrize(
    "name", ["resnet", "mobile", "pix2pixhd", "spade", "progressive", "laplacian", "srresnet"]
)
def test_a_generator_s_minimum_size_is_the_smallest_that_works(name):
    generator = fresh(build_generator, name, GENERATOR_CASES[name])
    too_small = generator.minimum_size - generator.size_multiple
    with pytest.raises((RuntimeError, ValueError)):
        generator(picture(1, 3, too_small, too_small))


@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
@pytest.mark.parametrize(("name", "layers"), [("patch", 1), ("patch", 2), ("patch", 3), ("image", 2)])
def test_a_discriminator_s_minimum_size_is_the_smallest_that_works(name, layers, norm):
    discriminator = fresh(build_discriminator, name, {"layers": layers, "width": 2, "norm": norm})
    least = discriminator.minimum_size
    assert discriminator(picture(1, 3, least, least)).shape == (1, 1, 1, 1)
    with pytest.raises((RuntimeError, ValueError)):
        discriminator(picture(1, 3, least - 1, least - 1))


@pytest.mark.parametrize(("height", "width"), [(12, 12), (33, 20), (64, 40)])
def test_a_discriminator_takes_any_size_from_its_minimum_on(height, width):
    image = picture(2, 6, height, width)
    shapes = {
        name: tuple(fresh(build_discriminator, name, DISCRIMINATOR_CASES[name], in_channels=6)(image).shape)
        for name in PLAIN_DISCRIMINATORS
    }
    # Two halvings, rounded down, and two 4x4 convolutions that take a pixel each.
    assert shapes["patch"] == (2, 1, height // 4 - 2, width // 4 - 2)
    assert shapes["pixel"] == (2, 1, height, width)
    assert shapes["image"] == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("build", "name", "arguments"), [*with_norms("batch", "instance", "none"), *NORMLESS]
)
def test_gradients_reach_every_parameter(build, name, arguments):
    network = fresh(build, name, arguments)
    network(picture(2, 3, 32, 32)).square().sum().backward()
    gradients = {key: parameter.grad for key, parameter in network.named_parameters()}
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients.values())
    sizes = {key: float(gradient.abs().max()) for key, gradient in gradients.items()}
    silent = {key for key, size in sizes.items() if size < 1e-6 * max(sizes.values())}
    # Instance norm takes a constant out again, so the biases before it can't matter; nor those before SPADE's
    # batch norm, which stay as the published weights carry them.
    subtracts = arguments.get("norm") == "instance" or (name == "spade" and arguments["norm"] == "batch")
    assert all(subtracts and key.endswith("bias") for key in silent), silent


@pytest.mark.parametrize(("name", "arguments"), EVERY_GENERATOR)
def test_a_generator_trains_in_bf16_and_channels_last(name, arguments):
    generator = fresh(build_generator, name, arguments).to(memory_format=torch.channels_last)
    side = max(generator.minimum_size, 16)
    image = picture(2, 3, side, side).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        answer = generator(image)
    answer.float().square().mean().backward()
    assert answer.isfinite().all()
    gradients = [parameter.grad for parameter in generator.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(("name", "arguments"), GENERATOR_CASES.items())
def test_a_generator_learns(name, arguments):
    """Thirty steps towards darker, reddish pictures at least halve the first error."""
    generator = initialise(fresh(build_generator, name, arguments), "kaiming")
    image = 0.5 * picture(4, 3, 16, 16)
    large = torch.nn.functional.interpolate(image, scale_factor=generator.scale)
    wanted = 0.5 * large + torch.tensor([0.3, -0.2, -0.4])[:, None, None]
    optimiser = torch.optim.Adam(generator.parameters(), 0.01)
    errors = []
    for _ in range(30):
        error = (generator(image) - wanted).abs().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.5 * errors[0], errors


@pytest.mark.parametrize(("build", "name", "arguments"), EVERY_NETWORK)
def test_the_same_weights_and_input_give_the_same_output(build, name, arguments):
    image = picture(1, 3, 32, 24)
    first, second = (fresh(build, name, arguments).eval() for _ in range(2))
    with torch.no_grad():
        assert torch.equal(first(image), first(image))
        assert torch.equal(first(image), second(image))


@pytest.mark.parametrize(("build", "name", "arguments"), [*with_norms("instance", "none"), *NORMLESS])
def test_without_batch_norm_a_picture_s_output_is_its_own(build, name, arguments):
    network = fresh(build, name, arguments)
    without_dropout(network)
    a, b = picture(1, 3, 32, 24, seed=1), picture(1, 3, 32, 24, seed=2)
    with torch.no_grad():
        merged = network(torch.cat([a, b]))
        torch.testing.assert_close(merged, torch.cat([network(a), network(b)]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("build", "name", "arguments"), with_norms("batch"))
def test_with_batch_norm_it_depends_on_its_neighbours_while_training(build, name, arguments):
    network = initialise(fresh(build, name, arguments), std=0.2)
    without_dropout(network)
    a, b = picture(1, 3, 32, 24, seed=1), 0.2 * picture(1, 3, 32, 24, seed=2)
    with torch.no_grad():
        merged, alone = network(torch.cat([a, b]))[:1], network(a)
        assert (merged - alone).abs().max() > 1e-3
        network.eval()
        torch.testing.assert_close(network(torch.cat([a, b]))[:1], network(a), rtol=1e-5, atol=1e-5)


def without_dropout(network: nn.Module) -> None:
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0


@pytest.mark.parametrize(
    ("build", "name", "arguments"),
    [
        (build_generator, "unet", {"depth": 8, "dropout": 0.5}),
        (build_generator, "resnet", {"dropout": 0.5}),
    ],
)
def test_dropout_is_noise_in_training_and_off_in_use(build, name, arguments):
    network = fresh(build, name, {**arguments, "width": 2, "norm": "instance"})
    image = picture(1, 3, 256, 256) if name == "unet" else picture(1, 3, 32, 32)
    with torch.no_grad():
        assert not torch.equal(network(image), network(image))
        network.eval()
        assert torch.equal(network(image), network(image))


@pytest.mark.parametrize("name", MASKED)
def test_a_closed_mask_keeps_the_input_and_an_open_one_keeps_none_of_it(name):
    generator = fresh(build_generator, name, {**GENERATOR_CASES[name], "masked": True}).eval()
    last = [part for part in generator.modules() if isinstance(part, nn.Conv2d | nn.ConvTranspose2d)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.3, 0.2, -0.1, 0.0]))
    image, other = picture(2, 3, 16, 24, seed=1), picture(2, 3, 16, 24, seed=2)
    with torch.no_grad():
        last.bias[-1] = -200.0
        assert torch.equal(generator(image), image)
        last.bias[-1] = 200.0
        torch.testing.assert_close(generator(image), generator(other))
        last.bias[-1] = 2.0
        change = torch.tanh(torch.tensor([0.3, 0.2, -0.1]))[:, None, None]
        torch.testing.assert_close(generator(image), (image + change) / 2)


@pytest.mark.parametrize("name", MASKED)
def test_an_untrained_masked_generator_nearly_keeps_the_picture(name):
    masked, plain = (
        initialise(fresh(build_generator, name, {**GENERATOR_CASES[name], "masked": masked})).eval()
        for masked in (True, False)
    )
    image = picture(2, 3, 16, 24)
    with torch.no_grad():
        assert (masked(image) - image).abs().mean() < 0.1
        assert (plain(image) - image).abs().mean() > 0.3


@pytest.mark.parametrize("name", MASKED)
def test_a_masked_generator_needs_equal_channels(name):
    with pytest.raises(UsageError, match="input and output need equal channels, not 3 and 1"):
        build_generator(name, in_channels=3, out_channels=1, masked=True)


PUBLISHED_COUNTS = [
    (build_generator, "unet", {"depth": 8, "norm": "batch"}, 54_413_955),
    (build_generator, "resnet", {"depth": 9, "norm": "instance"}, 11_378_179),
    (build_generator, "resnet", {"depth": 6, "norm": "instance"}, 7_837_699),
    (build_generator, "rrdb", {}, 16_697_987),
    (build_generator, "srvgg", {}, 621_424),
    (build_generator, "edsr", {"scale": 4}, 1_517_571),
    (build_generator, "edsr", {"scale": 2}, 1_369_859),
    (build_discriminator, "patch", {"in_channels": 3, "norm": "instance"}, 2_764_737),
    (build_discriminator, "patch", {"in_channels": 6, "norm": "batch"}, 2_768_705),
    (build_discriminator, "multiscale", {"in_channels": 3, "norm": "instance"}, 3 * 2_764_737),
    (build_discriminator, "unet", {"in_channels": 3}, 4_376_897),
]


@pytest.mark.parametrize(("build", "name", "arguments", "published"), PUBLISHED_COUNTS)
def test_parameter_counts_are_the_published_ones(build, name, arguments, published):
    with torch.device("meta"):
        assert parameter_count(build(name, **arguments)) == published


@pytest.mark.parametrize(
    ("name", "arguments", "millions"),
    [
        ("srresnet", {}, 1.5),  # Lim et al. 2017, table 1
        ("edsr", {"depth": 32, "width": 256, "residual_scale": 0.1}, 43.1),  # the same
        ("spade", {"in_channels": 19}, 92.5),  # its code's output for 19 labels
        ("pix2pixhd", {"enhancer": False, "width": 64}, 182.4),
    ],
)
def test_parameter_counts_are_what_was_published_in_millions(name, arguments, millions):
    with torch.device("meta"):
        assert round(parameter_count(build_generator(name, **arguments)) / 1e6, 1) == millions


def test_the_light_generator_is_light():
    with torch.device("meta"):
        assert parameter_count(build_generator("mobile")) < 0.03 * parameter_count(build_generator("resnet"))


@pytest.mark.parametrize(
    ("build", "name", "message"),
    [
        (build_generator, "resnt", "unknown generator 'resnt' (did you mean resnet?); choose one of unet,"),
        (build_generator, "zzz", "unknown generator 'zzz'; choose one of unet, resnet, mobile"),
        (
            build_discriminator,
            "patc",
            "unknown discriminator 'patc' (did you mean patch?); choose one of patch,",
        ),
    ],
)
def test_an_unknown_name_gets_the_nearest_valid_one(build, name, message):
    with pytest.raises(UsageError) as error:
        build(name)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("build", "name", "arguments", "message"),
    [
        (
            build_generator,
            "mobile",
            {"dropout": 0.5},
            "takes no dropout; it takes depth, width, norm, masked",
        ),
        (
            build_discriminator,
            "pixel",
            {"layers": 3, "dept": 1},
            "takes no dept, layers; it takes width, norm, spectral",
        ),
        (build_generator, "unet", {"depth": 1}, "can't be built: a U-Net needs a depth of at least 2, not 1"),
        (
            build_generator,
            "unet",
            {"norm": "bach"},
            "unknown norm 'bach'; choose one of batch, instance, none",
        ),
        (
            build_generator,
            "resnet",
            {"upsampling": "x"},
            "unknown upsampling 'x'; choose one of transpose, resize",
        ),
        (
            build_discriminator,
            "patch",
            {"layers": 0},
            "at least 1 layer, not 0; `pixel` judges single pixels",
        ),
        (build_generator, "unet", {"width": "wide"}, "the generator 'unet' can't be built"),
    ],
)
def test_arguments_that_make_no_sense_are_a_usage_error(build, name, arguments, message):
    with pytest.raises(UsageError) as error:
        build(name, **arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_accepted_arguments_are_those_of_the_recipe():
    assert accepted_arguments(GENERATORS["unet"]) == (
        "depth",
        "width",
        "norm",
        "dropout",
        "upsampling",
        "masked",
        "classes",
        "embedding",
        "latent",
        "attention",
        "spectral",
    )
    assert accepted_arguments(DISCRIMINATORS["patch"]) == (
        "layers",
        "width",
        "norm",
        "spectral",
        "attention",
        "minibatch",
        "conditioning",
        "classes",
        "embedding",
    )
