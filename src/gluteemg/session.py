"""One session: joins a source, a recorder, the pipeline and the coach. Threads begin and end here and nowhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

from anyio import CancelScope, current_time
from anyio.from_thread import BlockingPortal, start_blocking_portal

from gluteemg.activation.calibration import Calibration, SensorUnit, Unit
from gluteemg.activation.calibrator import Calibrator, Result
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.activation.frame import FRAME_RATE_HZ, Frame
from gluteemg.activation.pipeline import Pipeline, Update
from gluteemg.activation.protocol import Protocol
from gluteemg.activation.rep import Rep
from gluteemg.activation.signal import Health
from gluteemg.coaching.coach import Coach
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.part import Key, Now, Told
from gluteemg.coaching.safety import Value
from gluteemg.coaching.steps import Measuring
from gluteemg.muscles import Placement, Role
from gluteemg.processing.quality import State
from gluteemg.recording.file import Recorder
from gluteemg.report.document import Repetition
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Event, Item, PacketKind, Source

Stage = Literal["searching", "reference", "running", "paused", "finished"]
Listener = Callable[[Update], None]
Watcher = Callable[["Moment"], None]
_log = logging.getLogger(__name__)
_SWITCH_S = 0.0005
"""How long another thread may hold the interpreter while this one waits (chosen: painting takes 5 ms, no packet must wait so
long; with Python's own 5 ms the slowest frames came 3 ms later)."""
_UNREADABLE = 0.005
"""Share of unreadable packets that is worth a word (as for lost ones)."""
_LOW_PERCENT = 15.0
"""Charge at which a battery is worth a word (chosen: a session more, on every sensor we know)."""
_GRACE_S = 1.0
"""How much later than by its data a session ends by the clock, when no sensor is left that sends any (chosen)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a session knows now: the one thing a screen or a sound is made from.

    Parameters
    ----------
    stage : {"searching", "reference", "running", "paused", "finished"}
        What the person is in.
    frame : Frame or None
        The latest instant; None before the first.
    reps : tuple of Rep
        Finished repetitions.
    cue : Cue
        What the coach shows now.
    sensors : mapping of Role to State or None
        Every muscle of the session; None where its sensor has not been found yet.
    unit : {"%REF", "%MVIC", "%TASK"} or None
        How activation is printed; None without a reference.
    notices : tuple of str
        What the person should know and nothing else shows, such as a disk that is full.
    health : mapping of str to Health
        How well each sensor is heard.
    battery : mapping of str to (float, str)
        What is left in each sensor that tells it, in percent or millivolts.
    result : Calibration, Isolation, Drift or None
        What the last protocol came to, or the calibration that was loaded.
    """

    stage: Stage = "searching"
    frame: Frame | None = None
    reps: tuple[Rep, ...] = ()
    cue: Cue = field(default_factory=Cue)
    sensors: Mapping[Role, State | None] = field(default_factory=dict)
    unit: Unit | None = None
    notices: tuple[str, ...] = ()
    health: Mapping[str, Health] = field(default_factory=dict)
    battery: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    result: Result | None = None


class Session:
    """Runs from a source to feedback, on a thread of its own; a context manager.

    `moment` may be read from any thread at any time. Listeners are called on the session's thread, `gluteemg-stream`.

    Parameters
    ----------
    source : Source
        Where packets come from: Bluetooth, virtual sensors, a recording.
    placements : sequence of Placement
        What each channel stands for.
    coach : Coach
        Leads through it, once every sensor is heard. The session ends when nothing is left to do.
    calibration : Calibration, optional
        Floor and references to begin with.
    opening : sequence of Event
        What is kept before anything else, such as the plan.
    replay : bool
        What the coach puts into the stream is there already.
    recorder : Recorder, optional
        Keeps everything. The session closes it.
    seconds : float, optional
        When to end, in session time; otherwise when the source ends, or when told to.
    listeners : sequence of callable
        Called with every `Update`.
    watchers : sequence of callable
        Called with every `Moment`, after it has been published: a voice, a terminal, a simulated person.
    """

    def __init__(
        self,
        source: Source,
        placements: Sequence[Placement],
        coach: Coach,
        *,
        calibration: Calibration | None = None,
        opening: Sequence[Event] = (),
        replay: bool = False,
        recorder: Recorder | None = None,
        seconds: float | None = None,
        listeners: Sequence[Listener] = (),
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._source = source
        self._pipeline = Pipeline(source.profiles, placements, aim=coach.aim)
        roles = self._pipeline.roles
        self._first = (*opening, *(() if calibration is None else (Event(Calibration.kind, calibration.to_json()),)))
        self._coach, self._replay = coach, replay
        self._units = units_of(source.profiles, placements)
        self._recorder = recorder
        self._seconds = seconds
        self._listeners, self._watchers = tuple(listeners), tuple(watchers)
        self._sensor_of = {p.role: p.sensor for p in placements}
        self._found: set[str] = set()
        self._gone: set[str] = set()
        self._ended = False
        self._notices: dict[str, str] = {}  # by what they are about
        self.moment = Moment(sensors=dict.fromkeys(roles))

    def __enter__(self) -> Self:
        sys.setswitchinterval(_SWITCH_S)
        self._threads = ExitStack()
        self._portal: BlockingPortal = self._threads.enter_context(start_blocking_portal(name="gluteemg-stream"))
        self._running: Future[None] = self._portal.start_task_soon(self._run, name="session")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._running.cancel()
        self._threads.close()
        if self._recorder is not None:
            self._recorder.cache_reps([Repetition.of(rep).model_dump(mode="json") for rep in self.moment.reps])
            self._recorder.__exit__(kind, error, trace)

    @property
    def running(self) -> bool:
        """Whether packets are still taken."""
        return not self._running.done()

    @property
    def failed(self) -> bool:
        """Whether an error ended it; `wait` raises that error."""
        return self._running.done() and not self._running.cancelled() and self._running.exception() is not None

    @property
    def _stage(self) -> Stage:
        return "paused" if self._coach.paused else "reference" if self._coach.measuring else "running"

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in force."""
        return self._pipeline.calibration

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the session ends.

        Raises
        ------
        GluteemgError
            What ended it, if it did not end by itself.
        TimeoutError
            If it still runs after `timeout_s`.
        """
        try:
            self._running.result(timeout_s)
        except CancelledError:
            _log.debug("the session was stopped")

    def stop(self) -> None:
        """End at once; everything is kept."""
        self._running.cancel()

    def pause(self) -> None:
        """Go on recording and showing, but count no repetitions."""
        self._happen("pause", {})

    def resume(self) -> None:
        """Count repetitions again."""
        self._happen("resume", {})

    def notice(self, about: str, text: str) -> None:
        """Let the person know something that nothing else shows; the latest about a thing stands. For watchers."""
        self._notices[about] = text

    def mark(self, note: str = "") -> None:
        """Put a marker here, with a note."""
        self._happen("marker", {"note": note})

    def press(self, key: Key) -> None:
        """Do what the person asks for with a key."""
        self._happen("key", {"key": key})

    def answer(self, question: str, value: Value) -> None:
        """Answer a question; what does not answer it is passed over."""
        if self._coach.takes(question, value):
            self._happen("answer", {"question": question, "value": value})

    def measure(self, protocol: Protocol) -> None:
        """Follow a protocol first: a check of the sensors, the squeeze at the end, another calibration.

        Repetitions are not counted meanwhile. What comes of it is an event, and stands in `moment`. A protocol that is still
        followed is given up for it.

        Raises
        ------
        DefinitionError
            If it compares with references, and there are none.
        """
        if self.running:
            self._portal.call(self._measure, protocol)

    def _measure(self, protocol: Protocol) -> None:
        Calibrator(protocol, self._pipeline.roles, calibration=self._pipeline.calibration)  # refuses what it cannot compare
        self._coach.insert(Measuring(protocol, units=self._units))

    def _happen(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Put an event between the packets, from any thread."""
        if self.running:
            self._portal.call(self._take, [Event(kind, detail)])

    async def _run(self) -> None:
        try:
            with CancelScope() as self._until:
                if self._first:
                    self._take(self._first)
                async with aclosing(self._source.batches()) as batches:
                    async for batch in batches:
                        self._take(batch)
                        if self._ended:
                            return
        finally:
            self.moment = replace(self.moment, stage="finished")

    def _take(self, items: Sequence[Item]) -> None:
        """Record items, take them through the pipeline and the coach, and publish what came of it."""
        if self._recorder is not None:
            self._recorder.put(items)
        update = self._pipeline.feed(items)
        for item in items:
            self._note(item)
        cue, events = self._coached(update)
        self._publish(cue, update)
        if events and not self._replay:
            self._take([self._dated(event) for event in events])
        self._ended |= self._coach.done and not self._replay
        if self._ended and self._found <= self._gone:  # nothing more will come
            self._until.cancel()

    def _coached(self, update: Update) -> Told:
        """Let the coach take what came, once every sensor is there."""
        if self._found >= set(self._sensor_of.values()) and len(update.frames):
            return self._coach.feed(Now(update.frames, update.reps, self._pipeline.calibration))
        return Told(self.moment.cue, ())

    @staticmethod
    def _dated(event: Event) -> Event:
        """Say of a result when it was taken."""
        if event.kind not in (Calibration.kind, Isolation.kind, Drift.kind):
            return event
        return Event(event.kind, {**event.detail, "taken": datetime.now(UTC).isoformat(timespec="seconds")})

    def _publish(self, cue: Cue, update: Update) -> None:
        """Make the new moment, and tell the listeners."""
        health = self._pipeline.health
        self._look_for_trouble(health)
        told = {sensor: h.battery for sensor, h in health.items() if h.battery is not None}
        notices = tuple(self._notices.values())
        moment = replace(self.moment, notices=notices, health=health, battery={**self.moment.battery, **told})
        if len(update.frames):
            frame = update.frames[-1]
            moment = replace(
                moment,
                stage=self._stage,
                frame=frame,
                reps=moment.reps + update.reps,
                cue=cue,
                sensors={r: f.state if self._sensor_of[r] in self._found else None for r, f in frame.flags.items()},
            )
            if self._seconds is not None:
                self._ended = frame.t_s >= self._seconds - 1 / FRAME_RATE_HZ
                self._until.deadline = current_time() + self._seconds - frame.t_s + _GRACE_S
        lost = [role for role, sensor in self._sensor_of.items() if sensor in self._gone]
        moment = replace(moment, sensors={**moment.sensors, **dict.fromkeys(lost, "lost")})
        if self._gone and self._gone == self._found:  # no sensor is left to make a frame
            last = moment.frame and moment.frame.without_signal()
            moment = replace(moment, frame=last, cue=self._coach.lost(lost))
        self.moment = moment
        for listener in self._listeners:
            listener(update)
        for watch in self._watchers:
            watch(moment)

    def _look_for_trouble(self, heard: Mapping[str, Health]) -> None:
        """Say what no frame, no cue and no event shows."""
        if self._recorder is not None and self._recorder.error is not None:
            self._notices["recorder"] = str(self._recorder.error)
        for sensor, health in heard.items():
            if health.unreadable > _UNREADABLE:
                self._notices.setdefault(
                    f"packets of {sensor}",
                    f"{sensor} sends packets that its profile cannot read: check its firmware, or name another profile.",
                )

    def _note(self, item: Item) -> None:
        """Take from an item what no frame tells."""
        moment = self.moment
        if isinstance(item, Event):
            self._coach.happen(item)
            if item.kind in ("pause", "resume"):
                moment = replace(moment, stage=self._stage)
            elif item.kind == Calibration.kind:
                calibration = Calibration.from_json(item.detail)
                moment = replace(moment, unit=calibration.unit, result=calibration)
            elif item.kind in (Isolation.kind, Drift.kind):
                check = Isolation if item.kind == Isolation.kind else Drift
                moment = replace(moment, result=check.from_json(item.detail))
            else:
                self._heed(item)
                return
        elif item.kind == PacketKind.CONNECT:
            _log.debug("%s is connected", item.sensor)
            self._found.add(item.sensor)
            self._gone.discard(item.sensor)
            self._notices.pop(f"reach of {item.sensor}", None)
        elif item.kind == PacketKind.DISCONNECT:
            _log.debug("%s is gone: %s", item.sensor, item.data.decode())
            self._gone.add(item.sensor)
        self.moment = moment

    def _heed(self, event: Event) -> None:
        """Take what a source tells about its sensors and its radio."""
        detail, sensor = event.detail, str(event.detail.get("sensor"))
        if event.kind == "battery":
            left, unit = detail["value"], detail["unit"]
            self.moment = replace(self.moment, battery={**self.moment.battery, sensor: (left, unit)})
            if unit == "%" and left <= _LOW_PERCENT:
                self._notices[f"battery of {sensor}"] = f"{sensor} has {left:.0f} % left: charge it after this session."
        elif event.kind == "unreachable":
            self._notices[f"reach of {sensor}"] = f"{sensor} does not come back: switch it off and on, and bring it close."
        elif event.kind == "short_packets":
            self._notices[f"packets of {sensor}"] = (
                f"The connection to {sensor} carries {detail['bytes']} bytes at a time, it needs {detail['needs']}: "
                "use another Bluetooth adapter."
            )
        elif event.kind == "bluetooth" and detail["usable"]:
            self._notices.pop("bluetooth", None)
        elif event.kind == "bluetooth":
            self._notices["bluetooth"] = detail["reason"]


def units_of(profiles: Mapping[str, FirmwareProfile], placements: Sequence[Placement]) -> dict[Role, SensorUnit]:
    """Give the unit of the sensor under each role: a calibration holds for that unit alone."""
    return {p.role: profiles[p.sensor].signal.unit for p in placements}
