"""colorize against pix2pix's equation in Lab, written down once more with plain calls."""

from __future__ import annotations

import numpy as np
import torch
from skimage.color import rgb2lab
from torch.nn import functional as F

from translate.training.loop import to_batch
from translate.translators.catalogue import build_translator, generator_arguments


def test_losses_are_equation_four_of_lightness_and_colours(tiny_recipe, lively, byte_batches):
    recipe = tiny_recipe("colorize", generator__dropout=0.0)
    translator = lively(build_translator(recipe))
    pictures = byte_batches(recipe, 1)[0]
    batch = to_batch(pictures, torch.device("cpu"))

    lab = rgb2lab(pictures.b.permute(0, 2, 3, 1).numpy())
    lightness, colours = (
        torch.from_numpy(np.moveaxis(planes, 3, 1)).float()
        for planes in (lab[..., :1] / 50 - 1, lab[..., 1:] / 110)
    )
    torch.testing.assert_close(batch.a, lightness, atol=1e-4, rtol=0)
    torch.testing.assert_close(batch.b, colours, atol=1e-4, rtol=0)

    generate, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    fake = generate(batch.a)
    assert (fake.shape[1], generator_arguments(recipe)[1]["out_channels"]) == (2, 2)
    real_logits, fake_logits = judge(torch.cat([batch.a, batch.b], 1)), judge(torch.cat([batch.a, fake], 1))
    ones, zeros = torch.ones_like(real_logits), torch.zeros_like(real_logits)
    cross_entropy = F.binary_cross_entropy_with_logits
    out = translator(batch)
    torch.testing.assert_close(
        translator.discriminator_loss(batch, out),
        {"discriminator_b": (cross_entropy(real_logits, ones) + cross_entropy(fake_logits, zeros)) / 2},
    )
    torch.testing.assert_close(
        translator.generator_loss(batch, out),
        {"gan_b": cross_entropy(fake_logits, ones), "l1": 100 * (fake - batch.b).abs().mean()},
    )


def test_small_pictures_first_are_averaged_as_rgb(tiny_recipe, byte_batches):
    pictures = byte_batches(tiny_recipe("colorize"), 1)[0]
    small = to_batch(pictures, torch.device("cpu"), shrink=2)
    means = pictures.b.numpy().reshape(2, 3, 12, 2, 12, 2).mean((3, 5))
    lightness = rgb2lab(np.moveaxis(means / 255, 1, 3))[..., 0]
    np.testing.assert_allclose(small.a[:, 0].numpy(), lightness / 50 - 1, atol=1e-4)
