"""A simulated person who does what they are told, when they are told it.

What they will do is not known before; what they have done never changes. So their sensors are asked for samples in order, and
an effort begins later than the last sample that was given.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from anyio import current_time, sleep_until
from anyio.lowlevel import checkpoint
from numpy.typing import NDArray

from gluteemg.muscles import Role
from gluteemg.sensors.person import plateau
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import Sender, SimulatedSensor
from gluteemg.sensors.source import Event, Item, Packet, PacketKind

STEP_S, QUICK_STEP_S = 0.05, 0.2
"""Script time between two looks at what the person is told, by a clock on the wall and without one (chosen: shorter than any
reaction; as long as one, which takes a third of the computing)."""
_KEPT_S = 5.0
"""How long an effort that has ended is kept, for samples that are asked for late (chosen)."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Something done with some muscles for a while.

    Parameters
    ----------
    start_s, end_s : float
        Script time, rise and fall included.
    rise_s, fall_s : float
        How long they take.
    levels : mapping of str to float
        Activation of each muscle as a fraction of its reference.
    side : str or None
        The side that does it; both, if not given.
    """

    start_s: float
    end_s: float
    levels: Mapping[str, float]
    rise_s: float = 0.25
    fall_s: float = 0.25
    side: str | None = None


class Trainee:
    """Somebody without a script: `do` says what they do next.

    Parameters
    ----------
    seed : int
        Decides every random number of their sensors.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._efforts: list[Effort] = []
        self.latest_s = -1.0  # start of the latest effort

    def do(self, effort: Effort) -> None:
        """Add an effort; several add up."""
        self._efforts = [e for e in self._efforts if e.end_s > effort.start_s - _KEPT_S]
        self._efforts.append(effort)
        self.latest_s = effort.start_s

    def let_go(self, at_s: float) -> None:
        """End everything that goes on, from `at_s`."""
        self._efforts = [replace(e, end_s=min(e.end_s, at_s + e.fall_s)) for e in self._efforts if e.start_s < at_s]

    def activation(self, role: Role, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the true activation of a muscle as a fraction of its reference, shape (n,)."""
        total = np.zeros(len(t_s))
        for effort in self._efforts:
            level = effort.levels.get(role.muscle, 0.0) if effort.side in (None, role.side) else 0.0
            if level and len(t_s) and effort.start_s < t_s[-1] and effort.end_s > t_s[0]:
                lasts_s = effort.end_s - effort.start_s
                total += level * plateau(t_s - effort.start_s, lasts_s, effort.rise_s, effort.fall_s)
        return total

    def since_s(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the seconds since the latest effort began, shape (n,)."""
        return t_s - self.latest_s


class TraineeSource:
    """Packets of a trainee's sensors without a radio, a `STEP_S` at a time, or a `QUICK_STEP_S` without a clock.

    Parameters
    ----------
    sensors : sequence of SimulatedSensor
        All on one trainee.
    absent : mapping of str to sequence of (float, float)
        When a sensor cannot be heard: from and until, script time.
    speed : float, optional
        How many times as fast as a clock on the wall; as fast as they are taken, if not given.
    seconds : float
        When the person goes away; long after any plan, if not given.
    seed : int
        Of the radio links.
    """

    def __init__(
        self,
        sensors: Sequence[SimulatedSensor],
        *,
        absent: Mapping[str, Sequence[tuple[float, float]]] | None = None,
        speed: float | None = None,
        seconds: float = 3 * 3600.0,
        seed: int = 0,
    ) -> None:
        self._senders = {sensor.name: Sender(sensor, seed=seed) for sensor in sensors}
        self.profiles: Mapping[str, FirmwareProfile] = {sensor.name: sensor.profile for sensor in sensors}
        self._absent = {name: list((absent or {}).get(name, ())) for name in self._senders}
        self._speed, self._step_s = speed, QUICK_STEP_S if speed is None else STEP_S
        self._seconds = seconds
        self.now_s = 0.0  # script time up to which samples have been given
        self._said: list[Event] = []

    def say(self, event: Event) -> None:
        """Put what the person does with a key, or answers, between the packets."""
        self._said.append(event)

    def lose(self, name: str, seconds: float) -> None:
        """Let nothing be heard of a sensor from now on, for so long."""
        self._absent[name].append((self.now_s, self.now_s + seconds))

    async def batches(self) -> AsyncGenerator[Sequence[Item], None]:
        """Yield the packets of each step in order of arrival, and what the person said before it."""
        began = current_time()
        here = dict.fromkeys(self._senders, False)
        for step in range(1, round(self._seconds / self._step_s) + 1):
            self.now_s = t_s = step * self._step_s
            packets: list[Packet] = []
            for name, sender in self._senders.items():
                sent = sender.until(t_s)
                present = not any(gone <= t_s < back for gone, back in self._absent[name])
                if sent and present and not here[name]:
                    packets.append(Packet(name, sent[0].t_ns, b"", PacketKind.CONNECT))
                elif sent and not present and here[name]:
                    packets.append(Packet(name, sent[0].t_ns, b"out of reach", PacketKind.DISCONNECT))
                here[name] = present if sent else here[name]
                packets += sent if present else ()
            if self._speed is not None:
                await sleep_until(began + t_s / self._speed)
            await checkpoint()  # others on the loop get their turn
            said, self._said = self._said, []
            yield [*said, *sorted(packets, key=lambda packet: packet.t_ns)]
