"""Where repetitions begin and end, and what each of them was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.clench import residual, time_to_relax_s
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames, Verdict
from gluteemg.activation.ratio import Ratio, Scale, Zone, led_by
from gluteemg.activation.rep import Levels, Phases, Rep, RepPhase
from gluteemg.activation.uncertainty import Uncertainty, effective_length_s
from gluteemg.muscles import HAMSTRINGS, Role
from gluteemg.processing.envelope import FAST_S
from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]


ENTER, LEAVE = 0.15, 0.08
"""A repetition begins above 15 % and ends below 8 % of the working level (chosen, to be clear of the rest noise)."""
_SCATTER = 3.0
"""Standard errors of the floor, read over 125 ms, by which a muscle must be louder than rest (chosen: without, rest that is
read a little loud joins repetitions under 15 dB; over 20 dB it changes nothing)."""
_UNUSABLE, _FIRST_LATE, _LAST_LATE = (np.uint8(flag) for flag in (Flag.HEAVY_LOSS, Flag.HEAVY_MAINS, Flag.FLAT))
_INSIDE = re.compile(b"[%c%c]+" % (Verdict.IN_ZONE, Verdict.GLUTES_LEAD))
_LATE = 50
"""Frames before a flag that are not used either: it is judged from up to half a second of samples before it."""
_MOMENT, _LONG_ENOUGH, _MOST_OF_IT = 20, 150, 0.35
"""Frames of a moment, of a repetition in which it is looked for, and the part of its power that a moment may hold (chosen:
0.2 s of an even lift of 1.5 s are a seventh of it; a tap on the sensor is nearly all)."""
LEAST_S, MOST_S, REST_S = 0.5, 20.0, 0.4
"""Shorter bursts are no repetition, longer ones are holds, where no hold is asked for; shorter pauses belong to the repetition
(chosen)."""
PLATEAU = 0.7
"""Part of the highest 500 ms at which the top of a repetition begins and ends (chosen: a steady hold, whose 125 ms envelope
strays by a tenth, stays above it)."""
_TWITCH, _REST = round(0.25 * FRAME_RATE_HZ), round(REST_S * FRAME_RATE_HZ)
"""Frames. Bursts below a quarter of a second are not even mentioned (chosen)."""
_UNUSABLE_SHARE = 0.2
"""Share of a repetition that may lack a signal of the ratio before it is not scored (chosen)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an exercise asks of a repetition.

    Parameters
    ----------
    zone : Zone or None
        Where the ratio should be; None where no share is judged: then a repetition is scored by its target alone.
    floor : float or None
        Least activation of the target, as a fraction of its reference, held over 500 ms; None where it cannot be judged.
    muscle : str
        The target.
    longest_s : float
        Longest repetition that counts: more than the exercise asks to hold.
    """

    zone: Zone | None
    floor: float | None
    muscle: str = "gluteus_maximus"
    longest_s: float = MOST_S


class _Span(NamedTuple):
    """Grid indices of a repetition: its first frame, the one after its last, the one after that which decided it."""

    start: int
    end: int
    stop: int


class _Run(NamedTuple):
    """What is kept of the frames while a repetition is going on, time first."""

    fast: Floats
    slow: Floats
    flags: NDArray[np.uint8]
    verdict: NDArray[np.uint8]
    strongest: Floats

    def between(self, start: int, stop: int) -> _Run:
        return _Run(*(getattr(self, name)[start:stop] for name in self._fields))

    @classmethod
    def join(cls, runs: Sequence[_Run]) -> _Run:
        return runs[0] if len(runs) == 1 else cls(*map(np.concatenate, zip(*runs, strict=True)))


class _Numbers(NamedTuple):
    """What the frames of one repetition come to, by muscle where it is a list; NaN is not known."""

    top: list[int]
    """Grid indices of the first frame of the hold, and of the one after its last."""
    has_top: bool
    levels: list[list[float]]
    """Fractions of the reference, for the rows of `_means`."""
    peak: list[float]
    time_to_relax_s: list[float]
    residual: list[float]
    known: int
    """Frames that make the ratio."""
    power: list[float]
    """Mean over those, for which `length_s` is the `effective_length_s`."""
    length_s: list[float]
    one_moment: list[bool]
    """By column of the ratio."""
    flag: list[int]
    """Highest one."""
    ln_ratio: float
    working: list[bool]
    """By side of the ratio."""


class RepDetector:
    """Cuts frames into repetitions, on the strongest of glutes and hamstrings: one done by the hamstrings alone counts too.

    A repetition counts once `REST_S` of rest has followed it; one that the end of the session cuts off is not counted. Without
    a level of any of these muscles none is found. The cut of the frames into calls changes nothing.

    Parameters
    ----------
    roles : sequence of Role
        Columns of the frames.
    ratio : Ratio
        Which columns make the ratio.
    scale : Scale
        Floors, references and working levels.
    target : Target or None
        What the exercise asks; without one there is no verdict on zone and floor.
    uncertainty : Uncertainty or None
        How sure a ratio is; without it nothing is said of that.
    bandwidths_hz : sequence of float
        Of each column, as given to `uncertainty`; needed with it.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        ratio: Ratio,
        scale: Scale,
        target: Target | None = None,
        uncertainty: Uncertainty | None = None,
        bandwidths_hz: Sequence[float] = (),
    ) -> None:
        self._roles = tuple(roles)
        self._ratio, self._scale, self._target = ratio, scale, target
        self._uncertainty = uncertainty
        self._bandwidths_hz = np.array(bandwidths_hz if len(bandwidths_hz) else [np.inf] * len(roles))
        movers = {"gluteus_maximus", "gluteus_medius", *HAMSTRINGS} | ({target.muscle} if target is not None else set())
        self._movers = [i for i, r in enumerate(roles) if r.muscle in movers] or list(range(len(roles)))
        self._floor = scale.floor**2
        self._scatter = _SCATTER / np.sqrt(FAST_S * self._bandwidths_hz) * self._floor
        muscle = "gluteus_maximus" if target is None else target.muscle
        parts = HAMSTRINGS if muscle == "hamstrings" else {muscle}
        self._asked = [i for i, r in enumerate(roles) if r.muscle in parts]
        self._by_share = target is None or target.zone is not None
        self._columns = ratio.columns if self._by_share else self._asked  # what is judged
        self._longest = round((MOST_S if target is None else target.longest_s) * FRAME_RATE_HZ)
        self._start: int | None = None  # grid index
        self._loud = 0  # grid index of the last frame at LEAVE or over
        self._armed = False  # has been quiet since the last repetition
        self._seen: list[tuple[int, _Run]] = []  # since the start, each with the grid index of its first frame

    def pause(self) -> None:
        """Forget the repetition that is going on: the next one begins from rest."""
        self._start, self._armed, self._seen = None, False, []

    def feed(self, frames: Frames) -> tuple[Floats, list[Rep]]:
        """Take the next frames.

        Parameters
        ----------
        frames : Frames
            All but their `Frames.rep_elapsed_s`, without a step in the index, but for one at a `pause`.

        Returns
        -------
        rep_elapsed_s : ndarray of shape (n,)
            Age of the present repetition, NaN between repetitions.
        reps : list of Rep
            Those that were decided in these frames: `REST_S` after their end.
        """
        if not len(frames):
            return np.empty(0), []
        first, strongest = int(frames.index[0]), self._strongest(np.square(frames.envelope_fast))
        run = _Run(frames.envelope_fast, frames.envelope, frames.flags, frames.verdict, strongest)
        self._seen.append((first, run))
        elapsed, spans = self._walk(frames.index, strongest)
        reps: list[Rep] = []
        if spans:
            begin, whole = self._seen[0][0], _Run.join([seen for _, seen in self._seen])
            reps = self._measure(whole.between(spans[0].start - begin, spans[-1].stop - begin), spans)
        if self._start is None or self._start >= first:  # what came before is done with
            self._seen = [] if self._start is None else [(first, run)]
        return elapsed, reps

    def _strongest(self, mean_square: Floats) -> Floats:
        """Give the highest effort of the movers, surely above rest, shape (n, n_roles) → (n,); NaN where none is known."""
        effort = self._scale.effort(mean_square - self._scatter)
        strongest = effort[:, self._movers[0]]
        for column in self._movers[1:]:  # far faster than one call over so short an axis
            strongest = np.fmax(strongest, effort[:, column])
        return strongest

    def _walk(self, index: NDArray[np.int64], level: Floats) -> tuple[Floats, list[_Span]]:
        """Step from crossing to crossing: the age of the repetition at each frame, and the repetitions that ended."""
        first, n = int(index[0]), len(index)
        loud = level >= LEAVE  # nothing heard is quiet, too, but no rest to begin from
        last_loud = np.maximum.accumulate(np.where(loud, index, self._loud))
        self._loud = int(last_loud[-1])
        lows, highs, louds = np.flatnonzero(level < LEAVE), np.flatnonzero(level > ENTER), np.flatnonzero(loud)
        rested = np.flatnonzero(index - last_loud >= _REST)
        elapsed, spans = np.full(n, np.nan), []
        at = 0
        while at < n:
            if self._start is None:
                at = at if self._armed else _next(lows, at, n)
                self._armed |= at < n
                at = _next(highs, at, n)
                if at == n:
                    break
                self._start, self._armed = first + at, False
            stop = min(_next(rested, at, n), _next(louds, max(at, self._start + self._longest - first), n))
            elapsed[at : stop + 1] = (index[at : stop + 1] - self._start) / FRAME_RATE_HZ
            if stop < n:
                spans.append(_Span(self._start, int(last_loud[stop]) + 1, first + stop + 1))
                self._start, self._armed = None, bool(level[stop] < LEAVE)  # what was not heard was no rest
            at = stop + 1
        return elapsed, [span for span in spans if span.end - span.start >= _TWITCH]

    def _measure(self, run: _Run, spans: Sequence[_Span]) -> list[Rep]:
        """Measure repetitions, from their frames: what goes through frames does so once for all of them."""
        begin = spans[0].start
        start, end, stop = (np.array(spans) - begin).T
        # time last: a sum over rows of a few numbers would cost ten times as much
        fast, slow, flags = np.array(run.fast.T, order="C"), np.array(run.slow.T, order="C"), np.array(run.flags.T, order="C")
        usable = (flags < _UNUSABLE) & np.isfinite(fast) & ~_told_later(flags, stop)
        power = np.where(usable, np.square(fast), 0.0)
        known = np.logical_and.reduce(usable[self._columns], axis=0)  # everything that is judged is
        highest = np.square(_reduce(np.fmax, np.where(usable, slow, np.nan), start, end))
        tops, has_top = _tops(run.strongest, PLATEAU * self._strongest(highest), start, end, stop)
        means = _means(power, usable, known, np.column_stack((start, tops, end, stop)))
        levels, n_known = self._scale.level(means), _reduce(np.add, known.astype(np.int64), start, end)
        known_s = n_known[:, np.newaxis] / FRAME_RATE_HZ
        numbers = zip(
            (tops + begin).tolist(),
            has_top.tolist(),
            levels.tolist(),
            self._scale.level(highest).tolist(),
            self._times_to_relax_s(power, usable, means[:, _HOLD], tops[:, 1], stop).tolist(),
            residual(means[:, _AFTER], means[:, _HOLD], self._floor).tolist(),
            n_known.tolist(),
            means[:, _KNOWN].tolist(),
            effective_length_s(means[:, _KNOWN], means[:, _KNOWN_SQUARE], known_s, self._bandwidths_hz).tolist(),
            _one_moment(power[self._columns], self._floor[self._columns], start, end).tolist(),
            _reduce(np.maximum, flags, start, end).tolist(),
            self._ratio.ln(levels[:, _KNOWN], self._scale.rep_gate).tolist(),
            self._ratio.working(levels[:, _KNOWN], self._scale.rep_gate).tolist(),
            strict=True,
        )
        verdicts = [run.verdict[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)]
        return [self._rep(span, _Numbers(*row), v) for span, row, v in zip(spans, numbers, verdicts, strict=True)]

    def _times_to_relax_s(
        self, power: Floats, usable: NDArray[np.bool_], hold: Floats, release: NDArray[np.int64], stop: NDArray[np.int64]
    ) -> Floats:
        """Give the times of all repetitions, shape (n_reps, n_roles): side by side they are but so many more muscles."""
        at = release + np.arange((stop - release).max())[:, np.newaxis]
        within, at = at < stop, np.minimum(at, stop - 1)
        after = np.where(usable[:, at] & within, power[:, at], np.nan).transpose(1, 2, 0)  # (n, n_reps, n_roles)
        times = time_to_relax_s(after.reshape(len(at), hold.size), hold.ravel(), np.tile(self._floor, len(hold)))
        return times.reshape(hold.shape)

    def _rep(self, span: _Span, numbers: _Numbers, verdict: NDArray[np.uint8]) -> Rep:
        """Put down what one repetition was."""
        n, levels, peak = span.end - span.start, numbers.levels, self._by_role(numbers.peak)
        why_not = self._why_not(n, numbers)
        ln_ratio = numbers.ln_ratio if why_not is None and self._by_share else None
        error = None
        if ln_ratio is not None and self._uncertainty is not None:
            error = self._uncertainty.of(self._ratio, numbers.power, numbers.length_s, numbers.working)
        in_zone, over_floor = (None, None) if why_not else self._against_target(ln_ratio, numbers.peak)
        faults = {why_not or "": why_not is not None, "under_zone": in_zone is False, "under_floor": over_floor is False}
        in_zone_s, longest_in_zone_s = (None, None) if self._target is None else _times_in_zone(verdict)
        return Rep(
            start_s=span.start / FRAME_RATE_HZ,
            end_s=span.end / FRAME_RATE_HZ,
            activation=self._by_role(levels[_WHOLE]),
            ln_ratio=ln_ratio,
            led_by=led_by(ln_ratio),
            counted=LEAST_S * FRAME_RATE_HZ <= n <= self._longest,
            scored=why_not is None,
            in_zone=in_zone,
            over_floor=over_floor,
            reasons=tuple(reason for reason, holds in faults.items() if holds),
            ln_ratio_error=error,
            phases=self._phases(span, numbers) if numbers.has_top else None,
            peak=peak,
            time_to_relax_s=self._by_role(numbers.time_to_relax_s),
            residual=self._by_role(numbers.residual),
            time_in_zone_s=in_zone_s,
            longest_in_zone_s=longest_in_zone_s,
        )

    def _phases(self, span: _Span, numbers: _Numbers) -> Phases:
        cuts = [at / FRAME_RATE_HZ for at in (span.start, *numbers.top, span.end)]
        return Phases(*(RepPhase(*cut, self._by_role(numbers.levels[i])) for i, cut in enumerate(pairwise(cuts), _UP)))

    def _why_not(self, n: int, numbers: _Numbers) -> str | None:
        """Give the id of why a repetition of `n` frames is not scored; None if it is."""
        if n < LEAST_S * FRAME_RATE_HZ:
            return "too_short"
        if n > self._longest:
            return "too_long"
        if self._by_share and self._ratio.why_not is not None:
            return self._ratio.why_not
        if not self._columns:
            return "not_worn"
        if not self._scale.comparable:
            return "task_reference"
        if numbers.known < (1 - _UNUSABLE_SHARE) * n:
            return "signal_lost" if any(numbers.flag[c] == Flag.ABSENT for c in self._columns) else "poor_signal"
        level, gate = numbers.levels[_KNOWN], self._scale.rep_gate
        if not self._by_share and all(level[c] != level[c] for c in self._columns):  # NaN
            return "no_reference"
        if numbers.ln_ratio != numbers.ln_ratio if self._by_share else not any(level[c] >= gate[c] for c in self._columns):
            return "too_quiet"
        taps = (c for c, tap in zip(self._columns, numbers.one_moment, strict=True) if tap)
        return "one_moment" if any(level[c] >= gate[c] for c in taps) else None

    def _against_target(self, ln_ratio: float | None, peak: Sequence[float]) -> tuple[bool | None, bool | None]:
        """Tell whether a scored repetition is in its zone, and whether the target reached its floor."""
        if self._target is None:
            return None, None
        peaks = [level for c in self._asked if (level := peak[c]) == level]  # NaN is not itself
        over_floor = max(peaks) >= self._target.floor if peaks and self._target.floor is not None else None
        in_zone = None if ln_ratio is None or self._target.zone is None else self._target.zone.holds(ln_ratio)
        return in_zone, over_floor

    def _by_role(self, values: Sequence[float]) -> Levels:
        return {role: None if v != v else v for role, v in zip(self._roles, values, strict=True)}  # NaN is not itself


def _told_later(flags: NDArray[np.uint8], stop: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell where a flag rises within `_LATE`, but before the next `stop`: it is judged from the samples before it.

    Shape (n_roles, n), where the last `stop` is n.
    """
    late = (flags >= _FIRST_LATE) & (flags <= _LAST_LATE)
    if not late.any():
        return late
    n = flags.shape[1]
    count = np.zeros((len(flags), n + 1), np.int64)
    np.cumsum(late, axis=1, out=count[:, 1:])
    ahead = np.minimum(np.arange(n) + _LATE, np.repeat(stop, np.diff(stop, prepend=0)))
    return np.asarray(count[:, ahead] - count[:, :n], np.bool_)


def _reduce(ufunc: np.ufunc, rows: NDArray[Any], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[Any]:
    """Reduce what each repetition has of the last axis, shape (…, n) → (n_reps, …)."""
    edges = np.column_stack((start, end)).ravel()[:-1]
    reduced: NDArray[Any] = ufunc.reduceat(rows[..., : end[-1]], edges, axis=-1)[..., ::2].T
    return reduced


def _tops(
    strongest: Floats, level: Floats, start: NDArray[np.int64], end: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Give where each repetition is first at its level and no longer, shape (n_reps, 2), and whether it ever is.

    One that never is counts as being there from start to end.
    """
    at = np.flatnonzero(strongest[: stop[-1]] >= np.repeat(level, np.diff(stop, prepend=0)))
    first, last = at.searchsorted((start, end))
    has_top = first < last
    at = np.append(at, 0)  # so that there is one in any case
    tops = np.column_stack((np.where(has_top, at[first], start), np.where(has_top, at[last - 1] + 1, end)))
    return tops, has_top


_KNOWN, _KNOWN_SQUARE, _WHOLE, _UP, _HOLD, _DOWN, _AFTER = range(7)
"""Rows of `_means`."""


def _means(power: Floats, usable: NDArray[np.bool_], known: NDArray[np.bool_], cuts: NDArray[np.int64]) -> Floats:
    """Average the power of each muscle over what can be used; NaN where nothing can.

    Parameters
    ----------
    power, usable : ndarray of shape (n_roles, n)
        Zero where not usable.
    known : ndarray of shape (n,)
        Which frames make the ratio.
    cuts : ndarray of shape (n_reps, 5)
        Where way up, hold, way down and the rest after begin, and where that ends.

    Returns
    -------
    ndarray of shape (n_reps, 7, n_roles)
        Over the known frames of each repetition, the same of the square of the power, over the repetition, and over each phase.
    """
    rows = np.zeros((5, len(power), power.shape[1] + 1))  # the last cut lies behind the last frame
    count, total, known_count, known_total, known_squares = rows[:, :, :-1]
    count[:], total[:] = usable, power
    np.logical_and(usable, known, out=known_count)
    np.multiply(power, known, out=known_total)
    np.square(known_total, out=known_squares)
    sums = np.add.reduceat(rows, cuts.ravel(), axis=2).reshape(5, len(power), *cuts.shape)[..., : _AFTER - _UP + 1]
    sums[..., np.diff(cuts) == 0] = 0.0  # where there is nothing to add, reduceat gives the frame after
    whole = sums[..., :-1].sum(axis=-1, keepdims=True)
    counts = np.concatenate((whole[2], whole[2], whole[0], sums[0]), axis=-1)
    totals = np.concatenate((whole[3], whole[4], whole[1], sums[1]), axis=-1)
    means: Floats = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return means.transpose(1, 2, 0)


def _one_moment(power: Floats, floor: Floats, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell where a fifth of a second holds too much of what a muscle did in a repetition, shape (n_reps, n_roles)."""
    two = power[:, 1:] + power[:, :-1]
    four = two[:, 2:] + two[:, :-2]
    moments = np.add(four[:, 16:], four[:, :-16])
    for earlier in (4, 8, 12):
        moments += four[:, earlier : earlier - 16]
    most = _reduce(np.maximum, moments, start + 1, end - _MOMENT + 1) - _MOMENT * floor
    n = (end - start)[:, np.newaxis]
    all_of_it = _reduce(np.add, power, start, end) - n * floor
    return (n >= _LONG_ENOUGH) & (most > _MOST_OF_IT * all_of_it)


def _next(marks: NDArray[np.int64], at: int, n: int) -> int:
    """Give the first of the marks from a place on; `n` if there is none."""
    found = int(marks.searchsorted(at))
    return int(marks[found]) if found < len(marks) else n


def _times_in_zone(verdict: NDArray[np.uint8]) -> tuple[float | None, float | None]:
    """Give how long the verdict was in the zone, altogether and at a stretch; None where it was muted all the time."""
    told = verdict.tobytes()
    if not any(told):  # MUTED is 0
        return None, None
    stretches = [len(stretch) for stretch in _INSIDE.findall(told)]
    return sum(stretches) / FRAME_RATE_HZ, max(stretches, default=0) / FRAME_RATE_HZ
