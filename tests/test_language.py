"""The language of a session: the one that was asked for, else the system's, else English; and then no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gluteemg import catalogue
from gluteemg.catalogue import load_texts, names
from gluteemg.cli import app
from gluteemg.coaching.texts import Advice, Texts
from gluteemg.errors import DefinitionError

ROOT = Path(__file__).parents[1]
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder, empty, on a computer that says nothing of its language."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path / "own")
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("locale.getlocale", lambda: (None, None))
    return tmp_path / "own"


def heads(*options: str) -> str:
    """Give the first line of the list of exercises: it is said in the language."""
    result = CliRunner().invoke(app, [*options, "exercises"])
    assert result.exit_code == 0, result.exception
    return result.stdout.splitlines()[0]


def test_the_language_that_is_asked_for_is_spoken() -> None:
    assert "gewertet nach" in heads("--language", "de")
    assert "judged by" in heads("--language", "en")
    assert heads("--language", "de-AT") == heads("--language", "de")


@pytest.mark.parametrize(
    ("variables", "speaks"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_AT.UTF-8@euro"}, "de"),
        ({"LANG": "xx_XX.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "de_CH.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": ""}, "de"),
    ],
)
def test_else_the_systems_if_there_are_words_of_it(
    variables: dict[str, str], speaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert heads() == heads("--language", speaks)


def test_where_no_variable_tells_the_locale_of_the_letters_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getlocale", lambda: ("de_DE", "cp1252"))
    assert heads() == heads("--language", "de")


def test_who_asks_is_heard_before_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert "judged by" in heads("--language", "en")


@pytest.mark.parametrize("command", [[], ["scan"], ["demo", "--headless"], ["exercises"]], ids=lambda command: "".join(command))
def test_an_unknown_language_is_one_line_that_lists_those_there_are(command: list[str]) -> None:
    result = CliRunner().invoke(app, ["--language", "xx", *command])
    assert isinstance(result.exception, DefinitionError)
    assert str(result.exception) == f"There are no words in 'xx': --language takes {', '.join(names('texts'))}."


def test_an_unknown_language_ends_with_exit_code_one() -> None:
    command = [sys.executable, "-m", "gluteemg", "--language", "xx", "exercises"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)


def test_a_language_in_ones_own_folder_is_spoken(own: Path) -> None:
    words = (ROOT / "texts" / "en.toml").read_text("utf-8")
    (own / "texts").mkdir(parents=True)
    own_words = words.replace('language = "en"', 'language = "nl"').replace(
        'head_judged = "judged by"', 'head_judged = "volgens"'
    )
    (own / "texts" / "nl.toml").write_text(own_words, "utf-8")
    assert "volgens" in heads("--language", "nl")


def words_of(*entries: object) -> set[str]:
    """Give the words of some texts, without their fills."""
    said = [each for entry in entries for each in ((entry.text, entry.far) if isinstance(entry, Advice) else (str(entry),))]
    return set(re.findall(r"[^\W\d_]{2,}", re.sub(r"\{\w+\}", " ", " ".join(said)).lower()))


def whole(texts: Texts) -> set[str]:
    tables = (getattr(texts, name) for name in Texts.model_fields)
    return {word for table in tables if not isinstance(table, str) for word in words_of(*table.values())}


def test_a_whole_session_speaks_german(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    steps = (
        '[[steps]]\ndo = "measure"\nprotocol = "demo"\n[[steps]]\ndo = "practise"\nexercise = "bridge"\nsets = 1\nreps = 3\n'
    )
    plan.write_text(f'id = "bridge_basics"\nsource = "a test"\n\n{steps}', "utf-8")
    command = ["--language", "de", "train", "--plan", str(plan), "--virtual", "hamstring-led", "--headless", "--no-sound"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.exception
    for said in ("Lieg still", "Gleich: Brücke", "Wdh. 1: Gesäßanteil", "die Beinrückseite hat geführt", "Hol die Fersen"):
        assert said in result.stderr
    assert re.search(r"^ +\d+,\d s  ", result.stderr, re.MULTILINE), "the decimal comma"
    assert result.stdout.startswith("Die Brücke von Anfang an. Sätze: 1; gute Wiederholungen: ")
    english, german = load_texts("en"), load_texts("de")
    only_english = words_of(*english.advice.values(), *english.why.values(), *english.ready.values()) - whole(german)
    assert {"squeeze", "heels", "next", "usually"} <= only_english
    sourceless = re.sub(r": [^:]*\d{4}.*", "", result.stdout)
    assert words_of(result.stderr, sourceless) & only_english == set()


def test_an_exercise_and_a_recording_are_told_in_german() -> None:
    recording = str(ROOT / "recordings" / "bridge_hamstring_led.emg")
    told = CliRunner().invoke(app, ["--language", "de", "analyse", recording]).stdout
    assert "Brücke: 6 Wdh., 6 gewertet, 0 in der Zone" in told
    assert re.search(r"Beinrückseite, links +\d,\d +\d+,\d ", told)
    shown = CliRunner().invoke(app, ["--language", "de", "exercises", "show", "bridge"]).stdout
    assert "Gesäßanteil 44 bis 57 % (R 0,8 bis 1,3)" in shown
