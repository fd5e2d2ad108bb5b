"""Networks by name. A network is built from plain arguments, never from a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from translate.errors import UsageError, did_you_mean
from translate.networks.autoencoder import AutoencoderCritic
from translate.networks.laplacian import LaplacianPyramid
from translate.networks.layers import Discriminator, Generator
from translate.networks.multiscale import MultiScale
from translate.networks.patchgan import ImageGAN, PatchGAN, PixelGAN, SemiSupervised
from translate.networks.pix2pixhd import Pix2PixHD
from translate.networks.progressive import ProgressiveResNet
from translate.networks.projected import ProjectedDiscriminator
from translate.networks.residual_discriminator import ResidualDiscriminator
from translate.networks.resnet import MobileResNet, ResNet
from translate.networks.spade import SpadeGenerator
from translate.networks.superres import EDSR, SRVGG, RRDBNet, SRResNet
from translate.networks.unet import UNet
from translate.networks.unet_discriminator import UNetDiscriminator

_Module = TypeVar("_Module", bound=nn.Module)

GENERATORS: dict[str, Callable[..., Generator]] = {
    "unet": UNet,
    "resnet": ResNet,
    "mobile": MobileResNet,
    "pix2pixhd": Pix2PixHD,
    "spade": SpadeGenerator,
    "progressive": ProgressiveResNet,
    "laplacian": LaplacianPyramid,
    "srresnet": SRResNet,
    "edsr": EDSR,
    "rrdb": RRDBNet,
    "srvgg": SRVGG,
}
DISCRIMINATORS: dict[str, Callable[..., Discriminator]] = {
    "patch": PatchGAN,
    "pixel": PixelGAN,
    "image": ImageGAN,
    "semi-supervised": SemiSupervised,
    "multiscale": MultiScale,
    "residual": ResidualDiscriminator,
    "unet": UNetDiscriminator,
    "autoencoder": AutoencoderCritic,
    "projected": ProjectedDiscriminator,
}


def build_generator(name: str, **arguments) -> Generator:
    """Build a generator from plain arguments.

    Raises:
        UsageError: unknown name, or arguments that this network doesn't take.
    """
    return _build("generator", GENERATORS, name, arguments)


def build_discriminator(name: str, **arguments) -> Discriminator:
    """Build a discriminator from plain arguments.

    Raises:
        UsageError: unknown name, or arguments that this network doesn't take.
    """
    return _build("discriminator", DISCRIMINATORS, name, arguments)


def accepted_arguments(build: Callable[..., nn.Module]) -> tuple[str, ...]:
    """The keyword arguments that a network takes besides its channels."""
    names = inspect.signature(build).parameters
    return tuple(name for name in names if name not in ("in_channels", "out_channels"))


def parameter_count(module: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(parameter.numel() for parameter in module.parameters())


def _build(
    kind: str, catalogue: dict[str, Callable[..., _Module]], name: str, arguments: dict[str, Any]
) -> _Module:
    if name not in catalogue:
        raise UsageError(
            f"unknown {kind} {name!r}{did_you_mean(name, catalogue)}; choose one of {', '.join(catalogue)}"
        )
    unknown = set(arguments) - set(inspect.signature(catalogue[name]).parameters)
    if unknown:
        raise UsageError(
            f"the {kind} {name!r} takes no {', '.join(sorted(unknown))}; "
            f"it takes {', '.join(accepted_arguments(catalogue[name]))}"
        )
    try:
        return catalogue[name](**arguments)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(f"the {kind} {name!r} can't be built: {str(error).splitlines()[0]}") from None
