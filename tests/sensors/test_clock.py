"""A sensor's clock from the arrival of its packets: steady where arrivals scatter, and the same whatever the cut."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cuts import assert_same, cuts_of

from gluteemg.sensors.clock import SETTLED_S, SensorClock
from gluteemg.sensors.decoder import Chunk

Floats = NDArray[np.float64]
_NOMINAL_HZ = 1116.0
_SIZE = 24


@dataclass(frozen=True)
class _Link:
    """Packets of a sensor as they arrived: number of their first sample, when the last one was taken, when they came."""

    first: NDArray[np.int64]
    ready_s: Floats
    arrival_s: Floats
    counts: NDArray[np.int64]

    def __getitem__(self, piece: slice | NDArray[np.bool_]) -> _Link:
        return _Link(self.first[piece], self.ready_s[piece], self.arrival_s[piece], self.counts[piece])

    @property
    def chunk(self) -> Chunk:
        index = np.concatenate([np.arange(f, f + n) for f, n in zip(self.first, self.counts, strict=True)] or [np.empty(0)])
        return Chunk(emg=np.zeros((0, 1)), index=index.astype(np.int64), counts=self.counts, rejected=0)

    def held_back(self, since_s: float, until_s: float) -> _Link:
        """Let nothing arrive between two instants; what was to come comes after them, together."""
        held = (self.arrival_s > since_s) & (self.arrival_s < until_s)
        return replace(self, arrival_s=np.where(held, until_s, self.arrival_s))

    def late(self, by_s: float, since_s: float, until_s: float) -> _Link:
        """Let all that was to arrive between two instants arrive later, in order."""
        late = (self.arrival_s > since_s) & (self.arrival_s < until_s)
        return replace(self, arrival_s=np.maximum.accumulate(self.arrival_s + by_s * late))

    def without_counter(self) -> _Link:
        """Number the packets that came one after the other, as for a device that does not count."""
        return replace(self, first=np.cumsum(self.counts) - self.counts)


def _link(
    seconds: float,
    rate_hz: float,
    *,
    seed: int = 0,
    loss: float = 0.0,
    interval_s: float = 0.030,
    size: int = _SIZE,
    start_s: float = 0.0,
) -> _Link:
    """A packet waits for the next connection event, and then 1 ms or so for the host."""
    random = np.random.default_rng(seed)
    first = size * np.arange(int(seconds * rate_hz / size))
    ready_s = start_s + (first + size) / rate_hz
    phase_s = random.uniform(0, interval_s)
    event_s = phase_s + interval_s * np.ceil((ready_s - phase_s) / interval_s) if interval_s else ready_s
    arrival_s = np.maximum.accumulate(event_s + 0.001 * np.abs(random.standard_normal(len(first))))
    kept = random.random(len(first)) >= loss
    return _Link(first, ready_s, arrival_s, np.full(len(first), size, np.int64))[kept]


def _feed(clock: SensorClock, link: _Link) -> tuple[Floats, Floats]:
    return clock.times(link.chunk, link.arrival_s)


def _errors(link: _Link, rate_hz: float = _NOMINAL_HZ) -> Floats:
    """Session time less true time, of the last sample of each packet."""
    times, _ = _feed(SensorClock(rate_hz), link)
    ends: Floats = times[np.cumsum(link.counts) - 1] - link.ready_s
    return ends


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1.5), st.floats(0, 0.5), st.integers(1, 400), st.data())
def test_any_cut_gives_the_same_times_and_rates(seed: int, off: float, loss: float, packets: int, data: st.DataObject) -> None:
    random = np.random.default_rng(seed)
    link = _link(packets * _SIZE / _NOMINAL_HZ, off * _NOMINAL_HZ, seed=seed, loss=loss)
    rough_s = np.where(random.random(len(link.first)) < 0.05, random.choice([0.1, 1.0, 5.0], len(link.first)), 0.0)
    link = replace(link, arrival_s=link.arrival_s + np.cumsum(rough_s))
    counts = np.where(random.random(len(link.first)) < 0.1, random.integers(0, _SIZE, len(link.first)), link.counts)
    link = replace(link, counts=counts)  # some bring less: sent twice, or no numbers
    times, rates = _feed(SensorClock(_NOMINAL_HZ), link)
    clock = SensorClock(_NOMINAL_HZ)
    parts = [_feed(clock, link[piece]) for piece in data.draw(cuts_of(len(link.first)))]
    assert_same(np.concatenate([p[0] for p in parts]), times)
    assert_same(np.concatenate([p[1] for p in parts]), rates)
    assert len(rates) == len(link.first)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**9) | st.just(0), st.floats(0, 1e5) | st.floats(-1, 1), st.booleans()), max_size=80)
)
def test_time_never_steps_back_and_stays_a_number(steps: list[tuple[int, float, bool]]) -> None:
    """Stalls, bursts, holes, reconnections, and arrivals that run backwards, in any order."""
    clock, latest, index, arrival_s = SensorClock(_NOMINAL_HZ), -np.inf, 0, 0.0
    for hole, wait_s, anew in steps:
        if anew:
            clock.restart()
        index, arrival_s = index + hole + _SIZE, arrival_s + wait_s
        chunk = Chunk(emg=np.zeros((0, 1)), index=index + np.arange(_SIZE), counts=np.array([_SIZE]), rejected=0)
        times, rates = clock.times(chunk, np.array([arrival_s]))
        assert times[0] >= latest
        assert (np.diff(times) >= 0).all()
        assert np.isfinite(times).all()
        assert not np.isinf(rates).any()
        assert _NOMINAL_HZ / 2 * 0.999 <= clock.rate_hz <= _NOMINAL_HZ * 2.001
        latest = times[-1]


def _seen(size: int, rate_hz: float, interval_s: float, *, stalls: bool = False) -> tuple[Floats, Floats]:
    """Misalignment of three sensors 50 ppm apart from half a minute on, and how far off their rates are by then."""
    instants = np.arange(31.0, 85.0, 0.1)
    spread, off = [], []
    for seed in range(3):
        seen = []
        for number, ppm in enumerate((-50, 0, 50)):
            true_hz = rate_hz * (1 + ppm * 1e-6)
            link = _link(
                90, true_hz, seed=10 * seed + number, loss=0.02, interval_s=interval_s, size=size, start_s=0.3137 * number
            )
            for since_s in np.arange(5.0, 90.0, 5.0) + number if stalls else ():
                link = link.held_back(since_s, since_s + 0.3)
            times, rates = _feed(SensorClock(rate_hz), link)
            seen.append(np.interp(instants, link.ready_s, times[size - 1 :: size]))
            off.append(np.abs(rates[link.arrival_s > 31.0] / true_hz - 1).max())
        spread.append(np.ptp(seen, axis=0))
    return np.concatenate(spread), np.array(off)


@pytest.mark.parametrize("stalls", [False, True])
@pytest.mark.parametrize("interval_s", [0.0075, 0.015, 0.030, 0.050])
def test_three_sensors_agree_within_five_milliseconds(interval_s: float, stalls: bool) -> None:
    spread, off = _seen(_SIZE, _NOMINAL_HZ, interval_s, stalls=stalls)
    assert np.quantile(spread, 0.95) <= 0.003  # asked for: 5 ms
    assert off.max() <= 0.001


@pytest.mark.parametrize(
    ("size", "interval_s", "measure_s"),
    [
        (10, 0.0075, 0.0025),
        (10, 0.030, 0.010),
        (20, 0.015, 0.005),
        (20, 0.030, 0.010),
        (20, 0.050, 0.010),
        (33, 0.0075, 0.0015),
        (33, 0.030, 0.003),
        (33, 0.050, 0.001),
    ],
)
def test_packets_in_step_with_the_interval_are_apart_by_the_common_measure_at_most(
    size: int, interval_s: float, measure_s: float
) -> None:
    """At 1 kHz: the wait takes only a few values, and which ones cannot be seen from the arrivals."""
    spread, off = _seen(size, 1000.0, interval_s, stalls=True)
    assert np.quantile(spread, 0.95) <= measure_s + 0.001
    assert off.max() <= 0.001


@pytest.mark.parametrize("true_hz", [1116 * 0.8, 1116 * 0.92, 1116.0, 1116 * 1.08, 1116 * 1.25])
def test_a_nominal_rate_that_is_off_is_found(true_hz: float) -> None:
    for seed in range(4):
        link = _link(40, true_hz, loss=0.02, seed=seed)
        _, rates = _feed(SensorClock(_NOMINAL_HZ), link)
        believed_s = link.arrival_s[np.isfinite(rates)][0]
        assert SETTLED_S / 2 < believed_s < 2 * SETTLED_S
        assert rates[link.arrival_s > believed_s] == pytest.approx(true_hz, rel=0.005)
        assert rates[link.arrival_s > 10] == pytest.approx(true_hz, rel=0.001)


@pytest.mark.parametrize("per_second", [10, 140])
def test_rates_are_believed_within_ten_seconds_however_many_packets_come(per_second: int) -> None:
    size = 1000 // per_second
    link = _link(30, 1000.0, size=size, interval_s=0.0365)
    _, rates = _feed(SensorClock(1100.0), link)
    assert link.arrival_s[np.isfinite(rates)][0] < 10
    assert rates[link.arrival_s > 10] == pytest.approx(1000.0, rel=0.002)


@pytest.mark.parametrize("true_hz", [1116 * 0.8, 1116.0, 1116 * 1.25])
def test_times_are_of_use_from_the_first_packet_and_settle_smoothly(true_hz: float) -> None:
    for seed in range(4):
        link = _link(20, true_hz, seed=seed)
        times, _ = _feed(SensorClock(_NOMINAL_HZ), link)
        errors_s = _errors(link)
        assert np.abs(errors_s).max() < 0.080
        assert np.abs(errors_s[link.ready_s > 8]).max() < 0.005
        assert np.diff(times).max() < 2 / _NOMINAL_HZ  # no jump anywhere


def test_a_link_without_jitter_is_followed_exactly() -> None:
    link = _link(20, _NOMINAL_HZ, interval_s=0.0)
    exact = replace(link, arrival_s=link.ready_s)
    times, _ = _feed(SensorClock(_NOMINAL_HZ), exact)
    assert times == pytest.approx((exact.chunk.index + 1) / _NOMINAL_HZ, abs=1e-9)


def test_a_reconnection_measures_the_offset_afresh_and_keeps_the_rate() -> None:
    true_hz = _NOMINAL_HZ * 1.05
    before = _link(30, true_hz)
    clock = SensorClock(_NOMINAL_HZ)
    _feed(clock, before)
    rate_hz = clock.rate_hz
    clock.restart()
    assert clock.rate_hz == rate_hz
    again = _link(30, true_hz, seed=1)
    away = replace(again, first=again.first + 10_000_000, arrival_s=again.arrival_s + 100.0)
    times, rates = _feed(clock, away)
    assert times[_SIZE - 1] == pytest.approx(away.arrival_s[0], abs=1e-9)
    late_s = times[_SIZE - 1 :: _SIZE] - (away.ready_s + 100.0)
    assert late_s.max() < 0.035
    assert np.abs(late_s[again.ready_s > 5]).max() < 0.003
    assert rates == pytest.approx(true_hz, rel=0.001)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.0])
def test_a_stall_and_its_burst_do_not_move_time(seconds: float) -> None:
    for seed in range(4):
        link = _link(45, _NOMINAL_HZ, seed=seed)
        assert np.abs(_errors(link.held_back(40, 40 + seconds)) - _errors(link)).max() < 0.002


@pytest.mark.parametrize("size", [10, 24, 100])
def test_a_second_of_late_packets_does_not_move_time(size: int) -> None:
    link = _link(45, _NOMINAL_HZ, size=size)
    assert np.abs(_errors(link.late(0.040, 40, 41)) - _errors(link)).max() < 0.002


def test_a_backlog_that_is_worked_off_slowly_does_not_move_time() -> None:
    """After two seconds of nothing packets come at twice their pace until all are there."""
    link = _link(45, _NOMINAL_HZ)
    late = replace(link, arrival_s=np.where(link.arrival_s > 30, np.maximum(link.arrival_s, 31 + link.arrival_s / 2 - 14), 0))
    late = replace(late, arrival_s=np.where(link.arrival_s > 30, late.arrival_s, link.arrival_s))
    assert late.arrival_s[link.arrival_s > 30][0] > 31.9
    assert np.abs(_errors(late) - _errors(link)).max() < 0.005


@pytest.mark.parametrize("lost", [1, 2, 10, 30, 200])
def test_time_steps_over_packets_that_nobody_counted(lost: int) -> None:
    link = _link(45, _NOMINAL_HZ)
    gone = (link.ready_s > 30) & (np.cumsum(link.ready_s > 30) <= lost)
    resumed_s = link.ready_s[~gone & (link.ready_s > 30)][0]
    link = link[~gone].without_counter()
    times, _ = _feed(SensorClock(_NOMINAL_HZ), link)
    errors_s = _errors(link)
    assert np.abs(errors_s[(link.ready_s > 20) & (link.ready_s < 30)]).max() < 0.003
    assert np.abs(errors_s[link.ready_s > resumed_s + 2]).max() < 0.004
    assert np.diff(times)[link.chunk.index[1:] > 20 * _NOMINAL_HZ].max() > lost * _SIZE / _NOMINAL_HZ - 0.005  # in one step


@pytest.mark.parametrize(("loss", "within_s"), [(0.02, 0.15), (0.3, 1.5)])
def test_uncounted_losses_all_the_time_are_followed(loss: float, within_s: float) -> None:
    for seed in range(3):
        link = _link(90, _NOMINAL_HZ, seed=seed)
        kept = (link.ready_s < 20) | (np.random.default_rng(seed).random(len(link.first)) > loss)
        late_s = np.abs(_errors(link[kept].without_counter()))
        assert np.quantile(late_s, 0.95) < within_s
        assert late_s.max() < 3 * within_s


@pytest.mark.parametrize("samples", [128, 256, 2560])
def test_numbers_that_ran_ahead_are_recovered_from(samples: int) -> None:
    link = _link(60, _NOMINAL_HZ)
    ahead = replace(link, first=link.first + samples * (link.ready_s > 30))
    errors_s = _errors(ahead)
    assert np.abs(errors_s[ahead.ready_s > 30 + 6 * max(1, samples / _NOMINAL_HZ)]).max() < 0.005
    assert SensorClock(_NOMINAL_HZ).rate_hz == _NOMINAL_HZ


@pytest.mark.parametrize("away_s", [5.0, 3600.0, 1e6])
@pytest.mark.parametrize("size", [10, 24, 100])
def test_a_pause_without_a_hole_is_stepped_over_within_two_seconds(away_s: float, size: int) -> None:
    """The sensor, or the computer, slept; the counter goes on by one."""
    for interval_s in (0.030, 0.0487):
        link = _link(45, _NOMINAL_HZ, size=size, interval_s=interval_s)
        after = link.ready_s > 30
        slept = replace(link, ready_s=link.ready_s + away_s * after, arrival_s=link.arrival_s + away_s * after)
        errors_s = _errors(slept)
        again = link.ready_s > 32.2
        assert np.abs(errors_s[again]).max() < 0.03
        assert np.abs(errors_s[again] - _errors(link)[again]).max() < 0.015


def test_a_rate_that_changes_for_good_is_found() -> None:
    before, after = _link(30, _NOMINAL_HZ), _link(60, _NOMINAL_HZ * 0.9, seed=1, start_s=30.0)
    clock = SensorClock(_NOMINAL_HZ)
    _feed(clock, before)
    _, rates = _feed(clock, replace(after, first=after.first + before.first[-1] + _SIZE))
    assert rates[-1] == pytest.approx(_NOMINAL_HZ * 0.9, rel=0.001)


@given(st.floats(50, 5000), st.lists(st.integers(1, 1000), min_size=1, max_size=50))
@settings(deadline=None)
def test_a_file_keeps_its_own_time(rate_hz: float, steps: list[int]) -> None:
    index = np.cumsum(steps)
    chunk = Chunk(emg=np.zeros((len(index), 1)), index=index, counts=np.ones(len(index), np.int64), rejected=0)
    times, rates = SensorClock(rate_hz, exact=True).times(chunk, np.zeros(len(index)))
    assert times == pytest.approx(index / rate_hz)
    assert np.isnan(rates).all()
