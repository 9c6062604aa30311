"""Differences between samples, summed up from a sample that was sent whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Deltas:
    """Sums up differences. After a loss nothing is known until the next whole sample.

    Parameters
    ----------
    n_channels : int
        Channels of the sensor.
    """

    def __init__(self, n_channels: int) -> None:
        self._last = np.zeros((1, n_channels))
        self._index = -1
        self._known = False

    def lose(self) -> None:
        """Forget the sample that the next difference would belong to."""
        self._known = False

    def sum_up(
        self, emg: NDArray[np.float64], index: NDArray[np.int64], sign: NDArray[np.int8]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Give the samples, and which of them are known.

        Parameters
        ----------
        emg : ndarray of shape (n_samples, n_channels)
            Whole numbers: samples where `sign` is 0, elsewhere differences to the sample before.
        index : ndarray of shape (n_samples,), int64
            Numbers of the samples, growing.
        sign : ndarray of shape (n_samples,), int8
            What to do with a difference: +1 add, -1 subtract.
        """
        if not len(emg):
            return emg, np.empty(0, np.bool_)
        rows = np.concatenate((self._last, emg))
        whole = np.concatenate(([True], sign == 0))
        begins = whole | np.concatenate(([True], np.diff(index, prepend=self._index) != 1))
        start = np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))  # where each sample's sum begins
        known = whole[start] & ((start > 0) | self._known)
        total = np.cumsum(np.where(whole[:, np.newaxis], 0.0, rows * np.concatenate(([0], sign))[:, np.newaxis]), axis=0)
        summed = rows[start] + total - total[start]
        self._last, self._index, self._known = summed[-1:], int(index[-1]), bool(known[-1])
        return summed[1:], known[1:]
