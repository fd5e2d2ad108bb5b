"""How much of what pictures show can be read, linearly, from what a discriminator has learnt to see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from translate.errors import UsageError
from translate.metrics.evaluate import Score

GRID = 4  # places a side, that each layer is pooled to
_ITERATIONS = 300


def probe_features(layers: Sequence[Sequence[Tensor]]) -> Tensor:
    """A discriminator's activations as one vector a picture (Radford et al. 2016, "DCGAN", §5.1).

    Every layer is max-pooled to 4×4 places, a side that has fewer is left as it is, and all are put side by
    side.

    Args:
        layers: scales × layers of float (B, C, H, W), as `Discriminator.features` returns them.

    Returns:
        (B, d) float32, on the CPU.
    """
    pooled = [
        F.adaptive_max_pool2d(layer.detach().float(), [min(GRID, side) for side in layer.shape[2:]])
        for scale in layers
        for layer in scale
    ]
    return torch.cat([layer.flatten(1) for layer in pooled], 1).cpu()


def linear_probe(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, *, penalty: float = 1.0
) -> Score:
    """The accuracy, on `test`, of a linear classifier of `train`.

    As in DCGAN's §5.1 an L2-regularised linear support vector machine, one class against the rest:
    ½ penalty ‖W‖² / d + the mean of max(0, 1 − y (Wx + c))² over pictures and classes. Features are
    standardised with the mean and deviation of `train`, and the classifier with the largest answer wins.

    Args:
        train, test: (N, d) and (M, d), from `probe_features`.
        train_labels, test_labels: int64 (N,) and (M,), at least two classes.

    Raises:
        UsageError: shapes that don't belong together, a single class, or features that are not finite.
    """
    _require_sets(train, train_labels, test, test_labels)
    classes = train_labels.unique()
    mean, deviation = train.double().mean(0), train.double().std(0).clamp(min=1e-6)
    known, unknown = ((side.double() - mean) / deviation for side in (train, test))
    weight, shift = _fitted(known, train_labels[:, None] == classes, penalty)
    found = classes[(unknown @ weight.T + shift).argmax(1)]
    share = float((test_labels[:, None] == classes).double().mean(0).max())
    return Score(
        float((found == test_labels).double().mean()),
        len(test),
        f"accuracy of a linear L2-SVM on {train.shape[1]} activations, layers max-pooled to {GRID}x{GRID}; "
        f"{len(train)} pictures of {len(classes)} classes seen, {len(test)} held out; always saying the "
        f"commonest gives {share:.3f}",
    )


def _fitted(x: Tensor, is_class: Tensor, penalty: float) -> tuple[Tensor, Tensor]:
    """The weights (K, d) and shifts (K,) at the minimum; the loss is convex, so it has one."""
    width = x.shape[1]
    # The best weights are sums of pictures' features: where those are fewer, they are the coordinates.
    basis = torch.linalg.qr(x.T).Q  # (d, min(N, d))
    x = x @ basis
    sign = is_class.double() * 2 - 1  # (N, K)
    weight = torch.zeros(sign.shape[1], x.shape[1], dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(sign.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, shift],
        max_iter=_ITERATIONS,
        tolerance_grad=1e-9,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        hinge = F.relu(1 - sign * (x @ weight.T + shift)).square().mean()
        total = penalty / 2 * weight.square().sum() / width + hinge
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    return weight.detach() @ basis.T, shift.detach()


def _require_sets(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> None:
    if train.ndim != 2 or test.ndim != 2 or train.shape[1] != test.shape[1]:
        raise UsageError(
            f"features are (N, d) with one d, these are {tuple(train.shape)} and {tuple(test.shape)}."
        )
    if len(train) != len(train_labels) or len(test) != len(test_labels) or not len(test):
        raise UsageError("every picture of a probe needs its label, and there must be some held out.")
    if len(train_labels.unique()) < 2:
        raise UsageError("a probe tells classes apart; these pictures have only one.")
    if not (torch.isfinite(train).all() and torch.isfinite(test).all()):
        raise UsageError("features to probe hold NaN or infinity; the discriminator or its input is broken.")
