"""``gluteemg programme`` says where one is and what helps next; ``train`` keeps the diary that it reads."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gluteemg import catalogue
from gluteemg.cli import app
from gluteemg.cli.worn import Worn
from gluteemg.coaching.diary import Done, Entry
from gluteemg.errors import GluteemgError
from gluteemg.recording.file import Recording
from gluteemg.rehearsal import Rehearsal


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    return tmp_path


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _worn() -> Worn:
    """Sensors of somebody who does nothing, twenty times as fast as a clock."""
    still = Rehearsal("shared", {}, {}, speed=20.0)
    return Worn(still.source, still.placements)  # type: ignore[arg-type]


def _weeks_of_practice() -> None:
    """A month of it, twice a week, all well."""
    now = datetime.now().astimezone()
    catalogue.add_to_diary(Entry(at=now - timedelta(days=60), clearance=True))
    for days in range(2, 40, 3):
        done = Done(exercise="bridge", sets=2, reps=16, scored_reps=16, good_reps=15, ln_ratio=0.1)
        catalogue.add_to_diary(
            Entry(at=now - timedelta(days=42 - days), stage=2, exercises=(done,), pain_before=1, pain_after=1, rpe=4)
        )


def test_who_has_never_practised_is_asked_for_clearance_first() -> None:
    said = json.loads(_run("programme", "--json"))
    assert (said["stage"], said["open"], said["next_step"]) == (0, False, "clearance")
    assert "clinician" in _run("programme")


def test_after_a_month_of_good_practice_the_next_stage_is_open() -> None:
    _weeks_of_practice()
    said = json.loads(_run("programme", "--json"))
    assert said["stage"] == 3
    assert said["next_day"]
    assert "stage 3 of 4" in _run("programme")


def test_two_good_sessions_of_an_exercise_make_the_next_one_harder_and_that_is_told(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now().astimezone()
    catalogue.add_to_diary(Entry(at=now - timedelta(days=9), clearance=True))
    for days in (5, 2):
        done = Done(exercise="bridge", sets=1, reps=8, scored_reps=8, good_reps=8, ln_ratio=0.1)
        catalogue.add_to_diary(Entry(at=now - timedelta(days=days), stage=2, exercises=(done,), pain_after=1, rpe=4))
    assert json.loads(_run("programme", "--json"))["rungs"] == {"bridge": "slower"}
    assert "Bridge gets harder. The same, more slowly" in _run("programme")
    monkeypatch.setattr(Worn, "of", classmethod(lambda *_, **__: _worn()))
    kept, asked = own / "session.emg", ["--answer", "pain_before=1", "--answer", "symptoms=0"]
    _run("train", "--headless", "--no-sound", "--seconds", "3", "--record", str(kept), *asked)
    (told,) = Recording.open(kept).told("plan")
    rungs = {step["exercise"]: step["rung"] for step in told["plan"]["steps"] if step["do"] == "practise"}
    assert rungs["bridge"]["id"] == "slower"
    assert rungs["scorpion"] is None


def test_a_gate_that_says_not_yet_can_be_passed_and_that_is_kept(own: Path) -> None:
    now = datetime.now().astimezone()
    catalogue.add_to_diary(Entry(at=now - timedelta(days=1), clearance=True))
    catalogue.add_to_diary(Entry(at=now, stage=1, time_to_relax_s=3.0))
    assert json.loads(_run("programme", "--json"))["stage"] == 1
    _run("programme", "override", "--who", "physio", "--why", "we looked at it together")
    said = json.loads(_run("programme", "--json"))
    assert said["stage"] == 2
    assert "we looked at it together" in (own / "diary.jsonl").read_text("utf-8")


def test_the_first_gate_which_asks_what_is_safe_cannot_be_passed_like_that() -> None:
    with pytest.raises(GluteemgError, match="asks what is safe"):
        CliRunner().invoke(app, ["programme", "override", "--why", "x"], catch_exceptions=False)


def test_a_session_asks_what_is_safe_first_and_goes_into_the_diary(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worn, "of", classmethod(lambda *_, **__: _worn()))
    plan = own / "short.toml"
    plan.write_text(
        'id = "bridge_basics"\nsource = "a test"\n[[steps]]\ndo = "task"\ntask = "breathing"\nseconds = 2\n', "utf-8"
    )
    asked = ["--answer", "clearance=y", "--answer", "wearing=0", "--answer", "symptoms=0", "--answer", "pain_before=1"]
    _run("train", "--plan", str(plan), "--headless", "--no-sound", *asked)
    (entry,) = catalogue.load_diary().entries
    assert (entry.plan, entry.clearance, entry.pain_before, entry.symptoms) == ("bridge_basics", True, 1, ())


def test_what_is_not_safe_ends_a_session_before_it_begins_and_says_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Worn, "of", classmethod(lambda *_, **__: _worn()))
    asked = ["--answer", "clearance=n", "--answer", "wearing=0", "--answer", "symptoms=0"]
    result = CliRunner().invoke(app, ["train", "--plan", "bridge_basics", "--headless", "--no-sound", *asked])
    assert result.exit_code == 0
    assert "midwife" in result.output + capfd.readouterr().err
    assert not catalogue.load_diary().entries[0].is_session
