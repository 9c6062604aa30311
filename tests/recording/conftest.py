from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from gluteemg.muscles import Placement, Role
from gluteemg.recording.file import Recorder
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Item

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def profile() -> FirmwareProfile:
    return FirmwareProfile.parse((_ROOT / "firmware_profiles/umyo-gatt.toml").read_text(encoding="utf-8"), "umyo-gatt")


class Session:
    """Two sensors on the right thigh, recorded to a file."""

    def __init__(self, profile: FirmwareProfile) -> None:
        self.profiles = {"uMyo-1": profile, "uMyo-2": profile}
        self.placements = (
            Placement("uMyo-1", 0, Role("gluteus_maximus", "right")),
            Placement("uMyo-2", 0, Role("hamstrings", "right")),
        )

    def recorder(self, path: Path, **more: str) -> Recorder:
        return Recorder(path, self.profiles, self.placements, exercise_toml=more.pop("exercise_toml", None), notes=more)

    def record(self, path: Path, items: Sequence[Item]) -> None:
        with self.recorder(path) as recorder:
            recorder.put(items)


@pytest.fixture(scope="session")
def session(profile: FirmwareProfile) -> Session:
    return Session(profile)
