"""The coach says one thing at a time, after it has seen it twice, and falls silent when it is well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluteemg.activation.calibrator import Calibrator
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.protocol import Protocol
from gluteemg.activation.ratio import LedBy
from gluteemg.activation.rep import Rep
from gluteemg.coaching.coach import WARN_AFTER_S, Coach, Cue, Message
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.processing.quality import Flag

_ROOT = Path(__file__).parents[2]
_BRIDGE = Exercise.parse((_ROOT / "exercises" / "bridge.toml").read_text("utf-8"), "bridge")
_DEMO = Protocol.parse((_ROOT / "calibration" / "demo.toml").read_text("utf-8"), "demo")
_TEXTS = Texts.parse((_ROOT / "texts" / "en.toml").read_text("utf-8"), "en")
_GLUTES, _HAMSTRINGS = Role("gluteus_maximus", "left"), Role("hamstrings", "left")
_VARIANTS = [f"advice.{v.id}" for v in _BRIDGE.variants]


def _rep(in_zone: bool = False, led_by: LedBy = "hamstrings", over_floor: bool = True, scored: bool = True) -> Rep:
    return Rep(
        start_s=1.0,
        end_s=3.0,
        activation={},
        ln_ratio=-1.0 if scored else None,
        led_by=led_by if scored else None,
        counted=True,
        scored=scored,
        in_zone=in_zone if scored else None,
        over_floor=over_floor if scored else None,
    )


_LED_BY_HAMSTRINGS = _rep()
_GOOD = _rep(in_zone=True, led_by="shared")
_JUST_UNDER = _rep(led_by="shared")
_FAINT = _rep(in_zone=True, led_by="shared", over_floor=False)
_UNSCORED = _rep(scored=False)


def _frames(index: int = 0, flags: Sequence[Flag] = (Flag.GOOD, Flag.GOOD), elapsed_s: float = np.nan) -> Frames:
    """One instant."""
    unknown = np.full((1, 2), np.nan)
    return Frames(
        (_GLUTES, _HAMSTRINGS),
        np.array([index]),
        unknown,
        unknown,
        unknown,
        unknown,
        np.array([flags], np.uint8),
        np.array([np.nan]),
        np.zeros(1, np.uint8),
        np.array([elapsed_s]),
    )


def _advice(coach: Coach, *reps: Rep) -> str | None:
    cue = coach.feed(_frames(), reps, None)
    return None if cue.advice is None else cue.advice.id


def _warnings(coach: Coach, flags: Sequence[Flag], start: int, n: int) -> list[Cue]:
    return [coach.feed(_frames(start + i, flags), (), None) for i in range(n)]


def test_at_first_there_is_nothing_to_say() -> None:
    assert Coach(_BRIDGE).feed(_frames(), (), None) == Cue()


def test_one_repetition_can_be_chance() -> None:
    assert _advice(Coach(_BRIDGE), _LED_BY_HAMSTRINGS) is None


def test_two_led_by_the_hamstrings_give_a_variant_and_the_next_two_another_one() -> None:
    coach = Coach(_BRIDGE)
    told = [_advice(coach, _LED_BY_HAMSTRINGS) for _ in range(4)]
    assert told == [None, _VARIANTS[0], _VARIANTS[0], _VARIANTS[1]]


def test_when_the_variants_are_used_up_it_asks_for_a_squeeze() -> None:
    coach = Coach(_BRIDGE)
    assert _advice(coach, *[_LED_BY_HAMSTRINGS] * 6) == "advice.squeeze_more"


def test_an_advice_comes_with_one_line_why() -> None:
    cue = Coach(_BRIDGE).feed(_frames(), [_LED_BY_HAMSTRINGS] * 2, None)
    assert cue.reason == Message(f"why.{_BRIDGE.variants[0].id}")
    assert not cue.warning


def test_repetitions_in_the_zone_give_no_advice_and_clear_it() -> None:
    coach = Coach(_BRIDGE)
    assert _advice(coach, *[_GOOD] * 8) is None
    assert _advice(coach, _LED_BY_HAMSTRINGS, _LED_BY_HAMSTRINGS) == _VARIANTS[0]
    assert _advice(coach, _GOOD) == _VARIANTS[0]
    assert _advice(coach, _GOOD) is None


def test_after_it_went_well_the_next_variant_is_a_new_one() -> None:
    coach = Coach(_BRIDGE)
    _advice(coach, *[_LED_BY_HAMSTRINGS] * 2, *[_GOOD] * 2)
    assert _advice(coach, *[_LED_BY_HAMSTRINGS] * 2) == _VARIANTS[1]


def test_just_under_the_zone_asks_for_a_squeeze_and_a_faint_one_for_more_height() -> None:
    assert _advice(Coach(_BRIDGE), _JUST_UNDER, _JUST_UNDER) == "advice.squeeze_more"
    assert _advice(Coach(_BRIDGE), _FAINT, _FAINT) == "advice.lift_higher"
    assert _advice(Coach(_BRIDGE), _LED_BY_HAMSTRINGS, _JUST_UNDER) == "advice.squeeze_more"


def test_repetitions_without_a_score_give_no_advice() -> None:
    assert _advice(Coach(_BRIDGE), *[_UNSCORED] * 6) is None
    assert _advice(Coach(_BRIDGE), _LED_BY_HAMSTRINGS, _UNSCORED) is None


def test_what_was_not_counted_does_not_stand_between_two_repetitions() -> None:
    coach = Coach(_BRIDGE)
    short = replace(_UNSCORED, counted=False, reasons=("too_short",))
    assert _advice(coach, _LED_BY_HAMSTRINGS, short, _LED_BY_HAMSTRINGS) == _VARIANTS[0]


@settings(deadline=None)
@given(st.lists(st.sampled_from([_LED_BY_HAMSTRINGS, _GOOD, _JUST_UNDER, _FAINT, _UNSCORED]), max_size=30), st.data())
def test_a_variant_is_proposed_once_and_no_cut_changes_what_is_said(reps: list[Rep], data: st.DataObject) -> None:
    one_by_one: list[str] = []
    coach = Coach(_BRIDGE)
    for rep in reps:
        advice = _advice(coach, rep)
        if advice in _VARIANTS and (not one_by_one or one_by_one[-1] != advice):
            one_by_one.append(advice)
    assert one_by_one == _VARIANTS[: len(one_by_one)]
    cut = data.draw(st.integers(0, len(reps)))
    other = Coach(_BRIDGE)
    _advice(other, *reps[:cut])
    assert _advice(other, *reps[cut:]) == _advice(coach)


@settings(deadline=None)
@given(st.lists(st.sampled_from([_LED_BY_HAMSTRINGS, _GOOD, _JUST_UNDER, _FAINT]), min_size=1, max_size=20))
def test_every_word_of_the_coach_can_be_said(reps: list[Rep]) -> None:
    coach = Coach(_BRIDGE)
    for rep in reps:
        cue = coach.feed(_frames(), [rep], None)
        if cue.advice is not None and cue.reason is not None:
            assert _TEXTS.say(cue.advice)
            assert _TEXTS.say_far(cue.advice)
            assert _TEXTS.say(cue.reason)


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
    coach = Coach(_BRIDGE)
    after = round(WARN_AFTER_S * FRAME_RATE_HZ)
    cues = _warnings(coach, (Flag.GOOD, flag), 1000, after + 10)
    assert cues[:after] == [Cue()] * after
    assert {cue.advice and cue.advice.id for cue in cues[after:]} == {advice}
    assert cues[-1].warning
    assert cues[-1].advice is not None
    assert cues[-1].reason is not None
    assert cues[-1].advice.fills == {"side": "left", "muscle": "hamstrings"}
    assert _TEXTS.say(cues[-1].advice)
    assert _TEXTS.say(cues[-1].reason)
    assert _warnings(coach, (Flag.GOOD, Flag.GOOD), 1000 + after + 10, 1) == [Cue()]


def test_a_short_trouble_passes_by_itself() -> None:
    coach = Coach(_BRIDGE)
    for start in range(0, 1000, 50):
        assert set(map(repr, _warnings(coach, (Flag.GOOD, Flag.ABSENT), start, 40))) == {repr(Cue())}
        _warnings(coach, (Flag.GOOD, Flag.GOOD), start + 40, 10)


def test_a_flag_that_only_asks_for_care_is_no_warning() -> None:
    for flag in (Flag.FILLED, Flag.LOSS, Flag.MAINS, Flag.CLIPPED, Flag.SETTLING):
        assert _warnings(Coach(_BRIDGE), (flag, flag), 0, 200)[-1] == Cue()


def test_a_warning_stands_before_advice_and_the_advice_comes_back() -> None:
    coach = Coach(_BRIDGE)
    _advice(coach, _LED_BY_HAMSTRINGS, _LED_BY_HAMSTRINGS)
    warned = _warnings(coach, (Flag.FLAT, Flag.GOOD), 0, 100)[-1]
    assert warned.advice is not None
    assert warned.advice.id == "advice.press_sensor"
    assert _advice(coach) == _VARIANTS[0]


def test_two_bad_signals_are_named_one_after_the_other() -> None:
    coach = Coach(_BRIDGE)
    both = _warnings(coach, (Flag.FLAT, Flag.ABSENT), 0, 100)[-1]
    assert both.advice is not None
    assert both.advice.fills["muscle"] == "gluteus_maximus"
    second = _warnings(coach, (Flag.GOOD, Flag.ABSENT), 100, 100)[-1]
    assert second.advice is not None
    assert second.advice.fills["muscle"] == "hamstrings"


def test_phases_follow_the_tempo_and_the_last_one_waits_for_a_slower_person() -> None:
    coach = Coach(_BRIDGE)
    seen = [coach.feed(_frames(elapsed_s=t), (), None) for t in (0.0, 1.0, 2.0, 2.5, 3.0, 4.5, 6.0, 60.0)]
    assert [cue.phase for cue in seen] == ["lift", "lift", "hold", "hold", "lower", "lower", "lower", "lower"]
    assert [cue.phase_fraction for cue in seen] == pytest.approx([0, 0.5, 0, 0.5, 0, 0.5, 1, 1])
    assert coach.feed(_frames(), (), None).phase is None


@settings(deadline=None)
@given(st.floats(0, 100))
def test_the_part_of_a_phase_lies_between_nought_and_one(elapsed_s: float) -> None:
    cue = Coach(_BRIDGE).feed(_frames(elapsed_s=elapsed_s), (), None)
    assert 0 <= cue.phase_fraction <= 1
    assert cue.phase in [p.id for p in _BRIDGE.phases]


def test_a_phase_is_shown_beside_advice() -> None:
    coach = Coach(_BRIDGE)
    _advice(coach, _LED_BY_HAMSTRINGS, _LED_BY_HAMSTRINGS)
    cue = coach.feed(_frames(elapsed_s=2.1), (), None)
    assert (cue.phase, cue.advice and cue.advice.id) == ("hold", _VARIANTS[0])


def test_while_a_reference_is_taken_it_says_what_to_do_and_for_how_long() -> None:
    coach, calibrator = Coach(_BRIDGE), Calibrator(_DEMO, (_GLUTES, _HAMSTRINGS))
    said: list[Message] = []
    for index in range(900):
        frame = np.array([[2.0 if index < 450 else 50.0] * 2])
        frames = replace(_frames(index, elapsed_s=1.0), envelope=frame, envelope_fast=frame)
        calibrator.feed(frames)
        cue = coach.feed(frames, (), calibrator)
        if cue.instruction is None:
            break
        assert (cue.advice, cue.phase) == (None, None)
        if not said or said[-1].id != cue.instruction.id:
            said.append(cue.instruction)
        assert _TEXTS.say(cue.instruction)
        assert _TEXTS.say_far(cue.instruction)
    assert [m.id for m in said] == [
        "reference.rest",
        "reference.between",
        "reference.squeeze",
        "reference.between",
        "reference.heel_dig",
    ]
    assert said[0].fills == {"seconds": 4, "number": 1, "of": 1}
    assert index == 899
    assert coach.feed(_frames(901, elapsed_s=1.0), (), calibrator).phase == "lift"


def test_the_trials_of_a_step_are_counted_and_one_that_is_not_used_says_why() -> None:
    twice = Protocol.parse(
        """id = "twice"
        method = "submaximal"
        steps = [
            {id = "rest", kind = "rest", seconds = 2},
            {id = "squeeze", kind = "reference", muscles = ["gluteus_maximus"], seconds = 2, lead_s = 1, trials = 2},
        ]""",
        "twice",
    )
    coach, calibrator = Coach(_BRIDGE), Calibrator(twice, (_GLUTES, _HAMSTRINGS))
    said = []
    for index in range(800):
        quiet = index < 200 or 400 <= index < 600
        frame = np.array([[2.0 if quiet else 50.0] * 2])
        frames = replace(_frames(index), envelope=frame, envelope_fast=frame)
        calibrator.feed(frames)
        cue = coach.feed(frames, (), calibrator)
        if cue.instruction is not None and cue.instruction.id != "reference.between":
            fills = cue.instruction.fills
            now = (cue.instruction.id, fills["number"], fills["of"], cue.reason and cue.reason.id)
            said += [now] if now not in said else []
    assert said == [
        ("reference.rest", 1, 1, None),
        ("reference.squeeze", 1, 2, None),
        ("reference.squeeze", 2, 2, None),
        ("reference.squeeze", 3, 3, "trial.too_quiet"),
    ]
