"""What an import brings along."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"scipy", "matplotlib", "PySide6", "pyqtgraph", "bleak", "bumble", "sounddevice", "pyarrow", "dask"}


@pytest.mark.parametrize("statement", ["import gluteemg.cli", "import gluteemg.cli; gluteemg.cli.main()"])
def test_the_command_line_shows_its_help_without_loading_heavy_libraries(statement: str) -> None:
    report = "import atexit, sys; atexit.register(lambda: print('LOADED', *sys.modules))"
    command = [sys.executable, "-c", f"{report}; sys.argv = ['gluteemg', '--help']; {statement}"]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split("LOADED")[-1].split()
    assert "gluteemg.cli" in loaded
    assert HEAVY & set(loaded) == set()
