"""What a card says, for people to read. Free of torch."""

from __future__ import annotations

from typing import Any

from translate.weights.card import Card


def described(card: Card) -> list[tuple[str, str]]:
    """What there is to say of a model, as pairs of a heading and a line."""
    low, high = card.value_range
    rows = [
        ("translates", f"{card.source} → {card.target} ({card.direction})"),
        ("labels", ", ".join(card.labels)),
        ("classes", f"{len(card.classes)}, of the colours {', '.join(card.classes)}" if card.classes else ""),
        ("text", _captions(card)),
        ("samples", f"many for a picture, by a code of {card.latent} numbers" if card.latent else ""),
        (
            "mask",
            "needed: what to fill, as --mask FILE or as transparent pixels" if card.mask else "",
        ),
        ("translator", card.translator),
        ("network", f"{card.architecture} ({_joined(card.arguments)})"),
        ("colours", "given lightness, makes a and b of CIE Lab" if card.colour_space == "lab" else ""),
        ("values", f"{low:g} to {high:g}"),
        ("batch norm", "statistics of the very picture" if card.norm_statistics == "batch" else ""),
        ("sizes", f"any; padded to multiples of {card.size_multiple}, at least {card.minimum_size} pixels"),
        ("enlarges", f"{card.scale} times" if card.scale > 1 else ""),
        ("trained for", "" if card.origin and not card.step else f"{card.step} steps"),
        ("imported", _joined(card.origin)),
        ("perceptual", _perceptual(card.recipe)),
        ("data", _joined(flat(card.data))),
        ("metrics", _joined(flat(card.metrics))),
        ("recipe", _joined(flat(card.recipe))),
        ("licence", card.licence or "not stated"),
        ("written by", _joined(card.versions)),
        ("format", f"version {card.format_version}"),
    ]
    return [(name, value) for name, value in rows if value]


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def _perceptual(recipe: dict[str, Any]) -> str:
    """Through whose eyes the training compared outputs to their truths, if it did."""
    losses = recipe.get("losses", {})
    weight = losses.get("perceptual", 0)
    return f"features of {losses['backbone']}, weight {weight:g}" if weight and "backbone" in losses else ""


def _captions(card: Card) -> str:
    if card.text is None:
        return ""
    said = f"asks for a caption, read by {card.text.encoder}"
    return f"{said}; such as: {'; '.join(card.text.examples)}" if card.text.examples else said


def _joined(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
