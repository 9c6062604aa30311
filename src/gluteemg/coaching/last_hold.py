"""The last hold of a set: how long it is in the zone, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gluteemg.activation.frame import Frames, Verdict
from gluteemg.activation.rep import Rep
from gluteemg.coaching.message import Message
from gluteemg.coaching.part import seconds
from gluteemg.coaching.prescription import Prescription

HOLD_WAIT_S = 15.0
"""How long a last hold is waited for (chosen)."""
_LEAST = 0.3  # what is held shorter than this part of the hold was no hold (chosen)


class LastHold:
    """One hold; the longest of several tries counts.

    Parameters
    ----------
    asked : Prescription
        How long, and whether a share is judged; else it is enough that the target works.

    Attributes
    ----------
    passed_s : float
        How long the present try lasts; by the clock, while nothing is heard.
    """

    def __init__(self, asked: Prescription) -> None:
        self._asked = asked
        self._held = self._longest = 0  # frames in the zone, of the present try and of the longest
        self._trying = False
        self.passed_s = 0.0

    def feed(self, frames: Frames, reps: Sequence[Rep], waited_s: float, *, heard: bool) -> bool:
        """Take what came, with how long the hold has been asked for; tell whether it is over."""
        if not heard:
            self.passed_s = waited_s
            return waited_s >= self._asked.hold_s
        good = np.isin(frames.verdict, (Verdict.IN_ZONE, Verdict.GLUTES_LEAD))
        if self._asked.aim.zone is None:
            good = ~np.isnan(frames.rep_elapsed_s)
        elapsed_s, before = float(frames.rep_elapsed_s[-1]), self._trying
        self._trying = not np.isnan(elapsed_s)
        self.passed_s = elapsed_s if self._trying else 0.0
        self._held = int(good.sum()) + (self._held if self._trying and before else 0)
        self._longest = max(self._longest, self._held)
        was_one = any(rep.end_s - rep.start_s >= _LEAST * self._asked.hold_s for rep in reps)
        return was_one or elapsed_s >= self._asked.hold_s or (not self._trying and waited_s >= HOLD_WAIT_S)

    @property
    def held_s(self) -> float:
        """How long it was in the zone, at most what was asked for."""
        return min(self._asked.hold_s, seconds(self._longest))

    def verdict(self, held_s: float | None) -> Message:
        """Say what it was; by time, if it could not be heard."""
        how = "by_time" if held_s is None else "held" if self._asked.aim.zone is None else "in_zone"
        return Message(f"hold.{how}", {"seconds": round(held_s or 0.0), "of": round(self._asked.hold_s)})
