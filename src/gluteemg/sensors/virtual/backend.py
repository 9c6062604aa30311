"""bleak's scanner and client on a virtual radio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble import device
from bumble.gatt_client import Client as GattClient

from gluteemg.sensors.virtual.adapter import Adapter
from gluteemg.sensors.virtual.advertisement import Advertisement, full

_T = TypeVar("_T")

_MTU = 517
"""What the central asks for, as BlueZ does (``BT_ATT_MAX_LE_MTU`` in its ``src/shared/att-types.h``): the sensor decides."""


class VirtualScanner(BaseBleakScanner):
    """bleak's scanner on an `Adapter`. Name and services that it heard once it remembers, as operating systems do."""

    adapter: ClassVar[Adapter]

    def __init__(
        self, detection_callback: AdvertisementDataCallback | None, service_uuids: list[str] | None, *_: Any, **__: Any
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        """Listen."""
        self.seen_devices = {}
        await self.adapter.listen(self._hear)

    async def stop(self) -> None:
        """Listen no more."""
        await self.adapter.ignore(self._hear)

    def _hear(self, heard: device.Advertisement) -> None:
        address = heard.address.to_string(with_type_qualifier=False)
        said = Advertisement.read(heard.data)
        name, services = said.name, list(said.services)
        if address in self.seen_devices:
            _, before = self.seen_devices[address]
            name, services = name or before.local_name, services or before.service_uuids
        data = AdvertisementData(name, said.manufacturer, {}, services, None, heard.rssi, (heard,))
        found = self.create_or_update_device(address, address, name, heard.address, data)
        if self.is_allowed_uuid(services):
            self.call_detection_callbacks(found, data)


class VirtualClient(BaseBleakClient):
    """bleak's client on an `Adapter`."""

    adapter: ClassVar[Adapter]

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
        self._connection: device.Connection | None = None
        self._given_up = False

    @property
    def name(self) -> str:
        """As it was advertised."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """What both ends agreed on."""
        return self._gatt().mtu

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:
        """Connect and look around, within the time that the client was given."""
        if pair:
            await self.pair()
        if self._connection is not None:
            raise BleakError("Client is already connected")
        self._given_up = False
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self.adapter.finish(self._connect())
                if self._connection is None:
                    raise BleakError("disconnected")
                await self.adapter.finish(self._look_around(connection), connection)
        except BaseException:  # cancelled too: a sensor that never answers would keep the connection
            self._given_up = True
            with suppress(BleakError):
                await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """Hang up."""
        if self._connection is not None:
            await self.adapter.finish(self.adapter.disconnect(self._connection))

    async def pair(self, *_: Any, **__: Any) -> None:
        """Refuse."""
        raise NotImplementedError("virtual sensors do not pair")

    async def unpair(self) -> None:
        """Refuse."""
        raise NotImplementedError("virtual sensors do not pair")

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        """Read."""
        return bytearray(await self._ask(lambda gatt: gatt.read_value(characteristic.handle)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        """Read."""
        return bytearray(await self._ask(lambda gatt: gatt.read_value(descriptor.handle)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Write."""
        await self._ask(lambda gatt: gatt.write_value(characteristic.handle, bytes(data), response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write."""
        await self._ask(lambda gatt: gatt.write_value(descriptor.handle, bytes(data), True))

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any) -> None:
        """Subscribe."""
        await self._ask(lambda gatt: gatt.subscribe(characteristic.obj, lambda value: callback(bytearray(value))))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        await self._ask(lambda gatt: gatt.unsubscribe(characteristic.obj))

    async def _ask(self, question: Callable[[GattClient], Coroutine[Any, Any, _T]]) -> _T:
        gatt = self._gatt()
        return await self.adapter.finish(question(gatt), self._connection)

    async def _connect(self) -> device.Connection:
        connection = await self.adapter.connect(self.address)
        self._connection = connection
        connection.once(device.Connection.EVENT_DISCONNECTION, self._on_disconnection)
        if self._given_up:
            await self.adapter.disconnect(connection)
        return connection

    async def _look_around(self, connection: device.Connection) -> None:
        await connection.gatt_client.request_mtu(_MTU)
        self.services = await self._discover(connection)

    async def _discover(self, connection: device.Connection) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for found in await connection.gatt_client.discover_services():
            service = BleakGATTService(found, found.handle, full(found.uuid))
            collection.add_service(service)
            for one in await found.discover_characteristics():
                properties = list(gatt_char_props_to_strs(int(one.properties)))
                collection.add_characteristic(
                    BleakGATTCharacteristic(
                        one, one.handle, full(one.uuid), properties, lambda: connection.att_mtu - 3, service
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
