"""`translate export`: a model in another tool's format."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter


def export(
    model: str,
    /,
    *,
    format: Literal["junyanz", "cut", "onnx"],  # noqa: A002
    output: Annotated[Path, Parameter(alias="-o")],
    direction: Literal["a2b", "b2a"] | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write a model for another tool or runtime.

    For another tool the numbers are taken over as they are; what its code has no network for is refused. An
    ONNX file takes any batch, height and width, and is compared with torch before it is written.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints, a model file, another tool's weights, or
        hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
    format
        junyanz (pytorch-CycleGAN-and-pix2pix) or cut (CUT, FastCUT): state dicts of U-Nets and ResNets. onnx:
        the network for any runtime, with the card in the file's metadata.
    output
        The .pth or .onnx file to write, such as latest_net_G.pth.
    direction
        a2b or b2a: the other generator of a two-way model. Without it a run's a→b.
    json
        Print what was written, and the flags to load it with, as JSON.
    """
    from translate.errors import UsageError
    from translate.weights.locate import locate

    suffix = ".onnx" if format == "onnx" else ".pth"
    if output.suffix != suffix:
        raise UsageError(f"--output {output}: {format} files end in {suffix}; give a name that does.")
    path = locate(model, direction)
    if format == "onnx":
        facts, said = _to_onnx(path, output)
    else:
        facts, said = _to_reference(path, output, format)
    if json:
        print(jsonlib.dumps({"input": str(path), "output": str(output), "format": format, **facts}))
    else:
        print(f"{path} → {output}")
        print(said)


def _to_reference(path: Path, output: Path, format: Literal["junyanz", "cut"]) -> tuple[dict[str, Any], str]:  # noqa: A002
    from translate.weights import model_file
    from translate.weights.exporters.reference import FORMATS, reference_options, write_reference

    card, weights, _ = model_file.contents(path)
    write_reference(output, card, weights, format)
    flags = reference_options(card, format)
    return {"flags": flags}, f"{FORMATS[format]} loads it with {' '.join(flags)}"


def _to_onnx(path: Path, output: Path) -> tuple[dict[str, Any], str]:
    from translate.weights import model_file
    from translate.weights.exporters.onnx import require_onnx, write_onnx
    from translate.weights.onnx_file import input_names

    require_onnx()
    model = model_file.load(path)
    difference = write_onnx(output, model)
    inputs = input_names(model.card)
    facts = {"inputs": inputs, "difference": difference}
    return facts, f"inputs {', '.join(inputs)}; differs from torch by at most {difference:.1g} at three sizes"
