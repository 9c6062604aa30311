"""The last seconds of raw signal, ready to be drawn: written by one thread, read by another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gluteemg.muscles import Placement, Role
from gluteemg.sensors.profile import FirmwareProfile

WINDOW_S = 10.0
"""How much is shown (chosen: one or two repetitions)."""
BINS = 800
"""Columns of the window (chosen: about one for two pixels; more cannot be seen and costs painting)."""
_BIN_S = WINDOW_S / BINS
_SLACK_S = 0.005
"""A step this much longer than usual is still no hole (chosen: a clock that is fitted anew moves by less)."""

_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Channel:
    """One trace: what it is, how fast it comes, and the scale that it is printed with.

    Parameters
    ----------
    role : Role
        Muscle and side.
    rate_hz : float
        Samples a second, as the profile states it.
    unit : str
        "µV" or "counts".
    full_scale : float
        What half the height of a lane stands for, in `unit`; fixed, so that heights can be compared.
    sensor : str
        Where it comes from.
    kind : str
        What the sensor makes of the signal: ``raw``, ``envelope`` …
    hardware : str
        Whether gluteemg was ever tried with such a sensor: ``tested``, ``untested``, or ``none`` for what is no device.
    """

    role: Role
    rate_hz: float
    unit: str = "µV"
    full_scale: float = 500.0
    sensor: str = ""
    kind: str = "raw"
    hardware: str = "none"

    @classmethod
    def of(cls, placement: Placement, profile: FirmwareProfile) -> Self:
        """Describe the trace of one channel of a sensor."""
        signal, unit = profile.signal, "µV" if profile.signal.unit == "uV" else "counts"
        return cls(placement.role, signal.rate_hz, unit, sensor=placement.sensor, kind=signal.kind, hardware=profile.hardware)


@dataclass(frozen=True, slots=True)
class Trace:
    """What one channel holds now.

    Parameters
    ----------
    t_s : ndarray of shape (n,)
        Session time at the start of each column, ascending.
    low, high : ndarray of shape (n,)
        Least and greatest sample of each column, in the channel's unit.
    joined : ndarray of shape (n,), bool
        Whether the column continues the one before; false at the start and after a hole.
    holes : sequence of (float, float)
        Start and end of what is missing, in session time.
    """

    t_s: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    joined: NDArray[np.bool_]
    holes: Sequence[tuple[float, float]]


class TraceRing:
    """Least and greatest sample of every column of the last ten seconds, for each channel.

    `put` may be called from any thread, `snapshot` from another; neither waits longer than a copy takes.

    Parameters
    ----------
    channels : sequence of Channel
        What is drawn, from top to bottom.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = tuple(channels)
        self._lock = threading.Lock()
        self._rings = {channel.role: _Ring(channel.rate_hz) for channel in channels}

    def put(self, role: Role, t_s: NDArray[np.float64], emg: NDArray[np.float64]) -> None:
        """Add samples of one channel.

        Parameters
        ----------
        role : Role
            Which; one that is not drawn is left out.
        t_s : ndarray of shape (n,)
            Session time of each, never decreasing.
        emg : ndarray of shape (n,)
            In the channel's unit; NaN is missing.
        """
        if role in self._rings and len(t_s):
            with self._lock:
                self._rings[role].put(t_s, emg)

    def snapshot(self) -> tuple[float, dict[Role, Trace]]:
        """Give the time of the latest sample of all channels, and what each holds of the ten seconds before it."""
        with self._lock:
            now_s = max((ring.last_s for ring in self._rings.values()), default=-np.inf)
            return now_s, {role: ring.trace(now_s) for role, ring in self._rings.items()}


class _Ring:
    def __init__(self, rate_hz: float) -> None:
        self._longest_step_s = 1 / rate_hz + max(0.5 / rate_hz, _SLACK_S)
        self._column = np.full(BINS, _NEVER, np.int64)
        self._low = np.zeros(BINS)
        self._high = np.zeros(BINS)
        self._joined = np.zeros(BINS, np.bool_)
        self._holes: deque[tuple[float, float]] = deque(maxlen=BINS)
        self.last_s = -np.inf

    def put(self, t_s: NDArray[np.float64], emg: NDArray[np.float64]) -> None:
        known = np.isfinite(emg)
        t_s, emg = t_s[known], emg[known]
        if not len(t_s):
            return
        t_s = np.maximum.accumulate(np.maximum(t_s, self.last_s))  # a clock that is fitted anew may step back a little
        steps = np.diff(t_s, prepend=self.last_s if np.isfinite(self.last_s) else t_s[0])
        breaks = np.flatnonzero(steps > self._longest_step_s)
        self._holes.extend((float(t_s[i] - steps[i]), float(t_s[i])) for i in breaks)

        column = np.floor(t_s / _BIN_S).astype(np.int64)
        first = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
        columns, low, high = column[first], np.minimum.reduceat(emg, first), np.maximum.reduceat(emg, first)
        joined = np.ones(len(columns), np.bool_)
        joined[np.searchsorted(columns, column[breaks])] = False
        if not np.isfinite(self.last_s):
            joined[0] = False
        at = columns % BINS
        if self._column[at[0]] == columns[0]:
            low[0], high[0] = min(low[0], self._low[at[0]]), max(high[0], self._high[at[0]])
            joined[0] &= self._joined[at[0]]
        keep = slice(-BINS, None)
        self._column[at[keep]], self._joined[at[keep]] = columns[keep], joined[keep]
        self._low[at[keep]], self._high[at[keep]] = low[keep], high[keep]
        self.last_s = float(t_s[-1])

    def trace(self, now_s: float) -> Trace:
        if not np.isfinite(now_s):
            none = np.empty(0)
            return Trace(none, none, none, np.empty(0, np.bool_), ())
        oldest = int(np.floor(now_s / _BIN_S)) - BINS + 1
        shown = np.flatnonzero(self._column >= oldest)
        shown = shown[np.argsort(self._column[shown])]
        holes = [(start, end) for start, end in self._holes if end > now_s - WINDOW_S]
        if np.isfinite(self.last_s) and now_s - self.last_s > max(self._longest_step_s, 0.25):
            holes.append((self.last_s, now_s))  # nothing comes any more: packets of the others are not that late
        t_s = self._column[shown].astype(np.float64) * _BIN_S
        return Trace(t_s, self._low[shown], self._high[shown], self._joined[shown], holes)
