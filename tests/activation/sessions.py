"""Whole sessions for the tests of this folder: packets of simulated people, and what the pipeline makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from tests.cuts import assert_same

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.calibrator import Calibrator
from gluteemg.activation.frame import Frames
from gluteemg.activation.pipeline import Aim, Pipeline, Update
from gluteemg.activation.protocol import Protocol
from gluteemg.muscles import Placement, Role
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import COUNTS_PER_UV, GAIN_UV, Conditions, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Event, Item, Packet, PacketKind

ROOT = Path(__file__).parents[2]
GLUTES, MEDIUS, HAMSTRINGS = (Role(m, "left") for m in ("gluteus_maximus", "gluteus_medius", "hamstrings"))
WORN = (GLUTES, MEDIUS, HAMSTRINGS)
AIM = Aim(zone=(0.8, 1.3), floor={"mvic": 0.2, "submaximal": 0.4})

RIGHT = tuple(Role(m, "right") for m in ("gluteus_maximus", "gluteus_medius", "hamstrings"))
MIXED_SECONDS = 16.0


@cache
def profile(name: str = "umyo-gatt") -> FirmwareProfile:
    return FirmwareProfile.parse((ROOT / "firmware_profiles" / f"{name}.toml").read_text("utf-8"), name)


@cache
def protocol(name: str = "demo") -> Protocol:
    return Protocol.parse((ROOT / "calibration" / f"{name}.toml").read_text("utf-8"), name)


def known_calibration(roles: Sequence[Role], unit: float = 1.0) -> Calibration:
    """What a perfect calibration of a simulated person would give; `unit` is the sensor's unit in a microvolt."""
    levels = tuple(Level(role=str(r), floor=2.3 * unit, reference=GAIN_UV[r.muscle] * unit) for r in roles)
    return Calibration(method="submaximal", floor_method="rest", levels=levels)


def sensor_of(role: Role, scenario: str = "shared", seed: int = 0, rate_hz: float | None = None) -> SimulatedSensor:
    name = f"uMyo-{role.muscle}-{role.side}"
    return SimulatedSensor(name, profile(), [role], Person(SCENARIOS[scenario], seed), rate_hz=rate_hz)


def pipeline_of(sensors: Sequence[SimulatedSensor], calibration: Calibration | None = None, aim: Aim | None = AIM) -> Pipeline:
    placements = [Placement(s.name, channel, role) for s in sensors for channel, role in enumerate(s.roles)]
    return Pipeline({s.name: s.profile for s in sensors}, placements, aim=aim, calibration=calibration)


@dataclass(frozen=True)
class Trained:
    """What came of a session."""

    update: Update
    calibration: Calibration
    person: Person
    seconds: float


def train(scenario: str, seed: int, seconds: float = 20.0, block: int = 40) -> Trained:
    """Three sensors on a simulated person, calibrated on the way by the protocol of the demo, as a session does it."""
    sensors = [sensor_of(role, scenario, seed) for role in WORN]
    packets = simulated_packets(sensors, seconds, seed=seed)
    pipeline = pipeline_of(sensors)
    calibrator = Calibrator(protocol(), pipeline.roles)
    updates = []
    for first in range(0, len(packets), block):
        updates.append(pipeline.feed(packets[first : first + block]))
        calibration = calibrator.feed(updates[-1].frames)
        if calibration is not None:
            updates.append(pipeline.feed([Event("calibration", calibration.to_json())]))
    assert pipeline.calibration is not None
    return Trained(joined(updates), pipeline.calibration, Person(SCENARIOS[scenario], seed), seconds)


def joined(updates: Iterable[Update]) -> Update:
    """All updates as one: frames and repetitions one after the other, traces left as they were."""
    updates = list(updates)
    frames = Frames.join([u.frames for u in updates])
    return Update(frames, tuple(r for u in updates for r in u.reps), tuple(t for u in updates for t in u.traces))


def assert_same_update(one: Update, other: Update) -> None:
    """Every number of two runs is the same, bit for bit; traces are compared once joined for each muscle."""
    for field in fields(Frames):
        if field.name != "roles":
            assert_same(getattr(one.frames, field.name), getattr(other.frames, field.name))
    assert one.frames.roles == other.frames.roles
    assert one.reps == other.reps
    for role in one.frames.roles:
        for name in ("t_s", "emg"):
            parts = [[getattr(t, name) for t in u.traces if t.role == role] for u in (one, other)]
            assert_same(*(np.concatenate([np.empty(0), *p]) for p in parts))


def mixed_sensors() -> list[SimulatedSensor]:
    """Two uMyo on the left, one NPG with three channels on the right, losing packets alone and in runs."""
    person = Person(SCENARIOS["shared"], 3)
    alone, runs = Conditions(loss=0.008), Conditions(burst_loss=0.004)
    umyo = [
        SimulatedSensor(name, profile(), [role], person, conditions=alone)
        for name, role in (("uMyo-G", GLUTES), ("uMyo-H", HAMSTRINGS))
    ]
    npg = SimulatedSensor("NPG", profile("npg-lite-3ch"), RIGHT, person, conditions=runs, rate_hz=461.0)
    return [*umyo, npg]


def mixed_calibration() -> Calibration:
    left = known_calibration((GLUTES, HAMSTRINGS))
    right = known_calibration(RIGHT, COUNTS_PER_UV)
    return left.model_copy(update={"levels": left.levels + right.levels})


def mixed_items(seed: int) -> list[Item]:
    """Sixteen seconds of everything that may happen between a sensor and a program."""
    sensors, random = mixed_sensors(), np.random.default_rng(seed)
    packets = simulated_packets(sensors, MIXED_SECONDS, seed=seed)
    away_ns, back_ns = packets[0].t_ns + 11_000_000_000, packets[0].t_ns + 12_400_000_000
    kept = [p for p in packets if p.sensor != "uMyo-H" or not away_ns <= p.t_ns < back_ns]
    kept = [p for p in kept if p.sensor != "NPG" or p.t_ns > packets[0].t_ns + 800_000_000 or not p.data]  # a slow start
    moved = [p._replace(t_ns=p.t_ns + int(random.exponential(5e6)) * (not random.integers(25))) for p in kept]
    stall_ns = packets[0].t_ns + 14_000_000_000
    moved = [
        p._replace(t_ns=stall_ns + 400_000_000) if p.sensor == "uMyo-G" and 0 <= p.t_ns - stall_ns < 400_000_000 else p
        for p in moved
    ]
    moved += [Packet("uMyo-H", away_ns, b"gone", PacketKind.DISCONNECT), Packet("uMyo-H", back_ns, b"", PacketKind.CONNECT)]
    moved += [p._replace(data=bytes(26)) for p in moved[100:1000:90] if p.sensor == "uMyo-G"]
    items: list[Item] = [*sorted(moved, key=lambda p: p.t_ns)]
    third = len(items) // 3
    items.insert(third, Event("calibration", mixed_calibration().to_json()))
    items.insert(2 * third, Event("pause", {}))
    items.insert(2 * third + 40, Event("resume", {}))
    items.insert(2 * third + 50, Event("marker", {"note": "here"}))
    return items
