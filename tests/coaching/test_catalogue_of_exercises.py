"""What stands in ``exercises/`` and its words: that nothing is missing, and nothing is claimed that is not known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gluteemg.catalogue import load_exercise, load_texts, names
from gluteemg.coaching.exercise import Exercise

_FILES = sorted((Path(__file__).parents[2] / "exercises").glob("*.toml"))
_EXERCISES = {file.stem: Exercise.parse(file.read_text("utf-8"), file.name) for file in _FILES}
_JUDGE_A_SHARE = {"bridge": (0.8, 1.3), "scorpion": (1.0, 2.0), "all4s_slr": (1.0, 2.0), "hip_thrust": (1.5, 2.5)}
_BY_STAGE = {
    1: {"glute_squeeze", "heel_slide", "adductor_squeeze", "toe_tap"},
    2: {"bridge", "clamshell", "fire_hydrant", "scorpion", "all4s_slr", "prone_hip_ext", "side_lying_abduction"},
    3: {"elevated_clam", "lateral_band_walk", "penguin", "hip_thrust", "wall_sldl"},
    4: {"step_up", "squat"},
}

every = pytest.mark.parametrize("exercise", _EXERCISES.values(), ids=_EXERCISES)


@pytest.mark.parametrize("stage", _BY_STAGE)
def test_the_eighteen_are_there_each_in_its_stage(stage: int) -> None:
    assert {e.id for e in _EXERCISES.values() if e.stage == stage} == _BY_STAGE[stage]
    assert len(_EXERCISES) == 18


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_an_exercise_is_called_like_its_file_and_keeps_its_text(file: Path) -> None:
    assert _EXERCISES[file.stem].id == file.stem
    assert _EXERCISES[file.stem].toml == file.read_text("utf-8")
    assert load_exercise(file.stem) == _EXERCISES[file.stem]


@pytest.mark.parametrize("language", names("texts"))
@every
def test_every_word_of_it_is_there_in_every_language(exercise: Exercise, language: str) -> None:
    assert load_texts(language).lacks(exercise.text_ids) == []


@pytest.mark.parametrize(
    ("id", "sets", "reps", "hold_s"),
    [
        ("glute_squeeze", (1, 1), (5, 5), 0),
        ("scorpion", (1, 1), (4, 6), 0),
        ("all4s_slr", (1, 2), (8, 12), 0),
        ("bridge", (1, 2), (8, 12), 0),
        ("elevated_clam", (1, 2), (10, 10), 10),
    ],
)
def test_the_dose_is_that_of_the_source_texts(id: str, sets: tuple[int, int], reps: tuple[int, int], hold_s: float) -> None:
    dose = _EXERCISES[id].dose
    assert ((dose.sets.least, dose.sets.most), (dose.reps.least, dose.reps.most), dose.hold_s) == (sets, reps, hold_s)


def test_the_bridge_goes_two_one_three_and_is_lowered_slowly() -> None:
    assert [phase.tempo_s for phase in _EXERCISES["bridge"].phases] == [2, 1, 3]


@every
def test_the_breath_goes_out_on_effort_and_never_stands_still(exercise: Exercise) -> None:
    effort = {"lift", "squeeze", "open", "slide_out", "step_out", "step_up", "rise", "stand", "rock"}
    assert {p.breath for p in exercise.phases if p.id in effort} == {"out"}
    assert "in" in {p.breath for p in exercise.phases}
    assert all(p.breath == "free" for p in exercise.phases if p.id == "hold" and exercise.id != "penguin")


@every
def test_a_share_is_judged_in_hip_extension_alone_and_by_the_derived_bands(exercise: Exercise) -> None:
    assert exercise.share_band == _JUDGE_A_SHARE.get(exercise.id)
    assert exercise.share_band is None or exercise.toml.count("derived") >= 1


@pytest.mark.parametrize("id", _JUDGE_A_SHARE)
def test_where_a_share_is_judged_there_is_a_change_for_hamstrings_that_lead(id: str) -> None:
    helping = [v for v in _EXERCISES[id].variants if "low_share" in v.helps]
    assert len(helping) >= 2
    assert not helping[0].equipment, "the first change must need nothing that may not be at hand"


def test_the_set_ups_that_are_known_to_shift_the_share_come_first_in_the_bridge() -> None:
    assert [v.id for v in _EXERCISES["bridge"].variants] == ["heels_close", "feet_wide", "band", "single_leg"]


@every
def test_a_floor_is_asked_of_the_muscle_that_is_to_work(exercise: Exercise) -> None:
    by_time = {"heel_slide", "toe_tap", "adductor_squeeze"}
    assert (exercise.floor is None) == (exercise.id in by_time)
    assert bool(exercise.requires) == (exercise.id not in by_time)
    if exercise.target[0] == "gluteus_medius":
        assert exercise.requires == ("gluteus_medius",)
    elif exercise.floor is not None:
        assert exercise.requires[0] == "gluteus_maximus"


@every
def test_a_screen_out_of_sight_is_never_what_is_followed(exercise: Exercise) -> None:
    assert (exercise.channel == "screen") == (exercise.posture == "standing")
    assert exercise.posture != "all_fours" or exercise.channel == "voice"


@every
def test_what_undoes_a_change_is_named_on_both(exercise: Exercise) -> None:
    opposed = {(variant.id, other) for variant in exercise.variants for other in variant.opposes}
    assert opposed == {(b, a) for a, b in opposed}


@every
def test_everything_that_is_claimed_has_a_source(exercise: Exercise) -> None:
    assert all(variant.expect and variant.source for variant in exercise.variants)
    for row in exercise.evidence:
        assert row.source
        assert row.condition, "a figure without its condition says nothing"
        assert row.status == "unverified" or not re.search("no copy seen|not seen|recalled", row.source)
        assert row.sd is None or row.mean is not None
        assert row.mean is None or row.muscle is not None or row.unit == "index"
    if not exercise.evidence:
        assert "# No published figure" in exercise.toml


@every
def test_it_says_when_to_stop_and_asks_for_the_clinicians_yes(exercise: Exercise) -> None:
    assert exercise.contraindications[0] == "no_clearance"
    assert load_texts().stop[exercise.stop].startswith("Stop ")


@every
def test_nothing_in_it_judges_a_body_or_promises_health(exercise: Exercise) -> None:
    never = r"\b(diagnos|treat|cure|weak|wrong|bad\b|inhibit|abnormal|normal|fail|dominan|safe after|reduces pain)"
    assert re.findall(never, exercise.toml, re.I) == []


def test_a_cue_has_at_most_nine_words_and_a_position_two_or_three_sentences() -> None:
    texts = load_texts()
    assert [id for id, cue in texts.cue.items() if len(cue.split()) > 9] == []
    assert [id for id, setup in texts.setup.items() if setup.count(".") not in (2, 3)] == []
    assert [id for id, setup in texts.setup.items() if max(len(s.split()) for s in setup.split(".")) > 19] == []


def test_no_word_for_exercises_lies_unused() -> None:
    texts, used = load_texts(), {id for exercise in _EXERCISES.values() for id in exercise.text_ids}
    tables = ("exercise", "setup", "phase", "then", "breath", "cue", "side_mode", "equipment", "contraindication", "stop")
    assert [f"{t}.{id}" for t in tables for id in getattr(texts, t) if f"{t}.{id}" not in used] == []
