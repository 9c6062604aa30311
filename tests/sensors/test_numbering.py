"""Counters that wrap, in a radio that stalls: what was lost is a hole of its length, what was late is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensors.streams import PROFILES, START_NS, profile, stream

from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.numbering import Counted, Numbering
from gluteemg.sensors.profile import FirmwareProfile

_COUNTING = [p for p in PROFILES if p.counter is not None]
_INTERVAL_NS = 30_000_000


def _counted(sizes: list[int], first: list[int], last: list[int], modulus: int) -> Counted:
    each = np.array(sizes)
    return Counted(each, np.array(first), np.array(last), np.full(len(each), modulus), np.ones(each.sum(), np.int64))


def _at(*times_s: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return START_NS + np.rint(1e9 * np.array(times_s)).astype(np.int64)


@pytest.mark.parametrize("profile", _COUNTING, ids=lambda p: p.id)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_radio_that_misses_its_turns_makes_no_sensor_count_faster(profile: FirmwareProfile, seed: int) -> None:
    """Packets come in turns 30 ms apart; a tenth of the turns is missed, and the next brings what was kept."""
    rng = np.random.default_rng(seed)
    sent = stream(profile, 400, rng)
    turns = -(-np.array([packet.t_ns for packet in sent]) // _INTERVAL_NS)
    missed = rng.random(turns.max() + 2) < 0.1
    missed[-1] = False
    come = np.array([turn + int(np.argmin(missed[turn:])) for turn in turns])
    chunk = Decoder(profile).decode([packet.payloads[0] for packet in sent], come * _INTERVAL_NS)
    assert chunk.index.tolist() == list(range(len(chunk.index)))
    assert chunk.dropped == 0


def test_a_counter_of_four_packets_shows_what_is_lost_but_four_in_a_row() -> None:
    myo = profile("myo-armband")
    sent = stream(myo, 40, np.random.default_rng(0))
    for lost, hole in (({10}, 2), ({10, 11}, 4), ({10, 11, 12}, 6), ({10, 11, 12, 13}, 0)):
        came = [packet for k, packet in enumerate(sent) if k not in lost]
        chunk = Decoder(myo).decode([p.payloads[0] for p in came], np.array([p.t_ns for p in came]))
        assert np.diff(chunk.index).max() - 1 == hole


def test_packets_of_different_sizes_are_counted_by_their_counters() -> None:
    index = Numbering(profile("npg-lite-3ch")).place(
        _counted([3, 1, 4], [250, 253, 2], [252, 253, 5], 256), _at(0.006, 0.008, 0.024)
    )
    assert index.tolist() == [0, 1, 2, 3, 8, 9, 10, 11]


def test_what_was_there_before_gets_the_numbers_it_had() -> None:
    index = Numbering(profile("npg-lite-3ch")).place(
        _counted([2, 2, 2, 2], [0, 2, 0, 4], [1, 3, 1, 5], 256), _at(0.004, 0.008, 0.0081, 0.012)
    )
    assert index.tolist() == [0, 1, 2, 3, 0, 1, 4, 5]


def test_without_a_counter_samples_follow_each_other() -> None:
    index = Numbering(profile("emg-ble-2000")).place(_counted([2, 3], [0, 0], [0, 0], 0), _at(0.0, 5.0))
    assert index.tolist() == [0, 1, 2, 3, 4]


def test_a_sensor_without_a_clock_is_placed_where_it_arrives_and_side_by_side_where_it_crowds() -> None:
    numbering = Numbering(profile("myoware-string"))  # a grid of 100 Hz
    index = numbering.place(_counted([1, 1, 1, 1], [0] * 4, [0] * 4, 0), _at(0.0, 0.05, 0.051, 0.2))
    assert (index - index[0]).tolist() == [0, 5, 6, 20]
    later = numbering.place(_counted([2], [0], [0], 0), _at(0.2))
    assert (later - index[0]).tolist() == [21, 22]


@pytest.mark.parametrize("away_s", [0.1, 2.0, 600.0])
def test_after_a_reconnection_only_time_tells_how_much_is_missing(away_s: float) -> None:
    numbering = Numbering(profile("synthetic"))
    numbering.place(_counted([20], [5000], [5019], 2**32), _at(0.0))
    numbering.resume()
    index = numbering.place(_counted([20], [0], [19], 2**32), _at(away_s))
    assert index[0] == 19 + round(away_s * 1000)


def test_a_long_counter_that_starts_over_without_a_pause_costs_three_packets() -> None:
    """Restarted within the two seconds in which a packet may be late: packet after packet is old, so they are new."""
    umyo = profile("umyo-gatt")
    encoder = Encoder(umyo)
    firsts = [24 * k for k in range(40)] + [24 * k for k in range(40)]
    payloads = [encoder.encode_counts(np.full((24, 1), 8000.0), first) for first in firsts]
    arrivals = np.array([round(24 * (k + 1) / 1116 * 1e9) for k in range(80)], np.int64)
    whole = Decoder(umyo).decode(payloads, arrivals)
    assert len(whole.index) == 24 * 77
    assert whole.dropped == 24 * 3
    assert whole.index[-1] == 24 * 80 - 1
    single = Decoder(umyo)
    parts = [single.decode([p], arrivals[k : k + 1]).index for k, p in enumerate(payloads)]
    assert np.array_equal(np.concatenate(parts), whole.index)
