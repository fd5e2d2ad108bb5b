"""Replay of earlier fakes."""

from __future__ import annotations

import torch
from torch import Tensor


class ReplayPool:
    """A history of generated pictures that the discriminator keeps seeing.

    Shrivastava et al. 2017, §2.3, as CycleGAN uses it (Zhu et al. 2017, appendix 7.1): while the pool fills,
    pictures pass through; then each is, with probability ½, exchanged for a random earlier one.

    Args:
        capacity: pictures kept; 0 keeps none and lets everything through.
        seed: of the pool's own random generator, which is part of its state.
    """

    def __init__(self, capacity: int, seed: int):
        self.capacity = capacity
        self.images: list[Tensor] = []
        self.random = torch.Generator().manual_seed(seed)

    def exchange(self, images: Tensor) -> Tensor:
        """Fakes in, fakes out: (B, C, H, W), detached, any dtype and device."""
        images = images.detach()
        if self.capacity == 0:
            return images
        if self.images and self.images[0].shape != images.shape[1:]:
            self.images = []  # the training has gone on to larger pictures
        answer = []
        for image in images:
            if len(self.images) < self.capacity:
                self.images.append(image.clone())
                answer.append(image)
            elif torch.rand((), generator=self.random) < 0.5:
                place = int(torch.randint(self.capacity, (), generator=self.random))
                answer.append(self.images[place])
                self.images[place] = image.clone()
            else:
                answer.append(image)
        return torch.stack(answer)

    def state_dict(self) -> dict:
        """Pictures and random state, as `torch.save` takes them."""
        return {"images": list(self.images), "random": self.random.get_state()}

    def load_state_dict(self, state: dict, device: torch.device) -> None:
        """Take over a saved state; pictures go to `device`."""
        self.images = [image.to(device) for image in state["images"]]
        self.random.set_state(state["random"])
