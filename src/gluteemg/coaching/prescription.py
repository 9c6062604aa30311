"""What a step of a plan asks for, with what is worn: which sets, how many repetitions, by what they are judged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gluteemg.activation.pipeline import Aim
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.plan import Practise
from gluteemg.muscles import HAMSTRINGS, SIDES, Role, Side

BETWEEN_S = 1.0
"""Rest between two repetitions by time (chosen)."""


@dataclass(frozen=True)
class Prescription:
    """A step of a plan, filled up from the least of the exercise's dose.

    Parameters
    ----------
    step : Practise
        What the plan says.
    exercise : Exercise
        What is practised.
    roles : tuple of Role
        What is worn; nothing, as long as that is not known.
    comparable : bool
        Whether muscles and sides may be compared (`Calibration.comparable`).
    """

    step: Practise
    exercise: Exercise
    roles: tuple[Role, ...] = ()
    comparable: bool = True

    @cached_property
    def sets(self) -> tuple[Side | None, ...]:
        """Which side works in each set; None: both, or in turn."""
        sides = (self.step.sides or SIDES) if self.exercise.side_mode == "one" else (None,)
        return sides * (self.step.sets or self.exercise.dose.sets.least)

    @cached_property
    def reps(self) -> int:
        """How many repetitions a set has: where sides take turns, so many for each of those that can be heard."""
        reps = self.step.reps or self.exercise.dose.reps.least
        turns = 2 if len({role.side for role in self._target}) != 1 else 1
        return reps * turns if self.exercise.side_mode == "alternating" else reps

    @property
    def hold_s(self) -> float:
        """How long the last hold of a set lasts; 0 for none."""
        return self.exercise.dose.hold_s if self.step.hold_s is None else self.step.hold_s

    @property
    def rest_s(self) -> float:
        """How long to rest between sets."""
        return self.exercise.dose.rest_s if self.step.rest_s is None else self.step.rest_s

    @property
    def in_tempo(self) -> bool:
        """Whether the planned tempo is asked for."""
        return self.step.pace != "free"

    @cached_property
    def cycle_s(self) -> float:
        """How long one repetition by the planned tempo lasts, with the rest after it."""
        loose_s = sum(phase.tempo_s for phase in self.exercise.phases if phase.loose)
        return self.exercise.work_s + max(BETWEEN_S, loose_s)

    @cached_property
    def aim(self) -> Aim:
        """What repetitions are judged by: the floor alone where the muscles of the share are not worn, or not comparable."""
        aim = self.exercise.aim
        glutes, hamstrings = ({r.side for r in self.roles if _stands_for(r, m)} for m in ("gluteus_maximus", "hamstrings"))
        return aim if glutes & hamstrings and self.comparable else aim.model_copy(update={"zone": None})

    def working(self, at: int) -> list[Role]:
        """Give the sensors of the target on the side that works in a set, from 0."""
        return [role for role in self._target if self.sets[at] in (None, role.side)]

    @cached_property
    def _target(self) -> list[Role]:
        return [role for role in self.roles if _stands_for(role, self.exercise.target[0])]


def _stands_for(role: Role, target: str) -> bool:
    return role.muscle == target or (target == "hamstrings" and role.muscle in HAMSTRINGS)
