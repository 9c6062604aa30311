"""Our end of the virtual air: what a Bluetooth adapter is to a computer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble.att import ATT_Error
from bumble.controller import Controller
from bumble.core import BaseBumbleError
from bumble.device import Advertisement, Connection, Device
from bumble.hci import Address, HCI_ErrorCode
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

_ADDRESS = "C0:00:00:00:00:01"
_CONNECT_S = 0.5
"""A sensor that advertises takes a connection within one interval (chosen: far longer, for a machine under load)."""

_CANCEL_AGAIN_S = 0.05
"""Until a task that was cancelled is cancelled again, if need be (chosen: a few turns of the event loop, under load too)."""

_T = TypeVar("_T")


class Adapter:
    """Connects and listens; one bumble device, shared by all scanners and clients."""

    def __init__(self) -> None:
        self._is_on = True
        self._hearing = set[Callable[[Advertisement], None]]()
        self._tasks = set[asyncio.Task[Any]]()
        self._device: Device | None = None

    async def plug_in(self, link: LocalLink) -> None:
        """Begin."""
        self._turn, self._tuning = asyncio.Lock(), asyncio.Lock()
        self._controller = Controller("central", link=link)
        sink = AsyncPipeSink(self._controller)
        self._device = Device(name="central", address=Address(_ADDRESS), host=Host(self._controller, sink))
        self._device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self._device.power_on()

    async def unplug(self) -> None:
        """End: hang up what is connected still, so that nothing waits for an answer, and finish what was begun."""
        if self._device is None:
            return
        await self.finish(self._hang_up())
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._device.power_off()
        self._hearing.clear()
        self._device = None

    async def switch_off(self) -> None:
        """Be gone: connections break, scanners hear nothing and have to be started anew."""
        self._is_on = False
        self._hearing.clear()
        if self._device is not None:
            await self.finish(self._hang_up())
            await self.finish(self._tune())

    def switch_on(self) -> None:
        """Be there again."""
        self._is_on = True

    async def finish(self, operation: Coroutine[Any, Any, _T], on: Connection | None = None) -> _T:
        """Do something with bumble to its end, even if the caller is cancelled; report trouble in bleak's terms.

        A command that is broken off half-way upsets bumble; before Python 3.12 its `asyncio.wait_for` can even swallow the
        cancellation. What is asked `on` a connection ends with it: bumble sends into the void what had waited for its turn.
        """
        caller = asyncio.current_task()
        assert caller is not None
        cancelled_before = caller.cancelling()
        task = asyncio.create_task(operation)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if on is not None:
            end = on.on(Connection.EVENT_DISCONNECTION, lambda _reason: _end(task))
            task.add_done_callback(lambda _: on.remove_listener(Connection.EVENT_DISCONNECTION, end))
        try:
            return await asyncio.shield(task)
        except ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except BaseBumbleError as error:
            raise BleakError(str(error)) from error
        except asyncio.CancelledError:
            if caller.cancelling() > cancelled_before:
                raise
            raise BleakError("disconnected") from None

    async def connect(self, address: str) -> Connection:
        """Connect. A sensor that advertises takes the connection at once, or never. To be run by `finish`."""
        async with self._turn:  # bumble connects one at a time
            device = self._ready()
            try:
                async with asyncio.timeout(_CONNECT_S):
                    connection = await device.connect(Address(address), timeout=None)
            except TimeoutError:
                raise BleakDeviceNotFoundError(address, f"{address} does not take the connection") from None
            finally:
                self._controller.pending_le_connection = None  # bumble's own cancel command leaves it pending
            assert isinstance(connection, Connection)
            return connection

    async def disconnect(self, connection: Connection) -> None:
        """Hang up, if that was not done before. To be run by `finish`."""
        async with self._turn:
            if self._device is not None and connection.handle in self._device.connections:
                await connection.disconnect()

    async def listen(self, hear: Callable[[Advertisement], None]) -> None:
        """Give every advertisement to `hear` from now on."""
        self._ready()
        self._hearing.add(hear)
        await self.finish(self._tune())

    async def ignore(self, hear: Callable[[Advertisement], None]) -> None:
        """End what `listen` began."""
        self._hearing.discard(hear)
        await self.finish(self._tune())

    async def _tune(self) -> None:
        """Scan if anybody listens, else not."""
        async with self._tuning:
            if self._device is None or self._device.is_scanning == bool(self._hearing):
                return
            await (self._device.start_scanning() if self._hearing else self._device.stop_scanning())

    async def _hang_up(self) -> None:
        async with self._turn:
            assert self._device is not None
            for connection in tuple(self._device.connections.values()):
                await connection.disconnect(HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)

    def _ready(self) -> Device:
        if not self._is_on or self._device is None:
            raise BleakBluetoothNotAvailableError(
                "The virtual radio is switched off", BleakBluetoothNotAvailableReason.POWERED_OFF
            )
        return self._device

    def _on_advertisement(self, heard: Advertisement) -> None:
        if heard.is_scan_response:  # bumble repeats every advertisement as its own scan response
            return
        for hear in tuple(self._hearing):
            hear(heard)


def _end(task: asyncio.Task[Any]) -> None:
    """Cancel a task for good: before Python 3.12 `asyncio.wait_for` swallows a cancellation that comes with the answer."""
    if not task.done():
        task.cancel()
        asyncio.get_running_loop().call_later(_CANCEL_AGAIN_S, _end, task)
