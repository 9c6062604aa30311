"""The repetitions of the set as a row of marks, with the count in words below."""

from __future__ import annotations

import math

from PySide6.QtGui import QPainter

from gluteemg.ui import marks
from gluteemg.ui.lettering import wrap, write
from gluteemg.ui.motion import Fade
from gluteemg.ui.theme import MARGIN, Theme, Type
from gluteemg.ui.view import Sign, TrainView

_IN_A_ROW = 12
_STEP, _R = 46.0, 15.0


class RepDots:
    """Paints the marks, more than twelve in two rows, and the words below."""

    def __init__(self) -> None:
        self._shown: Fade[tuple[tuple[Sign, ...], str]] = Fade(0.0)

    def advance(self, view: TrainView, dt_s: float) -> bool:
        """Take what is to be shown, move on by `dt_s`, and say whether anything looks different."""
        return self._shown.advance((view.dots, view.tally), dt_s)

    def paint(self, painter: QPainter, theme: Theme, y: float, room: float, words_room: float) -> None:
        """Paint them around the height `y`, within `room`, and the words within `words_room`."""
        dots, tally = self._shown.value
        rows = 1 if len(dots) <= _IN_A_ROW else 2
        columns = math.ceil(len(dots) / rows)
        step = min(_STEP, (room - 2 * _R) / max(columns - 1, 1))
        r = min(_R if rows == 1 else 0.8 * _R, 0.42 * step)
        for i, dot in enumerate(dots):
            row, column = divmod(i, columns)
            offset = 0.0 if rows == 1 else (row - 0.5) * 32 - 6
            marks.sign(painter, theme, dot, MARGIN + 3 + _R + column * step, y + offset, r)
        for i, line in enumerate(wrap(tally, Type.BODY, words_room)):
            write(painter, line.strip("· "), Type.BODY, theme.text, MARGIN, y + 46 + 22 * i, words_room)
