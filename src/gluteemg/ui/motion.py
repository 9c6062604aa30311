"""How things on the screen move: pure, told how much time has passed, never faster than the eye should have to bear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

NEEDLE_EASE_S = 0.120
"""Within this time the needle has covered 95 % of a step (chosen: looks immediate, hides the 100 Hz grid)."""
BAR_FALL_S = 0.400
"""A bar takes at least this long from full to empty (chosen: the eye can follow it)."""
FADE_S = 0.200
"""How long one thing takes to become another (chosen: language of the drawings, 150 to 200 ms)."""
HOLD_S = 0.350
"""A change of appearance stays at least this long: never more than three in any second (WCAG 2.3.1 allows three)."""

_SETTLED = 4.744
"""Critically damped, ``1 - (1 + x) exp(-x)`` is 0.95 here."""


class Needle:
    """A critically damped follower: it arrives without passing its mark.

    Parameters
    ----------
    ease_s : float
        Time to cover 95 % of a step.
    """

    def __init__(self, ease_s: float = NEEDLE_EASE_S) -> None:
        self._pull = _SETTLED / ease_s
        self._speed = 0.0
        self.at: float | None = None
        """Where it stands; None while there is nothing to show."""

    def advance(self, target: float | None, dt_s: float) -> float | None:
        """Move towards `target` for `dt_s` seconds. From None it starts where the target is: it never sweeps in."""
        if target is None or self.at is None:
            self.at, self._speed = target, 0.0
            return self.at
        # The exact solution of x'' = -2 w x' - w² x, so that the frame rate changes nothing.
        away = self.at - target
        decay = math.exp(-self._pull * dt_s)
        lead = self._speed + self._pull * away
        self.at = target + (away + lead * dt_s) * decay
        self._speed = (self._speed - self._pull * lead * dt_s) * decay
        return self.at


class Level:
    """The top of a bar: up at once, down no faster than full height in `BAR_FALL_S`."""

    def __init__(self) -> None:
        self.at: float | None = None
        """Fraction of the bar; None while there is no reading."""

    def advance(self, target: float | None, dt_s: float) -> float | None:
        """Follow `target` for `dt_s` seconds."""
        if target is None or self.at is None:
            self.at = target
        else:
            self.at = max(target, self.at - dt_s / BAR_FALL_S)
        return self.at


class Fade(Generic[T]):
    """One thing becomes another in `fade_s`, and then stays for at least `HOLD_S`.

    Parameters
    ----------
    fade_s : float
        Length of the cross-fade; 0 changes at once (numbers, and everything when motion is reduced).
    """

    def __init__(self, fade_s: float = FADE_S) -> None:
        self._fade_s = fade_s
        self._now: list[T] = []
        self._before: list[T] = []
        self._since_s = math.inf

    def advance(self, value: T, dt_s: float) -> bool:
        """Show `value`, or keep the last one while its time has not passed; say whether anything looks different."""
        self._since_s += dt_s
        if not self._now:
            self._now = [value]
            return True
        was_fading = bool(self._before)
        if self._since_s >= self._fade_s:
            self._before = []
        if value != self._now[0] and self._since_s >= HOLD_S:
            self._before = self._now if self._fade_s > 0 else []
            self._now, self._since_s = [value], 0.0
            return True
        return was_fading

    @property
    def value(self) -> T:
        """What is shown, or being faded in."""
        return self._now[0]

    @property
    def layers(self) -> Sequence[tuple[T, float]]:
        """What to draw, bottom up, each with its opacity from 0 to 1."""
        if not self._before:
            return ((self._now[0], 1.0),)
        left = 1.0 - min(1.0, self._since_s / self._fade_s)
        shown = 1.0 - left**3  # ease-out
        return ((self._before[0], 1.0 - shown), (self._now[0], shown))
