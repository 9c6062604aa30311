"""Checksums give the check values of the catalogue, for one packet as for many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluteemg.sensors.checksum import Algorithm, checksum

_CHECKS: list[tuple[Algorithm, int]] = [
    ("sum8", 0xDD),
    ("xor8", 0x31),
    ("crc8", 0xF4),
    ("crc16-ccitt", 0x29B1),
    ("crc16-xmodem", 0x31C3),
    ("crc16-modbus", 0x4B37),
]


@pytest.mark.parametrize(("algorithm", "check"), _CHECKS)
def test_the_digits_from_1_to_9_give_the_check_value(algorithm: Algorithm, check: int) -> None:
    digits = np.frombuffer(b"123456789", np.uint8)
    assert checksum(algorithm, np.stack([digits, digits])).tolist() == [check, check]


@pytest.mark.parametrize("algorithm", [a for a, _ in _CHECKS])
@settings(deadline=None)
@given(packet=st.binary(min_size=1, max_size=40), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_wrong_bit_is_always_noticed(algorithm: Algorithm, packet: bytes, at: int, bit: int) -> None:
    spoilt = bytearray(packet)
    spoilt[at % len(packet)] ^= 1 << bit
    one, other = checksum(algorithm, np.frombuffer(packet + bytes(spoilt), np.uint8).reshape(2, -1))
    assert one != other
