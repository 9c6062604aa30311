"""What can be heard without a connection: one scanner for all who listen, and sensors that only advertise."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from gluteemg.errors import BluetoothError, SensorNotFoundError
from gluteemg.sensors.inbox import SILENCE_S, Inbox, Voice
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import PacketKind

if TYPE_CHECKING:
    from gluteemg.sensors.virtual import VirtualRadio

_log = logging.getLogger(__name__)

SETTLE_S = 0.3
"""How long to listen on, when all were seen, for a second sensor of the same name (chosen: three advertisements of most
sensors, which send ten in a second or more)."""

TROUBLE = (BleakError, OSError, EOFError)
"""What bleak raises over a bad link: its own errors, those of the system (time-outs too), and a broken D-Bus."""

_ADDRESS = re.compile(r"(?P<name>.*)@(?P<address>([0-9A-F]{2}:){5}[0-9A-F]{2}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12})", re.I)
"""``NAME@ADDRESS``; on macOS, which hides addresses, ``NAME@IDENTIFIER``."""

_BLUEZ_IS_OFF = "org.bluez.Error.NotReady"
"""What BlueZ answers in the moment in which the adapter is switched off; a little later bleak knows it by itself."""
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

Listener = Callable[[BLEDevice, AdvertisementData], None]


class Sought:
    """A sensor that is looked for, and the devices that may be it.

    Parameters
    ----------
    key : str
        The name that it advertises, or ``NAME@ADDRESS`` where several are called alike.
    profile : FirmwareProfile
        What kind of sensor it is.

    Attributes
    ----------
    address : str or None
        The only address that is taken; None for any.
    here : dict of str to BLEDevice
        Who was seen, by address.
    other_service : bool
        Whether a device of that name was seen that is of another kind.
    """

    def __init__(self, key: str, profile: FirmwareProfile) -> None:
        full = _ADDRESS.fullmatch(key)
        self.key, self.profile = key, profile
        self.name = full["name"] if full else key
        self.address = full["address"].upper() if full else None
        self.forget()

    def forget(self) -> None:
        """Look anew."""
        self.here: dict[str, BLEDevice] = {}
        self.other_service = False

    def see(self, device: BLEDevice, advert: AdvertisementData) -> None:
        """Tell by its address if that is known, otherwise by its name, and by its service where that shows."""
        if self.address is not None:
            fits = device.address.upper() == self.address
        elif fits := (advert.local_name or device.name) == self.name:
            service = self.profile.match and self.profile.match.service
            fits = service is None or not advert.service_uuids or service in advert.service_uuids
            self.other_service = not fits
        if fits:
            self.here[device.address] = device


class Air:
    """Advertisements, for all who listen.

    There is one scanner, open for as long as anybody listens: BlueZ lets a program scan only once at a time, but lets it
    connect meanwhile (the kernel stops scanning for that moment).

    Parameters
    ----------
    inbox : Inbox
        Where to tell when Bluetooth goes and comes.
    radio : VirtualRadio or None
        Where to listen; the operating system's Bluetooth if None.
    repeats : bool
        Whether to hear everything that a device advertises, and not only that it is there: for sensors that send so.
    """

    def __init__(self, inbox: Inbox, radio: VirtualRadio | None, *, repeats: bool = False) -> None:
        self._inbox = inbox
        self._backend = radio.scanner if radio else None
        self._bluez: BlueZScannerArgs = {"filters": {"DuplicateData": True}} if repeats else {}
        self._gate = asyncio.Lock()  # only around starting and stopping: whoever holds it waits for nobody
        self._scanner: BleakScanner | None = None
        self._listeners: list[Listener] = []
        self._heard_ns = 0
        self._usable: bool | None = None

    @asynccontextmanager
    async def listening(self, listener: Listener) -> AsyncIterator[None]:
        """Call `listener` with everything that is heard meanwhile.

        Raises
        ------
        BluetoothError
            If Bluetooth cannot be used.
        """
        async with self._gate:
            # BlueZ forgets a scan when the adapter is switched off: one that hears nobody is begun anew
            if self._scanner is None or time.monotonic_ns() - self._heard_ns > SILENCE_S * 1e9:
                await self._start()
            self._listeners.append(listener)
        try:
            yield
        finally:
            async with self._gate:
                self._listeners.remove(listener)
                if not self._listeners:
                    await self._stop()

    async def find(self, sought: Sequence[Sought], seconds: float) -> None:
        """Listen until all were seen and nobody else of their names has come up, but not longer than `seconds`.

        Raises
        ------
        BluetoothError
            If Bluetooth cannot be used, or is switched off meanwhile.
        """
        taken = {one.address for one in sought} - {None}
        complete = asyncio.Event()

        def on_advert(device: BLEDevice, advert: AdvertisementData) -> None:
            for one in sought:
                if one.address is not None or device.address.upper() not in taken:
                    one.see(device, advert)
            if all(one.here for one in sought):
                complete.set()

        for one in sought:
            one.forget()
        async with self.listening(on_advert):
            begun_ns = time.monotonic_ns()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await complete.wait()
                    if any(one.address is None for one in sought):
                        await asyncio.sleep(SETTLE_S)
            await self.probe(begun_ns)

    async def probe(self, since_ns: int) -> None:
        """Find out why nobody at all was heard since then, if so: only a scanner that starts says that Bluetooth is off.

        Raises
        ------
        BluetoothError
            If it cannot be used.
        """
        async with self._gate:
            if self._heard_ns <= since_ns:
                await self._start()

    async def _start(self) -> None:
        await self._stop()
        scanner = BleakScanner(self._on_advert, bluez=self._bluez, backend=self._backend)
        try:
            with plain_errors():
                await scanner.start()
        except BluetoothError as error:
            if self._usable:
                self._tell(usable=False, reason=str(error))
            raise
        if self._usable is False:
            self._tell(usable=True, reason="")
        self._usable = True
        self._scanner, self._heard_ns = scanner, time.monotonic_ns()

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            try:
                await scanner.stop()
            except TROUBLE as trouble:
                _log.debug("the scanner did not stop: %s", trouble)

    def _tell(self, *, usable: bool, reason: str) -> None:
        self._usable = usable
        self._inbox.tell("bluetooth", usable=usable, reason=reason)

    def _on_advert(self, device: BLEDevice, advert: AdvertisementData) -> None:
        self._heard_ns = time.monotonic_ns()
        for listener in self._listeners:
            listener(device, advert)


@asynccontextmanager
async def hearing(address: str, voice: Voice, air: Air, patience_s: float) -> AsyncIterator[None]:
    """Hear a sensor that only advertises; it is there from its first payload on, for as long as more come.

    A payload is manufacturer data with its company id in front. Some sensors have data where others have that id: then
    every payload comes under another one, and BlueZ may still list those that came before beside it.

    Raises
    ------
    BluetoothError
        If Bluetooth cannot be used.
    SensorNotFoundError
        If the sensor is not heard within `patience_s`.
    """
    first = asyncio.Event()
    known: dict[int, bytes] | None = None

    def on_advert(device: BLEDevice, advert: AdvertisementData) -> None:
        nonlocal known
        if device.address != address or not advert.manufacturer_data:
            return
        before, known = known, dict(advert.manufacturer_data)
        if before is None and len(known) > 1:  # nobody knows which of them is new
            return
        for company, data in known.items():
            if before is None or before.get(company) != data:
                if not first.is_set():
                    first.set()
                    voice.begin()
                voice.say(company.to_bytes(2, "little") + data, PacketKind.ADVERT)

    async with air.listening(on_advert):
        begun_ns = time.monotonic_ns()
        try:
            async with asyncio.timeout(patience_s):
                await first.wait()
        except TimeoutError:
            await air.probe(begun_ns)
            raise SensorNotFoundError(f"{voice.sensor} was not heard within {patience_s:g} s") from None
        yield


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say in one line why Bluetooth cannot be used."""
    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        raise BluetoothError(_ADVICE.get(error.reason) or _no_answer(error)) from error
    except TROUBLE as error:  # without D-Bus a FileNotFoundError, without BlueZ a BleakDBusError
        off = getattr(error, "dbus_error", "") == _BLUEZ_IS_OFF
        raise BluetoothError(_ADVICE[BleakBluetoothNotAvailableReason.POWERED_OFF] if off else _no_answer(error)) from error


def _no_answer(error: Exception) -> str:
    return (
        f"Bluetooth does not answer on this computer ({said(error)}): switch it on (on Linux, `systemctl start bluetooth`), "
        "or try `gluteemg demo`, which needs none."
    )


def said(error: Exception) -> str:
    """Give the words of an error; a time-out has none of its own."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
