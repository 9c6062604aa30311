"""A recording as a source: the same items, in the same order, through the same door."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing

import anyio
from anyio.lowlevel import checkpoint

from gluteemg.activation.calibration import Calibration, recalibrated
from gluteemg.recording.file import Recording
from gluteemg.sensors.profile import FirmwareProfile
from gluteemg.sensors.source import Event, Item, Packet

_PACED_BLOCK_S = 1.0
"""Session time read at once while pacing (chosen: a few milliseconds of reading, well within the wait that follows)."""


class ReplaySource:
    """Streams a recording as its sensors did.

    Parameters
    ----------
    recording : Recording
        What to replay.
    speed : float, optional
        1 keeps the time between packets, 2 halves it; more than 0. Without it, as fast as they can be taken.
    calibration : Calibration, optional
        Takes the place of every recorded one, or holds from the start where none was recorded.
    block_s : float
        Session time given at once, where no time is kept. Frames do not depend on it; a coach looks up once in each.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        speed: float | None = None,
        calibration: Calibration | None = None,
        block_s: float = 20.0,
    ) -> None:
        self._recording = recording
        self._speed, self._block_s = speed, block_s
        self._calibration = calibration

    @property
    def profiles(self) -> Mapping[str, FirmwareProfile]:
        """Profile of each sensor, by the sensor's name."""
        return self._recording.profiles

    async def batches(self) -> AsyncGenerator[Sequence[Item], None]:
        """Yield items in order; end with the recording.

        Yields
        ------
        sequence of Item
            About `block_s` of the session, or what is due by now if paced.
        """
        if self._calibration is not None and not self._recording.told(Calibration.kind):
            yield [Event("calibration", self._calibration.to_json())]
        async with aclosing(self._recorded()) as blocks:
            async for block in blocks:
                yield block if self._calibration is None else recalibrated(block, self._calibration)

    async def _recorded(self) -> AsyncGenerator[Sequence[Item], None]:
        if self._speed is None:
            with closing(self._recording.items(self._block_s)) as blocks:
                for block in blocks:
                    yield block
                    await checkpoint()  # others on the loop get their turn
            return
        start_s = anyio.current_time()
        with closing(self._recording.items(_PACED_BLOCK_S)) as blocks:
            for block, due_s in _timed(blocks, self._speed):
                first = 0
                while first < len(block):
                    await anyio.sleep(max(0.0, start_s + due_s[first] - anyio.current_time()))
                    end, passed_s = first + 1, anyio.current_time() - start_s
                    while end < len(block) and due_s[end] <= passed_s:
                        end += 1
                    yield block[first:end]
                    first = end


def _timed(blocks: Iterable[Sequence[Item]], speed: float) -> Iterator[tuple[Sequence[Item], list[float]]]:
    """Give each block with the seconds that its items wait from the start; an event is due with the packet before it."""
    zero_ns: int | None = None
    due_s = 0.0
    for block in blocks:
        dues_s = []
        for item in block:
            if isinstance(item, Packet):
                zero_ns = item.t_ns if zero_ns is None else zero_ns
                due_s = (item.t_ns - zero_ns) / 1e9 / speed
            dues_s.append(due_s)
        yield block, dues_s
