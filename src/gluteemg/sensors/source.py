"""Where packets come from: the one door between the outside world and everything else.

A session is an ordered stream of items. A `Packet` is what a sensor sent, an `Event` is what a person or the program did
(a calibration, a marker, a pause). Everything that can alter a frame is one or the other, so that a recording of the stream
replays to the same frames.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from gluteemg.sensors.profile import FirmwareProfile


class PacketKind(StrEnum):
    """What a packet tells."""

    NOTIFY = "notify"
    """Bytes of one notification."""
    ADVERT = "advert"
    """Bytes of one advertisement."""
    CONNECT = "connect"
    """The sensor is there from here on, with its first payload; no bytes."""
    DISCONNECT = "disconnect"
    """The sensor is gone from here on; the bytes are the reason in UTF-8."""


class Packet(NamedTuple):
    """The bytes of one notification, as they came. Hardware ends here.

    A tuple, since there are many: an hour of four sensors has a million, and columns of them are one ``zip(*packets)`` away.

    Parameters
    ----------
    sensor : str
        Name of the sensor.
    t_ns : int
        Arrival on the monotonic clock, in nanoseconds.
    data : bytes
        The payload, untouched.
    kind : PacketKind
        What the packet tells.
    """

    sensor: str
    t_ns: int
    data: bytes
    kind: PacketKind = PacketKind.NOTIFY


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done during the session, in its place between the packets.

    Parameters
    ----------
    kind : str
        ``calibration``, ``marker``, ``pause``, ``resume`` …
    detail : mapping
        What JSON can hold.
    """

    kind: str
    detail: Mapping[str, Any]


Item = Packet | Event


class Source(Protocol):
    """Anything that streams items: Bluetooth sensors (real or virtual) or a recording."""

    @property
    def profiles(self) -> Mapping[str, FirmwareProfile]:
        """Profile of each sensor, by the sensor's name."""
        ...

    def batches(self) -> AsyncGenerator[Sequence[Item], None]:
        """Yield items in order, as many at a time as have arrived; end when the source ends."""
        ...
