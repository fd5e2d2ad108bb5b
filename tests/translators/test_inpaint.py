"""Inpainting is pix2pix whose generator fills the holes alone: the equation, restated with plain calls."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from translate.networks.filling import Filling
from translate.training.loop import to_batch
from translate.translators.base import Batch
from translate.translators.catalogue import build_translator, generator_arguments


@pytest.mark.parametrize("channels", [1, 3])
def test_the_losses_are_those_of_the_composite(tiny_recipe, byte_batches, channels):
    recipe = tiny_recipe("inpaint", data__channels_a=channels, data__channels_b=channels)
    torch.manual_seed(0)
    translator = build_translator(recipe).requires_grad_(False).eval()  # spectral normalisation holds still
    generator, judge = translator.networks["generator"], translator.networks["discriminator_b"]
    assert isinstance(generator, Filling)
    assert generator_arguments(recipe)[1]["in_channels"] == channels + 1
    (images,) = byte_batches(recipe, 1)
    images.a[:, -1] = 255 * (images.a[:, -1] > 150)
    batch = to_batch(images, torch.device("cpu"))
    hole = (images.a[:, -1:] == 255).float()
    truth = batch.b

    painted = generator.network(torch.cat([batch.a[:, :-1] * (1 - hole), 2 * hole - 1], 1))
    fake = hole * painted + (1 - hole) * batch.a[:, :-1]
    out = translator(batch)
    assert torch.allclose(out.fake_b, fake, atol=1e-6)

    given_fake, given_real = judge(torch.cat([batch.a, fake], 1)), judge(torch.cat([batch.a, truth], 1))
    phases = {phase.name: phase for phase in translator.phases}
    losses = phases["generator"].loss(batch, out)
    assert list(losses) == ["gan_b", "l1"]
    assert float(losses["gan_b"]) == pytest.approx(float(-given_fake.mean()), rel=1e-4)
    # Everywhere but in the holes these batches of noise differ, so the whole is counted here.
    assert float(losses["l1"]) == pytest.approx(100 * float((fake - truth).abs().mean()), rel=1e-4)
    judged = phases["discriminator"].loss(batch, out)
    hinges = F.relu(1 - given_real).mean() + F.relu(1 + given_fake).mean()
    assert float(judged["discriminator_b"]) == pytest.approx(0.5 * float(hinges), rel=1e-4)

    # Where the input is its truth with holes, as in a training, only holes count.
    whole = torch.cat([truth, batch.a[:, -1:]], 1)
    out = translator(Batch(whole, truth))
    difference = (out.fake_b - truth).abs()
    assert (difference * (1 - hole)).max() == 0
    assert (difference * hole).mean() > 0.01
