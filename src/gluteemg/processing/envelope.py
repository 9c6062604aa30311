"""Causal moving RMS: the power of short hops, then moving sums of them in a fixed order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FAST_S = 0.125
"""Window of moving bars (chosen: 63 ms of delay, near the limit of what feels immediate)."""
SLOW_S = 0.5
"""Window of judgement (chosen: the ratio of two equal channels reads 0.87 to 1.15 in 95 % of windows)."""
HOP_S = 0.005
"""Step of every envelope (chosen: half a frame, so that the newest one is 2.5 ms old on average; a fifth of the work)."""


def hop_of(rate_hz: float) -> int:
    """Give the samples in one hop, at least 1: below 300 Hz every sample is one."""
    return max(1, round(HOP_S * rate_hz))


class HopPower:
    """Mean square of each whole hop, counted from the last reset; the cut of the samples into calls changes nothing.

    Parameters
    ----------
    hop : int
        Samples in a hop.
    n_channels : int
        Columns of the input.
    """

    def __init__(self, hop: int, n_channels: int) -> None:
        self._hop = hop
        self._rest = np.empty((0, n_channels))

    @property
    def waiting(self) -> int:
        """Samples that wait for their hop to be whole."""
        return len(self._rest)

    def reset(self) -> None:
        """Forget what waits: the next sample begins a new signal."""
        self._rest = self._rest[:0]

    def __call__(self, emg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the next samples, shape (n_samples, n_channels), and give the power of every hop that they complete.

        Returns
        -------
        ndarray of shape (n_hops, n_channels)
            In the square of the unit.
        """
        if self._hop == 1:
            return np.square(emg)
        if len(self._rest):
            emg = np.concatenate((self._rest, emg))
        whole = len(emg) // self._hop * self._hop
        self._rest = emg[whole:]
        total = np.square(emg[0 : whole : self._hop])
        for offset in range(1, self._hop):  # one by one: the order of a sum decides its last bit
            total += np.square(emg[offset : whole : self._hop])
        total /= self._hop
        return total


class MovingRms:
    """Root of the mean power of the last `window` rows, row by row.

    A window is added up from sums of 1, 2, 4, 8 … rows, each from two of half its length. What a window gives depends on its
    own rows alone, so any cut into calls gives the same bits (the chunk law), nothing is ever subtracted, and no error can pile
    up, whatever an artefact did an hour ago.

    Parameters
    ----------
    window : int
        Length in rows, at least 1.
    n_channels : int
        Columns of the input.
    """

    def __init__(self, window: int, n_channels: int) -> None:
        self._window = window
        self._recent = np.full((window - 1, n_channels), np.nan)

    def reset(self) -> None:
        """Forget everything: the next row begins a new signal."""
        self._recent = np.full_like(self._recent, np.nan)

    def __call__(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the power of the next samples or hops, and give the RMS at each.

        Parameters
        ----------
        power : ndarray of shape (n, n_channels)
            Squared EMG, or its mean over hops.

        Returns
        -------
        ndarray of shape (n, n_channels)
            In the unit of the EMG; NaN until the window is full.
        """
        rows = np.concatenate((self._recent, power))
        self._recent = rows[len(power) :]
        mean = _moving_sum(rows, self._window)
        mean /= self._window
        return np.sqrt(mean, out=mean)


def _moving_sum(rows: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Add up every `window` rows that follow each other, shape (n, …) → (n - window + 1, …)."""
    n = len(rows) - window + 1
    total = np.zeros((n, *rows.shape[1:]))
    part, width = rows, 1  # sums of `width` rows
    left = window  # rows of every window that are not added up yet: its first ones
    while True:
        if window & width:
            left -= width
            total += part[left : left + n]
        if not left:
            return total
        part = part[width:] + part[:-width]
        width *= 2
