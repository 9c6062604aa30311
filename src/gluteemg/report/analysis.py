"""What a recorded session says: taken through the same path as live, and summed up in one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from gluteemg.activation.bursts import BurstFinder, MuscleBurst, find_bursts
from gluteemg.activation.calibration import Calibration, Level, Unit, recalibrated
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.activation.fatigue import FatigueMeter, RepSpectrum, fatigue, trend
from gluteemg.activation.frame import FRAME_RATE_HZ
from gluteemg.activation.grid import Grid, Heard
from gluteemg.activation.indices import firing_lag
from gluteemg.activation.measure import Measure, Reason, remark, why_not
from gluteemg.activation.pipeline import Aim, Scorer, score
from gluteemg.activation.ratio import share_of
from gluteemg.activation.rep import Rep
from gluteemg.activation.signal import Health
from gluteemg.activation.uncertainty import RatioError
from gluteemg.coaching.exercise import Exercise
from gluteemg.errors import RecordingError
from gluteemg.muscles import HAMSTRINGS, SIDES, TRUNK, Placement, Role, Side
from gluteemg.processing.onset import estimate_floor, estimate_scale
from gluteemg.processing.quality import Flag, State
from gluteemg.recording.file import Recording
from gluteemg.report.document import (
    Analysis,
    BurstSpan,
    Checks,
    Delay,
    Lag,
    Muscle,
    Repetition,
    Slope,
    Summary,
    Tiring,
)
from gluteemg.report.practice import Practised, practised
from gluteemg.report.together import Together, lags
from gluteemg.sensors.profile import Signal
from gluteemg.sensors.source import Event

REP_UNCERTAINTY = 0.14
"""95 % range of ``ln R`` from one 500 ms window of two independent channels: what one repetition claims where nothing is known
of how its references were taken."""
_LASTING = 0.05
"""Share of the session that a state must last to be its verdict (chosen: a moment at the start is not worth it)."""
_MOST_TONE = 0.5
"""Most of the working level that the quieter quarter of a recording may take as tone (chosen: a short file is mostly work)."""
_THINNED = 5
"""One frame in so many tells floors and levels of a recording without a calibration (chosen: 20 a second, of 500 ms each)."""
_KEPT_S = 7200.0
"""Longest recording without a calibration that is kept in memory, filtered, until its levels are known (chosen: some 200 MB an
hour of four channels at 1 kHz); a longer one is heard twice."""
_UNREADABLE = 0.005
"""Share of notifications that may be unreadable before it is worth a word (as for lost samples)."""
_MEASURES: tuple[Measure, ...] = ("amplitude", "ratio", "onset", "firing_lag", "median_frequency", "fatigue_index", "fatigue")


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
        If a calibration in it is broken, or was taken in another unit than its sensors have.
    """
    grid = Grid(recording.profiles, recording.placements)
    heard: Iterable[Heard | Event] = _hear(grid, recording, calibration)
    recorded = recording.told(Calibration.kind)
    if calibration is not None:
        levels = calibration
    elif recorded:
        levels = Calibration.from_json(recorded[-1])
    elif recording.duration_s <= _KEPT_S:
        heard = list(heard)
        levels = _estimate(grid.roles, heard)
    else:
        levels = _estimate(grid.roles, heard)
        grid = Grid(recording.profiles, recording.placements)
        heard = _hear(grid, recording, None)
    scorer = Scorer(grid.signals, exercise.aim, None if recorded else levels)
    longest_s = max(aim.longest_s for aim in (exercise.aim, *map(Aim.from_json, recording.told(Aim.kind))))
    tally = _tally(grid, recording.placements, heard, scorer, levels, longest_s)
    later = {side: _heard_lags(tally, levels, grid.signals, side) for side in SIDES}
    reps = []
    for number, rep in enumerate(tally.reps):
        both = tally.together.of(rep).items()
        more = {side: {**named, "firing_lag_s": later[side][number]} for side, named in both} if levels.comparable else None
        reps.append(Repetition.of(rep, more))
    return Analysis(
        recording=str(recording.path),
        started=recording.started.isoformat(),
        duration_s=round(recording.duration_s, 3),
        recovered=recording.recovered,
        exercise=exercise.id,
        muscles=tuple(_muscle(recording, role, levels, tally) for role in grid.roles),
        reps=tuple(reps),
        summary=_summary(tally, levels, grid.signals, later),
        practice=_practised(recording, tally),
    )


def _practised(recording: Recording, tally: _Tally) -> Practised | None:
    """Put together what a plan came to; None without one."""
    if not recording.told("plan"):
        return None
    try:
        return practised(tally.events, tally.reps, recording.duration_s)
    except (KeyError, TypeError, ValueError) as error:  # pydantic's are ValueErrors
        what = f"What {recording.path} tells of its plan cannot be read ({error!r:.80})"
        raise RecordingError(f"{what}: restore it from a copy.") from error


def summarise(reps: Sequence[Rep], unit: Unit | None, *, why_no_ratio: str | None = None) -> Summary:
    """Sum up repetitions.

    The 95 % range of the share is that of the mean of ``ln R``: what is each repetition's own averages out, the errors of
    floors and references do not. Where nothing is known of how they were taken it is Student's, and one repetition alone
    claims `REP_UNCERTAINTY`.

    Parameters
    ----------
    reps : sequence of Rep
        All of them.
    unit : {"%REF", "%MVIC", "%TASK"} or None
        How activation is told; None without references.
    why_no_ratio : str or None
        Why there can be none (`Pipeline.why_no_ratio`).

    Returns
    -------
    Summary
        With a share, or with the reason why there is none.
    """
    counted = [r for r in reps if r.counted]
    scored = [r for r in counted if r.scored]
    ln = [r.ln_ratio for r in scored if r.ln_ratio is not None]
    share = low = high = why = None
    if ln:
        mean = float(np.mean(ln))
        share, (low, high) = round(share_of(mean), 4), _range(mean, ln, [r.ln_ratio_error for r in scored])
    elif told := Counter(r.reasons[0] for r in counted or reps if r.reasons).most_common(1):
        why = told[0][0]
    else:
        why = why_no_ratio or ("no_reps" if unit else "no_reference")
    led_by = Counter(r.led_by for r in scored if r.led_by is not None)
    return Summary(
        reps=len(counted),
        scored=len(scored),
        in_zone=sum(r.in_zone is True for r in scored),
        led_by={who: led_by[who] for who in ("glutes", "shared", "hamstrings")},
        share=share,
        share_low=low,
        share_high=high,
        unit=unit,
        why_no_share=why,
    )


def _range(mean: float, ln: Sequence[float], errors: Sequence[RatioError | None]) -> tuple[float, float]:
    """Give the 95 % range of the share."""
    known = [e for e in errors if e is not None]
    if len(known) == len(ln):
        low, high = RatioError.over_reps(known, ln).shares(mean)
    else:
        n = len(ln)
        spread = float(stdtrit(n - 1, 0.975) * np.std(ln, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        margin = max(REP_UNCERTAINTY / float(np.sqrt(n)), spread)
        low, high = share_of(mean - margin), share_of(mean + margin)
    return round(low, 4), round(high, 4)


@dataclass
class _Tally:
    """What one run through a recording adds up to."""

    roles: tuple[Role, ...]
    together: Together
    health: dict[str, Health] = field(default_factory=dict)
    reps: list[Rep] = field(default_factory=list)
    bursts: list[MuscleBurst] = field(default_factory=list)
    spectra: list[RepSpectrum] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)
    """Each with when it happened, in session time."""
    now_s: float = 0.0
    flags: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    """How many frames carried each flag since the muscle was first heard, shape (n_roles, n_flags)."""
    why_no_ratio: str | None = None


def _hear(grid: Grid, recording: Recording, other: Calibration | None) -> Iterator[Heard | Event]:
    """Bring a recording to the grid, with an `other` calibration in the place of its own."""
    for items in recording.items():
        yield from grid.take(items if other is None else recalibrated(items, other))


def _tally(
    grid: Grid,
    placements: Sequence[Placement],
    heard: Iterable[Heard | Event],
    scorer: Scorer,
    levels: Calibration,
    longest_s: float,
) -> _Tally:
    """Score what was heard; `levels` place the bursts."""
    tally = _Tally(grid.roles, Together(grid.roles, longest_s), flags=np.zeros((len(grid.roles), len(Flag)), np.int64))
    finders = _finders(placements, grid.signals, levels)
    meter = FatigueMeter(grid.signals, longest_s)

    def noted() -> Iterator[Heard | Event]:
        for each in heard:
            if isinstance(each, Event):
                tally.events.append((tally.now_s, each))
            yield each

    for update in score(scorer, noted()):
        tally.reps += update.reps
        tally.now_s = int(update.frames.index[-1]) / FRAME_RATE_HZ if len(update.frames) else tally.now_s
        tally.bursts += find_bursts(finders, update.traces)
        tally.spectra += meter.feed(update.traces, update.frames, update.reps)
        tally.together.feed(update.frames, update.reps)
        for column, flags in enumerate(update.frames.flags.T):
            if not tally.flags[column].any():
                flags = flags[np.logical_or.accumulate(flags != Flag.ABSENT)]
            tally.flags[column] += np.bincount(flags, minlength=len(Flag))
    tally.bursts += [burst for finder in finders for burst in finder.finish()]
    tally.health = grid.health
    tally.why_no_ratio = scorer.why_no_ratio
    return tally


def _finders(placements: Sequence[Placement], signals: Mapping[Role, Signal], levels: Calibration) -> list[BurstFinder]:
    """Give one finder for each sensor whose signal shows when a muscle begins."""
    by_sensor: dict[str, list[Role]] = {}
    for p in placements:
        if why_not("onset", signals[p.role].kind, signals[p.role].rate_hz) is None:
            by_sensor.setdefault(p.sensor, []).append(p.role)
    finders = []
    for roles in by_sensor.values():
        known = [levels.level(role) for role in roles]
        floors = [np.nan if level is None else level.floor for level in known]
        working = [np.nan if level is None or level.working is None else level.working for level in known]
        finders.append(BurstFinder(roles, signals[roles[0]].rate_hz, floors, None if np.isnan(working).all() else working))
    return finders


def _estimate(roles: Sequence[Role], heard: Iterable[Heard | Event]) -> Calibration:
    """Estimate floors from the quietest windows, and working levels for cutting, of a recording without a calibration."""
    run = (each.instants for each in heard if isinstance(each, Heard))
    thinned = (instants.envelope[instants.index % _THINNED == 0] for instants in run)
    envelope = np.concatenate([np.empty((0, len(roles))), *thinned])
    floors, scales = estimate_floor(envelope), estimate_scale(envelope)
    levels = tuple(
        Level(role=str(role), floor=floor, working=scale, tone=min(float(np.nanquantile(column, 0.25)), _MOST_TONE * scale))
        for role, floor, scale, column in zip(roles, floors.tolist(), scales.tolist(), envelope.T, strict=True)
        if np.isfinite(floor) and scale > 0
    )
    return Calibration(method=None, floor_method="estimated", levels=levels)


def _muscle(recording: Recording, role: Role, levels: Calibration, tally: _Tally) -> Muscle:
    (placement,) = (p for p in recording.placements if p.role == role)
    signal = recording.profiles[placement.sensor].signal
    level = levels.level(role)
    health = tally.health[placement.sensor]
    quality, reasons = _quality(tally.flags[tally.roles.index(role)], health.unreadable)
    floor = level.floor if level else None
    spectra = [s for s in tally.spectra if s.role == role]
    over = [s.over(floor) for s in spectra]
    medians = [s.median_hz for s in over if s.median_hz is not None]
    snr = None if level is None else level.snr_db
    tiring = Tiring.of(fatigue(spectra, floor))
    refused = _refused(role, signal, level)
    if tiring.reason is not None:
        refused.setdefault("fatigue", tiring.reason)
    if not medians:
        lacks = Counter(s.reason for s in over if s.reason is not None).most_common(1)
        refused.setdefault("median_frequency", lacks[0][0] if lacks else "no_reps")
    return Muscle(
        muscle=role.muscle,
        side=role.side,
        sensor=placement.sensor,
        signal=signal.kind,
        rate_hz=round(health.rate_hz, 3),
        floor=None if floor is None else _significant(floor),
        floor_method=levels.floor_method if level else None,
        reference=_significant(level.reference) if level and level.reference else None,
        snr_db=None if snr is None else round(snr, 1),
        unit=signal.unit,
        quality=quality,
        reasons=reasons,
        delay=Delay.of(health),
        not_available=refused,
        remarks={m: said for m in _MEASURES if m not in refused and (said := remark(m, signal.rate_hz, signal.band_hz))},
        median_frequency_hz=round(float(np.median(medians)), 1) if medians else None,
        tiring=tiring,
        bursts=tuple(
            BurstSpan(on_s=round(b.on_s, 3), off_s=round(b.off_s, 3), decided_s=round(b.decided_s, 3))
            for b in tally.bursts
            if b.role == role
        ),
    )


def _refused(role: Role, signal: Signal, level: Level | None) -> dict[Measure, Reason]:
    """Give what the sensor of a muscle cannot support, and why."""
    asked: tuple[Measure, ...] = (*_MEASURES, *(("trunk_filter",) if role.muscle in TRUNK else ()))
    has_reference = level is not None and level.reference is not None
    reasons = {m: why_not(m, signal.kind, signal.rate_hz, has_reference=has_reference) for m in asked}
    if level is not None and level.snr_db is not None:
        reasons["ratio"] = why_not("ratio", signal.kind, signal.rate_hz, snr_db=level.snr_db)
    if signal.low is None and signal.high is None:
        reasons["clipping"] = "no_limits"
    return {measure: reason for measure, reason in reasons.items() if reason is not None}


def _significant(value: float) -> float:
    """Round to five digits, however small it is: a floor is never zero because of its unit."""
    return float(f"{value:.5g}")


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


def _heard_lags(tally: _Tally, levels: Calibration, signals: Mapping[Role, Signal], side: Side) -> list[float]:
    """Give the firing lag of each repetition; NaN where a muscle of the pair is too slow a signal, or too quiet to be dated."""
    pair = [r for r in signals if r.side == side and (r.muscle == "gluteus_maximus" or r.muscle in HAMSTRINGS)]
    if any(why_not("firing_lag", signals[r].kind, signals[r].rate_hz) is not None for r in pair):
        return [np.nan] * len(tally.reps)
    floors = {r: level.floor for r in pair if (level := levels.level(r)) is not None}
    quiet = {s.start_s for s in tally.spectra if s.role in pair and s.over(floors.get(s.role)).reason is not None}
    known = lags(tally.reps, tally.bursts, side)
    return [np.nan if rep.start_s in quiet else lag for rep, lag in zip(tally.reps, known, strict=True)]


def _summary(
    tally: _Tally, levels: Calibration, signals: Mapping[Role, Signal], later: Mapping[Side, Sequence[float]]
) -> Summary:
    """Sum up the whole session."""
    summary = summarise(tally.reps, levels.unit, why_no_ratio=tally.why_no_ratio)
    told: dict[Side, Lag] = {}
    for side in SIDES:
        pair = [r for r in signals if r.side == side and (r.muscle == "gluteus_maximus" or r.muscle in HAMSTRINGS)]
        if {r.muscle == "gluteus_maximus" for r in pair} == {True, False}:
            least = min((signals[r] for r in pair), key=lambda signal: 0.0 if signal.is_envelope else signal.rate_hz)
            told[side] = Lag.of(firing_lag(later[side], least.kind, least.rate_hz, np.inf))  # each was asked for its own noise
    scored = [r.ln_ratio for r in tally.reps if r.counted]
    return summary.model_copy(
        update={
            "method": levels.method,
            "ln_ratio_trend": Slope.plain(trend(scored)),
            "firing_lag": told,
            "checks": _checks([event for _, event in tally.events]),
        }
    )


def _checks(events: Sequence[Event]) -> Checks:
    """Give the last of each check."""
    details = {event.kind: event.detail for event in events}
    isolation = Isolation.from_json(details[Isolation.kind]) if Isolation.kind in details else None
    drift = Drift.from_json(details[Drift.kind]) if Drift.kind in details else None
    return Checks(
        isolation=isolation and isolation.verdict,
        swapped=() if isolation is None else isolation.swapped,
        drift=drift and drift.verdict,
        drift_by_muscle={}
        if drift is None
        else {c.role: None if c.change is None else round(c.change, 3) for c in drift.changes},
    )
