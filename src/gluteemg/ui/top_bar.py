"""The top line: what is practised, and whether the sensors are well."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from gluteemg.ui import marks
from gluteemg.ui.lettering import width_of, write
from gluteemg.ui.motion import FADE_S, Fade
from gluteemg.ui.theme import BUTTON_RADIUS, LINE, MARGIN, Theme, Type, colour
from gluteemg.ui.view import SensorView, TrainView

_Y = 44.0
_MARK_R, _SIGHT_R = 8.0, 9.0
_STEP, _SIDE, _GROUP = 34.0, 14.0, 26.0
"""From mark to mark, room for the initial of a side, from group to group."""


class TopBar:
    """Paints the title and the sensors, and keeps their fade.

    Parameters
    ----------
    fade_s : float
        Length of a cross-fade; 0 where motion is reduced.
    """

    def __init__(self, fade_s: float = FADE_S) -> None:
        self._title = ("", "", "")
        self._sensors: Fade[tuple[tuple[SensorView, ...], str]] = Fade(fade_s)

    def advance(self, view: TrainView, dt_s: float) -> bool:
        """Take what is to be shown, move on by `dt_s`, and say whether anything looks different."""
        before, self._title = self._title, (view.exercise, view.set_line, view.notice)
        return self._sensors.advance((view.sensors, view.signal), dt_s) or before != self._title

    def paint(self, painter: QPainter, theme: Theme, width: float) -> None:
        """Paint it across `width`, in the pixels of the drawings."""
        exercise, set_line, notice = self._title
        if notice:
            marks.warning(painter, theme, MARGIN + 9, _Y + 30, 10.5)
            write(painter, notice, Type.AXIS, theme.ink, MARGIN + 28, _Y + 35, width - 2 * MARGIN - 28)
        after = MARGIN + width_of(exercise, Type.EXERCISE) + 8
        write(painter, exercise, Type.EXERCISE, theme.ink, MARGIN, _Y + 6, 420)
        write(painter, set_line, Type.BODY, theme.text, after, _Y + 6, 120)
        room = width - MARGIN - (after + width_of(set_line, Type.BODY) + 24)
        whole = painter.opacity()
        for (sensors, signal), opacity in self._sensors.layers:
            painter.setOpacity(whole * opacity)
            if signal:
                self._paint_all_good(painter, theme, sensors, signal, width - MARGIN)
            else:
                self._paint_each(painter, theme, sensors, width - MARGIN, room)
        painter.setOpacity(whole)

    def _paint_all_good(
        self, painter: QPainter, theme: Theme, sensors: Sequence[SensorView], signal: str, right: float
    ) -> None:
        right -= width_of(signal, Type.BODY)
        write(painter, signal, Type.BODY, theme.text, right, _Y + 6, 160)
        marks.ready(painter, theme, right - 16, _Y, _SIGHT_R)
        x = right - 16 - _STEP + 2
        for sensor in reversed(sensors):
            x -= self._paint_side(painter, theme, sensor, x + _MARK_R)
            marks.muscle(painter, sensor.shape, theme.muscle(sensor.shape), x, _Y, _MARK_R)
            x -= _STEP

    def _paint_each(self, painter: QPainter, theme: Theme, sensors: Sequence[SensorView], right: float, room: float) -> None:
        """Give every sensor its state; those that need help say so in words, as many as there is room for."""
        worded = _worded(sensors, room)
        rest = [sensor for sensor in sensors if sensor not in worded]
        for sensor in reversed(worded):
            width = _chip_width(sensor)
            self._paint_chip(painter, theme, sensor, QRectF(right - width, _Y - 21, width, 42))
            right -= width + 20
        for sensor in reversed(rest):
            right -= _pair_width(sensor)
            x = right + _MARK_R + 4
            self._paint_mark(painter, theme, sensor, x)
            x += self._paint_side(painter, theme, sensor, x + _MARK_R + _SIDE)
            marks.sight(painter, theme, sensor.sight, x + 25, _Y, _SIGHT_R)
            right -= 6

    def _paint_mark(self, painter: QPainter, theme: Theme, sensor: SensorView, x: float) -> None:
        if sensor.sight == "waiting":
            marks.muscle_outline(painter, sensor.shape, theme.muted, x, _Y, _MARK_R)
        else:
            marks.muscle(painter, sensor.shape, theme.muscle(sensor.shape), x, _Y, _MARK_R)

    def _paint_side(self, painter: QPainter, theme: Theme, sensor: SensorView, right: float) -> float:
        """Write the initial of the side, and give the room it takes."""
        if not sensor.side:
            return 0.0
        write(painter, sensor.side, Type.CAPTION, theme.text, right, _Y + 5, _SIDE, "right")
        return _SIDE

    def _paint_chip(self, painter: QPainter, theme: Theme, sensor: SensorView, box: QRectF) -> None:
        adjust = sensor.sight == "adjust"
        painter.setBrush(colour(theme.warning_strip if adjust else theme.background))
        painter.setPen(marks.pen(theme.warning_edge if adjust else theme.edge, LINE, None if adjust else (6, 4)))
        painter.drawRoundedRect(box, BUTTON_RADIUS, BUTTON_RADIUS)
        self._paint_mark(painter, theme, sensor, box.left() + 24)
        text = 42.0
        if sensor.sight != "waiting":
            marks.sight(painter, theme, sensor.sight, box.left() + 50, _Y, _SIGHT_R if sensor.sight == "lost" else 10.5)
            text = 72.0
        write(painter, sensor.words, Type.BUTTON, theme.ink, box.left() + text, _Y + 6, box.width() - text)


def _chip_width(sensor: SensorView) -> float:
    return (42.0 if sensor.sight == "waiting" else 72.0) + width_of(sensor.words, Type.BUTTON) + 24.0


def _pair_width(sensor: SensorView) -> float:
    return (_STEP if sensor.sight == "waiting" else 25 + _GROUP) + (_SIDE if sensor.side else 0.0)


def _worded(sensors: Sequence[SensorView], room: float) -> list[SensorView]:
    """Choose whose state is said in words: the lost first, then those to adjust, while all still fit beside the rest."""
    worded: list[SensorView] = []
    urgent = [s for sight in ("lost", "adjust", "waiting") for s in sensors if s.sight == sight]
    left = room - sum(_pair_width(s) + 6 for s in sensors)
    for sensor in urgent:
        left -= _chip_width(sensor) + 20 - (_pair_width(sensor) + 6)
        if left < 0:
            break
        worded.append(sensor)
    return [s for s in sensors if s in worded]
