"""What is wrong with a mapping that a schema refuses, in one line for a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from translate.errors import did_you_mean

Models = Sequence[type[BaseModel]]


def explain(error: ValidationError, schema: type[BaseModel]) -> str:
    """The first problem: which dotted key, what is the matter with it, and what would do.

    Args:
        schema: a model whose sections are models, or unions of models told apart by their `name`.
    """
    problems = error.errors()
    first = problems[0]
    path, models = _resolve(first["loc"], (schema,))
    if first["type"] == "extra_forbidden":
        return _unknown_key([*path, str(first["loc"][-1])], models, schema)
    key = ".".join(path) or "a key"
    if first["type"] == "union_tag_invalid":
        names = [model.model_fields["name"].default for model in models]
        wrong = first["input"]["name"]
        return f"unknown {key} {wrong!r}{did_you_mean(wrong, names)}; choose one of {', '.join(names)}"
    if first["type"] in ("model_type", "model_attributes_type"):
        return f"{key} = {first['input']!r}: {key} is a section, with keys such as {key}.{keys(models)[0]}"
    choices = re.findall("'([^']*)'", first.get("ctx", {}).get("expected", ""))
    if first["type"] == "literal_error" and len(problems) == 1 and len(choices) > 1:
        wrong = first["input"]
        return f"unknown {key} {wrong!r}{did_you_mean(wrong, choices)}; choose one of {', '.join(choices)}"
    # Where a key takes one kind or another, the first place holds a problem with each.
    reasons = [problem["msg"] for problem in problems if _resolve(problem["loc"], (schema,))[0] == path]
    described = ", or ".join(reason[:1].lower() + reason[1:] for reason in reasons)
    return f"{key} = {first['input']!r}: {described}"


def keys(models: Models) -> list[str]:
    """Every dotted key that one of the models may have, in their order."""
    found: dict[str, None] = {}
    for model in models:
        for name in model.model_fields:
            below = _sections((model,), name)
            found.update(dict.fromkeys([f"{name}.{key}" for key in keys(below)] if below else [name]))
    return list(found)


def _unknown_key(path: list[str], models: Models, schema: type[BaseModel]) -> str:
    *parents, leaf = path
    key, prefix = ".".join(path), "".join(f"{parent}." for parent in parents)
    siblings = list(dict.fromkeys(name for model in models for name in model.model_fields))
    near = [prefix + name for name in get_close_matches(leaf, siblings, 1)]
    near += [other for other in keys((schema,)) if other.split(".")[-1] == leaf and other != key]
    others = ", ".join(prefix + name for name in siblings)
    remedy = f"did you mean {near[0]}?" if near else f"choose one of {others}"
    return f"unknown key {key!r}{_chosen(prefix, models)}; {remedy}"


def _chosen(prefix: str, models: Models) -> str:
    """A reminder of which of several sections is in force, where that decides which keys there are."""
    defaults = [model.model_fields["name"].default for model in models if "name" in model.model_fields]
    names = [name for name in defaults if isinstance(name, str)]
    return f" where {prefix}name is {names[0]}" if len(names) == 1 else ""


def _resolve(place: tuple[int | str, ...], models: Models) -> tuple[list[str], Models]:
    """Field names along a pydantic location, and the models that could be at its end.

    The other parts of a location are the names of chosen sections, positions, and labels of union members.
    """
    path = []
    for part in place:
        if any(part in model.model_fields for model in models):
            path.append(str(part))
            models = _sections(models, str(part))
        else:
            models = [m for m in models if _named(m, part)] or models
    return path, models


def _named(model: type[BaseModel], name: object) -> bool:
    return "name" in model.model_fields and model.model_fields["name"].default == name


def _sections(models: Models, name: str) -> Models:
    """The models that a field may hold, in any of the given models."""
    annotations = [model.model_fields[name].annotation for model in models if name in model.model_fields]
    return [kind for annotation in annotations for kind in _alternatives(annotation) if _is_model(kind)]


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", None) or (annotation,)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
