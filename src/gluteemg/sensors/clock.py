"""A sensor's own clock, read from the arrival of its packets."""

from __future__ import annotations

from bisect import bisect
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.decoder import Chunk

SETTLED_S = 4.0
"""Seconds of signal after which the measured rate is believed (chosen: it is within 0.5 % by then, with packets every 10 to
33 ms and intervals up to 50 ms)."""

_INTERVAL_S = 0.050
"""Longest connection interval that is reckoned with (chosen: phones and computers give 7.5 to 50 ms)."""
_NOMINAL_WORTH_S = 0.2
"""For how long a measurement the nominal rate counts (it lies by up to 25 %: an interval hides that for 0.2 s)."""
_WINDOW_S = 60.0
"""How far back the rate is looked for (chosen: long enough for a packet period that beats slowly with the interval to show its
earliest packets; so short that a crystal that warms by 1 ppm a minute stays within 0.1 ms of a line)."""
_REACH_S = 10.0
"""How far back the offset is looked for (chosen, of 5 to 60 s: 5 s loses packets that beat with the interval in half a minute;
over 20 s an error of the rate shows, 5 ms in place of 4 for 20 ms packets at 15 ms)."""
_MOST_OFF = 2.0
"""A rate beyond half or twice the nominal one is none (chosen)."""
_KEPT = 0.75
"""Part of what is known of the rate that outlives a jump (chosen: a rate that did change is found after a few)."""
_BLOCK_S = 0.25
"""Time of which only the earliest packet counts (chosen: a dozen packets of a sensor that sends 46 a second)."""
_YOUNG_BLOCK = 1 / 8
"""A young line takes shorter blocks, this part of its age (chosen: at first every packet moves it)."""
_LOST_S = 1.2
"""How long every packet must be late before samples are missing (chosen: for a second, it is the radio)."""
_GONE_S = 4 * _LOST_S
"""How long they may be late by ever changing times (chosen: no backlog takes as long)."""
_DOUBT_S = 0.005
"""Smallest distance from the line that is no scatter (chosen: the alignment that is asked for)."""
_FIRST_SCATTER_S = 0.020
"""Scatter where nothing is known yet (chosen: the mean wait for an interval, nearly)."""
_SCATTER_BLOCKS = 40
"""Blocks over which the scatter is averaged (chosen: 10 s)."""
_SLEW_S = 1.0
"""Time constant of leading session time to a line that moved (chosen: 10 ms are 1 % of pace for a second)."""

_Point = tuple[int, float]


class SensorClock:
    """Turns sample numbers into session time, causally, by the packets that were on time.

    A packet is never early: it waits for a connection event, for the host, for a stall to pass. So the truth lies under the
    arrivals, and the line is taken from their lower convex hull [1]_ [2]_: its slope from the edge under the middle of the last
    minute, which is the line below all arrivals with the least sum of distances to them, found without a search; its height
    from the hull over the last ten seconds. What is late, be it a burst, does not touch the hull at all. Measured in
    ``benchmarks/clocks.py``: where sensors share one interval, lines through the middle of the earliest packets (Huber, Theil
    and Sen) agree as well, within 1 ms; but their height grows with the interval, and sensors at 15, 30 and 50 ms are 3.5 ms
    apart by them, 20 ms by least squares over all packets, and 1.3 ms by the hull.

    Packets whose period shares a measure g with the interval (20 and 30 ms: 10 ms) always wait the same few times, all of them
    up to g too long; no reading of arrivals can see that, and the times stay late by less than g until drift shows it.

    Only the earliest packet of a quarter second is looked at. One that lies under the line by more than an interval says that
    the numbers ran ahead; if all lie above it for `_LOST_S`, and level, samples are missing that nobody counted: then time
    steps forward. Everything else is led to gently. All decisions follow from the packets alone, not from the cut into calls.

    Parameters
    ----------
    rate_hz : float
        Nominal rate, where the fit begins.
    exact : bool
        Take ``index / rate_hz`` as it is: for imported files, whose samples carry their time.

    References
    ----------
    .. [1] S. B. Moon, P. Skelly, D. Towsley, Estimation and removal of clock skew from network delay measurements, IEEE INFOCOM
       1999, 227-234, doi:10.1109/INFCOM.1999.749287.
    .. [2] L. Zhang, Z. Liu, C. H. Xia, Clock synchronization algorithms for network measurements, IEEE INFOCOM 2002, 160-169.
    """

    def __init__(self, rate_hz: float, *, exact: bool = False) -> None:
        self._exact = exact
        self._nominal_s = 1 / rate_hz
        self._line = _Line(1 / rate_hz)
        self._restarted = True
        self._rate_hz = np.nan  # as far as it is believed
        self._last: _Point = (0, -np.inf)  # last sample of the last packet, and its session time
        self._pace = _Pace(0, 0.0, 1 / rate_hz, 0.0, 0.0, -np.inf, np.nan)
        self._latest_s = -np.inf
        self._scatter_s, self._blocks = _FIRST_SCATTER_S, 1
        self._block_since_s = self._block_until_s = 0.0
        self._earliest: _Point = (0, 0.0)  # of the block
        self._excess_s = np.inf  # its distance above the line
        self._late: list[_Point] = []  # earliest packets of the blocks that are late one after the other
        self._late_by_s = self._late_for_s = self._amiss_s = 0.0

    @property
    def rate_hz(self) -> float:
        """The rate as measured so far."""
        return 1 / self._line.period_s

    def restart(self) -> None:
        """Say that the sensor was connected anew: its offset is measured afresh, its rate is kept."""
        self._restarted = True

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
            Measured rate; NaN until it rests on `SETTLED_S`, and for payloads without samples.
        """
        rates = np.full(len(chunk.counts), np.nan)
        if self._exact:
            return (chunk.index * self._nominal_s).astype(np.float64), rates
        brings = np.flatnonzero(chunk.counts)
        if not len(brings):
            return np.empty(0), rates
        counts = chunk.counts[brings]
        last = chunk.index[np.cumsum(counts) - 1]
        last_s, period_s, rates[brings] = self._take(last, arrival_s[brings])
        behind = np.repeat(last, counts) - chunk.index
        times = np.repeat(last_s, counts) - behind * np.repeat(period_s, counts)
        times[0] = max(times[0], self._latest_s)
        if (times[1:] < times[:-1]).any():
            np.maximum.accumulate(times, out=times)
        self._latest_s = float(times[-1])
        return times, rates

    def _take(self, index: NDArray[np.int64], arrival_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the time of each packet's last sample, its period and its rate, shape (3, n_packets)."""
        indices, arrivals = index.tolist(), arrival_s.tolist()
        first, before = self._last
        paces: list[_Pace] = []
        sizes: list[int] = []
        stepped: list[int] = []  # packets that stand on a line that jumped
        start = 0
        while start < len(indices):
            packet = indices[start], arrivals[start]
            if self._enter(packet):
                stepped.append(start)
            stop = start + self._look_at(indices, arrivals, start)
            paces.append(self._pace)
            sizes.append(stop - start)
            self._last = indices[stop - 1], self._pace.at(indices[stop - 1])
            start = stop
        origin, origin_s, line_s, ahead_s, base_s, least_s, rate_hz = np.repeat(np.array(paces), sizes, axis=0).T
        on_line_s = origin_s + (index - origin) * line_s
        time_s = np.maximum(on_line_s + ahead_s * _SLEW_S / (_SLEW_S + (on_line_s - base_s)), least_s)
        period_s = np.diff(time_s, prepend=before) / np.maximum(np.diff(index, prepend=first), 1)
        period_s[stepped] = line_s[stepped]
        return np.stack((time_s, period_s, rate_hz))

    def _enter(self, packet: _Point) -> bool:
        """Open another block if the packet does not belong to the present one; say whether it goes straight to its line."""
        before, before_s = self._last
        line, stepped = self._line, self._restarted
        if self._restarted:
            self._begin(packet)
        elif not self._block_since_s <= packet[1] < self._block_until_s:
            stepped = self._close(packet[1])
            self._open(packet[1])
        elif line.origin == self._pace[:2]:  # a line that has jumped has another one
            return False
        base_s = line.at(packet[0] if stepped else before)
        ahead_s = before_s - base_s
        self._pace = _Pace(
            *line.origin, line.period_s, max(ahead_s, 0.0) if stepped else ahead_s, base_s, before_s, self._rate_hz
        )
        return stepped

    def _look_at(self, indices: list[int], arrivals: list[float], start: int) -> int:
        """Look for the earliest packet of the block, from packet `start` on; give how many belong to the block."""
        origin, origin_s, period_s = self._pace[:3]
        since_s, until_s = self._block_since_s, self._block_until_s
        for at in range(start, len(indices)):
            arrival_s = arrivals[at]
            if not since_s <= arrival_s < until_s and at > start:
                return at - start
            excess_s = arrival_s - (origin_s + (indices[at] - origin) * period_s)
            if excess_s < self._excess_s:
                self._earliest, self._excess_s = (indices[at], arrival_s), excess_s
        return len(indices) - start

    def _begin(self, packet: _Point) -> None:
        """Start with the first packet, or the first after a restart, or the first that shows that the numbers ran ahead."""
        self._restarted = False
        self._line.jump([packet])
        self._scatter_s, self._blocks = _FIRST_SCATTER_S, 1
        self._late, self._amiss_s = [], 0.0
        self._open(packet[1])

    def _open(self, arrival_s: float) -> None:
        self._block_since_s = arrival_s
        self._block_until_s = arrival_s + min(_BLOCK_S, self._line.age_s * _YOUNG_BLOCK)
        self._excess_s = np.inf

    def _close(self, now_s: float) -> bool:
        """Take the earliest packet of a block; say whether time steps forward."""
        doubt_s = _DOUBT_S + 3 * self._scatter_s + self._line.doubt_s(self._earliest[0])
        if self._excess_s > doubt_s:
            return self._wait(min(now_s - self._block_since_s, _BLOCK_S), doubt_s)
        if self._excess_s < -doubt_s - _INTERVAL_S:
            self._begin(self._earliest)
            return False
        self._late, self._amiss_s = [], 0.0
        self._blocks = min(self._blocks + 1, _SCATTER_BLOCKS)
        self._scatter_s += (abs(self._excess_s) - self._scatter_s) / self._blocks
        self._line.add(self._earliest)
        self._line.fit()
        if self._line.known_for_s >= SETTLED_S:
            self._rate_hz = self.rate_hz
        return False

    def _wait(self, block_s: float, doubt_s: float) -> bool:
        """Take a block that is late as a whole; once that has lasted, samples are missing and the line steps to it."""
        self._amiss_s += block_s
        risen_s = self._excess_s - self._late_by_s
        if not self._late or not -doubt_s <= risen_s <= doubt_s + _INTERVAL_S:  # a backlog that grows or is worked off
            self._late, self._late_for_s = [], 0.0
        self._late.append(self._earliest)
        self._late_by_s = self._excess_s
        self._late_for_s += block_s
        if self._late_for_s < _LOST_S and self._amiss_s < _GONE_S:
            return False
        self._line.jump(self._late)
        self._late, self._amiss_s = [], 0.0
        return True


class _Pace(NamedTuple):
    """How time goes in one block: along the line, led to it from where it was."""

    origin: int
    origin_s: float
    period_s: float
    ahead_s: float  # of the line, at `base_s` of it
    base_s: float
    least_s: float  # never before this
    rate_hz: float  # as far as it is believed

    def at(self, index: int) -> float:
        """Give the session time of a sample."""
        on_line_s = self.origin_s + (index - self.origin) * self.period_s
        return max(on_line_s + self.ahead_s * _SLEW_S / (_SLEW_S + (on_line_s - self.base_s)), self.least_s)


class _Line:
    """The lower convex hull of packets that were on time, and the line through it: session time of each sample number."""

    def __init__(self, nominal_s: float) -> None:
        self._nominal_s = self._known_s = self.period_s = nominal_s
        self._worth_s = _NOMINAL_WORTH_S
        self._window, self._reach = (round(s / nominal_s) for s in (_WINDOW_S, _REACH_S))
        self._hull: list[_Point] = []
        self._slopes: list[float] = []  # of its edges
        self.origin: _Point = (0, 0.0)
        self.age_s = 0.0

    def at(self, index: int) -> float:
        """Give the session time of a sample."""
        return self.origin[1] + (index - self.origin[0]) * self.period_s

    @property
    def known_for_s(self) -> float:
        """Seconds of measurement that the rate rests on."""
        return self.age_s + self._worth_s

    def doubt_s(self, index: int) -> float:
        """Say by how much the line may be off at a sample because the rate is: an interval in the time it was measured for."""
        return _INTERVAL_S / self.known_for_s * (index - self._hull[-1][0]) * self._nominal_s

    def jump(self, packets: list[_Point]) -> None:
        """Begin anew with these packets; what is known of the rate counts on, though for less."""
        if self._hull:
            worth_s = _KEPT * min(self.known_for_s, _WINDOW_S)
            self._known_s, self._worth_s = self.period_s, max(worth_s, _NOMINAL_WORTH_S)
        self._hull, self._slopes = [], []
        for packet in packets:
            self.add(packet)
        self.fit()

    def add(self, packet: _Point) -> None:
        """Put a packet at the end of the hull (Andrew's monotone chain)."""
        hull, slopes = self._hull, self._slopes
        if hull:
            if packet[0] <= hull[-1][0]:
                return
            slope = _slope(hull[-1], packet)
            while slopes and slopes[-1] >= slope:
                del hull[-1], slopes[-1]
                slope = _slope(hull[-1], packet)
            slopes.append(slope)
        hull.append(packet)

    def fit(self) -> None:
        """Lay the line along the hull."""
        hull, slopes = self._hull, self._slopes
        end = hull[-1][0]
        self._forget(end - self._window)
        self.age_s = (end - hull[0][0]) * self._nominal_s
        if self.age_s:
            steepness = slopes[self._edge((hull[0][0] + end) // 2)]
            new, old = self.age_s**2, self._worth_s**2
            period_s = (new * steepness + old * self._known_s) / (new + old)
            self.period_s = min(max(period_s, self._nominal_s / _MOST_OFF), self._nominal_s * _MOST_OFF)
        touch = len(hull) - 1
        while touch and slopes[touch - 1] > self.period_s:
            touch -= 1
        self.origin = hull[touch]
        reach = end - self._reach
        if hull[touch][0] < reach:
            self.origin = self._on_edge(self._edge(reach), reach)

    def _forget(self, begin: int) -> None:
        """Cut the hull off at a sample number."""
        hull, slopes = self._hull, self._slopes
        while slopes and hull[1][0] <= begin:
            del hull[0], slopes[0]
        if slopes and hull[0][0] < begin:
            hull[0] = self._on_edge(0, begin)
            slopes[0] = _slope(hull[0], hull[1])

    def _edge(self, index: int) -> int:
        """Tell which edge lies over a sample number that is not before the hull."""
        return min(bisect(self._hull, (index, np.inf)), len(self._slopes)) - 1

    def _on_edge(self, edge: int, index: int) -> _Point:
        begin, begin_s = self._hull[edge]
        return index, begin_s + (index - begin) * self._slopes[edge]


def _slope(one: _Point, other: _Point) -> float:
    return (other[1] - one[1]) / (other[0] - one[0])
