"""Raw traces: every channel in its lane, on one time axis, with a fixed and printed scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.muscles import Role
from gluteemg.session import Moment
from gluteemg.ui import marks
from gluteemg.ui.lettering import width_of, write
from gluteemg.ui.theme import STROKE, Theme, Type, colour
from gluteemg.ui.trace_ring import WINDOW_S, Channel, Trace, TraceRing
from gluteemg.ui.view import link_lines, shape_of

_LEFT, _RIGHT, _BOTTOM = 190.0, 76.0, 36.0
"""Room for names, scales and the time axis, in the pixels of the drawings."""
_HIGHEST = 0.46
"""A trace stays within this part of its lane on either side of its middle."""
_SCALES = tuple(step * 10**power for power in range(5) for step in (1.0, 2.0, 5.0))
_SHORTEST_NAMED_S = 0.1
_LINE_STEP = 18.0


class TracesView(QWidget):
    """The last ten seconds of every channel.

    Parameters
    ----------
    ring : TraceRing
        Where the signals are.
    texts : Texts
        Names and units.
    theme : Theme
        Colours.
    parent : QWidget or None
        Where it stands.
    """

    def __init__(self, ring: TraceRing, texts: Texts, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ring = ring
        self._plot = pg.PlotWidget(self)
        self._plot.hideAxis("left")
        self._plot.hideAxis("bottom")
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setRange(xRange=(-WINDOW_S, 0), yRange=(0, max(len(ring.channels), 1)), padding=0)
        self._curves = [pg.PlotCurveItem(skipFiniteCheck=True) for _ in ring.channels]
        for curve in self._curves:
            self._plot.addItem(curve)
        self._frame = _TraceFrame(ring.channels, texts, theme, self)
        self.theme = theme
        title = texts.say(Message("train.traces_title", {"seconds": f"{WINDOW_S:g}"}))
        self.setAccessibleName(title)
        self.setAccessibleDescription(self._frame.description)

    @property
    def theme(self) -> Theme:
        """Its colours."""
        return self._frame.theme

    @theme.setter
    def theme(self, theme: Theme) -> None:
        self._frame.theme = theme
        self._plot.setBackground(theme.background)
        for channel, curve in zip(self._ring.channels, self._curves, strict=True):
            curve.setPen(pg.mkPen(theme.muscle(shape_of(channel.role.muscle)), width=1))
        self.update()

    def rescale(self, steps: int) -> None:
        """Make every scale finer (below 0) or coarser (above 0) by so many steps of 1, 2, 5, 10 …; only a person does that."""
        self._frame.scale = [_SCALES[min(max(_nearest(s) + steps, 0), len(_SCALES) - 1)] for s in self._frame.scale]
        self.setAccessibleDescription(self._frame.description)

    def refresh(self, moment: Moment) -> None:
        """Draw what the ring holds now, and how well each sensor is heard."""
        now_s, traces = self._ring.snapshot()
        lanes = len(self._ring.channels)
        for lane, (channel, curve) in enumerate(zip(self._ring.channels, self._curves, strict=True)):
            trace = traces[channel.role]
            middle = lanes - lane - 0.5
            height = np.clip(np.column_stack((trace.low, trace.high)) / self._frame.scale[lane], -1.0, 1.0) * _HIGHEST
            # Two points a column, lowest and highest; each column goes on from the one before, save after a hole.
            connect = np.ones((len(trace.t_s), 2), np.bool_)
            connect[:-1, 1] = trace.joined[1:]
            curve.setData(np.repeat(trace.t_s - now_s, 2), (middle + height).ravel(), connect=connect.ravel())
        self._frame.take(now_s, traces, moment)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Place the plot inside its frame."""
        super().resizeEvent(event)
        self._frame.setGeometry(self.rect())
        self._plot.setGeometry(self._frame.inside().toRect())


def _nearest(scale: float) -> int:
    return min(range(len(_SCALES)), key=lambda i: abs(np.log(_SCALES[i] / scale)))


class _TraceFrame(QWidget):
    """Names, scales, time axis and holes, painted over the curves."""

    def __init__(self, channels: Sequence[Channel], texts: Texts, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.theme = theme
        self.scale = [channel.full_scale for channel in channels]
        self._channels = channels
        self._names = [
            (texts.words(f"label.{c.role.muscle.rstrip('0123456789')}"), texts.words(f"side.{c.role.side}")) for c in channels
        ]
        self._none = texts.words("train.traces_none")
        self._texts = texts
        self._holes: list[list[tuple[float, float]]] = [[] for _ in channels]
        self._lines: list[list[str]] = [[] for _ in channels]

    @property
    def description(self) -> str:
        """Which channels there are, with their scales."""
        lanes = zip(self._names, self._channels, self.scale, strict=True)
        return " ".join(f"{name}, {side}: ± {scale:g} {channel.unit}." for (name, side), channel, scale in lanes) or self._none

    @property
    def _factor(self) -> float:
        """Real pixels for one of the drawings."""
        return self.height() / 568

    def inside(self) -> QRectF:
        """Give the place of the curves, in real pixels."""
        factor = self._factor
        return QRectF(_LEFT * factor, 0, self.width() - (_LEFT + _RIGHT) * factor, self.height() - _BOTTOM * factor)

    def take(self, now_s: float, traces: dict[Role, Trace], moment: Moment) -> None:
        """Take the holes of every channel, as seconds before now, and how well its sensor is heard."""
        self._holes = [[(start - now_s, end - now_s) for start, end in traces[c.role].holes] for c in self._channels]
        self._lines = [link_lines(moment, c.sensor, c.kind, c.hardware, self._texts) for c in self._channels]
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint everything but the curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        factor = self._factor
        painter.scale(factor, factor)
        inside = self.inside()
        box = QRectF(inside.left() / factor, 0, inside.width() / factor, inside.height() / factor)
        if not self._channels:
            write(painter, self._none, Type.BODY, self.theme.text, box.center().x(), box.center().y(), box.width(), "middle")
        height = box.height() / max(len(self._channels), 1)
        for lane in range(len(self._channels)):
            self._paint_lane(painter, QRectF(box.left(), lane * height, box.width(), height), lane)
        self._paint_time(painter, box)
        painter.end()

    def _paint_lane(self, painter: QPainter, box: QRectF, lane: int) -> None:
        theme, channel, (name, side) = self.theme, self._channels[lane], self._names[lane]
        shape, middle, reach = shape_of(channel.role.muscle), box.center().y(), _HIGHEST * box.height()
        lines = self._lines[lane][: max(int(box.height() / _LINE_STEP) - 3, 0)]  # as many as there is room for
        top = middle - _LINE_STEP * len(lines) / 2
        marks.muscle(painter, shape, theme.muscle(shape), 10, top - 9, 8)
        write(painter, name, Type.BUTTON, theme.ink, 28, top - 3, _LEFT - 40)
        write(painter, side, Type.AXIS, theme.text, 28, top + 16, _LEFT - 40)
        for number, line in enumerate(lines, 1):
            write(painter, line, Type.AXIS, theme.muted, 28, top + 16 + number * _LINE_STEP, _LEFT - 32)
        right = box.right() + _RIGHT - 4
        if box.height() >= 60:
            for sign, y in (("+", middle - reach + 14), ("−", middle + reach - 4)):
                write(painter, f"{sign}{self.scale[lane]:g}", Type.AXIS, theme.muted, right, y, _RIGHT - 8, "right")
            write(painter, channel.unit, Type.AXIS, theme.muted, right, middle + 5, _RIGHT - 8, "right")
        else:
            words = f"± {self.scale[lane]:g} {channel.unit}"
            write(painter, words, Type.AXIS, theme.muted, right, middle + 5, _RIGHT - 8, "right")
        painter.setPen(marks.pen(theme.hairline, 1.0, round_ends=False))
        painter.drawLine(QLineF(0, box.bottom(), box.right() + _RIGHT, box.bottom()))
        for start, end in self._holes[lane]:
            self._paint_hole(painter, box, middle, reach, max(start, -WINDOW_S), end)

    def _paint_hole(self, painter: QPainter, box: QRectF, middle: float, reach: float, start_s: float, end_s: float) -> None:
        """Draw what is missing as a hatched box of its length, with the length in words where there is room."""
        theme, width = self.theme, box.width() / WINDOW_S
        hole = QRectF(box.right() + start_s * width, middle - 0.8 * reach, (end_s - start_s) * width, 1.6 * reach)
        if hole.width() < 3:
            hole.setWidth(3)
        painter.fillRect(hole, colour(theme.background))
        area = QPainterPath()
        area.addRect(hole)
        marks.hatch(painter, area, theme.edge, 1.0)
        painter.setPen(marks.pen(theme.edge, STROKE / 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(hole)
        if end_s - start_s >= _SHORTEST_NAMED_S and box.height() >= 60:
            words = self._texts.say(Message("train.hole", {"seconds": f"{end_s - start_s:.2f}"}))
            half = width_of(words, Type.CAPTION) / 2
            x = min(max(hole.center().x(), box.left() + half), box.right() - half)
            write(painter, words, Type.CAPTION, theme.text, x, middle + reach + 2, 2 * half, "middle")

    def _paint_time(self, painter: QPainter, box: QRectF) -> None:
        for ago in range(0, int(WINDOW_S) + 1, 2):
            x = box.right() - ago * box.width() / WINDOW_S
            words = Message("train.ago", {"seconds": f"−{ago}"}) if ago else Message("train.now")
            painter.setPen(marks.pen(self.theme.edge, 1.0, round_ends=False))
            painter.drawLine(QLineF(x, box.bottom(), x, box.bottom() + 6))
            write(painter, self._texts.say(words), Type.AXIS, self.theme.muted, x, box.bottom() + 24, 60, "middle")
