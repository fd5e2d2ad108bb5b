"""Large files by strips: pixels, and all that goes with them, as by the whole picture."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from translate import images
from translate.errors import BadImage, OutputError, TranslateError
from translate.images import libvips, originals, scratch, strips, writing
from translate.images.metadata import in_png

RNG = np.random.default_rng(0)
SIZE = (50, 70)
PIXELS = cv2.resize(RNG.integers(0, 256, (8, 9, 4), np.uint8), SIZE[::-1], interpolation=cv2.INTER_LINEAR)
WIDE = RNG.integers(0, 65536, (*SIZE, 4), np.uint16)
WIDE[:5, ..., 3] = 0
PLAIN = Image.fromarray(PIXELS[..., :3])


@pytest.fixture(params=["libvips", "pillow"])
def large(request, monkeypatch):
    """Everything is large, and goes by strips of a few rows."""

    def begin() -> None:
        monkeypatch.setattr(scratch, "LARGE", 100)
        monkeypatch.setattr(scratch, "STRIP_BYTES", 7 * SIZE[1] * 3)
        if request.param == "pillow":
            for module in (libvips, strips):
                monkeypatch.setattr(module, "library", lambda: None)

    if request.param == "libvips" and libvips.library() is None:
        pytest.skip("pyvips is not installed")
    return begin


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112], made[0x010F], made[0x011A] = orientation, "Maker", 300.0
    made[0x8769] = {0x9003: "2020:02:03 04:05:06"}
    return made


def profile() -> bytes:
    """Of a colour space that is not sRGB."""
    from tests.images.test_originals import lab_free_profile

    return lab_free_profile()


def write_sources(folder: Path) -> list[Path]:
    grey, both = PLAIN.convert("L"), Image.fromarray(PIXELS)
    both.paste((9, 9, 9, 0), (0, 0, 20, 20))
    PLAIN.save(folder / "plain.jpg")
    PLAIN.save(folder / "progressive.jpg", progressive=True, quality=70, icc_profile=profile())
    PLAIN.convert("CMYK").save(folder / "press.jpg")
    for orientation in range(2, 9):
        PLAIN.save(folder / f"turned-{orientation}.jpg", exif=exif(orientation), subsampling=0)
    both.save(folder / "turned.png", exif=exif(6))
    PLAIN.save(folder / "converted.png", icc_profile=profile())
    grey.save(folder / "grey.png", transparency=int(np.asarray(grey)[3, 3]))
    grey.save(folder / "grey.tif")
    both.convert("LA").save(folder / "both.png")
    PLAIN.quantize(7).save(folder / "palette.png")
    grey.convert("1").save(folder / "bits.png")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        PLAIN.save(folder / f"{compression}.tif", compression=compression)
    both.save(folder / "both.tif")
    PLAIN.save(folder / "turned.tif", exif=exif(8).tobytes())
    PLAIN.save(folder / "plain.webp", lossless=True)
    for name, pixels in (("grey", WIDE[..., 0]), ("colour", WIDE[..., :3]), ("both", WIDE)):
        cv2.imwrite(str(folder / f"wide-{name}.png"), pixels)
        cv2.imwrite(str(folder / f"wide-{name}.tif"), pixels)
    encoded = (folder / "wide-colour.png").read_bytes()
    (folder / "wide-converted.png").write_bytes(in_png(encoded, None, profile()))
    return sorted(folder.iterdir())


def test_a_large_file_is_read_as_a_small_one(tmp_path, large, monkeypatch):
    paths = write_sources(tmp_path)
    expected = {
        (path, to): images.read_original(path, to, background=(1, 2, 3))
        for path in paths
        for to in ("PNG", "JPEG")
    }
    large()
    monkeypatch.setattr(originals, "straight", None)  # the whole picture isn't converted
    by_vips = 0
    for (path, to), original in expected.items():
        if "wide" in path.name and libvips.library() is None:
            continue
        found = images.read_original(path, to, background=(1, 2, 3))
        notes = tuple(note for note in found.notes if "[large]" not in note)
        assert (notes, found.exif, found.profile) == (original.notes, original.exif, original.profile), path
        by_vips += found.notes == notes
        for ours, theirs in (
            (found.frames[0].pixels, original.frames[0].pixels),
            (found.frames[0].alpha, original.frames[0].alpha),
        ):
            assert (ours is None) == (theirs is None), path
            if ours is not None and theirs is not None:
                assert ours.dtype == theirs.dtype
                assert isinstance(ours, np.memmap)
                assert np.array_equal(ours, theirs), (path, to)
    assert by_vips > 30 or libvips.library() is None


@pytest.mark.parametrize(
    ("to", "channels"),
    [(to, n) for to in (".png", ".jpg", ".tif", ".webp") for n in (1, 3, 4) if (to, n) != (".jpg", 4)],
)
def test_a_large_file_is_written_as_a_small_one(tmp_path, large, to, channels):
    PLAIN.save(tmp_path / "x.png", exif=exif(6), icc_profile=profile())
    name = images.format_of_suffix(to)
    original = images.read_original(tmp_path / "x.png", name)
    made = [np.ascontiguousarray(PIXELS[..., : min(channels, 3)])]
    if channels == 4:
        frame = images.Frame(made[0], np.ascontiguousarray(PIXELS[::2, ::2, 3]))  # of an enlarging network
        original = images.Original((frame,), (), "PNG", original.exif, original.profile)
    small, by_strips = tmp_path / f"small{to}", tmp_path / f"large{to}"
    images.write_like(small, made, original)
    large()
    images.write_like(by_strips, made, original)
    with Image.open(small) as one, Image.open(by_strips) as other:
        assert one.mode == other.mode
        assert np.array_equal(np.asarray(one), np.asarray(other))
        assert one.info.get("icc_profile") == other.info.get("icc_profile")
        told, kept = one.getexif(), other.getexif()
        assert (kept[0x010F], kept[0x011A]) == ("Maker", 300)
        assert kept.get_ifd(0x8769) == told.get_ifd(0x8769) == {0x9003: "2020:02:03 04:05:06"}
        assert kept.get(0x0112, 1) == 1
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("to", [".png", ".tif"])
def test_sixteen_bits_stay_so_in_large_files(tmp_path, large, to):
    large()
    images.write_like(tmp_path / f"y{to}", [WIDE[..., :3]], images.Original((images.Frame(WIDE),), (), ""))
    stored = cv2.imread(str(tmp_path / f"y{to}"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(stored[..., ::-1], WIDE[..., :3])


def test_damage_and_a_full_disk_are_told_apart(tmp_path, large, monkeypatch):
    PLAIN.save(tmp_path / "x.jpg", quality=95)
    PLAIN.save(tmp_path / "x.png")
    encoded = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(encoded[: len(encoded) // 2])
    encoded = (tmp_path / "x.png").read_bytes()
    (tmp_path / "x.png").write_bytes(encoded[: len(encoded) // 2])
    large()
    for name in ("x.jpg", "x.png"):
        with pytest.raises(BadImage, match=r"can't be decoded|truncated"):
            images.read_original(tmp_path / name, "PNG")
    original = images.Original((images.Frame(PIXELS[..., :3]),), (), "PNG")
    for to in (".png", ".jpg", ".tif"):
        target = tmp_path / f"full{to}"
        monkeypatch.setattr(writing, "replacing", lambda path: files_on_full_disk(path))
        with pytest.raises(OutputError, match="no space left") as caught:
            images.write_like(target, [PIXELS[..., :3]], original)
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC


def files_on_full_disk(path: Path):
    """As `files.replacing`, on the device that is always full."""
    from contextlib import contextmanager

    from translate.files import explain

    @contextmanager
    def full():
        try:
            yield Path("/dev/full")
        except OSError as error:
            raise OutputError(f"{path} can't be written: {explain(error)}") from error

    return full()


def test_no_room_for_a_temporary_file_is_told(tmp_path, monkeypatch):
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    PLAIN.save(tmp_path / "x.png")
    monkeypatch.setattr(scratch, "LARGE", 100)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(TranslateError, match="set TMPDIR"):
        scratch.empty((50, 70, 3), np.uint8)
    with pytest.raises(BadImage, match="set TMPDIR"):
        images.read_original(tmp_path / "x.png", "PNG")
