"""What a session knows at one instant: the one thing the Train screen is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gluteemg.activation.frame import Frame
from gluteemg.activation.repetition import Rep
from gluteemg.coaching.coach import Cue
from gluteemg.muscles import Role
from gluteemg.processing.quality import State

Stage = Literal["searching", "reference", "running", "paused", "finished"]
UNCERTAINTY = 0.14
"""95 % range of ``ln R`` over 500 ms: what two independent envelopes of that length leave open."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a session knows now.

    Parameters
    ----------
    stage : {"searching", "reference", "running", "paused", "finished"}
        What the person is in.
    frame : Frame or None
        The latest instant; None before the first.
    reps : tuple of Rep
        Finished repetitions of this set.
    cue : Cue
        What the coach shows now.
    sensors : mapping of Role to State or None
        Every sensor of the session; None where it has not been found yet. `frame` wins where it knows better.
    set_number : int
        From 1.
    method : {"ref", "mvic"}
        Kind of the reference: which floor holds, and the unit that is printed.
    band : tuple of float or None
        A personal band of ``R``, low and high; None takes the exercise's.
    uncertainty : float
        95 % range of ``ln R``, to either side.
    replay : bool
        The session is a recording.
    """

    stage: Stage = "searching"
    frame: Frame | None = None
    reps: tuple[Rep, ...] = ()
    cue: Cue = field(default_factory=Cue)
    sensors: Mapping[Role, State | None] = field(default_factory=dict)
    set_number: int = 1
    method: Literal["ref", "mvic"] = "ref"
    band: tuple[float, float] | None = None
    uncertainty: float = UNCERTAINTY
    replay: bool = False
