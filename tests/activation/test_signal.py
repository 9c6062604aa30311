"""One sensor from packets to envelopes: holes filled or masked, filters that follow the rate, and no cut that shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.activation.sessions import GLUTES, HAMSTRINGS, MEDIUS, profile, sensor_of
from tests.cuts import assert_same, cuts_of

from gluteemg.activation.signal import FILLED_GAP_S, Samples, SensorSignal
from gluteemg.processing.chain import Chain
from gluteemg.processing.quality import Flag
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import Conditions, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import PacketKind

_ZERO_NS = 1_000_000_000


@dataclass(frozen=True)
class _Came:
    """Payloads of one sensor with their arrivals."""

    profile: FirmwareProfile
    payloads: Sequence[bytes]
    arrival_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.payloads)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> _Came:
        kept = np.arange(len(self.payloads))[rows]
        return _Came(self.profile, [self.payloads[k] for k in kept], self.arrival_ns[kept])

    def feed(self, signal: SensorSignal) -> tuple[Samples, NDArray[np.float64]]:
        return signal.feed(self.payloads, self.arrival_ns, _ZERO_NS)


def _came(sensor: SimulatedSensor, seconds: float) -> _Came:
    packets = [p for p in simulated_packets([sensor], seconds, start_ns=_ZERO_NS) if p.kind is PacketKind.NOTIFY]
    return _Came(sensor.profile, [p.data for p in packets], np.array([p.t_ns for p in packets]))


@pytest.fixture(scope="module")
def clean() -> _Came:
    """Twelve seconds of one uMyo."""
    return _came(sensor_of(GLUTES), 12.0)


@pytest.fixture(scope="module")
def rough() -> list[_Came]:
    """One channel and three, with losses alone and in runs, and a sensor that runs faster than it says."""
    rough = Conditions(loss=0.03, burst_loss=0.03, mains_uv=10)
    person = Person(SCENARIOS["shared"])
    umyo = SimulatedSensor("uMyo", profile(), [GLUTES], person, conditions=rough)
    npg = SimulatedSensor("NPG", profile("npg-lite-3ch"), [GLUTES, MEDIUS, HAMSTRINGS], person, conditions=rough)
    fast = SimulatedSensor("fast", profile(), [GLUTES], person, conditions=rough, rate_hz=1116 * 1.08)
    return [_came(sensor, 10.0) for sensor in (umyo, npg, fast)]


def _without(came: _Came, first: int, n: int) -> _Came:
    return came[np.array([k for k in range(len(came)) if not first <= k < first + n])]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2), st.integers(0, 2**32 - 1), st.data())
def test_any_cut_gives_the_same_samples_bit_for_bit(rough: list[_Came], which: int, seed: int, data: st.DataObject) -> None:
    came = rough[which]
    random = np.random.default_rng(seed)
    order = np.argsort(np.arange(len(came)) + 2 * (random.random(len(came)) < 0.05), kind="stable")  # some come late
    came = _Came(came.profile, [came.payloads[k] for k in order], came.arrival_ns)
    whole, reached = came.feed(SensorSignal(came.profile))
    signal = SensorSignal(came.profile)
    parts = [came[piece].feed(signal) for piece in data.draw(cuts_of(len(came), 20))]
    for field in fields(Samples):
        assert_same(np.concatenate([getattr(p, field.name) for p, _ in parts]), getattr(whole, field.name))
    assert_same(np.concatenate([r for _, r in parts]), reached)


def test_packet_by_packet_gives_the_same_samples_bit_for_bit(rough: list[_Came]) -> None:
    for came in rough:
        whole, _ = came.feed(SensorSignal(came.profile))
        signal = SensorSignal(came.profile)
        joined = Samples.join([came[k : k + 1].feed(signal)[0] for k in range(len(came))])
        for field in fields(Samples):
            assert_same(getattr(joined, field.name), getattr(whole, field.name))


def test_time_never_steps_back_and_holes_of_up_to_50_ms_are_closed(rough: list[_Came]) -> None:
    for came in rough:
        samples, _ = came.feed(SensorSignal(came.profile))
        assert (np.diff(samples.t_s) >= 0).all()
        assert np.isfinite(samples.emg).all()


def test_a_clean_signal_is_good_once_the_window_is_full(clean: _Came) -> None:
    samples, _ = clean.feed(SensorSignal(clean.profile))
    settling = samples.flags[:, 0] == Flag.SETTLING
    assert settling.sum() == round(0.5 * 1116) - 1
    assert settling[: settling.sum()].all()
    assert (samples.flags[settling.sum() :] == Flag.GOOD).all()
    assert np.isnan(samples.slow[settling]).all()
    assert np.isfinite(samples.slow[~settling]).all()


@pytest.mark.parametrize("n", [1, 2])
def test_a_hole_of_up_to_50_ms_is_filled_with_a_straight_line_and_flagged(clean: _Came, n: int) -> None:
    assert n * 24 / 1116 <= FILLED_GAP_S
    first = 200
    samples, _ = _without(clean, first, n).feed(SensorSignal(clean.profile))
    hole = slice(first * 24, (first + n) * 24)
    assert len(samples) == len(clean) * 24
    assert (samples.flags[hole] == Flag.FILLED).all()
    assert (samples.flags[hole.stop : hole.stop + 24] <= Flag.LOSS).all()
    assert np.isfinite(samples.slow[558:]).all()
    whole = np.concatenate([np.frombuffer(p, "<i2", offset=4) for p in clean.payloads])
    emg = (whole.astype(np.float64)[:, np.newaxis] - 8000) * 2.746582
    emg[hole, 0] = np.linspace(emg[hole.start - 1, 0], emg[hole.stop, 0], n * 24 + 2)[1:-1]
    assert samples.emg == pytest.approx(Chain(1116.0)(emg), abs=1e-6)


@pytest.mark.parametrize("n", [3, 10, 100])
def test_after_a_longer_hole_everything_begins_anew(clean: _Came, n: int) -> None:
    first = 200
    samples, _ = _without(clean, first, n).feed(SensorSignal(clean.profile))
    at = first * 24
    assert len(samples) == (len(clean) - n) * 24
    assert (samples.flags[at : at + 557] == Flag.SETTLING).all()
    assert np.isnan(samples.slow[at : at + 557]).all()
    assert np.isfinite(samples.slow[at + 557 :]).all()
    assert np.isnan(samples.fast[at : at + 139]).all()
    fresh, _ = clean[slice(first + n, len(clean))].feed(SensorSignal(clean.profile))
    assert_same(samples.emg[at:], fresh.emg)
    assert_same(samples.slow[at:], fresh.slow)


@pytest.mark.parametrize("part", [0.92, 1.08])
def test_filters_are_designed_anew_for_a_rate_that_is_off_at_the_same_sample_whatever_the_cut(part: float) -> None:
    came = _came(sensor_of(GLUTES, rate_hz=1116 * part), 12.0)
    whole, _ = came.feed(SensorSignal(came.profile))
    anew = np.flatnonzero(np.isnan(whole.slow[:, 0]))
    anew = anew[anew > 1000]
    assert len(anew)
    assert whole.t_s[anew[0]] < 8
    assert len(anew) == pytest.approx(0.5 * 1116 * part, rel=0.03)
    assert (np.diff(anew) == 1).all()
    for size in (1, 7, 50):
        signal = SensorSignal(came.profile)
        parts = [came[k : k + size].feed(signal)[0] for k in range(0, len(came), size)]
        for field in fields(Samples):
            assert_same(getattr(Samples.join(parts), field.name), getattr(whole, field.name))
        assert signal.rate_hz == pytest.approx(1116 * part, rel=0.01)


def test_a_rate_within_five_percent_changes_no_filter() -> None:
    came = _came(sensor_of(GLUTES, rate_hz=1116 * 1.03), 10.0)
    samples, _ = came.feed(SensorSignal(came.profile))
    assert np.isnan(samples.slow).sum() == round(0.5 * 1116) - 1


def test_what_cannot_be_read_is_counted_and_what_is_known_changes_nothing(clean: _Came) -> None:
    signal, plain = SensorSignal(clean.profile), SensorSignal(clean.profile)
    payloads, arrival_ns = [], []
    for k in range(100):
        besides = [bytes(26), b"?"] if k % 9 == 0 else []  # motion, and nothing that anybody knows
        payloads += [clean.payloads[k], *besides]
        arrival_ns += [clean.arrival_ns[k]] * (1 + len(besides))
    samples, reached = signal.feed(payloads, np.array(arrival_ns), _ZERO_NS)
    expected, _ = clean[:100].feed(plain)
    assert signal.rejected == 12
    assert_same(samples.emg, expected.emg)
    assert len(reached) == len(payloads)


def test_before_the_first_sample_nothing_is_reached(clean: _Came) -> None:
    signal = SensorSignal(clean.profile)
    samples, reached = signal.feed([bytes(26), b""], clean.arrival_ns[:2], _ZERO_NS)
    assert len(samples) == 0
    assert np.isnan(reached).all()
    samples, reached = clean[:3].feed(signal)
    assert reached.tolist() == samples.t_s[[23, 47, 71]].tolist()


def test_after_a_reconnection_the_signal_settles_and_time_goes_on(clean: _Came) -> None:
    signal = SensorSignal(clean.profile)
    before, _ = clean[:200].feed(signal)
    signal.resume()
    later = _Came(clean.profile, clean.payloads[:200], clean.arrival_ns[:200] + 30_000_000_000)
    after, _ = later.feed(signal)
    assert after.t_s[0] - before.t_s[-1] == pytest.approx(30 - 200 * 24 / 1116, abs=0.05)
    assert (after.flags[:557] == Flag.SETTLING).all()
    assert (after.flags[557:] == Flag.GOOD).all()


def test_a_stall_of_an_hour_leads_no_filter_astray(clean: _Came) -> None:
    """The counter goes on as if nothing had been: only the arrivals are late."""
    stalled = np.where(np.arange(len(clean)) < 300, clean.arrival_ns, clean.arrival_ns + 3_600_000_000_000)
    samples, _ = _Came(clean.profile, clean.payloads, stalled).feed(SensorSignal(clean.profile))
    assert np.isfinite(samples.emg).all()
    assert (np.diff(samples.t_s) >= 0).all()
