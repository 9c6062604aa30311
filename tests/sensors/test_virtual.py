"""Virtual sensors, read by bleak's own client as anybody would."""

from __future__ import annotations

import asyncio
import importlib
import struct
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError
from numpy.typing import NDArray

from gluteemg.errors import DefinitionError, MissingExtraError
from gluteemg.sensors.profile import FirmwareProfile, Write
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

pytestmark = pytest.mark.anyio

PROFILES = Path(__file__).parents[2] / "firmware_profiles"
UMYO = FirmwareProfile.parse((PROFILES / "umyo-gatt.toml").read_text(), "umyo-gatt.toml")
NPG = FirmwareProfile.parse((PROFILES / "npg-lite-3ch.toml").read_text(), "npg-lite-3ch.toml")
NAMES = {UMYO.id: "uMyo-GM", NPG.id: "NPG-Lite-3CH:1A:2B"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sensor(profile: FirmwareProfile, rate_hz: float = 4000) -> VirtualSensor:
    def emg(_first_index: int, n: int) -> NDArray[np.float64]:
        return np.zeros((n, profile.signal.channels))

    return VirtualSensor(NAMES[profile.id], profile, emg, rate_hz=rate_hz)


async def find(radio: VirtualRadio, name: str) -> BLEDevice:
    device = await BleakScanner.find_device_by_name(name, 2.0, backend=radio.scanner)
    assert device is not None
    return device


@asynccontextmanager
async def connected(one: VirtualSensor) -> AsyncIterator[tuple[VirtualRadio, BleakClient]]:
    async with VirtualRadio([one]) as radio, BleakClient(await find(radio, one.name), backend=radio.client) as client:
        yield radio, client


class Listener:
    """Keeps what a sensor notifies."""

    def __init__(self) -> None:
        self._queue = asyncio.Queue[bytes]()

    async def subscribe(self, client: BleakClient, profile: FirmwareProfile) -> None:
        assert profile.stream is not None
        await client.start_notify(profile.stream.characteristic, lambda _, data: self._queue.put_nowait(bytes(data)))

    async def next(self, within_s: float = 2.0) -> bytes:
        async with asyncio.timeout(within_s):
            return await self._queue.get()

    async def silence(self, for_s: float = 0.05) -> None:
        """Wait until nothing has come for so long, after at most 20 packets that were on their way."""
        with pytest.raises(TimeoutError):  # noqa: PT012
            for _ in range(20):
                await self.next(for_s)


async def write(client: BleakClient, *steps: Write) -> None:
    for step in steps:
        await client.write_gatt_char(step.characteristic, step.payload, step.response)


def counter(payload: bytes) -> int:
    return int(struct.unpack_from("<I", payload)[0])


async def test_the_mtu_is_large_enough_for_every_device() -> None:
    async with connected(sensor(UMYO)) as (_, client):
        assert client.mtu_size >= 247
        assert client.name == "uMyo-GM"


async def test_a_packet_is_sent_when_its_last_sample_was_taken_and_delays_do_not_add_up() -> None:
    rate_hz, late_s, listener = 2400.0, [], Listener()
    async with connected(sensor(UMYO, rate_hz)) as (radio, client):
        await listener.subscribe(client, UMYO)
        for _ in range(40):
            taken_s = (counter(await listener.next()) + 24) / rate_hz
            late_s.append((time.monotonic_ns() - radio.zero_ns) / 1e9 - taken_s)
    assert min(late_s) > -0.001
    assert min(late_s[-20:]) < 0.01


async def test_a_sensor_that_is_started_by_a_command_is_silent_before_and_after() -> None:
    listener = Listener()
    async with connected(sensor(NPG)) as (_, client):
        await listener.subscribe(client, NPG)
        await write(client, NPG.start[-1])  # only half of the sequence
        with pytest.raises(TimeoutError):
            await listener.next(within_s=0.05)
        await write(client, *NPG.start)
        assert (await listener.next())[0] == 0
        await write(client, *NPG.stop)
        await listener.silence()


async def test_the_counter_goes_on_over_a_lost_link_and_starts_anew_when_switched_on() -> None:
    umyo, counters = sensor(UMYO), []
    async with VirtualRadio([umyo]) as radio:
        for leave in (umyo.drop, umyo.switch_off, umyo.drop):
            gone, listener = asyncio.Event(), Listener()

            def on_gone(_: BleakClient, gone: asyncio.Event = gone) -> None:
                gone.set()

            client = BleakClient(await find(radio, "uMyo-GM"), on_gone, backend=radio.client)
            await client.connect()
            await listener.subscribe(client, UMYO)
            counters.append([counter(await listener.next()) for _ in range(30)])
            await leave()
            await gone.wait()
            assert not client.is_connected
            await umyo.come_back()
    assert counters[1][0] > counters[0][-1]
    assert counters[2][0] < counters[1][-1]


async def test_a_dead_link_ends_what_waits_for_an_answer() -> None:
    async def keep_writing(client: BleakClient) -> None:
        async with asyncio.timeout(2):
            while True:
                await write(client, *NPG.start)

    npg = sensor(NPG)
    async with connected(npg) as (_, client):
        leaving = asyncio.create_task(npg.drop())
        with pytest.raises(BleakError):
            await keep_writing(client)
        await leaving


async def test_a_sensor_out_of_reach_does_not_take_a_connection_and_holds_up_no_other() -> None:
    umyo, npg = sensor(UMYO), sensor(NPG)
    async with VirtualRadio([umyo, npg]) as radio:
        far, near = await find(radio, umyo.name), await find(radio, npg.name)
        await umyo.drop()
        with pytest.raises(BleakError, match="does not take the connection"):
            await BleakClient(far, backend=radio.client).connect()
        async with BleakClient(near, backend=radio.client) as client:
            assert client.is_connected


async def test_a_fault_in_the_signal_shows_when_the_radio_is_left() -> None:
    def faulty(_first_index: int, _n: int) -> NDArray[np.float64]:
        raise ZeroDivisionError

    async def listen() -> None:
        listener = Listener()
        async with connected(VirtualSensor("uMyo-GM", UMYO, faulty, rate_hz=4000)) as (_, client):
            await listener.subscribe(client, UMYO)
            await listener.silence()

    with pytest.raises(ZeroDivisionError):
        await listen()


def test_a_profile_that_is_no_bluetooth_device_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"umyo-gatt describes no Bluetooth device"):
        sensor(UMYO.model_copy(update={"match": None}))


def test_without_bumble_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bumble.att", None)
    monkeypatch.delitem(sys.modules, "gluteemg.sensors.virtual")
    with pytest.raises(MissingExtraError, match=r"gluteemg\[virtual\]"):
        importlib.import_module("gluteemg.sensors.virtual")
