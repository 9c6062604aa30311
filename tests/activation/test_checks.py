"""What the checks say of numbers: which sensors are swapped, what has drifted, and what cannot be known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS, protocol

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.checks import Change, Drift, Isolation, isolation
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role

_CHECKS = [s for s in protocol("isolation").steps if s.kind == "check"]  # heel dig, squeeze
_WORN = (GLUTES, MEDIUS, HAMSTRINGS)
_BOTH = (*_WORN, *(Role(role.muscle, "right") for role in _WORN))
_TRUE = np.array([[4.0, 3.0, 60.0], [60.0, 40.0, 15.0]])
_KNOWN = Calibration(
    method="submaximal", floor_method="rest", levels=tuple(Level(role=str(r), floor=0, reference=60) for r in _WORN)
)


def _swap(columns: tuple[int, ...], gains: np.ndarray | float = 1.0) -> Isolation:
    """Judge with the sensors on other muscles than they are labelled for."""
    return isolation("isolation", _CHECKS, _TRUE[:, columns] * gains, _WORN, _KNOWN)


def test_sensors_on_their_own_muscles_are_not_called_swapped() -> None:
    assert _swap((0, 1, 2)).swapped == ()
    assert _swap((0, 1, 2)).verdict == "good"


def test_of_three_sensors_the_two_that_are_swapped_are_named() -> None:
    assert {frozenset(pair) for pair in _swap((2, 1, 0)).swapped} == {frozenset((str(GLUTES), str(HAMSTRINGS)))}
    assert {frozenset(pair) for pair in _swap((0, 2, 1)).swapped} == {frozenset((str(MEDIUS), str(HAMSTRINGS)))}


@given(st.tuples(*[st.floats(0.01, 100.0)] * 3))
def test_neither_fat_nor_gain_makes_a_sensor_look_swapped_or_hides_it(gains: tuple[float, float, float]) -> None:
    assert _swap((0, 1, 2), np.array(gains)).swapped == ()
    assert len(_swap((2, 1, 0), np.array(gains)).swapped) == 1


def test_each_side_is_looked_at_alone() -> None:
    above = np.hstack((_TRUE, _TRUE[:, [2, 1, 0]]))
    swapped = isolation("isolation", _CHECKS, above, _BOTH, None).swapped
    assert [set(pair) for pair in swapped] == [{"gluteus_maximus:right", "hamstrings:right"}]


def test_what_was_not_measured_says_nothing() -> None:
    result = isolation("isolation", _CHECKS, np.full((2, 3), np.nan), _WORN, _KNOWN)
    assert (result.verdict, result.swapped) == ("unknown", ())
    assert {finding.activation for finding in result.findings} == {None}
    assert isolation("isolation", _CHECKS[:1], _TRUE[:1], _WORN, _KNOWN).swapped == ()


def test_without_references_there_are_no_activations() -> None:
    assert isolation("isolation", _CHECKS, _TRUE, _WORN, None).verdict == "unknown"


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (100.0, "good"),
        (114.0, "good"),
        (86.0, "good"),
        (116.0, "adjust"),
        (71.0, "adjust"),
        (131.0, "recalibrate"),
        (None, "unknown"),
    ],
)
def test_a_change_is_judged_by_its_size(now: float | None, verdict: str) -> None:
    assert Change(role=str(GLUTES), start=100.0, now=now).verdict == verdict


def test_drift_is_as_far_as_its_furthest_muscle() -> None:
    changes = tuple(Change(role=str(role), start=100.0, now=now) for role, now in zip(_WORN, (100.0, 120.0, None), strict=True))
    assert Drift(protocol="resqueeze", changes=changes).verdict == "adjust"
    assert Drift(protocol="resqueeze", changes=changes[2:]).verdict == "unknown"


def test_results_survive_json_and_broken_ones_are_refused_in_one_line() -> None:
    result = _swap((2, 1, 0))
    assert Isolation.from_json(result.to_json()) == result
    drift = Drift(protocol="resqueeze", changes=(Change(role=str(GLUTES), start=10.0, now=None),), taken="now")
    assert Drift.from_json(drift.to_json()) == drift
    with pytest.raises(DefinitionError, match=r"A check in the recording is broken, it has 1 fault: changes"):
        Drift.from_json({"protocol": "resqueeze", "changes": 3})
