"""The wheel: what a person gets who installs gluteemg without the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import setup_env


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_data_file_inside_the_package(root: Path, wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("firmware_profiles", "calibration", "exercises", "texts"):
        names = {path.name for path in (root / folder).glob("*.toml")}
        assert names, f"{folder}/ holds no TOML file"
        assert {f"gluteemg/_data/{folder}/{name}" for name in names} <= inside


def test_the_wheel_holds_nothing_but_the_package_and_its_metadata(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "gluteemg/py.typed" in names
    assert [name for name in names if not re.match(r"gluteemg(-[\d.]+\.dist-info)?/", name)] == []


@pytest.mark.slow
def test_the_wheel_works_in_a_clean_environment_without_the_extras(wheel: Path, root: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    setup_env.make_venv(venv, sys.executable)
    versions = tmp_path / "versions.txt"  # the lock without its hashes: pip wants none or all, and the wheel has no hash
    locked = (root / "requirements.lock").read_text("utf-8").splitlines()
    versions.write_text("\n".join(line.rstrip(" \\") for line in locked if line and line[0] not in " #"))
    setup_env.pip(venv, "--only-binary=:all:", "--constraint", str(versions), str(wheel))

    def gluteemg(*arguments: str) -> str:
        command = [str(setup_env.interpreter(venv).with_name("gluteemg")), *arguments]
        bare = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        run = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, encoding="utf-8", check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert "demo" in gluteemg("--help")
    profiles = gluteemg("profiles", "--json")
    for path in (root / "firmware_profiles").glob("*.toml"):
        assert path.stem in profiles
