"""What is to be said, without the words: they stand in ``texts/<language>.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A text by its id, with what fills it."""

    id: str
    fills: Mapping[str, str | int | float] = field(default_factory=dict)
