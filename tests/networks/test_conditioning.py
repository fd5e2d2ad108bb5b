"""Conditions of discriminators, each against its definition."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.networks.catalogue import build_discriminator
from translate.networks.conditioning import CONDITIONING, Code, Projection, conditioning_layer
from translate.networks.patchgan import PatchGAN

LABELS = torch.tensor([2, 0])
EMBEDDINGS = torch.randn(2, 7, generator=torch.Generator().manual_seed(5))
WAYS = [way for way in CONDITIONING if way != "none"]


def maps(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def patch(**arguments) -> PatchGAN:
    torch.manual_seed(0)
    return PatchGAN(**{"layers": 2, "width": 4, "norm": "instance", **arguments})


@pytest.mark.parametrize(("kind", "condition"), [("classes", LABELS), ("embedding", EMBEDDINGS)])
def test_projection_is_the_closed_form_for_one_verdict(kind, condition):
    torch.manual_seed(1)
    layer = Projection(6, **{"classes": 0, "embedding": 0, kind: 7})
    hidden, logits = maps(2, 6, 1, 1), maps(2, 1, 1, 1)
    one_hot = F.one_hot(condition, 7).float() if kind == "classes" else condition
    weight = layer.code.table.weight if kind == "classes" else layer.code.table.weight.T  # (7, 6)
    expected = [logits[i] + sum((one_hot[i] @ weight)[c] * hidden[i, c] for c in range(6)) for i in range(2)]
    torch.testing.assert_close(layer.verdict(logits, hidden, condition), torch.stack(expected))


def test_patchwise_a_projection_takes_the_mean_over_the_logit_s_window():
    network = patch(conditioning="projection", classes=3)
    image = maps(2, 3, 24, 20)
    hidden = network.features(image, LABELS)[0][-1]
    logits = network(image, LABELS)
    codes = network.conditioning.code.table.weight[LABELS]
    padded = F.pad(hidden, (1, 1, 1, 1))
    for i in range(2):
        for y in range(logits.shape[2]):
            for x in range(logits.shape[3]):
                phi = padded[i, :, y : y + 4, x : x + 4].mean((1, 2))
                plain = network.body[-1](hidden)[i, 0, y, x]
                torch.testing.assert_close(logits[i, 0, y, x], plain + codes[i] @ phi)


def test_input_planes_are_constant_and_beside_the_picture():
    layer = conditioning_layer("input", 4, embedding=7)
    image = maps(2, 3, 5, 6)
    whole = layer.before(image, EMBEDDINGS)
    assert whole.shape == (2, 3 + layer.planes, 5, 6)
    assert torch.equal(whole[:, :3], image)
    code = F.leaky_relu(EMBEDDINGS @ layer.code.table.weight.T + layer.code.table.bias, 0.2)
    torch.testing.assert_close(whole[:, 3:], code[:, :, None, None].expand(-1, -1, 5, 6))


def test_hidden_activations_are_mixed_with_the_code_by_a_1x1_convolution():
    layer = conditioning_layer("hidden", 4, classes=3)
    hidden = maps(2, 4, 3, 2)
    mixed = layer.inside(hidden, LABELS)
    at = torch.cat([hidden[1, :, 2, 1], layer.code.table.weight[0]])
    expected = F.leaky_relu(layer.mix.weight[:, :, 0, 0] @ at + layer.mix.bias, 0.2)
    torch.testing.assert_close(mixed[1, :, 2, 1], expected)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "classifier"])
@pytest.mark.parametrize(
    ("kind", "size", "condition"), [("classes", 3, LABELS), ("embedding", 7, EMBEDDINGS)]
)
def test_the_verdict_depends_on_the_condition(way, kind, size, condition):
    network = patch(conditioning=way, **{kind: size})
    image = maps(2, 3, 24, 20)
    with torch.no_grad():
        right, wrong = network(image, condition), network(image, condition.flip(0))
        assert right.shape == (2, 1, 4, 3)
        assert (right - wrong).abs().amax((1, 2, 3)).min() > 1e-5
        # A picture's verdict is its own.
        torch.testing.assert_close(network(image[1:], condition[1:]), right[1:])


def test_a_classifier_s_verdict_ignores_the_label_and_its_classes_are_linear_in_the_mean_features():
    network = patch(conditioning="classifier", classes=3)
    image = maps(2, 3, 24, 20)
    assert torch.equal(network(image, LABELS), network(image))
    mean = network.features(image)[0][-1].mean((2, 3))
    head = network.conditioning.head
    torch.testing.assert_close(network.classify(image), mean @ head.weight.T + head.bias)


def test_a_classifier_learns_two_colours():
    network = patch(conditioning="classifier", classes=2, norm="none")
    labels = torch.arange(8) % 2
    images = maps(8, 3, 16, 16) * 0.1 + (labels * 2 - 1)[:, None, None, None]
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(20):
        optimiser.zero_grad()
        F.cross_entropy(network.classify(images), labels).backward()
        optimiser.step()
    assert torch.equal(network.classify(images).argmax(1), labels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"conditioning": "middle", "classes": 2},
            "unknown conditioning 'middle'; choose one of none, input,",
        ),
        ({"conditioning": "hidden"}, "conditioning 'hidden' needs classes or an embedding"),
        ({"conditioning": "classifier", "embedding": 4}, "so it needs classes"),
        ({"classes": 2}, "need a conditioning: one of input, hidden, projection, classifier"),
        ({"conditioning": "input", "classes": 2, "embedding": 3}, "labels or embeddings, not both"),
    ],
)
def test_arguments_that_make_no_sense_together(arguments, message):
    with pytest.raises(ValueError, match=message):
        patch(**arguments)


@pytest.mark.parametrize(
    ("code", "condition", "message"),
    [
        (Code(3, 0, 4), None, "together with labels, int64"),
        (Code(3, 0, 4), EMBEDDINGS, r"is labels, int64 \(B,\), not float32 \(2, 7\)"),
        (Code(3, 0, 4), LABELS.float(), r"not float32 \(2,\)"),
        (Code(0, 7, 4), LABELS, r"is embeddings, float \(B, 7\), not int64 \(2,\)"),
        (Code(0, 7, 4), EMBEDDINGS[:, :5], r"not float32 \(2, 5\)"),
    ],
)
def test_a_condition_of_the_wrong_kind_is_refused(code, condition, message):
    with pytest.raises(ValueError, match=message):
        code(condition)


@pytest.mark.parametrize("name", ["patch", "pixel", "image"])
def test_a_condition_that_nobody_asked_for_is_refused(name):
    with pytest.raises(ValueError, match="built without a condition"):
        build_discriminator(name, width=2)(torch.zeros(2, 3, 96, 96), LABELS)


def test_without_a_classifier_there_is_nothing_to_classify():
    with pytest.raises(ValueError, match="build it with conditioning='classifier'"):
        patch().classify(torch.zeros(1, 3, 24, 24))
