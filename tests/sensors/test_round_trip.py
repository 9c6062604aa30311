"""Whatever profile: what was encoded is decoded, what was lost is a hole of its length, and the cut into calls does nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cuts import assert_same, cuts_of
from tests.sensors.streams import PROFILES, Sent, assert_adds_up, emg_of, factor_of, stream

from gluteemg.sensors.decoder import Chunk, Decoder
from gluteemg.sensors.numbering import STALL_S
from gluteemg.sensors.profile import FirmwareProfile

_EVERY = pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.id)


def _decode(decoder: Decoder, sent: list[tuple[int, bytes]]) -> Chunk:
    return decoder.decode([data for _, data in sent], np.array([t for t, _ in sent], np.int64))


def _known(profile: FirmwareProfile, came: list[Sent]) -> list[Sent]:
    """Packets whose samples can be known: of differences, those that follow a whole sample without a hole."""
    if not any(p.delta for p in profile.packets):
        return came
    known, after = [], -1
    for packet in came:
        if packet.is_whole or packet.first == after:
            known.append(packet)
            after = packet.first + len(packet.counts)
    return known


@_EVERY
@settings(max_examples=15, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), before=st.integers(0, 2**20), room=st.integers(3, 244))
def test_what_comes_is_what_was_encoded_and_what_is_lost_is_a_hole_of_its_length(
    profile: FirmwareProfile, data: st.DataObject, seed: int, before: int, room: int
) -> None:
    sent = stream(profile, 40, np.random.default_rng(seed), before, room)
    lost = data.draw(st.sets(st.integers(1, 39), max_size=20))
    came = [packet for k, packet in enumerate(sent) if k not in lost]
    air = [(packet.t_ns, payload) for packet in came for payload in packet.payloads]
    decoder = Decoder(profile)
    chunks = [_decode(decoder, air[piece]) for piece in data.draw(cuts_of(len(air)))]
    known = _known(profile, came)
    emg, index = np.concatenate([c.emg for c in chunks]), np.concatenate([c.index for c in chunks])
    expected = emg_of(profile, np.concatenate([packet.counts for packet in known]))
    assert np.allclose(emg, expected, rtol=1e-6, atol=0) if factor_of(profile) != 1 else np.array_equal(emg, expected)
    if profile.counter is not None:
        numbers = np.concatenate([packet.index for packet in known])
        wrap_s = profile.wrap_s or 0.0
        # Where the counter starts over within a stall of the radio, a whole wrap that is lost does not show.
        modulus = round(wrap_s * profile.signal.rate_hz) if wrap_s < STALL_S else int(numbers[-1]) + 1
        assert (index % modulus).tolist() == (numbers % modulus).tolist()
        assert index[-1] <= numbers[-1]
    elif profile.signal.timing == "regular":
        assert index.tolist() == list(range(len(emg)))
    counts = np.concatenate([c.counts for c in chunks])
    whole = {id(packet) for packet in known}
    assert counts.tolist() == [n for p in came for n in [0] * (len(p.payloads) - 1) + [len(p.counts) if id(p) in whole else 0]]
    assert sum(c.rejected for c in chunks) == 0
    assert sum(c.dropped for c in chunks) == sum(len(packet.counts) for packet in came) - len(emg)


@_EVERY
@settings(max_examples=15, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), room=st.integers(3, 244))
def test_any_cut_gives_the_same_samples(profile: FirmwareProfile, data: st.DataObject, seed: int, room: int) -> None:
    """Lost, sent twice, late, shortened, changed: whatever a radio does to a payload, the cut into calls does nothing."""
    rng = np.random.default_rng(seed)
    sent = [(packet.t_ns, part) for packet in stream(profile, 30, rng, room=room) for part in packet.payloads]
    fates = st.sampled_from(["lost", "twice", "late", "short", "changed", "other"])
    fate = data.draw(st.dictionaries(st.integers(0, len(sent) - 1), fates, max_size=12))
    air: list[tuple[int, bytes]] = []
    for k, (t_ns, payload) in enumerate(sent):
        at = int(rng.integers(len(payload)))
        match fate.get(k):
            case "lost":
                continue
            case "twice":
                air += [(t_ns, payload)] * 2
            case "late" if air:
                air[-1:] = [(air[-1][0], payload), (t_ns, air[-1][1])]
            case "short":
                air.append((t_ns, payload[:at]))
            case "changed":
                air.append((t_ns, payload[:at] + rng.bytes(1) + payload[at + 1 :]))
            case "other":
                air.append((t_ns, rng.bytes(at)))
            case _:
                air.append((t_ns, payload))
    whole = _decode(Decoder(profile), air)
    decoder, pieces = Decoder(profile), data.draw(cuts_of(len(air)))
    parts = [_decode(decoder, air[piece]) for piece in pieces]
    for name in ("emg", "index", "counts"):
        assert_same(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
    assert sum(p.rejected for p in parts) == whole.rejected
    assert sum(p.dropped for p in parts) == whole.dropped
    for name, values in whole.values.items():
        told = [(p.values[name], piece.start) for p, piece in zip(parts, pieces, strict=True) if name in p.values]
        assert_same(np.concatenate([v.data for v, _ in told]), values.data)
        assert_same(np.concatenate([v.payload + start for v, start in told]), values.payload)
    assert_adds_up(whole, len(air))


@_EVERY
def test_no_payloads_give_no_samples(profile: FirmwareProfile) -> None:
    chunk = Decoder(profile).decode([], np.empty(0, np.int64))
    assert chunk.emg.shape == (0, profile.signal.channels)
    assert (len(chunk.index), len(chunk.counts), chunk.rejected, chunk.dropped) == (0, 0, 0, 0)
