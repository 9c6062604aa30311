"""The advisor offers one change at a time, gives it time, and leaves in peace who needs none; its rules are data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluteemg import catalogue
from gluteemg.activation.ratio import led_by
from gluteemg.activation.rep import Rep
from gluteemg.coaching.advisor import TRY_REPS, WELL_REPS, Advice, AdviceTable, Advisor, asks, is_in, lesser_side
from gluteemg.coaching.exercise import Exercise, Situation
from gluteemg.coaching.message import Message
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role

_ROOT = Path(__file__).parents[2]
_RULES = (_ROOT / "exercises" / "advice" / "rules.toml").read_text("utf-8")
_TABLE = AdviceTable.parse(_RULES, "rules.toml")
_LEFT, _RIGHT, _HAMSTRINGS = Role("gluteus_maximus", "left"), Role("gluteus_maximus", "right"), Role("hamstrings", "left")

_LIFT = Exercise.parse(
    """
id = "lift"
stage = 2
posture = "supine"
side_mode = "both"
target = ["gluteus_maximus"]
requires = ["gluteus_maximus", "hamstrings"]
share_band = [1.25, 2.0]
floor = { mvic = 0.2, ref = 0.4 }
phases = [{ id = "lift", tempo_s = 2 }, { id = "hold", tempo_s = 1 }, { id = "lower", tempo_s = 3 }]
dose = { sets = { least = 1, most = 2 }, reps = { least = 8, most = 12 }, rest_s = 60 }
channel = "tone"
stop = "usual"
variants = [
  { id = "heels_close", helps = ["low_share", "cramp"], expect = "less hamstrings", source = "chosen" },
  { id = "feet_wide", helps = ["low_share"], opposes = ["feet_narrow"], expect = "more glutes", source = "chosen" },
  { id = "feet_narrow", helps = ["low_share"], expect = "more glutes", source = "chosen" },
]
""",
    "lift.toml",
)
"""Its zone begins at R = 1.0, the margin taken off, so that a repetition can be just under it."""


def _rep(ratio: float = 1.6, peak: float = 0.6, seconds: float = 6.0, right: float | None = None, lingers: bool = False) -> Rep:
    """A scored repetition: its ratio, the highest 500 ms of its glutes, its length, how much the right side does."""
    in_zone, over_floor = ratio >= 1.0, peak >= 0.4
    levels = {_LEFT: 0.5, _HAMSTRINGS: 0.4} | ({} if right is None else {_RIGHT: right})
    return Rep(
        start_s=0.0,
        end_s=seconds,
        activation=levels,
        ln_ratio=float(np.log(ratio)),
        led_by=led_by(float(np.log(ratio))),
        counted=True,
        scored=True,
        in_zone=in_zone,
        over_floor=over_floor,
        peak={_LEFT: peak},
        time_to_relax_s={_LEFT: None if lingers else 1.0},
        residual={_LEFT: 0.4 if lingers else 0.05},
    )


_GOOD = _rep()
_LED = _rep(ratio=0.5)
_UNDER = _rep(ratio=0.9)
_FAINT = _rep(peak=0.3)
_QUICK = _rep(seconds=2.0)
_UNEVEN = _rep(right=0.3)
_HELD = _rep(lingers=True)
_UNSCORED = replace(_GOOD, ln_ratio=None, led_by=None, scored=False, in_zone=None, over_floor=None, reasons=("signal_lost",))


def _advisor(exercise: Exercise = _LIFT, variant: str | None = None, table: AdviceTable = _TABLE) -> Advisor:
    return Advisor(table, exercise, variant)


def _told(advisor: Advisor, *reps: Rep) -> list[str | None]:
    """What is newly offered after each."""
    return [None if advice is None else advice.change for advice in map(advisor.rep, reps)]


# One change at a time, in order, with time to try it


def test_a_hamstring_led_person_gets_a_variant_within_two_repetitions() -> None:
    advisor = _advisor()
    assert _told(advisor, _LED, _LED) == [None, "heels_close"]
    assert advisor.present == Advice("heels_close", "heels_close", "low_share", "chosen", {"muscle": "gluteus_maximus"})


def test_the_next_change_comes_after_two_repetitions_and_the_variants_before_the_squeeze() -> None:
    advisor = _advisor()
    assert _told(advisor, *[_LED] * 8) == [None, "heels_close", None, "feet_wide", None, "squeeze_more", None, "feet_narrow"]


def test_when_all_is_tried_the_last_change_stays_and_nothing_new_is_said() -> None:
    advisor = _advisor()
    _told(advisor, *[_LED] * 8)
    assert _told(advisor, *[_LED] * 20) == [None] * 20
    assert advisor.present is not None
    assert advisor.present.change == "feet_narrow"


def test_a_change_that_undoes_the_last_one_is_passed_over() -> None:
    advisor = _advisor()
    _told(advisor, *[_LED] * 4)
    assert _told(advisor, _LED, _LED)[1] == "squeeze_more"  # feet_narrow would undo feet_wide


def test_the_variant_that_an_exercise_begins_with_is_not_offered() -> None:
    assert _told(_advisor(variant="heels_close"), _LED, _LED) == [None, "feet_wide"]
    assert _told(_advisor(variant="feet_narrow"), *[_LED] * 4) == [None, "heels_close", None, "feet_wide"]


def test_a_person_who_changes_is_left_in_peace_after_two_good_repetitions() -> None:
    advisor = _advisor()
    _told(advisor, _LED, _LED, _GOOD)
    assert advisor.present is not None
    assert _told(advisor, _GOOD) == [None]
    assert advisor.present is None


def test_what_helped_is_offered_again_when_its_situation_comes_back() -> None:
    advisor = _advisor()
    assert _told(advisor, _LED, _LED, _GOOD, _GOOD, _LED, _LED)[-1] == "heels_close"


def test_what_did_not_help_is_not_offered_again() -> None:
    advisor = _advisor()
    told = _told(advisor, *[_LED] * 4, _GOOD, _GOOD, _LED, _LED)
    assert told == [None, "heels_close", None, "feet_wide", None, None, None, "feet_wide"]


def test_a_glute_led_person_is_left_in_peace() -> None:
    advisor = _advisor()
    assert _told(advisor, *[_GOOD] * 40) == [None] * 40


def test_repetitions_without_a_signal_neither_call_for_a_change_nor_withdraw_one() -> None:
    advisor = _advisor()
    assert _told(advisor, *[_UNSCORED] * 9) == [None] * 9
    _told(advisor, _LED, _LED, *[_UNSCORED] * 9)
    assert advisor.present is not None
    assert _told(advisor, _LED) == [None]


def test_a_new_set_is_looked_at_by_itself() -> None:
    advisor = _advisor()
    _told(advisor, _LED)
    advisor.begin_set()
    assert _told(advisor, _LED, _LED) == [None, "heels_close"]


def test_a_change_stays_over_the_rest_between_sets() -> None:
    advisor = _advisor()
    _told(advisor, _LED, _LED)
    advisor.begin_set()
    assert advisor.present is not None


def test_a_change_of_one_set_is_over_with_it_and_can_come_back_in_the_next() -> None:
    advisor = _advisor()
    for _ in range(2):
        assert _told(advisor, _GOOD, _GOOD, _FAINT, _FAINT)[-1] == "end_set"
        advisor.begin_set()
        assert advisor.present is None


# What the person says


def test_a_cramp_is_answered_at_once_and_each_time_otherwise() -> None:
    advisor = _advisor()
    told = [advisor.report("cramp") for _ in range(5)]
    assert [advice and advice.change for advice in told] == ["cramp_release", "heels_close", "ease_off", "end_set", None]


def test_after_a_cramp_that_eased_the_next_one_brings_a_variant() -> None:
    advisor = _advisor()
    advisor.report("cramp")
    assert _told(advisor, _GOOD, _GOOD) == [None, None]
    assert advisor.present is None
    again = advisor.report("cramp")
    assert again is not None
    assert again.change == "heels_close"


def test_nobody_is_asked_for_more_after_a_cramp() -> None:
    advisor = _advisor()
    advisor.report("cramp")
    assert _told(advisor, *[_FAINT] * 4) == [None] * 4  # "squeeze a little more" would undo it


def test_what_is_declined_gives_way_to_the_next_best_and_never_comes_back() -> None:
    advisor = _advisor()
    _told(advisor, _LED, _LED)
    declined = advisor.decline()
    assert declined is not None
    assert declined.change == "feet_wide"
    assert "heels_close" not in _told(advisor, *[_LED] * 9, _GOOD, _GOOD, *[_LED] * 9)


def test_who_declines_everything_hears_nothing_more() -> None:
    advisor = _advisor()
    _told(advisor, _LED, _LED)
    while advisor.decline() is not None:
        pass
    assert advisor.present is None
    assert _told(advisor, *[_LED] * 9) == [None] * 9


def test_with_nothing_offered_there_is_nothing_to_decline() -> None:
    assert _advisor().decline() is None


def test_what_would_undo_a_declined_change_may_be_offered() -> None:
    advisor = _advisor()
    _told(advisor, *[_LED] * 4)
    declined = advisor.decline()
    assert declined is not None
    assert declined.change == "feet_narrow"  # the feet are not wide, so it undoes nothing


# Situations


@pytest.mark.parametrize(
    ("reps", "change", "situation"),
    [
        ([_UNDER] * 2, "squeeze_more", "under_zone"),
        ([_LED, _UNDER], "squeeze_more", "under_zone"),
        ([_FAINT] * 2, "lift_higher", "no_floor"),
        ([_GOOD, _GOOD, _FAINT, _FAINT], "end_set", "early_fatigue"),
        ([_QUICK] * 3, "slow_down", "too_fast"),
        ([_HELD] * 3, "rest_between", "not_letting_go"),
        ([_UNEVEN] * 4, "other_side", "one_sided"),
        ([replace(_LED, over_floor=False)] * 2, "heels_close", "low_share"),
        ([_rep(r) for r in (2.0, 1.9, 1.7, 1.6, 1.5, 1.4, 1.2, 0.99)], "ease_off", "take_over"),
    ],
)
def test_each_situation_has_its_change_after_as_many_repetitions_as_its_rule_says(
    reps: list[Rep], change: str, situation: Situation
) -> None:
    advisor = _advisor()
    assert _told(advisor, *reps[:-1]) == [None] * (len(reps) - 1)
    assert _told(advisor, reps[-1]) == [change]
    assert advisor.present is not None
    assert advisor.present.situation == situation


def test_a_person_who_comes_nearer_but_not_into_the_zone_keeps_the_change() -> None:
    advisor = _advisor()
    _told(advisor, _LED, _LED, _UNDER)
    assert advisor.present is not None
    assert advisor.present.change == "heels_close"


def test_a_level_that_sways_around_the_floor_is_no_sign_of_tiring() -> None:
    reps = [_rep(peak=p) for p in (0.42, 0.41, 0.39, 0.38)]
    assert not is_in("early_fatigue", reps, _LIFT, 2)
    assert _told(_advisor(), *reps)[-1] == "lift_higher"


def test_levels_that_are_not_known_are_no_sign_of_tiring() -> None:
    reps = [replace(rep, peak={_LEFT: None}) for rep in (_GOOD, _GOOD, _FAINT, _FAINT)]
    assert not is_in("early_fatigue", reps, _LIFT, 2)


@pytest.mark.parametrize(
    "ratios",
    [
        (2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.3),  # falls, but is still in the zone
        (1.9, 1.7, 1.5, 1.3, 1.1, 1.05, 0.9),  # too short to be sure
        (1.01, 1.0, 1.02, 1.01, 1.0, 1.02, 1.01, 0.99),  # no fall to speak of
        (0.9, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 0.9),  # did not begin in the zone
    ],
)
def test_hamstrings_take_over_only_where_a_set_that_began_in_its_zone_surely_leaves_it(ratios: tuple[float, ...]) -> None:
    assert not is_in("take_over", [_rep(r) for r in ratios], _LIFT, 1)


def test_which_side_does_less_is_told_where_both_work_at_once_and_both_are_worn() -> None:
    assert lesser_side(_UNEVEN, _LIFT) == "right"
    assert lesser_side(_rep(right=0.7), _LIFT) == "left"
    assert lesser_side(_rep(right=0.45), _LIFT) is None
    assert lesser_side(_rep(right=0.0), _LIFT) == "right"
    assert lesser_side(replace(_UNEVEN, activation={_LEFT: 0.0, _RIGHT: 0.0}), _LIFT) is None
    assert lesser_side(_GOOD, _LIFT) is None
    assert lesser_side(_UNEVEN, _LIFT.model_copy(update={"side_mode": "one"})) is None


def test_sides_that_take_turns_in_doing_less_are_not_one_sided() -> None:
    assert not is_in("one_sided", [_UNEVEN, _rep(right=0.7), _UNEVEN], _LIFT, 3)


def test_the_side_that_does_less_is_named() -> None:
    advisor = _advisor()
    _told(advisor, *[_UNEVEN] * 4)
    assert advisor.present is not None
    assert advisor.present.fills == {"muscle": "gluteus_maximus", "side": "right"}


def test_a_slow_way_back_as_planned_is_letting_go() -> None:
    slow = replace(_GOOD, time_to_relax_s={_LEFT: 6.9})
    assert not asks("not_letting_go", slow, _LIFT)
    assert asks("not_letting_go", replace(_GOOD, time_to_relax_s={_LEFT: 7.1}), _LIFT)
    squeeze = _LIFT.model_copy(update={"phases": _LIFT.phases[:1]})  # no way back planned: let go at once
    assert asks("not_letting_go", slow, squeeze)


def test_a_release_that_is_not_known_is_not_held_against_anybody() -> None:
    unknown = replace(_GOOD, time_to_relax_s={_LEFT: None}, residual={_LEFT: None})
    assert not asks("not_letting_go", unknown, _LIFT)
    assert not asks("not_letting_go", replace(unknown, residual={_LEFT: 0.05}), _LIFT)
    hamstrings = replace(_GOOD, time_to_relax_s={_HAMSTRINGS: 30.0})
    assert not asks("not_letting_go", hamstrings, _LIFT)


# Over any course of events

_REPS = {
    "good": _GOOD,
    "led": _LED,
    "under": _UNDER,
    "faint": _FAINT,
    "led and faint": replace(_LED, over_floor=False, peak={_LEFT: 0.3}),
    "quick": _QUICK,
    "uneven": _UNEVEN,
    "held": _HELD,
    "unscored": _UNSCORED,
}
_STEPS = st.lists(st.sampled_from([*_REPS, *["led"] * 3, *["good"] * 3, "cramp", "decline", "begin_set"]), max_size=60)


def _do(advisor: Advisor, step: str) -> Advice | None:
    match step:
        case "cramp":
            return advisor.report("cramp")
        case "decline":
            return advisor.decline()
        case "begin_set":
            advisor.begin_set()
            return None
        case _:
            return advisor.rep(_REPS[step])


def _is_scored(step: str) -> bool:
    return step in _REPS and step != "unscored"


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_there_is_always_time_to_try_a_change(steps: list[str]) -> None:
    advisor, since = _advisor(), TRY_REPS
    for step in steps:
        offered = _do(advisor, step)
        since += _is_scored(step)
        if offered is not None:
            assert offered == advisor.present
            assert since >= TRY_REPS or step in ("cramp", "decline")
            since = 0


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_what_was_declined_never_comes_back_and_none_undoes_the_last(steps: list[str]) -> None:
    opposes = {c.id: c.opposes for c in _TABLE.changes} | {v.id: v.opposes for v in _LIFT.variants}
    advisor, declined, last = _advisor(), set[str](), [""]
    for step in steps:
        if step == "decline" and advisor.present is not None:
            declined.add(advisor.present.change)
            last.pop()
        offered = _do(advisor, step)
        if offered is not None:
            assert offered.change not in declined
            assert offered.change not in opposes.get(last[-1], ())
            assert last[-1] not in opposes[offered.change]
            last.append(offered.change)


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_none_is_offered_twice_in_a_row_unless_it_went_well_in_between(steps: list[str]) -> None:
    advisor, last, well, helped = _advisor(), None, 0, False
    for step in steps:
        helped |= step == "begin_set" and advisor.present is not None and advisor.present.change == "end_set"
        offered = _do(advisor, step)
        if _is_scored(step) and last is not None:
            well = 0 if asks(last.situation, _REPS[step], _LIFT) else well + 1
            helped |= well >= WELL_REPS
        if offered is not None:
            assert last is None or offered.change != last.change or helped
            last, well, helped = offered, 0, False


@settings(max_examples=300, deadline=None)
@given(_STEPS)
def test_two_led_by_the_hamstrings_bring_a_variant_while_one_is_left_and_none_is_being_tried(steps: list[str]) -> None:
    advisor, since, offered_before, in_a_row = _advisor(), TRY_REPS, set[str](), 0
    for step in steps:
        had_one = advisor.present is not None
        offered = _do(advisor, step)
        since += _is_scored(step)
        in_a_row = 0 if step == "begin_set" else in_a_row if not _is_scored(step) else in_a_row + 1 if "led" in step else 0
        if in_a_row >= 2 and _is_scored(step) and since >= TRY_REPS and "heels_close" not in offered_before:
            assert offered is not None
            assert offered.change == "heels_close"
        if offered is not None:
            offered_before.add(offered.change)
        since = 0 if offered is not None or (step == "decline" and had_one) else since


@settings(max_examples=200, deadline=None)
@given(_STEPS)
def test_two_good_repetitions_always_end_in_peace(steps: list[str]) -> None:
    advisor = _advisor()
    for step in steps:
        _do(advisor, step)
    assert _told(advisor, _GOOD, _GOOD)[-1] is None
    assert advisor.present is None
    assert _told(advisor, *[_GOOD] * 10) == [None] * 10


@settings(max_examples=200, deadline=None)
@given(_STEPS, st.lists(st.integers(0, 60), max_size=20))
def test_repetitions_without_a_signal_change_nothing_wherever_they_come(steps: list[str], places: list[int]) -> None:
    holed = list(steps)
    for place in places:
        holed.insert(place, "unscored")
    one, other = _advisor(), _advisor()
    assert [x for s in steps if (x := _do(one, s))] == [x for s in holed if (x := _do(other, s))]
    assert one.present == other.present


# The table


def test_every_situation_has_a_rule_and_every_rule_hears_the_exercise() -> None:
    assert {rule.when for rule in _TABLE.rules} == set(get_args(Situation))
    assert all("variants" in rule.offers for rule in _TABLE.rules)
    assert {id for rule in _TABLE.rules for id in rule.offers} == {"variants", *(change.id for change in _TABLE.changes)}


@pytest.mark.parametrize("name", catalogue.names("exercises"))
def test_whatever_an_exercise_brings_it_comes_to_an_end(name: str) -> None:
    exercise = catalogue.load_exercise(name)
    assert not {v.id for v in exercise.variants} & {change.id for change in _TABLE.changes}
    told = [change for change in _told(_advisor(exercise), *[replace(_LED, over_floor=False)] * 40) if change]
    assert 1 <= len(told) == len(set(told))


@pytest.mark.parametrize("language", catalogue.names("texts"))
def test_every_change_and_every_why_has_its_words(language: str) -> None:
    table, texts = catalogue.load_advice(language), catalogue.load_texts(language)
    assert table.rules == _TABLE.rules
    for id in table.text_ids:
        assert texts.say(Message(id, {"muscle": "gluteus_maximus", "side": "left"}))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('when = "low_share"', 'when = "low_mood"', "rules[1].when: Input should be 'low_share'"),
        ('when = "low_share"', 'when = "under_zone"', "there is more than one rule for under_zone: keep one"),
        ('"squeeze_more"]', '"squeeze"]', "squeeze is not among the changes"),
        ('opposes = ["lift_higher"]', 'opposes = ["lower"]', "lower is not among the changes"),
        ('id = "slow_down"', 'id = "squeeze_more"', "there is more than one change squeeze_more: keep one"),
        ('id = "slow_down"', 'id = "variants"', "no change can be called variants"),
        ('why = "cramp"\n', "", "rules[0].why: is missing"),
        ('when = "cramp"', 'when = "cramp"\nreps = 2', "rules[0]: cramp is said by the person, no repetition shows it"),
        ('when = "low_share"\nreps = 2', 'when = "low_share"', "rules[1]: low_share is seen in repetitions: say in how many"),
        ("reps = 2", "reps = 0", "rules[1].reps: Input should be greater than or equal to 1"),
        ("reps = 2", "often = 2", "rules[1].often: is not known here"),
        ("reps = 2", "reps = 2 = 3", "is not valid TOML"),
        ('lasts = "set"', 'lasts = "day"', "changes[7].lasts: Input should be 'exercise' or 'set'"),
    ],
)
def test_a_fault_in_the_rules_is_refused_in_one_line_that_says_where(old: str, new: str, said: str) -> None:
    assert old in _RULES
    with pytest.raises(DefinitionError) as refused:
        AdviceTable.parse(_RULES.replace(old, new, 1), "rules.toml")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_rule_without_words_is_refused_with_what_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    (tmp_path / "exercises" / "advice").mkdir(parents=True)
    own = _RULES.replace('"slow_down"', '"fly"').replace('why = "too_fast"', 'why = "gravity"')
    (tmp_path / "exercises" / "advice" / "rules.toml").write_text(own, "utf-8")
    with pytest.raises(
        DefinitionError, match=r"rules\.toml needs words for advice\.fly, why\.gravity: add them to texts/en\.toml"
    ):
        catalogue.load_advice()


def test_the_page_tells_every_rule_and_every_change_as_they_are() -> None:
    page = (_ROOT / "docs" / "advice.md").read_text("utf-8")
    texts = catalogue.load_texts()
    rules = [f"| {r.when} | {r.reps or 'said'} | {', '.join(r.offers)} | {r.source} |" for r in _TABLE.rules]
    changes = []
    for change in _TABLE.changes:
        apart = sorted({*change.opposes, *(other.id for other in _TABLE.changes if change.id in other.opposes)})
        changes.append(f"| {change.id} | {texts.advice[change.id].text} | {', '.join(apart)} |")
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith(("| when", "| change"))]
    assert rows == rules + changes
    assert all(f"- **{situation}**: " in page for situation in get_args(Situation))
