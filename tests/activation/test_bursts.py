"""Bursts in session time: where they are, what a hole does to them, and no cut that shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.activation.sessions import GLUTES, mixed_items, mixed_sensors, pipeline_of
from tests.cuts import cuts_of

from gluteemg.activation.bursts import BurstFinder, MuscleBurst, find_bursts
from gluteemg.activation.grid import Trace
from gluteemg.sensors.source import Item

_RATE_HZ = 1000.0


def _trace(seconds: float, work: Sequence[tuple[float, float]], hole: tuple[float, float] | None = None) -> Trace:
    """Noise of 2 at rest and 40 at work, without the samples of the hole."""
    t_s = np.arange(round(seconds * _RATE_HZ)) / _RATE_HZ
    works = np.any([(t_s >= on) & (t_s < off) for on, off in work], axis=0)
    emg = np.random.default_rng(5).normal(0, np.where(works, 40.0, 2.0))
    kept = np.ones(len(t_s), np.bool_) if hole is None else (t_s < hole[0]) | (t_s >= hole[1])
    return Trace(GLUTES, t_s[kept], emg[kept])


def _found(trace: Trace, pieces: Sequence[slice] = (slice(None),)) -> list[MuscleBurst]:
    finder = BurstFinder([GLUTES], _RATE_HZ, [2.0])
    found = [b for p in pieces for b in finder.feed(trace.t_s[p], trace.emg[p, np.newaxis])]
    return found + finder.finish()


_HOLED = _trace(12.0, [(3.0, 4.5), (8.99, 10.5)], hole=(3.97, 9.0))


def test_a_burst_ends_at_a_hole_and_the_next_one_begins_after_it() -> None:
    first, second = _found(_HOLED)
    assert first.on_s == pytest.approx(3.0, abs=0.02)
    assert first.off_s == pytest.approx(3.97, abs=0.006)
    assert first.off_s < 3.97
    assert 9.0 <= second.on_s < 9.05
    assert second.off_s == pytest.approx(10.5, abs=0.03)
    for burst in (first, second):
        assert burst.on_s < burst.decided_s < burst.on_s + 0.2


@settings(max_examples=60, deadline=None)
@given(cuts_of(len(_HOLED.t_s), 30))
def test_any_cut_of_a_trace_gives_the_same_bursts(pieces: list[slice]) -> None:
    assert _found(_HOLED, pieces) == _found(_HOLED)


@pytest.mark.parametrize("size", [1, 7, 64, 500])
def test_pieces_of_one_size_give_the_same_bursts(size: int) -> None:
    assert _found(_HOLED, [slice(k, k + size) for k in range(0, len(_HOLED.t_s), size)]) == _found(_HOLED)


def test_of_a_long_rest_and_of_a_long_burst_only_the_look_back_is_kept() -> None:
    trace = _trace(60.0, [(50.0, 58.0)])
    finder = BurstFinder([GLUTES], _RATE_HZ, [2.0])
    found = []
    for k in range(0, len(trace.t_s), 24):
        found += finder.feed(trace.t_s[k : k + 24], trace.emg[k : k + 24, np.newaxis])
        kept = sum(map(len, finder._times))
        assert kept <= 1100
    assert [(round(b.on_s, 1), round(b.off_s, 1)) for b in found] == [(50.0, 58.0)]


def _bursts_of(items: Sequence[Item], pieces: Sequence[slice]) -> list[MuscleBurst]:
    """Everything that happens in a mixed session, through the pipeline, muscle by muscle."""
    pipeline = pipeline_of(mixed_sensors())
    worn = [(list(s.roles), s.profile.signal.rate_hz) for s in mixed_sensors()]
    finders = [BurstFinder(roles, hz, [2.5] * len(roles), [20.0] * len(roles)) for roles, hz in worn]
    found = [b for piece in pieces for b in find_bursts(finders, pipeline.feed(items[piece]).traces)]
    found += [b for finder in finders for b in finder.finish()]
    return sorted(found, key=lambda b: (b.role, b.on_s))


@pytest.fixture(scope="module")
def mixed() -> tuple[list[Item], list[MuscleBurst]]:
    """Losses, holes, a reconnection, late packets; and the bursts in one call."""
    items = mixed_items(0)
    return items, _bursts_of(items, [slice(None)])


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_cut_of_a_session_gives_the_same_bursts(mixed: tuple[list[Item], list[MuscleBurst]], data: st.DataObject) -> None:
    items, whole = mixed
    assert _bursts_of(items, data.draw(cuts_of(len(items), 15))) == whole


def test_packet_by_packet_gives_the_same_bursts(mixed: tuple[list[Item], list[MuscleBurst]]) -> None:
    items, whole = mixed
    assert len({b.role for b in whole}) == 5
    assert all(b.on_s < b.decided_s <= b.off_s for b in whole)
    assert _bursts_of(items, [slice(k, k + 1) for k in range(len(items))]) == whole
