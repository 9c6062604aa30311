"""When a muscle begins to work and when it stops: bursts, found causally in band-passed EMG.

Three questions, three answers. *Is it a muscle?* EMG reaches far above 50 Hz and never repeats itself; heart beats, swinging
cables and moving electrodes lie below, the mains repeats itself. So the power of every 5 ms counts only so far as something of
it is left by a second difference over 3.5 ms, and by a difference over one period of the mains. *Is it working?* is decided as
early as may be, from the mean of that power over 40, 80 and 160 ms with every 5 ms held to a ceiling, so that a single spike
decides nothing. *Since when?* is then looked up in the last 400 ms: the posterior mean of the moment at which the power begins
to rise from the rest level [1]_, over steps and ramps.

What looks like EMG for 150 ms cannot be told from it: a loose contact that crackles, noise of a cable with much power above
25 Hz. While an artefact lasts, EMG of less than a quarter of its power is not found. Below 400 samples a second fewer samples
decide and harmonics of the mains fold back: a weak mains that is switched on may show a burst. Envelopes tell nothing of this.

References
----------
.. [1] The Gaussian likelihood of a change in variance is that of G. Staude, W. Wolf, Objective motor response onset
   detection in surface myoelectric signals, Med Eng Phys 21:449, 1999; the mean in place of its maximum is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gluteemg.processing.bands import MAINS_HZ
from gluteemg.processing.chain import top_of_band

_HOP_S = 0.005  # step of every decision (chosen: finer than any onset can be told)
_WINDOWS = ((8, 1.6), (16, 1.2), (32, 0.95))
"""Hops in a window, and how far over the threshold its mean power must be (chosen: equally rare at rest)."""
_FLOOR_POWER = 2.0  # threshold over the rest power (chosen: at 1 kHz none false in half an hour of noise)
_SCALE_PART = 0.15  # threshold as a part of the scale (as for repetitions: 15 % of the working level)
_CEILINGS = np.array([4.0, 20.0])[:, np.newaxis, np.newaxis]
"""Most that one hop may count, in thresholds: where work is decided on (chosen: a spike of up to 15 ms stays under it), and
where its beginning is looked for (chosen: a sharp one still stands out)."""
_QUIET_PART = 0.66  # end of a burst, in thresholds (chosen: a third of the way from rest power to the threshold)
_QUIET_HOPS = 20  # how long it must stay there (chosen: 100 ms, so that a dip does not cut a burst)
_LEAST_HOPS = 30  # shortest burst (chosen: 150 ms; heart beats and taps are shorter, a flick of a muscle is longer)
_LOOK_HOPS = 80  # how far back a beginning is looked for (chosen: 400 ms, a slow rise)

_SLOW_S = 0.0035  # spacing of the second difference (chosen: it keeps 2 % of the power at 25 Hz, 28 % at 50, all at 75)
_SLOW_GAIN = 1.3  # makes up for what it takes of EMG under thick fat, whose median lies near 55 Hz (chosen)
_MAINS_HOPS = 8  # over which the difference over a period is weighed (chosen: 40 ms, two periods)
_MOST_PERIODS = 6  # over which it is taken where one is no whole number of samples (chosen: 0.1 s)
_WHOLE = 0.02  # samples: nearer than that is whole (chosen: of 450 Hz it leaves 0.2 % at 1 kHz)
_MAINS_GAIN = 1.1  # makes up for taking the least of several (chosen)
_LEAST_RATE_HZ = 180.0  # slowest sensor whose signal is a waveform (the slowest raw ones send 200 a second)


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
        self._hop = max(2, int(rate_hz * _HOP_S + 0.5))  # below 300 Hz all lengths grow: a window needs enough samples
        self._first_index = first_index
        # Band-limited noise has two degrees of freedom for each Hz and second.
        self._freedom = 2 * top_of_band(rate_hz) * self._hop / rate_hz
        power = np.nan_to_num(np.asarray(floor, np.float64)) ** 2 * _FLOOR_POWER
        if scale is not None:
            power = np.maximum(power, (_SCALE_PART * np.nan_to_num(np.asarray(scale, np.float64))) ** 2)
        self._threshold = np.where(power > 0, power, np.inf)
        self._differences = _differences(rate_hz) if rate_hz >= _LEAST_RATE_HZ else ()
        self._lags = [max((lag for lag, _ in taps), default=0) for taps in self._differences]
        self._before = max(self._lags, default=0)
        self._back = [round(lag / self._hop) for lag in self._lags[1:]]
        told_hops = _MAINS_HOPS - 1 + max(self._back, default=0)
        n_channels = len(power)
        self._rest = np.zeros((n_channels, self._before))  # what the differences look back at, then the hop that is begun
        self._told = np.zeros((1 + len(self._differences), n_channels, told_hops))
        self._levels = np.zeros((len(_CEILINGS), n_channels, _LOOK_HOPS))  # power under each ceiling, in thresholds
        self._hops = 0
        self._open: list[tuple[float, int] | None] = [None] * n_channels
        self._free_from = [0.0] * n_channels

    @property
    def begun(self) -> list[tuple[int, int] | None]:
        """The first sample, and the one with which it was certain, of the burst that each channel is in."""
        return [None if running is None else (self._sample(running[0]), self._sample(running[1])) for running in self._open]

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
        channels = np.concatenate((self._rest, emg.T), axis=1)  # time last: all that follows runs along it
        n_hops = (channels.shape[1] - self._before) // self._hop
        self._rest = channels[:, n_hops * self._hop :]
        if not n_hops:
            return []
        self._weigh(channels, n_hops)
        working, quiet = self._judge(n_hops)
        running = np.array([burst is not None for burst in self._open])[:, np.newaxis]
        ended: list[tuple[int, Burst]] = []
        if np.where(running, quiet, working).any():
            ended = self._date(*_turns(running, working, quiet))
        self._levels = self._levels[:, :, -_LOOK_HOPS:]
        self._hops += n_hops
        return [burst for _, burst in sorted(ended, key=lambda e: (e[0], e[1].channel))]

    def finish(self) -> list[Burst]:
        """Give the bursts that still run: they end with the last sample."""
        end = float(self._hops)
        ended = [self._burst(c, *running, end) for c, running in enumerate(self._open) if running is not None]
        self._open = [None] * len(self._open)
        return [burst for burst in ended if burst is not None]

    def _weigh(self, emg: NDArray[np.float64], n_hops: int) -> None:
        """Append the power of the new hops, in thresholds, so far as it can be a muscle's."""
        n = n_hops * self._hop
        waves = np.empty((1 + len(self._differences), len(emg), n))
        waves[0] = emg[:, self._before : self._before + n]
        for wave, taps in zip(waves[1:], self._differences, strict=True):
            now = waves[0]
            for lag, weight in taps:
                past = emg[:, self._before - lag : self._before - lag + n]
                now = np.subtract(now, past if weight == 1 else past * weight, out=wave)
        np.square(waves, out=waves)
        powers = waves[:, :, :: self._hop].copy()
        for offset in range(1, self._hop):  # one by one: the order of a sum decides its last bit
            powers += waves[:, :, offset :: self._hop]
        levels = np.minimum(powers[0] / (self._hop * self._threshold[:, np.newaxis]), _CEILINGS)
        if self._differences:
            told = np.concatenate((self._told, powers), axis=2)
            self._told = told[:, :, n_hops:]
            levels *= _share(told, n_hops, self._back, 1 + sum(weight**2 for _, weight in self._differences[0]))
        self._levels = np.concatenate((self._levels, levels), axis=2)

    def _judge(self, n_hops: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Tell for each new hop, shape (n_channels, n_hops), whether work is certain and whether quiet is."""
        last = n_hops + _QUIET_HOPS - 1
        total, width = self._levels[0], 1
        working = np.zeros((len(total), last), np.bool_)
        for hops, level in _WINDOWS:
            while width < hops:
                total, width = total[:, width:] + total[:, :-width], 2 * width
            working |= total[:, -last:] > hops * level
        quiet, lasts = ~(working | (total[:, -last:] >= width * _QUIET_PART)), 1
        while lasts < _QUIET_HOPS:
            more = min(lasts, _QUIET_HOPS - lasts)
            quiet, lasts = quiet[:, more:] & quiet[:, :-more], lasts + more
        return working[:, -n_hops:], quiet

    def _date(self, channels: NDArray[np.intp], hops: NDArray[np.intp], works: NDArray[np.bool_]) -> list[tuple[int, Burst]]:
        """Look up since when each turn holds, and give the bursts that have ended, each with the hop that made it certain."""
        look = hops[:, np.newaxis] + np.arange(_LOOK_HOPS + 1)  # its last is the hop of the turn
        levels = self._levels[works.astype(np.intp)[:, np.newaxis], channels[:, np.newaxis], look] * _FLOOR_POWER
        levels[~works] = levels[~works, ::-1]  # both begin at rest
        begins = _beginnings(levels, self._freedom).tolist()
        ended: list[tuple[int, Burst]] = []
        for channel, now, begin, level in zip(channels.tolist(), (self._hops + hops + 1).tolist(), begins, levels, strict=True):
            running = self._open[channel]
            since = int(np.ceil(self._free_from[channel]) if running is None else running[0])
            length = min(_LOOK_HOPS + 1, now - since)
            if length <= _LOOK_HOPS:  # the turn before stands in the way
                part = level[-length:] if running is None else level[:length]
                begin = float(_beginnings(part[np.newaxis], self._freedom)[0])
            if running is None:
                self._open[channel] = (now - length + begin, now)
                continue
            on, decided = running
            burst = self._burst(channel, on, decided, now - begin)
            self._open[channel], self._free_from[channel] = None, now - begin
            if burst is not None:
                ended.append((now, burst))
        return ended

    def _burst(self, channel: int, on: float, decided: int, off: float) -> Burst | None:
        """Turn hops into samples; None if the burst is too short to be one."""
        if off - on < _LEAST_HOPS:
            return None
        return Burst(channel, *map(self._sample, (on, off, decided)))

    def _sample(self, hop: float) -> int:
        return self._first_index + round(hop * self._hop)


_Taps = tuple[tuple[int, float], ...]


def _differences(rate_hz: float) -> tuple[_Taps, ...]:
    """Design the differences that take slow signals, 50 Hz and 60 Hz away: (lag, weight) of what is taken off each sample."""
    span = max(2, int(2 * rate_hz * _SLOW_S))
    first, second = span // 2, span - span // 2
    slow: _Taps = ((first, 1.0), (second, 1.0), (span, -1.0)) if first < second else ((first, 2.0), (span, -1.0))
    return slow, *(taps for mains_hz in MAINS_HZ for taps in _over_periods(rate_hz / mains_hz))


def _over_periods(period: float) -> list[_Taps]:
    """Take away what was there a period ago.

    Where that lies between two samples, it is put together from both as a sine of this period would have it, which is quick but
    leaves high harmonics; beside it, a few periods that are a whole number of samples leave none, but hum must be steady.
    """
    whole = next((n for n in range(1, _MOST_PERIODS + 1) if abs(n * period - round(n * period)) < _WHOLE), None)
    found: list[_Taps] = [] if whole is None else [((round(whole * period), 1.0),)]
    if whole != 1:
        turn, before = 2 * np.pi / period, int(period)
        ahead = period - before
        at_first, at_second = np.sin(turn * np.array([1 - ahead, ahead])) / np.sin(turn)
        found.append(((before, float(at_first)), (before + 1, float(at_second))))
    return found


def _turns(
    running: NDArray[np.bool_], working: NDArray[np.bool_], quiet: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Give the hops with which work is certain to begin or to end, channel by channel.

    Parameters
    ----------
    running : ndarray of shape (n_channels, 1), bool
        Whether work goes on before the first hop.
    working, quiet : ndarray of shape (n_channels, n_hops), bool
        Whether work is certain, and whether quiet is; never both.

    Returns
    -------
    channels, hops, works : ndarray of shape (n_turns,)
        Where, when, and whether work begins; in each channel beginnings and ends take turns.
    """
    state = np.concatenate((running, working), axis=1).view(np.int8) - np.concatenate((~running, quiet), axis=1).view(np.int8)
    told = state != 0
    told[:, 1:] &= state[:, 1:] != state[:, :-1]
    channels, hops = np.nonzero(told)
    works = state[channels, hops] > 0
    turns = np.flatnonzero((works[1:] != works[:-1]) & (hops[1:] > 0)) + 1
    return channels[turns], hops[turns] - 1, works[turns]


def _share(told: NDArray[np.float64], n_hops: int, back: Sequence[int], white: float) -> NDArray[np.float64]:
    """Give the share of the power of the last hops, shape (n_channels, n_hops), that can be a muscle's.

    Parameters
    ----------
    told : ndarray of shape (2 + n_periods, n_channels, n)
        Power of each hop: of the signal, of its second difference, of its differences over periods of the mains.
    n_hops : int
        How many hops are asked for.
    back : sequence of int, of length n_periods
        Hops over which the latter are taken: white noise has in them its power now and then.
    white : float
        How many times its power white noise has in the second difference.
    """
    # The slow are told over 20 ms, so that a tap is soon over, the mains over two periods.
    pairs = told[:, :, 1:] + told[:, :, :-1]
    fours = pairs[:, :, 2:] + pairs[:, :, :-2]
    eights = fours[:, :, 4:] + fours[:, :, :-4]
    least, first = np.finfo(np.float64).tiny, eights.shape[2] - n_hops
    share: NDArray[np.float64] = fours[1, :, -n_hops:] / (fours[0, :, -n_hops:] + least) * (_SLOW_GAIN / white)
    power = eights[0] * (1 / _MAINS_GAIN) + least
    for hops, kept in zip(back, eights[2:], strict=True):
        then = power[:, first - hops : first - hops + n_hops]
        np.minimum(share, kept[:, first:] / (power[:, first:] + then), out=share)
    return np.minimum(share, 1.0, out=share)


_BEGINNING_HOPS = 2  # spacing of the beginnings that are tried: 10 ms (chosen: their mean is finer)
_RISES = ((1, 1), (20, 4), (60, 10))
"""Lengths of rise that are tried, 5 to 300 ms, and how many hops of each are taken together (chosen: more tell no more)."""
_LEAST_RISE = 0.2  # least activity that is looked for, in rest powers (chosen)
_END = _LOOK_HOPS + 1 + _RISES[-1][0]


def _pieces() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Cut each way to rise into pieces of even power.

    Amplitude rises in a straight line, so power with its square. The last piece of each is the work after the rise.

    Returns
    -------
    first, last : ndarray of shape (n_pieces, n_beginnings)
        The first hop of each piece, and the one after its last.
    power : ndarray of shape (n_pieces, 1)
        Power at unit activity.
    rise : ndarray of shape (n_pieces,)
        Which rise the piece belongs to.
    """
    first, last, power, rise = [], [], [], []
    for number, (hops, step) in enumerate(_RISES):
        starts = range(0, hops, step)
        first += [*starts, hops]
        last += [*(start + step for start in starts), _END]
        power += [*(((start + step / 2) / hops) ** 2 for start in starts), 1.0]
        rise += [number] * (len(starts) + 1)
    begin = np.arange(0, _LOOK_HOPS + 1, _BEGINNING_HOPS)
    shape = np.array(power)[:, np.newaxis]
    return (
        begin + np.array(first)[:, np.newaxis],
        np.minimum(begin + np.array(last)[:, np.newaxis], _END),
        shape,
        np.array(rise),
    )


_FIRST, _LAST, _SHAPE, _RISE = _pieces()
_STARTS = np.flatnonzero(np.diff(_RISE, prepend=-1))


@cache
def _counts(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hops in each piece, shape (n_pieces, n_beginnings), of a look at `n` hops, and their power at unit activity, by rise."""
    tries = -(-n // _BEGINNING_HOPS)
    left = np.maximum(n - np.arange(_END + 1.0), 0)
    counts = left[_FIRST[:, :tries]] - left[_LAST[:, :tries]]
    return counts, np.add.reduceat(counts * _SHAPE, _STARTS)


def _beginnings(levels: NDArray[np.float64], freedom: float) -> NDArray[np.float64]:
    """Give the expected hop at which the power begins to rise, shape (n_looks,).

    Parameters
    ----------
    levels : ndarray of shape (n_looks, n_hops)
        Power of each hop over the rest power; it begins at rest and ends at work.
    freedom : float
        Degrees of freedom of one hop.
    """
    n = levels.shape[1]
    counts, units = _counts(n)
    tries = counts.shape[1]
    tail = np.zeros((len(levels), _END + 1))
    tail[:, :n] = np.cumsum(levels[:, ::-1], axis=1)[:, ::-1]
    sums = tail.take(_FIRST[:, :tries], axis=1) - tail.take(_LAST[:, :tries], axis=1)
    begin = np.arange(0, n, _BEGINNING_HOPS)
    height = np.maximum((tail[:, np.newaxis, :n:_BEGINNING_HOPS] - (n - begin)) / units, _LEAST_RISE)
    power = height[:, _RISE]
    power *= _SHAPE
    sums *= power / (1 + power)
    sums -= counts * np.log1p(power)
    log_likelihood = freedom / 2 * np.add.reduceat(sums, _STARTS, axis=1)
    weight = np.exp(log_likelihood - log_likelihood.max(axis=(1, 2), keepdims=True)).sum(axis=1)
    expected: NDArray[np.float64] = (weight * begin).sum(axis=1) / weight.sum(axis=1)
    return expected
