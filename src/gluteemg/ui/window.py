"""The dashboard's window: keys, one frame timer, and the Train screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QHideEvent, QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QMainWindow

from gluteemg.coaching.exercise import Exercise
from gluteemg.coaching.part import Key
from gluteemg.coaching.safety import Value
from gluteemg.coaching.texts import Texts
from gluteemg.session import Moment, Stage
from gluteemg.ui.keys_card import KeysCard
from gluteemg.ui.theme import Theme, system_theme
from gluteemg.ui.trace_ring import TraceRing
from gluteemg.ui.train import SMALLEST, Sheet, TrainScreen
from gluteemg.ui.view import train_view

if TYPE_CHECKING:
    from gluteemg.ui.traces import TracesView

FRAME_MS = 16
"""About 60 pictures a second."""


def _no_key(_: Key) -> None:
    """Pass a key over."""


def _no_answer(_question: str, _value: Value) -> None:
    """Pass an answer over."""


def _nothing() -> None:
    pass


KEYS: Mapping[str, Key] = {
    "G": "start",
    "Right": "skip",
    "E": "end_set",
    "D": "decline",
    "C": "cramp",
    "H": "hurts",
}
"""What a person can ask for, beside pause and stop."""
ANSWERS: Mapping[str, Value] = {**{str(n): n for n in range(10)}, "X": 10, "Y": True, "J": True, "N": False}
"""Answers to a scale, and to yes or no (J: ja); ticks and texts are asked on the terminal alone until a screen asks them."""


class TrainWindow(QMainWindow):
    """Shows a session while it runs, or a recording.

    No other thread touches it: its timer reads the latest `Moment` and the traces' ring, and what the person does comes
    out through the callbacks, on the main thread.

    Parameters
    ----------
    exercises : mapping of str to Exercise
        What may be practised, by id; the first one first.
    texts : Texts
        Words.
    read : callable
        Gives the latest `Moment`; called on the main thread sixty times a second, so it must only look.
    ring : TraceRing or None
        Raw signals for the key T; without it there are none.
    theme : Theme or None
        Colours; None follows the system.
    reduce_motion : bool
        Change at once instead of fading.
    replay : bool
        The session is a recording.
    on_pause : callable
        The person pauses or resumes.
    on_stop : callable
        The person stops, by key, button or by closing the window; called once.
    on_key : callable
        The person asks for something else by a key.
    on_answer : callable
        The person answers a question by a key: its id, and the answer.
    """

    def __init__(
        self,
        exercises: Mapping[str, Exercise],
        texts: Texts,
        read: Callable[[], Moment],
        ring: TraceRing | None = None,
        theme: Theme | None = None,
        reduce_motion: bool = False,
        replay: bool = False,
        on_pause: Callable[[], None] = _nothing,
        on_stop: Callable[[], None] = _nothing,
        on_key: Callable[[Key], None] = _no_key,
        on_answer: Callable[[str, Value], None] = _no_answer,
    ) -> None:
        super().__init__()
        self._exercises, self._exercise = exercises, next(iter(exercises.values()))
        self._texts, self._read, self._replay = texts, read, replay
        self._ring = ring if ring is not None else TraceRing(())
        self._follows_system = theme is None
        self._theme = theme or system_theme()
        self._on_pause, self._on_stop = on_pause, on_stop
        self._on_key, self._on_answer = on_key, on_answer
        self._question: str | None = None
        self._stage: Stage = "searching"
        self._stopped = False
        self._traces: TracesView | None = None
        self.screen_ = TrainScreen(texts, self._theme, reduce_motion)
        self.setCentralWidget(self.screen_)
        self._keys_card = KeysCard(texts, self._theme, self.screen_)
        self.setWindowTitle(f"{texts.words(f'exercise.{self._exercise.id}')} · gluteemg")
        self.setMinimumSize(SMALLEST)
        self.resize(1280, 800)
        self._connect()
        self._then_s = time.monotonic()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.frame)

    def _connect(self) -> None:
        screen = self.screen_
        actions = (
            (screen.pause_button, "Space", self.pause),
            (screen.stop_button, "Escape", self.stop),
            (screen.traces_button, "T", self.toggle_traces),
            (screen.far_button, "F", self.toggle_far),
            (screen.keys_button, "?", self.toggle_keys),
        )
        for button, key, action in actions:
            button.clicked.connect(action)
            self._give_key(key, action)
        for key, asked in KEYS.items():
            self._give_key(key, partial(self._on_key, asked))
        for key, value in ANSWERS.items():
            self._give_key(key, partial(self._answer, value))
        self._give_key("+", lambda: self._rescale(+1))
        self._give_key("-", lambda: self._rescale(-1))
        if self._follows_system:
            self._hints = QGuiApplication.styleHints()
            self._hints.colorSchemeChanged.connect(self._take_system_theme)

    def _give_key(self, key: str, action: Callable[[], None]) -> None:
        shortcut = QShortcut(self)
        shortcut.setKeys([QKeySequence(key), QKeySequence(f"Shift+{key}")])  # where "?" and "+" need Shift
        shortcut.activated.connect(action)

    def frame(self) -> None:
        """Show what the session knows now."""
        now_s = time.monotonic()
        moment = self._read()
        self._stage, self._question = moment.stage, moment.cue.question
        self._exercise = self._exercises.get(moment.cue.exercise or "", self._exercise)
        view = train_view(moment, self._exercise, self._texts, replay=self._replay)
        self.screen_.show_view(view, now_s - self._then_s)
        self._then_s = now_s
        if self._traces is not None and self._traces.isVisible():
            self._traces.refresh(moment)

    def _answer(self, value: Value) -> None:
        """Answer what is asked, if anything is."""
        if self._question is not None:
            self._on_answer(self._question, value)

    def pause(self) -> None:
        """Pause, or go on."""
        if self._stage in ("running", "reference", "paused"):
            self._on_pause()

    def stop(self) -> None:
        """Stop at once; after the end, close."""
        if self._stage == "finished" or self._stopped:
            self.close()
            return
        self._stopped = True
        self._on_stop()

    def toggle_traces(self) -> None:
        """Show the raw traces in the place of the gauge, or the gauge again."""
        if self._traces is None:
            from gluteemg.ui.traces import TracesView  # pyqtgraph takes half a second to load: only when it is asked for

            self._traces = TracesView(self._ring, self._texts, self._theme)
        showing = self.screen_.middle is not None and not self.screen_.far
        self.screen_.far = False
        self.screen_.middle = None if showing else self._traces
        self._keys_card.raise_()

    def toggle_far(self) -> None:
        """Show the far view, or the near one again."""
        self.screen_.far = not self.screen_.far

    def toggle_keys(self) -> None:
        """Show the list of keys, or put it away."""
        self._keys_card.setVisible(not self._keys_card.isVisible())
        self._keys_card.raise_()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = self._keys_card.theme = theme
        self.screen_.set_theme(theme)
        if self._traces is not None:
            self._traces.theme = theme

    def _take_system_theme(self) -> None:
        self.set_theme(system_theme())

    def _rescale(self, steps: int) -> None:
        if self._traces is not None and self._traces.isVisible():
            self._traces.rescale(steps)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Begin to draw."""
        super().showEvent(event)
        self.screen_.setFocus()  # no button is lit before somebody presses Tab
        self._then_s = time.monotonic()
        self.frame()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop drawing."""
        self._timer.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Keep the list of keys in the middle."""
        super().resizeEvent(event)
        self._keys_card.stand(Sheet.lay(self.screen_.width(), self.screen_.height(), far=False).scale)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Stop: closing is stopping."""
        self._timer.stop()
        if not self._stopped:
            self._stopped = True
            self._on_stop()
        super().closeEvent(event)
