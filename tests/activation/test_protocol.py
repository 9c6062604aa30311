"""A protocol is data: what it may say, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.activation.sessions import ROOT, protocol

from gluteemg.activation.protocol import Protocol
from gluteemg.errors import DefinitionError
from gluteemg.muscles import HAMSTRINGS

_SHORT = """\
id = "short"
method = "mvic"
statistic = "max"
spare_trials = 1
steps = [
    {id = "rest", kind = "rest", seconds = 2, lead_s = 1},
    {id = "squeeze", kind = "reference", muscles = ["gluteus_maximus"], trials = 2, agreement = 0.1, seconds = 3, lead_s = 1},
    {id = "heel_dig", kind = "reference", muscles = ["hamstrings"], seconds = 2, lead_s = 1},
]
"""


def test_maximal_efforts_are_taken_as_the_science_asks() -> None:
    for name in ("mvic", "standing_squeeze"):
        taken = protocol(name)
        assert (taken.method, taken.statistic, taken.window_s, taken.averaged_s) == ("mvic", "max", 0.5, 0.5)
        kinds = [step.kind for step in taken.steps]
        assert kinds[:2] == ["rest", "warm_up"]
        for step in taken.steps:
            if step.kind == "reference":
                assert (step.trials, step.trials + taken.spare_trials, step.agreement) == (3, 5, 0.10)
                assert (step.seconds, step.lead_s, step.between_s) == (5, 1, 30)


def test_half_efforts_are_measured_in_the_middle_three_seconds() -> None:
    taken = protocol("submaximal")
    assert (taken.method, taken.statistic, taken.averaged_s) == ("submaximal", "mean", 3.0)
    for step in taken.steps[1:]:
        assert (step.trials, step.seconds, step.lead_s, step.tail_s, step.between_s, step.effort) == (3, 5, 1, 1, 10, 5)


def test_a_bridge_that_is_held_stands_for_every_muscle_and_asks_for_no_effort() -> None:
    taken = protocol("reference_task")
    (hold,) = (step for step in taken.steps if step.kind == "reference")
    assert (taken.method, taken.statistic, taken.averaged_s, hold.effort) == ("task", "mean", 3.0, None)
    assert {"gluteus_maximus", "gluteus_medius", *HAMSTRINGS} <= set(hold.muscles)


def test_the_demo_asks_for_what_its_person_does() -> None:
    asked = [(s.id, s.kind, s.pause_s, s.seconds, s.trials) for s in protocol("demo").steps]
    assert asked == [("rest", "rest", 0, 4, 1), ("squeeze", "reference", 0.5, 2, 1), ("heel_dig", "reference", 0.5, 2, 1)]
    assert protocol("demo").spare_trials == 0


def test_isolation_sets_limits_and_rest_alone_takes_no_reference() -> None:
    limits = {s.id: dict(s.at_most) for s in protocol("isolation").steps if s.kind == "check"}
    assert limits["seated_dig"] == {"gluteus_maximus": 0.20}
    assert limits["straight_squeeze"]["hamstrings"] == 0.30
    assert (protocol("rest").method, protocol("rest").averaged_s) == (None, 0.0)
    assert [s.kind for s in protocol("resqueeze").steps] == ["rest", "drift", "drift"]


@pytest.mark.parametrize("file", sorted((ROOT / "calibration").glob("*.toml")), ids=lambda f: f.stem)
def test_every_protocol_that_comes_along_can_be_read(file: Path) -> None:
    name = file.stem
    assert protocol(name).id == name


def test_a_pause_before_the_other_trials_is_that_before_the_first_unless_it_says_so() -> None:
    rest, squeeze, _ = Protocol.parse(_SHORT.replace("trials = 2", "trials = 2, pause_s = 3, between_s = 10"), "x").steps
    assert [squeeze.pause_before_s(trial) for trial in (1, 2, 3)] == [3, 10, 10]
    assert rest.pause_before_s(2) == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "rest"', 'kind = "reference", muscles = ["hamstrings"]', "the first step must be a rest"),
        ("lead_s = 1", "lead_s = 1.1", "steps[0]: less than 1 s is left to measure after lead_s and tail_s"),
        ("lead_s = 1", "tail_s = 1.1", "steps[0]: less than 1 s is left to measure after lead_s and tail_s"),
        (', muscles = ["hamstrings"]', "", "steps[2]: a reference names its muscles"),
        ('kind = "rest"', 'kind = "rest", muscles = ["hamstrings"]', "steps[0]: a rest names no muscles"),
        ('"hamstrings"', '"biceps_brachii"', "steps[2].muscles[0]: Input should be"),
        ("spare_trials = 1", "spare_trials = -1", "spare_trials: Input should be greater than or equal to 0"),
        ("spare_trials = 1", "window_s = 0.3", "window_s must be one of 0.125, 0.25, 0.5, 1"),
        ("spare_trials = 1", "window_s = 1.0", "window_s must be shorter than what is measured of every reference"),
        ('statistic = "max"', 'statistic = "mean"', "every reference must be measured for the same time"),
        ('method = "mvic"', "", "there must be a method where there are references"),
        ("trials = 2", "trials = 1", "steps[1]: only a reference of two or more trials says agreement"),
        ('muscles = ["hamstrings"]', 'muscles = ["hamstrings"], at_most = {adductors = 0.2}', "only a check says at_most"),
        (
            'kind = "reference", muscles = ["hamstrings"]',
            'kind = "check", muscles = ["hamstrings"]',
            "a protocol takes references, or checks, or looks for drift: one of them",
        ),
    ],
)
def test_a_protocol_with_a_fault_is_refused(old: str, new: str, said: str) -> None:
    assert Protocol.parse(_SHORT, "short.toml").averaged_s == 0.5
    with pytest.raises(DefinitionError) as refused:
        Protocol.parse(_SHORT.replace(old, new, 1), "short.toml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("short.toml has 1 fault: ")
