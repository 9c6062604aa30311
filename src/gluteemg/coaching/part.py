"""One step of a plan while it goes on: what every kind of them can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from gluteemg.activation.calibration import Calibration
from gluteemg.activation.frame import FRAME_RATE_HZ, Frames
from gluteemg.activation.rep import Rep
from gluteemg.coaching.cue import Cue
from gluteemg.sensors.source import Event

Key = Literal["start", "skip", "end_set", "decline", "cramp", "hurts"]
"""What a person can ask for at any time, beside pause and stop: begin or go on at once; leave this step out; end this set; not
this change; something cramps; something hurts."""


class Now(NamedTuple):
    """What came: frames, at least one; repetitions that were decided in them; the calibration in force."""

    frames: Frames
    reps: Sequence[Rep] = ()
    calibration: Calibration | None = None

    @property
    def first(self) -> int:
        """Grid index of the first frame."""
        return int(self.frames.index[0])

    @property
    def last(self) -> int:
        """Grid index of the last frame."""
        return int(self.frames.index[-1])


class Told(NamedTuple):
    """What a step gives for some frames: what to show, and what is to be put between the packets."""

    cue: Cue
    events: tuple[Event, ...] = ()


class Part(Protocol):
    """One step of a plan. Time is that of the frames; while the person pauses, none pass."""

    @property
    def done(self) -> bool:
        """Whether nothing is left of it."""
        ...

    @property
    def counts(self) -> bool:
        """Whether repetitions are looked for now."""
        ...

    def feed(self, now: Now, /) -> Told:
        """Take what came next."""
        ...

    def press(self, key: Key, /) -> None:
        """Take what the person asks for; what means nothing here is passed over."""
        ...

    def paused(self, n_frames: int, /) -> None:
        """Go on after so many frames that were not fed: clocks stand, what is being measured begins again."""
        ...


def seconds(n_frames: int) -> float:
    """Give the length of a run of frames."""
    return n_frames / FRAME_RATE_HZ


def frames_of(length_s: float) -> int:
    """Give how many frames a time takes."""
    return round(length_s * FRAME_RATE_HZ)
