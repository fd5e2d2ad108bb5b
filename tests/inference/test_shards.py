"""Shares: every file in exactly one, and the right one from every environment."""

from __future__ import annotations

import hashlib

import pytest

from translate.errors import UsageError
from translate.inference.shards import Shard, choose_shard

NAMES = [f"deep/{number}.jpg" for number in range(2000)] + ["größe/\udcff.png"]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_every_file_is_in_one_share_and_shares_are_alike(count):
    shares = [{name for name in NAMES if Shard(index, count).has(name)} for index in range(count)]
    assert sorted(name for share in shares for name in share) == sorted(NAMES)
    assert all(abs(len(share) - len(NAMES) / count) < 0.15 * len(NAMES) / count for share in shares)


def test_a_share_is_a_fixed_function_of_the_name():
    """The same on every machine, Python and version, as processes never compare notes."""
    digests = [hashlib.blake2b(name.encode(), digest_size=8).hexdigest() for name in NAMES[:8]]
    assert [Shard(0, 2).has(name) for name in NAMES[:8]] == [int(digest, 16) % 2 == 0 for digest in digests]


SLURM_STEP = {"SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4"}
ARRAY = {
    "SLURM_ARRAY_TASK_ID": "7",
    "SLURM_ARRAY_TASK_COUNT": "3",
    "SLURM_ARRAY_TASK_MIN": "3",
    "SLURM_ARRAY_TASK_MAX": "7",
    "SLURM_ARRAY_TASK_STEP": "2",
}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        (None, {}, None),
        ("2/3", {}, (1, 3)),
        ("1/1", {"RANK": "1", "WORLD_SIZE": "2"}, None),
        (None, {"RANK": "1", "WORLD_SIZE": "2"}, (1, 2)),
        (None, {"RANK": "0", "WORLD_SIZE": "1"}, None),
        (None, {"RANK": "3", "WORLD_SIZE": "8", **SLURM_STEP}, (3, 8)),
        (None, SLURM_STEP, (1, 4)),
        (None, {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, None),  # a batch script, which runs once
        (None, ARRAY, (2, 3)),
        (None, {"JOB_COMPLETION_INDEX": "0", "JOB_COMPLETIONS": "5"}, (0, 5)),
    ],
)
def test_the_share_of_a_process(text, environment, expected):
    shard = choose_shard(text, environment)
    assert (shard and (shard.index, shard.count)) == expected


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        ("0/4", {}, "--shard 0/4: shares are counted from 1; write 1/4, 2/4"),
        ("5/4", {}, "counted from 1"),
        ("half", {}, "counted from 1"),
        (None, {"JOB_COMPLETION_INDEX": "0"}, "nothing of how many; set JOB_COMPLETIONS in the pod, or give"),
        (None, {"RANK": "2", "WORLD_SIZE": "2"}, "RANK=2 is no share of WORLD_SIZE=2; give --shard 1/N"),
        (None, {"RANK": "one", "WORLD_SIZE": "2"}, "RANK=one is no number"),
        (None, ARRAY | {"SLURM_ARRAY_TASK_COUNT": "8"}, "tasks have gaps, so SLURM_ARRAY_TASK_ID"),
        (None, ARRAY | SLURM_STEP, r"SLURM_PROCID \(2/4\) and SLURM_ARRAY_TASK_ID \(3/3\) both say which"),
    ],
)
def test_what_is_no_share_is_refused(text, environment, message):
    with pytest.raises(UsageError, match=message):
        choose_shard(text, environment)
