"""How well each program tells when a muscle begins to work."""

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from benchmarks.comparison import sessions
from benchmarks.comparison.signals import Floats, Signal, made, published
from numpy.typing import ArrayLike
from scipy import signal

REACH_S = 0.3
"""A detection so near a true onset, and nearer than every other, is a hit; all the rest are false."""
Detector = Callable[[Signal], Floats]


@dataclass(frozen=True)
class Score:
    """Absolute error of the hits in ms, part of the onsets that was missed, false detections for each onset."""

    median_ms: float
    p95_ms: float
    missed: float
    false: float


def score(found_s: Sequence[ArrayLike], true_s: Sequence[ArrayLike]) -> Score:
    """Score the onsets found in several signals against the true ones."""
    errors_s: list[float] = []
    n_true = n_found = 0
    for found, true in zip(map(np.asarray, found_s), map(np.asarray, true_s), strict=True):
        n_true, n_found = n_true + len(true), n_found + len(found)
        off_s = np.abs(np.subtract.outer(found, true)) if len(found) else np.empty((0, len(true)))
        while off_s.size and off_s.min() <= REACH_S:  # the nearest pair first; each is used once
            row, column = np.unravel_index(off_s.argmin(), off_s.shape)
            errors_s.append(float(off_s[row, column]))
            off_s[row], off_s[:, column] = np.inf, np.inf
    median_ms, p95_ms = 1e3 * np.quantile(errors_s, (0.5, 0.95)) if errors_s else (np.nan, np.nan)
    hits = len(errors_s)
    return Score(float(median_ms), float(p95_ms), 1 - hits / n_true, (n_found - hits) / n_true)


def banded(given: Signal) -> Floats:
    """Band-pass as `biosppy` and others expect their input: 20–450 Hz, zero phase."""
    sos = signal.butter(4, (20, 450), "bandpass", fs=given.rate_hz, output="sos")
    emg: Floats = signal.sosfiltfilt(sos, given.emg)
    return emg


def neurokit(method: str) -> Detector:
    import neurokit2

    def detect(given: Signal) -> Floats:
        np.random.seed(0)  # noqa: NPY002 (its mixture begins at random, by the old generator)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where it finds nothing
            cleaned = neurokit2.emg_clean(given.emg, sampling_rate=int(given.rate_hz))
            amplitude = neurokit2.emg_amplitude(cleaned)
            _, info = neurokit2.emg_activation(
                emg_amplitude=amplitude, emg_cleaned=cleaned, sampling_rate=int(given.rate_hz), method=method
            )
        return np.asarray(info["EMG_Onsets"], np.float64) / given.rate_hz

    return detect


def biosppy_find_onsets(given: Signal) -> Floats:
    from biosppy.signals import emg

    x = banded(given)
    found = np.asarray(emg.find_onsets(signal=x, sampling_rate=given.rate_hz)["onsets"], np.int64)
    smooth = emg.st.smoother(signal=np.abs(x), kernel="boxzen", size=int(0.05 * given.rate_hz), mirror=True)["signal"]
    found = found[found < len(x) - 1]
    return found[smooth[found + 1] > smooth[found]] / given.rate_hz  # it lists beginnings and ends, and does not say which


def lidierth(size: int, threshold: float, active: int, fail: int) -> Detector:
    from biosppy.signals import emg

    def detect(given: Signal) -> Floats:
        x = banded(given)
        rest = x[int(0.1 * given.rate_hz) : int(given.rest_s * given.rate_hz)]
        both = emg.lidierth_onset_detector(x, rest, given.rate_hz, size, threshold, active, fail)["onsets"]
        return np.asarray(both[::2], np.float64) / given.rate_hz

    return detect


def lidierth_set_on(signals: Sequence[Signal], *, quick: bool) -> Score:
    """Try many settings of biosppy's Lidierth detector and give its best score on these very signals.

    It has no defaults. The best misses and errs least often: half a second for a miss or a false one, beside the median.
    """
    grid = (
        product((50,), (1.2, 2.0), (50,), (10,)) if quick else product((30, 60), (1.1, 1.3, 1.6, 2.0, 3.0), (30, 90), (3, 20))
    )
    true_s = [s.onsets_s for s in signals]
    scores = [score([lidierth(*setting)(s) for s in signals], true_s) for setting in grid]
    return min(scores, key=lambda s: 500 * (s.missed + s.false) + np.nan_to_num(s.median_ms, nan=1e3))


def measure(here: Collection[str], *, quick: bool) -> dict[str, dict[str, Score]]:
    """Measure every detector: scores by set of signals and detector."""
    sets = {"published": published()[:: 3 if quick else 1], "made here": made(quick=quick)}
    detectors: dict[str, Detector] = {}
    if "biosppy" in here:
        detectors["biosppy `find_onsets`"] = biosppy_find_onsets
    if "neurokit2" in here:
        detectors["neurokit2 threshold (its default)"] = neurokit("threshold")
        detectors["neurokit2 mixture"] = neurokit("mixture")
    scores: dict[str, dict[str, Score]] = {}
    for name, signals in sets.items():
        if not signals:
            continue
        label = f"{name}, {sum(len(s.onsets_s) for s in signals)} onsets"
        true_s = [s.onsets_s for s in signals]
        found = sessions.onsets(signals)
        scores[label] = {
            "gluteemg": score([on for on, _ in found], true_s),
            "gluteemg, decided live": score([decided for _, decided in found], true_s),
        }
        for detector, detect in detectors.items():
            scores[label][detector] = score([detect(s) for s in signals], true_s)
        if "biosppy" in here:
            scores[label]["biosppy lidierth, best of many settings"] = lidierth_set_on(signals, quick=quick)
    return scores
