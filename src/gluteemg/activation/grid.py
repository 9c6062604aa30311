"""Every sensor on one time grid: packets in, instants out, before any calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise

import numpy as np
from numpy.typing import NDArray

from gluteemg.activation.frame import FRAME_RATE_HZ
from gluteemg.activation.signal import Envelopes, Health, SensorSignal
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
_SAMPLES = (PacketKind.NOTIFY, PacketKind.ADVERT)


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
class Instants:
    """A run of instants as they are heard, in the units of the sensors; NaN is "not known".

    Parameters
    ----------
    index : ndarray of shape (n,), int64
        Number on the grid: ``t_s = index / FRAME_RATE_HZ``.
    envelope, envelope_fast : ndarray of shape (n, n_roles)
        Moving RMS over 500 and 125 ms.
    flags : ndarray of shape (n, n_roles), uint8
        Values of `Flag`.
    """

    index: NDArray[np.int64]
    envelope: NDArray[np.float64]
    envelope_fast: NDArray[np.float64]
    flags: NDArray[np.uint8]

    @classmethod
    def none(cls, n_roles: int) -> Instants:
        """No instants."""
        plane = np.empty((0, n_roles))
        return cls(np.empty(0, np.int64), plane, plane, plane.astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Heard:
    """What a run of packets brought: instants that closed, traces to draw."""

    instants: Instants
    traces: tuple[Trace, ...]


class Grid:
    """Decodes, times, filters and judges everything that is worn, and brings it to common instants.

    Parameters
    ----------
    profiles : mapping of str to FirmwareProfile
        Profile of each sensor.
    placements : sequence of Placement
        What each channel stands for; channels without a placement are recorded and not looked at.

    Raises
    ------
    RoleError
        If there is no role at all, one or a channel is taken twice, or a sensor does not have the channel.

    Attributes
    ----------
    roles : tuple of Role
        Columns of the instants.
    signals : dict of Role to Signal
        What the sensor of each sends.
    """

    def __init__(self, profiles: Mapping[str, FirmwareProfile], placements: Sequence[Placement]) -> None:
        if not placements:
            raise RoleError("No channel sits on a muscle: give at least one its role.")
        check_placements(placements, {name: profile.signal.channels for name, profile in profiles.items()})
        self.signals = {p.role: profiles[p.sensor].signal for p in placements}
        self.roles = tuple(self.signals)
        self._sensors = {name: _Sensor(profile, name, placements) for name, profile in profiles.items()}
        self._zero_ns: int | None = None
        self._next = 0  # grid index of the next instant

    @property
    def health(self) -> dict[str, Health]:
        """How well each sensor is heard."""
        return {name: sensor.signal.health for name, sensor in self._sensors.items()}

    def take(self, items: Sequence[Item]) -> Iterator[Heard | Event]:
        """Take the next items of the session, in order.

        Yields
        ------
        Heard or Event
            What came of the packets, at most 60,000 instants at once; events in their place between. All must be taken.
        """
        run: list[Packet] = []
        for item in items:
            if isinstance(item, Packet) and item.kind in _SAMPLES:
                run.append(item)
                continue
            yield from self._stream(run)
            run = []
            if isinstance(item, Event):
                yield item
            else:
                yield from self._come_or_go(item)
        yield from self._stream(run)

    def _come_or_go(self, packet: Packet) -> Iterator[Heard]:
        """Take a sensor that comes or goes."""
        self._start_at(packet.t_ns)
        sensor = self._sensors[packet.sensor]
        if packet.kind == PacketKind.CONNECT:
            sensor.signal.resume()
        else:
            sensor.live = False
        yield from self._close({})

    def _start_at(self, t_ns: int) -> None:
        if self._zero_ns is None:
            self._zero_ns = t_ns

    def _stream(self, packets: Sequence[Packet]) -> Iterator[Heard]:
        """Take notifications; cut where a sensor sends its first, since instants wait for it only from there on."""
        if not packets:
            return
        self._start_at(packets[0].t_ns)
        names, t_ns, payloads, _ = zip(*packets, strict=True)
        arrivals_ns = np.array(t_ns, np.int64)
        firsts = [names.index(name) for name in {*names} if not self._sensors[name].live]
        for start, stop in pairwise(sorted({0, *firsts, len(names)})):
            self._sensors[names[start]].live = True
            yield from self._take(names[start:stop], arrivals_ns[start:stop], payloads[start:stop])

    def _take(self, names: Sequence[str], arrivals_ns: NDArray[np.int64], payloads: Sequence[bytes]) -> Iterator[Heard]:
        """Take notifications of sensors that are all live."""
        assert self._zero_ns is not None
        reached: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
        traces: list[Trace] = []
        for name in dict.fromkeys(names):
            sensor, own = self._sensors[name], [other == name for other in names]
            positions = np.flatnonzero(own)
            runs, envelopes, until = sensor.signal.feed([*compress(payloads, own)], arrivals_ns[positions], self._zero_ns)
            sensor.pending.append(envelopes)
            reached[name] = (positions, until)
            traces += [Trace(role, run.t_s, run.emg[:, channel]) for run in runs for channel, role in sensor.roles]
        yield Heard(Instants.none(len(self.roles)), tuple(traces))
        yield from self._close(reached)

    def _close(self, reached: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Iterator[Heard]:
        """Close every instant that all live sensors have passed, or that the newest is `PATIENCE_S` beyond.

        `reached` holds, for each sensor that brought packets, their positions in this run and the time reached with each.
        """
        live = [s for s in self._sensors.values() if s.live]
        passed = []
        for sensor in live:
            positions, times = reached.get(sensor.name, (np.empty(0, np.int64), np.empty(0)))
            times = np.fmax.accumulate(np.concatenate(([sensor.until_s], times)))
            passed.append(_Passed(np.concatenate(([-1], positions, [_FAR])), times))
            sensor.until_s = float(times[-1])
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
                late = {s.name: w[:n] > closes[:n] for s, w in zip(live, when, strict=True)}
                yield Heard(self._instants(index[:n], late), ())
            if n < len(index):
                return

    def _instants(self, index: NDArray[np.int64], late: Mapping[str, NDArray[np.bool_]]) -> Instants:
        """Put the sensors side by side at instants that have closed."""
        t_s = index / FRAME_RATE_HZ
        n, n_roles = len(index), len(self.roles)
        envelope, fast = np.full((n, n_roles), np.nan), np.full((n, n_roles), np.nan)
        flags = np.full((n, n_roles), np.uint8(Flag.ABSENT))
        for sensor in self._sensors.values():
            known, rows, heard = sensor.at(t_s, late.get(sensor.name))
            for channel, role in sensor.roles:
                column = self.roles.index(role)  # column by column: four times as fast as by rows and columns at once
                envelope[:, column][known] = heard.slow[:, channel][rows]
                fast[:, column][known] = heard.fast[:, channel][rows]
                flags[:, column][known] = heard.flags[:, channel][rows]
        return Instants(index, envelope, fast, flags)


class _Sensor:
    """One sensor inside the pipeline: its signal, and the envelopes that instants still to come may need."""

    def __init__(self, profile: FirmwareProfile, name: str, placements: Sequence[Placement]) -> None:
        self.name = name
        self.roles = [(p.channel, p.role) for p in placements if p.sensor == name]
        self.signal = SensorSignal(profile, {channel: role.muscle for channel, role in self.roles})
        self.live = False
        self.until_s = -np.inf
        self.pending = [Envelopes.none(profile.signal.channels)]

    def at(
        self, t_s: NDArray[np.float64], late: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], Envelopes]:
        """Tell at which instants this sensor is known, and the row of its last envelope at or before each of those.

        It is not known where it was late, and where what is last known is older than a filled gap.
        """
        envelopes = Envelopes.join(self.pending)
        rows = np.searchsorted(envelopes.t_s, t_s, side="right") - 1
        self.pending = [envelopes[max(0, int(rows[-1])) :]] if len(t_s) else [envelopes]
        known = rows >= 0
        known[known] = t_s[known] - envelopes.t_s[rows[known]] <= self.signal.longest_fill_s
        if late is not None:
            known &= ~late
        return known, rows[known], envelopes


@dataclass(frozen=True, slots=True)
class _Passed:
    """When one sensor passed an instant: positions of its packets in a run, then `_FAR`; the time it had reached with each."""

    positions: NDArray[np.int64]
    times: NDArray[np.float64]

    def when(self, t_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give the position of the packet that passed each instant: -1 before this run, `_FAR` not yet."""
        return self.positions[np.searchsorted(self.times, t_s, side="left")]
