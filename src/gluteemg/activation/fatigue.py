"""Signs of tiring: the spectrum of every repetition, and where it goes from one to the next.

As a muscle tires its spectrum moves down: median and mean frequency fall, ``ln FInsm5`` rises, often while the amplitude grows.
All of it is told from the band-passed EMG of the repetition's span, never from a moment of it, and refused where it cannot be
told: one median frequency of a second is sure to 7 % only, so nothing is said of fewer than eight repetitions, of a muscle less
than 10 dB over its rest level, or of a sensor that does not carry the whole band (`gluteemg.activation.measure`).

Every trend is one of logarithms, so that it reads in per cent a repetition and rise and fall weigh the same: the median of the
slopes between all pairs (Theil and Sen), which a few odd repetitions do not move, with its 95 % interval.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import expm1, log, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.grid import Trace
from gluteemg.activation.measure import LEAST_REPS, LEAST_SNR_DB, Reason, snr_db, why_not
from gluteemg.activation.rep import Rep
from gluteemg.activation.repetition import MOST_S
from gluteemg.activation.signal import FILLED_GAP_S
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.processing.spectrum import BAND_HZ, Spectra, window_length
from gluteemg.sensors.profile import Signal

LEAST_ACTIVE_S = 0.5
"""Least EMG of a repetition that a spectrum is told of: two or three windows."""
_MOST_REPS = 200
"""Repetitions that a trend is taken from; of more, every second, third … (chosen: pairs grow with the square)."""
_LATE_S = 2.0
"""Longest time from the end of a repetition until it is decided (chosen: rest is asked for a fifth of it)."""
_UNUSABLE = int(Flag.HEAVY_LOSS)  # as a plain number: comparing with an enum is slow
_STRETCH = re.compile(b"\1+")
"""True after True in the bytes of an array."""
_SURE = 1.959963984540054
"""Standard deviations of a normal distribution that hold 95 %."""

Quadrant = Literal["fatigue", "more_force", "less_force", "recovery"]
"""Joint analysis of spectrum and amplitude (JASA): what rise and fall of RMS and median frequency mean together."""
_QUADRANTS: Mapping[tuple[int, int], Quadrant] = {
    (1, -1): "fatigue",
    (1, 1): "more_force",
    (-1, -1): "less_force",
    (-1, 1): "recovery",
}


@dataclass(frozen=True, slots=True)
class RepSpectrum:
    """What the spectrum of one muscle says in one repetition.

    Parameters
    ----------
    role : Role
        Muscle and side.
    start_s : float
        When the repetition began: which one it is.
    rms : float or None
        Over its span, in the sensor's unit: rest included as it comes from the `FatigueMeter`, taken off by `over`.
    median_hz, mean_hz : float or None
        Median and mean frequency of 20 to 450 Hz, or of what the sensor carries of it.
    ln_index : float or None
        ``ln FInsm5``; also None where the sensor does not carry the whole band.
    reason : Reason or None
        Why there is nothing.
    """

    role: Role
    start_s: float
    rms: float | None = None
    median_hz: float | None = None
    mean_hz: float | None = None
    ln_index: float | None = None
    reason: Reason | None = None

    def over(self, floor: float | None) -> RepSpectrum:
        """Give the same with the rest taken off `rms` in quadrature; refused where the muscle is less than 10 dB over it.

        Parameters
        ----------
        floor : float or None
            RMS at rest, in the sensor's unit. The spectrum of the rest is not taken off: it would have to be known as well as
            its level.
        """
        if self.rms is None:
            return self
        if floor is None:
            return RepSpectrum(self.role, self.start_s, reason="no_rest_level")
        if snr_db(self.rms, floor) < LEAST_SNR_DB:
            return RepSpectrum(self.role, self.start_s, reason="too_noisy")
        rms = sqrt(self.rms * self.rms - floor * floor)
        return RepSpectrum(self.role, self.start_s, rms, self.median_hz, self.mean_hz, self.ln_index)


@dataclass(frozen=True, slots=True)
class Trend:
    """Change from one repetition to the next, with its 95 % interval.

    Parameters
    ----------
    slope : float
        Median of the slopes between all pairs, a repetition.
    low, high : float
        Its 95 % interval (Sen 1968, J Am Stat Assoc 63:1379, equation 2.6).
    n_reps : int
        Repetitions with a value.
    """

    slope: float
    low: float
    high: float
    n_reps: int

    @property
    def direction(self) -> int:
        """1 where it surely rises, -1 where it surely falls, 0 within the noise."""
        return int(self.low > 0) - int(self.high < 0)

    @property
    def percent(self) -> tuple[float, float, float]:
        """The change and its interval in per cent a repetition, where the trend is one of logarithms."""
        return 100 * expm1(self.slope), 100 * expm1(self.low), 100 * expm1(self.high)


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Where the spectrum of one muscle goes, repetition by repetition; all None where it cannot be told.

    Parameters
    ----------
    rms, median_frequency, mean_frequency : Trend or None
        Of the logarithms: `Trend.percent` is in per cent a repetition.
    fatigue_index : Trend or None
        Of ``ln FInsm5``.
    quadrant : Quadrant or None
        What amplitude and median frequency say together; None where one of them stays within the noise.
    reason : Reason or None
        Why there is nothing.
    """

    rms: Trend | None = None
    median_frequency: Trend | None = None
    mean_frequency: Trend | None = None
    fatigue_index: Trend | None = None
    quadrant: Quadrant | None = None
    reason: Reason | None = None


def trend(values: Sequence[float | None]) -> Trend | None:
    """Tell where a series goes.

    Parameters
    ----------
    values : sequence of float or None
        One a repetition, in order; None keeps its place. For ``ln R`` of the repetitions of a set, the slope tells whether the
        hamstrings take over: they do where `Trend.direction` is -1 (own metric, chosen).

    Returns
    -------
    Trend or None
        None of fewer than eight values.
    """
    known = [(number, value) for number, value in enumerate(values) if value is not None]
    if len(known) < LEAST_REPS:
        return None
    known = known[:: -(-len(known) // _MOST_REPS)]
    x, y = np.array(known).T
    before, after = _pairs(len(x))
    slopes = (y[after] - y[before]) / (x[after] - x[before])
    pairs, n = len(slopes), len(x)
    ties = Counter(y.tolist()).values()
    spread = _SURE * sqrt((_tie(n) - sum(map(_tie, ties))) / 18)
    low, high = max(round((pairs - spread) / 2) - 1, 0), min(round((pairs + spread) / 2), pairs - 1)
    middle = (pairs - 1) // 2, pairs // 2
    slopes.partition(sorted({low, *middle, high}))
    return Trend(float(slopes[list(middle)].mean()), float(slopes[low]), float(slopes[high]), n)


@lru_cache(maxsize=8)
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(n, 1)


def _tie(n: int) -> int:
    return n * (n - 1) * (2 * n + 5)


def fatigue(reps: Sequence[RepSpectrum], floor: float | None) -> Fatigue:
    """Tell whether a muscle tires: best within one set, since a rest between sets takes back what came before.

    Parameters
    ----------
    reps : sequence of RepSpectrum
        Of one muscle, as they come from the `FatigueMeter`, in order.
    floor : float or None
        RMS of the muscle at rest, in the sensor's unit.

    Returns
    -------
    Fatigue
        Refused of fewer than eight repetitions that can be told (with what most of them lack, if it is most), and below 1000 Hz
        of sampling rate.
    """
    known = [rep.over(floor) for rep in reps]
    lacks, count = next(iter(Counter(r.reason for r in known if r.reason is not None).most_common(1)), (None, 0))
    if len(known) - sum(r.reason is not None for r in known) < LEAST_REPS:
        return Fatigue(reason=lacks if 2 * count > len(known) else "too_few_reps")
    index = trend([r.ln_index for r in known])
    if index is None:
        return Fatigue(reason="sampling_rate")
    rms, median, mean = (
        trend([_ln(v) for v in vs]) for vs in zip(*((r.rms, r.median_hz, r.mean_hz) for r in known), strict=True)
    )
    quadrant = _QUADRANTS.get((rms.direction, median.direction)) if rms is not None and median is not None else None
    return Fatigue(rms, median, mean, index, quadrant)


def _ln(value: float | None) -> float | None:
    return None if value is None else log(value)


_Figures = tuple[float | None, float | None, float | None, float | None]
_NOTHING: _Figures = (None, None, None, None)


class FatigueMeter:
    """Takes the spectrum of every repetition and muscle; the cut of traces and frames into calls changes nothing.

    It keeps as much of the traces as a repetition may need, and 2 s more. Only samples between two instants
    that can be used are looked at: what came too late for its frame has not been there in every cut, and what is clipped or
    full of hum is no spectrum of the muscle.

    Parameters
    ----------
    signals : mapping of Role to Signal
        What the sensor of each muscle sends, from its profile.
    longest_s : float
        Longest repetition or hold.
    """

    def __init__(self, signals: Mapping[Role, Signal], longest_s: float = MOST_S) -> None:
        self._longest_s = longest_s
        self._muscles = {role: _Muscle(signal) for role, signal in signals.items()}
        self._flags = _Recent()

    def feed(self, traces: Sequence[Trace], frames: Frames, reps: Sequence[Rep]) -> list[RepSpectrum]:
        """Take what the pipeline gives, and tell of the repetitions in it.

        Parameters
        ----------
        traces : sequence of Trace
            New band-passed EMG; those of muscles that were not named are left alone.
        frames : Frames
            Those that closed with it, or after it.
        reps : sequence of Rep
            Those that were decided in these frames.

        Returns
        -------
        list of RepSpectrum
            One for each repetition and muscle, in order of both.
        """
        for trace in traces:
            muscle = self._muscles.get(trace.role)
            if muscle is not None and muscle.refused is None:
                muscle.emg.add(trace.t_s, trace.emg)
        if not len(frames):
            return []
        t_s = frames.index / FRAME_RATE_HZ
        self._flags.add(t_s, frames.flags)
        told = self._told(reps, frames.roles)
        oldest_s = float(t_s[-1]) - self._longest_s - _LATE_S
        self._flags.forget(oldest_s)
        for muscle in self._muscles.values():
            muscle.emg.forget(oldest_s)
        return told

    def _told(self, reps: Sequence[Rep], roles: Sequence[Role]) -> list[RepSpectrum]:
        """Tell of some repetitions; those whose windows are of one length are read off together."""
        whys: list[tuple[Role, float, Reason | None]] = []
        alike: dict[int, dict[int, _Runs]] = {}  # by the length of the windows, by the place in this list
        for rep in reps:
            spans = self._spans(rep, roles)
            for role, muscle in self._muscles.items():
                why = muscle.refused
                if why is None:
                    runs = muscle.runs(spans.get(role, []))
                    if runs.length_s >= LEAST_ACTIVE_S - 1e-6 and runs.rms > 0:
                        alike.setdefault(muscle.window, {})[len(whys)] = runs
                    else:
                        why = "too_short" if rep.end_s - rep.start_s < LEAST_ACTIVE_S else "poor_signal"
                whys.append((role, rep.start_s, why))
        figures: dict[int, _Figures] = {}
        for window, some in alike.items():
            figures |= zip(some, self._figures([whys[place][0] for place in some], list(some.values()), window), strict=True)
        return [RepSpectrum(role, start_s, *figures.get(i, _NOTHING), why) for i, (role, start_s, why) in enumerate(whys)]

    def _spans(self, rep: Rep, roles: Sequence[Role]) -> dict[Role, list[tuple[float, float]]]:
        """Give from which to which instant of a repetition each muscle can be used."""
        margin_s = 0.5 / FRAME_RATE_HZ  # so that rounding decides nothing
        t_s, flags = self._flags.between(max(rep.start_s, rep.end_s - self._longest_s) - margin_s, rep.end_s + margin_s)
        if not len(t_s):
            return {}
        spans = {}
        for role, column in zip(roles, (flags < _UNUSABLE).T, strict=True):
            stretches = (stretch.span() for stretch in _STRETCH.finditer(column.tobytes()))
            spans[role] = [(float(t_s[a]), float(t_s[b - 1])) for a, b in stretches]
        return spans

    def _figures(self, roles: Sequence[Role], runs: Sequence[_Runs], window: int) -> list[_Figures]:
        """Read RMS, median and mean frequency and ``ln FInsm5`` off the spectra of some muscles."""
        muscles = [self._muscles[role] for role in roles]
        low, high = np.array([muscle.band_hz for muscle in muscles]).T
        spectra = Spectra.of([some.emg for some in runs], [some.rate_hz for some in runs], window).within(low, high)
        read = zip(spectra.median_hz().tolist(), spectra.mean_hz().tolist(), spectra.ln_fatigue_index().tolist(), strict=True)
        return [
            (some.rms, median, mean, index if muscle.has_index else None)
            for muscle, some, (median, mean, index) in zip(muscles, runs, read, strict=True)
        ]


class _Recent:
    """The last rows of something over time, in the pieces they came in."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[float, float, NDArray[np.float64], NDArray[Any]]] = deque()

    def add(self, t_s: NDArray[np.float64], rows: NDArray[Any]) -> None:
        if len(t_s):
            self._pieces.append((float(t_s[0]), float(t_s[-1]), t_s, rows))

    def forget(self, before_s: float) -> None:
        while self._pieces and self._pieces[0][1] < before_s:
            self._pieces.popleft()

    def between(self, after_s: float, until_s: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Give the times and the rows after one moment, until another."""
        found = []
        for first_s, last_s, t_s, rows in reversed(self._pieces):
            if last_s <= after_s:
                break
            if after_s < first_s and last_s <= until_s:
                found.append((t_s, rows))
            elif first_s <= until_s:
                a, b = t_s.searchsorted((after_s, until_s), side="right").tolist()
                found.append((t_s[a:b], rows[a:b]))
        if len(found) < 2:
            return found[0] if found else (np.empty(0), np.empty(0))
        times, values = zip(*reversed(found), strict=True)
        return np.concatenate(times), np.concatenate(values)


class _Runs:
    """What can be used of one muscle in one repetition: pieces without a hole, and what they have in common."""

    def __init__(self) -> None:
        self.emg: list[NDArray[np.float64]] = []
        self.length_s = 0.0
        self._squares, self._n = 0.0, 0

    def add(self, t_s: NDArray[np.float64], emg: NDArray[np.float64]) -> None:
        n = len(t_s)
        self.emg.append(emg)
        self.length_s += float(t_s[-1] - t_s[0]) * n / (n - 1)  # the last sample lasts as long as the others
        self._squares += float(np.add.reduce(np.square(emg)))
        self._n += n

    @property
    def rate_hz(self) -> float:
        return self._n / self.length_s

    @property
    def rms(self) -> float:
        return sqrt(self._squares / self._n)


class _Muscle:
    """What one muscle's sensor can do, and what it has sent of late."""

    def __init__(self, signal: Signal) -> None:
        self.refused = why_not("median_frequency", signal.kind, signal.rate_hz)
        self.has_index = why_not("fatigue_index", signal.kind, signal.rate_hz) is None
        self.window = window_length(signal.rate_hz)
        low, high = signal.usable_band_hz or BAND_HZ
        self.band_hz = max(low, BAND_HZ[0]), min(high, BAND_HZ[1])
        self.emg = _Recent()

    def runs(self, spans: Sequence[tuple[float, float]]) -> _Runs:
        """Give the samples of some spans, cut where a hole is too long to fill; pieces shorter than a window are left out."""
        runs = _Runs()
        for after_s, until_s in spans:
            t_s, emg = self.emg.between(after_s, until_s)
            holes = (t_s[1:] - t_s[:-1] > FILLED_GAP_S).nonzero()[0] + 1
            for a, b in pairwise([0, *holes.tolist(), len(t_s)]):
                if b - a >= self.window:
                    runs.add(t_s[a:b], emg[a:b])
        return runs
