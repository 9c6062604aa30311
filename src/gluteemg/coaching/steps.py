"""The steps of a plan that are no sets of repetitions: measure, watch a posture, relax, something by time, a question.

Each is a `gluteemg.coaching.part.Part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from gluteemg.activation.calibration import Calibration, SensorUnit
from gluteemg.activation.calibrator import Calibrator, Result
from gluteemg.activation.clench import CHECK_S, Contraction, PostureCheck, contraction, relaxing
from gluteemg.activation.frame import Frames
from gluteemg.activation.protocol import Protocol
from gluteemg.coaching.cue import Cue, Sign, Timer
from gluteemg.coaching.message import Message
from gluteemg.coaching.part import Key, Now, Told, frames_of, seconds
from gluteemg.coaching.plan import Relax
from gluteemg.coaching.safety import Question
from gluteemg.muscles import Role
from gluteemg.sensors.source import Event

BREATH_S = 8.0
"""To let go of what was found clenched, before anything else is asked (chosen: two slow breaths)."""
LEAD_S = 4.0
"""To read or hear what is asked before it begins (chosen)."""


class Measuring:
    """Follows a protocol; a pause begins it again, since what is measured must be of one piece.

    Parameters
    ----------
    protocol : Protocol
        What to follow.
    units, placed : mapping, optional
        Of each role: the unit of its sensor, and where it sits, in the person's own words; kept with a calibration.

    """

    counts = False

    def __init__(
        self,
        protocol: Protocol,
        *,
        units: Mapping[Role, SensorUnit] | None = None,
        placed: Mapping[Role, str] | None = None,
    ) -> None:
        self._protocol, self._units, self._placed = protocol, units, placed
        self._calibrator: Calibrator | None = None
        self._said: str | None = None
        self.done = False

    def press(self, key: Key) -> None:
        """Leave it out."""
        self.done |= key == "skip"

    def paused(self, _: int) -> None:
        """Begin again."""
        self._calibrator = None

    def feed(self, now: Now) -> Told:
        """Take the next frames; what came of it is an event."""
        if self._protocol.compares and (now.calibration is None or now.calibration.method in (None, "task")):
            self.done = True
            nothing = Message("check.nothing_to_compare")
            return Told(Cue("measure", verdict=nothing, spoken=(nothing,)))
        if self._calibrator is None:
            self._said = None
            self._calibrator = Calibrator(
                self._protocol, now.frames.roles, calibration=now.calibration, units=self._units, placed=self._placed
            )
        result = self._calibrator.feed(now.frames)
        if result is not None:
            self.done = True
            outcome = _found(result)
            return Told(Cue("measure", verdict=outcome, spoken=(outcome,)), (Event(result.kind, result.to_json()),))
        cue = _asked_for(self._calibrator, now.last)
        said = None if cue.instruction is None else f"{cue.instruction.id} {self._calibrator.trial}"
        if said == self._said:
            return Told(cue)
        self._said = said
        return Told(replace(cue, spoken=tuple(m for m in (cue.reason, cue.instruction) if m is not None)))


def _found(result: Result) -> Message:
    """Say in one line what a protocol came to; the rest stands in the report."""
    if isinstance(result, Calibration):
        return Message("found.levels" if result.method is not None else "found.floor")
    return Message(f"found.{result.kind}_{result.verdict}")


def _asked_for(calibrator: Calibrator, now: int) -> Cue:
    """Say what a protocol asks for at a grid index, and why a trial is asked for again."""
    step, remaining_s = calibrator.step, calibrator.remaining_s(now)
    if step is None:
        return Cue("measure")
    rejected = None if calibrator.rejected is None else Message(f"trial.{calibrator.rejected}")
    if remaining_s > step.seconds:
        pause_s = step.pause_before_s(calibrator.trial)
        timer = Timer(remaining_s - step.seconds, pause_s)
        return Cue("measure", instruction=Message("reference.between"), reason=rejected, timer=timer)
    fills = {"seconds": max(1, round(remaining_s)), "number": calibrator.trial, "of": max(step.trials, calibrator.trial)}
    timer = Timer(remaining_s, step.seconds)
    return Cue("measure", instruction=Message(f"reference.{step.id}", fills), reason=rejected, timer=timer)


class Watching:
    """Watches gluteus maximus in a posture for `CHECK_S`; a pause begins it again."""

    counts = False

    def __init__(self, posture: str) -> None:
        self._posture = posture
        self._check: PostureCheck | None = None
        self._begins: int | None = None
        self._ends: int | None = None  # grid index, after what was found
        self._found: Message | None = None
        self.clenched: bool | None = None
        self.done = False

    def press(self, key: Key) -> None:
        """Leave it out."""
        self.done |= key == "skip"

    def paused(self, _: int) -> None:
        """Begin again."""
        self._check = self._begins = None

    def feed(self, now: Now) -> Told:
        """Take the next frames; what was found is an event."""
        if self._ends is not None:
            self.done = now.last >= self._ends
            return Told(Cue("watch", instruction=self._found))
        asked = Message(f"watch.{self._posture}")
        spoken = (asked,) if self._begins is None else ()
        if self._begins is None:
            self._begins = now.first + frames_of(LEAD_S)
        if now.last < self._begins:
            return Told(Cue("watch", instruction=asked, timer=Timer(CHECK_S, CHECK_S), spoken=spoken))
        if self._check is None:
            self._check = PostureCheck(now.frames.roles, now.calibration)
        found = self._check.feed(now.frames)
        if found is None:
            return Told(Cue("watch", instruction=asked, timer=Timer(self._check.remaining_s, CHECK_S), spoken=spoken))
        known = [clench.clenched for clench in found.values() if clench.clenched is not None]
        self.clenched = any(known) if known else None
        self.done, self._ends = not self.clenched, now.last + frames_of(BREATH_S)
        said = Message({True: "watch.clenched", False: "watch.quiet", None: "watch.unknown"}[self.clenched])
        self._found = said
        sides = {str(role): asdict(clench) for role, clench in found.items()}
        event = Event("posture_check", {"posture": self._posture, "clenched": self.clenched, "sides": sides})
        return Told(Cue("watch", verdict=said, spoken=(said,)), (event,))


_RELAX_SIGNS: Mapping[str, tuple[Sign, ...]] = {"ready": (), "squeeze": ("begin",), "let_go": ("let_go",)}


class Relaxing:
    """Contract and let go, over and over; both halves are told. A pause begins the present cycle again."""

    counts = False

    def __init__(self, step: Relax) -> None:
        self.only_if_clenched = step.only_if_clenched
        self._step = step
        self._number = 0
        self._begins: int | None = None  # grid index of the cue to squeeze
        self._seen: list[Frames] = []
        self._verdict: Message | None = None
        self._said: str | None = None
        self.slow = False
        self.done = False

    def press(self, key: Key) -> None:
        """Leave it out."""
        self.done |= key == "skip"

    def paused(self, _: int) -> None:
        """Begin the present cycle again."""
        self._begins, self._seen = None, []

    def feed(self, now: Now) -> Told:
        """Take the next frames; every cycle is an event."""
        if self._begins is None:
            self._begins, self._said = now.first + frames_of(LEAD_S), None
        self._seen.append(now.frames)
        events = []
        if now.last >= self._begins + frames_of(self._cycle_s):
            events.append(self._finish(now.calibration, self._begins))
            self._begins, self._seen, self._number = self._begins + frames_of(self._cycle_s), self._seen[-1:], self._number + 1
            self.done = self._number >= self._step.times
        if self.done and self._verdict is not None:
            return Told(Cue("relax", verdict=self._verdict, spoken=(self._verdict,)), tuple(events))
        word, timer = self._word_at(seconds(now.last - self._begins))
        fills = {"number": self._number + 1, "of": self._step.times, "seconds": max(1, round(timer.left_s))}
        asked, new = Message(f"relax.{word}", fills), f"{word} {self._number}" != self._said
        self._said = f"{word} {self._number}"
        cue = Cue(
            "relax",
            instruction=asked,
            verdict=self._verdict,
            rep_number=self._number,
            reps=self._step.times,
            timer=timer,
            signs=_RELAX_SIGNS[word] if new else (),
            spoken=tuple(m for m in (self._verdict if events else None, asked) if m is not None) if new else (),
        )
        return Told(cue, tuple(events))

    def _word_at(self, since_s: float) -> tuple[str, Timer]:
        """Give what is asked for so long after the cue to squeeze, and for how long."""
        if since_s < 0:
            return "ready", Timer(-since_s, LEAD_S)
        if since_s < self._step.hold_s:
            return "squeeze", Timer(self._step.hold_s - since_s, self._step.hold_s)
        return "let_go", Timer(self._cycle_s - since_s, self._step.rest_s)

    @property
    def _cycle_s(self) -> float:
        return self._step.hold_s + self._step.rest_s

    def _finish(self, calibration: Calibration | None, begins: int) -> Event:
        """Measure the cycle from a grid index on: how much, and how soon it let go."""
        start_s = seconds(begins)
        end_s, until_s = start_s + self._step.hold_s, start_s + self._cycle_s
        frames, found = Frames.join(self._seen), {}
        for role in (r for r in frames.roles if r.muscle == "gluteus_maximus"):
            level = None if calibration is None else calibration.level(role)
            if level is not None:
                found[role] = contraction(frames, level, start_s, end_s, until_s)
        slowest = max((c.time_to_relax_s for c in found.values() if c.time_to_relax_s is not None), default=None)
        self._verdict = self._verdict_of(list(found.values()), slowest)
        self.slow = relaxing(slowest) == "slow"
        return Event("relax", {"number": self._number + 1, "sides": {str(role): asdict(c) for role, c in found.items()}})

    def _verdict_of(self, found: Sequence[Contraction], slowest: float | None) -> Message:
        if not found or all(c.mean is None for c in found):
            return Message("relax.unknown")
        if slowest is None:
            reasons = {c.reason for c in found}
            return Message("relax.too_quiet" if "too_quiet" in reasons else "relax.lingers")
        return Message(f"relax.{relaxing(slowest) or 'fair'}", {"seconds": f"{slowest:.1f}"})


class Doing:
    """Something that no sensor sees, by time.

    Parameters
    ----------
    asked : Message
        What to do.
    lasts_s : float
        For how long.
    event : Event, optional
        What is put down when it is over.
    """

    counts = False

    def __init__(self, asked: Message, lasts_s: float, event: Event | None = None) -> None:
        self._asked, self._lasts_s = asked, lasts_s
        self._events = () if event is None else (event,)
        self._begins: int | None = None
        self.done = False

    def press(self, key: Key) -> None:
        """Leave it out, or go on at once."""
        self.done |= key in ("skip", "start")

    def paused(self, n_frames: int) -> None:
        """Let the clock stand still."""
        if self._begins is not None:
            self._begins += n_frames

    def feed(self, now: Now) -> Told:
        """Take the next frames."""
        spoken = (self._asked,) if self._begins is None else ()
        if self._begins is None:
            self._begins = now.first
        left_s = self._lasts_s - seconds(now.last - self._begins)
        self.done |= left_s <= 0
        signs: tuple[Sign, ...] = ("set_done",) if self.done else ()
        cue = Cue("task", instruction=self._asked, timer=Timer(max(0.0, left_s), self._lasts_s), signs=signs, spoken=spoken)
        return Told(cue, self._events if self.done else ())


class Asking:
    """A question; it waits until the coach has its answer, and can be left out."""

    counts = False

    def __init__(self, question: Question) -> None:
        self.question = question
        self._said = False
        self.done = False

    def press(self, key: Key) -> None:
        """Leave it out."""
        self.done |= key in ("skip", "start")

    def paused(self, _: int) -> None:
        """Ask again."""
        self._said = False

    def feed(self, _: Now) -> Told:
        """Go on asking."""
        asked = self.question.message
        spoken = () if self._said else (asked,)
        self._said = True
        return Told(Cue("question", instruction=asked, question=self.question.id, spoken=spoken))
