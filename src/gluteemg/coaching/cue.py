"""What the person should see, hear and be told now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from gluteemg.coaching.message import Message
from gluteemg.coaching.plan import Rung
from gluteemg.muscles import Side

Activity = Literal[
    "measure", "ready", "countdown", "work", "hold", "rest", "relax", "watch", "task", "question", "paused", "done"
]
"""What the person is in: a protocol is followed; the coach waits for rest; counts down; repetitions; a hold at the end of a
set; between sets; contract and relax; a posture is watched; something that no sensor sees, by time; a question; nothing, by
the person's own wish; nothing more."""
Sign = Literal[
    "count",
    "begin",
    "floor",
    "rep_in_zone",
    "rep",
    "let_go",
    "set_done",
    "rest_over",
    "paused",
    "resumed",
    "signal_lost",
    "signal_back",
    "advice",
    "done",
]
"""What has just happened, each with a sound of its own."""


class Timer(NamedTuple):
    """What is left of a time, and how long it is altogether."""

    left_s: float
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Cue:
    """What the person should see now beside the gauge, and what has just happened.

    Parameters
    ----------
    activity : Activity
        What the person is in.
    advice, reason : Message or None
        One change, and one line why; None while there is nothing to say.
    warning : bool
        The advice is about a signal, not about the movement.
    phase : str or None
        Id of the present phase by the planned tempo; None between repetitions.
    phase_fraction : float
        How much of that phase has passed, 0 to 1.
    instruction : Message or None
        What to do now where it is no phase: lie still, get ready, rest, answer.
    verdict : Message or None
        What the last repetition was, in one reason; until the next one begins.
    exercise : str or None
        Id of what is practised.
    rung : Rung or None
        How it is harder than planned; None where it is not.
    side : {"left", "right"} or None
        Which side works in this set; None for both, or in turn.
    set_number, sets, rep_number, reps : int
        Where the person is: sets from 1, finished repetitions of this set, and how many of each there are to be; 0 where there
        are none.
    timer : Timer or None
        Until what comes next, where time decides.
    question : str or None
        Id of what is asked; see `gluteemg.coaching.safety`.
    signs : tuple of Sign
        What has happened in this very feed, in order: each is told once.
    spoken : tuple of Message
        What is to be said aloud, once, in this very feed.
    """

    activity: Activity = "work"
    advice: Message | None = None
    reason: Message | None = None
    warning: bool = False
    phase: str | None = None
    phase_fraction: float = 0.0
    instruction: Message | None = None
    verdict: Message | None = None
    exercise: str | None = None
    rung: Rung | None = None
    side: Side | None = None
    set_number: int = 0
    sets: int = 0
    rep_number: int = 0
    reps: int = 0
    timer: Timer | None = None
    question: str | None = None
    signs: tuple[Sign, ...] = ()
    spoken: tuple[Message, ...] = ()
