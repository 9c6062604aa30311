"""What a recorded session says: the one document of results, for people, programs and tests.

The document is a pydantic model, so its JSON Schema (``docs/analysis.schema.json``) is never out of step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import stdtrit

from gluteemg.activation.bursts import BurstFinder, MuscleBurst, find_bursts
from gluteemg.activation.calibration import Calibration, Level, Unit, recalibrated
from gluteemg.activation.pipeline import Aim, Pipeline, Update
from gluteemg.activation.ratio import share_of
from gluteemg.activation.repetition import LedBy, Rep
from gluteemg.activation.signal import Health
from gluteemg.coaching.exercise import Exercise
from gluteemg.muscles import Role
from gluteemg.processing.onset import estimate_floor, estimate_scale
from gluteemg.processing.quality import Flag, State
from gluteemg.recording.file import Recording
from gluteemg.sensors.profile import SignalKind

REP_UNCERTAINTY = 0.14
"""95 % range of ``ln R`` from one 500 ms window of two independent channels: the least that one repetition can claim."""
_LASTING = 0.05
"""Share of the session that a state must last to be its verdict (chosen: a moment at the start is not worth it)."""

_MOST_TONE = 0.5
"""Most of the working level that the quieter quarter of a recording may take as tone (chosen: a short file is mostly work)."""

_THINNED = 5
"""One frame in so many tells floors and levels of a recording without a calibration (chosen: 20 a second, of 500 ms each)."""
_UNREADABLE = 0.005
"""Share of notifications that may be unreadable before it is worth a word (as for lost samples)."""

Share = Annotated[float, Field(ge=0, le=1)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BurstSpan(_Document):
    """One stretch of activity; `decided_s` is when it would have been certain, live."""

    on_s: float
    off_s: float
    decided_s: float


class Muscle(_Document):
    """One muscle of the session. `floor` and `reference` are RMS in `unit`; `reference` is null where none was taken."""

    muscle: str
    side: Literal["left", "right"]
    sensor: str
    signal: SignalKind
    rate_hz: float
    floor: float | None
    floor_method: Literal["rest", "estimated"] | None
    reference: float | None
    unit: Literal["uV", "counts"]
    quality: State
    reasons: tuple[str, ...]
    bursts: tuple[BurstSpan, ...]


class Repetition(_Document):
    """One repetition. `activation` is a fraction of the reference, by role; `ratio` is R = glutes / hamstrings, at most 10."""

    start_s: float
    end_s: float
    activation: dict[str, float | None]
    share: Share | None
    ratio: float | None
    led_by: LedBy | None
    counted: bool
    scored: bool
    in_zone: bool | None
    over_floor: bool | None
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, rep: Rep) -> Repetition:
        """Write a repetition down, rounded to what can be told."""
        ratio = None if rep.ln_ratio is None else float(np.exp(rep.ln_ratio))
        return cls(
            start_s=round(rep.start_s, 3),
            end_s=round(rep.end_s, 3),
            activation={str(role): None if a is None else round(a, 4) for role, a in rep.activation.items()},
            share=None if rep.share is None else round(rep.share, 4),
            ratio=None if ratio is None else round(ratio, 4),
            led_by=rep.led_by,
            counted=rep.counted,
            scored=rep.scored,
            in_zone=rep.in_zone,
            over_floor=rep.over_floor,
            reasons=rep.reasons,
        )


class Summary(_Document):
    """The session in a few numbers: `share` from the mean ``ln R`` over the scored repetitions, with its 95 % range."""

    reps: int
    scored: int
    in_zone: int
    share: Share | None
    share_low: Share | None
    share_high: Share | None
    unit: Unit | None
    why_no_share: str | None


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
    truth: Truth | None = None


def analyse(recording: Recording, exercise: Exercise, calibration: Calibration | None = None) -> Analysis:
    """Take a recording through the same path as a live session, and put down what comes out.

    Parameters
    ----------
    recording : Recording
        The session.
    exercise : Exercise
        Its zone and floor judge the repetitions.
    calibration : Calibration, optional
        Takes the place of each one in the recording, from where that one stood; holds from the start where there is none.
        Without any, floors are estimated from the quietest windows, bursts and repetitions are found all the same, and
        activation, share and ratio are null.

    Returns
    -------
    Analysis
        The document.

    Raises
    ------
    RecordingError
        If the recording is damaged inside.
    DefinitionError
        If a calibration in it is broken.
    """
    recorded = recording.calibrations
    levels = calibration or (Calibration.from_json(recorded[-1]) if recorded else _estimate(recording))
    tally = _run(recording, exercise.aim, levels, other=calibration)
    return Analysis(
        recording=str(recording.path),
        started=recording.started.isoformat(),
        duration_s=round(recording.duration_s, 3),
        recovered=recording.recovered,
        exercise=exercise.id,
        muscles=tuple(_muscle(recording, role, levels, tally) for role in tally.roles),
        reps=tuple(Repetition.of(rep) for rep in tally.reps),
        summary=summarise(tally.reps, levels.unit, scorable=tally.scorable),
    )


def summarise(reps: Sequence[Rep], unit: Unit | None, *, scorable: bool = True) -> Summary:
    """Sum up repetitions.

    The 95 % range of the share is Student's, of the mean of ``ln R``; one repetition alone claims `REP_UNCERTAINTY`.

    Parameters
    ----------
    reps : sequence of Rep
        All of them.
    unit : {"%REF", "%MVIC"} or None
        How activation is told; None without references.
    scorable : bool
        Whether every muscle of the ratio has a reference (`Pipeline.scorable`).

    Returns
    -------
    Summary
        With a share, or with the reason why there is none.
    """
    counted = [r for r in reps if r.counted]
    scored = [r for r in counted if r.scored]
    ln = np.array([r.ln_ratio for r in scored], np.float64)
    share = low = high = why = None
    if len(ln):
        n, mean = len(ln), float(ln.mean())
        spread = float(stdtrit(n - 1, 0.975) * ln.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        margin = max(REP_UNCERTAINTY / float(np.sqrt(n)), spread)
        share, low, high = (round(share_of(mean + d), 4) for d in (0.0, -margin, margin))
    else:
        why = counted[0].reasons[0] if counted and counted[0].reasons else "no_reps" if unit and scorable else "no_reference"
    return Summary(
        reps=len(counted),
        scored=len(scored),
        in_zone=sum(r.in_zone is True for r in scored),
        share=share,
        share_low=low,
        share_high=high,
        unit=unit,
        why_no_share=why,
    )


@dataclass
class _Tally:
    """What one run through a recording adds up to."""

    roles: tuple[Role, ...]
    health: dict[str, Health] = field(default_factory=dict)
    reps: list[Rep] = field(default_factory=list)
    bursts: list[MuscleBurst] = field(default_factory=list)
    flags: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    """How many frames carried each flag since the muscle was first heard, shape (n_roles, n_flags)."""
    scorable: bool = False


def _run(recording: Recording, aim: Aim, levels: Calibration, *, other: Calibration | None) -> _Tally:
    """Run through a recording, with an `other` calibration in the place of its own; `levels` place the bursts."""
    start = None if recording.calibrations else levels
    pipeline = Pipeline(recording.profiles, recording.placements, aim=aim, calibration=start)
    tally = _Tally(pipeline.roles, flags=np.zeros((len(pipeline.roles), len(Flag)), np.int64))
    finders = {p.role: _finder(p.role, recording.profiles[p.sensor].signal.rate_hz, levels) for p in recording.placements}
    for update in _updates(pipeline, recording, other):
        tally.reps += update.reps
        tally.bursts += find_bursts(finders, update.traces)
        for column, flags in enumerate(update.frames.flags.T):
            begun = tally.flags[column].any() | np.logical_or.accumulate(flags != Flag.ABSENT)
            tally.flags[column] += np.bincount(flags[begun], minlength=len(Flag))
    tally.bursts += [burst for finder in finders.values() for burst in finder.finish()]
    tally.health = pipeline.health
    tally.scorable = pipeline.scorable
    return tally


def _updates(pipeline: Pipeline, recording: Recording, other: Calibration | None = None) -> Iterator[Update]:
    for items in recording.items():
        yield from pipeline.updates(items if other is None else recalibrated(items, other))


def _finder(role: Role, rate_hz: float, levels: Calibration) -> BurstFinder:
    level = levels.level(role)
    return BurstFinder(role, rate_hz, level.floor if level else np.nan, level.working if level else None)


def _estimate(recording: Recording) -> Calibration:
    """Estimate floors from the quietest windows, and working levels for cutting, of a recording without a calibration."""
    pipeline = Pipeline(recording.profiles, recording.placements)
    run = (update.frames for update in _updates(pipeline, recording))
    thinned = (frames.envelope[frames.index % _THINNED == 0] for frames in run)
    envelope = np.concatenate([np.empty((0, len(pipeline.roles))), *thinned])
    floors, scales = estimate_floor(envelope), estimate_scale(envelope)
    levels = tuple(
        Level(role=str(role), floor=floor, working=scale, tone=min(float(np.nanquantile(column, 0.25)), _MOST_TONE * scale))
        for role, floor, scale, column in zip(pipeline.roles, floors.tolist(), scales.tolist(), envelope.T, strict=True)
        if np.isfinite(floor) and scale > 0
    )
    return Calibration(method=None, floor_method="estimated", levels=levels)


def _muscle(recording: Recording, role: Role, levels: Calibration, tally: _Tally) -> Muscle:
    (placement,) = (p for p in recording.placements if p.role == role)
    signal = recording.profiles[placement.sensor].signal
    level = levels.level(role)
    quality, reasons = _quality(tally.flags[tally.roles.index(role)], tally.health[placement.sensor].unreadable)
    return Muscle(
        muscle=role.muscle,
        side=role.side,
        sensor=placement.sensor,
        signal=signal.kind,
        rate_hz=round(tally.health[placement.sensor].rate_hz, 3),
        floor=round(level.floor, 4) if level else None,
        floor_method=levels.floor_method if level else None,
        reference=round(level.reference, 4) if level and level.reference else None,
        unit=signal.unit,
        quality=quality,
        reasons=reasons,
        bursts=tuple(
            BurstSpan(on_s=round(b.on_s, 3), off_s=round(b.off_s, 3), decided_s=round(b.decided_s, 3))
            for b in tally.bursts
            if b.role == role
        ),
    )


def _quality(counts: NDArray[np.int64], unreadable: float) -> tuple[State, tuple[str, ...]]:
    """Give the worst state that lasted, and the flags behind everything that lasted; settling is no one's fault."""
    heard = counts.copy()
    heard[Flag.SETTLING] = 0
    lasting = [flag for flag in Flag if heard[flag] > _LASTING * heard.sum()]
    lasting = lasting or [Flag.SETTLING if counts.any() else Flag.ABSENT]
    state, reasons = max(lasting).state, tuple(f.name.lower() for f in lasting if f.state != "good")
    if unreadable <= _UNREADABLE:
        return state, reasons
    return "adjust" if state == "good" else state, (*reasons, "unreadable_packets")
