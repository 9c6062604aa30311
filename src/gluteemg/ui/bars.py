"""Level bars: how hard a muscle works, against the least that counts as working."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF

from gluteemg.ui import marks
from gluteemg.ui.lettering import width_of, write
from gluteemg.ui.motion import FADE_S, Fade, Level
from gluteemg.ui.theme import BAR_RADIUS, HATCH_STEP, STROKE, Theme, Type, colour
from gluteemg.ui.view import BarView


@dataclass(frozen=True, slots=True)
class BarPlace:
    """Where a bar stands, in the pixels of the drawings; `far` leaves out every number."""

    box: QRectF
    far: bool = False


class LevelBar:
    """Paints one bar and keeps its motion.

    Parameters
    ----------
    fade_s : float
        Length of a cross-fade; 0 where motion is reduced.
    """

    def __init__(self, fade_s: float = FADE_S) -> None:
        self._level = Level()
        self._style: Fade[str] = Fade(fade_s)
        self._figure: Fade[str] = Fade(0.0)
        self._view: BarView | None = None
        self._at = 0.0

    def advance(self, view: BarView, dt_s: float) -> bool:
        """Take what is to be shown, move on by `dt_s`, and say whether anything looks different."""
        at = self._level.advance(view.level, dt_s)
        style = "none" if at is None else "under" if view.floor is not None and at < view.floor else "over"
        before, self._view = self._at, view
        if at is not None:
            self._at = round(at, 3)
        changed = self._style.advance(style, dt_s)
        return self._figure.advance(view.figure, dt_s) or changed or before != self._at

    def paint(self, painter: QPainter, theme: Theme, place: BarPlace) -> None:
        """Paint it."""
        view = self._view
        if view is None:
            return
        whole = painter.opacity()
        for style, opacity in self._style.layers:
            painter.setOpacity(whole * opacity)
            if style == "none":
                self._paint_empty(painter, theme, place, view)
            else:
                self._paint_level(painter, theme, place, view, solid=style == "over")
        painter.setOpacity(whole)

    def _paint_empty(self, painter: QPainter, theme: Theme, place: BarPlace, view: BarView) -> None:
        painter.setPen(marks.pen(theme.edge, STROKE, (8, 8)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(place.box, BAR_RADIUS, BAR_RADIUS)
        self._paint_floor(painter, theme, place, view, theme.edge, theme.muted)
        self._paint_name(painter, theme, place, view, theme.muted)
        if not place.far:
            x, y = place.box.center().x(), place.box.bottom() + 42
            words = "–" if view.floor is None else view.no_reading
            write(painter, words, Type.BODY, theme.text, x, y, 100, "middle")

    def _paint_level(self, painter: QPainter, theme: Theme, place: BarPlace, view: BarView, solid: bool) -> None:
        box, hex = place.box, theme.muscle(view.shape)
        radius = min(BAR_RADIUS, box.width() / 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(theme.track))
        painter.drawRoundedRect(box, radius, radius)
        top = box.bottom() - min(max(self._at, 0.0), 1.0) * box.height()
        body = QPainterPath()
        body.addRoundedRect(box, radius, radius)
        filled = QPainterPath()
        filled.addRect(QRectF(box.left(), top, box.width(), box.bottom() - top))
        filled = filled.intersected(body)
        if solid:
            painter.fillPath(filled, colour(hex))
        else:
            marks.hatch(painter, filled, hex, 3.0, HATCH_STEP * max(1.0, box.width() / 60))
            painter.setPen(marks.pen(hex, 3.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(_inset(filled, box, top))
        if theme.outlined:
            painter.setPen(marks.pen(theme.ink, STROKE))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, radius, radius)
        if self._at > 1.0:
            painter.setPen(marks.pen(theme.ink, 4.0))
            painter.drawLine(QLineF(box.left() + 4, box.top() - 7, box.right() - 4, box.top() - 7))
        self._paint_floor(painter, theme, place, view, theme.ink, theme.text)
        self._paint_name(painter, theme, place, view, hex)
        if not place.far:
            self._paint_figure(painter, theme, place, view)

    def _paint_floor(self, painter: QPainter, theme: Theme, place: BarPlace, view: BarView, hex: str, text: str) -> None:
        """Draw the floor: a line across with a wedge at its left, clear of the fill."""
        if view.floor is None:
            return
        box, size = place.box, place.box.width() / 60
        y = box.bottom() - view.floor * box.height()
        line = QLineF(box.left() - 12 * size, y, box.right() + 12 * size, y)
        painter.setPen(marks.pen(theme.background, 8 * size, round_ends=False))
        painter.drawLine(line)
        painter.setPen(marks.pen(hex, 4 * size))
        painter.drawLine(line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(hex))
        tip = QPointF(line.x1(), y)
        wedge = [tip, QPointF(tip.x() - 12 * size, y - 8 * size), QPointF(tip.x() - 12 * size, y + 8 * size)]
        painter.drawPolygon(QPolygonF(wedge))
        if not place.far:
            write(painter, view.floor_words, Type.BODY, text, box.right() + 24, y + 6, 68)

    def _paint_name(self, painter: QPainter, theme: Theme, place: BarPlace, view: BarView, hex: str) -> None:
        box = place.box
        if place.far:
            marks.muscle(painter, view.shape, hex, box.center().x(), box.bottom() + 60, 30)
            return
        left = box.center().x() - (width_of(view.name, Type.BODY) + 24) / 2
        marks.muscle(painter, view.shape, hex, left + 8, box.top() - 24, 8)
        write(painter, view.name, Type.BODY, theme.text, left + 24, box.top() - 18, 106)

    def _paint_figure(self, painter: QPainter, theme: Theme, place: BarPlace, view: BarView) -> None:
        """Write the level below: large, with its unit, of the glutes, which have the floor; small of the others."""
        text, x, y = self._figure.value, place.box.center().x(), place.box.bottom() + 46
        if view.shape != "glute":
            write(painter, text, Type.FIGURE_SMALL, theme.ink, x, y, 60, "middle")
            return
        write(painter, text, Type.FIGURE, theme.ink, x, y, 80, "middle")
        write(painter, view.unit, Type.BODY, theme.text, x + width_of(text, Type.FIGURE) / 2 + 6, y, 70)


def _inset(filled: QPainterPath, box: QRectF, top: float) -> QPainterPath:
    """Shrink the filled part by half its line, so that the outline stays inside the bar."""
    inner = QPainterPath()
    radius = min(BAR_RADIUS, box.width() / 2) - 1.5
    inner.addRoundedRect(box.adjusted(1.5, 1.5, -1.5, -1.5), radius, radius)
    below = QPainterPath()
    below.addRect(QRectF(box.left(), min(top + 1.5, box.bottom()), box.width(), max(box.bottom() - top - 1.5, 0.0)))
    return filled if filled.isEmpty() else below.intersected(inner)
