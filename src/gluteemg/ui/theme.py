"""Every colour, type size and measure of the dashboard: no other module holds one.

The values come from the visual language of the program. ``tests/ui/test_theme.py`` checks the contrast of each colour
and how far apart they are for colour-blind eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication

from gluteemg.ui.view import Shape


@dataclass(frozen=True, slots=True)
class Theme:
    """A set of colours by what they mean, as ``#RRGGBB``.

    Parameters
    ----------
    background, surface, raised : str
        The window, a card on it, a disc on the card.
    ink, text, muted : str
        Text of first, second and third rank; `ink` also draws needle, count and buttons.
    edge, track, hairline : str
        Edges of controls; what is empty; lines without meaning.
    glute, hamstring, medius : str
        The muscles.
    zone, zone_fill, on_zone : str
        Zone and "ready"; the fill of the zone; a tick on `zone`.
    warning, warning_edge, on_warning, warning_strip : str
        Warning mark, its outline, the sign on it, and the card behind it.
    outlined : bool
        High contrast: hatches and outlines take the place of tints.
    range_opacity : float
        Opacity of the uncertainty in `ink`.
    """

    name: Literal["dark", "light", "high_contrast"]
    background: str
    surface: str
    raised: str
    ink: str
    text: str
    muted: str
    edge: str
    track: str
    hairline: str
    glute: str
    hamstring: str
    medius: str
    zone: str
    zone_fill: str
    on_zone: str
    warning: str
    warning_edge: str
    on_warning: str
    warning_strip: str
    range_opacity: float
    outlined: bool = False

    def muscle(self, shape: Shape) -> str:
        """Give the colour of a muscle's shape. Other muscles take no hue."""
        return {"glute": self.glute, "hamstring": self.hamstring, "medius": self.medius, "other": self.text}[shape]


DARK = Theme(
    name="dark",
    background="#0E1317",
    surface="#171E24",
    raised="#222B33",
    ink="#F3F6F8",
    text="#B4BFC9",
    muted="#8C99A6",
    edge="#6B7885",
    track="#2A343D",
    hairline="#36424D",
    glute="#2FA0FF",
    hamstring="#E57C2A",
    medius="#FBD2FF",
    zone="#66E6BA",
    zone_fill="#1B3A35",
    on_zone="#0E1317",
    warning="#FFF266",
    warning_edge="#FFF266",
    on_warning="#0E1317",
    warning_strip="#2B2A17",
    range_opacity=0.34,
)
LIGHT = Theme(
    name="light",
    background="#F6F7F9",
    surface="#FFFFFF",
    raised="#ECEFF3",
    ink="#14202B",
    text="#465461",
    muted="#5F6D7B",
    edge="#7C8996",
    track="#DBE1E8",
    hairline="#D3DAE1",
    glute="#2B47C2",
    hamstring="#BF3407",
    medius="#56224F",
    zone="#00805A",
    zone_fill="#DDF1E9",
    on_zone="#FFFFFF",
    warning="#FFD23F",
    warning_edge="#14202B",
    on_warning="#14202B",
    warning_strip="#FFF7DC",
    range_opacity=0.26,
)
HIGH_CONTRAST = Theme(
    name="high_contrast",
    background="#000000",
    surface="#000000",
    raised="#000000",
    ink="#FFFFFF",
    text="#FFFFFF",
    muted="#C8C8C8",
    edge="#FFFFFF",
    track="#000000",
    hairline="#FFFFFF",
    glute="#6E94FF",
    hamstring="#F9803E",
    medius="#EBC6FF",
    zone="#A8FFC0",
    zone_fill="#000000",
    on_zone="#000000",
    warning="#FFFF52",
    warning_edge="#FFFF52",
    on_warning="#000000",
    warning_strip="#000000",
    range_opacity=0.0,
    outlined=True,
)


def system_theme() -> Theme:
    """Give the theme that the system asks for: high contrast first, then light or dark (dark where it does not say)."""
    hints = QGuiApplication.styleHints()  # kept by name: what it gives lives no longer than it does
    if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
        return HIGH_CONTRAST
    return LIGHT if hints.colorScheme() == Qt.ColorScheme.Light else DARK


@cache
def colour(hex: str) -> QColor:
    """Make a colour that can be painted with; do not alter it."""
    return QColor(hex)


class Type(Enum):
    """A role of text: size in points, weight, and whether its figures are of one width.

    Far roles are points in a window of 1080 px height; everything is scaled with the window.
    """

    CAPTION = (10, 400, False)
    CAPTION_STRONG = (10.5, 600, False)
    KEY = (10, 500, False)
    AXIS = (10.5, 400, True)
    BODY = (12, 400, False)
    BUTTON = (12, 600, False)
    REASON = (12.75, 400, False)
    LEAD = (13.5, 400, True)
    EXERCISE = (16.5, 600, False)
    PHASE = (22.5, 600, False)
    FIGURE = (22.5, 600, True)
    FIGURE_SMALL = (16.5, 600, True)
    ADVICE = (27, 600, False)
    VERDICT = (27, 700, False)
    COUNT = (81, 700, True)
    FAR_PHASE = (72, 600, False)
    FAR_VERDICT = (81, 700, False)
    FAR_ADVICE = (85, 600, False)
    FAR_COUNT = (222, 700, True)
    FAR_COUNT_WIDE = (168, 700, True)

    @property
    def px(self) -> int:
        """Height in the pixels of the drawings: a point is 4/3 px at 96 dpi."""
        points: float = self.value[0]
        return round(points * 4 / 3)


@cache
def font(role: Type) -> QFont:
    """Give the interface font for a role, in the pixels of the drawings."""
    _, weight, tabular = role.value
    made = QFont()
    made.setFamilies(_families())
    made.setPixelSize(role.px)
    made.setWeight(QFont.Weight(weight))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)  # widths hold at every scale
    if tabular:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


_FALLBACKS = ["Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Cantarell", "Noto Sans", "Inter", "DejaVu Sans"]


def _families() -> list[str]:
    """Put the system's interface font first, unless the system only gives a stand-in such as "Sans Serif"."""
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    known = [] if system.lower() in ("sans serif", "sans-serif", "sans", "") else [system]
    return [*known, *_FALLBACKS]


LINE = 1.5
"""Edge of a control."""
STROKE = 2.0
"""Line of a mark."""
FOCUS_LINE, FOCUS_GAP = 3.0, 2.0
"""The ring around what has the keyboard, and its distance."""
KEY_RADIUS, BUTTON_RADIUS, BAR_RADIUS, STRIP_RADIUS, FAR_STRIP_RADIUS = 6.0, 12.0, 10.0, 20.0, 32.0
MARGIN, FAR_MARGIN = 40.0, 60.0
"""From the edge of the window to what is drawn."""
HATCH_STEP = 8.0
"""Distance of the lines of a hatch: the grid."""
