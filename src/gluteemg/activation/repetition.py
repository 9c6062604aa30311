"""One repetition: where it begins and ends, how hard each muscle worked, which one led."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.ratio import GLUTES_LED, HAMSTRINGS_LED, Ratio, Zone, share_of
from gluteemg.muscles import HAMSTRINGS, Role
from gluteemg.processing.quality import Flag

LedBy = Literal["glutes", "shared", "hamstrings"]


@dataclass(frozen=True, slots=True)
class Rep:
    """One finished repetition.

    Parameters
    ----------
    start_s, end_s : float
        Seconds since session zero.
    activation : mapping of Role to float or None
        Mean over the repetition, as a fraction of the reference; None where the signal or the reference is missing.
    ln_ratio : float or None
        ``ln`` of the ratio of the means; None when not scored.
    led_by : {"glutes", "shared", "hamstrings"} or None
        R at least 1.25, below 0.80, or between.
    counted : bool
        Long enough to be a repetition.
    scored : bool
        Both muscles of the ratio were good enough for a share.
    in_zone : bool or None
        Against the exercise's band with its margin; None when not scored.
    over_floor : bool or None
        Whether the glutes reached the exercise's floor; None when not known.
    reasons : tuple of str
        Ids of what kept it from being scored or good, such as ``signal_lost`` or ``under_floor``.
    """

    start_s: float
    end_s: float
    activation: Mapping[Role, float | None]
    ln_ratio: float | None
    led_by: LedBy | None
    counted: bool
    scored: bool
    in_zone: bool | None
    over_floor: bool | None
    reasons: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """Glute share, 0 to 1; the same information as `ln_ratio`."""
        return None if self.ln_ratio is None else share_of(self.ln_ratio)


ENTER, LEAVE = 0.15, 0.08
"""A repetition begins above 15 % and ends below 8 % of the working level (chosen, to be clear of the rest noise)."""
LEAST_S, MOST_S, REST_S = 0.5, 20.0, 0.4
"""Shorter bursts are no repetition, longer ones are holds; shorter pauses belong to the repetition (chosen)."""
_TWITCH_S = 0.25
"""Bursts below this are not even mentioned (chosen)."""
_UNUSABLE_SHARE = 0.2
"""Share of a repetition that may lack a signal of the ratio before it is not scored (chosen)."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an exercise asks of a repetition.

    Parameters
    ----------
    zone : Zone
        Where the ratio should be.
    floor : float
        Least activation of gluteus maximus, as a fraction of its reference, held over 500 ms.
    """

    zone: Zone
    floor: float


class RepDetector:
    """Cuts frames into repetitions, on the strongest of glutes and hamstrings: one done by the hamstrings alone counts too.

    A repetition counts once `REST_S` of rest has followed it; one that the end of the session cuts off is not counted. Without
    a level of any of these muscles none is found.

    Parameters
    ----------
    roles : sequence of Role
        Columns of the frames.
    ratio : Ratio
        Which columns make the ratio.
    """

    def __init__(self, roles: Sequence[Role], ratio: Ratio) -> None:
        self._roles = tuple(roles)
        self._ratio = ratio
        movers = {"gluteus_maximus", "gluteus_medius", *HAMSTRINGS}
        self._movers = [i for i, r in enumerate(roles) if r.muscle in movers] or list(range(len(roles)))
        self._glutes = [i for i, r in enumerate(roles) if r.muscle == "gluteus_maximus"]
        self._start: int | None = None  # grid index
        self._quiet = 0  # frames in a row below LEAVE
        self._armed = False  # has been quiet since the last repetition
        self._seen: list[Frames] = []

    def pause(self) -> None:
        """Forget the repetition that is going on: the next one begins from rest."""
        self._start, self._armed, self._seen = None, False, []

    def feed(self, frames: Frames, effort: NDArray[np.float64], target: Target | None) -> tuple[NDArray[np.float64], list[Rep]]:
        """Take the next frames.

        Parameters
        ----------
        frames : Frames
            All but their `Frames.rep_elapsed_s`.
        effort : ndarray of shape (n, n_roles)
            Fraction of the working level, fast.
        target : Target or None
            What the exercise asks; without one there is no verdict on zone and floor.

        Returns
        -------
        rep_elapsed_s : ndarray of shape (n,)
            Age of the present repetition, NaN between repetitions.
        reps : list of Rep
            Those that were decided in these frames: `REST_S` after their end.
        """
        self._seen.append(frames)
        elapsed = np.full(len(frames), np.nan)
        reps = []
        strongest = np.fmax.reduce(effort[:, self._movers], axis=1)
        for i, (index, level) in enumerate(zip(frames.index.tolist(), strongest.tolist(), strict=True)):
            if self._start is None:
                if level < LEAVE:
                    self._armed = True
                elif self._armed and level > ENTER:
                    self._start, self._quiet, self._armed = index, 0, False
            if self._start is None:
                continue
            elapsed[i] = (index - self._start) / FRAME_RATE_HZ
            self._quiet = 0 if level >= LEAVE else self._quiet + 1  # nothing heard is quiet, too
            over = self._quiet >= REST_S * FRAME_RATE_HZ
            if over or elapsed[i] >= MOST_S:
                end = index - self._quiet + 1
                if end - self._start >= _TWITCH_S * FRAME_RATE_HZ:
                    reps.append(self._rep(self._start, end, target))
                self._start, self._armed = None, level < LEAVE  # what was not heard was no rest
        if self._start is None:
            self._seen = []
        return elapsed, reps

    def _rep(self, start: int, end: int, target: Target | None) -> Rep:
        index = np.concatenate([f.index for f in self._seen])
        rows = (index >= start) & (index < end)
        fast = np.concatenate([f.activation_fast for f in self._seen])[rows]
        slow = np.concatenate([f.activation for f in self._seen])[rows]
        flags = np.concatenate([f.flags for f in self._seen])[rows]

        length_s = (end - start) / FRAME_RATE_HZ
        reasons = ["too_short"] if length_s < LEAST_S else ["too_long"] if length_s >= MOST_S else []
        counted = not reasons
        usable = flags < Flag.HEAVY_LOSS
        means = _mean(fast, usable)
        columns = self._ratio.columns
        both = np.logical_and.reduce(usable[:, columns], axis=1)
        ln_ratio: float | None = None
        if not columns or np.isnan(fast[:, columns]).all(axis=0).any():
            reasons.append("no_reference" if np.logical_or.reduce(usable, axis=0)[columns].all() else "signal_lost")
        elif both.mean() < 1 - _UNUSABLE_SHARE:
            reasons.append("signal_lost" if (flags[:, columns] == Flag.ABSENT).any() else "poor_signal")
        else:
            value = float(self._ratio.ln(_mean(fast, both[:, np.newaxis] & usable)[np.newaxis])[0])
            ln_ratio = None if np.isnan(value) else value
        scored = counted and ln_ratio is not None
        in_zone = over_floor = None
        if target is not None and scored and ln_ratio is not None:
            in_zone = target.zone.holds(ln_ratio)
            over_floor = bool(np.nanmax(np.where(usable, slow, np.nan)[:, self._glutes]) >= target.floor)
            reasons += ["under_zone"] * (not in_zone) + ["under_floor"] * (not over_floor)
        return Rep(
            start_s=start / FRAME_RATE_HZ,
            end_s=end / FRAME_RATE_HZ,
            activation={r: None if np.isnan(m) else float(m) for r, m in zip(self._roles, means, strict=True)},
            ln_ratio=ln_ratio if scored else None,
            led_by=_led_by(ln_ratio) if scored else None,
            counted=counted,
            scored=scored,
            in_zone=in_zone,
            over_floor=over_floor,
            reasons=tuple(reasons),
        )


def _mean(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average over time what can be used; NaN where nothing can."""
    good = where & np.isfinite(values)
    n = good.sum(axis=0)
    total = np.where(good, values, 0.0).sum(axis=0)
    mean: NDArray[np.float64] = np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0)
    return mean


def _led_by(ln_ratio: float | None) -> LedBy | None:
    if ln_ratio is None:
        return None
    return "glutes" if ln_ratio >= GLUTES_LED else "hamstrings" if ln_ratio < HAMSTRINGS_LED else "shared"
