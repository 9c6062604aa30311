"""Lines of text and odd fields: read as the profile says, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from gluteemg.errors import DefinitionError
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile

_HEAD = """\
schema_version = 2
id = "test-sensor"
name = "Test"
vendor = "nobody"
source = "these tests"
layout = "generated"
hardware = "none"
signal = { kind = "raw", channels = 1, rate_hz = 250, unit = "counts" }
"""


def _profile(rest: str) -> FirmwareProfile:
    return FirmwareProfile.parse(_HEAD + rest, "test.toml")


def _arrivals(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(np.rint(np.arange(1, n + 1) * 4e6), np.int64)


def test_a_counter_in_text_starts_over_where_the_profile_says() -> None:
    profile = _profile(
        'counter = { counts = "samples", modulus = 256 }\npackets = [{ text = { columns = ["counter", "emg"] } }]'
    )
    lines = [f"{k % 256},{k}".encode() for k in range(2000) if k != 700]
    chunk = Decoder(profile).decode(lines, np.delete(_arrivals(2000), 700))
    assert chunk.index.tolist() == [k for k in range(2000) if k != 700]
    encoder = Encoder(profile)
    assert encoder.encode_counts(np.array([[5.0]]), 257) == b"1,5.00"


def test_a_line_belongs_to_the_layout_whose_conditions_it_meets() -> None:
    profile = _profile('packets = [{ when = [{ byte = 0, equals = 0x31 }], text = { columns = ["skip", "emg"] } }]')
    chunk = Decoder(profile).decode([b"1,512", b"2,88", b"1,513"], _arrivals(3))
    assert chunk.emg.ravel().tolist() == [512, 513]
    assert chunk.rejected == 1


@pytest.mark.parametrize("line", [b"1_000", b"", b"12,", b"0x10", b"\xff", b"1 2"])
def test_what_is_no_number_is_no_sample(line: bytes) -> None:
    chunk = Decoder(_profile('packets = [{ text = { columns = ["emg"] } }]')).decode([line], _arrivals(1))
    assert (len(chunk.emg), chunk.rejected) == (0, 1)


@pytest.mark.parametrize("counts", ["samples", "packets"])
def test_a_counter_of_64_bits_is_read_whatever_it_holds(counts: str) -> None:
    profile = _profile(
        f'counter = {{ counts = "{counts}" }}\npackets = [{{ header = [{{ field = "counter", type = "u64le" }}], '
        'record = [{ field = "emg", type = "i16le" }], records = 4 }]'
    )
    random = np.random.default_rng(1)
    chunk = Decoder(profile).decode([random.bytes(16) for _ in range(200)], _arrivals(200))
    assert (np.diff(chunk.index) > 0).all()
    encoder = Encoder(profile)
    packets = [encoder.encode_counts(np.zeros((4, 1)), 4 * k) for k in range(50)]
    assert Decoder(profile).decode(packets, 4 * _arrivals(50)).index.tolist() == list(range(200))


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (
            'counter = { counts = "packets", modulus = 300 }\npackets = [{ header = [{ field = "counter", type = "u8" }], '
            'record = [{ field = "emg", type = "i16le" }], records = 4 }]',
            "packets[0] has a counter of u8, which ends before the modulus of 300",
        ),
        (
            'counter = { counts = "samples" }\npackets = [{ header = [{ field = "counter", type = "u8" }, '
            '{ field = "counter", type = "u8" }], record = [{ field = "emg", type = "i16le" }] }]',
            "packets[0] needs exactly one counter field",
        ),
        (
            'packets = [{ header = [{ field = "scale", type = "f32le", typical = 1 }, { field = "scale", type = "f32le", '
            'typical = 1 }], record = [{ field = "emg", type = "i16le" }] }]',
            "packets[0]: a packet has at most one scale",
        ),
        ('packets = [{ text = { columns = ["emg"] }, delta = "add" }]', "packets[0]: a text has columns: no fields, length or"),
        (
            'packets = [{ record = [{ field = "emg", type = "f32le", lowest_bit_is_sign = true }] }]',
            "lowest_bit_is_sign are for signed whole numbers, not f32le",
        ),
        (
            'packets = [{ header = [{ field = "constant", type = "u8", equals = 300 }], '
            'record = [{ field = "emg", type = "u8" }] }]',
            "equals is 300, which u8 does not hold",
        ),
        (
            'packets = [{ record = [{ field = "emg", type = "u8" }], records = 2, '
            'trailer = [{ field = "checksum", type = "u8", algorithm = "crc16-modbus" }] }]',
            "crc16-modbus does not fit into u8",
        ),
        (
            'packets = [{ record = [{ field = "emg", type = "u8" }], records = 2, '
            'trailer = [{ field = "checksum", type = "u8", algorithm = "sum8", first_byte = 2 }] }]',
            "the checksum covers nothing: first_byte is 2",
        ),
        (
            'packets = [{ header = [{ field = "value", name = "battery", type = "u8", typical = 8700 }], '
            'record = [{ field = "emg", type = "u8" }] }]',
            "battery: typical is 8700, which u8 does not hold",
        ),
    ],
)
def test_a_layout_that_cannot_be_is_refused(rest: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        _profile(rest)
    assert said in str(refused.value)
    assert "1 fault" in str(refused.value)


@pytest.mark.parametrize(("old", "new"), [("channels = 1", 'channels = "1"'), ("rate_hz = 250", "rate_hz = true")])
def test_a_text_or_a_truth_is_no_number(old: str, new: str) -> None:
    packets = 'packets = [{ record = [{ field = "emg", type = "u8" }] }]'
    with pytest.raises(DefinitionError, match="valid"):
        FirmwareProfile.parse(_HEAD.replace(old, new) + packets, "test.toml")


@pytest.mark.parametrize("lsb", ["inf", "nan", "1e400"])
def test_a_number_without_end_is_refused(lsb: str) -> None:
    packets = 'packets = [{ record = [{ field = "emg", type = "u8" }] }]'
    with pytest.raises(DefinitionError, match="finite"):
        FirmwareProfile.parse(_HEAD.replace('unit = "counts"', f'unit = "counts", lsb = {lsb}') + packets, "test.toml")
