"""The whole session, on its own thread, from a source to what a screen would read."""

import threading
from collections.abc import AsyncGenerator, Sequence
from dataclasses import fields
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import numpy as np
import pytest
from tests.script import BRIDGE, PLACEMENTS, PROFILES, Script, led, simulated

from gluteemg.activation.calibration import Calibration
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.activation.frame import Frames
from gluteemg.activation.pipeline import Update
from gluteemg.activation.protocol import Protocol
from gluteemg.activation.rep import Rep
from gluteemg.demo import WORN
from gluteemg.errors import DefinitionError, RecordingError, SensorError
from gluteemg.muscles import Placement
from gluteemg.recording.file import Recorder, Recording
from gluteemg.recording.replay import ReplaySource
from gluteemg.sensors.person import DEMO_STEPS, SCENARIOS, Person, Step
from gluteemg.sensors.simulator import Conditions, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Event, Item, Packet, PacketKind
from gluteemg.session import Session


def frames_of(updates: Sequence[Update]) -> dict[str, np.ndarray]:
    blocks = [u.frames for u in updates if len(u.frames)]
    return {f.name: np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Frames) if f.name != "roles"}


def reps_of(updates: Sequence[Update]) -> list[Rep]:
    return [rep for update in updates for rep in update.reps]


@pytest.mark.parametrize(
    "conditions", [Conditions(), Conditions(loss=0.004, mains_uv=3.0, motion_uv=200.0)], ids=["good", "poor"]
)
def test_replaying_a_recording_gives_the_frames_of_the_live_session_bit_for_bit(tmp_path: Path, conditions: Conditions) -> None:
    live: list[Update] = []
    recorder = Recorder(tmp_path / "s.emg", PROFILES, PLACEMENTS, exercise_toml=BRIDGE.toml)
    source = Script(simulated(conditions=conditions))
    with Session(source, PLACEMENTS, led("demo"), recorder=recorder, listeners=[live.append]) as session:
        session.wait(60)
    recording = Recording.open(tmp_path / "s.emg")
    again: list[Update] = []
    with Session(ReplaySource(recording), recording.placements, led(), replay=True, listeners=[again.append]) as replayed:
        replayed.wait(60)
    for name, was in frames_of(live).items():
        np.testing.assert_array_equal(frames_of(again)[name], was, err_msg=name)
    assert len(reps_of(live)) == 3
    assert reps_of(again) == reps_of(live)
    assert replayed.moment.frame == session.moment.frame


def test_a_session_takes_its_references_first_and_then_scores_repetitions() -> None:
    stages: list[str] = []
    source = Script(simulated(), size=1)
    session = Session(source, PLACEMENTS, led("demo"), listeners=[lambda _: stages.append(session.moment.stage)])
    stages.append(session.moment.stage)
    with session:
        session.wait(60)
    stages.append(session.moment.stage)
    assert list(dict.fromkeys(stages)) == ["searching", "reference", "running", "finished"]
    assert session.moment.unit == "%REF"
    assert [rep.led_by for rep in session.moment.reps] == ["hamstrings"] * 3
    assert session.calibration is not None
    assert session.calibration.taken


def test_without_a_calibration_nothing_is_scored_and_the_ratio_is_muted() -> None:
    with Session(Script(simulated()), PLACEMENTS, led()) as session:
        session.wait(60)
    assert session.moment.reps == ()
    assert session.moment.unit is None
    assert session.moment.frame is not None
    assert session.moment.frame.share is None


def test_a_session_ends_at_the_seconds_that_were_asked_for() -> None:
    with Session(Script(simulated()), PLACEMENTS, led(), seconds=5) as session:
        session.wait(60)
    assert session.moment.frame is not None
    assert session.moment.frame.t_s == pytest.approx(5.0, abs=0.05)


def test_a_pause_keeps_recording_and_counts_no_repetitions(tmp_path: Path) -> None:
    items = simulated()
    cut = next(i for i, item in enumerate(items) if i > 200 and not isinstance(item, Event) and item.t_ns > 13.5e9)
    items[cut:cut] = [Event("pause", {})]
    recorder = Recorder(tmp_path / "s.emg", PROFILES, PLACEMENTS)
    with Session(Script(items), PLACEMENTS, led("demo"), recorder=recorder) as session:
        session.wait(60)
    assert len(session.moment.reps) < 3
    assert Recording.open(tmp_path / "s.emg").duration_s > 19


def test_pause_mark_and_resume_from_another_thread_stand_in_the_recording_in_order(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.emg", PROFILES, PLACEMENTS)
    arrived = threading.Event()
    source = Script(simulated(seconds=2), then_stay=True)

    def seen(update: Update) -> None:
        if len(update.frames) and update.frames.index[-1] > 150:
            arrived.set()

    with Session(source, PLACEMENTS, led(), recorder=recorder, listeners=[seen]) as session:
        assert arrived.wait(30)
        session.pause()
        paused = session.moment.stage
        session.mark("heels closer")
        session.resume()
        assert (paused, session.moment.stage) == ("paused", "running")
    events = [i for items in Recording.open(tmp_path / "s.emg").items() for i in items if isinstance(i, Event)]
    assert [(e.kind, dict(e.detail)) for e in events] == [("pause", {}), ("marker", {"note": "heels closer"}), ("resume", {})]


def test_what_ends_a_source_is_raised_to_whoever_waits() -> None:
    source = Script(simulated(seconds=1), trouble=SensorError("the radio is gone: plug it in again."))
    with Session(source, PLACEMENTS, led()) as session:
        with pytest.raises(SensorError, match="radio is gone"):
            session.wait(60)
        assert session.failed
    assert session.moment.stage == "finished"


def test_leaving_a_session_stops_it_and_closes_the_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.emg", PROFILES, PLACEMENTS)
    with Session(Script(simulated(seconds=1), then_stay=True), PLACEMENTS, led(), recorder=recorder) as session:
        assert session.running
    assert not session.running
    assert [f.name for f in tmp_path.iterdir()] == ["s.emg"]
    assert not [t.name for t in threading.enumerate() if t.name.startswith("gluteemg")]


def test_a_disk_that_fails_is_told_and_does_not_end_the_session(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s.emg", PROFILES, PLACEMENTS)
    told = threading.Event()
    begun = threading.Event()
    items = simulated()

    class Slowly(Script):
        async def batches(self) -> AsyncGenerator[Sequence[Item], None]:
            for start in range(0, len(items), 20):
                yield items[start : start + 20]
                begun.set()
                await anyio.sleep(0.02)

    def look(_: Update) -> None:
        if session.moment.notices:
            told.set()

    session = Session(Slowly(items), PLACEMENTS, led(), recorder=recorder, listeners=[look])
    session.__enter__()
    assert begun.wait(30)
    (tmp_path / "s.emg").unlink()
    assert told.wait(30)
    assert session.running
    with pytest.raises(RecordingError):
        session.__exit__(None, None, None)


def test_a_calibration_that_was_loaded_is_recorded_and_replays_to_the_same_frames(tmp_path: Path) -> None:
    with Session(Script(simulated()), PLACEMENTS, led("demo")) as first:
        first.wait(60)
    live: list[Update] = []
    recorder = Recorder(tmp_path / "s.emg", PROFILES, PLACEMENTS)
    source = Script(simulated("glute-led"))
    with Session(
        source, PLACEMENTS, led(), calibration=first.calibration, recorder=recorder, listeners=[live.append]
    ) as session:
        session.wait(60)
    recording = Recording.open(tmp_path / "s.emg")
    again: list[Update] = []
    with Session(ReplaySource(recording), recording.placements, led(), replay=True, listeners=[again.append]) as replayed:
        replayed.wait(60)
    assert reps_of(live)
    assert reps_of(again) == reps_of(live)
    np.testing.assert_array_equal(frames_of(again)["activation"], frames_of(live)["activation"])
    assert session.moment.unit == replayed.moment.unit == "%REF"
    assert [rep["led_by"] for rep in recording.reps] == [rep.led_by for rep in reps_of(live)]


def test_when_every_sensor_is_gone_it_says_so_and_still_ends_by_its_seconds() -> None:
    gone = [Packet(name, 4_000_000_000, b"connection lost", PacketKind.DISCONNECT) for name in WORN]
    source = Script([*simulated(seconds=2.5), *gone], then_stay=True)
    with Session(source, PLACEMENTS, led(), seconds=3) as session:
        session.wait(30)
    assert set(session.moment.sensors.values()) == {"lost"}
    assert session.moment.cue.warning
    assert session.moment.cue.advice is not None
    assert session.moment.cue.advice.id == "advice.move_closer"
    assert session.moment.frame is not None
    assert set(session.moment.frame.activation.values()) == {None}


def test_packets_that_the_profile_cannot_read_are_told() -> None:
    odd = [Packet("uMyo-GX", 1_000_000_000 + i, bytes(41)) for i in range(20)]
    with Session(Script([*simulated(seconds=1), *odd]), PLACEMENTS, led()) as session:
        session.wait(30)
    assert [notice for notice in session.moment.notices if "uMyo-GX" in notice and "cannot read" in notice]


_ASKED_AT_S = 12.0
_LATER = (Step("heel_dig", _ASKED_AT_S + 3.0, _ASKED_AT_S + 6.0), Step("squeeze", _ASKED_AT_S + 7.0, _ASKED_AT_S + 10.0))
_CHECK, _AGAIN = (
    Protocol.parse(
        f"""id = "{kind}"
        steps = [
            {{id = "rest", kind = "rest", seconds = 2.5, lead_s = 1}},
            {{id = "seated_dig", kind = "{kind}", muscles = ["hamstrings"], pause_s = 0.5, seconds = 3, lead_s = 1{dig}}},
            {{id = "straight", kind = "{kind}", muscles = ["gluteus_maximus"], pause_s = 1, seconds = 3, lead_s = 1{squeeze}}},
        ]""",
        kind,
    )
    for kind, dig, squeeze in (
        ("check", ", at_most = {gluteus_maximus = 0.2}", ", at_most = {hamstrings = 0.3}"),
        ("drift", "", ""),
    )
)


class Waiting(Script):
    """Gives what comes after `_ASKED_AT_S` when it is told to."""

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(items)
        self.reached, self.go_on = threading.Event(), threading.Event()

    async def batches(self) -> AsyncGenerator[Sequence[Item], None]:
        async for batch in super().batches():
            last = batch[-1]
            if isinstance(last, Packet) and last.t_ns > (1 + _ASKED_AT_S) * 1e9 and not self.go_on.is_set():
                self.reached.set()
                await anyio.to_thread.run_sync(self.go_on.wait)
            yield batch


def _checked(
    protocol: Protocol, path: Path, placements: Sequence[Placement] = PLACEMENTS
) -> tuple[Session, list[Update], list[str]]:
    """A session in which a protocol is followed later on, recorded."""
    person = Person(SCENARIOS["shared"], 3, (*DEMO_STEPS, *_LATER), first_rep_s=60.0)
    sensors = [SimulatedSensor(p.sensor, PROFILES[p.sensor], [WORN[p.sensor]], person) for p in PLACEMENTS]
    source = Waiting(list(simulated_packets(sensors, 24.0, seed=3)))
    updates: list[Update] = []
    stages: list[str] = []

    def listen(update: Update) -> None:
        updates.append(update)
        stages.append(session.moment.stage)

    session = Session(
        source,
        placements,
        led("demo"),
        recorder=Recorder(path, PROFILES, placements),
        listeners=[listen],
    )
    with session:
        assert source.reached.wait(30)
        assert session.moment.stage == "running"
        session.measure(protocol)
        source.go_on.set()
        session.wait(60)
    return session, updates, stages


def test_a_check_later_in_the_session_is_an_event_and_no_repetition_and_replays(tmp_path: Path) -> None:
    session, live, stages = _checked(_CHECK, tmp_path / "s.emg")
    result = session.moment.result
    assert isinstance(result, Isolation)
    assert (result.verdict, bool(result.taken)) == ("good", True)
    order = [stage for i, stage in enumerate(stages) if not i or stage != stages[i - 1]]
    assert [stage for stage in order if stage != "searching"] == ["reference", "running", "reference", "running"]
    assert session.moment.reps == ()
    recording = Recording.open(tmp_path / "s.emg")
    events = [i for items in recording.items() for i in items if isinstance(i, Event)]
    assert [e.kind for e in events] == ["pause", "calibration", "resume", "pause", "isolation", "resume"]
    assert {e.detail["by"] for e in events if e.kind in ("pause", "resume")} == {"coach"}
    again: list[Update] = []
    with Session(ReplaySource(recording), recording.placements, led(), replay=True, listeners=[again.append]) as replayed:
        replayed.wait(60)
    assert replayed.moment.result == result
    for name, was in frames_of(live).items():
        np.testing.assert_array_equal(frames_of(again)[name], was, err_msg=name)


def test_swapped_sensors_are_named_though_the_calibration_was_taken_with_them_swapped(tmp_path: Path) -> None:
    other = {"uMyo-GX": "uMyo-HS", "uMyo-HS": "uMyo-GX"}
    swapped = [Placement(other.get(p.sensor, p.sensor), p.channel, p.role) for p in PLACEMENTS]
    session, _, _ = _checked(_CHECK, tmp_path / "s.emg", swapped)
    assert isinstance(session.moment.result, Isolation)
    assert session.moment.result.verdict == "swapped"
    assert [set(pair) for pair in session.moment.result.swapped] == [{"gluteus_maximus:left", "hamstrings:left"}]


def test_the_same_squeeze_at_the_end_has_not_drifted(tmp_path: Path) -> None:
    session, _, _ = _checked(_AGAIN, tmp_path / "s.emg")
    assert isinstance(session.moment.result, Drift)
    assert session.moment.result.verdict == "good"
    assert {c.role for c in session.moment.result.changes} == {"gluteus_maximus:left", "hamstrings:left"}


def test_a_calibration_that_is_taken_knows_unit_and_place_of_its_sensors() -> None:
    placed = {PLACEMENTS[0].role: "two fingers above the crease"}
    with Session(Script(simulated(seconds=10)), PLACEMENTS, led("demo", placed)) as session:
        session.wait(60)
    taken = session.moment.result
    assert isinstance(taken, Calibration)
    assert taken == session.calibration
    assert {level.unit for level in taken.levels} == {PROFILES["uMyo-GX"].signal.unit}
    assert [level.placement for level in taken.levels] == ["two fingers above the crease", "", ""]


def test_drift_without_references_is_refused_to_whoever_asks() -> None:
    with Session(Script(simulated(seconds=1), then_stay=True), PLACEMENTS, led()) as session:
        with pytest.raises(DefinitionError, match="there are none"):
            session.measure(_AGAIN)
        assert session.running
