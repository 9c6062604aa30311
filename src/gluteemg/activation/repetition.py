"""Where repetitions begin and end, and what each of them was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.clench import residual, time_to_relax_s
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames, Verdict
from gluteemg.activation.ratio import Ratio, Scale, Zone, led_by
from gluteemg.activation.rep import Levels, Phases, Rep, RepPhase
from gluteemg.activation.uncertainty import RatioError, Uncertainty, effective_length_s
from gluteemg.muscles import HAMSTRINGS, Role
from gluteemg.processing.envelope import FAST_S
from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]


ENTER, LEAVE = 0.15, 0.08
"""A repetition begins above 15 % and ends below 8 % of the working level (chosen, to be clear of the rest noise)."""
_SCATTER = 3.0
"""Standard errors of the floor, read over 125 ms, by which a muscle must be louder than rest (chosen: without, rest that is
read a little loud joins repetitions under 15 dB; over 20 dB it changes nothing)."""
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
    zone : Zone
        Where the ratio should be.
    floor : float or None
        Least activation of gluteus maximus, as a fraction of its reference, held over 500 ms; None where it cannot be judged.
    longest_s : float
        Longest repetition that counts: more than the exercise asks to hold.
    """

    zone: Zone
    floor: float | None
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
        return runs[0] if len(runs) == 1 else cls(*(np.concatenate([getattr(r, f) for r in runs]) for f in cls._fields))


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
        self._uncertainty, self._bandwidths_hz = uncertainty, np.array(bandwidths_hz)
        movers = {"gluteus_maximus", "gluteus_medius", *HAMSTRINGS}
        self._movers = [i for i, r in enumerate(roles) if r.muscle in movers] or list(range(len(roles)))
        self._columns, self._floor = ratio.columns, scale.floor**2
        self._scatter = _SCATTER / np.sqrt(FAST_S * self._bandwidths_hz) * self._floor if len(bandwidths_hz) else 0.0
        self._glutes = [r for r in roles if r.muscle == "gluteus_maximus"]
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
        first, strongest = int(frames.index[0]), self._strongest(frames.envelope_fast)
        run = _Run(frames.envelope_fast, frames.envelope, frames.flags, frames.verdict, strongest)
        self._seen.append((first, run))
        elapsed, spans = self._walk(frames.index, strongest)
        reps = []
        if spans:
            begin, whole = self._seen[0][0], _Run.join([seen for _, seen in self._seen])
            reps = [self._rep(whole.between(span.start - begin, span.stop - begin), span) for span in spans]
        if self._start is None or self._start >= first:  # what came before is done with
            self._seen = [] if self._start is None else [(first, run)]
        return elapsed, reps

    def _strongest(self, envelope: Floats) -> Floats:
        """Give the highest effort of the movers, surely above rest, shape (n, n_roles) → (n,); NaN where none is known."""
        effort = self._scale.effort(np.sqrt(np.maximum(envelope**2 - self._scatter, 0.0)))
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

    def _rep(self, run: _Run, span: _Span) -> Rep:
        """Measure one repetition from its frames and those after it that decided it."""
        n = span.end - span.start
        usable = (run.flags.T < Flag.HEAVY_LOSS) & np.isfinite(run.fast.T) & ~_told_later(run.flags.T)
        power = np.square(run.fast.T, order="C")  # time last: a sum over rows of a few numbers would cost ten times as much
        power[~usable] = 0.0
        known = np.logical_and.reduce(usable[self._columns, :n], axis=0)  # every muscle of the ratio is
        slow = np.array(run.slow.T, order="C")
        slow[~usable] = np.nan
        highest = np.fmax.reduce(slow[:, :n], axis=1)
        top = self._top(run.strongest[:n], highest)
        means = _means(power, usable, (0, *(top or (0, n)), n, len(run.strongest)), known)
        levels = self._scale.level(means)
        peak = self._by_role(self._scale.activation(highest))
        power[~usable] = np.nan
        times = time_to_relax_s(power[:, n if top is None else top[1] :].T, means[_HOLD], self._floor)
        in_zone_s, longest_in_zone_s = (None, None) if self._target is None else _times_in_zone(run.verdict[:n])

        ln_ratio, why_not = self._ln_ratio(levels[:1], known, run.flags[:n], power[:, :n])
        in_zone, over_floor = self._against_target(ln_ratio, peak)
        faults = {why_not or "": why_not is not None, "under_zone": in_zone is False, "under_floor": over_floor is False}
        return Rep(
            start_s=span.start / FRAME_RATE_HZ,
            end_s=span.end / FRAME_RATE_HZ,
            activation=self._by_role(levels[_WHOLE]),
            ln_ratio=ln_ratio,
            led_by=led_by(ln_ratio),
            counted=LEAST_S * FRAME_RATE_HZ <= n <= self._longest,
            scored=ln_ratio is not None,
            in_zone=in_zone,
            over_floor=over_floor,
            reasons=tuple(reason for reason, holds in faults.items() if holds),
            ln_ratio_error=None if ln_ratio is None else self._error(power[:, :n].T, known, means[_KNOWN], levels[:1]),
            phases=None if top is None else self._phases(span, top, levels),
            peak=peak,
            time_to_relax_s=self._by_role(times),
            residual=self._by_role(residual(means[_AFTER], means[_HOLD], self._floor)),
            time_in_zone_s=in_zone_s,
            longest_in_zone_s=longest_in_zone_s,
        )

    def _top(self, strongest: Floats, highest: Floats) -> tuple[int, int] | None:
        """Give the first frame of the hold and the one after its last; None where its level is not known."""
        at_top = np.flatnonzero(strongest >= PLATEAU * self._strongest(highest[np.newaxis]))
        return (int(at_top[0]), int(at_top[-1]) + 1) if len(at_top) else None

    def _phases(self, span: _Span, top: tuple[int, int], levels: Floats) -> Phases:
        cuts = [at / FRAME_RATE_HZ for at in (span.start, span.start + top[0], span.start + top[1], span.end)]
        return Phases(*(RepPhase(*cut, self._by_role(levels[i])) for i, cut in enumerate(pairwise(cuts), _UP)))

    def _ln_ratio(
        self, level: Floats, known: NDArray[np.bool_], flags: NDArray[np.uint8], power: Floats
    ) -> tuple[float, None] | tuple[None, str]:
        """Give ``ln R`` of a level of shape (1, n_roles), with the power it is from, or the id of why there is none."""
        if len(known) < LEAST_S * FRAME_RATE_HZ:
            return None, "too_short"
        if len(known) > self._longest:
            return None, "too_long"
        if self._ratio.why_not is not None:
            return None, self._ratio.why_not
        if np.count_nonzero(known) < (1 - _UNUSABLE_SHARE) * len(known):
            return None, "signal_lost" if bool((flags[:, self._columns] == Flag.ABSENT).any()) else "poor_signal"
        value = float(self._ratio.ln(level, self._scale.rep_gate)[0])
        if np.isnan(value):
            return None, "too_quiet"
        loud = [c for c in self._columns if level[0, c] >= self._scale.rep_gate[c]]
        if _is_one_moment(np.nan_to_num(power[loud]), self._floor[loud]):
            return None, "one_moment"
        return value, None

    def _against_target(self, ln_ratio: float | None, peak: Levels) -> tuple[bool | None, bool | None]:
        """Tell whether a scored repetition is in its zone, and whether the glutes reached their floor."""
        if self._target is None or ln_ratio is None:
            return None, None
        peaks = [level for role in self._glutes if (level := peak[role]) is not None]
        over_floor = max(peaks) >= self._target.floor if peaks and self._target.floor is not None else None
        return self._target.zone.holds(ln_ratio), over_floor

    def _error(self, power: Floats, known: NDArray[np.bool_], mean_square: Floats, level: Floats) -> RatioError | None:
        if self._uncertainty is None:
            return None
        told = power if known.all() else np.where(known[:, np.newaxis], power, np.nan)
        length_s = effective_length_s(told, 1 / FRAME_RATE_HZ, self._bandwidths_hz)
        working = self._ratio.working(level, self._scale.rep_gate)[0].tolist()
        return self._uncertainty.of(self._ratio, mean_square, length_s, working)

    def _by_role(self, values: Floats) -> Levels:
        return {role: None if v != v else v for role, v in zip(self._roles, values.tolist(), strict=True)}  # NaN is not itself


_KNOWN, _WHOLE, _UP, _HOLD, _DOWN, _AFTER = range(6)
"""Rows of `_means`."""


def _means(power: Floats, usable: NDArray[np.bool_], cuts: Sequence[int], known: NDArray[np.bool_]) -> Floats:
    """Average the power of each muscle over what can be used; NaN where nothing can.

    Parameters
    ----------
    power, usable : ndarray of shape (n_roles, n)
        Zero where not usable.
    cuts : sequence of int
        Where the phases begin and end: up, hold, down, after.
    known : ndarray of shape (n_frames,)
        Which frames of the repetition itself make the ratio.

    Returns
    -------
    ndarray of shape (6, n_roles)
        Over those frames, over the repetition, and over each phase.
    """
    both = np.concatenate((power, usable))  # sums and counts at once
    sums = np.empty((6, len(both)))
    for row, (start, end) in enumerate(pairwise(cuts), _UP):
        np.add.reduce(both[:, start:end], axis=1, out=sums[row])
    np.add.reduce(sums[_UP:_AFTER], axis=0, out=sums[_WHOLE])
    sums[_KNOWN] = sums[_WHOLE] if known.all() else np.add.reduce(both[:, : len(known)][:, known], axis=1)
    totals, counts = sums[:, : len(power)], sums[:, len(power) :]
    means: Floats = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return means


def _told_later(flags: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell where a flag rises within `_LATE`: it is judged from the samples before it, shape (n_roles, n)."""
    late = (flags >= Flag.HEAVY_MAINS) & (flags <= Flag.FLAT)
    if not late.any():
        return late
    n = flags.shape[1]
    count = np.zeros((len(flags), n + 1), np.int64)
    np.cumsum(late, axis=1, out=count[:, 1:])
    ahead = np.minimum(np.arange(n) + _LATE, n)
    return np.asarray(count[:, ahead] - count[:, :n], np.bool_)


def _is_one_moment(power: Floats, floor: Floats) -> bool:
    """Tell whether a fifth of a second holds too much of what a muscle did in a repetition, shape (n_muscles, n)."""
    n = power.shape[1]
    if n < _LONG_ENOUGH or not len(power):
        return False
    count = np.cumsum(power - floor[:, np.newaxis], axis=1)
    most = (count[:, _MOMENT:] - count[:, :-_MOMENT]).max(axis=1)
    return bool((most > _MOST_OF_IT * count[:, -1]).any())


def _next(marks: NDArray[np.int64], at: int, n: int) -> int:
    """Give the first of the marks from a place on; `n` if there is none."""
    found = int(np.searchsorted(marks, at))
    return int(marks[found]) if found < len(marks) else n


def _times_in_zone(verdict: NDArray[np.uint8]) -> tuple[float | None, float | None]:
    """Give how long the verdict was in the zone, altogether and at a stretch; None where it was muted all the time."""
    if not verdict.any():  # MUTED is 0
        return None, None
    inside = (verdict == Verdict.IN_ZONE) | (verdict == Verdict.GLUTES_LEAD)
    edges = [0, *(np.flatnonzero(inside[1:] != inside[:-1]) + 1).tolist(), len(inside)]
    stretches = [end - start for start, end in pairwise(edges)][not inside[0] :: 2]
    return sum(stretches) / FRAME_RATE_HZ, max(stretches, default=0) / FRAME_RATE_HZ
