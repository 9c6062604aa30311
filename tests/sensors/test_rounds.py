"""Packets of one size, and of sizes that come in rounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gluteemg.sensors.rounds import Rounds


def test_rounds_tell_where_packets_begin_and_end() -> None:
    rounds = Rounds((1, 2, 2))
    assert [rounds.span(packet) for packet in range(5)] == [(0, 1), (1, 3), (3, 5), (5, 6), (6, 8)]
    assert [rounds.packet_of(sample) for sample in range(8)] == [0, 1, 1, 2, 2, 3, 4, 4]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(0, 10**12))
def test_every_sample_lies_in_its_packet(sizes: list[int], sample: int) -> None:
    rounds = Rounds(tuple(sizes))
    first, end = rounds.span(rounds.packet_of(sample))
    assert first <= sample < end
