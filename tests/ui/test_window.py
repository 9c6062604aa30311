"""The window: keys, one timer, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from tests.ui import moments
from tests.ui.moments import MOMENTS
from tests.ui.pictures import ring

from gluteemg.session import Moment
from gluteemg.ui.theme import DARK, HIGH_CONTRAST, LIGHT
from gluteemg.ui.window import TrainWindow


class Person:
    """What a person did, and what the session would show."""

    def __init__(self) -> None:
        self.did: list[object] = []
        self.moment: Moment = MOMENTS["running"]

    def pause(self) -> None:
        self.did.append("pause")
        paused = self.moment.stage == "paused"
        self.moment = replace(self.moment, stage="running" if paused else "paused")

    def stop(self) -> None:
        self.did.append("stop")
        self.moment = replace(self.moment, stage="finished")


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def window(qtbot: QtBot, person: Person) -> TrainWindow:
    made = TrainWindow(
        {"bridge": moments.exercise()},
        moments.texts(),
        lambda: person.moment,
        ring(),
        DARK,
        on_pause=person.pause,
        on_stop=person.stop,
    )
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    return made


@pytest.fixture
def press(window: TrainWindow) -> Callable[[Qt.Key], None]:
    def pressed(key: Qt.Key) -> None:
        QTest.keyClick(window, key)
        window.frame()

    return pressed


def test_the_window_speaks_the_language_of_its_texts(qtbot: QtBot) -> None:
    made = TrainWindow({"bridge": moments.exercise()}, moments.texts("de"), lambda: MOMENTS["running"], ring(), DARK)
    qtbot.addWidget(made)
    made.frame()
    screen = made.screen_
    assert made.windowTitle() == "Brücke · gluteemg"
    assert screen.accessibleName() == "Brücke, Satz 2 von 3"
    for said in ("Beinrückseite führt.", "Gesäßanteil 36 %.", "von 10.", "Senken dann", "Hol die Fersen", "3 in der Zone"):
        assert said in screen.accessibleDescription().replace("\N{NO-BREAK SPACE}", " ")
    buttons = [button.accessibleName() for button in screen.findChildren(QWidget) if button.accessibleName()]
    assert buttons[:2] == ["Pause, Leer", "Stopp, Esc"]
    card = made.findChild(QWidget, "keys")
    assert card is not None
    assert "Ein Muskel krampft" in card.accessibleDescription()


def test_space_pauses_and_resumes_wherever_the_keyboard_is(
    window: TrainWindow, person: Person, press: Callable[[Qt.Key], None]
) -> None:
    window.screen_.stop_button.setFocus()
    press(Qt.Key.Key_Space)
    assert window.screen_.pause_button.text() == "Resume"
    press(Qt.Key.Key_Space)
    assert person.did == ["pause", "pause"]


def test_escape_stops_at_once_and_only_once_then_closes(
    window: TrainWindow, person: Person, press: Callable[[Qt.Key], None]
) -> None:
    press(Qt.Key.Key_Escape)
    assert person.did == ["stop"]
    assert window.screen_.stop_button.text() == "Close"
    press(Qt.Key.Key_Escape)
    assert person.did == ["stop"]
    assert not window.isVisible()


def test_closing_the_window_is_stopping(window: TrainWindow, person: Person) -> None:
    window.close()
    assert person.did == ["stop"]


def test_traces_are_one_key_away_and_back(window: TrainWindow, press: Callable[[Qt.Key], None]) -> None:
    press(Qt.Key.Key_T)
    traces = window.screen_.middle
    assert traces is not None
    assert traces.isVisible()
    press(Qt.Key.Key_T)
    assert not traces.isVisible()


def test_the_far_view_is_one_key_away_and_back(window: TrainWindow, press: Callable[[Qt.Key], None]) -> None:
    press(Qt.Key.Key_F)
    assert window.screen_.far
    assert not window.screen_.stop_button.isVisible()
    press(Qt.Key.Key_F)
    assert not window.screen_.far
    assert window.screen_.stop_button.isVisible()


def test_pause_and_stop_work_from_afar(person: Person, press: Callable[[Qt.Key], None]) -> None:
    press(Qt.Key.Key_F)
    press(Qt.Key.Key_Space)
    press(Qt.Key.Key_Escape)
    assert person.did == ["pause", "stop"]


def test_traces_from_the_far_view_come_near(window: TrainWindow, press: Callable[[Qt.Key], None]) -> None:
    press(Qt.Key.Key_F)
    press(Qt.Key.Key_T)
    assert not window.screen_.far
    assert window.screen_.middle is not None


def test_the_list_of_keys_comes_and_goes(window: TrainWindow) -> None:
    card = window.findChild(QWidget, "keys")
    assert card is not None
    QTest.keyClick(window, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
    assert card.isVisible()
    QTest.mouseClick(card, Qt.MouseButton.LeftButton)
    assert not card.isVisible()


def test_tab_reaches_every_button_in_reading_order_and_enter_presses_it(window: TrainWindow, person: Person) -> None:
    window.screen_.pause_button.setFocus()
    reached = []
    for _ in range(5):
        focused = QApplication.focusWidget()
        assert focused is not None
        reached.append(focused.accessibleName())
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    assert reached == ["Pause, Space", "Stop, Esc", "Traces, T", "Far view, F", "Keys, ?"]
    QTest.keyClick(window.screen_.stop_button, Qt.Key.Key_Return)
    assert person.did == ["stop"]


def test_buttons_do_what_their_keys_do(window: TrainWindow, person: Person) -> None:
    window.screen_.pause_button.click()
    window.screen_.stop_button.click()
    assert person.did == ["pause", "stop"]


def test_nothing_to_pause_before_the_set_and_after_it(
    window: TrainWindow, person: Person, press: Callable[[Qt.Key], None]
) -> None:
    for name in ("searching", "finished"):
        person.moment = MOMENTS[name]
        window.frame()
        press(Qt.Key.Key_Space)
    assert person.did == []


def test_the_timer_runs_only_while_the_window_is_seen(window: TrainWindow) -> None:
    (timer,) = [t for t in window.findChildren(QTimer) if t.parent() is window]
    assert timer.isActive()
    window.hide()
    assert not timer.isActive()
    window.show()
    assert timer.isActive()
    window.close()
    assert not timer.isActive()


def test_the_timer_reads_what_is_new(qtbot: QtBot, window: TrainWindow, person: Person) -> None:
    person.moment = MOMENTS["paused"]
    qtbot.waitUntil(lambda: window.screen_.pause_button.text() == "Resume", timeout=1000)


def test_a_theme_that_is_given_is_kept_and_can_be_changed(window: TrainWindow) -> None:
    dark = window.grab().toImage().pixel(5, 5)
    window.toggle_traces()
    window.set_theme(LIGHT)
    assert window.grab().toImage().pixel(5, 5) != dark


def test_without_a_theme_it_follows_the_system(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    window = TrainWindow({"bridge": moments.exercise()}, moments.texts(), lambda: MOMENTS["rest"])
    qtbot.addWidget(window)
    for theme in (LIGHT, HIGH_CONTRAST, DARK):
        monkeypatch.setattr("gluteemg.ui.window.system_theme", lambda theme=theme: theme)
        QApplication.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Unknown)
        assert window.grab().toImage().pixelColor(5, 5).name().upper() == theme.background


def test_the_smallest_window_is_the_smallest_in_which_everything_can_be_read(window: TrainWindow) -> None:
    assert (window.minimumWidth(), window.minimumHeight()) == (1024, 640)
