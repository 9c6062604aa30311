"""A sensor's clock from the arrival of its packets: steady where arrivals scatter, and the same whatever the cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.cuts import assert_same, cuts_of

from gluteemg.sensors.clock import SETTLED_PACKETS, SensorClock
from gluteemg.sensors.decoder import Chunk

Floats = NDArray[np.float64]
_NOMINAL_HZ = 1116.0
_SIZE = 24


@dataclass(frozen=True)
class _Link:
    """Packets of a sensor as they arrived: number of their first sample, and when."""

    first: NDArray[np.int64]
    arrival_s: Floats
    counts: NDArray[np.int64]

    def __getitem__(self, piece: slice) -> _Link:
        return _Link(self.first[piece], self.arrival_s[piece], self.counts[piece])

    @property
    def chunk(self) -> Chunk:
        index = np.concatenate([np.arange(f, f + n) for f, n in zip(self.first, self.counts, strict=True)] or [np.empty(0)])
        return Chunk(np.zeros((len(index), 1)), index.astype(np.int64), self.counts, 0)


def _link(seconds: float, rate_hz: float, *, seed: int = 0, loss: float = 0.0, interval_s: float = 0.030) -> _Link:
    """A packet waits for the next connection event, and then 1 ms or so for the host."""
    random = np.random.default_rng(seed)
    first = _SIZE * np.arange(int(seconds * rate_hz / _SIZE))
    ready_s = (first + _SIZE) / rate_hz
    phase_s = random.uniform(0, interval_s)
    event_s = phase_s + interval_s * np.ceil((ready_s - phase_s) / interval_s) if interval_s else ready_s
    arrival_s = np.maximum.accumulate(event_s + 0.001 * np.abs(random.standard_normal(len(first))))
    kept = random.random(len(first)) >= loss
    return _Link(first[kept], arrival_s[kept], np.full(int(kept.sum()), _SIZE, np.int64))


def _feed(clock: SensorClock, link: _Link) -> tuple[Floats, Floats]:
    return clock.times(link.chunk, link.arrival_s)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 1.5), st.floats(0, 0.5), st.integers(1, 400), st.data())
def test_any_cut_gives_the_same_times_and_rates(seed: int, off: float, loss: float, packets: int, data: st.DataObject) -> None:
    random = np.random.default_rng(seed)
    link = _link(packets * _SIZE / _NOMINAL_HZ, off * _NOMINAL_HZ, seed=seed, loss=loss)
    counts = np.where(random.random(len(link.first)) < 0.1, random.integers(0, _SIZE, len(link.first)), link.counts)
    link = _Link(link.first, link.arrival_s, counts)  # some bring less: sent twice, or no numbers
    times, rates = _feed(SensorClock(_NOMINAL_HZ), link)
    clock = SensorClock(_NOMINAL_HZ)
    parts = [_feed(clock, link[piece]) for piece in data.draw(cuts_of(len(link.first)))]
    assert_same(np.concatenate([p[0] for p in parts]), times)
    assert_same(np.concatenate([p[1] for p in parts]), rates)
    assert len(rates) == len(link.first)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 3), st.booleans()), min_size=1, max_size=60))
def test_time_never_steps_back(steps: list[tuple[int, float, bool]]) -> None:
    """Stalls, bursts, holes and reconnections in any order."""
    clock, latest, index, arrival_s = SensorClock(_NOMINAL_HZ), -np.inf, 0, 0.0
    for hole, wait_s, anew in steps:
        if anew:
            clock.restart()
        index, arrival_s = index + hole + _SIZE, arrival_s + wait_s
        link = _Link(np.array([index]), np.array([arrival_s]), np.array([_SIZE]))
        times, _ = _feed(clock, link)
        assert times[0] >= latest
        assert (np.diff(times) >= 0).all()
        latest = times[-1]


@pytest.mark.parametrize("ppm", [-50, 0, 50])
def test_the_fit_settles_within_half_a_minute(ppm: float) -> None:
    for seed in range(4):
        rate_hz = _NOMINAL_HZ * (1 + ppm * 1e-6)
        link = _link(120, rate_hz, seed=seed, loss=0.02)
        times, rates = _feed(SensorClock(_NOMINAL_HZ), link)
        index = link.chunk.index
        settled = index > 30 * rate_hz
        error_s = (times - (index + 1) / rate_hz)[settled]
        delay_s = np.mean(link.arrival_s - (link.first + _SIZE) / rate_hz)
        assert np.quantile(np.abs(error_s - delay_s), 0.95) <= 0.010
        assert rates[-1] == pytest.approx(rate_hz, rel=0.005)


def test_three_sensors_agree_within_five_milliseconds() -> None:
    instants = np.arange(30.0, 115.0, 0.1)
    seen = []
    for number, ppm in enumerate((-50, 0, 50)):
        rate_hz = _NOMINAL_HZ * (1 + ppm * 1e-6)
        link = _link(120, rate_hz, seed=number, loss=0.02)
        times, _ = _feed(SensorClock(_NOMINAL_HZ), link)
        seen.append(np.interp(instants, (link.chunk.index + 1) / rate_hz, times))
    assert np.quantile(np.ptp(seen, axis=0), 0.95) <= 0.005


@pytest.mark.parametrize("true_hz", [1116 * 0.92, 1116.0, 1116 * 1.08])
def test_a_nominal_rate_that_is_off_is_found(true_hz: float) -> None:
    link = _link(60, true_hz, loss=0.02)
    _, rates = _feed(SensorClock(_NOMINAL_HZ), link)
    assert np.isnan(rates[: SETTLED_PACKETS - 1]).all()
    assert rates[SETTLED_PACKETS:] == pytest.approx(true_hz, rel=0.02)
    assert rates[-1] == pytest.approx(true_hz, rel=0.005)


def test_a_link_without_jitter_is_followed_exactly() -> None:
    link = _link(20, _NOMINAL_HZ, interval_s=0.0)
    exact = _Link(link.first, (link.first + _SIZE) / _NOMINAL_HZ, link.counts)
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
    away = _Link(again.first + 10_000_000, again.arrival_s + 100.0, again.counts)
    times, _ = _feed(clock, away)
    assert times[_SIZE - 1] == pytest.approx(away.arrival_s[0], abs=1e-9)
    assert abs(times[-1] - away.arrival_s[-1]) < 0.03
    assert clock.rate_hz == pytest.approx(true_hz, rel=0.01)


def test_a_stall_of_half_a_second_moves_time_only_a_little() -> None:
    link = _link(60, _NOMINAL_HZ)
    stalled = np.flatnonzero((link.arrival_s > 40) & (link.arrival_s < 40.5))
    arrival_s = link.arrival_s.copy()
    arrival_s[stalled] = 40.5
    calm, _ = _feed(SensorClock(_NOMINAL_HZ), link)
    rough, _ = _feed(SensorClock(_NOMINAL_HZ), _Link(link.first, arrival_s, link.counts))
    assert np.abs(rough - calm).max() < 0.06


@given(st.floats(50, 5000), st.lists(st.integers(1, 1000), min_size=1, max_size=50))
@settings(deadline=None)
def test_a_file_keeps_its_own_time(rate_hz: float, steps: list[int]) -> None:
    index = np.cumsum(steps)
    chunk = Chunk(np.zeros((len(index), 1)), index, np.ones(len(index), np.int64), 0)
    times, rates = SensorClock(rate_hz, exact=True).times(chunk, np.zeros(len(index)))
    assert times == pytest.approx(index / rate_hz)
    assert np.isnan(rates).all()
