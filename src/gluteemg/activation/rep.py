"""One repetition: when it was, how hard each muscle worked, which one led, how it let go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gluteemg.activation.ratio import LedBy, share_of
from gluteemg.activation.uncertainty import RatioError
from gluteemg.muscles import Role

Levels = Mapping[Role, float | None]
"""A number for each muscle; None where it cannot be told."""


@dataclass(frozen=True, slots=True)
class RepPhase:
    """One phase of a repetition: on the way up, at the top, or on the way down.

    Parameters
    ----------
    start_s, end_s : float
        Seconds since session zero.
    activation : mapping of Role to float or None
        From the mean power, as a fraction of the reference; None where signal, reference or the phase itself is missing.
    """

    start_s: float
    end_s: float
    activation: Levels


class Phases(NamedTuple):
    """The three phases of a repetition, one after the other."""

    up: RepPhase
    hold: RepPhase
    down: RepPhase


@dataclass(frozen=True, slots=True)
class Rep:
    """One finished repetition.

    Parameters
    ----------
    start_s, end_s : float
        Seconds since session zero.
    activation : mapping of Role to float or None
        From the mean power over the repetition, as a fraction of the reference:
        ``sqrt(mean(fast envelope²) − floor²) / sqrt(reference² − floor²)``. The floor is taken off once: taken off at each
        instant and cut at zero it would leave too much of a muscle that hardly works. None where the signal or the reference
        is missing.
    ln_ratio : float or None
        ``ln`` of the ratio of the activations, over the instants at which all of its muscles are known; None when not scored,
        and where no share is judged.
    led_by : {"glutes", "shared", "hamstrings"} or None
        R at least 1.25, below 0.80, or between.
    counted : bool
        Long enough to be a repetition.
    scored : bool
        What is judged was good enough: both muscles of the ratio, or the target where no share is judged.
    in_zone : bool or None
        Against the exercise's band with its margin; None when not scored.
    over_floor : bool or None
        Whether the target reached the exercise's floor; None when not known.
    reasons : tuple of str
        Ids of what kept it from being scored or good, such as ``signal_lost`` or ``under_floor``.
    ln_ratio_error : RatioError or None
        How sure `ln_ratio` is; None when not scored, and where nothing is known of how floors and references were taken.
    phases : Phases or None
        On the way up, at the top, and on the way down: cut where the combined level first reaches and last leaves `PLATEAU` of
        its highest 500 ms; None where that is not known.
    peak : mapping of Role to float or None
        Highest 500 ms, as a fraction of the reference.
    time_to_relax_s : mapping of Role to float or None
        Seconds from the end of the hold until a tenth of the muscle's level there is left (see `clench.time_to_relax_s`); a
        slow way down is part of it. None when that was not reached `REST_S` after the end: see `residual` then.
    residual : mapping of Role to float or None
        Level in the `REST_S` after the end as a fraction of that in the hold, floors taken off; 0 is rest.
    time_in_zone_s, longest_in_zone_s : float or None
        How long the verdict on the screen was in the zone or above, altogether and at a stretch; None without a verdict.
    """

    start_s: float
    end_s: float
    activation: Levels
    ln_ratio: float | None
    led_by: LedBy | None
    counted: bool
    scored: bool
    in_zone: bool | None
    over_floor: bool | None
    reasons: tuple[str, ...] = ()
    ln_ratio_error: RatioError | None = None
    phases: Phases | None = None
    peak: Levels = field(default_factory=dict)
    time_to_relax_s: Levels = field(default_factory=dict)
    residual: Levels = field(default_factory=dict)
    time_in_zone_s: float | None = None
    longest_in_zone_s: float | None = None

    @property
    def share(self) -> float | None:
        """Glute share, 0 to 1; the same information as `ln_ratio`."""
        return None if self.ln_ratio is None else share_of(self.ln_ratio)

    @property
    def rise_s(self) -> float | None:
        """Seconds from the beginning, at `ENTER`, until the combined level reaches `PLATEAU` of its top."""
        return None if self.phases is None else self.phases.up.end_s - self.phases.up.start_s
