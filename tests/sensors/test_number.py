"""Numbers on the air: any width, both orders, with and without a sign, packed without a gap."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gluteemg.sensors.number import NumberType, number

_WIDTHS = [*range(1, 33), 64]
_KINDS = [f"{letter}{bits}{'' if bits == 8 else order}" for letter in "ui" for bits in _WIDTHS for order in ("le", "be")]


def _packed(values: list[int], bits: int, big_endian: bool) -> bytes:
    """Pack by one large whole number: from the top, or from the bottom."""
    size, whole = -(-bits * len(values) // 8), 0
    for i, value in enumerate(values):
        at = 8 * size - bits * (i + 1) if big_endian else bits * i
        whole |= (value & ((1 << bits) - 1)) << at
    return whole.to_bytes(size, "big" if big_endian else "little")


@pytest.mark.parametrize("kind", sorted(set(_KINDS)))
@settings(max_examples=10, deadline=None)
@given(st.data())
def test_a_number_is_read_as_it_was_written_and_written_as_by_hand(kind: str, data: st.DataObject) -> None:
    one = number(kind)
    low, high = one.ends
    values = data.draw(st.lists(st.integers(int(low), int(high)), min_size=1, max_size=9))
    numbers = np.array(values, np.uint64 if kind.startswith("u64") else np.int64)
    stored = one.write(numbers[np.newaxis])
    if one.bits in (16, 32, 64) or one.bits == 8:
        assert stored.tobytes() == b"".join(_packed([v], one.bits, one.big_endian) for v in values)
    else:
        assert stored.tobytes() == _packed(values, one.bits, one.big_endian)
    assert one.read(stored, len(values))[0].tolist() == values


@pytest.mark.parametrize(("kind", "code"), [("f16le", "<e"), ("f32be", ">f"), ("i16be", ">h"), ("u64le", "<Q")])
def test_whole_bytes_are_those_of_the_struct_module(kind: str, code: str) -> None:
    assert number(kind).write(np.array([1.0, 2.0])).tobytes() == struct.pack(code, 1) + struct.pack(code, 2)
    assert number(kind).stored(3) == (np.dtype(code), 3)


def test_one_rule_holds_for_24_bits_and_for_19() -> None:
    """Three bytes, most significant first, are what a stream of bits from the top gives."""
    assert number("i24be").write(np.array([-2, 8388607])).tobytes().hex() == "fffffe7fffff"
    assert number("i19be").stored(8) == (np.dtype(np.uint8), 19)


@pytest.mark.parametrize("kind", ["u0le", "i33le", "u16", "u8le", "f24le", "i63be", "x16le", "i016le"])
def test_what_is_no_kind_of_number_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(NumberType).validate_python(kind)
