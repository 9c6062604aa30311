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

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.calibrator import Calibrator, Result
from gluteemg.activation.checks import Drift, Isolation
from gluteemg.activation.frame import Frames
from gluteemg.activation.protocol import Protocol
from gluteemg.errors import DefinitionError
from gluteemg.muscles import Role
from gluteemg.processing.chain import design
from gluteemg.processing.quality import Flag
from gluteemg.sensors.simulator import GAIN_UV

_PAIR = (GLUTES, HAMSTRINGS)
_SHORT = Protocol.parse(
    """\
id = "short"
method = "submaximal"
spare_trials = 1
steps = [
    {id = "rest", kind = "rest", seconds = 2, lead_s = 1},
    {id = "squeeze", kind = "reference", muscles = ["gluteus_maximus"], pause_s = 0.5, seconds = 2, lead_s = 1},
    {id = "heel_dig", kind = "reference", muscles = ["hamstrings"], pause_s = 0.5, seconds = 2, lead_s = 1},
]
""",
    "short",
)
_REST, _SQUEEZE, _DIG = slice(0, 200), slice(250, 450), slice(500, 700)


def _frames(
    envelope: NDArray[np.float64],
    roles: tuple[Role, ...] = _PAIR,
    first: int = 0,
    *,
    fast: NDArray[np.float64] | None = None,
    flags: NDArray[np.uint8] | None = None,
) -> Frames:
    """Frames with that envelope; NaN is absent."""
    n = len(envelope)
    nothing, unknown = np.full(n, np.nan), np.full(envelope.shape, np.nan)
    flags = np.where(np.isnan(envelope), Flag.ABSENT, Flag.GOOD).astype(np.uint8) if flags is None else flags
    return Frames(
        roles,
        first + np.arange(n),
        envelope,
        envelope if fast is None else fast,
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


def _take(calibrator: Calibrator, frames: Frames, block: int = 10) -> tuple[Result | None, list[str]]:
    """Feed in blocks; give the result and every kind of rejection."""
    rejections: list[str] = []
    for first in range(0, len(frames), block):
        rows = slice(first, first + block)
        part = _frames(frames.envelope[rows], frames.roles, int(frames.index[first]), flags=frames.flags[rows])
        result = calibrator.feed(part)
        if calibrator.rejected is not None and calibrator.rejected not in rejections:
            rejections.append(calibrator.rejected)
        if result is not None:
            return result, rejections
    return None, rejections


def _level(calibration: Result | None, role: Role) -> Level:
    assert isinstance(calibration, Calibration)
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
    glutes, hamstrings = _level(calibration, GLUTES), _level(calibration, HAMSTRINGS)
    assert (glutes.floor, glutes.reference) == pytest.approx((2.0, 50.0))
    assert (hamstrings.floor, hamstrings.reference) == pytest.approx((2.0, 80.0))


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
    assert isinstance(calibration, Calibration)
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
    medius = _level(calibration, MEDIUS)
    assert medius.floor == pytest.approx(3.0)
    assert (medius.reference, medius.trials) == (None, ())


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
    restless = 40 / 88  # of what is left when the first window of 125 ms is full
    assert _level(calibration, GLUTES).floor == pytest.approx(math.sqrt((1 - restless) * 2.0**2 + restless * 20.0**2))


_REPEATED = Protocol.parse(
    """\
id = "repeated"
method = "mvic"
statistic = "max"
steps = [
    {id = "rest", kind = "rest", seconds = 2, lead_s = 1},
    {id = "squeeze", kind = "reference", muscles = ["gluteus_maximus"], effort = 10, pause_s = 0.5, seconds = 3, lead_s = 1, \
     trials = 3, agreement = 0.1},
    {id = "standing", kind = "reference", muscles = ["gluteus_maximus"], seconds = 3, lead_s = 1},
]
""",
    "repeated",
)


def _repeated(*trials: float, standing: float = 40.0) -> NDArray[np.float64]:
    """A person whose squeezes have these RMS, the floor of 2 taken off."""
    parts = [np.full(200, 2.0), np.full(50, 2.0)]
    for rms in trials:
        parts += [np.full(300, math.hypot(rms, 2.0)), np.full(50, 2.0)]
    return np.concatenate([*parts[:-1], np.full(300, math.hypot(standing, 2.0))])[:, np.newaxis]


def _repeat(*trials: float, standing: float = 40.0) -> tuple[Level, list[str]]:
    envelope = _repeated(*trials, standing=standing)
    result, rejections = _take(Calibrator(_REPEATED, (GLUTES,)), _frames(envelope, (GLUTES,)))
    return _level(result, GLUTES), rejections


def test_of_maximal_trials_that_agree_the_greatest_is_the_reference() -> None:
    level, rejections = _repeat(90.0, 97.0, 100.0)
    assert rejections == []
    assert level.reference == pytest.approx(math.hypot(100.0, 2.0))
    assert level.agreement == pytest.approx(0.03)
    assert level.spread == pytest.approx(abs(math.log(0.97)) / 2)
    assert (level.effort, [t.accepted for t in level.trials]) == (10, [True] * 4)


def test_trials_are_asked_for_until_the_two_best_agree() -> None:
    level, rejections = _repeat(100.0, 70.0, 80.0, 95.0)
    assert rejections == ["disagree"]
    assert level.reference == pytest.approx(math.hypot(100.0, 2.0))
    assert [t.step for t in level.trials] == ["squeeze"] * 4 + ["standing"]


def test_after_five_trials_that_never_agree_the_mean_of_the_two_best_is_kept_with_how_far_they_lie_apart() -> None:
    level, rejections = _repeat(100.0, 70.0, 80.0, 60.0, 75.0)
    assert rejections == ["disagree"]
    assert level.reference == pytest.approx((math.hypot(100.0, 2.0) + math.hypot(80.0, 2.0)) / 2)
    assert level.agreement == pytest.approx(0.2)
    assert level.spread == pytest.approx(math.log(100 / 80) / 2)


def test_of_two_positions_the_better_one_counts() -> None:
    assert _repeat(50.0, 50.0, 50.0, standing=70.0)[0].reference == pytest.approx(math.hypot(70.0, 2.0))
    assert _repeat(50.0, 50.0, 50.0, standing=40.0)[0].reference == pytest.approx(math.hypot(50.0, 2.0))


def test_a_trial_that_is_not_used_is_kept_with_its_reason_and_another_one_is_asked_for() -> None:
    level, rejections = _repeat(90.0, 1.0, 92.0, 91.0)
    assert rejections == ["too_quiet"]
    assert [t.reason for t in level.trials] == [None, "too_quiet", None, None, None]
    assert [t.value for t in level.trials[:2]] == pytest.approx([math.hypot(90.0, 2.0), math.hypot(1.0, 2.0)])


@pytest.mark.parametrize(
    ("flag", "reason"),
    [
        (Flag.ABSENT, "no_signal"),
        (Flag.FLAT, "no_signal"),
        (Flag.HEAVY_CLIPPED, "clipped"),
        (Flag.HEAVY_MOTION, "moved"),
        (Flag.HEAVY_LOSS, "poor_signal"),
        (Flag.HEAVY_MAINS, "poor_signal"),
        (Flag.NO_SNR, None),  # what an old calibration says is no fault of this trial
        (Flag.CLIPPED, None),
    ],
)
def test_a_trial_of_a_signal_that_cannot_be_trusted_says_why(flag: Flag, reason: str | None) -> None:
    envelope = _followed()
    flags = np.zeros(envelope.shape, np.uint8)
    flags[360:440, 0] = flag
    _, rejections = _take(Calibrator(_SHORT, _PAIR), _frames(envelope, flags=flags))
    assert rejections == ([] if reason is None else [reason])


def test_the_median_of_half_efforts_is_the_reference() -> None:
    middle = Protocol.parse(
        _SHORT.toml.replace('muscles = ["gluteus_maximus"]', 'muscles = ["gluteus_maximus"], trials = 3, effort = 5'),
        "middle",
    )
    envelope = np.full((1500, 2), 2.0)
    for first, rms in ((250, 40.0), (500, 44.0), (750, 90.0)):
        envelope[first : first + 200, 0] = math.hypot(rms, 2.0)
    envelope[1000:1200, 1] = 80.0
    level = _level(_take(Calibrator(middle, _PAIR), _frames(envelope))[0], GLUTES)
    assert level.reference == pytest.approx(math.hypot(44.0, 2.0))
    assert level.agreement == pytest.approx(1 - 40 / 90)
    assert (level.effort, len(level.trials)) == (5, 3)


def test_what_the_lead_and_the_tail_hold_is_not_measured() -> None:
    tailed = Protocol.parse(_SHORT.toml.replace("seconds = 2, lead_s = 1", "seconds = 2, lead_s = 0.5, tail_s = 0.5"), "tailed")
    envelope = _followed()
    for step in (_REST, _SQUEEZE, _DIG):
        envelope[step.start : step.start + 50] = 33.0
        envelope[step.stop - 50 : step.stop] = 33.0
    calibration, rejections = _take(Calibrator(tailed, _PAIR), _frames(envelope))
    assert rejections == []
    assert _level(calibration, GLUTES).reference == pytest.approx(50.0)
    assert _level(calibration, GLUTES).floor == pytest.approx(2.0)


def test_unit_and_place_of_every_sensor_are_kept() -> None:
    calibrator = Calibrator(_SHORT, _PAIR, units={GLUTES: "uV", HAMSTRINGS: "counts"}, placed={GLUTES: "on the bulge"})
    calibration, _ = _take(calibrator, _frames(_followed()))
    assert (_level(calibration, GLUTES).unit, _level(calibration, GLUTES).placement) == ("uV", "on the bulge")
    assert (_level(calibration, HAMSTRINGS).unit, _level(calibration, HAMSTRINGS).placement) == ("counts", "")
    assert isinstance(calibration, Calibration)
    assert (calibration.trial_s, calibration.floor_s, calibration.window_s) == (1.0, 1.0, 1.0)


def _emg(random: np.random.Generator, rate_hz: int = 1000) -> NDArray[np.float64]:
    """A constant effort of 5 s: noise with the corners of EMG, 60 and 120 Hz."""
    sections = signal.butter(1, [60, 120], "bandpass", fs=rate_hz, output="sos")
    return np.asarray(signal.sosfilt(sections, random.standard_normal(7 * rate_hz))[rate_hz:])


def _moving_rms(emg: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """RMS over the window up to each 100th of a second, from the first second on."""
    sums = np.concatenate(([0.0], np.cumsum(emg**2)))
    ends = np.arange(1000, len(emg) + 1, 10)
    return np.sqrt((sums[ends] - sums[ends - window]) / window)


def test_over_half_the_window_the_same_effort_has_a_greater_reference_and_the_record_says_so() -> None:
    found: dict[float, list[float]] = {0.5: [], 0.25: []}
    for seed in range(60):
        random = np.random.default_rng(seed)
        rest, effort = 1e-3 * _emg(random), _emg(random)
        slow, fast = (
            np.concatenate([_moving_rms(x, window)[:n] for x, n in ((rest, 200), (effort, 500))])[:, np.newaxis]
            for window in (500, 125)
        )
        for window_s, references in found.items():
            once = Protocol.parse(
                f"""id = "once"
                method = "mvic"
                statistic = "max"
                window_s = {window_s}
                steps = [
                    {{id = "rest", kind = "rest", seconds = 2}},
                    {{id = "squeeze", kind = "reference", muscles = ["gluteus_maximus"], seconds = 5, lead_s = 1}},
                ]""",
                "once",
            )
            calibration = Calibrator(once, (GLUTES,)).feed(_frames(slow, (GLUTES,), fast=fast))
            assert isinstance(calibration, Calibration)
            assert (calibration.statistic, calibration.window_s) == ("max", window_s)
            references.append(_level(calibration, GLUTES).reference or 0.0)
    assert 1.06 <= np.mean(found[0.25]) / np.mean(found[0.5]) <= 1.08


def test_rest_alone_gives_floors_and_no_method() -> None:
    calibration, _ = _take(Calibrator(protocol("rest"), _PAIR), _frames(np.full((1000, 2), 2.0)))
    assert isinstance(calibration, Calibration)
    assert calibration.method is None
    assert [level.floor for level in calibration.levels] == pytest.approx([2.0, 2.0])


_IN_FORCE = Calibration(
    method="submaximal",
    floor_method="rest",
    window_s=1.0,
    levels=(
        Level(role=str(GLUTES), floor=2.0, reference=math.hypot(50.0, 2.0)),
        Level(role=str(HAMSTRINGS), floor=2.0, reference=math.hypot(80.0, 2.0)),
    ),
)


def _checked(squeeze: tuple[float, float], dig: tuple[float, float], calibration: Calibration | None = _IN_FORCE) -> Isolation:
    """Take the isolation test of a person whose glutes and hamstrings do this, the floor taken off."""
    envelope = np.full((3200, 2), 2.0)
    envelope[1400:1800] = np.hypot(dig, 2.0)
    envelope[2800:3200] = np.hypot(squeeze, 2.0)
    result, _ = _take(Calibrator(protocol("isolation"), _PAIR, calibration=calibration), _frames(envelope))
    assert isinstance(result, Isolation)
    return result


def test_muscles_that_work_alone_pass_the_isolation_test() -> None:
    result = _checked(squeeze=(50.0, 20.0), dig=(5.0, 80.0))
    assert (result.verdict, result.protocol) == ("good", "isolation")
    assert {f.role: f.activation for f in result.findings} == pytest.approx({str(GLUTES): 0.1, str(HAMSTRINGS): 0.25})


def test_a_muscle_that_joins_in_too_much_is_named() -> None:
    result = _checked(squeeze=(50.0, 20.0), dig=(15.0, 80.0))
    assert result.verdict == "joined_in"
    assert [(f.role, f.held) for f in result.findings] == [(str(GLUTES), False), (str(HAMSTRINGS), True)]


def test_swapped_sensors_are_seen_whatever_the_calibration_says() -> None:
    spoiled = _IN_FORCE.model_copy(update={"levels": (), "method": None})
    for calibration in (_IN_FORCE, spoiled, None):
        result = _checked(squeeze=(8.0, 50.0), dig=(80.0, 5.0), calibration=calibration)
        assert (result.verdict, result.swapped) == ("swapped", ((str(HAMSTRINGS), str(GLUTES)),))


def test_a_check_in_which_nothing_worked_is_asked_for_again() -> None:
    calibrator = Calibrator(protocol("isolation"), _PAIR, calibration=_IN_FORCE)
    calibrator.feed(_frames(np.full((1800, 2), 2.0)))
    assert (calibrator.rejected, calibrator.trial) == ("too_quiet", 2)
    assert calibrator.step is not None
    assert calibrator.step.id == "seated_dig"


@pytest.mark.parametrize(("squeeze", "verdict"), [(52.0, "good"), (40.0, "adjust"), (60.0, "adjust"), (30.0, "recalibrate")])
def test_the_squeeze_at_the_end_tells_how_far_the_levels_have_moved(squeeze: float, verdict: str) -> None:
    envelope = np.full((2700, 2), 2.0)
    envelope[700:1200, 0] = math.hypot(squeeze, 2.0)
    envelope[2200:2700, 1] = math.hypot(80.0, 2.0)
    result, _ = _take(Calibrator(protocol("resqueeze"), _PAIR, calibration=_IN_FORCE), _frames(envelope))
    assert isinstance(result, Drift)
    assert result.verdict == verdict
    assert [c.change for c in result.changes] == pytest.approx([squeeze / 50.0 - 1, 0.0])


def test_drift_is_measured_as_what_it_is_compared_with_was() -> None:
    maximal = _IN_FORCE.model_copy(update={"method": "mvic", "statistic": "max", "window_s": 0.5})
    envelope = np.full((2700, 2), 2.0)
    envelope[700:1200, 0] = 30.0
    envelope[1000:1020, 0] = math.hypot(50.0, 2.0)  # half a second there, and less elsewhere
    envelope[2200:2700, 1] = math.hypot(80.0, 2.0)
    changes = {}
    for calibration in (maximal, _IN_FORCE):
        result, _ = _take(Calibrator(protocol("resqueeze"), _PAIR, calibration=calibration), _frames(envelope))
        assert isinstance(result, Drift)
        changes[calibration.statistic] = result.changes[0].change
    assert changes["max"] == pytest.approx(0.0)
    assert changes["mean"] is not None
    assert changes["mean"] < -0.3


_TASK = _IN_FORCE.model_copy(update={"method": "task"})


@pytest.mark.parametrize("calibration", [None, _IN_FORCE.model_copy(update={"levels": (), "method": None}), _TASK])
def test_drift_without_anything_to_compare_with_is_refused(calibration: Calibration | None) -> None:
    with pytest.raises(DefinitionError, match="resqueeze compares with references of efforts, and there are none"):
        Calibrator(protocol("resqueeze"), _PAIR, calibration=calibration)


@settings(max_examples=15, deadline=None)
@given(st.integers(20, 3000), st.sampled_from(["submaximal", "standing_squeeze", "isolation", "resqueeze"]))
def test_any_cut_gives_the_same_result_of_every_protocol(block: int, name: str) -> None:
    random = np.random.default_rng(2)
    envelope = np.full((60_000, 2), 2.0)
    envelope[600:] = np.repeat(random.uniform(2.0, 90.0, (594, 2)), 100, axis=0)
    whole = Calibrator(protocol(name), _PAIR, calibration=_IN_FORCE).feed(_frames(envelope))
    assert whole is not None
    assert _take(Calibrator(protocol(name), _PAIR, calibration=_IN_FORCE), _frames(envelope), block)[0] == whole
