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

from gluteemg.activation.signal import FILLED_GAP_S, SensorSignal
from gluteemg.processing.chain import Chain
from gluteemg.processing.quality import Flag
from gluteemg.sensors.person import SCENARIOS, Person
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.simulator import Conditions, SimulatedSensor, simulated_packets
from gluteemg.sensors.source import PacketKind

_ZERO_NS = 1_000_000_000
_HOP, _SLOW, _FAST = 6, 93, 23
"""Samples in a hop at 1116 Hz, and hops in 500 and 125 ms; a packet of 24 samples is four hops."""


@dataclass(frozen=True)
class _Out:
    """What came of payloads: samples, envelopes at the end of every hop, and the time reached with each payload."""

    t_s: NDArray[np.float64]
    emg: NDArray[np.float64]
    hop_s: NDArray[np.float64]
    fast: NDArray[np.float64]
    slow: NDArray[np.float64]
    flags: NDArray[np.uint8]
    reached: NDArray[np.float64]

    @classmethod
    def join(cls, parts: Sequence[_Out]) -> _Out:
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


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

    def feed(self, signal: SensorSignal) -> _Out:
        runs, heard, reached = signal.feed(self.payloads, self.arrival_ns, _ZERO_NS)
        t_s = np.concatenate([np.empty(0), *(run.t_s for run in runs)])
        emg = np.concatenate([np.empty((0, self.profile.signal.channels)), *(run.emg for run in runs)])
        return _Out(t_s, emg, heard.t_s, heard.fast, heard.slow, heard.flags, reached)


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
    whole = came.feed(SensorSignal(came.profile))
    signal = SensorSignal(came.profile)
    parts = _Out.join([came[piece].feed(signal) for piece in data.draw(cuts_of(len(came), 20))])
    for field in fields(_Out):
        assert_same(getattr(parts, field.name), getattr(whole, field.name))


def test_packet_by_packet_gives_the_same_samples_bit_for_bit(rough: list[_Came]) -> None:
    for came in rough:
        whole = came.feed(SensorSignal(came.profile))
        signal = SensorSignal(came.profile)
        parts = _Out.join([came[k : k + 1].feed(signal) for k in range(len(came))])
        for field in fields(_Out):
            assert_same(getattr(parts, field.name), getattr(whole, field.name))


def test_time_never_steps_back_and_holes_of_up_to_50_ms_are_closed(rough: list[_Came]) -> None:
    for came in rough:
        out = came.feed(SensorSignal(came.profile))
        assert (np.diff(out.t_s) >= 0).all()
        assert (np.diff(out.hop_s) >= 0).all()
        assert np.isfinite(out.emg).all()


def test_a_clean_signal_is_good_once_the_window_is_full(clean: _Came) -> None:
    out = clean.feed(SensorSignal(clean.profile))
    settling = out.flags[:, 0] == Flag.SETTLING
    assert settling.sum() == _SLOW - 1
    assert settling[: settling.sum()].all()
    assert (out.flags[settling.sum() :] == Flag.GOOD).all()
    assert np.isnan(out.slow[settling]).all()
    assert np.isfinite(out.slow[~settling]).all()


def test_envelopes_are_those_of_the_filtered_samples_at_the_end_of_each_hop(clean: _Came) -> None:
    out = clean.feed(SensorSignal(clean.profile))
    assert_same(out.hop_s, out.t_s[_HOP - 1 :: _HOP])
    last = out.emg[: (_SLOW + 50) * _HOP]
    assert out.slow[_SLOW + 49, 0] == pytest.approx(np.sqrt(np.mean(last[-_SLOW * _HOP :] ** 2)))
    assert out.fast[_SLOW + 49, 0] == pytest.approx(np.sqrt(np.mean(last[-_FAST * _HOP :] ** 2)))


@pytest.mark.parametrize("n", [1, 2])
def test_a_hole_of_up_to_50_ms_is_filled_with_a_straight_line_and_flagged(clean: _Came, n: int) -> None:
    assert n * 24 / 1116 <= FILLED_GAP_S
    first = 200
    out = _without(clean, first, n).feed(SensorSignal(clean.profile))
    hole = slice(first * 24, (first + n) * 24)
    hops = slice(first * 4, (first + n) * 4)
    assert len(out.t_s) == len(clean) * 24
    assert (out.flags[hops] == Flag.FILLED).all()
    assert (out.flags[hops.stop : hops.stop + 4] <= Flag.LOSS).all()
    assert np.isfinite(out.slow[_SLOW:]).all()
    whole = np.concatenate([np.frombuffer(p, "<i2", offset=4) for p in clean.payloads])
    emg = (whole.astype(np.float64)[:, np.newaxis] - 8000) * 2.746582
    emg[hole, 0] = np.linspace(emg[hole.start - 1, 0], emg[hole.stop, 0], n * 24 + 2)[1:-1]
    assert out.emg == pytest.approx(Chain(1116.0)(emg), abs=1e-6)


@pytest.mark.parametrize("n", [3, 10, 100])
def test_after_a_longer_hole_everything_begins_anew(clean: _Came, n: int) -> None:
    first = 200
    out = _without(clean, first, n).feed(SensorSignal(clean.profile))
    at, hop = first * 24, first * 4
    assert len(out.t_s) == (len(clean) - n) * 24
    assert (out.flags[hop : hop + _SLOW - 1] == Flag.SETTLING).all()
    assert np.isnan(out.slow[hop : hop + _SLOW - 1]).all()
    assert np.isfinite(out.slow[hop + _SLOW - 1 :]).all()
    assert np.isnan(out.fast[hop : hop + _FAST - 1]).all()
    fresh = clean[slice(first + n, len(clean))].feed(SensorSignal(clean.profile))
    assert_same(out.emg[at:], fresh.emg)
    assert_same(out.slow[hop:], fresh.slow)


@pytest.mark.parametrize("part", [0.92, 1.08])
def test_filters_are_designed_anew_for_a_rate_that_is_off_at_the_same_sample_whatever_the_cut(part: float) -> None:
    came = _came(sensor_of(GLUTES, rate_hz=1116 * part), 12.0)
    whole = came.feed(SensorSignal(came.profile))
    anew = np.flatnonzero(np.isnan(whole.slow[:, 0]))
    anew = anew[anew > 200]
    assert len(anew)
    assert whole.hop_s[anew[0]] < 8
    assert whole.hop_s[anew[-1]] - whole.hop_s[anew[0]] == pytest.approx(0.5, abs=0.02)
    assert (np.diff(anew) == 1).all()
    for size in (1, 7, 50):
        signal = SensorSignal(came.profile)
        parts = _Out.join([came[k : k + size].feed(signal) for k in range(0, len(came), size)])
        for field in fields(_Out):
            assert_same(getattr(parts, field.name), getattr(whole, field.name))
        assert signal.rate_hz == pytest.approx(1116 * part, rel=0.01)


def test_a_rate_within_five_percent_changes_no_filter() -> None:
    came = _came(sensor_of(GLUTES, rate_hz=1116 * 1.03), 10.0)
    out = came.feed(SensorSignal(came.profile))
    assert np.isnan(out.slow).sum() == _SLOW - 1


def test_what_cannot_be_read_is_counted_and_what_is_known_changes_nothing(clean: _Came) -> None:
    signal, plain = SensorSignal(clean.profile), SensorSignal(clean.profile)
    payloads, arrival_ns = [], []
    for k in range(100):
        besides = [bytes(26), b"?"] if k % 9 == 0 else []  # motion, and nothing that anybody knows
        payloads += [clean.payloads[k], *besides]
        arrival_ns += [clean.arrival_ns[k]] * (1 + len(besides))
    out = _Came(clean.profile, payloads, np.array(arrival_ns)).feed(signal)
    assert signal.rejected == 12
    assert_same(out.emg, clean[:100].feed(plain).emg)
    assert len(out.reached) == len(payloads)


def test_before_the_first_sample_nothing_is_reached(clean: _Came) -> None:
    signal = SensorSignal(clean.profile)
    out = _Came(clean.profile, [bytes(26), b""], clean.arrival_ns[:2]).feed(signal)
    assert len(out.t_s) == 0
    assert np.isnan(out.reached).all()
    out = clean[:3].feed(signal)
    assert out.reached.tolist() == out.t_s[[23, 47, 71]].tolist()


def test_after_a_reconnection_the_signal_settles_and_time_goes_on(clean: _Came) -> None:
    signal = SensorSignal(clean.profile)
    before = clean[:200].feed(signal)
    signal.resume()
    later = _Came(clean.profile, clean.payloads[:200], clean.arrival_ns[:200] + 30_000_000_000)
    after = later.feed(signal)
    assert after.t_s[0] - before.t_s[-1] == pytest.approx(30 - 200 * 24 / 1116, abs=0.05)
    assert (after.flags[: _SLOW - 1] == Flag.SETTLING).all()
    assert (after.flags[_SLOW - 1 :] == Flag.GOOD).all()


def test_a_stall_of_an_hour_leads_no_filter_astray(clean: _Came) -> None:
    """The counter goes on as if nothing had been: only the arrivals are late."""
    stalled = np.where(np.arange(len(clean)) < 300, clean.arrival_ns, clean.arrival_ns + 3_600_000_000_000)
    out = _Came(clean.profile, clean.payloads, stalled).feed(SensorSignal(clean.profile))
    assert np.isfinite(out.emg).all()
    assert (np.diff(out.t_s) >= 0).all()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_pause_that_the_counter_does_not_show_is_a_hole_whatever_else_was_lost_there(clean: _Came, lost: int) -> None:
    """The sensor stands still for 3 s, its counter too; packets may be lost at the same place."""
    still = clean.arrival_ns + np.where(np.arange(len(clean)) < 300, 0, 3_000_000_000)
    came = _without(_Came(clean.profile, clean.payloads, still), 300, lost)
    out = came.feed(SensorSignal(clean.profile))
    (step,) = np.flatnonzero(np.diff(out.hop_s) > 1)
    assert (out.flags[step + 1 : step + _SLOW] == Flag.SETTLING).all()
    assert np.diff(out.t_s).max() > 1


def test_a_strong_hum_is_notched_out_while_it_lasts_whatever_the_cut() -> None:
    person = Person(SCENARIOS["shared"])
    humming = SimulatedSensor("uMyo", profile(), [GLUTES], person, conditions=Conditions(mains_uv=60))
    came = _came(humming, 12.0)
    whole = came.feed(SensorSignal(came.profile))
    plain = Chain(1116.0)(_counts(came))
    assert np.sqrt(np.mean(plain[1000:3000] ** 2)) > 50
    assert whole.emg[:2000] == pytest.approx(plain[:2000], abs=1e-6)  # nobody asked yet
    at_rest = slice(round(9.3 * 1116), round(9.8 * 1116))  # between heel dig and first repetition
    assert np.sqrt(np.mean(whole.emg[at_rest] ** 2)) < 0.2 * np.sqrt(np.mean(plain[at_rest] ** 2))
    signal = SensorSignal(came.profile)
    parts = _Out.join([came[k : k + 3].feed(signal) for k in range(0, len(came), 3)])
    assert_same(parts.emg, whole.emg)


def test_a_channel_over_the_trunk_is_filtered_more(clean: _Came) -> None:
    trunk = clean.feed(SensorSignal(clean.profile, {0: "erector_spinae"}))
    assert trunk.emg == pytest.approx(Chain(1116.0, [0])(_counts(clean)), abs=1e-6)


def test_each_stage_tells_its_delay(clean: _Came) -> None:
    signal = SensorSignal(clean.profile)
    assert signal.health.bar_s is None
    clean.feed(signal)
    health = signal.health
    assert health.delay_s is not None
    assert health.bar_s is not None
    assert health.judged_s is not None
    assert health.filter_s == pytest.approx(Chain(1116.0).delay_s + 3 / 1116)
    assert health.bar_s == pytest.approx(health.delay_s + health.filter_s + 0.0625)
    assert health.judged_s == pytest.approx(health.delay_s + health.filter_s + 0.25)


def _counts(came: _Came) -> NDArray[np.float64]:
    """Give the samples of a uMyo as they were sent, in microvolts."""
    whole = np.concatenate([np.frombuffer(p, "<i2", offset=4) for p in came.payloads])
    return (whole.astype(np.float64)[:, np.newaxis] - 8000) * 2.746582
