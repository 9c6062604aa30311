"""Shapes with a meaning: muscles, verdicts, sensor states, and the small pictures of an advice."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QPolygonF

from gluteemg.ui.lettering import width_of, write
from gluteemg.ui.theme import HATCH_STEP, KEY_RADIUS, STROKE, Theme, Type, colour
from gluteemg.ui.view import Shape, Sight, Sign

_SQUARE = 0.88
"""Half the side of a square that looks as large as a disc of radius 1."""


def pen(hex: str, width: float, dash: tuple[float, float] | None = None, round_ends: bool = True) -> QPen:
    """Make a pen; `dash` is line and space in the pixels of the drawings."""
    made = QPen(colour(hex), width)
    made.setCapStyle(Qt.PenCapStyle.RoundCap if round_ends else Qt.PenCapStyle.FlatCap)
    made.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dash is not None:
        made.setCapStyle(Qt.PenCapStyle.FlatCap)
        made.setDashPattern([part / width for part in dash])
    return made


def muscle(painter: QPainter, shape: Shape, hex: str, x: float, y: float, r: float) -> None:
    """Fill a muscle's shape: ● glute, ■ hamstring, ▲ gluteus medius, ◆ any other, centred, as large as a disc of radius `r`."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour(hex))
    _muscle(painter, shape, x, y, r)


def muscle_outline(painter: QPainter, shape: Shape, hex: str, x: float, y: float, r: float) -> None:
    """Draw the dashed place of a muscle's shape: its sensor is not there yet."""
    painter.setPen(pen(hex, STROKE, (3.5, 3)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    _muscle(painter, shape, x, y, r - STROKE / 2)


def _muscle(painter: QPainter, shape: Shape, x: float, y: float, r: float) -> None:
    if shape == "glute":
        painter.drawEllipse(QPointF(x, y), r, r)
    elif shape == "hamstring":
        side = 2 * _SQUARE * r
        painter.drawRoundedRect(QRectF(x - side / 2, y - side / 2, side, side), 0.12 * r, 0.12 * r)
    elif shape == "medius":
        corners = ((0.0, -1.075), (1.075, 0.8625), (-1.075, 0.8625))
        painter.drawPolygon(QPolygonF([QPointF(x + dx * r, y + dy * r) for dx, dy in corners]))
    else:
        corners4 = ((0.0, -1.15), (1.15, 0.0), (0.0, 1.15), (-1.15, 0.0))
        painter.drawPolygon(QPolygonF([QPointF(x + dx * r, y + dy * r) for dx, dy in corners4]))


def sign(painter: QPainter, theme: Theme, sign: Sign, x: float, y: float, r: float) -> None:
    """Draw a verdict or a repetition, centred in a disc of radius `r`.

    ● with ✓ in zone · ● glutes lead · ■ hamstrings led · hollow ■ under the zone · half-filled ● under the floor ·
    dashed ○ with – not scored · ring with centre now · small dot to come.
    """
    line = 0.2 * r
    if sign == "in_zone":
        ready(painter, theme, x, y, r)
    elif sign == "glutes_lead":
        muscle(painter, "glute", theme.glute, x, y, r)
    elif sign == "hamstrings_led":
        muscle(painter, "hamstring", theme.hamstring, x, y, r)
    elif sign == "under_zone":
        painter.setPen(pen(theme.hamstring, line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        _muscle(painter, "hamstring", x, y, r - line / 2)
    elif sign == "under_floor":
        ring = QRectF(x - r + line / 2, y - r + line / 2, 2 * r - line, 2 * r - line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(theme.glute))
        painter.drawChord(ring, 180 * 16, 180 * 16)
        painter.setPen(pen(theme.glute, line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(ring)
    elif sign == "not_scored":
        lost(painter, theme.muted, x, y, r)
    elif sign == "now":
        painter.setPen(pen(theme.ink, line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 0.9 * r, 0.9 * r)
        muscle(painter, "glute", theme.ink, x, y, 0.32 * r)
    else:
        muscle(painter, "glute", theme.edge, x, y, 0.36 * r)


def sight(painter: QPainter, theme: Theme, sight: Sight, x: float, y: float, r: float) -> None:
    """Draw a sensor's state: ✓ in a disc, ⚠, or a dashed ring with –; nothing for one that is still looked for."""
    if sight == "good":
        ready(painter, theme, x, y, r)
    elif sight == "adjust":
        warning(painter, theme, x, y + 0.04 * r, 1.15 * r)
    elif sight == "lost":
        lost(painter, theme.text, x, y, r)


def ready(painter: QPainter, theme: Theme, x: float, y: float, r: float) -> None:
    """Draw ✓ in a disc."""
    muscle(painter, "glute", theme.zone, x, y, r)
    painter.setPen(pen(theme.on_zone, 0.21 * r))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    points = ((-0.453, 0.02), (-0.133, 0.38), (0.467, -0.34))
    painter.drawPolyline(QPolygonF([QPointF(x + dx * r, y + dy * r) for dx, dy in points]))


def warning(painter: QPainter, theme: Theme, x: float, y: float, r: float) -> None:
    """Draw a triangle with an exclamation mark."""
    edge = pen(theme.warning_edge, 0.11 * r)
    painter.setPen(edge)
    painter.setBrush(colour(theme.warning))
    corners = ((0.0, -0.78), (0.9, 0.77), (-0.9, 0.77))
    painter.drawPolygon(QPolygonF([QPointF(x + dx * r, y + dy * r) for dx, dy in corners]))
    painter.setPen(pen(theme.on_warning, 0.15 * r))
    painter.drawLine(QLineF(x, y - 0.245 * r, x, y + 0.24 * r))
    muscle(painter, "glute", theme.on_warning, x, y + 0.505 * r, 0.092 * r)


def lost(painter: QPainter, hex: str, x: float, y: float, r: float) -> None:
    """Draw a dashed ring with –."""
    painter.setPen(pen(hex, 0.134 * r, (0.267 * r, 0.233 * r)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(x, y), 0.933 * r, 0.933 * r)
    painter.setPen(pen(hex, 0.147 * r))
    painter.drawLine(QLineF(x - 0.4 * r, y, x + 0.4 * r, y))


def hatch(painter: QPainter, area: QPainterPath, hex: str, width: float = 1.5, step: float = HATCH_STEP) -> None:
    """Fill an area with slanting lines."""
    box = area.boundingRect()
    lines = [
        QLineF(box.left() + offset, box.bottom(), box.left() + offset + box.height(), box.top())
        for offset in _steps(-box.height(), box.width(), step)
    ]
    painter.save()
    painter.setClipPath(area, Qt.ClipOperation.IntersectClip)
    painter.setPen(pen(hex, width, round_ends=False))
    painter.drawLines(lines)
    painter.restore()


def _steps(start: float, stop: float, step: float) -> list[float]:
    return [start + i * step for i in range(int((stop - start) / step) + 1)]


def key_cap_width(key: str) -> float:
    """Say how wide the cap of a key is: square for one letter."""
    return 24.0 if len(key) == 1 else width_of(key, Type.KEY) + 22.0


def key_cap(painter: QPainter, theme: Theme, key: str, x: float, y: float, edge: str) -> None:
    """Draw a key with its left end at `x` and its middle at the height `y`."""
    cap = QRectF(x, y - 12, key_cap_width(key), 24)
    painter.setPen(pen(edge, 1.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(cap, KEY_RADIUS, KEY_RADIUS)
    write(painter, key, Type.KEY, theme.text, cap.center().x(), y + 4.7, cap.width(), "middle")


Stroke = tuple[tuple[float, float], ...]
_LYING: tuple[Stroke, ...] = (((1.5, 20.5), (22.5, 20.5)),)
_PICTURES: dict[str, tuple[tuple[Stroke, ...], tuple[tuple[float, float, float], ...]]] = {
    "heels_close": (
        (
            *_LYING,
            ((6.6, 17.6), (11.6, 12.2), (16, 6.2), (16.6, 18.2), (19, 18.2)),
            ((23, 13), (19, 13)),
            ((20.6, 10.8), (18.4, 13), (20.6, 15.2)),
        ),
        ((3.6, 16.1, 1.9),),
    ),
    "feet_wide": (
        (
            ((9.4, 7), (8.4, 17), (5.6, 17), (6.4, 7)),
            ((14.6, 7), (15.6, 17), (18.4, 17), (17.6, 7)),
            ((4, 21), (1, 21)),
            ((3, 19), (1, 21), (3, 23)),
            ((20, 21), (23, 21)),
            ((21, 19), (23, 21), (21, 23)),
        ),
        ((7.9, 4.6, 1.9), (16.1, 4.6, 1.9)),
    ),
    "squeeze_more": (
        (((0.8, 12), (5, 12)), ((3, 9.8), (5.2, 12), (3, 14.2)), ((23.2, 12), (19, 12)), ((21, 9.8), (18.8, 12), (21, 14.2))),
        ((12, 12, 4.4),),
    ),
    "rest": ((*_LYING, ((6.6, 17.6), (13.5, 17.6), (22, 17.6))), ((3.6, 16.1, 1.9),)),
    "squeeze": (
        (*_LYING, ((6.6, 17.6), (22, 17.6)), ((12.6, 6), (12.6, 11)), ((10.4, 9), (12.6, 11.2), (14.8, 9))),
        ((3.6, 16.1, 1.9), (12.6, 15.6, 1.7)),
    ),
    "heel_dig": (
        (
            *_LYING,
            ((6.6, 17.6), (12, 17.6), (16, 9.5), (18.4, 17.4)),
            ((21.4, 9.5), (21.4, 15)),
            ((19.4, 13), (21.4, 15.2), (23.4, 13)),
        ),
        ((3.6, 16.1, 1.9),),
    ),
    "between": ((*_LYING, ((6.6, 17.6), (22, 17.6))), ((3.6, 16.1, 1.9),)),
    "searching": (
        (((8, 8), (16.2, 16), (12, 20), (12, 4), (16.2, 8), (8, 16)),),
        (),
    ),
    "paused": ((((8.5, 5), (8.5, 19)), ((15.5, 5), (15.5, 19))), ()),
    "finished": ((((4.5, 12.5), (9.8, 18), (20, 6)),), ()),
    "hold_bridge": ((*_LYING, ((6.6, 17.6), (11.6, 12.2), (16, 6.2), (16.6, 18.2), (19, 18.2))), ((3.6, 16.1, 1.9),)),
    "countdown": ((((8.5, 5), (19, 12), (8.5, 19), (8.5, 5)),), ()),
    "question": (
        (((8.5, 8), (9.2, 5.4), (12, 4), (14.8, 5.4), (15.5, 8), (14.4, 10.4), (12, 12.4), (12, 15)),),
        ((12, 19, 0.7),),
    ),
}
"""Pictures on a grid of 24: lines through points, and rings (x, y, radius)."""
_SAME = {"ready": "countdown", "relax": "rest", "watch": "rest", "task": "rest"}
"""What the person is in, and has the picture of something else."""


def picture(painter: QPainter, id: str, hex: str, place: QRectF, width: float = 1.4) -> None:
    """Draw the small picture of an advice into a square; one without a picture gets the squeeze."""
    strokes, rings = _PICTURES.get(_SAME.get(id, id), _PICTURES["squeeze_more"])
    painter.save()
    painter.translate(place.topLeft())
    painter.scale(place.width() / 24, place.height() / 24)
    painter.setPen(pen(hex, width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for stroke in strokes:
        painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in stroke]))
    for x, y, r in rings:
        painter.drawEllipse(QPointF(x, y), r, r)
    painter.restore()


def tint(hex: str, opacity: float) -> QBrush:
    """Make a brush that lets what is below show through."""
    made = QColor(colour(hex))
    made.setAlphaF(opacity)
    return QBrush(made)


def play(painter: QPainter, x: float, y: float) -> None:
    """Draw the outline of ▶ with the present pen."""
    painter.drawPolygon(QPolygonF([QPointF(x - 3.6, y - 5.2), QPointF(x + 5.2, y), QPointF(x - 3.6, y + 5.2)]))
