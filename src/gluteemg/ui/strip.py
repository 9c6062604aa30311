"""The advice strip: one change, and one line why."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from gluteemg.ui import marks
from gluteemg.ui.lettering import write
from gluteemg.ui.motion import FADE_S, Fade
from gluteemg.ui.theme import FAR_STRIP_RADIUS, STRIP_RADIUS, STROKE, Theme, Type, colour
from gluteemg.ui.view import AdviceView


class AdviceStrip:
    """Paints the strip and keeps its fade; without an advice there is no strip.

    Parameters
    ----------
    fade_s : float
        Length of a cross-fade; 0 where motion is reduced.
    """

    def __init__(self, fade_s: float = FADE_S) -> None:
        self._advice: Fade[AdviceView | None] = Fade(fade_s)

    def advance(self, view: AdviceView | None, dt_s: float) -> bool:
        """Take what is to be shown, move on by `dt_s`, and say whether anything looks different."""
        return self._advice.advance(view, dt_s)

    def paint(self, painter: QPainter, theme: Theme, box: QRectF, far: bool) -> None:
        """Paint it into `box`, in the pixels of the drawings."""
        whole = painter.opacity()
        for advice, opacity in self._advice.layers:
            if advice is not None:
                painter.setOpacity(whole * opacity)
                self._paint_card(painter, theme, box, FAR_STRIP_RADIUS if far else STRIP_RADIUS, advice)
                self._paint_far(painter, theme, box, advice) if far else self._paint_near(painter, theme, box, advice)
        painter.setOpacity(whole)

    def _paint_card(self, painter: QPainter, theme: Theme, box: QRectF, radius: float, advice: AdviceView) -> None:
        warns = advice.picture == "warning"
        painter.setBrush(colour(theme.warning_strip if warns else theme.surface))
        painter.setPen(Qt.PenStyle.NoPen)
        if warns or theme.outlined:
            width = 3.0 if theme.outlined else STROKE
            painter.setPen(marks.pen(theme.warning_edge if warns else theme.hairline, width))
            box = box.adjusted(width / 2, width / 2, -width / 2, -width / 2)
        painter.drawRoundedRect(box, radius, radius)

    def _paint_near(self, painter: QPainter, theme: Theme, box: QRectF, advice: AdviceView) -> None:
        x, y = box.left() + 68, box.top() + 62
        if advice.picture == "warning":
            marks.warning(painter, theme, x, y, 36)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour(theme.raised))
            painter.drawEllipse(QPointF(x, y), 36, 36)
            marks.picture(painter, advice.picture, theme.ink, QRectF(x - 20, y - 20, 40, 40))
        room = box.width() - 132 - 32
        write(painter, advice.text, Type.ADVICE, theme.ink, box.left() + 132, box.top() + (58 if advice.reason else 75), room)
        write(painter, advice.reason, Type.REASON, theme.text, box.left() + 132, box.top() + 94, room)

    def _paint_far(self, painter: QPainter, theme: Theme, box: QRectF, advice: AdviceView) -> None:
        x, y = box.left() + 120, box.center().y()
        if advice.picture == "warning":
            marks.warning(painter, theme, x, y, 70)
        else:
            marks.picture(painter, advice.picture, theme.ink, QRectF(x - 64, y - 64, 128, 128), 1.3)
        write(painter, advice.far, Type.FAR_ADVICE, theme.ink, box.left() + 230, box.top() + 134, box.width() - 230 - 40)
