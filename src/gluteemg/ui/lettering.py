"""Text on the painted screen: one function writes every word, and knows the room it may take."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from PySide6.QtCore import QPointF
from PySide6.QtGui import QFontMetricsF, QPainter

from gluteemg.ui.theme import Type, colour, font

Align = Literal["left", "middle", "right"]


@lru_cache(maxsize=4096)
def width_of(text: str, role: Type) -> float:
    """Measure a text, in the pixels of the drawings."""
    return QFontMetricsF(font(role)).horizontalAdvance(text)


def write(
    painter: QPainter, text: str, role: Type, hex: str, x: float, baseline: float, room: float, align: Align = "left"
) -> None:
    """Write one line.

    A text that is wider than its `room` is pressed into it: the catalogue should have it shorter, but no word is ever cut.

    Parameters
    ----------
    painter : QPainter
        Paints in the pixels of the drawings.
    text, role, hex
        What, in which type, in which colour.
    x, baseline : float
        Where; `x` is the left end, the middle or the right end, as `align` says.
    room : float
        Widest it may be.
    """
    if not text:
        return
    width = width_of(text, role)
    shown = min(width, room)
    left = x - {"left": 0.0, "middle": shown / 2, "right": shown}[align]
    painter.setPen(colour(hex))
    painter.setFont(font(role))
    _put(painter, text, role, left, baseline, width, room)


def _put(painter: QPainter, text: str, role: Type, left: float, baseline: float, width: float, room: float) -> None:  # noqa: ARG001
    """Draw a measured text; every text of the screen comes through here, so that a test can see where."""
    if width <= room:
        painter.drawText(QPointF(left, baseline), text)
        return
    painter.save()
    painter.translate(left, baseline)
    painter.scale(room / width, 1.0)
    painter.drawText(QPointF(0, 0), text)
    painter.restore()


@lru_cache(maxsize=512)
def wrap(text: str, role: Type, room: float) -> tuple[str, ...]:
    """Break a text into the fewest lines that fit `room`, as even as can be."""
    words = text.split(" ")  # a no-break space holds together
    fewest = _greedy(words, role, room)
    for line in range(20, int(room) + 20, 20):
        lines = _greedy(words, role, min(line, room))
        if len(lines) == len(fewest) and all(width_of(part, role) <= room for part in lines):
            return lines
    return fewest


def _greedy(words: list[str], role: Type, room: float) -> tuple[str, ...]:
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, role) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)
