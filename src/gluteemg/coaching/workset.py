"""One set as it goes on: what was counted, by sensor or by the clock, and what it came to."""

from __future__ import annotations

from typing import Any

from gluteemg.activation.rep import Rep
from gluteemg.coaching.message import Message
from gluteemg.coaching.metronome import Metronome
from gluteemg.coaching.part import seconds
from gluteemg.coaching.prescription import Prescription
from gluteemg.coaching.verdict import is_good, verdict

_BEFORE_S = 0.2  # a repetition may be heard so much before a gesture (its thresholds are lower)


class WorkSet:
    """One set.

    Parameters
    ----------
    asked : Prescription
        What is asked for.
    at : int
        Which of its sets, from 0.
    begins : int
        Grid index.

    Attributes
    ----------
    verdict : Message or None
        What its last repetition was, or its last hold.
    metronome : Metronome
        Leads while the target cannot be heard.
    """

    def __init__(self, asked: Prescription, at: int = 0, begins: int = 0) -> None:
        self._asked, self._at = asked, at
        self._since_s = seconds(begins)  # what began before has been counted, or was something else
        self._taken: list[Rep] = []  # repetitions that were heard
        self._by_clock = 0
        self._cut = False
        self.verdict: Message | None = None
        self.metronome = Metronome(asked.cycle_s, waits=bool(asked.working(at)))

    @property
    def count(self) -> int:
        """How many repetitions there are."""
        return len(self._taken) + self._by_clock

    def is_new(self, rep: Rep) -> bool:
        """Tell whether a repetition is neither counted yet nor something else."""
        return rep.start_s >= self._since_s

    def takes(self, rep: Rep) -> bool:
        """Tell whether a repetition is one more of this set."""
        return rep.counted and self.is_new(rep) and not self.metronome.began_before(rep.start_s)

    def take(self, rep: Rep) -> bool:
        """Count a repetition, and say what it was; tell whether it was a good one."""
        self._taken.append(rep)
        self._since_s = rep.end_s
        self.verdict = verdict(rep, self._asked.exercise, in_tempo=self._asked.in_tempo)
        return self._is_good(rep)

    def go_by_clock(self, now: int, *, heard: bool) -> bool:
        """Count by the planned tempo while the target cannot be heard; tell whether there is one more, at a grid index."""
        if not self.metronome.tick(now, heard=heard):
            return False
        self._by_clock += 1
        self._since_s = seconds(now)
        self.verdict = Message("rep.by_time")
        return True

    def count_from(self, now: int) -> None:
        """Count nothing that began before a grid index."""
        self._since_s = seconds(now)

    def take_back(self, since_s: float, now: int) -> None:
        """Count no repetition that began after a time, nor one that goes on at a grid index: it was something else."""
        self.count_from(now)
        self._taken = [rep for rep in self._taken if rep.start_s < since_s - _BEFORE_S]
        self.verdict = None

    def cut(self) -> None:
        """Say nothing of how it went."""
        self._cut, self.verdict = True, None

    @property
    def place(self) -> dict[str, Any]:
        """Which set it is, as events tell it."""
        sets, at = self._asked.sets, self._at
        return {"exercise": self._asked.exercise.id, "set": at + 1, "sets": len(sets), "side": sets[at]}

    @property
    def outcome(self) -> dict[str, Any]:
        """What it came to, with the beginnings of the repetitions that were taken, as events tell it."""
        taken = [round(rep.start_s, 2) for rep in self._taken]
        return {**self.place, "counted": self.count, "good": self._good, "taken": taken}

    @property
    def summary(self) -> Message | None:
        """How it went, in one line: of those that were heard how many were as planned; nothing of one that was cut."""
        if self._cut:
            return None
        good, scored = self._good, sum(rep.scored for rep in self._taken)
        fills = {"good": good, "scored": scored, "reps": self.count, "unheard": self.count - scored}
        if not good:
            return Message("outcome.by_time" if self._by_clock == self.count else "outcome.counted", fills)
        return Message("outcome.all_good" if good == self.count else "outcome.some_good", fills)

    @property
    def _good(self) -> int:
        return sum(map(self._is_good, self._taken))

    def _is_good(self, rep: Rep) -> bool:
        return is_good(rep, self._asked.exercise, in_tempo=self._asked.in_tempo)
