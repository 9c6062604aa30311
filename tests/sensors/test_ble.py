"""The real Bluetooth client against virtual sensors: GATT, notifications and lost links without an adapter."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path

import numpy as np
import pytest
from bleak.backends.scanner import BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError
from bleak.exc import BleakBluetoothNotAvailableReason as Reason
from numpy.typing import NDArray

from gluteemg.errors import BluetoothError, DefinitionError, SensorError, SensorNotFoundError
from gluteemg.sensors import ble
from gluteemg.sensors.ble import BleSource, Found, scan
from gluteemg.sensors.decoder import Chunk, Decoder
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Packet, PacketKind, Source
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

pytestmark = pytest.mark.anyio

PROFILES = Path(__file__).parents[2] / "firmware_profiles"
UMYO = FirmwareProfile.parse((PROFILES / "umyo-gatt.toml").read_text(), "umyo-gatt.toml")
NPG = FirmwareProfile.parse((PROFILES / "npg-lite-3ch.toml").read_text(), "npg-lite-3ch.toml")
RATE_HZ = 4000  # several times faster than the real ones, so that little time shows much


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # bleak knows no other


@pytest.fixture(autouse=True)
async def no_task_is_left_behind() -> AsyncIterator[None]:
    yield
    assert [t for t in asyncio.all_tasks() if "TestRunner" not in repr(t.get_coro())] == []


def planted(profile: FirmwareProfile) -> Callable[[int, int], NDArray[np.float64]]:
    """Write the number of each sample into its value, in every channel: loss and disorder show."""

    def emg(first_index: int, n: int) -> NDArray[np.float64]:
        number = (first_index + np.arange(n)) % 1000
        return np.repeat(number[:, None] * profile.signal.lsb, profile.signal.channels, axis=1)

    return emg


def sensor(name: str, profile: FirmwareProfile = UMYO, lost: Callable[[int], bool] | None = None) -> VirtualSensor:
    return VirtualSensor(name, profile, planted(profile), rate_hz=RATE_HZ, lost=lost)


def source(*sensors: VirtualSensor, find_timeout_s: float = 5.0) -> BleSource:
    return BleSource({s.name: s.profile for s in sensors}, radio=VirtualRadio(sensors), find_timeout_s=find_timeout_s)


async def read(packets: AsyncIterator[list[Packet]], until: Callable[[list[Packet]], bool]) -> list[Packet]:
    read: list[Packet] = []
    async with asyncio.timeout(5):
        while not until(read):
            read += await anext(packets)
    return read


def notified(packets: list[Packet], name: str) -> list[Packet]:
    return [p for p in packets if p.sensor == name and p.kind is PacketKind.NOTIFY]


def each(names: Mapping[str, FirmwareProfile], count: int) -> Callable[[list[Packet]], bool]:
    return lambda packets: all(len(notified(packets, name)) >= count for name in names)


def decode(packets: list[Packet], profile: FirmwareProfile = UMYO) -> Chunk:
    return Decoder(profile).decode([p.data for p in packets], np.array([p.t_ns for p in packets]))


def numbers(chunk: Chunk, profile: FirmwareProfile = UMYO) -> NDArray[np.int64]:
    return np.rint(chunk.emg[:, 0] / profile.signal.lsb).astype(np.int64)


async def test_three_sensors_stream_every_sample_in_order() -> None:
    wanted = source(sensor("uMyo-GM"), sensor("uMyo-GD"), sensor("uMyo-BF"))
    async with aclosing(wanted.batches()) as batches:
        packets = await read(batches, each(wanted.profiles, 60))
    for name in wanted.profiles:
        chunk = decode(notified(packets, name))
        assert set(np.diff(numbers(chunk)) % 1000) == {1}
        assert set(np.diff(chunk.index)) == {1}
    assert [p.t_ns for p in packets] == sorted(p.t_ns for p in packets)


async def test_a_source_is_what_a_session_reads() -> None:
    wanted: Source = source(sensor("uMyo-GM"))
    assert wanted.profiles == {"uMyo-GM": UMYO}


async def test_a_sensor_says_that_it_is_connected_before_it_sends() -> None:
    wanted = source(sensor("uMyo-GM"), sensor("NPG-Lite-3CH:1A:2B", NPG))
    async with aclosing(wanted.batches()) as batches:
        packets = await read(batches, each(wanted.profiles, 5))
    for name in wanted.profiles:
        kinds = [p.kind for p in packets if p.sensor == name]
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
        waiting = await anext(batches)
    assert len(waiting) >= 20
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
    story = [p for p in packets if p.kind is not PacketKind.NOTIFY]
    assert [(p.sensor, p.kind, p.data) for p in story] == [
        ("uMyo-BF", PacketKind.DISCONNECT, b"connection lost"),
        ("uMyo-BF", PacketKind.CONNECT, b""),
    ]
    assert set(np.diff(decode(notified(packets, "uMyo-GM")).index)) == {1}
    assert not notified(alone[alone.index(story[0]) :], "uMyo-BF")


async def test_a_silent_sensor_is_given_up_and_connected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ble, "SILENCE_S", 0.1)
    silent = False
    wanted = source(sensor("uMyo-GM", lost=lambda _packet: silent))
    async with aclosing(wanted.batches()) as batches:
        await read(batches, each(wanted.profiles, 5))
        silent = True
        packets = await read(batches, lambda packets: packets[-1:] != [] and packets[-1].kind is PacketKind.DISCONNECT)
        silent = False
        again = await read(batches, each(wanted.profiles, 5))
    assert packets[-1].data == b"silent for 0.1 s"
    assert again[0].kind is PacketKind.CONNECT


async def test_a_sensor_that_never_shows_up_is_named() -> None:
    here = sensor("uMyo-GM")
    wanted = BleSource({"uMyo-GM": UMYO, "uMyo-BF": UMYO}, radio=VirtualRadio([here]), find_timeout_s=0.1)
    async with aclosing(wanted.batches()) as batches:
        with pytest.raises(SensorNotFoundError, match=r"^uMyo-BF did not show up within 0.1 s: switch it on, .*gluteemg scan"):
            await anext(batches)


async def test_a_sensor_that_cannot_be_used_is_named_with_the_reason() -> None:
    other = NPG.model_copy(update={"stream": UMYO.stream})  # what it takes to start it does not exist on a uMyo
    wanted = BleSource({"uMyo-GM": other}, radio=VirtualRadio([sensor("uMyo-GM")]), find_timeout_s=0.1)
    async with aclosing(wanted.batches()) as batches:
        with pytest.raises(SensorError, match=r"^uMyo-GM is there but does not connect \(.*0000ff01.*\): switch it off and on"):
            await anext(batches)


async def test_a_profile_without_a_stream_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"uMyo-GM cannot stream by umyo-gatt"):
        BleSource({"uMyo-GM": UMYO.model_copy(update={"stream": None})})


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
        assert packets[0].kind is PacketKind.CONNECT


async def test_two_radios_do_not_hear_each_other() -> None:
    slow = VirtualSensor("uMyo-GM", UMYO, planted(UMYO), rate_hz=RATE_HZ / 2)
    one, two = source(sensor("uMyo-GM")), source(slow)
    async with aclosing(one.batches()) as ones, aclosing(two.batches()) as twos:
        first, second = await asyncio.gather(read(ones, each(one.profiles, 30)), read(twos, each(two.profiles, 30)))
    for packets, rate_hz in ((first, RATE_HZ), (second, RATE_HZ / 2)):
        own = notified(packets, "uMyo-GM")
        assert (own[29].t_ns - own[0].t_ns) / 1e9 == pytest.approx(29 * 24 / rate_hz, rel=0.3)


async def test_a_scan_recognises_sensors_by_name_and_service() -> None:
    stranger = UMYO.model_copy(update={"match": NPG.match})
    radio = VirtualRadio([sensor("uMyo-GM"), sensor("NPG-Lite-3CH:1A:2B", NPG), sensor("uMyo-XX", stranger)])
    found = await scan([UMYO, NPG], seconds=0.2, radio=radio)
    assert found == [
        Found("NPG-Lite-3CH:1A:2B", "npg-lite-3ch", -50, "F0:00:00:00:00:01"),
        Found("uMyo-GM", "umyo-gatt", -50, "F0:00:00:00:00:00"),
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
