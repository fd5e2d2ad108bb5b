"""Model files: written whole, loaded without a pickle, refused in one clear line."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from translate.errors import ModelError, OutputError
from translate.networks.catalogue import GENERATORS, build_generator
from translate.weights import model_file
from translate.weights.card import Card, read_card

SMALL = {
    "unet": {"depth": 3, "width": 4},
    "resnet": {"depth": 1, "width": 4},
    "mobile": {"depth": 1, "width": 4},
    "pix2pixhd": {"depth": 1, "width": 4, "halvings": 1, "local_blocks": 1},
    "spade": {"depth": 2, "width": 4, "hidden": 4},
    "progressive": {"depth": 1, "width": 4, "stages": 3},
    "laplacian": {"depth": 1, "width": 4, "levels": 2},
    "srresnet": {"depth": 1, "width": 4},
    "edsr": {"depth": 1, "width": 4},
    "rrdb": {"depth": 1, "width": 4, "growth": 2},
    "srvgg": {"depth": 1, "width": 4},
}


def make_card(architecture: str = "mobile", **changes) -> Card:
    arguments = {"in_channels": 3, "out_channels": 3, **SMALL.get(architecture, {})}
    fields = {
        "architecture": architecture,
        "arguments": arguments,
        "translator": "cyclegan",
        "direction": "a2b",
        "domains": {"a": "horse", "b": "zebra"},
        "size_multiple": 8 if architecture == "unet" else 4,
        "minimum_size": 8,
    }
    return Card(**(fields | changes))


def saved(path: Path, architecture: str = "mobile", **changes) -> torch.nn.Module:
    """Write a small model with lively weights and return its network."""
    card = make_card(architecture, **changes)
    torch.manual_seed(0)
    network = build_generator(architecture, **card.arguments)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                torch.nn.init.uniform_(module.weight, 0.5, 2)
                torch.nn.init.uniform_(module.bias, -1, 1)
    model_file.save(path, network.state_dict(), card)
    return network.eval()


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        model_file.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("architecture", GENERATORS)
def test_every_generator_comes_back_bit_for_bit(tmp_path, architecture):
    network = saved(tmp_path / "m.safetensors", architecture)
    loaded = model_file.load(tmp_path / "m.safetensors")
    assert not loaded.network.training
    tensors = [*loaded.network.parameters(), *loaded.network.buffers()]
    assert not any(tensor.is_meta or tensor.requires_grad for tensor in tensors)
    image = torch.rand(2, 3, 16, 24) * 2 - 1
    assert torch.equal(loaded.network(image), network(image))
    assert loaded.card == make_card(architecture)
    assert loaded.network.size_multiple == network.size_multiple


@pytest.mark.parametrize(("said", "shape"), [(True, (8, 12)), (2, (16, 24)), (4, (8, 12))])
def test_self_attention_comes_back_where_it_was(tmp_path, said, shape):
    arguments = {"in_channels": 3, "out_channels": 3, "depth": 1, "width": 4, "attention": said}
    network = build_generator("resnet", **arguments)
    network.attention.gamma.data.fill_(0.5)
    card = make_card("resnet", arguments=arguments)
    model_file.save(tmp_path / "m.safetensors", network.state_dict(), card)
    loaded = model_file.load(tmp_path / "m.safetensors")
    assert loaded.card.arguments["attention"] is said
    shapes = []
    loaded.network.attention.register_forward_hook(lambda part, given, out: shapes.append(out.shape[2:]))
    image = torch.rand(1, 3, 32, 48)
    torch.testing.assert_close(loaded.network(image), network.eval()(image), rtol=0, atol=0)
    assert shapes == [shape]


def test_a_card_that_promises_what_its_network_cannot_do(tmp_path):
    saved(tmp_path / "m.safetensors", size_multiple=3)
    assert "promises sizes from 8 in steps of 3, but its mobile needs 8 and 4" in refusal(
        tmp_path / "m.safetensors"
    )


def test_an_empty_value_range_is_refused():
    with pytest.raises(ValueError, match="the range's lower end comes first"):
        make_card(value_range=(1.0, 1.0))


def test_the_card_keeps_everything(tmp_path):
    card = make_card(
        norm_statistics="batch",
        step=1234,
        recipe={"optim": {"lr": 2e-4, "betas": [0.5, 0.999]}},
        data={"name": "Färse", "count": 3},
        metrics={"psnr": 21.5},
        licence="Apache-2.0",
        versions={"translate": "0.1.0", "torch": "2.6"},
    )
    model_file.save(tmp_path / "m.safetensors", {"x": torch.zeros(1)}, card)
    assert read_card(tmp_path / "m.safetensors") == card
    assert (card.source, card.target) == ("horse", "zebra")
    back = make_card(direction="b2a")
    assert (back.source, back.target) == ("zebra", "horse")


def test_others_may_read_it_as_any_file(tmp_path):
    saved(tmp_path / "model.safetensors")
    (tmp_path / "any").touch()
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_half_precision_weights_are_widened(tmp_path):
    network = saved(tmp_path / "m.safetensors")
    halves = {key: value.half() for key, value in network.state_dict().items()}
    model_file.save(tmp_path / "m.safetensors", halves, make_card())
    loaded = model_file.load(tmp_path / "m.safetensors").network
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}


def test_reading_a_card_needs_no_torch(tmp_path):
    saved(tmp_path / "m.safetensors")
    code = textwrap.dedent(f"""
        import sys
        from translate.weights.card import read_card
        from translate.weights.locate import locate
        assert read_card(locate({str(tmp_path / "m.safetensors")!r})).architecture == "mobile"
        assert not {{"torch", "cv2", "torchvision", "albumentations"}} & set(sys.modules)
    """)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_and_unreadable(tmp_path):
    path = tmp_path / "none.safetensors"
    assert refusal(path) == f"{path}: no such model; give a run folder or a model file."
    assert "can't be read: is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 3, bytes(range(256)) * 8, b"{" * 100, b"\xff" * 64])
def test_random_bytes(tmp_path, content):
    (tmp_path / "m.safetensors").write_bytes(content)
    assert "is no whole safetensors file (" in refusal(tmp_path / "m.safetensors")


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.999])
def test_truncated(tmp_path, share):
    path = tmp_path / "m.safetensors"
    saved(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "; copy or download it again." in refusal(path)


def test_flipped_bits_in_the_header_are_refused_or_harmless(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    refused = 0
    for position in range(0, length + 8, 29):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x15]) + whole[position + 1 :])
        try:
            model_file.load(path)
        except ModelError as error:
            refused += 1
            assert str(path) in str(error)  # noqa: PT017
    assert refused > 10


def test_without_a_card(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "m.safetensors")
    assert "holds the weights of a network that translate doesn't know" in refusal(tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match="holds weights but no card"):
        read_card(tmp_path / "m.safetensors")


def with_card(path: Path, change) -> str:
    """Rewrite the card's JSON of a good file by `change` and return the refusal."""
    saved(path)
    content = json.loads(make_card().model_dump_json())
    text = change(content)
    save_file(load_file(path), path, {"card": text if isinstance(text, str) else json.dumps(content)})
    return refusal(path)


def test_cards_that_make_no_sense(tmp_path):
    path = tmp_path / "m.safetensors"
    assert "the card is no JSON (" in with_card(path, lambda card: "{nonsense")
    newer = with_card(path, lambda card: card.update(format_version=6, novelty=1))
    assert "has format version 6, this translate reads up to 5; update translate" in newer
    assert "the card is not valid: whatever: Extra inputs" in with_card(
        path, lambda card: card.update(whatever=1)
    )
    assert "the card is not valid: direction: " in with_card(path, lambda card: card.update(direction="up"))
    assert "the card is not valid: format_version: " in with_card(
        path, lambda card: card.update(format_version=0)
    )
    assert "the card is not valid: the whole: " in with_card(path, lambda card: "[]")


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        (["#000000", "#ff0000"], "classes has 2 colours, but arguments.in_channels is 3"),
        (["#ff0000", "#00ff00", "#0000ff"], "different colours in ascending order"),
        (["0", "0", "7"], "different colours in ascending order"),
        (["7"], "two at least"),
        (["0", "7", "256"], "classes.2: String should match"),
        (["0", "7", "red"], "classes.2: String should match"),
    ],
)
def test_classes_that_make_no_sense(tmp_path, classes, says):
    assert says in with_card(tmp_path / "m.safetensors", lambda card: card.update(classes=classes))


@pytest.mark.parametrize(
    ("latent", "built", "message"),
    [
        (3, 0, "latent is 3, but arguments.latent is 0"),
        (0, 3, "latent is 0, but arguments.latent is 3"),
        (-1, 0, "the card is not valid: latent: "),
    ],
)
def test_codes_that_make_no_sense(tmp_path, latent, built, message):
    def change(card: dict) -> None:
        card["arguments"]["latent"] = built
        card["latent"] = latent

    assert message in with_card(tmp_path / "m.safetensors", change)


def test_a_card_of_version_1_is_read(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    content = json.loads(make_card().model_dump_json()) | {"format_version": 1}
    for unknown in ("labels", "text", "classes", "latent"):  # what that version didn't know
        del content[unknown]
    save_file(load_file(path), path, {"card": json.dumps(content)})
    card = model_file.load(path).card
    assert (card.format_version, card.labels, card.text) == (1, (), None)
    assert make_card().format_version == 5


def test_a_card_of_version_2_is_read(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    content = json.loads(make_card().model_dump_json()) | {"format_version": 2, "text": False}
    save_file(load_file(path), path, {"card": json.dumps(content)})
    assert model_file.load(path).card.text is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["x", "x"], "classes": 2}, "labels are different names, none of them empty"),
        ({"labels": ["x", ""], "classes": 2}, "labels are different names, none of them empty"),
        ({"labels": ["x", "y"], "classes": 3}, "labels names 2 classes, but arguments.classes is 3"),
        ({"labels": ["x"]}, "labels names 1 classes, but arguments.classes is None"),
        (
            {"labels": ["x"], "classes": 1, "text": {"encoder": "tokens"}},
            "with a label or with a caption, not with both",
        ),
        ({"text": {"encoder": "tokens"}}, "a network that is asked with a caption has arguments.embedding"),
        ({"labels": "xy"}, "the card is not valid: labels: "),
        ({"text": "maybe"}, "the card is not valid: text: "),
    ],
)
def test_labels_that_make_no_sense(tmp_path, changes, message):
    def change(card: dict) -> None:
        changed = dict(changes)
        if "classes" in changed:
            card["arguments"]["classes"] = changed.pop("classes")
        card.update(changed)

    assert message in with_card(tmp_path / "m.safetensors", change)


def test_what_reads_captions_travels_along(captioned_model, tmp_path):
    before = torch.get_rng_state()
    model = model_file.load(captioned_model)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.text_encoder is not None
    assert not model.text_encoder.training
    assert model.text_encoder.read("a zebra at sea").unknown == ("sea",)
    learnt = {f"text_encoder.{key}": value for key, value in model.text_encoder.state_dict().items()}
    written = load_file(captioned_model)
    torch.testing.assert_close({key: written[key] for key in learnt}, learnt)
    assert written.keys() - learnt.keys() == model.network.state_dict().keys()
    assert not any(parameter.requires_grad for parameter in model.text_encoder.parameters())

    path = tmp_path / "m.safetensors"
    model_file.save(path, model.network.state_dict(), model.card)
    assert "the weights don't fit the network on the card: 6 missing: embedding.weight, gru" in refusal(path)
    for changes, message in (
        ({"size": 9}, "the card's text encoder gives 9 numbers, but the network takes 8."),
        ({"depth": 1}, "the text encoder 'tokens' can't be built: "),
    ):
        text = model.card.text.model_copy(update={"arguments": model.card.text.arguments | changes})
        card = model.card.model_copy(update={"text": text})
        save_file(written, path, {"card": card.model_dump_json()})
        assert message in refusal(path)
    save_file(written, path, {"card": model.card.model_copy(update={"text": None}).model_dump_json()})
    assert "6 unknown: text_encoder.embedding.weight, text_encoder.gru" in refusal(path)


def test_unknown_architectures_and_arguments(tmp_path):
    path = tmp_path / "m.safetensors"
    unknown = with_card(path, lambda card: card.update(architecture="resnett"))
    assert "unknown generator 'resnett' (did you mean resnet?); choose one of " in unknown
    assert all(name in unknown for name in GENERATORS)
    wrong = with_card(path, lambda card: card["arguments"].update(widht=3))
    assert "the generator 'mobile' takes no widht; it takes depth, width" in wrong
    assert "can't be built: " in with_card(path, lambda card: card["arguments"].update(norm="magic"))


def test_weights_that_do_not_fit_are_named(tmp_path):
    path = tmp_path / "m.safetensors"
    state = dict(saved(path).state_dict())
    first, *_ = state
    missing = {key: value for key, value in state.items() if key != first}
    model_file.save(path, missing, make_card())
    assert f"don't fit the network on the card: 1 missing: {first}." in refusal(path)
    model_file.save(path, state | {"extra.weight": torch.zeros(1)}, make_card())
    assert ": 1 unknown: extra.weight." in refusal(path)
    model_file.save(path, state | {first: torch.zeros(2, 3)}, make_card())
    assert f": 1 of another shape: {first} (2×3, not 4×3×3×3)." in refusal(path)
    model_file.save(path, {f"module.{key}": value for key, value in state.items()}, make_card())
    assert f"{len(state)} missing: " in refusal(path)
    assert f" and {len(state) - 3} more; {len(state)} unknown: module." in refusal(path)


class Trap:
    """Unpickled, it writes a file."""

    def __init__(self, sentinel: Path):
        self.sentinel = sentinel

    def __reduce__(self):
        return Path.touch, (self.sentinel,)


@pytest.mark.parametrize("kind", ["zip", "legacy", *range(6)])
def test_a_pickle_is_never_opened(tmp_path, kind):
    path, sentinel = tmp_path / "m.safetensors", tmp_path / "executed"
    if isinstance(kind, int):
        path.write_bytes(pickle.dumps({"w": Trap(sentinel)}, protocol=kind))
    else:
        torch.save({"w": Trap(sentinel)}, path, _use_new_zipfile_serialization=kind == "zip")
    message = refusal(path)
    assert not sentinel.exists()
    if kind not in (0, 1):  # these protocols have no signature
        assert "is a pickle whatever its name says" in message
        assert "nothing was executed" in message
    if kind == 2:
        pickle.loads(path.read_bytes())
        assert sentinel.exists(), "the trap itself must work"


def test_writing_fails_whole(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"m\.safetensors can't be written: "):
        saved(tmp_path / "file" / "m.safetensors")
    saved(tmp_path / "m.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "m.safetensors"]


@pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's file size limit in place of a full disk")
def test_a_full_disk_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "m.safetensors"
    saved(path)
    before = path.read_bytes()
    code = textwrap.dedent(f"""
        import resource, signal, sys, torch
        from translate.errors import OutputError
        from translate.weights import model_file
        from translate.weights.card import read_card
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            model_file.save({str(path)!r}, {{"x": torch.zeros(100_000)}}, read_card({str(path)!r}))
        except OutputError as error:
            assert "can't be written" in str(error)
            sys.exit(error.exit_code)
    """)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 5
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208
    assert path.read_bytes() == before
