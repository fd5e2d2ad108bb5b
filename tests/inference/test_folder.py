"""Converting many files: nothing lost, nothing half-written, nothing stopped by a bad file."""

from __future__ import annotations

import errno
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

import translate
from translate import images
from translate.errors import ModelError, OutputError, UsageError
from translate.inference import folder
from translate.inference.latent import Sampling
from translate.inference.plan import Job, Plan, plan
from translate.inference.work import read


@pytest.fixture(scope="module")
def translator(run_folder):
    return translate.load(run_folder, device="cpu")


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def jobs(tmp_path: Path, sizes: list[tuple[int, int]]) -> Plan:
    for index, size in enumerate(sizes):
        images.write(tmp_path / "in" / f"{index}.png", noise(*size, seed=index))
    return plan([str(tmp_path / "in")], tmp_path / "out")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16])
def test_outputs_do_not_depend_on_batches_or_order(translator, tmp_path, batch_size):
    todo = jobs(tmp_path, [(8, 8), (8, 8), (12, 9), (8, 8), (8, 8), (8, 8), (8, 8), (3, 40)])
    results = list(folder.convert(translator, todo, batch_size=batch_size))
    assert [result.job for result in results] == list(todo)
    for result in results:
        assert result.error is None
        source = images.read(result.job.source).pixels
        assert result.size == source.shape[1::-1]
        difference = images.read(result.job.target).pixels.astype(int) - translator(source)
        assert np.abs(difference).max() <= 1
    assert names(tmp_path / "out") == names(tmp_path / "in")


def test_a_bad_file_does_not_stop_the_rest(translator, tmp_path):
    todo = jobs(tmp_path, [(8, 8)] * 5)
    todo[1].source.write_bytes(todo[1].source.read_bytes()[:50])
    todo[3].source.unlink()
    results = list(folder.convert(translator, todo, batch_size=2))
    assert [result.error is None for result in results] == [True, False, True, False, True]
    assert results[3].error == "no such file"
    assert names(tmp_path / "out") == ["0.png", "2.png", "4.png"]


def test_transparency_is_kept_or_laid_over_the_background(translator, tmp_path):
    from PIL import Image

    (tmp_path / "in").mkdir()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "in" / "x.ppm", "png")
    expected = translator(np.full((8, 8, 3), (250, 0, 0), np.uint8))
    for to, alpha in (("keep", 0), ("jpg", None)):
        todo = plan([str(tmp_path / "in")], tmp_path / "out", to)
        [result] = folder.convert(translator, todo, background=(250, 0, 0), quality=100)
        said = (".ppm can't be written: saved as PNG",) if to == "keep" else ()
        assert result.notes == ("a PNG file named .ppm", *said)
        made = np.asarray(Image.open(result.job.target)).astype(int)
        assert np.abs(made[..., :3] - expected).max() <= (0 if to == "keep" else 4)
        assert alpha is None or set(made[..., 3].flat) == {alpha}


def test_outputs_that_are_not_finite_are_failures_of_their_own(translator, tmp_path, monkeypatch):
    run = translator.run

    def broken(x, condition, code):
        out = run(x).clone()
        out[x.flatten(1).mean(1) > 0.9] = float("nan")
        return out

    todo = jobs(tmp_path, [(8, 8)] * 3)
    images.write(todo[1].source, np.full((8, 8, 3), 255, np.uint8))
    monkeypatch.setattr(translator, "run", broken)
    results = list(folder.convert(translator, todo, batch_size=3))
    assert [result.error for result in results][::2] == [None, None]
    assert results[1].error == "the network's output is not finite; input or weights are broken."
    assert names(tmp_path / "out") == ["0.png", "2.png"]


def test_a_name_that_is_taken_fails_alone(translator, tmp_path):
    todo = jobs(tmp_path, [(8, 8)] * 2)
    (todo[0].target / "inside").mkdir(parents=True)
    results = list(folder.convert(translator, todo))
    assert "can't be written: is a directory" in str(results[0].error)
    assert results[1].error is None


def test_a_full_disk_ends_it(translator, tmp_path, monkeypatch):
    write = images.write_like

    def full(path, *pictures, **options):
        if path.name == "2.png":
            raise OutputError(f"{path} can't be written") from OSError(
                errno.ENOSPC, "No space left on device"
            )
        write(path, *pictures, **options)

    todo = jobs(tmp_path, [(8, 8)] * 30)
    monkeypatch.setattr(images, "write_like", full)
    with pytest.raises(OutputError):
        list(folder.convert(translator, todo))
    assert {"0.png", "1.png"} <= set(names(tmp_path / "out"))
    assert len(names(tmp_path / "out")) < 25


def test_stopping_finishes_the_pictures_at_hand(translator, tmp_path):
    todo = jobs(tmp_path, [(8, 8)] * 40)
    stop, done = threading.Event(), []
    for result in folder.convert(translator, todo, stop=stop):
        done.append(result)
        stop.set()
    assert 1 <= len(done) < 20
    assert names(tmp_path / "out") == sorted(result.job.target.name for result in done)


def test_memory_is_bounded_by_few_pictures(translator, tmp_path, monkeypatch):
    """However slow the consumer, decoding stays a few pictures ahead."""
    started: list[Path] = []
    read = images.read_original

    def counted(path, to, **options):
        started.append(path)
        return read(path, to, **options)

    monkeypatch.setattr(images, "read_original", counted)
    results = folder.convert(translator, jobs(tmp_path, [(8, 8)] * 60))
    next(results)
    time.sleep(0.2)
    assert len(started) < 20
    results.close()
    assert threading.active_count() < 10


def test_few_large_pictures_wait(translator, tmp_path, monkeypatch):
    """Of pictures that are large beside what may wait, one is decoded ahead; of small ones a few are."""
    todo = jobs(tmp_path, [(8, 8)] * 12)
    for most, ahead in ((60, 1), (200, 3), (10_000, 5)):
        monkeypatch.setattr(folder, "PIXELS_WAITING", most)
        with ThreadPoolExecutor(2) as pool:
            submitted: list[Job] = []

            def reading(job, submitted=submitted):
                submitted.append(job)
                return read(job, (0, 0, 0), 100, 1)

            works = folder._bounded(pool, reading, todo, 5)
            for _ in range(5):
                next(works)
            time.sleep(0.1)
            assert len(submitted) == 5 + ahead
            assert len(list(works)) == 7


def test_frames_go_through_the_network_with_pictures_and_sixteen_bits_stay(translator, tmp_path):
    import cv2
    from PIL import Image, ImageSequence

    jobs(tmp_path, [(8, 8)] * 2)
    drawn = [noise(8, 8, seed=index) for index in range(5, 8)]
    first, *others = map(Image.fromarray, drawn)
    first.save(tmp_path / "in" / "moving.png", save_all=True, append_images=others, duration=[20, 30, 40])
    wide = noise(8, 8, seed=9).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "in" / "wide.png"), wide[..., ::-1])
    todo = plan([str(tmp_path / "in")], tmp_path / "out")
    results = list(folder.convert(translator, todo, batch_size=4))
    assert [(result.job.name, result.error) for result in results] == [
        (name, None) for name in ("0.png", "1.png", "moving.png", "wide.png")
    ]
    with Image.open(tmp_path / "out" / "moving.png") as made:
        for frame, expected, duration in zip(ImageSequence.Iterator(made), drawn, (20, 30, 40), strict=True):
            assert np.abs(np.asarray(frame.convert("RGB")).astype(int) - translator(expected)).max() <= 1
            assert frame.info["duration"] == duration
    made = cv2.imread(str(tmp_path / "out" / "wide.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    expected = translator(torch.from_numpy(wide.astype(np.float32)).permute(2, 0, 1)[None] / 32767.5 - 1)
    levels = ((expected[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 32767.5).numpy()
    assert made.dtype == np.uint16
    assert np.abs(made - levels).max() < 4, "far finer than the 257 of a level of 8 bits"


def test_one_channel_models_write_grey_pictures(write_model, tmp_path):
    from PIL import Image

    path = write_model(tmp_path / "m.safetensors", arguments={"in_channels": 1, "out_channels": 1})
    [result] = folder.convert(translate.load(path, device="cpu"), jobs(tmp_path, [(9, 7)]))
    assert result.error is None
    assert Image.open(result.job.target).mode == "L"


def test_a_model_that_takes_no_pictures_is_an_error_of_the_model(write_model, tmp_path):
    path = write_model(tmp_path / "m.safetensors", arguments={"in_channels": 5})
    with pytest.raises(ModelError, match="the model takes 5 channels"):
        list(folder.convert(translate.load(path, device="cpu"), jobs(tmp_path, [(8, 8)])))


def test_a_label_goes_with_every_picture(labelled_model, tmp_path):
    translator = translate.load(labelled_model, device="cpu")
    todo = jobs(tmp_path, [(8, 8), (8, 8), (12, 8)])
    for label in ("horse", "zebra"):
        assert [r.error for r in folder.convert(translator, todo, label=label, batch_size=2)] == [None] * 3
        for job in todo:
            expected = translator(images.read(job.source).pixels, label)
            assert np.array_equal(images.read(job.target).pixels, expected)


def test_a_wrong_label_is_refused_before_any_work(labelled_model, translator, tmp_path):
    todo = jobs(tmp_path, [(8, 8)])
    for model, label in ((translate.load(labelled_model, device="cpu"), "mule"), (translator, "zebra")):
        with pytest.raises(UsageError, match=label):
            list(folder.convert(model, todo, label=label))
    assert not (tmp_path / "out").exists()


def test_decoding_and_encoding_overlap_with_the_network(translator, tmp_path, monkeypatch):
    """The first run waits until a later picture is read, the first writing until the network runs again."""
    read, write = images.read_original, images.write_like
    reads, runs = threading.Semaphore(0), threading.Semaphore(0)
    running_turn, writing_turn = count(), count()
    in_time = []

    def reading(*arguments, **options):
        reads.release()
        return read(*arguments, **options)

    def running(x, condition, code):
        runs.release()
        if next(running_turn) == 0:
            in_time.extend(reads.acquire(timeout=60) for _ in range(len(x) + 1))
        return torch.zeros(len(x), 3, 8, 8)

    def writing(*arguments, **options):
        if next(writing_turn) == 0:
            in_time.extend(runs.acquire(timeout=60) for _ in range(2))
        return write(*arguments, **options)

    todo = jobs(tmp_path, [(8, 8)] * 30)
    monkeypatch.setattr(images, "read_original", reading)
    monkeypatch.setattr(images, "write_like", writing)
    monkeypatch.setattr(translator, "run", running)
    list(folder.convert(translator, todo))
    assert len(in_time) >= 4
    assert all(in_time)


def sampled(translator, tmp_path: Path, folder_name: str, count: int, **how) -> dict[str, np.ndarray]:
    """All outputs of `in` by name, made with `count` samples of seed 3."""
    todo = plan([str(tmp_path / "in")], tmp_path / folder_name, samples=count)
    results = list(folder.convert(translator, todo, sampling=Sampling(count, seed=3), **how))
    assert [result.job for result in results] == list(todo)
    assert all(result.error is None for result in results)
    return {path.name: images.read(path).pixels for path in (tmp_path / folder_name).iterdir()}


def test_samples_are_those_of_the_seed_whatever_the_batch_the_count_and_the_company(latent_model, tmp_path):
    many = translate.load(latent_model, device="cpu")
    jobs(tmp_path, [(8, 8), (8, 8), (12, 8), (12, 8), (8, 8)])
    made = sampled(many, tmp_path, "out", 3)
    assert sorted(made) == sorted(f"{name}_{number}.png" for name in range(5) for number in (1, 2, 3))
    for name in range(5):
        source = images.read(tmp_path / "in" / f"{name}.png").pixels
        for number, expected in enumerate(many.samples(source, 3, seed=3), start=1):
            assert np.abs(made[f"{name}_{number}.png"].astype(int) - expected).max() <= 1
    assert np.abs(made["0_1.png"].astype(int) - made["0_2.png"]).max() > 10
    for other in (
        sampled(many, tmp_path, "batches", 3, batch_size=4),
        sampled(many, tmp_path, "more", 5),
    ):
        for name, pixels in made.items():
            assert np.abs(other[name].astype(int) - pixels).max() <= 1


def test_a_bad_file_among_samples_is_one_failure(latent_model, tmp_path):
    many = translate.load(latent_model, device="cpu")
    jobs(tmp_path, [(8, 8)] * 3)
    (tmp_path / "in" / "1.png").write_bytes(b"no picture")
    todo = plan([str(tmp_path / "in")], tmp_path / "out", samples=2)
    (tmp_path / "out" / "2_1.png").mkdir(parents=True)
    results = list(folder.convert(many, todo, sampling=Sampling(2), batch_size=2))
    assert [result.error is None for result in results] == [True, False, False]
    assert "2_1.png" in str(results[2].error)
    assert names(tmp_path / "out") == ["0_1.png", "0_2.png", "2_1.png", "2_2.png"]


def test_a_model_without_code_refuses_samples_before_any_work(translator, tmp_path):
    todo = jobs(tmp_path, [(8, 8)])
    with pytest.raises(UsageError, match="the model makes one output for a picture"):
        next(folder.convert(translator, todo, sampling=Sampling(2)))
    assert not (tmp_path / "out").exists()
