"""The toolkit itself: what this program needs of it, and has been let down by."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QPointF


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_qt_gives_back_every_none_that_it_takes() -> None:
    """PySide6 6.12.0 loses one reference to None with every call that returns nothing: seconds later the program dies."""
    point, before = QPointF(), sys.getrefcount(None)
    for _ in range(1000):
        point.setX(1.0)
    assert sys.getrefcount(None) > before - 500
