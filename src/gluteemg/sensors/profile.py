"""What one kind of device sends: how to find it, start it, cut its packets and scale its samples.

A profile is a TOML file, never code. This module is its schema; `gluteemg.sensors.decoder` and
`gluteemg.sensors.encoder` read and write packets by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from gluteemg.definition import Definition, Part

Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{2})+$")]
Bytes = Annotated[int, Field(ge=1, le=512)]
"""A length on the air: an attribute value holds at most 512 bytes (Bluetooth Core 5.4, Vol 3, Part F, 3.2.9)."""

FieldType = Literal["u8", "i8", "u16le", "u16be", "i16le", "i16be", "u32le", "u32be", "i32le", "i32be", "i64le", "f64le"]
"""How a number is written on the air: signed or not, bits, byte order."""


def dtype_of(kind: FieldType) -> np.dtype[np.generic]:
    """Give the numpy type that reads `kind`."""
    letter, order = kind[0], ">" if kind.endswith("be") else "<"
    size = int("".join(c for c in kind if c.isdigit())) // 8
    return np.dtype(f"{order}{letter}{size}")


class Match(Part):
    """How to tell this device from others while scanning: both must hold."""

    name_prefix: str
    service: Uuid


class Link(Part):
    """What the device needs of the connection."""

    min_mtu: int = Field(default=23, ge=23, le=517)
    note: str = ""


class Write(Part):
    """One step of starting or stopping: write to a characteristic, then wait."""

    characteristic: Uuid
    text: str | None = None
    hex: Hex | None = None
    response: bool = True
    then_wait_s: float = Field(default=0.0, ge=0, le=5)

    @model_validator(mode="after")
    def _one_payload(self) -> Self:
        if (self.text is None) == (self.hex is None):
            raise ValueError("give either text or hex")
        return self

    @property
    def payload(self) -> bytes:
        """The bytes to write."""
        return bytes.fromhex(self.hex) if self.hex is not None else (self.text or "").encode("ascii")


class Signal(Part):
    """What the samples are.

    ``value = (count - bias) * lsb`` in `unit`; `low` and `high` are the ends of the converter in counts, for clipping.
    ``timing`` is ``arrival`` for devices (their rate is measured) and ``index`` for imported files (their rate is exact).
    """

    kind: Literal["raw", "filtered"]
    channels: int = Field(ge=1, le=64)
    rate_hz: float = Field(gt=0, le=100_000)
    unit: Literal["uV", "counts"]
    lsb: float = Field(default=1.0, gt=0)
    bias: float = 0.0
    low: float | None = None
    high: float | None = None
    timing: Literal["arrival", "index"] = "arrival"
    scale_confidence: Literal["verified", "unverified", "exact"] = "unverified"
    note: str = ""


class FieldLayout(Part):
    """One field of a header or record. ``skip`` fields are read past."""

    field: Literal["counter", "emg", "skip"]
    type: FieldType
    count: Annotated[int, Field(ge=1, le=512)] = 1


class Counter(Part):
    """What the counter counts: samples (its value belongs to the first sample beside it) or packets."""

    counts: Literal["samples", "packets"]


class PacketLayout(Part):
    """How one kind of packet is cut: a header, records of one sample of every channel, a trailer.

    A packet belongs to the first layout whose `length` it has; a layout without `length` takes any that fits.
    """

    kind: Literal["emg", "auxiliary"] = "emg"
    length: Bytes | None = None
    header: tuple[FieldLayout, ...] = ()
    record: tuple[FieldLayout, ...] = ()
    records: Bytes | None = None
    trailer: tuple[FieldLayout, ...] = ()
    note: str = ""

    @cached_property
    def header_dtype(self) -> np.dtype[np.void]:
        """The header as a numpy structured type."""
        return _structured(self.header)

    @cached_property
    def record_dtype(self) -> np.dtype[np.void]:
        """One record as a numpy structured type."""
        return _structured(self.record)

    @cached_property
    def trailer_dtype(self) -> np.dtype[np.void]:
        """What follows the records as a numpy structured type."""
        return _structured(self.trailer)

    def records_in(self, length: int) -> int | None:
        """Count the records in a payload of `length` bytes, or None if such a payload does not belong here."""
        if self.length is not None and length != self.length:
            return None
        body = length - self.header_dtype.itemsize - self.trailer_dtype.itemsize
        size = self.record_dtype.itemsize
        if self.kind != "emg" or body <= 0 or body % size or (self.records is not None and body != self.records * size):
            return None
        return body // size

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.kind == "auxiliary":
            return self
        if [f.field for f in self.record].count("emg") != 1:
            raise ValueError("the record needs exactly one emg field")
        around = self.header_dtype.itemsize + self.trailer_dtype.itemsize
        size = around + (self.records or 0) * self.record_dtype.itemsize
        if self.length is not None and self.records is not None and self.length != size:
            raise ValueError(f"length says {self.length} bytes, header, records and trailer add up to {size}")
        return self


class Stream(Part):
    """The characteristic that notifies."""

    characteristic: Uuid


class Vector(Part):
    """A packet with the values it must give: every profile carries its own proof.

    `emg` holds counts, one row a sample; `counter` the counter of each sample.
    """

    hex: Hex
    counter: tuple[int, ...] = ()
    emg: tuple[tuple[float, ...], ...]


class FirmwareProfile(Definition):
    """One kind of device, as data. Read one with ``FirmwareProfile.parse(text, name)``."""

    schema_version: Literal[1]
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    name: str
    vendor: str
    source: str
    layout: Literal["verified-in-source", "unverified", "generated"]
    hardware: Literal["untested", "tested", "none"]
    signal: Signal
    counter: Counter | None = None
    packets: tuple[PacketLayout, ...]  # after signal and counter, which it is checked against
    match: Match | None = None
    link: Link = Link()
    stream: Stream | None = None
    start: tuple[Write, ...] = ()
    stop: tuple[Write, ...] = ()
    vectors: tuple[Vector, ...] = ()

    @field_validator("packets")
    @classmethod
    def _fit(cls, packets: tuple[PacketLayout, ...], info: ValidationInfo) -> tuple[PacketLayout, ...]:
        """Check layouts against signal and counter; here, so that a fault elsewhere does not hide theirs."""
        if not any(p.kind == "emg" for p in packets):
            raise ValueError("no packet layout carries emg")
        signal: Signal | None = info.data.get("signal")
        faults = []
        for number, layout in enumerate(packets):
            if layout.kind != "emg":
                continue
            (emg,) = (f for f in layout.record if f.field == "emg")
            if signal is not None and emg.count != signal.channels:
                faults.append(f"packets[{number}] holds {emg.count} channels, signal.channels says {signal.channels}")
            fields = [f.field for f in (*layout.header, *layout.record)]
            if "counter" in info.data and fields.count("counter") != (info.data["counter"] is not None):
                faults.append(f"packets[{number}] needs exactly one counter field where [counter] is given, else none")
        if faults:
            raise ValueError("; ".join(faults))
        return packets

    @cached_property
    def emg_dtype(self) -> np.dtype[np.generic]:
        """How a sample is written on the air, in the first EMG layout."""
        record = next(p for p in self.packets if p.kind == "emg").record
        return dtype_of(next(f for f in record if f.field == "emg").type)

    def layout_of(self, length: int) -> tuple[PacketLayout, int] | None:
        """Find the EMG layout of a payload and its number of records; None if no layout takes it."""
        for layout in self.packets:
            records = layout.records_in(length)
            if records is not None:
                return layout, records
        return None

    def is_auxiliary(self, length: int) -> bool:
        """Tell whether a payload of `length` bytes is known and carries no EMG."""
        return any(p.kind == "auxiliary" and p.length == length for p in self.packets)


def _structured(fields: tuple[FieldLayout, ...]) -> np.dtype[np.void]:
    names = [f.field if f.field != "skip" else f"skip{i}" for i, f in enumerate(fields)]
    return np.dtype([(n, dtype_of(f.type), (f.count,)) for n, f in zip(names, fields, strict=True)])


def recognise(name: str, services: Collection[str], profiles: Iterable[FirmwareProfile]) -> FirmwareProfile | None:
    """Tell a device by its name, the longest prefix first, and by its service where that shows: some systems hide it."""
    fitting = [
        (len(p.match.name_prefix), p)
        for p in profiles
        if p.match is not None and name.startswith(p.match.name_prefix) and (not services or p.match.service in services)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None
