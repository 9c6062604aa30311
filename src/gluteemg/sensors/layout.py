"""How one kind of packet is laid out: fields in bytes, or columns of text. Part of a firmware profile."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from gluteemg.definition import Part
from gluteemg.sensors.checksum import Algorithm, highest
from gluteemg.sensors.number import Number, NumberType, number

Bytes = Annotated[int, Field(ge=1, le=4096)]
"""A length. One notification holds at most 512 bytes (Bluetooth Core 5.4, Vol 3, Part F, 3.2.9); a packet cut from a stream may
be longer."""
Count = Annotated[int, Field(ge=1, le=512)]
WIDEST_BITS = 48
"""Bits of a counter that are looked at: at 100 kHz they last for 89 years (chosen, so that numbers of samples fit 64 bits)."""


class _Numbers(Part):
    """`count` numbers of one type in a row."""

    type: NumberType
    count: Count = 1

    @property
    def number(self) -> Number:
        """The type, read."""
        return number(self.type)

    @property
    def numbers(self) -> int:
        """How many numbers there are in all."""
        return self.count

    @property
    def size(self) -> int:
        """Bytes on the air."""
        dtype, items = self.number.stored(self.numbers)
        return dtype.itemsize * items


class EmgField(_Numbers):
    """The samples: `samples` after each other, each of `count` channels (``planar``: each channel's samples together).

    ``shift`` multiplies by a power of two what the sensor cut off; ``lowest_bit_is_sign`` names a sensor that overwrites the
    lowest bit of every word with its sign: that bit is read as zero.
    """

    field: Literal["emg"]
    samples: Count = 1
    planar: bool = False
    shift: Annotated[int, Field(ge=0, le=16)] = 0
    lowest_bit_is_sign: bool = False

    @model_validator(mode="after")
    def _has_bits(self) -> Self:
        if (self.shift or self.lowest_bit_is_sign) and self.number.letter != "i":
            raise ValueError(f"shift and lowest_bit_is_sign are for signed whole numbers, not {self.type}")
        return self

    @property
    def numbers(self) -> int:
        """Samples times channels."""
        return self.count * self.samples


class CounterField(_Numbers):
    """The counter. The first sample beside it has the number ``value * times + plus``.

    `times` is left out where the counter counts samples, or packets.
    """

    field: Literal["counter"]
    count: Literal[1] = 1
    times: Annotated[int, Field(ge=1, le=4096)] | None = None
    plus: int = 0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.number.is_float:
            raise ValueError(f"a counter is a whole number, not {self.type}")
        return self


class ScaleField(_Numbers):
    """A factor that the samples of this packet are multiplied with; `typical` is what the virtual twin sends."""

    field: Literal["scale"]
    count: Literal[1] = 1
    typical: Annotated[float, Field(gt=0)]


class ValueField(_Numbers):
    """Something else that is worth keeping, such as the battery: ``(number - bias) * lsb`` in `unit`, under its `name`.

    `typical` is the number that the virtual twin sends.
    """

    field: Literal["value"]
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    unit: str = ""
    lsb: float = 1.0
    bias: float = 0.0
    typical: float = 0.0

    @model_validator(mode="after")
    def _writes(self) -> Self:
        if not self.number.holds(self.typical):
            raise ValueError(f"{self.name}: typical is {self.typical:g}, which {self.type} does not hold")
        return self


class ConstantField(_Numbers):
    """A number that is always the same; a packet where it is not is refused."""

    field: Literal["constant"]
    count: Literal[1] = 1
    equals: int

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.number.is_float or not self.number.holds(self.equals):
            raise ValueError(f"equals is {self.equals}, which {self.type} does not hold")
        return self


class ChecksumField(_Numbers):
    """The sum over the bytes from `first_byte` up to this field; a packet where it is wrong is refused."""

    field: Literal["checksum"]
    count: Literal[1] = 1
    algorithm: Algorithm
    first_byte: Annotated[int, Field(ge=0, le=64)] = 0

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.number.letter != "u" or not self.number.holds(highest(self.algorithm)):
            raise ValueError(f"{self.algorithm} does not fit into {self.type}")
        return self


class SkipField(_Numbers):
    """Bytes to read past."""

    field: Literal["skip"]


Field_ = EmgField | CounterField | ScaleField | ValueField | ConstantField | ChecksumField | SkipField
FieldLayout = Annotated[Field_, Field(discriminator="field")]


class Condition(Part):
    """What one byte of a packet must be: ``byte & mask`` lies from `least` to `most`, or `equals`.

    In a text the bytes are its characters.
    """

    byte: Annotated[int, Field(ge=0, le=511)]
    mask: Annotated[int, Field(ge=1, le=255)] = 255
    equals: Annotated[int, Field(ge=0, le=255)] | None = None
    least: Annotated[int, Field(ge=0, le=255)] | None = None
    most: Annotated[int, Field(ge=0, le=255)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.equals is None) == (self.least is None or self.most is None):
            raise ValueError("give either equals, or least and most")
        return self

    @property
    def range(self) -> tuple[int, int]:
        """Lowest and highest value that is taken."""
        if self.equals is not None:
            return self.equals, self.equals
        assert self.least is not None
        assert self.most is not None
        return self.least, self.most


class TextLayout(Part):
    """Numbers written in ASCII, `columns` parted by `separator`; `decimals` is how many the virtual twin writes."""

    columns: tuple[Literal["emg", "counter", "skip"], ...]
    separator: Annotated[str, Field(min_length=1, max_length=4)] = ","
    decimals: Annotated[int, Field(ge=0, le=9)] = 2

    @model_validator(mode="after")
    def _has_emg(self) -> Self:
        if "emg" not in self.columns or self.columns.count("counter") > 1:
            raise ValueError("the columns need emg, and at most one counter")
        return self


class PacketLayout(Part):
    """One kind of packet: a header, records of samples, a trailer; or a line of text.

    A packet belongs to the first layout whose `length` it has and whose conditions it meets; a layout without `length` takes
    any that fits. ``delta`` says that the numbers are differences to the sample before; the layouts of the same profile without
    it then carry the sample that they start from.
    """

    kind: Literal["emg", "auxiliary"] = "emg"
    length: Bytes | None = None
    when: tuple[Condition, ...] = ()
    header: tuple[FieldLayout, ...] = ()
    record: tuple[FieldLayout, ...] = ()
    records: Count | None = None
    trailer: tuple[FieldLayout, ...] = ()
    text: TextLayout | None = None
    delta: Literal["add", "subtract"] | None = None
    note: str = ""

    @cached_property
    def emg(self) -> EmgField | None:
        """The field of the samples; None in a text, and in a packet without any."""
        return next((f for f in self.record if isinstance(f, EmgField)), None)

    @property
    def channels(self) -> int:
        """Channels of every sample."""
        if self.text is not None:
            return self.text.columns.count("emg")
        return 0 if self.emg is None else self.emg.count

    @property
    def fields(self) -> tuple[Field_, ...]:
        """All fields in their order, those of the record once."""
        return (*self.header, *self.record, *self.trailer)

    @property
    def values(self) -> tuple[ValueField, ...]:
        """What else the packet tells."""
        return tuple(f for f in self.fields if isinstance(f, ValueField))

    @property
    def counters(self) -> int:
        """How many counters the packet has."""
        if self.text is not None:
            return self.text.columns.count("counter")
        return sum(isinstance(f, CounterField) for f in self.fields)

    def samples_in(self, length: int) -> int | None:
        """Count the samples in a packet of `length` bytes, or None if such a packet does not belong here."""
        records = self.records_in(length)
        return None if records is None or self.emg is None else records * self.emg.samples

    def records_in(self, length: int) -> int | None:
        """Count the records in a packet of `length` bytes, or None if such a packet does not belong here."""
        if self.length is not None and length != self.length:
            return None
        if any(condition.byte >= length for condition in self.when):
            return None
        if self.text is not None:
            return 1
        if not self.fields:
            return 0
        body, size = length - _size(self.header) - _size(self.trailer), _size(self.record)
        if not self.record:
            return None if body else 0
        if body <= 0 or body % size or (self.records is not None and body != self.records * size):
            return None
        return body // size

    def covered(self, check: ChecksumField, records: int) -> slice:
        """Give the bytes that a checksum covers in a packet with so many records."""
        before = [*self.header, *(f for _ in range(records) for f in self.record), *self.trailer]
        return slice(check.first_byte, sum(f.size for f in before[: before.index(check)]))

    def dtype(self, records: int) -> np.dtype[np.void]:
        """Give a packet with so many records as a numpy structured type: header, records, trailer."""
        parts: list[Any] = [("header", _structured(self.header))]
        parts += [("records", _structured(self.record), (records,)), ("trailer", _structured(self.trailer))]
        return np.dtype(parts)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if fault := next(self._faults(), None):
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        if self.text is not None:
            if self.fields or self.length is not None or self.delta is not None or self.kind == "auxiliary":
                yield "a text has columns: no fields, length or delta, and kind emg"
            return
        kinds, around = [type(f) for f in self.record], [type(f) for f in (*self.header, *self.trailer)]
        if self.kind == "auxiliary":
            if {EmgField, CounterField} & {*kinds, *around}:
                yield "an auxiliary packet has no emg and no counter"
            if not self.fields and self.length is None and not self.when:
                yield "an auxiliary packet needs a length, a condition or fields"
        elif kinds.count(EmgField) != 1 or EmgField in around:
            yield "the record needs exactly one emg field, header and trailer none"
        if {ScaleField, ChecksumField, ConstantField} & set(kinds):
            yield "scale, checksum and constant belong into header or trailer"
        if around.count(ScaleField) > 1:
            yield "a packet has at most one scale"
        yield from self._size_faults()

    def _size_faults(self) -> Iterator[str]:
        for f in self.fields:
            if isinstance(f, ChecksumField) and f.first_byte >= self.covered(f, self.records or 1).stop:
                yield f"the checksum covers nothing: first_byte is {f.first_byte}"
        size = _size(self.header) + _size(self.trailer) + (self.records or 0) * _size(self.record)
        if self.length is not None and self.records is not None and self.length != size:
            yield f"length says {self.length} bytes, header, records and trailer add up to {size}"


def _size(fields: tuple[Field_, ...]) -> int:
    return sum(f.size for f in fields)


def _structured(fields: tuple[Field_, ...]) -> np.dtype[np.void]:
    """Give fields as a numpy structured type; each under the number of its place."""
    stored = [f.number.stored(f.numbers) for f in fields]
    return np.dtype([(str(i), dtype, (items,)) for i, (dtype, items) in enumerate(stored)])
