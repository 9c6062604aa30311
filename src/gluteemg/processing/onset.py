"""When a muscle begins to work and when it stops: bursts, found causally in band-passed EMG.

Two questions, two answers. *Is it working?* is decided as early as may be, from the mean power over 40, 80 and 160 ms with
every 5 ms held to a ceiling, so that a single spike decides nothing. *Since when?* is then looked up in the last 400 ms: the
posterior mean of the moment at which the power begins to rise from the rest level [1]_, over steps and ramps.

References
----------
.. [1] The Gaussian likelihood of a change in variance is that of G. Staude, W. Wolf, Objective motor response onset
   detection in surface myoelectric signals, Med Eng Phys 21:449, 1999; the mean in place of its maximum is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HOP_S = 0.005  # step of every decision (chosen: finer than any onset can be told)
_WINDOWS = ((8, 1.7), (16, 1.3), (32, 1.0))
"""Hops in a window, and how far over the threshold its mean power must be (chosen: equally rare at rest)."""
_FLOOR_POWER = 2.0  # threshold over the rest power (chosen: at 1 kHz none false an hour of noise, 8 an hour of EMG at rest)
_SCALE_PART = 0.15  # threshold as a part of the scale (as for repetitions: 15 % of the working level)
_CEILING = 3.0  # most that one hop may count, in thresholds (chosen: a spike of up to 50 ms stays under it)
_QUIET_PART = 0.72  # end of a burst, in thresholds (chosen: half-way back to rest power)
_QUIET_HOPS = 20  # how long it must stay there (chosen: 100 ms, so that a dip does not cut a burst)
_LEAST_HOPS = 30  # shortest burst (chosen: 150 ms; heart beats and taps are shorter, a flick of a muscle is longer)
_LOOK_HOPS = 80  # how far back a beginning is looked for (chosen: 400 ms, a slow rise)
_BEGINNING_HOPS = 2  # spacing of the beginnings that are tried: 10 ms (chosen: their mean is finer)
_RISE_HOPS = (1, 10, 40)  # lengths of rise that are tried: 5, 50 and 200 ms (chosen: more of them tell no more)


@dataclass(frozen=True, slots=True)
class Burst:
    """One stretch of activity.

    Parameters
    ----------
    channel : int
        Column of the EMG.
    on, off : int
        Sample at which it begins, and the one at which it has ended.
    decided : int
        Sample with which it was certain, live, that the muscle works.
    """

    channel: int
    on: int
    off: int
    decided: int


def estimate_floor(rms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate the rest floor of a recording without calibration from its quietest moments.

    Parameters
    ----------
    rms : ndarray of shape (n, n_channels)
        RMS over 500 ms, at any spacing; NaN and zero are not looked at.

    Returns
    -------
    ndarray of shape (n_channels,)
        Mean of what lies within a quarter of the quietest 2 % (chosen: their minimum alone would lie too low); NaN if
        there is nothing.
    """
    floors = []
    for column in rms.T:
        known = column[column > 0]
        quietest = np.quantile(known, 0.02) if len(known) else np.nan
        floors.append(known[known <= 1.25 * quietest].mean() if len(known) else np.nan)
    return np.array(floors)


def estimate_scale(rms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate the working level of a recording without calibration: good for cutting it into bursts, for nothing else.

    Parameters
    ----------
    rms : ndarray of shape (n, n_channels)
        RMS over 500 ms, at any spacing; NaN and zero are not looked at.

    Returns
    -------
    ndarray of shape (n_channels,)
        95th percentile (chosen: the strongest moments are often artefacts); NaN if there is nothing.
    """
    known = [column[column > 0] for column in rms.T]
    return np.array([np.quantile(k, 0.95) if len(k) else np.nan for k in known])


class BurstDetector:
    """Finds bursts while the EMG comes in; the cut of the samples into calls changes nothing.

    After a hole, `finish` this one and begin another with its `first_index`.

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    floor : ndarray of shape (n_channels,)
        RMS at rest, in the unit of the EMG. A channel whose floor and scale are both zero or NaN gives no bursts.
    scale : ndarray of shape (n_channels,), optional
        Working level: activity below 15 % of it is no burst. Without it the floor alone decides.
    first_index : int
        Number of the first sample.
    """

    def __init__(
        self,
        rate_hz: float,
        floor: NDArray[np.float64],
        scale: NDArray[np.float64] | None = None,
        first_index: int = 0,
    ) -> None:
        self._hop = max(2, round(rate_hz * _HOP_S))  # below 300 Hz all lengths grow: a window needs enough samples
        self._first_index = first_index
        # Band-limited noise has two degrees of freedom for each Hz and second.
        self._freedom = 2 * min(450.0, 0.45 * rate_hz) * self._hop / rate_hz
        power = np.nan_to_num(np.asarray(floor, np.float64)) ** 2 * _FLOOR_POWER
        if scale is not None:
            power = np.maximum(power, (_SCALE_PART * np.nan_to_num(np.asarray(scale, np.float64))) ** 2)
        self._threshold = np.where(power > 0, power, np.inf)
        n_channels = len(power)
        self._rest = np.empty((0, n_channels))
        self._power = np.zeros((_LOOK_HOPS, n_channels))
        self._hops = 0
        self._open: list[tuple[float, int] | None] = [None] * n_channels
        self._free_from = [0.0] * n_channels

    @property
    def active(self) -> NDArray[np.bool_]:
        """Whether each channel is in a burst after the last sample fed, shape (n_channels,)."""
        return np.array([running is not None for running in self._open])

    def feed(self, emg: NDArray[np.float64]) -> list[Burst]:
        """Take new samples and give the bursts that have ended with them.

        Parameters
        ----------
        emg : ndarray of shape (n_samples, n_channels)
            Band-passed, without holes.

        Returns
        -------
        list of Burst
            In the order in which their ends were certain.
        """
        new = self._hop_power(emg)
        power = np.concatenate((self._power, new))
        working, quiet = self._judge(power)
        ended = [e for channel in range(power.shape[1]) for e in self._walk(channel, working, quiet, power)]
        self._power = power[len(new) :]
        self._hops += len(new)
        return [burst for _, burst in sorted(ended, key=lambda e: (e[0], e[1].channel))]

    def finish(self) -> list[Burst]:
        """Give the bursts that still run: they end with the last sample."""
        end = float(self._hops)
        ended = [self._burst(c, *running, end) for c, running in enumerate(self._open) if running is not None]
        self._open = [None] * len(self._open)
        return [burst for burst in ended if burst is not None]

    def _hop_power(self, emg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean square of each whole hop, shape (n_hops, n_channels); what is left over waits for the next call."""
        emg = np.concatenate((self._rest, emg))
        whole = len(emg) // self._hop * self._hop
        self._rest = emg[whole:]
        total = np.square(emg[0 : whole : self._hop])
        for offset in range(1, self._hop):  # one by one: the order of a sum decides its last bit
            total += np.square(emg[offset : whole : self._hop])
        return total / self._hop

    def _judge(self, power: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell for each new hop, shape (n_hops, n_channels), whether work is certain and whether quiet is."""
        total = np.minimum(power / self._threshold, _CEILING)
        working = np.zeros(power.shape, np.bool_)
        width = 1
        while width < _WINDOWS[-1][0]:
            longer = np.zeros_like(total)
            longer[width:] = total[width:] + total[:-width]
            total, width = longer, 2 * width
            for hops, level in _WINDOWS:
                if hops == width:
                    working |= total > hops * level
        low = (total < width * _QUIET_PART) & ~working
        since_loud = np.arange(len(low))[:, None] - np.maximum.accumulate(np.where(low, -1, np.arange(len(low))[:, None]))
        return working[_LOOK_HOPS:], since_loud[_LOOK_HOPS:] >= _QUIET_HOPS

    def _walk(
        self, channel: int, working: NDArray[np.bool_], quiet: NDArray[np.bool_], power: NDArray[np.float64]
    ) -> list[tuple[int, Burst]]:
        """Step from each beginning to its end through the new hops of one channel."""
        works, rests = np.flatnonzero(working[:, channel]), np.flatnonzero(quiet[:, channel])
        level = power[:, channel] / (self._threshold[channel] / _FLOOR_POWER)
        ended: list[tuple[int, Burst]] = []
        at = 0
        while True:
            running = self._open[channel]
            marks = works if running is None else rests
            found = int(np.searchsorted(marks, at))
            if found == len(marks):
                return ended
            at = int(marks[found])
            seen = level[at : at + _LOOK_HOPS + 1]  # the last of these is the hop at `at`: power begins with a look back
            now = self._hops + at + 1
            if running is None:
                begin = max(now - len(seen), int(np.ceil(self._free_from[channel])))
                on = begin + _beginning(seen[len(seen) - (now - begin) :], self._freedom)
                self._open[channel] = (on, now)
            else:
                length = min(len(seen), now - int(running[0]))
                off = now - _beginning(seen[::-1][:length], self._freedom)
                burst = self._burst(channel, *running, off)
                self._open[channel], self._free_from[channel] = None, off
                if burst is not None:
                    ended.append((now, burst))
                at += 1

    def _burst(self, channel: int, on: float, decided: int, off: float) -> Burst | None:
        """Turn hops into samples; None if the burst is too short to be one."""
        if off - on < _LEAST_HOPS:
            return None
        at = [self._first_index + round(hop * self._hop) for hop in (on, off, decided)]
        return Burst(channel, *at)


def _templates() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power of unit activity by length of rise, beginning and hop, and its running sum over hops.

    Amplitude rises in a straight line, so power with its square.
    """
    hops = np.arange(_LOOK_HOPS + 1)
    since = np.maximum(hops[None, :] - hops[::_BEGINNING_HOPS, None] + 0.5, 0)
    shapes = np.minimum(since / np.array(_RISE_HOPS)[:, None, None], 1) ** 2
    return shapes, np.cumsum(shapes, axis=2)


_SHAPES, _SUMS = _templates()
_LEAST_RISE = 0.2  # least activity that is looked for, in rest powers (chosen)


def _beginning(level: NDArray[np.float64], freedom: float) -> float:
    """Give the expected hop at which the power begins to rise.

    Parameters
    ----------
    level : ndarray of shape (n_hops,)
        Power of each hop over the rest power; it begins at rest and ends at work.
    freedom : float
        Degrees of freedom of one hop.
    """
    n = len(level)
    begin = np.arange(0, n, _BEGINNING_HOPS)
    excess = np.cumsum((level - 1)[::-1])[::-1][begin]
    height = np.maximum(excess / _SUMS[:, : len(begin), n - 1], _LEAST_RISE)
    model = 1 + height[:, :, None] * _SHAPES[:, : len(begin), :n]
    log_likelihood = freedom / 2 * np.sum(level - level / model - np.log(model), axis=2)
    weight = np.exp(log_likelihood - log_likelihood.max()).sum(axis=0)
    return float(np.sum(weight * begin) / weight.sum())
