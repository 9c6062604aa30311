"""Roles: what lies under a channel, once per session, said in one way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluteemg.errors import RoleError
from gluteemg.muscles import HAMSTRINGS, MUSCLES, SIDES, Placement, Role, check_placements

_ROLES = st.builds(Role, st.sampled_from(MUSCLES), st.sampled_from(SIDES))


@settings(deadline=None)
@given(_ROLES)
def test_a_role_reads_back_as_it_is_written(role: Role) -> None:
    assert Role.parse(str(role)) == role
    assert Role.parse(f"  {role}\n") == role


@settings(deadline=None)
@given(st.integers(0, 99), st.sampled_from(SIDES))
def test_other_muscles_may_be_numbered(number: int, side: str) -> None:
    assert Role.parse(f"other{number}:{side}") == Role(f"other{number}", side)


@pytest.mark.parametrize("text", ["glutes:left", "hamstrings2:left", "otherwise:left", ":left", ""])
def test_a_muscle_that_does_not_exist_is_refused_with_those_that_do(text: str) -> None:
    with pytest.raises(RoleError, match=r"Unknown muscle .* use one of gluteus_maximus, gluteus_medius"):
        Role.parse(text)


@pytest.mark.parametrize("text", ["hamstrings", "hamstrings:", "hamstrings:middle", "hamstrings:left:right", "hamstrings:Left"])
def test_a_side_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(RoleError, match=r"Unknown side .* write MUSCLE:left or MUSCLE:right"):
        Role.parse(text)


CHANNELS = {"sensor": 8, "another": 1, "sensor0": 3, "sensor1": 3, "sensor2": 3}


@settings(deadline=None)
@given(st.lists(_ROLES, unique=True, max_size=8))
def test_roles_given_once_each_are_fine(roles: list[Role]) -> None:
    check_placements([Placement(f"sensor{i // 3}", i % 3, role) for i, role in enumerate(roles)], CHANNELS)


@settings(deadline=None)
@given(st.lists(_ROLES, unique=True, min_size=1, max_size=6), st.data())
def test_a_role_or_a_channel_taken_twice_is_refused_wherever_it_stands(roles: list[Role], data: st.DataObject) -> None:
    placements = [Placement("sensor", i, role) for i, role in enumerate(roles)]
    again = data.draw(st.sampled_from(placements))
    at = data.draw(st.integers(0, len(placements)))
    with pytest.raises(RoleError, match="is given to two channels"):
        check_placements([*placements[:at], Placement("another", 0, again.role), *placements[at:]], CHANNELS)
    other = Role("other99", "left")
    with pytest.raises(RoleError, match=f"Channel {again.channel} of sensor has two roles"):
        check_placements([*placements[:at], Placement("sensor", again.channel, other), *placements[at:]], CHANNELS)


@pytest.mark.parametrize(
    ("sensor", "channel", "says"), [("sensor", 8, "has channels 0 to 7"), ("absent", 0, "not among the sensors")]
)
def test_a_channel_that_a_sensor_does_not_have_is_refused(sensor: str, channel: int, says: str) -> None:
    with pytest.raises(RoleError, match=says):
        check_placements([Placement(sensor, channel, Role("hamstrings", "left"))], CHANNELS)


def test_hamstrings_are_muscles() -> None:
    assert set(MUSCLES) >= HAMSTRINGS
    assert len(set(MUSCLES)) == len(MUSCLES)
