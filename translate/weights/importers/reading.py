"""From a file of another tool to a state dict, by weights-only unpickling: nothing in a file is ever run."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from translate.errors import ModelError
from translate.weights.first_bytes import ARCHIVE, first_bytes

# The averaged weights first: where a file has both, they are what its tool converts with.
WRAPPERS = (
    "params_ema",
    "params-ema",
    "model_ema",
    "ema",
    "g_ema",
    "G_ema",
    "params",
    "state_dict",
    "model_state_dict",
    "netG",
    "generator",
    "model",
    "net",
    "weights",
)
PREFIXES = ("module.", "_orig_mod.", "netG.", "generator_ema.", "generator.", "net_g.")
SCHEDULES = {"optimizer", "optimizers", "optimizer_state_dict", "schedulers", "scheduler", "lr_schedulers"}
_SHOWN_NAMES = 3
_DEEPEST = 3
_MEANS = "torch.save(network.state_dict(), …)"
_STARTS = (
    (b"version https://git-lfs", "is the pointer that Git LFS leaves instead of a file; run `git lfs pull`"),
    (b"\x89HDF", "is an HDF5 file, as Keras writes; files of PyTorch can be imported"),
    (b"\x1f\x8b", "is packed by gzip; unpack it first"),
    (b"\xfd7zXZ", "is packed by xz; unpack it first"),
    (b"Rar!", "is a RAR archive; unpack it first"),
    (b"7z\xbc\xaf", "is a 7z archive; unpack it first"),
)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dict in a `.pth`, `.pt`, `.ckpt` or `.safetensors` file, floats as float32.

    Wrappers (`params_ema`, `state_dict` …) and the prefixes that parallel and compiled training leave
    (`module.`, `_orig_mod.`) are taken off.

    Raises:
        ModelError: no such file; empty, cut off, no weights, weights that are not finite, or a file that only
            code could open. Nothing is run in any case.
    """
    weights = _without_prefixes(_state_dict(path, _content(path)))
    return _unshared({key: _plain(path, key, tensor) for key, tensor in weights.items()})


def _content(path: Path) -> Any:
    start = first_bytes(path)
    if not start:
        raise ModelError(f"{path} is empty; copy or download it again.")
    if start.lstrip()[:1] == b"<":
        raise ModelError(f"{path} is a web page, not weights; download the file itself.")
    for magic, what in _STARTS:
        if start.startswith(magic):
            raise ModelError(f"{path} {what}.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if start.startswith(ARCHIVE):
        _check_archive(path)
    elif start[:1] != b"\x80":
        raise ModelError(f"{path} is no file that PyTorch writes; give a .pth, .pt or .safetensors file.")
    return _unpickle(path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is no whole safetensors file; copy or download it again.") from error


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{path} is cut off or damaged; copy or download it again.") from error
    if any(name == "constants.pkl" or name.startswith("code/") for name in names):
        raise ModelError(
            f"{path} is a TorchScript program, code beside weights, and was not opened; "
            f"give the weights alone, as {_MEANS} writes them."
        )
    if "data.pkl" not in names:
        raise ModelError(f"{path} is a zip archive, but none that PyTorch writes; unpack it first.")


def _unpickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        names = _code_names(str(error))
        if not names:
            raise ModelError(f"{path} is cut off or damaged; copy or download it again.") from error
        shown = ", ".join(names[:_SHOWN_NAMES])
        raise ModelError(
            f"{path} can't be opened without running code ({shown}), which could do anything; nothing was "
            f"run. Give the weights alone, as {_MEANS} writes them."
        ) from None  # torch's own text advises to run it all the same
    except Exception as error:  # what torch makes of damaged bytes has no common base
        raise ModelError(f"{path} is cut off or damaged; copy or download it again.") from error


def _code_names(message: str) -> list[str]:
    """What a pickle wanted to call, as torch tells it."""
    found = re.findall(
        r"(?:GLOBAL|Unsupported global: GLOBAL|Unsupported class|function)\s+([\w.]+\.\w+)", message
    )
    found += re.findall(r"Trying to (?:load|call reduce for)[^\n]*?([\w.]+\.\w+)", message)
    opcode = re.findall(r"Unsupported operand (\d+)", message)
    return list(dict.fromkeys(found)) or [f"instruction {code}" for code in opcode]


def _state_dict(path: Path, content: Any, depth: int = 0) -> dict[str, Tensor]:
    """The innermost mapping of names to tensors."""
    if not isinstance(content, Mapping):
        raise ModelError(f"{path} holds {_kind(content)}, not the weights of a network.")
    for key in WRAPPERS:
        if isinstance(content.get(key), Mapping) and depth < _DEEPEST and _has_tensors(content[key]):
            return _state_dict(path, content[key], depth + 1)
    if {"state", "param_groups"} <= content.keys():
        raise ModelError(f"{path} holds the state of an optimiser, not a network's weights; {_BESIDE}.")
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        return tensors
    if content.keys() & SCHEDULES:
        raise ModelError(
            f"{path} holds optimisers and schedules, to go on with a training, but no weights; {_BESIDE}."
        )
    inner = [value for value in content.values() if isinstance(value, Mapping) and _has_tensors(value)]
    if len(inner) == 1 and depth < _DEEPEST:
        return _state_dict(path, inner[0], depth + 1)
    if inner:
        names = ", ".join(str(key) for key, value in content.items() if isinstance(value, Mapping))
        raise ModelError(f"{path} holds several networks ({names}); save the generator's state dict alone.")
    raise ModelError(f"{path} holds no weights at all.")


_BESIDE = "give the file of the generator that belongs to it"


def _has_tensors(content: Mapping) -> bool:
    return any(isinstance(value, Tensor) or (isinstance(value, Mapping) and _has_tensors(value))
               for value in content.values())  # fmt: skip


def _kind(content: Any) -> str:
    return "a single tensor" if isinstance(content, Tensor) else f"a {type(content).__name__}"


def _plain(path: Path, key: str, tensor: Tensor) -> Tensor:
    """A dense tensor of its own memory; floats as float32."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise ModelError(f"{path}: {key} is sparse or quantised; save the network as it was trained.")
    if not tensor.is_floating_point():
        return tensor.detach()
    tensor = tensor.detach().float()
    if not bool(torch.isfinite(tensor).all()):
        raise ModelError(f"{path}: {key} has numbers that are not finite, so the training had failed.")
    return tensor


def _unshared(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies of tensors that lie in the memory of others, which can't be saved beside them."""
    seen: set[int] = set()
    alone = {}
    for key, tensor in weights.items():
        memory = tensor.untyped_storage()
        shared = memory.nbytes() != tensor.nbytes or memory.data_ptr() in seen
        seen.add(memory.data_ptr())
        alone[key] = tensor.clone() if shared else tensor
    return alone


def _without_prefixes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    changed = True
    while changed:
        changed = False
        for prefix in PREFIXES:
            inside = {
                key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)
            }
            # Of a file with several networks the generator's, and of its averages before the plain ones.
            if inside and (len(inside) == len(weights) or prefix.startswith("generator")):
                weights, changed = inside, True
    return weights
