"""From what the person does to what they hear."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from tests.sound.moments import WORK, ZONE, frame

from gluteemg.activation.frame import Verdict
from gluteemg.activation.ratio import Zone
from gluteemg.catalogue import load_texts
from gluteemg.coaching.cue import Activity, Cue
from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.processing.quality import Flag
from gluteemg.sound.feedback import SOUNDING, Feedback, Heard, level_of, tone_of
from gluteemg.sound.tone import HIGHEST_HZ, LOWEST_HZ, SILENCE, Tone


@pytest.fixture(scope="module")
def texts() -> Texts:
    return load_texts("en").extended(
        '[work]\nthree = "three"\nheels = "Bring your heels a little closer, then squeeze"\nhold = "Hold it there."\n', "words"
    )


@pytest.fixture
def feedback(texts: Texts) -> Feedback:
    return Feedback(texts)


def zone_tone(ratio: float, verdict: Verdict = Verdict.IN_ZONE, zone: Zone = ZONE) -> Tone:
    return tone_of(WORK, frame(ratio=ratio, verdict=verdict), zone, "gluteus_maximus", 0.4)


def test_the_pitch_rises_with_the_share() -> None:
    pitches = [zone_tone(ratio).pitch_hz for ratio in (0.3, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0)]
    assert pitches == sorted(set(pitches))
    assert LOWEST_HZ <= pitches[0] < pitches[-1] <= HIGHEST_HZ


def test_the_same_change_of_the_ratio_is_the_same_interval() -> None:
    assert zone_tone(1.25).pitch_hz / zone_tone(1.0).pitch_hz == pytest.approx(2 ** (1 / 12), rel=0.01)  # a semitone
    assert zone_tone(0.5).pitch_hz / zone_tone(0.4).pitch_hz == pytest.approx(2 ** (1 / 12), rel=0.01)


def test_the_middle_of_every_zone_sounds_alike() -> None:
    assert zone_tone(1.0).pitch_hz == pytest.approx(zone_tone(2.0, zone=Zone(1.6, 2.5)).pitch_hz)


@pytest.mark.parametrize(("ratio", "pitch_hz"), [(0.1, LOWEST_HZ), (0.2, LOWEST_HZ), (10.0, HIGHEST_HZ)])
def test_the_pitch_stays_in_its_octave(ratio: float, pitch_hz: float) -> None:
    assert zone_tone(ratio).pitch_hz == pytest.approx(pitch_hz)


def test_in_the_zone_the_tone_is_softer_than_under_it_and_wavers_only_while_hamstrings_lead() -> None:
    inside, above = zone_tone(1.0), zone_tone(2.0, Verdict.GLUTES_LEAD)
    under, hamstrings = zone_tone(0.7, Verdict.JUST_UNDER), zone_tone(0.5, Verdict.HAMSTRINGS_LEAD)
    assert inside.level == above.level < under.level == hamstrings.level
    assert inside.beat == above.beat == under.beat == 0 < hamstrings.beat


@pytest.mark.parametrize("verdict", [Verdict.MUTED, Verdict.REST])
def test_there_is_silence_at_rest_and_without_a_trusted_signal(verdict: Verdict) -> None:
    assert tone_of(WORK, frame(ratio=None, verdict=verdict), ZONE, "gluteus_maximus", 0.4) == SILENCE
    assert tone_of(WORK, frame(ratio=1.0, verdict=verdict), ZONE, "gluteus_maximus", 0.4) == SILENCE
    assert tone_of(WORK, frame().without_signal(), ZONE, "gluteus_maximus", 0.4) == SILENCE
    assert tone_of(WORK, None, ZONE, "gluteus_maximus", 0.4) == SILENCE


@pytest.mark.parametrize("activity", get_args(Activity))
def test_the_tone_sounds_only_while_something_is_practised(activity: Activity) -> None:
    tone = tone_of(Cue(activity), frame(), ZONE, "gluteus_maximus", 0.4)
    assert (tone != SILENCE) == (activity in SOUNDING)
    assert {"rest", "paused", "done", "question", "measure"}.isdisjoint(SOUNDING)


def test_without_a_zone_the_tone_follows_the_target_against_its_floor() -> None:
    at, over, under = (tone_of(WORK, frame(glute=x), None, "gluteus_maximus", 0.4) for x in (0.4, 0.8, 0.2))
    assert under.pitch_hz < at.pitch_hz < over.pitch_hz
    assert at.level == over.level < under.level
    assert tone_of(WORK, frame(glute=0.05), None, "gluteus_maximus", 0.4) == SILENCE
    assert tone_of(WORK, frame(glute=None), None, "gluteus_maximus", 0.4) == SILENCE
    assert tone_of(WORK, frame(), None, "gluteus_maximus", None) == SILENCE
    assert tone_of(WORK, frame(flag=Flag.FLAT), None, "gluteus_maximus", 0.4) == SILENCE
    assert tone_of(WORK, frame(), None, "gluteus_medius", 0.4) == SILENCE


def test_the_level_of_a_muscle_is_that_of_the_side_that_does_more() -> None:
    assert level_of(frame(glute=0.3, other=0.6), "gluteus_maximus") == 0.6
    assert level_of(frame(glute=0.9, other=0.6, flag=Flag.CONTACT), "gluteus_maximus") == 0.6


def hear(feedback: Feedback, cue: Cue, t_s: float = 1.0, *, glute: float = 0.5, rep_s: float | None = None) -> Heard:
    return feedback.hear(cue, frame(t_s, glute=glute, rep_s=rep_s), ZONE, "gluteus_maximus", 0.4)


def test_each_sign_and_sentence_is_told_once(feedback: Feedback) -> None:
    cue = replace(WORK, signs=("rep_in_zone",), spoken=(Message("work.heels"),))
    first, again = hear(feedback, cue, 1.0), hear(feedback, cue, 1.02)
    assert first.signs == ("rep_in_zone",)
    assert first.sentence == "Bring your heels a little closer, then squeeze."
    assert again.signs == ()
    assert again.sentence is None
    assert hear(feedback, replace(cue), 1.04).signs == ("rep_in_zone",)  # it has happened again


def test_the_floor_is_told_once_in_a_repetition(feedback: Feedback) -> None:
    steps = [(0.1, 0.2), (0.2, 0.39), (0.3, 0.41), (0.4, 0.3), (0.5, 0.6), (None, 0.3), (0.1, 0.3), (0.2, 0.5)]
    told = [hear(feedback, WORK, rep_s=rep_s, glute=glute).signs for rep_s, glute in steps]
    assert told == [(), (), ("floor",), (), (), (), (), ("floor",)]


def test_a_repetition_that_follows_at_once_has_its_own_floor(feedback: Feedback) -> None:
    told = [hear(feedback, WORK, rep_s=rep_s, glute=0.5).signs for rep_s in (3.0, 3.1, 0.05, 0.1)]
    assert told == [("floor",), (), ("floor",), ()]


def test_the_floor_is_not_told_between_repetitions_nor_of_a_signal_without_trust(feedback: Feedback) -> None:
    assert hear(feedback, WORK, glute=0.9).signs == ()
    flat = frame(glute=0.9, rep_s=1.0, flag=Flag.FLAT)
    assert feedback.hear(WORK, flat, ZONE, "gluteus_maximus", 0.4).signs == ()
    assert feedback.hear(WORK, frame(rep_s=1.0), ZONE, "gluteus_maximus", None).signs == ()


def test_sentences_of_one_moment_are_one_breath(feedback: Feedback) -> None:
    cue = replace(WORK, spoken=(Message("work.heels"), Message("work.hold")))
    assert hear(feedback, cue).sentence == "Bring your heels a little closer, then squeeze. Hold it there."


def test_a_count_gives_way_to_a_sentence_and_a_sentence_to_nothing(feedback: Feedback) -> None:
    count, sentence = (replace(WORK, spoken=(Message(id),)) for id in ("work.three", "work.heels"))
    assert hear(feedback, count, 1.0).sentence == "three."
    assert hear(feedback, sentence, 1.2).sentence is not None
    assert hear(feedback, replace(count), 2.0).sentence is None
    assert hear(feedback, replace(sentence), 2.2).sentence is not None
    assert hear(feedback, replace(count), 9.0).sentence == "three."


def test_before_the_first_frame_sentences_are_spoken_too(feedback: Feedback) -> None:
    heard = feedback.hear(replace(WORK, spoken=(Message("work.hold"),)), None, None, "gluteus_maximus", None)
    assert heard == Heard(SILENCE, (), "Hold it there.")


def test_the_tone_steps_back_while_a_sentence_is_spoken(feedback: Feedback) -> None:
    alone = hear(feedback, WORK, 1.0).tone
    hear(feedback, replace(WORK, spoken=(Message("work.heels"),)), 1.1)
    under, after = hear(feedback, WORK, 2.0).tone, hear(feedback, WORK, 9.0).tone
    assert under.level < alone.level == after.level
    assert under.pitch_hz == alone.pitch_hz
