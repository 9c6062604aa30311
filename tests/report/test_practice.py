"""What a plan came to is put together from events and repetitions, and goes into the diary."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.coaching.stage import rep

from gluteemg.report.practice import entry_of, practised
from gluteemg.sensors.source import Event

_SET = {"exercise": "bridge", "set": 1, "sets": 2, "side": None}
_ADVICE = {
    "exercise": "bridge",
    "change": "heels_close",
    "why": "heels_close",
    "fills": {},
    "situation": "low_share",
    "source": "a study",
}
_EVENTS = [
    (0.0, Event("plan", {"id": "made"})),
    (1.0, Event("answer", {"question": "pain_before", "value": 2})),
    (5.0, Event("relax", {"number": 1, "sides": {"gluteus_maximus:left": {"time_to_relax_s": 1.5}}})),
    (6.0, Event("posture_check", {"posture": "lying", "clenched": False, "sides": {}})),
    (10.0, Event("set", {**_SET, "reps": 3})),
    (24.0, Event("advice", _ADVICE)),
    (25.0, Event("key", {"key": "decline"})),
    (40.0, Event("set_end", {**_SET, "counted": 3, "good": 1, "taken": [12.0, 18.0, 25.0]})),
    (60.0, Event("answer", {"question": "cramp", "value": ["hamstrings"]})),
]
_BEGUN_AND_ENDED: list[tuple[str, dict[str, object]]] = [
    ("set", {"reps": 3}),
    ("set_end", {"counted": 3, "good": 1, "taken": [12.0, 18.0, 25.0]}),
]
_REPS = [rep(9.0), rep(18.0), rep(24.0, in_zone=False, led_by="hamstrings"), rep(31.0, scored=False), rep(55.0)]


def test_a_set_holds_what_was_done_between_its_events_and_no_more() -> None:
    came_to = practised(_EVENTS, _REPS, 70.0)
    (one,) = came_to.sets
    assert (one.asked, one.counted, one.scored, one.in_zone, one.good) == (3, 3, 2, 1, 1)
    assert (one.start_s, one.end_s, one.side) == (10.0, 40.0, None)
    assert one.share == pytest.approx(0.4013, abs=1e-3)  # mean ln R of 0 and -0.8
    assert came_to.plan == "made"


def test_a_set_that_the_recording_cuts_off_ends_with_it() -> None:
    (one,) = practised(_EVENTS[:5], _REPS, 33.0).sets
    assert (one.end_s, one.counted, one.scored) == (33.0, 3, 2)


def test_what_was_offered_is_told_with_its_source_and_whether_it_was_wanted() -> None:
    (change,) = practised(_EVENTS, _REPS, 70.0).changes
    assert (change.change, change.source, change.declined) == ("heels_close", "a study", True)


def test_it_goes_into_the_diary_with_answers_and_what_was_measured() -> None:
    at = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    entry = entry_of(practised(_EVENTS, _REPS, 70.0), at, stage=2)
    assert (entry.plan, entry.stage, entry.pain_before, entry.cramp) == ("made", 2, 2, ("hamstrings",))
    assert (entry.time_to_relax_s, entry.resting, entry.isolated) == (1.5, True, None)
    (done,) = entry.exercises
    assert (done.exercise, done.sets, done.reps, done.scored_reps, done.good_reps) == ("bridge", 1, 3, 2, 1)
    assert done.ln_ratio == pytest.approx(-0.4, abs=1e-3)


def test_what_was_harder_stands_apart_from_the_plain_exercise() -> None:
    sets = [({"rung": "slower"}, 10.0), ({}, 30.0)]  # recordings of old tell of no rung
    events = [(at_s, Event(kind, {**_SET, **more, **end})) for more, at_s in sets for kind, end in _BEGUN_AND_ENDED]
    entry = entry_of(practised([(0.0, Event("plan", {"id": "made"})), *events], _REPS, 70.0), datetime(2026, 3, 1, tzinfo=UTC))
    assert [(done.rung, done.sets, done.reps) for done in entry.exercises] == [("slower", 1, 3), (None, 1, 3)]


def test_a_plan_that_was_left_at_once_is_an_entry_all_the_same() -> None:
    came_to = practised(_EVENTS[:1], [], 2.0)
    assert (came_to.sets, came_to.changes, came_to.answers, came_to.checks) == ((), (), (), ())
    assert not entry_of(came_to, datetime(2026, 3, 1, tzinfo=UTC)).is_session
