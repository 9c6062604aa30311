"""The document of results, as pydantic models: its JSON Schema (``docs/analysis.schema.json``) is never out of step."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from gluteemg.activation.calibration import Method, Unit
from gluteemg.activation.checks import DriftVerdict, IsolationVerdict
from gluteemg.activation.fatigue import Fatigue, Quadrant, Trend
from gluteemg.activation.indices import FiringLag, glute_hamstring_index, symmetry_index, three_way_share
from gluteemg.activation.measure import Measure, Reason, Remark
from gluteemg.activation.ratio import GATE, LedBy
from gluteemg.activation.rep import Levels, Rep, RepPhase
from gluteemg.activation.signal import Health
from gluteemg.muscles import HAMSTRINGS, SIDES, Side
from gluteemg.processing.quality import State
from gluteemg.report.practice import Practised
from gluteemg.sensors.profile import SignalKind

Share = Annotated[float, Field(ge=0, le=1)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BurstSpan(_Document):
    """One stretch of activity; `decided_s` is when it would have been certain, live."""

    on_s: float
    off_s: float
    decided_s: float


class Delay(_Document):
    """How old what is shown is: from a sample to its packet, by filters and hops, and all of it for bar and share."""

    radio_s: float | None
    filter_s: float
    bar_s: float | None
    share_s: float | None

    @classmethod
    def of(cls, health: Health) -> Self:
        """Write it down, to the tenth of a millisecond."""
        radio_s, filter_s, bar_s, share_s = (
            None if s is None else round(s, 4) for s in (health.delay_s, health.filter_s, health.bar_s, health.judged_s)
        )
        return cls(radio_s=radio_s, filter_s=filter_s or 0.0, bar_s=bar_s, share_s=share_s)


class Slope(_Document):
    """Change from one repetition to the next, with its 95 % interval."""

    slope: float
    low: float
    high: float

    @classmethod
    def percent(cls, trend: Trend | None) -> Self | None:
        """Write down a trend of logarithms, in per cent a repetition."""
        return None if trend is None else cls._of(trend.percent)

    @classmethod
    def plain(cls, trend: Trend | None) -> Self | None:
        """Write down a trend in its own unit."""
        return None if trend is None else cls._of((trend.slope, trend.low, trend.high))

    @classmethod
    def _of(cls, values: tuple[float, float, float]) -> Self:
        slope, low, high = (round(v, 4) for v in values)
        return cls(slope=slope, low=low, high=high)


class Tiring(_Document):
    """Where amplitude and spectrum of a muscle go, in per cent a repetition; `reason` where it cannot be told."""

    rms: Slope | None
    median_frequency: Slope | None
    mean_frequency: Slope | None
    fatigue_index: Slope | None
    quadrant: Quadrant | None
    reason: Reason | None

    @classmethod
    def of(cls, fatigue: Fatigue) -> Self:
        """Write it down; of ``ln FInsm5`` the plain slope."""
        return cls(
            rms=Slope.percent(fatigue.rms),
            median_frequency=Slope.percent(fatigue.median_frequency),
            mean_frequency=Slope.percent(fatigue.mean_frequency),
            fatigue_index=Slope.plain(fatigue.fatigue_index),
            quadrant=fatigue.quadrant,
            reason=fatigue.reason,
        )


class Muscle(_Document):
    """One muscle of the session. `floor` and `reference` are RMS in `unit`; `reference` is null where none was taken."""

    muscle: str
    side: Side
    sensor: str
    signal: SignalKind
    rate_hz: float
    floor: float | None
    floor_method: Literal["rest", "estimated"] | None
    reference: float | None
    snr_db: float | None
    unit: Literal["uV", "counts"]
    quality: State
    reasons: tuple[str, ...]
    delay: Delay
    not_available: dict[Measure, Reason]
    remarks: dict[Measure, Remark]
    median_frequency_hz: float | None
    tiring: Tiring
    bursts: tuple[BurstSpan, ...]


class Phase(_Document):
    """One phase of a repetition."""

    start_s: float
    end_s: float
    activation: dict[str, float | None]

    @classmethod
    def of(cls, phase: RepPhase) -> Self:
        """Write it down."""
        return cls(start_s=round(phase.start_s, 3), end_s=round(phase.end_s, 3), activation=_levels(phase.activation))


class OneSide(_Document):
    """Indices of one side of the body in one repetition."""

    glute_hamstring_index: float | None
    three_way_share: dict[str, Share] | None
    """Gluteus maximus, gluteus medius, hamstrings; they add up to 1."""
    co_activation_falconer_winter: float | None = None
    """Per cent; both muscles alike: 100."""
    co_activation_rudolph: float | None = None
    co_contraction_share: Share | None = None
    """Part of the time in which abdominals and gluteus maximus were both over the gate."""
    firing_lag_s: float | None = None
    """Begin of gluteus maximus less begin of hamstrings; later is usual, never a fault."""

    @classmethod
    def of(cls, rep: Rep, side: str, together: Mapping[str, float]) -> Self | None:
        """Compute what the levels of a repetition give; None where the pair of this side is not known, or rests."""
        levels = {r.muscle: a for r, a in rep.activation.items() if r.side == side and a is not None}
        whole = [levels[m] for m in ("hamstrings",) if m in levels] or [levels[m] for m in sorted(HAMSTRINGS & set(levels))]
        if "gluteus_maximus" not in levels or not whole or not rep.scored:
            return None
        maximus, hamstrings = levels["gluteus_maximus"], sum(whole) / len(whole)
        if max(maximus, hamstrings) < GATE:
            return None
        three = None
        if (medius := levels.get("gluteus_medius")) is not None and (parts := three_way_share(maximus, medius, hamstrings)):
            names = ("gluteus_maximus", "gluteus_medius", "hamstrings")
            three = {name: round(part, 4) for name, part in zip(names, parts, strict=True)}
        index = glute_hamstring_index(maximus, hamstrings)
        known = {name: round(value, 4) for name, value in together.items() if isfinite(value)}
        return cls(glute_hamstring_index=round(index, 2) if isfinite(index) else None, three_way_share=three, **known)


class Repetition(_Document):
    """One repetition. `activation` is a fraction of the reference, by role; `ratio` is R = glutes / hamstrings, at most 10."""

    start_s: float
    end_s: float
    activation: dict[str, float | None]
    share: Share | None
    share_low: Share | None
    share_high: Share | None
    ratio: float | None
    led_by: LedBy | None
    counted: bool
    scored: bool
    in_zone: bool | None
    over_floor: bool | None
    reasons: tuple[str, ...]
    rise_s: float | None
    phases: dict[Literal["up", "hold", "down"], Phase] | None
    peak: dict[str, float | None]
    time_to_relax_s: dict[str, float | None]
    residual: dict[str, float | None]
    time_in_zone_s: float | None
    longest_in_zone_s: float | None
    sides: dict[Side, OneSide]
    symmetry_index: float | None

    @classmethod
    def of(cls, rep: Rep, together: Mapping[Side, Mapping[str, float]] | None = MappingProxyType({})) -> Self:
        """Write a repetition down, rounded to what can be told.

        `together` holds more of each side, by its name there; None where neither muscles nor sides may be compared.
        """
        ratio = None if rep.ln_ratio is None else float(np.exp(rep.ln_ratio))
        low = high = None
        if rep.ln_ratio is not None and rep.ln_ratio_error is not None:
            low, high = rep.ln_ratio_error.shares(rep.ln_ratio)
        both = [rep.activation[r] for side in SIDES for r in rep.activation if (r.muscle, r.side) == ("gluteus_maximus", side)]
        known = [level for level in both if level is not None]
        symmetry = symmetry_index(*known) if len(known) == len(SIDES) and together is not None else None
        return cls(
            start_s=round(rep.start_s, 3),
            end_s=round(rep.end_s, 3),
            activation=_levels(rep.activation),
            share=_rounded(rep.share),
            share_low=_rounded(low),
            share_high=_rounded(high),
            ratio=_rounded(ratio),
            led_by=rep.led_by,
            counted=rep.counted,
            scored=rep.scored,
            in_zone=rep.in_zone,
            over_floor=rep.over_floor,
            reasons=rep.reasons,
            rise_s=_rounded(rep.rise_s),
            phases=None if rep.phases is None else {name: Phase.of(p) for name, p in rep.phases._asdict().items()},
            peak=_levels(rep.peak),
            time_to_relax_s=_levels(rep.time_to_relax_s),
            residual=_levels(rep.residual),
            time_in_zone_s=_rounded(rep.time_in_zone_s),
            longest_in_zone_s=_rounded(rep.longest_in_zone_s),
            sides={}
            if together is None
            else {side: one for side in SIDES if (one := OneSide.of(rep, side, together.get(side, {})))},
            symmetry_index=None if symmetry is None or not isfinite(symmetry) else round(symmetry, 2),
        )


class Lag(_Document):
    """How much later than the hamstrings gluteus maximus begins, over a session: for one's own trend, never a fault."""

    median_s: float | None
    spread_s: float | None
    reps: int
    reason: Reason | None

    @classmethod
    def of(cls, lag: FiringLag) -> Self:
        """Write it down."""
        return cls(median_s=_rounded(lag.median_s), spread_s=_rounded(lag.spread_s), reps=lag.reps, reason=lag.reason)


class Checks(_Document):
    """What the last check of the sensors and the last squeeze at the end came to."""

    isolation: IsolationVerdict | None = None
    swapped: tuple[tuple[str, str], ...] = ()
    drift: DriftVerdict | None = None
    drift_by_muscle: dict[str, float | None] = {}


class Summary(_Document):
    """The session in a few numbers: `share` from the mean ``ln R`` over the scored repetitions, with its 95 % range."""

    reps: int
    scored: int
    in_zone: int
    led_by: dict[LedBy, int]
    share: Share | None
    share_low: Share | None
    share_high: Share | None
    method: Method | None = None
    unit: Unit | None
    why_no_share: str | None
    ln_ratio_trend: Slope | None = None
    """Change of ``ln R`` a repetition: surely negative, the hamstrings take over."""
    firing_lag: dict[Side, Lag] = {}
    checks: Checks = Checks()


class Truth(_Document):
    """What a simulated person really did."""

    scenario: str
    share: Share | None
    reps: int


class Analysis(_Document):
    """Everything that `gluteemg analyse` tells about a recording. What is not known is null, never NaN."""

    schema_version: Literal[1] = 1
    recording: str
    started: str
    duration_s: float
    recovered: str | None
    exercise: str
    muscles: tuple[Muscle, ...]
    reps: tuple[Repetition, ...]
    summary: Summary
    practice: Practised | None = None
    truth: Truth | None = None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _levels(levels: Levels) -> dict[str, float | None]:
    return {str(role): None if level is None else round(level, 4) for role, level in levels.items()}
