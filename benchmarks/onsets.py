"""Measure how well onsets are found, and what artefacts at rest do.

Run ``.venv/bin/python benchmarks/onsets.py``; it takes a minute. It prints, and writes to ``docs/benchmarks/onsets.md``:

- the published simulation of Kowalski et al. (JFMK 2021, 6(3), 70), through import and analysis, when the folder of test data
  is there;
- our own simulation: SNR 3 to 30 dB, rises of 0, 100 and 300 ms, bursts of 0.4 to 3 s, four colours of EMG (one of them as
  through thick fat), three of noise, by SNR and by sampling rate;
- real rest and real contraction, of the same folder, joined at known samples;
- artefacts at rest: false onsets a minute, with the floor estimated from the recording itself, and with one known before;
- the time it takes.

An onset within 300 ms of a true one is a hit. One detector, its defaults, nothing set for any of these.
"""

import csv
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from gluteemg.catalogue import load_exercise
from gluteemg.muscles import Role
from gluteemg.processing.chain import Chain
from gluteemg.processing.onset import BurstDetector, estimate_floor, estimate_scale
from gluteemg.recording.file import Recording
from gluteemg.recording.importing import import_csv
from gluteemg.report.analysis import analyse

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "benchmarks" / "onsets.md"
DATA = ROOT.parent / "shared" / "data"
HIT_S = 0.3
REST_UV = 2.0
BLOCK_S = 10.0
SNR_DB = (3, 6, 10, 15, 20, 30)
RISES_S = (0.0, 0.1, 0.3)
EMG_HZ = {"usual": (40, 120), "fat": (30, 62), "high": (70, 220), "white": (1, 1e4)}  # corners; medians 80, 57, 125 Hz
NOISES = ("white", "pink", "EMG")

Floats = NDArray[np.float64]


@dataclass
class Tally:
    """Errors and delays of decision of the hits, in ms, and what was missed or false."""

    errors: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    false: int = 0

    def add(self, found_s: Sequence[tuple[float, float]], true_s: Iterable[float]) -> None:
        """Match found onsets (time, time of decision) to the true ones."""
        left = list(found_s)
        for t in true_s:
            near = min(left, key=lambda f: abs(f[0] - t), default=None)
            if near is None or abs(near[0] - t) > HIT_S:
                self.missed += 1
                continue
            left.remove(near)
            self.errors.append(1e3 * (near[0] - t))
            self.delays.append(1e3 * (near[1] - t))
        self.false += len(left)

    def row(self, name: str) -> str:
        n = len(self.errors) + self.missed
        size = np.abs(self.errors)
        return (
            f"| {name} | {n} | {np.median(size):.0f} | {np.quantile(size, 0.95):.0f} | {np.median(self.errors):+.0f} "
            f"| {self.missed} | {self.false} | {np.median(self.delays):.0f} |"
        )


def found(raw: Floats, rate_hz: float, floor: float | None = None) -> list[tuple[float, float]]:
    """Onsets of one channel in seconds, and when each was decided; without a floor both levels come from the recording."""
    emg = Chain(rate_hz)(raw[:, np.newaxis])
    scale = None
    if floor is None:
        width, step = round(rate_hz / 2), round(rate_hz / 20)
        total = np.concatenate((np.zeros((1, 1)), np.cumsum(np.square(emg), axis=0)))
        rms = np.sqrt((total[width::step] - total[:-width:step]) / width)
        floors, scale = estimate_floor(rms), estimate_scale(rms)
    else:
        floors = np.array([floor])
    detector, size = BurstDetector(rate_hz, floors, scale), round(BLOCK_S * rate_hz)
    bursts = [burst for start in range(0, len(emg), size) for burst in detector.feed(emg[start : start + size])]
    return [(b.on / rate_hz, b.decided / rate_hz) for b in bursts + detector.finish()]


def coloured(random: np.random.Generator, n: int, rate_hz: float, kind: str) -> Floats:
    """Noise of unit power in the band: an EMG of `EMG_HZ`, or rest that is white, pink or EMG."""
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    low, high = EMG_HZ["usual" if kind == "EMG" else kind if kind in EMG_HZ else "white"]
    gain = 1 / np.sqrt(np.maximum(hz, 5)) if kind == "pink" else hz / np.hypot(hz, low) / (1 + (hz / high) ** 2)
    noise = np.fft.irfft(np.fft.rfft(random.standard_normal(n)) * gain, n)
    return noise / Chain(rate_hz)(noise[:, np.newaxis]).std()


def simulated(random: np.random.Generator, rate_hz: float, snr_db: float) -> tuple[Floats, list[float]]:
    """A recording of nine bursts, and when they begin."""
    rise_s = random.choice(RISES_S)
    on, ends, at_s = [], [], random.uniform(1.5, 3)
    for _ in range(9):
        on.append(at_s)
        ends.append(at_s + random.choice((0.4, 0.8, 1.5, 3)) + 2 * rise_s)
        at_s = ends[-1] + random.uniform(1, 3)
    t_s = np.arange(round(at_s * rate_hz)) / rate_hz
    parts = [np.clip(np.minimum(t_s - a, b - t_s) / max(rise_s, 1e-6), 0, 1) for a, b in zip(on, ends, strict=True)]
    emg = coloured(random, len(t_s), rate_hz, str(random.choice(list(EMG_HZ))))
    rest = coloured(random, len(t_s), rate_hz, str(random.choice(NOISES)))
    return REST_UV * (np.max(parts, axis=0) * emg * 10 ** (snr_db / 20) + rest), on


def table(name: str) -> tuple[list[str], Floats]:
    """Columns of a file of the test data and their samples, 1 kHz."""
    lines = [line for line in (DATA / name).read_text("utf-8").splitlines() if not line.startswith("#")]
    return lines[0].split(",")[1:], np.genfromtxt(lines[1:], delimiter=",")[:, 1:]


def published() -> Iterator[str]:
    """Take the published file through import and analysis."""
    names, _ = table("onset_simulated.csv")
    with (DATA / "onset_simulated_truth.csv").open(encoding="utf-8") as file:
        truth = [(row["column"], float(row["onset_s"])) for row in csv.DictReader(file)]
    muscles = ("gluteus_maximus", "gluteus_medius", "biceps_femoris", "semitendinosus", "hamstrings")
    roles = dict(zip(names, (Role.parse(f"{muscle}:left") for muscle in muscles), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "published.emg"
        import_csv(DATA / "onset_simulated.csv", target, roles, unit="mV")
        muscles_found = {m.muscle: m.bursts for m in analyse(Recording.open(target), load_exercise("bridge")).muscles}
    whole = Tally()
    for name, role in roles.items():
        whole.add([(b.on_s, b.decided_s) for b in muscles_found[role.muscle]], [t for column, t in truth if column == name])
    yield whole.row("published simulation, 5 to 80 dB")


def steady(emg: Floats, *, loud: bool) -> Floats:
    """The loudest or quietest 0.4 s of a channel."""
    power = np.convolve(np.square(Chain(1000.0)(emg[:, np.newaxis])[:, 0]), np.ones(400), "valid")[400:-400]
    start = 400 + int(np.argmax(power) if loud else np.argmin(power))
    return emg[start : start + 400] - emg[start : start + 400].mean()


def prolonged(random: np.random.Generator, piece: Floats, n: int) -> Floats:
    """Go on with a short piece, in overlapping turns with random signs, shifts and directions, at unit power in the band."""
    bell, whole = np.sin(np.pi * (np.arange(400) + 0.5) / 400), np.zeros(n + 800)
    for start in range(0, n + 400, 200):
        turned = np.roll(piece, random.integers(400))[:: random.choice((1, -1))]
        whole[start : start + 400] += random.choice((1, -1)) * bell * turned
    whole = whole[400 : 400 + n]
    return whole / Chain(1000.0)(whole[:, np.newaxis]).std()


def spliced() -> Iterator[str]:
    """Join real rest and real contraction."""
    random, rest, work = np.random.default_rng(7), [], []
    for name in ("gait_glutes_hamstrings.csv", "knee_flexion_standing.csv", "biceps_bursts_plux.csv"):
        for column, emg in zip(*(lambda c, x: (c, x.T))(*table(name)), strict=True):
            if "deg" in column or "rectus" in column:
                continue
            rest.append(steady(emg, loud=False))
            if "gait" not in name:  # its bursts are over within 0.4 s
                work.append(steady(emg, loud=True))
    whole = Tally()
    for _ in range(40):
        on_s, at_s, gain = [], random.uniform(1.5, 3), 10 ** (random.choice((6, 10, 15, 20)) / 20)
        ends_s: list[float] = []
        for _ in range(6):
            on_s.append(round(at_s, 3))
            ends_s.append(at_s + random.uniform(0.5, 2))
            at_s = ends_s[-1] + random.uniform(1, 3)
        n = round(at_s * 1000)
        joined = prolonged(random, rest[random.integers(len(rest))], n)
        contraction = gain * prolonged(random, work[random.integers(len(work))], n)
        for a, b in zip(on_s, ends_s, strict=True):
            joined[round(a * 1000) : round(b * 1000)] = contraction[round(a * 1000) : round(b * 1000)]
        whole.add(found(REST_UV * joined, 1000.0), on_s)
    yield whole.row("real rest and contraction, 6 to 20 dB")


def heart(random: np.random.Generator, t_s: Floats) -> Floats:
    """Beats of 0.1 to 2 mV, 50 to 110 a minute, Q to S 60 to 110 ms; one in twelve is early, wide and has no P."""
    x, at_s, minute = np.zeros(len(t_s)), 0.4, random.uniform(50, 110)
    size, width = random.choice((100, 300, 1000, 2000)), random.uniform(0.06, 0.11)
    while at_s < t_s[-1]:
        early = random.random() < 1 / 12
        w, s = width * (1.7 if early else 1), t_s - at_s
        bells = [(-0.28 * w, -0.15, w / 10), (0, 1, w / 8), (0.3 * w, -0.3, w / 8), (0.28, -0.4 if early else 0.25, 0.045)]
        for at, height, sigma in bells + ([] if early else [(-0.16, 0.12, 0.022)]):
            x += size * height * np.exp(-0.5 * ((s - at) / sigma) ** 2)
        at_s += 60 / minute * (0.65 if early else 1) * (1 + 0.04 * random.standard_normal())
    return x


def hum(random: np.random.Generator, t_s: Floats, how: str) -> Floats:
    """Mains of 3 to 300 µV RMS with harmonics: steady, switched on, on and off, or waxing and waning."""
    turn = 2 * np.pi * (random.choice((50, 60)) + random.uniform(-0.08, 0.08)) * t_s
    x = sum(h * np.sin(k * turn + random.uniform(0, 7)) for k, h in ((1, 1), (2, 0.1), (3, 0.25), (5, 0.12), (7, 0.05)))
    x = x * np.sqrt(2) * random.choice((3, 5, 10, 30, 100, 300))
    shape = {"steady": t_s >= 0, "switched on": t_s > t_s[-1] / 2, "on and off": t_s % 4 > 1}
    wave = 1 + 0.9 * np.sin(2 * np.pi * random.uniform(0.2, 1.5) * t_s)
    return np.asarray(x * shape.get(how, wave))


def motion(random: np.random.Generator, t_s: Floats, how: str) -> Floats:
    """Cables, electrodes, taps and steps, 0.3 to 5 mV."""
    size, x, at_s = random.choice((300, 1000, 3000, 5000)), np.zeros(len(t_s)), random.uniform(2, 4)
    if how == "walking":
        turn = 2 * np.pi * random.uniform(0.8, 2) * t_s
        return np.asarray(size * sum(h * np.sin(k * turn + k) for k, h in ((1, 1), (2, 0.5), (3, 0.3), (4, 0.15))))
    while at_s < t_s[-1]:
        s = np.maximum(t_s - at_s, 0)
        shapes = {
            "swings": lambda s=s: np.sin(2 * np.pi * random.uniform(2, 10) * s) * np.exp(-s / random.uniform(0.1, 0.5)),
            "steps": lambda s=s: (s > 0) * np.exp(-s / random.uniform(0.05, 1)),
            "taps": lambda s=s: np.exp(-s / 0.004) * np.sin(2 * np.pi * random.uniform(30, 120) * s),
            "thumps": lambda s=s: s / 0.01 * np.exp(-s / 0.02) * np.sin(2 * np.pi * random.uniform(10, 40) * s),
        }
        x += size * shapes[how]()
        at_s += random.uniform(1.2, 5)
    return x


def rough(random: np.random.Generator, t_s: Floats, how: str) -> Floats:
    """What reaches far into the band of EMG: a cable that is shaken for seconds, a contact that crackles."""
    size, x, at_s = random.choice((300, 1000, 3000)), np.zeros(len(t_s)), random.uniform(2, 4)
    shaken = signal.sosfilt(
        signal.butter(2, (1, 10), "bandpass", fs=1 / t_s[1], output="sos"), random.standard_normal(len(t_s))
    )
    while at_s < t_s[-1]:
        if how == "shaken cable":
            x += size * np.clip(np.minimum(t_s - at_s, at_s + 2 - t_s) / 0.1, 0, 1) * shaken / shaken.std()
        else:
            for tap_s in at_s + random.uniform(0, 0.4, 5):
                x += size * (t_s >= tap_s) * np.exp(-np.maximum(t_s - tap_s, 0) / 0.003)
        at_s += random.uniform(3, 6)
    return x


def artefacts() -> Iterator[str]:
    """Write the table of artefacts."""
    yield "| artefact at rest | minutes | false a minute, floor estimated | floor known before |"
    yield "|---|---|---|---|"
    kinds = {"none, 500 Hz to 2 kHz": lambda _, t: np.zeros(len(t)), "heart": heart}
    kinds |= {
        f"mains, {how}": lambda r, t, how=how: hum(r, t, how) for how in ("steady", "switched on", "on and off", "waxing")
    }
    kinds |= {
        f"motion, {how}": lambda r, t, how=how: motion(r, t, how) for how in ("swings", "steps", "taps", "thumps", "walking")
    }
    kinds |= {how: lambda r, t, how=how: rough(r, t, how) for how in ("shaken cable", "crackling contact")}
    for name, make in kinds.items():
        random, counts, minutes = np.random.default_rng(11), [0, 0], 0.0
        for run in range(30):
            rate_hz = (1000.0, 500.0, 2000.0)[run % 3] if name.startswith("none") else 1000.0
            t_s = np.arange(60 * rate_hz) / rate_hz
            spoilt = REST_UV * coloured(random, len(t_s), rate_hz, ("white", "pink")[run % 2]) + make(random, t_s)
            counts[0] += len(found(spoilt, rate_hz))
            counts[1] += len(found(spoilt, rate_hz, floor=REST_UV))
            minutes += 1
        yield f"| {name} | {minutes:.0f} | {counts[0] / minutes:.2f} | {counts[1] / minutes:.2f} |"


def onsets() -> Iterator[str]:
    """Write the table of onsets."""
    yield "| set | onsets | median ms | p95 ms | bias ms | missed | false | decided after ms |"
    yield "|---|---|---|---|---|---|---|---|"
    if DATA.is_dir():
        yield from published()
    by_snr = {snr: Tally() for snr in SNR_DB}
    whole, random = Tally(), np.random.default_rng(3)
    for snr in SNR_DB:
        for _ in range(12):
            raw, on_s = simulated(random, 1000.0, snr)
            hits = found(raw, 1000.0)
            by_snr[snr].add(hits, on_s)
            whole.add(hits, on_s)
    yield whole.row("own simulation, 3 to 30 dB, 1 kHz")
    for snr, tally in by_snr.items():
        yield tally.row(f"… {snr} dB")
    for rate_hz in (200, 250, 500, 1116, 2000):
        tally = Tally()
        for snr in SNR_DB[1:]:
            for _ in range(3):
                raw, on_s = simulated(random, float(rate_hz), snr)
                tally.add(found(raw, float(rate_hz)), on_s)
        yield tally.row(f"own simulation, 6 to 30 dB, {rate_hz} Hz")
    if DATA.is_dir():
        yield from spliced()


def speed() -> str:
    """Write what it costs: a tenth of an hour of four channels at 1 kHz, a burst of 3 s every 6 s; and calls of 20 ms."""
    random, n = np.random.default_rng(0), 360_000
    emg = Chain(1000.0)(REST_UV * (1 + 29 * (np.arange(n) % 6000 > 3000))[:, np.newaxis] * random.standard_normal((n, 1)))

    def best(size: int, count: int) -> float:
        took = []
        for _ in range(3):
            detector, began_s = BurstDetector(1000.0, np.array([REST_UV])), time.perf_counter()
            for start in range(0, count * size, size):
                detector.feed(emg[start : start + size])
            took.append(time.perf_counter() - began_s)
        return min(took)

    hour_s, call_us = 40 * best(10_000, 36), 1e6 * best(20, 3000) / 3000
    return (
        f"An hour of 4 channels at 1 kHz, 600 bursts each, takes {hour_s:.2f} s in blocks of 10 s, one channel a call; "
        f"a live call with 20 ms of one channel {call_us:.0f} µs."
    )


def main() -> None:
    """Measure and report."""
    lines = [
        "# Onsets",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}. "
        "Made by `benchmarks/onsets.py`.",
        "",
        "One detector, its defaults. A hit lies within 300 ms of a true onset. Targets: published simulation 25 ms median, "
        "110 ms p95, none missed, none false, decided within 90 ms; own simulation 22 / 170 ms, 1 % missed, 0.03 false an "
        "onset; real rest and contraction 5 / 75 ms, 2 % missed, 0.1 false an onset.",
        "",
        *onsets(),
        "",
        f"Artefacts over {REST_UV:g} µV of rest, none of them with any EMG. The floor is estimated from the whole recording, "
        "or known from before the artefact and without a working level, which is harder.",
        "",
        *artefacts(),
        "",
        speed(),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
