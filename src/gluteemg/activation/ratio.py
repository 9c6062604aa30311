"""Glutes against hamstrings: activation, the log ratio, the share, and the verdict against a zone.

``R = nG / nH`` from fractions of each muscle's own reference with the floor taken off; always worked with as ``ln R``, shown as
the share ``R / (1 + R)``. How sure it is stands in `gluteemg.activation.uncertainty`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration, Method
from gluteemg.activation.frame import FRAME_RATE_HZ, Verdict
from gluteemg.muscles import HAMSTRINGS, SIDES, Role, Side

LN_CAP = float(np.log(10.0))
"""The ratio is held between 1/10 and 10: beyond, one of the two is only noise."""
DEAD_BAND = float(np.log(1.25))
"""Two equal channels over 500 ms read 0.87 to 1.15 in 95 % of windows; 1.25 is surely different."""
HYSTERESIS = float(np.log(1.10))
DWELL_S = 0.3
_DWELL = round(DWELL_S * FRAME_RATE_HZ)
GATE = 0.10
"""Least activation, as a fraction of the reference, at which a share is worth telling."""
GATE_FLOORS = 3.0
"""The gate in multiples of the floor, where that is higher."""
REP_GATE_FLOORS = 1.0
"""The same for a whole repetition, which is read ten times as surely as half a second of rest (chosen)."""
LEAST_SNR_DB = 6.0
"""Least reference over floor for a ratio: half of such a reference is hardly more than the floor (``science.md`` 13)."""
GLUTES_LED, HAMSTRINGS_LED = float(np.log(1.25)), float(np.log(0.80))

LedBy = Literal["glutes", "shared", "hamstrings"]


@dataclass(frozen=True, slots=True)
class Zone:
    """Where the ratio ``R = glutes / hamstrings`` should be.

    Parameters
    ----------
    low, high : float
        As R, not as share. A value is in the zone down to `low` less the dead band: the reading is no surer than that.
    """

    low: float
    high: float

    @property
    def ln_low(self) -> float:
        """Lower edge as ``ln R``."""
        return float(np.log(self.low))

    @property
    def ln_high(self) -> float:
        """Upper edge as ``ln R``."""
        return float(np.log(self.high))

    def holds(self, ln_ratio: float) -> bool:
        """Tell whether a repetition with this ratio is in its zone."""
        return ln_ratio >= self.ln_low - DEAD_BAND


LEAST_SESSIONS, LATEST_SESSIONS = 3, 6
"""Sessions behind a personal zone: the exercise's own holds until there are three (``science.md`` 8), and after six the oldest
no longer counts (chosen: two or three weeks of practice)."""
ZONE_REPS = 5
"""Scored repetitions that a session must have to count (chosen: a mean of five is sure to about 10 %)."""
ZONE_MIDDLE = 0.80
"""Part of the usual repetitions that a personal zone spans (chosen: one in ten may lie below, as the zone has its margin)."""
CHANGE_THAT_COUNTS = float(np.log(1.30))
"""Least change between days: electrodes never sit in the same place twice (``science.md`` 6)."""
CHANGE_SESSIONS = 2


def personal_zone(sessions: Sequence[Sequence[float]], exercise: Zone) -> Zone | None:
    """Give the zone of one person in one exercise, from what is usual for them.

    The middle `ZONE_MIDDLE` of their repetitions, in which each session weighs alike; at least as wide as the dead band. Its
    low edge is never lower than `CHANGE_THAT_COUNTS` under that of the exercise, so that a habit that drifts towards the
    hamstrings does not become the aim.

    Parameters
    ----------
    sessions : sequence of sequence of float
        ``ln R`` of the scored repetitions of earlier sessions, the oldest first: of the same exercise, side, method and window
        of the reference. Those with fewer than `ZONE_REPS` do not count.
    exercise : Zone
        The zone of the exercise.

    Returns
    -------
    Zone or None
        None while there are fewer than `LEAST_SESSIONS`: the exercise's own holds.
    """
    enough = [ln_ratios for ln_ratios in sessions if len(ln_ratios) >= ZONE_REPS][-LATEST_SESSIONS:]
    if len(enough) < LEAST_SESSIONS:
        return None
    steps = (np.arange(100) + 0.5) / 100  # as many values of each, whatever their number
    usual = np.concatenate([np.quantile(ln_ratios, steps) for ln_ratios in enough])
    low, middle, high = np.quantile(usual, [0.5 - ZONE_MIDDLE / 2, 0.5, 0.5 + ZONE_MIDDLE / 2]).tolist()
    low = max(min(low, middle - DEAD_BAND / 2), exercise.ln_low - CHANGE_THAT_COUNTS)
    return Zone(float(np.exp(low)), float(np.exp(max(high, low + DEAD_BAND))))


def change_that_counts(means: Sequence[float]) -> float | None:
    """Tell whether the ratio has changed over sessions by more than a new placement of the electrodes can explain.

    Parameters
    ----------
    means : sequence of float
        Mean ``ln R`` of each session, the oldest first: of the same exercise, side, method and window.

    Returns
    -------
    float or None
        By how much ``ln R`` has changed: the smaller change of the last `CHANGE_SESSIONS` sessions, if each of them is
        `CHANGE_THAT_COUNTS` or more to the same side of the median of the `LATEST_SESSIONS` before. None where that is not so,
        and while there are not `LEAST_SESSIONS` before.
    """
    before, last = means[:-CHANGE_SESSIONS][-LATEST_SESSIONS:], means[-CHANGE_SESSIONS:]
    if len(before) < LEAST_SESSIONS:
        return None
    changes = [mean - float(np.median(before)) for mean in last]
    smaller = min(changes, key=abs)
    alike = all(change * smaller > 0 for change in changes)
    return smaller if alike and abs(smaller) >= CHANGE_THAT_COUNTS else None


def share_of(ln_ratio: float) -> float:
    """Give the glute share ``R / (1 + R)``, 0 to 1."""
    return float(1 / (1 + np.exp(-ln_ratio)))


def led_by(ln_ratio: float | None) -> LedBy | None:
    """Tell which muscle led: glutes from R = 1.25 on, hamstrings below 0.80, shared between; None without a ratio."""
    if ln_ratio is None or isnan(ln_ratio):
        return None
    return "glutes" if ln_ratio >= GLUTES_LED else "hamstrings" if ln_ratio < HAMSTRINGS_LED else "shared"


WORKING_SHARE: Mapping[Method, float] = {"submaximal": 1.0, "mvic": 0.4, "task": 1.0}
"""Share of the reference at which exercises are done (chosen: all of a half effort or a task; a bridge is 17 to 33 %MVIC)."""


class Scale:
    """Floors and references as arrays over the columns of a frame.

    Parameters
    ----------
    calibration : Calibration or None
        Without one, nothing is known but the microvolts.
    roles : sequence of Role
        Columns.
    refused : sequence of str or None, optional
        For each column, why its sensor supports no activation (see `gluteemg.activation.measure`), or None.

    Attributes
    ----------
    floor : ndarray of shape (n_roles,)
        RMS at rest, in the sensor's unit; NaN where not known.
    reference : ndarray of shape (n_roles,)
        RMS of the reference without the floor, in the sensor's unit; NaN where there is none.
    snr_db : ndarray of shape (n_roles,)
        ``20 · log10`` of the reference as it was measured over the floor; NaN without a reference.
    has_reference : ndarray of shape (n_roles,), bool
        Where there is one.
    comparable : bool
        Whether muscles and sides may be compared (`Calibration.comparable`).
    gate, rep_gate : ndarray of shape (n_roles,)
        Least fraction of the reference that counts as work, over 500 ms and over a whole repetition.
    """

    def __init__(self, calibration: Calibration | None, roles: Sequence[Role], refused: Sequence[str | None] = ()) -> None:
        levels = [None if calibration is None else calibration.level(r) for r in roles]
        self.floor = np.array([np.nan if x is None else x.floor for x in levels])
        reference = np.array([np.nan if x is None or x.reference is None else x.reference for x in levels])
        working = np.array([np.nan if x is None or x.working is None else x.working for x in levels])
        self._floor_power = self.floor**2
        self.reference = _positive(np.sqrt(self._over_floor(reference**2)))
        self.has_reference = np.isfinite(self.reference)
        with np.errstate(divide="ignore", over="ignore"):  # no floor at all is infinitely far below
            self.snr_db = 20 * np.log10(np.where(self.has_reference, reference, np.nan) / self.floor)
        self.gate = np.fmax(GATE, GATE_FLOORS * self.floor / self.reference)
        self.rep_gate = np.fmax(GATE, REP_GATE_FLOORS * self.floor / self.reference)

        self.comparable = calibration is None or calibration.comparable
        share_at_work = 1.0 if calibration is None or calibration.method is None else WORKING_SHARE[calibration.method]
        at_work = np.where(np.isnan(reference), np.sqrt(self._over_floor(working**2)), share_at_work * self.reference)
        self._tone = np.sqrt(self._over_floor(np.array([0.0 if x is None else x.tone for x in levels]) ** 2))
        self._span = _positive(at_work - self._tone)
        if any(refused):  # they still cut repetitions
            self.reference = np.where([reason is None for reason in refused], self.reference, np.nan)
            self.has_reference = np.isfinite(self.reference)

    def _over_floor(self, mean_square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the floor off: noise and muscle are independent, their powers add."""
        over: NDArray[np.float64] = np.asarray(mean_square - self._floor_power)
        np.maximum(over, 0.0, out=over)
        return over

    def level(self, mean_square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the fraction of the reference from a mean square, shape (..., n_roles); NaN without a reference.

        For a repetition, take its mean square as a whole: with the floor taken off at each instant and cut at zero there, too
        much of a weak signal would be left.
        """
        level = self._over_floor(mean_square)
        np.sqrt(level, out=level)
        level /= self.reference
        return level

    def activation(self, envelope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the fraction of the reference from an RMS, shape (n, n_roles); NaN without one. May exceed 1."""
        return self.level(envelope**2)

    def effort(self, mean_square: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the fraction of the way from tone to the working level: for cutting repetitions, references or not.

        From a mean square, shape (..., n_roles); NaN where neither level is known.
        """
        effort = self._over_floor(mean_square)
        np.sqrt(effort, out=effort)
        effort -= self._tone
        effort /= self._span
        return effort


def _positive(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take what is not over zero for not known: a signal that never moved has no level to divide by."""
    return np.where(level > 0, level, np.nan)


class Ratio:
    """Glutes over hamstrings from the columns of a frame; per side, never mixed across.

    Parameters
    ----------
    roles : sequence of Role
        Columns.
    scale : Scale, optional
        Floors and references of these columns: decides whether there can be a ratio. Without it, only what is worn decides.
    refused : sequence of str or None, optional
        For each column, why its sensor cannot support a ratio (see `gluteemg.activation.measure`), or None.

    Attributes
    ----------
    pairs : list of (int, list of int)
        Column of gluteus maximus and columns of the hamstrings, for each side that has both.
    sides : list of {"left", "right"}
        Those sides.
    why_not : str or None
        Id of why there is no ratio: ``no_pair`` (glutes and hamstrings of one side are not both worn), what a sensor was
        refused for, ``no_reference``, ``task_reference`` (one task stands for both), or ``too_noisy`` (a reference less than
        `LEAST_SNR_DB` over its floor). References of both come from one calibration, so they were taken in one way.
    """

    def __init__(
        self,
        roles: Sequence[Role],
        scale: Scale | None = None,
        refused: Sequence[str | None] = (),
    ) -> None:
        self.pairs: list[tuple[int, list[int]]] = []
        self.sides: list[Side] = []
        for each in SIDES:
            glutes = [i for i, r in enumerate(roles) if r == Role("gluteus_maximus", each)]
            hamstrings = [i for i, r in enumerate(roles) if r.muscle in HAMSTRINGS and r.side == each]
            if any(roles[i].muscle == "hamstrings" for i in hamstrings):
                hamstrings = [i for i in hamstrings if roles[i].muscle == "hamstrings"]
            if glutes and hamstrings:
                self.pairs.append((glutes[0], hamstrings))
                self.sides.append(each)
        self.why_not = self._refusal(scale, refused)

    def _refusal(self, scale: Scale | None, refused: Sequence[str | None]) -> str | None:
        columns = self.columns
        if not columns:
            return "no_pair"
        if reason := next((refused[c] for c in columns if refused and refused[c] is not None), None):
            return reason
        if scale is None:
            return None
        if not scale.has_reference[columns].all():
            return "no_reference"
        if not scale.comparable:
            return "task_reference"
        return "too_noisy" if bool((scale.snr_db[columns] < LEAST_SNR_DB).any()) else None

    @property
    def columns(self) -> list[int]:
        """Every column that the ratio needs."""
        return [i for glute, hamstrings in self.pairs for i in (glute, *hamstrings)]

    def ln_by_side(self, activation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``ln R`` of each side, shape (n, n_roles) → (n, n_sides).

        NaN where an input is missing or both are zero, and everywhere if `why_not` says so.
        """
        ln_ratio = np.full((len(activation), len(self.pairs)), np.nan)
        if self.why_not is None:
            for column, (glute, hamstrings) in enumerate(self.pairs):
                g, h = activation[:, glute], mean_of(activation, hamstrings)
                with np.errstate(divide="ignore", invalid="ignore"):
                    ln_ratio[:, column] = np.clip(np.log(g) - np.log(h), -LN_CAP, LN_CAP)
        return ln_ratio

    def ln(self, activation: NDArray[np.float64], gate: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Give ``ln R``, shape (n, n_roles) → (n,).

        Mean over the sides, with a `gate` over those that work: one that rests has no ratio. NaN where none does, and where an
        input of one that counts is missing.
        """
        if not self.pairs:
            return np.full(len(activation), np.nan)
        sides = self.ln_by_side(activation)
        if len(self.pairs) == 1 and gate is None:
            return sides[:, 0]
        total, n = np.zeros((2, len(activation)))
        working = np.ones(sides.shape, np.bool_) if gate is None else self.working(activation, gate)
        for side, counts in zip(sides.T, working.T, strict=True):
            n += counts
            total += np.where(counts, side, 0.0)
        mean: NDArray[np.float64] = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
        return mean

    def working(self, activation: NDArray[np.float64], gate: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which side works: a muscle of its pair is over its gate, shape (n, n_roles) → (n, n_sides)."""
        working = np.empty((len(activation), len(self.pairs)), np.bool_)
        for column, (glute, hamstrings) in enumerate(self.pairs):
            working[:, column] = activation[:, glute] >= gate[glute]
            for each in hamstrings:
                working[:, column] |= activation[:, each] >= gate[each]
        return working


def mean_of(rows: NDArray[np.float64], columns: Sequence[int]) -> NDArray[np.float64]:
    """Give the mean of some columns, shape (n, n_columns) → (n,): far faster one by one than over so short an axis."""
    total = rows[:, columns[0]].copy()
    for column in columns[1:]:
        total += rows[:, column]
    total /= len(columns)
    return total


_IN = frozenset({Verdict.IN_ZONE, Verdict.GLUTES_LEAD})
_IN_ZONE, _GLUTES_LEAD = np.uint8(Verdict.IN_ZONE), np.uint8(Verdict.GLUTES_LEAD)
_JUST_UNDER, _HAMSTRINGS_LEAD = np.uint8(Verdict.JUST_UNDER), np.uint8(Verdict.HAMSTRINGS_LEAD)


class Judge:
    """Turns the live ratio into a steady verdict: inside the margin the last one stays, a change must last `DWELL_S`.

    Parameters
    ----------
    zone : Zone
        Where the ratio should be.
    """

    def __init__(self, zone: Zone) -> None:
        self._zone_edge, self._outer_edge, self._top = zone.ln_low, zone.ln_low - DEAD_BAND - HYSTERESIS, zone.ln_high
        self._shown = int(Verdict.IN_ZONE)  # the first verdict inside the margin
        self._disagree = 0  # frames in a row that ask for another one

    def __call__(self, ln_ratio: NDArray[np.float64], muted: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Judge the next frames.

        Parameters
        ----------
        ln_ratio : ndarray of shape (n,)
            NaN at rest.
        muted : ndarray of shape (n,), bool
            No ratio can be told.

        Returns
        -------
        ndarray of shape (n,), uint8
            Values of `Verdict`.
        """
        if not len(ln_ratio):
            return np.empty(0, np.uint8)
        was_in, was_out = self._asked(ln_ratio, muted)
        # all that follows depends on these two alone, and they seldom change: go from change to change
        edges = [0, *(np.flatnonzero((np.diff(was_in) != 0) | (np.diff(was_out) != 0)) + 1).tolist(), len(ln_ratio)]
        verdicts: list[int] = []
        lengths: list[int] = []
        for asked_in, asked_out, length in zip(
            was_in[edges[:-1]].tolist(), was_out[edges[:-1]].tolist(), np.diff(edges).tolist(), strict=True
        ):
            if asked_in <= Verdict.REST:
                self._disagree = 0
                verdicts.append(asked_in)
                lengths.append(length)
                continue
            self._go_on(asked_in, asked_out, length, verdicts, lengths)
        return np.repeat(np.array(verdicts, np.uint8), lengths)

    def _go_on(self, asked_in: int, asked_out: int, length: int, verdicts: list[int], lengths: list[int]) -> None:
        """Judge a run of frames that all ask the same: `asked_in` of one who is in the zone, `asked_out` of one who is not."""
        while length:
            asked = asked_in if self._shown in _IN else asked_out
            kept = length if asked == self._shown else min(length, _DWELL - 1 - self._disagree)
            self._disagree = 0 if asked == self._shown else self._disagree + kept
            verdicts.append(self._shown)
            lengths.append(kept)
            length -= kept
            if length:  # the next frame is the one that makes it last
                self._shown, self._disagree = asked, 0
                verdicts.append(asked)
                lengths.append(1)
                length -= 1

    def _asked(self, ln_ratio: NDArray[np.float64], muted: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Give what each frame asks for of one who is shown in the zone, and of one who is not; the same at rest and muted."""
        inside = np.where(ln_ratio > self._top, _GLUTES_LEAD, _IN_ZONE)
        outside = np.where(ln_ratio < HAMSTRINGS_LED, _HAMSTRINGS_LEAD, _JUST_UNDER)
        was_in = np.where(ln_ratio >= self._outer_edge, inside, outside)
        was_out = np.where(ln_ratio >= self._zone_edge, inside, outside)
        for asked in (was_in, was_out):
            asked[np.isnan(ln_ratio)] = Verdict.REST
            asked[muted] = Verdict.MUTED
        return was_in, was_out
