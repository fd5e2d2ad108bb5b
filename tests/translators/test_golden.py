"""Five steps of every recipe end in the losses that they have always ended in.

The numbers are what this test once gave. Rounding moves them by less than 1e-6 (double precision, two
threads, another convolution library), a percent of any weight or learning rate by more than 3e-3. A change
that is meant to change a training changes them: then take the new ones from the failure.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from translate.config import recipe_names
from translate.translators.catalogue import build_translator

GOLDEN = {
    "pix2pix": {"discriminator_b": 0.9732638, "gan_b": 0.6209078, "l1": 61.763427},
    "pix2pixhd": {"discriminator_b": 5.010139, "gan_b": 4.556633, "matching_b": 17.069019},
    "spade": {"discriminator_b": 2.4325771, "gan_b": 0.64979422, "matching_b": 17.37295},
    "bicyclegan": {
        "gan_encoded": 3.476975,
        "gan_random": 6.1427956,
        "l1": 6.6722059,
        "kl": 0.0016822284,
        "latent": 0.30835268,
        "discriminator_encoded": 6.6470442,
        "discriminator_random": 9.5922041,
    },
    "cyclegan": {
        "gan_b": 4.8127594,
        "gan_a": 4.2473712,
        "cycle_a": 8.1317749,
        "cycle_b": 7.9522109,
        "identity_b": 3.9679911,
        "identity_a": 4.1233086,
        "discriminator_a": 4.8380628,
        "discriminator_b": 3.8327727,
    },
    "stargan": {"discriminator_b": 1.1094807, "gan_b": 1.3017612, "cycle_a": 8.1920662},
    "cut": {"discriminator_b": 3.1517603, "gan_b": 2.6528122, "nce_a": 3.1630948, "nce_b": 3.1372001},
    "fastcut": {"discriminator_b": 3.1903195, "gan_b": 2.6121695, "nce_a": 62.693653},
    "text": {"discriminator_b": 1.7444278, "gan_b": -0.89496374, "cycle_a": 7.8286796},
    "superres": {"pixel": 1.0188875, "gan_b": 0.22384949, "discriminator_b": 0.65541083},
    "colorize": {"discriminator_b": 0.93613201, "gan_b": 1.0894423, "l1": 51.616013},
    "inpaint": {"discriminator_b": 1.4208033, "gan_b": -0.10076342, "l1": 64.849266},
    "demo": {
        "gan_b": 3.3439186,
        "gan_a": 10.464536,
        "cycle_a": 0.67120188,
        "cycle_b": 0.66593993,
        "discriminator_a": 7.3862228,
        "discriminator_b": 4.788147,
    },
}


def test_every_recipe_has_its_numbers():
    assert set(GOLDEN) == set(recipe_names())


@pytest.mark.parametrize("name", GOLDEN)
def test_losses_after_five_steps(name, tiny_recipe, lively, take_steps, monkeypatch):
    # Dropout draws from torch's generator, whose numbers another version may change.
    # So do spectral normalisation, to begin its iteration, patches and mirroring, and codes.
    random = np.random.RandomState(2)
    monkeypatch.setattr(torch, "randn_like", lambda x: torch.from_numpy(random.randn(*x.shape)).to(x))
    changes = {
        "pix2pix": {"generator__dropout": 0.0, "training__pool": 3},
        "colorize": {"generator__dropout": 0.0, "training__pool": 3},
        "spade": {"generator__spectral": False, "discriminator__spectral": False},
        "bicyclegan": {"generator__dropout": 0.0, "training__pool": 3},
        "stargan": {"discriminator__spectral": False},
        "text": {"discriminator__spectral": False},
        "superres": {"discriminator__spectral": False, "losses__pretrain": 0.4},
        "inpaint": {"discriminator__spectral": False},
        "cut": {"losses__patches": 24 * 24},
        "fastcut": {"losses__patches": 24 * 24, "losses__mirror": False},
    }.get(name, {"training__pool": 3})
    recipe = tiny_recipe(name, optim__lr=2e-3, **changes)
    _, losses = take_steps(recipe, 5, lively(build_translator(recipe)))
    last = {key: float(f"{float(value):.8g}") for key, value in losses[-1].items()}
    assert last == pytest.approx(GOLDEN[name], rel=1e-3), f"now: {last}"
