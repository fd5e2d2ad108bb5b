"""The rows of `step_costs.py`: what one training step is changed by, and what it is then compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from translate.config import Recipe, load_recipe

SIZE, WIDTH = 64, 16
LABELS = ("horse", "zebra", "giraffe")
Changes = dict[str, Any]
BASELINE: Changes = {
    "data.size": SIZE,
    "data.load_size": SIZE,
    "data.batch_size": 1,
    "generator.name": "resnet",
    "generator.depth": 9,
    "generator.width": WIDTH,
    "discriminator.name": "patch",
    "discriminator.width": WIDTH,
    "losses.adversarial": "lsgan",
    "optim.optimizer": "adam",
    "optim.lr": 1e-5,
    "training.n_critic": 1,
    "log.every": 10**9,
}
ENERGY: Changes = {"discriminator.name": "autoencoder", "losses.adversarial": "ebgan"}
PROJECTED: Changes = {"discriminator.name": "projected", "losses.adversarial": "projected"}


@dataclass(frozen=True)
class Group:
    """Rows that stand beside one baseline.

    Attributes:
        recipe, base: the baseline, where `base` goes over `BASELINE`.
        beside: what that is, in words.
    """

    rows: dict[str, Changes]
    recipe: str = "cyclegan"
    base: Changes | None = None
    beside: str = "the step of `cyclegan`"

    def changed(self, changes: Changes) -> Recipe:
        """The recipe of a row."""
        return load_recipe(self.recipe, BASELINE | (self.base or {}) | changes)


GROUPS = {
    "objective": Group(
        {
            "lsgan (the baseline itself)": {},
            **{
                name: {"losses.adversarial": name}
                for name in ("minimax", "nonsaturating", "hinge", "wgan", "wgan-gp", "dragan", "relativistic")
            },
            "ebgan, on its autoencoder": ENERGY,
            "began, on its autoencoder": ENERGY | {"losses.adversarial": "began"},
            "projected, on frozen features": PROJECTED,
            "projected, on those of lite2": PROJECTED | {"discriminator.backbone": "efficientnet-lite2"},
        }
    ),
    "constraint": Group(
        {
            "R1 in every step": {"constraints.r1": 1, "constraints.r1_every": 1},
            "R1 in every 4th": {"constraints.r1": 1, "constraints.r1_every": 4},
            "R1 in every 8th": {"constraints.r1": 1, "constraints.r1_every": 8},
            "spectral normalisation": {"discriminator.spectral": True},
            "clipped weights": {"constraints.clip": 0.01},
            "orthogonal": {"constraints.orthogonal": 1e-4},
            "historical": {"constraints.historical": 1},
            "label smoothing": {"constraints.smoothing": 0.1},
            "instance noise": {"constraints.noise": 0.1},
            "augmentation": {"constraints.augment": ["colour", "translation", "cutout"]},
            "augmentation, adaptive": {
                "constraints.augment": ["colour", "translation", "cutout"],
                "constraints.augment_p": "adaptive",
            },
            "feature matching": {"losses.feature_matching": 1},
        }
    ),
    "trick": Group(
        {
            "five discriminator steps to one": {"training.n_critic": 5},
            "no average of weights": {"training.ema": 0},
            "no earlier fakes": {"training.pool": 0},
            "a discriminator that may rest": {"training.discriminator_above": 1e-9},
            "a generator that may rest": {"training.generator_above": 1e-9},
            "clipped gradients": {"optim.clip": 1},
            **{name: {"optim.optimizer": name} for name in ("adamw", "rmsprop", "sgd")},
            "SGD for the discriminator": {"optim.discriminator_optimizer": "sgd"},
        }
    ),
    "discriminator": Group(
        {
            **{
                f"patch, {norm} norm": {"discriminator.norm": norm}
                for norm in ("batch", "sync-batch", "layer", "group")
            },
            "patch without norm": {"discriminator.norm": "none"},
            "patch with self-attention": {"discriminator.attention": True},
            "pixel": {"discriminator.name": "pixel"},
            "image, 4 layers": {"discriminator.name": "image", "discriminator.layers": 4},
            "multiscale, 2 of 2 layers": {
                "discriminator.name": "multiscale",
                "discriminator.scales": 2,
                "discriminator.layers": 2,
            },
            "residual": {"discriminator.name": "residual"},
            "unet": {"discriminator.name": "unet"},
        }
    ),
    "generator": Group(
        {
            "resnet, 6 blocks": {"generator.depth": 6},
            "resnet, self-attention": {"generator.attention": True},
            "resnet, antialiased": {"generator.antialias": True, "generator.upsampling": "blur"},
            "resnet, resized": {"generator.upsampling": "resize"},
            "resnet, shuffled": {"generator.upsampling": "shuffle"},
            "resnet, spectral": {"generator.spectral": True},
            "resnet, masked": {"generator.masked": True},
            **{
                f"resnet, {norm} norm": {"generator.norm": norm}
                for norm in ("batch", "sync-batch", "layer", "group")
            },
            "resnet without norm": {"generator.norm": "none"},
            "unet": {"generator.name": "unet", "generator.depth": 6},
            "mobile": {"generator.name": "mobile", "generator.depth": 6},
            "pix2pixhd": {"generator.name": "pix2pixhd"},
            "pix2pixhd, local enhancer": {
                "generator.name": "pix2pixhd",
                "generator.enhancer": True,
                "generator.width": WIDTH // 2,
            },
            "spade, 5 doublings": {"generator.name": "spade", "generator.depth": 5},
            "progressive, grown": {
                "generator.name": "progressive",
                "generator.depth": 6,
                "training.resolutions": 1,
            },
            "laplacian": {"generator.name": "laplacian", "generator.depth": 5},
            "srresnet": {"generator.name": "srresnet", "generator.depth": 16},
            "edsr": {"generator.name": "edsr", "generator.depth": 16},
            "rrdb": {"generator.name": "rrdb", "generator.depth": 23, "generator.growth": WIDTH // 2},
            "srvgg": {"generator.name": "srvgg", "generator.depth": 16},
        }
    ),
    "with pairs": Group(
        {
            "perceptual, vgg19": {"losses.perceptual": 1, "losses.backbone": "vgg19"},
            "perceptual, efficientnet-lite0": {
                "losses.perceptual": 1,
                "losses.backbone": "efficientnet-lite0",
            },
            "feature matching, layer by layer": {"losses.feature_matching": 10, "losses.matching": "layers"},
            "no distance to the truth": {"losses.l1": 0},
        },
        recipe="pix2pix",
        base={"discriminator.norm": "instance", "generator.norm": "instance"},
        beside="a step of `pix2pix` with the same networks, one ResNet and one PatchGAN",
    ),
    "with labels": Group(
        {
            "input": {"discriminator.conditioning": "input"},
            "hidden": {"discriminator.conditioning": "hidden"},
            "classifier": {"discriminator.conditioning": "classifier"},
            "K + 1 classes": {"discriminator.name": "semi-supervised"},
        },
        recipe="stargan",
        base={"data.labels": LABELS},
        beside="a step of `stargan`, whose PatchGAN has `conditioning: projection`",
    ),
    "with captions": Group(
        {"minilm": {"text_encoder.name": "minilm"}},
        recipe="text",
        base={"data.batch_size": 2},
        beside="a step of `text` with two pictures a side, whose text encoder is `tokens`",
    ),
    "in batches": Group(
        {
            "accumulated over 4 parts": {"training.accumulate": 4},
            "virtual batch norm": {"discriminator.norm": "virtual"},
            "minibatch deviation": {"discriminator.minibatch": "stddev"},
            "minibatch discrimination": {"discriminator.minibatch": "discrimination"},
            "ebgan": ENERGY,
            "ebgan, pulling away": ENERGY | {"losses.pulling_away": 0.1},
        },
        base={"data.batch_size": 4},
        beside="a step of `cyclegan` with four pictures a side",
    ),
}
