"""Flags: each trouble raises its own within its time, clean EMG raises none, and they go away again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from tests.cuts import assert_same, cuts_of

from gluteemg.muscles import Role
from gluteemg.processing.chain import Chain
from gluteemg.processing.quality import BLOCK_S, Converter, Flag, QualityMonitor
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import SimulatedSensor

RATE_HZ = 1000.0
STEP_UV = 2.75
CONVERTER = Converter(low=-8000 * STEP_UV, high=8383 * STEP_UV, step=STEP_UV)
Floats = NDArray[np.float64]


def _emg(seconds: float, rms_uv: float = 60.0, seed: int = 0, rate_hz: float = RATE_HZ) -> Floats:
    """Noise with a spectrum like that of muscle, shape (n, 1), in whole steps of the converter."""
    random = np.random.default_rng(seed)
    sos = signal.butter(2, [40, 180], "bandpass", fs=rate_hz, output="sos")
    noise = signal.sosfilt(sos, random.standard_normal(round(seconds * rate_hz) + 500))[500:]
    emg: Floats = STEP_UV * np.rint(noise / noise.std() * rms_uv / STEP_UV)[:, np.newaxis]
    return emg


def _hum(n: int, rms_uv: float, hz: float, rate_hz: float = RATE_HZ) -> Floats:
    hum: Floats = np.sqrt(2) * rms_uv * np.sin(2 * np.pi * hz * np.arange(n) / rate_hz)[:, np.newaxis]
    return hum


def _flags(emg: Floats, index: NDArray[np.int64] | None = None, rate_hz: float = RATE_HZ) -> NDArray[np.uint8]:
    """Flags of samples in one call; without an index nothing is missing."""
    index = np.arange(len(emg)) if index is None else index
    return QualityMonitor(rate_hz, emg.shape[1], CONVERTER)(index, emg, Chain(rate_hz)(emg))


def _raised_s(flags: NDArray[np.uint8], flag: Flag) -> float:
    """When a flag is first up, in seconds."""
    found = np.flatnonzero(flags[:, 0] == flag)
    assert len(found), f"{flag.name} was never raised"
    return float(found[0] / RATE_HZ)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([250.0, 500.0, 1000.0, 1116.0]),
    st.integers(1, 3),
    st.integers(0, 5000),
    st.floats(0, 0.3),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), max_size=3),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_any_cut_gives_the_same_flags(
    rate_hz: float,
    n_channels: int,
    n: int,
    loss: float,
    holes: list[tuple[int, int]],
    seed: int,
    data: st.DataObject,
) -> None:
    random = np.random.default_rng(seed)
    emg = 40 * random.standard_normal((n, n_channels)) + 5 * _hum(n, 10, 50, rate_hz)
    emg[n // 3 : n // 2] = 0.0  # flat for a while
    emg[n // 2 : n // 2 + 40] = CONVERTER.high  # and clipped
    index = int(random.integers(0, 10_000)) + np.arange(n)
    for at, length in holes:
        index[at:] += length
    kept = random.random(n) >= loss
    emg, index = emg[kept], index[kept]
    filtered = Chain(rate_hz)(emg)
    whole = QualityMonitor(rate_hz, n_channels, CONVERTER)(index, emg, filtered)
    monitor = QualityMonitor(rate_hz, n_channels, CONVERTER)
    parts = [monitor(index[p], emg[p], filtered[p]) for p in data.draw(cuts_of(len(index)))]
    assert_same(np.concatenate(parts), whole)


@pytest.mark.parametrize("hole", [9800, 10_050, 10_300, 60_000])
def test_a_hole_longer_than_the_memory_of_losses_begins_anew_wherever_it_is_cut(hole: int) -> None:
    emg, filtered = np.ones((2, 3000, 1))
    for at in (1000, 1100, 1249, 1250):
        index = np.arange(3000) + hole * (np.arange(3000) >= at)
        whole = QualityMonitor(RATE_HZ, 1, CONVERTER)(index, emg, filtered)
        monitor = QualityMonitor(RATE_HZ, 1, CONVERTER)
        parts = [monitor(index[p], emg[p], filtered[p]) for p in (slice(at), slice(at, 3000))]
        assert_same(np.concatenate(parts), whole)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2**32 - 1), st.integers(1, 97))
def test_small_packets_give_the_same_flags_as_one_block(n_channels: int, seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    emg = 30 * random.standard_normal((3000, n_channels)) + _hum(3000, float(random.uniform(5, 20)), 50)
    filtered = Chain(RATE_HZ)(emg)
    index = np.arange(3000)
    monitor = QualityMonitor(RATE_HZ, n_channels, CONVERTER)
    parts = [monitor(index[i : i + size], emg[i : i + size], filtered[i : i + size]) for i in range(0, 3000, size)]
    assert_same(np.concatenate(parts), QualityMonitor(RATE_HZ, n_channels, CONVERTER)(index, emg, filtered))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3999))
def test_a_flag_depends_on_the_past_alone(seed: int, at: int) -> None:
    emg = _emg(4, seed=seed % 1000)
    changed = emg.copy()
    changed[at:] = CONVERTER.high
    assert_same(_flags(changed)[: at + 1], _flags(emg)[: at + 1])


@pytest.mark.parametrize("rate_hz", [500.0, 1000.0, 1116.0])
def test_clean_emg_raises_nothing(rate_hz: float) -> None:
    for seed in range(20):
        assert (_flags(_emg(20, seed=seed, rate_hz=rate_hz), rate_hz=rate_hz) == Flag.GOOD).all()


def test_a_simulated_person_at_work_shows_no_mains() -> None:
    """The hardest case for a line detector: bursts, and a share of the power near 50 and 60 Hz."""
    text = (Path(__file__).parents[2] / "firmware_profiles" / "umyo-gatt.toml").read_text("utf-8")
    profile = FirmwareProfile.parse(text, "umyo-gatt")
    for seed in range(20):
        for muscle in ("gluteus_maximus", "hamstrings"):
            person = Person(SCENARIOS["glute-led" if seed % 2 else "hamstring-led"], seed)
            sensor = SimulatedSensor(muscle, profile, [Role(muscle, "left")], person)
            assert (_flags(sensor.emg(0, 30 * 1116), rate_hz=1116.0) == Flag.GOOD).all()


def test_a_quiet_muscle_raises_nothing() -> None:
    for seed in range(20):
        assert (_flags(_emg(10, rms_uv=3, seed=seed)) == Flag.GOOD).all()


def test_a_signal_that_does_not_move_is_flat_within_half_a_second_and_good_again_after() -> None:
    emg = np.concatenate((_emg(3), np.full((2000, 1), 5 * STEP_UV), _emg(3)))
    flags = _flags(emg)
    assert 3.0 <= _raised_s(flags, Flag.FLAT) <= 3.0 + 2 * BLOCK_S
    assert (flags[:3000] == Flag.GOOD).all()
    assert (flags[5500:] != Flag.FLAT).all()


def test_a_flat_channel_says_nothing_about_its_neighbour() -> None:
    flags = _flags(np.hstack((_emg(3), np.zeros((3000, 1)))))
    assert (flags[:, 0] == Flag.GOOD).all()
    assert (flags[500:, 1] == Flag.FLAT).all()


def test_three_samples_at_the_end_of_the_converter_are_clipping_and_two_are_not() -> None:
    assert CONVERTER.low is not None
    for count, flag in ((2, Flag.GOOD), (3, Flag.CLIPPED)):
        emg = _emg(4)
        emg[1100 : 1100 + count] = CONVERTER.low
        flags = _flags(emg)
        assert flags[1251, 0] == flag
        assert (flags[2251:] == Flag.GOOD).all()


def test_more_than_half_a_percent_of_a_second_is_heavy_clipping() -> None:
    emg = _emg(4)
    emg[1100:1106] = CONVERTER.high
    flags = _flags(emg)
    assert _raised_s(flags, Flag.HEAVY_CLIPPED) <= 1.25
    assert (flags[2300:] == Flag.GOOD).all()


def test_a_sensor_whose_ends_are_not_known_never_clips() -> None:
    emg = _emg(3)
    emg[1000:1200] = 1e6
    monitor = QualityMonitor(RATE_HZ, 1, Converter(None, None, 0.0))
    assert (monitor(np.arange(3000), emg, Chain(RATE_HZ)(emg)) < Flag.CLIPPED).all()


@pytest.mark.parametrize("mains_hz", [50, 60])
@pytest.mark.parametrize(("part", "flag"), [(0.10, Flag.MAINS), (0.40, Flag.HEAVY_MAINS)])
def test_mains_shows_within_five_seconds_and_goes_away_again(mains_hz: float, part: float, flag: Flag) -> None:
    for seed in range(5):
        emg = _emg(20, seed=seed)
        emg[3000:12_000] += _hum(9000, 60 * np.sqrt(part / (1 - part)), mains_hz)
        flags = _flags(emg)[:, 0]
        assert (flags[:3000] == Flag.GOOD).all()
        assert _raised_s(flags[:, np.newaxis], Flag.MAINS) <= 7.5
        assert (flags[8500:12_000] == flag).all()
        assert (flags[17_000:] == Flag.GOOD).all()


def test_hum_of_a_quiet_muscle_is_not_worth_a_word() -> None:
    assert (_flags(_emg(8, rms_uv=3) + _hum(8000, 3, 50)) == Flag.GOOD).all()


def test_hum_shows_also_at_the_rate_of_a_real_sensor() -> None:
    emg = _emg(8, rate_hz=1116.0)
    emg += _hum(len(emg), 40, 50, 1116.0)
    assert _flags(emg, rate_hz=1116.0)[-1, 0] == Flag.HEAVY_MAINS


@pytest.mark.parametrize(("every", "flag"), [(100, Flag.LOSS), (20, Flag.HEAVY_LOSS)])
def test_loss_shows_within_ten_seconds_and_goes_away_again(every: int, flag: Flag) -> None:
    emg, index = _emg(40), np.arange(40_000)
    lost = (index >= 5000) & (index < 20_000) & (index // 10 % every == 0)  # ten samples at a time
    flags = _flags(emg[~lost], index[~lost])[:, 0]
    at = index[~lost]
    assert (flags[at < 5000] == Flag.GOOD).all()
    assert (flags[(at >= 15_500) & (at < 20_000)] == flag).all()
    assert (flags[at >= 30_500] == Flag.GOOD).all()


def test_starting_in_the_middle_of_a_block_is_not_a_loss() -> None:
    assert (_flags(_emg(12), np.arange(12_000) + 777) == Flag.GOOD).all()


def test_the_state_that_is_shown_follows_the_flag() -> None:
    assert {f: f.state for f in Flag} == {
        Flag.GOOD: "good",
        Flag.FILLED: "good",
        Flag.LOSS: "adjust",
        Flag.MAINS: "adjust",
        Flag.CLIPPED: "adjust",
        Flag.HEAVY_LOSS: "unusable",
        Flag.HEAVY_MAINS: "unusable",
        Flag.HEAVY_CLIPPED: "unusable",
        Flag.FLAT: "unusable",
        Flag.SETTLING: "unusable",
        Flag.ABSENT: "lost",
    }
