"""How an exercise gets harder, from the diary to the next session and back; and what a session takes, said before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.coaching.stage import BRIDGE, BRIDGES, Stage, plan

from gluteemg.catalogue import load_exercise, load_programme, load_texts, names
from gluteemg.coaching.coach import FETCH_S
from gluteemg.coaching.diary import Entry
from gluteemg.coaching.message import Message
from gluteemg.coaching.plan import Plan
from gluteemg.errors import DefinitionError
from gluteemg.report.practice import entry_of, practised
from gluteemg.sensors.source import Event

_PROGRAMME = load_programme()
_STAGE = _PROGRAMME.stages[3].model_copy(update={"exercises": _PROGRAMME.stages[3].exercises[:1]})  # the hip thrust alone
_SLOWER = 'rung = { id = "slower", tempo = 1.5 }'


class _Weeks:
    """Somebody who practises every other day, keeps a diary, and goes by the programme."""

    def __init__(self) -> None:
        self.diary: list[Entry] = []

    @property
    def plan(self) -> Plan:
        """Their next session."""
        return _STAGE.plan("rest", _PROGRAMME.rungs(_STAGE, self.diary, date(2026, 6, 1)))

    def practise(self, rep_s: float, *, pain: int = 1) -> Stage:
        """Go through the next session, every repetition so long and in its zone, and put it into the diary."""
        session = Stage(made=self.plan, at_hand=False)
        for key in ("start", "skip"):  # what it takes is there, and so are levels
            session.wait(0.1)
            session.press("key", key=key)
        session.until("work")
        while session.cue.activity == "work":
            session.rep(rep_s)
        told = [
            Event("plan", {"id": _STAGE.id}),
            *session.events,
            *(Event("answer", {"question": q, "value": v}) for q, v in (("pain_after", pain), ("rpe", 4))),
        ]
        at = datetime(2026, 3, 2, 18, 0, tzinfo=UTC) + timedelta(days=2 * len(self.diary))
        came_to = practised(((0.0, event) for event in told), session.reps, session.now_s)
        self.diary.append(entry_of(came_to, at, stage=_STAGE.number))
        return session


def _said(session: Stage, id: str) -> int:
    return sum(message.id == id for cue in session.cues for message in cue.spoken)


def test_two_good_sessions_make_the_next_one_slower_two_more_bring_the_band_and_pain_takes_it_away() -> None:
    weeks = _Weeks()
    for _ in range(2):
        plain = weeks.practise(6.0)
        assert not _said(plain, "ready.harder")
    assert [done.rung for entry in weeks.diary for done in entry.exercises] == [None, None]
    for _ in range(2):
        slower = weeks.practise(9.0)
        assert _said(slower, "ready.harder") == 1
        assert {event.detail["rung"] for event in slower.events if event.kind == "set"} == {"slower"}
        assert {cue.verdict.id for cue in slower.cues if cue.verdict is not None} == {"rep.in_zone"}
    assert [done.rung for done in weeks.diary[-1].exercises] == ["slower"]
    banded = weeks.practise(6.0, pain=4)
    assert _said(banded, "ready.harder") == 1
    assert _said(banded, "ready.equipment") == 1
    assert [done.rung for done in weeks.diary[-1].exercises] == ["band"]
    weeks.practise(9.0)
    assert [done.rung for done in weeks.diary[-1].exercises] == ["slower"]


def test_on_a_slower_rung_phases_verdict_and_metronome_take_their_time() -> None:
    plain, slower = Stage(BRIDGES), Stage(f"{BRIDGES}\n{_SLOWER}")
    for stage, phase in ((plain, "hold"), (slower, "lift")):
        stage.until("work")
        stage.wait(2.6, level=0.5)
        assert stage.cue.phase == phase
        stage.wait(1.0)
    said = []
    for stage in (plain, slower):
        stage.rep(3.5)
        said.append(stage.cue.verdict and stage.cue.verdict.id)
    assert said == ["rep.in_zone", "rep.too_fast"]
    assert slower.coach.aim == plain.coach.aim  # what is judged stays the same


def test_what_is_loose_between_takes_no_longer_on_a_slower_rung() -> None:
    squeeze = load_exercise("glute_squeeze").slowed(1.5)
    assert [phase.tempo_s for phase in squeeze.phases] == [7.5, 5]
    assert squeeze.work_s == 7.5


def test_a_band_that_is_worn_already_is_not_offered_again() -> None:
    offered = []
    for more in ("", '\nrung = { id = "band", equipment = ["band"] }'):
        stage = Stage(BRIDGES.replace("reps = 3", "reps = 20").replace("sets = 2", "sets = 1") + more)
        stage.until("work")
        for _ in range(19):
            stage.rep(over_floor=False)
        offered.append([event.detail["change"] for event in stage.events if event.kind == "advice"])
    assert "band" in offered[0]
    assert "band" not in offered[1]


def test_a_plan_keeps_its_rungs_when_it_is_written_down() -> None:
    made = plan(f"{BRIDGES}\n{_SLOWER}")
    assert Plan.from_json(made.to_json()).steps == made.steps
    assert made.harder == (Message("calendar.harder", {"exercise": "bridge", "ladder": "slower"}),)
    assert "ladder.slower" in made.text_ids


@pytest.mark.parametrize(
    ("rung", "said"),
    [
        ('rung = { id = "quicker", tempo = 0.5 }', r"rung\.tempo: Input should be greater than or equal to 1"),
        ('rung = { id = "slower" }', "the rung slower makes nothing harder: give it a tempo over 1, or equipment"),
        (f'pace = "free"\n{_SLOWER}', "the rung slower slows a tempo, and pace is free"),
    ],
)
def test_a_rung_that_makes_nothing_harder_is_refused(rung: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        plan(f"{BRIDGES}\n{rung}")


# What to have ready


def test_what_a_plan_takes_is_said_once_after_the_first_questions_with_time_to_fetch_it() -> None:
    stage = Stage(
        'do = "ask"\nquestion = "pain_before"', f'{BRIDGES}\nrung = {{ id = "band", equipment = ["band"] }}', at_hand=False
    )
    stage.wait(0.5)
    assert stage.cue.instruction == Message("question.pain_before")
    stage.press("answer", question="pain_before", value=1)
    stage.wait(0.5)
    needs = Message("ready.equipment", {"equipment": "mat, band"})
    assert (stage.cue.activity, stage.cue.instruction) == ("task", needs)
    assert stage.cue.timer == pytest.approx((FETCH_S - 0.5, FETCH_S), abs=0.1)
    stage.press("key", key="start")
    stage.until("work")
    assert _said(stage, "ready.equipment") == 1


def test_what_a_variant_takes_is_named_too_and_each_thing_once() -> None:
    exercises = {"bridge": BRIDGE, "squat": load_exercise("squat")}
    squats = 'do = "practise"\nexercise = "squat"'
    made = plan(BRIDGES, f'{BRIDGES}\nvariant = "band"', squats)
    assert made.needs(exercises) == (Message("ready.equipment", {"equipment": "mat, band, chair"}),)
    assert plan('do = "task"\ntask = "walk"\nseconds = 5').needs({}) == ()


@pytest.mark.parametrize("language", names("texts"))
def test_several_things_are_said_one_after_the_other(language: str) -> None:
    texts = load_texts(language)
    said = texts.say(Message("ready.equipment", {"equipment": "mat, band"}))
    each = [texts.say(Message(f"equipment.{id}")) for id in ("mat", "band")]
    assert said.endswith(f": {each[0]}, {each[1]}")
