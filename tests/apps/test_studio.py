"""What is behind the studio's page, without a page: models, the desk, blending, drawings, batches."""

from __future__ import annotations

import json
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

import translate
from translate import images
from translate.errors import BadImage, NothingToDo, UsageError
from translate.weights.drawing import Paper, paper
from translate_apps.studio.batch import Batch, BatchRequest
from translate_apps.studio.components import Upload, sentence
from translate_apps.studio.desk import Desk, Stopped
from translate_apps.studio.drawing import CANVAS, brush_size, coloured, drawn, ground, with_holes
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.translating import Request, Translating, blended


def silent(done: int, of: int) -> None:
    pass


@pytest.fixture(scope="module")
def shelf(models) -> Shelf:
    return Shelf(models, "cpu")


@pytest.fixture
def settings(models, tmp_path) -> Settings:
    return Settings(models, tmp_path / "files", device="cpu", max_pixels=10_000)


def test_the_shelf_has_runs_and_files_and_nothing_damaged(shelf, models):
    offers = shelf.offers()
    assert list(offers) == ["both", "coats", "deep/grey", "holes", "many", "maps"]
    assert list(offers["both"].files) == ["a2b", "b2a"]
    assert offers["both"].title == "both  ·  horse ⇄ zebra"
    assert [path.name for path in offers["both"].examples] == ["one.png", "two.png"]
    assert shelf.translator(offers["both"]) is shelf.translator(offers["both"])
    assert shelf.translator(offers["both"], "b2a").direction == "b2a"
    with pytest.raises(UsageError, match=r"no model called 'coat' \(did you mean coats\?\)"):
        shelf.offer("coat")
    with pytest.raises(UsageError, match="translates horse to zebra only"):
        shelf.translator(offers["coats"], "b2a")


def test_the_desk_does_one_thing_at_a_time_and_lets_go_of_what_nobody_wants():
    desk, begin, order = Desk(), threading.Event(), []

    def long(report):
        begin.wait()
        for n in range(10_000_000):
            report(n, 10_000_000)
        raise AssertionError("it was not stopped")

    def short(report):
        order.append("short")
        return 7

    first, second, third = desk.hand_in(long), desk.hand_in(short), desk.hand_in(short)
    leaving, watching = third.watch(), first.watch()
    next(leaving)
    leaving.close()  # its visitor left before it began
    next(watching)
    begin.set()
    next(watching)
    watching.close()
    assert list(second.watch()) or second.result() == 7
    with pytest.raises(Stopped):
        first.result()
    assert third.future.cancelled()
    assert order == ["short"]
    desk.close()


def test_strength_is_a_straight_line_between_before_and_after():
    before, after = np.full((4, 6, 3), 10, np.uint8), np.full((4, 6, 3), 110, np.uint8)
    assert (blended(before, after, 0.25) == 35).all()
    assert (blended(before, after, 0) == before).all()
    assert blended(before, after, 1) is after
    assert (blended(before, np.full((8, 12, 1), 110, np.uint8), 0.5) == np.full((8, 12, 3), 60)).all()
    wide = np.full((4, 6, 3), 40_000, np.uint16)
    assert (blended(before.astype(np.uint16) * 257, wide, 0.5) == round((2570 + 40_000) / 2)).all()


def test_an_answer_keeps_name_format_and_transparency(settings, models, tmp_path, photo):
    from PIL import Image

    alpha = np.zeros((45, 67), np.uint8)
    alpha[:20] = 255
    Image.fromarray(np.dstack([photo(1), alpha])).save(tmp_path / "x.png")
    (tmp_path / "hash").mkdir()
    uploaded = (tmp_path / "x.png").rename(tmp_path / "hash" / "upload.png")
    translating = Translating(settings, Shelf(models, "cpu"))
    answer = translating.answer(Request(uploaded, "Zoë at 5.webp", "both"), silent)
    assert [file.name for file in answer.files] == ["Zoë at 5.webp"]
    made = images.read_original(answer.files[0], "WEBP").frames[0]
    assert made.alpha is not None
    assert np.array_equal(made.alpha, alpha)
    images.write(tmp_path / "w.png", photo(1, 200, 200))
    with pytest.raises(BadImage, match=r"^wide.png: ") as caught:
        translating.answer(Request(tmp_path / "w.png", "wide.png", "both"), silent)
    assert str(tmp_path) not in str(caught.value)
    assert sentence(caught.value).endswith(".")


def test_drawings_become_what_models_were_trained_on(shelf):
    assert {name for name, offer in shelf.offers().items() if paper(offer.card)} == {"holes", "maps"}
    names, values = ("0", "1", "2"), (0, 0x010101, 0x020202)
    grey = Paper("classes", 64, ("#000080", "#008000", "#800000"), names, 0.1, values)
    canvas = ground(grey).copy()
    canvas[: CANVAS // 2] = [*bytes.fromhex(grey.colours[2][1:]), 255]
    canvas[CANVAS // 2 - 2] = canvas[CANVAS // 2 - 2] // 2 + ground(grey)[0, 0] // 2  # a brush's soft edge
    made = drawn(grey, canvas)
    assert made.shape == (64, 64, 3)
    assert set(np.unique(made)) <= {0, 1, 2}
    assert (made[:31] == 2).all()
    assert (made[32:] == 0).all()
    canvas[..., :3] = coloured(grey, made)
    assert canvas[5, 5, :3].tolist() == [0x80, 0, 0]
    assert (drawn(grey, canvas) == made).all()
    canvas[:] = [1, 1, 1, 255]  # a map of somebody's own
    assert (drawn(grey, canvas) == 1).all()

    lines = Paper("lines", 64, ("#ffffff", "#000000"), ("Eraser", "Pencil"), 1.5 / 64)
    assert brush_size(lines) == 6
    page = ground(lines).copy()
    page[100:112] = [0, 0, 0, 255]
    assert drawn(lines, page).min() < 30
    assert (drawn(lines, np.zeros((9, 9, 4), np.uint8)) == 255).all()


def test_holes_are_what_was_painted():
    picture = np.full((5, 7, 4), 255, np.uint8)
    layer = np.zeros((5, 7, 4), np.uint8)
    assert with_holes(picture, [layer]) is None
    layer[1:3, 2:4, 3] = 9
    made = with_holes(picture, [layer])
    assert made is not None
    assert (made[..., 3] == 0).sum() == 4
    assert (made[..., :3] == 255).all()


def test_a_batch_of_files_and_zips_with_bad_ones_among_them(settings, models, tmp_path, photo):
    def upload(name: str, content: bytes) -> Upload:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}" / "blob"
        path.parent.mkdir()
        path.write_bytes(content)
        return Upload(path, name)

    png = [images.encode(photo(n), "PNG") for n in range(3)]
    inner = tmp_path / "z.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/c.png", png[2])
        archive.writestr("../d.png", png[2])
    uploads = (
        upload("a.png", png[0]),
        upload("a.png", png[1]),
        upload("broken.jpg", b"\xff\xd8\xff nothing"),
        upload("words.txt", b"words"),
        upload("z.zip", inner.read_bytes()),
        upload("bad.zip", b"PK nothing"),
    )
    batch = Batch(settings, Shelf(models, "cpu"), BatchRequest(uploads, "both", None, None, None, "keep"))
    batch.gather()
    while batch.convert(silent):
        pass
    packed = batch.pack()
    assert packed is not None
    with zipfile.ZipFile(packed) as archive:
        assert set(archive.namelist()) == {"a.png", "a_2.png", "deep/c.png", "report.json"}
        archive.extractall(tmp_path / "back")
    translator = translate.load(models / "both")
    for name, n in (("a.png", 0), ("a_2.png", 1), ("deep/c.png", 2)):
        assert np.array_equal(images.read(tmp_path / "back" / name).pixels, translator(photo(n)))
    assert [images.read(path).pixels.shape for path in batch.previews()] == [(45, 67, 3)] * 3
    report = json.loads((tmp_path / "back/report.json").read_text())
    failed = {file["input"] for file in report["files"] if file["error"]}
    assert failed == {"broken.jpg", "words.txt", "z.zip/../d.png", "bad.zip"}
    assert batch.so_far.sentence() == "3 of 7 converted, 4 could not be converted"
    assert not any(path.name == "in" for path in Path(settings.files).rglob("*"))

    twins = tuple(
        upload(name, images.encode(photo(n), kind))
        for n, (name, kind) in enumerate((("x.bmp", "BMP"), ("x.tif", "TIFF")))
    )
    two = Batch(settings, Shelf(models, "cpu"), BatchRequest(twins, "both", None, None, None, "keep"))
    two.gather()
    assert not two.convert(silent)
    previews = [images.read(path).pixels for path in two.previews()]
    assert [np.array_equal(seen, translator(photo(n))) for n, seen in enumerate(previews)] == [True, True]

    words = BatchRequest(uploads[3:4], "both", None, None, None, "keep")
    nothing = Batch(settings, Shelf(models, "cpu"), words)
    with pytest.raises(NothingToDo, match=r"no picture among these files \(words.txt: "):
        nothing.gather()
