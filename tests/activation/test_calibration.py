"""A calibration says how its references were taken, survives JSON, and is refused where it cannot be true."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.activation.sessions import GLUTES, HAMSTRINGS, WORN

from gluteemg.activation.calibration import Calibration, Level, MeasuredTrial, recalibrated
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role
from gluteemg.sensors.source import Event, Item, Packet, PacketKind


def _level_of(role: Role, floor: float, over: float | None, working: float | None) -> Level:
    reference = None if over is None else floor + over
    return Level(role=str(role), floor=floor, reference=reference, working=working)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            _level_of,
            st.sampled_from(WORN),
            floor=st.floats(0, 1e3),
            over=st.none() | st.floats(0.1, 1e4),
            working=st.none() | st.floats(0.1, 1e4),
        ),
        max_size=3,
        unique_by=lambda level: level.role,
    ).map(tuple),
    st.sampled_from(["mvic", "submaximal"]),
    st.sampled_from(["rest", "estimated"]),
)
def test_a_calibration_survives_json(levels: tuple[Level, ...], method: str, floor_method: str) -> None:
    known = method if any(level.reference for level in levels) else None
    calibration = Calibration.model_validate({"method": known, "floor_method": floor_method, "levels": levels})
    assert Calibration.from_json(calibration.to_json()) == calibration


_GOOD_LEVEL = {"role": "hamstrings:left", "floor": 2.0, "reference": 50.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"levels": [{**_GOOD_LEVEL, "reference": math.inf}]}, "levels[0].reference: Input should be a finite number"),
        ({"levels": [{**_GOOD_LEVEL, "floor": math.nan}]}, "levels[0].floor: Input should be a finite number"),
        (
            {"levels": [{**_GOOD_LEVEL, "reference": 2.0}]},
            "levels[0]: the reference of hamstrings:left, 2, is not over its floor, 2",
        ),
        ({"levels": [{**_GOOD_LEVEL, "role": "biceps:left"}]}, "levels[0].role: Unknown muscle 'biceps'"),
        ({"levels": [_GOOD_LEVEL, _GOOD_LEVEL]}, "a muscle has two levels"),
        ({"levels": []}, "there must be a method where there are references"),
        ({"method": None}, "there must be a method where there are references"),
        ({"window_s": math.nan}, "window_s: Input should be a finite number"),
        ({"levels": "none"}, "levels: Input should be a valid tuple"),
    ],
)
def test_a_broken_calibration_in_a_recording_is_refused_in_one_line(change: dict[str, object], said: str) -> None:
    good = {"method": "submaximal", "floor_method": "rest", "levels": [_GOOD_LEVEL]}
    assert Calibration.from_json(good).level(HAMSTRINGS) is not None
    with pytest.raises(DefinitionError) as refused:
        Calibration.from_json({**good, **change})
    assert str(refused.value).startswith("The calibration in the recording is broken, it has 1 fault: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_another_calibration_stands_where_each_recorded_one_stood() -> None:
    one, other = (
        Calibration(method="submaximal", floor_method="rest", levels=(Level(role=str(GLUTES), floor=1, reference=r),))
        for r in (10, 20)
    )
    packet, pause = Packet("uMyo", 0, b"", PacketKind.CONNECT), Event("pause", {})
    items: list[Item] = [packet, Event("calibration", one.to_json()), pause, Event("calibration", {"broken": True}), packet]
    theirs = Event("calibration", other.to_json())
    assert recalibrated(items, other) == [packet, theirs, pause, theirs, packet]
    assert recalibrated([packet, pause], other) == [packet, pause]


def test_a_calibration_from_before_there_were_trials_still_loads() -> None:
    old = {
        "method": "submaximal",
        "floor_method": "rest",
        "protocol": "demo",
        "window_s": 1.3,
        "levels": [{"role": "hamstrings:left", "floor": 2.0, "reference": 50.0, "working": None, "tone": 0.0}],
        "taken": "2026-11-22T09:00:00+00:00",
    }
    calibration = Calibration.from_json(old)
    assert (calibration.statistic, calibration.levels[0].trials, calibration.levels[0].unit) == ("mean", (), None)


def test_a_muscle_cannot_bring_its_own_method_window_or_statistic() -> None:
    for own in ({"method": "mvic"}, {"window_s": 0.25}, {"statistic": "max"}):
        with pytest.raises(DefinitionError, match=r"levels\[0\].*is not known here"):
            Calibration.from_json({"method": "submaximal", "floor_method": "rest", "levels": [{**_GOOD_LEVEL, **own}]})


def test_a_calibration_in_counts_is_refused_for_a_sensor_in_microvolts() -> None:
    levels = (
        Level(role=str(GLUTES), floor=2, reference=60, unit="uV"),
        Level(role=str(HAMSTRINGS), floor=20, reference=600, unit="counts"),
    )
    calibration = Calibration(method="submaximal", floor_method="rest", levels=levels)
    assert calibration.fits(GLUTES, "uV")
    assert not calibration.fits(HAMSTRINGS, "uV")
    assert calibration.fits(Role("gluteus_medius", "left"), "counts")  # it says nothing about that one
    calibration.check({GLUTES: "uV", HAMSTRINGS: "counts"})
    with pytest.raises(DefinitionError, match=r"hamstrings:left \(its sensor gives uV\).*take a new one"):
        calibration.check({GLUTES: "uV", HAMSTRINGS: "uV"})


def test_a_level_that_does_not_say_its_unit_fits_any() -> None:
    calibration = Calibration(method="mvic", floor_method="rest", levels=(Level(role=str(GLUTES), floor=2, reference=60),))
    assert calibration.fits(GLUTES, "uV")
    assert calibration.fits(GLUTES, "counts")


@pytest.mark.parametrize(
    ("floor", "reference", "snr_db"), [(3.0, 30.0, 20.0), (3.0, 6.0, 6.02), (0.0, 6.0, None), (3.0, None, None)]
)
def test_the_distance_of_the_reference_from_the_floor_is_told_in_decibels(
    floor: float, reference: float | None, snr_db: float | None
) -> None:
    assert Level(role=str(GLUTES), floor=floor, reference=reference).snr_db == pytest.approx(snr_db, abs=0.01)


def test_a_trial_with_a_reason_is_not_accepted() -> None:
    assert MeasuredTrial(step="squeeze", value=50.0).accepted
    assert not MeasuredTrial(step="squeeze", value=3.0, reason="too_quiet").accepted
