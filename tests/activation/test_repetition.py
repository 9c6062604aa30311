"""Repetitions: each counted once, in order, whoever leads; what cannot be scored says why."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS
from tests.cuts import assert_same, cuts_of

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.ratio import Ratio, Zone
from gluteemg.activation.repetition import Rep, RepDetector, Target
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]
_ROLES = (GLUTES, HAMSTRINGS)
_TARGET = Target(Zone(0.8, 1.3), 0.4)


def _frames(activation: Floats, flags: NDArray[np.uint8] | None = None, roles: tuple[Role, ...] = _ROLES) -> Frames:
    """Frames of that activation, fast and slow alike; not known where a signal is absent."""
    n = len(activation)
    flags = np.zeros(activation.shape, np.uint8) if flags is None else flags
    activation = np.where(flags == Flag.ABSENT, np.nan, activation)
    nothing = np.full(n, np.nan)
    return Frames(
        roles, np.arange(n), activation, activation, activation, activation, flags, nothing, np.zeros(n, np.uint8), nothing
    )


def _piece(frames: Frames, piece: slice) -> Frames:
    return Frames(
        frames.roles,
        *(getattr(frames, name)[piece] for name in ("index", "envelope", "envelope_fast", "activation", "activation_fast")),
        *(getattr(frames, name)[piece] for name in ("flags", "ln_ratio", "verdict", "rep_elapsed_s")),
    )


def _work(*spans: tuple[float, float, float, float]) -> Floats:
    """Activation of glutes and hamstrings: rest of a second, then (seconds, glutes, hamstrings, seconds of rest after) each."""
    parts = [np.zeros((100, 2))]
    for work_s, glutes, hamstrings, rest_s in spans:
        parts += [np.full((round(work_s * 100), 2), (glutes, hamstrings)), np.zeros((round(rest_s * 100), 2))]
    return np.concatenate(parts)


def _detector(roles: tuple[Role, ...] = _ROLES) -> RepDetector:
    return RepDetector(roles, Ratio(roles))


def _reps(activation: Floats, flags: NDArray[np.uint8] | None = None, target: Target | None = _TARGET) -> list[Rep]:
    frames = _frames(activation, flags)
    return _detector().feed(frames, frames.activation, target)[1]


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
    frames = _frames(_work((2.0, 0.6, 0.6, 1.0)))
    effort = frames.activation.copy()
    unknown = _frames(np.full(effort.shape, np.nan))
    reps = _detector().feed(unknown, effort, None)[1]
    assert [(r.counted, r.scored, r.reasons) for r in reps] == [(True, False, ("no_reference",))]
    assert reps[0].activation == {GLUTES: None, HAMSTRINGS: None}


def test_glutes_alone_can_be_counted_without_a_ratio() -> None:
    frames = _frames(_work((2.0, 0.6, 0.6, 1.0))[:, :1], roles=(GLUTES,))
    (rep,) = _detector((GLUTES,)).feed(frames, frames.activation, _TARGET)[1]
    assert rep.counted
    assert not rep.scored
    assert rep.activation[GLUTES] == pytest.approx(0.6)


def test_a_muscle_that_only_watches_starts_no_repetition() -> None:
    roles = (GLUTES, HAMSTRINGS, Role("erector_spinae", "left"))
    activation = np.hstack((np.zeros((400, 2)), _work((2.0, 0.9, 0.9, 1.0))[:, :1]))
    frames = _frames(activation, roles=roles)
    assert _detector(roles).feed(frames, activation, _TARGET)[1] == []


def test_the_medius_moves_and_enters_no_ratio() -> None:
    roles = (GLUTES, MEDIUS, HAMSTRINGS)
    glutes_and_hamstrings = _work((2.0, 0.5, 0.5, 2.0))
    medius = _work((3.0, 0.9, 0.9, 1.0))[:, :1]
    activation = np.hstack((glutes_and_hamstrings[:, :1], medius, glutes_and_hamstrings[:, 1:]))
    frames = _frames(activation, roles=roles)
    (rep,) = _detector(roles).feed(frames, activation, _TARGET)[1]
    assert rep.end_s == 4.0
    assert rep.ln_ratio == pytest.approx(0)


def test_the_age_of_a_repetition_runs_until_it_is_over() -> None:
    frames = _frames(_work((1.0, 0.6, 0.6, 1.0)))
    elapsed, _ = _detector().feed(frames, frames.activation, _TARGET)
    assert np.isnan(elapsed[:100]).all()
    assert elapsed[100:200] == pytest.approx(np.arange(100) / 100)
    assert np.isnan(elapsed[250:]).all()


def test_a_pause_forgets_what_was_going_on_and_waits_for_rest() -> None:
    frames = _frames(_work((2.0, 0.6, 0.6, 1.0), (2.0, 0.6, 0.6, 1.0)))
    detector = _detector()
    first = detector.feed(_piece(frames, slice(0, 200)), frames.activation[:200], _TARGET)[1]
    detector.pause()
    rest = detector.feed(_piece(frames, slice(200, 700)), frames.activation[200:700], _TARGET)[1]
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
    frames = _frames(activation, flags)
    elapsed, reps = _detector().feed(frames, frames.activation, _TARGET)
    for rep in reps:
        assert rep.start_s < rep.end_s
        assert rep.counted == (not {"too_short", "too_long"} & set(rep.reasons))
        assert rep.counted or not rep.scored
        assert rep.scored == (rep.ln_ratio is not None) == (rep.led_by is not None)
        assert rep.scored or rep.reasons
    assert all(before.end_s <= after.start_s for before, after in pairwise(reps))

    detector, cut_elapsed, cut_reps = _detector(), [], []
    for piece in data.draw(cuts_of(len(frames))):
        part = _piece(frames, piece)
        some_elapsed, some_reps = detector.feed(part, part.activation, _TARGET)
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
