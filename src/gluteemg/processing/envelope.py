"""Causal moving RMS with a fixed order of summation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FAST_S = 0.125
"""Window of moving bars (chosen: 63 ms of delay, near the limit of what feels immediate)."""
SLOW_S = 0.5
"""Window of judgement (chosen: the ratio of two equal channels reads 0.87 to 1.15 in 95 % of windows)."""


class MovingRms:
    """Root of the mean square of the last `window` samples, sample by sample.

    Every window is the sum of the rest of one block and the beginning of the next, with blocks of `window` samples counted
    from the last reset. Each of the two is added up in one fixed order, so any cut into calls gives the same bits (the chunk
    law), nothing is ever subtracted, and no error can pile up, whatever an artefact did an hour ago.

    Parameters
    ----------
    window : int
        Length in samples, at least 1.
    n_channels : int
        Columns of the input.
    """

    def __init__(self, window: int, n_channels: int) -> None:
        self._window = window
        self._squares = np.zeros((window, n_channels))  # of the block being filled
        self._tails = np.zeros((window, n_channels))  # of the block before: sum from each sample to its end, less that sample
        self._head = np.zeros(n_channels)  # sum of the block so far
        self._filled = 0
        self._ready = False

    def reset(self) -> None:
        """Forget everything: the next sample begins a new signal."""
        self._head[:] = 0
        self._filled = 0
        self._ready = False

    def __call__(self, squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the squares of the next samples and give the RMS at each.

        Parameters
        ----------
        squares : ndarray of shape (n_samples, n_channels)
            Squared EMG.

        Returns
        -------
        ndarray of shape (n_samples, n_channels)
            In the unit of the EMG; NaN until the window is full.
        """
        sums = np.empty_like(squares)
        start = 0
        while start < len(squares):
            taken = min(len(squares) - start, self._window - self._filled)
            self._advance(squares[start : start + taken], sums[start : start + taken])
            start += taken
        sums /= self._window
        return np.sqrt(sums, out=sums)

    def _advance(self, squares: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
        """Go on by samples that end inside the present block, or exactly at its end."""
        stop = self._filled + len(squares)
        self._squares[self._filled : stop] = squares
        heads = sums
        heads[:] = squares
        heads[0] += self._head
        np.cumsum(heads, axis=0, out=heads)
        self._head[:] = heads[-1]
        if self._ready:
            sums += self._tails[self._filled : stop]
        else:
            sums[: max(0, min(len(sums), self._window - 1 - self._filled))] = np.nan
        self._filled = stop
        if stop == self._window:
            np.cumsum(self._squares[:0:-1], axis=0, out=self._tails[-2::-1])
            self._tails[-1] = 0
            self._head[:] = 0
            self._filled = 0
            self._ready = True
