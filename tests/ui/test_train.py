"""The Train screen as painted: every text in its place, nothing flickers, everything can be told without eyes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF
from PySide6.QtGui import QColor, QFontInfo, QImage, QPainter, QRegion
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from tests.ui import moments
from tests.ui.moments import LANGUAGES, MOMENTS

from gluteemg.coaching.message import Message
from gluteemg.coaching.texts import Texts
from gluteemg.ui import lettering
from gluteemg.ui.lettering import width_of
from gluteemg.ui.theme import DARK, HIGH_CONTRAST, LIGHT, MARGIN, Theme, Type, font
from gluteemg.ui.train import TrainScreen, _areas
from gluteemg.ui.view import train_view

TEXTS, EXERCISE = moments.texts(), moments.exercise()
SIZES = [(1024, 640), (1280, 800), (1920, 1080), (1280, 1024)]


@pytest.fixture(params=LANGUAGES)
def spoken(request: pytest.FixtureRequest) -> Texts:
    """The words, in each language."""
    return moments.texts(request.param)


@pytest.fixture
def show(qtbot: QtBot) -> Callable[..., TrainScreen]:
    def made(
        name: str, width: int = 1280, height: int = 800, far: bool = False, theme: Theme = DARK, texts: Texts = TEXTS
    ) -> TrainScreen:
        screen = TrainScreen(texts, theme)
        qtbot.addWidget(screen)
        screen.resize(width, height)
        screen.far = far
        screen.show_view(train_view(MOMENTS[name], EXERCISE, texts), 0.0)
        return screen

    return made


class Written:
    """Every text that is painted, with its type, its box on the window, and whether it had to be pressed."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, Type, QRectF, float]] = []

    def put(self, painter: QPainter, text: str, role: Type, left: float, base: float, width: float, room: float) -> None:
        box = QRectF(left, base - 0.73 * role.px, min(width, room), 0.73 * role.px)  # 0.73: height of a capital
        self.texts.append((text, role, painter.transform().mapRect(box), width / room))


@pytest.fixture
def written(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Written:
    assert qapp is not None  # fonts need it
    if QFontInfo(font(Type.BODY)).family() == "DejaVu Sans":
        pytest.skip("no interface font is installed here, only DejaVu Sans")
    seen = Written()
    monkeypatch.setattr(lettering, "_put", seen.put)
    return seen


def paint(screen: TrainScreen, children: bool = False) -> QImage:
    image = QImage(screen.size(), QImage.Format.Format_RGB32)
    flags = QWidget.RenderFlag.DrawChildren if children else QWidget.RenderFlag.DrawWindowBackground
    screen.render(image, QPoint(), QRegion(), flags)
    return image


@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_text_fits_its_place_in_every_state(
    show: Callable[..., TrainScreen], written: Written, spoken: Texts, width: int, height: int, far: bool
) -> None:
    for name in MOMENTS:
        written.texts.clear()
        screen = show(name, width, height, far, texts=spoken)
        paint(screen)
        window = QRectF(0, 0, width, height)
        assert [text for text, _, _, fill in written.texts if fill > 1] == [], name
        assert [text for text, _, box, _ in written.texts if not window.contains(box)] == [], name
        for (one, _, box, _), (other, _, second, _) in combinations(written.texts, 2):
            assert not box.intersects(second), f"{name}: {one!r} lies on {other!r}"
        for button in () if far else (screen.pause_button, screen.stop_button, *screen.findChildren(QWidget)):
            place = QRectF(button.geometry()).adjusted(5, 5, -5, -5)
            assert [text for text, _, box, _ in written.texts if box.intersects(place)] == [], name


def test_every_button_has_room_for_its_words(show: Callable[..., TrainScreen], written: Written, spoken: Texts) -> None:
    for name in ("running", "paused", "finished"):
        screen = show(name, texts=spoken)
        screen.grab()
    words = {spoken.control[key] for key in ("pause", "resume", "close", "stop", "keys")}
    assert words <= {text for text, *_ in written.texts}
    assert [text for text, _, _, fill in written.texts if fill > 1.001] == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_buttons_do_not_lie_on_each_other_and_are_large_enough_to_hit(
    show: Callable[..., TrainScreen], width: int, height: int
) -> None:
    for name in ("running", "paused", "finished"):
        screen = show(name, width, height)
        buttons = screen.findChildren(QWidget)
        assert len(buttons) == 5
        places = [QRectF(b.geometry()).adjusted(4, 4, -4, -4) for b in buttons]
        assert not any(one.intersects(other) for one, other in combinations(places, 2))
        assert all(QRectF(screen.rect()).contains(place) for place in places)
        assert min(b.width() for b in buttons) >= 44
        assert min(b.height() for b in buttons) >= 43


def test_in_the_far_view_nothing_is_smaller_than_sixty_four_points(
    show: Callable[..., TrainScreen], written: Written, spoken: Texts
) -> None:
    for name in MOMENTS:
        paint(show(name, 1920, 1080, far=True, texts=spoken))
    assert written.texts
    assert min(role.value[0] for _, role, _, _ in written.texts) >= 64
    assert max(len(text.split()) for text, *_ in written.texts) <= 7


@pytest.mark.usefixtures("written")
def test_far_words_that_name_a_muscle_fit_for_the_muscles_of_the_share(spoken: Texts) -> None:
    room, near = 1800 - 230 - 40, 1280 - 2 * MARGIN - 132 - 32
    for muscle in ("gluteus_maximus", "gluteus_medius", "hamstrings"):
        for key in spoken.advice:
            message = Message(f"advice.{key}", {"side": "right", "muscle": muscle})
            assert width_of(spoken.say_far(message), Type.FAR_ADVICE) <= room, spoken.say_far(message)
            assert width_of(spoken.say(message), Type.ADVICE) <= near, spoken.say(message)
        for key in spoken.why:
            why = spoken.say(Message(f"why.{key}", {"side": "right", "muscle": muscle}))
            assert width_of(why, Type.REASON) <= near, why
    for key in spoken.phase:
        assert width_of(spoken.say(Message(f"phase.{key}")), Type.FAR_PHASE) <= 460, key
    for key in spoken.reference:
        assert width_of(spoken.say_far(Message(f"reference.{key}", {"seconds": 5})), Type.FAR_ADVICE) <= room, key


@pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=lambda t: t.name)
@pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
def test_every_state_can_be_painted_in_every_theme(show: Callable[..., TrainScreen], theme: Theme, far: bool) -> None:
    for name in MOMENTS:
        image = paint(show(name, far=far, theme=theme), children=True)
        assert len({image.pixel(x, y) for x in range(0, 1280, 16) for y in range(0, 800, 16)}) > 3, name


def test_light_and_dark_have_the_same_geometry(show: Callable[..., TrainScreen], written: Written) -> None:
    paint(show("running", theme=DARK))
    dark = list(written.texts)
    written.texts.clear()
    paint(show("running", theme=LIGHT))
    assert written.texts == dark


def luminance(image: QImage, columns: int = 16, rows: int = 10) -> np.ndarray:
    """Mean relative luminance of every part of the picture."""
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1] / 255
    linear = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    cut = linear[: image.height() // rows * rows, : image.width() // columns * columns]
    means: np.ndarray = cut.reshape(rows, cut.shape[0] // rows, columns, -1).mean(axis=(1, 3))
    return means


def turns(values: np.ndarray, least: float) -> list[int]:
    """Where a series turns back after it has moved by `least`."""
    found, extreme, rising = [], values[0], None
    for i, value in enumerate(values):
        if rising is None or (value > extreme) == rising:
            if rising is None and abs(value - extreme) >= least:
                rising, extreme = value > extreme, value
                found.append(i)
            elif rising is not None:
                extreme = value
        elif abs(value - extreme) >= least:
            rising, extreme = not rising, value
            found.append(i)
    return found


def test_no_part_of_the_screen_flashes_however_wild_the_signal(show: Callable[..., TrainScreen]) -> None:
    """Everything changes with every frame. WCAG 2.3.1 allows three pairs of opposing changes of 10 % of full lightness.

    Needle and bar may move freely; all else changes at most three times a second, which `test_motion` counts.
    """
    screen = show("running", 1024, 640)
    wild = [train_view(MOMENTS[n], EXERCISE, TEXTS) for n in ("muted", "in_zone", "just_under", "glutes_lead", "rest", "lost")]
    frames_hz, seconds = 20, 3
    pictures = []
    for frame in range(frames_hz * seconds):
        screen.show_view(wild[frame % len(wild)], 1 / frames_hz)
        pictures.append(luminance(paint(screen)))
    parts = np.stack(pictures).reshape(len(pictures), -1).T
    assert np.ptp(parts, axis=1).max() > 0.1  # something does change
    for part in parts:
        found = np.array(turns(part, 0.1))
        assert all(np.count_nonzero((found >= f) & (found < f + frames_hz)) <= 6 for f in found)


def test_nothing_is_painted_while_nothing_changes(show: Callable[..., TrainScreen], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = show("running")
    view = train_view(MOMENTS["running"], EXERCISE, TEXTS)
    screen.show_view(view, 1.0)
    asked: list[bool] = []
    monkeypatch.setattr(screen, "update", lambda: asked.append(True))
    for _ in range(10):
        screen.show_view(view, 0.016)
    assert asked == []


def test_the_state_is_told_without_eyes(show: Callable[..., TrainScreen]) -> None:
    screen = show("running")
    assert screen.accessibleName() == "Bridge, Set 2 of 3"
    for part in ("Hamstrings lead.", "Glute share 36 %.", "Glute max 52 % REF.", "6 of 10.", "Lower", "Bring your heels"):
        assert part in screen.accessibleDescription()
    names = [button.accessibleName() for button in screen.findChildren(QWidget)]
    assert names == ["Pause, Space", "Stop, Esc", "Traces, T", "Far view, F", "Keys, ?"]


def test_the_pause_button_says_what_it_does_next(show: Callable[..., TrainScreen]) -> None:
    assert show("paused").pause_button.accessibleName() == "Resume, Space"
    assert not show("finished").pause_button.isEnabled()
    assert show("finished").stop_button.accessibleName() == "Close, Esc"


@pytest.mark.parametrize("width", [1280, 1422])
def test_a_piece_paints_nothing_outside_its_area(show: Callable[..., TrainScreen], width: int) -> None:
    """So that painting only what has changed leaves the same picture as painting everything."""
    for name in MOMENTS:
        screen = show(name, width, 800)
        for piece, area in _areas(width).items():
            picture = QImage(width, 800, QImage.Format.Format_RGB32)
            picture.fill(QColor("black"))
            painter = QPainter(picture)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            screen._paint_near(painter, width, [piece])
            painter.end()
            painter = QPainter(picture)
            painter.fillRect(area, QColor("black"))
            painter.end()
            painted = np.frombuffer(picture.constBits(), np.uint32) & 0xFFFFFF
            assert not painted.any(), f"{piece} of {name} paints beyond its area"
