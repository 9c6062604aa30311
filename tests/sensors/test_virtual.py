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
from typing import Any

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError
from bumble.att import ATT_PDU
from bumble.device import Connection
from bumble.gatt_client import Client
from bumble.hci import HCI_ErrorCode
from bumble.link import LocalLink
from numpy.typing import NDArray

from gluteemg.errors import DefinitionError, MissingExtraError
from gluteemg.sensors.profile import FirmwareProfile, Write
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor
from gluteemg.sensors.virtual.advertisement import Advertisement

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_task_is_left_behind")]

PROFILES = Path(__file__).parents[2] / "firmware_profiles"
UMYO = FirmwareProfile.parse((PROFILES / "umyo-gatt.toml").read_text(), "umyo-gatt.toml")
NPG = FirmwareProfile.parse((PROFILES / "npg-lite-3ch.toml").read_text(), "npg-lite-3ch.toml")
NAMES = {UMYO.id: "uMyo-GM", NPG.id: "NPG-Lite-3CH:1A:2B"}


def sensor(profile: FirmwareProfile, rate_hz: float = 4000, **more: Any) -> VirtualSensor:
    def emg(_first_index: int, n: int) -> NDArray[np.float64]:
        return np.zeros((n, profile.signal.channels))

    return VirtualSensor(NAMES[profile.id], profile, emg, rate_hz=rate_hz, **more)


def changed(profile: FirmwareProfile, toml: str) -> FirmwareProfile:
    """Give a profile with more tables."""
    return FirmwareProfile.parse(profile.toml.replace("schema_version = 1", "schema_version = 2") + toml, "changed.toml")


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
        for characteristic in profile.stream.all:
            await self.subscribe_to(client, characteristic)

    async def subscribe_to(self, client: BleakClient, characteristic: str) -> None:
        await client.start_notify(characteristic, lambda _, data: self._queue.put_nowait(bytes(data)))

    async def next(self, within_s: float = 2.0) -> bytes:
        async with asyncio.timeout(within_s):
            return await self._queue.get()

    async def silence(self, for_s: float = 0.05, *, after: int = 20) -> None:
        """Wait until nothing has come for so long, after at most so many packets that were on their way."""
        with pytest.raises(TimeoutError):  # noqa: PT012
            for _ in range(after):
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


async def test_a_link_that_dies_with_an_answer_ends_what_would_be_asked_next(monkeypatch: pytest.MonkeyPatch) -> None:
    umyo, take = sensor(UMYO), Client.on_gatt_pdu

    def take_the_last(self: Client, answer: ATT_PDU) -> None:
        take(self, answer)
        umyo.answers = False
        assert isinstance(self.bearer, Connection)
        self.bearer.emit(Connection.EVENT_DISCONNECTION, HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async with VirtualRadio([umyo]) as radio:
        device = await find(radio, umyo.name)
        monkeypatch.setattr(Client, "on_gatt_pdu", take_the_last)
        async with asyncio.timeout(2):
            with pytest.raises(BleakError):
                await BleakClient(device, backend=radio.client).connect()


async def test_a_dead_link_ends_what_waits_for_its_turn() -> None:
    umyo = sensor(UMYO)
    async with connected(umyo) as (_, client):
        umyo.answers = False
        questions = [asyncio.create_task(client.read_gatt_char(LEVEL)) for _ in range(3)]
        await asyncio.wait(questions, timeout=0.05)
        await umyo.drop()
        async with asyncio.timeout(2):
            answers = await asyncio.gather(*questions, return_exceptions=True)
    assert {type(answer) for answer in answers} == {BleakError}


async def test_a_sensor_out_of_reach_does_not_take_a_connection_and_holds_up_no_other() -> None:
    umyo, npg = sensor(UMYO), sensor(NPG)
    async with VirtualRadio([umyo, npg]) as radio:
        far, near = await find(radio, umyo.name), await find(radio, npg.name)
        await umyo.drop()
        with pytest.raises(BleakError, match="does not take the connection"):
            await BleakClient(far, backend=radio.client).connect()
        async with BleakClient(near, backend=radio.client) as client:
            assert client.is_connected


async def test_a_sensor_that_never_answers_is_given_up_in_time_and_holds_up_no_other() -> None:
    umyo, npg = sensor(UMYO), sensor(NPG)
    async with VirtualRadio([umyo, npg]) as radio:
        deaf, other = await find(radio, umyo.name), await find(radio, npg.name)
        umyo.answers = False
        hanging = asyncio.create_task(BleakClient(deaf, backend=radio.client).connect())
        async with BleakClient(other, backend=radio.client) as client:
            assert client.is_connected
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        with pytest.raises(TimeoutError):
            await BleakClient(await find(radio, umyo.name), timeout=0.05, backend=radio.client).connect()
        umyo.answers = True
        async with BleakClient(await find(radio, umyo.name), backend=radio.client) as client:
            assert client.is_connected


async def test_bluetooth_switched_off_breaks_connections_and_refuses_new_ones_until_it_is_on() -> None:
    umyo, gone, heard = sensor(UMYO), asyncio.Event(), asyncio.Event()
    async with (
        VirtualRadio([umyo]) as radio,
        BleakScanner(lambda _device, _advert: heard.set(), backend=radio.scanner) as running,
    ):
        device = await find(radio, umyo.name)
        client = BleakClient(device, lambda _: gone.set(), backend=radio.client)
        await client.connect()
        await radio.switch_off()
        assert gone.is_set()
        assert not client.is_connected
        heard.clear()
        for attempt in (client.connect, BleakScanner(backend=radio.scanner).start):
            with pytest.raises(BleakBluetoothNotAvailableError) as refused:
                await attempt()
            assert refused.value.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
        await radio.switch_on()
        await client.connect()
        await client.disconnect()
        assert (await find(radio, umyo.name)).address == device.address
        assert not heard.is_set()  # a scan that was running is over, as on Linux
        await running.stop()
        await running.start()
        async with asyncio.timeout(2):
            await heard.wait()


async def test_one_scanner_that_stops_leaves_another_running() -> None:
    heard = asyncio.Event()
    async with VirtualRadio([sensor(UMYO)]) as radio, BleakScanner(lambda _device, _advert: heard.set(), backend=radio.scanner):
        async with BleakScanner(backend=radio.scanner):
            pass
        heard.clear()
        async with asyncio.timeout(2):
            await heard.wait()


async def test_two_sensors_of_one_name_are_told_apart_by_address() -> None:
    found: dict[str, BLEDevice] = {}
    both = asyncio.Event()

    def seen(device: BLEDevice, _advert: object) -> None:
        found[device.address] = device
        if len(found) == 2:
            both.set()

    async with VirtualRadio([sensor(UMYO), sensor(UMYO)]) as radio:
        async with BleakScanner(seen, backend=radio.scanner), asyncio.timeout(2):
            await both.wait()
        assert {device.name for device in found.values()} == {"uMyo-GM"}
        for device in found.values():
            listener = Listener()
            async with BleakClient(device, backend=radio.client) as client:
                await listener.subscribe(client, UMYO)
                await listener.next()


async def test_a_notification_too_long_for_the_connection_is_cut_off() -> None:
    listener = Listener()
    async with connected(sensor(UMYO, mtu=40)) as (_, client):
        assert client.mtu_size == 40
        await listener.subscribe(client, UMYO)
        assert len(await listener.next()) == 37


async def test_a_long_packet_comes_in_fragments_that_fit() -> None:
    profile, listener = changed(UMYO, '[framing]\nkind = "fragments"\nmarker = 255\n'), Listener()
    async with connected(sensor(profile, mtu=40)) as (_, client):
        await listener.subscribe(client, UMYO)
        parts = [await listener.next() for _ in range(2)]
    assert [part[:2] for part in parts] == [b"\xff\x01", b"\xff\x00"]
    assert sum(len(part) - 2 for part in parts) == 52


async def test_a_characteristic_can_be_missing() -> None:
    assert UMYO.stream is not None
    async with connected(sensor(UMYO, missing=UMYO.stream.all)) as (_, client):
        with pytest.raises(BleakError, match="not found"):
            await Listener().subscribe(client, UMYO)


FIRMWARE = '[firmware]\ncharacteristic = "00002a28-0000-1000-8000-00805f9b34fb"\nbegins = "3"\notherwise = "older"\n'


@pytest.mark.parametrize(("given", "told"), [(None, b"3.0"), ("2.1.4", b"2.1.4")])
async def test_the_firmware_is_told_in_the_device_information(given: str | None, told: bytes) -> None:
    async with connected(sensor(changed(UMYO, FIRMWARE), firmware=given)) as (_, client):
        characteristic = client.services.get_characteristic("00002a28-0000-1000-8000-00805f9b34fb")
        assert characteristic is not None
        assert characteristic.service_uuid == "0000180a-0000-1000-8000-00805f9b34fb"
        assert await client.read_gatt_char(characteristic) == told


LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
MILLIVOLTS = f'[battery]\ncharacteristic = "{LEVEL[:-1]}0"\ntype = "u16be"\nlsb = 10\nunit = "mV"\n'


@pytest.mark.parametrize(
    ("profile", "at_first", "then", "told"),
    [(UMYO, b"\x50", 79, b"\x4f"), (changed(UMYO, MILLIVOLTS), b"\x01\x7c", 3700, b"\x01\x72")],
    ids=["standard", "own"],
)
async def test_the_battery_can_be_read_and_is_told_when_it_changes(
    profile: FirmwareProfile, at_first: bytes, then: float, told: bytes
) -> None:
    characteristic, listener = profile.battery.characteristic if profile.battery else LEVEL, Listener()
    umyo = sensor(profile)
    async with connected(umyo) as (_, client):
        assert await client.read_gatt_char(characteristic) == at_first
        await listener.subscribe_to(client, characteristic)
        umyo.battery = then
        assert umyo.battery == then
        assert await listener.next() == told


async def test_a_sensor_need_not_tell_its_battery() -> None:
    async with connected(sensor(UMYO, tells_battery=False)) as (_, client):
        assert client.services.get_characteristic(LEVEL) is None


async def test_a_sensor_that_is_not_kept_alive_falls_asleep() -> None:
    stay = f'write = {{ characteristic = "{NPG.start[0].characteristic}", text = "STAY" }}'
    profile, listener = changed(NPG, f"[keep_alive]\nevery_s = 0.1\n{stay}"), Listener()
    assert profile.keep_alive is not None
    async with connected(sensor(profile)) as (_, client):
        await listener.subscribe(client, profile)
        await write(client, *profile.start)
        begun_ns = time.monotonic_ns()
        while time.monotonic_ns() - begun_ns < 0.3e9:  # awake for longer than 2 × 0.1 s
            await listener.next()
            await write(client, profile.keep_alive.write)
        await listener.silence(after=200)
        assert time.monotonic_ns() - begun_ns > 0.5e9


async def test_a_reply_comes_from_the_characteristic_that_the_profile_names() -> None:
    reply = '[[start]]\ncharacteristic = "0000ff01-0000-1000-8000-00805f9b34fb"\ntext = "WHORU"\nreply = "4e5047"\n'
    profile, listener = changed(NPG, reply + f'reply_from = "{LEVEL[:-1]}0"\n'), Listener()
    async with connected(sensor(profile)) as (_, client):
        await listener.subscribe_to(client, f"{LEVEL[:-1]}0")
        await write(client, *profile.start)
        assert await listener.next() == b"NPG"


async def test_a_sensor_can_appear_on_any_link_and_vanish_from_it() -> None:
    link, umyo = LocalLink(), sensor(UMYO)  # type: ignore[no-untyped-call]
    await umyo.appear(link, "F0:00:00:00:00:07")
    assert len(link.controllers) == 1
    await umyo.vanish()
    assert not link.controllers
    await umyo.appear(link, "F0:00:00:00:00:07")
    await umyo.vanish()


@pytest.mark.parametrize("name", ["uMyo-GM", "NPG-Lite-3CH:1A:2B", "a name that is longer than any advertisement"])
@pytest.mark.parametrize("service", [None, LEVEL, UMYO.match and UMYO.match.service])
async def test_an_advertisement_has_31_bytes_and_the_name_goes_into_the_scan_response(name: str, service: str | None) -> None:
    data, scan_response = Advertisement(name, (service,) if service else ()).write()
    assert len(data) <= 31
    assert len(scan_response) <= 31
    assert name.encode()[:29] in data + scan_response
    umyo = UMYO.model_copy(update={"match": UMYO.match.model_copy(update={"service": service})}) if UMYO.match else UMYO
    twin = VirtualSensor(name, umyo, lambda _, n: np.zeros((n, 1)))
    async with VirtualRadio([twin]) as radio:
        device = await find(radio, name[:29])
        assert device.name == name[:29]


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


async def test_a_profile_that_is_no_bluetooth_device_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"umyo-gatt describes no Bluetooth device"):
        sensor(UMYO.model_copy(update={"match": None}))


async def test_without_bumble_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bumble.att", None)
    for name in [name for name in sys.modules if name.startswith("gluteemg.sensors.virtual")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"gluteemg\[virtual\]"):
        importlib.import_module("gluteemg.sensors.virtual")
