"""Every row of the matrix of bad input has a test; those that have no better place are here.

Row 44 (hostile zip files) belongs to the studio, which unpacks them. Row 50 speaks of killed decoding
processes: ours are threads, which can't be killed, so what is left of it is a decoder that raises what nobody
expects; dying processes are Ray's workers.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import translate
from translate import images
from translate.cli import main as command
from translate.errors import OutputError
from translate.inference import folder
from translate.inference.manifest import clean
from translate.inference.plan import plan

TESTS = Path(__file__).resolve().parents[1]
READING, ORIGINALS, PLAN = "images/test_reading.py", "images/test_originals.py", "inference/test_plan.py"
FOLDER, MANIFEST, MODEL = (
    "inference/test_folder.py",
    "inference/test_manifest.py",
    "weights/test_model_file.py",
)
FILES, CONVERT, HERE = "test_files.py", "cli/test_convert.py", "inference/test_bad_input_matrix.py"
ROWS = {
    "1-6": (READING, "every_format"),
    "7": (READING, "content_counts_not_the_suffix"),
    "8": (READING, "cmyk_is_not_inverted"),
    "9": (READING, "sixteen_bit_grey_is_shifted_not_clipped"),
    "10": (READING, "sixteen_bit_colour"),
    "10, kept": (ORIGINALS, "sixteen_bits_stay_sixteen_bits"),
    "11": (READING, "thirty_two_bit_samples_are_refused"),
    "12": (READING, "grey_and_palette_become_three_channels"),
    "13": (READING, "grey_alpha_and_transparent_palettes"),
    "13, kept": (ORIGINALS, "transparency_is_resampled_and_colours_are_not_mixed_with_it"),
    "14": (READING, "of_several_frames_the_first_is_used"),
    "14, kept": (ORIGINALS, "animations_keep_frames_times_and_loops"),
    "15": (READING, "exif_orientation_is_applied_once"),
    "15, no tag": (ORIGINALS, "exif_goes_along_without_orientation_and_size"),
    "16": (READING, "a_broken_exif_block_is_a_note"),
    "17": (READING, "an_srgb_profile_changes_nothing_and_a_broken_one_is_a_note"),
    "17, Display P3": (READING, "a_display_p3_profile_is_converted"),
    "17, Lab": (HERE, "a_profile_of_lab_is_a_note"),
    "18": (READING, "messages_for_what_is_not_there"),
    "19": (READING, "truncated_files_are_refused"),
    "20": (READING, "a_bad_checksum_is_refused"),
    "21": (READING, "what_is_no_picture_is_refused_without_starting_a_process"),
    "22": (READING, "bombs_are_refused_before_decoding"),
    "23": (READING, "compressed_metadata_bombs_stay_small"),
    "24": ("inference/test_translator.py", "any_size_in_same_size_out"),
    "25": ("inference/test_translator.py", "any_size_in_that_many_times_the_size_out"),
    "26": (READING, "heic_is_read_by_its_extra_and_else_named"),
    "27": (FILES, "find_follows_links_but_not_in_circles"),
    "28": (FILES, "find_skips_what_is_no_file_and_never_opens_it"),
    "29": (READING, "odd_names"),
    "29, JSON": (CONVERT, "json"),
    "30": (HERE, "odd_and_long_names_are_converted"),
    "31": (PLAN, "collisions_are_refused_with_the_list"),
    "32": (PLAN, "a_file_system_is_asked_for_its_case"),
    "33": (PLAN, "outputs_are_no_inputs"),
    "34": (PLAN, "messages"),
    "35": (READING, "a_locked_file_is_refused"),
    "36": (PLAN, "a_read_only_output_is_refused"),
    "37": (HERE, "a_disk_that_is_full_in_the_middle_of_a_file"),
    "38": (HERE, "kills_leave_whole_files_only"),
    "38, the rest": (CONVERT, "two_processes_one_of_them_killed_and_three_do_exactly_the_rest"),
    "39": (CONVERT, "interrupting_a_real_process"),
    "40": (MANIFEST, "a_changed_input_and_a_deleted_output_are_done_again"),
    "40, by hash": (MANIFEST, "an_input_may_be_known_by_what_it_holds"),
    "41": (MANIFEST, "a_second_run_does_nothing_and_a_changed_one_does_what_changed"),
    "42": (MANIFEST, "a_torn_or_foreign_line_is_no_line"),
    "43": (FOLDER, "a_bad_file_does_not_stop_the_rest"),
    "45": (MODEL, "a_pickle_is_never_opened"),
    "46": (MODEL, "weights_that_do_not_fit_are_named"),
    "47": (MODEL, "cards_that_make_no_sense"),
    "48, batch": ("inference/test_sizes.py", "out_of_memory_halves_a_batch_first"),
    "48, tile": ("inference/test_sizes.py", "out_of_memory_falls_back_to_bands"),
    "48, error": ("inference/test_translator.py", "too_little_memory_is_said"),
    "49": (FOLDER, "outputs_that_are_not_finite_are_failures_of_their_own"),
    "50": (HERE, "a_decoder_that_raises_what_nobody_expects_ends_it_at_once"),
    "50, processes": (
        "inference/test_on_ray.py",
        "a_killed_worker_costs_no_output_and_a_second_run_does_the_rest",
    ),
    "the model file vanishes": (HERE, "the_model_file_vanishes"),
    "channels that don't fit": (FOLDER, "a_model_that_takes_no_pictures_is_an_error_of_the_model"),
    "two ranks": (CONVERT, "two_processes_one_of_them_killed_and_three_do_exactly_the_rest"),
}


def test_every_row_has_its_test():
    numbers = {int(n) for row in ROWS for n in re.findall(r"^\d+", row)} | set(range(1, 7))
    assert numbers == set(range(1, 51)) - {44}
    for row, (file, name) in ROWS.items():
        text = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^def test_{name}\(", text, re.M), f"row {row}: {file} has no test_{name}"


@pytest.fixture(scope="module")
def translator(run_folder):
    return translate.load(run_folder, device="cpu")


def noise(seed: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def test_a_profile_of_lab_is_a_note(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(noise(0)).save(tmp_path / "x.png", icc_profile=profile)
    read = images.read(tmp_path / "x.png")
    assert read.notes == ("the colour profile can't be used and is ignored",)
    assert np.array_equal(read.pixels, noise(0))


def test_odd_and_long_names_are_converted(translator, tmp_path):
    names = [b"a" * 251 + b".png", "ü" * 125 + ".jpg", b"\xff\xfe.png", "a\nb .png", "🦓.webp", "[x].png"]
    (tmp_path / "in").mkdir()
    for name in names:
        text = name if isinstance(name, str) else os.fsdecode(name)
        images.write(tmp_path / "in" / text, noise(1))
    results = list(folder.convert(translator, plan([str(tmp_path / "in")], tmp_path / "out")))
    assert [result.error for result in results] == [None] * len(names)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        p.name for p in (tmp_path / "in").iterdir()
    }


def test_a_disk_that_is_full_in_the_middle_of_a_file(translator, tmp_path):
    """By a limit to the size of files, which the system enforces while a file is being written."""
    for index, side in enumerate((8, 8, 200, 8)):
        images.write(tmp_path / "in" / f"{index}.png", noise(index, side))
    todo = plan([str(tmp_path / "in")], tmp_path / "out")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OutputError, match=r"2\.png can't be written: file too large"):
            list(folder.convert(translator, todo))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert {"0.png", "1.png"} <= set(left) <= {"0.png", "1.png", "3.png"}
    for name in left:
        assert images.read(tmp_path / "out" / name).notes == ()
    assert [result.error for result in folder.convert(translator, todo)] == [None] * 4


def test_kills_leave_whole_files_only(tmp_path):
    """A process that does nothing but write, killed again and again at any moment."""
    for index in range(40):
        images.write(tmp_path / "in" / f"{index}.jpg", noise(index))
    todo = plan([str(tmp_path / "in")], tmp_path / "out")
    script = (
        "import sys, numpy as np\nfrom pathlib import Path\nfrom translate import images\n"
        "pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)\n"
        "images.write(Path(sys.argv[1]) / '0.jpg', pixels)\nprint('ready', flush=True)\n"
        "while True:\n for i in range(40): images.write(Path(sys.argv[1]) / f'{i}.jpg', pixels)\n"
    )
    for moment in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.01 + 0.0137 * moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in (tmp_path / "out").glob("[!.]*") if (tmp_path / "out").is_dir() else ():
            assert images.read(path).pixels.shape == (300, 300, 3)
    assert (tmp_path / "out" / "0.jpg").exists()
    clean(todo)
    assert not list((tmp_path / "out").glob(".*.part"))


def test_a_decoder_that_raises_what_nobody_expects_ends_it_at_once(translator, tmp_path, monkeypatch):
    for index in range(30):
        images.write(tmp_path / "in" / f"{index}.png", noise(index))
    read = images.read_original

    def broken(path, *arguments, **more):
        if path.name == "9.png":
            raise ZeroDivisionError("a bug of ours")
        return read(path, *arguments, **more)

    monkeypatch.setattr(images, "read_original", broken)
    with pytest.raises(ZeroDivisionError):
        list(folder.convert(translator, plan([str(tmp_path / "in")], tmp_path / "out")))
    made = list((tmp_path / "out").iterdir())
    assert all(images.read(path).pixels.shape == (8, 8, 3) for path in made)


def test_the_model_file_vanishes(write_model, tmp_path, monkeypatch, capsys):
    model = write_model(tmp_path / "model.safetensors")
    for index in range(12):
        images.write(tmp_path / "in" / f"{index}.png", noise(index))
    loaded = translate.load(model, device="cpu")
    results = folder.convert(loaded, plan([str(tmp_path / "in")], tmp_path / "out"))
    assert next(results).error is None
    model.unlink()
    assert [result.error for result in results] == [None] * 11
    monkeypatch.setattr(
        sys, "argv", ["translate", "convert", str(model), str(tmp_path / "in"), "-o", str(tmp_path / "o")]
    )
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 4
    assert "no such model" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
