"""The options files that reference tools leave beside their weights: lines of `key: value`. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translate.weights.importers import names

FILES = ("train_opt.txt", "opt.txt", "test_opt.txt")  # how it was trained comes first


@dataclass(frozen=True)
class Options:
    """What an options file says, in the words of its tool; empty where there is none.

    Attributes:
        file: its name.
    """

    values: Mapping[str, str]
    file: str | None = None

    def __getitem__(self, key: str) -> str | None:
        return self.values.get(key)

    def number(self, key: str) -> int | None:
        """A whole number; None where the key is missing or something else."""
        text = self.values.get(key, "")
        return int(text) if text.isdecimal() else None

    def flag(self, key: str) -> bool | None:
        """True or False; None where the key is missing or something else."""
        return {"True": True, "False": False}.get(self.values.get(key, ""))

    @property
    def swapped(self) -> bool:
        """The training took the folder's b for its input."""
        return self["direction"] == "BtoA" or self["which_direction"] == "BtoA"


def read_options(weights: Path) -> Options:
    """The options beside a file of weights; a file that can't be read or isn't text counts as none."""
    for name in FILES:
        path = weights.with_name(name)
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        return Options(_parse(text), name)
    return Options({})


def _parse(text: str) -> dict[str, str]:
    """`key: value [default: other]` a line; rules and what is no pair are left out."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {key.strip(): value.partition("[default:")[0].strip() for key, _, value in pairs}


def find_domains(weights: Path, options: Options) -> tuple[str, str]:
    """What a and b are: of the folder of the training data, of the experiment's name, of the file's own.

    The data folder names its own sides, which `direction: BtoA` swaps; other names are read as input and
    output.
    """
    for part in reversed(re.split(r"[/\\]", options["dataroot"] or "")):
        if found := names.domains(part):
            return (found[1], found[0]) if options.swapped else found
    for name in (options["name"] or "", weights.stem, weights.absolute().parent.name):
        if found := names.domains(name):
            return found
    return "a", "b"


def contradictions(
    options: Options, architecture: str, arguments: Mapping[str, Any], side: str
) -> tuple[str, ...]:
    """Where the options say something else than the weights, one sentence each; the weights are right."""
    inputs, outputs = ("input_nc", "output_nc") if side == "a2b" else ("output_nc", "input_nc")
    of_weights = {
        "netG": _network_name(architecture, arguments),
        "ngf": arguments.get("width"),
        "norm": arguments.get("norm"),
        "normG": arguments.get("norm"),
        inputs: arguments.get("in_channels"),
        outputs: arguments.get("out_channels"),
    }
    if architecture == "resnet":  # a U-Net's weights don't show its dropout
        of_weights["no_dropout"] = not arguments.get("dropout")
    if architecture == "pix2pixhd":
        of_weights |= _of_pix2pixhd(options, arguments, inputs)
    return tuple(
        f"{options.file} says {key} {options[key]}, but the weights are of {key} {value}"
        for key, value in of_weights.items()
        if value is not None and options[key] is not None and options[key] != str(value)
    )


def _network_name(architecture: str, arguments: Mapping[str, Any]) -> str | None:
    if architecture == "unet":
        return f"unet_{2 ** arguments['depth']}"
    if architecture == "resnet":
        return f"resnet_{arguments['depth']}blocks"
    if architecture == "pix2pixhd":
        return "local" if arguments["enhancer"] else "global"
    return None


def _of_pix2pixhd(options: Options, arguments: Mapping[str, Any], inputs: str) -> dict[str, Any]:
    """Its input is made of labels, edges and features, so `input_nc` says nothing where there are labels."""
    labelled = options.number("label_nc") != 0
    return {
        "n_downsample_global": arguments["halvings"],
        "n_blocks_global": arguments["depth"],
        **({inputs: None} if labelled or options.flag("no_instance") is not True else {}),
    }
