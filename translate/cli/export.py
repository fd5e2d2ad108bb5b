"""`translate export`: a model in another tool's format, or as a page."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter


def export(
    model: str,
    /,
    *,
    format: Literal["junyanz", "cut", "onnx", "web"],  # noqa: A002
    output: Annotated[Path, Parameter(alias="-o")],
    direction: Literal["a2b", "b2a"] | None = None,
    runtime: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write a model for another tool or runtime, or as a web page.

    For another tool the numbers are taken over as they are; what its code has no network for is refused. An
    ONNX file takes any batch, height and width, and is compared with torch before it is written.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints or of a model that comes with the project, a model
        file, another tool's weights, or hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
    format
        junyanz (pytorch-CycleGAN-and-pix2pix) or cut (CUT, FastCUT): state dicts of U-Nets and ResNets. onnx:
        the network for any runtime, with the card in the file's metadata. web: a folder of static files,
        a page that translates on the visitor's own device.
    output
        The .pth or .onnx file to write, such as latest_net_G.pth; of web the folder.
    direction
        a2b or b2a: the other generator of a two-way model. Without it a run's a→b.
    runtime
        Of web: the npm package onnxruntime-web, unpacked or where it was installed. Default: node_modules
        here or above.
    json
        Print what was written, and the flags to load it with, as JSON.
    """
    from translate.errors import UsageError
    from translate.weights.locate import locate

    if runtime is not None and format != "web":
        raise UsageError(f"--runtime is what a page is run by; {format} takes none.")
    suffix = {"onnx": ".onnx", "web": ""}.get(format, ".pth")
    if suffix and output.suffix != suffix:
        raise UsageError(f"--output {output}: {format} files end in {suffix}; give a name that does.")
    path = locate(model, direction)
    if format == "onnx":
        facts, said = _to_onnx(path, output)
    elif format == "web":
        facts, said = _to_web(path, output, runtime)
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


def _to_web(path: Path, output: Path, runtime: Path | None) -> tuple[dict[str, Any], str]:
    from translate.weights import model_file
    from translate.weights.exporters.onnx import require_onnx
    from translate.weights.exporters.web import find_runtime, refuse, write_site

    require_onnx()
    find_runtime(runtime)  # before the model is loaded, which takes longer
    model = model_file.load(path)
    refuse(model.card)
    difference = write_site(output, model, runtime)
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    said = (
        f"{size / 1e6:.0f} MB; put the folder on any web server, or look at it with\n"
        f"python -m http.server --directory {output}"
    )
    return {"difference": difference, "bytes": size}, said
