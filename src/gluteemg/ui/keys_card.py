"""The list of keys, over the screen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gluteemg.coaching.texts import Texts
from gluteemg.ui import marks
from gluteemg.ui.lettering import write
from gluteemg.ui.theme import STRIP_RADIUS, STROKE, Theme, Type, colour

_ROW, _WIDTH, _PAD = 40.0, 460.0, 28.0


def rows(texts: Texts) -> list[tuple[str, str]]:
    """Give every key of the Train screen with what it does."""
    keys = (
        (texts.words("control.key_space"), "pause_or_resume"),
        (texts.words("control.key_escape"), "stop_and_keep"),
        ("G", "go_on_at_once"),
        ("→", "leave_out"),
        ("E", "end_set"),
        ("D", "not_this_change"),
        ("C", "cramp"),
        ("H", "hurts"),
        ("0 … 9", "answer"),
        ("T", "traces_or_gauge"),
        ("F", "near_or_far"),
        ("+", "scale_coarser"),
        ("−", "scale_finer"),
        ("?", "list_of_keys"),
    )
    return [(key, texts.words(f"control.{words}")) for key, words in keys]


class KeysCard(QWidget):
    """A card with every key; a click puts it away.

    Parameters
    ----------
    texts : Texts
        Words.
    theme : Theme
        Colours.
    parent : QWidget
        What it lies over.
    """

    def __init__(self, texts: Texts, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self._over = parent
        self._title = texts.words("control.keys_title")
        self._rows: Sequence[tuple[str, str]] = rows(texts)
        self.setObjectName("keys")
        self.setAccessibleName(self._title)
        self.setAccessibleDescription(" ".join(f"{key}: {words}." for key, words in self._rows))
        self.hide()

    def stand(self, scale: float) -> None:
        """Lie in the middle of the parent, at the scale of the drawings."""
        whole = self._over.rect()
        width, height = _WIDTH * scale, (_ROW * len(self._rows) + 90) * scale
        self.setGeometry(round((whole.width() - width) / 2), round((whole.height() - height) / 2), round(width), round(height))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.width() / _WIDTH, self.width() / _WIDTH)
        box = QRectF(0, 0, _WIDTH, self.height() * _WIDTH / self.width())
        painter.setPen(marks.pen(self.theme.edge, STROKE))
        painter.setBrush(colour(self.theme.surface))
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), STRIP_RADIUS, STRIP_RADIUS)
        write(painter, self._title, Type.EXERCISE, self.theme.ink, _PAD, 48, _WIDTH - 2 * _PAD)
        for i, (key, words) in enumerate(self._rows):
            y = 88 + i * _ROW
            marks.key_cap(painter, self.theme, key, _PAD, y, self.theme.edge)
            write(painter, words, Type.BODY, self.theme.text, _PAD + 80, y + 5.8, _WIDTH - 2 * _PAD - 80)
        painter.end()

    def mousePressEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 (Qt's name)
        """Put it away."""
        self.hide()
