"""A source that gives prepared items, and simulated ones to prepare, for tests of whole sessions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence

import anyio
import anyio.lowlevel

from gluteemg.catalogue import load_advice, load_exercise, load_profile, load_protocol
from gluteemg.coaching.coach import Coach, practice_of
from gluteemg.demo import WORN
from gluteemg.muscles import Placement, Role
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import Conditions, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Item
from gluteemg.session import units_of

BRIDGE = load_exercise("bridge")
PROFILES = dict.fromkeys(WORN, load_profile("umyo-gatt"))
PLACEMENTS = [Placement(name, 0, role) for name, role in WORN.items()]


def led(protocol: str | None = None, placed: Mapping[Role, str] | None = None) -> Coach:
    """A coach for bridges as they come, after a protocol if there is one."""
    units = units_of(PROFILES, PLACEMENTS)
    return practice_of(BRIDGE, load_advice(), None if protocol is None else load_protocol(protocol), units=units, placed=placed)


class Script:
    """A source that gives prepared items a few at a time, without waiting for their time."""

    def __init__(
        self, items: Sequence[Item], *, size: int = 7, trouble: Exception | None = None, then_stay: bool = False
    ) -> None:
        self._items, self._size, self._trouble, self._then_stay = items, size, trouble, then_stay

    @property
    def profiles(self) -> Mapping[str, FirmwareProfile]:
        return PROFILES

    async def batches(self) -> AsyncGenerator[Sequence[Item], None]:
        for start in range(0, len(self._items), self._size):
            yield self._items[start : start + self._size]
            await anyio.lowlevel.checkpoint()
        if self._trouble is not None:
            raise self._trouble
        if self._then_stay:
            await anyio.sleep_forever()


def simulated(scenario: str = "hamstring-led", seconds: float = 20.0, conditions: Conditions | None = None) -> list[Item]:
    person = Person(SCENARIOS[scenario], seed=3)
    worn = [SimulatedSensor(n, PROFILES[n], [role], person, conditions=conditions or Conditions()) for n, role in WORN.items()]
    return list(simulated_packets(worn, seconds, seed=3))
