"""A calibration is taken from frames alone: what it asks, what it measures, and when it asks again."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS, WORN, Trained, protocol, train

from gluteemg.activation.calibration import Calibration, Calibrator, Level, Protocol, recalibrated
from gluteemg.activation.frame import Frames
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role
from gluteemg.processing.chain import design
from gluteemg.processing.quality import Flag
from gluteemg.sensors.simulator import GAIN_UV
from gluteemg.sensors.source import Event, Item, Packet, PacketKind

_PAIR = (GLUTES, HAMSTRINGS)
_SHORT = Protocol.parse(
    """\
id = "short"
method = "submaximal"
tries = 2
[[steps]]
id = "rest"
kind = "rest"
seconds = 2
lead_s = 1
[[steps]]
id = "squeeze"
kind = "reference"
muscles = ["gluteus_maximus"]
pause_s = 0.5
seconds = 2
lead_s = 1
[[steps]]
id = "heel_dig"
kind = "reference"
muscles = ["hamstrings"]
pause_s = 0.5
seconds = 2
lead_s = 1
""",
    "short",
)
_REST, _SQUEEZE, _DIG = slice(0, 200), slice(250, 450), slice(500, 700)


def _frames(envelope: NDArray[np.float64], roles: tuple[Role, ...] = _PAIR, first: int = 0) -> Frames:
    """Frames with that envelope; NaN is absent."""
    n = len(envelope)
    nothing, unknown = np.full(n, np.nan), np.full(envelope.shape, np.nan)
    flags = np.where(np.isnan(envelope), Flag.ABSENT, Flag.GOOD).astype(np.uint8)
    return Frames(
        roles,
        first + np.arange(n),
        envelope,
        envelope,
        unknown,
        unknown,
        flags,
        nothing,
        np.zeros(n, np.uint8),
        nothing,
    )


def _followed(seconds: float = 7.0) -> NDArray[np.float64]:
    """A person who follows the short protocol: floor 2, references 50 and 80."""
    envelope = np.full((round(seconds * 100), 2), 2.0)
    envelope[_SQUEEZE, 0] = 50.0
    envelope[_DIG, 1] = 80.0
    return envelope


def _take(calibrator: Calibrator, frames: Frames, block: int = 10) -> tuple[Calibration | None, list[str]]:
    """Feed in blocks; give the calibration and every kind of rejection."""
    rejections: list[str] = []
    for first in range(0, len(frames), block):
        calibration = calibrator.feed(_frames(frames.envelope[first : first + block], frames.roles, int(frames.index[first])))
        if calibrator.rejected is not None and calibrator.rejected not in rejections:
            rejections.append(calibrator.rejected)
        if calibration is not None:
            return calibration, rejections
    return None, rejections


def _level(calibration: Calibration | None, role: Role) -> Level:
    assert calibration is not None
    level = calibration.level(role)
    assert level is not None
    return level


@pytest.fixture(scope="module")
def sessions() -> list[Trained]:
    return [train("shared", seed, 12.0) for seed in range(4)]


def _chain_gain(rate_hz: float = 1116.0) -> float:
    """How much of white noise the chain lets through, as a fraction of its RMS."""
    response = signal.sosfreqz(design(rate_hz), 4096, fs=rate_hz)[1]
    return float(np.sqrt(np.mean(np.abs(response) ** 2)))


def test_the_floor_of_the_simulated_person_is_found(sessions: list[Trained]) -> None:
    for session in sessions:
        for role in WORN:
            assert _level(session.calibration, role).floor == pytest.approx(2.5 * _chain_gain(), rel=0.10)


def test_the_references_of_the_simulated_person_are_found(sessions: list[Trained]) -> None:
    found = {r: [_level(s.calibration, r).reference or 0.0 for s in sessions] for r in WORN}
    for role in WORN:
        assert np.mean(found[role]) == pytest.approx(GAIN_UV[role.muscle], rel=0.10)
        assert found[role] == pytest.approx([GAIN_UV[role.muscle]] * 4, rel=0.15)


def test_a_calibration_tells_how_it_was_taken(sessions: list[Trained]) -> None:
    calibration = sessions[0].calibration
    assert (calibration.method, calibration.floor_method, calibration.protocol) == ("submaximal", "rest", "demo")
    assert calibration.unit == "%REF"
    assert calibration.window_s == pytest.approx(1.3)


def test_every_step_is_measured_after_its_lead() -> None:
    envelope = _followed()
    for step in (_REST, _SQUEEZE, _DIG):
        envelope[step.start : step.start + 100] = 33.0  # reacting: not measured
    calibration, rejections = _take(Calibrator(_SHORT, _PAIR), _frames(envelope))
    assert rejections == []
    assert _level(calibration, GLUTES) == Level(role=str(GLUTES), floor=2.0, reference=50.0)
    assert _level(calibration, HAMSTRINGS) == Level(role=str(HAMSTRINGS), floor=2.0, reference=80.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2000), st.integers(0, 5000))
def test_any_cut_and_any_start_give_the_same_calibration(block: int, first: int) -> None:
    random = np.random.default_rng(1)
    envelope = _followed() * random.uniform(0.8, 1.2, (700, 2))
    expected, _ = _take(Calibrator(_SHORT, _PAIR), _frames(envelope))
    assert expected is not None
    assert _take(Calibrator(_SHORT, _PAIR), _frames(envelope, first=first), block)[0] == expected


def test_moving_in_the_rest_is_asked_for_again() -> None:
    envelope = np.concatenate((np.full((200, 2), 2.0), _followed()))
    envelope[120:180, 1] = 20.0
    calibrator = Calibrator(_SHORT, _PAIR)
    assert calibrator.feed(_frames(envelope[:200])) is None
    assert calibrator.rejected == "moved"
    assert calibrator.step is not None
    assert calibrator.step.id == "rest"
    calibration, _ = _take(calibrator, _frames(envelope[200:], first=200))
    assert _level(calibration, HAMSTRINGS).floor == pytest.approx(2.0)


def test_a_reference_under_twice_the_floor_is_asked_for_again_and_then_left_out() -> None:
    envelope = _followed(9.5)
    envelope[250:450, 0] = 3.9
    envelope[450:, :] = 2.0
    envelope[500:700, 0] = 3.9  # the second try
    envelope[750:950, 1] = 80.0
    calibrator = Calibrator(_SHORT, _PAIR)
    calibrator.feed(_frames(envelope[:450]))
    assert calibrator.rejected == "too_quiet"
    assert calibrator.step is not None
    assert calibrator.step.id == "squeeze"
    calibrator.feed(_frames(envelope[450:700], first=450))
    assert calibrator.step is not None
    assert calibrator.step.id == "heel_dig"
    calibration, _ = _take(calibrator, _frames(envelope[700:], first=700))
    assert _level(calibration, GLUTES).reference is None
    assert _level(calibration, GLUTES).floor == pytest.approx(2.0)
    assert _level(calibration, HAMSTRINGS).reference == pytest.approx(80.0)
    assert calibrator.step is None


def test_a_second_try_that_works_is_taken() -> None:
    envelope = np.concatenate((_followed()[:250], np.full((250, 2), 2.0), _followed()[250:]))
    calibration, rejections = _take(Calibrator(_SHORT, _PAIR), _frames(envelope))
    assert rejections == ["too_quiet"]
    assert _level(calibration, GLUTES).reference == pytest.approx(50.0)


def test_where_nothing_is_heard_it_says_so_and_leaves_everything_open() -> None:
    calibration, rejections = _take(Calibrator(_SHORT, _PAIR), _frames(np.full((2000, 2), np.nan)))
    assert rejections == ["no_signal"]
    assert calibration is not None
    assert (calibration.method, calibration.unit, calibration.levels) == (None, None, ())


def test_a_hole_in_the_signal_is_left_out_of_the_mean() -> None:
    envelope = _followed()
    envelope[360:400] = np.nan
    calibration, rejections = _take(Calibrator(_SHORT, _PAIR), _frames(envelope))
    assert rejections == []
    assert _level(calibration, GLUTES).reference == pytest.approx(50.0)


def test_a_step_for_a_muscle_that_is_not_worn_is_skipped() -> None:
    calibrator = Calibrator(_SHORT, (GLUTES,))
    steps = [calibrator.step]
    for first in range(0, 450, 10):
        calibration = calibrator.feed(_frames(_followed()[first : first + 10, :1], (GLUTES,), first))
        if calibrator.step is not steps[-1]:
            steps.append(calibrator.step)
    assert [s and s.id for s in steps] == ["rest", "squeeze", None]
    assert _level(calibration, GLUTES).reference == pytest.approx(50.0)


def test_a_muscle_that_no_step_names_keeps_its_floor_alone() -> None:
    roles = (GLUTES, MEDIUS)
    envelope = np.hstack((_followed()[:, :1], np.full((700, 1), 3.0)))
    calibration, _ = _take(Calibrator(_SHORT, roles), _frames(envelope, roles))
    assert _level(calibration, MEDIUS) == Level(role=str(MEDIUS), floor=3.0)


def test_the_time_that_remains_runs_down_and_is_longer_while_a_pause_lasts() -> None:
    calibrator = Calibrator(_SHORT, _PAIR)
    seen = []
    for index in range(450):
        calibrator.feed(_frames(_followed()[index : index + 1], first=index))
        seen.append(calibrator.remaining_s(index))
    assert seen[0] == pytest.approx(2.0)
    assert all(after < before for before, after in pairwise(seen[:199]))
    assert seen[210] > 2.0
    assert seen[350] == pytest.approx(1.0)


def test_once_done_it_takes_nothing_more() -> None:
    calibrator = Calibrator(_SHORT, _PAIR)
    assert calibrator.feed(_frames(_followed())) is not None
    assert calibrator.feed(_frames(_followed(), first=700)) is None
    assert calibrator.remaining_s(700) == 0.0


def test_the_protocols_that_come_along_can_be_read() -> None:
    assert protocol("demo").tries == 1
    assert [s.kind for s in protocol("submaximal").steps] == ["rest", "reference", "reference"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "rest"', 'kind = "reference"\nmuscles = ["hamstrings"]', "the first step must be a rest"),
        ("lead_s = 1", "lead_s = 1.6", "steps[0]: less than 0.5 s is left to measure after lead_s"),
        ('muscles = ["hamstrings"]', "", "steps[2]: a reference names its muscles, a rest names none"),
        ('"hamstrings"', '"biceps_brachii"', "steps[2].muscles[0]: Input should be"),
        ("tries = 2", "tries = 0", "tries: Input should be greater than or equal to 1"),
    ],
)
def test_a_protocol_with_a_fault_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        Protocol.parse(_SHORT.toml.replace(old, new, 1), "short.toml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("short.toml has 1 fault: ")


def _level_of(role: Role, floor: float, over: float | None, working: float | None) -> Level:
    reference = None if over is None else floor + over
    return Level(role=str(role), floor=floor, reference=reference, working=working)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            _level_of,
            st.sampled_from(WORN),
            floor=st.floats(0, 1e3),
            over=st.none() | st.floats(0.1, 1e4),
            working=st.none() | st.floats(0.1, 1e4),
        ),
        max_size=3,
        unique_by=lambda level: level.role,
    ).map(tuple),
    st.sampled_from(["mvic", "submaximal"]),
    st.sampled_from(["rest", "estimated"]),
)
def test_a_calibration_survives_json(levels: tuple[Level, ...], method: str, floor_method: str) -> None:
    known = method if any(level.reference for level in levels) else None
    calibration = Calibration.model_validate({"method": known, "floor_method": floor_method, "levels": levels})
    assert Calibration.from_json(calibration.to_json()) == calibration


_GOOD_LEVEL = {"role": "hamstrings:left", "floor": 2.0, "reference": 50.0}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"levels": [{**_GOOD_LEVEL, "reference": math.inf}]}, "levels[0].reference: Input should be a finite number"),
        ({"levels": [{**_GOOD_LEVEL, "floor": math.nan}]}, "levels[0].floor: Input should be a finite number"),
        (
            {"levels": [{**_GOOD_LEVEL, "reference": 2.0}]},
            "levels[0]: the reference of hamstrings:left, 2, is not over its floor, 2",
        ),
        ({"levels": [{**_GOOD_LEVEL, "role": "biceps:left"}]}, "levels[0].role: Unknown muscle 'biceps'"),
        ({"levels": [_GOOD_LEVEL, _GOOD_LEVEL]}, "a muscle has two levels"),
        ({"levels": []}, "there must be a method where there are references"),
        ({"method": None}, "there must be a method where there are references"),
        ({"window_s": math.nan}, "window_s: Input should be a finite number"),
        ({"levels": "none"}, "levels: Input should be a valid tuple"),
    ],
)
def test_a_broken_calibration_in_a_recording_is_refused_in_one_line(change: dict[str, object], said: str) -> None:
    good = {"method": "submaximal", "floor_method": "rest", "levels": [_GOOD_LEVEL]}
    assert Calibration.from_json(good).level(HAMSTRINGS) is not None
    with pytest.raises(DefinitionError) as refused:
        Calibration.from_json({**good, **change})
    assert str(refused.value).startswith("The calibration in the recording is broken, it has 1 fault: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_another_calibration_stands_where_each_recorded_one_stood() -> None:
    one, other = (
        Calibration(method="submaximal", floor_method="rest", levels=(Level(role=str(GLUTES), floor=1, reference=r),))
        for r in (10, 20)
    )
    packet, pause = Packet("uMyo", 0, b"", PacketKind.CONNECT), Event("pause", {})
    items: list[Item] = [packet, Event("calibration", one.to_json()), pause, Event("calibration", {"broken": True}), packet]
    theirs = Event("calibration", other.to_json())
    assert recalibrated(items, other) == [packet, theirs, pause, theirs, packet]
    assert recalibrated([packet, pause], other) == [packet, pause]


def test_why_a_step_was_asked_for_again_is_forgotten_with_the_next_step_and_a_restless_floor_is_kept() -> None:
    envelope = np.concatenate((np.full((200, 2), 2.0), _followed()))
    for last in (150, 350):
        envelope[last : last + 40] = 20.0
    calibrator = Calibrator(_SHORT, _PAIR)
    calibrator.feed(_frames(envelope[:210]))
    assert calibrator.rejected == "moved"
    calibrator.feed(_frames(envelope[210:410], first=210))
    assert calibrator.step is not None
    assert calibrator.step.id == "squeeze"
    assert calibrator.rejected is None
    calibration, _ = _take(calibrator, _frames(envelope[410:], first=410))
    assert _level(calibration, GLUTES).floor == pytest.approx(math.sqrt(0.6 * 2.0**2 + 0.4 * 20.0**2))
