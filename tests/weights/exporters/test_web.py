"""The page: whole or not at all, nothing from elsewhere, and in a browser the command line's pictures."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import json
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

import translate
from translate.cli.export import export
from translate.errors import ModelError, OutputError, UsageError
from translate.weights import model_file
from translate.weights.card import read_card
from translate.weights.exporters import web
from translate.weights.exporters.web import facts_of, find_runtime, refuse, write_site

CLASSES = ("#000000", "#0000ff", "#ff8000")


@pytest.fixture
def runtime(tmp_path) -> Path:
    """What passes for the npm package, installed."""
    dist = tmp_path / "npm/node_modules/onnxruntime-web/dist"
    dist.mkdir(parents=True)
    for name in ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        (dist / name).write_text(name)
    (dist.parent / "package.json").write_text('{"version": "1.2.3"}')
    return tmp_path / "npm"


@pytest.fixture
def plain(tmp_path, write_model, monkeypatch) -> model_file.Model:
    """A model, the export of whose network is left out."""
    monkeypatch.setattr(web, "write_onnx", lambda path, model, **_: path.write_bytes(b"network") and 0.0)
    return model_file.load(write_model(tmp_path / "model.safetensors", licence="<CC0>"))


def test_a_site_is_whole_and_replaced_by_another_alone(tmp_path, plain, runtime, monkeypatch):
    site = tmp_path / "deep/site"
    write_site(site, plain, runtime)
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert names == {
        *("index.html", "style.css", "page.js", "worker.js", "model.json", "model.onnx"),
        *(f"runtime/{name}" for name in ("ort.js", "ort-wasm.js", "ort-wasm.wasm", "LICENSE.txt")),
    }
    text = (site / "index.html").read_text()
    assert "&lt;CC0&gt;" in text
    assert "<title>horse → zebra</title>" in text
    assert "$" not in text
    assert "1.2.3, Copyright (c) Microsoft" in (site / "runtime/LICENSE.txt").read_text()
    for name in ("index.html", "style.css", "page.js", "worker.js"):
        assert "//" not in (site / name).read_text().replace("// ", ""), "an address"
    (site / "page.js").write_text("old")
    write_site(site, plain, runtime)
    assert (site / "page.js").read_text() != "old"
    before = sorted(site.rglob("*"))
    monkeypatch.setattr(web, "_copy_runtime", _full)
    with pytest.raises(OutputError, match="no space left"):
        write_site(site, plain, runtime)
    assert sorted(site.rglob("*")) == before
    assert list(site.parent.iterdir()) == [site]
    with pytest.raises(UsageError, match="no page that translate wrote"):
        write_site(runtime, plain, runtime)


def test_folders_of_others_are_left_alone_and_a_failed_move_is_undone(tmp_path, plain, runtime, monkeypatch):
    site = tmp_path / "site"
    write_site(site, plain, runtime)
    facts = (site / "model.json").read_text()
    for name, content in (("model.json", '{"format": "layers-model"}'), ("notes.txt", "mine")):
        (site / name).write_text(content)
        with pytest.raises(UsageError, match="no page that translate wrote"):
            write_site(site, plain, runtime)
        assert (site / name).read_text() == content
        (site / "model.json").write_text(facts)
    (site / "notes.txt").unlink()
    before = sorted(site.rglob("*"))
    move = Path.replace

    def fails_once(self: Path, target: Path) -> Path:
        if self.name == "site" and target == site:
            raise OSError(5, "Input/output error")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", fails_once)
    with pytest.raises(OutputError):
        write_site(site, plain, runtime)
    assert sorted(site.rglob("*")) == before


def _full(*_):
    raise OSError(28, "No space left on device")


def test_the_runtime_is_found_where_npm_puts_it_or_named(tmp_path, runtime, monkeypatch):
    dist = runtime / "node_modules/onnxruntime-web/dist"
    for given in (runtime, dist.parent, dist):
        assert find_runtime(given) == dist
    monkeypatch.setattr(web, "user_cache_path", lambda name: tmp_path / "none")
    (runtime / "below").mkdir()
    monkeypatch.chdir(runtime / "below")
    assert find_runtime() == dist
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"npm install onnxruntime-web.*--runtime PATH"):
        find_runtime()
    monkeypatch.setattr(web, "user_cache_path", lambda name: runtime)
    assert find_runtime() == dist
    with pytest.raises(UsageError, match="takes none"):
        export("x", format="onnx", output=tmp_path / "x.onnx", runtime=runtime)


def test_models_without_a_page_are_refused_and_drawn_inputs_known(write_model, tmp_path, captioned_model):
    with pytest.raises(ModelError, match="captions"):
        refuse(read_card(captioned_model))
    filling = read_card(write_model(tmp_path / "m.safetensors", mask=True, arguments={"in_channels": 4}))
    refuse(filling)
    assert facts_of(filling)["sheet"]["kind"] == "holes"
    card = read_card(write_model(tmp_path / "c.safetensors", classes=CLASSES))
    sheet = facts_of(card)["sheet"]
    assert (sheet["kind"], [colour["colour"] for colour in sheet["palette"]]) == ("classes", list(CLASSES))
    photo = read_card(write_model(tmp_path / "p.safetensors"))
    assert facts_of(photo)["sheet"] is None
    lines = facts_of(photo.model_copy(update={"recipe": {"data": {"task": "edges", "size": 64}}}))["sheet"]
    assert (lines["side"], lines["brush"]) == (64, 2)
    assert lines["palette"][1]["colour"] == "#000000"


# In a browser


@pytest.fixture(scope="module")
def real_runtime() -> Path:
    try:
        return find_runtime()
    except UsageError as error:
        pytest.skip(str(error))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Visit:
    """A page of a site, which must stay without errors and requests to elsewhere."""

    def __init__(self, browser, site: Path):
        handler = functools.partial(_Quiet, directory=str(site))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.wrong: list[str] = []
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        self.page = browser.new_page(viewport={"width": 390, "height": 800})
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        self.page.on("requestfailed", lambda request: self.wrong.append(request.url))
        self.page.on("request", self._seen)
        self.page.goto(self.address)
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)
        self.done = 0

    def _seen(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:http://127.0.0.1")):
            self.wrong.append(request.url)

    def answered(self) -> None:
        self.done += 1
        self.page.wait_for_selector(f"body[data-done='{self.done}']", timeout=60_000)

    def give(self, name: str, content: bytes, kind: str = "image/png") -> None:
        self.page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})

    def download(self) -> tuple[str, Image.Image]:
        with self.page.expect_download() as started:
            self.page.click("#download")
        with Image.open(started.value.path()) as image:
            image.load()
        return started.value.suggested_filename, image

    def close(self) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth") == 390
        self.page.close()
        self.server.shutdown()
        assert not self.wrong


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def test_the_page_gives_the_pictures_of_the_command_line(labelled_model, tmp_path, browser, real_runtime):
    site = tmp_path / "site"
    export(str(labelled_model), format="web", output=site, runtime=real_runtime)
    translator = translate.load(labelled_model, device="cpu")
    grey = np.add.outer(np.arange(37) * 3, np.arange(50) * 2)
    picture = Image.fromarray(np.stack([grey % 256, (2 * grey) % 256, 255 - grey % 256], 2).astype(np.uint8))
    visit = Visit(browser, site)
    visit.give("photo.png", encoded(picture))
    visit.answered()
    for label in ("horse", "giraffe"):
        if label == "giraffe":
            visit.page.select_option("#label", label)
            visit.answered()
            visit.page.wait_for_timeout(300)  # for the encoded file behind the link
        name, found = visit.download()
        assert (name, found.size) == ("photo.png", (50, 37))
        wanted = np.array(translator(picture, label=label), int)
        assert np.abs(np.array(found.convert("RGB"), int) - wanted).mean() <= 1
    exif = Image.Exif()
    exif[0x0112] = 6
    visit.give("turned.jpg", encoded(picture, "JPEG", quality=100, subsampling=0, exif=exif), "image/jpeg")
    visit.answered()
    visit.page.wait_for_timeout(300)
    name, found = visit.download()
    assert (name, found.size, found.format) == ("turned.jpg", (37, 50), "JPEG")
    shown = visit.page.evaluate("document.getElementById('before').toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(shown.partition(",")[2]))) as before:
        upright = np.array(picture.transpose(Image.Transpose.ROTATE_270), int)
        assert np.abs(np.array(before.convert("RGB"), int) - upright).mean() <= 2
    visit.give("bad.png", b"no picture")
    visit.page.wait_for_selector("#status.problem")
    assert "bad.png is not a picture" in visit.page.inner_text("#status")
    visit.give("large.png", encoded(Image.new("1", (2001, 2000))))
    visit.page.get_by_text("up to 4 million fit here").wait_for()
    visit.close()


def test_what_is_drawn_is_translated_at_every_stroke(
    tmp_path, write_model, browser, real_runtime, monkeypatch
):
    card = read_card(write_model(tmp_path / "c.safetensors", classes=CLASSES))
    colours = np.array([[-1, 1, 1], [1, -1, 0.2], [-1, -1, 1]], np.float32)  # RGB by class
    weight = helper.make_tensor("w", TensorProto.FLOAT, (3, 3, 1, 1), colours.flatten())
    free = ["b", 3, "h", "w_"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w"], ["output"])],
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, free)],
        [weight],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    monkeypatch.setattr(web, "write_onnx", lambda path, model, **_: onnx.save(made, path) or 0.0)
    site = tmp_path / "site"
    write_site(site, model_file.load(tmp_path / "c.safetensors"), real_runtime)
    facts = json.loads((site / "model.json").read_text())
    assert facts["classes"] == list(card.colours)
    visit = Visit(browser, site)
    visit.answered()  # the empty pad
    page = visit.page
    page.keyboard.press("Tab")
    page.get_by_role("radio", name="class #0000ff").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="class #ff8000").get_attribute("aria-checked") == "true"
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(1500)
    _, found = visit.download()
    pixels = np.array(found.convert("RGB"))
    of_class = [np.rint((colours[:, number] + 1) * 127.5) for number in range(3)]
    assert np.abs(pixels[128, 64] - of_class[2]).max() <= 1
    assert np.abs(pixels[128, 200] - of_class[0]).max() <= 1
    drawn = (np.abs(pixels - of_class[2]).max(2) <= 1).sum()
    assert drawn == pytest.approx(np.pi * (facts["sheet"]["brush"] / 2) ** 2, rel=0.1)
    known = sum((np.abs(pixels - colour).max(2) <= 1) for colour in of_class)
    assert known.all(), "a soft edge"
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(800)
    assert len(np.unique(np.array(visit.download()[1].convert("RGB")).reshape(-1, 3), axis=0)) == 1
    visit.give("strange.png", encoded(Image.new("RGB", (20, 20), (1, 2, 3))))
    page.get_by_text("holds the colour #010203").wait_for()
    visit.close()


def test_what_is_painted_over_is_filled_and_all_else_stays(
    tmp_path, write_model, browser, real_runtime, monkeypatch
):
    write_model(tmp_path / "m.safetensors", mask=True, arguments={"in_channels": 4})
    nodes = [
        helper.make_node("Split", ["image", "parts"], ["picture", "mask"], axis=1),
        helper.make_node("Greater", ["mask", "zero"], ["hole"]),
        helper.make_node("Where", ["hole", "white", "picture"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "white holes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["b", 4, "h", "w_"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["b", 3, "h", "w_"])],
        [
            helper.make_tensor("parts", TensorProto.INT64, (2,), [3, 1]),
            helper.make_tensor("zero", TensorProto.FLOAT, (), [0.0]),
            helper.make_tensor("white", TensorProto.FLOAT, (), [1.0]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    monkeypatch.setattr(web, "write_onnx", lambda path, model, **_: onnx.save(made, path) or 0.0)
    write_site(tmp_path / "site", model_file.load(tmp_path / "m.safetensors"), real_runtime)
    visit = Visit(browser, tmp_path / "site")
    visit.give("grey.png", encoded(Image.new("RGB", (60, 50), (90, 100, 110))))
    visit.page.get_by_text("Paint over what is to be filled.").wait_for()
    box = visit.page.locator("#pad").bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.page.get_by_text("60 × 50 pixels in").wait_for()
    visit.page.wait_for_timeout(800)  # for the stroke's end, and the encoded file behind the link
    name, found = visit.download()
    pixels = np.array(found.convert("RGB"))
    assert (name, pixels.shape) == ("grey.png", (50, 60, 3))
    assert (pixels[25, 30] == 255).all()
    white = (pixels == 255).all(2)
    assert 0 < white.sum() < white.size / 2
    assert (pixels[~white] == [90, 100, 110]).all()
    visit.page.get_by_role("button", name="Undo").click()
    visit.page.get_by_text("Paint over what is to be filled.").wait_for()
    assert visit.page.locator("#download").is_hidden()
    assert visit.page.locator("#undo").is_disabled()
    visit.close()
