"""What the tests of sensors on the virtual radio share: sensors with known samples, and how to read a source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.sensors.streams import profile

from gluteemg.sensors.ble import BleSource
from gluteemg.sensors.decoder import Chunk, Decoder
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Event, Item, Packet, PacketKind
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

RATE_HZ = 4000  # several times faster than the real ones, so that little time shows much


UMYO, NPG = profile("umyo-gatt"), profile("npg-lite-3ch")


def planted(profile: FirmwareProfile) -> Callable[[int, int], NDArray[np.float64]]:
    """Write the number of each sample into its value, in every channel: loss and disorder show."""

    def emg(first_index: int, n: int) -> NDArray[np.float64]:
        number = (first_index + np.arange(n)) % 1000
        return np.repeat(number[:, None] * profile.signal.lsb, profile.signal.channels, axis=1)

    return emg


def sensor(name: str, profile: FirmwareProfile = UMYO, *, rate_hz: float = RATE_HZ, **more: Any) -> VirtualSensor:
    return VirtualSensor(name, profile, planted(profile), rate_hz=rate_hz, **more)


def source(*sensors: VirtualSensor, radio: VirtualRadio | None = None, find_timeout_s: float = 5.0) -> BleSource:
    wanted = {s.name: s.profile for s in sensors}
    return BleSource(wanted, radio=radio or VirtualRadio(sensors), find_timeout_s=find_timeout_s)


async def read(items: AsyncIterator[list[Item]], until: Callable[[list[Item]], bool]) -> list[Item]:
    read: list[Item] = []
    async with asyncio.timeout(5):
        while not until(read):
            read += await anext(items)
    return read


def packets_of(items: Iterable[Item], name: str, *kinds: PacketKind) -> list[Packet]:
    return [i for i in items if isinstance(i, Packet) and i.sensor == name and (not kinds or i.kind in kinds)]


def notified(items: Iterable[Item], name: str) -> list[Packet]:
    return packets_of(items, name, PacketKind.NOTIFY)


def each(names: Iterable[str], count: int, *kinds: PacketKind) -> Callable[[list[Item]], bool]:
    """Until every sensor has sent so many payloads."""
    return lambda items: all(len(packets_of(items, n, *(kinds or (PacketKind.NOTIFY,)))) >= count for n in names)


def gone(name: str) -> Callable[[list[Item]], bool]:
    """Until the sensor is gone."""
    return lambda items: bool(packets_of(items, name, PacketKind.DISCONNECT))


def story(items: Iterable[Item]) -> list[tuple[str, str, bytes]]:
    """Tell who came and went, and why."""
    going = (PacketKind.CONNECT, PacketKind.DISCONNECT)
    return [(i.sensor, i.kind.value, i.data) for i in items if isinstance(i, Packet) and i.kind in going]


def told(items: Iterable[Item], kind: str) -> list[dict[str, Any]]:
    """Give what the events of one kind say."""
    return [dict(i.detail) for i in items if isinstance(i, Event) and i.kind == kind]


def happened(kind: str, times: int = 1) -> Callable[[list[Item]], bool]:
    """Until there were so many events of one kind."""
    return lambda items: len(told(items, kind)) >= times


def decode(packets: Sequence[Packet], profile: FirmwareProfile = UMYO) -> Chunk:
    return Decoder(profile).decode([p.data for p in packets], np.array([p.t_ns for p in packets]))


def numbers(chunk: Chunk, profile: FirmwareProfile = UMYO) -> NDArray[np.int64]:
    return np.rint(chunk.emg[:, 0] / profile.signal.lsb).astype(np.int64)
