"""The default tests on the other Pythons that gluteemg supports, where they are found."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import setup_env


def find_python(version: str) -> str | None:
    """Return an interpreter of this version that runs (a pyenv shim may be there and not run), or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"versions/{version}.*/bin/python{version}"))]
    return next((python for python in candidates if python and runs(python)), None)


def runs(python: str) -> bool:
    return subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_the_default_tests_pass_on(version: str, root: Path, tmp_path: Path) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"Python {version} was not found on this machine")
    venv = tmp_path / "venv"
    setup_env.make_venv(venv, python)
    setup_env.install(venv)
    command = [str(setup_env.interpreter(venv)), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
