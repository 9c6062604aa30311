"""What a sensor of any profile sends, packet by packet, and what must be read from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.decoder import Chunk
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.framing import payloads_of
from gluteemg.sensors.layout import ScaleField
from gluteemg.sensors.profile import FirmwareProfile

FOLDER = Path(__file__).parents[2] / "firmware_profiles"
FILES = sorted(FOLDER.glob("*.toml"))
PROFILES = [FirmwareProfile.parse(file.read_text("utf-8"), file.name) for file in FILES]
START_NS = 5_000_000_000


@dataclass(frozen=True)
class Sent:
    """One packet: when it arrives, its payloads, and the samples in it."""

    t_ns: int
    payloads: list[bytes]
    first: int
    counts: NDArray[np.float64]
    is_whole: bool

    @property
    def index(self) -> NDArray[np.int64]:
        """Number of each sample."""
        return self.first + np.arange(len(self.counts))


def profile(name: str) -> FirmwareProfile:
    """Give the profile of that name."""
    return next(p for p in PROFILES if p.id == name)


def counts_of(profile: FirmwareProfile, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Give random counts that can be written: from end to end of the converter; where differences are sent, a slow walk."""
    encoder, channels = Encoder(profile), len(profile.signal.weights) or profile.signal.channels
    layout, signal = profile.emg_layouts[0], profile.signal
    ends = (-1000.0, 1000.0) if layout.emg is None else layout.emg.number.ends
    low, high = (end if own is None else own for own, end in zip((signal.low, signal.high), ends, strict=True))
    if any(p.delta for p in profile.packets):
        walk = np.cumsum(rng.integers(-1000, 1001, (n, channels)), axis=0)
        return np.asarray(2 * (walk + rng.integers(-50_000, 50_001, channels)), np.float64)
    random = rng.integers(int(low), int(high), (n, channels), endpoint=True)
    if signal.weights:
        return random.astype(np.float64)
    return encoder.quantise(np.asarray((random - signal.bias) * factor_of(profile) * signal.lsb, np.float64))


def factor_of(profile: FirmwareProfile) -> float:
    """Give the factor that its packets carry."""
    return next((f.typical for f in profile.emg_layouts[0].fields if isinstance(f, ScaleField)), 1.0)


def emg_of(profile: FirmwareProfile, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give what counts are in the unit of the profile."""
    signal = profile.signal
    if signal.weights:
        return np.asarray(counts @ np.array(signal.weights)[:, np.newaxis])
    return (counts - signal.bias) * factor_of(profile) * signal.lsb


def stream(profile: FirmwareProfile, packets: int, rng: np.random.Generator, before: int = 0, room: int = 20) -> list[Sent]:
    """Send packets after `before` rounds of them; each arrives when its last sample was taken."""
    encoder = Encoder(profile)
    sizes = encoder.sizes(8)
    first = start = before * sum(sizes)
    sent: list[Sent] = []
    for _, size in zip(range(packets), cycle(sizes), strict=False):
        counts = counts_of(profile, size, rng)
        if any(p.delta for p in profile.packets) and sent:
            counts = sent[-1].counts[-1] + counts - counts[0]
        payloads = payloads_of(encoder.encode_counts(counts, first), profile.framing, room)
        is_whole = profile.emg_layouts[0].delta is None and (len(sizes) == 1 or size == sizes[0])
        t_ns = START_NS + round((first - start + size) / profile.signal.rate_hz * 1e9)
        sent.append(Sent(t_ns, payloads, first - start, counts, is_whole))
        first += size
    return sent


def assert_adds_up(chunk: Chunk, payloads: int) -> None:
    """Check what holds for any payloads at all."""
    assert len(chunk.emg) == len(chunk.index) == chunk.counts.sum()
    assert len(chunk.counts) == payloads
    assert (chunk.counts >= 0).all()
    assert chunk.rejected >= 0
    assert chunk.dropped >= 0
    assert (np.diff(chunk.index) > 0).all()
    assert np.isfinite(chunk.emg).all()
    for values in chunk.values.values():
        assert len(values.payload) == len(values.data)
        assert (np.diff(values.payload) >= 0).all()
        assert not len(values.payload) or 0 <= values.payload[0] <= values.payload[-1] < payloads
