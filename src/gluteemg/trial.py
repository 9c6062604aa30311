"""One kind of sensor tried without hardware: its virtual twin streams through the real Bluetooth client."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gluteemg.errors import SensorError
from gluteemg.sensors.ble import BleSource
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Packet
from gluteemg.sensors.virtual import VirtualRadio, VirtualSensor

_STARTING_S = 10.0
"""How long a twin may take to be found, connected and started (chosen: many times what it needs)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.

    Parameters
    ----------
    seconds : float
        From the first packet to the last.
    packets, samples : int
        What arrived and could be read; a sample is one value of every channel.
    missing : int
        Samples that never came, by the counter, or that could not be used.
    unreadable : int
        Packets that no layout of the profile takes.
    """

    seconds: float
    packets: int
    samples: int
    missing: int
    unreadable: int


async def try_twin(profile: FirmwareProfile, seconds: float) -> Trial:
    """Advertise a virtual sensor after `profile`, find it, connect, start it, and read it for so long.

    Raises
    ------
    DefinitionError
        If the profile does not describe a Bluetooth device.
    SensorError
        If the twin cannot be found, connected or started, or sends nothing.
    """
    name = (profile.match.name_prefix if profile.match is not None else "") + "twin"
    twin = VirtualSensor(name, profile, lambda first, n: _wave(profile, first, n))
    source = BleSource({name: profile}, radio=VirtualRadio([twin]), find_timeout_s=_STARTING_S)
    packets: list[Packet] = []
    try:
        async with asyncio.timeout(_STARTING_S + seconds), aclosing(source.batches()) as batches:
            async for batch in batches:
                packets += [item for item in batch if isinstance(item, Packet) and item.data]
                if len(packets) > 1 and packets[-1].t_ns - packets[0].t_ns >= seconds * 1e9:
                    break
    except TimeoutError as error:
        raise SensorError(f"The virtual sensor after {profile.id} sends nothing: check its [stream] and [[start]].") from error
    return _judge(profile, packets)


def _judge(profile: FirmwareProfile, packets: list[Packet]) -> Trial:
    t_ns = np.array([packet.t_ns for packet in packets], np.int64)
    chunk = Decoder(profile).decode([packet.data for packet in packets], t_ns)
    holes = int(chunk.index[-1] - chunk.index[0]) + 1 - len(chunk.index) if len(chunk.index) else 0
    missing = chunk.dropped if profile.counter is None else holes
    return Trial(float(t_ns[-1] - t_ns[0]) / 1e9, len(packets), len(chunk.index), missing, chunk.rejected)


def _wave(profile: FirmwareProfile, first: int, n: int) -> NDArray[np.float64]:
    """Give a sine on every channel, well inside the converter; for an envelope one that stays positive."""
    signal = profile.signal
    reach = 100.0 if signal.low is None or signal.high is None else 0.1 * (signal.high - signal.low)
    phase = 0.3 * np.arange(first, first + n)[:, np.newaxis] + np.arange(signal.channels)
    wave = np.sin(phase) + (1.0 if signal.is_envelope else 0.0)
    return np.asarray(signal.lsb * reach * wave, np.float64)
