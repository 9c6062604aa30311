"""Every word a person reads or hears: one TOML file a language, found by id."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from gluteemg.coaching.coach import Message
from gluteemg.coaching.exercise import Id
from gluteemg.definition import Definition, Part, faults
from gluteemg.errors import DefinitionError


def _check_template(text: str) -> str:
    try:
        names = [name for _, name, spec, conversion in string.Formatter().parse(text) if name is not None or spec or conversion]
    except ValueError as error:
        raise ValueError(f"{text!r} has a brace that does not close ({error}): write {{{{ for a brace that is meant") from error
    for name in names:
        if not name or not name.isidentifier():
            raise ValueError(f"{text!r} has a fill without a plain name: write {{side}}, not {{}} or {{side:>4}}")
    return text


Template = Annotated[str, Field(min_length=1), AfterValidator(_check_template)]


class Advice(Part):
    """A sentence, and the shorter one that is read from three metres (at most seven words)."""

    text: Template
    far: Template


class Texts(Definition):
    """The words of one language. Read one with ``Texts.parse(toml, name)``.

    A text's id is ``table.key``: ``phase.hold``. A fill that is named like a table is said from that table: with
    ``muscle="gluteus_maximus"``, the text ``"the {side} {muscle} sensor"`` gets the words of ``muscle.gluteus_maximus``.
    """

    language: str
    exercise: Mapping[Id, Template]
    phase: Mapping[Id, Template]
    then: Mapping[Id, Template]
    label: Mapping[Id, Template]
    muscle: Mapping[Id, Template]
    side: Mapping[Id, Template]
    state: Mapping[Id, Template]
    flag: Mapping[Id, Template]
    signal: Mapping[Id, Template]
    advice: Mapping[Id, Advice]
    why: Mapping[Id, Template]
    reference: Mapping[Id, Advice]
    trial: Mapping[Id, Template]
    check: Mapping[Id, Template]
    rep: Mapping[Id, Template]
    measure: Mapping[Id, Template]
    tiring: Mapping[Id, Template]
    not_available: Mapping[Id, Template]
    remark: Mapping[Id, Template]
    train: Mapping[Id, Template]
    far: Mapping[Id, Template]
    control: Mapping[Id, Template]

    def extended(self, toml: str, name: str) -> Texts:
        """Give these words with more of them, or others in their place, from a text that may hold any of the tables.

        Raises
        ------
        DefinitionError
            If the text is not TOML or breaks the schema.
        """
        try:
            more = tomllib.loads(toml)
            tables = {t: {**entries, **more.pop(t, {})} for t, entries in self.model_dump(exclude={"language"}).items()}
            return Texts.model_validate({**more, **tables, "language": self.language})
        except tomllib.TOMLDecodeError as error:
            raise DefinitionError(f"{name} is not valid TOML: {error}. Mend that line.") from error
        except (TypeError, ValidationError) as error:
            why = faults(error) if isinstance(error, ValidationError) else "a table that is a single value"
            raise DefinitionError(f"{name} has {why}.") from error

    def lacks(self, ids: Iterable[str]) -> list[str]:
        """Name those of `ids` that have no words."""
        return [id for id in ids if not self._entry(id)]

    def say(self, message: Message) -> str:
        """Give the words of a message.

        Raises
        ------
        DefinitionError
            If the catalogue has no such text, or a fill of it is missing.
        """
        found = self._find(message.id)
        return self._fill(found.text if isinstance(found, Advice) else found, message)

    def say_far(self, message: Message) -> str:
        """Give the short words of a message, for reading from three metres; the usual ones where it has no others.

        Raises
        ------
        DefinitionError
            If the catalogue has no such text, or a fill of it is missing.
        """
        found = self._find(message.id)
        return self._fill(found.far if isinstance(found, Advice) else found, message)

    def _find(self, id: str) -> str | Advice:
        found = self._entry(id)
        if found is None:
            table = id.partition(".")[0]
            raise DefinitionError(f"The texts in {self.language!r} have no {id!r}: add it to their table [{table}].")
        return found

    def _entry(self, id: str) -> str | Advice | None:
        table, _, key = id.partition(".")
        entries: Any = getattr(self, table, None) if table in type(self).model_fields else None
        found: str | Advice | None = entries.get(key) if isinstance(entries, Mapping) else None
        return found

    def _fill(self, template: str, message: Message) -> str:
        if "{" not in template:
            return template
        fills = {name: self._word(name, value) for name, value in message.fills.items()}
        try:
            return template.format_map(fills)
        except KeyError as error:
            raise DefinitionError(
                f"The text {message.id!r} needs {error} to fill {template!r}: give it with the message."
            ) from error

    def _word(self, name: str, value: str | int | float) -> str:
        if name in type(self).model_fields and name != "language":
            return self.say(Message(f"{name}.{str(value).rstrip('0123456789')}"))  # other2 is said as other
        return str(value)
