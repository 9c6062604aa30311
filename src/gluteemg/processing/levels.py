"""What floor and reference say of a signal, and whether the floor still holds."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gluteemg.processing.quality import Flag

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FLOOR_BLOCK = 100
"""Instants of the 100 Hz grid in one block of `FloorWatch`: 1 s."""
_FLOOR_BLOCKS = 30
"""Blocks that it remembers: 30 s (chosen: a pause between repetitions lies within)."""
_FLOOR_JUMP = 3.0
"""How far over the floor tells of a lost contact."""


def level_flag(floor: float, reference: float | None, unit: str) -> Flag:
    """Judge a calibrated muscle by its levels.

    Parameters
    ----------
    floor : float
        RMS at rest. NaN: nothing is judged.
    reference : float or None
        RMS of the contraction that stands for 100 %; None or NaN: only the floor is judged.
    unit : str
        Unit of both. The floor as such is judged in ``"uV"`` alone; 5 µV is the upper end of a good baseline.

    Returns
    -------
    Flag
        NO_SNR under 6 dB, LOW_SNR under 20 dB (from 6 to 10 as from 10 to 20: the reading is usable and moves more),
        NOISY_REST from 5 µV on, else GOOD.
    """
    if reference is not None and floor > 0 and reference > 0:
        snr_db = 20 * math.log10(reference / floor)
        if snr_db < 20:
            return Flag.NO_SNR if snr_db < 6 else Flag.LOW_SNR
    return Flag.NOISY_REST if unit == "uV" and floor >= 5 else Flag.GOOD


class FloorWatch:
    """Tells where a signal no longer comes down to its calibrated floor: contact got worse, or there was no moment of rest.

    Judged in blocks of one second of the grid, causally: an instant carries what the blocks before it tell. Only seconds in
    which something was heard count, so 30 s with holes are longer. A hold of over 30 s looks the same, which is why this asks
    for an adjustment and mutes nothing.

    Parameters
    ----------
    floor : ndarray of shape (n_roles,)
        Calibrated RMS at rest; NaN or zero where there is none, which is never judged.
    """

    def __init__(self, floor: Floats) -> None:
        self._limit = np.where(floor > 0, _FLOOR_JUMP * floor, np.inf)
        self._block: int | None = None  # number of the block being filled
        self._low = np.full(len(floor), np.inf)  # its lowest so far
        self._lows = np.full((len(floor), _FLOOR_BLOCKS), -np.inf)  # not judged before these are gone
        self._risen = np.zeros(len(floor), np.bool_)

    def __call__(self, index: NDArray[np.int64], envelope: Floats) -> Bools:
        """Watch the next instants.

        Parameters
        ----------
        index : ndarray of shape (n,), int64
            Numbers on the grid, growing.
        envelope : ndarray of shape (n, n_roles)
            RMS over 500 ms; NaN where it is not known.

        Returns
        -------
        ndarray of shape (n, n_roles), bool
            Whether the quietest of the last 30 s is over three times the floor.
        """
        risen = np.empty(envelope.shape, np.bool_)
        blocks = index // _FLOOR_BLOCK
        cuts = np.flatnonzero(np.diff(blocks)) + 1
        for first, stop in pairwise([0, *cuts.tolist(), len(index)]):
            if first == stop:
                break
            if blocks[first] != self._block:
                self._end_block()
                self._block = int(blocks[first])
            risen[first:stop] = self._risen
            np.fmin(self._low, np.fmin.reduce(envelope[first:stop]), out=self._low)
        return risen

    def _end_block(self) -> None:
        heard = self._low < np.inf
        self._lows[heard, :-1] = self._lows[heard, 1:]
        self._lows[heard, -1] = self._low[heard]
        self._risen = self._lows.min(axis=1) > self._limit
        self._low[:] = np.inf
