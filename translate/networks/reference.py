"""A discriminator that always sees the same few pictures besides, for virtual batch norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from translate.networks.layers import Discriminator
from translate.networks.minibatch import MinibatchDiscrimination, MinibatchStdDev
from translate.networks.virtual_norm import VirtualBatchNorm2d


class WithReference(Discriminator):
    """Puts a reference batch before every batch, and takes its answers away; see `VirtualBatchNorm2d`.

    The reference is what `hold` is first given, and stays in the state dict. It passes through the network
    anew each time, with the weights of the moment, so every call costs its pictures more; gradients go
    through it to the weights. Of embeddings that are learnt along it keeps the first.

    Args:
        network: with virtual batch norm somewhere.
        pictures: shape of the reference, (R, C, H, W); every batch has its C, H and W.
        classes: of labels, int64 (B,), where the network is told these; R labels are held, too.
        embedding: length of embeddings, float (B, embedding), likewise.

    Raises:
        ValueError: the network has no virtual batch norm, or looks at whole batches besides.
    """

    reference: Tensor
    reference_condition: Tensor | None

    def __init__(
        self,
        network: Discriminator,
        pictures: tuple[int, int, int, int],
        *,
        classes: int = 0,
        embedding: int = 0,
    ):
        super().__init__()
        norms = [part for part in network.modules() if isinstance(part, VirtualBatchNorm2d)]
        if not norms:
            raise ValueError("a reference batch is for virtual batch norm, which the network has not")
        if any(isinstance(part, MinibatchStdDev | MinibatchDiscrimination) for part in network.modules()):
            raise ValueError(
                "what looks at the whole batch would see the reference of virtual batch norm, too"
            )
        self.network, self.minimum_size = network, network.minimum_size
        self.held = False
        self.register_buffer("reference", torch.zeros(pictures))
        self.register_buffer("reference_condition", _nothing_said(pictures[0], classes, embedding))
        for norm in norms:
            norm.references = pictures[0]

    def hold(self, pictures: Tensor, condition: Tensor | None = None) -> None:
        """Make these the reference, for good: later calls change nothing.

        Raises:
            ValueError: they are fewer than the reference is to have, or of another shape.
        """
        if self.held:
            return
        count = len(self.reference)
        if pictures[:count].shape != self.reference.shape:
            raise ValueError(
                f"the reference batch is to be {tuple(self.reference.shape)}, not {tuple(pictures.shape)}"
            )
        self.reference.copy_(pictures[:count].detach())
        if self.reference_condition is not None and condition is not None:
            self.reference_condition.copy_(condition[:count].detach())
        self.held = True

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor | list[Tensor]:
        answer = self.network(*self._together(image, condition))
        return self._apart(answer) if isinstance(answer, Tensor) else [self._apart(x) for x in answer]

    def features(self, image: Tensor, condition: Tensor | None = None) -> list[list[Tensor]]:
        """Of the pictures alone."""
        found = self.network.features(*self._together(image, condition))  # type: ignore[operator]
        return [[self._apart(layer) for layer in scale] for scale in found]

    def classify(self, image: Tensor) -> Tensor:
        """Logits of the classes, where the network has them."""
        return self._apart(self.network.classify(*self._together(image, None)))  # type: ignore[operator]

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.held)

    def set_extra_state(self, state: Tensor) -> None:
        self.held = bool(state)

    def _together(self, image: Tensor, condition: Tensor | None) -> tuple[Tensor, ...]:
        if not self.held:
            raise RuntimeError(
                "a discriminator with virtual batch norm has no reference batch yet; call hold"
            )
        both = torch.cat([self.reference.to(image.dtype), image])
        if condition is None or self.reference_condition is None:
            return (both,)
        return both, torch.cat([self.reference_condition, condition])

    def _apart(self, answer: Tensor) -> Tensor:
        return answer[len(self.reference) :]


def with_reference(
    network: Discriminator, pictures: tuple[int, int, int, int], *, classes: int = 0, embedding: int = 0
) -> Discriminator:
    """The network itself, or, if it has virtual batch norm, in a `WithReference`."""
    if not any(isinstance(part, VirtualBatchNorm2d) for part in network.modules()):
        return network
    return WithReference(network, pictures, classes=classes, embedding=embedding)


def introduce(discriminator: nn.Module, pictures: Tensor, condition: Tensor | None = None) -> None:
    """Hold the first real pictures as the reference, of a discriminator that wants one."""
    if isinstance(discriminator, WithReference):
        discriminator.hold(pictures, condition)


def _nothing_said(count: int, classes: int, embedding: int) -> Tensor | None:
    if embedding:
        return torch.zeros(count, embedding)
    return torch.zeros(count, dtype=torch.long) if classes else None
