"""The studio's functions for programs, and what strangers may not do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import translate
from translate import images
from translate.cli.serve import serve
from translate.errors import UsageError

ASKED = {"direction": "", "label": "", "text": "", "strength": 1.0, "seed": 0}


@pytest.fixture(scope="module")
def client(studio) -> Any:
    gradio_client = pytest.importorskip("gradio_client")
    return gradio_client.Client(studio, verbose=False)


def call(studio: str, function: str, data: list[Any]) -> str:
    """What the server says to a request that no client of good faith would make."""
    request = urllib.request.Request(
        f"{studio}gradio_api/call/{function}",
        json.dumps({"data": data}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{studio}gradio_api/call/{function}/{event}", timeout=60) as answer:
        return answer.read().decode()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_programs_translate_as_people_do(client, models, tmp_path, photo):
    from gradio_client import handle_file

    names = {model["name"]: model for model in client.predict(api_name="/models")}
    assert set(names) == {"both", "coats", "deep/grey", "holes", "many", "maps"}
    assert names["both"]["directions"] == ["a2b", "b2a"]
    assert names["coats"]["labels"] == list(translate.load(models / "coats.safetensors").card.labels)
    images.write(tmp_path / "ein bild.png", photo(4))
    image = handle_file(tmp_path / "ein bild.png")
    back = client.predict(image=image, model="both", **ASKED | {"direction": "b2a"}, api_name="/translate")
    expected = translate.load(models / "both", direction="b2a")(photo(4))
    assert np.array_equal(images.read(back).pixels, expected)
    assert Path(back).name.startswith("ein")
    half = client.predict(image=image, model="both", **ASKED | {"strength": 0.5}, api_name="/translate")
    mean = (photo(4).astype(int) + translate.load(models / "both")(photo(4))) / 2
    assert np.abs(images.read(half).pixels - mean).max() <= 0.5


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "nothing"}, "There is no model called 'nothing'"),
        ({"model": "../both"}, "There is no model called '../both'"),
        ({"model": "coats", "label": "unicorn"}, "unicorn"),
        ({"model": "coats", "direction": "b2a"}, "translates horse to zebra only"),
        ({"model": "both", "direction": "sideways"}, "translates horse to zebra"),
        ({"model": "both", "text": "a zebra"}, "takes no"),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_sentence(client, tmp_path, photo, asked, said):
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    images.write(tmp_path / "x.png", photo(5))
    with pytest.raises(AppError) as caught:
        client.predict(image=handle_file(tmp_path / "x.png"), **ASKED | asked, api_name="/translate")
    assert said in str(caught.value)


def test_bad_pictures_are_answered_with_a_sentence(client, tmp_path, photo):
    from gradio_client import handle_file
    from gradio_client.exceptions import AppError

    images.write(tmp_path / "large.png", np.zeros((1200, 1200, 3), np.uint8))
    (tmp_path / "cut.jpg").write_bytes(images.encode(photo(5), "JPEG")[:300])
    (tmp_path / "words.png").write_bytes(b"words")
    (tmp_path / "page.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    for name in ("large.png", "cut.jpg", "words.png", "page.svg"):
        with pytest.raises(AppError) as caught:
            client.predict(image=handle_file(tmp_path / name), model="both", **ASKED, api_name="/translate")
        said = str(caught.value)
        assert name in said.lower(), said
        assert "gradio" not in said, said
        assert str(tmp_path) not in said, said


def test_files_of_the_server_are_not_to_be_had(studio, models):
    for path in ("/etc/passwd", str(models / "coats.safetensors"), __file__):
        data = [{"path": path, "meta": {"_type": "gradio.FileData"}}, "both", "", "", "", 1.0, 0]
        assert "event: error" in call(studio, "translate", data)
        assert status(f"{studio}gradio_api/file={path}") in (403, 404)
    assert status(f"{studio}gradio_api/file=../../../etc/passwd") in (403, 404)
    assert status(f"{studio}gradio_api/file=checkpoints") in (403, 404)


def test_uploads_keep_to_their_folder_and_their_size(studio, tmp_path):
    import httpx

    outside = httpx.post(f"{studio}gradio_api/upload", files={"files": ("../../../evil.png", b"x")})
    assert outside.status_code == 200
    (place,) = outside.json()
    assert Path(place).name == "evil.png"
    assert ".." not in place
    large = httpx.post(f"{studio}gradio_api/upload", files={"files": ("large.png", bytes(4_000_000))})
    assert large.status_code == 413


def test_language_models_find_the_tools(studio):
    import httpx

    headers = {"Accept": "application/json, text/event-stream"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    answer = httpx.post(f"{studio}gradio_api/mcp/", json=message, headers=headers, timeout=60)
    text = answer.text
    lines = [line[5:] for line in text.splitlines() if line.startswith("data:")] or [text]
    tools = {tool["name"]: tool for tool in json.loads(lines[0])["result"]["tools"]}
    translates = next(tool for name, tool in tools.items() if name.endswith("translate"))
    assert set(translates["inputSchema"]["properties"]) >= {"image", "model", "label", "strength"}
    assert "Translate a picture" in translates["description"]
    assert any(name.endswith("models") for name in tools)


def test_strangers_need_the_password(start_studio):
    with start_studio("--auth", "anna:secret") as address:
        assert status(f"{address}config") == 401
        assert status(f"{address}gradio_api/info") == 401
        from gradio_client import Client

        client = Client(address, auth=("anna", "secret"), verbose=False)
        assert "both" in [model["name"] for model in client.predict(api_name="/models")]


def test_what_can_t_be_served_is_said_before_anything_is_loaded(tmp_path):
    with pytest.raises(UsageError, match="lets others in; add --auth"):
        serve(models=tmp_path, host="0.0.0.0")
    with pytest.raises(UsageError, match="no such folder"):
        serve(models=tmp_path / "none")
    for wrong in ("anna", "anna:", ":secret"):
        with pytest.raises(UsageError, match="user:password"):
            serve(models=tmp_path, auth=wrong)
