"""Every sign has a sound of its own, short and soft at its edges."""

from __future__ import annotations

from itertools import combinations
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import hilbert

from gluteemg.coaching.cue import Sign
from gluteemg.sound.signs import LOUDEST, samples

SIGNS: tuple[Sign, ...] = get_args(Sign)
RATE_HZ = 48000.0
HOP = 960  # 20 ms


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_lasts_between_a_tenth_and_six_tenths_of_a_second(sign: Sign) -> None:
    assert 0.1 <= len(samples(sign, RATE_HZ)) / RATE_HZ <= 0.6


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_begins_and_ends_with_silence_and_swells(sign: Sign) -> None:
    sound = samples(sign, RATE_HZ)
    assert sound[0] == sound[-1] == 0.0
    first_ms = np.abs(sound[:48]).max()
    assert first_ms < 0.03 * np.abs(sound).max()


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_no_louder_than_its_limit_and_can_be_heard(sign: Sign) -> None:
    assert 0.1 < np.abs(samples(sign, RATE_HZ)).max() <= LOUDEST


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_has_no_click(sign: Sign) -> None:
    sound = np.pad(samples(sign, RATE_HZ), 4800)
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    assert power[frequency > 6000].sum() < 1e-6 * power.sum()


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_is_the_same_at_another_rate(sign: Sign) -> None:
    here, there = samples(sign, 48000.0), samples(sign, 96000.0)
    assert len(there) == pytest.approx(2 * len(here), abs=4)
    assert np.corrcoef(loudness(here, HOP), loudness(there, 2 * HOP))[0, 1] > 0.99


def loudness(sound: NDArray[np.float64], hop: int) -> NDArray[np.float64]:
    whole = np.pad(sound, (0, 31 * hop - len(sound)))
    return np.asarray(np.sqrt(np.mean(whole.reshape(31, hop) ** 2, axis=1)))


def rhythm_and_contour(sign: Sign) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Loudness every 20 ms, of length 1; and the pitch there in semitones around its own mean, NaN where nothing sounds.

    The mean is taken off: a sign that is another one at another pitch is no sign of its own.
    """
    sound = samples(sign, RATE_HZ)
    whole = np.pad(sound, (0, 31 * HOP - len(sound)))
    swing = hilbert(whole)
    envelope = np.abs(swing).reshape(31, HOP)
    pitch_hz = (np.diff(np.unwrap(np.angle(swing)), append=0.0) * RATE_HZ / (2 * np.pi)).reshape(31, HOP)
    rhythm = np.sqrt(np.mean(envelope**2, axis=1))
    sounds = rhythm > 0.1 * rhythm.max()
    contour = np.full(31, np.nan)
    power = envelope[sounds] ** 2
    contour[sounds] = 12 * np.log2(np.sum(pitch_hz[sounds] * power, axis=1) / np.sum(power, axis=1))
    contour -= np.average(contour[sounds], weights=rhythm[sounds] ** 2)
    return rhythm / np.linalg.norm(rhythm), contour


@pytest.mark.parametrize("two", list(combinations(SIGNS, 2)), ids="-".join)
def test_two_signs_differ_by_rhythm_or_by_the_way_their_pitch_goes(two: tuple[Sign, Sign]) -> None:
    (rhythm, contour), (other_rhythm, other_contour) = map(rhythm_and_contour, two)
    alike = float(rhythm @ other_rhythm)
    apart_semitones = float(np.sqrt(np.nanmean((contour - other_contour) ** 2)))
    assert alike < 0.85 or apart_semitones > 3


def test_the_measure_finds_a_sign_like_itself_at_another_pitch() -> None:
    rhythm, contour = rhythm_and_contour("done")
    assert float(rhythm @ rhythm) == pytest.approx(1.0)
    assert np.sqrt(np.nanmean((contour - contour) ** 2)) == 0.0
