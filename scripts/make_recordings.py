"""Make the simulated sessions in ``recordings/`` anew: ``.venv/bin/python scripts/make_recordings.py``.

They come out the same every time: everything follows from the seed.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from gluteemg.activation.calibrator import Calibrator
from gluteemg.activation.pipeline import Pipeline
from gluteemg.catalogue import load_exercise, load_profile, load_protocol
from gluteemg.demo import WORN
from gluteemg.muscles import Placement
from gluteemg.recording.file import Recorder
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.simulator import SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Event, Packet, PacketKind

RECORDINGS = Path(__file__).parents[1] / "recordings"
STARTED = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECONDS = 30.0


def absent(packets: list[Packet], away: dict[str, tuple[float, float]]) -> Iterator[Packet]:
    """Take out what sensors would have sent while they were away, and say when they went and came back."""
    start_ns = packets[0].t_ns
    gone: set[str] = set()
    for packet in packets:
        from_s, to_s = away.get(packet.sensor, (math.inf, math.inf))
        t_s = (packet.t_ns - start_ns) / 1e9
        if from_s <= t_s < to_s:
            if packet.sensor not in gone:
                gone.add(packet.sensor)
                yield Packet(packet.sensor, packet.t_ns, b"connection lost", PacketKind.DISCONNECT)
            continue
        if packet.sensor in gone:
            gone.remove(packet.sensor)
            yield Packet(packet.sensor, packet.t_ns, b"", PacketKind.CONNECT)
        yield packet


def make(name: str, scenario: str, away: dict[str, tuple[float, float]]) -> None:
    """Simulate a session, calibrate it as the live program does, and record it."""
    profile, exercise = load_profile("umyo-gatt"), load_exercise("bridge")
    person = Person(SCENARIOS[scenario], seed=1)
    sensors = [SimulatedSensor(n, profile, [role], person) for n, role in WORN.items()]
    profiles = dict.fromkeys(WORN, profile)
    placements = [Placement(n, 0, role) for n, role in WORN.items()]
    pipeline = Pipeline(profiles, placements, aim=exercise.aim)
    calibrator = Calibrator(load_protocol("demo"), pipeline.roles)
    path = RECORDINGS / f"{name}.emg"
    path.unlink(missing_ok=True)
    text, notes = exercise.toml, {"origin": "simulated"}
    with Recorder(path, profiles, placements, exercise_toml=text, started=STARTED, notes=notes) as recorder:
        for packet in absent(simulated_packets(sensors, SECONDS, seed=1), away):
            recorder.put([packet])
            calibration = calibrator.feed(pipeline.feed([packet]).frames)
            if calibration is not None:
                event = Event("calibration", calibration.model_copy(update={"taken": STARTED.isoformat()}).to_json())
                recorder.put([event])
                pipeline.feed([event])


if __name__ == "__main__":
    RECORDINGS.mkdir(exist_ok=True)
    make("bridge_hamstring_led", "hamstring-led", {})
    make("bridge_glute_led", "glute-led", {})
    make("bridge_sensor_lost", "shared", {"uMyo-HS": (17.5, 21.0)})
