"""An exercise is a text file: what it asks of the pipeline, what words it needs, and what is said of its faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from gluteemg.coaching.exercise import Exercise
from gluteemg.errors import DefinitionError

_FOLDER = Path(__file__).parents[2] / "exercises"
_BRIDGE = (_FOLDER / "bridge.toml").read_text("utf-8")


def _exercise(name: str) -> Exercise:
    return Exercise.parse((_FOLDER / f"{name}.toml").read_text("utf-8"), name)


def _bridge(**changed: str) -> Exercise:
    """Give the bridge with some lines changed; each line is named by what it begins with."""
    lines = [next((new for old, new in changed.items() if line.startswith(f"{old} =")), line) for line in _BRIDGE.splitlines()]
    return Exercise.parse("\n".join(lines), "bridge.toml")


def test_the_aim_holds_the_zone_as_a_ratio_and_a_floor_for_each_kind_of_reference() -> None:
    aim = _exercise("bridge").aim
    assert aim.zone == (0.8, 1.3)
    assert aim.floor == {"mvic": 0.20, "submaximal": 0.40}
    assert aim.target == "gluteus_maximus"


def test_an_exercise_that_judges_no_share_has_an_aim_without_a_zone() -> None:
    aim = _exercise("clamshell").aim
    assert aim.zone is None
    assert aim.target == "gluteus_medius"
    assert set(aim.floor) == {"mvic", "submaximal"}


def test_where_nothing_is_to_be_reached_there_is_no_floor() -> None:
    assert _exercise("heel_slide").aim.floor == {}


def test_a_repetition_may_be_half_as_long_again_as_the_longest_hold() -> None:
    assert _bridge(rest_s="rest_s = 60\nhold_s = 60").aim.longest_s == 90


def test_a_loose_phase_is_no_part_of_the_work() -> None:
    assert _exercise("bridge").work_s == 6
    assert _exercise("glute_squeeze").work_s == 5
    assert sum(phase.tempo_s for phase in _exercise("glute_squeeze").phases) == 10


def test_it_names_every_word_that_it_needs_once() -> None:
    ids = _exercise("bridge").text_ids
    assert len(set(ids)) == len(ids)
    expected = "exercise.bridge setup.bridge posture.supine side_mode.both phase.lift then.lift breath.out cue.squeeze_lift"
    expected += " advice.heels_close why.heels_close situation.cramp equipment.mat equipment.band"
    expected += " contraindication.lying_on_back stop.back"
    assert set(expected.split()) <= set(ids)
    assert "cue.None" not in ids


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("stage = 2", "stage = 9", "stage: Input should be less than or equal to 4"),
        ('posture = "supine"', 'posture = "supine"\nmusic = "loud"', "music: is not known here"),
        ("[0.8, 1.3]", "[1.3, 0.8]", "file: share_band must ascend, is [1.3, 0.8]"),
        ("[0.8, 1.3]", "[0.8]", "share_band[1]: is missing"),
        ("[0.8, 1.3]", "[0, 1.3]", "share_band[0]: Input should be greater than 0"),
        ('target = ["gluteus_maximus"]', 'target = ["glutes"]', "target[0]: Input should be 'gluteus_maximus'"),
        ('requires = ["gluteus_maximus", "hamstrings"]', "requires = []", "file: a share_band requires gluteus_maximus and"),
        ('degrades_to = ["gluteus_maximus"]', 'degrades_to = ["adductors"]', "file: degrades_to must be a part of requires"),
        ('target = ["gluteus_maximus"]', 'target = ["gluteus_medius"]', "file: a floor requires its target gluteus_medius"),
        ("mvic = 0.20", "mvic = 20", "floor.mvic: Input should be less than or equal to 1"),
        ('id = "lift"', 'id = "Lift up"', "phases[0].id: String should match pattern"),
        ('id = "lift"', 'id = "lower"', "file: every phase and every variant needs an id of its own"),
        ("tempo_s = 2", "tempo_s = 0", "phases[0].tempo_s: Input should be greater than 0"),
        ("reps = { least = 8, most = 12 }", "", "dose.reps: is missing"),
        ("least = 8, most = 12", "least = 12, most = 8", "dose.reps: least must not be over most, they are 12 and 8"),
        ('side_mode = "both"', 'side_mode = "neither"', "side_mode: Input should be 'both', 'one' or 'alternating'"),
        ('helps = ["one_sided", "no_floor"]', "helps = []", "variants[3].helps: Tuple should have at least 1 item"),
        ('"cramp"]', '"wind"]', "variants[0].helps[3]: Input should be 'low_share'"),
        ('opposes = ["feet_wide", "band"]', 'opposes = ["feet_up"]', "file: opposes names feet_up, which is no variant of it"),
        ('status = "read"', 'status = "sure"', "evidence[0].status: Input should be 'read' or 'unverified'"),
    ],
)
def test_a_fault_is_refused_in_one_line_that_says_where(old: str, new: str, said: str) -> None:
    assert old in _BRIDGE
    with pytest.raises(DefinitionError) as refused:
        Exercise.parse(_BRIDGE.replace(old, new, 1), "bridge.toml")
    assert str(refused.value).startswith("bridge.toml has 1 fault: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_exercise_that_only_lets_go_is_none() -> None:
    with pytest.raises(DefinitionError, match="one phase at least must not be loose"):
        _bridge(tempo_s="tempo_s = 1\nloose = true")
