"""What a written video says of itself; frames, times and sound are in tests/inference/test_video.py."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from translate import videos
from translate.errors import UsageError
from translate.videos.colours import Colours, Matrix

pytest.importorskip("av")

TRAITS = videos.Traits(
    size=(64, 48),
    unit=Fraction(1, 90_000),
    rate=Fraction(30_000, 1001),
    frames=None,
    colours=Colours(Matrix(1), 1, 1),
    aspect=Fraction(4, 3),
    metadata={"title": "Zebras é"},
)


def frames(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    y, x = np.mgrid[:height, :width]
    return [
        np.dstack((4 * x, 5 * y, np.full_like(x, 20 * n))).clip(0, 255).astype(np.uint8) for n in range(count)
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".webm"])
def test_pixels_times_and_what_is_told(tmp_path, look, suffix):
    path = tmp_path / f"a{suffix}"
    writer = videos.Writer(path, suffix, (64, 48), TRAITS, quality=100)
    for number, pixels in enumerate(frames(5)):
        writer.add(pixels, 9000 * number**2, 9000 * (2 * number + 1))
    writer.close()
    made = look(path)
    assert made.codec == ("vp9" if suffix == ".webm" else "h264")
    assert made.times == pytest.approx([number**2 / 10 for number in range(5)], abs=1e-3)
    assert made.colours == (1, 1, 1, 1)
    if suffix != ".webm":
        assert made.aspect == Fraction(4, 3)
    assert {**made.metadata, **{k.lower(): v for k, v in made.metadata.items()}}["title"] == "Zebras é"
    assert writer.notes == (
        ("its pixels are 4:3, and .webm shows them as squares",) if suffix == ".webm" else ()
    )
    with videos.Reader(path) as reader:
        for moment, drawn in zip(reader, frames(5), strict=True):
            assert isinstance(moment, videos.Moment)
            assert np.abs(moment.pixels.astype(int) - drawn).mean() < 3


def test_odd_sizes_are_kept_as_far_as_the_codec_holds_them(tmp_path, look):
    [pixels] = frames(1, 47, 63)
    for suffix, size in ((".webm", (63, 47)), (".mp4", (64, 48))):
        path = tmp_path / f"a{suffix}"
        writer = videos.Writer(path, suffix, (63, 47), TRAITS)
        writer.add(pixels, 0)
        writer.close()
        made = look(path)
        assert made.size == size
        assert np.abs(made.pixels[0][:47, :63].astype(int) - pixels).mean() < 6
        assert any("even sizes" in note for note in writer.notes) == (suffix == ".mp4")
    assert np.abs(made.pixels[0][47, :63].astype(int) - pixels[46]).mean() < 6, "the edge is repeated"
    assert "63×47 became 64×48 by repeating the edge" in writer.notes[0]


def test_quality_and_grey(tmp_path, look):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 64, 1), np.uint8) for _ in range(3)]
    for suffix in (".mp4", ".webm"):
        sizes = []
        for quality in (1, 50, 95, 100):
            writer = videos.Writer(tmp_path / "a", suffix, (64, 48), TRAITS, quality=quality)
            for number, pixels in enumerate(noise):
                writer.add(pixels, number * 3000)
            writer.close()
            sizes.append((tmp_path / "a").stat().st_size)
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[-1] / 3
        difference = look(tmp_path / "a").pixels[0].astype(int) - noise[0]
        assert np.abs(difference).mean() < 8


def test_what_can_not_be_written(tmp_path, monkeypatch, make_clip):
    from av import codec

    with pytest.raises(UsageError, match=r"videos are written as \.m4v, \.mkv, .* not as \.avi"):
        videos.require_encoder(".avi")
    with (
        videos.Reader(make_clip(tmp_path / "a.mp4")) as reader,
        pytest.raises(UsageError, match=r"\.webm doesn't hold its sound \(aac\).* write \.mkv"),
    ):
        videos.Writer(tmp_path / "a.webm", ".webm", (64, 48), TRAITS, reader.sounds)
    monkeypatch.setattr(codec, "codecs_available", {"mpeg4"})
    with pytest.raises(UsageError, match=r"\.mp4 takes the encoder libx264, which this PyAV hasn't got"):
        videos.require_encoders([".mp4"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'image-translate\[video\]'"):
        videos.require_encoders([".mp4"])
