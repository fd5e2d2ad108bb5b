"""The labels that a model is asked with, by the numbers that its network knows them by. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from translate.errors import UsageError, did_you_mean
from translate.weights.card import Card

BOTH = "a model is asked with a label or with a text, not with both; leave one out."
_SHOWN = 40


def label_numbers(
    card: Card, label: str | Sequence[str] | None, text: str | Sequence[str] | None = None
) -> np.ndarray | None:
    """The numbers of labels, int64 `(1,)` or `(N,)`; None for a model without labels.

    Args:
        card: of a model that isn't asked with captions.
        text: what is refused.

    Raises:
        UsageError: a label that the model doesn't know, doesn't take or can't do without, or a text.
    """
    if label is not None and text is not None:
        raise UsageError(BOTH)
    if text is not None:
        raise UsageError(f"the model takes no text, so {text!r} can't be asked of it; leave the text out.")
    if not card.labels:
        if label is not None:
            raise UsageError(
                f"the model has no labels, so {label!r} can't be asked of it; leave the label out."
            )
        return None
    if label is None:
        raise UsageError(
            f"the model translates into what a label says; choose one of {_some(card.labels)} (--label NAME)."
        )
    names = [label] if isinstance(label, str) else label
    return np.array([_number(name, card.labels) for name in names], np.int64)


def _number(label: str, labels: tuple[str, ...]) -> int:
    if label not in labels:
        raise UsageError(
            f"the model has no label {label!r}{did_you_mean(label, labels)}; choose one of {_some(labels)}."
        )
    return labels.index(label)


def _some(labels: tuple[str, ...]) -> str:
    more = f" … ({len(labels)} in all, see translate info)" if len(labels) > _SHOWN else ""
    return ", ".join(labels[:_SHOWN]) + more
