"""What the screen says, from what the session knows."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.ui import moments
from tests.ui.moments import GLUTE, HAMSTRINGS, MOMENTS, RUNNING

from gluteemg.activation.calibration import Unit
from gluteemg.activation.frame import Frame, Verdict
from gluteemg.activation.rep import Rep
from gluteemg.coaching.cue import Cue, Timer
from gluteemg.coaching.message import Message
from gluteemg.coaching.plan import Rung
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag, State
from gluteemg.session import Moment
from gluteemg.ui.view import TrainView, sign_of, train_view

TEXTS, EXERCISE = moments.texts(), moments.exercise()


def view(moment: Moment) -> TrainView:
    return train_view(moment, EXERCISE, TEXTS)


def running() -> Frame:
    assert RUNNING.frame is not None
    return RUNNING.frame


def test_needle_verdict_and_number_come_from_the_same_value() -> None:
    gauge = view(RUNNING).gauge
    assert gauge.ln_ratio == pytest.approx(math.log(0.36 / 0.64))
    assert (gauge.headline, gauge.sign) == ("Hamstrings lead", "hamstrings_led")
    assert (gauge.share_line, gauge.zone_line) == ("Glute share 36 %", "your zone 47 to 64 %")


def test_the_band_of_the_exercise_is_the_zone() -> None:
    assert view(RUNNING).gauge.zone == pytest.approx((math.log(0.47 / 0.53), math.log(0.64 / 0.36)))


def test_at_rest_the_zone_stays_and_the_needle_goes() -> None:
    gauge = view(MOMENTS["rest"]).gauge
    assert (gauge.kind, gauge.headline, gauge.ln_ratio, gauge.share_line) == ("rest", "Rest", None, "")
    assert gauge.zone_line


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        (Flag.FLAT, "The left glute sensor has no contact"),
        (Flag.ABSENT, "The left glute sensor is out of reach"),
        (Flag.HEAVY_MAINS, "The left glute signal is mostly mains hum"),
        (Flag.GOOD, "There is no reference yet"),
    ],
)
def test_muted_names_the_signal_and_why(flag: Flag, reason: str) -> None:
    flags = {GLUTE: flag, HAMSTRINGS: Flag.GOOD}
    frame = replace(running(), ln_ratio=None, share=None, verdict=Verdict.MUTED, flags=flags)
    gauge = view(replace(RUNNING, frame=frame)).gauge
    assert (gauge.kind, gauge.headline, gauge.reason) == ("muted", "No share just now", reason)
    assert (gauge.share_line, gauge.zone_line) == ("", "")


def test_muted_names_the_muscle_that_nobody_measures() -> None:
    frame = replace(running(), ln_ratio=None, verdict=Verdict.MUTED, flags={GLUTE: Flag.GOOD})
    assert view(replace(RUNNING, frame=frame)).gauge.reason == "No sensor sits on the hamstring yet"


def test_every_flag_has_words() -> None:
    for flag in Flag:
        assert TEXTS.say(Message(f"flag.{flag.name.lower()}", {"side": "left", "muscle": "hamstrings"}))


def test_what_is_not_known_is_never_drawn_as_zero() -> None:
    shown = view(MOMENTS["nothing_known"])
    assert shown.gauge.kind == "muted"
    assert (shown.glute.level, shown.glute.figure) == (None, "")


def test_the_bar_shows_the_mean_of_both_sides_and_of_both_hamstrings() -> None:
    levels: dict[Role, float | None] = {
        Role("gluteus_maximus", "left"): 0.4,
        Role("gluteus_maximus", "right"): 0.6,
        Role("biceps_femoris", "left"): 0.2,
        Role("semitendinosus", "left"): 0.4,
        Role("biceps_femoris", "right"): None,
    }
    shown = view(replace(RUNNING, frame=replace(running(), activation_fast=levels)))
    assert shown.glute.level == pytest.approx(0.5)
    assert shown.hamstring.level == pytest.approx(0.3)


@pytest.mark.parametrize(("unit", "floor", "words"), [("%REF", "floor 40", "% REF"), ("%MVIC", "floor 20", "% MVIC")])
def test_floor_and_unit_follow_the_kind_of_reference(unit: Unit, floor: str, words: str) -> None:
    bar = view(replace(RUNNING, unit=unit)).glute
    assert (bar.floor_words, bar.unit) == (floor, words)


@pytest.mark.parametrize(
    ("rep", "sign"),
    [
        (moments.IN_ZONE, "in_zone"),
        (moments.HAMSTRINGS_LED, "hamstrings_led"),
        (moments.UNDER_ZONE, "under_zone"),
        (moments.UNDER_FLOOR, "under_floor"),
        (moments.NOT_SCORED, "not_scored"),
        (moments.rep(0.1, True, over_floor=None), "in_zone"),
        (moments.rep(-0.5, True), "in_zone"),
    ],
)
def test_a_repetition_gets_the_mark_of_its_result(rep: Rep, sign: str) -> None:
    assert sign_of(rep) == sign


def test_the_row_of_marks_is_as_long_as_the_set_and_longer_only_if_the_person_goes_on() -> None:
    assert view(RUNNING).dots.count("to_come") == 4
    assert len(view(RUNNING).dots) == 10
    assert len(view(MOMENTS["twenty_reps"]).dots) == 21


def test_a_repetition_that_was_too_short_gets_no_mark() -> None:
    short = replace(moments.NOT_SCORED, counted=False, reasons=("too_short",))
    assert view(replace(RUNNING, reps=(*RUNNING.reps, short))).ring.count == "6"


def test_words_below_repeat_the_count() -> None:
    assert view(RUNNING).tally.replace("\N{NO-BREAK SPACE}", " ") == "3 in zone · 2 hamstring-led"


def test_the_ring_says_what_follows_and_how_long() -> None:
    cue = Cue(phase="hold", phase_fraction=0.5)
    ring = view(replace(RUNNING, cue=cue)).ring
    assert (ring.count, ring.of, ring.word, ring.then) == ("6", "of 10", "Hold", "then lower for 3 s")
    assert ring.passed == (1.0, 0.5, 0.0)


def test_a_rest_is_counted_down_in_the_ring() -> None:
    cue = Cue("rest", timer=Timer(11.2, 45.0), rep_number=10, reps=10)
    ring = view(replace(RUNNING, cue=cue)).ring
    assert (ring.count, ring.of, ring.word) == ("12", "s", "")
    assert ring.passed == pytest.approx((33.8 / 45,))
    assert view(replace(RUNNING, cue=replace(cue, timer=Timer(0.0, 0.0)))).ring.count == "0"


def test_the_ring_fills_while_a_reference_is_taken() -> None:
    cue = Cue("measure", instruction=Message("reference.rest", {"seconds": 4}), timer=Timer(4.5, 6.0))
    ring = view(replace(RUNNING, stage="reference", cue=cue)).ring
    assert ring.picture == "rest"
    assert ring.passed == pytest.approx((0.25,))


def test_a_slower_rung_slows_the_ring() -> None:
    cue = Cue(phase="hold", phase_fraction=0.5, rung=Rung(id="slower", tempo=1.5))
    assert view(replace(RUNNING, cue=cue)).ring.then == "then lower for 4.5 s"


def test_between_repetitions_the_ring_is_empty_and_counts_what_is_done() -> None:
    frame = replace(running(), rep_elapsed_s=None)
    ring = view(replace(RUNNING, frame=frame, cue=Cue())).ring
    assert (ring.count, ring.word, ring.then, sum(ring.passed)) == ("5", "Next rep", "lift for 2 s", 0.0)


def test_while_a_reference_is_taken_the_strip_says_what_to_do() -> None:
    advice = view(MOMENTS["reference_rest"]).advice
    assert advice is not None
    assert (advice.text, advice.far, advice.picture) == ("Lie still for 4 seconds", "Lie still", "rest")


def test_a_set_ends_with_a_finding() -> None:
    shown = view(MOMENTS["finished"])
    assert shown.advice is not None
    assert shown.advice.text == "7 of 9 reps were in your zone"
    assert shown.gauge.headline == "Set done"
    assert shown.gauge.share_line.removeprefix("Glute share ") in shown.advice.reason
    assert shown.gauge.uncertainty > 0
    assert shown.glute.level == pytest.approx(0.5)


def test_a_set_without_a_score_still_says_what_was_done() -> None:
    advice = view(MOMENTS["finished_unscored"]).advice
    assert advice is not None
    assert advice.text == "10 reps done"


def test_a_replay_says_so_in_its_title() -> None:
    assert train_view(RUNNING, EXERCISE, TEXTS, replay=True).exercise == "Replay: Bridge"


def test_what_nothing_else_shows_is_told_in_a_line() -> None:
    assert "disk is full" in view(MOMENTS["notice"]).notice


def test_sensors_say_ready_adjust_or_lost_and_a_signal_that_settles_asks_for_nothing() -> None:
    flags = {GLUTE: Flag.ABSENT, moments.MEDIUS: Flag.SETTLING, HAMSTRINGS: Flag.MAINS}
    shown = view(moments.moment(replace(running(), flags=flags))).sensors
    assert [(s.shape, s.sight) for s in shown] == [("glute", "lost"), ("medius", "waiting"), ("hamstring", "adjust")]
    assert [s.words for s in shown] == [
        "Glute max, left: Lost",
        "Glute medius, left: One moment",
        "Hamstrings, left: Adjust",
    ]


def test_a_sensor_that_was_never_found_is_looked_for_and_not_called_lost() -> None:
    sensors: dict[Role, State | None] = {GLUTE: None, HAMSTRINGS: "good"}
    frame = replace(running(), flags={GLUTE: Flag.ABSENT, HAMSTRINGS: Flag.GOOD})
    assert view(replace(RUNNING, frame=frame, sensors=sensors)).sensors[0].words == "Glute max, left: Searching"


def test_sides_are_told_apart_in_letters_only_when_there_are_two() -> None:
    assert {s.side for s in view(RUNNING).sensors} == {""}
    assert [s.side for s in view(MOMENTS["eight_good"]).sensors][:2] == ["L", "R"]


@pytest.mark.parametrize("name", MOMENTS)
def test_every_state_can_be_said_in_sentences(name: str) -> None:
    said = view(MOMENTS[name]).description
    assert view(MOMENTS[name]).gauge.headline in said
    assert "nan" not in said.lower()
    assert "None " not in said.replace("None at hand", "")
