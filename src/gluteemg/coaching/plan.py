"""What is done in one go, step by step: one TOML file in ``exercises/plans/``, written by a physiotherapist or by a person.

An assessment is a plan, too: one that measures, asks and marks, and gives no advice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from gluteemg.coaching.exercise import Exercise, Id
from gluteemg.coaching.message import Message
from gluteemg.definition import Definition, Part, faults
from gluteemg.errors import DefinitionError
from gluteemg.muscles import HAMSTRINGS, Muscle, Side


class Ask(Part):
    """A question, such as how much it hurts; its words are ``question.<id>``."""

    do: Literal["ask"]
    question: Id


class Measure(Part):
    """Follow a protocol of ``calibration/``: floor and references, a check of the sensors, drift."""

    do: Literal["measure"]
    protocol: Id


class Watch(Part):
    """Look for 30 s whether the glutes are clenched in a posture; its words are ``watch.<posture>``."""

    do: Literal["watch"]
    posture: Id


class Relax(Part):
    """Contract and let go, over and over: letting go counts as much as squeezing.

    Parameters
    ----------
    times : int
        How often.
    hold_s, rest_s : float
        How long to squeeze, and how long to let go after it.
    only_if_clenched : bool
        Left out, unless the last posture that was watched showed a clench, or the last release was slow.
    """

    do: Literal["relax"]
    times: int = Field(ge=1, le=30)
    hold_s: float = Field(ge=1, le=60)
    rest_s: float = Field(ge=3, le=120)
    only_if_clenched: bool = False


class Task(Part):
    """Something that no sensor sees, by time: its words are ``task.<id>``."""

    do: Literal["task"]
    task: Id
    seconds: float = Field(gt=0, le=600)


class Rung(Part):
    """One way to make an exercise harder. Its words stand in ``texts/`` as ``ladder.<id>``.

    Parameters
    ----------
    id : str
        Such as ``band``.
    stage : int
        From which stage of a programme on.
    tempo : float
        How many times slower than planned.
    equipment : tuple of str
        What it takes.
    """

    id: Id
    stage: int = Field(default=0, ge=0, le=9)
    tempo: float = Field(default=1.0, ge=1, le=5)
    equipment: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _is_harder(self) -> Rung:
        if self.tempo == 1 and not self.equipment:
            raise ValueError(f"the rung {self.id} makes nothing harder: give it a tempo over 1, or equipment")
        return self

    def variant_of(self, exercise: Exercise) -> str | None:
        """Name the change of the exercise that it brings already, if there is one: the first that takes no more than it."""
        return next((v.id for v in exercise.variants if v.equipment and set(v.equipment) <= set(self.equipment)), None)


class Practise(Part):
    """Sets of one exercise.

    Parameters
    ----------
    exercise : str
        Its id.
    sets, reps : int, optional
        How many; the least of its dose, if not given. Of an exercise of one side, so many for each of `sides`.
    rest_s, hold_s : float, optional
        Between sets, and at the end of each; those of its dose, if not given.
    pace : {"own", "tempo", "free"}
        Whether the person leads, near the planned tempo; the planned tempo does; or no tempo is asked for at all.
    sides : tuple of {"left", "right"}
        Of an exercise of one side, which; both, if not given.
    variant : str, optional
        A change of the set-up to begin with.
    rung : Rung, optional
        How it is made harder.
    advice : bool
        Whether changes are offered.
    """

    do: Literal["practise"]
    exercise: Id
    sets: int | None = Field(default=None, ge=1, le=10)
    reps: int | None = Field(default=None, ge=1, le=50)
    rest_s: float | None = Field(default=None, ge=0, le=600)
    hold_s: float | None = Field(default=None, ge=0, le=120)
    pace: Literal["own", "tempo", "free"] = "own"
    sides: tuple[Side, ...] = ("left", "right")
    variant: Id | None = None
    rung: Rung | None = None
    advice: bool = True

    @model_validator(mode="after")
    def _has_a_tempo_to_slow(self) -> Practise:
        if self.rung is not None and self.rung.tempo > 1 and self.pace == "free":
            raise ValueError(f"the rung {self.rung.id} slows a tempo, and pace is free: ask for a tempo, or for another rung")
        return self

    def equipment(self, exercise: Exercise) -> tuple[str, ...]:
        """Ids of what it takes, with its variant and its rung."""
        variant = (each for v in exercise.variants if v.id == self.variant for each in v.equipment)
        return (*exercise.equipment, *variant, *(() if self.rung is None else self.rung.equipment))


Step = Annotated[Ask | Measure | Watch | Relax | Task | Practise, Field(discriminator="do")]


class Plan(Definition):
    """What is done in one go. Read one with ``Plan.parse(text, name)``.

    Parameters
    ----------
    id : str
        Name of the file; its words are ``plan.<id>``.
    kind : {"practice", "assessment"}
        An assessment gives no advice.
    source : str
        Where its advice or its script comes from.
    requires, degrades_to : tuple of Muscle
        What must be worn on one side for all of it, and what is enough for a part of it.
    both_sides : bool
        Whether that must be worn on both sides.
    steps : tuple of Step
        In order.
    """

    id: Id
    kind: Literal["practice", "assessment"] = "practice"
    source: str
    requires: tuple[Muscle, ...] = ()
    degrades_to: tuple[Muscle, ...] = ()
    both_sides: bool = False
    steps: tuple[Step, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _asks_for_less(self) -> Plan:
        if not set(self.degrades_to) <= set(self.requires):
            raise ValueError("degrades_to must be a part of requires")
        return self

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> Plan:
        """Read what `to_json` gave, from a recording.

        Raises
        ------
        DefinitionError
            If it is something else.
        """
        try:
            return cls.model_validate(plan)
        except ValidationError as error:
            raise DefinitionError(f"A plan in the recording has {faults(error)}: it was written by something else.") from error

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return self.model_dump(mode="json")

    @property
    def exercises(self) -> tuple[str, ...]:
        """Ids of what it practises, each once."""
        return tuple(dict.fromkeys(step.exercise for step in self._practised))

    @property
    def protocols(self) -> tuple[str, ...]:
        """Ids of what it measures, each once."""
        return tuple(dict.fromkeys(step.protocol for step in self.steps if isinstance(step, Measure)))

    @property
    def text_ids(self) -> tuple[str, ...]:
        """Ids of the words it needs, beyond those of its exercises, protocols and questions."""
        tables = {Watch: ("watch", "posture"), Task: ("task", "task")}
        named = ((*tables[type(step)], step) for step in self.steps if type(step) in tables)
        ids = [f"{table}.{getattr(step, field)}" for table, field, step in named]
        for rung in (step.rung for step in self._practised if step.rung is not None):
            ids += [f"ladder.{rung.id}", *(f"equipment.{each}" for each in rung.equipment)]
        return (f"plan.{self.id}", *dict.fromkeys(ids))

    def needs(self, exercises: Mapping[str, Exercise]) -> tuple[Message, ...]:
        """Say what to have ready, in the order in which it is needed; nothing where it takes nothing."""
        ids = dict.fromkeys(each for step in self._practised for each in step.equipment(exercises[step.exercise]))
        return (Message("ready.equipment", {"equipment": ", ".join(ids)}),) if ids else ()

    @property
    def harder(self) -> tuple[Message, ...]:
        """Say which exercises are on a rung, and on which."""
        said = ({"exercise": step.exercise, "ladder": step.rung.id} for step in self._practised if step.rung is not None)
        return tuple(Message("calendar.harder", fills) for fills in said)

    @property
    def _practised(self) -> tuple[Practise, ...]:
        return tuple(step for step in self.steps if isinstance(step, Practise))

    def check(self, exercises: Mapping[str, Exercise], worn: Collection[tuple[str, str]]) -> tuple[Muscle, ...]:
        """Tell what is missing for all of it, where what is worn is enough for a part.

        Parameters
        ----------
        exercises : mapping of str to Exercise
            Those it practises, by id.
        worn : collection of (str, str)
            Muscle and side of every channel.

        Returns
        -------
        tuple of Muscle
            What is missing; empty where all can be done.

        Raises
        ------
        DefinitionError
            If what is worn is not even enough for a part of it, or a step names a variant that its exercise does not have.
        """
        for number, step in enumerate(self.steps, 1):
            if isinstance(step, Practise) and step.variant is not None:
                known = [variant.id for variant in exercises[step.exercise].variants]
                if step.variant not in known:
                    has = f"it has {', '.join(known)}" if known else "it has none"
                    raise DefinitionError(
                        f"Step {number} of the plan {self.id} asks for {step.variant}, no variant of {step.exercise}: {has}."
                    )
        lacking = self._lacking(self.requires, worn)
        if lacking and (not self.degrades_to or self._lacking(self.degrades_to, worn)):
            where = "on both sides" if self.both_sides else "on one side"
            raise DefinitionError(
                f"The plan {self.id} needs {', '.join(self.requires)} {where}, and {', '.join(lacking)} has no sensor: "
                "give it one, or choose another plan."
            )
        return lacking

    def _lacking(self, needed: Collection[Muscle], worn: Collection[tuple[str, str]]) -> tuple[Muscle, ...]:
        """Name what is not worn, on the side where least is missing; on either, where both are needed."""
        by_side = [tuple(m for m in needed if not _is_worn(m, side, worn)) for side in ("left", "right")]
        if self.both_sides:
            return tuple(dict.fromkeys((*by_side[0], *by_side[1])))
        return min(by_side, key=len)


def _is_worn(muscle: str, side: str, worn: Collection[tuple[str, str]]) -> bool:
    """Tell whether a muscle has a sensor; any hamstring stands for the hamstrings."""
    return any((m, side) in worn for m in (HAMSTRINGS if muscle == "hamstrings" else {muscle}))
