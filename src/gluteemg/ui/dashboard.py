"""The dashboard: one window around one session."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from gluteemg.activation.pipeline import Update
from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Placement
from gluteemg.sensors.source import Source
from gluteemg.session import Listener, Moment, Session
from gluteemg.ui.trace_ring import Channel, TraceRing
from gluteemg.ui.window import TrainWindow

_log = logging.getLogger(__name__)
_ANSWER_S = 10.0
"""How long a screen may take to answer (chosen: one on another computer is slow, one that is gone never answers)."""


def show(
    source: Source,
    placements: tuple[Placement, ...],
    exercises: Mapping[str, Exercise],
    texts: Texts,
    open_session: Callable[[Listener], Session],
    *,
    replay: bool = False,
) -> None:
    """Open the window and run a session in it until both are closed.

    Parameters
    ----------
    source : Source
        Of the session: its profiles say how fast each trace comes, and in which unit.
    placements : tuple of Placement
        Which channel sits on which muscle.
    exercises : mapping of str to Exercise
        What may be practised, by id; the first one first.
    texts : Texts
        Words.
    open_session : callable
        Makes the session, with the listener that feeds the traces.
    replay : bool
        The session is a recording; the title says so.

    Raises
    ------
    GluteemgError
        What ended the session, if it did not end by itself.
    """
    application = QApplication.instance() or QApplication(sys.argv[:1])
    ring = TraceRing([Channel.of(p, source.profiles[p.sensor]) for p in placements])

    def keep(update: Update) -> None:
        for trace in update.traces:
            ring.put(trace.role, trace.t_s, trace.emg)

    with open_session(keep) as session:

        def pause_or_resume() -> None:
            session.resume() if session.moment.stage == "paused" else session.pause()

        def read() -> Moment:
            if session.failed:
                window.close()  # its error is told where the program was started
            return session.moment

        window = TrainWindow(
            exercises,
            texts,
            read,
            ring,
            replay=replay,
            on_pause=pause_or_resume,
            on_stop=session.stop,
            on_key=session.press,
            on_answer=session.answer,
        )
        window.show()
        with _ended_by_signals(window):
            _log.debug("the window is open")
            application.exec()
        session.stop()
        session.wait()


@contextmanager
def _ended_by_signals(window: TrainWindow) -> Iterator[None]:
    """Let Ctrl-C in the terminal, and a polite request to end, close the window as a person would."""
    kinds = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {kind: signal.signal(kind, lambda *_: QTimer.singleShot(0, window.close)) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def why_no_screen() -> str | None:
    """Tell why no window can be opened here; None if one can.

    Qt ends the whole program when it cannot reach a screen or misses a system library, so on Linux another process tries first.
    """
    if sys.platform != "linux":
        return None
    if not any(os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        return "There is no screen here"
    trial = [sys.executable, "-c", "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"]
    try:
        tried = subprocess.run(trial, capture_output=True, text=True, check=False, timeout=_ANSWER_S)
    except subprocess.TimeoutExpired:
        return "The screen does not answer"
    said = next((line for line in tried.stderr.splitlines() if line.strip()), "Qt gives no reason")
    return None if tried.returncode == 0 else f"The screen cannot be used ({said.strip()})"
