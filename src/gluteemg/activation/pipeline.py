"""The straight path: packets and events in, frames and repetitions out.

Nothing here reads a clock, a disk or a screen: the same items give the same frames, bit for bit, live and in replay, however
they are cut into calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from gluteemg.activation.calibration import Calibration, Method
from gluteemg.activation.frame import Frames
from gluteemg.activation.grid import Grid, Heard, Instants, Trace
from gluteemg.activation.measure import why_not
from gluteemg.activation.ratio import Judge, Ratio, Scale, Zone
from gluteemg.activation.rep import Rep
from gluteemg.activation.repetition import MOST_S, RepDetector, Target
from gluteemg.activation.signal import Health
from gluteemg.activation.uncertainty import ENVELOPE_BANDWIDTH_HZ, Basis, Uncertainty
from gluteemg.definition import Detail
from gluteemg.muscles import Muscle, Placement, Role
from gluteemg.processing.chain import bandwidth_hz
from gluteemg.processing.levels import FloorWatch, level_flag
from gluteemg.processing.quality import Flag
from gluteemg.sensors.profile import FirmwareProfile, Signal
from gluteemg.sensors.source import Event, Item

EVEN = Zone(1.0, 1.25)
"""What the live verdict is against where no zone is asked for (from even work to where the glutes lead)."""


@dataclass(frozen=True, slots=True)
class Update:
    """What a run of items brought: frames that closed, repetitions that were decided, traces to draw."""

    frames: Frames
    reps: tuple[Rep, ...]
    traces: tuple[Trace, ...]


class Aim(Detail):
    """What an exercise asks of every repetition; an event of this kind brings another one.

    Parameters
    ----------
    zone : tuple of float or None
        Where the ratio R should be, low and high; None where no share is judged.
    floor : mapping of str to float
        Least activation of the target by kind of reference; empty where nothing is to be reached.
    target : str
        The muscle that is to do the work.
    longest_s : float
        How long a repetition or a hold may be.
    """

    kind: ClassVar[str] = "aim"
    broken: ClassVar[str] = "An exercise in the recording has {faults}: it was written by something else."

    zone: tuple[float, float] | None = None
    floor: Mapping[Method, float] = Field(default_factory=dict)
    target: Muscle = "gluteus_maximus"
    longest_s: float = MOST_S


class Scorer:
    """Gives instants their meaning: activation, share, verdict, repetitions.

    Parameters
    ----------
    signals : mapping of Role to Signal
        What the sensor of each column sends, in the order of the columns.
    aim : Aim or None
        What the exercise asks. Without one, and without a zone, verdicts are against `EVEN` work; repetitions are not judged.
    calibration : Calibration or None
        The one to begin with; an event brings a new one.

    Raises
    ------
    DefinitionError
        If the calibration was taken in another unit than its sensors have.
    """

    def __init__(self, signals: Mapping[Role, Signal], aim: Aim | None = None, calibration: Calibration | None = None) -> None:
        self.roles = tuple(signals)
        self._units = {role: signal.unit for role, signal in signals.items()}
        self._bandwidths_hz = [
            ENVELOPE_BANDWIDTH_HZ if signal.is_envelope else bandwidth_hz(signal.rate_hz) for signal in signals.values()
        ]
        self._refused = [why_not("ratio", signal.kind, signal.rate_hz) for signal in signals.values()]
        self._aim = aim
        self._judge = Judge(_zone(aim))
        self._paused: set[str] = set()  # by whom: the person, or a protocol
        self._calibrate(calibration)

    @property
    def why_no_ratio(self) -> str | None:
        """Why there can be no ratio under this calibration (an id); None if there can."""
        return self._ratio.why_not

    def happen(self, event: Event) -> None:
        """Take an event."""
        if event.kind == "calibration":
            self._calibrate(Calibration.from_json(event.detail))
        elif event.kind == Aim.kind:
            self._aim = Aim.from_json(event.detail)
            self._judge = Judge(_zone(self._aim))
            self._calibrate(self.calibration)
        elif event.kind in ("pause", "resume"):
            by = str(event.detail.get("by", ""))
            self._paused = self._paused | {by} if event.kind == "pause" else self._paused - {by}
            self._reps.pause()

    def _calibrate(self, calibration: Calibration | None) -> None:
        """Measure by this calibration from here on; a repetition that is going on is forgotten."""
        if calibration is not None:
            calibration.check(self._units)
        self.calibration = calibration
        self._scale = scale = Scale(calibration, self.roles, self._refused)
        self._ratio = Ratio(self.roles, scale, refused=self._refused)
        levels = [None if calibration is None else calibration.level(role) for role in self.roles]
        bases = [None if calibration is None or x is None else Basis.of(calibration, x) for x in levels]
        target, method = None, None if calibration is None else calibration.method
        if self._aim is not None:
            zone = None if self._aim.zone is None else Zone(*self._aim.zone)
            floor = None if method is None else self._aim.floor.get(method)
            target = Target(zone, floor, self._aim.target, self._aim.longest_s)
        uncertainty = Uncertainty(scale, self._bandwidths_hz, bases)
        self._reps = RepDetector(self.roles, self._ratio, scale, target, uncertainty, self._bandwidths_hz)
        self._floors = FloorWatch(scale.floor)
        flags = [
            Flag.GOOD if x is None else level_flag(x.floor, x.reference, self._units[r])
            for r, x in zip(self.roles, levels, strict=True)
        ]
        self._level_flags = np.array(flags, np.uint8)

    def score(self, instants: Instants) -> tuple[Frames, list[Rep]]:
        """Give the frames of the next instants, and the repetitions that were decided in them."""
        if not len(instants.index):
            return Frames.none(self.roles), []
        scale, columns = self._scale, self._ratio.columns
        activation = scale.activation(instants.envelope)
        ln_ratio = self._ratio.ln(activation, scale.gate)
        flags = np.maximum(instants.flags, self._level_flags)
        risen = self._floors(instants.index, instants.envelope)
        np.maximum(flags, np.uint8(Flag.FLOOR_RISEN), out=flags, where=risen)
        unknown = (flags[:, columns] >= Flag.HEAVY_LOSS) | np.isnan(activation[:, columns])
        muted = np.logical_or.reduce(unknown, axis=1)
        muted |= self._ratio.why_not is not None
        ln_ratio[muted] = np.nan
        frames = Frames(
            roles=self.roles,
            index=instants.index,
            envelope=instants.envelope,
            envelope_fast=instants.envelope_fast,
            activation=activation,
            activation_fast=scale.activation(instants.envelope_fast),
            flags=flags,
            ln_ratio=ln_ratio,
            verdict=self._judge(ln_ratio, muted),
            rep_elapsed_s=np.full(len(ln_ratio), np.nan),
        )
        if self._paused:
            return frames, []
        elapsed, reps = self._reps.feed(frames)
        return replace(frames, rep_elapsed_s=elapsed), reps


def _zone(aim: Aim | None) -> Zone:
    """Give the zone that the live verdict is against: that of even work, where none is asked for."""
    return EVEN if aim is None or aim.zone is None else Zone(*aim.zone)


class Pipeline:
    """Decodes, times, filters, calibrates and judges everything that is worn.

    Parameters
    ----------
    profiles : mapping of str to FirmwareProfile
        Profile of each sensor.
    placements : sequence of Placement
        What each channel stands for; channels without a placement are recorded and not looked at.
    aim : Aim or None
        What the exercise asks; see `Scorer`.
    calibration : Calibration or None
        The one to begin with; an event brings a new one.

    Raises
    ------
    RoleError
        If there is no role at all, one or a channel is taken twice, or a sensor does not have the channel.
    """

    def __init__(
        self,
        profiles: Mapping[str, FirmwareProfile],
        placements: Sequence[Placement],
        *,
        aim: Aim | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._grid = Grid(profiles, placements)
        self._scorer = Scorer(self._grid.signals, aim, calibration)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Columns of the frames."""
        return self._grid.roles

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in force."""
        return self._scorer.calibration

    @property
    def health(self) -> dict[str, Health]:
        """How well each sensor is heard."""
        return self._grid.health

    @property
    def why_no_ratio(self) -> str | None:
        """Why there can be no ratio by now (an id); None if there can."""
        return self._scorer.why_no_ratio

    def feed(self, items: Sequence[Item]) -> Update:
        """Take the next items of the session, in order."""
        updates = list(self.updates(items))
        return Update(
            Frames.join([Frames.none(self.roles), *(u.frames for u in updates)]),
            tuple(rep for u in updates for rep in u.reps),
            tuple(trace for u in updates for trace in u.traces),
        )

    def updates(self, items: Sequence[Item]) -> Iterator[Update]:
        """Do what `feed` does, bit by bit: so that a day without a packet does not have to fit into memory at once.

        Yields
        ------
        Update
            Of at most 60,000 frames; together what `feed` gives. All of them must be taken.
        """
        return score(self._scorer, self._grid.take(items))


def score(scorer: Scorer, heard: Iterable[Heard | Event]) -> Iterator[Update]:
    """Take what was heard, and the events between, through a scorer."""
    for each in heard:
        if isinstance(each, Event):
            scorer.happen(each)
        else:
            frames, reps = scorer.score(each.instants)
            yield Update(frames, tuple(reps), each.traces)
