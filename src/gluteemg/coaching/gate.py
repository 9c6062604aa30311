"""The gate at the end of a stage: what it asks, what of it is met with which figures, and what helps most while it is closed.

A gate is an offer. Person or physiotherapist can go on without it, and that is kept (`gluteemg.coaching.diary.Override`).
Whether a session may begin at all is another question: see `gluteemg.coaching.safety`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, TypeVar

from gluteemg.coaching.diary import Entry, Override, days, good_share, once, sessions, standing_symptoms
from gluteemg.coaching.message import Message
from gluteemg.coaching.programme import Gate, GoodReps, PainLimit, Programme, Stage, Weeks
from gluteemg.coaching.week import last_weeks

T = TypeVar("T")
Asked = Literal[
    "clearance",
    "symptoms",
    "symptom_free",
    "pain",
    "pain_steady",
    "isolated",
    "resting",
    "relaxing",
    "good_reps",
    "sessions",
    "weeks",
    "days",
]
"""What a gate can ask, the most useful first: what is safe, how well it goes, how often, how long. Its words are ``gate.<id>``,
those of what helps ``next_step.<id>``, or ``next_step.<id>_unknown`` where there is too little to judge it by."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a gate asks.

    Parameters
    ----------
    id : Asked
        Which.
    met : bool
        Whether it is so now.
    have, need : float or None
        What there is, and what it takes; None where it is not known, and where it is no number.
    known : bool
        Whether there is enough to judge it by.
    more : mapping of str to int
        Further figures of its words.
    """

    id: Asked
    met: bool
    have: float | None = None
    need: float | None = None
    known: bool = True
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        """What is asked, with its figures."""
        return Message(f"gate.{self.id}", self._fills)

    @property
    def next_step(self) -> Message:
        """What to do about it."""
        return Message(f"next_step.{self.id}{'' if self.known else '_unknown'}", self._fills)

    @property
    def _fills(self) -> dict[str, str | int | float]:
        left = None if self.have is None or self.need is None else max(0.0, self.need - self.have)
        numbers = {"have": self.have, "need": self.need, "left": left}
        return {**{name: "–" if n is None else f"{n:.2f}".rstrip("0").rstrip(".") for name, n in numbers.items()}, **self.more}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody is: a stage, and what its gate says.

    Parameters
    ----------
    stage : Stage
        The one whose gate comes next, or the last one.
    conditions : tuple of Condition
        What its gate asks, in the order of `Asked`; none at the last stage.
    override : Override or None
        Who opened it all the same.
    """

    stage: Stage
    conditions: tuple[Condition, ...]
    override: Override | None = None

    @property
    def open(self) -> bool:
        """Whether what comes after this stage is on offer; never where it has no gate."""
        return self.stage.gate is not None and (self.override is not None or all(c.met for c in self.conditions))

    @property
    def next_step(self) -> Message | None:
        """The one most useful thing to do while the gate says "not yet"."""
        if self.stage.gate is None or self.open:
            return None
        return next(condition.next_step for condition in self.conditions if not condition.met)


def at_gate(stage: Stage, entries: Sequence[Entry], today: date) -> Standing:
    """Look at the gate of one stage."""
    overrides = [o for entry in once(entries) for o in entry.overrides if o.what == stage.id]
    conditions = () if stage.gate is None else tuple(_conditions(stage, stage.gate, entries, today))
    return Standing(stage, conditions, overrides[-1] if overrides else None)


def standing(programme: Programme, entries: Sequence[Entry], today: date) -> Standing:
    """Tell which stage a person is at: that of their last session, and on from it through every gate that is open.

    The first gate, which asks what is safe, is looked at every time.
    """
    first = at_gate(programme.stages[0], entries, today)
    if not first.open:
        return first
    told = [entry.stage for entry in once(entries) if entry.is_session and entry.stage is not None]
    number = min(told[-1], len(programme.stages) - 1) if told else 0
    now = at_gate(programme.stages[number], entries, today)
    while now.open and now.stage is not programme.stages[-1]:
        now = at_gate(programme.stages[now.stage.number + 1], entries, today)
    return now


def _conditions(stage: Stage, gate: Gate, entries: Sequence[Entry], today: date) -> Iterator[Condition]:
    here, told = sessions(entries, today, stage.number), once(entries)
    yield from _about_safety(gate, told, today)
    if gate.isolated:
        yield _told("isolated", [entry.isolated for entry in told])
    if gate.resting:
        yield _told("resting", [entry.resting for entry in told])
    if gate.time_to_relax_s is not None:
        last_s = _last([entry.time_to_relax_s for entry in told])
        met = last_s is not None and last_s <= gate.time_to_relax_s
        yield Condition("relaxing", met, last_s, gate.time_to_relax_s, known=last_s is not None)
    if gate.good_reps is not None:
        yield _good_reps(gate.good_reps, here)
    if gate.sessions is not None:
        yield _count("sessions", len(days(here)), gate.sessions)
    if gate.weeks is not None:
        yield _weeks(gate.weeks, here, today)
    if gate.days is not None:
        yield _count("days", (today - min(days(here), default=today)).days, gate.days)


def _about_safety(gate: Gate, told: Sequence[Entry], today: date) -> Iterator[Condition]:
    """Look at all that was told, at any stage and under any date: a clock that was wrong hides no symptom."""
    if gate.clearance:
        yield Condition("clearance", _last([entry.clearance for entry in told]) is True)
    if gate.symptoms:
        yield Condition("symptoms", not standing_symptoms(told))
    if gate.symptom_free_days is not None:
        last = max((entry.day for entry in told if entry.symptoms), default=None)
        free = gate.symptom_free_days if last is None else (today - last).days
        yield _count("symptom_free", free, gate.symptom_free_days)
    if gate.pain is not None:
        yield from _pain(gate.pain, told)


def _pain(limit: PainLimit, told: Sequence[Entry]) -> Iterator[Condition]:
    pains = [entry.pain for entry in told if entry.pain is not None][-limit.sessions :]
    most, rise = max(pains, default=None), max(0, pains[-1] - pains[0]) if pains else 0
    yield Condition("pain", most is not None and most <= limit.most, most, limit.most, known=most is not None)
    yield Condition("pain_steady", rise < limit.rise, rise, limit.rise)


def _good_reps(asked: GoodReps, here: Sequence[Entry]) -> Condition:
    shares = [share for e in here if (share := good_share(e.exercises, asked.least_reps)) is not None][-asked.sessions :]
    good = sum(share >= asked.share for share in shares)
    known = len(shares) == asked.sessions or good < len(shares)
    return Condition("good_reps", good >= asked.sessions, good, asked.sessions, known, {"percent": round(100 * asked.share)})


def _weeks(asked: Weeks, here: Sequence[Entry], today: date) -> Condition:
    def is_met(week: date) -> bool:
        inside = [entry for entry in here if week <= entry.day < week + timedelta(weeks=1)]
        share = good_share(done for entry in inside for done in entry.exercises)
        return len(days(inside)) >= asked.sessions and (asked.share is None or (share is not None and share >= asked.share))

    met = sum(is_met(week) for week in last_weeks(asked.of, today, is_met))
    return Condition("weeks", met >= asked.weeks, met, asked.weeks, more={"last": asked.of, "per_week": asked.sessions})


def _count(id: Asked, have: int, need: int) -> Condition:
    return Condition(id, have >= need, max(0, have), need)


def _told(id: Asked, told: Sequence[bool | None]) -> Condition:
    last = _last(told)
    return Condition(id, last is True, known=last is not None)


def _last(values: Sequence[T | None]) -> T | None:
    return next((value for value in reversed(values) if value is not None), None)
