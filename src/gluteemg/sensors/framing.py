"""From what arrives to packets: most sensors send one packet a notification, some send a stream that has to be cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from gluteemg.definition import Part
from gluteemg.sensors.layout import Bytes


def _digits(text: str) -> str:
    digits = "".join(text.split())
    try:
        bytes.fromhex(digits)
    except ValueError:
        short = text if len(text) <= 20 else f"{text[:20]}…"
        raise ValueError(f"{short!r} is not hexadecimal: write two digits, 0 to 9 and a to f, for each byte") from None
    return digits


def _some(digits: str) -> str:
    if not digits:
        raise ValueError("give one byte or more")
    return digits


_BYTE = r"([0-9a-fA-F]{2}\s*)"
HexOrNothing = Annotated[str, AfterValidator(_digits), WithJsonSchema({"type": "string", "pattern": f"^{_BYTE}*$"})]
Hex = Annotated[
    str, AfterValidator(_digits), AfterValidator(_some), WithJsonSchema({"type": "string", "pattern": f"^{_BYTE}+$"})
]
"""Bytes in hexadecimal, with spaces between them as you like."""


class Lines(Part):
    r"""A stream of text; a packet is a line, ended by ``\n`` (a ``\r`` before it is taken off)."""

    kind: Literal["lines"]
    longest: Bytes = 128


class Blocks(Part):
    """A stream of bytes; a packet has `length` bytes, begins with `begins` and ends with `ends`."""

    kind: Literal["blocks"]
    begins: Hex
    ends: HexOrNothing = ""
    length: Bytes

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.begins + self.ends) > 2 * self.length:
            raise ValueError(f"begins and ends do not fit into {self.length} bytes")
        return self


class Fragments(Part):
    """Packets too long for one notification come in parts: `marker`, a byte that counts down to 0, then the next bytes."""

    kind: Literal["fragments"]
    marker: Annotated[int, Field(ge=0, le=255)]
    longest: Bytes = 1024


Framing = Annotated[Lines | Blocks | Fragments, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Cut:
    """What a run of payloads held.

    Parameters
    ----------
    packets : list of bytes
        Whole packets.
    payload : list of int
        For each packet, which payload of the run completed it.
    skipped : list of int
        For each packet or part of one that could not be used, the payload where that showed.
    """

    packets: list[bytes]
    payload: list[int]
    skipped: list[int]


class Framer:
    """Cuts a stream into packets, keeping what is not whole yet. The cut into calls changes nothing."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._rest = b""
        self._to_come: int | None = None  # fragments still expected, none outside a fragmented packet
        self._skipping = False

    def resume(self) -> None:
        """Say that the sensor was connected anew: what was begun before is not completed."""
        self._rest, self._to_come, self._skipping = b"", None, False

    def cut(self, payloads: Sequence[bytes]) -> Cut:
        """Take payloads in the order they arrived."""
        done = Cut([], [], [])
        for i, payload in enumerate(payloads):
            if isinstance(self._framing, Lines):
                self._line(self._framing, payload, i, done)
            elif isinstance(self._framing, Blocks):
                self._block(self._framing, payload, i, done)
            else:
                self._fragment(self._framing, payload, i, done)
        return done

    def _line(self, lines: Lines, payload: bytes, i: int, done: Cut) -> None:
        *whole, self._rest = (self._rest + payload).split(b"\n")
        for line in whole:
            if not self._skipping:
                self._keep(line.removesuffix(b"\r"), i, done, good=len(line) <= lines.longest)
            self._skipping = False
        if len(self._rest) > lines.longest:  # no sensor of this kind, or an end that was lost
            if not self._skipping:
                self._keep(b"", i, done, good=False)
            self._rest, self._skipping = b"", True

    def _block(self, blocks: Blocks, payload: bytes, i: int, done: Cut) -> None:
        begins, ends, length = bytes.fromhex(blocks.begins), bytes.fromhex(blocks.ends), blocks.length
        stream, at = self._rest + payload, 0
        while len(stream) - at >= length:
            block = stream[at : at + length]
            if block.startswith(begins) and block.endswith(ends):
                self._keep(block, i, done, good=True)
                self._skipping = False
                at += length
                continue
            if not self._skipping:
                self._keep(block, i, done, good=False)
            self._skipping = True
            following = stream.find(begins, at + 1)
            at = following if following >= 0 else max(at + 1, len(stream) - len(begins) + 1)
        self._rest = stream[at:]

    def _fragment(self, fragments: Fragments, payload: bytes, i: int, done: Cut) -> None:
        is_part = payload[:1] == bytes([fragments.marker]) and len(payload) >= 2
        left = payload[1] if is_part else None
        if self._to_come is not None and left != self._to_come:  # a part never came
            if not self._skipping:
                self._keep(b"", i, done, good=False)
            self._skipping = left is not None and left < self._to_come  # it goes on with parts of the same packet
            self._rest, self._to_come = b"", None
        if left is None:
            self._keep(payload, i, done, good=True)
        elif left == 0:
            if not self._skipping:  # an end without a beginning is no packet
                self._keep(self._rest + payload[2:], i, done, good=self._to_come == 0)
            self.resume()
        else:
            self._rest, self._to_come = self._rest + payload[2:], left - 1
            if len(self._rest) > fragments.longest and not self._skipping:
                self._keep(b"", i, done, good=False)
                self._skipping = True
            if self._skipping:
                self._rest = b""

    def _keep(self, packet: bytes, i: int, done: Cut, *, good: bool) -> None:
        if good:
            done.packets.append(packet)
            done.payload.append(i)
        else:
            done.skipped.append(i)


def payloads_of(packet: bytes, framing: Framing | None, room: int) -> list[bytes]:
    """Give the notifications that a sensor sends for one packet, of at most `room` bytes each; the inverse of `Framer`.

    A sensor that sends whole packets sends them whole: what does not fit the connection cuts off.
    """
    if framing is None:
        return [packet]
    if isinstance(framing, Fragments):
        if len(packet) <= room:
            return [packet]
        parts = [packet[i : i + room - 2] for i in range(0, len(packet), room - 2)]
        return [bytes([framing.marker, len(parts) - 1 - n]) + part for n, part in enumerate(parts)]
    stream = packet + b"\n" if isinstance(framing, Lines) else packet
    return [stream[i : i + room] for i in range(0, len(stream), room)]
