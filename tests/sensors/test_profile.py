"""Profiles prove themselves by their vectors, and a file with faults says all of them in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gluteemg.errors import DefinitionError
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.encoder import Encoder
from gluteemg.sensors.profile import FirmwareProfile, dtype_of

_FOLDER = Path(__file__).parents[2] / "firmware_profiles"
_FILES = sorted(_FOLDER.glob("*.toml"))
_PROFILES = [FirmwareProfile.parse(file.read_text("utf-8"), file.name) for file in _FILES]
_VECTORS = [
    pytest.param(profile, vector, id=f"{profile.id}-{number}")
    for profile in _PROFILES
    for number, vector in enumerate(profile.vectors)
]

_GOOD = """\
schema_version = 1
id = "test-sensor"
name = "Test"
vendor = "nobody"
source = "these tests"
layout = "generated"
hardware = "none"

[signal]
kind = "raw"
channels = 2
rate_hz = 1000
unit = "uV"

[counter]
counts = "samples"

[[packets]]
length = 22
header = [{ field = "counter", type = "u16le" }]
record = [{ field = "emg", type = "i16le", count = 2 }]
records = 5
"""


def _refusal(toml: str) -> str:
    with pytest.raises(DefinitionError) as refused:
        FirmwareProfile.parse(toml, "test.toml")
    return str(refused.value)


def _changed(*changes: tuple[str, str]) -> str:
    toml = _GOOD
    for old, new in changes:
        assert toml.count(old) == 1
        toml = toml.replace(old, new)
    return toml


def test_there_are_profiles() -> None:
    assert {"umyo-gatt", "npg-lite-3ch"} <= {p.id for p in _PROFILES}


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_a_profile_is_called_like_its_file_and_carries_its_proof(file: Path) -> None:
    profile = FirmwareProfile.parse(file.read_text("utf-8"), file.name)
    assert profile.id == file.stem
    assert profile.vectors
    assert profile.toml == file.read_text("utf-8")


@pytest.mark.parametrize(("profile", "vector"), _VECTORS)
def test_every_vector_decodes_to_its_values(profile: FirmwareProfile, vector: object) -> None:
    vector = next(v for v in profile.vectors if v is vector)
    chunk = Decoder(profile).decode([bytes.fromhex(vector.hex)], np.array([5]))
    expected = (np.array(vector.emg) - profile.signal.bias) * profile.signal.lsb
    assert np.array_equal(chunk.emg, expected)
    assert chunk.counts.tolist() == [len(vector.emg)]
    assert chunk.rejected == 0


@pytest.mark.parametrize(("profile", "vector"), _VECTORS)
def test_every_vector_encodes_back_to_its_bytes(profile: FirmwareProfile, vector: object) -> None:
    vector = next(v for v in profile.vectors if v is vector)
    first = vector.counter[0] if vector.counter else 0
    assert Encoder(profile).encode_counts(np.array(vector.emg), first).hex() == vector.hex


@pytest.mark.parametrize(("profile", "vector"), _VECTORS)
def test_the_counters_of_a_vector_are_those_on_the_air(profile: FirmwareProfile, vector: object) -> None:
    vector = next(v for v in profile.vectors if v is vector)
    data = bytes.fromhex(vector.hex)
    found = profile.layout_of(len(data))
    assert found is not None
    layout, records = found
    header = np.frombuffer(data, layout.header_dtype, 1)
    if "counter" in (layout.header_dtype.names or ()):
        counters = header["counter"].item() + np.arange(records)
    else:
        counters = np.frombuffer(data, layout.record_dtype, records, layout.header_dtype.itemsize)["counter"].ravel()
    assert counters.tolist() == list(vector.counter)


@pytest.mark.parametrize("profile", _PROFILES, ids=lambda p: p.id)
def test_a_device_can_be_found_and_its_stream_subscribed_to(profile: FirmwareProfile) -> None:
    assert profile.match is not None
    assert profile.stream is not None
    assert all(write.payload for write in (*profile.start, *profile.stop))


def test_the_profile_that_the_faults_below_start_from_has_none() -> None:
    profile = FirmwareProfile.parse(_GOOD, "test.toml")
    assert profile.layout_of(22) == (profile.packets[0], 5)
    assert profile.layout_of(21) is None
    assert profile.emg_dtype == np.dtype("<i2")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Test"', 'name = "Test"\ncolour = "red"', "colour: Extra inputs are not permitted"),
        ("rate_hz = 1000", 'rate_hz = "fast"', "signal.rate_hz: Input should be a valid number"),
        ("rate_hz = 1000", "rate_hz = 0", "signal.rate_hz: Input should be greater than 0"),
        ('unit = "uV"', 'unit = "furlong"', "signal.unit: Input should be 'uV' or 'counts'"),
        ("channels = 2", "", "signal.channels: Field required"),
        ("schema_version = 1", "schema_version = 2", "schema_version: Input should be 1"),
        ('id = "test-sensor"', 'id = "Test Sensor"', "id: String should match pattern"),
        ("length = 22", "length = 600", "packets[0].length: Input should be less than or equal to 512"),
        ("length = 22", "length = 23", "packets[0]: length says 23 bytes, header, records and trailer add up to 22"),
        ('"i16le"', '"i12le"', "packets[0].record[0].type: Input should be"),
        ("count = 2", "count = 3", "length says 22 bytes"),
        ('field = "emg"', 'field = "skip"', "packets[0]: the record needs exactly one emg field"),
        ("channels = 2", "channels = 3", "packets[0] holds 2 channels, signal.channels says 3"),
        (
            '[{ field = "counter", type = "u16le" }]',
            "[]\ntrailer = [{ field = 'skip', type = 'i16le' }]",
            "exactly one counter",
        ),
        ('[counter]\ncounts = "samples"', "", "exactly one counter field where [counter] is given, else none"),
        ("length = 22", 'kind = "auxiliary"\nlength = 22', "packets: no packet layout carries emg"),
        (
            "[counter]",
            "[[start]]\ncharacteristic = 'fc7a'\ntext = 'A'\n\n[counter]",
            "start[0].characteristic: String should match",
        ),
    ],
)
def test_a_fault_is_refused_in_one_line_that_says_where(old: str, new: str, said: str) -> None:
    message = _refusal(_changed((old, new)))
    assert message.startswith("test.toml has 1 fault: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("payload", ["", "text = 'A'\nhex = '41'"])
def test_a_write_needs_exactly_one_payload(payload: str) -> None:
    write = f"[[start]]\ncharacteristic = 'beb5483e-36e1-4688-b7f5-ea07361b26a8'\n{payload}\n\n[counter]"
    assert "start[0]: give either text or hex" in _refusal(_changed(("[counter]", write)))


def test_two_faults_are_both_listed() -> None:
    message = _refusal(_changed(("rate_hz = 1000", 'rate_hz = "fast"'), ('name = "Test"', 'name = "Test"\ncolour = "red"')))
    assert message.startswith("test.toml has 2 faults: ")
    assert "signal.rate_hz" in message
    assert "colour" in message


def test_a_missing_counter_field_is_listed_beside_an_unknown_key() -> None:
    no_counter = '[{ field = "skip", type = "u16le" }]'
    message = _refusal(
        _changed(('[{ field = "counter", type = "u16le" }]', no_counter), ('name = "Test"', 'name = "Test"\ncolour = "red"'))
    )
    assert "exactly one counter field" in message
    assert "colour" in message
    assert "\n" not in message


def test_lengths_that_do_not_add_up_are_listed_beside_a_wrong_type() -> None:
    message = _refusal(_changed(("length = 22", "length = 30"), ('unit = "uV"', "unit = 7")))
    assert "length says 30 bytes" in message
    assert "signal.unit" in message


def test_a_text_that_is_no_toml_says_so() -> None:
    assert _refusal("[signal\n").startswith("test.toml is not valid TOML: ")


def test_an_auxiliary_packet_is_known_and_carries_nothing() -> None:
    umyo = next(p for p in _PROFILES if p.id == "umyo-gatt")
    assert umyo.is_auxiliary(26)
    assert not umyo.is_auxiliary(52)
    assert umyo.layout_of(26) is None
    chunk = Decoder(umyo).decode([bytes(26)], np.array([5]))
    assert (len(chunk.index), chunk.counts.tolist(), chunk.rejected) == (0, [0], 0)


def test_a_layout_without_a_length_takes_whole_records_only() -> None:
    profile = FirmwareProfile.parse(_changed(("length = 22\n", ""), ("records = 5\n", "")), "test.toml")
    assert [profile.layout_of(n) and profile.layout_of(n)[1] for n in (2, 6, 7, 22, 26)] == [None, 1, None, 5, 6]  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("u8", "u1"), ("i16be", ">i2"), ("u32le", "<u4"), ("i64le", "<i8"), ("f64le", "<f8")],
)
def test_a_number_on_the_air_is_read_as_it_is_written(kind: str, expected: str) -> None:
    assert dtype_of(kind) == np.dtype(expected)  # type: ignore[arg-type]
