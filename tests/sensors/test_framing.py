"""Packets out of a stream: wherever it is cut into notifications, and whatever of it is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tests.cuts import cuts_of

from gluteemg.sensors.framing import Framer, Framing, payloads_of

_LINES: dict[str, Any] = {"kind": "lines", "longest": 20}
_BLOCKS: dict[str, Any] = {"kind": "blocks", "begins": "a55a", "ends": "0d", "length": 9}
_FRAGMENTS: dict[str, Any] = {"kind": "fragments", "marker": 255, "longest": 100}
_WORDS = st.lists(st.text("0123456789,.-", max_size=20).map(str.encode), max_size=8)
_BODIES = st.lists(
    st.binary(min_size=6, max_size=6).map(lambda b: b"\xa5\x5a" + b.replace(b"\xa5", b"\xa6") + b"\x0d"), max_size=8
)
_PACKETS = st.lists(st.binary(min_size=1, max_size=100).filter(lambda b: b[0] != 255), max_size=8)


def _framing(table: dict[str, Any]) -> Framing:
    framing: Framing = TypeAdapter(Framing).validate_python(table)
    return framing


def _packets(framer: Framer, *payloads: bytes) -> list[bytes]:
    return framer.cut(payloads).packets


@pytest.mark.parametrize(("table", "packets"), [(_LINES, _WORDS), (_BLOCKS, _BODIES), (_FRAGMENTS, _PACKETS)])
@settings(deadline=None)
@given(st.data(), st.integers(3, 244))
def test_packets_come_out_as_they_went_in_whatever_the_connection_holds(
    table: dict[str, Any], packets: st.SearchStrategy[list[bytes]], data: st.DataObject, room: int
) -> None:
    sent, framing = data.draw(packets), _framing(table)
    payloads = [payload for packet in sent for payload in payloads_of(packet, framing, room)]
    assert all(len(payload) <= room for payload in payloads)
    cut = Framer(framing).cut(payloads)
    assert cut.packets == sent
    assert cut.skipped == []
    assert cut.payload == sorted(cut.payload)


@pytest.mark.parametrize("table", [_LINES, _BLOCKS, _FRAGMENTS], ids=lambda t: t["kind"])
@settings(deadline=None)
@given(st.data())
def test_the_cut_into_calls_changes_nothing(table: dict[str, Any], data: st.DataObject) -> None:
    payloads = data.draw(st.lists(st.text("\xff\xa5\x5a\x0d\x00\x01\x02\n\r1", max_size=12).map(lambda s: s.encode("latin-1"))))
    whole, framer = Framer(_framing(table)).cut(payloads), Framer(_framing(table))
    pieces = data.draw(cuts_of(len(payloads)))
    parts = [(piece.start, framer.cut(payloads[piece])) for piece in pieces]
    assert [packet for _, part in parts for packet in part.packets] == whole.packets
    assert [start + i for start, part in parts for i in part.payload] == whole.payload
    assert [start + i for start, part in parts for i in part.skipped] == whole.skipped


@pytest.mark.parametrize("table", [_LINES, _BLOCKS], ids=lambda t: t["kind"])
@settings(deadline=None)
@given(st.data())
def test_where_a_stream_is_cut_into_notifications_changes_nothing(table: dict[str, Any], data: st.DataObject) -> None:
    stream = data.draw(st.text("\xa5\x5a\x0d\x00\n\r12", max_size=120)).encode("latin-1")
    whole = Framer(_framing(table)).cut([bytes([byte]) for byte in stream])
    parts = Framer(_framing(table)).cut([stream[piece] for piece in data.draw(cuts_of(len(stream)))])
    assert parts.packets == whole.packets


def test_a_line_too_long_is_skipped_once_and_the_next_one_is_read() -> None:
    cut = Framer(_framing(_LINES)).cut([b"1" * 15, b"1" * 15, b"1" * 15, b"1\n12\n", b"3" * 21 + b"\n4\n"])
    assert cut.packets == [b"12", b"4"]
    assert cut.skipped == [1, 4]


def test_after_lost_bytes_the_next_block_is_found() -> None:
    good = bytes.fromhex("a55a0102030405060d")
    cut = Framer(_framing(_BLOCKS)).cut([good, good[:4], good, good])
    assert cut.packets == [good, good, good]
    assert cut.skipped == [2]


def test_a_fragment_that_never_came_costs_its_packet_only() -> None:
    framing, packet = _framing(_FRAGMENTS), bytes(range(1, 60))
    one, two, three, four = payloads_of(packet, framing, 20)
    assert [part[:2].hex() for part in (one, two, three, four)] == ["ff03", "ff02", "ff01", "ff00"]
    cut = Framer(framing).cut([one, three, four, b"\x08\x01", one, two, three, four])
    assert cut.packets == [b"\x08\x01", packet]
    assert cut.skipped == [1]


def test_parts_that_never_end_are_skipped_until_the_next_packet() -> None:
    framing = _framing({**_FRAGMENTS, "longest": 30})
    cut = Framer(framing).cut([*payloads_of(bytes(90), framing, 20), b"\x08\x01"])
    assert cut.packets == [b"\x08\x01"]
    assert cut.skipped == [1]


def test_an_end_without_a_beginning_is_no_packet() -> None:
    cut = Framer(_framing(_FRAGMENTS)).cut([b"\xff\x00\x08", b"\x08"])
    assert (cut.packets, cut.skipped) == ([b"\x08"], [0])


def test_after_a_reconnection_what_was_begun_is_not_completed() -> None:
    framer = Framer(_framing(_LINES))
    assert _packets(framer, b"12") == []
    framer.resume()
    assert _packets(framer, b"3\n") == [b"3"]


def test_a_packet_without_framing_is_one_notification_however_long() -> None:
    assert payloads_of(bytes(300), None, 20) == [bytes(300)]


def test_begin_and_end_have_to_fit_into_a_block() -> None:
    with pytest.raises(ValidationError, match="do not fit into 2 bytes"):
        _framing({**_BLOCKS, "length": 2})
