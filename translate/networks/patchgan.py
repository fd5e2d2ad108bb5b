"""Discriminators that judge patches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from torch import Tensor, nn

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.conditioning import conditioning_layer, refuse_condition
from translate.networks.layers import Discriminator, needs_bias, norm_layer
from translate.networks.minibatch import minibatch_layer
from translate.networks.spectral import spectral as normalise


class PatchGAN(Discriminator):
    """A convolutional classifier of overlapping patches.

    Isola et al. 2017, appendix 6.1.2. `layers` = 3 is the 70×70 PatchGAN (width 64: 2.76 M parameters with
    instance norm and 3 input channels, 2.77 M with batch norm and 6), 1 sees 16×16, 5 sees 286×286 pixels.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, H', W').

    Args:
        layers: strided convolutions, at least 1.
        width: channels after the first convolution; deeper ones have up to 8 × width.
        spectral: normalise every weight, see `spectral.spectral`.
        attention: self-attention at the second-last scale, that of the last but one strided convolution, or
            at 1/n of the size, n from 2 to 2**layers.
        minibatch: what the verdict sees of the rest of the batch: `none`, `stddev` or `discrimination`, see
            `minibatch`.
        conditioning: how it learns of the condition: `none`, `input`, `hidden`, `projection` or `classifier`,
            see `conditioning`. Each needs one of the next two.
        classes: the condition is a label, int64 (B,), of so many.
        embedding: the condition is float (B, embedding).
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        layers: int = 3,
        width: int = 64,
        norm: str = "batch",
        spectral: bool = False,
        attention: bool | int = False,
        minibatch: str = "none",
        conditioning: str = "none",
        classes: int = 0,
        embedding: int = 0,
    ):
        super().__init__()
        check_layers(layers)
        widths = patch_widths(layers, width)
        self.minimum_size = minimum_of(layers)
        self.conditioning = conditioning_layer(
            conditioning, widths[-1], classes=classes, embedding=embedding, window=4, padding=1
        )
        self.minibatch = minibatch_layer(minibatch, widths[-1])
        verdict = nn.Conv2d(widths[-1] + self.minibatch.added, 1, 4, padding=1)
        inputs = in_channels + self.conditioning.planes
        self.body = nn.Sequential(*patch_layers(inputs, widths, norm), verdict)
        places = {2 ** (layer + 1): layer for layer in range(layers)}
        self.attended = attended_place(attention, places, usual=2 ** max(1, layers - 1))
        self.attention = nn.Identity() if self.attended is None else SelfAttention(widths[self.attended])
        if spectral:
            normalise(self)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits (B, 1, H', W'); the condition is int64 (B,) for `classes`, float (B, E) for `embedding`."""
        hidden = self._activations(image, condition)[-1]
        logits = self.body[-1](self.minibatch(hidden))
        return self.conditioning.verdict(logits, hidden, condition)

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H', W') after every non-linearity, in a list of one scale."""
        return [self._activations(image, condition)]

    def classify(self, image: Tensor) -> Tensor:
        """Logits of the classes, (B, classes).

        Raises:
            ValueError: the conditioning isn't `classifier`.
        """
        return self.conditioning.classify(self._activations(image, None)[-1])

    def _activations(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        *layers, _ = self.body
        image = self.conditioning.before(image, condition)
        after = {} if self.attended is None else {self.attended: self.attention}
        found = activations(layers, image, after)
        found[-1] = self.conditioning.inside(found[-1], condition)
        return found


class PixelGAN(Discriminator):
    """A classifier of single pixels: 1×1 convolutions only (Isola et al. 2017, §3.2, the 1×1 "PixelGAN").

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, H, W).
    """

    minimum_size = 1

    def __init__(self, in_channels: int = 3, *, width: int = 64, norm: str = "batch", spectral: bool = False):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 1, bias=needs_bias(norm)),
            norm_layer(norm)(2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1, bias=needs_bias(norm)),
        )
        if spectral:
            normalise(self)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits (B, 1, H, W); takes no condition."""
        refuse_condition(condition)
        return self.body(image)

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H, W) after both non-linearities, in a list of one scale."""
        refuse_condition(condition)
        first = self.body[:2](image)
        return [[first, self.body[2:5](first)]]


class ImageGAN(Discriminator):
    """One verdict for the whole picture: a PatchGAN whose logits are averaged.

    Isola et al. 2017, §3.2 and appendix 6.1.2, run the patch classifier over the picture and average; with
    5 layers the patch is 286×286, the paper's "ImageGAN" for 256² pictures.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, 1, 1).
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        layers: int = 5,
        width: int = 64,
        norm: str = "batch",
        spectral: bool = False,
    ):
        super().__init__()
        self.patches = PatchGAN(in_channels, layers=layers, width=width, norm=norm, spectral=spectral)
        self.minimum_size = self.patches.minimum_size

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits (B, 1, 1, 1); takes no condition."""
        return self.patches(image, condition).mean((2, 3), keepdim=True)

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H', W') after every non-linearity, in a list of one scale."""
        return self.patches.features(image, condition)


class SemiSupervised(Discriminator):
    """K + 1 classes, the last of which is "generated": it learns from few labels and many pictures without.

    Salimans et al. 2016, "Improved techniques for training GANs", §5, with the logit of "generated" fixed at
    0, which costs no generality: from logits l of the K classes, D(x) = Z / (Z + 1) with Z = Σ exp l, so that
    log Z is the discriminator's logit and every adversarial objective applies. Patchwise, as a PatchGAN.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to logits (B, 1, H', W').

    Args:
        classes: K.
        layers: as in `PatchGAN`; `width`, `norm` and `spectral`, too.
    """

    def __init__(
        self,
        in_channels: int = 3,
        *,
        classes: int,
        layers: int = 3,
        width: int = 64,
        norm: str = "batch",
        spectral: bool = False,
    ):
        super().__init__()
        check_layers(layers)
        if classes < 1:
            raise ValueError(f"a semi-supervised discriminator needs at least 1 class, not {classes}")
        widths = patch_widths(layers, width)
        self.minimum_size = minimum_of(layers)
        self.body = nn.Sequential(
            *patch_layers(in_channels, widths, norm), nn.Conv2d(widths[-1], classes, 4, padding=1)
        )
        if spectral:
            normalise(self)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits (B, 1, H', W'); takes no condition."""
        refuse_condition(condition)
        return self.body(image).logsumexp(1, keepdim=True)

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Activations (B, C, H', W') after every non-linearity, in a list of one scale."""
        refuse_condition(condition)
        *layers, _ = self.body
        return [activations(layers, image)]

    def classify(self, image: Tensor) -> Tensor:
        """Logits of the K classes, the mean over patches, (B, K)."""
        return self.body(image).mean((2, 3))


def patch_layers(inputs: int, widths: list[int], norm: str) -> list[nn.Module]:
    """A PatchGAN's layers but the verdict: 4×4 convolutions, halving but for the last."""
    make_norm, bias = norm_layer(norm), needs_bias(norm)
    parts: list[nn.Module] = [
        nn.Conv2d(inputs, widths[0], 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for layer, (narrow, wide) in enumerate(pairwise(widths), start=1):
        stride = 2 if layer < len(widths) - 1 else 1
        parts += [
            nn.Conv2d(narrow, wide, 4, stride=stride, padding=1, bias=bias),
            make_norm(wide),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return parts


def activations(
    layers: Iterable[nn.Module], x: Tensor, after: Mapping[int, nn.Module] | None = None
) -> list[Tensor]:
    """What comes out of every leaky ReLU; where `after` names its place, of that module behind it."""
    found = []
    for layer in layers:
        x = layer(x)
        if isinstance(layer, nn.LeakyReLU):
            if after and len(found) in after:
                x = after[len(found)](x)
            found.append(x)
    return found


def patch_widths(layers: int, width: int) -> list[int]:
    """Channels after each of a PatchGAN's layers but the verdict."""
    return [width * min(2**layer, 8) for layer in range(layers + 1)]


def minimum_of(layers: int) -> int:
    """The smallest picture for so many strided layers: the last two convolutions take a pixel each."""
    return 3 * 2**layers


def check_layers(layers: int) -> None:
    """Refuse a patch discriminator without layers.

    Raises:
        ValueError: fewer than 1.
    """
    if layers < 1:
        raise ValueError(f"a PatchGAN needs at least 1 layer, not {layers}; `pixel` judges single pixels")
