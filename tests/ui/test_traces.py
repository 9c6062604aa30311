"""Raw traces: nothing is lost between the samples and the columns, and a hole is a hole."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot
from tests.ui import moments
from tests.ui.pictures import ring as example_ring

from gluteemg.activation.signal import Health
from gluteemg.muscles import Role
from gluteemg.session import Moment
from gluteemg.ui.theme import DARK, HIGH_CONTRAST, LIGHT
from gluteemg.ui.trace_ring import BINS, WINDOW_S, Channel, TraceRing
from gluteemg.ui.traces import TracesView
from gluteemg.ui.view import link_lines

GLUTE, HAMSTRINGS = Role("gluteus_maximus", "left"), Role("hamstrings", "left")


def filled(t_s: np.ndarray, emg: np.ndarray, pieces: list[int], rate_hz: float = 1000.0) -> TraceRing:
    ring = TraceRing([Channel(GLUTE, rate_hz)])
    for part in np.split(np.arange(len(t_s)), sorted(pieces)):
        ring.put(GLUTE, t_s[part], emg[part])
    return ring


@given(st.lists(st.integers(0, 3000), max_size=12), st.integers(0, 2900))
def test_the_cut_of_the_samples_changes_nothing(pieces: list[int], hole: int) -> None:
    t_s = np.arange(3000) / 1000
    emg = np.sin(t_s * 700) * 50
    there = (np.arange(3000) < hole) | (np.arange(3000) >= hole + 80)
    whole = filled(t_s[there], emg[there], []).snapshot()
    cut = filled(t_s[there], emg[there], pieces).snapshot()
    assert cut[0] == whole[0]
    for name in ("t_s", "low", "high", "joined"):
        np.testing.assert_array_equal(getattr(cut[1][GLUTE], name), getattr(whole[1][GLUTE], name))
    assert cut[1][GLUTE].holes == whole[1][GLUTE].holes


def test_a_single_peak_is_kept_whatever_the_width_of_a_column() -> None:
    emg = np.zeros(20_000)
    emg[15_555], emg[17_777] = 400.0, -300.0
    trace = filled(np.arange(20_000) / 2000, emg, [500, 9000], 2000).snapshot()[1][GLUTE]
    assert (trace.high.max(), trace.low.min()) == (400.0, -300.0)
    assert len(trace.t_s) <= BINS


def test_a_hole_is_as_long_as_what_is_missing_and_no_line_crosses_it() -> None:
    t_s = np.arange(4000) / 1000
    there = (t_s < 2.0) | (t_s >= 2.14)
    trace = filled(t_s[there], np.ones(there.sum()), []).snapshot()[1][GLUTE]
    ((start, end),) = trace.holes
    assert end - start == pytest.approx(0.141)
    after = np.searchsorted(trace.t_s, 2.1)
    assert not trace.joined[after]
    assert trace.joined[after + 1]


def test_missing_samples_that_come_as_nan_are_a_hole_too() -> None:
    emg = np.ones(4000)
    emg[1000:1100] = np.nan
    trace = filled(np.arange(4000) / 1000, emg, [1050]).snapshot()[1][GLUTE]
    assert len(trace.holes) == 1


def test_a_slow_sensor_has_no_holes_of_its_own() -> None:
    trace = filled(np.arange(300) / 50, np.ones(300), [], 50).snapshot()[1][GLUTE]
    assert trace.holes == []
    assert trace.joined[1:].all()


def test_a_clock_that_steps_back_a_little_loses_nothing() -> None:
    ring = TraceRing([Channel(GLUTE, 1000)])
    ring.put(GLUTE, np.arange(0, 100) / 1000, np.zeros(100))
    ring.put(GLUTE, np.arange(98, 198) / 1000, np.full(100, 7.0))
    assert ring.snapshot()[1][GLUTE].high.max() == 7.0


def test_only_the_last_ten_seconds_are_kept() -> None:
    now_s, traces = filled(np.arange(25_000) / 1000, np.ones(25_000), [7000, 13_000]).snapshot()
    assert traces[GLUTE].t_s[0] >= now_s - WINDOW_S
    assert len(traces[GLUTE].t_s) == BINS


def test_a_sensor_that_fell_silent_gets_a_growing_hole() -> None:
    ring = TraceRing([Channel(GLUTE, 1000), Channel(HAMSTRINGS, 1000)])
    t_s = np.arange(3000) / 1000
    ring.put(GLUTE, t_s, np.ones(3000))
    ring.put(HAMSTRINGS, t_s[:1000], np.ones(1000))
    ((start, end),) = ring.snapshot()[1][HAMSTRINGS].holes
    assert (start, end) == pytest.approx((0.999, 2.999))


def test_nothing_yet_and_an_unknown_role_are_no_fault() -> None:
    ring = TraceRing([Channel(GLUTE, 1000)])
    ring.put(HAMSTRINGS, np.zeros(1), np.zeros(1))
    ring.put(GLUTE, np.empty(0), np.empty(0))
    assert len(ring.snapshot()[1][GLUTE].t_s) == 0


def test_one_thread_writes_while_another_reads() -> None:
    ring = TraceRing([Channel(GLUTE, 1000)])
    done = threading.Event()

    def write() -> None:
        for i in range(500):
            ring.put(GLUTE, (np.arange(20) + 20 * i) / 1000, np.full(20, float(i)))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        trace = ring.snapshot()[1][GLUTE]
        assert (np.diff(trace.t_s) > 0).all()
        assert (trace.low <= trace.high).all()
    writer.join()
    assert ring.snapshot()[1][GLUTE].high[-1] == 499.0


def test_the_view_draws_every_channel_and_says_its_scale(qtbot: QtBot) -> None:
    view = TracesView(example_ring(), moments.texts(), DARK)
    qtbot.addWidget(view)
    view.resize(1200, 568)
    view.refresh(moments.RUNNING)
    for theme in (DARK, LIGHT, HIGH_CONTRAST):
        view.theme = theme
        assert not view.grab().isNull()
    assert "Glute max, left: ± 200 µV." in view.accessibleDescription()


def test_only_a_person_changes_the_scale(qtbot: QtBot) -> None:
    view = TracesView(example_ring(), moments.texts(), DARK)
    qtbot.addWidget(view)
    view.rescale(1)
    assert "Glute max, left: ± 500 µV." in view.accessibleDescription()
    view.rescale(-99)
    assert "Glute max, left: ± 1 µV." in view.accessibleDescription()


def test_without_channels_it_says_so(qtbot: QtBot) -> None:
    view = TracesView(TraceRing(()), moments.texts(), DARK)
    qtbot.addWidget(view)
    view.refresh(moments.RUNNING)
    assert view.accessibleDescription() == "No signals yet"
    assert not view.grab().isNull()


def test_it_says_how_well_a_sensor_is_heard_and_that_its_kind_was_never_tried() -> None:
    lines = link_lines(moments.RUNNING, "uMyo-2", "raw", "untested", moments.texts())
    assert lines == [
        "1118 Hz, 0.4 % lost",
        "12 ms late, battery 3700 mV",
        "bar 78, share 266 ms",
        "raw signal",
        "untested on hardware",
    ]


def test_a_sensor_that_counts_nothing_has_no_loss_to_say() -> None:
    moment = Moment(health={"band": Health(1000.0, None, 0.012, 0.004, 0.0, None)})
    lines = link_lines(moment, "band", "envelope", "tested", moments.texts())
    assert lines == ["1000 Hz", "12 ms late", "bar 78, share 266 ms", "envelope only"]
