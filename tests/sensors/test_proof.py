"""A profile that is wrong is told so: where, what it says, and what comes out instead."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sensors.streams import PROFILES, profile

from gluteemg.errors import DefinitionError
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.proof import objections

_SYNTHETIC = profile("synthetic").toml
_START = '[[start]]\ncharacteristic = "3ceaaf31-8142-48ea-91d9-3080f9b439fc"\nhex = "01"'
_OTHER = """\
[[packets]]
length = 8
record = [{ field = "counter", type = "u32le" }, { field = "emg", type = "i8", count = 4 }]
"""


def _changed(*changes: tuple[str, str], toml: str = _SYNTHETIC) -> FirmwareProfile:
    for old, new in changes:
        assert old in toml
        toml = toml.replace(old, new, 1)
    return FirmwareProfile.parse(toml, "test.toml")


def _without(*tables: str) -> FirmwareProfile:
    """Leave out tables, each from its heading to the next one."""
    kept = [part for part in _SYNTHETIC.split("\n\n") if not part.startswith(tables)]
    return FirmwareProfile.parse("\n\n".join(kept), "test.toml")


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.id)
def test_our_own_profiles_have_no_fault(profile: FirmwareProfile) -> None:
    assert objections(profile).faults == ()


def test_a_model_of_good_firmware_leaves_nothing_to_remark() -> None:
    assert objections(profile("synthetic")).remarks == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("-1000, 1000, 0, 0", "-1000, 1000, 0, 7")], "vectors[0] expects emg[0][3] = 7, the packets give 0"),
        ([("-250.0, 250.0", "-251.0, 250.0")], "vectors[0] expects scaled[0][0] = -251, the packets give -250"),
        ([("battery = [[87]]", "battery = [[88]]")], "vectors[0] expects battery[0][0] = 88, the packets give 87"),
        ([("battery = [[87]]", "power = [[87]]")], "vectors[0] gives no power in values"),
        ([("counter = [0, 1,", "counter = [0, 2,")], "vectors[0] expects counter[0][1] = 2, the packets give 1"),
        ([("counter = [0, 1,", "counter = [1,")], "vectors[0] has counter of shape (1, 19), the packets give (1, 20)"),
        ([('hex = "00000000', 'hex = "00000001')], "vectors[0] has a packet that no layout takes: 00000001"),
        ([("min_mtu = 170", "min_mtu = 160")], "link.min_mtu is 160, a packet of 167 bytes needs 170"),
    ],
)
def test_a_wrong_vector_is_told_by_its_first_difference(changes: list[tuple[str, str]], said: str) -> None:
    assert any(said in fault for fault in objections(_changed(*changes)).faults), objections(_changed(*changes)).faults


@pytest.mark.parametrize(
    ("table", "said"),
    [("[match]", "no [match]"), ("[stream]", "no [stream]"), ("[[vectors]]", "no [[vectors]]")],
)
def test_what_a_profile_cannot_do_without_is_told(table: str, said: str) -> None:
    (fault,) = objections(_without(table)).faults
    assert fault.startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([("low = -32768", "")], "signal.low or signal.high is missing"),
        ([("lsb = 0.25", "band_hz = [20, 480]\nlsb = 0.25")], "signal.band_hz ends at 480 Hz, 1000 samples a second carry 450"),
        ([('counts = "samples"', 'counts = "samples"\nmodulus = 1000')], "the counter starts over after 1 s"),
        ([("[signal]", f"{_START}\n\n[signal]")], "there is [[start]] and no [[stop]]"),
        ([("[[vectors]]", f"{_OTHER}\n\n[[vectors]]")], "packets[1] is in no vector"),
    ],
)
def test_what_is_doubtful_is_remarked_and_is_no_fault(changes: list[tuple[str, str]], said: str) -> None:
    changed = _changed(*changes)
    assert any(said in remark for remark in objections(changed).remarks), objections(changed).remarks


def test_a_sensor_without_a_counter_is_remarked() -> None:
    assert objections(profile("emg-ble-2000")).remarks == ("no [counter]: a lost packet only shows as a lower rate",)


def test_one_packet_is_little_proof() -> None:
    one = FirmwareProfile.parse(_SYNTHETIC.rpartition("[[vectors]]")[0], "test.toml")
    assert objections(one).remarks == ("the vectors hold one packet of samples: give two or more that follow each other",)


def test_rows_of_different_length_are_told() -> None:
    assert any(
        "rows of different length in emg" in f for f in objections(_changed(("-1000, 1000, 0, 0", "-1000, 1000, 0"))).faults
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PROFILES), st.integers(0, 10_000), st.sampled_from([None, "0", "1", "3", "20", "201", "4000"]))
def test_a_spoilt_profile_is_refused_or_objected_to_and_stops_nothing(one: FirmwareProfile, at: int, put: str | None) -> None:
    """A line is left out, or its numbers are others."""
    lines = one.toml.split("\n")
    lines[at % len(lines)] = "" if put is None else re.sub(r"\d+", put, lines[at % len(lines)])
    try:
        spoilt = FirmwareProfile.parse("\n".join(lines), "spoilt.toml")
    except DefinitionError:
        return
    found = objections(spoilt)
    assert all("\n" not in line for line in (*found.faults, *found.remarks))


def test_a_place_where_no_packet_can_begin_is_told() -> None:
    other = _changed(("equals = 0", "equals = 20"), toml=profile("ganglion-v2-delta").toml)
    assert any("no packet that begins with sample 0" in fault for fault in objections(other).faults)
