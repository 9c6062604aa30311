"""How sure a ratio is: 95 % margins of ``ln R`` from windows, noise, floors and references.

Surface EMG is noise whose strength is what we want to know, so even a perfect sensor reads it with an error. With a statistical
bandwidth ``B = (∫S df)² / ∫S² df`` of its spectrum ``S``, the mean square of ``T`` seconds scatters by ``1 / √(B·T)`` of itself
and the RMS by half of that [1]_. The fraction of the reference is ``n² = (P − F²) / (P_ref − F²)``: the floor makes the scatter
of ``P`` larger by ``P / (P − F²)``, and has an error of its own that does not average out over the repetitions of a session,
nor does that of the reference. So a margin has two parts, `RatioError.independent` and `RatioError.common`.

Every part is found by reading the number that may be wrong at the ends of its own 95 % range, and parts are added in
quadrature, separately up and down: near the floor a margin is far from symmetric [2]_.

Not in it: cross-talk, fat, a sensor that has moved. They shift the ratio by amounts that nothing here can know.

References
----------
.. [1] J. S. Bendat, A. G. Piersol, Random Data, 4th ed., Wiley 2010, chapter 8: errors of mean squares.
.. [2] G. Y. Zou, A. Donner, Construction of confidence limits about effect measures, Stat Med 27:1693, 2008.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.ratio import LN_CAP, Ratio, Scale, share_of
from gluteemg.processing.envelope import FAST_S

Floats = NDArray[np.float64]

Z95 = 1.96
"""Half of the 95 % range of a normal distribution, in standard errors: a margin divided by it is a standard error."""
ENVELOPE_BANDWIDTH_HZ = 85.0
"""For sensors that send an envelope and keep their filters to themselves (chosen: about that of EMG in 20 to 95 Hz)."""
FLOOR_S = 3.0
"""Length of a rest that is not written down (chosen: about what the shortest protocol leaves of its rest)."""
SEARCHED_S = 4.0
"""Time of a maximal trial, without its ramp, that is not written down (chosen: what is left of the usual 5 s)."""
SPREAD_REPS = 5
"""Repetitions from which their own scatter may widen the margin of their mean (chosen: of fewer, it says little)."""


def rms_error(bandwidth_hz: float, length_s: float) -> float:
    """Give the standard error of an RMS over a time, as a fraction of it: ``1 / √(4·B·T)``."""
    return 1 / math.sqrt(4 * bandwidth_hz * length_s)


def effective_length_s(
    mean_square: Floats, mean_fourth: Floats, length_s: Floats, bandwidths_hz: Floats, window_s: float = FAST_S
) -> Floats:
    """Give the length of a steady contraction that would be measured as surely as this one with its ramps.

    ``(∫P dt)² / ∫P² dt``, with the part of ``P²`` taken out that is the scatter of the windows themselves; never longer than
    the time itself.

    Parameters
    ----------
    mean_square, mean_fourth : ndarray of shape (..., n_roles)
        Mean of ``P``, the square of a moving RMS, floor included, and of ``P²``.
    length_s : ndarray that can be broadcast to (..., n_roles)
        Time over which they were taken.
    bandwidths_hz : ndarray of shape (n_roles,)
        See `bandwidth_hz`.
    window_s : float
        Window of the moving RMS.

    Returns
    -------
    ndarray of shape (..., n_roles)
        Seconds; 0 where there is no power at all.
    """
    steady = np.divide(mean_square**2, mean_fourth, out=np.zeros(mean_square.shape), where=mean_fourth > 0)
    length: Floats = length_s * np.minimum(1.0, steady * (1 + 1 / (bandwidths_hz * window_s)))
    return length


@dataclass(frozen=True, slots=True)
class Basis:
    """What floor and reference of one muscle were measured from.

    Parameters
    ----------
    floor_s : float
        Length of the rest.
    window_s : float
        Time that the reference was averaged over, in each trial.
    trials : int
        Trials that it was made from.
    searched_s : float
        Time of each trial in which the largest window was looked for, for a maximum; 0 for the median of means.
    spread : float
        Standard error of ``ln`` of the reference as the trials themselves tell it; 0 if they do not.
    felt : float or None
        How hard the person said it was, as a fraction of what was asked for; None if not said.
    """

    floor_s: float
    window_s: float
    trials: int = 1
    searched_s: float = 0.0
    spread: float = 0.0
    felt: float | None = None

    @classmethod
    def of(cls, calibration: Calibration, level: Level) -> Self | None:
        """Read it from a calibration; None where there is no reference or nobody knows its window."""
        if level.reference is None or calibration.window_s <= 0:
            return None
        return cls(
            floor_s=calibration.floor_s or FLOOR_S,
            window_s=calibration.window_s,
            trials=max(1, sum(trial.accepted for trial in level.trials)),
            searched_s=0.0 if calibration.statistic == "mean" else calibration.trial_s or SEARCHED_S,
            spread=level.spread or 0.0,
            felt=None if level.rated is None or level.effort is None else level.rated / level.effort,
        )

    def reference_error(self, bandwidth_hz: float) -> tuple[float, float]:
        """Give the standard error of ``ln`` of the reference's mean square, and by how much a maximum lies above the mean.

        The largest of ``m`` windows of noise lies about ``√(2 ln m)`` standard errors above their mean, and scatters less than
        one of them. Both it and the median of means scatter by at least what the person did differently in the trials.
        """
        one = 2 * rms_error(bandwidth_hz, self.window_s)
        windows = self.trials * self.searched_s / self.window_s
        if windows > 1:
            above = math.sqrt(2 * math.log(windows))
            return max(one * min(1.0, _MAXIMUM_SCATTER / above), 2 * self.spread), one * above
        return max(one * min(1.0, math.sqrt(math.pi / 2 / (self.trials + 0.5))), 2 * self.spread), 0.0


_MAXIMUM_SCATTER = 1.15
"""Scatter of the largest window in ``m`` lengths of one, times ``√(2 ln m)``, in standard errors of one window (by simulation
for 2 to 30 lengths, where its mean is right within 0.2)."""


class Margin(NamedTuple):
    """How far below and above the value the truth may be (95 %), never negative."""

    below: float
    above: float


@dataclass(frozen=True, slots=True)
class RatioError:
    """How sure one ``ln R`` is, as margins of 95 %; a margin divided by `Z95` is a standard error.

    Parameters
    ----------
    independent : Margin
        What differs from repetition to repetition, and averages out over them.
    common : Margin
        What is the same all session: floors, references.
    """

    independent: Margin
    common: Margin

    def interval(self, ln_ratio: float) -> tuple[float, float]:
        """Give the range of ``ln R``, which as the ratio itself is held between 1/10 and 10."""
        below = math.hypot(self.independent.below, self.common.below)
        above = math.hypot(self.independent.above, self.common.above)
        return max(-LN_CAP, ln_ratio - below), min(LN_CAP, ln_ratio + above)

    def shares(self, ln_ratio: float) -> tuple[float, float]:
        """Give the range of the glute share, 0 to 1."""
        low, high = self.interval(ln_ratio)
        return share_of(low), share_of(high)

    @classmethod
    def over_sides(cls, errors: Sequence[RatioError]) -> Self:
        """Give the error of the mean of ``ln R`` over the sides of the body, which have nothing in common."""
        return cls(_quadrature([e.independent for e in errors]), _quadrature([e.common for e in errors]))

    @classmethod
    def over_reps(cls, errors: Sequence[RatioError], ln_ratios: Sequence[float] = ()) -> Self:
        """Give the error of the mean of ``ln R`` over at least one repetition of a session with one calibration.

        Given the ratios too, `SPREAD_REPS` or more, their own scatter (Student's) counts where it says more than the errors.
        """
        independent = _quadrature([e.independent for e in errors])
        n = len(ln_ratios)
        if n >= SPREAD_REPS:
            scatter = float(stdtrit(n - 1, 0.975)) * float(np.std(ln_ratios, ddof=1)) / math.sqrt(n)
            independent = Margin(max(independent.below, scatter), max(independent.above, scatter))
        common = Margin(*(sum(sides) / len(errors) for sides in zip(*(e.common for e in errors), strict=True)))
        return cls(independent, common)


class Uncertainty:
    """The errors of the ratio under one calibration.

    Parameters
    ----------
    scale : Scale
        Floors and references.
    bandwidths_hz : sequence of float
        Of each column, from `bandwidth_hz` of its sensor's rate, or `ENVELOPE_BANDWIDTH_HZ`.
    bases : sequence of Basis or None
        Of each column, what its floor and reference were measured from; None if it has none.
    """

    def __init__(self, scale: Scale, bandwidths_hz: Sequence[float], bases: Sequence[Basis | None]) -> None:
        self._muscles = [
            None if basis is None else _Muscle(float(floor), float(reference), hz, basis)
            for floor, reference, hz, basis in zip(scale.floor, scale.reference, bandwidths_hz, bases, strict=True)
        ]

    def of(
        self,
        ratio: Ratio,
        mean_square: Sequence[float] | Floats,
        length_s: Sequence[float] | Floats,
        working: Sequence[bool] | None = None,
    ) -> RatioError | None:
        """Give the error of ``ratio.ln(scale.level(mean_square))`` for one stretch of time.

        Parameters
        ----------
        ratio : Ratio
            Which columns make the ratio.
        mean_square : sequence of float
            Of each column, mean square over a repetition or a window, floor included.
        length_s : sequence of float
            Of each column, its `effective_length_s`; of a window, its length.
        working : sequence of bool, optional
            Which sides count (`Ratio.working`); all, if not given.

        Returns
        -------
        RatioError or None
            None where there is no ratio.
        """
        sides = []
        for number, (glute, hamstrings) in enumerate(ratio.pairs):
            if working is not None and not working[number]:
                continue
            ranges = []
            for column in (glute, *hamstrings):
                muscle, power, length = self._muscles[column], mean_square[column], length_s[column]
                if muscle is None or not (muscle.reference > 0 and power >= 0 and length > 0):
                    return None
                ranges.append(muscle.ranges(power, length))
            error = _side_error(ranges[0], _mean_of(ranges[1:]), self._lean(glute, hamstrings))
            if error is None:
                return None
            sides.append(error)
        return RatioError.over_sides(sides) if sides and ratio.why_not is None else None

    def _lean(self, glute: int, hamstrings: Sequence[int]) -> float:
        """Give what is known to differ between the references of glutes and hamstrings, in ``ln R``.

        That is how differently hard they felt, as far as effort and EMG go together, and how much more of the noise a maximum
        found in one than in the other. It adds to the margin as it is, since its size is known.
        """
        one, *others = (m for c in (glute, *hamstrings) if (m := self._muscles[c]) is not None)
        felt = max((abs(math.log(one.felt / m.felt)) for m in others if one.felt and m.felt), default=0.0)
        return felt + max(abs(one.inflation - m.inflation) for m in others)


class _Range(NamedTuple):
    """A fraction of the reference, and its 95 % range (low, high) for each thing that may be wrong."""

    level: float
    power: tuple[float, float]
    floor: tuple[float, float]
    reference: tuple[float, float]


class _Muscle:
    """What is known of one muscle's floor and reference, with their 95 % factors on mean squares."""

    def __init__(self, floor: float, reference: float, bandwidth: float, basis: Basis) -> None:
        self.reference = reference
        self.felt = basis.felt
        self._floor = floor**2
        self._top = floor**2 + reference**2  # as it was measured
        self._bandwidth = bandwidth
        error, above = basis.reference_error(bandwidth)
        self.inflation = above / 2 * self._top / reference**2 if reference > 0 else 0.0
        self._floor_factor = math.exp(Z95 * 2 * rms_error(bandwidth, basis.floor_s))
        self._reference_factor = math.exp(Z95 * error)

    def ranges(self, power: float, length_s: float) -> _Range:
        factor = math.exp(Z95 * 2 * rms_error(self._bandwidth, length_s))
        floor, top = self._floor, self._top
        return _Range(
            _level(power, floor, top),
            (_level(power / factor, floor, top), _level(power * factor, floor, top)),
            # the same floor was taken off the reference, too, so part of its error cancels
            (_level(power, floor * self._floor_factor, top), _level(power, floor / self._floor_factor, top)),
            (_level(power, floor, top * self._reference_factor), _level(power, floor, top / self._reference_factor)),
        )


def _level(power: float, floor: float, top: float) -> float:
    """Give the fraction of the reference, from mean squares; 0 below the floor, infinite where the reference is."""
    if power <= floor:
        return 0.0
    return math.sqrt((power - floor) / (top - floor)) if top > floor else math.inf


def _mean_of(muscles: Sequence[_Range]) -> _Range:
    """Give the mean of muscles whose errors have nothing in common."""
    n = len(muscles)
    level = sum([m.level for m in muscles]) / n

    def around(ranges: Sequence[tuple[float, float]]) -> tuple[float, float]:
        below, above = zip(
            *[(low - m.level, high - m.level) for m, (low, high) in zip(muscles, ranges, strict=True)], strict=True
        )
        return level - math.hypot(*below) / n, level + math.hypot(*above) / n

    power, floor, reference = map(around, zip(*[m[1:] for m in muscles], strict=True))
    return _Range(level, power, floor, reference)


def _side_error(glutes: _Range, hamstrings: _Range, lean: float) -> RatioError | None:
    """Give the error of one side's ``ln R``; None where both muscles are silent."""
    g, h = glutes.level, hamstrings.level
    if g == h == 0:
        return None
    cap = math.exp(LN_CAP)
    g, h = max(g, h / cap), max(h, g / cap)  # what the capped ratio says
    ln_ratio = math.log(g / h)
    room = Margin(max(0.0, LN_CAP + ln_ratio), max(0.0, LN_CAP - ln_ratio))

    def margin(g_range: tuple[float, float], h_range: tuple[float, float]) -> Margin:
        return Margin(
            math.hypot(_ln_over(g, g_range[0]), _ln_over(h_range[1], h)),
            math.hypot(_ln_over(g_range[1], g), _ln_over(h, h_range[0])),
        )

    own, floor, reference = map(margin, glutes[1:], hamstrings[1:])
    common = Margin(*(math.hypot(*side) + lean for side in zip(floor, reference, strict=True)))
    return RatioError(Margin(*map(min, own, room)), Margin(*map(min, common, room)))


def _ln_over(larger: float, smaller: float) -> float:
    """Give ``ln(larger / smaller)``, 0 where it is not larger, infinite over nothing."""
    return math.inf if smaller <= 0 < larger else max(0.0, math.log(larger / smaller)) if larger > 0 else 0.0


def _quadrature(margins: Sequence[Margin]) -> Margin:
    """Give the margin of the mean of independent values."""
    below, above = (math.hypot(*side) / len(margins) for side in zip(*margins, strict=True))
    return Margin(below, above)
