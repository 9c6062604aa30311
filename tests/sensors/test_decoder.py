"""Packets to samples: what is lost leaves a hole of its length, what is old is dropped, and time goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cuts import assert_same, cuts_of

from gluteemg.sensors.decoder import Chunk, Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile

_FOLDER = Path(__file__).parents[2] / "firmware_profiles"
_UMYO, _NPG = (FirmwareProfile.parse((_FOLDER / f"{n}.toml").read_text("utf-8"), n) for n in ("umyo-gatt", "npg-lite-3ch"))
_BOTH = pytest.mark.parametrize("profile", [_UMYO, _NPG], ids=lambda p: p.id)
_PROFILES = st.sampled_from([_UMYO, _NPG])
_START_NS = 5_000_000_000

_PACKET_COUNTER = FirmwareProfile.parse(
    """\
schema_version = 1
id = "packet-counter"
name = "Counts packets"
vendor = "nobody"
source = "these tests"
layout = "generated"
hardware = "none"
[signal]
kind = "raw"
channels = 1
rate_hz = 1000
unit = "uV"
[counter]
counts = "packets"
[[packets]]
header = [{ field = "counter", type = "u8" }]
record = [{ field = "emg", type = "i16le" }]
records = 20
""",
    "packet-counter",
)


@dataclass(frozen=True)
class _Sent:
    """One packet of a stream: when it would arrive, and what is in it."""

    t_ns: int
    data: bytes
    first: int


def _size(profile: FirmwareProfile) -> int:
    (size,) = Encoder(profile).sizes(1)
    assert size is not None
    return size


def _counts(profile: FirmwareProfile, first: int, n: int) -> NDArray[np.float64]:
    """Counts that tell their sample number, within the range of any converter here."""
    number = (first + np.arange(n, dtype=np.int64))[:, np.newaxis] % 2000
    return (1000 + number + np.arange(profile.signal.channels)).astype(np.float64)


def _stream(profile: FirmwareProfile, packets: int, start: int = 0) -> list[_Sent]:
    """A sensor that has sent `start` samples before; packets arrive when they are full."""
    size, encoder = _size(profile), Encoder(profile)
    sent = []
    for k in range(packets):
        first = start + k * size
        data = encoder.encode_counts(_counts(profile, first, size), first)
        sent.append(_Sent(_START_NS + round((k + 1) * size / profile.signal.rate_hz * 1e9), data, first))
    return sent


def _decode(decoder: Decoder, sent: Sequence[_Sent]) -> Chunk:
    return decoder.decode([s.data for s in sent], np.array([s.t_ns for s in sent], np.int64))


def _samples(profile: FirmwareProfile, chunk: Chunk, start: int = 0) -> bool:
    """Tell whether every sample carries its own number."""
    counts = chunk.emg / profile.signal.lsb + profile.signal.bias
    expected = np.array([_counts(profile, start + int(i), 1)[0] for i in chunk.index])
    return bool(np.allclose(counts, expected.reshape(counts.shape)))


@settings(max_examples=60, deadline=None)
@given(_PROFILES, st.integers(0, 2**33), st.integers(0, 12), st.data())
def test_what_is_encoded_comes_back(profile: FirmwareProfile, start: int, packets: int, data: st.DataObject) -> None:
    size, channels = _size(profile), profile.signal.channels
    low, high = int(profile.signal.low or 0), int(profile.signal.high or 0)
    seed = data.draw(st.integers(0, 2**32 - 1))
    counts = np.random.default_rng(seed).integers(low, high, (packets * size, channels), endpoint=True).astype(np.float64)
    encoder = Encoder(profile)
    payloads = [encoder.encode_counts(counts[k * size : (k + 1) * size], start + k * size) for k in range(packets)]
    arrival_ns = _START_NS + 20_000_000 * np.arange(packets)
    chunk = Decoder(profile).decode(payloads, arrival_ns)
    assert_same(chunk.emg, (counts - profile.signal.bias) * profile.signal.lsb)
    assert_same(chunk.index, np.arange(packets * size))
    assert chunk.counts.tolist() == [size] * packets


@given(_PROFILES, st.floats(-1e6, 1e6))
@settings(deadline=None)
def test_what_is_out_of_range_comes_back_as_the_end_of_the_converter(profile: FirmwareProfile, value: float) -> None:
    emg = np.full((_size(profile), profile.signal.channels), value)
    chunk = Decoder(profile).decode([Encoder(profile).encode(emg, 0)], np.array([0]))
    signal = profile.signal
    low, high = ((float(end or 0) - signal.bias) * signal.lsb for end in (signal.low, signal.high))
    assert np.abs(chunk.emg - min(max(value, low), high)).max() <= signal.lsb / 2 + 1e-6


@settings(max_examples=80, deadline=None)
@given(_PROFILES, st.integers(0, 2**32), st.data())
def test_any_cut_gives_the_same_samples(profile: FirmwareProfile, start: int, data: st.DataObject) -> None:
    """Lost, sent twice, late, of another kind, not to be read: whatever a radio does, the cut does nothing."""
    sent = []
    for packet in _stream(profile, 40, start):
        fate = data.draw(st.sampled_from(["comes"] * 8 + ["lost", "twice", "late", "auxiliary", "broken"]))
        jitter_ns = data.draw(st.integers(0, 30_000_000))
        came = _Sent(packet.t_ns + jitter_ns, packet.data, packet.first)
        if fate != "lost":
            sent.append(came)
        if fate == "twice":
            sent.append(came)
        elif fate == "late" and len(sent) > 1:
            sent[-1], sent[-2] = sent[-2], sent[-1]
        elif fate in ("auxiliary", "broken"):
            sent.append(_Sent(came.t_ns, bytes(26 if fate == "auxiliary" else 33), 0))
    whole = _decode(Decoder(profile), sent)
    decoder = Decoder(profile)
    parts = [_decode(decoder, sent[piece]) for piece in data.draw(cuts_of(len(sent)))]
    assert_same(np.concatenate([p.emg for p in parts]), whole.emg)
    assert_same(np.concatenate([p.index for p in parts]), whole.index)
    assert_same(np.concatenate([p.counts for p in parts]), whole.counts)
    assert sum(p.rejected for p in parts) == whole.rejected
    assert (np.diff(whole.index) > 0).all()
    assert whole.counts.sum() == len(whole.index) == len(whole.emg)


@_BOTH
def test_no_payloads_give_no_samples(profile: FirmwareProfile) -> None:
    chunk = Decoder(profile).decode([], np.empty(0, np.int64))
    assert chunk.emg.shape == (0, profile.signal.channels)
    assert (len(chunk.index), len(chunk.counts), chunk.rejected) == (0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(_PROFILES, st.integers(0, 2**33), st.integers(0, 2**60))
def test_the_first_sample_is_number_nought_whatever_clock_and_counter_say(
    profile: FirmwareProfile, start: int, t_ns: int
) -> None:
    (sent,) = _stream(profile, 1, start)
    assert Decoder(profile).decode([sent.data], np.array([t_ns])).index.tolist() == list(range(_size(profile)))


@settings(max_examples=60, deadline=None)
@given(_PROFILES, st.integers(0, 2**32), st.sets(st.integers(1, 28), max_size=12))
def test_a_lost_packet_leaves_a_hole_of_its_length(profile: FirmwareProfile, start: int, lost: set[int]) -> None:
    sent = _stream(profile, 30, start)
    chunk = _decode(Decoder(profile), [s for k, s in enumerate(sent) if k not in lost])
    size = _size(profile)
    expected = [k * size + i for k in range(30) if k not in lost for i in range(size)]
    assert chunk.index.tolist() == expected
    assert _samples(profile, chunk, start)


@_BOTH
def test_what_is_sent_twice_is_taken_once(profile: FirmwareProfile) -> None:
    sent = _stream(profile, 5)
    chunk = _decode(Decoder(profile), [s for s in sent for _ in range(2)])
    assert chunk.index.tolist() == list(range(5 * _size(profile)))
    assert chunk.counts.tolist() == [_size(profile), 0] * 5


@_BOTH
def test_a_packet_that_comes_late_is_dropped_and_the_next_goes_on(profile: FirmwareProfile) -> None:
    sent, size = _stream(profile, 7), _size(profile)
    order = [0, 1, 3, 2, 4, 5, 6]
    late = [_Sent(sent[position].t_ns, sent[k].data, 0) for position, k in enumerate(order)]
    chunk = _decode(Decoder(profile), late)
    assert chunk.counts.tolist() == [size, size, size, 0, size, size, size]
    assert chunk.index.tolist() == [i for i in range(7 * size) if i // size != 2]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(0, 2**16), st.integers(-20, 200))
def test_arrival_time_finds_what_eight_bits_hide(lost: int, start: int, jitter_ms: int) -> None:
    """Any number of packets lost in a row, whole wraps of 256 samples included."""
    sent = _stream(_NPG, lost + 4, start)
    kept = sent[:2] + [_Sent(s.t_ns + jitter_ms * 1_000_000, s.data, s.first) for s in sent[lost + 2 :]]
    chunk = _decode(Decoder(_NPG), kept)
    assert chunk.index[20:].tolist() == list(range(10 * (lost + 2), 10 * (lost + 4)))


@pytest.mark.parametrize("lost", [26, 51, 128, 256])
def test_a_hole_of_a_whole_wrap_is_not_overlooked(lost: int) -> None:
    sent = _stream(_NPG, lost + 4)
    chunk = _decode(Decoder(_NPG), sent[:2] + sent[lost + 2 :])
    assert chunk.index[20] == 10 * (lost + 2)


@pytest.mark.parametrize("profile", [_UMYO, _NPG, _PACKET_COUNTER], ids=lambda p: p.id)
@pytest.mark.parametrize("stall_s", [0.3, 0.6, 1.5])
def test_a_stall_of_the_radio_followed_by_a_burst_is_not_a_loss(profile: FirmwareProfile, stall_s: float) -> None:
    sent = _stream(profile, 200)
    ends_ns = sent[20].t_ns + round(stall_s * 1e9)
    stalled = [_Sent(max(s.t_ns, ends_ns) if k > 20 else s.t_ns, s.data, s.first) for k, s in enumerate(sent)]
    chunk = _decode(Decoder(profile), stalled)
    assert chunk.index.tolist() == list(range(200 * _size(profile)))


@pytest.mark.parametrize("stall_s", [0.3, 0.6, 1.5])
def test_a_packet_lost_in_a_stall_is_one_packet_lost(stall_s: float) -> None:
    sent = _stream(_NPG, 200)
    ends_ns = sent[20].t_ns + round(stall_s * 1e9)
    stalled = [_Sent(max(s.t_ns, ends_ns) if k > 20 else s.t_ns, s.data, s.first) for k, s in enumerate(sent)]
    chunk = _decode(Decoder(_NPG), [s for k, s in enumerate(stalled) if k != 21])
    assert chunk.index.tolist() == [i for i in range(2000) if i // 10 != 21]


@settings(max_examples=30, deadline=None)
@given(st.integers(2**16, 2**32 - 2**20), st.floats(0.1, 60))
def test_a_sensor_that_starts_over_goes_on_by_time(before: int, away_s: float) -> None:
    first, again = _stream(_UMYO, 10, before), _stream(_UMYO, 10)
    gap_ns = round(away_s * 1e9)
    moved = [_Sent(first[-1].t_ns + gap_ns + s.t_ns - again[0].t_ns, s.data, s.first) for s in again]
    chunk = _decode(Decoder(_UMYO), [*first, *moved])
    hole = chunk.index[240] - chunk.index[239]
    assert hole == pytest.approx(away_s * _UMYO.signal.rate_hz, abs=1.5)
    assert np.diff(chunk.index[240:]).tolist() == [1] * 239


@_BOTH
@pytest.mark.parametrize("away_s", [0.0, 0.4, 3.0, 3600.0])
def test_after_a_reconnection_time_goes_on_whatever_the_counter_says(profile: FirmwareProfile, away_s: float) -> None:
    size = _size(profile)
    first, again = _stream(profile, 10, 50_000), _stream(profile, 10, 77)
    decoder = Decoder(profile)
    before = _decode(decoder, first)
    decoder.resume()
    moved = [_Sent(first[-1].t_ns + round(away_s * 1e9) + s.t_ns - again[0].t_ns, s.data, s.first) for s in again]
    after = _decode(decoder, moved)
    assert after.index[0] - before.index[-1] == max(1, round(away_s * profile.signal.rate_hz))
    assert np.diff(after.index).tolist() == [1] * (10 * size - 1)


def test_a_counter_of_packets_counts_samples_too() -> None:
    sent = _stream(_PACKET_COUNTER, 300)
    lost = {7, 8, 130, 255, 256, 257}
    chunk = _decode(Decoder(_PACKET_COUNTER), [s for k, s in enumerate(sent) if k not in lost])
    assert chunk.index.tolist() == [i for i in range(6000) if i // 20 not in lost]
    assert _samples(_PACKET_COUNTER, chunk)


def test_lengths_of_one_sensor_may_change_from_packet_to_packet() -> None:
    """The uMyo sends 24, 16 or 8 samples, with or without a trailer."""
    first, payloads, expected = 0, [], []
    for size, trailer in ((24, b""), (8, b""), (16, b""), (24, bytes(8)), (8, b"")):
        values = np.arange(first, first + size)
        payloads.append(first.to_bytes(4, "little") + values.astype("<i2").tobytes() + trailer)
        expected += values.tolist()
        first += size
    chunk = Decoder(_UMYO).decode(payloads, np.arange(5) * 20_000_000)
    assert chunk.index.tolist() == expected
    assert chunk.emg[:, 0] == pytest.approx((np.array(expected) - 8000) * 2.746582)
    assert chunk.counts.tolist() == [24, 8, 16, 24, 8]


def test_what_no_layout_takes_is_counted_and_shows_as_a_hole() -> None:
    sent = _stream(_UMYO, 4)
    payloads = [sent[0].data, sent[1].data[:-1], bytes(26), b"", sent[3].data]
    chunk = Decoder(_UMYO).decode(payloads, np.array([sent[k].t_ns for k in (0, 1, 2, 2, 3)]))
    assert chunk.rejected == 2
    assert chunk.counts.tolist() == [24, 0, 0, 0, 24]
    assert chunk.index.tolist() == [*range(24), *range(72, 96)]


def test_a_sample_that_is_no_number_is_a_hole() -> None:
    profile = FirmwareProfile.parse(
        _PACKET_COUNTER.toml.replace("i16le", "f64le").replace("u8", "i64le").replace('"packets"', '"samples"'), "float"
    )
    emg = np.arange(20.0)[:, np.newaxis]
    emg[[3, 4, 19]] = np.nan
    chunk = Decoder(profile).decode([Encoder(profile).encode(emg, 0)], np.array([0]))
    assert chunk.index.tolist() == [i for i in range(20) if i not in (3, 4, 19)]
    assert chunk.counts.tolist() == [17]
