"""Glutes against hamstrings: activation, the log ratio, the share, and the verdict against a zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration, Method
from gluteemg.activation.frame import FRAME_RATE_HZ, Verdict
from gluteemg.muscles import HAMSTRINGS, Role

LN_CAP = float(np.log(10.0))
"""The ratio is held between 1/10 and 10: beyond, one of the two is only noise."""
DEAD_BAND = float(np.log(1.25))
"""Two equal channels over 500 ms read 0.87 to 1.15 in 95 % of windows; 1.25 is surely different."""
HYSTERESIS = float(np.log(1.10))
DWELL_S = 0.3
GATE = 0.10
"""Least activation, as a fraction of the reference, at which a share is worth telling."""
GATE_FLOORS = 3.0
"""The gate in multiples of the floor, where that is higher."""
GLUTES_LED, HAMSTRINGS_LED = float(np.log(1.25)), float(np.log(0.80))


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


def share_of(ln_ratio: float) -> float:
    """Give the glute share ``R / (1 + R)``, 0 to 1."""
    return float(1 / (1 + np.exp(-ln_ratio)))


WORKING_SHARE: Mapping[Method, float] = {"submaximal": 1.0, "mvic": 0.4}
"""Share of the reference at which exercises are done (chosen: about all of a sub-maximal one; a bridge is 17 to 33 %MVIC)."""


class Scale:
    """Floors and references as arrays over the columns of a frame.

    Parameters
    ----------
    calibration : Calibration or None
        Without one, nothing is known but the microvolts.
    roles : sequence of Role
        Columns.
    """

    def __init__(self, calibration: Calibration | None, roles: Sequence[Role]) -> None:
        levels = [None if calibration is None else calibration.level(r) for r in roles]
        self._floor = np.array([np.nan if x is None else x.floor for x in levels])
        reference = np.array([np.nan if x is None or x.reference is None else x.reference for x in levels])
        working = np.array([np.nan if x is None or x.working is None else x.working for x in levels])
        self._reference = _positive(self._above_floor(reference))
        share_at_work = WORKING_SHARE[calibration.method] if calibration is not None and calibration.method else 1.0
        working_level = np.where(np.isnan(reference), self._above_floor(working), share_at_work * self._reference)
        self._tone = self._above_floor(np.array([0.0 if x is None else x.tone for x in levels]))
        self._span = _positive(working_level - self._tone)
        self.has_reference = np.isfinite(self._reference)
        self.gate = np.fmax(GATE, GATE_FLOORS * self._floor / self._reference)

    def _above_floor(self, rms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the floor off in quadrature: noise and muscle are independent, their powers add."""
        above: NDArray[np.float64] = np.sqrt(np.maximum(0.0, rms**2 - self._floor**2))
        return above

    def activation(self, envelope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the fraction of the reference, shape (n, n_roles); NaN without one. May exceed 1."""
        return self._above_floor(envelope) / self._reference

    def effort(self, envelope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the fraction of the way from tone to the working level: for cutting repetitions, references or not.

        NaN where neither level is known.
        """
        return (self._above_floor(envelope) - self._tone) / self._span


def _positive(level: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take what is not over zero for not known: a signal that never moved has no level to divide by."""
    return np.where(level > 0, level, np.nan)


class Ratio:
    """Glutes over hamstrings from the columns of a frame; per side, never mixed across.

    Parameters
    ----------
    roles : sequence of Role
        Columns.
    """

    def __init__(self, roles: Sequence[Role]) -> None:
        self.pairs: list[tuple[int, list[int]]] = []
        for side in ("left", "right"):
            glutes = [i for i, r in enumerate(roles) if r == Role("gluteus_maximus", side)]
            hamstrings = [i for i, r in enumerate(roles) if r.muscle in HAMSTRINGS and r.side == side]
            if any(roles[i].muscle == "hamstrings" for i in hamstrings):
                hamstrings = [i for i in hamstrings if roles[i].muscle == "hamstrings"]
            if glutes and hamstrings:
                self.pairs.append((glutes[0], hamstrings))

    @property
    def columns(self) -> list[int]:
        """Every column that the ratio needs."""
        return [i for glute, hamstrings in self.pairs for i in (glute, *hamstrings)]

    def ln(self, activation: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``ln R``, shape (n, n_roles) → (n,), mean over the sides; NaN where an input is missing or both are zero."""
        if not self.pairs:
            return np.full(len(activation), np.nan)
        sides = []
        for glute, hamstrings in self.pairs:
            g, h = activation[:, glute], activation[:, hamstrings].mean(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                sides.append(np.clip(np.log(g) - np.log(h), -LN_CAP, LN_CAP))
        mean: NDArray[np.float64] = np.mean(sides, axis=0)
        return mean

    def works(self, activation: NDArray[np.float64], gate: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell where a muscle of the ratio is over its gate, shape (n,)."""
        if not self.pairs:
            return np.zeros(len(activation), np.bool_)
        over: NDArray[np.bool_] = np.logical_or.reduce(activation[:, self.columns] >= gate[self.columns], axis=1)
        return over


class Judge:
    """Turns the live ratio into a steady verdict: inside the margin the last one stays, a change must last `DWELL_S`.

    Parameters
    ----------
    zone : Zone
        Where the ratio should be.
    """

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._shown = Verdict.IN_ZONE  # the first verdict inside the margin
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
        dwell = round(DWELL_S * FRAME_RATE_HZ)
        verdicts = np.empty(len(ln_ratio), np.uint8)
        for i, (value, mute) in enumerate(zip(ln_ratio.tolist(), muted.tolist(), strict=True)):
            if mute or value != value:  # NaN
                self._disagree = 0
                verdicts[i] = Verdict.MUTED if mute else Verdict.REST
                continue
            asked = self._against_zone(value)
            self._disagree = self._disagree + 1 if asked != self._shown else 0
            if self._disagree >= dwell:
                self._shown, self._disagree = asked, 0
            verdicts[i] = self._shown
        return verdicts

    def _against_zone(self, ln_ratio: float) -> Verdict:
        was_in = self._shown in (Verdict.IN_ZONE, Verdict.GLUTES_LEAD)
        if ln_ratio >= (self._zone.ln_low - DEAD_BAND - HYSTERESIS if was_in else self._zone.ln_low):
            return Verdict.GLUTES_LEAD if ln_ratio > self._zone.ln_high else Verdict.IN_ZONE
        return Verdict.HAMSTRINGS_LEAD if ln_ratio < HAMSTRINGS_LED else Verdict.JUST_UNDER
