"""The Train screen: one set, seen from the mat or from three metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gluteemg.coaching.texts import Texts
from gluteemg.ui.bars import BarPlace, LevelBar
from gluteemg.ui.gauge import GaugePlace, ShareGauge
from gluteemg.ui.key_button import KeyButton
from gluteemg.ui.motion import FADE_S, Fade
from gluteemg.ui.phase_ring import PhaseRing, RingPlace
from gluteemg.ui.rep_dots import RepDots
from gluteemg.ui.strip import AdviceStrip
from gluteemg.ui.theme import FAR_MARGIN, MARGIN, Theme, colour
from gluteemg.ui.top_bar import TopBar
from gluteemg.ui.view import TrainView

SMALLEST = QSize(1024, 640)
"""Smallest window in which every text can still be read."""


_HINTS = 788.0
"""Where the flat buttons begin, from the right edge."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the pixels of the drawings lie in a window: scale, where they begin, and how many there are.

    The drawings are 1280 × 800 (near) and 1920 × 1080 (far). A wider window gives more of them between left and right;
    a higher one leaves room above and below.
    """

    scale: float
    left: float
    top: float
    width: float

    @classmethod
    def lay(cls, width: int, height: int, far: bool) -> Sheet:
        """Fit the near or the far drawing into a window."""
        wide, high = (1920.0, 1080.0) if far else (1280.0, 800.0)
        scale = min(width / wide, height / high)
        if far:
            return cls(scale, (width - wide * scale) / 2, (height - high * scale) / 2, wide)
        return cls(scale, 0.0, (height - high * scale) / 2, width / scale)

    def in_window(self, area: QRectF) -> QRect:
        """Give the pixels of the window that an area of the drawing touches."""
        placed = QRectF(self.left + area.x() * self.scale, self.top + area.y() * self.scale, 0, 0)
        placed.setSize(area.size() * self.scale)
        return placed.toAlignedRect().adjusted(-1, -1, 1, 1)


def _areas(width: float) -> dict[str, QRectF]:
    """Give the part of the near drawing that each piece paints in, with room around it: what moves is painted alone."""
    return {
        "top": QRectF(0, 0, width, 88),
        "ring": QRectF(0, 88, 312, 424),
        "gauge": QRectF(308, 88, width - 626, 424),
        "bars": QRectF(width - 346, 88, 346, 424),
        "strip": QRectF(0, 508, width, 146),
        "dots": QRectF(0, 654, width, 146),
    }


class TrainScreen(QWidget):
    """Paints a `TrainView` and moves it on; holds the buttons.

    Parameters
    ----------
    texts : Texts
        Words of the parts that never change.
    theme : Theme
        Colours.
    reduce_motion : bool
        Change at once instead of fading.
    parent : QWidget or None
        Where it stands.
    """

    def __init__(self, texts: Texts, theme: Theme, reduce_motion: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(SMALLEST)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._theme = theme
        self._say = {key: texts.words(f"control.{key}") for key in texts.control}
        words = {key: texts.words(f"train.{key}") for key in ("zone_label", "hamstrings", "glutes")}
        self._far = False
        self._middle: QWidget | None = None
        self._view: TrainView | None = None
        fade_s = 0.0 if reduce_motion else FADE_S
        self._top_bar = TopBar(fade_s)
        self._gauge = ShareGauge(words["zone_label"], words["hamstrings"], words["glutes"], fade_s)
        self._glute, self._hamstring = LevelBar(fade_s), LevelBar(fade_s)
        self._strip = AdviceStrip(fade_s)
        self._ring, self._dots = PhaseRing(), RepDots()
        self._spoken: Fade[str] = Fade(0.0)
        self._make_buttons()
        self.setAccessibleName("gluteemg")

    def _make_buttons(self) -> None:
        say, theme = self._say, self._theme
        self.pause_button = KeyButton(theme, say["pause"], say["key_space"], "pause", self)
        self.stop_button = KeyButton(theme, say["stop"], say["key_escape"], "stop", self)
        self.traces_button = KeyButton(theme, say["traces"], "T", "none", self)
        self.far_button = KeyButton(theme, say["far"], "F", "none", self)
        self.keys_button = KeyButton(theme, say["keys"], "?", "none", self)
        self._flat = (self.traces_button, self.far_button, self.keys_button)
        in_order = (self.pause_button, self.stop_button, *self._flat)
        for before, after in pairwise(in_order):
            QWidget.setTabOrder(before, after)

    @property
    def far(self) -> bool:
        """Whether it is drawn for three metres."""
        return self._far

    @far.setter
    def far(self, far: bool) -> None:
        self._far = far
        for button in (self.pause_button, self.stop_button, *self._flat):
            button.setVisible(not far)
        if far:
            self.setFocus()
        self._stand()
        self.update()

    @property
    def middle(self) -> QWidget | None:
        """What stands in the place of gauge and advice: the raw traces, or nothing."""
        return self._middle

    @middle.setter
    def middle(self, middle: QWidget | None) -> None:
        if self._middle is not None:
            self._middle.hide()
        self._middle = middle
        if middle is not None:
            middle.setParent(self)
            middle.show()
        self._stand()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        for button in (self.pause_button, self.stop_button, *self._flat):
            button.theme = theme
            button.update()
        self.update()

    def show_view(self, view: TrainView, dt_s: float) -> None:
        """Show `view`, `dt_s` seconds after the last one; paints only if anything looks different."""
        before, self._view = self._view, view
        changed = {
            "top": self._top_bar.advance(view, dt_s),
            "ring": self._ring.advance(view.ring, dt_s),
            "gauge": self._gauge.advance(view.gauge, dt_s),
            "bars": self._glute.advance(view.glute, dt_s) | self._hamstring.advance(view.hamstring, dt_s),
            "strip": self._strip.advance(view.advice, dt_s),
            "dots": self._dots.advance(view, dt_s),
        }
        if before is None or before.stage != view.stage:
            self._take_stage(view)
        if self._spoken.advance(view.description, dt_s):
            self.setAccessibleName(f"{view.exercise}, {view.set_line}")
            self.setAccessibleDescription(view.description)
        if before is None or self._far or self._middle is not None:
            if before is None or any(changed.values()):
                self.update()
            return
        sheet = Sheet.lay(self.width(), self.height(), self._far)
        for piece, area in _areas(sheet.width).items():
            if changed[piece]:
                self.update(sheet.in_window(area))

    def _take_stage(self, view: TrainView) -> None:
        say = self._say
        paused, finished = view.stage == "paused", view.stage == "finished"
        self.pause_button.relabel(say["resume"] if paused else say["pause"], "play" if paused else "pause")
        self.pause_button.setEnabled(view.stage in ("running", "paused"))
        self.stop_button.relabel(say["close"] if finished else say["stop"])
        self._stand()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Place the buttons anew."""
        super().resizeEvent(event)
        self._stand()

    def _stand(self) -> None:
        sheet = Sheet.lay(self.width(), self.height(), self._far)
        origin = (sheet.left, sheet.top)
        x = sheet.width - MARGIN
        for button in (self.stop_button, self.pause_button):
            x -= button.width_needed
            button.stand(x, 682, 52, sheet.scale, origin)
            x -= 16
        x = sheet.width - _HINTS
        for button in self._flat:
            button.stand(x, 725.5, 44, sheet.scale, origin)
            x += button.width_needed + 16
        if self._middle is not None:
            self._middle.setVisible(not self._far)
            left, width = MARGIN * sheet.scale, (sheet.width - 2 * MARGIN) * sheet.scale
            top, bottom = sheet.top + 84 * sheet.scale, sheet.top + 652 * sheet.scale
            self._middle.setGeometry(QRect(round(left), round(top), round(width), round(bottom - top)))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the pieces that lie where the screen has to be painted."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), colour(self._theme.background))
        behind_traces = self._middle is not None and self._middle.geometry().contains(event.rect())
        if self._view is not None and not behind_traces:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            sheet = Sheet.lay(self.width(), self.height(), self._far)
            painter.translate(sheet.left, sheet.top)
            painter.scale(sheet.scale, sheet.scale)
            if self._far:
                self._paint_far(painter)
            else:
                touched = [p for p, a in _areas(sheet.width).items() if event.region().intersects(sheet.in_window(a))]
                self._paint_near(painter, sheet.width, touched)
        painter.end()

    def _paint_near(self, painter: QPainter, width: float, touched: Sequence[str]) -> None:
        theme = self._theme
        if "top" in touched:
            self._top_bar.paint(painter, theme, width)
        if "dots" in touched:
            self._dots.paint(painter, theme, 706, width - 440, width - _HINTS - 20 - MARGIN)
        if self._middle is not None:
            return
        if "ring" in touched:
            self._ring.paint(painter, theme, RingPlace(176, 290, 108, 14, far=False))
        if "gauge" in touched:
            self._gauge.paint(painter, theme, GaugePlace(width / 2, 424, 272, 54, far=False))
        if "bars" in touched:
            self._hamstring.paint(painter, theme, BarPlace(QRectF(width - 296, 170, 24, 254)))
            self._glute.paint(painter, theme, BarPlace(QRectF(width - 184, 170, 60, 254)))
        if "strip" in touched:
            self._strip.paint(painter, theme, QRectF(MARGIN, 520, width - 2 * MARGIN, 124), far=False)

    def _paint_far(self, painter: QPainter) -> None:
        theme = self._theme
        self._ring.paint(painter, theme, RingPlace(290, 364, 216, 32, far=True))
        self._gauge.paint(painter, theme, GaugePlace(1130, 668, 494, 116, far=True))
        self._glute.paint(painter, theme, BarPlace(QRectF(1752, 116, 100, 552), far=True))
        self._strip.paint(painter, theme, QRectF(FAR_MARGIN, 836, 1920 - 2 * FAR_MARGIN, 188), far=True)
