"""Cutting a run of things into calls, for the chunk law: any cut gives the same, bit for bit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st


def cuts_of(n: int, most: int = 8) -> st.SearchStrategy[list[slice]]:
    """Ways to cut `n` things into calls, empty ones and single ones included."""
    places = st.lists(st.integers(0, n), max_size=most).map(sorted)
    return places.map(lambda inner: [slice(a, b) for a, b in pairwise([0, *inner, n])])


def assert_same(one: Any, other: Any) -> None:
    """Two arrays hold the same bits: shape, type and NaN included."""
    one, other = np.asarray(one), np.asarray(other)
    assert one.shape == other.shape
    assert one.dtype == other.dtype
    assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
