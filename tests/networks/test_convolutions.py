"""Convolutions that take another route to the same sums."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks import convolutions, winograd
from translate.networks.convolutions import (
    DoublingConv2d,
    FewOutputsConv2d,
    HalvingConv2d,
    InstanceNorm2d,
    ShiftedSum,
)
from translate.networks.resnet import ResNet
from translate.networks.winograd import Padding, Winograd, WinogradConv2d


def direct(image: Tensor, weight: Tensor, reflect: bool) -> Tensor:
    return F.conv2d(F.pad(image, (1, 1, 1, 1), "reflect" if reflect else "constant"), weight)


@pytest.mark.parametrize("reflect", [True, False])
@pytest.mark.parametrize("size", [(8, 8), (4, 12), (2, 3), (7, 5), (9, 16)])
def test_winograd_is_convolution_and_so_are_its_gradients(size: tuple[int, int], reflect: bool):
    torch.manual_seed(0)
    image = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(5, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    expected, found = direct(image, weight, reflect), Winograd.apply(image, weight, reflect)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    pull = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, (image, weight), pull)
    torch.testing.assert_close(
        torch.autograd.grad(found, (image, weight), pull), wanted, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("held", [0, 1])
def test_winograd_leaves_out_the_gradient_that_nobody_wants(held: int):
    tensors = [torch.randn(1, 2, 6, 6), torch.randn(2, 2, 3, 3)]
    tensors[1 - held].requires_grad_()
    Winograd.apply(*tensors, True).sum().backward()
    assert [tensor.grad is None for tensor in tensors] == [held == 0, held == 1]


@pytest.mark.parametrize("tiles", [1, 5, 8])
def test_bands_of_any_size_give_the_same(tiles: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(winograd, "BAND_TILES", tiles)
    test_winograd_is_convolution_and_so_are_its_gradients((13, 10), True)


def same(ours: nn.Module, plain: nn.Module, image: Tensor, tolerance: float) -> None:
    """Outputs and gradients differ by less than `tolerance` of their norm."""
    ours.load_state_dict(plain.state_dict())
    results = []
    for layer in (plain, ours):
        picture = image.clone().requires_grad_()
        output = layer(picture)
        output.backward(torch.linspace(-1, 2, output.numel()).view_as(output))
        results.append([output.detach(), picture.grad, *(parameter.grad for parameter in layer.parameters())])
    for expected, found in zip(*results, strict=True):
        assert torch.linalg.norm(found - expected) < tolerance * torch.linalg.norm(expected)


@pytest.mark.parametrize("mode", ["reflect", "zeros"])
@pytest.mark.parametrize("bias", [True, False])
def test_winograd_layer_is_the_plain_layer(mode: Padding, bias: bool):
    torch.manual_seed(0)
    plain = nn.Conv2d(256, 256, 3, padding=1, padding_mode=mode, bias=bias)
    ours = WinogradConv2d(256, 256, padding_mode=mode, bias=bias)
    same(ours, plain, torch.randn(2, 256, 30, 34), 1e-5)


@pytest.mark.parametrize(("kernel", "outputs"), [(7, 3), (7, 4), (3, 3), (5, 1)])
@pytest.mark.parametrize("mode", ["reflect", "zeros"])
def test_few_outputs_layer_is_the_plain_layer(kernel: int, outputs: int, mode: Padding):
    torch.manual_seed(0)
    plain = nn.Conv2d(8, outputs, kernel, padding=kernel // 2, padding_mode=mode)
    same(FewOutputsConv2d(8, outputs, kernel, padding_mode=mode), plain, torch.randn(2, 8, 11, 14), 1e-6)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 7), (12, 15), (20, 20)])
def test_deep_layers_of_a_u_net_are_the_plain_layers(size: tuple[int, int], bias: bool):
    torch.manual_seed(0)
    image = torch.randn(2, 6, *size)
    for outputs in (8, 3):
        plain = nn.ConvTranspose2d(6, outputs, 4, stride=2, padding=1, bias=bias)
        same(DoublingConv2d(6, outputs, bias=bias), plain, image, 1e-6)
    for odd in (0, 1):
        plain = nn.Conv2d(6, 8, 4, stride=2, padding=1, bias=bias)
        image = torch.randn(2, 6, 2 * size[0] + odd, 2 * size[1])
        same(HalvingConv2d(6, 8, bias=bias), plain, image, 1e-6)


def test_deep_layers_take_torchs_route_for_large_maps(monkeypatch: pytest.MonkeyPatch):
    routes: list[str] = []
    for name in ("fold", "unfold"):
        real = getattr(F, name)
        monkeypatch.setattr(
            F, name, lambda *a, real=real, name=name, **k: routes.append(name) or real(*a, **k)
        )
    small, large = torch.zeros(1, 6, 16, 16), torch.zeros(1, 6, 40, 40)
    for image in (small, large, small.double()):
        DoublingConv2d(6, 8).to(image.dtype)(image)
        HalvingConv2d(6, 8).to(image.dtype)(image)
    assert routes == ["fold", "unfold"]
    DoublingConv2d(6, 3)(large)
    assert routes == ["fold", "unfold", "fold"]


def test_shifted_sum_by_hand():
    parts = torch.tensor([[1.0, 2, 3], [10, 20, 30]], dtype=torch.float64).view(1, 2, 1, 3).requires_grad_()
    torch.testing.assert_close(
        ShiftedSum.apply(parts, 2), torch.tensor([[[[21.0, 32.0]]]], dtype=torch.float64)
    )
    assert torch.autograd.gradcheck(lambda x: ShiftedSum.apply(x, 2), parts)


def calls_winograd(run: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> bool:
    called = []
    monkeypatch.setattr(Winograd, "apply", lambda image, weight, reflect: called.append(1) or image)
    run()
    return bool(called)


def test_the_direct_route_where_winograd_does_not_pay(monkeypatch: pytest.MonkeyPatch):
    layer, thin = WinogradConv2d(256, 256), WinogradConv2d(64, 256)
    large, small = torch.zeros(1, 256, 48, 48), torch.zeros(1, 256, 16, 16)
    assert calls_winograd(lambda: layer(large), monkeypatch)
    assert not calls_winograd(lambda: layer(small), monkeypatch)
    assert not calls_winograd(lambda: thin(large[:, :64]), monkeypatch)
    assert not calls_winograd(lambda: layer.double()(large.double()), monkeypatch)


def test_autocast_and_export_see_a_plain_convolution(monkeypatch: pytest.MonkeyPatch):
    layer, image = WinogradConv2d(256, 256), torch.zeros(1, 256, 48, 48)

    def autocast() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            layer(image)

    assert not calls_winograd(autocast, monkeypatch)
    exported = torch.export.export(layer, (image,))
    assert "aten.conv2d" in str(exported.graph)


def test_a_generator_gives_what_plain_convolutions_give():
    torch.manual_seed(0)
    ours = ResNet(depth=2, masked=True).eval()
    image = torch.rand(1, 3, 200, 184) * 2 - 1
    with torch.no_grad():
        found = ours(image)
        for module in ours.modules():
            if isinstance(module, nn.Conv2d):
                module.__class__ = nn.Conv2d
        assert (found - ours(image)).abs().max() < 2e-5


@pytest.mark.parametrize("last", [False, True])
def test_instance_norm_is_torchs_and_so_are_its_gradients(last: bool, monkeypatch: pytest.MonkeyPatch):
    form = torch.channels_last if last else torch.contiguous_format
    image = (torch.randn(2, 5, 9, 7) + 30).contiguous(memory_format=form)  # a mean that swallows squares
    results = []
    plain = nn.InstanceNorm2d(5, affine=True)
    ours = InstanceNorm2d(5, affine=True)
    with torch.no_grad():
        for layer in (plain, ours):
            layer.weight.copy_(torch.linspace(-1, 2, 5))
            layer.bias.copy_(torch.linspace(3, 1, 5))
    for layer in (plain, ours):
        picture = image.clone().requires_grad_()
        output = layer(picture)
        output.backward(torch.linspace(-1, 2, output.numel()).view(output.shape))
        results.append((output.detach(), picture.grad))
    torch.testing.assert_close(results[1], results[0], rtol=1e-4, atol=1e-5)
    exact = plain.double()(image.double()).float()
    for pixels in (convolutions.NORM_PIXELS, 1, 2 * 7):  # bands of 9 rows, 1 and 2
        monkeypatch.setattr(convolutions, "NORM_PIXELS", pixels)
        with torch.inference_mode():
            torch.testing.assert_close(ours(image), exact, rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        ours(image[:, :, :1, :1])


def test_winograd_keeps_the_memory_format_and_its_kernel_as_long_as_it_holds():
    layer = WinogradConv2d(256, 256, padding_mode="reflect")
    image = torch.randn(1, 256, 45, 50)
    for change in (lambda weight: None, lambda weight: weight.mul_(-0.5)):
        with torch.no_grad():
            change(layer.weight)
            wanted = nn.Conv2d.forward(layer, image)
        for last in (False, True):
            form = torch.channels_last if last else torch.contiguous_format
            layer.to(memory_format=form)
            with torch.inference_mode():
                found = [layer(image.contiguous(memory_format=form)) for _ in range(2)]
            for one in found:
                torch.testing.assert_close(one, wanted, rtol=0, atol=1e-4)
                assert (one.stride(1) == 1) == last
    assert "_prepared" not in "".join(layer.state_dict())
