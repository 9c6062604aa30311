"""Whose turn it was: bursts of both sides as left, right, left, for exercises that alternate."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Literal

from gluteemg.activation.bursts import MuscleBurst
from gluteemg.activation.repetition import REST_S
from gluteemg.muscles import Side

TOGETHER_S = 0.2
"""Sides that begin within this take no turns (chosen: what two onsets may be off by, and shorter than any step)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of work of one side, or of both where they began together.

    Parameters
    ----------
    side : {"left", "right", "both"}
        The person's own left or right.
    start_s, end_s : float
        Seconds since session zero.
    """

    side: Literal["left", "right", "both"]
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Alternation:
    """Turns in the order in which they began.

    Parameters
    ----------
    turns : tuple of Turn
        All of them.
    """

    turns: tuple[Turn, ...]

    @property
    def left(self) -> int:
        """Turns of the left side."""
        return sum(turn.side == "left" for turn in self.turns)

    @property
    def right(self) -> int:
        """Turns of the right side."""
        return sum(turn.side == "right" for turn in self.turns)

    @property
    def both(self) -> int:
        """Turns that both sides began together: neither can be told to have led."""
        return sum(turn.side == "both" for turn in self.turns)

    @property
    def missed(self) -> int:
        """How often a side followed itself: the other one was left out each time."""
        return sum(before.side == after.side != "both" for before, after in pairwise(self.turns))


def alternation(bursts: Sequence[MuscleBurst], muscles: Collection[str]) -> Alternation:
    """Tag the bursts of some muscles with their side and put them in order.

    Bursts of one side belong to one turn while the pause between them is shorter than `REST_S` and the other side does not
    begin in it. A side that works on under the turn of the other one (the standing leg of a band walk) has its one turn, from
    when it began.

    Parameters
    ----------
    bursts : sequence of MuscleBurst
        In any order.
    muscles : collection of str
        Muscles whose bursts make the turns, such as ``{"gluteus_medius"}``.

    Returns
    -------
    Alternation
        Without turns where there are no such bursts.
    """
    left, right = (
        sorted((b.on_s, b.off_s) for b in bursts if b.role.side == side and b.role.muscle in muscles)
        for side in ("left", "right")
    )
    turns = _turns("left", left, between=right) + _turns("right", right, between=left)
    return Alternation(tuple(_together(sorted(turns, key=lambda turn: turn.start_s))))


def _turns(side: Side, spans: Sequence[tuple[float, float]], between: Sequence[tuple[float, float]]) -> list[Turn]:
    """Join spans of one side whose pause is short, unless one of the other side begins in it; both are in order."""
    begins = [on_s for on_s, _ in between]
    turns: list[Turn] = []
    for on_s, off_s in spans:
        end_s = turns[-1].end_s if turns else -inf
        if on_s - end_s < REST_S and bisect_left(begins, end_s) >= bisect_left(begins, on_s):
            turns[-1] = Turn(side, turns[-1].start_s, max(end_s, off_s))
        else:
            turns.append(Turn(side, on_s, off_s))
    return turns


def _together(turns: Sequence[Turn]) -> list[Turn]:
    """Make one of two turns of different sides that begin together."""
    found: list[Turn] = []
    for turn in turns:
        if found and {found[-1].side, turn.side} == {"left", "right"} and turn.start_s - found[-1].start_s < TOGETHER_S:
            found[-1] = Turn("both", found[-1].start_s, max(found[-1].end_s, turn.end_s))
        else:
            found.append(turn)
    return found
