"""What happens to a person with three sensors, on the real Linux Bluetooth stack.

These tests run inside the virtual machine only, all in one; `test_bluez.py` starts it. Everything there is some ten times
slower than outside: loss and order are judged, and never how long something takes.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from bumble.link import LocalLink
from numpy.typing import NDArray
from tests.bluez.adapter import adapter, switch

from gluteemg.errors import BluetoothError
from gluteemg.sensors import ble, link
from gluteemg.sensors.ble import BleSource, scan
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Item, Packet, PacketKind
from gluteemg.sensors.virtual import VirtualSensor

pytestmark = pytest.mark.anyio

NAMES = ("uMyo-GM", "uMyo-GD", "uMyo-BF")
COMMANDED = "NPG-Lite-3CH:1A:2B"
SAMPLES = 20
PATIENCE_S = 60.0
CONNECT, NOTIFY, DISCONNECT = PacketKind.CONNECT, PacketKind.NOTIFY, PacketKind.DISCONNECT

KHZ = FirmwareProfile.parse(
    f"""
schema_version = 1
id = "khz"
name = "1000 samples a second, 50 packets a second"
vendor = "none"
source = "chosen: what the program promises to carry"
layout = "generated"
hardware = "none"
match = {{ name_prefix = "uMyo-", service = "b7de0001-6a2c-4d8b-9a5e-2f0000000000" }}
stream = {{ characteristic = "b7de0002-6a2c-4d8b-9a5e-2f0000000000" }}
signal = {{ kind = "raw", channels = 1, rate_hz = 1000, unit = "counts" }}
counter = {{ counts = "samples" }}

[[packets]]
header = [{{ field = "counter", type = "u32le" }}]
record = [{{ field = "emg", type = "i16le" }}]
records = {SAMPLES}
""",
    "khz.toml",
)
_NPG = Path(__file__).parents[2] / "firmware_profiles" / "npg-lite-3ch.toml"
NPG = FirmwareProfile.parse(_NPG.read_text("utf-8"), _NPG.name)


@dataclass
class Air:
    """The sensors in reach, the first samples of the packets that each has sent, and who is silent for now."""

    sensors: dict[str, VirtualSensor] = field(default_factory=dict)
    sent: dict[str, list[int]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    def sensor(self, name: str, profile: FirmwareProfile) -> VirtualSensor:
        self.sent[name] = []

        def emg(first_index: int, n: int) -> NDArray[np.float64]:
            if name not in self.silent:
                self.sent[name].append(first_index)
            return np.zeros((n, profile.signal.channels))

        self.sensors[name] = VirtualSensor(name, profile, emg, lost=lambda _number: name in self.silent)
        return self.sensors[name]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"  # bleak knows no other


@pytest.fixture(scope="module")
async def air() -> AsyncIterator[Air]:
    air, room = Air(), LocalLink()  # type: ignore[no-untyped-call]
    async with adapter(room):
        for number, name in enumerate((*NAMES, COMMANDED)):
            sensor = air.sensor(name, NPG if name == COMMANDED else KHZ)
            await sensor.appear(room, f"F0:00:00:00:00:{number:02X}")
        yield air
        for sensor in air.sensors.values():
            await sensor.vanish()


@pytest.fixture(autouse=True)
def all_the_time_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CONNECT_S", 60.0)
    monkeypatch.setattr(link, "START_S", 60.0)
    monkeypatch.setattr(link, "CLOSE_S", 10.0)  # bluetoothd alone waits 2 s before it hangs up
    monkeypatch.setattr(ble, "_LOOK_S", 10.0)


@asynccontextmanager
async def streaming(air: Air, *names: str) -> AsyncIterator[AsyncIterator[list[Item]]]:
    source = BleSource({name: air.sensors[name].profile for name in names}, find_timeout_s=60)
    async with aclosing(source.batches()) as batches:
        yield batches


async def read(batches: AsyncIterator[list[Item]], names: Iterable[str], kind: PacketKind, count: int = 1) -> list[Packet]:
    """Read until each of `names` has sent `count` packets of that kind."""
    packets: list[Packet] = []
    missing = Counter(dict.fromkeys(names, count))
    async with asyncio.timeout(PATIENCE_S + count * SAMPLES / 1000 * 3):
        while +missing:
            batch = [item for item in await anext(batches) if isinstance(item, Packet)]
            missing.subtract(p.sensor for p in batch if p.kind is kind)
            packets += batch
    return packets


def kinds(packets: list[Packet], name: str, kind: PacketKind) -> list[Packet]:
    return [p for p in packets if p.sensor == name and p.kind is kind]


def assert_nothing_is_lost(air: Air, packets: list[Packet], name: str) -> int:
    """Every packet that the sensor sent from the first received one to the last is there, in order; give their number."""
    received: list[int] = [struct.unpack_from("<I", p.data)[0] for p in kinds(packets, name, NOTIFY)]
    assert received == list(range(received[0], received[-1] + 1, SAMPLES))
    assert received == [first for first in air.sent[name] if received[0] <= first <= received[-1]]
    return len(received)


async def test_a_scan_finds_every_sensor_with_its_profile(air: Air) -> None:
    found = await scan([KHZ, NPG], seconds=5)
    assert {f.name: f.profile for f in found} == {name: s.profile.id for name, s in air.sensors.items()}


async def test_a_sensor_connects_and_streams(air: Air) -> None:
    async with streaming(air, NAMES[0]) as batches:
        packets = await read(batches, NAMES[:1], NOTIFY, 100)
    assert len(kinds(packets, NAMES[0], CONNECT)) == 1
    assert_nothing_is_lost(air, packets, NAMES[0])


async def test_three_sensors_of_1_khz_lose_no_packet_in_30_s(air: Air, record_property: Callable[[str, object], None]) -> None:
    async with streaming(air, *NAMES) as batches:
        packets = await read(batches, NAMES, NOTIFY, 30 * 1000 // SAMPLES)
    for name in NAMES:
        record_property(name, f"{assert_nothing_is_lost(air, packets, name)} packets, none lost")
        assert not kinds(packets, name, DISCONNECT)


async def test_a_source_that_was_closed_can_be_read_again(air: Air) -> None:
    for _ in range(2):
        async with streaming(air, *NAMES[:2]) as batches:
            packets = await read(batches, NAMES[:2], NOTIFY, 20)
        for name in NAMES[:2]:
            assert len(kinds(packets, name, CONNECT)) == 1
            assert_nothing_is_lost(air, packets, name)


async def test_a_sensor_out_of_reach_comes_back_while_the_other_stays(air: Air) -> None:
    goes, stays = NAMES[:2]
    async with streaming(air, goes, stays) as batches:
        packets = await read(batches, [goes, stays], NOTIFY, 20)
        await air.sensors[goes].drop()
        packets += await read(batches, [goes], DISCONNECT)
        await air.sensors[goes].come_back()
        back = await read(batches, [goes, stays], NOTIFY, 20)
    assert kinds(packets, goes, DISCONNECT)[-1].data == b"connection lost"
    assert len(kinds(back, goes, CONNECT)) == 1
    assert_nothing_is_lost(air, back, goes)
    assert_nothing_is_lost(air, packets + back, stays)


async def test_a_sensor_that_falls_silent_is_hung_up_and_connected_again(air: Air) -> None:
    name = NAMES[0]
    async with streaming(air, name) as batches:
        await read(batches, [name], NOTIFY, 20)
        air.silent.add(name)
        packets = await read(batches, [name], DISCONNECT)
        air.silent.discard(name)
        back = await read(batches, [name], NOTIFY, 20)
    assert kinds(packets, name, DISCONNECT)[0].data.startswith(b"silent")
    assert kinds(back, name, CONNECT)
    assert_nothing_is_lost(air, back, name)


async def test_a_sensor_that_needs_commands_is_started_each_time(air: Air) -> None:
    for _ in range(2):
        async with streaming(air, COMMANDED) as batches:
            packets = await read(batches, [COMMANDED], NOTIFY, 50)
        counters = [p.data[0] for p in kinds(packets, COMMANDED, NOTIFY)]
        assert {(b - a) % 256 for a, b in pairwise(counters)} == {10}


async def test_an_adapter_that_is_switched_off_and_on_brings_every_sensor_back(air: Air) -> None:
    async with streaming(air, *NAMES) as batches:
        packets = await read(batches, NAMES, NOTIFY, 20)
        await switch(on=False)
        packets += await read(batches, NAMES, DISCONNECT)
        with pytest.raises(BluetoothError, match="switched off"):
            await scan([KHZ], seconds=1)
        await switch(on=True)
        back = await read(batches, NAMES, NOTIFY, 20)
    for name in NAMES:
        assert [p.data for p in kinds(packets, name, DISCONNECT)] == [b"connection lost"]
        assert len(kinds(back, name, CONNECT)) == 1
        assert_nothing_is_lost(air, packets, name)
        assert_nothing_is_lost(air, back, name)
