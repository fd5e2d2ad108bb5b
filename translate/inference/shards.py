"""Which share of the files is this process's, where many convert one folder. Free of torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from translate.errors import UsageError

# Of each way to start many processes: its number, how many there are, and whether it counts from elsewhere
# than 0. SLURM_NTASKS is also set where a batch script runs once, the number of a step's tasks is not.
_RANK = ("RANK", "WORLD_SIZE")
_TASK = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")
_ARRAY = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT")
_POD = ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS")
_REMEDY = "give --shard 1/N … N/N, or --shard 1/1 to convert everything."


@dataclass(frozen=True)
class Shard:
    """Share `index` of `count`, from 0; `origin` is what said so.

    A file belongs to the share that the BLAKE2b hash of its relative path falls into, whoever else takes
    part and whatever other files there are, so processes needn't talk.
    """

    index: int
    count: int
    origin: str = "--shard"

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.count}"

    def has(self, name: str) -> bool:
        """Whether the file of this relative path is in the share."""
        digest = hashlib.blake2b(os.fsencode(name), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index


def choose_shard(text: str | None, environment: Mapping[str, str] = os.environ) -> Shard | None:
    """The share that is asked for, or else the one that torchrun, SLURM or Kubernetes gave this process.

    Args:
        text: `i/n`, from 1; None reads the environment: `RANK` of `WORLD_SIZE` (torchrun), the task of an
            srun step, the task of a SLURM array, `JOB_COMPLETION_INDEX` of `JOB_COMPLETIONS` (Kubernetes
            gives the first; a pod's specification has to give the second).

    Returns:
        None where there is one process.

    Raises:
        UsageError: `text` is no share; the environment has half of one, or two that disagree.
    """
    if text is not None:
        shard = _parse(text)
        return shard if shard.count > 1 else None
    found = [shard for shard in _shards_of(environment) if shard.count > 1]
    if len(found) > 1:
        both = " and ".join(f"{shard.origin} ({shard})" for shard in found)
        raise UsageError(f"{both} both say which share is this process's; {_REMEDY}")
    return found[0] if found else None


def _parse(text: str) -> Shard:
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count)):
        raise UsageError(
            f"--shard {text}: shares are counted from 1; write 1/4, 2/4, 3/4 and 4/4 for four processes."
        )
    return Shard(int(index) - 1, int(count))


def _shards_of(environment: Mapping[str, str]) -> Iterator[Shard]:
    names = set(environment)
    if names.issuperset(_RANK):
        yield _shard(environment, *_RANK, 0)
    elif names.issuperset(_TASK):  # a step whose tasks are torchruns has both, and RANK counts them all
        yield _shard(environment, *_TASK, 0)
    if names.issuperset(_ARRAY):
        yield _of_array(environment)
    if names.issuperset(_POD):
        yield _shard(environment, *_POD, 0)
    elif "JOB_COMPLETION_INDEX" in names and not names.issuperset(_RANK):
        raise UsageError(
            "JOB_COMPLETION_INDEX says which share is this process's, and nothing of how many; set "
            f"JOB_COMPLETIONS in the pod, or {_REMEDY}"
        )


def _of_array(environment: Mapping[str, str]) -> Shard:
    low, high, step = (
        _number(environment, f"SLURM_ARRAY_TASK_{name}", default)
        for name, default in (("MIN", 0), ("MAX", 0), ("STEP", 1))
    )
    shard = _shard(environment, *_ARRAY, low, max(step, 1))
    if (high - low) // max(step, 1) + 1 != shard.count:
        raise UsageError(
            f"the array's tasks have gaps, so {_ARRAY[0]} doesn't say which share is meant; {_REMEDY}"
        )
    return shard


def _shard(environment: Mapping[str, str], index: str, count: str, first: int, step: int = 1) -> Shard:
    number, many = (_number(environment, index) - first) // step, _number(environment, count)
    if not 0 <= number < many:
        raise UsageError(
            f"{index}={environment[index]} is no share of {count}={environment[count]}; {_REMEDY}"
        )
    return Shard(number, many, index)


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    text = environment.get(name)
    if text is None and default is not None:
        return default
    if text is None or not text.isdecimal():
        raise UsageError(f"{name}={text} is no number; {_REMEDY}")
    return int(text)
