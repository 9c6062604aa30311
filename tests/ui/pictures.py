"""Draw every state into a folder, to be looked at: ``python -m tests.ui.pictures FOLDER``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtWidgets import QApplication
from tests.ui.moments import MOMENTS, exercise, texts

from gluteemg.muscles import Role
from gluteemg.ui.theme import DARK, HIGH_CONTRAST, LIGHT, Theme
from gluteemg.ui.trace_ring import Channel, TraceRing
from gluteemg.ui.train import TrainScreen
from gluteemg.ui.view import train_view
from gluteemg.ui.window import TrainWindow


def screen(name: str, theme: Theme, width: int, height: int, far: bool = False) -> TrainScreen:
    made = TrainScreen(texts(), theme)
    made.resize(width, height)
    made.far = far
    made.show_view(train_view(MOMENTS[name], exercise(), texts()), 0.0)
    return made


def draw(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in MOMENTS:
        for far in (False, True):
            for theme in (DARK, LIGHT, HIGH_CONTRAST):
                if theme is not DARK and name not in ("running", "muted", "lost", "in_zone", "just_under"):
                    continue
                shown = screen(name, theme, *((1920, 1080) if far else (1280, 800)), far=far)
                shown.grab().save(str(folder / f"{name}{'-far' if far else ''}-{theme.name}.png"))
                shown.deleteLater()
    screen("running", DARK, 1920, 1080).grab().save(str(folder / "running-wide-dark.png"))
    screen("running", DARK, 1024, 640).grab().save(str(folder / "running-small-dark.png"))


def ring(rate_hz: float = 1000.0, channels: int = 4) -> TraceRing:
    """Ten seconds of bursts, with a hole in the second channel and the third one gone."""
    roles = [Role.parse(r) for r in ("gluteus_maximus:left", "gluteus_medius:left", "hamstrings:left", "erector_spinae:left")]
    made = TraceRing(
        [
            Channel(role, rate_hz, full_scale=200.0 if i < 3 else 100.0, sensor=f"uMyo-{i}", hardware="untested")
            for i, role in enumerate(roles[:channels])
        ]
    )
    random = np.random.default_rng(1)
    t_s = np.arange(0.0, 12.0, 1 / rate_hz)
    level = 3 + 45 * np.clip(np.sin(2 * np.pi * t_s / 3.2), 0, None)
    for i, role in enumerate(roles[:channels]):
        emg = level * (1 - 0.2 * i) * random.standard_normal(len(t_s))
        there = np.ones(len(t_s), bool)
        if i == 1:
            there = (t_s < 8.0) | (t_s > 8.14)
        if i == 2:
            there = (t_s < 11.2) & ((t_s < 5.0) | (t_s > 5.02))
        for piece in np.array_split(np.flatnonzero(there), 600):
            made.put(role, t_s[piece], emg[piece])
    return made


def window(name: str, theme: Theme, width: int, height: int) -> TrainWindow:
    made = TrainWindow({exercise().id: exercise()}, texts(), lambda: MOMENTS[name], ring(), theme)
    made.resize(width, height)
    made.show()
    return made


def draw_windows(folder: Path) -> None:
    for theme in (DARK, LIGHT, HIGH_CONTRAST):
        for width, height in ((1280, 800), (1920, 1080), (1024, 640)):
            shown = window("running", theme, width, height)
            shown.toggle_traces()
            shown.frame()
            shown.grab().save(str(folder / f"traces-{theme.name}-{width}.png"))
            shown.toggle_traces()
            shown.toggle_keys()
            shown.grab().save(str(folder / f"keys-{theme.name}-{width}.png"))
            shown.close()


if __name__ == "__main__":
    application = QApplication([])
    draw(Path(sys.argv[1]))
    draw_windows(Path(sys.argv[1]))
