"""What is wrong with a profile, and what is doubtful, beyond what its schema can tell: every profile carries its own proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gluteemg.sensors.decoder import Chunk, Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.form import Reading, forms_of
from gluteemg.sensors.framing import Framer, payloads_of
from gluteemg.sensors.layout import ConstantField, CounterField, EmgField, PacketLayout, ScaleField
from gluteemg.sensors.profile import USABLE_SHARE, FirmwareProfile, Vector

_WATCHDOG_S = 2.0
"""A sensor that is silent for so long is connected anew: a counter should run longer (chosen)."""
_EXACT, _AS_FLOAT32, _AS_PRINTED = 1e-9, 1e-6, 1e-3
"""Relative differences that are let be: of numbers in this program, of a factor sent in 32 bits, of published figures."""
_HEADER_BYTES = 3
"""What a notification carries besides its payload (Bluetooth Core 5.4, Vol 3, Part F, 3.4.7.1)."""


@dataclass(frozen=True, slots=True)
class Objections:
    """What is to be said against a profile, a line each.

    Parameters
    ----------
    faults : tuple of str
        What is wrong: with any of these, a profile is not to be trusted.
    remarks : tuple of str
        What is doubtful or weak, for the maker to think about.
    """

    faults: tuple[str, ...]
    remarks: tuple[str, ...]


def objections(profile: FirmwareProfile) -> Objections:
    """Tell everything that is wrong or doubtful about a profile.

    A vector must give what it says, and its packets, encoded from their own samples, the same bytes: those of counters, samples
    and constants, in a layout that the encoder writes too. What else is in a packet is not known from its samples.
    """
    return Objections(tuple(_faults(profile)), tuple(_remarks(profile)))


def _faults(profile: FirmwareProfile) -> list[str]:
    found = []
    if profile.match is None:
        found.append("no [match]: the device cannot be found while scanning")
    if profile.stream is None:
        found.append("no [stream]: nobody knows where the samples come from")
    if not profile.vectors:
        found.append("no [[vectors]]: give two packets or more with the samples they must give")
    for number, vector in enumerate(profile.vectors):
        found += [f"vectors[{number}] {fault}" for fault in _vector_faults(profile, vector)]
    try:
        found += _round_trip_faults(profile)
    except (ValueError, IndexError) as error:
        found.append(f"no packet can be written by it ({error}): look at the conditions and counters of [[packets]]")
    longest = _longest_payload(profile)
    if longest is not None and profile.link.min_mtu < longest + _HEADER_BYTES:
        found.append(
            f"link.min_mtu is {profile.link.min_mtu}, a packet of {longest} bytes needs {longest + _HEADER_BYTES}: "
            "say so, or give [framing]"
        )
    return found


def _remarks(profile: FirmwareProfile) -> list[str]:
    found = []
    signal, wrap_s = profile.signal, profile.wrap_s
    if profile.start and not profile.stop:
        found.append("there is [[start]] and no [[stop]]: the device may go on sending, and its battery run down")
    if wrap_s is None:
        found.append("no [counter]: a lost packet only shows as a lower rate")
    elif wrap_s == float("inf"):
        found.append(
            "a counter in text without counter.modulus never starts over: if yours does, lost samples are not told apart"
        )
    elif wrap_s < _WATCHDOG_S:
        found.append(f"the counter starts over after {wrap_s:.3g} s: a loss of that length is told by arrival times alone")
    in_band = any(isinstance(f, ScaleField) for p in profile.emg_layouts for f in p.fields)
    if not (profile.is_float or in_band or signal.weights) and (signal.low is None or signal.high is None):
        found.append("signal.low or signal.high is missing: a signal at the ends of the converter is not noticed")
    if signal.band_hz is not None and signal.band_hz[1] > USABLE_SHARE * signal.rate_hz:
        found.append(
            f"signal.band_hz ends at {signal.band_hz[1]:g} Hz, {signal.rate_hz:g} samples a second carry "
            f"{USABLE_SHARE * signal.rate_hz:g} Hz"
        )
    shown = [_read(profile, packet) for vector in profile.vectors for packet in _packets(profile, vector.payloads)]
    for number, layout in enumerate(profile.packets):
        if layout.kind == "emg" and not any(read is not None and read[0] is layout for read in shown):
            found.append(f"packets[{number}] is in no vector")
    if 0 < sum(read is not None and read[1].samples > 0 for read in shown) < 2:
        found.append("the vectors hold one packet of samples: give two or more that follow each other")
    return found


def _vector_faults(profile: FirmwareProfile, vector: Vector) -> Iterator[str]:
    """Tell what a vector gives instead of what it says; its packets follow each other."""
    read = [(packet, _read(profile, packet)) for packet in _packets(profile, vector.payloads)]
    for packet, taken in read:
        if taken is None:
            yield f"has a packet that no layout takes: {packet.hex()}"
    chunk = _decode(profile, vector.payloads)
    signal, tolerance = profile.signal, _tolerance(profile)
    if len(chunk.emg) != len(vector.emg):
        yield f"gives {len(chunk.emg)} samples, its emg has {len(vector.emg)} ({chunk.dropped} were dropped)"
    else:
        yield from _difference("emg", vector.emg, chunk.emg / signal.lsb + signal.bias, tolerance, signal.bias)
        if vector.scaled:
            yield from _difference("scaled", vector.scaled, chunk.emg, _AS_PRINTED)
        yield from _unlike(profile, chunk.emg, [(packet, taken) for packet, taken in read if taken is not None])
    for name, rows in vector.values.items():
        if name not in chunk.values:
            yield f"gives no {name} in values"
        else:
            yield from _difference(name, rows, chunk.values[name].data, _AS_FLOAT32)
    if profile.counter is not None and len(vector.emg):
        counters = [c for _, taken in read if taken is not None for c in _counters(profile, taken[1])]
        yield from _difference("counter", [vector.counter], [counters], 0.0)


def _unlike(
    profile: FirmwareProfile, emg: NDArray[np.float64], read: Sequence[tuple[bytes, tuple[PacketLayout, Reading]]]
) -> Iterator[str]:
    """Encode the samples of packets again, and tell which bytes come out otherwise."""
    encoder, at = Encoder(profile), 0
    for packet, (layout, reading) in read:
        n = reading.samples
        samples, at = emg[at : at + n], at + n
        if not n or layout.text is not None or profile.signal.weights or any(isinstance(f, ScaleField) for f in layout.fields):
            continue
        counted = profile.counter is not None and profile.counter.counts == "packets"
        try:
            written = encoder.encode(samples, int(reading.first[0]) * (n if counted else 1))
        except (ValueError, IndexError):
            continue  # told by the round trip, where it matters
        again = _read(profile, written)
        if again is not None and again[0] is layout and _essence(layout, written) != _essence(layout, packet):
            yield f"is encoded back as {written.hex()} instead of {packet.hex()}"


def _round_trip_faults(profile: FirmwareProfile) -> Iterator[str]:
    """Encode two rounds of a small signal, cut it as the connection does, decode it, and tell where it comes back otherwise."""
    encoder, signal = Encoder(profile), profile.signal
    sizes = encoder.sizes(8) * 2 if len(encoder.sizes(8)) > 1 else encoder.sizes(8) * 5
    rng, factor = np.random.default_rng(0), _factor(profile)
    counts = encoder.quantise(signal.lsb * factor * rng.integers(-40, 40, (sum(sizes), signal.channels)).astype(np.float64))
    payloads, at = [], 0
    for size in sizes:
        packet = encoder.encode_counts(counts[at : at + size], at)
        payloads += payloads_of(packet, profile.framing, profile.link.min_mtu - _HEADER_BYTES)
        at += size
    chunk = _decode(profile, payloads)
    expected = (counts - signal.bias) * factor * signal.lsb
    if signal.weights:
        expected = counts @ np.array(signal.weights)[:, np.newaxis]
    n, came = len(expected), len(chunk.emg)
    if chunk.rejected or came != n:
        yield f"of {n} samples that are encoded {came} come back, and {chunk.rejected} packets are rejected"
    else:
        yield from (f"encoded and decoded again, {d}" for d in _difference("emg", expected, chunk.emg, _tolerance(profile)))


def _difference(what: str, expected: ArrayLike, got: ArrayLike, tolerance: float, least: float = 0.0) -> Iterator[str]:
    """Tell the first place where two tables differ by more than a share of their size (or of `least`)."""
    try:
        wanted, given = np.array(expected, np.float64), np.array(got, np.float64)
    except ValueError:
        yield f"has rows of different length in {what}"
        return
    if wanted.shape != given.shape:
        if wanted.size or given.size:
            yield f"has {what} of shape {wanted.shape}, the packets give {given.shape}"
        return
    differing = np.argwhere(np.abs(given - wanted) > tolerance * np.maximum(np.abs(wanted), abs(least)) + 1e-12)
    if len(differing):
        row, column = differing[0].tolist()
        yield f"expects {what}[{row}][{column}] = {wanted[row, column]:.10g}, the packets give {given[row, column]:.10g}"


def _packets(profile: FirmwareProfile, payloads: Sequence[bytes]) -> Sequence[bytes]:
    return payloads if profile.framing is None else Framer(profile.framing).cut(payloads).packets


def _decode(profile: FirmwareProfile, payloads: Sequence[bytes]) -> Chunk:
    return Decoder(profile).decode(payloads, 1_000_000 * np.arange(len(payloads), dtype=np.int64))  # 1 ms: no wrap in between


def _read(profile: FirmwareProfile, packet: bytes) -> tuple[PacketLayout, Reading] | None:
    """Give the layout that takes a packet, and what it reads."""
    matrix = np.frombuffer(packet, np.uint8)[np.newaxis]
    layouts = [p for p in profile.packets if p.records_in(len(packet)) is not None]
    for layout, form in zip(layouts, forms_of(profile, len(packet)), strict=True):
        if form.takes(matrix).all():
            return layout, form.read(matrix, np.zeros(1, np.int64))
    return None


def _counters(profile: FirmwareProfile, reading: Reading) -> list[int]:
    """Give the counter of every sample of a packet: its own, or that of the packet where those are counted."""
    if not reading.samples:
        return []
    first = int(reading.first[0])
    if profile.counter is not None and profile.counter.counts == "packets":
        return [first] * reading.samples
    steps = np.ones(reading.samples, np.int64) if reading.steps is None else reading.steps[0].copy()
    steps[0] = first
    return [int(counter) for counter in np.cumsum(steps) % reading.modulus]


def _essence(layout: PacketLayout, packet: bytes) -> list[bytes]:
    """Give the bytes of a packet that follow from its samples and their place."""
    (read,) = np.frombuffer(packet, layout.dtype(layout.records_in(len(packet)) or 0))
    parts = (("header", layout.header), ("records", layout.record), ("trailer", layout.trailer))
    return [
        read[part][str(i)].tobytes()
        for part, fields in parts
        for i, f in enumerate(fields)
        if isinstance(f, EmgField | CounterField | ConstantField)
    ]


def _factor(profile: FirmwareProfile) -> float:
    """Give the factor that the encoder writes into its packets."""
    return next((f.typical for p in profile.emg_layouts[:1] for f in p.fields if isinstance(f, ScaleField)), 1.0)


def _tolerance(profile: FirmwareProfile) -> float:
    return _AS_FLOAT32 if any(isinstance(f, ScaleField) for p in profile.emg_layouts for f in p.fields) else _EXACT


def _longest_payload(profile: FirmwareProfile) -> int | None:
    """Give the longest notification of samples; None where nothing is notified, or packets are cut to fit."""
    if profile.stream is None or profile.stream.kind != "notify" or profile.framing is not None:
        return None
    lengths = [p.length or p.dtype(p.records or 0).itemsize for p in profile.emg_layouts if p.length or p.records]
    return max(lengths) - bool(profile.stream.characteristics) if lengths else None
