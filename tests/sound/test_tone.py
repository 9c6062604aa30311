"""The continuous tone as arrays: its pitch, its level, its smoothness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gluteemg.sound.tone import BEAT_HZ, HIGHEST_HZ, LOUDEST, LOWEST_HZ, SILENCE, Glide, Singer, Tone

RATE_HZ = 48000.0


def settled(tone: Tone, seconds: float = 2.0, rate_hz: float = RATE_HZ) -> NDArray[np.float64]:
    singer = Singer(rate_hz)
    singer.aim(tone)
    singer.take(round(0.1 * rate_hz))
    return singer.take(round(seconds * rate_hz))


def spectrum(x: NDArray[np.float64], rate_hz: float = RATE_HZ) -> tuple[NDArray[Any], NDArray[Any]]:
    window = np.blackman(len(x))
    return np.fft.rfftfreq(len(x), 1 / rate_hz), np.abs(np.fft.rfft(x * window)) * 2 / window.sum()


@pytest.mark.parametrize("rate_hz", [22050.0, 44100.0, 48000.0, 96000.0])
@pytest.mark.parametrize("pitch_hz", [220.0, 311.0, 440.0])
def test_the_pitch_is_what_was_asked_for_at_every_rate(pitch_hz: float, rate_hz: float) -> None:
    frequency, level = spectrum(settled(Tone(0.1, pitch_hz), rate_hz=rate_hz), rate_hz)
    assert frequency[np.argmax(level)] == pytest.approx(pitch_hz, abs=0.5)


def test_a_voice_has_three_partials_and_hardly_anything_else() -> None:
    frequency, level = spectrum(settled(Tone(0.1, 300.0)))
    near = np.min(np.abs(frequency[:, np.newaxis] - [300.0, 600.0, 900.0]), axis=1) < 3
    assert level[~near].max() < 1e-4 * level.max()


def test_a_tone_with_a_beat_wavers_and_never_stops() -> None:
    tone = settled(Tone(0.1, 300.0, beat=0.5))
    loud = np.sqrt(np.mean(tone.reshape(-1, 480) ** 2, axis=1))  # every 10 ms
    steady = np.sqrt(np.mean(settled(Tone(0.1, 300.0)).reshape(-1, 480) ** 2, axis=1))
    assert steady.min() > 0.9 * steady.max()
    assert 0.2 < loud.min() / loud.max() < 0.5
    crossings = np.count_nonzero(np.diff(loud > loud.mean()))
    assert crossings / 2 == pytest.approx(BEAT_HZ * 2.0, abs=1)


def test_silence_is_silent() -> None:
    singer = Singer(RATE_HZ)
    assert not singer.take(1000).any()
    singer.aim(Tone(0.1, 300.0))
    singer.take(4800)
    assert not singer.silent
    singer.aim(SILENCE)
    singer.take(4800)
    assert singer.silent
    assert not singer.take(1000).any()


def test_what_is_asked_for_beyond_the_limits_is_held_at_them() -> None:
    tone = settled(Tone(5.0, 5000.0, beat=7.0))
    assert np.abs(tone).max() <= LOUDEST
    frequency, level = spectrum(tone)
    assert HIGHEST_HZ - 1 < frequency[np.argmax(level)] < HIGHEST_HZ + BEAT_HZ + 1
    frequency, level = spectrum(settled(Tone(0.1, 1.0)))
    assert frequency[np.argmax(level)] == pytest.approx(LOWEST_HZ, abs=0.5)


def test_a_fading_tone_keeps_its_pitch() -> None:
    singer = Singer(RATE_HZ)
    singer.aim(Tone(0.1, 440.0))
    singer.take(4800)
    singer.aim(SILENCE)
    fading = singer.take(1200)
    frequency, level = spectrum(np.pad(fading, (0, 46800)))
    assert frequency[np.argmax(level)] == pytest.approx(440.0, abs=15.0)


def test_a_tone_begins_at_its_pitch_and_does_not_slide_to_it() -> None:
    singer = Singer(RATE_HZ)
    singer.take(100)
    singer.aim(Tone(0.1, 440.0))
    begins = singer.take(2400)
    frequency, level = spectrum(np.pad(begins, (0, 45600)))
    assert frequency[np.argmax(level)] == pytest.approx(440.0, abs=5.0)


def changing(seed: int, changes: int = 400) -> NDArray[np.float64]:
    """A tone that never comes to rest: a new one every 5 to 50 ms."""
    random = np.random.default_rng(seed)
    singer = Singer(RATE_HZ)
    blocks = []
    for _ in range(changes):
        level = random.choice([0.0, 0.05, LOUDEST])
        singer.aim(Tone(level, random.uniform(LOWEST_HZ, HIGHEST_HZ), random.choice([0.0, 0.5, 1.0])))
        blocks.append(singer.take(int(random.integers(240, 2400))))
    return np.concatenate(blocks)


@pytest.mark.parametrize("seed", range(3))
def test_no_change_of_the_tone_makes_a_step(seed: int) -> None:
    # the steepest that a steady tone of this level and pitch can be, and 1 % for the glide itself
    radians = np.linspace(0, 2 * np.pi, 4096)
    cycle = sum(a * np.sin(n * radians) for n, a in enumerate((1.0, 0.3, 0.1), 1))
    slope = np.abs(np.gradient(cycle, radians)).max() / np.abs(cycle).max()
    steepest = LOUDEST * slope * 2 * np.pi * (HIGHEST_HZ + BEAT_HZ) / RATE_HZ
    assert np.abs(np.diff(changing(seed))).max() <= 1.01 * steepest


@pytest.mark.parametrize("seed", range(3))
def test_a_tone_that_changes_all_the_time_has_no_clicks_in_its_spectrum(seed: int) -> None:
    frequency, level = spectrum(changing(seed))
    power = level**2
    assert power[frequency > 2500].sum() < 1e-6 * power.sum()  # a click is as loud at 2.5 kHz as at 250 Hz


def test_a_click_would_be_seen_in_the_spectrum() -> None:
    tone = changing(0)
    clicked = np.where(np.arange(len(tone)) // 4800 % 2 == 0, tone, 0.0)  # switched on and off
    frequency, level = spectrum(clicked)
    assert (level[frequency > 2500] ** 2).sum() > 1e-6 * (level**2).sum()


def test_a_glide_reaches_its_value_and_stays() -> None:
    glide = Glide(1.0, 4)
    assert glide.rests_at == 1.0
    glide.aim(3.0)
    assert glide.rests_at is None
    assert glide.take(6).tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.0]
    assert glide.rests_at == 3.0
    glide.aim(1.0)
    glide.take(2)
    glide.aim(5.0)  # turns round where it is
    assert glide.take(5).tolist() == [2.0, 2.75, 3.5, 4.25, 5.0]
