"""How far a signal can be trusted: flags with a reason, never exceptions."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from gluteemg.processing.bands import MAINS_HZ, MOTION, N_ROWS, Bands

State = Literal["good", "adjust", "unusable", "lost"]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Flag(IntEnum):
    """Why a signal is what it is; the higher number wins where several hold. Usable is what is below `HEAVY_LOSS`.

    What a calibration tells stands for a whole session, so it is the lowest of its kind and hides nothing that comes and goes.
    """

    GOOD = 0
    FILLED = 1
    """A hole of up to 50 ms was filled with a straight line."""
    NOISY_REST = 2
    """The floor of the calibration is 5 µV or more."""
    LOW_SNR = 3
    """The reference is 6 to 20 dB above the floor."""
    LOSS = 4
    """More than 0.5 % of the last 10 s is missing."""
    MAINS = 5
    """5 to 20 % of the power sits at the mains frequency."""
    MOTION = 6
    """15 to 40 % of the power lies below the band of EMG: a cable or a loose electrode swings."""
    FLOOR_RISEN = 7
    """The quietest of the last 30 s is over three times the calibrated floor: less contact than then, or no moment of rest."""
    CLIPPED = 8
    """Some samples stand at the end of the converter."""
    HEAVY_LOSS = 9
    """More than 2 % of the last 10 s is missing."""
    NO_SNR = 10
    """The reference is less than 6 dB above the floor: no ratio can be believed."""
    HEAVY_MAINS = 11
    """More than 20 % of the power sits at the mains frequency."""
    HEAVY_MOTION = 12
    """More than 40 % of the power lies below the band of EMG."""
    HEAVY_CLIPPED = 13
    """More than 0.5 % of the samples stand at the end of the converter."""
    CONTACT = 14
    """The level stepped by more than half the range of the converter within the last second or so."""
    FLAT = 15
    """Nothing moves: the electrode is off, or the sensor sends one value."""
    SETTLING = 16
    """The filters have not seen enough yet: after the start and after a hole."""
    ABSENT = 17
    """No samples for this instant."""

    @property
    def state(self) -> State:
        """The state that a person is shown."""
        if self <= Flag.FILLED:
            return "good"
        if self < Flag.HEAVY_LOSS:
            return "adjust"
        return "lost" if self == Flag.ABSENT else "unusable"


ENVELOPE = frozenset({Flag.LOSS, Flag.HEAVY_LOSS, Flag.CLIPPED, Flag.HEAVY_CLIPPED})
"""What can be judged where a sensor sends the size of the activity."""
SPARSE = ENVELOPE - {Flag.LOSS, Flag.HEAVY_LOSS}
"""The same where much of it never arrives, by the nature of the sensor."""
_SPECTRAL = frozenset({Flag.MAINS, Flag.HEAVY_MAINS, Flag.MOTION, Flag.HEAVY_MOTION})
WAVEFORM = ENVELOPE | _SPECTRAL | {Flag.CONTACT, Flag.FLAT}
"""What can be judged where a sensor sends the signal itself."""

BLOCK_S = 0.25
"""How often the flags are judged anew (chosen: a person sees a lifted edge within half a second). A block is the next longer
one that the FFT is quick with: 0.250 to 0.28 s."""
_LOSS_BLOCKS = 40
"""Blocks over which loss is counted: 10 s."""
_MAINS_BLOCKS = 20
"""Blocks over which the mains are measured: 5 s."""
_SECOND = 4
"""Blocks in which clipping is counted: 1 s. A step shows against any of so many blocks before it."""
_MOTION_BLOCKS = 3
"""Spectra in which motion is measured: 1 s, as each is of two blocks."""
_MAINS_FLOOR = 5.0
"""Least RMS of the hum, in microvolts, that is worth a word: below it a quiet muscle is only quiet (a good baseline is under
5 µV)."""
_MAINS_CLEAR = 2.0
"""How far the mean of 20 spectra must show a line above what lies beside it, as a multiple of that, for one harmonic in the
band; less by the power 2/3 of their number (chosen: five hours of unbroken simulated work at each of 200 to 2000 Hz rise above
it once at most, and not from 1000 Hz on; work with pauses never)."""
_MAINS_SPECTRA = 10
"""Spectra before the mains are judged (chosen: half of 5 s)."""
_NOTCH_RATE_HZ = 500.0
"""Below it harmonics of the line fold into the band, and the notch is asked for only above 20 %."""
_MOTION_FLOOR = 20.0
"""Least RMS of motion, in microvolts, that is worth a word (chosen: the high-pass of the chain, of 2nd order at 20 Hz, leaves
0.5 µV of it at 3 Hz and 3 µV at 8 Hz, less than a good baseline)."""
_FILLED_SHARE = 0.1
"""Most of a spectrum that may be filled with straight lines: 50 ms."""


@dataclass(frozen=True, slots=True)
class Converter:
    """The ends and the step of a converter in the unit of the samples; None and zero where there is no converter."""

    low: float | None
    high: float | None
    step: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What holds for the samples of one call, and for the lost ones before and between them.

    Parameters
    ----------
    since : ndarray of shape (n_rows,), int64
        Numbers of the samples from which each row is in force, growing.
    flags : ndarray of shape (n_rows, n_channels), uint8
        Values of `Flag`.
    line_hz : ndarray of shape (n_rows, n_channels), uint8
        The line that is to be notched out, 50 or 60; 0 for none.
    """

    since: NDArray[np.int64]
    flags: NDArray[np.uint8]
    line_hz: NDArray[np.uint8]

    def at(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Give the flags of samples by their numbers, shape (n, n_channels). It may be a view that cannot be written to."""
        if len(self.flags) == 1:
            return np.broadcast_to(self.flags, (len(index), self.flags.shape[1]))
        return self.flags[self._rows(index)]

    def line_at(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Give the line to notch out of samples, shape (n, n_channels). It may be a view that cannot be written to."""
        if len(self.line_hz) == 1:
            return np.broadcast_to(self.line_hz, (len(index), self.line_hz.shape[1]))
        return self.line_hz[self._rows(index)]

    @property
    def hums(self) -> bool:
        """Whether the line notch is asked for anywhere in this call."""
        return bool(self.line_hz.any())

    def _rows(self, index: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.maximum(np.searchsorted(self.since, index, side="right") - 1, 0)


class QualityMonitor:
    """Judges the raw signals of one sensor in blocks, causally: a sample carries the flags of the blocks before it.

    Thresholds are those of the project's table of signal quality, where not marked as chosen:

    - loss, 0.5 and 2 % of the last 10 s;
    - clipping, three samples and 0.5 % of the last second at the end of the converter;
    - flat, a standard deviation of at most half a step of the converter in a block;
    - mains, 5 and 20 % of the power from 20 to 450 Hz in the last 5 s. Hum stays while muscles come and go, so its power is
      the excess over the neighbouring bins with every spectrum weighted by one over those, which listens to the pauses. It
      must be over 5 µV, and clear of what EMG shows there by chance. The flags go below half of what raised them;
    - motion, 15 and 40 % of the power from 4 Hz on lies below 20 Hz in the last second, and over 20 µV;
    - contact, means of blocks of the last 1.25 s that lie more than half the range of the converter apart. Where its ends are
      not known a step cannot be judged: there is nothing to measure it by.

    The notch is asked for when the mains flag is raised, below 500 Hz when the heavy one is, and until the hum itself has
    fallen to half the power that is worth a word (chosen: its share falls whenever a muscle works, and a notch that came and
    went with the repetitions would make the floor of the calibration another one than that of the work).

    Hum is looked for in three bins of 2 Hz, so a rate that is off by more than 5 % hides it. In the pauses of work it shows as
    it is; in work without any pause 10 % show within 5 s or so from 1000 Hz on, and at slower rates within about a minute, as
    EMG fills the bins of the line just as much. Where a unit is counts, the limits in microvolts are taken as counts, for want
    of a scale.

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
        self._size = next_fast_len(max(1, round(BLOCK_S * rate_hz)), real=True)
        self._bands = Bands(rate_hz, self._size, n_channels) if judged & _SPECTRAL else None
        if self._bands is not None:
            self._clear = (_MAINS_CLEAR / np.maximum(self._bands.harmonics, 1) ** (2 / 3))[:, np.newaxis, np.newaxis]
        notch = 0.05 if rate_hz >= _NOTCH_RATE_HZ else 0.20
        self._mains_shares = np.array([0.05, 0.20, notch])[:, np.newaxis, np.newaxis]
        self._low = -np.inf if converter.low is None else converter.low
        self._high = np.inf if converter.high is None else converter.high
        self._still = max(0.5 * converter.step, 1e-12)
        self._n_channels = n_channels
        self._judged = judged
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next sample begins a new signal, and what was missing before it is no loss."""
        n_channels = self._n_channels
        self._block: int | None = None  # number of the block being filled
        self._waiting: list[tuple[NDArray[np.int64], Floats]] = []  # its samples so far
        self._unheard = 0  # samples of the first block from before the start: not a loss
        self._last: tuple[NDArray[np.int64], Floats] | None = None  # the last sample before it
        self._before = np.zeros((n_channels, self._size)), self._size  # the block before it, and how much of that is missing
        self._missing = np.zeros(_LOSS_BLOCKS, np.int64)
        self._past = np.zeros((_MEAN + 1, n_channels, _MAINS_BLOCKS))
        self._past[_MEAN] = np.nan
        self._latched = np.zeros((3, n_channels), np.bool_)  # mains, heavy mains, hum
        nothing = np.zeros((1, n_channels), np.uint8)
        self._now = Judgement(np.zeros(1, np.int64), nothing, nothing)

    @property
    def loss(self) -> float:
        """Share of the samples of the last 10 s that is missing, 0 to 1."""
        return float(self._missing.mean() / self._size)

    def __call__(self, index: NDArray[np.int64], emg: Floats) -> Judgement:
        """Judge the next samples.

        Parameters
        ----------
        index : ndarray of shape (n,)
            Numbers of the samples, growing; what is left out was lost.
        emg : ndarray of shape (n, n_channels)
            As received, not filtered.

        Returns
        -------
        Judgement
            What is in force for these samples.
        """
        if not len(index):
            return self._now
        first, last, size = int(index[0]), int(index[-1]), self._size
        if last - first >= len(index):
            long_holes = np.flatnonzero(index[1:] // size - (index[:-1] + 1) // size > _LOSS_BLOCKS) + 1
            if len(long_holes):
                cuts = [0, *long_holes.tolist(), len(index)]
                parts = [self(index[a:b], emg[a:b]) for a, b in pairwise(cuts)]
                return Judgement(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("since", "flags", "line_hz")))
        if self._block is not None and first // size - self._block > _LOSS_BLOCKS:
            self.reset()
        if self._block is None:
            self._block, self._unheard = divmod(first, size)
            self._now = replace(self._now, since=np.array([self._block * size]))
        n_blocks = (last + 1) // size - self._block
        if n_blocks:
            self._waiting.append((index, emg))
            return self._complete(self._block, n_blocks)
        self._waiting.append((index.copy(), emg.copy()))
        return self._now

    def _complete(self, block: int, n_blocks: int) -> Judgement:
        """Judge the next blocks, which are whole."""
        start, stop = block * self._size, (block + n_blocks) * self._size
        index, emg = self._waiting[0] if len(self._waiting) == 1 else map(np.concatenate, zip(*self._waiting, strict=True))
        taken = int(np.searchsorted(index, stop))
        before, short = self._before
        signal = np.empty((self._n_channels, self._size + stop - start))  # channels first: everything runs along time
        signal[:, : self._size] = before
        received, missing = None, np.zeros(n_blocks, np.int64)
        if taken == stop - start:
            signal[:, self._size :] = emg[:taken].T
        else:
            received = np.zeros(stop - start, np.bool_)
            received[index[:taken] - start] = True
            missing = (~received).reshape(n_blocks, -1).sum(axis=1)
            known = (index, emg) if self._last is None else map(np.concatenate, zip(self._last, (index, emg), strict=True))
            at, values = known
            signal[:, self._size :] = [np.interp(np.arange(start, stop), at, values[:, c]) for c in range(self._n_channels)]
        flags, line_hz = self._judge(signal, received, np.concatenate(([short], missing)))
        since = np.arange(start, stop + 1, self._size)
        now = self._now
        judgement = Judgement(since, np.concatenate((now.flags, flags)), np.concatenate((now.line_hz, line_hz)))
        self._now = Judgement(since[-1:], flags[-1:], line_hz[-1:])
        self._before = signal[:, -self._size :].copy(), int(missing[-1])
        self._block = block + n_blocks
        if taken:
            self._last = index[taken - 1 : taken].copy(), emg[taken - 1 : taken].copy()
        self._waiting = [(index[taken:].copy(), emg[taken:].copy())] if taken < len(index) else []
        return judgement

    def _judge(
        self, signal: Floats, received: Bools | None, missing: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Judge whole blocks.

        Parameters
        ----------
        signal : ndarray of shape (n_channels, (1 + n_blocks) * block)
            The block before and those to judge, holes filled.
        received : ndarray of shape (n_blocks * block,) or None
            What of the latter is not filled; None for all.
        missing : ndarray of shape (1 + n_blocks,)
            Samples filled in each.

        Returns
        -------
        flags, line_hz : ndarray of shape (n_blocks, n_channels), uint8
            As in `Judgement`.
        """
        n_channels, n_blocks, size = len(signal), len(missing) - 1, self._size
        blocks = signal[:, size:].reshape(n_channels, n_blocks, size)
        now = np.zeros((_MEAN + 1, n_channels, n_blocks))
        lowest, highest = blocks.min(axis=2), blocks.max(axis=2)
        if lowest.min() <= self._low or highest.max() >= self._high:
            now[_CLIPPED] = self._count_clipped(blocks, received)
        enough = missing[1:] <= size // 2
        now[_MEAN] = np.where(enough, blocks.mean(axis=2), np.nan)
        if self._bands is not None:
            whole = missing[:-1] + missing[1:] <= _FILLED_SHARE * 2 * size
            now[:N_ROWS] = self._bands(signal) * whole
        joined = np.concatenate((self._past, now), axis=2)
        self._past = joined[:, :, n_blocks:]

        lost = self._count_lost(missing[1:]) / (_LOSS_BLOCKS * size)
        clipped = _sums(joined[_CLIPPED], n_blocks, _SECOND)
        means = joined[_MEAN, :, -n_blocks - _SECOND :]
        recent = [means[:, before : before + n_blocks] for before in range(_SECOND + 1)]
        step = np.fmax.reduce(recent) - np.fmin.reduce(recent)
        raised = [
            (Flag.LOSS, lost > 0.005),
            (Flag.CLIPPED, clipped >= 3),
            (Flag.HEAVY_LOSS, lost > 0.02),
            (Flag.HEAVY_CLIPPED, clipped > 0.005 * _SECOND * size),
            (Flag.CONTACT, step > (self._high - self._low) / 2),
            (Flag.FLAT, enough & self._is_still(blocks, lowest, highest)),
        ]
        line_hz = np.zeros((n_channels, n_blocks), np.uint8)
        if self._bands is not None:
            latched, stronger = self._hear_mains(_sums(joined[:N_ROWS], n_blocks, _MAINS_BLOCKS))
            line_hz = stronger * latched[2]
            low, band, spectra = _sums(joined[MOTION:N_ROWS], n_blocks, _MOTION_BLOCKS)
            moved = low > _MOTION_FLOOR**2 * spectra
            raised += [
                (Flag.MAINS, latched[0]),
                (Flag.HEAVY_MAINS, latched[1]),
                (Flag.MOTION, moved & (low > 0.15 * (low + band))),
                (Flag.HEAVY_MOTION, moved & (low > 0.40 * (low + band))),
            ]
        flags = np.zeros((n_channels, n_blocks), np.uint8)
        for flag, where in sorted(raised, key=lambda r: r[0]):
            if flag in self._judged:
                np.copyto(flags, np.uint8(flag), where=where)
        return flags.T, line_hz.T

    def _count_clipped(self, blocks: Floats, received: Bools | None) -> NDArray[np.int64]:
        """Count the samples at an end of the converter, shape (n_channels, n_blocks)."""
        at_end = (blocks <= self._low) | (blocks >= self._high)
        if received is not None:
            at_end &= received.reshape(blocks.shape[1:])
        count: NDArray[np.int64] = at_end.sum(axis=2)
        return count

    def _is_still(self, blocks: Floats, lowest: Floats, highest: Floats) -> Bools:
        """Tell where the standard deviation is half a step at most, shape (n_channels, n_blocks).

        It is at least the range over the root of twice the number of samples, so few need it.
        """
        still: Bools = highest - lowest <= self._still * np.sqrt(2 * self._size)
        still[still] = blocks[still].std(axis=1) <= self._still
        return still

    def _count_lost(self, missing: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count what is missing of the last 10 s after each block, shape (n_blocks,)."""
        missing = missing.copy()
        missing[0] -= self._unheard
        self._unheard = 0
        joined = np.concatenate((self._missing, missing))
        self._missing = joined[len(missing) :]
        return np.convolve(joined[1:], np.ones(_LOSS_BLOCKS, np.int64), "valid")  # whole numbers: any order of adding will do

    def _hear_mains(self, sums: Floats) -> tuple[Bools, NDArray[np.uint8]]:
        """Judge the mains from sums over the last 5 s.

        Returns
        -------
        holds : ndarray of shape (3, n_channels, n_blocks), bool
            Mains, heavy mains, and whether the notch is asked for.
        line_hz : ndarray of shape (n_channels, n_blocks), uint8
            The stronger of the lines.
        """
        ratio, inverse, (_, band, spectra) = sums[:MOTION:2], sums[1:MOTION:2], sums[MOTION:]
        power = np.divide(ratio, inverse, out=np.zeros_like(ratio), where=inverse > 0)
        clear = (ratio > self._clear * spectra) & (spectra >= _MAINS_SPECTRA) & (power > _MAINS_FLOOR**2)
        raising = np.where(clear, power, 0.0).max(axis=0)
        line_hz = np.array(MAINS_HZ, np.uint8)[power.argmax(axis=0)]
        power = power.max(axis=0)
        mean = band / np.maximum(spectra, 1)
        raised: Bools = raising > self._mains_shares * mean
        if raised.any() or self._latched.any():
            stays = np.broadcast_to(power > _MAINS_FLOOR**2 / 2, raised.shape).copy()
            stays[:2] &= power > self._mains_shares[:2] / 2 * mean
            raised = _latch(self._latched, raised, stays)
            self._latched = raised[:, :, -1]
        return raised, line_hz


_CLIPPED, _MEAN = N_ROWS, N_ROWS + 1  # what is remembered of each block beside the rows of `Bands`


def _sums(rows: Floats, n_blocks: int, span: int) -> Floats:
    """Add up the last `span` entries up to each of the last `n_blocks`: shape (..., n_blocks), in one order for any cut."""
    total = np.zeros((*rows.shape[:-1], n_blocks))
    part, width, added = rows, 1, 0  # sums of `width` entries; how many of the last ones are in the total
    while True:
        if span & width:
            added += width
            stop = rows.shape[-1] - added + 1
            total += part[..., stop - n_blocks : stop]
        if added == span:
            return total
        part, width = part[..., width:] + part[..., :-width], 2 * width


def _latch(before: Bools, raised: Bools, stays: Bools) -> Bools:
    """Hold what was raised for as long as it stays, block after block along the last axis; `before` lacks that axis."""
    decides = np.where(raised | ~stays, np.arange(1, raised.shape[-1] + 1), 0)
    states = np.concatenate((before[..., np.newaxis], raised), axis=-1)
    held: Bools = np.take_along_axis(states, np.maximum.accumulate(decides, axis=-1), axis=-1)
    return held
