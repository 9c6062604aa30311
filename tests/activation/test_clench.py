"""Rest and release: quiet is measured, letting go is timed, a clench is told from noise, and refusals say why."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.activation.sessions import GLUTES, HAMSTRINGS
from tests.cuts import cuts_of

from gluteemg.activation.calibration import Calibration, Level, Method
from gluteemg.activation.clench import Clench, Contraction, PostureCheck, contraction, relaxing, residual, rest, time_to_relax_s
from gluteemg.activation.frame import Frames
from gluteemg.activation.ratio import Scale
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]
_FLOOR, _REFERENCE = 2.0, 50.0
_LEVEL = Level(role=str(GLUTES), floor=_FLOOR, reference=math.hypot(_REFERENCE, _FLOOR))


def _calibration(method: Method = "submaximal", level: Level = _LEVEL) -> Calibration:
    return Calibration(method=method, floor_method="rest", levels=(level,))


def _frames(activation: Floats, flags: NDArray[np.uint8] | None = None, level: Level = _LEVEL) -> Frames:
    """Frames of gluteus maximus at these fractions of its reference."""
    n = len(activation)
    flags = np.zeros((n, 1), np.uint8) if flags is None else flags[:, np.newaxis]
    envelope = np.hypot(activation * _REFERENCE, level.floor)[:, np.newaxis]
    envelope = np.where(flags == Flag.ABSENT, np.nan, envelope)
    activation = Scale(_calibration(level=level), (GLUTES,)).activation(envelope) if level.reference else envelope * np.nan
    nothing = np.full(n, np.nan)
    verdict = np.zeros(n, np.uint8)
    return Frames((GLUTES,), np.arange(n), envelope, envelope, activation, activation, flags, nothing, verdict, nothing)


def _line(*knots: tuple[float, float]) -> Floats:
    at_s, level = zip(*knots, strict=True)
    return np.asarray(np.interp(np.arange(round(at_s[-1] * 100)) / 100, at_s, level))


def _watch(frames: Frames, calibration: Calibration | None) -> Clench:
    found = PostureCheck((GLUTES,), calibration).feed(frames)
    assert found is not None
    return found[GLUTES]


def test_rest_is_told_in_the_unit_of_the_sensor_and_against_the_reference() -> None:
    quiet = rest(_frames(np.zeros(6000)), _LEVEL, 0, 60)
    assert (quiet.rms, quiet.activation, quiet.variability, quiet.reason) == (_FLOOR, 0, 0, None)
    tense = rest(_frames(np.full(6000, 0.1)), _LEVEL, 0, 60)
    assert tense.rms == pytest.approx(math.hypot(5, 2))
    assert tense.activation == pytest.approx(0.1)


def test_a_restless_rest_varies() -> None:
    envelope = np.hypot(np.where(np.arange(6000) % 1000 < 500, 0.0, 0.1) * _REFERENCE, _FLOOR)
    restless = rest(_frames(np.where(np.arange(6000) % 1000 < 500, 0.0, 0.1)), _LEVEL, 0, 60)
    assert restless.variability == pytest.approx(envelope.std() / envelope.mean())


def test_a_rest_without_a_reference_has_microvolts_and_says_what_is_missing() -> None:
    level = Level(role=str(GLUTES), floor=_FLOOR)
    quiet = rest(_frames(np.zeros(6000), level=level), level, 0, 60)
    assert (quiet.rms, quiet.activation, quiet.reason) == (_FLOOR, None, "no_reference")


@pytest.mark.parametrize(("flag", "reason"), [(Flag.ABSENT, "signal_lost"), (Flag.HEAVY_MAINS, "poor_signal")])
def test_a_rest_of_which_half_is_muted_is_refused(flag: Flag, reason: str) -> None:
    flags = np.zeros(6000, np.uint8)
    flags[:3001] = flag
    refused = rest(_frames(np.zeros(6000), flags), _LEVEL, 0, 60)
    assert (refused.rms, refused.activation, refused.variability, refused.reason) == (None, None, None, reason)
    flags[2900:] = Flag.GOOD
    assert rest(_frames(np.zeros(6000), flags), _LEVEL, 0, 60).reason is None


def test_what_is_not_among_the_frames_counts_as_lost() -> None:
    assert rest(_frames(np.zeros(2000)), _LEVEL, 0, 60).reason == "signal_lost"
    assert rest(_frames(np.zeros(4000)), _LEVEL, 0, 60).reason is None


def test_a_hold_has_peak_mean_time_to_relax_and_residual() -> None:
    held = contraction(_frames(_line((0, 0), (1, 0), (1, 0.8), (11, 0.8), (13, 0), (21, 0))), _LEVEL, 1, 11, 21)
    assert held.peak == pytest.approx(0.8)
    assert held.mean == pytest.approx(0.8)
    assert held.time_to_relax_s == pytest.approx(1.8, abs=0.02)
    assert held.residual == pytest.approx(0, abs=1e-6)
    assert held.reason is None


def test_who_keeps_a_fifth_of_the_hold_has_a_residual_and_no_time() -> None:
    held = contraction(_frames(_line((0, 0.5), (10, 0.5), (10.01, 0.1), (20, 0.1))), _LEVEL, 0, 10, 20)
    assert held.time_to_relax_s is None
    assert held.residual == pytest.approx(0.2)
    assert held.reason is None


def test_a_flick_followed_at_once_has_no_residual() -> None:
    flick = contraction(_frames(_line((0, 0.5), (2, 0.5), (2.01, 0), (4, 0))), _LEVEL, 0, 2, 4)
    assert flick.time_to_relax_s == pytest.approx(0.01)
    assert flick.residual is None


def test_where_nothing_was_held_there_is_nothing_to_let_go_of() -> None:
    held = contraction(_frames(np.full(2000, 0.05)), _LEVEL, 0, 10, 20)
    assert held == Contraction(held.peak, held.mean, None, None, "too_quiet")
    assert held.mean == pytest.approx(0.05)


def test_a_hold_without_a_reference_is_still_timed() -> None:
    level = Level(role=str(GLUTES), floor=_FLOOR)
    frames = _frames(_line((0, 0.5), (10, 0.5), (10.01, 0), (20, 0)), level=level)
    held = contraction(frames, level, 0, 10, 20)
    assert (held.peak, held.mean, held.reason) == (None, None, "no_reference")
    assert held.time_to_relax_s == pytest.approx(0.01)


def test_a_muted_hold_is_refused_and_a_muted_release_says_so() -> None:
    activation, flags = _line((0, 0.5), (10, 0.5), (10.5, 0), (20, 0)), np.zeros(2000, np.uint8)
    flags[:600] = Flag.SETTLING
    assert contraction(_frames(activation, flags), _LEVEL, 0, 10, 20) == Contraction(None, None, None, None, "poor_signal")
    flags[:600], flags[1010:1600] = Flag.GOOD, Flag.ABSENT
    held = contraction(_frames(activation, flags), _LEVEL, 0, 10, 20)
    assert (held.time_to_relax_s, held.reason) == (None, "signal_lost")
    assert held.mean == pytest.approx(0.5)


def test_times_to_relax_are_told_for_each_muscle() -> None:
    power = np.array([[100.0, 100.0, np.nan], [1.5, 50.0, 0.0], [0.5, 40.0, 0.0]])
    times = time_to_relax_s(power, np.array([100.0, 100.0, 100.0]), np.array([1.0, 1.0, 1.0]))
    assert times[0] == 0.01  # within half of the floor's power
    assert np.isnan(times[1:]).all()
    assert np.isnan(time_to_relax_s(power[:0], np.full(3, 100.0), np.ones(3))).all()
    assert np.isnan(residual(np.array([1.0]), np.array([3.0]), np.array([1.0])))


@pytest.mark.parametrize(
    ("time_s", "name"), [(0.3, "quick"), (2.0, "quick"), (2.1, None), (4.0, None), (4.1, "slow"), (None, None)]
)
def test_letting_go_is_quick_or_slow_or_neither(time_s: float | None, name: str | None) -> None:
    assert relaxing(time_s) == name


@pytest.mark.parametrize(
    ("method", "held", "clenched"), [("mvic", 0.06, True), ("mvic", 0.04, False), ("submaximal", 0.06, False)]
)
def test_the_limit_of_a_clench_follows_the_kind_of_reference(method: Method, held: float, clenched: bool) -> None:
    found = _watch(_frames(np.full(3000, held)), _calibration(method))
    assert found == Clench(float(clenched), clenched)


def test_a_clench_lasts_more_than_half_of_the_usable_time() -> None:
    activation = np.where(np.arange(3000) < 1400, 0.2, 0.0)
    assert _watch(_frames(activation), _calibration()) == Clench(1400 / 3000, False)
    flags = np.zeros(3000, np.uint8)
    flags[2500:] = Flag.HEAVY_LOSS
    assert _watch(_frames(activation, flags), _calibration()) == Clench(1400 / 2500, True)


def test_a_posture_is_not_judged_without_a_reference_or_a_signal() -> None:
    activation, lost = np.zeros(3000), np.full(3000, Flag.ABSENT, np.uint8)
    assert _watch(_frames(activation), None) == Clench(None, None, "no_reference")
    assert _watch(_frames(activation, lost), _calibration()) == Clench(None, None, "signal_lost")
    lost[:] = Flag.FLAT
    assert _watch(_frames(activation, lost), _calibration()) == Clench(None, None, "poor_signal")


def test_a_clench_that_noise_could_pass_for_is_not_judged() -> None:
    near = Level(role=str(GLUTES), floor=11.0, reference=math.hypot(_REFERENCE, 11.0))
    assert _watch(_frames(np.zeros(3000), level=near), _calibration(level=near)) == Clench(None, None, "too_near_floor")
    clear = Level(role=str(GLUTES), floor=9.9, reference=math.hypot(_REFERENCE, 9.9))
    assert _watch(_frames(np.zeros(3000), level=clear), _calibration(level=clear)) == Clench(0, False)


def test_only_gluteus_maximus_is_watched() -> None:
    check = PostureCheck((HAMSTRINGS, Role("gluteus_medius", "left")), None)
    frames = Frames.none((HAMSTRINGS, Role("gluteus_medius", "left")))
    assert check.feed(frames) is None
    assert check.remaining_s == 30


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 900), st.sampled_from([0.0, 0.2]), st.sampled_from(list(Flag))), min_size=3), st.data()
)
def test_no_cut_of_the_frames_changes_the_check(runs: list[tuple[int, float, Flag]], data: st.DataObject) -> None:
    activation = np.concatenate([np.full(n, level) for n, level, _ in runs])
    flags = np.concatenate([np.full(n, flag, np.uint8) for n, _, flag in runs])
    frames = _frames(activation, flags)
    whole = PostureCheck((GLUTES,), _calibration()).feed(frames)
    check, found = PostureCheck((GLUTES,), _calibration()), []
    for piece in data.draw(cuts_of(len(frames))):
        part = Frames((GLUTES,), *(getattr(frames, f.name)[piece] for f in fields(Frames) if f.name != "roles"))
        found += [some for some in [check.feed(part)] if some is not None]
    assert found == ([] if whole is None else [whole])
    assert check.remaining_s == max(0, 3000 - len(frames)) / 100
