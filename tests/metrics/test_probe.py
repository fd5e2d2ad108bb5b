"""The linear probe against scipy's minimiser and cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from translate.errors import UsageError
from translate.metrics.probe import _fitted, linear_probe, probe_features
from translate.networks.catalogue import build_discriminator


def blobs(count: int, classes: int, seed: int, apart: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Points around the corners of a simplex, and which corner."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    return apart * torch.eye(classes)[labels] + torch.randn(count, classes, generator=generator), labels


def test_layers_are_pooled_to_four_by_four_and_put_side_by_side():
    wide, narrow = torch.randn(2, 3, 9, 8), torch.randn(2, 2, 3, 5)
    found = probe_features([[wide], [narrow]])
    assert (found.shape, found.requires_grad) == ((2, 3 * 16 + 2 * 12), False)
    # 8 columns in 4 pools of 2; 9 rows in pools that overlap where 9 isn't a multiple of 4.
    for i, (top, bottom) in enumerate([(0, 3), (2, 5), (4, 7), (6, 9)]):
        for j in range(4):
            expected = wide[:, 1, top:bottom, 2 * j : 2 * j + 2].amax((1, 2))
            assert torch.equal(found[:, 16 + 4 * i + j], expected)


def test_it_takes_what_discriminators_give():
    torch.manual_seed(0)
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    for name, arguments in (("patch", {"width": 4, "layers": 2}), ("multiscale", {"width": 4, "scales": 2})):
        found = probe_features(build_discriminator(name, **arguments).features(image))
        assert found.ndim == 2
        assert found.isfinite().all()


@pytest.mark.parametrize("count", [40, 2])
def test_the_classifier_is_the_minimum_that_scipy_finds(count):
    optimize = pytest.importorskip("scipy.optimize")
    x, labels = blobs(count, 3, seed=0, apart=1.0)
    x, penalty = x.double(), 0.7
    is_class = labels[:, None] == labels.unique()  # with two pictures, fewer than features
    weight, shift = _fitted(x, is_class, penalty)
    for k in range(is_class.shape[1]):
        sign = np.where(is_class[:, k].numpy(), 1.0, -1.0)

        def loss(values: np.ndarray, sign: np.ndarray = sign) -> float:
            # Of one class, whose hinge the mean over classes divides by their number.
            hinge = np.maximum(0, 1 - sign * (x.numpy() @ values[:3] + values[3])) ** 2
            return penalty / 2 * (values[:3] ** 2).sum() / 3 + hinge.mean() / is_class.shape[1]

        best = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
        np.testing.assert_allclose([*weight[k], shift[k]], best, atol=1e-4)


def test_classes_far_apart_are_told_and_those_alike_are_not():
    train, test = blobs(90, 3, seed=0, apart=8.0), blobs(60, 3, seed=1, apart=8.0)
    assert linear_probe(*train, *test).mean == 1
    train, test = blobs(90, 3, seed=0, apart=0.0), blobs(300, 3, seed=1, apart=0.0)
    guessed = linear_probe(*train, *test)
    assert guessed.mean == pytest.approx(1 / 3, abs=0.12)
    assert guessed.pictures == 300
    assert "90 pictures of 3 classes seen, 300 held out" in guessed.protocol
    assert "always saying the commonest gives 0.333" in guessed.protocol


def test_scale_and_offset_of_a_feature_don_t_matter_and_labels_may_be_any_numbers():
    train, labels = blobs(60, 3, seed=0, apart=1.5)
    test, truth = blobs(60, 3, seed=1, apart=1.5)
    changed = linear_probe(train * 100 + 7, labels * 5 + 3, test * 100 + 7, truth * 5 + 3)
    assert changed.mean == linear_probe(train, labels, test, truth).mean
    assert 0.4 < changed.mean < 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": torch.zeros(4, 2)}, r"one d, these are \(6, 3\) and \(4, 2\)"),
        ({"train_labels": torch.zeros(5, dtype=torch.int64)}, "every picture of a probe needs its label"),
        ({"train_labels": torch.zeros(6, dtype=torch.int64)}, "have only one"),
        ({"train": torch.full((6, 3), torch.nan)}, "NaN"),
    ],
)
def test_what_can_t_be_probed(changes, message):
    labels = torch.arange(6) % 2
    arguments = {
        "train": torch.zeros(6, 3),
        "train_labels": labels,
        "test": torch.zeros(6, 3),
        "test_labels": labels,
    }
    with pytest.raises(UsageError, match=message):
        linear_probe(**{**arguments, **changes})
