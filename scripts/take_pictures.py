"""Take the pictures in ``docs/pictures/`` anew, of the real window on a real replay.

Run ``.venv/bin/python scripts/take_pictures.py``.
"""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gluteemg.activation.pipeline import Update
from gluteemg.catalogue import load_advice, load_exercise, load_texts
from gluteemg.coaching.coach import practice_of
from gluteemg.recording.file import Recording
from gluteemg.recording.replay import ReplaySource
from gluteemg.session import Session
from gluteemg.ui.theme import DARK, LIGHT, Theme
from gluteemg.ui.trace_ring import Channel, TraceRing
from gluteemg.ui.window import TrainWindow

ROOT = Path(__file__).parents[1]
SPEED = 3.0


def take(name: str, session_name: str, theme: Theme, at_s: float, size: QSize, view: str = "") -> None:
    """Replay a session in the window, and grab it when the session has come to `at_s`."""
    recording = Recording.open(ROOT / "recordings" / f"{session_name}.emg")
    source = ReplaySource(recording, speed=SPEED)
    ring = TraceRing([Channel.of(p, recording.profiles[p.sensor]) for p in recording.placements])
    exercise, texts = load_exercise("bridge"), load_texts()

    def keep(update: Update) -> None:
        for trace in update.traces:
            ring.put(trace.role, trace.t_s, trace.emg)

    with Session(source, recording.placements, practice_of(exercise, load_advice()), listeners=[keep]) as session:
        window = TrainWindow({exercise.id: exercise}, texts, lambda: session.moment, ring, theme)
        window.resize(size)
        window.show()
        if view == "far":
            window.toggle_far()
        elif view == "traces":
            window.toggle_traces()
        while session.running and (session.moment.frame is None or session.moment.frame.t_s < at_s):
            QTest.qWait(10)
        window.grab().save(str(ROOT / "docs" / "pictures" / f"{name}.png"))
        window.close()


if __name__ == "__main__":
    application = QApplication([])
    near, wide = QSize(1280, 800), QSize(1920, 1080)
    take("train-dark", "bridge_hamstring_led", DARK, 18.0, near)
    take("train-light", "bridge_glute_led", LIGHT, 18.2, near)
    take("train-far", "bridge_hamstring_led", DARK, 18.0, wide, "far")
    take("train-lost", "bridge_sensor_lost", DARK, 20.0, near)
    take("traces", "bridge_sensor_lost", DARK, 21.8, near, "traces")
