"""The words: found by id, filled by name, kind and short."""

from __future__ import annotations

import re
import tomllib

import pytest
from tests.ui import moments

from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.errors import DefinitionError
from gluteemg.muscles import MUSCLES, SIDES

TOML = (moments.ROOT / "texts" / "en.toml").read_text(encoding="utf-8")
TEXTS = moments.texts()


def strings(table: object) -> list[str]:
    if isinstance(table, dict):
        return [text for entry in table.values() for text in strings(entry)]
    return [str(table)]


def test_a_fill_named_like_a_table_is_said_from_that_table() -> None:
    message = Message("advice.press_sensor", {"side": "left", "muscle": "gluteus_maximus"})
    assert TEXTS.say(message) == "Press the left glute sensor flat for 5 seconds"
    assert TEXTS.say_far(message) == "Fix left glute sensor"


def test_the_second_other_muscle_is_said_as_other() -> None:
    assert TEXTS.say(Message("train.not_measured", {"muscle": "other2"})) == "No sensor sits on the other yet"


@pytest.mark.parametrize("id", ["advice.jump", "nowhere.at_all", "language", "parse", "advice"])
def test_an_unknown_id_is_named(id: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(repr(id))):
        TEXTS.say(Message(id))


def test_a_missing_fill_is_named() -> None:
    with pytest.raises(DefinitionError, match="needs 'seconds'"):
        TEXTS.say(Message("reference.rest"))


def test_a_word_that_a_fill_asks_for_must_exist() -> None:
    with pytest.raises(DefinitionError, match=r"muscle\.wing"):
        TEXTS.say(Message("advice.press_sensor", {"side": "left", "muscle": "wing"}))


@pytest.mark.parametrize(
    ("before", "after"),
    [("[phase]", "[fase]"), ('lift = "Lift"', 'lift = ""'), ('"Set {set} of {sets}"', '"Set {set of"'), ("{set}", "{}")],
)
def test_a_fault_is_found_when_the_file_is_read(before: str, after: str) -> None:
    with pytest.raises(DefinitionError, match=r"en\.toml has"):
        Texts.parse(TOML.replace(before, after, 1), "en.toml")


def test_every_muscle_and_side_has_words() -> None:
    for muscle in MUSCLES:
        assert TEXTS.say(Message(f"label.{muscle}"))
        assert TEXTS.say(Message(f"muscle.{muscle}"))
    for side in SIDES:
        assert TEXTS.say(Message(f"side.{side}"))


@pytest.mark.parametrize("id", ["under_floor", "signal_lost", "no_reference", "too_short", "too_long", "under_zone"])
def test_every_reason_of_a_repetition_has_words(id: str) -> None:
    assert TEXTS.say(Message(f"rep.{id}"))


def test_every_phase_can_be_said_alone_and_inside_a_line() -> None:
    assert set(TEXTS.phase) == set(TEXTS.then)


def test_an_advice_has_at_most_nine_words_and_seven_from_afar() -> None:
    for table in (TEXTS.advice, TEXTS.reference):
        for key, advice in table.items():
            assert len(advice.text.split()) <= 9, key
            assert len(advice.far.split()) <= 7, key


def test_the_words_are_kind_and_do_not_diagnose() -> None:
    never = r"\b(diagnos|treat|weak|wrong|bad|poor|fail|inhibit|abnormal|dominant|cheat)|!"
    assert [text for text in strings(tomllib.loads(TOML)) if re.search(never, text, re.I)] == []
