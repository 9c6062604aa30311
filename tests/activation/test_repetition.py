"""Repetitions: each counted once, in order, whoever leads; what cannot be scored says why."""

from __future__ import annotations

import math
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS
from tests.cuts import assert_same, cuts_of

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames, Verdict
from gluteemg.activation.ratio import Ratio, Scale, Zone
from gluteemg.activation.rep import Rep
from gluteemg.activation.repetition import ENTER, LEAVE, MOST_S, REST_S, RepDetector, Target
from gluteemg.activation.uncertainty import Basis, Uncertainty
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]
_ROLES = (GLUTES, HAMSTRINGS)
_TARGET = Target(Zone(0.8, 1.3), 0.4)


def _frames(
    activation: Floats,
    flags: NDArray[np.uint8] | None = None,
    roles: tuple[Role, ...] = _ROLES,
    verdict: Verdict | NDArray[np.uint8] = Verdict.IN_ZONE,
) -> Frames:
    """Frames on which the envelopes are the activation: the scale has no floor and a reference of one."""
    n = len(activation)
    flags = np.zeros(activation.shape, np.uint8) if flags is None else flags
    activation = np.where(flags == Flag.ABSENT, np.nan, activation)
    nothing, verdicts = np.full(n, np.nan), np.full(n, verdict, np.uint8)
    return Frames(roles, np.arange(n), activation, activation, activation, activation, flags, nothing, verdicts, nothing)


def _piece(frames: Frames, piece: slice) -> Frames:
    return Frames(frames.roles, *(getattr(frames, f.name)[piece] for f in fields(Frames) if f.name != "roles"))


def _work(*spans: tuple[float, float, float, float]) -> Floats:
    """Activation of glutes and hamstrings: rest of a second, then (seconds, glutes, hamstrings, seconds of rest after) each."""
    parts = [np.zeros((100, 2))]
    for work_s, glutes, hamstrings, rest_s in spans:
        parts += [np.full((round(work_s * 100), 2), (glutes, hamstrings)), np.zeros((round(rest_s * 100), 2))]
    return np.concatenate(parts)


def _scale(roles: tuple[Role, ...] = _ROLES, floor: float = 0.0) -> Scale:
    reference = math.hypot(1.0, floor)
    levels = tuple(Level(role=str(role), floor=floor, reference=reference) for role in roles)
    return Scale(Calibration(method="submaximal", floor_method="rest", levels=levels), roles)


def _detector(roles: tuple[Role, ...] = _ROLES, target: Target | None = _TARGET, scale: Scale | None = None) -> RepDetector:
    scale = scale or _scale(roles)
    return RepDetector(roles, Ratio(roles, scale), scale, target)


def _reps(activation: Floats, flags: NDArray[np.uint8] | None = None, target: Target | None = _TARGET) -> list[Rep]:
    return _detector(target=target).feed(_frames(activation, flags))[1]


def test_a_repetition_is_counted_and_scored_once_its_rest_has_passed() -> None:
    (rep,) = _reps(_work((2.0, 0.6, 0.6, 1.0)))
    assert (rep.start_s, rep.end_s) == (1.0, 3.0)
    assert rep.counted
    assert rep.scored
    assert rep.activation == {GLUTES: pytest.approx(0.6), HAMSTRINGS: pytest.approx(0.6)}
    assert rep.ln_ratio == pytest.approx(0)
    assert (rep.led_by, rep.in_zone, rep.over_floor, rep.reasons) == ("shared", True, True, ())
    assert _reps(_work((2.0, 0.6, 0.6, 0.35))) == []


def test_a_repetition_of_the_hamstrings_alone_counts_and_is_hamstring_led() -> None:
    (rep,) = _reps(_work((2.0, 0.0, 0.7, 1.0)))
    assert rep.counted
    assert rep.scored
    assert rep.led_by == "hamstrings"
    assert rep.ln_ratio == pytest.approx(-math.log(10))
    assert (rep.in_zone, rep.over_floor) == (False, False)
    assert rep.reasons == ("under_zone", "under_floor")


@pytest.mark.parametrize(
    ("glutes", "hamstrings", "led_by"),
    [(0.7, 0.5, "glutes"), (0.5, 0.5, "shared"), (0.5, 0.6, "shared"), (0.4, 0.6, "hamstrings")],
)
def test_who_leads_follows_from_the_ratio_of_the_means(glutes: float, hamstrings: float, led_by: str) -> None:
    (rep,) = _reps(_work((1.5, glutes, hamstrings, 1.0)))
    assert rep.led_by == led_by
    assert rep.ln_ratio == pytest.approx(math.log(glutes / hamstrings))
    assert rep.in_zone == (glutes / hamstrings >= 0.8 / 1.25)


def test_a_selective_but_faint_repetition_is_in_its_zone_and_under_its_floor() -> None:
    (rep,) = _reps(_work((1.5, 0.3, 0.2, 1.0)))
    assert (rep.in_zone, rep.over_floor, rep.reasons) == (True, False, ("under_floor",))


def test_without_a_target_there_is_a_share_and_no_verdict() -> None:
    (rep,) = _reps(_work((1.5, 0.3, 0.2, 1.0)), target=None)
    assert rep.scored
    assert (rep.in_zone, rep.over_floor, rep.reasons) == (None, None, ())


@pytest.mark.parametrize("work_s", [0.05, 0.1, 0.2, 0.24])
def test_a_twitch_is_nothing(work_s: float) -> None:
    assert _reps(_work((work_s, 0.8, 0.8, 1.0))) == []


@pytest.mark.parametrize("work_s", [0.25, 0.4, 0.49])
def test_a_burst_under_half_a_second_is_too_short(work_s: float) -> None:
    (rep,) = _reps(_work((work_s, 0.8, 0.8, 1.0)))
    assert rep.reasons == ("too_short",)
    assert not rep.counted
    assert not rep.scored
    assert (rep.ln_ratio, rep.led_by, rep.in_zone) == (None, None, None)


def test_a_hold_of_25_seconds_is_too_long_and_told_once() -> None:
    reps = _reps(_work((25.0, 0.6, 0.6, 1.0), (2.0, 0.6, 0.6, 1.0)))
    assert [rep.reasons for rep in reps] == [("too_long",), ()]
    assert [rep.counted for rep in reps] == [False, True]
    assert reps[1].start_s == 27.0


def test_a_short_pause_belongs_to_the_repetition_and_a_rest_ends_it() -> None:
    assert len(_reps(_work((1.0, 0.6, 0.6, 0.3), (1.0, 0.6, 0.6, 1.0)))) == 1
    assert len(_reps(_work((1.0, 0.6, 0.6, 0.5), (1.0, 0.6, 0.6, 1.0)))) == 2


def test_work_that_goes_on_from_before_the_start_is_not_a_repetition() -> None:
    assert _reps(_work((1.0, 0.6, 0.6, 1.0))[100:]) == []


def test_a_level_that_hovers_between_enter_and_leave_starts_nothing() -> None:
    assert _reps(np.full((500, 2), 0.12)) == []


@pytest.mark.parametrize("column", [0, 1])
def test_a_signal_lost_in_the_middle_leaves_it_counted_not_scored(column: int) -> None:
    activation = _work((2.0, 0.6, 0.6, 1.0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[150:220, column] = Flag.ABSENT
    flags[220:270, column] = Flag.SETTLING
    (rep,) = _reps(activation, flags)
    assert rep.counted
    assert not rep.scored
    assert rep.reasons == ("signal_lost",)
    assert (rep.ln_ratio, rep.led_by, rep.in_zone, rep.over_floor) == (None, None, None, None)


def test_a_signal_lost_the_whole_time_leaves_it_counted_not_scored() -> None:
    activation = _work((2.0, 0.6, 0.6, 1.0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[:, 0] = Flag.ABSENT
    (rep,) = _reps(activation, flags)
    assert rep.counted
    assert rep.reasons == ("signal_lost",)
    assert rep.activation[GLUTES] is None


def test_both_signals_lost_in_the_middle_do_not_make_two_of_one() -> None:
    activation = _work((4.0, 0.6, 0.6, 1.0), (2.0, 0.6, 0.6, 1.0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[200:300] = Flag.ABSENT
    reps = _reps(activation, flags)
    assert [rep.start_s for rep in reps if rep.counted] == [1.0, 6.0]


def test_a_bad_signal_is_told_from_a_lost_one() -> None:
    activation = _work((2.0, 0.6, 0.6, 1.0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[150:220, 1] = Flag.HEAVY_MAINS
    (rep,) = _reps(activation, flags)
    assert rep.counted
    assert rep.reasons == ("poor_signal",)


def test_a_short_hole_does_no_harm() -> None:
    activation = _work((2.0, 0.6, 0.3, 1.0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[150:180, 0] = Flag.ABSENT
    (rep,) = _reps(activation, flags)
    assert rep.scored
    assert rep.ln_ratio == pytest.approx(math.log(2))


def test_without_a_reference_it_is_counted_and_says_so() -> None:
    levels = tuple(Level(role=str(role), floor=0.0, working=1.0) for role in _ROLES)
    scale = Scale(Calibration(method=None, floor_method="estimated", levels=levels), _ROLES)
    (rep,) = _detector(target=None, scale=scale).feed(_frames(_work((2.0, 0.6, 0.6, 1.0))))[1]
    assert (rep.counted, rep.scored, rep.reasons) == (True, False, ("no_reference",))
    assert rep.activation == rep.peak == {GLUTES: None, HAMSTRINGS: None}
    assert rep.phases is not None
    assert rep.residual == {GLUTES: 0.0, HAMSTRINGS: 0.0}


@pytest.mark.parametrize("target", [_TARGET, Target(None, 0.4, "gluteus_maximus")])
def test_against_a_task_it_is_counted_with_its_level_and_not_scored(target: Target) -> None:
    levels = tuple(Level(role=str(role), floor=0.0, reference=1.0) for role in _ROLES)
    scale = Scale(Calibration(method="task", floor_method="rest", levels=levels), _ROLES)
    (rep,) = _detector(target=target, scale=scale).feed(_frames(_work((2.0, 0.6, 0.6, 1.0))))[1]
    assert (rep.counted, rep.scored, rep.reasons, rep.over_floor) == (True, False, ("task_reference",), None)
    assert rep.activation[GLUTES] == pytest.approx(0.6)


def test_glutes_alone_can_be_counted_without_a_ratio() -> None:
    frames = _frames(_work((2.0, 0.6, 0.6, 1.0))[:, :1], roles=(GLUTES,))
    (rep,) = _detector((GLUTES,)).feed(frames)[1]
    assert rep.counted
    assert not rep.scored
    assert rep.reasons == ("no_pair",)
    assert rep.activation[GLUTES] == pytest.approx(0.6)


def test_a_muscle_that_only_watches_starts_no_repetition() -> None:
    roles = (GLUTES, HAMSTRINGS, Role("erector_spinae", "left"))
    activation = np.hstack((np.zeros((400, 2)), _work((2.0, 0.9, 0.9, 1.0))[:, :1]))
    frames = _frames(activation, roles=roles)
    assert _detector(roles).feed(frames)[1] == []


def test_the_medius_moves_and_enters_no_ratio() -> None:
    roles = (GLUTES, MEDIUS, HAMSTRINGS)
    glutes_and_hamstrings = _work((2.0, 0.5, 0.5, 2.0))
    medius = _work((3.0, 0.9, 0.9, 1.0))[:, :1]
    activation = np.hstack((glutes_and_hamstrings[:, :1], medius, glutes_and_hamstrings[:, 1:]))
    frames = _frames(activation, roles=roles)
    (rep,) = _detector(roles).feed(frames)[1]
    assert rep.end_s == 4.0
    assert rep.ln_ratio == pytest.approx(0)


def test_the_age_of_a_repetition_runs_until_it_is_over() -> None:
    frames = _frames(_work((1.0, 0.6, 0.6, 1.0)))
    elapsed, _ = _detector().feed(frames)
    assert np.isnan(elapsed[:100]).all()
    assert elapsed[100:200] == pytest.approx(np.arange(100) / 100)
    assert np.isnan(elapsed[250:]).all()


def test_a_pause_forgets_what_was_going_on_and_waits_for_rest() -> None:
    frames = _frames(_work((2.0, 0.6, 0.6, 1.0), (2.0, 0.6, 0.6, 1.0)))
    detector = _detector()
    first = detector.feed(_piece(frames, slice(0, 200)))[1]
    detector.pause()
    rest = detector.feed(_piece(frames, slice(200, 700)))[1]
    assert first == []
    assert [rep.start_s for rep in rest] == [4.0]


_SPANS = st.lists(
    st.tuples(
        st.floats(0.02, 4),
        st.sampled_from([0.0, 0.05, 0.1, 0.2, 0.5, 1.2]),
        st.sampled_from([0.0, 0.1, 0.2, 0.6]),
        st.floats(0, 1.5),
    ),
    max_size=12,
)
_HOLES = st.lists(
    st.tuples(
        st.integers(0, 5000), st.integers(1, 300), st.integers(0, 1), st.sampled_from([Flag.ABSENT, Flag.SETTLING, Flag.FLAT])
    ),
    max_size=5,
)


@settings(max_examples=80, deadline=None)
@given(_SPANS, _HOLES, st.data())
def test_repetitions_are_in_order_never_overlap_and_no_cut_changes_them(
    spans: list[tuple[float, float, float, float]], holes: list[tuple[int, int, int, Flag]], data: st.DataObject
) -> None:
    activation = _work(*spans)
    flags = np.zeros(activation.shape, np.uint8)
    for at, length, column, flag in holes:
        flags[at : at + length, column] = flag
    random = np.random.default_rng(len(activation))
    activation *= random.uniform(0.9, 1.1, activation.shape)  # so that the order of a sum would show
    verdict = random.integers(0, 6, len(activation) // 40 + 1, np.uint8).repeat(40)
    frames = _frames(activation, flags, verdict=verdict[: len(activation)])
    elapsed, reps = _detector().feed(frames)
    for rep in reps:
        assert rep.start_s < rep.end_s
        assert rep.counted == (not {"too_short", "too_long"} & set(rep.reasons))
        assert rep.counted or not rep.scored
        assert rep.scored == (rep.ln_ratio is not None) == (rep.led_by is not None)
        assert rep.scored or rep.reasons
        assert (rep.longest_in_zone_s or 0) <= (rep.time_in_zone_s or 0) <= rep.end_s - rep.start_s + 1e-9
    assert all(before.end_s <= after.start_s for before, after in pairwise(reps))

    detector, cut_elapsed, cut_reps = _detector(), [], []
    for piece in data.draw(cuts_of(len(frames))):
        some_elapsed, some_reps = detector.feed(_piece(frames, piece))
        cut_elapsed.append(some_elapsed)
        cut_reps += some_reps
    assert_same(np.concatenate(cut_elapsed), elapsed)
    assert cut_reps == reps


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0.6, 5), st.floats(0.2, 1.5), st.floats(0.2, 1.5), st.floats(0.5, 2)), max_size=8))
def test_every_clear_repetition_is_counted_exactly_once(spans: list[tuple[float, float, float, float]]) -> None:
    reps = _reps(_work(*spans, (0.0, 0.0, 0.0, 0.5)))
    assert [rep.counted for rep in reps] == [True] * len(spans)
    starts_s = 1 + np.cumsum([0.0, *(round(w * 100) / 100 + round(r * 100) / 100 for w, _, _, r in spans)])[:-1]
    assert [rep.start_s for rep in reps] == pytest.approx(starts_s.tolist(), abs=1 / FRAME_RATE_HZ)


def _plain(level: list[float]) -> tuple[list[float], list[tuple[int, int]]]:
    """The state machine written down frame by frame."""
    start, quiet, armed = -1, 0, False
    elapsed, spans = [], []
    for i, x in enumerate(level):
        if start < 0:
            if armed and x > ENTER:
                start, quiet, armed = i, 0, False
            armed = start < 0 and (armed or x < LEAVE)
        elapsed.append(math.nan if start < 0 else (i - start) / 100)
        if start < 0:
            continue
        quiet = 0 if x >= LEAVE else quiet + 1
        if quiet >= REST_S * 100 or (i - start >= MOST_S * 100 and not quiet):
            if i + 1 - quiet - start >= 25:
                spans.append((start, i + 1 - quiet))
            start, armed = -1, x < LEAVE
    return elapsed, spans


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 700), st.sampled_from([0.0, 0.05, 0.079, 0.08, 0.1, 0.15, 0.151, 0.6, math.nan]))))
def test_the_jumps_from_crossing_to_crossing_are_the_state_machine(runs: list[tuple[int, float]]) -> None:
    level = np.array([x for n, x in runs for _ in range(n)])
    elapsed, reps = _detector().feed(_frames(np.stack((level, level), axis=1)))
    plain_elapsed, spans = _plain(level.tolist())
    assert_same(elapsed, np.array(plain_elapsed, np.float64))
    assert [(round(r.start_s * 100), round(r.end_s * 100)) for r in reps] == spans


def _shape(*knots: tuple[float, float]) -> Floats:
    """Activation of two equal muscles along straight lines through (seconds, level)."""
    at_s, level = zip(*knots, strict=True)
    line = np.interp(np.arange(round(at_s[-1] * 100)) / 100, at_s, level)
    return np.stack((line, line), axis=1)


def test_a_repetition_has_a_way_up_a_hold_and_a_way_down() -> None:
    (rep,) = _reps(_shape((0, 0), (1, 0), (2, 1), (4, 1), (6, 0), (7, 0)))
    assert rep.phases is not None
    up, hold, down = rep.phases
    assert (up.start_s, down.end_s) == (rep.start_s, rep.end_s)
    assert (up.end_s, hold.end_s) == (hold.start_s, down.start_s)
    assert (hold.start_s, hold.end_s) == pytest.approx((1.7, 4.6), abs=0.02)
    assert rep.rise_s == pytest.approx(0.55, abs=0.02)
    mean = hold.activation[GLUTES]
    assert mean == pytest.approx(math.sqrt((2.0 + 0.9 * (1 - 0.7**3) / 3 / 0.3) / 2.9), rel=0.01)  # ∫level² over the hold
    assert rep.peak == {GLUTES: 1.0, HAMSTRINGS: 1.0}
    assert all(phase.activation[GLUTES] < mean for phase in (up, down))  # type: ignore[operator]


def test_a_repetition_that_begins_at_once_has_no_level_on_the_way_up() -> None:
    (rep,) = _reps(_work((2.0, 0.6, 0.6, 1.0)))
    assert rep.phases is not None
    assert rep.rise_s == 0
    assert rep.phases.up.activation == {GLUTES: None, HAMSTRINGS: None}
    assert rep.phases.hold.activation[GLUTES] == pytest.approx(0.6)


def test_the_floor_is_taken_off_once_so_that_a_faint_muscle_is_not_read_too_strong() -> None:
    roles, floor = (*_ROLES, MEDIUS), 0.3
    scale, medius = _scale(roles, floor), _work((4.0, 1.0, 1.0, 1.0))[:, :1]  # strong, and tells the repetition
    power = (np.hstack((0.3 * medius, 0.1 * medius, medius))) ** 2 + floor**2
    power[100:500:2, :2] *= 1.6  # it scatters as noise does, with the same mean
    power[101:500:2, :2] *= 0.4
    frames = _frames(np.sqrt(power), roles=roles)
    (rep,) = _detector(roles, scale=scale).feed(frames)[1]
    assert rep.activation == {GLUTES: pytest.approx(0.3), HAMSTRINGS: pytest.approx(0.1), MEDIUS: pytest.approx(1.0)}
    assert rep.ln_ratio == pytest.approx(math.log(3))
    each_instant = scale.activation(frames.envelope_fast)[100:500].mean(axis=0)
    assert each_instant[0] / each_instant[1] < 2


def test_letting_go_is_timed_from_the_end_of_the_hold() -> None:
    at_s = np.arange(600) / 100
    line = np.where(at_s < 1, 0.0, np.where(at_s < 3, 1.0, np.exp(-(at_s - 3) / 0.5)))
    (rep,) = _reps(np.stack((line, line), axis=1))
    expected_s = 0.5 * (math.log(10) - math.log(1 / 0.7))
    assert rep.time_to_relax_s[GLUTES] == pytest.approx(expected_s, abs=0.03)
    left = rep.residual[GLUTES]
    assert left is not None
    assert 0.04 < left < 0.08


def test_who_does_not_let_go_has_no_time_but_a_residual() -> None:
    (rep,) = _reps(_shape((0, 0), (1, 0), (1, 0.5), (3, 0.5), (3.01, 0.07), (5, 0.07)))
    assert rep.time_to_relax_s == {GLUTES: None, HAMSTRINGS: None}
    assert rep.residual[GLUTES] == pytest.approx(0.14)


def test_a_signal_muted_on_the_way_down_has_no_time_to_relax() -> None:
    activation = _shape((0, 0), (1, 0), (1.5, 1), (3, 1), (4, 0), (5, 0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[340:345, 0] = Flag.SETTLING
    (rep,) = _reps(activation, flags)
    assert rep.time_to_relax_s[GLUTES] is None
    assert rep.time_to_relax_s[HAMSTRINGS] == pytest.approx(0.6, abs=0.03)


def test_a_hold_that_is_asked_for_counts_and_tells_its_time_in_the_zone() -> None:
    activation = _work((30.0, 0.6, 0.6, 1.0))
    verdict = np.full(len(activation), Verdict.REST, np.uint8)
    verdict[150:2150], verdict[2150:2550], verdict[2550:2750] = Verdict.IN_ZONE, Verdict.JUST_UNDER, Verdict.GLUTES_LEAD
    (rep,) = _detector(target=Target(Zone(0.8, 1.3), 0.4, longest_s=60)).feed(_frames(activation, verdict=verdict))[1]
    assert rep.counted
    assert rep.scored
    assert (rep.time_in_zone_s, rep.longest_in_zone_s) == (22.0, 20.0)


def test_longer_than_what_is_asked_for_is_too_long() -> None:
    reps = _reps(_work((12.0, 0.6, 0.6, 1.0), (9.9, 0.6, 0.6, 1.0)), target=Target(Zone(0.8, 1.3), 0.4, longest_s=10))
    assert [rep.reasons for rep in reps] == [("too_long",), ()]


@pytest.mark.parametrize(
    ("verdict", "target", "time_s"),
    [
        (Verdict.IN_ZONE, _TARGET, 2.0),
        (Verdict.HAMSTRINGS_LEAD, _TARGET, 0.0),
        (Verdict.MUTED, _TARGET, None),
        (Verdict.IN_ZONE, None, None),
    ],
)
def test_time_in_the_zone_is_that_of_the_verdict(verdict: Verdict, target: Target | None, time_s: float | None) -> None:
    (rep,) = _detector(target=target).feed(_frames(_work((2.0, 0.6, 0.6, 1.0)), verdict=verdict))[1]
    assert (rep.time_in_zone_s, rep.longest_in_zone_s) == (time_s, time_s)


def test_without_a_floor_only_the_zone_is_judged() -> None:
    (rep,) = _reps(_work((2.0, 0.1, 0.6, 1.0)), target=Target(Zone(0.8, 1.3), None))
    assert (rep.in_zone, rep.over_floor, rep.reasons) == (False, None, ("under_zone",))


def test_a_repetition_in_which_neither_muscle_of_the_ratio_works_is_too_quiet_to_score() -> None:
    roles = (*_ROLES, MEDIUS)
    activation = np.hstack((np.zeros((400, 2)), _work((2.0, 0.9, 0.9, 1.0))[:, :1]))
    (rep,) = _detector(roles).feed(_frames(activation, roles=roles))[1]
    assert (rep.counted, rep.scored, rep.reasons) == (True, False, ("too_quiet",))


def test_a_refused_ratio_gives_its_reason() -> None:
    activation = _work((2.0, 1.0, 1.0, 1.0))
    (rep,) = _detector(scale=_scale(floor=1.0)).feed(_frames(np.sqrt(activation**2 + 1)))[1]
    assert (rep.counted, rep.scored, rep.reasons) == (True, False, ("too_noisy",))


def test_a_gap_of_200_ms_leaves_no_nan_behind() -> None:
    activation = _work((2.0, 0.6, 0.3, 1.0))
    flags = np.zeros(activation.shape, np.uint8)
    flags[180:200], flags[320:330] = Flag.ABSENT, Flag.ABSENT
    (rep,) = _reps(activation, flags)
    assert rep.scored
    assert rep.phases is not None
    levels = [rep.activation, rep.peak, rep.time_to_relax_s, rep.residual, *(phase.activation for phase in rep.phases)]
    assert all(value is None or math.isfinite(value) for level in levels for value in level.values())
    assert rep.ln_ratio == pytest.approx(math.log(2))


def test_the_error_is_told_and_smaller_for_a_longer_repetition() -> None:
    scale, bandwidths = _scale(floor=0.02), [190.0, 190.0]
    uncertainty = Uncertainty(scale, bandwidths, [Basis(10.0, 5.0)] * 2)
    detector = RepDetector(_ROLES, Ratio(_ROLES, scale), scale, _TARGET, uncertainty, bandwidths)
    activation = _work((0.4, 0.6, 0.5, 1.0), (1.0, 0.6, 0.5, 1.0), (9.0, 0.6, 0.5, 1.0))
    errors = [rep.ln_ratio_error for rep in detector.feed(_frames(np.hypot(activation, 0.02)))[1]]
    assert errors[0] is None  # too short
    assert errors[1] is not None
    assert errors[2] is not None
    assert errors[2].independent.below < errors[1].independent.below / 2
    assert errors[2].common == pytest.approx(errors[1].common)
    assert _reps(activation)[1].ln_ratio_error is None
