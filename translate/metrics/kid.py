"""How alike two sets of pictures are, where no picture has a truth: kernel and Fréchet distance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.errors import UsageError
from translate.metrics.evaluate import Score
from translate.metrics.features import PictureFeatures, unlike

SUBSET, SUBSETS = 1000, 100
ENOUGH = 2000  # pictures, for a Fréchet distance


def kid(
    outputs: Tensor,
    real: Tensor,
    *,
    subset: int = SUBSET,
    subsets: int = SUBSETS,
    seed: int = 0,
    seen: str = PictureFeatures.protocol,
) -> Score:
    """Kernel distance between features of outputs and of real pictures; 0 on average where they are alike.

    Bińkowski et al. 2018, "Demystifying MMD GANs", §4 and eq. 3: the unbiased estimate of the squared maximum
    mean discrepancy with the kernel (x·y / d + 1)³, which may be below 0. Of at most `subset` pictures a side
    it is taken once, over all; of more it is the mean over `subsets` random draws of so many, as theirs is.

    Args:
        outputs, real: (N, d) and (M, d), from `PictureFeatures.pooled`; at least two pictures a side.
        seed: of the draws.
        seen: what the features are of, in words.

    Raises:
        UsageError: too few pictures, features that differ in width or are not finite.
    """
    _require_sets(outputs, real)
    x, y = outputs.double(), real.double()
    size = min(len(x), len(y), subset)
    if max(len(x), len(y)) <= subset:
        value, how = unbiased_mmd2(x, y), "over all of them"
    else:
        generator = torch.Generator().manual_seed(seed)
        draws = [
            unbiased_mmd2(*(side[torch.randperm(len(side), generator=generator)[:size]] for side in (x, y)))
            for _ in range(subsets)
        ]
        value, how = torch.stack(draws).mean(), f"mean of {subsets} subsets of {size}"
    return Score(
        float(value),
        len(x),
        f"KID, unbiased, kernel (x·y/{x.shape[1]} + 1)³, on {seen}; {len(x)} outputs, "
        f"{len(y)} real, {how}{unlike(seen, 'KID')}",
    )


def unbiased_mmd2(x: Tensor, y: Tensor) -> Tensor:
    """Gretton et al. 2012, eq. 3, with the kernel of KID: (N, d) and (M, d) to a number.

    torchmetrics' function is for sets of one size; this one is for any.
    """
    from torchmetrics.image.kid import poly_kernel

    return (
        _off_diagonal_mean(poly_kernel(x, x))
        + _off_diagonal_mean(poly_kernel(y, y))
        - (2 * poly_kernel(x, y).mean())
    )


def frechet(outputs: Tensor, real: Tensor, *, seen: str = PictureFeatures.protocol) -> Score:
    """Fréchet distance between Gaussians with the means and covariances of the features.

    Heusel et al. 2017, eq. 6. It is biased, the more so the fewer pictures there are, so few are refused.

    Args:
        outputs, real: (N, d) and (M, d), from `PictureFeatures.pooled`; at least 2000 pictures a side.
        seen: what the features are of, in words.

    Raises:
        UsageError: too few pictures, features that differ in width or are not finite.
    """
    _require_sets(outputs, real)
    fewest = min(len(outputs), len(real))
    if fewest < ENOUGH:
        raise UsageError(
            f"a Fréchet distance of {fewest} pictures says more about their number than about them; take "
            f"KID, or at least {ENOUGH} a side."
        )
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(_AsTheyAre(outputs.shape[1])).set_dtype(torch.float64)
    metric.update(outputs, real=False)
    metric.update(real, real=True)
    return Score(
        float(metric.compute()),
        len(outputs),
        f"Fréchet distance on {seen}; {len(outputs)} outputs, {len(real)} real{unlike(seen, 'FID')}",
    )


class _AsTheyAre(nn.Identity):
    """Stands where torchmetrics expects a network, for features that are there already."""

    def __init__(self, width: int):
        super().__init__()
        self.num_features = width


def _off_diagonal_mean(kernel: Tensor) -> Tensor:
    return (kernel.sum() - kernel.diagonal().sum()) / (len(kernel) * (len(kernel) - 1))


def _require_sets(outputs: Tensor, real: Tensor) -> None:
    if min(len(outputs), len(real)) < 2:
        raise UsageError(
            f"a distance between sets needs two pictures a side; there are {len(outputs)} outputs and "
            f"{len(real)} real ones."
        )
    if outputs.ndim != 2 or real.ndim != 2 or outputs.shape[1] != real.shape[1]:
        raise UsageError(
            f"features are (N, d) with one d, these are {tuple(outputs.shape)} and {tuple(real.shape)}."
        )
    if not (torch.isfinite(outputs).all() and torch.isfinite(real).all()):
        raise UsageError("pictures to compare hold NaN or infinity; the model or its input is broken.")
