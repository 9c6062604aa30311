"""The language of what is said: the one that was asked for, else the system's, else English."""

from __future__ import annotations

import locale
import os
from typing import Annotated

import typer

from gluteemg.errors import DefinitionError

ENGLISH = "en"
"""What is spoken where nobody asks, or there are no words of what the system asks for."""
_ASKED_BY = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set decides, as POSIX has it

Language = Annotated[
    str | None,
    typer.Option(metavar="LANGUAGE", help="Of what is said, such as en or de. Default: the system's if there are words of it."),
]


def language_of(context: typer.Context) -> str:
    """Give the language that a command speaks.

    Raises
    ------
    DefinitionError
        If there are no words of the one that was asked for.
    """
    from gluteemg.catalogue import names

    asked, known = context.find_root().params["language"], names("texts")
    if asked is None:
        return _spoken(_of_system(), known) or ENGLISH
    found = _spoken(asked, known)
    if found is None:
        raise DefinitionError(f"There are no words in {asked!r}: --language takes {', '.join(known)}.")
    return found


def _spoken(asked: str, known: list[str]) -> str | None:
    """Find a language among those there are words of: ``de_AT.UTF-8`` is spoken by ``de_AT``, else by ``de``."""
    whole = asked.partition(".")[0].partition("@")[0].replace("-", "_")
    return next((name for name in (whole, whole.partition("_")[0].lower()) if name in known), None)


def _of_system() -> str:
    """Give the locale of the system's messages; where no variable tells, as on Windows, that of its letters."""
    told = next((value for name in _ASKED_BY if (value := os.environ.get(name))), None)
    return told or locale.getlocale()[0] or ""
