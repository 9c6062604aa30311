"""What goes to the loudspeaker: the same however it is cut, never loud, never old."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gluteemg.coaching.cue import Sign
from gluteemg.sound import signs
from gluteemg.sound.mixer import LIMIT, STALE_S, Mixer
from gluteemg.sound.tone import Tone

RATE_HZ = 8000.0  # low, so that the tests are quick
SECOND = round(RATE_HZ)
tones = st.builds(Tone, st.floats(0.0, 0.3), st.floats(100.0, 600.0), st.floats(0.0, 1.0))
commands = st.lists(st.tuples(st.integers(0, 2 * SECOND), tones | st.sampled_from(get_args(Sign))), max_size=12)


def mixed(asked: list[tuple[int, Tone | Sign]], cuts: list[int], n: int = 2 * SECOND) -> NDArray[np.float32]:
    mixer = Mixer(RATE_HZ)
    blocks = []
    at = 0
    for until in sorted({*cuts, *(when for when, _ in asked), n}):
        blocks.append(mixer.take(until - at))
        at = until
        for when, command in asked:
            if when == until:
                mixer.aim(command) if isinstance(command, Tone) else mixer.play(command)
    return np.concatenate(blocks)


@settings(max_examples=60, deadline=None)
@given(commands, st.lists(st.integers(0, 2 * SECOND), max_size=60))
def test_cutting_blocks_differently_gives_the_same_samples(asked: list[tuple[int, Tone | Sign]], cuts: list[int]) -> None:
    assert mixed(asked, cuts).tobytes() == mixed(asked, []).tobytes()


@settings(max_examples=60, deadline=None)
@given(commands)
def test_nothing_is_ever_louder_than_the_limit(asked: list[tuple[int, Tone | Sign]]) -> None:
    assert np.abs(mixed(asked, [])).max() <= np.float32(LIMIT) <= 0.5


def test_samples_are_float32_and_an_empty_block_is_empty() -> None:
    mixer = Mixer(RATE_HZ)
    assert mixer.take(0).shape == (0,)
    assert mixer.take(7).dtype == np.float32
    assert mixer.quiet


def test_a_tone_that_is_not_renewed_goes_silent() -> None:
    mixer = Mixer(RATE_HZ)
    mixer.aim(Tone(0.1, 300.0))
    heard = mixer.take(SECOND)
    stale = round(STALE_S * RATE_HZ)
    assert np.abs(heard[stale - 100 : stale]).max() > 0.05
    assert not heard[stale + SECOND // 10 :].any()
    assert mixer.quiet
    mixer.aim(Tone(0.1, 300.0))
    mixer.take(stale - 10)
    mixer.aim(Tone(0.1, 300.0))
    assert np.abs(mixer.take(stale - 10)[-100:]).max() > 0.05


def test_a_sign_sounds_as_it_is_and_the_tone_steps_back() -> None:
    mixer = Mixer(RATE_HZ)
    mixer.play("done")
    sign = signs.samples("done", RATE_HZ)
    assert np.array_equal(mixer.take(len(sign)), sign.astype(np.float32))

    def tone_alone(sounding: Mixer) -> NDArray[np.float32]:
        sounding.aim(Tone(0.1, 300.0))
        sounding.take(SECOND // 4)
        return sounding.take(len(sign))

    plain, ducked = Mixer(RATE_HZ), Mixer(RATE_HZ)
    ducked.play("done")
    ducked.take(0)
    steady = tone_alone(plain)
    under = tone_alone(ducked) - np.pad(sign, (0, SECOND))[SECOND // 4 :][: len(sign)]
    assert np.abs(under[: len(sign) // 2]).max() < 0.4 * np.abs(steady).max()


def test_signs_follow_one_another_with_a_pause_between() -> None:
    mixer = Mixer(RATE_HZ)
    mixer.play("count")
    mixer.play("rep")
    heard = mixer.take(SECOND)
    count, rep = signs.samples("count", RATE_HZ), signs.samples("rep", RATE_HZ)
    second = len(count) + round(0.1 * RATE_HZ)
    assert not heard[len(count) : second].any()
    assert np.array_equal(heard[second : second + len(rep)], rep.astype(np.float32))
    assert mixer.quiet


def test_signs_that_pile_up_give_way_to_newer_ones() -> None:
    mixer = Mixer(RATE_HZ)
    for _ in range(50):
        mixer.play("done")
    mixer.play("count")
    mixer.take(3 * SECOND)
    assert mixer.quiet
