"""The moving RMS: the root of a mean, whatever the window, the cut, and what happened an hour ago."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from tests.cuts import assert_same, cuts_of

from gluteemg.processing.envelope import HopPower, MovingRms, hop_of

Floats = NDArray[np.float64]
WINDOWS = st.integers(1, 600)


def _squares(seed: int, n: int, n_channels: int) -> Floats:
    squares: Floats = (50 * np.random.default_rng(seed).standard_normal((n, n_channels))) ** 2
    return squares


def _reference(squares: Floats, window: int) -> Floats:
    """Each window added up on its own."""
    rms = np.full(squares.shape, np.nan)
    if len(squares) >= window:
        rms[window - 1 :] = np.sqrt(sliding_window_view(squares, window, axis=0).mean(axis=-1))
    return rms


@settings(max_examples=80, deadline=None)
@given(WINDOWS, st.integers(0, 2500), st.integers(1, 3), st.integers(0, 2**32 - 1), st.data())
def test_any_cut_gives_the_same_values_bit_for_bit(
    window: int, n: int, n_channels: int, seed: int, data: st.DataObject
) -> None:
    squares = _squares(seed, n, n_channels)
    rms = MovingRms(window, n_channels)
    parts = [rms(squares[piece]) for piece in data.draw(cuts_of(n))]
    assert_same(np.concatenate(parts), MovingRms(window, n_channels)(squares))


@settings(max_examples=15, deadline=None)
@given(WINDOWS, st.integers(0, 1300), st.integers(0, 2**32 - 1))
def test_sample_by_sample_gives_the_same_values_bit_for_bit(window: int, n: int, seed: int) -> None:
    squares = _squares(seed, n, 2)
    rms = MovingRms(window, 2)
    parts = [rms(squares[i : i + 1]) for i in range(n)]
    assert_same(np.concatenate([np.empty((0, 2)), *parts]), MovingRms(window, 2)(squares))


@settings(max_examples=50, deadline=None)
@given(WINDOWS, st.integers(0, 2500), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_every_value_is_the_root_of_the_mean_of_its_window(window: int, n: int, n_channels: int, seed: int) -> None:
    squares = _squares(seed, n, n_channels)
    np.testing.assert_allclose(MovingRms(window, n_channels)(squares), _reference(squares, window), rtol=1e-9, atol=0)


@settings(max_examples=50, deadline=None)
@given(WINDOWS, st.integers(0, 700))
def test_nothing_is_told_until_the_window_is_full(window: int, n: int) -> None:
    rms = MovingRms(window, 1)(np.ones((n, 1)))[:, 0]
    assert np.isnan(rms[: window - 1]).all()
    assert (rms[window - 1 :] == 1.0).all()


@settings(max_examples=25, deadline=None)
@given(WINDOWS, st.integers(0, 900), st.integers(0, 2**32 - 1))
def test_a_huge_artefact_leaves_no_trace_once_it_has_left_the_window(window: int, at: int, seed: int) -> None:
    squares = _squares(seed, at + 3 * window + 10, 1)
    squares[at] = 1e30
    rms = MovingRms(window, 1)(squares)
    np.testing.assert_allclose(rms[at + window :], _reference(squares[at + 1 :], window)[window - 1 :], rtol=1e-9)


def test_hours_of_signal_do_not_make_it_drift() -> None:
    squares = _squares(1, 2_000_000, 1)
    rms = MovingRms(558, 1)(squares)
    np.testing.assert_allclose(rms[-1000:], _reference(squares[-2000:], 558)[-1000:], rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(WINDOWS, st.integers(0, 1300), st.integers(0, 1300), st.integers(0, 2**32 - 1))
def test_after_a_reset_it_is_as_new(window: int, before: int, after: int, seed: int) -> None:
    squares = _squares(seed, before + after, 2)
    rms = MovingRms(window, 2)
    rms(squares[:before])
    rms.reset()
    assert_same(rms(squares[before:]), MovingRms(window, 2)(squares[before:]))


def test_the_squares_that_were_given_are_left_as_they_were() -> None:
    squares = _squares(2, 500, 2)
    kept = squares.copy()
    MovingRms(100, 2)(squares)
    assert_same(squares, kept)


def test_silence_reads_zero() -> None:
    assert MovingRms(10, 1)(np.zeros((30, 1)))[-1, 0] == pytest.approx(0, abs=0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 300), st.integers(1, 3), st.integers(0, 2**32 - 1), st.data())
def test_hops_are_counted_from_the_start_whatever_the_cut(
    hop: int, n: int, n_channels: int, seed: int, data: st.DataObject
) -> None:
    emg = np.random.default_rng(seed).standard_normal((n, n_channels))
    power = HopPower(hop, n_channels)
    parts = [power(emg[piece]) for piece in data.draw(cuts_of(n))]
    whole = HopPower(hop, n_channels)(emg)
    assert_same(np.concatenate(parts), whole)
    assert power.waiting == n % hop
    np.testing.assert_allclose(whole, (emg[: n - n % hop] ** 2).reshape(-1, hop, n_channels).mean(axis=1))


def test_after_a_reset_hops_begin_anew() -> None:
    emg = np.random.default_rng(2).standard_normal((103, 1))
    power = HopPower(5, 1)
    power(emg[:13])
    power.reset()
    assert_same(power(emg[13:]), HopPower(5, 1)(emg[13:]))


def test_a_hop_is_about_5_ms_and_never_less_than_a_sample() -> None:
    assert [hop_of(rate_hz) for rate_hz in (10, 200, 250, 500, 1000, 1116, 2000)] == [1, 1, 1, 2, 5, 6, 10]


@pytest.mark.parametrize("rate_hz", [200.0, 500.0, 1000.0, 1116.0, 2000.0])
def test_an_rms_over_hops_is_that_over_their_samples(rate_hz: float) -> None:
    hop = hop_of(rate_hz)
    emg = np.random.default_rng(3).standard_normal((4000, 2))
    rms = MovingRms(20, 2)(HopPower(hop, 2)(emg))
    assert rms == pytest.approx(_reference(emg**2, 20 * hop)[hop - 1 :: hop], rel=1e-9, nan_ok=True)
