"""What waits for the reader of a source, and the part in it that one sensor has."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from gluteemg.sensors.source import Event, Item, Packet, PacketKind

SILENCE_S = 2.0
"""A sensor that sends nothing for so long is taken to be gone (the uMyo's own app waits as long)."""


class Inbox:
    """Items that wait for the reader, in the order they came."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._stirred = asyncio.Event()

    def put(self, sensor: str, data: bytes, kind: PacketKind) -> int:
        """Stamp and keep a packet; give its time."""
        t_ns = time.monotonic_ns()
        self._items.append(Packet(sensor, t_ns, data, kind))
        self._stirred.set()
        return t_ns

    def tell(self, kind: str, **detail: Any) -> None:
        """Keep an event; `detail` is what JSON can hold."""
        self._items.append(Event(kind, detail))
        self._stirred.set()

    def wake(self) -> None:
        """Let the reader look up, though nothing came."""
        self._stirred.set()

    async def take(self) -> list[Item]:
        """Wait until something happens, then give all items that have come; none if it was something else."""
        await self._stirred.wait()
        self._stirred.clear()
        items, self._items = self._items, []
        return items


class Voice:
    """What one sensor says in the inbox from one CONNECT to its DISCONNECT. Before and after, nothing of it is kept.

    Parameters
    ----------
    sensor : str
        Its name.
    inbox : Inbox
        Where to.

    Attributes
    ----------
    live : bool
        Whether it has begun and not ended.
    begun : bool
        Whether it was ready to send.
    heard : bool
        Whether it has sent anything.
    """

    def __init__(self, sensor: str, inbox: Inbox) -> None:
        self.sensor = sensor
        self._inbox = inbox
        self.live = self.begun = self.heard = False
        self._lost = asyncio.Event()
        self._heard_ns = 0

    def begin(self) -> None:
        """Take what comes from now on: the sensor is there from its first payload on."""
        self._heard_ns = time.monotonic_ns()
        self.live = self.begun = True

    def say(self, data: bytes, kind: PacketKind) -> None:
        """Keep a payload, between `begin` and `end`."""
        if not self.live:
            return
        if not self.heard:
            self.heard = True
            self._inbox.put(self.sensor, b"", PacketKind.CONNECT)
        self._heard_ns = self._inbox.put(self.sensor, data, kind)

    def tell(self, kind: str, **detail: Any) -> None:
        """Keep an event about this sensor, between `begin` and `end`."""
        if self.live:
            self._inbox.tell(kind, sensor=self.sensor, **detail)

    def hang_up(self) -> None:
        """Say that the connection is lost; may come at any time."""
        self._lost.set()

    async def end(self) -> None:
        """Wait until the connection is lost or the sensor falls silent, and say which.

        Raises
        ------
        ConnectionError
            If nothing came at all: then the sensor was never there.
        """
        while (left_ns := self._heard_ns + SILENCE_S * 1e9 - time.monotonic_ns()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_ns / 1e9):
                    await self._lost.wait()
                    break
        self.live = False
        reason = "connection lost" if self._lost.is_set() else f"silent for {SILENCE_S:g} s"
        if not self.heard:
            raise ConnectionError(f"{reason}, nothing was sent")
        self._inbox.put(self.sensor, reason.encode(), PacketKind.DISCONNECT)
