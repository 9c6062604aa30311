"""Signs of tiring: the spectrum of each repetition, where it goes, what is refused, and no cut that shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal, stats
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS, mixed_items, mixed_sensors, pipeline_of
from tests.cuts import cuts_of

from gluteemg.activation.fatigue import Fatigue, FatigueMeter, RepSpectrum, Trend, fatigue, trend
from gluteemg.activation.frame import Frames
from gluteemg.activation.grid import Trace
from gluteemg.activation.rep import Rep
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.profile import Signal
from gluteemg.sensors.source import Item

RATE_HZ = 1000
RAW = Signal(kind="raw", channels=1, rate_hz=RATE_HZ, unit="uV")
Floats = NDArray[np.float64]


def _emg(seconds: float, seed: int = 0, rate_hz: float = RATE_HZ) -> Floats:
    """Noise with the spectrum of surface EMG, RMS about 1."""
    poles = -2 * np.pi * np.array([60.0, 120.0, 120.0])
    sos = signal.zpk2sos(*signal.bilinear_zpk([0.0], poles, 1.0, rate_hz))
    shaped = signal.sosfilt(sos, np.random.default_rng(seed).standard_normal(round(seconds * rate_hz)))
    return np.asarray(shaped / np.std(shaped))


def _rep(start_s: float, end_s: float) -> Rep:
    return Rep(start_s, end_s, {}, None, None, counted=True, scored=False, in_zone=None, over_floor=None)


def _frames(seconds: float, roles: Sequence[Role] = (GLUTES,), bad: tuple[float, float] | None = None) -> Frames:
    index = np.arange(round(seconds * 100) + 1)
    flags = np.zeros((len(index), len(roles)), np.uint8)
    if bad is not None:
        flags[(index >= bad[0] * 100) & (index <= bad[1] * 100), 0] = Flag.HEAVY_CLIPPED
    return replace(Frames.none(tuple(roles)), index=index, flags=flags)


def _trace(emg: Floats, role: Role = GLUTES, without: tuple[float, float] | None = None, rate_hz: float = RATE_HZ) -> Trace:
    t_s = np.arange(len(emg)) / rate_hz
    kept = np.ones(len(emg), np.bool_) if without is None else (t_s <= without[0]) | (t_s > without[1])
    return Trace(role, t_s[kept], emg[kept])


def _one(trace: Trace, frames: Frames, rep: Rep, sensor: Signal = RAW) -> RepSpectrum:
    (spectrum,) = FatigueMeter({trace.role: sensor}).feed([trace], frames, [rep])
    return spectrum


def test_a_repetition_has_the_size_and_the_spectrum_of_its_own_span() -> None:
    emg = 100 * np.random.default_rng(1).standard_normal(8000)
    emg[2000:5000] = 30 * _emg(3)
    found = _one(_trace(emg), _frames(8), _rep(2.0, 5.0))
    assert found.rms == pytest.approx(30, rel=0.01)
    assert found.median_hz == pytest.approx(94, abs=8)
    assert found.mean_hz == pytest.approx(100, abs=8)
    assert found.start_s == 2.0
    assert found.reason is None


def test_a_hole_is_left_out() -> None:
    emg = 30 * _emg(6)
    whole = _one(_trace(emg), _frames(6), _rep(1.0, 5.0))
    holed = _one(_trace(emg, without=(2.0, 2.4)), _frames(6), _rep(1.0, 5.0))
    zeroed = emg.copy()
    zeroed[2001:2401] = 1e4
    assert holed == _one(_trace(zeroed, without=(2.0, 2.4)), _frames(6), _rep(1.0, 5.0))
    assert holed != whole
    assert holed.rms is not None
    assert whole.rms is not None
    assert holed.rms == pytest.approx(whole.rms, rel=0.05)


def test_what_is_clipped_or_full_of_hum_is_left_out() -> None:
    emg = 30 * _emg(6)
    emg[2000:2300] = 1e4
    found = _one(_trace(emg), _frames(6, bad=(1.9, 2.4)), _rep(1.0, 5.0))
    assert found.rms == pytest.approx(30, rel=0.03)


def test_too_little_of_a_repetition_says_nothing() -> None:
    emg = 30 * _emg(6)
    assert _one(_trace(emg), _frames(6), _rep(1.0, 1.49)).reason == "too_short"
    assert _one(_trace(emg), _frames(6), _rep(1.0, 1.5)).reason is None
    assert _one(_trace(emg), _frames(6, bad=(1.2, 3.9)), _rep(1.0, 4.0)) == RepSpectrum(GLUTES, 1.0, reason="poor_signal")
    assert _one(_trace(emg, without=(1.2, 3.9)), _frames(6), _rep(1.0, 4.0)).reason == "poor_signal"
    assert _one(_trace(np.zeros(6000)), _frames(6), _rep(1.0, 4.0)).reason == "poor_signal"


def test_a_sensor_that_cannot_support_it_is_refused_and_keeps_nothing() -> None:
    emg = 30 * _emg(6)
    slow = RAW.model_copy(update={"rate_hz": 250.0})
    envelope = RAW.model_copy(update={"kind": "envelope"})
    assert _one(_trace(emg), _frames(6), _rep(1.0, 4.0), slow).reason == "sampling_rate"
    assert _one(_trace(emg), _frames(6), _rep(1.0, 4.0), envelope).reason == "envelope_only"
    assert fatigue([_one(_trace(emg), _frames(6), _rep(1.0, 4.0), slow)] * 10, 3.0) == Fatigue(reason="sampling_rate")


def test_at_500_hz_there_is_a_median_frequency_and_no_trend_of_it() -> None:
    sensor = RAW.model_copy(update={"rate_hz": 500.0})
    emg = signal.sosfilt(signal.butter(4, 225, fs=2000, output="sos"), 30 * _emg(6, rate_hz=2000))[::4]
    found = _one(_trace(emg, rate_hz=500), _frames(6), _rep(1.0, 4.0), sensor)
    assert found.median_hz == pytest.approx(86, abs=8)
    assert found.ln_index is None
    assert fatigue([found] * 10, 3.0) == Fatigue(reason="sampling_rate")


def test_the_rest_is_taken_off_and_a_muscle_close_to_it_is_refused() -> None:
    found = RepSpectrum(GLUTES, 1.0, rms=5.0, median_hz=90.0, mean_hz=100.0, ln_index=-30.0)
    assert found.over(1.4) == replace(found, rms=(25 - 1.4**2) ** 0.5)
    assert found.over(1.6) == RepSpectrum(GLUTES, 1.0, reason="too_noisy")
    assert found.over(None) == RepSpectrum(GLUTES, 1.0, reason="no_rest_level")
    refused = RepSpectrum(GLUTES, 1.0, reason="too_short")
    assert refused.over(None) is refused


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.floats(-5, 5) | st.integers(-3, 3).map(float), min_size=8, max_size=40))
def test_a_trend_is_that_of_theil_and_sen_as_scipy_has_it(values: list[float | None]) -> None:
    known = [i for i, v in enumerate(values) if v is not None]
    found = trend(values)
    if len(known) < 8:
        assert found is None
        return
    wanted = stats.theilslopes([values[i] for i in known], known)
    assert found is not None
    assert (found.slope, found.low, found.high) == pytest.approx(
        (wanted.slope, wanted.low_slope, wanted.high_slope), rel=1e-12, abs=1e-12
    )
    assert found.n_reps == len(known)


def test_one_odd_repetition_does_not_turn_a_trend() -> None:
    line: list[float | None] = [-0.02 * i for i in range(12)]
    line[11] = 3.0
    line[5] = None
    found = trend(line)
    assert found is not None
    assert found.slope == pytest.approx(-0.02)
    assert found.direction == -1
    assert found.percent[0] == pytest.approx(-1.98, abs=0.01)


@pytest.mark.parametrize(
    ("rms", "hz", "quadrant"),
    [
        (0.02, -0.02, "fatigue"),
        (0.02, 0.02, "more_force"),
        (-0.02, -0.02, "less_force"),
        (-0.02, 0.02, "recovery"),
        (0.0, -0.02, None),
        (0.02, 0.0, None),
    ],
)
def test_amplitude_and_frequency_together_tell_what_happens(rms: float, hz: float, quadrant: str | None) -> None:
    noise = 0.02 * np.random.default_rng(4).standard_normal((2, 12))
    reps = [
        RepSpectrum(GLUTES, float(i), 50 * np.exp(rms * i + noise[0, i]), 90 * np.exp(hz * i + noise[1, i]), 100.0, -30.0)
        for i in range(12)
    ]
    assert fatigue(reps, 2.0).quadrant == quadrant


def test_a_set_is_refused_for_what_most_of_it_lacks() -> None:
    good = RepSpectrum(GLUTES, 1.0, rms=50.0, median_hz=90.0, mean_hz=100.0, ln_index=-30.0)
    quiet = replace(good, rms=5.0)
    assert fatigue([good] * 7, 3.0) == Fatigue(reason="too_few_reps")
    assert fatigue([], 3.0) == Fatigue(reason="too_few_reps")
    assert fatigue([quiet] * 9 + [good] * 3, 3.0) == Fatigue(reason="too_noisy")
    assert fatigue([quiet] * 3 + [good] * 7, 3.0) == Fatigue(reason="too_few_reps")
    assert fatigue([good] * 9, None) == Fatigue(reason="no_rest_level")
    assert fatigue([quiet] * 3 + [good] * 8, 3.0).reason is None


def test_hamstrings_that_take_over_show_in_the_ratio_of_the_repetitions() -> None:
    noise = 0.06 * np.random.default_rng(2).standard_normal(15)
    steady, taken = trend(noise.tolist()), trend((noise - 0.04 * np.arange(15)).tolist())
    assert steady is not None
    assert taken is not None
    assert (steady.direction, taken.direction) == (0, -1)
    assert taken.slope == pytest.approx(-0.04, abs=0.01)


def _tiring(reps: int, period_s: float, fall_hz: float, rise: float) -> tuple[Trace, list[Rep]]:
    """Work of 3 s now and then, by a waveform that gets slower by `fall_hz` a second and stronger by `rise` a repetition."""
    seconds, finer = reps * period_s + 1, 8
    wide, t_s = _emg(seconds + 1, 3, finer * RATE_HZ), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    stretched_s = t_s - fall_hz / 93.5 * t_s**2 / 2
    emg = np.interp(stretched_s * finer * RATE_HZ, np.arange(len(wide)), wide)
    number, into_s = np.divmod(t_s, period_s)
    level = np.where(into_s < 3, 30 * np.exp(rise * number), 0)
    rest = 2 * np.random.default_rng(5).standard_normal(len(t_s))
    return Trace(GLUTES, t_s, emg * level + rest), [_rep(k * period_s, k * period_s + 3) for k in range(reps)]


def test_a_muscle_whose_spectrum_falls_by_0_15_hz_a_second_tires_at_that_pace() -> None:
    trace, reps = _tiring(80, 4.0, 0.15, 0.01)
    spectra = FatigueMeter({GLUTES: RAW}).feed([trace], _frames(321), reps)
    medians = trend([s.median_hz for s in spectra])
    assert medians is not None
    assert medians.slope / 4.0 == pytest.approx(-0.15, rel=0.08)
    found = fatigue(spectra, 2.0)
    assert found.quadrant == "fatigue"
    assert found.rms is not None
    assert found.rms.percent[0] == pytest.approx(1.0, abs=0.3)
    assert found.fatigue_index is not None
    assert found.fatigue_index.direction == 1


def test_a_muscle_that_does_not_tire_stays_within_the_noise() -> None:
    trace, reps = _tiring(12, 4.0, 0.0, 0.0)
    found = fatigue(FatigueMeter({GLUTES: RAW}).feed([trace], _frames(49), reps), 2.0)
    assert isinstance(found.median_frequency, Trend)
    assert found.median_frequency.direction == 0
    assert found.quadrant is None


def test_muscles_on_sensors_of_different_rates_are_told_beside_each_other() -> None:
    sensors = {
        GLUTES: RAW,
        HAMSTRINGS: RAW.model_copy(update={"rate_hz": 2000.0}),
        MEDIUS: RAW.model_copy(update={"rate_hz": 250.0}),
    }
    traces = [_trace(30 * _emg(6, 1)), _trace(30 * _emg(6, 2, 2000), HAMSTRINGS, rate_hz=2000), _trace(_emg(6), MEDIUS)]
    told = FatigueMeter(sensors).feed(traces, _frames(6, (MEDIUS, HAMSTRINGS, GLUTES)), [_rep(1, 3), _rep(3, 5)])
    assert [s.role for s in told] == [GLUTES, HAMSTRINGS, MEDIUS] * 2
    assert [s.reason for s in told] == [None, None, "sampling_rate"] * 2
    assert [s.start_s for s in told] == [1.0] * 3 + [3.0] * 3


def test_memory_does_not_grow_while_nobody_moves() -> None:
    meter, frames = FatigueMeter({GLUTES: RAW}), _frames(9.99)
    for block in range(30):
        moved = replace(frames, index=frames.index + 1000 * block)
        meter.feed([Trace(GLUTES, 10 * block + np.arange(10_000) / RATE_HZ, np.ones(10_000))], moved, [])
    assert len(meter._muscles[GLUTES].emg._pieces) <= 4
    assert len(meter._flags._pieces) <= 4


def _piecewise(cuts: Sequence[slice]) -> list[RepSpectrum]:
    """Twelve seconds with a hole and a bad stretch, given in pieces: instants close and repetitions are decided on the way."""
    trace, frames = _trace(30 * _emg(12), without=(2.0, 2.4)), _frames(12, bad=(6.0, 6.3))
    meter, told, closed = FatigueMeter({GLUTES: RAW}), [], 0
    for cut in cuts:
        piece = Trace(GLUTES, trace.t_s[cut], trace.emg[cut])
        now = closed if not len(piece.t_s) else int(piece.t_s[-1] * 100) + 1
        reps = [rep for rep in (_rep(1, 4), _rep(5, 8), _rep(9, 11)) if closed <= round(rep.end_s * 100) + 40 < now]
        new = replace(Frames.none((GLUTES,)), index=frames.index[closed:now], flags=frames.flags[closed:now])
        told += meter.feed([piece], new, reps)
        closed = now
    return told


@settings(max_examples=40, deadline=None)
@given(cuts_of(11_600, 40))
def test_any_cut_of_a_trace_gives_the_same_spectra(cuts: list[slice]) -> None:
    whole = _piecewise([slice(None)])
    assert len(whole) == 3
    assert _piecewise(cuts) == whole


@cache
def _mixed() -> tuple[Item, ...]:
    return tuple(mixed_items(3))


def _session(cuts: Sequence[slice]) -> list[RepSpectrum]:
    sensors = mixed_sensors()
    pipeline = pipeline_of(sensors)
    meter = FatigueMeter({role: s.profile.signal for s in sensors for role in s.roles})
    told = []
    for cut in cuts:
        for update in pipeline.updates(_mixed()[cut]):
            told += meter.feed(update.traces, update.frames, update.reps)
    return told


@cache
def _whole_session() -> list[RepSpectrum]:
    return _session([slice(None)])


def test_a_session_with_losses_and_stalls_is_told_of() -> None:
    assert {s.role.side for s in _whole_session() if s.median_hz is not None} == {"left", "right"}


@settings(max_examples=5, deadline=None)
@given(cuts_of(len(_mixed()), 30))
def test_any_cut_of_a_session_gives_the_same_spectra(cuts: list[slice]) -> None:
    assert _session(cuts) == _whole_session()


@pytest.mark.parametrize("size", [9, 50])
def test_items_of_one_number_give_the_same_spectra(size: int) -> None:
    assert _session([slice(k, k + size) for k in range(0, len(_mixed()), size)]) == _whole_session()
