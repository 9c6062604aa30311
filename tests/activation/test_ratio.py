"""Activation, ratio and verdict: steady for equal muscles, honest near the floor, finite at the ends."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cuts import assert_same, cuts_of

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.frame import Verdict
from gluteemg.activation.ratio import (
    CHANGE_THAT_COUNTS,
    DEAD_BAND,
    DWELL_S,
    GLUTES_LED,
    HAMSTRINGS_LED,
    HYSTERESIS,
    LATEST_SESSIONS,
    LN_CAP,
    ZONE_REPS,
    Judge,
    Ratio,
    Scale,
    Zone,
    change_that_counts,
    led_by,
    personal_zone,
    share_of,
)
from gluteemg.muscles import Role
from gluteemg.processing.chain import Chain
from gluteemg.processing.envelope import SLOW_S, MovingRms

Floats = NDArray[np.float64]
GLUTES, HAMSTRINGS, MEDIUS = (Role(m, "left") for m in ("gluteus_maximus", "hamstrings", "gluteus_medius"))
_ZONE = Zone(0.8, 1.3)
_DWELL = 30  # frames in DWELL_S
_PAIR = (GLUTES, HAMSTRINGS)


def _calibration(
    floor: float, reference: float | None, roles: Sequence[Role] = _PAIR, working: float | None = None
) -> Calibration:
    levels = tuple(Level(role=str(r), floor=floor, reference=reference, working=working) for r in roles)
    return Calibration(method="submaximal" if reference else None, floor_method="rest", levels=levels)


def _ln(glutes: float, hamstrings: float) -> float:
    return float(Ratio(_PAIR).ln(np.array([[glutes, hamstrings]]))[0])


def _judge(judge: Judge, values: Sequence[float] | Floats) -> list[Verdict]:
    ln_ratio = np.array(values, np.float64)
    return [Verdict(v) for v in judge(ln_ratio, np.zeros(len(ln_ratio), np.bool_)).tolist()]


def test_two_equal_muscles_read_one_within_0_87_and_1_15_in_about_95_percent() -> None:
    """Band-limited noise through the real chain and window; one value a window, so that they are independent."""
    rate_hz, seconds = 1000.0, 1200
    noise = 50 * np.random.default_rng(5).standard_normal((round(rate_hz * seconds), 2))
    envelope = MovingRms(round(SLOW_S * rate_hz), 2)(Chain(rate_hz)(noise) ** 2)[1000 :: round(SLOW_S * rate_hz)]
    ratio = np.exp(Ratio(_PAIR).ln(Scale(_calibration(0.0, 40.0), _PAIR).activation(envelope)))
    assert 0.93 <= np.mean((ratio >= 0.87) & (ratio <= 1.15)) <= 1.0
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)


def test_muscles_of_6_and_3_uv_over_a_floor_of_3_uv_read_two_to_one() -> None:
    rate_hz = 1000.0
    random = np.random.default_rng(6)
    emg = random.standard_normal((600_000, 2)) * [6, 3] + 3 * random.standard_normal((600_000, 2))
    envelope = np.sqrt(np.mean(emg**2, axis=0, keepdims=True))
    assert MovingRms(round(SLOW_S * rate_hz), 2)(emg**2)[1000:].mean() == pytest.approx(envelope.mean(), rel=0.03)
    ratio = np.exp(Ratio(_PAIR).ln(Scale(_calibration(3.0, 100.0), _PAIR).activation(envelope)))
    assert ratio[0] == pytest.approx(2.0, abs=0.05)


@settings(deadline=None)
@given(st.floats(0, 50), st.floats(1.01, 1000), st.floats(0, 3))
def test_activation_is_the_part_of_the_reference_without_the_floor(floor: float, above: float, part: float) -> None:
    reference = math.hypot(floor, above)
    envelope = np.array([[math.hypot(floor, part * above)] * 2])
    activation = Scale(_calibration(floor, reference), _PAIR).activation(envelope)
    assert activation == pytest.approx(part, rel=1e-6, abs=1e-3 * max(1, floor / above))


def test_a_repetition_has_the_level_of_its_mean_power() -> None:
    """Cut at zero at each instant, noise alone would leave a tenth of the reference here."""
    noise = 3 * np.random.default_rng(4).standard_normal((4000, 2))
    scale, whole = Scale(_calibration(3.0, 5.0), _PAIR), np.mean(noise**2, axis=0)
    assert scale.level(whole) == pytest.approx(scale.activation(np.sqrt(whole)[np.newaxis])[0])
    assert (scale.level(whole) < 0.05).all()
    assert (scale.activation(np.sqrt(np.mean(noise.reshape(-1, 50, 2) ** 2, axis=1))).mean(axis=0) > 0.1).all()


def test_a_scale_tells_floor_reference_and_how_far_apart_they_are() -> None:
    levels = (Level(role=str(GLUTES), floor=3.0, reference=5.0), Level(role=str(HAMSTRINGS), floor=0.0, reference=50.0))
    scale = Scale(Calibration(method="mvic", floor_method="rest", levels=levels), (*_PAIR, MEDIUS))
    assert scale.floor.tolist()[:2] == [3.0, 0.0]
    assert scale.reference.tolist()[:2] == [4.0, 50.0]
    assert scale.snr_db[0] == pytest.approx(20 * math.log10(5 / 3))
    assert scale.snr_db[1] == math.inf
    assert np.isnan([scale.floor[2], scale.reference[2], scale.snr_db[2]]).all()
    assert scale.has_reference.tolist() == [True, True, False]


def test_below_the_floor_there_is_no_activation_rather_than_a_wrong_one() -> None:
    assert Scale(_calibration(3.0, 100.0), _PAIR).activation(np.array([[2.0, 0.0]])).tolist() == [[0.0, 0.0]]


def test_activation_may_pass_the_reference() -> None:
    assert Scale(_calibration(0.0, 50.0), _PAIR).activation(np.array([[150.0, 75.0]])).tolist() == [[3.0, 1.5]]


def test_without_a_calibration_or_a_reference_activation_is_not_known() -> None:
    for scale in (Scale(None, _PAIR), Scale(_calibration(3.0, None), _PAIR), Scale(_calibration(3.0, 100.0, [MEDIUS]), _PAIR)):
        assert np.isnan(scale.activation(np.array([[50.0, 50.0]]))).all()


@pytest.mark.parametrize(("working", "tone"), [(3.0, 3.0), (3.0, 0.0), (50.0, 50.0), (40.0, 50.0)])
def test_a_signal_without_a_way_from_tone_to_work_has_no_effort(working: float, tone: float) -> None:
    levels = tuple(Level(role=str(r), floor=3.0, working=working, tone=tone) for r in _PAIR)
    scale = Scale(Calibration(method=None, floor_method="estimated", levels=levels), _PAIR)
    assert np.isnan(scale.effort(np.array([[0.0, 3.0], [40.0, 1000.0]]) ** 2)).all()


def test_a_working_level_cuts_repetitions_but_is_no_reference() -> None:
    scale = Scale(_calibration(0.0, None, working=40.0), _PAIR)
    assert scale.effort(np.array([[20.0, 40.0]]) ** 2).tolist() == [[0.5, 1.0]]
    assert np.isnan(scale.activation(np.array([[20.0, 40.0]]))).all()


def test_the_gate_is_a_tenth_of_the_reference_or_three_floors_if_that_is_more() -> None:
    gate = Scale(_calibration(3.0, 300.0), _PAIR).gate.tolist(), Scale(_calibration(3.0, 30.0), _PAIR).gate.tolist()
    assert gate[0] == [0.1, 0.1]
    assert gate[1][0] == pytest.approx(0.3, rel=0.01)
    ratio = Ratio(_PAIR)
    activation = np.array([[0.09, 0.09], [0.11, 0.0], [0.0, 0.11], [0.1, 0.1], [np.nan, 0.0]])
    assert ratio.working(activation, np.array([0.1, 0.1]))[:, 0].tolist() == [False, True, True, True, False]


@settings(deadline=None)
@given(st.floats(0, 1e3), st.floats(0, 1e3))
def test_the_ratio_is_held_between_a_tenth_and_ten(glutes: float, hamstrings: float) -> None:
    value = _ln(glutes, hamstrings)
    if glutes == hamstrings == 0:
        assert math.isnan(value)
        return
    assert -LN_CAP <= value <= LN_CAP
    assert 0 < share_of(value) < 1
    if glutes and hamstrings:
        expected = np.clip(math.log(glutes) - math.log(hamstrings), -LN_CAP, LN_CAP)
        assert value == pytest.approx(float(expected), abs=1e-9)


def test_silent_hamstrings_give_a_ratio_of_ten_and_a_share_under_one() -> None:
    assert math.exp(_ln(0.5, 0.0)) == pytest.approx(10)
    assert share_of(_ln(0.5, 0.0)) == pytest.approx(10 / 11)
    assert math.exp(_ln(0.0, 0.5)) == pytest.approx(0.1)


@settings(deadline=None)
@given(st.floats(0.01, 10), st.floats(0.01, 10))
def test_swapping_the_muscles_turns_the_ratio_around(one: float, other: float) -> None:
    assert _ln(one, other) == pytest.approx(-_ln(other, one), abs=1e-12)
    assert share_of(_ln(one, other)) + share_of(_ln(other, one)) == pytest.approx(1)


def test_sides_are_never_mixed_and_both_count_alike() -> None:
    right = Role("gluteus_maximus", "right")
    assert not Ratio((right, HAMSTRINGS)).pairs
    roles = (GLUTES, HAMSTRINGS, right, Role("hamstrings", "right"))
    ln_ratio = Ratio(roles).ln(np.array([[0.8, 0.4, 0.2, 0.4]]))
    assert ln_ratio == pytest.approx([(math.log(2) + math.log(0.5)) / 2])
    assert Ratio(roles).columns == [0, 1, 2, 3]


def test_each_side_has_its_ratio_and_the_working_side_can_be_chosen() -> None:
    roles = (*_PAIR, Role("gluteus_maximus", "right"), Role("hamstrings", "right"))
    activation = np.array([[0.8, 0.4, 0.2, 0.4], [0.8, 0.4, np.nan, 0.4]])
    both = Ratio(roles)
    assert both.sides == ["left", "right"]
    assert_same(both.ln_by_side(activation)[0], np.log([2, 0.5]))
    assert np.isnan(both.ln(activation)).tolist() == [False, True]


def test_without_a_ratio_the_reason_is_told() -> None:
    some = np.array([[0.5, 0.5]])
    cases = {
        "no_pair": Ratio((GLUTES, MEDIUS)),
        "no_reference": Ratio(_PAIR, Scale(_calibration(3.0, 50.0, [GLUTES]), _PAIR)),
        "task_reference": Ratio(_PAIR, Scale(_calibration(3.0, 50.0).model_copy(update={"method": "task"}), _PAIR)),
        "too_noisy": Ratio(_PAIR, Scale(_calibration(3.0, 5.9), _PAIR)),
    }
    for reason, ratio in cases.items():
        assert ratio.why_not == reason
        assert np.isnan(ratio.ln(some)).all()
    fine = Ratio(_PAIR, Scale(_calibration(3.0, 6.0), _PAIR))
    assert fine.why_not is None
    assert fine.ln(some).tolist() == [0.0]


def test_two_hamstrings_are_averaged_and_a_whole_one_goes_before() -> None:
    heads = (Role("biceps_femoris", "left"), Role("semitendinosus", "left"))
    assert Ratio((GLUTES, *heads)).ln(np.array([[0.6, 0.2, 0.4]])) == pytest.approx([math.log(2)])
    assert Ratio((GLUTES, *heads, HAMSTRINGS)).columns == [0, 3]


def test_a_missing_muscle_leaves_no_ratio() -> None:
    assert math.isnan(_ln(np.nan, 0.5))
    assert np.isnan(Ratio((GLUTES, MEDIUS)).ln(np.array([[0.5, 0.5]]))).all()
    assert not Ratio((GLUTES,)).working(np.array([[1.0]]), np.array([0.1])).any()


@settings(deadline=None)
@given(st.floats(0.1, 9), st.floats(-3, 3))
def test_a_zone_holds_down_to_its_low_edge_less_the_margin(low: float, ln_ratio: float) -> None:
    assert Zone(low, low + 1).holds(ln_ratio) == (ln_ratio >= math.log(low) - math.log(1.25))


def test_the_first_verdict_inside_the_margin_is_in_the_zone() -> None:
    inside = _ZONE.ln_low - DEAD_BAND / 2
    assert set(_judge(Judge(_ZONE), [inside] * 200)) == {Verdict.IN_ZONE}


def test_inside_the_margin_the_last_verdict_stays() -> None:
    zone = Zone(1.2, 2.0)  # its margin lies above 0.80: below it nobody leads
    margin = zone.ln_low - 0.5 * DEAD_BAND
    low, high = zone.ln_low - DEAD_BAND - HYSTERESIS - 0.01, zone.ln_low + 0.1
    assert _judge(Judge(zone), [low] * 100 + [margin] * 200)[-1] is Verdict.JUST_UNDER
    assert _judge(Judge(zone), [low] * 100 + [high] * 100 + [margin] * 200)[-1] is Verdict.IN_ZONE


def test_the_hysteresis_lies_at_the_outer_edge_of_the_margin() -> None:
    edge = _ZONE.ln_low - DEAD_BAND - HYSTERESIS
    assert _judge(Judge(_ZONE), [edge + 1e-6] * 500)[-1] is Verdict.IN_ZONE
    assert _judge(Judge(_ZONE), [edge - 1e-6] * 500)[-1] is Verdict.HAMSTRINGS_LEAD


def test_a_change_must_last_300_ms() -> None:
    assert round(DWELL_S * 100) == _DWELL
    verdicts = _judge(Judge(_ZONE), [-2.0] * 60)
    assert verdicts[: _DWELL - 1] == [Verdict.IN_ZONE] * (_DWELL - 1)
    assert verdicts[_DWELL - 1 :] == [Verdict.HAMSTRINGS_LEAD] * (60 - _DWELL + 1)
    flicker = ([-2.0] * (_DWELL - 1) + [0.0]) * 10
    assert set(_judge(Judge(_ZONE), flicker)) == {Verdict.IN_ZONE}


def test_above_the_zone_the_glutes_lead_and_below_it_the_hamstrings_or_nearly() -> None:
    zone = Zone(1.5, 2.0)
    for ratio, verdict in ((2.1, Verdict.GLUTES_LEAD), (1.7, Verdict.IN_ZONE), (1.0, Verdict.JUST_UNDER)):
        assert _judge(Judge(zone), [math.log(ratio)] * 100)[-1] is verdict
    assert _judge(Judge(zone), [math.log(0.7)] * 100)[-1] is Verdict.HAMSTRINGS_LEAD


def test_rest_and_mute_show_at_once_and_the_verdict_comes_back_as_it_was() -> None:
    judge = Judge(_ZONE)
    _judge(judge, [-2.0] * 100)
    assert _judge(judge, [math.nan] * 2) == [Verdict.REST] * 2
    muted = judge(np.array([-2.0, math.nan]), np.ones(2, np.bool_))
    assert muted.tolist() == [Verdict.MUTED] * 2
    assert _judge(judge, [-2.0]) == [Verdict.HAMSTRINGS_LEAD]


def _plainly(zone: Zone, ln_ratio: Floats, muted: NDArray[np.bool_]) -> list[int]:
    """The rules of the judge, frame by frame."""
    shown, disagree, verdicts = Verdict.IN_ZONE, 0, []
    for value, mute in zip(ln_ratio.tolist(), muted.tolist(), strict=True):
        if mute or math.isnan(value):
            disagree = 0
            verdicts.append(int(Verdict.MUTED if mute else Verdict.REST))
            continue
        was_in = shown in (Verdict.IN_ZONE, Verdict.GLUTES_LEAD)
        if value >= (zone.ln_low - DEAD_BAND - HYSTERESIS if was_in else zone.ln_low):
            asked = Verdict.GLUTES_LEAD if value > zone.ln_high else Verdict.IN_ZONE
        else:
            asked = Verdict.HAMSTRINGS_LEAD if value < HAMSTRINGS_LED else Verdict.JUST_UNDER
        disagree = disagree + 1 if asked != shown else 0
        if disagree >= _DWELL:
            shown, disagree = asked, 0
        verdicts.append(int(shown))
    return verdicts


def _course(seed: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Ratios that stay, wander and flicker, with rests and holes."""
    random = np.random.default_rng(seed)
    ln_ratio = np.repeat(random.uniform(-1.5, 1.5, 40), random.integers(1, 60, 40))
    ln_ratio += random.choice([0.0, 0.02, 0.3]) * random.standard_normal(len(ln_ratio))
    ln_ratio[random.random(len(ln_ratio)) < random.choice([0.0, 0.005, 0.05])] = np.nan
    return ln_ratio, random.random(len(ln_ratio)) < random.choice([0.0, 0.005, 0.05])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.data())
def test_any_cut_gives_the_same_verdicts(seed: int, data: st.DataObject) -> None:
    ln_ratio, muted = _course(seed)
    judge = Judge(_ZONE)
    parts = [judge(ln_ratio[piece], muted[piece]) for piece in data.draw(cuts_of(len(ln_ratio)))]
    assert_same(np.concatenate(parts), Judge(_ZONE)(ln_ratio, muted))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 2))
def test_the_verdicts_are_those_of_the_plain_rules(seed: int, low: float) -> None:
    ln_ratio, muted = _course(seed)
    zone = Zone(low, 1.5 * low)
    assert Judge(zone)(ln_ratio, muted).tolist() == _plainly(zone, ln_ratio, muted)


def test_who_led_follows_the_ratio() -> None:
    ratios = {0.79: "hamstrings", 0.801: "shared", 1.0: "shared", 1.249: "shared", 1.251: "glutes"}
    assert {r: led_by(math.log(r)) for r in ratios} == ratios
    assert led_by(GLUTES_LED) == "glutes"
    assert led_by(HAMSTRINGS_LED) == "shared"
    assert led_by(None) is led_by(math.nan) is None


def test_three_sessions_make_a_personal_zone_of_their_middle() -> None:
    random = np.random.default_rng(8)
    sessions = [random.normal(0.3, 0.2, n).tolist() for n in (8, 8, 400)]
    assert personal_zone(sessions[1:], _ZONE) is None
    assert personal_zone([*sessions[1:], [0.0] * (ZONE_REPS - 1)], _ZONE) is None
    zone = personal_zone(sessions, _ZONE)
    assert zone is not None
    assert zone.ln_low == pytest.approx(0.3 - 1.28 * 0.2, abs=0.1)
    assert zone.ln_high == pytest.approx(0.3 + 1.28 * 0.2, abs=0.1)


def test_a_long_session_weighs_no_more_than_a_short_one() -> None:
    few = personal_zone([[0.0] * 10, [0.5] * 10, [1.0] * 10], _ZONE)
    many = personal_zone([[0.0] * 10, [0.5] * 10, [1.0] * 1000], _ZONE)
    assert few == many


def test_old_sessions_no_longer_count() -> None:
    assert personal_zone([[-0.1] * 8] * 9 + [[0.4] * 8] * LATEST_SESSIONS, _ZONE) == personal_zone([[0.4] * 8] * 3, _ZONE)


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(-LN_CAP, LN_CAP), min_size=ZONE_REPS, max_size=12), min_size=3, max_size=8))
def test_a_personal_zone_is_as_wide_as_the_dead_band_and_not_far_under_the_exercise(sessions: list[list[float]]) -> None:
    zone = personal_zone(sessions, _ZONE)
    assert zone is not None
    assert zone.ln_high - zone.ln_low >= DEAD_BAND - 1e-9
    assert zone.ln_low >= _ZONE.ln_low - CHANGE_THAT_COUNTS - 1e-9


@pytest.mark.parametrize(
    ("last", "change"),
    [((0.3, 0.4), 0.3), ((-0.5, -0.3), -0.3), ((0.3, 0.2), None), ((0.4, -0.4), None), ((0.0, 0.5), None)],
)
def test_a_change_counts_when_two_sessions_in_a_row_are_30_percent_away(
    last: tuple[float, float], change: float | None
) -> None:
    usual = [0.1, -0.1, 0.0]
    found = change_that_counts([*usual, *last])
    assert found == (None if change is None else pytest.approx(change))
    assert change_that_counts([*usual[1:], *last]) is None
