"""Fixtures that several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", metavar="FOLDER", help="take the documentation's pictures of the studio"
    )
    parser.addoption("--screenshots-models", metavar="FOLDER", default="checkpoints")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures beside the repository, where somebody put them; not part of it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real pictures (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def write_model():
    """A function that writes a small model with random weights and returns its path."""

    def write(
        path: Path, architecture: str = "mobile", *, direction: str = "a2b", seed: int = 0, **changes
    ) -> Path:
        import torch

        from translate.networks.catalogue import build_generator
        from translate.networks.filling import Filling
        from translate.weights import model_file
        from translate.weights.card import Card

        arguments = {
            "in_channels": 3,
            "out_channels": 3,
            "depth": 2,
            "width": 4,
            **changes.pop("arguments", {}),
        }
        torch.manual_seed(seed)
        network = build_generator(architecture, **arguments)
        network = Filling(network) if changes.get("mask") else network
        card = Card(
            architecture=architecture,
            arguments=arguments,
            translator=changes.pop("translator", "cyclegan"),
            direction=direction,
            domains={"a": "horse", "b": "zebra"},
            size_multiple=network.size_multiple,
            minimum_size=network.minimum_size,
            **changes,
        )
        model_file.save(path, network.state_dict(), card)
        return path

    return write


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, write_model) -> Path:
    """A run with a small model for either direction."""
    run = tmp_path_factory.mktemp("runs") / "both"
    write_model(run / "model.safetensors")
    write_model(run / "model-b2a.safetensors", direction="b2a", seed=1)
    return run


@pytest.fixture(scope="session")
def labelled_model(tmp_path_factory, write_model) -> Path:
    """A model that is asked for one of horse, zebra and giraffe."""
    import torch
    from safetensors.torch import load_file

    from translate.weights import model_file
    from translate.weights.card import read_card

    path = tmp_path_factory.mktemp("models") / "labelled.safetensors"
    labels = ("horse", "zebra", "giraffe")
    write_model(path, "resnet", arguments={"depth": 1, "classes": 3}, labels=labels)
    generator = torch.Generator().manual_seed(0)
    # What a label changes starts at nearly nothing; here it is to be seen in 8 bits.
    weights = {
        name: torch.randn(tensor.shape, generator=generator) if "modulation" in name else tensor
        for name, tensor in load_file(path).items()
    }
    model_file.save(path, weights, read_card(path))
    return path


@pytest.fixture(scope="session")
def random_vgg19(tmp_path_factory) -> Path:
    """A file like that of VGG-19's weights, in its old format, but with random numbers."""
    import torch
    from torchvision.models import VGG19_Weights, vgg19

    path = tmp_path_factory.mktemp("weights") / VGG19_Weights.IMAGENET1K_V1.url.rpartition("/")[2]
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in vgg19().features[:30].state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    weights = {
        f"features.{name}": torch.randn(shape, generator=generator) * (2 / shape[1:].numel()) ** 0.5
        if len(shape) > 1
        else torch.rand(shape, generator=generator) - 0.5
        for name, shape in shapes.items()
    }
    torch.save(weights, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture
def vgg19_folder(random_vgg19, monkeypatch) -> Path:
    """A folder whose random VGG-19 passes for the real one."""
    import hashlib

    from translate.networks import perceptual

    digest = hashlib.sha256(random_vgg19.read_bytes()).hexdigest()
    wanted = perceptual.weights_of_vgg19()._replace(sha256=digest[:8])
    monkeypatch.setattr(perceptual, "weights_of_vgg19", lambda: wanted)
    return random_vgg19.parent


@pytest.fixture(scope="session")
def captioned_model(tmp_path_factory, write_model) -> Path:
    """A model that is asked with a caption; it knows the words of two."""
    import torch
    from safetensors.torch import load_file

    from translate.networks.text import TokenEncoder
    from translate.weights import model_file
    from translate.weights.card import Captions, read_card

    examples, small = ("a zebra at noon", "the grey horse"), {"size": 8, "vocabulary": 500, "width": 4}
    path = tmp_path_factory.mktemp("models") / "captioned.safetensors"
    text = Captions(encoder="tokens", arguments=small, examples=examples)
    write_model(path, "resnet", arguments={"depth": 1, "embedding": 8}, translator="text", text=text)
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: torch.randn(tensor.shape, generator=generator) if "modulation" in name else tensor
        for name, tensor in load_file(path).items()
    }
    encoder = TokenEncoder(**small)
    encoder(encoder.tokenise(examples))
    model_file.save(path, weights, read_card(path), text_encoder=encoder.state_dict())
    return path


@pytest.fixture(scope="session")
def latent_model(tmp_path_factory, write_model) -> Path:
    """A model with a code of three numbers, whose outputs differ visibly."""
    path = tmp_path_factory.mktemp("models") / "latent.safetensors"
    arguments = {"depth": 2, "width": 8, "norm": "instance", "latent": 3}
    return write_model(path, "unet", arguments=arguments, translator="bicyclegan", latent=3)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """A single thread for torch: with tensors as small as those of most tests, a second only costs time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def make_clip():
    """A function that writes a small video with sound, frame `i` of colour `(20 i, 200 | 0, 100 | 0)`."""
    av = pytest.importorskip("av")
    from fractions import Fraction

    import numpy as np

    unit = Fraction(1, 90_000)

    def drawn(index: int, size: tuple[int, int]) -> np.ndarray:
        width, height = size
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[..., 0] = 20 * index % 256
        pixels[: height // 2, :, 1] = 200
        pixels[:, : width // 2, 2] = 100
        return pixels

    def make(
        path: Path,
        times: list[int] | None = None,
        *,
        size: tuple[int, int] = (64, 48),
        frames: int = 8,
        rate: int = 8,
        codec: str = "libx264",
        sound: str | None = "aac",
        muxer: str | None = None,
        pixels: str = "yuv420p",
        turn: tuple[float, bool, bool] | None = None,
        **context: object,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        times = times or [90_000 * index // rate for index in range(frames)]
        with av.open(str(path), "w", format=muxer) as file:
            video = file.add_stream(codec, rate, {"crf": "10"})
            video.width, video.height, video.pix_fmt = *size, pixels
            video.codec_context.time_base = unit
            for name, value in context.items():
                setattr(video.codec_context, name, value)
            if turn is not None:
                video.set_display_rotation(turn[0], hflip=turn[1], vflip=turn[2])
            audio = file.add_stream(sound, 48_000) if sound else None
            if audio is not None:
                audio.layout = "mono"
            for index, time in enumerate(times):
                frame = av.VideoFrame.from_ndarray(drawn(index, size), format="rgb24")
                frame.pts, frame.time_base = time, unit
                file.mux(video.encode(frame))
            file.mux(video.encode())
            if audio is not None:
                wave = np.sin(np.arange(48_000 * len(times) // rate) / 17).astype(np.float32)[None] / 3
                for start in range(0, wave.shape[1] - 1023, 1024):
                    tone = av.AudioFrame.from_ndarray(wave[:, start : start + 1024], "fltp", "mono")
                    tone.sample_rate, tone.pts, tone.time_base = 48_000, start, Fraction(1, 48_000)
                    file.mux(audio.encode(tone))
                file.mux(audio.encode())
        return path

    make.drawn = drawn
    return make


@pytest.fixture(scope="session")
def look():
    """A function that reads a video with plain PyAV: frames, their times in seconds, packets of sound."""
    av = pytest.importorskip("av")
    from types import SimpleNamespace

    def look(path: Path) -> SimpleNamespace:
        with av.open(str(path)) as file:
            video, sound, times, pixels = file.streams.video[0], [], [], []
            for packet in file.demux():
                if packet.stream.type == "audio" and packet.dts is not None:
                    sound.append((float(packet.pts * packet.time_base), bytes(packet)))
                elif packet.stream.type == "video":
                    for frame in packet.decode():
                        times.append(float(frame.pts * frame.time_base))
                        pixels.append(frame.to_ndarray(format="rgb24"))
            context = video.codec_context
            return SimpleNamespace(
                times=times,
                pixels=pixels,
                sound=sound,
                length=file.duration / 1e6,
                size=(video.width, video.height),
                codec=context.name,
                colours=(context.colorspace, context.color_primaries, context.color_trc, context.color_range),
                aspect=video.sample_aspect_ratio,
                metadata=dict(file.metadata),
            )

    return look


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, without a window; tests that want it are skipped where there is none."""
    import shutil

    sync_api = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: pages are not driven")
    sync_api.expect.set_options(timeout=60_000)
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, headless=True, args=_QUIET)
        yield chromium
        chromium.close()


class Page:
    """A file that the `web` serves.

    Attributes:
        content, kind: what is sent, and as what.
        breaks: after how many bytes of each answer in turn the connection is cut.
        ranges: whether requests for a part are understood.
        validator: sent as ETag, or as Last-Modified where it isn't in quotes; None for neither.
        length: said in the place of the true one.
        redirect: to which path.
        status: of the answers in turn, in the place of 200.
        asked: the Range and If-Range of every request.
    """

    def __init__(self, content: bytes = b"", **behaviour: Any):
        self.content = content
        self.kind = "application/octet-stream"
        self.breaks: list[int] = []
        self.ranges = True
        self.validator: str | None = '"1"'
        self.length: int | None = None
        self.redirect = ""
        self.status: list[int] = []
        self.asked: list[tuple[str | None, str | None]] = []
        vars(self).update(behaviour)


@pytest.fixture(scope="module")
def _served() -> Iterator[tuple[str, dict[str, Page]]]:
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    pages: dict[str, Page] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            if page is None:
                self.send_error(404)
                return
            asked = self.headers.get("Range"), self.headers.get("If-Range")
            page.asked.append(asked)
            if page.status:
                self.send_error(page.status.pop(0))
            elif page.redirect:
                self.send_response(302)
                self.send_header("Location", page.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._send(page, *asked)

        def _send(self, page: Page, span: str | None, condition: str | None) -> None:
            start, size = 0, len(page.content)
            if span and page.ranges and condition in (None, page.validator):
                start = int(span.removeprefix("bytes=").removesuffix("-"))
                if start >= size:
                    self.send_error(416)
                    return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str((page.length or size) - start))
            if page.validator:
                name = "ETag" if '"' in page.validator else "Last-Modified"
                self.send_header(name, page.validator)
            self.end_headers()
            end = min(size, start + page.breaks.pop(0)) if page.breaks else size
            self.wfile.write(page.content[start:end])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def web(_served, monkeypatch, tmp_path):
    """A function that has a page served, as `Page` takes it, and returns its address and the page.

    Downloads neither pause nor wait here, and what they remember is forgotten.
    """
    from translate import downloads
    from translate.data.public import records

    root, pages = _served
    pages.clear()
    monkeypatch.setattr(downloads, "PAUSE", 0)
    monkeypatch.setattr(downloads, "PATIENCE", 5)
    monkeypatch.setattr(records, "first_seen", lambda: tmp_path / "cache" / "data-sets.json")

    def serve(path: str, content: bytes = b"", **behaviour: Any) -> tuple[str, Page]:
        pages[path] = Page(content, **behaviour)
        return root + path, pages[path]

    return serve
