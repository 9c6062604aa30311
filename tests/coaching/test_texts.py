"""Every word that the program can ask for is there, and none that it must not say."""

import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from gluteemg.activation.fatigue import Quadrant
from gluteemg.activation.measure import Measure, Reason, Remark
from gluteemg.catalogue import load_exercise, load_protocol, load_texts, names
from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Advice, Texts
from gluteemg.errors import DefinitionError
from gluteemg.muscles import MUSCLES, SIDES
from gluteemg.processing.quality import Flag

ROOT = Path(__file__).parents[2]
FORBIDDEN = re.compile(
    r"\b(fail\w*|weak\w*|wrong\w*|bad|poor result|inhibit\w*|abnormal\w*|dominan\w*|diagnos\w*|treat\w*|cheat\w*|cure\w*)\b",
    re.I,
)
"""The words of design/language.md §5 and of the safety rules."""
FILLS: dict[str, str | int | float] = {"muscle": "hamstrings", "side": "left", "seconds": 3}


@pytest.fixture(scope="module", params=names("texts"))
def texts(request: pytest.FixtureRequest) -> Texts:
    return load_texts(request.param)


def words(entry: object) -> Iterator[str]:
    if isinstance(entry, dict):
        for inner in entry.values():
            yield from words(inner)
    else:
        yield str(entry)


def test_every_exercise_phase_and_variant_has_its_words(texts: Texts) -> None:
    for exercise in map(load_exercise, names("exercises")):
        ids = [f"exercise.{exercise.id}", *(f"{table}.{p.id}" for p in exercise.phases for table in ("phase", "then"))]
        ids += [f"{table}.{variant.id}" for variant in exercise.variants for table in ("advice", "why")]
        assert all(texts.say(Message(id)) for id in ids)


def test_every_step_of_a_calibration_and_every_reason_has_its_words(texts: Texts) -> None:
    for protocol in map(load_protocol, names("calibration")):
        assert all(texts.say(Message(f"reference.{step.id}", FILLS)) for step in protocol.steps)
        assert all(texts.say(Message(f"why.{step.id}")) for step in protocol.steps)
    reasons = "moved too_quiet no_signal poor_signal clipped disagree"
    ids = ["reference.between", *(f"trial.{reason}" for reason in reasons.split())]
    reasons = (
        "under_floor under_zone signal_lost poor_signal no_reference too_short too_long no_reps no_pair too_noisy too_quiet"
    )
    reasons += " sampling_rate"
    verdicts = "in_zone hamstrings_led not_scored"
    assert all(texts.say(Message(id, FILLS)) for id in [*ids, *(f"rep.{reason}" for reason in f"{reasons} {verdicts}".split())])


def test_every_measure_refusal_and_remark_has_its_words(texts: Texts) -> None:
    asked = {"measure": Measure, "not_available": Reason, "remark": Remark, "tiring": Quadrant}
    assert all(texts.say(Message(f"{table}.{id}")) for table, ids in asked.items() for id in get_args(ids))


def test_every_muscle_side_and_flag_has_its_words(texts: Texts) -> None:
    ids = [*(f"{table}.{m}" for m in MUSCLES for table in ("label", "muscle")), *(f"side.{side}" for side in SIDES)]
    assert all(texts.say(Message(id, FILLS)) for id in [*ids, *(f"flag.{flag.name.lower()}" for flag in Flag)])


def test_an_id_that_ends_in_a_number_is_looked_up_as_it_is_and_a_second_other_is_said_as_other() -> None:
    own = load_texts("en").extended('[equipment]\nkettlebell8 = "a kettlebell of 8 kg"', "own.toml")
    assert own.words("ready.equipment", equipment="mat, kettlebell8").endswith(
        "a mat or a folded blanket, a kettlebell of 8 kg"
    )
    second, first = (own.words("flag.absent", muscle=muscle, side="left") for muscle in ("other2", "other"))
    assert second == first


def test_an_unknown_id_names_itself_and_its_table(texts: Texts) -> None:
    with pytest.raises(DefinitionError, match=r"'advice\.fly'"):
        texts.say(Message("advice.fly"))


def templates(language: str) -> dict[str, str]:
    """Give every text of a language by its id, the far form of an advice as one of its own."""
    found = {}
    for table, entries in load_texts(language):
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            forms = {"": entry.text, ".far": entry.far} if isinstance(entry, Advice) else {"": entry}
            found.update({f"{table}.{key}{form}": text for form, text in forms.items()})
    return found


@pytest.mark.parametrize("language", names("texts"))
def test_every_language_says_all_that_english_says_and_nothing_else(language: str) -> None:
    here, english = templates(language), templates("en")
    assert sorted(set(english) - set(here)) == [], f"missing in texts/{language}.toml"
    assert sorted(set(here) - set(english)) == [], f"not asked for by anybody, in texts/{language}.toml"
    fills = {id: {name for _, name, _, _ in string.Formatter().parse(text) if name} for id, text in here.items()}
    asked = {id: {name for _, name, _, _ in string.Formatter().parse(text) if name} for id, text in english.items()}
    assert {id: names for id, names in fills.items() if names != asked[id]} == {}, "not the fills of English"


def test_the_page_on_languages_names_every_table() -> None:
    page = (ROOT / "docs" / "add-a-language.md").read_text("utf-8")
    tables = [name for name, entries in load_texts("en") if isinstance(entries, dict)]
    assert [name for name in tables if f"`[{name}]`" not in page and f"`[{name}.…]`" not in page] == []


@pytest.mark.parametrize("language", names("texts"))
def test_a_language_is_called_like_its_file(language: str) -> None:
    assert load_texts(language).language == language


def test_what_is_said_is_short_enough_in_every_language(texts: Texts) -> None:
    for table in (texts.advice, texts.reference):
        assert [key for key, advice in table.items() if len(advice.text.split()) > 9 or len(advice.far.split()) > 7] == []
    for said in (texts.cue, texts.next_step):
        assert [key for key, text in said.items() if len(text.split()) > 9] == []
    assert [key for key, text in texts.setup.items() if len(re.findall(r"[.:](?: |$)", text)) not in (2, 3, 4)] == []
    assert set(texts.phase) == set(texts.then)


def test_a_decimal_number_is_written_as_the_language_does() -> None:
    english, german = load_texts("en"), load_texts("de")
    for seconds in ("1.8", 1.8):
        fills: dict[str, str | int | float] = {"seconds": seconds}
        message = Message("relax.fair", fills)
        assert (english.say(message), german.say(message)) == ("let go within 1.8 s", "in 1,8 s losgelassen")
    assert german.say(Message("train.ago", {"seconds": "−2.5"})) == "−2,5 s"
    named: dict[str, str | int | float] = {"sensor": "uMyo-1.2", "percent": 4}
    assert german.say(Message("check.drift_good", named)).startswith("uMyo-1.2: 4 %"), "a name is no number"


@pytest.mark.parametrize("file", sorted((ROOT / "texts").glob("*.toml")), ids=lambda f: f.stem)
def test_no_text_says_what_must_not_be_said(file: Path) -> None:
    said = "\n".join(words(tomllib.loads(file.read_text(encoding="utf-8"))))
    assert FORBIDDEN.findall(said) == []
