"""Weeks of practice: stages one after the other, with a gate at the end of each. One TOML file a programme.

A physiotherapist writes it, or a person. `gluteemg.coaching.gate` judges the gates, `gluteemg.coaching.week` the calendar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Annotated, Self

from pydantic import Field, model_validator

from gluteemg.coaching.diary import Entry, good_share, once, sessions
from gluteemg.coaching.exercise import Dose, Id, Range
from gluteemg.coaching.plan import Ask, Measure, Plan, Practise, Relax, Rung, Task, Watch
from gluteemg.definition import Definition, Part

Count = Annotated[int, Field(ge=1, le=100)]
Percent = Annotated[float, Field(gt=0, le=1)]


class Content(Part):
    """One exercise of a stage.

    Parameters
    ----------
    exercise : str
        Its id.
    dose : Dose, optional
        How much; that of the exercise itself, if not given.
    rungs : tuple of str, optional
        Which rungs of the ladder suit it; all, if not given.
    """

    exercise: Id
    dose: Dose | None = None
    rungs: tuple[Id, ...] | None = None

    def practised(self, rung: Rung | None) -> Practise:
        """Give it as a step of a plan, with the least of its dose."""
        step = Practise(do="practise", exercise=self.exercise, rung=rung)
        if self.dose is None:
            return step
        least = {"sets": self.dose.sets.least, "reps": self.dose.reps.least}
        return step.model_copy(update={**least, "rest_s": self.dose.rest_s, "hold_s": self.dose.hold_s})


class PainLimit(Part):
    """What pain may be in the last `sessions` that told of it: at most `most`, and less than `rise` more than in the first."""

    most: int = Field(ge=0, le=10)
    rise: int = Field(ge=1, le=10)
    sessions: Count


class GoodReps(Part):
    """Each of the last `sessions` with at least `least_reps` scored repetitions had this share of good ones."""

    share: Percent
    sessions: Count
    least_reps: Count


class Weeks(Part):
    """In `weeks` of the last `of` weeks there were `sessions` days of practice, with a `share` of good repetitions if given."""

    weeks: Count
    of: Count
    sessions: int = Field(ge=1, le=7)
    share: Percent | None = None

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.weeks > self.of:
            raise ValueError(f"weeks must not be over of, they are {self.weeks} and {self.of}")
        return self


class Gate(Part):
    """What it takes to leave a stage; what is not given is not asked.

    Parameters
    ----------
    clearance : bool
        Somebody who knows the person has cleared them for exercise.
    symptoms : bool
        Nothing stands that asks for a clinician first.
    symptom_free_days : int, optional
        Nothing of that kind was ticked for so long, today included.
    pain : PainLimit, optional
        Low, and not rising.
    isolated, resting : bool
        The last check found each muscle on its own sensor, the last rest was quiet; at any stage.
    time_to_relax_s : float, optional
        At most, when last measured at any stage.
    good_reps : GoodReps, optional
        How well it went.
    sessions : int, optional
        Days with practice at this stage.
    weeks : Weeks, optional
        How regularly.
    days : int, optional
        Since the first session at this stage.
    """

    clearance: bool = False
    symptoms: bool = False
    symptom_free_days: Count | None = None
    pain: PainLimit | None = None
    isolated: bool = False
    resting: bool = False
    time_to_relax_s: float | None = Field(default=None, gt=0)
    good_reps: GoodReps | None = None
    sessions: Count | None = None
    weeks: Weeks | None = None
    days: Count | None = None


class Stage(Part):
    """One stage of a programme. Its words stand in ``texts/`` as ``stage.<id>``.

    Parameters
    ----------
    number : int
        0 for the first; they follow one another.
    id : str
        Such as ``activate``.
    exercises : tuple of Content
        In order; none in a stage that only asks.
    sessions_per_week : Range, optional
        Days with practice.
    rest_days : int
        Days between two sessions.
    rpe_most : int
        Felt effort over which nothing is made harder.
    gate : Gate, optional
        None for the last one, that of the person and their physiotherapist.
    """

    number: int = Field(ge=0, le=9)
    id: Id
    exercises: tuple[Content, ...] = ()
    sessions_per_week: Range | None = None
    rest_days: int = Field(default=0, ge=0, le=6)
    rpe_most: int = Field(default=10, ge=0, le=10)
    gate: Gate | None = None

    @model_validator(mode="after")
    def _fits_a_week(self) -> Self:
        week = self.sessions_per_week
        if week is not None and (week.most > 7 or (week.least - 1) * (self.rest_days + 1) >= 7):
            raise ValueError(
                f"{week.least} to {week.most} sessions a week with {self.rest_days} days between do not fit a week"
            )
        return self

    def plan(self, protocol: str, rungs: Mapping[str, Rung]) -> Plan:
        """Give one session of it as a plan: levels first, letting go where its gate asks for it, its exercises, how it was.

        Parameters
        ----------
        protocol : str
            How floor and references are taken.
        rungs : mapping of str to Rung
            What is harder than the plain exercise, by the exercise; see `Programme.rungs`.
        """
        relaxes = self.gate is not None and self.gate.time_to_relax_s is not None
        calm = [Watch(do="watch", posture="lying"), Relax(do="relax", times=5, hold_s=5, rest_s=10)] if relaxes else []
        isolated = [Measure(do="measure", protocol="isolation")] if self.gate is not None and self.gate.isolated else []
        practised = [content.practised(rungs.get(content.exercise)) for content in self.exercises]
        measured = [Measure(do="measure", protocol=protocol)] if practised else []
        asked = [Ask(do="ask", question=question) for question in ("pain_after", "rpe")] if practised else []
        return Plan(
            id=self.id,
            source=f"stage {self.number} of the programme",
            requires=("gluteus_maximus", "hamstrings") if practised else (),
            degrades_to=("gluteus_maximus",) if practised else (),
            steps=(*measured, *isolated, *calm, *practised, *asked) or (Task(do="task", task="breathing", seconds=60),),
        )


class Ladder(Part):
    """How an exercise gets harder, one rung at a time.

    Parameters
    ----------
    climb : GoodReps
        What the last sessions of the exercise, on the same rung, must have been like.
    pain_most : int
        Over it nothing is made harder.
    rungs : tuple of Rung
        The first one first; under it is the plain exercise.
    """

    climb: GoodReps
    pain_most: int = Field(ge=0, le=10)
    rungs: tuple[Rung, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({rung.id for rung in self.rungs}) < len(self.rungs):
            raise ValueError("every rung needs an id of its own")
        return self


class Programme(Definition):
    """Stages and what leads from one to the next. Read one with ``Programme.parse(text, name)``.

    Parameters
    ----------
    id : str
        Name of the file; its words are ``programme.<id>``.
    source : str
        Where its numbers come from.
    reminders : tuple of time
        When to think of a 30-second check of posture, local time: at most three a day, and none unless somebody writes them.
    stages : tuple of Stage
        From 0 on.
    ladder : Ladder
        How an exercise gets harder.
    """

    id: Id
    source: str
    reminders: tuple[time, ...] = Field(default=(), max_length=3)
    stages: tuple[Stage, ...] = Field(min_length=1)
    ladder: Ladder

    @model_validator(mode="after")
    def _stages_follow_one_another(self) -> Self:
        if [stage.number for stage in self.stages] != list(range(len(self.stages))):
            raise ValueError("stages must be numbered 0, 1, 2 … in this order")
        if len({stage.id for stage in self.stages}) < len(self.stages):
            raise ValueError("every stage needs an id of its own")
        if open_end := [stage.id for stage in self.stages[:-1] if stage.gate is None]:
            raise ValueError(f"every stage but the last needs a gate: {', '.join(open_end)} has none")
        return self

    @model_validator(mode="after")
    def _names_rungs_that_there_are(self) -> Self:
        known = {rung.id for rung in self.ladder.rungs}
        named = {id for stage in self.stages for content in stage.exercises for id in content.rungs or ()}
        if unknown := sorted(named - known):
            raise ValueError(
                f"{', '.join(unknown)} is no rung of the ladder: it has {', '.join(rung.id for rung in self.ladder.rungs)}"
            )
        return self

    def rungs(self, stage: Stage, entries: Sequence[Entry], today: date) -> dict[str, Rung]:
        """Give the rung of each exercise of a stage that is on one; see `rung`."""
        found = ((content.exercise, self.rung(content.exercise, stage, entries, today)) for content in stage.exercises)
        return {exercise: rung for exercise, rung in found if rung is not None}

    def rung(self, exercise: str, stage: Stage, entries: Sequence[Entry], today: date) -> Rung | None:
        """Tell which rung of the ladder is next for an exercise.

        Up by one after days that went well on the present rung; down by one where the latest hurt, or a symptom was told since;
        else it stays. Nothing gets harder while the latest pain that was told is over `Ladder.pain_most`.

        Parameters
        ----------
        exercise : str
            Its id.
        stage : Stage
            The present one: a rung of a later stage waits, one that does not suit the exercise there is passed over.
        entries : sequence of Entry
            The diary.
        today : date
            What the diary has of later days does not count yet.

        Returns
        -------
        Rung or None
            None for the plain exercise.
        """
        practised: dict[date, list[Entry]] = {}
        for entry in sorted((e for e in sessions(entries, today) if e.of(exercise)), key=lambda e: e.at):
            practised.setdefault(entry.day, []).append(entry)
        if not practised:
            return None
        *_, latest = practised.values()
        ladder, now = self.ladder.rungs, latest[-1].of(exercise)[-1].rung
        since = [e for e in once(entries) if e.at >= latest[0].at and e.day <= today]
        suits = next((content.rungs for content in stage.exercises if content.exercise == exercise), None)
        open_to = [i for i, r in enumerate(ladder) if r.stage <= stage.number and (suits is None or r.id in suits)]
        height = next((i for i, rung in enumerate(ladder) if rung.id == now), -1)  # -1 is the plain exercise
        pain = max((e.pain for e in since if e.pain is not None), default=None)
        if (pain or 0) > self.ladder.pain_most or any(e.symptoms for e in since):
            height -= 1
        elif self._went_well(exercise, now, stage, list(practised.values())[-self.ladder.climb.sessions :]):
            height = next((i for i in open_to if i > height), height)
        here = [i for i in open_to if i <= height]
        return ladder[here[-1]] if here else None

    def _went_well(self, exercise: str, rung: str | None, stage: Stage, last: Sequence[Sequence[Entry]]) -> bool:
        """Tell whether each of the last days did: every side that was heard, and nothing that was not told counts as well."""

        def went_well(entries: Sequence[Entry]) -> bool:
            done = [done for entry in entries for done in entry.of(exercise) if done.rung == rung]
            sides = {each.side for each in done if each.scored_reps}
            shares = [good_share((each for each in done if each.side == side), climb.least_reps) for side in sides]
            easy = all(
                e.pain is not None
                and e.pain <= self.ladder.pain_most
                and e.rpe is not None
                and e.rpe <= stage.rpe_most
                and not e.symptoms
                for e in entries
            )
            return easy and bool(shares) and all(share is not None and share >= climb.share for share in shares)

        climb = self.ladder.climb
        return len(last) == climb.sessions and all(map(went_well, last))
