"""Distances between features, codes and pictures. Unweighted scalars of float32 tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """‖E f(x) − E f(x̃)‖₂²; Salimans et al. 2016, §3.1.

    Args:
        real, fake: features (B, ...) of one layer; the batches may differ in size. The real ones are what
            is aimed at: no gradient goes through them.
    """
    return (real.detach().mean(0) - fake.mean(0)).square().sum()


def layerwise_l1(real: list[list[Tensor]], fake: list[list[Tensor]]) -> Tensor:
    """Mean over scales of 4 times the mean over layers of E|D_i(x) − D_i(x̃)|; Wang et al. 2018, eq. 3.

    The paper sums over layers and scales. This is its published code, which weighs each layer by
    4 / (n_layers + 1), n_layers + 1 being the layers without the logits, and each scale by one over their
    number; with its 3 layers the sum over layers is the paper's. Its λ is 10.

    Args:
        real, fake: for each scale its layers' activations in order, as `Discriminator.features` gives them.
            No gradient goes through the real ones.

    Raises:
        ValueError: there are no features, or real and fake differ in scales or layers.
    """
    if not real or not all(real):
        raise ValueError("feature matching needs at least one scale with at least one layer")
    if [len(layers) for layers in real] != [len(layers) for layers in fake]:
        raise ValueError("feature matching needs the same scales and layers of real and fake")
    scales = [
        torch.stack([F.l1_loss(f, r.detach()) for r, f in zip(reals, fakes, strict=True)]).mean()
        for reals, fakes in zip(real, fake, strict=True)
    ]
    return 4 * torch.stack(scales).mean()


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """E KL(N(μ, σ²) ‖ N(0, 1)) = ½ E Σ (μ² + σ² − log σ² − 1); Zhu et al. 2017 (BicycleGAN), eq. 6.

    Args:
        mean, log_variance: float32 (B, Z); summed over Z, mean over B. BicycleGAN's λ_KL is 0.01.
    """
    terms = mean.square() + log_variance.exp() - log_variance - 1
    return terms.sum(1).mean() / 2


def latent_regression(latent: Tensor, recovered: Tensor) -> Tensor:
    """E|z − E(G(A, z))|; Zhu et al. 2017 (BicycleGAN), eq. 8; float32 (B, Z), λ_latent 0.5."""
    return F.l1_loss(recovered, latent)


def patch_nce(query: Tensor, key: Tensor, temperature: float = 0.07) -> Tensor:
    """Find each patch of the output at its place in the input; Park et al. 2020 (CUT), eqs. 2 to 4.

    Cross-entropy of the cosine similarities v·v⁺/τ against those of the other patches of the same picture
    (internal negatives), of one layer.

    Args:
        query: features of N patches of the output, float32 (B, N, C); normalised here.
        key: of the same places in the input; no gradient goes through them, as in the paper's code.
        temperature: τ.

    Raises:
        ValueError: shapes differ, or a lone patch has no negatives.
    """
    if query.shape != key.shape or query.ndim != 3 or query.shape[1] < 2:
        raise ValueError(
            f"PatchNCE needs the features of at least two patches, (B, N, C) of output and input alike, "
            f"not {tuple(query.shape)} and {tuple(key.shape)}"
        )
    query, key = F.normalize(query, dim=2), F.normalize(key.detach(), dim=2)
    similarity = query @ key.transpose(1, 2) / temperature  # (B, N, N)
    return -similarity.log_softmax(2).diagonal(dim1=1, dim2=2).mean()


def charbonnier(output: Tensor, truth: Tensor, epsilon: float = 1e-3) -> Tensor:
    """E √((x − y)² + ε²), an L1 that is smooth at 0; Charbonnier et al. 1994, Lai et al. 2017, eq. 2."""
    return ((output - truth).square() + epsilon**2).sqrt().mean()
