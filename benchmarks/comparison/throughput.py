"""How fast each program takes whole recordings through one task, and through the whole of its analysis."""

import tempfile
import time
import tracemalloc
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.comparison import ours, sessions
from benchmarks.comparison.signals import Floats, real_session, session
from scipy import ndimage, signal

Task = Callable[[Floats, float], object]
RMS_S = 0.1
"""Window of the RMS in the peers' task."""


def merged(rate_hz: float) -> Floats:
    """Design the task's filters as one cascade: Butterworth band-pass 20–450 Hz of order 4, notch at 50 Hz."""
    notch = signal.tf2sos(*signal.iirnotch(50, 30, rate_hz))
    sos: Floats = np.vstack((signal.butter(4, (20, 450), "bandpass", fs=rate_hz, output="sos"), notch))
    return sos


def scipy_blocks(emg: Floats, rate_hz: float) -> None:
    sos, size, width = merged(rate_hz), int(ours.BLOCK_S * rate_hz), round(RMS_S * rate_hz)
    state = signal.sosfilt_zi(sos)[:, :, np.newaxis] * emg[0]
    tail = np.zeros((width - 1, emg.shape[1]))
    for start in range(0, len(emg), size):
        filtered, state = signal.sosfilt(sos, emg[start : start + size], axis=0, zi=state)
        squares = np.concatenate((tail, filtered * filtered))
        tail = squares[-(width - 1) :]
        np.sqrt(np.maximum(ndimage.uniform_filter1d(squares, width, axis=0, origin=(width - 1) // 2)[width - 1 :], 0))


def scipy_whole(emg: Floats, rate_hz: float) -> None:
    squares = signal.sosfilt(merged(rate_hz), emg, axis=0) ** 2
    np.sqrt(np.maximum(ndimage.uniform_filter1d(squares, round(RMS_S * rate_hz), axis=0), 0))


def brainflow(emg: Floats, rate_hz: float) -> None:
    from brainflow.data_filter import AggOperations, DataFilter, FilterTypes, NoiseTypes

    for column in emg.T:
        x = np.array(column)
        DataFilter.perform_bandpass(x, int(rate_hz), 20.0, 450.0, 4, FilterTypes.BUTTERWORTH.value, 0)
        DataFilter.remove_environmental_noise(x, int(rate_hz), NoiseTypes.FIFTY.value)
        x *= x
        DataFilter.perform_rolling_filter(x, round(RMS_S * rate_hz), AggOperations.MEAN.value)
        np.sqrt(x, out=x)


def pyemgpipeline(emg: Floats, rate_hz: float) -> None:
    from pyemgpipeline.processors import BandpassFilter, DCOffsetRemover, FullWaveRectifier, LinearEnvelope

    x = DCOffsetRemover().apply(emg)
    x = BandpassFilter(rate_hz, 4, 20, 450).apply(x)
    LinearEnvelope(rate_hz, 4, 6).apply(FullWaveRectifier().apply(x))


def mne(emg: Floats, rate_hz: float) -> None:
    from mne.filter import filter_data, notch_filter

    iir = {"order": 4, "ftype": "butter", "output": "sos"}
    x = filter_data(np.ascontiguousarray(emg.T), rate_hz, 20, 450, method="iir", iir_params=iir, verbose="error")
    x = notch_filter(x, rate_hz, 50, method="iir", verbose="error")
    np.sqrt(np.maximum(ndimage.uniform_filter1d(x * x, round(RMS_S * rate_hz)), 0))


def neurokit(emg: Floats, rate_hz: float) -> None:
    import neurokit2

    for column in emg.T:
        x = neurokit2.signal_filter(column, sampling_rate=int(rate_hz), lowcut=20, highcut=450, order=4)
        neurokit2.emg_amplitude(neurokit2.signal_filter(x, sampling_rate=int(rate_hz), method="powerline", powerline=50))


def biosppy(emg: Floats, rate_hz: float) -> None:
    from biosppy.signals import tools

    for column in emg.T:
        x = tools.filter_signal(column, "butter", "bandpass", 4, (20, 450), rate_hz)["signal"]
        x = tools.filter_signal(x, "notch", frequency=50, sampling_rate=rate_hz)["signal"]
        np.sqrt(np.maximum(tools.smoother(x * x, "boxcar", round(RMS_S * rate_hz))["signal"], 0))


def emg_process(emg: Floats, rate_hz: float) -> None:
    import neurokit2

    for column in emg.T:
        neurokit2.emg_process(column, sampling_rate=int(rate_hz))


TASKS: dict[str, tuple[str, Task, str]] = {
    "gluteemg, filters": ("", lambda x, r: ours.in_blocks(ours.filters(r), x, r), "band of EMG, causal, 10 s blocks"),
    "gluteemg, filters and both envelopes": (
        "",
        lambda x, r: ours.in_blocks(ours.live(r, x.shape[1]), x, r),
        "RMS over 125 and 500 ms, the same calls as live",
    ),
    "scipy in 10 s blocks": ("scipy", scipy_blocks, "`sosfilt` with state, one call, and RMS"),
    "scipy, whole array": ("scipy", scipy_whole, "the same in one piece"),
    "BrainFlow": ("brainflow", brainflow, "`DataFilter`, channel by channel"),
    "pyemgpipeline": ("pyemgpipeline", pyemgpipeline, "no notch; low-pass envelope"),
    "mne": ("mne", mne, "comes with mne-lsl, which filters live only"),
    "neurokit2": ("neurokit2", neurokit, "`signal_filter` twice and `emg_amplitude`"),
    "biosppy": ("biosppy", biosppy, "`filter_signal` twice and `smoother`"),
}
SLOW = "neurokit2 `emg_process`"


def best(work: Callable[[], object], times: int = 3) -> float:
    """The least of several runs, in seconds."""
    spans = []
    for _ in range(times):
        began_s = time.perf_counter()
        work()
        spans.append(time.perf_counter() - began_s)
    return min(spans)


def measure(here: Collection[str], *, quick: bool) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Measure the common task: the names of the inputs, and by program and input the million channel-samples a second."""
    real = real_session()
    inputs: dict[str, tuple[Floats, float]] = {} if real is None else {"real 44 s, 4 ch, 1 kHz": (real, 1000.0)}
    inputs["60 s, 8 ch, 2 kHz"] = session(60, 8, 2000.0), 2000.0
    if not quick:
        inputs["10 min, 8 ch, 2 kHz"] = session(600, 8, 2000.0), 2000.0
        inputs["1 h, 4 ch, 1 kHz"] = session(3600, 4, 1000.0), 1000.0
    speeds: dict[str, dict[str, float]] = {}
    for label, (emg, rate_hz) in inputs.items():
        for name, (needs, task, _) in TASKS.items():
            if not needs or needs in here:
                took_s = best(lambda task=task, emg=emg, rate_hz=rate_hz: task(emg, rate_hz))
                speeds.setdefault(name, {})[label] = emg.size / took_s / 1e6
        if "neurokit2" in here:
            short = emg[: int((10 if quick else 30) * rate_hz), :1]  # a longer one costs it somewhat more a sample
            took_s = best(lambda short=short, rate_hz=rate_hz: emg_process(short, rate_hz), 1)
            speeds.setdefault(SLOW, {})[label] = short.size / took_s / 1e6
    return list(inputs), speeds


@dataclass(frozen=True)
class Whole:
    """Times real time of a whole analysis, with what it was measured on; megabytes of memory beside the input."""

    seconds: float
    gluteemg: float
    short_s: float
    emg_process: float | None
    chain_mb: float


def measure_whole(here: Collection[str], *, quick: bool) -> Whole:
    """Measure the whole analysis of four channels at 1 kHz, and the memory that the chain takes offline."""
    seconds, short_s = (120.0, 10.0) if quick else (3600.0, 30.0)
    with tempfile.TemporaryDirectory() as folder:
        took_s = best(sessions.record(seconds, Path(folder) / "whole.emg"))
    slow = None
    if "neurokit2" in here:
        emg = sessions.worn().emg(10_000, int(short_s * 1000))  # where repetitions begin: rest costs it less
        slow = short_s / best(lambda: emg_process(emg, 1000.0), 2)
    return Whole(seconds, seconds / took_s, short_s, slow, chain_mb(60 if quick else 600))


def chain_mb(seconds: float) -> float:
    """Measure the most memory in MB that filters and envelopes take beside 8 channels at 2 kHz, results not kept."""
    emg = session(seconds, 8, 2000.0)
    process = ours.live(2000.0, 8)
    process(emg[:100])
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    ours.in_blocks(process, emg, 2000.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (most - before) / 1e6
