"""The straight path: packets and events in, frames and repetitions out.

Nothing here reads a clock, a disk or a screen: the same items give the same frames, bit for bit, live and in replay, however
they are cut into calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration, Method
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.ratio import Judge, Ratio, Scale, Zone
from gluteemg.activation.repetition import Rep, RepDetector, Target
from gluteemg.activation.signal import Health, Samples, SensorSignal
from gluteemg.errors import RoleError
from gluteemg.muscles import Placement, Role, check_placements
from gluteemg.processing.quality import Flag
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Event, Item, Packet, PacketKind

PATIENCE_S = 0.150
"""How far the newest sensor may be ahead before an instant closes without the others (chosen: three connection intervals)."""
_MOST_INSTANTS = 60_000
"""Most instants that are closed at once: 10 minutes (chosen: some 20 MB of arrays, however late a sensor comes back)."""
_FAR = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Trace:
    """Filtered EMG of one muscle, for drawing and for finding bursts.

    Parameters
    ----------
    role : Role
        Muscle and side.
    t_s : ndarray of shape (n,)
        Session time.
    emg : ndarray of shape (n,)
        After the chain, in the sensor's unit.
    """

    role: Role
    t_s: NDArray[np.float64]
    emg: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Update:
    """What a run of items brought: frames that closed, repetitions that were decided, traces to draw."""

    frames: Frames
    reps: tuple[Rep, ...]
    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True)
class Aim:
    """What the exercise asks: its zone, and its floor by kind of reference."""

    zone: Zone
    floor: Mapping[Method, float]


class Pipeline:
    """Decodes, times, filters, calibrates and judges everything that is worn.

    Parameters
    ----------
    profiles : mapping of str to FirmwareProfile
        Profile of each sensor.
    placements : sequence of Placement
        What each channel stands for; channels without a placement are recorded and not looked at.
    aim : Aim or None
        What the exercise asks. Without one verdicts are against even work, R of 1.0 to 1.25, and repetitions are not judged.
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
        if not placements:
            raise RoleError("No channel sits on a muscle: give at least one its role.")
        check_placements(placements, {name: profile.signal.channels for name, profile in profiles.items()})
        self.roles = tuple(p.role for p in placements)
        self._sensors = {name: _Sensor(profile, name, placements) for name, profile in profiles.items()}
        self._ratio = Ratio(self.roles)
        self._reps = RepDetector(self.roles, self._ratio)
        self._aim = aim
        self._judge = Judge(Zone(1.0, 1.25) if aim is None else aim.zone)
        self._zero_ns: int | None = None
        self._next = 0  # grid index of the next instant
        self._paused = False
        self._calibrate(calibration)

    @property
    def calibration(self) -> Calibration | None:
        """The calibration in force."""
        return self._calibration

    @property
    def health(self) -> dict[str, Health]:
        """How well each sensor is heard."""
        return {name: sensor.signal.health for name, sensor in self._sensors.items()}

    @property
    def scorable(self) -> bool:
        """Whether every muscle of the ratio is worn and has a reference by now."""
        columns = self._ratio.columns
        return bool(columns) and bool(self._scale.has_reference[columns].all())

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
        for is_stream, run in groupby(items, key=_has_samples):
            if is_stream:
                yield from self._stream([item for item in run if isinstance(item, Packet)])
            else:
                for item in run:
                    yield from self._happen(item)

    def _happen(self, item: Item) -> Iterator[Update]:
        """Take something that is not a sample: an event, or a sensor that comes or goes."""
        if isinstance(item, Event):
            if item.kind == "calibration":
                self._calibrate(Calibration.from_json(item.detail))
            elif item.kind in ("pause", "resume"):
                self._paused = item.kind == "pause"
                self._reps.pause()
            return
        self._start_at(item.t_ns)
        sensor = self._sensors[item.sensor]
        if item.kind == PacketKind.CONNECT:
            sensor.signal.resume()
        elif item.kind == PacketKind.DISCONNECT:
            sensor.live = False
        yield from self._close({})

    def _calibrate(self, calibration: Calibration | None) -> None:
        self._calibration = calibration
        self._reps.pause()
        self._scale = Scale(calibration, self.roles)
        method = None if calibration is None else calibration.method
        self._target = None
        if self._aim is not None and method is not None:
            self._target = Target(self._aim.zone, self._aim.floor[method])

    def _start_at(self, t_ns: int) -> None:
        if self._zero_ns is None:
            self._zero_ns = t_ns

    def _stream(self, packets: Sequence[Packet]) -> Iterator[Update]:
        """Take notifications; cut where a sensor sends its first, since instants wait for it only from there on."""
        self._start_at(packets[0].t_ns)
        start = 0
        for i, packet in enumerate(packets):
            sensor = self._sensors[packet.sensor]
            if not sensor.live:
                if i > start:
                    yield from self._take(packets[start:i])
                    start = i
                sensor.live = True
        yield from self._take(packets[start:])

    def _take(self, packets: Sequence[Packet]) -> Iterator[Update]:
        """Take notifications of sensors that are all live."""
        assert self._zero_ns is not None
        reached: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        traces: list[Trace] = []
        by_sensor: dict[str, list[int]] = {}
        for position, packet in enumerate(packets):
            by_sensor.setdefault(packet.sensor, []).append(position)
        for name, positions in by_sensor.items():
            arrivals = np.array([packets[i].t_ns for i in positions], np.int64)
            sensor = self._sensors[name]
            samples, until = sensor.signal.feed([packets[i].data for i in positions], arrivals, self._zero_ns)
            sensor.pending.append(replace(samples, emg=samples.emg[:, :0]))  # frames need envelopes only
            reached[name] = (np.array(positions, np.int64), until)
            traces += [Trace(role, samples.t_s, samples.emg[:, channel]) for channel, role in sensor.roles if len(samples)]
        yield Update(Frames.none(self.roles), (), tuple(traces))
        yield from self._close(reached)

    def _close(self, reached: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Iterator[Update]:
        """Close every instant that all live sensors have passed, or that the newest is `PATIENCE_S` beyond.

        `reached` holds, for each sensor that brought packets, their positions in this run and the time reached with each.
        """
        live = [s for s in self._sensors.values() if s.live]
        passed = []
        for sensor in live:
            positions, times = reached.get(sensor.name, (np.empty(0, np.int64), np.empty(0)))
            passed.append(_Passed(np.concatenate(([-1], positions)), np.concatenate(([sensor.until_s], times))))
            sensor.until_s = float(np.fmax(sensor.until_s, times[-1])) if len(times) else sensor.until_s
        newest = max((s.until_s for s in live), default=-np.inf)
        end = int(np.floor(max(newest, -1.0) * FRAME_RATE_HZ)) + 1
        while self._next < end:
            index = np.arange(self._next, min(end, self._next + _MOST_INSTANTS))
            t_s = index / FRAME_RATE_HZ
            when = np.stack([p.when(t_s) for p in passed])
            closes = np.minimum(when.max(axis=0), np.stack([p.when(t_s + PATIENCE_S) for p in passed]).min(axis=0))
            n = int((closes < _FAR).sum())
            if n:
                self._next += n
                yield self._frames(index[:n], {s.name: w[:n] > closes[:n] for s, w in zip(live, when, strict=True)})
            if n < len(index):
                return

    def _frames(self, index: NDArray[np.int64], late: Mapping[str, NDArray[np.bool_]]) -> Update:
        """Give the frames of instants that have closed."""
        t_s = index / FRAME_RATE_HZ
        n, n_roles = len(index), len(self.roles)
        envelope, fast = np.full((n, n_roles), np.nan), np.full((n, n_roles), np.nan)
        flags = np.full((n, n_roles), np.uint8(Flag.ABSENT))
        for sensor in self._sensors.values():
            known, at = sensor.at(t_s, late.get(sensor.name))
            for channel, role in sensor.roles:
                column = self.roles.index(role)
                envelope[known, column] = at.slow[:, channel]
                fast[known, column] = at.fast[:, channel]
                flags[known, column] = at.flags[:, channel]
        scale, columns = self._scale, self._ratio.columns
        activation = scale.activation(envelope)
        works = self._ratio.works(activation, scale.gate)
        ln_ratio = np.where(works, self._ratio.ln(activation), np.nan)
        unknown = (flags[:, columns] >= Flag.HEAVY_LOSS) | np.isnan(activation[:, columns])
        muted = np.logical_or.reduce(unknown, axis=1)
        muted |= not columns
        ln_ratio[muted] = np.nan
        frames = Frames(
            roles=self.roles,
            index=index,
            envelope=envelope,
            envelope_fast=fast,
            activation=activation,
            activation_fast=scale.activation(fast),
            flags=flags,
            ln_ratio=ln_ratio,
            verdict=self._judge(ln_ratio, muted),
            rep_elapsed_s=np.full(n, np.nan),
        )
        if self._paused:
            return Update(frames, (), ())
        elapsed, reps = self._reps.feed(frames, scale.effort(fast), self._target)
        return Update(replace(frames, rep_elapsed_s=elapsed), tuple(reps), ())


class _Sensor:
    """One sensor inside the pipeline: its signal, and the samples that instants still to come may need."""

    def __init__(self, profile: FirmwareProfile, name: str, placements: Sequence[Placement]) -> None:
        self.name = name
        self.signal = SensorSignal(profile)
        self.roles = [(p.channel, p.role) for p in placements if p.sensor == name]
        self.live = False
        self.until_s = -np.inf
        nothing = Samples.none(profile.signal.channels)
        self.pending = [replace(nothing, emg=nothing.emg[:, :0])]

    def at(self, t_s: NDArray[np.float64], late: NDArray[np.bool_] | None) -> tuple[NDArray[np.bool_], Samples]:
        """Tell at which instants this sensor is known, and give its last sample at or before each of those.

        It is not known where it was late, and where its last sample is older than a filled gap.
        """
        samples = Samples.join(self.pending)
        rows = np.searchsorted(samples.t_s, t_s, side="right") - 1
        self.pending = [samples[max(0, int(rows[-1])) :]] if len(t_s) else [samples]
        known = rows >= 0
        known[known] = t_s[known] - samples.t_s[rows[known]] <= self.signal.longest_fill_s
        if late is not None:
            known &= ~late
        return known, samples[rows[known]]


def _has_samples(item: Item) -> bool:
    return isinstance(item, Packet) and item.kind in (PacketKind.NOTIFY, PacketKind.ADVERT)


@dataclass(frozen=True, slots=True)
class _Passed:
    """When one sensor passed an instant: positions of its packets in a run, and the time it had reached with each."""

    positions: NDArray[np.int64]
    times: NDArray[np.float64]

    def when(self, t_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the position of the packet that passed each instant: -1 before this run, `_FAR` not yet."""
        reached = np.fmax.accumulate(self.times)
        row = np.searchsorted(reached, t_s, side="left")
        return np.append(self.positions, _FAR)[row]
