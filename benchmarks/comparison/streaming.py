"""What one chunk of samples costs live, measured turn by turn so that every program meets the same noise of the machine."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from benchmarks.comparison import ours
from benchmarks.comparison.signals import Floats, session
from benchmarks.comparison.throughput import RMS_S, merged
from scipy import signal

from gluteemg.processing.chain import design

N_CHANNELS = 8
CASES = tuple((rate_hz, chunk_ms) for rate_hz in (1000.0, 2000.0) for chunk_ms in (10, 20, 50))
Step = Callable[[Floats], object]


@dataclass(frozen=True)
class Cost:
    """Time of one chunk in µs."""

    median: float
    p99: float


def bare(sos: Floats, emg: Floats) -> Step:
    """Give one call of `sosfilt` for all channels and sections."""
    state = signal.sosfilt_zi(sos)[:, :, np.newaxis] * emg[0]

    def step(chunk: Floats) -> object:
        nonlocal state
        filtered, state = signal.sosfilt(sos, chunk, axis=0, zi=state)
        return filtered

    return step


def with_rms(sos: Floats, emg: Floats, rate_hz: float) -> Step:
    """Give the same with an RMS over the last 100 ms."""
    filtered, width = bare(sos, emg), round(RMS_S * rate_hz)
    last = np.zeros((width, emg.shape[1]))

    def step(chunk: Floats) -> object:
        nonlocal last
        last = np.concatenate((last, np.asarray(filtered(chunk)) ** 2))[-width:]
        return np.sqrt(last.mean(axis=0))

    return step


def by_channel(sos: Floats, emg: Floats) -> Step:
    """Give a call of `sosfilt` for each channel."""
    steps = [bare(sos, emg[:, [c]]) for c in range(emg.shape[1])]
    return lambda chunk: [step(chunk[:, [c]]) for c, step in enumerate(steps)]


def refiltered(emg: Floats, rate_hz: float, filters: Callable[[Floats], object]) -> Step:
    """Give what a filter without state needs: the last second filtered anew with each chunk."""
    last = emg[: int(rate_hz)].copy()

    def step(chunk: Floats) -> object:
        nonlocal last
        last = np.concatenate((last[len(chunk) :], chunk))
        return filters(last)

    return step


def biosppy_online(emg: Floats, rate_hz: float) -> Step:
    from biosppy.signals.tools import OnlineFilter

    b, a = signal.butter(4, (20, 450), "bandpass", fs=rate_hz)
    filters = [OnlineFilter(b=b, a=a) for _ in range(emg.shape[1])]
    return lambda chunk: [f.filter(chunk[:, c])["filtered"] for c, f in enumerate(filters)]


def brainflow_window(emg: Floats, rate_hz: float) -> Step:
    from brainflow.data_filter import DataFilter, FilterTypes, NoiseTypes

    def filters(last: Floats) -> object:
        columns = np.ascontiguousarray(last.T)
        for x in columns:
            DataFilter.perform_bandpass(x, int(rate_hz), 20.0, 450.0, 4, FilterTypes.BUTTERWORTH.value, 0)
            DataFilter.remove_environmental_noise(x, int(rate_hz), NoiseTypes.FIFTY.value)
        return columns

    return refiltered(emg, rate_hz, filters)


BARE = "one `sosfilt` of our sections"
OURS, FILTERS = "gluteemg, filters and both envelopes", "gluteemg, filters"
ALONE = ", on its own"
"""Who is measured without the others in between: with warm caches."""


def contestants(emg: Floats, rate_hz: float, here: Collection[str]) -> dict[str, Step]:
    """Give everybody who takes chunks, ready to begin."""
    sos = merged(rate_hz)
    steps: dict[str, Step] = {
        BARE: bare(design(rate_hz), emg),
        FILTERS: ours.filters(rate_hz),
        OURS: ours.live(rate_hz, N_CHANNELS),
        "scipy `sosfilt`, band-pass and notch merged": bare(sos, emg),
        "the same and numpy RMS": with_rms(sos, emg, rate_hz),
        "scipy `sosfilt` per channel": by_channel(sos, emg),
        "scipy `sosfiltfilt` on the last 1 s": refiltered(emg, rate_hz, lambda x: signal.sosfiltfilt(sos, x, axis=0)),
    }
    if "biosppy" in here:
        steps["biosppy `OnlineFilter` per channel, no notch"] = biosppy_online(emg, rate_hz)
    if "brainflow" in here:
        steps["BrainFlow on the last 1 s"] = brainflow_window(emg, rate_hz)
    return steps


def measure(here: Collection[str], *, quick: bool) -> tuple[dict[str, dict[tuple[float, int], Cost]], str | None]:
    """Measure every case: costs by program and case, and why there are none of mne-lsl, if so."""
    costs: dict[str, dict[tuple[float, int], Cost]] = {}
    for case in CASES:
        rate_hz, chunk_ms = case
        emg, size = session(10, N_CHANNELS, rate_hz), int(rate_hz * chunk_ms / 1000)
        chunks = [emg[k : k + size] for k in range(0, len(emg) - size + 1, size)]
        n = 320 if quick else 3050
        found = in_turn(contestants(emg, rate_hz, here), chunks, n)
        for name in (BARE, OURS):
            alone = {f"{name}{ALONE}": contestants(emg, rate_hz, ())[name]}
            found |= in_turn(alone, chunks, n)
        for name, its_cost in found.items():
            costs.setdefault(name, {})[case] = its_cost
    why = None
    if "mne-lsl" in here:
        for case in CASES:
            found = lsl(*case, 60 if quick else 500)
            if isinstance(found, str):
                why = found
                break
            costs.setdefault("mne-lsl `acquire`, filtered (not in turn)", {})[case] = found
    return costs, why


def in_turn(steps: Mapping[str, Step], chunks: Sequence[Floats], n: int) -> dict[str, Cost]:
    """Give each of `n` chunks to everybody, in an order that is drawn anew each time."""
    took: dict[str, list[int]] = {name: [] for name in steps}
    order, random = list(steps), np.random.default_rng(0)
    for number, chunk in enumerate(islice(cycle(chunks), n)):
        random.shuffle(order)
        for name in order:
            began_ns = time.perf_counter_ns()
            steps[name](chunk)
            spent_ns = time.perf_counter_ns() - began_ns
            if number >= 50:  # the first ones warm up
                took[name].append(spent_ns)
    return {name: cost(spent) for name, spent in took.items()}


def cost(spent_ns: list[int]) -> Cost:
    """Sum up times of single chunks: the best of three runs that follow each other, since the machine may be busy elsewhere."""
    runs = np.array_split(np.array(spent_ns) / 1e3, 3)
    median, p99 = np.min([np.quantile(run, (0.5, 0.99)) for run in runs], axis=0)
    return Cost(float(median), float(p99))


def lsl(rate_hz: float, chunk_ms: int, n: int) -> Cost | str:
    """Send chunks through a stream of this machine to mne-lsl, and time each `acquire` that brings some; or say why not.

    It is asked again at once, without a pause in which the caches would go cold: that is not its cost.
    """
    from mne_lsl import set_log_level
    from mne_lsl.lsl import StreamInfo, StreamOutlet
    from mne_lsl.stream import StreamLSL

    set_log_level("ERROR")
    name, size = f"gluteemg-peers-{rate_hz:.0f}-{chunk_ms}", int(rate_hz * chunk_ms / 1000)
    emg = session(10, N_CHANNELS, rate_hz).astype(np.float32)
    outlet = StreamOutlet(StreamInfo(name, "emg", N_CHANNELS, rate_hz, "float32", name), chunk_size=size)
    stream = StreamLSL(2.0, name=name)
    try:
        stream.connect(acquisition_delay=None, timeout=10.0)
    except (RuntimeError, TimeoutError) as error:
        return f"its stream is not found on this machine: {error}"
    stream.filter(20, 450, picks="all")
    stream.notch_filter(50, picks="all")
    spent_ns: list[int] = []
    for number, k in enumerate(islice(cycle(range(0, len(emg) - size, size)), n + 20)):
        outlet.push_chunk(emg[k : k + size])
        deadline_s, total_ns, before = time.monotonic() + 1.0, 0, stream.n_new_samples
        while stream.n_new_samples - before < size and time.monotonic() < deadline_s:
            had, began_ns = stream.n_new_samples, time.perf_counter_ns()
            stream.acquire()
            took_ns = time.perf_counter_ns() - began_ns
            total_ns += took_ns if stream.n_new_samples > had else 0
        if number >= 20:
            spent_ns.append(total_ns)
    stream.disconnect()
    del outlet
    return cost(spent_ns)
