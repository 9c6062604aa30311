"""A sensor's own clock, read from the arrival of its packets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.decoder import Chunk

_MEMORY_PACKETS = 400
"""Packets over which offset and rate are averaged (chosen: about 10 s of a sensor that sends 40 a second)."""
_TRUST_PACKETS = 12
"""How many packets the first arrival and the nominal rate are worth (chosen: jitter of 10 ms would move the rate by 5 %)."""
SETTLED_PACKETS = 200
"""Packets after which the measured rate is believed (chosen: 4 s of a sensor that sends 46 a second)."""


class SensorClock:
    """Turns sample numbers into session time, causally.

    A straight line through (sample number, arrival), fitted with fading memory by the gains of a least-squares fit over the
    packets so far [1]_, held at `_MEMORY_PACKETS`. Arrival times scatter by a connection interval; the line does not.

    Parameters
    ----------
    rate_hz : float
        Nominal rate, where the fit begins.
    exact : bool
        Take ``index / rate_hz`` as it is: for imported files, whose samples carry their time.

    References
    ----------
    .. [1] E. Brookner, Tracking and Kalman Filtering Made Easy, Wiley 1998, section 1.2.10 (expanding-memory g-h filter).
    """

    def __init__(self, rate_hz: float, *, exact: bool = False) -> None:
        self._exact = exact
        self._period_s = 1 / rate_hz
        self._index = 0
        self._t_s = 0.0
        self._latest_s = -np.inf
        self._packets = 0

    @property
    def rate_hz(self) -> float:
        """The rate as measured so far."""
        return 1 / self._period_s

    def restart(self) -> None:
        """Say that the sensor was connected anew: its offset is measured afresh, its rate is kept."""
        self._packets = 0

    def times(self, chunk: Chunk, arrival_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the session time of every sample, and the rate as it stood after every payload.

        Parameters
        ----------
        chunk : Chunk
            New samples of this sensor.
        arrival_s : ndarray of shape (n_payloads,), float64
            Arrival of the payloads they came in, in seconds since session zero.

        Returns
        -------
        times_s : ndarray of shape (n_samples,), float64
            Seconds since session zero; never a step backwards, whatever the arrivals did.
        rates_hz : ndarray of shape (n_payloads,), float64
            Measured rate; NaN until `SETTLED_PACKETS` have come.
        """
        n_payloads = len(chunk.counts)
        if self._exact:
            return (chunk.index * self._period_s).astype(np.float64), np.full(n_payloads, np.nan)
        last, offset, period, rates = (np.full(n_payloads, np.nan) for _ in range(4))
        ends = np.cumsum(chunk.counts) - 1
        for i in np.flatnonzero(chunk.counts):
            index = int(chunk.index[ends[i]])
            self._observe(index, float(arrival_s[i]))
            last[i], offset[i], period[i] = index, self._t_s, self._period_s
            if self._packets >= SETTLED_PACKETS:
                rates[i] = 1 / self._period_s
        behind = np.repeat(last, chunk.counts) - chunk.index
        times = np.repeat(offset, chunk.counts) - behind * np.repeat(period, chunk.counts)
        if len(times):
            times = np.maximum.accumulate(np.maximum(times, self._latest_s))
            self._latest_s = float(times[-1])
        return times, rates

    def _observe(self, index: int, arrival_s: float) -> None:
        """Move the line towards one packet: its last sample and its arrival."""
        self._packets = min(self._packets + 1, _MEMORY_PACKETS)
        n = self._packets + _TRUST_PACKETS
        passed = index - self._index
        predicted = self._t_s + passed * self._period_s
        error = arrival_s - predicted
        if self._packets == 1:  # the first one, or the first after a restart
            self._t_s = arrival_s
        else:
            self._t_s = predicted + 2 * (2 * n - 1) / (n * (n + 1)) * error
            self._period_s += 6 / (n * (n + 1)) * error / max(passed, 1)
        self._index = index
