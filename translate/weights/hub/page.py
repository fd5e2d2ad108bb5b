"""The page of a model on the Hub: `README.md`, with what the Hub reads of it in front. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from translate.weights.card import Card

LIBRARY = "image-translate"
CONFIG = "config.json"
PAGE = "README.md"
SHEET = "samples.png"
# Those of the Hub's list of identifiers that weights and data usually have; any other goes as `other`.
LICENCES = (
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "mpl-2.0", "openrail"),
    *("cc0-1.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0"),
    *("cc-by-nd-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0"),
)
_NO_PLACE = re.compile(r"[^a-z0-9]+")


def page(repo: str, cards: Mapping[str, Card], *, has_sheet: bool = False) -> str:
    """The page, Markdown after a front matter in YAML.

    Args:
        repo: `OWNER/NAME`.
        cards: by direction, the main one first.
        has_sheet: there are samples of the training beside the page.
    """
    card = next(iter(cards.values()))
    front = yaml.safe_dump(_front(card), sort_keys=False, allow_unicode=True)
    parts = [
        f"---\n{front}---",
        f"# {repo.partition('/')[2]}",
        _what(cards),
        *([f"![Samples of the training]({SHEET})"] if has_sheet else []),
        "## Use",
        _use(repo, cards),
        "## Network and training",
        _table(_facts(card)),
        *(["## Metrics", _table(_flat(card.metrics))] if card.metrics else []),
        *(["## Data", _table(_flat(card.data))] if card.data else []),
        *([_recipe(card)] if card.recipe else []),
    ]
    return "\n\n".join(parts) + "\n"


def _front(card: Card) -> dict[str, Any]:
    named = (card.licence or "").lower()
    licence: dict[str, str] = {}
    if named:
        licence = {"license": named} if named in LICENCES else {"license": "other", "license_name": named}
    tags = [LIBRARY, "image-to-image", card.translator, card.architecture]
    tags += ["super-resolution"] if card.scale > 1 else []
    metrics = {_NO_PLACE.sub("_", key.rpartition(".")[2].lower()) for key in _flat(card.metrics)}
    return {
        "library_name": LIBRARY,
        "pipeline_tag": "image-to-image",
        **licence,
        "tags": list(dict.fromkeys(tags)),
        **({"metrics": sorted(metrics)} if metrics else {}),
    }


def _what(cards: Mapping[str, Card]) -> str:
    card = next(iter(cards.values()))
    ways = " and ".join(f"{each.source} → {each.target}" for each in cards.values())
    if card.scale > 1:
        return f"Makes pictures {card.scale} times as large ({ways}). Trained by {card.translator}."
    if card.origin:
        return f"Translates pictures: {ways}. Weights of {card.origin.get('tool', 'another tool')}, imported."
    return f"Translates pictures: {ways}. Trained by {card.translator}."


def _use(repo: str, cards: Mapping[str, Card]) -> str:
    card = next(iter(cards.values()))
    asked, option = "", ""
    if card.labels:
        asked, option = f', label="{card.labels[0]}"', f' --label "{card.labels[0]}"'
    elif card.text:
        caption = (card.text.examples or ("a caption",))[0].replace('"', "'")
        asked, option = f', text="{caption}"', f' --text "{caption}"'
    if card.mask:
        asked, option = f'{asked}, mask="mask.png"', f"{option} --mask masks/"
    lines = [
        "```python",
        "import translate  # pip install 'image-translate[hub]'",
        "",
        f'model = translate.Translator.from_pretrained("{repo}")',
        f'picture = model("photo.png"{asked})  # a PIL image',
    ]
    if len(cards) > 1:
        lines.append(f'back = translate.Translator.from_pretrained("{repo}", direction="b2a")')
    return "\n".join(
        [
            *lines,
            "```",
            "",
            "```sh",
            f"translate convert hf:{repo} photos/ --output converted/{option}",
            "```",
        ]
    )


def _facts(card: Card) -> dict[str, Any]:
    facts = {
        "network": card.architecture,
        **{f"network.{key}": value for key, value in card.arguments.items()},
        "steps": card.step or None,
        "labels": ", ".join(card.labels) or None,
        "classes": ", ".join(card.classes) or None,
        "latent code": card.latent or None,
        "size of pictures": f"any, padded to multiples of {card.size_multiple}",
        "licence": card.licence or "not stated",
        **{f"imported.{key}": value for key, value in card.origin.items()},
        **{f"written by {key}": value for key, value in card.versions.items()},
    }
    return {key: value for key, value in facts.items() if value is not None}


def _recipe(card: Card) -> str:
    text = yaml.safe_dump(card.recipe, sort_keys=False, allow_unicode=True)
    return f"<details><summary>The recipe</summary>\n\n```yaml\n{text}```\n\n</details>"


def _table(rows: Mapping[str, Any]) -> str:
    lines = [f"| {_cell(key)} | {_cell(value)} |" for key, value in rows.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _cell(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
