"""What a sensor can support, by its kind and its rate, and the words for what it cannot."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import get_args

import pytest

from gluteemg.activation.measure import Measure, Reason, Remark, remark, snr_db, why_not
from gluteemg.catalogue import load_texts, names
from gluteemg.coaching.message import Message
from gluteemg.sensors.profile import FirmwareProfile, SignalKind

PROFILES = Path(__file__).parents[2] / "firmware_profiles"
MEASURES: tuple[Measure, ...] = get_args(Measure)


def _allowed(kind: SignalKind, rate_hz: float) -> set[Measure]:
    return {m for m in MEASURES if why_not(m, kind, rate_hz) is None}


@pytest.mark.parametrize("measure", ["median_frequency", "fatigue_index", "fatigue", "firing_lag"])
def test_at_250_hz_fatigue_and_firing_lag_are_not_available_for_the_sampling_rate(measure: Measure) -> None:
    assert why_not(measure, "raw", 250) == "sampling_rate"
    words = load_texts("en").say(Message(f"not_available.{why_not(measure, 'raw', 250)}"))
    assert words == "not available: sampling rate"


def test_every_class_of_rate_may_tell_more_than_the_one_below() -> None:
    assert _allowed("raw", 1000) == set(MEASURES)
    assert _allowed("raw", 999) == set(MEASURES) - {"fatigue", "fatigue_index", "spectral_quality"}
    assert _allowed("raw", 500) == _allowed("raw", 999)
    assert _allowed("raw", 499) == {"amplitude", "ratio", "ratio_trend", "onset", "clipping"}
    assert _allowed("raw", 200) == _allowed("raw", 499)
    assert _allowed("raw", 199) == {"clipping"}


def test_a_sensor_that_sends_an_envelope_is_good_for_amplitude_and_ratio_at_any_rate() -> None:
    kinds: tuple[SignalKind, ...] = ("envelope", "rectified", "spectrum")
    for kind in kinds:
        assert _allowed(kind, 25) == {"amplitude", "ratio", "ratio_trend", "clipping"}
        assert why_not("onset", kind, 2000) == ("spectrum_only" if kind == "spectrum" else "envelope_only")


def test_the_quality_of_a_spectrum_is_told_of_raw_signals_only() -> None:
    assert _allowed("filtered", 2000) == set(MEASURES) - {"spectral_quality"}
    assert why_not("spectral_quality", "filtered", 2000) == "filtered_only"


def test_what_a_session_lacks_is_a_reason_too() -> None:
    assert why_not("ratio", "raw", 1000, has_reference=False) == "no_reference"
    assert why_not("amplitude", "raw", 1000, has_reference=False) is None
    assert why_not("fatigue", "raw", 1000, n_reps=7) == "too_few_reps"
    assert why_not("fatigue", "raw", 1000, n_reps=8) is None
    assert why_not("firing_lag", "raw", 1000, n_reps=4) == "too_few_reps"
    assert why_not("median_frequency", "raw", 1000, snr_db=9.9) == "too_noisy"
    assert why_not("ratio", "raw", 1000, snr_db=9.9) is None
    assert why_not("ratio", "raw", 1000, snr_db=5.9) == "too_noisy"


def test_the_most_lasting_reason_comes_first() -> None:
    assert why_not("fatigue", "envelope", 25, n_reps=2, snr_db=3) == "envelope_only"
    assert why_not("fatigue", "raw", 250, n_reps=2, snr_db=3) == "sampling_rate"
    assert why_not("ratio_trend", "raw", 1000, has_reference=False, n_reps=2, snr_db=3) == "no_reference"


def test_a_spectrum_that_is_cut_off_and_times_that_are_coarse_are_remarked() -> None:
    assert remark("median_frequency", 1000) is None
    assert remark("median_frequency", 2000, (20, 400)) is None
    assert remark("median_frequency", 500) == "band_limited"
    assert remark("fatigue", 2000, (20, 200)) == "band_limited"
    assert remark("median_frequency", 2000, (70, 500)) == "band_limited"
    assert [remark("onset", rate) for rate in (1000, 999, 500, 499, 250)] == [None, *["to_10_ms"] * 2, *["to_30_ms"] * 2]
    assert remark("amplitude", 250) is None


def test_the_signal_is_measured_over_its_rest_in_quadrature() -> None:
    assert snr_db(2**0.5, 1.0) == pytest.approx(0)
    assert snr_db(11**0.5, 1.0) == pytest.approx(10)
    assert snr_db(1.0, 1.0) == -inf
    assert snr_db(0.0, 0.0) == -inf
    assert snr_db(1.0, 0.0) == inf


@pytest.mark.parametrize("language", names("texts"))
def test_every_reason_and_every_remark_has_its_words(language: str) -> None:
    ids = [*(f"not_available.{r}" for r in get_args(Reason)), *(f"remark.{r}" for r in get_args(Remark))]
    assert load_texts(language).lacks(ids) == []


@pytest.mark.parametrize("file", sorted(PROFILES.glob("*.toml")), ids=lambda f: f.stem)
def test_every_shipped_sensor_can_tell_amplitude_and_ratio(file: Path) -> None:
    signal = FirmwareProfile.parse(file.read_text("utf-8"), file.stem).signal
    assert {"amplitude", "ratio"} <= _allowed(signal.kind, signal.rate_hz)
