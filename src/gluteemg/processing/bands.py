"""What of a raw signal is hum, what motion, and what EMG: one spectrum tells all three."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gluteemg.processing.chain import HIGH_PASS_HZ, top_of_band

Floats = NDArray[np.float64]

MAINS_HZ = (50.0, 60.0)
MOTION = 2 * len(MAINS_HZ)
"""Row of the motion in what `Bands` gives: before it two for each line, behind it EMG, and ones."""
N_ROWS = MOTION + 3

_HARMONICS = 4
"""Of a line, itself among them (chosen: the 2nd to the 4th hold nearly all that rectifiers and transformers add)."""
_MOTION_BIN = 2
"""Lowest bin of motion, 4 Hz with a main lobe from 0 to 8: the Hann window leaves nothing of an offset there, and of a drift
by 100 µV/s 1 µV, so that no trend need be taken off."""
_AT_ONCE = 16  # spectra of each channel (chosen: they stay in the cache)


class Bands:
    """Hann spectra of half a second that overlap by half, and what is read from them. Nothing is remembered.

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    half : int
        Half the length of a spectrum in samples: a quarter of a second.
    n_channels : int
        Rows of the signals.

    Attributes
    ----------
    harmonics : ndarray of shape (n_mains,)
        How many of each line's harmonics lie in the band of EMG, itself among them.
    """

    def __init__(self, rate_hz: float, half: int, n_channels: int) -> None:
        n, self._half = 2 * half, half
        bin_hz = rate_hz / n
        window = np.hanning(n + 1)[:-1]
        self._window = window * np.sqrt(2 / (n * (window**2).sum()))  # a bin gives the mean square of what falls on it
        self._edge = round(HIGH_PASS_HZ / bin_hz)
        self._top = round(top_of_band(rate_hz) / bin_hz)
        self._flat = (self._edge - _MOTION_BIN) / max(1, self._top - self._edge)
        self._lines = [self._lay_out(mains_hz, bin_hz) for mains_hz in MAINS_HZ]
        self.harmonics = np.array([len(line) / 3 for line, _, _ in self._lines])
        self._tapered = np.empty((n_channels, _AT_ONCE, n))  # kept: fresh memory would cost more than the transform
        self._spectrum = np.empty((n_channels, _AT_ONCE, n // 2 + 1), np.complex128)
        self._power = np.empty((n_channels, _AT_ONCE, max(0, self._top)))

    def _lay_out(self, mains_hz: float, bin_hz: float) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        """Give the bins of a line and its harmonics, those beside them, and the weights that make the latter comparable."""
        line: list[int] = []
        beside: list[int] = []
        weights: list[float] = []
        for harmonic in range(1, _HARMONICS + 1):
            at = round(harmonic * mains_hz / bin_hz)
            if at + 2 >= self._top:
                break
            near = [k for k in (*range(at - 8, at - 2), *range(at + 3, at + 9)) if self._edge <= k < self._top]
            line += [at - 1, at, at + 1]
            beside += near
            weights += [3 / len(near)] * len(near)
        return np.array(line, np.intp), np.array(beside, np.intp), np.array(weights)

    def __call__(self, signal: Floats) -> Floats:
        """Read every spectrum of a signal.

        Parameters
        ----------
        signal : ndarray of shape (n_channels, (1 + n_spectra) * half)
            Raw.

        Returns
        -------
        ndarray of shape (7, n_channels, n_spectra)
            For each of `MAINS_HZ`: how far the power at the line (three bins of 2 Hz at each harmonic) is above what lies
            beside it, as a share of that, and one over the latter. Mean square from 4 to 20 Hz, less what a flat spectrum would
            have there (folding makes the noise of slow sensors flat), and of the band of EMG, from 20 Hz on. One.
        """
        halves = signal.reshape(len(signal), -1, self._half)
        given = np.empty((N_ROWS, len(signal), halves.shape[1] - 1))
        for first in range(0, given.shape[2], _AT_ONCE):
            power = self._transform(halves[:, first : first + _AT_ONCE + 1])
            self._read(power, given[:, :, first : first + _AT_ONCE])
        lines, beside, (low, band, ones) = given[:MOTION:2], given[1:MOTION:2], given[MOTION:]
        inverse = np.divide(1.0, beside, out=np.zeros_like(beside), where=beside > 0)
        lines *= inverse
        lines -= beside > 0
        beside[...] = inverse
        low -= self._flat * band
        ones[...] = 1
        return given

    def _transform(self, halves: Floats) -> Floats:
        """Give the power of at most `_AT_ONCE` spectra, shape (n_channels, n_spectra, n_bins)."""
        n_spectra = halves.shape[1] - 1
        tapered, spectrum, power = self._tapered[:, :n_spectra], self._spectrum[:, :n_spectra], self._power[:, :n_spectra]
        np.multiply(halves[:, :-1], self._window[: self._half], out=tapered[..., : self._half])
        np.multiply(halves[:, 1:], self._window[self._half :], out=tapered[..., self._half :])
        np.fft.rfft(tapered, out=spectrum)
        real, imaginary = spectrum.real[..., : self._top], spectrum.imag[..., : self._top]
        np.square(real, out=power)
        power += np.square(imaginary, out=imaginary)
        return power

    def _read(self, power: Floats, sums: Floats) -> None:
        """Add up `power` at each line, beside it, and in both bands. How many spectra there are changes no bit."""
        for i, (line, beside, weights) in enumerate(self._lines):
            sums[2 * i] = np.take(power, line, axis=2).sum(axis=2)
            sums[2 * i + 1] = (np.take(power, beside, axis=2) * weights).sum(axis=2)
        sums[MOTION] = power[..., _MOTION_BIN : self._edge].sum(axis=2)
        sums[MOTION + 1] = power[..., self._edge :].sum(axis=2)
