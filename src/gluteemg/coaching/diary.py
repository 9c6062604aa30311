"""What a person has done and told: one line of JSON a session, kept in their own folder and nowhere else.

Days are local ones: each entry carries its own offset from UTC, so a session late in the evening stays on its evening, at the
change of the clocks and on a journey, too. `today` is always given: nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from gluteemg.coaching.exercise import Id
from gluteemg.definition import Part, faults
from gluteemg.muscles import Muscle, Side

Scale = Annotated[int, Field(ge=0, le=10)]
"""A number a person gives: 0 is none, 10 the most they can think of."""
Who = Literal["person", "physio"]


class Done(Part):
    """What was done of one exercise, on one side or on both at once.

    Parameters
    ----------
    exercise : str
        Its id.
    side : {"left", "right"}, optional
        None where both sides work at once.
    sets, reps : int
        How many sets, and repetitions in all of them.
    scored_reps, good_reps : int
        Those with a share, and those of them in the zone and over the floor.
    ln_ratio : float, optional
        Mean ``ln R`` over the scored repetitions; `gluteemg.activation.ratio.share_of` makes the share of it.
    rung : str, optional
        Where on the ladder of the programme; None for the plain exercise.
    """

    exercise: Id
    side: Side | None = None
    sets: int = Field(ge=0)
    reps: int = Field(ge=0)
    scored_reps: int = Field(default=0, ge=0)
    good_reps: int = Field(default=0, ge=0)
    ln_ratio: float | None = None
    rung: Id | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not self.good_reps <= self.scored_reps <= self.reps:
            given = f"{self.good_reps}, {self.scored_reps}, {self.reps}"
            raise ValueError(f"good_reps must not be over scored_reps, nor these over reps, they are {given}")
        return self


class Override(Part):
    """Somebody went on although a gate said "not yet": their good right, and kept.

    Parameters
    ----------
    who : {"person", "physio"}
        Whose decision it was.
    what : str
        Id of the stage that was left.
    why : str
        In their own words.
    """

    who: Who
    what: Id
    why: str = ""


class Entry(Part):
    """A session, or only something that was told: the answers before the first one, an override.

    Parameters
    ----------
    at : datetime
        When it began, with its offset from UTC. A later line with the same `at` stands for the earlier one.
    plan : str, optional
        Id of the plan that was followed.
    stage : int, optional
        Of the programme; None outside it.
    exercises : tuple of Done
        What was done.
    clearance : bool, optional
        Whether somebody who knows the person has cleared them for exercise; not None: the questions of the first run were
        asked, and `symptoms` and `wearing` are all that was ticked.
    symptoms, wearing : tuple of str
        Ids that were ticked, see `gluteemg.coaching.safety`.
    pain_before, pain_during, pain_after : int, optional
        0 to 10; during: the last that was told in a set.
    rpe : int, optional
        Felt effort, 0 to 10.
    cramp : tuple of Muscle
        Which muscles cramped.
    time_to_relax_s : float, optional
        Median over the releases of gluteus maximus, the slower side.
    resting, isolated : bool, optional
        Whether the glutes were quiet at rest, and whether the check of the sensors found each muscle on its own.
    note : str
        In the person's own words.
    overrides : tuple of Override
        Gates that were gone through.
    """

    at: AwareDatetime
    plan: Id | None = None
    stage: int | None = Field(default=None, ge=0)
    exercises: tuple[Done, ...] = ()
    clearance: bool | None = None
    symptoms: tuple[Id, ...] = ()
    wearing: tuple[Id, ...] = ()
    pain_before: Scale | None = None
    pain_during: Scale | None = None
    pain_after: Scale | None = None
    rpe: Scale | None = None
    cramp: tuple[Muscle, ...] = ()
    time_to_relax_s: float | None = Field(default=None, ge=0)
    resting: bool | None = None
    isolated: bool | None = None
    note: str = ""
    overrides: tuple[Override, ...] = ()

    @property
    def day(self) -> date:
        """The date on the person's own calendar."""
        return self.at.date()

    @property
    def is_session(self) -> bool:
        """Whether something was practised: an exercise, or letting go."""
        return self.time_to_relax_s is not None or any(done.sets or done.reps for done in self.exercises)

    def of(self, exercise: str) -> tuple[Done, ...]:
        """Give what was done of one exercise."""
        return tuple(done for done in self.exercises if done.exercise == exercise and done.sets)

    @property
    def pain(self) -> int | None:
        """The most that was told; None where nobody was asked."""
        return max((pain for pain in (self.pain_before, self.pain_during, self.pain_after) if pain is not None), default=None)


class Broken(NamedTuple):
    """A line that cannot be read: its number from 1, and why."""

    line: int
    fault: str


@dataclass(frozen=True, slots=True)
class Diary:
    """All that is kept, in the order in which it was written.

    Parameters
    ----------
    entries : tuple of Entry
        Each once.
    broken : tuple of Broken
        Lines that cannot be read; they stay in the file.
    """

    entries: tuple[Entry, ...] = ()
    broken: tuple[Broken, ...] = ()

    @classmethod
    def parse(cls, lines: bytes) -> Self:
        """Read the file; empty lines mean nothing."""
        entries: list[Entry] = []
        broken: list[Broken] = []
        for number, line in enumerate(lines.split(b"\n"), 1):
            try:
                if line.strip():
                    entries.append(Entry.model_validate_json(line, strict=True))
            except ValidationError as error:
                broken.append(Broken(number, faults(error)))
        return cls(once(entries), tuple(broken))


def once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Give every entry once: of those that began at the same instant the one that was written last."""
    kept: dict[datetime, Entry] = {}
    for entry in entries:
        kept.pop(entry.at, None)
        kept[entry.at] = entry
    return tuple(kept.values())


def sessions(entries: Iterable[Entry], today: date, stage: int | None = None) -> tuple[Entry, ...]:
    """Give what was practised until today, of one stage or of all.

    What a clock that was wrong has put into the future is left out until its day comes: it must not count as done.
    """
    return tuple(e for e in once(entries) if e.is_session and e.day <= today and stage in (None, e.stage))


def days(practised: Iterable[Entry]) -> tuple[date, ...]:
    """Give the days of sessions, each once, ascending: two sessions on one day are not twice a week."""
    return tuple(sorted({entry.day for entry in practised}))


def good_share(done: Iterable[Done], least_reps: int = 1) -> float | None:
    """Give how many of the scored repetitions were good, 0 to 1; None where fewer than `least_reps` were scored."""
    good, scored = (sum(numbers) for numbers in zip((0, 0), *((d.good_reps, d.scored_reps) for d in done), strict=True))
    return good / scored if scored >= max(1, least_reps) else None


def standing_symptoms(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Give what was ticked in the last answers to the questions of the first run, and ever since: it stands until asked anew.

    The order of writing decides, not the clock: that may have been set back.
    """
    kept = once(entries)
    asked = max((i for i, entry in enumerate(kept) if entry.clearance is not None), default=0)
    return tuple(dict.fromkeys(symptom for entry in kept[asked:] for symptom in entry.symptoms))
