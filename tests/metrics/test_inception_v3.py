"""Inception-v3 as an onlooker, against torchmetrics' own use of it, on weights that nobody trained."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from translate.errors import ModelError, UsageError
from translate.metrics import inception_v3
from translate.metrics.inception import inception_score
from translate.metrics.inception_v3 import InceptionFeatures
from translate.metrics.kid import kid
from translate.networks.pinned import Pinned

fidelity = pytest.importorskip(
    "torch_fidelity.feature_extractor_inceptionv3", reason="the extra `inception` is not installed"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A state dict of the network's shapes, under the name of the real one."""
    extractor = fidelity.FeatureExtractorInceptionV3
    with pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        patch.setattr(fidelity, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(extractor, "load_state_dict", lambda *_, **__: None)
        network = extractor("inception-v3-compat", ["2048"])
    path = tmp_path_factory.mktemp("weights") / inception_v3.WEIGHTS.name
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def onlooker(weights, monkeypatch) -> InceptionFeatures:
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    monkeypatch.setattr(inception_v3, "WEIGHTS", Pinned(inception_v3.WEIGHTS.url, found))
    return InceptionFeatures(folder=weights.parent)


def test_features_and_classes_are_the_packages_own(onlooker, weights):
    torch.manual_seed(1)
    levels = torch.randint(0, 256, (2, 3, 64, 80), dtype=torch.uint8)
    theirs = fidelity.FeatureExtractorInceptionV3("x", ["2048", "logits_unbiased"], str(weights)).eval()
    with torch.no_grad():
        features, logits = theirs(levels)
    found = onlooker.pooled(levels.float() / 127.5 - 1)
    torch.testing.assert_close(found, features, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(onlooker.class_probabilities(found), logits.softmax(1), rtol=1e-4, atol=1e-6)


def test_grey_is_shown_as_rgb_and_other_channels_are_refused(onlooker):
    grey = torch.rand(1, 1, 32, 32) * 2 - 1
    torch.testing.assert_close(onlooker.pooled(grey), onlooker.pooled(grey.expand(-1, 3, -1, -1)))
    with pytest.raises(UsageError, match=r"\(B, 1 or 3, H, W\)"):
        onlooker.pooled(torch.zeros(1, 4, 32, 32))


def test_numbers_on_it_say_so_and_are_the_papers():
    features = torch.randn(6, 2048, generator=torch.Generator().manual_seed(0))
    seen = InceptionFeatures.protocol
    assert "Inception-v3 (2015-12-05)" in kid(features, features, seen=seen).protocol
    assert "not comparable" not in kid(features, features, seen=seen).protocol
    assert "not comparable with KID on Inception" in kid(features, features).protocol
    score = inception_score(torch.full((4, 8), 1 / 8), seen=seen)
    assert score.protocol.startswith("IS: ")
    assert "not comparable" not in score.protocol


def test_a_folder_without_the_weights_is_said(tmp_path):
    with pytest.raises(ModelError, match=r"has no weights-inception-2015-12-05-6726825d\.pth"):
        InceptionFeatures(folder=tmp_path)
