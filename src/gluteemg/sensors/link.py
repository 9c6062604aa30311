"""One connection to one sensor, from its beginning to its end, as the profile asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice

from gluteemg.errors import SensorError
from gluteemg.sensors.air import TROUBLE, said
from gluteemg.sensors.inbox import Voice
from gluteemg.sensors.number import number
from gluteemg.sensors.profile import Battery, FirmwareProfile, KeepAlive, Write
from gluteemg.sensors.source import PacketKind

if TYPE_CHECKING:
    from gluteemg.sensors.virtual import VirtualRadio

_log = logging.getLogger(__name__)

CONNECT_S = 10.0
"""For connecting (chosen: BlueZ needs up to about so long for a sensor at the edge of its reach); others wait meanwhile."""
START_S = 10.0
"""For subscribing and starting, without the pauses that the profile asks for (chosen: far longer than it takes)."""
REPLY_S = 2.0
"""For a sensor to reply to a command (chosen: far longer than any interval)."""
CLOSE_S = 5.0
"""For each of stopping a sensor and hanging up (chosen: bluetoothd waits 2 s before it hangs up, 2.1 to 2.3 s were measured; a
dead link must not hold up the end for long)."""
_ENOUGH = 10
"""Notifications after which the longest one is known (chosen: sensors that send several kinds take turns faster)."""
_ATT_HEADER = 3
"""Bytes of a notification that are no payload (Bluetooth Core 5.4, Vol 3, Part F, 3.4.7.1)."""
_BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
"""The standard characteristic, a byte in percent (Bluetooth Battery Service 1.1, 3.1)."""


class Link:
    """A connection: `connect`, `start`, in the end `close`, whatever came of the two.

    Parameters
    ----------
    profile : FirmwareProfile
        What to do with this kind of sensor.
    voice : Voice
        Where its payloads go; learns of a lost connection.
    device : BLEDevice
        Whom to connect, just seen.
    radio : VirtualRadio or None
        Where it is; the operating system's Bluetooth if None.
    """

    def __init__(self, profile: FirmwareProfile, voice: Voice, device: BLEDevice, radio: VirtualRadio | None) -> None:
        assert profile.stream is not None
        self._profile, self._voice = profile, voice
        self._client = BleakClient(device, lambda _: voice.hang_up(), backend=radio.client if radio else None)
        streams = profile.stream.all
        self._prefix = {uuid: bytes([i]) if len(streams) > 1 else b"" for i, uuid in enumerate(streams)}
        steps = (*profile.start, *profile.stop, *([profile.keep_alive.write] if profile.keep_alive else ()))
        replying = (step.reply_from or step.characteristic for step in steps if step.reply)
        self._subscribed = tuple(dict.fromkeys((*streams, *replying)))
        self._awaited: tuple[str, bytes, asyncio.Event] | None = None
        self._stop: tuple[Write, ...] = ()  # what to write in the end: nothing to a sensor that was not begun with
        self._chores: list[asyncio.Task[None]] = []
        self._notified = self._longest = 0
        self._battery: float | None = None

    async def connect(self) -> None:
        """Connect, and learn what the sensor offers."""
        async with asyncio.timeout(CONNECT_S):
            await self._client.connect()

    async def start(self) -> None:
        """Subscribe, then start: a sensor that is started first loses its first packets.

        Raises
        ------
        SensorError
            If the sensor is of another kind than the profile says, or has other firmware.
        """
        profile, wait_s = self._profile, self._profile.link.after_connect_s
        async with asyncio.timeout(START_S + wait_s + _pauses_s(profile.start)):
            await asyncio.sleep(wait_s)
            await self._check()
            self._stop = profile.stop
            for uuid in self._subscribed:
                await self._client.start_notify(uuid, self._on_notification)
            await self._write(profile.start)
        self._voice.begin()
        chores = [self._follow_battery()]
        if profile.keep_alive is not None:
            chores.append(self._keep_alive(profile.keep_alive))
        self._chores = [asyncio.create_task(chore, name=f"gluteemg {self._voice.sensor} aside") for chore in chores]
        for chore in self._chores:
            chore.add_done_callback(self._tell_fault)

    async def close(self) -> None:
        """Stop the sensor and hang up. A link that is dead already is no reason to raise."""
        for chore in self._chores:
            chore.cancel()
        if self._chores:
            await asyncio.wait(self._chores)
        try:
            async with asyncio.timeout(CLOSE_S + _pauses_s(self._stop)):
                if self._client.is_connected:
                    await self._write(self._stop)
        except TROUBLE as trouble:
            _log.debug("%s was not stopped: %s", self._voice.sensor, said(trouble))
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._client.disconnect()
        except TROUBLE as trouble:
            _log.debug("%s was not disconnected: %s", self._voice.sensor, said(trouble))

    def _tell_fault(self, chore: asyncio.Task[None]) -> None:
        """Log what no chore should end by: it is a fault of ours, and no reason to stop the stream."""
        if not chore.cancelled() and (fault := chore.exception()) is not None:
            _log.error("%s: what is done beside the stream has ended", self._voice.sensor, exc_info=fault)

    async def _check(self) -> None:
        """Make sure that this is the sensor that the profile speaks of."""
        name, profile, firmware = self._voice.sensor, self._profile, self._profile.firmware
        needed = [*self._subscribed, *(step.characteristic for step in profile.start)]
        needed += [profile.keep_alive.write.characteristic] if profile.keep_alive else []
        needed += [firmware.characteristic] if firmware else []
        for uuid in needed:
            if self._client.services.get_characteristic(uuid) is None:
                raise SensorError(
                    f"{name} has no characteristic {uuid}, which {profile.id} needs: it is another sensor, or has other "
                    f"firmware. Name the profile that fits with --profile {name}=PROFILE, or update the sensor."
                )
        if firmware is not None:
            data = await self._client.read_gatt_char(firmware.characteristic)
            found = bytes(data).decode("utf-8", "replace").strip("\0 ")
            if not found.startswith(firmware.begins):
                raise SensorError(
                    f"{name} has firmware {found or 'without a number'}, and {profile.id} is for {firmware.begins}: "
                    f"name the other profile with --profile {name}={firmware.otherwise}."
                )

    async def _write(self, steps: Iterable[Write]) -> None:
        """Write one after the other; wait for replies, and as long as asked."""
        for step in steps:
            replied = asyncio.Event()
            if step.reply is not None:
                self._awaited = step.reply_from or step.characteristic, bytes.fromhex(step.reply), replied
            await self._client.write_gatt_char(step.characteristic, step.payload, step.response)
            if step.reply is not None:
                try:
                    async with asyncio.timeout(REPLY_S):
                        await replied.wait()
                except TimeoutError:
                    raise TimeoutError(f"no reply to {step.text or step.hex} within {REPLY_S:g} s") from None
            await asyncio.sleep(step.then_wait_s)

    async def _keep_alive(self, keep_alive: KeepAlive) -> None:
        """Write again and again. Where that does not succeed, the sensor will fall silent by itself, or not."""
        while True:
            await asyncio.sleep(keep_alive.every_s)
            try:
                await self._write([keep_alive.write])
            except TROUBLE as trouble:
                _log.debug("%s was not kept awake: %s", self._voice.sensor, said(trouble))

    async def _follow_battery(self) -> None:
        """Tell the charge where the sensor tells it: by the profile, or in the standard way. Trouble here ends nothing."""
        battery = self._profile.battery or Battery(characteristic=_BATTERY_LEVEL)
        try:
            characteristic = self._client.services.get_characteristic(battery.characteristic)
            if characteristic is None:
                return
            if {"notify", "indicate"} & set(characteristic.properties) and characteristic.uuid not in self._subscribed:
                await self._client.start_notify(characteristic, lambda _, data: self._tell_battery(battery, data))
            if "read" in characteristic.properties:
                self._tell_battery(battery, await self._client.read_gatt_char(characteristic))
        except TROUBLE as trouble:
            _log.debug("%s does not tell its battery: %s", self._voice.sensor, said(trouble))

    def _tell_battery(self, battery: Battery, data: bytearray) -> None:
        kind = number(battery.type)
        dtype, items = kind.stored(1)
        if len(data) < items * dtype.itemsize:
            _log.debug("%s tells its battery in %d bytes", self._voice.sensor, len(data))
            return
        (count,) = kind.read(np.frombuffer(data, dtype, items), 1).tolist()
        value = round((count - battery.bias) * battery.lsb, 3)
        if np.isfinite(value) and value != self._battery:
            self._battery = value
            self._voice.tell("battery", value=value, unit=battery.unit)

    def _on_notification(self, characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        if self._awaited is not None and characteristic.uuid == self._awaited[0] and data.startswith(self._awaited[1]):
            self._awaited[2].set()
        # What comes before the start sequence is done was started by somebody else: its counter means nothing.
        prefix = self._prefix.get(characteristic.uuid)
        if prefix is not None and self._voice.live:
            self._voice.say(prefix + data, PacketKind.NOTIFY)
            if self._notified < _ENOUGH:
                self._measure(len(data), characteristic.max_write_without_response_size)

    def _measure(self, length: int, room: int) -> None:
        """Tell when notifications are cut: the longest fills the connection to the last byte, and the profile needs more.

        The size that was agreed upon alone tells nothing: not every system knows it.
        """
        needs = self._profile.link.min_mtu - _ATT_HEADER
        self._notified += 1
        self._longest = max(self._longest, length)
        if self._notified == _ENOUGH and self._longest == room < needs:
            self._voice.tell("short_packets", bytes=self._longest, needs=needs)


def _pauses_s(steps: Iterable[Write]) -> float:
    return sum(step.then_wait_s for step in steps)
