"""How one number is written on the air: ``u8``, ``i16le``, ``i24be``, ``u12be``, ``f32be`` and so on.

A letter (``u`` unsigned, ``i`` two's complement, ``f`` IEEE 754), the number of bits, and the order. Whole bytes follow each
other from the least (``le``) or the most (``be``) significant one. Integers of other widths are packed without a gap: ``be``
fills every byte from its highest bit, ``le`` from its lowest; so three bytes of ``i24be`` and the nineteen bits of ``i19be``
are one rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from re import fullmatch
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, WithJsonSchema

_NAME = r"([ui]8|[ui]([1-79]|[12][0-9]|3[0-2]|64)(le|be)|f(16|32|64)(le|be))"


def _checked(kind: str) -> str:
    if fullmatch(_NAME, kind) is None:
        raise ValueError(
            f"{kind!r} is no type: write a letter, the bits and the byte order, as in u8, i16le, u16be, i24be or f32le"
        )
    return kind


NumberType = Annotated[str, AfterValidator(_checked), WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"})]
"""Integers of 1 to 32 and of 64 bits, floating-point numbers of 16, 32 and 64 bits."""

_WHOLE = (8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Number:
    """A kind of number, as read from its name by `number`."""

    letter: str
    bits: int
    big_endian: bool

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point number."""
        return self.letter == "f"

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        if self.is_float:
            return -np.inf, np.inf
        return (0, 2**self.bits - 1) if self.letter == "u" else (-(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1)

    def holds(self, value: float) -> bool:
        """Tell whether a value can be written so."""
        low, high = self.ends
        return low <= value <= high and (self.is_float or float(value).is_integer())

    def stored(self, count: int) -> tuple[np.dtype[Any], int]:
        """Tell how numpy holds `count` of them in a row: its type and the number of its items (bytes, where packed)."""
        if self.bits in _WHOLE:
            return np.dtype(f"{'>' if self.big_endian else '<'}{self.letter}{self.bits // 8}"), count
        return np.dtype(np.uint8), -(-self.bits * count // 8)

    def read(self, stored: NDArray[Any], count: int) -> NDArray[Any]:
        """Give the numbers, shape (…, count), of what is stored, shape (…, items)."""
        if self.bits in _WHOLE:
            return stored
        if self.bits == 24:  # the usual one, and ten times faster than word by word: three bytes of four, shifted down
            octets = np.zeros((*stored.shape[:-1], count, 4), np.uint8)
            octets[..., slice(3) if self.big_endian else slice(1, 4)] = stored.reshape(*stored.shape[:-1], count, 3)
            shifted: NDArray[Any] = octets.view(f"{'>' if self.big_endian else '<'}{self.letter}4")[..., 0] >> 8
            return shifted
        starts = np.arange(count) * self.bits
        width = -(-(self.bits + 7) // 8)  # bytes that one word can touch
        byte, last = starts // 8, stored.shape[-1] - 1
        words = np.zeros((*stored.shape[:-1], count), np.int64)
        for j in range(width):  # bytes past the word are shifted or masked away, those past the end are any byte
            part = stored[..., np.minimum(byte + j, last)].astype(np.int64)
            words |= part << (8 * (width - 1 - j) if self.big_endian else 8 * j)
        words >>= 8 * width - starts % 8 - self.bits if self.big_endian else starts % 8
        words &= (1 << self.bits) - 1
        if self.letter == "i":
            words -= (words >> (self.bits - 1)) << self.bits
        return words

    def write(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Give what is stored, shape (…, items), for numbers of shape (…, count); the inverse of `read`."""
        count = numbers.shape[-1]
        dtype, items = self.stored(count)
        if self.bits in _WHOLE:
            return numbers.astype(dtype)
        places = np.arange(self.bits - 1, -1, -1) if self.big_endian else np.arange(self.bits)
        bits = (numbers.astype(np.int64)[..., np.newaxis] >> places) & 1
        row = np.zeros((*numbers.shape[:-1], 8 * items), np.uint8)
        row[..., : count * self.bits] = bits.reshape(*numbers.shape[:-1], -1)
        return np.packbits(row, axis=-1, bitorder="big" if self.big_endian else "little")


@cache
def number(kind: str) -> Number:
    """Read the name of a kind of number, one of `NumberType`."""
    return Number(kind[0], int(kind[1:].rstrip("lbe")), kind.endswith("be"))
