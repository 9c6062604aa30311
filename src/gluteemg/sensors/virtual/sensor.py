"""A sensor made of software, as its profile describes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from bumble.att import AttributeValue
from bumble.device import AdvertisingEventProperties, AdvertisingParameters, Connection, Device
from bumble.hci import Address, HCI_ErrorCode
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink
from numpy.typing import NDArray

from gluteemg.errors import DefinitionError
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.framing import payloads_of
from gluteemg.sensors.number import number
from gluteemg.sensors.profile import Battery, FirmwareProfile
from gluteemg.sensors.rounds import Rounds
from gluteemg.sensors.virtual.advertisement import Advertisement
from gluteemg.sensors.virtual.controller import SensorController
from gluteemg.sensors.virtual.table import BATTERY_LEVEL, Table

_ADVERTISING_INTERVAL_MS = 20.0
"""Between two advertisements (chosen: the shortest that the standard allows, so that a sensor is found at once)."""
_PACKET_S = 0.02
"""Length of a packet whose profile leaves it open (chosen: 50 packets a second)."""
_STANDARD_BATTERY = Battery(characteristic=BATTERY_LEVEL)
_CHARGE = {"%": 80.0, "mV": 3800.0}
"""What a battery has at first (chosen: a lithium cell at about 80 %)."""


class VirtualSensor:
    """A sensor made of software, as its profile describes it.

    Its converter runs from the moment it appears, at its true rate and for ever: a packet is sent when its last sample has
    been taken, and what is taken while nobody listens is gone. The sample counter starts when the sensor is switched on; a
    sensor that is started by a command counts from that command.

    Parameters
    ----------
    name : str
        The name that it advertises.
    profile : FirmwareProfile
        The device to imitate.
    emg : callable
        ``emg(first_index, n)`` gives samples of shape (n, n_channels) in the profile's unit, counted from the moment the
        sensor appears. Called in order; what is never sent may be left out.
    rate_hz : float, optional
        True rate; the profile's nominal one if not given.
    lost : callable, optional
        ``lost(packet_number)`` tells whether the air swallows a packet, counted as the samples are; the counter goes on.
    mtu : int
        The largest ATT MTU that it agrees to; a longer notification is cut off.
    firmware : str, optional
        What it answers when asked for its firmware, if the profile asks; what the profile wants to hear if not given.
    tells_battery : bool
        Whether it has a characteristic for its battery: the profile's, or the standard one.
    missing : collection of str
        Characteristics that it has not, though the profile says so.

    Attributes
    ----------
    answers : bool
        Set it to False for a sensor that takes connections and then answers nothing, as long as it is so.

    Raises
    ------
    DefinitionError
        If the profile does not describe a Bluetooth device.
    """

    def __init__(
        self,
        name: str,
        profile: FirmwareProfile,
        emg: Callable[[int, int], NDArray[np.float64]],
        *,
        rate_hz: float | None = None,
        lost: Callable[[int], bool] | None = None,
        mtu: int = 247,
        firmware: str | None = None,
        tells_battery: bool = True,
        missing: Collection[str] = (),
    ) -> None:
        if profile.match is None or profile.stream is None:
            raise DefinitionError(f"{profile.id} describes no Bluetooth device: give it [match] and [stream].")
        self.name = name
        self.profile = profile
        self.rate_hz = rate_hz or profile.signal.rate_hz
        self.answers = True
        self._emg, self._lost = emg, lost or (lambda _number: False)
        self._mtu, self._missing = mtu, missing
        self._firmware = firmware or (profile.firmware.begins + ".0" if profile.firmware else "")
        self._encoder = Encoder(profile)
        self._rounds = Rounds(self._encoder.sizes(max(1, round(_PACKET_S * self.rate_hz))))
        self._streams = profile.stream.all  # none: it streams by advertising
        self._services = (profile.match.service,) if profile.match.service else ()
        self._start = [(w.characteristic, w.payload) for w in profile.start]
        self._stop = [(w.characteristic, w.payload) for w in profile.stop]
        self._replies = {(w.characteristic, w.payload): w for w in (*profile.start, *profile.stop) if w.reply is not None}
        self._written: list[tuple[str, bytes]] = []
        self._cell = (profile.battery or _STANDARD_BATTERY) if tells_battery and self._streams else None
        self._charge = _CHARGE[self._cell.unit] if self._cell else 0.0
        self._origin: int | None = None  # sample that the counter calls 0; none while switched off
        self._here = False
        self._device: Device | None = None
        self._tasks = set[asyncio.Task[None]]()
        self._sending: asyncio.Task[None] | None = None

    @property
    def battery(self) -> float:
        """What the battery has left, in the unit of the profile (% or mV); who subscribed is told of a change."""
        return self._charge

    @battery.setter
    def battery(self, charge: float) -> None:
        self._charge = charge
        if self._device is not None and self._cell is not None:
            self._run(self._tell(self._cell.characteristic, self._battery_level()), "battery")

    async def drop(self) -> None:
        """Go out of reach: the link times out and nothing is advertised until `come_back`; the counter goes on."""
        await self._leave(HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    async def switch_off(self) -> None:
        """Be switched off: hang up and advertise nothing until `come_back`, which starts the counter anew."""
        await self._leave(HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)
        self._origin = None

    async def come_back(self) -> None:
        """Advertise again, after `drop` or `switch_off`."""
        if self._origin is None:
            self._origin = self._now_index()
        self._here = True
        await self._adverts.start()
        if not self._streams:
            self._begin(self._broadcast)

    async def appear(self, link: LocalLink, address: str, zero_s: float | None = None) -> None:
        """Come into being.

        Parameters
        ----------
        link : bumble.link.LocalLink
            The air: other controllers on it are in reach.
        address : str
            Its Bluetooth address, a static random one such as ``F0:00:00:00:00:01``.
        zero_s : float, optional
            When the converter's sample 0 is taken, on the clock of the event loop; now if not given.
        """
        self._zero_s, self._origin = asyncio.get_running_loop().time() if zero_s is None else zero_s, 0
        self._link, self._controller = link, SensorController(self.name, link, lambda: not self.answers)
        sink = AsyncPipeSink(self._controller)
        self._device = Device(name=self.name, address=Address(address), host=Host(self._controller, sink))
        self._device.gatt_server.max_mtu = self._mtu
        battery = self._cell.characteristic if self._cell else None
        table = Table(self.profile, battery, self._missing, self._value)
        self._characteristics = table.characteristics
        self._device.add_services(table.services)
        self._device.on(Device.EVENT_CONNECTION, self._on_connection)
        await self._device.power_on()
        data, scan_response = Advertisement(self.name, self._services).write()
        kind = AdvertisingEventProperties(is_connectable=bool(self._streams), is_scannable=True, is_legacy=True)
        self._adverts = await self._device.create_advertising_set(
            AdvertisingParameters(kind, _ADVERTISING_INTERVAL_MS, _ADVERTISING_INTERVAL_MS),
            advertising_data=data,
            scan_response_data=scan_response,
            auto_start=False,
        )
        await self.come_back()

    async def vanish(self) -> None:
        """Cease to be; a fault in `emg` shows here."""
        if self._device is None:
            return
        await self.switch_off()
        await self._device.power_off()
        self._link.remove_controller(self._controller)
        self._device = None
        for task in tuple(self._tasks):
            self._tasks.discard(task)
            with suppress(asyncio.CancelledError):
                await task

    async def _leave(self, reason: HCI_ErrorCode) -> None:
        assert self._device is not None
        self._here = False
        if not self._streams:
            self._end()
        if others := self._tasks - {self._sending}:
            await asyncio.wait(others)
        await self._adverts.stop()
        for connection in list(self._device.connections.values()):
            await self._device.disconnect(connection, reason)

    def _on_connection(self, connection: Connection) -> None:
        connection.once(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._written.clear()
        if self._streams and not self._start:
            self._begin(partial(self._notify, connection))  # bumble keeps from the central what it has not subscribed to

    def _on_disconnection(self, _reason: int) -> None:
        self._end()
        if self._here:
            self._run(self._adverts.start(), "advertising")

    def _value(self, uuid: str) -> AttributeValue[bytes]:
        return AttributeValue[bytes](partial(self._read, uuid), partial(self._on_written, uuid))

    def _read(self, uuid: str, _connection: Connection) -> bytes:
        if self._cell is not None and uuid == self._cell.characteristic:
            return self._battery_level()
        if self.profile.firmware is not None and uuid == self.profile.firmware.characteristic:
            return self._firmware.encode()
        return b""

    def _battery_level(self) -> bytes:
        assert self._cell is not None
        kind = number(self._cell.type)
        level = np.array([self._charge / self._cell.lsb + self._cell.bias])
        return kind.write(np.clip(level if kind.is_float else np.rint(level), *kind.ends)).tobytes()

    async def _on_written(self, uuid: str, connection: Connection, value: bytes) -> None:
        """Reply and obey: the latest writes may be the start sequence, or the stop sequence."""
        written = uuid, bytes(value)
        alive = self.profile.keep_alive
        if alive is not None and written == (alive.write.characteristic, alive.write.payload):
            self._kept_alive_s = asyncio.get_running_loop().time()
        self._written.append(written)
        if (step := self._replies.get(written)) is not None and step.reply is not None:
            await self._tell(step.reply_from or uuid, bytes.fromhex(step.reply))
        if self._written[-len(self._start) :] == self._start:
            self._origin = self._now_index()
            self._begin(partial(self._notify, connection))
        elif self._written[-len(self._stop) :] == self._stop:
            self._end()

    def _begin(self, deliver: Callable[[bytes], Awaitable[None]]) -> None:
        self._end()
        self._kept_alive_s = asyncio.get_running_loop().time()
        packet = self._rounds.packet_of(self._now_index() - (self._origin or 0))
        self._sending = self._run(self._send(deliver, packet), "packets")

    def _end(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    def _run(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        """Do something beside; what went wrong stays until the sensor vanishes."""

        def done(task: asyncio.Task[None]) -> None:
            if task.cancelled() or task.exception() is None:
                self._tasks.discard(task)

        task = asyncio.create_task(work, name=f"{what} of {self.name}")
        self._tasks.add(task)
        task.add_done_callback(done)
        return task

    def _now_index(self) -> int:
        """Give the number of the sample that is being taken, since the sensor appeared."""
        return int((asyncio.get_running_loop().time() - self._zero_s) * self.rate_hz)

    async def _send(self, deliver: Callable[[bytes], Awaitable[None]], packet: int) -> None:
        """Send one packet after the other, each when its last sample has been taken; a late one delays no other."""
        loop, origin = asyncio.get_running_loop(), self._origin or 0
        while self._is_awake():
            first, end = self._rounds.span(packet)
            await asyncio.sleep(self._zero_s + (origin + end) / self.rate_hz - loop.time())
            written = self._encoder.encode(self._emg(origin + first, end - first), first)
            if not self._lost(packet):
                await deliver(written)
            packet += 1

    def _is_awake(self) -> bool:
        """Tell whether it was kept alive: if not, it falls asleep after twice the time."""
        alive = self.profile.keep_alive
        return alive is None or asyncio.get_running_loop().time() - self._kept_alive_s < 2 * alive.every_s

    async def _notify(self, connection: Connection, packet: bytes) -> None:
        """Send a packet to who subscribed, in as many notifications as it takes."""
        for payload in payloads_of(packet, self.profile.framing, connection.att_mtu - 3):
            if len(self._streams) == 1:
                await self._tell(self._streams[0], payload)
            else:
                await self._tell(self._streams[payload[0]], payload[1:])

    async def _tell(self, uuid: str, value: bytes) -> None:
        """Notify, if there is such a characteristic; GATT cuts off what the connection has no room for."""
        assert self._device is not None
        if uuid in self._characteristics:
            for connection in tuple(self._device.connections.values()):
                await self._device.notify_subscriber(connection, self._characteristics[uuid], value)

    async def _broadcast(self, packet: bytes) -> None:
        """Put a packet into the air once, between the advertisements that tell who is there."""
        manufacturer = {int.from_bytes(packet[:2], "little"): packet[2:]}
        self._controller.broadcast(*Advertisement(self.name, self._services, manufacturer).write())
