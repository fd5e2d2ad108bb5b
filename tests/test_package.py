"""The package from outside: its face, its version, and what a wheel of it would hold."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import translate

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_both_places_that_say_the_version_say_the_same():
    assert PROJECT["project"]["version"] == translate.__version__


def test_every_public_name_is_there_and_they_are_few():
    assert len(translate.__all__) <= 15
    for name in translate.__all__:
        assert getattr(translate, name) is not None


def test_any_other_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'translate' has no attribute 'lod'"):
        translate.lod  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_command_and_the_extras_are_declared():
    assert PROJECT["project"]["scripts"] == {"translate": "translate.cli.main:main"}
    assert "dev" in PROJECT["project"]["optional-dependencies"]


def test_a_wheel_takes_the_package_s_folder_whole():
    """Hatch packs everything below `packages` that git doesn't ignore."""
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {"translate", "apps/translate_apps", "checkpoints"} <= set(wheel["packages"])
    assert wheel["sources"] == {"checkpoints": "translate/shipped"}, "where `weights.shipped` looks"
    assert not {"exclude", "only-include"} & set(wheel)


def test_git_ignores_no_file_that_the_package_needs():
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    needed = [
        str(path.relative_to(ROOT))
        for pattern in ("*.py", "*.yaml", "*.safetensors")
        for path in (ROOT / "translate").rglob(pattern)
    ]
    needed += [str(path.relative_to(ROOT)) for path in _of_shipped_models()]
    assert any(path.endswith("pix2pix.yaml") for path in needed)
    answer = subprocess.run(
        ["git", "check-ignore", "--no-index", *needed], cwd=ROOT, capture_output=True, text=True
    )
    assert answer.returncode == 1, f"ignored: {answer.stdout}"  # 1: none of them


def _of_shipped_models() -> list[Path]:
    """What git tracks below `checkpoints`, of whose files a wheel takes all that aren't ignored."""
    names = subprocess.run(
        ["git", "ls-files", "checkpoints"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert names
    return [ROOT / name for name in names]
