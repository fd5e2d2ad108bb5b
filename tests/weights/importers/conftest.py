"""The reference tools' generators, rebuilt from torch's own layers with the keys of their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

BIASED = ("instance", "instance-old", "instance-affine")


def norm_of(name: str, channels: int) -> list[nn.Module]:
    return {
        "batch": lambda: [nn.BatchNorm2d(channels)],
        "batch-bare": lambda: [nn.BatchNorm2d(channels, track_running_stats=False)],
        "instance": lambda: [nn.InstanceNorm2d(channels)],
        # What torch 0.3 wrote, and later versions when asked: averages that nobody uses in training mode.
        "instance-old": lambda: [nn.InstanceNorm2d(channels, track_running_stats=True)],
        "instance-affine": lambda: [nn.InstanceNorm2d(channels, affine=True)],
        "none": lambda: [nn.Identity()],
    }[name]()


class Down(nn.Module):
    """CUT's filter before halving, written out as a convolution of every channel."""

    def __init__(self, channels: int):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("filt", (torch.outer(row, row) / 16).expand(channels, 1, 3, 3).clone())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), self.filt, stride=2, groups=x.shape[1])


class Up(nn.Module):
    """CUT's filter after doubling, written out as a transposed convolution of every channel."""

    def __init__(self, channels: int):
        super().__init__()
        row = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("filt", (torch.outer(row, row) / 16).expand(channels, 1, 4, 4).clone())

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), "replicate")
        wide = F.conv_transpose2d(padded, self.filt, stride=2, padding=2, groups=x.shape[1])
        return wide[:, :, 1:-1, 1:-1]


class Block(nn.Module):
    def __init__(self, channels: int, norm: str, bias: bool, dropout: bool):
        super().__init__()

        def half() -> list[nn.Module]:
            convolution = nn.Conv2d(channels, channels, 3, bias=bias)
            return [nn.ReflectionPad2d(1), convolution, *norm_of(norm, channels)]

        middle = [nn.ReLU(), *([nn.Dropout(0.5)] if dropout else [])]
        self.conv_block = nn.Sequential(*half(), *middle, *half())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Residual(nn.Module):
    """A sequence under the name `model`: stem, halvings, blocks, doublings, output."""

    def __init__(self, width: int = 8, blocks: int = 6, norm: str = "instance", dropout: bool = False,
                 antialias: bool = False, antialias_up: bool = False, halvings: int = 2,
                 channels: tuple[int, int] = (3, 3), bias: bool | None = None):  # fmt: skip
        super().__init__()
        bias = norm in BIASED if bias is None else bias
        inputs, outputs = channels
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7, bias=bias)]
        layers += [*norm_of(norm, width), nn.ReLU()]
        for level in range(halvings):
            now, then = width * 2**level, width * 2 ** (level + 1)
            stride = 1 if antialias else 2
            layers += [nn.Conv2d(now, then, 3, stride=stride, padding=1, bias=bias)]
            layers += [*norm_of(norm, then), nn.ReLU(), *([Down(then)] if antialias else [])]
        layers += [Block(width * 2**halvings, norm, bias, dropout) for _ in range(blocks)]
        for level in reversed(range(halvings)):
            now, then = width * 2 ** (level + 1), width * 2**level
            if antialias_up:
                layers += [Up(now), nn.Conv2d(now, then, 3, padding=1, bias=bias)]
            else:
                layers += [nn.ConvTranspose2d(now, then, 3, stride=2, padding=1, output_padding=1, bias=bias)]
            layers += [*norm_of(norm, then), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Enhanced(nn.Module):
    """pix2pixHD's local enhancer around a global generator without its last three modules."""

    def __init__(
        self, width: int = 4, blocks: int = 2, local: int = 2, halvings: int = 3, norm: str = "instance"
    ):
        super().__init__()
        inside = Residual(2 * width, blocks, norm, halvings=halvings, bias=True)
        self.model = inside.model[:-3]
        self.model1_1 = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), *norm_of(norm, width), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), *norm_of(norm, 2 * width), nn.ReLU(),
        )  # fmt: skip
        self.model1_2 = nn.Sequential(
            *(Block(2 * width, norm, True, False) for _ in range(local)),
            nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1),
            *norm_of(norm, width), nn.ReLU(), nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh(),
        )  # fmt: skip
        self.downsample = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.model1_2(self.model1_1(x) + self.model(self.downsample(x)))


class Nested(nn.Module):
    """A block of the U-Net, around the next."""

    def __init__(self, outer: int, inner: int, norm: str, child: nn.Module | None = None,
                 inputs: int | None = None, dropout: bool = False):  # fmt: skip
        super().__init__()
        self.outermost = inputs is not None
        bias = norm in BIASED
        down = nn.Conv2d(inputs or outer, inner, 4, stride=2, padding=1, bias=bias)
        narrow = inner if child is None else 2 * inner
        up = nn.ConvTranspose2d(narrow, outer, 4, stride=2, padding=1, bias=bias or self.outermost)
        if self.outermost:
            assert child is not None
            layers = [down, child, nn.ReLU(), up, nn.Tanh()]
        elif child is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, *norm_of(norm, outer)]
        else:
            layers = [
                nn.LeakyReLU(0.2),
                down,
                *norm_of(norm, inner),
                child,
                nn.ReLU(),
                up,
                *norm_of(norm, outer),
            ]
            layers += [nn.Dropout(0.5)] if dropout else []
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class UNet(nn.Module):
    def __init__(self, depth: int = 5, width: int = 4, norm: str = "batch", dropout: bool = True,
                 channels: tuple[int, int] = (3, 3)):  # fmt: skip
        super().__init__()
        block = Nested(8 * width, 8 * width, norm)
        for _ in range(depth - 5):
            block = Nested(8 * width, 8 * width, norm, block, dropout=dropout)
        for factor in (4, 2, 1):
            block = Nested(factor * width, 2 * factor * width, norm, block)
        self.model = Nested(channels[1], width, norm, block, inputs=channels[0])

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


REFERENCES: dict[str, Callable[..., nn.Module]] = {"residual": Residual, "enhanced": Enhanced, "unet": UNet}


def settle(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights, scales and averages that make a difference, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    state = network.state_dict()
    for key, tensor in state.items():
        if key.endswith("filt") or not tensor.is_floating_point():
            continue
        drawn = torch.randn(tensor.shape, generator=generator)
        if tensor.ndim == 4:
            drawn = drawn / tensor[0].numel() ** 0.5
        elif key.endswith("running_var"):
            drawn = drawn.abs() + 0.5
        tensor.copy_(drawn)
    network.load_state_dict(state)
    return network.eval()


@pytest.fixture(scope="session")
def reference() -> Callable[..., nn.Module]:
    """A reference network by name and arguments, with weights of a seed."""

    def build(name: str, seed: int = 0, **arguments) -> nn.Module:
        return settle(REFERENCES[name](**arguments), seed)

    return build


@pytest.fixture(scope="session")
def checkpoints() -> Path:
    """Real files of pytorch-CycleGAN-and-pix2pix beside the repository, with what they answer."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "peer_checkpoints"
    if not folder.is_dir():
        pytest.skip("the other tool's checkpoints (../shared/fixtures/peer_checkpoints) are not here")
    return folder
