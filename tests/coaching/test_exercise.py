"""An exercise is a text file: what it asks of the pipeline, and what is said of its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluteemg.coaching.exercise import Exercise
from gluteemg.errors import DefinitionError

_FILES = sorted((Path(__file__).parents[2] / "exercises").glob("*.toml"))
_BRIDGE = next(file for file in _FILES if file.stem == "bridge").read_text("utf-8")


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_an_exercise_is_called_like_its_file_and_asks_for_what_it_judges(file: Path) -> None:
    exercise = Exercise.parse(file.read_text("utf-8"), file.name)
    assert exercise.id == file.stem
    assert exercise.target
    assert set(exercise.degrades_to) <= set(exercise.requires)
    assert len({p.id for p in exercise.phases}) == len(exercise.phases)
    assert exercise.toml == file.read_text("utf-8")


def test_the_aim_holds_the_zone_as_a_ratio_and_a_floor_for_each_kind_of_reference() -> None:
    aim = Exercise.parse(_BRIDGE, "bridge").aim
    assert (aim.zone.low, aim.zone.high) == (0.8, 1.3)
    assert aim.floor == {"mvic": 0.20, "submaximal": 0.40}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stage = 2", "stage = 9", "stage: Input should be less than or equal to 4"),
        ('posture = "supine"', 'posture = "supine"\nmusic = "loud"', "music: is not known here"),
        ("[0.8, 1.3]", "[1.3, 0.8]", "file: share_band must ascend, is [1.3, 0.8]"),
        ("[0.8, 1.3]", "[0.8]", "share_band[1]: is missing"),
        ("[0.8, 1.3]", "[0, 1.3]", "share_band[0]: Input should be greater than 0"),
        ('target = ["gluteus_maximus"]', 'target = ["glutes"]', "target[0]: Input should be 'gluteus_maximus'"),
        ("mvic = 0.20", "mvic = 20", "floor.mvic: Input should be less than or equal to 1"),
        ('id = "lift"', 'id = "Lift up"', "phases[0].id: String should match pattern"),
        ("tempo_s = 2", "tempo_s = 0", "phases[0].tempo_s: Input should be greater than 0"),
        ("reps = 10", "", "dose.reps: is missing"),
        ('side_mode = "both"', 'side_mode = "neither"', "side_mode: Input should be 'both', 'one' or 'alternating'"),
    ],
)
def test_a_fault_is_refused_in_one_line_that_says_where(old: str, new: str, said: str) -> None:
    assert old in _BRIDGE
    with pytest.raises(DefinitionError) as refused:
        Exercise.parse(_BRIDGE.replace(old, new, 1), "bridge.toml")
    assert str(refused.value).startswith("bridge.toml has 1 fault: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
