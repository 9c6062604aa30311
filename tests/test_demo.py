"""The demo goes through the real Bluetooth client; its numbers come out where the simulated person really is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def gluteemg(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "gluteemg", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT, env={**os.environ, **environment}
    )


def demo(scenario: str, *more: str) -> dict[str, Any]:
    done = gluteemg("demo", "--headless", "--seconds", "20", "--scenario", scenario, "--json", *more)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize(("scenario", "side"), [("hamstring-led", "hamstrings"), ("glute-led", "glutes")])
def test_the_demo_comes_out_on_the_right_side(scenario: str, side: str, tmp_path: Path) -> None:
    said = demo(scenario, "--record", str(tmp_path / "demo.emg"))
    assert said["summary"]["scored"] >= 2
    assert said["summary"]["share"] == pytest.approx(said["truth"]["share"], abs=0.05)
    assert (said["truth"]["share"] <= 0.35) if side == "hamstrings" else (said["truth"]["share"] >= 0.65)
    assert {rep["led_by"] for rep in said["reps"] if rep["scored"]} == {side}
    assert [m["quality"] for m in said["muscles"]] == ["good"] * 3
    again = gluteemg("analyse", str(tmp_path / "demo.emg"), "--json")
    assert json.loads(again.stdout)["reps"] == said["reps"]


def test_without_a_screen_the_demo_goes_on_in_words() -> None:
    done = gluteemg("demo", "--seconds", "2", DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    assert done.returncode == 0, done.stderr
    assert "no screen" in done.stderr
    assert "Bridge: 0 reps" in done.stdout
