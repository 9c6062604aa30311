"""Buttons that show their key: an outlined one for what matters most, a flat one for the rest."""

from __future__ import annotations

from math import ceil
from typing import Literal

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QWidget

from gluteemg.ui import marks
from gluteemg.ui.lettering import width_of, write
from gluteemg.ui.theme import BUTTON_RADIUS, FOCUS_GAP, FOCUS_LINE, LINE, Theme, Type, colour

Icon = Literal["pause", "play", "stop", "none"]
_RIM = FOCUS_GAP + FOCUS_LINE
"""Room around a button for the ring that shows the keyboard's focus."""
_TARGET = 44.0
_LABEL_X, _PAD = 42.0, 18.0
"""From the left edge to the word, and from the key to the right edge."""


class KeyButton(QPushButton):
    """A button that paints itself in the pixels of the drawings.

    Parameters
    ----------
    theme : Theme
        Colours.
    label, key : str
        Its word, and the name of its key.
    icon : {"pause", "play", "stop", "none"}
        Shape before the word; a flat button has none.
    parent : QWidget
        Where it stands.
    """

    def __init__(self, theme: Theme, label: str, key: str, icon: Icon, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self._key = key
        self._scale = 1.0
        self.icon_shape: Icon = icon
        self.relabel(label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(True)  # Enter presses it; Space is pause, always

    def relabel(self, label: str, icon: Icon | None = None) -> None:
        """Give it another word, and perhaps another shape."""
        if icon is not None:
            self.icon_shape = icon
        self.setText(label)
        self.setAccessibleName(f"{label}, {self._key}")
        self.update()

    @property
    def width_needed(self) -> float:
        """How wide it is, in the pixels of the drawings."""
        label = width_of(self.text(), Type.AXIS if self.icon_shape == "none" else Type.BUTTON)
        inner = label + 8 + marks.key_cap_width(self._key)
        return max(inner, _TARGET) if self.icon_shape == "none" else _LABEL_X + inner + _PAD

    def stand(self, x: float, y: float, height: float, scale: float, origin: tuple[float, float]) -> None:
        """Place it: top left and height in the pixels of the drawings, which are `scale` real ones, from `origin`."""
        self._scale = scale
        left, top = origin[0] + (x - _RIM) * scale, origin[1] + (y - _RIM) * scale
        size = QSize(ceil((self.width_needed + 2 * _RIM) * scale), round((height + 2 * _RIM) * scale))
        self.setGeometry(round(left), round(top), size.width(), size.height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self._scale, self._scale)
        outer = QRectF(0, 0, self.width() / self._scale, self.height() / self._scale)
        box = outer.adjusted(_RIM, _RIM, -_RIM, -_RIM)
        if not self.isEnabled():
            painter.setOpacity(0.5)
        if self.icon_shape == "none":
            self._paint_flat(painter, box)
        else:
            self._paint_outlined(painter, box)
        if self.hasFocus():
            half = FOCUS_LINE / 2
            painter.setPen(marks.pen(self.theme.ink, FOCUS_LINE))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(outer.adjusted(half, half, -half, -half), BUTTON_RADIUS + 4, BUTTON_RADIUS + 4)
        painter.end()

    def _paint_outlined(self, painter: QPainter, box: QRectF) -> None:
        theme = self.theme
        painter.setPen(marks.pen(theme.edge, LINE))
        painter.setBrush(colour(theme.raised if self.isDown() or self.underMouse() else theme.surface))
        half = LINE / 2
        painter.drawRoundedRect(box.adjusted(half, half, -half, -half), BUTTON_RADIUS, BUTTON_RADIUS)
        y = box.center().y()
        _paint_icon(painter, theme, self.icon_shape, box.left() + 27, y)
        label = width_of(self.text(), Type.BUTTON)
        write(painter, self.text(), Type.BUTTON, theme.ink, box.left() + _LABEL_X, y + 5.8, label + 4)
        marks.key_cap(painter, theme, self._key, box.right() - _PAD - marks.key_cap_width(self._key), y, theme.edge)

    def _paint_flat(self, painter: QPainter, box: QRectF) -> None:
        theme, y, near = self.theme, box.center().y(), self.underMouse()
        marks.key_cap(painter, theme, self._key, box.left(), y, theme.edge if near else theme.hairline)
        after = marks.key_cap_width(self._key) + 8
        write(
            painter, self.text(), Type.AXIS, theme.ink if near else theme.muted, box.left() + after, y + 5, box.width() - after
        )


def _paint_icon(painter: QPainter, theme: Theme, icon: Icon, x: float, y: float) -> None:
    painter.setPen(marks.pen(theme.ink, 2.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if icon == "pause":
        painter.drawLines([QLineF(x - 2.5, y - 5, x - 2.5, y + 5), QLineF(x + 2.5, y - 5, x + 2.5, y + 5)])
    elif icon == "stop":
        painter.drawRect(QRectF(x - 4.2, y - 4.2, 8.4, 8.4))
    else:
        marks.play(painter, x, y)
