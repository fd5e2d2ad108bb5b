"""What two pictures are compared by, where pixels are too literal: the features of a frozen network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from translate.errors import UsageError, did_you_mean
from translate.networks.backbones import EfficientNetLite, Frozen, freeze
from translate.networks.pinned import Located, Pinned, locate, obtain

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of RGB in [0, 1]
FIRST_OF_EACH_SCALE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


class VGG19(Frozen):
    """Layers of a VGG-19 trained on ImageNet; it never learns, and gradients pass it to the picture.

    Simonyan & Zisserman 2015, configuration E, with torchvision's weights `IMAGENET1K_V1`. Only what the
    deepest layer asked for needs is kept: 12.9 of 143.7 million numbers up to `relu5_1`. They are buffers
    outside state dicts and lie channels last, as those of `backbones.EfficientNetLite`.

    Without `load` it has shapes but no numbers (it is on the meta device): it can plan, and nothing else.

    Maps float32 (B, 3, H, W) in [-1, 1], at least 16×16, to one map a layer: (B, 64·2ⁱ, H / 2ⁱ, W / 2ⁱ) of
    scale i, rounded down, at most 512 channels. The picture is normalised by ImageNet's mean and deviation.

    Args:
        layers: `conv` or `relu`, then scale and place as in `relu4_2`, in the network's order.

    Raises:
        ValueError: an unknown layer, or layers out of order.
    """

    name = "vgg19"
    minimum_size = 16  # pixels, halved four times

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Sequence[str] = FIRST_OF_EACH_SCALE):
        super().__init__()
        with torch.device("meta"):
            features = _architecture()
        names = _layer_names(features)
        unknown = [layer for layer in layers if layer not in names or layer.startswith("pool")]
        if unknown or not layers:
            raise ValueError(f"VGG-19 has no layer {', '.join(unknown) or 'without a name'}; e.g. relu4_2")
        ends = [0, *(names.index(layer) + 1 for layer in layers)]
        if any(start >= end for start, end in pairwise(ends)):
            raise ValueError(f"the layers {', '.join(layers)} are not in the network's order")
        self.stages = nn.ModuleList(features[start:end] for start, end in pairwise(ends))
        for stage in self.stages:
            if isinstance(first := next(stage.children()), nn.ReLU):
                first.inplace = False  # what it sees is a result
        freeze(self)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None] * 2 - 1, persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD)[:, None, None] * 2, persistent=False)
        self.train(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        if next(self.stages.buffers()).is_meta and not image.is_meta:
            raise RuntimeError("a VGG-19 without weights sees nothing; call load first")
        x = ((image - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def load(self, folder: Path | None = None, *, progress: bool = False) -> VGG19:
        """Fill in the weights, from `folder` or torch's hub cache; see `pinned.obtain`. Returns itself.

        Raises:
            ModelError: the file can't be had, or isn't the right one.
            OutputError: the cache can't be written.
        """
        path = obtain(weights_of_vgg19(), folder, progress=progress)
        stored = torch.load(path, map_location="cpu", weights_only=True)
        device = torch.get_default_device()
        for stage in self.stages:
            for name, part in stage.named_children():  # slices keep the names of the whole
                for kind, _ in list(part.named_buffers(recurse=False)):
                    tensor = stored[f"features.{name}.{kind}"].detach().float().to(device)
                    setattr(part, kind, _channels_last(tensor))
        return self


class PerceptualFeatures(nn.Module):
    """A frozen backbone by name, and how much each of its layers counts in `losses.perceptual`.

    - `vgg19`: the first layer of each scale, weights 1/32, 1/16, 1/8, 1/4, 1, as in the code of Wang et al.
      2018 (pix2pixHD). That code shows it pictures in [-1, 1]; here they are normalised as it was trained.
    - `efficientnet-lite0`: the ends of its four stages, weights 1/64, 1/32, 1/16, 1/8: twice as much with
      every halving, too, and such that two unlike photographs are about 1 apart (measured: 1.2).

    Maps float32 (B, 3, H, W) or grey (B, 1, H, W) in [-1, 1] to a list of maps, one for each of `weights`.

    Raises:
        UsageError: an unknown name, or a package is missing.
    """

    def __init__(self, name: str = "vgg19"):
        super().__init__()
        if name not in WEIGHTS:
            raise UsageError(
                f"unknown backbone {name!r}{did_you_mean(name, WEIGHTS)}; choose one of {', '.join(WEIGHTS)}"
            )
        self.name, self.weights = name, WEIGHTS[name]
        self.backbone = VGG19() if name == "vgg19" else EfficientNetLite(name)
        self.minimum_size = self.backbone.minimum_size if isinstance(self.backbone, VGG19) else 1

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.backbone(image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image)

    def load(self, folder: Path | None = None, *, progress: bool = False) -> PerceptualFeatures:
        """Fill in weights that no package brings; see `VGG19.load`. Returns itself."""
        if isinstance(self.backbone, VGG19):
            self.backbone.load(folder, progress=progress)
        return self

    def located(self, folder: Path | None = None) -> Located | None:
        """The file that `load` would read, or download; None where a package brings the weights.

        Raises:
            ModelError: it is not in `folder`, or isn't the right one.
        """
        return locate(weights_of_vgg19(), folder) if isinstance(self.backbone, VGG19) else None


WEIGHTS: dict[str, tuple[float, ...]] = {
    "vgg19": (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0),
    "efficientnet-lite0": (1 / 64, 1 / 32, 1 / 16, 1 / 8),
}


def weights_of_vgg19() -> Pinned:
    """Torchvision's own: the name of the file holds the first digits of its checksum."""
    from torchvision.models import VGG19_Weights

    url = VGG19_Weights.IMAGENET1K_V1.url
    return Pinned(url, url.rpartition("-")[2].removesuffix(".pth"), size=574_673_361)


def _architecture() -> Any:
    from torchvision.models import vgg19  # only here: importing it takes a second

    return vgg19().features


def _layer_names(features: nn.Sequential) -> list[str]:
    """conv1_1, relu1_1, conv1_2, …, pool1, conv2_1, …"""
    names, scale, place = [], 1, 0
    for layer in features:
        if isinstance(layer, nn.MaxPool2d):
            names.append(f"pool{scale}")
            scale, place = scale + 1, 0
            continue
        place += isinstance(layer, nn.Conv2d)
        names.append(f"{'conv' if isinstance(layer, nn.Conv2d) else 'relu'}{scale}_{place}")
    return names


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
