"""A simulated person goes through plans: what is advised is done, what is well is left in peace, all comes to its end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gluteemg import catalogue
from gluteemg.cli import app
from gluteemg.errors import GluteemgError
from gluteemg.recording.file import Recording
from gluteemg.sensors.character import CHARACTERS, HABITS, character_of

ROOT = Path(__file__).parents[1]
SOURCES = ("after_birth_return", "posture_and_activation", "abs_and_glutes", "wake_up_glutes", "relax_first")
STEPS = (
    '[[steps]]\ndo = "measure"\nprotocol = "demo"\n\n[[steps]]\ndo = "practise"\nexercise = "bridge"\nsets = 1\nreps = {reps}\n'
)

Train = Callable[..., tuple[dict[str, Any], str, Recording]]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what belongs to whoever runs it."""
    monkeypatch.setattr(catalogue, "user_folder", lambda: tmp_path / "own")


@pytest.fixture
def train(tmp_path: Path) -> Train:
    """Go through a plan without a window; give the document, what was told meanwhile, and the recording."""

    def go(plan: str | Path, person: str, *options: str) -> tuple[dict[str, Any], str, Recording]:
        path = tmp_path / "session.emg"
        command = ["train", "--plan", str(plan), "--virtual", person, "--headless", "--json", "--record", str(path), *options]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.exception
        return json.loads(result.stdout), result.stderr, Recording.open(path)

    return go


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Write a plan of some steps, under the name of one that has words."""

    def write(steps: str) -> Path:
        file = tmp_path / "plan.toml"
        file.write_text(f'id = "bridge_basics"\nsource = "a test"\n\n{steps}', encoding="utf-8")
        return file

    return write


def refusal(*arguments: str) -> str:
    """Run what must be refused; give its one line."""
    result = CliRunner().invoke(app, ["train", "--headless", *arguments])
    assert isinstance(result.exception, GluteemgError), result.output
    line = str(result.exception)
    assert "\n" not in line
    return line


# Advice


def test_a_hamstring_led_person_gets_a_variant_within_two_reps_and_the_verdict_follows(
    train: Train, written: Callable[[str], Path]
) -> None:
    said, told, recording = train(written(STEPS.format(reps=5)), "hamstring-led")
    (advice,) = recording.told("advice")
    assert (advice["change"], advice["situation"]) == ("heels_close", "low_share")
    assert "Lehecka" in advice["source"]
    by_then = [rep for rep in said["reps"] if rep["end_s"] < said["practice"]["changes"][0]["t_s"]]
    assert len(by_then) == 2
    before, after = ([rep["share"] for rep in reps] for reps in (said["reps"][:2], said["reps"][2:]))
    assert min(after) > max(before) + 0.05
    assert [rep["in_zone"] for rep in said["reps"][:2]] == [False, False]
    assert all(rep["in_zone"] for rep in said["reps"][2:])
    assert told.index("heels a little closer") < told.index("in your zone")
    assert said["summary"]["share"] == pytest.approx(said["truth"]["share"], abs=0.03)
    assert said["summary"]["reps"] == said["truth"]["reps"] == 5


def test_a_glute_led_person_is_left_in_peace(train: Train, written: Callable[[str], Path]) -> None:
    said, told, recording = train(written(STEPS.format(reps=4)), "glute-led")
    assert recording.told("advice") == ()
    assert [rep["led_by"] for rep in said["reps"]] == ["glutes"] * 4
    assert told.count("in your zone") == 4
    assert said["practice"]["sets"][0]["good"] == 4
    assert said["summary"]["share"] == pytest.approx(said["truth"]["share"], abs=0.03)


@pytest.mark.slow
def test_what_was_declined_is_not_offered_again(train: Train, written: Callable[[str], Path]) -> None:
    _, _, recording = train(written(STEPS.format(reps=6)), "hamstring-led,declining")
    changes = [advice["change"] for advice in recording.told("advice")]
    assert changes[:2] == ["heels_close", "feet_wide"]
    assert len(set(changes)) == len(changes)


def test_who_is_asked_to_go_slower_does_and_that_is_told_before_judged_by_and_kept(
    train: Train, written: Callable[[str], Path], tmp_path: Path
) -> None:
    said, told, recording = train(written(STEPS.format(reps=2) + 'rung = { id = "slower", tempo = 2.5 }'), "shared")
    before = told.index("For today you need: a mat or a folded blanket")
    assert told.index("Bridge gets harder. The same, more slowly") < before < told.index("Next: Bridge")
    assert [round(rep["end_s"] - rep["start_s"]) for rep in said["reps"]] == pytest.approx([15, 15], abs=1)
    (done,) = said["practice"]["sets"]
    assert (done["rung"], done["counted"], done["good"]) == ("slower", 2, 2)
    assert recording.told("set")[0]["rung"] == "slower"
    again = CliRunner().invoke(app, ["replay", str(tmp_path / "session.emg"), "--headless"])
    assert again.stderr.count("in your zone") == told.count("in your zone") == 2


def test_what_needs_nothing_says_nothing_of_what_to_have_ready(train: Train, written: Callable[[str], Path]) -> None:
    _, told, _ = train(written('[[steps]]\ndo = "task"\ntask = "walk"\nseconds = 5'), "shared")
    assert "you need" not in told


# What comes over people


def test_a_sensor_falls_off_and_comes_back_and_a_pause_is_a_pause(train: Train, written: Callable[[str], Path]) -> None:
    said, told, recording = train(written(STEPS.format(reps=6)), "shared,losing,pausing")
    assert said["practice"]["sets"][0]["counted"] == 6
    assert "counted by time" in told
    assert "Paused. Everything is kept" in told
    events = [event.kind for event in recording.events if event.detail.get("by") is None]
    assert events.index("pause") < events.index("resume")
    assert "Lost" in told


@pytest.mark.slow
def test_a_cramp_is_heard_at_once(train: Train, written: Callable[[str], Path]) -> None:
    _, _, recording = train(written(STEPS.format(reps=4)), "glute-led,cramping")
    kinds = [event.kind for event in recording.events]
    assert kinds[kinds.index("key") + 1] == "advice"
    assert recording.told("advice")[0]["situation"] == "cramp"


def test_strong_pain_ends_it_and_says_who_can_help(train: Train, written: Callable[[str], Path]) -> None:
    asks = '[[steps]]\ndo = "ask"\nquestion = "pain_before"\n\n'
    said, _, recording = train(written(asks + STEPS.format(reps=4)), "shared", "--answer", "pain_before=8")
    assert said["practice"]["sets"] == []
    assert recording.told("calibration") == ()


def test_people_have_habits() -> None:
    assert character_of("shared,hasty,pausing,cramping").tempo < 1
    assert [happening.kind for happening in character_of("shared,hasty,pausing,cramping").happenings] == ["pause", "cramp"]
    with pytest.raises(GluteemgError, match="There is no simulated person 'nobody': use one of hamstring-led"):
        character_of("nobody")
    with pytest.raises(GluteemgError, match="Simulated people are never lazy: they may be clenching"):
        character_of("shared,lazy")


# One clear line


def test_a_plan_for_sensors_that_are_not_there() -> None:
    line = refusal("--plan", "both_sides", "--virtual", "shared", "--channels", "1")
    assert line == (
        "The plan both_sides needs gluteus_maximus, gluteus_medius, hamstrings on both sides, and gluteus_medius, hamstrings, "
        "gluteus_maximus has no sensor: give it one, or choose another plan."
    )


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (
            '[[steps]]\ndo = "practise"\nexercise = "handstand"',
            "There is no 'handstand' in exercises: there are adductor_squeeze",
        ),
        ('[[steps]]\ndo = "measure"\nprotocol = "guess"', "There is no 'guess' in calibration: there are demo"),
        ('[[steps]]\ndo = "ask"\nquestion = "weather"', "weather"),
        ('[[steps]]\ndo = "practise', "is not valid TOML"),
        ('[[steps]]\ndo = "jump"', "jump"),
        (
            '[[steps]]\ndo = "practise"\nexercise = "bridge"\nrung = { id = "higher", tempo = 2 }',
            "There are no words for ladder.higher",
        ),
        ('[[steps]]\ndo = "practise"\nexercise = "bridge"\nvariant = "upside_down"', "upside_down, no variant of bridge"),
    ],
)
def test_a_plan_with_a_fault(steps: str, line: str, written: Callable[[str], Path]) -> None:
    assert line in refusal("--plan", str(written(steps)), "--virtual", "shared")


def test_a_refusal_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gluteemg", "train", "--plan", str(tmp_path / "none.toml"), "--virtual", "shared"]
    done = subprocess.run([*command, "--headless"], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "There is no file" in done.stderr


# Plans


def test_every_plan_has_its_words_and_what_it_names() -> None:
    from gluteemg.cli.worn import texts_for
    from gluteemg.coaching.coach import lead

    for name in catalogue.names("exercises/plans"):
        plan = catalogue.load_plan(name)
        assert plan.id == name
        exercises = {id: catalogue.load_exercise(id) for id in plan.exercises}
        protocols = {id: catalogue.load_protocol(id) for id in plan.protocols}
        texts_for(exercises.values(), protocols.values(), plan)
        lead(plan, exercises, protocols, catalogue.load_advice(), catalogue.load_safety())


@pytest.mark.parametrize("number", range(5))
def test_every_source_text_has_a_plan(number: int) -> None:
    assert catalogue.load_plan(SOURCES[number]).source.startswith(f"00{number}:")


@pytest.mark.parametrize("name", [name for name in catalogue.names("exercises/plans") if not name.startswith("assessment")])
def test_a_plan_gives_the_doses_of_its_exercises(name: str) -> None:
    for step in catalogue.load_plan(name).steps:
        if step.do == "practise":
            dose = catalogue.load_exercise(step.exercise).dose
            assert dose.sets.least <= (step.sets or dose.sets.least) <= dose.sets.most
            assert dose.reps.least <= (step.reps or dose.reps.least) <= dose.reps.most


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_each_sources_plan_is_gone_through_to_its_end(name: str, train: Train) -> None:
    said, told, recording = train(name, "glute-led")
    assert told.rstrip().endswith("Done for today. Thank your body")
    wanted = {step.exercise for step in catalogue.load_plan(name).steps if step.do == "practise"}
    assert {each["exercise"] for each in said["practice"]["sets"]} == wanted
    assert all(each["counted"] == each["asked"] for each in said["practice"]["sets"])
    assert said["summary"]["share"] == pytest.approx(said["truth"]["share"], abs=0.05)
    assert {advice["situation"] for advice in recording.told("advice")} <= {
        "under_zone"
    }  # a thrust asks for more than a bridge


_OTHERS = [name for name in catalogue.names("exercises/plans") if name not in SOURCES]
_CHANNELS = {"one_sensor": 1, "both_glutes": 4, "both_sides": 6, "assessment_symmetry": 6, "abs_and_glutes_belly": 8}


@pytest.mark.slow
@pytest.mark.parametrize("name", _OTHERS)
def test_every_other_plan_is_gone_through_to_its_end(name: str, train: Train) -> None:
    said, told, recording = train(name, "shared", "--channels", str(_CHANNELS.get(name, 3)))
    assert told.rstrip().endswith("Done for today. Thank your body")
    assert all(each["counted"] == each["asked"] for each in said["practice"]["sets"])
    plan = catalogue.load_plan(name)
    if plan.kind == "assessment":
        assert recording.told("advice") == ()
        assert said["summary"]["checks"]["isolation"] == "good"
        assert said["summary"]["checks"]["drift"] == "good"


@pytest.mark.slow
def test_a_simulated_person_can_do_every_exercise(train: Train, written: Callable[[str], Path]) -> None:
    dose = "sets = 1\nreps = 2\nrest_s = 3"
    steps = [
        f'[[steps]]\ndo = "practise"\nexercise = "{exercise.id}"\n{dose}\nhold_s = {min(exercise.dose.hold_s, 5)}'
        for exercise in catalogue.load_exercises()
    ]
    measure = '[[steps]]\ndo = "measure"\nprotocol = "demo"\n\n'
    said, _, _ = train(written(measure + "\n\n".join(steps)), "glute-led", "--channels", "8")
    assert {each["exercise"] for each in said["practice"]["sets"]} == set(catalogue.names("exercises"))
    for each in said["practice"]["sets"]:
        exercise = catalogue.load_exercise(each["exercise"])
        target = exercise.target[0]
        turns = 2 if exercise.side_mode == "alternating" and target != "internal_oblique" else 1  # that one is worn on the left
        assert each["counted"] == 2 * turns, each
        if target in ("gluteus_maximus", "gluteus_medius"):
            assert each["scored"] >= 2, each


def test_there_is_somebody_for_every_habit() -> None:
    assert set(CHARACTERS) == {"hamstring-led", "shared", "glute-led"}
    for name in HABITS:
        assert character_of(f"shared,{name}") != character_of("shared")


def test_a_step_without_words_is_named(written: Callable[[str], Path]) -> None:
    steps = '[[steps]]\ndo = "task"\ntask = "sing"\nseconds = 5'
    assert "There are no words for task.sing" in refusal("--plan", str(written(steps)), "--virtual", "shared")


@pytest.mark.parametrize(
    ("name", "stage"), [(name, 2) for name in ("after_birth_return", "posture_first_steps", *SOURCES[2:])] + [(SOURCES[1], 3)]
)
def test_a_plan_asks_for_nothing_of_a_later_stage(name: str, stage: int) -> None:
    assert max(catalogue.load_exercise(id).stage for id in catalogue.load_plan(name).exercises) <= stage
