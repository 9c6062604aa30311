"""Causal filters with kept state: the same object live, in replay and in batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import signal

HIGH_PASS_HZ = 20.0
"""Motion and drift below, EMG above: De Luca 2010, J Biomech 43:1573 (12 dB per octave)."""
TRUNK_HIGH_PASS_HZ = 30.0
"""The same for muscles of the trunk, where the heart is strong, of order 4: Drake & Callaghan 2006, JEK 16:175."""
LOW_PASS_HZ = 450.0
"""Upper end of surface EMG: ISEK and SENIAM both place it near 500 Hz."""
NYQUIST_SHARE = 0.45
"""Highest usable share of the sampling rate, leaving the filter room below half of it (chosen)."""
TRUNK_LEAST_HZ = 500.0
"""Least rate for the filter of the trunk: below, it would cut away too much of the half band that is left."""
LINE_HARMONICS = 5
"""Notches at the line and its multiples (chosen: 250 Hz; what hum has above lies under the noise of sensors)."""
LINE_Q = 10.0
"""Of the first notch, which settles to 1 % in 0.3 s; the others are as wide, 5 or 6 Hz (chosen: 30 would ring for 0.9 s)."""
SPECTRUM_HZ = (60.0, 120.0)
"""Corners of the usual spectrum of EMG (Shwedyk et al. 1977, IEEE Trans Biomed Eng 24:417), chosen: an RMS over 250 ms then
scatters by 7.2 % in 20 to 450 Hz, 10.0 % in 20 to 115 Hz and 10.9 % in 20 to 95 Hz, where 7.0, 9.7 and 10.7 % were found."""
_TYPICAL_HZ = 100.0  # where the delay of the filters is told: about the middle of the power of EMG


def top_of_band(rate_hz: float) -> float:
    """Give the upper edge of the band in Hz: `LOW_PASS_HZ`, or `NYQUIST_SHARE` of the rate where that is lower."""
    return min(LOW_PASS_HZ, NYQUIST_SHARE * rate_hz)


def design(rate_hz: float, *, trunk: bool = False) -> NDArray[np.float64]:
    """Design the band of surface EMG as one cascade of second-order sections.

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    trunk : bool
        For a muscle of the trunk: keep the heart out. Needs `TRUNK_LEAST_HZ`; below, it is the filter of all others.

    Returns
    -------
    ndarray of shape (n_sections, 6)
        Butterworth high-pass of order 2 at `HIGH_PASS_HZ` (trunk: order 4 at `TRUNK_HIGH_PASS_HZ`), then Butterworth low-pass
        of order 4 at `top_of_band`.
    """
    order, edge_hz = (4, TRUNK_HIGH_PASS_HZ) if trunk and rate_hz >= TRUNK_LEAST_HZ else (2, HIGH_PASS_HZ)
    high_pass = signal.butter(order, edge_hz, "highpass", fs=rate_hz, output="sos")
    low_pass = signal.butter(4, top_of_band(rate_hz), "lowpass", fs=rate_hz, output="sos")
    return np.concatenate((high_pass, low_pass))


def design_notch(line_hz: float, rate_hz: float) -> NDArray[np.float64]:
    """Design notches at the mains frequency and its harmonics inside the band, shape (n_sections, 6).

    They let EMG of the usual spectrum through with the amplitude it had: a notch that comes after the calibration would
    otherwise take 7 to 9 % of one muscle.
    """
    lines_hz = line_hz * np.arange(1, LINE_HARMONICS + 1)
    lines_hz = lines_hz[lines_hz < top_of_band(rate_hz)]
    notches = [signal.tf2sos(*signal.iirnotch(hz, LINE_Q * hz / line_hz, fs=rate_hz)) for hz in lines_hz.tolist()]
    sos = np.concatenate(notches)
    power = emg_power(frequencies := _frequencies(rate_hz), rate_hz)
    left = np.abs(signal.freqz_sos(sos, frequencies, fs=rate_hz)[1]) ** 2
    sos[0, :3] *= np.sqrt(power.sum() / (power * left).sum())
    return sos


@lru_cache(maxsize=64)
def bandwidth_hz(rate_hz: float) -> float:
    """Give the statistical bandwidth of EMG in the band of a sampling rate: 194 Hz at 1000 Hz, 88 Hz at 250 Hz.

    Parameters
    ----------
    rate_hz : float
        As measured.
    """
    power = emg_power(_frequencies(rate_hz), rate_hz)
    return float(power.sum() ** 2 / (power**2).sum() * rate_hz / 2000)


def emg_power(frequencies_hz: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """Give the power of EMG of the usual spectrum after the band of a sampling rate, at some frequencies, in any unit."""
    warped = np.tan(np.pi * frequencies_hz / rate_hz)
    high, low = (np.tan(np.pi * hz / rate_hz) for hz in (HIGH_PASS_HZ, top_of_band(rate_hz)))
    band = 1 / (1 + (high / warped) ** 4) / (1 + (warped / low) ** 8)
    first, second = SPECTRUM_HZ
    squared = frequencies_hz**2
    power: NDArray[np.float64] = band * squared / ((squared + first**2) * (squared + second**2) ** 2)
    return power


def _frequencies(rate_hz: float) -> NDArray[np.float64]:
    return (np.arange(1000) + 0.5) * rate_hz / 2000


class Chain:
    """Band-limits EMG: ``chain(x) → y``, one `scipy.signal.sosfilt` call for all channels and sections of one band.

    The cut of the samples into calls changes nothing, bit for bit (the chunk law).

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    trunk : sequence of int
        Channels that lie over the trunk, where the heart is strong.
    """

    def __init__(self, rate_hz: float, trunk: Sequence[int] = ()) -> None:
        self._rate_hz = rate_hz
        self._trunk = list(trunk)
        self._limbs = _Cascade(design(rate_hz))
        self._heart_out = _Cascade(design(rate_hz, trunk=True))

    @property
    def delay_s(self) -> float:
        """Group delay of the band in seconds, where EMG is strongest: at 100 Hz, or two thirds up a narrower band."""
        hz = min(_TYPICAL_HZ, top_of_band(self._rate_hz) / 1.5)
        sos = design(self._rate_hz, trunk=bool(self._trunk))
        _, response = signal.freqz_sos(sos, [hz - 0.5, hz + 0.5], fs=self._rate_hz)
        return float(np.angle(response[0] / response[1]) / (2 * np.pi))

    def __call__(self, emg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Filter the next samples, shape (n_samples, n_channels), in any unit.

        The first sample after the start or a `reset` is taken as the level that the signal had for ever, so that an offset
        causes no transient.
        """
        if not self._trunk:
            return self._limbs(emg)
        if len(self._trunk) == emg.shape[1]:
            return self._heart_out(emg)
        filtered = np.empty_like(emg, order="F")  # as scipy gives it: channel by channel
        limbs = [c for c in range(emg.shape[1]) if c not in self._trunk]
        filtered[:, limbs] = self._limbs(emg[:, limbs])
        filtered[:, self._trunk] = self._heart_out(emg[:, self._trunk])
        return filtered

    def reset(self) -> None:
        """Forget everything: the next sample begins a new signal."""
        self._limbs.reset()
        self._heart_out.reset()


class LineNotch:
    """Takes the hum of the mains out of single channels, while and where it is asked for.

    A notch begins without a past, so it lets everything through at first and takes the line out within 0.3 s: no step, and no
    ringing of what came before.

    Parameters
    ----------
    rate_hz : float
        Sampling rate.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._cascades: dict[int, tuple[int, _Cascade]] = {}  # by channel: its line, and its filters

    def __call__(self, filtered: NDArray[np.float64], line_hz: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Filter the next samples.

        Parameters
        ----------
        filtered : ndarray of shape (n_samples, n_channels)
            After the band; written to.
        line_hz : ndarray of shape (n_samples, n_channels), uint8
            The line that is to be taken out: 50 or 60, and 0 for none.
        """
        asked = set(np.flatnonzero(line_hz.any(axis=0)).tolist())
        for channel in asked | set(self._cascades):
            lines = line_hz[:, channel]
            edges = [0, *(np.flatnonzero(np.diff(lines)) + 1).tolist(), len(lines)]
            for start, stop in pairwise(edges if len(lines) else []):
                line = int(lines[start])
                if line == 0:
                    self._cascades.pop(channel, None)
                    continue
                if channel not in self._cascades or self._cascades[channel][0] != line:
                    self._cascades[channel] = line, _Cascade(design_notch(line, self._rate_hz), steady=False)
                filtered[start:stop, [channel]] = self._cascades[channel][1](filtered[start:stop, [channel]])
        return filtered

    @property
    def notches(self) -> bool:
        """Whether a line is being taken out of a channel."""
        return bool(self._cascades)

    def reset(self) -> None:
        """Forget everything."""
        self._cascades.clear()


class _Cascade:
    """Second-order sections with their state, for any number of channels; `steady`, it begins as if settled."""

    def __init__(self, sos: NDArray[np.float64], *, steady: bool = True) -> None:
        self._sos = sos
        self._start = signal.sosfilt_zi(sos)[:, :, np.newaxis] * steady
        self._state: NDArray[np.float64] | None = None

    def __call__(self, emg: NDArray[np.float64]) -> NDArray[np.float64]:
        if not len(emg):
            return emg
        if self._state is None:
            self._state = self._start * emg[0]
        filtered, self._state = signal.sosfilt(self._sos, emg, axis=0, zi=self._state)
        return np.asarray(filtered, np.float64)

    def reset(self) -> None:
        self._state = None
