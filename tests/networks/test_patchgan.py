"""What part of a picture a verdict of the patch discriminators depends on, measured."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from translate.errors import UsageError
from translate.networks.catalogue import build_discriminator, parameter_count


def receptive_field(network: nn.Module, size: int) -> tuple[int, int]:
    """Height and width of the input that the middle logit's gradient reaches.

    Weights and input are positive, so that no two ways through the network can cancel each other.
    """
    network = network.double()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)
    image = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    logits = network(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0) > 0
    rows, columns = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    assert seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert rows[0] > 0, "the picture is too small to see the patch's edge"
    assert rows[-1] < size - 1, "the picture is too small to see the patch's edge"
    return len(rows), len(columns)


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_a_logit_sees_the_patch_that_the_paper_names(layers, patch):
    network = build_discriminator("patch", layers=layers, width=1, norm="none")
    assert receptive_field(network, 2 * patch) == (patch, patch)


def test_pixel_sees_one_pixel():
    assert receptive_field(build_discriminator("pixel", width=2, norm="none"), 9) == (1, 1)


def test_image_gives_one_verdict_that_is_the_mean_of_its_patches_and_sees_a_whole_picture():
    network = build_discriminator("image", width=2, norm="none")
    image = torch.rand(2, 3, 256, 256, generator=torch.Generator().manual_seed(0), requires_grad=True)
    verdict = network(image)
    torch.testing.assert_close(verdict, network.patches(image).mean((2, 3), keepdim=True))
    verdict.sum().backward()
    assert image.grad is not None
    assert (image.grad.abs().sum(1) > 0).all()


@pytest.mark.parametrize(
    ("layers", "channels"),
    [(1, [64, 128, 1]), (3, [64, 128, 256, 512, 1]), (5, [64, 128, 256, 512, 512, 512, 1])],
)
def test_layers_widen_up_to_eight_times(layers, channels):
    with torch.device("meta"):
        network = build_discriminator("patch", layers=layers)
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert [convolution.out_channels for convolution in convolutions] == channels
    assert [convolution.stride[0] for convolution in convolutions] == [2] * layers + [1, 1]


def test_the_first_layer_has_no_norm():
    network = build_discriminator("patch", norm="batch")
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms] == [128, 256, 512]


def test_the_plain_network_s_tensors_have_their_published_names_whatever_is_added():
    plain = {f"body.{place}.{kind}" for place in (0, 2, 5, 8, 11) for kind in ("weight", "bias")}
    assert set(build_discriminator("patch", width=2, norm="instance").state_dict()) == plain
    with_all = build_discriminator(
        "patch",
        width=2,
        norm="instance",
        attention=True,
        minibatch="discrimination",
        conditioning="hidden",
        classes=2,
    )
    assert plain < set(with_all.state_dict())


def test_what_can_be_added_costs_what_it_should():
    def count(**arguments) -> int:
        with torch.device("meta"):
            return parameter_count(build_discriminator("patch", **arguments))

    plain, last = count(), 512
    assert count(spectral=True) == plain
    assert count(minibatch="stddev") == plain + 16
    assert count(minibatch="discrimination") == plain + last * 500 + 100 * 16
    assert count(attention=True) == plain + 128**2 * 5 // 4 + 1
    assert count(conditioning="projection", classes=6) == plain + 6 * last
    assert count(conditioning="projection", embedding=384) == plain + 384 * last
    assert count(conditioning="classifier", classes=6) == plain + 6 * (last + 1)
    assert count(conditioning="input", classes=6) == plain + 6 * 16 + 64 * 16 * 16
    assert count(conditioning="hidden", classes=6) == plain + 6 * 128 + (last + 128 + 1) * last


@pytest.mark.parametrize(("layers", "halvings"), [(1, 1), (2, 1), (3, 2), (4, 3)])
def test_attention_sits_at_the_second_last_scale(layers, halvings):
    network = build_discriminator("patch", layers=layers, width=4, attention=True)
    seen = []
    network.attention.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    network(torch.zeros(1, 3, 64, 64))
    assert seen == [(1, 4 * 2 ** (halvings - 1), 64 >> halvings, 64 >> halvings)]


@pytest.mark.parametrize("kind", ["conv", "all"])
def test_spectral_norm_bounds_every_weight_of_the_patch_discriminator(kind):
    more = {"attention": True, "conditioning": "hidden", "embedding": 5} if kind == "all" else {}
    network = build_discriminator("patch", width=4, norm="none", spectral=True, **more)
    with torch.no_grad():
        for _ in range(60):
            network(torch.zeros(1, 3, 32, 32), torch.zeros(1, 5) if more else None)
    network.eval()
    layers = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == (11 if more else 5)
    for layer in layers:
        assert float(torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]) == pytest.approx(1, abs=0.02)


def test_k_plus_one_classes_give_the_paper_s_verdict():
    torch.manual_seed(0)
    network = build_discriminator("semi-supervised", classes=4, layers=2, width=4)
    image = torch.rand(2, 3, 24, 20)
    logits = network.body(image)
    of_real = torch.softmax(torch.cat([logits, torch.zeros_like(logits[:, :1])], 1), 1)[:, :4].sum(1)
    torch.testing.assert_close(torch.sigmoid(network(image))[:, 0], of_real)
    torch.testing.assert_close(network.classify(image), logits.mean((2, 3)))


def test_no_class_is_too_few():
    with pytest.raises(UsageError, match="at least 1 class, not 0"):
        build_discriminator("semi-supervised", classes=0)
