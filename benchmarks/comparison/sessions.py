"""Whole sessions through gluteemg: recorded or imported, then analysed."""

import csv
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from benchmarks.comparison.signals import Floats, Signal

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.catalogue import load_exercise, load_profile
from gluteemg.cli.live import analysed
from gluteemg.muscles import Placement, Role
from gluteemg.recording.file import Recorder, Recording
from gluteemg.recording.importing import import_csv
from gluteemg.report.analysis import Analysis, analyse
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.simulator import GAIN_UV, SimulatedSensor, simulated_packets

_ROLES = tuple(Role(m, "left") for m in ("gluteus_maximus", "gluteus_medius", "biceps_femoris", "semitendinosus"))


def worn() -> SimulatedSensor:
    """Put a sensor with four channels at 1 kHz on a simulated person."""
    return SimulatedSensor("gluteemg-4", load_profile("synthetic"), _ROLES, Person(SCENARIOS["shared"], seed=1))


def record(seconds: float, path: Path) -> Callable[[], Analysis]:
    """Record that sensor, and give what opens the recording and analyses all of it."""
    sensor, exercise = worn(), load_exercise("bridge")
    placements = [Placement(sensor.name, channel, role) for channel, role in enumerate(_ROLES)]
    with Recorder(path, {sensor.name: sensor.profile}, placements, exercise_toml=exercise.toml) as recorder:
        recorder.put(simulated_packets([sensor], seconds, seed=1))
    levels = tuple(Level(role=str(r), floor=3.0, reference=GAIN_UV[r.muscle]) for r in _ROLES)
    calibration = Calibration(method="submaximal", floor_method="rest", levels=levels)

    return lambda: analysed(path, exercise, calibration)


def onsets(signals: Sequence[Signal]) -> list[tuple[Floats, Floats]]:
    """Import each signal and analyse it: when its bursts began, and when that was certain live, in seconds."""
    exercise, found = load_exercise("bridge"), []
    with tempfile.TemporaryDirectory() as folder:
        for number, given in enumerate(signals):
            table, path = Path(folder) / f"{number}.csv", Path(folder) / f"{number}.emg"
            with table.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(("time_s", "emg_uV"))
                rows.writerows((f"{i / given.rate_hz:.6f}", repr(x)) for i, x in enumerate(given.emg.tolist()))
            import_csv(table, path, {"emg_uV": Role("hamstrings", "left")})
            (muscle,) = analyse(Recording.open(path), exercise).muscles
            found.append((np.array([b.on_s for b in muscle.bursts]), np.array([b.decided_s for b in muscle.bursts])))
    return found
