"""The straight path as a whole: the same items give the same frames, and simulated people come out as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.activation.sessions import (
    GLUTES,
    HAMSTRINGS,
    MEDIUS,
    assert_same_update,
    joined,
    known_calibration,
    mixed_items,
    mixed_sensors,
    pipeline_of,
    profile,
    sensor_of,
    train,
)
from tests.cuts import assert_same, cuts_of

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames, Verdict
from gluteemg.activation.grid import PATIENCE_S
from gluteemg.activation.pipeline import Pipeline, Update
from gluteemg.errors import RoleError
from gluteemg.muscles import Placement, Role
from gluteemg.processing.quality import Flag
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.simulator import GAIN_UV, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Event, Item, Packet, PacketKind


def _run(items: Sequence[Item], sizes: Sequence[slice] | None = None) -> Update:
    pipeline = pipeline_of(mixed_sensors())
    return joined([pipeline.feed(items[piece]) for piece in sizes or [slice(None)]])


@pytest.fixture(scope="module")
def mixed() -> list[tuple[list[Item], Update]]:
    """Sessions of everything, with what comes of them in one call."""
    return [(items, _run(items)) for items in map(mixed_items, range(2))]


@pytest.fixture(scope="module")
def calm() -> tuple[list[SimulatedSensor], list[Packet]]:
    """Twelve seconds of two sensors on a steady link."""
    sensors = [sensor_of(role, "shared") for role in (GLUTES, HAMSTRINGS)]
    return sensors, simulated_packets(sensors, 12.0)


def _calm_run(calm: tuple[list[SimulatedSensor], list[Packet]], items: Sequence[Item]) -> Update:
    return pipeline_of(calm[0], known_calibration((GLUTES, HAMSTRINGS))).feed(items)


def _between(frames: Frames, start_s: float, end_s: float) -> slice:
    return slice(*np.searchsorted(frames.index, [start_s * FRAME_RATE_HZ, end_s * FRAME_RATE_HZ]))


# --- the chunk law


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1), st.data())
def test_any_cut_gives_the_same_frames_repetitions_and_traces(
    mixed: list[tuple[list[Item], Update]], which: int, data: st.DataObject
) -> None:
    items, whole = mixed[which]
    assert_same_update(_run(items, data.draw(cuts_of(len(items), 15))), whole)


@pytest.mark.parametrize("size", [1, 5, 97])
def test_calls_of_one_size_give_the_same_frames_repetitions_and_traces(
    mixed: list[tuple[list[Item], Update]], size: int
) -> None:
    items, whole = mixed[0]
    assert_same_update(_run(items, [slice(k, k + size) for k in range(0, len(items), size)]), whole)


def test_the_session_of_everything_holds_what_it_should(mixed: list[tuple[list[Item], Update]]) -> None:
    for _, update in mixed:
        frames = update.frames
        assert np.isfinite(frames.ln_ratio).sum() > 100
        assert {Flag.FILLED, Flag.SETTLING, Flag.ABSENT} <= set(frames.flags.ravel().tolist())
        assert update.reps
        assert {Verdict.MUTED, Verdict.REST} <= set(frames.verdict.tolist())


def test_every_instant_closes_once_and_in_order(mixed: list[tuple[list[Item], Update]]) -> None:
    for items, update in mixed:
        index = update.frames.index
        assert index.tolist() == list(range(len(index)))
        packets = [item for item in items if isinstance(item, Packet)]
        length_s = (packets[-1].t_ns - packets[0].t_ns) / 1e9
        assert index[-1] / FRAME_RATE_HZ == pytest.approx(length_s, abs=0.2)


def test_no_number_of_a_frame_is_nan(mixed: list[tuple[list[Item], Update]]) -> None:
    for _, update in mixed:
        for i in range(0, len(update.frames), 7):
            frame = update.frames[i]
            numbers = [frame.ln_ratio, frame.share, frame.rep_elapsed_s, *frame.activation.values()]
            numbers += frame.activation_fast.values()
            assert all(number is None or np.isfinite(number) for number in numbers)


def test_the_order_in_which_sensors_arrive_decides_no_frame(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    """As long as everybody comes within the patience of the grid."""
    sensors, packets = calm
    expected = _calm_run(calm, packets)
    by_interval = sorted(packets, key=lambda p: (p.t_ns // 60_000_000, p.sensor != sensors[1].name, p.t_ns))
    shuffled = _calm_run(calm, by_interval)
    heard = slice(20, min(len(expected.frames), len(shuffled.frames)))  # from where both have sent
    assert heard.stop > 1100
    for field in fields(Frames):
        if field.name not in ("roles", "rep_elapsed_s"):
            assert_same(getattr(shuffled.frames, field.name)[heard], getattr(expected.frames, field.name)[heard])


def test_a_run_of_nothing_gives_nothing(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    update = _calm_run(calm, [])
    assert (len(update.frames), update.reps, update.traces) == (0, (), ())
    assert update.frames.activation.shape == (0, 2)


# --- the grid


def test_an_instant_closes_when_all_sensors_have_passed_it(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    pipeline = pipeline_of(sensors)
    reached = dict.fromkeys((s.name for s in sensors), -np.inf)
    closed = 0
    for packet in packets:
        update = pipeline.feed([packet])
        for trace in update.traces:
            reached[packet.sensor] = float(trace.t_s[-1])
        closed += len(update.frames)
        if all(np.isfinite(t) for t in reached.values()):
            assert closed == int(np.floor(min(reached.values()) * FRAME_RATE_HZ)) + 1
    assert closed > 1100


def test_an_instant_closes_without_a_sensor_that_is_150_ms_behind(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    silent_ns = packets[0].t_ns + 6_000_000_000
    kept = [p for p in packets if p.sensor == sensors[0].name or p.t_ns < silent_ns]
    pipeline = pipeline_of(sensors, known_calibration((GLUTES, HAMSTRINGS)))
    newest, closed = 0.0, 0
    updates = []
    for packet in kept:
        updates.append(pipeline.feed([packet]))
        closed += len(updates[-1].frames)
        newest = max([newest, *(float(t.t_s[-1]) for t in updates[-1].traces)])
        if packet.t_ns > silent_ns + 300_000_000:
            assert closed == int(np.floor((newest - PATIENCE_S) * FRAME_RATE_HZ)) + 1
    frames = joined(updates).frames
    alone = _between(frames, 6.2, 11.0)
    assert (frames.flags[alone, 1] == Flag.ABSENT).all()
    assert (frames.flags[alone, 0] == Flag.GOOD).all()
    assert np.isnan(frames.activation[alone, 1]).all()
    assert np.isnan(frames.ln_ratio[alone]).all()
    assert (frames.verdict[alone] == Verdict.MUTED).all()


def test_a_late_burst_does_not_rewrite_what_is_closed(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    start_ns = packets[0].t_ns
    stalled = [
        p._replace(t_ns=start_ns + 6_500_000_000)
        if p.sensor == sensors[1].name and 6_000_000_000 <= p.t_ns - start_ns < 6_500_000_000
        else p
        for p in packets
    ]
    frames = _calm_run(calm, [*sorted(stalled, key=lambda p: p.t_ns)]).frames
    assert frames.index.tolist() == list(range(len(frames)))
    assert (frames.flags[_between(frames, 6.05, 6.3), 1] == Flag.ABSENT).all()
    assert (frames.flags[_between(frames, 7.0, 11.0), 1] == Flag.GOOD).all()


def test_after_a_sensor_has_gone_the_others_go_on_at_once(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    gone_ns = packets[0].t_ns + 6_000_000_000
    kept = [p for p in packets if p.sensor == sensors[0].name or p.t_ns < gone_ns]
    gone = Packet(sensors[1].name, gone_ns, b"switched off", PacketKind.DISCONNECT)
    pipeline = pipeline_of(sensors)
    closed, reached = 0, 0.0
    for packet in sorted([*kept, gone], key=lambda p: p.t_ns):
        update = pipeline.feed([packet])
        closed += len(update.frames)
        if packet.t_ns > gone_ns and update.traces:
            reached = float(update.traces[-1].t_s[-1])
            assert closed == int(np.floor(reached * FRAME_RATE_HZ)) + 1
    assert reached > 11


def test_a_sensor_that_comes_later_is_absent_until_then(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    starts_ns = packets[0].t_ns + 4_000_000_000
    frames = _calm_run(calm, [p for p in packets if p.sensor == sensors[0].name or p.t_ns >= starts_ns]).frames
    assert (frames.flags[_between(frames, 0, 3.9), 1] == Flag.ABSENT).all()
    assert (frames.flags[_between(frames, 4.1, 4.4), 1] == Flag.SETTLING).all()
    assert (frames.flags[_between(frames, 4.7, 11), 1] == Flag.GOOD).all()


def test_instants_close_the_same_however_many_at_a_time(
    mixed: list[tuple[list[Item], Update]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gluteemg.activation.grid._MOST_INSTANTS", 7)
    for items, whole in mixed:
        assert_same_update(_run(items), whole)
        assert max(len(u.frames) for u in pipeline_of(mixed_sensors()).updates(items)) == 7


# --- holes


@pytest.mark.parametrize(("packets_lost", "masked"), [(1, False), (2, False), (9, True)])
def test_a_hole_is_filled_up_to_50_ms_and_masked_beyond(
    calm: tuple[list[SimulatedSensor], list[Packet]], packets_lost: int, masked: bool
) -> None:
    """Nine packets are 194 ms, in the middle of the heel dig."""
    sensors, packets = calm
    own = [p for p in packets if p.sensor == sensors[1].name and p.data]
    first = next(k for k, p in enumerate(own) if p.t_ns - packets[0].t_ns > 7_800_000_000)
    lost = set(map(id, own[first : first + packets_lost]))
    frames = _calm_run(calm, [p for p in packets if id(p) not in lost]).frames
    around = _between(frames, 7.5, 9.0)
    flags = frames.flags[around, 1]
    if not masked:
        assert set(flags.tolist()) == {Flag.GOOD, Flag.FILLED}
        assert np.isfinite(frames.envelope[around]).all()
        assert np.isfinite(frames.ln_ratio[around]).all()
        return
    kinds = flags[flags >= Flag.SETTLING]
    assert kinds.tolist() == sorted(kinds.tolist(), reverse=True)
    assert 12 <= (kinds == Flag.ABSENT).sum() <= 20
    assert 48 <= (kinds == Flag.SETTLING).sum() <= 52
    hole = around.start + np.flatnonzero(flags >= Flag.SETTLING)
    assert np.isnan(frames.envelope[hole, 1]).all()
    assert np.isnan(frames.ln_ratio[hole]).all()
    assert (frames.verdict[hole] == Verdict.MUTED).all()
    assert frames[int(hole[0])].activation[HAMSTRINGS] is None
    assert frames[int(hole[0])].share is None
    assert np.isfinite(frames.envelope[hole, 0]).all()


# --- what is worn, and how it is calibrated


def test_without_a_calibration_there_are_envelopes_and_no_activation(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    update = pipeline_of(sensors).feed(packets)
    assert np.isfinite(update.frames.envelope[100:]).all()
    assert np.isnan(update.frames.activation).all()
    assert (update.frames.verdict == Verdict.MUTED).all()
    assert update.reps == ()


def test_a_working_level_alone_counts_repetitions_and_scores_none(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    levels = tuple(Level(role=str(r), floor=2.3, working=GAIN_UV[r.muscle]) for r in (GLUTES, HAMSTRINGS))
    calibration = Calibration(method=None, floor_method="estimated", levels=levels)
    update = pipeline_of(calm[0], calibration).feed(calm[1])
    assert update.reps
    assert {(r.counted, r.scored, r.reasons) for r in update.reps} == {(True, False, ("no_reference",))}


def test_a_calibration_holds_from_its_place_between_the_packets_on(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    middle = len(packets) // 2
    event = Event("calibration", known_calibration((GLUTES, HAMSTRINGS)).to_json())
    pipeline = pipeline_of(sensors)
    before = pipeline.feed(packets[:middle]).frames
    assert pipeline.calibration is None
    after = pipeline.feed([event, *packets[middle:]]).frames
    assert pipeline.calibration == known_calibration((GLUTES, HAMSTRINGS))
    assert np.isnan(before.activation).all()
    assert np.isfinite(after.activation).all()


def test_while_paused_nothing_is_counted_and_everything_is_shown(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    paused = _calm_run(calm, [Event("pause", {}), *calm[1]])
    running = _calm_run(calm, calm[1])
    assert running.reps
    assert paused.reps == ()
    assert np.isnan(paused.frames.rep_elapsed_s).all()
    assert_same(paused.frames.activation, running.frames.activation)


def test_a_channel_without_a_role_is_not_looked_at() -> None:
    npg = SimulatedSensor("NPG", profile("npg-lite-3ch"), [GLUTES, MEDIUS, HAMSTRINGS], Person(SCENARIOS["shared"]))
    packets = simulated_packets([npg], 3.0)
    update = Pipeline({"NPG": npg.profile}, [Placement("NPG", 2, HAMSTRINGS)]).feed(packets)
    assert update.frames.roles == (HAMSTRINGS,)
    assert {t.role for t in update.traces} == {HAMSTRINGS}
    everything = pipeline_of([npg]).feed(packets)
    assert_same(update.frames.envelope[:, 0], everything.frames.envelope[:, 2])


def test_a_role_is_given_once() -> None:
    with pytest.raises(RoleError, match="two channels"):
        Pipeline({"a": profile(), "b": profile()}, [Placement("a", 0, GLUTES), Placement("b", 0, GLUTES)])


def test_traces_hold_every_sample_once(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    update = _calm_run(calm, calm[1])
    for role in (GLUTES, HAMSTRINGS):
        t_s = np.concatenate([t.t_s for t in update.traces if t.role == role])
        assert len(t_s) == pytest.approx(12 * 1116, abs=48)
        assert (np.diff(t_s) >= 0).all()


def test_the_measured_rates_can_be_asked_for(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    pipeline = pipeline_of(calm[0])
    pipeline.feed(calm[1])
    assert list(pipeline.health) == [s.name for s in calm[0]]
    assert [health.rate_hz for health in pipeline.health.values()] == pytest.approx([1116.0] * 2, rel=0.01)


def test_packets_that_cannot_be_read_are_counted(calm: tuple[list[SimulatedSensor], list[Packet]]) -> None:
    sensors, packets = calm
    torn = [p._replace(data=b"?") if p.sensor == sensors[1].name and p.data and not k % 3 else p for k, p in enumerate(packets)]
    pipeline = pipeline_of(sensors)
    pipeline.feed(torn)
    assert pipeline.health[sensors[0].name].unreadable == 0
    assert pipeline.health[sensors[1].name].unreadable == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(("known", "scorable"), [((GLUTES, HAMSTRINGS), True), ((GLUTES,), False), ((), False)])
def test_without_a_reference_of_every_muscle_of_the_ratio_nothing_can_be_scored(
    calm: tuple[list[SimulatedSensor], list[Packet]], known: tuple[Role, ...], scorable: bool
) -> None:
    calibration = known_calibration(known) if known else None
    pipeline = pipeline_of(calm[0], calibration)
    reps = pipeline.feed(calm[1]).reps
    assert pipeline.why_no_ratio == (None if scorable else "no_reference")
    assert bool(reps) == bool(known)
    assert all(rep.scored is scorable for rep in reps if rep.counted)
    assert {rep.reasons for rep in reps if not rep.scored} <= {("no_reference",), ("too_short", "no_reference")}


# --- the truth


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_simulated_session_comes_out_with_its_true_share(scenario: str) -> None:
    for seed in range(5):
        session = train(scenario, seed)
        scored = [r.ln_ratio for r in session.update.reps if r.ln_ratio is not None]
        assert len(scored) >= 2
        share = 1 / (1 + np.exp(-np.mean(scored)))
        assert share == pytest.approx(session.person.share(session.seconds), abs=0.05)


def test_the_repetitions_of_a_simulated_session_lie_where_they_were_done() -> None:
    session = train("glute-led", 7)
    true = session.person.reps(session.seconds)
    assert len(session.update.reps) == len(true) == 3
    for rep, real in zip(session.update.reps, true, strict=True):
        assert rep.start_s == pytest.approx(real.start_s, abs=0.35)
        assert rep.end_s == pytest.approx(real.end_s, abs=0.35)
        assert rep.led_by == "glutes"
        assert rep.in_zone
        assert rep.over_floor
    assert all(before.end_s < after.start_s for before, after in pairwise(session.update.reps))


@pytest.mark.parametrize(
    ("scenario", "verdict"), [("hamstring-led", Verdict.HAMSTRINGS_LEAD), ("glute-led", Verdict.GLUTES_LEAD)]
)
def test_the_live_verdict_of_a_clear_case_is_the_right_one(scenario: str, verdict: Verdict) -> None:
    session = train(scenario, 2)
    frames = session.update.frames
    for rep in session.person.reps(session.seconds)[1:]:
        held = frames.verdict[_between(frames, rep.start_s + 1.2, rep.end_s - 0.4)]
        assert np.mean(held == verdict) > 0.9
