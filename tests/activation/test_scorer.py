"""From instants to repetitions: what must not be scored, and whose share it is when both sides are worn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS, profile

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.grid import Instants
from gluteemg.activation.pipeline import Aim, Scorer
from gluteemg.activation.ratio import share_of
from gluteemg.activation.rep import Rep
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event

_FLOOR, _REFERENCE = 2.0, 50.0
_RIGHT = (Role("gluteus_maximus", "right"), Role("hamstrings", "right"))
_PLAN = np.tile(np.r_[np.zeros(150), np.ones(250)], 6)
"""Six repetitions of 2.5 s with 1.5 s of rest before each."""


def _scorer(roles: Sequence[Role]) -> Scorer:
    levels = tuple(Level(role=str(r), floor=_FLOOR, reference=_REFERENCE) for r in roles)
    calibration = Calibration(method="submaximal", floor_method="rest", window_s=3.0, trial_s=3.0, floor_s=5.0, levels=levels)
    return Scorer(
        {r: profile().signal for r in roles}, Aim(zone=(0.8, 1.3), floor={"submaximal": 0.4, "mvic": 0.2}), calibration
    )


def _instants(levels: Mapping[Role, float], *, seed: int = 0) -> Instants:
    """Muscles at their levels in every repetition, at rest between, with the scatter of a short window."""
    random = np.random.default_rng(seed)
    span = np.sqrt(_REFERENCE**2 - _FLOOR**2)
    power = np.stack([(level * span * _PLAN) ** 2 + _FLOOR**2 for level in levels.values()], axis=1)
    fast = np.sqrt(power * (1 + 0.15 * random.standard_normal(power.shape)))
    return Instants(np.arange(len(_PLAN)), np.sqrt(power), fast, np.zeros(power.shape, np.uint8))


def _reps(levels: Mapping[Role, float]) -> list[Rep]:
    return _scorer(tuple(levels)).score(_instants(levels))[1]


def test_where_only_another_muscle_works_no_share_is_told_of_the_two_at_rest() -> None:
    reps = _reps({GLUTES: 0.0, HAMSTRINGS: 0.0, MEDIUS: 0.8})
    assert len(reps) == 5  # the sixth still waits for its rest
    assert {rep.reasons for rep in reps} == {("too_quiet",)}
    assert all(rep.counted and rep.ln_ratio is None for rep in reps)


def test_a_side_that_rests_has_no_say_in_the_share() -> None:
    reps = _reps({GLUTES: 0.8, HAMSTRINGS: 0.4, _RIGHT[0]: 0.0, _RIGHT[1]: 0.02})
    assert [share_of(rep.ln_ratio) for rep in reps if rep.ln_ratio is not None] == pytest.approx([2 / 3] * 5, abs=0.02)
    assert all(rep.ln_ratio_error is not None and rep.ln_ratio_error.independent.below < 0.2 for rep in reps)


def test_where_both_sides_work_the_share_is_from_the_mean_of_both_ln_ratios() -> None:
    reps = _reps({GLUTES: 0.8, HAMSTRINGS: 0.4, _RIGHT[0]: 0.4, _RIGHT[1]: 0.4})
    assert [rep.ln_ratio for rep in reps] == pytest.approx([np.log(2) / 2] * 5, abs=0.06)


def test_a_knock_is_not_taken_for_a_muscle() -> None:
    roles = (GLUTES, HAMSTRINGS)
    instants = _instants(dict.fromkeys(roles, 0.4))
    for start in range(250, len(_PLAN), 400):  # a second into each repetition
        instants.envelope_fast[start : start + 13, 0] = 500.0  # as long as the window that a spike fills
    reps = _scorer(roles).score(instants)[1]
    assert {rep.reasons for rep in reps} == {("one_moment",)}


def test_what_a_flag_was_judged_from_is_not_used_either() -> None:
    roles = (GLUTES, HAMSTRINGS)
    instants = _instants(dict.fromkeys(roles, 0.4))
    for start in range(350, len(_PLAN), 400):
        instants.envelope_fast[start : start + 20, 0] = 90.0  # a swing, and the flag that it raises a third of a second later
        instants.flags[start + 35 : start + 60, 0] = Flag.HEAVY_MOTION
    reps = _scorer(roles).score(instants)[1]
    shares = [share_of(rep.ln_ratio) for rep in reps if rep.ln_ratio is not None]
    assert shares == pytest.approx([0.5] * len(shares), abs=0.02)


def test_a_pause_of_the_person_outlasts_that_of_a_measurement() -> None:
    roles = (GLUTES, HAMSTRINGS)
    person: dict[str, str] = {}
    measured = {"by": "isolation"}
    for order in ((person, measured), (measured, person)):
        scorer = _scorer(roles)
        for detail in order:
            scorer.happen(Event("pause", detail))
        scorer.happen(Event("resume", measured))
        assert scorer.score(_instants(dict.fromkeys(roles, 0.5)))[1] == []
        scorer.happen(Event("resume", person))
        later = _instants(dict.fromkeys(roles, 0.5))
        moved = Instants(later.index + len(_PLAN), later.envelope, later.envelope_fast, later.flags)
        assert len(scorer.score(moved)[1]) == 5


def test_a_sensor_too_slow_for_a_waveform_shows_no_activation_and_no_share() -> None:
    slow = profile().signal.model_copy(update={"rate_hz": 100.0})
    roles = (GLUTES, HAMSTRINGS)
    calibration = _scorer(roles).calibration
    scorer = Scorer(dict.fromkeys(roles, slow), None, calibration)
    frames, reps = scorer.score(_instants(dict.fromkeys(roles, 0.5)))
    assert scorer.why_no_ratio == "sampling_rate"
    assert np.isnan(frames.activation).all()
    assert {rep.reasons for rep in reps} == {("sampling_rate",)}
    assert all(level is None for rep in reps for level in rep.activation.values())
