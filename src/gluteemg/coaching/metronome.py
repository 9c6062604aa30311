"""Counts repetitions by the planned tempo while the target cannot be heard, so that a set comes to its end in any case."""

from __future__ import annotations

from gluteemg.coaching.part import frames_of, seconds

UNHEARD_S, BACK_S = 3.0, 1.0
"""How long the target is not heard before the clock leads, and heard again before it no longer does (chosen: a reconnection
often takes less than the one; a signal that flickers is not back)."""


class Metronome:
    """Leads while nobody is heard.

    Parameters
    ----------
    cycle_s : float
        One repetition with the rest after it.
    waits : bool
        Whether to wait `UNHEARD_S` at first: not where there is no sensor at all.
    """

    def __init__(self, cycle_s: float, *, waits: bool) -> None:
        self._cycle, self._wait = frames_of(cycle_s), frames_of(UNHEARD_S) if waits else 0
        self._silent_since: int | None = None  # grid index
        self._heard_since: int | None = None
        self._began: int | None = None  # of the cycle that goes on
        self._led_from: int | None = None

    @property
    def leads(self) -> bool:
        """Whether the clock leads."""
        return self._began is not None

    def elapsed_s(self, now: int) -> float:
        """Give how long the present cycle lasts, at a grid index."""
        return 0.0 if self._began is None else seconds(now - self._began)

    def began_before(self, t_s: float) -> bool:
        """Tell whether it led at a time, and still does: what is heard of then has been counted by the clock."""
        return self._led_from is not None and t_s >= seconds(self._led_from)

    def tick(self, now: int, *, heard: bool) -> bool:
        """Take whether the target is heard at a grid index; tell whether a repetition is over by the clock."""
        if heard:
            self._heard_since = now if self._heard_since is None else self._heard_since
            if now - self._heard_since >= frames_of(BACK_S):
                self._silent_since = self._began = self._led_from = None
                return False
        else:
            self._heard_since = None
            self._silent_since = now if self._silent_since is None else self._silent_since
        if self._silent_since is None:
            return False
        if self._began is None and now - self._silent_since >= self._wait:
            self._began = self._led_from = now
        if self._began is None or now - self._began < self._cycle:
            return False
        self._began = now
        return True

    def stand(self) -> None:
        """Begin the present cycle again after a hole in time."""
        self._silent_since = self._heard_since = self._began = self._led_from = None
