"""What one kind of device sends: how to find it, start it, cut its packets and scale its samples.

A profile is a TOML file, never code. This module is its schema, together with `gluteemg.sensors.layout` (fields) and
`gluteemg.sensors.framing` (packets out of a stream); `gluteemg.sensors.decoder` and `gluteemg.sensors.encoder` read and write
packets by it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from gluteemg.definition import Definition, Part
from gluteemg.sensors.framing import Framing, Hex
from gluteemg.sensors.layout import WIDEST_BITS, CounterField, PacketLayout
from gluteemg.sensors.number import NumberType


def _uuid(text: str) -> str:
    full = f"0000{text}-0000-1000-8000-00805f9b34fb" if len(text) == 4 else text
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", full.lower()) is None:
        raise ValueError(f"{text!r} is no UUID: write all of it, as in 6e400001-b5a3-f393-e0a9-e50e24dcca9e, or four digits")
    return full.lower()


Uuid = Annotated[str, AfterValidator(_uuid), WithJsonSchema({"type": "string"})]
"""A Bluetooth UUID; four digits stand for one of the Bluetooth SIG's (Bluetooth Core 5.4, Vol 3, Part B, 2.5.1)."""
Hexes = Annotated[
    tuple[Hex, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else given),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
NonNegativeS = Annotated[float, Field(ge=0, le=5)]
SignalKind = Literal["raw", "filtered", "rectified", "envelope", "spectrum"]
"""What a device makes of the signal before it sends it."""
USABLE_SHARE = 0.45
"""Usable share of the sampling rate: a filter needs room below half of it (chosen)."""


class Match(Part):
    """How to tell this device from others while scanning: all that is given must hold.

    `by_choice` profiles are taken only when the person names them: another one is the usual one for such a device.
    """

    name_prefix: str = ""
    service: Uuid | None = None
    by_choice: bool = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.name_prefix and self.service is None:
            raise ValueError("give a name_prefix, a service, or both")
        return self


class Link(Part):
    """What the device needs of the connection. The `note` is for the person."""

    min_mtu: int = Field(default=23, ge=23, le=517)
    after_connect_s: NonNegativeS = 0.0
    note: str = ""


class Stream(Part):
    """Where the samples come from.

    ``notify``: one characteristic. Several that take turns: a payload then begins with one more byte, the number of its
    characteristic in this list. ``advertising``: no connection; a payload is the manufacturer data of one advertisement with
    its company id in front, two bytes, lowest first.
    """

    kind: Literal["notify", "advertising"] = "notify"
    characteristic: Uuid | None = None
    characteristics: tuple[Uuid, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = (self.characteristic is not None) + bool(self.characteristics)
        if given != (self.kind == "notify"):
            raise ValueError("notify needs either characteristic or characteristics, advertising none")
        if len(self.characteristics) == 1 or len(set(self.characteristics)) != len(self.characteristics):
            raise ValueError("characteristics lists two or more different ones")
        return self

    @property
    def all(self) -> tuple[Uuid, ...]:
        """All characteristics that notify."""
        return self.characteristics if self.characteristic is None else (self.characteristic,)


class Write(Part):
    """One step of starting or stopping: write to a characteristic, wait for a reply, wait some more.

    The `reply` is how the notification begins that must come, from the same characteristic or from `reply_from`.
    """

    characteristic: Uuid
    text: str | None = None
    hex: Hex | None = None
    response: bool = True
    reply: Hex | None = None
    reply_from: Uuid | None = None
    then_wait_s: NonNegativeS = 0.0

    @model_validator(mode="after")
    def _one_payload(self) -> Self:
        if (self.text is None) == (self.hex is None):
            raise ValueError("give either text or hex")
        if self.text is not None and not self.text.isascii():
            raise ValueError("text must be ASCII; write other bytes as hex")
        if self.reply_from is not None and self.reply is None:
            raise ValueError("reply_from needs a reply")
        return self

    @property
    def payload(self) -> bytes:
        """The bytes to write."""
        return bytes.fromhex(self.hex) if self.hex is not None else (self.text or "").encode("ascii")


class KeepAlive(Part):
    """What has to be written again and again, or the device stops."""

    every_s: float = Field(gt=0, le=600)
    write: Write


class Firmware(Part):
    """A characteristic that tells which firmware runs; `otherwise` is the profile to name where it does not begin so."""

    characteristic: Uuid
    begins: Annotated[str, StringConstraints(min_length=1)]
    otherwise: str


class Battery(Part):
    """A characteristic that tells the battery: ``(number - bias) * lsb`` in percent or millivolts."""

    characteristic: Uuid
    type: NumberType = "u8"
    lsb: float = 1.0
    bias: float = 0.0
    unit: Literal["%", "mV"] = "%"


class Signal(Part):
    """What the samples are.

    ``value = (count - bias) * lsb`` in `unit`; `low` and `high` are the ends of the converter in counts, for clipping.
    A ``spectrum`` has one number for each band in a sample; `weights` add them up to one channel of envelope.

    `timing` tells what a sample's number is worth: ``regular`` (a steady clock of unknown rate, fitted to the arrivals),
    ``arrival`` (no clock at all: a sample belongs where it arrived, on a grid of `rate_hz`), ``index`` (imported files: exact).
    """

    kind: SignalKind
    channels: int = Field(ge=1, le=64)
    rate_hz: float = Field(gt=0, le=100_000)
    rate_range_hz: tuple[float, float] | None = None
    band_hz: tuple[float, float] | None = None
    unit: Literal["uV", "counts"]
    lsb: float = Field(default=1.0, gt=0)
    bias: float = 0.0
    low: float | None = None
    high: float | None = None
    weights: tuple[float, ...] = ()
    timing: Literal["regular", "arrival", "index"] = "regular"
    scale_confidence: Literal["verified", "unverified", "exact"] = "unverified"
    note: str = ""

    @property
    def is_envelope(self) -> bool:
        """Whether the device sends the size of the activity and not the signal itself."""
        return self.kind in ("rectified", "envelope", "spectrum")

    @property
    def usable_band_hz(self) -> tuple[float, float] | None:
        """The band of EMG that can be looked at: what the device passes and its rate carries; None for an envelope."""
        if self.is_envelope:
            return None
        low, high = self.band_hz or (0.0, self.rate_hz)
        return low, min(high, USABLE_SHARE * self.rate_hz)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, ends in (
            ("rate_range_hz", self.rate_range_hz),
            ("band_hz", self.band_hz),
            ("low, high", (self.low, self.high)),
        ):
            if ends is not None and ends[0] is not None and ends[1] is not None and ends[0] >= ends[1]:
                raise ValueError(f"{name}: the first must be the smaller one")
        if self.rate_range_hz is not None and self.rate_range_hz[0] <= 0:
            raise ValueError("rate_range_hz: a rate is above zero")
        if self.rate_range_hz is not None and not self.rate_range_hz[0] <= self.rate_hz <= self.rate_range_hz[1]:
            raise ValueError(f"rate_hz {self.rate_hz:g} lies outside of rate_range_hz")
        if bool(self.weights) != (self.kind == "spectrum"):
            raise ValueError("weights belong to a spectrum, and a spectrum needs them")
        if self.weights and (self.channels != 1 or self.weights[0] == 0):
            raise ValueError("a spectrum makes one channel, and its first weight is not zero")
        return self


class Counter(Part):
    """What the counter counts: samples (its value belongs to the first sample beside it) or packets.

    It starts over at `modulus`; without one, where its bits end.
    """

    counts: Literal["samples", "packets"]
    modulus: Annotated[int, Field(ge=2)] | None = None


class Vector(Part):
    """Packets with the values they must give: every profile carries its own proof.

    `emg` holds counts, one row a sample, and `scaled` what they are in the unit of the profile; `counter` the counter of each
    sample, where packets are counted that of its packet; `values` what other fields hold, by name. A sample of a spectrum is
    one number, its weighted sum.
    """

    hex: Hexes
    counter: tuple[int, ...] = ()
    emg: tuple[tuple[float, ...], ...] = ()
    scaled: tuple[tuple[float, ...], ...] = ()
    values: dict[str, tuple[tuple[float, ...], ...]] = Field(default_factory=dict)
    source: str = ""

    @property
    def payloads(self) -> tuple[bytes, ...]:
        """The payloads as they arrive."""
        return tuple(bytes.fromhex(h) for h in self.hex)


class FirmwareProfile(Definition):
    """One kind of device, as data. Read one with ``FirmwareProfile.parse(text, name)``.

    Version 2 of the schema added to version 1 and changed nothing: texts of version 1, in old recordings, are read as ever.
    """

    schema_version: Literal[1, 2]
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    name: str
    vendor: str
    source: str
    buy: str = ""
    layout: Literal["verified-in-source", "unverified", "generated"]
    hardware: Literal["untested", "tested", "none"]
    signal: Signal
    counter: Counter | None = None
    packets: tuple[PacketLayout, ...]  # after signal and counter, which it is checked against
    framing: Framing | None = None
    match: Match | None = None
    link: Link = Link()
    stream: Stream | None = None
    firmware: Firmware | None = None
    battery: Battery | None = None
    start: tuple[Write, ...] = ()
    stop: tuple[Write, ...] = ()
    keep_alive: KeepAlive | None = None
    vectors: tuple[Vector, ...] = ()

    @field_validator("packets")
    @classmethod
    def _fit(cls, packets: tuple[PacketLayout, ...], info: ValidationInfo) -> tuple[PacketLayout, ...]:
        """Check layouts against signal and counter; here, so that a fault elsewhere does not hide theirs."""
        if not any(p.kind == "emg" for p in packets):
            raise ValueError("no packet layout carries emg")
        faults = []
        for number, layout in enumerate(packets):
            faults += [f"packets[{number}] {fault}" for fault in _misfits(layout, info.data)]
        if any(p.delta for p in packets) and not any(p.kind == "emg" and p.delta is None for p in packets):
            faults.append("delta packets need another layout that carries the sample they start from")
        if faults:
            raise ValueError("; ".join(faults))
        return packets

    @model_validator(mode="after")
    def _connects(self) -> Self:
        advertising = self.stream is not None and self.stream.kind == "advertising"
        if advertising and (self.start or self.stop or self.keep_alive or self.battery or self.firmware):
            raise ValueError("a sensor that only advertises cannot be written to or read from")
        if advertising and self.framing is not None:
            raise ValueError("advertisements are whole packets: leave [framing] out")
        return self

    @property
    def emg_layouts(self) -> tuple[PacketLayout, ...]:
        """The layouts that carry samples."""
        return tuple(p for p in self.packets if p.kind == "emg")

    @property
    def is_float(self) -> bool:
        """Whether samples are floating-point numbers or decimal text: then no converter's step is known."""
        emg = self.emg_layouts[0].emg
        return emg is None or emg.number.is_float

    def modulus_of(self, field: CounterField) -> int:
        """Give the number at which this counter starts over: of samples, or of packets where those are counted."""
        assert self.counter is not None
        return self.counter.modulus or _span(field)

    @property
    def wrap_s(self) -> float | None:
        """How long the counter runs before it starts over: a longer loss shows by time alone. None without a counter.

        Infinite where the counter is text.
        """
        if self.counter is None:
            return None
        layout = self.emg_layouts[0]
        field = next((f for f in layout.fields if isinstance(f, CounterField)), None)
        if field is None or layout.emg is None:  # text
            return self.counter.modulus / self.signal.rate_hz if self.counter.modulus else float("inf")
        each = (layout.records or 1) * layout.emg.samples if self.counter.counts == "packets" else 1
        return self.modulus_of(field) * each / self.signal.rate_hz


def _misfits(layout: PacketLayout, data: Mapping[str, Any]) -> Iterator[str]:
    """Say where a layout does not fit the signal and the counter, so far as those have no faults of their own."""
    if layout.kind != "emg":
        return
    signal: Signal | None = data.get("signal")
    if signal is not None and layout.channels != (expected := len(signal.weights) or signal.channels):
        yield f"holds {layout.channels} channels, signal says {expected}"
    if "counter" not in data:
        return
    counter: Counter | None = data["counter"]
    if layout.counters != (counter is not None):
        yield "needs exactly one counter field where [counter] is given, else none"
    for field in layout.fields:
        if counter is not None and isinstance(field, CounterField) and (counter.modulus or 0) > _span(field):
            yield f"has a counter of {field.type}, which ends before the modulus of {counter.modulus}"


def _span(field: CounterField) -> int:
    """Give the number at which a counter starts over by its bits; 48 are for ever."""
    return (field.times or 1) << min(field.number.bits, WIDEST_BITS)


def recognise(name: str, services: Collection[str], profiles: Iterable[FirmwareProfile]) -> FirmwareProfile | None:
    """Tell a device by its name, the longest prefix first, and by its service where that shows: some systems hide it."""
    fitting = [
        (len(match.name_prefix), profile)
        for profile in profiles
        if (match := profile.match) is not None and not match.by_choice and _fits(match, name, services)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def _fits(match: Match, name: str, services: Collection[str]) -> bool:
    hidden = not services and bool(match.name_prefix)
    return name.startswith(match.name_prefix) and (match.service is None or hidden or match.service in services)
