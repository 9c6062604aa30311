"""No text that a person can see claims what this program cannot know, or says it unkindly.

Claims are words of medicine: the program shows relative muscle activity, for practice. Unkind words judge the person. Both are
kept out of texts, data files and the program's own strings; claims out of the pages, too, where a packet may be wrong.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_CLAIMS = {
    "en": (
        r"diagnos\w*|treat(s|ed|ing|ments?)?|cur(es?|ed|ing|ative)|weak\w*|inhibit\w*|(ab)?normal(ly|ity|ities)?|dominan\w*"
        r"|synergistic\w*|safe(ly)? after|(reduc|reliev|eas|prevent)(es?|ed|ing) ([\w-]+ ){0,3}(pains?|incontinence|leaking)"
    ),
    "de": (
        r"diagnos\w*|behand(el|l)\w*|heil(e|en|t|te|end\w*|ung\w*)|kurier\w*|schw[aä]ch\w*|gehemmt\w*"
        r"|hemm\w*|(un|a|ab)?normal(e[nmrs]?|erweise)?|dominan\w*|dominier\w*|synergistisch\w*|sicher nach|"
        r"(lindert?|mindert?|verringert?|reduziert?) ([\w-]+ ){0,3}(schmerz\w*|inkontinenz)"
    ),
}
_UNKIND = {
    "en": r"fail(s|ed|ing|ures?)?|wrong(ly)?|bad(ly)?|poor results?|cheat\w*",
    "de": r"versag\w*|gescheiter\w*|scheiter\w*|fehlgeschlagen\w*|falsch\w*|schlecht\w*|schummel\w*|gemogelt|mogel\w*",
}
_MAY_STAND = {
    "PRAGMA synchronous = NORMAL",  # SQL
    "half-normal",  # a distribution
    "Fat weakens the glutes and their reference alike",  # of signals
    "Say everything that is wrong with a profile",  # of files
    "Say everything that is wrong with exercises",
}
"""Clauses that say another thing with such a word, to the letter. Each must still stand somewhere."""
_CLAUSE = re.compile(r"[.;:,()|?!]\s|[.;:,()|?!]?$|\n\s*\n|[()|;]")


def _found(text: str, *lists: str) -> list[str]:
    """Give the clauses with a word of the lists, those that may stand left out."""
    words = re.compile(rf"\b({'|'.join(lists)})\b", re.I)
    clauses = (" ".join(clause.split()) for clause in _CLAUSE.split(text) if clause)
    return [clause for clause in clauses if words.search(clause) and clause not in _MAY_STAND]


def _values(entry: object) -> Iterator[str]:
    """Give every string of a TOML file."""
    if isinstance(entry, dict):
        entry = list(entry.values())
    if isinstance(entry, list):
        for inner in entry:
            yield from _values(inner)
    elif isinstance(entry, str):
        yield entry


def _shown(file: Path) -> Iterator[str]:
    """Give the strings of a module that a person may read: not its docstrings, but those of commands, which are their help."""
    tree = ast.parse(file.read_text("utf-8"))
    silent: set[int] = set()
    for node in ast.walk(tree):
        is_command = isinstance(node, ast.FunctionDef) and bool(node.decorator_list) and "cli" in file.parts
        for inner in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(inner, ast.Expr) and not is_command:
                silent.add(id(inner.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value


def _of(files: Iterable[Path]) -> list[Path]:
    found = sorted(files)
    assert found
    return found


_TEXTS = _of((_ROOT / "texts").glob("*.toml"))
_DATA = _of(f for folder in ("exercises", "calibration", "firmware_profiles") for f in (_ROOT / folder).rglob("*.toml"))
_CODE = _of((_ROOT / "src").rglob("*.py"))
_PAGES = [_ROOT / "README.md", _ROOT / "CHANGELOG.md", *_of((_ROOT / "docs").rglob("*.md"))]


def test_every_language_has_its_list_of_words() -> None:
    languages = {file.stem for file in _TEXTS}
    assert languages <= set(_CLAIMS), "add a list of words for the new language to tests/coaching/test_wording.py"
    assert set(_CLAIMS) == set(_UNKIND)


@pytest.mark.parametrize("file", _TEXTS, ids=lambda file: file.stem)
def test_no_text_claims_or_judges_or_shouts(file: Path) -> None:
    for text in _values(tomllib.loads(file.read_text("utf-8"))):
        assert _found(text, _CLAIMS[file.stem], _UNKIND[file.stem]) == []
        assert "!" not in text, text


@pytest.mark.parametrize("file", _DATA, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_exercise_plan_protocol_or_profile_claims_or_judges(file: Path) -> None:
    for text in _values(tomllib.loads(file.read_text("utf-8"))):
        assert _found(text, _CLAIMS["en"], _UNKIND["en"]) == []


def test_nothing_that_the_program_prints_or_raises_claims_or_judges() -> None:
    found = [
        (file.name, clause) for file in _CODE for text in _shown(file) for clause in _found(text, _CLAIMS["en"], _UNKIND["en"])
    ]
    assert found == []


@pytest.mark.parametrize("file", _PAGES, ids=lambda file: file.stem)
def test_no_page_claims(file: Path) -> None:
    assert _found(file.read_text("utf-8"), _CLAIMS["en"]) == []


def test_what_may_stand_still_stands() -> None:
    pages = [file.read_text("utf-8") for file in _PAGES]
    clauses = {
        " ".join(c.split()) for text in [*pages, *(t for f in _CODE for t in _shown(f))] for c in _CLAUSE.split(text) if c
    }
    assert clauses >= _MAY_STAND


@pytest.mark.parametrize(
    "text",
    [
        "Your glutes are weak", "a weakness of the hip", "this treats back pain", "treatment", "it cures",
        "an inhibited muscle",
        "Abnormal timing", "that is not normal", "hamstring-dominant", "synergistic dominance", "safe after birth",
        "reduces back pain", "eases your back pain", "diagnosis", "The set failed", "a bad rep", "Wrong muscle", "poor result",
    ],
)  # fmt: skip
def test_a_word_that_must_not_be_said_is_found(text: str) -> None:
    assert _found(f"Good. {text}, and so on.", _CLAIMS["en"], _UNKIND["en"]) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "normalised to your own reference", "secure the cable", "an accurate reading", "not yet", "a treatise",
        "It hurts less with a pillow", "Press the sensor flat", "ease off a little",
    ],
)  # fmt: skip
def test_a_word_that_only_looks_like_one_is_let_be(text: str) -> None:
    assert _found(text, _CLAIMS["en"], _UNKIND["en"]) == []


@pytest.mark.parametrize(
    "text", ["schwache Muskeln", "eine Behandlung", "Diagnose", "das ist normal", "falsch", "lindert Schmerzen"]
)
def test_a_german_word_that_must_not_be_said_is_found(text: str) -> None:
    assert _found(text, _CLAIMS["de"], _UNKIND["de"]) == [text]
