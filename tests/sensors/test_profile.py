"""Profiles prove themselves by their vectors, and a file with faults says all of them in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.sensors.streams import FILES, PROFILES, profile

from gluteemg.errors import DefinitionError
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.profile import FirmwareProfile, Match, recognise
from gluteemg.sensors.proof import objections

_EVERY = pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.id)

_BATTERY = "00002a19-0000-1000-8000-00805f9b34fb"
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
    assert {p.id for p in PROFILES} >= {
        *("umyo-gatt", "umyo-adv", "npg-lite-3ch", "npg-lite-6ch", "npg-lite-idf"),
        *("myoware-string", "myoware-nus", "myoware-sparkfun", "gforcepro-8bit-1000", "gforcepro-12bit-500"),
        *("ganglion-v3", "ganglion-v2-delta", "myo-armband", "myopod", "emg-ble-2000", "biogap-v1", "biogap-ultra"),
        *("generic-nus-ascii", "synthetic"),
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_profile_is_called_like_its_file_and_carries_its_proof(file: Path) -> None:
    profile = FirmwareProfile.parse(file.read_text("utf-8"), file.name)
    assert profile.id == file.stem
    assert profile.schema_version == 2
    assert profile.toml == file.read_text("utf-8")


@_EVERY
def test_every_vector_gives_its_values_and_is_encoded_back_to_its_bytes(profile: FirmwareProfile) -> None:
    assert objections(profile).faults == ()


@_EVERY
def test_vectors_show_every_layout_and_say_where_they_are_from(profile: FirmwareProfile) -> None:
    assert all(vector.source for vector in profile.vectors)
    whole = [Decoder(profile).decode(v.payloads, np.arange(len(v.payloads))) for v in profile.vectors]
    assert sum(int((chunk.counts > 0).sum()) for chunk in whole) >= 2


@_EVERY
def test_a_profile_says_what_is_known_of_it(profile: FirmwareProfile) -> None:
    """Nobody here has held one of these devices."""
    assert profile.hardware == ("none" if profile.layout == "generated" else "untested")
    assert "@" in profile.source or profile.layout != "verified-in-source"
    assert profile.link.note
    assert not profile.buy or profile.buy.startswith("https://")
    assert (profile.signal.lsb == 1) == (profile.signal.unit == "counts")


@_EVERY
def test_a_device_can_be_found_and_its_stream_subscribed_to(profile: FirmwareProfile) -> None:
    assert profile.match is not None
    assert profile.stream is not None
    assert all(write.payload for write in (*profile.start, *profile.stop))
    assert bool(profile.start) == bool(profile.stop)


@pytest.mark.parametrize(
    ("name", "service", "expected"),
    [
        ("uMyo-5C", "93375900-f229-8b49-b397-44b5899b8601", "umyo-gatt"),
        ("uMyo-5C", None, "umyo-gatt"),
        ("NPG-Lite-3CH:1A:2B", "4fafc201-1fb5-459e-8fcc-c5c9c331914b", "npg-lite-3ch"),
        ("NPG-Lite-6CH:1A:2B", None, "npg-lite-6ch"),
        ("NPG-LITE", None, "npg-lite-idf"),
        ("MyoWareSensor1", "ec3af789-2154-49f4-a9fc-bc6c88e9e930", "myoware-string"),
        ("MyoWareSensor1", None, "myoware-string"),
        ("MyoW1", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", "myoware-nus"),
        ("MYOWARE1", None, "myoware-sparkfun"),
        ("gForcePro+(1A2B)", "0000ffd0-0000-1000-8000-00805f9b34fb", "gforcepro-8bit-1000"),
        ("Ganglion-1a2b", None, "ganglion-v3"),
        ("Anna's", "d5060001-a904-deb9-4748-2c7f4a124842", "myo-armband"),
        ("MyoPod 7", None, "myopod"),
        ("EMG_BLE", None, "emg-ble-2000"),
        ("BioWolfBleACT", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", "biogap-v1"),
        ("gluteemg-1", None, "synthetic"),
        ("Kitchen lamp", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", None),
        ("Kitchen lamp", None, None),
    ],
)
def test_a_device_is_told_by_its_name_and_its_service(name: str, service: str | None, expected: str | None) -> None:
    found = recognise(name, [] if service is None else [service], PROFILES)
    assert (found and found.id) == expected


def test_profiles_that_share_a_name_are_taken_by_choice_but_for_one() -> None:
    by_name: dict[Match, list[str]] = {}
    for one in PROFILES:
        assert one.match is not None
        if not one.match.by_choice:
            by_name.setdefault(one.match, []).append(one.id)
    assert all(len(same) == 1 for same in by_name.values())


def test_other_firmware_leads_to_a_profile_that_exists() -> None:
    named = {p.firmware.otherwise for p in PROFILES if p.firmware is not None}
    assert named == {"ganglion-v2-delta"}
    assert named <= {p.id for p in PROFILES}


def test_the_profile_that_the_faults_below_start_from_has_none() -> None:
    (layout,) = FirmwareProfile.parse(_GOOD, "test.toml").packets
    assert (layout.samples_in(22), layout.samples_in(21), layout.channels) == (5, None, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Test"', 'name = "Test"\ncolour = "red"', "colour: is not known here"),
        ("rate_hz = 1000", 'rate_hz = "fast"', "signal.rate_hz: Input should be a valid number"),
        ("rate_hz = 1000", "rate_hz = 0", "signal.rate_hz: Input should be greater than 0"),
        ('unit = "uV"', 'unit = "furlong"', "signal.unit: Input should be 'uV' or 'counts'"),
        ("channels = 2", "", "signal.channels: is missing"),
        ("schema_version = 1", "schema_version = 3", "schema_version: Input should be 1 or 2"),
        ('id = "test-sensor"', 'id = "Test Sensor"', "id: String should match pattern"),
        ("length = 22", "length = 5000", "packets[0].length: Input should be less than or equal to 4096"),
        ("length = 22", "length = 23", "packets[0]: length says 23 bytes, header, records and trailer add up to 22"),
        ('"i16le"', '"i33le"', "type: 'i33le' is no type: write a letter"),
        ("count = 2", "count = 3", "length says 22 bytes"),
        ('field = "emg"', 'field = "skip"', "packets[0]: the record needs exactly one emg field"),
        ("channels = 2", "channels = 3", "packets[0] holds 2 channels, signal says 3"),
        (
            '[{ field = "counter", type = "u16le" }]',
            "[]\ntrailer = [{ field = 'skip', type = 'i16le' }]",
            "exactly one counter",
        ),
        ('[counter]\ncounts = "samples"', "", "exactly one counter field where [counter] is given, else none"),
        ("length = 22", 'kind = "auxiliary"\nlength = 22', "packets[0]: an auxiliary packet has no emg and no counter"),
        (
            "[counter]",
            "[[start]]\ncharacteristic = 'fc7a85'\ntext = 'A'\n\n[counter]",
            "start[0].characteristic: 'fc7a85' is no UUID",
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


def test_an_auxiliary_packet_is_known_and_carries_no_samples() -> None:
    chunk = Decoder(profile("umyo-gatt")).decode([bytes(26)], np.array([5]))
    assert (len(chunk.index), chunk.counts.tolist(), chunk.rejected) == (0, [0], 0)
    assert chunk.values["acceleration"].data.tolist() == [[0, 0, 0]]


def test_a_layout_without_a_length_takes_whole_records_only() -> None:
    (layout,) = FirmwareProfile.parse(_changed(("length = 22\n", ""), ("records = 5\n", "")), "test.toml").packets
    assert [layout.records_in(n) for n in (2, 6, 7, 22, 26)] == [None, 1, None, 5, 6]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[stream]", "stream: notify needs either characteristic or characteristics, advertising none"),
        ("[match]", "match: give a name_prefix, a service, or both"),
        (
            '[stream]\nkind = "advertising"\n[battery]\ncharacteristic = "00002a19-0000-1000-8000-00805f9b34fb"',
            "only advertises",
        ),
        ('[stream]\nkind = "advertising"\n[framing]\nkind = "lines"', "advertisements are whole packets"),
        ('[framing]\nkind = "blocks"\nbegins = "aa5"\nlength = 4', "framing.blocks.begins: 'aa5' is not hexadecimal"),
    ],
)
def test_a_table_that_says_too_little_or_too_much_is_refused(table: str, said: str) -> None:
    assert said in _refusal(_changed(("[counter]", f"{table}\n\n[counter]")))


def test_a_profile_without_samples_is_refused() -> None:
    toml = _GOOD.partition("[[packets]]")[0] + '[[packets]]\nkind = "auxiliary"\nlength = 3\n'
    assert "no packet layout carries emg" in _refusal(toml)


def test_texts_of_version_1_are_read_as_ever() -> None:
    """They lie in old recordings."""
    assert FirmwareProfile.parse(_GOOD, "old.toml").schema_version == 1
