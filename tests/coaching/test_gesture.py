"""Hands-free: two short squeezes are understood, and what happens in a session otherwise is not taken for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cuts import cuts_of

from gluteemg.activation.frame import Frames
from gluteemg.coaching.gesture import DoubleSqueeze
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]
LEFT, RIGHT = Role("gluteus_maximus", "left"), Role("gluteus_maximus", "right")
MEDIUS, HAMSTRINGS = Role("gluteus_medius", "left"), Role("hamstrings", "left")
TWO = ((2.0, 0.5), (3.0, 0.5))
END_S = 3.5


def squeezes(*spans: tuple[float, float], level: float = 0.8, rest: float = 0.03, seconds: float = 8.0) -> Floats:
    """Activation in frames: a start and a length for each squeeze."""
    t_s = np.arange(round(seconds * 100)) / 100
    activation = np.full(len(t_s), rest)
    for start, length in spans:
        activation[(t_s >= round(start, 2)) & (t_s < round(start + length, 2))] = level
    return activation


def frames_of(activation: Mapping[Role, Floats], flags: NDArray[np.uint8] | None = None) -> Frames:
    fast = np.column_stack(list(activation.values()))
    n = len(fast)
    flags = np.zeros(fast.shape, np.uint8) if flags is None else flags
    nothing = np.full(n, np.nan)
    verdict = np.zeros(n, np.uint8)
    return Frames(tuple(activation), np.arange(n), fast, fast, fast, fast, flags, nothing, verdict, nothing)


def part(frames: Frames, rows: slice | NDArray[np.int64]) -> Frames:
    return Frames(frames.roles, *(getattr(frames, f.name)[rows] for f in fields(Frames) if f.name != "roles"))


def found(activation: Mapping[Role, Floats] | Floats, flags: NDArray[np.uint8] | None = None) -> list[float]:
    by_role = {LEFT: activation} if isinstance(activation, np.ndarray) else activation
    frames = frames_of(by_role, flags)
    return DoubleSqueeze(frames.roles).feed(frames)


@pytest.mark.parametrize("sides", [(LEFT,), (RIGHT,), (LEFT, RIGHT)])
def test_two_short_squeezes_of_either_side_or_both_are_a_gesture(sides: Sequence[Role]) -> None:
    idle = squeezes()
    assert found({role: squeezes(*TWO) if role in sides else idle for role in (LEFT, RIGHT)}) == [END_S + 0.9]


@pytest.mark.parametrize("length_s", [0.36, 0.5, 0.9])
@pytest.mark.parametrize("gap_s", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("level", [0.35, 0.8, 2.5])
def test_fast_and_slow_faint_and_strong_ones_are_understood(length_s: float, gap_s: float, level: float) -> None:
    again_s = 2 + length_s + gap_s
    (at_s,) = found(squeezes((2, length_s), (again_s, length_s), level=level))
    assert at_s == pytest.approx(again_s + length_s + max(0.6, gap_s + 0.4))


def test_the_two_need_not_be_the_same() -> None:
    activation = np.maximum(squeezes((2, 0.8), level=0.6), squeezes((3.2, 0.5)))
    assert len(found({LEFT: activation, RIGHT: 0.7 * activation})) == 1


def test_it_is_known_when_a_gesture_began() -> None:
    frames = frames_of({LEFT: squeezes(*TWO)})
    detector = DoubleSqueeze(frames.roles)
    detector.feed(part(frames, slice(400)))
    assert detector.began_s is None
    detector.feed(part(frames, slice(400, None)))
    assert detector.began_s == 2.0


@pytest.mark.parametrize("count", [1, 3, 4, 5, 10])
@pytest.mark.parametrize("period_s", [0.6, 1.0, 1.4])
def test_another_number_of_squeezes_is_none(count: int, period_s: float) -> None:
    spans = [(2 + i * period_s, 0.4) for i in range(count)]
    assert found(squeezes(*spans, seconds=20)) == []


@pytest.mark.parametrize("seconds", [1.3, 2.0, 5.0, 10.0])
@pytest.mark.parametrize("gap_s", [0.4, 0.9, 3.0])
def test_repetitions_and_reference_squeezes_are_none(seconds: float, gap_s: float) -> None:
    for count in (2, 5):
        assert found(squeezes(*((2 + i * (seconds + gap_s), seconds) for i in range(count)), seconds=80)) == []


@pytest.mark.parametrize(
    "spans",
    [
        ((2, 0.2), (3, 0.2)),  # knocks, and coughs of 0.1 s
        ((2, 0.5), (2.55, 0.5)),  # one that wavers
        ((2, 0.5), (3.6, 0.5)),  # too far apart
        ((2, 0.9), (3.2, 0.3)),  # not alike
        ((2, 0.5), (3, 0.5), (4.1, 0.05)),  # something follows
        ((1.5, 0.1), (2.3, 0.5), (3.3, 0.5)),  # something was just before
        ((2, 3.0), (5.5, 0.5), (6.3, 0.5)),  # a repetition was just before
        ((0.5, 0.5), (1.5, 0.5)),  # rest is not known long enough
    ],
)
def test_squeezes_that_are_not_what_is_asked_for_are_none(spans: Sequence[tuple[float, float]]) -> None:
    assert found(squeezes(*spans, seconds=10)) == []


def test_a_tense_muscle_at_rest_is_no_rest() -> None:
    assert found(squeezes(*TWO, rest=0.25)) == []


def test_a_level_that_only_touches_the_threshold_is_no_squeeze() -> None:
    activation = squeezes(*TWO, level=0.25)
    activation[[210, 310]] = 0.31
    assert found(activation) == []


def test_a_slow_swell_is_none() -> None:
    assert found(np.asarray(0.8 * np.sin(np.pi * np.arange(800) / 200).clip(0))) == []


def test_left_then_right_is_none() -> None:
    left, right = squeezes(TWO[0]), squeezes(TWO[1])
    assert found({LEFT: left, RIGHT: right}) == []
    assert found({LEFT: np.maximum(left, right), RIGHT: right}) == []


def test_a_strong_and_a_faint_one_are_none() -> None:
    assert found(np.maximum(squeezes(TWO[0], level=0.9), squeezes(TWO[1], level=0.4))) == []


def test_hamstrings_that_work_as_well_cancel() -> None:
    glutes = squeezes(*TWO)
    assert len(found({LEFT: glutes, HAMSTRINGS: 0.3 * glutes})) == 1
    assert found({LEFT: glutes, HAMSTRINGS: 0.5 * glutes}) == []


def test_muscles_that_tell_nothing_do_not_matter() -> None:
    glutes = squeezes(*TWO)
    flags = np.zeros((len(glutes), 2), np.uint8)
    assert len(found({LEFT: glutes, MEDIUS: glutes})) == 1
    assert len(found({LEFT: glutes, HAMSTRINGS: np.full(len(glutes), np.nan)})) == 1
    flags[250:, 1] = Flag.HEAVY_MOTION
    assert len(found({LEFT: glutes, HAMSTRINGS: glutes}, flags)) == 1


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag > Flag.HEAVY_LOSS])
@pytest.mark.parametrize("at", [150, 210, 270, 330, 400])
def test_a_frame_that_cannot_be_used_cancels(flag: Flag, at: int) -> None:
    flags = np.zeros((800, 1), np.uint8)
    flags[at] = flag
    assert found(squeezes(*TWO), flags) == []


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag <= Flag.HEAVY_LOSS])
def test_a_signal_that_can_be_used_is_understood(flag: Flag) -> None:
    assert len(found(squeezes(*TWO), np.full((800, 1), flag, np.uint8))) == 1


@pytest.mark.parametrize("at", [150, 210, 270, 330, 400])
def test_what_is_not_known_or_missing_cancels(at: int) -> None:
    activation = squeezes(*TWO)
    frames = frames_of({LEFT: activation})
    assert DoubleSqueeze(frames.roles).feed(part(frames, np.delete(np.arange(800), at))) == []
    activation[at] = np.nan
    assert found(activation) == []


def test_one_side_is_enough_when_the_other_sensor_is_lost() -> None:
    activation = {LEFT: squeezes(*TWO), RIGHT: np.full(800, np.nan)}
    assert len(found(activation)) == 1
    activation[RIGHT][300:] = 0.0
    assert found(activation) == []


def test_without_a_calibration_or_without_gluteus_maximus_there_is_no_gesture() -> None:
    assert found(np.full(800, np.nan)) == []
    assert found({MEDIUS: squeezes(*TWO), HAMSTRINGS: squeezes()}) == []
    assert DoubleSqueeze((LEFT,)).feed(Frames.none((LEFT,))) == []


def test_after_a_gesture_the_next_one_is_understood() -> None:
    spans = (*TWO, (6, 0.4), (6.8, 0.4))
    assert found(squeezes(*spans, seconds=10)) == [END_S + 0.9, 7.2 + 0.8]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 90), st.sampled_from([0.0, 0.05, 0.25, 0.5, 0.9, np.nan]), st.sampled_from([0.0, 0.3, 0.8])),
        max_size=12,
    ),
    st.data(),
)
def test_no_cut_of_the_frames_changes_what_is_found(runs: list[tuple[int, float, float]], data: st.DataObject) -> None:
    before, after = [(150, 0.0, 0.0), (50, 0.8, 0.1), (40, 0.0, 0.0), (50, 0.7, 0.1), (110, 0.0, 0.0)], [(130, 0.0, 0.0)]
    rows = np.array([row[1:] for row in before + runs + after for _ in range(row[0])])
    frames = frames_of({LEFT: rows[:, 0], HAMSTRINGS: rows[:, 0] * rows[:, 1]})
    whole, cut = DoubleSqueeze(frames.roles), DoubleSqueeze(frames.roles)
    times = whole.feed(frames)
    assert times
    assert [t for piece in data.draw(cuts_of(len(frames))) for t in cut.feed(part(frames, piece))] == times
    assert cut.began_s == whole.began_s


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 150), st.floats(0, 2)), min_size=1, max_size=60))
def test_nothing_gives_two_gestures_within_two_seconds(runs: list[tuple[int, float]]) -> None:
    times = found(np.concatenate([np.full(n, level) for n, level in runs]))
    assert (np.diff(times) > 2).all()


def test_a_simulated_session_is_understood_from_its_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    gestures = import_module("benchmarks.gestures")
    monkeypatch.setattr(gestures, "SESSION_S", 45.0)
    case = gestures.Case("glutes and hamstrings, left", loss=0.01, rate_hz=500)
    outcome = gestures.run(replace(case, snr_db=15.0), 30)
    assert len(outcome.asked) == 4
    assert None not in outcome.asked
    assert outcome.false == ()
