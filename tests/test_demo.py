"""The demo goes through the real Bluetooth client; its numbers come out where the simulated person really is."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gluteemg.demo import WORN

ROOT = Path(__file__).parents[1]


def gluteemg(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "gluteemg", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT, env={**os.environ, **environment}
    )


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], Path]]:
    """What the demo says of two people, and its recordings: side by side, as each takes 20 s."""
    folder = tmp_path_factory.mktemp("demos")
    running = {}
    for scenario in ("hamstring-led", "glute-led"):
        command = [sys.executable, "-W", "error", "-m", "gluteemg", "demo", "--headless", "--seconds", "20", "--json"]
        command += ["--scenario", scenario, "--record", str(folder / f"{scenario}.emg")]
        running[scenario] = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    documents = {}
    for scenario, process in running.items():
        said, trouble = process.communicate(timeout=120)
        assert process.returncode == 0, trouble
        documents[scenario] = json.loads(said), folder / f"{scenario}.emg"
    return documents


@pytest.mark.parametrize(("scenario", "side"), [("hamstring-led", "hamstrings"), ("glute-led", "glutes")])
def test_the_demo_comes_out_on_the_right_side(scenario: str, side: str, demos: dict[str, tuple[dict[str, Any], Path]]) -> None:
    said, path = demos[scenario]
    assert said["summary"]["scored"] >= 2
    assert said["summary"]["share"] == pytest.approx(said["truth"]["share"], abs=0.05)
    assert (said["truth"]["share"] <= 0.35) if side == "hamstrings" else (said["truth"]["share"] >= 0.65)
    assert {rep["led_by"] for rep in said["reps"] if rep["scored"]} == {side}
    assert [m["quality"] for m in said["muscles"]] == ["good"] * 3
    again = gluteemg("analyse", str(path), "--json")
    assert json.loads(again.stdout)["reps"] == said["reps"]


def test_without_a_screen_the_demo_goes_on_in_words() -> None:
    done = gluteemg("demo", "--seconds", "2", DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    assert done.returncode == 0, done.stderr
    assert "no screen" in done.stderr
    assert "Bridge: 0 reps" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals between processes")
@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("window", [False, True], ids=["headless", "window"])
def test_a_session_that_is_interrupted_keeps_its_recording_and_ends_in_words(kind: str, window: bool, tmp_path: Path) -> None:
    path = tmp_path / "demo.emg"
    command = [sys.executable, "-m", "gluteemg", "--debug", "demo", "--record", str(path)]
    command += [] if window else ["--headless"]
    awaited = {f"{name} is connected" for name in WORN} | ({"the window is open"} if window else set())
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            awaited -= {event for event in awaited if event in line}
            if not awaited:
                break
        process.send_signal(getattr(signal, kind))
        said, trouble = process.communicate(timeout=30)
    assert "Traceback" not in trouble
    assert said.startswith("Bridge:"), trouble
    assert [f.name for f in tmp_path.iterdir()] == ["demo.emg"]


def test_a_sensor_that_dies_half_way_leaves_the_others_and_comes_back(tmp_path: Path) -> None:
    from gluteemg.activation.pipeline import Update
    from gluteemg.catalogue import load_advice, load_exercise
    from gluteemg.coaching.coach import practice_of
    from gluteemg.demo import Demo
    from gluteemg.muscles import Role
    from gluteemg.recording.file import Recorder, Recording
    from gluteemg.sensors.source import Packet, PacketKind
    from gluteemg.session import Session

    demo, bridge = Demo("shared"), load_exercise("bridge")
    hamstrings, others = Role("hamstrings", "left"), [Role("gluteus_maximus", "left"), Role("gluteus_medius", "left")]
    states: list[dict[Role, str | None]] = []
    changed = threading.Condition()

    def look(_: Update) -> None:
        with changed:
            states.append(dict(session.moment.sensors))
            changed.notify_all()

    def wait_for(state: str) -> None:
        with changed:
            assert changed.wait_for(lambda: bool(states) and states[-1][hamstrings] == state, 20), states[-1:]

    recorder = Recorder(tmp_path / "s.emg", demo.source.profiles, demo.placements)
    session = Session(demo.source, demo.placements, practice_of(bridge, load_advice()), recorder=recorder, listeners=[look])
    with session:
        wait_for("good")
        session._portal.call(demo.radio.sensors[2].drop)
        wait_for("lost")
        assert [states[-1][role] for role in others] == ["good", "good"]
        assert session.moment.frame is not None
        assert session.moment.frame.share is None
        session._portal.call(demo.radio.sensors[2].come_back)
        wait_for("good")
    told = [i for items in Recording.open(tmp_path / "s.emg").items() for i in items if isinstance(i, Packet)]
    kinds = [(p.kind, p.data) for p in told if p.sensor == demo.radio.sensors[2].name and p.kind != PacketKind.NOTIFY]
    assert kinds == [(PacketKind.CONNECT, b""), (PacketKind.DISCONNECT, b"connection lost"), (PacketKind.CONNECT, b"")]
