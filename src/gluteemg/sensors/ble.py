"""Packets from Bluetooth sensors, real or virtual.

One task a sensor keeps it connected for as long as somebody reads; what connects, breaks off and comes back is in the
stream of packets, in its place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from gluteemg.errors import BluetoothError, DefinitionError, SensorError, SensorNotFoundError
from gluteemg.sensors.profile import FirmwareProfile, Write, recognise
from gluteemg.sensors.source import Packet, PacketKind

if TYPE_CHECKING:
    from gluteemg.sensors.virtual import VirtualRadio

_log = logging.getLogger(__name__)

SILENCE_S = 2.0
"""A sensor that sends nothing for so long is taken to be gone (the uMyo's own app waits as long)."""
_OPEN_S = 15.0
"""For connecting, subscribing and starting (chosen: BlueZ needs up to about 10 s for a sensor at the edge of its reach)."""
_CLOSE_S = 2.0
"""For each of stopping a sensor and hanging up (chosen: a live link needs a tenth; a dead one must not hold up the end)."""
_LOOK_S = 5.0
"""One look for a sensor that went away (chosen: some advertise only once a second, and others wait for their turn)."""
_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
"""Between two attempts at a sensor, doubling (chosen: looking all the time takes air from the sensors that are there)."""

_TROUBLE = (BleakError, OSError, EOFError)
"""What bleak raises over a bad link: its own errors, those of the system (time-outs too), and a broken D-Bus."""

_ADVICE = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: (
        "This computer has no Bluetooth adapter: plug one in, or try `gluteemg demo`, which needs none."
    ),
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "The Bluetooth adapter of this computer cannot connect to Low Energy sensors: plug in another one."
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: ("Bluetooth is switched off: switch it on in the settings of the system."),
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: (
        "This program may not use Bluetooth: allow it in the privacy settings of the system, then start it again."
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: (
        "The system does not let this account use Bluetooth: ask its administrator to allow it."
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A Bluetooth device that shows itself.

    Parameters
    ----------
    name : str
        As it advertises.
    profile : str or None
        Id of the profile that fits, if one does.
    rssi : int
        Strength of its signal in dBm.
    address : str
        Bluetooth address, on macOS an identifier of the system's; a hint, not a key.
    """

    name: str
    profile: str | None
    rssi: int
    address: str


async def scan(profiles: Iterable[FirmwareProfile], *, seconds: float, radio: VirtualRadio | None = None) -> list[Found]:
    """Look around for devices that have a name.

    Parameters
    ----------
    profiles : iterable of FirmwareProfile
        The kinds of sensor to recognise.
    seconds : float
        How long to look.
    radio : VirtualRadio, optional
        Where to look; the operating system's Bluetooth if not given.

    Returns
    -------
    list of Found
        Recognised sensors first, strong signals first.

    Raises
    ------
    BluetoothError
        If Bluetooth cannot be used.
    """
    known = list(profiles)
    found: dict[str, Found] = {}

    def seen(device: BLEDevice, advert: AdvertisementData) -> None:
        name = advert.local_name or device.name
        if name:
            profile = recognise(name, advert.service_uuids, known)
            found[device.address] = Found(name, profile.id if profile else None, advert.rssi, device.address)

    async with radio or nullcontext():
        with _plain_errors():
            async with BleakScanner(seen, backend=radio.scanner if radio else None):
                await asyncio.sleep(seconds)
    return sorted(found.values(), key=lambda f: (f.profile is None, -f.rssi, f.name))


class BleSource:
    """Streams what Bluetooth sensors send; a `gluteemg.sensors.source.Source`.

    Parameters
    ----------
    wanted : mapping of str to FirmwareProfile
        The sensors by the name that they advertise.
    radio : VirtualRadio, optional
        Where they are; the operating system's Bluetooth if not given. Entered and left by `batches`.
    find_timeout_s : float
        How long to look for the sensors at first, and to try to connect those found.

    Raises
    ------
    DefinitionError
        If a profile names no characteristic that streams.
    """

    def __init__(
        self, wanted: Mapping[str, FirmwareProfile], *, radio: VirtualRadio | None = None, find_timeout_s: float = 10.0
    ) -> None:
        for name, profile in wanted.items():
            if profile.stream is None:
                raise DefinitionError(f"{name} cannot stream by {profile.id}: that profile has no [stream] table.")
        self._wanted = dict(wanted)
        self._radio = radio
        self._find_timeout_s = find_timeout_s

    @property
    def profiles(self) -> Mapping[str, FirmwareProfile]:
        """Profile of each sensor, by the sensor's name."""
        return self._wanted

    async def batches(self) -> AsyncGenerator[list[Packet], None]:
        """Find and connect all sensors, then yield packets as they arrive, all that wait at once.

        A sensor that goes away says so in a packet and is looked for until it is back; the others stay. The stream ends
        only when it is closed (use `contextlib.aclosing`): then the sensors are stopped and disconnected.

        Raises
        ------
        BluetoothError
            If Bluetooth cannot be used.
        SensorNotFoundError
            If a sensor does not show up.
        SensorError
            If a sensor was found and could not be connected.
        """
        inbox = _Inbox()
        keeping = asyncio.create_task(self._keep_all(inbox), name="gluteemg sensors")
        keeping.add_done_callback(lambda _: inbox.wake())
        try:
            while not keeping.done():
                if batch := await inbox.take():
                    yield batch
        finally:
            keeping.cancel()
            with anyio.CancelScope(shield=True):  # hang up properly, also when the reader was cancelled
                await asyncio.wait({keeping})
            if not keeping.cancelled():
                keeping.result()  # what went wrong

    async def _keep_all(self, inbox: _Inbox) -> None:
        async with self._radio or nullcontext():
            devices = await self._find(self._wanted, self._find_timeout_s)
            turn = asyncio.Lock()
            try:
                async with asyncio.TaskGroup() as sensors:
                    for name in self._wanted:
                        sensors.create_task(self._keep(name, devices[name], inbox, turn), name=f"gluteemg {name}")
            except ExceptionGroup as troubles:
                raise troubles.exceptions[0] from None

    async def _keep(self, name: str, device: BLEDevice | None, inbox: _Inbox, turn: asyncio.Lock) -> None:
        """Keep one sensor connected until cancelled. Whoever scans or connects has the `turn`: BlueZ takes one at a time."""
        streamed, first_try_ns, pause_s = False, 0, _PAUSE_S
        while True:
            try:
                async with AsyncExitStack() as stack:
                    async with turn:
                        first_try_ns = first_try_ns or time.monotonic_ns()
                        if device is None:  # BlueZ forgets a device that went away: look again before connecting
                            device = (await self._find([name], _LOOK_S))[name]
                        link = _Link(name, self._wanted[name], inbox, device, self._radio)
                        stack.push_async_callback(link.close)
                        await link.open()
                    streamed, pause_s = True, _PAUSE_S
                    inbox.put(name, (await link.broken()).encode(), PacketKind.DISCONNECT)
            except (*_TROUBLE, SensorError) as trouble:
                _log.debug("%s: %s", name, trouble)
                if not streamed and time.monotonic_ns() - first_try_ns > 1e9 * self._find_timeout_s:
                    raise SensorError(
                        f"{name} is there but does not connect ({_said(trouble)}): switch it off and on, "
                        "and close every other program that may hold it."
                    ) from trouble
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            device = None

    async def _find(self, names: Collection[str], seconds: float) -> dict[str, BLEDevice]:
        """Scan until all of `names` were seen."""
        found: dict[str, BLEDevice] = {}
        complete = asyncio.Event()

        def seen(device: BLEDevice, advert: AdvertisementData) -> None:
            name = advert.local_name or device.name
            if name is not None and name in names:
                found[name] = device
                if len(found) == len(names):
                    complete.set()

        with _plain_errors():
            async with BleakScanner(seen, backend=self._radio.scanner if self._radio else None):
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await complete.wait()
        if missing := [name for name in names if name not in found]:
            it = "it" if len(missing) == 1 else "them"
            raise SensorNotFoundError(
                f"{' and '.join(missing)} did not show up within {seconds:g} s: "
                f"switch {it} on, bring {it} closer, or run `gluteemg scan` to see what is there."
            )
        return found


class _Inbox:
    """Packets that wait for the reader, in the order they came."""

    def __init__(self) -> None:
        self._packets: list[Packet] = []
        self._stirred = asyncio.Event()

    def put(self, sensor: str, data: bytes, kind: PacketKind) -> int:
        """Stamp and keep a packet; give its time."""
        t_ns = time.monotonic_ns()
        self._packets.append(Packet(sensor, t_ns, data, kind))
        self._stirred.set()
        return t_ns

    def wake(self) -> None:
        self._stirred.set()

    async def take(self) -> list[Packet]:
        """Wait until something happens, then give all packets that have come; none if it was something else."""
        await self._stirred.wait()
        self._stirred.clear()
        packets, self._packets = self._packets, []
        return packets


class _Link:
    """One connection to one sensor, from its beginning to its end."""

    def __init__(
        self, name: str, profile: FirmwareProfile, inbox: _Inbox, device: BLEDevice, radio: VirtualRadio | None
    ) -> None:
        self._name, self._profile, self._inbox = name, profile, inbox
        self._hung_up = asyncio.Event()
        self._client = BleakClient(device, lambda _: self._hung_up.set(), backend=radio.client if radio else None)
        self._streaming = False
        self._heard_ns = 0

    async def open(self) -> None:
        """Connect, subscribe, then start: a sensor that is started first loses its first packets."""
        assert self._profile.stream is not None
        async with asyncio.timeout(_OPEN_S):
            await self._client.connect()
            await self._client.start_notify(self._profile.stream.characteristic, self._on_notification)
            await self._write(self._profile.start)
        self._heard_ns = self._inbox.put(self._name, b"", PacketKind.CONNECT)
        self._streaming = True

    async def broken(self) -> str:
        """Wait until the link is lost or the sensor falls silent; say which."""
        while (left_ns := self._heard_ns + SILENCE_S * 1e9 - time.monotonic_ns()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_ns / 1e9):
                    await self._hung_up.wait()
                    break
        self._streaming = False
        return "connection lost" if self._hung_up.is_set() else f"silent for {SILENCE_S:g} s"

    async def close(self) -> None:
        """Stop the sensor and hang up. A link that is dead already is no reason to raise."""
        self._streaming = False
        try:
            async with asyncio.timeout(_CLOSE_S):
                if self._client.is_connected:
                    await self._write(self._profile.stop)
        except _TROUBLE as trouble:
            _log.debug("%s was not stopped: %s", self._name, trouble)
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._client.disconnect()
        except _TROUBLE as trouble:
            _log.debug("%s was not disconnected: %s", self._name, trouble)

    async def _write(self, steps: Iterable[Write]) -> None:
        for step in steps:
            await self._client.write_gatt_char(step.characteristic, step.payload, step.response)
            await asyncio.sleep(step.then_wait_s)

    def _on_notification(self, _characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        # What comes before the start sequence is done was started by somebody else: its counter means nothing.
        if self._streaming:
            self._heard_ns = self._inbox.put(self._name, bytes(data), PacketKind.NOTIFY)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say in one line why Bluetooth cannot be used."""
    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        raise BluetoothError(_ADVICE.get(error.reason) or _no_answer(error)) from error
    except _TROUBLE as error:  # without D-Bus a FileNotFoundError, without BlueZ a BleakDBusError
        raise BluetoothError(_no_answer(error)) from error


def _no_answer(error: Exception) -> str:
    return (
        f"Bluetooth does not answer on this computer ({_said(error)}): switch it on (on Linux, `systemctl start bluetooth`), "
        "or try `gluteemg demo`, which needs none."
    )


def _said(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error)
