"""What benchmarks of simulated sessions have in common: the sensors, and the way from packets through references to frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from gluteemg.activation.calibrator import Calibrator
from gluteemg.activation.pipeline import Aim, Pipeline, Update
from gluteemg.activation.protocol import Protocol, Step
from gluteemg.catalogue import load_protocol
from gluteemg.muscles import Placement
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Event

PACKET_S = 0.02
PAUSE_S = 1.5
"""Between the efforts that the protocol asks for."""
AT_ONCE = 3000
"""Packets taken at once when the references are known (chosen: it alters no frame, and fits into any memory)."""
PROFILE = """
schema_version = 2
id = "simulated"
name = "Any channels, at any rate"
vendor = "this benchmark"
source = "this benchmark"
layout = "generated"
hardware = "none"
[signal]
kind = "raw"
channels = {channels}
rate_hz = {rate_hz}
unit = "uV"
lsb = 0.25
low = -32768
high = 32767
[counter]
counts = "samples"
[[packets]]
header = [{{ field = "counter", type = "u32le" }}]
record = [{{ field = "emg", type = "i16le", count = {channels} }}]
records = {records}
"""


@cache
def profile(rate_hz: int, channels: int = 1) -> FirmwareProfile:
    text = PROFILE.format(rate_hz=rate_hz, channels=channels, records=round(PACKET_S * rate_hz))
    return FirmwareProfile.parse(text, "simulated")


@cache
def protocol() -> Protocol:
    """The protocol for home, for someone who never tires and does not listen: short pauses, and no trial is asked for again."""
    asked = load_protocol("submaximal")
    hurried = tuple(step.model_copy(update={"pause_s": PAUSE_S, "between_s": PAUSE_S}) for step in asked.steps)
    return asked.model_copy(update={"steps": hurried, "spare_trials": 0})


def trials() -> Iterator[tuple[Step, float]]:
    """Everything that the protocol asks for in turn, and when it begins."""
    at_s = 0.0
    for step in protocol().steps:
        for trial in range(1, step.trials + 1):
            at_s += step.pause_before_s(trial)
            yield step, at_s
            at_s += step.seconds


def pipeline_of(sensors: Sequence[SimulatedSensor], aim: Aim | None = None) -> Pipeline:
    placements = [Placement(s.name, channel, role) for s in sensors for channel, role in enumerate(s.roles)]
    return Pipeline({s.name: s.profile for s in sensors}, placements, aim=aim)


def session(sensors: Sequence[SimulatedSensor], pipeline: Pipeline, seconds: float, seed: int) -> Iterator[Update]:
    """Take the packets of a session through a pipeline, and from its first frames the references that the others need."""
    packets = simulated_packets(sensors, seconds, seed=seed)
    calibrator = Calibrator(protocol(), pipeline.roles)
    second, first = round(len(sensors) / PACKET_S), 0
    while first < len(packets):
        size = second if calibrator.step else AT_ONCE
        update = pipeline.feed(packets[first : first + size])
        first += size
        calibration = calibrator.feed(update.frames)
        if calibration is not None:
            pipeline.feed([Event(calibration.kind, calibration.to_json())])
        yield update
