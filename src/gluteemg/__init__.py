"""Live surface-EMG feedback for glutes and hamstrings.

The path in one piece: a source (Bluetooth sensors, virtual ones, a recording) gives packets, a `Session` turns them into
frames, repetitions and cues, a `Recorder` keeps them, `analyse` sums them up. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gluteemg.activation.calibration import Calibration
    from gluteemg.activation.frame import Frame, Frames, Verdict
    from gluteemg.activation.pipeline import Pipeline
    from gluteemg.activation.protocol import Protocol
    from gluteemg.activation.rep import Rep
    from gluteemg.catalogue import load_advice, load_exercise, load_plan, load_profile, load_protocol
    from gluteemg.coaching.coach import Coach, practice_of
    from gluteemg.coaching.cue import Cue
    from gluteemg.coaching.exercise import Exercise
    from gluteemg.coaching.plan import Plan
    from gluteemg.demo import Demo
    from gluteemg.errors import GluteemgError
    from gluteemg.muscles import Placement, Role
    from gluteemg.recording.file import Recorder, Recording
    from gluteemg.recording.importing import import_csv
    from gluteemg.recording.replay import ReplaySource
    from gluteemg.report.analysis import analyse
    from gluteemg.report.document import Analysis
    from gluteemg.sensors.ble import BleSource
    from gluteemg.sensors.profile import FirmwareProfile
    from gluteemg.sensors.source import Event, Packet, Source
    from gluteemg.session import Moment, Session

_HOMES = {
    "activation.calibration": ("Calibration",),
    "activation.frame": ("Frame", "Frames", "Verdict"),
    "activation.pipeline": ("Pipeline",),
    "activation.protocol": ("Protocol",),
    "activation.rep": ("Rep",),
    "catalogue": ("load_advice", "load_exercise", "load_plan", "load_profile", "load_protocol"),
    "coaching.coach": ("Coach", "practice_of"),
    "coaching.cue": ("Cue",),
    "coaching.exercise": ("Exercise",),
    "coaching.plan": ("Plan",),
    "demo": ("Demo",),
    "errors": ("GluteemgError",),
    "muscles": ("Placement", "Role"),
    "recording.file": ("Recorder", "Recording"),
    "recording.importing": ("import_csv",),
    "recording.replay": ("ReplaySource",),
    "report.analysis": ("analyse",),
    "report.document": ("Analysis",),
    "sensors.ble": ("BleSource",),
    "sensors.profile": ("FirmwareProfile",),
    "sensors.source": ("Event", "Packet", "Source"),
    "session": ("Moment", "Session"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Analysis",
    "BleSource",
    "Calibration",
    "Coach",
    "Cue",
    "Demo",
    "Event",
    "Exercise",
    "FirmwareProfile",
    "Frame",
    "Frames",
    "GluteemgError",
    "Moment",
    "Packet",
    "Pipeline",
    "Placement",
    "Plan",
    "Protocol",
    "Recorder",
    "Recording",
    "Rep",
    "ReplaySource",
    "Role",
    "Session",
    "Source",
    "Verdict",
    "analyse",
    "import_csv",
    "load_advice",
    "load_exercise",
    "load_plan",
    "load_profile",
    "load_protocol",
    "practice_of",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
