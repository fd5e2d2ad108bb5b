"""`translate export`: a model in another tool's format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def export(
    model: str,
    /,
    *,
    format: Literal["junyanz", "cut"],  # noqa: A002
    output: Annotated[Path, Parameter(alias="-o")],
    direction: Literal["a2b", "b2a"] | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write a model for another tool, as it names weights.

    The numbers are taken over as they are. What that tool's code has no network for is refused.

    Parameters
    ----------
    model
        A run folder, the name of a run under checkpoints, a model file, another tool's weights, or
        hf:OWNER/NAME[@REVISION] on the Hugging Face Hub.
    format
        junyanz (pytorch-CycleGAN-and-pix2pix) or cut (CUT, FastCUT): state dicts of U-Nets and ResNets.
    output
        The .pth file to write, such as latest_net_G.pth.
    direction
        a2b or b2a: the other generator of a two-way model. Without it a run's a→b.
    json
        Print what was written, and the flags to load it with, as JSON.
    """
    import json as jsonlib

    from translate.errors import UsageError
    from translate.weights import model_file
    from translate.weights.exporters.reference import FORMATS, reference_options, write_reference
    from translate.weights.locate import locate

    if output.suffix != ".pth":
        raise UsageError(f"--output {output}: {FORMATS[format]} loads .pth files; give a name that ends so.")
    path = locate(model, direction)
    card, weights, _ = model_file.contents(path)
    write_reference(output, card, weights, format)
    flags = reference_options(card, format)
    if json:
        print(jsonlib.dumps({"input": str(path), "output": str(output), "format": format, "flags": flags}))
    else:
        print(f"{path} → {output}")
        print(f"{FORMATS[format]} loads it with {' '.join(flags)}")
