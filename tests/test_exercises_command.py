"""What a physiotherapist is told: exercises listed, shown, begun and checked; and the page of the documentation on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gluteemg import catalogue
from gluteemg.catalogue import load_exercise, load_texts, names
from gluteemg.cli import app
from gluteemg.coaching.exercise import Exercise
from gluteemg.errors import DefinitionError, GluteemgError

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "add-an-exercise.md"


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder, empty."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["exercises", *arguments])


def refusal(*arguments: str) -> tuple[str, list[str]]:
    """Run what must be refused; give the one line of the error, and the lines before it."""
    said = run(*arguments)
    assert isinstance(said.exception, GluteemgError), said.output
    assert "\n" not in str(said.exception)
    return str(said.exception), said.stdout.splitlines()


def reword(own: Path) -> None:
    """Say of one's own exercise in other words how to get into position."""
    words = own / "texts" / "en.toml"
    words.write_text(words.read_text("utf-8").replace(load_texts().setup["bridge"], "Lie on the mat."), "utf-8")


def changed(own: Path, old: str, new: str) -> str:
    """Begin an exercise and change a line of it; give its id."""
    run("new", "mine")
    reword(own)
    file = own / "exercises" / "mine.toml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return "mine"


def test_the_list_names_every_exercise_by_stage() -> None:
    lines = run("list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["adductor_squeeze", "glute_squeeze"]
    assert {line.split()[0] for line in lines[1:]} == set(names("exercises"))
    assert "floor and share" in next(line for line in lines if line.startswith("bridge"))
    assert run().stdout == run("list").stdout


def test_the_list_as_json_holds_each_exercise_with_its_words() -> None:
    listed = {e["id"]: e for e in json.loads(run("list", "--json").stdout)}
    assert listed["bridge"]["share_band"] == [0.8, 1.3]
    assert listed["bridge"]["words"]["exercise.bridge"] == "Bridge"
    assert json.loads(run("--json").stdout) == list(listed.values())
    assert json.loads(run("show", "bridge", "--json").stdout) == listed["bridge"]


def test_a_physiotherapist_reads_all_about_the_bridge() -> None:
    text = run("show", "bridge").stdout
    assert text.startswith("Bridge (bridge), stage 2: Activate\n")
    for said in (
        'Lift          2 s  breathe out      "Squeeze your glutes, then lift"',
        "1 to 2 sets of 8 to 12; 60 s rest between sets",
        "Glute max at 20 % MVIC or 40 % REF",
        "glute share 44 to 57 % (R 0.8 to 1.3); a repetition counts from 39 % on (R 0.64)",
        "heels_close: Bring your heels a little closer, then squeeze",
        "source: Lehecka 2017 Int J Sports Phys Ther 12:543",
        "context, never a mark to pass",
        "- Glute max 16.8 %MVIC, Hamstrings 16.5 %MVIC: double-leg bridge, no cue; R 1.02",
        "healthy young women, n not known; Hollman 2018 J Sport Rehabil 27:138; source read",
        "not verified",
        "Stop at pain above 3 of 10",
    ):
        assert said in text
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("exercise", names("exercises"))
def test_every_exercise_can_be_shown_and_is_in_order(exercise: str) -> None:
    shown = run("show", exercise)
    assert shown.exit_code == 0, shown.output
    assert "[" not in shown.stdout, "an id without words"
    assert run("check", exercise).stdout == f"{exercise}: in order\n"


def test_what_has_no_sensor_or_no_share_is_said_as_such() -> None:
    text = run("show", "heel_slide").stdout
    assert "none needed, it goes by time" in text
    assert "no share is judged here" in text
    assert "no published figure was found" in text


def test_an_exercise_that_was_begun_has_no_fault_and_is_found_by_its_id(own: Path) -> None:
    said = run("new", "my_bridge", "--name", 'The "other" bridge')
    assert said.exit_code == 0, said.output
    assert str(own / "exercises" / "my_bridge.toml") in said.stdout
    assert load_exercise("my_bridge").id == "my_bridge"
    assert load_texts().exercise["my_bridge"] == 'The "other" bridge'
    assert run("check", "my_bridge").exit_code == 0
    assert 'The "other" bridge' in run("show", "my_bridge").stdout


def test_words_that_are_still_those_of_the_bridge_are_remarked_on_until_they_are_ones_own(own: Path) -> None:
    run("new", "mine")
    said = run("check", "mine")
    where = own / "texts" / "en.toml"
    assert said.exit_code == 0
    assert said.stdout == (
        f"mine: remark: setup.mine still says how to get into the bridge: if yours differs, write your own words into {where}\n"
    )
    reword(own)
    assert run("check", "mine").stdout == "mine: in order\n"


def test_a_second_one_leaves_the_words_of_the_first_alone(own: Path) -> None:
    (own / "texts").mkdir()
    (own / "texts" / "en.toml").write_text('[cue]\nmine = "Up"\n\n[setup] # how\nold = "Stand."', "utf-8")
    run("new", "first")
    run("new", "second")
    texts = load_texts()
    assert texts.cue["mine"] == "Up"
    assert texts.setup["old"] == "Stand."
    assert texts.exercise["first"] == "First"
    assert texts.exercise["second"] == "Second"
    assert run("check", "first", "second").exit_code == 0


def test_what_is_there_is_not_written_over(own: Path) -> None:
    run("new", "mine")
    before = (own / "exercises" / "mine.toml").read_text("utf-8")
    for id in ("mine", "bridge"):
        line, _ = refusal("new", id)
        assert line == f"There is an exercise {id} already: choose another id."
    assert (own / "exercises" / "mine.toml").read_text("utf-8") == before


def test_words_that_cannot_be_read_are_left_as_they_are(own: Path) -> None:
    (own / "texts").mkdir()
    (own / "texts" / "en.toml").write_text("precious =", "utf-8")
    line, _ = refusal("new", "mine")
    assert "en.toml is not valid TOML" in line
    assert (own / "texts" / "en.toml").read_text("utf-8") == "precious ="
    assert not (own / "exercises").exists()


def test_an_id_that_is_none_is_refused() -> None:
    assert run("new", "My Bridge").exit_code == 2


def test_an_unknown_muscle_is_one_line(own: Path) -> None:
    line, faults = refusal("check", changed(own, '["gluteus_maximus"]   #', '["glutes"]   #'))
    assert line == "1 fault found: mend what is listed, then check again."
    assert [fault.startswith("mine: fault: target[0]: Input should be 'gluteus_maximus'") for fault in faults] == [True]


def test_missing_words_are_one_line_that_says_where_to_write_them(own: Path) -> None:
    _, faults = refusal("check", changed(own, 'stop = "back"', 'stop = "now"'))
    assert faults == [f"mine: fault: there are no words for stop.now: write them into {own / 'texts' / 'en.toml'}"]
    assert "[stop.now]" in run("show", "mine").stdout


def test_bad_toml_is_one_line_and_the_others_are_checked_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "half.toml"
    file.write_text("id = ", "utf-8")
    _, lines = refusal("check", str(file), "bridge", "handstand")
    assert re.match(rf"{re.escape(str(file))}: fault: .*half\.toml is not valid TOML: .*Mend that line\.", lines[0])
    assert lines[1] == "bridge: in order"
    assert lines[2].startswith("handstand: fault: There is no 'handstand' in exercises")
    assert len(lines) == 3


def test_several_faults_are_a_line_each_and_as_json(own: Path) -> None:
    changed(own, "stage = 2", "stage = 7\nmusic = true")
    line, faults = refusal("check", "mine")
    assert line.startswith("2 faults found")
    assert len(faults) == 2
    said = run("check", "mine", "bridge", "--json")
    assert [(e["exercise"], len(e["faults"])) for e in json.loads(said.stdout)] == [("mine", 2), ("bridge", 0)]


def test_an_id_unlike_its_file_is_a_fault(own: Path) -> None:
    _, faults = refusal("check", changed(own, 'id = "mine"', 'id = "bridge"'))
    assert faults == ["mine: fault: id is bridge, the file is called mine: it is found by one name only"]


def test_a_band_without_a_change_to_offer_is_remarked_on(own: Path) -> None:
    said = run("check", changed(own, '"low_share", ', ""))
    assert said.exit_code == 0
    assert said.stdout.startswith("mine: remark: no variant helps with low_share")


def test_one_of_ones_own_with_faults_is_left_out_of_the_list(own: Path, caplog: pytest.LogCaptureFixture) -> None:
    changed(own, "stage = 2", "stage = 7")
    assert "mine" not in run("list").stdout
    assert "`gluteemg exercises check` says more" in caplog.text


def test_an_exercise_that_is_not_there_is_refused() -> None:
    line, _ = refusal("show", "handstand")
    assert line.startswith("There is no 'handstand' in exercises")
    with pytest.raises(DefinitionError):
        load_exercise("handstand")


def test_the_example_of_the_page_is_in_order(own: Path) -> None:
    exercise, words = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for folder, name, text in (("exercises", "short_bridge", exercise), ("texts", "en", words)):
        (own / folder).mkdir()
        (own / folder / f"{name}.toml").write_text(text, "utf-8")
    assert run("check", "short_bridge").stdout == "short_bridge: in order\n"
    assert "Squeeze, then lift with your heels close" in run("show", "short_bridge").stdout


def test_the_schema_for_editors_is_that_of_the_program() -> None:
    schema = json.loads((ROOT / "docs" / "exercise.schema.json").read_text("utf-8"))
    assert schema == Exercise.model_json_schema(), "remake it: python scripts/make_schema.py"
    assert json.loads(run("schema").stdout) == schema
