"""Causal filters with kept state: the same object live, in replay and in batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

HIGH_PASS_HZ = 20.0
"""Motion and drift below, EMG above: De Luca 2010, J Biomech 43:1573 (12 dB per octave)."""
LOW_PASS_HZ = 450.0
"""Upper end of surface EMG: ISEK and SENIAM both place it near 500 Hz."""
NYQUIST_SHARE = 0.45
"""Highest usable share of the sampling rate, leaving the filter room below half of it (chosen)."""


def design(rate_hz: float) -> NDArray[np.float64]:
    """Design the band of surface EMG as one cascade of second-order sections.

    Parameters
    ----------
    rate_hz : float
        Sampling rate.

    Returns
    -------
    ndarray of shape (3, 6)
        Butterworth high-pass of order 2 at `HIGH_PASS_HZ`, then Butterworth low-pass of order 4 at `LOW_PASS_HZ` or
        `NYQUIST_SHARE` of the rate, whichever is lower.
    """
    top_hz = min(LOW_PASS_HZ, NYQUIST_SHARE * rate_hz)
    high_pass = signal.butter(2, HIGH_PASS_HZ, "highpass", fs=rate_hz, output="sos")
    low_pass = signal.butter(4, top_hz, "lowpass", fs=rate_hz, output="sos")
    return np.concatenate((high_pass, low_pass))


class Chain:
    """Band-limits EMG: ``chain(x) → y``, one `scipy.signal.sosfilt` call for all channels and sections.

    The cut of the samples into calls changes nothing, bit for bit (the chunk law).

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._sos = design(rate_hz)
        self._steady = signal.sosfilt_zi(self._sos)[:, :, np.newaxis]
        self._state: NDArray[np.float64] | None = None

    def __call__(self, emg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Filter the next samples, shape (n_samples, n_channels), in any unit.

        The first sample after the start or a `reset` is taken as the level that the signal had for ever, so that an offset
        causes no transient.
        """
        if not len(emg):
            return emg
        if self._state is None:
            self._state = self._steady * emg[0]
        filtered, self._state = signal.sosfilt(self._sos, emg, axis=0, zi=self._state)
        return np.asarray(filtered, np.float64)

    def reset(self) -> None:
        """Forget everything: the next sample begins a new signal."""
        self._state = None
