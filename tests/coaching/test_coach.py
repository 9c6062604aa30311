"""The coach leads through a plan; there is a way out of everything, and nothing is counted or said twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.coaching.stage import ADVICE, BRIDGE, BRIDGES, TEXTS, Stage, frames, rep

from gluteemg.activation.frame import FRAME_RATE_HZ, Verdict
from gluteemg.catalogue import load_protocol
from gluteemg.coaching.coach import WARN_AFTER_S, practice_of
from gluteemg.coaching.cue import Cue
from gluteemg.coaching.last_hold import HOLD_WAIT_S
from gluteemg.coaching.message import Message
from gluteemg.coaching.part import Now
from gluteemg.coaching.practice import ASLEEP_S, PATIENCE_S
from gluteemg.coaching.steps import Measuring
from gluteemg.processing.quality import Flag
from gluteemg.sensors.source import Event

_EVERYTHING = (
    'do = "ask"\nquestion = "pain_before"',
    'do = "watch"\nposture = "standing"',
    'do = "relax"\ntimes = 2\nhold_s = 3\nrest_s = 5',
    'do = "task"\ntask = "breathing"\nseconds = 10',
    'do = "measure"\nprotocol = "rest"',
    BRIDGES + "\nhold_s = 5",
    'do = "practise"\nexercise = "adductor_squeeze"\nsets = 1\nreps = 2',
)
_GOOD = (Flag.GOOD, Flag.GOOD)


@pytest.mark.parametrize(
    ("flag", "advice"),
    [
        (Flag.ABSENT, "advice.move_closer"),
        (Flag.HEAVY_LOSS, "advice.move_closer"),
        (Flag.HEAVY_MAINS, "advice.away_from_mains"),
        (Flag.HEAVY_CLIPPED, "advice.lower_gain"),
        (Flag.HEAVY_MOTION, "advice.secure_sensor"),
        (Flag.NO_SNR, "advice.move_sensor"),
        (Flag.CONTACT, "advice.press_sensor"),
        (Flag.FLAT, "advice.press_sensor"),
    ],
)
def test_a_bad_signal_is_named_after_half_a_second_and_forgotten_when_it_is_good(flag: Flag, advice: str) -> None:
    stage = Stage()
    stage.wait(1.0)
    stage.wait(WARN_AFTER_S, flags=(Flag.GOOD, flag))
    assert stage.cue.advice is None
    stage.wait(0.1, flags=(Flag.GOOD, flag))
    assert stage.cue.warning
    assert stage.cue.advice == Message(advice, {"side": "left", "muscle": "hamstrings"})
    assert stage.cue.reason is not None
    assert all(TEXTS.say(message) for message in _messages(stage.cue))
    stage.wait(0.1)
    assert (stage.cue.advice, stage.cue.warning) == (None, False)
    assert stage.signs().count("signal_lost") == stage.signs().count("signal_back") == 1


def test_a_short_trouble_passes_by_itself() -> None:
    stage = Stage()
    for _ in range(10):
        stage.wait(0.4, flags=(Flag.GOOD, Flag.ABSENT))
        stage.wait(0.1)
    assert not any(cue.warning for cue in stage.cues)


def test_every_step_of_a_plan_comes_in_its_order() -> None:
    stage = Stage(*_EVERYTHING)
    stage.wait(0.5)
    assert (stage.cue.activity, stage.cue.question) == ("question", "pain_before")
    stage.press("answer", question="pain_after", value=3)
    stage.wait(0.5)
    assert stage.cue.activity == "question"  # that was another question
    stage.press("answer", question="pain_before", value=1)
    order = ["watch", "relax", "task", "measure", "ready", "countdown", "work"]
    for activity in order:
        stage.until(activity)
    seen = [a.activity for a, b in zip(stage.cues[1:], stage.cues, strict=False) if a.activity != b.activity]
    assert seen == order


def test_pain_over_the_limit_ends_the_set_and_severe_pain_everything_and_says_whom_to_ask() -> None:
    stage = Stage(BRIDGES.replace("sets = 2", "sets = 3"))
    stage.until("work")
    stage.rep()
    _say_it_hurts(stage)
    stage.press("answer", question="pain_during", value=99)
    stage.wait(0.1)
    assert stage.cue.question == "pain_during"  # that is no answer
    stage.press("answer", question="pain_during", value=4)
    stage.wait(0.1)
    assert (stage.cue.activity, stage.cue.instruction, stage.cue.reason) == (
        "paused",
        Message("stop_rule.set"),
        Message("referral.pain"),
    )
    assert Message("referral.pain") in [message for cue in stage.cues for message in cue.spoken]
    stage.wait(100)
    stage.press("resume")
    stage.wait(0.1)
    assert stage.cue.activity == "rest"
    stage.until("work")
    _say_it_hurts(stage)
    stage.press("answer", question="pain_during", value=5)  # the same rule holds again
    stage.wait(0.1)
    assert stage.cue.activity == "paused"
    _say_it_hurts(stage)  # out of a pause
    stage.press("answer", question="pain_during", value=8)
    stage.wait(0.1)
    assert stage.cue.activity == "done"
    assert stage.cue.instruction == Message("stop_rule.session")
    assert stage.cue.reason == Message("referral.severe_pain")


def test_an_answer_that_ends_everything_keeps_what_the_set_came_to() -> None:
    stage = Stage()
    stage.until("work")
    for _ in range(2):
        stage.rep()
    _say_it_hurts(stage)
    stage.press("answer", question="pain_during", value=9)
    stage.wait(0.1)
    (end,) = [event for event in stage.events if event.kind == "set_end"]
    assert (end.detail["counted"], end.detail["good"], len(end.detail["taken"])) == (2, 2, 2)


def test_what_was_answered_before_it_is_asked_is_not_asked_again() -> None:
    stage = Stage('do = "ask"\nquestion = "pain_before"', BRIDGES)
    stage.press("answer", question="pain_before", value=2)
    stage.wait(0.1)
    assert stage.cue.activity == "ready"


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        ('do = "task"\ntask = "breathing"\nseconds = 20', "task"),
        ('do = "watch"\nposture = "standing"', "posture_check"),
        ('do = "measure"\nprotocol = "rest"', "calibration"),
    ],
)
def test_no_time_passes_in_a_step_while_something_else_is_asked(step: str, kind: str) -> None:
    stage = Stage(step, BRIDGES)
    stage.wait(5)
    _say_it_hurts(stage)
    stage.wait(120)
    stage.press("answer", question="pain_during", value=1)
    stage.wait(2)
    assert stage.cue.activity not in ("question", "ready")
    assert kind not in [event.kind for event in stage.events]


def test_a_question_in_a_set_by_time_counts_nothing_and_nobody_falls_asleep() -> None:
    stage = Stage('do = "practise"\nexercise = "adductor_squeeze"\nsets = 1\nreps = 9')
    stage.until("work")
    stage.wait(0.5)
    _say_it_hurts(stage)
    stage.wait(150)
    stage.press("answer", question="pain_during", value=1)
    stage.wait(0.2)
    assert (stage.cue.activity, stage.cue.rep_number, stage.coach.paused) == ("work", 0, False)


def test_an_advice_that_a_warning_covers_cannot_be_declined() -> None:
    stage = Stage(BRIDGES.replace("reps = 3", "reps = 9"))
    stage.until("work")
    for _ in range(2):
        stage.rep(in_zone=False, led_by="hamstrings")
    offered = stage.cue.advice
    stage.wait(1.0, flags=(Flag.GOOD, Flag.FLAT))
    stage.press("key", key="decline")
    stage.wait(0.2)
    assert stage.cue.advice == offered


def _say_it_hurts(stage: Stage) -> None:
    stage.press("key", key="hurts")
    stage.wait(0.1)
    stage.press("answer", question="symptoms", value=[])
    stage.wait(0.1)
    assert (stage.cue.activity, stage.cue.question) == ("question", "pain_during")


def test_relaxing_that_is_for_the_clenched_is_left_out_by_who_is_at_rest() -> None:
    relax = 'do = "relax"\ntimes = 2\nhold_s = 3\nrest_s = 5\nonly_if_clenched = true'
    watch = 'do = "watch"\nposture = "standing"'
    at_rest, clenched = Stage(watch, relax, BRIDGES), Stage(watch, relax, BRIDGES)
    at_rest.wait(34.5)
    clenched.wait(34.5, level=0.3)
    assert clenched.cue.activity == "watch"  # time to let go of it first
    clenched.wait(8.1)
    assert (at_rest.cue.activity, clenched.cue.activity) == ("ready", "relax")
    assert [e.detail["clenched"] for s in (at_rest, clenched) for e in s.events if e.kind == "posture_check"] == [False, True]


def test_both_halves_of_contract_and_relax_are_told() -> None:
    stage = Stage('do = "relax"\ntimes = 2\nhold_s = 3\nrest_s = 6')
    stage.wait(4.2)
    assert stage.cue.instruction is not None
    assert stage.cue.instruction.id == "relax.squeeze"
    stage.wait(2.8, level=0.6)
    stage.wait(6.1)
    assert stage.cue.verdict is not None
    assert stage.cue.verdict.id == "relax.quick"
    stage.wait(2.9, level=0.6)
    stage.wait(5.9, level=0.5)
    stage.wait(0.4)
    told = [event for event in stage.events if event.kind == "relax"]
    assert [e.detail["number"] for e in told] == [1, 2]
    assert [c.verdict.id for c in stage.cues if c.verdict is not None][-1] == "relax.slow"
    assert [sign for sign in stage.signs() if sign in ("begin", "let_go")] == ["begin", "let_go"] * 2


def test_a_pause_in_a_measurement_begins_it_again() -> None:
    stage = Stage('do = "measure"\nprotocol = "rest"', BRIDGES)
    stage.wait(3)
    stage.press("pause")
    stage.wait(30, level=0.5)
    stage.press("resume")
    stage.wait(0.1)
    assert stage.cue.activity == "measure"
    stage.until("ready", most_s=60)
    assert [event.kind for event in stage.events if event.kind == "calibration"] == ["calibration"]


def test_drift_without_levels_is_left_out_and_said() -> None:
    stage = Stage('do = "measure"\nprotocol = "resqueeze"', BRIDGES, calibration=None)
    stage.wait(0.05)
    assert stage.cue.verdict == Message("check.nothing_to_compare")
    stage.wait(0.1)
    assert stage.cue.activity == "ready"


def test_something_else_can_come_first_at_any_time_and_the_set_goes_on_after_it() -> None:
    stage = Stage()
    stage.until("work")
    stage.rep()
    stage.coach.insert(Measuring(load_protocol("rest")))
    stage.wait(0.1)
    assert (stage.coach.measuring, stage.counting) == (True, False)
    stage.until("work", most_s=60)
    assert (stage.cue.rep_number, stage.counting) == (1, True)


def test_without_a_plan_repetitions_are_taken_as_they_come_for_as_long_as_they_come() -> None:
    coach = practice_of(BRIDGE, ADVICE)
    index = 0
    for _ in range(40):
        cue, events = coach.feed(Now(frames(index), [rep((index - 50) / FRAME_RATE_HZ, lasts_s=2.0)]))
        index += 1000
        assert not events
        assert cue.advice is None
    assert (cue.activity, cue.rep_number, cue.reps) == ("work", 39, 0)  # one began before the session
    assert not coach.done


# Laws, over whatever may happen


@dataclass
class _Life:
    """What came about on a stage, for laws to look at."""

    stage: Stage
    given: int = 0  # repetitions that were decided while a set went on
    declined: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)  # offered though it was declined

    def happen(self, what: str, size: int) -> None:
        stage, seen = self.stage, len(self.stage.cues)
        declined = set(self.declined)
        self._happen(what, size)
        self.repeated |= {c.advice.id for c in stage.cues[seen:] if c.advice is not None and not c.warning} & declined

    def _happen(self, what: str, size: int) -> None:  # noqa: C901 (a list of what may happen)
        stage = self.stage
        match what:
            case "rest":
                stage.wait(size / 4, n=25)
            case "work":
                stage.wait(size / 4, level=0.5, verdict=Verdict.IN_ZONE, n=25)
            case "rep" | "bad_rep" | "unscored":
                self.given += 1
                stage.wait(6.0, level=0.5, verdict=Verdict.IN_ZONE, n=25)
                end_s = stage.now_s
                stage.wait(0.5)
                stage.feed(frames(stage.index), [_REPS[what](end_s)])
            case "lost":
                stage.wait(size / 4, flags=(Flag.ABSENT, Flag.ABSENT), n=25)
            case "bad":
                stage.wait(size / 4, flags=(Flag.FLAT, Flag.GOOD), n=25)
            case "gap":
                stage.index += size * 100
                stage.wait(0.05)
            case "pause" | "resume":
                stage.press(what)
            case "answer":
                asked = stage.cue.question or "pain_before"
                stage.press("answer", question=asked, value=[] if asked in ("symptoms", "wearing", "cramp") else size % 6)
                stage.wait(0.05)
            case "insert":
                stage.coach.insert(Measuring(load_protocol("rest")))
            case "squeezes":
                _squeeze_twice(stage)
            case "flicker":
                for _ in range(size):
                    stage.wait(3.5, flags=(Flag.ABSENT, Flag.GOOD), n=50)
                    stage.wait(0.05)
            case "decline":
                advice = stage.cue.advice if stage.cues else None
                if advice is not None and not stage.cue.warning and not stage.coach.paused:
                    self.declined.add(advice.id)
                stage.press("key", key=what)
                stage.wait(0.05)
            case _:
                stage.press("key", key=what)
                stage.wait(0.05)


_REPS = {
    "rep": lambda end_s: rep(end_s),
    "bad_rep": lambda end_s: rep(end_s, in_zone=False, led_by="hamstrings", over_floor=False),
    "unscored": lambda end_s: rep(end_s, scored=False, reasons=("signal_lost",)),
}
_OTHERS = ["rest", "work", "lost", "bad", "gap", "flicker", "pause", "resume", "insert", "squeezes"]
_KEYS = ["start", "skip", "end_set", "decline", "cramp", "hurts", "answer"]
_WHAT = [*_REPS, *_REPS, *_REPS, *_OTHERS, *_KEYS]
_LIVES = st.lists(st.tuples(st.sampled_from(_WHAT), st.integers(1, 40)), min_size=10, max_size=40)
_PLANS = st.sampled_from([(BRIDGES,), (BRIDGES + "\nhold_s = 5",), _EVERYTHING, (BRIDGES.replace("reps = 3", "reps = 9"),) * 2])


def _live(steps: Sequence[str], life: Sequence[tuple[str, int]]) -> _Life:
    lived = _Life(Stage(*steps))
    lived.stage.wait(0.05)
    for _ in range(2 * (lived.stage.cue.activity == "ready")):  # straight into the first set
        lived.happen("start", 1)
    for what, size in life:
        lived.happen(what, size)
    return lived


@settings(deadline=None, max_examples=25)
@given(_PLANS, _LIVES)
def test_there_is_a_way_out_of_every_state(steps: Sequence[str], life: list[tuple[str, int]]) -> None:
    stage = _live(steps, life).stage
    stage.press("resume")
    for _ in range(3 * len(steps) + len(life)):  # questions about pain, and checks, may stand in front
        stage.press("key", key="skip")
    assert stage.coach.done
    stage.wait(0.05)
    assert stage.cue.activity == "done"
    assert not stage.counting


@settings(deadline=None, max_examples=25)
@given(_PLANS, _LIVES, st.sampled_from(["nothing", "lost", "reps"]))
def test_no_set_goes_on_for_ever_whatever_the_signal_does(steps: Sequence[str], life: list[tuple[str, int]], then: str) -> None:
    """With nobody there it pauses; without a signal it goes on by time; with repetitions it comes to its end."""
    lived = _live(steps, life)
    stage = lived.stage
    stage.press("resume")
    before = _ends(stage)
    for _ in range(200):
        if stage.coach.done or stage.coach.paused or _ends(stage) > before or stage.cue.activity == "question":
            return
        if then == "reps" and stage.cue.activity == "work":
            stage.rep()
        else:
            stage.wait(2.0, flags=(Flag.ABSENT,) * 2 if then == "lost" else _GOOD, n=50)
    raise AssertionError(f"after {max(ASLEEP_S, PATIENCE_S, HOLD_WAIT_S)} s and more it is still {stage.cue}")


def _ends(stage: Stage) -> int:
    return sum(event.kind == "set_end" for event in stage.events)


@settings(deadline=None, max_examples=25)
@given(_PLANS, _LIVES)
def test_no_repetition_is_counted_twice_and_none_over_what_was_asked(steps: Sequence[str], life: list[tuple[str, int]]) -> None:
    lived = _live(steps, life)
    counted = 0
    in_sets = [cue for cue in lived.stage.cues if cue.sets]  # not while something else stands in front
    for cue, before in zip(in_sets[1:], in_sets, strict=False):
        assert 0 <= cue.rep_number <= cue.reps
        by_time = cue.verdict is not None and cue.verdict.id == "rep.by_time"
        if cue.rep_number > before.rep_number and not by_time:
            counted += cue.rep_number - before.rep_number
    assert counted <= lived.given


@settings(deadline=None, max_examples=25)
@given(_PLANS, _LIVES)
def test_no_advice_undoes_the_one_before_or_comes_back_after_it_was_declined(
    steps: Sequence[str], life: list[tuple[str, int]]
) -> None:
    lived = _live(steps, life)
    opposes = {change.id: change.opposes for change in ADVICE.changes} | {v.id: v.opposes for v in BRIDGE.variants}
    told = [event.detail["change"] for event in lived.stage.events if event.kind == "advice"]
    for change, before in zip(told[1:], told, strict=False):
        assert change not in opposes[before]
        assert before not in opposes[change]
    assert not lived.repeated


@settings(deadline=None, max_examples=25)
@given(_PLANS, _LIVES)
def test_whatever_is_shown_or_spoken_has_words(steps: Sequence[str], life: list[tuple[str, int]]) -> None:
    for cue in _live(steps, life).stage.cues:
        for message in _messages(cue):
            assert TEXTS.say(message)


def _messages(cue: Cue) -> list[Message]:
    return [m for m in (cue.advice, cue.reason, cue.instruction, cue.verdict, *cue.spoken) if m is not None]


@settings(deadline=None, max_examples=25)
@given(_PLANS, _LIVES)
def test_repetitions_are_looked_for_in_sets_alone(steps: Sequence[str], life: list[tuple[str, int]]) -> None:
    stage = Stage(*steps)
    lived = _Life(stage)
    stage.wait(0.05)
    for what, size in life:
        lived.happen(what, size)
        stage.wait(0.05)
        if not stage.coach.paused:
            heard = stage.cue.exercise != "adductor_squeeze"  # its target is not worn: it goes by time
            assert stage.counting == (heard and stage.cue.activity in ("work", "hold"))


def test_events_that_others_put_between_the_packets_mean_nothing_to_the_coach() -> None:
    stage = Stage()
    for event in (Event("marker", {"note": "x"}), Event("pause", {"by": "coach"}), Event("battery", {"value": 3, "unit": "%"})):
        stage.coach.happen(event)
    stage.wait(1)
    assert stage.cue.activity == "ready"


def _squeeze_twice(stage: Stage) -> None:
    """Rest, two short squeezes of the glutes alone, rest."""
    stage.wait(1.5)
    for _ in range(2):
        _squeeze(stage, 0.5)
        stage.wait(0.5)
    stage.wait(1.5)


def _squeeze(stage: Stage, seconds: float) -> None:
    run = frames(stage.index, round(seconds * FRAME_RATE_HZ), level=0.7)
    run.activation_fast[:, 1] = run.activation[:, 1] = 0.05
    stage.feed(run)


def test_two_short_squeezes_pause_a_set_and_go_on_with_it_and_are_no_repetitions() -> None:
    stage = Stage(BRIDGES.replace("reps = 3", "reps = 8"))
    stage.until("work")
    stage.rep()
    stage.wait(1.0)
    began_s = stage.now_s
    _squeeze(stage, 0.6)
    stage.wait(0.5)
    stage.feed(frames(stage.index), [rep(began_s + 0.7, lasts_s=0.65, in_zone=False)])
    assert stage.cue.rep_number == 2
    _squeeze(stage, 0.6)
    stage.wait(2.0)
    assert (stage.coach.paused, stage.cue.activity) == (True, "paused")
    _squeeze_twice(stage)
    assert (stage.coach.paused, stage.cue.rep_number) == (False, 1)
    assert [e.kind for e in stage.events if e.detail.get("hands_free")] == ["pause", "resume"]


def test_two_short_squeezes_whose_first_was_taken_for_the_last_repetition_pause_all_the_same() -> None:
    stage = Stage(BRIDGES)
    stage.until("work")
    for _ in range(2):
        stage.rep()
    stage.wait(1.0)
    began_s = stage.now_s
    _squeeze(stage, 0.6)
    stage.wait(0.5)
    stage.feed(frames(stage.index), [rep(began_s + 0.7, lasts_s=0.65, in_zone=False)])
    assert stage.cue.activity == "rest"
    _squeeze(stage, 0.6)
    stage.wait(2.0)
    assert stage.cue.activity == "paused"


def test_two_short_squeezes_end_a_rest_and_mean_nothing_while_squeezing_is_asked_for() -> None:
    stage = Stage()
    stage.until("work")
    for _ in range(3):
        stage.rep()
    assert stage.cue.activity == "rest"
    _squeeze_twice(stage)
    assert stage.cue.activity == "countdown"
    relaxing = Stage('do = "relax"\ntimes = 5\nhold_s = 5\nrest_s = 10')
    for _ in range(10):
        _squeeze_twice(relaxing)
    assert not any(event.detail.get("hands_free") for event in relaxing.events)
