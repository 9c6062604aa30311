"""What is measured on: recordings if the optional folder with test data is there, and noise that is like EMG."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

DATA = Path(__file__).parents[3] / "shared" / "data"
"""Optional recordings for tests; no part of the project."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """One channel with known onsets.

    Parameters
    ----------
    name : str
        What it is.
    emg : ndarray of shape (n,)
        Raw.
    rate_hz : float
        Sampling rate.
    onsets_s : ndarray of shape (n_bursts,)
        When its bursts truly begin.
    rest_s : float
        So long it rests at the beginning, for detectors that must be shown rest.
    """

    name: str
    emg: Floats
    rate_hz: float
    onsets_s: Floats
    rest_s: float


def like_emg(n: int, n_channels: int, rate_hz: float, seed: int = 0) -> Floats:
    """Make noise of 1 RMS with the spectrum of EMG, shape (n, n_channels).

    ``P(f) = k f² / ((f² + fl²) (f² + fh²)²)`` with fl 60 and fh 120 Hz: Shwedyk et al., IEEE Trans Biomed Eng 24:417, 1977.
    """
    f = np.fft.rfftfreq(min(n, 2**18), 1 / rate_hz)
    shape = f / (np.sqrt(f**2 + 60**2) * (f**2 + 120**2))
    impulse = np.roll(np.fft.irfft(shape), 512)[:1024]
    white = np.random.default_rng(seed).standard_normal((n, n_channels))
    emg = np.stack([signal.oaconvolve(column, impulse, mode="same") for column in white.T], axis=1)
    noise: Floats = emg / emg.std(axis=0)
    return noise


def session(seconds: float, n_channels: int, rate_hz: float) -> Floats:
    """Make EMG in µV of muscles that work and rest in turn, on 3 µV of noise with 50 Hz hum, shape (n, n_channels)."""
    n = int(seconds * rate_hz)
    t_s = np.arange(n)[:, np.newaxis] / rate_hz
    working = np.clip(4 * np.sin(2 * np.pi * t_s / 3 + np.arange(n_channels)), 0, 1)
    noise = 3 * np.random.default_rng(1).standard_normal((n, n_channels))
    emg: Floats = 100 * working * like_emg(n, n_channels, rate_hz) + noise + 2 * np.sin(2 * np.pi * 50 * t_s) + 40
    return emg


def hamstrings() -> tuple[str, Floats, float]:
    """Give a real recording of hamstrings, shape (n, n_channels) in µV, or a made one; its name first, its rate last."""
    path = DATA / "knee_flexion_standing.csv"
    if not path.is_file():
        return "made signal, 22 s × 2", session(22, 2, 1000.0), 1000.0
    columns = _columns(path)
    emg = 1e3 * np.column_stack([columns["biceps_femoris_mV"], columns["semitendinosus_mV"]])
    return "real hamstring recording, 22 s × 2", emg, 1000.0


def real_session() -> Floats | None:
    """Give 44 s of 4 real channels at 1 kHz (twice the 22 s that there are), or None without the optional folder."""
    path = DATA / "knee_flexion_standing.csv"
    if not path.is_file():
        return None
    columns = _columns(path)
    emg = 1e3 * np.column_stack([column for name, column in columns.items() if name.endswith("_mV")])
    return np.concatenate((emg, emg[::-1]))


def published() -> list[Signal]:
    """Give the published signals with true onsets (Kowalski et al., JFMK 2021, 6(3), 70); none without the folder."""
    path, truth = DATA / "onset_simulated.csv", DATA / "onset_simulated_truth.csv"
    if not path.is_file():
        return []
    with truth.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    columns = _columns(path)
    names = [name for name in columns if name != "time_s"]
    onsets_s = {name: np.array([float(row["onset_s"]) for row in rows if row["column"] == name]) for name in names}
    return [Signal(n, columns[n][np.isfinite(columns[n])], 1000.0, onsets_s[n], 0.8 * float(onsets_s[n][0])) for n in names]


def made(*, quick: bool) -> list[Signal]:
    """Make nine bursts of 0.6 s at odd times for each ratio of signal to noise and each length of rise."""
    signals = []
    for snr_db in (6, 20) if quick else (3, 6, 10, 20, 30):
        for rise_s in (0.1,) if quick else (0.0, 0.1, 0.3):
            random = np.random.default_rng(1000 * snr_db + round(100 * rise_s))
            onsets_s = 2.0 + 2.4 * np.arange(9) + random.uniform(-0.4, 0.4, 9)
            t_s = np.arange(24_000) / 1000
            since_s = t_s - onsets_s[:, np.newaxis]
            shape = np.clip(np.minimum(since_s, 0.6 + rise_s - since_s) / max(rise_s, 1e-6), 0, 1).max(axis=0)
            emg = 10 ** (snr_db / 20) * shape * like_emg(len(t_s), 1, 1000.0, seed=snr_db)[:, 0]
            name = f"snr{snr_db}dB_rise{round(1000 * rise_s)}ms"
            signals.append(Signal(name, emg + random.standard_normal(len(t_s)), 1000.0, onsets_s, 1.2))
    return signals


def _columns(path: Path) -> dict[str, Floats]:
    """Read a table of numbers with comment lines above its names."""
    with path.open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    values = np.genfromtxt(lines[1:], delimiter=",")  # columns may end at different times: what is missing is NaN
    return dict(zip(lines[0].strip().split(","), values.T, strict=True))
