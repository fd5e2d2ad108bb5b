"""Videos as frames: upright, in their own colours, at their own times; and every bad one a `BadImage`."""

from __future__ import annotations

import numpy as np
import pytest

from translate import videos
from translate.errors import BadImage

pytest.importorskip("av")


def moments(path, **options) -> tuple[list[videos.Moment], videos.Reader]:
    with videos.Reader(path, **options) as reader:
        return [item for item in reader if isinstance(item, videos.Moment)], reader


def test_frames_and_what_they_have_in_common(make_clip, tmp_path):
    times = [0, 3000, 9000, 9900, 30_000, 40_000]
    path = make_clip(tmp_path / "é 🎬.mp4", times, sample_aspect_ratio=2)
    found, reader = moments(path)
    assert reader.traits is not None
    assert [moment.time * reader.traits.unit * 90_000 for moment in found] == times
    assert (reader.traits.size, reader.traits.frames, reader.traits.aspect) == ((64, 48), 6, 2)
    assert reader.notes == []
    for index, moment in enumerate(found):
        assert moment.pixels.dtype == np.uint8
        difference = np.abs(moment.pixels.astype(int) - make_clip.drawn(index, (64, 48)))
        assert np.median(difference) <= 4, "colours of the encoder, and not of another matrix or range"


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("mirrored", [(False, False), (True, False), (False, True)])
def test_frames_are_upright_as_the_display_matrix_says(make_clip, tmp_path, degrees, mirrored):
    """The matrix maps a stored pixel (x, y) to (a x + c y, b x + d y) on the screen."""
    import av

    path = make_clip(tmp_path / "a.mp4", frames=1, sound=None, turn=(degrees, *mirrored))
    with av.open(str(path)) as file:
        [frame] = file.decode(video=0)
        stored = frame.to_ndarray(format="rgb24")
        matrices = [
            np.frombuffer(bytes(data), np.int32)
            for data in frame.side_data
            if data.type.name == "DISPLAYMATRIX"
        ]
    a, b, _, c, d = (
        np.sign(matrices[0][:5].astype(float).round(-4)).astype(int) if matrices else (1, 0, 0, 0, 1)
    )
    points = {}
    for y in range(stored.shape[0]):
        for x in range(stored.shape[1]):
            points[a * x + c * y, b * x + d * y] = stored[y, x]
    left, top = min(x for x, _ in points), min(y for _, y in points)
    width, height = max(x for x, _ in points) - left + 1, max(y for _, y in points) - top + 1
    shown = np.zeros((height, width, 3), int)
    for (x, y), colour in points.items():
        shown[y - top, x - left] = colour
    [moment], reader = moments(path)
    assert reader.traits is not None
    assert moment.pixels.shape[1::-1] == reader.traits.size == (width, height)
    assert np.abs(moment.pixels - shown).mean() < 3
    if degrees == 90 and mirrored == (False, False):
        assert np.abs(moment.pixels - np.rot90(stored).astype(int)).mean() < 3, "counterclockwise"


@pytest.mark.parametrize(("size", "matrix", "said"), [((64, 48), 6, 2), ((64, 580), 1, 2), ((64, 48), 1, 1)])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range(make_clip, tmp_path, size, matrix, said, full):
    """A colour by its definition: Y = Kr R + (1 − Kr − Kb) G + Kb B, 16 … 235 or 0 … 255."""
    import av

    kr, kb = {6: (0.299, 0.114), 1: (0.2126, 0.0722)}[matrix]
    colour = np.array([200, 120, 60])
    luma = kr * colour[0] + (1 - kr - kb) * colour[1] + kb * colour[2]
    blue, red = (colour[2] - luma) / (2 - 2 * kb), (colour[0] - luma) / (2 - 2 * kr)
    stored = (
        [luma, blue + 128, red + 128]
        if full
        else [luma * 219 / 255 + 16] + [c * 224 / 255 + 128 for c in (blue, red)]
    )
    width, height = size
    y, u, v = (round(value) for value in stored)
    planes = np.full((height * 3 // 2, width), y, np.uint8)
    planes[height : height + height // 4], planes[height + height // 4 :] = u, v
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", 8, {"crf": "0"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.colorspace, video.codec_context.color_range = said, 2 if full else 0
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        file.mux(video.encode(frame))
        file.mux(video.encode())
    [moment], reader = moments(path)
    assert reader.traits is not None
    assert reader.traits.colours.matrix.number == matrix
    assert np.abs(moment.pixels.reshape(-1, 3) - colour).max() <= 3


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_damaged_and_foreign_files(make_clip, tmp_path, name):
    webm = {"codec": "libvpx-vp9", "sound": "libopus"} if name == "a.webm" else {}
    whole = make_clip(tmp_path / name, frames=24, **webm).read_bytes()
    path = tmp_path / f"bad-{name}"
    for share in (0.1, 0.5, 0.8):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(BadImage, match=r"truncated|can't be decoded|damaged"):
            moments(path)
    for content, message in ((b"", "the file is empty"), (b"<html>" * 99, "can't be decoded: invalid data")):
        path.write_bytes(content)
        with pytest.raises(BadImage, match=message):
            moments(path)
    with pytest.raises(BadImage, match="no such file"):
        moments(tmp_path / "none.mp4")
    with pytest.raises(BadImage, match=r"64×48 pixels are over the limit of 0\.003 megapixels"):
        moments(tmp_path / name, max_pixels=3000)


def test_a_file_that_names_others_is_no_video(make_clip, tmp_path):
    """Playlists could reach any file and any address."""
    make_clip(tmp_path / "real.mp4")
    for text in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/real.mp4\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {tmp_path}/real.mp4\n",
    ):
        (tmp_path / "list.mp4").write_text(text)
        with pytest.raises(BadImage, match="can't be decoded"):
            moments(tmp_path / "list.mp4")


def test_sound_alone_is_no_video(make_clip, tmp_path):
    import av

    source = make_clip(tmp_path / "a.mp4")
    with av.open(str(source)) as file, av.open(str(tmp_path / "b.mp4"), "w") as out:
        copied = out.add_stream_from_template(file.streams.audio[0])
        for packet in file.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    with pytest.raises(BadImage, match="there is no video in it"):
        moments(tmp_path / "b.mp4")


def test_what_is_lost_is_said(make_clip, tmp_path):
    path = make_clip(tmp_path / "a.mkv", frames=2, sound=None, pixels="yuv420p10le", color_trc=16)
    _, reader = moments(path)
    assert reader.notes == [
        "HDR (PQ): its colours are taken as they are",
        "more than 8 bits a colour are read as 8",
    ]
