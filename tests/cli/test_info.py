"""`translate info` prints the card, without torch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from safetensors.numpy import load_file, save_file

from translate.cli.info import info
from translate.weights.card import Captions, read_card


def test_the_table_names_what_matters(write_model, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    write_model(
        tmp_path / "run" / "model.safetensors",
        step=1500,
        norm_statistics="batch",
        recipe={"optim": {"lr": 0.0002}},
        licence="Apache-2.0",
    )
    info(str(tmp_path / "run"))
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        "model.safetensors (0.0 MB)",
        "translates horse → zebra (a2b)",
        "network mobile (in_channels 3, out_channels 3, depth 2, width 4)",
        "batch norm statistics of the very picture",
        "any; padded to multiples of 4, at least 8 pixels",
        "trained for 1500 steps",
        "recipe optim.lr 0.0002",
        "licence Apache-2.0",
    ):
        assert text in shown


def test_what_can_be_asked_for_is_shown(write_model, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    path = write_model(tmp_path / "model.safetensors")
    info(str(path))
    plain = capsys.readouterr().out
    assert not any(line.startswith(("labels", "text")) for line in plain.splitlines())
    card = read_card(path)
    weights = load_file(path)
    for changes, line in (
        (
            {"labels": ("horse", "zebra"), "arguments": {**card.arguments, "classes": 2}},
            "labels horse, zebra",
        ),
        (
            {
                "text": Captions(encoder="minilm", examples=("a zebra", "a horse")),
                "arguments": {**card.arguments, "embedding": 384},
            },
            "text asks for a caption, read by minilm; such as: a zebra; a horse",
        ),
        (
            {"latent": 8, "arguments": {**card.arguments, "latent": 8}},
            "samples many for a picture, by a code of 8 numbers",
        ),
    ):
        save_file(weights, path, {"card": card.model_copy(update=changes).model_dump_json()})
        info(str(path))
        assert line in [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()]


def test_json_and_direction_without_torch(run_folder):
    code = (
        f"import sys; sys.argv = ['translate', 'info', {str(run_folder)!r}, '--direction', 'b2a', '--json']\n"
        "from translate.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'cv2', 'albumentations'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    card = json.loads(shown)
    assert (card["direction"], card["architecture"], card["format_version"]) == ("b2a", "mobile", 5)


def test_a_wrong_model_is_exit_code_4(tmp_path):
    from translate.errors import ModelError

    with pytest.raises(ModelError, match="no such model") as caught:
        info(str(tmp_path / "nothing"))
    assert caught.value.exit_code == 4


def test_how_much_a_model_enlarges_is_shown(write_model, tmp_path, capsys):
    for scale, shown in ((1, False), (4, True)):
        info(str(write_model(tmp_path / "m.safetensors", "srvgg", arguments={"scale": scale})))
        assert ("enlarges     4 times" in capsys.readouterr().out) is shown
