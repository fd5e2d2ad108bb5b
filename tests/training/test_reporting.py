"""What a row of the log holds besides losses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from translate.training.start import start_training

TINY = {
    "data.size": 16,
    "data.load_size": 18,
    "data.batch_size": 2,
    "generator.name": "resnet",
    "generator.depth": 1,
    "generator.width": 4,
    "discriminator.width": 4,
    "log.every": 2,
    "log.samples": 1,
    "checkpoint.every": 2,
}
BEGAN = TINY | {
    "losses.adversarial": "began",
    "constraints.balance_rate": 0.1,
    "constraints.gamma": 1.0,
    "optim.schedule": "constant",  # or the first part of a run would have to be stopped, not shorter
    "discriminator.name": "autoencoder",
    "discriminator.depth": 2,
}
ADAPTIVE = TINY | {
    "discriminator.layers": 1,
    "losses.adversarial": "nonsaturating",
    "constraints.augment": ["colour"],
    "constraints.augment_p": "adaptive",
    "constraints.augment_target": -0.99,  # so that it rises at every look
    "constraints.augment_ramp": 100,
}


def trained(
    recipe: str,
    data: Path,
    run: Path,
    steps: int,
    keys: dict[str, Any],
    *,
    resume: bool = False,
    console: Console | None = None,
) -> list[dict]:
    """The rows of the log."""
    overrides, quiet = keys | {"training.steps": steps}, console is None
    start_training(
        recipe, data, run, overrides=overrides, resume=resume, device="cpu", quiet=quiet, console=console
    )
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_began_s_balance_and_convergence_are_in_the_log_and_a_resume_goes_on_with_them(paired, tmp_path):
    whole = trained("pix2pix", paired, tmp_path / "whole", 6, BEGAN)
    trained("pix2pix", paired, tmp_path / "parts", 4, BEGAN)
    parts = trained("pix2pix", paired, tmp_path / "parts", 6, {}, resume=True)
    assert [row["step"] for row in whole] == [2, 4, 6]
    assert all(set(row["state"]) == {"k", "convergence"} for row in whole)
    assert [row["state"] for row in parts] == [row["state"] for row in whole]
    saved = torch.load(tmp_path / "whole" / "state" / "last.pt", weights_only=True)["translator"]
    assert whole[-1]["state"]["k"] == float(saved["game.k"])
    assert 0 < whole[0]["state"]["k"] < whole[1]["state"]["k"]
    # It is E L(x) and something on top, while the discriminator's loss is E L(x) less something.
    assert all(row["state"]["convergence"] > row["losses"]["discriminator_b"] > 0 for row in whole)


def test_each_game_has_its_own_probability_on_every_channel(unpaired, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    console = Console(force_terminal=True, record=True, width=200)
    rows = trained("cyclegan", unpaired, tmp_path / "run", 8, ADAPTIVE, console=console)
    # Every four batches p rises by 4 batches · 2 pictures / 100.
    expected = [0, 0.08, 0.08, 0.16]
    for name in ("augment_p_a", "augment_p_b"):
        assert [row["state"][name] for row in rows] == pytest.approx(expected)
        events = EventAccumulator(str(tmp_path / "run" / "events")).Reload().Scalars(f"state/{name}")
        assert [(event.step, event.value) for event in events] == list(
            zip([2, 4, 6, 8], map(pytest.approx, expected), strict=True)
        )
        assert f"{name} 0.160" in console.export_text(clear=False)


def test_rows_of_games_without_such_numbers_are_losses_alone(paired, tmp_path):
    (row,) = trained("pix2pix", paired, tmp_path / "run", 2, TINY | {"discriminator.layers": 1})
    assert set(row) == {"step", "losses", "lr_factor", "images_per_second"}
