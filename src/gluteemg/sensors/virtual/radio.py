"""The air between virtual sensors and this program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner
from bumble.link import LocalLink

from gluteemg.sensors.virtual.adapter import Adapter
from gluteemg.sensors.virtual.backend import VirtualClient, VirtualScanner
from gluteemg.sensors.virtual.sensor import VirtualSensor

logging.getLogger("bumble").setLevel(logging.ERROR)  # it warns of every packet that is on its way when a link ends


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
        self._adapter = Adapter()
        self.client: type[BaseBleakClient] = type("Client", (VirtualClient,), {"adapter": self._adapter})
        self.scanner: type[BaseBleakScanner] = type("Scanner", (VirtualScanner,), {"adapter": self._adapter})
        self.zero_ns = 0

    async def switch_off(self) -> None:
        """Switch Bluetooth off, as a person does in the settings: connections break, nothing is heard, nothing connects."""
        await self._adapter.switch_off()

    async def switch_on(self) -> None:
        """Switch Bluetooth on again. Scanners that ran before have to be started anew."""
        self._adapter.switch_on()

    async def __aenter__(self) -> Self:
        self._leaving = AsyncExitStack()
        try:
            await self._adapter.finish(self._enter())
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._adapter.unplug()
        finally:
            await self._leaving.aclose()

    async def _enter(self) -> None:
        link = LocalLink()  # type: ignore[no-untyped-call]
        await self._adapter.plug_in(link)
        zero_s = asyncio.get_running_loop().time()
        self.zero_ns = round(zero_s * 1e9)
        for number, sensor in enumerate(self.sensors):
            self._leaving.push_async_callback(sensor.vanish)
            await sensor.appear(link, f"F0:00:00:00:00:{number:02X}", zero_s)
