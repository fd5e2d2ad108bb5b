"""Every kind of picture file, good and bad, through the one loader."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from translate import images
from translate.errors import BadImage, OutputError, UsageError
from translate.images import reading

SIZE = (24, 40)  # height, width


def pixels(height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    """A smooth picture with different corners: lossy formats change it by a few levels only."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (60 + 180 * x / max(width - 1, 1), 200 - 150 * y / max(height - 1, 1), 90 + 60 * (x > width / 2))
    return np.stack(planes, -1).round().astype(np.uint8)


def picture(mode: str = "RGB", height: int = SIZE[0], width: int = SIZE[1]) -> Image.Image:
    return Image.fromarray(pixels(height, width)).convert(mode)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def save(path: Path, image: Image.Image, format: str | None = None, **options) -> Path:  # noqa: A002
    image.save(path, format, **options)
    return path


def error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def reason(path: Path, **options) -> str:
    with pytest.raises(BadImage) as caught:
        images.read(path, **options)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value.reason


LOSSLESS = {"png": {}, "bmp": {}, "tif": {}, "ppm": {}, "webp": {"lossless": True}, "gif": {}}
LOSSY = {"jpg": {"quality": 95}, "avif": {"quality": 95}}


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
def test_every_format(tmp_path, suffix):
    path = save(tmp_path / f"x.{suffix}", picture(), **(LOSSLESS | LOSSY)[suffix])
    read = images.read(path)
    assert read.pixels.dtype == np.uint8
    assert read.pixels.shape == (*SIZE, 3)
    assert error(read.pixels, pixels()) <= (0 if suffix in LOSSLESS and suffix != "gif" else 3)
    assert read.notes == ()
    assert read.format == images.FORMAT_OF[path.suffix]
    assert images.probe(path).size == (SIZE[1], SIZE[0])


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_fast_jpeg_path_gives_pillows_pixels(tmp_path, mode, progressive, monkeypatch):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (41, 67, 3), np.uint8)).convert(mode)
    path = save(tmp_path / "x.jpg", noise, progressive=progressive)
    slow = np.asarray(Image.open(path).convert("RGB"))
    monkeypatch.setattr(reading, "flat", None)  # so that only OpenCV can have read it
    assert np.array_equal(images.read(path).pixels, slow)


def test_content_counts_not_the_suffix(tmp_path):
    path = save(tmp_path / "x.png", picture(), "JPEG")
    read = images.read(path)
    assert (read.format, read.notes) == ("JPEG", ("a JPEG file named .png",))
    assert images.probe(path).format == "JPEG"


@pytest.mark.parametrize("profile", [False, True])
def test_cmyk_is_not_inverted(tmp_path, profile):
    # No CMYK profile comes with Pillow, so the profile here is one that can't be used for CMYK.
    options = (
        {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()} if profile else {}
    )
    path = save(tmp_path / "x.jpg", picture("CMYK"), quality=95, **options)
    read = images.read(path)
    assert error(read.pixels, pixels()) < 4
    assert bool(read.notes) == profile


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bit_grey_is_shifted_not_clipped(tmp_path, suffix):
    values = np.linspace(0, 65535, 24 * 40).reshape(24, 40).astype(np.uint16)
    values[0, 0] = 10000
    cv2.imwrite(str(tmp_path / f"x.{suffix}"), values)
    read = images.read(tmp_path / f"x.{suffix}").pixels
    assert read[0, 0].tolist() == [39, 39, 39]
    assert np.array_equal(read, np.repeat((values >> 8).astype(np.uint8)[..., None], 3, -1))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_colour(tmp_path, suffix):
    values = np.random.default_rng(0).integers(0, 65536, (9, 7, 3), np.uint16)
    cv2.imwrite(str(tmp_path / f"x.{suffix}"), values[..., ::-1])
    assert np.array_equal(images.read(tmp_path / f"x.{suffix}").pixels, (values >> 8).astype(np.uint8))


def test_sixteen_bit_transparency(tmp_path):
    values = np.full((2, 2), 10000, np.uint16)
    values[0, 0] = 500
    path = save(tmp_path / "x.png", Image.fromarray(values), transparency=500)
    read = images.read(path, background=(1, 2, 3)).pixels
    assert read[0, 0].tolist() == [1, 2, 3]
    assert read[1, 1].tolist() == [39, 39, 39]


@pytest.mark.parametrize(("kind", "mode"), [(np.float32, "F"), (np.int32, "I")])
def test_thirty_two_bit_samples_are_refused(tmp_path, kind, mode):
    path = save(tmp_path / "x.tif", Image.fromarray(np.zeros((4, 4), kind)))
    assert reason(path) == f"unsupported mode {mode} (32-bit or floating-point samples, or Lab)"


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_and_palette_become_three_channels(tmp_path, mode):
    path = save(tmp_path / "x.png", picture(mode))
    assert np.array_equal(images.read(path).pixels, np.asarray(picture(mode).convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_alpha_is_laid_over_the_background(tmp_path, suffix):
    rgba = np.dstack([pixels(), np.tile(np.linspace(0, 255, SIZE[1]).astype(np.uint8), (SIZE[0], 1))])
    options = {"lossless": True, "exact": True} if suffix == "webp" else {}
    path = save(tmp_path / f"x.{suffix}", Image.fromarray(rgba), **options)
    alpha = rgba[..., 3:] / 255
    expected = pixels() * alpha + np.array([10, 200, 30]) * (1 - alpha)
    assert np.abs(images.read(path, background=(10, 200, 30)).pixels - expected).max() <= 1
    assert images.read(path).pixels[0, 0].tolist() == [255, 255, 255]


def test_grey_alpha_and_transparent_palettes(tmp_path):
    la = Image.merge("LA", [Image.new("L", (4, 4), 100), Image.new("L", (4, 4), 0)])
    assert images.read(save(tmp_path / "la.png", la), background=(9, 8, 7)).pixels[0, 0].tolist() == [9, 8, 7]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 50, 60, 70])
    palette.putpixel((0, 0), 0)
    path = save(tmp_path / "p.png", palette, transparency=0)
    read = images.read(path, background=(9, 8, 7)).pixels
    assert read[0, 0].tolist() == [9, 8, 7]
    assert read[1, 1].tolist() == [50, 60, 70]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first_is_used(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    path = save(tmp_path / f"x.{suffix}", frames[0], save_all=True, append_images=frames[1:], **options)
    read = images.read(path)
    assert read.pixels[0, 0].tolist() == [255, 0, 0]
    assert read.notes == ("several frames: the first is used",)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpg": {"quality": 95}, "webp": {"lossless": True}}.get(suffix, {})
    path = save(tmp_path / f"x.{suffix}", picture(), exif=exif, **options)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    assert np.array_equal(images.read(path).pixels, upright)
    assert images.probe(path).size == upright.shape[1::-1]
    assert upright.shape[:2] == (SIZE if orientation < 5 else SIZE[::-1])


@pytest.mark.parametrize("block", [b"garbage" * 9, b"MM\0*\0\0\0\x08\0\xff\x01\x12"])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_broken_exif_block_is_a_note(tmp_path, block, suffix):
    read = images.read(save(tmp_path / f"x.{suffix}", picture(), exif=b"Exif\0\0" + block))
    assert read.pixels.shape == (*SIZE, 3)
    assert len(read.notes) >= 1
    assert "exif" in read.notes[0].lower()


def display_p3() -> bytes:
    """An sRGB profile whose primaries are written over with Display P3's (D50-adapted, s15Fixed16)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {b"rXYZ": (0.51512, 0.24120, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189),
                 b"bXYZ": (0.15710, 0.06657, 0.78407)}  # fmt: skip
    for index in range(struct.unpack(">I", profile[128:132])[0]):
        tag, offset, size = struct.unpack(">4sII", profile[132 + 12 * index : 144 + 12 * index])
        if tag in primaries:
            profile[offset + 8 : offset + 20] = struct.pack(
                ">3i", *(round(v * 65536) for v in primaries[tag])
            )
        if tag == b"desc":
            text = "Display P3".ljust((size - 28) // 2)[: (size - 28) // 2].encode("utf-16-be")
            profile[offset + 28 : offset + 28 + len(text)] = text
    return bytes(profile)


def test_a_display_p3_profile_is_converted(tmp_path):
    p3 = display_p3()
    red = Image.new("RGB", (4, 4), (200, 100, 50))
    read = images.read(save(tmp_path / "x.png", red, icc_profile=p3))
    # P3 (200, 100, 50) by linearising, P3 -> XYZ -> sRGB and encoding again.
    linear = np.array([((v / 255 + 0.055) / 1.055) ** 2.4 for v in (200, 100, 50)])
    matrix = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09828]])
    srgb = 1.055 * (matrix @ linear) ** (1 / 2.4) - 0.055
    assert np.abs(read.pixels[0, 0] - srgb * 255).max() < 1.5
    assert read.notes == ()


def test_an_srgb_profile_changes_nothing_and_a_broken_one_is_a_note(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for suffix in ("jpg", "png"):
        plain = images.read(save(tmp_path / f"x.{suffix}", picture())).pixels
        marked = images.read(save(tmp_path / f"s.{suffix}", picture(), icc_profile=srgb))
        assert np.array_equal(marked.pixels, plain)
        for broken in (b"garbage" * 40, lab):
            read = images.read(save(tmp_path / f"b.{suffix}", picture(), icc_profile=broken))
            assert np.array_equal(read.pixels, plain)
            assert read.notes == ("the colour profile can't be used and is ignored",)


def test_profile_and_alpha_together(tmp_path):
    rgba = Image.new("RGBA", (4, 4), (200, 100, 50, 255))
    opaque = images.read(save(tmp_path / "o.png", rgba.convert("RGB"), icc_profile=display_p3())).pixels
    assert np.array_equal(
        images.read(save(tmp_path / "a.png", rgba, icc_profile=display_p3())).pixels, opaque
    )


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_files_are_refused(tmp_path, suffix, share):
    whole = save(
        tmp_path / f"x.{suffix}", picture(height=96, width=160), **(LOSSLESS | LOSSY)[suffix]
    ).read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole[: int(len(whole) * share)])
    assert reason(cut)


def test_a_png_without_its_end_is_truncated(tmp_path):
    whole = save(tmp_path / "x.png", picture()).read_bytes()
    (tmp_path / "x.png").write_bytes(whole[:-4])
    assert reason(tmp_path / "x.png") == "the file is truncated"


def test_a_truncated_jpeg_with_a_whole_thumbnail_is_refused(tmp_path):
    stream = io.BytesIO()
    picture(height=8, width=8).save(stream, "JPEG")
    whole = save(tmp_path / "x.jpg", picture(height=96, width=160), comment=stream.getvalue()).read_bytes()
    (tmp_path / "x.jpg").write_bytes(whole[: len(whole) // 2])
    assert reason(tmp_path / "x.jpg")


def test_a_bad_checksum_is_refused(tmp_path):
    encoded = bytearray(save(tmp_path / "x.png", picture()).read_bytes())
    encoded[encoded.index(b"IDAT") + 20] ^= 0xFF
    (tmp_path / "x.png").write_bytes(encoded)
    assert "can't be decoded" in reason(tmp_path / "x.png")


@pytest.mark.parametrize(
    "content",
    [b"plain text", b"<html></html>", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
     b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", b"%PDF-1.4\n"],
)  # fmt: skip
def test_what_is_no_picture_is_refused_without_starting_a_process(tmp_path, content, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    (tmp_path / "x.jpg").write_bytes(content)
    assert reason(tmp_path / "x.jpg").startswith("not a picture in a format that can be read (PNG, JPEG,")


def test_messages_for_what_is_not_there(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe.png")
    assert reason(tmp_path / "empty.png") == "the file is empty"
    assert reason(tmp_path / "none.png") == "no such file"
    assert reason(tmp_path / "link.png") == "a link to nothing"
    assert reason(tmp_path / "folder.png") == reason(tmp_path / "pipe.png") == "not a regular file"
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    assert "symbolic links" in reason(tmp_path / "self.png")


def test_a_locked_file_is_refused(tmp_path, monkeypatch):
    def locked(self):
        raise PermissionError(13, "Permission denied")

    path = save(tmp_path / "x.png", picture())
    monkeypatch.setattr(Path, "read_bytes", locked)
    assert reason(path) == "permission denied"


def test_heic_is_read_by_its_extra_and_else_named(tmp_path, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    drawn = Image.fromarray(np.indices((48, 64)).sum(0).astype(np.uint8)).convert("RGB")
    pillow_heif.from_pillow(drawn).save(tmp_path / "x.heic", quality=95)
    read = images.read(tmp_path / "x.heic")
    assert read.format == "HEIF"
    assert np.abs(read.pixels.astype(int) - np.asarray(drawn)).mean() < 3
    original = images.read_original(tmp_path / "x.heic", "PNG")
    assert np.array_equal(original.frames[0].pixels, read.pixels)
    (tmp_path / "half.heic").write_bytes((tmp_path / "x.heic").read_bytes()[:400])
    assert reason(tmp_path / "half.heic")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = "HEIC pictures need pillow-heif: pip install 'image-translate[heif]'"
    assert reason(tmp_path / "x.heic") == said


def png_with_header(width: int, height: int, depth: int, colour: int, *extra: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    middle = b"".join(chunk(e[:4], e[4:]) for e in extra)
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + middle
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("header", [(100_000, 100_000, 8, 2), (30_000, 30_000, 1, 0), (10_000, 10_000, 8, 2)])
def test_bombs_are_refused_before_decoding(tmp_path, header):
    (tmp_path / "x.png").write_bytes(png_with_header(*header))
    started = time.process_time()
    assert "limit" in reason(tmp_path / "x.png")
    assert time.process_time() - started < 1


def test_the_limit_is_the_callers(tmp_path):
    path = save(tmp_path / "x.png", picture())
    assert reason(path, max_pixels=900) == "40×24 pixels are over the limit of 0.0009 megapixels"
    assert images.read(path, max_pixels=960).pixels.shape == (*SIZE, 3)


@pytest.mark.parametrize("chunk", [b"iCCPname\0\0", b"zTXtname\0\0"])
def test_compressed_metadata_bombs_stay_small(tmp_path, chunk):
    resource = pytest.importorskip("resource")
    (tmp_path / "x.png").write_bytes(png_with_header(8, 8, 8, 0, chunk + zlib.compress(bytes(200_000_000))))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(BadImage):
        images.read(tmp_path / "x.png")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (255, 257)])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_odd_shapes(tmp_path, shape, suffix):
    images.write(tmp_path / f"x.{suffix}", pixels(*shape))
    assert images.read(tmp_path / f"x.{suffix}").pixels.shape == (*shape, 3)


@pytest.mark.parametrize(
    "name", ["späte Ä 日本 🦓.png", "a\nb.png", os.fsdecode(b"\xff\xfe.png"), "n" * 251 + ".png"]
)
def test_odd_names(tmp_path, name):
    images.write(tmp_path / name, pixels())
    assert [path.name for path in images.find(tmp_path)] == [name]
    assert np.array_equal(images.read(tmp_path / name).pixels, pixels())


def test_mutated_files_raise_nothing_but_bad_image(tmp_path):
    rng = random.Random(0)
    originals = [
        save(tmp_path / f"x.{suffix}", picture(height=17, width=23)).read_bytes()
        for suffix in [*LOSSLESS, *LOSSY]
    ]
    exif = Image.Exif()
    exif[0x010F], exif[0x8769] = "Maker", {0x9003: "2026:01:02 03:04:05"}
    small = picture(height=17, width=23)
    frames = {"save_all": True, "append_images": [small.rotate(180)], "duration": 50}
    originals += [
        save(tmp_path / "x.jpg", small, exif=exif, icc_profile=display_p3()).read_bytes(),
        save(tmp_path / "x.gif", small, **frames).read_bytes(),
        save(tmp_path / "x.png", small, **frames).read_bytes(),
        cv2.imencode(".png", pixels(17, 23).astype(np.uint16) * 257)[1].tobytes(),
    ]
    path = tmp_path / "mutated.png"
    reasons = []
    for round_ in range(1500):
        data = bytearray(originals[round_ % len(originals)])
        for _ in range(rng.choice((1, 2, 8, 32))):
            start = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[start] = rng.randrange(256)
                case 1:
                    data[start:start] = rng.randbytes(rng.randrange(1, 9))
                case 2:
                    del data[start : start + rng.randrange(1, 9)]
                case _:
                    data[start : start + 4] = rng.choice(
                        (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff")
                    )
            if not data:
                data = bytearray(b"\0")
        path.write_bytes(data)
        try:
            if round_ // len(originals) % 2:
                assert images.read(path, max_pixels=1_000_000).pixels.shape[2] == 3
            else:
                original = images.read_original(path, "PNG", max_pixels=1_000_000)
                images.write_like(tmp_path / "y.png", [frame.pixels for frame in original.frames], original)
        except BadImage as bad:
            reasons.append(bad.reason)
    assert 300 < len(reasons) < 1500
    assert not any("\n" in text or not text for text in reasons)


def test_warnings_become_notes_of_the_right_picture_in_threads(tmp_path):
    good = save(tmp_path / "good.png", picture())
    bad = save(tmp_path / "bad.png", picture(), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff\x01\x12")
    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(4) as pool:
            read = list(pool.map(images.read, [good, bad] * 40))
    assert leaked == []
    assert all(picture.notes == () for picture in read[::2])
    assert all(len(picture.notes) == 1 for picture in read[1::2])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
def test_writing(tmp_path, suffix):
    path = tmp_path / "deep" / f"x{suffix}"
    images.write(path, pixels())
    images.write(path, pixels()[::-1])
    assert error(np.asarray(Image.open(path)), pixels()[::-1]) < 3
    assert listing(path.parent) == [path.name]


def test_quality_and_grey(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    for suffix in ("jpg", "webp"):
        images.write(tmp_path / f"low.{suffix}", noise, quality=20)
        images.write(tmp_path / f"high.{suffix}", noise, quality=95)
        assert (tmp_path / f"low.{suffix}").stat().st_size < (tmp_path / f"high.{suffix}").stat().st_size / 2
    assert Image.open(tmp_path / "high.jpg").mode == "L"


def test_saturated_edges_survive_jpeg(tmp_path):
    edges = np.zeros((32, 32, 3), np.uint8)
    edges[:, ::2] = (255, 0, 0)
    images.write(tmp_path / "x.jpg", edges)
    assert error(images.read(tmp_path / "x.jpg").pixels, edges) < 6  # 64 with chroma subsampling


def test_messages_for_what_can_not_be_written(tmp_path):
    with pytest.raises(
        UsageError, match=r"x\.avif: pictures are written as \.apng, \.bmp, .*; change the suffix"
    ):
        images.write(tmp_path / "x.avif", pixels())
    with pytest.raises(OutputError, match=r"1×70000 pixels can't be written as JPEG"):
        images.write(tmp_path / "x.jpg", np.zeros((70000, 1, 3), np.uint8))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"file/x\.png can't be written: "):
        images.write(tmp_path / "file" / "x.png", pixels())
    assert listing(tmp_path) == ["file"]


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    images.write(tmp_path / "x.png", pixels())
    before = (tmp_path / "x.png").read_bytes()

    def full(self, data):
        with self.open("wb") as stream:
            stream.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"x\.png can't be written: no space left on device"):
        images.write(tmp_path / "x.png", pixels()[::-1])
    assert listing(tmp_path) == ["x.png"]
    assert (tmp_path / "x.png").read_bytes() == before


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 4]), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_tensors_and_pixels_are_inverse(height, width, channels, seed):
    original = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    tensor = images.to_tensor(original)
    assert tensor.shape == (1, channels, height, width)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert tensor.abs().max() <= 1
    assert np.array_equal(images.to_pixels(tensor), original)
    assert np.array_equal(images.to_pixels(tensor[0]), original)


def test_the_value_range():
    assert images.to_tensor(np.array([[0, 255]], np.uint8)).flatten().tolist() == [-1, 1]
    out = images.to_pixels(torch.tensor([[[-3.0, -1.0, 0.0, 0.0039, 1.0, 7.0]]]))
    assert out.flatten().tolist() == [0, 0, 128, 128, 255, 255]
    many = torch.linspace(-1.2, 1.2, 70_001).reshape(1, 1, 1, -1)
    for bits in (8, 16):
        assert np.array_equal(images.to_pixels(many.numpy(), bits=bits), images.to_pixels(many, bits=bits))
    read_only = np.broadcast_to(np.uint8(7), (2, 2, 3))[:, ::-1]
    assert images.to_tensor(read_only).shape == (1, 3, 2, 2)


def test_real_pictures_read_as_pillow_reads_them(shared_data):
    for folder in ("facades/train", "bsds500_edges/train/edges", "day2night/trainA", "set14/x4/LR"):
        for path in images.find(shared_data / folder)[:5]:
            read = images.read(path)
            assert np.array_equal(read.pixels, np.asarray(Image.open(path).convert("RGB")))
            assert images.probe(path).size == read.pixels.shape[1::-1]


def test_reading_needs_no_torch():
    code = "import sys, translate.images; assert not {'torch', 'cv2', 'torchvision'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
