"""The scripts that make the environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import setup_env


def test_a_changed_lock_or_pyproject_asks_for_a_new_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    monkeypatch.setattr(setup_env, "LOCK", tmp_path / "requirements.lock")
    (tmp_path / "pyproject.toml").write_text("a")
    setup_env.LOCK.write_text("a")
    first = setup_env.fingerprint()
    assert setup_env.fingerprint() == first
    setup_env.LOCK.write_text("b")
    second = setup_env.fingerprint()
    (tmp_path / "pyproject.toml").write_text("b")
    assert len({first, second, setup_env.fingerprint()}) == 3


def test_without_a_network_the_person_is_told_so_in_one_line() -> None:
    lines = ["WARNING: Retrying … Temporary failure in name resolution", "ERROR: No matching distribution found for anyio"]
    message = setup_env.pip_trouble(lines)
    assert "network" in message
    assert "\n" not in message


def test_any_other_trouble_of_pip_is_passed_on() -> None:
    assert "No space left" in setup_env.pip_trouble(["Collecting x", "ERROR: Could not install: No space left on device"])
    assert "no reason given" in setup_env.pip_trouble([])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_a_missing_system_library_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linker = tmp_path / "ldd"
    linker.write_text("#!/bin/sh\necho '\tlibEGL.so.1 => not found'\necho '\tlibc.so.6 => /lib/libc.so.6 (0x0)'\n")
    linker.chmod(0o755)
    (tmp_path / "apt-get").symlink_to(linker)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    lacking = setup_env.missing(tmp_path / "plugin.so")
    assert lacking == {"libEGL.so.1"}
    assert setup_env.how_to_get(lacking) == "libEGL.so.1. Run: sudo apt-get install libegl1."


@pytest.mark.parametrize("screens", [[], ["DISPLAY"], ["DISPLAY", "WAYLAND_DISPLAY"]])
def test_only_one_screen_that_works_is_asked_for(screens: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib/python3.11/site-packages/PySide6/Qt/plugins/platforms").mkdir(parents=True)
    lacks: dict[str, set[str]] = {"libqxcb.so": {"libxcb.so.1"}, "libqwayland.so": set(), "libqoffscreen.so": set()}
    monkeypatch.setattr(setup_env, "missing", lambda library: lacks[library.name])
    monkeypatch.setattr(shutil, "which", lambda name: name)
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    for variable in screens:
        monkeypatch.setenv(variable, ":0")
    assert setup_env.missing_qt_libraries(tmp_path) == ({"libxcb.so.1"} if screens == ["DISPLAY"] else set())


@pytest.mark.skipif(sys.platform == "win32", reason="no symlinks for ordinary users")
def test_half_an_environment_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = tmp_path / "venv"
    setup_env.interpreter(venv).parent.mkdir(parents=True)
    setup_env.interpreter(venv).symlink_to(tmp_path / "gone")
    (venv / "leftover").touch()
    made = [sys.executable, "-m", "venv", "--without-pip", "--clear", str(venv)]  # without pip: quick
    real = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda _command, **options: real(made, **options))
    setup_env.make_venv(venv, sys.executable)
    assert setup_env.interpreter(venv).exists()
    assert not (venv / "leftover").exists()
