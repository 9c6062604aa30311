"""The palette: contrast, and distance between colours for every kind of colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from gluteemg.ui.theme import DARK, HIGH_CONTRAST, LIGHT, Theme, Type

THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT, HIGH_CONTRAST], ids=lambda t: t.name)
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE = np.array([0.95047, 1.0, 1.08883])
VISION = {  # Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB
    "normal": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}


def linear(hex: str) -> NDArray[np.float64]:
    rgb = np.array([int(hex[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio."""
    light, dark = sorted((float(linear(hex) @ TO_XYZ[1]) for hex in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(hex: str, vision: str = "normal") -> NDArray[np.float64]:
    xyz = TO_XYZ @ np.clip(VISION[vision] @ linear(hex), 0, 1) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Colour difference, after Sharma, Wu & Dalal 2005."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(c7 / (c7 + 25**7)))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cos = {k: np.cos(np.radians(k * hue - shift)) for k, shift in ((1, 30), (2, 0), (3, -6), (4, 63))}
    t = 1 - 0.17 * cos[1] + 0.24 * cos[2] + 0.32 * cos[3] - 0.20 * cos[4]
    s_l = 1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    bend = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    d_l, d_c, d_h = (l2 - l1) / s_l, (c2 - c1) / s_c, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / s_h
    return float(np.sqrt(d_l**2 + d_c**2 + d_h**2 + bend * d_c * d_h))


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
        ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_colour_difference_agrees_with_its_published_pairs(
    one: tuple[float, ...], other: tuple[float, ...], distance: float
) -> None:
    assert ciede2000(np.array(one), np.array(other)) == pytest.approx(distance, abs=1e-4)


def grounds(theme: Theme) -> tuple[str, str, str]:
    return theme.background, theme.surface, theme.raised


@THEMES
def test_every_text_can_be_read_on_every_ground(theme: Theme) -> None:
    for hex in (theme.ink, theme.text, theme.muted):
        assert min(contrast(hex, ground) for ground in grounds(theme)) >= 4.5
    assert min(contrast(theme.zone, ground) for ground in (theme.background, theme.surface)) >= 4.5
    assert contrast(theme.ink, theme.warning_strip) >= 4.5
    assert contrast(theme.text, theme.warning_strip) >= 4.5


@THEMES
def test_every_mark_stands_out_from_every_ground(theme: Theme) -> None:
    for hex in (theme.glute, theme.hamstring, theme.medius, theme.zone, theme.edge, theme.warning_edge):
        assert min(contrast(hex, ground) for ground in grounds(theme)) >= 3.0
    assert contrast(theme.on_warning, theme.warning) >= 4.5
    assert contrast(theme.on_zone, theme.zone) >= 3.0
    assert contrast(theme.zone, theme.zone_fill) >= 3.0


@THEMES
@pytest.mark.parametrize(("vision", "least"), [("normal", 15), ("protan", 15), ("deutan", 15), ("tritan", 11.5)])
def test_colours_with_a_meaning_are_far_apart_for_every_eye(theme: Theme, vision: str, least: float) -> None:
    meant = ("glute", "hamstring", "medius", "zone", "warning", "muted")
    labs = {name: lab(getattr(theme, name), vision) for name in meant}
    distances = {(one, other): ciede2000(labs[one], labs[other]) for one, other in combinations(meant, 2)}
    closest = min(distances, key=lambda pair: distances[pair])
    assert distances[closest] >= least, f"{closest}: {distances[closest]:.1f}"


def test_no_text_is_smaller_than_ten_points_and_no_far_text_than_sixty_four() -> None:
    for role in Type:
        assert role.value[0] >= (64 if role.name.startswith("FAR") else 10), role
