"""A residual generator that grows from small pictures to large ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.networks.attention import SelfAttention, attended_place
from translate.networks.layers import Generator, needs_bias, norm_layer
from translate.networks.resnet import ResidualBlock


class ProgressiveResNet(Generator):
    """Residual blocks at the smallest size, with one more halving and doubling around them at every stage.

    Progressive growing of Karras et al. 2018, §2 and figure 2, for picture-to-picture networks: the encoder
    mirrors the decoder. At stage s, pictures are given at 2**s times the size of stage 0 (a training that
    ends with 256² pictures in 4 stages starts with 32²). A new stage is faded in: with α, the input
    is both read at its own size and read at half of it as the stage before did, and the output is tanh of
    (1 − α) · (the stage before, enlarged) + α · (this stage).

    Stage and α are kept with the weights. A network is built complete, at its last stage with α = 1; a
    training sets them by `grow`.

    Maps float32 (B, in_channels, H, W) in [-1, 1] to (B, out_channels, H, W) in [-1, 1]; H and W are
    multiples of `size_multiple` = 2**(stages − 1), at an earlier stage of less.

    Args:
        depth: residual blocks in the middle.
        width: channels at the full size; each halving doubles them, up to 8 × width.
        stages: at how many sizes it is trained, at least 1.
        norm: see `layers.norm_layer`.
        attention: self-attention on the way up (see `attention.SelfAttention`) at a quarter of the last
            stage's size (at half of it where there are two stages), or at 1/n of it, n from 2 to
            2**(stages − 1). Stages whose pictures are smaller than that map are without.
        alpha: how far the last stage is faded in at the start, 0 to 1.
    """

    stage: Tensor
    alpha: Tensor

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        *,
        depth: int = 6,
        width: int = 32,
        stages: int = 4,
        norm: str = "instance",
        attention: bool | int = False,
        alpha: float = 1.0,
    ):
        super().__init__()
        if stages < 1 or not 0 <= alpha <= 1:
            raise ValueError(f"stages are at least 1 and alpha is in 0 … 1, not {stages} and {alpha}")
        self.stages = stages
        self.size_multiple = 2 ** (stages - 1)
        self.minimum_size = 2**stages  # the blocks' reflection needs two pixels
        # By stage: the first works at the smallest size and has the most channels.
        widths = [width * 2 ** min(stages - 1 - stage, 3) for stage in range(stages)]
        self.readers = nn.ModuleList(nn.Conv2d(in_channels, channels, 1) for channels in widths)
        self.writers = nn.ModuleList(nn.Conv2d(channels, out_channels, 1) for channels in widths)
        self.blocks = nn.Sequential(*(ResidualBlock(widths[0], norm) for _ in range(depth)))
        self.downs = nn.ModuleList(_layer(widths[s], widths[s - 1], norm) for s in range(1, stages))
        self.ups = nn.ModuleList(_layer(widths[s - 1], widths[s], norm) for s in range(1, stages))
        places = {2 ** (stages - 1 - stage): stage for stage in range(stages - 1)}
        self.attended = attended_place(attention, places)
        self.attention = nn.Identity() if self.attended is None else SelfAttention(widths[self.attended])
        self.register_buffer("stage", torch.tensor(stages - 1))
        self.register_buffer("alpha", torch.tensor(float(alpha)))
        # What `forward` goes by: a compiler doesn't know a buffer's value, and a GPU would have to be asked.
        self.place = (stages - 1, float(alpha))
        self.register_load_state_dict_post_hook(_remember_place)

    @torch.no_grad()
    def grow(self, stage: int, alpha: float = 1.0) -> None:
        """Work at this stage, with its newest layers faded in by alpha.

        Raises:
            ValueError: a stage that doesn't exist, an alpha outside 0 … 1.
        """
        if not 0 <= stage < self.stages or not 0 <= alpha <= 1:
            raise ValueError(
                f"stages are 0 … {self.stages - 1} and alpha is in 0 … 1, not {stage} and {alpha}"
            )
        self.stage.fill_(stage)
        self.alpha.fill_(alpha)
        self.place = (stage, float(alpha))

    @property
    def shrink(self) -> int:
        """How many times smaller than at the last stage the pictures of this stage are."""
        return 2 ** (self.stages - 1 - self.place[0])

    def forward(self, image: Tensor) -> Tensor:
        stage, alpha = self.place
        fading = stage > 0 and alpha < 1
        x = self.readers[stage](image)  # (B, channels of the stage, H, W)
        for level in range(stage, 0, -1):
            x = F.avg_pool2d(self.downs[level - 1](x), 2)
            if fading and level == stage:
                x = torch.lerp(self.readers[stage - 1](F.avg_pool2d(image, 2)), x, alpha)
        x = self.blocks(x)  # (B, 8 width, H / 2**stage, W / 2**stage)
        if self.attended == 0:
            x = self.attention(x)
        before = None
        for level in range(1, stage + 1):
            if fading and level == stage:
                before = _double(self.writers[stage - 1](x))
            x = self.ups[level - 1](_double(x))
            if level == self.attended:
                x = self.attention(x)
        x = self.writers[stage](x)
        return torch.tanh(x if before is None else torch.lerp(before, x, alpha))


def _remember_place(network: ProgressiveResNet, _: object) -> None:
    if not network.stage.is_meta:
        network.place = (int(network.stage), float(network.alpha))


def progress_to_stage(progress: float, stages: int) -> tuple[int, float]:
    """Where a training stands that gives every stage the same share: the stage, and its α.

    A stage after the first is faded in during the first half of its share, as in Karras et al. 2018,
    appendix A.1.

    Args:
        progress: 0 … 1, how much of the training is done.
    """
    place = min(max(progress, 0.0), 1.0) * stages
    stage = min(int(place), stages - 1)
    return stage, 1.0 if stage == 0 else min(1.0, 2 * (place - stage))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")


def _layer(inputs: int, outputs: int, norm: str) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=needs_bias(norm)),
        norm_layer(norm)(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )
