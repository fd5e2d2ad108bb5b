"""Super-resolution networks, against their papers' figures restated with plain calls."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from translate.networks.layers import initialise
from translate.networks.superres import EDSR, SRVGG, RRDBNet, SRResNet


def picture(height: int = 8, width: int = 12) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_rrdb_is_esrgan_s_figure_under_the_published_names(scale: int):
    torch.manual_seed(0)
    network = RRDBNet(depth=2, width=4, growth=3, scale=scale)
    weights = dict(network.named_parameters())

    def conv(name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    def lrelu(x: Tensor) -> Tensor:
        return torch.where(x > 0, x, 0.2 * x)

    def dense(name: str, x: Tensor) -> Tensor:
        x1 = lrelu(conv(f"{name}.conv1", x))
        x2 = lrelu(conv(f"{name}.conv2", torch.cat([x, x1], 1)))
        x3 = lrelu(conv(f"{name}.conv3", torch.cat([x, x1, x2], 1)))
        x4 = lrelu(conv(f"{name}.conv4", torch.cat([x, x1, x2, x3], 1)))
        return 0.2 * conv(f"{name}.conv5", torch.cat([x, x1, x2, x3, x4], 1)) + x

    image, fold = picture(), 4 // scale
    pixels = [image[:, :, y::fold, x::fold] for y in range(fold) for x in range(fold)]
    unit = (torch.stack(pixels, 2).flatten(1, 2) + 1) / 2
    first = x = conv("conv_first", unit)
    for block in range(2):
        inner = x
        for number in (1, 2, 3):
            inner = dense(f"body.{block}.rdb{number}", inner)
        x = 0.2 * inner + x
    x = first + conv("conv_body", x)
    x = lrelu(conv("conv_up1", x.repeat_interleave(2, 2).repeat_interleave(2, 3)))
    x = lrelu(conv("conv_up2", x.repeat_interleave(2, 2).repeat_interleave(2, 3)))
    x = 2 * conv("conv_last", lrelu(conv("conv_hr", x))) - 1
    torch.testing.assert_close(network(image), x)
    assert x.shape == (2, 3, 8 * scale, 12 * scale)


def test_srvgg_starts_from_the_enlarged_picture():
    network = SRVGG(depth=1, width=4, scale=3)
    assert list(network.state_dict())[-2:] == ["body.4.weight", "body.4.bias"]
    torch.nn.init.zeros_(network.body[-1].weight)
    torch.nn.init.zeros_(network.body[-1].bias)
    torch.testing.assert_close(network(picture()), F.interpolate(picture(), scale_factor=3))


def test_edsr_is_its_figure():
    torch.manual_seed(0)
    network = EDSR(depth=1, width=4, scale=2, residual_scale=0.1)
    first = network.head(picture())
    one, _, two = network.body[0].branch
    block = first + 0.1 * two(one(first).relu())
    up, _, last = network.tail
    expected = last(F.pixel_shuffle(up(first + network.body[1](block)), 2))
    torch.testing.assert_close(network(picture()), expected)


def test_srresnet_is_its_figure():
    torch.manual_seed(0)
    network = SRResNet(depth=1, width=4, scale=2, norm="instance")
    first = F.prelu(network.head[0](picture()), torch.tensor([0.25]))
    one, _, _, two, _ = network.body[0].branch
    inner = F.instance_norm(two(F.prelu(F.instance_norm(one(first)), torch.tensor([0.25]))))
    body = F.instance_norm(network.body[1](first + inner))
    up = F.prelu(F.pixel_shuffle(network.tail[0](first + body), 2), torch.tensor([0.25]))
    torch.testing.assert_close(network(picture()), network.tail[-1](up))


@pytest.mark.parametrize("build", [SRResNet, EDSR])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_untrained_enlargement_is_blocky_without_checkerboard(build, scale: int):
    """ICNR: before the last convolution, the pixels of a block are equal."""
    network = initialise(build(depth=1, width=4, scale=scale), "kaiming").eval()
    seen: list[Tensor] = []
    network.tail[-1].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    network(picture())
    block = 3 if scale == 3 else 2
    corners = seen[0][..., ::block, ::block]
    torch.testing.assert_close(seen[0], F.interpolate(corners, scale_factor=block))
    assert corners.std() > 0.01


@pytest.mark.parametrize(
    ("build", "scale", "message"),
    [
        (SRResNet, 5, "by 1, 2, 3, 4 or 8, not by 5"),
        (EDSR, 0, "by 1, 2, 3, 4 or 8, not by 0"),
        (RRDBNet, 3, "by 1, 2 or 4, not by 3"),
        (SRVGG, 0, "by 1 or more, not by 0"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused(build, scale: int, message: str):
    with pytest.raises(ValueError, match=message):
        build(scale=scale)
