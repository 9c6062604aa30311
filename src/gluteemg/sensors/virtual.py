"""Virtual sensors on a virtual radio, behind the real Bluetooth client.

bumble plays both ends of the air: sensors advertise, take commands and notify on a link in memory, and a central listens.
`VirtualRadio.client` and `VirtualRadio.scanner` are back ends for bleak, so that `bleak.BleakClient` and
`bleak.BleakScanner` do with virtual sensors what they do with real ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from numpy import float64
from numpy.typing import NDArray

from gluteemg.errors import DefinitionError, MissingExtraError
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile

try:
    from bumble.att import ATT_Error, AttributeValue
    from bumble.controller import Controller
    from bumble.core import UUID, AdvertisingData, BaseBumbleError
    from bumble.device import Advertisement, Connection, Device
    from bumble.gatt import Characteristic, Service
    from bumble.gatt_client import Client as GattClient
    from bumble.hci import Address, HCI_ErrorCode
    from bumble.host import Host
    from bumble.link import LocalLink
    from bumble.transport.common import AsyncPipeSink
except ImportError as error:
    raise MissingExtraError("Virtual sensors need bumble: install it with `pip install gluteemg[virtual]`.") from error

_MTU = 247
"""What the central asks for: one link-layer packet with data length extension (Bluetooth Core 5.4, Vol 6, Part B, 2.4)."""
_ADVERTISING_INTERVAL_MS = 20.0
"""Between two advertisements (chosen: the shortest that the standard allows, so that a sensor is found at once)."""
_CONNECT_S = 0.5
"""A sensor that advertises takes a connection within one interval (chosen: far longer, for a machine under load)."""
_PACKET_S = 0.02
"""Length of a packet whose profile leaves it open (chosen: 50 packets a second)."""

_T = TypeVar("_T")

logging.getLogger("bumble").setLevel(logging.ERROR)  # it warns of every packet that is on its way when a link ends


class VirtualSensor:
    """A sensor made of software, as its profile describes it.

    Its converter runs from the moment the radio is entered, at its true rate and for ever: a packet is sent when its last
    sample has been taken, and what is taken while nobody listens is gone. The sample counter starts when the sensor is
    switched on; a sensor that is started by a command counts from that command.

    Parameters
    ----------
    name : str
        The name that it advertises.
    profile : FirmwareProfile
        The device to imitate.
    emg : callable
        ``emg(first_index, n)`` gives samples of shape (n, n_channels) in the profile's unit, counted from the moment the
        radio is entered. Called in order; what is never sent may be left out.
    rate_hz : float, optional
        True rate; the profile's nominal one if not given.
    lost : callable, optional
        ``lost(packet_number)`` tells whether the air swallows a packet; the counter goes on.

    Raises
    ------
    DefinitionError
        If the profile does not describe a Bluetooth device.
    """

    def __init__(
        self,
        name: str,
        profile: FirmwareProfile,
        emg: Callable[[int, int], NDArray[float64]],
        *,
        rate_hz: float | None = None,
        lost: Callable[[int], bool] | None = None,
    ) -> None:
        if profile.match is None or profile.stream is None:
            raise DefinitionError(f"{profile.id} describes no Bluetooth device: give it [match] and [stream].")
        self.name = name
        self.profile = profile
        self.rate_hz = rate_hz or profile.signal.rate_hz
        self._emg, self._lost = emg, lost or (lambda _number: False)
        self._encoder = Encoder(profile)
        (self._size,) = self._encoder.sizes(max(1, round(_PACKET_S * self.rate_hz)))
        self._service = profile.match.service
        self._stream = Characteristic(
            profile.stream.characteristic,
            Characteristic.Properties.READ | Characteristic.Properties.NOTIFY,
            Characteristic.READABLE,
            b"",
        )
        self._start = [(w.characteristic, w.payload) for w in profile.start]
        self._stop = [(w.characteristic, w.payload) for w in profile.stop]
        self._written: list[tuple[str, bytes]] = []
        self._origin: int | None = None  # sample that the counter calls 0; none while switched off
        self._here = False
        self._advertising: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None

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
        await self._advertise()

    async def _appear(self, link: LocalLink, address: str, zero_s: float) -> None:
        """Come into being on `link`; the converter's sample 0 is taken at `zero_s` of the event loop's clock."""
        self._zero_s, self._origin = zero_s, 0
        self._device = _device(Controller(self.name, link=link), self.name, address)
        self._device.add_service(Service(UUID(self._service), self._characteristics()))
        self._device.on(Device.EVENT_CONNECTION, self._on_connection)
        await self._device.power_on()
        await self.come_back()

    async def _vanish(self) -> None:
        await self.switch_off()
        await self._device.power_off()
        if self._sending is not None:
            with suppress(asyncio.CancelledError):
                await self._sending  # a fault in `emg` shows here

    async def _leave(self, reason: HCI_ErrorCode) -> None:
        self._here = False
        if self._advertising is not None:
            await self._advertising
        await self._device.stop_advertising()
        for connection in list(self._device.connections.values()):
            await self._device.disconnect(connection, reason)

    def _on_connection(self, connection: Connection) -> None:
        connection.once(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        self._written.clear()
        if not self._start:
            self._begin(connection)  # bumble keeps from the central what it has not subscribed to

    def _on_disconnection(self, _reason: int) -> None:
        self._end()
        if self._here:
            self._advertising = asyncio.create_task(self._advertise(), name=f"{self.name} advertises")

    async def _advertise(self) -> None:
        await self._device.start_advertising(
            advertising_data=self._advertisement(),
            advertising_interval_min=_ADVERTISING_INTERVAL_MS,
            advertising_interval_max=_ADVERTISING_INTERVAL_MS,
        )

    def _advertisement(self) -> bytes:
        kinds = AdvertisingData.Type
        return bytes(
            AdvertisingData(
                [
                    (kinds.FLAGS, b"\x06"),  # general discoverable, no classic Bluetooth
                    (kinds.COMPLETE_LOCAL_NAME, self.name.encode()),
                    (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, UUID(self._service).to_bytes(force_128=True)),
                ]
            )
        )

    def _characteristics(self) -> list[Characteristic[bytes]]:
        """Give the stream, and one characteristic for each that is written to."""
        writable = Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE
        commands: list[Characteristic[bytes]] = []
        for uuid in dict.fromkeys(uuid for uuid, _ in self._start + self._stop):
            value = AttributeValue[bytes](write=partial(self._on_written, uuid))
            commands.append(Characteristic(uuid, writable, Characteristic.WRITEABLE, value))
        return [self._stream, *commands]

    def _on_written(self, uuid: str, connection: Connection, value: bytes) -> None:
        """Obey: the latest writes may be the start sequence, or the stop sequence."""
        self._written.append((uuid, bytes(value)))
        if self._written[-len(self._start) :] == self._start:
            self._origin = self._now_index()
            self._begin(connection)
        elif self._written[-len(self._stop) :] == self._stop:
            self._end()

    def _begin(self, connection: Connection) -> None:
        self._end()
        self._sending = asyncio.create_task(self._send(connection), name=f"packets of {self.name}")

    def _end(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    def _now_index(self) -> int:
        """Give the number of the sample that is being taken, since the radio was entered."""
        return int((asyncio.get_running_loop().time() - self._zero_s) * self.rate_hz)

    async def _send(self, connection: Connection) -> None:
        """Send one packet after the other, each when its last sample has been taken; a late one delays no other."""
        loop, size, origin = asyncio.get_running_loop(), self._size, self._origin or 0
        first = origin + (self._now_index() - origin) // size * size
        while True:
            await asyncio.sleep(self._zero_s + (first + size) / self.rate_hz - loop.time())
            emg = self._emg(first, size)
            if not self._lost(first // size):
                payload = self._encoder.encode(emg, first - origin)
                await self._device.notify_subscriber(connection, self._stream, payload)
            first += size


class VirtualRadio:
    """The air between virtual sensors and this program; an async context manager that can be entered again.

    Parameters
    ----------
    sensors : iterable of VirtualSensor
        Who is there from the start. Their sample 0 is taken when the radio is entered.

    Attributes
    ----------
    client : type of bleak.backends.client.BaseBleakClient
        For ``BleakClient(device, backend=radio.client)``.
    scanner : type of bleak.backends.scanner.BaseBleakScanner
        For ``BleakScanner(backend=radio.scanner)``.
    zero_ns : int
        When it was entered, on the monotonic clock.
    """

    def __init__(self, sensors: Iterable[VirtualSensor]) -> None:
        self.sensors = tuple(sensors)
        self.client: type[BaseBleakClient] = type("VirtualClient", (_Client,), {"radio": self})
        self.scanner: type[BaseBleakScanner] = type("VirtualScanner", (_Scanner,), {"radio": self})
        self.zero_ns = 0
        self._tasks = set[asyncio.Task[Any]]()

    async def __aenter__(self) -> Self:
        self._leaving = AsyncExitStack()
        try:
            await self._finish(self._enter())
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._leaving.aclose()

    async def _enter(self) -> None:
        link = LocalLink()  # type: ignore[no-untyped-call]
        self._turn = asyncio.Lock()  # bumble connects one at a time
        self._controller = Controller("central", link=link)
        self._central = _device(self._controller, "central", "C0:00:00:00:00:01")
        await self._central.power_on()
        self._leaving.push_async_callback(self._central.power_off)
        zero_s = asyncio.get_running_loop().time()
        self.zero_ns = round(zero_s * 1e9)
        for number, sensor in enumerate(self.sensors):
            await sensor._appear(link, f"F0:00:00:00:00:{number:02X}", zero_s)
            self._leaving.push_async_callback(sensor._vanish)

    async def _finish(self, operation: Coroutine[Any, Any, _T]) -> _T:
        """Do something with bumble to its end, even if the caller is cancelled; report trouble in bleak's terms.

        A command that is broken off half-way upsets bumble; before Python 3.12 its `asyncio.wait_for` can even swallow the
        cancellation.
        """
        caller = asyncio.current_task()
        assert caller is not None
        cancelled_before = caller.cancelling()
        task = asyncio.create_task(operation)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except BaseBumbleError as error:
            raise BleakError(str(error)) from error
        except asyncio.CancelledError:
            if caller.cancelling() > cancelled_before:
                raise
            raise BleakError("disconnected") from None  # how bumble ends what waits for an answer when the link dies

    async def _connect(self, address: str) -> Connection:
        """Connect the central. A sensor that advertises takes the connection at once, or never."""
        try:
            async with asyncio.timeout(_CONNECT_S):
                connection = await self._central.connect(Address(address), timeout=None)
        except TimeoutError:
            raise BleakDeviceNotFoundError(address, f"{address} does not take the connection") from None
        finally:
            self._controller.pending_le_connection = None  # bumble's own cancel command leaves it pending
        assert isinstance(connection, Connection)
        return connection


def _device(controller: Controller, name: str, address: str) -> Device:
    return Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))


class _Scanner(BaseBleakScanner):
    """bleak's scanner on a `VirtualRadio`."""

    radio: ClassVar[VirtualRadio]

    def __init__(
        self, detection_callback: AdvertisementDataCallback | None, service_uuids: list[str] | None, *_: Any, **__: Any
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        self.radio._central.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self.radio._finish(self.radio._central.start_scanning())

    async def stop(self) -> None:
        self.radio._central.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self.radio._finish(self.radio._central.stop_scanning())

    def _on_advertisement(self, heard: Advertisement) -> None:
        kinds = AdvertisingData.Type
        name = heard.data.get(kinds.COMPLETE_LOCAL_NAME)
        services = heard.data.get(kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS) or []
        data = AdvertisementData(name, {}, {}, [_uuid(s) for s in services], None, heard.rssi, (heard,))
        if self.is_allowed_uuid(data.service_uuids):
            address = heard.address.to_string(with_type_qualifier=False)
            self.call_detection_callbacks(self.create_or_update_device(address, address, name, heard.address, data), data)


class _Client(BaseBleakClient):
    """bleak's client on a `VirtualRadio`."""

    radio: ClassVar[VirtualRadio]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        **_: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        self._name = (address_or_ble_device.name if isinstance(address_or_ble_device, BLEDevice) else None) or self.address
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def mtu_size(self) -> int:
        return self._gatt().mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        if pair:
            await self.pair()
        if self._connection is not None:
            raise BleakError("Client is already connected")
        await self.radio._finish(self._connect())

    async def disconnect(self) -> None:
        await self.radio._finish(self._disconnect())

    async def pair(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("virtual sensors do not pair")

    async def unpair(self) -> None:
        raise NotImplementedError("virtual sensors do not pair")

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return bytearray(await self.radio._finish(self._gatt().read_value(characteristic.handle)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        return bytearray(await self.radio._finish(self._gatt().read_value(descriptor.handle)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        await self.radio._finish(self._gatt().write_value(characteristic.handle, bytes(data), response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self.radio._finish(self._gatt().write_value(descriptor.handle, bytes(data), True))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        subscribing = self._gatt().subscribe(characteristic.obj, lambda value: callback(bytearray(value)))
        await self.radio._finish(subscribing)

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self.radio._finish(self._gatt().unsubscribe(characteristic.obj))

    async def _connect(self) -> None:
        async with self.radio._turn:
            connection = await self.radio._connect(self.address)
            self._connection = connection
            connection.once(Connection.EVENT_DISCONNECTION, self._on_disconnection)
            await connection.gatt_client.request_mtu(_MTU)
            self.services = await self._discover(connection)

    async def _disconnect(self) -> None:
        async with self.radio._turn:
            if self._connection is not None:
                await self._connection.disconnect()

    async def _discover(self, connection: Connection) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for found in await connection.gatt_client.discover_services():
            service = BleakGATTService(found, found.handle, _uuid(found.uuid))
            collection.add_service(service)
            for one in await found.discover_characteristics():
                properties = list(gatt_char_props_to_strs(int(one.properties)))
                collection.add_characteristic(
                    BleakGATTCharacteristic(
                        one, one.handle, _uuid(one.uuid), properties, lambda: connection.att_mtu - 3, service
                    )
                )
        return collection

    def _gatt(self) -> GattClient:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection.gatt_client

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self.services = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()


def _uuid(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
