"""Measure the live path: three virtual uMyo sensors through bleak, recorded, with the window drawn.

Run ``.venv/bin/python benchmarks/live.py [SECONDS]`` (60 if not given). It prints, and writes to ``docs/benchmarks/live.md``:

- packets: sent by the sensors, recorded, missing;
- notification → frame: from the arrival of the packet that closes an instant to its frame being published;
- notification → painted: from the same packet to the end of the first painting that shows it;
- the floor beside them: how late an empty event loop on a thread of its own wakes up in the same process at the same time.
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import asyncio
import platform
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication

from gluteemg.activation.frame import FRAME_RATE_HZ, Frame
from gluteemg.activation.pipeline import Pipeline, Update
from gluteemg.catalogue import load_advice, load_exercise, load_protocol, load_texts
from gluteemg.coaching.coach import practice_of
from gluteemg.demo import Demo
from gluteemg.recording.file import Recorder, Recording
from gluteemg.sensors.source import Packet, PacketKind
from gluteemg.session import Moment, Session, units_of
from gluteemg.ui.trace_ring import Channel, TraceRing
from gluteemg.ui.train import TrainScreen
from gluteemg.ui.window import TrainWindow

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks" / "live.md"


class MeasuredScreen(TrainScreen):
    """The Train screen; a painting that ends puts off the time at which the instant it shows was on the screen."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        if shown:
            shown[-1] = (shown[-1][0], time.monotonic_ns())


class MeasuredWindow(TrainWindow):
    """The window; where an instant changes nothing that can be seen, it is on the screen once it has been looked at."""

    def frame(self) -> None:
        super().frame()
        if looked_at is not None:
            shown.append((round(looked_at.t_s * FRAME_RATE_HZ), time.monotonic_ns()))


published: list[tuple[int, int]] = []  # newest instant on the grid, and when it was published
looked_at: Frame | None = None
shown: list[tuple[int, int]] = []  # newest instant on the screen, and since when


def closed(recording: Recording) -> dict[int, int]:
    """Give the arrival of the packet that closes each instant, by taking the recording through the pipeline one by one."""
    pipeline = Pipeline(recording.profiles, recording.placements)
    arrivals: dict[int, int] = {}
    for items in recording.items():
        for item in items:
            frames = pipeline.feed([item]).frames
            if isinstance(item, Packet):
                arrivals |= dict.fromkeys(frames.index.tolist(), item.t_ns)
    return arrivals


def waits(closed_ns: dict[int, int], seen: list[tuple[int, int]]) -> list[int]:
    """Give for every instant the time from its closing packet until it was first seen, from the first thing seen on."""
    found = []
    for (before, _), (newest, seen_ns) in pairwise(seen):
        found += [seen_ns - closed_ns[index] for index in range(before + 1, newest + 1) if index in closed_ns]
    return found


def idle_lateness(stop: threading.Event, late: list[int]) -> None:
    """Run an event loop that only sleeps, and note how late it wakes."""

    async def sleep() -> None:
        while not stop.is_set():
            due = time.monotonic_ns() + 5_000_000
            await asyncio.sleep(0.005)
            late.append(time.monotonic_ns() - due)

    asyncio.run(sleep())


def quantiles(ns: list[int]) -> str:
    """Write p50, p99 and the greatest in milliseconds."""
    p50, p99, most = np.quantile(np.array(ns) / 1e6, [0.5, 0.99, 1.0])
    return f"p50 {p50:.1f}, p99 {p99:.1f}, most {most:.1f} ms (n = {len(ns)})"


def main() -> None:
    """Measure and report."""
    import gluteemg.ui.window as window_module

    window_module.TrainScreen = MeasuredScreen  # type: ignore[misc]
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    application = QApplication([])
    exercise, texts = load_exercise("bridge"), load_texts()
    demo = Demo("hamstring-led")
    source = demo.source
    ring = TraceRing([Channel.of(p, demo.source.profiles[p.sensor]) for p in demo.placements])

    def keep(update: Update) -> None:
        if len(update.frames):
            published.append((int(update.frames.index[-1]), time.monotonic_ns()))
        for trace in update.traces:
            ring.put(trace.role, trace.t_s, trace.emg)

    stop, late = threading.Event(), []
    idle = threading.Thread(target=idle_lateness, args=(stop, late), name="idle loop", daemon=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "live.emg"
        recorder = Recorder(path, source.profiles, demo.placements, exercise_toml=exercise.toml)
        session = Session(
            source,
            demo.placements,
            practice_of(exercise, load_advice(), load_protocol("demo"), units=units_of(source.profiles, demo.placements)),
            recorder=recorder,
            seconds=seconds,
            listeners=[keep],
        )
        began_s = time.process_time()
        with session:
            idle.start()

            def read() -> Moment:
                if not session.running:
                    window.close()
                global looked_at
                moment = session.moment
                looked_at = moment.frame
                return moment

            window = MeasuredWindow({exercise.id: exercise}, texts, read, ring)
            window.show()
            application.exec()
            session.wait()
        stop.set()
        idle.join()
        busy_s = time.process_time() - began_s
        recording = Recording.open(path)
        heard = [i for items in recording.items() for i in items if isinstance(i, Packet) and i.kind == PacketKind.NOTIFY]
        arrivals = closed(recording)
    to_frame, to_paint = waits(arrivals, published), waits(arrivals, shown)
    missing = {s: missing_samples([p.data for p in heard if p.sensor == s]) for s in source.profiles}
    counts = Counter(p.sensor for p in heard)
    lines = [
        f"# Live path, {len(counts)} × umyo-gatt, {seconds:g} s",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        "window 1280 × 800 drawn offscreen, recording on. Made by `benchmarks/live.py`.",
        "",
        "| what | measured | budget |",
        "|---|---|---|",
        *(f"| packets of {s} | {counts[s]} recorded, {missing[s]} samples missing | none lost unseen |" for s in counts),
        f"| notification → frame | {quantiles(to_frame)} | p99 ≤ 10 ms |",
        f"| notification → painted | {quantiles(to_paint)} | p50 ≤ 17, p99 ≤ 33 ms |",
        f"| floor: an idle loop wakes late by | {quantiles(late)} | |",
        f"| processor time of the whole program | {100 * busy_s / seconds:.0f} % of one core | |",
    ]
    print("\n".join(lines))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def missing_samples(payloads: list[bytes]) -> int:
    """Count the samples between a uMyo's packets that never came, by its 32-bit sample counter."""
    first = np.array([int.from_bytes(p[:4], "little") for p in payloads])
    return int((np.diff(first) - 24).sum())


if __name__ == "__main__":
    main()
