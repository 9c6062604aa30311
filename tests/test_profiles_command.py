"""What a maker is told: a profile begun, checked and tried; and the page of the documentation that shows how."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gluteemg.catalogue import names
from gluteemg.cli import app
from gluteemg.errors import DefinitionError, GluteemgError
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.proof import objections

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "add-a-sensor.md"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["profiles", *arguments])


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_profile_that_was_begun_is_named_anew_and_claims_nothing() -> None:
    said = run("new", "my-sensor", "--like", "npg-lite-3ch")
    assert said.exit_code == 0, said.output
    assert "gluteemg profiles check my-sensor.toml" in said.stdout
    begun = FirmwareProfile.parse(Path("my-sensor.toml").read_text("utf-8"), "my-sensor.toml")
    assert (begun.id, begun.layout, begun.hardware) == ("my-sensor", "unverified", "untested")
    assert begun.match is not None
    assert run("check", "my-sensor.toml").exit_code == 0


def test_a_profile_that_is_there_is_not_written_over() -> None:
    Path("mine.toml").write_text("precious")
    said = run("new", "mine")
    assert isinstance(said.exception, DefinitionError)
    assert "mine.toml" in str(said.exception)
    assert Path("mine.toml").read_text() == "precious"


def test_an_id_that_is_none_is_refused() -> None:
    assert run("new", "My Sensor").exit_code == 2


def test_a_profile_with_faults_is_told_all_of_them_a_line_each() -> None:
    run("new", "mine")
    text = Path("mine.toml").read_text("utf-8")
    Path("mine.toml").write_text(text.replace("rate_hz = 1000", 'rate_hz = "fast"\ncolour = "red"'), "utf-8")
    said = run("check", "mine.toml")
    assert isinstance(said.exception, GluteemgError)
    assert "2 faults" in str(said.exception)
    assert [line for line in said.stdout.splitlines() if line.startswith("fault") and "rate_hz" in line]
    assert [line for line in said.stdout.splitlines() if line.startswith("fault") and "colour" in line]


def test_a_vector_that_gives_something_else_is_a_fault() -> None:
    run("new", "mine", "--like", "npg-lite-3ch")
    text = Path("mine.toml").read_text("utf-8")
    Path("mine.toml").write_text(text.replace("[2048, 2000, 100]", "[2048, 2000, 101]"), "utf-8")
    said = run("check", "mine.toml", "--json")
    assert isinstance(said.exception, GluteemgError)
    (fault,) = json.loads(said.stdout)["faults"]
    assert fault.startswith("vectors[0]")
    assert "100" in fault


@pytest.mark.parametrize("profile", names("firmware_profiles"))
def test_every_profile_is_in_order(profile: str) -> None:
    said = run("check", profile)
    assert said.exit_code == 0, said.output
    assert f"{profile} is in order" in said.stdout


def test_a_profile_streams_from_its_twin() -> None:
    said = run("try", "npg-lite-3ch", "--seconds", "0.5", "--json")
    assert said.exit_code == 0, said.output
    trial = json.loads(said.stdout)
    assert trial["packets"] >= 20
    assert trial["samples"] == 10 * trial["packets"]
    assert (trial["missing"], trial["unreadable"]) == (0, 0)


def test_the_example_of_the_page_is_in_order_and_streams() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    Path("gluteband.toml").write_text(example, "utf-8")
    found = objections(FirmwareProfile.parse(example, "gluteband.toml"))
    assert found.faults == ()
    assert [remark for remark in found.remarks if "two or more" not in remark] == []
    trial = json.loads(run("try", "gluteband.toml", "--seconds", "0.5", "--json").stdout)
    assert trial["unreadable"] == 0
    assert trial["samples"] == 10 * trial["packets"] >= 400


def test_the_schema_for_editors_is_that_of_the_program() -> None:
    schema = json.loads((ROOT / "docs" / "profile.schema.json").read_text("utf-8"))
    assert schema == FirmwareProfile.model_json_schema(), "remake it: python scripts/make_schema.py"
    assert json.loads(run("schema").stdout) == schema
