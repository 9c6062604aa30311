"""The gauge's geometry."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPointF

from gluteemg.ui.gauge import END, GaugePlace, angle_of
from gluteemg.ui.phase_ring import spans

PLACE = GaugePlace(640, 424, 272, 54, far=False)


@pytest.mark.parametrize(("share", "angle"), [(1 / 5, 180), (1 / 3, 135), (1 / 2, 90), (2 / 3, 45), (4 / 5, 0)])
def test_shares_of_one_to_four_stand_at_equal_steps(share: float, angle: float) -> None:
    assert angle_of(math.log(share / (1 - share))) == pytest.approx(angle)


@pytest.mark.parametrize("ln_ratio", [-9.0, -END, END, 9.0])
def test_beyond_the_ends_the_needle_rests_at_the_end(ln_ratio: float) -> None:
    assert angle_of(ln_ratio) == pytest.approx(0 if ln_ratio > 0 else 180)


def test_an_uncertainty_has_the_same_width_everywhere() -> None:
    widths = {round(angle_of(at - 0.14) - angle_of(at + 0.14), 9) for at in (-1.0, 0.0, 1.0)}
    assert len(widths) == 1


def test_hamstrings_pull_to_the_left_and_glutes_to_the_right() -> None:
    assert PLACE.at(-END) == QPointF(640 - 272, 424)
    assert PLACE.at(END) == QPointF(640 + 272, 424)
    assert PLACE.at(0.0).y() == pytest.approx(424 - 272)


def test_a_piece_of_the_ring_spans_its_width() -> None:
    box = PLACE.piece(-END, END).boundingRect()
    assert (box.left(), box.right()) == pytest.approx((640 - 299, 640 + 299), abs=0.5)
    assert box.top() == pytest.approx(424 - 299, abs=0.5)


def test_phases_share_the_ring_by_their_planned_time() -> None:
    lift, hold, lower = spans((2.0, 1.0, 3.0))
    assert lift == pytest.approx((2.5, 115))
    assert hold == pytest.approx((122.5, 55))
    assert lower == pytest.approx((182.5, 175))
    assert spans((10.0,)) == [(0.0, 360.0)]
