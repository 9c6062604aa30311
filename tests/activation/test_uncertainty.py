"""Margins of the ratio: the known figures, and the truth inside them as often as they say, on signals made with numpy alone."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gluteemg.activation.calibration import Calibration, Level, MeasuredTrial
from gluteemg.activation.ratio import LN_CAP, Ratio, Scale, share_of
from gluteemg.activation.uncertainty import (
    FLOOR_S,
    SEARCHED_S,
    Z95,
    Basis,
    Margin,
    RatioError,
    Uncertainty,
    effective_length_s,
    rms_error,
)
from gluteemg.muscles import Role
from gluteemg.processing.chain import bandwidth_hz

Floats = NDArray[np.float64]
_PAIR = (Role("gluteus_maximus", "left"), Role("hamstrings", "left"))
_BASIS = Basis(floor_s=5.0, window_s=3.0, trials=3)
_HZ = 200.0


def _scale(floor: float, references: tuple[float, ...] = (50.0, 50.0), roles: tuple[Role, ...] = _PAIR) -> Scale:
    levels = tuple(Level(role=str(r), floor=floor, reference=x) for r, x in zip(roles, references, strict=True))
    return Scale(Calibration(method="submaximal", floor_method="rest", window_s=3.0, levels=levels), roles)


def _error(
    powers: tuple[float, ...],
    length_s: float = 3.0,
    *,
    floor: float = 3.0,
    roles: tuple[Role, ...] = _PAIR,
    bases: tuple[Basis, ...] | None = None,
) -> RatioError:
    scale = _scale(floor, (50.0,) * len(roles), roles)
    uncertainty = Uncertainty(scale, [_HZ] * len(roles), bases or (_BASIS,) * len(roles))
    error = uncertainty.of(Ratio(roles, scale), np.array(powers), np.full(len(roles), length_s))
    assert error is not None
    return error


@pytest.mark.parametrize(("rate_hz", "percent"), [(1000.0, 7.0), (2000.0, 7.0), (115 / 0.45, 9.7), (95 / 0.45, 10.7)])
def test_an_rms_over_250_ms_scatters_as_it_was_found_to(rate_hz: float, percent: float) -> None:
    """The two narrow bands were found with the filters of a fast rate, which pass a little more above their corner."""
    found = 100 * rms_error(bandwidth_hz(rate_hz), 0.25)
    assert percent * 0.98 < found < percent * 1.12


def test_a_longer_window_is_surer_by_the_root_of_its_length() -> None:
    assert rms_error(_HZ, 0.25) / rms_error(_HZ, 1.0) == pytest.approx(2)


def test_the_bandwidth_is_that_of_noise_with_the_spectrum_of_emg() -> None:
    rate_hz, window = 1000.0, 250
    powers = np.mean(_emg(np.random.default_rng(1), (400, 2000), rate_hz, (60.0, 120.0)).reshape(-1, window) ** 2, axis=1)
    assert np.std(np.sqrt(powers)) / np.mean(np.sqrt(powers)) == pytest.approx(rms_error(bandwidth_hz(rate_hz), 0.25), rel=0.06)


def test_a_steady_contraction_counts_in_full_and_ramps_count_less() -> None:
    step_s, bandwidths = 0.01, np.array([_HZ, _HZ])
    ramp = np.minimum(1, np.minimum(np.arange(300), np.arange(300)[::-1]) / 100) ** 2
    courses = np.stack([np.ones(300), ramp], axis=1)
    lengths = effective_length_s(courses.mean(axis=0), (courses**2).mean(axis=0), np.full(2, 300 * step_s), bandwidths)
    assert lengths[0] == 3.0
    assert 1.6 < lengths[1] < 2.2
    nothing, holed = np.array([1.0, 0.0]), np.array([2.7, 3.0])
    assert effective_length_s(nothing, nothing, holed, bandwidths).tolist() == [2.7, 0.0]


def test_far_over_the_floor_a_window_has_the_error_of_two_channels() -> None:
    """Equal channels over 500 ms: science says 0.87 to 1.15, which is 0.14 in ``ln R``."""
    error = _error((900.0, 900.0), 0.5, floor=0.01)
    assert error.independent.above == pytest.approx(Z95 * math.sqrt(2) * rms_error(_HZ, 0.5), rel=1e-3)
    assert error.independent == pytest.approx((0.14, 0.14), abs=0.005)


def test_the_floor_makes_the_scatter_larger_by_what_was_taken_off() -> None:
    loud, quiet = _error((900.0, 900.0), floor=0.01), _error((12.0, 100.0), floor=3.0)  # 12 = 9 + 3: a factor of four
    single = loud.independent.above / math.sqrt(2)
    assert quiet.independent.above == pytest.approx(math.hypot(4 * single, single), rel=0.15)
    assert quiet.independent.below > quiet.independent.above  # the logarithm is steeper down there


def test_a_longer_rest_and_more_trials_make_the_common_part_smaller() -> None:
    usual = _error((30.0, 900.0))
    for better in (replace(_BASIS, floor_s=50.0), replace(_BASIS, trials=5), replace(_BASIS, window_s=9.0)):
        error = _error((30.0, 900.0), bases=(better, better))
        assert error.common.above < usual.common.above
        assert error.independent == usual.independent


def test_a_maximum_scatters_less_than_one_of_its_windows_and_more_than_a_mean_of_all() -> None:
    one = 2 * rms_error(_HZ, 0.5)
    error, above = Basis(5.0, 0.5, trials=3, searched_s=4.0).reference_error(_HZ)
    mean, nothing = Basis(5.0, 4.0, trials=3).reference_error(_HZ)
    assert mean < error < one < above
    assert nothing == 0
    power = np.mean(_emg(np.random.default_rng(2), (900, 2000), 500.0).reshape(300, 3, 2000, 1) ** 2, axis=3)
    window = np.cumsum(power, axis=2)
    largest = np.log(np.max(window[:, :, 250:] - window[:, :, :-250], axis=(1, 2)) / 250)
    found, found_above = Basis(5.0, 0.5, trials=3, searched_s=4.0).reference_error(bandwidth_hz(500.0))
    assert np.std(largest) == pytest.approx(found, rel=0.15)
    assert np.mean(largest) == pytest.approx(found_above, rel=0.15)


def test_efforts_that_felt_different_widen_the_margin_and_alike_ones_do_not() -> None:
    asked, harder = replace(_BASIS, felt=1.0), replace(_BASIS, felt=1.2)
    usual = _error((400.0, 400.0))
    assert _error((400.0, 400.0), bases=(harder, harder)) == usual
    for bases in ((asked, harder), (harder, asked)):
        wider = _error((400.0, 400.0), bases=bases)
        assert wider.common == pytest.approx([side + math.log(1.2) for side in usual.common])
        assert wider.independent == usual.independent


def test_trials_that_differ_widen_the_margin() -> None:
    spread = replace(_BASIS, spread=0.1)
    assert _error((400.0, 400.0), bases=(spread, _BASIS)).common.above > 0.19


@settings(deadline=None)
@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0.1, 20))
def test_a_range_holds_its_value_and_stays_within_the_cap(glutes: float, hamstrings: float, length_s: float) -> None:
    scale = _scale(3.0)
    powers, lengths = np.array([glutes, hamstrings]), np.full(2, length_s)
    ratio = Ratio(_PAIR, scale)
    value = float(ratio.ln(scale.level(powers[np.newaxis]))[0])
    error = Uncertainty(scale, [_HZ] * 2, [_BASIS] * 2).of(ratio, powers, lengths)
    assert (error is None) == math.isnan(value)
    if error is None:
        return
    low, high = error.interval(value)
    assert -LN_CAP <= low <= value + 1e-9
    assert value - 1e-9 <= high <= LN_CAP
    assert error.shares(value) == (share_of(low), share_of(high))
    assert all(math.isfinite(m) and m >= 0 for m in (*error.independent, *error.common))


def test_swapping_the_muscles_swaps_the_margins() -> None:
    one, other = _error((20.0, 900.0)), _error((900.0, 20.0))
    assert one.independent == pytest.approx(other.independent[::-1])
    assert one.common == pytest.approx(other.common[::-1])


def test_two_hamstrings_are_surer_than_one() -> None:
    roles = (_PAIR[0], Role("biceps_femoris", "left"), Role("semitendinosus", "left"))
    two, one = _error((400.0,) * 3, roles=roles), _error((400.0,) * 2)
    assert two.independent.above == pytest.approx(one.independent.above * math.sqrt(1.5 / 2), rel=0.01)


def test_two_sides_are_surer_than_one() -> None:
    both = _error((400.0,) * 4, roles=(*_PAIR, *(replace(r, side="right") for r in _PAIR)))
    assert both.independent == pytest.approx([m / math.sqrt(2) for m in _error((400.0,) * 2).independent])


def test_over_repetitions_only_the_independent_part_becomes_smaller() -> None:
    one = RatioError(Margin(0.2, 0.1), Margin(0.05, 0.04))
    four = RatioError.over_reps([one] * 4)
    assert four.independent == pytest.approx((0.1, 0.05))
    assert four.common == pytest.approx((0.05, 0.04))
    low, high = four.interval(0.5)
    assert (low, high) == pytest.approx((0.5 - math.hypot(0.1, 0.05), 0.5 + math.hypot(0.05, 0.04)))


def test_repetitions_that_differ_more_than_they_should_widen_their_mean() -> None:
    one = RatioError(Margin(0.1, 0.1), Margin(0.0, 0.0))
    alike, apart = [0.5, 0.51, 0.49, 0.5, 0.5], [0.0, 1.0, 0.5, 0.2, 0.8]
    assert RatioError.over_reps([one] * 5, alike) == RatioError.over_reps([one] * 5)
    assert RatioError.over_reps([one] * 5, apart).independent.above > 0.4
    assert RatioError.over_reps([one] * 2, [0.0, 1.0]) == RatioError.over_reps([one] * 2)


def test_where_there_is_no_ratio_there_is_no_error() -> None:
    scale = _scale(3.0)
    uncertainty = Uncertainty(scale, [_HZ] * 2, [_BASIS, _BASIS])
    fine = np.array([100.0, 100.0])
    assert uncertainty.of(Ratio(_PAIR, scale), np.array([np.nan, 100.0]), np.ones(2)) is None
    assert uncertainty.of(Ratio(_PAIR, scale), np.array([8.0, 8.0]), np.ones(2)) is None  # both under the floor
    assert uncertainty.of(Ratio(_PAIR, scale), fine, np.array([0.0, 1.0])) is None
    assert uncertainty.of(Ratio(_PAIR[:1]), fine, np.ones(2)) is None
    assert Uncertainty(scale, [_HZ] * 2, [_BASIS, None]).of(Ratio(_PAIR, scale), fine, np.ones(2)) is None


def test_a_basis_is_read_from_a_calibration() -> None:
    trials = tuple(MeasuredTrial(step="squeeze", value=50.0, reason=reason) for reason in (None, "moved", None))
    level = Level(role=str(_PAIR[0]), floor=3.0, reference=50.0, effort=5.0, rated=6.0, spread=0.05, trials=trials)
    calibration = Calibration(method="submaximal", floor_method="rest", window_s=3.0, levels=(level,), floor_s=4.0, trial_s=3.5)
    basis = Basis.of(calibration, level)
    assert basis is not None
    assert basis == Basis(floor_s=4.0, window_s=3.0, trials=2, searched_s=0.0, spread=0.05, felt=1.2)
    largest = Basis.of(calibration.model_copy(update={"statistic": "max", "window_s": 0.5}), level)
    assert largest == replace(basis, window_s=0.5, searched_s=3.5)
    older = Basis.of(calibration.model_copy(update={"statistic": "max", "trial_s": 0.0, "floor_s": 0.0}), level)
    assert older is not None
    assert (older.floor_s, older.searched_s) == (FLOOR_S, SEARCHED_S)
    assert Basis.of(calibration, level.model_copy(update={"reference": None})) is None
    assert Basis.of(calibration.model_copy(update={"window_s": 0.0}), level) is None


# Whole sessions of noise: rest, references, repetitions with ramps and lost packets, a new person each time.


def _emg(
    random: np.random.Generator, shape: tuple[int, ...], rate_hz: float, corners_hz: tuple[float, float] | None = (20.0, 165.0)
) -> Floats:
    """Gaussian noise of power 1 in the band of the rate, with a spectrum of EMG or white."""
    f = np.fft.rfftfreq(shape[-1], 1 / rate_hz)[1:-1]
    warped, top_hz = np.tan(np.pi * f / rate_hz), min(450.0, 0.45 * rate_hz)
    power = 1 / (1 + (np.tan(np.pi * 20 / rate_hz) / warped) ** 4) / (1 + (warped / np.tan(np.pi * top_hz / rate_hz)) ** 8)
    if corners_hz is not None:
        low, high = corners_hz
        power = power * f**2 / ((f**2 + low**2) * (f**2 + high**2) ** 2)
    power = np.concatenate(([0.0], power, [0.0]))
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(shape)) * np.sqrt(power / power.mean()), shape[-1])
    return np.asarray(noise)


class _Session:
    """One person's rest, references and repetitions; the reference of each muscle is 1."""

    def __init__(self, random: np.random.Generator, rate_hz: float, snr_db: float, loss: float) -> None:
        self._random, self._rate_hz, self._loss = random, rate_hz, loss
        self._floor = 10 ** (-snr_db / 20)
        self.truth = random.uniform(-1.2, 1.2)
        self._levels = 2.5 * np.exp([min(0.0, self.truth), -max(0.0, self.truth)])
        rest = [float(np.mean(self._noise((self._n(5.0),)) ** 2)) for _ in _PAIR]
        trials = [self._noise((3, self._n(3.0))) + _emg(random, (3, self._n(3.0)), rate_hz) for _ in _PAIR]
        levels = tuple(
            Level(role=str(r), floor=f**0.5, reference=float(np.median(np.mean(x**2, axis=1))) ** 0.5)
            for r, f, x in zip(_PAIR, rest, trials, strict=True)
        )
        self.scale = Scale(Calibration(method="submaximal", floor_method="rest", window_s=3.0, levels=levels), _PAIR)
        self.ratio = Ratio(_PAIR)
        self.uncertainty = Uncertainty(self.scale, [bandwidth_hz(rate_hz)] * 2, [_BASIS] * 2)

    def _n(self, seconds: float) -> int:
        return 2 * round(seconds * self._rate_hz / 2)

    def _noise(self, shape: tuple[int, ...]) -> Floats:
        return self._floor * _emg(self._random, shape, self._rate_hz, None)

    def rep(self) -> tuple[float, RatioError] | None:
        """Measure one repetition of 1.5 to 4 s with ramps of 0.5 s; None under the gate."""
        n, hop = self._n(self._random.uniform(1.5, 4.0)), round(0.02 * self._rate_hz)
        t_s = np.arange(n) / self._rate_hz
        course = np.clip(np.minimum(t_s, t_s[::-1]) / 0.5, 0, 1)
        x = np.stack(
            [level * course * _emg(self._random, (n,), self._rate_hz) + self._noise((n,)) for level in self._levels], 1
        )
        packets = np.mean(x[: n // hop * hop].reshape(-1, hop, 2) ** 2, axis=1)
        packets[self._random.random(packets.shape) < self._loss] = np.nan
        mean_square = np.nanmean(packets, axis=0)
        window = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(packets), 6, axis=0).mean(axis=2)
        kept = np.isfinite(packets).mean(axis=0)
        length_s = kept * len(window) * hop / self._rate_hz
        bandwidths = np.full(2, bandwidth_hz(self._rate_hz))
        length_s = effective_length_s(window.mean(axis=0), (window**2).mean(axis=0), length_s, bandwidths, 0.12)
        level = self.scale.level(mean_square)[np.newaxis]
        error = self.uncertainty.of(self.ratio, mean_square, length_s)
        if error is None or not self.ratio.working(level, self.scale.gate)[0].any():
            return None
        return float(self.ratio.ln(level)[0]), error


@pytest.mark.parametrize(
    ("rate_hz", "snr_db", "loss"),
    [(200.0, 6.0, 0.05), (200.0, 30.0, 0.0), (500.0, 15.0, 0.05), (1000.0, 10.0, 0.02), (2000.0, 20.0, 0.05)],
)
def test_the_truth_is_inside_the_stated_range_about_as_often_as_it_says(rate_hz: float, snr_db: float, loss: float) -> None:
    random = np.random.default_rng(11)
    inside: list[bool] = []
    means: list[bool] = []
    for _ in range(60):
        session = _Session(random, rate_hz, snr_db, loss)
        reps = [rep for rep in (session.rep() for _ in range(4)) if rep is not None]
        ranges = [error.interval(value) for value, error in reps]
        inside += [low <= session.truth <= high for low, high in ranges]
        low, high = RatioError.over_reps([e for _, e in reps]).interval(float(np.mean([value for value, _ in reps])))
        means.append(low <= session.truth <= high)
    assert len(inside) > 220  # the gate keeps hardly any out
    assert 0.91 <= np.mean(inside) <= 0.99
    assert np.mean(means) >= 0.89
