"""Many pictures through a model: what was uploaded, the converter's own loop, a zip of what came of it."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from translate import images
from translate.errors import BadImage, NothingToDo
from translate.files import explain
from translate.inference.plan import Job, plan
from translate_apps.studio import archives
from translate_apps.studio.components import Upload
from translate_apps.studio.desk import Report
from translate_apps.studio.settings import Settings
from translate_apps.studio.shelf import Shelf
from translate_apps.studio.translating import new_folder, shown

_AT_ONCE = 8  # files, after which others have their turn
SHOWN = 24  # in the gallery


@dataclass(frozen=True)
class BatchRequest:
    """What a visitor asks for."""

    files: tuple[Upload, ...]
    model: str
    direction: str | None
    label: str | None
    text: str | None
    format: str


@dataclass
class Progressing:
    """How far a batch is; written by the thread that converts, read by the page.

    Attributes:
        made: the outputs, as files and under their names in the zip.
        failed: names and reasons.
    """

    total: int = 0
    made: list[tuple[Path, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        return len(self.made) + len(self.failed)

    def sentence(self) -> str:
        """For people."""
        bad = f", {len(self.failed)} could not be converted" if self.failed else ""
        return f"{len(self.made)} of {self.total} converted{bad}"


class Batch:
    """One batch: `gather` once, `convert` until it says that nothing is left, `pack` at the end."""

    def __init__(self, settings: Settings, shelf: Shelf, request: BatchRequest):
        self._settings = settings
        self._shelf = shelf
        self._request = request
        self._folder = new_folder(settings.files)
        self._next = 0
        self._stop = threading.Event()
        self._jobs: Sequence[Job] = ()
        self.so_far = Progressing()

    def gather(self) -> None:
        """Bring uploads and the contents of zips into one folder, and decide on outputs.

        Raises:
            NothingToDo: there is no picture.
            TranslateError: the model isn't there, or its name for outputs makes no sense.
        """
        self._shelf.offer(self._request.model)
        inputs, room = self._folder / "in", archives.MOST_BYTES
        inputs.mkdir()
        for upload in self._request.files:
            try:
                room -= self._take_in(upload, inputs, room)
            except BadImage as error:
                self.so_far.failed.append((upload.name, error.reason))
            except OSError as error:
                self.so_far.failed.append((upload.name, explain(error)))
        try:
            jobs = plan([str(inputs)], self._folder / "out", self._request.format, on_collision="suffix")
        except NothingToDo:
            reasons = "; ".join(f"{name}: {why}" for name, why in self.so_far.failed[:3])
            why = f" ({reasons})" if reasons else ""
            raise NothingToDo(f"there is no picture among these files{why}.") from None
        self._jobs = jobs
        self.so_far.total = len(jobs) + len(self.so_far.failed)

    def _take_in(self, upload: Upload, inputs: Path, room: int) -> int:
        """Bring an upload among the inputs; the bytes that were unpacked for it."""
        if upload.name.lower().endswith(".zip"):
            used, left_out = archives.unpack(upload.path, upload.name, inputs, room)
            self.so_far.failed.extend((f"{upload.name}/{entry}", why) for entry, why in left_out)
            return used
        if Path(upload.name).suffix.lower() not in images.SUFFIXES:
            raise BadImage(upload.name, "it is no picture by its name")
        _free(inputs / upload.name).hardlink_to(upload.path)
        return 0

    def stop(self) -> None:
        """Finish the picture at hand, and leave the rest."""
        self._stop.set()

    def convert(self, report: Report) -> bool:
        """The next few files; whether there are more. To be called in the network's thread."""
        from translate.inference.folder import convert

        request = self._request
        translator = self._shelf.translator(self._shelf.offer(request.model), request.direction)
        jobs = self._jobs[self._next : self._next + _AT_ONCE]
        results = convert(
            translator,
            jobs,
            label=request.label or None,
            text=request.text or None,
            max_pixels=self._settings.max_pixels,
            stop=self._stop,
        )
        for result in results:
            name = result.job.target.relative_to(self._folder / "out").as_posix()
            if result.error:
                self.so_far.failed.append((result.job.name, result.error))
            else:
                self.so_far.made.append((result.job.target, name))
            report(self.so_far.done, self.so_far.total)
        self._next += _AT_ONCE
        return self._next < len(self._jobs) and not self._stop.is_set()

    def pack(self) -> Path | None:
        """A zip of the outputs with a report, None where nothing was made; uploads are removed."""
        shutil.rmtree(self._folder / "in", ignore_errors=True)
        if not self.so_far.made:
            return None
        report = self._folder / "report.json"
        report.write_text(json.dumps(self._report(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return archives.pack([*self.so_far.made, (report, report.name)], self._folder / "translated.zip")

    def previews(self) -> list[Path]:
        """The first outputs, as browsers show them."""
        folder = self._folder / "previews"  # apart from the outputs: `a.bmp` and `a.tif` both show as PNG
        firsts = enumerate(path for path, _ in self.so_far.made[:SHOWN])
        return [shown(folder / f"{number}.png", path) for number, path in firsts]

    def _report(self) -> dict[str, object]:
        request = self._request
        asked = {"model": request.model, "direction": request.direction}
        asked |= {key: value for key in ("label", "text") if (value := getattr(request, key))}
        files = [{"output": name, "error": None} for _, name in self.so_far.made]
        return {**asked, "files": files + [{"input": name, "error": why} for name, why in self.so_far.failed]}


def _free(path: Path) -> Path:
    """`path`, or with a number where two uploads have one name."""
    numbered = (path.with_stem(f"{path.stem}_{number}") for number in itertools.count(2))
    return path if not path.exists() else next(other for other in numbered if not other.exists())
