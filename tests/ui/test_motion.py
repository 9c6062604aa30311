"""Motion: calm, and the same at every frame rate."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gluteemg.ui.motion import BAR_FALL_S, FADE_S, HOLD_S, NEEDLE_EASE_S, Fade, Level, Needle


def test_the_needle_covers_a_step_in_its_ease_without_passing_its_mark() -> None:
    needle = Needle()
    needle.advance(0.0, 0.0)
    path = [needle.advance(1.0, NEEDLE_EASE_S / 10) for _ in range(40)]
    assert all(one is not None and other is not None and one <= other <= 1.0 for one, other in itertools.pairwise(path))
    assert path[9] == pytest.approx(0.95, abs=0.001)


@given(st.lists(st.floats(0.001, 0.05), min_size=1, max_size=20))
def test_the_needle_stands_at_the_same_place_for_every_cut_of_the_time(steps_s: list[float]) -> None:
    one, many = Needle(), Needle()
    one.advance(-1.0, 0.0)
    many.advance(-1.0, 0.0)
    one.advance(1.0, sum(steps_s))
    for step_s in steps_s:
        many.advance(1.0, step_s)
    assert many.at == pytest.approx(one.at, abs=1e-9)


def test_the_needle_appears_where_it_belongs_and_goes_when_nothing_is_known() -> None:
    needle = Needle()
    assert needle.advance(0.7, 0.016) == 0.7
    assert needle.advance(None, 0.016) is None
    assert needle.advance(-0.7, 0.016) == -0.7


def test_a_bar_rises_at_once_and_falls_no_faster_than_full_height_in_its_time() -> None:
    level = Level()
    level.advance(0.0, 0.016)
    assert level.advance(1.0, 0.016) == 1.0
    assert level.advance(0.0, BAR_FALL_S / 4) == pytest.approx(0.75)
    assert level.advance(0.9, 0.016) == 0.9


def test_a_fade_shows_both_until_it_is_over() -> None:
    fade: Fade[str] = Fade()
    fade.advance("one", 0.0)
    fade.advance("two", 1.0)
    fade.advance("two", FADE_S / 2)
    (before, left), (now, shown) = fade.layers
    assert (before, now) == ("one", "two")
    assert 0 < left < shown < 1
    fade.advance("two", FADE_S)
    assert list(fade.layers) == [("two", 1.0)]


def test_a_fade_of_no_length_changes_at_once() -> None:
    fade: Fade[int] = Fade(0.0)
    fade.advance(1, 0.0)
    assert fade.advance(2, 1.0)
    assert list(fade.layers) == [(2, 1.0)]
    assert not fade.advance(2, 1.0)


@given(st.lists(st.booleans(), min_size=60, max_size=240), st.sampled_from([1 / 144, 1 / 60, 1 / 25]))
def test_nothing_changes_more_than_three_times_a_second(values: list[bool], frame_s: float) -> None:
    fade: Fade[bool] = Fade()
    times = []
    shown = None
    for frame, value in enumerate(values):
        fade.advance(value, frame_s)
        if fade.value != shown:
            shown = fade.value
            times.append(frame * frame_s)
    for start in times[1:]:
        assert sum(start <= t < start + 1.0 - 1e-9 for t in times) <= 3
    assert all(later - sooner >= HOLD_S - 1e-9 for sooner, later in itertools.pairwise(times[1:]))


def test_a_change_that_had_to_wait_is_shown_when_its_time_has_come() -> None:
    fade: Fade[int] = Fade()
    fade.advance(0, 0.0)
    fade.advance(1, 1.0)
    fade.advance(2, HOLD_S / 2)
    assert fade.value == 1
    fade.advance(2, HOLD_S)
    assert fade.value == 2
