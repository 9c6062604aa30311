"""Indices: closed forms to 1e-12, finite at the ends, refused with a reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluteemg.activation.indices import (
    CO_CONTRACTED,
    co_activation_falconer_winter,
    co_activation_rudolph,
    co_contraction_share,
    firing_lag,
    glute_hamstring_index,
    limb_symmetry_index,
    symmetry_index,
    three_way_share,
)
from gluteemg.sensors.profile import SignalKind

EXACT = 1e-12
_COURSE = np.abs(np.sin(np.arange(700) / 50))
fraction = st.floats(1e-6, 3)


@settings(deadline=None)
@given(fraction, fraction, fraction)
def test_three_shares_sum_to_one(glutes: float, medius: float, hamstrings: float) -> None:
    shares = three_way_share(glutes, medius, hamstrings)
    assert shares is not None
    assert sum(shares) == pytest.approx(1, abs=EXACT)
    assert shares[0] / shares[2] == pytest.approx(glutes / hamstrings, rel=1e-9)


def test_three_shares_are_not_known_at_rest_or_without_a_muscle() -> None:
    assert three_way_share(0.2, 0.1, 0.1) == pytest.approx((0.5, 0.25, 0.25), abs=EXACT)
    assert three_way_share(0.0, 0.0, 0.0) is None
    assert three_way_share(math.nan, 0.1, 0.1) is None


def test_the_glute_hamstring_index_rewards_selective_and_strong() -> None:
    assert glute_hamstring_index(0.6, 0.3) == pytest.approx(120, abs=1e-9)
    assert glute_hamstring_index(0.3, 0.15) == pytest.approx(60, abs=1e-9)


def test_the_glute_hamstring_index_is_finite_for_silent_hamstrings_and_zero_for_silent_glutes() -> None:
    assert glute_hamstring_index(0.5, 0.0) == pytest.approx(500, abs=1e-9)
    assert glute_hamstring_index(0.0, 0.5) == glute_hamstring_index(0.0, 0.0) == 0
    assert math.isnan(glute_hamstring_index(math.nan, 0.5))
    assert math.isnan(glute_hamstring_index(0.5, math.nan))


def test_symmetry_has_its_closed_forms() -> None:
    for left, right, expected in ((0.5, 0.5, 0), (0.6, 0.4, 40), (0.4, 0.6, -40), (0.5, 0.0, 200)):
        assert symmetry_index(left, right) == pytest.approx(expected, abs=EXACT)
    for left, right, expected in ((0.5, 0.5, 100), (0.6, 0.3, 50), (0.3, 0.6, 50), (0.5, 0.0, 0)):
        assert limb_symmetry_index(left, right) == pytest.approx(expected, abs=EXACT)


def test_sides_at_rest_or_without_a_reference_have_no_symmetry() -> None:
    for index in (symmetry_index, limb_symmetry_index):
        assert math.isnan(index(0.0, 0.0))
        assert math.isnan(index(math.nan, 0.5))
        assert math.isnan(index(0.5, math.nan))


def test_co_activation_after_falconer_and_winter_has_its_closed_forms() -> None:
    assert co_activation_falconer_winter(_COURSE, _COURSE) == pytest.approx(100, abs=EXACT)
    assert co_activation_falconer_winter([1, 1, 0, 0], [0, 0, 1, 1]) == pytest.approx(0, abs=EXACT)
    assert co_activation_falconer_winter([0.2] * 9, [0.6] * 9) == pytest.approx(200 * 0.2 / 0.8, abs=EXACT)
    assert co_activation_falconer_winter(_COURSE, 3 * _COURSE) == pytest.approx(50, abs=1e-10)


def test_co_activation_after_rudolph_has_its_closed_forms() -> None:
    assert co_activation_rudolph([0.2] * 9, [0.6] * 9) == pytest.approx(0.2 / 0.6 * 0.8, abs=EXACT)
    assert co_activation_rudolph([0.5] * 4, [0.5] * 4) == pytest.approx(1, abs=EXACT)
    assert co_activation_rudolph([1, 1, 0, 0], [0, 0, 1, 1]) == pytest.approx(0, abs=EXACT)
    assert co_activation_rudolph([0.5, 0.0], [0.5, 0.0]) == pytest.approx(0.5, abs=EXACT)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=30))
def test_co_activation_does_not_mind_which_muscle_comes_first(pairs: list[tuple[float, float]]) -> None:
    a, b = np.array(pairs).T
    for index in (co_activation_falconer_winter, co_activation_rudolph):
        assert index(a, b) == pytest.approx(index(b, a), abs=1e-9)
    assert 0 <= co_activation_falconer_winter(a, b) <= 100 + 1e-9


def test_two_muscles_at_rest_have_no_co_activation_rather_than_nan() -> None:
    assert co_activation_falconer_winter([0.0] * 5, [0.0] * 5) == 0
    assert co_activation_rudolph([0.0] * 5, [0.0] * 5) == 0


def test_instants_that_are_not_known_are_left_out() -> None:
    holes = [0.2, np.nan, 0.2, 9.0], [0.6, 9.0, 0.6, np.nan]
    assert co_activation_falconer_winter(*holes) == pytest.approx(50, abs=EXACT)
    assert co_activation_rudolph(*holes) == pytest.approx(0.2 / 0.6 * 0.8, abs=EXACT)
    assert co_contraction_share(*holes, gate=0.1) == 1
    for index in (co_activation_falconer_winter, co_activation_rudolph):
        assert math.isnan(index([np.nan], [1.0]))
    assert math.isnan(co_contraction_share([np.nan], [1.0], gate=0.1))


def test_co_contraction_is_the_part_of_a_hold_in_which_both_work() -> None:
    abdominals, glutes = np.array([0.3] * 8 + [0.05] * 2), np.array([0.5] * 7 + [0.05] * 3)
    assert co_contraction_share(abdominals, glutes, gate=0.1) == pytest.approx(CO_CONTRACTED, abs=EXACT)
    assert co_contraction_share(abdominals, glutes, gate=0.3) == 0


def test_a_firing_lag_is_the_median_and_the_quartiles_of_five_repetitions() -> None:
    lag = firing_lag([0.05, 0.10, math.nan, 0.15, 0.20, 0.25], "raw", 1000.0, 20.0)
    assert lag.median_s == pytest.approx(0.15)
    assert lag.spread_s == pytest.approx(0.10)
    assert (lag.reps, lag.reason) == (5, None)


@pytest.mark.parametrize(
    ("kind", "rate_hz", "snr_db", "reps", "reason"),
    [
        ("raw", 500.0, 10.0, 5, None),
        ("raw", 250.0, 20.0, 5, "sampling_rate"),
        ("raw", 1000.0, 9.9, 5, "too_noisy"),
        ("raw", 1000.0, 20.0, 4, "too_few_reps"),
        ("envelope", 1000.0, 20.0, 5, "envelope_only"),
    ],
)
def test_a_firing_lag_that_cannot_be_told_is_refused_with_the_reason(
    kind: SignalKind, rate_hz: float, snr_db: float, reps: int, reason: str | None
) -> None:
    lag = firing_lag([0.1] * reps, kind, rate_hz, snr_db)
    assert lag.reason == reason
    assert (lag.median_s is None) == (lag.spread_s is None) == (reason is not None)
    assert lag.reps == reps
