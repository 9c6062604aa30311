"""The simulated person and their sensors: pure, plausible, and true to what they say."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from gluteemg.errors import RoleError
from gluteemg.muscles import Role
from gluteemg.sensors.decoder import Decoder
from gluteemg.sensors.person import HEEL_DIG, REST, SCENARIOS, SQUEEZE, Person, Step
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import GAIN_UV, GOOD, Conditions, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import Packet, PacketKind

_PROFILES = Path(__file__).parents[2] / "firmware_profiles"
_ALL = [FirmwareProfile.parse(file.read_text("utf-8"), file.name) for file in sorted(_PROFILES.glob("*.toml"))]
_GLUTES, _MEDIUS, _HAMSTRINGS = (Role(m, "left") for m in ("gluteus_maximus", "gluteus_medius", "hamstrings"))
_CLEAN = Conditions(floor_uv=0.0)


def _profile(name: str) -> FirmwareProfile:
    return FirmwareProfile.parse((_PROFILES / f"{name}.toml").read_text("utf-8"), name)


def _umyo(role: Role, scenario: str = "glute-led", seed: int = 0, conditions: Conditions = _CLEAN) -> SimulatedSensor:
    person = Person(SCENARIOS[scenario], seed)
    return SimulatedSensor(f"uMyo-{role.muscle}", _profile("umyo-gatt"), [role], person, conditions=conditions)


def _npg(conditions: Conditions = _CLEAN) -> SimulatedSensor:
    roles = [_GLUTES, _MEDIUS, _HAMSTRINGS]
    return SimulatedSensor("NPG", _profile("npg-lite-3ch"), roles, Person(SCENARIOS["shared"]), conditions=conditions)


def _seconds(sensor: SimulatedSensor, start_s: float, end_s: float) -> NDArray[np.float64]:
    first = round(start_s * sensor.rate_hz)
    return sensor.emg(first, round(end_s * sensor.rate_hz) - first)


def _rms(emg: NDArray[np.float64]) -> NDArray[np.float64]:
    rms: NDArray[np.float64] = np.sqrt(np.mean(emg**2, axis=0))
    return rms


@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 40_000), sizes=st.lists(st.integers(0, 1500), max_size=8))
def test_any_cut_gives_the_same_samples_bit_for_bit(first: int, sizes: list[int]) -> None:
    whole = _npg().emg(first, sum(sizes))
    sensor, starts = _npg(), [first + s for s in itertools.accumulate(sizes, initial=0)]
    parts = [sensor.emg(at, size) for at, size in zip(starts, sizes, strict=False)]
    assert np.array_equal(np.concatenate([*parts, np.empty((0, 3))]), whole)


def test_samples_asked_for_backwards_are_the_same() -> None:
    sensor, whole = _npg(), _npg().emg(0, 9000)
    for at in range(8000, -1, -1000):
        assert np.array_equal(sensor.emg(at, 1000), whole[at : at + 1000])


def test_hours_in_the_samples_are_there_at_once() -> None:
    assert _rms(_umyo(_GLUTES).emg(8 * 3600 * 1116, 4000)).item() > 1


def test_a_step_on_the_reference_gives_the_gain_of_the_muscle() -> None:
    for role, step in ((_GLUTES, SQUEEZE), (_MEDIUS, SQUEEZE), (_HAMSTRINGS, HEEL_DIG)):
        held = _rms(_seconds(_umyo(role), step.start_s + 0.5, step.end_s)).item()
        assert held == pytest.approx(GAIN_UV[role.muscle], rel=0.12)


def test_rest_is_the_floor_of_the_sensor_alone() -> None:
    assert _rms(_seconds(_umyo(_GLUTES), REST.start_s, REST.end_s)).item() == 0
    assert _rms(_seconds(_umyo(_GLUTES, conditions=Conditions()), REST.start_s, REST.end_s)).item() == pytest.approx(
        2.5, rel=0.05
    )


def test_a_step_leaks_a_little_into_the_other_muscles() -> None:
    held_s = np.linspace(SQUEEZE.start_s + 0.5, SQUEEZE.end_s, 50)
    leak = Person(SCENARIOS["shared"]).activation(Role("hamstrings", "left"), held_s)
    assert np.all((leak >= 0.05) & (leak <= 0.10))


def test_the_person_starts_within_three_tenths_of_a_second_and_holds_past_the_end() -> None:
    t_s = np.arange(0, 12, 0.01)
    for muscle, step in (("gluteus_maximus", SQUEEZE), ("hamstrings", HEEL_DIG)):
        activation = Person(SCENARIOS["shared"]).activation(Role(muscle, "left"), t_s)
        full_s = t_s[activation > 0.99]
        begins_s = t_s[(activation > 0) & (t_s >= step.start_s)][0]
        assert 0.2 <= begins_s - step.start_s <= 0.3
        assert full_s[0] - step.start_s < 0.5
        assert full_s[-1] >= step.end_s


def test_a_sensor_of_unknown_scale_gives_counts_around_three_hundred() -> None:
    assert _rms(_seconds(_npg(), HEEL_DIG.start_s + 0.5, HEEL_DIG.end_s))[2] == pytest.approx(300, rel=0.1)


@pytest.mark.parametrize(
    ("scenario", "low", "high"), [("hamstring-led", 0, 0.35), ("glute-led", 0.65, 1), ("shared", 0.45, 0.55)]
)
def test_the_true_share_is_that_of_the_scenario(scenario: str, low: float, high: float) -> None:
    for seed in range(50):
        share = Person(SCENARIOS[scenario], seed).share(20)
        assert share is not None
        assert low <= share <= high


def test_three_repetitions_have_ended_after_twenty_seconds_with_rest_between() -> None:
    for seed in range(20):
        reps = Person(SCENARIOS["glute-led"], seed).reps(20)
        assert len(reps) == 3
        assert reps[0].start_s > HEEL_DIG.end_s + 0.8
        assert all(after.start_s - before.end_s >= 0.79 for before, after in itertools.pairwise(reps))


def test_before_the_first_repetition_there_is_no_true_share() -> None:
    assert Person(SCENARIOS["glute-led"]).reps(9) == ()
    assert Person(SCENARIOS["glute-led"]).share(9) is None


def test_glutes_that_lead_are_over_the_floor_of_the_bridge() -> None:
    for seed in range(20):
        person = Person(SCENARIOS["glute-led"], seed)
        for rep in person.reps(60):
            mean = person.activation(Role("gluteus_maximus", "left"), np.linspace(rep.start_s, rep.end_s, 200)).mean()
            assert mean > 0.40


def test_repetitions_differ_a_little_and_the_truth_tells_how() -> None:
    person = Person(SCENARIOS["hamstring-led"], 4)
    reps = person.reps(200)
    assert 0.01 < np.std([rep.ln_ratio for rep in reps]) < 0.15
    for rep in reps:
        top = np.array([(rep.start_s + rep.end_s) / 2])
        assert person.activation(Role("gluteus_maximus", "left"), top).item() == pytest.approx(rep.glutes)
        assert person.activation(Role("biceps_femoris", "left"), top).item() == pytest.approx(rep.hamstrings)


def _measured_share(scenario: str, seed: int) -> tuple[float, float]:
    """Share from nothing but samples, by the definition, and the true one."""
    activation = []
    for role, step in ((_GLUTES, SQUEEZE), (_HAMSTRINGS, HEEL_DIG)):
        sensor = _umyo(role, scenario, seed, Conditions())
        floor = _rms(_seconds(sensor, REST.start_s, REST.end_s))
        reference = _rms(_seconds(sensor, step.start_s + 0.5, step.end_s))
        reps = [_seconds(sensor, rep.start_s, rep.end_s) for rep in Person(SCENARIOS[scenario], seed).reps(20)]
        clean = [np.sqrt(_rms(rep) ** 2 - floor**2) / np.sqrt(reference**2 - floor**2) for rep in reps]
        activation.append(np.concatenate(clean))
    measured = 1 / (1 + np.exp(-np.mean(np.log(activation[0] / activation[1]))))
    return float(measured), Person(SCENARIOS[scenario], seed).share(20) or 0.0


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_share_measured_from_the_samples_is_the_true_one(scenario: str) -> None:
    errors = [measured - true for measured, true in (_measured_share(scenario, seed) for seed in range(8))]
    assert abs(np.mean(errors)) < 0.02
    assert max(np.abs(errors)) < 0.05


def test_the_spectrum_is_that_of_muscles() -> None:
    emg = _seconds(_umyo(_HAMSTRINGS), 10.0, 120.0)[:, 0]
    frequency_hz, power = signal.welch(emg, 1116, nperseg=1024)
    below = np.cumsum(power) / power.sum()
    assert 60 < frequency_hz[np.searchsorted(below, 0.5)] < 120
    assert below[np.searchsorted(frequency_hz, 20)] < 0.04
    assert below[np.searchsorted(frequency_hz, 450)] > 0.99


def test_channels_are_independent() -> None:
    emg = _seconds(_npg(), 10.0, 60.0)
    assert np.max(np.abs(np.corrcoef(emg.T) - np.eye(3))) < 0.03


def test_hum_and_swings_show_where_they_belong() -> None:
    hum = _seconds(_umyo(_GLUTES, conditions=Conditions(floor_uv=0, mains_uv=5, mains_hz=60)), 0, 4)[:, 0]
    frequency_hz, power = signal.periodogram(hum, 1116)
    assert frequency_hz[power.argmax()] == pytest.approx(60, abs=0.3)
    still, moved = _umyo(_GLUTES), _umyo(_GLUTES, conditions=Conditions(floor_uv=0, motion_uv=100))
    swing = (_seconds(moved, 0, 20) - _seconds(still, 0, 20))[:, 0]
    assert 30 < np.abs(swing).max() < 100
    frequency_hz, power = signal.periodogram(swing, 1116)
    assert power[frequency_hz < 20].sum() > 0.95 * power.sum()


_BODY = Conditions(floor_uv=1, fat_mm=6, crosstalk=0.1, ecg_uv=40, loss=0.01)


def _body() -> SimulatedSensor:
    profile = _profile("synthetic")
    roles = [_GLUTES, _MEDIUS, _HAMSTRINGS, Role("erector_spinae", "left")]
    return SimulatedSensor("body", profile, roles, Person(SCENARIOS["shared"], 2), conditions=_BODY)


@settings(max_examples=15, deadline=None)
@given(first=st.integers(0, 40_000), sizes=st.lists(st.integers(0, 1500), max_size=6))
def test_any_cut_gives_the_same_samples_through_fat_with_cross_talk_and_a_heart(first: int, sizes: list[int]) -> None:
    whole = _body().emg(first, sum(sizes))
    sensor, starts = _body(), [first + s for s in itertools.accumulate(sizes, initial=0)]
    parts = [sensor.emg(at, size) for at, size in zip(starts, sizes, strict=False)]
    assert np.array_equal(np.concatenate([*parts, np.empty((0, 4))]), whole)


def test_what_is_simulated_in_good_conditions_is_what_it_always_was() -> None:
    """So that `scripts/make_recordings.py` gives the recordings that are there."""
    found = _umyo(_GLUTES, conditions=GOOD).emg(12_000, 4)[:, 0]
    assert found == pytest.approx([-113.3804062915347, -110.63975743850777, -98.36069454361947, -64.71456658558283], rel=1e-9)


@pytest.mark.parametrize(("fat_mm", "leaves"), [(0, 1.0), (3, 0.69), (9, 0.20), (18, 0.10), (40, 0.10)])
def test_fat_takes_from_the_glutes_what_kuiken_found_and_from_the_hamstrings_nothing(fat_mm: float, leaves: float) -> None:
    for role, left in ((_GLUTES, leaves), (_MEDIUS, leaves), (_HAMSTRINGS, 1.0)):
        thin, thick = (_umyo(role, conditions=Conditions(floor_uv=0, fat_mm=mm)) for mm in (0.0, fat_mm))
        ratio = _rms(_seconds(thick, 10, 60)) / _rms(_seconds(thin, 10, 60))
        assert ratio.item() == pytest.approx(left, rel=0.03)


def test_between_the_layers_that_were_measured_fat_goes_by_the_logarithm() -> None:
    thin, thick = (_umyo(_GLUTES, conditions=Conditions(floor_uv=0, fat_mm=mm)) for mm in (0.0, 6.0))
    ratio = _rms(_seconds(thick, 10, 60)) / _rms(_seconds(thin, 10, 60))
    assert ratio.item() == pytest.approx(np.sqrt(0.69 * 0.20), rel=0.03)


def test_the_thicker_the_fat_the_lower_the_spectrum() -> None:
    means_hz = []
    for fat_mm in (0.0, 3.0, 9.0, 18.0):
        emg = _seconds(_umyo(_GLUTES, conditions=Conditions(floor_uv=0, fat_mm=fat_mm)), 10, 120)[:, 0]
        frequency_hz, power = signal.welch(emg, 1116, nperseg=1024)
        means_hz.append((frequency_hz * power).sum() / power.sum())
    assert all(before > after for before, after in itertools.pairwise(means_hz))
    assert 0.6 < means_hz[-1] / means_hz[0] < 0.85


def _pair(crosstalk: float, names: tuple[str, str] = ("uMyo-G", "uMyo-H")) -> list[SimulatedSensor]:
    person, conditions = Person(SCENARIOS["shared"], 5), Conditions(floor_uv=0, crosstalk=crosstalk)
    roles = (_GLUTES, _HAMSTRINGS)
    return [
        SimulatedSensor(name, _profile("umyo-gatt"), [role], person, conditions=conditions)
        for name, role in zip(names, roles, strict=True)
    ]


def test_cross_talk_is_a_share_of_the_waveform_that_the_neighbour_itself_shows() -> None:
    share = 0.2
    glutes, hamstrings = (_seconds(sensor, 10, 60)[:, 0] for sensor in _pair(share))
    alone = np.linalg.solve(np.array([[1, share], [share, 1]]), np.stack((glutes, hamstrings)))  # each without the other
    assert abs(np.corrcoef(alone)[0, 1]) < 0.03
    assert np.corrcoef(glutes, hamstrings)[0, 1] > 0.3
    own = GAIN_UV["gluteus_maximus"] / GAIN_UV["hamstrings"]
    assert _rms(alone.T)[0] / _rms(alone.T)[1] == pytest.approx(own, rel=0.05)  # a shared bridge


def test_whatever_the_sensors_are_called_the_muscles_under_them_stay_the_same() -> None:
    for sensor, other in zip(_pair(0.1), _pair(0.1, ("left", "right")), strict=True):
        assert np.array_equal(sensor.emg(10_000, 3000), other.emg(10_000, 3000))


def test_a_channel_without_a_neighbour_hears_no_cross_talk_and_no_muscle_hears_the_other_side() -> None:
    quiet = Person(SCENARIOS["shared"], steps=(), first_rep_s=1e6)
    digs = Person(SCENARIOS["shared"], steps=(Step("heel_dig", 0, 60),), first_rep_s=1e6)
    profile, conditions = _profile("umyo-gatt"), Conditions(floor_uv=0, crosstalk=0.2)
    for person, least, most in ((quiet, 0, 0), (digs, 30, 33)):  # a fifth of 150 µV, and what glutes do in a heel dig
        sensor = SimulatedSensor("uMyo", profile, [_GLUTES], person, conditions=conditions)
        assert least <= _rms(_seconds(sensor, 1, 50)).item() <= most
    trunk = SimulatedSensor("uMyo", profile, [Role("erector_spinae", "left")], digs, conditions=conditions)
    assert _rms(_seconds(trunk, 1, 50)).item() == pytest.approx(7, rel=0.05)  # its own, and no more


def test_a_heart_beats_in_the_trunk_and_nowhere_else() -> None:
    resting = Person(SCENARIOS["shared"], steps=(), first_rep_s=1e6)
    conditions, profile = Conditions(floor_uv=0, ecg_uv=200, ecg_bpm=75), _profile("synthetic")
    roles = [_GLUTES, _HAMSTRINGS, Role("erector_spinae", "left"), Role("rectus_abdominis", "right")]
    emg = SimulatedSensor("body", profile, roles, resting, conditions=conditions).emg(0, 60_000)
    assert np.all(emg[:, :2] == 0)
    peaks, _ = signal.find_peaks(emg[:, 2], height=150)
    assert len(peaks) == 75
    assert emg[:, 3].max() == pytest.approx(200, rel=0.01)


def test_a_sensor_that_sends_envelopes_adds_the_power_of_the_neighbour() -> None:
    person, profile = Person(SCENARIOS["shared"]), next(p for p in _ALL if p.signal.is_envelope and p.signal.channels == 1)
    alone, both = (
        SimulatedSensor("e", profile, [_GLUTES], person, conditions=Conditions(floor_uv=0, crosstalk=share))
        for share in (0, 0.2)
    )
    at = round((SQUEEZE.start_s + 1) * alone.rate_hz)
    leak = 0.2 * GAIN_UV["hamstrings"] / GAIN_UV["gluteus_maximus"] * 0.07
    assert (both.emg(at, 1) / alone.emg(at, 1)).item() == pytest.approx(np.hypot(1, leak), rel=1e-6)


def test_a_person_can_be_asked_for_references_of_any_length_and_number() -> None:
    steps = (Step("rest", 0, 10), Step("squeeze", 10, 15), Step("squeeze", 25, 30), Step("heel_dig", 40, 45))
    person = Person(SCENARIOS["glute-led"], 1, steps, first_rep_s=50)
    for t_s, glutes, hamstrings in ((5, 0, 0), (13, 1, 0.07), (20, 0, 0), (28, 1, 0.07), (43, 0.07, 1), (48, 0, 0)):
        for muscle, level in (("gluteus_maximus", glutes), ("hamstrings", hamstrings)):
            assert person.activation(Role(muscle, "left"), np.array([float(t_s)])).item() == pytest.approx(level, abs=1e-9)
    assert 50.2 < person.reps(60)[0].start_s < 50.3
    assert person.reps(52) == ()


def test_packets_are_lost_as_often_as_asked_alone_and_in_runs() -> None:
    sensor = _umyo(_GLUTES, conditions=Conditions(loss=0.02))
    alone = np.array([sensor.lost(k) for k in range(20_000)])
    assert alone.mean() == pytest.approx(0.02, abs=0.004)
    sensor = _umyo(_GLUTES, conditions=Conditions(burst_loss=0.02))
    runs = np.array([sensor.lost(k) for k in range(20_000)])
    assert runs.mean() == pytest.approx(0.02, abs=0.01)
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate(([0], runs, [0])))))[::2]
    assert lengths.min() >= 8
    sensor = _umyo(_GLUTES)
    assert not any(sensor.lost(k) for k in range(5000))


def test_a_sensor_needs_a_role_for_each_channel() -> None:
    with pytest.raises(RoleError, match="3 channels and 1 roles"):
        SimulatedSensor("NPG", _profile("npg-lite-3ch"), [_GLUTES], Person(SCENARIOS["shared"]))


def _session(conditions: Conditions = _CLEAN, seed: int = 0) -> tuple[Mapping[str, SimulatedSensor], list[Packet]]:
    sensors = {s.name: s for s in (_umyo(_GLUTES, conditions=conditions), _umyo(_HAMSTRINGS), _npg())}
    return sensors, simulated_packets(list(sensors.values()), 12.0, seed=seed)


def test_a_simulated_session_decodes_to_the_samples_that_went_in() -> None:
    sensors, packets = _session()
    for name, sensor in sensors.items():
        own = [p for p in packets if p.sensor == name and p.kind is PacketKind.NOTIFY]
        chunk = Decoder(sensor.profile).decode([p.data for p in own], np.array([p.t_ns for p in own]))
        sent = sensor.emg(0, len(chunk.index))
        assert np.array_equal(chunk.index, np.arange(len(sent)))
        assert len(sent) / sensor.rate_hz == pytest.approx(12, abs=0.05)
        assert np.max(np.abs(chunk.emg - sent)) <= sensor.profile.signal.lsb / 2 + 1e-9


def test_packets_come_in_order_after_their_last_sample_and_on_the_beat_of_the_link() -> None:
    sensors, packets = _session()
    assert [p.kind for p in packets[:3]] == [PacketKind.CONNECT] * 3
    assert all(before.t_ns <= after.t_ns for before, after in itertools.pairwise(packets))
    own_ns = np.array([p.t_ns for p in packets if p.sensor == "uMyo-hamstrings" and p.kind is PacketKind.NOTIFY])
    ready_s = 24 * np.arange(1, len(own_ns) + 1) / sensors["uMyo-hamstrings"].rate_hz
    wait_s = own_ns / 1e9 - packets[0].t_ns / 1e9 - ready_s
    assert wait_s.min() >= 0
    assert wait_s.max() <= 0.036


def test_a_lost_packet_leaves_a_hole_of_its_length() -> None:
    sensors, packets = _session(Conditions(loss=0.05))
    sensor = sensors["uMyo-gluteus_maximus"]
    own = [p for p in packets if p.sensor == sensor.name and p.kind is PacketKind.NOTIFY]
    chunk = Decoder(sensor.profile).decode([p.data for p in own], np.array([p.t_ns for p in own]))
    missing = np.setdiff1d(np.arange(chunk.index[-1] + 1), chunk.index)
    assert len(missing) > 0
    assert set((missing // 24).tolist()) == {k for k in range(int(chunk.index[-1]) // 24 + 1) if sensor.lost(k)}


def test_the_same_seed_gives_the_same_session_and_another_seed_another_link() -> None:
    assert _session()[1] == _session()[1]
    assert _session()[1] != _session(seed=1)[1]


def _worn(profile: FirmwareProfile, conditions: Conditions = GOOD) -> SimulatedSensor:
    roles = ([_HAMSTRINGS, _GLUTES, _MEDIUS] * 22)[: profile.signal.channels]
    return SimulatedSensor(profile.id, profile, roles, Person(SCENARIOS["shared"]), conditions=conditions)


@pytest.mark.parametrize("profile", _ALL, ids=lambda p: p.id)
def test_packets_of_every_profile_decode_to_the_samples_that_went_in(profile: FirmwareProfile) -> None:
    sensor = _worn(profile)
    connected, *own = simulated_packets([sensor], 10.0)
    is_advertising = profile.stream is not None and profile.stream.kind == "advertising"
    assert connected.kind is PacketKind.CONNECT
    assert {p.kind for p in own} == {PacketKind.ADVERT if is_advertising else PacketKind.NOTIFY}
    chunk = Decoder(profile).decode([p.data for p in own], np.array([p.t_ns for p in own]))
    sent = sensor.emg(0, len(chunk.index))
    assert chunk.rejected == chunk.dropped == 0
    if profile.signal.timing != "arrival":  # those without a clock belong where they arrive
        assert np.array_equal(chunk.index, np.arange(len(sent)))
    assert len(sent) / sensor.rate_hz == pytest.approx(10, abs=0.3)
    error = np.quantile(np.abs(chunk.emg - sent), 0.98)  # differences of few bits cannot follow the steepest
    assert error < 0.02 * np.abs(sent).max()  # the coarsest have eight bits; nothing is clipped


@pytest.mark.parametrize("profile", [p for p in _ALL if p.signal.is_envelope], ids=lambda p: p.id)
def test_a_sensor_that_sends_envelopes_shows_the_activation_and_never_less_than_nothing(profile: FirmwareProfile) -> None:
    sensor = _worn(profile, _CLEAN)
    t_s = np.arange(500) / sensor.rate_hz + 4
    expected = sensor.person.activation(Role("hamstrings", "left"), t_s) * sensor.emg(round(8 * sensor.rate_hz), 1)[0, 0]
    assert sensor.emg(round(4 * sensor.rate_hz), 500)[:, 0] == pytest.approx(expected, abs=0.02 * expected.max())
    rough = _worn(profile, Conditions(floor_uv=5, mains_uv=5, motion_uv=50)).emg(0, 3000)
    assert rough.min() >= 0
