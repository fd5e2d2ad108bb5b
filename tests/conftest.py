"""Fixtures that several test modules share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures beside the repository, where somebody put them; not part of it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real pictures (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def write_model():
    """A function that writes a small model with random weights and returns its path."""

    def write(
        path: Path, architecture: str = "mobile", *, direction: str = "a2b", seed: int = 0, **changes
    ) -> Path:
        import torch

        from translate.networks.catalogue import build_generator
        from translate.weights import model_file
        from translate.weights.card import Card

        arguments = {
            "in_channels": 3,
            "out_channels": 3,
            "depth": 2,
            "width": 4,
            **changes.pop("arguments", {}),
        }
        torch.manual_seed(seed)
        network = build_generator(architecture, **arguments)
        card = Card(
            architecture=architecture,
            arguments=arguments,
            translator=changes.pop("translator", "cyclegan"),
            direction=direction,
            domains={"a": "horse", "b": "zebra"},
            size_multiple=network.size_multiple,
            minimum_size=network.minimum_size,
            **changes,
        )
        model_file.save(path, network.state_dict(), card)
        return path

    return write


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, write_model) -> Path:
    """A run with a small model for either direction."""
    run = tmp_path_factory.mktemp("runs") / "both"
    write_model(run / "model.safetensors")
    write_model(run / "model-b2a.safetensors", direction="b2a", seed=1)
    return run


@pytest.fixture(scope="session")
def labelled_model(tmp_path_factory, write_model) -> Path:
    """A model that is asked for one of horse, zebra and giraffe."""
    import torch
    from safetensors.torch import load_file

    from translate.weights import model_file
    from translate.weights.card import read_card

    path = tmp_path_factory.mktemp("models") / "labelled.safetensors"
    labels = ("horse", "zebra", "giraffe")
    write_model(path, "resnet", arguments={"depth": 1, "classes": 3}, labels=labels)
    generator = torch.Generator().manual_seed(0)
    # What a label changes starts at nearly nothing; here it is to be seen in 8 bits.
    weights = {
        name: torch.randn(tensor.shape, generator=generator) if "modulation" in name else tensor
        for name, tensor in load_file(path).items()
    }
    model_file.save(path, weights, read_card(path))
    return path


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """A single thread for torch: with tensors as small as those of most tests, a second only costs time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
