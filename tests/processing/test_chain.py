"""The band of surface EMG: what passes, what does not, and that the cut of the samples decides nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from tests.cuts import assert_same, cuts_of

from gluteemg.processing.chain import HIGH_PASS_HZ, LOW_PASS_HZ, TRUNK_HIGH_PASS_HZ, Chain, LineNotch, design, design_notch
from gluteemg.processing.envelope import MovingRms

RATES_HZ = st.sampled_from([250.0, 500.0, 1000.0, 1116.0, 2000.0])


def _sine(frequency_hz: float, peak_uv: float, rate_hz: float, seconds: float = 4.0) -> NDArray[np.float64]:
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    sine: NDArray[np.float64] = peak_uv * np.sin(2 * np.pi * frequency_hz * t_s)[:, np.newaxis]
    return sine


def _settled_rms(filtered: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(filtered[len(filtered) // 2 :] ** 2)))


def _gain_db(rate_hz: float, frequency_hz: float) -> float:
    response = signal.sosfreqz(design(rate_hz), np.array([frequency_hz]), fs=rate_hz)[1]
    return float(20 * np.log10(np.abs(response[0])))


@settings(max_examples=40, deadline=None)
@given(RATES_HZ, st.integers(1, 4), st.integers(0, 400), st.integers(0, 2**32 - 1), st.data())
def test_any_cut_gives_the_same_samples_bit_for_bit(
    rate_hz: float, n_channels: int, n: int, seed: int, data: st.DataObject
) -> None:
    emg = 1000 + 100 * np.random.default_rng(seed).standard_normal((n, n_channels))
    chain = Chain(rate_hz)
    parts = [chain(emg[piece]) for piece in data.draw(cuts_of(n))]
    assert_same(np.concatenate(parts), Chain(rate_hz)(emg))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_after_a_reset_a_chain_is_as_new(n: int, seed: int) -> None:
    before, after = np.random.default_rng(seed).standard_normal((2, n, 2))
    chain = Chain(1000.0)
    chain(before)
    chain.reset()
    assert_same(chain(after), Chain(1000.0)(after))


def test_channels_do_not_touch_each_other() -> None:
    emg = np.random.default_rng(0).standard_normal((500, 3))
    together = Chain(500.0)(emg)
    for channel in range(3):
        assert_same(together[:, channel], Chain(500.0)(emg[:, [channel]])[:, 0])


@pytest.mark.parametrize("rate_hz", [1000.0, 1116.0, 2000.0])
def test_a_sine_of_100_hz_and_100_uv_reads_70_7_uv(rate_hz: float) -> None:
    filtered = Chain(rate_hz)(_sine(100, 100, rate_hz))
    rms = MovingRms(round(rate_hz / 2), 1)(filtered**2)
    assert rms[-1, 0] == pytest.approx(70.7, rel=0.01)


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 1116.0, 2000.0])
def test_movement_at_10_hz_loses_at_least_12_db(rate_hz: float) -> None:
    filtered = Chain(rate_hz)(_sine(10, 1000, rate_hz))
    assert 20 * np.log10(_settled_rms(filtered) / (1000 / np.sqrt(2))) <= -12


@settings(deadline=None)
@given(st.floats(-1e6, 1e6), RATES_HZ)
def test_an_offset_gives_no_transient(offset: float, rate_hz: float) -> None:
    filtered = Chain(rate_hz)(np.full((200, 1), offset))
    assert np.abs(filtered).max() <= 1e-9 * max(1.0, abs(offset))


@settings(deadline=None)
@given(RATES_HZ)
def test_the_edges_of_the_band_lie_at_3_db(rate_hz: float) -> None:
    top_hz = min(LOW_PASS_HZ, 0.45 * rate_hz)
    assert _gain_db(rate_hz, HIGH_PASS_HZ) == pytest.approx(-3.01, abs=0.1)
    assert _gain_db(rate_hz, top_hz) == pytest.approx(-3.01, abs=0.1)


@pytest.mark.parametrize("rate_hz", [1000.0, 1116.0, 2000.0, 4000.0])
def test_the_response_is_that_of_an_analogue_butterworth_band(rate_hz: float) -> None:
    """Against the textbook magnitude of both filters, frequencies warped as the bilinear transform does."""
    frequency_hz = np.linspace(1, 0.49 * rate_hz, 400)

    def warped(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.tan(np.pi * np.asarray(hz) / rate_hz)

    high = 1 / np.sqrt(1 + (warped(HIGH_PASS_HZ) / warped(frequency_hz)) ** 4)
    low = 1 / np.sqrt(1 + (warped(frequency_hz) / warped(min(LOW_PASS_HZ, 0.45 * rate_hz))) ** 8)
    response = np.abs(signal.sosfreqz(design(rate_hz), frequency_hz, fs=rate_hz)[1])
    assert response == pytest.approx(high * low, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("rate_hz", [500.0, 1116.0])
def test_an_impulse_comes_out_as_scipys_own_filters_would_give_it(rate_hz: float) -> None:
    emg = np.zeros((1000, 1))
    emg[10] = 1.0
    b_high, a_high = signal.butter(2, 20, "highpass", fs=rate_hz)
    b_low, a_low = signal.butter(4, min(450, 0.45 * rate_hz), "lowpass", fs=rate_hz)
    expected = signal.lfilter(b_low, a_low, signal.lfilter(b_high, a_high, emg, axis=0), axis=0)
    assert Chain(rate_hz)(emg) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(RATES_HZ, st.sets(st.integers(0, 2)), st.integers(0, 400), st.integers(0, 2**32 - 1), st.data())
def test_channels_of_the_trunk_have_a_band_of_their_own_whatever_the_cut(
    rate_hz: float, trunk: set[int], n: int, seed: int, data: st.DataObject
) -> None:
    emg = 1000 + 100 * np.random.default_rng(seed).standard_normal((n, 3))
    chain = Chain(rate_hz, sorted(trunk))
    filtered = np.concatenate([chain(emg[piece]) for piece in data.draw(cuts_of(n))])
    for channel in range(3):
        alone = Chain(rate_hz, [0] if channel in trunk else [])
        assert_same(filtered[:, channel], alone(emg[:, [channel]])[:, 0])


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 2000.0])
def test_over_the_trunk_the_heart_is_kept_out_by_four_poles_at_30_hz(rate_hz: float) -> None:
    hz = np.array([TRUNK_HIGH_PASS_HZ, 15.0, 100.0])
    gain_db = 20 * np.log10(np.abs(signal.freqz_sos(design(rate_hz, trunk=True), hz, fs=rate_hz)[1]))
    assert gain_db[0] == pytest.approx(-3.01, abs=0.1)
    assert gain_db[1] == pytest.approx(-24.1, abs=0.5)
    assert gain_db[2] == pytest.approx(0, abs=0.3)


def test_below_500_hz_the_trunk_has_the_band_of_all_others() -> None:
    assert_same(design(499.0, trunk=True), design(499.0))


@pytest.mark.parametrize("rate_hz", [250.0, 1000.0, 2000.0])
@pytest.mark.parametrize("trunk", [(), (0,)])
def test_the_delay_that_is_told_is_that_of_a_burst_in_the_middle_of_the_band(rate_hz: float, trunk: tuple[int, ...]) -> None:
    hz = min(100.0, min(LOW_PASS_HZ, 0.45 * rate_hz) / 1.5)
    t_s = np.arange(round(2 * rate_hz)) / rate_hz
    hill = np.exp(-0.5 * ((t_s - 1) / 0.15) ** 2)
    chain = Chain(rate_hz, trunk)
    power = chain((hill * np.sin(2 * np.pi * hz * t_s))[:, np.newaxis])[:, 0] ** 2
    assert (power * t_s).sum() / power.sum() - 1 == pytest.approx(chain.delay_s, abs=2e-4)


def _line(n: int, rate_hz: float, line_hz: float, peak: float) -> NDArray[np.float64]:
    t_s = np.arange(n) / rate_hz
    hum: NDArray[np.float64] = peak * (np.sin(2 * np.pi * line_hz * t_s) + np.sin(6 * np.pi * line_hz * t_s) / 3)[:, np.newaxis]
    return hum


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 1116.0, 2000.0])
@pytest.mark.parametrize("line_hz", [50, 60])
def test_a_notch_takes_out_the_line_and_leaves_nearly_all_of_the_muscle(rate_hz: float, line_hz: int) -> None:
    n = round(20 * rate_hz)
    emg = Chain(rate_hz)(100 * np.random.default_rng(0).standard_normal((n, 1)))
    asked = np.full((n, 1), line_hz, np.uint8)
    hum = LineNotch(rate_hz)(_line(n, rate_hz, line_hz, 100), asked)
    assert np.abs(hum[round(0.7 * rate_hz) :]).max() < 1
    left = LineNotch(rate_hz)(emg.copy(), asked)
    assert np.sqrt(np.mean(left**2) / np.mean(emg**2)) > (0.94 if rate_hz >= 1000 else 0.91)


def test_a_notch_is_that_of_scipy() -> None:
    emg = np.random.default_rng(1).standard_normal((3000, 1))
    expected = emg
    for hz in (50.0, 100.0, 150.0, 200.0, 250.0):
        expected = signal.lfilter(*signal.iirnotch(hz, hz / 5, fs=1000), expected, axis=0)
    notched = LineNotch(1000.0)(emg.copy(), np.full((3000, 1), 50, np.uint8))
    gain = notched[0, 0] / expected[0, 0]
    assert 1.05 < gain < 1.12
    assert notched == pytest.approx(gain * expected, abs=1e-10)
    assert design_notch(60, 250.0).shape == (1, 6)  # 120 Hz would lie outside the band


def test_a_notch_begins_without_a_step() -> None:
    hum = _line(2000, 1000.0, 50, 100.0)
    asked = np.zeros((2000, 1), np.uint8)
    asked[1000:] = 50
    notched = LineNotch(1000.0)(hum.copy(), asked)
    assert_same(notched[:1000], hum[:1000])
    assert np.abs(notched).max() <= np.abs(hum).max() * 1.05
    assert np.abs(notched[1700:]).max() < 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.sampled_from([0, 50, 60])), max_size=6), st.integers(0, 2**32 - 1), st.data())
def test_notches_come_and_go_in_single_channels_whatever_the_cut(
    spans: list[tuple[int, int]], seed: int, data: st.DataObject
) -> None:
    asked = np.zeros((sum(n for n, _ in spans), 2), np.uint8)
    asked[:, 1] = [line for n, line in spans for _ in range(n)]
    emg = np.random.default_rng(seed).standard_normal(asked.shape)
    whole, notch = LineNotch(500.0)(emg.copy(), asked), LineNotch(500.0)
    parts = [notch(emg[piece].copy(), asked[piece]) for piece in data.draw(cuts_of(len(emg)))]
    assert_same(np.concatenate(parts), whole)
    assert_same(whole[:, 0], emg[:, 0])
