"""Every word that the program can ask for is there, and none that it must not say."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from gluteemg.activation.fatigue import Quadrant
from gluteemg.activation.measure import Measure, Reason, Remark
from gluteemg.catalogue import load_exercise, load_protocol, load_texts, names
from gluteemg.coaching.coach import Message
from gluteemg.coaching.texts import Texts
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


def test_an_unknown_id_names_itself_and_its_table(texts: Texts) -> None:
    with pytest.raises(DefinitionError, match=r"'advice\.fly'"):
        texts.say(Message("advice.fly"))


@pytest.mark.parametrize("file", sorted((ROOT / "texts").glob("*.toml")), ids=lambda f: f.stem)
def test_no_text_says_what_must_not_be_said(file: Path) -> None:
    said = "\n".join(words(tomllib.loads(file.read_text(encoding="utf-8"))))
    assert FORBIDDEN.findall(said) == []
