"""The real Bluetooth client against virtual sensors: how a sensor is started, kept awake, and asked for its battery."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing

import numpy as np
import pytest
from tests.sensors.reading import (
    NPG,
    UMYO,
    decode,
    each,
    happened,
    notified,
    numbers,
    read,
    sensor,
    source,
    story,
    told,
)
from tests.sensors.streams import profile

from gluteemg.errors import SensorError
from gluteemg.sensors import air, link
from gluteemg.sensors.ble import BleSource
from gluteemg.sensors.profile import Battery, FirmwareProfile, KeepAlive, Write
from gluteemg.sensors.source import Event
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_task_is_left_behind")]

NPG_NAME = "NPG-Lite-3CH:1A:2B"
CONTROL, DATA = "0000ff01-0000-1000-8000-00805f9b34fb", "beb5483e-36e1-4688-b7f5-ea07361b26a8"
GFORCE, GANGLION = profile("gforcepro-8bit-1000"), profile("ganglion-v3")


@pytest.fixture(autouse=True)
def soon_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(air, "SETTLE_S", 0.05)  # virtual sensors advertise 50 times a second


def npg(**changes: object) -> FirmwareProfile:
    return NPG.model_copy(update=changes)


def mistaken(there: VirtualSensor, profile: FirmwareProfile, find_timeout_s: float = 0.1) -> BleSource:
    """Take a sensor for another kind than it is."""
    return BleSource({there.name: profile}, radio=VirtualRadio([there]), find_timeout_s=find_timeout_s)


async def test_characteristics_that_take_turns_are_told_apart_by_their_number() -> None:
    myo = profile("myo-armband")
    wanted = source(sensor("Dave's Myo", myo, rate_hz=1000))
    async with aclosing(wanted.batches()) as batches:
        payloads = notified(await read(batches, each(wanted.profiles, 40)), "Dave's Myo")
    turns = [p.data[0] for p in payloads]
    assert set(np.diff(turns) % 4) == {1}
    assert {len(p.data) for p in payloads} == {17}


async def test_a_sensor_that_replies_is_started_step_by_step() -> None:
    wanted = source(sensor("gForcePro+", GFORCE))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 10))
    assert story(items) == [("gForcePro+", "connect", b"")]
    assert {len(p.data) for p in notified(items, "gForcePro+")} == {129}


async def test_a_reply_may_come_from_the_characteristic_that_streams() -> None:
    start = (Write(characteristic=CONTROL, text="START", reply="aa01", reply_from=DATA),)
    wanted = source(sensor(NPG_NAME, npg(start=start)))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 20))
    chunk = decode(notified(items, NPG_NAME), NPG)
    assert chunk.rejected == 0
    assert set(np.diff(numbers(chunk, NPG)) % 1000) == {1}


async def test_a_reply_that_never_comes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "REPLY_S", 0.05)
    start = (Write(characteristic=CONTROL, text="START", reply="aa01"),)
    mute = sensor(NPG_NAME, npg(start=(Write(characteristic=CONTROL, text="BEGIN", reply="aa01"),)))
    async with aclosing(mistaken(mute, npg(start=start)).batches()) as batches:
        with pytest.raises(SensorError, match=r"is there but does not connect \(no reply to START within 0.05 s\)"):
            await anext(batches)


async def test_a_sensor_gets_the_time_after_connecting_that_it_needs() -> None:
    slow = NPG.link.model_copy(update={"after_connect_s": 0.2})
    wanted = source(sensor(NPG_NAME, npg(link=slow, start=NPG.start[1:])))
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    async with aclosing(wanted.batches()) as batches:
        await anext(batches)
        assert loop.time() - before_s > 0.2


async def test_a_sensor_that_has_to_be_kept_awake_goes_on() -> None:
    awake = KeepAlive(every_s=0.2, write=Write(characteristic=CONTROL, text="STATUS"))
    wanted = source(sensor(NPG_NAME, npg(keep_alive=awake)))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 240))  # 0.6 s; asleep after 0.4 s
    assert set(np.diff(decode(notified(items, NPG_NAME), NPG).index)) == {1}


async def test_a_sensor_that_cannot_be_kept_awake_streams_for_as_long_as_it_does() -> None:
    profile = npg(keep_alive=KeepAlive(every_s=0.01, write=Write(characteristic=DATA, text="STATUS", response=True)))
    async with aclosing(mistaken(sensor(NPG_NAME, NPG), profile, 5).batches()) as batches:
        items = await read(batches, each([NPG_NAME], 40))  # 0.1 s
    assert story(items) == [(NPG_NAME, "connect", b"")]
    assert set(np.diff(decode(notified(items, NPG_NAME), NPG).index)) == {1}


async def test_firmware_that_fits_streams() -> None:
    wanted = source(sensor("Ganglion-1234", GANGLION, rate_hz=1000, firmware="3.0.2"))
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))


async def test_other_firmware_is_named_with_the_profile_to_take() -> None:
    older = sensor("Ganglion-1234", GANGLION, firmware="2.0.1")
    async with aclosing(source(older, find_timeout_s=60).batches()) as batches:
        with pytest.raises(
            SensorError,
            match=r"^Ganglion-1234 has firmware 2.0.1, and ganglion-v3 is for 3: .* Ganglion-1234=ganglion-v2-delta.$",
        ):
            await anext(batches)


async def test_a_sensor_of_another_kind_is_not_told_to_stop() -> None:
    older, written = sensor("Ganglion-1234", GANGLION, firmware="2.0.1"), list[bytes]()
    radio = VirtualRadio([older])

    class Heard(radio.client):  # type: ignore[misc,name-defined]
        async def write_gatt_char(self, characteristic: object, data: bytes, response: bool) -> None:
            written.append(bytes(data))
            await super().write_gatt_char(characteristic, data, response)

    radio.client = Heard
    assert GANGLION.stop
    async with aclosing(source(older, radio=radio, find_timeout_s=60).batches()) as batches:
        with pytest.raises(SensorError, match="has firmware"):
            await anext(batches)
    assert written == []


AWAKE = CONTROL.replace("ff01", "ff09")
KEPT_AWAKE = npg(keep_alive=KeepAlive(every_s=1, write=Write(characteristic=AWAKE, text="STATUS")))


@pytest.mark.parametrize(("profile", "missing"), [(NPG, DATA), (NPG, CONTROL), (KEPT_AWAKE, AWAKE)])
async def test_a_missing_characteristic_ends_the_session_with_its_name(profile: FirmwareProfile, missing: str) -> None:
    there = sensor(NPG_NAME, profile, missing=[missing])
    async with aclosing(source(there, find_timeout_s=60).batches()) as batches:
        with pytest.raises(SensorError, match=rf"^{NPG_NAME} has no characteristic {missing}, .* --profile {NPG_NAME}="):
            await anext(batches)


async def test_the_battery_is_told_at_first_and_when_it_changes() -> None:
    worn = sensor("uMyo-GM")
    wanted = source(worn)
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, happened("battery"))
        worn.battery = 79.0
        items += await read(batches, happened("battery"))
        worn.battery = 79.0
        items += await read(batches, each(wanted.profiles, 20))
    assert told(items, "battery") == [
        {"sensor": "uMyo-GM", "value": 80.0, "unit": "%"},
        {"sensor": "uMyo-GM", "value": 79.0, "unit": "%"},
    ]


async def test_a_battery_in_millivolts_is_read_as_the_profile_says() -> None:
    cell = Battery(characteristic=CONTROL.replace("ff01", "ff02"), type="u8", lsb=10.0, bias=-200.0, unit="mV")
    worn = sensor(NPG_NAME, npg(battery=cell))
    async with aclosing(source(worn).batches()) as batches:
        items = await read(batches, happened("battery"))
    assert told(items, "battery") == [{"sensor": NPG_NAME, "value": 3800.0, "unit": "mV"}]


async def test_a_sensor_that_does_not_tell_its_battery_is_silent_about_it() -> None:
    wanted = source(sensor("uMyo-GM", tells_battery=False))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 20))
    assert [i for i in items if isinstance(i, Event)] == []


@pytest.mark.parametrize("type_", ["u16le", "f32le"])
async def test_a_battery_that_cannot_be_read_does_not_disturb_the_stream(type_: str) -> None:
    wide = npg(battery=Battery(characteristic=DATA.replace("26a8", "26a9"), type=type_))
    narrow = sensor(NPG_NAME, npg(battery=Battery(characteristic=DATA.replace("26a8", "26a9"))))
    async with aclosing(mistaken(narrow, wide, 5).batches()) as batches:
        items = await read(batches, each([NPG_NAME], 20))
        narrow.battery = 50.0
        items += await read(batches, each([NPG_NAME], 20))
    assert set(np.diff(decode(notified(items, NPG_NAME), NPG).index)) == {1}
    assert told(items, "battery") == []


async def test_a_fault_of_ours_beside_the_stream_is_logged_and_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(_type: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(link, "number", faulty)
    wanted = source(sensor("uMyo-GM"))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 40))
    assert story(items) == [("uMyo-GM", "connect", b"")]
    (record,) = [r for r in caplog.records if r.name == link.__name__]
    assert record.getMessage() == "uMyo-GM: what is done beside the stream has ended"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_notifications_that_the_connection_cuts_are_told_once() -> None:
    narrow, wide = sensor("uMyo-GM", mtu=23), sensor("uMyo-BF")
    wanted = source(narrow, wide)
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 40))
    assert told(items, "short_packets") == [{"sensor": "uMyo-GM", "bytes": 20, "needs": UMYO.link.min_mtu - 3}]
    assert max(len(p.data) for p in notified(items, "uMyo-GM")) == 20


async def test_everything_that_is_told_can_be_kept_as_json() -> None:
    wanted = source(sensor("uMyo-GM", mtu=23), sensor(NPG_NAME))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, lambda items: happened("battery", 2)(items) and happened("short_packets")(items))
    for event in (i for i in items if isinstance(i, Event)):
        assert json.loads(json.dumps(event.detail)) == event.detail


async def test_what_comes_before_a_sensor_is_started_is_not_kept() -> None:
    running = sensor(NPG_NAME, npg(start=()))  # it streams to whom subscribes
    profile = npg(start=(Write(characteristic=CONTROL, text="WHORU", then_wait_s=0.5),))
    wanted, begun_ns = mistaken(running, profile, 5), time.monotonic_ns()
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each([NPG_NAME], 1))
    assert story(items) == [(NPG_NAME, "connect", b"")]
    assert notified(items, NPG_NAME)[0].t_ns - begun_ns > 0.5e9
