"""What the command line answers: results on standard output, one clear line for what cannot be done."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gluteemg.cli import app
from gluteemg.errors import GluteemgError

ROOT = Path(__file__).parents[1]
SESSION = ROOT / "recordings" / "bridge_hamstring_led.emg"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refusal(*arguments: str | Path) -> str:
    """Run what must be refused by an error of ours; give its one line."""
    result = run(*arguments)
    assert isinstance(result.exception, GluteemgError), result.output
    line = str(result.exception)
    assert "\n" not in line
    assert line.endswith((".", ")"))
    return line


def said(*arguments: str | Path) -> Any:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_help_names_every_command() -> None:
    text = run("--help").stdout
    for command in ("calibrate", "demo", "scan", "record", "replay", "import", "analyse", "profiles", "sys-info"):
        assert command in text


@pytest.mark.parametrize(
    "command", ["calibrate", "demo", "scan", "record", "replay", "import", "analyse", "profiles", "sys-info"]
)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0, result.exception
    assert "--json" in result.stdout


def test_analyse_prints_the_document() -> None:
    document = said("analyse", SESSION, "--json")
    assert document["summary"]["reps"] == 6
    assert document["summary"]["share"] == pytest.approx(0.305, abs=0.02)
    assert [m["muscle"] for m in document["muscles"]] == ["gluteus_maximus", "gluteus_medius", "hamstrings"]
    assert "truth" in document


def test_analyse_in_words_says_who_led() -> None:
    text = run("analyse", SESSION).stdout
    assert "6 reps, 6 scored, 0 in the zone" in text
    assert "hamstrings" in text


def test_replay_without_a_window_says_the_same_as_analyse() -> None:
    assert said("replay", SESSION, "--headless", "--json") == said("analyse", SESSION, "--json")


def test_a_calibration_from_a_file_takes_the_place_of_the_recorded_one(tmp_path: Path) -> None:
    from gluteemg.activation.calibration import Calibration, Level

    document = said("analyse", SESSION, "--json")
    levels = tuple(
        Level(role=f"{m['muscle']}:{m['side']}", floor=m["floor"], reference=2 * m["reference"]) for m in document["muscles"]
    )
    file = tmp_path / "twice.json"
    file.write_text(Calibration(method="mvic", floor_method="rest", levels=levels).model_dump_json())
    other = said("analyse", SESSION, "--json", "--calibration", file)
    assert other["summary"]["unit"] == "%MVIC"
    role = "hamstrings:left"
    before, after = document["reps"][-1], other["reps"][-1]
    assert after["activation"][role] == pytest.approx(before["activation"][role] / 2, rel=0.01)


def test_where_there_is_no_share_the_table_tells_what_each_muscle_did(tmp_path: Path) -> None:
    from gluteemg.activation.calibration import Calibration, Level

    levels = tuple(Level(role=f"{m}:left", floor=3.0, reference=60.0) for m in ("gluteus_maximus", "hamstrings"))
    file = tmp_path / "task.json"
    file.write_text(Calibration(method="task", floor_method="rest", levels=levels).model_dump_json())
    *_, head, first = run("analyse", SESSION, "--calibration", file).stdout.partition("rep ")[2].splitlines()[:2]
    assert ["Glute max, left" in head, "Glute medius" in head, "share" in head] == [True, False, False]
    assert first.count("%TASK") == 2


def test_profiles_are_listed_with_what_is_proven() -> None:
    listed = {p["id"]: p for p in said("profiles", "--json")}
    assert {"umyo-gatt", "npg-lite-3ch"} <= set(listed)
    assert {p["hardware"] for p in listed.values() if p["id"] != "synthetic"} == {"untested"}
    assert "untested on hardware" in run("profiles").stdout
    assert said("profiles", "list", "--json") == said("profiles", "--json")


def test_scan_finds_virtual_sensors_and_knows_what_they_are() -> None:
    found = said("scan", "--virtual", "shared", "--seconds", "0.5", "--json")
    assert [(f["name"], f["profile"]) for f in found] == [(n, "umyo-gatt") for n in ("uMyo-GD", "uMyo-GX", "uMyo-HS")]


def test_record_takes_references_and_keeps_everything(tmp_path: Path) -> None:
    roles = ["--role", "uMyo-GX=gluteus_maximus:left", "--role", "uMyo-HS=hamstrings:left"]
    document = said(
        "record",
        tmp_path / "s.emg",
        *roles,
        "--virtual",
        "glute-led",
        "--headless",
        "--seconds",
        "3",
        "--protocol",
        "demo",
        "--json",
    )
    assert [m["sensor"] for m in document["muscles"]] == ["uMyo-GX", "uMyo-HS"]
    assert (tmp_path / "s.emg").exists()


def test_sys_info_says_what_is_here() -> None:
    facts = said("sys-info", "--json")
    assert facts["bleak"]
    assert "umyo-gatt" in facts["profiles"]
    assert facts["Bluetooth"]


def test_import_and_analyse_a_table(tmp_path: Path) -> None:
    rows = "\n".join(f"{i / 500:.3f},{(-1) ** i * (50 if 500 < i < 900 else 2)}" for i in range(1500))
    (tmp_path / "t.csv").write_text(f"# made for a test\ntime_s,hamstrings_uV\n{rows}\n")
    out = tmp_path / "t.emg"
    imported = said("import", tmp_path / "t.csv", "-o", out, "--channel", "hamstrings_uV=hamstrings:left", "--json")
    assert imported["rate_hz"] == 500
    document = said("analyse", out, "--json")
    assert document["muscles"][0]["reference"] is None
    assert document["muscles"][0]["floor_method"] == "estimated"
    assert document["summary"]["share"] is None


class TestRefusals:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        assert "absent.emg" in refusal("analyse", tmp_path / "absent.emg")

    def test_a_file_that_is_no_recording(self) -> None:
        assert "README.md" in refusal("replay", ROOT / "README.md", "--headless")

    def test_a_newer_format(self, tmp_path: Path) -> None:
        import shutil
        import sqlite3
        from contextlib import closing

        shutil.copy(SESSION, tmp_path / "new.emg")
        with closing(sqlite3.connect(tmp_path / "new.emg")) as db:
            db.execute("PRAGMA user_version = 99")
            db.commit()
        assert "99" in refusal("analyse", tmp_path / "new.emg")

    def test_a_broken_profile(self, tmp_path: Path) -> None:
        broken = tmp_path / "mine.toml"
        broken.write_text((ROOT / "firmware_profiles" / "umyo-gatt.toml").read_text().replace("channels = 1", "channels = 0"))
        line = refusal("record", tmp_path / "x.emg", "--role", "X=hamstrings:left", "--profile", f"X={broken}", "--headless")
        assert "mine.toml" in line
        assert "channels" in line

    def test_a_profile_for_a_sensor_that_is_not_worn(self, tmp_path: Path) -> None:
        roles = ["--role", "uMyo-A=hamstrings:left", "--profile", "uMyo-B=umyo-adv"]
        assert "uMyo-B" in refusal("record", tmp_path / "x.emg", *roles, "--headless")

    def test_an_unknown_muscle(self, tmp_path: Path) -> None:
        assert "quadriceps" in refusal("record", tmp_path / "x.emg", "--role", "uMyo-A=quadriceps:left", "--headless")

    def test_a_muscle_without_a_side(self, tmp_path: Path) -> None:
        assert "MUSCLE:left" in refusal("record", tmp_path / "x.emg", "--role", "uMyo-A=hamstrings", "--headless")

    def test_a_column_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("time_s,a_uV\n0,1\n0.001,2\n0.002,1\n")
        line = refusal("import", tmp_path / "t.csv", "-o", tmp_path / "t.emg", "--channel", "b_uV=hamstrings:left")
        assert "b_uV" in line
        assert "a_uV" in line

    def test_a_column_without_a_unit(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("time_s,a\n0,1\n0.001,2\n0.002,1\n")
        assert "--unit" in refusal("import", tmp_path / "t.csv", "-o", tmp_path / "t.emg", "--channel", "a=hamstrings:left")

    def test_no_bluetooth(self, tmp_path: Path) -> None:
        from gluteemg.system import survey

        if survey()["Bluetooth"].startswith("works"):
            pytest.skip("this computer has Bluetooth")
        line = refusal("record", tmp_path / "x.emg", "--role", "uMyo-A=hamstrings:left", "--headless")
        assert "Bluetooth" in line
        assert "Bluetooth" in refusal("scan", "--seconds", "0.5")

    def test_a_sensor_that_never_shows_up(self, tmp_path: Path) -> None:
        options = ["--virtual", "shared", "--find", "1", "--headless"]
        assert "uMyo-ZZ" in refusal("record", tmp_path / "x.emg", "--role", "uMyo-ZZ=hamstrings:left", *options)

    def test_a_start_that_failed_leaves_no_file_in_the_way(self, tmp_path: Path) -> None:
        options = ["--virtual", "shared", "--find", "1", "--headless", "--role", "uMyo-ZZ=hamstrings:left"]
        refusal("record", tmp_path / "x.emg", *options)
        assert list(tmp_path.iterdir()) == []

    def test_a_channel_that_is_no_number_or_not_there(self, tmp_path: Path) -> None:
        options = ["--virtual", "shared", "--headless"]
        assert "not a channel" in refusal("record", tmp_path / "x.emg", "--role", "uMyo-GX/²=hamstrings:left", *options)
        assert "channels 0 to 0" in refusal("record", tmp_path / "x.emg", "--role", "uMyo-GX/1=hamstrings:left", *options)

    def test_an_exercise_without_words_before_anything_begins(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine.toml"
        mine.write_text((ROOT / "exercises" / "bridge.toml").read_text().replace('id = "bridge"', 'id = "my_bridge"'))
        assert "exercise.my_bridge" in refusal("demo", "--headless", "--exercise", mine)

    def test_a_calibration_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "c.json").write_text('{"method": "submaximal", "floor_method": "rest", "levels": [{"role": "x"}]}')
        line = refusal("analyse", SESSION, "--calibration", tmp_path / "c.json")
        assert "c.json" in line
        assert "pydantic" not in line
        assert "absent.json" in refusal("analyse", SESSION, "--calibration", tmp_path / "absent.json")

    def test_a_column_with_two_roles(self, tmp_path: Path) -> None:
        channels = ["--channel", "a_uV=hamstrings:left", "--channel", "a_uV=hamstrings:right"]
        assert "a_uV" in refusal("import", tmp_path / "t.csv", "-o", tmp_path / "t.emg", *channels)

    def test_a_scenario_that_does_not_exist(self) -> None:
        assert "glute-led" in refusal("demo", "--scenario", "lazy", "--headless")

    def test_an_exercise_that_does_not_exist(self) -> None:
        assert "bridge" in refusal("demo", "--exercise", "headstand", "--headless")

    def test_a_wrong_option_is_a_usage_error(self) -> None:
        assert run("demo", "--sideways").exit_code == 2
        assert run("import", "a.csv", "-o", "b.emg", "--channel", "nonsense").exit_code == 2


def test_words_of_the_persons_own_folder_stand_over_those_that_came_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gluteemg.catalogue as catalogue

    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "en.toml").write_text(
        '[exercise]\nmy_bridge = "My bridge"\n[setup]\nmy_bridge = "Lie on your back."\n'
    )
    mine = tmp_path / "mine.toml"
    mine.write_text((ROOT / "exercises" / "bridge.toml").read_text().replace('id = "bridge"', 'id = "my_bridge"'))
    assert run("analyse", SESSION, "--exercise", mine).stdout.startswith("My bridge: 6 reps")


def test_another_calibration_scores_the_same_repetitions_and_no_others(tmp_path: Path) -> None:
    from gluteemg.activation.calibration import Calibration
    from gluteemg.recording.file import Recording

    own = Calibration.from_json(Recording.open(SESSION).told("calibration")[0])
    (tmp_path / "own.json").write_text(own.model_dump_json())
    assert said("analyse", SESSION, "--json", "--calibration", tmp_path / "own.json") == said("analyse", SESSION, "--json")


def test_a_recording_that_was_cut_off_is_analysed_with_a_word_about_it(tmp_path: Path) -> None:
    cut = tmp_path / "cut.emg"
    cut.write_bytes(SESSION.read_bytes()[:300_000])
    result = run("analyse", cut, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["recovered"]
    assert document["recovered"] in result.stderr
    assert document["duration_s"] > 5
