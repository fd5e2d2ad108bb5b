"""Residual generators: the ResNet of CycleGAN, and a light one for CPUs and browsers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.blur import BlurDown
from translate.networks.conditional_norms import Condition, Conditional, maybe_conditional, run
from translate.networks.convolutions import FewOutputsConv2d
from translate.networks.layers import (
    Generator,
    blend,
    check_masked,
    lies_channels_last,
    needs_bias,
    norm_layer,
    upsample,
)
from translate.networks.spectral import spectral as normalise_spectrally
from translate.networks.winograd import WinogradConv2d


class ResNet(Generator):
    """Two halvings, residual blocks, two doublings.

    Johnson et al. 2016 as CycleGAN uses it (Zhu et al. 2017, appendix 7.2). With 9 blocks, width 64,
    instance norm and RGB: 11.38 M parameters.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 4.

    A condition and a latent code set scale and shift of the norms of blocks and decoder (AdaIN, as in MUNIT's
    decoder: see `conditional_norms.ConditionalNorm2d`). Constant maps beside the input, as the U-Net has
    them, would be lost here: the first instance norm subtracts them.

    With `antialias` and `upsampling="blur"` it is CUT's generator (Park et al. 2020).

    Args:
        depth: the number of residual blocks.
        width: channels after the first convolution; the blocks have 4 × width.
        norm: see `layers.norm_layer`.
        upsampling: see `layers.upsample`.
        masked: see `layers.blend`.
        classes: labels that the condition, int64 (B,), chooses from; 0 for none.
        embedding: numbers of the condition, float (B, embedding), where it isn't a label; 0 for none.
        latent: numbers of a latent code, float (B, latent); 0 for none.
        attention: self-attention (`attention.SelfAttention`) after the blocks, at a quarter of the size, or
            for 2 after the first doubling, at half of it.
        antialias: the encoder's halvings are filtered (see `blur.BlurDown`).
        spectral: spectral normalisation of every layer, as SAGAN's generator has it.
    """

    size_multiple = 4
    minimum_size = 8  # the 7×7 kernel's reflection needs 4, the blocks' 2 at a quarter of the size

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 9,
        width: int = 64,
        norm: str = "instance",
        dropout: float = 0.0,
        upsampling: str = "transpose",
        masked: bool = False,
        classes: int = 0,
        embedding: int = 0,
        latent: int = 0,
        attention: bool | int = False,
        antialias: bool = False,
        spectral: bool = False,
    ):
        super().__init__()
        check_masked(masked, in_channels, out_channels)
        self.channels_last = lies_channels_last(norm)
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        self.masked = masked
        self.classes, self.embedding, self.latent = classes, embedding, latent
        self.condition = Condition(classes, embedding, latent)
        size = self.condition.size
        stride, blur = (1, [BlurDown()]) if antialias else (2, [])
        self.encoder = nn.Sequential(
            nn.Conv2d(in_channels, width, 7, padding=3, padding_mode="reflect", bias=bias),
            make_norm(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 3, stride=stride, padding=1, bias=bias),
            make_norm(2 * width),
            nn.ReLU(inplace=True),
            *blur,
            nn.Conv2d(2 * width, 4 * width, 3, stride=stride, padding=1, bias=bias),
            make_norm(4 * width),
            nn.ReLU(inplace=True),
            *blur,
        )
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width, norm, dropout, size) for _ in range(depth)))
        self.attended = attended_place(attention, {4: 0, 2: 3})  # before that module of the decoder
        self.attention = _attention(self.attended, width)
        self.decoder = nn.Sequential(
            upsample(upsampling, 4 * width, 2 * width, kernel=3, bias=bias),
            maybe_conditional(norm, 2 * width, size),
            nn.ReLU(inplace=True),
            upsample(upsampling, 2 * width, width, kernel=3, bias=bias),
            maybe_conditional(norm, width, size),
            nn.ReLU(inplace=True),
            FewOutputsConv2d(width, out_channels + masked, 7, padding_mode="reflect"),
        )
        if spectral:
            normalise_spectrally(self)

    def forward(self, image: Tensor, condition: Tensor | None = None, latent: Tensor | None = None) -> Tensor:
        vector = self.condition(image, condition, latent)
        x = run(self.blocks, self.encoder(image), vector)  # (B, 4 width, H/4, W/4)
        layers = [*self.decoder]
        layers.insert(self.attended or 0, self.attention)
        return blend(image, run(layers, x, vector), self.masked)

    def encode(
        self,
        image: Tensor,
        layers: Sequence[int],
        condition: Tensor | None = None,
        latent: Tensor | None = None,
    ) -> list[Tensor]:
        """Activations on the way through encoder and blocks, for PatchNCE; see `tap`.

        CUT's layers 0, 4, 8, 12, 16 are: the image, the first halving's convolution, that of the second, the
        first block and the fifth (with `antialias`; without it, as in CUT's own code: the image, the first
        halving's convolution, the second's norm, the third block and the seventh).
        """
        vector = self.condition(image, condition, latent)
        return tap([*self.encoder, *self.blocks], image, layers, vector)

    def encoded_channels(self, layers: Sequence[int]) -> list[int]:
        """How many channels the activations of `encode` have."""
        return tap_channels([*self.encoder, *self.blocks], layers)


def tap(
    modules: Sequence[nn.Module], image: Tensor, layers: Sequence[int], condition: Tensor | None
) -> list[Tensor]:
    """Activations of a sequence, numbered as in CUT's code: 0 the image, k the k-th module's output.

    CUT's 0 is the image behind its reflection padding; here it is the image itself, whose mirrored edges say
    nothing more.

    Args:
        layers: in rising order; later modules aren't run.

    Raises:
        ValueError: layers that don't exist or don't rise.
    """
    _check_layers(modules, layers)
    x, taps = image, [image] if layers[0] == 0 else []
    for place, module in enumerate(modules[: layers[-1]], start=1):
        # What was tapped must not be changed by an activation in place.
        x = torch.relu(x) if isinstance(module, nn.ReLU) else run([module], x, condition)
        if place in layers:
            taps.append(x)
    return taps


def tap_channels(modules: Sequence[nn.Module], layers: Sequence[int]) -> list[int]:
    """The channels of `tap`'s activations; blocks, norms and activations keep those of the last convolution.

    Raises:
        ValueError: see `tap`.
    """
    _check_layers(modules, layers)
    first, *_ = modules
    assert isinstance(first, nn.Conv2d)
    channels = [first.in_channels]
    for module in modules:
        channels.append(module.out_channels if isinstance(module, nn.Conv2d) else channels[-1])
    return [channels[layer] for layer in layers]


def _check_layers(modules: Sequence[nn.Module], layers: Sequence[int]) -> None:
    rising = all(before < after for before, after in pairwise(layers))
    if not layers or not rising or layers[0] < 0 or layers[-1] > len(modules):
        raise ValueError(
            f"layers to encode are rising numbers from 0 to {len(modules)} here, not {list(layers)}; "
            "deeper ones need more residual blocks"
        )


class ResidualBlock(Conditional):
    """x + norm(conv(relu(norm(conv(x))))), reflection padded; float32 (B, C, H, W) to the same.

    With `size`, a condition float (B, size) sets scale and shift of the norms.
    """

    def __init__(self, channels: int, norm: str, dropout: float = 0.0, size: int = 0):
        super().__init__()
        bias = needs_bias(norm)
        self.branch = nn.Sequential(
            WinogradConv2d(channels, channels, padding_mode="reflect", bias=bias),
            maybe_conditional(norm, channels, size),
            nn.ReLU(inplace=True),
            *([nn.Dropout(dropout)] if dropout else []),
            WinogradConv2d(channels, channels, padding_mode="reflect", bias=bias),
            maybe_conditional(norm, channels, size),
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return x + run(self.branch, x, condition)


class MobileResNet(Generator):
    """A residual generator of depthwise-separable convolutions, for CPUs and browsers.

    The shape is CycleGAN's ResNet; every 3×3 convolution is split into a depthwise and a pointwise one
    (Howard et al. 2017, MobileNets, eq. 5), the 7×7 ones at both ends are 3×3, and enlargement is
    nearest-neighbour, which leaves no checkerboard.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 4. Conditions and latent codes work as in `ResNet`.

    Args:
        depth: the number of residual blocks.
        width: channels after the first convolution; the blocks have 4 × width.
        norm: see `layers.norm_layer`.
        masked: see `layers.blend`.
        classes: labels that the condition, int64 (B,), chooses from; 0 for none.
        embedding: numbers of the condition, float (B, embedding), where it isn't a label; 0 for none.
        latent: numbers of a latent code, float (B, latent); 0 for none.
        attention: as in `ResNet`; not depthwise.
    """

    size_multiple = 4
    minimum_size = 8

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 6,
        width: int = 32,
        norm: str = "instance",
        masked: bool = False,
        classes: int = 0,
        embedding: int = 0,
        latent: int = 0,
        attention: bool | int = False,
    ):
        super().__init__()
        check_masked(masked, in_channels, out_channels)
        self.channels_last = lies_channels_last(norm)
        make_norm, bias = norm_layer(norm), needs_bias(norm)
        self.masked = masked
        self.classes, self.embedding, self.latent = classes, embedding, latent
        self.condition = Condition(classes, embedding, latent)
        size = self.condition.size
        self.encoder = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding=1, padding_mode="reflect", bias=bias),
            make_norm(width),
            nn.ReLU(inplace=True),
            *_separable(width, 2 * width, norm, stride=2),
            nn.ReLU(inplace=True),
            *_separable(2 * width, 4 * width, norm, stride=2),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(MobileBlock(4 * width, norm, size) for _ in range(depth)))
        self.attended = attended_place(attention, {4: 0, 2: 6})  # before that module of the decoder
        self.attention = _attention(self.attended, width)
        self.decoder = nn.Sequential(
            nn.Conv2d(4 * width, 2 * width, 1, bias=bias),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_separable(2 * width, 2 * width, norm, size=size),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * width, width, 1, bias=bias),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *_separable(width, width, norm, size=size),
            nn.ReLU(inplace=True),
            FewOutputsConv2d(width, out_channels + masked, 3, padding_mode="reflect"),
        )

    def forward(self, image: Tensor, condition: Tensor | None = None, latent: Tensor | None = None) -> Tensor:
        vector = self.condition(image, condition, latent)
        x = run(self.blocks, self.encoder(image), vector)  # (B, 4 width, H/4, W/4)
        layers = [*self.decoder]
        layers.insert(self.attended or 0, self.attention)
        return blend(image, run(layers, x, vector), self.masked)

    def encode(
        self,
        image: Tensor,
        layers: Sequence[int],
        condition: Tensor | None = None,
        latent: Tensor | None = None,
    ) -> list[Tensor]:
        """Activations on the way through encoder and blocks, for PatchNCE; see `tap`.

        Layers 0, 4, 8, 12, 16 are the image, the depthwise convolutions of both halvings, the first block and
        the fifth.
        """
        vector = self.condition(image, condition, latent)
        return tap([*self.encoder, *self.blocks], image, layers, vector)

    def encoded_channels(self, layers: Sequence[int]) -> list[int]:
        """How many channels the activations of `encode` have."""
        return tap_channels([*self.encoder, *self.blocks], layers)


class MobileBlock(Conditional):
    """x + two separable convolutions with a ReLU between; float32 (B, C, H, W) to the same.

    With `size`, a condition float (B, size) sets scale and shift of the norms.
    """

    def __init__(self, channels: int, norm: str, size: int = 0):
        super().__init__()
        self.branch = nn.Sequential(
            *_separable(channels, channels, norm, size=size),
            nn.ReLU(inplace=True),
            *_separable(channels, channels, norm, size=size),
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return x + run(self.branch, x, condition)


def _attention(place: int | None, width: int) -> nn.Module:
    """Before a module of a decoder: the first, which gets 4 × width channels, or a later, 2 × width."""
    return nn.Identity() if place is None else SelfAttention(2 * width if place else 4 * width)


def _separable(inputs: int, outputs: int, norm: str, stride: int = 1, size: int = 0) -> list[nn.Module]:
    """A depthwise 3×3 and a pointwise convolution, normalised once, after both."""
    return [
        nn.Conv2d(inputs, inputs, 3, stride=stride, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=needs_bias(norm)),
        maybe_conditional(norm, outputs, size),
    ]
