"""Sets as they go on: ready, countdown, repetitions, rest; and whatever can come between."""

from __future__ import annotations

import pytest
from tests.coaching.stage import BRIDGE, BRIDGES, LEVELS, TEXTS, Stage, frames, rep

from gluteemg.activation.frame import Verdict
from gluteemg.catalogue import load_exercise
from gluteemg.coaching.practice import ASLEEP_S, COUNTDOWN_S, NUDGE_S, PATIENCE_S, READY_S, SETTLED_S
from gluteemg.coaching.verdict import is_good, verdict
from gluteemg.processing.quality import Flag

_LOST = (Flag.ABSENT, Flag.GOOD)


def test_a_set_begins_when_the_target_has_been_at_rest_and_after_a_countdown() -> None:
    stage = Stage()
    stage.wait(READY_S - 0.2)
    assert stage.cue.activity == "ready"
    stage.wait(0.3)
    assert stage.cue.activity == "countdown"
    stage.wait(COUNTDOWN_S + 0.1)
    assert stage.cue.activity == "work"
    assert stage.signs() == ["count", "count", "count", "begin"]


def test_who_still_moves_into_position_is_waited_for_but_not_for_ever() -> None:
    stage = Stage()
    stage.wait(READY_S + 3, level=0.3)
    assert stage.cue.activity == "ready"
    stage.wait(SETTLED_S + 0.1)
    assert stage.cue.activity == "countdown"
    restless = Stage()
    restless.wait(PATIENCE_S + 0.1, level=0.3)
    assert restless.cue.activity == "countdown"


def test_nothing_is_counted_while_no_set_goes_on() -> None:
    stage = Stage()
    stage.wait(1)
    assert not stage.counting
    stage.until("work")
    assert stage.counting
    for _ in range(3):
        stage.rep()
    assert stage.cue.activity == "rest"
    assert not stage.counting


def test_two_sets_of_three_with_a_rest_between_and_then_it_is_done() -> None:
    stage = Stage()
    for number in (1, 2):
        stage.until("work")
        assert (stage.cue.set_number, stage.cue.sets, stage.cue.reps) == (number, 2, 3)
        for count in (1, 2, 3):
            stage.rep()
            assert stage.cue.rep_number == count
    assert stage.coach.done
    assert stage.cue.activity == "done"
    kinds = [event.kind for event in stage.events]
    assert (kinds.count("set"), kinds.count("set_end"), kinds.count("aim")) == (2, 2, 1)
    assert stage.signs().count("rep_in_zone") == 6
    assert stage.signs().count("set_done") == 2
    assert stage.signs()[-1] == "done"


def test_the_rest_counts_down_and_a_key_ends_it() -> None:
    stage = Stage()
    stage.until("work")
    for _ in range(3):
        stage.rep()
    stage.until("rest")
    stage.wait(5)
    assert stage.cue.timer == pytest.approx((15, 20), abs=0.2)
    stage.press("key", key="start")
    stage.wait(0.05)
    assert stage.cue.activity == "countdown"


def test_a_repetition_from_before_the_set_and_one_that_was_not_counted_change_nothing() -> None:
    stage = Stage()
    stage.until("work")
    stage.feed(frames(stage.index), [rep(stage.now_s - 1), rep(stage.now_s + 1, counted=False, lasts_s=0.3)])
    assert stage.cue.rep_number == 0


def test_while_nothing_happens_it_says_so_and_then_pauses_and_a_key_goes_on() -> None:
    stage = Stage()
    stage.until("work")
    stage.wait(NUDGE_S + 0.1)
    assert stage.cue.instruction is not None
    assert stage.cue.instruction.id == "work.begin"
    stage.wait(ASLEEP_S - NUDGE_S)
    assert stage.coach.paused
    stage.wait(600, n=100)
    assert stage.cue.activity == "paused"
    stage.press("resume")
    stage.wait(0.1)
    assert (stage.cue.activity, stage.cue.rep_number) == ("work", 0)
    assert not stage.coach.paused


def test_a_pause_stops_every_clock() -> None:
    stage = Stage()
    stage.until("work")
    for _ in range(3):
        stage.rep()
    stage.until("rest")
    stage.wait(5)
    stage.press("pause")
    stage.wait(300, n=100)
    stage.press("resume")
    stage.wait(0.1)
    assert stage.cue.activity == "rest"
    assert stage.cue.timer == pytest.approx((15, 20), abs=0.3)


def test_when_the_target_is_lost_the_set_goes_on_by_time_and_comes_back_to_the_sensor() -> None:
    stage = Stage()
    stage.until("work")
    stage.rep()
    stage.wait(3.2, flags=_LOST)
    assert stage.cue.phase == "lift"
    stage.wait(7.1, flags=_LOST)
    assert (stage.cue.rep_number, stage.cue.verdict and stage.cue.verdict.id) == (2, "rep.by_time")
    assert stage.cue.warning
    assert "signal_lost" in stage.signs()
    late = rep(stage.now_s - 1.0)
    stage.feed(frames(stage.index), [late])
    assert stage.cue.rep_number == 2  # it began in time that was counted already
    stage.wait(1.0)
    assert "signal_back" in stage.signs()
    stage.rep()
    assert stage.cue.rep_number == 3


def test_a_last_hold_is_waited_for_and_its_time_in_the_zone_is_told() -> None:
    stage = Stage(BRIDGES.replace("sets = 2", "sets = 1") + "\nhold_s = 10")
    stage.until("work")
    for _ in range(3):
        stage.rep()
    stage.until("hold")
    stage.wait(2.0)
    stage.wait(10.2, level=0.5, verdict=Verdict.IN_ZONE)
    held = next(event for event in stage.events if event.kind == "hold")
    assert held.detail["in_zone_s"] == pytest.approx(10.0, abs=0.3)
    assert stage.coach.done


def test_a_plan_that_names_no_side_asks_for_both() -> None:
    stage = Stage('do = "practise"\nexercise = "clamshell"\nsides = []')
    stage.until("work")
    assert (stage.cue.side, stage.cue.sets) == ("left", 2 * load_exercise("clamshell").dose.sets.least)


def test_a_hold_is_counted_down_while_it_lasts() -> None:
    stage = Stage(BRIDGES.replace("sets = 2", "sets = 1") + "\nhold_s = 10")
    stage.until("work")
    for _ in range(3):
        stage.rep()
    stage.until("hold")
    stage.wait(2.0)
    assert stage.cue.timer == (10, 10)
    stage.wait(4.0, level=0.5, verdict=Verdict.IN_ZONE)
    assert stage.cue.timer == pytest.approx((6, 10), abs=0.1)
    stage.wait(0.5)
    assert stage.cue.timer == (10, 10)  # it was too short to be one


def test_against_a_task_repetitions_are_counted_and_a_hold_needs_no_zone() -> None:
    task = LEVELS.model_copy(update={"method": "task"})
    stage = Stage(BRIDGES.replace("sets = 2", "sets = 1") + "\nhold_s = 5", calibration=task)
    stage.until("work")
    assert next(event for event in stage.events if event.kind == "aim").detail["zone"] is None
    for _ in range(3):
        stage.rep(scored=False, reasons=("task_reference",))
    stage.until("hold")
    stage.wait(5.2, level=0.5, verdict=Verdict.MUTED)
    held = next(event for event in stage.events if event.kind == "hold")
    assert held.detail["in_zone_s"] == pytest.approx(5.0, abs=0.3)
    told = [message.id for cue in stage.cues for message in cue.spoken]
    assert "outcome.counted" in told
    assert "outcome.by_time" not in told


def test_a_hold_that_never_comes_is_not_waited_for_for_ever() -> None:
    stage = Stage(BRIDGES.replace("sets = 2", "sets = 1") + "\nhold_s = 10")
    stage.until("work")
    for _ in range(3):
        stage.rep()
    stage.until("hold")
    stage.wait(16)
    assert stage.coach.done


def test_an_exercise_of_one_side_is_done_on_both_and_where_there_is_no_sensor_by_time() -> None:
    stage = Stage('do = "practise"\nexercise = "scorpion"\nsets = 1\nreps = 2')
    stage.until("work")
    assert (stage.cue.sets, stage.cue.side, stage.counting) == (2, "left", True)
    for _ in range(2):
        stage.rep(lasts_s=5.0)
    stage.until("work")
    assert (stage.cue.side, stage.counting) == ("right", False)
    stage.until("done")
    told = [(e.detail["side"], e.detail["counted"]) for e in stage.events if e.kind == "set_end"]
    assert told == [("left", 2), ("right", 2)]


def test_a_plan_can_ask_for_one_side_alone() -> None:
    stage = Stage('do = "practise"\nexercise = "scorpion"\nsets = 1\nreps = 2\nsides = ["left"]')
    stage.until("work")
    assert (stage.cue.sets, stage.cue.side) == (1, "left")


def test_where_sides_take_turns_each_that_is_heard_has_its_repetitions() -> None:
    stage = Stage('do = "practise"\nexercise = "penguin"\nsets = 1\nreps = 4')
    stage.until("work")
    assert stage.cue.reps == 8  # gluteus medius is worn on neither side: by time, both are counted


def test_what_has_no_sensor_goes_by_time_alone() -> None:
    stage = Stage('do = "practise"\nexercise = "adductor_squeeze"\nsets = 1\nreps = 2')
    stage.until("done", most_s=120)
    assert [e.detail["counted"] for e in stage.events if e.kind == "set_end"] == [2]


def test_a_hamstring_led_person_gets_a_variant_within_two_repetitions_and_its_reason() -> None:
    stage = Stage(BRIDGES.replace("reps = 3", "reps = 8"))
    stage.until("work")
    stage.rep(in_zone=False, led_by="hamstrings")
    assert stage.cue.advice is None
    stage.rep(in_zone=False, led_by="hamstrings")
    assert stage.cue.advice is not None
    assert stage.cue.advice.id == "advice.heels_close"
    assert "advice" in stage.cue.signs
    assert stage.cue.advice in stage.cue.spoken
    told = next(event for event in stage.events if event.kind == "advice")
    assert told.detail["source"]
    stage.rep()
    assert stage.cue.advice is not None
    stage.rep()
    assert stage.cue.advice is None


def test_a_glute_led_person_is_left_in_peace() -> None:
    stage = Stage(BRIDGES.replace("reps = 3", "reps = 12"))
    stage.until("work")
    for _ in range(12):
        stage.rep(led_by="glutes")
    assert {cue.advice for cue in stage.cues} == {None}
    assert not [event for event in stage.events if event.kind == "advice"]


def test_an_assessment_gives_no_advice() -> None:
    stage = Stage(BRIDGES.replace("reps = 3", "reps = 8"), kind="assessment")
    stage.until("work")
    for _ in range(6):
        stage.rep(in_zone=False, led_by="hamstrings")
    assert {cue.advice for cue in stage.cues} == {None}


def test_what_is_declined_gives_way_to_another_and_a_cramp_is_answered_at_once() -> None:
    stage = Stage(BRIDGES.replace("reps = 3", "reps = 12"))
    stage.until("work")
    for _ in range(2):
        stage.rep(in_zone=False, led_by="hamstrings")
    first = stage.cue.advice
    stage.press("key", key="decline")
    stage.wait(0.05)
    assert stage.cue.advice != first
    stage.press("key", key="cramp")
    stage.wait(0.05)
    assert stage.cue.advice is not None
    assert stage.cue.advice.id == "advice.cramp_release"


def test_one_reason_is_said_of_a_repetition_the_one_that_matters_most() -> None:
    said = {
        "rep.in_zone": rep(10.0),
        "rep.hamstrings_led": rep(10.0, in_zone=False, led_by="hamstrings", over_floor=False),
        "rep.under_zone": rep(10.0, in_zone=False),
        "rep.under_floor": rep(10.0, over_floor=False, lasts_s=1.0),
        "rep.too_fast": rep(10.0, lasts_s=2.0),
        "rep.slow": rep(20.0, lasts_s=12.0),
        "rep.signal_lost": rep(10.0, scored=False, reasons=("signal_lost",)),
    }
    for id, done in said.items():
        assert verdict(done, BRIDGE).id == id
        assert TEXTS.say(verdict(done, BRIDGE))
        assert is_good(done, BRIDGE) == (id == "rep.in_zone")
