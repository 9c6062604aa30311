"""Rest and release: how quiet a muscle is, how soon it lets go, and whether the glutes are clenched in a posture.

Everything here leaves muted frames out, and says why where too little is left: ``no_reference``, ``signal_lost``,
``poor_signal``, ``too_near_floor`` (noise alone could pass for a clench), ``too_quiet`` (nothing there to let go of). The
script of flicks and holds is the Glazer protocol [1]_; the limits of posture and release are proposals of this project.

References
----------
.. [1] Int J Environ Res Public Health 18:765, 2021: 60 s of rest, five flicks, five holds of 10 s, one of 60 s, 60 s of rest.
   Peaks and means agree well between trials, times of rise and fall poorly between days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration, Level, Method
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

QUICK_S, LATE_S = 2.0, 4.0
"""To let go within 2 s is quick, over 4 s is slow (proposal of this project, no published limit)."""
LET_GO = 0.10
"""A muscle has let go when a tenth of the hold is left."""
CHECK_S = 30.0
"""Length of a posture check: seated, standing, holding the baby."""
CLENCH: Mapping[Method, float] = {"mvic": 0.05, "submaximal": 0.10, "task": 0.20}
"""Activation over which gluteus maximus is not at rest, by kind of reference (proposal; a bridge is a quarter of all)."""
CLENCHED_TIME = 0.5
"""Share of the time over `CLENCH` that makes a clench (proposal)."""
LEAST_USABLE = 0.5
"""Share of a span that must be usable."""
_TOLD_POWER = 0.5
"""Power over that of the floor, in floors, that a short window can tell (chosen: steady noise strays by a fifth in 125 ms)."""
_TOLD_LEVEL = 0.5
"""Activation that 500 ms can tell, in floors (chosen: noise alone is over it once in a hundred windows)."""
_WORK_POWER = 4.0
"""Least power of a hold, in floors: 6 dB, as for a reference."""


@dataclass(frozen=True, slots=True)
class Rest:
    """How quiet one muscle was.

    Parameters
    ----------
    rms : float or None
        Root of the mean power, in the sensor's unit, floor included; None where it cannot be told.
    activation : float or None
        The same as a fraction of the reference, floor taken off; None without a reference, too.
    variability : float or None
        Standard deviation of the 500 ms envelope over its mean. Steady noise gives 0.05.
    reason : str or None
        Id of why `rms` or `activation` is None.
    """

    rms: float | None
    activation: float | None
    variability: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Contraction:
    """One flick or hold on cue, and the release after it, of one muscle.

    Parameters
    ----------
    peak : float or None
        Highest 500 ms, as a fraction of the reference.
    mean : float or None
        Of the mean power from cue to cue, as a fraction of the reference.
    time_to_relax_s : float or None
        From the cue to let go until a tenth of the mean is left; None when that was not reached before the next cue, or the
        signal was muted on the way. The 125 ms envelope adds about 0.1 s.
    residual : float or None
        Level from `QUICK_S` after the cue to let go until the next cue, as a fraction of the mean; 0 is rest.
    reason : str or None
        Id of why something is None.
    """

    peak: float | None
    mean: float | None
    time_to_relax_s: float | None
    residual: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Clench:
    """Gluteus maximus of one side in one posture.

    Parameters
    ----------
    time_over : float or None
        Share of the usable time over the limit, 0 to 1.
    clenched : bool or None
        Over it more than half of the time; None where it cannot be told.
    reason : str or None
        Id of why not.
    """

    time_over: float | None
    clenched: bool | None
    reason: str | None = None


def relaxing(time_to_relax_s: float | None) -> Literal["quick", "slow"] | None:
    """Class a time to relax: ``quick`` up to 2 s, ``slow`` over 4 s, None between and where it is not known."""
    if time_to_relax_s is None or QUICK_S < time_to_relax_s <= LATE_S:
        return None
    return "quick" if time_to_relax_s <= QUICK_S else "slow"


def time_to_relax_s(power: NDArray[np.float64], hold: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell how long muscles take to let go.

    Parameters
    ----------
    power : ndarray of shape (n, n_muscles)
        Squared 125 ms envelope of the frames from the release on; NaN where muted.
    hold, floor : ndarray of shape (n_muscles,)
        Mean power of the hold, and power at rest.

    Returns
    -------
    ndarray of shape (n_muscles,)
        Seconds until `LET_GO` of the hold is left, floors taken off, or no more over the floor than a short window can tell.
        NaN when it is not reached, when the signal is muted before, and when the hold is not twice the floor. The envelope
        itself adds about 0.1 s.
    """
    most = floor + np.maximum(LET_GO**2 * (hold - floor), _TOLD_POWER * floor)
    rows: NDArray[np.int64] = np.argmax(~(power > most), axis=0) if len(power) else np.zeros(len(hold), np.int64)
    found = [bool(len(power)) and bool(power[row, i] <= most[i]) for i, row in enumerate(rows.tolist())]
    return np.where(found & (hold > _WORK_POWER * floor), rows / FRAME_RATE_HZ, np.nan)


def residual(after: NDArray[np.float64], hold: NDArray[np.float64], floor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the level after a release as a fraction of the hold, 0 for rest, from mean powers of any equal shape.

    NaN when the hold is not twice the floor.
    """
    over = np.where(hold > _WORK_POWER * floor, hold - floor, np.nan)
    left: NDArray[np.float64] = np.sqrt(np.maximum(0.0, after - floor) / over)
    return left


def rest(frames: Frames, level: Level, start_s: float, end_s: float) -> Rest:
    """Measure how quiet a muscle is, before a script or after it.

    Parameters
    ----------
    frames : Frames
        Some that hold the span; what is not among them counts as lost.
    level : Level
        The muscle with its floor and reference.
    start_s, end_s : float
        The span, seconds since session zero.
    """
    signal = _Span(frames, Role.parse(level.role), start_s, end_s)
    if signal.reason is not None:
        return Rest(None, None, None, signal.reason)
    power, slow = float(np.nanmean(signal.power)), signal.slow[~np.isnan(signal.slow)]
    variability = float(slow.std() / slow.mean()) if len(slow) and slow.mean() > 0 else None
    activation = _activation(power, level)
    return Rest(float(np.sqrt(power)), activation, variability, "no_reference" if activation is None else None)


def contraction(frames: Frames, level: Level, start_s: float, end_s: float, until_s: float) -> Contraction:
    """Measure one flick or hold and the release after it.

    Parameters
    ----------
    frames : Frames
        Some that hold the spans; what is not among them counts as lost.
    level : Level
        The muscle with its floor and reference.
    start_s, end_s, until_s : float
        The cues to contract and to let go, and the next one after them, seconds since session zero.
    """
    role = Role.parse(level.role)
    work = _Span(frames, role, start_s, end_s)
    if work.reason is not None:
        return Contraction(None, None, None, None, work.reason)
    hold, floor = np.array([np.nanmean(work.power)]), np.array([level.floor**2])
    mean = _activation(float(hold[0]), level)
    peak = None if np.isnan(work.slow).all() else _activation(float(np.nanmax(work.slow)) ** 2, level)
    after = _Span(frames, role, end_s, until_s)
    late = after.power[round(QUICK_S * FRAME_RATE_HZ) :]
    enough = np.count_nonzero(~np.isnan(late)) >= LEAST_USABLE * max(1, len(late))
    left = np.array([np.nanmean(late) if enough else np.nan])
    reasons = {
        "no_reference": mean is None,
        "too_quiet": bool(hold[0] <= _WORK_POWER * floor[0]),
        after.reason: after.reason is not None,
    }
    return Contraction(
        peak=peak,
        mean=mean,
        time_to_relax_s=_known(time_to_relax_s(after.power[:, np.newaxis], hold, floor)[0]),
        residual=_known(residual(left, hold, floor)[0]),
        reason=next((reason for reason, holds in reasons.items() if holds), None),
    )


class PostureCheck:
    """Watches gluteus maximus in one posture for `CHECK_S`. The cut of the frames into calls changes nothing.

    Parameters
    ----------
    roles : sequence of Role
        Columns of the frames.
    calibration : Calibration or None
        Its kind decides the limit.
    """

    def __init__(self, roles: Sequence[Role], calibration: Calibration | None) -> None:
        self._columns = {role: i for i, role in enumerate(roles) if role.muscle == "gluteus_maximus"}
        self._calibration = calibration
        self._limit = np.nan if calibration is None or calibration.method is None else CLENCH[calibration.method]
        self._left = round(CHECK_S * FRAME_RATE_HZ)
        self._over = np.zeros(len(self._columns), np.int64)
        self._usable = np.zeros(len(self._columns), np.int64)
        self._absent = np.zeros(len(self._columns), np.int64)

    @property
    def remaining_s(self) -> float:
        """Seconds that are still to be watched."""
        return self._left / FRAME_RATE_HZ

    def feed(self, frames: Frames) -> dict[Role, Clench] | None:
        """Take the next frames; give what was found, once, with the last that is needed."""
        if not self._left or not len(frames):
            return None
        n, columns = min(self._left, len(frames)), list(self._columns.values())
        flags, activation = frames.flags[:n, columns], frames.activation[:n, columns]
        usable = flags < Flag.HEAVY_LOSS
        self._usable += usable.sum(axis=0)
        self._absent += (flags == Flag.ABSENT).sum(axis=0)
        self._over += (usable & (activation > self._limit)).sum(axis=0)
        self._left -= n
        if self._left:
            return None
        return {role: self._judge(role, i) for i, role in enumerate(self._columns)}

    def _judge(self, role: Role, i: int) -> Clench:
        level = None if self._calibration is None else self._calibration.level(role)
        total, usable = round(CHECK_S * FRAME_RATE_HZ), int(self._usable[i])
        if level is None or level.reference is None:
            return Clench(None, None, "no_reference")
        if usable < LEAST_USABLE * total:
            return Clench(None, None, _why(int(self._absent[i]), total - usable))
        if (self._limit * level.reference) ** 2 < (_TOLD_LEVEL**2 + self._limit**2) * level.floor**2:
            return Clench(None, None, "too_near_floor")
        time_over = int(self._over[i]) / usable
        return Clench(time_over, time_over > CLENCHED_TIME)


class _Span:
    """What one muscle did from one time to another: NaN where muted, and why if that is too much of it."""

    def __init__(self, frames: Frames, role: Role, start_s: float, end_s: float) -> None:
        first, end = round(start_s * FRAME_RATE_HZ), round(end_s * FRAME_RATE_HZ)
        self.power, self.slow = np.full((2, max(0, end - first)), np.nan)
        here = slice(*np.searchsorted(frames.index, (first, end)).tolist())
        column, rows = frames.roles.index(role), frames.index[here] - first
        flags = frames.flags[here, column]
        usable = flags < Flag.HEAVY_LOSS
        self.power[rows[usable]] = frames.envelope_fast[here, column][usable] ** 2
        self.slow[rows[usable]] = frames.envelope[here, column][usable]
        muted = int(np.isnan(self.power).sum())
        heard = int((flags != Flag.ABSENT).sum())
        enough = len(self.power) - muted >= LEAST_USABLE * max(1, len(self.power))
        self.reason = None if enough else _why(len(self.power) - heard, muted)


def _why(absent: int, muted: int) -> str:
    """Name what muted most of the frames."""
    return "signal_lost" if 2 * absent >= muted else "poor_signal"


def _activation(power: float, level: Level) -> float | None:
    """Give a mean power as a fraction of the reference, floor taken off both; None without one."""
    if level.reference is None:
        return None
    floor = level.floor**2
    return float(np.sqrt(max(0.0, power - floor) / (level.reference**2 - floor)))


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
