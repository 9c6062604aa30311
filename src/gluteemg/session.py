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

from gluteemg.activation.calibration import Calibration, Unit
from gluteemg.activation.calibrator import Calibrator, Result
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.activation.frame import FRAME_RATE_HZ, Frame
from gluteemg.activation.pipeline import Pipeline, Update
from gluteemg.activation.protocol import Protocol
from gluteemg.activation.rep import Rep
from gluteemg.activation.signal import Health
from gluteemg.coaching.coach import Coach, Cue
from gluteemg.coaching.exercise import Exercise
from gluteemg.muscles import Placement, Role
from gluteemg.processing.quality import State
from gluteemg.recording.file import Recorder
from gluteemg.report.document import Repetition
from gluteemg.sensors.source import Event, Item, PacketKind, Source

Stage = Literal["searching", "reference", "running", "paused", "finished"]
Listener = Callable[[Update], None]
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
    unit : {"%REF", "%MVIC"} or None
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
    exercise : Exercise
        What is practised.
    calibration : Calibration, optional
        Floor and references to begin with.
    protocol : Protocol, optional
        How to take a calibration first, or to check one; once every muscle is heard. `measure` follows another one later.
    placed : mapping of Role to str, optional
        Where each sensor sits, in the person's own words; kept with a calibration that is taken.
    recorder : Recorder, optional
        Keeps everything. The session closes it.
    seconds : float, optional
        When to end, in session time; otherwise when the source ends, or when told to.
    listeners : sequence of callable
        Called with every `Update`.
    """

    def __init__(
        self,
        source: Source,
        placements: Sequence[Placement],
        *,
        exercise: Exercise,
        calibration: Calibration | None = None,
        protocol: Protocol | None = None,
        placed: Mapping[Role, str] | None = None,
        recorder: Recorder | None = None,
        seconds: float | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._source = source
        self._pipeline = Pipeline(source.profiles, placements, aim=exercise.aim)
        roles = self._pipeline.roles
        self._first = () if calibration is None else (Event("calibration", calibration.to_json()),)
        self._units = {p.role: source.profiles[p.sensor].signal.unit for p in placements}
        self._placed = placed
        self._calibrator = None if protocol is None else self._calibrator_for(protocol, calibration)
        self._paused = False  # by the person
        self._measured: str | None = None  # id of the protocol that `measure` follows
        self._coach = Coach(exercise)
        self._recorder = recorder
        self._seconds = seconds
        self._listeners = tuple(listeners)
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
    def calibration(self) -> Calibration | None:
        """The calibration in force."""
        return self._pipeline.calibration

    @property
    def measuring(self) -> bool:
        """Whether a protocol is followed, from when it is asked for until its result holds."""
        return self._calibrator is not None

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

    def mark(self, note: str = "") -> None:
        """Put a marker here, with a note."""
        self._happen("marker", {"note": note})

    def measure(self, protocol: Protocol) -> None:
        """Follow a protocol from here on: a check of the sensors, the squeeze at the end, another calibration.

        Repetitions are not counted meanwhile. What comes of it is an event, and stands in `moment`. One that is still followed
        is given up for this one.

        Raises
        ------
        DefinitionError
            If it compares with references, and there are none.
        """
        if self.running:
            self._portal.call(self._measure, protocol)

    def _measure(self, protocol: Protocol) -> None:
        given_up = [] if self._measured is None else [Event("resume", {"protocol": self._measured})]
        self._calibrator = self._calibrator_for(protocol, self._pipeline.calibration)
        self._measured = protocol.id
        self._take([*given_up, Event("pause", {"protocol": protocol.id})])

    def _calibrator_for(self, protocol: Protocol, calibration: Calibration | None) -> Calibrator:
        return Calibrator(protocol, self._pipeline.roles, calibration=calibration, units=self._units, placed=self._placed)

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
        """Record items, take them through the pipeline, and publish what came of it."""
        if self._recorder is not None:
            self._recorder.put(items)
        update = self._pipeline.feed(items)
        result = None if self._calibrator is None else self._follow(self._calibrator, update)
        self._publish(items, update)
        if result is not None:
            resume = [] if self._measured is None else [Event("resume", {"protocol": self._measured})]
            self._measured = None
            self._take([Event(result.kind, result.to_json()), *resume])
            self._calibrator = None

    def _follow(self, calibrator: Calibrator, update: Update) -> Result | None:
        """Feed the calibrator, once every sensor is there."""
        if len(self._found) < len(set(self._sensor_of.values())):
            return None
        result = calibrator.feed(update.frames)
        return result and result.model_copy(update={"taken": datetime.now(UTC).isoformat(timespec="seconds")})

    def _publish(self, items: Sequence[Item], update: Update) -> None:
        """Make the new moment, and tell the listeners."""
        for item in items:
            self._note(item)
        health = self._pipeline.health
        self._look_for_trouble(health)
        told = {sensor: h.battery for sensor, h in health.items() if h.battery is not None}
        notices = tuple(self._notices.values())
        moment = replace(self.moment, notices=notices, health=health, battery={**self.moment.battery, **told})
        if len(update.frames):
            frame = update.frames[-1]
            taking = self._calibrator is not None and self._calibrator.step is not None
            moment = replace(
                moment,
                stage="paused" if self._paused else "reference" if taking else "running",
                frame=frame,
                reps=moment.reps + update.reps,
                cue=self._coach.feed(update.frames, update.reps, self._calibrator),
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
            if item.kind in ("pause", "resume"):
                if "protocol" not in item.detail:  # the person's own
                    self._paused = item.kind == "pause"
                    moment = replace(moment, stage="paused" if self._paused else "running")
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
