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
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication

from gluteemg.activation.pipeline import Update
from gluteemg.catalogue import load_exercise, load_protocol, load_texts
from gluteemg.demo import Demo
from gluteemg.recording.file import Recorder, Recording
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Item, Packet, PacketKind, Source
from gluteemg.session import Moment, Session
from gluteemg.ui.trace_ring import Channel, TraceRing
from gluteemg.ui.train import TrainScreen
from gluteemg.ui.window import TrainWindow

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks" / "live.md"


class Stamped:
    """A source that remembers when the first packet of its latest batch arrived."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.arrived_ns = 0

    @property
    def profiles(self) -> Mapping[str, FirmwareProfile]:
        return self._source.profiles

    async def batches(self) -> AsyncGenerator[Sequence[Item], None]:
        async for batch in self._source.batches():
            self.arrived_ns = min(item.t_ns for item in batch if isinstance(item, Packet))
            yield batch


class PaintedScreen(TrainScreen):
    """The Train screen, with the end of every painting known."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        super().paintEvent(event)
        painted(time.monotonic_ns())


waiting: list[int] = []  # arrival of packets whose frames are published and not yet painted
shown: list[int] = []  # of those that the next painting shows
to_frame: list[int] = []
to_paint: list[int] = []


def painted(now_ns: int) -> None:
    """Note what a painting has brought to the screen."""
    to_paint.extend(now_ns - t_ns for t_ns in shown)
    shown.clear()


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

    window_module.TrainScreen = PaintedScreen  # type: ignore[misc]
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    application = QApplication([])
    exercise, texts = load_exercise("bridge"), load_texts()
    demo = Demo("hamstring-led")
    source = Stamped(demo.source)
    ring = TraceRing([Channel(p.role, 1116.0) for p in demo.placements])

    def published(update: Update) -> None:
        for trace in update.traces:
            ring.put(trace.role, trace.t_s, trace.emg)
        if len(update.frames):
            to_frame.append(time.monotonic_ns() - source.arrived_ns)
            waiting.append(source.arrived_ns)

    stop, late = threading.Event(), []
    idle = threading.Thread(target=idle_lateness, args=(stop, late), name="idle loop")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "live.emg"
        recorder = Recorder(path, source.profiles, demo.placements, exercise_toml=exercise.toml)
        session = Session(
            source,
            demo.placements,
            exercise=exercise,
            protocol=load_protocol("demo"),
            recorder=recorder,
            seconds=seconds,
            listeners=[published],
        )
        began_s = time.process_time()
        with session:
            idle.start()

            def read() -> Moment:
                n = len(waiting)
                moment = session.moment
                shown.extend(waiting[:n])
                del waiting[:n]
                if not session.running:
                    window.close()
                return moment

            window = TrainWindow(exercise, texts, read, ring)
            window.show()
            application.exec()
            session.wait()
        stop.set()
        idle.join()
        busy_s = time.process_time() - began_s
        recording = Recording.open(path)
        heard = [i for items in recording.items() for i in items if isinstance(i, Packet) and i.kind == PacketKind.NOTIFY]
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
