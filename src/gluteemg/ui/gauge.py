"""The share gauge: a half ring on which hamstrings pull to the left and glutes to the right."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath

from gluteemg.activation.ratio import DEAD_BAND, share_of
from gluteemg.ui import marks
from gluteemg.ui.lettering import width_of, wrap, write
from gluteemg.ui.motion import FADE_S, Fade, Needle
from gluteemg.ui.theme import STROKE, Theme, Type, colour
from gluteemg.ui.view import GaugeKind, GaugeView, Shape, Sign

END = 2 * math.log(2)
"""``ln R`` at the ends of the ring, so that 20, 33, 50, 67 and 80 % stand at equal steps."""
_TICKS = (-END, -END / 2, 0.0, END / 2, END)


def angle_of(ln_ratio: float) -> float:
    """Give the angle of ``ln R`` in degrees, counter-clockwise from the right; beyond the ends it stays at the end."""
    bounded = min(max(ln_ratio, -END), END)
    return 180.0 - (bounded + END) / (2 * END) * 180.0


@dataclass(frozen=True, slots=True)
class GaugePlace:
    """Where the gauge stands, in the pixels of the drawings.

    Parameters
    ----------
    x, y : float
        Centre of the ring, which is the middle of its base line.
    radius, width : float
        Middle of the ring, and how wide it is.
    far : bool
        For three metres: no numbers, verdict in large type.
    """

    x: float
    y: float
    radius: float
    width: float
    far: bool

    @property
    def unit(self) -> float:
        """One pixel of the near drawing."""
        return self.width / 52

    def at(self, ln_ratio: float, offset: float = 0.0) -> QPointF:
        """Give the point on the middle of the ring at ``ln R``, `offset` further out."""
        angle = math.radians(angle_of(ln_ratio))
        reach = self.radius + offset
        return QPointF(self.x + reach * math.cos(angle), self.y - reach * math.sin(angle))

    def across(self, ln_ratio: float, inner: float, outer: float) -> QLineF:
        """Give the line across the ring at ``ln R``, between two offsets from its middle."""
        return QLineF(self.at(ln_ratio, inner), self.at(ln_ratio, outer))

    def arc(self, low: float, high: float, offset: float = 0.0) -> QPainterPath:
        """Give the arc between two values of ``ln R``, `offset` further out than the middle."""
        reach = self.radius + offset
        box = QRectF(self.x - reach, self.y - reach, 2 * reach, 2 * reach)
        path = QPainterPath()
        path.arcMoveTo(box, angle_of(low))
        path.arcTo(box, angle_of(low), angle_of(high) - angle_of(low))
        return path

    def piece(self, low: float, high: float) -> QPainterPath:
        """Give the closed piece of the ring between two values of ``ln R``."""
        half = self.width / 2
        path = self.arc(low, high, half)
        inner = self.arc(high, low, -half)
        path.connectPath(inner)
        path.closeSubpath()
        return path


@dataclass(frozen=True, slots=True)
class _Verdict:
    headline: str
    sign: Sign | None
    reason: str


class ShareGauge:
    """Paints the gauge and keeps its motion.

    Parameters
    ----------
    zone_label, left, right : str
        "Your zone" and the names of both ends.
    fade_s : float
        Length of a cross-fade; 0 where motion is reduced.
    """

    def __init__(self, zone_label: str, left: str, right: str, fade_s: float = FADE_S) -> None:
        self._words = (zone_label, left, right)
        self._needle = Needle()
        self._kind: Fade[GaugeKind] = Fade(fade_s)
        self._verdict: Fade[_Verdict] = Fade(fade_s)
        self._lines: Fade[tuple[str, str]] = Fade(0.0)
        self._reading: tuple[float, float] | None = None
        self._zone = (0.0, 0.0)

    def advance(self, view: GaugeView, dt_s: float) -> bool:
        """Take what is to be shown, move on by `dt_s`, and say whether anything looks different."""
        before = (self._reading, self._zone)
        at = self._needle.advance(view.ln_ratio, dt_s)
        self._zone = view.zone
        changed = self._kind.advance(view.kind, dt_s)
        changed |= self._verdict.advance(_Verdict(view.headline, view.sign, view.reason), dt_s)
        changed |= self._lines.advance((view.share_line, view.zone_line), dt_s)
        if at is not None:
            self._reading = (round(at, 4), view.uncertainty)
        return changed or before != (self._reading, self._zone)

    def paint(self, painter: QPainter, theme: Theme, place: GaugePlace) -> None:
        """Paint it."""
        whole = painter.opacity()
        for kind, opacity in self._kind.layers:
            painter.setOpacity(whole * opacity)
            if kind == "muted":
                self._paint_muted(painter, theme, place)
            else:
                self._paint_track(painter, theme, place)
                if kind == "share" and self._reading is not None:
                    self._paint_reading(painter, theme, place, *self._reading)
        painter.setOpacity(whole)
        self._paint_ends(painter, theme, place)
        paint_verdict = self._paint_far_verdict if place.far else self._paint_verdict
        for verdict, opacity in self._verdict.layers:
            painter.setOpacity(whole * opacity)
            paint_verdict(painter, theme, place, verdict)
        painter.setOpacity(whole)
        if not place.far and not self._verdict.value.reason:
            share, zone = self._lines.value
            write(painter, share, Type.LEAD, theme.text, place.x, place.y - 34, 420, "middle")
            write(painter, zone, Type.BODY, theme.muted, place.x, place.y - 8, 400, "middle")

    def _paint_track(self, painter: QPainter, theme: Theme, place: GaugePlace) -> None:
        unit, half = place.unit, place.width / 2
        low, high = self._zone
        painter.fillPath(place.piece(-END, END), colour(theme.track))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if theme.outlined:
            painter.setPen(marks.pen(theme.ink, STROKE * unit))
            painter.drawPath(place.piece(-END, END))
        edge = half - 2.1 * unit
        painter.setPen(marks.pen(theme.zone, 3.1 * unit, (6.2 * unit, 7.3 * unit)))
        painter.drawPath(place.arc(low - DEAD_BAND, low, edge))
        painter.fillPath(place.piece(low, high), colour(theme.zone_fill))
        if theme.outlined:
            marks.hatch(painter, place.piece(low, high), theme.zone)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(marks.pen(theme.zone, 4.0 * unit, round_ends=False))
        painter.drawPath(place.arc(low, high, edge))
        painter.setPen(marks.pen(theme.zone, 4.0 * unit))
        for end in (low, high):
            painter.drawLine(place.across(end, -half + 1.0 * unit, half + 8.0 * unit))
        self._paint_scale(painter, theme, place)

    def _paint_scale(self, painter: QPainter, theme: Theme, place: GaugePlace) -> None:
        half = place.width / 2
        if place.far:
            painter.setPen(marks.pen(theme.edge, 6.7, round_ends=False))
            painter.drawLine(place.across(0.0, -half - 8.9, -half - 31.2))
            return
        painter.setPen(marks.pen(theme.edge, STROKE, round_ends=False))
        for tick in _TICKS:
            painter.drawLine(place.across(tick, -half - 3.0, -half - 10.2))
        for tick in _TICKS:
            end = abs(tick) == END  # the outer labels stand beside their ticks, clear of the base line
            at = place.at(tick, -half - (35.0 if end else 27.0))
            write(
                painter,
                f"{100 * share_of(tick):.0f}",
                Type.AXIS,
                theme.muted,
                at.x(),
                at.y() + (-3 if end else 5),
                40,
                "middle",
            )
        middle = place.at(sum(self._zone) / 2, half + 26.0)
        lean = min(max(4 * (middle.x() - place.x) / place.radius, -1.0), 1.0)  # it hangs on the outer side of its point
        label = self._words[0]
        width = width_of(label, Type.CAPTION_STRONG)
        write(painter, label, Type.CAPTION_STRONG, theme.zone, middle.x() - width / 2 + lean * width / 2, middle.y() + 5, 120)

    def _paint_reading(self, painter: QPainter, theme: Theme, place: GaugePlace, at: float, uncertainty: float) -> None:
        unit, half = place.unit, place.width / 2
        at_end = min(max(at, -END), END)
        spread = place.piece(max(at_end - uncertainty, -END), min(at_end + uncertainty, END))
        if theme.outlined:
            marks.hatch(painter, spread, theme.ink)
            painter.setPen(marks.pen(theme.ink, STROKE * unit))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(spread)
        else:
            painter.fillPath(spread, marks.tint(theme.ink, theme.range_opacity))
        needle = place.across(at_end, -half - 10.0 * unit, half + 10.0 * unit)
        for hex, width in ((theme.background, 14.0), (theme.ink, 8.0)):
            painter.setPen(marks.pen(hex, width * unit))
            painter.drawLine(needle)
        if abs(at) > END:
            self._paint_beyond(painter, theme, place, math.copysign(1.0, at))

    def _paint_beyond(self, painter: QPainter, theme: Theme, place: GaugePlace, side: float) -> None:
        """Draw the chevron that says: further than this gauge goes."""
        unit = place.unit
        painter.setPen(marks.pen(theme.ink, 4.0 * unit))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        x = place.x + side * (place.radius + place.width / 2 + 20 * unit)
        painter.drawPolyline(
            [QPointF(x, place.y - 8 * unit), QPointF(x + side * 8 * unit, place.y), QPointF(x, place.y + 8 * unit)]
        )

    def _paint_muted(self, painter: QPainter, theme: Theme, place: GaugePlace) -> None:
        unit, half = place.unit, place.width / 2
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(marks.pen(theme.edge, STROKE * unit, (8 * unit, 8 * unit)))
        for offset in (half, -half):
            painter.drawPath(place.arc(-END, END, offset))
        painter.setPen(marks.pen(theme.edge, STROKE * unit, round_ends=False))
        for end in (-END, END):
            painter.drawLine(place.across(end, -half, half))

    def _paint_ends(self, painter: QPainter, theme: Theme, place: GaugePlace) -> None:
        y = place.y + (60 if place.far else 33)
        if place.far:
            marks.muscle(painter, "hamstring", theme.hamstring, place.x - place.radius, y, 30)
            marks.muscle(painter, "glute", theme.glute, place.x + place.radius, y, 30)
            return
        _, left, right = self._words
        for name, side in ((left, -1.0), (right, 1.0)):
            middle = place.x + side * place.radius
            start = middle - (width_of(name, Type.BODY) + 25) / 2
            shape: Shape = "hamstring" if side < 0 else "glute"
            marks.muscle(painter, shape, theme.muscle(shape), start + 8, y, 9)
            write(painter, name, Type.BODY, theme.text, start + 25, y + 5.8, 130)

    def _paint_verdict(self, painter: QPainter, theme: Theme, place: GaugePlace, verdict: _Verdict) -> None:
        lines = wrap(verdict.reason, Type.LEAD, 340) if verdict.reason else ()
        baseline = place.y - (92 if lines else 76)
        shift = 41 if verdict.sign else 0
        width = width_of(verdict.headline, Type.VERDICT) + shift
        left = place.x - width / 2
        if verdict.sign:
            marks.sign(painter, theme, verdict.sign, left + 13, baseline - 13, 15)
        write(painter, verdict.headline, Type.VERDICT, theme.ink, left + shift, baseline, 430 - shift)
        for i, line in enumerate(lines):
            write(painter, line, Type.LEAD, theme.text, place.x, baseline + 38 + 24 * i, 400, "middle")

    def _paint_far_verdict(self, painter: QPainter, theme: Theme, place: GaugePlace, verdict: _Verdict) -> None:
        lines = wrap(verdict.headline, Type.FAR_VERDICT, 640)
        first = place.y - 104 * (len(lines) - 1) - (52 if len(lines) == 1 else 0)
        if verdict.sign:
            marks.sign(painter, theme, verdict.sign, place.x, first - 158, 40)
        for i, line in enumerate(lines):
            write(painter, line, Type.FAR_VERDICT, theme.ink, place.x, first + 104 * i, 740, "middle")
