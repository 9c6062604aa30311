"""Every word a person reads or hears: one TOML file a language, found by id."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from gluteemg.coaching.exercise import Id
from gluteemg.coaching.message import Message
from gluteemg.definition import Definition, Part, faults
from gluteemg.errors import DefinitionError

_DECIMAL = re.compile(r"[-+−]?\d+\.\d+")


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
    ``muscle="gluteus_maximus"``, the text ``"the {side} {muscle} sensor"`` gets the words of ``muscle.gluteus_maximus``; with
    ``equipment="mat, band"``, ``"{equipment}"`` those of both.
    A fill that is a decimal number, as a number or as a text, is written with the language's own `decimal` mark.
    """

    language: str
    decimal: Literal[".", ","] = "."
    exercise: Mapping[Id, Template]
    setup: Mapping[Id, Template]
    phase: Mapping[Id, Template]
    then: Mapping[Id, Template]
    breath: Mapping[Id, Template]
    cue: Mapping[Id, Template]
    posture: Mapping[Id, Template]
    side_mode: Mapping[Id, Template]
    equipment: Mapping[Id, Template]
    contraindication: Mapping[Id, Template]
    stop: Mapping[Id, Template]
    situation: Mapping[Id, Template]
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
    sound: Mapping[Id, Template]
    ready: Mapping[Id, Template]
    work: Mapping[Id, Template]
    outcome: Mapping[Id, Template]
    found: Mapping[Id, Template]
    hold: Mapping[Id, Template]
    rest: Mapping[Id, Template]
    paused: Mapping[Id, Template]
    done: Mapping[Id, Template]
    watch: Mapping[Id, Template]
    relax: Mapping[Id, Template]
    plan: Mapping[Id, Template]
    practice: Mapping[Id, Template]
    report: Mapping[Id, Template]
    show: Mapping[Id, Template]
    task: Mapping[Id, Template]
    programme: Mapping[Id, Template]
    stage: Mapping[Id, Template]
    gate: Mapping[Id, Template]
    next_step: Mapping[Id, Template]
    ladder: Mapping[Id, Template]
    calendar: Mapping[Id, Template]
    question: Mapping[Id, Advice]
    symptom: Mapping[Id, Template]
    stop_rule: Mapping[Id, Template]
    referral: Mapping[Id, Template]
    safety: Mapping[Id, Template]

    def extended(self, toml: str, name: str) -> Texts:
        """Give these words with more of them, or others in their place, from a text that may hold any of the tables.

        Raises
        ------
        DefinitionError
            If the text is not TOML or breaks the schema.
        """
        try:
            more = tomllib.loads(toml)
            own = {"language": self.language, "decimal": self.decimal}
            tables = {t: {**entries, **more.pop(t, {})} for t, entries in self.model_dump(exclude=set(own)).items()}
            return Texts.model_validate({**more, **tables, **own})
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

    def words(self, id: str, /, **fills: str | int | float) -> str:
        """Put what belongs to no cue into words: as `say`."""
        return self.say(Message(id, fills))

    def say_far(self, message: Message) -> str:
        """Give the short words of a message, for reading from three metres; the usual ones where it has no others.

        Raises
        ------
        DefinitionError
            If the catalogue has no such text, or a fill of it is missing.
        """
        found = self._find(message.id)
        return self._fill(found.far if isinstance(found, Advice) else found, message)

    def number(self, figures: str) -> str:
        """Give figures that were written with a point as this language writes them."""
        return figures.replace(".", self.decimal)

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
        if isinstance(getattr(self, name, None), Mapping):
            ids = (f"{name}.{id}" for id in str(value).split(", "))
            return ", ".join(self.words(id.rstrip("0123456789") if self.lacks([id]) else id) for id in ids)  # other2: other
        return self.number(str(value)) if _DECIMAL.fullmatch(str(value)) else str(value)
