"""Bursts: found once, at the right moment, whatever the cut; nothing found in noise and artefacts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from gluteemg.processing.onset import Burst, BurstDetector, estimate_floor, estimate_scale

_DATA = Path(__file__).parents[3] / "shared" / "data"
_needs_data = pytest.mark.skipif(not _DATA.is_dir(), reason="the folder with real recordings is not here")
Floats = NDArray[np.float64]


def _filtered(emg: Floats, rate_hz: float) -> Floats:
    """The pipeline's band, settled on the first sample."""
    high = signal.butter(2, 20, "highpass", fs=rate_hz, output="sos")
    low = signal.butter(4, min(450, 0.45 * rate_hz), "lowpass", fs=rate_hz, output="sos")
    sos = np.vstack((high, low))
    filtered: Floats = signal.sosfilt(sos, emg, axis=0, zi=signal.sosfilt_zi(sos)[:, :, None] * emg[0])[0]
    return filtered


def _rms_500ms(emg: Floats, rate_hz: float) -> Floats:
    width = int(rate_hz / 2)
    total = np.cumsum(np.square(emg), axis=0)
    rms: Floats = np.sqrt((total[width::10] - total[:-width:10]) / width)
    return rms


def _bursts(raw: Floats, rate_hz: float = 1000.0, floor: float | None = None) -> list[Burst]:
    """Bursts of a whole recording, shape (n, n_channels); floor and scale from itself unless a floor is given."""
    emg = _filtered(raw, rate_hz)
    rms = _rms_500ms(emg, rate_hz)
    if floor is None:
        detector = BurstDetector(rate_hz, estimate_floor(rms), estimate_scale(rms))
    else:
        detector = BurstDetector(rate_hz, np.full(raw.shape[1], floor))
    return detector.feed(emg) + detector.finish()


def _working(on: tuple[float, ...], length_s: float, seconds: float, rate_hz: float, rise_s: float = 0.0) -> Floats:
    """Activation of bursts that begin at `on`, shape (n,)."""
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    ramp_s = max(rise_s, 1e-6)
    parts = [np.clip(np.minimum(t_s - start, start + length_s - t_s) / ramp_s, 0, 1) for start in on]
    activation: Floats = np.max(parts, axis=0)
    return activation


def _noisy(activation: Floats, snr_db: float, seed: int) -> Floats:
    """White EMG of that activation on white noise of 1, shape (n, 1)."""
    random = np.random.default_rng(seed)
    emg = activation * 10 ** (snr_db / 20) * random.standard_normal(len(activation))
    noisy: Floats = (emg + random.standard_normal(len(activation)))[:, None]
    return noisy


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 900), max_size=12),
    seed=st.integers(0, 3),
    rate_hz=st.sampled_from([200, 500, 1000, 1116, 2000]),
)
def test_the_cut_of_the_samples_changes_nothing(sizes: list[int], seed: int, rate_hz: int) -> None:
    activation = _working((1.0, 2.5, 3.6), 0.6, 5.0, rate_hz, rise_s=0.1)
    emg = np.hstack([_noisy(activation, 20, seed), _noisy(np.roll(activation, 300), 12, seed + 9)])
    floor = np.array([1.0, 1.0])
    whole = BurstDetector(rate_hz, floor)
    expected = whole.feed(emg) + whole.finish()
    parts = BurstDetector(rate_hz, floor)
    found: list[Burst] = []
    edges = [*itertools.accumulate(sizes, initial=0), len(emg)]
    for start, stop in itertools.pairwise(min(edge, len(emg)) for edge in edges):
        found += parts.feed(emg[start:stop])
    assert found + parts.finish() == expected
    assert len(expected) >= 5


def test_one_sample_at_a_time_gives_the_same_bursts() -> None:
    emg = _noisy(_working((1.0,), 0.5, 2.0, 500), 20, 1)
    whole, single = BurstDetector(500, np.ones(1)), BurstDetector(500, np.ones(1))
    expected = whole.feed(emg)
    assert [burst for sample in emg for burst in single.feed(sample[None])] == expected
    assert len(expected) == 1


@pytest.mark.parametrize("rate_hz", [500.0, 1116.0, 2000.0])
def test_a_step_is_found_within_a_few_milliseconds_at_usual_rates(rate_hz: float) -> None:
    on = (2.0, 4.1, 6.3, 8.2)
    errors = []
    for seed in range(10):
        bursts = _bursts(_noisy(_working(on, 1.0, 10.0, rate_hz), 15, seed), rate_hz)
        assert len(bursts) == len(on)
        errors += [burst.on / rate_hz - start for burst, start in zip(bursts, on, strict=True)]
        assert all(abs(burst.off / rate_hz - start - 1.0) < 0.1 for burst, start in zip(bursts, on, strict=True))
    assert abs(np.mean(errors)) < 0.015
    assert np.std(errors) < 0.010


def test_a_slow_sensor_still_shows_each_burst() -> None:
    on = (2.0, 4.1, 6.3, 8.2)
    for seed in range(10):
        bursts = _bursts(_noisy(_working(on, 1.0, 10.0, 250), 15, seed), 250)
        assert [burst.on / 250 for burst in bursts] == pytest.approx(on, abs=0.25)


def test_a_step_of_ten_decibels_meets_the_oracle() -> None:
    on = (2.0, 4.1, 6.3, 8.2)
    errors = []
    for seed in range(25):
        bursts = _bursts(_noisy(_working(on, 1.0, 10.0, 1000), 10, seed))
        assert len(bursts) == len(on)
        errors += [burst.on / 1000 - start for burst, start in zip(bursts, on, strict=True)]
    assert abs(np.mean(errors)) < 0.015
    assert np.std(errors) < 0.010


def test_a_strong_burst_is_certain_within_a_twentieth_of_a_second() -> None:
    emg = _noisy(_working((2.0,), 1.0, 4.0, 1000), 30, 0)
    detector = BurstDetector(1000, np.ones(1))
    detector.feed(emg[:2050])
    assert [begun is not None for begun in detector.begun] == [True]
    (burst,) = detector.feed(emg[2050:])
    assert 2000 < burst.decided <= 2050
    assert [begun is not None for begun in detector.begun] == [False]


def test_a_slow_rise_is_dated_back_to_its_beginning() -> None:
    for seed in range(8):
        (burst,) = _bursts(_noisy(_working((2.0,), 2.0, 5.0, 1000, rise_s=0.3), 20, seed), floor=1.0)
        assert abs(burst.on - 2000) < 80
        assert burst.on < burst.decided < 2300


def test_bursts_that_follow_closely_are_looked_up_no_further_back_than_the_turn_before() -> None:
    on = tuple(np.arange(1.0, 9.0, 0.5))
    detector = BurstDetector(1000, np.ones(1))
    emg = _noisy(_working(on, 0.2, 10.0, 1000), 20, 6)
    bursts = detector.feed(emg)
    assert [burst.on / 1000 for burst in bursts] == pytest.approx(on, abs=0.03)
    assert all(before.off <= burst.on for before, burst in itertools.pairwise(bursts))
    single = BurstDetector(1000, np.ones(1))
    assert [burst for sample in emg for burst in single.feed(sample[None])] == bursts


def test_a_burst_that_still_runs_at_the_end_ends_there() -> None:
    detector = BurstDetector(1000, np.ones(1), first_index=7000)
    assert detector.feed(_noisy(_working((1.0,), 5.0, 2.0, 1000), 20, 0)) == []
    (burst,) = detector.finish()
    assert burst.on == pytest.approx(8000, abs=15)
    assert burst.off == 9000
    assert not any(detector.begun)


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0])
def test_half_an_hour_of_rest_gives_no_bursts(rate_hz: float) -> None:
    noise = np.random.default_rng(5).standard_normal((round(30 * 60 * rate_hz), 1))
    assert _bursts(noise, rate_hz, floor=float(_rms_500ms(_filtered(noise[:5000], rate_hz), rate_hz).mean())) == []


def _beats(t_s: Floats, per_minute: float, amplitude: float, width_s: float) -> Floats:
    """Heart beats: P, Q, R, S and T as bells; `width_s` is that of Q to S, at their feet."""
    since_s = t_s % (60 / per_minute) - 0.3
    bells = (
        (-0.16, 0.12, 0.022),
        (-0.28 * width_s, -0.15, width_s / 10),
        (0, 1, width_s / 8),
        (0.3 * width_s, -0.3, width_s / 8),
    )
    parts = [height * np.exp(-0.5 * ((since_s - at) / sigma) ** 2) for at, height, sigma in (*bells, (0.28, 0.25, 0.045))]
    beats: Floats = amplitude * np.sum(parts, axis=0)
    return beats


def _swings(t_s: Floats, hz: float, lasts_s: float, amplitude: float) -> Floats:
    """A cable that is pushed every 3 s, and swings from rest."""
    since_s = t_s % 3
    swings: Floats = amplitude * np.sin(2 * np.pi * hz * since_s) * np.exp(-since_s / lasts_s)
    return swings


def _hum(t_s: Floats, hz: float, amplitude: float) -> Floats:
    """Mains with its third and fifth harmonic."""
    turn = 2 * np.pi * hz * t_s
    hum: Floats = amplitude * (np.sin(turn) + 0.25 * np.sin(3 * turn + 1) + 0.12 * np.sin(5 * turn + 2))
    return hum


_ARTEFACTS: dict[str, Callable[[Floats], Floats]] = {
    "heart": lambda t_s: _beats(t_s, 75, 300, 0.08),
    "strong slow heart": lambda t_s: _beats(t_s, 50, 2000, 0.11),
    "strong quick heart": lambda t_s: _beats(t_s, 110, 1000, 0.06),
    "mains of Europe": lambda t_s: _hum(t_s, 50.03, 100),
    "mains of America": lambda t_s: _hum(t_s, 59.97, 100),
    "mains switched on": lambda t_s: _hum(t_s, 50.03, 100) * (t_s > 30),
    "mains switched on and off": lambda t_s: _hum(t_s, 59.97, 30) * (t_s % 8 > 4),
    "mains that comes and goes": lambda t_s: _hum(t_s, 50, 50) * (1 + 0.9 * np.sin(2 * np.pi * 0.7 * t_s)),
    "slow swing": lambda t_s: _swings(t_s, 2, 0.5, 5000),
    "quick swing": lambda t_s: _swings(t_s, 9, 0.3, 1000),
    "walking": lambda t_s: 2000 * (np.sin(7 * t_s) + 0.5 * np.sin(14 * t_s + 1) + 0.3 * np.sin(21 * t_s + 2)),
    "steps of an electrode": lambda t_s: 3000 * np.exp(-(t_s % 3) / 0.3),
    "taps": lambda t_s: np.where(t_s % 2 < 0.005, 500.0, 0.0),
    "thumps": lambda t_s: 1000 * np.sin(2 * np.pi * 25 * (t_s % 2)) * np.exp(-(t_s % 2) / 0.02),
    "drift": lambda t_s: 1000 * np.sin(2 * np.pi * 0.4 * t_s),
}


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 2000.0])
@pytest.mark.parametrize("kind", _ARTEFACTS)
def test_artefacts_at_rest_give_no_bursts(kind: str, rate_hz: float) -> None:
    t_s = np.arange(60 * rate_hz) / rate_hz
    noise = 2.5 * np.random.default_rng(3).standard_normal(len(t_s))
    spoilt = (noise + _ARTEFACTS[kind](t_s))[:, None]
    assert _bursts(spoilt, rate_hz) == []
    assert _bursts(spoilt, rate_hz, floor=2.5) == []  # known from before the artefact


@pytest.mark.parametrize("kind", ["heart", "mains of Europe", "mains of America", "slow swing", "steps of an electrode"])
def test_work_is_found_among_artefacts(kind: str) -> None:
    on = (2.0, 5.1, 8.2, 11.3)
    emg = 2.5 * _noisy(_working(on, 1.5, 15.0, 1000), 32, 4)
    spoilt = emg + _ARTEFACTS[kind](np.arange(15_000) / 1000)[:, None]
    bursts = [burst for burst in _bursts(spoilt, floor=2.5) if burst.off - burst.on > 600]
    assert [burst.on / 1000 for burst in bursts] == pytest.approx(on, abs=0.15)


def test_emg_through_thick_fat_is_found_as_well() -> None:
    on = (2.0, 4.1, 6.3, 8.2)
    errors, decisions = [], []
    frequency = np.fft.rfftfreq(10_000, 0.001)
    spectrum = frequency / np.hypot(frequency, 30) / (1 + (frequency / 55) ** 2)  # median 55 Hz
    for seed in range(10):
        random = np.random.default_rng(seed)
        emg = np.fft.irfft(np.fft.rfft(random.standard_normal(10_000)) * spectrum)
        emg *= _working(on, 1.0, 10.0, 1000) * 5.6 / emg.std()
        bursts = _bursts((emg + random.standard_normal(10_000))[:, None])
        assert len(bursts) == len(on)
        errors += [burst.on / 1000 - start for burst, start in zip(bursts, on, strict=True)]
        decisions += [burst.decided / 1000 - start for burst, start in zip(bursts, on, strict=True)]
    assert abs(np.mean(errors)) < 0.015
    assert np.std(errors) < 0.030
    assert np.median(decisions) < 0.060


def test_what_is_too_slow_for_a_waveform_shows_its_bursts() -> None:
    rate_hz = 100
    envelope = (1 + 20 * _working((2.0, 6.0), 2.0, 10.0, rate_hz, rise_s=0.2))[:, None]
    detector = BurstDetector(rate_hz, np.ones(1))
    assert [burst.on / rate_hz for burst in detector.feed(envelope)] == pytest.approx([2.0, 6.0], abs=0.15)


def test_a_dead_channel_gives_no_bursts_and_disturbs_no_other() -> None:
    alive = _noisy(_working((1.0,), 0.5, 3.0, 1000), 20, 0)
    both = np.hstack([np.zeros_like(alive), alive])
    for dead in (0.0, np.nan):
        detector = BurstDetector(1000, np.array([dead, 1.0]), np.array([dead, 5.0]))
        assert [burst.channel for burst in detector.feed(both)] == [1]


def test_activity_far_below_the_working_level_is_no_burst() -> None:
    activation = _working((1.0,), 0.5, 5.0, 1000) + 0.1 * _working((2.5,), 1.0, 5.0, 1000)
    emg = _noisy(activation, 40, 0)
    bursts = {}
    for scale in (None, np.array([100.0])):
        detector = BurstDetector(1000, np.ones(1), scale)
        bursts[scale is None] = detector.feed(emg)
    assert len(bursts[True]) == 2
    assert len(bursts[False]) == 1


def test_the_floor_is_that_of_the_quietest_moments() -> None:
    activation = _working((2.0, 6.0), 3.0, 10.0, 1000)
    rms = _rms_500ms(_noisy(activation, 20, 2), 1000)
    assert estimate_floor(rms).item() == pytest.approx(1.0, rel=0.06)
    assert estimate_scale(rms).item() == pytest.approx(10.05, rel=0.1)


def test_without_any_signal_floor_and_scale_are_not_known() -> None:
    rms = np.array([[0.0, np.nan], [0.0, np.nan]])
    assert np.isnan(estimate_floor(rms)).all()
    assert np.isnan(estimate_scale(rms)).all()
    assert BurstDetector(1000, estimate_floor(rms), estimate_scale(rms)).feed(np.ones((500, 2))) == []


def _recording(name: str) -> tuple[list[str], Floats]:
    """Names and samples of the channels of a test recording, 1000 Hz."""
    lines = [line for line in (_DATA / name).read_text("utf-8").splitlines() if not line.startswith("#")]
    return lines[0].split(",")[1:], np.genfromtxt(lines[1:], delimiter=",")[:, 1:]


def _table(name: str) -> list[list[str]]:
    return [line.split(",") for line in (_DATA / name).read_text("utf-8").splitlines()[1:]]


@_needs_data
def test_each_step_of_a_walk_shows_a_burst_of_gluteus_medius() -> None:
    names, emg = _recording("gait_glutes_hamstrings.csv")
    column = names.index("gluteus_medius_uV")
    on_s = [burst.on / 1000 for burst in _bursts(emg) if burst.channel == column]
    assert len(on_s) == 7
    touch_downs = [float(t) for t, event in _table("gait_glutes_hamstrings_events.csv") if event == "touch_down"]
    for touch_down in touch_downs:
        assert min(abs(touch_down - on) for on in on_s) <= 0.150


@_needs_data
def test_onsets_of_the_published_simulation_are_found_within_the_budget() -> None:
    names, emg = _recording("onset_simulated.csv")
    errors_ms, decisions_ms = [], []
    for name, column in zip(names, emg.T, strict=True):
        bursts = _bursts(column[~np.isnan(column)][:, None])
        true_ms = [1000 * float(row[2]) for row in _table("onset_simulated_truth.csv") if row[0] == name]
        assert len(bursts) == len(true_ms)  # none missed, none false
        errors_ms += [burst.on - t for burst, t in zip(bursts, true_ms, strict=True)]
        decisions_ms += [burst.decided - t for burst, t in zip(bursts, true_ms, strict=True)]
    assert np.median(np.abs(errors_ms)) <= 25
    assert np.percentile(np.abs(errors_ms), 95) <= 110
    assert np.median(decisions_ms) <= 90


@_needs_data
def test_three_curls_are_three_bursts_of_biceps_femoris() -> None:
    names, emg = _recording("knee_flexion_standing.csv")
    column = names.index("biceps_femoris_mV")
    assert len([burst for burst in _bursts(emg) if burst.channel == column]) == 3


@_needs_data
def test_contractions_of_biceps_brachii_are_each_one_burst() -> None:
    _, emg = _recording("biceps_bursts_plux.csv")
    bursts = _bursts(emg)
    assert len(bursts) == 9  # its source speaks of eight; the envelope has nine peaks
    assert all(burst.off - burst.on > 500 for burst in bursts)
