"""The real Bluetooth client against virtual sensors: who comes, goes, is called alike, or only advertises."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError
from bleak.exc import BleakBluetoothNotAvailableReason as Reason
from tests.sensors.reading import (
    NPG,
    RATE_HZ,
    UMYO,
    decode,
    each,
    gone,
    happened,
    notified,
    numbers,
    packets_of,
    planted,
    read,
    sensor,
    source,
    story,
    told,
)
from tests.sensors.streams import profile

from gluteemg.errors import BluetoothError, DefinitionError, SensorError, SensorNotFoundError
from gluteemg.sensors import air, ble, inbox, link
from gluteemg.sensors.ble import BleSource, Found, scan
from gluteemg.sensors.source import Event, Item, Packet, PacketKind, Source
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_task_is_left_behind")]


@pytest.fixture(autouse=True)
def soon_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(air, "SETTLE_S", 0.05)  # virtual sensors advertise 50 times a second


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon: virtual sensors are there at once, or not at all."""
    monkeypatch.setattr(ble, "_LOOK_S", 0.2)
    monkeypatch.setattr(ble, "_PAUSE_S", 0.01)
    monkeypatch.setattr(ble, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(link, "CONNECT_S", 0.2)


async def test_three_sensors_stream_every_sample_in_order() -> None:
    wanted = source(sensor("uMyo-GM"), sensor("uMyo-GD"), sensor("uMyo-BF"))
    async with aclosing(wanted.batches()) as batches:
        packets = await read(batches, each(wanted.profiles, 60))
    for name in wanted.profiles:
        chunk = decode(notified(packets, name))
        assert set(np.diff(numbers(chunk)) % 1000) == {1}
        assert set(np.diff(chunk.index)) == {1}
    times = [p.t_ns for p in packets if isinstance(p, Packet)]
    assert times == sorted(times)


async def test_a_source_is_what_a_session_reads() -> None:
    wanted: Source = source(sensor("uMyo-GM"))
    assert wanted.profiles == {"uMyo-GM": UMYO}


async def test_a_sensor_says_that_it_is_connected_before_it_sends() -> None:
    wanted = source(sensor("uMyo-GM"), sensor("NPG-Lite-3CH:1A:2B", NPG))
    async with aclosing(wanted.batches()) as batches:
        packets = await read(batches, each(wanted.profiles, 5))
    for name in wanted.profiles:
        kinds = [p.kind for p in packets_of(packets, name)]
        assert kinds[0] is PacketKind.CONNECT
        assert kinds.count(PacketKind.CONNECT) == 1


async def test_a_sensor_that_needs_commands_is_started_with_its_counter_at_zero() -> None:
    wanted = source(sensor("NPG-Lite-3CH:1A:2B", NPG))
    async with aclosing(wanted.batches()) as batches:
        packets = await read(batches, each(wanted.profiles, 60))
    chunk = decode(notified(packets, "NPG-Lite-3CH:1A:2B"), NPG)
    assert notified(packets, "NPG-Lite-3CH:1A:2B")[0].data[0] == 0
    assert set(np.diff(numbers(chunk, NPG)) % 1000) == {1}
    assert chunk.emg.shape[1] == 3


async def test_lost_packets_leave_holes_of_their_length() -> None:
    wanted = source(sensor("uMyo-GM", lost=lambda packet: packet % 10 == 3))
    async with aclosing(wanted.batches()) as batches:
        packets = await read(batches, each(wanted.profiles, 40))
    chunk = decode(notified(packets, "uMyo-GM"))
    steps = np.diff(chunk.index)
    assert set(steps) == {1, 25}
    assert np.array_equal(np.diff(numbers(chunk)) % 1000, steps)


async def test_a_reader_that_is_late_gets_all_that_waits_at_once() -> None:
    wanted = source(sensor("uMyo-GM"))
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 1))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.Event().wait()
        waiting = notified(await anext(batches), "uMyo-GM")
    assert len(waiting) >= 5  # 33 on a machine with nothing else to do
    assert set(np.diff(decode(waiting).index)) == {1}


async def test_a_sensor_that_drops_comes_back_under_its_name_while_the_others_stay() -> None:
    near, far = sensor("uMyo-GM"), sensor("uMyo-BF")
    wanted = source(near, far)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        await far.drop()
        alone = await read(batches, lambda packets: len(notified(packets, "uMyo-GM")) >= 20)
        await far.come_back()
        again = await read(batches, each(wanted.profiles, 5))
    packets = alone + again
    assert story(packets) == [("uMyo-BF", "disconnect", b"connection lost"), ("uMyo-BF", "connect", b"")]
    assert set(np.diff(decode(notified(packets, "uMyo-GM")).index)) == {1}
    left = packets_of(alone, "uMyo-BF", PacketKind.DISCONNECT)[0]
    assert not notified(alone[alone.index(left) :], "uMyo-BF")


async def test_a_silent_sensor_is_given_up_and_connected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SILENCE_S", 0.1)
    silent = False
    wanted = source(sensor("uMyo-GM", lost=lambda _packet: silent))
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        silent = True
        packets = await read(batches, gone("uMyo-GM"))
        silent = False
        again = await read(batches, each(wanted.profiles, 5))
    assert story(packets + again) == [("uMyo-GM", "disconnect", b"silent for 0.1 s"), ("uMyo-GM", "connect", b"")]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a sensor to be silent soon, and try again at once."""
    monkeypatch.setattr(inbox, "SILENCE_S", 0.1)
    monkeypatch.setattr(ble, "_PAUSE_S", 0.01)
    monkeypatch.setattr(ble, "_LONGEST_PAUSE_S", 0.02)


@pytest.mark.usefixtures("impatient")
async def test_a_sensor_that_connects_but_sends_nothing_is_named() -> None:
    mute = sensor("uMyo-GM", lost=lambda _packet: True)
    async with aclosing(source(mute, find_timeout_s=0.3).batches()) as batches:
        with pytest.raises(
            SensorError,
            match=r"^uMyo-GM connects but sends no data: check that .* right mode, .* with --profile uMyo-GM=PROFILE\.$",
        ):
            await read(batches, each(["uMyo-GM"], 1))


@pytest.mark.usefixtures("impatient")
async def test_a_sensor_that_comes_back_and_sends_nothing_is_away_still() -> None:
    silent = False
    wanted = source(sensor("uMyo-GM", lost=lambda _packet: silent))
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        silent = True
        away = await read(batches, happened("unreachable"))
        silent = False
        back = await read(batches, each(wanted.profiles, 5))
    assert story(away) == [("uMyo-GM", "disconnect", b"silent for 0.1 s")]
    assert [detail["attempts"] for detail in told(away, "unreachable")] == [3]
    assert story(back) == [("uMyo-GM", "connect", b"")]


async def test_a_sensor_that_never_shows_up_is_named() -> None:
    here = sensor("uMyo-GM")
    wanted = BleSource({"uMyo-GM": UMYO, "uMyo-BF": UMYO}, radio=VirtualRadio([here]), find_timeout_s=0.1)
    async with aclosing(wanted.batches()) as batches:
        with pytest.raises(SensorNotFoundError, match=r"^uMyo-BF did not show up within 0.1 s: switch it on, .*gluteemg scan"):
            await anext(batches)


async def test_a_sensor_that_cannot_be_connected_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CONNECT_S", 0.05)
    deaf = sensor("uMyo-GM")
    deaf.answers = False
    async with aclosing(source(deaf, find_timeout_s=0.4).batches()) as batches:
        with pytest.raises(
            SensorError, match=r"^uMyo-GM is there but does not connect \(no answer in time\): switch it off and on"
        ):
            await anext(batches)


async def test_a_sensor_of_another_kind_is_told_by_the_service_that_it_shows() -> None:
    wanted = BleSource({"uMyo-GM": NPG}, radio=VirtualRadio([sensor("uMyo-GM")]), find_timeout_s=0.1)
    async with aclosing(wanted.batches()) as batches:
        with pytest.raises(
            SensorNotFoundError, match=r"^uMyo-GM is there, but it is no NPG Lite, 3 channels: .*--profile uMyo-GM="
        ):
            await anext(batches)


async def test_a_profile_without_a_stream_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"uMyo-GM cannot stream by umyo-gatt"):
        BleSource({"uMyo-GM": UMYO.model_copy(update={"stream": None})})


async def test_a_source_without_a_sensor_is_refused() -> None:
    with pytest.raises(SensorError, match=r"^There is no sensor to read: name one"):
        BleSource({})


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.08, 0.12, 0.3])
async def test_a_reader_that_is_cancelled_leaves_nothing_behind(after_s: float) -> None:
    wanted = source(sensor("uMyo-GM"), sensor("NPG-Lite-3CH:1A:2B", NPG))
    with suppress(TimeoutError):
        async with asyncio.timeout(after_s), aclosing(wanted.batches()) as batches:
            async for _ in batches:
                pass


async def test_a_source_can_be_read_again_after_it_was_closed() -> None:
    wanted = source(sensor("uMyo-GM"))
    for _ in range(2):
        async with aclosing(wanted.batches()) as batches:
            packets = await read(batches, each(wanted.profiles, 5))
        assert story(packets) == [("uMyo-GM", "connect", b"")]


async def test_two_radios_do_not_hear_each_other() -> None:
    flat = VirtualSensor("uMyo-GM", UMYO, lambda _first, n: np.zeros((n, 1)), rate_hz=RATE_HZ)
    one, two = source(sensor("uMyo-GM")), source(flat)
    async with aclosing(one.batches()) as ones, aclosing(two.batches()) as twos:
        first, second = await asyncio.gather(read(ones, each(one.profiles, 30)), read(twos, each(two.profiles, 30)))
    assert set(np.diff(numbers(decode(notified(first, "uMyo-GM")))) % 1000) == {1}
    assert set(numbers(decode(notified(second, "uMyo-GM")))) == {0}


async def test_a_scan_recognises_sensors_by_name_and_service() -> None:
    stranger = UMYO.model_copy(update={"match": NPG.match})
    radio = VirtualRadio([sensor("uMyo-GM"), sensor("NPG-Lite-3CH:1A:2B", NPG), sensor("uMyo-XX", stranger)])
    found = await scan([UMYO, NPG], seconds=0.2, radio=radio)
    assert found == [
        Found("NPG-Lite-3CH:1A:2B", "npg-lite-3ch", -50, "F0:00:00:00:00:01", "untested", "raw"),
        Found("uMyo-GM", "umyo-gatt", -50, "F0:00:00:00:00:00", "untested", "raw"),
        Found("uMyo-XX", None, -50, "F0:00:00:00:00:02"),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is how Linux speaks to Bluetooth")
async def test_a_computer_without_bluetooth_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nothing")
    with pytest.raises(
        BluetoothError, match=r"^Bluetooth does not answer on this computer \(.*\): switch it on .*gluteemg demo"
    ):
        await scan([UMYO], seconds=0)
    async with aclosing(BleSource({"uMyo-GM": UMYO}).batches()) as batches:
        with pytest.raises(BluetoothError):
            await anext(batches)


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (Reason.NO_BLUETOOTH, r"no Bluetooth adapter: plug one in"),
        (Reason.POWERED_OFF, r"^Bluetooth is switched off: switch it on"),
        (Reason.DENIED_BY_USER, r"may not use Bluetooth: allow it in the privacy settings"),
        (Reason.UNKNOWN, r"^Bluetooth does not answer on this computer \(.*\): switch it on"),
    ],
)
async def test_bluetooth_that_cannot_be_used_says_what_to_do(reason: Reason, advice: str) -> None:
    class Unavailable(BaseBleakScanner):
        def __init__(self, *_: object, **__: object) -> None:
            super().__init__(None, None)

        async def start(self) -> None:
            raise BleakBluetoothNotAvailableError("unavailable", reason)

        async def stop(self) -> None:
            raise NotImplementedError

    radio = VirtualRadio([])
    radio.scanner = Unavailable
    with pytest.raises(BluetoothError, match=advice):
        await scan([UMYO], seconds=0, radio=radio)


class Later(VirtualSensor):
    """A sensor that is switched off at first."""

    async def appear(self, *args: Any, **more: Any) -> None:
        await super().appear(*args, **more)
        await self.drop()


async def test_two_sensors_of_one_name_are_told_with_their_addresses() -> None:
    radio = VirtualRadio([sensor("MyoW1"), sensor("uMyo-GM"), sensor("MyoW1")])
    async with aclosing(BleSource({"MyoW1": UMYO}, radio=radio).batches()) as batches:
        with pytest.raises(
            SensorError,
            match=r"^Several sensors are called MyoW1: write MyoW1@(F0:[0:]*[02]) or MyoW1@(?!\1)F0:[0:]*[02], which",
        ):
            await anext(batches)


@pytest.mark.parametrize("second", ["MyoW1@F0:00:00:00:00:01", "MyoW1"])
async def test_sensors_of_one_name_are_parted_by_their_address(second: str) -> None:
    radio = VirtualRadio([sensor("MyoW1"), sensor("MyoW1", NPG.model_copy(update={"match": UMYO.match}))])
    wanted = BleSource({"MyoW1@f0:00:00:00:00:00": UMYO, second: radio.sensors[1].profile}, radio=radio)
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 10))
    assert {len(p.data) for p in notified(items, "MyoW1@f0:00:00:00:00:00")} == {52}
    assert {len(p.data) for p in notified(items, second)} == {70}


@pytest.mark.usefixtures("quick")
async def test_another_sensor_of_the_same_name_never_takes_the_place_of_one_that_left() -> None:
    mine, other = sensor("MyoW1"), Later("MyoW1", UMYO, planted(UMYO), rate_hz=RATE_HZ)
    wanted = BleSource({"MyoW1": UMYO}, radio=VirtualRadio([mine, other]))
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        await mine.drop()
        await other.come_back()
        away = await read(batches, happened("unreachable"))
        assert story(away) == [("MyoW1", "disconnect", b"connection lost")]
        await mine.come_back()
        back = await read(batches, each(wanted.profiles, 5))
    assert story(back) == [("MyoW1", "connect", b"")]


@pytest.mark.usefixtures("quick")
async def test_a_sensor_that_does_not_come_back_is_told_once_for_each_time_it_leaves() -> None:
    near, far = sensor("uMyo-GM"), sensor("uMyo-BF")
    wanted = source(near, far)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        for _ in range(2):
            await far.drop()
            items = await read(batches, happened("unreachable"))
            items += await read(batches, each(["uMyo-GM"], 50))
            assert told(items, "unreachable") == [
                {"sensor": "uMyo-BF", "attempts": 3, "reason": "uMyo-BF did not show up within 0.2 s"}
            ]
            await far.come_back()
            await read(batches, each(wanted.profiles, 5))


@pytest.mark.usefixtures("quick")
async def test_a_sensor_that_hangs_does_not_keep_another_from_coming_back() -> None:
    hangs, returns = sensor("uMyo-GM"), sensor("uMyo-BF")
    wanted = source(hangs, returns)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        await hangs.drop()
        await returns.drop()
        hangs.answers = False
        await hangs.come_back()
        items = await read(batches, happened("unreachable"))
        await returns.come_back()
        items += await read(batches, each(["uMyo-BF"], 5))
        hangs.answers = True
        items += await read(batches, each(["uMyo-GM"], 5))
    left = [("uMyo-GM", "disconnect"), ("uMyo-BF", "disconnect")]
    assert sorted(what[:2] for what in story(items)[:2]) == sorted(left)
    assert story(items)[2:] == [("uMyo-BF", "connect", b""), ("uMyo-GM", "connect", b"")]


@pytest.mark.usefixtures("quick")
async def test_bluetooth_may_be_switched_off_and_on_in_a_session() -> None:
    radio = VirtualRadio([sensor("uMyo-GM"), sensor("uMyo-BF")])
    wanted = source(*radio.sensors, radio=radio)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        await radio.switch_off()
        items = await read(batches, lambda items: happened("bluetooth")(items) and all(gone(n)(items) for n in wanted.profiles))
        await radio.switch_on()
        items += await read(batches, each(wanted.profiles, 5))
    assert told(items, "bluetooth") == [
        {"usable": False, "reason": "Bluetooth is switched off: switch it on in the settings of the system."},
        {"usable": True, "reason": ""},
    ]
    assert told(items, "unreachable") == []
    assert [what[1] for what in story(items)] == ["disconnect", "disconnect", "connect", "connect"]
    assert json.loads(json.dumps([dict(i.detail) for i in items if isinstance(i, Event)]))


async def test_bluetooth_that_is_off_at_first_ends_the_session() -> None:
    radio = VirtualRadio([sensor("uMyo-GM")])
    await radio.switch_off()
    async with aclosing(BleSource({"uMyo-GM": UMYO}, radio=radio).batches()) as batches:
        with pytest.raises(BluetoothError, match=r"^Bluetooth is switched off: switch it on"):
            await anext(batches)


async def test_bluetooth_that_goes_off_while_sensors_are_looked_for_is_to_blame() -> None:
    radio = VirtualRadio([sensor("uMyo-GM")])

    class Cut(radio.scanner):  # type: ignore[misc,name-defined]
        async def start(self) -> None:
            await super().start()
            await radio.switch_off()

        def call_detection_callbacks(self, *_: object) -> None:
            pass  # that was too soon for anything to be heard

    radio.scanner = Cut
    async with aclosing(source(*radio.sensors, radio=radio, find_timeout_s=0.2).batches()) as batches:
        with pytest.raises(BluetoothError, match=r"^Bluetooth is switched off: switch it on"):
            await read(batches, each(["uMyo-GM"], 1))


UMYO_ADV = profile("umyo-adv")


def advertising(name: str, **more: Any) -> VirtualSensor:
    return sensor(name, UMYO_ADV, rate_hz=UMYO_ADV.signal.rate_hz, **more)


def adverts(items: list[Item], name: str) -> list[Packet]:
    return packets_of(items, name, PacketKind.ADVERT)


async def test_a_sensor_that_only_advertises_is_heard_without_a_connection() -> None:
    wanted = source(advertising("uMyo-GM"), advertising("uMyo-BF"))
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 30, PacketKind.ADVERT))
    for name in wanted.profiles:
        assert story(packets_of(items, name)) == [(name, "connect", b"")]
        chunk = decode(adverts(items, name), UMYO_ADV)
        assert chunk.rejected == chunk.dropped == 0  # none came twice
        assert np.array_equal(np.diff(numbers(chunk, UMYO_ADV)) % 1000, np.diff(chunk.index))
    assert notified(items, "uMyo-GM") == []


async def test_what_was_advertised_before_and_is_listed_still_is_not_taken_again() -> None:
    radio, pile = VirtualRadio([advertising("uMyo-GM")]), {0x1234: b"from before"}
    wanted = source(*radio.sensors, radio=radio)

    class Piling(radio.scanner):  # type: ignore[misc,name-defined]  # as BlueZ does
        def call_detection_callbacks(self, device: BLEDevice, advert: AdvertisementData) -> None:
            pile.update(advert.manufacturer_data)
            super().call_detection_callbacks(device, advert._replace(manufacturer_data=dict(pile)))

    radio.scanner = Piling
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, each(wanted.profiles, 30, PacketKind.ADVERT))
    chunk = decode(adverts(items, "uMyo-GM"), UMYO_ADV)
    assert len(pile) > 20
    assert chunk.rejected == chunk.dropped == 0
    assert len({p.data for p in adverts(items, "uMyo-GM")[:30]}) == 30


async def test_a_sensor_that_only_advertises_goes_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SILENCE_S", 0.4)
    worn = advertising("uMyo-GM")
    wanted = source(worn)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5, PacketKind.ADVERT))
        await worn.drop()
        items = await read(batches, gone("uMyo-GM"))
        await worn.come_back()
        items += await read(batches, each(wanted.profiles, 5, PacketKind.ADVERT))
    assert story(items) == [("uMyo-GM", "disconnect", b"silent for 0.4 s"), ("uMyo-GM", "connect", b"")]


@pytest.mark.usefixtures("quick")
async def test_a_sensor_that_is_connected_comes_back_while_another_only_advertises() -> None:
    listened, connected = advertising("uMyo-GM"), sensor("uMyo-BF")
    wanted = source(listened, connected)
    ready = lambda items: each(["uMyo-GM"], 5, PacketKind.ADVERT)(items) and each(["uMyo-BF"], 5)(items)  # noqa: E731
    async with aclosing(wanted.batches()) as batches:
        items = await read(batches, ready)
        for _ in range(3):
            await connected.drop()
            items += await read(batches, happened("unreachable"))
            await connected.come_back()
            items += await read(batches, ready)
    assert [what[:2] for what in story(packets_of(items, "uMyo-GM"))] == [("uMyo-GM", "connect")]
    assert [what[1] for what in story(packets_of(items, "uMyo-BF"))] == ["connect", *["disconnect", "connect"] * 3]


@pytest.mark.usefixtures("quick")
async def test_a_sensor_that_only_advertises_is_heard_again_after_bluetooth_was_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SILENCE_S", 0.4)
    radio = VirtualRadio([advertising("uMyo-GM"), advertising("uMyo-BF"), sensor("uMyo-ST")])
    wanted, heard = source(*radio.sensors, radio=radio), each(["uMyo-GM", "uMyo-BF"], 5, PacketKind.ADVERT)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, lambda items: heard(items) and each(["uMyo-ST"], 5)(items))
        await radio.switch_off()
        items = await read(batches, lambda items: happened("bluetooth")(items) and all(gone(n)(items) for n in wanted.profiles))
        await radio.switch_on()
        items += await read(batches, lambda items: heard(items) and each(["uMyo-ST"], 5)(items))
    assert [detail["usable"] for detail in told(items, "bluetooth")] == [False, True]


@pytest.mark.usefixtures("quick")
async def test_bluetooth_that_goes_off_when_all_were_found_is_to_blame() -> None:
    radio = VirtualRadio([advertising("uMyo-GM"), sensor("uMyo-BF")])

    class Cut(radio.client):  # type: ignore[misc,name-defined]
        async def connect(self, *given: Any, **more: Any) -> None:
            await radio.switch_off()
            await super().connect(*given, **more)

    radio.client = Cut
    async with aclosing(source(*radio.sensors, radio=radio, find_timeout_s=0.1).batches()) as batches:
        with pytest.raises(BluetoothError, match=r"^Bluetooth is switched off: switch it on"):
            await read(batches, gone("uMyo-BF"))


async def test_a_scanner_that_went_deaf_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SILENCE_S", 0.4)
    monkeypatch.setattr(air, "SILENCE_S", 0.2)
    monkeypatch.setattr(ble, "_LOOK_S", 0.5)
    radio = VirtualRadio([advertising("uMyo-GM"), advertising("uMyo-BF")])
    wanted = source(*radio.sensors, radio=radio)
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5, PacketKind.ADVERT))
        await radio.switch_off()  # so shortly that nobody notices, except that nothing is heard any more
        await radio.switch_on()
        items = await read(batches, each(wanted.profiles, 5, PacketKind.ADVERT))
    assert told(items, "bluetooth") == []
    assert sorted(what[1] for what in story(items)) == ["connect", "connect", "disconnect", "disconnect"]


@pytest.mark.usefixtures("quick")
async def test_a_sensor_that_advertises_no_data_is_named() -> None:
    radio = VirtualRadio([advertising("uMyo-GM")])

    class Empty(radio.scanner):  # type: ignore[misc,name-defined]
        def call_detection_callbacks(self, device: BLEDevice, advert: AdvertisementData) -> None:
            super().call_detection_callbacks(device, advert._replace(manufacturer_data={}))

    radio.scanner = Empty
    async with aclosing(source(*radio.sensors, radio=radio, find_timeout_s=0.5).batches()) as batches:
        with pytest.raises(SensorError, match=r"^uMyo-GM is there but sends no data \(.*not heard within 0.2 s\): switch it"):
            await anext(batches)


@pytest.mark.parametrize(("worn", "filters"), [(advertising("uMyo-GM"), {"DuplicateData": True}), (sensor("uMyo-GM"), None)])
async def test_every_advertisement_is_asked_for_only_where_samples_come_that_way(worn: VirtualSensor, filters: object) -> None:
    radio, asked = VirtualRadio([worn]), list[object]()

    class Asked(radio.scanner):  # type: ignore[misc,name-defined]
        def __init__(self, *given: Any, bluez: BlueZScannerArgs, **more: Any) -> None:
            super().__init__(*given, **more)
            asked.append(bluez.get("filters"))

    radio.scanner = Asked
    async with aclosing(source(worn, radio=radio).batches()) as batches:
        await read(batches, each([worn.name], 5, PacketKind.NOTIFY, PacketKind.ADVERT))
    assert asked
    assert all(one == filters for one in asked)
