"""Leads through a plan: frames and repetitions in, cues out, and what is to be put between the packets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from gluteemg.activation.calibration import SensorUnit
from gluteemg.activation.frame import FRAME_RATE_HZ, Frame, Frames
from gluteemg.activation.pipeline import Aim
from gluteemg.activation.protocol import Protocol
from gluteemg.coaching.advisor import AdviceTable, Advisor
from gluteemg.coaching.cue import Cue, Sign
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.gesture import DoubleSqueeze
from gluteemg.coaching.message import Message
from gluteemg.coaching.part import Key, Now, Part, Told
from gluteemg.coaching.plan import Ask, Measure, Plan, Practise, Relax, Rung, Step, Task, Watch
from gluteemg.coaching.practice import Practice
from gluteemg.coaching.safety import Answer, Question, Safety, Stop
from gluteemg.coaching.steps import Asking, Doing, Measuring, Relaxing, Watching
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event

FETCH_S = 10.0
"""To fetch what is needed (chosen); who has it goes on by a key."""
WARN_AFTER_S = 0.5
"""How long a signal must be bad before a word about it (chosen: shorter troubles pass by themselves)."""
_BY = {"by": "coach"}
_PLACE = ("exercise", "rung", "side", "set_number", "sets", "rep_number", "reps")
_HANDS_FREE = {"hands_free": True}
_DONE = Message("done.plan")
_SENSOR_ADVICE: Mapping[Flag, str] = {
    Flag.HEAVY_LOSS: "move_closer",
    Flag.ABSENT: "move_closer",
    Flag.HEAVY_MAINS: "away_from_mains",
    Flag.HEAVY_CLIPPED: "lower_gain",
    Flag.HEAVY_MOTION: "secure_sensor",
    Flag.NO_SNR: "move_sensor",
    Flag.CONTACT: "press_sensor",
    Flag.FLAT: "press_sensor",
}


class Coach:
    """Takes one step of a plan after the other. Pause and stop are possible at any time.

    What alters frames, and what a report tells later, is given as events in the order in which it came about: whoever feeds the
    coach puts them between the packets.

    Parameters
    ----------
    parts : iterable of Part
        In order.
    aim : Aim, optional
        What repetitions are judged by at first; a `Practice` says its own.
    safety : Safety, optional
        What answers end a set or all of it.
    """

    def __init__(self, parts: Iterable[Part], aim: Aim | None = None, safety: Safety | None = None) -> None:
        self.aim, self._safety = aim, safety
        self._answers: list[Answer] = []
        self._stop: Stop | None = None  # the answer that ended it
        self._parts = deque(parts)
        self._counting = True  # as the pipeline does at first
        self.paused = False  # by the person
        self._place = Cue()  # what was shown before a pause: where the person is
        self._why_paused: tuple[Message, ...] | None = None  # where not by their own wish
        self._fed: dict[Part, int] = {}  # grid index up to which each step has seen frames
        self._due: list[Event] = []  # to be put between the packets with the next frames
        self._spoken: list[Message] = []  # since the last feed
        self._spared: set[str] = set()  # questions that were answered before they were asked
        self._now = 0
        self._signs: list[Sign] = []  # since the last feed
        self._bad_since: dict[Role, int] = {}
        self._warned = False
        self._clenched = False
        self._gesture: DoubleSqueeze | None = None

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return not self._parts

    @property
    def measuring(self) -> bool:
        """Whether a protocol is followed."""
        return bool(self._parts) and isinstance(self._parts[0], Measuring)

    def insert(self, part: Part) -> None:
        """Do this first, and go on with the rest after it; a protocol that is still followed is given up for it."""
        if self.measuring:
            self._parts.popleft()
        self._parts.appendleft(part)

    def happen(self, event: Event) -> None:
        """Take what the person did: a pause, a key, an answer. It is in the stream already; so it is in a replay, too."""
        if event.kind == "pause" and "by" not in event.detail and not self.paused:
            self.paused = True
            self._signs.append("paused")
        elif event.kind == "resume" and "by" not in event.detail and self.paused:
            self.paused, self._why_paused = False, None
            self._signs.append("resumed")
        elif event.kind == "key" and self._parts:
            self._press(event.detail["key"])
        elif event.kind == "answer":
            self._answer(str(event.detail["question"]), event.detail["value"])
        self._go_on()

    def takes(self, question: str, value: Any) -> bool:
        """Tell whether something is an answer to a question."""
        return self._read(question, value) is not None

    def _read(self, question: str, value: Any) -> Answer | None:
        asked: dict[str, Question] = {} if self._safety is None else {q.id: q for q in self._safety.questions}
        return asked[question].answer(tuple(value) if isinstance(value, list) else value) if question in asked else None

    def _answer(self, question: str, value: object) -> None:
        """Take an answer; one that comes before its question spares it."""
        answer = self._read(question, value)
        if answer is None:
            return
        front = self._parts[0] if self._parts else None
        if isinstance(front, Asking) and front.question.id == question:
            front.done = True
        else:
            self._spared.add(question)
        self._heed(answer)

    def _press(self, key: Key) -> None:
        """Take a key; when something hurts, ask how much before anything else, out of a pause, too."""
        if key == "hurts":
            if self._safety is not None and not isinstance(self._parts[0], Asking):
                self._parts.extendleft(Asking(question) for question in reversed(self._safety.asked("during")))
            if self.paused:
                self._due.append(Event("resume", {}))
        elif key == "decline" and self._warned:
            return  # what is shown is about a signal
        elif not (key == "start" and self.paused):
            self._parts[0].press(key)

    def feed(self, now: Now) -> Told:
        """Take what came, and tell what holds now."""
        self._now = now.last
        due, self._due = tuple(self._due), []
        events: tuple[Event, ...] = ()
        if self.done:
            cue = Cue("done")
        elif self.paused or self._why_paused is not None:
            said = (Message("paused.by_person"),) if self._why_paused is None else self._why_paused
            reason = said[-1] if len(said) > 1 else None
            place = {name: getattr(self._place, name) for name in _PLACE}
            cue = Cue("paused", instruction=said[0], reason=reason, **place)
        else:
            cue, events = self._feed_first(now)
        gesture = self._hands_free(now.frames)
        signs, self._signs = (*self._signs, *cue.signs), []
        self._go_on()
        warning = self._warning(now.frames[-1])
        spoken, self._spoken = (*self._spoken, *cue.spoken), []
        if self.done:
            said = (self._why_paused or (_DONE,)) if self._stop is None else (self._stop.message, self._stop.referral)
            cue, spoken = replace(cue, activity="done", instruction=said[0], reason=said[-1]), (*spoken, *said)
        elif warning is not None and cue.activity not in ("task", "question"):
            cue = replace(cue, advice=warning.advice, reason=warning.reason, warning=True)
        cue, self._signs = replace(cue, signs=(*signs, *self._signs), spoken=spoken), []
        later, self._due = tuple(self._due), []
        return Told(cue, (*due, *events, *gesture, *later, *self._count()))

    def _feed_first(self, now: Now) -> Told:
        """Feed the step in front; a hole since it was last fed is told to it first: whatever came between, no time passed."""
        part = self._parts[0]
        missed = now.first - self._fed.get(part, now.first - 1) - 1
        if missed > 0:
            part.paused(missed)
        self._fed[part] = now.last
        cue, events = part.feed(now)
        self._place = cue
        if isinstance(part, Practice) and part.asleep:
            events = (*events, Event("pause", {}))
        return Told(cue, events)

    def lost(self, roles: Sequence[Role]) -> Cue:
        """Tell what to do when no sensor is left that sends anything; a question needs none."""
        front = self._parts[0] if self._parts else None
        if isinstance(front, Asking):
            return Cue("question", instruction=front.question.message, question=front.question.id)
        return replace(_about_signal(roles[0], Flag.ABSENT), reason=Message("why.all_lost"))

    def _hands_free(self, frames: Frames) -> tuple[Event, ...]:
        """Go on, begin or pause by two short squeezes; not where squeezing is what is asked for."""
        if self._gesture is None:
            self._gesture = DoubleSqueeze(frames.roles)
        if not self._gesture.feed(frames):
            return ()
        if self.paused:
            return (Event("resume", _HANDS_FREE),)
        part = self._parts[0] if self._parts else None
        if not isinstance(part, Practice):
            return ()
        began_s = self._gesture.began_s or 0.0
        if part.waits and began_s >= part.since_s:
            return (Event("key", {"key": "start", **_HANDS_FREE}),)
        if part.holds or not (part.counts or part.waits):
            return ()
        part.take_back(began_s)  # its squeezes were no repetitions
        return (Event("pause", _HANDS_FREE),)

    def _go_on(self) -> None:
        """Leave behind what is done, and what need not be done."""
        while self._parts and (self._parts[0].done or self._needless(self._parts[0])):
            part = self._parts.popleft()
            self._fed.pop(part, None)
            if isinstance(part, Watching):
                self._clenched = bool(part.clenched)
            elif isinstance(part, Relaxing):
                self._clenched = part.slow
            if not self._parts:
                self._signs.append("done")

    def _heed(self, answer: Answer) -> None:
        """End the set or everything, where an answer asks for that, and say whom to ask."""
        if self._safety is None:
            return
        before = [a for a in self._answers if a.question == "pain_before"]
        self._answers.append(answer)
        stops = self._safety.stops([*before, answer])
        practice = next((part for part in self._parts if isinstance(part, Practice)), None)
        if any(stop.ends == "session" for stop in stops):
            self._stop = next(stop for stop in stops if stop.ends == "session")
            self._due += () if practice is None else practice.close()
            self._parts.clear()
            self._signs.append("done")
        elif stops:
            if practice is not None:
                practice.cut()
            self._why_paused = (stops[0].message, stops[0].referral)
            self._spoken += self._why_paused
            if not self.paused:
                self._due.append(Event("pause", {}))

    def _needless(self, part: Part) -> bool:
        if isinstance(part, Asking) and part.question.id in self._spared:
            self._spared.discard(part.question.id)
            return True
        return isinstance(part, Relaxing) and part.only_if_clenched and not self._clenched

    def _count(self) -> tuple[Event, ...]:
        """Say when repetitions are looked for, and when no longer."""
        counts = bool(self._parts) and self._parts[0].counts
        if counts == self._counting:
            return ()
        self._counting = counts
        return (Event("resume" if counts else "pause", _BY),)

    def _warning(self, frame: Frame) -> Cue | None:
        """Name the first signal that has been bad for a while; the others wait their turn."""
        bad = [role for role, flag in frame.flags.items() if flag in _SENSOR_ADVICE]
        self._bad_since = {role: self._bad_since.get(role, self._now) for role in bad}
        late = [role for role, since in self._bad_since.items() if self._now - since >= WARN_AFTER_S * FRAME_RATE_HZ]
        if bool(late) != self._warned and (late or not bad):
            self._warned = bool(late)
            self._signs.append("signal_lost" if late else "signal_back")
        return _about_signal(late[0], frame.flags[late[0]]) if late else None


def practice_of(
    exercise: Exercise,
    advice: AdviceTable,
    protocol: Protocol | None = None,
    *,
    units: Mapping[Role, SensorUnit] | None = None,
    placed: Mapping[Role, str] | None = None,
) -> Coach:
    """Make a coach for one exercise without a plan: repetitions as they come, after a protocol if there is one."""
    first: list[Part] = [] if protocol is None else [Measuring(protocol, units=units, placed=placed)]
    step = Practise(do="practise", exercise=exercise.id, pace="free")
    advisor = Advisor(advice.without("too_fast"), exercise)
    return Coach([*first, Practice(step, exercise, advisor, endless=True)], exercise.aim)


def measuring_of(
    protocol: Protocol, *, units: Mapping[Role, SensorUnit] | None = None, placed: Mapping[Role, str] | None = None
) -> Coach:
    """Make a coach that follows a protocol, and nothing else."""
    return Coach([Measuring(protocol, units=units, placed=placed)])


def lead(
    plan: Plan,
    exercises: Mapping[str, Exercise],
    protocols: Mapping[str, Protocol],
    advice: AdviceTable,
    safety: Safety,
    *,
    units: Mapping[Role, SensorUnit] | None = None,
    placed: Mapping[Role, str] | None = None,
) -> Coach:
    """Make a coach that leads through a plan.

    Parameters
    ----------
    plan : Plan
        What is done.
    exercises, protocols : mapping
        What it names, by id.
    advice : AdviceTable
        What may be changed when; an assessment changes nothing.
    units, placed : mapping, optional
        See `Measuring`.
    safety : Safety
        What is asked, and what answers end a set or all of it.

    Raises
    ------
    DefinitionError
        If the plan asks a question that there is not.
    """
    questions: dict[str, Question] = {question.id: question for question in safety.questions}
    asked = [step.question for step in plan.steps if isinstance(step, Ask)]
    if unknown := [id for id in asked if id not in questions]:
        there_are = ", ".join(questions)
        raise DefinitionError(f"The plan {plan.id} asks {', '.join(unknown)}, which is no question: there are {there_are}.")
    advisors: dict[tuple[str, str | None, Rung | None], Advisor] = {}  # one that comes again remembers what was not wanted

    def part_of(step: Step) -> Part:
        match step:
            case Ask():
                return Asking(questions[step.question])
            case Measure():
                return Measuring(protocols[step.protocol], units=units, placed=placed)
            case Watch():
                return Watching(step.posture)
            case Relax():
                return Relaxing(step)
            case Task():
                event = Event("task", {"task": step.task, "seconds": step.seconds})
                return Doing(Message(f"task.{step.task}"), step.seconds, event)
            case Practise():
                exercise, begins_with = exercises[step.exercise], step.variant
                if step.rung is not None:
                    exercise = exercise.slowed(step.rung.tempo)
                    begins_with = begins_with or step.rung.variant_of(exercise)
                table = advice.without("too_fast") if step.pace == "free" else advice
                gives = step.advice and plan.kind == "practice"
                step = step.model_copy(update={"advice": gives})
                advisor = advisors.setdefault((exercise.id, begins_with, step.rung), Advisor(table, exercise, begins_with))
                return Practice(step, exercise, advisor)

    aim = next((exercises[id].aim for id in plan.exercises), None)
    asked_first = list(takewhile(lambda step: isinstance(step, Ask), plan.steps))
    fetching = [Doing(needs, FETCH_S) for needs in plan.needs(exercises)]
    rest = plan.steps[len(asked_first) :]
    return Coach([*map(part_of, asked_first), *fetching, *map(part_of, rest)], aim, safety)


def plan_event(plan: Plan, exercises: Mapping[str, Exercise], protocols: Mapping[str, Protocol]) -> Event:
    """Keep a plan with all that it names, so that a replay is led by the same one."""
    texts = {"exercises": {e.id: e.toml for e in exercises.values()}, "protocols": {p.id: p.toml for p in protocols.values()}}
    return Event("plan", {"id": plan.id, "plan": plan.to_json(), **texts})


def lead_again(detail: Mapping[str, Any], advice: AdviceTable, safety: Safety) -> Coach:
    """Make the coach that led through a recorded session, from what its `plan_event` tells.

    Raises
    ------
    DefinitionError
        If that is broken.
    """
    exercises = {id: Exercise.parse(toml, f"The exercise {id} in the recording") for id, toml in detail["exercises"].items()}
    protocols = {id: Protocol.parse(toml, f"The protocol {id} in the recording") for id, toml in detail["protocols"].items()}
    return lead(Plan.from_json(detail["plan"]), exercises, protocols, advice, safety)


def _about_signal(role: Role, flag: Flag) -> Cue:
    advice, fills = _SENSOR_ADVICE[flag], {"side": role.side, "muscle": role.muscle}
    return Cue(advice=Message(f"advice.{advice}", fills), reason=Message(f"why.{advice}", fills), warning=True)
