"""What is said of one repetition: one reason, the one that matters most."""

from __future__ import annotations

from gluteemg.activation.rep import Rep
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.message import Message

MOST_OFF = 0.5
"""How far a repetition may be from the planned tempo, as a fraction of it (mission: ±50 %; a proposal of this project)."""


def tempo_of(rep: Rep, exercise: Exercise) -> float | None:
    """Give how long a repetition took over how long it was planned; None where that cannot be told."""
    return (rep.end_s - rep.start_s) / exercise.work_s if rep.counted else None


def verdict(rep: Rep, exercise: Exercise, *, in_tempo: bool = True) -> Message:
    """Say what a repetition was: why it is not scored, else which muscle led, else its floor, else its tempo, else good."""
    tempo = tempo_of(rep, exercise) if in_tempo else None
    if not rep.scored:
        return Message(f"rep.{next(iter(rep.reasons), 'not_scored')}")
    if rep.in_zone is False:
        return Message("rep.hamstrings_led" if rep.led_by == "hamstrings" else "rep.under_zone")
    if rep.over_floor is False:
        return Message("rep.under_floor")
    if tempo is not None and tempo < 1 - MOST_OFF:
        return Message("rep.too_fast")
    if tempo is not None and tempo > 1 + MOST_OFF:
        return Message("rep.slow")
    return Message("rep.in_zone" if rep.in_zone else "rep.over_floor")


def is_good(rep: Rep, exercise: Exercise, *, in_tempo: bool = True) -> bool:
    """Tell whether it was a good one: scored, in its zone and over its floor where it has them, near the planned tempo."""
    return verdict(rep, exercise, in_tempo=in_tempo).id in ("rep.in_zone", "rep.over_floor")
