"""What `translate evaluate --sets` measures: outputs and real targets as sets, which needs no truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from translate.cli.evaluate_data import answered, spread

if TYPE_CHECKING:
    from rich.console import Console
    from torch import Tensor

    from translate.cli.evaluate_console import Batches
    from translate.cli.evaluate_data import Answer
    from translate.data.held_out import BothSides, WholePictures
    from translate.metrics.evaluate import Score
    from translate.metrics.features import PictureFeatures
    from translate.metrics.inception_v3 import InceptionFeatures
    from translate.metrics.memorised import Memorised
    from translate.metrics.spectrum import Spectra

    Onlooker = PictureFeatures | InceptionFeatures
    Progress = Callable[[Batches, int, str], Batches]


class _Line(NamedTuple):
    title: str
    digits: int
    factor: int = 1


_LINES = {
    "fid": _Line("FID ↓", 2),
    "kid": _Line("KID ×1000 ↓", 2, 1000),  # KID is about a thousandth of what papers print
    "precision": _Line("precision ↑", 3),
    "recall": _Line("recall ↑", 3),
    "is": _Line("Inception Score ↑", 2),
    "is_like": _Line("IS-like ↑", 2),
    "lattice_2": _Line("lattice of period 2, dB (0)", 2),
    "lattice_4": _Line("lattice of period 4, dB (0)", 2),
    "spectrum": _Line("spectral distance, dB ↓", 2),
    "copying": _Line("copying, C_T (0)", 2),
    "authentic": _Line("authentic ↑", 3),
}


@dataclass(frozen=True)
class SetsResult:
    """Measures by whose pictures are compared with the held-out targets.

    Attributes:
        scores: by whose and by name.
        reasons: why some could not be measured, one line each.
        memorised: of the outputs, where that was asked for.
    """

    scores: dict[str, dict[str, Score]]
    reasons: tuple[str, ...]
    memorised: Memorised | None

    def as_dict(self) -> dict[str, Any]:
        scores = {
            whose: {name: asdict(score) for name, score in measured.items()}
            for whose, measured in self.scores.items()
        }
        return {"scores": scores, "not_measured": list(self.reasons)}

    def show(self, console: Console, heading: str) -> None:
        from translate.cli.evaluate_console import show_protocols, show_table

        found = [name for name in _LINES if any(name in measured for measured in self.scores.values())]
        rows = {
            _LINES[name].title: [_text(measured.get(name), _LINES[name]) for measured in self.scores.values()]
            for name in found
        }
        show_table(console, heading, list(self.scores), rows)
        protocols = [m[name].protocol for name in found for m in self.scores.values() if name in m]
        show_protocols(console, protocols)
        for reason in self.reasons:
            console.print(f"note: not measured: {reason}", markup=False)


def measure_sets(
    answer: Answer,
    sides: BothSides,
    positions: list[int],
    targets: list[int],
    batch_size: int,
    onlooker: Onlooker,
    progress: Progress,
    *,
    copies: bool = False,
) -> SetsResult:
    """Compare the outputs of the inputs at `positions` with the targets at `targets`.

    Beside the model stand two answers: the inputs as they are, and, where they are there, as many training
    targets as there are held-out ones, which is as near as another real set comes.

    Args:
        onlooker: whose features are compared.
        copies: look for each output's nearest training target, too, which takes a look at all of them.

    Raises:
        UsageError: outputs that are not finite, or `copies` without training targets.
    """
    import torch

    from translate.data.batches import to_float
    from translate.errors import UsageError
    from translate.metrics.evaluate import copy_input
    from translate.metrics.memorised import memorised

    if copies and sides.training is None:
        raise UsageError(
            "--neighbours compares outputs with the targets of the training and with held-out ones; there is "
            "only one kind here."
        )
    channels = sides.targets.shelf.channels[0]

    def see(pictures: WholePictures, places: list[int], label: str) -> _Seen:
        seen = _Seen(onlooker)
        for (batch,) in progress(pictures.batches(places, batch_size), len(places), label):
            seen.add(to_float(batch))
        return seen

    real = see(sides.targets, targets, "targets")
    outputs, inputs = _Seen(onlooker), _Seen(onlooker)
    batches = sides.inputs.batches(positions, batch_size)
    for (batch,) in progress(batches, len(positions), "measuring"):
        given, output = answered(answer, batch, sides.inputs)
        outputs.add(output)
        inputs.add(copy_input(given, channels))
    shown = {"model": outputs, "copy the input": inputs}
    if sides.training is not None:
        places = spread(len(sides.training), len(targets))
        shown[f"{len(places)} training pictures"] = see(sides.training, places, "training")
    reasons: list[str] = []
    scores = {whose: seen.compared(real, reasons) for whose, seen in shown.items()}
    found = None
    if copies and sides.training is not None:
        places = list(range(len(sides.training)))
        loaded = progress(sides.training.batches(places, batch_size), len(places), "neighbours")
        known = torch.cat([onlooker.pooled(to_float(batch)) for (batch,) in loaded])
        try:
            found = memorised(outputs.features, real.features, known, seen=onlooker.protocol)
        except UsageError as error:
            reasons.append(str(error))
        else:
            scores["model"] |= {"copying": found.copying, "authentic": found.authentic}
    return SetsResult(scores, tuple(dict.fromkeys(reasons)), found)


class _Seen:
    """Features and spectra of pictures that are shown batch by batch."""

    def __init__(self, onlooker: Onlooker):
        self._onlooker = onlooker
        self._features: list[Tensor] = []
        self._spectra: Spectra | None = None

    def add(self, pictures: Tensor) -> None:
        """Look at float (B, C, S, S) in [-1, 1]."""
        from translate.metrics.spectrum import SIDE, spectra

        self._features.append(self._onlooker.pooled(pictures))
        if min(pictures.shape[-2:]) >= SIDE:
            found = spectra(pictures)
            self._spectra = found if self._spectra is None else self._spectra + found

    @property
    def features(self) -> Tensor:
        import torch

        return torch.cat(self._features)

    def compared(self, real: _Seen, reasons: list[str]) -> dict[str, Score]:
        """All measures against `real`; for those that there are too few pictures for, a reason."""
        from translate.errors import UsageError
        from translate.metrics.inception import inception_score
        from translate.metrics.kid import frechet, kid
        from translate.metrics.manifold import precision_recall
        from translate.metrics.neighbours import require_features

        require_features(outputs=self.features, real=real.features)  # NaN is a mistake, not a reason
        sets, seen = (self.features, real.features), self._onlooker.protocol
        on_inception = seen.startswith("Inception")
        measures: list[Callable[[], Iterable[tuple[str, Score]]]] = [
            lambda: [("kid", kid(*sets, seen=seen))],
            lambda: vars(precision_recall(*sets, seen=seen)).items(),
            lambda: [
                (
                    "is" if on_inception else "is_like",
                    inception_score(self._onlooker.class_probabilities(self.features), seen=seen),
                )
            ],
            lambda: self._spectral(real).items(),
        ]
        if on_inception:
            measures.insert(0, lambda: [("fid", frechet(*sets, seen=seen))])
        found: dict[str, Score] = {}
        for measure in measures:
            try:
                found.update(measure())
            except UsageError as error:
                reasons.append(str(error))
        return found

    def _spectral(self, real: _Seen) -> dict[str, Score]:
        from translate.errors import UsageError
        from translate.metrics.spectrum import PERIODS, SIDE, lattice_excess, spectral_distance

        if self._spectra is None or real._spectra is None:
            raise UsageError(f"lattices and spectra are of pictures of at least {SIDE}×{SIDE} pixels.")
        sets = (self._spectra, real._spectra)
        lattices = {f"lattice_{period}": lattice_excess(*sets, period) for period in PERIODS}
        return lattices | {"spectrum": spectral_distance(*sets)}


def _text(score: Score | None, line: _Line) -> str:
    return "–" if score is None or score.mean is None else f"{score.mean * line.factor:.{line.digits}f}"
