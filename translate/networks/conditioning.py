"""How a discriminator learns what its picture should show: a label or an embedding, at one of four places.

Each way is a module with three hooks in the order of a discriminator: `before` its first layer, `inside` on
its last activations, and in the `verdict`. All take the condition: labels int64 (B,) or embeddings float
(B, E).
"""

from __future__ import annotations

from torch import Tensor, cat, nn
from torch.nn import functional as F

CONDITIONING = ("none", "input", "hidden", "projection", "classifier")
PLANES = 16  # of a condition beside the picture's channels
CODE = 128  # of a condition beside the last activations, Reed et al. 2016, §4.1


class Conditioning(nn.Module):
    """No condition: the hooks change nothing.

    Attributes:
        planes: channels that `before` appends.
    """

    planes = 0

    def before(self, image: Tensor, condition: Tensor | None) -> Tensor:
        """(B, C, H, W) -> (B, C + planes, H, W)."""
        refuse_condition(condition)
        return image

    def inside(self, hidden: Tensor, condition: Tensor | None) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return hidden

    def verdict(self, logits: Tensor, hidden: Tensor, condition: Tensor | None) -> Tensor:
        """(B, 1, H', W'), and the activations (B, C, H, W) that it was made of, -> (B, 1, H', W')."""
        return logits

    def classify(self, hidden: Tensor) -> Tensor:
        """(B, C, H, W) -> logits of the classes, (B, classes).

        Raises:
            ValueError: this discriminator has no classifier.
        """
        raise ValueError("this discriminator classifies nothing; build it with conditioning='classifier'")


class Code(nn.Module):
    """A condition as `size` learnt numbers: labels int64 (B,) or embeddings float (B, E) to (B, size).

    Embeddings are compressed by a linear layer and a leaky ReLU (Reed et al. 2016, §4.1), or by the linear
    layer alone (`linear`). Labels choose a row of a table.

    Raises (when called):
        ValueError: no condition, or one of the wrong kind or shape.
    """

    def __init__(self, classes: int, embedding: int, size: int, *, linear: bool = False):
        super().__init__()
        self.classes, self.embedding = classes, embedding
        self.table = nn.Embedding(classes, size) if classes else nn.Linear(embedding, size, bias=not linear)
        self.slope = 1.0 if linear or classes else 0.2

    def forward(self, condition: Tensor | None) -> Tensor:
        wanted = "labels, int64 (B,)" if self.classes else f"embeddings, float (B, {self.embedding})"
        if condition is None:
            raise ValueError(f"this discriminator judges pictures together with {wanted}; none were given")
        fits = condition.ndim == 1 if self.classes else condition.shape[1:] == (self.embedding,)
        if not fits or condition.is_floating_point() == bool(self.classes):
            kind = f"{str(condition.dtype).removeprefix('torch.')} {tuple(condition.shape)}"
            raise ValueError(f"this discriminator's condition is {wanted}, not {kind}")
        return F.leaky_relu(self.table(condition), self.slope)


class InputConcat(Conditioning):
    """The condition as constant planes beside the picture's channels (Mirza & Osindero 2014)."""

    planes = PLANES

    def __init__(self, classes: int, embedding: int):
        super().__init__()
        self.code = Code(classes, embedding, PLANES)

    def before(self, image: Tensor, condition: Tensor | None) -> Tensor:
        return cat([image, _as_planes(self.code(condition), image)], 1)


class HiddenConcat(Conditioning):
    """The condition as constant planes beside the last activations, mixed in by a 1×1 convolution.

    Reed et al. 2016, "Generative adversarial text to image synthesis", §4.1.
    """

    def __init__(self, channels: int, classes: int, embedding: int):
        super().__init__()
        self.code = Code(classes, embedding, CODE)
        self.mix = nn.Conv2d(channels + CODE, channels, 1)

    def before(self, image: Tensor, condition: Tensor | None) -> Tensor:
        return image

    def inside(self, hidden: Tensor, condition: Tensor | None) -> Tensor:
        return F.leaky_relu(self.mix(cat([hidden, _as_planes(self.code(condition), hidden)], 1)), 0.2)


class Projection(Conditioning):
    """logit + ⟨V y, φ(x)⟩ (Miyato & Koyama 2018, "cGANs with projection discriminator", eq. 4).

    φ at a logit is the mean of the activations that its window covers, so that every patch's verdict is
    conditioned, too. V starts small, as the DCGAN rule draws weights: N(0, 0.02).

    Args:
        window: height and width of the convolution that makes the logits, padded by `padding`.
    """

    def __init__(self, channels: int, classes: int, embedding: int, *, window: int = 1, padding: int = 0):
        super().__init__()
        self.code = Code(classes, embedding, channels, linear=True)
        nn.init.normal_(self.code.table.weight, 0.0, 0.02)
        self.window, self.padding = window, padding

    def before(self, image: Tensor, condition: Tensor | None) -> Tensor:
        return image

    def verdict(self, logits: Tensor, hidden: Tensor, condition: Tensor | None) -> Tensor:
        agreement = (hidden * self.code(condition)[:, :, None, None]).sum(1, keepdim=True)  # (B, 1, H, W)
        return logits + F.avg_pool2d(agreement, self.window, stride=1, padding=self.padding)


class Classifier(Conditioning):
    """The discriminator tells classes apart besides; its verdict doesn't depend on the label.

    Odena et al. 2017, "Conditional image synthesis with auxiliary classifier GANs" (AC-GAN), eq. 2 and 3.
    """

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.head = nn.Linear(channels, classes)

    def before(self, image: Tensor, condition: Tensor | None) -> Tensor:
        return image

    def classify(self, hidden: Tensor) -> Tensor:
        return self.head(hidden.mean((2, 3)))


def conditioning_layer(
    name: str, channels: int, *, classes: int = 0, embedding: int = 0, window: int = 1, padding: int = 0
) -> Conditioning:
    """Build one by name: `none`, `input`, `hidden`, `projection` or `classifier`.

    Args:
        channels: of the last activations.
        classes: how many labels there are, for labels.
        embedding: how many numbers an embedding has, for embeddings.
        window: see `Projection`.
        padding: see `Projection`.

    Raises:
        ValueError: the name is unknown, or the rest doesn't fit it.
    """
    if name not in CONDITIONING:
        raise ValueError(f"unknown conditioning {name!r}; choose one of {', '.join(CONDITIONING)}")
    if classes and embedding:
        raise ValueError(
            "a discriminator takes labels or embeddings, not both: set classes or embedding to 0"
        )
    if name == "none" and (classes or embedding):
        raise ValueError(f"classes or an embedding need a conditioning: one of {', '.join(CONDITIONING[1:])}")
    if name == "classifier" and not classes:
        raise ValueError("conditioning 'classifier' tells labels apart, so it needs classes")
    if name != "none" and not (classes or embedding):
        raise ValueError(f"conditioning {name!r} needs classes or an embedding")
    if name == "input":
        return InputConcat(classes, embedding)
    if name == "hidden":
        return HiddenConcat(channels, classes, embedding)
    if name == "projection":
        return Projection(channels, classes, embedding, window=window, padding=padding)
    return Classifier(channels, classes) if name == "classifier" else Conditioning()


def refuse_condition(condition: Tensor | None) -> None:
    """Say so where a condition would be ignored.

    Raises:
        ValueError: there is a condition.
    """
    if condition is not None:
        raise ValueError("this discriminator was built without a condition, but is given one")


def _as_planes(code: Tensor, picture: Tensor) -> Tensor:
    return code[:, :, None, None].expand(-1, -1, *picture.shape[2:])
