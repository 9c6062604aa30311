"""The phase ring: where in the repetition the person is, around the number of the repetition."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPainterPath

from gluteemg.ui import marks
from gluteemg.ui.lettering import write
from gluteemg.ui.motion import Fade
from gluteemg.ui.theme import STROKE, Theme, Type
from gluteemg.ui.view import RingView

_GAP_DEG = 5.0


@dataclass(frozen=True, slots=True)
class RingPlace:
    """Where the ring stands, in the pixels of the drawings: centre, middle radius, width, and whether it is for far."""

    x: float
    y: float
    radius: float
    width: float
    far: bool


def spans(planned_s: tuple[float, ...]) -> list[tuple[float, float]]:
    """Give each phase its start and its length in degrees, clockwise from the top; one phase alone has no gap."""
    gap = _GAP_DEG if len(planned_s) > 1 else 0.0
    whole, start, made = sum(planned_s), 0.0, []
    for planned in planned_s:
        length = 360.0 * planned / whole
        made.append((start + gap / 2, max(length - gap, 1.0)))
        start += length
    return made


class PhaseRing:
    """Paints the ring, the count in it, and the words below."""

    def __init__(self) -> None:
        self._view: RingView | None = None
        self._phase: Fade[RingView] = Fade(0.0)

    def advance(self, view: RingView, dt_s: float) -> bool:
        """Take what is to be shown, move on by `dt_s`, and say whether anything looks different."""
        # What makes one phase differ from the next: the fill moves freely inside a phase, and no phase is just a flash.
        phase = replace(view, passed=tuple(float(part >= 1.0) for part in view.passed))
        self._phase.advance(phase, dt_s)
        before = self._view
        if self._phase.value == phase:
            self._view = view
        return self._view != before

    def paint(self, painter: QPainter, theme: Theme, place: RingPlace) -> None:
        """Paint it."""
        view = self._view
        if view is None:
            return
        for (start, length), passed in zip(spans(view.planned_s), view.passed, strict=True):
            if theme.outlined:
                _arc(painter, theme.ink, place, start, length, place.width)
                _arc(painter, theme.background, place, start + 1, length - 2, place.width - 2 * STROKE)
            else:
                _arc(painter, theme.track, place, start, length, place.width)
            _arc(painter, theme.ink, place, start, length * min(max(passed, 0.0), 1.0), place.width)
        self._paint_far(painter, theme, place, view) if place.far else self._paint_near(painter, theme, place, view)
        if view.picture:
            side = 1.1 * place.radius
            marks.picture(painter, view.picture, theme.ink, QRectF(place.x - side / 2, place.y - side / 2, side, side))

    def _paint_near(self, painter: QPainter, theme: Theme, place: RingPlace, view: RingView) -> None:
        write(painter, view.count, Type.COUNT, theme.ink, place.x, place.y + 32, 190, "middle")
        write(painter, view.of, Type.REASON, theme.text, place.x, place.y + 66, 160, "middle")
        write(painter, view.word, Type.PHASE, theme.ink, place.x, place.y + 174, 230, "middle")
        write(painter, view.then, Type.BODY, theme.text, place.x, place.y + 202, 230, "middle")

    def _paint_far(self, painter: QPainter, theme: Theme, place: RingPlace, view: RingView) -> None:
        count = Type.FAR_COUNT if len(view.count) == 1 else Type.FAR_COUNT_WIDE  # two large figures would touch the ring
        baseline = place.y + 0.352 * count.px
        write(painter, view.count, count, theme.ink, place.x, baseline, 2 * place.radius - place.width, "middle")
        write(painter, view.word, Type.FAR_PHASE, theme.ink, place.x, place.y + 382, 460, "middle")


def _arc(painter: QPainter, hex: str, place: RingPlace, start: float, length: float, width: float) -> None:
    if length <= 0:
        return
    box = QRectF(place.x - place.radius, place.y - place.radius, 2 * place.radius, 2 * place.radius)
    path = QPainterPath()
    path.arcMoveTo(box, 90 - start)
    path.arcTo(box, 90 - start, -length)
    painter.strokePath(path, marks.pen(hex, width, round_ends=False))
