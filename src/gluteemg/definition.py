"""Checked models of the TOML texts that describe devices, exercises and calibration protocols."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from gluteemg.errors import DefinitionError

_PLAIN = {"missing": "is missing", "extra_forbidden": "is not known here: check its spelling and its place"}
"""Faults for which pydantic's words are those of a programmer."""


class Part(BaseModel):
    """A table inside a definition: fixed once read, and closed (an unknown key is a fault)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Detail(Part):
    """What an event of a recording tells; `kind` is that of the event."""

    kind: ClassVar[str]
    broken: ClassVar[str]
    """What to say of one that cannot be read, with a place for its faults."""

    @classmethod
    def from_json(cls, detail: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave, from the event of a recording.

        Raises
        ------
        DefinitionError
            If it is something else; one line names every fault.
        """
        try:
            return cls.model_validate(detail)
        except ValidationError as error:
            raise DefinitionError(cls.broken.format(faults=faults(error))) from error

    def to_json(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return self.model_dump(mode="json")


class Definition(Part):
    """A whole TOML text, checked."""

    _toml: str = PrivateAttr(default="")

    @property
    def toml(self) -> str:
        """The text this was read from, verbatim."""
        return self._toml

    @classmethod
    def parse(cls, text: str, name: str) -> Self:
        """Check a TOML text.

        Parameters
        ----------
        text : str
            The TOML text.
        name : str
            What to call it in an error message, for instance its file name.

        Raises
        ------
        DefinitionError
            If the text is not TOML or breaks the schema; one line names every fault with its place.
        """
        try:
            # As JSON, because pydantic is strict about the types in it ("2" and true are no numbers) and takes its arrays.
            definition = cls.model_validate_json(json.dumps(tomllib.loads(text), default=str), strict=True)
        except tomllib.TOMLDecodeError as error:
            raise DefinitionError(f"{name} is not valid TOML: {error}. Mend that line.") from error
        except ValidationError as error:
            raise DefinitionError(f"{name} has {faults(error)}.", _each(error)) from error
        definition._toml = text
        return definition


def faults(error: ValidationError) -> str:
    """Write all faults of a text in one line, each with its place."""
    each = _each(error)
    return f"{len(each)} fault{'s' if len(each) > 1 else ''}: {'; '.join(each)}"


def _each(error: ValidationError) -> tuple[str, ...]:
    found = [e for e in error.errors() if not (e["type"] == "too_short" and _has_faults_inside(e["loc"], error))]
    said = (f"{_place(e['loc'])}: {_PLAIN.get(e['type']) or e['msg'].removeprefix('Value error, ')}" for e in found)
    return tuple(" ".join(fault.split()) for fault in said)


def _has_faults_inside(location: tuple[int | str, ...], error: ValidationError) -> bool:
    """Tell whether a list is only too short because what it holds has faults."""
    n = len(location)
    return any(len(e["loc"]) > n and e["loc"][:n] == location for e in error.errors())


def _place(location: tuple[int | str, ...]) -> str:
    """Write a pydantic location as ``packets[0].length``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".") or "file"
