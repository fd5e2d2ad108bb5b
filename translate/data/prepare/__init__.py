"""Any folder, or two, made into a data set that trains.

- `prepare(folders, output, Wishes(...), shards=, dry_run=) -> Report`, what the command does: match,
  look at every picture, leave out what is bad or a copy, split so that look-alikes stay together, write.
- `planning.make_plan(folders, Wishes(...)) -> Plan`: all of it but the writing.
- `alike`: the perceptual hash, and what looks alike by it.
"""

from __future__ import annotations

from translate.data.prepare.planning import Wishes
from translate.data.prepare.report import Report, prepare
from translate.data.prepare.writing import ShardSize

__all__ = ["Report", "ShardSize", "Wishes", "prepare"]
