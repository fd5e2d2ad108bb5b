"""Where the reference tools' networks keep what: their modules' names beside ours. Free of torch.

Their generators are `nn.Sequential`s numbered through, activations and paddings included, and nested ones in
a U-Net; read off the public code of pytorch-CycleGAN-and-pix2pix, CUT and pix2pixHD. One table serves
importing and exporting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SMALLEST_UNET = 5  # halvings that the reference code's U-Net has at least


@dataclass(frozen=True)
class Layer:
    """A module with weights, in both tools.

    Attributes:
        theirs, ours: its name, without `.weight` and the like.
        kind: `norm`, `filter` (of the anti-aliased networks; ours has none), or `convolution`.
    """

    theirs: str
    ours: str
    kind: str = "convolution"


def layers(architecture: str, arguments: Mapping[str, Any]) -> list[Layer]:
    """All modules with weights of a `unet`, `resnet` or `pix2pixhd`, in the order of the reference's files.

    A norm follows the convolution that it normalises. Whether norms have weights is the norm's affair: of
    instance norm these rows stay unused.
    """
    if architecture == "unet":
        return list(_unet(arguments["depth"]))
    if architecture == "resnet":
        return list(_resnet(arguments))
    if arguments["enhancer"]:
        return list(_enhanced(arguments))
    return list(_global(arguments, with_output=True))


def filter_rows(layer: Layer) -> tuple[list[float], float]:
    """What an anti-aliasing filter is the outer product of, and what its numbers sum up to.

    Before a doubling is filtered, three of four pixels are zeros; a sum of 4 makes up for them.
    """
    return ([1.0, 2.0, 1.0], 1.0) if layer.ours.startswith("encoder") else ([1.0, 3.0, 3.0, 1.0], 4.0)


def _unet(depth: int) -> Iterator[Layer]:
    """Every block holds the next one between its halving and its doubling."""
    prefixes = ["model.model", "model.model.1.model"]
    while len(prefixes) < depth:
        prefixes.append(f"{prefixes[-1]}.3.model")
    yield Layer(f"{prefixes[0]}.0", "encoder.0")
    for level in range(1, depth):
        yield Layer(f"{prefixes[level]}.1", f"encoder.{level}.1")
        if level < depth - 1:
            yield Layer(f"{prefixes[level]}.2", f"encoder.{level}.2", "norm")
    for place, level in enumerate(range(depth - 1, 0, -1)):
        up = 3 if level == depth - 1 else 5
        yield Layer(f"{prefixes[level]}.{up}", f"decoder.{place}.1.0")
        yield Layer(f"{prefixes[level]}.{up + 1}", f"decoder.{place}.2", "norm")
    yield Layer(f"{prefixes[0]}.3", "output.1.0")


def _resnet(arguments: Mapping[str, Any]) -> Iterator[Layer]:
    antialias, blur = arguments.get("antialias", False), arguments.get("upsampling") == "blur"
    theirs, ours = 1, 0
    for place in range(3):
        yield from _normalised(
            f"model.{theirs}", f"model.{theirs + 1}", f"encoder.{ours}", f"encoder.{ours + 1}"
        )
        theirs, ours = theirs + 3, ours + 3
        if antialias and place > 0:
            yield Layer(f"model.{theirs}", f"encoder.{ours}", "filter")
            theirs, ours = theirs + 1, ours + 1
    for block in range(arguments["depth"]):
        yield from _block(f"model.{theirs}", f"blocks.{block}", arguments.get("dropout", 0.0))
        theirs += 1
    for ours in (0, 3):
        if blur:
            yield Layer(f"model.{theirs}", f"decoder.{ours}.0", "filter")
            theirs += 1
        convolution = f"decoder.{ours}.{int(blur)}"
        yield from _normalised(f"model.{theirs}", f"model.{theirs + 1}", convolution, f"decoder.{ours + 1}")
        theirs += 3
    yield Layer(f"model.{theirs + 1}", "decoder.6")


def _global(arguments: Mapping[str, Any], *, with_output: bool) -> Iterator[Layer]:
    theirs, halvings = 1, arguments["halvings"]
    ours = 0
    for _ in range(1 + halvings):
        yield from _normalised(
            f"model.{theirs}", f"model.{theirs + 1}", f"coarse.{ours}", f"coarse.{ours + 1}"
        )
        theirs, ours = theirs + 3, ours + 3
    for _ in range(arguments["depth"]):
        yield from _block(f"model.{theirs}", f"coarse.{ours}")
        theirs, ours = theirs + 1, ours + 1
    for _ in range(halvings):
        yield from _normalised(
            f"model.{theirs}", f"model.{theirs + 1}", f"coarse.{ours}.0", f"coarse.{ours + 1}"
        )
        theirs, ours = theirs + 3, ours + 3
    if with_output:
        yield Layer(f"model.{theirs + 1}", "output")


def _enhanced(arguments: Mapping[str, Any]) -> Iterator[Layer]:
    yield from _global(arguments, with_output=False)
    yield from _normalised("model1_1.1", "model1_1.2", "down.0", "down.1")
    yield from _normalised("model1_1.4", "model1_1.5", "down.3", "down.4")
    blocks = arguments["local_blocks"]
    for block in range(blocks):
        yield from _block(f"model1_2.{block}", f"up.{block}")
    yield from _normalised(
        f"model1_2.{blocks}", f"model1_2.{blocks + 1}", f"up.{blocks}.0", f"up.{blocks + 1}"
    )
    yield Layer(f"model1_2.{blocks + 4}", "output")


def _block(theirs: str, ours: str, dropout: float = 0.0) -> Iterator[Layer]:
    shift = int(dropout > 0)  # a module more between the two convolutions
    inside, branch = f"{theirs}.conv_block", f"{ours}.branch"
    yield from _normalised(f"{inside}.1", f"{inside}.2", f"{branch}.0", f"{branch}.1")
    second = (5 + shift, 6 + shift, 3 + shift, 4 + shift)
    yield from _normalised(
        f"{inside}.{second[0]}", f"{inside}.{second[1]}", f"{branch}.{second[2]}", f"{branch}.{second[3]}"
    )


def _normalised(theirs: str, their_norm: str, ours: str, our_norm: str) -> Iterator[Layer]:
    yield Layer(theirs, ours)
    yield Layer(their_norm, our_norm, "norm")
