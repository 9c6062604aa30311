"""Flags: each trouble raises its own within its time, clean EMG raises none, and they go away again."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from tests.cuts import assert_same, cuts_of

from gluteemg.muscles import Role
from gluteemg.processing.levels import FloorWatch, level_flag
from gluteemg.processing.quality import (
    BLOCK_S,
    ENVELOPE,
    SPARSE,
    WAVEFORM,
    Converter,
    Flag,
    Judgement,
    QualityMonitor,
)
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import SimulatedSensor

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "data"
RATE_HZ = 1000.0
RATES_HZ = (200.0, 250.0, 500.0, 1000.0, 1116.0, 2000.0)
STEP_UV = 2.75
CONVERTER = Converter(low=-8000 * STEP_UV, high=8383 * STEP_UV, step=STEP_UV)
Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]


def _emg(seconds: float, rms_uv: float = 60.0, seed: int = 0, rate_hz: float = RATE_HZ) -> Floats:
    """Noise with a spectrum like that of muscle, shape (n, 1), in whole steps of the converter."""
    random = np.random.default_rng(seed)
    sos = signal.butter(2, [40, min(180, 0.4 * rate_hz)], "bandpass", fs=rate_hz, output="sos")
    noise = signal.sosfilt(sos, random.standard_normal(round(seconds * rate_hz) + 500))[500:]
    emg: Floats = STEP_UV * np.rint(noise / noise.std() * rms_uv / STEP_UV)[:, np.newaxis]
    return emg


def _hum(n: int, rms_uv: float, hz: float, rate_hz: float = RATE_HZ) -> Floats:
    hum: Floats = np.sqrt(2) * rms_uv * np.sin(2 * np.pi * hz * np.arange(n) / rate_hz)[:, np.newaxis]
    return hum


def _swing(n: int, at_s: float, peak_uv: float, hz: float, rate_hz: float = RATE_HZ) -> Floats:
    """A cable that swings out, shape (n, 1): damped within 0.15 s."""
    since_s = np.arange(n) / rate_hz - at_s
    swing = peak_uv * np.sin(2 * np.pi * hz * since_s) * np.exp(-np.maximum(since_s, 0) / 0.15)
    return np.where(since_s >= 0, swing, 0.0)[:, np.newaxis]


def _worker(scenario: str, muscle: str, seed: int, rate_hz: float, seconds: float) -> Floats:
    """EMG of a simulated person at work, shape (n, 1), in whole steps of the converter."""
    text = (ROOT / "firmware_profiles" / "umyo-gatt.toml").read_text("utf-8")
    profile = FirmwareProfile.parse(text, "umyo-gatt")
    sensor = SimulatedSensor(muscle, profile, [Role(muscle, "left")], Person(SCENARIOS[scenario], seed), rate_hz=rate_hz)
    emg: Floats = STEP_UV * np.rint(sensor.emg(0, int(seconds * rate_hz)) / STEP_UV)
    return emg


def _judge(
    emg: Floats, index: NDArray[np.int64] | None = None, rate_hz: float = RATE_HZ, converter: Converter = CONVERTER
) -> Judgement:
    """Judge samples in one call; without an index nothing is missing."""
    index = np.arange(len(emg)) if index is None else index
    return QualityMonitor(rate_hz, emg.shape[1], converter)(index, emg)


def _flags(emg: Floats, index: NDArray[np.int64] | None = None, rate_hz: float = RATE_HZ) -> Flags:
    return _judge(emg, index, rate_hz).at(np.arange(len(emg)) if index is None else index)


def _raised_s(flags: Flags, *wanted: Flag) -> float:
    """When one of some flags is first up, in seconds."""
    found = np.flatnonzero(np.isin(flags[:, 0], wanted))
    assert len(found), f"{wanted} was never raised"
    return float(found[0] / RATE_HZ)


def _last_s(flags: Flags, *wanted: Flag) -> float:
    """When one of some flags is last up, in seconds."""
    return float(np.flatnonzero(np.isin(flags[:, 0], wanted))[-1] / RATE_HZ)


# The chunk law


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(RATES_HZ),
    st.integers(1, 3),
    st.integers(0, 8000),
    st.floats(0, 0.3),
    st.lists(st.tuples(st.integers(0, 5000), st.one_of(st.integers(1, 3000), st.integers(9000, 50_000))), max_size=3),
    st.sampled_from([WAVEFORM, ENVELOPE]),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_any_cut_gives_the_same_flags_and_the_same_hum(
    rate_hz: float,
    n_channels: int,
    n: int,
    loss: float,
    holes: list[tuple[int, int]],
    judged: frozenset[Flag],
    seed: int,
    data: st.DataObject,
) -> None:
    random = np.random.default_rng(seed)
    emg = 10 * random.standard_normal((n, n_channels)) + random.choice([0, 1, 2, 5]) * _hum(n, 10, 50, rate_hz)
    emg += random.choice([0, 1]) * _swing(n, n / 5 / rate_hz, 500, 4, rate_hz)
    emg[n // 3 : n // 2] = 0.0  # flat for a while
    emg[n // 2 : n // 2 + 40] = CONVERTER.high  # and clipped
    emg[9 * n // 10 :] += 12_000  # and a step
    index = int(random.integers(0, 10_000)) + np.arange(n)
    for at, length in holes:
        index[at:] += length
    kept = random.random(n) >= loss
    emg, index = emg[kept], index[kept]
    one = QualityMonitor(rate_hz, n_channels, CONVERTER, judged)
    whole = one(index, emg)
    other = QualityMonitor(rate_hz, n_channels, CONVERTER, judged)
    parts = [(index[p], other(index[p], emg[p])) for p in data.draw(cuts_of(len(index)))]
    assert_same(np.concatenate([judgement.at(i) for i, judgement in parts]), whole.at(index))
    assert_same(np.concatenate([judgement.line_at(i) for i, judgement in parts]), whole.line_at(index))
    assert one.loss == other.loss


@pytest.mark.parametrize("hole", [9800, 10_050, 10_300, 60_000])
def test_a_hole_longer_than_the_memory_of_losses_begins_anew_wherever_it_is_cut(hole: int) -> None:
    emg = np.ones((3000, 1))
    for at in (1000, 1100, 1249, 1250):
        index = np.arange(3000) + hole * (np.arange(3000) >= at)
        monitor = QualityMonitor(RATE_HZ, 1, CONVERTER)
        parts = [monitor(index[p], emg[p]).at(index[p]) for p in (slice(at), slice(at, 3000))]
        assert_same(np.concatenate(parts), _flags(emg, index))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2**32 - 1), st.integers(1, 97))
@example(n_channels=1, seed=0, size=1)
def test_small_packets_give_the_same_flags_as_one_block(n_channels: int, seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    emg = 30 * random.standard_normal((6000, n_channels)) + _hum(6000, float(random.uniform(5, 20)), 50)
    index = np.arange(6000)
    monitor = QualityMonitor(RATE_HZ, n_channels, CONVERTER)
    cuts = [slice(i, i + size) for i in range(0, 6000, size)]
    parts = [(index[p], monitor(index[p], emg[p])) for p in cuts]
    whole = _judge(emg)
    assert_same(np.concatenate([judgement.at(i) for i, judgement in parts]), whole.at(index))
    assert_same(np.concatenate([judgement.line_at(i) for i, judgement in parts]), whole.line_at(index))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3999))
def test_a_flag_depends_on_the_past_alone(seed: int, at: int) -> None:
    emg = _emg(4, seed=seed % 1000)
    changed = emg.copy()
    changed[at:] = CONVERTER.high
    assert_same(_flags(changed)[: at + 1], _flags(emg)[: at + 1])


def test_what_was_given_may_be_written_over_afterwards() -> None:
    emg, buffer = _emg(3) + _hum(3000, 40, 50), np.empty((20, 1))
    monitor, parts = QualityMonitor(RATE_HZ, 1, CONVERTER), []
    for start in range(0, 3000, 20):
        buffer[:] = emg[start : start + 20]
        index = np.arange(start, start + 20)
        parts.append(monitor(index, buffer).at(index).copy())
        buffer[:] = CONVERTER.high
    assert_same(np.concatenate(parts), _flags(emg))


def test_no_samples_carry_no_flags() -> None:
    judgement = QualityMonitor(RATE_HZ, 2, CONVERTER)(np.empty(0, np.int64), np.empty((0, 2)))
    assert judgement.at(np.empty(0, np.int64)).shape == (0, 2)
    assert not judgement.hums


# Nothing without cause


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_clean_emg_raises_nothing(rate_hz: float) -> None:
    for seed in range(20):
        emg = np.hstack([_emg(20, rms, seed, rate_hz) for rms in (3, 60, 200)])
        judgement = _judge(emg, rate_hz=rate_hz)
        assert (judgement.flags[:, 1:] <= Flag.MAINS if rate_hz < 250 else judgement.flags == Flag.GOOD).all()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_simulated_person_at_work_raises_nothing(scenario: str, rate_hz: float) -> None:
    """The hardest case for mains and motion: bursts, their sharp beginnings, and a share of the power near 50 and 60 Hz."""
    for seed, muscle in enumerate(("gluteus_maximus", "hamstrings")):
        judgement = _judge(_worker(scenario, muscle, seed, rate_hz, 60), rate_hz=rate_hz)
        assert (judgement.flags == Flag.GOOD).all()
        assert not judgement.hums


@pytest.mark.parametrize(
    ("file", "columns", "to_uv"),
    [
        ("gait_glutes_hamstrings.csv", slice(1, 5), 1),
        ("knee_flexion_standing.csv", slice(2, 5), 1000),  # the first, rectus femoris, has artefacts
        ("biceps_bursts_plux.csv", slice(1, 2), 1000),
    ],
)
def test_real_recordings_of_good_quality_raise_nothing(file: str, columns: slice, to_uv: float) -> None:
    if not (RECORDINGS / file).exists():
        pytest.skip("needs the recordings")
    lines = [line for line in (RECORDINGS / file).read_text("utf-8").splitlines() if not line.startswith("#")]
    emg = to_uv * np.array(list(csv.reader(lines))[1:], np.float64)[:, columns]
    assert (_judge(emg, converter=Converter(None, None, 0.0)).flags == Flag.GOOD).all()


def test_a_quiet_muscle_raises_nothing() -> None:
    for seed in range(20):
        assert (_flags(_emg(10, rms_uv=3, seed=seed)) == Flag.GOOD).all()


# Flat


@pytest.mark.parametrize("level_uv", [5 * STEP_UV, -3e6 * STEP_UV])
def test_a_signal_that_does_not_move_is_flat_within_half_a_second_and_good_again_after(level_uv: float) -> None:
    emg = np.concatenate((_emg(3), np.full((2000, 1), 0.0), _emg(3))) + level_uv
    flags = _judge(emg, converter=Converter(None, None, STEP_UV)).at(np.arange(len(emg)))
    assert 3.0 <= _raised_s(flags, Flag.FLAT) <= 3.0 + 2 * BLOCK_S
    assert (flags[:3000] == Flag.GOOD).all()
    assert (flags[5500:] != Flag.FLAT).all()


def test_a_last_bit_that_toggles_is_flat_and_one_step_more_is_not() -> None:
    bits = STEP_UV * np.random.default_rng(0).integers(0, 2, (3000, 1)).astype(np.float64)
    assert (_flags(bits)[300:] == Flag.FLAT).all()
    assert (_flags(2 * bits) == Flag.GOOD).all()


def test_a_flat_channel_says_nothing_about_its_neighbour() -> None:
    flags = _flags(np.hstack((_emg(3), np.zeros((3000, 1)))))
    assert (flags[:, 0] == Flag.GOOD).all()
    assert (flags[500:, 1] == Flag.FLAT).all()


# Clipping


def test_three_samples_at_the_end_of_the_converter_are_clipping_and_two_are_not() -> None:
    assert CONVERTER.low is not None
    for count, flag in ((2, Flag.GOOD), (3, Flag.CLIPPED)):
        emg = _emg(4) * 300
        np.clip(emg, CONVERTER.low + STEP_UV, CONVERTER.high - STEP_UV if CONVERTER.high else None, out=emg)
        emg[1100 : 1100 + count] = CONVERTER.low
        flags = _flags(emg)
        assert flags[1251, 0] == flag
        assert (flags[2251:] == Flag.GOOD).all()


def test_more_than_half_a_percent_of_a_second_is_heavy_clipping() -> None:
    emg = _emg(4) * 100
    emg[1100:1106] = CONVERTER.high
    flags = _flags(emg)
    assert _raised_s(flags, Flag.HEAVY_CLIPPED) <= 1.25
    assert (flags[2300:] == Flag.GOOD).all()


def test_what_was_lost_between_two_clipped_samples_is_not_clipping() -> None:
    emg, index = _emg(4), np.arange(4000)
    emg[1100:1140] = CONVERTER.high
    kept = (index <= 1100) | (index >= 1139)
    assert Flag.CLIPPED not in _flags(emg[kept], index[kept])
    assert Flag.HEAVY_CLIPPED not in _flags(emg[kept], index[kept])


def test_a_sensor_whose_ends_are_not_known_never_clips_and_never_steps() -> None:
    emg = _emg(3)
    emg[1000:1200] = 1e6
    emg[2000:] += 1e9
    flags = _judge(emg, converter=Converter(None, None, 0.0)).flags
    assert not np.isin(flags, (Flag.CLIPPED, Flag.HEAVY_CLIPPED, Flag.CONTACT)).any()


# Contact


@pytest.mark.parametrize("at", [3000, 3060, 3125, 3249])
def test_a_step_of_more_than_half_the_range_is_lost_contact_for_about_a_second(at: int) -> None:
    emg = _emg(7) - 6000.0
    emg[at:] += 24_000.0
    flags = _flags(emg)
    assert at / RATE_HZ <= _raised_s(flags, Flag.CONTACT) <= at / RATE_HZ + 0.5
    assert 1.0 <= _last_s(flags, Flag.CONTACT) - at / RATE_HZ <= 1.8
    assert (flags[at + 2000 :] == Flag.GOOD).all()


def test_a_smaller_step_is_no_lost_contact() -> None:
    emg = _emg(7)
    emg[3000:] += 20_000.0
    assert Flag.CONTACT not in _flags(emg)


# Mains


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize(("part", "flag"), [(0.10, Flag.MAINS), (0.40, Flag.HEAVY_MAINS)])
def test_mains_shows_within_five_seconds_and_goes_away_again(mains_hz: float, part: float, flag: Flag) -> None:
    for seed in range(5):
        emg = _emg(20, seed=seed)
        emg[3000:12_000] += _hum(9000, 60 * np.sqrt(part / (1 - part)), mains_hz)
        flags = _flags(emg)[:, 0]
        assert (flags[:3000] == Flag.GOOD).all()
        assert _raised_s(flags[:, np.newaxis], Flag.MAINS, Flag.HEAVY_MAINS) <= 8.3
        assert (flags[8500:12_000] == flag).all()
        assert (flags[17_500:] == Flag.GOOD).all()


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_heavy_hum_shows_at_every_rate_and_asks_for_the_notch(rate_hz: float, mains_hz: float) -> None:
    emg = _emg(9, rate_hz=rate_hz)
    judgement = _judge(emg + _hum(len(emg), 60, mains_hz, rate_hz), rate_hz=rate_hz)
    assert judgement.flags[-1, 0] == Flag.HEAVY_MAINS
    assert judgement.line_hz[-1, 0] == mains_hz


def test_hum_of_a_quiet_muscle_is_not_worth_a_word() -> None:
    judgement = _judge(_emg(8, rms_uv=3) + _hum(8000, 3, 50))
    assert (judgement.flags == Flag.GOOD).all()
    assert not judgement.hums


def test_losing_packets_does_not_hide_the_hum() -> None:
    random = np.random.default_rng(0)
    index = np.arange(20_000)
    index = index[np.repeat(random.random(1000) > 0.03, 20)]  # packets of 20 ms
    emg = (_emg(20) + _hum(20_000, 60, 50))[index]
    monitor = QualityMonitor(RATE_HZ, 1, CONVERTER, WAVEFORM - {Flag.LOSS, Flag.HEAVY_LOSS})
    assert (monitor(index, emg).at(index)[index > 6000] == Flag.HEAVY_MAINS).all()


def test_hum_that_only_the_pauses_show_never_mutes_the_work() -> None:
    emg = _worker("glute-led", "hamstrings", 0, RATE_HZ, 60) + _hum(60_000, 8, 50)
    flags = _flags(emg)[:, 0]
    assert (flags[20_000:] < Flag.HEAVY_LOSS).all()


def test_the_notch_stays_through_work_that_hides_the_hum_and_goes_with_the_hum() -> None:
    emg = np.concatenate((_emg(10, rms_uv=2), _worker("shared", "hamstrings", 0, RATE_HZ, 70)[10_000:]))
    emg[:40_000] += _hum(40_000, 7, 50)
    judgement = _judge(emg)
    hum = judgement.line_at(np.arange(len(emg)))[:, 0]
    assert hum[5000:40_000].all()
    assert not hum[46_000:].any()
    assert (judgement.at(np.arange(len(emg)))[16_000:40_000] <= Flag.MAINS).all()  # its share is far below


def test_the_notch_asked_for_at_five_percent_stays_at_three() -> None:
    emg = _emg(60)
    emg[:20_000] += _hum(20_000, 60 * np.sqrt(0.15), 50)
    emg[20_000:40_000] += _hum(20_000, 60 * np.sqrt(0.04), 50)
    hum = _judge(emg).line_at(np.arange(60_000))[:, 0]
    assert hum[6000:40_000].all()
    assert not hum[50_000:].all()
    assert not _judge(_emg(20) + _hum(20_000, 60 * np.sqrt(0.025), 50)).hums


def test_a_slow_sensor_asks_for_the_notch_above_twenty_percent_only() -> None:
    emg = np.concatenate([_emg(1, rms, seed, 250.0) for seed in range(15) for rms in (60, 3)])
    some = _judge(emg + _hum(len(emg), 16, 50, 250.0), rate_hz=250.0)
    much = _judge(emg + _hum(len(emg), 40, 50, 250.0), rate_hz=250.0)
    assert some.flags[-1, 0] == Flag.MAINS
    assert not some.hums
    assert much.line_hz[-1, 0] == 50


# Motion


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("hz", [3, 5, 8])
@pytest.mark.parametrize("peak_uv", [300, 1000, 5000])
def test_a_swinging_cable_mutes_within_half_a_second_and_releases_soon_after(peak_uv: float, hz: float, rate_hz: float) -> None:
    quiet = 2.5 * np.random.default_rng(0).standard_normal((round(8 * rate_hz), 1))
    for at_s in (4.0, 4.1, 4.2):
        judgement = _judge(quiet + _swing(len(quiet), at_s, peak_uv, hz, rate_hz), rate_hz=rate_hz)
        up_s = judgement.since[judgement.flags[:, 0] == Flag.HEAVY_MOTION] / rate_hz
        down_s = judgement.since[judgement.flags[:, 0] >= Flag.MOTION][-1] / rate_hz + 0.28
        assert at_s <= up_s[0] <= at_s + 0.5
        assert down_s <= at_s + 2.2  # the swing itself takes up to a second to fall below 20 µV
        assert (judgement.flags[judgement.since < at_s * rate_hz] == Flag.GOOD).all()


def test_a_large_swing_within_work_is_motion_too() -> None:
    emg = _emg(6) + _swing(6000, 3.1, 2000, 4)
    assert 3.1 <= _raised_s(_flags(emg), Flag.HEAVY_MOTION) <= 3.6


def test_a_small_swing_within_work_is_no_motion() -> None:
    assert (_flags(_emg(6) + _swing(6000, 3.1, 60, 4)) == Flag.GOOD).all()


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("drift", ["electrode", "breathing", "offset"])
def test_a_slow_drift_is_no_motion(drift: str, rate_hz: float) -> None:
    t_s = np.arange(round(10 * rate_hz))[:, np.newaxis] / rate_hz
    slow = {"electrode": 100 * t_s, "breathing": 200 * np.sin(2 * np.pi * 0.3 * t_s), "offset": 9000 + 0 * t_s}[drift]
    quiet = 2.5 * np.random.default_rng(0).standard_normal(t_s.shape)
    assert (_judge(quiet + slow, rate_hz=rate_hz).flags == Flag.GOOD).all()


def test_work_that_begins_at_once_is_no_motion() -> None:
    at_work = (np.arange(30_000) % 2357 > 1100)[:, np.newaxis]
    assert (_flags(_emg(30, 200) * at_work + _emg(30, 3, seed=1)) == Flag.GOOD).all()


# Loss


@pytest.mark.parametrize(("every", "flag"), [(100, Flag.LOSS), (20, Flag.HEAVY_LOSS)])
def test_loss_shows_within_ten_seconds_and_goes_away_again(every: int, flag: Flag) -> None:
    emg, index = _emg(40), np.arange(40_000)
    lost = (index >= 5000) & (index < 20_000) & (index // 10 % every == 0)  # ten samples at a time
    flags = _flags(emg[~lost], index[~lost])[:, 0]
    at = index[~lost]
    assert (flags[at < 5000] == Flag.GOOD).all()
    assert (flags[(at >= 15_500) & (at < 20_000)] == flag).all()
    assert (flags[at >= 30_500] == Flag.GOOD).all()


def test_the_loss_is_the_share_that_is_missing() -> None:
    index = np.arange(20_000)
    index = index[index % 50 >= 5]
    monitor = QualityMonitor(RATE_HZ, 1, CONVERTER)
    assert monitor.loss == 0
    monitor(index, _emg(20)[index])
    assert monitor.loss == pytest.approx(0.1)
    monitor.reset()
    assert monitor.loss == 0


def test_starting_in_the_middle_of_a_block_is_not_a_loss() -> None:
    assert (_flags(_emg(12), np.arange(12_000) + 777) == Flag.GOOD).all()


def test_a_sensor_of_envelopes_is_judged_for_loss_and_clipping_alone() -> None:
    still = np.full((5000, 1), 4.0)
    still[2500:] = CONVERTER.high
    for judged in (ENVELOPE, SPARSE):
        judgement = QualityMonitor(50.0, 1, CONVERTER, judged)(np.arange(0, 10_000, 2), still)
        loss = Flag.HEAVY_LOSS if judged is ENVELOPE else Flag.GOOD
        assert set(np.unique(judgement.flags).tolist()) <= {Flag.GOOD, Flag.LOSS, loss, Flag.HEAVY_CLIPPED}
        assert judgement.flags[-1, 0] == Flag.HEAVY_CLIPPED


# What a calibration tells


@pytest.mark.parametrize(
    ("floor", "reference", "unit", "flag"),
    [
        (2.5, 60.0, "uV", Flag.GOOD),
        (2.5, None, "uV", Flag.GOOD),
        (4.9, 49.1, "uV", Flag.GOOD),
        (6.0, 100.0, "uV", Flag.NOISY_REST),
        (12.0, None, "uV", Flag.NOISY_REST),
        (12.0, 200.0, "counts", Flag.GOOD),
        (2.0, 19.0, "uV", Flag.LOW_SNR),
        (6.0, 13.0, "uV", Flag.LOW_SNR),
        (2.0, 4.1, "counts", Flag.LOW_SNR),
        (2.0, 3.9, "uV", Flag.NO_SNR),
        (0.0, 10.0, "counts", Flag.GOOD),
        (float("nan"), float("nan"), "uV", Flag.GOOD),
    ],
)
def test_the_levels_of_a_calibration_tell_how_far_it_carries(
    floor: float, reference: float | None, unit: str, flag: Flag
) -> None:
    assert level_flag(floor, reference, unit) == flag


def _envelope(seconds: float, low: float, high: float) -> Floats:
    """Work and pauses of two seconds each on the grid, shape (n, 1)."""
    return np.where(np.arange(round(100 * seconds)) % 400 < 200, low, high)[:, np.newaxis]


def test_a_floor_that_rose_threefold_shows_within_half_a_minute_and_goes_away_at_once() -> None:
    envelope = np.concatenate((_envelope(60, 2.5, 40), _envelope(60, 8.0, 40), _envelope(20, 2.5, 40)))
    risen = FloorWatch(np.array([2.5]))(np.arange(len(envelope)), envelope)[:, 0]
    assert not risen[:6000].any()
    assert 60 + 25 <= np.flatnonzero(risen)[0] / 100 <= 60 + 31
    assert risen[9100:12_000].all()
    assert not risen[12_300:].any()


def test_a_floor_that_doubled_is_let_be() -> None:
    envelope = _envelope(90, 5.0, 40)
    assert not FloorWatch(np.array([2.5]))(np.arange(9000), envelope).any()


def test_a_floor_is_not_judged_before_thirty_seconds_were_heard() -> None:
    envelope = np.full((10_000, 2), 20.0)
    envelope[1000:4000, 1] = np.nan  # half a minute out of reach
    risen = FloorWatch(np.array([2.5, 2.5]))(np.arange(10_000), envelope)
    assert np.flatnonzero(risen[:, 0])[0] == 3000
    assert np.flatnonzero(risen[:, 1])[0] == 6000


@pytest.mark.parametrize("floor", [0.0, np.nan])
def test_without_a_floor_nothing_rises(floor: float) -> None:
    assert not FloorWatch(np.array([floor]))(np.arange(9000), np.full((9000, 1), 20.0)).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 12_000), st.integers(0, 500), st.integers(0, 2**32 - 1), st.data())
def test_any_cut_gives_the_same_watch(n: int, start: int, seed: int, data: st.DataObject) -> None:
    random = np.random.default_rng(seed)
    index = start + np.cumsum(random.choice([1, 2, 300], n, p=[0.99, 0.009, 0.001]))
    level = np.repeat(random.uniform(1, 20, (n // 900 + 1, 2)), 900, axis=0)[:n]
    envelope = level + random.uniform(0, 2, (n, 2))
    envelope[random.random((n, 2)) < 0.05] = np.nan
    floor = np.array([2.0, 3.0])
    watch = FloorWatch(floor)
    parts = [watch(index[p], envelope[p]) for p in data.draw(cuts_of(n))]
    assert_same(np.concatenate(parts), FloorWatch(floor)(index, envelope))


# States


def test_the_state_that_is_shown_follows_the_flag() -> None:
    good = {Flag.GOOD, Flag.FILLED}
    adjust = {Flag.NOISY_REST, Flag.LOW_SNR, Flag.LOSS, Flag.MAINS, Flag.MOTION, Flag.FLOOR_RISEN, Flag.CLIPPED}
    lost = {Flag.ABSENT}
    assert {f for f in Flag if f.state == "good"} == good
    assert {f for f in Flag if f.state == "adjust"} == adjust
    assert {f for f in Flag if f.state == "lost"} == lost
    assert {f for f in Flag if f.state == "unusable"} == set(Flag) - good - adjust - lost


def test_usable_is_what_is_below_heavy_loss() -> None:
    assert all((flag < Flag.HEAVY_LOSS) == (flag.state in ("good", "adjust")) for flag in Flag)
