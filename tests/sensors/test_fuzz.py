"""Bytes that no sensor should send: no exception, and no silent sample.

No silent sample means: every packet is read by a layout or counted as rejected; every sample that is read is given with a
number of its own, greater than all before, or counted as dropped; and every sample that is given belongs to one payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.sensors.streams import PROFILES, START_NS, assert_adds_up, stream

from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.form import forms_of
from gluteemg.sensors.framing import Framer
from gluteemg.sensors.profile import FirmwareProfile

_EVERY = pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.id)
_KEPT, _SHORT, _LONG, _FLIPPED, _TWICE, _SWAPPED, _RANDOM, _EMPTY = range(8)
_PACKETS = 2000  # of a good stream; most counters start over within
_RUN = 4000


class _Account:
    """Counts on its own what a run of payloads holds, and compares."""

    def __init__(self, profile: FirmwareProfile) -> None:
        self._profile = profile
        self._framer = None if profile.framing is None else Framer(profile.framing)
        self._decoder = Decoder(profile)
        self._last = -1

    def check(self, payloads: list[bytes], arrival_ns: NDArray[np.int64]) -> int:
        """Decode a run; give how many samples came of it."""
        chunk = self._decoder.decode(payloads, arrival_ns)
        assert_adds_up(chunk, len(payloads))
        packets, skipped = payloads, 0
        if self._framer is not None:
            cut = self._framer.cut(payloads)
            packets, skipped = cut.packets, len(cut.skipped)
        samples, unread = self._count(packets)
        assert chunk.rejected == skipped + unread
        assert len(chunk.emg) + chunk.dropped == samples
        if len(chunk.index):
            assert chunk.index[0] > self._last
            self._last = int(chunk.index[-1])
        return len(chunk.emg)

    def _count(self, packets: Sequence[bytes]) -> tuple[int, int]:
        """Count the samples in packets that some layout takes, and the packets that none does."""
        samples, unread = 0, 0
        by_length: dict[int, list[bytes]] = {}
        for packet in packets:
            by_length.setdefault(len(packet), []).append(packet)
        for length, same in by_length.items():
            layouts = [p for p in self._profile.packets if p.records_in(length) is not None]
            left = np.frombuffer(b"".join(same), np.uint8).reshape(len(same), length)
            for layout, form in zip(layouts, forms_of(self._profile, length), strict=True):
                taken = form.takes(left) if len(left) else np.empty(0, np.bool_)
                each = 1 if layout.text is not None else layout.samples_in(length) or 0
                samples += each * int(taken.sum())
                left = left[~taken]
            unread += len(left)
        return samples, unread


def _mutated(good: Sequence[bytes], rng: np.random.Generator) -> Iterator[list[bytes]]:
    """Give runs of payloads, four of five of them mutated, in the order of a stream that starts over again and again."""
    at = 0
    while True:
        fates = rng.choice(8, _RUN, p=[0.2, 0.15, 0.1, 0.3, 0.08, 0.07, 0.08, 0.02]).tolist()
        places, noise, run = rng.integers(0, 1 << 24, _RUN).tolist(), rng.bytes(_RUN + 300), list[bytes]()
        for k, (fate, place) in enumerate(zip(fates, places, strict=True)):
            payload = good[at % len(good)]
            at += 1 if place % 50 else 1 + place % 400  # every now and then the counter jumps
            n = len(payload)
            if fate == _SHORT:
                payload = payload[: place % n]
            elif fate == _LONG:
                payload += noise[k : k + 1 + place % 40]
            elif fate == _FLIPPED:
                bits = int.from_bytes(payload, "big") ^ (1 << place % (8 * n)) ^ ((1 << place // 7 % (8 * n)) * (place & 1))
                payload = bits.to_bytes(n, "big")
            elif fate == _TWICE and run:
                payload = run[-1]
            elif fate == _SWAPPED and run:
                run[-1], payload = payload, run[-1]
            elif fate in (_RANDOM, _EMPTY):
                payload = noise[k : k + place % 250] if fate == _RANDOM else b""
            run.append(payload)
        yield run


def _arrivals(profile: FirmwareProfile, n: int, start_ns: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give times that stall, burst and jump: about a millisecond apart, and once in a while seconds."""
    waits_ns = rng.exponential(1e9 / profile.signal.rate_hz, n) * rng.choice([0, 1, 8, 1000], n, p=[0.3, 0.4, 0.298, 0.002])
    return np.asarray(start_ns + np.cumsum(waits_ns).astype(np.int64))


def _good(profile: FirmwareProfile) -> list[bytes]:
    """Give the payloads of a good stream, and those of the vectors, which show the layouts that the encoder does not write."""
    rng = np.random.default_rng(1)
    shown = [payload for vector in profile.vectors for payload in vector.payloads]
    good = [payload for packet in stream(profile, _PACKETS, rng) for payload in packet.payloads]
    return [p for k in range(0, len(good), 100) for p in (*good[k : k + 100], *shown)]


@_EVERY
@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 299), st.integers(0, 400), st.binary(max_size=3), st.integers(0, 10**9)), max_size=20))
def test_anything_may_be_sent(profile: FirmwareProfile, changes: list[tuple[int, int, bytes, int]]) -> None:
    """Payloads of a good stream out of their order, cut at a place and with other bytes put in there, at any time."""
    good, account, t_ns = _GOOD[profile.id], _Account(profile), START_NS
    for which, at, put, wait_ns in changes:
        t_ns += wait_ns
        payload = good[which]
        payload = payload[:at] + put + payload[at + len(put) + (which % 3 == 0) :]
        account.check([payload, good[which]], np.array([t_ns, t_ns]))


@_EVERY
def test_a_few_thousand_spoilt_packets_leave_no_sample_unaccounted(profile: FirmwareProfile) -> None:
    assert _spoil(profile, _RUN) > 0


@pytest.mark.slow
@_EVERY
def test_a_million_spoilt_packets_leave_no_sample_unaccounted(profile: FirmwareProfile) -> None:
    assert _spoil(profile, 1_000_000) > 0


def _spoil(profile: FirmwareProfile, n: int) -> int:
    """Check so many mutated packets, four in five of all; give how many samples came."""
    rng, account, t_ns, samples = np.random.default_rng(2), _Account(profile), START_NS, 0
    runs = _mutated(_GOOD[profile.id], rng)
    for run in (next(runs) for _ in range(-(-n * 5 // (4 * _RUN)))):
        arrivals = _arrivals(profile, len(run), t_ns, rng)
        samples += account.check(run, arrivals)
        t_ns = int(arrivals[-1])
    return samples


_GOOD = {profile.id: _good(profile)[:_PACKETS] for profile in PROFILES}
