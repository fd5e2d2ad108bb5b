"""Which picture of one folder belongs to which of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from translate.data.folders import Folder


@dataclass(frozen=True, slots=True)
class Match:
    """Two folders matched by name: the pairs, and the files without a partner or that share a name."""

    pairs: tuple[tuple[Path, Path], ...]
    unmatched: tuple[Path, ...]
    doubled: tuple[Path, ...]

    @property
    def complete(self) -> bool:
        """Whether every picture has its partner."""
        return bool(self.pairs) and not self.unmatched and not self.doubled


def match_names(a: Folder, b: Folder) -> Match:
    """Match by path below the folder, without the suffix; of shards, by the samples' keys."""
    keyed_a, doubled_a = _by_name(a)
    keyed_b, doubled_b = _by_name(b)
    pairs = tuple((file, keyed_b[name]) for name, file in keyed_a.items() if name in keyed_b)
    alone_a = [file for name, file in keyed_a.items() if name not in keyed_b]
    alone_b = [file for name, file in keyed_b.items() if name not in keyed_a]
    return Match(pairs, (*alone_a, *alone_b), (*doubled_a, *doubled_b))


def _by_name(folder: Folder) -> tuple[dict[Path, Path], list[Path]]:
    keyed: dict[Path, Path] = {}
    doubled: list[Path] = []
    for file in folder.files:
        name = folder.key(file)
        if name in keyed:
            doubled.append(file)
        keyed.setdefault(name, file)
    return keyed, doubled


def unmatched_pairs(matches: dict[str, Match], sides: dict[str, tuple[Folder, Folder]]) -> list[str]:
    """By split, what keeps the folders from being pairs; each one sentence with its remedy."""
    problems = []
    for split, match in matches.items():
        a, b = (folder.path for folder in sides[split])
        if not match.pairs:
            problems.append(
                f"{a} and {b} share no file name, so they hold no pairs; give partners the same name, or "
                "train without pairs (cyclegan)."
            )
        elif match.unmatched:
            problems.append(
                f"{len(match.unmatched)} pictures in {a} and {b} have no partner of the same name "
                f"({_few(match.unmatched)}); add the partners or remove them."
            )
        if match.doubled:
            problems.append(
                f"{len(match.doubled)} pictures share their name with another of the same side "
                f"({_few(match.doubled)}); keep one file a name."
            )
    return problems


def _few(files: Sequence[Path]) -> str:
    return ", ".join(f"{f.parent.name}/{f.name}" for f in files[:3]) + (" …" if len(files) > 3 else "")
