"""Following a protocol: what is asked for now, what is measured, and why a trial is not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration, Level, MeasuredTrial, SensorUnit, Statistic
from gluteemg.activation.checks import Drift, Isolation, drift, isolation
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.protocol import Protocol, Step
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role
from gluteemg.processing.envelope import FAST_S, SLOW_S
from gluteemg.processing.quality import Flag

Result = Calibration | Isolation | Drift

LEAST_OVER_FLOOR = 2.0
"""A reference must be twice the floor (6 dB): below, no ratio can be believed."""
MOST_RESTLESS = 2.0
"""The restless end of a rest may be twice its quiet end (chosen: 500 ms windows of steady noise differ by 20 %)."""
LEAST_HEARD = 0.5
"""Share of a trial that must be usable (chosen: half of 3 s is still more than one judgement of 500 ms)."""
_REASONS: Mapping[Flag, str] = {
    Flag.ABSENT: "no_signal",
    Flag.FLAT: "no_signal",
    Flag.HEAVY_CLIPPED: "clipped",
    Flag.HEAVY_MOTION: "moved",
}
"""Why a trial is not used, by the flag that most of it carries; ``poor_signal`` for any other."""


class Calibrator:
    """Leads through a protocol and measures it, from frames alone.

    Parameters
    ----------
    protocol : Protocol
        What to ask for.
    roles : sequence of Role
        Muscles that are worn; a step whose muscles are not worn is left out.
    calibration : Calibration, optional
        The one in force, which checks compare with.
    units : mapping of Role to {"uV", "counts"}, optional
        Unit of each sensor, for the record.
    placed : mapping of Role to str, optional
        Where each sensor sits, in words, for the record.

    Raises
    ------
    DefinitionError
        If the protocol looks for drift and there are no references to compare with.
    """

    def __init__(
        self,
        protocol: Protocol,
        roles: Sequence[Role],
        *,
        calibration: Calibration | None = None,
        units: Mapping[Role, SensorUnit] | None = None,
        placed: Mapping[Role, str] | None = None,
    ) -> None:
        if protocol.compares and (calibration is None or calibration.method in (None, "task")):
            raise DefinitionError(
                f"The protocol {protocol.id} compares with references of efforts, and there are none: take them first."
            )
        self.protocol = protocol
        self._roles, self._in_force = tuple(roles), calibration
        self._units, self._placed = units or {}, placed or {}
        worn = {r.muscle for r in roles}
        self._steps = tuple(s for s in protocol.steps if s.kind == "rest" or worn & set(s.muscles))
        self._number = 0
        self._trials: list[list[MeasuredTrial]] = [[] for _ in roles]
        self._floor = np.full(len(self._roles), np.nan)
        self._begins: int | None = None  # grid index
        self._seen: list[Frames] = []
        self.trial = 1
        self.rejected: str | None = None

    @property
    def step(self) -> Step | None:
        """The step that is asked for now; None when all are done."""
        return self._steps[self._number] if self._number < len(self._steps) else None

    def remaining_s(self, index: int) -> float:
        """Seconds until the present trial ends, seen from a grid index; longer than the step while a pause lasts."""
        if self.step is None or self._begins is None:
            return 0.0
        return max(0.0, (self._begins - index) / FRAME_RATE_HZ + self.step.seconds)

    def feed(self, frames: Frames) -> Result | None:
        """Take the next frames; give what came of it once, when the last step is done.

        Trials of a step are asked for until enough of them are good and, where the step says so, the two best agree; at most
        `Protocol.spare_trials` more than planned. `trial` counts them, and `rejected` holds why another one is asked for (an
        id) until the step is done: ``moved`` during rest; ``too_quiet``, under twice the floor; ``no_signal``, ``clipped``,
        ``moved`` and ``poor_signal``, where half of it cannot be used; ``disagree``, where the best two differ too much.

        What is left after the last trial: a reference of the trials that were good, none without any. Of maximal trials that
        never agreed, the mean of the two best: five efforts are enough to ask of anyone, and `Level.agreement` and `spread`
        tell how sure it is. A floor is kept even if the last rest was restless, since without one there is nothing at all, and
        too high a floor only makes references harder to believe.
        """
        if self.step is None or not len(frames):
            return None
        self._seen.append(frames)
        while self.step is not None:
            if self._begins is None:
                self._begins = int(frames.index[0]) + round(self.step.pause_before_s(1) * FRAME_RATE_HZ)
            end = self._begins + round(self.step.seconds * FRAME_RATE_HZ)
            if frames.index[-1] < end - 1:
                return None
            self._finish_trial(self.step, end)
        return self._result()

    def _finish_trial(self, step: Step, end: int) -> None:
        span = _Span.of(Frames.join(self._seen), step, end)
        reason, disagree = self._measure(step, span), self._disagree(step)
        if self.trial >= step.trials + self.protocol.spare_trials or (self._enough(step) and not disagree):
            self._number, self.trial, self.rejected = self._number + 1, 1, None
        else:
            self.trial, self.rejected = self.trial + 1, reason or ("disagree" if disagree else None)
        pause_s = 0.0 if self.step is None else self.step.pause_before_s(self.trial)
        self._begins = end + round(pause_s * FRAME_RATE_HZ)
        self._seen = self._seen[-1:]

    def _columns(self, step: Step) -> list[int]:
        """Give the columns that a step measures: a rest and a check look at every muscle."""
        return [i for i, r in enumerate(self._roles) if step.kind in ("rest", "check") or r.muscle in step.muscles]

    def _measure(self, step: Step, span: _Span) -> str | None:
        """Take what a trial gives; tell why it, or a part of it, is not used."""
        if step.kind == "warm_up":
            return None
        columns = self._columns(step)
        reasons = {c: span.fault(c) for c in columns}
        rms = span.rms(*self._taken_as(step))
        if step.kind == "rest":
            heard = [c for c in columns if reasons[c] is None]
            self._floor[heard] = rms[heard]
            moved = span.restless(heard)
            reasons = {c: reason or ("moved" if moved else None) for c, reason in reasons.items()}
        else:
            quiet = self._quiet(step, rms)
            reasons = {c: reason or ("too_quiet" if quiet[c] else None) for c, reason in reasons.items()}
        for c, reason in reasons.items():
            value = None if np.isnan(rms[c]) else float(rms[c])
            self._trials[c].append(MeasuredTrial(step=step.id, value=value, reason=reason))
        return next((reason for reason in reasons.values() if reason), None)

    def _taken_as(self, step: Step) -> tuple[Statistic, float]:
        """Give how a trial is measured: one that is compared, in the way of what it is compared with."""
        if step.kind == "drift" and self._in_force is not None:
            return self._in_force.statistic, self._in_force.window_s
        return (self.protocol.statistic if step.kind == "reference" else "mean"), self.protocol.window_s

    def _quiet(self, step: Step, rms: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which muscles were hardly over their floor; in a check it is enough that any worked (sensors may be swapped)."""
        quiet = ~(rms > LEAST_OVER_FLOOR * self._floor)
        return np.full_like(quiet, quiet.all()) if step.kind == "check" else quiet

    def _good(self, step: Step, column: int) -> list[float]:
        """Give what the accepted trials of a step measured of a muscle."""
        return [t.value for t in self._trials[column] if t.step == step.id and t.accepted and t.value is not None]

    def _disagree(self, step: Step) -> bool:
        if step.agreement is None:
            return False
        good = [self._above(c, self._good(step, c)) for c in self._columns(step)]
        return any(len(g) >= step.trials and _apart(_best_two(g)) > step.agreement for g in good)

    def _enough(self, step: Step) -> bool:
        if step.kind == "warm_up":
            return self.trial >= step.trials
        return all(len(self._good(step, c)) >= step.trials for c in self._columns(step))

    def _above(self, column: int, rms: Sequence[float]) -> NDArray[np.float64]:
        """Take the floor of a muscle off, in quadrature."""
        floor = 0.0 if np.isnan(self._floor[column]) else self._floor[column]
        above: NDArray[np.float64] = np.sqrt(np.maximum(0.0, np.square(rms) - floor**2))
        return above

    def _result(self) -> Result:
        if self.protocol.compares:
            assert self._in_force is not None
            steps = [s for s in self._steps if s.kind == "drift"]
            statistic = self._in_force.statistic
            above = np.array([self._best_above(c, steps, statistic) for c in range(len(self._roles))])
            asked = [any(r.muscle in s.muscles for s in steps) for r in self._roles]
            return drift(self.protocol.id, asked, above, self._roles, self._in_force)
        checks = [s for s in self._steps if s.kind == "check"]
        if any(s.kind == "check" for s in self.protocol.steps):
            rows = [[self._best_above(c, [s], "mean") for c in range(len(self._roles))] for s in checks]
            above = np.array(rows).reshape(len(checks), len(self._roles))
            efforts = self._in_force if self._in_force is not None and self._in_force.comparable else None
            return isolation(self.protocol.id, checks, above, self._roles, efforts)
        levels = tuple(self._level(c) for c in range(len(self._roles)) if not np.isnan(self._floor[c]))
        taken = any(level.reference for level in levels)
        return Calibration(
            method=self.protocol.method if taken else None,
            floor_method="rest",
            protocol=self.protocol.id,
            statistic=self.protocol.statistic,
            window_s=self.protocol.averaged_s if taken else 0.0,
            trial_s=min((s.measured_s for s in self._steps if s.kind == "reference"), default=0.0),
            floor_s=next(s.measured_s for s in reversed(self._steps) if s.kind == "rest"),
            levels=levels,
        )

    def _best_above(self, column: int, steps: Sequence[Step], statistic: Statistic) -> float:
        """Give what the best of some steps came to, the floor taken off; NaN if none was good."""
        values = [_combined(g, self._above(column, g), statistic, s.agreement) for s in steps if (g := self._good(s, column))]
        return float(self._above(column, values).max()) if values else np.nan

    def _level(self, column: int) -> Level:
        role, statistic = self._roles[column], self.protocol.statistic
        references = [s.id for s in self._steps if s.kind == "reference"]
        made = [
            (_combined(g, self._above(column, g), statistic, s.agreement), s)
            for s in self._steps
            if (g := self._good(s, column))
        ]
        made = [(value, s) for value, s in made if s.kind == "reference" and value > self._floor[column]]
        reference, step = max(made, key=lambda m: m[0]) if made else (None, None)
        used = self._above(column, [] if step is None else self._good(step, column))
        used = _best_two(used) if statistic == "max" else used[used > 0]
        several = len(used) > 1
        return Level(
            role=str(role),
            floor=float(self._floor[column]),
            reference=reference,
            unit=self._units.get(role),
            placement=self._placed.get(role, ""),
            effort=None if step is None else step.effort,
            agreement=_apart(used) if several else None,
            spread=float(np.log(used).std(ddof=1) / np.sqrt(len(used))) if several else None,
            trials=tuple(t for t in self._trials[column] if t.step in references),
        )


def _best_two(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sort(values)[-2:]


def _apart(values: NDArray[np.float64]) -> float:
    """Give how far values lie apart, as a fraction of the largest."""
    return float(1 - values.min() / values.max())


def _combined(good: Sequence[float], above: NDArray[np.float64], statistic: Statistic, agreement: float | None) -> float:
    """Make one of the good trials of a step; `above` are the same with the floor taken off, which decides whether they agree.

    The median of means (chosen: of three, one that went astray does not count); the greatest of greatest ones, or the mean of
    the two best where they were to agree and do not.
    """
    if statistic == "mean":
        return float(np.median(good))
    best = _best_two(good)
    apart = len(best) > 1 and agreement is not None and _apart(_best_two(above)) > agreement
    return float(best.mean() if apart else best[-1])


@dataclass(frozen=True, slots=True)
class _Span:
    """What was measured in one trial: powers of both envelopes, NaN where not usable, and flags; each (n_frames, n_roles)."""

    fast: NDArray[np.float64]
    slow: NDArray[np.float64]
    flags: NDArray[np.uint8]

    @classmethod
    def of(cls, frames: Frames, step: Step, end: int) -> _Span:
        """Cut a trial that ends at grid index `end` out of frames, without its lead and tail."""
        start, stop = end - round((step.seconds - step.lead_s) * FRAME_RATE_HZ), end - round(step.tail_s * FRAME_RATE_HZ)
        rows = slice(*np.searchsorted(frames.index, (start, stop)))
        flags = frames.flags[rows]
        usable = (flags < Flag.HEAVY_LOSS) | (flags == Flag.NO_SNR)  # that is about a calibration which may be about to end
        fast, slow = (np.where(usable, e[rows], np.nan) ** 2 for e in (frames.envelope_fast, frames.envelope))
        return cls(fast, slow, flags)

    def windows(self, window_s: float) -> NDArray[np.float64]:
        """Give the power over every `window_s` that lies wholly in the trial, shape (n_windows, n_roles).

        A frame tells of the 125 or 500 ms before it; longer windows are put together from these, without gap or overlap but
        for the half instant by which 125 ms miss the grid.
        """
        power, base_s = (self.fast, FAST_S) if window_s < SLOW_S else (self.slow, SLOW_S)
        power = power[round(base_s * FRAME_RATE_HZ) :]
        shifts = [round(i * base_s * FRAME_RATE_HZ) for i in range(round(window_s / base_s))]
        n = max(0, len(power) - shifts[-1])
        mean: NDArray[np.float64] = np.mean([power[s : s + n] for s in shifts], axis=0)
        return mean

    def rms(self, statistic: Statistic, window_s: float) -> NDArray[np.float64]:
        """Give the RMS of each muscle over the whole, or the greatest over `window_s`; NaN where nothing is usable."""
        power = self.windows(FAST_S if statistic == "mean" else window_s)
        heard = np.isfinite(power)
        if statistic == "max":
            best = np.where(heard, power, -np.inf).max(axis=0, initial=-np.inf)
        else:
            best = np.where(heard, power, 0.0).sum(axis=0) / np.maximum(1, heard.sum(axis=0))
        return np.sqrt(np.where(heard.any(axis=0), best, np.nan))

    def fault(self, column: int) -> str | None:
        """Tell why a muscle of this trial cannot be used, or None."""
        heard = np.isfinite(self.fast[:, column])
        if heard.size and heard.mean() >= LEAST_HEARD:
            return None
        flags = self.flags[~heard, column]
        return _REASONS.get(Flag(int(np.bincount(flags).argmax())), "poor_signal") if len(flags) else "no_signal"

    def restless(self, columns: Sequence[int]) -> bool:
        """Tell whether some muscle was much busier at times than at others, by 500 ms."""
        power = self.windows(SLOW_S)[:, columns]
        power = power[np.isfinite(power).all(axis=1)]
        if not power.size:
            return False
        quiet, restless = np.quantile(np.sqrt(power), [0.05, 0.95], axis=0)
        return bool((restless > MOST_RESTLESS * quiet).any())
