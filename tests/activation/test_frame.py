"""A frame says what is known, and None for what is not: never NaN."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.activation.sessions import GLUTES, HAMSTRINGS

from gluteemg.activation.frame import FRAME_RATE_HZ, Frames, Verdict
from gluteemg.processing.quality import Flag

_NUMBERS = st.one_of(st.just(math.nan), st.floats(0, 20))


def _frames(activation: list[float], ln_ratio: float, elapsed_s: float, flags: list[Flag], verdict: Verdict) -> Frames:
    values = np.array([activation])
    return Frames(
        roles=(GLUTES, HAMSTRINGS),
        index=np.array([1234]),
        envelope=values,
        envelope_fast=values,
        activation=values,
        activation_fast=values / 2,
        flags=np.array([flags], np.uint8),
        ln_ratio=np.array([ln_ratio]),
        verdict=np.array([verdict], np.uint8),
        rep_elapsed_s=np.array([elapsed_s]),
    )


@settings(deadline=None)
@given(
    st.lists(_NUMBERS, min_size=2, max_size=2),
    st.one_of(st.just(math.nan), st.floats(-2.3, 2.3)),
    _NUMBERS,
    st.lists(st.sampled_from(Flag), min_size=2, max_size=2),
    st.sampled_from(Verdict),
)
def test_what_is_not_known_is_none_and_the_rest_is_kept(
    activation: list[float], ln_ratio: float, elapsed_s: float, flags: list[Flag], verdict: Verdict
) -> None:
    frame = _frames(activation, ln_ratio, elapsed_s, flags, verdict)[0]
    numbers = [frame.ln_ratio, frame.share, frame.rep_elapsed_s, *frame.activation.values(), *frame.activation_fast.values()]
    assert not any(number is not None and math.isnan(number) for number in numbers)
    assert frame.activation == {
        role: None if math.isnan(a) else a for role, a in zip((GLUTES, HAMSTRINGS), activation, strict=True)
    }
    assert (frame.ln_ratio is None) == math.isnan(ln_ratio) == (frame.share is None)
    assert frame.flags == dict(zip((GLUTES, HAMSTRINGS), flags, strict=True))
    assert frame.verdict is verdict
    assert frame.t_s == 1234 / FRAME_RATE_HZ


@settings(deadline=None)
@given(st.floats(-2.3, 2.3))
def test_the_share_is_the_ratio_told_otherwise(ln_ratio: float) -> None:
    frame = _frames([1, 1], ln_ratio, math.nan, [Flag.GOOD, Flag.GOOD], Verdict.IN_ZONE)[0]
    assert frame.share is not None
    assert 0 < frame.share < 1
    assert math.log(frame.share / (1 - frame.share)) == pytest.approx(ln_ratio, abs=1e-9)


def test_the_numbers_of_a_frame_are_plain_python() -> None:
    frame = _frames([1, 2], 0.1, 0.5, [Flag.GOOD, Flag.LOSS], Verdict.IN_ZONE)[-1]
    assert type(frame.t_s) is float
    assert {type(a) for a in frame.activation.values()} == {float}
    assert type(frame.share) is float


def test_frames_are_joined_in_order_and_none_of_them_is_none() -> None:
    some = [_frames([a, 2], 0.1, 0.5, [Flag.GOOD, Flag.LOSS], Verdict.IN_ZONE) for a in (1, 3)]
    none = Frames.none((GLUTES, HAMSTRINGS))
    both = Frames.join([none, *some, none])
    assert [both[i] for i in range(2)] == [some[0][0], some[1][0]]
    assert both.flags.dtype == both.verdict.dtype == np.uint8
    assert Frames.join([none, some[0]]) is some[0]
    assert len(Frames.join([none])) == 0
    assert none.activation.shape == none.flags.shape == (0, 2)
