"""What a model is asked for besides a picture: a label or a caption, and what is wrong with those given."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from translate.errors import UsageError
from translate.inference.labels import BOTH, label_numbers
from translate.networks.text import TextEncoder
from translate.weights.card import Card

_SHOWN_WORDS, _LONGEST_WORD = 8, 30


class Asking:
    """Turns labels and captions into what the network of `card` is called with.

    Args:
        text_encoder: the model's reader of captions, on the device where it is to work; None for none.
    """

    def __init__(self, card: Card, text_encoder: TextEncoder | None, device: torch.device):
        self.card, self.device = card, device
        self._text_encoder = text_encoder

    @property
    def kind(self) -> str:
        """What a condition is made of, in the plural."""
        return "labels" if self._text_encoder is None else "texts"

    def condition(
        self, label: str | Sequence[str] | None = None, text: str | Sequence[str] | None = None
    ) -> Tensor | None:
        """What the network is called with besides pictures, for all of them or one for each.

        The labels' numbers, int64 `(1,)` or `(N,)`; the captions' vectors, float32 `(1, E)` or `(N, E)`; None
        for a model that takes nothing but pictures.

        Raises:
            UsageError: a label or a text that the model doesn't know, doesn't take or can't do without.
        """
        if self._text_encoder is not None:
            if label is not None and text is not None:
                raise UsageError(BOTH)
            if label is not None:
                raise UsageError(
                    f"the model takes a text and no label, so {label!r} can't be asked of it; "
                    "say it with --text."
                )
            return self._encoded(text)
        numbers = label_numbers(self.card, label, text)
        return None if numbers is None else torch.from_numpy(numbers)

    def remarks(self, text: str) -> tuple[str, ...]:
        """What a person should know of how a caption is read: words that mean nothing to the model."""
        if self._text_encoder is None:
            return ()
        reading = self._text_encoder.read(text)
        said = []
        if reading.unknown:
            words = [_cut(word) for word in reading.unknown]
            more = f" and {len(words) - _SHOWN_WORDS} more" if len(words) > _SHOWN_WORDS else ""
            said.append(f"means nothing to the model: {', '.join(words[:_SHOWN_WORDS])}{more}")
        if reading.cut:
            said.append("the text is longer than the model reads; its end is left out")
        return tuple(said)

    def _encoded(self, text: str | Sequence[str] | None) -> Tensor:
        assert self.card.text is not None
        assert self._text_encoder is not None
        examples = " or ".join(f'"{example}"' for example in self.card.text.examples[:2])
        such = f", such as {examples}" if examples else ""
        captions = [text] if isinstance(text, str) else list(text or ())
        if not captions:
            raise UsageError(f"the model translates into what a text says; give one{such} (--text CAPTION).")
        for caption in captions:
            if not caption.strip():
                raise UsageError(f"an empty text asks for nothing; say what to translate into{such}.")
            if not self._text_encoder.read(caption).known:
                raise UsageError(f"the model understands no word of the text; say it in others{such}.")
        with torch.inference_mode():
            return self._text_encoder(self._text_encoder.tokenise(captions).to(self.device))


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}…"
