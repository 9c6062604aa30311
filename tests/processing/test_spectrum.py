"""Spectra against scipy, against spectra whose figures are known, and against signals that are spoilt on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal, stats

from gluteemg.muscles import Role
from gluteemg.processing.chain import Chain
from gluteemg.processing.spectrum import Spectra, spectral_quality, window_length
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import SimulatedSensor

ROOT = Path(__file__).parents[2]
GAIT = ROOT.parent / "shared" / "data" / "gait_glutes_hamstrings.csv"
Floats = NDArray[np.float64]


def _white(seconds: float, rate_hz: float, seed: int = 0) -> Floats:
    noise: Floats = np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))
    return noise


def _emg(seconds: float, rate_hz: float, seed: int = 0) -> Floats:
    """Noise with the spectrum of surface EMG, RMS about 1: corners at 60 and 120 Hz."""
    poles = -2 * np.pi * np.array([60.0, 120.0, 120.0])
    sos = signal.zpk2sos(*signal.bilinear_zpk([0.0], poles, 1.0, rate_hz))
    shaped = signal.sosfilt(sos, _white(seconds, rate_hz, seed))
    return np.asarray(shaped / np.std(shaped))


@pytest.mark.parametrize(("n", "window"), [(256, 256), (511, 256), (3000, 256), (5003, 512), (777, 16)])
def test_a_spectrum_is_that_of_scipy(n: int, window: int) -> None:
    emg = np.stack([_white(n / 1000, 1000, seed) + 3 for seed in range(3)])
    spectra = Spectra.of([[e] for e in emg], [1000.0, 1116.0, 500.0], window)
    for row, rate_hz in enumerate((1000.0, 1116.0, 500.0)):
        hz, power = signal.welch(emg[row], rate_hz, nperseg=window, detrend=False)
        np.testing.assert_allclose(np.arange(len(hz)) * spectra.bin_hz[row], hz, rtol=1e-12)
        np.testing.assert_allclose(spectra.power[row], power, rtol=1e-10)


def test_no_window_reaches_over_a_hole() -> None:
    runs = [_white(0.7, 1000, 1), _white(1.9, 1000, 2)]
    parts = [Spectra.of([[run]], [1000.0], 256).power[0] for run in runs]
    windows = [len(run) // 128 - 1 for run in runs]
    np.testing.assert_allclose(
        Spectra.of([runs], [1000.0], 256).power[0], np.average(parts, axis=0, weights=windows), rtol=1e-12
    )


def test_power_density_adds_up_to_the_power() -> None:
    spectra = Spectra.of([[5 * _white(60, 1000)]], [1000.0], 256)
    assert spectra.power.sum() * spectra.bin_hz[0] == pytest.approx(25, rel=0.02)


def test_windows_are_powers_of_two_near_a_quarter_of_a_second() -> None:
    assert [window_length(rate) for rate in (500, 1000, 1116, 2000)] == [128, 256, 256, 512]


def test_white_noise_has_its_median_and_its_mean_in_the_middle_of_the_band() -> None:
    flat = Spectra(np.ones((2, 257)), np.array([4.0, 1116 / 512])).within(20, 450)
    np.testing.assert_allclose(flat.median_hz(), 235, rtol=1e-12)
    np.testing.assert_allclose(flat.mean_hz(), 235, atol=0.05)
    heard = Spectra.of([[_white(120, 1000)]], [1000.0], 256).within(20, 450)
    assert heard.median_hz()[0] == pytest.approx(235, abs=2)
    assert heard.mean_hz()[0] == pytest.approx(235, abs=2)


@pytest.mark.parametrize("corner_hz", [60.0, 100.0, 200.0])
def test_coloured_noise_has_the_median_of_its_formula(corner_hz: float) -> None:
    rate_hz = 16_000  # so that nothing folds back
    decay = np.exp(-2 * np.pi * corner_hz / rate_hz)
    noise = signal.lfilter([1 - decay], [1, -decay], _white(60, rate_hz))
    found = Spectra.of([[noise]], [rate_hz], window_length(rate_hz)).within(20, 450).median_hz()[0]
    low, high = np.arctan(20 / corner_hz), np.arctan(450 / corner_hz)
    assert found == pytest.approx(corner_hz * np.tan((low + high) / 2), rel=0.02)


def test_a_rate_that_is_measured_a_little_anew_moves_the_figures_a_little() -> None:
    emg = _emg(3, 1000)
    rates = np.linspace(990, 1010, 201)
    spectra = Spectra.of([[emg]] * len(rates), rates.tolist(), 256).within(20, 450)
    for figure in (spectra.median_hz(), spectra.mean_hz(), spectra.ln_fatigue_index()):
        assert np.abs(np.diff(figure) / figure[:-1]).max() < 3e-4


def test_the_fatigue_index_moves_six_times_as_far_as_the_spectrum() -> None:
    power = Spectra.of([[_emg(3, 1000)]], [1000.0], 256).power
    before, after = (Spectra(power, np.array([bin_hz])) for bin_hz in (4.0, 3.2))
    assert after.median_hz()[0] / before.median_hz()[0] == pytest.approx(0.8)
    assert after.mean_hz()[0] / before.mean_hz()[0] == pytest.approx(0.8)
    assert after.ln_fatigue_index()[0] - before.ln_fatigue_index()[0] == pytest.approx(-6 * np.log(0.8))


def test_the_figures_of_a_spectrum_are_those_of_their_formulas() -> None:
    power = np.random.default_rng(3).exponential(size=(1, 129))
    spectra, hz = Spectra(power, np.array([4.0])), 4.0 * np.arange(129)
    assert spectra.mean_hz()[0] == pytest.approx((hz * power[0])[1:].sum() / power[0, 1:].sum())
    assert spectra.ln_fatigue_index()[0] == pytest.approx(np.log((power[0, 1:] / hz[1:]).sum() / (power[0] * hz**5).sum()))


def test_a_signal_without_power_has_no_frequency() -> None:
    silent = Spectra.of([[np.zeros(1000)]], [1000.0], 256).within(20, 450)
    assert np.isnan([silent.median_hz(), silent.mean_hz(), silent.ln_fatigue_index()]).all()


def test_simulated_emg_has_its_median_near_90_hz() -> None:
    toml = (ROOT / "firmware_profiles" / "synthetic.toml").read_text("utf-8")
    muscles = ("gluteus_maximus", "gluteus_medius", "biceps_femoris", "semitendinosus")
    roles = [Role(muscle, "left") for muscle in muscles]
    sensor = SimulatedSensor("S", FirmwareProfile.parse(toml, "synthetic"), roles, Person(SCENARIOS["shared"], 1))
    emg = Chain(1000.0)(sensor.emg(10_000, 30_000))
    spectra = Spectra.of([[channel] for channel in emg.T], [1000.0] * 4, 256).within(20, 450)
    np.testing.assert_allclose(spectra.median_hz(), 93, atol=7)


def test_a_median_frequency_that_falls_by_0_15_hz_a_second_is_found() -> None:
    seconds, rate_hz, finer = 300, 1000, 8
    wide = _emg(seconds + 1, finer * rate_hz)
    t_s = np.arange(seconds * rate_hz) / rate_hz
    level_hz = Spectra.of([[wide]], [finer * rate_hz], 2048).within(0, 500).median_hz()[0]
    stretched_s = t_s - 0.15 / level_hz * t_s**2 / 2  # the same waveform, ever slower
    emg = np.interp(stretched_s * finer * rate_hz, np.arange(len(wide)), wide)
    windows = emg.reshape(seconds, rate_hz)
    medians = Spectra.of([[w] for w in windows], [rate_hz] * seconds, 256).within(0, 500).median_hz()
    assert stats.theilslopes(medians).slope == pytest.approx(-0.15, rel=0.08)


def test_a_clean_contraction_has_a_good_spectrum() -> None:
    seen = signal.sosfilt(signal.butter(4, 500, fs=2000, output="sos"), _emg(5, 2000))  # as an amplifier passes it
    quality = spectral_quality(seen + 0.005 * _white(5, 2000, 1) + 40, 2000)
    assert quality.good
    assert quality.sn_db is not None
    assert quality.dp_db is not None
    assert quality.deformation < 1.4


def test_motion_noise_and_a_missing_muscle_spoil_their_own_figure() -> None:
    clean = _emg(5, 2000)
    t_s = np.arange(len(clean)) / 2000
    moving = spectral_quality(clean + np.sin(2 * np.pi * 6 * t_s), 2000)
    noisy = spectral_quality(clean + 0.3 * _white(5, 2000, 1), 2000)
    nothing = spectral_quality(_white(5, 2000, 1), 2000)
    assert moving.sm_db < 12 <= spectral_quality(clean, 2000).sm_db
    assert noisy.sn_db is not None
    assert noisy.sn_db < 15
    assert nothing.dp_db is not None
    assert nothing.dp_db < 30
    assert nothing.deformation == pytest.approx(2 / 3**0.5, rel=0.02)  # of a flat spectrum
    assert [q.good for q in (moving, noisy, nothing)] == [False] * 3


def test_signal_to_noise_is_the_ratio_that_was_mixed() -> None:
    emg, noise = _emg(30, 4000), 0.1 * _white(30, 4000, 1)
    heard = np.sum(np.square(noise)) / 2  # half of the noise lies below 1000 Hz
    quality = spectral_quality(signal.sosfilt(signal.butter(8, 500, fs=4000, output="sos"), emg) + noise, 4000)
    assert quality.sn_db == pytest.approx(10 * np.log10((np.sum(np.square(emg)) + heard) / heard), abs=0.5)


def test_what_a_rate_does_not_show_is_not_told() -> None:
    quality = spectral_quality(_emg(5, 1000), 1000)
    assert quality.sn_db is None
    assert quality.dp_db is None
    assert quality.good


@pytest.mark.skipif(not GAIT.exists(), reason="the recording is not here")
def test_walking_muscles_have_a_median_where_emg_has_it() -> None:
    emg = Chain(1000.0)(np.loadtxt(GAIT, delimiter=",", comments="#", skiprows=4)[:, 1:])
    spectra = Spectra.of([[channel] for channel in emg.T], [1000.0] * emg.shape[1], 256).within(20, 450)
    assert ((spectra.median_hz() > 40) & (spectra.median_hz() < 180)).all()
