"""Pickles are told from safetensors by their first bytes, whatever a file is called."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from translate.errors import ModelError
from translate.weights.card import read_card
from translate.weights.first_bytes import first_bytes, is_pickle
from translate.weights.importers.reading import read_weights


def test_pickles_old_and_new_and_bare_are_known(tmp_path):
    content = {"x": torch.zeros(2)}
    torch.save(content, tmp_path / "zip.safetensors")
    torch.save(content, tmp_path / "old.safetensors", _use_new_zipfile_serialization=False)
    (tmp_path / "bare.safetensors").write_bytes(pickle.dumps({"x": 1}))
    for name in ("zip", "old", "bare"):
        assert is_pickle(first_bytes(tmp_path / f"{name}.safetensors"))
    for size in (1, 0x80, 500):  # the length of the header may begin with a pickle's first byte
        save_file({"x": np.zeros(1)}, tmp_path / "true.safetensors", {"card": "c" * size})
        assert not is_pickle(first_bytes(tmp_path / "true.safetensors"))
    assert not is_pickle((0x80).to_bytes(8, "little") + b'{"x"')
    assert not is_pickle(b"")


@pytest.mark.parametrize(
    ("read", "says"), [(read_card, "no such model; give a run folder"), (read_weights, "no such file")]
)
def test_a_file_that_is_not_there_or_is_a_folder(tmp_path, read, says):
    with pytest.raises(ModelError, match=says):
        read(tmp_path / "none.safetensors")
    with pytest.raises(ModelError, match="can't be read: is a directory"):
        read(tmp_path)
