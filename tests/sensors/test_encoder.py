"""What a virtual sensor writes: numbers held at the ends of the converter, packets of the sizes a device sends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensors.streams import PROFILES, emg_of, profile

from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile

_EVERY = pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.id)


@_EVERY
def test_the_first_packet_of_a_round_is_of_a_size_the_device_sends(profile: FirmwareProfile) -> None:
    encoder = Encoder(profile)
    first = 0
    for size in encoder.sizes(10):
        packet = encoder.encode(np.zeros((size, profile.signal.channels)), first)
        assert any(layout.records_in(len(packet)) is not None for layout in profile.emg_layouts)
        first += size


def test_a_round_of_differences_begins_with_a_whole_sample() -> None:
    sizes = Encoder(profile("ganglion-v2-delta")).sizes(1)
    assert sizes == (1,) + (2,) * 100


@pytest.mark.parametrize(
    ("name", "otherwise", "size"),
    [("myopod", 20, 20), ("gforcepro-8bit-1000", 1, 16), ("synthetic", 1, 20), ("myoware-nus", 9, 1)],
)
def test_a_layout_says_how_many_samples_a_packet_holds_or_leaves_it_open(name: str, otherwise: int, size: int) -> None:
    assert Encoder(profile(name)).sizes(otherwise) == (size,)


@_EVERY
@settings(max_examples=20, deadline=None)
@given(value=st.floats(-1e9, 1e9))
def test_what_is_out_of_range_is_held_at_the_ends_of_the_converter(profile: FirmwareProfile, value: float) -> None:
    encoder, signal = Encoder(profile), profile.signal
    counts = encoder.quantise(np.full((1, signal.channels), value))
    again = encoder.quantise(emg_of(profile, counts))
    assert (again == counts).all()
    emg = profile.emg_layouts[0].emg
    if emg is not None:
        low, high = (end * (1 << emg.shift) for end in emg.number.ends)
        assert (counts >= max(low, -np.inf if signal.low is None else signal.low)).all()
        assert (counts <= min(high, np.inf if signal.high is None else signal.high)).all()


def test_a_difference_too_steep_to_be_written_is_followed_as_fast_as_it_can() -> None:
    ganglion = profile("ganglion-v2-delta")
    encoder, most = Encoder(ganglion), 2**18 - 2
    counts = np.array([[0.0] * 4, [1e6] * 4, [1e6] * 4, [1e6] * 4, [1e6] * 4])
    packets = [
        encoder.encode_counts(counts[:1], 0),
        encoder.encode_counts(counts[1:3], 1),
        encoder.encode_counts(counts[3:], 3),
    ]
    chunk = Decoder(ganglion).decode(packets, np.arange(3))
    steps = chunk.emg[:, 0] / ganglion.signal.lsb
    assert steps == pytest.approx([0, most + 2, 2 * (most + 2), 3 * (most + 2), 1e6])


def test_the_sign_stands_in_the_lowest_bit_of_a_ganglion_word() -> None:
    ganglion = profile("ganglion-v3")
    packet = Encoder(ganglion).encode_counts(np.array([[-64.0, 64.0, 0.0, -128.0]] * 2), 0)
    bits = int.from_bytes(packet[1:], "big")
    words = [bits >> 19 * (7 - k) & (1 << 19) - 1 for k in range(4)]
    assert words == [0b1111111111111111111, 0b10, 0, 0b1111111111111111101]


def test_a_packet_of_a_size_that_no_layout_has_is_refused() -> None:
    with pytest.raises(ValueError, match="umyo-gatt has no packet of 5 samples at 0"):
        Encoder(profile("umyo-gatt")).encode(np.zeros((5, 1)), 0)


def test_a_number_in_text_is_written_with_its_decimals() -> None:
    assert Encoder(profile("myoware-nus")).encode(np.array([[12.346]]), 0) == b"12.35,0"
    assert Encoder(profile("myoware-string")).encode(np.array([[-7.0]]), 0) == b"-7.00"


def test_what_is_not_a_sample_is_written_as_it_typically_is() -> None:
    packet = Encoder(profile("synthetic")).encode(np.zeros((20, 4)), 0)
    assert Decoder(profile("synthetic")).decode([packet], np.array([0])).values["battery"].data.tolist() == [[87]]
