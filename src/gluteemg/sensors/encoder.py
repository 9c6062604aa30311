"""Samples to packets, by a profile: the inverse of `gluteemg.sensors.decoder`, for virtual sensors and imports."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.checksum import checksum
from gluteemg.sensors.layout import (
    ChecksumField,
    ConstantField,
    CounterField,
    EmgField,
    PacketLayout,
    ScaleField,
    TextLayout,
    ValueField,
)
from gluteemg.sensors.profile import FirmwareProfile


class Encoder:
    """Writes packets as a device with this profile would, one after the other.

    Parameters
    ----------
    profile : FirmwareProfile
        The device to imitate. Of several layouts that fit, the first is written.
    """

    def __init__(self, profile: FirmwareProfile) -> None:
        self._profile = profile
        self._layouts = profile.emg_layouts
        self._whole = next(p for p in self._layouts if p.delta is None)
        self._factor = next((f.typical for f in self._whole.fields if isinstance(f, ScaleField)), 1.0)
        self._sent = np.zeros(self._whole.channels)  # the sample that the next difference belongs to

    def sizes(self, otherwise: int) -> tuple[int, ...]:
        """Give how many samples the packets of one round hold, from the sample with number 0; mostly one size.

        Parameters
        ----------
        otherwise : int
            Size of a packet whose layout leaves it open; rounded up to whole records.

        Raises
        ------
        ValueError
            If the counters of the layouts leave a place where no packet can begin.
        """
        counter = self._profile.counter
        if counter is None or counter.modulus is None or len(self._layouts) == 1 or counter.counts == "packets":
            return (self._size(self._layouts[0], otherwise),)
        sizes: list[int] = []
        while sum(sizes) < counter.modulus:
            first = sum(sizes)
            fitting = (self._size(p, otherwise) for p in self._layouts if any(True for _ in self._raw_counters(p, first, 1)))
            size = next(fitting, None)
            if size is None:
                raise ValueError(f"{self._profile.id} has no packet that begins with sample {first}")
            sizes.append(size)
        return tuple(sizes)

    def quantise(self, emg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the counts of `emg`, shape (n_samples, n_channels), in the profile's unit.

        Rounded to what can be written and held at the ends of the converter, as hardware does; samples of floating-point
        numbers stay as they are.
        """
        signal = self._profile.signal
        counts = emg / (signal.lsb * self._factor) + signal.bias
        if signal.weights:
            counts = np.concatenate((counts / signal.weights[0], np.zeros((len(emg), len(signal.weights) - 1))), axis=1)
        if self._whole.text is not None:
            counts = np.clip(counts, signal.low, signal.high)
            return np.asarray(np.round(counts, self._whole.text.decimals), np.float64)
        f = self._whole.emg
        assert f is not None
        if f.number.is_float:
            return counts
        low, high = (end * (1 << f.shift) for end in f.number.ends)
        low = low if signal.low is None else max(low, signal.low)
        high = high if signal.high is None else min(high, signal.high)
        written = (p.emg for p in self._layouts if p is self._whole or p.delta is not None)
        step = max(1 << (f.shift + f.lowest_bit_is_sign) for f in written if f is not None)  # differences have steps too
        rounded: NDArray[np.float64] = np.clip(np.rint(counts / step), np.ceil(low / step), np.floor(high / step)) * step
        return rounded

    def encode(self, emg: NDArray[np.float64], first_index: int) -> bytes:
        """Write one packet.

        Parameters
        ----------
        emg : ndarray of shape (n_samples, n_channels)
            In the profile's unit.
        first_index : int
            Number of the first sample since the sensor started.

        Returns
        -------
        bytes
            One packet; `gluteemg.sensors.framing.payloads_of` gives the notifications it is sent in.
        """
        return self.encode_counts(self.quantise(emg), first_index)

    def encode_counts(self, counts: NDArray[np.float64], first_index: int) -> bytes:
        """Write one packet from counts that `quantise` gave, shape (n_samples, n_channels).

        Raises
        ------
        ValueError
            If no layout holds so many samples at this place.
        """
        for layout in self._layouts:
            if layout.text is not None:
                modulus = 0 if self._profile.counter is None else self._profile.counter.modulus
                return _line(layout.text, counts, first_index % modulus if modulus else first_index)
            if len(counts) != self._size(layout, len(counts)):
                continue
            for raw in self._raw_counters(layout, first_index, len(counts)):
                return self._write(layout, counts, raw)
        raise ValueError(f"{self._profile.id} has no packet of {len(counts)} samples at {first_index}")

    def _size(self, layout: PacketLayout, otherwise: int) -> int:
        if layout.emg is None:
            return 1
        return layout.emg.samples * (layout.records or -(-otherwise // layout.emg.samples))

    def _raw_counters(self, layout: PacketLayout, first_index: int, size: int) -> Iterator[NDArray[np.int64]]:
        """Give what the counter field may hold for a packet that begins with this sample: one number, or one a record."""
        counter, field = self._profile.counter, next((f for f in layout.fields if isinstance(f, CounterField)), None)
        if counter is None or field is None:
            yield np.zeros(1, np.int64)
            return
        number: int | NDArray[np.int64] = first_index // size if counter.counts == "packets" else first_index
        if field in layout.record and layout.emg is not None:
            number = number + layout.emg.samples * np.arange(size // layout.emg.samples)
        times, modulus = field.times or 1, self._profile.modulus_of(field)
        shared = gcd(times, modulus)
        wanted = np.atleast_1d(np.asarray(number - field.plus, np.int64)) % modulus
        if (wanted % shared).any():
            return
        apart = modulus // shared
        raw = wanted // shared * pow(times // shared, -1, apart) % apart
        for _ in range(256):  # conditions look at single bytes
            if (raw > field.number.ends[1]).any():
                return
            if self._meets(layout, raw):
                yield raw
            raw = raw + apart

    def _meets(self, layout: PacketLayout, raw: NDArray[np.int64]) -> bool:
        """Tell whether a packet with this counter meets the conditions of its layout."""
        if not layout.when:
            return True
        at = 0
        for f in layout.header:
            if isinstance(f, CounterField):
                written = f.number.write(raw[:1]).view(np.uint8)
                return all(
                    c.range[0] <= int(written[c.byte - at]) & c.mask <= c.range[1]
                    for c in layout.when
                    if at <= c.byte < at + f.size
                )
            at += f.size
        return True

    def _write(self, layout: PacketLayout, counts: NDArray[np.float64], raw: NDArray[np.int64]) -> bytes:
        assert layout.emg is not None
        records = len(counts) // layout.emg.samples
        packet = np.zeros(1, layout.dtype(records))
        octets = packet.view(np.uint8)
        for condition in layout.when:  # what no field writes
            least, most = condition.range
            octets[condition.byte] = next(v for v in range(256) if least <= v & condition.mask <= most)
        sums: list[tuple[str, str, ChecksumField]] = []
        for part, fields in (("header", layout.header), ("records", layout.record), ("trailer", layout.trailer)):
            for name, f in ((str(i), f) for i, f in enumerate(fields)):
                numbers: NDArray[Any]
                if isinstance(f, EmgField):
                    numbers = self._words(layout, f, counts).reshape(records, -1)
                elif isinstance(f, CounterField):
                    numbers = raw[:, np.newaxis]
                elif isinstance(f, ConstantField):
                    numbers = np.array([f.equals])
                elif isinstance(f, ScaleField | ValueField):
                    numbers = np.full(f.count, f.typical)
                else:
                    if isinstance(f, ChecksumField):
                        sums.append((part, name, f))
                    continue
                packet[part][name][0] = f.number.write(numbers)
        for part, name, check in sums:
            covered = octets[np.newaxis, layout.covered(check, records)]
            packet[part][name][0] = check.number.write(checksum(check.algorithm, covered))
        return packet.tobytes()

    def _words(self, layout: PacketLayout, f: EmgField, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give what is written for samples: shifted, with the sign in the lowest bit, or as differences."""
        if layout.delta is not None:
            counts = self._differences(counts, f, 1 if layout.delta == "add" else -1)
        elif any(p.delta for p in self._layouts):
            self._sent = counts[-1].copy()
        words = counts / (1 << f.shift)
        if f.lowest_bit_is_sign:
            words = np.where(words < 0, words + 1, words)  # the lowest bit of an even number, set
        if f.planar:
            words = words.reshape(-1, f.samples, f.count).swapaxes(1, 2)
        return words

    def _differences(self, counts: NDArray[np.float64], f: EmgField, sign: int) -> NDArray[np.float64]:
        """Give differences that can be written; what is too steep is followed as fast as they allow."""
        step = 1 << (f.shift + f.lowest_bit_is_sign)
        low, high = (end * (1 << f.shift) for end in f.number.ends)
        changes = np.empty_like(counts)
        for i, sample in enumerate(counts):
            wanted = np.rint((sample - self._sent) * sign / step) * step
            changes[i] = np.clip(wanted, low, np.floor(high / step) * step)
            self._sent = self._sent + sign * changes[i]
        return changes


def _line(text: TextLayout, counts: NDArray[np.float64], first_index: int) -> bytes:
    samples = iter(counts[0])
    words = {"counter": str(first_index), "skip": "0"}
    return text.separator.join(words.get(column) or f"{next(samples):.{text.decimals}f}" for column in text.columns).encode()
