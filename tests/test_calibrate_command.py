"""`gluteemg calibrate` follows a protocol and nothing else, and says what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.test_cli import refusal, run

import gluteemg.catalogue as catalogue
from gluteemg.activation.calibration import Calibration, Level, MeasuredTrial
from gluteemg.activation.checks import Change, Drift, Finding, Isolation
from gluteemg.console import describe_calibration, describe_check

ROLES = ("--role", "uMyo-GX=gluteus_maximus:left", "--role", "uMyo-HS=hamstrings:left")
VIRTUAL = ("--virtual", "shared")


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder, empty."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path / "own")
    return tmp_path / "own"


def test_a_rest_gives_floors_and_ends_by_itself(tmp_path: Path, own: Path) -> None:
    short = tmp_path / "short.toml"
    short.write_text('id = "short"\nsteps = [{id = "rest", kind = "rest", seconds = 1.6, lead_s = 0.5}]\n', "utf-8")
    output = tmp_path / "floors.json"
    placed = ("--placed", "hamstrings:left=half way down")
    result = run("calibrate", *ROLES, *VIRTUAL, *placed, "--protocol", short, "--output", output, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["kind"], document["method"], document["protocol"]) == ("calibration", None, "short")
    kept = catalogue.load_calibration(str(output))
    assert [level.floor for level in kept.levels] == pytest.approx([2.3, 2.3], rel=0.25)
    assert [(level.unit, level.placement) for level in kept.levels] == [("uV", ""), ("uV", "half way down")]
    assert "Lie still" in result.stderr
    assert not own.exists()  # virtual sensors, and no reference: nothing for the next session


@pytest.mark.slow
def test_virtual_sensors_are_calibrated_as_in_the_demo() -> None:
    result = run("calibrate", *ROLES, *VIRTUAL)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Half effort, %REF: RMS over 1.3 s")
    assert "Squeeze to about half" in result.stderr


def test_what_cannot_be_done_is_said_before_anything_begins(tmp_path: Path) -> None:
    assert "submaximal" in refusal("calibrate", *ROLES, *VIRTUAL, "--protocol", "headstand")
    assert "adductors:left" in refusal("calibrate", *ROLES, *VIRTUAL, "--placed", "adductors:left=here")
    assert "not mvic: leave --protocol out" in refusal("calibrate", *ROLES, *VIRTUAL, "--protocol", "mvic")
    assert "take them first" in refusal("calibrate", *ROLES, *VIRTUAL, "--protocol", "resqueeze")
    assert "calibrate" in refusal("calibrate", *ROLES, *VIRTUAL, "--calibration", tmp_path / "none.json")


def test_a_calibration_is_told_with_every_trial_and_why_one_was_not_used() -> None:
    trials = (MeasuredTrial(step="squeeze", value=60.0), MeasuredTrial(step="squeeze", value=3.0, reason="too_quiet"))
    levels = (
        Level(role="gluteus_maximus:left", floor=2.0, reference=60.0, agreement=0.08, trials=trials),
        Level(role="other2:right", floor=2.5),
    )
    calibration = Calibration(method="mvic", floor_method="rest", statistic="max", window_s=0.5, levels=levels)
    lines = describe_calibration(calibration, catalogue.load_texts()).splitlines()
    assert lines[0] == "Maximal effort, %MVIC: greatest RMS over 0.5 s"
    assert lines[3].split("  ")[0] == "Glute max, left"
    assert lines[3].split()[3:] == ["2.0", "60.0", "30", "dB", "8", "%", "60.0;", "3.0", "(too", "quiet)"]
    assert lines[4].split() == ["Other", "muscle", "2,", "right", "2.5", "–", "–", "–"]


def test_a_check_is_told_in_words() -> None:
    texts = catalogue.load_texts()
    joined = Finding(step="seated_dig", role="gluteus_maximus:left", activation=0.31, at_most=0.2)
    alone = Finding(step="straight_squeeze", role="hamstrings:left", activation=0.1, at_most=0.3)
    unknown = Finding(step="seated_dig", role="gluteus_maximus:right", activation=None, at_most=0.2)
    pair = ("hamstrings:left", "gluteus_maximus:left")
    assert describe_check(Isolation(protocol="isolation", findings=(joined,), swapped=(pair,)), texts) == [
        "Are two sensors swapped? Compare Hamstrings, left with Glute max, left."
    ]
    told = describe_check(Isolation(protocol="isolation", findings=(joined, alone, unknown)), texts)
    assert told[0].startswith("Glute max, left: joined in with 31 %, under 20 % is usual.")
    assert told[1:] == [
        "Hamstrings, left: 10 %, under 30 % is usual.",
        "Glute max, right: nothing to compare with yet.",
    ]
    good = describe_check(Isolation(protocol="isolation", findings=(alone,)), texts)
    assert good[0] == "Each muscle works on its own: the sensors sit well."
    changes = tuple(Change(role="hamstrings:left", start=100.0, now=now) for now in (104.0, 80.0, 60.0, None))
    told = describe_check(Drift(protocol="resqueeze", changes=changes), texts)
    assert [line.split(":")[1].split(" against")[0] for line in told[:3]] == [" +4 %", " -20 %", " -40 %"]
    assert told[3] == "Hamstrings, left: nothing to compare with."
