"""How far a signal can be trusted: flags with a reason, never exceptions."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gluteemg.processing.chain import NYQUIST_SHARE

State = Literal["good", "adjust", "unusable", "lost"]


class Flag(IntEnum):
    """Why a signal is what it is; the higher number wins where several hold."""

    GOOD = 0
    FILLED = 1
    """A hole of up to 50 ms was filled with a straight line."""
    LOSS = 2
    """More than 0.5 % of the last 10 s is missing."""
    MAINS = 3
    """5 to 20 % of the power sits at the mains frequency."""
    CLIPPED = 4
    """Some samples stand at the end of the converter."""
    HEAVY_LOSS = 5
    """More than 2 % of the last 10 s is missing."""
    HEAVY_MAINS = 6
    """More than 20 % of the power sits at the mains frequency."""
    HEAVY_CLIPPED = 7
    """More than 0.5 % of the samples stand at the end of the converter."""
    FLAT = 8
    """Nothing moves: the electrode is off, or the sensor sends one value."""
    SETTLING = 9
    """The filters have not seen enough yet: after the start and after a hole."""
    ABSENT = 10
    """No samples for this instant."""

    @property
    def state(self) -> State:
        """The state that a person is shown."""
        if self in (Flag.GOOD, Flag.FILLED):
            return "good"
        if self in (Flag.LOSS, Flag.MAINS, Flag.CLIPPED):
            return "adjust"
        return "lost" if self == Flag.ABSENT else "unusable"


ENVELOPE = frozenset({Flag.LOSS, Flag.HEAVY_LOSS, Flag.CLIPPED, Flag.HEAVY_CLIPPED})
"""What can be judged where a sensor sends the size of the activity."""
SPARSE = ENVELOPE - {Flag.LOSS, Flag.HEAVY_LOSS}
"""The same where much of it never arrives, by the nature of the sensor."""
WAVEFORM = ENVELOPE | {Flag.MAINS, Flag.HEAVY_MAINS, Flag.FLAT}
"""What can be judged where a sensor sends the signal itself."""

BLOCK_S = 0.25
"""How often the flags are judged anew (chosen: a person sees a lifted edge within half a second)."""
_SPECTRUM_BLOCKS = 4
"""Blocks in one spectrum: 1 s, so that a line at 50 or 60 Hz falls on one bin."""
_MAINS_SPECTRA = 20
"""Spectra, 5 s, whose median tells the mains: bursts of EMG look like a line now and then, but not for long (chosen: with ten
per cent of mains the flag stands all the time, without any it never rose in an hour of simulated exercise)."""
_LOSS_BLOCKS = 40
"""Blocks over which loss is counted: 10 s."""
_MAINS_HZ = (50.0, 60.0)
_MAINS_FLOOR = 5.0
"""Least RMS of the line, in microvolts, that is worth a word: below it a quiet muscle is only quiet (a good baseline is under
5 µV)."""


@dataclass(frozen=True, slots=True)
class Converter:
    """The ends and the step of a converter in the unit of the samples; None and zero where there is no converter."""

    low: float | None
    high: float | None
    step: float


class QualityMonitor:
    """Judges the signals of one sensor in blocks of `BLOCK_S`, causally: a sample carries the flags of the blocks before it.

    Thresholds are those of the project's table of signal quality, where not marked as chosen: loss 0.5 and 2 % over 10 s,
    clipping three samples and 0.5 % over a second, mains 5 and 20 % of the power, flat below half a step of the converter.

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    n_channels : int
        Channels of the sensor.
    converter : Converter
        Ends and step.
    judged : set of Flag
        What this kind of signal can show; an envelope, for instance, has no mains, and may well stand still.
    """

    def __init__(self, rate_hz: float, n_channels: int, converter: Converter, judged: Set[Flag] = WAVEFORM) -> None:
        self._size = round(BLOCK_S * rate_hz)
        self._rate_hz = rate_hz
        self._converter = converter
        self._n_channels = n_channels
        self._judged = judged
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next sample begins a new signal, and what was missing before it is no loss."""
        n_channels = self._n_channels
        self._block: int | None = None  # number of the block being filled
        self._open = np.empty((0, 2, n_channels))  # its samples so far, as received and filtered
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []  # since the open block was last laid out
        self._unheard = 0  # samples of the first block from before the start: not a loss
        self._received = np.full(_LOSS_BLOCKS, float(self._size))
        self._clipped = np.zeros((_SPECTRUM_BLOCKS, n_channels))
        self._mains = np.zeros((_MAINS_SPECTRA, n_channels))
        self._recent = np.full((_SPECTRUM_BLOCKS - 1, self._size, n_channels), np.nan)  # filtered
        self._flags = np.zeros(n_channels, np.uint8)

    @property
    def loss(self) -> float:
        """Share of the samples of the last 10 s that is missing, 0 to 1."""
        return float(1 - self._received.mean() / self._size)

    def __call__(self, index: NDArray[np.int64], emg: NDArray[np.float64], filtered: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Give the flags of the next samples.

        Parameters
        ----------
        index : ndarray of shape (n,)
            Numbers of the samples, growing; what is left out was lost.
        emg, filtered : ndarray of shape (n, n_channels)
            As received and after the chain.

        Returns
        -------
        ndarray of shape (n, n_channels), uint8
            Values of `Flag`.
        """
        if not len(index):
            return np.empty((0, len(self._flags)), np.uint8)
        blocks = index // self._size
        long_holes = np.flatnonzero(blocks[1:] - (index[:-1] + 1) // self._size > _LOSS_BLOCKS) + 1
        if len(long_holes):
            runs = np.split(np.arange(len(index)), long_holes)
            return np.concatenate([self(index[run], emg[run], filtered[run]) for run in runs])
        if self._block is not None and blocks[0] - self._block > _LOSS_BLOCKS:
            self.reset()
        if self._block is None:
            self._block = int(blocks[0])
            self._open = np.full((int(index[0]) % self._size, 2, self._n_channels), np.nan)
            self._unheard = len(self._open)
        first = self._block
        self._waiting.append((index, np.stack((emg, filtered), axis=1)))
        if index[-1] + 1 < (first + 1) * self._size:
            return np.broadcast_to(self._flags, emg.shape)
        aligned = self._align()
        n_full = len(aligned) // self._size
        full = aligned[: n_full * self._size].reshape(n_full, self._size, *aligned.shape[1:])
        self._open = aligned[n_full * self._size :]
        self._block = first + n_full
        flags = np.concatenate((self._flags[np.newaxis], self._judge(full)))
        self._flags = flags[-1]
        return flags[np.clip(blocks - first, 0, n_full)]

    def _align(self) -> NDArray[np.float64]:
        """Lay the waiting samples where they belong, after those of the open block; NaN where nothing came."""
        assert self._block is not None
        start = self._block * self._size
        aligned = np.full((int(self._waiting[-1][0][-1]) + 1 - start, 2, self._n_channels), np.nan)
        aligned[: len(self._open)] = self._open
        for index, samples in self._waiting:
            aligned[index - start] = samples
        self._waiting.clear()
        return aligned

    def _judge(self, full: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Judge whole blocks, shape (n_blocks, block, 2, n_channels): flags of shape (n_blocks, n_channels)."""
        n_blocks, n_channels = len(full), len(self._flags)
        flags = np.zeros((n_blocks, n_channels), np.uint8)
        if not n_blocks:
            return flags
        emg, filtered = full[:, :, 0], full[:, :, 1]
        received: NDArray[np.int64] = np.isfinite(emg[:, :, 0]).sum(axis=1)

        def raise_to(flag: Flag, where: NDArray[np.bool_]) -> None:
            if flag in self._judged:
                np.maximum(flags, np.where(where, np.uint8(flag), np.uint8(0)), out=flags)

        heard = received.astype(np.float64)
        heard[0] += self._unheard
        self._unheard = 0
        self._received, counts = _history(self._received, heard)
        lost = 1 - counts.mean(axis=1)[:, np.newaxis] / self._size
        raise_to(Flag.LOSS, lost > 0.005)
        raise_to(Flag.HEAVY_LOSS, lost > 0.02)

        low, high = self._converter.low, self._converter.high
        at_end = np.zeros(emg.shape, np.bool_)
        if low is not None:
            at_end |= emg <= low
        if high is not None:
            at_end |= emg >= high
        self._clipped, clipped = _history(self._clipped, at_end.sum(axis=1).astype(np.float64))
        raise_to(Flag.CLIPPED, clipped.sum(axis=1) >= 3)
        raise_to(Flag.HEAVY_CLIPPED, clipped.sum(axis=1) > 0.005 * _SPECTRUM_BLOCKS * self._size)

        filled = np.where(np.isfinite(emg), emg, 0.0)
        n = np.maximum(received, 1)[:, np.newaxis]
        mean = filled.sum(axis=1) / n
        deviation = np.sqrt((np.where(np.isfinite(emg), emg - mean[:, np.newaxis], 0.0) ** 2).sum(axis=1) / n)
        enough = received[:, np.newaxis] >= self._size / 2
        raise_to(Flag.FLAT, enough & (deviation <= max(0.5 * self._converter.step, 1e-12)))

        self._recent, spans = _history(self._recent, filtered, _SPECTRUM_BLOCKS)
        ratio = _mains_ratio(spans.reshape(n_blocks, -1, n_channels), self._rate_hz)
        self._mains, ratios = _history(self._mains, ratio)
        mains = np.median(ratios, axis=1)
        raise_to(Flag.MAINS, mains > 0.05)
        raise_to(Flag.HEAVY_MAINS, mains > 0.20)
        return flags


def _history(
    before: NDArray[np.float64], new: NDArray[np.float64], span: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what to remember next, and for every new row the last `span` rows up to it (default: as many as remembered)."""
    span = span or len(before)
    joined = np.concatenate((before, new))
    windows = sliding_window_view(joined, span, axis=0)[-len(new) :]
    return joined[-len(before) :], np.moveaxis(windows, -1, 1)


def _mains_ratio(filtered: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Estimate the share of the power that the mains add, shape (n_spans, n, n_channels) → (n_spans, n_channels).

    Power within 1 Hz of the line and its harmonics, less what the neighbouring bins let expect of EMG alone. Zero where the
    span has holes, and where the line is too small to matter.
    """
    n = filtered.shape[1]
    whole = np.logical_and.reduce(np.isfinite(filtered), axis=1)
    window = np.hanning(n)[:, np.newaxis]
    power = np.abs(np.fft.rfft(np.where(whole[:, np.newaxis], filtered, 0.0) * window, axis=1)) ** 2
    power *= 2 / (n * (window**2).sum())  # a bin sums to the mean square of what falls on it
    resolution_hz = rate_hz / n
    total = power.sum(axis=1)
    excess = np.zeros((len(_MAINS_HZ), *total.shape))
    for i, mains_hz in enumerate(_MAINS_HZ):
        for line_hz in np.arange(mains_hz, min(NYQUIST_SHARE * rate_hz, 4.5 * mains_hz), mains_hz):
            at = round(line_hz / resolution_hz)
            line = power[:, at - 1 : at + 2].sum(axis=1)
            beside = np.concatenate((power[:, at - 8 : at - 2], power[:, at + 3 : at + 9]), axis=1).mean(axis=1)
            excess[i] += line - 3 * beside
    strongest = np.maximum(0.0, excess.max(axis=0))
    matters = whole & (np.sqrt(strongest) > _MAINS_FLOOR)
    ratio: NDArray[np.float64] = np.divide(strongest, total, out=np.zeros_like(total), where=matters & (total > 0))
    return ratio
