"""What is asked, when to stop, and whom to ask: kind words, no way around, and always a way on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gluteemg.catalogue import load_safety, load_texts, names
from gluteemg.coaching.diary import Entry
from gluteemg.coaching.safety import Answer, QuestionId, Safety, Stop, Value, told
from gluteemg.coaching.texts import Texts
from gluteemg.errors import DefinitionError

_SAFETY = load_safety()
_AT = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
_TODAY = date(2025, 3, 3)
_CLEARED = Entry(at=_AT, clearance=True)
_SYMPTOMS = next(q for q in _SAFETY.questions if q.id == "symptoms")
_ASKED_FOR = {"wound", "bleeding", "fever", "calf", "chest_pain", "dizziness", "heaviness", "severe_pain", "abdominal_pressure"}


@pytest.fixture(scope="module", params=names("texts"))
def texts(request: pytest.FixtureRequest) -> Texts:
    return load_texts(request.param)


def _stops(**answers: Value) -> list[tuple[str, str]]:
    said = [_SAFETY_QUESTIONS[id].answer(value) for id, value in answers.items()]
    return [(stop.id, stop.ends) for stop in _SAFETY.stops([answer for answer in said if answer is not None])]


_SAFETY_QUESTIONS = {str(q.id): q for q in _SAFETY.questions}


def _later(days: int, **fields: object) -> Entry:
    return Entry.model_validate({"at": _AT + timedelta(days=days), **fields})


def test_the_first_run_asks_for_clearance_then_what_is_worn_then_symptoms() -> None:
    assert [q.id for q in _SAFETY.asked("first_run")] == ["clearance", "wearing", "symptoms"]
    assert {o.id for o in _SYMPTOMS.options} == _ASKED_FOR
    wearing = next(q for q in _SAFETY.questions if q.id == "wearing")
    assert {o.id for o in wearing.options} == {"implant", "broken_skin", "adhesive_allergy"}


def test_a_session_asks_for_pain_before_and_after_effort_cramp_and_a_note() -> None:
    assert [q.id for q in _SAFETY.asked("before")] == ["pain_before", "symptoms"]
    assert [q.id for q in _SAFETY.asked("after")] == ["pain_after", "rpe", "cramp", "note"]
    assert "pain_during" in [q.id for q in _SAFETY.asked("during")]


def test_every_question_option_stop_and_referral_has_its_words(texts: Texts) -> None:
    for question in _SAFETY.questions:
        assert texts.say(question.message)
        assert len(texts.say_far(question.message).split()) <= 7
        assert all(texts.say(choice) for choice in question.choices)
        for option in question.options if question.words == "symptom" else ():
            stop = Stop(option.id, option.ends or "set")
            assert texts.say(stop.message)
            assert texts.say(stop.referral)
    for id in ("clearance", "pain", "pain_rising", "severe_pain"):
        assert texts.say(Stop(id, "session").referral)
    assert {"title", "what_it_is", "who_knows_you", "stop_any_time", "stays_here", "again"} <= set(texts.safety)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("clearance", 1),
        ("clearance", "yes"),
        ("pain_before", 11),
        ("pain_before", -1),
        ("pain_before", True),
        ("pain_before", "3"),
        ("symptoms", ("hiccups",)),
        ("symptoms", "fever"),
        ("note", 5),
        ("note", "x" * 5000),
    ],
)
def test_what_is_no_answer_is_asked_again(question: str, value: Value) -> None:
    assert _SAFETY_QUESTIONS[question].answer(value) is None


@pytest.mark.parametrize(
    ("question", "value"),
    [("clearance", False), ("pain_before", 0), ("pain_before", 10), ("symptoms", ()), ("cramp", ("hamstrings",)), ("note", "")],
)
def test_an_answer_is_taken_as_it_is_and_an_entry_keeps_it(question: QuestionId, value: Value) -> None:
    answer = _SAFETY_QUESTIONS[question].answer(value)
    assert answer == Answer(question=question, value=value)
    assert answer is not None
    assert getattr(Entry(at=_AT, **told([answer])), question) == value
    assert Answer.model_validate_json(answer.model_dump_json()) == answer


def test_an_entry_keeps_all_that_was_ticked_the_most_of_pain_in_a_set_and_the_last_of_anything_else() -> None:
    said = [("symptoms", ("fever",)), ("pain_during", 5), ("symptoms", ("calf", "fever")), ("pain_during", 1)]
    answers = [Answer.model_validate({"question": q, "value": v}) for q, v in said]
    assert told(answers) == {"symptoms": ("fever", "calf"), "pain_during": 5}


def test_who_was_never_asked_does_not_begin_and_is_asked() -> None:
    assert _SAFETY.is_due([], _TODAY)
    assert [stop.id for stop in _SAFETY.may_begin([])] == ["clearance"]


def test_who_is_cleared_and_ticks_nothing_begins_and_is_not_asked_again_for_a_while() -> None:
    assert _SAFETY.may_begin([_CLEARED]) == ()
    assert not _SAFETY.is_due([_CLEARED], _TODAY)
    assert not _SAFETY.is_due([_CLEARED], _TODAY + timedelta(days=_SAFETY.ask_again_days))
    assert _SAFETY.is_due([_CLEARED], _TODAY + timedelta(days=_SAFETY.ask_again_days + 1))


def test_a_clock_that_was_set_back_asks_nobody_twice() -> None:
    assert not _SAFETY.is_due([_CLEARED], _TODAY - timedelta(days=4000))


def test_without_clearance_nothing_begins_until_there_is_one() -> None:
    refused = Entry(at=_AT, clearance=False)
    assert [stop.id for stop in _SAFETY.may_begin([refused])] == ["clearance"]
    assert _SAFETY.is_due([refused], _TODAY)
    assert _SAFETY.may_begin([refused, _later(1, clearance=True)]) == ()


@pytest.mark.parametrize("symptom", sorted(_ASKED_FOR - {"abdominal_pressure"}))
def test_a_stop_symptom_holds_the_next_session_back_until_it_was_talked_over(symptom: str) -> None:
    ticked = [_CLEARED, _later(1, symptoms=(symptom,))]
    assert [stop.id for stop in _SAFETY.may_begin(ticked)] == [symptom]
    assert _SAFETY.is_due(ticked, _TODAY)
    assert _SAFETY.may_begin([*ticked, _later(2, clearance=True, symptoms=(symptom,))])
    assert _SAFETY.may_begin([*ticked, _later(2, clearance=True)]) == ()


def test_pressure_in_the_belly_ends_a_set_and_asks_again_but_holds_no_session_back() -> None:
    assert _stops(symptoms=("abdominal_pressure",)) == [("abdominal_pressure", "set")]
    assert _SAFETY.may_begin([_CLEARED, _later(1, symptoms=("abdominal_pressure",))]) == ()
    assert _SAFETY.is_due([_CLEARED, _later(1, symptoms=("abdominal_pressure",))], _TODAY)


def test_an_implant_asks_its_clinic_first_and_sore_skin_only_wants_care(texts: Texts) -> None:
    assert [stop.id for stop in _SAFETY.may_begin([Entry(at=_AT, clearance=True, wearing=("implant",))])] == ["implant"]
    careful = Entry(at=_AT, clearance=True, wearing=("broken_skin", "adhesive_allergy"))
    assert _SAFETY.may_begin([careful]) == ()
    said = _SAFETY.cautions(
        [Answer(question="wearing", value=careful.wearing), Answer(question="cramp", value=("hamstrings",))]
    )
    assert [message.id for message in said] == ["referral.broken_skin", "referral.adhesive_allergy"]
    assert all(texts.say(message) for message in said)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, []),
        ({"pain_before": 3}, []),
        ({"pain_before": 4}, [("pain", "session")]),
        ({"pain_before": 2, "pain_during": 3}, []),
        ({"pain_before": 1, "pain_during": 3}, [("pain_rising", "set")]),
        ({"pain_before": 3, "pain_during": 4}, [("pain", "set")]),
        ({"pain_during": 3}, []),
        ({"pain_during": 4}, [("pain", "set")]),
        ({"pain_during": 7}, [("severe_pain", "session")]),
        ({"pain_before": 0, "pain_during": 5, "pain_after": 1}, []),
        ({"pain_before": 0, "pain_after": 2}, [("pain_rising", "session")]),
        ({"symptoms": ("dizziness",)}, [("dizziness", "session")]),
        (
            {"pain_during": 5, "symptoms": ("dizziness", "chest_pain")},
            [("chest_pain", "session"), ("dizziness", "session"), ("pain", "set")],
        ),
        ({"symptoms": ("abdominal_pressure",), "pain_during": 9}, [("severe_pain", "session"), ("abdominal_pressure", "set")]),
        ({"cramp": ("hamstrings",), "rpe": 10, "note": "fever"}, []),
    ],
)
def test_a_set_ends_at_pain_over_three_or_rising_by_two_and_with_what_was_ticked(
    answers: dict[str, Value], expected: list[tuple[str, str]]
) -> None:
    assert _stops(**answers) == expected


def test_pain_that_has_settled_no_longer_ends_a_set_but_what_was_ticked_stays() -> None:
    answers = [Answer(question="symptoms", value=("fever",)), Answer(question="pain_during", value=6)]
    answers += [Answer(question="symptoms", value=()), Answer(question="pain_during", value=1)]
    assert [stop.id for stop in _SAFETY.stops(answers)] == ["fever"]


@given(st.integers(0, 10), st.integers(0, 10))
def test_more_pain_never_ends_less(before: int, now: int) -> None:
    order = {None: 0, "set": 1, "session": 2}
    ends = [next(iter(_stops(pain_before=before, pain_during=n)), (None, None))[1] for n in (now, min(10, now + 1))]
    assert all(order[a] <= order[b] for a, b in pairwise(ends))


@given(st.lists(st.sampled_from(sorted(_ASKED_FOR)), unique=True))
def test_every_symptom_that_is_ticked_is_answered_the_most_pressing_first(ticked: list[str]) -> None:
    stops = _SAFETY.stops([Answer(question="symptoms", value=(symptom,)) for symptom in ticked])
    assert {stop.id for stop in stops} == set(ticked)
    assert [stop.id for stop in stops] == [o.id for o in _SYMPTOMS.options if o.id in ticked]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("severe = 7", "severe = 3", "severe must be over most"),
        ('id = "pain_after"', 'id = "pain_before"', "every question stands once"),
        ('id = "rpe"', 'id = "mood"', "questions[6].id: Input should be"),
        ('[[questions]]\nid = "pain_during"\nwhen = ["during"]\nkind = "scale"', "", "rules need the questions pain_during"),
        ('when = ["first_run", "before", "during"]', 'when = ["before"]', "first run must ask for clearance and symptoms"),
        ('words = "muscle"\noptions = [', 'words = "muscle"\nchoices = [', "questions[7].choices: is not known here"),
        ('kind = "text"', 'kind = "ticks"', "note needs options to tick"),
        ("most = 3 ", "most = 13 ", "pain.most: Input should be less than or equal to 10"),
    ],
)
def test_a_fault_is_refused_in_one_line_that_says_where(old: str, new: str, said: str) -> None:
    assert old in _SAFETY.toml
    with pytest.raises(DefinitionError) as refused:
        Safety.parse(_SAFETY.toml.replace(old, new, 1), "first_run.toml")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
