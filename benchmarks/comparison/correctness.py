"""Whether what gluteemg computes is what independent references compute."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
from benchmarks.comparison import ours
from benchmarks.comparison.signals import Floats, hamstrings, like_emg
from scipy import ndimage, signal

from gluteemg.activation.calibration import Calibration, Level
from gluteemg.activation.indices import co_activation_falconer_winter, co_activation_rudolph
from gluteemg.activation.ratio import Scale
from gluteemg.muscles import Role
from gluteemg.processing.chain import HIGH_PASS_HZ, LINE_HARMONICS, LINE_Q, design_notch, top_of_band
from gluteemg.processing.envelope import SLOW_S, HopPower, MovingRms, hop_of
from gluteemg.processing.spectrum import BAND_HZ, Spectra, window_length

END_S = 2.0
"""So much of both ends is left out: filters begin differently."""
FATIGUE_S = 60
"""Windows of one second in the series that tires."""


@dataclass(frozen=True)
class Check:
    """One quantity beside one reference.

    Parameters
    ----------
    quantity, reference : str
        What is compared with what.
    needs : str
        The peer that must be here; empty for none.
    tolerance : float
        Most that they may differ.
    unit : str
        Of the difference: ``of RMS`` is the greatest difference as a fraction of the reference's RMS.
    difference : callable
        Gives the difference.
    """

    quantity: str
    reference: str
    needs: str
    tolerance: float
    unit: str
    difference: Callable[[], float]


@dataclass(frozen=True)
class Outcome:
    """What came out of a check; None where the peer is not here."""

    check: Check
    difference: float | None

    @property
    def holds(self) -> bool | None:
        return None if self.difference is None else self.difference <= self.check.tolerance


def apart(got: Floats, reference: Floats, end: int = 0) -> float:
    """Give the greatest difference as a fraction of the reference's RMS, `end` rows of both ends left out."""
    rows = slice(end, len(reference) - end)
    return float(np.abs(got[rows] - reference[rows]).max() / np.sqrt(np.mean(reference[rows] ** 2)))


def differing(got: tuple[Floats, ...], reference: tuple[Floats, ...]) -> float:
    """Count the values that are not the same bits."""
    return float(sum(np.count_nonzero(~((a == b) | (np.isnan(a) & np.isnan(b)))) for a, b in zip(got, reference, strict=True)))


def filter_checks(emg: Floats, rate_hz: float) -> Iterable[Check]:
    """Compare the band and the notch, both causal, with filters that begin from rest and are written in another form."""
    end, top_hz = int(END_S * rate_hz), top_of_band(rate_hz)

    def by_scipy() -> float:
        x = signal.lfilter(*signal.butter(2, HIGH_PASS_HZ, "highpass", fs=rate_hz), emg, axis=0)
        return apart(ours.filters(rate_hz)(emg), signal.lfilter(*signal.butter(4, top_hz, fs=rate_hz), x, axis=0), end)

    def by_brainflow() -> float:
        from brainflow.data_filter import DataFilter, FilterTypes

        columns = np.ascontiguousarray(emg.T)
        for x in columns:
            DataFilter.perform_highpass(x, int(rate_hz), HIGH_PASS_HZ, 2, FilterTypes.BUTTERWORTH.value, 0)
            DataFilter.perform_lowpass(x, int(rate_hz), top_hz, 4, FilterTypes.BUTTERWORTH.value, 0)
        return apart(ours.filters(rate_hz)(emg), columns.T, end)

    def by_iirnotch() -> float:
        x = emg - emg.mean(axis=0)
        notched = x
        for k in range(1, LINE_HARMONICS + 1):
            notched = signal.lfilter(*signal.iirnotch(50 * k, LINE_Q * k, rate_hz), notched, axis=0)
        gain = design_notch(50, rate_hz)[0, 0] / signal.iirnotch(50, LINE_Q, rate_hz)[0][0]  # gives EMG its amplitude back
        return apart(ours.notch(rate_hz, 50)(x), gain * notched, end)

    def in_chunks() -> float:
        whole = ours.live(rate_hz, emg.shape[1])(emg)
        sizes = ([1] * 3000, [0, 17, 0] * 400, [20] * 500, np.random.default_rng(0).integers(0, 900, 20).tolist())
        return sum(differing(ours.in_chunks(ours.live(rate_hz, emg.shape[1]), emg, s), whole) for s in sizes)

    band = "band of EMG, causal"
    yield Check(band, "scipy `butter` and `lfilter`, from rest", "", 1e-10, "of RMS", by_scipy)
    yield Check(band, "BrainFlow `perform_highpass`, `perform_lowpass`", "brainflow", 1e-10, "of RMS", by_brainflow)
    yield Check(
        "notch at 50 Hz and harmonics, causal",
        "scipy `iirnotch` and `lfilter`, times one gain",
        "",
        1e-10,
        "of RMS",
        by_iirnotch,
    )
    yield Check("chunked = whole: band and both envelopes", "itself, in chunks of 0 to 900", "", 0, "values", in_chunks)


def rms_checks(emg: Floats, rate_hz: float) -> Iterable[Check]:
    """Compare the moving RMS over 500 ms at the instants at which it is taken."""
    hop = hop_of(rate_hz)
    width = hop * ours.rows(SLOW_S, rate_hz)
    x = emg - emg.mean(axis=0)
    rms = MovingRms(width // hop, emg.shape[1])(HopPower(hop, emg.shape[1])(x))[width // hop - 1 :]
    at = np.arange(width - 1, len(x), hop)[: len(rms)]

    def by_pandas() -> float:
        import pandas

        return apart(rms, np.sqrt(pandas.DataFrame(x**2).rolling(width).mean().to_numpy())[at])

    def by_ndimage() -> float:
        return apart(rms, np.sqrt(ndimage.uniform_filter1d(x**2, width, axis=0, origin=(width - 1) // 2))[at])

    def by_brainflow() -> float:
        from brainflow.data_filter import AggOperations, DataFilter

        squares = np.ascontiguousarray((x**2).T)
        for column in squares:
            DataFilter.perform_rolling_filter(column, width, AggOperations.MEAN.value)
        return apart(rms, np.sqrt(squares.T)[at])

    def normalised() -> float:
        import pandas
        from pyemgpipeline.processors import AmplitudeNormalizer

        divisor = np.sqrt(pandas.DataFrame(x**2).rolling(width).mean().to_numpy())[at].max(axis=0)  # of these "trials"
        roles = [Role("biceps_femoris", "right"), Role("semitendinosus", "right")]
        greatest = zip(roles, rms.max(axis=0).tolist(), strict=True)
        levels = tuple(Level(role=str(role), floor=0.0, reference=most) for role, most in greatest)
        calibration = Calibration(method="mvic", floor_method="rest", window_s=SLOW_S, levels=levels)
        return apart(Scale(calibration, roles).activation(rms), AmplitudeNormalizer().apply(rms, divisor=divisor))

    name = "moving RMS, 500 ms"
    yield Check(name, "pandas `rolling().mean()` of squares", "pandas", 1e-9, "of RMS", by_pandas)
    yield Check(name, "scipy `uniform_filter1d` of squares", "", 1e-9, "of RMS", by_ndimage)
    yield Check(name, "BrainFlow `perform_rolling_filter` of squares", "brainflow", 1e-9, "of RMS", by_brainflow)
    against = "pyemgpipeline `AmplitudeNormalizer`, divisor by pandas"
    yield Check("fraction of the greatest RMS over 500 ms, no floor", against, "pyemgpipeline", 1e-9, "of RMS", normalised)


def tiring(rate_hz: float) -> Floats:
    """Make windows of one second whose spectrum sinks more and more, by 20 % in the end, shape (n_windows, n_samples)."""
    slower = np.linspace(1.0, 1.25, FATIGUE_S)
    n = int(rate_hz)
    return np.stack([like_emg(4 * n, 1, rate_hz * s, seed=k)[n : 2 * n, 0] for k, s in enumerate(slower)])


def median_of(hz: Floats, power: Floats) -> Floats:
    """Read the median frequency off densities, shape (n, n_bins), with straight lines between bins of the running sum."""
    inside = (hz >= BAND_HZ[0]) & (hz <= BAND_HZ[1])
    total = np.cumsum(power[:, inside], axis=1)
    return np.array([np.interp(t[-1] / 2, t, hz[inside]) for t in total])


def spectrum_checks() -> Iterable[Check]:
    """Compare spectra and median frequencies of a series that tires."""
    rate_hz = 1000.0
    windows, length = tiring(rate_hz), window_length(rate_hz)
    spectra = Spectra.of([[w] for w in windows], [rate_hz] * len(windows), length)
    ours_hz = spectra.median_hz()

    def by_welch() -> float:
        return apart(spectra.power, signal.welch(windows, rate_hz, nperseg=length, detrend=False)[1])

    def welch_hz() -> Floats:
        return median_of(*signal.welch(windows, rate_hz, nperseg=250, noverlap=125))

    def by_brainflow() -> float:
        from brainflow.data_filter import DataFilter, WindowOperations

        hann = WindowOperations.HANNING.value
        found = [DataFilter.get_psd_welch(w.copy(), length, length // 2, int(rate_hz), hann) for w in windows]
        return float(np.median(np.abs(ours_hz - median_of(found[0][1], np.stack([f[0] for f in found])))))

    def slope() -> float:
        t_s = np.arange(FATIGUE_S)
        (got, _), (reference, _) = np.polyfit(t_s, ours_hz, 1), np.polyfit(t_s, welch_hz(), 1)
        return float(abs(got / reference - 1))

    yield Check("power spectral density", "scipy `welch`, same window", "", 1e-10, "of RMS", by_welch)
    name = "median frequency, windows of 1 s"
    yield Check(name, "scipy `welch` 250/125", "", 3.0, "Hz, median", lambda: float(np.median(np.abs(ours_hz - welch_hz()))))
    yield Check(name, "BrainFlow `get_psd_welch`", "brainflow", 3.0, "Hz, median", by_brainflow)
    yield Check("its slope in a series that tires", "scipy `welch` 250/125", "", 0.08, "of the slope", slope)


def index_checks() -> Iterable[Check]:
    """Compare co-activation with its closed forms: equal courses, courses that never meet, constants, rest."""
    course = 0.5 + 0.4 * np.sin(np.linspace(0, 20, 1000))
    first, none = np.arange(1000) < 500, np.zeros(1000)
    low, high = np.full(1000, 0.2), np.full(1000, 0.7)

    def off(index: Callable[[Floats, Floats], float], expected: Iterable[float]) -> float:
        pairs = ((course, course), (course * first, course * ~first), (low, high), (none, none))
        return max(abs(index(a, b) - value) for (a, b), value in zip(pairs, expected, strict=True))

    def falconer_winter() -> float:
        return off(co_activation_falconer_winter, (100.0, 0.0, 200 * 0.2 / 0.9, 0.0))

    def rudolph() -> float:
        return off(co_activation_rudolph, (float(np.mean(2 * course)), 0.0, 0.2 / 0.7 * 0.9, 0.0))

    yield Check("co-activation, Falconer–Winter", "closed forms", "", 1e-12, "", falconer_winter)
    yield Check("co-activation, Rudolph", "closed forms", "", 1e-12, "", rudolph)


def measure(here: Collection[str]) -> tuple[str, list[Outcome]]:
    """Run every check: what it was run on, and what came out."""
    name, emg, rate_hz = hamstrings()
    checks = [*filter_checks(emg, rate_hz), *rms_checks(emg, rate_hz), *spectrum_checks(), *index_checks()]
    return name, [Outcome(c, c.difference() if not c.needs or c.needs in here else None) for c in checks]
