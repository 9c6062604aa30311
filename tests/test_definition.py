"""Definitions: a text that fits is kept verbatim, one that does not is refused in one line with every fault."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError, model_validator

from gluteemg.definition import Definition, Part
from gluteemg.errors import DefinitionError


class _Leg(Part):
    length_m: float

    @model_validator(mode="after")
    def _positive(self) -> _Leg:
        if self.length_m <= 0:
            raise ValueError("a leg has a length")
        return self


class _Table(Definition):
    name: str
    legs: tuple[_Leg, ...] = ()


def _refusal(toml: str) -> str:
    with pytest.raises(DefinitionError) as refused:
        _Table.parse(toml, "table.toml")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_text_is_kept_as_it_was_with_its_comments() -> None:
    text = '# oak\nname = "desk"\n[[legs]]\nlength_m = 0.7\n'
    table = _Table.parse(text, "table.toml")
    assert table.toml == text
    assert table.legs[0].length_m == 0.7


def test_a_definition_is_fixed_once_read() -> None:
    table = _Table.parse('name = "desk"', "table.toml")
    with pytest.raises(ValidationError, match="frozen"):
        table.name = "chair"  # type: ignore[misc]


def test_two_readings_of_one_text_are_equal() -> None:
    assert _Table.parse('name = "desk"', "a") == _Table.parse('name = "desk"', "b")


def test_every_fault_is_listed_with_its_place() -> None:
    message = _refusal('legs = [{ length_m = 0.7 }, { length_m = -1 }, { length_m = "long" }]\ncolour = "red"')
    assert message.startswith("table.toml has 4 faults: ")
    for fault in (
        "name: is missing",
        "legs[1]: a leg has a length",
        "legs[2].length_m: Input should be a valid number",
        "colour: is not known here",
    ):
        assert fault in message


def test_one_fault_is_one_fault() -> None:
    assert _refusal("name = 1") == "table.toml has 1 fault: name: Input should be a valid string."


def test_a_text_that_is_not_toml_says_where() -> None:
    message = _refusal('name = "desk"\nlegs = = []')
    assert message.startswith("table.toml is not valid TOML: ")
    assert "line 2" in message
    assert message.endswith("Mend that line.")


@settings(deadline=None)
@given(st.text())
def test_any_text_is_taken_or_refused_with_an_error_of_ours(text: str) -> None:
    with suppress(DefinitionError):
        assert _Table.parse(text, "table.toml").toml == text
