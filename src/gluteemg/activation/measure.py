"""What a sensor can support: which numbers may be told of a signal, and why not.

============  =============================================  ====================================================
Rate in Hz    May be told                                    May not
============  =============================================  ====================================================
≥ 1000        everything                                     –
500 to 999    amplitude, ratio, onsets to ±10 ms, firing     fatigue and its index; what stands above 0.45 of the
              lag; the median frequency, marked as reading   rate is missing (the median reads 6 % low at 500)
              low
200 to 499    amplitude, ratio, onsets to ±30 ms             any spectrum (the median reads 25 % low at 250), the
                                                             order of firing, the high-pass against the heart
< 200         nothing of a waveform                          amplitude and ratio too: no filter has room
============  =============================================  ====================================================

A sensor that sends an envelope is good for amplitude and ratio at any rate: its profile says what the envelope is. It has no
onsets (its own smoothing delays them by nobody knows how much) and no spectrum.

Sources: 125 ms RMS is safe from 512 Hz up, 256 Hz the lowest tolerable, 128 Hz invalid (J Electromyogr Kinesiol 2005,
downsampling); the figures on the median frequency and on onsets were computed with coloured noise of the spectrum of EMG.
Median and mean frequency are unusable under 10 dB (Sensors 2022, 22:6360). That a *level* is told from 500 Hz up and a *trend*
from 1000 only is ours: the part that is missing grows as the spectrum moves, so a trend would be told wrong, not only low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log10
from typing import Literal

from gluteemg.sensors.profile import SignalKind

Measure = Literal[
    "amplitude",
    "ratio",
    "ratio_trend",
    "onset",
    "firing_lag",
    "trunk_filter",
    "median_frequency",
    "fatigue_index",
    "fatigue",
    "spectral_quality",
    "clipping",
]
"""``trunk_filter`` is the 30 Hz high-pass against the heart in channels of the trunk; ``fatigue_index`` is ln FInsm5."""

Reason = Literal[
    "sampling_rate",
    "envelope_only",
    "spectrum_only",
    "filtered_only",
    "no_reference",
    "task_reference",
    "no_rest_level",
    "too_few_reps",
    "too_noisy",
    "too_short",
    "poor_signal",
    "no_limits",
    "no_reps",
]
"""Why something cannot be told; the words are in the table ``not_available`` of the texts."""

Remark = Literal["band_limited", "to_10_ms", "to_30_ms"]
"""What must be said beside a number; the words are in the table ``remark`` of the texts."""

LEAST_SNR_DB = 10.0
"""Least signal over rest at which a spectrum or an order of firing is told (Sensors 2022, 22:6360)."""
LEAST_REPS = 8
"""Repetitions in a trend: one median frequency of one second is sure to 7 % only (computed)."""
_FULL_HZ, _TIMED_HZ, _LEAST_HZ = 1000.0, 500.0, 200.0
_BAND_HZ = (30.0, 400.0)  # a spectrum that is cut off inside of this reads wrong by up to 2 % and more (computed)


@dataclass(frozen=True, slots=True)
class _Need:
    """What one measure needs; the rate is asked of waveforms only."""

    rate_hz: float
    waveform: bool = False
    unfiltered: bool = False
    reference: bool = False
    reps: int = 0
    snr_db: float = -inf


_NEEDS: Mapping[Measure, _Need] = {
    "amplitude": _Need(_LEAST_HZ),
    "ratio": _Need(_LEAST_HZ, reference=True, snr_db=6.0),  # chosen: below, the floor is a quarter of the power
    "ratio_trend": _Need(_LEAST_HZ, reference=True, reps=LEAST_REPS, snr_db=6.0),
    "onset": _Need(_LEAST_HZ, waveform=True),
    "firing_lag": _Need(_TIMED_HZ, waveform=True, reps=5, snr_db=LEAST_SNR_DB),  # chosen: a trend, never one repetition
    "trunk_filter": _Need(_TIMED_HZ, waveform=True),
    "median_frequency": _Need(_TIMED_HZ, waveform=True, snr_db=LEAST_SNR_DB),
    "fatigue_index": _Need(_FULL_HZ, waveform=True, snr_db=LEAST_SNR_DB),
    "fatigue": _Need(_FULL_HZ, waveform=True, reps=LEAST_REPS, snr_db=LEAST_SNR_DB),
    "spectral_quality": _Need(_FULL_HZ, waveform=True, unfiltered=True),
    "clipping": _Need(0.0),  # that the ends of the converter are known is asked elsewhere
}


def why_not(
    measure: Measure,
    signal_kind: SignalKind,
    rate_hz: float,
    *,
    has_reference: bool = True,
    n_reps: int | None = None,
    snr_db: float | None = None,
) -> Reason | None:
    """Tell why a measure cannot be taken; the most lasting reason first.

    Parameters
    ----------
    measure : Measure
        What is asked for.
    signal_kind : SignalKind
        What the sensor makes of the signal before it sends it.
    rate_hz : float
        Nominal sampling rate, as in the profile: a clock that is some per cent off makes no other sensor.
    has_reference : bool
        Whether every muscle of it has a reference.
    n_reps : int or None
        Repetitions that have it; None is not asked.
    snr_db : float or None
        Of the least sure muscle (see `snr_db`); None is not asked.

    Returns
    -------
    Reason or None
        None where it can be told.
    """
    need = _NEEDS[measure]
    if signal_kind in ("rectified", "envelope", "spectrum"):
        if need.waveform:
            return "spectrum_only" if signal_kind == "spectrum" else "envelope_only"
    elif rate_hz < need.rate_hz:
        return "sampling_rate"
    if need.unfiltered and signal_kind != "raw":
        return "filtered_only"
    if need.reference and not has_reference:
        return "no_reference"
    if n_reps is not None and n_reps < need.reps:
        return "too_few_reps"
    if snr_db is not None and snr_db < need.snr_db:
        return "too_noisy"
    return None


def remark(measure: Measure, rate_hz: float, band_hz: tuple[float, float] | None = None) -> Remark | None:
    """Tell what must be said beside a number that can be told.

    Parameters
    ----------
    measure : Measure
        What is told.
    rate_hz : float
        Nominal sampling rate.
    band_hz : tuple of float or None
        What the device passes, where its profile says so.

    Returns
    -------
    Remark or None
        ``band_limited``: part of the spectrum is missing, so a frequency reads otherwise than from other sensors: mostly low.
        ``to_10_ms``, ``to_30_ms``: how well times can be told.
    """
    if measure in ("median_frequency", "fatigue_index", "fatigue"):
        low_hz, high_hz = band_hz or (0.0, inf)
        cut_off = rate_hz < _FULL_HZ or low_hz > _BAND_HZ[0] or high_hz < _BAND_HZ[1]
        return "band_limited" if cut_off else None
    if measure in ("onset", "firing_lag") and rate_hz < _FULL_HZ:
        return "to_10_ms" if rate_hz >= _TIMED_HZ else "to_30_ms"
    return None


def snr_db(rms: float, floor: float) -> float:
    """Give the power of the muscle over the power at rest, in decibels.

    Parameters
    ----------
    rms, floor : float
        RMS at work, rest included, and RMS at rest, in one unit. The floor is taken off in quadrature: at 0 dB the two are
        equally strong.

    Returns
    -------
    float
        Minus infinity where the signal is not above its rest level.
    """
    muscle = rms * rms - floor * floor
    if not muscle > 0:
        return -inf
    return 10 * log10(muscle / (floor * floor)) if floor else inf
