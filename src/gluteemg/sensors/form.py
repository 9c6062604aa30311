"""A packet layout compiled for packets of one length: how numpy reads many of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gluteemg.sensors.checksum import checksum
from gluteemg.sensors.layout import (
    WIDEST_BITS,
    ChecksumField,
    Condition,
    ConstantField,
    CounterField,
    EmgField,
    Field_,
    PacketLayout,
    ScaleField,
    TextLayout,
    ValueField,
)
from gluteemg.sensors.profile import FirmwareProfile

_SIGN = {None: 0, "add": 1, "subtract": -1}
_Part = str  # "header", "records" or "trailer"


@dataclass(frozen=True, slots=True)
class Reading:
    """What packets of one form held.

    Parameters
    ----------
    rows : ndarray of shape (n_packets,), int64
        Which packets of the run they are.
    samples : int
        Samples in each; 0 where they carry none.
    emg : ndarray of shape (n_packets, samples, n_channels), float64
        Counts, as written.
    sign : int
        0 for samples, +1 or -1 for differences that are added or subtracted.
    first, last : ndarray of shape (n_packets,), int64
        Counter of the first and the last sample; 0 without one.
    steps : ndarray of shape (n_packets, samples), int64 or None
        Steps of the counter inside the packet; None where they are all one.
    modulus : int
        Where sample numbers start over; 0 without a counter.
    values : mapping of str to ndarray of shape (n, count)
        What else they held; rows are packets, or the records of packets.
    """

    rows: NDArray[np.int64]
    samples: int
    emg: NDArray[np.float64]
    sign: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    steps: NDArray[np.int64] | None
    modulus: int
    values: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def forms_of(profile: FirmwareProfile, length: int) -> list[Form | TextForm]:
    """Compile the layouts that packets of `length` bytes may have, in the order of the profile."""
    forms: list[Form | TextForm] = []
    for layout in profile.packets:
        records = layout.records_in(length)
        if records is None:
            continue
        forms.append(Form(profile, layout, records, length) if layout.text is None else TextForm(profile, layout, layout.text))
    return forms


class Form:
    """A layout of fields, for packets with so many records."""

    def __init__(self, profile: FirmwareProfile, layout: PacketLayout, records: int, length: int) -> None:
        self._layout = layout
        self._fields = [
            *_placed("header", layout.header),
            *_placed("records", layout.record),
            *_placed("trailer", layout.trailer),
        ]
        self._dtype = layout.dtype(records) if layout.fields else np.dtype([("bytes", np.uint8, (length,))])
        self._records = records
        self._channels = layout.channels
        self._bias = profile.signal.bias
        self._samples = 0 if layout.emg is None else records * layout.emg.samples
        self._counts_packets = profile.counter is not None and profile.counter.counts == "packets"
        self._modulus = 0
        for _, _, f in self._fields:
            if isinstance(f, CounterField) and profile.counter is not None:
                self._modulus = profile.modulus_of(f)
        if self._counts_packets:
            self._modulus *= self._samples

    def takes(self, matrix: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which packets have this form: conditions, constants and checksums, shape (n_packets, length) → (n_packets,)."""
        taken = _meets(self._layout.when, matrix)
        if any(isinstance(f, ConstantField | ChecksumField) for _, _, f in self._fields):
            read = self._view(matrix)
            for part, name, f in self._fields:
                if isinstance(f, ConstantField):
                    taken &= self._numbers(read, part, name, f)[:, 0] == f.equals
                elif isinstance(f, ChecksumField):
                    covered = matrix[:, self._layout.covered(f, self._records)]
                    taken &= self._numbers(read, part, name, f)[:, 0] == checksum(f.algorithm, covered)
        return taken

    @np.errstate(invalid="ignore", over="ignore")  # any bytes may be read as floating-point numbers: the decoder looks at them
    def read(self, matrix: NDArray[np.uint8], rows: NDArray[np.int64]) -> Reading:
        """Read packets that have this form, shape (n_packets, length)."""
        read, n = self._view(matrix), len(matrix)
        emg, scale = np.empty((n, 0, self._channels)), None
        first = last = np.zeros(n, np.int64)
        steps = None
        values = {}
        for part, name, f in self._fields:
            if isinstance(f, EmgField):
                emg = self._emg(self._numbers(read, part, name, f), f).reshape(n, self._samples, self._channels)
            elif isinstance(f, CounterField):
                first, last, steps = self._count(self._numbers(read, part, name, f), f)
            elif isinstance(f, ScaleField):
                scale = self._numbers(read, part, name, f).astype(np.float64)[:, :, np.newaxis]
            elif isinstance(f, ValueField):
                numbers = self._numbers(read, part, name, f).astype(np.float64)
                values[f.name] = ((numbers - f.bias) * f.lsb).reshape(-1, f.count)
        if scale is not None:
            emg = self._bias + (emg - self._bias) * scale
        return Reading(rows, self._samples, emg, _SIGN[self._layout.delta], first, last, steps, self._modulus, values)

    def _view(self, matrix: NDArray[np.uint8]) -> NDArray[np.void]:
        return np.ascontiguousarray(matrix).view(self._dtype)[:, 0]

    def _numbers(self, read: NDArray[np.void], part: _Part, name: str, f: Field_) -> NDArray[Any]:
        return f.number.read(read[part][name], f.numbers)

    def _emg(self, words: NDArray[Any], f: EmgField) -> NDArray[np.float64]:
        if f.lowest_bit_is_sign:
            words = words & ~1
        emg: NDArray[np.float64] = words.astype(np.float64)
        if f.shift:
            emg *= 1 << f.shift
        if f.planar:
            emg = emg.reshape(*emg.shape[:2], f.count, f.samples).swapaxes(2, 3)
        return emg

    def _count(
        self, raw: NDArray[Any], f: CounterField
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None]:
        """Give first and last number of every packet, and the steps between where every record has a counter of its own."""
        counter = raw.astype(np.int64)[..., 0]
        if f.number.bits > WIDEST_BITS:
            counter &= (1 << WIDEST_BITS) - 1
        numbers = counter * (f.times or 1) + f.plus
        if numbers.ndim == 1:
            return numbers, numbers if self._counts_packets else numbers + self._samples - 1, None
        steps = np.ones((len(numbers), self._samples), np.int64)
        each = self._samples // numbers.shape[1]
        steps[:, each::each] = np.diff(numbers, axis=1) % self._modulus - (each - 1)
        return numbers[:, 0], numbers[:, -1] + each - 1, steps


class TextForm:
    """A line of numbers in ASCII. One line after the other: sensors that send text are slow."""

    def __init__(self, profile: FirmwareProfile, layout: PacketLayout, text: TextLayout) -> None:
        self._text, self._when = text, layout.when
        self._modulus = 0 if profile.counter is None else profile.counter.modulus or 1 << WIDEST_BITS

    def takes(self, matrix: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which lines meet the conditions and have as many numbers as there are columns."""
        return _meets(self._when, matrix) & np.array([self._numbers(row.tobytes()) is not None for row in matrix], np.bool_)

    def read(self, matrix: NDArray[np.uint8], rows: NDArray[np.int64]) -> Reading:
        """Read lines that have this form."""
        numbers = np.array([self._numbers(row.tobytes()) for row in matrix], np.float64)
        columns = np.array(self._text.columns)
        emg = numbers[:, np.newaxis, columns == "emg"]
        counter = numbers[:, columns == "counter"]
        first = counter[:, 0].astype(np.int64) if counter.size else np.zeros(len(rows), np.int64)
        return Reading(rows, 1, emg, 0, first, first, None, self._modulus)

    def _numbers(self, line: bytes) -> list[float] | None:
        words = line.split(self._text.separator.encode())
        if len(words) != len(self._text.columns) or b"_" in line:  # Python would take 1_000 for a number
            return None
        try:
            numbers = [0.0 if column == "skip" else float(word) for column, word in zip(self._text.columns, words, strict=True)]
        except ValueError:
            return None
        counter = [n for n, column in zip(numbers, self._text.columns, strict=True) if column == "counter"]
        return None if any(not (n.is_integer() and 0 <= n < 1 << WIDEST_BITS) for n in counter) else numbers


def _meets(when: tuple[Condition, ...], matrix: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which packets meet all conditions, shape (n_packets, length) → (n_packets,)."""
    met = np.ones(len(matrix), np.bool_)
    for condition in when:
        least, most = condition.range
        byte = matrix[:, condition.byte] & condition.mask
        met &= (byte >= least) & (byte <= most)
    return met


def _placed(part: _Part, fields: tuple[Field_, ...]) -> list[tuple[_Part, str, Field_]]:
    return [(part, str(i), f) for i, f in enumerate(fields)]
