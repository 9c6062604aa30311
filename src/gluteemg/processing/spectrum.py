"""How the power of EMG is spread over frequency: spectra of many signals at once, and the figures that are read off them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log2

import numpy as np
from numpy.typing import NDArray

from gluteemg.processing.chain import HIGH_PASS_HZ, LOW_PASS_HZ

WINDOW_S = 0.25
"""About this long are the windows, half overlapping, Hann (chosen: bins of 4 Hz, and 0.5 s of work still give two or three)."""
BAND_HZ = (HIGH_PASS_HZ, LOW_PASS_HZ)
"""Where frequencies are read off: the band of surface EMG, as `gluteemg.processing.chain` passes it."""


def window_length(rate_hz: float) -> int:
    """Give the samples in a window: the power of two that is nearest to `WINDOW_S`, so that the transform is quick."""
    return max(16, 1 << round(log2(WINDOW_S * rate_hz)))


@dataclass(frozen=True, slots=True)
class Spectra:
    """Power spectral densities of some signals, one a row.

    Parameters
    ----------
    power : ndarray of shape (n_signals, n_bins)
        One-sided density, unit² / Hz: over all bins it adds up to the power, times `bin_hz`. Bin 0 stands at 0 Hz.
    bin_hz : ndarray of shape (n_signals,)
        Distance between bins.
    """

    power: NDArray[np.float64]
    bin_hz: NDArray[np.float64]

    @classmethod
    def of(cls, signals: Sequence[Sequence[NDArray[np.float64]]], rates_hz: Sequence[float], window: int) -> Spectra:
        """Estimate them by the method of Welch, without taking a trend off: take an offset off before.

        Parameters
        ----------
        signals : sequence of sequence of ndarray of shape (n_samples,)
            Runs without a hole of each signal, each at least `window` long: no window reaches over a hole.
        rates_hz : sequence of float
            Sampling rate of each signal.
        window : int
            Samples in a window, even; each begins half a window after the one before.

        Returns
        -------
        Spectra
            Mean over all windows of a signal. For a single run equal to ``scipy.signal.welch(run, rate_hz, nperseg=window,
            detrend=False)``.
        """
        rates, squares = np.asarray(rates_hz, np.float64), np.empty((len(signals), window + 2))
        counts = np.array([_add_up(runs, window, out) for runs, out in zip(signals, squares, strict=True)])
        power = squares[:, 0::2] + squares[:, 1::2]
        power[:, 1:-1] *= 2  # the negative frequencies
        power /= (counts * rates * np.square(_hann(window)).sum())[:, np.newaxis]
        return cls(power, rates / window)

    def within(self, low_hz: NDArray[np.float64] | float, high_hz: NDArray[np.float64] | float) -> Spectra:
        """Give what lies in a band, one for all or one for each signal; a bin on its edge counts in part.

        So a rate that is measured a little anew moves no whole bin in or out.
        """
        bins = np.arange(self.power.shape[1])
        low, high = (np.divide(end, self.bin_hz)[:, np.newaxis] for end in (low_hz, high_hz))
        share = np.minimum(bins + 0.5, high) - np.maximum(bins - 0.5, low)
        return Spectra(self.power * np.minimum(np.maximum(share, 0.0), 1.0), self.bin_hz)

    def median_hz(self) -> NDArray[np.float64]:
        """Give the frequency that halves the power, shape (n_signals,), between bins if need be; NaN without power.

        The power of a bin is taken to be spread evenly over its width.
        """
        total = np.cumsum(self.power, axis=1)
        half = total[:, -1:] / 2
        at = np.argmax(total >= half, axis=1)  # the first
        rows = np.arange(len(total))
        own = self.power[rows, at]
        with np.errstate(invalid="ignore"):
            median: NDArray[np.float64] = (at + 0.5 - (total[rows, at] - half[:, 0]) / own) * self.bin_hz
        return median

    def mean_hz(self) -> NDArray[np.float64]:
        """Give the mean frequency ``Σ f P / Σ P``, shape (n_signals,); NaN without power."""
        moments = self._moments()
        with np.errstate(invalid="ignore"):
            mean: NDArray[np.float64] = moments[:, 2] / moments[:, 1] * self.bin_hz
        return mean

    def ln_fatigue_index(self) -> NDArray[np.float64]:
        """Give ``ln FInsm5 = ln(Σ f⁻¹ P / Σ f⁵ P)``, f in Hz, shape (n_signals,); NaN without power.

        It rises as a muscle tires, by six times the fall of ln f where all of the spectrum moves; only its changes mean
        something. Dimitrov et al. 2006, Med Sci Sports Exerc 38:1971; the logarithm steadies it (J Electromyogr Kinesiol 2013,
        23:1004). The upper end of the band weighs heavily: compare what has the same band only.
        """
        moments = self._moments()
        with np.errstate(invalid="ignore"):
            index: NDArray[np.float64] = np.log(moments[:, 0] / moments[:, 3]) - 6 * np.log(self.bin_hz)
        return index

    def _moments(self) -> NDArray[np.float64]:
        """Give ``Σ k^p P`` over the bins k for p of -1, 0, 1 and 5, shape (n_signals, 4); bin 0 is left out.

        Not as a matrix product, whose last bit depends on how many signals there are.
        """
        moments: NDArray[np.float64] = np.add.reduce(self.power[:, np.newaxis] * _powers(self.power.shape[1]), axis=2)
        return moments


def _add_up(runs: Sequence[NDArray[np.float64]], window: int, out: NDArray[np.float64]) -> int:
    """Add up the squares of the real and the imaginary parts, in turn, of all windows of one signal, and give their number.

    Signal by signal: what a repetition of one fits into the cache, that of four is three times slower.
    """
    half, hann, count = window // 2, _hann(window), 0
    out[:] = 0
    for run in runs:
        halves = run[: len(run) // half * half].reshape(-1, half)
        windows = np.empty((len(halves) - 1, window))
        np.multiply(halves[:-1], hann[:half], out=windows[:, :half])
        np.multiply(halves[1:], hann[half:], out=windows[:, half:])
        lines = np.fft.rfft(windows, axis=1).view(np.float64)
        out += np.einsum("ij,ij->j", lines, lines)
        count += len(windows)
    return count


@cache
def _hann(window: int) -> NDArray[np.float64]:
    """Give the periodic Hann window."""
    hann: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    return hann


@cache
def _powers(n_bins: int) -> NDArray[np.float64]:
    """Give powers of the bin numbers, a column a bin; zero for bin 0."""
    k = np.arange(n_bins, dtype=np.float64)
    powers = np.stack([np.divide(1, k, out=np.zeros(n_bins), where=k > 0), np.ones(n_bins), k, k**5])
    powers[:, 0] = 0
    return powers


LEAST_SN_DB, LEAST_SM_DB, LEAST_DP_DB, MOST_DEFORMATION = 15.0, 12.0, 30.0, 1.4
"""Limits of a good spectrum: Sinderby et al. 1995, as quoted by others; the paper itself was not at hand."""
_POINTS = 13  # bins in a mean density [1]_
_MOTION_HZ, _MUSCLE_HZ, _TOP_HZ, _ALL_HZ = 20.0, 35.0, 600.0, 1000.0  # where things lie [1]_
_NOISE_HZ, _NOISE_PART = 500.0, 0.2  # noise: the upper fifth of what is seen, if all of it is beyond EMG [1]_


@dataclass(frozen=True, slots=True)
class SpectralQuality:
    """Four figures that tell a good raw signal from a contaminated one [1]_.

    Parameters
    ----------
    sn_db : float or None
        Signal to noise: all power up to 1000 Hz over that of a noise which is everywhere as dense as in the upper fifth of the
        range. None below 1250 Hz of sampling rate, where the upper fifth would hold EMG. At least 15 is good.
    sm_db : float
        Signal to motion: all power up to 600 Hz over what, below 20 Hz, stands above a straight line from zero to the highest
        mean density beyond 35 Hz; infinite where nothing does. At least 12 is good.
    dp_db : float or None
        Drop in power: the highest over the lowest mean density between 35 and 600 Hz. None below 1200 Hz of sampling rate,
        where the drop is not seen to its end. At least 30 is good.
    deformation : float
        ``Ω = √(M2/M0) / (M1/M0)`` with the moments ``Mn = Σ fⁿ P`` up to 1000 Hz. At most 1.4 is good.

    References
    ----------
    .. [1] C. Sinderby, L. Lindström, A. E. Grassino, Automatic assessment of electromyogram quality, J Appl Physiol
       79:1803, 1995; the definitions as A. Chan's functions for Matlab (Carleton University, 2009) describe them. A mean
       density is one of 13 bins; how wide theirs were is not said: here they are 4 Hz.
    """

    sn_db: float | None
    sm_db: float
    dp_db: float | None
    deformation: float

    @property
    def good(self) -> bool:
        """Whether every figure that is known is good."""
        return (
            (self.sn_db is None or self.sn_db >= LEAST_SN_DB)
            and self.sm_db >= LEAST_SM_DB
            and (self.dp_db is None or self.dp_db >= LEAST_DP_DB)
            and self.deformation <= MOST_DEFORMATION
        )


def spectral_quality(emg: NDArray[np.float64], rate_hz: float) -> SpectralQuality:
    """Judge the spectrum of a contraction: an offline report, not a live flag.

    Parameters
    ----------
    emg : ndarray of shape (n_samples,)
        Raw, in any unit: before the band-pass, which takes the motion away. Two seconds or more of one contraction.
    rate_hz : float
        Sampling rate, at least 1000 (`gluteemg.activation.measure`).

    Returns
    -------
    SpectralQuality
        Figures of a signal without any power are NaN.
    """
    spectra = Spectra.of([[emg - emg.mean()]], [rate_hz], window_length(rate_hz))
    power = spectra.power[0]
    hz = np.arange(len(power)) * spectra.bin_hz[0]
    means = np.convolve(power, np.full(_POINTS, 1 / _POINTS), "valid")
    centres = hz[_POINTS // 2 : len(hz) - _POINTS // 2]
    muscle = (centres > _MUSCLE_HZ) & (centres <= _TOP_HZ)
    densities, peak = means[muscle], int(np.argmax(means[muscle]))
    slow = hz < _MOTION_HZ
    line = densities[peak] / centres[muscle][peak] * hz[slow]
    everything = hz <= _ALL_HZ
    moments = [float((hz[everything] ** n * power[everything]).sum()) for n in range(3)]
    highest = min(_ALL_HZ, rate_hz / 2)
    noise = everything & (hz >= (1 - _NOISE_PART) * highest)
    with np.errstate(invalid="ignore", divide="ignore"):
        motion = np.maximum(power[slow] - line, 0.0).sum()
        return SpectralQuality(
            sn_db=_decibels(power[everything].mean() / power[noise].mean())
            if (1 - _NOISE_PART) * highest >= _NOISE_HZ
            else None,
            sm_db=_decibels(power[hz <= _TOP_HZ].sum() / motion),
            dp_db=_decibels(densities.max() / densities.min()) if rate_hz >= 2 * _TOP_HZ else None,
            deformation=float(np.sqrt(np.divide(moments[2], moments[0])) / np.divide(moments[1], moments[0])),
        )


def _decibels(ratio: np.float64) -> float:
    return float(10 * np.log10(ratio))
