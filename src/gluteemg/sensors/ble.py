"""Packets from Bluetooth sensors, real or virtual.

One task a sensor keeps it connected, or listened to, for as long as somebody reads; what connects, breaks off and comes back
is in the stream of packets, in its place.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gluteemg.errors import BluetoothError, DefinitionError, SensorError, SensorNotFoundError
from gluteemg.sensors.air import TROUBLE, Air, Sought, hearing, said
from gluteemg.sensors.inbox import Inbox, Voice
from gluteemg.sensors.link import Link
from gluteemg.sensors.profile import FirmwareProfile, recognise
from gluteemg.sensors.source import Item

if TYPE_CHECKING:
    from gluteemg.sensors.virtual import VirtualRadio

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
"""One look for a sensor that went away (chosen: some advertise only once a second, and others wait for their turn)."""
_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
"""Between two attempts at a sensor, doubling (chosen: looking all the time takes air from the sensors that are there). Attempts
take turns, so that they need no chance in it."""
_UNREACHABLE = 3
"""Attempts at a sensor that went away until the person is asked for help (chosen: about 20 s; some sensors do not advertise
again until they are switched off and on)."""


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
    hardware : str or None
        ``tested`` or ``untested``: whether the profile was tried on the real thing.
    signal : str or None
        What kind of signal it sends by that profile: ``raw``, ``envelope`` …
    """

    name: str
    profile: str | None
    rssi: int
    address: str
    hardware: str | None = None
    signal: str | None = None


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
        if not name:
            return
        profile = recognise(name, advert.service_uuids, known)
        kind = (profile.id, profile.hardware, profile.signal.kind) if profile else (None, None, None)
        found[device.address] = Found(name, kind[0], advert.rssi, device.address, *kind[1:])

    async with radio or nullcontext(), Air(Inbox(), radio).listening(seen):
        await asyncio.sleep(seconds)
    return sorted(found.values(), key=lambda f: (f.profile is None, -f.rssi, f.name))


class BleSource:
    """Streams what Bluetooth sensors send; a `gluteemg.sensors.source.Source`.

    Parameters
    ----------
    wanted : mapping of str to FirmwareProfile
        The sensors by the name that they advertise; by ``NAME@ADDRESS`` where several are called alike.
    radio : VirtualRadio, optional
        Where they are; the operating system's Bluetooth if not given. Entered and left by `batches`.
    find_timeout_s : float
        How long to look for the sensors at first, and to try to connect those found.

    Raises
    ------
    DefinitionError
        If a profile names no characteristic that streams.
    SensorError
        If no sensor is wanted.
    """

    def __init__(
        self, wanted: Mapping[str, FirmwareProfile], *, radio: VirtualRadio | None = None, find_timeout_s: float = 10.0
    ) -> None:
        if not wanted:
            raise SensorError("There is no sensor to read: name one at least, `gluteemg scan` shows which are there.")
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

    async def batches(self) -> AsyncGenerator[list[Item], None]:
        """Find and connect all sensors, then yield items as they arrive, all that wait at once.

        A sensor that goes away says so in a packet and is looked for until it is back; the others stay. The stream ends
        only when it is closed (use `contextlib.aclosing`): then the sensors are stopped and disconnected.

        Events tell the rest: ``battery`` (sensor, value, unit), ``short_packets`` (sensor, bytes, needs), ``unreachable``
        (sensor, attempts, reason) and, for all, ``bluetooth`` (usable, reason) when it is switched off and on meanwhile.

        Raises
        ------
        BluetoothError
            If Bluetooth cannot be used.
        SensorNotFoundError
            If a sensor does not show up.
        SensorError
            If a sensor was found and could not be connected, sends nothing, is of another kind, or is one of several with its
            name.
        """
        inbox = Inbox()
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

    async def _keep_all(self, inbox: Inbox) -> None:
        async with self._radio or nullcontext():
            air = Air(inbox, self._radio, repeats=any(_only_advertises(p) for p in self._wanted.values()))
            sought = [Sought(name, profile) for name, profile in self._wanted.items()]
            await air.find(sought, self._find_timeout_s)
            _make_sure(sought, self._find_timeout_s)
            turn = asyncio.Lock()
            try:
                async with asyncio.TaskGroup() as sensors:
                    for one in sought:
                        keeper = _Keeper(one, inbox, air, turn, self._radio)
                        sensors.create_task(keeper.keep(self._find_timeout_s), name=f"gluteemg {one.key}")
            except ExceptionGroup as troubles:
                raise troubles.exceptions[0] from None


class _Keeper:
    """Keeps one sensor there.

    Who looks for a sensor or connects one has the `turn`: BlueZ connects one at a time. Every turn ends after `_LOOK_S` and
    `link.CONNECT_S` at the latest, and turns are taken in order: a sensor that hangs delays the others by so much, once a
    round. Nobody who has it waits for another who may want it: to hear sensors that only advertise needs no turn.
    """

    def __init__(self, sought: Sought, inbox: Inbox, air: Air, turn: asyncio.Lock, radio: VirtualRadio | None) -> None:
        ((address, device),) = sought.here.items()
        sought.address = address.upper()  # from here on it is this one: another of its name never takes its role
        self._sought, self._address = sought, address
        self._device: BLEDevice | None = device
        self._inbox, self._air, self._turn, self._radio = inbox, air, turn, radio
        self._first_try_ns = 0

    async def keep(self, patience_s: float) -> None:
        """Keep it connected until cancelled; raise if nothing comes of it within `patience_s` at first."""
        name = self._sought.key
        streamed, failed, pause_s = False, 0, _PAUSE_S
        while True:
            voice = Voice(name, self._inbox)
            try:
                async with self._streaming(voice):
                    await voice.end()
                streamed, failed, pause_s = True, 0, _PAUSE_S
            except (*TROUBLE, SensorError) as trouble:
                _log.debug("%s: %s", name, said(trouble))
                if not streamed:
                    self._judge(trouble, voice, patience_s)
                elif not isinstance(trouble, BluetoothError):  # which is nobody's fault here, and has an event of its own
                    failed += 1
                    if failed == _UNREACHABLE:
                        self._inbox.tell("unreachable", sensor=name, attempts=failed, reason=said(trouble))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    @asynccontextmanager
    async def _streaming(self, voice: Voice) -> AsyncIterator[None]:
        """Connect and start the sensor, or hear it, then stop it and hang up."""
        if _only_advertises(self._sought.profile):
            self._begin_trying()
            async with hearing(self._address, voice, self._air, _LOOK_S):
                yield
            return
        async with AsyncExitStack() as stack:
            async with self._turn:
                self._begin_trying()
                link = Link(self._sought.profile, voice, await self._look(), self._radio)
                stack.push_async_callback(link.close)
                await link.connect()
            await link.start()
            yield

    def _begin_trying(self) -> None:
        self._first_try_ns = self._first_try_ns or time.monotonic_ns()

    async def _look(self) -> BLEDevice:
        """Give the device: BlueZ forgets one that went away, so it is looked for before each connection but the first."""
        device, self._device = self._device, None
        if device is None:
            await self._air.find([self._sought], _LOOK_S)
            if not self._sought.here:
                raise SensorNotFoundError(f"{self._sought.key} did not show up within {_LOOK_S:g} s")
            (device,) = self._sought.here.values()
        return device

    def _judge(self, trouble: Exception, voice: Voice, patience_s: float) -> None:
        """Raise what will not get better: a wrong profile at once, everything else when it has lasted."""
        if not isinstance(trouble, (*TROUBLE, BluetoothError, SensorNotFoundError)):
            raise trouble
        if time.monotonic_ns() - self._first_try_ns <= 1e9 * patience_s:
            return
        if isinstance(trouble, BluetoothError):
            raise trouble
        name = self._sought.key
        if voice.begun:
            raise SensorError(
                f"{name} connects but sends no data: check that it is switched to the right mode, "
                f"or name another profile with --profile {name}=PROFILE."
            ) from trouble
        does_not = "sends no data" if _only_advertises(self._sought.profile) else "does not connect"
        raise SensorError(
            f"{name} is there but {does_not} ({said(trouble)}): switch it off and on, "
            "and close every other program that may hold it."
        ) from trouble


def _only_advertises(profile: FirmwareProfile) -> bool:
    return profile.stream is not None and profile.stream.kind == "advertising"


def _make_sure(sought: Sequence[Sought], seconds: float) -> None:
    """Raise if a sensor was not found, or more than one of its name."""
    if missing := [one for one in sought if not one.here]:
        for one in missing:
            if one.other_service:
                raise SensorNotFoundError(
                    f"{one.key} is there, but it is no {one.profile.name}: name the profile that fits with "
                    f"--profile {one.key}=PROFILE, or run `gluteemg scan` to see what is there."
                )
        it = "it" if len(missing) == 1 else "them"
        raise SensorNotFoundError(
            f"{' and '.join(one.key for one in missing)} did not show up within {seconds:g} s: "
            f"switch {it} on, bring {it} closer, or run `gluteemg scan` to see what is there."
        )
    for one in sought:
        if len(one.here) > 1:
            full = [f"{one.name}@{address}" for address in one.here]
            raise SensorError(f"Several sensors are called {one.name}: write {' or '.join(full)}, whichever you mean.")
