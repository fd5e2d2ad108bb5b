"""What a conversion carries over, checked with other readers than ours."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageSequence

from translate import images
from translate.errors import BadImage
from translate.images.metadata import in_png
from translate.pillow import is_srgb

RNG = np.random.default_rng(0)
SMALL = RNG.integers(0, 256, (9, 14, 3), np.uint8)
WIDE = RNG.integers(0, 65536, (9, 14, 4), np.uint16)


def copied(source: Path, target: Path, scale: int = 1) -> images.Original:
    """Write a file's own frames, `scale` times as large, as if a network had made them."""
    original = images.read_original(source, images.format_of_suffix(target.suffix))
    made = [frame.pixels.repeat(scale, axis=0).repeat(scale, axis=1) for frame in original.frames]
    images.write_like(target, made, original)
    return original


@pytest.mark.parametrize("to", [".png", ".tif"])
@pytest.mark.parametrize(
    ("suffix", "channels"), [(".png", 1), (".png", 3), (".png", 4), (".tif", 1), (".tif", 3)]
)
def test_sixteen_bits_stay_sixteen_bits(tmp_path, suffix, channels, to):
    stored = WIDE[..., 0] if channels == 1 else WIDE[..., :channels]
    cv2.imwrite(str(tmp_path / f"x{suffix}"), stored)
    original = copied(tmp_path / f"x{suffix}", tmp_path / f"y{to}")
    assert original.notes == ()
    back = cv2.imread(str(tmp_path / f"y{to}"), cv2.IMREAD_UNCHANGED)
    assert back.dtype == np.uint16
    shown = WIDE[..., [0, 0, 0]] if channels == 1 else stored
    if channels == 4:  # what nobody sees is white
        shown = np.where(shown[..., 3:] == 0, np.uint16(65535), shown)
        shown[..., 3] = stored[..., 3]
    assert np.array_equal(back, shown)
    eight = images.read_original(tmp_path / f"x{suffix}", "JPEG").frames[0]
    assert eight.pixels.dtype == np.uint8
    if channels < 4:
        assert np.array_equal(eight.pixels, (shown[..., ::-1] >> 8).astype(np.uint8))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_tiff_of_sixteen_bits_keeps_exif_and_profile(tmp_path, channels):
    tifffile = pytest.importorskip("tifffile")
    cv2.imwrite(str(tmp_path / "x.png"), WIDE[..., 0] if channels == 1 else WIDE[..., :channels])
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 6
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8825)[0x0001] = "N"
    plain, profile = (tmp_path / "x.png").read_bytes(), srgb()
    (tmp_path / "x.png").write_bytes(in_png(plain, exif.tobytes(), profile))
    assert copied(tmp_path / "x.png", tmp_path / "y.tif").notes == ()
    with tifffile.TiffFile(tmp_path / "y.tif") as file:
        tags = file.pages[0].tags
        assert file.pages[0].asarray().shape[:2] == (14, 9), "upright"
        assert set(np.atleast_1d(tags["BitsPerSample"].value)) == {16}
        assert tags["Make"].value == "Camera"
        assert "Orientation" not in tags or tags["Orientation"].value == 1
        assert tags["ExifTag"].value["DateTimeOriginal"] == "2026:01:02 03:04:05"
        assert tags["GPSTag"].value["GPSLatitudeRef"] == "N"
        assert tags["InterColorProfile"].value == profile
    ours = images.read_original(tmp_path / "y.tif", "TIFF").frames[0].pixels
    assert ours.dtype == np.uint16
    assert np.array_equal(ours, images.read_original(tmp_path / "x.png", "TIFF").frames[0].pixels)


def test_sixteen_bits_with_a_foreign_profile_are_converted_in_eight(tmp_path):
    cv2.imwrite(str(tmp_path / "x.png"), WIDE[..., :3])
    plain = (tmp_path / "x.png").read_bytes()
    for profile, depth in ((lab_free_profile(), 8), (srgb(), 16)):
        (tmp_path / "y.png").write_bytes(in_png(plain, None, profile))
        original = images.read_original(tmp_path / "y.png", "PNG")
        assert original.frames[0].pixels.itemsize * 8 == depth
        assert any("are converted in 8" in note for note in original.notes) == (depth == 8)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def lab_free_profile() -> bytes:
    """An RGB profile other than sRGB: sRGB's with another name and two primaries exchanged."""
    made = bytearray(srgb())
    made[:] = made.replace("sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be")).replace(b"sRGB", b"xRGB")
    made[made.index(b"rXYZ") : made.index(b"rXYZ") + 4] = b"tXYZ"
    made[made.index(b"gXYZ") : made.index(b"gXYZ") + 4] = b"rXYZ"
    made[made.index(b"tXYZ") : made.index(b"tXYZ") + 4] = b"gXYZ"
    return bytes(made)


@pytest.mark.parametrize("to", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_goes_along_without_orientation_and_size(tmp_path, suffix, to):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = 6, "Maker", "Somebody"
    exif[0x8769] = {0x9003: "2026:01:02 03:04:05", 0xA002: 14, 0xA003: 9}
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    Image.fromarray(SMALL).save(tmp_path / f"x{suffix}", exif=exif.tobytes())
    copied(tmp_path / f"x{suffix}", tmp_path / f"y{to}")
    with Image.open(tmp_path / f"y{to}") as made:
        assert made.size == (9, 14)
        found = made.getexif()
        assert (0x0112 in found, found[0x010F], found[0x013B]) == (False, "Maker", "Somebody")
        assert dict(found.get_ifd(0x8769)) == {0x9003: "2026:01:02 03:04:05"}
        assert [float(part) for part in found.get_ifd(0x8825)[2]] == [52.0, 31.0, 12.0]
    expected = images.read(tmp_path / f"x{suffix}").pixels
    if to in (".png", ".tif"):
        assert np.array_equal(images.read(tmp_path / f"y{to}").pixels, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_originals_are_upright_as_pictures_are(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(SMALL).save(tmp_path / f"x{suffix}", exif=exif)
    frame = images.read_original(tmp_path / f"x{suffix}", "PNG").frames[0]
    assert np.array_equal(frame.pixels, images.read(tmp_path / f"x{suffix}").pixels)


def test_pixels_are_srgb_and_say_so_if_they_said_anything(tmp_path):
    foreign, own = lab_free_profile(), srgb()
    for profile in (foreign, own, b"garbage" * 30, None):
        Image.fromarray(SMALL).save(
            tmp_path / "x.png", **({} if profile is None else {"icc_profile": profile})
        )
        copied(tmp_path / "x.png", tmp_path / "y.webp")
        original = copied(tmp_path / "x.png", tmp_path / "y.png")
        found = Image.open(tmp_path / "y.png").info.get("icc_profile")
        assert Image.open(tmp_path / "y.webp").info.get("icc_profile") == found
        assert np.array_equal(original.frames[0].pixels, images.read(tmp_path / "x.png").pixels)
        if profile == foreign:
            assert found is not None
            assert is_srgb(found)
            assert np.abs(original.frames[0].pixels.astype(int) - SMALL).mean() > 10
            again = copied(tmp_path / "y.png", tmp_path / "z.png").frames[0].pixels
            assert np.array_equal(again, original.frames[0].pixels), "converted once"
        else:
            assert found == (own if profile == own else None)


def test_a_grey_output_takes_no_profile_of_colours(tmp_path):
    Image.fromarray(SMALL).save(tmp_path / "x.png", icc_profile=srgb())
    original = images.read_original(tmp_path / "x.png", "PNG")
    images.write_like(tmp_path / "y.png", [SMALL[..., :1]], original)
    with Image.open(tmp_path / "y.png") as made:
        assert (made.mode, "icc_profile" in made.info) == ("L", False)


@pytest.mark.parametrize("to", [".png", ".webp", ".tif", ".gif"])
def test_transparency_is_resampled_and_colours_are_not_mixed_with_it(tmp_path, to):
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255 if to == ".gif" else 128
    colour = np.full((8, 8, 3), (200, 30, 60), np.uint8)
    Image.fromarray(np.dstack((colour, alpha))).save(tmp_path / "x.png")
    original = copied(tmp_path / "x.png", tmp_path / f"y{to}", scale=2)
    assert np.array_equal(original.frames[0].pixels[:, 4:], colour[:, 4:])
    assert (original.frames[0].pixels[:, :4] == 255).all()
    made = np.asarray(Image.open(tmp_path / f"y{to}").convert("RGBA"))
    assert made.shape == (16, 16, 4)
    assert (made[:, :6, 3] < 10).all()
    assert (np.abs(made[:, 10:, 3].astype(int) - alpha[0, 7]) < 10).all()
    assert (np.abs(made[:, 10:, :3].astype(int) - colour[0, 0]) < (20 if to == ".webp" else 3)).all()


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_other_transparent_modes(tmp_path, mode):
    picture = Image.fromarray(SMALL).convert("L")
    if mode == "LA":
        picture.putalpha(Image.fromarray(SMALL[..., 1]))
        expected = SMALL[..., 1]
    else:
        picture = picture.convert("P")
        picture.info["transparency"] = 7
        picture.putpixel((3, 2), 7)
        expected = np.where(np.asarray(picture) == 7, 0, 255)
    picture.save(tmp_path / "x.png")
    copied(tmp_path / "x.png", tmp_path / "y.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "y.png"))[..., 3], expected)


DURATIONS = [100, 250, 40]


@pytest.mark.parametrize("to", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_animations_keep_frames_times_and_loops(tmp_path, suffix, to, alpha):
    drawn = np.zeros((3, 12, 16, 4), np.uint8)
    for number, frame in enumerate(drawn):
        frame[..., number] = 250
        frame[..., 3] = 255
        frame[:4, : 4 * number + 1, 3] = 0 if alpha else 255
    frames = [Image.fromarray(frame).convert("RGBA" if alpha else "RGB") for frame in drawn]
    more = {"disposal": 2} if suffix == ".gif" else {"lossless": True} if suffix == ".webp" else {}
    frames[0].save(
        tmp_path / f"x{suffix}", save_all=True, append_images=frames[1:], duration=DURATIONS, loop=3, **more
    )
    original = copied(tmp_path / f"x{suffix}", tmp_path / f"y{to}")
    assert original.notes == ()
    with Image.open(tmp_path / f"y{to}") as made:
        assert (made.format, made.n_frames, made.info["loop"]) == (images.FORMAT_OF[to], 3, 3)
        for number, (frame, expected) in enumerate(zip(ImageSequence.Iterator(made), drawn, strict=True)):
            found = np.asarray(frame.convert("RGBA")).astype(int)
            assert frame.info["duration"] == DURATIONS[number]
            assert np.array_equal(found[..., 3], expected[..., 3])
            seen = expected[..., 3] > 0
            assert np.abs(found[seen][:, :3] - expected[seen][:, :3]).mean() < (12 if ".webp" in to else 3)
    assert copied(tmp_path / f"x{suffix}", tmp_path / "one.jpg").notes == (
        "several frames: the first is used",
    )


def test_an_animation_that_is_shown_once_stays_so(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:], duration=50)
    copied(tmp_path / "x.gif", tmp_path / "y.gif")
    assert "loop" not in Image.open(tmp_path / "y.gif").info
    for to in ("y.png", "y.webp"):
        copied(tmp_path / "x.gif", tmp_path / to)
        assert Image.open(tmp_path / to).info["loop"] == 1


def test_a_poster_that_is_no_frame_stays_so(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    options = {"save_all": True, "append_images": frames[1:], "duration": [50, 70], "default_image": True}
    frames[0].save(tmp_path / "x.png", **options)
    copied(tmp_path / "x.png", tmp_path / "y.png")
    with Image.open(tmp_path / "y.png") as made:
        assert (made.n_frames, made.default_image) == (3, True)
        made.seek(2)
        assert made.info["duration"] == 70


def test_pages_of_any_size_and_kind(tmp_path):
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2026:01:02 03:04:05"}
    pages = [
        Image.fromarray(SMALL),
        Image.fromarray(SMALL[:5]).convert("L"),
        Image.new("RGBA", (3, 4), (1, 2, 3, 40)),
    ]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:], exif=exif.tobytes())
    copied(tmp_path / "x.tif", tmp_path / "y.tif")
    with Image.open(tmp_path / "y.tif") as made:
        assert made.getexif().get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
        found = [page.copy() for page in ImageSequence.Iterator(made)]
    assert [page.size for page in found] == [(14, 9), (14, 5), (3, 4)]
    assert np.array_equal(np.asarray(found[0]), SMALL)
    assert np.asarray(found[2])[0, 0].tolist() == [1, 2, 3, 40]


def test_frames_together_are_bounded(tmp_path):
    frames = [Image.new("RGB", (20, 10), (number, 0, 0)) for number in range(5)]
    for suffix in ("gif", "tif"):
        path = tmp_path / f"x.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert len(images.read_original(path, "PNG", max_pixels=1000).frames) == 5
        with pytest.raises(BadImage, match=r"5 frames of 20×10 pixels are over the limit of 0\.000999 "):
            images.read_original(path, "PNG", max_pixels=999)


def test_broken_and_endless_exif_is_left_out(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(SMALL).save(stream, "png", exif=b"Exif\0\0garbage" * 9)
    (tmp_path / "x.png").write_bytes(stream.getvalue())
    assert copied(tmp_path / "x.png", tmp_path / "y.jpg").exif is None
    long = Image.Exif()
    long[0x010E] = "word " * 15_000
    Image.fromarray(SMALL).save(tmp_path / "x.png", exif=long)
    copied(tmp_path / "x.png", tmp_path / "y.jpg")
    copied(tmp_path / "x.png", tmp_path / "y.png")
    assert "exif" not in Image.open(tmp_path / "y.jpg").info
    assert Image.open(tmp_path / "y.png").getexif()[0x010E] == "word " * 15_000


def test_sixteen_bit_tiffs_whose_white_is_zero_are_no_negatives(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    stored = np.linspace(0, 65535, 20 * 30).reshape(20, 30).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="miniswhite")
    (frame,) = images.read_original(tmp_path / "x.tif", "PNG").frames
    assert np.array_equal(frame.pixels[..., 0], 65535 - stored)
    assert np.array_equal(images.read(tmp_path / "x.tif").pixels[..., 0], 255 - (stored >> 8))
