"""Reading recipes: YAML files and `key=value` overrides to a checked, resolved object."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, get_args

import yaml
from pydantic import ValidationError

from translate import validation
from translate.config.resolve import brought_by_objective, resolve
from translate.config.schema import NETWORKS, RECIPES, Recipe, RecipeBase
from translate.errors import UsageError, did_you_mean
from translate.files import explain


def recipe_names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    files = resources.files("translate.recipes").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def load_recipe(name: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe, apply overrides, check and resolve it.

    Args:
        name: a recipe of the package, or the path of a YAML file.
        overrides: dotted keys to values, e.g. `{"optim.lr": 1e-4}`; they win over the file.

    Raises:
        UsageError: unknown recipe or key (with the nearest valid one), a value of the wrong kind or size.
    """
    return parse_recipe(_read_recipe(name), overrides or {}, where=f"recipe {name}")


def parse_recipe(values: Mapping[str, Any], overrides: Mapping[str, Any], *, where: str) -> Recipe:
    """Check and resolve a recipe given as a plain mapping; `where` names it in messages.

    Raises:
        UsageError: see `load_recipe`.
    """
    translator = values.get("translator")
    if not isinstance(translator, str) or translator not in RECIPES:
        raise UsageError(f"{where}: translator is {translator!r}; choose one of {', '.join(RECIPES)}")
    schema = RECIPES[translator]
    try:
        return resolve(schema.model_validate(_merge(values, overrides, schema)))
    except ValidationError as error:
        raise UsageError(f"{where}: {validation.explain(error, schema)}") from None
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["optim.lr=1e-4"]` into `{"optim.lr": 1e-4}`; values are read as YAML.

    Raises:
        UsageError: an assignment without `=`, or a value that isn't YAML.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {assignment!r}: write it as key=value, e.g. --set optim.lr=1e-4")
        try:
            overrides[key.strip()] = _parse_yaml(value)
        except yaml.YAMLError:
            raise UsageError(f"--set {assignment!r}: the value isn't valid YAML; quote it") from None
    return overrides


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML that `load_recipe` reads back to an equal object."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


class _Loader(yaml.SafeLoader):
    """Plain values as YAML 1.2 has them: `off` and `no` are words, and 1e-4 is a number."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(?:true|false)$", re.I), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:e[-+]?[0-9]+)?|[0-9]+e[-+]?[0-9]+)$", re.I),
    list("-+.0123456789"),
)


def _parse_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # safe: the loader is a SafeLoader


def _read_recipe(name: str | Path) -> dict[str, Any]:
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"recipe {name}: can't be read ({explain(error)})") from None
        except UnicodeDecodeError:
            raise UsageError(f"recipe {name}: can't be read (it isn't text in UTF-8)") from None
    elif str(name) in (names := recipe_names()):
        text = (resources.files("translate.recipes") / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise UsageError(
            f"unknown recipe {str(name)!r}{did_you_mean(name, names)}; "
            f"choose one of {', '.join(names)}, or a .yaml file"
        )
    try:
        values = _parse_yaml(text)
    except yaml.YAMLError as error:
        raise UsageError(f"recipe {name}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise UsageError(f"recipe {name}: a recipe is a mapping with the key `translator`")
    return values


def _merge(
    values: Mapping[str, Any], overrides: Mapping[str, Any], schema: type[RecipeBase]
) -> dict[str, Any]:
    """The recipe's values with the overrides put in, and what the method says of its networks."""
    # A key with nothing after it is an empty section.
    merged: dict[str, Any] = {
        key: {} if value is None else copy.deepcopy(value) for key, value in values.items()
    }
    overrides = {**brought_by_objective(merged, overrides), **overrides}
    for section in NETWORKS:
        chosen, given = overrides.get(f"{section}.name"), merged.get(section)
        # Another network has arguments of its own: those of the recipe's network don't carry over.
        if chosen is not None and isinstance(given, dict) and chosen != given.get("name"):
            merged[section] = {}
    for key, value in overrides.items():
        if key == "translator" and value != merged[key]:
            raise UsageError("a recipe's translator can't be overridden; name another recipe")
        *parents, leaf = key.split(".")
        place = merged
        for parent in parents:
            below = place.setdefault(parent, {})
            if not isinstance(below, dict):
                raise UsageError(f"{key}: {parent} is a value, not a section")
            place = below
        place[leaf] = value
    for section in [name for name in NETWORKS if name in schema.model_fields]:
        usual, given = schema.model_fields[section].default, merged.get(section, {})
        if not isinstance(given, dict):
            continue
        name = given.get("name", usual.name)
        # Of another network, too, norm and conditioning are the method's choice.
        kept = set(type(usual).model_fields) if name == usual.name else {"norm", "conditioning"}
        keys = kept & _keys(schema, section, name)
        merged[section] = {"name": name} | usual.model_dump(mode="json", include=keys) | given
    return merged


def _keys(schema: type[RecipeBase], section: str, name: object) -> set[str]:
    """What the network of that name takes; nothing, if there is none."""
    networks = get_args(schema.model_fields[section].annotation)
    return {
        key for kind in networks if kind.model_fields["name"].default == name for key in kind.model_fields
    }
