"""Indices beside the glute share: of three muscles, of two sides, of two muscles at work together, of who fires first.

All take floor-corrected fractions of a reference (`Scale.activation`, `Scale.level`) and know nothing of sensors. What is not
known is NaN and is left out; what cannot be told is refused with the id of a reason (``texts/``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, isnan, nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gluteemg.activation.measure import Reason, why_not
from gluteemg.activation.ratio import LN_CAP
from gluteemg.sensors.profile import SignalKind

Floats = NDArray[np.float64]

CO_CONTRACTED = 0.70
"""Share of a hold during which both muscles must work for it to be a co-contraction (chosen)."""
_CAP = exp(LN_CAP)


def three_way_share(gluteus_maximus: float, gluteus_medius: float, hamstrings: float) -> tuple[float, float, float] | None:
    """Split the work among three muscles of one side.

    Parameters
    ----------
    gluteus_maximus, gluteus_medius, hamstrings : float
        Fractions of their references, never negative.

    Returns
    -------
    tuple of float or None
        Shares in the order of the parameters, which sum to 1; None where one is not known or none works.
    """
    total = gluteus_maximus + gluteus_medius + hamstrings
    if not 0 < total < inf:  # or NaN
        return None
    return gluteus_maximus / total, gluteus_medius / total, hamstrings / total


def glute_hamstring_index(gluteus_maximus: float, hamstrings: float) -> float:
    """Give the gluteal-to-hamstring index ``GHI = R · nG · 100`` with ``R = nG / nH``: rewards selective and strong work.

    In analogy to the gluteal-to-TFL index of Selkowitz et al. 2013, J Orthop Sports Phys Ther 43:54.

    Parameters
    ----------
    gluteus_maximus, hamstrings : float
        Fractions of their references.

    Returns
    -------
    float
        R is held between 1/10 and 10, so it is finite for silent hamstrings; 0 for silent glutes; NaN where one is not known.
    """
    if isnan(gluteus_maximus + hamstrings):
        return nan
    ratio = gluteus_maximus / hamstrings if hamstrings > 0 else _CAP
    return min(max(ratio, 1 / _CAP), _CAP) * gluteus_maximus * 100


def symmetry_index(left: float, right: float) -> float:
    """Give ``SI = 100 · (L − R) / (0.5 · (L + R))`` in percent: positive where the left one works more, at most 200.

    Each side must be a fraction of its own reference; NaN where one has none or both are zero.
    """
    half = 0.5 * (left + right)
    return 100 * (left - right) / half if half > 0 else nan


def limb_symmetry_index(left: float, right: float) -> float:
    """Give ``LSI = 100 · smaller / larger`` of the two sides in percent, 0 to 100; NaN where both are zero."""
    return 100 * min(left, right) / max(left, right) if left + right > 0 else nan


def co_activation_falconer_winter(one: ArrayLike, other: ArrayLike) -> float:
    """Give co-activation after Falconer and Winter 1985: ``200 · ∫ min(a, b) / ∫ (a + b)``, 0 to 100.

    It tells how alike the two courses are, whatever their strength. Not interchangeable with `co_activation_rudolph`.

    Parameters
    ----------
    one, other : array_like of shape (n,)
        Fractions at equal steps of time; instants at which one is not known are left out.

    Returns
    -------
    float
        0 for two muscles at rest; NaN if no instant is known.
    """
    a, b = _both_known(one, other)
    if not len(a):
        return float("nan")
    total = float(np.add.reduce(a + b))
    return 200.0 * float(np.add.reduce(np.minimum(a, b))) / total if total > 0 else 0.0


def co_activation_rudolph(one: ArrayLike, other: ArrayLike) -> float:
    """Give co-activation after Rudolph et al. 2000: the mean over time of ``(low / high) · (low + high)``.

    It grows with the strength of the work. Not interchangeable with `co_activation_falconer_winter`.

    Parameters
    ----------
    one, other : array_like of shape (n,)
        Fractions at equal steps of time; instants at which one is not known are left out.

    Returns
    -------
    float
        Instants at which both rest count as 0; NaN if no instant is known.
    """
    a, b = _both_known(one, other)
    if not len(a):
        return float("nan")
    low, high = np.minimum(a, b), np.maximum(a, b)
    parts = np.divide(low, high, out=np.zeros(len(a)), where=high > 0)
    return float(np.add.reduce(parts * (low + high))) / len(a)


def co_contraction_share(abdominals: ArrayLike, glutes: ArrayLike, gate: float) -> float:
    """Give the part of a hold in which abdominals and glutes work together: ``min(nAbs, nG) > gate``.

    Parameters
    ----------
    abdominals, glutes : array_like of shape (n,)
        Fractions at equal steps of time; instants at which one is not known are left out.
    gate : float
        Least fraction that counts as work.

    Returns
    -------
    float
        0 to 1, a co-contraction from `CO_CONTRACTED` on; NaN if no instant is known.
    """
    a, b = _both_known(abdominals, glutes)
    return float(np.mean(np.minimum(a, b) > gate)) if len(a) else float("nan")


@dataclass(frozen=True, slots=True)
class FiringLag:
    """How much later than the hamstrings the glutes begin: one person's trend over sessions, never a fault.

    Gluteus maximus fires last in most healthy people (Lewis and Sahrmann 2009, Lehman 2004): there is no lag that is wrong.

    Parameters
    ----------
    median_s : float or None
        Median over the repetitions, positive where the glutes come later; None if refused.
    spread_s : float or None
        Distance of the quartiles; None if refused.
    reps : int
        Repetitions that have a lag.
    reason : str or None
        Id of why there is none, see `gluteemg.activation.measure.why_not`.
    """

    median_s: float | None
    spread_s: float | None
    reps: int
    reason: Reason | None


def firing_lag(lags_s: Sequence[float], signal_kind: SignalKind, rate_hz: float, snr_db: float) -> FiringLag:
    """Sum up the lags ``t_on(gluteus maximus) − t_on(hamstrings)`` of the repetitions of a session.

    Refused under 500 Hz, under 10 dB, for fewer than 5 repetitions, and for sensors that send envelopes: the onsets are then
    further off than the lag is long.

    Parameters
    ----------
    lags_s : sequence of float
        One for each repetition, NaN where an onset is missing.
    signal_kind : str
        What the sensors send.
    rate_hz : float
        Nominal rate, the lower one of the two sensors.
    snr_db : float
        The lower one of the two muscles, see `gluteemg.activation.measure.snr_db`.

    Returns
    -------
    FiringLag
        With numbers or with a reason.
    """
    known = np.array([lag for lag in lags_s if np.isfinite(lag)], np.float64)
    reason = why_not("firing_lag", signal_kind, rate_hz, n_reps=len(known), snr_db=snr_db)
    if reason is not None:
        return FiringLag(None, None, len(known), reason)
    lower, median, upper = np.quantile(known, [0.25, 0.5, 0.75]).tolist()
    return FiringLag(median, upper - lower, len(known), None)


def _both_known(one: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    return (a, b) if known.all() else (a[known], b[known])
