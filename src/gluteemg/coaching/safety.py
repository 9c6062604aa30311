"""What is asked before, during and after practice, and when to stop: pure functions of answers, the limits in a TOML file.

Nothing here judges health. It asks, it stops, and it names who can look: the words are ``referral.<id>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from pydantic import Field, StrictBool, StrictInt, model_validator

from gluteemg.coaching.diary import Entry, once, standing_symptoms
from gluteemg.coaching.exercise import Id
from gluteemg.coaching.message import Message
from gluteemg.definition import Definition, Part

Value = StrictBool | StrictInt | tuple[str, ...] | str
When = Literal["first_run", "before", "during", "after"]
Ends = Literal["set", "session"]
QuestionId = Literal[
    "clearance", "symptoms", "wearing", "pain_before", "pain_during", "pain_after", "rpe", "cramp", "note"
]  # the fields of an Entry that a person fills
_NEEDED: frozenset[QuestionId] = frozenset({"clearance", "symptoms", "pain_before", "pain_during", "pain_after"})
_YES_NO = {**dict.fromkeys(("y", "yes", "j", "ja", "true"), True), **dict.fromkeys(("n", "no", "nein", "false"), False)}
_LONGEST = 2000
"""Characters of a note (chosen: a page)."""


class Answer(Part):
    """What a person said to a question: yes or no, a number, ids of what was ticked, or a text."""

    question: QuestionId
    value: Value


class Option(Part):
    """Something that can be ticked; `ends` what it ends, nothing if not given."""

    id: Id
    ends: Ends | None = None


class Question(Part):
    """Something that is asked. Its words stand in ``texts/`` as ``question.<id>``.

    Parameters
    ----------
    id : QuestionId
        The field of `Entry` that keeps the answer.
    when : tuple of When
        At the first run, before a session, in a set when the person stops it, or after the session.
    kind : {"yes_no", "scale", "ticks", "text"}
        What an answer is: a bool, a number from `least` to `most`, a tuple of ids of options (empty: none of them), a text.
    least, most : int
        Ends of a scale.
    options : tuple of Option
        What can be ticked, the most pressing first.
    words : str
        Table of the words of the options.
    """

    id: QuestionId
    when: tuple[When, ...]
    kind: Literal["yes_no", "scale", "ticks", "text"]
    least: int = 0
    most: int = 10
    options: tuple[Option, ...] = ()
    words: Id = "symptom"

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if self.kind == "ticks" and not self.options:
            raise ValueError(f"{self.id} needs options to tick")
        if not 0 <= self.least < self.most <= 10:
            raise ValueError(f"least and most must ascend within 0 to 10, they are {self.least} and {self.most}")
        return self

    @property
    def message(self) -> Message:
        """Its words."""
        return Message(f"question.{self.id}")

    @property
    def choices(self) -> tuple[Message, ...]:
        """The words of its options, in their order."""
        return tuple(Message(f"{self.words}.{option.id}") for option in self.options)

    def answer(self, value: Value) -> Answer | None:
        """Take an answer; None if it is none to this question: then ask again."""
        if self.kind == "yes_no":
            fits = isinstance(value, bool)
        elif self.kind == "scale":
            fits = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        elif self.kind == "ticks":
            fits = isinstance(value, tuple) and set(value) <= {option.id for option in self.options}
        else:
            fits = isinstance(value, str) and len(value) <= _LONGEST
        return Answer(question=self.id, value=value) if fits else None

    def read(self, typed: str) -> Answer | None:
        """Read an answer that was typed: ``y`` or ``n``, a number, ids or numbers of options (none: nothing), a text."""
        typed = typed.strip()
        if self.kind == "yes_no":
            return self.answer(_YES_NO[typed.lower()]) if typed.lower() in _YES_NO else None
        if self.kind == "scale":
            return self.answer(int(typed)) if typed.isascii() and typed.isdecimal() else None
        if self.kind == "ticks":
            ids = [option.id for option in self.options]
            ticked = [t for t in typed.replace(",", " ").split() if t != "0"]
            numbers = {str(number): id for number, id in enumerate(ids, 1)}
            return self.answer(tuple(dict.fromkeys(numbers.get(t, t) for t in ticked)))
        return self.answer(typed)


class Pain(Part):
    """Pain that ends a set: over `most`, or `rise` more than before the session; `severe` ends the session."""

    most: int = Field(ge=0, le=10)
    rise: int = Field(ge=1, le=10)
    severe: int = Field(ge=1, le=10)

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.severe <= self.most:
            raise ValueError(f"severe must be over most, they are {self.severe} and {self.most}")
        return self


@dataclass(frozen=True, slots=True)
class Stop:
    """A reason to end a set or a session, or not to begin one.

    Parameters
    ----------
    id : str
        ``clearance``, ``pain``, ``pain_rising``, or that of what was ticked.
    ends : {"set", "session"}
        How much of it.
    """

    id: str
    ends: Ends

    @property
    def message(self) -> Message:
        """What happens now."""
        return Message(f"stop_rule.{self.ends}")

    @property
    def referral(self) -> Message:
        """Whom to ask, and why."""
        return Message(f"referral.{self.id}")


class Safety(Definition):
    """What is asked and when to stop. Read one with ``Safety.parse(text, name)``.

    Parameters
    ----------
    id : str
        Name of the file.
    ask_again_days : int
        After so many days the questions of the first run are asked anew.
    pain : Pain
        Its limits.
    questions : tuple of Question
        In the order in which they are asked.
    """

    id: Id
    ask_again_days: int = Field(ge=1)
    pain: Pain
    questions: tuple[Question, ...]

    @model_validator(mode="after")
    def _asks_what_it_judges(self) -> Self:
        ids = [question.id for question in self.questions]
        if len(set(ids)) < len(ids):
            raise ValueError("every question stands once, with all its times in `when`")
        if missing := _NEEDED - set(ids):
            raise ValueError(f"the stop rules need the questions {', '.join(sorted(missing))}")
        if not {"clearance", "symptoms"} <= {q.id for q in self.questions if "first_run" in q.when}:
            raise ValueError("the first run must ask for clearance and symptoms")
        return self

    def asked(self, when: When) -> tuple[Question, ...]:
        """Give what is asked at some time."""
        return tuple(question for question in self.questions if when in question.when)

    def is_due(self, entries: Sequence[Entry], today: date) -> bool:
        """Tell whether the questions of the first run are to be asked.

        So it is if they never were, if something holds a session back or was ticked since, and after `ask_again_days`.
        """
        last = _last_screened(entries)
        if last is None or self.may_begin(entries) or standing_symptoms(entries):
            return True
        return (today - last.day).days > self.ask_again_days

    def may_begin(self, entries: Sequence[Entry]) -> tuple[Stop, ...]:
        """Tell what speaks against a session, from the diary; empty: nothing does. Ask what is due before."""
        return tuple(stop for stop in self.stops(_standing(entries)) if stop.ends == "session")

    def stops(self, answers: Sequence[Answer]) -> tuple[Stop, ...]:
        """Tell what the answers of a session so far end, the most pressing first; empty: go on.

        Of a number the last answer counts, of what is ticked every one. Pain before the session holds it back as it would end a
        set.
        """
        said = {answer.question: answer.value for answer in answers}
        found = [Stop(o.id, o.ends) for o in self._ticked(answers) if o.ends is not None]
        if said.get("clearance") is False:
            found.insert(0, Stop("clearance", "session"))
        if (pain := self._pain(said)) is not None:
            found.append(pain)
        return tuple(sorted(found, key=lambda stop: stop.ends == "set"))

    def cautions(self, answers: Sequence[Answer]) -> tuple[Message, ...]:
        """Give a word of care for what was ticked and ends nothing, such as skin that reacts to tape."""
        return tuple(Message(f"referral.{o.id}") for o in self._ticked(answers, words="symptom") if o.ends is None)

    def _ticked(self, answers: Sequence[Answer], words: str | None = None) -> list[Option]:
        ticked = {(a.question, id) for a in answers if isinstance(a.value, tuple) for id in a.value}
        return [o for q in self.questions if words in (None, q.words) for o in q.options if (q.id, o.id) in ticked]

    def _pain(self, said: dict[QuestionId, Value]) -> Stop | None:
        before, during, after = (said.get(id) for id in ("pain_before", "pain_during", "pain_after"))
        now = next((pain for pain in (after, during, before) if isinstance(pain, int)), None)
        ends: Ends = "set" if during is not None and after is None else "session"
        if now is None:
            return None
        if now >= self.pain.severe:
            return Stop("severe_pain", "session")
        if now > self.pain.most:
            return Stop("pain", ends)
        risen = isinstance(before, int) and now - before >= self.pain.rise
        return Stop("pain_rising", ends) if risen else None


def told(answers: Sequence[Answer]) -> dict[QuestionId, Value]:
    """Give what an `Entry` keeps of the answers: ``Entry(at=…, **told(answers))``.

    Of what was ticked all, of pain in a set the most, of anything else the last.
    """
    kept: dict[QuestionId, Value] = {}
    for answer in answers:
        before, now = kept.get(answer.question), answer.value
        if isinstance(before, tuple) and isinstance(now, tuple):
            now = tuple(dict.fromkeys((*before, *now)))
        elif answer.question == "pain_during" and isinstance(before, int) and isinstance(now, int):
            now = max(before, now)
        kept[answer.question] = now
    return kept


def _standing(entries: Sequence[Entry]) -> tuple[Answer, ...]:
    """Give what stands in the diary as answers: nobody who was never asked is cleared."""
    last = _last_screened(entries)
    return (
        Answer(question="clearance", value=last is not None and last.clearance is True),
        Answer(question="symptoms", value=standing_symptoms(entries)),
        Answer(question="wearing", value=() if last is None else last.wearing),
    )


def _last_screened(entries: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in reversed(once(entries)) if entry.clearance is not None), None)
