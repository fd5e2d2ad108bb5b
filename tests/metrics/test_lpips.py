"""LPIPS against torchmetrics' own, on a backbone of any weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from translate.errors import ModelError, UsageError
from translate.metrics import lpips
from translate.networks.pinned import Pinned


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A folder with an AlexNet nobody has trained, under the name of torchvision's."""
    from torchvision.models import alexnet

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "alexnet-owt-7be5be79.pth"
    torch.save(alexnet().state_dict(), path)
    return path


@pytest.fixture
def distance(weights, monkeypatch) -> lpips.LPIPS:
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    monkeypatch.setattr(lpips, "weights_of_alexnet", lambda: Pinned(f"https://a.host/{weights.name}", found))
    return lpips.LPIPS(folder=weights.parent)


def test_it_is_that_of_torchmetrics(distance, weights):
    from torchmetrics.functional.image.lpips import _LPIPS

    theirs = _LPIPS(net="alex", pnet_rand=True)
    stored = torch.load(weights, weights_only=True)
    for stage in (
        theirs.net.slice1,
        theirs.net.slice2,
        theirs.net.slice3,
        theirs.net.slice4,
        theirs.net.slice5,
    ):
        for place, layer in stage.named_children():
            if f"features.{place}.weight" in stored:
                layer.load_state_dict({k: stored[f"features.{place}.{k}"] for k in ("weight", "bias")})
    torch.manual_seed(1)
    x = torch.rand(3, 3, 64, 48) * 2 - 1
    y = (x + 0.3 * torch.randn_like(x)).clamp(-1, 1)
    expected = theirs(x, y).flatten()
    # Theirs adds 1e-8 below the root, the authors' code 1e-10 beside it.
    torch.testing.assert_close(distance.distance(x, y), expected, rtol=2e-3, atol=1e-6)
    assert expected.min() > 1e-3


def test_grey_is_shown_as_rgb_and_equal_pictures_are_at_0(distance):
    grey = torch.rand(1, 1, 40, 40) * 2 - 1
    other = grey.flip(-1)
    rgb = distance.distance(grey.expand(-1, 3, -1, -1), other.expand(-1, 3, -1, -1))
    torch.testing.assert_close(distance.distance(grey, other), rgb)
    assert distance.distance(grey, grey) == 0
    assert distance.score([rgb]).protocol == "LPIPS 0.1 on AlexNet, mean over pictures"


def test_what_cannot_be_compared(distance):
    with pytest.raises(UsageError, match="of one shape"):
        distance.distance(torch.zeros(1, 3, 40, 40), torch.zeros(1, 3, 40, 41))
    with pytest.raises(UsageError, match="too small for LPIPS; 31×31 is the least"):
        distance.distance(torch.zeros(1, 3, 40, 30), torch.zeros(1, 3, 40, 30))


def test_the_least_size_can_be_compared(distance):
    distance.distance(torch.zeros(1, 3, 31, 31), torch.zeros(1, 3, 31, 31))


def test_the_real_weights_are_asked_for_by_their_checksum(tmp_path):
    wanted = lpips.weights_of_alexnet()
    assert (wanted.name, wanted.sha256) == ("alexnet-owt-7be5be79.pth", "7be5be79")
    with pytest.raises(ModelError, match=r"has no alexnet-owt-7be5be79\.pth"):
        lpips.LPIPS(folder=tmp_path)
