"""Every profile has a virtual twin: found, connected and started by bleak's own client, it sends what its converter took."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from numpy.typing import NDArray
from tests.sensors.streams import PROFILES

from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile, Write
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_task_is_left_behind")]

_STREAMING = [p for p in PROFILES if p.stream is not None]
_CONNECTED = [p for p in _STREAMING if p.stream is not None and p.stream.kind == "notify"]
_PACKETS_A_SECOND = 150  # more than most sensors send, so that little time shows much
_ENOUGH = 8  # packets, and one more for each that a whole packet is sent in


class Converter:
    """Gives samples that tell where they belong: a tangle of waves, 25 steps high, no two stretches alike."""

    def __init__(self, profile: FirmwareProfile) -> None:
        signal, layout = profile.signal, profile.emg_layouts[0]
        self._channels, self._middle = signal.channels, 25.0 if signal.is_envelope else 0.0
        if layout.text is not None:
            self.step = 10.0**-layout.text.decimals
        else:
            scale = next((f.typical for f in layout.fields if f.field == "scale"), 1.0)
            assert layout.emg is not None
            words = max(1 << (f.shift + f.lowest_bit_is_sign) for p in profile.emg_layouts if (f := p.emg) is not None)
            self.step = signal.lsb * scale * words * (signal.weights or (1,))[0]
        self.first: list[int] = []

    def __call__(self, first_index: int, n: int) -> NDArray[np.float64]:
        self.first.append(first_index)
        return self.taken(first_index, n)

    def taken(self, first_index: int, n: int) -> NDArray[np.float64]:
        i, channel = np.arange(first_index, first_index + n)[:, np.newaxis], np.arange(self._channels)
        wave = 15 * np.sin(0.31 * i + channel) + 10 * np.sin(0.0473 * i * (1 + channel))
        emg: NDArray[np.float64] = (wave + self._middle) * self.step
        return emg

    def holds(self, emg: NDArray[np.float64]) -> bool:
        """Tell whether these are samples that were taken, one after the other, to within a step: differences round twice."""
        return any(np.abs(self.taken(first, len(emg)) - emg).max() <= self.step for first in self.first)


def _twin(profile: FirmwareProfile, converter: Converter) -> VirtualSensor:
    """Give a twin that sends packets fast, whatever their size."""
    sizes = Encoder(profile).sizes(8)
    rate_hz = _PACKETS_A_SECOND * sum(sizes) / len(sizes)
    if profile.stream is not None and profile.stream.kind == "advertising":
        rate_hz /= 2
    return VirtualSensor((profile.match.name_prefix if profile.match else "") + "A1", profile, converter, rate_hz=rate_hz)


async def _find(radio: VirtualRadio, twin: VirtualSensor) -> BLEDevice:
    device = await BleakScanner.find_device_by_name(twin.name, 2.0, backend=radio.scanner)
    assert device is not None
    return device


class Ear:
    """Keeps what is notified, by characteristic."""

    def __init__(self) -> None:
        self.heard = asyncio.Queue[tuple[str, bytes]]()

    async def subscribe(self, client: BleakClient, uuid: str) -> None:
        await client.start_notify(uuid, lambda _, data: self.heard.put_nowait((uuid, bytes(data))))

    async def next(self) -> tuple[str, bytes]:
        async with asyncio.timeout(2):
            return await self.heard.get()


async def _do(client: BleakClient, steps: tuple[Write, ...]) -> None:
    """Write a sequence, and wait for the replies that it asks for."""
    for step in steps:
        reply = Ear()
        if step.reply is not None:
            await reply.subscribe(client, step.reply_from or step.characteristic)
        await client.write_gatt_char(step.characteristic, step.payload, step.response)
        if step.reply is not None:
            assert (await reply.next())[1].startswith(bytes.fromhex(step.reply))
            await client.stop_notify(step.reply_from or step.characteristic)


def _decoded(profile: FirmwareProfile, payloads: list[bytes]) -> NDArray[np.float64]:
    """Give the longest stretch without a hole: what is decoded before the first whole packet of a delta is none."""
    arrival_ns = np.arange(len(payloads)) * 10_000_000
    chunk = Decoder(profile).decode(payloads, arrival_ns)
    assert chunk.rejected <= (profile.framing is not None)  # a stream may be joined in the middle of a packet
    stretches = np.split(chunk.emg, np.flatnonzero(np.diff(chunk.index) > 1) + 1)
    return max(stretches, key=len)


@pytest.mark.parametrize("profile", _CONNECTED, ids=lambda p: p.id)
async def test_a_twin_is_found_connected_started_and_sends_what_it_takes(profile: FirmwareProfile) -> None:
    assert profile.stream is not None
    converter, ear, payloads, gone = Converter(profile), Ear(), list[bytes](), asyncio.Event()
    twin = _twin(profile, converter)
    async with (
        VirtualRadio([twin]) as radio,
        BleakClient(await _find(radio, twin), lambda _: gone.set(), backend=radio.client) as client,
    ):
        for uuid in profile.stream.all:
            await ear.subscribe(client, uuid)
        await _do(client, profile.start)
        for _ in range(_ENOUGH):
            uuid, data = await ear.next()
            several = len(profile.stream.all) > 1
            payloads.append(bytes([profile.stream.all.index(uuid)]) + data if several else data)
        emg = _decoded(profile, payloads)
        assert len(emg) >= 5
        assert converter.holds(emg)
        await _do(client, profile.stop)
        await twin.drop()
        async with asyncio.timeout(5):
            await gone.wait()
        assert not client.is_connected


@pytest.mark.parametrize("profile", [p for p in _STREAMING if p not in _CONNECTED], ids=lambda p: p.id)
async def test_a_twin_that_advertises_sends_what_it_takes_into_the_air(profile: FirmwareProfile) -> None:
    converter, heard = Converter(profile), asyncio.Queue[bytes]()
    twin = _twin(profile, converter)

    def seen(device: BLEDevice, advert: AdvertisementData) -> None:
        if device.name == twin.name:
            for company, value in advert.manufacturer_data.items():
                heard.put_nowait(company.to_bytes(2, "little") + value)

    async with VirtualRadio([twin]) as radio, BleakScanner(seen, backend=radio.scanner):
        async with asyncio.timeout(2):
            payloads = [await heard.get() for _ in range(_ENOUGH)]
        assert converter.holds(_decoded(profile, payloads))
        await twin.drop()
