"""Differences are summed up from a whole sample; after a hole nothing is known until the next."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cuts import assert_same, cuts_of

from gluteemg.sensors.delta import Deltas


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, -1]), st.data())
def test_differences_give_the_samples_back_in_any_cut(seed: int, sign: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    emg = rng.integers(-1000, 1000, (60, 3)).astype(np.float64)
    whole = rng.random(60) < 0.15
    sent = np.where(whole[:, np.newaxis], emg, sign * np.diff(emg, axis=0, prepend=0.0))
    come = rng.random(60) < 0.85
    index, signs = np.flatnonzero(come), np.where(whole, 0, sign).astype(np.int8)
    deltas = Deltas(3)
    parts = [
        deltas.sum_up(sent[come][piece], index[piece], signs[come][piece]) for piece in data.draw(cuts_of(int(come.sum())))
    ]
    known, expected, sure, last = np.concatenate([k for _, k in parts]), [], False, -2
    for i in index.tolist():
        sure = bool(whole[i]) or (sure and i == last + 1)
        expected.append(sure)
        last = i
    assert known.tolist() == expected
    assert_same(np.concatenate([e for e, _ in parts])[known], emg[index[known]])


def test_after_a_reconnection_nothing_is_known() -> None:
    deltas = Deltas(1)
    deltas.sum_up(np.array([[5.0]]), np.array([0]), np.zeros(1, np.int8))
    deltas.lose()
    _, known = deltas.sum_up(np.array([[1.0]]), np.array([1]), np.ones(1, np.int8))
    assert known.tolist() == [False]


def test_no_samples_are_no_samples() -> None:
    emg, known = Deltas(2).sum_up(np.empty((0, 2)), np.empty(0, np.int64), np.empty(0, np.int8))
    assert emg.shape == (0, 2)
    assert known.shape == (0,)


def test_after_a_loss_nothing_is_known_until_the_next_whole_sample() -> None:
    emg = np.array([[100.0], [1.0], [1.0], [1.0], [50.0], [1.0]])
    index = np.array([0, 1, 4, 5, 6, 7])  # 2 and 3 were lost
    sign = np.array([0, 1, 1, 1, 0, 1], np.int8)
    summed, known = Deltas(1).sum_up(emg, index, sign)
    assert known.tolist() == [True, True, False, False, True, True]
    assert summed[known].ravel().tolist() == [100.0, 101.0, 50.0, 51.0]
